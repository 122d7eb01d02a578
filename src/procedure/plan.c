#include "procedure/plan.h"

#include "procedure/checker.h"

#include <string.h>

struct planner {
	struct arena *arena;
	struct plan *plan;
	struct walk walk;
	struct propagation propagation;
	struct error *err;
};

static enum result no_memory(struct planner *pl)
{
	return error_set(pl->err, RESULT_MEMORY, "no memory for a plan");
}

// A fault as a sentence in the arena; NULL without memory.
static const char *fault_sentence(
        struct planner *pl, const struct safety_history *history, const struct safety_fault *fault)
{
	struct buffer text = buffer_init(4000);
	safety_fault_text(history, fault,
	        pl->walk.s->relative ? SAFETY_TIME_RELATIVE : SAFETY_TIME_UTC, &text);
	const char *copy = arena_strdup(pl->arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

static enum result record_fault(struct planner *pl, const struct safety_history *history,
        const struct safety_fault *fault, struct plan_record *record)
{
	record->is_set = true;
	record->rule = fault->rule;
	record->fetch_ms = fault->cached_fetch_ms;
	record->until_ms = fault->cached_until_ms;
	record->publisher = -1;
	if (fault->cached >= 0) {
		const struct safety_edition *e = &history->editions[fault->cached];
		record->publisher = e->publisher;
		record->kind = (enum safety_kind)e->kind;
	}
	record->text = fault_sentence(pl, history, fault);
	return record->text != NULL ? RESULT_OK : no_memory(pl);
}

// Asks once more for the window, this time with texts: only what people read pays for them.
static enum result record_window(
        struct planner *pl, const struct walk_choice *c, struct plan_step *step)
{
	struct safety_history after;
	struct safety_window window;
	int64_t from_ms = pl->walk.mode == WALK_COMPUTED
	                          ? (c->ready_ms > pl->walk.now_ms ? c->ready_ms : pl->walk.now_ms)
	                          : c->literal_ms;
	enum result result = safety_earliest(
	        &pl->walk.history, &c->effect, &pl->walk.s->readers, from_ms, &window, &after);
	if (result != RESULT_OK)
		return no_memory(pl);
	if (window.waits || !window.possible)
		result = record_fault(pl, &after, &window.cause, &step->record);
	if (result == RESULT_OK && window.possible && window.ends)
		result = record_fault(pl, &after, &window.end, &step->end);
	safety_history_free(&after);
	if (result == RESULT_OK && window.broken && !pl->plan->broken &&
	        pl->walk.mode == WALK_COMPUTED) {
		pl->plan->broken = true;
		pl->plan->broken_text = fault_sentence(pl, &pl->walk.history, &window.before);
		result = pl->plan->broken_text != NULL ? RESULT_OK : no_memory(pl);
	}
	return result;
}

// An effect that ends an empty DS set is part of the insecure time too, but does not make it.
static bool empties_ds(const struct safety_effect *effect)
{
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].kind == SAFETY_DS && effect->changes[i].content == 0)
			return true;
	return false;
}

static enum result note_choice(
        struct planner *pl, const struct walk_choice *c, struct plan_step *step)
{
	step->step = c->step;
	step->state = c->state;
	step->ready_ms = c->ready_ms;
	step->wait_ms = c->wait_ms;
	step->safe_ms = c->safe_ms;
	step->start_ms = step->everywhere_ms = c->start_ms;
	step->until_ms = c->until_ms;
	step->short_wait = c->short_wait;
	step->makes_insecure = c->has_window && c->window.insecure && empties_ds(&c->effect);
	step->effect = c->effect;
	step->deadline_ms = TIME_NEVER_MS;
	step->dnskey_octets = -1;
	step->undo = (struct plan_undo){.stops_at = -1, .text = ""};
	if (c->step->within_ms >= 0 && c->state == PLAN_STEP_PLANNED) {
		int64_t may_ms = c->safe_ms > c->literal_ms ? c->safe_ms : c->literal_ms;
		step->deadline_ms = time_add(may_ms, c->step->within_ms);
	}
	return c->has_window ? record_window(pl, c, step) : RESULT_OK;
}

// --- Undo

// `w` stands before the undo that the model refuses.
static const char *undo_refused(
        struct planner *pl, const struct walk *w, const struct walk_undo *back)
{
	struct safety_history after;
	struct safety_window window;
	if (safety_earliest(&w->history, &back->effect, &w->s->readers, back->end_ms, &window,
	            &after) != RESULT_OK)
		return NULL;
	const char *why = fault_sentence(pl, &after, &window.cause);
	safety_history_free(&after);
	return why == NULL ? NULL
	                   : arena_printf(pl->arena, "undoing '%s' is never safe from here: %s",
	                             w->p->steps[back->stops_at].id, why);
}

static enum result note_undo(struct planner *pl, const struct walk *w, const struct walk_undo *back,
        struct plan_undo *undo)
{
	*undo = (struct plan_undo){.possible = back->stops_at < 0,
	        .takes_ms = back->end_ms - back->begin_ms,
	        .stops_at = back->stops_at,
	        .text = ""};
	if (back->refused)
		undo->text = undo_refused(pl, w, back);
	else if (back->stops_at >= 0) {
		const struct procedure_undo *how = &w->p->steps[back->stops_at].undo;
		undo->text = how->kind == PROCEDURE_UNDO_NONE ? how->text
		                                              : "declared a point of no return";
	}
	return undo->text != NULL ? RESULT_OK : no_memory(pl);
}

static void set_no_way_back(struct plan *plan, size_t number)
{
	struct plan_step *step = &plan->steps[number];
	int before = number > 0 ? plan->steps[number - 1].undo.stops_at : -1;
	step->no_way_back = !step->undo.possible && step->undo.stops_at != before;
}

// From the state right after the last planned step, back step by step.
static enum result plan_undo_path(struct planner *pl, struct plan_step *last)
{
	struct walk w;
	struct walk_undo back;
	enum result result = walk_copy(&w, &pl->walk, pl->err);
	if (result != RESULT_OK)
		return result;
	result = walk_back(&w, pl->propagation.back, &back, pl->err);
	if (result == RESULT_OK)
		result = note_undo(pl, &w, &back, &last->undo);
	if (result == RESULT_OK)
		set_no_way_back(pl->plan, pl->plan->count - 1);
	walk_end(&w);
	return result;
}

// --- Sizes

// The largest DNSKEY answer of any group, as things stand in the walk.
static int dnskey_octets(const struct planner *pl)
{
	uint16_t rsa_bits[SAFETY_MAX_KEYS] = {0};
	const struct walk *w = &pl->walk;
	int largest = 0;
	for (size_t i = 0; i < w->p->key_count; i++)
		for (uint64_t rest = w->binding.keys[i]; rest != 0; rest &= rest - 1)
			rsa_bits[__builtin_ctzll(rest)] = w->s->keys[i].rsa_bits;
	for (int group = 1; group < w->history.publishers; group++) {
		const struct safety_edition *e = safety_current(&w->history, group, SAFETY_DNSKEY);
		if (e == NULL)
			continue;
		int octets = procedure_dnskey_octets(
		        &w->history, e->content, e->signers, rsa_bits, w->s->name_octets);
		if (octets < 0)
			return -1;
		largest = octets > largest ? octets : largest;
	}
	return largest;
}

static void note_size(struct planner *pl, struct plan_step *step)
{
	struct plan *plan = pl->plan;
	step->dnskey_octets = dnskey_octets(pl);
	for (size_t i = 0; i < step->effect.count; i++)
		step->changes_dnskey |= step->effect.changes[i].kind == SAFETY_DNSKEY;
	if (plan->dnskey_octets_largest >= 0 &&
	        (step->dnskey_octets < 0 || step->dnskey_octets > plan->dnskey_octets_largest))
		plan->dnskey_octets_largest = step->dnskey_octets;
}

// --- The plan

static enum result plan_next(struct planner *pl, bool *stop)
{
	struct walk_choice choice = {0};
	struct plan_step *step = &pl->plan->steps[pl->plan->count];
	enum result result = walk_choose(&pl->walk, &choice, pl->err);
	if (result == RESULT_OK)
		result = note_choice(pl, &choice, step);
	if (result != RESULT_OK)
		return result;
	pl->plan->count++;
	*stop = choice.state != PLAN_STEP_PLANNED;
	if (*stop) {
		pl->walk.applied[choice.position / 64] |= UINT64_C(1) << choice.position % 64;
		return RESULT_OK;
	}
	bool slow = is_slow(pl->propagation.there, choice.position);
	result = walk_apply(&pl->walk, &choice, slow, pl->err);
	if (result != RESULT_OK)
		return result;
	note_size(pl, step);
	step->everywhere_ms = pl->walk.times[choice.step->index].everywhere_ms;
	if (step->everywhere_ms > pl->plan->end_ms)
		pl->plan->end_ms = step->everywhere_ms;
	return pl->walk.mode == WALK_COMPUTED ? plan_undo_path(pl, step) : RESULT_OK;
}

static void add_unreached(struct planner *pl)
{
	for (size_t i = 0; i < pl->walk.route->count; i++)
		if ((pl->walk.applied[i / 64] >> i % 64 & 1) == 0)
			pl->plan->steps[pl->plan->count++] = (struct plan_step){
			        .step = &pl->plan->procedure->steps[pl->walk.route->steps[i]],
			        .state = PLAN_STEP_NOT_REACHED,
			        .ready_ms = TIME_NEVER_MS,
			        .wait_ms = TIME_EVER_MS,
			        .safe_ms = TIME_NEVER_MS,
			        .start_ms = TIME_NEVER_MS,
			        .everywhere_ms = TIME_NEVER_MS,
			        .until_ms = TIME_NEVER_MS,
			        .deadline_ms = TIME_NEVER_MS,
			        .dnskey_octets = -1,
			        .undo = {.stops_at = -1, .text = ""}};
}

static enum result plan_verdict(struct planner *pl)
{
	struct plan *plan = pl->plan;
	const struct safety_readers *readers = &pl->walk.s->readers;
	int64_t until = time_add(plan->end_ms, safety_memory_ms(&pl->walk.history, readers));
	if (safety_judge(&pl->walk.history, readers, pl->walk.s->start_ms, until, &plan->verdict) !=
	        RESULT_OK)
		return no_memory(pl);
	for (int i = 0; i < SAFETY_PATHS; i++) {
		plan->witness[i] = "";
		if (plan->verdict.path[i].insecure_ms > plan->insecure_ms)
			plan->insecure_ms = plan->verdict.path[i].insecure_ms;
		if (plan->verdict.path[i].word != SAFETY_SAFE)
			plan->witness[i] =
			        fault_sentence(pl, &pl->walk.history, &plan->verdict.path[i].fault);
		if (plan->witness[i] == NULL)
			return no_memory(pl);
	}
	return RESULT_OK;
}

static enum result run(struct planner *pl)
{
	enum result result = RESULT_OK;
	bool stop = false;
	pl->plan->dnskey_octets_before = pl->plan->dnskey_octets_largest = dnskey_octets(pl);
	while (result == RESULT_OK && !stop && !walk_is_over(&pl->walk))
		result = plan_next(pl, &stop);
	pl->plan->possible = !stop;
	if (result == RESULT_OK)
		result = plan_verdict(pl);
	if (result == RESULT_OK)
		add_unreached(pl);
	return result;
}

// --- What speaks against it

// An objection is never lost, not even for want of memory.
static const char *said(const char *text)
{
	return text != NULL ? text : "no memory to say what speaks against it";
}

static const char *step_objection(struct arena *arena, const struct plan_step *step)
{
	const struct plan_record *record =
	        step->state == PLAN_STEP_TOO_LATE ? &step->end : &step->record;
	const char *why = record->is_set ? record->text : "no instant is safe";
	if (step->state == PLAN_STEP_NEVER)
		return said(
		        arena_printf(arena, "step '%s' is never safe: %s", step->step->id, why));
	if (step->state == PLAN_STEP_TOO_LATE)
		return said(
		        arena_printf(arena, "step '%s' can be done only before it is possible: %s",
		                step->step->id, why));
	if (step->state == PLAN_STEP_PLANNED && step->safe_ms > step->start_ms)
		return said(
		        arena_printf(arena, "step '%s' comes too early: %s", step->step->id, why));
	return NULL;
}

static const char *verdict_objection(struct arena *arena, const struct plan *plan, int path)
{
	const struct procedure_route *r = &plan->route;
	enum safety_word word = plan->verdict.path[path].word;
	bool expected = r->has_expect && r->expect[path] >= SAFETY_INSECURE;
	if (word == SAFETY_SAFE || (word == SAFETY_INSECURE && expected))
		return NULL;
	return said(arena_printf(arena, "%s find the zone %s, %s: %s",
	        path == SAFETY_DIRECT ? "resolvers" : "resolvers behind caches",
	        safety_word_text(word),
	        plan->procedure->as_written ? "as the text is written"
	        : word == SAFETY_INSECURE   ? "which the procedure does not expect"
	                                    : "as planned",
	        plan->witness[path]));
}

static const char *find_objection(struct arena *arena, const struct plan *plan)
{
	const char *objection = NULL;
	if (!plan->possible)
		for (size_t i = 0; i < plan->count && objection == NULL; i++)
			objection = step_objection(arena, &plan->steps[i]);
	bool forwarder_is_worse =
	        plan->verdict.path[SAFETY_FORWARDER].word > plan->verdict.path[SAFETY_DIRECT].word;
	if (objection == NULL)
		objection = verdict_objection(
		        arena, plan, forwarder_is_worse ? SAFETY_FORWARDER : SAFETY_DIRECT);
	for (size_t i = 0; i < plan->count && objection == NULL; i++)
		objection = step_objection(arena, &plan->steps[i]);
	return objection;
}

// The last instant that can be written with a year of four digits, as everybody reads them.
#define LAST_DATE_MS (INT64_C(253402300800000) - 1)

static int64_t later_of(int64_t latest_ms, int64_t at_ms)
{
	return at_ms != TIME_NEVER_MS && at_ms > latest_ms ? at_ms : latest_ms;
}

static enum result check_dates(const struct plan *plan, struct error *err)
{
	int64_t latest_ms = plan->scenario.start_ms;
	if (plan->scenario.relative)
		return RESULT_OK;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		const int64_t instants[] = {step->start_ms, step->safe_ms, step->everywhere_ms,
		        step->deadline_ms, step->record.is_set ? step->record.until_ms : 0};
		for (size_t k = 0; k < sizeof instants / sizeof *instants; k++)
			latest_ms = later_of(latest_ms, instants[k]);
	}
	// A calendar has a minute at least for each step.
	if (latest_ms <= LAST_DATE_MS - MINUTE_MS)
		return RESULT_OK;
	char start[TIME_TEXT];
	return error_set(err, RESULT_INPUT,
	        "a plan that begins at %s goes beyond the year 9999, expected an earlier start",
	        time_format(plan->scenario.start_ms, start));
}

static struct plan *plan_new(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route)
{
	struct plan *plan = arena_alloc(arena, sizeof *plan);
	if (plan == NULL)
		return NULL;
	plan->procedure = procedure;
	plan->scenario = *scenario;
	plan->route = *route;
	plan->end_ms = scenario->start_ms;
	plan->broken_text = "";
	plan->steps = arena_array(arena, route->count, sizeof *plan->steps);
	return plan->steps != NULL ? plan : NULL;
}

enum result plan_run(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, enum walk_mode mode,
        struct propagation propagation, struct plan **out, struct error *err)
{
	struct planner pl = {.arena = arena, .propagation = propagation, .err = err};
	pl.plan = plan_new(arena, procedure, scenario, route);
	if (pl.plan == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a plan");
	// The plan's own copies of scenario and route live as long as it does.
	enum result result = walk_begin(
	        &pl.walk, procedure, &pl.plan->scenario, &pl.plan->route, mode, true, err);
	if (result != RESULT_OK)
		return result;
	result = run(&pl);
	if (result == RESULT_OK)
		result = check_dates(pl.plan, err);
	if (result != RESULT_OK) {
		walk_end(&pl.walk);
		return result;
	}
	pl.plan->history = pl.walk.history;
	pl.plan->binding = pl.walk.binding;
	pl.plan->objection = find_objection(arena, pl.plan);
	*out = pl.plan;
	return RESULT_OK;
}

enum result plan_make(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, struct plan **out,
        struct error *err)
{
	size_t count;
	if (route == NULL) {
		enum result result = procedure_routes(arena, procedure, &route, &count, err);
		if (result != RESULT_OK)
			return result;
	}
	return plan_run(arena, procedure, scenario, route,
	        procedure->as_written ? WALK_LITERAL : WALK_COMPUTED,
	        (struct propagation){UINT64_MAX, UINT64_MAX}, out, err);
}

static struct plan_step *planned_step(struct plan *plan, int step)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].step->index == step && plan->steps[i].state == PLAN_STEP_PLANNED)
			return &plan->steps[i];
	return NULL;
}

// Takes over what the undo of a step looks like where it is refused.
static enum result take_refusal(struct arena *arena, struct plan *plan, struct plan_step *step,
        struct propagation propagation, struct error *err)
{
	struct plan *other;
	enum result result = plan_run(arena, plan->procedure, &plan->scenario, &plan->route,
	        WALK_COMPUTED, propagation, &other, err);
	if (result != RESULT_OK)
		return result;
	const struct plan_step *there = planned_step(other, step->step->index);
	if (there != NULL && !there->undo.possible)
		step->undo = there->undo;
	plan_free(other);
	return RESULT_OK;
}

enum result plan_judge_undo(struct arena *arena, struct plan *plan, struct error *err)
{
	struct checker checker = {
	        .arena = arena, .p = plan->procedure, .s = &plan->scenario, .err = err};
	struct corners *corners = arena_alloc(arena, sizeof *corners);
	if (plan->procedure->as_written)
		return RESULT_OK;
	if (corners == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a plan");
	enum result result = corners_run(&checker, &plan->route, WALK_COMPUTED, corners);
	for (size_t i = 0; i < plan->count && result == RESULT_OK; i++) {
		struct plan_step *step = &plan->steps[i];
		const struct way_back *back = &corners->back[step->step->index];
		if (step->state != PLAN_STEP_PLANNED || !back->seen)
			continue;
		if (back->takes_ms > step->undo.takes_ms)
			step->undo.takes_ms = back->takes_ms;
		if (step->undo.possible && back->refused)
			result = take_refusal(arena, plan, step, back->refused_at, err);
	}
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].state == PLAN_STEP_PLANNED)
			set_no_way_back(plan, i);
	return result;
}

void plan_free(struct plan *plan)
{
	if (plan != NULL)
		safety_history_free(&plan->history);
}
