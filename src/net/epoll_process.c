#include "net/epoll.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct process_epoll;

// One of the child's outputs.
struct output {
	struct watch watch;
	struct process_epoll *process;
	struct buffer text;
	bool cut;
};

struct process_epoll {
	struct loop_process base;
	struct handle handle;
	struct watch ended; // a pidfd: readable when the child is dead
	struct output out, err;
	struct loop_timer timer;
	int64_t started_ms, grace_ms;
	pid_t pid; // of the keeper, who leads the process group
	bool timed_out, terminated, forgotten;
};

static struct epoll_loop *loop_of(const struct process_epoll *process)
{
	return (struct epoll_loop *)process->base.loop;
}

// The group's number cannot belong to somebody else as long as its leader has not been waited for.
static void kill_group(struct process_epoll *process, int number)
{
	kill(-process->pid, number);
}

static void out_of_time(void *ctx)
{
	struct process_epoll *process = ctx;
	process->timed_out = true;
	if (process->grace_ms > 0 && !process->terminated) {
		process->terminated = true;
		kill_group(process, SIGTERM);
		loop_timer_start(process->base.loop, &process->timer, process->grace_ms);
		return;
	}
	kill_group(process, SIGKILL);
}

// ---- Output ---------------------------------------------------------------------------------

static void output_add(struct output *output, const uint8_t *data, size_t n)
{
	size_t space = output->text.max - output->text.length;
	if (n > space)
		output->cut = true;
	buffer_add(&output->text, data, n < space ? n : space);
}

// One piece; false at the end or when there is nothing now.
static bool output_read(struct output *output)
{
	uint8_t *room = loop_of(output->process)->room;
	ssize_t n = read(output->watch.fd, room, EPOLL_READ);
	if (n > 0) {
		output_add(output, room, (size_t)n);
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		epoll_unwatch(&output->watch);
	return false;
}

static void output_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	output_read((struct output *)((char *)watch - offsetof(struct output, watch)));
}

// What is in the pipe when the child is dead; a process that left the group may go on writing.
static void output_drain(struct output *output)
{
	for (int i = 0; i < 64 && output->watch.ready != NULL; i++)
		if (!output_read(output))
			break;
	epoll_unwatch(&output->watch);
}

// ---- The end --------------------------------------------------------------------------------

static void process_release(struct process_epoll *process)
{
	struct loop *loop = process->base.loop;
	loop_timer_stop(loop, &process->timer);
	epoll_unwatch(&process->ended);
	epoll_unwatch(&process->out.watch);
	epoll_unwatch(&process->err.watch);
	buffer_free(&process->out.text);
	buffer_free(&process->err.text);
	epoll_handle_close(loop_of(process), &process->handle);
}

static void report_end(struct process_epoll *process, const siginfo_t *info)
{
	struct loop_process_end end = {.timed_out = process->timed_out,
	        .exit_code = info->si_code == CLD_EXITED ? info->si_status : -1,
	        .signal = info->si_code == CLD_EXITED ? 0 : info->si_status,
	        .out = buffer_text(&process->out.text),
	        .out_octets = process->out.text.length,
	        .err = buffer_text(&process->err.text),
	        .err_octets = process->err.text.length,
	        .cut = process->out.cut || process->err.cut,
	        .run_ms = process->base.loop->now_ms - process->started_ms};
	process->base.done(process->base.ctx, &end);
}

static void process_ended(struct watch *watch, uint32_t events)
{
	(void)events;
	struct process_epoll *process =
	        (struct process_epoll *)((char *)watch - offsetof(struct process_epoll, ended));
	siginfo_t info = {0};
	kill_group(process, SIGKILL);
	output_drain(&process->out);
	output_drain(&process->err);
	if (waitid(P_PIDFD, (id_t)process->ended.fd, &info, WEXITED | WNOHANG) != 0)
		info.si_code = CLD_KILLED, info.si_status = SIGKILL; // somebody else waited for it
	bool forgotten = process->forgotten;
	if (!forgotten)
		process->base.loop->foreground--;
	process->forgotten = true;
	loop_timer_stop(process->base.loop, &process->timer);
	if (!forgotten)
		report_end(process, &info);
	process_release(process);
}

void epoll_process_kill(struct loop_process *base)
{
	struct process_epoll *process = (struct process_epoll *)base;
	if (process->forgotten)
		return;
	process->forgotten = true;
	process->base.loop->foreground--;
	kill_group(process, SIGKILL);
	loop_timer_stop(base->loop, &process->timer);
	// The handle stays until the dead child has been waited for.
	epoll_unwatch(&process->out.watch);
	epoll_unwatch(&process->err.watch);
}

static void process_close_handle(struct handle *handle)
{
	struct process_epoll *process = handle->memory;
	siginfo_t info;
	epoll_process_kill(&process->base);
	while (waitid(P_PID, (id_t)process->pid, &info, WEXITED) != 0 && errno == EINTR)
		;
	process_release(process);
}

// ---- The start ------------------------------------------------------------------------------

// Descriptors for the child must not lie where dup2 will write to.
int epoll_above_standard(int fd)
{
	if (fd < 0 || fd > 2)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return moved;
}

static bool open_pipe(int *ours, int *theirs)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	*ours = epoll_above_standard(fds[0]);
	*theirs = epoll_above_standard(fds[1]);
	return *ours >= 0 && *theirs >= 0 && fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

// A file in memory rather than a pipe: nobody has to feed it, and no reader can block us.
static int open_input(const void *input, size_t octets)
{
	if (octets == 0)
		return epoll_above_standard(open("/dev/null", O_RDONLY | O_CLOEXEC));
	int fd = epoll_above_standard(memfd_create("input", MFD_CLOEXEC));
	for (size_t sent = 0; fd >= 0 && sent < octets;) {
		ssize_t n = write(fd, (const char *)input + sent, octets - sent);
		if (n <= 0) {
			close(fd);
			return -1;
		}
		sent += (size_t)n;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

// Sets process->pid and the descriptors; 0 or an errno.
static int process_begin(struct process_epoll *process, const struct loop_process_spec *spec)
{
	int theirs[3] = {-1, -1, -1}, ours[2] = {-1, -1};
	theirs[0] = open_input(spec->input, spec->input_octets);
	if (theirs[0] < 0 || !open_pipe(&ours[0], &theirs[1]) || !open_pipe(&ours[1], &theirs[2])) {
		int number = errno;
		close_all(theirs, 3);
		close_all(ours, 2);
		return number;
	}
	int number = epoll_keeper_start(spec, theirs, &process->pid);
	close_all(theirs, 3);
	if (number != 0) {
		close_all(ours, 2);
		return number;
	}
	process->out.watch.fd = ours[0];
	process->err.watch.fd = ours[1];
	process->ended.fd = pidfd_open(process->pid, 0);
	return process->ended.fd < 0 ? errno : 0;
}

static bool process_watch(struct process_epoll *process)
{
	struct epoll_loop *loop = loop_of(process);
	process->ended.ready = process_ended;
	process->out.watch.ready = process->err.watch.ready = output_ready;
	return epoll_watch(loop, &process->ended, EPOLLIN) &&
	       epoll_watch(loop, &process->out.watch, EPOLLIN) &&
	       epoll_watch(loop, &process->err.watch, EPOLLIN);
}

static void process_init(struct process_epoll *process, const struct loop_process_spec *spec)
{
	process->out.process = process->err.process = process;
	process->out.text = buffer_init(spec->max_output);
	process->err.text = buffer_init(spec->max_output);
	process->out.watch.fd = process->err.watch.fd = process->ended.fd = -1;
	process->timer.fire = out_of_time;
	process->timer.ctx = process;
	process->grace_ms = spec->grace_ms;
	process->started_ms = process->base.loop->now_ms;
	process->handle.close = process_close_handle;
	process->handle.memory = process;
}

enum result epoll_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **out, struct error *err)
{
	struct process_epoll *process = calloc(1, sizeof *process);
	if (process == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a child process");
	process->base = (struct loop_process){.loop = loop, .done = done, .ctx = ctx};
	process_init(process, spec);
	int number = process_begin(process, spec);
	bool started = process->pid > 0;
	if (number == 0 && !process_watch(process))
		number = errno;
	if (number != 0) {
		if (started) {
			kill_group(process, SIGKILL);
			waitpid(process->pid, NULL, 0);
		}
		close_all((int[]){process->out.watch.fd, process->err.watch.fd, process->ended.fd},
		        3);
		free(process);
		enum result code = epoll_result_of_errno(number);
		return error_set(
		        err, code, "cannot start '%.200s': %s", spec->argv[0], strerror(number));
	}
	epoll_handle_open((struct epoll_loop *)loop, &process->handle);
	loop->foreground++;
	loop_timer_start(loop, &process->timer, spec->timeout_ms);
	*out = &process->base;
	return RESULT_OK;
}
