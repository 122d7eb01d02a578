// Acting: the verdict and the intent into the journal, the request to its way, and what came of it
// back into the journal.
#include <stdio.h>
#include <string.h>

#include "act/ddns.h"
#include "act/exec.h"
#include "base/file.h"
#include "change/engine_internal.h"
#include "change/errand.h"

enum { KEY_FILE_MAX = 4096, ACT_ARENA_MAX = 1 << 20 };

void engine_act_over(struct change_engine *e)
{
	act_free(e->acting.act);
	arena_free(e->acting.arena);
	e->acting.act = NULL;
	e->acting.arena = NULL;
	e->acting.ended = false;
}

static bool note_end(struct change_engine *e, const struct act_outcome *o)
{
	const struct engine_act *a = &e->acting;
	json_t *reply = json_pack("{s:s, s:b, s:s, s:o, s:I}", "attempt", a->attempt, "undo",
	        a->undo, "word", act_word_text(o->word), "text", change_record_text(o->text),
	        "octets", (json_int_t)o->reply_octets);
	json_t *result = json_pack("{s:s, s:b, s:s, s:o}", "attempt", a->attempt, "undo", a->undo,
	        "outcome", o->word == ACT_DONE ? "done" : "refused", "reason",
	        change_record_text(o->text));
	if (!engine_note(e, JOURNAL_REPLY, a->step, reply)) {
		json_decref(result);
		return false;
	}
	return engine_note(
	        e, o->word == ACT_UNKNOWN ? JOURNAL_UNKNOWN : JOURNAL_RESULT, a->step, result);
}

static void has_ended(void *ctx, const struct act_outcome *outcome)
{
	struct change_engine *e = ctx;
	engine_reach(e, CHANGE_POINT_REPLIED, e->acting.step);
	engine_say(e, CHANGE_SAID_REPLY, e->acting.step, outcome->text);
	e->acting.ended = true;
	e->ended_since_round = true;
	if (!note_end(e, outcome))
		return;
	engine_reach(e, CHANGE_POINT_ENDED, e->acting.step);
	if (!observer_is_running(e->observer))
		loop_timer_start(e->o.loop, &e->timer, 0);
}

// It failed before anything left this machine.
static void not_sent(struct change_engine *e, const char *text)
{
	struct act_outcome outcome = {.word = ACT_NOT_SENT};
	snprintf(outcome.text, sizeof outcome.text, "%s", text);
	engine_say(e, CHANGE_SAID_REPLY, e->acting.step, text);
	note_end(e, &outcome);
	engine_act_over(e);
}

static enum result ddns_new(
        struct change_engine *e, const struct change_ddns *way, struct error *err)
{
	char zone[DNS_NAME_TEXT], *key;
	size_t length;
	enum result result = file_read(e->acting.arena, way->key, KEY_FILE_MAX, &key, &length, err);
	if (result != RESULT_OK)
		return result;
	key[strcspn(key, "\r\n")] = '\0';
	struct act_ddns ddns = {.loop = e->o.loop,
	        .engine = e->queries,
	        .random = e->o.random,
	        .server = way->server,
	        .zone = dns_name_text(way->zone.wire, zone),
	        .key = key,
	        .timeout_ms = way->timeout_ms};
	result = act_ddns_new(&ddns, &e->acting.act, err);
	explicit_bzero(key, length);
	return result;
}

static enum result exec_new(
        struct change_engine *e, const struct change_exec *way, struct error *err)
{
	struct act_exec exec = {.loop = e->o.loop,
	        .argv = way->command,
	        .environment = way->environment,
	        .timeout_ms = way->timeout_ms};
	return act_exec_new(&exec, &e->acting.act, err);
}

static json_t *intent(const struct change_engine *e, const struct move *m,
        const struct errand *errand, bool repeatable)
{
	json_t *what = NULL;
	if (e->acting.act == NULL ||
	        act_describe(e->acting.act, &errand->request, &what, NULL) != RESULT_OK)
		what = json_null();
	return json_pack("{s:s, s:b, s:i, s:b, s:o}", "attempt", e->acting.attempt, "undo", m->undo,
	        "publisher", m->publisher >= 0 ? m->publisher : 0, "repeatable", repeatable, "act",
	        what);
}

static void hand_over(struct change_engine *e, const struct errand *errand)
{
	struct error err = {0};
	int step = e->acting.step;
	engine_reach(e, CHANGE_POINT_INTENDED, step);
	if (act_submit(e->acting.act, &errand->request, has_ended, e, &err) != RESULT_OK) {
		not_sent(e, err.text);
		return;
	}
	engine_reach(e, CHANGE_POINT_SENT, step);
	if (engine_note(e, JOURNAL_SENT, step,
	            json_pack("{s:s, s:b}", "attempt", e->acting.attempt, "undo", e->acting.undo)))
		engine_reach(e, CHANGE_POINT_WAITING, step);
}

// The request, and who takes it. What fails here is recorded as an attempt that was not sent.
static enum result prepare(struct change_engine *e, const struct world *world, const struct move *m,
        struct errand *errand, bool *repeatable, struct error *err)
{
	const struct procedure_step *step = &e->d->procedure->steps[m->step];
	int by = m->undo && step->undo.by >= 0 ? step->undo.by : step->by;
	bool visible = m->publisher >= 0;
	const struct change_ways *ways =
	        change_ways_of(e->d, by, visible ? change_party_of(e->d, m->publisher) : by);
	e->acting.arena = arena_new(ACT_ARENA_MAX);
	if (e->acting.arena == NULL)
		return error_set(err, RESULT_MEMORY, "no memory");
	enum result result = change_errand(e->acting.arena, e->d, step, m->undo, world, e->now.view,
	        &m->effect, m->publisher, errand, err);
	if (result != RESULT_OK)
		return result;
	bool update = visible && ways->ddns.is_set && errand->by_update;
	if (!update && !change_exec_does(&ways->exec, m->step))
		return error_set(err, RESULT_NOT_FOUND, "there is no command for this step");
	*repeatable = update || ways->exec.idempotent;
	return update ? ddns_new(e, &ways->ddns, err) : exec_new(e, &ways->exec, err);
}

void engine_act_now(struct change_engine *e, const struct world *world, const struct move *m)
{
	struct errand errand = {0};
	struct error err = {0};
	bool repeatable = true;
	engine_reach(e, CHANGE_POINT_VERDICT, m->step);
	e->acting.step = m->step;
	e->acting.undo = m->undo;
	change_attempt_new(&e->o.random, e->acting.attempt);
	enum result result = prepare(e, world, m, &errand, &repeatable, &err);
	if (engine_flush(e) &&
	        (!m->has_window || engine_note(e, JOURNAL_VERDICT, m->step,
	                                   change_record_verdict(world, m))) &&
	        engine_note(e, JOURNAL_INTENT, m->step, intent(e, m, &errand, repeatable))) {
		engine_say(e, CHANGE_SAID_ACT, m->step,
		        procedure_party_name(e->d->procedure, e->d->procedure->steps[m->step].by));
		if (result == RESULT_OK)
			hand_over(e, &errand);
		else
			not_sent(e, err.text);
	}
	json_decref((json_t *)(uintptr_t)errand.request.facts);
}
