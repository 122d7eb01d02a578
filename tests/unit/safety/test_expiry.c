// Effects that have to wait, while the signatures of what is served now run out. An expired
// signature hides what else is wrong, for nobody trusts what it covers; that makes nothing safe.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/buffer.h"
#include "safety/timeline.h"

#define H HOUR_MS

static const char zone[] =
        "timeline: t\n"
        "ttl: {ds: 24h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "lag: {parent: 6h, child: 6h}\n"
        "start:\n"
        "  parent: {ds: [K1], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [K1, Z], dnskey-signers: [K1], data-signers: [Z]}\n"
        "events:\n";

// The window of the last event, at 9999h, after the others; `now_ms` is when it is asked. What the
// effect itself signs is renewed in time.
static struct safety_window window_of_zone(const char *start, const char *events,
        const char *effect, int64_t signed_until_ms, int64_t now_ms)
{
	struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	struct timeline tl;
	struct safety_effect e = {0};
	struct safety_window w;
	char *text = arena_printf(arena, "%s%s- {at: 9999h, %s}\n", start, events, effect);
	if (timeline_parse(arena, "t", text, strlen(text), &tl, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	struct safety_history *h = &tl.history;
	uint16_t kept = 0;
	for (uint16_t i = 0; i < h->count; i++) {
		struct safety_edition n = h->editions[i];
		if (n.from_ms < 9999 * H) {
			n.until_ms = n.until_ms >= 9999 * H ? TIME_NEVER_MS : n.until_ms;
			h->editions[kept++] = n;
			continue;
		}
		e.changes[e.count++] = (struct safety_change){.publisher = n.publisher,
		        .kind = n.kind,
		        .content = n.content,
		        .signers = n.signers,
		        .ttl_s = n.ttl_s,
		        .signed_from_ms = n.signed_from_ms,
		        .signed_until_ms = signed_until_ms};
	}
	h->count = kept;
	assert_int_equal(safety_earliest(h, &e, &safety_all_readers, now_ms, &w, NULL), RESULT_OK);
	timeline_free(&tl);
	arena_free(arena);
	return w;
}

static struct safety_window window_of(const char *events, const char *effect, int64_t now_ms)
{
	return window_of_zone(zone, events, effect, TIME_NEVER_MS, now_ms);
}

static void expect_never(struct safety_window w, enum safety_rule rule)
{
	assert_false(w.possible);
	assert_int_equal(w.cause.rule, rule);
}

// Data signed by a key that is in no DNSKEY set stays wrong when the DNSKEY set's signature has run
// out, and nobody judges data any more.
static void an_expired_dnskey_set_makes_no_data_good(void **state)
{
	(void)state;
	struct safety_window w = window_of(
	        "- {at: 0h, A: {signatures-until: 100h}}\n", "A: {data-signers: [Zx]}", 10 * H);
	expect_never(w, SAFETY_RULE_DATA);
}

// The same where the signature over the DS set runs out.
static void an_expired_ds_set_makes_no_dnskey_set_good(void **state)
{
	(void)state;
	struct safety_window w = window_of("- {at: 0h, parent: {signatures-until: 100h}}\n",
	        "A: {dnskey: [K9, Z], dnskey-signers: [K9]}", 10 * H);
	expect_never(w, SAFETY_RULE_CHAIN);
}

static void a_wait_beyond_an_expiry_is_as_long_as_without_it(void **state)
{
	(void)state;
	struct safety_window w = window_of("- {at: 0h, A: {dnskey: [K1, Z, Z2]}}\n"
	                                   "- {at: 60h, A: {data-signers: [Z2]}}\n",
	        "A: {dnskey: [K1, Z2]}", 61 * H);
	assert_true(w.possible && w.waits);
	assert_int_equal(w.from_ms, (60 + 6 + 72) * H);
	assert_false(w.expires);
	w = window_of("- {at: 0h, A: {dnskey: [K1, Z, Z2]}}\n"
	              "- {at: 60h, A: {data-signers: [Z2]}, parent: {signatures-until: 90h}}\n",
	        "A: {dnskey: [K1, Z2]}", 61 * H);
	assert_true(w.possible && w.waits);
	assert_int_equal(w.from_ms, (60 + 6 + 72) * H);
	assert_int_equal(w.cause.rule, SAFETY_RULE_DATA);
	// And it says that somebody has to sign again before that.
	assert_true(w.expires);
	assert_int_equal(w.expiry.rule, SAFETY_RULE_DS_SIGNATURE);
	assert_int_equal(w.expiry.at_ms, 90 * H);
}

// Old copies with a signature of their own are unusable when it has run out: that shortens a wait.
static void old_copies_do_expire(void **state)
{
	(void)state;
	struct safety_window w = window_of("- {at: 0h, A: {signatures-until: 30h}}\n"
	                                   "- {at: 1h, A: {dnskey: [K1, Z, Z2], "
	                                   "signatures-until: 900h}}\n",
	        "A: {data-signers: [Z2]}", 10 * H);
	assert_true(w.possible && w.waits);
	assert_int_equal(w.from_ms, 54 * H);
	w = window_of("- {at: 0h, A: {signatures-until: 130h}}\n"
	              "- {at: 100h, A: {dnskey: [K1, Z, Z2], signatures-until: 900h}}\n",
	        "A: {data-signers: [Z2]}", 110 * H);
	assert_int_equal(w.from_ms, 130 * H);
	assert_false(w.expires);
}

// What has run out already is no news, and does not block what does not break more.
static void what_has_expired_before_is_broken_not_expiring(void **state)
{
	(void)state;
	struct safety_window w = window_of(
	        "- {at: 0h, A: {signatures-until: 30h}}\n", "A: {signatures-until: 900h}", 40 * H);
	assert_true(w.possible && w.broken);
	assert_false(w.waits || w.expires);
	assert_int_equal(w.from_ms, 40 * H);
}

// Two signatures, one after the other: the later one hides nothing either.
static void each_expiry_counts(void **state)
{
	(void)state;
	static const char signatures[] = "- {at: 0h, parent: {signatures-until: 60h}, "
	                                 "A: {signatures-until: 30h}}\n";
	expect_never(window_of(signatures, "A: {data-signers: [Zx]}", H), SAFETY_RULE_DATA);
	expect_never(window_of(signatures, "parent: {ds: [K9]}", H), SAFETY_RULE_CHAIN);
}

// The search for an instant does not jump over those at which a signature is made again: behind
// them, what the effect itself signs may have run out.
static void no_window_is_jumped_over(void **state)
{
	(void)state;
	static const char unsigned_zone[] =
	        "timeline: t\n"
	        "ttl: {ds: 6h, ds-none: 3h, parent-ns: 3h, child-ns: 2h, dnskey: 6h, data: 5h}\n"
	        "lag: {parent: 1h}\n"
	        "start:\n"
	        "  parent: {ds: [], ns: [A]}\n"
	        "  A: {ns: [A], dnskey: [], dnskey-signers: [], data-signers: []}\n"
	        "events:\n";
	struct safety_window w = window_of_zone(unsigned_zone,
	        "- {at: 0h, A: {dnskey: [K, Z], dnskey-signers: [K], data-signers: [Z], "
	        "signatures-until: 5h}}\n",
	        "parent: {ds: [K]}, A: {signatures-until: 7h}", 7 * H, 3 * H);
	assert_true(w.possible && w.waits && w.ends);
	assert_int_equal(w.from_ms, 6 * H);
	assert_int_equal(w.until_ms, 7 * H);
	assert_false(w.expires); // nobody validates what runs out before
}

// Nor does it jump over the time in which what the effect signs is in date.
static void an_effect_is_tried_while_it_is_in_date(void **state)
{
	(void)state;
	static const char leaving[] =
	        "timeline: t\n"
	        "ttl: {ds: 3h, parent-ns: 5h, child-ns: 6h, dnskey: 4h, data: 5h}\n"
	        "start:\n"
	        "  parent: {ds: [KA, KC], ns: [A, B]}\n"
	        "  A: {ns: [A, B], dnskey: [KA, KB, KD], dnskey-signers: [KA], data-signers: "
	        "[KB]}\n"
	        "  B: {ns: [A, B], dnskey: [KB, KC, KD], dnskey-signers: [KC], data-signers: "
	        "[KD]}\n"
	        "events:\n";
	static const char events[] = "- {at: 0h, parent: {ns: [B]}, B: {ns: [B]}}\n";
	static const char effect[] = "parent: {ds: [KC]}, B: {dnskey: [KC, KD]}, ttl: {dnskey: 7h}";
	struct safety_window w = window_of_zone(leaving, events, effect, TIME_NEVER_MS, H);
	assert_true(w.possible && w.waits);
	struct safety_window short_one = window_of_zone(leaving, events, effect, w.from_ms + H, H);
	assert_true(short_one.possible);
	assert_int_equal(short_one.from_ms, w.from_ms);
	// Nor over the time before the copies of the old DS set, 3 hours, outlive their signature.
	struct safety_window copies = window_of_zone(leaving,
	        "- {at: 0h, parent: {ns: [B], signatures-until: 19h}, B: {ns: [B]}}\n", effect,
	        19 * H, H);
	assert_true(copies.possible && copies.ends);
	assert_int_equal(copies.from_ms, w.from_ms);
	assert_int_equal(copies.until_ms, 16 * H + 1);
}

// New signatures: the copies with the old one are bogus for whoever validated with the DS set that
// is still held, and nobody minds them when that is gone. So the window ends, and another one
// begins.
static void a_window_ends_when_copies_outlive_their_signature(void **state)
{
	(void)state;
	static const char going_insecure[] =
	        "timeline: t\n"
	        "ttl: {ds: 6h, parent-ns: 1h, child-ns: 2h, dnskey: 3h, data: 6h}\n"
	        "lag: {parent: 3h, child: 3h}\n"
	        "start:\n"
	        "  parent: {ds: [K], ns: [A]}\n"
	        "  A: {ns: [A], dnskey: [K, Z], dnskey-signers: [K], data-signers: [Z]}\n"
	        "events:\n"
	        "- {at: 1h, parent: {ds: []}, A: {signatures-until: 11h}}\n";
	struct safety_window w =
	        window_of_zone(going_insecure, "", "A: {signatures-until: 500h}", 500 * H, 2 * H);
	assert_true(w.possible && w.ends);
	assert_int_equal(w.from_ms, 2 * H);
	assert_int_equal(w.until_ms, 2 * H + 1);
	assert_int_equal(w.end.rule, SAFETY_RULE_DATA_SIGNATURE);
}

// What was observed without any valid signature has none that runs out at some time.
static void what_never_had_a_signature_is_told_so(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	struct timeline tl;
	struct safety_verdict verdict;
	struct buffer text = buffer_init(1 << 16);
	char *source = arena_printf(arena, "%s- {at: 1h, parent: {ns: [A]}}\n", zone);
	assert_int_equal(timeline_parse(arena, "t", source, strlen(source), &tl, &err), RESULT_OK);
	struct safety_history *h = &tl.history;
	for (uint16_t i = 0; i < h->count; i++)
		if (h->editions[i].kind == SAFETY_DS)
			h->editions[i].signed_until_ms = TIME_EVER_MS;
	assert_int_equal(safety_judge(h, &safety_all_readers, H, H, &verdict), RESULT_OK);
	assert_int_equal(verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	safety_fault_text(h, &verdict.path[SAFETY_DIRECT].fault, SAFETY_TIME_RELATIVE, &text);
	assert_non_null(strstr(buffer_text(&text),
	        "serves the DS set (for K1) without a valid signature, and a resolver meets it"));
	buffer_free(&text);
	timeline_free(&tl);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_expired_dnskey_set_makes_no_data_good),
	        cmocka_unit_test(an_expired_ds_set_makes_no_dnskey_set_good),
	        cmocka_unit_test(a_wait_beyond_an_expiry_is_as_long_as_without_it),
	        cmocka_unit_test(old_copies_do_expire),
	        cmocka_unit_test(what_has_expired_before_is_broken_not_expiring),
	        cmocka_unit_test(each_expiry_counts),
	        cmocka_unit_test(no_window_is_jumped_over),
	        cmocka_unit_test(an_effect_is_tried_while_it_is_in_date),
	        cmocka_unit_test(a_window_ends_when_copies_outlive_their_signature),
	        cmocka_unit_test(what_never_had_a_signature_is_told_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
