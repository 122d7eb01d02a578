// Inside planner and checker: a route walked step by step on paper. Not for others.
//
// A walk holds the history so far and when each step was done. walk_choose() says which step is
// next and when; walk_apply() does it, with the propagation that this walk supposes. Steps happen
// in order of time, also where a procedure lets several run side by side.
#pragma once

#include "procedure/plan.h"

enum walk_mode {
	WALK_COMPUTED, // at the earliest safe instant, explicit waits over
	WALK_LITERAL,  // as written: when the explicit waits are over, safe or not
	WALK_MENDED,   // as written, but not before it is safe: so that later faults show alone
};

struct walk {
	const struct procedure *p;
	const struct scenario *s;
	const struct procedure_route *route;
	enum walk_mode mode;
	bool blind; // WALK_LITERAL: do not even ask from when on a step is safe
	struct safety_history history;
	struct procedure_binding binding;
	struct procedure_times times[PROCEDURE_MAX_STEPS]; // by index in p->steps
	uint64_t applied[(PROCEDURE_MAX_STEPS + 63) / 64]; // bits over the route's positions
	size_t applied_count;
	uint8_t order[PROCEDURE_MAX_STEPS]; // positions, in the order in which they were applied
	int64_t now_ms;                     // the last step's instant
	size_t turns_known;
	int64_t turn_ms[PROCEDURE_MAX_TURNS]; // when each branch begins, as far as known
};

struct walk_choice {
	size_t position; // in the route
	const struct procedure_step *step;
	enum plan_state state;
	int64_t ready_ms, wait_ms, literal_ms, safe_ms, start_ms, until_ms;
	bool short_wait;             // the waits as written end before it is safe
	struct safety_window window; // meaningful if has_window
	bool has_window;
	struct safety_effect effect;
};

// Begins before the first step. Without names the history is cheap to copy and has no texts.
enum result walk_begin(struct walk *walk, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, enum walk_mode mode,
        bool names, struct error *err);
enum result walk_copy(struct walk *to, const struct walk *from, struct error *err);
void walk_end(struct walk *walk);

bool walk_is_over(const struct walk *walk);
// The next step. `choice->state` is PLAN_STEP_PLANNED, or says why nothing can happen any more.
enum result walk_choose(struct walk *walk, struct walk_choice *choice, struct error *err);
// Does the chosen step; slow: it takes the publishers' whole lag, otherwise it is everywhere at
// once.
enum result walk_apply(
        struct walk *walk, const struct walk_choice *choice, bool slow, struct error *err);
// The worst lag of what an effect touches; 0 for none.
int64_t walk_lag_ms(const struct walk *walk, const struct safety_effect *effect);

// How fast each change is, by its position in the route (bit set: slow; those beyond the bits are
// slow): when it is made, and when it is taken back.
struct propagation {
	uint64_t there, back;
};

static inline bool is_slow(uint64_t slow, size_t position)
{
	return position >= 64 || (slow >> position & 1);
}

// The way back from where a walk stands.
struct walk_undo {
	int stops_at; // step at which it stops: one without way back, or one that is refused; or -1
	bool refused; // the model: taking stops_at back is never safe; the walk stands before that
	struct safety_effect effect; // refused: what it would be
	int64_t begin_ms, end_ms;    // from when all is everywhere until all is taken back
};

// Takes a walk's steps back, the last one first, each at the earliest safe instant, until nothing
// is left of them or one cannot be taken back.
enum result walk_back(struct walk *walk, uint64_t slow, struct walk_undo *undo, struct error *err);

// plan_make() with a mode and a propagation.
enum result plan_run(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, const struct procedure_route *route, enum walk_mode mode,
        struct propagation propagation, struct plan **out, struct error *err);
