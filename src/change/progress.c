#include "change/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

const char *deed_state_text(enum deed_state state)
{
	static const char *const texts[] = {
	        "not begun", "intended", "unknown", "refused", "acted", "everywhere"};
	return texts[state];
}

void progress_init(struct progress *progress, const struct procedure *procedure)
{
	memset(progress, 0, sizeof *progress);
	progress->procedure = procedure;
	progress->undo_to = progress->late = -1;
	for (int i = 0; i < PROCEDURE_MAX_STEPS; i++)
		progress->steps[i].turn_ms = TIME_NEVER_MS;
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

static enum result apply_intent(
        struct progress_step *step, int64_t time_ms, const json_t *payload, struct error *err)
{
	const char *attempt = json_string_value(json_object_get(payload, "attempt"));
	const json_t *errand = json_object_get(payload, "errand");
	if (attempt == NULL || !json_is_integer(errand))
		return corrupt(err, JOURNAL_INTENT, attempt == NULL ? "attempt" : "errand");
	struct deed *deed = deed_of(step, payload);
	deed->state = DEED_INTENDED;
	deed->tried_ms = time_ms;
	deed->attempts = deed->errand == (int)json_integer_value(errand) ? deed->attempts + 1 : 1;
	deed->errand = (int)json_integer_value(errand);
	keep(deed->attempt, sizeof deed->attempt, attempt);
	deed->reason[0] = '\0';
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
	if (strcmp(attempt, deed->attempt) != 0)
		return RESULT_OK;
	keep(deed->reason, sizeof deed->reason,
	        json_string_value(json_object_get(payload, "reason")));
	if (kind == JOURNAL_UNKNOWN)
		deed->state = DEED_UNKNOWN;
	else if (strcmp(outcome, "done") == 0) {
		deed->state = DEED_ACTED;
		deed->acted_ms = time_ms;
	} else
		deed->state = DEED_REFUSED;
	return RESULT_OK;
}

// A mask of acts that were seen everywhere; all of them end the deed.
static enum result apply_seen(
        struct progress_step *step, int64_t time_ms, const json_t *payload, struct error *err)
{
	const json_t *errands = json_object_get(payload, "errands"),
	             *all = json_object_get(payload, "all");
	if (!json_is_integer(errands) || !json_is_boolean(all))
		return corrupt(err, JOURNAL_STATE, json_is_integer(errands) ? "all" : "errands");
	struct deed *deed = deed_of(step, payload);
	deed->errands_done |= (unsigned)json_integer_value(errands);
	deed->state = DEED_NOT_BEGUN;
	deed->attempts = 0;
	if (!json_is_true(all))
		return RESULT_OK;
	deed->state = DEED_EVERYWHERE;
	deed->everywhere_ms = time_ms;
	if (deed == &step->back) {
		// As if it had never been; it may be done again.
		step->forward = (struct deed){0};
		step->back = (struct deed){0};
		step->approved = 0;
		step->said_done = false;
		step->turn_ms = TIME_NEVER_MS;
	}
	return RESULT_OK;
}

static int line_find(const struct procedure *procedure, const char *id)
{
	for (size_t i = 0; id != NULL && i < procedure->line_count; i++)
		if (strcmp(procedure->lines[i].id, id) == 0)
			return (int)i;
	return -1;
}

static enum result apply_change_state(struct progress *p, const char *state, int step,
        int64_t time_ms, const json_t *payload, struct error *err)
{
	if (strcmp(state, "keys") == 0)
		p->is_bound = true;
	else if (strcmp(state, "begun") == 0)
		p->is_begun = true;
	else if (strcmp(state, "finished") == 0) {
		p->is_finished = true;
		p->finished_ms = time_ms;
	} else if (strcmp(state, "line") == 0) {
		int line = line_find(
		        p->procedure, json_string_value(json_object_get(payload, "line")));
		if (line < 0)
			return corrupt(err, JOURNAL_STATE, "line");
		p->line = line;
		p->late = step;
	} else if (strcmp(state, "undone") == 0)
		p->undo_to = -1;
	return RESULT_OK;
}

static enum result apply_state(
        struct progress *p, int step, int64_t time_ms, const json_t *payload, struct error *err)
{
	const char *state = json_string_value(json_object_get(payload, "state"));
	if (state == NULL)
		return corrupt(err, JOURNAL_STATE, "state");
	if (step < 0 || strcmp(state, "line") == 0)
		return apply_change_state(p, state, step, time_ms, payload, err);
	if (strcmp(state, "seen") == 0)
		return apply_seen(&p->steps[step], time_ms, payload, err);
	if (strcmp(state, "skipped") == 0)
		p->steps[step].skipped = true;
	else if (strcmp(state, "turn") == 0)
		p->steps[step].turn_ms = time_ms;
	return RESULT_OK;
}

static enum result apply_approval(
        struct progress *p, int step, const json_t *payload, struct error *err)
{
	const char *party = json_string_value(json_object_get(payload, "party"));
	if (party == NULL)
		return corrupt(err, JOURNAL_APPROVAL, "party");
	int number = procedure_party_find(p->procedure, party);
	if (number >= 0)
		p->steps[step].approved |= UINT32_C(1) << number;
	return RESULT_OK;
}

enum result progress_apply(struct progress *progress, enum journal_kind kind, const char *step,
        int64_t time_ms, const json_t *payload, struct error *err)
{
	int number = step[0] != '\0' ? procedure_step_find(progress->procedure, step) : -1;
	struct progress_step *s = number >= 0 ? &progress->steps[number] : NULL;
	switch (kind) {
	case JOURNAL_CHANGE_CREATED:
		progress->is_created = true;
		progress->created_ms = time_ms;
		return RESULT_OK;
	case JOURNAL_STATE:
		return apply_state(progress, number, time_ms, payload, err);
	case JOURNAL_UNDO:
		if (s != NULL)
			progress->undo_to = number;
		return RESULT_OK;
	case JOURNAL_APPROVAL:
		return s == NULL ? RESULT_OK : apply_approval(progress, number, payload, err);
	case JOURNAL_DONE:
		if (s != NULL)
			s->said_done = true;
		return RESULT_OK;
	case JOURNAL_INTENT:
		return s == NULL ? RESULT_OK : apply_intent(s, time_ms, payload, err);
	case JOURNAL_RESULT:
	case JOURNAL_UNKNOWN:
		return s == NULL ? RESULT_OK : apply_end(s, kind, time_ms, payload, err);
	case JOURNAL_ANY:
	case JOURNAL_FOREIGN:
	case JOURNAL_GENESIS:
	case JOURNAL_OBSERVATION:
	case JOURNAL_VERDICT:
	case JOURNAL_SENT:
	case JOURNAL_REPLY:
	case JOURNAL_NOTE:
	case JOURNAL_KINDS:
	default:
		return RESULT_OK;
	}
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
