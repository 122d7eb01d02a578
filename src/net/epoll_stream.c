#include "net/epoll.h"

#include "base/buffer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stream_epoll {
	struct loop_stream base;
	struct handle handle;
	struct watch watch;
	bool connected, over;
	bool full;   // the kernel took no more: watched for room
	bool listed; // in loop->unsent
	struct stream_epoll *next_unsent;
	struct buffer out;
	size_t sent; // octets at the start of out that have left
};

static struct epoll_loop *loop_of(const struct stream_epoll *stream)
{
	return (struct epoll_loop *)stream->base.loop;
}

static void stream_end(struct stream_epoll *stream, enum result reason)
{
	epoll_unwatch(&stream->watch);
	stream->over = true;
	stream->base.handler.ended(stream->base.ctx, reason);
}

static enum result end_reason(int number)
{
	return number == ECONNREFUSED ? RESULT_REFUSED : RESULT_NETWORK;
}

// Octets are gathered during a turn and sent before the next wait, so that many small writes to
// one peer become one segment.
static void stream_list(struct stream_epoll *stream)
{
	struct epoll_loop *loop = loop_of(stream);
	if (stream->listed)
		return;
	stream->listed = true;
	stream->next_unsent = loop->unsent;
	loop->unsent = stream;
}

static void stream_unlist(struct stream_epoll *stream)
{
	struct stream_epoll **link = &loop_of(stream)->unsent;
	if (!stream->listed)
		return;
	while (*link != stream)
		link = &(*link)->next_unsent;
	*link = stream->next_unsent;
	stream->listed = false;
}

// What fails here is reported by epoll as well, so it needs no callback from here.
static void stream_flush(struct stream_epoll *stream)
{
	size_t left = stream->out.length - stream->sent;
	if (!stream->connected || stream->over || left == 0)
		return;
	ssize_t n = send(stream->watch.fd, stream->out.data + stream->sent, left, MSG_NOSIGNAL);
	if (n > 0)
		stream->sent += (size_t)n;
	if (stream->sent == stream->out.length) {
		buffer_clear(&stream->out);
		stream->sent = 0;
	}
	bool full = stream->out.length > 0;
	if (full != stream->full)
		epoll_rewatch(loop_of(stream), &stream->watch, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
	stream->full = full;
}

void epoll_streams_flush(struct epoll_loop *loop)
{
	while (loop->unsent != NULL) {
		struct stream_epoll *stream = loop->unsent;
		loop->unsent = stream->next_unsent;
		stream->listed = false;
		stream_flush(stream);
	}
}

static void stream_read(struct stream_epoll *stream)
{
	uint8_t *room = loop_of(stream)->room;
	ssize_t n = recv(stream->watch.fd, room, EPOLL_READ, MSG_DONTWAIT);
	if (n > 0)
		stream->base.handler.received(stream->base.ctx, room, (size_t)n);
	else if (n == 0)
		stream_end(stream, RESULT_OK);
	else if (errno != EAGAIN && errno != EINTR)
		stream_end(stream, end_reason(errno));
}

static bool stream_finish_connect(struct stream_epoll *stream)
{
	int number = 0;
	socklen_t length = sizeof number;
	getsockopt(stream->watch.fd, SOL_SOCKET, SO_ERROR, &number, &length);
	if (number != 0) {
		stream_end(stream, end_reason(number));
		return false;
	}
	stream->connected = true;
	epoll_rewatch(loop_of(stream), &stream->watch, EPOLLIN);
	stream_list(stream);
	stream->base.handler.connected(stream->base.ctx);
	return stream->watch.ready != NULL;
}

static void stream_ready(struct watch *watch, uint32_t events)
{
	struct stream_epoll *stream =
	        (struct stream_epoll *)((char *)watch - offsetof(struct stream_epoll, watch));
	if (!stream->connected && !stream_finish_connect(stream))
		return;
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		stream_read(stream);
	if (watch->ready != NULL && (events & EPOLLOUT))
		stream_list(stream);
}

static void stream_close_handle(struct handle *handle)
{
	struct stream_epoll *stream = handle->memory;
	stream_unlist(stream);
	epoll_unwatch(&stream->watch);
	buffer_free(&stream->out);
	epoll_handle_close(loop_of(stream), handle);
}

static bool stream_begin(
        struct stream_epoll *stream, const struct address *local, const struct address *peer)
{
	int fd = stream->watch.fd, on = 1;
	struct sockaddr_storage storage;
	socklen_t length;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (peer->family == 6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (local != NULL && local->family != 0) {
		if (local->port == 0) // the port is chosen by connect, from all that are free
			setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
		length = address_to_sockaddr(local, &storage);
		if (bind(fd, (struct sockaddr *)&storage, length) != 0)
			return false;
	}
	length = address_to_sockaddr(peer, &storage);
	if (connect(fd, (struct sockaddr *)&storage, length) != 0 && errno != EINPROGRESS)
		return false;
	return epoll_watch(loop_of(stream), &stream->watch, EPOLLOUT);
}

enum result epoll_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **out, struct error *err)
{
	struct stream_epoll *stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a connection");
	stream->base = (struct loop_stream){.loop = loop, .handler = *handler, .ctx = ctx};
	stream->handle.close = stream_close_handle;
	stream->handle.memory = stream;
	stream->out = buffer_init(LOOP_STREAM_BUFFER_MAX);
	stream->watch.ready = stream_ready;
	stream->watch.fd = socket(peer->family == 6 ? AF_INET6 : AF_INET,
	        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->watch.fd < 0 || !stream_begin(stream, local, peer)) {
		enum result code = epoll_result_of_errno(errno);
		char text[ADDRESS_TEXT];
		error_set_errno(err, "cannot connect to %s", address_format(peer, text));
		if (err != NULL)
			err->code = code;
		if (stream->watch.fd >= 0)
			close(stream->watch.fd);
		free(stream);
		return code;
	}
	epoll_handle_open((struct epoll_loop *)loop, &stream->handle);
	*out = &stream->base;
	return RESULT_OK;
}

enum result epoll_stream_write(struct loop_stream *base, const void *data, size_t octets)
{
	struct stream_epoll *stream = (struct stream_epoll *)base;
	if (stream->over)
		return RESULT_NETWORK;
	if (octets > LOOP_STREAM_BUFFER_MAX - epoll_stream_waiting(base))
		return RESULT_LIMIT;
	if (octets > LOOP_STREAM_BUFFER_MAX - stream->out.length) {
		stream->out.length -= stream->sent;
		memmove(stream->out.data, stream->out.data + stream->sent, stream->out.length);
		stream->sent = 0;
	}
	buffer_add(&stream->out, data, octets);
	if (stream->out.failed) {
		stream->out.failed = false;
		return RESULT_MEMORY;
	}
	stream_list(stream);
	return RESULT_OK;
}

size_t epoll_stream_waiting(const struct loop_stream *base)
{
	const struct stream_epoll *stream = (const struct stream_epoll *)base;
	return stream->out.length - stream->sent;
}

void epoll_stream_close(struct loop_stream *base)
{
	stream_close_handle(&((struct stream_epoll *)base)->handle);
}
