// Going on from a journal: whose it is, and what has to be there.
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static void a_change_keeps_its_definition(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 1});
	scene_run(s, DAY_MS);
	scene_stop(s);
	scene_define(s, "poll: 6h", "poll: 5h");
	unsigned records = scene_records(s, JOURNAL_ANY, NULL);
	scene_start_fails(s, RESULT_CONFLICT, "is not what the change began with");
	assert_int_equal(scene_records(s, JOURNAL_ANY, NULL), records);
	scene_define(s, "poll: 5h", "poll: 6h");
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void a_journal_is_of_one_change(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 2});
	scene_run(s, DAY_MS);
	scene_stop(s);
	scene_define(s, "change: move-example", "change: another");
	scene_start_fails(
	        s, RESULT_CONFLICT, "the journal is that of another change, 'move-example'");
	scene_free(s);
}

static void nothing_begins_without_the_keys(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 3});
	char path[100];
	snprintf(path, sizeof path, "%s/registry.key", s->folder);
	assert_int_equal(unlink(path), 0);
	scene_start_fails(s, RESULT_NOT_FOUND, "registry.key");
	assert_int_not_equal(access(s->journal_path, F_OK), 0); // nothing is left of it
	assert_int_equal(file_replace(path, simdns_tsig(SIMDNS_PARENT),
	                         strlen(simdns_tsig(SIMDNS_PARENT)), &s->err),
	        RESULT_OK);
	scene_run(s, 12 * HOUR_MS);
	// It is needed again, and gone.
	assert_int_equal(unlink(path), 0);
	scene_run(s, 10 * DAY_MS);
	scene_said_text(s, "stuck add-new-ds: attempt 1 failed: ");
	assert_int_equal(file_replace(path, simdns_tsig(SIMDNS_PARENT),
	                         strlen(simdns_tsig(SIMDNS_PARENT)), &s->err),
	        RESULT_OK);
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Approvals, done and undo come at any time, also between two records of the engine.
static void say_something(
        struct scene *s, enum change_said what, const char *step, const char *text)
{
	(void)text;
	if (what == CHANGE_SAID_ACT && strcmp(step, "add-new-ds") == 0) {
		scene_guest(s, JOURNAL_DONE, "add-new-ds", NULL);
		scene_guest(s, JOURNAL_APPROVAL, "stop-serving", "gaining");
	}
	if (what == CHANGE_SAID_REPLY && strcmp(step, "name-new-servers") == 0)
		scene_guest(s, JOURNAL_UNDO, "name-new-servers", NULL);
	if (what == CHANGE_SAID_SEEN)
		scene_guest(s, JOURNAL_DONE, step, NULL);
}

static void people_who_speak_in_between_change_no_order(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 4});
	s->on_said = say_something;
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_UNDONE);
	scene_verify(s); // compares with a restarted engine
	s->on_said = NULL;
	scene_stop(s);
	scene_run(s, 40 * DAY_MS);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void only_one_engine_runs_a_journal(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 5});
	struct journal *other;
	struct journal_options options = {
	        .clock = loop_clock(s->loop), .random = *sim_random(s->sim)};
	scene_run(s, DAY_MS);
	assert_int_equal(journal_open(s->journal_path, JOURNAL_WRITE, &options, &other, &s->err),
	        RESULT_CONFLICT);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_change_keeps_its_definition),
	        cmocka_unit_test(a_journal_is_of_one_change),
	        cmocka_unit_test(nothing_begins_without_the_keys),
	        cmocka_unit_test(people_who_speak_in_between_change_no_order),
	        cmocka_unit_test(only_one_engine_runs_a_journal),
	};
	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
