// What a zone is like, in numbers: what a plan of a change needs to know about it.
//
//     struct zone_facts facts;
//     zone_facts_collect(zone, now_s, &facts);
//     facts.data_ttl_max_s;             // how long caches may keep anything of its data
//     facts.first.at_s;                 // when the first signature ends
//
// One pass over the zone; nothing is allocated. Names point into the zone. Times are seconds since
// the Unix epoch, RRSIG dates read around now_s (RFC 4034 3.1.5).
#pragma once

#include "zone/zone.h"

#define ZONE_FACTS_TYPES    128
#define ZONE_FACTS_SIGNERS  64
#define ZONE_FACTS_HEADROOM 9

// The sets of one type, signatures (as type RRSIG) included.
struct zone_facts_type {
	uint16_t type;
	uint64_t sets, records; // of RRSIG: sets that are signed
	uint32_t ttl_s, ttl_max_s;
	const uint8_t *longest; // the first owner with the largest TTL
};

// A key that signatures name, or that is in the DNSKEY set.
struct zone_facts_signer {
	uint16_t tag, flags; // flags: 0 where it is not published
	uint8_t algorithm;
	bool is_published;
	unsigned sharing; // published keys with this tag and algorithm: more than one is bad luck
	uint64_t signatures, dnskey_signatures; // all that it made, and those over the DNSKEY set
	int64_t earliest_s;                     // 0 where it made none
};

struct zone_facts_expiry {
	int64_t at_s; // 0 where there are no signatures
	const uint8_t *owner;
	uint16_t type;
};

struct zone_facts {
	uint64_t records, sets, signatures;
	uint64_t names; // that exist: with records, without those that have NSEC3 only
	uint64_t empty, delegations, signed_delegations, below; // below: glue and occluded names
	uint32_t serial, negative_ttl_s;                        // RFC 2308 5
	uint32_t ns_ttl_max_s, dnskey_ttl_max_s;                // at the apex
	uint32_t data_ttl_max_s; // all other records, with their signatures
	size_t type_count;
	struct zone_facts_type types[ZONE_FACTS_TYPES]; // in order of type
	uint64_t types_left_out;
	size_t signer_count;
	struct zone_facts_signer signers[ZONE_FACTS_SIGNERS];
	uint64_t signers_left_out;                 // signatures of further keys
	size_t dnskey_count, dnskey_answer_octets; // a DNSKEY answer with signatures and EDNS
	struct zone_facts_expiry first, last;      // signature to end
	uint64_t not_yet;                          // signatures whose inception is to come
	uint64_t headroom[ZONE_FACTS_HEADROOM];    // signatures by the time they have left

	uint64_t nsec, nsec3, opt_out; // records; opt_out: NSEC3 records with the flag
	// Of the NSEC3PARAM record without flags, or, where there is none, of the first NSEC3
	// record.
	bool has_nsec3;
	const uint8_t *nsec3_parameters; // hash, flags, iterations (2), salt length, salt
	uint64_t nsec3_other;            // NSEC3 records with other parameters
};

void zone_facts_collect(const struct zone *zone, int64_t now_s, struct zone_facts *facts);

// "expired", "less than 1 h", … "30 d and more"; i < ZONE_FACTS_HEADROOM. Never NULL.
const char *zone_facts_headroom_text(size_t i);
