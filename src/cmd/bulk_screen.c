#include "cmd/bulk_screen.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/bulk_page.h"
#include "cmd/screen.h"

enum { REDRAW_MS = 1000, JSON_PROGRESS_MS = 10000, TEXT = 1 << 20, SAID_COLUMN = 20 };

struct bulk_screen {
	FILE *out;
	const struct bulk_definition *definition;
	const struct bulk *bulk;
	bool json;
	struct lines_look look;
	struct loop *loop;
	struct loop_timer timer;
	size_t drawn; // lines of the page that are on the terminal
	struct bulk_page page;
};

static const struct {
	const char *word;
	enum lines_colour colour;
	bool on_terminal; // above the page; the other ones are in it
} words[] = {
        [BULK_SAID_STARTS] = {"starts", LINES_PLAIN, false},
        [BULK_SAID_FINISHED] = {"finished", LINES_GREEN, false},
        [BULK_SAID_UNDONE] = {"undone", LINES_YELLOW, false},
        [BULK_SAID_ASIDE] = {"aside", LINES_YELLOW, true},
        [BULK_SAID_ANOMALY] = {"anomaly", LINES_RED, true},
        [BULK_SAID_HALTED] = {"halted", LINES_RED, true},
        [BULK_SAID_RESUMED] = {"resumed", LINES_GREEN, true},
        [BULK_SAID_WAVE] = {"complete", LINES_GREEN, true},
        [BULK_SAID_CHANGE] = {"", LINES_PLAIN, false},
        [BULK_SAID_END] = {"end", LINES_BOLD, true},
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

struct bulk_screen *bulk_screen_new(FILE *out, const struct bulk_definition *definition, bool json)
{
	struct bulk_screen *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->out = out;
	s->definition = definition;
	s->json = json;
	s->look = lines_look_of(out);
	return s;
}

void bulk_screen_free(struct bulk_screen *screen)
{
	free(screen);
}

// ---- What has happened -------------------------------------------------------------------------

static void put_json(struct bulk_screen *s, json_t *line)
{
	json_dumpf(line, s->out, JSON_COMPACT);
	fputc('\n', s->out);
	fflush(s->out);
	json_decref(line);
}

static void say_json(struct bulk_screen *s, const char *what, const char *zone, const char *step,
        const char *text)
{
	put_json(s, json_pack("{s:I, s:s, s:s, s:s, s:s, s:o}", "at_ms", (json_int_t)now_ms(),
	                    "bulk", s->definition->id, "what", what, "zone", zone, "step", step,
	                    "text", json_text(text)));
}

static void erase_page(struct bulk_screen *s)
{
	if (s->drawn > 0)
		fprintf(s->out, "\033[%zuA\033[J", s->drawn);
	s->drawn = 0;
}

static void say_line(struct bulk_screen *s, enum bulk_said what, const char *zone, const char *text)
{
	struct buffer said = buffer_init(TEXT), shorter = buffer_init(TEXT),
	              lines = buffer_init(TEXT);
	char at[TIME_TEXT];
	time_format(now_ms(), at);
	buffer_printf(&said, "%s%s%s", zone, zone[0] != '\0' && text[0] != '\0' ? ": " : "", text);
	lines_short_times(buffer_text(&said), now_ms(), &shorter);
	buffer_printf(&lines, "%.8s  %s%-10s%s", at + 11,
	        lines_colour(&s->look, words[what].colour), words[what].word,
	        lines_colour(&s->look, LINES_PLAIN));
	lines_wrap(&lines, buffer_text(&shorter), SAID_COLUMN, SAID_COLUMN, s->look.width);
	erase_page(s);
	fputs(buffer_text(&lines), s->out);
	fflush(s->out);
	buffer_free(&said);
	buffer_free(&shorter);
	buffer_free(&lines);
}

void bulk_screen_said(void *ctx, enum bulk_said what, const char *zone, enum change_said change,
        const char *step, const char *text)
{
	struct bulk_screen *s = ctx;
	if (s->json)
		say_json(s, what == BULK_SAID_CHANGE ? screen_word(change) : words[what].word, zone,
		        step, text);
	else if (what != BULK_SAID_CHANGE && (!s->look.terminal || words[what].on_terminal))
		say_line(s, what, zone, text);
}

// ---- The page ----------------------------------------------------------------------------------

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void draw(struct bulk_screen *s)
{
	struct bulk_view view = bulk_view(s->bulk);
	struct buffer out = buffer_init(TEXT);
	s->look = lines_look_of(s->out); // its size may have changed
	bulk_page_make(&view, &s->page);
	erase_page(s);
	fputc('\n', s->out);
	bulk_page_text(&s->page, &s->look, &out);
	fputs(buffer_text(&out), s->out);
	fflush(s->out);
	s->drawn = count_lines(buffer_text(&out)) + 1;
	buffer_free(&out);
}

static void progress_json(struct bulk_screen *s)
{
	struct bulk_view view = bulk_view(s->bulk);
	bulk_page_make(&view, &s->page);
	json_t *line = bulk_page_json(&s->page);
	json_object_set_new(line, "at_ms", json_integer(now_ms()));
	json_object_set_new(line, "what", json_string("progress"));
	put_json(s, line);
}

static void tick(void *ctx)
{
	struct bulk_screen *s = ctx;
	if (s->json)
		progress_json(s);
	else
		draw(s);
	loop_timer_start(s->loop, &s->timer, s->json ? JSON_PROGRESS_MS : REDRAW_MS);
}

void bulk_screen_start(struct bulk_screen *screen, const struct bulk *bulk, struct loop *loop)
{
	screen->bulk = bulk;
	screen->loop = loop;
	screen->timer = (struct loop_timer){.fire = tick, .ctx = screen, .background = true};
	if (screen->json || screen->look.terminal)
		loop_timer_start(loop, &screen->timer, 0);
}

// As it ended: the page stays, also where nobody looked on.
void bulk_screen_stop(struct bulk_screen *screen)
{
	loop_timer_stop(screen->loop, &screen->timer);
	if (screen->json)
		progress_json(screen);
	else
		draw(screen);
	screen->drawn = 0;
}
