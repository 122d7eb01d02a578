// NSEC3 records and their hashes (RFC 5155 3, 5).
#include "zone/nsec3_internal.h"

#include <string.h>

struct nsec3_parameters nsec3_read_parameters(const struct dns_rdata *rdata)
{
	const uint8_t *at = rdata->octets;
	return (struct nsec3_parameters){.algorithm = at[0],
	        .iterations = (uint16_t)(at[2] << 8 | at[3]),
	        .salt_length = at[4],
	        .salt = at + 5};
}

struct nsec3_fields nsec3_read(const struct dns_rdata *rdata)
{
	const uint8_t *at = rdata->octets;
	struct nsec3_fields fields = {.parameters = nsec3_read_parameters(rdata), .flags = at[1]};
	at += 5 + fields.parameters.salt_length;
	fields.next_length = at[0];
	fields.next = at + 1;
	fields.bitmap = at + 1 + at[0];
	fields.bitmap_length = (size_t)(rdata->octets + rdata->length - fields.bitmap);
	return fields;
}

bool nsec3_parameters_equal(const struct nsec3_parameters *a, const struct nsec3_parameters *b)
{
	return a->algorithm == b->algorithm && a->iterations == b->iterations &&
	       a->salt_length == b->salt_length && memcmp(a->salt, b->salt, a->salt_length) == 0;
}

bool nsec3_hash(const struct nsec3_chain *chain, EVP_MD_CTX *hashing, const uint8_t *name,
        uint8_t hash[NSEC3_HASH])
{
	const struct nsec3_parameters *p = &chain->parameters;
	const uint8_t *octets = name;
	size_t n = dns_name_length(name);
	for (unsigned round = 0; round <= p->iterations; round++) {
		if (EVP_DigestInit_ex2(hashing, chain->sha1, NULL) != 1 ||
		        EVP_DigestUpdate(hashing, octets, n) != 1 ||
		        EVP_DigestUpdate(hashing, p->salt, p->salt_length) != 1 ||
		        EVP_DigestFinal_ex(hashing, hash, NULL) != 1)
			return false;
		octets = hash;
		n = NSEC3_HASH;
	}
	return true;
}

char *nsec3_hash_text(const uint8_t hash[NSEC3_HASH], char *text)
{
	for (unsigned i = 0; i < NSEC3_TEXT - 1; i++) {
		unsigned bit = i * 5, value = (unsigned)hash[bit / 8] << 8;
		if (bit / 8 + 1 < NSEC3_HASH)
			value |= hash[bit / 8 + 1];
		text[i] = "0123456789abcdefghijklmnopqrstuv"[value >> (11 - bit % 8) & 31];
	}
	text[NSEC3_TEXT - 1] = '\0';
	return text;
}

// How many records are before this hash.
static size_t lower_bound(const struct nsec3_chain *chain, const uint8_t hash[NSEC3_HASH])
{
	size_t low = 0, high = chain->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp(chain->records[middle].hash, hash, NSEC3_HASH) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct nsec3_record *nsec3_find(const struct nsec3_chain *chain, const uint8_t hash[NSEC3_HASH])
{
	size_t i = lower_bound(chain, hash);
	bool found = i < chain->count && memcmp(chain->records[i].hash, hash, NSEC3_HASH) == 0;
	return found ? &chain->records[i] : NULL;
}

const struct nsec3_record *nsec3_before(
        const struct nsec3_chain *chain, const uint8_t hash[NSEC3_HASH])
{
	if (chain->count == 0)
		return NULL;
	size_t i = lower_bound(chain, hash);
	return &chain->records[i > 0 ? i - 1 : chain->count - 1];
}
