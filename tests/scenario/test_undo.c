// Taking a change back: from every state, the last step first, as safe as going forward.
#include "scene.h"

#include <string.h>

enum { LOSING = 1 << SIMDNS_LOSING, GAINING = 1 << SIMDNS_GAINING };

// The wish is said when this is said of this step.
struct wish {
	enum change_said when;
	const char *at, *to;
	bool said;
};

static void wish_at(struct scene *s, enum change_said what, const char *step, const char *text)
{
	struct wish *w = s->ctx;
	(void)text;
	if (w->said || what != w->when || strcmp(step, w->at) != 0)
		return;
	w->said = true;
	scene_guest(s, JOURNAL_UNDO, w->to, NULL);
}

static struct scene *run_with_wish(const struct scene_options *o, struct wish *wish)
{
	struct scene *s = scene_new(o);
	s->on_said = wish_at;
	s->ctx = wish;
	scene_run(s, 120 * DAY_MS);
	if (!wish->said)
		fail_msg("the wish at %s never came: %s", wish->at, buffer_text(&s->log));
	return s;
}

static void expect_as_before(struct scene *s)
{
	if (s->end != CHANGE_UNDONE)
		fail_msg("not undone: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
	assert_int_equal(simdns_ds(s->dns), SIMDNS_LOSING_KSK);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), LOSING);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_LOSING), LOSING);
	assert_int_equal(simdns_keys(s->dns, SIMDNS_LOSING), SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK);
	assert_int_equal(
	        simdns_keys(s->dns, SIMDNS_GAINING), SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
}

// Who renews the NS set with every answer stays with the gaining operator for as long as its zone
// names its own servers, also when its DS record goes.
static void expect_nobody_left_at_gaining(struct scene *s)
{
	if (scene_seen_ms(s, "name-own-servers") != TIME_NEVER_MS)
		assert_int_equal(simdns_ns(s->dns, SIMDNS_GAINING), LOSING);
}

static void back_from(uint64_t seed, enum change_said when, const char *step)
{
	struct wish wish = {.when = when, .at = step, .to = "import-old-zsk"};
	struct scene *s = run_with_wish(&(struct scene_options){.seed = seed}, &wish);
	expect_as_before(s);
	expect_nobody_left_at_gaining(s);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static const char *const steps[] = {"import-old-zsk", "publish-new-keys", "add-new-ds",
        "name-new-servers", "move-delegation", "remove-old-ds", "drop-old-zsk"};

static void every_state_has_a_safe_way_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		back_from(100 + i, CHANGE_SAID_SEEN, steps[i]);
}

// The act is on its way, or done and not yet seen.
static void so_has_every_step_that_is_under_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (!scene_full() && (i + scene_seed()) % 2 == 0)
			continue;
		back_from(200 + i, CHANGE_SAID_ACT, steps[i]);
		back_from(300 + i, CHANGE_SAID_REPLY, steps[i]);
	}
}

static void from_the_branch_there_is_a_way_back_too(void **state)
{
	(void)state;
	static const char *const branch[] = {
	        "remove-ds", "move-insecure-delegation", "secure-again"};
	for (size_t i = 0; i < 3; i++) {
		struct wish wish = {
		        .when = CHANGE_SAID_SEEN, .at = branch[i], .to = "import-old-zsk"};
		struct scene *s =
		        scene_new(&(struct scene_options){.seed = 400 + i, .insecure = true});
		simdns_next(s->dns, SIMDNS_LOSING, SIMDNS_LIE, 1000);
		s->on_said = wish_at;
		s->ctx = &wish;
		scene_run(s, 120 * DAY_MS);
		expect_as_before(s);
		scene_verify(s);
		assert_int_equal(scene_truth(s), SAFETY_INSECURE);
		scene_free(s);
	}
}

static void after_the_last_step_there_is_none(void **state)
{
	(void)state;
	struct wish wish = {.when = CHANGE_SAID_REPLY, .at = "stop-serving", .to = "remove-old-ds"};
	struct scene *s = run_with_wish(&(struct scene_options){.seed = 500}, &wish);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_said_text(s, "there is no way back from this step: the losing operator has removed");
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void some_steps_back_and_forward_again(void **state)
{
	(void)state;
	struct wish wish = {
	        .when = CHANGE_SAID_SEEN, .at = "remove-old-ds", .to = "move-delegation"};
	struct scene *s = run_with_wish(&(struct scene_options){.seed = 501}, &wish);
	assert_int_equal(s->end, CHANGE_UNDONE);
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK | SIMDNS_LOSING_KSK);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), LOSING);
	scene_stop(s);
	scene_run(s, 90 * DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	assert_int_equal(simdns_ds(s->dns), SIMDNS_GAINING_KSK);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void what_is_undone_stays_undone(void **state)
{
	(void)state;
	struct wish wish = {.when = CHANGE_SAID_SEEN, .at = "add-new-ds", .to = "import-old-zsk"};
	struct scene *s = run_with_wish(&(struct scene_options){.seed = 502}, &wish);
	unsigned records = scene_records(s, JOURNAL_ANY, NULL);
	scene_stop(s);
	scene_run(s, 10 * DAY_MS);
	expect_as_before(s);
	assert_int_equal(scene_records(s, JOURNAL_ANY, NULL), records);
	scene_free(s);
}

static void a_finished_change_can_be_taken_back(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){
	        .seed = 503, .procedure = "operator-change-uncooperative", .insecure = true});
	scene_run(s, 60 * DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_stop(s);
	scene_guest(s, JOURNAL_UNDO, "agree-to-insecure", NULL);
	scene_run(s, 60 * DAY_MS);
	expect_as_before(s);
	scene_verify(s);
	assert_int_equal(scene_truth(s), SAFETY_INSECURE);
	scene_free(s);
}

// An answer was lost and the engine killed: the undo waits until the step can no longer come.
static void an_undo_waits_for_what_may_still_come(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 504});
	simdns_next(s->dns, SIMDNS_GAINING, SIMDNS_LOSE_REPLY, 1);
	for (int i = 0; i < SIMDNS_ADDRESSES; i++)
		simdns_delay(s->dns, SIMDNS_GAINING, i, 5 * HOUR_MS);
	s->kill_on_change = true;
	scene_run(s, DAY_MS);
	assert_true(s->killed);
	scene_guest(s, JOURNAL_UNDO, "import-old-zsk", NULL);
	scene_run(s, 30 * DAY_MS);
	expect_as_before(s);
	assert_int_equal(simdns_changes(s->dns, SIMDNS_GAINING), 2);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_state_has_a_safe_way_back),
	        cmocka_unit_test(so_has_every_step_that_is_under_way),
	        cmocka_unit_test(from_the_branch_there_is_a_way_back_too),
	        cmocka_unit_test(after_the_last_step_there_is_none),
	        cmocka_unit_test(some_steps_back_and_forward_again),
	        cmocka_unit_test(what_is_undone_stays_undone),
	        cmocka_unit_test(a_finished_change_can_be_taken_back),
	        cmocka_unit_test(an_undo_waits_for_what_may_still_come),
	};
	return cmocka_run_group_tests_name("undo", tests, NULL, NULL);
}
