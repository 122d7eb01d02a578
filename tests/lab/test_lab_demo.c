// `baton lab demo`, as anybody starts it: it ends by itself, in time, with every answer
// authenticated, and leaves nothing behind; interrupted at any time it leaves nothing behind,
// either. $BATON is the program.
#include "left.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// The demo's folder for the lab is DIR/lab; what it prints is in DIR/out.
struct demo {
	char dir[PATH_MAX - 20], lab[PATH_MAX], out[PATH_MAX], text[200000];
	pid_t pid;
	int64_t began_ms;
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static _Noreturn void demo_child(const struct demo *d)
{
	int out = open(d->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(getenv("BATON"), "baton", "lab", "demo", "--dir", d->lab, NULL);
	_exit(127);
}

static void demo_start(struct demo *d)
{
	const char *tmp = getenv("TMPDIR");
	memset(d, 0, sizeof(*d));
	snprintf(d->dir, sizeof(d->dir), "%s/baton-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->lab, sizeof(d->lab), "%s/lab", d->dir);
	snprintf(d->out, sizeof(d->out), "%s/out", d->dir);
	d->began_ms = now_ms();
	fflush(NULL);
	d->pid = fork();
	assert_true(d->pid >= 0);
	if (d->pid == 0)
		demo_child(d);
}

static const char *demo_text(struct demo *d)
{
	int fd = open(d->out, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, d->text, sizeof(d->text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	d->text[n > 0 ? n : 0] = '\0';
	return d->text;
}

static void demo_print(struct demo *d)
{
	for (const char *line = demo_text(d); *line != '\0';) {
		size_t n = strcspn(line, "\n");
		printf("# %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

// Waits until the demo has printed this.
static void demo_wait_for(struct demo *d, const char *words)
{
	int64_t until_ms = now_ms() + 2 * MINUTE_MS;
	while (strstr(demo_text(d), words) == NULL) {
		if (now_ms() >= until_ms || waitpid(d->pid, NULL, WNOHANG) == d->pid) {
			demo_print(d);
			fail_msg("the demo never said '%s'", words);
		}
		poll(NULL, 0, 50);
	}
}

// Waits for its end; returns the exit status.
static int demo_end(struct demo *d, int64_t within_ms)
{
	int status = 0;
	int64_t until_ms = now_ms() + within_ms;
	while (waitpid(d->pid, &status, WNOHANG) != d->pid) {
		if (now_ms() >= until_ms) {
			demo_print(d);
			fail_msg("the demo does not end");
		}
		poll(NULL, 0, 50);
	}
	demo_text(d);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

// Nothing but what the test itself put there.
static void demo_assert_clean(struct demo *d)
{
	assert_nothing_left(d->lab);
	assert_int_equal(unlink(d->out), 0);
	assert_int_equal(rmdir(d->dir), 0);
}

// The number before a word in what was printed.
static unsigned long number_in_row(const char *text, const char *row, int column)
{
	const char *at = strstr(text, row);
	assert_non_null(at);
	at += strlen(row);
	unsigned long number = 0;
	for (int i = 0; i <= column; i++) {
		char *end;
		number = strtoul(at, &end, 10);
		assert_ptr_not_equal(at, end);
		at = end;
	}
	return number;
}

static void test_whole(void **state)
{
	static const char *const validators[] = {
	        "\nunbound ", "\nbind ", "\nkresd ", "\nforwarded "};
	static struct demo d;
	demo_start(&d);
	int status = demo_end(&d, 3 * MINUTE_MS);
	if (status != 0)
		demo_print(&d);
	assert_int_equal(status, 0);
	printf("# the demo took %.1f s\n", (double)(now_ms() - d.began_ms) / 1000);
	assert_non_null(strstr(d.text, "Every single answer was authenticated."));
	assert_non_null(strstr(d.text, "the change is finished"));
	// asked, secure, insecure, servfail, timeout, other, fresh
	assert_true(number_in_row(d.text, "\nall ", 0) >= 5000);
	assert_int_equal(number_in_row(d.text, "\nall ", 0), number_in_row(d.text, "\nall ", 1));
	for (size_t i = 0; i < sizeof(validators) / sizeof(validators[0]); i++)
		assert_true(number_in_row(d.text, validators[i], 6) >= 1000);
	demo_assert_clean(&d);
	(void)state;
}

static void interrupt_after(const char *words, int signal)
{
	static struct demo d;
	demo_start(&d);
	demo_wait_for(&d, words);
	assert_int_equal(kill(d.pid, signal), 0);
	int64_t from_ms = now_ms();
	assert_int_equal(demo_end(&d, 20 * SECOND_MS), 1);
	printf("# after \"%s\" it ended within %.1f s\n", words,
	        (double)(now_ms() - from_ms) / 1000);
	assert_null(strstr(d.text, "Every single answer was authenticated."));
	assert_null(strstr(d.text, "NOT go well"));
	demo_assert_clean(&d);
}

static void test_interrupted_at_the_start(void **state)
{
	interrupt_after("operators:", SIGINT);
	(void)state;
}

static void test_interrupted_midway(void **state)
{
	interrupt_after("waits ", SIGINT);
	(void)state;
}

static void test_ended_midway(void **state)
{
	interrupt_after("acts ", SIGTERM);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_interrupted_at_the_start),
	        cmocka_unit_test(test_interrupted_midway),
	        cmocka_unit_test(test_ended_midway),
	        cmocka_unit_test(test_whole),
	};
	if (getenv("BATON") == NULL)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
