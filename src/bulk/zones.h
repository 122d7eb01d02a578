// The zones of a bulk, one in a line, with further columns as variables of the change's template.
//
//     # zone           KEY                          SERVER
//     a.example        "257 3 13 mdsswUyr3DPW132…"  192.0.2.1
//     b.example        "257 3 13 oJMRESz5E4gYzS/…"  192.0.2.2
//
// Columns are separated by spaces or tabs; what has a space in it stands in double quotes. Empty
// lines, and everything behind a # that begins a word, are passed over. Values go into YAML as they
// are, so that only letters that mean nothing there are allowed.
//
//     struct bulk_zone *zones;
//     bulk_zones_parse(arena, "zones.txt", text, length, 2, &zones, &count, err);
//
// Everything lives in the arena. Errors: RESULT_INPUT with file:line, RESULT_LIMIT.
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

enum { BULK_MAX_ZONES = 100000, BULK_MAX_COLUMNS = 16 };

#define BULK_MAX_ZONES_OCTETS (64u << 20)

struct bulk_zone {
	const char *name; // in lower case, without the final dot; every zone is there once
	int line;
	const char *const *values; // of the columns behind the first one
	unsigned wave;             // 0 is the first one
	const char *journal;       // its path
	const uint16_t *lanes;     // for each limit, which lane the zone is in
};

// A name and the values behind it; `where` is "zones.txt:3".
enum result bulk_zone_set(struct arena *arena, const char *where, const char *name,
        const char *const *values, size_t count, struct bulk_zone *zone, struct error *err);

// columns: how many there are behind the name.
enum result bulk_zones_parse(struct arena *arena, const char *file, const char *text, size_t length,
        size_t columns, struct bulk_zone **zones, size_t *count, struct error *err);

// RESULT_INPUT where a zone is there twice.
enum result bulk_zones_check(struct arena *arena, const char *file, const struct bulk_zone *zones,
        size_t count, struct error *err);
