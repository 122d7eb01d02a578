#include "bulk/bulk.h"

#include <stdlib.h>
#include <string.h>

#include "bulk/internal.h"

enum { ARENA_MAX = 1 << 30, LISTEN_MS = 2000, STARTS_IN_A_TURN = 4, LOOKS_IN_A_TURN = 16 };

void bulk_say(struct bulk *b, enum bulk_said what, size_t zone, const char *text)
{
	const char *name = zone < b->d->zone_count ? b->d->zones[zone].name : "";
	if (b->o.said != NULL)
		b->o.said(b->o.ctx, what, name, CHANGE_SAID_END, "", text);
}

static void stop(struct bulk *b, enum bulk_end end, const char *text)
{
	b->end = end;
	bulk_say(b, BULK_SAID_END, b->d->zone_count, text);
	loop_timer_stop(b->o.loop, &b->turn);
	loop_timer_stop(b->o.loop, &b->looks);
	loop_timer_stop(b->o.loop, &b->listen);
	loop_stop(b->o.loop);
}

void bulk_fail(struct bulk *b)
{
	if (b->end == BULK_RUNNING)
		stop(b, BULK_FAILED, b->err.text);
}

bool bulk_note(struct bulk *b, const char *word, size_t zone, json_t *more)
{
	const char *name = zone < b->d->zone_count ? b->d->zones[zone].name : "";
	if (b->end == BULK_RUNNING &&
	        bulk_ledger_note(b->ledger, word, name, more, &b->err) == RESULT_OK)
		return true;
	bulk_fail(b);
	return false;
}

void bulk_turn_soon(struct bulk *b)
{
	if (b->end == BULK_RUNNING)
		loop_timer_start(b->o.loop, &b->turn, 0);
}

// ---- Looks -------------------------------------------------------------------------------------

void bulk_look_add(struct bulk *b, struct member *m, bool first)
{
	if (m->looking)
		return;
	m->looking = true;
	b->looks_waiting++;
	m->next_look = first ? b->look_first : NULL;
	if (b->look_first == NULL || !first) {
		*b->look_end = m;
		b->look_end = &m->next_look;
	} else
		b->look_first = m;
	if (!b->looks.active && b->end == BULK_RUNNING)
		loop_timer_start(b->o.loop, &b->looks, 0);
}

void bulk_look_drop(struct bulk *b, struct member *m)
{
	struct member **link = &b->look_first;
	while (m->looking && *link != m)
		link = &(*link)->next_look;
	if (!m->looking)
		return;
	*link = m->next_look;
	if (b->look_end == &m->next_look)
		b->look_end = link;
	m->looking = false;
	b->looks_waiting--;
}

// One after the other, as the pace allows: who waits for a busy address holds the others up no
// longer than it waits itself.
static void look(void *ctx)
{
	struct bulk *b = ctx;
	int64_t now_ms = loop_now_ms(b->o.loop), from_ms = TIME_EVER_MS;
	for (int i = 0; b->end == BULK_RUNNING && b->look_first != NULL && i < LOOKS_IN_A_TURN;
	        i++) {
		struct member *m = b->look_first;
		from_ms = bulk_pace_from_ms(b->pace, &m->load);
		if (from_ms > now_ms)
			break;
		bulk_pace_take(b->pace, &m->load, now_ms);
		bulk_look_drop(b, m);
		change_engine_look(m->engine);
	}
	if (b->end == BULK_RUNNING && b->look_first != NULL)
		loop_timer_start(b->o.loop, &b->looks, from_ms > now_ms ? from_ms - now_ms : 0);
}

// ---- Turns -------------------------------------------------------------------------------------

static void settle(struct bulk *b)
{
	for (struct member *m = b->first, *next; m != NULL && b->end == BULK_RUNNING; m = next) {
		next = m->next;
		if (m->ended)
			member_settle(m);
	}
}

static void take_back(struct bulk *b)
{
	for (size_t i = 0; i < b->d->zone_count && b->end == BULK_RUNNING; i++)
		if (b->state->zones[i].undo_wanted)
			member_undo(b, i);
}

static bool is_soaked(const struct bulk *b)
{
	return bulk_state_soaked_ms(b->state) <= loop_now_ms(b->o.loop);
}

bool bulk_is_soaking(const struct bulk *b, size_t zone)
{
	return b->d->zones[zone].wave == 0 && b->d->soak_ms > 0 && !is_soaked(b);
}

static void end_soak(struct bulk *b)
{
	for (struct member *m = b->first, *next; m != NULL; m = next) {
		next = m->next;
		member_unwatch(m);
	}
}

// New ones a few at a time, because each begins a journal on the disk, and the loop has answers to
// read meanwhile.
static void let_go_on(struct bulk *b)
{
	int starts = 0;
	for (size_t i = 0; i < b->d->zone_count && b->end == BULK_RUNNING; i++) {
		if (!b->decision.turns[i].may)
			continue;
		if (b->state->zones[i].phase == BULK_STARTED) {
			if (b->members[i] != NULL && !b->members[i]->woken) {
				b->members[i]->woken = true;
				bulk_look_add(b, b->members[i], true);
			}
		} else if (starts++ == STARTS_IN_A_TURN) {
			bulk_turn_soon(b);
			return;
		} else if (bulk_note(b, "started", i, NULL)) {
			bulk_say(b, BULK_SAID_STARTS, i, "");
			member_open(b, i);
		}
	}
}

static void say_waves(struct bulk *b)
{
	for (; b->wave_said < b->decision.wave; b->wave_said++) {
		char text[40] = "the canary";
		if (b->wave_said > 0 || !b->d->has_canary)
			snprintf(text, sizeof text, "wave %zu", b->wave_said + !b->d->has_canary);
		bulk_say(b, BULK_SAID_WAVE, b->d->zone_count, text);
	}
}

// Those in mid-change that have no engine: after a restart, or because it could not begin; and the
// canary where it is still watched.
static void go_on(struct bulk *b)
{
	for (size_t i = 0; i < b->d->zone_count && b->end == BULK_RUNNING; i++) {
		const struct bulk_zone_state *z = &b->state->zones[i];
		bool watched = z->phase == BULK_FINISHED && bulk_is_soaking(b, i);
		if (b->members[i] == NULL && (z->phase == BULK_STARTED || watched))
			member_open(b, i);
	}
}

// Somebody may say to go on also where nothing is halted: for zones that are held.
static void say_halts(struct bulk *b)
{
	int by = bulk_zone_find(b->d, b->state->halted_by);
	bool resumed = b->state->resumes != b->resumes;
	b->resumes = b->state->resumes;
	if (resumed)
		bulk_say(b, BULK_SAID_RESUMED, b->d->zone_count, "");
	if (b->state->halted && (resumed || !b->was_halted))
		bulk_say(b, BULK_SAID_HALTED, by < 0 ? b->d->zone_count : (size_t)by,
		        b->state->halted_text);
	b->was_halted = b->state->halted;
	if (resumed)
		go_on(b);
}

static bool is_over(const struct bulk *b)
{
	for (struct member *m = b->first; m != NULL; m = m->next)
		if (!m->watched)
			return false;
	return true;
}

static void check_end(struct bulk *b)
{
	bool nobody = is_over(b);
	if (b->state->halted && (nobody || b->o.end_at_halt))
		stop(b, BULK_STOPPED, "halted");
	else if (nobody && b->decision.wave == b->d->wave_count && is_soaked(b))
		stop(b, BULK_COMPLETE, "every zone's change is over");
}

static void wait_on(struct bulk *b)
{
	int64_t now_ms = loop_now_ms(b->o.loop), until_ms = b->decision.next_ms;
	int64_t soaked_ms = bulk_state_soaked_ms(b->state);
	if (soaked_ms > now_ms && soaked_ms < until_ms)
		until_ms = soaked_ms;
	if (!b->turn.active && until_ms != TIME_NEVER_MS)
		loop_timer_start(b->o.loop, &b->turn, until_ms > now_ms ? until_ms - now_ms : 0);
}

static void turn(void *ctx)
{
	struct bulk *b = ctx;
	settle(b);
	say_halts(b);
	take_back(b);
	if (b->end == BULK_RUNNING && is_soaked(b))
		end_soak(b);
	if (b->end != BULK_RUNNING)
		return;
	bulk_decide(b->state, loop_now_ms(b->o.loop), &b->decision);
	say_waves(b);
	let_go_on(b);
	if (b->end != BULK_RUNNING)
		return;
	bulk_decide(b->state, loop_now_ms(b->o.loop), &b->decision);
	if (b->o.turned != NULL) {
		struct bulk_view view = bulk_view(b);
		b->o.turned(b->o.ctx, &view);
	}
	check_end(b);
	if (b->end == BULK_RUNNING)
		wait_on(b);
}

static void hear_again(struct bulk *b)
{
	int64_t pause_ms = b->o.listen_ms > 0 ? b->o.listen_ms : LISTEN_MS;
	loop_timer_start(b->o.loop, &b->listen, pause_ms);
}

static void hear(void *ctx)
{
	struct bulk *b = ctx;
	if (bulk_ledger_listen(b->ledger, &b->err) != RESULT_OK) {
		bulk_fail(b);
		return;
	}
	hear_again(b);
	bulk_turn_soon(b);
}

// ---- Beginning and end -------------------------------------------------------------------------

static enum result allocate(struct bulk *b, struct error *err)
{
	b->arena = arena_new(ARENA_MAX);
	b->pace = bulk_pace_new(b->d->queries_each, b->d->queries_all);
	if (b->arena == NULL || b->pace == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	b->rows = arena_array(b->arena, b->d->zone_count, sizeof *b->rows);
	b->members = arena_array(b->arena, b->d->zone_count, sizeof(struct member *));
	if (b->rows == NULL || b->members == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", b->d->file);
	enum result result = bulk_state_new(b->arena, b->d, &b->state, err);
	return result == RESULT_OK ? bulk_decision_new(b->arena, b->d, &b->decision, err) : result;
}

// A look at one zone sends its queries at once; the pace makes up for them.
static enum result start_queries(struct bulk *b, struct error *err)
{
	struct query_limits limits = {.rate = 10 * b->d->queries_each, .burst = 40};
	return query_engine_new(b->o.loop, &b->o.random, &limits, &b->queries, err);
}

enum result bulk_new(const struct bulk_options *options, struct bulk **bulk, struct error *err)
{
	struct bulk *b = calloc(1, sizeof *b);
	if (b == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	b->o = *options;
	b->d = options->definition;
	b->clock = loop_clock(options->loop);
	b->look_end = &b->look_first;
	b->turn = (struct loop_timer){.fire = turn, .ctx = b};
	b->looks = (struct loop_timer){.fire = look, .ctx = b};
	b->listen = (struct loop_timer){.fire = hear, .ctx = b};
	enum result result = allocate(b, err);
	if (result == RESULT_OK)
		result = start_queries(b, err);
	if (result == RESULT_OK)
		result = bulk_ledger_open(b->o.loop, &b->o.random, b->state, &b->ledger, err);
	if (result != RESULT_OK) {
		bulk_free(b);
		return result;
	}
	b->was_halted = b->state->halted;
	b->resumes = b->state->resumes;
	bulk_decide(b->state, loop_now_ms(b->o.loop), &b->decision);
	b->wave_said = b->decision.wave;
	go_on(b);
	if (b->end == BULK_RUNNING)
		hear_again(b);
	bulk_turn_soon(b);
	*bulk = b;
	return RESULT_OK;
}

void bulk_free(struct bulk *bulk)
{
	if (bulk == NULL)
		return;
	bulk->end = bulk->end == BULK_RUNNING ? BULK_STOPPED : bulk->end;
	while (bulk->first != NULL)
		member_close(bulk->first);
	loop_timer_stop(bulk->o.loop, &bulk->turn);
	loop_timer_stop(bulk->o.loop, &bulk->looks);
	loop_timer_stop(bulk->o.loop, &bulk->listen);
	query_engine_free(bulk->queries);
	bulk_ledger_close(bulk->ledger);
	bulk_pace_free(bulk->pace);
	arena_free(bulk->arena);
	free(bulk);
}

enum bulk_end bulk_end(const struct bulk *bulk, struct error *err)
{
	if (err != NULL)
		*err = bulk->err;
	return bulk->end;
}

struct bulk_view bulk_view(const struct bulk *b)
{
	struct clock clock = b->clock;
	return (struct bulk_view){.state = b->state,
	        .decision = &b->decision,
	        .rows = b->rows,
	        .wall_ms = clock_now_ms(&clock),
	        .now_ms = loop_now_ms(b->o.loop),
	        .looks_waiting = b->looks_waiting,
	        .queries = query_engine_stats(b->queries)};
}
