// RRsets: what the rest of Baton reads out of messages.
//
//     const struct dns_rrset *set = dns_message_find(&message, DNS_ANSWER, zone, DNS_TYPE_DNSKEY);
//     for (size_t i = 0; set != NULL && i < set->count; i++)
//             show(set->rdata[i].octets, set->rdata[i].length);
//
// Plain structs that point into an arena or into other memory of the caller; nothing here has to be
// freed. RDATA is in wire form with embedded names uncompressed and in the case in which they came.
// Equal records are listed as often as they came; the canonical form (verify.h) has them once.
#pragma once

#include "base/arena.h"
#include "dns/name.h"
#include "dns/type.h"

struct dns_rdata {
	const uint8_t *octets;
	uint16_t length;
};

struct dns_rrset {
	const uint8_t *owner; // wire name
	uint16_t type, rclass;
	uint32_t ttl_s;     // the smallest of the records' TTLs (RFC 2181 5.2), without its RRSIGs'
	uint32_t ttl_max_s; // the largest: what a cache that is not careful may use
	size_t count;
	const struct dns_rdata *rdata; // count of them
	// Its RRSIG records' RDATA: those with the same owner and class that cover this type. A set
	// whose records are missing, but whose signatures came, has count 0.
	size_t signature_count;
	const struct dns_rdata *signatures;
	uint32_t signature_ttl_max_s; // the largest TTL among the RRSIG records
};

// Whether two RDATAs of one type are equal: names in RDATA without regard to case where the type's
// canonical form has them in lower case (RFC 4034 6.2).
bool dns_rdata_equal(uint16_t type, const struct dns_rdata *a, const struct dns_rdata *b);

// RDATA with uncompressed names to the canonical form of its type (RFC 4034 6.2, RFC 6840 5.1), in
// place. False where it does not have the form of its type; what is before the fault may have
// changed then. Types that Baton does not look into stay as they are.
bool dns_rdata_canonicalise(uint16_t type, uint8_t *octets, size_t n);
