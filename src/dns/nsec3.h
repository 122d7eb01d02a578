// Records that prove absence, as they come in an answer: type bitmaps, and NSEC3 records with the
// names that they match and cover (RFC 5155). Whether they are signed is for verify.h.
//
//     struct dns_nsec3 record;
//     if (dns_nsec3_read(set, zone.wire, &record) && dns_nsec3_covers(&record, name))
//             …                                     // there is no such name
//     if (dns_nsec3_matches(&record, name) && !dns_bitmap_has(record.maps, record.maps_length,
//             DNS_TYPE_DS))
//             …                                     // the name has no DS record
//
// A record read points into the set. There are no errors: what cannot be used proves nothing.
#pragma once

#include "dns/rrset.h"

#define DNS_NSEC3_HASH 20 // octets of SHA-1, the only hash of NSEC3

struct dns_nsec3 {
	const struct dns_rrset *set;
	uint8_t owner[DNS_NSEC3_HASH], next[DNS_NSEC3_HASH];
	bool opt_out;
	uint16_t iterations;
	const uint8_t *salt, *maps;
	size_t salt_length, maps_length;
};

// Whether the type is in the octets of type bitmaps (RFC 4034 4.1.2).
bool dns_bitmap_has(const uint8_t *maps, size_t length, uint16_t type);

// The 32 letters of base32hex of which a label consists (RFC 5155 3.3), as octets; false where it
// does not.
bool dns_nsec3_hash_of_label(const uint8_t *label, uint8_t hash[DNS_NSEC3_HASH]);

// false where it is no NSEC3 record of the zone, or has more than 500 iterations, which are
// nobody's protection and everybody's work (RFC 9276).
bool dns_nsec3_read(const struct dns_rrset *set, const uint8_t *zone, struct dns_nsec3 *record);
bool dns_nsec3_matches(const struct dns_nsec3 *record, const uint8_t *name);
bool dns_nsec3_covers(const struct dns_nsec3 *record, const uint8_t *name);
