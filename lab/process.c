#include "process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum result process_find_programs(struct error *err)
{
	static const char *const need[][2] = {
	        {"knotd", "knot"},
	        {"knsupdate", "knot-dnsutils"},
	        {"named", "bind9"},
	        {"dnssec-keygen", "bind9-utils"},
	        {"pdns_server", "pdns-server"},
	        {"sqlite3", "sqlite3"},
	        {"curl", "curl"},
	        {"nsd", "nsd"},
	        {"unbound", "unbound"},
	        {"kresd", "knot-resolver"},
	};
	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		char path[] = PROCESS_PATH, *rest = path, *folder;
		bool found = false;
		while (!found && (folder = strsep(&rest, ":")) != NULL) {
			char file[256];
			snprintf(file, sizeof(file), "%s/%s", folder, need[i][0]);
			found = access(file, X_OK) == 0;
		}
		if (!found)
			return error_set(err, RESULT_NOT_FOUND,
			        "the lab needs the program %s: install the package %s", need[i][0],
			        need[i][1]);
	}
	return RESULT_OK;
}

// pid_file (may be NULL) is where the process's number inside the lab goes.
static pid_t process_spawn(char *const argv[], const char *log, const char *pid_file)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	int number = pid_file != NULL ? open(pid_file, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
	if (number >= 0)
		dprintf(number, "%d\n", (int)getpid());
	int in = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close_range(3, ~0U, 0);
	char *const env[] = {(char[]){"PATH=" PROCESS_PATH}, (char[]){"LC_ALL=C"},
	        (char[]){"HOME=/run"}, (char[]){"TZ=UTC"}, NULL};
	execvpe(argv[0], argv, env);
	dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

enum result process_start(struct processes *processes, const char *id, char *const argv[],
        const char *log, const char *pid_file, struct error *err)
{
	assert(processes->count < PROCESS_MAX);
	pid_t pid = process_spawn(argv, log, pid_file);
	if (pid < 0)
		return error_set_errno(err, "cannot start %s", argv[0]);
	processes->list[processes->count++] = (struct process){id, log, pid_file, argv, pid, 0};
	return RESULT_OK;
}

enum result process_restart_ended(struct processes *processes, struct error *err)
{
	for (size_t i = 0; i < processes->count; i++) {
		struct process *process = &processes->list[i];
		if (process->pid != 0)
			continue;
		pid_t pid = process_spawn(process->argv, process->log, process->pid_file);
		if (pid < 0)
			return error_set_errno(err, "cannot start %s", process->argv[0]);
		process->pid = pid;
	}
	return RESULT_OK;
}

enum result process_run(char *const argv[], const char *log, struct error *err)
{
	int status;
	pid_t pid = process_spawn(argv, log, NULL);
	if (pid < 0)
		return error_set_errno(err, "cannot start %s", argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(err, "cannot wait for %s", argv[0]);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return error_set(err, RESULT_SYSTEM, "%s failed, see %s", argv[0], log);
	return RESULT_OK;
}

bool process_reap(struct processes *processes)
{
	bool any = false;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < processes->count; i++) {
			struct process *process = &processes->list[i];
			if (process->pid != pid)
				continue;
			process->pid = 0;
			process->status = status;
			any = true;
		}
	}
	return any;
}

// The last line of a log, without its newline, into line.
static void process_last_line(const char *log, char *line, size_t size)
{
	char text[1024];
	line[0] = '\0';
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, from);
	close(fd);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	const char *start = strrchr(text, '\n');
	snprintf(line, size, "%.*s", (int)size - 1, start != NULL ? start + 1 : text);
}

enum result process_check(const struct processes *processes, struct error *err)
{
	for (size_t i = 0; i < processes->count; i++) {
		const struct process *process = &processes->list[i];
		char line[256];
		if (process->pid != 0)
			continue;
		process_last_line(process->log, line, sizeof(line));
		return error_set(err, RESULT_SYSTEM, "%s (%s) ended with %s %d: %s", process->id,
		        process->argv[0], WIFSIGNALED(process->status) ? "signal" : "status",
		        WIFSIGNALED(process->status) ? WTERMSIG(process->status)
		                                     : WEXITSTATUS(process->status),
		        line);
	}
	return RESULT_OK;
}

void process_signal_all(const struct processes *processes, int signal)
{
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].pid != 0)
			kill(processes->list[i].pid, signal);
}

bool process_any(const struct processes *processes)
{
	for (size_t i = 0; i < processes->count; i++)
		if (processes->list[i].pid != 0)
			return true;
	return false;
}
