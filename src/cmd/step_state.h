// How a step stands, in a word or three: for `baton status` and the table of `baton run`.
#pragma once

#include "change/decide.h"

struct step_state {
	const char *word;        // "done", "waits"; "" where it is still to come
	const struct move *move; // what is next for it; NULL: nothing yet, or nothing more
};

// decision may be NULL. running: somebody runs the change, so that what is safe is being done.
struct step_state step_state_of(
        const struct progress *progress, const struct decision *decision, int step, bool running);

// The word of a move alone.
const char *step_state_word(enum move_kind kind, bool running);
