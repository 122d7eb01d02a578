// Plans as a drawing: a lane for each party, steps where they happen, and under each step the
// cached record that it waits for, as a bar from the last moment it could be fetched to the last it
// can be used.
#include "procedure/render.h"

#include <string.h>

enum {
	LEFT = 150,  // names of the lanes
	CHART = 900, // from the start to the end of the plan
	RIGHT = 60,
	TOP = 70,
	LANE = 30, // height of a lane's head room
	ROW = 44,  // height of one step
	BOTTOM = 40,
};

struct drawing {
	const struct plan *plan;
	struct buffer *out;
	int64_t from_ms, to_ms;
	int height;
};

static void put_escaped(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<':
			buffer_puts(out, "&lt;");
			break;
		case '>':
			buffer_puts(out, "&gt;");
			break;
		case '&':
			buffer_puts(out, "&amp;");
			break;
		case '"':
			buffer_puts(out, "&quot;");
			break;
		default: // control characters are not allowed in XML
			if ((unsigned char)*text >= ' ' || *text == '\n')
				buffer_add(out, text, 1);
			break;
		}
}

static int x_of(const struct drawing *d, int64_t at_ms)
{
	int64_t length = d->to_ms - d->from_ms;
	if (at_ms <= d->from_ms)
		return LEFT;
	if (at_ms >= d->to_ms)
		return LEFT + CHART;
	return LEFT + (int)((double)(at_ms - d->from_ms) / (double)length * CHART);
}

static const char *instant(const struct drawing *d, int64_t at_ms, char *text)
{
	return d->plan->scenario.relative ? duration_format(at_ms, text) : time_format(at_ms, text);
}

static size_t steps_of(const struct plan *plan, int party)
{
	size_t n = 0;
	for (size_t i = 0; i < plan->count; i++)
		n += plan->steps[i].step->by == party;
	return n;
}

static void draw_style(struct buffer *out)
{
	buffer_puts(out,
	        "<style>\n"
	        "svg{color-scheme:light "
	        "dark;--ink:#1b1f24;--soft:#6a737d;--line:#d0d7de;--lane:#f6f8fa;"
	        "--step:#0b63b0;--hold:#e8a33d;--lag:#8cb8e0;--bad:#b3261e;--ground:#ffffff}\n"
	        "@media "
	        "(prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;"
	        "--lane:#161b22;--step:#58a6ff;--hold:#bb8009;--lag:#1f4f80;--bad:#ff7b72;"
	        "--ground:#0d1117}}\n"
	        "text{font:13px "
	        "system-ui,sans-serif;fill:var(--ink)}.soft{fill:var(--soft);font-size:11px}"
	        ".head{font-size:17px;font-weight:600}.name{font-weight:600}.ground{fill:var(--"
	        "ground)}"
	        ".lane{fill:var(--lane)}.line{stroke:var(--line)}.hold{fill:var(--hold)}"
	        ".lag{fill:var(--lag)}.step{fill:var(--step)}.bad{fill:var(--bad)}\n</style>\n");
}

// A step's length: one, two or five times a unit, so that the axis has four to ten marks.
static int64_t axis_step(int64_t length_ms)
{
	static const int64_t steps[] = {SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS, 10 * SECOND_MS,
	        30 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS,
	        6 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 30 * DAY_MS,
	        90 * DAY_MS, 365 * DAY_MS};
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (length_ms / steps[i] <= 9)
			return steps[i];
	return length_ms / 8 + 1;
}

static void draw_axis(struct drawing *d)
{
	int64_t step = axis_step(d->to_ms - d->from_ms);
	for (int64_t t = 0; t <= d->to_ms - d->from_ms; t += step) {
		char text[DURATION_TEXT];
		int x = x_of(d, d->from_ms + t);
		buffer_printf(d->out,
		        "<line class=\"line\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
		        "<text class=\"soft\" x=\"%d\" y=\"%d\">+%s</text>\n",
		        x, x, TOP - 8, d->height - BOTTOM, x + 3, TOP - 10,
		        duration_format(t, text));
	}
}

// The bar of the record that a step waits for, and its explanation for those who point at it.
static void draw_record(struct drawing *d, const struct plan_record *record, int y)
{
	if (!record->is_set || record->publisher < 0 || record->until_ms == TIME_NEVER_MS)
		return;
	int x1 = x_of(d, record->fetch_ms), x2 = x_of(d, record->until_ms);
	buffer_printf(d->out,
	        "<rect class=\"hold\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"7\" rx=\"2\"><title>",
	        x1, y + 22, x2 > x1 + 2 ? x2 - x1 : 2);
	put_escaped(d->out, record->text);
	bool before = x1 > LEFT + 150; // room for the label left of the bar
	buffer_printf(d->out, "</title></rect><text class=\"soft\" x=\"%d\" y=\"%d\"%s>%s of ",
	        before ? x1 - 4 : x2 + 4, y + 29, before ? " text-anchor=\"end\"" : "",
	        record->kind == SAFETY_DATA     ? "data"
	        : record->kind == SAFETY_DNSKEY ? "DNSKEY set"
	        : record->kind == SAFETY_NS     ? "NS set"
	        : record->kind == SAFETY_DS     ? "DS set"
	                                        : "answers");
	put_escaped(d->out, safety_publisher_name(&d->plan->history, record->publisher));
	buffer_puts(d->out, "</text>\n");
}

static void draw_step(struct drawing *d, const struct plan_step *step, int y)
{
	char at[TIME_TEXT + DURATION_TEXT];
	bool planned = step->state == PLAN_STEP_PLANNED;
	int64_t at_ms = planned ? step->start_ms : d->to_ms;
	int x = x_of(d, at_ms), end = planned ? x_of(d, step->everywhere_ms) : x;
	bool left = x > LEFT + CHART * 2 / 3;
	if (end > x)
		buffer_printf(d->out,
		        "<rect class=\"lag\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"12\"/>\n", x,
		        y + 4, end - x);
	buffer_printf(d->out, "<circle class=\"%s\" cx=\"%d\" cy=\"%d\" r=\"6\"/>\n",
	        !planned || step->short_wait || step->no_way_back ? "bad" : "step", x, y + 10);
	buffer_printf(d->out, "<text x=\"%d\" y=\"%d\"%s><title>", left ? x - 11 : end + 11, y + 14,
	        left ? " text-anchor=\"end\"" : "");
	put_escaped(d->out, step->step->title);
	buffer_puts(d->out, "</title>");
	put_escaped(d->out, step->step->id);
	buffer_printf(d->out, " <tspan class=\"soft\">%s%s</tspan></text>\n",
	        planned                             ? instant(d, at_ms, at)
	        : step->state == PLAN_STEP_NEVER    ? "never safe"
	        : step->state == PLAN_STEP_TOO_LATE ? "too late"
	                                            : "not reached",
	        step->no_way_back      ? ", no way back"
	        : step->makes_insecure ? ", insecure from here"
	                               : "");
	draw_record(d, &step->record, y);
}

// The ground of a lane, or what happens on it: the time axis lies between the two.
static void draw_lane(struct drawing *d, int party, bool ground, int *y)
{
	const struct plan *plan = d->plan;
	size_t n = steps_of(plan, party);
	if (n == 0)
		return;
	int height = LANE / 2 + (int)n * ROW, row = *y + 10;
	if (ground) {
		buffer_printf(d->out,
		        "<rect class=\"lane\" x=\"8\" y=\"%d\" width=\"%d\" height=\"%d\" "
		        "rx=\"6\"/>"
		        "<text class=\"name\" x=\"18\" y=\"%d\">",
		        *y, LEFT + CHART + RIGHT - 16, height - 6, *y + 24);
		put_escaped(d->out, plan->procedure->parties[party].id);
		buffer_puts(d->out, "</text>\n");
	}
	for (size_t i = 0; i < plan->count && !ground; i++)
		if (plan->steps[i].step->by == party) {
			draw_step(d, &plan->steps[i], row);
			row += ROW;
		}
	*y += height;
}

static void draw_lanes(struct drawing *d, bool ground)
{
	int y = TOP;
	for (size_t i = 0; i < d->plan->procedure->party_count; i++)
		draw_lane(d, (int)i, ground, &y);
}

static int height_of(const struct plan *plan)
{
	int height = TOP + BOTTOM;
	for (size_t i = 0; i < plan->procedure->party_count; i++) {
		size_t n = steps_of(plan, (int)i);
		height += n > 0 ? LANE / 2 + (int)n * ROW : 0;
	}
	return height;
}

static void draw_head(struct drawing *d, const struct render_context *context)
{
	const struct plan *plan = d->plan;
	int width = LEFT + CHART + RIGHT;
	char from[TIME_TEXT + DURATION_TEXT], to[TIME_TEXT + DURATION_TEXT];
	buffer_printf(d->out,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
	        "height=\"%d\" role=\"img\">\n<title>",
	        width, d->height, width, d->height);
	put_escaped(d->out, plan->procedure->title);
	buffer_puts(d->out, "</title>\n");
	draw_style(d->out);
	buffer_printf(
	        d->out, "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", width, d->height);
	buffer_puts(d->out, "<text class=\"head\" x=\"14\" y=\"26\">");
	put_escaped(d->out, plan->procedure->title);
	if (context != NULL && context->zone[0] != '\0') {
		buffer_puts(d->out, ": ");
		put_escaped(d->out, context->zone);
	}
	buffer_printf(d->out,
	        "</text>\n<text class=\"soft\" x=\"14\" y=\"44\">from %s to %s; direct %s, "
	        "forwarder %s</text>\n",
	        instant(d, plan->scenario.start_ms, from), instant(d, plan->end_ms, to),
	        safety_word_text(plan->verdict.path[SAFETY_DIRECT].word),
	        safety_word_text(plan->verdict.path[SAFETY_FORWARDER].word));
}

void plan_write_svg(
        const struct plan *plan, const struct render_context *context, struct buffer *out)
{
	struct drawing d = {.plan = plan,
	        .out = out,
	        .from_ms = plan->scenario.start_ms,
	        .to_ms = plan->end_ms > plan->scenario.start_ms ? plan->end_ms
	                                                        : plan->scenario.start_ms + HOUR_MS,
	        .height = height_of(plan)};
	draw_head(&d, context);
	draw_lanes(&d, true);
	draw_axis(&d);
	draw_lanes(&d, false);
	buffer_printf(out,
	        "<rect class=\"hold\" x=\"%d\" y=\"%d\" width=\"22\" height=\"7\"/>"
	        "<text class=\"soft\" x=\"%d\" y=\"%d\">cached record that the step waits "
	        "for</text>"
	        "<rect class=\"lag\" x=\"%d\" y=\"%d\" width=\"22\" height=\"12\"/>"
	        "<text class=\"soft\" x=\"%d\" y=\"%d\">until every address shows "
	        "it</text>\n</svg>\n",
	        LEFT, d.height - 22, LEFT + 28, d.height - 14, LEFT + 260, d.height - 25,
	        LEFT + 288, d.height - 14);
}
