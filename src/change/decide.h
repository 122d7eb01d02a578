// What should happen next in a change, and why not yet. PURE: from the definition, its progress and
// a world, to one move for each step that is not over.
//
//     struct decision dn;
//     decide(&(struct decide_input){definition, &progress, &world, view}, &dn, err);
//     for (size_t i = 0; i < dn.count; i++)
//             if (dn.moves[i].kind == MOVE_ACT) …
//
// Only observation ends a step: MOVE_SEEN comes when every address shows its effect, and the
// declared lag for instances that nobody sees is over. At most one step whose effect is not
// everywhere yet is under way: what has been set in motion and is not seen cannot be judged
// together with something else. An attempt whose end is not known, or that was said to be done and
// shows nowhere, is repeated, after a pause that grows, where repeating it changes nothing more;
// where it would, somebody has to find out.
//
// A decision is plain memory; nothing to free.
#pragma once

#include "change/definition.h"
#include "change/progress.h"
#include "change/world.h"

enum move_kind {
	MOVE_WAIT,    // not safe yet, or not known to be: `text` says why, until_ms until when
	MOVE_APPROVE, // some party has to agree: `parties`
	MOVE_ASK,     // a person has to be told to act now
	MOVE_PERSON,  // a person was told, and has not said `done`
	MOVE_ACT,     // act now, for `publisher`; -1: by a command that nobody sees the effect of
	MOVE_OBSERVE, // acted; not seen everywhere yet
	MOVE_SEEN,    // everywhere: the effect at `publishers`; all of the step where is_all
	MOVE_SKIP,    // the deadline passed, and the procedure says to go on without it
	MOVE_BRANCH,  // the deadline passed, and the procedure says to follow `line`
	MOVE_STUCK,   // nothing will happen by itself: `text` says why and what to do
	MOVE_TURN,    // for the first time nothing but the party itself is waited for
	MOVE_NO_WAY_BACK, // what is to be undone cannot be; `text` says why
};

struct move {
	enum move_kind kind;
	int step; // index into procedure->steps
	bool undo;
	int publisher;       // ACT, ASK: whose records change
	uint32_t publishers; // SEEN: bits, of those whose part is everywhere
	bool is_all;
	uint32_t parties; // APPROVE: who is missing
	int line;
	int64_t until_ms;    // when something may be different; TIME_NEVER_MS where nobody knows
	int64_t deadline_ms; // of the party that acts; TIME_NEVER_MS: none
	bool has_window;
	struct safety_window window;
	struct safety_effect effect; // of the whole step, what is left of it
	char text[900];
};

enum { DECIDE_MAX_MOVES = 64 };

struct decision {
	size_t count;
	struct move moves[DECIDE_MAX_MOVES];
	bool is_finished; // no step is left
};

struct decide_input {
	const struct change_definition *definition;
	const struct progress *progress;
	const struct world *world;
	const struct observe_view *view;
	// How far apart looks were lately, where that is more than the definition's `poll`: many
	// zones are looked at in turn.
	int64_t look_ms;
	// An act of this process is under way: of which step.
	bool acting, acting_undo;
	int acting_step;
};

// RESULT_MEMORY; what cannot be decided is a move of kind STUCK or WAIT, not an error.
enum result decide(const struct decide_input *input, struct decision *decision, struct error *err);
