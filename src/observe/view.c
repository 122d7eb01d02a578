// Feeding rounds: what begins, what goes on, what ends.
#include "observe/view_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- Places ---------------------------------------------------------------------------------

static bool kind_is_asked(size_t publisher, int kind)
{
	if (publisher == 0)
		return kind == SAFETY_DS || kind == SAFETY_NS;
	return kind != SAFETY_DS;
}

static struct place *place_find(
        const struct observe_view *view, int publisher, const struct address *server)
{
	for (size_t i = 0; i < view->place_count; i++)
		if (view->places[i].publisher == publisher &&
		        address_equal(&view->places[i].server, server))
			return &view->places[i];
	return NULL;
}

static void place_add(struct observe_view *view, size_t publisher, const struct address *server)
{
	if (place_find(view, (int)publisher, server) != NULL)
		return;
	struct place *place = &view->places[view->place_count++];
	*place = (struct place){.publisher = (uint8_t)publisher, .server = *server};
	for (int kind = 0; kind < SAFETY_KINDS; kind++)
		place->kind[kind] = (struct place_kind){.used = kind_is_asked(publisher, kind),
		        .asked_ms = TIME_EVER_MS,
		        .answered_ms = TIME_EVER_MS,
		        .since_ms = TIME_EVER_MS,
		        .first_ms = TIME_NEVER_MS,
		        .silent_ms = TIME_NEVER_MS};
}

static int place_compare(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	if (one->publisher != other->publisher)
		return one->publisher < other->publisher ? -1 : 1;
	return address_compare(&one->server, &other->server);
}

static bool places_make(struct observe_view *view)
{
	const struct observe_subject *subject = view->subject;
	size_t room = 0;
	for (size_t p = 0; p < subject->publisher_count; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++)
			room += subject->publishers[p].servers[s].address_count;
	view->places = calloc(room + 1, sizeof *view->places);
	if (view->places == NULL)
		return false;
	for (size_t p = 0; p < subject->publisher_count; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++) {
			const struct observe_server *server = &subject->publishers[p].servers[s];
			for (size_t a = 0; a < server->address_count; a++)
				place_add(view, p, &server->addresses[a]);
		}
	qsort(view->places, view->place_count, sizeof *view->places, place_compare);
	return true;
}

// ---- The two tables -------------------------------------------------------------------------

static void key_take(struct observe_view *view, struct dns_key *key, const char *name)
{
	size_t n = view->keys.count++;
	view->keys.key[n] = dns_key_ref(key);
	view->key_named[n] = name != NULL;
	if (name != NULL)
		snprintf(view->key_name[n], SAFETY_NAME, "%s", name);
	else
		snprintf(view->key_name[n], SAFETY_NAME, "key %u", dns_key_tag(key));
}

int observe_view_key_find(const struct observe_view *view, const struct dns_key *key)
{
	for (size_t i = 0; i < view->keys.count; i++)
		if (dns_key_equal(view->keys.key[i], key))
			return (int)i;
	return -1;
}

// Moves bits to the places that map tells; bits that map to nothing (255) are not in use.
static uint64_t remap(uint64_t bits, const uint8_t *map)
{
	uint64_t moved = 0;
	for (; bits != 0; bits &= bits - 1)
		if (map[__builtin_ctzll(bits)] != 255)
			moved |= UINT64_C(1) << map[__builtin_ctzll(bits)];
	return moved;
}

static uint64_t bits_in_use(const struct observe_view *view, bool keys)
{
	uint64_t used = 0;
	for (size_t i = 0; i < view->episode_count; i++) {
		const struct episode *e = &view->episodes[i];
		bool has_keys = e->kind == SAFETY_DNSKEY || e->kind == SAFETY_DATA;
		if (keys ? has_keys : e->kind == SAFETY_DS)
			used |= e->content | (keys ? e->signers : 0);
	}
	return used;
}

// Forgets keys that nothing refers to and nobody named.
static void keys_compact(struct observe_view *view)
{
	uint8_t map[SAFETY_MAX_KEYS];
	uint64_t used = bits_in_use(view, true);
	size_t kept = 0;
	for (size_t i = 0; i < view->keys.count; i++) {
		bool keep = (used >> i & 1) != 0 || view->key_named[i];
		map[i] = keep ? (uint8_t)kept : 255;
		if (!keep) {
			dns_key_unref(view->keys.key[i]);
			continue;
		}
		view->keys.key[kept] = view->keys.key[i];
		view->key_named[kept] = view->key_named[i];
		memmove(view->key_name[kept], view->key_name[i], SAFETY_NAME);
		kept++;
	}
	view->keys.count = kept;
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode *e = &view->episodes[i];
		if (e->kind == SAFETY_DNSKEY || e->kind == SAFETY_DATA) {
			e->content = remap(e->content, map);
			e->signers = remap(e->signers, map);
		}
	}
}

static void ds_compact(struct observe_view *view)
{
	uint8_t map[DS_MAX];
	uint64_t used = bits_in_use(view, false);
	size_t kept = 0;
	for (size_t i = 0; i < view->ds_count; i++) {
		bool keep = (used >> i & 1) != 0;
		map[i] = keep ? (uint8_t)kept : 255;
		if (keep)
			view->ds[kept++] = view->ds[i];
	}
	view->ds_count = kept;
	for (size_t i = 0; i < view->episode_count; i++)
		if (view->episodes[i].kind == SAFETY_DS)
			view->episodes[i].content = remap(view->episodes[i].content, map);
}

static int ds_number(struct observe_view *view, const struct dns_ds *ds)
{
	for (size_t i = 0; i < view->ds_count; i++)
		if (dns_ds_equal(&view->ds[i], ds))
			return (int)i;
	if (view->ds_count == DS_MAX)
		return -1;
	view->ds[view->ds_count] = *ds;
	return (int)view->ds_count++;
}

static bool leads_to(const struct dns_ds *ds, const struct dns_key *key)
{
	return dns_key_is_zone_key(key) && !dns_key_is_revoked(key) &&
	       dns_ds_match(ds, key) == DNS_DS_MATCHES;
}

void view_number_ds(struct observe_view *view)
{
	uint8_t digest[DS_MAX], key[DS_MAX], count = 0;
	view->stand_ins = 0;
	for (size_t i = 0; i < view->ds_count; i++) {
		size_t k = 0;
		while (k < view->keys.count && !leads_to(&view->ds[i], view->keys.key[k]))
			k++;
		if (k == view->keys.count)
			k += view->stand_ins++;
		view->ds_key[i] = (uint8_t)k;
		// As safety_ds_add() will number them.
		uint8_t bit = 0;
		while (bit < count && (key[bit] != k || digest[bit] != view->ds[i].digest_type))
			bit++;
		if (bit == count) {
			key[count] = (uint8_t)k;
			digest[count++] = view->ds[i].digest_type;
		}
		view->ds_bit[i] = bit;
	}
}

// ---- Episodes -------------------------------------------------------------------------------

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

// An episode whose signatures run out earlier stands for one whose signatures run out later, until
// half of the time to the later instant is over.
static bool stands_for(const struct episode *e, const struct seen *seen)
{
	if (e->signed_from_ms == seen->signed_from_ms &&
	        e->signed_until_ms == seen->signed_until_ms)
		return true;
	if (e->signed_until_ms > seen->signed_until_ms || e->signed_until_ms <= seen->at_ms ||
	        seen->signed_until_ms == TIME_NEVER_MS)
		return false;
	return (e->signed_until_ms - seen->at_ms) >= (seen->signed_until_ms - seen->at_ms) / 2;
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
		if (!same_but_signatures(e, seen) || !(exactly ? exact : stands_for(e, seen)))
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

static void leave(
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
		if (n < 0 && view->keys.count == SAFETY_MAX_KEYS) {
			view->limited = true;
			continue;
		}
		if (n < 0) {
			n = (int)view->keys.count;
			key_take(view, key, NULL);
		}
		ours |= UINT64_C(1) << n;
	}
	return ours;
}

static uint64_t ds_of_content(struct observe_view *view, const struct observe_content *content)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < content->ds_count; i++) {
		int n = ds_number(view, &content->ds[i]);
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
		if (!stands_for(e, seen))
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

static void fact_feed(struct observe_view *view, const struct observe_round *round,
        const struct observe_fact *fact)
{
	struct place *place = place_find(view, fact->publisher, &fact->server);
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
	if (meaning_changed(view, &before, pk))
		pk->since_ms = fact->answered_ms;
	for (size_t i = 0; i < before.count; i++)
		if (!is_shown(pk, before.shown[i].serial))
			leave(view, pk, before.shown[i].serial,
			        dropped_ms(view, pk, &before.shown[i], &before, fact));
	pk->answered = true;
	pk->gone = false;
	pk->asked_ms = fact->asked_ms;
	pk->answered_ms = fact->answered_ms;
	pk->silent_ms = TIME_NEVER_MS;
	if (pk->first_ms == TIME_NEVER_MS)
		pk->first_ms = fact->answered_ms;
}

// ---- Rounds ---------------------------------------------------------------------------------

// Far enough from both ends that differences do not overflow: the years up to 9999 and more.
static bool is_time(int64_t at_ms)
{
	return at_ms > -(INT64_MAX / 16) && at_ms < INT64_MAX / 16;
}

static enum result round_check(
        const struct observe_view *view, const struct observe_round *round, struct error *err)
{
	if (memcmp(round->subject, view->subject_hash, sizeof view->subject_hash) != 0)
		return error_set(
		        err, RESULT_INPUT, "this round of observation belongs to another subject");
	if (!is_time(round->start_ms) || !is_time(round->end_ms) || !is_time(round->mono_ms))
		return error_set(err, RESULT_INPUT, "a round of observation at no known time");
	for (size_t i = 0; i < round->fact_count; i++) {
		const struct observe_fact *fact = &round->facts[i];
		const struct place *place = place_find(view, fact->publisher, &fact->server);
		if (place == NULL || fact->kind >= SAFETY_KINDS || !place->kind[fact->kind].used)
			return error_set(err, RESULT_INPUT,
			        "a round of observation has a fact about an address that is not "
			        "asked for it");
	}
	return RESULT_OK;
}

// Each content can make one new episode, and each one that ends a lingering one.
static enum result room_make(
        struct observe_view *view, const struct observe_round *round, struct error *err)
{
	size_t room = view->episode_count;
	for (size_t i = 0; i < round->fact_count; i++)
		room += round->facts[i].content_count + SHOWN_MAX;
	if (room <= view->episode_room)
		return RESULT_OK;
	struct episode *more = realloc(view->episodes, room * sizeof *more);
	if (more == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	view->episodes = more;
	view->episode_room = room;
	return RESULT_OK;
}

// Somebody set the clock forward: what ended before that ended less long ago than it looks.
static void clock_forward(struct observe_view *view, int64_t by_ms)
{
	view->set_forward_ms = by_ms;
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode *e = &view->episodes[i];
		if (!e->lingering && e->gone_ms != TIME_EVER_MS)
			e->gone_ms = time_add(e->gone_ms, by_ms);
	}
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			struct place_kind *pk = &view->places[i].kind[kind];
			pk->first_ms = time_add(pk->first_ms, by_ms);
		}
}

// After too long a time without a look, observation begins again.
static void begin_again(struct observe_view *view)
{
	view->past_since_ms = TIME_NEVER_MS;
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++)
			view->places[i].kind[kind].first_ms = TIME_NEVER_MS;
}

// The wall clock against the monotonic one. Whole seconds only, so that a clock that is slowly
// brought to the right time does not count differently for those who look more often.
static void clock_check(struct observe_view *view, const struct observe_round *round)
{
	int64_t offset_ms = round->end_ms - round->mono_ms;
	if (!view->fed || round->session != view->session) {
		view->offset_ms = offset_ms;
		return;
	}
	int64_t by_ms = (offset_ms - view->offset_ms) / SECOND_MS * SECOND_MS;
	view->offset_ms += by_ms;
	if (by_ms > 0)
		clock_forward(view, by_ms);
}

static void time_feed(struct observe_view *view, const struct observe_round *round)
{
	view->set_forward_ms = 0;
	clock_check(view, round);
	if (view->fed && round->start_ms - view->last_ms > view->subject->max_hole_ms)
		begin_again(view);
	view->fed = true;
	view->last_ms = round->end_ms;
	view->session = round->session;
	if (round->end_ms > view->high_ms)
		view->high_ms = round->end_ms;
}

static bool has_answer(const struct observe_round *round, const struct place *place, int kind)
{
	for (size_t i = 0; i < round->fact_count; i++)
		if (round->facts[i].publisher == place->publisher && round->facts[i].kind == kind &&
		        round->facts[i].state == OBSERVE_SHOWN &&
		        address_equal(&round->facts[i].server, &place->server))
			return true;
	return false;
}

static void silence_feed(struct observe_view *view, const struct observe_round *round)
{
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			struct place_kind *pk = &view->places[i].kind[kind];
			if (pk->used && pk->silent_ms == TIME_NEVER_MS &&
			        !has_answer(round, &view->places[i], kind))
				pk->silent_ms = round->start_ms;
		}
}

static void problems_feed(struct observe_view *view, const struct observe_round *round)
{
	view->problem_count = 0;
	for (size_t i = 0; i < round->problem_count; i++)
		if (view->problem_count < OBSERVE_MAX_GAPS)
			view->problems[view->problem_count++] = round->problems[i];
		else if (round->problems[i].blocks)
			view->problems[OBSERVE_MAX_GAPS - 1] = round->problems[i];
}

static bool is_present(const struct observe_view *view, const struct episode *e)
{
	return episode_until_ms(view, e) == TIME_NEVER_MS;
}

// That a zone was secure once has to be remembered for as long as it is not (safety_prune).
static bool was_secure(const struct observe_view *view, const struct episode *e)
{
	if (e->kind != SAFETY_DS || e->content == 0)
		return false;
	for (size_t i = 0; i < view->episode_count; i++)
		if (view->episodes[i].kind == SAFETY_DS &&
		        (is_present(view, &view->episodes[i])
		                        ? view->episodes[i].content != 0
		                        : view->episodes[i].content != 0 &&
		                                  view->episodes[i].serial > e->serial))
			return false;
	return true;
}

static void prune(struct observe_view *view)
{
	struct safety_history history;
	struct safety_readers readers = view_readers(view);
	if (view_history_make(view, view->last_ms, false, &history, NULL) != RESULT_OK)
		return;
	int64_t forgotten_ms = time_add(view->last_ms, -safety_memory_ms(&history, &readers));
	safety_history_free(&history);
	size_t kept = 0;
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode e = view->episodes[i];
		if (episode_until_ms(view, &e) > forgotten_ms || was_secure(view, &e))
			view->episodes[kept++] = e;
	}
	view->episode_count = kept;
}

enum result observe_view_feed(
        struct observe_view *view, const struct observe_round *round, struct error *err)
{
	enum result result = round_check(view, round, err);
	if (result == RESULT_OK)
		result = room_make(view, round, err);
	if (result != RESULT_OK)
		return result;
	if (view->keys.count + round->keys.count > SAFETY_MAX_KEYS)
		keys_compact(view);
	ds_compact(view);
	time_feed(view, round);
	for (size_t i = 0; i < round->fact_count; i++)
		if (round->facts[i].state != OBSERVE_UNKNOWN)
			fact_feed(view, round, &round->facts[i]);
	silence_feed(view, round);
	problems_feed(view, round);
	view_number_ds(view);
	prune(view);
	return RESULT_OK;
}

// ---- The rest of the interface --------------------------------------------------------------

struct observe_view *observe_view_new(const struct observe_subject *subject)
{
	struct observe_view *view = calloc(1, sizeof *view);
	if (view == NULL)
		return NULL;
	view->subject = subject;
	view->past_since_ms = subject->past_since_ms;
	view->last_ms = view->high_ms = TIME_EVER_MS;
	view->keys.key = calloc(SAFETY_MAX_KEYS, sizeof *view->keys.key);
	if (view->keys.key == NULL || !places_make(view) ||
	        observe_subject_hash(subject, view->subject_hash, NULL) != RESULT_OK) {
		observe_view_free(view);
		return NULL;
	}
	for (size_t i = 0; i < subject->key_count; i++)
		key_take(view, subject->keys[i].key, subject->keys[i].name);
	return view;
}

void observe_view_free(struct observe_view *view)
{
	if (view == NULL)
		return;
	for (size_t i = 0; i < view->keys.count; i++)
		dns_key_unref(view->keys.key[i]);
	free(view->keys.key);
	free(view->places);
	free(view->episodes);
	free(view);
}

int64_t observe_view_last_ms(const struct observe_view *view)
{
	return view->last_ms;
}

enum result observe_view_declare_gone(struct observe_view *view, int publisher,
        const struct address *server, int64_t at_ms, struct error *err)
{
	struct place *place = place_find(view, publisher, server);
	char text[ADDRESS_TEXT];
	if (place == NULL)
		return error_set(err, RESULT_NOT_FOUND, "%s is no address that is observed",
		        address_format(server, text));
	size_t room = view->episode_count + (size_t)SAFETY_KINDS * SHOWN_MAX;
	if (room > view->episode_room) {
		struct episode *more = realloc(view->episodes, room * sizeof *more);
		if (more == NULL)
			return error_set(err, RESULT_MEMORY, "out of memory");
		view->episodes = more;
		view->episode_room = room;
	}
	for (int kind = 0; kind < SAFETY_KINDS; kind++) {
		struct place_kind *pk = &place->kind[kind];
		struct place_kind before = *pk;
		pk->count = 0;
		for (size_t i = 0; i < before.count; i++)
			leave(view, pk, before.shown[i].serial, at_ms);
		pk->gone = pk->used;
		pk->since_ms = at_ms;
		if (pk->used && pk->silent_ms == TIME_NEVER_MS)
			pk->silent_ms = at_ms;
	}
	return RESULT_OK;
}

size_t observe_view_key_count(const struct observe_view *view)
{
	return view->keys.count;
}

const struct dns_key *observe_view_key(const struct observe_view *view, size_t key)
{
	assert(key < view->keys.count);
	return view->keys.key[key];
}

const char *observe_view_key_name(const struct observe_view *view, size_t key)
{
	assert(key < view->keys.count);
	return view->key_name[key];
}

enum result observe_view_key_add(
        struct observe_view *view, const char *name, struct dns_key *key, struct error *err)
{
	int n = observe_view_key_find(view, key);
	if (n < 0 && view->keys.count == SAFETY_MAX_KEYS)
		keys_compact(view);
	if (n < 0 && view->keys.count == SAFETY_MAX_KEYS)
		return error_set(err, RESULT_LIMIT, "more than %d keys", SAFETY_MAX_KEYS);
	if (n < 0)
		key_take(view, key, name);
	else
		snprintf(view->key_name[n], SAFETY_NAME, "%s", name);
	if (n >= 0)
		view->key_named[n] = true;
	view_number_ds(view);
	return RESULT_OK;
}
