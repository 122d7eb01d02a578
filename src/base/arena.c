#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_OCTETS 8192
#define ALIGNMENT    alignof(max_align_t)

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char octets[];
};

struct arena {
	struct block *blocks;
	size_t max, used;
};

struct arena *arena_new(size_t max_octets)
{
	struct arena *arena = calloc(1, sizeof *arena);
	if (arena != NULL)
		arena->max = max_octets;
	return arena;
}

void arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	for (struct block *b = arena->blocks; b != NULL;) {
		struct block *next = b->next;
		free(b);
		b = next;
	}
	free(arena);
}

static struct block *block_add(struct arena *arena, size_t octets)
{
	size_t size = octets > BLOCK_OCTETS ? octets : BLOCK_OCTETS;
	if (size > SIZE_MAX - sizeof(struct block))
		return NULL;
	struct block *b = calloc(1, sizeof *b + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	return b;
}

void *arena_alloc(struct arena *arena, size_t octets)
{
	assert(arena != NULL);
	if (octets > SIZE_MAX - ALIGNMENT)
		return NULL;
	octets = octets == 0 ? ALIGNMENT : (octets + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (octets > arena->max - arena->used)
		return NULL;
	struct block *b = arena->blocks;
	if (b == NULL || b->size - b->used < octets)
		b = block_add(arena, octets);
	if (b == NULL)
		return NULL;
	void *p = b->octets + b->used;
	b->used += octets;
	arena->used += octets;
	return p;
}

void *arena_array(struct arena *arena, size_t n, size_t size)
{
	size_t octets;
	if (__builtin_mul_overflow(n, size, &octets))
		return NULL;
	return arena_alloc(arena, octets);
}

void *arena_memdup(struct arena *arena, const void *data, size_t n)
{
	void *p = arena_alloc(arena, n);
	if (p != NULL && n > 0)
		memcpy(p, data, n);
	return p;
}

char *arena_strndup(struct arena *arena, const char *text, size_t n)
{
	n = strnlen(text, n);
	char *p = arena_alloc(arena, n + 1);
	if (p != NULL)
		memcpy(p, text, n);
	return p;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *p = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
	if (p != NULL)
		vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
