#include "change/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/ddns.h"
#include "act/exec.h"
#include "base/file.h"
#include "change/errand.h"
#include "change/preflight.h"
#include "change/record.h"
#include "change/replay.h"
#include "observe/observe.h"

enum { MOVES_IN_A_ROW_MAX = 1000, KEY_FILE_MAX = 4096, REPLY_KEPT_MAX = 2048 };

struct change_engine {
	struct change_engine_options o;
	const struct change_definition *d;
	struct clock clock;
	struct query_engine *queries;
	struct observer *observer;
	struct loop_timer timer;
	struct replay now;                // what is known; the journal says the same
	struct observe_round *unrecorded; // the last round, where it says nothing new
	int64_t recorded_ms;              // end of the last round in the journal
	int64_t read_seq;                 // the journal is known up to here
	// the act that is under way
	struct act *act;
	struct arena *act_arena;
	int act_step;
	bool act_undo, act_ended;
	char attempt[DEED_ATTEMPT];
	int64_t round_began_ms;
	bool ended_since_round; // an act ended while a round was running, which therefore says
	                        // little about it
	// what was said last, so that it is said once
	char said[PROCEDURE_MAX_STEPS][80];
	char missing[4096];
	enum change_end end;
	struct error err;
};

static void say(struct change_engine *e, enum change_said what, int step, const char *text)
{
	if (e->o.said != NULL)
		e->o.said(e->o.ctx, what, step >= 0 ? e->d->procedure->steps[step].id : "", text);
}

static void reach(struct change_engine *e, enum change_point point, int step)
{
	if (e->o.reached != NULL)
		e->o.reached(e->o.ctx, point, e->d->procedure->steps[step].id);
}

static void stop(struct change_engine *e, enum change_end end)
{
	e->end = end;
	loop_timer_stop(e->o.loop, &e->timer);
	loop_stop(e->o.loop);
}

static void fail(struct change_engine *e)
{
	say(e, CHANGE_SAID_END, -1, e->err.text);
	stop(e, CHANGE_FAILED);
}

// ---- The journal -----------------------------------------------------------------------------

// Writes a record and learns from it what a restarted engine would. Takes payload over.
static bool note(struct change_engine *e, enum journal_kind kind, int step, json_t *payload)
{
	struct journal_entry entry = {.kind = kind,
	        .change = e->d->id,
	        .step = step >= 0 ? e->d->procedure->steps[step].id : "",
	        .payload = payload};
	struct journal_mark mark;
	enum result result = payload == NULL
	                             ? error_set(&e->err, RESULT_MEMORY, "no memory for a record")
	                             : journal_append(e->o.journal, &entry, &mark, &e->err);
	if (result == RESULT_OK && kind != JOURNAL_OBSERVATION && kind != JOURNAL_CHANGE_CREATED)
		result = replay_apply(
		        &e->now, kind, entry.step, clock_now_ms(&e->clock), payload, &e->err);
	json_decref(payload);
	if (result != RESULT_OK)
		fail(e);
	return result == RESULT_OK;
}

static bool note_state(struct change_engine *e, int step, json_t *payload)
{
	return note(e, JOURNAL_STATE, step, payload);
}

static bool record_round(struct change_engine *e, const struct observe_round *round)
{
	json_t *json = NULL;
	if (observe_round_to_json(round, &json, &e->err) != RESULT_OK) {
		fail(e);
		return false;
	}
	e->recorded_ms = round->end_ms;
	return note(e, JOURNAL_OBSERVATION, -1, json);
}

// Before anything leans on what was seen, what was seen is on the disk.
static bool flush_round(struct change_engine *e)
{
	bool ok = e->unrecorded == NULL || record_round(e, e->unrecorded);
	e->unrecorded = NULL; // it belongs to e->now
	return ok;
}

struct reading {
	struct change_engine *e;
	bool only_guests;
};

static enum result read_record(void *ctx, const struct journal_record *record, struct error *err)
{
	struct reading *r = ctx;
	json_t *payload;
	r->e->read_seq = record->seq;
	bool guest = record->kind == JOURNAL_APPROVAL || record->kind == JOURNAL_DONE ||
	             record->kind == JOURNAL_UNDO;
	if (r->only_guests && !guest)
		return RESULT_OK;
	enum result result = journal_payload(record, &payload, err);
	if (result != RESULT_OK)
		return result;
	result =
	        replay_apply(&r->e->now, record->kind, record->step, record->time_ms, payload, err);
	json_decref(payload);
	return result;
}

static bool read_journal(struct change_engine *e, bool only_guests)
{
	struct reading r = {e, only_guests};
	struct journal_filter filter = {.change = e->d->id, .from_seq = e->read_seq + 1};
	if (journal_iterate(e->o.journal, &filter, read_record, &r, &e->err) == RESULT_OK)
		return true;
	fail(e);
	return false;
}

// ---- Acting ----------------------------------------------------------------------------------

static void act_over(struct change_engine *e)
{
	act_free(e->act);
	arena_free(e->act_arena);
	e->act = NULL;
	e->act_arena = NULL;
	e->act_ended = false;
}

static void note_end(struct change_engine *e, int step, bool undo, const char *attempt,
        const struct act_outcome *o)
{
	json_t *reply = json_pack("{s:s, s:b, s:s, s:s, s:I}", "attempt", attempt, "undo", undo,
	        "word", act_word_text(o->word), "text", o->text, "octets",
	        (json_int_t)o->reply_octets);
	json_t *result = json_pack("{s:s, s:b, s:s, s:s}", "attempt", attempt, "undo", undo,
	        "outcome", o->word == ACT_DONE ? "done" : "refused", "reason", o->text);
	if (!note(e, JOURNAL_REPLY, step, reply)) {
		json_decref(result);
		return;
	}
	note(e, o->word == ACT_UNKNOWN ? JOURNAL_UNKNOWN : JOURNAL_RESULT, step, result);
}

static void act_has_ended(void *ctx, const struct act_outcome *outcome)
{
	struct change_engine *e = ctx;
	reach(e, CHANGE_POINT_REPLIED, e->act_step);
	say(e, CHANGE_SAID_REPLY, e->act_step, outcome->text);
	note_end(e, e->act_step, e->act_undo, e->attempt, outcome);
	if (e->end != CHANGE_RUNNING)
		return;
	reach(e, CHANGE_POINT_ENDED, e->act_step);
	e->act_ended = true; // freed outside of its own callback
	e->ended_since_round = true;
	if (!observer_is_running(e->observer))
		loop_timer_start(e->o.loop, &e->timer, 0);
}

static enum result key_of_file(
        struct change_engine *e, const char *path, char **text, struct error *err)
{
	size_t length;
	enum result result = file_read(e->act_arena, path, KEY_FILE_MAX, text, &length, err);
	if (result == RESULT_OK)
		(*text)[strcspn(*text, "\r\n")] = '\0';
	return result;
}

static enum result act_new(
        struct change_engine *e, const struct change_ways *ways, bool by_update, struct error *err)
{
	if (ways->ddns.is_set && by_update) {
		char zone[DNS_NAME_TEXT], *key;
		enum result result = key_of_file(e, ways->ddns.key, &key, err);
		if (result != RESULT_OK)
			return result;
		struct act_ddns ddns = {.loop = e->o.loop,
		        .engine = e->queries,
		        .random = e->o.random,
		        .server = ways->ddns.server,
		        .zone = dns_name_text(ways->ddns.zone.wire, zone),
		        .key = key,
		        .timeout_ms = ways->ddns.timeout_ms};
		result = act_ddns_new(&ddns, &e->act, err);
		explicit_bzero(key, strlen(key));
		return result;
	}
	struct act_exec exec = {.loop = e->o.loop,
	        .argv = ways->exec.command,
	        .environment = ways->exec.environment,
	        .timeout_ms = ways->exec.timeout_ms};
	return act_exec_new(&exec, &e->act, err);
}

static void not_sent(
        struct change_engine *e, const struct move *m, const char *attempt, const char *text)
{
	struct act_outcome outcome = {.word = ACT_NOT_SENT};
	snprintf(outcome.text, sizeof outcome.text, "%s", text);
	say(e, CHANGE_SAID_REPLY, m->step, text);
	note_end(e, m->step, m->undo, attempt, &outcome);
	act_over(e);
}

static json_t *intent(struct change_engine *e, const struct move *m, const struct errand *errand)
{
	json_t *what = NULL;
	if (e->act == NULL || act_describe(e->act, &errand->request, &what, NULL) != RESULT_OK)
		what = json_null();
	return json_pack("{s:s, s:b, s:i, s:o}", "attempt", e->attempt, "undo", m->undo, "errand",
	        m->publisher, "act", what);
}

static void send_errand(struct change_engine *e, const struct move *m, const struct errand *errand)
{
	struct error err = {0};
	e->act_step = m->step;
	e->act_undo = m->undo;
	reach(e, CHANGE_POINT_INTENDED, m->step);
	if (act_submit(e->act, &errand->request, act_has_ended, e, &err) != RESULT_OK) {
		not_sent(e, m, e->attempt, err.text);
		return;
	}
	reach(e, CHANGE_POINT_SENT, m->step);
	if (note(e, JOURNAL_SENT, m->step,
	            json_pack("{s:s, s:b}", "attempt", e->attempt, "undo", m->undo)))
		reach(e, CHANGE_POINT_WAITING, m->step);
}

static void act_now(struct change_engine *e, const struct world *world, const struct move *m)
{
	const struct procedure_step *step = &e->d->procedure->steps[m->step];
	int by = m->undo && step->undo.by >= 0 ? step->undo.by : step->by;
	const struct change_ways *ways =
	        change_ways_of(e->d, by, change_party_of(e->d, m->publisher));
	struct errand errand = {0};
	struct error err = {0};
	reach(e, CHANGE_POINT_VERDICT, m->step);
	e->act_arena = arena_new(1 << 20);
	enum result result =
	        e->act_arena == NULL ? error_set(&err, RESULT_MEMORY, "no memory") : RESULT_OK;
	if (result == RESULT_OK)
		result = change_errand(e->act_arena, e->d, step, m->undo, world, e->now.view,
		        &m->effect, m->publisher, &errand, &err);
	json_t *facts = result == RESULT_OK ? (json_t *)(uintptr_t)errand.request.facts : NULL;
	if (result == RESULT_OK)
		result = act_new(e, ways, errand.by_update, &err);
	change_attempt_new(&e->o.random, e->attempt);
	if (flush_round(e) && note(e, JOURNAL_VERDICT, m->step, change_record_verdict(world, m)) &&
	        note(e, JOURNAL_INTENT, m->step, intent(e, m, &errand))) {
		say(e, CHANGE_SAID_ACT, m->step, procedure_party_name(e->d->procedure, by));
		if (result == RESULT_OK)
			send_errand(e, m, &errand);
		else
			not_sent(e, m, e->attempt, err.text);
	}
	json_decref(facts);
}

// ---- Moves -----------------------------------------------------------------------------------

// Says a thing once, until something else is to be said of the step.
static bool is_news(struct change_engine *e, const struct move *m)
{
	char now[80];
	const struct safety_fault *c = &m->window.cause;
	if (m->has_window)
		snprintf(now, sizeof now, "%d %lld %d %d %d", m->kind, (long long)m->until_ms,
		        c->rule, m->window.possible, m->undo);
	else
		snprintf(now, sizeof now, "%d %.70s", m->kind, m->text);
	if (strcmp(now, e->said[m->step]) == 0)
		return false;
	memcpy(e->said[m->step], now, sizeof now);
	return true;
}

static void ask(struct change_engine *e, const struct world *world, const struct move *m)
{
	change_attempt_new(&e->o.random, e->attempt);
	if (!flush_round(e))
		return;
	if (m->has_window && !note(e, JOURNAL_VERDICT, m->step, change_record_verdict(world, m)))
		return;
	note(e, JOURNAL_INTENT, m->step,
	        json_pack("{s:s, s:b, s:i, s:s}", "attempt", e->attempt, "undo", m->undo, "errand",
	                m->publisher >= 0 ? m->publisher : 0, "asked", "person"));
	say(e, CHANGE_SAID_ASK, m->step, m->text);
}

static void seen(struct change_engine *e, const struct move *m)
{
	reach(e, CHANGE_POINT_SEEN, m->step);
	if (flush_round(e) &&
	        note_state(e, m->step,
	                json_pack("{s:s, s:b, s:I, s:b}", "state", "seen", "undo", m->undo,
	                        "errands", (json_int_t)m->publishers, "all", m->is_all)))
		say(e, CHANGE_SAID_SEEN, m->step, m->text);
}

static void wait_for(struct change_engine *e, const struct world *world, const struct move *m)
{
	if (!is_news(e, m))
		return;
	if (m->has_window && (!flush_round(e) || !note(e, JOURNAL_VERDICT, m->step,
	                                                 change_record_verdict(world, m))))
		return;
	say(e, m->kind == MOVE_STUCK ? CHANGE_SAID_STUCK : CHANGE_SAID_WAIT, m->step, m->text);
}

// true where the state has changed, so that there may be more to do at once.
static bool make(struct change_engine *e, const struct world *world, const struct move *m)
{
	switch (m->kind) {
	case MOVE_SEEN:
		seen(e, m);
		return true;
	case MOVE_TURN:
		return note_state(e, m->step, json_pack("{s:s}", "state", "turn"));
	case MOVE_SKIP:
		say(e, CHANGE_SAID_TURN, m->step, m->text);
		return note_state(e, m->step, json_pack("{s:s}", "state", "skipped"));
	case MOVE_BRANCH:
		say(e, CHANGE_SAID_TURN, m->step, m->text);
		return note_state(e, m->step,
		        json_pack("{s:s, s:s}", "state", "line", "line",
		                e->d->procedure->lines[m->line].id));
	case MOVE_ACT:
		if (e->act == NULL && !e->ended_since_round)
			act_now(e, world, m);
		return false;
	case MOVE_ASK:
		ask(e, world, m);
		return true;
	case MOVE_APPROVE:
		if (is_news(e, m))
			say(e, CHANGE_SAID_ASK, m->step, m->text);
		return false;
	case MOVE_WAIT:
	case MOVE_STUCK:
		wait_for(e, world, m);
		return false;
	case MOVE_PERSON:
	case MOVE_OBSERVE:
	default:
		return false;
	}
}

static void show(
        struct change_engine *e, const struct world *world, const struct decision *decision)
{
	struct change_view view = {.definition = e->d,
	        .progress = &e->now.progress,
	        .world = world,
	        .decision = decision,
	        .view = e->now.view,
	        .acting = e->act != NULL,
	        .missing = e->missing};
	if (e->o.turned != NULL)
		e->o.turned(e->o.ctx, &view);
}

static void finish(struct change_engine *e, const struct decision *decision)
{
	if (e->now.progress.undo_to >= 0 && decision->count == 0) {
		if (note_state(e, -1, json_pack("{s:s}", "state", "undone"))) {
			say(e, CHANGE_SAID_END, -1, "undone");
			stop(e, CHANGE_UNDONE);
		}
	} else if (decision->is_finished &&
	           note_state(e, -1, json_pack("{s:s}", "state", "finished"))) {
		say(e, CHANGE_SAID_END, -1, "every step is done, and every address shows it");
		stop(e, CHANGE_FINISHED);
	}
}

// Looks for the parties' keys; true where they are known.
static bool bind_keys(struct change_engine *e)
{
	json_t *keys;
	struct error err = {0};
	if (e->now.keys != NULL)
		return true;
	enum result result =
	        change_keys_find(e->d, e->now.view, clock_now_ms(&e->clock), &keys, &err);
	if (result != RESULT_OK) {
		snprintf(e->missing, sizeof e->missing, "%s\n", err.text);
		return false;
	}
	return flush_round(e) &&
	       note_state(e, -1, json_pack("{s:s, s:o}", "state", "keys", "keys", keys));
}

static bool begin(struct change_engine *e, const struct world *world)
{
	if (e->now.progress.is_begun)
		return true;
	struct buffer missing = buffer_init(sizeof e->missing - 1);
	struct preflight_input input = {e->d, e->now.view, e->now.last_round, world, e->now.keys};
	bool known = change_preflight(&input, &missing, &e->err) == RESULT_OK;
	bool news = strcmp(e->missing, buffer_text(&missing)) != 0;
	snprintf(e->missing, sizeof e->missing, "%s", buffer_text(&missing));
	buffer_free(&missing);
	if (!known || e->missing[0] != '\0') {
		if (news)
			say(e, CHANGE_SAID_PREFLIGHT, -1, e->missing);
		return false;
	}
	if (!flush_round(e) || !note_state(e, -1, json_pack("{s:s}", "state", "begun")))
		return false;
	say(e, CHANGE_SAID_BEGUN, -1, "everything that the procedure requires is so");
	return true;
}

static bool stops_serving(const struct procedure_step *step, int *party)
{
	for (size_t i = 0; i < step->act_count; i++) {
		const struct procedure_act *a = &step->acts[i];
		if (a->kind == PROCEDURE_EFFECT && a->attribute == PROCEDURE_SERVING &&
		        a->terms[0].kind == PROCEDURE_TERM_NO) {
			*party = a->party;
			return true;
		}
	}
	return false;
}

// Every address of the publisher has stopped to answer, and has not been said to be gone.
static bool fell_silent(const struct change_engine *e, int publisher)
{
	bool new = false;
	for (size_t i = 0; i < observe_view_line_count(e->now.view); i++) {
		struct observe_line line;
		observe_view_line(e->now.view, i, &line);
		if (line.publisher != publisher || line.kind != SAFETY_SERVING || line.gone)
			continue;
		if (line.answered && line.silent_since_ms == TIME_NEVER_MS)
			return false;
		new = true;
	}
	return new;
}

// Silence is no evidence, so that a server which was switched off would be waited for without end:
// that it is gone is what its party says, by `baton done` or by its command. Should it answer
// again, it counts again.
static bool declare_gone(struct change_engine *e)
{
	for (size_t i = 0; i < e->d->procedure->step_count; i++) {
		const struct progress_step *s = &e->now.progress.steps[i];
		bool said = s->forward.state == DEED_ACTED ||
		            (s->said_done && s->forward.state == DEED_INTENDED);
		int party;
		if (!said || !stops_serving(&e->d->procedure->steps[i], &party) ||
		        !fell_silent(e, change_publisher(e->d, party)))
			continue;
		if (!flush_round(e) ||
		        !note_state(e, (int)i,
		                json_pack("{s:s, s:i, s:I}", "state", "gone", "publisher",
		                        change_publisher(e->d, party), "at_ms",
		                        (json_int_t)clock_now_ms(&e->clock))))
			return false;
	}
	return true;
}

// One pass over all moves; true where another one may find more to do.
static bool turn_once(struct change_engine *e, struct decision *decision)
{
	struct world world;
	bool again = false;
	if (!bind_keys(e)) {
		show(e, NULL, NULL);
		return false;
	}
	if (!declare_gone(e))
		return false;
	if (change_world_at(e->d, e->now.view, e->now.keys, clock_now_ms(&e->clock), &world,
	            &e->err) != RESULT_OK) {
		fail(e);
		return false;
	}
	if (!begin(e, &world))
		show(e, &world, NULL);
	else if (decide(&(struct decide_input){e->d, &e->now.progress, &world, e->now.view},
	                 decision, &e->err) != RESULT_OK)
		fail(e);
	else {
		for (size_t i = 0; !again && e->end == CHANGE_RUNNING && i < decision->count; i++)
			again = make(e, &world, &decision->moves[i]);
		if (!again && e->end == CHANGE_RUNNING) {
			show(e, &world, decision);
			finish(e, decision);
		}
	}
	change_world_free(&world);
	return again && e->end == CHANGE_RUNNING;
}

static void turn(struct change_engine *e)
{
	struct decision *decision = malloc(sizeof *decision);
	if (e->act_ended)
		act_over(e);
	if (decision == NULL) {
		error_set(&e->err, RESULT_MEMORY, "no memory for a decision");
		fail(e);
	} else if (read_journal(e, true))
		for (int i = 0; i < MOVES_IN_A_ROW_MAX && turn_once(e, decision); i++)
			;
	free(decision);
}

// ---- Rounds ----------------------------------------------------------------------------------

static void take_round(struct change_engine *e, struct observe_round *round)
{
	bool same = e->now.last_round != NULL && observe_round_same(e->now.last_round, round);
	bool keep = !same || round->end_ms - e->recorded_ms >= e->now.subject->max_hole_ms / 2 ||
	            round->end_ms < e->recorded_ms;
	// Of a run of equal rounds the first and the last are kept: the last one as soon as it is
	// known to be.
	if (!same && !flush_round(e))
		observe_round_free(round);
	else if (replay_round(&e->now, round, &e->err) != RESULT_OK)
		fail(e);
	else if (keep) {
		e->unrecorded = NULL;
		record_round(e, round);
	} else
		e->unrecorded = round;
}

static void round_done(void *ctx, struct observe_round *round)
{
	struct change_engine *e = ctx;
	take_round(e, round);
	// A round that began before an act ended may have missed its effect.
	e->ended_since_round = false;
	if (e->end == CHANGE_RUNNING)
		turn(e);
	if (e->end == CHANGE_RUNNING && !e->timer.active)
		loop_timer_start(e->o.loop, &e->timer, e->d->poll_ms);
}

static void observe(void *ctx)
{
	struct change_engine *e = ctx;
	if (e->act_ended)
		act_over(e);
	if (observer_is_running(e->observer))
		return;
	e->ended_since_round = false;
	if (observer_round(e->observer, round_done, e, &e->err) != RESULT_OK)
		fail(e);
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

static enum result resume(struct change_engine *e, struct error *err)
{
	enum result result = RESULT_OK;
	if (!read_journal(e, false))
		result = error_set(err, e->err.code, "%s", e->err.text);
	else if (e->now.definition != NULL)
		result = check_same_definition(e, err);
	else {
		result = replay_begin(&e->now, e->d, err);
		if (result == RESULT_OK &&
		        !note(e, JOURNAL_CHANGE_CREATED, -1, change_record_created(e->d)))
			result = error_set(err, e->err.code, "%s", e->err.text);
		e->now.progress.is_created = true;
		e->now.progress.created_ms = clock_now_ms(&e->clock);
	}
	if (result == RESULT_OK && e->now.last_round != NULL)
		e->recorded_ms = e->now.last_round->end_ms;
	return result;
}

static enum result start(struct change_engine *e, struct error *err)
{
	enum result result =
	        query_engine_new(e->o.loop, &e->o.random, &e->o.limits, &e->queries, err);
	if (result == RESULT_OK)
		result = resume(e, err);
	if (result == RESULT_OK)
		result = observer_new(e->o.loop, e->queries, &e->o.random, e->now.subject, NULL,
		        &e->observer, err);
	if (result != RESULT_OK)
		return result;
	if (e->now.progress.is_finished)
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
	act_over(engine);
	observer_free(engine->observer);
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
