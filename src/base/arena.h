// Memory that is freed as a whole: one arena per message, document, zone or step.
//
//     struct arena *a = arena_new(1 << 20);        // never more than 1 MiB
//     char *name = arena_printf(a, "%s.%s", label, zone);
//     arena_free(a);                               // name is gone with it
//
// Everything allocated from an arena belongs to it. Allocation returns NULL when the declared
// maximum or the machine's memory is used up; memory comes zeroed and aligned for any type.
#pragma once

#include <stddef.h>

struct arena;

// A new arena that will never hold more than max_octets in all; NULL without memory.
struct arena *arena_new(size_t max_octets);
void arena_free(struct arena *arena);

void *arena_alloc(struct arena *arena, size_t octets);
// n objects of size octets each; NULL, too, where n * size overflows.
void *arena_array(struct arena *arena, size_t n, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t n);
void *arena_memdup(struct arena *arena, const void *data, size_t n);
char *arena_printf(struct arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

// Octets handed out so far.
size_t arena_used(const struct arena *arena);
