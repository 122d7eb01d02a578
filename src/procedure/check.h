// Checking a procedure: is there a propagation under which it fails? PURE.
//
// The checker runs every way through a procedure (procedure_routes()) on paper, with the
// propagation of each change at its best (everywhere at once) and at its worst (the publisher's
// whole lag), all corners of that cube where there are few, the telling ones where there are many.
// Computed waits follow what is observed in each corner; waits of published texts (`waits:
// as-written`) are taken literally and judged. At the end of each corner the whole timeline is
// judged once more, independently of how it was planned. So is the way back from every step of
// every corner, with all that is taken back fast and slow, and with all corners of that where it is
// short.
//
//     struct check_report report;
//     if (check_procedure(arena, procedure, &scenario, &report, &err) == RESULT_OK && !report.ok)
//             check_write_text(procedure, &report, &out);      // procedure/render.h
//
// For published texts the report names every step whose wait is too short, each judged as if the
// ones before it had been mended, so that one fault does not hide the next.
//
// A report lives in the arena. Errors are those of plan_make().
#pragma once

#include "procedure/plan.h"

enum check_code {
	CHECK_VERDICT,        // the timeline as a whole is not what was expected
	CHECK_EARLY,          // the wait of a step ends before the step is safe
	CHECK_NEVER,          // no instant is safe for a step
	CHECK_TOO_LATE,       // the window closes before the party can act
	CHECK_BROKEN_START,   // something is wrong before the first step
	CHECK_UNDO_REFUSED,   // the undo that the procedure gives is never safe
	CHECK_UNDO_UNSAFE,    // the timeline there and back is worse than that of the way there
	CHECK_UNDO_STICKY,    // worse for readers that renew the NS set with every answer
	CHECK_UNDO_DIFFERS,   // the undo does not lead back to what was before the step
	CHECK_NO_APPROVAL,    // no way back, or insecure, and nobody approves
	CHECK_DS_WITHOUT_KEY, // a DS record whose key the delegated zone has not got
	CHECK_ALGORITHMS,     // keys of different algorithms
	CHECK_DIGESTS,        // DS records of different digest types
	CHECK_LARGE_DNSKEY,   // a DNSKEY answer becomes larger than one datagram everywhere
	CHECK_NO_CHANGE,      // a step changes nothing
	CHECK_FOREIGN_HAND,   // an operator changes what another operator serves
	CHECK_NO_UNDO,        // a published text that does not say how to go back
	CHECK_NO_DEADLINE,    // a published text that waits for a party for ever
	CHECK_NO_HEADROOM,    // a published text that does not ask how long signatures are valid
	CHECK_CODES,
};

enum check_severity { CHECK_NOTE, CHECK_WARNING, CHECK_ERROR };

struct check_finding {
	enum check_code code;
	enum check_severity severity;
	const struct procedure_step *step; // NULL where it concerns no single step
	const char *route;                 // label of the way through, "" for the main line
	// CHECK_EARLY: by how much too early with every change everywhere at once, and at worst. 0
	// at best means that only slow propagation shows it.
	int64_t short_best_ms, short_worst_ms;
	struct plan_record record; // CHECK_EARLY, CHECK_NEVER: what contradicts
	const char *text;          // a sentence or two
};

enum { CHECK_MAX_FINDINGS = 200 };

struct check_route {
	const struct procedure_route *route;
	bool ok;                               // as expected
	enum safety_word expect[SAFETY_PATHS]; // what the procedure says, or safe
	enum safety_word word[SAFETY_PATHS];   // the worst corner
	const char *witness[SAFETY_PATHS];     // in the worst corner; "" where safe
	int64_t insecure_ms;                   // longest of all corners
	int64_t shortest_ms, longest_ms; // from the first step to the last change seen everywhere
	size_t corners;
};

struct check_report {
	bool ok; // every route is as expected, and no finding is an error
	size_t route_count, finding_count;
	struct check_route *routes; // [0] is the main line
	struct check_finding *findings;
};

enum result check_procedure(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, struct check_report *report, struct error *err);

const char *check_code_text(enum check_code code);             // "early", "ds-without-key"
const char *check_severity_text(enum check_severity severity); // "error"
