#include "net/query_internal.h"

#include <stdlib.h>

// Addresses with nothing to do are remembered for a while, for their rate and their habits.
#define IDLE_SERVERS 1024

// ---- State for each address -----------------------------------------------------------------

static void idle_enter(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	server->idle = true;
	server->idle_next = NULL;
	server->idle_link = engine->idle_end;
	*engine->idle_end = server;
	engine->idle_end = &server->idle_next;
	engine->idle_count++;
}

static void idle_leave(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	if (!server->idle)
		return;
	server->idle = false;
	*server->idle_link = server->idle_next;
	if (server->idle_next != NULL)
		server->idle_next->idle_link = server->idle_link;
	else
		engine->idle_end = server->idle_link;
	engine->idle_count--;
}

static struct query_server **bucket_of(struct query_engine *engine, uint64_t hash)
{
	return &engine->servers[hash & engine->server_mask];
}

static void server_forget(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	struct query_server **link = bucket_of(engine, server->hash);
	idle_leave(server);
	while (*link != server)
		link = &(*link)->hash_next;
	*link = server->hash_next;
	server->hash_next = engine->free_servers;
	engine->free_servers = server;
	engine->server_count--;
}

// Twice the buckets where there are more addresses than those; without memory all goes on, slower.
static void servers_grow(struct query_engine *engine)
{
	size_t buckets = (engine->server_mask + 1) * 2;
	struct query_server **old = engine->servers;
	struct query_server **table = calloc(buckets, sizeof *table);
	if (table == NULL)
		return;
	size_t old_buckets = engine->server_mask + 1;
	engine->servers = table;
	engine->server_mask = buckets - 1;
	for (size_t i = 0; i < old_buckets; i++)
		while (old[i] != NULL) {
			struct query_server *server = old[i], **bucket;
			old[i] = server->hash_next;
			bucket = bucket_of(engine, server->hash);
			server->hash_next = *bucket;
			*bucket = server;
		}
	free(old);
}

static void tokens_came(void *ctx)
{
	server_pin(ctx);
	server_unpin(ctx);
}

static struct query_server *server_new(struct query_engine *engine, const struct address *address)
{
	struct query_server *server = engine->free_servers;
	if (server != NULL)
		engine->free_servers = server->hash_next;
	else
		server = malloc(sizeof *server);
	if (server == NULL)
		return NULL;
	*server = (struct query_server){.engine = engine,
	        .address = *address,
	        .hash = address_hash(address, engine->key),
	        .level = (int64_t)engine->limits.burst * 1000,
	        .level_ms = loop_now_ms(engine->loop),
	        .timer = {.fire = tokens_came, .ctx = server},
	        .pipeline = engine->limits.pipeline};
	server->queue.end = &server->queue.first;
	struct query_server **bucket = bucket_of(engine, server->hash);
	server->hash_next = *bucket;
	*bucket = server;
	engine->server_count++;
	if (engine->server_count > engine->server_mask + 1)
		servers_grow(engine);
	return server;
}

struct query_server *server_get(struct query_engine *engine, const struct address *address)
{
	uint64_t hash = address_hash(address, engine->key);
	struct query_server *server = *bucket_of(engine, hash);
	while (server != NULL && !address_equal(&server->address, address))
		server = server->hash_next;
	return server != NULL ? server : server_new(engine, address);
}

void servers_free(struct query_engine *engine)
{
	for (size_t i = 0; i <= engine->server_mask; i++)
		while (engine->servers[i] != NULL) {
			loop_timer_stop(engine->loop, &engine->servers[i]->timer);
			server_forget(engine->servers[i]);
		}
	while (engine->free_servers != NULL) {
		struct query_server *server = engine->free_servers;
		engine->free_servers = server->hash_next;
		free(server);
	}
}

// ---- The queue of an address ----------------------------------------------------------------

void server_queue(struct query *query, bool in_front)
{
	struct query_server *server = query->server;
	struct query_list *queue = &server->queue;
	struct loop *loop = query->engine->loop;
	idle_leave(server);
	query->state = STATE_QUEUED;
	query->link = in_front ? &queue->first : queue->end;
	query->next = *query->link;
	*query->link = query;
	if (query->next != NULL)
		query->next->link = &query->next;
	else
		queue->end = &query->next;
	if (query->deadline_ms != TIME_NEVER_MS)
		loop_timer_start(loop, &query->timer, query->deadline_ms - loop_now_ms(loop));
}

void server_unqueue(struct query *query)
{
	*query->link = query->next;
	if (query->next != NULL)
		query->next->link = query->link;
	else
		query->server->queue.end = query->link;
	loop_timer_stop(query->engine->loop, &query->timer);
}

// ---- Limits ---------------------------------------------------------------------------------

static void refill(struct query_server *server)
{
	const struct query_limits *limits = &server->engine->limits;
	int64_t now_ms = loop_now_ms(server->engine->loop);
	int64_t full = (int64_t)limits->burst * 1000;
	// Time to fill the whole bucket is enough, whatever the pause was.
	int64_t passed_ms = now_ms - server->level_ms;
	int64_t needed_ms = full / limits->rate + 1;
	server->level += (passed_ms < needed_ms ? passed_ms : needed_ms) * limits->rate;
	if (server->level > full)
		server->level = full;
	server->level_ms = now_ms;
}

// Takes a token, or sees to it that the server is pumped when there is one.
static bool take_token(struct query_server *server)
{
	int64_t rate = server->engine->limits.rate;
	refill(server);
	if (server->level >= 1000) {
		server->level -= 1000;
		return true;
	}
	if (!server->timer.active)
		loop_timer_start(server->engine->loop, &server->timer,
		        (1000 - server->level + rate - 1) / rate);
	return false;
}

static void ring_add(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	if (server->in_ring)
		return;
	server->in_ring = true;
	server->ring_next = NULL;
	*engine->ring_end = server;
	engine->ring_end = &server->ring_next;
}

static struct query_server *ring_take(struct query_engine *engine)
{
	struct query_server *server = engine->ring_first;
	engine->ring_first = server->ring_next;
	if (engine->ring_first == NULL)
		engine->ring_end = &engine->ring_first;
	server->in_ring = false;
	return server;
}

// Starts the first query of the queue if the limits allow it; false where it has to wait, for a
// timer, for the end of another one of this server, or in the ring.
static bool start_one(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	struct query *query = server->queue.first;
	if (query == NULL || server->outstanding >= engine->limits.per_address)
		return false;
	if (engine->outstanding >= engine->limits.outstanding) {
		ring_add(server);
		return false;
	}
	if (!take_token(server))
		return false;
	server_unqueue(query);
	enum try_start start = try_start(query);
	if (start == TRY_STARTED)
		return true;
	server->level += 1000;
	server_queue(query, true);
	if (start == TRY_NOT_NOW)
		ring_add(server);
	return false;
}

// Each server in the ring gets one query away, then it is the next one's turn: a long queue of one
// address does not keep the others waiting. Those that want something that is used up now are
// passed over, a few at a time.
static void ring_pump(struct query_engine *engine)
{
	unsigned patience = 16;
	while (engine->ring_first != NULL && patience > 0 &&
	        engine->outstanding < engine->limits.outstanding) {
		struct query_server *server = ring_take(engine);
		if (start_one(server))
			ring_add(server);
		else if (server->in_ring)
			patience--;
		else
			server_settle(server);
	}
}

void server_pump(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	if (engine->ring_first != NULL) {
		ring_add(server);
		ring_pump(engine);
		return;
	}
	while (start_one(server))
		;
}

void server_pin(struct query_server *server)
{
	server->pins++;
}

static void forget_oldest(struct query_engine *engine)
{
	while (engine->idle_count > IDLE_SERVERS) {
		struct query_server *oldest = engine->idle_first;
		refill(oldest);
		if (oldest->level < (int64_t)engine->limits.burst * 1000)
			return;
		server_forget(oldest);
	}
}

void server_settle(struct query_server *server)
{
	bool used = server->queries > 0 || server->pins > 0 || server->connections != NULL ||
	            server->in_ring || server->timer.active;
	if (!used && !server->idle)
		idle_enter(server);
}

void server_unpin(struct query_server *server)
{
	struct query_engine *engine = server->engine;
	server_pump(server);
	server->pins--;
	server_settle(server);
	forget_oldest(engine);
}
