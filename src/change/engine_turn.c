// A turn: what people said, the parties' keys, preflight, and then the moves that decide() finds,
// one after the other, until there is nothing more to do now.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change/engine_internal.h"
#include "change/preflight.h"

enum { MOVES_IN_A_ROW_MAX = 1000 };

// What a move says to a person, in short.
static void gist(const struct move *m, char text[80])
{
	if (m->has_window)
		snprintf(text, 80, "%d %lld %d %d %d", m->kind, (long long)m->until_ms,
		        m->window.cause.rule, m->window.possible, m->undo);
	else
		snprintf(text, 80, "%d %d %.70s", m->kind, m->undo, m->text);
}

static bool is_other(const struct move *m, char last[80])
{
	char now[80];
	gist(m, now);
	if (strcmp(now, last) == 0)
		return false;
	memcpy(last, now, sizeof now);
	return true;
}

// Says a thing once, until something else is to be said of the step. Approvals are said beside the
// rest.
static bool is_news(struct change_engine *e, const struct move *m)
{
	return is_other(m, e->said[m->step][m->kind == MOVE_APPROVE]);
}

static bool note_verdict(struct change_engine *e, const struct world *world, const struct move *m)
{
	return !m->has_window || (engine_flush(e) && engine_note(e, JOURNAL_VERDICT, m->step,
	                                                     change_record_verdict(world, m)));
}

static bool ask(struct change_engine *e, const struct world *world, const struct move *m)
{
	char attempt[DEED_ATTEMPT];
	change_attempt_new(&e->o.random, attempt);
	if (!engine_flush(e) || !note_verdict(e, world, m) ||
	        !engine_note(e, JOURNAL_INTENT, m->step,
	                json_pack("{s:s, s:b, s:i, s:b}", "attempt", attempt, "undo", m->undo,
	                        "publisher", m->publisher >= 0 ? m->publisher : 0, "asked", 1)))
		return false;
	engine_say(e, CHANGE_SAID_ASK, m->step, m->text);
	return true;
}

// Whether the last verdict recorded names the rule that is broken already, or that none is.
static bool knows_excuse(
        const struct change_engine *e, const struct world *world, const struct move *m)
{
	return m->undo ||
	       strcmp(e->now.progress.steps[m->step].excuse, change_record_excuse(world, m)) == 0;
}

// What a person is to agree to although something is wrong is in the journal before the person can
// agree to it.
static void ask_to_agree(struct change_engine *e, const struct world *world, const struct move *m)
{
	bool news = is_news(e, m);
	if (m->has_window && !knows_excuse(e, world, m)) {
		if (!note_verdict(e, world, m))
			return;
		news = true;
	}
	if (news)
		engine_say(e, CHANGE_SAID_ASK, m->step, m->text);
}

static bool seen(struct change_engine *e, const struct move *m)
{
	engine_reach(e, CHANGE_POINT_SEEN, m->step);
	if (!engine_flush(e) ||
	        !engine_note(e, JOURNAL_STATE, m->step,
	                json_pack("{s:s, s:b, s:I, s:b}", "state", "seen", "undo", m->undo,
	                        "publishers", (json_int_t)m->publishers, "all", m->is_all)))
		return false;
	engine_say(e, CHANGE_SAID_SEEN, m->step, m->text);
	memset(e->said[m->step], 0, sizeof e->said[m->step]);
	memset(e->judged[m->step], 0, sizeof e->judged[m->step]);
	return true;
}

static void wait_for(struct change_engine *e, const struct world *world, const struct move *m)
{
	if (!is_news(e, m))
		return;
	// Behind an address that comes and goes there is still the same verdict.
	bool same =
	        !m->has_window || (!is_other(m, e->judged[m->step]) && knows_excuse(e, world, m));
	bool noted = same || note_verdict(e, world, m);
	if (noted)
		engine_say(e, m->kind == MOVE_STUCK ? CHANGE_SAID_STUCK : CHANGE_SAID_WAIT, m->step,
		        m->text);
}

static bool note_turn(struct change_engine *e, const struct move *m, json_t *state)
{
	if (!engine_note(e, JOURNAL_STATE, m->step, state))
		return false;
	if (m->text[0] != '\0')
		engine_say(e, CHANGE_SAID_TURN, m->step, m->text);
	return true;
}

static void act(struct change_engine *e, const struct world *world, const struct move *m)
{
	if (e->acting.act != NULL || e->ended_since_round)
		return;
	engine_say(e, CHANGE_SAID_SAFE, m->step, m->text);
	engine_act_now(e, world, m);
}

// Where the change is not alone: what it wants to do now. A turn, with which a deadline begins to
// count, is part of what comes next for the same step. NULL: nothing that others are asked about.
static const struct move *wanted(const struct decision *decision, size_t i)
{
	const struct move *m = &decision->moves[i];
	size_t k = i;
	while (m->kind == MOVE_TURN && ++k < decision->count)
		if (decision->moves[k].step == m->step && decision->moves[k].kind != MOVE_APPROVE)
			break;
	if (k == decision->count)
		return NULL;
	m = &decision->moves[k];
	bool is_asked = m->kind == MOVE_ACT || m->kind == MOVE_ASK || m->kind == MOVE_SKIP ||
	                m->kind == MOVE_BRANCH;
	return is_asked ? m : NULL;
}

static bool may_make(const struct change_engine *e, const struct decision *decision, size_t i)
{
	const struct change_host *host = e->o.host;
	const struct move *m = host != NULL ? wanted(decision, i) : NULL;
	if (m == NULL || (m->kind == MOVE_ACT && (e->acting.act != NULL || e->ended_since_round)))
		return true;
	return host->may_make(host->ctx, m, decision->moves[i].kind != MOVE_TURN);
}

// true where the state has changed, so that there may be more to do at once.
static bool make(struct change_engine *e, const struct world *world, const struct move *m)
{
	switch (m->kind) {
	case MOVE_SEEN:
		return seen(e, m);
	case MOVE_TURN:
		return note_turn(e, m, json_pack("{s:s}", "state", "turn"));
	case MOVE_SKIP:
		return note_turn(e, m, json_pack("{s:s}", "state", "skipped"));
	case MOVE_BRANCH:
		return note_turn(e, m,
		        json_pack("{s:s, s:s}", "state", "line", "line",
		                e->d->procedure->lines[m->line].id));
	case MOVE_NO_WAY_BACK:
		return note_turn(e, m, json_pack("{s:s}", "state", "no-way-back"));
	case MOVE_ACT:
		act(e, world, m);
		return false;
	case MOVE_ASK:
		return ask(e, world, m);
	case MOVE_APPROVE:
		ask_to_agree(e, world, m);
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
	        .acting = e->acting.act != NULL,
	        .missing = e->missing,
	        .failing = e->technical.told};
	if (e->o.turned != NULL)
		e->o.turned(e->o.ctx, &view);
}

static void finish(struct change_engine *e, const struct decision *decision)
{
	if (e->now.progress.undo_to >= 0 && decision->count == 0) {
		if (engine_note(e, JOURNAL_STATE, -1, json_pack("{s:s}", "state", "undone"))) {
			engine_say(e, CHANGE_SAID_END, -1, "undone");
			engine_stop(e, CHANGE_UNDONE);
		}
	} else if (decision->is_finished &&
	           engine_note(e, JOURNAL_STATE, -1, json_pack("{s:s}", "state", "finished"))) {
		engine_say(
		        e, CHANGE_SAID_END, -1, "every step is done, and every address shows it");
		engine_stop(e, CHANGE_FINISHED);
	}
}

// ---- Before the first step -------------------------------------------------------------------

static void miss(struct change_engine *e, const char *what)
{
	if (strcmp(e->missing, what) == 0)
		return;
	snprintf(e->missing, sizeof e->missing, "%s", what);
	if (what[0] != '\0')
		engine_say(e, CHANGE_SAID_PREFLIGHT, -1, what);
}

// Looks for the parties' keys, anew until the first step may begin: true where they are known.
static bool bind_keys(struct change_engine *e)
{
	json_t *keys;
	struct error err = {0};
	if (e->now.progress.is_begun)
		return true;
	enum result result =
	        change_keys_find(e->d, e->now.view, clock_now_ms(&e->clock), &keys, &err);
	if (result == RESULT_NOT_FOUND) {
		char text[sizeof err.text + 2];
		snprintf(text, sizeof text, "%s\n", err.text);
		miss(e, text);
		return false;
	}
	if (result != RESULT_OK) {
		e->err = err;
		engine_fail(e);
		return false;
	}
	if (e->now.keys != NULL && json_equal(keys, e->now.keys)) {
		json_decref(keys);
		return true;
	}
	if (engine_flush(e))
		return engine_note(e, JOURNAL_STATE, -1,
		        json_pack("{s:s, s:o}", "state", "keys", "keys", keys));
	json_decref(keys);
	return false;
}

static bool begin(struct change_engine *e, const struct world *world)
{
	if (e->now.progress.is_begun)
		return true;
	struct buffer missing = buffer_init(sizeof e->missing - 1);
	struct preflight_input input = {e->d, e->now.view, e->now.last_round, world};
	enum result result = change_preflight(&input, &missing, &e->err);
	if (result != RESULT_OK)
		engine_fail(e);
	else
		miss(e, buffer_text(&missing));
	buffer_free(&missing);
	if (result != RESULT_OK || e->missing[0] != '\0')
		return false;
	if (!engine_flush(e) ||
	        !engine_note(e, JOURNAL_STATE, -1, json_pack("{s:s}", "state", "begun")))
		return false;
	engine_say(e, CHANGE_SAID_BEGUN, -1, "everything that the procedure requires is so");
	return true;
}

// ---- Servers that are switched off -----------------------------------------------------------

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

// No address of the publisher still answers for the zone, and some that have not been said to be
// gone do not answer at all.
static bool fell_silent(const struct change_engine *e, int publisher)
{
	bool silent = false;
	for (size_t i = 0; i < observe_view_line_count(e->now.view); i++) {
		struct observe_line line;
		observe_view_line(e->now.view, i, &line);
		if (line.publisher != publisher || line.kind != SAFETY_SERVING || line.gone)
			continue;
		bool answers = line.answered && line.silent_since_ms == TIME_NEVER_MS;
		if (answers && (line.content_count != 1 || line.contents[0] != 0))
			return false;
		silent |= !answers;
	}
	return silent;
}

// Silence is no evidence, so that a server which was switched off would be waited for without end:
// that it is gone is what its party says, by `baton done` or by its command, when no address
// answers for the zone any more. Should one answer again, it counts again.
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
		if (!engine_flush(e) ||
		        !engine_note(e, JOURNAL_STATE, (int)i,
		                json_pack("{s:s, s:i, s:I}", "state", "gone", "publisher",
		                        change_publisher(e->d, party), "at_ms",
		                        (json_int_t)clock_now_ms(&e->clock))))
			return false;
	}
	return true;
}

// ---- Turns -----------------------------------------------------------------------------------

static void note_next(struct change_engine *e, const struct decision *decision, int64_t now_ms)
{
	e->next_ms = TIME_NEVER_MS;
	for (size_t i = 0; i < decision->count; i++) {
		const struct move *m = &decision->moves[i];
		if (m->until_ms > now_ms && m->until_ms < e->next_ms)
			e->next_ms = m->until_ms;
		if (m->deadline_ms > now_ms && m->deadline_ms < e->next_ms)
			e->next_ms = m->deadline_ms;
	}
}

// The longest of the last pauses between two looks.
static int64_t look_ms(const struct change_engine *e)
{
	int64_t longest_ms = 0;
	for (int i = 0; i + 1 < ENGINE_LOOKS && e->looked_ms[i + 1] != 0; i++)
		if (e->looked_ms[i] - e->looked_ms[i + 1] > longest_ms)
			longest_ms = e->looked_ms[i] - e->looked_ms[i + 1];
	return longest_ms;
}

static bool make_all(struct change_engine *e, const struct world *world, struct decision *decision)
{
	struct decide_input input = {.definition = e->d,
	        .progress = &e->now.progress,
	        .world = world,
	        .view = e->now.view,
	        .look_ms = look_ms(e),
	        .acting = e->acting.act != NULL,
	        .acting_undo = e->acting.undo,
	        .acting_step = e->acting.step};
	bool again = false;
	if (decide(&input, decision, &e->err) != RESULT_OK) {
		engine_fail(e);
		return false;
	}
	for (size_t i = 0; !again && e->end == CHANGE_RUNNING && i < decision->count; i++)
		again = engine_technical_good(e, world, &decision->moves[i]) &&
		        may_make(e, decision, i) && make(e, world, &decision->moves[i]);
	if (!again && e->end == CHANGE_RUNNING) {
		note_next(e, decision, world->now_ms);
		show(e, world, decision);
		finish(e, decision);
	}
	return again;
}

// One pass over all moves; true where another one may find more to do.
static bool turn_once(struct change_engine *e, struct decision *decision)
{
	struct world world;
	bool again = false;
	if (!bind_keys(e) || !declare_gone(e)) {
		if (e->end == CHANGE_RUNNING)
			show(e, NULL, NULL);
		return false;
	}
	if (change_world_at(e->d, e->now.view, e->now.keys, clock_now_ms(&e->clock), &world,
	            &e->err) != RESULT_OK) {
		engine_fail(e);
		return false;
	}
	if (begin(e, &world))
		again = make_all(e, &world, decision);
	else if (e->end == CHANGE_RUNNING)
		show(e, &world, NULL);
	change_world_free(&world);
	return again && e->end == CHANGE_RUNNING;
}

void engine_turn(struct change_engine *e)
{
	struct decision *decision = malloc(sizeof *decision);
	e->next_ms = TIME_NEVER_MS;
	if (e->acting.ended)
		engine_act_over(e);
	if (decision == NULL) {
		error_set(&e->err, RESULT_MEMORY, "no memory for a decision");
		engine_fail(e);
	} else if (engine_listen(e))
		for (int i = 0; i < MOVES_IN_A_ROW_MAX && turn_once(e, decision); i++)
			;
	free(decision);
}

void engine_show(struct change_engine *e)
{
	struct world world;
	if (change_world_at(e->d, e->now.view, e->now.keys, clock_now_ms(&e->clock), &world,
	            &e->err) != RESULT_OK) {
		engine_fail(e);
		return;
	}
	show(e, &world, NULL);
	change_world_free(&world);
}
