// Whole changes to their end, with TTLs of hours and days, and what the engine must not be told
// wrong.
#include "scene.h"

#include <stdio.h>

enum { LOSING = 1 << SIMDNS_LOSING, GAINING = 1 << SIMDNS_GAINING };

static void finish(struct scene *s, int64_t for_ms)
{
	scene_run(s, for_ms);
	if (s->end != CHANGE_FINISHED)
		fail_msg("not finished: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
}

static void expect_moved(struct scene *s)
{
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), GAINING);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_GAINING), GAINING);
	assert_int_equal(
	        simdns_keys(s->dns, SIMDNS_GAINING), SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
}

static void cooperative_change_is_safe_to_its_end(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 1});
	finish(s, 30 * DAY_MS);
	expect_moved(s);
	assert_false(simdns_serving(s->dns, SIMDNS_LOSING));
	assert_int_equal(simdns_updates(s->dns, SIMDNS_GAINING), 2);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_LOSING), 2);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 3);
	assert_int_equal(s->commands, 1);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// The servers stop to answer at all, which is no evidence by itself.
static void servers_that_are_switched_off_are_gone(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 2});
	s->stops_dark = true;
	finish(s, 30 * DAY_MS);
	expect_moved(s);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static uint64_t run_once(uint64_t seed, char *log, size_t size)
{
	struct scene *s = scene_new(&(struct scene_options){.seed = seed});
	finish(s, 30 * DAY_MS);
	uint64_t trace = sim_trace_hash(s->sim);
	snprintf(log, size, "%s", buffer_text(&s->log));
	scene_free(s);
	return trace;
}

static void a_seed_repeats_a_change_exactly(void **state)
{
	(void)state;
	static char log[2][20000];
	uint64_t one = run_once(7, log[0], sizeof log[0]),
	         again = run_once(7, log[1], sizeof log[1]);
	assert_int_equal(one, again);
	assert_string_equal(log[0], log[1]);
	assert_true(run_once(8, log[1], sizeof log[1]) != one);
}

static void a_finished_change_stays_finished(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 3});
	finish(s, 30 * DAY_MS);
	unsigned records = scene_records(s, JOURNAL_ANY, NULL);
	scene_stop(s);
	scene_run(s, DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	assert_int_equal(scene_records(s, JOURNAL_ANY, NULL), records);
	scene_free(s);
}

static void uncooperative_change_is_insecure_and_never_bogus(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){
	        .seed = 4, .procedure = "operator-change-uncooperative", .insecure = true});
	finish(s, 40 * DAY_MS);
	expect_moved(s);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_LOSING), 0);
	scene_verify(s);
	assert_int_equal(scene_truth(s), SAFETY_INSECURE);
	scene_free(s);
}

static void a_zone_that_is_never_to_be_insecure_is_left_alone(void **state)
{
	(void)state;
	struct scene *s = scene_new(
	        &(struct scene_options){.seed = 5, .procedure = "operator-change-uncooperative"});
	scene_run(s, 10 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "the zone is not to be insecure");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	scene_free(s);
}

// ---- The past and the TTLs -------------------------------------------------------------------

static void an_unknown_past_is_waited_for(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 6, .no_past = true});
	finish(s, 60 * DAY_MS);
	scene_said_text(s, "is not known; caches may hold it until");
	// DS 1 d, parent NS 2 d, child NS 1 d, DNSKEY 1 d, data 2 d, twice the lag of 6 h.
	int64_t began_ms = scene_wall_ms(s) - loop_now_ms(s->loop);
	assert_true(scene_seen_ms(s, "import-old-zsk") - began_ms > 7 * DAY_MS + 12 * HOUR_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static int64_t wait_between(const struct simdns_ttls *ttls, const char *one, const char *other)
{
	struct scene *s = scene_new(&(struct scene_options){.seed = 9, .ttls = ttls});
	finish(s, 90 * DAY_MS);
	int64_t wait_ms = scene_seen_ms(s, other) - scene_seen_ms(s, one);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
	return wait_ms;
}

// No file is edited, and the steps move with what is served.
static void waits_follow_the_ttls(void **state)
{
	(void)state;
	struct simdns_ttls longer = simdns_usual;
	longer.parent_ns_s += 3 * 86400;
	int64_t usual_ms = wait_between(&simdns_usual, "move-delegation", "remove-old-ds"),
	        longer_ms = wait_between(&longer, "move-delegation", "remove-old-ds");
	assert_true(longer_ms - usual_ms >= 3 * DAY_MS - HOUR_MS);
	assert_true(longer_ms - usual_ms <= 3 * DAY_MS + HOUR_MS);
	longer = simdns_usual;
	longer.ds_s += 86400;
	int64_t ds_ms = wait_between(&longer, "add-new-ds", "name-new-servers");
	assert_true(ds_ms - wait_between(&simdns_usual, "add-new-ds", "name-new-servers") >=
	            DAY_MS - HOUR_MS);
}

// ---- Negative controls: the judge of the truth is no rubber stamp ----------------------------

static void a_wrong_data_ttl_is_bogus_in_truth(void **state)
{
	(void)state;
	struct simdns_ttls ttls = simdns_usual;
	ttls.data_s = 7 * 86400;
	struct scene *s =
	        scene_new(&(struct scene_options){.seed = 10, .ttls = &ttls, .data_ttl = "1h"});
	finish(s, 40 * DAY_MS);
	scene_verify(s);
	assert_int_equal(scene_truth(s), SAFETY_BOGUS);
	scene_free(s);
}

static void a_lag_smaller_than_the_truth_is_bogus_in_truth(void **state)
{
	(void)state;
	struct scene *s =
	        scene_new(&(struct scene_options){.seed = 11, .lag = "1h", .ghost_ms = 4 * DAY_MS});
	finish(s, 40 * DAY_MS);
	scene_verify(s);
	assert_true(scene_truth(s) >= SAFETY_BOGUS);
	scene_free(s);
}

// ---- The journal -----------------------------------------------------------------------------

static void a_journal_stays_small_while_nothing_changes(void **state)
{
	(void)state;
	struct scene *s =
	        scene_new(&(struct scene_options){.seed = 12, .poll = "10m", .no_past = true});
	scene_run(s, 2 * DAY_MS);
	unsigned before = scene_records(s, JOURNAL_ANY, NULL);
	scene_run(s, 3 * DAY_MS);
	unsigned records = scene_records(s, JOURNAL_ANY, NULL) - before;
	// At most one in each half of the longest time that is bridged, 100 minutes here.
	assert_true(records <= 3 * 24 * 60 / 50 + 4);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(cooperative_change_is_safe_to_its_end),
	        cmocka_unit_test(servers_that_are_switched_off_are_gone),
	        cmocka_unit_test(a_seed_repeats_a_change_exactly),
	        cmocka_unit_test(a_finished_change_stays_finished),
	        cmocka_unit_test(uncooperative_change_is_insecure_and_never_bogus),
	        cmocka_unit_test(a_zone_that_is_never_to_be_insecure_is_left_alone),
	        cmocka_unit_test(an_unknown_past_is_waited_for),
	        cmocka_unit_test(waits_follow_the_ttls),
	        cmocka_unit_test(a_wrong_data_ttl_is_bogus_in_truth),
	        cmocka_unit_test(a_lag_smaller_than_the_truth_is_bogus_in_truth),
	        cmocka_unit_test(a_journal_stays_small_while_nothing_changes),
	};
	return cmocka_run_group_tests_name("operator change", tests, NULL, NULL);
}
