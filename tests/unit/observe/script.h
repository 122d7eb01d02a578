// Scripted observation for the tests of views: a small world of addresses, each showing something
// of each kind, and a tick that looks at all of them.
//
//     struct script *s = script_new();                  // parent: 1 address; A: 3; B: 1
//     script_past(s);                                   // everything as before, for long
//     tick(s, 10);                                      // a round 10 seconds after the start
//     show_keys(s, A1, KA | ZA | ZB, KA, 300);
//     tick(s, 20);
//     expect(s, "A dnskey", "A dnskey {Ka Za} by {Ka} 300s ever..19990\n…");
//     script_free(s);
//
// Each round is asked 10 ms before it is answered. Every tick feeds three views: one directly, one
// through JSON, one with only the first and last of a run of equal rounds; their histories have to
// be equal to the last bit.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "observe/view.h"

#define START_MS INT64_C(1800000000000)

enum place { P1, A1, A2, A3, B1, PLACES };
enum { PARENT, A, B };
enum { KA = 1, ZA = 2, KB = 4, ZB = 8 };

struct cell {
	enum observe_state state;
	size_t count;
	struct observe_content content[4];
};

struct script {
	struct observe_subject *subject;
	struct observe_view *view, *by_json, *thinned;
	struct observe_round *last, *pending; // fed last; not yet fed to `thinned`
	struct cell cell[PLACES][SAFETY_KINDS];
	struct dns_ds ds[4];        // of KA, ZA, KB, ZB
	struct observe_gap problem; // of the next rounds, where text is not empty
	int64_t mono_ms, wall_ms;
	bool fold_off; // rounds are fed as they were seen
	bool restarts; // what is folded with comes out of the journal each time
	int recorded;  // rounds that were not the same as the one before
};

struct script *script_new(void);
// The same with a past that is declared, so that only what is seen counts.
struct script *script_new_with_past(void);
void script_free(struct script *s);
// Makes the views again, after the subject was changed.
void script_restart(struct script *s);

// Times are seconds after START_MS.
void tick(struct script *s, int64_t at_s);
// The wall clock says another time than the monotonic one.
void tick_set(struct script *s, int64_t at_s, int64_t wall_s);

// What addresses show from now on; TTL in seconds, keys as bits KA…. Signatures run from the start
// of the script minus one day to 30 days later.
void show_ds(struct script *s, unsigned keys, uint32_t ttl_s);
void show_ns(struct script *s, enum place place, unsigned groups, uint32_t ttl_s);
void show_keys(struct script *s, enum place place, unsigned keys, unsigned signers, uint32_t ttl_s);
void show_data(struct script *s, enum place place, unsigned keys, uint32_t ttl_s);
void show_more_data(struct script *s, enum place place, unsigned keys, uint32_t ttl_s);
void show_serving(struct script *s, enum place place, bool serving);
// The signatures of what the place shows: seconds after START_MS.
void sign(
        struct script *s, enum place place, enum safety_kind kind, int64_t from_s, int64_t until_s);
void silence(struct script *s, enum place place);
void answer(struct script *s, enum place place); // again, with what it showed
// Answers, and shows nothing (it does not serve the zone).
void refuse(struct script *s, enum place place);

// The editions whose line begins with prefix, as lines "A dnskey {Ka Za} by {Ka} 300s
// ever..19.990"; instants in seconds after START_MS.
void expect(struct script *s, const char *prefix, const char *lines);
// The same with the signatures' window: " signed -86400..2592000".
void expect_signed(struct script *s, const char *prefix, const char *lines);
struct address place_address(enum place place);
// Whether there is a gap of this kind; NULL where not.
const struct observe_gap *gap_find(struct script *s, enum observe_gap_kind kind);
bool is_blocked(struct script *s, int64_t at_s);
