// Private to net/: the parts of the query engine and who calls whom.
//
//   query.c            submit, cancel, the end of a query; the pool
//   query_queue.c      state for each address, limits, who goes next
//   query_try.c        one try: start, time out, judge what arrived
//   query_udp.c        source ports, dispatch of datagrams
//   query_tcp.c        connections
//
// A query is in one of the states below; whatever it holds (a place in a queue, a port, a place on
// a connection) is let go in one function, query_let_go.
#pragma once

#include "base/buffer.h"
#include "net/query.h"
#include "net/query_wire.h"

enum query_state {
	STATE_FREE,
	STATE_QUEUED,
	STATE_RESTING, // between tries, because the peer refused at once
	STATE_UDP,
	STATE_TCP,
	STATE_FAILED, // a try that failed while it was started; reported in the next turn
};

struct query {
	struct query_engine *engine;
	enum query_state state;
	struct query *next, **link; // in the free list, a queue, or on a connection
	struct query *hash_next, **hash_link;
	struct query_server *server;
	query_done *done;
	void *ctx;
	struct loop_timer timer;

	int64_t submitted_ms, sent_ms, deadline_ms;
	int64_t timeout_ms; // of the first try
	unsigned max_tries, failures, bounces;
	unsigned refused, failed; // of the failures
	enum query_status why;    // STATE_FAILED: what to report
	bool tcp_only, tcp_last, plain_case;
	bool has_edns;
	bool to_tcp;  // the next try goes over TCP
	bool suspect; // this try saw an answer that is right but for one thing; only TCP can tell

	uint16_t id;
	bool fixed; // a whole message by the caller: nothing in it is changed
	size_t question_octets;
	size_t wire_octets;
	uint8_t *framed; // room, or memory for a caller's message: two octets of length, and wire
	uint8_t *wire;

	struct query_port *port;
	struct query_connection *connection;
	struct query_result result; // so far
	uint8_t room[2 + WIRE_QUERY_MAX];
};

// A list with its end at hand.
struct query_list {
	struct query *first, **end;
};

struct query_server {
	struct query_engine *engine;
	struct address address;
	uint64_t hash;
	struct query_server *hash_next;
	struct query_list queue;
	size_t queries; // that are for this address, in whatever state
	size_t outstanding;
	unsigned pins;    // a function that still needs it is on the stack
	int64_t level;    // of the token bucket, thousandths of a query
	int64_t level_ms; // when it was brought up to date
	struct loop_timer timer;
	// In the ring of those that wait for the engine as a whole.
	bool in_ring;
	struct query_server *ring_next;
	// In the list of those that have nothing to do, oldest first.
	bool idle;
	struct query_server *idle_next, **idle_link;
	struct query_connection *connections;
	size_t connection_count;
	unsigned pipeline; // 1 for servers that close after an answer
};

struct query_port {
	struct query_engine *engine;
	struct query_port *next; // in the free list
	struct loop_datagram *socket;
	uint16_t number;
	unsigned outstanding, uses;
	struct query *only; // where ports are not shared
};

struct query_connection {
	struct query_engine *engine;
	struct query_server *server;
	struct query_connection *next, **link;           // of the server, or in the free list
	struct query_connection *idle_next, **idle_link; // of the engine, oldest first
	struct loop_stream *stream;
	struct loop_timer timer; // idle time
	struct query *queries;
	unsigned outstanding, answered;
	int64_t heard_ms; // when the last whole message came
	bool idle;
	bool draining; // stuck: takes no more queries
	bool busy;     // its octets are being read
	bool dead;     // to be freed when not busy
	struct buffer in;
};

struct query_slab;

struct query_engine {
	struct loop *loop;
	struct random random;
	struct query_limits limits;
	struct query_stats stats;
	uint64_t key; // of the hashes
	uint8_t entropy[512];
	size_t entropy_left;

	struct query_slab *slabs;
	struct query *free;
	size_t queries;

	size_t table_mask;
	struct query **table; // of queries on UDP, by port, ID and address

	size_t server_mask, server_count;
	struct query_server **servers;
	struct query_server *free_servers;
	struct query_server *ring_first, **ring_end;
	struct query_server *idle_first, **idle_end;
	size_t idle_count, outstanding;

	struct query_port **ports[2]; // limits.ports for each family
	struct query_port *free_ports;

	size_t connections;
	struct query_connection *free_connections;
	struct query_connection *idle_connections, **idle_connections_end;
};

// query.c
void query_random(struct query_engine *engine, void *data, size_t octets);
// Ends a query: gives the result to the caller, then lets the next ones go. data may be NULL.
void query_finish(
        struct query *query, enum query_status status, const uint8_t *data, size_t octets);
void query_ignore(struct query_engine *engine, struct query *query, enum query_ignored what);

// query_queue.c
// The state for an address, made where there is none; NULL without memory.
struct query_server *server_get(struct query_engine *engine, const struct address *address);
void server_queue(struct query *query, bool in_front);
void server_unqueue(struct query *query);
// Starts what the limits allow, for this server and then for those that wait in the ring.
void server_pump(struct query_server *server);
// Between these two a server stays, whatever callbacks do; the second pumps it.
void server_pin(struct query_server *server);
void server_unpin(struct query_server *server);
// To be called when a server may have lost the last thing it was kept for.
void server_settle(struct query_server *server);
void servers_free(struct query_engine *engine);

// query_try.c
enum try_start {
	TRY_STARTED,
	TRY_NOT_NOW,  // something is used up that the end of some other query gives back
	TRY_NOT_HERE, // … the end of some other query to the same address
};
enum try_start try_start(struct query *query);
// Lets go of port, connection and place on the wire, and stops the timer.
void query_let_go(struct query *query);
// The try has ended without an answer: again, or not.
void try_failed(struct query *query, enum query_status why);
// Back into the queue, in front, without counting a failure.
void try_again(struct query *query);
void try_answered(struct query *query, const uint8_t *data, size_t octets);
void query_timer_fired(void *ctx);

// query_udp.c
enum try_start udp_start(struct query *query);
void udp_let_go(struct query *query);
void udp_free(struct query_engine *engine);

// query_tcp.c
enum try_start tcp_start(struct query *query);
// timed_out: the connection is judged by it.
void tcp_let_go(struct query *query, bool timed_out);
void tcp_free(struct query_engine *engine);
