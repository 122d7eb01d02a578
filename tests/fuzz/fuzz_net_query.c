// fuzz: links dep_net
// The query engine against a host whose every reply comes from the input: datagrams and stream
// octets, with the ID and question set right or left wild, in pieces, ended and reset. Whatever
// they are, each query ends exactly once, and what is called an answer is one.
//
// The input: one octet of options, then replies: one octet of manners, one of delay, one of length,
// and so many octets. A request is answered by the next two of them.

#include "net/query.h"
#include "net/sim.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RIGHT_ID = 1,
	RIGHT_QUESTION = 2, // header and question as asked, then the octets
	UNFRAMED = 4,
	DRIP = 8,
	THEN_END = 16,
	THEN_RESET = 32,
	REPEATED = 64,
	TRUNCATED = 128,
};

struct script {
	const uint8_t *data;
	size_t size;
	unsigned ends;
	uint8_t sum; // of the answers
};

static uint8_t take(struct script *script)
{
	if (script->size == 0)
		return 0;
	script->size--;
	return *script->data++;
}

// The request's header and question, made a response; returns their octets.
static size_t echo_question(uint8_t *reply, const struct sim_request *request)
{
	size_t at = 12;
	while (request->data[at] != 0)
		at += 1u + request->data[at];
	at += 5;
	memcpy(reply, request->data, at);
	memset(reply + 6, 0, 6);
	reply[2] |= 0x80;
	return at;
}

static void reply_once(struct script *script, const struct sim_request *request)
{
	uint8_t reply[1024];
	uint8_t how = take(script), delay = take(script), length = take(script);
	size_t n = 0;
	if (how & RIGHT_QUESTION) {
		n = echo_question(reply, request);
		reply[2] |= how & TRUNCATED ? 0x02 : 0;
		reply[3] = take(script) & 15;
		reply[7] = take(script);
	}
	for (; length > 0; length--)
		reply[n++] = take(script);
	if ((how & RIGHT_ID) && n >= 2)
		memcpy(reply, request->data, 2);
	sim_reply(request, &(struct sim_reply){.data = reply,
	                           .octets = n,
	                           .delay_ms = delay,
	                           .copies = how & REPEATED ? 2 : 1,
	                           .chunk = how & DRIP ? 3 : 0,
	                           .gap_ms = 7,
	                           .unframed = (how & UNFRAMED) != 0,
	                           .then = how & THEN_RESET ? SIM_ABORT
	                                   : how & THEN_END ? SIM_END
	                                                    : SIM_KEEP});
}

static void request_came(void *ctx, const struct sim_request *request)
{
	struct script *script = ctx;
	for (int i = 0; i < 2 && script->size > 0; i++)
		reply_once(script, request);
}

static void done(void *ctx, const struct query_result *result)
{
	struct script *script = ctx;
	script->ends++;
	if ((result->status == QUERY_ANSWERED) != (result->data != NULL))
		abort();
	if (result->data != NULL && (result->octets < 12 || !(result->data[2] & 0x80)))
		abort();
	// Reading it all lets the sanitizer see whether it is all there.
	for (size_t i = 0; i < result->octets; i++)
		script->sum ^= result->data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.data = data, .size = size};
	struct address at = address_from_octets((const uint8_t *)"\300\0\2\1", 4, 53);
	struct query_question question = {.name = (const uint8_t *)"\5baton\4test", .type = 48};
	struct query_engine *engine;
	uint8_t choice = take(&script);
	struct sim *sim = sim_new(choice, 0);
	struct query_limits limits = {.ports = choice & 1 ? 2 : 0, .pipeline = 2, .rate = 10000};
	struct query_options options = {.tcp_only = (choice & 2) != 0,
	        .plain_case = (choice & 4) != 0,
	        .no_edns = (choice & 8) != 0,
	        .tcp_last = (choice & 16) != 0};
	sim_host_set(sim, &at, &(struct sim_host){.request = request_came, .ctx = &script});
	if (query_engine_new(sim_loop(sim), sim_random(sim), &limits, &engine, NULL) != RESULT_OK)
		abort();
	for (int i = 0; i < 3; i++)
		if (query_submit(engine, &at, &question, &options, done, &script, NULL, NULL) !=
		        RESULT_OK)
			abort();
	loop_run(sim_loop(sim), TIME_NEVER_MS);
	struct query_stats stats = query_engine_stats(engine);
	if (script.ends != 3 || stats.outstanding != 0 || stats.waiting != 0)
		abort();
	query_engine_free(engine);
	sim_free(sim);
	return 0;
}
