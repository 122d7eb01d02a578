#include "procedure/walk.h"

#include <assert.h>
#include <string.h>

// --- The state before the first step

// The history's key that a symbolic key stands for: of a party with a single key, KSK and ZSK of a
// generation are one.
static int same_key_before(const struct procedure *p, const struct scenario *s, size_t key)
{
	const struct procedure_key *k = &p->keys[key];
	if ((s->single_key >> k->party & 1) == 0)
		return -1;
	for (size_t i = 0; i < key; i++)
		if (p->keys[i].party == k->party &&
		        strcmp(p->keys[i].generation, k->generation) == 0)
			return (int)i;
	return -1;
}

static enum result add_keys(const struct procedure *p, const struct scenario *s,
        struct safety_history *history, struct procedure_binding *binding, bool names,
        struct error *err)
{
	for (size_t i = 0; i < p->key_count; i++) {
		int same = same_key_before(p, s, i);
		if (same >= 0) {
			binding->keys[i] = binding->keys[same];
			binding->ds[i] = binding->ds[same];
			continue;
		}
		int key =
		        safety_key_add(history, names ? p->keys[i].id : NULL, s->keys[i].algorithm);
		int ds = key >= 0 ? safety_ds_add(history, key, s->keys[i].digest) : -1;
		if (ds < 0)
			return error_set(err, RESULT_LIMIT, "more than %d keys", SAFETY_MAX_KEYS);
		binding->keys[i] = UINT64_C(1) << key;
		binding->ds[i] = UINT64_C(1) << ds;
	}
	return RESULT_OK;
}

static enum result add_groups(const struct procedure *p, const struct scenario *s,
        struct safety_history *history, struct procedure_binding *binding, bool names,
        struct error *err)
{
	for (int i = 0; i < (int)p->party_count; i++) {
		if (!procedure_party_publishes(p, i))
			continue;
		binding->publisher[i] = safety_group_add(
		        history, names ? p->parties[i].id : NULL, s->lag_ms[i + 1]);
		if (binding->publisher[i] < 0)
			return error_set(err, RESULT_LIMIT, "more than %d groups of servers",
			        SAFETY_MAX_PUBLISHERS - 1);
	}
	history->lag_s[0] = (uint32_t)((s->lag_ms[0] + SECOND_MS - 1) / SECOND_MS);
	for (int i = 0; i <= PROCEDURE_MAX_PARTIES; i++)
		for (int t = 0; t < PROCEDURE_TTLS; t++)
			binding->ttl_s[i][t] = (uint32_t)(s->ttl_ms[i][t] / SECOND_MS);
	return RESULT_OK;
}

// The signatures that are served at the start may run out; later ones are renewed in time.
static void limit_signatures(struct safety_history *history, int64_t until_ms)
{
	for (size_t i = 0; i < history->count; i++)
		history->editions[i].signed_until_ms = until_ms;
}

static enum result begin(const struct procedure *p, const struct scenario *s,
        struct safety_history *history, struct procedure_binding *binding, bool names,
        struct error *err)
{
	struct safety_history h;
	struct procedure_binding b;
	safety_history_init(&h);
	procedure_binding_init(&b);
	enum result result = add_groups(p, s, &h, &b, names, err);
	if (result == RESULT_OK)
		result = add_keys(p, s, &h, &b, names, err);
	if (result == RESULT_OK)
		result = procedure_start(p, &b, &h, err);
	if (result != RESULT_OK) {
		safety_history_free(&h);
		return result;
	}
	limit_signatures(&h, s->signed_until_ms);
	*history = h;
	*binding = b;
	return RESULT_OK;
}

enum result walk_begin(struct walk *w, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, enum walk_mode mode,
        bool names, struct error *err)
{
	memset(w, 0, sizeof *w);
	w->p = procedure;
	w->s = scenario;
	w->route = route;
	w->mode = mode;
	w->now_ms = scenario->start_ms;
	return begin(procedure, scenario, &w->history, &w->binding, names, err);
}

enum result walk_copy(struct walk *to, const struct walk *from, struct error *err)
{
	*to = *from;
	if (safety_history_copy(&to->history, &from->history) != RESULT_OK)
		return error_set(err, RESULT_MEMORY, "no memory for a plan");
	return RESULT_OK;
}

void walk_end(struct walk *w)
{
	safety_history_free(&w->history);
}

// --- Which step is next

static bool is_applied(const struct walk *w, size_t position)
{
	return w->applied[position / 64] >> position % 64 & 1;
}

bool walk_is_over(const struct walk *w)
{
	return w->applied_count == w->route->count;
}

static bool is_in_route(const struct walk *w, int step)
{
	for (size_t i = 0; i < w->route->count; i++)
		if (w->route->steps[i] == step)
			return true;
	return false;
}

// When everything that a step comes after is done: as written, when it is said to be done;
// otherwise when it is seen on every address. A step that the route leaves out passes on what it
// came after itself.
static bool is_ready(const struct walk *w, const struct procedure_step *step, int64_t *ready_ms)
{
	for (size_t i = 0; i < step->after_count; i++) {
		const struct procedure_times *t = &w->times[step->after[i]];
		if (t->is_done) {
			int64_t at = w->mode == WALK_COMPUTED ? t->everywhere_ms : t->done_ms;
			if (at > *ready_ms)
				*ready_ms = at;
		} else if (is_in_route(w, step->after[i]) ||
		           !is_ready(w, &w->p->steps[step->after[i]], ready_ms)) {
			return false;
		}
	}
	return true;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum result judge_step(
        struct walk *w, struct walk_choice *c, int64_t from_ms, struct error *err)
{
	c->safe_ms = from_ms;
	c->until_ms = TIME_NEVER_MS;
	enum result result = procedure_effect(
	        w->p, c->step->acts, c->step->act_count, &w->history, &w->binding, &c->effect, err);
	if (result != RESULT_OK) {
		error_prefix(err, "%s:%d:%d: step '%s': ", c->step->file, c->step->line,
		        c->step->column, c->step->id);
		return result;
	}
	if (c->effect.count == 0 || w->blind)
		return RESULT_OK;
	result =
	        safety_earliest(&w->history, &c->effect, &w->s->readers, from_ms, &c->window, NULL);
	if (result != RESULT_OK)
		return error_set(err, result, "no memory for a plan");
	c->has_window = true;
	c->safe_ms = c->window.possible ? c->window.from_ms : TIME_NEVER_MS;
	c->until_ms = c->window.possible ? c->window.until_ms : TIME_NEVER_MS;
	return RESULT_OK;
}

static void set_start(const struct walk *w, struct walk_choice *c)
{
	c->short_wait = c->step->wait_count > 0 && c->safe_ms > later(c->ready_ms, c->wait_ms);
	c->state = PLAN_STEP_PLANNED;
	if (w->mode == WALK_LITERAL) {
		c->start_ms = c->literal_ms;
		return;
	}
	c->start_ms = later(c->safe_ms, c->literal_ms);
	if (c->safe_ms == TIME_NEVER_MS)
		c->state = PLAN_STEP_NEVER;
	else
		c->start_ms = time_add(c->start_ms, w->s->delay_ms[c->step->index]);
	if (c->start_ms >= c->until_ms && c->state == PLAN_STEP_PLANNED)
		c->state = PLAN_STEP_TOO_LATE;
}

static enum result consider(struct walk *w, size_t position, const struct procedure_step *step,
        int64_t ready_ms, struct walk_choice *c, struct error *err)
{
	c->position = position;
	c->step = step;
	c->has_window = false;
	c->effect.count = 0;
	c->ready_ms = ready_ms;
	c->wait_ms = procedure_waits_over_ms(step, &w->history, &w->binding, w->times, ready_ms);
	c->literal_ms = later(later(ready_ms, c->wait_ms), w->now_ms);
	// A computed wait is asked for from when the step could happen, so that what the caches
	// demand shows beside what the file demands; nothing can happen before what happened last.
	int64_t from_ms = w->mode == WALK_COMPUTED ? later(ready_ms, w->now_ms) : c->literal_ms;
	enum result result = judge_step(w, c, from_ms, err);
	if (result == RESULT_OK)
		set_start(w, c);
	return result;
}

static bool is_better(const struct walk_choice *a, const struct walk_choice *b)
{
	if ((a->state == PLAN_STEP_PLANNED) != (b->state == PLAN_STEP_PLANNED))
		return a->state == PLAN_STEP_PLANNED;
	return a->start_ms < b->start_ms;
}

// From when on steps at this position can happen at all.
static int64_t base_ms(const struct walk *w, size_t position)
{
	int64_t at = w->s->start_ms;
	for (size_t i = 0; i < w->turns_known && w->route->turn[i] <= position; i++)
		at = w->turn_ms[i];
	return at;
}

// The next branch begins when the party has let its deadline pass.
static enum result find_turn(struct walk *w, struct error *err)
{
	size_t turn = w->turns_known;
	const struct procedure_step *late = &w->p->steps[w->route->late[turn]];
	int64_t ready_ms = turn > 0 ? w->turn_ms[turn - 1] : w->s->start_ms;
	struct walk_choice c;
	is_ready(w, late, &ready_ms);
	enum result result = consider(w, 0, late, ready_ms, &c, err);
	if (result != RESULT_OK)
		return result;
	int64_t may_ms = c.state == PLAN_STEP_NEVER ? c.literal_ms : c.start_ms;
	w->turn_ms[turn] = later(time_add(may_ms, late->within_ms), w->now_ms);
	w->turns_known++;
	return RESULT_OK;
}

// Positions behind a branch that has not begun yet are out of reach.
static size_t positions_in_reach(const struct walk *w)
{
	const struct procedure_route *r = w->route;
	return w->turns_known < r->turns ? r->turn[w->turns_known] : r->count;
}

enum result walk_choose(struct walk *w, struct walk_choice *choice, struct error *err)
{
	const struct procedure_route *r = w->route;
	assert(!walk_is_over(w));
	int best = -1;
	enum result result = RESULT_OK;
	while (result == RESULT_OK && w->turns_known < r->turns &&
	        w->applied_count >= r->turn[w->turns_known])
		result = find_turn(w, err);
	size_t reach = positions_in_reach(w);
	for (size_t i = 0; i < reach && result == RESULT_OK; i++) {
		const struct procedure_step *step = &w->p->steps[r->steps[i]];
		int64_t ready_ms = base_ms(w, i);
		if (is_applied(w, i) || !is_ready(w, step, &ready_ms))
			continue;
		struct walk_choice c;
		result = consider(w, i, step, ready_ms, &c, err);
		if (result == RESULT_OK && (best < 0 || is_better(&c, choice))) {
			*choice = c;
			best = (int)i;
		}
	}
	// What a step comes after is listed before it, so that the first one left is always ready.
	assert(result != RESULT_OK || best >= 0);
	return result;
}

// --- Doing it

int64_t walk_lag_ms(const struct walk *w, const struct safety_effect *effect)
{
	uint32_t lag_s = 0;
	for (size_t i = 0; i < effect->count; i++)
		if (w->history.lag_s[effect->changes[i].publisher] > lag_s)
			lag_s = w->history.lag_s[effect->changes[i].publisher];
	return (int64_t)lag_s * SECOND_MS;
}

// All that an effect changes, everywhere after the publishers' whole lag, or at once.
static enum result publish(
        struct walk *w, const struct safety_effect *effect, int64_t at_ms, bool slow)
{
	uint32_t lag_s[SAFETY_MAX_PUBLISHERS];
	memcpy(lag_s, w->history.lag_s, sizeof lag_s);
	if (!slow)
		memset(w->history.lag_s, 0, sizeof w->history.lag_s);
	enum result result = safety_publish_all(&w->history, effect, at_ms);
	memcpy(w->history.lag_s, lag_s, sizeof lag_s);
	return result;
}

enum result walk_apply(struct walk *w, const struct walk_choice *c, bool slow, struct error *err)
{
	int64_t takes_ms = slow ? walk_lag_ms(w, &c->effect) : 0;
	enum result result = publish(w, &c->effect, c->start_ms, slow);
	if (result != RESULT_OK)
		return error_set(err, result, "step '%s': no memory for a plan", c->step->id);
	procedure_acts_done(c->step->acts, c->step->act_count, &w->binding);
	w->times[c->step->index] = (struct procedure_times){.is_done = true,
	        .done_ms = c->start_ms,
	        .seen_ms = c->start_ms,
	        .everywhere_ms = time_add(c->start_ms, takes_ms)};
	w->applied[c->position / 64] |= UINT64_C(1) << c->position % 64;
	w->order[w->applied_count++] = (uint8_t)c->position;
	w->now_ms = c->start_ms;
	return RESULT_OK;
}

// --- Taking it back

static enum result undo_one(struct walk *w, const struct procedure_step *step, bool slow,
        struct walk_undo *undo, struct error *err)
{
	const struct procedure_undo *how = &step->undo;
	struct safety_window window;
	if (step->no_return) {
		undo->stops_at = step->index;
		return RESULT_OK;
	}
	if (how->kind != PROCEDURE_UNDO_ACTS)
		return RESULT_OK;
	enum result result = procedure_effect(
	        w->p, how->acts, how->act_count, &w->history, &w->binding, &undo->effect, err);
	if (result != RESULT_OK) {
		error_prefix(err, "%s:%d:%d: undo of '%s': ", step->file, step->line, step->column,
		        step->id);
		return result;
	}
	if (undo->effect.count > 0) {
		result = safety_earliest_back(
		        &w->history, &undo->effect, &w->s->readers, undo->end_ms, &window, NULL);
		if (result == RESULT_OK && !window.possible) {
			undo->refused = true;
			undo->stops_at = step->index;
			return RESULT_OK;
		}
		if (result == RESULT_OK)
			result = publish(w, &undo->effect, window.from_ms, slow);
		if (result != RESULT_OK)
			return error_set(
			        err, result, "undo of '%s': no memory for a plan", step->id);
		int64_t takes_ms = slow ? walk_lag_ms(w, &undo->effect) : 0;
		undo->end_ms = time_add(window.from_ms, takes_ms);
	}
	procedure_acts_done(how->acts, how->act_count, &w->binding);
	return RESULT_OK;
}

enum result walk_back(struct walk *w, uint64_t slow, struct walk_undo *undo, struct error *err)
{
	enum result result = RESULT_OK;
	undo->stops_at = -1;
	undo->refused = false;
	undo->begin_ms = w->now_ms;
	for (size_t i = 0; i < w->applied_count; i++) {
		int step = w->route->steps[w->order[i]];
		undo->begin_ms = later(undo->begin_ms, w->times[step].everywhere_ms);
	}
	undo->end_ms = undo->begin_ms;
	for (size_t i = w->applied_count; i-- > 0 && result == RESULT_OK && undo->stops_at < 0;)
		result = undo_one(w, &w->p->steps[w->route->steps[w->order[i]]],
		        is_slow(slow, w->order[i]), undo, err);
	return result;
}
