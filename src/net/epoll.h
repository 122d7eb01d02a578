// Private to net/: what the parts of the real loop share. Descriptors are watched with a function
// each; handles are freed only when the events of a turn have all been looked at, because a later
// event of the same turn may still point at one that a callback closed.
#pragma once

#include "net/backend.h"

#include <sys/epoll.h>
#include <sys/types.h>

struct watch {
	void (*ready)(struct watch *watch, uint32_t events); // NULL: not watched any more
	int fd;
};

// Part of every handle: the list it is in, and how the loop closes it at its own end.
struct handle {
	struct handle *next, **link;
	void (*close)(struct handle *handle);
	void *memory; // what to free in the end
};

#define EPOLL_BATCH    8     // datagrams read by one system call
#define EPOLL_DATAGRAM 65535 // octets of the longest
#define EPOLL_READ     65536 // octets read from a stream or pipe at once

struct stream_epoll;
struct epoll_loop {
	struct loop loop;
	int fd;
	struct handle *open, *closed;
	struct stream_epoll *unsent; // streams with octets to send before the next wait
	uint8_t *room;               // EPOLL_BATCH * EPOLL_DATAGRAM octets to receive into
};

bool epoll_watch(struct epoll_loop *loop, struct watch *watch, uint32_t events);
void epoll_rewatch(struct epoll_loop *loop, struct watch *watch, uint32_t events);
// Closes the descriptor, too.
void epoll_unwatch(struct watch *watch);

void epoll_handle_open(struct epoll_loop *loop, struct handle *handle);
// Frees handle->memory at the end of the turn.
void epoll_handle_close(struct epoll_loop *loop, struct handle *handle);

// errno as a result: a limit of descriptors, no such address or route, a taken port, …
enum result epoll_result_of_errno(int number);

enum result epoll_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **datagram,
        struct error *err);
enum result epoll_datagram_send(
        struct loop_datagram *datagram, const struct address *to, const void *data, size_t octets);
struct address epoll_datagram_local(const struct loop_datagram *datagram);
void epoll_datagram_close(struct loop_datagram *datagram);

enum result epoll_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **stream, struct error *err);
enum result epoll_stream_write(struct loop_stream *stream, const void *data, size_t octets);
size_t epoll_stream_waiting(const struct loop_stream *stream);
void epoll_stream_close(struct loop_stream *stream);
void epoll_streams_flush(struct epoll_loop *loop);

// Starts the command with these descriptors as its 0, 1, 2, in a process group that ends with us;
// *pid is that of a process that leads the group and ends as the command does. Waits until the
// command has begun, or failed to: 0 or an errno.
int epoll_keeper_start(const struct loop_process_spec *spec, const int fds[3], pid_t *pid);
// Moves a descriptor away from where a child's 0, 1, 2 will be; -1 where that fails.
int epoll_above_standard(int fd);
enum result epoll_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **process, struct error *err);
void epoll_process_kill(struct loop_process *process);
