// Two copies of a zone: is the registered data the same?
//
//     struct zone_comparison c;
//     zone_compare(old, new, &(struct zone_compare_options){.found = print}, &c, err);
//     if (c.added == 0 && c.removed == 0) puts("registered data equal");
//
// Registered data is every record but those that belong to how the zone is published: RRSIG, NSEC
// and NSEC3 everywhere; SOA, NS, DNSKEY, NSEC3PARAM, CDS, CDNSKEY, CSYNC and ZONEMD at the apex.
// So do addresses of the zone's own name servers, which change with the operator, unless a
// delegation uses them as well. All these but signatures are compared too, and counted apart. A set
// whose records are equal, but whose TTL is not, is no difference of data: it is counted by type,
// old and new TTL. TTLs are the largest of a set, because that is what waits depend on.
//
// One merge over the two canonical orders; nothing is allocated, and names point into the zones.
// RESULT_INPUT where the two are not the same zone; there are no other errors.
#pragma once

#include "zone/zone.h"

#define ZONE_COMPARE_TTLS 256

enum zone_difference_kind { ZONE_REMOVED, ZONE_ADDED };

struct zone_difference {
	enum zone_difference_kind kind;
	bool apex; // not registered data: of the apex, or an address of the zone's own servers
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl_s;
	const struct dns_rdata *rdata;
};

struct zone_ttl_change {
	uint16_t type;
	bool apex;
	uint32_t old_s, new_s;
	uint64_t sets;
	const uint8_t *owner; // of the first one
};

struct zone_comparison {
	uint64_t sets, records;            // registered data of the new zone
	uint64_t added, removed;           // records of registered data
	uint64_t apex_added, apex_removed; // records that are compared, but are no registered data
	uint64_t ttl_sets;                 // sets of registered data with another TTL
	size_t ttl_count;
	struct zone_ttl_change ttls[ZONE_COMPARE_TTLS];
	uint64_t ttls_left_out;                // sets with TTL changes of further kinds
	uint32_t old_ttl_max_s, new_ttl_max_s; // largest TTL of registered data
};

struct zone_compare_options {
	// Every record that only one of the zones has, in canonical order. May be NULL.
	void (*found)(void *ctx, const struct zone_difference *difference);
	void *ctx;
};

enum result zone_compare(const struct zone *old, const struct zone *new,
        const struct zone_compare_options *options, struct zone_comparison *comparison,
        struct error *err);
