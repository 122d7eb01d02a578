// Private to src/change: the insides of an engine.
//
// engine.c begins, ends, observes and keeps the journal; engine_turn.c makes the moves that
// decide() finds; engine_act.c acts.
#pragma once

#include "act/act.h"
#include "change/engine.h"
#include "change/record.h"
#include "change/replay.h"
#include "observe/observe.h"
#include "technical/technical.h"

// What is under way with whoever acts; act NULL: nothing.
struct engine_act {
	struct act *act;
	struct arena *arena;
	int step;
	bool undo;
	bool ended; // it is freed outside of its own callback
	char attempt[DEED_ATTEMPT];
};

// The technical checks of a delegation to come; step -1: none were made.
struct engine_technical {
	struct technical_gather *gather; // NULL: none is under way
	bool ended;                      // it is freed outside of its own callback
	struct arena *arena, *tables;    // of this delegation; of the rules
	struct technical_rules rules;
	int step;
	bool judged, good;
	int64_t judged_ms;
	char failures[900], told[900];
};

enum { ENGINE_LOOKS = 5 };

struct change_engine {
	struct change_engine_options o;
	const struct change_definition *d;
	struct clock clock;
	struct query_engine *queries; // its own, or the host's
	struct observer *observer;
	struct loop_timer timer;
	struct replay now;                // what is known; the journal says the same
	struct observe_round *unrecorded; // the last round, where it says nothing new
	int64_t recorded_ms;              // end of the last round in the journal
	int64_t read_seq;                 // the journal is known up to here
	int64_t offset_ms;                // of the wall clock from the monotonic one
	struct engine_act acting;
	struct engine_technical technical;
	// An act ended while a round was running, which therefore says little about it.
	bool ended_since_round;
	int64_t looked_ms[ENGINE_LOOKS]; // when the last looks began, the newest first; 0: none
	int64_t next_ms;  // when something may be different; TIME_NEVER_MS: nobody knows
	int64_t early_ms; // for which such instant it looked last
	// What was said last of each step and kind of move, so that it is said once.
	char said[PROCEDURE_MAX_STEPS][2][80];
	// What the last verdict says that was recorded on each step while it waited, so that it is
	// recorded once.
	char judged[PROCEDURE_MAX_STEPS][80];
	char missing[4096];
	enum change_end end;
	struct error err;
};

void engine_say(struct change_engine *e, enum change_said what, int step, const char *text);
void engine_reach(struct change_engine *e, enum change_point point, int step);
void engine_stop(struct change_engine *e, enum change_end end);
void engine_fail(struct change_engine *e); // because of e->err

// Writes a record and learns from it what a restarted engine would. Takes the payload over; NULL is
// a failure, too. false: the engine has failed.
bool engine_note(struct change_engine *e, enum journal_kind kind, int step, json_t *payload);
// Before anything leans on what was seen, what was seen is on the disk.
bool engine_flush(struct change_engine *e);
// What people have said since.
bool engine_listen(struct change_engine *e);

// Moves, until there is nothing more to do now.
void engine_turn(struct change_engine *e);
// Shows what was seen after the end.
void engine_show(struct change_engine *e);

// Whether nothing speaks against asking the parent for what the move is about: it is not about the
// delegation, or the delegation to come has just passed the technical checks. Where it is not known
// yet it is found out, and there will be another turn.
bool engine_technical_good(
        struct change_engine *e, const struct world *world, const struct move *move);
void engine_technical_free(struct change_engine *e);

// Hands the part of the move's publisher to its way to act.
void engine_act_now(struct change_engine *e, const struct world *world, const struct move *move);
void engine_act_over(struct change_engine *e);
