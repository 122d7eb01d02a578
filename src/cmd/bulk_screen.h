// What `baton bulk run` shows: what happens, line by line, and on a terminal the page of progress
// below it, drawn anew by the clock; or JSON lines.
//
//     struct bulk_screen *s = bulk_screen_new(stdout, definition, json);
//     …bulk_options.said = bulk_screen_said, .ctx = s…
//     bulk_screen_start(s, bulk, loop);
//     loop_run(…);
//     bulk_screen_stop(s);            // the page stays
//     bulk_screen_free(s);
#pragma once

#include <stdio.h>

#include "bulk/bulk.h"

struct bulk_screen;

struct bulk_screen *bulk_screen_new(FILE *out, const struct bulk_definition *definition, bool json);
void bulk_screen_free(struct bulk_screen *screen);
void bulk_screen_start(struct bulk_screen *screen, const struct bulk *bulk, struct loop *loop);
void bulk_screen_stop(struct bulk_screen *screen);
void bulk_screen_said(void *ctx, enum bulk_said what, const char *zone, enum change_said change,
        const char *step, const char *text);
