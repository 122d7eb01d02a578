#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"

static enum result read_all(
        int fd, const char *path, size_t max, struct buffer *out, struct error *err)
{
	char chunk[16384];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n == 0)
			return RESULT_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, "%s: cannot read", path);
		buffer_add(out, chunk, (size_t)n);
		if (out->failed)
			return error_set(err, RESULT_LIMIT,
			        "%s: larger than the %zu octets allowed", path, max);
	}
}

enum result file_read(struct arena *arena, const char *path, size_t max_octets, char **data,
        size_t *length, struct error *err)
{
	bool standard_input = strcmp(path, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, "%s: cannot open", path);
	struct buffer content = buffer_init(max_octets);
	enum result result = read_all(fd, path, max_octets, &content, err);
	if (!standard_input)
		close(fd);
	if (result == RESULT_OK) {
		char *whole = arena_alloc(arena, content.length + 1);
		if (whole == NULL)
			result = error_set(err, RESULT_MEMORY, "%s: no memory for it", path);
		else {
			if (content.length > 0)
				memcpy(whole, content.data, content.length);
			*data = whole;
			*length = content.length;
		}
	}
	buffer_free(&content);
	return result;
}

static enum result write_all(
        int fd, const char *path, const char *data, size_t length, struct error *err)
{
	while (length > 0) {
		ssize_t n = write(fd, data, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, "%s: cannot write", path);
		data += n;
		length -= (size_t)n;
	}
	if (fsync(fd) != 0)
		return error_set_errno(err, "%s: cannot write", path);
	return RESULT_OK;
}

static void sync_folder_of(const char *path)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

enum result file_replace(const char *path, const void *data, size_t length, struct error *err)
{
	char temporary[4096];
	if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
		return error_set(err, RESULT_INPUT, "%.80s…: path too long", path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, "%s: cannot create a file beside it", path);
	mode_t mask = umask(0);
	umask(mask);
	fchmod(fd, 0666 & ~mask);
	enum result result = write_all(fd, path, data, length, err);
	close(fd);
	if (result == RESULT_OK && rename(temporary, path) != 0)
		result = error_set_errno(err, "%s: cannot replace", path);
	if (result != RESULT_OK)
		unlink(temporary);
	else
		sync_folder_of(path);
	return result;
}
