// Where a bulk stands: the fold of its own journal, the ledger, and nothing else. PURE.
//
// Everything that counts for who may go on is in the ledger before it happens: that a zone starts,
// that it has leave for an effect, that it is over, what went wrong, and what people said. So a
// killed and restarted bulk knows exactly as much as one that was never killed; how far each zone
// is, its own journal says.
//
//     struct bulk_state *s;
//     bulk_state_new(arena, definition, &s, err);
//     journal_iterate(ledger, …);              // bulk_state_apply() for each record
//     bulk_decide(s, now_ms, decision);        // decide.h
//
// Times are kept twice: `_wall_ms` for people, and `_ms` on the monotonic clock of the process, by
// which rates and pauses are counted, so that a clock that is set does no harm.
//
// A state lives in an arena. Records in the ledger: their `step` is the name of the zone, "" where
// it is about the whole bulk; written by the process that runs it (JOURNAL_STATE), or by people
// beside it: resume (JOURNAL_APPROVAL), undo (JOURNAL_UNDO) and halt (JOURNAL_NOTE).
#pragma once

#include <jansson.h>

#include "bulk/definition.h"
#include "journal/record.h"

enum bulk_phase {
	BULK_TO_COME,
	BULK_STARTED,  // in its preflight, or in mid-change
	BULK_FINISHED, // its change is finished
	BULK_UNDONE,   // what a person wanted undone is undone
	BULK_ASIDE,    // set aside: nothing of it has happened, and nothing will
	BULK_PHASES,
};

// An effect that is safe now, and waits for leave.
struct bulk_wish {
	bool is_set;
	bool back;       // it takes something back
	uint32_t limits; // bits over the limits that it counts for
	int64_t since_ms;
};

enum { BULK_KEY = 100, BULK_TEXT = 300 };

struct bulk_zone_state {
	enum bulk_phase phase;
	bool begun;       // it has passed its preflight
	bool held;        // something went wrong, and nobody has said to go on
	bool undo_wanted; // and the zone's own journal does not say so yet
	bool undoing;
	unsigned effects;      // it had leave for
	int64_t started_ms;    // the last time
	int64_t phase_wall_ms; // since when it is in its phase
	int64_t step_wall_ms;  // when it had leave for `step`
	char step[65];         // the last one that it had leave for; ""
	char key[BULK_KEY];    // what is wrong, for comparison; "": nothing
	char text[BULK_TEXT];  // the same for people, or why it was set aside
	struct bulk_wish wish; // set by the process that runs it, not by the ledger
};

// The last effects in a lane, as many as its limit counts.
struct bulk_lane_state {
	size_t count, next;
	int64_t *times_ms;
};

struct bulk_state {
	const struct bulk_definition *definition;
	struct bulk_zone_state *zones;
	struct bulk_lane_state *lanes;
	bool is_created;
	char digest[65]; // of the zones and waves that it began with
	bool halted;
	char halted_by[DNS_NAME_TEXT]; // a zone; "" where a person did
	char halted_text[BULK_TEXT];
	int64_t halted_wall_ms, created_wall_ms;
	unsigned anomalies, new_anomalies; // in all, and since somebody said to go on
	unsigned resumes;                  // how often somebody said so
	int64_t canary_over_ms;            // TIME_NEVER_MS: not yet
};

// RESULT_LIMIT where the arena is too small.
enum result bulk_state_new(struct arena *arena, const struct bulk_definition *definition,
        struct bulk_state **state, struct error *err);

// One record more. Zones and states that mean nothing here are passed over; RESULT_CORRUPT where a
// record does not say what it has to.
enum result bulk_state_apply(struct bulk_state *state, enum journal_kind kind, const char *zone,
        int64_t wall_ms, int64_t at_ms, const json_t *payload, struct error *err);

// Its change is over, or there is none.
bool bulk_phase_is_over(enum bulk_phase phase);

// Until when the canary is watched, in ms on the monotonic clock: TIME_EVER_MS where there is no
// canary, TIME_NEVER_MS where it is not over yet.
int64_t bulk_state_soaked_ms(const struct bulk_state *state);
