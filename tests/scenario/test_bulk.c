// One change for a thousand zones: canary, waves, rates, halts, restarts.
#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONTH_MS (30 * DAY_MS)

static void must_end(struct fleet *f, enum bulk_end end)
{
	if (f->end != end)
		fail_msg("expected %d, got %d: %s", (int)end, (int)f->end, buffer_text(&f->log));
}

static void must_say(const struct fleet *f, const char *text)
{
	if (strstr(buffer_text(&f->log), text) == NULL)
		fail_msg("'%s' was not said: %s", text, buffer_text(&f->log));
}

static void done_once(const struct fleet *f, unsigned zones)
{
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		assert_int_equal(fleet_changes(f, p), zones);
}

// ---- A thousand ------------------------------------------------------------------------------

enum { CANARY = 5, WAVE_1 = 10, WAVE_2 = 100, LIMIT = 60 };

// What a thousand zones have to show at each effect.
struct watcher {
	int64_t canary_over_ms, first_after_ms;
	size_t count;
	int64_t at_ms[5000];
	struct fleet *f;
};
static struct watcher watcher;

static bool all_over(const struct fleet *f, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!bulk_phase_is_over(fleet_state(f)->zones[i].phase))
			return false;
	return true;
}

static void watch(struct fleet *f, size_t zone, const char *step)
{
	int64_t now_ms = loop_now_ms(f->loop);
	size_t before = zone < CANARY                     ? 0
	                : zone < CANARY + WAVE_1          ? CANARY
	                : zone < CANARY + WAVE_1 + WAVE_2 ? CANARY + WAVE_1
	                                                  : CANARY + WAVE_1 + WAVE_2;
	if (!all_over(f, before))
		fail_msg("zone %zu acts before the wave before is complete", zone);
	if (zone < CANARY)
		watcher.canary_over_ms = now_ms;
	else if (watcher.first_after_ms == 0)
		watcher.first_after_ms = now_ms;
	if (strcmp(step, "add-ds") != 0)
		return;
	watcher.at_ms[watcher.count++] = now_ms;
	if (watcher.count > LIMIT &&
	        watcher.at_ms[watcher.count - 1] - watcher.at_ms[watcher.count - 1 - LIMIT] <
	                10 * MINUTE_MS)
		fail_msg("more than %d effects in ten minutes", LIMIT);
}

// Ended three times in the middle, and started again. An ordinary run takes 250 of them.
static void a_thousand_zones_go_in_waves(void **state)
{
	(void)state;
	unsigned zones = getenv("BATON_TEST_FULL") != NULL ? 1000 : 250;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = zones,
	        .poll = "6h",
	        .more = "canary: 5\nsoak: 1d\nwaves: [10, 100, rest]\nzones-at-once: 300\n"
	                "rate:\n  registry: {effects: 60, per: 10m}\n  losing: {zones: 250}\n"});
	static const unsigned kills[] = {9, 200, 600};
	watcher = (struct watcher){.f = f};
	f->on_act = watch;
	for (size_t i = 0; i < sizeof kills / sizeof *kills; i++) {
		f->end_after = kills[i];
		fleet_run(f, MONTH_MS);
		assert_int_equal(f->acts, kills[i]);
		fleet_kill(f);
	}
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	done_once(f, zones);
	assert_int_equal(fleet_count(f, BULK_FINISHED), zones);
	assert_int_equal(f->said[BULK_SAID_WAVE], 4);
	assert_true(watcher.first_after_ms >= watcher.canary_over_ms + DAY_MS);
	// In a second as many as the rate, and one look more, for looks go out at once.
	assert_true(f->queries_second < 300 + 100);
	print_message("# %u queries, at most %u in a second, %lld h\n", f->queries,
	        f->queries_second, (long long)(loop_now_ms(f->loop) / HOUR_MS));
	fleet_free(f);
}

// ---- Halts -----------------------------------------------------------------------------------

#define SMALL "canary: 3\nwaves: [6, rest]\n"

static void a_failed_act_in_the_canary_halts(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 30, .more = SMALL});
	simdns_next(f->dns[1], SIMDNS_LOSING, SIMDNS_REFUSE, 1);
	fleet_run(f, DAY_MS);
	must_end(f, BULK_RUNNING);
	assert_true(fleet_state(f)->halted);
	assert_string_equal(fleet_state(f)->halted_by, "z0001.test");
	must_say(f, "step import-gaining failed: ");
	assert_int_equal(fleet_count(f, BULK_TO_COME), 27);
	// They hold: nothing more for a week, and another process holds them, too.
	unsigned acts = f->acts;
	fleet_run(f, 3 * DAY_MS);
	fleet_kill(f);
	fleet_run(f, 4 * DAY_MS);
	assert_int_equal(f->acts, acts);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 1);
	fleet_say(f, JOURNAL_APPROVAL, json_object());
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(f->said[BULK_SAID_RESUMED], 1);
	done_once(f, 30);
	fleet_free(f);
}

static unsigned acts_when_harmed;

static void harm(struct fleet *f, size_t zone, const char *step)
{
	if (zone == 5 && strcmp(step, "import-gaining") == 0)
		simdns_set_ds(f->dns[zone], SIMDNS_FOREIGN);
}

// Somebody else breaks a zone of the second wave: the other ones stop where they are.
static void a_bogus_zone_in_wave_2_halts(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 30, .more = SMALL "rate: {registry: {effects: 1, per: 30m}}\n"});
	f->on_act = harm;
	fleet_run(f, 2 * DAY_MS);
	must_end(f, BULK_RUNNING);
	assert_true(fleet_state(f)->halted);
	assert_string_equal(fleet_state(f)->halted_by, "z0005.test");
	must_say(f, "bogus: ");
	assert_int_equal(fleet_count(f, BULK_TO_COME), 21);
	acts_when_harmed = f->acts;
	fleet_run(f, 2 * DAY_MS);
	assert_int_equal(f->acts, acts_when_harmed);
	// It is mended, and somebody says to go on.
	simdns_set_ds(f->dns[5], SIMDNS_LOSING_KSK);
	fleet_run(f, 6 * HOUR_MS);
	assert_true(fleet_state(f)->halted);
	fleet_say(f, JOURNAL_APPROVAL, json_object());
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 1);
	assert_int_equal(fleet_changes(f, SIMDNS_GAINING), 30);
	fleet_free(f);
}

static int silent;

static void silence(struct fleet *f, size_t zone, const char *step)
{
	if (zone == 4 && strcmp(step, "import-gaining") == 0)
		simdns_down(f->dns[zone], silent, 0, true);
}

static void a_silent_zone_halts(void **state)
{
	(void)state;
	for (silent = SIMDNS_PARENT; silent <= SIMDNS_LOSING; silent++) {
		struct fleet *f = fleet_new(
		        &(struct fleet_options){.zones = 30, .more = SMALL, .end_at_halt = true});
		f->on_act = silence;
		fleet_run(f, MONTH_MS);
		must_end(f, BULK_STOPPED);
		must_say(f, "z0004.test : unreachable: ");
		assert_int_equal(fleet_count(f, BULK_TO_COME), 21);
		fleet_free(f);
	}
}

// The canary is looked at until the soak is over.
static void what_goes_wrong_in_the_soak_halts(void **state)
{
	(void)state;
	struct fleet *f =
	        fleet_new(&(struct fleet_options){.zones = 30, .more = SMALL "soak: 5d\n"});
	fleet_run(f, 2 * DAY_MS);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 3);
	fleet_kill(f);
	fleet_run(f, DAY_MS);
	simdns_set_ds(f->dns[2], SIMDNS_FOREIGN);
	fleet_run(f, 20 * DAY_MS);
	must_end(f, BULK_STOPPED);
	must_say(f, "z0002.test : bogus: ");
	assert_int_equal(f->acts, 3 * FLEET_EFFECTS);
	assert_int_equal(fleet_count(f, BULK_TO_COME), 27);
	fleet_free(f);
}

// ---- Preflight -------------------------------------------------------------------------------

static void a_zone_that_fails_its_preflight(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 30, .more = SMALL "preflight: {within: 3h, failure: skip}\n"});
	simdns_down(f->dns[7], SIMDNS_GAINING, 0, true);
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 29);
	assert_int_equal(fleet_state(f)->zones[7].phase, BULK_ASIDE);
	must_say(f, "z0007.test : preflight: ");
	fleet_kill(f);
	// It is mended: resume with `aside` takes it up again.
	simdns_down(f->dns[7], SIMDNS_GAINING, 0, false);
	fleet_say(f, JOURNAL_APPROVAL, json_pack("{s:b}", "aside", 1));
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 30);
	done_once(f, 30);
	fleet_free(f);
	f = fleet_new(&(struct fleet_options){
	        .zones = 30, .more = SMALL "preflight: {within: 3h}\n", .end_at_halt = true});
	simdns_down(f->dns[7], SIMDNS_GAINING, 0, true);
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_STOPPED);
	assert_string_equal(fleet_state(f)->halted_by, "z0007.test");
	assert_int_equal(fleet_count(f, BULK_TO_COME), 21);
	fleet_free(f);
}

// Two days are what the registrar has for its step, and it is not asked before its turn.
static void who_waits_for_a_rate_misses_no_deadline(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 4, .poll = "12h", .more = "rate: {registrar: {effects: 1, per: 3d}}\n"});
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 0);
	assert_true(loop_now_ms(f->loop) >= 9 * DAY_MS);
	done_once(f, 4);
	fleet_free(f);
}

// What a procedure does when a deadline has passed it does when somebody has said to go on.
static void a_deadline_that_passes_halts_first(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 3, .otherwise = "skip", .more = "waves: [1, rest]\n"});
	simdns_next(f->dns[0], SIMDNS_PARENT, SIMDNS_REFUSE, 1000);
	fleet_run(f, DAY_MS);
	must_say(f, "z0000.test : step add-ds failed: ");
	fleet_run(f, 3 * DAY_MS);
	must_end(f, BULK_RUNNING);
	must_say(f, "z0000.test : step add-ds: its deadline passed at ");
	assert_int_equal(fleet_count(f, BULK_TO_COME), 2);
	fleet_say(f, JOURNAL_APPROVAL, json_object());
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(simdns_ds(f->dns[0]), SIMDNS_LOSING_KSK);
	assert_int_equal(simdns_ds(f->dns[1]), SIMDNS_LOSING_KSK | SIMDNS_GAINING_KSK);
	fleet_free(f);
}

// Every zone here has one name server only.
static void a_delegation_that_would_be_refused_halts(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 3,
	        .change = "technical: {}\n",
	        .more = "waves: [1, rest]\n",
	        .end_at_halt = true});
	fleet_run(f, DAY_MS);
	must_end(f, BULK_STOPPED);
	must_say(f, "z0000.test : the delegation to come would fail: ");
	assert_int_equal(fleet_changes(f, SIMDNS_PARENT), 0);
	fleet_free(f);
}

// ---- Back ------------------------------------------------------------------------------------

static void everything_in_mid_change_can_be_taken_back(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 30, .more = SMALL "rate: {registry: {effects: 1, per: 1h}}\n"});
	fleet_run(f, 8 * HOUR_MS);
	size_t finished = fleet_count(f, BULK_FINISHED), begun = fleet_count(f, BULK_STARTED);
	assert_true(finished >= 3 && begun > 0);
	fleet_say(f, JOURNAL_UNDO, json_object());
	fleet_run(f, HOUR_MS);
	fleet_kill(f);
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_STOPPED);
	assert_int_equal(fleet_count(f, BULK_STARTED), 0);
	assert_int_equal(fleet_count(f, BULK_FINISHED), finished);
	assert_int_equal(fleet_count(f, BULK_UNDONE), begun);
	for (size_t i = 0; i < 30; i++) {
		bool moved = fleet_state(f)->zones[i].phase == BULK_FINISHED;
		assert_int_equal(simdns_keys(f->dns[i], SIMDNS_LOSING),
		        SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK | (moved ? SIMDNS_GAINING_ZSK : 0));
		assert_int_equal(
		        simdns_ds(f->dns[i]), SIMDNS_LOSING_KSK | (moved ? SIMDNS_GAINING_KSK : 0));
	}
	// A finished one by its name; then the rest goes on, and what is undone stays undone.
	fleet_kill(f);
	fleet_say(f, JOURNAL_UNDO, json_pack("{s:[s]}", "zones", "z0000.test"));
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_STOPPED);
	assert_int_equal(fleet_state(f)->zones[0].phase, BULK_UNDONE);
	assert_int_equal(simdns_ds(f->dns[0]), SIMDNS_LOSING_KSK);
	fleet_kill(f);
	fleet_say(f, JOURNAL_APPROVAL, json_object());
	fleet_run(f, MONTH_MS);
	must_end(f, BULK_COMPLETE);
	assert_int_equal(fleet_count(f, BULK_UNDONE), begun + 1);
	fleet_free(f);
}

// ---- Restarts --------------------------------------------------------------------------------

static void ended_after_any_effect_it_does_none_twice(void **state)
{
	(void)state;
	for (unsigned acts = 1; acts < 4 * FLEET_EFFECTS; acts++) {
		struct fleet *f = fleet_new(&(struct fleet_options){
		        .zones = 4, .more = "canary: 1\nrate: {losing: {effects: 2}}\n"});
		f->end_after = acts;
		fleet_run(f, MONTH_MS);
		assert_int_equal(f->acts, acts);
		fleet_kill(f);
		fleet_run(f, MONTH_MS);
		must_end(f, BULK_COMPLETE);
		done_once(f, 4);
		fleet_free(f);
	}
}

static void a_bulk_keeps_its_zones_and_its_ledger(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 4});
	struct bulk *other;
	const struct bulk_definition *changed;
	fleet_run(f, MINUTE_MS);
	struct bulk_options o = {
	        .loop = f->loop, .random = *sim_random(f->sim), .definition = f->definition};
	assert_int_equal(bulk_new(&o, &other, &f->err), RESULT_CONFLICT);
	fleet_kill(f);
	FILE *bulk = fopen(f->path, "a");
	assert_non_null(bulk);
	fputs("canary: 1\n", bulk);
	fclose(bulk);
	assert_int_equal(bulk_definition_load(f->arena, f->path, &changed, &f->err), RESULT_OK);
	o.definition = changed;
	assert_int_equal(bulk_new(&o, &other, &f->err), RESULT_CONFLICT);
	assert_non_null(strstr(f->err.text, "has begun with other zones or waves"));
	fleet_free(f);
}

// An argument is a filter, as in *thousand*.
int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_thousand_zones_go_in_waves),
	        cmocka_unit_test(a_failed_act_in_the_canary_halts),
	        cmocka_unit_test(a_bogus_zone_in_wave_2_halts),
	        cmocka_unit_test(a_silent_zone_halts),
	        cmocka_unit_test(what_goes_wrong_in_the_soak_halts),
	        cmocka_unit_test(a_zone_that_fails_its_preflight),
	        cmocka_unit_test(who_waits_for_a_rate_misses_no_deadline),
	        cmocka_unit_test(a_deadline_that_passes_halts_first),
	        cmocka_unit_test(a_delegation_that_would_be_refused_halts),
	        cmocka_unit_test(everything_in_mid_change_can_be_taken_back),
	        cmocka_unit_test(ended_after_any_effect_it_does_none_twice),
	        cmocka_unit_test(a_bulk_keeps_its_zones_and_its_ledger),
	};
	return cmocka_run_group_tests_name("bulk", tests, NULL, NULL);
}
