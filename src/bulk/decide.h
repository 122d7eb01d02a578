// Which zones of a bulk may start or act now, why the others wait, and until when. PURE: from a
// state and an instant, nothing else.
//
//     struct bulk_turn *turns = arena_array(arena, zone_count, sizeof *turns);
//     struct bulk_decision dn = {.turns = turns};
//     bulk_decide(state, now_ms, &dn);
//     if (dn.turns[i].may) …               // start it, or let it have the effect that it wants
//
// What always holds, and tests/property/test_bulk.c shows it for states made at random:
//
//   * No zone of a wave starts before every zone of the waves before is over, and after the canary
//     not before the soak is.
//   * In no stretch of time of a lane's length are there more effects in it than its limit; nor
//     more zones in mid-change than it, or the whole bulk, allows.
//   * After a halt no zone starts, and none has an effect but to take something back.
//
// What goes first: taking back before going on, then the earlier wave, then who has waited longer,
// then the order of the file. All zones that may in one decision may together.
#pragma once

#include "bulk/state.h"

enum bulk_why {
	BULK_NO_REASON, // it may, or there is nothing that it wants
	BULK_HALTED,
	BULK_HELD,    // something went wrong with it
	BULK_WAVE,    // the wave before is not complete
	BULK_SOAK,    // the canary is still watched
	BULK_RATE,    // of `lane`
	BULK_ROOM,    // as many zones in mid-change as `lane` allows
	BULK_AT_ONCE, // as many in mid-change as the bulk allows
	BULK_WHYS,
};

struct bulk_turn {
	bool may;
	enum bulk_why why;
	uint16_t lane;
	int64_t until_ms; // when it may be different; TIME_NEVER_MS: with some event
};

struct bulk_decision {
	struct bulk_turn *turns; // the caller's, one for each zone
	size_t wave;             // the first one that is not complete; wave_count: all are
	int64_t next_ms;         // the earliest until_ms
	size_t waiting[BULK_WHYS];
	// Room for the work; the caller's, one for each zone and lane.
	uint32_t *order;
	struct bulk_lane_count {
		unsigned zones, effects;
	} * lanes;
};

// The arrays that a decision needs. RESULT_LIMIT.
enum result bulk_decision_new(struct arena *arena, const struct bulk_definition *definition,
        struct bulk_decision *decision, struct error *err);

void bulk_decide(const struct bulk_state *state, int64_t now_ms, struct bulk_decision *decision);
