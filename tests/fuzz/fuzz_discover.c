// fuzz: links dep_observe
// Discovery where every answer, of resolvers, parents and the zone's servers alike, comes from the
// input. Whatever they say, it ends, once, with a subject within its limits or with an error, and
// the number of questions stays bounded.
//
// The input: one octet of options, then answers: flags, RCODE, three counts of records, one octet
// of length, and so many octets behind the question. When the input is used up, hosts are silent.

#include "net/sim.h"
#include "observe/discover.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// 32 names with 16 addresses each, twice (parent and child), each asked up to four things, and
// every question three times over two transports: a generous bound.
enum { REQUESTS_MAX = 2 * 32 * 16 * 4 * 3 * 2 };

struct script {
	const uint8_t *data;
	size_t size;
	unsigned requests, ends;
	bool given;
};

static uint8_t take(struct script *script)
{
	if (script->size == 0)
		return 0;
	script->size--;
	return *script->data++;
}

static void request_came(void *ctx, const struct sim_request *request)
{
	struct script *script = ctx;
	uint8_t reply[600];
	size_t n = 12;
	if (++script->requests > REQUESTS_MAX)
		abort();
	if (script->size == 0)
		return;
	while (request->data[n] != 0)
		n += 1u + request->data[n];
	n += 5;
	memcpy(reply, request->data, n);
	memset(reply + 6, 0, 6);
	reply[2] = 0x80 | (take(script) & 0x06);
	reply[3] = take(script) & 15;
	for (int i = 7; i <= 11; i += 2)
		reply[i] = take(script) & 31;
	for (size_t length = take(script); length > 0; length--)
		reply[n++] = take(script);
	sim_reply(request, &(struct sim_reply){.data = reply, .octets = n, .delay_ms = 2});
}

static void check_subject(const struct observe_subject *subject)
{
	if (subject->publisher_count < 2)
		abort();
	for (size_t p = 0; p < subject->publisher_count; p++) {
		const struct observe_publisher *publisher = &subject->publishers[p];
		if (publisher->server_count > OBSERVE_MAX_SERVERS)
			abort();
		for (size_t s = 0; s < publisher->server_count; s++)
			if (publisher->servers[s].address_count > OBSERVE_MAX_ADDRESSES)
				abort();
	}
}

static void found(void *ctx, const struct discover_found *found)
{
	struct script *script = ctx;
	script->ends++;
	if ((found->result == RESULT_OK) != (found->subject != NULL))
		abort();
	if (found->subject != NULL)
		check_subject(found->subject);
	observe_subject_free(found->subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.data = data, .size = size};
	struct address resolvers[2] = {address_from_octets((const uint8_t *)"\300\0\2\1", 4, 53),
	        address_from_octets((const uint8_t *)"\300\0\2\2", 4, 53)};
	uint8_t choice = take(&script);
	struct discover_given given[] = {{"parent", NULL, resolvers[0]},
	        {"losing", choice & 4 ? "ns.example" : NULL, resolvers[1]}};
	struct discover_options options = {.resolvers = resolvers,
	        .resolver_count = choice & 1 ? 2 : 1,
	        .given = given,
	        .given_count = choice & 2 ? 2 : 0,
	        .deadline_ms = 20000};
	struct query_engine *engine;
	struct discover *discover;
	struct sim *sim = sim_new(choice, 0);
	// Discovered addresses can be any; those of the input's first octets answer.
	for (unsigned host = 0; host < 256; host++) {
		struct address at =
		        address_from_octets((const uint8_t[]){192, 0, 2, (uint8_t)host}, 4, 53);
		sim_host_set(sim, &at, &(struct sim_host){.request = request_came, .ctx = &script});
	}
	if (query_engine_new(sim_loop(sim), sim_random(sim), NULL, &engine, NULL) != RESULT_OK ||
	        discover_start(sim_loop(sim), engine, choice & 8 ? "a.b.example.test" : "example",
	                &options, found, &script, &discover, NULL) != RESULT_OK)
		abort();
	loop_run(sim_loop(sim), TIME_NEVER_MS);
	if (script.ends != 1)
		abort();
	discover_free(discover);
	query_engine_free(engine);
	sim_free(sim);
	return 0;
}
