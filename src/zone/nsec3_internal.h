// Private to src/zone: the NSEC3 records of one set of parameters, in order of hash.
#pragma once

#include "dns/nsec3.h"
#include "zone/check_internal.h"

#include <openssl/evp.h>

#define NSEC3_HASH    DNS_NSEC3_HASH
#define NSEC3_OPT_OUT 1
#define NSEC3_TEXT    33 // base32hex of a hash, and NUL

struct nsec3_parameters {
	uint8_t algorithm, salt_length;
	uint16_t iterations;
	const uint8_t *salt;
};

struct nsec3_record {
	uint8_t hash[NSEC3_HASH];
	bool named; // a name of the zone has this hash; written once or twice, always to true
	uint32_t node;
	const struct dns_rdata *rdata;
};

struct nsec3_chain {
	struct checking *checking;
	struct nsec3_parameters parameters;
	struct nsec3_record *records; // by hash
	size_t count, room;
	EVP_MD *sha1;
	EVP_MD_CTX **hashing; // for each worker
};

// A record that has the form of its type.
struct nsec3_fields {
	struct nsec3_parameters parameters;
	uint8_t flags, next_length;
	const uint8_t *next, *bitmap;
	size_t bitmap_length;
};
struct nsec3_fields nsec3_read(const struct dns_rdata *rdata);
struct nsec3_parameters nsec3_read_parameters(const struct dns_rdata *rdata);
bool nsec3_parameters_equal(const struct nsec3_parameters *a, const struct nsec3_parameters *b);

// RFC 5155 5: the hash of a name in lower case.
bool nsec3_hash(const struct nsec3_chain *chain, EVP_MD_CTX *hashing, const uint8_t *name,
        uint8_t hash[NSEC3_HASH]);
// In base32hex; text has NSEC3_TEXT octets. Returns it.
char *nsec3_hash_text(const uint8_t hash[NSEC3_HASH], char *text);

// The record that has this hash, or NULL; and the record before which it would stand.
struct nsec3_record *nsec3_find(const struct nsec3_chain *chain, const uint8_t hash[NSEC3_HASH]);
// The record whose span covers the hash: the one before it, or the last; NULL where there is none.
const struct nsec3_record *nsec3_before(
        const struct nsec3_chain *chain, const uint8_t hash[NSEC3_HASH]);
