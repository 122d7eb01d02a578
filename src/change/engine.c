#include "change/engine.h"

#include <stdlib.h>
#include <string.h>

#include "change/engine_internal.h"

enum { LEAST_PAUSE_MS = 200 };

void engine_say(struct change_engine *e, enum change_said what, int step, const char *text)
{
	if (e->o.said != NULL)
		e->o.said(e->o.ctx, what, step >= 0 ? e->d->procedure->steps[step].id : "", text);
}

void engine_reach(struct change_engine *e, enum change_point point, int step)
{
	if (e->o.reached != NULL)
		e->o.reached(e->o.ctx, point, e->d->procedure->steps[step].id);
}

void engine_stop(struct change_engine *e, enum change_end end)
{
	e->end = end;
	loop_timer_stop(e->o.loop, &e->timer);
	if (e->o.host != NULL)
		e->o.host->ended(e->o.host->ctx);
	else
		loop_stop(e->o.loop);
}

void engine_fail(struct change_engine *e)
{
	engine_say(e, CHANGE_SAID_END, -1, e->err.text);
	engine_stop(e, CHANGE_FAILED);
}

// ---- The journal -----------------------------------------------------------------------------

struct reading {
	struct change_engine *e;
	int64_t below_seq; // guests only, up to here; 0: everything
};

static bool is_guest(enum journal_kind kind)
{
	return kind == JOURNAL_APPROVAL || kind == JOURNAL_DONE || kind == JOURNAL_UNDO;
}

static enum result read_record(void *ctx, const struct journal_record *record, struct error *err)
{
	struct reading *r = ctx;
	json_t *payload;
	if (r->below_seq > 0 && (!is_guest(record->kind) || record->seq >= r->below_seq))
		return RESULT_OK;
	enum result result = journal_payload(record, &payload, err);
	if (result != RESULT_OK)
		return result;
	r->e->read_seq = record->seq;
	result =
	        replay_apply(&r->e->now, record->kind, record->step, record->time_ms, payload, err);
	json_decref(payload);
	return result;
}

static bool read_journal(struct change_engine *e, int64_t below_seq)
{
	struct reading r = {e, below_seq};
	struct journal_filter filter = {.change = e->d->id, .from_seq = e->read_seq + 1};
	if (journal_iterate(e->o.journal, &filter, read_record, &r, &e->err) == RESULT_OK)
		return true;
	engine_fail(e);
	return false;
}

bool engine_listen(struct change_engine *e)
{
	return read_journal(e, INT64_MAX);
}

// Records of others that came in between are learned first, so that a running engine learns in the
// order in which a restarted one does.
static bool learn(struct change_engine *e, enum journal_kind kind, const char *step, int64_t seq,
        const json_t *payload)
{
	if (seq > e->read_seq + 1 && !read_journal(e, seq))
		return false;
	e->read_seq = seq;
	// The round of an observation was fed when it was made, and the change when it was created.
	if (kind == JOURNAL_OBSERVATION || kind == JOURNAL_CHANGE_CREATED)
		return true;
	if (replay_apply(&e->now, kind, step, clock_now_ms(&e->clock), payload, &e->err) ==
	        RESULT_OK)
		return true;
	engine_fail(e);
	return false;
}

bool engine_note(struct change_engine *e, enum journal_kind kind, int step, json_t *payload)
{
	struct journal_entry entry = {.kind = kind,
	        .change = e->d->id,
	        .step = step >= 0 ? e->d->procedure->steps[step].id : "",
	        .payload = payload};
	struct journal_mark mark;
	enum result result = payload == NULL
	                             ? error_set(&e->err, RESULT_MEMORY, "no memory for a record")
	                             : journal_append(e->o.journal, &entry, &mark, &e->err);
	if (result != RESULT_OK)
		engine_fail(e);
	bool known = result == RESULT_OK && learn(e, kind, entry.step, mark.seq, payload);
	json_decref(payload);
	return known;
}

static bool record_round(struct change_engine *e, const struct observe_round *round)
{
	json_t *json = NULL;
	if (observe_round_to_json(round, &json, &e->err) != RESULT_OK) {
		engine_fail(e);
		return false;
	}
	e->recorded_ms = round->end_ms;
	return engine_note(e, JOURNAL_OBSERVATION, -1, json);
}

bool engine_flush(struct change_engine *e)
{
	bool ok = e->unrecorded == NULL || record_round(e, e->unrecorded);
	e->unrecorded = NULL; // it belongs to e->now
	return ok;
}

// ---- Rounds ----------------------------------------------------------------------------------

// Of a run of equal rounds the first and the last are kept: the last one as soon as it is known to
// be.
static void take_round(struct change_engine *e, struct observe_round *round)
{
	struct error ignored; // what could not be folded for lack of memory counts as it is
	observe_round_fold(e->now.subject, e->now.last_round, round, &ignored);
	bool same = e->now.last_round != NULL && observe_round_same(e->now.last_round, round);
	bool keep = !same || round->end_ms < e->recorded_ms ||
	            round->end_ms - e->recorded_ms >= e->now.subject->max_hole_ms / 2;
	if (!same && !engine_flush(e)) {
		observe_round_free(round);
		return;
	}
	e->unrecorded = NULL;
	if (replay_round(&e->now, round, &e->err) != RESULT_OK)
		engine_fail(e);
	else if (keep)
		record_round(e, round);
	else
		e->unrecorded = round;
}

// The wall clock against the monotonic one: deadlines and pauses are counted in time that passed.
static bool check_clock(struct change_engine *e)
{
	int64_t offset_ms = clock_now_ms(&e->clock) - loop_now_ms(e->o.loop);
	int64_t by_ms = (offset_ms - e->offset_ms) / SECOND_MS * SECOND_MS;
	if (by_ms == 0)
		return true;
	e->offset_ms += by_ms;
	return engine_note(e, JOURNAL_STATE, -1,
	        json_pack("{s:s, s:I}", "state", "clock", "by_ms", (json_int_t)by_ms));
}

// The next look: at once where an act ended meanwhile, when a wait is over, or after the poll. An
// instant that moves on with each look is no reason to look more often.
static int64_t pause_ms(struct change_engine *e)
{
	int64_t now_ms = clock_now_ms(&e->clock), poll_ms = e->d->poll_ms;
	if (e->ended_since_round)
		return 0;
	if (e->next_ms == TIME_NEVER_MS || e->next_ms - now_ms >= poll_ms ||
	        (e->next_ms > e->early_ms && e->next_ms - poll_ms < e->early_ms))
		return poll_ms;
	e->early_ms = e->next_ms;
	return e->next_ms - now_ms > LEAST_PAUSE_MS ? e->next_ms - now_ms : LEAST_PAUSE_MS;
}

static void round_done(void *ctx, struct observe_round *round)
{
	struct change_engine *e = ctx;
	if (check_clock(e))
		take_round(e, round);
	else
		observe_round_free(round);
	if (e->end == CHANGE_RUNNING)
		engine_turn(e);
	else if (e->end != CHANGE_FAILED)
		engine_show(e);
	if (e->end == CHANGE_RUNNING)
		loop_timer_start(e->o.loop, &e->timer, pause_ms(e));
}

static void note_look(struct change_engine *e)
{
	memmove(&e->looked_ms[1], &e->looked_ms[0], sizeof e->looked_ms - sizeof e->looked_ms[0]);
	e->looked_ms[0] = loop_now_ms(e->o.loop);
}

void change_engine_look(struct change_engine *e)
{
	loop_timer_stop(e->o.loop, &e->timer);
	if (e->acting.ended)
		engine_act_over(e);
	if (observer_is_running(e->observer) || e->end == CHANGE_FAILED)
		return;
	e->ended_since_round = false;
	note_look(e);
	if (observer_round(e->observer, round_done, e, &e->err) != RESULT_OK)
		engine_fail(e);
}

static void observe(void *ctx)
{
	struct change_engine *e = ctx;
	const struct change_host *host = e->o.host;
	if (host == NULL || observer_is_running(e->observer) || host->may_look(host->ctx))
		change_engine_look(e);
}

// ---- Beginning and end -----------------------------------------------------------------------

static enum result check_same_definition(const struct change_engine *e, struct error *err)
{
	const struct change_definition *old = e->now.definition, *d = e->d;
	if (old->text_length != d->text_length || memcmp(old->text, d->text, d->text_length) != 0)
		return error_set(err, RESULT_CONFLICT,
		        "%s is not what the change began with; a change keeps its definition (give "
		        "the journal to go on with that)",
		        d->file);
	if (old->procedure_length != d->procedure_length ||
	        memcmp(old->procedure_text, d->procedure_text, d->procedure_length) != 0)
		return error_set(err, RESULT_CONFLICT,
		        "%s is not the procedure that the change began with; a change keeps its "
		        "procedure",
		        d->procedure_path);
	return RESULT_OK;
}

struct others {
	const char *id;
	char other[JOURNAL_MAX_ID + 1];
};

static enum result find_other(void *ctx, const struct journal_record *record, struct error *err)
{
	struct others *o = ctx;
	(void)err;
	if (strcmp(record->change, o->id) != 0)
		memcpy(o->other, record->change, strlen(record->change) + 1);
	return RESULT_OK;
}

// One journal, one change.
static enum result check_alone(const struct change_engine *e, struct error *err)
{
	struct others o = {.id = e->d->id};
	struct journal_filter filter = {.kind = JOURNAL_CHANGE_CREATED};
	enum result result = journal_iterate(e->o.journal, &filter, find_other, &o, err);
	if (result == RESULT_OK && o.other[0] != '\0')
		result = error_set(err, RESULT_CONFLICT,
		        "the journal is that of another change, '%s'", o.other);
	return result;
}

static enum result create(struct change_engine *e, struct error *err)
{
	enum result result = replay_begin(&e->now, e->d, err);
	if (result != RESULT_OK)
		return result;
	json_t *created = change_record_created(e->d);
	if (created == NULL)
		return error_set(err, RESULT_INPUT,
		        "%s cannot be kept in a journal: it is not UTF-8, or there is no memory",
		        e->d->file);
	e->now.progress.is_created = true;
	e->now.progress.created_ms = clock_now_ms(&e->clock);
	return engine_note(e, JOURNAL_CHANGE_CREATED, -1, created)
	               ? RESULT_OK
	               : error_set(err, e->err.code, "%s", e->err.text);
}

static enum result resume(struct change_engine *e, struct error *err)
{
	enum result result = check_alone(e, err);
	if (result != RESULT_OK)
		return result;
	if (!read_journal(e, 0))
		return error_set(err, e->err.code, "%s", e->err.text);
	if (e->now.definition != NULL)
		result = check_same_definition(e, err);
	bool over = e->now.progress.is_finished || e->now.progress.is_undone;
	if (result == RESULT_OK && !over)
		result = change_definition_usable(e->d, err);
	if (result == RESULT_OK && e->now.definition == NULL)
		result = create(e, err);
	if (result == RESULT_OK && e->now.last_round != NULL)
		e->recorded_ms = e->now.last_round->end_ms;
	return result;
}

static enum result start(struct change_engine *e, struct error *err)
{
	enum result result = RESULT_OK;
	if (e->o.host != NULL)
		e->queries = e->o.host->queries;
	else
		result = query_engine_new(e->o.loop, &e->o.random, &e->o.limits, &e->queries, err);
	if (result == RESULT_OK)
		result = resume(e, err);
	if (result == RESULT_OK)
		result = observer_new(e->o.loop, e->queries, &e->o.random, e->now.subject, NULL,
		        &e->observer, err);
	if (result != RESULT_OK)
		return result;
	if (e->now.progress.is_undone)
		e->end = CHANGE_UNDONE;
	else if (e->now.progress.is_finished)
		e->end = CHANGE_FINISHED;
	else
		loop_timer_start(e->o.loop, &e->timer, 0);
	return RESULT_OK;
}

enum result change_engine_new(const struct change_engine_options *options,
        struct change_engine **engine, struct error *err)
{
	struct change_engine *e = calloc(1, sizeof *e);
	if (e == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a change");
	e->o = *options;
	e->d = options->definition;
	e->clock = loop_clock(options->loop);
	e->offset_ms = clock_now_ms(&e->clock) - loop_now_ms(options->loop);
	e->next_ms = TIME_NEVER_MS;
	e->technical.step = -1;
	e->timer.fire = observe;
	e->timer.ctx = e;
	enum result result = replay_init(&e->now, err);
	if (result == RESULT_OK)
		result = start(e, err);
	if (result == RESULT_OK)
		*engine = e;
	else
		change_engine_free(e);
	return result;
}

void change_engine_free(struct change_engine *engine)
{
	if (engine == NULL)
		return;
	loop_timer_stop(engine->o.loop, &engine->timer);
	engine_act_over(engine);
	engine_technical_free(engine);
	observer_free(engine->observer);
	if (engine->o.host == NULL)
		query_engine_free(engine->queries);
	replay_free(&engine->now);
	free(engine);
}

enum change_end change_engine_end(const struct change_engine *engine, struct error *err)
{
	if (err != NULL)
		*err = engine->err;
	return engine->end;
}
