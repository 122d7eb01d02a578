// What survives kill -9, power loss and a full disk: every record that was acknowledged.
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "powercut.h"

// Child processes report by their exit status; cmocka's own checks work in the parent only.
#define child_check(condition, text)                                                               \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "# line %d: %s\n", __LINE__, text);                        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static enum result append_note(
        struct journal *journal, size_t octets, struct journal_mark *mark, struct error *err)
{
	char *text = malloc(octets + 1);
	memset(text, 'x', octets);
	text[octets] = '\0';
	json_t *payload = json_pack("{s:s}", "text", text);
	struct journal_entry entry = {.kind = JOURNAL_NOTE, .change = "a", .payload = payload};
	enum result result = journal_append(journal, &entry, mark, err);
	json_decref(payload);
	free(text);
	return result;
}

// The record is in the journal, and the journal is sound.
static void assert_survived(const char *path, const struct journal_mark *acknowledged)
{
	struct journal_report report =
	        must_verify(path, acknowledged->seq > 0 ? &acknowledged->hash : NULL);
	if (!report.good && report.expected_seq != acknowledged->seq)
		fail_msg("record %d is lost: %s", (int)acknowledged->seq, report.text);
	assert_true(report.head.seq >= acknowledged->seq);
}

static void append_and_report(const char *path, int pipe_fd, unsigned round)
{
	struct journal_options options = repeating_options();
	struct journal *journal;
	struct error err = {0};
	child_check(journal_open(path, JOURNAL_CREATE, &options, &journal, &err) == RESULT_OK,
	        err.text);
	for (unsigned i = 0;; i++) {
		struct journal_mark mark;
		size_t octets = (round * 31 + i * 7919) % 5000;
		child_check(append_note(journal, octets, &mark, &err) == RESULT_OK, err.text);
		child_check(write(pipe_fd, &mark, sizeof mark) == sizeof mark, "pipe");
	}
}

// Kills a child that appends to the journal; what it acknowledged last.
static struct journal_mark kill_writer(const char *path, unsigned round, useconds_t after_us)
{
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		append_and_report(path, fds[1], round);
	}
	close(fds[1]);
	usleep(after_us);
	kill(child, SIGKILL);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	struct journal_mark mark, last = {0};
	while (read(fds[0], &mark, sizeof mark) == sizeof mark)
		last = mark;
	close(fds[0]);
	return last;
}

// Ten journals, ten kills each, so that a writer also meets what the one before left behind.
static void what_was_acknowledged_survives_kill(void **state)
{
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, 7);
	struct journal_mark acknowledged = {0};
	int64_t sum = 0;
	for (unsigned round = 0; round < 100; round++) {
		char name[20];
		snprintf(name, sizeof name, "j%u", round / 10);
		const char *path = in_folder(state, name);
		if (round % 10 == 0) {
			sum += acknowledged.seq;
			acknowledged = make_journal(path, 1);
		}
		useconds_t after_us = (useconds_t)random_below(&random, 25000);
		struct journal_mark last = kill_writer(path, round, after_us);
		if (last.seq > 0)
			acknowledged = last;
		assert_survived(path, &acknowledged);
	}
	assert_true(sum > 100);
}

static void a_killed_creation_is_no_obstacle(void **state)
{
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, 8);
	for (unsigned round = 0; round < 30; round++) {
		char name[20];
		snprintf(name, sizeof name, "j%u", round);
		const char *path = in_folder(state, name);
		struct journal_mark last =
		        kill_writer(path, round, (useconds_t)random_below(&random, 8000));
		struct journal *journal = must_open(path, JOURNAL_CREATE);
		must_append(journal, JOURNAL_NOTE, NULL, NULL, 1);
		journal_close(journal);
		assert_survived(path, &last);
	}
}

struct cut {
	void **state;
	struct random random;
	struct journal_mark acknowledged;
	unsigned every, seen, images;
};

static void cut_power(struct cut *cut, bool all_lost)
{
	const char *path = in_folder(cut->state, "cut");
	cut->images++;
	powercut_image(path, all_lost ? NULL : &cut->random);
	if (cut->acknowledged.seq > 0)
		assert_survived(path, &cut->acknowledged);
	else
		journal_close(must_open(path, JOURNAL_CREATE));
	unlink(in_folder(cut->state, "cut-shm"));
}

static void maybe_cut_power(void *ctx)
{
	struct cut *cut = ctx;
	if (cut->seen++ % cut->every == 0)
		cut_power(cut, false);
}

// Every write, and every moment between writes, while a journal is made.
static void a_journal_survives_power_loss_from_the_start(void **state)
{
	const char *path = in_folder(state, "j");
	struct random_seeded seeded;
	struct cut cut = {.state = state, .random = random_from_seed(&seeded, 9), .every = 1};
	powercut_start(path);
	powercut_each(maybe_cut_power, &cut);
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	for (int i = 0; i < 12; i++) {
		cut.acknowledged = must_append(journal, JOURNAL_NOTE, "a", NULL, i);
		cut_power(&cut, true);
	}
	journal_close(journal);
	cut_power(&cut, true);
	powercut_stop();
	assert_true(cut.images > 50);
}

// Long enough that the write-ahead log is moved into the file several times.
static void acknowledged_records_survive_power_loss(void **state)
{
	const char *path = in_folder(state, "j");
	struct random_seeded seeded;
	struct cut cut = {.state = state, .random = random_from_seed(&seeded, 10), .every = 211};
	powercut_start(path);
	powercut_each(maybe_cut_power, &cut);
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	for (int i = 0; i < 400; i++) {
		struct error err = {0};
		if (append_note(journal, (size_t)(i * 7919 % 9000), &cut.acknowledged, &err) !=
		        RESULT_OK)
			fail_msg("%s", err.text);
		if (i % 25 == 0)
			cut_power(&cut, true);
	}
	journal_close(journal);
	powercut_stop();
	assert_true(cut.images > 20);
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fprintf(stderr, "# %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

// A mount namespace of its own with a tiny file system on the folder; false where the machine does
// not allow that.
static bool enter_small_disk(const char *folder, const char *options)
{
	uid_t uid = geteuid();
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	if (uid != 0) {
		char map[60];
		snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
		write_text("/proc/self/uid_map", map);
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", folder, "tmpfs", 0, options) == 0;
}

// Runs a test in a child on its small disk: 0 good, 77 not possible here.
static void on_small_disk(void **state, const char *options, void (*run)(const char *path))
{
	pid_t child = fork();
	if (child == 0) {
		if (!enter_small_disk(*state, options))
			_exit(77);
		run(in_folder(state, "j"));
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# no mount namespaces here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void child_verify(const char *path, const struct journal_hash *head)
{
	struct journal_verify_options options = {.head = head};
	struct journal_report report;
	struct error err = {0};
	child_check(journal_verify(path, &options, &report, &err) == RESULT_OK, err.text);
	child_check(report.good, report.text);
}

static struct journal *child_open(const char *path, enum journal_mode mode)
{
	struct journal_options options = repeating_options();
	struct journal *journal = NULL;
	struct error err = {0};
	child_check(journal_open(path, mode, &options, &journal, &err) == RESULT_OK, err.text);
	return journal;
}

static struct journal_mark fill_disk(struct journal *journal, struct error *err)
{
	struct journal_mark mark, last = {0};
	enum result result = RESULT_OK;
	for (int i = 0; i < 1000 && result == RESULT_OK; i++) {
		result = append_note(journal, 3000, &mark, err);
		if (result == RESULT_OK)
			last = mark;
	}
	child_check(result == RESULT_SYSTEM, "expected an error");
	child_check(last.seq > 3, "expected some records");
	return last;
}

static void run_on_a_full_disk(const char *path)
{
	struct error err = {0};
	char ballast[4200];
	snprintf(ballast, sizeof ballast, "%s.ballast", path);
	int fd = open(ballast, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	child_check(fd >= 0 && posix_fallocate(fd, 0, 512 * 1024) == 0, "ballast");
	struct journal *journal = child_open(path, JOURNAL_CREATE);
	struct journal_mark last = fill_disk(journal, &err), head, again;
	child_check(strstr(err.text, "no space left") != NULL, err.text);
	child_check(journal_head(journal, &head, &err) == RESULT_OK, err.text);
	child_check(head.seq == last.seq, "a failed append left something");
	child_verify(path, &last.hash);
	// With space again it goes on where it was, without being opened anew.
	child_check(unlink(ballast) == 0 && close(fd) == 0, "ballast");
	child_check(append_note(journal, 3000, &again, &err) == RESULT_OK, err.text);
	child_check(again.seq == last.seq + 1, "expected the next number");
	journal_close(journal);
	child_verify(path, &again.hash);
}

static void a_full_disk_is_said_and_survived(void **state)
{
	on_small_disk(state, "size=1m", run_on_a_full_disk);
}

static void run_without_any_space(const char *path)
{
	struct journal_options options = repeating_options();
	struct journal *journal = NULL;
	struct error err = {0};
	child_check(journal_open(path, JOURNAL_CREATE, &options, &journal, &err) == RESULT_SYSTEM,
	        "expected an error");
	child_check(journal == NULL, "output touched");
	child_check(access(path, F_OK) != 0, "something is left");
	char parent[4096];
	snprintf(parent, sizeof parent, "%s", path);
	*strrchr(parent, '/') = '\0';
	child_check(mount("tmpfs", parent, "tmpfs", MS_REMOUNT, "size=1m") == 0, "remount");
	// Whoever adds nothing leaves nothing, either.
	journal_close(child_open(path, JOURNAL_CREATE));
	child_check(access(path, F_OK) != 0, "a journal of nothing is left");
	struct journal_mark mark;
	journal = child_open(path, JOURNAL_CREATE);
	child_check(append_note(journal, 10, &mark, &err) == RESULT_OK, err.text);
	journal_close(journal);
	child_verify(path, &mark.hash);
}

static void no_space_to_create(void **state)
{
	on_small_disk(state, "size=4k", run_without_any_space);
}

static void remount_read_only(const char *path)
{
	char folder[4096];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	child_check(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0,
	        strerror(errno));
}

static void run_read_only(const char *path)
{
	struct journal_options options = repeating_options();
	struct journal *journal = child_open(path, JOURNAL_CREATE);
	struct journal_mark mark;
	struct error err = {0};
	child_check(append_note(journal, 10, &mark, &err) == RESULT_OK, err.text);
	journal_close(journal);
	// As a program that read it and was killed leaves it: with an empty log.
	char log[4200];
	snprintf(log, sizeof log, "%s-wal", path);
	child_check(close(open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0666)) == 0, "log");
	remount_read_only(path);
	journal = NULL;
	child_check(journal_open(path, JOURNAL_WRITE, &options, &journal, &err) == RESULT_SYSTEM,
	        "expected an error");
	child_check(strstr(err.text, "cannot lock") != NULL && journal == NULL, err.text);
	child_check(journal_open(path, JOURNAL_GUEST, &options, &journal, &err) == RESULT_SYSTEM,
	        "expected an error");
	child_check(journal == NULL, err.text);
	// Evidence can be checked where it lies.
	child_verify(path, &mark.hash);
}

static void a_read_only_disk_can_be_verified(void **state)
{
	on_small_disk(state, "size=1m", run_read_only);
}

static void run_read_only_after_kill(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		struct error err = {0};
		child_check(
		        append_note(child_open(path, JOURNAL_CREATE), 10, NULL, &err) == RESULT_OK,
		        err.text);
		_exit(0); // without closing: the log stays
	}
	waitpid(child, NULL, 0);
	char shared[4200];
	snprintf(shared, sizeof shared, "%s-shm", path);
	child_check(unlink(shared) == 0, "no -shm");
	remount_read_only(path);
	struct journal_report report;
	struct error err = {0};
	enum result result = journal_verify(path, NULL, &report, &err);
	child_check(result == RESULT_SYSTEM, "expected an error");
	child_check(strstr(err.text, "-wal") != NULL, err.text);
}

static void a_log_that_cannot_be_read_is_said(void **state)
{
	on_small_disk(state, "size=1m", run_read_only_after_kill);
}

static void run_to_the_file_size_limit(const char *path)
{
	struct error err = {0};
	signal(SIGXFSZ, SIG_IGN);
	child_check(setrlimit(RLIMIT_FSIZE, &(struct rlimit){300 * 1024, 300 * 1024}) == 0,
	        "setrlimit");
	struct journal *journal = child_open(path, JOURNAL_CREATE);
	struct journal_mark last = fill_disk(journal, &err), mark;
	child_check(strstr(err.text, "cannot write") != NULL, err.text);
	child_check(append_note(journal, 10, &mark, &err) == RESULT_SYSTEM, "expected an error");
	child_check(strstr(err.text, "open the journal again") != NULL, err.text);
	journal_close(journal);
	child_verify(path, &last.hash);
}

static void a_failed_write_stops_the_journal(void **state)
{
	pid_t child = fork();
	if (child == 0) {
		run_to_the_file_size_limit(in_folder(state, "j"));
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        TEST(what_was_acknowledged_survives_kill),
	        TEST(a_killed_creation_is_no_obstacle),
	        TEST(a_journal_survives_power_loss_from_the_start),
	        TEST(acknowledged_records_survive_power_loss),
	        TEST(a_full_disk_is_said_and_survived),
	        TEST(no_space_to_create),
	        TEST(a_read_only_disk_can_be_verified),
	        TEST(a_log_that_cannot_be_read_is_said),
	        TEST(a_failed_write_stops_the_journal),
	};
	return cmocka_run_group_tests_name("journal crash", tests, NULL, NULL);
}
