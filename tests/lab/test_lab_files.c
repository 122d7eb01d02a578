// What the lab reads and writes: templates, its description, options, scenarios and their
// judgement.
#include "describe.h"
#include "scenario.h"
#include "template.h"

#include "base/data.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_template(void **state)
{
	struct arena *arena = arena_new(1u << 20);
	struct template_vars *vars = template_vars_new(arena);
	struct error err = {0};
	char *out = NULL;
	template_set(vars, "A", "one");
	template_setf(vars, "B_2", "%u", 2u);
	template_set(vars, "A", "first");
	assert_int_equal(
	        template_expand(vars, arena, "t", "${A} $B ${B_2}$", &out, &err), RESULT_OK);
	assert_string_equal(out, "first $B 2$");
	out = NULL;
	assert_int_equal(template_expand(vars, arena, "t", "x\n ${NOT}", &out, &err), RESULT_INPUT);
	assert_string_equal(err.text, "t:2: unknown variable ${NOT}");
	assert_int_equal(template_expand(vars, arena, "t", "${A", &out, &err), RESULT_INPUT);
	assert_int_equal(template_expand(vars, arena, "t", "${A-}", &out, &err), RESULT_INPUT);
	assert_null(out);
	arena_free(arena);
	(void)state;
}

static void test_ttl_options(void **state)
{
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(lab_options_ttl(&options, "ds=1m,child-ns=2s", &err), RESULT_OK);
	assert_int_equal(options.ttl_s[LAB_TTL_DS], 60);
	assert_int_equal(options.ttl_s[LAB_TTL_CHILD_NS], 2);
	static const char *const bad[] = {"", "ds", "ds=", "ds=6", "dss=6s", "ds=1500ms", "ds=2d",
	        "ds=6s,", "ds=6s child-ns=7s"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lab_options before = options;
		assert_int_equal(lab_options_ttl(&options, bad[i], &err), RESULT_INPUT);
		assert_memory_equal(&before, &options, sizeof(options));
	}
	(void)state;
}

static void test_description(void **state)
{
	struct arena *arena = arena_new(4u << 20);
	struct error err = {0};
	struct lab_info info, again;
	char dir[] = "/tmp/baton-test-XXXXXX", path[64];
	struct lab_options options = lab_options_default();
	options.ttl_s[LAB_TTL_DNSKEY] = 77;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lab.yaml", dir);
	assert_int_equal(describe_plan(arena, dir, &options, &info, &err), RESULT_OK);
	for (int i = 0; i < LAB_PARTIES; i++)
		info.party[i].tsig_secret = "c2VjcmV0";
	info.party[LAB_LOSING].ksk = "257 3 13 AAAA";
	info.party[LAB_LOSING].zsk = "256 3 13 BBBB";
	info.party[LAB_LOSING].ds = "1 13 2 ABCD";
	assert_int_equal(describe_write(&info, path, &err), RESULT_OK);
	assert_int_equal(describe_read(arena, path, &again, &err), RESULT_OK);
	assert_string_equal(again.dir, dir);
	assert_int_equal(again.ttl_s[LAB_TTL_DNSKEY], 77);
	assert_string_equal(again.party[LAB_LOSING].ds, "1 13 2 ABCD");
	assert_null(again.party[LAB_GAINING].ksk);
	assert_string_equal(again.party[LAB_GAINING].server[1].v6, "2001:db8:b::2");
	assert_string_equal(again.resolver[3].id, "forwarded");
	unlink(path);
	rmdir(dir);
	arena_free(arena);
	(void)state;
}

// Loads a scenario from a text; returns the result, with the message behind the file's name in
// text.
static enum result load(
        struct arena *arena, const char *yaml, struct scenario **scenario, char text[500])
{
	struct error err = {0};
	char path[] = "/tmp/baton-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	enum result result = scenario_load(arena, path, scenario, &err);
	unlink(path);
	const char *behind = strstr(err.text, path);
	snprintf(text, 500, "%s", behind != NULL ? behind + strlen(path) : err.text);
	return result;
}

#define HEAD "scenario: x\nabout: y\nsteps:\n"
#define TAIL "expect: {every: secure}\n"

static void test_scenario_errors(void **state)
{
	static const struct {
		const char *yaml, *message;
	} bad[] = {
	        {"scenario: x\n", "'about' is missing"},
	        {HEAD " - hop: 1s\n" TAIL, ":4:4: a step begins with"},
	        {HEAD " - sleep: 1\n" TAIL, ":4:11:"},
	        {HEAD " - update: nobody\n   script: x\n" TAIL, ":4:12: unknown party 'nobody'"},
	        {HEAD " - update: losing\n" TAIL, "'script' is missing"},
	        {HEAD " - wait: {at: a, name: b, typ: c}\n" TAIL, "typ"},
	        {HEAD " - run: []\n" TAIL, "expected 1 to"},
	        {HEAD " - sleep: 1s\n", "'expect' is missing"},
	        {HEAD " - sleep: 1s\nexpect: {}\n", "expected either"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bing]}\n", "unknown validator 'bing'"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bind], after: m}\n",
	                "no step sets the mark 'm'"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bind], within: 1s}\n",
	                "'within' needs 'after'"},
	        {"ttl: {ds: 6s, foo: 7s}\n" HEAD " - sleep: 1s\n" TAIL, "foo"},
	        {"probe: {rate: 0}\n" HEAD " - sleep: 1s\n" TAIL, "rate"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *arena = arena_new(32u << 20);
		struct scenario *scenario = NULL;
		char text[500];
		assert_int_equal(load(arena, bad[i].yaml, &scenario, text), RESULT_INPUT);
		if (strstr(text, bad[i].message) == NULL)
			fail_msg("'%s' does not have '%s'", text, bad[i].message);
		assert_null(scenario);
		arena_free(arena);
	}
	(void)state;
}

static void test_shipped_scenarios_load(void **state)
{
	static const char *const name[] = {"steady", "hard-switch", "foreign-keys",
	        "operator-change", "old-ds-too-early", "no-key-exchange", "insecure-as-published",
	        "foreign-keys-crash"};
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		struct arena *arena = arena_new(32u << 20);
		struct scenario *scenario;
		struct error err = {0};
		const char *path, *file = arena_printf(arena, "lab/scenarios/%s.yaml", name[i]);
		assert_int_equal(data_path(arena, file, &path, &err), RESULT_OK);
		if (scenario_load(arena, path, &scenario, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_string_equal(scenario->name, name[i]);
		arena_free(arena);
	}
	(void)state;
}

static void test_judgement(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *scenario;
	struct lab_info info;
	char text[500];
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(
	        load(arena, HEAD " - mark: m\nexpect: {failing: [bind], after: m, within: 5s}\n",
	                &scenario, text),
	        RESULT_OK);
	struct scenario_outcome outcome = {.marks = 1, .mark = {{"m", 1000}}};
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind did not fail");
	outcome.counts.resolver[1].outcome[PROBE_SERVFAIL] = 1;
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 6000;
	scenario_judge(scenario, &info, &outcome);
	assert_true(outcome.met);
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 6001;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind failed only 5001 ms after 'm'");
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 999;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind failed 1 ms before 'm'");
	assert_int_equal(load(arena, HEAD " - sleep: 1s\nexpect: {every: secure, fresh: 2}\n",
	                         &scenario, text),
	        RESULT_OK);
	for (int i = 0; i < LAB_RESOLVERS; i++)
		outcome.counts.resolver[i].answered[PROBE_FRESH] = 2;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind: 1 answers were not authenticated");
	scenario->expect.tolerate = 1;
	scenario_judge(scenario, &info, &outcome);
	assert_true(outcome.met);
	scenario->expect.tolerate = 0;
	outcome.counts.resolver[1].outcome[PROBE_SERVFAIL] = 0;
	scenario_judge(scenario, &info, &outcome);
	assert_true(outcome.met);
	outcome.counts.resolver[2].outcome[PROBE_INSECURE] = 1; // silently insecure is a failure
	scenario_judge(scenario, &info, &outcome);
	assert_false(outcome.met);
	arena_free(arena);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_template),
	        cmocka_unit_test(test_ttl_options),
	        cmocka_unit_test(test_description),
	        cmocka_unit_test(test_scenario_errors),
	        cmocka_unit_test(test_shipped_scenarios_load),
	        cmocka_unit_test(test_judgement),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
