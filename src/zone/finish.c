// From sorted runs of records to nodes and sets.
#include "zone/build_internal.h"

#include <assert.h>
#include <libknot/wire.h>
#include <stdlib.h>
#include <string.h>

#define FEW_RECORDS 24 // of one node; more are left to qsort()

// A record's place among its node's: the type of its set, the set's records before its signatures,
// and then the canonical order of RDATA (RFC 4034 6.3).
static uint32_t rank(const struct zone_raw *r)
{
	if (r->type != DNS_TYPE_RRSIG)
		return (uint32_t)r->type << 1;
	uint16_t covered = knot_wire_read_u16(r->octets);
	return (uint32_t)covered << 1 | (covered != DNS_TYPE_RRSIG);
}

static int compare_records(const struct zone_raw *a, const struct zone_raw *b)
{
	uint32_t rank_a = rank(a), rank_b = rank(b);
	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->octets, b->octets, shorter);
	return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int compare_pointers(const void *a, const void *b)
{
	return compare_records(
	        *(const struct zone_raw *const *)a, *(const struct zone_raw *const *)b);
}

static void sort_records(const struct zone_raw **records, size_t count)
{
	if (count > FEW_RECORDS) {
		qsort(records, count, sizeof *records, compare_pointers);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		const struct zone_raw *record = records[i];
		size_t at = i;
		for (; at > 0 && compare_records(records[at - 1], record) > 0; at--)
			records[at] = records[at - 1];
		records[at] = record;
	}
}

static void note_ttl(uint32_t ttl_s, bool first, uint32_t *min_s, uint32_t *max_s)
{
	if (first || ttl_s < *min_s)
		*min_s = ttl_s;
	if (first || ttl_s > *max_s)
		*max_s = ttl_s;
}

static void count_record(struct zone_rrset *set, const struct zone_raw *r, bool distinct)
{
	if (r->line < set->line)
		set->line = r->line;
	if (rank(r) & 1) {
		note_ttl(r->ttl_s, set->signature_count == 0, &set->signature_ttl_s,
		        &set->signature_ttl_max_s);
		set->signature_count += distinct;
	} else {
		note_ttl(r->ttl_s, set->count == 0, &set->ttl_s, &set->ttl_max_s);
		set->count += distinct;
	}
}

bool zone_add_sets(struct zone_builder *b, const struct zone_raw **records, size_t count)
{
	struct zone *zone = b->zone;
	sort_records(records, count);
	struct zone_rrset *set = NULL;
	for (size_t i = 0; i < count; i++) {
		if (set == NULL || rank(records[i]) >> 1 != set->type) {
			set = zone_grow(zone->sets, zone->set_count, &b->set_capacity, sizeof *set);
			if (set == NULL)
				return false;
			zone->sets = set;
			set = &zone->sets[zone->set_count++];
			*set = (struct zone_rrset){
			        .type = (uint16_t)(rank(records[i]) >> 1),
			        .node = (uint32_t)(zone->node_count - 1),
			        .line = records[i]->line,
			        .first = (uint32_t)zone->rdata_count,
			};
			zone->nodes[zone->node_count - 1].set_count++;
		}
		bool distinct = i == 0 || compare_records(records[i - 1], records[i]) != 0;
		count_record(set, records[i], distinct);
		if (distinct)
			zone->rdata[zone->rdata_count++] =
			        (struct dns_rdata){records[i]->octets, records[i]->length};
		else
			zone->duplicates++;
	}
	return true;
}

static bool same_run_owner(const struct zone_run *a, const struct zone_run *b)
{
	return a->key[0] == b->key[0] && a->key[1] == b->key[1] &&
	       dns_name_equal(a->owner, b->owner);
}

struct scratch {
	const struct zone_raw **records;
	size_t capacity;
};

// The node of the runs from `from` on that have one owner; *to is the first run of another.
static bool add_owner(struct zone_builder *b, size_t from, size_t *to, struct scratch *scratch)
{
	size_t count = 0, end = from;
	for (; end < b->run_count && same_run_owner(&b->runs[from], &b->runs[end]); end++)
		count += b->runs[end].count;
	if (count > scratch->capacity) {
		const struct zone_raw **more =
		        reallocarray(scratch->records, 2 * count, sizeof *more);
		if (more == NULL)
			return false;
		*scratch = (struct scratch){more, 2 * count};
	}
	assert(scratch->records != NULL); // a run has a record
	count = 0;
	for (size_t i = from; i < end; i++)
		for (size_t k = 0; k < b->runs[i].count; k++)
			scratch->records[count++] = &b->records[b->runs[i].first + k];
	*to = end;
	if (!zone_add_node(b, b->runs[from].owner) || !zone_add_sets(b, scratch->records, count))
		return false;
	zone_judge_node(b);
	return true;
}

static void shrink(void **array, size_t count, size_t size)
{
	void *smaller = reallocarray(*array, count > 0 ? count : 1, size);
	if (smaller != NULL)
		*array = smaller;
}

static enum result check_apex(const struct zone_builder *b, struct error *err)
{
	const struct zone *zone = b->zone;
	const struct zone_rrset *soa = zone_node_find(zone, &zone->nodes[0], DNS_TYPE_SOA);
	if (soa->count > 1)
		return zone_build_error(b, soa->line, RESULT_INPUT, err,
		        "more than one SOA record, at ", zone->apex.wire);
	return RESULT_OK;
}

static enum result build(struct zone_builder *b, struct error *err)
{
	struct zone *zone = b->zone;
	if (!b->has_soa)
		return error_set(err, RESULT_INPUT,
		        "%.200s: no SOA record, so that this is no whole zone", zone->source);
	enum result result = zone_runs_sort(b, err);
	if (result != RESULT_OK)
		return result;
	struct scratch scratch = {0};
	zone->rdata = reallocarray(NULL, b->record_count, sizeof *zone->rdata);
	bool done = zone->rdata != NULL;
	for (size_t i = 0; done && i < b->run_count;)
		done = add_owner(b, i, &i, &scratch);
	free(scratch.records);
	if (!done)
		return error_set(err, RESULT_MEMORY, "%.200s: no memory for %zu records",
		        zone->source, b->record_count);
	return check_apex(b, err);
}

enum result zone_builder_finish(struct zone_builder *builder, struct zone **zone, struct error *err)
{
	enum result result = build(builder, err);
	if (result == RESULT_OK) {
		struct zone *built = builder->zone;
		shrink((void **)&built->nodes, built->node_count, sizeof *built->nodes);
		shrink((void **)&built->sets, built->set_count, sizeof *built->sets);
		*zone = built;
		builder->zone = NULL;
	}
	zone_builder_free(builder);
	return result;
}
