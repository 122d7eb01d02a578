// When is an effect safe? It is tried at one instant after the other (trial.h).
//
// Waiting moves the start of a conflict, which is tied to x, towards its end, which is tied to what
// is cached already; so the search jumps by the length of the longest blocking fault, and makes
// sure by bisection that the instant before is not safe.
#include "safety/trial.h"

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
		result = trial_at_renewed(t, effect, next);
		*(t->blocked ? &unsafe : &safe) = next;
		if (t->blocked)
			*cause = t->first;
	}
	if (result == RESULT_OK)
		result = trial_at_renewed(t, effect, safe);
	return result;
}

// The next signature to be made again after x, or `before` where that is not before it.
static int64_t next_renewal(const struct trial *t, int64_t x, int64_t before)
{
	for (int i = 0; i < t->given->count; i++)
		if (edition_runs_out(&t->given->editions[i], x, before))
			before = t->given->editions[i].signed_until_ms;
	return before;
}

// Later than this the last copies of an edition that the effect replaces outlive its signature.
static int64_t copies_in_date(const struct trial *t, const struct safety_edition *e)
{
	if (!trial_touches_slot(t, e) || e->until_ms != TIME_NEVER_MS ||
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
	enum result result = trial_at_renewed(t, effect, x);
	for (; result == RESULT_OK && t->blocked && x < limit;
	        result = trial_at_renewed(t, effect, x)) {
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
		result = trial_at(t, effect, middle);
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
		result = trial_at(t, effect, last_ms + 1);
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
		result = trial_at(t, effect, at);
		if (result == RESULT_OK && t->blocked)
			result = shorten(t, effect, at, w);
	}
	if (result != RESULT_OK || !w->ends || w->until_ms - 1 <= w->from_ms)
		return result;
	result = trial_at(t, effect, w->until_ms - 1);
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
		        !edition_runs_out(
		                &t->given->editions[signature_of(k)], t->now_ms, w->from_ms))
			continue;
		if (!w->expires || k->at_ms < w->expiry.at_ms)
			w->expiry = *k;
		w->expires = true;
	}
}

static enum result copy_of_trial(struct trial *t, const struct safety_effect *effect, int64_t x,
        struct safety_history *after)
{
	enum result result = trial_at(t, effect, x);
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

// Whether an instant comes that is safe for sticky readers as well; the window is theirs then.
static enum result find_patient(const struct safety_history *history,
        const struct safety_effect *effect, const struct safety_readers *sticky, int64_t now_ms,
        struct safety_window *window, bool *found)
{
	struct safety_window patient;
	enum result result = safety_earliest(history, effect, sticky, now_ms, &patient, NULL);
	*found = result == RESULT_OK && patient.possible && patient.from_ms > window->from_ms &&
	         patient.from_ms < window->until_ms;
	if (*found)
		*window = patient;
	return result;
}

enum result safety_earliest_back(const struct safety_history *history,
        const struct safety_effect *effect, const struct safety_readers *readers, int64_t now_ms,
        struct safety_window *window, struct safety_history *after)
{
	enum { ONE_GROUP = 2 }; // publishers: the parent and a group, which nobody can leave
	struct safety_readers sticky = *readers;
	struct safety_window w;
	bool patient = false;
	sticky.ns = SAFETY_NS_STICKY;
	enum result result = safety_earliest(history, effect, readers, now_ms, &w, NULL);
	if (result == RESULT_OK && w.possible && readers->ns != SAFETY_NS_PARENT &&
	        history->publishers > ONE_GROUP)
		result = find_patient(history, effect, &sticky, now_ms, &w, &patient);
	if (result == RESULT_OK && after != NULL)
		result = safety_earliest(
		        history, effect, patient ? &sticky : readers, now_ms, &w, after);
	if (result == RESULT_OK)
		*window = w;
	return result;
}

bool safety_is_safe_now(const struct safety_history *history, const struct safety_effect *effect,
        const struct safety_readers *readers, int64_t now_ms, struct safety_fault *fault)
{
	struct known known;
	struct trial t;
	enum result result = known_find(&known, history, readers, now_ms);
	trial_init(&t, history, readers, &known, now_ms);
	if (result == RESULT_OK)
		result = trial_prepare(&t, effect);
	if (result == RESULT_OK) {
		result = trial_at(&t, effect, now_ms);
		trial_free(&t);
	}
	known_free(&known);
	if (result != RESULT_OK)
		return false;
	if (t.blocked && fault != NULL)
		*fault = t.first;
	return !t.blocked;
}
