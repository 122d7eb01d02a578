// Lines for people: times short, text wrapped at words, colour where the terminal has it.
//
//     struct lines_look look = lines_look_of(stdout);         // width, colour
//     lines_short_times(text, now_ms, &shorter);              // 2026-11-21T19:47:13.268Z → 19:47:13
//     lines_wrap(&out, buffer_text(&shorter), 19, 19, look.width);
//
// Nothing here fails but by a full buffer, which cuts.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"

struct lines_look {
	bool terminal; // one that is not "dumb"
	bool colour;   // and NO_COLOR is not set (no-color.org)
	int width;     // columns; 0: lines are not to be wrapped
	int height;    // lines; 0: unknown
};

struct lines_look lines_look_of(FILE *out);

// Instants of the day of now_ms (in UTC) lose date and fraction, others the fraction.
void lines_short_times(const char *text, int64_t now_ms, struct buffer *out);

// Appends text and a newline. The cursor stands in column `column` (from 0); further lines begin in
// column `indent`. Words longer than a line are not broken. A newline in the text begins a line.
void lines_wrap(struct buffer *out, const char *text, int column, int indent, int width);

// Appends text, and where it is not shorter than the width (0: none), only its beginning and an
// ellipsis.
void lines_cut(struct buffer *out, const char *text, int width);

enum lines_colour { LINES_PLAIN, LINES_BOLD, LINES_DIM, LINES_RED, LINES_GREEN, LINES_YELLOW };

// The sequence that begins a colour, or "" where there is none.
const char *lines_colour(const struct lines_look *look, enum lines_colour colour);

// Columns that a text in UTF-8 takes, of characters that take one each.
int lines_columns(const char *text, size_t octets);
