// Presentation format (RFC 1035 5, RFC 3597): records as people write them.
//
//     struct dns_record r;
//     dns_record_parse(arena, "example. 3600 IN DS 12345 13 2 (49FD...)", NULL, &r, err);
//     dns_rdata_parse(arena, DNS_TYPE_NS, "ns1.example.", NULL, &rdata, err);
//     dns_rdata_text(arena, DNS_TYPE_NS, &rdata);           // "ns1.example."
//
// Parsing is libzscanner's, so every type that Knot DNS knows and \# for the others works. Results
// live in the arena. $INCLUDE is refused. Errors: RESULT_INPUT, RESULT_LIMIT, RESULT_MEMORY.
#pragma once

#include "base/arena.h"
#include "dns/rrset.h"

#define DNS_RECORD_TEXT_MAX (256u << 10) // octets of one record's text

struct dns_record {
	const uint8_t *owner; // wire name, in lower case
	uint16_t type, rclass;
	uint32_t ttl_s;
	struct dns_rdata rdata;
};

// One line. Relative names are under origin, NULL is the root; a missing TTL is 3600 seconds.
enum result dns_record_parse(struct arena *arena, const char *text, const uint8_t *origin,
        struct dns_record *record, struct error *err);
// The RDATA alone.
enum result dns_rdata_parse(struct arena *arena, uint16_t type, const char *text,
        const uint8_t *origin, struct dns_rdata *rdata, struct error *err);

// The text of an RDATA: \# form (RFC 3597) where it is not well formed for its type, or of a type
// that Baton does not look into. NULL without memory.
char *dns_rdata_text(struct arena *arena, uint16_t type, const struct dns_rdata *rdata);
