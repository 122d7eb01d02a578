// One page about a bulk: waves, what the zones in mid-change wait for, who is slowest, what went
// wrong. From a state alone (`baton bulk status`), or with the rows of whoever runs it.
//
//     struct bulk_page *page = malloc(sizeof *page);
//     bulk_page_make(&view, page);
//     bulk_page_text(page, &look, &out);      // or bulk_page_json(page)
//
// A page is plain memory; it points into the view, which outlives it.
#pragma once

#include <jansson.h>

#include "base/buffer.h"
#include "bulk/bulk.h"
#include "cmd/lines.h"

enum { BULK_PAGE_WAITS = 64, BULK_PAGE_SLOWEST = 5 };

// Zones in mid-change that wait for the same thing, at the same step.
struct bulk_page_wait {
	const char *step;      // "" before the first one
	const char *state;     // "waits", "needs approval", …
	size_t zones, zone;    // how many, and one of them
	int64_t until_wall_ms; // the earliest; TIME_NEVER_MS: nobody knows
	char text[200];        // of that one
};

struct bulk_page {
	const struct bulk_view *view;
	size_t phases[BULK_MAX_WAVES][BULK_PHASES];
	size_t total[BULK_PHASES];
	size_t wait_count, more_waits; // the others' zones
	struct bulk_page_wait waits[BULK_PAGE_WAITS];
	size_t slowest_count;
	size_t slowest[BULK_PAGE_SLOWEST]; // zones
};

void bulk_page_make(const struct bulk_view *view, struct bulk_page *page);
// No more lines than look->height, where that is known.
void bulk_page_text(
        const struct bulk_page *page, const struct lines_look *look, struct buffer *out);
// A new reference; NULL without memory.
json_t *bulk_page_json(const struct bulk_page *page);
// "canary", "wave 2"
const char *bulk_page_wave(const struct bulk_definition *definition, size_t wave, char name[32]);
