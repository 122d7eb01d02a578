#include "bulk/pace.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 4096,
	MAX_ADDRESSES = 1000000,
	PARENT_QUERIES = 3,   // DS, delegation, DNSKEY
	OPERATOR_QUERIES = 7, // SOA, NS, DNSKEY, CDS, CDNSKEY, two proofs of absence
};

struct known {
	struct address address;
	int64_t free_ms;
	uint32_t next; // in its bucket; 0: none, otherwise one more than the number
};

struct bulk_pace {
	unsigned each, all;
	int64_t free_ms;
	uint32_t count, capacity, bucket[BUCKETS];
	struct known *known;
};

struct bulk_pace *bulk_pace_new(unsigned each, unsigned all)
{
	struct bulk_pace *pace = calloc(1, sizeof *pace);
	if (pace == NULL)
		return NULL;
	pace->each = each;
	pace->all = all;
	pace->free_ms = TIME_EVER_MS;
	return pace;
}

void bulk_pace_free(struct bulk_pace *pace)
{
	if (pace == NULL)
		return;
	free(pace->known);
	free(pace);
}

static bool grow(struct bulk_pace *pace)
{
	uint32_t capacity = pace->capacity > 0 ? pace->capacity * 2 : 64;
	struct known *known = realloc(pace->known, capacity * sizeof *known);
	if (known == NULL)
		return false;
	pace->known = known;
	pace->capacity = capacity;
	return true;
}

static enum result number_of(
        struct bulk_pace *pace, const struct address *address, uint32_t *number, struct error *err)
{
	uint32_t *bucket = &pace->bucket[address_hash(address, 0) % BUCKETS];
	for (uint32_t i = *bucket; i > 0; i = pace->known[i - 1].next)
		if (address_equal(&pace->known[i - 1].address, address)) {
			*number = i - 1;
			return RESULT_OK;
		}
	if (pace->count == MAX_ADDRESSES)
		return error_set(
		        err, RESULT_LIMIT, "the zones have more than %d addresses", MAX_ADDRESSES);
	if (pace->count == pace->capacity && !grow(pace))
		return error_set(err, RESULT_MEMORY, "out of memory");
	*number = pace->count++;
	pace->known[*number] =
	        (struct known){.address = *address, .free_ms = TIME_EVER_MS, .next = *bucket};
	*bucket = *number + 1;
	return RESULT_OK;
}

// Name servers inside the zone are asked for at every server: their A and AAAA records.
static uint32_t queries_to(const struct change_definition *d, bool parent)
{
	uint32_t inside = 0;
	for (size_t p = 0; p < d->procedure->party_count; p++)
		for (size_t s = 0; s < d->parties[p].server_count; s++)
			inside += dns_name_is_subdomain(
			        d->parties[p].servers[s].name.wire, d->zone.wire);
	return parent ? PARENT_QUERIES : OPERATOR_QUERIES + (uint32_t)d->sample_count + 2 * inside;
}

enum result bulk_load_find(struct bulk_pace *pace, struct arena *arena,
        const struct change_definition *definition, struct bulk_load *load, struct error *err)
{
	size_t most = 0;
	for (size_t p = 0; p < definition->procedure->party_count; p++)
		for (size_t s = 0; s < definition->parties[p].server_count; s++)
			most += definition->parties[p].servers[s].address_count;
	*load = (struct bulk_load){.costs = arena_array(arena, most + 1, sizeof *load->costs)};
	if (load->costs == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", definition->file);
	for (size_t p = 0; p < definition->procedure->party_count; p++) {
		const struct change_party *party = &definition->parties[p];
		uint32_t queries = queries_to(definition, (int)p == definition->parent);
		for (size_t s = 0; s < party->server_count; s++)
			for (size_t a = 0; a < party->servers[s].address_count; a++) {
				struct bulk_cost *cost = &load->costs[load->count++];
				enum result result = number_of(
				        pace, &party->servers[s].addresses[a], &cost->address, err);
				if (result != RESULT_OK)
					return result;
				cost->queries = queries;
				load->queries += queries;
			}
	}
	return RESULT_OK;
}

int64_t bulk_pace_from_ms(const struct bulk_pace *pace, const struct bulk_load *load)
{
	int64_t from_ms = pace->free_ms;
	for (size_t i = 0; i < load->count; i++)
		if (pace->known[load->costs[i].address].free_ms > from_ms)
			from_ms = pace->known[load->costs[i].address].free_ms;
	return from_ms;
}

// Rounded up, so that a rate is never exceeded.
static int64_t after(int64_t free_ms, int64_t now_ms, uint32_t queries, unsigned rate)
{
	return (free_ms > now_ms ? free_ms : now_ms) + ((int64_t)queries * 1000 + rate - 1) / rate;
}

void bulk_pace_take(struct bulk_pace *pace, const struct bulk_load *load, int64_t now_ms)
{
	pace->free_ms = after(pace->free_ms, now_ms, load->queries, pace->all);
	for (size_t i = 0; i < load->count; i++) {
		struct known *known = &pace->known[load->costs[i].address];
		known->free_ms = after(known->free_ms, now_ms, load->costs[i].queries, pace->each);
	}
}
