// Private to net/: the parts of the simulated loop.
#pragma once

#include "base/buffer.h"
#include "net/backend.h"
#include "net/sim.h"

#define SIM_BUCKETS 1024

struct node {
	struct node *next;
	struct address at;
	struct sim_host host;
};

struct datagram_sim {
	struct loop_datagram base;
	struct datagram_sim *next;
	struct address local;
};

// Something on its way: fires when it arrives.
struct event {
	struct loop_timer timer;
	struct event *next, **link;
	void (*arrive)(struct event *event);
	struct sim *sim;
	struct sim_stream *stream;
	struct address from, to;
	enum result reason; // of the end of a stream
	size_t chunk, done; // streams: octets at a time, octets delivered
	int64_t gap_ms;
	size_t octets;
	uint8_t data[];
};

struct sim_stream {
	struct loop_stream base;
	struct sim_stream *next, **link;
	struct event *events; // on their way in this stream
	struct address local, peer;
	bool connected, over;
	int64_t to_host_ms, to_client_ms; // nothing may arrive earlier: streams keep order
	struct buffer unsent;             // written before connected
	struct buffer inbox;              // at the host: an incomplete message
};

struct process_sim {
	struct loop_process base;
	struct process_sim *next, **link;
	struct loop_timer timer;
	struct loop_process_end end;
	char *out, *err;
};

struct sim {
	struct loop loop;
	struct random_seeded link_seed, user_seed;
	struct random link_random, user_random;
	int64_t wall_ms; // the wall clock where the monotonic one is 0
	struct node *hosts[SIM_BUCKETS];
	struct datagram_sim *ports[SIM_BUCKETS];
	struct sim_stream *streams;
	struct event *events; // datagrams on their way
	struct process_sim *processes;
	uint16_t next_port;

	void (*program)(
	        void *ctx, const struct loop_process_spec *spec, struct sim_outcome *outcome);
	void *program_ctx;

	uint64_t hash;
	bool keep;
	struct buffer trace;
};

void *sim_alloc(size_t octets);
// NULL where the address is dark.
const struct sim_host *sim_find(const struct sim *sim, const struct address *at);
void sim_event_drop(struct event *event);
// data may be NULL. In stream's list, or in the sim's where stream is NULL.
struct event *sim_event_new(
        struct sim *sim, struct sim_stream *stream, const void *data, size_t octets);
void sim_trace_event(struct sim *sim, const char *what, const struct address *from,
        const struct address *to, const void *data, size_t octets);
// True for n of 1000, by the sim's seed.
bool sim_chance(struct sim *sim, unsigned n);
int64_t sim_link_delay(struct sim *sim, const struct sim_link *link);

enum result sim_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **datagram,
        struct error *err);
enum result sim_datagram_send(
        struct loop_datagram *datagram, const struct address *to, const void *data, size_t octets);
struct address sim_datagram_local(const struct loop_datagram *datagram);
void sim_datagram_close(struct loop_datagram *datagram);
void sim_datagram_reply(const struct sim_request *request, const struct sim_reply *reply);

enum result sim_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **stream, struct error *err);
enum result sim_stream_write(struct loop_stream *stream, const void *data, size_t octets);
size_t sim_stream_waiting(const struct loop_stream *stream);
void sim_stream_close(struct loop_stream *stream);
void sim_stream_reply(const struct sim_request *request, const struct sim_reply *reply);

enum result sim_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **process, struct error *err);
void sim_process_kill(struct loop_process *process);
