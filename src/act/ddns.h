// Acting by dynamic update (RFC 2136), signed with TSIG (RFC 8945), to one given server.
//
// All operations of a request go out in one UPDATE message, which a server applies as a whole or
// not at all, once and over TCP: an update is never sent twice by itself. NOERROR with a verified
// TSIG is "done". A correct answer with another RCODE is "refused", and so is an unsigned answer
// that says NOTAUTH or REFUSED because of our TSIG: forging one takes a position on the path, and
// the harm is a wrong "refused", which observation corrects. Everything else that was sent is
// "unknown".
#pragma once

#include "act/act.h"
#include "base/random.h"
#include "net/query.h"

struct act_ddns {
	struct loop *loop;
	struct query_engine *engine;
	struct random random; // message IDs
	struct address server;
	const char *zone; // the zone to be updated: the child for its DNSKEY set, the parent for DS
	const char *
	        key; // "algorithm:name:base64", or NULL: unsigned, for servers that trust addresses
	int64_t timeout_ms; // default 10 s
};

enum result act_ddns_new(const struct act_ddns *options, struct act **act, struct error *err);
