// Runs one change for very many zones, in one process and on one event loop: canary, waves, rates,
// and a halt at the first anomaly.
//
//     struct bulk_options o = {.loop = loop, .random = random_system(), .definition = definition,
//             .said = print_line, .turned = redraw, .ctx = &page};
//     struct bulk *bulk;
//     bulk_new(&o, &bulk, err);                       // reads the ledger: goes on where it was
//     while (bulk_end(bulk, err) == BULK_RUNNING && loop_run(loop, TIME_NEVER_MS) != LOOP_STOPPED)
//             ;
//     bulk_free(bulk);
//
// Every zone has a change engine (change/engine.h) and a journal of its own, as if it were alone;
// what is said there about evidence, crashes and restarts holds for each of them. The bulk adds two
// questions to an engine, which it asks before it goes on:
//
//   * May it look? Looks are spread, so that no address gets more queries than its rate, and all of
//     them together no more than theirs (pace.h).
//   * May it have this effect? By the wave, the rates of whoever acts and of whoever's records
//     change, and whether anything has gone wrong (decide.h). The leave is in the ledger (ledger.h)
//     before the zone's journal has the intent: killed in between, a leave is lost, and no effect
//     comes twice.
//
// A halt stops no engine: zones in mid-change hold, are looked at, and what was set in motion is
// seen to its end, but nothing new begins until somebody says to go on (`baton bulk resume`), or to
// take the changes back (`baton bulk undo`). Both come through the ledger.
//
// A zone costs memory only while it is in mid-change, or watched after the canary. Errors: those of
// the definition and of the ledger; a journal that cannot be written ends the run, because without
// it nothing may happen. Memory: the bulk owns what it makes; loop and definition outlive it.
#pragma once

#include "bulk/decide.h"
#include "change/engine.h"

struct bulk;

enum bulk_end {
	BULK_RUNNING,
	BULK_COMPLETE, // the change of every zone is over, one way or another
	BULK_STOPPED,  // halted, and either nobody is in mid-change, or it was to end then
	BULK_FAILED,   // it cannot go on (journal, memory); see the error
};

enum bulk_said {
	BULK_SAID_STARTS,
	BULK_SAID_FINISHED,
	BULK_SAID_UNDONE,
	BULK_SAID_ASIDE,
	BULK_SAID_ANOMALY,
	BULK_SAID_HALTED,
	BULK_SAID_RESUMED,
	BULK_SAID_WAVE,   // a wave is complete
	BULK_SAID_CHANGE, // what the change of a zone says
	BULK_SAID_END,
};

// How a zone in mid-change stood after its last turn.
struct bulk_row {
	bool is_there;
	const struct change_definition *definition;
	int step;              // what is next; -1: it is in its preflight
	enum move_kind kind;   // of the move that says so
	uint32_t parties;      // APPROVE: who is missing
	int64_t until_wall_ms; // TIME_NEVER_MS: nobody knows
	char text[BULK_TEXT];
};

// Valid during the callback.
struct bulk_view {
	const struct bulk_state *state;
	const struct bulk_decision *decision;
	const struct bulk_row *rows; // one for each zone; NULL where nobody runs it here
	int64_t wall_ms, now_ms;     // of the clock on the wall, and of the loop
	size_t looks_waiting;        // zones whose look waits for its turn
	struct query_stats queries;
};

struct bulk_options {
	struct loop *loop;
	struct random random;
	const struct bulk_definition *definition;
	bool end_at_halt;  // do not wait for somebody
	int64_t listen_ms; // how often it looks for what people said; 0: every 2 s
	void (*said)(void *ctx, enum bulk_said what, const char *zone, enum change_said change,
	        const char *step, const char *text);             // may be NULL
	void (*turned)(void *ctx, const struct bulk_view *view); // may be NULL
	void *ctx;
};

// RESULT_CONFLICT where another program runs the bulk, or it has begun with other zones.
enum result bulk_new(const struct bulk_options *options, struct bulk **bulk, struct error *err);
void bulk_free(struct bulk *bulk);
enum bulk_end bulk_end(const struct bulk *bulk, struct error *err);
// As it stands now, for a page that is drawn by the clock.
struct bulk_view bulk_view(const struct bulk *bulk);
