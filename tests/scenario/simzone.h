// A zone that simulated servers serve: immutable versions of RRsets, signed on the fly with real
// keys, and the answers that a server gives from a version.
//
//     struct simzone *z = simzone_new(arena, "example.test", NULL, keys, key_count);
//     struct simversion *v = simversion_new(z);
//     simversion_put(z, v, "example.test", DNS_TYPE_NS, 3600, texts, 2);
//     v->dnskey_signers = 1; v->data_signers = 2;             // bits over keys
//     n = simzone_answer(z, v, &query, octets, now_s, out, room);
//     struct simversion *next = simversion_copy(z, v);        // to be changed before it is served
//
// A parent zone delegates one child: its NS set is not signed and comes as a referral. Absence is
// proven with NSEC records made for the question (a record at the very name that was asked).
// Everything lives in the arena. Failures end the program.
#pragma once

#include "dns/message.h"
#include "simkey.h"

enum { SIMZONE_RECORDS = 16, SIMZONE_SETS = 24, SIMZONE_SIGNERS = 4, SIMZONE_MESSAGE = 8192 };

struct simrrset {
	struct dns_name owner;
	uint16_t type;
	uint32_t ttl_s;
	size_t count;
	struct dns_rdata rdata[SIMZONE_RECORDS];
	// The signatures that were made last.
	uint64_t signers;
	int64_t epoch;
	size_t signature_count;
	struct dns_rdata signature[SIMZONE_SIGNERS];
};

struct simversion {
	bool serving;
	uint32_t data_ttl_s; // the largest TTL in the zone, said to nobody but the judge
	uint64_t dnskey_signers, data_signers; // bits over the zone's keys
	size_t count;
	struct simrrset *set[SIMZONE_SETS];
};

struct simzone {
	struct arena *arena;
	struct dns_name apex, child;
	bool is_parent;
	struct simkey *const *keys;
	size_t key_count;
	int64_t period_s, validity_s; // signatures are renewed each period, valid for so long
	bool counts_down;             // answers as a cache does, with what is left of each TTL
	size_t denial_count;
	struct simrrset *denial[64];
};

// child NULL: delegates nothing.
struct simzone *simzone_new(struct arena *arena, const char *apex, const char *child,
        struct simkey *const *keys, size_t key_count);
struct simversion *simversion_new(struct simzone *zone);
struct simversion *simversion_copy(struct simzone *zone, const struct simversion *from);

struct simrrset *simversion_find(
        const struct simversion *version, const uint8_t *owner, uint16_t type);
// Replaces the set by these records; none removes it.
void simversion_put(struct simzone *zone, struct simversion *version, const char *owner,
        uint16_t type, uint32_t ttl_s, const char *const *texts, size_t count);
void simversion_put_keys(
        struct simzone *zone, struct simversion *version, uint32_t ttl_s, uint64_t keys);
void simversion_set_ttl(struct simzone *zone, struct simversion *version, const char *owner,
        uint16_t type, uint32_t ttl_s);
// Bits over the zone's keys that the DNSKEY set holds; false where it holds others, too.
bool simversion_keys(const struct simzone *zone, const struct simversion *version, uint64_t *keys);

// Applies an UPDATE message (RFC 2136). Returns the RCODE; *changed says whether anything did.
uint16_t simversion_update(struct simzone *zone, struct simversion *version,
        const struct dns_message *update, bool *changed);

// The response, without TSIG; its length.
size_t simzone_answer(struct simzone *zone, const struct simversion *version,
        const struct dns_message *query, const uint8_t *octets, int64_t now_s, bool tcp,
        uint8_t out[SIMZONE_MESSAGE]);
// A response with this RCODE and no records.
size_t simzone_refuse(
        const uint8_t *query, size_t octets, uint16_t rcode, uint8_t out[SIMZONE_MESSAGE]);
