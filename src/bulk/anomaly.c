#include "bulk/anomaly.h"

#include <stdio.h>
#include <string.h>

// ---- What readers meet -------------------------------------------------------------------------

static bool is_wrong(const struct change_view *view, enum safety_word word)
{
	return word > SAFETY_INSECURE ||
	       (word == SAFETY_INSECURE && !view->definition->may_be_insecure);
}

static enum result find_fault(
        const struct change_view *view, int64_t now_ms, struct bulk_anomaly *a, struct error *err)
{
	const struct safety_history *history = &view->world->history;
	struct safety_verdict verdict;
	if (safety_judge(history, &safety_all_readers, now_ms, now_ms, &verdict) != RESULT_OK)
		return error_set(err, RESULT_MEMORY, "no memory for a verdict");
	for (int path = 0; path < SAFETY_PATHS; path++) {
		enum safety_word word = verdict.path[path].word;
		if (!is_wrong(view, word))
			continue;
		struct buffer text = buffer_init(8192);
		safety_fault_text(history, &verdict.path[path].fault, SAFETY_TIME_UTC, &text);
		snprintf(a->key, sizeof a->key, "%s", safety_word_text(word));
		snprintf(a->text, sizeof a->text, "%s: %s", safety_word_text(word),
		        buffer_text(&text));
		buffer_free(&text);
		break;
	}
	return RESULT_OK;
}

// That no address of an operator answers is in the history; of the parent it knows no such thing.
static void find_silence(const struct change_view *view, struct bulk_anomaly *a)
{
	int64_t since_ms = TIME_EVER_MS;
	char at[TIME_TEXT];
	for (size_t i = 0; i < observe_view_line_count(view->view); i++) {
		struct observe_line line;
		observe_view_line(view->view, i, &line);
		if (line.publisher != 0)
			continue;
		if (line.silent_since_ms == TIME_NEVER_MS)
			return;
		if (line.silent_since_ms > since_ms)
			since_ms = line.silent_since_ms;
	}
	snprintf(a->key, sizeof a->key, "silent");
	snprintf(a->text, sizeof a->text, "unreachable: no address of %s has answered since %s",
	        safety_publisher_name(&view->world->history, 0), time_format(since_ms, at));
}

// ---- What the change does ----------------------------------------------------------------------

static bool deed_failed(const struct deed *deed, const char *step, struct bulk_anomaly *a)
{
	if (deed->state != DEED_REFUSED && deed->state != DEED_UNKNOWN)
		return false;
	snprintf(a->key, sizeof a->key, "failed %s %s", step, deed->attempt);
	snprintf(a->text, sizeof a->text, "step %s %s: %s", step,
	        deed->state == DEED_REFUSED ? "failed" : "ended nobody knows how", deed->reason);
	return true;
}

static void find_failure(const struct change_view *view, struct bulk_anomaly *a)
{
	const struct procedure *p = view->definition->procedure;
	for (size_t i = 0; i < p->step_count && a->key[0] == '\0'; i++) {
		const struct progress_step *s = &view->progress->steps[i];
		// What was left behind by a deadline or a turn is over.
		bool left = s->skipped || p->steps[i].line_of != view->progress->line;
		if (left || !deed_failed(&s->forward, p->steps[i].id, a))
			deed_failed(&s->back, p->steps[i].id, a);
	}
}

// The procedure has an answer to a deadline, which it gives when somebody has said to go on.
static void find_turn(const struct change_view *view, struct bulk_anomaly *a)
{
	const struct decision *decision = view->decision;
	for (size_t i = 0; decision != NULL && i < decision->count && a->key[0] == '\0'; i++) {
		const struct move *m = &decision->moves[i];
		const char *step = view->definition->procedure->steps[m->step].id;
		if (m->kind != MOVE_SKIP && m->kind != MOVE_BRANCH)
			continue;
		bulk_anomaly_deadline(step, a->key);
		snprintf(a->text, sizeof a->text, "step %s: %.200s", step, m->text);
	}
}

static void find_stuck(const struct change_view *view, int64_t now_ms, struct bulk_anomaly *a)
{
	const struct decision *decision = view->decision;
	for (size_t i = 0; decision != NULL && i < decision->count && a->key[0] == '\0'; i++) {
		const struct move *m = &decision->moves[i];
		bool stuck = m->kind == MOVE_STUCK || m->kind == MOVE_NO_WAY_BACK;
		const char *step = view->definition->procedure->steps[m->step].id;
		if (m->deadline_ms <= now_ms)
			bulk_anomaly_deadline(step, a->key);
		else if (stuck)
			snprintf(a->key, sizeof a->key, "stuck %s", step);
		if (a->key[0] != '\0' && stuck)
			snprintf(a->text, sizeof a->text, "step %s: %.220s", step, m->text);
		else if (a->key[0] != '\0')
			snprintf(a->text, sizeof a->text, "the deadline of step %s has passed",
			        step);
	}
}

void bulk_anomaly_deadline(const char *step, char key[BULK_KEY])
{
	snprintf(key, BULK_KEY, "deadline %s", step);
}

// The parent is not asked for a delegation that it would refuse.
static void find_technical(const struct change_view *view, struct bulk_anomaly *a)
{
	if (view->failing[0] == '\0')
		return;
	snprintf(a->key, sizeof a->key, "technical");
	snprintf(a->text, sizeof a->text, "the delegation to come would fail: %.200s",
	        view->failing);
}

enum result bulk_anomaly_find(const struct change_view *view, int64_t now_ms,
        struct bulk_anomaly *anomaly, struct error *err)
{
	struct bulk_anomaly found = {.key = ""};
	enum result result = RESULT_OK;
	if (view->world != NULL && view->progress->is_begun) {
		result = find_fault(view, now_ms, &found, err);
		if (result == RESULT_OK && found.key[0] == '\0')
			find_silence(view, &found);
		if (result == RESULT_OK && found.key[0] == '\0')
			find_turn(view, &found);
		if (result == RESULT_OK && found.key[0] == '\0')
			find_failure(view, &found);
		if (result == RESULT_OK && found.key[0] == '\0')
			find_technical(view, &found);
		if (result == RESULT_OK && found.key[0] == '\0')
			find_stuck(view, now_ms, &found);
	}
	if (result == RESULT_OK)
		*anomaly = found;
	return result;
}
