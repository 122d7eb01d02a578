#include "dns/key.h"

#include "base/hex.h"
#include "dns/crypto.h"
#include "dns/rdata.h"

#include <assert.h>
#include <libknot/wire.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_OCTETS  4 // flags, protocol, algorithm
#define PARSE_OCTETS (256u << 10)
#define RSAMD5       1

struct dns_key {
	unsigned references;
	struct dns_name owner;
	size_t owner_length;
	uint16_t tag;
	bool decoded; // public says the result
	struct dns_public *public;
	struct dns_rdata rdata;
	uint8_t octets[];
};

// RFC 4034 appendix B: a sum over the RDATA; B.1: algorithm 1 takes it from the modulus instead.
static uint16_t compute_tag(const uint8_t *octets, size_t n)
{
	if (octets[3] == RSAMD5)
		return n < HEAD_OCTETS + 3 ? 0 : knot_wire_read_u16(octets + n - 3);
	uint32_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)octets[i] << 8 : octets[i];
	return (uint16_t)(sum + (sum >> 16));
}

enum result dns_key_new(const uint8_t *owner, const struct dns_rdata *rdata, struct dns_key **key,
        struct error *err)
{
	if (rdata->length < HEAD_OCTETS)
		return error_set(err, RESULT_INPUT,
		        "a DNSKEY record of %u octets is too short: at least 4 are needed",
		        rdata->length);
	struct dns_key *new = calloc(1, sizeof *new + rdata->length);
	if (new == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a key");
	new->references = 1;
	dns_name_lower(&new->owner, owner);
	new->owner_length = dns_name_length(owner);
	memcpy(new->octets, rdata->octets, rdata->length);
	new->rdata = (struct dns_rdata){new->octets, rdata->length};
	new->tag = compute_tag(new->octets, rdata->length);
	*key = new;
	return RESULT_OK;
}

enum result dns_key_parse(
        const uint8_t *owner, const char *text, struct dns_key **key, struct error *err)
{
	struct arena *arena = arena_new(PARSE_OCTETS);
	if (arena == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a key");
	struct dns_rdata rdata;
	enum result result = dns_rdata_parse(arena, DNS_TYPE_DNSKEY, text, NULL, &rdata, err);
	if (result == RESULT_OK)
		result = dns_key_new(owner, &rdata, key, err);
	arena_free(arena);
	return result;
}

struct dns_key *dns_key_ref(struct dns_key *key)
{
	assert(key->references > 0);
	key->references++;
	return key;
}

void dns_key_unref(struct dns_key *key)
{
	if (key == NULL || --key->references > 0)
		return;
	dns_public_free(key->public);
	free(key);
}

const uint8_t *dns_key_owner(const struct dns_key *key)
{
	return key->owner.wire;
}

const struct dns_rdata *dns_key_rdata(const struct dns_key *key)
{
	return &key->rdata;
}

static uint16_t key_flags(const struct dns_key *key)
{
	return knot_wire_read_u16(key->octets);
}

static uint8_t key_protocol(const struct dns_key *key)
{
	return key->octets[2];
}

uint8_t dns_key_algorithm(const struct dns_key *key)
{
	return key->octets[3];
}

uint16_t dns_key_tag(const struct dns_key *key)
{
	return key->tag;
}

struct dns_public *dns_key_public(struct dns_key *key)
{
	if (!key->decoded) {
		key->public = dns_public_decode(dns_key_algorithm(key), key->octets + HEAD_OCTETS,
		        key->rdata.length - (size_t)HEAD_OCTETS);
		key->decoded = true;
	}
	return key->public;
}

bool dns_key_is_decodable(struct dns_key *key)
{
	return dns_key_public(key) != NULL;
}

bool dns_key_verify(struct dns_key *key, const uint8_t *data, size_t length,
        const uint8_t *signature, size_t signature_length)
{
	struct dns_public *public = dns_key_public(key);
	return public != NULL &&
	       dns_public_verify(public, data, length, signature, signature_length);
}

bool dns_key_is_zone_key(const struct dns_key *key)
{
	return (key_flags(key) & DNS_KEY_ZONE) != 0 && key_protocol(key) == 3;
}

bool dns_key_is_sep(const struct dns_key *key)
{
	return (key_flags(key) & DNS_KEY_SEP) != 0;
}

bool dns_key_is_revoked(const struct dns_key *key)
{
	return (key_flags(key) & DNS_KEY_REVOKE) != 0;
}

bool dns_key_equal(const struct dns_key *a, const struct dns_key *b)
{
	return a == b || (a->rdata.length == b->rdata.length &&
	                         memcmp(a->octets, b->octets, a->rdata.length) == 0 &&
	                         dns_name_equal(a->owner.wire, b->owner.wire));
}

char *dns_key_id(const struct dns_key *key, char *buf)
{
	uint8_t digest[DNS_DS_DIGEST_MAX] = {0};
	dns_digest_compute(DNS_DIGEST_SHA256, key->owner.wire, key->owner_length, key->octets,
	        key->rdata.length, digest);
	return hex_lower(digest, 32, buf);
}

char *dns_key_text(const struct dns_key *key, struct arena *arena)
{
	return dns_rdata_text(arena, DNS_TYPE_DNSKEY, &key->rdata);
}

static bool known(const struct dns_keys *keys, const struct dns_key *key)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (dns_key_equal(keys->key[i], key))
			return true;
	}
	return false;
}

static enum result get_key(const uint8_t *owner, const struct dns_rdata *rdata,
        struct dns_key_cache *cache, struct dns_key **key, struct error *err)
{
	if (cache == NULL)
		return dns_key_new(owner, rdata, key, err);
	return dns_key_cache_get(cache, owner, rdata, key, err);
}

enum result dns_keys_from_rrset(struct arena *arena, const struct dns_rrset *rrset,
        struct dns_key_cache *cache, struct dns_keys *keys, struct error *err)
{
	if (rrset->count > DNS_KEYS_MAX)
		return error_set(err, RESULT_LIMIT, "a set of %zu keys: more than %d are not read",
		        rrset->count, DNS_KEYS_MAX);
	struct dns_keys found = {0, arena_array(arena, rrset->count, sizeof *found.key)};
	if (found.key == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for %zu keys", rrset->count);
	for (size_t i = 0; i < rrset->count; i++) {
		struct dns_key *key;
		enum result result = get_key(rrset->owner, &rrset->rdata[i], cache, &key, err);
		if (result != RESULT_OK) {
			dns_keys_clear(&found);
			return result;
		}
		if (known(&found, key))
			dns_key_unref(key);
		else
			found.key[found.count++] = key;
	}
	*keys = found;
	return RESULT_OK;
}

void dns_keys_clear(struct dns_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		dns_key_unref(keys->key[i]);
	*keys = (struct dns_keys){0};
}
