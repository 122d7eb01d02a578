// fuzz: links dep_bulk
// The file of a bulk's zones, as anybody may have written it: whatever is taken has names and
// values that mean nothing in YAML, and each name once.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bulk/zones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct bulk_zone *zone, size_t columns)
{
	if (zone->name[0] == '\0' || strpbrk(zone->name, "\"'{}[]#&*!|>%\\\n\r\t,") != NULL)
		abort();
	for (size_t i = 0; i < columns; i++)
		if (zone->values[i][0] == '\0' || strstr(zone->values[i], ": ") != NULL ||
		        strpbrk(zone->values[i], "\"'{}[]#&*!|>%\\\n\r\t,") != NULL)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bulk_zone *zones;
	struct error err;
	size_t count;
	if (size == 0)
		return 0;
	struct arena *arena = arena_new(64 << 20);
	if (arena == NULL)
		return 0;
	size_t columns = data[0] % (BULK_MAX_COLUMNS + 1);
	// A copy of the very size, so that reading beyond its end is seen.
	char *text = malloc(size);
	if (text != NULL && size > 1) {
		memcpy(text, data + 1, size - 1);
		if (bulk_zones_parse(arena, "zones", text, size - 1, columns, &zones, &count,
		            &err) == RESULT_OK) {
			for (size_t i = 0; i < count; i++)
				check(&zones[i], columns);
			bulk_zones_check(arena, "zones", zones, count, &err);
		}
	}
	free(text);
	arena_free(arena);
	return 0;
}
