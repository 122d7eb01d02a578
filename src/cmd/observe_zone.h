// Who is to be asked about a zone, from the words of the command line, and what one look at it says
// about its TTLs. For the commands that look at zones which no file describes: watch, plan --zone.
#pragma once

#include "observe/discover.h"
#include "observe/round.h"
#include "procedure/plan.h"

enum { ZONE_MAX_SERVERS = 64 };

// As given. A server is "NAME=ADDRESS[@PORT]": NAME is `parent`, or the name of a group of the
// zone's servers, or either with the server's own name behind a slash ("losing/ns1.example.net").
// What is not given is looked for, with the help of the resolvers; without any, those of
// /etc/resolv.conf.
struct zone_who {
	const char *zone;
	const char *servers[ZONE_MAX_SERVERS];
	size_t server_count;
	const char *resolvers[DISCOVER_MAX_RESOLVERS];
	size_t resolver_count;
};

// Starts the discovery. RESULT_INPUT for words that cannot be used.
enum result observe_zone_discover(const struct zone_who *who, struct loop *loop,
        struct query_engine *engine, discover_done *done, void *ctx, struct discover **discover,
        struct error *err);

// "parent=6h,child=10m,losing=1h" into the subject; `child` means every group.
enum result observe_zone_lags(struct observe_subject *subject, const char *text, struct error *err);

// What the discovery had to say, on standard error: each once, and not what the error says as well.
void observe_zone_print_notes(const struct discover_found *found);

// Whether a gap says that something is missing now: not the past, which no look can show, nor what
// only people can declare.
bool observe_zone_is_missing(const struct observe_gap *gap, int64_t now_ms);

// Observes the zone once and puts the largest TTL of each kind into the scenario, and the length of
// its name, the algorithm of its keys (where it is one) and how large they are; kinds that the
// zone does not have stay as they are. What could not be seen is said on standard error, TTLs only
// where they are not given otherwise.
// RESULT_NETWORK where neither parent nor zone answered.
enum result observe_zone_ttls(const struct zone_who *who, struct scenario *scenario,
        const bool given[PROCEDURE_TTLS], struct error *err);
