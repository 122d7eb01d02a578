// What the tests of src/change share: a change whose world is made by hand. Two operators and a
// parent with two addresses each, whose answers a test sets; rounds of observation without a
// network; records as they would be in a journal.
//
//     struct bench *b = bench_new(NULL, NULL);          // operator-change, everything automatic
//     bench_begin(b);                                   // looked, keys known, begun
//     assert_move(b, "import-old-zsk", MOVE_ACT);
//     show_keys(b, GAINING, KB | ZB | ZA);
//     bench_look(b, 60);                                // a round, 60 seconds later
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "change/decide.h"
#include "change/replay.h"

enum { PARENT, GAINING, LOSING, PUBLISHERS }; // in the order of the procedure's parties
enum { PLACES = 2 };
enum { KA = 1, ZA = 2, KB = 4, ZB = 8, STRANGER = 16, KEYS = 5 }; // A is losing, B gaining
#define START_MS INT64_C(1800000000000)

struct cell {
	bool silent;
	unsigned ds, groups, keys, signers, data; // bits
	uint32_t ds_s, ns_s, dnskey_s, data_s;
	bool serving;
};

struct bench {
	struct arena *arena;
	const struct change_definition *definition;
	struct replay replay;
	struct world world; // of the last decision
	struct decision *decision;
	struct dns_key *key[KEYS];
	struct cell cell[PUBLISHERS][PLACES];
	char problem[200];                  // of the next rounds, where it is not empty
	enum observe_gap_kind problem_kind; // 0: a server that nobody knows
	size_t problem_count;               // so many of them; 0: one
	int64_t now_ms;
	int64_t ds_signed_until_ms; // 0: as all others
	bool endless;               // signatures do not run out
	int64_t look_ms;            // how far apart looks were
	bool has_world, acting, acting_undo;
	int acting_step;
};

extern const char usual_definition[];                 // for operator-change
char *procedure_text(const char *id, size_t *length); // of the library; to be freed

// NULL: the usual ones.
struct bench *bench_new(const char *procedure, const char *definition);
void bench_free(struct bench *b);
// Looks, finds the keys, and says that the change has begun.
void bench_begin(struct bench *b);
// Rounds until so many seconds after the one before, the last one then.
void bench_look(struct bench *b, int64_t after_s);
// A record; payload is JSON.
void bench_record(struct bench *b, enum journal_kind kind, const char *step, const char *payload);
void bench_intent(struct bench *b, const char *step, int publisher, const char *more);
void bench_result(struct bench *b, const char *step, const char *outcome);
void bench_seen(struct bench *b, const char *step);

void show_keys(struct bench *b, int publisher, unsigned keys);
void show_ns(struct bench *b, int publisher, unsigned groups);
void show_ds(struct bench *b, unsigned keys);
void show_serving(struct bench *b, int publisher, bool serving);

const struct decision *bench_decide(struct bench *b);
// The step's move of this kind; NULL where it has none.
const struct move *find_move(struct bench *b, const char *step, enum move_kind kind);
// There is such a move; it.
const struct move *assert_move(struct bench *b, const char *step, enum move_kind kind);
void assert_no_move(struct bench *b, const char *step, enum move_kind kind);
void assert_says(const struct move *move, const char *text);
