// Random small timelines: short versions of the procedures that people follow, with waits that are
// right, or wrong by an hour, and now and then one thing changed at random. All durations are whole
// hours.
//
//     struct generated g;
//     generate(&random, &g);
//     generated_write(&g, NULL, &buffer);              // as a timeline file
//     for (int i = 0; generated_simpler(&g, i, &smaller); i++) ...
//
// Plain memory; nothing has to be freed.
#pragma once

#include "base/buffer.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

enum { GEN_PUBLISHERS = 4, GEN_KEYS = 6, GEN_EVENTS = 14, GEN_TTLS = 6 };

// Sets are bit masks: of groups by publisher number, of keys by number, of DS records by key number
// times two, plus one for another digest type.
enum gen_field {
	GEN_DS,
	GEN_NS,
	GEN_DNSKEY,
	GEN_SIGNERS,
	GEN_DATA,
	GEN_SERVING,
	GEN_UNTIL,
	GEN_FROM,
	GEN_FIELDS
};

enum gen_ttl { GEN_TTL_DS, GEN_TTL_NONE, GEN_TTL_PARENT, GEN_TTL_CHILD, GEN_TTL_KEY, GEN_TTL_DATA };

struct gen_event {
	int at;
	bool has[GEN_PUBLISHERS][GEN_FIELDS];
	int value[GEN_PUBLISHERS][GEN_FIELDS];
	int ttl[GEN_TTLS]; // -1: not named
};

struct generated {
	const char *shape;
	int groups, keys, algorithm[GEN_KEYS];
	int digest; // the other digest type
	int lag[2];
	struct gen_event start; // with the TTLs of the start
	int events;
	struct gen_event event[GEN_EVENTS];
	int until;            // -1: not named
	const char *ns;       // "" where not named
	const char *strength; // "algorithms"; likewise
	int floor;            // 0: not named
};

void generate(const struct random *random, struct generated *g);

// The same timeline with other names and another order of publishers and keys where disguise is not
// NULL.
void generated_write(const struct generated *g, const struct random *disguise, struct buffer *out);

// The i-th way to make a timeline simpler; false where there are no more.
bool generated_simpler(const struct generated *g, int i, struct generated *simpler);
