// A change asks the parent for no delegation that would fail the technical checks.
#include "scene.h"

#include <string.h>

#include "../unit/discover/answers.h"
#include "base/file.h"

// The documentation addresses of the simulated network are special-purpose ones; and the
// losing operator's DS record stays for a while when its servers are named no more.
#define FILES   "prohibited: none.txt"
#define STAYS   "ds-matches-key: \"the old DS record stays until caches have forgotten\""
#define WAIVERS "waive: {" STAYS "}"

static struct scene *scene_with(const char *technical)
{
	struct scene *s = scene_new(&(struct scene_options){.seed = 5});
	char text[400], path[200];
	snprintf(text, sizeof text, "technical: {%s}\nparties:\n", technical);
	scene_define(s, "parties:\n", text);
	snprintf(path, sizeof path, "%s/none.txt", s->folder);
	assert_int_equal(file_replace(path, "10.0.0.0/8\n", 11, NULL), RESULT_OK);
	return s;
}

static void finish(struct scene *s)
{
	scene_run(s, 90 * DAY_MS);
	if (s->end != CHANGE_FINISHED)
		fail_msg("not finished: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Whoever re-checks a journal from which the checks' results are gone.
static enum result without_checks(
        void *ctx, const struct journal_record *record, const json_t *payload, struct error *err)
{
	const char *state = json_string_value(json_object_get(payload, "state"));
	return state != NULL && strcmp(state, "technical") == 0
	               ? RESULT_OK
	               : rejudge_visit(ctx, record, payload, err);
}

static void a_good_delegation_is_asked_for(void **state)
{
	(void)state;
	struct scene *s = scene_with(FILES ", " WAIVERS);
	struct rejudge *rejudge;
	struct journal_report report;
	scene_run(s, 12 * DAY_MS);
	assert_int_equal(rejudge_new(&rejudge, &s->err), RESULT_OK);
	struct journal_verify_options options = {.visit = without_checks, .ctx = rejudge};
	assert_int_equal(journal_verify(s->journal_path, &options, &report, &s->err), RESULT_OK);
	assert_false(report.good);
	assert_non_null(strstr(report.text, "which has not passed the technical checks"));
	rejudge_free(rejudge);
	finish(s);
}

// It stops before the delegation moves, says why, and goes on when that is mended.
static void stops_until_mended(
        struct scene *s, void (*fault)(struct simdns *, int, int, bool), const char *says)
{
	fault(s->dns, SIMDNS_GAINING, 2, true);
	scene_run(s, 12 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "move-delegation: the parent is not asked, for the delegation to come "
	                   "would fail: ");
	scene_said_text(s, says);
	assert_int_equal(s->said[CHANGE_SAID_STUCK], 1); // once, and not at every look
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "move-delegation"), 0);
	assert_int_equal(simdns_ns(s->dns, SIMDNS_PARENT), 1u << SIMDNS_LOSING);
	scene_verify(s);
	fault(s->dns, SIMDNS_GAINING, 2, false);
	finish(s);
}

static void a_server_without_tcp_stops_it(void **state)
{
	(void)state;
	stops_until_mended(scene_with(FILES ", " WAIVERS), simdns_no_tcp,
	        "reachable: ns2.gaining.example. at 192.0.2.22: no answer over TCP");
}

static void a_server_that_resolves_stops_it(void **state)
{
	(void)state;
	stops_until_mended(scene_with(FILES ", " WAIVERS), simdns_resolves,
	        "no-open-recursion: ns2.gaining.example. at 192.0.2.22: a foreign name is "
	        "resolved");
}

static void what_is_waived_does_not_stop_it(void **state)
{
	(void)state;
	struct scene *s = scene_with(FILES ", waive: {" STAYS ", no-open-recursion: \"a test\"}");
	simdns_resolves(s->dns, SIMDNS_GAINING, 2, true);
	finish(s);
}

static void only_what_is_wanted_is_checked(void **state)
{
	(void)state;
	struct scene *s = scene_with("only: [two-name-servers, no-open-recursion]");
	simdns_no_tcp(s->dns, SIMDNS_GAINING, 2, true);
	finish(s);
}

#define IS(name, address)                                                                          \
	{                                                                                          \
		name, "A", "", name " 60 A " address                                               \
	}

static void addresses_that_differ_stop_it(void **state)
{
	(void)state;
	struct host resolver = {.rules = {IS("ns1.losing.example.", "192.0.2.11"),
	                                IS("ns2.losing.example.", "192.0.2.12"),
	                                IS("ns1.gaining.example.", "192.0.2.21"),
	                                IS("ns2.gaining.example.", "192.0.2.99")}};
	struct scene *s = scene_with(FILES ", resolvers: [198.51.100.53]");
	host_put(s->sim, "198.51.100.53", &resolver);
	scene_run(s, 12 * DAY_MS);
	assert_int_equal(s->end, CHANGE_RUNNING);
	scene_said_text(s, "glue-equals-zone: ns2.gaining.example.: the delegation has 192.0.2.22, "
	                   "2001:db8::22, and 198.51.100.53 says 192.0.2.99");
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "move-delegation"), 0);
	scene_free(s);
}

// A person is not asked for it, either.
static void a_person_is_not_asked(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 6, .registrar = SCENE_PERSON});
	scene_define(s, "parties:\n", "technical: {only: [reachable]}\nparties:\n");
	simdns_no_tcp(s->dns, SIMDNS_LOSING, 2, true);
	scene_run(s, 4 * DAY_MS);
	scene_said_text(s, "add-new-ds: the parent is not asked, for the delegation to come would "
	                   "fail: reachable: ");
	assert_int_equal(s->said[CHANGE_SAID_ASK], 0);
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "add-new-ds"), 0);
	scene_free(s);
}

static void words_that_cannot_be_used(void **state)
{
	(void)state;
	static const struct {
		const char *technical, *says;
	} bad[] = {
	        {"waive: {reachabel: x}", "there is no check 'reachabel'"},
	        {"waive: {reachable: \" \"}", "a waiver needs a reason"},
	        {"only: [x]", "there is no check 'x'"},
	        {"resolvers: [x]", "'x'"},
	        {"tables: x", "tables"},
	        {"head-room: 7", "head-room"},
	};
	struct scene *s = scene_new(&(struct scene_options){.seed = 7});
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const struct change_definition *d;
		struct error err = {0};
		char *text = arena_printf(
		        s->arena, "%stechnical: {%s}\n", s->definition->text, bad[i].technical);
		assert_int_equal(change_definition_parse(s->arena, "x.yaml", text, strlen(text),
		                         NULL, NULL, 0, &d, &err),
		        RESULT_INPUT);
		if (strstr(err.text, bad[i].says) == NULL)
			fail_msg("'%s' does not have '%s'", err.text, bad[i].says);
	}
	scene_free(s);
}

static void a_table_that_is_not_there_stops_it(void **state)
{
	(void)state;
	struct scene *s = scene_with("networks: nowhere.txt");
	scene_run(s, 4 * DAY_MS);
	scene_said_text(s, "would fail: they cannot be made: ");
	assert_int_equal(scene_records(s, JOURNAL_INTENT, "add-new-ds"), 0);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_good_delegation_is_asked_for),
	        cmocka_unit_test(a_server_without_tcp_stops_it),
	        cmocka_unit_test(a_server_that_resolves_stops_it),
	        cmocka_unit_test(what_is_waived_does_not_stop_it),
	        cmocka_unit_test(only_what_is_wanted_is_checked),
	        cmocka_unit_test(addresses_that_differ_stop_it),
	        cmocka_unit_test(a_person_is_not_asked),
	        cmocka_unit_test(words_that_cannot_be_used),
	        cmocka_unit_test(a_table_that_is_not_there_stops_it),
	};
	return cmocka_run_group_tests_name("checks", tests, NULL, NULL);
}
