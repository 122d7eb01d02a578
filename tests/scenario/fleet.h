// A whole bulk in a simulated world: many zones below test., each a simdns.h of its own, all served
// at the same three addresses; a definition and a template written for them, and the bulk, which a
// test can end at any instant.
//
//     struct fleet *f = fleet_new(&(struct fleet_options){.zones = 1000, .more = "canary: 5\n"});
//     fleet_run(f, 30 * DAY_MS);
//     assert_int_equal(f->end, BULK_COMPLETE);
//     fleet_free(f);
//
// The change is a short one: each operator publishes the other's ZSK, and the parent gets a second
// DS record: three effects, at three publishers.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bulk/bulk.h"
#include "simdns.h"

enum { FLEET_EFFECTS = 3 };

struct fleet_options {
	size_t zones;
	const char *more;      // lines of the bulk's definition; default: none
	const char *poll;      // default 1h
	const char *change;    // lines of the template; default: none
	const char *otherwise; // where the last step's deadline passes; default: ask
	uint64_t seed;
	bool end_at_halt;
};

struct fleet {
	struct fleet_options options;
	struct sim *sim;
	struct loop *loop;
	struct simdns **dns; // of each zone
	struct arena *arena;
	char folder[64], *path;
	const struct bulk_definition *definition;
	struct bulk *bulk;
	enum bulk_end end;
	struct error err;
	struct buffer log;
	unsigned said[BULK_SAID_END + 1], acts;
	unsigned queries;        // that reached a server
	unsigned queries_second; // the most in one second
	int64_t second, in_second;
	void (*on_act)(struct fleet *fleet, size_t zone, const char *step); // may be NULL
	unsigned end_after; // acts: ends the process then; 0: never
	void (*on_said)(struct fleet *fleet, enum change_said change); // may be NULL
	bool deaf;                                                     // no server hears anything
};

struct fleet *fleet_new(const struct fleet_options *options);
void fleet_free(struct fleet *fleet);
// Starts the bulk where it does not run, and runs it for so long or to its end.
void fleet_run(struct fleet *fleet, int64_t for_ms);
// Ends the process: nothing more is written.
void fleet_kill(struct fleet *fleet);
// What a person says, in the ledger.
void fleet_say(struct fleet *fleet, enum journal_kind kind, json_t *payload);

// How many updates changed something: at a publisher, in all zones.
unsigned fleet_changes(const struct fleet *fleet, int publisher);
// Zones in this phase.
size_t fleet_count(const struct fleet *fleet, enum bulk_phase phase);
const struct bulk_state *fleet_state(const struct fleet *fleet);
