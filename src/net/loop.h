// The event loop: time, timers, datagrams, streams and child processes behind one interface with
// two implementations. loop_new() is the real one (epoll, CLOCK_MONOTONIC, sockets, processes);
// net/sim.h makes a twin with a fake clock, a fake network and scripted processes, in which whole
// scenarios run in milliseconds and repeat exactly for a seed. Code above net/ sees only this
// header and cannot tell which of the two it runs on.
//
//     static void late(void *ctx) { ((struct probe *)ctx)->late = true; }
//     static void received(void *ctx, const struct address *from, const uint8_t *data, size_t n);
//
//     struct loop *loop;
//     if (loop_new(&loop, &err) != RESULT_OK) return err.code;
//     struct loop_timer timer = {.fire = late, .ctx = &probe};
//     loop_timer_start(loop, &timer, 1500);                    // in 1.5 s
//     struct loop_datagram *port;
//     struct address any = address_any(4, 0);
//     loop_datagram_open(loop, &any, &(struct loop_datagram_handler){.received = received}, &probe,
//             &port, &err);
//     loop_datagram_send(port, &server, query, query_octets);
//     loop_run(loop, TIME_NEVER_MS);                           // until idle or loop_stop
//     loop_datagram_close(port);
//     loop_free(loop);
//
// Callbacks come from loop_run only, never from inside another function of this header; so a
// caller is never called back before its own call returned. Inside a callback everything may be
// closed, stopped and opened, except that loop_free and loop_run are not for callbacks. One loop
// belongs to one thread.
//
// Idle: sockets alone do not keep a loop running. Whoever waits for the network waits with a timer
// beside it, because every wait has an end. The loop is idle when no timer is active (apart from
// those marked background), and no child process runs.
//
// Memory: timers live in the caller's objects and cost no allocation; handles (datagram, stream,
// process) belong to the loop until closed; data passed to callbacks is valid during the call only.
// Errors: open, connect and spawn fill struct error. What happens later comes as a callback with a
// result code.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

// The real loop. RESULT_SYSTEM, RESULT_MEMORY.
enum result loop_new(struct loop **loop, struct error *err);
// Closes whatever is still open and kills what still runs, without callbacks. NULL is allowed. A
// simulated loop is freed with its sim, not by this.
void loop_free(struct loop *loop);

// ---- Time -----------------------------------------------------------------------------------

// Milliseconds on the monotonic clock, which never jumps and has no meaning outside this process.
// Read once for each turn of the loop.
int64_t loop_now_ms(const struct loop *loop);
// The wall clock that belongs to this loop; it may jump in both directions at any time.
struct clock loop_clock(struct loop *loop);

enum loop_end { LOOP_IDLE, LOOP_STOPPED, LOOP_DEADLINE };
// Runs until idle, until loop_stop, or until the monotonic time until_ms (TIME_NEVER_MS for none).
enum loop_end loop_run(struct loop *loop, int64_t until_ms);
// Makes loop_run return after the callbacks of this turn.
void loop_stop(struct loop *loop);

// ---- Timers ---------------------------------------------------------------------------------

// One shot. The caller owns it, zeroes it, and sets fire and ctx; the rest belongs to the loop
// while it is active. It must be stopped before its memory goes away.
struct loop_timer {
	void (*fire)(void *ctx);
	void *ctx;
	bool background; // does not keep the loop from being idle

	int64_t at_ms;
	uint64_t order;
	struct loop_timer *child, *next, *previous;
	bool active, counted;
};

// Fires once, delay_ms from now (below zero counts as zero; with 0, in the next turn). Timers that
// are due in the same millisecond fire in the order in which they were started. Restarts an active
// one. Cannot fail.
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms);
// Does nothing where it is not active.
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

// ---- Datagrams (UDP) ------------------------------------------------------------------------

struct loop_datagram;

struct loop_datagram_handler {
	// Anything from anybody: who sent it is for the callee to judge.
	void (*received)(void *ctx, const struct address *from, const uint8_t *data, size_t octets);
	// The network said that a datagram to `to` cannot be delivered (ICMP). The start of what
	// was sent is in data, as far as the network quoted it. May be NULL.
	void (*unreachable)(
	        void *ctx, const struct address *to, const uint8_t *data, size_t octets);
};

// Binds to a local address; port 0 is any free one. *handler is copied. RESULT_CONFLICT where the
// port is taken, RESULT_LIMIT without file descriptors, RESULT_NETWORK where the machine has no
// such address or family, RESULT_SYSTEM otherwise.
enum result loop_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **datagram,
        struct error *err);
// Sends at once or not at all. RESULT_LIMIT where the kernel's buffer is full (the same as loss),
// RESULT_NETWORK without a route.
enum result loop_datagram_send(
        struct loop_datagram *datagram, const struct address *to, const void *data, size_t octets);
struct address loop_datagram_local(const struct loop_datagram *datagram);
void loop_datagram_close(struct loop_datagram *datagram);

// ---- Streams (TCP) --------------------------------------------------------------------------

struct loop_stream;

struct loop_stream_handler {
	void (*connected)(void *ctx);
	void (*received)(void *ctx, const uint8_t *data, size_t octets);
	// The last callback: RESULT_OK where the peer ended the stream, RESULT_REFUSED where nobody
	// listens, RESULT_NETWORK for a reset or another failure. The handle is still to be closed.
	void (*ended)(void *ctx, enum result reason);
};

// Never write more than this before the peer takes it.
#define LOOP_STREAM_BUFFER_MAX (256 * 1024)

// Starts to connect, or fails at once (RESULT_REFUSED, RESULT_NETWORK, RESULT_LIMIT); local NULL
// leaves the choice to the system, otherwise it binds to its address and port (port 0: any). There
// is no time limit here: the kernel's is minutes, so callers keep a timer. *handler is copied.
enum result loop_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **stream, struct error *err);
// Queues octets for the peer, also before connected. RESULT_LIMIT where more than
// LOOP_STREAM_BUFFER_MAX would wait (then nothing is queued), RESULT_NETWORK after the end.
enum result loop_stream_write(struct loop_stream *stream, const void *data, size_t octets);
// Octets accepted from the caller that have not left yet.
size_t loop_stream_waiting(const struct loop_stream *stream);
// Drops what still waits to leave.
void loop_stream_close(struct loop_stream *stream);

// ---- Child processes ------------------------------------------------------------------------

struct loop_process;

struct loop_process_spec {
	const char *const *argv; // NULL-terminated; argv[0] is a path or is looked up in PATH
	const char *const *environment; // "NAME=value", NULL-terminated; NULL is an empty one
	const char *directory;          // NULL: the current one
	const void *input;              // standard input, may be NULL; copied
	size_t input_octets;
	int64_t timeout_ms; // must be above zero: no child without an end
	int64_t grace_ms;   // between SIGTERM and SIGKILL at the time limit; 0: SIGKILL
	size_t max_output;  // octets kept of each of standard output and error
};

struct loop_process_end {
	bool timed_out;  // ended by the time limit; exit_code and signal say how
	int exit_code;   // 0..255, -1 where a signal ended it
	int signal;      // 0 where it exited
	const char *out; // what it wrote to standard output, at most max_output octets; NUL behind
	size_t out_octets;
	const char *err; // the same for standard error
	size_t err_octets;
	bool cut; // it wrote more than max_output to one of them
	int64_t run_ms;
};

// Starts a child in a process group of its own, with no descriptors but 0, 1, 2, default signal
// handling, and calls done once when it has ended. Whatever is left of the group then is killed:
// the effect of a command ends with the command. However this process ends, the kernel kills the
// group then, too. A missing program is an error of this call
// (RESULT_NOT_FOUND; RESULT_REFUSED without permission). The strings are copied.
enum result loop_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **process, struct error *err);
// Kills the whole group at once and forgets it; done is not called. Not from inside done, nor after
// it.
void loop_process_kill(struct loop_process *process);
