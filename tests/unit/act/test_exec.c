// Acting by a command: what it gets, and what its end means.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "act/exec.h"
#include "net/sim.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	struct loop *loop;
	unsigned calls;
	struct act_outcome outcome;
	char reply[4096];
};

static void ended(void *ctx, const struct act_outcome *outcome)
{
	struct run *run = ctx;
	run->calls++;
	run->outcome = *outcome;
	snprintf(run->reply, sizeof run->reply, "%s",
	        outcome->reply != NULL ? (const char *)outcome->reply : "");
	loop_stop(run->loop);
}

static const char *const ds[] = {"1 13 2 00"};
static const struct act_operation operation = {.kind = ACT_REPLACE,
        .name = "example.test.",
        .type = DNS_TYPE_DS,
        .ttl_s = 60,
        .count = 1,
        .records = ds};
static const struct act_request request = {.change = "move",
        .step = "add-ds",
        .zone = "example.test",
        .count = 1,
        .operations = &operation};

static struct run run_script(const char *script, int64_t timeout_ms)
{
	struct error err = {0};
	struct run run = {0};
	struct act *act;
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	const char *environment[] = {"REGISTRY=test", "PATH=/usr/bin:/bin", NULL};
	assert_int_equal(loop_new(&run.loop, &err), RESULT_OK);
	struct act_exec options = {.loop = run.loop,
	        .argv = argv,
	        .environment = environment,
	        .timeout_ms = timeout_ms};
	assert_int_equal(act_exec_new(&options, &act, &err), RESULT_OK);
	if (act_submit(act, &request, ended, &run, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	while (run.calls == 0)
		loop_run(run.loop, TIME_NEVER_MS);
	act_free(act);
	loop_free(run.loop);
	assert_int_equal(run.calls, 1);
	assert_true(run.outcome.text[0] != '\0');
	return run;
}

static void success_is_done(void **state)
{
	(void)state;
	struct run run = run_script("exit 0", 5000);
	assert_int_equal(run.outcome.word, ACT_DONE);
}

static void it_gets_the_request_and_its_environment(void **state)
{
	(void)state;
	struct run run = run_script("env | sort; cat", 5000);
	assert_int_equal(run.outcome.word, ACT_DONE);
	assert_non_null(strstr(run.reply, "BATON_CHANGE=move\nBATON_STEP=add-ds\n"
	                                  "BATON_ZONE=example.test\n"));
	assert_non_null(strstr(run.reply, "REGISTRY=test\n"));
	assert_null(strstr(run.reply, "HOME="));
	assert_non_null(strstr(run.reply,
	        "{\"by\":\"exec\",\"change\":\"move\",\"command\":[\"/bin/sh\",\"-c\","));
	assert_non_null(strstr(run.reply,
	        "\"operations\":[{\"kind\":\"replace\",\"name\":\"example.test.\",\"records\":"
	        "[\"1 13 2 00\"],\"ttl_s\":60,\"type\":\"DS\"}],\"step\":\"add-ds\",\"zone\":"
	        "\"example.test\"}\n"));
}

static void failure_is_refused_with_its_reason(void **state)
{
	(void)state;
	struct run run = run_script("echo 'object is locked' >&2; echo more >&2; exit 3", 5000);
	assert_int_equal(run.outcome.word, ACT_REFUSED);
	assert_non_null(strstr(run.outcome.text, "object is locked"));
	assert_null(strstr(run.outcome.text, "more"));
	run = run_script("printf '\\n\\377\\033[31mred\\n' >&2; exit 1", 5000);
	assert_non_null(strstr(run.outcome.text, ": ??[31mred"));
}

static void doubt_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(run_script("exit 75", 5000).outcome.word, ACT_UNKNOWN);
	assert_int_equal(run_script("kill -9 $$", 5000).outcome.word, ACT_UNKNOWN);
}

static void its_time_is_limited_and_its_children_go_with_it(void **state)
{
	(void)state;
	char path[] = "/tmp/baton-test-exec-XXXXXX", script[300];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	snprintf(script, sizeof script, "(sleep 1; touch %s) & echo slow >&2; sleep 30", path);
	struct run run = run_script(script, 300);
	assert_int_equal(run.outcome.word, ACT_UNKNOWN);
	assert_non_null(strstr(run.outcome.text, "killed after 300ms"));
	usleep(1200 * 1000);
	assert_int_not_equal(access(path, F_OK), 0);
	unlink(path);
}

static void much_output_is_cut(void **state)
{
	(void)state;
	struct run run = run_script("yes | head -c 3000000; yes no | head -c 3000000 >&2", 20000);
	assert_int_equal(run.outcome.word, ACT_DONE);
	assert_true(run.outcome.reply_octets <= ACT_EXEC_OUTPUT_MAX);
}

static void options_are_checked(void **state)
{
	(void)state;
	struct sim *sim = sim_new(1, 0);
	struct error err;
	struct act *act = NULL;
	const char *argv[] = {"/bin/true", NULL}, *relative[] = {"true", NULL}, *none[] = {NULL},
	           *ours[] = {"BATON_ZONE=x", NULL}, *bare[] = {"NAME", NULL};
	struct act_exec good = {.loop = sim_loop(sim), .argv = argv, .timeout_ms = 1}, bad = good;
	bad.timeout_ms = 0;
	assert_int_equal(act_exec_new(&bad, &act, &err), RESULT_INPUT);
	bad = good;
	bad.argv = relative;
	assert_int_equal(act_exec_new(&bad, &act, &err), RESULT_INPUT);
	bad.argv = none;
	assert_int_equal(act_exec_new(&bad, &act, &err), RESULT_INPUT);
	bad = good;
	bad.environment = ours;
	assert_int_equal(act_exec_new(&bad, &act, &err), RESULT_INPUT);
	bad.environment = bare;
	assert_int_equal(act_exec_new(&bad, &act, &err), RESULT_INPUT);
	assert_null(act);
	sim_free(sim);
}

static void a_missing_program_is_not_sent(void **state)
{
	(void)state;
	struct loop *loop;
	struct error err = {0};
	struct act *act;
	struct run run = {0};
	const char *argv[] = {"/nonexistent/program", NULL};
	assert_int_equal(loop_new(&loop, &err), RESULT_OK);
	struct act_exec options = {.loop = loop, .argv = argv, .timeout_ms = 1000};
	assert_int_equal(act_exec_new(&options, &act, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, &run, &err), RESULT_NOT_FOUND);
	assert_int_equal(run.calls, 0);
	act_free(act);
	loop_free(loop);
}

static void freed_while_it_runs(void **state)
{
	(void)state;
	struct loop *loop;
	struct error err = {0};
	struct act *act;
	struct run run = {0};
	const char *argv[] = {"/bin/sleep", "30", NULL};
	assert_int_equal(loop_new(&loop, &err), RESULT_OK);
	struct act_exec options = {.loop = loop, .argv = argv, .timeout_ms = 60000};
	assert_int_equal(act_exec_new(&options, &act, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, &run, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, &run, &err), RESULT_OK);
	act_free(act);
	assert_int_equal(loop_run(loop, loop_now_ms(loop) + 5000), LOOP_IDLE);
	assert_int_equal(run.calls, 0);
	loop_free(loop);
}

// What an engine does that is killed while its command runs; the script makes `begun` first.
static void killed_engine(const char *script, const char *begun)
{
	pid_t engine = fork();
	assert_true(engine >= 0);
	if (engine == 0) {
		run_script(script, 20000);
		_exit(0);
	}
	for (int i = 0; i < 1000 && access(begun, F_OK) != 0; i++)
		usleep(10 * 1000);
	assert_int_equal(access(begun, F_OK), 0);
	kill(engine, SIGKILL);
	assert_int_equal(waitpid(engine, NULL, 0), engine);
}

// A restarted engine must not act beside what the killed one has started.
static void it_does_not_outlive_a_killed_engine(void **state)
{
	(void)state;
	char folder[] = "/tmp/baton-test-exec-XXXXXX", script[400], path[80];
	assert_non_null(mkdtemp(folder));
	snprintf(script, sizeof script,
	        "cd %s; (sleep 1; touch grandchild) & (exec setsid sh -c 'sleep 1; touch daemon') &"
	        " touch begun; sleep 1; touch child",
	        folder);
	snprintf(path, sizeof path, "%s/begun", folder);
	killed_engine(script, path);
	unlink(path);
	snprintf(path, sizeof path, "%s/daemon", folder);
	for (int i = 0; i < 500 && access(path, F_OK) != 0; i++)
		usleep(10 * 1000);
	usleep(200 * 1000);
	assert_int_equal(unlink(path), 0); // whatever leaves the group lives on
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(success_is_done),
	        cmocka_unit_test(it_gets_the_request_and_its_environment),
	        cmocka_unit_test(failure_is_refused_with_its_reason),
	        cmocka_unit_test(doubt_is_unknown),
	        cmocka_unit_test(its_time_is_limited_and_its_children_go_with_it),
	        cmocka_unit_test(much_output_is_cut),
	        cmocka_unit_test(options_are_checked),
	        cmocka_unit_test(a_missing_program_is_not_sent),
	        cmocka_unit_test(freed_while_it_runs),
	        cmocka_unit_test(it_does_not_outlive_a_killed_engine),
	};
	return cmocka_run_group_tests_name("act exec", tests, NULL, NULL);
}
