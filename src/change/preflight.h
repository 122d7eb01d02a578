// What a procedure requires before its first step, checked against what is observed. PURE.
#pragma once

#include "base/buffer.h"
#include "change/world.h"

struct preflight_input {
	const struct change_definition *definition;
	const struct observe_view *view;
	const struct observe_round *round; // the last one, for CDS and CDNSKEY
	const struct world *world;
};

// Adds one sentence for each requirement that is not met, each ended by a line end; nothing where
// the change may begin; where the buffer's maximum does not hold all of them, the first ones and
// "and N more". RESULT_MEMORY.
enum result change_preflight(
        const struct preflight_input *input, struct buffer *missing, struct error *err);
