// Private to src/dns: the shape of RDATA, field by field, for the types that Baton looks into.
//
//     for (const char *field = layout->fields; *field != '\0'; field++) {
//             size_t step = dns_field_length(*field, octets + at, n - at);
//             if (step == DNS_FIELD_BROKEN) ...
//             at += step;
//     }
#pragma once

#include "dns/rrset.h"

struct dns_layout {
	uint16_t type;
	// 1 to 9: so many octets; n: a name; s: a character string (a length octet and so many
	// octets); S: one or more of them, to the end; b: a type bitmap to the end (RFC
	// 4034 4.1.2); x: one or more octets to the end; z: any octets to the end.
	const char *fields;
	bool lower; // the canonical form has its names in lower case (RFC 4034 6.2, RFC 6840 5.1)
};

// NULL for types that are not in the table.
const struct dns_layout *dns_layout_find(uint16_t type);

#define DNS_FIELD_BROKEN SIZE_MAX
// How many of the n octets the field takes, or DNS_FIELD_BROKEN where they are no such field.
size_t dns_field_length(char field, const uint8_t *octets, size_t n);

// Whether RDATA has exactly the form of its type; false for types that are not in the table.
bool dns_rdata_is_well_formed(uint16_t type, const struct dns_rdata *rdata);
