#include "safety/known.h"

#include <stdlib.h>
#include <string.h>

bool is_signature_rule(enum safety_rule rule)
{
	return rule == SAFETY_RULE_DS_SIGNATURE || rule == SAFETY_RULE_KEY_SIGNATURE ||
	       rule == SAFETY_RULE_DATA_SIGNATURE;
}

int16_t signature_of(const struct safety_fault *f)
{
	return f->rule == SAFETY_RULE_DS_SIGNATURE    ? f->ds
	       : f->rule == SAFETY_RULE_KEY_SIGNATURE ? f->dnskey
	                                              : f->data;
}

uint64_t finding_of(const struct safety_fault *f)
{
	bool is_signature = is_signature_rule(f->rule);
	const int16_t editions[] = {is_signature ? signature_of(f) : f->ds,
	        is_signature ? -1 : f->dnskey, is_signature ? -1 : f->data,
	        is_signature ? -1 : f->ns};
	uint64_t finding = (uint64_t)f->rule * SAFETY_PATHS + (uint64_t)f->path;
	for (size_t i = 0; i < sizeof editions / sizeof *editions; i++)
		finding = finding * (SAFETY_MAX_EDITIONS + 1) + (uint64_t)(editions[i] + 1);
	return finding;
}

static int compare_entries(const void *a, const void *b)
{
	uint64_t x = ((const struct entry *)a)->finding, y = ((const struct entry *)b)->finding;
	return (x > y) - (x < y);
}

static void known_add(void *ctx, const struct safety_fault *fault)
{
	struct known *k = ctx;
	if (k->count == k->capacity) {
		unsigned capacity = k->capacity * 2;
		struct safety_fault *more = malloc(capacity * sizeof *more);
		if (more == NULL) {
			k->out_of_memory = true;
			return;
		}
		memcpy(more, k->faults, k->count * sizeof *more);
		if (k->faults != k->on_stack)
			free(k->faults);
		k->faults = more;
		k->capacity = capacity;
	}
	k->faults[k->count++] = *fault;
}

static enum result known_sort(struct known *k)
{
	if (k->count > KNOWN_ON_STACK)
		k->sorted = malloc(k->count * sizeof *k->sorted);
	if (k->sorted == NULL)
		return RESULT_MEMORY;
	for (unsigned i = 0; i < k->count; i++)
		k->sorted[i] = (struct entry){finding_of(&k->faults[i]), i};
	qsort(k->sorted, k->count, sizeof *k->sorted, compare_entries);
	return RESULT_OK;
}

enum result known_find(struct known *k, const struct safety_history *h,
        const struct safety_readers *r, int64_t now_ms)
{
	k->faults = k->on_stack;
	k->sorted = k->sorted_on_stack;
	k->count = 0;
	k->capacity = KNOWN_ON_STACK;
	k->out_of_memory = false;
	struct fault_sink sink = {.visit = known_add, .ctx = k, .since_ms = now_ms};
	enum result result = faults_find(h, r, &sink);
	if (result == RESULT_OK && k->out_of_memory)
		result = RESULT_MEMORY;
	return result == RESULT_OK ? known_sort(k) : result;
}

void known_free(struct known *k)
{
	if (k->faults != k->on_stack)
		free(k->faults);
	if (k->sorted != k->sorted_on_stack)
		free(k->sorted);
}

unsigned known_search(const struct known *k, uint64_t finding)
{
	unsigned low = 0, high = k->count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (k->sorted[middle].finding < finding)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
