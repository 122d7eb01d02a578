// Timeline files into the naive model's editions: the whole state of every publisher is kept, and
// after all events of one instant each kind is compared with what it was before.
#include "base/arena.h"
#include "base/yaml.h"
#include "naive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR (INT64_MAX / 4) // milliseconds until kingdom come; grid points after grid()

enum ttl { TTL_DS, TTL_DS_NONE, TTL_PARENT_NS, TTL_CHILD_NS, TTL_DNSKEY, TTL_DATA, TTLS };
static const char *const ttl_word[TTLS] = {
        "ds", "ds-none", "parent-ns", "child-ns", "dnskey", "data"};

// What one publisher does now.
struct state {
	bool ds[NAIVE_KEYS], group[NAIVE_GROUPS], key[NAIVE_KEYS], signer[NAIVE_KEYS];
	bool data[NAIVE_KEYS];
	bool silent;
	int64_t valid, stale;
};

struct reader {
	struct naive_timeline *tl;
	struct error *err;
	struct state now[NAIVE_GROUPS];
	bool has[NAIVE_GROUPS]; // named at the start
	int64_t ttl[TTLS], largest[TTLS];
	bool ds_none_given, was_signed;
	int64_t lag[2], floor, last_event;
	bool failed;
};

static void fail(struct reader *r, const struct yaml_node *node, const char *what)
{
	if (!r->failed)
		yaml_error(node, r->err, "%s", what);
	r->failed = true;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t duration(struct reader *r, const struct yaml_node *node)
{
	int64_t ms = 0;
	if (yaml_duration(node, "duration", &ms, r->err) != RESULT_OK)
		r->failed = true;
	return ms;
}

static int publisher_number(struct reader *r, const struct yaml_node *name)
{
	for (int i = 0; i < r->tl->publishers; i++)
		if (strcmp(r->tl->publisher[i], name->text) == 0)
			return i;
	fail(r, name, "unknown publisher");
	return 0;
}

// "Kb/8" into its number; the first use of a spelling makes a new key.
static int key_number(struct reader *r, const struct yaml_node *node, const char *text)
{
	struct naive_timeline *tl = r->tl;
	char name[48] = {0}, full[64];
	int algorithm = 13;
	if (sscanf(text, "%40[^/@]/%d", name, &algorithm) < 1)
		fail(r, node, "no key");
	snprintf(full, sizeof(full), "%s/%d", name, algorithm);
	for (int i = 0; i < tl->keys; i++)
		if (strcmp(tl->key[i], full) == 0)
			return i;
	if (tl->keys == NAIVE_KEYS) {
		fail(r, node, "too many keys");
		return 0;
	}
	memcpy(tl->key[tl->keys], full, sizeof(full));
	tl->algorithm[tl->keys] = algorithm;
	return tl->keys++;
}

// "Kb/8@4" into its number.
static int ds_number(struct reader *r, const struct yaml_node *node)
{
	struct naive_timeline *tl = r->tl;
	int key = key_number(r, node, node->text), digest = 2;
	const char *at = strchr(node->text, '@');
	if (at != NULL)
		digest = atoi(at + 1);
	for (int i = 0; i < tl->ds_records; i++)
		if (tl->ds_key[i] == key && tl->ds_digest[i] == digest)
			return i;
	if (tl->ds_records == NAIVE_KEYS) {
		fail(r, node, "too many DS records");
		return 0;
	}
	tl->ds_key[tl->ds_records] = key;
	tl->ds_digest[tl->ds_records] = digest;
	return tl->ds_records++;
}

static void read_set(struct reader *r, const struct yaml_node *list, bool *set, size_t octets,
        int (*number)(struct reader *r, const struct yaml_node *item))
{
	memset(set, 0, octets);
	for (size_t i = 0; list->kind == YAML_LIST && i < list->count; i++)
		set[number(r, list->items[i])] = true;
	if (list->kind != YAML_LIST)
		fail(r, list, "expected a list");
}

static int plain_key(struct reader *r, const struct yaml_node *item)
{
	return key_number(r, item, item->text);
}

static void read_publisher(struct reader *r, const struct yaml_node *map, struct state *s)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *word = map->keys[i]->text;
		const struct yaml_node *value = map->items[i];
		if (strcmp(word, "ds") == 0)
			read_set(r, value, s->ds, sizeof(s->ds), ds_number);
		else if (strcmp(word, "ns") == 0)
			read_set(r, value, s->group, sizeof(s->group), publisher_number);
		else if (strcmp(word, "dnskey") == 0)
			read_set(r, value, s->key, sizeof(s->key), plain_key);
		else if (strcmp(word, "dnskey-signers") == 0)
			read_set(r, value, s->signer, sizeof(s->signer), plain_key);
		else if (strcmp(word, "data-signers") == 0)
			read_set(r, value, s->data, sizeof(s->data), plain_key);
		else if (strcmp(word, "serving") == 0)
			s->silent = strcmp(value->text, "false") == 0;
		else if (strcmp(word, "signatures-from") == 0)
			s->valid = duration(r, value);
		else if (strcmp(word, "signatures-until") == 0)
			s->stale = duration(r, value);
		else
			fail(r, map->keys[i], "unknown word of a publisher");
	}
}

static void read_ttls(struct reader *r, const struct yaml_node *map)
{
	for (size_t i = 0; map != NULL && i < map->count; i++) {
		int t = 0;
		while (t < TTLS && strcmp(ttl_word[t], map->keys[i]->text) != 0)
			t++;
		if (t == TTLS) {
			fail(r, map->keys[i], "unknown TTL");
			return;
		}
		r->ttl[t] = duration(r, map->items[i]);
		r->ds_none_given |= t == TTL_DS_NONE;
	}
	if (!r->ds_none_given)
		r->ttl[TTL_DS_NONE] = r->ttl[TTL_DS];
	for (int t = 0; t < TTLS; t++)
		if (r->largest[t] < r->ttl[t])
			r->largest[t] = r->ttl[t];
}

// The edition of one kind that a publisher's state amounts to.
static struct naive_edition edition_of(const struct reader *r, int publisher, enum naive_kind kind)
{
	const struct state *s = &r->now[publisher];
	struct naive_edition e = {.publisher = publisher, .valid = -FAR, .stale = FAR};
	bool any = false;
	if (kind == NAIVE_DS || kind == NAIVE_DNSKEY || kind == NAIVE_DATA) {
		e.valid = s->valid;
		e.stale = s->stale;
	}
	if (kind == NAIVE_DS) {
		memcpy(e.ds, s->ds, sizeof(e.ds));
		for (int i = 0; i < NAIVE_KEYS; i++)
			any |= e.ds[i];
		e.life = r->ttl[any ? TTL_DS : TTL_DS_NONE];
		e.went_insecure = !any && r->was_signed;
	} else if (kind == NAIVE_NS) {
		memcpy(e.group, s->group, sizeof(e.group));
		e.life = r->ttl[publisher == 0 ? TTL_PARENT_NS : TTL_CHILD_NS];
	} else if (kind == NAIVE_DNSKEY) {
		memcpy(e.key, s->key, sizeof(e.key));
		memcpy(e.signer, s->signer, sizeof(e.signer));
		e.life = r->ttl[TTL_DNSKEY];
	} else if (kind == NAIVE_DATA) {
		memcpy(e.key, s->data, sizeof(e.key));
		e.life = r->ttl[TTL_DATA];
	} else {
		e.serves = !s->silent;
	}
	if (kind != NAIVE_SERVING && e.life < r->floor)
		e.life = r->floor;
	return e;
}

static bool same_edition(const struct naive_edition *a, const struct naive_edition *b)
{
	return a->valid == b->valid && a->stale == b->stale && a->life == b->life &&
	       a->serves == b->serves && memcmp(a->ds, b->ds, sizeof(a->ds)) == 0 &&
	       memcmp(a->group, b->group, sizeof(a->group)) == 0 &&
	       memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->signer, b->signer, sizeof(a->signer)) == 0;
}

// Publishes a publisher's state of one kind, where it differs from the one before.
static void publish(struct reader *r, const struct yaml_node *where, int publisher,
        enum naive_kind kind, int64_t at)
{
	struct naive_list *list = &r->tl->of[kind];
	struct naive_edition e = edition_of(r, publisher, kind), *before = NULL;
	for (int i = 0; i < list->n; i++)
		if (list->e[i].publisher == publisher)
			before = &list->e[i];
	if (before != NULL && same_edition(before, &e))
		return;
	if (before != NULL)
		before->end = at + r->lag[publisher == 0 ? 0 : 1];
	if (list->n == NAIVE_EDITIONS) {
		fail(r, where, "too many editions");
		return;
	}
	e.first = at;
	e.end = FAR;
	list->e[list->n++] = e;
}

static void publish_all(struct reader *r, const struct yaml_node *where, int64_t at)
{
	publish(r, where, 0, NAIVE_DS, at);
	for (int i = 0; i < NAIVE_KEYS; i++)
		r->was_signed |= r->now[0].ds[i];
	for (int p = 0; p < r->tl->publishers; p++)
		publish(r, where, p, NAIVE_NS, at);
	for (int p = 1; p < r->tl->publishers; p++) {
		publish(r, where, p, NAIVE_DNSKEY, at);
		publish(r, where, p, NAIVE_DATA, at);
		publish(r, where, p, NAIVE_SERVING, at);
	}
}

static void read_start(struct reader *r, const struct yaml_node *start)
{
	struct naive_timeline *tl = r->tl;
	tl->publishers = 1;
	strcpy(tl->publisher[0], "parent");
	for (size_t i = 0; i < start->count; i++) {
		const char *name = start->keys[i]->text;
		if (strcmp(name, "parent") == 0)
			continue;
		if (tl->publishers == NAIVE_GROUPS || strlen(name) >= sizeof(tl->publisher[0])) {
			fail(r, start->keys[i], "too many groups");
			return;
		}
		strcpy(tl->publisher[tl->publishers++], name);
	}
	for (int p = 0; p < tl->publishers; p++) {
		const struct yaml_node *map = yaml_get(start, tl->publisher[p]);
		r->now[p].valid = -FAR;
		r->now[p].stale = FAR;
		if (map != NULL)
			read_publisher(r, map, &r->now[p]);
	}
	publish_all(r, start, -FAR);
}

static void read_event(struct reader *r, const struct yaml_node *event)
{
	for (size_t i = 0; i < event->count; i++) {
		const struct yaml_node *word = event->keys[i];
		if (strcmp(word->text, "at") == 0)
			continue;
		if (strcmp(word->text, "ttl") == 0)
			read_ttls(r, event->items[i]);
		else
			read_publisher(r, event->items[i], &r->now[publisher_number(r, word)]);
	}
}

// All events of one instant, then what they amount to; then the next instant.
static void read_events(struct reader *r, const struct yaml_node *events)
{
	int64_t done = -1;
	while (!r->failed) {
		int64_t at = FAR;
		for (size_t i = 0; i < events->count; i++) {
			int64_t a = duration(r, yaml_get(events->items[i], "at"));
			if (a > done && a < at)
				at = a;
		}
		if (at == FAR)
			return;
		for (size_t i = 0; i < events->count; i++)
			if (duration(r, yaml_get(events->items[i], "at")) == at)
				read_event(r, events->items[i]);
		publish_all(r, events, at);
		r->last_event = done = at;
	}
}

static void read_readers(struct reader *r, const struct yaml_node *readers)
{
	struct naive_timeline *tl = r->tl;
	const struct yaml_node *ns = yaml_get(readers, "ns");
	const struct yaml_node *algorithms = yaml_get(readers, "algorithms");
	const struct yaml_node *floor = yaml_get(readers, "ttl-floor");
	tl->strict = algorithms == NULL || strcmp(algorithms->text, "strict") == 0;
	tl->lenient = algorithms == NULL || strcmp(algorithms->text, "lenient") == 0;
	tl->follow = NAIVE_CHILD;
	if (ns != NULL && strncmp(ns->text, "parent", 6) == 0)
		tl->follow = NAIVE_PARENT;
	if (ns != NULL && strcmp(ns->text, "sticky") == 0)
		tl->follow = NAIVE_STICKY;
	if (floor != NULL)
		r->floor = duration(r, floor);
}

static void read_expect(struct naive_timeline *tl, const struct yaml_node *expect)
{
	static const char *const path[NAIVE_PATHS] = {"direct", "forwarder"};
	for (int i = 0; expect != NULL && i < NAIVE_PATHS; i++) {
		const struct yaml_node *word =
		        expect->kind == YAML_SCALAR ? expect : yaml_get(expect, path[i]);
		for (int w = NAIVE_SAFE; word != NULL && w <= NAIVE_UNREACHABLE; w++)
			if (strcmp(word->text, naive_word_text((enum naive_word)w)) == 0) {
				tl->has_expect[i] = true;
				tl->expect[i] = (enum naive_word)w;
			}
	}
}

// Every finite time of the timeline, one after the other.
static void each_time(
        struct naive_timeline *tl, void (*visit)(int64_t *time, int64_t *unit_ms, int fine))
{
	for (int k = 0; k < NAIVE_KINDS; k++)
		for (int i = 0; i < tl->of[k].n; i++) {
			struct naive_edition *e = &tl->of[k].e[i];
			visit(&e->first, &tl->unit_ms, tl->fine);
			visit(&e->end, &tl->unit_ms, tl->fine);
			visit(&e->valid, &tl->unit_ms, tl->fine);
			visit(&e->stale, &tl->unit_ms, tl->fine);
			visit(&e->life, &tl->unit_ms, tl->fine);
		}
	visit(&tl->until, &tl->unit_ms, tl->fine);
	visit(&tl->start, &tl->unit_ms, tl->fine);
}

static bool far_away(int64_t time)
{
	return time < -FAR / 2 || time > FAR / 2;
}

static void divide_common(int64_t *time, int64_t *unit_ms, int fine)
{
	(void)fine;
	int64_t a = far_away(*time) ? 0 : llabs(*time);
	while (a != 0) {
		int64_t rest = *unit_ms % a;
		*unit_ms = a;
		a = rest;
	}
}

static void to_grid(int64_t *time, int64_t *unit_ms, int fine)
{
	if (!far_away(*time))
		*time = *time / *unit_ms * fine;
}

// A TTL of 0 is one grid point: what was fetched can be used right then.
static void lengthen(struct naive_timeline *tl)
{
	for (int k = 0; k < NAIVE_KINDS; k++)
		for (int i = 0; i < tl->of[k].n; i++)
			if (tl->of[k].e[i].life == 0)
				tl->of[k].e[i].life = 1;
}

// Milliseconds into grid points: `fine` of them to the greatest common divisor of all times. The
// walk starts where nothing fetched earlier can be held at 0s.
static void grid(struct reader *r, const struct yaml_node *where, int fine)
{
	struct naive_timeline *tl = r->tl;
	int64_t memory = 0;
	for (int k = 0; k < NAIVE_KINDS; k++) {
		int64_t longest = 0;
		for (int i = 0; i < tl->of[k].n; i++)
			if (longest < tl->of[k].e[i].life)
				longest = tl->of[k].e[i].life;
		// NS sets lead to NS sets: the parent's, and at most one of each group.
		memory += k == NAIVE_NS ? longest * (tl->publishers + 1) : longest;
	}
	tl->start = -memory;
	tl->unit_ms = 0;
	tl->fine = fine;
	each_time(tl, divide_common);
	each_time(tl, to_grid);
	lengthen(tl);
	if (tl->until - tl->start > NAIVE_POINTS)
		fail(r, where, "too many grid points");
}

static void read_timeline(struct reader *r, const struct yaml_node *root, int fine)
{
	const struct yaml_node *lag = yaml_get(root, "lag"), *until = yaml_get(root, "until");
	read_readers(r, yaml_get(root, "readers"));
	read_expect(r->tl, yaml_get(root, "expect"));
	read_ttls(r, yaml_get(root, "ttl"));
	if (yaml_get(lag, "parent") != NULL)
		r->lag[0] = duration(r, yaml_get(lag, "parent"));
	if (yaml_get(lag, "child") != NULL)
		r->lag[1] = duration(r, yaml_get(lag, "child"));
	read_start(r, yaml_get(root, "start"));
	if (yaml_get(root, "events") != NULL)
		read_events(r, yaml_get(root, "events"));
	r->tl->until = r->last_event + 2 * larger(r->lag[0], r->lag[1]);
	for (int t = 0; t < TTLS; t++)
		r->tl->until += t == TTL_DS_NONE ? 0 : larger(r->largest[t], r->floor);
	if (until != NULL)
		r->tl->until = duration(r, until);
	if (!r->failed)
		grid(r, root, fine);
}

struct naive_timeline *naive_read(const char *text, size_t length, int fine, struct error *err)
{
	struct reader r = {.err = err, .tl = calloc(1, sizeof(*r.tl))};
	struct arena *arena = arena_new(16 << 20);
	const struct yaml_node *root;
	if (r.tl == NULL || arena == NULL ||
	        yaml_parse(arena, "timeline", text, length, &root, err) != RESULT_OK)
		r.failed = true;
	else if (yaml_get(root, "start") == NULL)
		fail(&r, root, "no start");
	else
		read_timeline(&r, root, fine);
	arena_free(arena);
	if (!r.failed)
		return r.tl;
	free(r.tl);
	return NULL;
}

void naive_free(struct naive_timeline *timeline)
{
	free(timeline);
}
