// The live picture of a running change: lines for what has happened, and, on a terminal, a table of
// the steps that redraws below them.
//
//     struct screen *s = screen_new(stdout, definition, SCREEN_TERMINAL);
//     options.said = screen_said; options.turned = screen_turned; options.ctx = s;
//     screen_free(s);
#pragma once

#include <stdio.h>

#include "change/engine.h"

struct screen;

enum screen_style { SCREEN_PLAIN, SCREEN_TERMINAL, SCREEN_JSON };

// NULL without memory.
struct screen *screen_new(
        FILE *out, const struct change_definition *definition, enum screen_style style);
void screen_free(struct screen *screen);
// Says what is run, where its journal is, and whom it asks: the first answers may take a while.
void screen_begins(struct screen *screen, const char *journal_path);
// Does nothing where there is no terminal.
void screen_start(struct screen *screen, struct loop *loop);
void screen_stop(struct screen *screen);
void screen_said(void *ctx, enum change_said what, const char *step, const char *text);
// "acts", "seen", …
const char *screen_word(enum change_said what);
void screen_turned(void *ctx, const struct change_view *view);
