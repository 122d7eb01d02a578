// A rehearsal: a change that `baton run` makes by itself in a running lab.
//
//     struct rehearsal r = {.change = "operator-change", .within_ms = 3 * MINUTE_MS};
//     struct rehearsal_outcome outcome;
//     if (rehearse(lab, &r, &outcome, &err) == RESULT_OK) …      // finished, and the journal
//     verifies
//
// The definition of the change is the template lab/changes/NAME.yaml with the lab's variables put
// in (scenario.h lists them; also SINCE, when the lab was ready, and TTL_LARGEST_DATA). `baton` is
// this very program, or $BATON. It runs inside the lab's namespaces; its output goes where the
// caller's goes.
//
// kills: it is ended by SIGKILL that many times at random instants and started again each time, as
// an operator's machine might.
#pragma once

#include "lab.h"

#include "base/random.h"

struct rehearsal {
	const char *change; // "operator-change"
	int64_t within_ms;  // for all of it
	unsigned kills;
	uint64_t seed; // of the instants at which it is killed
	bool quiet;    // its output goes to DIR/change.log instead
};

struct rehearsal_outcome {
	unsigned killed; // how often it really was killed before it ended
	int64_t took_ms;
	bool verified; // `baton verify` says that the journal is good
};

// RESULT_TIMEOUT where it did not end in time, RESULT_REFUSED where it ended with another status
// than 0, or its journal does not verify.
enum result rehearse(const struct lab *lab, const struct rehearsal *rehearsal,
        struct rehearsal_outcome *outcome, struct error *err);
