// A rehearsal: a change that `baton run` makes by itself in a running lab.
//
//     struct rehearsal r = {.change = "operator-change", .within_ms = 3 * MINUTE_MS};
//     struct rehearsal_outcome outcome;
//     if (rehearse(lab, &r, &outcome, &err) == RESULT_OK) …   // it ended, and its journal is good
//
// The definition of the change is the template lab/changes/NAME.yaml with the lab's variables put
// in (scenario.h lists them). `baton` is this very program, or $BATON. It runs in the lab's
// network. Of several rehearsals in one
// lab the files of the one before the latest are kept as earlier-change.*.
//
// With kills it is ended by SIGKILL that many times and started again at once each time, as an
// operator's machine might: at random instants within kill_span_ms, and, for half of them at most,
// right after it has begun an act. The log tells when that is, so that kills go with
// REHEARSAL_LOGGED.
#pragma once

#include "lab.h"

#include "base/buffer.h"

#define REHEARSAL_KILLS_MAX 200

enum rehearsal_output {
	REHEARSAL_HERE,   // where the caller's output goes
	REHEARSAL_LOGGED, // to DIR/change.log, as JSON lines
};

struct rehearsal {
	const char *change; // "operator-change"
	int64_t within_ms;  // for all of it
	enum rehearsal_output output;
	bool json;            // of REHEARSAL_HERE, too
	unsigned kills;       // at most REHEARSAL_KILLS_MAX
	int64_t kill_span_ms; // less than the change takes
	uint64_t seed;        // of the instants
	// With REHEARSAL_LOGGED. When this step has been done, seen or not, everything is to be
	// undone, and the change ends undone; NULL: never.
	const char *undo_after;
	// This step must never happen: the change is ended as soon as it is said to be stuck, and
	// nothing was done. NULL: the change comes to its end.
	const char *refused;
	// The change must not begin because of something that it says with these words: it is ended
	// likewise. NULL: it begins.
	const char *missing;
	// The command of this step must find fault: the change is ended as soon as it stands still
	// there, saying what `saying` has (NULL: anything). NULL: none does.
	const char *stops_at, *saying;
};

struct rehearsal_outcome {
	unsigned killed;        // how often it really was killed before it ended
	unsigned killed_acting; // of these, right after it had begun an act
	int64_t took_ms;
	bool verified; // `baton verify` says that the journal is good
};

// What the change of the latest rehearsal in this lab waited for, and how long: a line each.
void rehearsal_waits(const struct lab *lab, struct buffer *out);

// RESULT_TIMEOUT where it did not end in time, RESULT_REFUSED where it ended with another status
// than 0, or its journal does not verify.
enum result rehearse(const struct lab *lab, const struct rehearsal *rehearsal,
        struct rehearsal_outcome *outcome, struct error *err);
