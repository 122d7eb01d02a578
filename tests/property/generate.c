#include "generate.h"

#include <stdlib.h>
#include <string.h>

enum { PARENT, A, B, C };
enum care { EXACT, ONE_SHORT, SLOPPY, WILD, CARES };

struct build {
	struct generated *g;
	const struct random *random;
	enum care care;
	int now;
	bool spoilt;
};

static int pick(const struct build *b, int from, int to)
{
	return from + (int)random_below(b->random, (uint64_t)(to - from + 1));
}

static bool chance(const struct build *b, int percent)
{
	return pick(b, 1, 100) <= percent;
}

static int bit(int number)
{
	return 1 << number;
}

static int ds(int key)
{
	return 1 << (2 * key);
}

static int other_ds(int key)
{
	return 2 << (2 * key);
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int ttl(const struct build *b, enum gen_ttl t)
{
	return b->g->start.ttl[t];
}

static void put(struct gen_event *e, int publisher, enum gen_field field, int value)
{
	e->has[publisher][field] = true;
	e->value[publisher][field] = value;
}

static void begin(struct build *b, int publisher, enum gen_field field, int value)
{
	put(&b->g->start, publisher, field, value);
}

static void group(struct build *b, int number, int ns, int dnskey, int signers, int data)
{
	begin(b, number, GEN_NS, ns);
	begin(b, number, GEN_DNSKEY, dnskey);
	begin(b, number, GEN_SIGNERS, signers);
	begin(b, number, GEN_DATA, data);
	b->g->groups = max(b->g->groups, number);
}

static struct gen_event new_event(int at)
{
	struct gen_event e = {.at = at};
	for (int t = 0; t < GEN_TTLS; t++)
		e.ttl[t] = -1;
	return e;
}

static struct gen_event *last_event(struct build *b)
{
	struct generated *g = b->g;
	if (g->events == 0 || (g->event[g->events - 1].at != b->now && g->events < GEN_EVENTS))
		g->event[g->events++] = new_event(b->now);
	return &g->event[g->events - 1];
}

static void change(struct build *b, int publisher, enum gen_field field, int value)
{
	put(last_event(b), publisher, field, value);
}

// Waits, more or less as long as it ought to.
static void wait(struct build *b, int hours)
{
	if (b->care == ONE_SHORT && !b->spoilt && chance(b, 45)) {
		hours -= chance(b, 80) ? 1 : 2;
		b->spoilt = true;
	} else if (b->care == SLOPPY) {
		hours += pick(b, -1, 1);
	} else if (b->care == WILD) {
		hours = pick(b, 0, 8);
	} else if (chance(b, 15)) {
		hours += pick(b, 1, 3);
	}
	b->now += max(hours, 0);
}

static int ns_memory(const struct build *b)
{
	return ttl(b, GEN_TTL_PARENT) + ttl(b, GEN_TTL_CHILD) + b->g->lag[0];
}

static void one_operator(struct build *b, int keys, int dnskey, int signers, int data, int ds_set)
{
	b->g->keys = keys;
	begin(b, PARENT, GEN_DS, ds_set);
	begin(b, PARENT, GEN_NS, bit(A));
	group(b, A, bit(A), dnskey, signers, data);
	b->now = pick(b, 0, 2);
}

// After a change of the DS set: waits until the old one has left the caches, or else until its
// signature has run out, where that comes first.
static void wait_for_ds(struct build *b)
{
	int hours = ttl(b, GEN_TTL_DS) + b->g->lag[0];
	if (chance(b, 20)) {
		hours = pick(b, b->g->lag[0], hours);
		begin(b, PARENT, GEN_UNTIL, b->now + hours);
		change(b, PARENT, GEN_UNTIL, 500);
	}
	wait(b, hours);
}

static void shape_ksk(struct build *b)
{
	one_operator(b, 3, bit(0) | bit(2), bit(0), bit(2), ds(0));
	change(b, A, GEN_DNSKEY, bit(0) | bit(1) | bit(2));
	change(b, A, GEN_SIGNERS, bit(0) | bit(1));
	wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, PARENT, GEN_DS, ds(1));
	wait_for_ds(b);
	change(b, A, GEN_DNSKEY, bit(1) | bit(2));
	change(b, A, GEN_SIGNERS, bit(1));
}

static void shape_double_ds(struct build *b)
{
	one_operator(b, 3, bit(0) | bit(2), bit(0), bit(2), ds(0));
	change(b, PARENT, GEN_DS, ds(0) | (chance(b, 20) ? other_ds(1) : ds(1)));
	wait(b, ttl(b, GEN_TTL_DS) + b->g->lag[0]);
	change(b, A, GEN_DNSKEY, bit(1) | bit(2));
	change(b, A, GEN_SIGNERS, bit(1));
	wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, PARENT, GEN_DS, ds(1));
}

static void shape_zsk(struct build *b)
{
	int key_ttl = ttl(b, GEN_TTL_KEY);
	one_operator(b, 3, bit(0) | bit(1), bit(0), bit(1), ds(0));
	if (chance(b, 30)) { // with a TTL that is lowered first
		int low = pick(b, 0, key_ttl);
		last_event(b)->ttl[GEN_TTL_KEY] = low;
		wait(b, key_ttl + b->g->lag[1] - low);
		key_ttl = low;
	}
	change(b, A, GEN_DNSKEY, bit(0) | bit(1) | bit(2));
	wait(b, key_ttl + b->g->lag[1]);
	change(b, A, GEN_DATA, bit(2));
	wait(b, ttl(b, GEN_TTL_DATA) + b->g->lag[1]);
	change(b, A, GEN_DNSKEY, bit(0) | bit(2));
}

static void shape_csk(struct build *b)
{
	one_operator(b, 2, bit(0), bit(0), bit(0), ds(0));
	change(b, A, GEN_DNSKEY, bit(0) | bit(1));
	change(b, A, GEN_SIGNERS, bit(0) | bit(1));
	wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, PARENT, GEN_DS, ds(1));
	change(b, A, GEN_DATA, bit(1));
	wait(b, max(ttl(b, GEN_TTL_DS) + b->g->lag[0], ttl(b, GEN_TTL_DATA) + b->g->lag[1]));
	change(b, A, GEN_DNSKEY, bit(1));
	change(b, A, GEN_SIGNERS, bit(1));
}

static void shape_algorithm(struct build *b)
{
	int old = bit(0) | bit(1), both = bit(0) | bit(1) | bit(2) | bit(3), new = bit(2) | bit(3);
	one_operator(b, 4, old, bit(0), bit(1), ds(0));
	b->g->algorithm[0] = b->g->algorithm[1] = 8;
	change(b, A, GEN_DATA, bit(1) | bit(3));
	wait(b, ttl(b, GEN_TTL_DATA) + b->g->lag[1]);
	change(b, A, GEN_DNSKEY, both);
	change(b, A, GEN_SIGNERS, bit(0) | bit(2));
	wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, PARENT, GEN_DS, chance(b, 50) ? ds(2) : ds(0) | ds(2));
	wait(b, ttl(b, GEN_TTL_DS) + b->g->lag[0]);
	if (chance(b, 50)) {
		change(b, PARENT, GEN_DS, ds(2));
		wait(b, ttl(b, GEN_TTL_DS) + b->g->lag[0]);
	}
	change(b, A, GEN_DNSKEY, new);
	change(b, A, GEN_SIGNERS, bit(2));
	wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, A, GEN_DATA, bit(3));
}

static void two_operators(struct build *b, int b_keys)
{
	b->g->keys = 4;
	begin(b, PARENT, GEN_DS, ds(0));
	begin(b, PARENT, GEN_NS, bit(A));
	group(b, A, bit(A), bit(0) | bit(1), bit(0), bit(1));
	group(b, B, bit(B), b_keys, bit(2), bit(3));
	if (chance(b, 25))
		b->g->algorithm[2] = b->g->algorithm[3] = 8;
	b->now = pick(b, 0, 2);
}

static void shape_operator(struct build *b)
{
	two_operators(b, bit(1) | bit(2) | bit(3));
	bool lame = chance(b, 20);
	if (lame)
		begin(b, B, GEN_SERVING, 0);
	change(b, A, GEN_DNSKEY, bit(0) | bit(1) | bit(3));
	change(b, PARENT, GEN_DS, ds(0) | ds(2));
	if (lame)
		change(b, B, GEN_SERVING, 1);
	wait(b, max(ttl(b, GEN_TTL_KEY) + b->g->lag[1], ttl(b, GEN_TTL_DS) + b->g->lag[0]));
	if (chance(b, 30)) {
		change(b, A, GEN_NS, bit(B));
		wait(b, b->g->lag[1]);
	}
	change(b, PARENT, GEN_NS, bit(B));
	wait(b, ns_memory(b));
	if (chance(b, 50))
		change(b, A, GEN_SERVING, 0);
	wait(b, ttl(b, GEN_TTL_KEY));
	change(b, PARENT, GEN_DS, ds(2));
	wait(b, ttl(b, GEN_TTL_DATA) - ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	change(b, B, GEN_DNSKEY, bit(2) | bit(3));
}

static void shape_insecure(struct build *b)
{
	two_operators(b, bit(2) | bit(3));
	change(b, PARENT, GEN_DS, 0);
	wait(b, ttl(b, GEN_TTL_DS) + b->g->lag[0] + ttl(b, GEN_TTL_KEY));
	change(b, PARENT, GEN_NS, bit(B));
	wait(b, ns_memory(b) + max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DATA)));
	change(b, PARENT, GEN_DS, ds(2));
}

static void shape_leave(struct build *b)
{
	b->g->keys = 4;
	begin(b, PARENT, GEN_DS, ds(0) | ds(2));
	begin(b, PARENT, GEN_NS, bit(A) | bit(B));
	group(b, A, bit(A) | bit(B), bit(0) | bit(1) | bit(3), bit(0), bit(1));
	group(b, B, bit(A) | bit(B), bit(1) | bit(2) | bit(3), bit(2), bit(3));
	b->now = pick(b, 0, 2);
	change(b, B, GEN_NS, bit(B));
	wait(b, b->g->lag[1]);
	change(b, PARENT, GEN_NS, bit(B));
	wait(b, ns_memory(b) + max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DATA)));
	change(b, PARENT, GEN_DS, ds(2));
	change(b, B, GEN_DNSKEY, bit(2) | bit(3));
}

static void shape_back_end(struct build *b)
{
	int old = bit(0) | bit(1), all = bit(0) | bit(1) | bit(2) | bit(3), new = bit(2) | bit(3);
	two_operators(b, old);
	group(b, B, bit(A), old, bit(0), bit(1));
	for (int g = A; g <= B; g++) {
		change(b, g, GEN_DNSKEY, all);
		change(b, g, GEN_NS, bit(A) | bit(B));
	}
	wait(b, b->g->lag[1]);
	change(b, PARENT, GEN_NS, bit(A) | bit(B));
	change(b, PARENT, GEN_DS, ds(0) | ds(2));
	wait(b, max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DS) + b->g->lag[0]));
	for (int g = A; g <= B; g++) {
		change(b, g, GEN_SIGNERS, bit(2));
		change(b, g, GEN_DATA, bit(3));
		change(b, g, GEN_NS, bit(B));
	}
	wait(b, max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DATA)) + b->g->lag[1]);
	change(b, PARENT, GEN_NS, bit(B));
	change(b, B, GEN_DNSKEY, new);
	change(b, A, GEN_DNSKEY, new);
	wait(b, pick(b, 0, 3));
	change(b, PARENT, GEN_DS, ds(2));
}

static void shape_bootstrap(struct build *b)
{
	one_operator(b, 3, bit(0) | bit(1), bit(0), bit(1), 0);
	if (chance(b, 50)) { // signed only lately
		begin(b, A, GEN_DNSKEY, 0);
		begin(b, A, GEN_SIGNERS, 0);
		begin(b, A, GEN_DATA, 0);
		change(b, A, GEN_DNSKEY, bit(0) | bit(1));
		change(b, A, GEN_SIGNERS, bit(0));
		change(b, A, GEN_DATA, bit(1));
		wait(b, max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DATA)) + b->g->lag[1]);
	}
	change(b, PARENT, GEN_DS, ds(0));
	if (chance(b, 50)) {
		wait(b, pick(b, 1, 6));
		change(b, PARENT, GEN_DS, 0);
		wait(b, ttl(b, GEN_TTL_DS) + b->g->lag[0] + ttl(b, GEN_TTL_KEY));
		change(b, A, GEN_DNSKEY, bit(2));
		change(b, A, GEN_SIGNERS, bit(2));
		change(b, A, GEN_DATA, bit(2));
	}
}

// Signatures that are renewed before, at or after the last moment.
static void shape_signatures(struct build *b)
{
	one_operator(b, 2, bit(0) | bit(1), bit(0), bit(1), chance(b, 85) ? ds(0) : 0);
	int publisher = chance(b, 50) ? A : PARENT, end = pick(b, 8, 20);
	int longest = publisher == PARENT ? ttl(b, GEN_TTL_DS)
	                                  : max(ttl(b, GEN_TTL_KEY), ttl(b, GEN_TTL_DATA));
	if (chance(b, 50))
		begin(b, publisher, GEN_UNTIL, end);
	else
		change(b, publisher, GEN_UNTIL, end);
	b->now = max(0, end - longest - b->g->lag[publisher == A]);
	b->now = max(0, b->now - pick(b, -1, 1));
	change(b, publisher, GEN_UNTIL, 500);
	if (chance(b, 40))
		change(b, publisher, GEN_FROM, max(0, b->now + pick(b, -3, 1)));
	wait(b, pick(b, 0, 4));
	if (chance(b, 40))
		change(b, A, GEN_DNSKEY, bit(0));
	if (chance(b, 20))
		change(b, PARENT, GEN_DS, 0);
}

static void shape_hops(struct build *b)
{
	one_operator(b, 3, bit(0) | bit(1), bit(0), bit(1), ds(0));
	bool own = chance(b, 50);
	group(b, A, bit(A) | bit(chance(b, 60) ? B : A), bit(0) | bit(1), bit(0), bit(1));
	group(b, B, bit(chance(b, 60) ? C : B) | (chance(b, 50) ? bit(A) : 0), bit(0) | bit(1),
	        bit(0), bit(1));
	group(b, C, bit(C), bit(own ? 2 : 0) | bit(1), bit(own ? 2 : 0), bit(1));
	if (chance(b, 50))
		change(b, A, GEN_NS, bit(A));
	if (chance(b, 50))
		change(b, PARENT, GEN_NS, bit(pick(b, A, C)));
	wait(b, ns_memory(b));
	if (chance(b, 70))
		change(b, pick(b, A, C), chance(b, 50) ? GEN_SERVING : GEN_DATA, 0);
	wait(b, pick(b, 0, 6));
	if (chance(b, 50))
		change(b, B, GEN_NS, bit(A) | bit(B));
}

static void shape_serving(struct build *b)
{
	one_operator(b, 2, bit(0) | bit(1), bit(0), bit(1), ds(0));
	group(b, B, bit(B), bit(0) | bit(1), bit(0), bit(1));
	begin(b, B, GEN_SERVING, 0);
	change(b, B, GEN_SERVING, 1);
	wait(b, b->g->lag[1]);
	change(b, PARENT, GEN_NS, bit(B) | (chance(b, 40) ? bit(A) : 0));
	wait(b, ns_memory(b));
	change(b, A, GEN_SERVING, 0);
	wait(b, pick(b, 0, 4));
	if (chance(b, 30))
		change(b, A, GEN_SERVING, 1);
}

// A second algorithm that the DS set promises, and that the zone has only since 0s: strict readers
// could not trust the DNSKEY set of before, lenient ones did.
static void shape_mended(struct build *b)
{
	one_operator(b, 4, bit(0) | bit(1), bit(0), bit(1), ds(0) | ds(2));
	b->now = 0;
	b->g->algorithm[2] = b->g->algorithm[3] = 8;
	change(b, A, GEN_DNSKEY, bit(0) | bit(1) | bit(2) | bit(3));
	change(b, A, GEN_SIGNERS, bit(0) | bit(2));
	if (chance(b, 50)) {
		change(b, A, GEN_DATA, bit(1) | bit(3));
		wait(b, ttl(b, GEN_TTL_KEY) + b->g->lag[1]);
	}
	change(b, A, GEN_DATA, bit(3) | bit(chance(b, 50) ? 0 : 1));
	if (chance(b, 80))
		b->g->lag[1] = 0;
	if (chance(b, 50))
		b->g->lag[0] = 0;
}

static void random_change(struct build *b)
{
	int publisher = pick(b, PARENT, b->g->groups);
	int field = pick(b, GEN_DS, GEN_SERVING), value = 0;
	if ((field == GEN_DS) != (publisher == PARENT))
		field = GEN_NS;
	for (int i = 0; i < 2; i++) {
		if (field == GEN_DS)
			value |= chance(b, 80) ? ds(pick(b, 0, b->g->keys - 1)) : 0;
		else if (field == GEN_NS)
			value |= bit(pick(b, A, b->g->groups));
		else
			value |= bit(pick(b, 0, b->g->keys - 1));
	}
	if (field == GEN_SERVING)
		value = pick(b, 0, 1);
	change(b, publisher, (enum gen_field)field, value);
}

static void shape_random(struct build *b)
{
	b->g->keys = pick(b, 1, 4);
	int groups = pick(b, 1, 3), key = b->g->keys - 1;
	begin(b, PARENT, GEN_DS, chance(b, 80) ? ds(0) : 0);
	begin(b, PARENT, GEN_NS, bit(A));
	for (int g = A; g <= groups; g++)
		group(b, g, chance(b, 50) ? bit(A) : bit(pick(b, A, groups)) | bit(g),
		        bit(0) | bit(key), bit(0), bit(key));
	b->now = pick(b, 0, 2);
	for (int n = pick(b, 0, 5); n > 0; n--) {
		random_change(b);
		wait(b, pick(b, 0, 10));
	}
}

static const struct {
	const char *name;
	void (*make)(struct build *b);
} shapes[] = {
        {"ksk", shape_ksk},
        {"double-ds", shape_double_ds},
        {"zsk", shape_zsk},
        {"csk", shape_csk},
        {"algorithm", shape_algorithm},
        {"operator", shape_operator},
        {"insecure", shape_insecure},
        {"leave", shape_leave},
        {"back-end", shape_back_end},
        {"bootstrap", shape_bootstrap},
        {"signatures", shape_signatures},
        {"hops", shape_hops},
        {"serving", shape_serving},
        {"mended", shape_mended},
        {"random", shape_random},
};

// The latest value of a set before an event, to change one bit of it.
static int value_before(
        const struct generated *g, const struct gen_event *end, int publisher, enum gen_field field)
{
	int value = g->start.value[publisher][field];
	for (int i = 0; i < g->events && &g->event[i] != end; i++)
		if (g->event[i].has[publisher][field])
			value = g->event[i].value[publisher][field];
	return value;
}

static void toggle(struct build *b, struct gen_event *e)
{
	int publisher = pick(b, PARENT, b->g->groups);
	int field = publisher == PARENT ? pick(b, GEN_DS, GEN_NS) : pick(b, GEN_NS, GEN_DATA);
	int value = e->has[publisher][field]
	                    ? e->value[publisher][field]
	                    : value_before(b->g, e, publisher, (enum gen_field)field);
	if (field == GEN_NS)
		value ^= bit(pick(b, A, b->g->groups));
	else if (field == GEN_DS)
		value ^= chance(b, 80) ? ds(pick(b, 0, b->g->keys - 1))
		                       : other_ds(pick(b, 0, b->g->keys - 1));
	else
		value ^= bit(pick(b, 0, b->g->keys - 1));
	if (field != GEN_NS || value != 0)
		put(e, publisher, (enum gen_field)field, value);
}

// Something that was broken since long, and is mended at 0s.
static void begin_broken(struct build *b)
{
	struct generated *g = b->g;
	struct gen_event before = g->start;
	if (g->events == GEN_EVENTS)
		return;
	for (int i = g->events++; i > 0; i--)
		g->event[i] = g->event[i - 1];
	g->event[0] = new_event(0);
	toggle(b, &g->start);
	for (int p = PARENT; p <= g->groups; p++)
		for (int f = 0; f < GEN_FIELDS; f++)
			if (g->start.value[p][f] != before.value[p][f])
				put(&g->event[0], p, (enum gen_field)f, before.value[p][f]);
	for (int i = 0; i < 2; i++)
		g->lag[i] = chance(b, 70) ? 0 : g->lag[i];
}

static void disturb(struct build *b)
{
	struct generated *g = b->g;
	struct gen_event *e = g->events > 0 ? &g->event[pick(b, 0, g->events - 1)] : &g->start;
	int publisher = pick(b, PARENT, g->groups);
	switch (pick(b, 0, 9)) {
	case 0:
		toggle(b, &g->start);
		break;
	case 1:
		toggle(b, e);
		break;
	case 2:
		e->at = max(0, e->at + pick(b, -2, 2));
		break;
	case 3:
		e->ttl[pick(b, 0, GEN_TTLS - 1)] = pick(b, 0, 8);
		break;
	case 4:
		put(e, publisher, GEN_UNTIL, max(0, b->now + pick(b, -5, 15)));
		break;
	case 5:
		put(&g->start, publisher, chance(b, 60) ? GEN_UNTIL : GEN_FROM, pick(b, 0, 20));
		break;
	case 6:
		put(e, pick(b, A, g->groups), GEN_SERVING, pick(b, 0, 1));
		break;
	case 7:
		begin_broken(b);
		break;
	case 8:
		g->algorithm[pick(b, 0, g->keys - 1)] = 8;
		break;
	default:
		random_change(b);
		break;
	}
}

static void sort_events(struct generated *g)
{
	for (int i = 1; i < g->events; i++)
		for (int j = i; j > 0 && g->event[j].at < g->event[j - 1].at; j--) {
			struct gen_event e = g->event[j];
			g->event[j] = g->event[j - 1];
			g->event[j - 1] = e;
		}
}

static void choose_readers(struct build *b)
{
	struct generated *g = b->g;
	int n = pick(b, 1, 100);
	g->ns = n <= 70 ? "" : n <= 85 ? "sticky" : n <= 92 ? "child-centric" : "parent-centric";
	n = pick(b, 1, 100);
	g->strength = n <= 55 ? "" : n <= 75 ? "strict" : "lenient";
	g->floor = chance(b, 8) ? pick(b, 2, 6) : 0;
}

void generate(const struct random *random, struct generated *g)
{
	struct build b = {.g = g, .random = random};
	*g = (struct generated){.until = -1};
	for (int k = 0; k < GEN_KEYS; k++)
		g->algorithm[k] = 13;
	for (int t = 0; t < GEN_TTLS; t++)
		g->start.ttl[t] = chance(&b, 1) ? 0 : pick(&b, 1, 6);
	if (chance(&b, 80))
		g->start.ttl[GEN_TTL_NONE] = -1;
	for (int i = 0; i < 2; i++)
		g->lag[i] = chance(&b, 30) ? 0 : pick(&b, 1, 3);
	g->digest = chance(&b, 70) ? 4 : chance(&b, 60) ? 1 : 3;
	b.care = (enum care)(chance(&b, 45) ? EXACT : pick(&b, ONE_SHORT, CARES - 1));
	choose_readers(&b);
	size_t shape = (size_t)pick(&b, 0, sizeof(shapes) / sizeof(shapes[0]) - 1);
	g->shape = shapes[shape].name;
	shapes[shape].make(&b);
	if (chance(&b, 15) && g->groups < C)
		group(&b, g->groups + 1, bit(A), bit(0) | bit(1), bit(0), bit(1));
	for (int n = chance(&b, 35) ? pick(&b, 1, 3) : 0; n > 0; n--)
		disturb(&b);
	sort_events(g);
	int last = g->events > 0 ? g->event[g->events - 1].at : 0;
	if (chance(&b, 30))
		g->until = max(last, b.now + pick(&b, -3, 20));
}

// How the writer calls things, and in which order.
struct disguise {
	int group[GEN_PUBLISHERS], key[GEN_KEYS]; // orders
	char group_name[GEN_PUBLISHERS], key_name[GEN_KEYS];
};

static void shuffle(const struct random *random, int *order, int n)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0 && random != NULL; i--) {
		int j = (int)random_below(random, (uint64_t)(i + 1)), hold = order[i];
		order[i] = order[j];
		order[j] = hold;
	}
}

static struct disguise choose_disguise(const struct random *random)
{
	struct disguise d;
	int name[26];
	shuffle(random, d.group, GEN_PUBLISHERS);
	shuffle(random, d.key, GEN_KEYS);
	shuffle(random, name, 26);
	for (int i = 1; i < GEN_PUBLISHERS; i++)
		d.group_name[i] = (char)('A' + name[i - 1]);
	for (int i = 0; i < GEN_KEYS; i++)
		d.key_name[i] = (char)('A' + name[i + (random != NULL ? 4 : 0)]);
	return d;
}

static const char *const field_word[GEN_FIELDS] = {"ds", "ns", "dnskey", "dnskey-signers",
        "data-signers", "serving", "signatures-until", "signatures-from"};
static const char *const ttl_word[GEN_TTLS] = {
        "ds", "ds-none", "parent-ns", "child-ns", "dnskey", "data"};

static void write_key(
        const struct generated *g, const struct disguise *d, int key, struct buffer *out)
{
	buffer_printf(out, "K%c", d->key_name[key]);
	if (g->algorithm[key] != 13)
		buffer_printf(out, "/%d", g->algorithm[key]);
}

static void write_set(const struct generated *g, const struct disguise *d, enum gen_field field,
        int value, struct buffer *out)
{
	const char *comma = "";
	buffer_puts(out, "[");
	int n = field == GEN_DS ? 2 * GEN_KEYS : field == GEN_NS ? GEN_PUBLISHERS : GEN_KEYS;
	for (int i = 0; i < n; i++) {
		int number = field == GEN_DS   ? 2 * d->key[i / 2] + i % 2
		             : field == GEN_NS ? d->group[i]
		                               : d->key[i];
		if ((value & bit(number)) == 0)
			continue;
		buffer_puts(out, comma);
		if (field == GEN_NS)
			buffer_printf(out, "%c", d->group_name[number]);
		else
			write_key(g, d, field == GEN_DS ? number / 2 : number, out);
		if (field == GEN_DS && number % 2 == 1)
			buffer_printf(out, "@%d", g->digest);
		comma = ", ";
	}
	buffer_puts(out, "]");
}

static void write_publisher(const struct generated *g, const struct disguise *d,
        const struct gen_event *e, int publisher, struct buffer *out)
{
	const char *comma = "";
	if (publisher == PARENT)
		buffer_puts(out, "parent: {");
	else
		buffer_printf(out, "%c: {", d->group_name[publisher]);
	for (int f = 0; f < GEN_FIELDS; f++) {
		int value = e->value[publisher][f];
		if (!e->has[publisher][f])
			continue;
		buffer_printf(out, "%s%s: ", comma, field_word[f]);
		if (f == GEN_SERVING)
			buffer_puts(out, value ? "true" : "false");
		else if (f == GEN_UNTIL || f == GEN_FROM)
			buffer_printf(out, "%dh", value);
		else
			write_set(g, d, (enum gen_field)f, value, out);
		comma = ", ";
	}
	buffer_puts(out, "}");
}

static bool names_publisher(const struct gen_event *e, int publisher)
{
	for (int f = 0; f < GEN_FIELDS; f++)
		if (e->has[publisher][f])
			return true;
	return false;
}

static void write_ttls(const struct gen_event *e, const char *before, struct buffer *out)
{
	const char *comma = before;
	for (int t = 0; t < GEN_TTLS; t++)
		if (e->ttl[t] >= 0) {
			buffer_printf(out, "%s%s: %dh", comma, ttl_word[t], e->ttl[t]);
			comma = ", ";
		}
	if (comma != before)
		buffer_puts(out, "}");
}

static void write_event(const struct generated *g, const struct disguise *d,
        const struct gen_event *e, struct buffer *out)
{
	buffer_printf(out, "  - {at: %dh", e->at);
	for (int i = 0; i < GEN_PUBLISHERS; i++)
		if (names_publisher(e, d->group[i])) {
			buffer_puts(out, ", ");
			write_publisher(g, d, e, d->group[i], out);
		}
	write_ttls(e, ", ttl: {", out);
	buffer_puts(out, "}\n");
}

static void write_readers(const struct generated *g, struct buffer *out)
{
	const char *comma = "readers: {";
	if (g->ns[0] != '\0') {
		buffer_printf(out, "%sns: %s", comma, g->ns);
		comma = ", ";
	}
	if (g->strength[0] != '\0') {
		buffer_printf(out, "%salgorithms: %s", comma, g->strength);
		comma = ", ";
	}
	if (g->floor != 0) {
		buffer_printf(out, "%sttl-floor: %dh", comma, g->floor);
		comma = ", ";
	}
	if (comma[0] == ',')
		buffer_puts(out, "}\n");
}

void generated_write(const struct generated *g, const struct random *disguise, struct buffer *out)
{
	struct disguise d = choose_disguise(disguise);
	buffer_printf(out, "timeline: random-%s\n", g->shape);
	write_ttls(&g->start, "ttl: {", out);
	buffer_printf(out, "\nlag: {parent: %dh, child: %dh}\n", g->lag[0], g->lag[1]);
	write_readers(g, out);
	buffer_puts(out, "start:\n");
	for (int i = 0; i < GEN_PUBLISHERS; i++)
		if (names_publisher(&g->start, d.group[i])) {
			buffer_puts(out, "  ");
			write_publisher(g, &d, &g->start, d.group[i], out);
			buffer_puts(out, "\n");
		}
	buffer_puts(out, g->events > 0 ? "events:\n" : "events: []\n");
	for (int i = 0; i < g->events; i++)
		write_event(g, &d, &g->event[i], out);
	if (g->until >= 0)
		buffer_printf(out, "until: %dh\n", g->until);
}
