// A lab starts, is watched without a failure, and leaves nothing behind, in whatever way it ends.
#include "keeper.h"
#include "lab.h"
#include "left.h"
#include "prober.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct lab *start_lab(const struct lab_options *options)
{
	struct lab *lab = NULL;
	struct error err = {0};
	if (lab_create(options, &lab, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return lab;
}

static void test_ten_seconds_without_a_failure(void **state)
{
	struct error err = {0};
	struct prober *prober;
	struct prober_counts counts;
	char dir[PATH_MAX];
	struct lab_options options = lab_options_default();
	struct prober_options how = prober_options_default();
	struct lab *lab = start_lab(&options);
	snprintf(dir, sizeof(dir), "%s", lab_info(lab)->dir);
	assert_true(count_processes(dir) >= 12);
	assert_int_equal(prober_start(lab, &how, &prober, &err), RESULT_OK);
	poll(NULL, 0, 10000);
	assert_int_equal(prober_stop(prober, &counts, &err), RESULT_OK);
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		const struct prober_tally *tally = &counts.resolver[i];
		assert_true(tally->answered[PROBE_FRESH] >= 120);
		assert_true(tally->answered[PROBE_REPEATED] >= 40);
		assert_int_equal(tally->outcome[PROBE_SECURE], tally->asked);
		assert_int_equal(prober_failures(tally), 0);
	}
	lab_stop(lab);
	assert_nothing_left(dir);
	(void)state;
}

// Two labs at the same time do not see each other.
static void test_two_labs(void **state)
{
	struct error err = {0};
	char dir[2][PATH_MAX];
	int status;
	struct lab_options options = lab_options_default();
	options.names = 1000;
	struct lab *one = start_lab(&options), *two = start_lab(&options);
	snprintf(dir[0], sizeof(dir[0]), "%s", lab_info(one)->dir);
	snprintf(dir[1], sizeof(dir[1]), "%s", lab_info(two)->dir);
	assert_string_not_equal(dir[0], dir[1]);
	assert_string_not_equal(
	        lab_info(one)->party[LAB_LOSING].ksk, lab_info(two)->party[LAB_LOSING].ksk);
	// A command inside sees the network and the processes of its own lab only.
	char script[] = "test \"$(cat /proc/1/comm)\" = baton-lab-init && "
	                "test \"$BATON_LAB\" = \"$0\" && "
	                "test \"$(grep -sl '^knotd' /proc/[0-9]*/comm | wc -l)\" = 3";
	char *look[] = {(char[]){"sh"}, (char[]){"-c"}, script, dir[0], NULL};
	assert_int_equal(lab_run_in(one, look, 5000, &status, &err), RESULT_OK);
	assert_int_equal(status, 0);
	lab_stop(one);
	assert_nothing_left(dir[0]);
	struct lab_condition still = {.address = "192.0.2.22",
	        .name = "example.test.",
	        .type = "DNSKEY",
	        .rdata = lab_info(two)->party[LAB_GAINING].ksk};
	assert_int_equal(lab_wait(two, &still, 2000, &err), RESULT_OK);
	lab_stop(two);
	assert_nothing_left(dir[1]);
	(void)state;
}

// A child that starts a lab, tells where as soon as the folder is there (early) or once it is
// ready, and then waits to be killed.
static pid_t start_front(const char *dir, bool early)
{
	int ready[2];
	char byte;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct lab *lab;
		struct error err = {0};
		struct lab_options options = lab_options_default();
		options.names = 1000;
		options.dir = dir;
		close(ready[0]);
		if (lab_create(&options, &lab, &err) != RESULT_OK)
			_exit(1);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (!early)
		assert_int_equal(read(ready[0], &byte, 1), 1);
	for (int i = 0; early && count_processes(dir) < 2 && i < 200; i++)
		poll(NULL, 0, 20);
	close(ready[0]);
	return pid;
}

static void kill_and_wait(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void new_dir(char *dir)
{
	const char *tmp = getenv("TMPDIR");
	snprintf(dir, PATH_MAX, "%s/baton-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
}

static void test_killed_front(void **state)
{
	char dir[PATH_MAX];
	for (int early = 0; early <= 1; early++) {
		new_dir(dir);
		pid_t front = start_front(dir, early == 1);
		assert_true(count_processes(dir) > 0);
		kill_and_wait(front);
		assert_nothing_left(dir);
	}
	(void)state;
}

// Without its keeper nobody removes the folder, but every process ends; the folder is known as
// nobody's.
static void test_killed_keeper(void **state)
{
	char dir[PATH_MAX];
	new_dir(dir);
	pid_t front = start_front(dir, false);
	pid_t keeper = keeper_pid(dir, "keeper.pid");
	assert_true(keeper > 0 && keeper_locked(dir));
	assert_int_equal(kill(keeper, SIGKILL), 0);
	for (int i = 0; i < 100 && count_processes(dir) > 0; i++)
		poll(NULL, 0, 50);
	assert_int_equal(count_processes(dir), 0);
	assert_false(keeper_locked(dir));
	kill_and_wait(front);
	keeper_remove_folder(dir);
	(void)state;
}

static void test_opened_and_ended_from_elsewhere(void **state)
{
	char dir[PATH_MAX];
	struct error err = {0};
	struct lab *lab;
	new_dir(dir);
	pid_t front = start_front(dir, false);
	assert_int_equal(lab_open(dir, &lab, &err), RESULT_OK);
	assert_string_equal(lab_info(lab)->zone, "example.test.");
	assert_int_equal(lab_info(lab)->names, 1000);
	assert_true(lab_alive(lab));
	assert_int_equal(lab_down(dir, &err), RESULT_OK);
	assert_false(lab_alive(lab));
	lab_close(lab);
	assert_nothing_left(dir);
	assert_int_equal(lab_open(dir, &lab, &err), RESULT_NOT_FOUND);
	kill_and_wait(front);
	(void)state;
}

// What `baton lab ARGUMENTS` prints, both outputs; returns the exit status. $BATON is the program.
static int baton_lab(const char *arguments, char *out, size_t size)
{
	char command[2 * PATH_MAX];
	snprintf(command, sizeof(command), "exec \"$BATON\" lab %s 2>&1", arguments);
	FILE *pipe = popen(command, "re");
	assert_non_null(pipe);
	size_t n = fread(out, 1, size - 1, pipe);
	out[n] = '\0';
	int status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

// A lab is found wherever it is, and ended only by its name, for it may be somebody else's.
static void test_ended_only_by_its_name(void **state)
{
	char dir[PATH_MAX], arguments[PATH_MAX + 50], out[20000];
	new_dir(dir);
	pid_t front = start_front(dir, false);
	assert_int_equal(baton_lab("status", out, sizeof(out)), 0);
	assert_non_null(strstr(out, dir));
	assert_non_null(strstr(out, "192.0.2.11"));
	assert_int_equal(baton_lab("down", out, sizeof(out)), 2);
	assert_non_null(strstr(out, dir));
	assert_non_null(strstr(out, "--dir"));
	assert_true(keeper_locked(dir));
	assert_int_equal(baton_lab("exec --dir /nowhere true", out, sizeof(out)), 1);
	snprintf(arguments, sizeof(arguments), "exec --dir '%s' test -n --dir", dir);
	assert_int_equal(baton_lab(arguments, out, sizeof(out)), 0);
	signal(SIGINT, SIG_DFL); // whoever runs the tests may have it ignored
	snprintf(arguments, sizeof(arguments), "exec --dir '%s' sh -c 'kill -INT $$; echo goes on'",
	        dir);
	assert_int_equal(baton_lab(arguments, out, sizeof(out)), 128 + SIGINT);
	assert_string_equal(out, "");
	snprintf(arguments, sizeof(arguments), "restart nobody --dir '%s'", dir);
	assert_int_equal(baton_lab(arguments, out, sizeof(out)), 1);
	assert_non_null(strstr(out, "no server 'nobody'"));
	snprintf(arguments, sizeof(arguments), "down --dir '%s'", dir);
	assert_int_equal(baton_lab(arguments, out, sizeof(out)), 0);
	assert_nothing_left(dir);
	kill_and_wait(front);
	(void)state;
}

static void test_refused_folder(void **state)
{
	char dir[PATH_MAX], file[PATH_MAX + 8];
	struct error err = {0};
	struct lab *lab = NULL;
	struct lab_options options = lab_options_default();
	new_dir(dir);
	snprintf(file, sizeof(file), "%s/mine", dir);
	int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	options.dir = dir;
	assert_int_equal(lab_create(&options, &lab, &err), RESULT_INPUT);
	assert_null(lab);
	assert_non_null(strstr(err.text, dir));
	assert_int_equal(access(file, F_OK), 0); // what was there is still there
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(dir), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ten_seconds_without_a_failure),
	        cmocka_unit_test(test_two_labs),
	        cmocka_unit_test(test_killed_front),
	        cmocka_unit_test(test_killed_keeper),
	        cmocka_unit_test(test_opened_and_ended_from_elsewhere),
	        cmocka_unit_test(test_ended_only_by_its_name),
	        cmocka_unit_test(test_refused_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
