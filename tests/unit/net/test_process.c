// Child processes of the real loop.

#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct child {
	unsigned ends;
	struct loop_process_end end;
	char out[70000], err[70000];
};

static int setup(void **state)
{
	struct loop *loop;
	if (loop_new(&loop, NULL) != RESULT_OK)
		return -1;
	*state = loop;
	return 0;
}

static int teardown(void **state)
{
	loop_free(*state);
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

static void ended(void *ctx, const struct loop_process_end *end)
{
	struct child *child = ctx;
	child->ends++;
	child->end = *end;
	memcpy(child->out, end->out, end->out_octets + 1);
	memcpy(child->err, end->err, end->err_octets + 1);
}

static struct loop_process *start(
        struct loop *loop, const char *script, struct loop_process_spec spec, struct child *child)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	static const char *const environment[] = {"PATH=/usr/bin:/bin", NULL};
	struct loop_process *process = NULL;
	struct error err;
	spec.argv = argv;
	if (spec.environment == NULL)
		spec.environment = environment;
	spec.timeout_ms = spec.timeout_ms > 0 ? spec.timeout_ms : 20000;
	spec.max_output = spec.max_output > 0 ? spec.max_output : 65536;
	memset(child, 0, sizeof *child);
	assert_int_equal(loop_spawn(loop, &spec, ended, child, &process, &err), RESULT_OK);
	assert_int_equal(child->ends, 0);
	return process;
}

static struct child *run(struct loop *loop, const char *script, struct loop_process_spec spec)
{
	static struct child child;
	start(loop, script, spec, &child);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	assert_int_equal(child.ends, 1);
	return &child;
}

static void test_output_and_exit(void **state)
{
	struct child *c =
	        run(*state, "echo to out; echo to err >&2; exit 7", (struct loop_process_spec){0});
	assert_int_equal(c->end.exit_code, 7);
	assert_int_equal(c->end.signal, 0);
	assert_string_equal(c->out, "to out\n");
	assert_string_equal(c->err, "to err\n");
	assert_false(c->end.timed_out || c->end.cut);
}

static void test_signal(void **state)
{
	struct child *c = run(*state, "kill -9 $$", (struct loop_process_spec){0});
	assert_int_equal(c->end.exit_code, -1);
	assert_int_equal(c->end.signal, SIGKILL);
}

// Whoever starts us may have left SIGCHLD ignored, and then the kernel forgets how a child ended.
static void test_ignored_ends(void **state)
{
	void (*before)(int) = signal(SIGCHLD, SIG_IGN);
	struct child *c = run(*state, "exit 7", (struct loop_process_spec){0});
	signal(SIGCHLD, before);
	assert_int_equal(c->end.exit_code, 7);
	assert_int_equal(c->end.signal, 0);
}

static void test_surroundings(void **state)
{
	static const char *const environment[] = {"COLOUR=green", NULL};
	int leak = open("/dev/null", O_RDONLY); // not close-on-exec, and still not inherited
	assert_true(leak > 2);
	struct child *c = run(*state,
	        "echo $COLOUR; echo ${HOME:-no home}; pwd; ls /proc/self/fd | wc -l; cat",
	        (struct loop_process_spec){.environment = environment,
	                .directory = "/usr",
	                .input = "from input\n",
	                .input_octets = 11});
	close(leak);
	// 0, 1, 2, and the folder that ls reads.
	assert_string_equal(c->out, "green\nno home\n/usr\n4\nfrom input\n");
}

static void test_large_input_and_output(void **state)
{
	static char input[3000000];
	memset(input, 'x', sizeof input);
	struct child *c = run(*state, "wc -c; cat /dev/zero | head -c 2000000",
	        (struct loop_process_spec){.input = input, .input_octets = sizeof input});
	assert_memory_equal(c->out, "3000000\n", 8);
	assert_int_equal(c->end.out_octets, 65536);
	assert_true(c->end.cut);
	assert_int_equal(c->end.exit_code, 0); // it was read to the end, so nobody had to wait
}

static bool group_is_gone(pid_t group)
{
	for (int i = 0; i < 200; i++) {
		if (kill(-group, 0) != 0 && errno == ESRCH)
			return true;
		usleep(10000); // the killed ones are for init to wait for
	}
	return false;
}

static void test_time_limit_ends_the_group(void **state)
{
	struct child *c = run(*state, "cut -d' ' -f5 /proc/$$/stat; sleep 100 & sleep 100",
	        (struct loop_process_spec){.timeout_ms = 200});
	assert_true(c->end.timed_out);
	assert_int_equal(c->end.signal, SIGKILL);
	assert_in_range(c->end.run_ms, 190, 3000);
	assert_true(group_is_gone((pid_t)atoi(c->out)));
}

static void test_grace(void **state)
{
	struct child *c = run(*state, "trap 'echo tidy; exit 4' TERM; while :; do sleep 0.05; done",
	        (struct loop_process_spec){.timeout_ms = 200, .grace_ms = 5000});
	assert_true(c->end.timed_out);
	assert_int_equal(c->end.exit_code, 4);
	assert_string_equal(c->out, "tidy\n");
}

static void test_grace_is_finite(void **state)
{
	struct child *c = run(*state, "trap '' TERM; while :; do sleep 0.05; done",
	        (struct loop_process_spec){.timeout_ms = 100, .grace_ms = 200});
	assert_true(c->end.timed_out);
	assert_int_equal(c->end.signal, SIGKILL);
	assert_in_range(c->end.run_ms, 290, 5000);
}

static void test_what_is_left_behind_is_killed(void **state)
{
	struct child *c = run(*state, "sleep 100 & cut -d' ' -f5 /proc/$$/stat; exit 0",
	        (struct loop_process_spec){0});
	assert_int_equal(c->end.exit_code, 0);
	assert_true(c->end.run_ms < 10000); // although the sleeper holds standard output open
	assert_true(group_is_gone((pid_t)atoi(c->out)));
}

static void test_kill(void **state)
{
	static struct child child;
	struct loop_process *process =
	        start(*state, "sleep 100", (struct loop_process_spec){0}, &child);
	loop_process_kill(process);
	assert_int_equal(loop_run(*state, TIME_NEVER_MS), LOOP_IDLE);
	assert_int_equal(child.ends, 0);
}

static void test_free_with_children(void **state)
{
	static struct child children[3];
	for (int i = 0; i < 3; i++)
		start(*state, "sleep 100", (struct loop_process_spec){0}, &children[i]);
	// teardown finds no child
}

static void test_missing(void **state)
{
	struct loop_process *process;
	struct error err;
	const char *argv[] = {"no-such-program-anywhere", NULL};
	struct loop_process_spec spec = {.argv = argv, .timeout_ms = 100, .max_output = 10};
	assert_int_equal(loop_spawn(*state, &spec, ended, NULL, &process, &err), RESULT_NOT_FOUND);
	assert_string_equal(
	        err.text, "cannot start 'no-such-program-anywhere': No such file or directory");
	argv[0] = "/etc/passwd";
	assert_int_equal(loop_spawn(*state, &spec, ended, NULL, &process, &err), RESULT_REFUSED);
}

static void test_many(void **state)
{
	static struct child children[40];
	for (int i = 0; i < 40; i++)
		start(*state, "echo $$", (struct loop_process_spec){0}, &children[i]);
	assert_int_equal(loop_run(*state, TIME_NEVER_MS), LOOP_IDLE);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(children[i].ends, 1);
		assert_true(atoi(children[i].out) > 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_output_and_exit),
	        TEST(test_signal),
	        TEST(test_ignored_ends),
	        TEST(test_surroundings),
	        TEST(test_large_input_and_output),
	        TEST(test_time_limit_ends_the_group),
	        TEST(test_grace),
	        TEST(test_grace_is_finite),
	        TEST(test_what_is_left_behind_is_killed),
	        TEST(test_kill),
	        TEST(test_free_with_children),
	        TEST(test_missing),
	        TEST(test_many),
	};
	return cmocka_run_group_tests_name("net process", tests, NULL, NULL);
}
