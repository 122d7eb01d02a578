#include "find.h"

#include "keeper.h"
#include "lab.h"

#include "base/buffer.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *find_temporary(void)
{
	const char *tmp = getenv("TMPDIR");
	return tmp != NULL && tmp[0] == '/' ? tmp : "/tmp";
}

// --- what is left of labs -----------------------------------------------------------------------

// Also for root, others' labs are others'.
static bool is_own(const char *dir)
{
	struct stat st;
	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

// A lab whose keeper was killed leaves its folder; it is ours, nobody holds it, and nobody asked to
// keep it.
static bool is_stale(const char *dir)
{
	char path[PATH_MAX + 8];
	if (!is_own(dir))
		return false;
	snprintf(path, sizeof(path), "%s/kept", dir);
	if (access(path, F_OK) == 0)
		return false;
	snprintf(path, sizeof(path), "%s/lock", dir);
	return access(path, F_OK) == 0 && !keeper_locked(dir);
}

void find_remove_stale(void)
{
	DIR *folder = opendir(find_temporary());
	if (folder == NULL)
		return;
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		char dir[PATH_MAX];
		if (strncmp(entry->d_name, FIND_PREFIX, strlen(FIND_PREFIX)) != 0)
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", find_temporary(), entry->d_name);
		if (is_stale(dir))
			keeper_remove_folder(dir);
	}
	closedir(folder);
}

// --- labs that run ------------------------------------------------------------------------------

void lab_each(void (*visit)(void *ctx, const char *dir), void *ctx)
{
	DIR *proc = opendir("/proc");
	if (proc == NULL)
		return;
	const struct dirent *entry;
	while ((entry = readdir(proc)) != NULL) {
		char dir[PATH_MAX];
		if (isdigit((unsigned char)entry->d_name[0]) &&
		        keeper_folder_of(entry->d_name, dir) && is_own(dir) && keeper_locked(dir))
			visit(ctx, dir);
	}
	closedir(proc);
}

struct running {
	size_t count;
	char last[PATH_MAX];
	struct buffer names;
};

static void note(void *ctx, const char *dir)
{
	struct running *running = ctx;
	buffer_printf(&running->names, "%s%s", running->count > 0 ? ", " : "", dir);
	snprintf(running->last, sizeof(running->last), "%s", dir);
	running->count++;
}

static enum result none_runs(struct error *err)
{
	return error_set(
	        err, RESULT_NOT_FOUND, "no lab of this user runs; `baton lab up` starts one");
}

static enum result ask(const struct running *running, struct error *err)
{
	if (running->count == 0)
		return none_runs(err);
	return error_set(err, RESULT_INPUT, "--dir has to say which lab; %zu run%s: %.400s",
	        running->count, running->count == 1 ? "s" : "", buffer_text(&running->names));
}

enum result find_ask(struct error *err)
{
	struct running running = {.names = buffer_init(1u << 16)};
	lab_each(note, &running);
	enum result result = ask(&running, err);
	buffer_free(&running.names);
	return result;
}

// chosen[PATH_MAX]
static enum result find_only(char *chosen, struct error *err)
{
	struct running running = {.names = buffer_init(1u << 16)};
	enum result result = RESULT_OK;
	lab_each(note, &running);
	if (running.count == 1)
		snprintf(chosen, PATH_MAX, "%s", running.last);
	else
		result = ask(&running, err);
	buffer_free(&running.names);
	return result;
}

enum result find_running(const char *dir, char *chosen, struct error *err)
{
	if (dir == NULL)
		return find_only(chosen, err);
	if (realpath(dir, chosen) == NULL)
		return error_set(err, RESULT_NOT_FOUND, "no folder %s", dir);
	if (!keeper_locked(chosen))
		return error_set(err, RESULT_NOT_FOUND, "no lab runs in %s", dir);
	return RESULT_OK;
}
