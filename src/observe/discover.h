// Discovery: from a zone's name to what has to be observed. Who is the parent, which servers has
// it, to which servers does it delegate the zone, which servers does the zone itself name, and what
// are the addresses of them all.
//
//     struct discover_options options = {.resolvers = &resolver, .resolver_count = 1};
//     struct discover *discover;
//     discover_start(loop, engine, "example.test", &options, found, ctx, &discover, err);
//     ...
//     static void found(void *ctx, const struct discover_found *found)
//     {
//             if (found->result == RESULT_OK)
//                     ctx->subject = found->subject;              // ours from now on
//             else
//                     complain(found->error.text);
//     }
//     ...
//     discover_free(discover);
//
// How it looks. The parent is the nearest name above the zone that has an SOA record of its own,
// found by walking up with a resolver's help. The parent's servers are those of its NS set, as the
// resolver and as each of these servers gives it. Each of their addresses is asked for the
// delegation of the zone (RFC 1034 4.2.1), each address of the servers found so for the zone's own
// NS set, until no new name comes up: the group "child" has all of them. A name server's addresses
// are those that resolvers know and the parent's glue.
//
// Resolvers are asked plain questions, recursion desired, checking disabled (a bogus zone is to be
// found, too); several are asked in turn where one gives nothing usable. What comes back is
// checked: the right name, the right type, no alias in place of a name server's addresses (RFC 2181
// 10.3), no address that cannot be one of a server (loopback, multicast and the like), no more than
// a declared number of names and addresses. Discovery decides only who is asked; what they say is
// verified by the observation afterwards.
//
// What the caller gives is not looked for: given addresses of the parent stand for all its servers,
// and where one address of any group of the zone's servers is given, the given groups are all there
// are. A given server whose name is not given gets the name that the NS sets give to its address,
// or else one that no server has, "unnamed-3.invalid.".
//
// Memory: a discovery is the caller's, discover_free() ends it at any time but from inside a
// callback of the query engine; loop and engine outlive it. The callback comes once, from the loop,
// and may free the discovery. Errors of discover_start: RESULT_INPUT for a zone that is none or the
// root and for given names that are none, RESULT_NOT_FOUND without a resolver where one is needed,
// RESULT_MEMORY. What comes by the callback: RESULT_NETWORK where nobody gave a usable answer,
// RESULT_NOT_FOUND where the parent knows of no such delegation, RESULT_LIMIT for NS sets beyond
// the maximum, RESULT_TIMEOUT.
#pragma once

#include "net/loop.h"
#include "net/query.h"
#include "observe/subject.h"

enum { DISCOVER_MAX_RESOLVERS = 8, DISCOVER_MAX_GIVEN = 128, DISCOVER_MAX_NOTES = 32 };

#define DISCOVER_UNNAMED "unnamed-"

struct discover_given {
	const char *publisher; // "parent", or the name of a group
	const char *server;    // its name, NULL where it is not known
	struct address address;
};

// Zero means the default. Everything is copied.
struct discover_options {
	const struct address *resolvers;
	size_t resolver_count;
	const struct discover_given *given;
	size_t given_count;
	int64_t deadline_ms; // for everything, default 30 s
	int64_t timeout_ms;  // of the first try of a question, default 1 s
	unsigned tries;      // of each question, default 3
};

struct discover_found {
	enum result result;
	struct error error;              // where it is not RESULT_OK
	struct observe_subject *subject; // the callee's: observe_subject_free(); NULL on failure
	// The largest TTL of the proof that something is not in the parent zone (RFC 2308 5), as
	// its servers' SOA records have it; -1 where none was seen.
	int64_t negative_ttl_s;
	// Sentences about what was odd and left aside; good during the callback.
	size_t note_count;
	const char *const *notes;
};

typedef void discover_done(void *ctx, const struct discover_found *found);

struct discover;
enum result discover_start(struct loop *loop, struct query_engine *engine, const char *zone,
        const struct discover_options *options, discover_done *done, void *ctx,
        struct discover **discover, struct error *err);
// Without a callback if it is running. NULL is fine.
void discover_free(struct discover *discover);

// The resolvers that a text in the form of resolv.conf(5) names, at most max; scoped addresses and
// lines of other kinds are passed over. Returns how many.
size_t discover_resolvers(const char *text, struct address *resolvers, size_t max);
