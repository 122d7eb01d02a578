// Parties that take their time, agree, act by hand, or do not act at all.
#include "scene.h"

#include <string.h>

static void finish(struct scene *s, int64_t for_ms)
{
	scene_run(s, for_ms);
	if (s->end != CHANGE_FINISHED)
		fail_msg("not finished: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
}

// ---- Deadlines -------------------------------------------------------------------------------

// The losing operator's server says that it did it, and publishes nothing.
static void after_the_deadline_the_change_goes_insecure(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 1, .insecure = true});
	simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LIE, 1000);
	finish(s, 60 * DAY_MS);
	scene_said_text(s, "its deadline passed");
	scene_said_text(s, "was said to be done, and no address shows it");
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	assert_int_equal(simdns_changes(s->dns, SIMDNS_LOSING), 0);
	assert_int_equal(scene_seen_ms(s, "publish-new-keys"), TIME_NEVER_MS);
	assert_int_not_equal(scene_seen_ms(s, "secure-again"), TIME_NEVER_MS);
	scene_verify(s);
	assert_int_equal(scene_truth(s), SAFETY_INSECURE);
	scene_free(s);
}

static void after_the_deadline_a_zone_never_to_be_insecure_stands_still(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 2});
	simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LIE, 1000);
	scene_run(s, 60 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "it would make the zone insecure");
	assert_int_equal(simdns_ds(s->dns), SIMDNS_LOSING_KSK);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// A person is asked and does nothing.
static void a_person_who_does_nothing_is_waited_for_until_the_deadline(void **state)
{
	(void)state;
	struct scene *s = scene_new(
	        &(struct scene_options){.seed = 3, .insecure = true, .losing = SCENE_PERSON});
	finish(s, 60 * DAY_MS);
	scene_said_text(s, "ask publish-new-keys");
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "publish-new-keys"), 1);
	assert_true(scene_truth(s) <= SAFETY_INSECURE);
	scene_verify(s);
	scene_free(s);
}

static void lie_about_ns(struct scene *s, enum change_said what, const char *step, const char *text)
{
	(void)text;
	if (what == CHANGE_SAID_SAFE && strcmp(step, "name-new-servers") == 0)
		simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LIE, 1000);
	if (what == CHANGE_SAID_SAFE && strcmp(step, "move-delegation") == 0)
		simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_OBEY, 0);
}

static void a_step_that_may_be_skipped_is_skipped(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 4});
	s->on_said = lie_about_ns;
	finish(s, 60 * DAY_MS);
	scene_said_text(s, "turn name-new-servers: its deadline passed");
	assert_int_equal(scene_seen_ms(s, "name-new-servers"), TIME_NEVER_MS);
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void publish_late(void *ctx)
{
	struct scene *s = ctx;
	simdns_set_keys(s->dns, SIMDNS_LOSING,
	        simdns_keys(s->dns, SIMDNS_LOSING) | SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
}

// A server that never publishes, and a person who then does it by hand, in time.
static void what_is_seen_counts_whoever_did_it(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 5});
	simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LIE, 1000);
	scene_at(s, 5 * DAY_MS, publish_late, s);
	scene_run(s, 6 * DAY_MS);
	simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_OBEY, 0);
	finish(s, 60 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// ---- Approvals -------------------------------------------------------------------------------

static void nothing_happens_without_the_approvals(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 6, .approvals = true});
	scene_run(s, 12 * DAY_MS);
	scene_said_text(s, "ask add-new-ds: to agree: gaining losing");
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	scene_guest(s, JOURNAL_APPROVAL, "add-new-ds", "losing");
	scene_run(s, 5 * DAY_MS);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	scene_guest(s, JOURNAL_APPROVAL, "add-new-ds", "gaining");
	scene_run(s, 20 * DAY_MS);
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	assert_true(simdns_serving(s->dns, SIMDNS_LOSING));
	scene_said_text(
	        s, "ask stop-serving: there is no way back after this step; to agree: gaining");
	scene_guest(s, JOURNAL_APPROVAL, "stop-serving", "gaining");
	finish(s, 5 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void approvals_may_come_early_and_outlive_a_restart(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 7, .approvals = true});
	scene_run(s, HOUR_MS);
	scene_guest(s, JOURNAL_APPROVAL, "add-new-ds", "losing");
	scene_guest(s, JOURNAL_APPROVAL, "add-new-ds", "gaining");
	scene_guest(s, JOURNAL_APPROVAL, "stop-serving", "gaining");
	scene_stop(s);
	finish(s, 30 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// ---- Persons ---------------------------------------------------------------------------------

// Every party acts by hand, a day after it is asked, and says so.
struct hand {
	struct scene *s;
	char step[40];
};
static struct hand hands[20];
static size_t hand_count;

static void do_by_hand(void *ctx)
{
	struct hand *h = ctx;
	struct simdns *dns = h->s->dns;
	const char *step = h->step;
	if (strcmp(step, "import-old-zsk") == 0)
		simdns_set_keys(dns, SIMDNS_GAINING,
		        SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK | SIMDNS_LOSING_ZSK);
	else if (strcmp(step, "publish-new-keys") == 0)
		publish_late(h->s);
	else if (strcmp(step, "add-new-ds") == 0)
		simdns_set_ds(dns, SIMDNS_LOSING_KSK | SIMDNS_GAINING_KSK);
	else if (strcmp(step, "name-new-servers") == 0)
		simdns_set_ns(dns, SIMDNS_LOSING, 1u << SIMDNS_GAINING);
	else if (strcmp(step, "move-delegation") == 0)
		simdns_set_ns(dns, SIMDNS_PARENT, 1u << SIMDNS_GAINING);
	else if (strcmp(step, "remove-old-ds") == 0)
		simdns_set_ds(dns, SIMDNS_GAINING_KSK);
	else if (strcmp(step, "drop-old-zsk") == 0)
		simdns_set_keys(dns, SIMDNS_GAINING, SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
	else if (strcmp(step, "stop-serving") == 0)
		simdns_set_serving(dns, SIMDNS_LOSING, false);
	// Some say that they did it, and some do not: what the DNS shows needs no saying.
	if (strcmp(step, "add-new-ds") != 0)
		scene_guest(h->s, JOURNAL_DONE, step, NULL);
}

static void asked(struct scene *s, enum change_said what, const char *step, const char *text)
{
	(void)text;
	if (what != CHANGE_SAID_ASK)
		return;
	struct hand *h = &hands[hand_count++];
	h->s = s;
	memcpy(h->step, step, strlen(step) + 1);
	scene_at(s, DAY_MS, do_by_hand, h);
}

static void people_can_do_all_of_it_by_hand(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 8,
	        .persons = true,
	        .losing = SCENE_PERSON,
	        .gaining = SCENE_PERSON,
	        .registrar = SCENE_PERSON,
	        .stop = SCENE_PERSON});
	hand_count = 0;
	s->on_said = asked;
	finish(s, 60 * DAY_MS);
	assert_int_equal(hand_count, 9);
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 0);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void done_without_anything_to_be_seen_is_not_believed(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 9, .registrar = SCENE_PERSON});
	scene_run(s, 4 * DAY_MS);
	scene_said_text(s, "ask add-new-ds: safe now");
	scene_guest(s, JOURNAL_DONE, "add-new-ds", NULL);
	scene_run(s, 4 * DAY_MS);
	scene_said_text(s, "stuck add-new-ds: it was said to be done at");
	assert_int_equal(scene_seen_ms(s, "add-new-ds"), TIME_NEVER_MS);
	simdns_set_ds(s->dns, SIMDNS_LOSING_KSK | SIMDNS_GAINING_KSK);
	scene_run(s, 3 * DAY_MS);
	assert_int_not_equal(scene_seen_ms(s, "add-new-ds"), TIME_NEVER_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_person_is_asked_once_also_over_restarts(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 10, .registrar = SCENE_PERSON});
	scene_run(s, 4 * DAY_MS);
	for (int i = 0; i < 3; i++) {
		scene_stop(s);
		scene_run(s, DAY_MS);
	}
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "add-new-ds"), 1);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(after_the_deadline_the_change_goes_insecure),
	        cmocka_unit_test(after_the_deadline_a_zone_never_to_be_insecure_stands_still),
	        cmocka_unit_test(a_person_who_does_nothing_is_waited_for_until_the_deadline),
	        cmocka_unit_test(a_step_that_may_be_skipped_is_skipped),
	        cmocka_unit_test(what_is_seen_counts_whoever_did_it),
	        cmocka_unit_test(nothing_happens_without_the_approvals),
	        cmocka_unit_test(approvals_may_come_early_and_outlive_a_restart),
	        cmocka_unit_test(people_can_do_all_of_it_by_hand),
	        cmocka_unit_test(done_without_anything_to_be_seen_is_not_believed),
	        cmocka_unit_test(a_person_is_asked_once_also_over_restarts),
	};
	return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
