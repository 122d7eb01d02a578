// The simulated twin of the event loop: a clock that jumps to the next event, a network of hosts
// written as callbacks, and scripted processes. Same seed, same calls: the same events in the same
// order, octet for octet.
//
//     static void answer(void *ctx, const struct sim_request *request)
//     {
//             uint8_t reply[512];
//             size_t n = build_reply(reply, request->data, request->octets);
//             // A forged answer from another address first, then the true one, twice.
//             sim_reply(request, &(struct sim_reply){
//                     .data = forged, .octets = n, .from = &attacker});
//             sim_reply(request, &(struct sim_reply){
//                     .data = reply, .octets = n, .delay_ms = 20, .copies = 2});
//     }
//
//     struct sim *sim = sim_new(42, 1700000000000);
//     sim_host_set(sim, &ns1, &(struct sim_host){.request = answer,
//             .link = {.delay_ms = 5, .jitter_ms = 10, .loss = 100}});      // 100 of 1000 lost
//     struct loop *loop = sim_loop(sim);
//     ... run the code under test on loop ...
//     sim_wall_jump(sim, -HOUR_MS);                      // somebody set the date
//     loop_run(loop, TIME_NEVER_MS);
//     sim_free(sim);                                     // with its loop
//
// An address without a host swallows datagrams and connection attempts. Requests and replies take
// the host's link in both directions. Datagrams may be lost, doubled, damaged and reordered by it
// (jitter reorders by itself); streams keep order and are complete, loss only delays them.
//
// Memory: everything belongs to the sim; data passed in is copied, data passed out is valid during
// the callback. Running out of memory ends the program: a simulation has no use for half a network.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "net/loop.h"

struct sim;

// The wall clock starts at wall_ms, the monotonic one at 0.
struct sim *sim_new(uint64_t seed, int64_t wall_ms);
void sim_free(struct sim *sim);
struct loop *sim_loop(struct sim *sim);
// A random source that belongs to the seed, for the code under test (not the one the links use).
const struct random *sim_random(struct sim *sim);
// Sets the wall clock forward or back; timers do not notice.
void sim_wall_jump(struct sim *sim, int64_t delta_ms);

// ---- Hosts ----------------------------------------------------------------------------------

// What a packet meets on its way in each direction.
struct sim_link {
	int64_t delay_ms;  // one way
	int64_t jitter_ms; // up to this much more, evenly
	// Of 1000 datagrams, how many are: lost, delivered twice, changed in one bit.
	unsigned loss, duplicate, damage;
};

enum sim_manner {
	SIM_SERVE,  // requests reach the host
	SIM_SILENT, // swallowed without a sign
	SIM_REFUSE, // ICMP port unreachable, or connection refused
	SIM_RESET,  // streams only: accepts, and resets at the first octet
};

enum sim_transport { SIM_UDP, SIM_TCP };

struct sim_stream;
struct sim_request {
	enum sim_transport transport;
	struct address from, to;
	// One datagram; or over TCP one message, without the two octets of length in front (or,
	// for a host that is raw, what one write of the client contained).
	const uint8_t *data;
	size_t octets;
	int64_t at_ms;             // monotonic
	struct sim *sim;           // private
	struct sim_stream *stream; // private
};

struct sim_host {
	void (*request)(void *ctx, const struct sim_request *request);
	void *ctx;
	enum sim_manner udp, tcp;
	bool raw; // streams are handed over as they come, not cut into messages
	struct sim_link link;
};

// Adds the host at an address, or replaces it from now on. Port 0 serves every port that no other
// host at the address has. *host is copied.
void sim_host_set(struct sim *sim, const struct address *at, const struct sim_host *host);
// From now on the address is dark; its open streams are silent.
void sim_host_remove(struct sim *sim, const struct address *at);

enum sim_then { SIM_KEEP, SIM_END, SIM_ABORT };

struct sim_reply {
	const void *data; // may be NULL with 0 octets, to end a stream only
	size_t octets;
	int64_t delay_ms; // the host's own time, on top of the link's
	unsigned copies;  // 0 and 1 mean once
	bool direct;      // exactly after delay_ms: no link delay, loss or damage

	// Datagrams: a source other than the true one, a destination other than the asker's.
	const struct address *from, *to;

	// Streams: send chunk octets at a time (0: all) and wait gap_ms between them; without the
	// two octets of length in front; and what happens to the stream behind the last octet.
	size_t chunk;
	int64_t gap_ms;
	bool unframed;
	enum sim_then then;
};

// From inside a request callback, any number of times.
void sim_reply(const struct sim_request *request, const struct sim_reply *reply);

// ---- Processes ------------------------------------------------------------------------------

struct sim_outcome {
	int64_t after_ms; // TIME_NEVER_MS: runs until the time limit
	int exit_code, signal;
	const char *out, *err; // may be NULL; read before the program callback is called again
	enum result start;     // not RESULT_OK: loop_spawn fails with it
};

// Every loop_spawn of this loop asks program what happens; without one, every spawn fails with
// RESULT_NOT_FOUND. *outcome comes zeroed.
void sim_program_set(struct sim *sim,
        void (*program)(
                void *ctx, const struct loop_process_spec *spec, struct sim_outcome *outcome),
        void *ctx);

// ---- Trace ----------------------------------------------------------------------------------

// A hash over everything that happened so far: equal for equal runs.
uint64_t sim_trace_hash(const struct sim *sim);
// Keeps the trace as text, too, one line for each event, up to max_octets.
void sim_trace_keep(struct sim *sim, size_t max_octets);
// The text so far, "" where it is not kept.
const char *sim_trace(const struct sim *sim);
// A line of the test's own in the trace.
void sim_note(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
