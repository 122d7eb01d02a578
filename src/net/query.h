// The query engine: one DNS question to one address, over UDP and TCP, with everything that makes
// the answer worth believing that it came from there: random ID and source port, mixed case in the
// name, and every other answer ignored and counted while the query goes on waiting.
//
//     static void answered(void *ctx, const struct query_result *result)
//     {
//             if (result->status == QUERY_ANSWERED)
//                     note(ctx, result->data, result->octets, result->rtt_ms);
//     }
//
//     struct query_engine *engine;
//     query_engine_new(loop, &random, NULL, &engine, &err);
//     struct query_question question = {.name = (const uint8_t *)"\4baton\4test", .type = 48};
//     struct query_options options = {.dnssec_ok = true};
//     query_submit(engine, &ns1, &question, &options, answered, ctx, NULL, &err);
//     loop_run(loop, TIME_NEVER_MS);
//     query_engine_free(engine);
//
// What happens to a query. It waits in the queue of its address until the limits let it go: queries
// outstanding in total and to the address, and a rate for each address. It goes out over UDP from
// a random port. An answer counts only if it comes from the address and port asked, to the port it
// was sent from, with the ID, a response, with the question as sent, in the very case it was sent.
// Then:
//   * TC set: once more over TCP (RFC 7766), by a connection that is shared with other queries to
//     the same address.
//   * FORMERR or NOTIMP without an OPT record: once more without EDNS (RFC 6891, 7); the result
//     says edns_refused.
//   * the right answer but for the letters' case: the server may not preserve it, or somebody
//     guesses; once more over TCP, where case needs no check; the result says case_lost.
//   * nearly an answer, cut short or an error without a question: once more over TCP, too.
//   * BADVERS and all other answers: the caller's business, status QUERY_ANSWERED.
//   * none in timeout_ms: again, with a new ID, port and case, and double the patience.
// The answer is structurally sound (every record lies inside the message) but not interpreted.
//
// Callbacks come from the loop, exactly once for each accepted query unless it is cancelled, never
// from inside query_submit. The result and its data are valid during the callback. Inside it
// queries may be submitted and cancelled, but the engine not freed.
//
// Memory: queries come from a pool that grows up to limits.queries and is not given back before
// query_engine_free; submitting costs no allocation once the pool is warm. State for an address
// goes when it has been idle for a while.
#pragma once

#include "base/error.h"
#include "base/random.h"
#include "net/address.h"
#include "net/loop.h"

struct query_engine;
struct query;

enum query_status {
	QUERY_ANSWERED,   // data is the response, whatever its RCODE says
	QUERY_TIMED_OUT,  // nothing in time
	QUERY_REFUSED,    // said the peer's side each time: ICMP, refused, reset, closed
	QUERY_MALFORMED,  // responses came that no parser can use
	QUERY_MISMATCHED, // only responses that may be forged: wrong ID, source, question or case
	QUERY_FAILED,     // our own system: no route, no descriptors, no such family
	QUERY_STATUS_COUNT,
};
// "answered", "timed out", …; never NULL.
const char *query_status_text(enum query_status status);

enum query_transport { QUERY_UDP, QUERY_TCP };

// What arrived and was not believed. With shared ports (limits.ports) nobody can tell whose answer
// a wrong source or ID over UDP was meant to forge; those count in query_stats only.
enum query_ignored {
	QUERY_WRONG_SOURCE, // not from the address and port asked
	QUERY_WRONG_ID,
	QUERY_WRONG_QUESTION, // another question, or not a response
	QUERY_WRONG_CASE,
	QUERY_BROKEN, // cut short, or records beyond the end of the message
	QUERY_IGNORED_COUNT,
};

struct query_result {
	enum query_status status;
	const uint8_t *data; // NULL unless QUERY_ANSWERED
	size_t octets;
	struct address server;
	enum query_transport transport; // of the last try
	int64_t rtt_ms;                 // of the try that was answered, -1 otherwise
	int64_t total_ms;               // from submission
	unsigned tries;                 // how often it was sent
	unsigned ignored[QUERY_IGNORED_COUNT];
	bool truncated;    // a UDP answer had TC set, so it was asked over TCP
	bool edns_refused; // answered without EDNS because EDNS got FORMERR or NOTIMP
	bool case_lost;    // a UDP answer changed the letters' case, so it was asked over TCP
};

typedef void query_done(void *ctx, const struct query_result *result);

struct query_question {
	const uint8_t *name; // wire form, uncompressed, at most 255 octets; copied
	uint16_t type;
	uint16_t class_; // 0 is IN
};

// Zero means the default everywhere.
struct query_options {
	bool dnssec_ok, checking_disabled, recursion_desired;
	bool tcp_only;
	bool tcp_last;        // the last try goes over TCP, for servers that answer there only
	bool no_edns;         // (dnssec_ok then has no place to go)
	bool plain_case;      // the name goes out as given; still compared exactly
	uint16_t edns_octets; // UDP size announced, default 1232
	unsigned tries;       // failed ones before giving up, default 3; switching to TCP or to
	                      // plain DNS does not count as failed
	int64_t timeout_ms;   // of the first try, default 1500; doubles with each, up to 8 times
	int64_t deadline_ms;  // from submission, waiting in the queue included; default none
};

// Zero means the default everywhere.
struct query_limits {
	size_t queries;      // accepted and not finished, default 100,000
	size_t outstanding;  // on the wire, default 500
	size_t per_address;  // on the wire to one address, default 20
	unsigned rate;       // to one address, queries per second, default 100
	unsigned burst;      // that many at once before rate counts, default 20
	size_t connections;  // TCP in all, default 200
	unsigned pipeline;   // queries at once on a connection, default 16
	int64_t tcp_idle_ms; // an unused connection is kept that long, default 5000
	// UDP source ports. 0, the default: a fresh random port for each try. Otherwise that many
	// random ports for each family are shared by all tries (a scanner's choice: 1024), each
	// replaced by another random one after port_uses tries (default 1000).
	unsigned ports, port_uses;
	// Where queries leave from; family 0 (the default): the system's choice. Ports are ignored.
	struct address local_v4, local_v6;
};

// limits may be NULL; it and *random are copied (not random's ctx). The loop must outlive the
// engine. RESULT_MEMORY, RESULT_INPUT for limits that contradict themselves.
enum result query_engine_new(struct loop *loop, const struct random *random,
        const struct query_limits *limits, struct query_engine **engine, struct error *err);
// Forgets all queries without callbacks and closes everything. NULL is allowed.
void query_engine_free(struct query_engine *engine);

// Takes a question. handle may be NULL; *handle is good until done is called. options may be NULL.
// RESULT_INPUT for a name or address that is none, RESULT_LIMIT when limits.queries are waiting.
enum result query_submit(struct query_engine *engine, const struct address *server,
        const struct query_question *question, const struct query_options *options,
        query_done *done, void *ctx, struct query **handle, struct error *err);

// The same for a whole message that the caller has built: dynamic update, NOTIFY, anything that is
// signed. It is sent as it is, with the ID it carries (which the caller chooses at random). The
// answer must have that ID, be a response with the same opcode, and, where it has a question or
// zone section, the same one. Only the time, tries and tcp options count. message_octets is 12 to
// 65535; copied. A repeated message is repeated octet for octet, so set tries to 1 where that
// matters.
enum result query_submit_message(struct query_engine *engine, const struct address *server,
        const uint8_t *message, size_t message_octets, const struct query_options *options,
        query_done *done, void *ctx, struct query **handle, struct error *err);

// Forgets a query; done is not called.
void query_cancel(struct query *query);

struct query_stats {
	uint64_t submitted, finished[QUERY_STATUS_COUNT];
	uint64_t sent_udp, sent_tcp, connections, ignored[QUERY_IGNORED_COUNT];
	size_t waiting;     // in queues now
	size_t outstanding; // on the wire now
	size_t addresses;   // with state now
};
struct query_stats query_engine_stats(const struct query_engine *engine);
