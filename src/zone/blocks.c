#include "zone/internal.h"

#include <stdlib.h>

#define FIRST_OCTETS ((size_t)128 << 10) // more than the longest RDATA
#define BLOCK_OCTETS ((size_t)4 << 20)

struct zone_block {
	struct zone_block *previous;
	size_t capacity;
	uint8_t octets[];
};

static bool add_block(struct zone_blocks *blocks)
{
	size_t capacity = blocks->last == NULL ? FIRST_OCTETS : 2 * blocks->last->capacity;
	if (capacity > BLOCK_OCTETS)
		capacity = BLOCK_OCTETS;
	if (blocks->octets > ZONE_MAX_OCTETS - capacity)
		return false;
	struct zone_block *block = malloc(sizeof *block + capacity);
	if (block == NULL)
		return false;
	block->previous = blocks->last;
	block->capacity = capacity;
	blocks->last = block;
	blocks->left = capacity;
	blocks->octets += capacity;
	return true;
}

uint8_t *zone_blocks_alloc(struct zone_blocks *blocks, size_t octets)
{
	if (octets > FIRST_OCTETS || (octets > blocks->left && !add_block(blocks)))
		return NULL;
	if (blocks->last == NULL && !add_block(blocks))
		return NULL;
	uint8_t *at = blocks->last->octets + (blocks->last->capacity - blocks->left);
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
