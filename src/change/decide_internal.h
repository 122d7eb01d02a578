// Private to src/change: what the parts of decide() share.
//
// decide.c goes through the steps, forward and back; decide_effect.c decides a step that changes
// what the world sees; shown.c tells how much of it is seen.
#pragma once

#include "change/decide.h"

struct decider {
	const struct decide_input *in;
	struct decision *out;
	const struct procedure *p;
	const struct progress *progress;
	struct procedure_binding binding; // the world's, with what is done
	int64_t now_ms;
	struct error *err;
};

// A step, forward or back.
struct task {
	const struct procedure_step *step;
	bool undo;
	int by;
	const struct procedure_act *acts;
	size_t act_count;
	const struct progress_step *progress;
	const struct deed *deed;
};

struct task task_of(const struct decider *d, const struct procedure_step *step, bool undo);

// The next move. Beyond the maximum the last one is overwritten.
struct move *move_add(struct decider *d, enum move_kind kind, const struct task *task);
void move_say(struct move *move, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The procedure's own waits make the task wait until then.
void wait_as_agreed(struct decider *d, const struct task *task, int64_t over_ms);

// Bits over parties that have to agree and have not.
uint32_t approvals_missing(const struct decider *d, const struct procedure_step *step);
void ask_approval(struct decider *d, const struct task *task, uint32_t missing);
int64_t deadline_of(const struct decider *d, const struct procedure_step *step);
// When the step's own waits are over; TIME_EVER_MS where it has none.
int64_t waits_over_ms(const struct decider *d, const struct procedure_step *step);
// true where the party's time is up and the procedure says what follows; where people have to
// decide, it says so and goes on.
bool deadline_passed(struct decider *d, const struct task *task);
// Another step with an effect is under way.
bool another_is_under_way(const struct decider *d, const struct task *task);

// An act for it is under way in this process; an attempt ended in a way that somebody has to look
// into; the last attempt led to nothing, and it is too early for another one. Each says so.
bool task_is_in_flight(struct decider *d, const struct task *task);
bool task_needs_somebody(struct decider *d, const struct task *task);
bool task_rests(struct decider *d, const struct task *task);

// RESULT_MEMORY only: what cannot be decided is a move.
enum result decide_effect(struct decider *d, const struct procedure_step *step, bool undo);

// How much of some acts is seen.
struct shown {
	struct safety_effect left;    // what is not served yet, by the first address that shows it
	uint32_t touched, everywhere; // bits over publishers
	int64_t since_ms; // since when all that is everywhere is so, lags included: may be in the
	                  // future
};

// RESULT_INPUT where a symbol is not bound.
enum result shown_find(const struct decide_input *input, const struct procedure_binding *binding,
        const struct procedure_act *acts, size_t count, struct shown *shown, struct error *err);

// Whether a key, or a DS record, of nobody in this change is served; then text says which.
bool strangers_find(const struct decider *d, char *text, size_t size);
