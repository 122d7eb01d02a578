#include "keeper.h"

#include "boot.h"
#include "namespace.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEPER_NAME     "baton-lab-keep" // of its process
#define KEEPER_LOG      "lab.log"        // its standard output, by which its lab is found
#define KEEPER_GRACE_MS 4000 // for the servers to write what they have, where the folder is kept

static int keeper_open(const char *dir, const char *name, int flags)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	return open(path, flags | O_CLOEXEC, 0600);
}

bool keeper_locked(const char *dir)
{
	int fd = keeper_open(dir, "lock", O_RDWR);
	if (fd < 0)
		return false;
	bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

pid_t keeper_pid(const char *dir, const char *name)
{
	char text[32];
	int fd = keeper_open(dir, name, O_RDONLY);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	long pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

static void keeper_write_pid(const char *dir, const char *name, pid_t pid)
{
	int fd = keeper_open(dir, name, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd >= 0) {
		dprintf(fd, "%d\n", (int)pid);
		close(fd);
	}
}

bool keeper_folder_of(const char *pid, char *dir)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0 || strcmp(name, KEEPER_NAME "\n") != 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/fd/1", pid);
	char log[PATH_MAX];
	n = readlink(path, log, sizeof(log) - 1);
	log[n > 0 ? n : 0] = '\0';
	char *file = strrchr(log, '/');
	if (file == NULL || strcmp(file, "/" KEEPER_LOG) != 0)
		return false;
	*file = '\0';
	memcpy(dir, log, (size_t)(file - log) + 1);
	return true;
}

static int keeper_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	(void)remove(path);
	return 0;
}

void keeper_remove_folder(const char *dir)
{
	(void)nftw(dir, keeper_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

// The processes of the lab keep nothing of the caller's but the given descriptors.
static void keeper_detach(const char *dir, const int *keep, size_t count)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = keeper_open(dir, KEEPER_LOG, O_WRONLY | O_CREAT | O_APPEND);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	for (int fd = 3; fd < 1024; fd++) {
		bool kept = false;
		for (size_t i = 0; i < count; i++)
			kept = kept || keep[i] == fd;
		if (!kept)
			close(fd);
	}
	close_range(1024, ~0U, 0);
	setsid();
}

static int keeper_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Waits until the caller lets go, somebody sends SIGTERM, or init has ended. Returns whether init
// still runs.
static bool keeper_wait(pid_t init, int life, int signals)
{
	struct pollfd wait[] = {{.fd = life, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
	for (;;) {
		struct signalfd_siginfo info;
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return true;
		if (wait[0].revents != 0)
			return true;
		while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
			if (info.ssi_signo == SIGTERM)
				return true;
			if (waitpid(init, NULL, WNOHANG) == init)
				return false;
		}
	}
}

// Ends init: gently first where the folder is kept, for its files are to be read.
static void keeper_end(pid_t init, bool gently)
{
	if (gently && kill(init, SIGTERM) == 0)
		for (int i = 0; i < KEEPER_GRACE_MS / 20; i++) {
			if (waitpid(init, NULL, WNOHANG) == init)
				return;
			poll(NULL, 0, 20);
		}
	kill(init, SIGKILL);
	// Returns once the kernel has ended everything in the PID namespace (pid_namespaces(7)).
	while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
		;
}

static _Noreturn void keeper_init(
        const struct lab_info *plan, const struct lab_options *options, int report, int life)
{
	prctl(PR_SET_NAME, "baton-lab-init");
	// Killed with the keeper. One that died before this line leaves no trace here (the parent's
	// number reads 0 inside), but a caller that died with it shows in the pipe.
	struct pollfd gone = {.fd = life, .events = POLLIN};
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || poll(&gone, 1, 0) != 0)
		_exit(126);
	close(life);
	boot_run(plan, options, report);
}

static _Noreturn void keeper_run(const struct lab_info *plan, const struct lab_options *options,
        int life, int report, int lock)
{
	struct error err = {0};
	prctl(PR_SET_NAME, KEEPER_NAME);
	keeper_detach(plan->dir, (int[]){life, report, lock}, 3);
	keeper_write_pid(plan->dir, "keeper.pid", getpid());
	int signals = keeper_signals();
	enum result result = namespace_unshare(&err);
	pid_t init = -1;
	if (result == RESULT_OK) {
		init = fork();
		if (init == 0) {
			close(lock);
			close(signals);
			keeper_init(plan, options, report, life);
		}
		if (init < 0)
			result = error_set_errno(&err, "cannot start the lab's init");
	}
	if (result != RESULT_OK)
		dprintf(report, "failed %d %s\n", (int)result, err.text);
	close(report);
	if (init > 0) {
		keeper_write_pid(plan->dir, "init.pid", init);
		if (keeper_wait(init, life, signals))
			keeper_end(init, options->keep);
	}
	if (!options->keep)
		keeper_remove_folder(plan->dir);
	_exit(0);
}

static enum result keeper_folder(const char *dir, bool keep, int *lock, struct error *err)
{
	if (mkdir(dir, 0700) != 0 && (errno != EEXIST || rmdir(dir) != 0 || mkdir(dir, 0700) != 0))
		return error_set(err, RESULT_INPUT,
		        "cannot make the folder %s: %s; choose another one", dir, strerror(errno));
	int fd = keeper_open(dir, "lock", O_RDWR | O_CREAT | O_EXCL);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return error_set_errno(err, "cannot lock %s/lock", dir);
	int kept = keep ? keeper_open(dir, "kept", O_WRONLY | O_CREAT) : -1;
	if (kept >= 0)
		close(kept);
	*lock = fd;
	return RESULT_OK;
}

enum result keeper_start(const struct lab_info *plan, const struct lab_options *options,
        struct keeper *keeper, struct error *err)
{
	int life[2], report[2], lock = -1;
	enum result result = keeper_folder(plan->dir, options->keep, &lock, err);
	if (result != RESULT_OK)
		return result;
	if (pipe2(life, O_CLOEXEC) != 0)
		return error_set_errno(err, "cannot make a pipe");
	if (pipe2(report, O_CLOEXEC) != 0)
		return error_set_errno(err, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(life[1]);
		close(report[0]);
		keeper_run(plan, options, life[0], report[1], lock);
	}
	close(life[0]);
	close(report[1]);
	close(lock);
	if (pid < 0) {
		close(life[1]);
		close(report[0]);
		return error_set_errno(err, "cannot start the lab's keeper");
	}
	*keeper = (struct keeper){.pid = pid, .life_fd = life[1], .report_fd = report[0]};
	return RESULT_OK;
}
