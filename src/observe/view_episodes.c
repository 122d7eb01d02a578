// What one address shows, over time: which contents begin, go on, and end.
#include "observe/view_internal.h"

#include <assert.h>
#include <string.h>

struct episode *episode_find(const struct observe_view *view, uint32_t serial)
{
	for (size_t i = 0; i < view->episode_count; i++)
		if (view->episodes[i].serial == serial)
			return &view->episodes[i];
	return NULL;
}

int64_t episode_until_ms(const struct observe_view *view, const struct episode *episode)
{
	if (episode->lingering)
		return episode->gone_ms;
	if (episode->shown_by > 0)
		return TIME_NEVER_MS;
	return time_add(episode->gone_ms, view->subject->publishers[episode->publisher].lag_ms);
}

// What an address shows, in the view's numbers.
struct seen {
	uint8_t publisher, kind;
	uint64_t content, signers;
	uint32_t ttl_s;
	int64_t signed_from_ms, signed_until_ms, last_signature_ms;
	int64_t at_ms;
};

static bool stands_for(
        const struct observe_view *view, const struct episode *e, const struct seen *seen)
{
	if (e->signed_from_ms == seen->signed_from_ms &&
	        e->signed_until_ms == seen->signed_until_ms)
		return true;
	return observe_expiry_stands(e->signed_until_ms, seen->signed_until_ms, seen->at_ms,
	        observe_subject_ttl_s(view->subject, e->publisher, e->kind, e->ttl_s),
	        view->subject->publishers[e->publisher].lag_ms);
}

static bool same_but_signatures(const struct episode *e, const struct seen *seen)
{
	return !e->lingering && e->publisher == seen->publisher && e->kind == seen->kind &&
	       e->content == seen->content && e->signers == seen->signers &&
	       e->ttl_s == seen->ttl_s;
}

static bool is_shown(const struct place_kind *pk, uint32_t serial)
{
	for (size_t i = 0; i < pk->count; i++)
		if (pk->shown[i].serial == serial)
			return true;
	return false;
}

// The episode that this is a part of: rather the one that the place shows already, or else the one
// whose signatures last longest. With `exactly`, only one with the very same signatures.
static struct episode *episode_of(struct observe_view *view, const struct place_kind *pk,
        const struct seen *seen, bool exactly)
{
	struct episode *best = NULL;
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode *e = &view->episodes[i];
		bool exact = e->signed_from_ms == seen->signed_from_ms &&
		             e->signed_until_ms == seen->signed_until_ms;
		if (!same_but_signatures(e, seen) || !(exactly ? exact : stands_for(view, e, seen)))
			continue;
		if (is_shown(pk, e->serial))
			return e;
		if (best == NULL || e->signed_until_ms > best->signed_until_ms)
			best = e;
	}
	return best;
}

static struct episode *episode_new(struct observe_view *view, const struct seen *seen)
{
	assert(view->episode_count < view->episode_room);
	struct episode *e = &view->episodes[view->episode_count++];
	*e = (struct episode){.serial = ++view->serial,
	        .publisher = seen->publisher,
	        .kind = seen->kind,
	        .ttl_s = seen->ttl_s,
	        .content = seen->content,
	        .signers = seen->signers,
	        .signed_from_ms = seen->signed_from_ms,
	        .signed_until_ms = seen->signed_until_ms,
	        .from_ms = TIME_NEVER_MS,
	        .gone_ms = TIME_EVER_MS,
	        .last_signature_ms = seen->last_signature_ms};
	return e;
}

// Data that nobody asked for may keep the signatures that the samples have lost, until the last one
// that was seen has expired.
static void linger(struct observe_view *view, const struct episode *of)
{
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode *e = &view->episodes[i];
		if (e->lingering && e->publisher == of->publisher && e->content == of->content &&
		        e->ttl_s == of->ttl_s) {
			if (of->from_ms < e->from_ms)
				e->from_ms = of->from_ms;
			if (of->last_signature_ms > e->gone_ms)
				e->gone_ms = of->last_signature_ms;
			return;
		}
	}
	assert(view->episode_count < view->episode_room);
	struct episode copy = *of;
	copy.serial = ++view->serial;
	copy.lingering = true;
	copy.shown_by = 0;
	copy.gone_ms = of->last_signature_ms;
	view->episodes[view->episode_count++] = copy;
}

static bool covers_same(
        const struct observe_view *view, const struct place_kind *pk, const struct episode *e)
{
	for (size_t i = 0; i < pk->count; i++) {
		const struct episode *other = episode_find(view, pk->shown[i].serial);
		if (other != e && other->content == e->content)
			return true;
	}
	return false;
}

void view_leave(
        struct observe_view *view, const struct place_kind *pk, uint32_t serial, int64_t gone_ms)
{
	struct episode *e = episode_find(view, serial);
	assert(e != NULL && e->shown_by > 0);
	e->shown_by--;
	if (gone_ms > e->gone_ms)
		e->gone_ms = gone_ms;
	bool complete = view->subject->publishers[e->publisher].samples_complete;
	// (An address that serves nothing any more serves nothing that lingers.)
	if (e->kind == SAFETY_DATA && !complete && e->content != 0 && pk->count > 0 &&
	        e->last_signature_ms > gone_ms && !covers_same(view, pk, e))
		linger(view, e);
}

// ---- Facts ----------------------------------------------------------------------------------

// The earliest instant at which this place can have begun to show something new.
static int64_t begin_ms(const struct observe_view *view, const struct place *place,
        const struct place_kind *pk, const struct observe_fact *fact)
{
	if (!pk->answered)
		return TIME_EVER_MS;
	int64_t from_ms = pk->asked_ms < fact->asked_ms ? pk->asked_ms : fact->asked_ms;
	return time_add(from_ms, -view->subject->publishers[place->publisher].lag_ms);
}

// Keys and DS records that do not fit any more would be forgotten: the view says that it is
// limited.
static uint64_t keys_of_round(
        struct observe_view *view, const struct observe_round *round, uint64_t bits)
{
	uint64_t ours = 0;
	for (; bits != 0; bits &= bits - 1) {
		struct dns_key *key = round->keys.key[__builtin_ctzll(bits)];
		int n = observe_view_key_find(view, key);
		if (n < 0 && view_keys_room(view) == 0) {
			view->limited = true;
			continue;
		}
		if (n < 0) {
			n = (int)view->keys.count;
			view_key_take(view, key, NULL);
		}
		ours |= UINT64_C(1) << n;
	}
	return ours;
}

static uint64_t ds_of_content(struct observe_view *view, const struct observe_content *content)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < content->ds_count; i++) {
		int n = view_ds_number(view, &content->ds[i]);
		if (n < 0)
			view->limited = true;
		else
			bits |= UINT64_C(1) << n;
	}
	return bits;
}

static struct seen seen_of(struct observe_view *view, const struct observe_round *round,
        const struct observe_fact *fact, const struct observe_content *content)
{
	struct seen seen = {.publisher = fact->publisher,
	        .kind = fact->kind,
	        .ttl_s = content->ttl_s,
	        .signed_from_ms = content->signed_from_ms,
	        .signed_until_ms = content->signed_until_ms,
	        .last_signature_ms = content->last_signature_ms,
	        .at_ms = fact->answered_ms};
	switch ((enum safety_kind)fact->kind) {
	case SAFETY_DS:
		seen.content = ds_of_content(view, content);
		if (!content->verified)
			seen.signed_from_ms = seen.signed_until_ms = TIME_EVER_MS;
		break;
	case SAFETY_NS:
		seen.content = content->groups;
		break;
	case SAFETY_DNSKEY:
		seen.content = keys_of_round(view, round, content->keys);
		seen.signers = keys_of_round(view, round, content->signers);
		break;
	case SAFETY_DATA:
		seen.content = keys_of_round(view, round, content->keys);
		break;
	case SAFETY_SERVING:
	case SAFETY_KINDS:
		seen.content = content->serving ? 1 : 0;
		break;
	}
	return seen;
}

static bool meaning_changed(const struct observe_view *view, const struct place_kind *before,
        const struct place_kind *after)
{
	if (before->count != after->count || !before->answered)
		return true;
	for (size_t i = 0; i < after->count; i++) {
		const struct episode *new = episode_find(view, after->shown[i].serial);
		bool known = false;
		for (size_t k = 0; k < before->count; k++) {
			const struct episode *old = episode_find(view, before->shown[k].serial);
			known |= old->content == new->content && old->signers == new->signers;
		}
		if (!known)
			return true;
	}
	return false;
}

// The very same, signatures included, that this place showed before.
static const struct shown *shown_before(
        const struct observe_view *view, const struct place_kind *pk, const struct seen *seen)
{
	for (size_t i = 0; i < pk->count; i++)
		if (pk->shown[i].signed_from_ms == seen->signed_from_ms &&
		        pk->shown[i].signed_until_ms == seen->signed_until_ms &&
		        same_but_signatures(episode_find(view, pk->shown[i].serial), seen))
			return &pk->shown[i];
	return NULL;
}

// How what is seen goes on with what was there. What is decided here about something that has not
// changed since the last look depends on the time of the look only in *whether* an episode still
// stands for it, not in what takes its place: looking more often gives the same history.
static struct shown shown_next(struct observe_view *view, const struct place_kind *pk,
        const struct seen *seen, int64_t begin_ms)
{
	const struct shown *before = shown_before(view, pk, seen);
	struct episode *e = NULL;
	struct shown next = {.signed_from_ms = seen->signed_from_ms,
	        .signed_until_ms = seen->signed_until_ms,
	        .begin_ms = begin_ms,
	        .seen_ms = seen->at_ms};
	if (before == NULL) {
		e = episode_of(view, pk, seen, false);
	} else {
		next = *before;
		e = episode_find(view, before->serial);
		if (!stands_for(view, e, seen))
			e = episode_of(view, pk, seen, true);
	}
	if (e == NULL)
		e = episode_new(view, seen);
	if (next.begin_ms < e->from_ms)
		e->from_ms = next.begin_ms;
	if (seen->last_signature_ms > e->last_signature_ms)
		e->last_signature_ms = seen->last_signature_ms;
	next.serial = e->serial;
	return next;
}

static bool same_meaning(const struct episode *a, const struct episode *b)
{
	return a->content == b->content && a->signers == b->signers && a->ttl_s == b->ttl_s;
}

// When a place dropped an episode: now, unless the episode only stood for what the place goes on
// showing, since an earlier instant.
static int64_t dropped_ms(const struct observe_view *view, const struct place_kind *after,
        const struct shown *dropped, const struct place_kind *before,
        const struct observe_fact *fact)
{
	const struct episode *e = episode_find(view, dropped->serial);
	for (size_t i = 0; i < after->count; i++) {
		const struct shown *s = &after->shown[i];
		if (s->seen_ms == dropped->seen_ms && s->begin_ms == dropped->begin_ms &&
		        s->signed_until_ms == dropped->signed_until_ms &&
		        s->signed_from_ms == dropped->signed_from_ms &&
		        same_meaning(episode_find(view, s->serial), e))
			return dropped->seen_ms;
	}
	// After the clock was set back, the stamp of the last answer may be the later one.
	return fact->answered_ms > before->answered_ms ? fact->answered_ms : before->answered_ms;
}

static void show(struct observe_view *view, struct place_kind *now, const struct place_kind *before,
        const struct shown *shown)
{
	if (is_shown(now, shown->serial))
		return;
	if (now->count == SHOWN_MAX) {
		view->limited = true;
		return;
	}
	now->shown[now->count++] = *shown;
	if (!is_shown(before, shown->serial))
		episode_find(view, shown->serial)->shown_by++;
}

// Behind too long a silence it may have shown anything: its past begins again, and what was
// declared about the time before the first round says nothing about this.
static void hole_check(
        struct observe_view *view, struct place_kind *pk, const struct observe_fact *fact)
{
	if (!pk->answered || pk->gone ||
	        fact->asked_ms - pk->answered_ms <= view->subject->max_hole_ms)
		return;
	pk->first_ms = TIME_NEVER_MS;
	view->past_since_ms = TIME_NEVER_MS;
}

void view_fact_feed(struct observe_view *view, const struct observe_round *round,
        const struct observe_fact *fact)
{
	struct place *place = view_place_find(view, fact->publisher, &fact->server);
	struct place_kind *pk = &place->kind[fact->kind], before = *pk, now = *pk;
	bool complete = fact->state == OBSERVE_SHOWN;
	int64_t from_ms = begin_ms(view, place, pk, fact);
	if (complete)
		now.count = 0;
	for (size_t i = 0; i < fact->content_count; i++) {
		struct seen seen = seen_of(view, round, fact, &fact->contents[i]);
		struct shown shown = shown_next(view, &before, &seen, from_ms);
		show(view, &now, &before, &shown);
	}
	*pk = now;
	if (!complete)
		return;
	hole_check(view, pk, fact);
	if (meaning_changed(view, &before, pk))
		pk->since_ms = fact->answered_ms;
	for (size_t i = 0; i < before.count; i++)
		if (!is_shown(pk, before.shown[i].serial))
			view_leave(view, pk, before.shown[i].serial,
			        dropped_ms(view, pk, &before.shown[i], &before, fact));
	pk->answered = true;
	pk->gone = false;
	pk->asked_ms = fact->asked_ms;
	pk->answered_ms = fact->answered_ms;
	pk->silent_ms = TIME_NEVER_MS;
	if (pk->first_ms == TIME_NEVER_MS)
		pk->first_ms = fact->answered_ms;
}
