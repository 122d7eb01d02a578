#include "zone/internal.h"

#include <stdlib.h>

#define BLOCK_OCTETS ((size_t)4 << 20) // far more than the longest RDATA

struct zone_block {
	struct zone_block *previous;
	uint8_t octets[];
};

uint8_t *zone_blocks_alloc(struct zone_blocks *blocks, size_t octets)
{
	if (octets > blocks->left) {
		if (octets > BLOCK_OCTETS || blocks->octets > ZONE_MAX_OCTETS - BLOCK_OCTETS)
			return NULL;
		struct zone_block *block = malloc(sizeof *block + BLOCK_OCTETS);
		if (block == NULL)
			return NULL;
		block->previous = blocks->last;
		blocks->last = block;
		blocks->left = BLOCK_OCTETS;
		blocks->octets += BLOCK_OCTETS;
	}
	uint8_t *at = blocks->last->octets + (BLOCK_OCTETS - blocks->left);
	blocks->left -= octets;
	return at;
}

void zone_blocks_free(struct zone_blocks *blocks)
{
	while (blocks->last != NULL) {
		struct zone_block *block = blocks->last;
		blocks->last = block->previous;
		free(block);
	}
	*blocks = (struct zone_blocks){0};
}

void *zone_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return array;
	size_t more = *capacity < 64 ? 64 : *capacity + *capacity / 2;
	void *grown = reallocarray(array, more, size);
	if (grown != NULL)
		*capacity = more;
	return grown;
}
