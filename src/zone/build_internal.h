// Private to src/zone: a zone while it is built.
#pragma once

#include "zone/build.h"
#include "zone/internal.h"

// A record as it was added.
struct zone_raw {
	const uint8_t *octets; // in canonical form
	uint32_t ttl_s, line;
	uint16_t type, length;
};

// Records next to one another that have one owner.
struct zone_run {
	// What decides nearly every comparison: the first 16 octets of a form of the owner that is
	// in canonical order where it is in order of octets.
	uint64_t key[2];
	const uint8_t *owner;  // in lower case
	uint32_t first, count; // of builder->records
};

struct zone_builder {
	struct zone *zone;
	struct zone_raw *records;
	struct zone_run *runs;
	size_t record_count, record_capacity, run_count, run_capacity;
	size_t node_capacity, set_capacity; // of the zone's arrays
	struct dns_name last_owner;         // as it came
	size_t last_length;
	bool has_soa;
	const uint8_t *cut; // the delegation or DNAME that names may be below, or NULL
};

// "source:line: what owner"; owner may be NULL.
enum result zone_build_error(const struct zone_builder *builder, uint32_t line, enum result code,
        struct error *err, const char *what, const uint8_t *owner);

// Fills the keys, and brings the runs into canonical order of their owners, those of one owner into
// the order in which they came. RESULT_INPUT where a name is not in the zone.
enum result zone_runs_sort(struct zone_builder *builder, struct error *err);
// The sets of a node: its records, in count pointers, sorted by type and then in canonical order.
// RESULT_MEMORY.
bool zone_add_sets(struct zone_builder *builder, const struct zone_raw **records, size_t count);
// Appends the node of this owner, and the empty non-terminals before it; its sets come next.
bool zone_add_node(struct zone_builder *builder, const uint8_t *owner);
// When the sets of the last node are there: what it is.
void zone_judge_node(struct zone_builder *builder);
