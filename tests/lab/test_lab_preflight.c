// `baton preflight` looks at the real servers of a lab: Knot, BIND and NSD as they answer, a
// resolver that resolves for anybody, and a server that is gone.
//
//     test_lab_preflight PROGRAM                           the `baton` to run
#include "shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

// The addresses are for documentation; which of them are in one network is in the files.
#define PREFLIGHT                                                                                  \
	"timeout 60 $B preflight example.test --resolver 198.51.100.57 --networks $D/networks "    \
	"--prohibited $D/prohibited "
#define GAINING "--ns ns1.gaining.test --ns ns2.gaining.test "

static int start_lab(void **state)
{
	struct error err = {0};
	struct lab_options options = lab_options_default();
	options.names = 300;
	(void)state;
	if (lab_create(&options, &lab, &err) != RESULT_OK) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return shell("printf '192.0.2.11/32 AS1\\n192.0.2.12/32 AS2\\n192.0.2.21/32 AS3\\n"
	             "192.0.2.22/32 AS4\\n2001:db8::/32 AS5\\n' > $D/networks && "
	             "printf '10.0.0.0/8\\n' > $D/prohibited");
}

static int stop_lab(void **state)
{
	(void)state;
	lab_stop(lab);
	return 0;
}

// All checks as an array; json_decref() by the caller.
static json_t *checks(int expected, const char *options)
{
	json_t *all = json_array();
	int status = shell(PREFLIGHT "--json %s > $D/out 2> $D/err", options);
	char *line = text_of("out"), *end;
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		json_t *one = json_loads(line, 0, NULL);
		assert_non_null(one);
		json_array_append_new(all, one);
	}
	if (status != expected)
		fail_msg("status %d: %s", status, json_dumps(all, JSON_INDENT(1)));
	return all;
}

static const json_t *check_of(const json_t *all, const char *name)
{
	size_t i;
	const json_t *one;
	json_array_foreach(all, i, one)
	{
		if (strcmp(json_string_value(json_object_get(one, "check")), name) == 0)
			return one;
	}
	fail_msg("no check %s", name);
	return NULL;
}

static void expect(const json_t *all, const char *name, const char *result, const char *text)
{
	const json_t *one = check_of(all, name);
	const char *has = json_string_value(json_object_get(one, "result")),
	           *says = json_string_value(json_object_get(one, "text"));
	if (strcmp(has, result) != 0 || strstr(says, text) == NULL)
		fail_msg("%s: %s: %s; expected %s: %s", name, has, says, result, text);
}

static void test_the_present_delegation_passes(void **state)
{
	(void)state;
	json_t *all = checks(0, "");
	assert_int_equal(json_array_size(all), 20);
	expect(all, "reachable", "pass", "4 addresses");
	expect(all, "authoritative", "pass", "8 answers");
	expect(all, "zone-validates", "pass", "4 addresses");
	expect(all, "denial-present", "pass", "NSEC records at 4 addresses");
	expect(all, "no-open-recursion", "pass", "4 addresses");
	expect(all, "glue-equals-zone", "pass", "2 name servers");
	expect(all, "delegation-equals-zone", "pass", "4 addresses");
	expect(all, "network-diversity", "pass", "AS");
	expect(all, "signature-head-room", "pass", "expires at");
	json_decref(all);
	assert_string_equal(text_of("err"), "");
}

static void test_the_gaining_operator_with_its_ds(void **state)
{
	char options[700];
	(void)state;
	snprintf(
	        options, sizeof options, GAINING "--ds '%s'", lab_info(lab)->party[LAB_GAINING].ds);
	json_t *all = checks(0, options);
	expect(all, "zone-validates", "pass", "4 addresses");
	expect(all, "ds-matches-key", "pass", "1 DS records");
	expect(all, "serial-continuity", "pass", "served now");
	expect(all, "delegation-equals-zone", "pass", "4 addresses");
	json_decref(all);
}

static void test_the_gaining_operator_with_the_old_ds(void **state)
{
	(void)state;
	json_t *all = checks(1, GAINING);
	expect(all, "ds-matches-key", "fail", "no key for the DS record");
	expect(all, "zone-validates", "fail", "none of its signers is in the DS set");
	expect(all, "reachable", "pass", "4 addresses");
	json_decref(all);
}

// A DS record without a key in the zone, beside one that has it; the waiver is in the output.
static void test_a_standby_key(void **state)
{
	char options[900];
	const char *ds = lab_info(lab)->party[LAB_GAINING].ds;
	(void)state;
	snprintf(options, sizeof options, GAINING "--ds '%s' --ds '4711 13 2 %064d'", ds, 7);
	json_t *all = checks(1, options);
	expect(all, "ds-matches-key", "fail", "key tag 4711");
	expect(all, "zone-validates", "pass", "4 addresses");
	json_decref(all);
	assert_int_equal(
	        shell(PREFLIGHT "%s --waive ds-matches-key='standby, offline' > $D/out", options),
	        0);
	assert_non_null(strstr(text_of("out"), "\nwaived  ds-matches-key "));
	assert_non_null(strstr(text_of("out"), " waived: standby, offline\n"));
	assert_non_null(strstr(text_of("out"), ", 1 waived"));
}

static void test_documentation_addresses_are_prohibited(void **state)
{
	(void)state;
	assert_int_equal(shell("$B preflight example.test --resolver 198.51.100.57 "
	                       "--only prohibited-networks,network-diversity > $D/out"),
	        1);
	const char *text = text_of("out");
	assert_non_null(strstr(text, "FAIL    prohibited-networks"));
	assert_non_null(strstr(text, "192.0.2.11: it is in 192.0.2.0/24 (documentation)"));
	assert_null(strstr(text, "reachable"));
}

static void test_a_resolver_is_no_authoritative_server(void **state)
{
	(void)state;
	json_t *all = checks(1, "--ns ns1.losing.test=192.0.2.11,2001:db8:a::1 "
	                        "--ns ns2.losing.test=198.51.100.57");
	expect(all, "no-open-recursion", "fail", "ns2.losing.test. at 198.51.100.57");
	expect(all, "authoritative", "fail", "198.51.100.57: over UDP ");
	expect(all, "glue-equals-zone", "fail", "ns2.losing.test.: the delegation has 198.51");
	json_decref(all);
}

static void test_zones_that_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(shell("$B preflight nowhere.test --resolver 198.51.100.57 > $D/out "
	                       "2> $D/err"),
	        2);
	assert_string_equal(text_of("out"), "");
	assert_string_equal(text_of("err"), "baton: no delegation of nowhere.test was found\n");
}

static void test_a_server_that_is_gone(void **state)
{
	(void)state;
	char script[] = "for p in /proc/[0-9]*; do { tr '\\0' ' ' < $p/cmdline; } 2> /dev/null | "
	                "grep -q '[n]sd.*/a2' && kill -9 ${p#/proc/}; done; true";
	assert_int_equal(shell("%s", script), 0);
	json_t *all = checks(1, "");
	expect(all, "reachable", "fail", "ns2.losing.test. at 192.0.2.12: no answer over UDP");
	expect(all, "zone-validates", "pass", "2 addresses");
	json_decref(all);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_the_present_delegation_passes),
	        cmocka_unit_test(test_the_gaining_operator_with_its_ds),
	        cmocka_unit_test(test_the_gaining_operator_with_the_old_ds),
	        cmocka_unit_test(test_a_standby_key),
	        cmocka_unit_test(test_documentation_addresses_are_prohibited),
	        cmocka_unit_test(test_a_resolver_is_no_authoritative_server),
	        cmocka_unit_test(test_zones_that_are_not_there),
	        cmocka_unit_test(test_a_server_that_is_gone),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: test_lab_preflight PROGRAM\n");
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests(tests, start_lab, stop_lab);
}
