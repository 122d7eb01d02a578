// Verdicts: how long a zone can be seen as insecure is counted once, however many records say so.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "safety/timeline.h"

#define H HOUR_MS

static const char zone[] =
        "timeline: t\n"
        "ttl: {ds: 24h, ds-none: 10h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "lag: {parent: 2h, child: 2h}\n"
        "start:\n"
        "  parent: {ds: [K1], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [K1, Z], dnskey-signers: [K1], data-signers: [Z]}\n"
        "events:\n";

static struct safety_verdict verdict_of(const char *events)
{
	struct arena *arena = arena_new(1 << 20);
	struct timeline tl;
	struct safety_verdict v;
	struct error err = {0};
	char *text = arena_printf(arena, "%s%s", zone, events);
	if (timeline_parse(arena, "t", text, strlen(text), &tl, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v), RESULT_OK);
	timeline_free(&tl);
	arena_free(arena);
	return v;
}

static void insecure_time_is_that_of_the_empty_ds_set(void **state)
{
	(void)state;
	// Served from 0h to 30h and 2h longer somewhere, held 10h after that.
	struct safety_verdict v =
	        verdict_of("- {at: 0h, parent: {ds: []}}\n- {at: 30h, parent: {ds: [K1]}}\n");
	assert_int_equal(v.path[SAFETY_DIRECT].insecure_ms, (30 + 2 + 10) * H);
	assert_int_equal(v.path[SAFETY_FORWARDER].insecure_ms, (30 + 2 + 10) * H);
}

// Five empty editions, each overlapping the next, but met in an order in which two that lie apart
// come one after the other: the history is what was observed, in any order.
static void overlaps_count_once(void **state)
{
	(void)state;
	struct safety_history h;
	struct safety_verdict v;
	static const int from_h[] = {10, 200, 30, 210, 20};
	safety_history_init(&h);
	int a = safety_group_add(&h, "A", 0), k = safety_key_add(&h, "K", 13);
	int d = safety_ds_add(&h, k, 2);
	struct safety_edition always = {.from_ms = TIME_EVER_MS,
	        .until_ms = TIME_NEVER_MS,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = TIME_NEVER_MS,
	        .ttl_s = 3600,
	        .publisher = (uint8_t)a};
	struct safety_edition e = always;
	e.publisher = 0;
	e.kind = SAFETY_DS;
	e.content = UINT64_C(1) << d;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	for (size_t i = 0; i < sizeof from_h / sizeof *from_h; i++) {
		e.content = 0;
		e.from_ms = from_h[i] * H;
		e.until_ms = e.from_ms + 15 * H;
		e.signed_until_ms = 1000 * H + (int64_t)i;
		assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	}
	e = always;
	e.kind = SAFETY_NS;
	e.content = UINT64_C(1) << a;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	e.publisher = 0;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	e = always;
	e.kind = SAFETY_DNSKEY;
	e.content = e.signers = UINT64_C(1) << k;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	e.kind = SAFETY_DATA;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	e.kind = SAFETY_SERVING;
	e.content = 1;
	assert_int_equal(safety_observe(&h, &e), RESULT_OK);
	assert_int_equal(safety_judge(&h, &safety_all_readers, 0, 900 * H, &v), RESULT_OK);
	// 10h to 45h and 200h to 225h, and the TTL of an hour after each.
	for (int path = 0; path < SAFETY_PATHS; path++) {
		assert_int_equal(v.path[path].word, SAFETY_INSECURE);
		assert_int_equal(v.path[path].insecure_ms, (35 + 1 + 25 + 1) * H);
	}
	// Of what is outside the judged stretch nothing counts.
	assert_int_equal(safety_judge(&h, &safety_all_readers, 40 * H, 205 * H, &v), RESULT_OK);
	assert_int_equal(v.path[SAFETY_DIRECT].insecure_ms, (6 + 5) * H);
	safety_history_free(&h);
}

// Insecure three times, in editions that join and do not.
static void gaps_do_not_count(void **state)
{
	(void)state;
	struct safety_verdict v =
	        verdict_of("- {at: 0h, parent: {ds: []}}\n"
	                   "- {at: 10h, parent: {ds: [K1]}}\n"
	                   "- {at: 100h, parent: {ds: []}}\n"
	                   "- {at: 110h, parent: {ds: [], signatures-until: 900h}}\n"
	                   "- {at: 120h, parent: {ds: [K1]}}\n"
	                   "- {at: 125h, parent: {ds: []}}\n"
	                   "- {at: 126h, parent: {ds: [K1]}}\n");
	// 0h to 22h, 100h to 132h, 125h to 138h.
	for (int path = 0; path < SAFETY_PATHS; path++)
		assert_int_equal(v.path[path].insecure_ms, (22 + 38) * H);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(insecure_time_is_that_of_the_empty_ds_set),
	        cmocka_unit_test(overlaps_count_once),
	        cmocka_unit_test(gaps_do_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
