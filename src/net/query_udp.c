#include "net/query_internal.h"

#include <stdlib.h>

// Ports from here on are taken at random; those below belong to services.
#define PORT_FIRST 16384

// ---- Dispatch -------------------------------------------------------------------------------

static struct query **bucket_of(
        struct query_engine *engine, uint64_t server_hash, uint16_t port, uint16_t id)
{
	uint64_t h = server_hash ^ ((uint64_t)port << 16 | id);
	h *= 0x9e3779b97f4a7c15u;
	return &engine->table[(h ^ (h >> 32)) & engine->table_mask];
}

static struct query *find(const struct query_port *port, const struct address *from, uint16_t id)
{
	struct query_engine *engine = port->engine;
	uint64_t hash = address_hash(from, engine->key);
	struct query *query = *bucket_of(engine, hash, port->number, id);
	while (query != NULL && !(query->port == port && query->id == id &&
	                                address_equal(&query->server->address, from)))
		query = query->hash_next;
	return query;
}

static void table_enter(struct query *query)
{
	struct query **bucket =
	        bucket_of(query->engine, query->server->hash, query->port->number, query->id);
	query->hash_next = *bucket;
	query->hash_link = bucket;
	if (query->hash_next != NULL)
		query->hash_next->hash_link = &query->hash_next;
	*bucket = query;
}

static void table_leave(struct query *query)
{
	*query->hash_link = query->hash_next;
	if (query->hash_next != NULL)
		query->hash_next->hash_link = query->hash_link;
}

static void received(void *ctx, const struct address *from, const uint8_t *data, size_t octets)
{
	struct query_port *port = ctx;
	struct query *query = octets >= 2 ? find(port, from, wire_id(data)) : NULL;
	if (query != NULL) {
		try_answered(query, data, octets);
		return;
	}
	// On a shared port nobody can tell whom a stray answer was meant for.
	struct query *only = port->only;
	enum query_ignored what = QUERY_WRONG_SOURCE;
	if (only != NULL && address_equal(&only->server->address, from))
		what = octets < 2 ? QUERY_BROKEN : QUERY_WRONG_ID;
	query_ignore(port->engine, only, what);
}

static void unreachable(void *ctx, const struct address *to, const uint8_t *data, size_t octets)
{
	struct query_port *port = ctx;
	struct query *query = port->only;
	if (octets >= 2)
		query = find(port, to, wire_id(data));
	if (query != NULL && address_equal(&query->server->address, to))
		try_failed(query, QUERY_REFUSED);
}

// ---- Source ports ---------------------------------------------------------------------------

static struct address local_address(const struct query_engine *engine, uint8_t family)
{
	const struct query_limits *limits = &engine->limits;
	struct address local = family == 4 ? limits->local_v4 : limits->local_v6;
	return local.family != 0 ? local : address_any(family, 0);
}

// A socket at a random port; the last attempt leaves the choice to the system.
static enum result port_bind(struct query_port *port, uint8_t family)
{
	static const struct loop_datagram_handler handler = {
	        .received = received, .unreachable = unreachable};
	struct query_engine *engine = port->engine;
	struct address local = local_address(engine, family);
	enum result code = RESULT_CONFLICT;
	for (int attempt = 0; attempt < 8 && code == RESULT_CONFLICT; attempt++) {
		uint32_t number;
		query_random(engine, &number, sizeof number);
		number = PORT_FIRST + number % (65536 - PORT_FIRST);
		local.port = attempt < 7 ? (uint16_t)number : 0;
		code = loop_datagram_open(
		        engine->loop, &local, &handler, port, &port->socket, NULL);
	}
	if (code == RESULT_OK)
		port->number = loop_datagram_local(port->socket).port;
	return code;
}

static enum result port_open(struct query_engine *engine, uint8_t family, struct query_port **out)
{
	struct query_port *port = engine->free_ports;
	if (port != NULL)
		engine->free_ports = port->next;
	else
		port = malloc(sizeof *port);
	if (port == NULL)
		return RESULT_MEMORY;
	*port = (struct query_port){.engine = engine};
	enum result code = port_bind(port, family);
	if (code != RESULT_OK) {
		port->next = engine->free_ports;
		engine->free_ports = port;
		return code;
	}
	*out = port;
	return RESULT_OK;
}

static void port_close(struct query_port *port)
{
	loop_datagram_close(port->socket);
	port->next = port->engine->free_ports;
	port->engine->free_ports = port;
}

// A random one of the shared ports, opened or replaced where it is due. One that is due but still
// waits for answers goes on until it does not.
static enum result port_share(struct query_engine *engine, uint8_t family, struct query_port **out)
{
	uint32_t choice;
	query_random(engine, &choice, sizeof choice);
	struct query_port **slot = &engine->ports[family == 6][choice % engine->limits.ports];
	bool due = *slot != NULL && (*slot)->uses >= engine->limits.port_uses;
	if (due && (*slot)->outstanding == 0) {
		port_close(*slot);
		*slot = NULL;
	}
	if (*slot == NULL) {
		enum result code = port_open(engine, family, slot);
		if (code != RESULT_OK)
			return code;
	}
	*out = *slot;
	return RESULT_OK;
}

static void port_release(struct query *query)
{
	struct query_port *port = query->port;
	query->port = NULL;
	port->outstanding--;
	if (query->engine->limits.ports == 0)
		port_close(port);
}

void udp_free(struct query_engine *engine)
{
	for (int family = 0; family < 2; family++)
		for (unsigned i = 0; i < engine->limits.ports; i++)
			if (engine->ports[family][i] != NULL)
				port_close(engine->ports[family][i]);
	while (engine->free_ports != NULL) {
		struct query_port *port = engine->free_ports;
		engine->free_ports = port->next;
		free(port);
	}
}

// ---- Tries ----------------------------------------------------------------------------------

// An ID that no other query from this port to this address has; false where there is none.
static bool choose_id(struct query *query)
{
	const struct address *server = &query->server->address;
	if (query->fixed) {
		query->id = wire_id(query->wire);
		return find(query->port, server, query->id) == NULL;
	}
	for (int attempt = 0; attempt < 16; attempt++) {
		query_random(query->engine, &query->id, sizeof query->id);
		if (find(query->port, server, query->id) == NULL) {
			wire_set_id(query->wire, query->id);
			return true;
		}
	}
	return false;
}

static enum try_start fail(struct query *query)
{
	query->state = STATE_FAILED;
	query->why = QUERY_FAILED;
	return TRY_STARTED;
}

enum try_start udp_start(struct query *query)
{
	struct query_engine *engine = query->engine;
	uint8_t family = query->server->address.family;
	bool shared = engine->limits.ports > 0;
	enum result code = shared ? port_share(engine, family, &query->port)
	                          : port_open(engine, family, &query->port);
	if (code == RESULT_LIMIT && engine->outstanding > 0)
		return TRY_NOT_NOW;
	if (code != RESULT_OK)
		return fail(query);
	struct query_port *port = query->port;
	port->uses++;
	port->outstanding++;
	port->only = shared ? NULL : query;
	if (!choose_id(query)) {
		port_release(query);
		return TRY_NOT_HERE; // a fixed ID that is on the wire already
	}
	code = loop_datagram_send(
	        port->socket, &query->server->address, query->wire, query->wire_octets);
	if (code == RESULT_NETWORK) {
		port_release(query);
		return fail(query);
	}
	// A full buffer of the kernel is the same as a datagram lost on its way.
	engine->stats.sent_udp++;
	query->state = STATE_UDP;
	table_enter(query);
	return TRY_STARTED;
}

void udp_let_go(struct query *query)
{
	table_leave(query);
	port_release(query);
}
