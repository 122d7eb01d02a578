// When is an effect safe?
//
// The effect is tried at an instant x: its editions are published into a copy of the history, and
// the faults of the copy from x on are compared with those of the history without it. A fault is
// the effect's own, and blocks it, unless
//   - the same rule is broken already at x without the effect, and would be for as long (a new
//     edition stands for the one that it replaces, but an NS set for no other groups than its own),
//     so that a change which mends something is never refused for what it mends; or
//   - it concerns only editions that the effect does not touch, and is there without the effect; or
//   - it is the signature of a current edition running out in future: its owner is expected to sign
//     again. Such an instant ends the window, because nothing beyond it has been observed; or
//   - it is an old edition whose copies outlive its signature, while its publisher's signatures
//     have run out already, or will have though the effect comes at once: being late with new
//     signatures is no reason to be later. Whoever is in time has a window that ends before.
// What is served now and whose signature runs out between now and x is judged as if its owner had
// signed again: without that, nobody would trust what it covers, and so nothing that contradicts it
// would be a fault any more.
// Waiting moves the start of a conflict, which is tied to x, towards its end, which is tied to what
// is cached already; so the search jumps by the length of the longest blocking fault, and makes
// sure by bisection that the instant before is not safe.
#include "safety/internal.h"

#include <stdlib.h>
#include <string.h>

enum { KNOWN_ON_STACK = 48, EDITIONS_ON_STACK = 48 };

// A fault under its finding: what is broken, and with which editions, whenever that is.
struct entry {
	uint64_t finding;
	unsigned fault;
};

// The faults of the history as it is, in the order in which they were found, and sorted by finding.
struct known {
	struct safety_fault on_stack[KNOWN_ON_STACK];
	struct entry sorted_on_stack[KNOWN_ON_STACK];
	struct safety_fault *faults;
	struct entry *sorted;
	unsigned count, capacity;
	bool out_of_memory;
};

// The history in which the owners of the first `count` signatures to run out after now have signed
// again, and its faults.
struct renewal {
	struct safety_history history;
	struct known known;
	unsigned count;
};

struct trial {
	// The history without the effect and its faults: as given, and as it is tried with.
	const struct safety_history *given, *before;
	const struct known *known_given, *known;
	struct renewal *renewal; // NULL: none, it is tried with what is given
	const struct safety_readers *readers;
	struct safety_history after;
	struct safety_edition on_stack[EDITIONS_ON_STACK];
	uint64_t touched[2]; // bits over slot()
	int64_t now_ms, x;
	// Publishers whose old signatures run out under the copies even if the effect comes now;
	// found when that is tried.
	uint64_t late[SAFETY_PATHS];
	struct safety_fault late_fault;
	// findings
	bool blocked, insecure, ends, excused;
	int64_t longest_ms;
	struct safety_fault first, end, excuse;
};

static bool is_signature_rule(enum safety_rule rule)
{
	return rule == SAFETY_RULE_DS_SIGNATURE || rule == SAFETY_RULE_KEY_SIGNATURE ||
	       rule == SAFETY_RULE_DATA_SIGNATURE;
}

// The edition whose signature a fault of a signature rule is about.
static int16_t signature_of(const struct safety_fault *f)
{
	return f->rule == SAFETY_RULE_DS_SIGNATURE    ? f->ds
	       : f->rule == SAFETY_RULE_KEY_SIGNATURE ? f->dnskey
	                                              : f->data;
}

// Two faults are the same finding where they break the same rule, for the same path, with the same
// editions; a signature is a matter of its edition alone.
static uint64_t finding_of(const struct safety_fault *f)
{
	bool is_signature = is_signature_rule(f->rule);
	const int16_t editions[] = {is_signature ? signature_of(f) : f->ds,
	        is_signature ? -1 : f->dnskey, is_signature ? -1 : f->data,
	        is_signature ? -1 : f->ns};
	uint64_t finding = (uint64_t)f->rule * SAFETY_PATHS + (uint64_t)f->path;
	for (size_t i = 0; i < sizeof editions / sizeof *editions; i++)
		finding = finding * (SAFETY_MAX_EDITIONS + 1) + (uint64_t)(editions[i] + 1);
	return finding;
}

static int compare_entries(const void *a, const void *b)
{
	uint64_t x = ((const struct entry *)a)->finding, y = ((const struct entry *)b)->finding;
	return (x > y) - (x < y);
}

static void known_add(void *ctx, const struct safety_fault *fault)
{
	struct known *k = ctx;
	if (k->count == k->capacity) {
		unsigned capacity = k->capacity * 2;
		struct safety_fault *more = malloc(capacity * sizeof *more);
		if (more == NULL) {
			k->out_of_memory = true;
			return;
		}
		memcpy(more, k->faults, k->count * sizeof *more);
		if (k->faults != k->on_stack)
			free(k->faults);
		k->faults = more;
		k->capacity = capacity;
	}
	k->faults[k->count++] = *fault;
}

static enum result known_sort(struct known *k)
{
	if (k->count > KNOWN_ON_STACK)
		k->sorted = malloc(k->count * sizeof *k->sorted);
	if (k->sorted == NULL)
		return RESULT_MEMORY;
	for (unsigned i = 0; i < k->count; i++)
		k->sorted[i] = (struct entry){finding_of(&k->faults[i]), i};
	qsort(k->sorted, k->count, sizeof *k->sorted, compare_entries);
	return RESULT_OK;
}

static enum result known_find(struct known *k, const struct safety_history *h,
        const struct safety_readers *r, int64_t now_ms)
{
	k->faults = k->on_stack;
	k->sorted = k->sorted_on_stack;
	k->count = 0;
	k->capacity = KNOWN_ON_STACK;
	k->out_of_memory = false;
	struct fault_sink sink = {.visit = known_add, .ctx = k, .since_ms = now_ms};
	enum result result = faults_find(h, r, &sink);
	if (result == RESULT_OK && k->out_of_memory)
		result = RESULT_MEMORY;
	return result == RESULT_OK ? known_sort(k) : result;
}

static void known_free(struct known *k)
{
	if (k->faults != k->on_stack)
		free(k->faults);
	if (k->sorted != k->sorted_on_stack)
		free(k->sorted);
}

static void renewal_free(struct renewal *renewal)
{
	if (renewal == NULL)
		return;
	known_free(&renewal->known);
	safety_history_free(&renewal->history);
	free(renewal);
}

// Is it served still, and its signature valid now, but not at `by`?
static bool runs_out(const struct safety_edition *e, int64_t now_ms, int64_t by_ms)
{
	return e->until_ms == TIME_NEVER_MS && e->signed_until_ms > now_ms &&
	       e->signed_until_ms <= by_ms;
}

static enum result renewal_new(
        const struct trial *t, int64_t by_ms, unsigned count, struct renewal **out)
{
	struct renewal *renewal = malloc(sizeof *renewal);
	if (renewal == NULL || safety_history_copy(&renewal->history, t->given) != RESULT_OK) {
		free(renewal);
		return RESULT_MEMORY;
	}
	for (int i = 0; i < renewal->history.count; i++) {
		struct safety_edition *e = &renewal->history.editions[i];
		if (runs_out(e, t->now_ms, by_ms))
			e->signed_until_ms = TIME_NEVER_MS;
	}
	renewal->count = count;
	enum result result = known_find(&renewal->known, &renewal->history, t->readers, t->now_ms);
	if (result == RESULT_OK)
		*out = renewal;
	else
		renewal_free(renewal);
	return result;
}

// From here on t is tried with a history in which all that runs out until then is signed again.
static enum result renew(struct trial *t, int64_t by_ms)
{
	unsigned count = 0;
	for (int i = 0; i < t->given->count; i++)
		count += runs_out(&t->given->editions[i], t->now_ms, by_ms);
	if (count == (t->renewal != NULL ? t->renewal->count : 0))
		return RESULT_OK;
	struct renewal *renewal = NULL;
	enum result result = count > 0 ? renewal_new(t, by_ms, count, &renewal) : RESULT_OK;
	if (result != RESULT_OK)
		return result;
	renewal_free(t->renewal);
	t->renewal = renewal;
	t->before = renewal != NULL ? &renewal->history : t->given;
	t->known = renewal != NULL ? &renewal->known : t->known_given;
	return RESULT_OK;
}

// The place in `sorted` of the first fault of this finding, or of where it would be.
static unsigned known_search(const struct known *k, uint64_t finding)
{
	unsigned low = 0, high = k->count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (k->sorted[middle].finding < finding)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static unsigned slot(const struct safety_edition *e)
{
	return (unsigned)e->publisher * SAFETY_KINDS + e->kind;
}

static bool is_same(const struct safety_edition *a, const struct safety_edition *b)
{
	return a->from_ms == b->from_ms && a->until_ms == b->until_ms &&
	       a->signed_from_ms == b->signed_from_ms && a->signed_until_ms == b->signed_until_ms &&
	       a->content == b->content && a->signers == b->signers && a->ttl_s == b->ttl_s;
}

static bool is_touched(const struct trial *t, int16_t index)
{
	if (index < 0)
		return false;
	const struct safety_edition *e = &t->after.editions[index];
	unsigned s = slot(e);
	if ((t->touched[s / 64] >> s % 64 & 1) == 0)
		return false;
	// Of a touched slot the new edition is touched, and the one that it ends; older ones are
	// not.
	if (index >= t->before->count)
		return true;
	return !is_same(e, &t->before->editions[index]);
}

// The edition of the history before that an edition of the trial stands for; -1 where there is
// none. Other groups in an NS set have to be reached whether or not those before them are.
static int16_t counterpart(const struct trial *t, int16_t index)
{
	if (index < t->before->count)
		return index;
	const struct safety_edition *e = &t->after.editions[index];
	const struct safety_edition *was =
	        safety_current(t->before, e->publisher, (enum safety_kind)e->kind);
	if (was == NULL || (e->kind == SAFETY_NS && e->content != was->content))
		return -1;
	return (int16_t)(was - t->before->editions);
}

// Is an edition of the effect itself among those that break the rule?
static bool is_brought_about(const struct trial *t, const struct safety_fault *f)
{
	if (is_signature_rule(f->rule))
		return signature_of(f) >= t->before->count;
	return f->ds >= t->before->count || f->dnskey >= t->before->count ||
	       f->data >= t->before->count || f->ns >= t->before->count;
}

static void keep_excuse(struct trial *t, const struct safety_fault *known)
{
	if (!t->excused || safety_rule_word(known->rule) > safety_rule_word(t->excuse.rule))
		t->excuse = *known;
	t->excused = true;
}

static bool is_excused(struct trial *t, const struct safety_fault *f)
{
	bool touched = is_touched(t, f->ds) || is_touched(t, f->dnskey) || is_touched(t, f->data) ||
	               is_touched(t, f->ns);
	if (is_signature_rule(f->rule))
		touched = is_touched(t, signature_of(f));
	struct safety_fault before = *f;
	before.ds = counterpart(t, f->ds);
	before.dnskey = counterpart(t, f->dnskey);
	before.data = counterpart(t, f->data);
	before.ns = counterpart(t, f->ns);
	uint64_t finding = finding_of(&before);
	for (unsigned i = known_search(t->known, finding);
	        i < t->known->count && t->known->sorted[i].finding == finding; i++) {
		const struct safety_fault *k = &t->known->faults[t->known->sorted[i].fault];
		bool broken_as_long =
		        k->at_ms < t->x && k->until_ms > t->x && k->until_ms >= f->until_ms;
		if (broken_as_long && is_brought_about(t, f))
			keep_excuse(t, k);
		if (broken_as_long || (!touched && k->at_ms <= f->at_ms))
			return true;
	}
	return false;
}

// The signature of an edition that is still served runs out after x.
static bool is_natural_end(const struct trial *t, const struct safety_fault *f)
{
	if (!is_signature_rule(f->rule))
		return false;
	const struct safety_edition *e = &t->after.editions[signature_of(f)];
	return e->until_ms == TIME_NEVER_MS && e->signed_until_ms > t->x &&
	       f->at_ms >= e->signed_until_ms;
}

static bool has_run_out(const struct safety_history *h, const struct safety_fault *f)
{
	return is_signature_rule(f->rule) &&
	       f->at_ms >= h->editions[signature_of(f)].signed_until_ms;
}

// An edition that was there before is out of date at this fault, and without the effect something
// of its publisher is or will be by then: perhaps its DNSKEY set, so that nobody judges its data.
static const struct safety_fault *out_of_date_anyway(
        const struct trial *t, const struct safety_fault *f)
{
	if (!is_signature_rule(f->rule) || signature_of(f) >= t->before->count)
		return NULL;
	uint8_t publisher = t->after.editions[signature_of(f)].publisher;
	for (unsigned i = 0; i < t->known->count; i++) {
		const struct safety_fault *k = &t->known->faults[i];
		if (is_signature_rule(k->rule) && k->path == f->path && k->at_ms <= f->at_ms &&
		        t->before->editions[signature_of(k)].publisher == publisher)
			return k;
	}
	return NULL;
}

static bool is_too_late(struct trial *t, const struct safety_fault *f)
{
	const struct safety_fault *k = out_of_date_anyway(t, f);
	if (k == NULL)
		return false;
	uint64_t publisher = UINT64_C(1) << t->after.editions[signature_of(f)].publisher;
	if (t->x == t->now_ms) {
		if ((t->late[0] | t->late[1]) == 0)
			t->late_fault = *k;
		t->late[f->path] |= publisher;
	}
	return (t->late[f->path] & publisher) != 0 || (k->at_ms < t->x && k->until_ms > t->x);
}

static void weigh(void *ctx, const struct safety_fault *fault)
{
	struct trial *t = ctx;
	if (fault->rule == SAFETY_RULE_INSECURE) {
		t->insecure |= is_touched(t, fault->ds);
		return;
	}
	if (is_natural_end(t, fault)) {
		if (!t->ends || fault->at_ms < t->end.at_ms)
			t->end = *fault;
		t->ends = true;
		return;
	}
	if (is_excused(t, fault) || is_too_late(t, fault))
		return;
	int64_t at = fault->at_ms > t->x ? fault->at_ms : t->x;
	int64_t length = fault->until_ms == TIME_NEVER_MS ? TIME_NEVER_MS : fault->until_ms - at;
	if (!t->blocked || length > t->longest_ms) {
		t->longest_ms = length;
		t->first = *fault;
		t->first.at_ms = at;
	}
	t->blocked = true;
}

// Only what counts from the beginning: the room for editions is large.
static void trial_init(struct trial *t, const struct safety_history *history,
        const struct safety_readers *readers, const struct known *known, int64_t now_ms)
{
	t->given = history;
	t->before = history;
	t->readers = readers;
	t->known_given = known;
	t->known = known;
	t->renewal = NULL;
	t->now_ms = now_ms;
	t->late[0] = t->late[1] = 0;
}

static enum result trial_prepare(struct trial *t, const struct safety_effect *effect)
{
	const struct safety_history *h = t->before;
	t->after = *h;
	size_t room = (size_t)h->count + effect->count;
	if (room > SAFETY_MAX_EDITIONS)
		return RESULT_LIMIT;
	t->after.editions =
	        room <= EDITIONS_ON_STACK ? t->on_stack : malloc(room * sizeof *t->after.editions);
	if (t->after.editions == NULL)
		return RESULT_MEMORY;
	t->after.capacity = (uint16_t)room;
	t->touched[0] = t->touched[1] = 0;
	for (size_t i = 0; i < effect->count; i++) {
		struct safety_edition e = {
		        .publisher = effect->changes[i].publisher, .kind = effect->changes[i].kind};
		t->touched[slot(&e) / 64] |= UINT64_C(1) << slot(&e) % 64;
	}
	return RESULT_OK;
}

static void trial_free(struct trial *t)
{
	renewal_free(t->renewal);
	if (t->after.editions != t->on_stack)
		free(t->after.editions);
}

static enum result try_at(struct trial *t, const struct safety_effect *effect, int64_t x)
{
	t->after.count = t->before->count;
	if (t->before->count > 0)
		memcpy(t->after.editions, t->before->editions,
		        t->before->count * sizeof *t->after.editions);
	t->x = x;
	t->blocked = t->insecure = t->ends = t->excused = false;
	t->longest_ms = 0;
	enum result result = safety_publish_all(&t->after, effect, x);
	if (result != RESULT_OK)
		return result;
	struct fault_sink sink = {.visit = weigh, .ctx = t, .since_ms = x};
	return faults_find(&t->after, t->readers, &sink);
}

static enum result try_renewed(struct trial *t, const struct safety_effect *effect, int64_t x)
{
	enum result result = renew(t, x);
	return result == RESULT_OK ? try_at(t, effect, x) : result;
}

// After this instant the history is no longer remembered by anybody: what is not safe then never
// will be.
static int64_t give_up_at(const struct safety_history *h, const struct safety_effect *effect,
        const struct safety_readers *r, int64_t now_ms)
{
	int64_t last = now_ms;
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].signed_from_ms > last)
			last = effect->changes[i].signed_from_ms;
	for (int i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		if (e->until_ms != TIME_NEVER_MS && e->until_ms > last)
			last = e->until_ms;
		if (e->from_ms > last)
			last = e->from_ms;
		if (e->signed_from_ms > last)
			last = e->signed_from_ms;
	}
	return time_add(last, safety_memory_ms(h, r) + 1);
}

// Between `unsafe` and `safe` the last unsafe instant is found; t is left as tried at the first
// safe one.
static enum result narrow(struct trial *t, const struct safety_effect *effect, int64_t unsafe,
        int64_t safe, struct safety_fault *cause)
{
	enum result result = RESULT_OK;
	for (int64_t next = safe - 1; result == RESULT_OK && safe - unsafe > 1;
	        next = unsafe + (safe - unsafe) / 2) {
		result = try_renewed(t, effect, next);
		*(t->blocked ? &unsafe : &safe) = next;
		if (t->blocked)
			*cause = t->first;
	}
	if (result == RESULT_OK)
		result = try_renewed(t, effect, safe);
	return result;
}

// The next signature to be made again after x, or `before` where that is not before it.
static int64_t next_renewal(const struct trial *t, int64_t x, int64_t before)
{
	for (int i = 0; i < t->given->count; i++)
		if (runs_out(&t->given->editions[i], x, before))
			before = t->given->editions[i].signed_until_ms;
	return before;
}

// Later than this the last copies of an edition that the effect replaces outlive its signature.
static int64_t copies_in_date(const struct trial *t, const struct safety_edition *e)
{
	unsigned s = slot(e);
	if ((t->touched[s / 64] >> s % 64 & 1) == 0 || e->until_ms != TIME_NEVER_MS ||
	        e->signed_until_ms == TIME_NEVER_MS || e->signed_until_ms == TIME_EVER_MS)
		return TIME_NEVER_MS;
	int64_t lag_ms = (int64_t)t->given->lag_s[e->publisher] * SECOND_MS;
	return time_add(e->signed_until_ms, -lag_ms - edition_ttl_ms(e, t->readers));
}

// The last instant at which what the effect itself signs is in date, or the copies of what it
// replaces, or `before` where none is between x and that: a window may end there.
static int64_t last_in_date(
        const struct trial *t, const struct safety_effect *effect, int64_t x, int64_t before)
{
	for (int i = 0; i < t->given->count; i++) {
		int64_t last_ms = copies_in_date(t, &t->given->editions[i]);
		if (last_ms > x && last_ms < before)
			before = last_ms;
	}
	for (size_t i = 0; i < effect->count; i++) {
		int64_t last_ms = effect->changes[i].signed_until_ms - 1;
		if (effect->changes[i].signed_until_ms != TIME_NEVER_MS && last_ms > x &&
		        last_ms < before)
			before = last_ms;
	}
	return before;
}

static enum result find_from(struct trial *t, const struct safety_effect *effect, int64_t now_ms,
        struct safety_window *w)
{
	int64_t limit = give_up_at(t->before, effect, t->readers, now_ms), x = now_ms,
	        unsafe = now_ms, least = 1;
	enum result result = try_renewed(t, effect, x);
	for (; result == RESULT_OK && t->blocked && x < limit; result = try_renewed(t, effect, x)) {
		w->cause = t->first;
		unsafe = x;
		int64_t jump = t->longest_ms > least ? t->longest_ms : least;
		least = least > DAY_MS * 366 ? least : least * 2;
		// What is blamed on a signature is over as soon as that is made again.
		int64_t next = next_renewal(t, x, jump < limit - x ? x + jump : limit);
		x = last_in_date(t, effect, x, next);
	}
	if (result != RESULT_OK)
		return result;
	if (t->blocked) {
		w->cause = t->first;
		w->possible = false;
		return RESULT_OK;
	}
	w->possible = true;
	w->waits = x > now_ms;
	if (w->waits)
		result = narrow(t, effect, unsafe, x, &w->cause);
	w->from_ms = t->x;
	w->insecure = t->insecure;
	w->excused = t->excused;
	w->excuse = t->excuse;
	return result;
}

// Shortens the window to before `blocked_at`, an instant in it that is not safe.
static enum result shorten(struct trial *t, const struct safety_effect *effect, int64_t blocked_at,
        struct safety_window *w)
{
	enum result result = RESULT_OK;
	int64_t safe = w->from_ms, unsafe = blocked_at;
	w->ends = true;
	w->end = t->first;
	while (result == RESULT_OK && unsafe - safe > 1) {
		int64_t middle = safe + (unsafe - safe) / 2;
		result = try_at(t, effect, middle);
		if (t->blocked)
			w->end = t->first;
		*(t->blocked ? &unsafe : &safe) = middle;
	}
	w->until_ms = unsafe;
	return result;
}

// The next instant after `after` at which a signature of the history runs out under somebody;
// `before` where that is not before it.
static int64_t next_run_out(const struct trial *t, int64_t after, int64_t before)
{
	for (unsigned i = 0; i < t->known->count; i++) {
		const struct safety_fault *k = &t->known->faults[i];
		if (has_run_out(t->before, k) && k->at_ms > after && k->at_ms < before)
			before = k->at_ms;
	}
	return before;
}

// The effect may be unsafe behind the instants after which copies outlive their signature, though
// it is safe again when that has run out: by then, nobody may trust what the copies are judged by.
static enum result end_with_copies(
        struct trial *t, const struct safety_effect *effect, struct safety_window *w)
{
	enum result result = RESULT_OK;
	for (int i = 0; result == RESULT_OK && i < t->given->count; i++) {
		int64_t last_ms = copies_in_date(t, &t->given->editions[i]);
		if (last_ms < w->from_ms || last_ms >= w->until_ms - 1)
			continue;
		result = try_at(t, effect, last_ms + 1);
		if (result == RESULT_OK && t->blocked)
			result = shorten(t, effect, last_ms + 1, w);
	}
	return result;
}

// t was tried at w->from_ms and is safe there. Behind the instants at which signatures of the
// history run out the effect may be safe again, because it mends that; so these are tried.
static enum result find_until(
        struct trial *t, const struct safety_effect *effect, struct safety_window *w)
{
	w->ends = t->ends && t->end.at_ms > w->from_ms;
	w->until_ms = w->ends ? t->end.at_ms : TIME_NEVER_MS;
	w->end = t->end;
	enum result result = end_with_copies(t, effect, w);
	int64_t at = w->from_ms;
	while (result == RESULT_OK && (at = next_run_out(t, at, w->until_ms)) < w->until_ms) {
		result = try_at(t, effect, at);
		if (result == RESULT_OK && t->blocked)
			result = shorten(t, effect, at, w);
	}
	if (result != RESULT_OK || !w->ends || w->until_ms - 1 <= w->from_ms)
		return result;
	result = try_at(t, effect, w->until_ms - 1);
	return result == RESULT_OK && t->blocked ? shorten(t, effect, w->until_ms - 1, w) : result;
}

static void find_broken(const struct known *known, int64_t now_ms, struct safety_window *w)
{
	for (unsigned i = 0; i < known->count; i++) {
		const struct safety_fault *f = &known->faults[i];
		if (f->rule == SAFETY_RULE_INSECURE || f->at_ms > now_ms)
			continue;
		if (!w->broken || safety_rule_word(f->rule) > safety_rule_word(w->before.rule))
			w->before = *f;
		w->broken = true;
	}
}

// The first signature that has to be made again before the window begins.
static void find_expiry(const struct trial *t, struct safety_window *w)
{
	for (unsigned i = 0; i < t->known_given->count; i++) {
		const struct safety_fault *k = &t->known_given->faults[i];
		if (!has_run_out(t->given, k) ||
		        !runs_out(&t->given->editions[signature_of(k)], t->now_ms, w->from_ms))
			continue;
		if (!w->expires || k->at_ms < w->expiry.at_ms)
			w->expiry = *k;
		w->expires = true;
	}
}

static enum result copy_of_trial(struct trial *t, const struct safety_effect *effect, int64_t x,
        struct safety_history *after)
{
	enum result result = try_at(t, effect, x);
	return result == RESULT_OK ? safety_history_copy(after, &t->after) : result;
}

enum result safety_earliest(const struct safety_history *history,
        const struct safety_effect *effect, const struct safety_readers *readers, int64_t now_ms,
        struct safety_window *window, struct safety_history *after)
{
	struct known known;
	enum result result = known_find(&known, history, readers, now_ms);
	struct trial t;
	trial_init(&t, history, readers, &known, now_ms);
	struct safety_window w = {.from_ms = TIME_NEVER_MS, .until_ms = TIME_NEVER_MS};
	if (result == RESULT_OK)
		result = trial_prepare(&t, effect);
	if (result == RESULT_OK) {
		find_broken(&known, now_ms, &w);
		result = find_from(&t, effect, now_ms, &w);
		if (!w.broken && (t.late[0] | t.late[1]) != 0) {
			w.broken = true;
			w.before = t.late_fault;
		}
		if (result == RESULT_OK && w.possible) {
			find_expiry(&t, &w);
			result = find_until(&t, effect, &w);
		}
		if (result == RESULT_OK && after != NULL)
			result = copy_of_trial(
			        &t, effect, w.possible && w.waits ? w.from_ms - 1 : t.x, after);
		trial_free(&t);
	}
	known_free(&known);
	if (result == RESULT_OK)
		*window = w;
	return result;
}

bool safety_is_safe_now(const struct safety_history *history, const struct safety_effect *effect,
        const struct safety_readers *readers, int64_t now_ms, struct safety_fault *fault)
{
	struct known known;
	struct trial t;
	trial_init(&t, history, readers, &known, now_ms);
	enum result result = known_find(&known, history, readers, now_ms);
	if (result == RESULT_OK)
		result = trial_prepare(&t, effect);
	if (result == RESULT_OK) {
		result = try_at(&t, effect, now_ms);
		trial_free(&t);
	}
	known_free(&known);
	if (result != RESULT_OK)
		return false;
	if (t.blocked && fault != NULL)
		*fault = t.first;
	return !t.blocked;
}
