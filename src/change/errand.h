// From the part of an effect that one publisher is to bring about, to a request that a way to act
// can take.
#pragma once

#include "act/act.h"
#include "change/definition.h"
#include "change/world.h"

struct errand {
	struct act_request request;
	bool by_update; // all of it is record sets, so that a dynamic update can do it
};

// The records of the request live in the arena; request.facts is a reference to be json_decref()ed.
// RESULT_NOT_FOUND where records are wanted whose text nobody knows (a DS record of an unknown
// key), RESULT_LIMIT, RESULT_MEMORY.
enum result change_errand(struct arena *arena, const struct change_definition *definition,
        const struct procedure_step *step, bool undo, const struct world *world,
        const struct observe_view *view, const struct safety_effect *effect, int publisher,
        struct errand *errand, struct error *err);

// Whether a part of the effect at this publisher is something that no dynamic update can express.
bool change_errand_needs_command(
        const struct safety_history *history, const struct safety_effect *effect, int publisher);
