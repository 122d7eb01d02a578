// Servers that refuse, lie, are silent or slow, other people's changes in between, clocks that are
// set.
#include "scene.h"

#include <string.h>

enum { LOSING = 1 << SIMDNS_LOSING, GAINING = 1 << SIMDNS_GAINING };

static void finish(struct scene *s, int64_t for_ms)
{
	scene_run(s, for_ms);
	if (s->end != CHANGE_FINISHED)
		fail_msg("not finished: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
}

static void expect_on_screen(const struct scene *s, const char *text)
{
	if (strstr(buffer_text(&s->screen), text) == NULL)
		fail_msg("'%s' is not shown: %s%s", text, buffer_text(&s->log),
		        buffer_text(&s->screen));
}

// Runs until the step begins to act, at most for so long.
struct stop_at {
	const char *step;
};

static void stop_at(struct scene *s, enum change_said what, const char *step, const char *text)
{
	(void)text;
	if (what == CHANGE_SAID_REPLY && strcmp(step, ((struct stop_at *)s->ctx)->step) == 0)
		loop_stop(s->loop);
}

static void run_until_replied(struct scene *s, const char *step)
{
	struct stop_at at = {step};
	scene_said *before = s->on_said;
	s->ctx = &at;
	s->on_said = stop_at;
	scene_run(s, 90 * DAY_MS);
	s->on_said = before;
	s->ctx = NULL;
	assert_int_equal(s->end, CHANGE_RUNNING);
}

// ---- Whoever is to act -----------------------------------------------------------------------

static void a_refusal_is_tried_again_with_growing_pauses(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 1, .poll = "10m"});
	simdns_next(s->dns, SIMDNS_GAINING, SIMDNS_REFUSE, 5);
	scene_run(s, 2 * DAY_MS);
	scene_said_text(s, "attempt 1 failed: 192.0.2.21@53 says REFUSED.; it is tried again at "
	                   "2026-05-28T20:46:40.120Z");
	scene_said_text(s, "attempt 5 failed");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_GAINING), 6);
	assert_int_not_equal(scene_seen_ms(s, "import-old-zsk"), TIME_NEVER_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void no_answer_to_an_update_is_looked_after(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 2});
	simdns_next(s->dns, SIMDNS_GAINING, SIMDNS_IGNORE, 2);
	simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LOSE_REPLY, 1000);
	simdns_next(s->dns, SIMDNS_PARENT, SIMDNS_LOSE_REPLY, 1000);
	finish(s, 60 * DAY_MS);
	// Ignored twice, then done; what was done and not answered was seen and not repeated.
	assert_int_equal(simdns_updates(s->dns, SIMDNS_GAINING), 4);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_LOSING), 2);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 3);
	assert_int_equal(scene_records(s, JOURNAL_UNKNOWN, "add-new-ds"), 1);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void success_without_effect_is_no_success(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 3});
	simdns_next(s->dns, SIMDNS_PARENT, SIMDNS_LIE, 2);
	finish(s, 60 * DAY_MS);
	scene_said_text(s, "attempt 1 was said to be done, and no address shows it");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 5);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void published_on_some_servers_only_is_not_done(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 4});
	simdns_hold(s->dns, SIMDNS_PARENT, 3, true);
	scene_run(s, 20 * DAY_MS);
	scene_said_text(s, "stuck add-new-ds: long enough after the change these addresses do not "
	                   "show it: 2001:db8::2@53");
	assert_int_equal(scene_seen_ms(s, "add-new-ds"), TIME_NEVER_MS);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 1);
	simdns_hold(s->dns, SIMDNS_PARENT, 3, false);
	finish(s, 40 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_command_that_lies_is_found_out(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 5});
	s->stops_nothing = true;
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "was said to be done, and no address shows it");
	assert_true(s->commands > 1);
	s->stops_nothing = false;
	finish(s, 40 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_command_not_to_be_repeated_is_not(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 6, .stop_once = true});
	s->stops_nothing = true;
	s->stops.after_ms = TIME_NEVER_MS; // killed at its time limit: unknown
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	expect_on_screen(s, "nobody knows how attempt");
	assert_int_equal(s->commands, 1);
	simdns_set_serving(s->dns, SIMDNS_LOSING, false);
	finish(s, 40 * DAY_MS);
	assert_int_equal(s->commands, 1);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_command_that_refuses_says_why(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 7});
	s->stops_nothing = true;
	s->stops.exit_code = 3;
	s->stops.err = "the zone is locked\n";
	scene_run(s, 40 * DAY_MS);
	scene_said_text(s, "refused with exit status 3: the zone is locked");
	s->stops = (struct sim_outcome){.after_ms = 1000};
	s->stops_nothing = false;
	finish(s, 40 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// ---- Servers that do not answer --------------------------------------------------------------

static void a_server_that_is_down_at_first_is_waited_for(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 8});
	simdns_down(s->dns, SIMDNS_GAINING, 2, true);
	scene_run(s, 3 * DAY_MS);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_GAINING), 0);
	scene_said_text(s, "'gaining' are not known");
	simdns_down(s->dns, SIMDNS_GAINING, 2, false);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_server_that_falls_silent_stops_the_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 9});
	run_until_replied(s, "publish-new-keys");
	simdns_down(s->dns, SIMDNS_LOSING, 3, true);
	scene_run(s, 5 * DAY_MS);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	expect_on_screen(s, "2001:db8::12@53");
	simdns_down(s->dns, SIMDNS_LOSING, 3, false);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// It answers, and does not, from look to look: what is said of the wait behind it stays the same.
static void a_server_that_comes_and_goes_makes_no_new_verdicts(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 22, .poll = "1h"});
	run_until_replied(s, "add-new-ds");
	scene_run(s, 12 * HOUR_MS);
	unsigned before = scene_records(s, JOURNAL_VERDICT, NULL);
	for (int i = 0; i < 10; i++) {
		simdns_down(s->dns, SIMDNS_LOSING, 3, true);
		scene_run(s, HOUR_MS);
		simdns_down(s->dns, SIMDNS_LOSING, 3, false);
		scene_run(s, HOUR_MS);
	}
	assert_true(scene_records(s, JOURNAL_VERDICT, NULL) <= before + 1);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Nobody answers for ten hours, in the middle of every wait.
static struct scene *dark_scene;

static void set_dark(bool dark)
{
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		for (int i = 0; i < SIMDNS_ADDRESSES; i++)
			simdns_down(dark_scene->dns, p, i, dark);
}

static void go_dark(void *ctx)
{
	(void)ctx;
	set_dark(true);
}

static void go_light(void *ctx)
{
	(void)ctx;
	set_dark(false);
}

static void holes_in_observation_do_no_harm(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 10, .poll = "2h"});
	dark_scene = s;
	for (int i = 0; i < 7; i++) {
		scene_at(s, (2 * i + 1) * DAY_MS, go_dark, NULL);
		scene_at(s, (2 * i + 1) * DAY_MS + 10 * HOUR_MS, go_light, NULL);
	}
	finish(s, 90 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// While nobody could look, a signer dropped the foreign keys and took them back.
static void what_happened_behind_a_silence_is_not_known(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){
	        .seed = 20, .poll = "1h", .lag = "1h", .ghost_ms = HOUR_MS / 2});
	run_until_replied(s, "add-new-ds");
	scene_run(s, 12 * HOUR_MS);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_LOSING), LOSING);
	uint64_t keys = simdns_keys(s->dns, SIMDNS_LOSING);
	for (int i = 0; i < SIMDNS_ADDRESSES; i++)
		simdns_down(s->dns, SIMDNS_LOSING, i, true);
	scene_run(s, 2 * HOUR_MS);
	simdns_set_keys(s->dns, SIMDNS_LOSING, SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK);
	scene_run(s, 24 * HOUR_MS);
	simdns_set_keys(s->dns, SIMDNS_LOSING, keys);
	scene_run(s, 10 * HOUR_MS);
	for (int i = 0; i < SIMDNS_ADDRESSES; i++)
		simdns_down(s->dns, SIMDNS_LOSING, i, false);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// ---- Other people ----------------------------------------------------------------------------

static void ttls_that_somebody_changes_move_the_waits(void **state)
{
	(void)state;
	struct scene *plain = scene_new(&(struct scene_options){.seed = 11});
	finish(plain, 60 * DAY_MS);
	int64_t plain_ms =
	        scene_seen_ms(plain, "remove-old-ds") - scene_seen_ms(plain, "publish-new-keys");
	scene_free(plain);
	struct scene *s = scene_new(&(struct scene_options){.seed = 11});
	run_until_replied(s, "add-new-ds");
	simdns_set_ttl(s->dns, SIMDNS_PARENT, DNS_TYPE_NS, 9 * 86400);
	finish(s, 90 * DAY_MS);
	int64_t moved_ms = scene_seen_ms(s, "remove-old-ds") - scene_seen_ms(s, "publish-new-keys");
	assert_true(moved_ms - plain_ms > 6 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Lowering a TTL helps only when the old one is gone from all caches.
static void a_lowered_ttl_counts_when_the_old_one_is_gone(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 12});
	run_until_replied(s, "move-delegation");
	simdns_set_ttl(s->dns, SIMDNS_LOSING, DNS_TYPE_NS, 60);
	simdns_set_ttl(s->dns, SIMDNS_LOSING, DNS_TYPE_DNSKEY, 60);
	finish(s, 90 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_foreign_key_stops_the_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 13});
	run_until_replied(s, "publish-new-keys");
	simdns_set_keys(s->dns, SIMDNS_LOSING, simdns_keys(s->dns, SIMDNS_LOSING) | SIMDNS_FOREIGN);
	scene_run(s, 6 * DAY_MS);
	scene_said_text(s, "losing serves a DNSKEY record (key ");
	scene_said_text(s, "that plays no part in this change: is a rollover in progress?");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	simdns_set_keys(
	        s->dns, SIMDNS_LOSING, simdns_keys(s->dns, SIMDNS_LOSING) & ~SIMDNS_FOREIGN);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_foreign_ds_record_stops_the_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 14});
	run_until_replied(s, "add-new-ds");
	simdns_set_ds(s->dns, simdns_ds(s->dns) | SIMDNS_FOREIGN);
	scene_run(s, 6 * DAY_MS);
	scene_said_text(s, "the parent publishes a DS record (unknown key ");
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), LOSING);
	simdns_set_ds(s->dns, simdns_ds(s->dns) & ~SIMDNS_FOREIGN);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_name_server_of_nobody_stops_the_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 15});
	run_until_replied(s, "add-new-ds");
	simdns_add_ns(s->dns, SIMDNS_LOSING, "ns3.elsewhere.example.");
	scene_run(s, 6 * DAY_MS);
	scene_said_text(s, "names the name server ns3.elsewhere.example.");
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), LOSING);
	simdns_set_ns(s->dns, SIMDNS_LOSING, LOSING);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// A signer that drops foreign keys when it is restarted.
static void a_key_that_is_dropped_again_stops_the_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 16});
	run_until_replied(s, "add-new-ds");
	simdns_set_keys(s->dns, SIMDNS_LOSING, SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK);
	scene_run(s, 20 * DAY_MS);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), LOSING);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "stuck name-new-servers: never safe:");
	simdns_set_keys(s->dns, SIMDNS_LOSING,
	        SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK | SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Somebody replaces the DS set by one that does not fit; a new DNSKEY set that does not fit it,
// either, would be as wrong as the old one.
static void something_that_stays_wrong_is_for_a_person(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 21});
	run_until_replied(s, "import-old-zsk");
	simdns_set_ds(s->dns, SIMDNS_GAINING_KSK);
	scene_run(s, 4 * DAY_MS);
	scene_said_text(s,
	        "ask publish-new-keys: something is wrong already, which this step "
	        "neither mends nor makes worse; to have it done all the same, losing "
	        "agrees: A resolver that fetched the DNSKEY set (losing.ksk, losing.zsk; "
	        "signed by losing.ksk) from losing may use it; from");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_LOSING), 0);
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "publish-new-keys"), 0);
	assert_int_equal(scene_records(s, JOURNAL_VERDICT, "publish-new-keys"), 1);
	scene_stop(s);
	scene_guest(s, JOURNAL_APPROVAL, "publish-new-keys", "losing");
	scene_run(s, 2 * DAY_MS);
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "publish-new-keys"), 1);
	assert_int_not_equal(scene_seen_ms(s, "publish-new-keys"), TIME_NEVER_MS);
	scene_verify(s);
	scene_free(s);
}

// A rollover that is over before the first step: the keys are those that are there then.
static void keys_are_those_of_the_first_step(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 17, .no_confirmation = true});
	scene_run(s, DAY_MS);
	scene_said_text(s, "nobody has confirmed");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_GAINING), 0);
	simdns_set_keys(
	        s->dns, SIMDNS_LOSING, SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK | SIMDNS_FOREIGN);
	scene_run(s, DAY_MS);
	assert_int_equal(scene_records(s, JOURNAL_STATE, ""), 2); // the keys, twice
	scene_verify_chain(s);
	scene_free(s);
}

// ---- Clocks ----------------------------------------------------------------------------------

static void jump(void *ctx)
{
	static const int64_t by[] = {5 * DAY_MS, -5 * DAY_MS};
	static unsigned n;
	struct scene *s = ctx;
	sim_wall_jump(s->sim, by[n++ % 2]);
}

static void a_clock_that_is_set_does_no_harm(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 18});
	for (int i = 0; i < 4; i++)
		scene_at(s, (3 * i + 2) * DAY_MS, jump, s);
	finish(s, 90 * DAY_MS);
	scene_verify(s);
	assert_int_equal(scene_truth(s), SAFETY_SAFE);
	scene_free(s);
}

// Nobody's deadline passes because a clock was set.
static void a_clock_set_forward_passes_no_deadline(void **state)
{
	(void)state;
	struct scene *s = scene_new(
	        &(struct scene_options){.seed = 19, .insecure = true, .losing = SCENE_PERSON});
	scene_run(s, 2 * DAY_MS);
	sim_wall_jump(s->sim, 20 * DAY_MS);
	scene_run(s, 3 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	expect_on_screen(s, "publish-new-keys");
	scene_run(s, 5 * DAY_MS);
	scene_said_text(s, "its deadline passed");
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_refusal_is_tried_again_with_growing_pauses),
	        cmocka_unit_test(no_answer_to_an_update_is_looked_after),
	        cmocka_unit_test(success_without_effect_is_no_success),
	        cmocka_unit_test(published_on_some_servers_only_is_not_done),
	        cmocka_unit_test(a_command_that_lies_is_found_out),
	        cmocka_unit_test(a_command_not_to_be_repeated_is_not),
	        cmocka_unit_test(a_command_that_refuses_says_why),
	        cmocka_unit_test(a_server_that_is_down_at_first_is_waited_for),
	        cmocka_unit_test(a_server_that_falls_silent_stops_the_change),
	        cmocka_unit_test(a_server_that_comes_and_goes_makes_no_new_verdicts),
	        cmocka_unit_test(holes_in_observation_do_no_harm),
	        cmocka_unit_test(what_happened_behind_a_silence_is_not_known),
	        cmocka_unit_test(ttls_that_somebody_changes_move_the_waits),
	        cmocka_unit_test(a_lowered_ttl_counts_when_the_old_one_is_gone),
	        cmocka_unit_test(a_foreign_key_stops_the_change),
	        cmocka_unit_test(a_foreign_ds_record_stops_the_change),
	        cmocka_unit_test(a_name_server_of_nobody_stops_the_change),
	        cmocka_unit_test(a_key_that_is_dropped_again_stops_the_change),
	        cmocka_unit_test(something_that_stays_wrong_is_for_a_person),
	        cmocka_unit_test(keys_are_those_of_the_first_step),
	        cmocka_unit_test(a_clock_that_is_set_does_no_harm),
	        cmocka_unit_test(a_clock_set_forward_passes_no_deadline),
	};
	return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
