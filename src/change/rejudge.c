#include "change/rejudge.h"

#include <stdlib.h>
#include <string.h>

#include "change/decide_internal.h"
#include "change/record.h"
#include "change/replay.h"

struct rejudge {
	struct replay replay;
	int64_t verdicts, observations;
	// The last verdict, as long as nothing was observed after it; step -1: none.
	int step;
	bool undo, go;
	// The last delegation to come that passed the technical checks was for this step; -1: none.
	int passed;
};

enum result rejudge_new(struct rejudge **rejudge, struct error *err)
{
	struct rejudge *r = calloc(1, sizeof *r);
	if (r == NULL)
		return error_set(err, RESULT_MEMORY, "no memory");
	r->step = r->passed = -1;
	enum result result = replay_init(&r->replay, err);
	if (result == RESULT_OK)
		*rejudge = r;
	else
		free(r);
	return result;
}

void rejudge_free(struct rejudge *rejudge)
{
	if (rejudge == NULL)
		return;
	replay_free(&rejudge->replay);
	free(rejudge);
}

// The effect that the step has on this world, as the engine derives it.
static enum result effect_of(const struct rejudge *r, const struct world *world, int step,
        bool undo, struct safety_effect *effect, struct error *err)
{
	const struct procedure *p = r->replay.definition->procedure;
	const struct procedure_step *s = &p->steps[step];
	struct procedure_binding binding = world->binding;
	progress_bind(&r->replay.progress, &binding);
	return procedure_effect(p, undo ? s->undo.acts : s->acts,
	        undo ? s->undo.act_count : s->act_count, &world->history, &binding, effect, err);
}

static bool is_equal(const json_t *recorded, const char *name, const json_t *again)
{
	const json_t *a = json_object_get(recorded, name), *b = json_object_get(again, name);
	return a == b || json_equal(a, b) != 0;
}

// "gaps" that stood in the way count, too: a verdict to go is false where evidence was missing.
static enum result compare(const struct world *world, const struct move *move,
        const json_t *payload, struct error *err)
{
	static const char *const names[] = {"effect", "possible", "from", "until", "insecure",
	        "broken", "excuse", "go", "history"};
	json_t *again = change_record_verdict(world, move);
	enum result result = again == NULL ? error_set(err, RESULT_MEMORY, "no memory") : RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < sizeof names / sizeof *names; i++)
		if (!is_equal(payload, names[i], again))
			result = error_set(err, RESULT_CORRUPT,
			        "the verdict does not follow from what was observed before it: "
			        "'%s' is another",
			        names[i]);
	if (result == RESULT_OK && json_is_true(json_object_get(payload, "go")) &&
	        observe_gaps_block(&world->gaps, world->now_ms))
		result = error_set(err, RESULT_CORRUPT,
		        "the verdict says to go where evidence was missing: %s",
		        world->gaps.count > 0 ? world->gaps.gap[0].text : "too much is unknown");
	json_decref(again);
	return result;
}

static enum result judge_again(struct rejudge *r, const struct world *world, int step,
        const json_t *payload, struct error *err)
{
	struct move move = {.undo = json_is_true(json_object_get(payload, "undo"))};
	enum result result = effect_of(r, world, step, move.undo, &move.effect, err);
	if (result == RESULT_OK)
		result = (move.undo ? safety_earliest_back : safety_earliest)(&world->history,
		        &move.effect, &safety_all_readers, world->now_ms, &move.window, NULL);
	return result == RESULT_OK ? compare(world, &move, payload, err) : result;
}

static enum result visit_verdict(struct rejudge *r, const struct journal_record *record,
        const json_t *payload, struct error *err)
{
	struct world world;
	int step = procedure_step_find(r->replay.definition->procedure, record->step);
	if (step < 0)
		return error_set(err, RESULT_CORRUPT,
		        "a verdict about a step that the procedure has not got");
	int64_t now_ms;
	if (!change_record_time(json_object_get(payload, "now_ms"), &now_ms))
		return error_set(err, RESULT_CORRUPT, "a verdict at no known time");
	enum result result = change_world_at(
	        r->replay.definition, r->replay.view, r->replay.keys, now_ms, &world, err);
	if (result != RESULT_OK)
		return result;
	result = judge_again(r, &world, step, payload, err);
	change_world_free(&world);
	r->verdicts += result == RESULT_OK;
	r->step = step;
	r->undo = json_is_true(json_object_get(payload, "undo"));
	r->go = json_is_true(json_object_get(payload, "go"));
	return result;
}

static bool has_effect(const struct procedure_step *step, bool undo)
{
	return undo ? procedure_acts_have_effect(step->undo.acts, step->undo.act_count)
	            : procedure_acts_have_effect(step->acts, step->act_count);
}

// Whether the parent is asked for another delegation, and the definition wants that checked.
static bool needs_checks(const struct rejudge *r, int step, const json_t *payload)
{
	return r->replay.definition->technical.is_set &&
	       json_integer_value(json_object_get(payload, "publisher")) == 0 &&
	       has_effect(&r->replay.definition->procedure->steps[step], false);
}

// Nobody acts, or is asked to, but on a verdict about what was seen last.
static enum result visit_intent(
        struct rejudge *r, int step, const json_t *payload, struct error *err)
{
	bool undo = json_is_true(json_object_get(payload, "undo"));
	bool judged = r->step == step && r->undo == undo && r->go;
	r->step = -1;
	const struct progress_step *s = &r->replay.progress.steps[step];
	if (!undo && s->excuse[0] != '\0' && !s->excused &&
	        json_object_get(payload, "asked") == NULL)
		return error_set(err, RESULT_CORRUPT,
		        "an intent to act that goes on with what is wrong already, without a "
		        "person's agreement");
	if (!undo && r->passed != step && needs_checks(r, step, payload))
		return error_set(err, RESULT_CORRUPT,
		        "an intent to change the delegation, which has not passed the technical "
		        "checks before");
	return judged || !has_effect(&r->replay.definition->procedure->steps[step], undo)
	               ? RESULT_OK
	               : error_set(err, RESULT_CORRUPT,
	                         "an intent to act without a verdict that it is safe");
}

// What is said to be seen on every address was observed there.
static enum result visit_seen(
        struct rejudge *r, int step, int64_t now_ms, const json_t *payload, struct error *err)
{
	const struct replay *p = &r->replay;
	const struct procedure_step *s = &p->definition->procedure->steps[step];
	bool undo = json_is_true(json_object_get(payload, "undo"));
	bool all = json_is_true(json_object_get(payload, "all"));
	uint32_t claimed = (uint32_t)json_integer_value(json_object_get(payload, "publishers"));
	struct world world;
	struct shown shown;
	if (!has_effect(s, undo))
		return RESULT_OK;
	enum result result = change_world_at(p->definition, p->view, p->keys, now_ms, &world, err);
	if (result != RESULT_OK)
		return result;
	struct decide_input input = {.definition = p->definition,
	        .progress = &p->progress,
	        .world = &world,
	        .view = p->view};
	progress_bind(&p->progress, &world.binding);
	result = shown_find(&input, &world.binding, undo ? s->undo.acts : s->acts,
	        undo ? s->undo.act_count : s->act_count, &shown, err);
	change_world_free(&world);
	if (result != RESULT_OK)
		return result;
	if ((claimed & ~shown.everywhere) != 0 || (all && shown.everywhere != shown.touched))
		return error_set(err, RESULT_CORRUPT,
		        "what is said to be seen on every address was not observed there");
	return RESULT_OK;
}

static enum result judge_record(struct rejudge *r, const struct journal_record *record,
        const json_t *payload, struct error *err)
{
	int step = procedure_step_find(r->replay.definition->procedure, record->step);
	const char *state = json_string_value(json_object_get(payload, "state"));
	if (record->kind == JOURNAL_OBSERVATION) {
		r->observations++;
		r->step = -1;
	}
	if (record->kind == JOURNAL_VERDICT)
		return visit_verdict(r, record, payload, err);
	if (record->kind == JOURNAL_INTENT && step >= 0)
		return visit_intent(r, step, payload, err);
	if (record->kind == JOURNAL_STATE && step >= 0 && state != NULL &&
	        strcmp(state, "technical") == 0)
		r->passed = json_is_true(json_object_get(payload, "good")) ? step : -1;
	if (record->kind == JOURNAL_STATE && step >= 0 && state != NULL &&
	        strcmp(state, "seen") == 0)
		return visit_seen(r, step, record->time_ms, payload, err);
	return RESULT_OK;
}

enum result rejudge_visit(
        void *ctx, const struct journal_record *record, const json_t *payload, struct error *err)
{
	struct rejudge *r = ctx;
	enum result result =
	        r->replay.definition != NULL ? judge_record(r, record, payload, err) : RESULT_OK;
	return result == RESULT_OK ? replay_apply(&r->replay, record->kind, record->step,
	                                     record->time_ms, payload, err)
	                           : result;
}

int64_t rejudge_verdicts(const struct rejudge *rejudge)
{
	return rejudge->verdicts;
}

int64_t rejudge_observations(const struct rejudge *rejudge)
{
	return rejudge->observations;
}

bool rejudge_is_finished(const struct rejudge *rejudge)
{
	return rejudge->replay.progress.is_finished;
}
