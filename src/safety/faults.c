// Every combination of DS set, DNSKEY set and data that some reader can meet and that does not
// validate.
//
// All conditions are intersections of half-open intervals: when something can be fetched, when what
// was fetched can still be held, when its signature is valid. A combination is possible where the
// intersection is not empty, so that no instant has to be sampled.
#include "safety/internal.h"

#include <stdlib.h>

enum { ALGORITHMS_MAX = SAFETY_MAX_KEYS, WINDOWS_ON_STACK = 64 };

// What a DS set demands. Lenient: one entry, any referenced key and any key. Strict (and both): one
// entry for each algorithm among the records of the best digest type.
struct demand {
	unsigned count;
	uint64_t referenced[ALGORITHMS_MAX]; // of these keys one must be in the DNSKEY set and sign
	                                     // it
	uint64_t
	        usable[ALGORITHMS_MAX]; // of these keys one must be in the DNSKEY set and sign data
};

// A DS edition as readers meet it.
struct ds {
	const struct safety_edition *e;
	int16_t index;
	struct demand demand;  // of strict readers where they count, or else of lenient ones
	struct demand lenient; // where both count
	struct span fetched;   // while its signature is valid
	struct span held;      // validated: min(TTL, signature expiry)
	struct span cached;    // in a cache that does not validate
	struct span usable;    // of that, while its signature is valid
};

// One window in which one DNSKEY or data edition can be fetched from its group.
struct window {
	const struct safety_edition *e;
	int16_t index;
	struct span fetched, cached;
};

struct search {
	const struct safety_history *h;
	const struct safety_readers *r;
	const struct fault_sink *sink;
	struct spans ask[SAFETY_MAX_PUBLISHERS];
	struct spans unproven; // when an empty DS set can be held, so that nothing is validated
	const struct window *dnskey, *data;
	unsigned dnskey_count, data_count;
};

// Stronger digests first: SHA-384, then SHA-256, then whatever else; SHA-1 last.
static int digest_rank(uint8_t type)
{
	return type == 4 ? 3 : type == 2 ? 2 : type == 1 ? 0 : 1;
}

static int best_digest(const struct safety_history *h, uint64_t content)
{
	int best = -1;
	for (uint64_t rest = content; rest != 0; rest &= rest - 1) {
		int rank = digest_rank(h->ds_digest[__builtin_ctzll(rest)]);
		if (rank > best)
			best = rank;
	}
	return best;
}

static uint64_t keys_of_algorithm(const struct safety_history *h, uint8_t algorithm)
{
	uint64_t keys = 0;
	for (int k = 0; k < h->keys; k++)
		if (h->key_algorithm[k] == algorithm)
			keys |= UINT64_C(1) << k;
	return keys;
}

static void demand_add(struct demand *d, uint64_t usable, int key)
{
	for (unsigned i = 0; i < d->count; i++)
		if (d->usable[i] == usable) {
			d->referenced[i] |= UINT64_C(1) << key;
			return;
		}
	d->usable[d->count] = usable;
	d->referenced[d->count++] = UINT64_C(1) << key;
}

static void demand_of(
        const struct safety_history *h, bool lenient, uint64_t content, struct demand *d)
{
	d->count = 0;
	int best = best_digest(h, content);
	for (uint64_t rest = content; rest != 0; rest &= rest - 1) {
		int record = __builtin_ctzll(rest);
		int key = h->ds_key[record];
		if (lenient)
			demand_add(d, UINT64_MAX, key);
		else if (digest_rank(h->ds_digest[record]) == best)
			demand_add(d, keys_of_algorithm(h, h->key_algorithm[key]), key);
	}
}

static bool chains(const struct demand *d, const struct safety_edition *dnskey)
{
	for (unsigned i = 0; i < d->count; i++)
		if ((d->referenced[i] & dnskey->content & dnskey->signers) == 0)
			return false;
	return true;
}

// What a reader that trusts this DNSKEY set because of d demands of data; NULL where no reader
// trusts it. A lenient reader may trust a set that strict ones refuse; where strict ones trust it,
// their demands are the harder ones.
static const struct demand *trusting(const struct ds *d, const struct safety_edition *dnskey)
{
	if (chains(&d->demand, dnskey))
		return &d->demand;
	return d->lenient.count > 0 && chains(&d->lenient, dnskey) ? &d->lenient : NULL;
}

static bool covers(const struct demand *d, const struct safety_edition *dnskey,
        const struct safety_edition *data)
{
	for (unsigned i = 0; i < d->count; i++)
		if ((d->usable[i] & dnskey->content & data->content) == 0)
			return false;
	return true;
}

static struct safety_fault fault_new(enum safety_rule rule, enum safety_path path, struct span when)
{
	return (struct safety_fault){.rule = rule,
	        .path = path,
	        .at_ms = when.from,
	        .until_ms = when.until,
	        .ds = -1,
	        .dnskey = -1,
	        .data = -1,
	        .ns = -1,
	        .cached = -1};
}

static void blame(struct safety_fault *f, int16_t index, int64_t fetch_ms, int64_t until_ms)
{
	f->cached = index;
	f->cached_fetch_ms = fetch_ms;
	f->cached_until_ms = until_ms;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool matters(const struct search *s, struct span when)
{
	return !span_is_empty(when) && when.until > s->sink->since_ms;
}

static void emit(const struct search *s, const struct safety_fault *f)
{
	s->sink->visit(s->sink->ctx, f);
}

// The parts of `when` before and after the signature's validity.
static void emit_outside(
        const struct search *s, struct safety_fault f, struct span when, struct span valid)
{
	struct span parts[2] = {
	        {when.from, when.until < valid.from ? when.until : valid.from},
	        {when.from > valid.until ? when.from : valid.until, when.until},
	};
	for (int i = 0; i < 2; i++)
		if (matters(s, parts[i])) {
			f.at_ms = parts[i].from;
			f.until_ms = parts[i].until;
			emit(s, &f);
		}
}

static struct ds ds_of(const struct search *s, int index)
{
	const struct safety_edition *e = &s->h->editions[index];
	struct ds d; // not cleared: demand is large, and says itself how much of it counts
	d.e = e;
	d.index = (int16_t)index;
	int64_t ttl_ms = edition_ttl_ms(e, s->r);
	demand_of(s->h, s->r->algorithms == SAFETY_LENIENT, e->content, &d.demand);
	d.lenient.count = 0;
	if (s->r->algorithms == SAFETY_STRICT_AND_LENIENT)
		demand_of(s->h, true, e->content, &d.lenient);
	d.fetched = span_cut(edition_visible(e), edition_signed(e));
	d.held = span_is_empty(d.fetched)
	                 ? d.fetched
	                 : span_cut(span_held(d.fetched, ttl_ms), edition_signed(e));
	d.cached = span_held(edition_visible(e), ttl_ms);
	d.usable = span_cut(d.cached, edition_signed(e));
	return d;
}

static bool was_secure_before(const struct safety_history *h, const struct safety_edition *empty)
{
	for (int i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		if (e->kind == SAFETY_DS && e->content != 0 && e->from_ms < empty->from_ms)
			return true;
	}
	return false;
}

static void judge_ds(const struct search *s, const struct ds *d)
{
	for (int path = 0; path < SAFETY_PATHS; path++) {
		struct span used = path == SAFETY_DIRECT ? edition_visible(d->e) : d->cached;
		struct safety_fault f =
		        fault_new(SAFETY_RULE_DS_SIGNATURE, (enum safety_path)path, used);
		f.ds = d->index;
		blame(&f, d->index, d->e->until_ms, d->cached.until);
		emit_outside(s, f, used, edition_signed(d->e));
		struct span held = path == SAFETY_DIRECT ? d->held : d->usable;
		if (d->e->content != 0 || !matters(s, held) || !was_secure_before(s->h, d->e))
			continue;
		f.rule = SAFETY_RULE_INSECURE;
		f.at_ms = held.from;
		f.until_ms = held.until;
		emit(s, &f);
	}
}

// Of a pair the one that was there first is the cached record to blame.
static void blame_elder(struct safety_fault *f, struct span a, int16_t a_index, int64_t a_fetch,
        struct span b, int16_t b_index, int64_t b_fetch)
{
	if (a.from < b.from || (a.from == b.from && a.until <= b.until))
		blame(f, a_index, a_fetch, a.until);
	else
		blame(f, b_index, b_fetch, b.until);
}

// `when`: both can be met together.
static void judge_chain(const struct search *s, enum safety_path path, const struct ds *d,
        const struct window *k, struct span when)
{
	if (!matters(s, when))
		return;
	struct safety_fault f = fault_new(SAFETY_RULE_KEY_SIGNATURE, path, when);
	f.dnskey = k->index;
	f.ds = d->index;
	blame(&f, k->index, k->fetched.until, k->cached.until);
	emit_outside(s, f, when, edition_signed(k->e));
	if (chains(&d->demand, k->e))
		return;
	f = fault_new(SAFETY_RULE_CHAIN, path, when);
	f.dnskey = k->index;
	f.ds = d->index;
	blame_elder(&f, path == SAFETY_DIRECT ? d->held : d->usable, d->index, d->fetched.until,
	        k->cached, k->index, k->fetched.until);
	emit(s, &f);
}

// While a DNSKEY set, validated by a DS set, is trusted, and the open end of when it can have been
// fetched for that.
struct trust {
	struct span span;
	int64_t fetched_until;
};

// Of a DNSKEY set that is validated at some instant in `validated` and fetched before
// `fetched_until`, but not later than validated.
static struct trust trust_of(
        struct span validated, int64_t fetched_until, int64_t ttl_ms, struct span valid)
{
	struct trust trust = {validated, earlier(fetched_until, valid.until)};
	if (!span_is_empty(validated))
		trust.span.until = earlier(time_add(trust.fetched_until, ttl_ms), valid.until);
	return trust;
}

// While DNSKEY set k, validated by DS set d, is trusted, data is judged by it.
static void judge_data(const struct search *s, enum safety_path path, const struct ds *d,
        const struct window *k, struct trust trust)
{
	const struct demand *demand = trusting(d, k->e);
	if (demand == NULL || span_is_empty(trust.span))
		return;
	for (unsigned i = 0; i < s->data_count; i++) {
		const struct window *r = &s->data[i];
		struct span when =
		        span_cut(trust.span, path == SAFETY_DIRECT ? r->fetched : r->cached);
		if (!matters(s, when))
			continue;
		bool covered = covers(demand, k->e, r->e);
		if (covered && span_is_within(when, edition_signed(r->e)))
			continue;
		struct safety_fault f = fault_new(SAFETY_RULE_DATA_SIGNATURE, path, when);
		f.data = r->index;
		f.dnskey = k->index;
		f.ds = d->index;
		blame(&f, r->index, r->fetched.until, r->cached.until);
		emit_outside(s, f, when, edition_signed(r->e));
		if (covered)
			continue;
		f.rule = SAFETY_RULE_DATA;
		if (path == SAFETY_DIRECT)
			blame(&f, k->index, trust.fetched_until, trust.span.until);
		else
			blame_elder(&f, trust.span, k->index, trust.fetched_until, r->cached,
			        r->index, r->fetched.until);
		emit(s, &f);
	}
}

// When k, fetched in its window, is trusted because of d: a direct reader validates what it fetches
// with the DS set that it holds at that moment.
static struct trust trusted_at_fetch(const struct ds *d, const struct window *k, int64_t ttl_ms)
{
	struct span valid = edition_signed(k->e);
	struct span fetched = span_cut(span_cut(k->fetched, d->held), valid);
	return trust_of(fetched, fetched.until, ttl_ms, valid);
}

// A cache in front hands out both for as long as it holds them; they are validated at any moment
// when both can be held.
static struct trust trusted_from_cache(const struct ds *d, const struct window *k, int64_t ttl_ms)
{
	struct span valid = edition_signed(k->e);
	return trust_of(span_cut(span_cut(k->cached, d->usable), valid),
	        earlier(k->fetched.until, d->usable.until), ttl_ms, valid);
}

// k fetched while no DS could be held (fetched in `unproven`) is not validated then, but is when a
// DS set appears while k is still held: `appears` is when, of d.
static struct span appears(const struct ds *d, struct span unproven, int64_t ttl_ms)
{
	return span_cut(span_held(unproven, ttl_ms), d->fetched);
}

static struct trust trusted_later(
        const struct ds *d, const struct window *k, struct span unproven, int64_t ttl_ms)
{
	struct span valid = edition_signed(k->e);
	return trust_of(span_cut(appears(d, unproven, ttl_ms), valid),
	        earlier(unproven.until, d->fetched.until), ttl_ms, valid);
}

static void judge_direct(const struct search *s, const struct ds *d, const struct window *k)
{
	int64_t ttl_ms = edition_ttl_ms(k->e, s->r);
	judge_chain(s, SAFETY_DIRECT, d, k, span_cut(k->fetched, d->held));
	judge_data(s, SAFETY_DIRECT, d, k, trusted_at_fetch(d, k, ttl_ms));
	for (unsigned i = 0; i < s->unproven.count; i++) {
		struct span unproven = span_cut(k->fetched, s->unproven.span[i]);
		if (span_is_empty(unproven))
			continue;
		judge_chain(s, SAFETY_DIRECT, d, k, appears(d, unproven, ttl_ms));
		judge_data(s, SAFETY_DIRECT, d, k, trusted_later(d, k, unproven, ttl_ms));
	}
}

static void judge_forwarder(const struct search *s, const struct ds *d, const struct window *k)
{
	judge_chain(s, SAFETY_FORWARDER, d, k, span_cut(k->cached, d->usable));
	judge_data(s, SAFETY_FORWARDER, d, k, trusted_from_cache(d, k, edition_ttl_ms(k->e, s->r)));
}

static void unproven_find(struct search *s)
{
	s->unproven.count = 0;
	for (int i = 0; i < s->h->count; i++) {
		if (s->h->editions[i].kind != SAFETY_DS || s->h->editions[i].content != 0)
			continue;
		struct ds none = ds_of(s, i);
		if (!span_is_empty(none.held))
			spans_add(&s->unproven, none.held);
	}
}

// The windows in which editions of this kind can be fetched; returns how many there are, stores up
// to max.
static unsigned windows_find(
        const struct search *s, enum safety_kind kind, struct window *windows, unsigned max)
{
	unsigned count = 0;
	for (int i = 0; i < s->h->count; i++) {
		const struct safety_edition *e = &s->h->editions[i];
		if (e->kind != kind)
			continue;
		const struct spans *ask = &s->ask[e->publisher];
		for (unsigned a = 0; a < ask->count; a++) {
			struct span fetched = span_cut(edition_visible(e), ask->span[a]);
			if (span_is_empty(fetched))
				continue;
			if (count < max)
				windows[count] = (struct window){.e = e,
				        .index = (int16_t)i,
				        .fetched = fetched,
				        .cached = span_held(fetched, edition_ttl_ms(e, s->r))};
			count++;
		}
	}
	return count;
}

static void judge_all(const struct search *s)
{
	for (int i = 0; i < s->h->count; i++) {
		if (s->h->editions[i].kind != SAFETY_DS)
			continue;
		struct ds d = ds_of(s, i);
		judge_ds(s, &d);
		if (d.e->content == 0)
			continue;
		for (unsigned k = 0; k < s->dnskey_count; k++) {
			judge_direct(s, &d, &s->dnskey[k]);
			judge_forwarder(s, &d, &s->dnskey[k]);
		}
	}
}

enum result faults_find(const struct safety_history *h, const struct safety_readers *r,
        const struct fault_sink *sink)
{
	struct search s;
	s.h = h;
	s.r = r;
	s.sink = sink;
	enum result result = reach_sweep(h, r, s.ask, sink);
	if (result != RESULT_OK)
		return result;
	unproven_find(&s);
	struct window on_stack[WINDOWS_ON_STACK], *windows = on_stack;
	s.dnskey_count = windows_find(&s, SAFETY_DNSKEY, NULL, 0);
	s.data_count = windows_find(&s, SAFETY_DATA, NULL, 0);
	unsigned count = s.dnskey_count + s.data_count;
	if (count > WINDOWS_ON_STACK) {
		windows = malloc(count * sizeof *windows);
		if (windows == NULL)
			return RESULT_MEMORY;
	}
	windows_find(&s, SAFETY_DNSKEY, windows, s.dnskey_count);
	windows_find(&s, SAFETY_DATA, windows + s.dnskey_count, s.data_count);
	s.dnskey = windows;
	s.data = windows + s.dnskey_count;
	judge_all(&s);
	if (windows != on_stack)
		free(windows);
	return RESULT_OK;
}
