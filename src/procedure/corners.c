// All corners of propagation: each change everywhere at once, or as slow as its publisher's lag.
//
// The corners share their beginnings, so they are walked as a tree: at each change with a lag the
// walk is copied and goes on both ways. Where a route has many changes, only the telling corners
// are walked: all fast or all slow but for two changes (one where they are very many), and each
// publisher fast or slow throughout.
#include "procedure/checker.h"

#include <string.h>

enum {
	FULL_CHANGES = 9,   // with at most so many changes, every corner of the way there
	BACK_FROM_FULL = 7, // with at most so many so far, the way back from every corner
	FULL_BACK = 3,      // with at most so many to take back, every corner of that
	TELLING_PAIRS = 12, // with at most so many, two changes may be unlike the others
};

struct descent {
	struct checker *checker;
	struct corners *found;
	bool full;
	unsigned unlike; // how many changes may be fast where the others are slow, or slow
};

// What has been chosen on the way down.
struct path {
	uint64_t slow; // by position in the route
	unsigned fast_count, slow_count;
	uint32_t fast_publishers, slow_publishers;
};

static uint32_t publishers_of(const struct safety_effect *effect)
{
	uint32_t set = 0;
	for (size_t i = 0; i < effect->count; i++)
		set |= UINT32_C(1) << effect->changes[i].publisher;
	return set;
}

static bool is_telling(const struct path *path, unsigned unlike)
{
	return path->fast_count <= unlike || path->slow_count <= unlike ||
	       (path->fast_publishers & path->slow_publishers) == 0;
}

static void note_step(
        struct corners *found, const struct walk *w, const struct walk_choice *c, uint64_t slow)
{
	struct earliness *e = &found->steps[c->step->index];
	int64_t from_ms = w->mode == WALK_COMPUTED
	                          ? (c->wait_ms > c->ready_ms ? c->wait_ms : c->ready_ms)
	                          : c->literal_ms;
	bool judged = c->has_window && (w->mode != WALK_COMPUTED || c->step->wait_count > 0);
	int64_t early_ms = !judged                       ? 0
	                   : c->safe_ms == TIME_NEVER_MS ? TIME_NEVER_MS
	                   : c->safe_ms > from_ms        ? c->safe_ms - from_ms
	                                                 : 0;
	if (!e->seen || early_ms < e->best_ms)
		e->best_ms = early_ms;
	if (!e->seen || early_ms > e->worst_ms) {
		e->worst_ms = early_ms;
		e->worst_slow = slow;
	}
	e->seen = true;
	e->never = e->never || (c->has_window && !c->window.possible);
}

static enum result note_end(struct descent *d, struct walk *w, uint64_t slow)
{
	struct corners *found = d->found;
	int64_t end_ms = w->s->start_ms;
	for (size_t i = 0; i < w->p->step_count; i++)
		if (w->times[i].is_done && w->times[i].everywhere_ms > end_ms)
			end_ms = w->times[i].everywhere_ms;
	struct safety_verdict verdict;
	int64_t until_ms = time_add(end_ms, safety_memory_ms(&w->history, &w->s->readers));
	if (safety_judge(&w->history, &w->s->readers, w->s->start_ms, until_ms, &verdict) !=
	        RESULT_OK)
		return error_set(d->checker->err, RESULT_MEMORY, "no memory for a check");
	for (int i = 0; i < SAFETY_PATHS; i++) {
		if (found->count == 0 || verdict.path[i].word > found->word[i]) {
			found->word[i] = verdict.path[i].word;
			found->slow[i] = slow;
		}
		if (verdict.path[i].insecure_ms > found->insecure_ms)
			found->insecure_ms = verdict.path[i].insecure_ms;
	}
	int64_t took_ms = end_ms - w->s->start_ms;
	if (found->count == 0 || took_ms < found->shortest_ms)
		found->shortest_ms = took_ms;
	if (took_ms > found->longest_ms)
		found->longest_ms = took_ms;
	found->count++;
	return RESULT_OK;
}

// --- The way back

// The worst word over both paths, of all that the history has, for these readers.
static enum result worst_word(struct descent *d, const struct walk *w, int64_t end_ms,
        const struct safety_readers *readers, enum safety_word *word)
{
	struct safety_verdict verdict;
	int64_t until_ms = time_add(end_ms, safety_memory_ms(&w->history, readers));
	if (safety_judge(&w->history, readers, w->s->start_ms, until_ms, &verdict) != RESULT_OK)
		return error_set(d->checker->err, RESULT_MEMORY, "no memory for a check");
	*word = SAFETY_SAFE;
	for (int i = 0; i < SAFETY_PATHS; i++)
		*word = verdict.path[i].word > *word ? verdict.path[i].word : *word;
	return RESULT_OK;
}

// Sticky readers count only where the way there alone has left none of them behind.
static enum result judge_sticky(struct descent *d, const struct walk *there,
        const struct walk *back, const struct walk_undo *undo, struct propagation way,
        struct way_back *found)
{
	struct safety_readers sticky = there->s->readers;
	enum safety_word there_word, back_word, usual_word;
	if (sticky.ns == SAFETY_NS_PARENT)
		return RESULT_OK;
	sticky.ns = SAFETY_NS_STICKY;
	enum result result = worst_word(d, back, undo->end_ms, &sticky, &back_word);
	if (result != RESULT_OK || back_word <= found->sticky_word)
		return result; // as nearly always: nothing is wrong
	result = worst_word(d, there, undo->begin_ms, &sticky, &there_word);
	if (result == RESULT_OK)
		result = worst_word(d, back, undo->end_ms, &there->s->readers, &usual_word);
	if (result == RESULT_OK && back_word > there_word && back_word > usual_word) {
		found->sticky_word = back_word;
		found->sticky_at = way;
	}
	return result;
}

static enum result judge_back(struct descent *d, const struct walk *w, const struct walk_undo *undo,
        struct propagation way, struct way_back *back)
{
	struct safety_verdict verdict;
	const struct safety_readers *readers = &w->s->readers;
	int64_t until_ms = time_add(undo->end_ms, safety_memory_ms(&w->history, readers));
	if (safety_judge(&w->history, readers, w->s->start_ms, until_ms, &verdict) != RESULT_OK)
		return error_set(d->checker->err, RESULT_MEMORY, "no memory for a check");
	for (int i = 0; i < SAFETY_PATHS; i++)
		if (verdict.path[i].word > back->word) {
			back->word = verdict.path[i].word;
			back->word_at = way;
		}
	return RESULT_OK;
}

static enum result go_back(
        struct descent *d, const struct walk *w, int step, struct propagation way, bool also_sticky)
{
	struct way_back *back = &d->found->back[step];
	struct walk_undo undo;
	struct walk copy;
	enum result result = walk_copy(&copy, w, d->checker->err);
	if (result != RESULT_OK)
		return result;
	result = walk_back(&copy, way.back, &undo, d->checker->err);
	if (result == RESULT_OK) {
		back->seen = true;
		if (undo.end_ms - undo.begin_ms > back->takes_ms)
			back->takes_ms = undo.end_ms - undo.begin_ms;
		if (undo.refused && !back->refused)
			back->refused_at = way;
		back->refused = back->refused || undo.refused;
		result = judge_back(d, &copy, &undo, way, back);
		if (result == RESULT_OK && also_sticky)
			result = judge_sticky(d, w, &copy, &undo, way, back);
	}
	walk_end(&copy);
	return result;
}

// From where the walk stands after a change: each way there has been chosen already.
static enum result go_back_all_ways(
        struct descent *d, const struct walk *w, const struct walk_choice *c, struct path there)
{
	bool few = there.fast_count + there.slow_count <= BACK_FROM_FULL;
	if (w->mode != WALK_COMPUTED || c->effect.count == 0 || (!few && !is_telling(&there, 1)))
		return RESULT_OK;
	uint64_t all = 0;
	unsigned changes = 0;
	for (size_t i = 0; i < w->applied_count; i++) {
		const struct procedure_step *step = &w->p->steps[w->route->steps[w->order[i]]];
		bool counts = w->order[i] < 64 && step->undo.kind == PROCEDURE_UNDO_ACTS &&
		              procedure_acts_have_effect(step->undo.acts, step->undo.act_count);
		all |= counts ? UINT64_C(1) << w->order[i] : 0;
		changes += counts;
	}
	// All subsets of `all`; or all and none of it, none from the telling corners only: whatever
	// can be fetched on a fast way back can be fetched on a slow one.
	bool every = changes <= FULL_BACK, none = every || is_telling(&there, 1);
	bool uniform = there.fast_count == 0 || there.slow_count == 0;
	enum result result = RESULT_OK;
	for (uint64_t back = all;; back = every ? (back - 1) & all : 0) {
		result = go_back(d, w, c->step->index, (struct propagation){there.slow, back},
		        uniform && (back == 0 || back == all));
		if (result != RESULT_OK || back == 0 || !none)
			return result;
	}
}

// --- The way there

static enum result descend(struct descent *d, struct walk *w, struct path path);

static enum result descend_one_way(struct descent *d, const struct walk *w,
        const struct walk_choice *c, struct path path, bool slow)
{
	uint32_t publishers = publishers_of(&c->effect);
	if (slow && c->position < 64)
		path.slow |= UINT64_C(1) << c->position;
	*(slow ? &path.slow_count : &path.fast_count) += 1;
	*(slow ? &path.slow_publishers : &path.fast_publishers) |= publishers;
	// Positions beyond the mask are walked slowly only, as plan_run() does.
	if ((!d->full && !is_telling(&path, d->unlike)) || (!slow && c->position >= 64))
		return RESULT_OK;
	struct walk copy;
	enum result result = walk_copy(&copy, w, d->checker->err);
	if (result != RESULT_OK)
		return result;
	result = walk_apply(&copy, c, slow, d->checker->err);
	if (result == RESULT_OK)
		result = go_back_all_ways(d, &copy, c, path);
	if (result == RESULT_OK)
		result = descend(d, &copy, path);
	walk_end(&copy);
	return result;
}

// Goes on until the next change that can be fast or slow, or to the end.
static enum result descend(struct descent *d, struct walk *w, struct path path)
{
	while (!walk_is_over(w)) {
		struct walk_choice c = {0};
		enum result result = walk_choose(w, &c, d->checker->err);
		if (result != RESULT_OK)
			return result;
		note_step(d->found, w, &c, path.slow);
		if (c.state != PLAN_STEP_PLANNED) {
			d->found->stuck = true;
			d->found->stuck_slow = path.slow;
			break;
		}
		if (walk_lag_ms(w, &c.effect) > 0) {
			result = descend_one_way(d, w, &c, path, false);
			return result == RESULT_OK ? descend_one_way(d, w, &c, path, true) : result;
		}
		result = walk_apply(w, &c, true, d->checker->err);
		if (result == RESULT_OK)
			result = go_back_all_ways(d, w, &c, path);
		if (result != RESULT_OK)
			return result;
	}
	return note_end(d, w, path.slow);
}

static size_t changes_with_effect(
        const struct checker *checker, const struct procedure_route *route)
{
	size_t n = 0;
	for (size_t i = 0; i < route->count; i++) {
		const struct procedure_step *step = &checker->p->steps[route->steps[i]];
		n += procedure_acts_have_effect(step->acts, step->act_count);
	}
	return n;
}

enum result corners_run(struct checker *checker, const struct procedure_route *route,
        enum walk_mode mode, struct corners *corners)
{
	struct descent d = {.checker = checker, .found = corners};
	size_t changes = changes_with_effect(checker, route);
	d.full = changes <= FULL_CHANGES;
	d.unlike = changes <= TELLING_PAIRS ? 2 : 1;
	memset(corners, 0, sizeof *corners);
	struct walk w;
	enum result result =
	        walk_begin(&w, checker->p, checker->s, route, mode, false, checker->err);
	if (result != RESULT_OK)
		return result;
	w.blind = mode == WALK_LITERAL;
	result = descend(&d, &w, (struct path){0});
	walk_end(&w);
	return result;
}
