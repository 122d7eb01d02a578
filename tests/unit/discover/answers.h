// Hosts on the simulated network that answer from a table, for the tests of discovery: whatever a
// test writes, true or not, they say it.
//
//     struct host parent = {.rules = {{"example.test.", "NS", "", .authority =
//             "example.test. 7 NS ns1.losing.test."}}};
//     host_put(sim, "198.51.100.11", &parent);
//
// The first rule with the name and the type counts; "*" is any. Records are separated by "|". What
// no rule is for is REFUSED.
#pragma once

#include "net/sim.h"

enum { RULES = 48 };

struct rule {
	const char *name, *type;
	const char *how; // words: aa nxdomain servfail silent forged cut
	const char *answer, *authority, *additional;
};

struct host {
	struct rule rules[RULES];
	unsigned asked;          // requests so far
	const struct host * or ; // asked where no rule is for it
	// Called before anything else; true when it has answered.
	bool (*before)(struct host *host, const struct sim_request *request);
};

struct address address_of(const char *text);
void host_put(struct sim *sim, const char *address, struct host *host);
void host_put_behind(
        struct sim *sim, const char *address, struct host *host, const struct sim_link *link);
// Puts a rule in front of the others.
void host_first(struct host *host, struct rule rule);
// Answers with this rule.
void host_say(const struct sim_request *request, const struct rule *rule);
