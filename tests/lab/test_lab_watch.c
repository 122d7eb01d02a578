// `baton watch` and `baton plan --zone` look at the real servers of a lab: what they find by
// themselves, what they say when servers differ, fall silent, or contradict the parent, and how a
// change runs through the picture.
//
//     test_lab_watch PROGRAM                               the `baton` to run
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
#include <unistd.h>

#include "base/clock.h"

#define RESOLVER "--resolver 198.51.100.57" // the one that does not validate
#define PARENT                                                                                     \
	" --server parent/ns1.nic.test=198.51.100.11 --server parent/ns1.nic.test=2001:db8:2::1"   \
	" --server parent/ns2.nic.test=198.51.100.12 --server parent/ns2.nic.test=2001:db8:2::2 "
#define LOSING                                                                                     \
	" --server losing/ns1.losing.test=192.0.2.11 --server "                                    \
	"losing/ns1.losing.test=2001:db8:a::1"                                                     \
	" --server losing/ns2.losing.test=192.0.2.12 --server "                                    \
	"losing/ns2.losing.test=2001:db8:a::2 "
#define GAINING                                                                                    \
	" --server gaining/ns1.gaining.test=192.0.2.21"                                            \
	" --server gaining/ns1.gaining.test=2001:db8:b::1"                                         \
	" --server gaining/ns2.gaining.test=192.0.2.22"                                            \
	" --server gaining/ns2.gaining.test=2001:db8:b::2 "

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
	return 0;
}

static int stop_lab(void **state)
{
	(void)state;
	lab_stop(lab);
	return 0;
}

// The last whole line of JSON in the file, NULL where there is none yet; json_decref() by the
// caller. A program that is still writing has often written a part of the next one.
static json_t *last_whole_line(const char *name)
{
	char *text = text_of(name), *line = text, *end = strrchr(text, '\n');
	json_error_t error;
	if (end == NULL)
		return NULL;
	*end = '\0';
	if (strrchr(text, '\n') != NULL)
		line = strrchr(text, '\n') + 1;
	json_t *json = json_loads(line, 0, &error);
	if (json == NULL)
		fail_msg("%s: %s", error.text, line);
	return json;
}

static json_t *last_json(const char *name)
{
	json_t *json = last_whole_line(name);
	if (json == NULL)
		fail_msg("%s has no whole line", name);
	return json;
}

static const char *string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));
	assert_non_null(value);
	return value;
}

// Looks once, with these options more.
static json_t *once(const char *options, int expected)
{
	int status = shell("timeout 60 $B watch example.test --once --json %s > $D/once.json "
	                   "2> $D/once.err",
	        options);
	if (status != expected)
		fail_msg("status %d: %s %s", status, text_of("once.err"), text_of("once.json"));
	return last_json("once.json");
}

static bool has_gap(const json_t *report, const char *kind)
{
	size_t i;
	json_t *gap;
	json_array_foreach(json_object_get(report, "gaps"), i,
	        gap) if (strcmp(string(gap, "kind"), kind) == 0) return true;
	return false;
}

static const json_t *effect_of(const json_t *report, const char *start)
{
	size_t i;
	json_t *effect;
	json_array_foreach(json_object_get(report, "effects"), i,
	        effect) if (strncmp(string(effect, "what"), start, strlen(start)) ==
	                    0) return effect;
	return NULL;
}

static unsigned count_lines(const json_t *report, const char *publisher, const char *kind)
{
	unsigned count = 0;
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(report, "served"), i, line) count +=
	        strcmp(string(line, "publisher"), publisher) == 0 &&
	        strcmp(string(line, "kind"), kind) == 0;
	return count;
}

static void update_parent(const char *script)
{
	struct error err = {0};
	if (lab_update(lab, LAB_REGISTRY, script, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

// The DS set of the parent is this one, at both servers.
static void set_ds(const char *ds)
{
	char script[600];
	struct error err = {0};
	snprintf(script, sizeof script, "del example.test. DS\n%s%s",
	        ds != NULL ? "add example.test. 6 DS " : "", ds != NULL ? ds : "");
	update_parent(script);
	for (int i = 0; i < 2; i++) {
		struct lab_condition condition = {
		        .address = lab_info(lab)->party[LAB_REGISTRY].server[i].v4,
		        .name = "example.test.",
		        .type = "DS",
		        .rdata = ds,
		        .absent = ds == NULL};
		if (lab_wait(lab, &condition, 20000, &err) != RESULT_OK)
			fail_msg("%s", err.text);
	}
}

// ---- One look -------------------------------------------------------------------------------

static void test_everything_is_found_and_secure(void **state)
{
	(void)state;
	json_t *r = once(RESOLVER " --data-ttl 8s", 0);
	assert_string_equal(string(r, "zone"), "example.test.");
	assert_string_equal(string(r, "parent"), "test.");
	assert_string_equal(string(r, "state"), "secure");
	assert_true(json_is_true(json_object_get(r, "complete")));
	assert_int_equal(count_lines(r, "parent", "ds"), 4);
	assert_int_equal(count_lines(r, "parent", "ns"), 4);
	assert_int_equal(count_lines(r, "child", "dnskey"), 4);
	assert_int_equal(count_lines(r, "child", "data"), 4);
	assert_int_equal(json_array_size(json_object_get(r, "differences")), 0);
	// One look shows no past: nothing is safe before it is known to be over.
	assert_true(has_gap(r, "past"));
	const json_t *effect = effect_of(r, "no DS set");
	assert_non_null(effect);
	assert_true(json_integer_value(json_object_get(effect, "safe_from_ms")) >
	            json_integer_value(json_object_get(r, "at_ms")));
	assert_true(json_is_true(json_object_get(effect, "insecure")));
	assert_true(
	        json_is_false(json_object_get(effect_of(r, "child stops serving"), "possible")));
	json_decref(r);
	r = once(RESOLVER, 0);
	assert_true(has_gap(r, "data-ttl"));
	json_decref(r);
}

static void test_text_for_people(void **state)
{
	(void)state;
	assert_int_equal(shell("$B watch example.test --once " PARENT " " LOSING
	                       " --data-ttl 8s > $D/once.txt"),
	        0);
	const char *text = text_of("once.txt");
	assert_non_null(strstr(text, "example.test., delegated from test."));
	assert_non_null(strstr(text, ": secure\n"));
	assert_non_null(strstr(text, "parent DS: "));
	assert_non_null(strstr(text, "losing NS: ns1.losing.test., ns2.losing.test.\n"));
	assert_non_null(strstr(text, "KSK signing"));
	assert_non_null(strstr(text, "safe from when"));
	assert_null(strstr(text, "DIFFERS"));
}

static void test_servers_that_differ(void **state)
{
	(void)state;
	// Both operators as one group: they do not serve the same.
	json_t *r = once(PARENT " --server child/ns1.losing.test=192.0.2.11 "
	                        "--server child/ns2.losing.test=192.0.2.12 "
	                        "--server child/ns1.gaining.test=192.0.2.21",
	        1);
	assert_true(json_array_size(json_object_get(r, "differences")) >= 2);
	assert_true(has_gap(r, "disagree"));
	size_t i;
	json_t *line;
	json_array_foreach(json_object_get(r, "served"), i,
	        line) if (strcmp(string(line, "kind"), "dnskey") == 0)
	        assert_int_equal(json_is_true(json_object_get(line, "differs")),
	                strcmp(string(line, "address"), "192.0.2.21@53") == 0);
	json_decref(r);
}

static void test_unknown_servers_are_missing_evidence(void **state)
{
	(void)state;
	// The NS sets name a server that nobody asks.
	json_t *r = once(PARENT " --server losing/ns1.losing.test=192.0.2.11", 1);
	assert_true(has_gap(r, "unknown-server"));
	assert_true(json_is_false(json_object_get(r, "complete")));
	const json_t *effect = effect_of(r, "no DS set");
	assert_true(json_is_null(json_object_get(effect, "safe_from_ms")));
	json_decref(r);
}

// The octets of the answer that the losing operator's server gives.
static int dnskey_answer_octets(void)
{
	assert_int_equal(shell("kdig @192.0.2.11 example.test. DNSKEY +dnssec +ignore +nocookie "
	                       "+bufsize=4096 > $D/o"),
	        0);
	const char *received = strstr(text_of("o"), "Received ");
	assert_non_null(received);
	return (int)strtol(received + strlen("Received "), NULL, 10);
}

static void drop_sizes(json_t *steps)
{
	for (size_t i = 0; i < json_array_size(steps); i++)
		json_object_del(json_array_get(steps, i), "dnskey_octets");
}

static void test_plan_takes_the_ttls_of_the_zone(void **state)
{
	(void)state;
	const uint32_t *ttl_s = lab_info(lab)->ttl_s;
	uint32_t data_s = ttl_s[LAB_TTL_DATA], ns_s = ttl_s[LAB_TTL_CHILD_NS];
	// The NS set is data, too.
	data_s = ns_s > data_s ? ns_s : data_s;
	assert_int_equal(shell("$B plan operator-change --zone example.test " RESOLVER
	                       " --lag parent=1s,child=2s --start 2030-01-01T00:00:00Z --json "
	                       "> $D/seen.json"),
	        0);
	assert_int_equal(shell("$B plan operator-change --ttl ds=%us,ds-none=%us,parent-ns=%us,"
	                       "child-ns=%us,dnskey=%us,data=%us --lag parent=1s,child=2s "
	                       "--start 2030-01-01T00:00:00Z --json > $D/given.json",
	                         ttl_s[LAB_TTL_DS], ttl_s[LAB_TTL_DS_NONE],
	                         ttl_s[LAB_TTL_PARENT_NS], ns_s, ttl_s[LAB_TTL_DNSKEY], data_s),
	        0);
	json_t *seen = json_loads(text_of("seen.json"), 0, NULL),
	       *given = json_loads(text_of("given.json"), 0, NULL);
	assert_non_null(seen);
	assert_non_null(given);
	assert_string_equal(string(seen, "zone"), "example.test");
	assert_int_equal(json_integer_value(json_object_get(seen, "dnskey_octets_before")),
	        dnskey_answer_octets());
	drop_sizes(json_object_get(seen, "steps")); // they come from the zone's name and keys
	drop_sizes(json_object_get(given, "steps"));
	assert_true(json_equal(json_object_get(seen, "steps"), json_object_get(given, "steps")));
	json_decref(seen);
	json_decref(given);
}

// What no server served is assumed, unless it is given, and that is said.
static void test_plan_says_which_ttls_are_assumed(void **state)
{
	(void)state;
	assert_int_equal(shell("$B plan operator-change --zone example.test --ttl child-ns=1d "
	                       "--server parent=198.51.100.11 --server losing=192.0.2.11@9 "
	                       "> $D/plan.txt 2> $D/notes.txt"),
	        0);
	const char *notes = text_of("notes.txt");
	assert_non_null(strstr(notes,
	        "baton: note: no TTL of dnskey was seen; 2d is assumed, --ttl dnskey=TIME says "
	        "it\n"));
	assert_null(strstr(notes, "no TTL of ds"));
	assert_null(strstr(notes, "no TTL of child-ns"));
}

static void test_zones_that_are_not_there(void **state)
{
	(void)state;
	assert_int_equal(shell("$B watch nowhere.test --once " RESOLVER " > $D/o 2> $D/e"), 2);
	assert_string_equal(text_of("o"), "");
	assert_string_equal(text_of("e"), "baton: test. has no delegation of nowhere.test.\n");
	assert_int_equal(
	        shell("$B watch example.test --once --resolver 198.51.100.99 > $D/o 2> $D/e"), 2);
	assert_string_equal(text_of("o"), "");
	assert_non_null(strstr(text_of("e"), "198.51.100.99@53"));
}

// ---- Live -----------------------------------------------------------------------------------

// The first report of the running watch that is so; fails after `within_s` seconds.
static json_t *live_report(bool (*is_so)(const json_t *), int within_s)
{
	for (int i = 0; i < within_s * 20; i++) {
		json_t *report = last_whole_line("live.json");
		if (report != NULL && is_so(report))
			return report;
		json_decref(report);
		usleep(50000);
	}
	fail_msg("not within %d s: %s", within_s, text_of("live.json"));
	return NULL;
}

static bool is_any(const json_t *report)
{
	(void)report;
	return true;
}

static bool remembers_something(const json_t *report)
{
	return json_array_size(json_object_get(report, "cached")) > 0;
}

static bool remembers_nothing(const json_t *report)
{
	return !remembers_something(report);
}

// The old DS set is remembered for as long as caches may hold it, and then forgotten.
static void test_a_change_runs_through_the_picture(void **state)
{
	(void)state;
	const struct lab_party *party = lab_info(lab)->party;
	char both[600];
	assert_int_equal(shell(": > $D/live.json; $B watch example.test " PARENT " " LOSING
	                       " " GAINING " --interval 500ms --data-ttl 9s --unchanged-since "
	                       "2020-01-01T00:00:00Z --json > $D/live.json 2> $D/live.err & "
	                       "echo $! > $D/live.pid"),
	        0);
	// Only the losing operator's KSK is in the zone that resolvers ask.
	json_t *before = live_report(is_any, 20);
	assert_string_equal(string(before, "state"), "secure");
	assert_true(remembers_nothing(before));
	const json_t *effect = effect_of(before, "add key");
	assert_non_null(effect);
	assert_int_equal(json_integer_value(json_object_get(effect, "safe_from_ms")),
	        json_integer_value(json_object_get(before, "at_ms")));
	json_decref(before);

	snprintf(both, sizeof both,
	        "del example.test. DS\nadd example.test. 6 DS %s\n"
	        "add example.test. 6 DS %s",
	        party[LAB_LOSING].ds, party[LAB_GAINING].ds);
	update_parent(both);
	json_t *after = live_report(remembers_something, 20);
	assert_string_equal(string(after, "state"), "secure");
	const json_t *cached = json_array_get(json_object_get(after, "cached"), 0);
	assert_string_equal(string(cached, "kind"), "ds");
	int64_t usable_ms = json_integer_value(json_object_get(cached, "usable_until_ms"));
	int64_t at_ms = json_integer_value(json_object_get(after, "at_ms"));
	assert_true(usable_ms > at_ms && usable_ms <= at_ms + 7000);
	json_decref(after);

	after = live_report(remembers_nothing, 20);
	assert_true(json_integer_value(json_object_get(after, "at_ms")) >= usable_ms);
	json_decref(after);
	assert_int_equal(shell("P=$(cat $D/live.pid); kill -INT $P; for i in $(seq 50); do "
	                       "kill -0 $P 2> /dev/null || exit 0; sleep 0.1; done; exit 1"),
	        0);
	assert_string_equal(text_of("live.err"), "");
	set_ds(party[LAB_LOSING].ds);
}

static void test_ends_cleanly_by_a_signal(void **state)
{
	(void)state;
	assert_int_equal(shell("$B watch example.test " PARENT " " LOSING
	                       " --interval 1h > $D/signal.txt & P=$!; for i in $(seq 200); do "
	                       "grep -q 'served now:' $D/signal.txt && break; sleep 0.1; done; "
	                       "kill -INT $P; wait $P"),
	        0);
	assert_non_null(strstr(text_of("signal.txt"), "served now:"));
}

// On a terminal the picture is drawn anew in place of the old one.
static void test_redraws_on_a_terminal(void **state)
{
	(void)state;
	assert_int_equal(shell("timeout 20 script -qec \"stty rows 30 cols 100; timeout -s INT 5 "
	                       "$B watch example.test " PARENT " " LOSING
	                       " --interval 1s\" /dev/null > $D/tty.txt < /dev/null; true"),
	        0);
	const char *text = text_of("tty.txt"), *first = strstr(text, "\033[H\033[2J");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "\033[H\033[2J"));
	unsigned rows = 0;
	for (const char *p = first; *p != '\0' && (p == first || strncmp(p, "\033[H", 3) != 0); p++)
		rows += *p == '\n';
	assert_true(rows > 10 && rows < 30);
	assert_non_null(strstr(text, "lines more"));
}

// ---- Broken ---------------------------------------------------------------------------------

static void test_insecure_and_bogus_are_told(void **state)
{
	(void)state;
	const struct lab_party *party = lab_info(lab)->party;
	set_ds(NULL);
	json_t *r = once(PARENT " " LOSING, 1);
	assert_string_equal(string(r, "state"), "insecure");
	assert_true(json_is_true(json_object_get(r, "complete")));
	json_decref(r);
	set_ds(party[LAB_GAINING].ds);
	r = once(PARENT " " LOSING, 1);
	assert_string_equal(string(r, "state"), "bogus");
	assert_non_null(strstr(string(r, "direct"), "does not lead"));
	json_decref(r);
	set_ds(party[LAB_LOSING].ds);
	json_decref(once(PARENT " " LOSING, 0));
}

static void test_a_server_that_is_gone(void **state)
{
	(void)state;
	char script[] = "for p in /proc/[0-9]*; do { tr '\\0' ' ' < $p/cmdline; } 2> /dev/null | "
	                "grep -q '[n]sd.*/a2' && kill -9 ${p#/proc/}; done; true";
	assert_int_equal(shell("%s", script), 0);
	json_t *r = once(PARENT " " LOSING, 1);
	assert_true(has_gap(r, "never-answered"));
	assert_true(json_is_false(json_object_get(r, "complete")));
	json_decref(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_everything_is_found_and_secure),
	        cmocka_unit_test(test_text_for_people),
	        cmocka_unit_test(test_servers_that_differ),
	        cmocka_unit_test(test_unknown_servers_are_missing_evidence),
	        cmocka_unit_test(test_plan_takes_the_ttls_of_the_zone),
	        cmocka_unit_test(test_plan_says_which_ttls_are_assumed),
	        cmocka_unit_test(test_zones_that_are_not_there),
	        cmocka_unit_test(test_a_change_runs_through_the_picture),
	        cmocka_unit_test(test_ends_cleanly_by_a_signal),
	        cmocka_unit_test(test_redraws_on_a_terminal),
	        cmocka_unit_test(test_insecure_and_bogus_are_told),
	        cmocka_unit_test(test_a_server_that_is_gone),
	};
	if (argc != 2) {
		fprintf(stderr, "usage: test_lab_watch PROGRAM\n");
		return 2;
	}
	program = argv[1];
	return cmocka_run_group_tests(tests, start_lab, stop_lab);
}
