// Private to src/technical: a gathering's insides. gather.c asks, gather_read.c understands what
// comes back.
#pragma once

#include "observe/discover.h"
#include "technical/technical.h"

enum gather_about {
	GATHER_DELEGATION, // a server of the parent: the zone's NS set
	GATHER_DS,         // a server of the parent: the zone's DS set
	GATHER_LOOK_UP,    // a resolver: A or AAAA of a name server
	GATHER_SERVER,     // an address of the zone: one of the questions
	GATHER_GLUE,       // an address of the zone: A or AAAA of a name server
};

struct gather_ask {
	struct technical_gather *g;
	enum gather_about about;
	enum technical_question question;
	struct technical_server *server;
	struct technical_address *address; // GATHER_SERVER
	struct technical_said *said;       // GATHER_GLUE
	struct address at;
	size_t resolver; // which one, where a resolver is asked
	struct dns_name name;
	uint16_t type;
	struct query *query; // NULL where it is over
	struct gather_ask *next;
};

enum gather_phase { GATHER_PARENT, GATHER_NAMES, GATHER_ADDRESSES, GATHER_SERVERS, GATHER_END };

struct technical_gather {
	struct loop *loop;
	struct query_engine *engine;
	struct random random;
	struct arena *arena;
	struct technical_facts facts;
	struct discover *discover;
	struct loop_timer turn;
	technical_gathered *done;
	void *ctx;

	enum gather_phase phase;
	size_t resolver_count, parent_count, asked_count;
	struct address resolvers[TECHNICAL_MAX_RESOLVERS], parents[TECHNICAL_MAX_PARENTS];
	int64_t timeout_ms;
	unsigned tries;
	struct gather_ask *asks;
	size_t pending;
	bool ended;
};

void gather_note(struct technical_gather *g, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

// The server of that name in a list of *count, added where there is room; NULL otherwise.
struct technical_server *gather_server(struct technical_gather *g, struct technical_server *list,
        size_t *count, const uint8_t *name);
// Adds what is not there yet; false where there is no room.
bool gather_add(struct technical_addresses *list, const struct address *address);

// What a message says to a question of the phases before the servers. false: nothing that answers
// it, and somebody else may be asked.
bool gather_read(struct gather_ask *ask, const struct dns_message *message);
