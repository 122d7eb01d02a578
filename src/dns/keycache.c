// Decoded keys by owner and RDATA: a hash table with chains, and a list by last use.
#include "dns/key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct dns_key *key; // NULL: free
	uint64_t hash;
	size_t next;         // in its chain
	size_t older, newer; // by last use; all as index + 1, 0 is none
};

struct dns_key_cache {
	size_t max, used;
	size_t oldest, newest;
	size_t buckets; // a power of two
	size_t *bucket;
	struct entry *entry;
};

struct dns_key_cache *dns_key_cache_new(size_t max_keys)
{
	assert(max_keys > 0);
	struct dns_key_cache *cache = calloc(1, sizeof *cache);
	if (cache == NULL)
		return NULL;
	cache->max = max_keys;
	for (cache->buckets = 8; cache->buckets < max_keys;)
		cache->buckets *= 2;
	cache->bucket = calloc(cache->buckets, sizeof *cache->bucket);
	cache->entry = calloc(max_keys, sizeof *cache->entry);
	if (cache->bucket != NULL && cache->entry != NULL)
		return cache;
	dns_key_cache_free(cache);
	return NULL;
}

void dns_key_cache_free(struct dns_key_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->used; i++)
		dns_key_unref(cache->entry[i].key);
	free(cache->bucket);
	free(cache->entry);
	free(cache);
}

static uint64_t hash_key(const uint8_t *owner, const struct dns_rdata *rdata)
{
	uint64_t hash = dns_name_hash(owner);
	for (size_t i = 0; i < rdata->length; i++)
		hash = (hash ^ rdata->octets[i]) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

static size_t *bucket_of(struct dns_key_cache *cache, uint64_t hash)
{
	return &cache->bucket[hash & (cache->buckets - 1)];
}

static bool holds(const struct entry *entry, uint64_t hash, const uint8_t *owner,
        const struct dns_rdata *rdata)
{
	if (entry->hash != hash)
		return false;
	const struct dns_rdata *kept = dns_key_rdata(entry->key);
	return kept->length == rdata->length &&
	       memcmp(kept->octets, rdata->octets, kept->length) == 0 &&
	       dns_name_equal(dns_key_owner(entry->key), owner);
}

static void leave_list(struct dns_key_cache *cache, size_t at)
{
	const struct entry *e = &cache->entry[at - 1];
	*(e->older != 0 ? &cache->entry[e->older - 1].newer : &cache->oldest) = e->newer;
	*(e->newer != 0 ? &cache->entry[e->newer - 1].older : &cache->newest) = e->older;
}

static void join_list(struct dns_key_cache *cache, size_t at)
{
	struct entry *e = &cache->entry[at - 1];
	e->older = cache->newest;
	e->newer = 0;
	*(cache->newest != 0 ? &cache->entry[cache->newest - 1].newer : &cache->oldest) = at;
	cache->newest = at;
}

static void leave_chain(struct dns_key_cache *cache, size_t at)
{
	size_t *link = bucket_of(cache, cache->entry[at - 1].hash);
	while (*link != at)
		link = &cache->entry[*link - 1].next;
	*link = cache->entry[at - 1].next;
}

// A free place: an unused one, or that of the key longest unused.
static size_t take_place(struct dns_key_cache *cache)
{
	if (cache->used < cache->max)
		return ++cache->used;
	size_t at = cache->oldest;
	leave_list(cache, at);
	leave_chain(cache, at);
	dns_key_unref(cache->entry[at - 1].key);
	return at;
}

enum result dns_key_cache_get(struct dns_key_cache *cache, const uint8_t *owner,
        const struct dns_rdata *rdata, struct dns_key **key, struct error *err)
{
	uint64_t hash = hash_key(owner, rdata);
	for (size_t at = *bucket_of(cache, hash); at != 0; at = cache->entry[at - 1].next) {
		if (!holds(&cache->entry[at - 1], hash, owner, rdata))
			continue;
		leave_list(cache, at);
		join_list(cache, at);
		*key = dns_key_ref(cache->entry[at - 1].key);
		return RESULT_OK;
	}
	struct dns_key *new;
	enum result result = dns_key_new(owner, rdata, &new, err);
	if (result != RESULT_OK)
		return result;
	size_t at = take_place(cache), *bucket = bucket_of(cache, hash);
	cache->entry[at - 1] = (struct entry){.key = new, .hash = hash, .next = *bucket};
	*bucket = at;
	join_list(cache, at);
	*key = dns_key_ref(new);
	return RESULT_OK;
}
