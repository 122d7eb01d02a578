#include "lab.h"

#include "describe.h"
#include "find.h"
#include "keeper.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/template.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAB_DEADLINE_MS (90 * SECOND_MS)
#define LAB_DIR_MAX     80 // octets: names of sockets in it must stay below 108

struct lab {
	struct arena *arena;
	struct lab_info info;
	struct keeper keeper; // pid 0 where the lab belongs to somebody else
};

struct lab_options lab_options_default(void)
{
	return (struct lab_options){
	        .ttl_s = {[LAB_TTL_DS] = 6,
	                [LAB_TTL_DS_NONE] = 4,
	                [LAB_TTL_PARENT_NS] = 7,
	                [LAB_TTL_CHILD_NS] = 9,
	                [LAB_TTL_DNSKEY] = 10,
	                [LAB_TTL_DATA] = 8,
	                [LAB_TTL_NEGATIVE] = 5,
	                [LAB_TTL_ADDRESS] = 7},
	        .deadline_ms = LAB_DEADLINE_MS,
	};
}

static enum result lab_options_one(struct lab_options *options, char *item, struct error *err)
{
	int64_t value_ms;
	char *value = strchr(item, '=');
	if (value == NULL)
		return error_set(err, RESULT_INPUT, "'%s': expected KIND=TIME, as in ds=6s", item);
	*value++ = '\0';
	if (duration_parse(value, &value_ms, err) != RESULT_OK) {
		error_prefix(err, "%s: ", item);
		return RESULT_INPUT;
	}
	if (value_ms % SECOND_MS != 0 || value_ms > LAB_TTL_MAX_S * SECOND_MS)
		return error_set(
		        err, RESULT_INPUT, "%s: a TTL is a whole number of seconds up to 1d", item);
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		if (strcmp(item, lab_ttl_word((enum lab_ttl)i)) == 0) {
			options->ttl_s[i] = (uint32_t)(value_ms / SECOND_MS);
			return RESULT_OK;
		}
	return error_set(err, RESULT_INPUT,
	        "unknown kind of TTL '%s', expected ds, ds-none, parent-ns, child-ns, dnskey, "
	        "data, "
	        "negative or address",
	        item);
}

enum result lab_options_ttl(struct lab_options *options, const char *text, struct error *err)
{
	char copy[512], *rest = copy, *item;
	struct lab_options new = *options;
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return error_set(err, RESULT_INPUT, "list of TTLs too long");
	while ((item = strsep(&rest, ",")) != NULL)
		if (lab_options_one(&new, item, err) != RESULT_OK)
			return RESULT_INPUT;
	*options = new;
	return RESULT_OK;
}

// --- start and stop -----------------------------------------------------------------------------

static char *lab_folder_name(struct arena *arena, const char *given, struct error *err)
{
	char path[PATH_MAX];
	if (given == NULL) {
		find_remove_stale();
		snprintf(path, sizeof(path), "%s/" FIND_PREFIX "XXXXXX", find_temporary());
		if (mkdtemp(path) == NULL) {
			error_set_errno(err, "cannot make a folder in %s", find_temporary());
			return NULL;
		}
		given = path;
	} else if (given[0] != '/') {
		char cwd[PATH_MAX];
		if (getcwd(cwd, sizeof(cwd)) == NULL) {
			error_set_errno(err, "cannot read the working folder's name");
			return NULL;
		}
		return arena_printf(arena, "%s/%s", cwd, given);
	}
	return arena_strdup(arena, given);
}

// Handles one line of the report. Returns true when the start is over, with *result.
static bool lab_report_line(
        const struct lab_options *options, char *line, enum result *result, struct error *err)
{
	if (strncmp(line, "progress ", 9) == 0 && options->progress != NULL)
		options->progress(options->ctx, line + 9);
	if (strcmp(line, "ready") == 0) {
		*result = RESULT_OK;
		return true;
	}
	if (strncmp(line, "failed ", 7) != 0)
		return false;
	char *text;
	long code = strtol(line + 7, &text, 10);
	*result =
	        error_set(err, code > 0 && code < RESULT_COUNT ? (enum result)code : RESULT_SYSTEM,
	                "the lab did not start: %s", *text == ' ' ? text + 1 : text);
	return true;
}

// Reads the report until the lab is ready or has failed.
static enum result lab_wait_ready(
        const struct lab *lab, const struct lab_options *options, struct error *err)
{
	enum result result = RESULT_OK;
	FILE *report = fdopen(lab->keeper.report_fd, "re");
	if (report == NULL)
		return error_set_errno(err, "cannot read the lab's report");
	char line[1024];
	bool over = false;
	while (!over && fgets(line, sizeof(line), report) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		over = lab_report_line(options, line, &result, err);
	}
	fclose(report);
	if (!over)
		result = error_set(err, RESULT_SYSTEM,
		        "the lab ended during its start, see %s/lab.log", lab->info.dir);
	return result;
}

// The name of the folder stands in quotes in the servers' configuration, and in their messages.
static enum result lab_check_given(const char *dir, struct error *err)
{
	if (dir == NULL)
		return RESULT_OK;
	if (dir[0] == '\0')
		return error_set(err, RESULT_INPUT, "the folder's name is empty");
	for (const char *c = dir; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || strchr("\"'\\", *c) != NULL)
			return error_set(err, RESULT_INPUT,
			        "a quote, backslash or control character in the folder's name, "
			        "which the servers could not read: %s",
			        dir);
	return RESULT_OK;
}

static enum result lab_start(struct lab *lab, const struct lab_options *options, struct error *err)
{
	if (lab_check_given(options->dir, err) != RESULT_OK)
		return RESULT_INPUT;
	char *dir = lab_folder_name(lab->arena, options->dir, err);
	if (dir == NULL)
		return RESULT_SYSTEM;
	if (strlen(dir) > LAB_DIR_MAX) {
		if (options->dir == NULL)
			rmdir(dir);
		return error_set(err, RESULT_LIMIT,
		        "the folder's name is too long for a lab (%d octets): %s", LAB_DIR_MAX,
		        dir);
	}
	enum result result = describe_plan(lab->arena, dir, options, &lab->info, err);
	if (result == RESULT_OK)
		result = keeper_start(&lab->info, options, &lab->keeper, err);
	if (result != RESULT_OK)
		return result;
	result = lab_wait_ready(lab, options, err);
	const char *path = arena_printf(lab->arena, "%s/lab.yaml", dir);
	if (result == RESULT_OK)
		result = describe_read(lab->arena, path, &lab->info, err);
	return result;
}

enum result lab_create(const struct lab_options *options, struct lab **out, struct error *err)
{
	struct arena *arena = arena_new(16u << 20);
	struct lab *lab = arena != NULL ? arena_alloc(arena, sizeof(*lab)) : NULL;
	if (lab == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	lab->arena = arena;
	enum result result = lab_start(lab, options, err);
	if (result == RESULT_OK)
		*out = lab;
	else
		lab_stop(lab);
	return result;
}

void lab_stop(struct lab *lab)
{
	if (lab == NULL)
		return;
	if (lab->keeper.pid > 0) {
		close(lab->keeper.life_fd);
		while (waitpid(lab->keeper.pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	arena_free(lab->arena);
}

enum result lab_open(const char *dir, struct lab **out, struct error *err)
{
	char chosen[PATH_MAX];
	enum result result = find_running(dir, chosen, err);
	if (result != RESULT_OK)
		return result;
	struct arena *arena = arena_new(16u << 20);
	struct lab *lab = arena != NULL ? arena_alloc(arena, sizeof(*lab)) : NULL;
	const char *path = arena != NULL ? arena_printf(arena, "%s/lab.yaml", chosen) : NULL;
	if (lab == NULL || path == NULL)
		result = error_set(err, RESULT_MEMORY, "out of memory");
	else if (access(path, R_OK) != 0)
		result = error_set(err, RESULT_NOT_FOUND, "the lab in %s is not ready yet", chosen);
	else
		result = describe_read(arena, path, &lab->info, err);
	if (result != RESULT_OK) {
		arena_free(arena);
		return result;
	}
	lab->arena = arena;
	*out = lab;
	return RESULT_OK;
}

void lab_close(struct lab *lab)
{
	assert(lab == NULL || lab->keeper.pid == 0);
	if (lab != NULL)
		arena_free(lab->arena);
}

enum result lab_down(const char *dir, struct error *err)
{
	char chosen[PATH_MAX], kept[PATH_MAX + 8];
	enum result result = dir != NULL ? find_running(dir, chosen, err) : find_ask(err);
	if (result != RESULT_OK)
		return result;
	pid_t pid = keeper_pid(chosen, "keeper.pid");
	if (pid == 0 || kill(pid, SIGTERM) != 0)
		return error_set_errno(err, "cannot end the lab in %s", chosen);
	snprintf(kept, sizeof(kept), "%s/kept", chosen);
	bool keeps = access(kept, F_OK) == 0;
	for (int i = 0; i < 200; i++) {
		if (!keeper_locked(chosen) && (keeps || access(chosen, F_OK) != 0))
			return RESULT_OK;
		poll(NULL, 0, 50);
	}
	return error_set(err, RESULT_TIMEOUT, "the lab in %s does not end", chosen);
}

const struct lab_info *lab_info(const struct lab *lab)
{
	return &lab->info;
}

bool lab_alive(const struct lab *lab)
{
	return keeper_locked(lab->info.dir);
}

// --- inside the lab
// -------------------------------------------------------------------------------

// Whether init has another user namespace than the caller: then it is the key to the others.
static bool lab_has_user_namespace(pid_t init)
{
	char path[64];
	struct stat own, other;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)init);
	return stat("/proc/self/ns/user", &own) == 0 && stat(path, &other) == 0 &&
	       (own.st_ino != other.st_ino || own.st_dev != other.st_dev);
}

enum result lab_enter(const struct lab *lab, unsigned what, struct error *err)
{
	pid_t init = keeper_pid(lab->info.dir, "init.pid");
	if (init == 0 || !lab_alive(lab))
		return error_set(err, RESULT_NOT_FOUND, "no lab runs in %s", lab->info.dir);
	int flags = CLONE_NEWNET;
	if (what == LAB_ENTER_ALL)
		flags |= CLONE_NEWNS | CLONE_NEWPID;
	if (lab_has_user_namespace(init))
		flags |= CLONE_NEWUSER;
	char cwd[PATH_MAX];
	bool has_cwd = getcwd(cwd, sizeof(cwd)) != NULL;
	int fd = (int)syscall(SYS_pidfd_open, init, 0);
	if (fd < 0 || setns(fd, flags) != 0) {
		error_set_errno(err, "cannot enter the lab in %s", lab->info.dir);
		if (fd >= 0)
			close(fd);
		return RESULT_SYSTEM;
	}
	close(fd);
	if (has_cwd && chdir(cwd) != 0) // entering other mounts moves to their root
		return error_set_errno(err, "cannot go back to %s", cwd);
	return RESULT_OK;
}

// Ends the calling process the way the status says.
static _Noreturn void lab_end_as(int status)
{
	if (WIFSIGNALED(status)) {
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 126);
}

// out is where standard output goes, -1: where the caller's does.
static _Noreturn void lab_child(const struct lab *lab, char *const argv[], int out)
{
	struct error err = {0};
	int status = 0;
	if (out >= 0 && dup2(out, STDOUT_FILENO) < 0)
		_exit(126);
	if (lab_enter(lab, LAB_ENTER_ALL, &err) != RESULT_OK) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		_exit(126);
	}
	pid_t pid = fork(); // the first child is in the PID namespace
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setenv("BATON_LAB", lab->info.dir, 1);
		execvp(argv[0], argv);
		dprintf(STDERR_FILENO, "baton: lab: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid < 0)
		_exit(126);
	lab_end_as(status);
}

// waitpid with a limit in time; 0 is none. Returns false, errno set, where waiting fails
// (ETIMEDOUT).
static bool lab_wait_child(pid_t pid, int64_t timeout_ms, int *status)
{
	struct clock clock = clock_system();
	int64_t until_ms =
	        timeout_ms > 0 ? time_add(clock_now_ms(&clock), timeout_ms) : TIME_NEVER_MS;
	for (;;) {
		pid_t ended = waitpid(pid, status, timeout_ms > 0 ? WNOHANG : 0);
		if (ended == pid)
			return true;
		if (ended < 0 && errno != EINTR)
			return false;
		if (clock_now_ms(&clock) >= until_ms) {
			errno = ETIMEDOUT;
			return false;
		}
		if (timeout_ms > 0)
			poll(NULL, 0, 10);
	}
}

static enum result lab_run(const struct lab *lab, char *const argv[], int out, int64_t timeout_ms,
        int *status, struct error *err)
{
	assert(argv != NULL && argv[0] != NULL);
	int ended;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		lab_child(lab, argv, out);
	if (pid < 0)
		return error_set_errno(err, "cannot run %s", argv[0]);
	if (!lab_wait_child(pid, timeout_ms, &ended)) {
		bool late = errno == ETIMEDOUT;
		error_set_errno(err, "%s", argv[0]);
		kill(pid, SIGKILL); // the command itself goes with it (PR_SET_PDEATHSIG)
		(void)waitpid(pid, &ended, 0);
		return late ? error_set(err, RESULT_TIMEOUT, "%s did not end in time", argv[0])
		            : RESULT_SYSTEM;
	}
	*status = ended;
	return RESULT_OK;
}

enum result lab_run_in(const struct lab *lab, char *const argv[], int64_t timeout_ms, int *status,
        struct error *err)
{
	return lab_run(lab, argv, -1, timeout_ms, status, err);
}

enum result lab_run_quietly(const struct lab *lab, char *const argv[], int64_t timeout_ms,
        int *status, struct error *err)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/log/run.log", lab->info.dir);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0)
		return error_set_errno(err, "cannot write %s", path);
	enum result result = lab_run(lab, argv, out, timeout_ms, status, err);
	close(out);
	return result;
}

// Kills a server by its number inside the lab, and waits until init has collected it.
static enum result lab_kill(const struct lab *lab, const char *id, struct error *err)
{
	char name[64], script[128];
	int status;
	snprintf(name, sizeof(name), "pid/%s", id);
	pid_t pid = strchr(id, '/') == NULL ? keeper_pid(lab->info.dir, name) : 0;
	if (pid == 0)
		return error_set(err, RESULT_NOT_FOUND, "no server '%s' in the lab", id);
	snprintf(script, sizeof(script),
	        "exec 2>&1; kill -KILL %d || exit 0; while kill -0 %d; do sleep 0.05; done",
	        (int)pid, (int)pid);
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, script, NULL};
	return lab_run_quietly(lab, argv, 10 * SECOND_MS, &status, err);
}

enum result lab_restart(const struct lab *lab, const char *id, struct error *err)
{
	pid_t init = keeper_pid(lab->info.dir, "init.pid");
	if (init == 0 || !lab_alive(lab))
		return error_set(err, RESULT_NOT_FOUND, "no lab runs in %s", lab->info.dir);
	enum result result = id != NULL ? lab_kill(lab, id, err) : RESULT_OK;
	if (result == RESULT_OK && kill(init, SIGHUP) != 0)
		result = error_set_errno(err, "cannot signal the lab");
	return result;
}
