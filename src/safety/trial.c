#include "safety/trial.h"

#include <stdlib.h>
#include <string.h>

static void renewal_free(struct renewal *renewal)
{
	if (renewal == NULL)
		return;
	known_free(&renewal->known);
	safety_history_free(&renewal->history);
	free(renewal);
}

bool edition_runs_out(const struct safety_edition *e, int64_t now_ms, int64_t by_ms)
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
		if (edition_runs_out(e, t->now_ms, by_ms))
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
		count += edition_runs_out(&t->given->editions[i], t->now_ms, by_ms);
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

static unsigned slot(const struct safety_edition *e)
{
	return (unsigned)e->publisher * SAFETY_KINDS + e->kind;
}

bool trial_touches_slot(const struct trial *t, const struct safety_edition *e)
{
	unsigned s = slot(e);
	return (t->touched[s / 64] >> s % 64 & 1) != 0;
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
	if (!trial_touches_slot(t, e))
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

bool has_run_out(const struct safety_history *h, const struct safety_fault *f)
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
void trial_init(struct trial *t, const struct safety_history *history,
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

enum result trial_prepare(struct trial *t, const struct safety_effect *effect)
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

void trial_free(struct trial *t)
{
	renewal_free(t->renewal);
	if (t->after.editions != t->on_stack)
		free(t->after.editions);
}

enum result trial_at(struct trial *t, const struct safety_effect *effect, int64_t x)
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

enum result trial_at_renewed(struct trial *t, const struct safety_effect *effect, int64_t x)
{
	enum result result = renew(t, x);
	return result == RESULT_OK ? trial_at(t, effect, x) : result;
}
