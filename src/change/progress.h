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

enum { DEED_ATTEMPT = 33, DEED_REASON = 200, PROGRESS_EXCUSE = 32 };

// One step done, or one step undone: one errand after the other, one for each publisher whose
// records change.
struct deed {
	enum deed_state state;
	unsigned attempts;          // of the errand that is under way
	uint32_t shown;             // bits over publishers: whose part was seen everywhere
	int publisher;              // whose part the last attempt was for
	bool asked;                 // the last attempt: a person was asked
	bool repeatable;            // repeating the last attempt changes nothing more
	char attempt[DEED_ATTEMPT]; // identity of the last attempt
	char reason[DEED_REASON];   // why it was refused, or unknown
	// When the last attempt began, when it ended (or is not known to have ended: as tried_ms),
	// when whoever acts said that it was done, and when every address showed all of it.
	int64_t tried_ms, ended_ms, acted_ms, everywhere_ms;
};

struct progress_step {
	uint32_t approved; // bits over parties
	// The rule that is broken already, and that the step would go on breaking, by the last
	// verdict on it; "": none. Whether a person has agreed to the step since it is.
	char excuse[PROGRESS_EXCUSE];
	bool excused;
	bool said_done;  // a person said so since the last time that somebody was asked to act
	bool skipped;    // its deadline passed, and the change goes on without it
	int64_t done_ms; // when a person said that it was done
	int64_t turn_ms; // since when the step could happen; TIME_NEVER_MS: not yet
	struct deed forward, back;
};

struct progress {
	const struct procedure *procedure;
	bool is_created, is_bound, is_begun, is_finished;
	bool is_undone; // everything was taken back; the change is over
	int line;    // the branch that is followed; steps of other lines that were done stay done
	int undo_to; // step that a party wants undone, with all after it; -1: none
	int64_t created_ms, begun_ms, finished_ms;
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

// Is something of the deed set in motion that was not seen everywhere?
bool deed_is_under_way(const struct deed *deed);

// What the steps that are done have changed in the binding (who copies whom).
void progress_bind(const struct progress *progress, struct procedure_binding *binding);

const char *deed_state_text(enum deed_state state);
