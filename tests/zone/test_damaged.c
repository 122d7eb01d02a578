// Good and damaged zones, judged by Baton and by the real tools in the same run.
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/zone/faults.h"
#include "zone/check.h"
#include "zone/read.h"

static char folder[] = "/tmp/baton-zones-XXXXXX";
static int64_t now_s;

struct outcome {
	char verdict; // 'g', 'b', 'u'
	char text[20000];
};

static struct zone_report *judge(
        const char *path, unsigned threads, bool reference, struct zone **zone)
{
	struct zone_check_options options = {
	        .now_s = now_s, .threads = threads, .limit = 100, .reference_only = reference};
	struct zone_report *report;
	struct error err;
	if (zone_read(path, &(struct zone_read_options){0}, zone, &err) != RESULT_OK)
		return NULL;
	assert_int_equal(zone_check(*zone, &options, &report, &err), RESULT_OK);
	return report;
}

static struct outcome by_baton(const char *path, unsigned threads)
{
	struct outcome outcome = {.verdict = 'u'};
	struct zone *zone;
	struct zone_report *report = judge(path, threads, false, &zone);
	size_t at = 0;
	if (report == NULL)
		return outcome;
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct zone_finding *f = &report->findings[i];
		char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
		int n = snprintf(outcome.text + at, sizeof outcome.text - at, "%s%s%s%s: %s\n",
		        f->warning ? "warning: " : "", dns_name_text(f->owner, owner),
		        f->type != 0 ? " " : "", f->type != 0 ? dns_type_text(f->type, type) : "",
		        f->text);
		at += (size_t)n < sizeof outcome.text - at ? (size_t)n : 0;
	}
	outcome.verdict = report->errors == 0 ? 'g' : 'b';
	zone_report_free(report);
	zone_free(zone);
	return outcome;
}

// 'g' where it ends with 0, 'b' otherwise; dnssec-verify ends by an assertion of its own now and
// then.
static char by_tool(const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd <= 2; fd++)
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) !=
	        0)
		fail_msg("%s cannot be run", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 'g' : 'b';
}

static char by_bind(const char *path, bool single_key)
{
	const char *argv[] = {"dnssec-verify", "-q", "-o", "example", path, NULL, NULL};
	if (single_key) {
		argv[4] = "-z";
		argv[5] = path;
	}
	return by_tool(argv);
}

static char by_knot(const char *path)
{
	const char *argv[] = {"kzonecheck", "-o", "example", "-d", "on", path, NULL};
	return by_tool(argv);
}

static char by_ldns(const char *path)
{
	const char *argv[] = {"ldns-verify-zone", "-Z", path, NULL};
	return by_tool(argv);
}

static const char *kind_text(enum made_kind kind)
{
	return kind == MADE_NSEC ? "NSEC" : kind == MADE_NSEC3 ? "NSEC3" : "opt-out";
}

static void check_verdict(const struct fault *fault, enum made_kind kind, const char *who,
        const char *expected, size_t nth, char found, const char *text)
{
	char wanted = expected[strlen(expected) > 1 ? nth : 0];
	if (found == wanted)
		return;
	fail_msg("%s (%s): %s says '%c', expected '%c'\n%s", fault->name, kind_text(kind), who,
	        found, wanted, text);
}

static void run_one(const struct fault *fault, enum made_kind kind, size_t nth)
{
	char path[100];
	snprintf(path, sizeof path, "%s/example.zone", folder);
	struct made *made = fault_zone(fault, kind, now_s);
	made_write(made, path);
	made_free(made);
	struct outcome baton = by_baton(path, 1), again = by_baton(path, 3);
	char bind = by_bind(path, fault->single_key), knot = by_knot(path);
	if (getenv("BATON_TEST_SHOW") != NULL) {
		printf("# %-40s %-8s baton %c bind %c knot %c\n%s", fault->name, kind_text(kind),
		        baton.verdict, bind, knot, baton.text);
		return;
	}
	check_verdict(fault, kind, "Baton", fault->baton, nth, baton.verdict, baton.text);
	if (fault->says != NULL && strstr(baton.text, fault->says) == NULL)
		fail_msg("%s (%s): Baton does not say '%s', but:\n%s", fault->name, kind_text(kind),
		        fault->says, baton.text);
	assert_string_equal(baton.text, again.text);
	check_verdict(fault, kind, "dnssec-verify", fault->bind, nth, bind, baton.text);
	check_verdict(fault, kind, "kzonecheck", fault->knot, nth, knot, baton.text);
	if (fault->ldns != NULL && kind != MADE_OPT_OUT) // over opt-out it does not end
		check_verdict(fault, kind, "ldns-verify-zone", fault->ldns, nth, by_ldns(path),
		        baton.text);
}

static void test_fault(void **state)
{
	const struct fault *fault = *state;
	size_t nth = 0;
	for (unsigned kind = MADE_NSEC; kind <= MADE_OPT_OUT; kind *= 2)
		if (fault->kinds & kind)
			run_one(fault, kind, nth++);
}

static int end(void **state)
{
	char path[100];
	(void)state;
	snprintf(path, sizeof path, "%s/example.zone", folder);
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	struct CMUnitTest *tests = calloc(fault_count, sizeof *tests);
	now_s = time(NULL);
	if (tests == NULL || mkdtemp(folder) == NULL)
		return 1;
	for (size_t i = 0; i < fault_count; i++)
		tests[i] = (struct CMUnitTest){.name = faults[i].name,
		        .test_func = test_fault,
		        .initial_state = (void *)(uintptr_t)&faults[i]};
	int failed = _cmocka_run_group_tests("damaged zones", tests, fault_count, NULL, end);
	free(tests);
	return failed;
}
