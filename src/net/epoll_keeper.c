// How a child is started so that it cannot outlive us, however we end.
//
// Between us and the command stands a keeper: a fork of ours that leads the child's process group,
// starts the command in it, and waits. When the command ends the keeper ends the same way. When we
// end, even by SIGKILL, the kernel tells the keeper, and it kills the group: the command and
// everything that it has started, unless that left the group (a daemon does). The parent-death
// signal alone, set in the command, would spare its children, and is taken away where the command
// is a set-user-ID program; in the command it is only there in case somebody kills the keeper.
//
// The keeper is a copy of a program with locks and descriptors: it makes system calls and nothing
// else, and closes all that it was left.
#include "net/epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAULT = 3 }; // the descriptor on which the keeper, or the command to be, says what failed

#define PARENT_DIED SIGHUP

static void fail_with(int number) __attribute__((noreturn));

static void fail_with(int number)
{
	if (write(FAULT, &number, sizeof number) != sizeof number)
		_exit(126);
	_exit(127);
}

static void reset_signals(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			sigaction(number, &usual, NULL);
}

// ---- The command -----------------------------------------------------------------------------

static void command_become(const struct loop_process_spec *spec, pid_t keeper)
{
	static char *const no_environment[] = {NULL};
	char *const *environment = no_environment;
	sigset_t none;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (spec->directory != NULL && chdir(spec->directory) != 0)
		fail_with(errno);
	if (spec->environment != NULL)
		environment = (char *const *)(uintptr_t)spec->environment;
	execvpe(spec->argv[0], (char *const *)(uintptr_t)spec->argv, environment);
	fail_with(errno);
}

// ---- The keeper ------------------------------------------------------------------------------

static void keeper_end(int status)
{
	struct rlimit none = {0};
	sigset_t signals;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	setrlimit(RLIMIT_CORE, &none); // the command's is enough
	sigemptyset(&signals);
	sigaddset(&signals, WTERMSIG(status));
	raise(WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
	_exit(127);
}

// All signals are blocked, so that what is sent to the group is for the others in it.
static void keeper_wait(pid_t command, pid_t parent)
{
	sigset_t signals;
	int status;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, PARENT_DIED);
	for (;;) {
		if (getppid() != parent)
			kill(0, SIGKILL);
		if (waitpid(command, &status, WNOHANG) == command)
			keeper_end(status);
		sigwaitinfo(&signals, NULL);
	}
}

static void keeper_become(
        const struct loop_process_spec *spec, const int fds[3], int fault, pid_t parent)
{
	reset_signals();
	setpgid(0, 0);
	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	dup3(fault, FAULT, O_CLOEXEC);
	close_range(FAULT + 1, ~0U, 0);
	prctl(PR_SET_PDEATHSIG, PARENT_DIED);
	if (getppid() != parent)
		_exit(127);
	pid_t keeper = getpid(), command = fork();
	if (command < 0)
		fail_with(errno);
	if (command == 0)
		command_become(spec, keeper);
	close_range(0, FAULT, 0);
	keeper_wait(command, parent);
}

// ---- Us --------------------------------------------------------------------------------------

// A process that ignores SIGCHLD, as it may have been left to it, never learns how a child ended.
static void want_ends(void)
{
	struct sigaction action;
	if (sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		signal(SIGCHLD, SIG_DFL);
}

// Until the command has begun, or failed to: 0 or an errno.
static int read_fault(int fd)
{
	int number = 0;
	ssize_t n;
	do
		n = read(fd, &number, sizeof number);
	while (n < 0 && errno == EINTR);
	return n == sizeof number ? number : 0;
}

static pid_t fork_keeper(const struct loop_process_spec *spec, const int fds[3], int fault)
{
	sigset_t all, before;
	pid_t parent = getpid();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		keeper_become(spec, fds, fault, parent);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int epoll_keeper_start(const struct loop_process_spec *spec, const int fds[3], pid_t *pid)
{
	int fault[2];
	want_ends();
	if (pipe2(fault, O_CLOEXEC) != 0)
		return errno;
	int ours = epoll_above_standard(fault[0]), theirs = epoll_above_standard(fault[1]);
	int number = ours < 0 || theirs < 0 ? EMFILE : 0;
	pid_t keeper = number == 0 ? fork_keeper(spec, fds, theirs) : -1;
	if (number == 0 && keeper < 0)
		number = errno;
	if (theirs >= 0)
		close(theirs);
	if (number == 0)
		number = read_fault(ours);
	if (ours >= 0)
		close(ours);
	if (number != 0 && keeper > 0)
		while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
			;
	if (number == 0)
		*pid = keeper;
	return number;
}
