// Private to net/: what an implementation of the loop provides. loop.c has the timers and the
// run loop, which both implementations share, so that the order of events is decided in one place.
#pragma once

#include "net/loop.h"

struct loop_ops {
	// Waits until something happens, but not beyond until_ms; sets loop->now_ms; calls the
	// handlers of what happened.
	void (*wait)(struct loop *loop, int64_t until_ms);
	int64_t (*wall_ms)(struct loop *loop);
	void (*free)(struct loop *loop);

	enum result (*datagram_open)(struct loop *loop, const struct address *local,
	        const struct loop_datagram_handler *handler, void *ctx,
	        struct loop_datagram **datagram, struct error *err);
	enum result (*datagram_send)(struct loop_datagram *datagram, const struct address *to,
	        const void *data, size_t octets);
	struct address (*datagram_local)(const struct loop_datagram *datagram);
	void (*datagram_close)(struct loop_datagram *datagram);

	enum result (*stream_connect)(struct loop *loop, const struct address *local,
	        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
	        struct loop_stream **stream, struct error *err);
	enum result (*stream_write)(struct loop_stream *stream, const void *data, size_t octets);
	size_t (*stream_waiting)(const struct loop_stream *stream);
	void (*stream_close)(struct loop_stream *stream);

	enum result (*spawn)(struct loop *loop, const struct loop_process_spec *spec,
	        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
	        struct loop_process **process, struct error *err);
	void (*process_kill)(struct loop_process *process);
};

struct loop {
	const struct loop_ops *ops;
	int64_t now_ms;
	struct loop_timer *timers; // root of a pairing heap
	uint64_t order;            // of the next timer started
	size_t foreground;         // active timers that are not background, and children
	bool stopped;
};

// Each handle of an implementation begins with one of these.
struct loop_datagram {
	struct loop *loop;
	struct loop_datagram_handler handler;
	void *ctx;
};
struct loop_stream {
	struct loop *loop;
	struct loop_stream_handler handler;
	void *ctx;
};
struct loop_process {
	struct loop *loop;
	void (*done)(void *ctx, const struct loop_process_end *end);
	void *ctx;
};
