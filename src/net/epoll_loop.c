#include "net/epoll.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t monotonic_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool epoll_watch(struct epoll_loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(loop->fd, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void epoll_rewatch(struct epoll_loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	epoll_ctl(loop->fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void epoll_unwatch(struct watch *watch)
{
	if (watch->ready == NULL)
		return;
	watch->ready = NULL;
	close(watch->fd); // takes it out of the epoll set as well, nobody else has it open
	watch->fd = -1;
}

void epoll_handle_open(struct epoll_loop *loop, struct handle *handle)
{
	handle->next = loop->open;
	handle->link = &loop->open;
	if (handle->next != NULL)
		handle->next->link = &handle->next;
	loop->open = handle;
}

void epoll_handle_close(struct epoll_loop *loop, struct handle *handle)
{
	*handle->link = handle->next;
	if (handle->next != NULL)
		handle->next->link = handle->link;
	handle->next = loop->closed;
	loop->closed = handle;
}

static void free_closed(struct epoll_loop *loop)
{
	while (loop->closed != NULL) {
		struct handle *handle = loop->closed;
		loop->closed = handle->next;
		free(handle->memory);
	}
}

enum result epoll_result_of_errno(int number)
{
	switch (number) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case EAGAIN:
	case EMSGSIZE:
		return RESULT_LIMIT;
	case ENOMEM:
		return RESULT_MEMORY;
	case EADDRINUSE:
		return RESULT_CONFLICT;
	case EACCES:
	case EPERM:
	case ECONNREFUSED:
		return RESULT_REFUSED;
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
	case EINVAL:
	case ECONNRESET:
	case EPIPE:
	case ETIMEDOUT:
		return RESULT_NETWORK;
	case ENOENT:
		return RESULT_NOT_FOUND;
	default:
		return RESULT_SYSTEM;
	}
}

// epoll_wait takes an int of milliseconds; longer waits are cut and begun again.
static int timeout_until(int64_t until_ms, int64_t now_ms)
{
	if (until_ms <= now_ms)
		return 0;
	if (until_ms - now_ms >= HOUR_MS)
		return (int)HOUR_MS;
	return (int)(until_ms - now_ms);
}

static void epoll_loop_wait(struct loop *base, int64_t until_ms)
{
	struct epoll_loop *loop = (struct epoll_loop *)base;
	epoll_streams_flush(loop);
	free_closed(loop);
	struct epoll_event events[256];
	int n = epoll_wait(loop->fd, events, 256, timeout_until(until_ms, monotonic_ms()));
	base->now_ms = monotonic_ms();
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;
		if (watch->ready != NULL)
			watch->ready(watch, events[i].events);
	}
	epoll_streams_flush(loop);
	free_closed(loop);
}

static int64_t epoll_loop_wall_ms(struct loop *base)
{
	(void)base;
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static void epoll_loop_free(struct loop *base)
{
	struct epoll_loop *loop = (struct epoll_loop *)base;
	while (loop->open != NULL)
		loop->open->close(loop->open);
	free_closed(loop);
	close(loop->fd);
	free(loop->room);
	free(loop);
}

static const struct loop_ops ops = {
        .wait = epoll_loop_wait,
        .wall_ms = epoll_loop_wall_ms,
        .free = epoll_loop_free,
        .datagram_open = epoll_datagram_open,
        .datagram_send = epoll_datagram_send,
        .datagram_local = epoll_datagram_local,
        .datagram_close = epoll_datagram_close,
        .stream_connect = epoll_stream_connect,
        .stream_write = epoll_stream_write,
        .stream_waiting = epoll_stream_waiting,
        .stream_close = epoll_stream_close,
        .spawn = epoll_spawn,
        .process_kill = epoll_process_kill,
};

enum result loop_new(struct loop **out, struct error *err)
{
	struct epoll_loop *loop = calloc(1, sizeof *loop);
	uint8_t *room = malloc((size_t)EPOLL_BATCH * EPOLL_DATAGRAM);
	if (loop == NULL || room == NULL) {
		free(room);
		free(loop);
		return error_set(err, RESULT_MEMORY, "no memory for an event loop");
	}
	loop->loop.ops = &ops;
	loop->loop.now_ms = monotonic_ms();
	loop->room = room;
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->fd < 0) {
		error_set_errno(err, "cannot make an epoll descriptor");
		free(room);
		free(loop);
		return RESULT_SYSTEM;
	}
	*out = &loop->loop;
	return RESULT_OK;
}
