// One zone of a running bulk: its journal, its engine, and what it asks the bulk.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bulk/internal.h"
#include "change/record.h"

enum { MEMBER_ARENA_MAX = 64 << 20 };

static struct bulk_zone_state *state_of(const struct member *m)
{
	return &m->bulk->state->zones[m->zone];
}

// ---- What the engine asks ----------------------------------------------------------------------

static bool may_look(void *ctx)
{
	struct member *m = ctx;
	struct bulk *b = m->bulk;
	int64_t now_ms = loop_now_ms(b->o.loop);
	if (b->look_first == NULL && bulk_pace_from_ms(b->pace, &m->load) <= now_ms) {
		bulk_pace_take(b->pace, &m->load, now_ms);
		return true;
	}
	bulk_look_add(b, m, false);
	return false;
}

// Who acts, and whose records change; -1 where the step has no effect in the DNS.
static void parties_of(const struct member *m, const struct move *move, int parties[2])
{
	const struct procedure_step *step = &m->definition->procedure->steps[move->step];
	parties[0] = move->undo && step->undo.by >= 0 ? step->undo.by : step->by;
	parties[1] = -1;
	if (move->publisher < 0)
		parties[0] = -1;
	else {
		parties[1] = change_party_of(m->definition, move->publisher);
		if (parties[1] == PROCEDURE_PARENT)
			parties[1] = m->definition->parent;
	}
}

static uint32_t limits_of(const struct member *m, const int parties[2])
{
	uint32_t limits = 0;
	for (int i = 0; i < 2; i++) {
		int limit = parties[i] >= 0
		                    ? bulk_limit_find(m->bulk->d,
		                              m->definition->procedure->parties[parties[i]].id)
		                    : -1;
		if (limit >= 0)
			limits |= UINT32_C(1) << limit;
	}
	return limits;
}

static bool note_leave(struct member *m, const struct move *move, const int parties[2])
{
	const struct procedure *p = m->definition->procedure;
	json_t *names = json_array();
	for (int i = 0; i < 2; i++)
		if (parties[i] >= 0 && (i == 0 || parties[1] != parties[0]))
			json_array_append_new(names, json_string(p->parties[parties[i]].id));
	return bulk_note(m->bulk, "leave", m->zone,
	        json_pack("{s:s, s:b, s:o}", "step", p->steps[move->step].id, "undo", move->undo,
	                "parties", names));
}

// That a deadline passes is an anomaly; the procedure's answer to it comes when somebody has said
// to go on.
static bool may_turn(const struct member *m, const struct move *move)
{
	const struct bulk_zone_state *z = state_of(m);
	char key[BULK_KEY];
	bulk_anomaly_deadline(m->definition->procedure->steps[move->step].id, key);
	return !m->bulk->state->halted && !z->held && strcmp(z->key, key) == 0;
}

static bool may_make(void *ctx, const struct move *move, bool asked)
{
	struct member *m = ctx;
	struct bulk *b = m->bulk;
	struct bulk_wish *wish = &state_of(m)->wish;
	int parties[2];
	if (b->end != BULK_RUNNING || m->ended)
		return false;
	if (move->kind == MOVE_SKIP || move->kind == MOVE_BRANCH)
		return may_turn(m, move);
	parties_of(m, move, parties);
	if (!wish->is_set)
		wish->since_ms = loop_now_ms(b->o.loop);
	wish->is_set = true;
	wish->back = move->undo;
	wish->limits = limits_of(m, parties);
	m->asked = true;
	bulk_decide(b->state, loop_now_ms(b->o.loop), &b->decision);
	bool may = b->decision.turns[m->zone].may;
	if (may && asked) {
		wish->is_set = false;
		may = note_leave(m, move, parties);
	}
	bulk_turn_soon(b);
	return may;
}

static void has_ended(void *ctx)
{
	struct member *m = ctx;
	m->ended = true;
	bulk_turn_soon(m->bulk);
}

// ---- What the engine shows ---------------------------------------------------------------------

static void said(void *ctx, enum change_said what, const char *step, const char *text)
{
	struct member *m = ctx;
	struct bulk *b = m->bulk;
	if (b->o.said != NULL)
		b->o.said(b->o.ctx, BULK_SAID_CHANGE, b->d->zones[m->zone].name, what, step, text);
}

static int weight(enum move_kind kind)
{
	static const int weights[] = {[MOVE_STUCK] = 9,
	        [MOVE_NO_WAY_BACK] = 9,
	        [MOVE_SKIP] = 8,
	        [MOVE_BRANCH] = 8,
	        [MOVE_ACT] = 7,
	        [MOVE_ASK] = 6,
	        [MOVE_PERSON] = 6,
	        [MOVE_APPROVE] = 5,
	        [MOVE_OBSERVE] = 4,
	        [MOVE_WAIT] = 3,
	        [MOVE_SEEN] = 2,
	        [MOVE_TURN] = 1};
	return weights[kind];
}

// Of all moves the one that a person wants to know of.
static void fill_row(struct bulk_row *row, const struct change_view *view)
{
	const struct move *best = NULL;
	for (size_t i = 0; view->decision != NULL && i < view->decision->count; i++)
		if (best == NULL || weight(view->decision->moves[i].kind) > weight(best->kind))
			best = &view->decision->moves[i];
	row->definition = view->definition;
	row->step = best != NULL ? best->step : -1;
	row->kind = best != NULL ? best->kind : MOVE_WAIT;
	row->parties = best != NULL ? best->parties : 0;
	row->until_wall_ms = best != NULL ? best->until_ms : TIME_NEVER_MS;
	int first = (int)strcspn(view->missing, "\n");
	if (best != NULL)
		snprintf(row->text, sizeof row->text, "%.299s", best->text);
	else
		snprintf(row->text, sizeof row->text, "%.*s", first, view->missing);
}

static void raise(struct member *m, const char *key, const char *text)
{
	struct bulk *b = m->bulk;
	if (!bulk_note(b, "anomaly", m->zone,
	            json_pack("{s:o, s:o}", "key", change_record_text(key), "text",
	                    change_record_text(text))))
		return;
	bulk_say(b, BULK_SAID_ANOMALY, m->zone, text);
	if (b->state->halted || b->state->new_anomalies < b->d->halt_after)
		return;
	if (bulk_note(b, "halted", b->d->zone_count,
	            json_pack("{s:s, s:o}", "by", b->d->zones[m->zone].name, "text",
	                    change_record_text(text))))
		bulk_turn_soon(b);
}

static void set_aside(struct bulk *b, size_t zone, const char *text)
{
	if (!bulk_note(b, "aside", zone, json_pack("{s:o}", "text", change_record_text(text))))
		return;
	bulk_say(b, BULK_SAID_ASIDE, zone, text);
	if (b->members[zone] != NULL)
		b->members[zone]->ended = true;
	bulk_turn_soon(b);
}

static void check_preflight(struct member *m, const struct change_view *view)
{
	int64_t until_ms = time_add(state_of(m)->started_ms, m->bulk->d->preflight_ms);
	char text[BULK_TEXT];
	if (view->progress->is_begun) {
		bulk_note(m->bulk, "begun", m->zone, NULL);
		return;
	}
	if (loop_now_ms(m->bulk->o.loop) < until_ms || view->missing[0] == '\0')
		return;
	snprintf(text, sizeof text, "preflight: %.*s", (int)strcspn(view->missing, "\n"),
	        view->missing);
	if (m->bulk->d->skip_preflight)
		set_aside(m->bulk, m->zone, text);
	else if (state_of(m)->key[0] == '\0')
		raise(m, "preflight", text);
}

static void check_anomaly(struct member *m, const struct change_view *view)
{
	struct bulk *b = m->bulk;
	struct bulk_zone_state *z = state_of(m);
	struct bulk_anomaly found;
	if (bulk_anomaly_find(view, clock_now_ms(&b->clock), &found, &b->err) != RESULT_OK)
		bulk_fail(b);
	else if (found.key[0] != '\0' && strcmp(found.key, z->key) != 0)
		raise(m, found.key, found.text);
	else if (found.key[0] == '\0' && z->key[0] != '\0' && view->progress->is_begun)
		bulk_note(b, "well", m->zone, NULL);
}

static void turned(void *ctx, const struct change_view *view)
{
	struct member *m = ctx;
	struct bulk *b = m->bulk;
	if (b->end != BULK_RUNNING || m->ended)
		return;
	fill_row(&b->rows[m->zone], view);
	if (!m->asked)
		state_of(m)->wish.is_set = false;
	m->asked = m->woken = false;
	if (!state_of(m)->begun)
		check_preflight(m, view);
	if (b->end == BULK_RUNNING && !m->ended)
		check_anomaly(m, view);
	bulk_turn_soon(b);
}

// ---- Beginning and end -------------------------------------------------------------------------

static const char lost[] =
        "%s: the change has begun, and its journal is not there: bring it back, for "
        "nothing else knows how far it is";

// A change that has begun keeps the definition with which it began.
static enum result find_definition_of(struct member *m, struct error *err)
{
	const struct bulk_zone *zone = &m->bulk->d->zones[m->zone];
	enum result result = change_record_begun(m->arena, m->journal, &m->definition, err);
	if (result == RESULT_OK && m->definition == NULL && state_of(m)->begun)
		return error_set(err, RESULT_NOT_FOUND, lost, zone->journal);
	if (result == RESULT_OK && m->definition == NULL)
		return bulk_definition_zone(m->arena, m->bulk->d, zone, &m->definition, err);
	return result;
}

// Where the change has begun, its journal is there.
static enum result open_journal(struct member *m, struct error *err)
{
	const char *path = m->bulk->d->zones[m->zone].journal;
	bool begun = state_of(m)->begun;
	struct journal_options options = {.clock = m->bulk->clock, .random = m->bulk->o.random};
	enum result result = journal_open(
	        path, begun ? JOURNAL_WRITE : JOURNAL_CREATE, &options, &m->journal, err);
	return begun && result == RESULT_NOT_FOUND ? error_set(err, result, lost, path) : result;
}

static enum result start_engine(struct member *m, struct error *err)
{
	struct bulk *b = m->bulk;
	struct change_engine_options o = {.loop = b->o.loop,
	        .random = b->o.random,
	        .host = &m->host,
	        .said = said,
	        .turned = turned,
	        .ctx = m};
	m->host = (struct change_host){.queries = b->queries,
	        .may_look = may_look,
	        .may_make = may_make,
	        .ended = has_ended,
	        .ctx = m};
	m->arena = arena_new(MEMBER_ARENA_MAX);
	if (m->arena == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	enum result result = open_journal(m, err);
	if (result == RESULT_OK)
		result = find_definition_of(m, err);
	if (result == RESULT_OK)
		result = bulk_load_find(b->pace, m->arena, m->definition, &m->load, err);
	o.journal = m->journal;
	o.definition = m->definition;
	return result == RESULT_OK ? change_engine_new(&o, &m->engine, err) : result;
}

static void link_in(struct member *m)
{
	struct bulk *b = m->bulk;
	m->next = b->first;
	if (b->first != NULL)
		b->first->previous = m;
	b->first = m;
	b->members[m->zone] = m;
	b->member_count++;
	b->rows[m->zone] = (struct bulk_row){.is_there = true,
	        .step = -1,
	        .until_wall_ms = TIME_NEVER_MS,
	        .definition = m->definition};
}

// What is wrong with one zone halts like another anomaly; without journals or memory nothing goes
// on.
static void open_fails(struct member *m, struct error *err)
{
	struct bulk *b = m->bulk;
	const struct bulk_zone_state *z = state_of(m);
	bool ours = err->code == RESULT_SYSTEM || err->code == RESULT_MEMORY ||
	            err->code == RESULT_CORRUPT || err->code == RESULT_LIMIT;
	if (ours) {
		error_set(&b->err, err->code, "zone %s: %s", b->d->zones[m->zone].name, err->text);
		bulk_fail(b);
	} else if (b->d->skip_preflight && !z->begun)
		set_aside(b, m->zone, err->text);
	else if (!z->held || strcmp(z->key, "start") != 0)
		raise(m, "start", err->text);
}

static void watch(void *ctx)
{
	struct member *m = ctx;
	bulk_look_add(m->bulk, m, false);
	loop_timer_start(m->bulk->o.loop, &m->watch, m->definition->poll_ms);
}

void member_open(struct bulk *b, size_t zone)
{
	struct error err = {0};
	struct member *m = calloc(1, sizeof *m);
	if (m == NULL) {
		error_set(&b->err, RESULT_MEMORY, "out of memory");
		bulk_fail(b);
		return;
	}
	m->bulk = b;
	m->zone = zone;
	m->watch = (struct loop_timer){.fire = watch, .ctx = m};
	if (start_engine(m, &err) != RESULT_OK) {
		open_fails(m, &err);
		member_close(m);
		return;
	}
	link_in(m);
	m->ended = change_engine_end(m->engine, NULL) != CHANGE_RUNNING;
	bulk_turn_soon(b);
}

void member_close(struct member *m)
{
	struct bulk *b = m->bulk;
	bulk_look_drop(b, m);
	loop_timer_stop(b->o.loop, &m->watch);
	if (b->members[m->zone] == m) {
		b->rows[m->zone].is_there = false;
		b->members[m->zone] = NULL;
		b->member_count--;
		if (m->next != NULL)
			m->next->previous = m->previous;
		if (m->previous != NULL)
			m->previous->next = m->next;
		else
			b->first = m->next;
	}
	change_engine_free(m->engine);
	journal_close(m->journal);
	arena_free(m->arena);
	free(m);
}

static bool is_to_be_watched(const struct member *m, enum change_end end)
{
	return end == CHANGE_FINISHED && bulk_is_soaking(m->bulk, m->zone) &&
	       !state_of(m)->undo_wanted;
}

void member_settle(struct member *m)
{
	struct bulk *b = m->bulk;
	struct error err = {0};
	enum change_end end = change_engine_end(m->engine, &err);
	bool undone = end == CHANGE_UNDONE;
	m->ended = false;
	if (end == CHANGE_FAILED) {
		error_set(&b->err, err.code, "zone %s: %s", b->d->zones[m->zone].name, err.text);
		bulk_fail(b);
		return;
	}
	if (end != CHANGE_RUNNING && state_of(m)->phase == BULK_STARTED) {
		if (!bulk_note(b, undone ? "undone" : "finished", m->zone, NULL))
			return;
		bulk_say(b, undone ? BULK_SAID_UNDONE : BULK_SAID_FINISHED, m->zone, "");
	}
	m->watched = is_to_be_watched(m, end);
	if (m->watched)
		loop_timer_start(b->o.loop, &m->watch, m->definition->poll_ms);
	else
		member_close(m);
}

void member_unwatch(struct member *m)
{
	if (m->watched)
		member_close(m);
}

// ---- Back --------------------------------------------------------------------------------------

static void append_undo(struct bulk *b, struct journal *journal, const struct change_definition *d)
{
	struct journal_entry entry = {
	        .kind = JOURNAL_UNDO, .change = d->id, .step = d->procedure->steps[0].id};
	if (journal_append(journal, &entry, NULL, &b->err) != RESULT_OK)
		bulk_fail(b);
}

// A change that has not begun is given up; one that runs hears it in its next turn; one that is
// finished is opened again.
void member_undo(struct bulk *b, size_t zone)
{
	struct member *m = b->members[zone];
	if (!b->state->zones[zone].begun) {
		set_aside(b, zone, "given up before its first step");
		return;
	}
	if (m == NULL || m->watched) {
		if (m != NULL)
			member_close(m);
		m = NULL;
		member_open(b, zone);
		m = b->members[zone];
	}
	if (m == NULL || b->end != BULK_RUNNING)
		return;
	append_undo(b, m->journal, m->definition);
	if (b->end != BULK_RUNNING || !bulk_note(b, "undoing", zone, NULL))
		return;
	if (change_engine_end(m->engine, NULL) == CHANGE_RUNNING) {
		bulk_look_add(b, m, true);
		return;
	}
	// Its engine has read the journal before: another one finds the wish in it.
	member_close(m);
	member_open(b, zone);
}
