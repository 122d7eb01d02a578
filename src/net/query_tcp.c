#include "net/query_internal.h"

#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_PER_ADDRESS 4
#define MESSAGE_MAX             65535
// How often a query may lose its connection to a server that answers others, without that counting
// as a failure.
#define BOUNCES_MAX 8

// ---- Connections that wait for work ---------------------------------------------------------

static void idle_leave(struct query_connection *connection)
{
	struct query_engine *engine = connection->engine;
	if (!connection->idle)
		return;
	connection->idle = false;
	loop_timer_stop(engine->loop, &connection->timer);
	*connection->idle_link = connection->idle_next;
	if (connection->idle_next != NULL)
		connection->idle_next->idle_link = connection->idle_link;
	else
		engine->idle_connections_end = connection->idle_link;
}

static void idle_enter(struct query_connection *connection)
{
	struct query_engine *engine = connection->engine;
	connection->idle = true;
	connection->idle_next = NULL;
	connection->idle_link = engine->idle_connections_end;
	*engine->idle_connections_end = connection;
	engine->idle_connections_end = &connection->idle_next;
	loop_timer_start(engine->loop, &connection->timer, engine->limits.tcp_idle_ms);
}

// ---- The life of a connection ---------------------------------------------------------------

static void connection_free(struct query_connection *connection)
{
	struct query_engine *engine = connection->engine;
	buffer_free(&connection->in);
	connection->next = engine->free_connections;
	engine->free_connections = connection;
	server_settle(connection->server);
}

// Closes it, without a word to its queries, of which there are none any more. Its memory stays
// while its octets are being read.
static void connection_close(struct query_connection *connection)
{
	if (connection->dead)
		return;
	connection->dead = true;
	idle_leave(connection);
	loop_stream_close(connection->stream);
	*connection->link = connection->next;
	if (connection->next != NULL)
		connection->next->link = connection->link;
	connection->server->connection_count--;
	connection->engine->connections--;
	if (!connection->busy)
		connection_free(connection);
}

static void idle_too_long(void *ctx)
{
	connection_close(ctx);
}

// ---- What comes in --------------------------------------------------------------------------

static struct query *find(const struct query_connection *connection, uint16_t id)
{
	struct query *query = connection->queries;
	while (query != NULL && query->id != id)
		query = query->next;
	return query;
}

static void message_came(struct query_connection *connection, const uint8_t *data, size_t octets)
{
	struct query *query = octets >= 2 ? find(connection, wire_id(data)) : NULL;
	struct query *only = connection->outstanding == 1 ? connection->queries : NULL;
	connection->heard_ms = loop_now_ms(connection->engine->loop);
	if (query == NULL) {
		query_ignore(connection->engine, only, octets < 2 ? QUERY_BROKEN : QUERY_WRONG_ID);
		return;
	}
	connection->answered++;
	try_answered(query, data, octets);
}

// Octets that `in` still lacks, first for the length and then for the message.
static size_t lacking(const struct buffer *in)
{
	const uint8_t *data = (const uint8_t *)in->data;
	if (in->length < 2)
		return 2 - in->length;
	return 2 + ((size_t)data[0] << 8 | data[1]) - in->length;
}

// Takes octets that came, as far as they belong to one message; returns how many.
static size_t take_in(struct query_connection *connection, const uint8_t *data, size_t octets)
{
	struct buffer *in = &connection->in;
	size_t message = octets >= 2 ? (size_t)data[0] << 8 | data[1] : 0;
	if (in->length == 0 && octets >= 2 && octets - 2 >= message) {
		message_came(connection, data + 2, message); // whole, so it needs no copy
		return 2 + message;
	}
	size_t n = lacking(in);
	if (n > octets)
		n = octets;
	buffer_add(in, data, n);
	if (in->length >= 2 && lacking(in) == 0) {
		message_came(connection, (const uint8_t *)in->data + 2, in->length - 2);
		buffer_clear(in);
	}
	return n;
}

// Before and after a connection's callback: it and its server stay while it runs.
static void enter(struct query_connection *connection)
{
	connection->busy = true;
	server_pin(connection->server);
}

static void leave(struct query_connection *connection)
{
	struct query_server *server = connection->server;
	connection->busy = false;
	if (connection->dead)
		connection_free(connection);
	server_unpin(server);
}

// A query whose connection is gone goes to a new one (RFC 7766, 6.2.4). That is its failure only
// if the connection was of no use to anybody.
static void lose_queries(struct query_connection *connection, bool served)
{
	while (connection->queries != NULL) {
		struct query *query = connection->queries;
		if (served && query->bounces < BOUNCES_MAX) {
			query->bounces++;
			try_again(query);
		} else {
			try_failed(query, QUERY_REFUSED);
		}
	}
}

static void ended(void *ctx, enum result reason)
{
	struct query_connection *connection = ctx;
	struct query_server *server = connection->server;
	bool served = connection->answered > 0;
	(void)reason;
	enter(connection);
	if (connection->in.length > 0 && connection->outstanding == 1)
		query_ignore(connection->engine, connection->queries, QUERY_BROKEN);
	if (served && connection->outstanding > 0 && server->pipeline > 1)
		server->pipeline /= 2; // it may be one that closes after each answer
	connection_close(connection);
	lose_queries(connection, served);
	leave(connection);
}

static void received(void *ctx, const uint8_t *data, size_t octets)
{
	struct query_connection *connection = ctx;
	enter(connection);
	while (octets > 0 && !connection->dead) {
		size_t n = take_in(connection, data, octets);
		data += n;
		octets -= n;
		if (connection->in.failed) {
			connection_close(connection);
			lose_queries(connection, false);
		}
	}
	leave(connection);
}

static void connected(void *ctx)
{
	(void)ctx; // what was written before is on its way now
}

// ---- Opening --------------------------------------------------------------------------------

static enum result connection_open(
        struct query_engine *engine, struct query_server *server, struct query_connection **out)
{
	static const struct loop_stream_handler handler = {
	        .connected = connected, .received = received, .ended = ended};
	const struct query_limits *limits = &engine->limits;
	struct address local = server->address.family == 4 ? limits->local_v4 : limits->local_v6;
	struct query_connection *connection = calloc(1, sizeof *connection);
	if (connection == NULL)
		return RESULT_MEMORY;
	local.port = 0;
	connection->engine = engine;
	connection->server = server;
	connection->in = buffer_init(2 + MESSAGE_MAX);
	connection->timer =
	        (struct loop_timer){.fire = idle_too_long, .ctx = connection, .background = true};
	enum result code = loop_stream_connect(engine->loop, local.family != 0 ? &local : NULL,
	        &server->address, &handler, connection, &connection->stream, NULL);
	if (code != RESULT_OK) {
		connection->next = engine->free_connections;
		engine->free_connections = connection;
		return code;
	}
	connection->link = &server->connections;
	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->link = &connection->next;
	server->connections = connection;
	server->connection_count++;
	engine->connections++;
	engine->stats.connections++;
	*out = connection;
	return RESULT_OK;
}

static bool id_is_free(const struct query_connection *connection, const struct query *query)
{
	return !query->fixed || find(connection, wire_id(query->wire)) == NULL;
}

// One that is open and has room.
static struct query_connection *connection_find(const struct query *query)
{
	const struct query_server *server = query->server;
	struct query_connection *connection = server->connections;
	while (connection != NULL &&
	        (connection->draining || connection->outstanding >= server->pipeline ||
	                !id_is_free(connection, query)))
		connection = connection->next;
	return connection;
}

static enum try_start fail(struct query *query, enum result code)
{
	query->state = STATE_FAILED;
	query->why = code == RESULT_REFUSED ? QUERY_REFUSED : QUERY_FAILED;
	return TRY_STARTED;
}

static void choose_id(struct query *query, const struct query_connection *connection)
{
	if (query->fixed) {
		query->id = wire_id(query->wire);
		return;
	}
	do
		query_random(query->engine, &query->id, sizeof query->id);
	while (find(connection, query->id) != NULL);
	wire_set_id(query->wire, query->id);
}

static bool put_on_connection(struct query *query, struct query_connection *connection)
{
	choose_id(query, connection);
	query->framed[0] = (uint8_t)(query->wire_octets >> 8);
	query->framed[1] = (uint8_t)query->wire_octets;
	if (loop_stream_write(connection->stream, query->framed, 2 + query->wire_octets) !=
	        RESULT_OK)
		return false;
	idle_leave(connection);
	query->connection = connection;
	query->link = &connection->queries;
	query->next = connection->queries;
	if (query->next != NULL)
		query->next->link = &query->next;
	connection->queries = query;
	connection->outstanding++;
	query->engine->stats.sent_tcp++;
	query->state = STATE_TCP;
	return true;
}

enum try_start tcp_start(struct query *query)
{
	struct query_engine *engine = query->engine;
	struct query_server *server = query->server;
	struct query_connection *connection = connection_find(query);
	if (connection == NULL) {
		if (server->connection_count >= CONNECTIONS_PER_ADDRESS)
			return TRY_NOT_HERE;
		if (engine->connections >= engine->limits.connections) {
			if (engine->idle_connections == NULL)
				return TRY_NOT_NOW;
			connection_close(engine->idle_connections);
		}
		enum result code = connection_open(engine, server, &connection);
		if (code == RESULT_LIMIT && engine->outstanding > 0)
			return TRY_NOT_NOW;
		if (code != RESULT_OK)
			return fail(query, code);
	}
	if (put_on_connection(query, connection))
		return TRY_STARTED;
	connection->draining = true; // so much waits in it that the peer cannot be reading
	if (connection->outstanding == 0)
		connection_close(connection);
	return fail(query, RESULT_NETWORK);
}

void tcp_let_go(struct query *query, bool timed_out)
{
	struct query_connection *connection = query->connection;
	*query->link = query->next;
	if (query->next != NULL)
		query->next->link = query->link;
	query->connection = NULL;
	connection->outstanding--;
	if (connection->dead)
		return;
	// Nothing whole came since the query went out: a peer that drips, or is gone.
	if (timed_out && connection->heard_ms <= query->sent_ms)
		connection->draining = true;
	if (connection->outstanding > 0)
		return;
	if (connection->draining)
		connection_close(connection);
	else
		idle_enter(connection);
}

void tcp_free(struct query_engine *engine)
{
	for (size_t i = 0; engine->servers != NULL && i <= engine->server_mask; i++)
		for (struct query_server *s = engine->servers[i]; s != NULL; s = s->hash_next)
			while (s->connections != NULL)
				connection_close(s->connections);
	while (engine->free_connections != NULL) {
		struct query_connection *connection = engine->free_connections;
		engine->free_connections = connection->next;
		free(connection);
	}
}
