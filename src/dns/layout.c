#include "dns/layout.h"

// By type. RFC 4034 6.2 lists NSEC as well, which RFC 6840 5.1 took back; A6 is not treated.
static const struct dns_layout layouts[] = {
        {1, "4", false},     // A
        {2, "n", true},      // NS
        {3, "n", true},      // MD
        {4, "n", true},      // MF
        {5, "n", true},      // CNAME
        {6, "nn992", true},  // SOA
        {7, "n", true},      // MB
        {8, "n", true},      // MG
        {9, "n", true},      // MR
        {12, "n", true},     // PTR
        {13, "ss", false},   // HINFO
        {14, "nn", true},    // MINFO
        {15, "2n", true},    // MX
        {16, "S", false},    // TXT
        {17, "nn", true},    // RP
        {18, "2n", true},    // AFSDB
        {21, "2n", true},    // RT
        {24, "99nx", true},  // SIG
        {26, "2nn", true},   // PX
        {28, "97", false},   // AAAA
        {30, "nz", true},    // NXT
        {33, "6n", true},    // SRV
        {35, "4sssn", true}, // NAPTR
        {36, "2n", true},    // KX
        {39, "n", true},     // DNAME
        {43, "4x", false},   // DS
        {44, "2x", false},   // SSHFP
        {46, "99nx", true},  // RRSIG
        {47, "nb", false},   // NSEC
        {48, "4x", false},   // DNSKEY
        {50, "4ssb", false}, // NSEC3
        {51, "4s", false},   // NSEC3PARAM
        {52, "3x", false},   // TLSA
        {59, "4x", false},   // CDS
        {60, "4x", false},   // CDNSKEY
        {62, "6b", false},   // CSYNC
        {63, "6x", false},   // ZONEMD
        {257, "1sz", false}, // CAA
};

const struct dns_layout *dns_layout_find(uint16_t type)
{
	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
		if (layouts[i].type == type)
			return &layouts[i];
	}
	return NULL;
}

static size_t name_length(const uint8_t *octets, size_t n)
{
	struct dns_name name;
	size_t length;
	if (dns_name_check(octets, n, &name, &length, NULL) != RESULT_OK)
		return DNS_FIELD_BROKEN;
	return length;
}

static size_t string_length(const uint8_t *octets, size_t n)
{
	return n == 0 || octets[0] >= n ? DNS_FIELD_BROKEN : (size_t)octets[0] + 1;
}

static size_t strings_length(const uint8_t *octets, size_t n)
{
	size_t at = 0;
	do {
		size_t step = string_length(octets + at, n - at);
		if (step == DNS_FIELD_BROKEN)
			return step;
		at += step;
	} while (at < n);
	return n;
}

// RFC 4034 4.1.2: windows in rising order, each with a length of 1 to 32 octets.
static size_t bitmap_length(const uint8_t *octets, size_t n)
{
	int window = -1;
	for (size_t at = 0; at < n; at += 2 + (size_t)octets[at + 1]) {
		if (n - at < 2 || octets[at] <= window || octets[at + 1] == 0 ||
		        octets[at + 1] > 32 || octets[at + 1] > n - at - 2)
			return DNS_FIELD_BROKEN;
		window = octets[at];
	}
	return n;
}

size_t dns_field_length(char field, const uint8_t *octets, size_t n)
{
	switch (field) {
	case 'n':
		return name_length(octets, n);
	case 's':
		return string_length(octets, n);
	case 'S':
		return strings_length(octets, n);
	case 'b':
		return bitmap_length(octets, n);
	case 'x':
		return n == 0 ? DNS_FIELD_BROKEN : n;
	case 'z':
		return n;
	default:
		return (size_t)(field - '0') > n ? DNS_FIELD_BROKEN : (size_t)(field - '0');
	}
}

bool dns_rdata_is_well_formed(uint16_t type, const struct dns_rdata *rdata)
{
	const struct dns_layout *layout = dns_layout_find(type);
	if (layout == NULL)
		return false;
	size_t at = 0;
	for (const char *field = layout->fields; *field != '\0'; field++) {
		size_t step = dns_field_length(*field, rdata->octets + at, rdata->length - at);
		if (step == DNS_FIELD_BROKEN)
			return false;
		at += step;
	}
	return at == rdata->length;
}
