// A simulated DNS host for the tests, whose answers a test bends as it needs them.
//
//     struct host host = {.truncate_udp = true};
//     host_put(sim, "192.0.2.1@53", &host);
//
// Unless told otherwise it answers each query with the question as asked and one A record.
#pragma once

#include "net/query.h"
#include "net/sim.h"

struct host {
	struct sim_host base; // link, udp, tcp: as in net/sim.h
	bool truncate_udp;    // TC over UDP
	bool lower_case;      // does not preserve the case of the question
	bool no_edns;         // FORMERR without a question to anything with an OPT record
	bool cut;             // the last octets of the record are missing
	bool no_question;     // SERVFAIL with an empty question section
	bool different;       // another address in the record each time
	bool close_each;      // ends the stream after each answer
	uint8_t rcode;
	unsigned mute; // that many requests get no answer at first
	int64_t delay_ms;
	unsigned copies;
	size_t chunk; // over TCP
	int64_t gap_ms;
	// Called before anything else; true when it has dealt with the request.
	bool (*before)(struct host *host, const struct sim_request *request);
	void *ctx;

	unsigned udp_seen, tcp_seen;
	int64_t times_ms[64]; // when the first requests came
	uint16_t ports[64];   // and from which ports
	uint8_t last[65535];  // the last request
	size_t last_octets;
};

struct address host_address(const char *text);
void host_put(struct sim *sim, const char *address, struct host *host);
// Writes the answer that the host gives to a query; at most 1000 octets.
size_t host_answer(struct host *host, const struct sim_request *request, uint8_t *answer);

// What a query came to.
struct outcome {
	unsigned calls;
	struct query_result result;
	uint8_t data[65535]; // a copy of the answer
	int64_t at_ms;
	struct loop *loop;
	bool stop; // the loop, then
};
void outcome_done(void *ctx, const struct query_result *result);
// "baton.test." A; options may be NULL. The engine runs on the loop of outcome.
void host_ask(struct query_engine *engine, const char *server, const struct query_options *options,
        struct outcome *outcome);
