#include "cmd/screen.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "cmd/lines.h"
#include "cmd/step_state.h"

enum { SCREEN_TEXT = 1 << 20, SAID_COLUMN = 18, REDRAW_MS = 1000 };

// A step in the table, as it stood after the last turn.
struct row {
	const struct procedure_step *step;
	const char *mark, *state;
	enum lines_colour colour;
	int64_t until_ms; // it waits so long; TIME_NEVER_MS: it does not, or nobody knows
};

struct screen {
	FILE *out;
	const struct change_definition *d;
	enum screen_style style;
	struct lines_look look;
	struct loop *loop;
	struct loop_timer timer;   // redraws the countdown
	int id_width, party_width; // of the table's columns
	size_t rows;
	struct row row[PROCEDURE_MAX_STEPS];
	int drawn; // lines of the table that are on the terminal
	bool undoing;
};

static const struct {
	const char *word;
	enum lines_colour colour;
} words[] = {
        [CHANGE_SAID_PREFLIGHT] = {"missing", LINES_RED},
        [CHANGE_SAID_BEGUN] = {"begins", LINES_GREEN},
        [CHANGE_SAID_WAIT] = {"waits", LINES_YELLOW},
        [CHANGE_SAID_SAFE] = {"safe", LINES_GREEN},
        [CHANGE_SAID_ACT] = {"acts", LINES_BOLD},
        [CHANGE_SAID_REPLY] = {"reply", LINES_DIM},
        [CHANGE_SAID_SEEN] = {"seen", LINES_GREEN},
        [CHANGE_SAID_ASK] = {"asks", LINES_BOLD},
        [CHANGE_SAID_STUCK] = {"stuck", LINES_RED},
        [CHANGE_SAID_TURN] = {"turns", LINES_YELLOW},
        [CHANGE_SAID_END] = {"end", LINES_GREEN},
};

struct screen *screen_new(
        FILE *out, const struct change_definition *definition, enum screen_style style)
{
	struct screen *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	*s = (struct screen){
	        .out = out, .d = definition, .style = style, .look = lines_look_of(out)};
	if (style == SCREEN_TERMINAL && !s->look.terminal)
		s->style = SCREEN_PLAIN;
	return s;
}

void screen_free(struct screen *screen)
{
	free(screen);
}

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

// ---- What has happened -----------------------------------------------------------------------

static void say_json(struct screen *s, const char *what, const char *step, const char *text)
{
	json_t *line = json_pack("{s:I, s:s, s:s, s:s, s:o}", "at_ms", (json_int_t)now_ms(),
	        "change", s->d->id, "what", what, "step", step, "text", json_text(text));
	json_dumpf(line, s->out, JSON_COMPACT);
	fputc('\n', s->out);
	fflush(s->out);
	json_decref(line);
}

static void erase_table(struct screen *s)
{
	if (s->drawn > 0)
		fprintf(s->out, "\033[%dA\033[J", s->drawn);
	s->drawn = 0;
}

// Who acts is what a reader looks for: it comes first, with what the step is about.
static void say_text(const struct screen *s, enum change_said what, const char *id,
        const char *text, struct buffer *out)
{
	int number = id[0] != '\0' ? procedure_step_find(s->d->procedure, id) : -1;
	if (what != CHANGE_SAID_ACT || number < 0)
		buffer_printf(out, "%s%s%s", id, id[0] != '\0' ? ": " : "", text);
	else if (s->undoing)
		buffer_printf(out, "%s takes back %s", text, id);
	else
		buffer_printf(out, "%s, %s: %s", text, id, s->d->procedure->steps[number].title);
}

static void say_lines(
        struct screen *s, const char *word, enum lines_colour colour, const char *said)
{
	struct buffer shorter = buffer_init(SCREEN_TEXT), lines = buffer_init(SCREEN_TEXT);
	char at[TIME_TEXT];
	time_format(now_ms(), at);
	lines_short_times(said, now_ms(), &shorter);
	buffer_printf(&lines, "%.8s  %s%-8s%s", at + 11, lines_colour(&s->look, colour), word,
	        lines_colour(&s->look, LINES_PLAIN));
	lines_wrap(&lines, buffer_text(&shorter), SAID_COLUMN, SAID_COLUMN, s->look.width);
	erase_table(s);
	fputs(buffer_text(&lines), s->out);
	fflush(s->out);
	buffer_free(&shorter);
	buffer_free(&lines);
}

const char *screen_word(enum change_said what)
{
	return words[what].word;
}

void screen_said(void *ctx, enum change_said what, const char *step, const char *text)
{
	struct screen *s = ctx;
	if (s->style == SCREEN_JSON) {
		say_json(s, words[what].word, step, text);
		return;
	}
	// That it acts is what comes next, and says as much.
	if (s->style == SCREEN_TERMINAL && what == CHANGE_SAID_SAFE &&
	        strcmp(text, "safe now") == 0)
		return;
	struct buffer said = buffer_init(SCREEN_TEXT);
	say_text(s, what, step, text, &said);
	say_lines(s, words[what].word, words[what].colour, buffer_text(&said));
	buffer_free(&said);
}

void screen_begins(struct screen *screen, const char *journal_path)
{
	const struct change_definition *d = screen->d;
	size_t servers = 0, addresses = 0;
	char zone[DNS_NAME_TEXT];
	struct buffer text = buffer_init(SCREEN_TEXT);
	for (size_t i = 0; i < d->procedure->party_count; i++) {
		servers += d->parties[i].server_count;
		for (size_t s = 0; s < d->parties[i].server_count; s++)
			addresses += d->parties[i].servers[s].address_count;
	}
	buffer_printf(&text, "%s, of %s, by %s; its journal is %s; looking at %zu name servers",
	        d->id, dns_name_text(d->zone.wire, zone), d->procedure->id, journal_path, servers);
	buffer_printf(&text, " with %zu addresses", addresses);
	if (screen->style == SCREEN_JSON)
		say_json(screen, "looks", "", buffer_text(&text));
	else
		say_lines(screen, "looks", LINES_BOLD, buffer_text(&text));
	buffer_free(&text);
}

// ---- The table of steps ----------------------------------------------------------------------

static enum lines_colour colour_of(const char *state, const struct move *move)
{
	if (move == NULL)
		return state[0] == 'd' ? LINES_GREEN : LINES_DIM;
	if (move->kind == MOVE_STUCK)
		return LINES_RED;
	return move->kind == MOVE_WAIT ? LINES_YELLOW : LINES_BOLD;
}

// Cut, so that erasing finds what was drawn.
static void draw_line(struct screen *s, struct buffer *table, const char *text)
{
	lines_cut(table, text, s->look.width);
	buffer_printf(table, "%s\n", lines_colour(&s->look, LINES_PLAIN));
	s->drawn++;
}

// "waits 9s"
static void write_state(const struct row *row, char *out, size_t size)
{
	char left[DURATION_TEXT] = "";
	int64_t left_ms = row->until_ms - now_ms();
	if (row->until_ms != TIME_NEVER_MS)
		duration_format((left_ms > 0 ? left_ms + 999 : 0) / 1000 * 1000, left);
	snprintf(out, size, "%s%s%s", row->state, left[0] != '\0' ? " " : "", left);
}

static void draw_row(struct screen *s, struct buffer *table, const struct row *row)
{
	char line[500], state[DURATION_TEXT + 20];
	write_state(row, state, sizeof state);
	snprintf(line, sizeof line, " %s %-*.*s  %-*.*s  %-14s %s", row->mark, s->id_width,
	        s->id_width, row->step->id, s->party_width, s->party_width,
	        procedure_party_name(s->d->procedure, row->step->by), state, row->step->title);
	buffer_puts(table, lines_colour(&s->look, row->colour));
	draw_line(s, table, line);
}

static int larger(int width, const char *text, int most)
{
	int columns = lines_columns(text, strlen(text));
	columns = columns < most ? columns : most;
	return columns > width ? columns : width;
}

static void measure(struct screen *s)
{
	s->id_width = s->party_width = 0;
	for (size_t i = 0; i < s->rows; i++) {
		const struct procedure_step *step = s->row[i].step;
		s->id_width = larger(s->id_width, step->id, 26);
		s->party_width =
		        larger(s->party_width, procedure_party_name(s->d->procedure, step->by), 18);
	}
}

static void draw_table(struct screen *s)
{
	struct buffer table = buffer_init(SCREEN_TEXT);
	size_t first = 0, room = s->look.height > 4 ? (size_t)s->look.height - 4 : SIZE_MAX;
	// A table that is higher than the terminal could not be erased.
	while (s->rows - first > room && s->row[first].state[0] != '\0')
		first++;
	erase_table(s);
	s->look = lines_look_of(s->out); // its size may have changed
	measure(s);
	draw_line(s, &table, "");
	for (size_t i = first; i < s->rows && i - first < room; i++)
		draw_row(s, &table, &s->row[i]);
	fwrite(buffer_text(&table), 1, table.length, s->out);
	fflush(s->out);
	buffer_free(&table);
}

static void fill_row(
        struct row *row, const struct change_view *v, const struct procedure_step *step)
{
	struct step_state now = step_state_of(v->progress, v->decision, step->index, true);
	const char *state = now.word;
	const struct move *move = now.move;
	bool waits = move != NULL && move->kind == MOVE_WAIT;
	*row = (struct row){.step = step,
	        .mark = move != NULL      ? "\u25b8"
	                : state[0] == 'd' ? "\u2713"
	                                  : " ",
	        .state = state,
	        .colour = colour_of(state, move),
	        .until_ms = waits ? move->until_ms : TIME_NEVER_MS};
}

void screen_turned(void *ctx, const struct change_view *view)
{
	struct screen *s = ctx;
	const struct procedure *p = view->definition->procedure;
	s->undoing = view->progress->undo_to >= 0;
	s->rows = 0;
	for (size_t i = 0; i < p->step_count; i++)
		if (progress_is_on_way(view->progress, &p->steps[i]))
			fill_row(&s->row[s->rows++], view, &p->steps[i]);
	if (s->style == SCREEN_TERMINAL)
		draw_table(s);
}

// ---- The clock -------------------------------------------------------------------------------

static void tick(void *ctx)
{
	struct screen *s = ctx;
	if (s->drawn > 0)
		draw_table(s);
	loop_timer_start(s->loop, &s->timer, REDRAW_MS);
}

void screen_start(struct screen *screen, struct loop *loop)
{
	if (screen->style != SCREEN_TERMINAL)
		return;
	screen->loop = loop;
	screen->timer = (struct loop_timer){.fire = tick, .ctx = screen, .background = true};
	loop_timer_start(loop, &screen->timer, REDRAW_MS);
}

void screen_stop(struct screen *screen)
{
	if (screen->loop != NULL)
		loop_timer_stop(screen->loop, &screen->timer);
	screen->loop = NULL;
}
