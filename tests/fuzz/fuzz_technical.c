// fuzz: links dep_technical
// Technical checks where every answer, of resolvers, the parent and the zone's servers alike, comes
// from the input. Whatever they say, the gathering ends, once, after a bounded number of questions,
// and every check has a result.
//
// The input: one octet of options, then answers: flags, RCODE, three counts of records, one octet
// of length, and so many octets behind the question. When the input is used up, it begins again.
#include <stdlib.h>
#include <string.h>

#include "net/sim.h"
#include "technical/technical.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// 128 addresses, each asked seven questions and for two addresses of 32 names, every question twice
// over two transports; and discovery: a generous bound.
enum { REQUESTS_MAX = 128 * (7 + 2 * 32) * 2 * 2 + 50000, ARENA = 256 << 20 };

struct script {
	const uint8_t *data;
	size_t size, at;
	unsigned requests, ends;
	const struct technical_facts *facts;
};

static uint8_t take(struct script *script)
{
	if (script->size == 0)
		return 0;
	return script->data[script->at++ % script->size];
}

static void request_came(void *ctx, const struct sim_request *request)
{
	struct script *script = ctx;
	uint8_t reply[600];
	size_t n = 12;
	if (++script->requests > REQUESTS_MAX)
		abort();
	while (request->data[n] != 0)
		n += 1u + request->data[n];
	n += 5;
	memcpy(reply, request->data, n);
	memset(reply + 6, 0, 6);
	reply[2] = 0x80 | (take(script) & 0x06);
	reply[3] = take(script) & 0x8f;
	for (int i = 7; i <= 11; i += 2)
		reply[i] = take(script) & 7;
	for (size_t length = take(script); length > 0; length--)
		reply[n++] = take(script);
	sim_reply(request, &(struct sim_reply){.data = reply, .octets = n, .delay_ms = 2});
}

static void gathered(void *ctx, const struct technical_facts *facts)
{
	struct script *script = ctx;
	script->ends++;
	script->facts = facts;
}

static void judge_all(const struct technical_facts *facts)
{
	struct arena *arena = arena_new(ARENA);
	if (arena == NULL)
		abort();
	struct technical_rules rules = {
	        .prohibited = prefix_table_special(arena), .head_room_s = 86400};
	for (size_t i = 0; i < technical_check_count; i++) {
		struct technical_result result;
		if (technical_judge(arena, &technical_checks[i], facts, &rules, NULL, &result,
		            NULL) != RESULT_OK)
			continue; // no memory
		if (result.text == NULL || result.text[0] == '\0' ||
		        (result.finding_count > 0) != (result.verdict >= TECHNICAL_WARN))
			abort();
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = {.data = data, .size = size};
	struct address resolver = address_from_octets((const uint8_t *)"\300\0\2\1", 4, 53),
	               other = address_from_octets((const uint8_t *)"\300\0\2\2", 4, 53);
	uint8_t choice = take(&script);
	struct technical_given given[] = {
	        {"ns.example.test", 1, &other}, {"ns.other.test", 0, NULL}};
	struct technical_options options = {.resolvers = &resolver,
	        .resolver_count = 1,
	        .servers = given,
	        .server_count = choice & 3,
	        .parents = &other,
	        .parent_count = choice >> 2 & 1,
	        .tries = 1};
	struct query_engine *engine;
	struct technical_gather *gather;
	if (options.server_count == 3)
		options.server_count = 0;
	struct sim *sim = sim_new(choice, 1800000000000);
	for (unsigned host = 0; host < 256; host++) {
		struct address at =
		        address_from_octets((const uint8_t[]){192, 0, 2, (uint8_t)host}, 4, 53);
		sim_host_set(sim, &at, &(struct sim_host){.request = request_came, .ctx = &script});
	}
	if (query_engine_new(sim_loop(sim), sim_random(sim), NULL, &engine, NULL) != RESULT_OK ||
	        technical_gather_start(sim_loop(sim), engine, sim_random(sim), "example.test",
	                &options, gathered, &script, &gather, NULL) != RESULT_OK)
		abort();
	loop_run(sim_loop(sim), TIME_NEVER_MS);
	if (script.ends != 1)
		abort();
	judge_all(script.facts);
	technical_gather_free(gather);
	query_engine_free(engine);
	sim_free(sim);
	return 0;
}
