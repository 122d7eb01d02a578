// Inside the checker: what its files share. Not for others.
#pragma once

#include "procedure/check.h"
#include "procedure/walk.h"

struct checker {
	struct arena *arena;
	const struct procedure *p;
	const struct scenario *s;
	struct error *err;
	struct check_report *report;
};

// How much too early a step came, over all corners.
struct earliness {
	bool seen, never;
	int64_t best_ms, worst_ms;
	uint64_t worst_slow; // the corner, as plan_run() takes it
};

// The way back from a step, over all corners of the way there: with everything taken back slowly;
// from the telling corners also fast; and with each change either way where they are few.
struct way_back {
	bool seen, refused; // refused by the model; what the procedure itself forbids is not
	struct propagation refused_at;
	int64_t takes_ms;      // the longest
	enum safety_word word; // of the worst timeline there and back
	struct propagation word_at;
	// The same for sticky readers, where the way there alone is no worse for them than for
	// others; judged with all changes on the way there fast, or all slow.
	enum safety_word sticky_word;
	struct propagation sticky_at;
};

// What all corners of one route have shown.
struct corners {
	size_t count;
	enum safety_word word[SAFETY_PATHS];
	uint64_t slow[SAFETY_PATHS]; // the first corner with that word
	bool stuck;                  // in some corner the route cannot be gone to its end
	uint64_t stuck_slow;
	int64_t insecure_ms, shortest_ms, longest_ms;
	struct earliness steps[PROCEDURE_MAX_STEPS]; // by index in p->steps
	struct way_back back[PROCEDURE_MAX_STEPS];   // WALK_COMPUTED only
};

// Runs a route through its corners.
enum result corners_run(struct checker *checker, const struct procedure_route *route,
        enum walk_mode mode, struct corners *corners);

// Adds a finding, unless there is one of this code about this step already. text is printf-like.
enum result finding_add(struct checker *checker, enum check_code code, enum check_severity severity,
        const struct procedure_step *step, const struct procedure_route *route,
        struct check_finding **out, const char *format, ...) __attribute__((format(printf, 7, 8)));

// Findings that need no corners: undo, approvals, keys, hands.
enum result findings_of_route(struct checker *checker, const struct procedure_route *route);
