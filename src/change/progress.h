// Where a change stands: the fold of its journal records, and nothing else. PURE.
//
// Everything that the engine knows about its own past it knows from here, so that a killed and
// restarted engine knows exactly as much as one that was never killed. What a server said is no
// progress; a step has happened when its effect was observed on every address (or, where it has
// none in the DNS, when a party said so).
//
//     struct progress p;
//     progress_init(&p, procedure);
//     journal_iterate(journal, &of_change, visit, …);     // progress_apply() for each record
//     if (p.steps[i].forward.state == DEED_EVERYWHERE) …
//
// Plain memory, nothing to free.
#pragma once

#include <jansson.h>

#include "journal/record.h"
#include "procedure/procedure.h"

enum deed_state {
	DEED_NOT_BEGUN,
	DEED_INTENDED,   // an attempt began, and how it ended is not recorded: nobody may know
	DEED_UNKNOWN,    // the attempt ended, and nobody knows how
	DEED_REFUSED,    // the peer refused, or it could not be sent; nothing was changed
	DEED_ACTED,      // whoever acts says that it is done
	DEED_EVERYWHERE, // and it was observed on every address
};

enum { DEED_ATTEMPT = 33, DEED_REASON = 200 };

// One step done, or one step undone.
struct deed {
	enum deed_state state;
	unsigned attempts;          // of the errand that is under way
	unsigned errands_done;      // bits over the step's acts: what was acted and seen
	int errand;                 // first act of the errand under way
	char attempt[DEED_ATTEMPT]; // identity of the last attempt
	char reason[DEED_REASON];   // why it was refused, or unknown
	int64_t tried_ms, acted_ms, everywhere_ms;
};

struct progress_step {
	uint32_t approved; // bits over parties
	bool said_done;    // a person did what has no channel
	bool skipped;      // its deadline passed, and the change goes on without it
	int64_t turn_ms;   // since when the step could happen; TIME_NEVER_MS: not yet
	struct deed forward, back;
};

struct progress {
	const struct procedure *procedure;
	bool is_created, is_bound, is_begun, is_finished;
	int line;    // the branch that is followed; steps of other lines that were done stay done
	int undo_to; // step that a party wants undone, with all after it; -1: none
	int late;    // step whose deadline led into the branch; -1
	int64_t created_ms, finished_ms;
	json_int_t round_seq; // the last recorded observation
	struct progress_step steps[PROCEDURE_MAX_STEPS];
};

void progress_init(struct progress *progress, const struct procedure *procedure);

// One record more. Records of kinds or steps that mean nothing here are passed over; a payload that
// does not say what its kind must say is RESULT_CORRUPT.
enum result progress_apply(struct progress *progress, enum journal_kind kind, const char *step,
        int64_t time_ms, const json_t *payload, struct error *err);

// Is the step part of the way that the change takes now: of the line it follows, or done before it
// turned?
bool progress_is_on_way(const struct progress *progress, const struct procedure_step *step);
bool progress_is_over(const struct progress *progress, int step); // done and seen, or skipped

const char *deed_state_text(enum deed_state state);
