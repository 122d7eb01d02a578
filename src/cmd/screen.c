#include "cmd/screen.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "base/buffer.h"

struct screen {
	FILE *out;
	const struct change_definition *d;
	enum screen_style style;
	int drawn; // lines of the table that are on the terminal
};

static const char *const words[] = {
        [CHANGE_SAID_PREFLIGHT] = "missing",
        [CHANGE_SAID_BEGUN] = "begins",
        [CHANGE_SAID_WAIT] = "waits",
        [CHANGE_SAID_SAFE] = "safe",
        [CHANGE_SAID_ACT] = "acts",
        [CHANGE_SAID_REPLY] = "reply",
        [CHANGE_SAID_SEEN] = "seen",
        [CHANGE_SAID_ASK] = "asks",
        [CHANGE_SAID_STUCK] = "stuck",
        [CHANGE_SAID_TURN] = "turns",
        [CHANGE_SAID_END] = "end",
};

struct screen *screen_new(
        FILE *out, const struct change_definition *definition, enum screen_style style)
{
	struct screen *s = calloc(1, sizeof *s);
	if (s != NULL)
		*s = (struct screen){.out = out, .d = definition, .style = style};
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

static void erase_table(struct screen *s)
{
	if (s->drawn > 0)
		fprintf(s->out, "\033[%dA\033[J", s->drawn);
	s->drawn = 0;
}

static void say_json(struct screen *s, enum change_said what, const char *step, const char *text)
{
	json_t *line = json_pack("{s:I, s:s, s:s, s:s, s:s}", "at_ms", (json_int_t)now_ms(),
	        "change", s->d->id, "what", words[what], "step", step, "text", text);
	json_dumpf(line, s->out, JSON_COMPACT);
	fputc('\n', s->out);
	fflush(s->out);
	json_decref(line);
}

void screen_said(void *ctx, enum change_said what, const char *step, const char *text)
{
	struct screen *s = ctx;
	if (s->style == SCREEN_JSON) {
		say_json(s, what, step, text);
		return;
	}
	erase_table(s);
	char at[TIME_TEXT];
	time_format(now_ms() / SECOND_MS * SECOND_MS, at);
	at[19] = '\0';
	for (const char *line = text; *line != '\0';) {
		size_t n = strcspn(line, "\n");
		fprintf(s->out, "%s  %-7s %s%s%.*s\n", at + 11, words[what], step,
		        step[0] != '\0' ? ": " : "", (int)n, line);
		line += n + (line[n] == '\n');
	}
	fflush(s->out);
}

static const char *state_of(const struct change_view *v, int step, const struct move **move)
{
	const struct progress_step *s = &v->progress->steps[step];
	*move = NULL;
	if (s->skipped)
		return "skipped";
	if (s->forward.state == DEED_EVERYWHERE)
		return "done";
	for (size_t i = 0; v->decision != NULL && i < v->decision->count; i++)
		if (v->decision->moves[i].step == step && v->decision->moves[i].kind != MOVE_TURN)
			*move = &v->decision->moves[i];
	if (*move == NULL)
		return "";
	switch ((*move)->kind) {
	case MOVE_WAIT:
		return "waits";
	case MOVE_APPROVE:
		return "approval";
	case MOVE_ASK:
	case MOVE_PERSON:
		return "person";
	case MOVE_ACT:
		return "acts";
	case MOVE_OBSERVE:
		return "spreads";
	case MOVE_STUCK:
		return "STUCK";
	case MOVE_SEEN:
	case MOVE_SKIP:
	case MOVE_BRANCH:
	case MOVE_TURN:
	case MOVE_NO_WAY_BACK:
	default:
		return "";
	}
}

static void countdown(char *out, size_t size, int64_t until_ms)
{
	char text[DURATION_TEXT];
	int64_t left_ms = until_ms - now_ms();
	if (until_ms == TIME_NEVER_MS)
		out[0] = '\0';
	else
		snprintf(out, size, "%s more",
		        duration_format((left_ms > 0 ? left_ms + 999 : 0) / 1000 * 1000, text));
}

static int columns(void)
{
	struct winsize size;
	return ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col > 40 ? size.ws_col : 100;
}

static void draw_line(struct screen *s, struct buffer *table, const char *text)
{
	int width = columns() - 1, used = 0;
	for (const char *p = text; *p != '\0' && used < width; p++) {
		buffer_add(table, p, 1);
		used += ((unsigned char)*p & 0xc0) != 0x80;
	}
	buffer_puts(table, "\n");
	s->drawn++;
}

static void draw_step(struct screen *s, struct buffer *table, const struct change_view *v,
        const struct procedure_step *step)
{
	const struct move *move;
	const char *state = state_of(v, step->index, &move);
	char line[1200], more[DURATION_TEXT + 8] = "";
	if (move != NULL && move->kind == MOVE_WAIT)
		countdown(more, sizeof more, move->until_ms);
	snprintf(line, sizeof line, " %s %-22.22s %-10.10s %-8s %-10s %s",
	        state[0] == 'd' ? "\u2713"
	        : move != NULL  ? "\u25b8"
	                        : " ",
	        step->id, procedure_party_name(v->definition->procedure, step->by), state, more,
	        move != NULL && (move->kind == MOVE_WAIT || move->kind == MOVE_STUCK)
	                ? move->text
	                : step->title);
	draw_line(s, table, line);
}

void screen_turned(void *ctx, const struct change_view *view)
{
	struct screen *s = ctx;
	if (s->style != SCREEN_TERMINAL)
		return;
	struct buffer table = buffer_init(1 << 20);
	erase_table(s);
	for (size_t i = 0; i < view->definition->procedure->step_count; i++)
		if (progress_is_on_way(view->progress, &view->definition->procedure->steps[i]))
			draw_step(s, &table, view, &view->definition->procedure->steps[i]);
	fwrite(buffer_text(&table), 1, table.length, s->out);
	fflush(s->out);
	buffer_free(&table);
}
