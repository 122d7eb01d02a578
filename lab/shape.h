// The shapes that a lab can have: which zone moves, who delegates it, which servers there are, and
// how they start.
//
// A shape is one file, shape_NAME.c: data (zone, parties, servers, addresses) and a function that
// starts the name servers, from the leaves to the root, with the verbs of boot_internal.h. A third
// one is such a file, its line in shape.c, and its configuration in lab/templates.
//
//     const struct shape *shape = shape_find("tld");     // NULL: there is none of this name
//     shape->plan.party[LAB_LOSING].server[0].v4         // "192.0.2.11"
//
// All of it is constant.
#pragma once

#include "lab.h"

struct boot;

struct shape {
	const char *name, *about;
	unsigned names; // n000001 … in the zone, where it is not said how many
	// Each of these names is a delegation, every third one with a DS record; otherwise it has a
	// TXT record.
	bool delegations;
	bool any_signer;      // in the operators' places; otherwise those of the plan
	struct lab_info plan; // what is known before a lab has a folder
	enum result (*start)(struct boot *boot);
};

// By name; NULL stands for the usual one.
const struct shape *shape_find(const char *name);
// The n-th of them, from 0; NULL behind the last.
const struct shape *shape_nth(size_t n);

// The addresses that all shapes have in common.
#define SHAPE_CLIENT .client_v4 = "198.51.100.100", .client_v6 = "2001:db8:c::1"
#define SHAPE_RESOLVERS                                                                            \
	.resolver =                                                                                \
	        {                                                                                  \
	                {"unbound", "unbound", "", "198.51.100.53", "2001:db8:53::1"},             \
	                {"bind", "bind", "", "198.51.100.54", "2001:db8:53::2"},                   \
	                {"kresd", "knot-resolver", "", "198.51.100.55", "2001:db8:53::3"},         \
	                {"forwarded", "unbound", "", "198.51.100.56", "2001:db8:53::4"},           \
	},                                                                                         \
	.forwarder = {"forwarder", "unbound", "", "198.51.100.57", "2001:db8:53::5"}
