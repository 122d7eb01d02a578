// Private to src/observe: a discovery's insides. discover.c asks, discover_read.c understands what
// comes back.
#pragma once

#include "dns/message.h"
#include "observe/discover.h"

// A name server that was named somewhere, and what is known of it.
struct found_server {
	struct dns_name name; // in lower case
	bool looked_up;       // resolvers were asked for its addresses, or need not be
	size_t address_count;
	struct address addresses[OBSERVE_MAX_ADDRESSES];
	bool asked[OBSERVE_MAX_ADDRESSES]; // for what this kind of server has to say
};

struct found_list {
	const char *whose; // "the parent", "the zone", for sentences
	size_t count;
	struct found_server servers[OBSERVE_MAX_SERVERS];
};

struct given_server {
	char publisher[SAFETY_NAME];
	bool is_named, asked;
	struct dns_name name;
	struct address address;
};

enum ask_about {
	ASK_CUT,        // is there a zone of this name (SOA)?
	ASK_NAMES,      // a resolver: the parent's NS set
	ASK_ADDRESS,    // a resolver: A or AAAA of a name server
	ASK_NEGATIVE,   // a server of the parent: its SOA
	ASK_PARENT_NS,  // a server of the parent: the parent's NS set
	ASK_DELEGATION, // a server of the parent: the zone's NS set
	ASK_CHILD_NS,   // a server of the zone: the zone's NS set
};

struct ask {
	struct discover *d;
	enum ask_about about;
	bool recursive;
	size_t resolver; // which one is asked, where recursive
	struct address server;
	struct dns_name name;
	uint16_t type;
	struct found_server *of; // ASK_ADDRESS
	struct query *query;     // NULL where it is over
	struct ask *next;
};

enum cut { CUT_UNKNOWN, CUT_NO, CUT_YES };

struct discover {
	struct loop *loop;
	struct query_engine *engine;
	struct arena *arena;
	struct loop_timer turn, deadline;
	discover_done *done;
	void *ctx;

	struct dns_name zone, parent; // parent: the candidate, until the cut is found
	bool cut_found;
	enum cut cut; // what the present candidate is
	struct address resolvers[DISCOVER_MAX_RESOLVERS];
	size_t resolver_count;
	bool parent_given, child_given, names_missing;
	size_t given_count;
	struct given_server *given; // of groups
	struct found_list parent_list, child_list;
	size_t delegations, denials; // how many addresses of the parent said so
	int64_t negative_ttl_s;

	int64_t timeout_ms;
	unsigned tries;
	struct ask *asks;
	size_t pending;
	enum result failed; // RESULT_OK while all is well
	struct error error;
	size_t note_count;
	const char *notes[DISCOVER_MAX_NOTES];
};

void discover_note(struct discover *d, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
// The end of it; the first failure counts.
void discover_fail(struct discover *d, enum result code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

// What a message says to a question. false: nothing that answers it, and somebody else may be
// asked.
bool discover_read(struct ask *ask, const struct dns_message *message);

// An address that a name server can have; others are noted and left aside.
void found_address(struct discover *d, struct found_server *server, const struct address *address);

// What was found, and what was given, as a subject. RESULT_LIMIT, RESULT_MEMORY.
enum result discover_subject(
        const struct discover *d, struct observe_subject **subject, struct error *err);
