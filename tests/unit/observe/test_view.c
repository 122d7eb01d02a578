// From what addresses show over time to editions: exact instants, and what is missing.
#include "script.h"

static void first_round_is_since_ever(void **state)
{
	(void)state;
	struct script *s = script_new();
	tick(s, 0);
	expect(s, "",
	        "parent ds {Ka} 600s ever..never\n"
	        "parent ns {A} 900s ever..never\n"
	        "A ns {A} 700s ever..never\n"
	        "A dnskey {Ka Za} by {Ka} 300s ever..never\n"
	        "A data {Za} 60s ever..never\n"
	        "A serving yes ever..never\n"
	        "B ns {B} 700s ever..never\n"
	        "B dnskey {Kb Zb} by {Kb} 300s ever..never\n"
	        "B data {Zb} 60s ever..never\n"
	        "B serving yes ever..never\n");
	expect_signed(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..never signed -86400..2592000\n");
	script_free(s);
}

static void past_is_unknown_for_one_set_of_lifetimes(void **state)
{
	(void)state;
	struct script *s = script_new();
	tick(s, 0);
	// 600 of the DS, 900 and 700 of the NS sets, 300 of the DNSKEY set, 60 of the data.
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_PAST);
	assert_non_null(gap);
	assert_true(gap->blocks);
	assert_int_equal(gap->until_ms, START_MS + 2560 * SECOND_MS);
	assert_true(is_blocked(s, 2559));
	tick(s, 2560);
	assert_null(gap_find(s, OBSERVE_GAP_PAST));
	assert_false(is_blocked(s, 2560));
	script_free(s);
}

static void declared_past_counts(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	assert_null(gap_find(s, OBSERVE_GAP_PAST));
	assert_false(is_blocked(s, 0));
	script_free(s);
}

static void nothing_observed_blocks(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	assert_non_null(gap_find(s, OBSERVE_GAP_NOTHING));
	assert_true(is_blocked(s, 0));
	// Whoever forgets to ask for gaps sees no safe zone either.
	struct safety_history h;
	struct safety_verdict v;
	assert_int_equal(observe_view_history(s->view, START_MS, false, &h, NULL, NULL), RESULT_OK);
	assert_int_equal(safety_judge(&h, &safety_all_readers, START_MS, START_MS, &v), RESULT_OK);
	assert_int_not_equal(v.path[SAFETY_DIRECT].word, SAFETY_SAFE);
	assert_int_not_equal(v.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	safety_history_free(&h);
	script_free(s);
}

static void a_change_spreads_over_addresses(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	show_keys(s, A2, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..never\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..never\n");
	assert_non_null(gap_find(s, OBSERVE_GAP_DISAGREE));
	assert_false(observe_view_everywhere(s->view, A, SAFETY_DNSKEY, NULL, NULL, NULL));
	show_keys(s, A1, KA | ZA | ZB, KA, 300);
	tick(s, 20);
	show_keys(s, A3, KA | ZA | ZB, KA, 300);
	tick(s, 30);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..30\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..never\n");
	assert_null(gap_find(s, OBSERVE_GAP_DISAGREE));
	uint64_t content, signers;
	int64_t since_ms;
	assert_true(
	        observe_view_everywhere(s->view, A, SAFETY_DNSKEY, &content, &signers, &since_ms));
	assert_int_equal(content, KA | ZA | ZB);
	assert_int_equal(signers, KA);
	assert_int_equal(since_ms, START_MS + 30 * SECOND_MS);
	script_free(s);
}

static void declared_lag_widens_both_ends(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->subject->publishers[A].lag_ms = 15 * SECOND_MS;
	script_restart(s);
	tick(s, 0);
	tick(s, 100);
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA | ZB, KA, 300);
	tick(s, 110);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..125\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s 84.990..never\n");
	int64_t since_ms;
	assert_true(observe_view_everywhere(s->view, A, SAFETY_DNSKEY, NULL, NULL, &since_ms));
	assert_int_equal(since_ms, START_MS + 125 * SECOND_MS);
	script_free(s);
}

static void a_silent_address_keeps_what_it_showed(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	silence(s, A3);
	for (int p = A1; p <= A2; p++)
		show_keys(s, (enum place)p, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	tick(s, 3000);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..never\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..never\n");
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_SILENT);
	assert_non_null(gap);
	assert_true(gap->blocks);
	struct address silent = place_address(A3);
	assert_true(address_equal(&gap->server, &silent));
	// One that is silent among others that answer: the group serves.
	expect(s, "A serving", "A serving yes ever..never\n");
	assert_false(observe_view_everywhere(s->view, A, SAFETY_DNSKEY, NULL, NULL, NULL));
	answer(s, A3);
	show_keys(s, A3, KA | ZA | ZB, KA, 300);
	tick(s, 3010);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..3010\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..never\n");
	assert_false(is_blocked(s, 3010));
	script_free(s);
}

static void a_silent_address_can_be_declared_gone(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct error err;
	tick(s, 0);
	silence(s, A3);
	for (int p = A1; p <= A2; p++)
		show_keys(s, (enum place)p, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	struct address silent = place_address(A3), stranger = place_address(B1);
	assert_int_equal(
	        observe_view_declare_gone(s->view, A, &stranger, START_MS, &err), RESULT_NOT_FOUND);
	assert_int_equal(
	        observe_view_declare_gone(s->view, A, &silent, START_MS + 12 * SECOND_MS, &err),
	        RESULT_OK);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..12\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..never\n");
	assert_null(gap_find(s, OBSERVE_GAP_SILENT));
	assert_true(observe_view_everywhere(s->view, A, SAFETY_DNSKEY, NULL, NULL, NULL));
	script_free(s);
}

static void an_address_that_never_answered_blocks(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	silence(s, A3);
	tick(s, 0);
	tick(s, 100000);
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_NEVER_ANSWERED);
	assert_non_null(gap);
	assert_true(gap->blocks);
	assert_int_equal(gap->until_ms, TIME_NEVER_MS);
	// What it shows at its first answer may have been there all the time.
	answer(s, A3);
	show_keys(s, A3, KA | ZA | ZB, KA, 300);
	tick(s, 100010);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..never\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s ever..never\n");
	script_free(s);
}

static void a_group_that_falls_silent_does_not_serve(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	for (int p = A1; p <= A3; p++)
		silence(s, (enum place)p);
	tick(s, 10);
	expect(s, "A serving", "A serving yes ever..never\nA serving no 9.990..never\n");
	// Where nobody answers, it is rather us who are cut off.
	silence(s, P1);
	tick(s, 20);
	expect(s, "A serving", "A serving yes ever..never\n");
	assert_true(is_blocked(s, 20));
	script_free(s);
}

static void a_group_that_refuses_does_not_serve(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	refuse(s, B1);
	tick(s, 0);
	expect(s, "B", "B serving no ever..never\n");
	answer(s, B1);
	show_serving(s, B1, true);
	show_keys(s, B1, KB | ZB, KB, 300);
	show_ns(s, B1, 1 << B, 700);
	show_data(s, B1, ZB, 60);
	tick(s, 10);
	expect(s, "B",
	        "B ns {B} 700s -0.010..never\n"
	        "B dnskey {Kb Zb} by {Kb} 300s -0.010..never\n"
	        "B data {Zb} 60s -0.010..never\n"
	        "B serving no ever..10\n"
	        "B serving yes -0.010..never\n");
	script_free(s);
}

// One address that answers differently each time: both contents are there all the time.
static void a_fickle_address(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	for (int64_t at = 0; at <= 100; at += 10) {
		show_keys(s, A2, at % 20 == 0 ? KA | ZA : KA | ZA | ZB, KA, 300);
		tick(s, at);
	}
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..-0.010\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..100\n"
	        "A dnskey {Ka Za} by {Ka} 300s -0.010..never\n");
	script_free(s);
}

// One of three goes back to what the others still show: that is the present content.
static void a_change_taken_back(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	show_keys(s, A1, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	show_keys(s, A1, KA | ZA, KA, 300);
	tick(s, 20);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..-0.010\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..20\n"
	        "A dnskey {Ka Za} by {Ka} 300s -0.010..never\n");
	struct safety_history h;
	assert_int_equal(
	        observe_view_history(s->view, s->wall_ms, false, &h, NULL, NULL), RESULT_OK);
	const struct safety_edition *e = safety_current(&h, A, SAFETY_DNSKEY);
	assert_int_equal(e->content, KA | ZA);
	assert_int_equal(e->until_ms, TIME_NEVER_MS);
	safety_history_free(&h);
	script_free(s);
}

// An address that was silent while the others changed twice: the newest is the current one all the
// same.
static void order_of_beginnings(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	silence(s, A3);
	show_keys(s, A1, KA | ZA | ZB, KA, 300);
	show_keys(s, A2, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	tick(s, 20);
	answer(s, A3);
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZB, KA, 300);
	tick(s, 30);
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..30\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s -0.010..30\n"
	        "A dnskey {Ka Zb} by {Ka} 300s -0.010..never\n");
	script_free(s);
}

static void a_lowered_ttl_counts_when_the_old_one_is_gone(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	show_ds(s, KA, 30);
	tick(s, 10);
	// Once may be a TTL that counts down.
	expect(s, "parent ds", "parent ds {Ka} 600s ever..never\n");
	tick(s, 20);
	expect(s, "parent ds",
	        "parent ds {Ka} 600s ever..20\n"
	        "parent ds {Ka} 30s 9.990..never\n");
	// Long after, the old one is forgotten.
	for (int64_t at = 600; at <= 6000; at += 600)
		tick(s, at);
	expect(s, "parent ds", "parent ds {Ka} 30s 9.990..never\n");
	script_free(s);
}

static void a_ds_for_nobody(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct dns_ds stranger;
	struct error err;
	assert_int_equal(dns_ds_parse("4711 13 2 "
	                              "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDD"
	                              "EEFF",
	                         &stranger, &err),
	        RESULT_OK);
	tick(s, 0);
	show_ds(s, KA, 600);
	s->cell[P1][SAFETY_DS].content[0].ds = &stranger;
	tick(s, 10);
	expect(s, "parent ds",
	        "parent ds {Ka} 600s ever..10\n"
	        "parent ds {unknown key 4711} 600s -0.010..never\n");
	struct safety_history h;
	struct safety_verdict v;
	assert_int_equal(
	        observe_view_history(s->view, s->wall_ms, true, &h, NULL, NULL), RESULT_OK);
	assert_int_equal(
	        safety_judge(&h, &safety_all_readers, s->wall_ms, s->wall_ms, &v), RESULT_OK);
	assert_int_equal(v.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	assert_int_equal(v.path[SAFETY_DIRECT].fault.rule, SAFETY_RULE_CHAIN);
	safety_history_free(&h);
	script_free(s);
}

// A parent that shows another stranger in each round: what does not fit any more is said, and what
// a history can hold is held.
static void more_strangers_than_a_history_holds(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	static struct dns_ds stranger[80];
	struct error err;
	char text[128];
	tick(s, 0);
	assert_false(is_blocked(s, 0));
	for (int i = 1; i < 80; i++) {
		snprintf(text, sizeof text, "%d 13 2 %064x", i, i);
		assert_int_equal(dns_ds_parse(text, &stranger[i], &err), RESULT_OK);
		show_ds(s, KA, 600);
		s->cell[P1][SAFETY_DS].content[0].ds = &stranger[i];
		tick(s, i);
		struct safety_history h;
		if (observe_view_history(s->view, s->wall_ms, true, &h, NULL, &err) != RESULT_OK)
			fail_msg("after %d: %s", i, err.text);
		safety_history_free(&h);
	}
	assert_true(is_blocked(s, 80));
	// Then it is over: until caches cannot hold any of it, the past is unknown.
	int64_t at = 100;
	show_ds(s, KA, 600);
	for (tick(s, at); at < 7 * 86400 && is_blocked(s, at); tick(s, at))
		at += 100;
	assert_false(is_blocked(s, at));
	assert_true(at > 700);
	script_free(s);
}

// A DS whose key is seen later only.
static void a_ds_before_its_key(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct dns_key *late = dns_key_ref(s->subject->keys[2].key);
	s->subject->key_count = 2; // Kb and Zb have no name
	dns_key_unref(s->subject->keys[2].key);
	dns_key_unref(s->subject->keys[3].key);
	script_restart(s);
	silence(s, B1);
	show_ds(s, KA | KB, 600);
	tick(s, 0);
	char text[80];
	snprintf(text, sizeof text, "parent ds {Ka unknown key %u} 600s ever..never\n",
	        dns_key_tag(late));
	expect(s, "parent ds", text);
	struct error err;
	assert_int_equal(observe_view_key_add(s->view, "late", late, &err), RESULT_OK);
	expect(s, "parent ds", "parent ds {Ka late} 600s ever..never\n");
	dns_key_unref(late);
	script_free(s);
}

static void an_unverified_ds_is_never_valid(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->cell[P1][SAFETY_DS].content[0].verified = false;
	tick(s, 0);
	expect_signed(s, "parent ds", "parent ds {Ka} 600s ever..never signed ever..ever\n");
	struct safety_history h;
	struct safety_verdict v;
	assert_int_equal(
	        observe_view_history(s->view, s->wall_ms, true, &h, NULL, NULL), RESULT_OK);
	assert_int_equal(
	        safety_judge(&h, &safety_all_readers, s->wall_ms, s->wall_ms, &v), RESULT_OK);
	assert_int_equal(v.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	safety_history_free(&h);
	script_free(s);
}

static void a_half_resigned_zone_is_two_editions(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->subject->publishers[A].samples_complete = true;
	script_restart(s);
	tick(s, 0);
	show_more_data(s, A1, ZB, 60);
	tick(s, 10);
	expect(s, "A data", "A data {Za} 60s ever..never\nA data {Zb} 60s -0.010..never\n");
	for (int p = A1; p <= A3; p++)
		show_data(s, (enum place)p, ZB, 60);
	tick(s, 20);
	expect(s, "A data", "A data {Za} 60s ever..20\nA data {Zb} 60s -0.010..never\n");
	script_free(s);
}

static void data_that_is_not_sampled_lingers(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	for (int p = A1; p <= A3; p++)
		show_data(s, (enum place)p, ZB, 60);
	tick(s, 10);
	expect(s, "A data",
	        "A data {Za} 60s ever..2592000\n"
	        "A data {Za} 60s ever..10\n"
	        "A data {Zb} 60s -0.010..never\n");
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_UNSAMPLED);
	assert_non_null(gap);
	assert_int_equal(gap->until_ms, START_MS + 30 * DAY_MS);
	script_free(s);
}

static void a_declared_data_ttl_counts(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->subject->publishers[A].data_ttl_s = 86400;
	s->subject->publishers[B].data_ttl_s = 0;
	script_restart(s);
	tick(s, 0);
	expect(s, "A data", "A data {Za} 86400s ever..never\n");
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_DATA_TTL);
	assert_non_null(gap);
	assert_int_equal(gap->publisher, B);
	assert_true(is_blocked(s, 0));
	script_free(s);
}

// A server that signs each answer anew: the history stays small, and says less than is true rather
// than more.
static void signatures_made_anew_each_time(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct safety_history h;
	for (int64_t at = 0; at <= 4 * 86400; at += 600) {
		for (int p = A1; p <= A3; p++) {
			sign(s, (enum place)p, SAFETY_DATA, at - 3600, at + 172800 + 7 * p);
			sign(s, (enum place)p, SAFETY_DNSKEY, at - 3600, at + 172800);
		}
		tick(s, at);
		assert_int_equal(observe_view_history(s->view, s->wall_ms, false, &h, NULL, NULL),
		        RESULT_OK);
		assert_true(h.count <= 20);
		assert_true(sizeof h + h.count * sizeof *h.editions <= 2048);
		const struct safety_edition *e = safety_current(&h, A, SAFETY_DNSKEY);
		assert_true(e->signed_until_ms <= s->wall_ms + 172800 * SECOND_MS);
		assert_true(e->signed_until_ms >= s->wall_ms + 86400 * SECOND_MS - 1);
		safety_history_free(&h);
	}
	script_free(s);
}

static void signatures_renewed_once(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->fold_off = true;
	for (int p = A1; p <= A3; p++)
		sign(s, (enum place)p, SAFETY_DNSKEY, -100, 1000);
	tick(s, 0);
	for (int p = A1; p <= A3; p++)
		sign(s, (enum place)p, SAFETY_DNSKEY, 90, 1400);
	tick(s, 100);
	// Beyond the TTL 600 seconds of 1000 are left: the earlier expiry goes on standing for the
	// later one…
	tick(s, 200);
	tick(s, 300);
	expect_signed(
	        s, "A dnskey", "A dnskey {Ka Za} by {Ka} 300s ever..never signed -100..1000\n");
	tick(s, 310);
	// …until 390 are left of 790. The instants are those at which the new one was first seen.
	expect_signed(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..100 signed -100..1000\n"
	        "A dnskey {Ka Za} by {Ka} 300s -0.010..never signed 90..1400\n");
	script_free(s);
}

static void a_shorter_signature_is_another_edition(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	sign(s, A1, SAFETY_DNSKEY, -100, 1000);
	tick(s, 10);
	expect_signed(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..never signed -86400..2592000\n"
	        "A dnskey {Ka Za} by {Ka} 300s -0.010..never signed -100..1000\n");
	script_free(s);
}

static void the_clock_set_back(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 1000);
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA | ZB, KA, 300);
	tick_set(s, 1010, 500);
	// The new one is there now at the latest; the old one was, by what the clock said, seen at
	// 1000.
	expect(s, "A dnskey",
	        "A dnskey {Ka Za} by {Ka} 300s ever..1000\n"
	        "A dnskey {Ka Za Zb} by {Ka} 300s 499.990..never\n");
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_CLOCK);
	assert_non_null(gap);
	assert_true(gap->blocks);
	assert_int_equal(gap->until_ms, START_MS + 1000 * SECOND_MS);
	assert_true(is_blocked(s, 999));
	assert_false(is_blocked(s, 1000));
	script_free(s);
}

static void the_clock_set_forward(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->subject->max_hole_ms = 30 * DAY_MS;
	script_restart(s);
	tick(s, 0);
	for (int p = A1; p <= A3; p++)
		show_keys(s, (enum place)p, KA | ZA | ZB, KA, 300);
	tick(s, 10);
	expect(s, "A dnskey {Ka Za} ", "A dnskey {Ka Za} by {Ka} 300s ever..10\n");
	// One second later it is an hour later: the old set has not become old by that.
	tick_set(s, 11, 3611);
	expect(s, "A dnskey {Ka Za} ", "A dnskey {Ka Za} by {Ka} 300s ever..3610\n");
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_CLOCK);
	assert_non_null(gap);
	assert_false(gap->blocks);
	script_free(s);
}

static void a_hole_makes_the_past_unknown_again(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	assert_false(is_blocked(s, 3600));
	assert_true(is_blocked(s, 3601)); // the last look is too long ago
	tick(s, 7200);
	const struct observe_gap *gap = gap_find(s, OBSERVE_GAP_PAST);
	assert_non_null(gap);
	assert_int_equal(gap->until_ms, START_MS + (7200 + 2560) * SECOND_MS);
	script_free(s);
}

static void problems_of_the_last_round_are_gaps(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->problem = (struct observe_gap){.kind = OBSERVE_GAP_UNKNOWN_SERVER,
	        .blocks = true,
	        .until_ms = TIME_NEVER_MS,
	        .text = "192.0.2.1 names the name server ns.stranger., which belongs to no known "
	                "group."};
	tick(s, 0);
	assert_non_null(gap_find(s, OBSERVE_GAP_UNKNOWN_SERVER));
	assert_true(is_blocked(s, 0));
	s->problem.text[0] = '\0';
	tick(s, 10);
	assert_null(gap_find(s, OBSERVE_GAP_UNKNOWN_SERVER));
	script_free(s);
}

static void partly_answered_data_adds_and_removes_nothing(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	tick(s, 0);
	show_data(s, A1, ZB, 60);
	s->cell[A1][SAFETY_DATA].state = OBSERVE_PARTLY;
	tick(s, 10);
	expect(s, "A data", "A data {Za} 60s ever..never\nA data {Zb} 60s -0.010..never\n");
	assert_non_null(gap_find(s, OBSERVE_GAP_SILENT));
	assert_true(is_blocked(s, 10));
	script_free(s);
}

static void insecure_after_secure_is_remembered(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	s->subject->max_hole_ms = 30 * DAY_MS;
	script_restart(s);
	tick(s, 0);
	show_ds(s, 0, 60);
	tick(s, 10);
	for (int64_t at = 1000; at < 100000; at += 10000)
		tick(s, at);
	expect(s, "parent ds", "parent ds {Ka} 600s ever..10\nparent ds {} 60s -0.010..never\n");
	script_free(s);
}

static void rounds_of_others_are_refused(void **state)
{
	(void)state;
	struct script *s = script_new();
	struct error err;
	tick(s, 0);
	s->last->subject[0] ^= 1;
	assert_int_equal(observe_view_feed(s->view, s->last, &err), RESULT_INPUT);
	json_t *json;
	struct observe_round *read;
	assert_int_equal(observe_round_to_json(s->last, &json, &err), RESULT_OK);
	assert_int_equal(observe_round_from_json(s->subject, json, &read, &err), RESULT_CONFLICT);
	json_decref(json);
	script_free(s);
}

static void a_subject_survives_json(void **state)
{
	(void)state;
	struct script *s = script_new_with_past();
	struct error err;
	struct observe_subject *read;
	json_t *json;
	uint8_t one[32], other[32];
	observe_subject_sample(s->subject, "www.example.test", DNS_TYPE_A, &err);
	observe_subject_anchor(s->subject,
	        "1 13 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF", &err);
	assert_int_equal(observe_subject_to_json(s->subject, &json, &err), RESULT_OK);
	assert_int_equal(observe_subject_from_json(json, &read, &err), RESULT_OK);
	assert_int_equal(observe_subject_hash(s->subject, one, &err), RESULT_OK);
	assert_int_equal(observe_subject_hash(read, other, &err), RESULT_OK);
	assert_memory_equal(one, other, 32);
	json_object_set_new(json, "more", json_true());
	struct observe_subject *none = NULL;
	assert_int_equal(observe_subject_from_json(json, &none, &err), RESULT_INPUT);
	assert_null(none);
	json_decref(json);
	observe_subject_free(read);
	script_free(s);
}

static void subjects_are_checked(void **state)
{
	(void)state;
	struct observe_subject *s;
	struct error err;
	int group;
	assert_int_equal(observe_subject_new(".", NULL, &s, &err), RESULT_INPUT);
	assert_int_equal(observe_subject_new("a.test", "b.test", &s, &err), RESULT_INPUT);
	assert_int_equal(observe_subject_new("a.test", "test", &s, &err), RESULT_OK);
	assert_int_equal(observe_subject_group(s, "A", 0, &group, &err), RESULT_OK);
	assert_int_equal(group, 1);
	assert_int_equal(observe_subject_group(s, "A", 0, &group, &err), RESULT_CONFLICT);
	assert_int_equal(observe_subject_group(s, "parent", 0, &group, &err), RESULT_CONFLICT);
	assert_int_equal(observe_subject_group(s, "with space", 0, &group, &err), RESULT_INPUT);
	assert_int_equal(observe_subject_sample(s, "www.b.test", DNS_TYPE_A, &err), RESULT_INPUT);
	assert_int_equal(
	        observe_subject_sample(s, "www.a.test", DNS_TYPE_RRSIG, &err), RESULT_INPUT);
	assert_int_equal(observe_subject_sample(s, "www.a.test", DNS_TYPE_ANY, &err), RESULT_INPUT);
	assert_int_equal(observe_subject_sample(s, "www.a.test", DNS_TYPE_A, &err), RESULT_OK);
	assert_int_equal(observe_subject_key(s, "K", "257 3 13", &err), RESULT_INPUT);
	observe_subject_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(first_round_is_since_ever),
	        cmocka_unit_test(past_is_unknown_for_one_set_of_lifetimes),
	        cmocka_unit_test(declared_past_counts),
	        cmocka_unit_test(nothing_observed_blocks),
	        cmocka_unit_test(a_change_spreads_over_addresses),
	        cmocka_unit_test(declared_lag_widens_both_ends),
	        cmocka_unit_test(a_silent_address_keeps_what_it_showed),
	        cmocka_unit_test(a_silent_address_can_be_declared_gone),
	        cmocka_unit_test(an_address_that_never_answered_blocks),
	        cmocka_unit_test(a_group_that_falls_silent_does_not_serve),
	        cmocka_unit_test(a_group_that_refuses_does_not_serve),
	        cmocka_unit_test(a_fickle_address),
	        cmocka_unit_test(a_change_taken_back),
	        cmocka_unit_test(order_of_beginnings),
	        cmocka_unit_test(a_lowered_ttl_counts_when_the_old_one_is_gone),
	        cmocka_unit_test(a_ds_for_nobody),
	        cmocka_unit_test(more_strangers_than_a_history_holds),
	        cmocka_unit_test(a_ds_before_its_key),
	        cmocka_unit_test(an_unverified_ds_is_never_valid),
	        cmocka_unit_test(a_half_resigned_zone_is_two_editions),
	        cmocka_unit_test(data_that_is_not_sampled_lingers),
	        cmocka_unit_test(a_declared_data_ttl_counts),
	        cmocka_unit_test(signatures_made_anew_each_time),
	        cmocka_unit_test(signatures_renewed_once),
	        cmocka_unit_test(a_shorter_signature_is_another_edition),
	        cmocka_unit_test(the_clock_set_back),
	        cmocka_unit_test(the_clock_set_forward),
	        cmocka_unit_test(a_hole_makes_the_past_unknown_again),
	        cmocka_unit_test(problems_of_the_last_round_are_gaps),
	        cmocka_unit_test(partly_answered_data_adds_and_removes_nothing),
	        cmocka_unit_test(insecure_after_secure_is_remembered),
	        cmocka_unit_test(rounds_of_others_are_refused),
	        cmocka_unit_test(a_subject_survives_json),
	        cmocka_unit_test(subjects_are_checked),
	};
	return cmocka_run_group_tests_name("observe view", tests, NULL, NULL);
}
