// Private to src/bulk: the insides of a running bulk.
//
// bulk.c goes from what the ledger says to what happens next; bulk_member.c is one zone of it, with
// its engine.
#pragma once

#include "bulk/anomaly.h"
#include "bulk/bulk.h"
#include "bulk/ledger.h"
#include "bulk/pace.h"

// A zone that has an engine.
struct member {
	struct bulk *bulk;
	size_t zone;
	struct arena *arena;
	const struct change_definition *definition;
	struct journal *journal;
	struct change_engine *engine;
	struct change_host host;
	struct bulk_load load;
	struct loop_timer watch; // looks after the end, while the canary is watched
	bool asked;              // it asked for leave in this turn
	bool woken;              // it may have what it wants, and is to look
	bool ended;              // its engine is to be freed, or watched, outside of its callback
	bool watched;
	bool looking; // in the queue
	struct member *next_look;
	struct member *next, *previous;
};

struct bulk {
	struct bulk_options o;
	const struct bulk_definition *d;
	struct arena *arena;
	struct clock clock;
	struct bulk_state *state;
	struct bulk_decision decision;
	struct bulk_ledger *ledger;
	struct query_engine *queries;
	struct bulk_pace *pace;
	struct bulk_row *rows;
	struct member **members; // by zone; NULL: it has no engine
	struct member *first;    // all that are there
	size_t member_count;
	struct member *look_first, **look_end; // the queue
	size_t looks_waiting;
	struct loop_timer turn, looks, listen;
	size_t wave_said; // waves up to here were said to be complete
	bool was_halted;
	unsigned resumes; // that are known
	enum bulk_end end;
	struct error err;
};

void bulk_say(struct bulk *b, enum bulk_said what, size_t zone, const char *text);
void bulk_fail(struct bulk *b); // because of b->err
// On the disk and in the state; false: the bulk has failed.
bool bulk_note(struct bulk *b, const char *word, size_t zone, json_t *more);
void bulk_turn_soon(struct bulk *b);

// Begins, or goes on with, the change of a zone.
void member_open(struct bulk *b, size_t zone);
void member_close(struct member *m);
// What is left to do outside of the engine's callbacks, after its end.
void member_settle(struct member *m);
// Has its change taken back.
void member_undo(struct bulk *b, size_t zone);
// No longer watched.
void member_unwatch(struct member *m);

// Whether the change of this zone, once finished, is still watched, as one of the canary.
bool bulk_is_soaking(const struct bulk *b, size_t zone);
// It looks as soon as the pace allows it; first: before the others.
void bulk_look_add(struct bulk *b, struct member *m, bool first);
void bulk_look_drop(struct bulk *b, struct member *m);
