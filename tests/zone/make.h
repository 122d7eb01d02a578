// Small signed zones for tests, made record by record so that each part can be made wrong: data,
// denial of existence, signatures. What is made wrong before signing is signed like all the rest,
// so that a test sees one fault at a time.
//
//     struct made *zone = made_new(MADE_NSEC3, now_s);
//     made_base(zone);                               // a zone of twenty names, its two keys
//     made_add(zone, "www 3600 IN A 192.0.2.99");
//     made_chain(zone);                              // NSEC or NSEC3 records
//     made_sign(zone);
//     made_write(zone, "/tmp/example.zone");
//     made_free(zone);
//
// Everything belongs to the made zone. What cannot be done ends the program with a line on standard
// error: tests of what is wrong need no tests of what makes it.
#pragma once

#include <openssl/evp.h>

#include "dns/key.h"
#include "dns/rdata.h"

enum made_kind { MADE_NSEC = 1, MADE_NSEC3 = 2, MADE_OPT_OUT = 4 };

struct made_record {
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl_s;
	struct dns_rdata rdata;
	bool gone;
};

struct made_key {
	EVP_PKEY *pair;
	uint8_t algorithm;
	uint16_t flags, tag;
	struct dns_rdata dnskey;
	bool published;
};

// How one set is signed; a member that is 0 is as it should be.
struct made_how {
	int64_t inception_s, expiration_s;
	uint32_t original_ttl_s;
	int labels;         // -1 or 1: one less or more than there are
	const char *signer; // absolute name
};

#define MADE_KEYS 8

struct made {
	struct arena *arena;
	enum made_kind kind;
	int64_t now_s;
	uint16_t iterations;
	const uint8_t *apex;
	struct made_record *records;
	size_t count, room;
	struct made_key keys[MADE_KEYS];
	size_t key_count;
};

struct made *made_new(enum made_kind kind, int64_t now_s);
void made_free(struct made *zone);

// The data of example., and with key pairs of this algorithm: key 0 is the KSK, key 1 the ZSK.
void made_base(struct made *zone, uint8_t algorithm);
// A record in presentation format, relative to example.
struct made_record *made_add(struct made *zone, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
struct made_record *made_put(struct made *zone, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
        const void *rdata, size_t length);
// A key pair; not in the zone until it is published. Returns its number.
size_t made_key(struct made *zone, uint8_t algorithm, uint16_t flags);
void made_publish(struct made *zone, size_t key);
// Another flags field, with the tag that it makes; for keys that are not published.
void made_key_flags(struct made *zone, size_t key, uint16_t flags);

// Names are relative to example., "@" is the apex.
const uint8_t *made_name(struct made *zone, const char *text);
// The first record; there has to be one.
struct made_record *made_find(struct made *zone, const char *owner, uint16_t type);
// All records of a set, without its signatures; type 0: everything there, with signatures.
void made_drop(struct made *zone, const char *owner, uint16_t type);
// The signatures over a set, and the first of them.
struct made_record *made_signature(struct made *zone, const char *owner, uint16_t type);
void made_drop_signatures(struct made *zone, const char *owner, uint16_t type);
// RDATA that may be changed.
uint8_t *made_octets(struct made *zone, struct made_record *record);

void made_chain(struct made *zone);
// The owner of the NSEC or NSEC3 record of a name.
const char *made_denier(struct made *zone, const char *owner);
void made_sign(struct made *zone);
void made_sign_set(struct made *zone, const char *owner, uint16_t type, size_t key,
        const struct made_how *how);
// A signature in place of those that are there.
void made_sign_anew(struct made *zone, const char *owner, uint16_t type, size_t key,
        const struct made_how *how);
// Digests into the ZONEMD records that are there (made with any digest), and their signature.
void made_digest(struct made *zone);
bool made_is_below_cut(const struct made *zone, const uint8_t *name);

void made_write(struct made *zone, const char *path);
