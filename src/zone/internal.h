// Private to src/zone: what a zone is made of.
#pragma once

#include "zone/zone.h"

// Octets that are handed out one after the other and freed all at once. Unlike an arena, without
// alignment and without zeroing: names and RDATA of millions of records.
struct zone_blocks {
	struct zone_block *last;
	size_t left;   // in the last block
	size_t octets; // of all blocks
};
// NULL where memory or ZONE_MAX_OCTETS is used up.
uint8_t *zone_blocks_alloc(struct zone_blocks *blocks, size_t octets);
void zone_blocks_free(struct zone_blocks *blocks);

struct zone {
	char *source;
	struct dns_name apex;
	uint16_t rclass;
	struct zone_blocks blocks;
	struct zone_node *nodes;
	struct zone_rrset *sets;
	struct dns_rdata *rdata;
	size_t node_count, set_count, rdata_count, duplicates;
};

// Makes room for one more element in an array that doubles; NULL without memory, the old array is
// as it was then.
void *zone_grow(void *array, size_t count, size_t *capacity, size_t size);
