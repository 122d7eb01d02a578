// From the records of a journal back to everything that a running change knows: its definition,
// progress, keys, and the view of what was observed. The engine goes on from it; a verifier
// re-judges with it.
//
//     struct replay r;
//     if (replay_init(&r, err) != RESULT_OK) …
//     …replay_apply(&r, kind, step, time_ms, payload, err) for each record of the change, in order…
//     change_world_at(r.definition, r.view, r.keys, now_ms, &world, err);
//     replay_free(&r);
#pragma once

#include "change/progress.h"
#include "change/world.h"

struct replay {
	struct arena *arena;
	const struct change_definition *definition; // NULL before the change was created
	struct observe_subject *subject;
	struct observe_view *view;
	struct observe_round *last_round; // the last one that was fed; NULL: none
	json_t *keys;                     // NULL until they are bound
	struct progress progress;
};

// RESULT_MEMORY.
enum result replay_init(struct replay *replay, struct error *err);
void replay_free(struct replay *replay);

// A change that begins: from a definition that was loaded, before its record is written.
enum result replay_begin(
        struct replay *replay, const struct change_definition *definition, struct error *err);

// RESULT_CORRUPT where a record does not say what it has to.
enum result replay_apply(struct replay *replay, enum journal_kind kind, const char *step,
        int64_t time_ms, const json_t *payload, struct error *err);

// Takes a round over and feeds it to the view.
enum result replay_round(struct replay *replay, struct observe_round *round, struct error *err);
