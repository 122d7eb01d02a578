#include "cmd/bulk_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/step_state.h"

const char *bulk_page_wave(const struct bulk_definition *definition, size_t wave, char name[32])
{
	if (definition->has_canary && wave == 0)
		snprintf(name, 32, "canary");
	else
		snprintf(name, 32, "wave %zu", wave + !definition->has_canary);
	return name;
}

// ---- What is waited for ------------------------------------------------------------------------

// The monotonic instants of a decision, for people.
static int64_t wall_ms(const struct bulk_view *view, int64_t at_ms)
{
	return at_ms == TIME_NEVER_MS ? at_ms : time_add(view->wall_ms, at_ms - view->now_ms);
}

static void say_rate(
        const struct bulk_view *view, const struct bulk_turn *turn, struct bulk_page_wait *wait)
{
	const struct bulk_definition *b = view->state->definition;
	const struct bulk_lane *lane = &b->lanes[turn->lane];
	char per[DURATION_TEXT];
	wait->state = "waits for its turn";
	wait->until_wall_ms = wall_ms(view, turn->until_ms);
	snprintf(wait->text, sizeof wait->text, "%s takes %u effects in %s", lane->name,
	        b->limits[lane->limit].effects,
	        duration_format(b->limits[lane->limit].per_ms, per));
}

static void say_approval(const struct bulk_row *row, struct bulk_page_wait *wait)
{
	const struct procedure *p = row->definition->procedure;
	size_t n = (size_t)snprintf(wait->text, sizeof wait->text, "by");
	for (size_t i = 0; i < p->party_count && n < sizeof wait->text; i++)
		if (row->parties >> i & 1)
			n += (size_t)snprintf(
			        wait->text + n, sizeof wait->text - n, " %s", p->parties[i].id);
}

static void say_row(const struct bulk_row *row, struct bulk_page_wait *wait)
{
	wait->step = row->step >= 0 ? row->definition->procedure->steps[row->step].id : "";
	wait->state = row->step >= 0 ? step_state_word(row->kind, true) : "preflight";
	wait->until_wall_ms = row->until_wall_ms;
	if (row->kind == MOVE_APPROVE && row->step >= 0)
		say_approval(row, wait);
	else
		snprintf(wait->text, sizeof wait->text, "%.*s", (int)sizeof wait->text - 1,
		        row->text);
}

static void wait_of(const struct bulk_view *view, size_t zone, struct bulk_page_wait *wait)
{
	const struct bulk_zone_state *z = &view->state->zones[zone];
	const struct bulk_turn *turn = &view->decision->turns[zone];
	const struct bulk_row *row = view->rows != NULL ? &view->rows[zone] : NULL;
	*wait = (struct bulk_page_wait){.step = z->step,
	        .state = z->begun ? "in mid-change" : "preflight",
	        .zones = 1,
	        .zone = zone,
	        .until_wall_ms = TIME_NEVER_MS};
	if (row != NULL && row->is_there)
		say_row(row, wait);
	if (turn->why == BULK_RATE)
		say_rate(view, turn, wait);
	else if (turn->why == BULK_HALTED || turn->why == BULK_HELD) {
		wait->state = "held";
		snprintf(wait->text, sizeof wait->text, "%s",
		        turn->why == BULK_HELD ? "something went wrong with it"
		                               : "safe now; the bulk is halted");
	}
}

static void add_wait(struct bulk_page *page, const struct bulk_page_wait *wait)
{
	for (size_t i = 0; i < page->wait_count; i++) {
		struct bulk_page_wait *w = &page->waits[i];
		if (strcmp(w->step, wait->step) != 0 || strcmp(w->state, wait->state) != 0)
			continue;
		size_t zones = w->zones + 1;
		if (wait->until_wall_ms < w->until_wall_ms)
			*w = *wait;
		w->zones = zones;
		return;
	}
	if (page->wait_count == BULK_PAGE_WAITS)
		page->more_waits++;
	else
		page->waits[page->wait_count++] = *wait;
}

static int by_zones(const void *a, const void *b)
{
	const struct bulk_page_wait *x = a, *y = b;
	return x->zones != y->zones ? (x->zones < y->zones) - (x->zones > y->zones)
	                            : (x->zone > y->zone) - (x->zone < y->zone);
}

// Since when it is where it is.
static int64_t since_ms(const struct bulk_view *view, size_t zone)
{
	const struct bulk_zone_state *z = &view->state->zones[zone];
	return z->step_wall_ms > z->phase_wall_ms ? z->step_wall_ms : z->phase_wall_ms;
}

static void add_slowest(struct bulk_page *page, size_t zone)
{
	size_t i = page->slowest_count;
	if (i < BULK_PAGE_SLOWEST)
		page->slowest_count++;
	else if (since_ms(page->view, zone) >= since_ms(page->view, page->slowest[i - 1]))
		return;
	else
		i--;
	for (; i > 0 && since_ms(page->view, zone) < since_ms(page->view, page->slowest[i - 1]);
	        i--)
		page->slowest[i] = page->slowest[i - 1];
	page->slowest[i] = zone;
}

void bulk_page_make(const struct bulk_view *view, struct bulk_page *page)
{
	const struct bulk_definition *b = view->state->definition;
	memset(page, 0, sizeof *page);
	page->view = view;
	for (size_t i = 0; i < b->zone_count; i++) {
		enum bulk_phase phase = view->state->zones[i].phase;
		struct bulk_page_wait wait;
		page->phases[b->zones[i].wave][phase]++;
		page->total[phase]++;
		if (phase != BULK_STARTED)
			continue;
		wait_of(view, i, &wait);
		add_wait(page, &wait);
		add_slowest(page, i);
	}
	qsort(page->waits, page->wait_count, sizeof *page->waits, by_zones);
}

// ---- Text --------------------------------------------------------------------------------------

struct writer {
	const struct bulk_page *page;
	const struct bulk_view *view;
	const struct bulk_definition *b;
	const struct lines_look *look;
	struct buffer *out;
	size_t lines, room;
};

// A line, where there is room; cut, so that a page is as high as it is counted.
static bool line(struct writer *w, enum lines_colour colour, const char *text)
{
	if (w->lines + 1 >= w->room)
		return false;
	buffer_puts(w->out, colour != LINES_PLAIN ? lines_colour(w->look, colour) : "");
	lines_cut(w->out, text, w->look->width);
	buffer_printf(
	        w->out, "%s\n", colour != LINES_PLAIN ? lines_colour(w->look, LINES_PLAIN) : "");
	w->lines++;
	return true;
}

// The time of day where it is today, in UTC.
static const char *clock_text(const struct writer *w, int64_t at_ms, char text[TIME_TEXT])
{
	struct buffer out = buffer_init(4 * TIME_TEXT);
	char full[TIME_TEXT];
	lines_short_times(time_format(at_ms / SECOND_MS * SECOND_MS, full), w->view->wall_ms, &out);
	snprintf(text, TIME_TEXT, "%s", buffer_text(&out));
	buffer_free(&out);
	return text;
}

static void write_counts(struct writer *w, const char *name, size_t zones, const size_t *phases,
        const char *remark, enum lines_colour colour)
{
	char text[300];
	snprintf(text, sizeof text, "%-10s %7zu %8zu %8zu %9zu %7zu %6zu  %s", name, zones,
	        phases[BULK_TO_COME], phases[BULK_STARTED], phases[BULK_FINISHED],
	        phases[BULK_UNDONE], phases[BULK_ASIDE], remark);
	size_t n = strlen(text);
	while (n > 0 && text[n - 1] == ' ')
		text[--n] = '\0';
	line(w, colour, text);
}

static void remark_of(const struct writer *w, size_t wave, char remark[100])
{
	int64_t soaked_ms = bulk_state_soaked_ms(w->view->state);
	char at[TIME_TEXT];
	remark[0] = '\0';
	if (wave == 0 && soaked_ms != TIME_NEVER_MS && soaked_ms > w->view->now_ms)
		snprintf(remark, 100, "watched until %s",
		        clock_text(w, wall_ms(w->view, soaked_ms), at));
	else if (wave < w->view->decision->wave)
		snprintf(remark, 100, "complete");
}

static void write_waves(struct writer *w)
{
	char name[32], remark[100];
	line(w, LINES_DIM, "             zones  to come  started  finished  undone  aside");
	for (size_t i = 0; i < w->b->wave_count; i++) {
		const size_t *phases = w->page->phases[i];
		// Of many waves those that are complete say little.
		if (w->b->wave_count > 12 && i + 1 < w->view->decision->wave)
			continue;
		remark_of(w, i, remark);
		write_counts(w, bulk_page_wave(w->b, i, name), w->b->waves[i].count, phases, remark,
		        phases[BULK_STARTED] > 0 ? LINES_BOLD : LINES_PLAIN);
	}
	write_counts(w, "all", w->b->zone_count, w->page->total, "", LINES_PLAIN);
}

static enum lines_colour colour_of(const struct bulk_page_wait *wait)
{
	if (strcmp(wait->state, "stuck") == 0 || strcmp(wait->state, "held") == 0)
		return LINES_RED;
	return strncmp(wait->state, "waits", 5) == 0 ? LINES_YELLOW : LINES_PLAIN;
}

static void write_waits(struct writer *w)
{
	char text[500], at[TIME_TEXT];
	if (w->page->wait_count == 0)
		return;
	line(w, LINES_PLAIN, "");
	line(w, LINES_DIM, "  zones  next step");
	for (size_t i = 0; i < w->page->wait_count; i++) {
		const struct bulk_page_wait *wait = &w->page->waits[i];
		char until[TIME_TEXT + 20] = "", said[600];
		struct buffer shorter = buffer_init(sizeof said - 1);
		if (wait->until_wall_ms != TIME_NEVER_MS && wait->until_wall_ms > w->view->wall_ms)
			snprintf(until, sizeof until, " until %s",
			        clock_text(w, wait->until_wall_ms, at));
		lines_short_times(wait->text, w->view->wall_ms, &shorter);
		snprintf(text, sizeof text, "%7zu  %-22s %s%s%s%s%.250s", wait->zones, wait->step,
		        wait->state, wait->zones > 1 && until[0] != '\0' ? ", the first" : "",
		        until, shorter.length > 0 ? ": " : "", buffer_text(&shorter));
		buffer_free(&shorter);
		line(w, colour_of(wait), text);
	}
}

static void write_slowest(struct writer *w)
{
	char text[300], for_[DURATION_TEXT];
	for (size_t i = 0; i < w->page->slowest_count && w->page->total[BULK_STARTED] > 1; i++) {
		size_t zone = w->page->slowest[i];
		const char *step = w->view->state->zones[zone].step;
		int64_t ms = w->view->wall_ms - since_ms(w->view, zone);
		duration_format((ms > 0 ? ms : 0) / SECOND_MS * SECOND_MS, for_);
		snprintf(text, sizeof text, "%s%s  %s for %s", i == 0 ? "slowest  " : "         ",
		        w->b->zones[zone].name, step[0] != '\0' ? step : "preflight", for_);
		line(w, LINES_PLAIN, text);
	}
}

// Whether a zone is among those set aside, or among those with which something is wrong.
static bool is_meant(const struct bulk_zone_state *z, bool aside)
{
	return aside ? z->phase == BULK_ASIDE : z->held || z->key[0] != '\0';
}

static void write_wrong(struct writer *w, const char *title, bool aside)
{
	char text[700];
	bool any = false;
	for (size_t i = 0; i < w->b->zone_count; i++) {
		const struct bulk_zone_state *z = &w->view->state->zones[i];
		if (!is_meant(z, aside))
			continue;
		if (!any) {
			line(w, LINES_PLAIN, "");
			line(w, LINES_DIM, title);
		}
		any = true;
		snprintf(text, sizeof text, "  %s: %s", w->b->zones[i].name, z->text);
		if (!line(w, aside ? LINES_PLAIN : LINES_RED, text))
			return;
	}
}

static void write_end(struct writer *w)
{
	const struct bulk_state *s = w->view->state;
	char text[DNS_NAME_TEXT + 2 * BULK_TEXT], at[TIME_TEXT];
	if (!s->halted)
		return;
	line(w, LINES_PLAIN, "");
	snprintf(text, sizeof text, "HALTED at %s: %s%s%s", clock_text(w, s->halted_wall_ms, at),
	        s->halted_by, s->halted_by[0] != '\0' ? ": " : "", s->halted_text);
	line(w, LINES_RED, text);
	snprintf(text, sizeof text,
	        "`baton bulk resume %s` goes on; `baton bulk undo %s` takes back what is in "
	        "mid-change",
	        w->b->file, w->b->file);
	line(w, LINES_BOLD, text);
}

void bulk_page_text(const struct bulk_page *page, const struct lines_look *look, struct buffer *out)
{
	struct writer w = {page, page->view, page->view->state->definition, look, out, 0,
	        look->height > 0 ? (size_t)look->height : SIZE_MAX};
	char text[300], at[TIME_TEXT];
	snprintf(text, sizeof text, "%s: %s of %zu zones, begun %s", w.b->id, w.b->procedure,
	        w.b->zone_count, clock_text(&w, w.view->state->created_wall_ms, at));
	line(&w, LINES_BOLD, text);
	write_waves(&w);
	// What has to be read leaves its room to nobody.
	size_t room = w.room;
	if (room != SIZE_MAX && page->view->state->halted)
		w.room -= w.room > 10 ? 3 : 0;
	write_wrong(&w, "what went wrong", false);
	write_waits(&w);
	write_slowest(&w);
	write_wrong(&w, "set aside", true);
	w.room = room;
	write_end(&w);
}

// ---- JSON --------------------------------------------------------------------------------------

static void put_phases(json_t *object, const size_t *phases)
{
	static const char *const names[BULK_PHASES] = {
	        "to_come", "started", "finished", "undone", "aside"};
	for (int phase = 0; phase < BULK_PHASES; phase++)
		json_object_set_new(object, names[phase], json_integer((json_int_t)phases[phase]));
}

static json_t *json_of_waves(const struct bulk_page *page)
{
	const struct bulk_definition *b = page->view->state->definition;
	json_t *list = json_array();
	for (size_t i = 0; i < b->wave_count; i++) {
		char name[32];
		json_t *wave = json_pack("{s:s, s:I, s:b}", "wave", bulk_page_wave(b, i, name),
		        "zones", (json_int_t)b->waves[i].count, "complete",
		        i < page->view->decision->wave);
		put_phases(wave, page->phases[i]);
		json_array_append_new(list, wave);
	}
	return list;
}

static json_t *json_of_waits(const struct bulk_page *page)
{
	const struct bulk_definition *b = page->view->state->definition;
	json_t *list = json_array();
	for (size_t i = 0; i < page->wait_count; i++) {
		const struct bulk_page_wait *w = &page->waits[i];
		json_t *one = json_pack("{s:s, s:s, s:I, s:s, s:o}", "step", w->step, "state",
		        w->state, "zones", (json_int_t)w->zones, "zone", b->zones[w->zone].name,
		        "text", json_text(w->text));
		if (w->until_wall_ms != TIME_NEVER_MS)
			json_object_set_new(one, "until_ms", json_integer(w->until_wall_ms));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *json_of_wrong(const struct bulk_page *page, bool aside)
{
	const struct bulk_state *s = page->view->state;
	json_t *list = json_array();
	for (size_t i = 0; i < s->definition->zone_count; i++) {
		const struct bulk_zone_state *z = &s->zones[i];
		if (is_meant(z, aside))
			json_array_append_new(list,
			        json_pack("{s:s, s:b, s:o}", "zone", s->definition->zones[i].name,
			                "held", z->held, "text", json_text(z->text)));
	}
	return list;
}

static json_t *json_of_slowest(const struct bulk_page *page)
{
	const struct bulk_state *s = page->view->state;
	json_t *list = json_array();
	for (size_t i = 0; i < page->slowest_count; i++)
		json_array_append_new(
		        list, json_pack("{s:s, s:s, s:I}", "zone",
		                      s->definition->zones[page->slowest[i]].name, "step",
		                      s->zones[page->slowest[i]].step, "since_ms",
		                      (json_int_t)since_ms(page->view, page->slowest[i])));
	return list;
}

json_t *bulk_page_json(const struct bulk_page *page)
{
	const struct bulk_state *s = page->view->state;
	json_t *all =
	        json_pack("{s:s, s:s, s:I, s:b, s:b, s:I}", "bulk", s->definition->id, "procedure",
	                s->definition->procedure, "zones", (json_int_t)s->definition->zone_count,
	                "complete", page->view->decision->wave == s->definition->wave_count,
	                "halted", s->halted, "anomalies_ever", (json_int_t)s->anomalies);
	put_phases(all, page->total);
	if (s->halted) {
		json_object_set_new(all, "halted_by", json_text(s->halted_by));
		json_object_set_new(all, "halted_text", json_text(s->halted_text));
		json_object_set_new(all, "halted_ms", json_integer(s->halted_wall_ms));
	}
	json_object_set_new(all, "waves", json_of_waves(page));
	json_object_set_new(all, "waits", json_of_waits(page));
	json_object_set_new(all, "slowest", json_of_slowest(page));
	json_object_set_new(all, "anomalies", json_of_wrong(page, false));
	json_object_set_new(all, "set_aside", json_of_wrong(page, true));
	return all;
}
