// From when on is an effect safe? Every expected instant is a sum worked out by hand.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "safety/timeline.h"

#define H HOUR_MS

static const char operators[] =
        "timeline: t\n"
        "ttl: {ds: 24h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "lag: {parent: 6h, child: 6h}\n"
        "start:\n"
        "  parent: {ds: [Ka], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [Ka, Za], dnskey-signers: [Ka], data-signers: [Za]}\n"
        "  B: {ns: [B], dnskey: [Kb, Zb, Za], dnskey-signers: [Kb], data-signers: [Zb]}\n";

static const char one_operator[] =
        "timeline: t\n"
        "ttl: {ds: 24h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "lag: {parent: 6h, child: 6h}\n"
        "start:\n"
        "  parent: {ds: [K1], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [K1, Z], dnskey-signers: [K1], data-signers: [Z]}\n";

// The history of `start` and events, and the last event (marked "effect") taken as the effect.
static struct safety_window window_of(const char *start, const char *events, const char *effect,
        int64_t now_ms, struct safety_history *after)
{
	struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	struct timeline before, with;
	char *text = arena_printf(
	        arena, "%sevents:%s\n%s", start, events[0] == '\0' ? " []" : "", events);
	assert_int_equal(timeline_parse(arena, "t", text, strlen(text), &before, &err), RESULT_OK);
	text = arena_printf(arena, "%sevents:\n%s- {at: 9999h, %s}\n", start, events, effect);
	if (timeline_parse(arena, "t", text, strlen(text), &with, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	// Keys of the effect may be new to the history.
	memcpy(&before.history.key_algorithm, &with.history.key_algorithm,
	        sizeof before.history.key_algorithm);
	memcpy(&before.history.ds_key, &with.history.ds_key, sizeof before.history.ds_key);
	memcpy(&before.history.ds_digest, &with.history.ds_digest, sizeof before.history.ds_digest);
	before.history.keys = with.history.keys;
	before.history.ds = with.history.ds;
	struct safety_effect e = {0};
	for (int i = 0; i < with.history.count; i++) {
		const struct safety_edition *n = &with.history.editions[i];
		if (n->from_ms == 9999 * H)
			e.changes[e.count++] = (struct safety_change){.publisher = n->publisher,
			        .kind = n->kind,
			        .content = n->content,
			        .signers = n->signers,
			        .ttl_s = n->ttl_s,
			        .signed_from_ms = n->signed_from_ms,
			        .signed_until_ms = n->signed_until_ms};
	}
	struct safety_window w;
	assert_int_equal(
	        safety_earliest(&before.history, &e, &with.readers, now_ms, &w, after), RESULT_OK);
	bool now = safety_is_safe_now(&before.history, &e, &with.readers, now_ms, NULL);
	assert_int_equal(now, w.possible && !w.waits);
	timeline_free(&before);
	timeline_free(&with);
	arena_free(arena);
	return w;
}

static void expect_from(struct safety_window w, int64_t from_ms)
{
	assert_true(w.possible);
	assert_int_equal(w.from_ms, from_ms);
}

static void ns_moves_when_the_dnskey_set_without_the_new_zsk_is_gone(void **state)
{
	(void)state;
	struct safety_window w = window_of(operators,
	        "- {at: 0h, A: {dnskey: [Ka, Za, Zb]}}\n- {at: 0h, parent: {ds: [Ka, Kb]}}\n",
	        "parent: {ns: [B]}", 0, NULL);
	expect_from(w, (6 + 48) * H);
	assert_true(w.waits);
	assert_int_equal(w.until_ms, TIME_NEVER_MS);
}

static void old_ds_goes_after_both_ns_ttls_and_the_dnskey_ttl(void **state)
{
	(void)state;
	struct safety_window w = window_of(operators,
	        "- {at: 0h, A: {dnskey: [Ka, Za, Zb]}}\n- {at: 0h, parent: {ds: [Ka, Kb]}}\n- {at: "
	        "60h, parent: {ns: [B]}}\n",
	        "parent: {ds: [Kb]}", 60 * H, NULL);
	expect_from(w, (60 + 6 + 48 + 24 + 48) * H);
}

static void old_zsk_goes_after_the_data_ttl(void **state)
{
	(void)state;
	struct safety_window w = window_of(operators,
	        "- {at: 0h, A: {dnskey: [Ka, Za, Zb]}}\n- {at: 0h, parent: {ds: [Ka, Kb]}}\n- {at: "
	        "60h, parent: {ns: [B]}}\n",
	        "B: {dnskey: [Kb, Zb]}", 60 * H, NULL);
	expect_from(w, (60 + 6 + 48 + 24 + 72) * H);
}

static void losing_servers_stop_after_both_ns_ttls(void **state)
{
	(void)state;
	struct safety_window w = window_of(operators,
	        "- {at: 0h, A: {dnskey: [Ka, Za, Zb]}}\n- {at: 0h, parent: {ds: [Ka, Kb]}}\n- {at: "
	        "60h, parent: {ns: [B]}}\n",
	        "A: {serving: false}", 60 * H, NULL);
	expect_from(w, (60 + 6 + 48 + 24) * H);
	assert_int_equal(w.cause.rule, SAFETY_RULE_UNREACHABLE);
}

static void going_insecure_takes_ds_and_dnskey_ttl(void **state)
{
	(void)state;
	struct safety_window w = window_of(
	        operators, "- {at: 0h, parent: {ds: []}}\n", "parent: {ns: [B]}", 0, NULL);
	expect_from(w, (6 + 24 + 48) * H);
}

static void deleting_the_ds_is_safe_and_says_insecure(void **state)
{
	(void)state;
	struct safety_window w = window_of(one_operator, "", "parent: {ds: []}", 0, NULL);
	expect_from(w, 0);
	assert_true(w.insecure);
}

static void ds_swap_without_the_new_key_is_never_safe(void **state)
{
	(void)state;
	struct safety_history after;
	struct safety_window w = window_of(one_operator, "", "parent: {ds: [K2]}", 0, &after);
	assert_false(w.possible);
	assert_int_equal(w.cause.rule, SAFETY_RULE_CHAIN);
	safety_history_free(&after);
}

static void the_cause_is_the_record_that_makes_it_wait(void **state)
{
	(void)state;
	struct safety_history after;
	struct safety_window w = window_of(one_operator,
	        "- {at: 0h, A: {dnskey: [K1, K2, Z], dnskey-signers: [K1, K2]}}\n",
	        "parent: {ds: [K2]}", H, &after);
	expect_from(w, 54 * H);
	struct buffer text = buffer_init(4096);
	safety_fault_text(&after, &w.cause, SAFETY_TIME_RELATIVE, &text);
	assert_string_equal(buffer_text(&text),
	        "A cache without validation that fetched the DNSKEY set (K1, Z; signed by K1) from "
	        "A, as late as just before "
	        "6h, may use it until 2d6h; from 2d5h59m59s999ms parent serves the DS set (for "
	        "K2), which does not lead to "
	        "that DNSKEY set.");
	buffer_free(&text);
	safety_history_free(&after);
}

static void what_is_broken_already_does_not_block_its_mending(void **state)
{
	(void)state;
	const char *broken = "- {at: 0h, A: {data-signers: [Zx]}}\n";
	struct safety_window w =
	        window_of(one_operator, broken, "A: {dnskey: [K1, Z, Zx]}", 10 * H, NULL);
	expect_from(w, 10 * H);
	assert_true(w.broken);
	assert_int_equal(w.before.rule, SAFETY_RULE_DATA);
	assert_false(w.excused);
	// What replaces it by something as wrong is told from that.
	w = window_of(one_operator, broken, "A: {dnskey: [K1, Z, Zy]}", 10 * H, NULL);
	expect_from(w, 10 * H);
	assert_true(w.broken && w.excused);
	assert_int_equal(w.excuse.rule, SAFETY_RULE_DATA);
	// But breaking something else is refused all the same.
	w = window_of(one_operator, broken, "parent: {ds: [K9]}", 10 * H, NULL);
	assert_false(w.possible);
}

static void re_signing_must_come_before_copies_outlive_the_signature(void **state)
{
	(void)state;
	struct safety_window w =
	        window_of(one_operator, "- {at: 0h, A: {signatures-until: 300h}}\n",
	                "A: {signatures-until: 900h}", 10 * H, NULL);
	expect_from(w, 10 * H);
	assert_true(w.ends);
	// The old data is served until 6h later and cached for 72h.
	assert_int_equal(w.until_ms, (300 - 72 - 6) * H + 1);
}

static void a_window_ends_where_signatures_run_out(void **state)
{
	(void)state;
	struct safety_window w = window_of(one_operator,
	        "- {at: 0h, A: {dnskey: [K1, K2, Z], dnskey-signers: [K1, K2]}}\n- {at: 1h, A: "
	        "{signatures-until: 400h}}\n",
	        "parent: {ds: [K2]}", H, NULL);
	expect_from(w, 54 * H);
	assert_true(w.ends);
	assert_int_equal(w.until_ms, 400 * H);
}

static void pruning_forgets_nothing_that_can_be_held(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	struct timeline tl;
	struct error err = {0};
	char *text = arena_printf(arena,
	        "%sevents:\n- {at: 0h, parent: {ds: [K1, K2]}}\n"
	        "- {at: 26h, A: {dnskey: [K2, Z], dnskey-signers: [K2]}}\n"
	        "- {at: 90h, parent: {ds: [K2]}}\n",
	        one_operator);
	assert_int_equal(timeline_parse(arena, "t", text, strlen(text), &tl, &err), RESULT_OK);
	unsigned count = tl.history.count;
	safety_prune(&tl.history, &safety_all_readers, 100 * H);
	assert_int_equal(tl.history.count, count);
	safety_prune(&tl.history, &safety_all_readers, 1000 * H);
	assert_int_equal(
	        tl.history.count, 6); // what is served now: DS, NS; NS, DNSKEY, data, serving
	timeline_free(&tl);
	arena_free(arena);
}

// Taken back: B is no longer delegated to, and names itself until 60h. A reader that renews B's NS
// set may have done so until 66h, keeps it for 24h, and the DNSKEY set that it leads to for 48h.
static void going_back_waits_for_sticky_readers_where_that_helps(void **state)
{
	(void)state;
	static const char moved[] =
	        "timeline: t\n"
	        "ttl: {ds: 24h, parent-ns: 1h, child-ns: 24h, dnskey: 48h, data: 24h}\n"
	        "lag: {parent: 6h, child: 6h}\n"
	        "start:\n"
	        "  parent: {ds: [Ka, Kb], ns: [B]}\n"
	        "  A: {ns: [A], dnskey: [Ka, Za, Zb], dnskey-signers: [Ka], data-signers: [Za]}\n"
	        "  B: {ns: [B], dnskey: [Kb, Zb, Za], dnskey-signers: [Kb], data-signers: [Zb]}\n"
	        "events:\n"
	        "- {at: 0h, parent: {ns: [A]}}\n";
	static const char leaves[] = "- {at: 60h, B: {ns: [A]}}\n";
	for (int names_a = 0; names_a < 2; names_a++) {
		struct arena *arena = arena_new(1 << 20);
		struct timeline tl;
		struct error err = {0};
		struct safety_window usual, back;
		char *text = arena_printf(arena, "%s%s", moved, names_a ? leaves : "");
		assert_int_equal(
		        timeline_parse(arena, "t", text, strlen(text), &tl, &err), RESULT_OK);
		struct safety_effect e = {.count = 1,
		        .changes = {{.publisher = 0,
		                .kind = SAFETY_DS,
		                .content = 1,
		                .ttl_s = 86400,
		                .signed_from_ms = TIME_EVER_MS,
		                .signed_until_ms = TIME_NEVER_MS}}};
		assert_int_equal(
		        safety_earliest(&tl.history, &e, &tl.readers, 61 * H, &usual, NULL),
		        RESULT_OK);
		assert_int_equal(
		        safety_earliest_back(&tl.history, &e, &tl.readers, 61 * H, &back, NULL),
		        RESULT_OK);
		expect_from(usual, (6 + 1 + 24 + 48) * H);
		expect_from(back, names_a ? (66 + 24 + 48) * H : (6 + 1 + 24 + 48) * H);
		timeline_free(&tl);
		arena_free(arena);
	}
}

static void sticky_readers_are_led_by_ns_sets_long_gone(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	struct timeline tl;
	struct error err = {0};
	struct safety_readers sticky = {.ns = SAFETY_NS_STICKY};
	struct safety_verdict v;
	char *text = arena_printf(arena,
	        "%sevents:\n- {at: 0h, parent: {ns: [B]}}\n"
	        "- {at: 9000h, A: {serving: false}}\n",
	        operators);
	assert_int_equal(timeline_parse(arena, "t", text, strlen(text), &tl, &err), RESULT_OK);
	safety_prune(&tl.history, &sticky, 9001 * H);
	assert_int_equal(safety_judge(&tl.history, &sticky, 9001 * H, 9010 * H, &v), RESULT_OK);
	assert_int_equal(v.path[SAFETY_DIRECT].word, SAFETY_UNREACHABLE);
	timeline_free(&tl);
	arena_free(arena);
}

static const char silent_groups[] =
        "timeline: t\n"
        "ttl: {ds: 1h, parent-ns: 1h, child-ns: 1h, dnskey: 1h, data: 1h}\n"
        "lag: {child: 6h}\n"
        "start:\n"
        "  parent: {ds: [K], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [K], dnskey-signers: [K], data-signers: [K], serving: false}\n"
        "  B: {ns: [B], dnskey: [K], dnskey-signers: [K], data-signers: [K], serving: false}\n";

static void a_silent_group_excuses_no_other_silent_group(void **state)
{
	(void)state;
	struct safety_window w = window_of(
	        silent_groups, "- {at: 1h, B: {ns: [B]}}\n", "parent: {ns: [B]}", 12 * H, NULL);
	assert_false(w.possible);
	assert_true(w.broken);
	assert_int_equal(w.cause.rule, SAFETY_RULE_UNREACHABLE);
	// The group that is named already may be named again, by a set with another TTL.
	w = window_of(
	        silent_groups, "- {at: 1h, B: {ns: [B]}}\n", "ttl: {parent-ns: 2h}", 12 * H, NULL);
	assert_true(w.possible && !w.waits);
}

static void what_is_nearly_over_excuses_nothing_that_lasts(void **state)
{
	(void)state;
	// Not yet valid until 10h; the effect would leave it so until 500h.
	struct safety_window w = window_of(one_operator, "- {at: 0h, A: {signatures-from: 10h}}\n",
	        "A: {signatures-from: 500h}", 9 * H, NULL);
	expect_from(w, 500 * H);
	assert_true(w.broken);
	w = window_of(one_operator, "- {at: 0h, A: {signatures-from: 10h}}\n",
	        "A: {signatures-from: 9h}", 9 * H, NULL);
	expect_from(w, 9 * H);
}

static void a_witness_names_the_last_fetch_that_was_validated(void **state)
{
	(void)state;
	static const char text[] =
	        "timeline: t\n"
	        "ttl: {ds: 24h, parent-ns: 1h, child-ns: 1h, dnskey: 48h, data: 1h}\n"
	        "start:\n"
	        "  parent: {ds: [K], ns: [A], signatures-until: 10h}\n"
	        "  A: {ns: [A], dnskey: [K], dnskey-signers: [K], data-signers: [K]}\n"
	        "events:\n"
	        "  - {at: 5h, parent: {ds: [], signatures-until: 900h}}\n"
	        "  - {at: 6h, A: {data-signers: [L]}}\n";
	struct arena *arena = arena_new(1 << 20);
	struct timeline tl;
	struct safety_verdict v;
	assert_int_equal(timeline_parse(arena, "t", text, strlen(text), &tl, NULL), RESULT_OK);
	assert_int_equal(safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v), RESULT_OK);
	for (int path = 0; path < SAFETY_PATHS; path++) {
		const struct safety_fault *f = &v.path[path].fault;
		assert_int_equal(f->rule, SAFETY_RULE_DATA);
		assert_int_equal(f->at_ms, 6 * H);
		// A cache may hold the DS set until 29h, but nothing is validated by it from 10h
		// on.
		assert_int_equal(f->cached_fetch_ms, 10 * H);
		assert_int_equal(f->cached_until_ms, (10 + 48) * H);
	}
	timeline_free(&tl);
	arena_free(arena);
}

// Servers that change what they show every minute, none of it right: each fault is one of tens of
// thousands, and each instant that is tried meets them all.
static void a_badly_broken_history_is_judged_in_no_time(void **state)
{
	(void)state;
	struct buffer events = buffer_init(1 << 20);
	for (int i = 1; i <= 200; i++)
		buffer_printf(&events, "- {at: %dm, A: {dnskey: [K1, %s], data-signers: [%s]}}\n",
		        i, i % 2 == 0 ? "Z" : "Y", i % 2 == 0 ? "Z" : "X");
	struct safety_window w = window_of(one_operator, buffer_text(&events),
	        "parent: {ds: [K1, K2]}", 100 * MINUTE_MS, NULL);
	assert_true(w.possible && w.broken);
	buffer_clear(&events);
	// Signed anew every minute, each time too late for what is cached.
	for (int i = 1; i <= 100; i++)
		buffer_printf(&events, "- {at: %dm, A: {signatures-until: %dm}}\n", i, i + 300);
	w = window_of(one_operator, buffer_text(&events), "parent: {ds: [K1, K2]}", 100 * MINUTE_MS,
	        NULL);
	expect_from(w, 100 * MINUTE_MS);
	assert_int_equal(w.until_ms, (100 + 300) * MINUTE_MS);
	buffer_free(&events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(ns_moves_when_the_dnskey_set_without_the_new_zsk_is_gone),
	        cmocka_unit_test(old_ds_goes_after_both_ns_ttls_and_the_dnskey_ttl),
	        cmocka_unit_test(old_zsk_goes_after_the_data_ttl),
	        cmocka_unit_test(losing_servers_stop_after_both_ns_ttls),
	        cmocka_unit_test(going_insecure_takes_ds_and_dnskey_ttl),
	        cmocka_unit_test(deleting_the_ds_is_safe_and_says_insecure),
	        cmocka_unit_test(ds_swap_without_the_new_key_is_never_safe),
	        cmocka_unit_test(the_cause_is_the_record_that_makes_it_wait),
	        cmocka_unit_test(what_is_broken_already_does_not_block_its_mending),
	        cmocka_unit_test(re_signing_must_come_before_copies_outlive_the_signature),
	        cmocka_unit_test(a_window_ends_where_signatures_run_out),
	        cmocka_unit_test(pruning_forgets_nothing_that_can_be_held),
	        cmocka_unit_test(going_back_waits_for_sticky_readers_where_that_helps),
	        cmocka_unit_test(sticky_readers_are_led_by_ns_sets_long_gone),
	        cmocka_unit_test(a_silent_group_excuses_no_other_silent_group),
	        cmocka_unit_test(what_is_nearly_over_excuses_nothing_that_lasts),
	        cmocka_unit_test(a_witness_names_the_last_fetch_that_was_validated),
	        cmocka_unit_test(a_badly_broken_history_is_judged_in_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
