// fuzz: links dep_technical
// Any octets as a table of networks and as one of prohibited networks: refused with a place, or
// read, and then every line's prefix is found where it begins, by itself or by a longer one.
#include <stdlib.h>
#include <string.h>

#include "technical/prefix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void look_up(const struct prefix_table *table, const uint8_t *data, size_t size)
{
	for (size_t at = 0; at + 16 <= size && at < 64; at++) {
		struct address four = address_from_octets(data + at, 4, 53),
		               six = address_from_octets(data + at, 16, 53);
		const struct address *both[] = {&four, &six};
		for (size_t i = 0; i < 2; i++) {
			const struct prefix *found = prefix_find(table, both[i]);
			if (found == NULL)
				continue;
			struct address cut = prefix_cut(both[i], found->length);
			require(address_equal_ip(&cut, &found->address));
			// Its first address lies in it, or in one that is longer.
			const struct prefix *again = prefix_find(table, &found->address);
			require(again != NULL && again->length >= found->length);
		}
	}
}

static void check(const uint8_t *data, size_t size, enum prefix_labels labels)
{
	struct arena *arena = arena_new(64u << 20);
	const struct prefix_table *table = NULL;
	struct error err = {0};
	char text[PREFIX_TEXT];
	require(arena != NULL);
	if (prefix_table_parse(arena, "fuzz", (const char *)data, size, labels, &table, &err) !=
	        RESULT_OK) {
		require(strncmp(err.text, "fuzz", 4) == 0);
	} else {
		look_up(table, data, size);
		struct prefix widest = {.address = address_any(6, 0), .length = 128};
		memset(widest.address.octets, 0xff, 16);
		require(strlen(prefix_text(&widest, text)) < sizeof text);
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, PREFIX_NEEDS_LABEL);
	check(data, size, PREFIX_MAY_LACK_LABEL);
	return 0;
}
