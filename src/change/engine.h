// Runs a change: observe → verdict → act or ask → observe the effect on every address → next.
//
//     struct change_engine_options o = {.loop = loop, .random = random_system(),
//             .journal = journal, .definition = definition, .said = print_line,
//             .turned = redraw, .ctx = &screen};
//     struct change_engine *engine;
//     change_engine_new(&o, &engine, err);       // reads the journal: goes on where it was
//     loop_run(loop, TIME_NEVER_MS);             // until the change ends, or loop_stop
//     enum change_end end = change_engine_end(engine, err);
//     change_engine_free(engine);
//
// The journal is the engine's only memory. An intent is on the disk before anything is sent; what
// came back is recorded as what was said, never as what is so; a step is over when every address
// shows its effect. After a crash at any instant the journal holds an intent without an end: the
// engine looks at the DNS, and where nothing shows, repeats what may be repeated, or asks.
//
// It looks every `poll` of the definition, and whenever a wait is over. Rounds of observation that
// say the same are not all kept: of a run of them the first, the last, and one in each half of the
// longest time that a view bridges, so that the journal stays small while nothing changes and a
// restarted engine still knows what it saw.
//
// Everything runs on the loop given, real or simulated. Memory: the engine owns what it makes;
// loop, journal and definition outlive it.
#pragma once

#include "change/decide.h"
#include "journal/journal.h"
#include "net/loop.h"
#include "net/query.h"

struct change_engine;

enum change_end {
	CHANGE_RUNNING,
	CHANGE_FINISHED, // every step is over
	CHANGE_UNDONE,   // what a party wanted undone is undone
	CHANGE_FAILED,   // the engine itself cannot go on (journal, memory); see the error
};

enum change_said {
	CHANGE_SAID_PREFLIGHT, // something is missing before the first step
	CHANGE_SAID_BEGUN,
	CHANGE_SAID_WAIT,
	CHANGE_SAID_SAFE, // what may happen now, right before it does
	CHANGE_SAID_ACT,
	CHANGE_SAID_REPLY,
	CHANGE_SAID_SEEN,
	CHANGE_SAID_ASK,
	CHANGE_SAID_STUCK,
	CHANGE_SAID_TURN, // skipped, branched, undone
	CHANGE_SAID_END,
};

// What the engine shows after each turn. Valid during the callback.
struct change_view {
	const struct change_definition *definition;
	const struct progress *progress;
	const struct world *world;       // NULL before the first round
	const struct decision *decision; // NULL before the change has begun
	const struct observe_view *view;
	bool acting;
	const char *missing; // what preflight misses; ""
	const char *failing; // what the delegation to come fails of the technical checks; ""
};

// Where a test may end the process, by leaving the callback with longjmp(); nothing else uses it.
enum change_point {
	CHANGE_POINT_VERDICT,  // safe; nothing is written yet
	CHANGE_POINT_INTENDED, // the intent is on the disk, nothing is sent
	CHANGE_POINT_SENT,     // sent; that is not recorded yet
	CHANGE_POINT_WAITING,  // recorded as sent
	CHANGE_POINT_REPLIED,  // an answer came; nothing of it is recorded
	CHANGE_POINT_ENDED,    // the result is on the disk
	CHANGE_POINT_SEEN,     // seen everywhere; not recorded yet
	CHANGE_POINTS,
};

// What several changes in one process share, and who says when each of them may go on (src/bulk). A
// change alone has none. Called from the loop; must not free the engine.
struct change_host {
	struct query_engine *queries; // instead of one of its own
	// Whether it may observe now. Where not, the host calls change_engine_look() later.
	bool (*may_look)(void *ctx);
	// Whether it may do this: a move of kind ACT, ASK, SKIP or BRANCH; `asked` false: it will
	// be asked for right after (until then nobody's deadline counts). What is refused is
	// decided anew, and asked for again, at every look.
	bool (*may_make)(void *ctx, const struct move *move, bool asked);
	// Instead of loop_stop(): the change is over, or failed.
	void (*ended)(void *ctx);
	void *ctx;
};

struct change_engine_options {
	struct loop *loop;
	struct random random;
	struct journal *journal;
	const struct change_definition *definition;
	struct query_limits limits;     // of the queries that observe
	const struct change_host *host; // NULL: the change is alone
	void (*said)(void *ctx, enum change_said what, const char *step,
	        const char *text);                                             // may be NULL
	void (*turned)(void *ctx, const struct change_view *view);             // may be NULL
	void (*reached)(void *ctx, enum change_point point, const char *step); // may be NULL
	void *ctx;
};

// Creates the change in an empty journal, or goes on with the one that is there. RESULT_CONFLICT
// where the journal has another change, or the definition or its procedure is not what the change
// began with; RESULT_NOT_FOUND where a key file or a program that it names is not there.
enum result change_engine_new(const struct change_engine_options *options,
        struct change_engine **engine, struct error *err);
void change_engine_free(struct change_engine *engine);
// Observes now, without asking the host. After the end of the change, too: what is seen is recorded
// and shown, and nothing is done.
void change_engine_look(struct change_engine *engine);
enum change_end change_engine_end(const struct change_engine *engine, struct error *err);
