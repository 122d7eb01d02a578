#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/random.h"

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
		if ((size_t)n > max - out->length)
			return error_set(err, RESULT_LIMIT,
			        "%s: larger than the %zu octets allowed", path, max);
		buffer_add(out, chunk, (size_t)n);
		if (out->failed)
			return error_set(err, RESULT_MEMORY, "%s: no memory for it", path);
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
	char copy[PATH_MAX];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

#define TEMPORARY_TRIES 100

// A new file beside path, under a name that nobody has; the name is written to temporary.
static int create_beside(const char *path, char *temporary, size_t size)
{
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		struct random random = random_system();
		snprintf(temporary, size, "%s.%08" PRIx32, path, (uint32_t)random_u64(&random));
		int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

// A private file stays private when it is replaced.
static enum result copy_mode(int fd, const char *path, struct error *err)
{
	struct stat old;
	if (stat(path, &old) == 0 && fchmod(fd, old.st_mode & 07777) != 0)
		return error_set_errno(err, "%s: cannot keep its permissions", path);
	return RESULT_OK;
}

enum result file_replace(const char *path, const void *data, size_t length, struct error *err)
{
	char temporary[PATH_MAX];
	if (strlen(path) + sizeof ".01234567" > sizeof temporary)
		return error_set(err, RESULT_INPUT, "%.80s…: path too long", path);
	int fd = create_beside(path, temporary, sizeof temporary);
	if (fd < 0)
		return error_set_errno(err, "%s: cannot create a file beside it", path);
	enum result result = copy_mode(fd, path, err);
	if (result == RESULT_OK)
		result = write_all(fd, path, data, length, err);
	close(fd);
	if (result == RESULT_OK && rename(temporary, path) != 0)
		result = error_set_errno(err, "%s: cannot replace", path);
	if (result != RESULT_OK)
		unlink(temporary);
	else
		sync_folder_of(path);
	return result;
}

const char *file_path_beside(struct arena *arena, const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	if (path[0] == '/' || slash == NULL)
		return arena_strdup(arena, path);
	return arena_printf(arena, "%.*s/%s", (int)(slash - file), file, path);
}
