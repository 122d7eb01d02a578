#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Each test runs in an empty folder of its own, which is the working directory.
static int enter_folder(void **state)
{
	char name[] = "/tmp/baton-test-XXXXXX";
	*state = mkdtemp(name) != NULL ? strdup(name) : NULL;
	return *state == NULL || chdir(*state) != 0 ? -1 : 0;
}

static int count_files(void)
{
	int n = 0;
	DIR *folder = opendir(".");
	for (const struct dirent *e; (e = readdir(folder)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(folder);
	return n;
}

static int leave_folder(void **state)
{
	DIR *folder = opendir(".");
	for (const struct dirent *e; (e = readdir(folder)) != NULL;)
		if (e->d_name[0] != '.' && unlink(e->d_name) != 0)
			rmdir(e->d_name);
	closedir(folder);
	int result = chdir("/") != 0 || rmdir(*state) != 0 ? -1 : 0;
	free(*state);
	return result;
}

static void assert_content(const char *path, const char *expected, size_t length)
{
	struct arena *arena = arena_new(1 << 20);
	char *data = NULL;
	size_t n = 0;
	struct error err = {0};
	if (file_read(arena, path, 1 << 19, &data, &n, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(n, length);
	assert_memory_equal(data, expected, length);
	assert_int_equal(data[length], '\0');
	arena_free(arena);
}

static void writes_and_reads_back(void **state)
{
	(void)state;
	assert_int_equal(file_replace("f", "a\0b\n", 4, NULL), RESULT_OK);
	assert_content("f", "a\0b\n", 4);
	assert_int_equal(file_replace("f", "", 0, NULL), RESULT_OK);
	assert_content("f", "", 0);
	char *large = malloc(300000);
	memset(large, 'x', 300000);
	assert_int_equal(file_replace("f", large, 300000, NULL), RESULT_OK);
	assert_content("f", large, 300000);
	free(large);
	assert_int_equal(count_files(), 1);
}

static void a_reader_of_the_old_file_is_not_disturbed(void **state)
{
	(void)state;
	assert_int_equal(file_replace("f", "old", 3, NULL), RESULT_OK);
	int fd = open("f", O_RDONLY);
	assert_int_equal(file_replace("f", "new and longer", 14, NULL), RESULT_OK);
	char text[20] = "";
	assert_int_equal(read(fd, text, sizeof text), 3);
	assert_memory_equal(text, "old", 3);
	close(fd);
	assert_content("f", "new and longer", 14);
}

// A full disk, as far as one process can have one: no file may grow beyond 1000 octets.
static void a_full_disk_leaves_the_old_file(void **state)
{
	(void)state;
	assert_int_equal(file_replace("f", "old", 3, NULL), RESULT_OK);
	char large[5000];
	memset(large, 'x', sizeof large);
	struct rlimit before, small;
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1000;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	struct error err = {0};
	enum result result = file_replace("f", large, sizeof large, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, handler);
	assert_int_equal(result, RESULT_SYSTEM);
	assert_string_equal(err.text, "f: cannot write: File too large");
	assert_content("f", "old", 3);
	assert_int_equal(count_files(), 1); // no temporary file is left
}

static void a_name_that_cannot_be_replaced_is_left(void **state)
{
	(void)state;
	struct error err = {0};
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(file_replace("folder", "x", 1, &err), RESULT_SYSTEM);
	assert_memory_equal(err.text, "folder: cannot replace", 22);
	assert_int_equal(count_files(), 1);
	assert_int_equal(file_replace("missing/f", "x", 1, &err), RESULT_SYSTEM);
	assert_memory_equal(err.text, "missing/f: cannot create", 24);
	char long_path[PATH_MAX + 10];
	memset(long_path, 'x', sizeof long_path);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_equal(file_replace(long_path, "x", 1, &err), RESULT_INPUT);
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_private_file_stays_private(void **state)
{
	(void)state;
	mode_t mask = umask(027);
	assert_int_equal(file_replace("f", "1", 1, NULL), RESULT_OK);
	assert_int_equal(mode_of("f"), 0640);
	assert_int_equal(chmod("f", 0600), 0);
	assert_int_equal(file_replace("f", "2", 1, NULL), RESULT_OK);
	assert_int_equal(mode_of("f"), 0600);
	umask(mask);
}

static void reading_says_why_not(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	char *data = NULL;
	size_t length = 4711;
	struct error err = {0};
	assert_int_equal(file_read(arena, "nothing", 10, &data, &length, &err), RESULT_SYSTEM);
	assert_string_equal(err.text, "nothing: cannot open: No such file or directory");
	assert_int_equal(file_read(arena, ".", 10, &data, &length, &err), RESULT_SYSTEM);
	assert_string_equal(err.text, ".: cannot read: Is a directory");
	assert_int_equal(file_replace("f", "12345678901", 11, NULL), RESULT_OK);
	assert_int_equal(file_read(arena, "f", 10, &data, &length, &err), RESULT_LIMIT);
	assert_string_equal(err.text, "f: larger than the 10 octets allowed");
	assert_null(data);
	assert_int_equal(length, 4711);
	assert_int_equal(file_read(arena, "f", 11, &data, &length, &err), RESULT_OK);
	assert_int_equal(length, 11);
	arena_free(arena);
	arena = arena_new(8);
	assert_int_equal(file_read(arena, "f", 11, &data, &length, &err), RESULT_MEMORY);
	arena_free(arena);
}

static void a_minus_is_standard_input(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "piped", 5), 5);
	close(ends[1]);
	int saved = dup(STDIN_FILENO);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	assert_content("-", "piped", 5);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
}

static void a_path_in_a_file_is_beside_it(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1000);
	assert_string_equal(file_path_beside(arena, "a/b.yaml", "c/d"), "a/c/d");
	assert_string_equal(file_path_beside(arena, "/b.yaml", "c"), "/c");
	assert_string_equal(file_path_beside(arena, "b.yaml", "c"), "c");
	assert_string_equal(file_path_beside(arena, "a/b.yaml", "/c"), "/c");
	arena_free(arena);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
	        IN_FOLDER(writes_and_reads_back),
	        IN_FOLDER(a_reader_of_the_old_file_is_not_disturbed),
	        IN_FOLDER(a_full_disk_leaves_the_old_file),
	        IN_FOLDER(a_name_that_cannot_be_replaced_is_left),
	        IN_FOLDER(a_private_file_stays_private),
	        IN_FOLDER(reading_says_why_not),
	        IN_FOLDER(a_minus_is_standard_input),
	        cmocka_unit_test(a_path_in_a_file_is_beside_it),
	};
	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
