#include "left.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool proc_contains(const char *pid, const char *name, const char *text)
{
	char path[PATH_MAX], data[8192];
	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, data, sizeof(data));
	close(fd);
	return n > 0 && memmem(data, (size_t)n, text, strlen(text)) != NULL;
}

unsigned count_processes(const char *dir)
{
	unsigned count = 0;
	DIR *proc = opendir("/proc");
	assert_non_null(proc);
	const struct dirent *entry;
	while ((entry = readdir(proc)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		        proc_contains(entry->d_name, "cmdline", dir))
			count++;
	closedir(proc);
	return count;
}

void assert_nothing_left(const char *dir)
{
	for (int i = 0; i < 100; i++) {
		if (access(dir, F_OK) != 0 && count_processes(dir) == 0)
			break;
		poll(NULL, 0, 50);
	}
	assert_int_equal(count_processes(dir), 0);
	assert_int_not_equal(access(dir, F_OK), 0);
	assert_false(proc_contains("self", "mountinfo", dir));
}
