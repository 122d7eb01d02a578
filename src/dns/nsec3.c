#include "dns/nsec3.h"

#include <openssl/evp.h>
#include <string.h>

#include "dns/name.h"

enum {
	HASH_LABEL = 32, // letters
	ITERATIONS_MAX = 500,
	OPT_OUT = 1,
};

bool dns_bitmap_has(const uint8_t *maps, size_t length, uint16_t type)
{
	for (size_t at = 0; length - at >= 2;) {
		uint8_t window = maps[at], octets = maps[at + 1];
		if (octets == 0 || octets > 32 || octets > length - at - 2)
			return false;
		unsigned octet = (type & 0xff) / 8;
		if (window == type >> 8)
			return octet < octets && (maps[at + 2 + octet] & (0x80 >> (type & 7))) != 0;
		at += 2u + octets;
	}
	return false;
}

bool dns_nsec3_hash_of_label(const uint8_t *label, uint8_t hash[DNS_NSEC3_HASH])
{
	uint8_t octets[DNS_NSEC3_HASH], *at = octets;
	uint32_t bits = 0;
	unsigned held = 0;
	if (label[0] != HASH_LABEL)
		return false;
	for (unsigned i = 1; i <= HASH_LABEL; i++) {
		uint8_t c = label[i];
		unsigned value = c >= '0' && c <= '9'   ? c - (unsigned)'0'
		                 : c >= 'a' && c <= 'v' ? c - (unsigned)'a' + 10
		                 : c >= 'A' && c <= 'V' ? c - (unsigned)'A' + 10
		                                        : 32;
		if (value == 32)
			return false;
		bits = bits << 5 | value;
		held += 5;
		if (held >= 8) {
			held -= 8;
			*at++ = (uint8_t)(bits >> held);
		}
	}
	memcpy(hash, octets, sizeof octets);
	return true;
}

bool dns_nsec3_read(const struct dns_rrset *set, const uint8_t *zone, struct dns_nsec3 *out)
{
	const uint8_t *at = set->rdata[0].octets;
	size_t left = set->rdata[0].length;
	if (dns_name_labels(set->owner) == 0 ||
	        !dns_name_equal(dns_name_parent(set->owner), zone) ||
	        !dns_nsec3_hash_of_label(set->owner, out->owner))
		return false;
	if (left < 5 || at[0] != 1 || left < 5u + at[4] + 1 + DNS_NSEC3_HASH)
		return false;
	out->set = set;
	out->opt_out = (at[1] & OPT_OUT) != 0;
	out->iterations = (uint16_t)(at[2] << 8 | at[3]);
	out->salt_length = at[4];
	out->salt = at + 5;
	at += 5 + out->salt_length;
	left -= 5 + out->salt_length;
	if (at[0] != DNS_NSEC3_HASH)
		return false;
	memcpy(out->next, at + 1, DNS_NSEC3_HASH);
	out->maps = at + 1 + DNS_NSEC3_HASH;
	out->maps_length = left - 1 - DNS_NSEC3_HASH;
	return out->iterations <= ITERATIONS_MAX;
}

// RFC 5155 5.
static bool nsec3_hash(
        const struct dns_nsec3 *parameters, const uint8_t *name, uint8_t hash[DNS_NSEC3_HASH])
{
	struct dns_name lower;
	uint8_t text[DNS_NAME_MAX + 255];
	dns_name_lower(&lower, name);
	size_t length = dns_name_length(lower.wire);
	memcpy(text, lower.wire, length);
	for (unsigned round = 0; round <= parameters->iterations; round++) {
		memcpy(text + length, parameters->salt, parameters->salt_length);
		if (EVP_Digest(text, length + parameters->salt_length, hash, NULL, EVP_sha1(),
		            NULL) != 1)
			return false;
		memcpy(text, hash, DNS_NSEC3_HASH);
		length = DNS_NSEC3_HASH;
	}
	return true;
}

bool dns_nsec3_matches(const struct dns_nsec3 *record, const uint8_t *name)
{
	uint8_t hash[DNS_NSEC3_HASH];
	return nsec3_hash(record, name, hash) && memcmp(hash, record->owner, DNS_NSEC3_HASH) == 0;
}

static bool is_before(const uint8_t a[DNS_NSEC3_HASH], const uint8_t b[DNS_NSEC3_HASH])
{
	size_t i = 0;
	while (i < DNS_NSEC3_HASH - 1 && a[i] == b[i])
		i++;
	return a[i] < b[i];
}

bool dns_nsec3_covers(const struct dns_nsec3 *record, const uint8_t *name)
{
	uint8_t hash[DNS_NSEC3_HASH];
	if (!nsec3_hash(record, name, hash))
		return false;
	bool after = is_before(record->owner, hash), before = is_before(hash, record->next);
	// The last record's next is the first owner.
	return is_before(record->owner, record->next) ? after && before : after || before;
}
