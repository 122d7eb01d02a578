#include "change/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "change/record.h"

const char *deed_state_text(enum deed_state state)
{
	static const char *const texts[] = {
	        "not begun", "intended", "unknown", "refused", "acted", "everywhere"};
	return texts[state];
}

// As if it had never been; it may be done again.
static void forget(struct progress_step *step)
{
	*step = (struct progress_step){
	        .turn_ms = TIME_NEVER_MS, .forward.publisher = -1, .back.publisher = -1};
}

void progress_init(struct progress *progress, const struct procedure *procedure)
{
	memset(progress, 0, sizeof *progress);
	progress->procedure = procedure;
	progress->undo_to = -1;
	for (int i = 0; i < PROCEDURE_MAX_STEPS; i++)
		forget(&progress->steps[i]);
}

static enum result corrupt(struct error *err, enum journal_kind kind, const char *what)
{
	return error_set(err, RESULT_CORRUPT, "a journal record of kind %s lacks '%s'",
	        journal_kind_text(kind), what);
}

static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text != NULL ? text : "");
}

static struct deed *deed_of(struct progress_step *step, const json_t *payload)
{
	return json_is_true(json_object_get(payload, "undo")) ? &step->back : &step->forward;
}

// Somebody is going to act, or is asked to: what was said about earlier attempts counts no more.
static enum result apply_intent(
        struct progress *p, int number, int64_t time_ms, const json_t *payload, struct error *err)
{
	const char *attempt = json_string_value(json_object_get(payload, "attempt"));
	const json_t *publisher = json_object_get(payload, "publisher");
	if (attempt == NULL || !json_is_integer(publisher))
		return corrupt(err, JOURNAL_INTENT, attempt == NULL ? "attempt" : "publisher");
	int whose = (int)json_integer_value(publisher);
	if (whose < 0 || whose >= SAFETY_MAX_PUBLISHERS)
		return corrupt(err, JOURNAL_INTENT, "publisher");
	struct progress_step *step = &p->steps[number];
	struct deed *deed = deed_of(step, payload);
	deed->attempts = deed->publisher == whose ? deed->attempts + 1 : 1;
	deed->state = DEED_INTENDED;
	deed->tried_ms = deed->ended_ms = time_ms;
	deed->publisher = whose;
	deed->asked = json_is_true(json_object_get(payload, "asked"));
	deed->repeatable = json_is_true(json_object_get(payload, "repeatable"));
	keep(deed->attempt, sizeof deed->attempt, attempt);
	deed->reason[0] = '\0';
	const struct procedure_step *what = &p->procedure->steps[number];
	if (procedure_acts_have_effect(what->acts, what->act_count))
		step->said_done = false;
	return RESULT_OK;
}

// How an attempt ended. One that is not the last has nothing more to say.
static enum result apply_end(struct progress_step *step, enum journal_kind kind, int64_t time_ms,
        const json_t *payload, struct error *err)
{
	const char *attempt = json_string_value(json_object_get(payload, "attempt"));
	const char *outcome = json_string_value(json_object_get(payload, "outcome"));
	if (attempt == NULL || (kind == JOURNAL_RESULT && outcome == NULL))
		return corrupt(err, kind, attempt == NULL ? "attempt" : "outcome");
	struct deed *deed = deed_of(step, payload);
	if (strcmp(attempt, deed->attempt) != 0 || deed->state != DEED_INTENDED)
		return RESULT_OK;
	keep(deed->reason, sizeof deed->reason,
	        json_string_value(json_object_get(payload, "reason")));
	deed->ended_ms = time_ms;
	if (kind == JOURNAL_UNKNOWN)
		deed->state = DEED_UNKNOWN;
	else if (strcmp(outcome, "done") == 0) {
		deed->state = DEED_ACTED;
		deed->acted_ms = time_ms;
	} else
		deed->state = DEED_REFUSED;
	return RESULT_OK;
}

// Which publishers' parts were seen everywhere; all of them end the deed.
static enum result apply_seen(
        struct progress_step *step, int64_t time_ms, const json_t *payload, struct error *err)
{
	const json_t *publishers = json_object_get(payload, "publishers"),
	             *all = json_object_get(payload, "all");
	if (!json_is_integer(publishers) || !json_is_boolean(all))
		return corrupt(
		        err, JOURNAL_STATE, json_is_integer(publishers) ? "all" : "publishers");
	struct deed *deed = deed_of(step, payload);
	deed->shown |= (uint32_t)json_integer_value(publishers);
	deed->state = json_is_true(all) ? DEED_EVERYWHERE : DEED_NOT_BEGUN;
	deed->attempts = 0;
	if (json_is_true(all))
		deed->everywhere_ms = time_ms;
	if (json_is_true(all) && deed == &step->back)
		forget(step);
	return RESULT_OK;
}

static int line_find(const struct procedure *procedure, const char *id)
{
	for (size_t i = 0; id != NULL && i < procedure->line_count; i++)
		if (strcmp(procedure->lines[i].id, id) == 0)
			return (int)i;
	return -1;
}

static bool is_first_step(const struct progress *p, int step)
{
	return step == p->procedure->lines[0].first;
}

// What was to be undone is undone: the change follows the line of that step again, and offers anew
// what was skipped behind it. Where nothing is left of it, the change is over.
static void apply_undone(struct progress *p)
{
	if (p->undo_to < 0)
		return;
	p->line = p->procedure->steps[p->undo_to].line_of;
	for (size_t i = (size_t)p->undo_to; i < p->procedure->step_count; i++)
		if (p->steps[i].skipped)
			forget(&p->steps[i]);
	p->is_undone = is_first_step(p, p->undo_to);
	p->undo_to = -1;
}

static int64_t shifted(int64_t at_ms, int64_t by_ms)
{
	return at_ms == 0 ? 0 : time_add(at_ms, by_ms);
}

static void shift_deed(struct deed *deed, int64_t by_ms)
{
	deed->tried_ms = shifted(deed->tried_ms, by_ms);
	deed->ended_ms = shifted(deed->ended_ms, by_ms);
	deed->acted_ms = shifted(deed->acted_ms, by_ms);
}

// Somebody set the clock: what is counted from an instant goes on as if nothing had been.
static enum result apply_clock(struct progress *p, const json_t *payload, struct error *err)
{
	int64_t by_ms;
	if (!change_record_time(json_object_get(payload, "by_ms"), &by_ms))
		return corrupt(err, JOURNAL_STATE, "by_ms");
	for (size_t i = 0; i < p->procedure->step_count; i++) {
		struct progress_step *step = &p->steps[i];
		step->turn_ms = time_add(step->turn_ms, by_ms);
		step->done_ms = shifted(step->done_ms, by_ms);
		shift_deed(&step->forward, by_ms);
		shift_deed(&step->back, by_ms);
	}
	return RESULT_OK;
}

static enum result apply_line(struct progress *p, const json_t *payload, struct error *err)
{
	int line = line_find(p->procedure, json_string_value(json_object_get(payload, "line")));
	if (line < 0)
		return corrupt(err, JOURNAL_STATE, "line");
	p->line = line;
	return RESULT_OK;
}

static enum result apply_change_state(struct progress *p, const char *state, int64_t time_ms,
        const json_t *payload, struct error *err)
{
	if (strcmp(state, "clock") == 0)
		return apply_clock(p, payload, err);
	if (strcmp(state, "line") == 0)
		return apply_line(p, payload, err);
	if (strcmp(state, "keys") == 0)
		p->is_bound = true;
	else if (strcmp(state, "begun") == 0) {
		p->is_begun = true;
		p->begun_ms = time_ms;
	} else if (strcmp(state, "finished") == 0) {
		p->is_finished = true;
		p->finished_ms = time_ms;
	} else if (strcmp(state, "undone") == 0)
		apply_undone(p);
	else if (strcmp(state, "no-way-back") == 0)
		p->undo_to = -1;
	return RESULT_OK;
}

static enum result apply_state(
        struct progress *p, int step, int64_t time_ms, const json_t *payload, struct error *err)
{
	const char *state = json_string_value(json_object_get(payload, "state"));
	if (state == NULL)
		return corrupt(err, JOURNAL_STATE, "state");
	if (step >= 0 && strcmp(state, "seen") == 0)
		return apply_seen(&p->steps[step], time_ms, payload, err);
	if (step >= 0 && strcmp(state, "skipped") == 0)
		p->steps[step].skipped = true;
	else if (step >= 0 && strcmp(state, "turn") == 0)
		p->steps[step].turn_ms = time_ms;
	else
		return apply_change_state(p, state, time_ms, payload, err);
	return RESULT_OK;
}

// A person agrees to one thing that is wrong: another one, or the same again, is a new question.
static void apply_verdict(struct progress_step *step, const json_t *payload)
{
	const char *excuse = json_string_value(json_object_get(payload, "excuse"));
	if (json_is_true(json_object_get(payload, "undo")) ||
	        strcmp(step->excuse, excuse != NULL ? excuse : "") == 0)
		return;
	keep(step->excuse, sizeof step->excuse, excuse);
	step->excused = false;
}

static enum result apply_approval(
        struct progress *p, int step, const json_t *payload, struct error *err)
{
	const char *party = json_string_value(json_object_get(payload, "party"));
	if (party == NULL)
		return corrupt(err, JOURNAL_APPROVAL, "party");
	int number = procedure_party_find(p->procedure, party);
	if (p->steps[step].excuse[0] != '\0' && number == p->procedure->steps[step].by)
		p->steps[step].excused = true;
	if (number >= 0)
		p->steps[step].approved |= UINT32_C(1) << number;
	return RESULT_OK;
}

// Everything that was done from this step on is to be undone. Of several wishes the one that goes
// farthest back counts; a change that is finished is taken up again for it.
static void apply_undo(struct progress *p, int number)
{
	if (p->undo_to < 0 || number < p->undo_to)
		p->undo_to = number;
	p->is_finished = false;
}

static void apply_done(struct progress_step *step, int64_t time_ms)
{
	step->said_done = true;
	step->done_ms = time_ms;
}

static enum result apply_to_step(struct progress *p, enum journal_kind kind, int number,
        int64_t time_ms, const json_t *payload, struct error *err)
{
	switch (kind) {
	case JOURNAL_UNDO:
		apply_undo(p, number);
		return RESULT_OK;
	case JOURNAL_DONE:
		apply_done(&p->steps[number], time_ms);
		return RESULT_OK;
	case JOURNAL_APPROVAL:
		return apply_approval(p, number, payload, err);
	case JOURNAL_INTENT:
		return apply_intent(p, number, time_ms, payload, err);
	case JOURNAL_RESULT:
	case JOURNAL_UNKNOWN:
		return apply_end(&p->steps[number], kind, time_ms, payload, err);
	case JOURNAL_VERDICT:
		apply_verdict(&p->steps[number], payload);
		return RESULT_OK;
	case JOURNAL_ANY:
	case JOURNAL_FOREIGN:
	case JOURNAL_GENESIS:
	case JOURNAL_CHANGE_CREATED:
	case JOURNAL_OBSERVATION:
	case JOURNAL_SENT:
	case JOURNAL_REPLY:
	case JOURNAL_NOTE:
	case JOURNAL_STATE:
	case JOURNAL_KINDS:
	default:
		return RESULT_OK;
	}
}

enum result progress_apply(struct progress *progress, enum journal_kind kind, const char *step,
        int64_t time_ms, const json_t *payload, struct error *err)
{
	int number = step[0] != '\0' ? procedure_step_find(progress->procedure, step) : -1;
	if (kind == JOURNAL_STATE)
		return apply_state(progress, number, time_ms, payload, err);
	if (kind == JOURNAL_CHANGE_CREATED) {
		progress->is_created = true;
		progress->created_ms = time_ms;
	}
	return number < 0 ? RESULT_OK
	                  : apply_to_step(progress, kind, number, time_ms, payload, err);
}

bool progress_is_on_way(const struct progress *progress, const struct procedure_step *step)
{
	return step->line_of == progress->line ||
	       progress->steps[step->index].forward.state == DEED_EVERYWHERE ||
	       progress->steps[step->index].skipped;
}

bool progress_is_over(const struct progress *progress, int step)
{
	return progress->steps[step].forward.state == DEED_EVERYWHERE ||
	       progress->steps[step].skipped;
}

bool deed_is_under_way(const struct deed *deed)
{
	return deed->state == DEED_INTENDED || deed->state == DEED_UNKNOWN ||
	       deed->state == DEED_ACTED;
}

// In the order of the file, which is the order in which steps come after one another.
void progress_bind(const struct progress *progress, struct procedure_binding *binding)
{
	const struct procedure *p = progress->procedure;
	procedure_acts_done(p->start, p->start_count, binding);
	for (size_t i = 0; i < p->step_count; i++)
		if (progress->steps[i].forward.state == DEED_EVERYWHERE)
			procedure_acts_done(p->steps[i].acts, p->steps[i].act_count, binding);
}
