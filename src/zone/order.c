// The order of names: runs of records, sorted by a key that holds what usually decides.
#include "zone/build_internal.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define KEY_OCTETS 16

// The labels from the one nearest to the apex on, each ended by an octet 0, so that a name comes
// before the names below it. So that this order is that of RFC 4034 6.1 for every octet, the octets
// 0 and 1 within a label are written as 1 1 and 1 2.
static void make_key(const uint8_t *owner, size_t labels, uint64_t key[static 2])
{
	uint8_t octets[KEY_OCTETS + 1] = {0};
	const uint8_t *label[DNS_NAME_MAX];
	size_t n = 0, at = 0;
	for (; n < labels; owner += *owner + 1)
		label[n++] = owner;
	while (n > 0 && at < KEY_OCTETS) {
		const uint8_t *l = label[--n];
		for (size_t i = 1; i <= *l && at < KEY_OCTETS; i++) {
			if (l[i] > 1) {
				octets[at++] = l[i];
				continue;
			}
			octets[at++] = 1;
			octets[at++] = (uint8_t)(l[i] + 1);
		}
		at++; // the 0 is there
	}
	memcpy(key, octets, KEY_OCTETS);
	key[0] = be64toh(key[0]);
	key[1] = be64toh(key[1]);
}

static int compare_runs(const void *left, const void *right)
{
	const struct zone_run *a = left, *b = right;
	if (a->key[0] != b->key[0])
		return a->key[0] < b->key[0] ? -1 : 1;
	if (a->key[1] != b->key[1])
		return a->key[1] < b->key[1] ? -1 : 1;
	int order = dns_name_compare(a->owner, b->owner);
	return order != 0 ? order : (a->first > b->first) - (a->first < b->first);
}

enum result zone_runs_sort(struct zone_builder *b, struct error *err)
{
	const uint8_t *apex = b->zone->apex.wire;
	size_t apex_labels = dns_name_labels(apex);
	bool sorted = true;
	for (size_t i = 0; i < b->run_count; i++) {
		struct zone_run *run = &b->runs[i];
		if (!dns_name_is_subdomain(run->owner, apex))
			return zone_build_error(b, b->records[run->first].line, RESULT_INPUT, err,
			        "not a name of the zone: ", run->owner);
		make_key(run->owner, dns_name_labels(run->owner) - apex_labels, run->key);
		sorted = sorted && (i == 0 || compare_runs(run - 1, run) < 0);
	}
	if (!sorted)
		qsort(b->runs, b->run_count, sizeof *b->runs, compare_runs);
	return RESULT_OK;
}
