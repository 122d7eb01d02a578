// Which groups of name servers can be asked, and when.
//
// A sweep over time. Between two instants at which anything changes, three things are constant:
// which NS sets can be fetched, which are held, and which groups serve. A reader starts at the
// parent's NS set; a child's NS set is learned from a group that a held parent set names and lives
// for its own TTL, so that the two TTLs add (child-centric readers); for sticky readers any held
// set leads on, and a set renews itself for as long as its servers answer. That an NS set held on
// the way was fetched at the last possible instant is the adversary's choice.
#include "safety/internal.h"

#include <stdlib.h>

struct set {
	const struct safety_edition *edition;
	int16_t index;
	bool fetchable;
	int64_t held_until;    // TIME_EVER_MS where it was never fetched
	int64_t fetched_until; // open end of the last time it could be fetched
	int64_t bad_since; // since when no named group surely serves; TIME_NEVER_MS where one does
};

enum { SETS_ON_STACK = 32 };

struct sweep {
	const struct safety_history *h;
	const struct safety_readers *r;
	struct spans *ask;
	const struct fault_sink *sink;
	struct set *sets;
	const struct safety_edition **serving;
	unsigned count, serving_count;
	uint64_t may_answer, surely_serves; // bits over publishers, at the present instant
	uint64_t named_by_parent, named;    // by the sets that are held
};

static bool visible_at(const struct safety_edition *e, int64_t t)
{
	return e->from_ms <= t && t < e->until_ms;
}

static void serving_at(struct sweep *s, int64_t t)
{
	uint64_t yes = 0, no = 0;
	for (unsigned i = 0; i < s->serving_count; i++) {
		const struct safety_edition *e = s->serving[i];
		if (visible_at(e, t))
			*(e->content != 0 ? &yes : &no) |= UINT64_C(1) << e->publisher;
	}
	s->may_answer = yes;
	s->surely_serves = yes & ~no;
}

static void name(struct sweep *s, const struct set *set)
{
	s->named |= set->edition->content;
	if (set->edition->publisher == 0)
		s->named_by_parent |= set->edition->content;
}

static bool can_fetch(const struct sweep *s, const struct set *set, int64_t t)
{
	const struct safety_edition *e = set->edition;
	if (!visible_at(e, t))
		return false;
	if (e->publisher == 0)
		return true;
	if (s->r->ns == SAFETY_NS_PARENT)
		return false;
	uint64_t leads = s->r->ns == SAFETY_NS_STICKY ? s->named : s->named_by_parent;
	return (leads & s->may_answer) >> e->publisher & 1;
}

// From what is still held at t to all that can be fetched at t.
static void follow(struct sweep *s, int64_t t)
{
	s->named = s->named_by_parent = 0;
	for (unsigned i = 0; i < s->count; i++) {
		s->sets[i].fetchable = false;
		if (s->sets[i].held_until > t)
			name(s, &s->sets[i]);
	}
	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < s->count; i++) {
			struct set *set = &s->sets[i];
			if (set->fetchable || !can_fetch(s, set, t))
				continue;
			set->fetchable = more = true;
			name(s, set);
		}
	}
}

static int64_t earlier_after(int64_t candidate, int64_t t, int64_t best)
{
	return candidate > t && candidate < best ? candidate : best;
}

static int64_t next_change(const struct safety_edition *e, int64_t t, int64_t best)
{
	return earlier_after(e->until_ms, t, earlier_after(e->from_ms, t, best));
}

static int64_t next_instant(const struct sweep *s, int64_t t)
{
	int64_t next = TIME_NEVER_MS;
	for (unsigned i = 0; i < s->serving_count; i++)
		next = next_change(s->serving[i], t, next);
	for (unsigned i = 0; i < s->count; i++) {
		next = next_change(s->sets[i].edition, t, next);
		if (!s->sets[i].fetchable)
			next = earlier_after(s->sets[i].held_until, t, next);
	}
	return next;
}

static void emit_unreachable(struct sweep *s, struct set *set, int64_t until)
{
	if (set->bad_since == TIME_NEVER_MS)
		return;
	struct safety_fault fault = {.rule = SAFETY_RULE_UNREACHABLE,
	        .at_ms = set->bad_since,
	        .until_ms = until,
	        .ds = -1,
	        .dnskey = -1,
	        .data = -1,
	        .ns = set->index,
	        .cached = set->index,
	        .cached_fetch_ms = set->fetched_until,
	        .cached_until_ms =
	                time_add(set->fetched_until, edition_ttl_ms(set->edition, s->r))};
	set->bad_since = TIME_NEVER_MS;
	if (until <= s->sink->since_ms)
		return;
	for (int path = 0; path < SAFETY_PATHS; path++) {
		fault.path = (enum safety_path)path;
		s->sink->visit(s->sink->ctx, &fault);
	}
}

static void judge_sets(struct sweep *s, struct span now)
{
	for (unsigned i = 0; i < s->count; i++) {
		struct set *set = &s->sets[i];
		bool held = set->fetchable || set->held_until > now.from;
		if (set->fetchable)
			set->fetched_until = now.until;
		if (!held || (set->edition->content & s->surely_serves) != 0)
			emit_unreachable(s, set, now.from);
		else if (set->bad_since == TIME_NEVER_MS)
			set->bad_since = now.from;
	}
}

static void note_who_can_be_asked(struct sweep *s, struct span now)
{
	for (int p = 1; p < s->h->publishers; p++)
		if ((s->named & s->may_answer) >> p & 1)
			spans_add(&s->ask[p], now);
}

static void let_time_pass(struct sweep *s, int64_t until)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->sets[i].fetchable)
			s->sets[i].held_until =
			        time_add(until, edition_ttl_ms(s->sets[i].edition, s->r));
}

static unsigned sets_find(const struct safety_history *h, struct set *sets, unsigned max)
{
	unsigned count = 0;
	for (int i = 0; i < h->count; i++) {
		if (h->editions[i].kind != SAFETY_NS)
			continue;
		if (count < max)
			sets[count] = (struct set){.edition = &h->editions[i],
			        .index = (int16_t)i,
			        .held_until = TIME_EVER_MS,
			        .fetched_until = TIME_EVER_MS,
			        .bad_since = TIME_NEVER_MS};
		count++;
	}
	return count;
}

static unsigned serving_find(
        const struct safety_history *h, const struct safety_edition **serving, unsigned max)
{
	unsigned count = 0;
	for (int i = 0; i < h->count; i++) {
		if (h->editions[i].kind != SAFETY_SERVING)
			continue;
		if (count < max)
			serving[count] = &h->editions[i];
		count++;
	}
	return count;
}

static void sweep_all(struct sweep *s)
{
	for (int p = 0; p < s->h->publishers; p++)
		s->ask[p].count = 0;
	for (int64_t t = TIME_EVER_MS; t < TIME_NEVER_MS;) {
		serving_at(s, t);
		follow(s, t);
		struct span now = {t, next_instant(s, t)};
		judge_sets(s, now);
		note_who_can_be_asked(s, now);
		let_time_pass(s, now.until);
		t = now.until;
	}
	for (unsigned i = 0; i < s->count; i++)
		emit_unreachable(s, &s->sets[i], TIME_NEVER_MS);
}

enum result reach_sweep(const struct safety_history *h, const struct safety_readers *r,
        struct spans *ask, const struct fault_sink *sink)
{
	struct set on_stack[SETS_ON_STACK];
	const struct safety_edition *serving_on_stack[SETS_ON_STACK];
	struct sweep s = {.h = h,
	        .r = r,
	        .ask = ask,
	        .sink = sink,
	        .sets = on_stack,
	        .serving = serving_on_stack};
	s.count = sets_find(h, on_stack, SETS_ON_STACK);
	s.serving_count = serving_find(h, s.serving, SETS_ON_STACK);
	if (s.count > SETS_ON_STACK)
		s.sets = malloc(s.count * sizeof *s.sets);
	if (s.serving_count > SETS_ON_STACK)
		s.serving = malloc(s.serving_count * sizeof(const struct safety_edition *));
	bool memory = s.sets != NULL && s.serving != NULL;
	if (memory) {
		sets_find(h, s.sets, s.count);
		serving_find(h, s.serving, s.serving_count);
		sweep_all(&s);
	}
	if (s.sets != on_stack)
		free(s.sets);
	if (s.serving != serving_on_stack)
		free(s.serving);
	return memory ? RESULT_OK : RESULT_MEMORY;
}
