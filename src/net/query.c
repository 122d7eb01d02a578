#include "net/query.h"

#include "net/query_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_QUERIES 128

struct query_slab {
	struct query_slab *next;
	struct query queries[SLAB_QUERIES];
};

const char *query_status_text(enum query_status status)
{
	static const char *const texts[QUERY_STATUS_COUNT] = {
	        [QUERY_ANSWERED] = "answered",
	        [QUERY_TIMED_OUT] = "timed out",
	        [QUERY_REFUSED] = "connection refused",
	        [QUERY_MALFORMED] = "malformed answer",
	        [QUERY_MISMATCHED] = "only mismatched answers",
	        [QUERY_FAILED] = "could not be sent",
	};
	return (unsigned)status < QUERY_STATUS_COUNT ? texts[status] : "unknown";
}

// A system call for each few octets would cost more than the query.
void query_random(struct query_engine *engine, void *data, size_t octets)
{
	assert(octets <= sizeof engine->entropy);
	if (engine->entropy_left < octets) {
		engine->random.fill(engine->random.ctx, engine->entropy, sizeof engine->entropy);
		engine->entropy_left = sizeof engine->entropy;
	}
	engine->entropy_left -= octets;
	memcpy(data, engine->entropy + engine->entropy_left, octets);
	memset(engine->entropy + engine->entropy_left, 0, octets);
}

// ---- The pool -------------------------------------------------------------------------------

static bool pool_grow(struct query_engine *engine)
{
	struct query_slab *slab = calloc(1, sizeof *slab);
	if (slab == NULL)
		return false;
	slab->next = engine->slabs;
	engine->slabs = slab;
	for (size_t i = SLAB_QUERIES; i-- > 0;) {
		slab->queries[i].next = engine->free;
		engine->free = &slab->queries[i];
	}
	return true;
}

static struct query *query_new(struct query_engine *engine)
{
	if (engine->free == NULL && !pool_grow(engine))
		return NULL;
	struct query *query = engine->free;
	engine->free = query->next;
	// All but the room, which is written before it is read.
	memset(query, 0, offsetof(struct query, room));
	query->result = (struct query_result){.rtt_ms = -1};
	query->engine = engine;
	query->framed = query->room;
	query->wire = query->framed + 2;
	engine->queries++;
	return query;
}

static void query_free(struct query *query)
{
	struct query_engine *engine = query->engine;
	if (query->framed != query->room)
		free(query->framed);
	query->server->queries--;
	query->state = STATE_FREE;
	query->next = engine->free;
	engine->free = query;
	engine->queries--;
}

// ---- Submission -----------------------------------------------------------------------------

static void set_options(struct query *query, const struct query_options *options)
{
	query->tcp_only = options->tcp_only;
	query->tcp_last = options->tcp_last;
	query->plain_case = options->plain_case;
	query->max_tries = options->tries > 0 ? options->tries : 3;
	query->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : 1500;
	query->deadline_ms = TIME_NEVER_MS;
	if (options->deadline_ms > 0)
		query->deadline_ms = time_add(query->submitted_ms, options->deadline_ms);
}

static enum result accept_query(struct query_engine *engine, const struct address *server,
        const struct query_options *options, query_done *done, void *ctx, struct query **out,
        struct error *err)
{
	static const struct query_options defaults;
	if ((server->family != 4 && server->family != 6) || server->port == 0)
		return error_set(
		        err, RESULT_INPUT, "a query needs an IPv4 or IPv6 address and a port");
	if (engine->queries >= engine->limits.queries)
		return error_set(err, RESULT_LIMIT, "%zu queries wait already", engine->queries);
	struct query_server *state = server_get(engine, server);
	struct query *query = state != NULL ? query_new(engine) : NULL;
	if (query == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a query");
	state->queries++;
	query->server = state;
	query->done = done;
	query->ctx = ctx;
	query->timer.fire = query_timer_fired;
	query->timer.ctx = query;
	query->submitted_ms = loop_now_ms(engine->loop);
	query->result.server = *server;
	set_options(query, options != NULL ? options : &defaults);
	*out = query;
	return RESULT_OK;
}

static void launch(struct query *query, struct query **handle)
{
	query->engine->stats.submitted++;
	if (handle != NULL)
		*handle = query;
	struct query_server *server = query->server;
	server_queue(query, false);
	server_pump(server);
}

enum result query_submit(struct query_engine *engine, const struct address *server,
        const struct query_question *question, const struct query_options *options,
        query_done *done, void *ctx, struct query **handle, struct error *err)
{
	static const struct query_options defaults;
	assert(engine != NULL && server != NULL && question != NULL && done != NULL);
	if (options == NULL)
		options = &defaults;
	size_t name_octets = wire_name_octets(question->name, WIRE_NAME_MAX);
	if (name_octets == 0)
		return error_set(err, RESULT_INPUT, "a query needs a name of at most 255 octets");
	struct query *query = NULL;
	enum result code = accept_query(engine, server, options, done, ctx, &query, err);
	if (query == NULL)
		return code;
	uint16_t edns_octets = options->edns_octets > 0 ? options->edns_octets : 1232;
	query->has_edns = !options->no_edns;
	query->question_octets = name_octets + 4;
	query->wire_octets = wire_build(
	        query->wire, &(struct wire_question){.name = question->name,
	                             .name_octets = name_octets,
	                             .type = question->type,
	                             .class_ = question->class_ > 0 ? question->class_ : 1,
	                             .recursion_desired = options->recursion_desired,
	                             .checking_disabled = options->checking_disabled,
	                             .edns_octets = options->no_edns ? 0 : edns_octets,
	                             .dnssec_ok = options->dnssec_ok});
	launch(query, handle);
	return RESULT_OK;
}

enum result query_submit_message(struct query_engine *engine, const struct address *server,
        const uint8_t *message, size_t message_octets, const struct query_options *options,
        query_done *done, void *ctx, struct query **handle, struct error *err)
{
	assert(engine != NULL && server != NULL && message != NULL && done != NULL);
	if (message_octets < WIRE_HEADER || message_octets > 65535)
		return error_set(err, RESULT_INPUT, "a message has 12 to 65535 octets, not %zu",
		        message_octets);
	uint8_t *copy = malloc(2 + message_octets);
	if (copy == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a message");
	struct query *query = NULL;
	enum result code = accept_query(engine, server, options, done, ctx, &query, err);
	if (query == NULL) {
		free(copy);
		return code;
	}
	memcpy(copy + 2, message, message_octets);
	query->framed = copy;
	query->wire = copy + 2;
	query->wire_octets = message_octets;
	query->fixed = query->plain_case = true;
	query->question_octets = wire_question_octets(message, message_octets);
	if (message_octets > 1232) // the largest that UDP carries everywhere
		query->tcp_only = true;
	launch(query, handle);
	return RESULT_OK;
}

// ---- The end --------------------------------------------------------------------------------

void query_ignore(struct query_engine *engine, struct query *query, enum query_ignored what)
{
	engine->stats.ignored[what]++;
	if (query != NULL)
		query->result.ignored[what]++;
}

void query_finish(struct query *query, enum query_status status, const uint8_t *data, size_t octets)
{
	struct query_server *server = query->server;
	struct query_result result = query->result;
	result.status = status;
	result.data = data;
	result.octets = octets;
	result.total_ms = loop_now_ms(query->engine->loop) - query->submitted_ms;
	query_done *done = query->done;
	void *ctx = query->ctx;
	query->engine->stats.finished[status]++;
	server_pin(server);
	query_let_go(query);
	query_free(query);
	done(ctx, &result);
	server_unpin(server);
}

void query_cancel(struct query *query)
{
	assert(query != NULL && query->state != STATE_FREE);
	struct query_server *server = query->server;
	server_pin(server);
	query_let_go(query);
	query_free(query);
	server_unpin(server);
}

struct query_stats query_engine_stats(const struct query_engine *engine)
{
	struct query_stats stats = engine->stats;
	stats.outstanding = engine->outstanding;
	stats.waiting = engine->queries - engine->outstanding;
	stats.addresses = engine->server_count;
	return stats;
}

// ---- The engine -----------------------------------------------------------------------------

static void fill_in_limits(struct query_limits *limits)
{
	limits->queries = limits->queries > 0 ? limits->queries : 100000;
	limits->outstanding = limits->outstanding > 0 ? limits->outstanding : 500;
	limits->per_address = limits->per_address > 0 ? limits->per_address : 20;
	limits->rate = limits->rate > 0 ? limits->rate : 100;
	limits->burst = limits->burst > 0 ? limits->burst : 20;
	limits->connections = limits->connections > 0 ? limits->connections : 200;
	limits->pipeline = limits->pipeline > 0 ? limits->pipeline : 16;
	limits->tcp_idle_ms = limits->tcp_idle_ms > 0 ? limits->tcp_idle_ms : 5000;
	limits->port_uses = limits->port_uses > 0 ? limits->port_uses : 1000;
}

static bool engine_allocate(struct query_engine *engine)
{
	size_t buckets = 64;
	while (buckets < engine->limits.outstanding && buckets < ((size_t)1 << 24))
		buckets *= 2;
	engine->table_mask = buckets - 1;
	engine->table = calloc(buckets, sizeof *engine->table);
	engine->server_mask = 255;
	engine->servers = calloc(256, sizeof *engine->servers);
	for (int i = 0; i < 2; i++)
		engine->ports[i] = calloc(engine->limits.ports + 1, sizeof *engine->ports[i]);
	return engine->table != NULL && engine->servers != NULL && engine->ports[0] != NULL &&
	       engine->ports[1] != NULL;
}

enum result query_engine_new(struct loop *loop, const struct random *random,
        const struct query_limits *limits, struct query_engine **out, struct error *err)
{
	assert(loop != NULL && random != NULL && out != NULL);
	struct query_limits given = limits != NULL ? *limits : (struct query_limits){0};
	if ((given.local_v4.family != 0 && given.local_v4.family != 4) ||
	        (given.local_v6.family != 0 && given.local_v6.family != 6))
		return error_set(err, RESULT_INPUT, "a local address is of the wrong family");
	if (given.ports > 16384)
		return error_set(
		        err, RESULT_INPUT, "at most 16384 source ports, not %u", given.ports);
	struct query_engine *engine = calloc(1, sizeof *engine);
	if (engine == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a query engine");
	engine->loop = loop;
	engine->random = *random;
	engine->limits = given;
	fill_in_limits(&engine->limits);
	engine->ring_end = &engine->ring_first;
	engine->idle_end = &engine->idle_first;
	engine->idle_connections_end = &engine->idle_connections;
	engine->key = random_u64(random);
	if (!engine_allocate(engine)) {
		query_engine_free(engine);
		return error_set(err, RESULT_MEMORY, "no memory for a query engine");
	}
	*out = engine;
	return RESULT_OK;
}

void query_engine_free(struct query_engine *engine)
{
	if (engine == NULL)
		return;
	for (struct query_slab *slab = engine->slabs; slab != NULL; slab = slab->next)
		for (size_t i = 0; i < SLAB_QUERIES; i++)
			if (slab->queries[i].state != STATE_FREE) {
				query_let_go(&slab->queries[i]);
				query_free(&slab->queries[i]);
			}
	tcp_free(engine);
	if (engine->ports[0] != NULL && engine->ports[1] != NULL)
		udp_free(engine);
	if (engine->servers != NULL)
		servers_free(engine);
	while (engine->slabs != NULL) {
		struct query_slab *slab = engine->slabs;
		engine->slabs = slab->next;
		free(slab);
	}
	for (int i = 0; i < 2; i++)
		free(engine->ports[i]);
	free(engine->servers);
	free(engine->table);
	free(engine);
}
