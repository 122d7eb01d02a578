// The fold of records: what a running change and a restarted one know alike.
#include "support.h"

#define TEST(name) cmocka_unit_test(name)

static const struct progress_step *step_of(const struct bench *b, const char *step)
{
	int number = procedure_step_find(b->definition->procedure, step);
	assert_true(number >= 0);
	return &b->replay.progress.steps[number];
}

static enum result try(struct bench *b, enum journal_kind kind, const char *step,
        const char *payload, struct error *err)
{
	json_t *json = json_loads(payload, 0, NULL);
	assert_non_null(json);
	enum result result = progress_apply(&b->replay.progress, kind, step, b->now_ms, json, err);
	json_decref(json);
	return result;
}

static void an_attempt_from_intent_to_everywhere(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	const struct deed *deed = &step_of(b, "add-new-ds")->forward;
	assert_int_equal(deed->state, DEED_NOT_BEGUN);
	bench_intent(b, "add-new-ds", PARENT, "");
	assert_int_equal(deed->state, DEED_INTENDED);
	assert_true(deed_is_under_way(deed));
	assert_int_equal(deed->publisher, PARENT);
	assert_true(deed->repeatable);
	bench_record(b, JOURNAL_SENT, "add-new-ds", "{\"attempt\":\"a-add-new-ds\"}");
	bench_record(b, JOURNAL_REPLY, "add-new-ds", "{\"attempt\":\"a-add-new-ds\"}");
	assert_int_equal(deed->state, DEED_INTENDED); // what came back is no progress
	bench_result(b, "add-new-ds", "done");
	assert_int_equal(deed->state, DEED_ACTED);
	assert_false(progress_is_over(&b->replay.progress, 3));
	bench_seen(b, "add-new-ds");
	assert_int_equal(deed->state, DEED_EVERYWHERE);
	assert_false(deed_is_under_way(deed));
	bench_free(b);
}

static void ends_of_other_attempts_say_nothing(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	const struct deed *deed = &step_of(b, "add-new-ds")->forward;
	bench_intent(b, "add-new-ds", PARENT, "");
	bench_record(
	        b, JOURNAL_RESULT, "add-new-ds", "{\"attempt\":\"other\",\"outcome\":\"done\"}");
	assert_int_equal(deed->state, DEED_INTENDED);
	bench_result(b, "add-new-ds", "refused");
	assert_int_equal(deed->state, DEED_REFUSED);
	assert_string_equal(deed->reason, "because");
	// The same once more, late: it is over already.
	bench_result(b, "add-new-ds", "done");
	assert_int_equal(deed->state, DEED_REFUSED);
	bench_free(b);
}

static void attempts_are_counted(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	const struct deed *deed = &step_of(b, "add-new-ds")->forward;
	for (unsigned i = 1; i < 4; i++) {
		bench_intent(b, "add-new-ds", PARENT, "");
		assert_int_equal(deed->attempts, i);
		bench_result(b, "add-new-ds", "refused");
	}
	bench_record(b, JOURNAL_STATE, "add-new-ds",
	        "{\"state\":\"seen\",\"publishers\":1,\"all\":false}");
	assert_int_equal(deed->attempts, 0);
	assert_int_equal(deed->state, DEED_NOT_BEGUN);
	assert_int_equal(deed->shown, 1);
	bench_free(b);
}

static void records_that_mean_nothing_are_passed_over(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	struct progress before = b->replay.progress;
	bench_record(b, JOURNAL_NOTE, "add-new-ds", "{}");
	bench_record(b, JOURNAL_FOREIGN, "", "{}");
	bench_record(b, JOURNAL_DONE, "no-such-step", "{}");
	bench_record(b, JOURNAL_INTENT, "no-such-step", "{}");
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"something new\"}");
	bench_record(b, JOURNAL_STATE, "add-new-ds", "{\"state\":\"something new\"}");
	bench_record(b, JOURNAL_APPROVAL, "add-new-ds", "{\"party\":\"nobody\"}");
	assert_memory_equal(&before, &b->replay.progress, sizeof before);
	bench_free(b);
}

static void records_that_lack_something_are_corrupt(void **state)
{
	(void)state;
	static const struct {
		enum journal_kind kind;
		const char *step, *payload, *error;
	} cases[] = {
	        {JOURNAL_INTENT, "add-new-ds", "{\"publisher\":1}", "kind intent lacks 'attempt'"},
	        {JOURNAL_INTENT, "add-new-ds", "{\"attempt\":\"x\"}", "lacks 'publisher'"},
	        {JOURNAL_INTENT, "add-new-ds", "{\"attempt\":\"x\",\"publisher\":16}",
	                "lacks 'publisher'"},
	        {JOURNAL_INTENT, "add-new-ds", "{\"attempt\":\"x\",\"publisher\":-1}",
	                "lacks 'publisher'"},
	        {JOURNAL_RESULT, "add-new-ds", "{\"attempt\":\"x\"}", "lacks 'outcome'"},
	        {JOURNAL_UNKNOWN, "add-new-ds", "{}", "kind unknown lacks 'attempt'"},
	        {JOURNAL_APPROVAL, "add-new-ds", "{}", "lacks 'party'"},
	        {JOURNAL_STATE, "", "{}", "kind state lacks 'state'"},
	        {JOURNAL_STATE, "", "{\"state\":\"line\",\"line\":\"nowhere\"}", "lacks 'line'"},
	        {JOURNAL_STATE, "", "{\"state\":\"clock\"}", "lacks 'by_ms'"},
	        {JOURNAL_STATE, "add-new-ds", "{\"state\":\"seen\",\"all\":true}",
	                "lacks 'publishers'"},
	        {JOURNAL_STATE, "add-new-ds", "{\"state\":\"seen\",\"publishers\":1}",
	                "lacks 'all'"},
	};
	struct bench *b = bench_new(NULL, NULL);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct error err = {0};
		assert_int_equal(try(b, cases[i].kind, cases[i].step, cases[i].payload, &err),
		        RESULT_CORRUPT);
		if (strstr(err.text, cases[i].error) == NULL)
			fail_msg("expected '%s', got '%s'", cases[i].error, err.text);
	}
	bench_free(b);
}

static void undo_makes_a_step_as_new(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	struct progress_step before = *step_of(b, "add-new-ds");
	bench_record(b, JOURNAL_APPROVAL, "add-new-ds", "{\"party\":\"losing\"}");
	bench_record(b, JOURNAL_STATE, "add-new-ds", "{\"state\":\"turn\"}");
	bench_intent(b, "add-new-ds", PARENT, ",\"asked\":true");
	bench_record(b, JOURNAL_DONE, "add-new-ds", "{}");
	bench_seen(b, "add-new-ds");
	assert_true(step_of(b, "add-new-ds")->said_done);
	bench_record(b, JOURNAL_UNDO, "add-new-ds", "{}");
	assert_int_equal(b->replay.progress.undo_to, 3);
	bench_record(b, JOURNAL_STATE, "add-new-ds",
	        "{\"state\":\"seen\",\"publishers\":1,\"all\":true,\"undo\":true}");
	assert_memory_equal(&before, step_of(b, "add-new-ds"), sizeof before);
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"undone\"}");
	assert_int_equal(b->replay.progress.undo_to, -1);
	assert_false(b->replay.progress.is_undone); // there are steps before it
	bench_free(b);
}

static void the_farthest_wish_to_undo_counts(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"finished\"}");
	assert_true(b->replay.progress.is_finished);
	bench_record(b, JOURNAL_UNDO, "move-delegation", "{}");
	assert_false(b->replay.progress.is_finished);
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	bench_record(b, JOURNAL_UNDO, "add-new-ds", "{}");
	assert_int_equal(b->replay.progress.undo_to, 0);
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"undone\"}");
	assert_true(b->replay.progress.is_undone);
	bench_free(b);
}

static void a_branch_is_left_again_when_it_is_undone(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	struct progress *p = &b->replay.progress;
	bench_record(b, JOURNAL_STATE, "publish-new-keys",
	        "{\"state\":\"line\",\"line\":\"go-insecure\"}");
	assert_string_equal(b->definition->procedure->lines[p->line].id, "go-insecure");
	bench_record(b, JOURNAL_STATE, "name-new-servers", "{\"state\":\"skipped\"}");
	bench_record(b, JOURNAL_UNDO, "publish-new-keys", "{}");
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"undone\"}");
	assert_int_equal(p->line, 0);
	assert_false(step_of(b, "name-new-servers")->skipped);
	bench_free(b);
}

static void who_is_asked_anew_has_not_said_done(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_record(b, JOURNAL_DONE, "add-new-ds", "{}");
	assert_true(step_of(b, "add-new-ds")->said_done);
	bench_intent(b, "add-new-ds", PARENT, ",\"asked\":true");
	assert_false(step_of(b, "add-new-ds")->said_done);
	// Of what the DNS does not show, saying is all there is.
	bench_record(b, JOURNAL_DONE, "relay-new-keys", "{}");
	bench_intent(b, "relay-new-keys", PARENT, ",\"asked\":true");
	assert_true(step_of(b, "relay-new-keys")->said_done);
	bench_free(b);
}

static void a_clock_that_is_set_moves_what_is_counted(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_record(b, JOURNAL_STATE, "add-new-ds", "{\"state\":\"turn\"}");
	bench_intent(b, "add-new-ds", PARENT, "");
	bench_record(b, JOURNAL_STATE, "", "{\"state\":\"clock\",\"by_ms\":5000}");
	assert_int_equal(step_of(b, "add-new-ds")->turn_ms, START_MS + 5000);
	assert_int_equal(step_of(b, "add-new-ds")->forward.tried_ms, START_MS + 5000);
	assert_int_equal(step_of(b, "add-new-ds")->forward.acted_ms, 0);
	assert_int_equal(step_of(b, "import-old-zsk")->turn_ms, TIME_NEVER_MS);
	bench_free(b);
}

// Steps of the main line that were not done are no part of it after a turn.
static void the_way_is_the_line_and_what_was_done(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	const struct procedure *p = b->definition->procedure;
	bench_seen(b, "import-old-zsk");
	bench_record(b, JOURNAL_STATE, "publish-new-keys",
	        "{\"state\":\"line\",\"line\":\"go-insecure\"}");
	const struct progress *progress = &b->replay.progress;
	assert_true(progress_is_on_way(progress, &p->steps[0]));
	assert_false(
	        progress_is_on_way(progress, &p->steps[procedure_step_find(p, "move-delegation")]));
	assert_true(progress_is_on_way(progress, &p->steps[procedure_step_find(p, "remove-ds")]));
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_attempt_from_intent_to_everywhere),
	        TEST(ends_of_other_attempts_say_nothing),
	        TEST(attempts_are_counted),
	        TEST(records_that_mean_nothing_are_passed_over),
	        TEST(records_that_lack_something_are_corrupt),
	        TEST(undo_makes_a_step_as_new),
	        TEST(the_farthest_wish_to_undo_counts),
	        TEST(a_branch_is_left_again_when_it_is_undone),
	        TEST(who_is_asked_anew_has_not_said_done),
	        TEST(a_clock_that_is_set_moves_what_is_counted),
	        TEST(the_way_is_the_line_and_what_was_done),
	};
	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
