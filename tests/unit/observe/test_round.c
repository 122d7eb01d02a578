// Whole rounds on the simulated network: what servers say, true and false, and that nothing is ever
// safe on evidence that is missing, damaged or forged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "observe/observe.h"
#include "toy.h"

#define NOW_MS INT64_C(1800000000000)

enum { PARENT_KSK, PARENT_ZSK, A_KSK, A_ZSK, B_KSK, B_ZSK };

struct fixture {
	struct sim *sim;
	struct loop *loop;
	struct query_engine *engine;
	struct toy parent, a1, a2, b;
	struct observe_subject *subject;
	struct observer *observer;
	struct observe_view *view;
	struct observe_round *round;
	struct observe_gaps gaps;
	struct safety_history history;
	struct safety_verdict verdict;
	bool blocked;
};

static void must(enum result result, const struct error *err)
{
	if (result != RESULT_OK)
		fail_msg("%s", err->text);
}

static void child_make(struct toy *toy, bool is_a)
{
	toy_init(toy, "example.test", NOW_MS);
	toy_key(toy, is_a ? A_KSK : B_KSK, TOY_KSK);
	toy_key(toy, is_a ? A_ZSK : B_ZSK, TOY_ZSK);
	toy_add(toy, "example.test. 60 SOA ns.example.test. h.example.test. 1 300 60 86400 30");
	toy_add(toy,
	        is_a ? "example.test. 100 NS ns1.a.test." : "example.test. 100 NS ns1.b.test.");
	if (is_a)
		toy_add(toy, "example.test. 100 NS ns2.example.test.");
	toy_add(toy, "ns2.example.test. 400 AAAA 2001:db8::2");
	toy_add(toy, "www.example.test. 200 A 192.0.2.80");
}

static void world_make(struct fixture *f)
{
	toy_init(&f->parent, "test", NOW_MS);
	toy_key(&f->parent, PARENT_KSK, TOY_KSK);
	toy_key(&f->parent, PARENT_ZSK, TOY_ZSK);
	child_make(&f->a1, true);
	child_make(&f->a2, true);
	child_make(&f->b, false);
	toy_add(&f->parent, "test. 90 SOA ns.test. h.test. 1 300 60 86400 45");
	toy_add(&f->parent, "test. 90 NS ns.test.");
	toy_add(&f->parent, "example.test. 180 NS ns1.a.test.");
	toy_add(&f->parent, "example.test. 180 NS ns2.example.test.");
	toy_add(&f->parent, "ns1.a.test. 240 A 198.51.100.1");
	toy_add(&f->parent, "ns2.example.test. 240 AAAA 2001:db8::2");
	toy_add_ds(&f->parent, &f->a1, A_KSK);
	toy_put(f->sim, "192.0.2.1", &f->parent);
	toy_put(f->sim, "198.51.100.1", &f->a1);
	toy_put(f->sim, "2001:db8::2", &f->a2);
	toy_put(f->sim, "203.0.113.1", &f->b);
}

static void server_add(struct fixture *f, int publisher, const char *name, const char *address)
{
	struct address at;
	struct error err;
	must(address_parse(address, 53, &at, &err), &err);
	must(observe_subject_server(f->subject, publisher, name, &at, &err), &err);
}

static void name_key(struct fixture *f, const char *name, const struct toy *toy, unsigned key)
{
	struct error err;
	must(observe_subject_key(
	             f->subject, name, dns_key_text(toy->keys[key].dnskey, toy->arena), &err),
	        &err);
}

static void subject_make(struct fixture *f)
{
	struct error err;
	int a, b;
	must(observe_subject_new("example.test", NULL, &f->subject, &err), &err);
	must(observe_subject_group(f->subject, "A", 0, &a, &err), &err);
	must(observe_subject_group(f->subject, "B", 0, &b, &err), &err);
	server_add(f, 0, "ns.test", "192.0.2.1");
	server_add(f, a, "ns1.a.test", "198.51.100.1");
	server_add(f, a, "ns2.example.test", "2001:db8::2");
	server_add(f, b, "ns1.b.test", "203.0.113.1");
	name_key(f, "A.ksk", &f->a1, A_KSK);
	name_key(f, "A.zsk", &f->a1, A_ZSK);
	name_key(f, "B.ksk", &f->b, B_KSK);
	name_key(f, "B.zsk", &f->b, B_ZSK);
	must(observe_subject_sample(f->subject, "www.example.test", DNS_TYPE_A, &err), &err);
	f->subject->publishers[a].data_ttl_s = f->subject->publishers[b].data_ttl_s = 100;
	f->subject->past_since_ms = NOW_MS - 30 * DAY_MS;
}

static void observer_make(struct fixture *f)
{
	struct error err;
	observer_free(f->observer);
	observe_view_free(f->view);
	must(observer_new(
	             f->loop, f->engine, sim_random(f->sim), f->subject, NULL, &f->observer, &err),
	        &err);
	f->view = observe_view_new(f->subject);
	assert_non_null(f->view);
}

static struct fixture *fixture_new(uint64_t seed)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;
	assert_non_null(f);
	f->sim = sim_new(seed, NOW_MS);
	f->loop = sim_loop(f->sim);
	must(query_engine_new(f->loop, sim_random(f->sim), NULL, &f->engine, &err), &err);
	world_make(f);
	subject_make(f);
	observer_make(f);
	return f;
}

static void fixture_free(struct fixture *f)
{
	observer_free(f->observer);
	observe_view_free(f->view);
	observe_round_free(f->round);
	observe_subject_free(f->subject);
	safety_history_free(&f->history);
	query_engine_free(f->engine);
	toy_free(&f->parent);
	toy_free(&f->a1);
	toy_free(&f->a2);
	toy_free(&f->b);
	sim_free(f->sim);
	free(f);
}

static int setup(void **state)
{
	*state = fixture_new(1);
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void round_done(void *ctx, struct observe_round *round)
{
	struct fixture *f = ctx;
	observe_round_free(f->round);
	f->round = round;
	loop_stop(f->loop);
}

static void judge(struct fixture *f)
{
	struct error err = {0};
	int64_t now_ms = observe_view_last_ms(f->view);
	safety_history_free(&f->history);
	must(observe_view_history(f->view, now_ms, true, &f->history, &f->gaps, &err), &err);
	f->blocked = observe_gaps_block(&f->gaps, now_ms);
	must(safety_judge(&f->history, &safety_all_readers, now_ms, now_ms, &f->verdict), &err);
}

static void observe(struct fixture *f)
{
	struct error err = {0};
	struct observe_round *last = f->round;
	must(observer_round(f->observer, round_done, f, &err), &err);
	assert_int_equal(observer_round(f->observer, round_done, f, &err), RESULT_CONFLICT);
	while (observer_is_running(f->observer))
		loop_run(f->loop, TIME_NEVER_MS);
	assert_ptr_not_equal(last, f->round);
	must(observe_view_feed(f->view, f->round, &err), &err);
	judge(f);
}

static const struct observe_gap *gap_find(struct fixture *f, enum observe_gap_kind kind)
{
	for (size_t i = 0; i < f->gaps.count; i++)
		if (f->gaps.gap[i].kind == kind)
			return &f->gaps.gap[i];
	return NULL;
}

static const struct safety_edition *current(struct fixture *f, int publisher, enum safety_kind kind)
{
	return safety_current(&f->history, publisher, kind);
}

static uint64_t key_bit(struct fixture *f, const struct toy *toy, unsigned key)
{
	int n = observe_view_key_find(f->view, toy->keys[key].dnskey);
	return n < 0 ? 0 : UINT64_C(1) << n;
}

static bool is_safe(const struct fixture *f)
{
	return !f->blocked && f->verdict.path[SAFETY_DIRECT].word == SAFETY_SAFE &&
	       f->verdict.path[SAFETY_FORWARDER].word == SAFETY_SAFE;
}

// ---- The good case --------------------------------------------------------------------------

static void everything_is_well(void **state)
{
	struct fixture *f = *state;
	observe(f);
	for (size_t i = 0; i < f->gaps.count; i++)
		if (f->gaps.gap[i].blocks)
			fail_msg("%s", f->gaps.gap[i].text);
	assert_non_null(gap_find(f, OBSERVE_GAP_UNANCHORED));
	assert_true(is_safe(f));
	uint64_t ksk = key_bit(f, &f->a1, A_KSK), zsk = key_bit(f, &f->a1, A_ZSK);
	assert_int_equal(current(f, 0, SAFETY_DS)->ttl_s, 600);
	assert_int_equal(UINT64_C(1) << f->history.ds_key[0], ksk);
	assert_int_equal(current(f, 0, SAFETY_DS)->signed_until_ms, NOW_MS + 30 * DAY_MS);
	assert_int_equal(current(f, 0, SAFETY_NS)->content, 1 << 1);
	assert_int_equal(current(f, 0, SAFETY_NS)->ttl_s, 240); // the glue's
	assert_int_equal(current(f, 1, SAFETY_NS)->ttl_s, 400); // the address inside the zone
	assert_int_equal(current(f, 1, SAFETY_DNSKEY)->content, ksk | zsk);
	assert_int_equal(current(f, 1, SAFETY_DNSKEY)->signers, ksk);
	assert_int_equal(current(f, 1, SAFETY_DNSKEY)->signed_from_ms, NOW_MS - DAY_MS);
	assert_int_equal(current(f, 1, SAFETY_DATA)->content, zsk);
	assert_int_equal(current(f, 1, SAFETY_DATA)->ttl_s, 400);
	assert_int_equal(current(f, 2, SAFETY_NS)->content, 1 << 2);
	// All at once: a round takes hardly longer than one question.
	assert_true(f->round->end_ms - f->round->start_ms < 100);
	for (size_t i = 0; i < f->round->answer_count; i++)
		assert_non_null(f->round->answers[i].raw);
}

static void a_right_anchor_leads_to_the_parents_keys(void **state)
{
	struct fixture *f = *state;
	struct dns_ds ds;
	struct error err;
	char text[DNS_DS_TEXT];
	must(dns_ds_from_key(f->parent.keys[PARENT_KSK].dnskey, 2, &ds, &err), &err);
	must(observe_subject_anchor(f->subject, dns_ds_text(&ds, text), &err), &err);
	observer_make(f);
	observe(f);
	assert_true(is_safe(f));
	assert_null(gap_find(f, OBSERVE_GAP_UNANCHORED));
}

static void a_wrong_anchor_does_not(void **state)
{
	struct fixture *f = *state;
	struct dns_ds ds;
	struct error err;
	char text[DNS_DS_TEXT];
	must(dns_ds_from_key(f->parent.keys[PARENT_ZSK].dnskey, 2, &ds, &err), &err);
	must(observe_subject_anchor(f->subject, dns_ds_text(&ds, text), &err), &err);
	observer_make(f);
	observe(f);
	assert_false(is_safe(f));
	assert_true(f->blocked);
	assert_non_null(gap_find(f, OBSERVE_GAP_UNVERIFIED));
}

static void absence_of_ds_is_proven(void **state)
{
	struct fixture *f = *state;
	toy_remove(&f->parent, "example.test", DNS_TYPE_DS);
	observe(f);
	assert_false(f->blocked);
	assert_int_equal(current(f, 0, SAFETY_DS)->content, 0);
	assert_int_equal(current(f, 0, SAFETY_DS)->ttl_s, 45); // min(SOA TTL, minimum)
	assert_int_equal(current(f, 0, SAFETY_DS)->signed_until_ms, NOW_MS + 30 * DAY_MS);
	f->parent.no_proof = true;
	observe(f);
	assert_true(f->blocked);
	assert_non_null(gap_find(f, OBSERVE_GAP_UNVERIFIED));
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
}

// ---- More than is read ----------------------------------------------------------------------

// The gap that says so names the limit; nothing else is said of that address, and nothing is safe.
static void is_over_the_limit(struct fixture *f, const char *text)
{
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_LIMIT);
	assert_non_null(gap);
	assert_true(gap->blocks);
	assert_string_equal(gap->text, text);
	assert_null(gap_find(f, OBSERVE_GAP_NEVER_ANSWERED));
	assert_null(gap_find(f, OBSERVE_GAP_SILENT));
	assert_null(gap_find(f, OBSERVE_GAP_UNUSABLE));
	assert_true(f->blocked);
}

static void many_ds(struct toy *parent, unsigned count)
{
	char text[120];
	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof text, "example.test. 600 DS %u 15 2 %064X", 1000 + i, i);
		toy_add(parent, text);
	}
}

static void more_ds_records_than_are_read(void **state)
{
	struct fixture *f = *state;
	many_ds(&f->parent, 100);
	observe(f);
	is_over_the_limit(
	        f, "192.0.2.1@53 (ns.test.) serves 101 DS records; Baton reads at most 32.");
	// What was shown before goes on, as with an address that is silent.
	toy_remove(&f->parent, "example.test", DNS_TYPE_DS);
	toy_add_ds(&f->parent, &f->a1, A_KSK);
	observe(f);
	assert_true(is_safe(f));
	many_ds(&f->parent, 100);
	observe(f);
	is_over_the_limit(
	        f, "192.0.2.1@53 (ns.test.) serves 101 DS records; Baton reads at most 32.");
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_SAFE);
}

static void many_keys(struct toy *toy, const char *type, unsigned count)
{
	char text[160];
	for (unsigned i = 0; i < count; i++) {
		// 4/3 of 32 octets, of which 30 are the same.
		snprintf(text, sizeof text,
		        "%s %s 256 3 15 %04uAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		        dns_name_equal(toy->zone.wire, (const uint8_t *)"\4test")
		                ? "test. 300"
		                : "example.test. 300",
		        type, i);
		toy_add(toy, text);
	}
}

static void more_keys_than_are_read(void **state)
{
	struct fixture *f = *state;
	many_keys(&f->a1, "DNSKEY", 88);
	observe(f);
	is_over_the_limit(f,
	        "198.51.100.1@53 (ns1.a.test.) serves 90 records in its DNSKEY set; Baton reads at "
	        "most 64.");
	// The keys of others are read.
	assert_int_not_equal(current(f, 2, SAFETY_DNSKEY)->signers, 0);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_SAFE);
}

static void more_keys_than_any_set_has(void **state)
{
	struct fixture *f = *state;
	many_keys(&f->a1, "DNSKEY", 268);
	observe(f);
	is_over_the_limit(f,
	        "198.51.100.1@53 (ns1.a.test.) serves 270 records in its DNSKEY set; Baton reads "
	        "at most 64.");
}

static void more_keys_in_all_than_are_told_apart(void **state)
{
	struct fixture *f = *state;
	many_keys(&f->a1, "DNSKEY", 60);
	toy_key(&f->a2, 6, TOY_IDLE);
	toy_key(&f->a2, 7, TOY_IDLE);
	observe(f);
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_LIMIT);
	assert_non_null(gap);
	assert_non_null(strstr(gap->text, "more than 64 different keys"));
	assert_true(f->blocked);
}

static void more_keys_of_the_parent_than_are_read(void **state)
{
	struct fixture *f = *state;
	many_keys(&f->parent, "DNSKEY", 88);
	observe(f);
	is_over_the_limit(f,
	        "192.0.2.1@53 (ns.test.) serves 90 records in the DNSKEY set of test.; Baton reads "
	        "at most 64.");
}

static void more_signals_than_are_read(void **state)
{
	struct fixture *f = *state;
	many_keys(&f->b, "CDNSKEY", 70);
	observe(f);
	is_over_the_limit(f,
	        "203.0.113.1@53 (ns1.b.test.) serves 70 records in its CDNSKEY set; Baton reads at "
	        "most 64.");
}

// ---- Forged, expired, missing ---------------------------------------------------------------

static void a_forged_dnskey_set_is_signed_by_nobody(void **state)
{
	struct fixture *f = *state;
	f->a2.forge_dnskey = true;
	observe(f);
	assert_false(is_safe(f));
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].fault.rule, SAFETY_RULE_CHAIN);
	bool found = false;
	for (int i = 0; i < f->history.count; i++)
		found |= f->history.editions[i].kind == SAFETY_DNSKEY &&
		         f->history.editions[i].publisher == 1 &&
		         f->history.editions[i].signers == 0;
	assert_true(found);
	assert_non_null(gap_find(f, OBSERVE_GAP_DISAGREE));
}

static void expired_signatures_count_as_none(void **state)
{
	struct fixture *f = *state;
	f->a1.until_s = f->a2.until_s = (uint32_t)(NOW_MS / 1000 - 1);
	observe(f);
	assert_int_equal(current(f, 1, SAFETY_DNSKEY)->signers, 0);
	assert_int_equal(current(f, 1, SAFETY_DATA)->content, 0);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
}

static void an_expired_ds_is_unverified(void **state)
{
	struct fixture *f = *state;
	f->parent.until_s = (uint32_t)(NOW_MS / 1000 - 1);
	observe(f);
	assert_true(f->blocked);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
}

static void an_unsigned_zone_under_a_ds_is_bogus(void **state)
{
	struct fixture *f = *state;
	f->a1.no_signatures = f->a2.no_signatures = true;
	observe(f);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
}

static void a_wrong_ds_is_bogus(void **state)
{
	struct fixture *f = *state;
	toy_remove(&f->parent, "example.test", DNS_TYPE_DS);
	toy_add_ds(&f->parent, &f->b, B_KSK);
	observe(f);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	assert_int_equal(UINT64_C(1) << f->history.ds_key[0], key_bit(f, &f->b, B_KSK));
}

static void data_of_a_key_that_left_the_dnskey_set(void **state)
{
	struct fixture *f = *state;
	observe(f);
	uint64_t zsk = key_bit(f, &f->a1, A_ZSK);
	// The old ZSK goes on signing, without being published any more.
	f->a1.record_count = f->a2.record_count = 0;
	for (struct toy *toy = &f->a1; toy <= &f->a2; toy++) {
		toy_add(toy,
		        "example.test. 60 SOA ns.example.test. h.example.test. 1 300 60 86400 30");
		toy_add(toy, "example.test. 100 NS ns1.a.test.");
		toy_add(toy, "example.test. 100 NS ns2.example.test.");
		toy_add(toy, "ns2.example.test. 400 AAAA 2001:db8::2");
		toy_add(toy, "www.example.test. 200 A 192.0.2.80");
		dns_key_unref(toy->keys[A_KSK].dnskey);
		EVP_PKEY_free(toy->keys[A_KSK].key);
		toy_key(toy, A_KSK, TOY_KSK);
	}
	loop_run(f->loop, loop_now_ms(f->loop) + 1000);
	observe(f);
	assert_int_equal(current(f, 1, SAFETY_DNSKEY)->content & zsk, 0);
	assert_int_equal(current(f, 1, SAFETY_DATA)->content, zsk);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].fault.rule, SAFETY_RULE_DATA);
}

// ---- Servers --------------------------------------------------------------------------------

static void an_unknown_name_server_blocks(void **state)
{
	struct fixture *f = *state;
	toy_add(&f->parent, "example.test. 180 NS ns.stranger.example.");
	observe(f);
	assert_true(f->blocked);
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_UNKNOWN_SERVER);
	assert_non_null(gap);
	assert_non_null(strstr(gap->text, "ns.stranger.example."));
	assert_false(is_safe(f));
}

static void an_unknown_address_of_a_known_server_blocks(void **state)
{
	struct fixture *f = *state;
	toy_add(&f->parent, "ns1.a.test. 240 A 198.51.100.77");
	observe(f);
	assert_true(f->blocked);
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_UNKNOWN_SERVER);
	assert_non_null(gap);
	assert_non_null(strstr(gap->text, "198.51.100.77"));
}

static void a_known_name_with_the_others_address(void **state)
{
	struct fixture *f = *state;
	toy_remove(&f->parent, "ns1.a.test", DNS_TYPE_A);
	toy_add(&f->parent, "ns1.a.test. 240 A 203.0.113.1");
	observe(f);
	assert_int_equal(current(f, 0, SAFETY_NS)->content, 1 << 1 | 1 << 2);
	assert_false(is_safe(f)); // B's keys have no DS
}

static void a_server_that_never_answers_over_v6(void **state)
{
	struct fixture *f = *state;
	f->a2.mute = 1000000;
	observe(f);
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_NEVER_ANSWERED);
	assert_non_null(gap);
	assert_true(gap->blocks);
	assert_int_equal(gap->server.family, 6);
	assert_false(is_safe(f));
	assert_true(f->round->end_ms - f->round->start_ms <= 10 * SECOND_MS);
}

static void a_server_that_falls_silent(void **state)
{
	struct fixture *f = *state;
	observe(f);
	assert_true(is_safe(f));
	f->a2.mute = 1000000;
	observe(f);
	assert_false(is_safe(f));
	assert_non_null(gap_find(f, OBSERVE_GAP_SILENT));
	assert_int_equal(current(f, 1, SAFETY_SERVING)->content, 1);
	f->a2.mute = 0;
	observe(f);
	assert_true(is_safe(f));
}

static void a_server_that_loses_the_zone(void **state)
{
	struct fixture *f = *state;
	observe(f);
	f->a1.rcode = f->a2.rcode = DNS_RCODE_REFUSED;
	observe(f);
	assert_int_equal(current(f, 1, SAFETY_SERVING)->content, 0);
	assert_int_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_UNREACHABLE);
}

static void a_lame_server_does_not_serve(void **state)
{
	struct fixture *f = *state;
	f->a1.lame = f->a2.lame = true;
	observe(f);
	assert_int_equal(current(f, 1, SAFETY_SERVING)->content, 0);
	assert_false(is_safe(f));
}

static void a_server_that_answers_differently_each_time(void **state)
{
	struct fixture *f = *state;
	toy_key(&f->a2, B_ZSK, TOY_IDLE);
	f->a2.fickle = true;
	for (int i = 0; i < 10; i++) {
		observe(f);
		loop_run(f->loop, loop_now_ms(f->loop) + 777);
		// Which question meets which answer varies; the number of editions does not grow.
		assert_true(f->history.count < 30);
	}
	unsigned sets = 0;
	for (int i = 0; i < f->history.count; i++)
		sets += f->history.editions[i].publisher == 1 &&
		        f->history.editions[i].kind == SAFETY_DNSKEY;
	assert_true(sets >= 1);
}

static void a_parent_that_serves_the_child_too(void **state)
{
	struct fixture *f = *state;
	// Its address is that of A's first server: it answers with A's zone, without a referral.
	server_add(f, 0, "ns.test", "198.51.100.1");
	observer_make(f);
	observe(f);
	const struct observe_gap *gap = gap_find(f, OBSERVE_GAP_PARENT_SERVES_CHILD);
	assert_non_null(gap);
	assert_true(current(f, 0, SAFETY_NS)->content & 1 << 1);
	assert_true(f->blocked); // it knows no DS
}

static void no_parent_no_safety(void **state)
{
	struct fixture *f = *state;
	f->parent.mute = 1000000;
	observe(f);
	assert_true(f->blocked);
	assert_int_not_equal(f->verdict.path[SAFETY_DIRECT].word, SAFETY_SAFE);
}

// ---- Damage ---------------------------------------------------------------------------------

// At the parent and at A; B is not delegated, so nobody meets what it serves.
static bool same_content(struct fixture *f, const struct safety_history *truth)
{
	for (int p = 0; p <= 1; p++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			const struct safety_edition *was = safety_current(truth, p, kind),
			                            *is = safety_current(&f->history, p, kind);
			if (kind == SAFETY_NS || was == NULL)
				continue;
			if (is == NULL || is->content != was->content ||
			        is->signers != was->signers)
				return false;
		}
	return true;
}

// Whatever is damaged on the way: no crash, and safe only where everything that carries signatures
// is as it should be.
static void damage_never_makes_anything_safe(void **state)
{
	(void)state;
	struct fixture *good = fixture_new(99);
	observe(good);
	assert_true(is_safe(good));
	unsigned safe = 0, unsafe = 0;
	for (uint64_t seed = 0; seed < 150; seed++) {
		struct fixture *f = fixture_new(seed);
		struct toy *toys[] = {&f->parent, &f->a1, &f->a2, &f->b};
		for (int i = 0; i < 4; i++) {
			toys[i]->flip = (seed >> i & 1) != 0;
			toys[i]->cut = (seed % 5) == (uint64_t)i;
		}
		observe(f);
		if (is_safe(f))
			assert_true(same_content(f, &good->history));
		*(is_safe(f) ? &safe : &unsafe) += 1;
		fixture_free(f);
	}
	assert_true(unsafe > 100);
	fixture_free(good);
}

static void lossy_networks_are_asked_again(void **state)
{
	struct fixture *f = *state;
	f->a1.mute = f->a2.mute = f->b.mute = 5;
	observe(f);
	assert_true(is_safe(f));
}

static void a_round_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct error err;
	observer_free(f->observer);
	struct observe_options options = {.deadline_ms = 700, .timeout_ms = 500, .tries = 5};
	must(observer_new(f->loop, f->engine, sim_random(f->sim), f->subject, &options,
	             &f->observer, &err),
	        &err);
	f->b.mute = 1000000;
	observe(f);
	assert_int_equal(f->round->end_ms - f->round->start_ms, 700);
	assert_non_null(gap_find(f, OBSERVE_GAP_NEVER_ANSWERED));
}

static void cancelled_and_freed_while_running(void **state)
{
	struct fixture *f = *state;
	struct error err;
	must(observer_round(f->observer, round_done, f, &err), &err);
	observer_cancel(f->observer);
	assert_false(observer_is_running(f->observer));
	loop_run(f->loop, TIME_NEVER_MS);
	assert_null(f->round);
	must(observer_round(f->observer, round_done, f, &err), &err);
	observer_free(f->observer);
	f->observer = NULL;
	loop_run(f->loop, TIME_NEVER_MS);
	assert_null(f->round);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(everything_is_well),
	        TEST(a_right_anchor_leads_to_the_parents_keys),
	        TEST(a_wrong_anchor_does_not),
	        TEST(absence_of_ds_is_proven),
	        TEST(more_ds_records_than_are_read),
	        TEST(more_keys_than_are_read),
	        TEST(more_keys_than_any_set_has),
	        TEST(more_keys_in_all_than_are_told_apart),
	        TEST(more_keys_of_the_parent_than_are_read),
	        TEST(more_signals_than_are_read),
	        TEST(a_forged_dnskey_set_is_signed_by_nobody),
	        TEST(expired_signatures_count_as_none),
	        TEST(an_expired_ds_is_unverified),
	        TEST(an_unsigned_zone_under_a_ds_is_bogus),
	        TEST(a_wrong_ds_is_bogus),
	        TEST(data_of_a_key_that_left_the_dnskey_set),
	        TEST(an_unknown_name_server_blocks),
	        TEST(an_unknown_address_of_a_known_server_blocks),
	        TEST(a_known_name_with_the_others_address),
	        TEST(a_server_that_never_answers_over_v6),
	        TEST(a_server_that_falls_silent),
	        TEST(a_server_that_loses_the_zone),
	        TEST(a_lame_server_does_not_serve),
	        TEST(a_server_that_answers_differently_each_time),
	        TEST(a_parent_that_serves_the_child_too),
	        TEST(no_parent_no_safety),
	        cmocka_unit_test(damage_never_makes_anything_safe),
	        TEST(lossy_networks_are_asked_again),
	        TEST(a_round_ends_at_its_deadline),
	        TEST(cancelled_and_freed_while_running),
	};
	return cmocka_run_group_tests_name("observe round", tests, NULL, NULL);
}
