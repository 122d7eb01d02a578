// Folding: what changes by itself makes neither new rounds nor new editions, and never says more
// than is true. (That whoever reads back only the rounds that are kept gets the same history, every
// tick checks.)
#include "script.h"

static const struct safety_edition *current(
        struct script *s, struct safety_history *h, int publisher, enum safety_kind kind)
{
	assert_int_equal(
	        observe_view_history(s->view, s->wall_ms, false, h, NULL, NULL), RESULT_OK);
	const struct safety_edition *e = safety_current(h, publisher, kind);
	assert_non_null(e);
	return e;
}

static void sign_all(struct script *s, enum safety_kind kind, int64_t at_s, int64_t valid_s)
{
	for (int p = A1; p <= A3; p++)
		sign(s, (enum place)p, kind, at_s - 3600, at_s + valid_s + 7 * p);
}

// Nothing that is served or cached is broken now, so nothing must be said to be.
static void is_safe(struct script *s)
{
	struct safety_history h;
	struct safety_verdict v;
	assert_int_equal(
	        observe_view_history(s->view, s->wall_ms, false, &h, NULL, NULL), RESULT_OK);
	assert_int_equal(
	        safety_judge(&h, &safety_all_readers, s->wall_ms, s->wall_ms, &v), RESULT_OK);
	assert_int_equal(v.path[SAFETY_DIRECT].word, SAFETY_SAFE);
	assert_int_equal(v.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	safety_history_free(&h);
}

// At every look: the expiry is not later than that of the answer, and a copy that is fetched now
// does not outlive it.
static void sign_online(bool restarts, int64_t valid_s, uint32_t ttl_s, int most)
{
	struct script *s = script_new_with_past();
	s->restarts = restarts;
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA, KA, ttl_s);
	for (int64_t at = 0; at <= 86400; at += 120) {
		sign_all(s, SAFETY_DNSKEY, at, valid_s);
		sign_all(s, SAFETY_DATA, at, valid_s);
		tick(s, at);
		struct safety_history h;
		const struct safety_edition *e = current(s, &h, A, SAFETY_DNSKEY);
		assert_true(e->signed_until_ms <= s->wall_ms + (valid_s + 21) * SECOND_MS);
		assert_true(e->signed_until_ms >= s->wall_ms + (int64_t)ttl_s * SECOND_MS);
		assert_true(h.count <= 20);
		safety_history_free(&h);
		is_safe(s);
	}
	assert_true(s->recorded <= most);
	script_free(s);
}

static void signatures_made_anew_for_each_answer(void **state)
{
	(void)state;
	sign_online(false, 2 * 86400, 300, 3);
	sign_online(true, 2 * 86400, 300, 3);
}

static void signatures_that_last_little_longer_than_the_ttl(void **state)
{
	(void)state;
	sign_online(false, 3 * 3600, 2 * 3600, 120);
}

// Copies of a set whose signature runs out before its TTL are good until just then: with an earlier
// expiry than theirs they would seem to be gone while resolvers use them.
static void signatures_shorter_than_the_ttl_count_as_they_are(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct safety_history h;
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA, KA, 86400);
	for (int64_t at = 0; at <= 18000; at += 600) {
		for (int p = A1; p <= A3; p++)
			sign(s, (enum place)p, SAFETY_DNSKEY, at - 3600, at + 43200);
		tick(s, at);
		assert_int_equal(current(s, &h, A, SAFETY_DNSKEY)->signed_until_ms,
		        START_MS + (at + 43200) * SECOND_MS);
		safety_history_free(&h);
	}
	script_free(s);
}

static void an_earlier_expiry_is_taken_at_once(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct safety_history h;
	sign_all(s, SAFETY_DNSKEY, 0, 86400);
	tick(s, 0);
	sign_all(s, SAFETY_DNSKEY, 0, 40000);
	tick(s, 60);
	assert_int_equal(
	        current(s, &h, A, SAFETY_DNSKEY)->signed_until_ms, START_MS + 40007 * SECOND_MS);
	safety_history_free(&h);
	script_free(s);
}

// Old signatures over data that was not asked for are reckoned with until the last one that was
// ever seen has expired, not until the one that was kept.
static void the_last_signature_of_all_counts(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	for (int64_t at = 0; at <= 6000; at += 60) {
		// One lasts longer, in a round that is not kept.
		sign_all(s, SAFETY_DATA, at, at == 600 ? 100000 : 86400);
		tick(s, at);
	}
	assert_int_equal(s->recorded, 1);
	for (int p = A1; p <= A3; p++)
		show_data(s, (enum place)p, ZB, 60);
	tick(s, 6060);
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_UNSAMPLED);
	assert_non_null(gap);
	assert_int_equal(gap->until_ms, START_MS + (600 + 100000 + 21) * SECOND_MS);
	script_free(s);
}

// A change of what is signed is never folded away.
static void other_signers_are_another_edition(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA, KA | ZA, 300);
	sign_all(s, SAFETY_DNSKEY, 60, 90 * 86400);
	tick(s, 60);
	expect_signed(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..60 signed -86400..2592000\n"
	        "A dnskey {Ka Za} by {Ka Za} 300s -0.010..never signed -3540..7776067\n");
	script_free(s);
}

// ---- TTLs -----------------------------------------------------------------------------------

static void a_ttl_that_counts_down_is_one_edition(void **state)
{
	(void)state;
	for (int restarts = 0; restarts < 2; restarts++) {
		struct script *s = script_new_with_past();
		s->restarts = restarts != 0;
		for (int64_t at = 0; at <= 7200; at += 50) {
			show_ns(s, P1, 1 << A, (uint32_t)(900 - at % 900));
			tick(s, at);
			expect(s, "parent ns", "parent ns {A} 900s ever..never\n");
		}
		assert_true(s->restarts || s->recorded <= 2);
		script_free(s);
	}
}

static void a_ttl_that_counts_down_is_remarked_upon(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	for (int64_t at = 0; at <= 150; at += 50) {
		show_ns(s, P1, 1 << A, (uint32_t)(900 - at));
		tick(s, at);
		const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_COUNTDOWN);
		assert_true((gap != NULL) == (at >= 100)); // once may be a TTL that is lowered
		assert_false(is_blocked(s, at));
		if (gap != NULL)
			assert_string_equal(gap->text,
			        "192.0.2.1@53 of parent answers with a TTL of its NS set that "
			        "counts down: is it a cache? It counts as 900 s, the largest that "
			        "was seen.");
	}
	script_free(s);
}

// Whoever begins to look in the middle learns the larger one as soon as it comes.
static void a_larger_ttl_counts_at_once(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	show_ns(s, P1, 1 << A, 300);
	tick(s, 0);
	show_ns(s, P1, 1 << A, 900);
	tick(s, 10);
	expect(s, "parent ns", "parent ns {A} 300s ever..10\nparent ns {A} 900s -0.010..never\n");
	script_free(s);
}

static void a_ttl_that_stays_low_was_lowered(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	show_ns(s, P1, 1 << A, 300);
	tick(s, 10);
	tick(s, 11); // a TTL that counts down may look the same within so short a time
	expect(s, "parent ns", "parent ns {A} 900s ever..never\n");
	tick(s, 12);
	expect(s, "parent ns", "parent ns {A} 900s ever..12\nparent ns {A} 300s 10.990..never\n");
	assert_null(gap_find(s, OBSERVE_GAP_COUNTDOWN));
	script_free(s);
}

static void the_end_of_counting_down(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	for (int64_t at = 0; at <= 100; at += 50) {
		show_ns(s, P1, 1 << A, (uint32_t)(900 - at));
		tick(s, at);
	}
	assert_non_null(gap_find(s, OBSERVE_GAP_COUNTDOWN));
	tick(s, 150);
	assert_null(gap_find(s, OBSERVE_GAP_COUNTDOWN));
	expect(s, "parent ns", "parent ns {A} 900s ever..150\nparent ns {A} 800s 99.990..never\n");
	script_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(signatures_made_anew_for_each_answer),
	        cmocka_unit_test(signatures_that_last_little_longer_than_the_ttl),
	        cmocka_unit_test(signatures_shorter_than_the_ttl_count_as_they_are),
	        cmocka_unit_test(an_earlier_expiry_is_taken_at_once),
	        cmocka_unit_test(the_last_signature_of_all_counts),
	        cmocka_unit_test(other_signers_are_another_edition),
	        cmocka_unit_test(a_ttl_that_counts_down_is_one_edition),
	        cmocka_unit_test(a_ttl_that_counts_down_is_remarked_upon),
	        cmocka_unit_test(a_larger_ttl_counts_at_once),
	        cmocka_unit_test(a_ttl_that_stays_low_was_lowered),
	        cmocka_unit_test(the_end_of_counting_down),
	};
	return cmocka_run_group_tests_name("observe fold", tests, NULL, NULL);
}
