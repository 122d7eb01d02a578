// From episodes to a history.
//
// A history wants the editions of one publisher and kind in order of their beginning, the current
// one last. Beginnings are estimates to the side of danger, so an edition that was seen first may
// seem to begin later than its successor; then it counts from the successor's beginning on. Where
// something that came and went again was seen after what is shown now, the present edition is cut
// in two at that instant, which changes nothing about when it is visible.
#include "observe/view_internal.h"

#include <stdio.h>
#include <string.h>

struct safety_readers view_readers(const struct observe_view *view)
{
	struct safety_readers readers = safety_all_readers;
	readers.ttl_floor_s = view->subject->ttl_floor_s;
	return readers;
}

uint64_t episode_content(const struct observe_view *view, const struct episode *episode)
{
	if (episode->kind != SAFETY_DS)
		return episode->content;
	uint64_t bits = 0;
	for (uint64_t rest = episode->content; rest != 0; rest &= rest - 1)
		bits |= UINT64_C(1) << view->ds_bit[__builtin_ctzll(rest)];
	return bits;
}

static bool tables_make(
        const struct observe_view *view, bool with_names, struct safety_history *history)
{
	char name[SAFETY_NAME];
	const struct observe_subject *subject = view->subject;
	history->lag_s[0] = (uint32_t)((subject->publishers[0].lag_ms + SECOND_MS - 1) / SECOND_MS);
	for (size_t p = 1; p < subject->publisher_count; p++)
		if (safety_group_add(history, with_names ? subject->publishers[p].name : NULL,
		            subject->publishers[p].lag_ms) < 0)
			return false;
	for (size_t k = 0; k < view->keys.count; k++)
		if (safety_key_add(history, with_names ? view->key_name[k] : NULL,
		            dns_key_algorithm(view->keys.key[k])) < 0)
			return false;
	for (size_t d = 0; d < view->ds_count; d++) {
		const struct dns_ds *ds = &view->ds[d];
		snprintf(name, sizeof name, "unknown key %u", ds->tag);
		if (view->ds_key[d] == history->keys &&
		        safety_key_add(history, with_names ? name : NULL, ds->algorithm) < 0)
			return false;
		if (view->ds_key[d] >= history->keys ||
		        safety_ds_add(history, view->ds_key[d], ds->digest_type) < 0)
			return false;
	}
	return true;
}

static struct safety_edition edition_of(
        const struct observe_view *view, const struct episode *e, int64_t now_ms)
{
	struct safety_edition edition = {.from_ms = e->from_ms < now_ms ? e->from_ms : now_ms,
	        .until_ms = episode_until_ms(view, e),
	        .signed_from_ms = e->signed_from_ms,
	        .signed_until_ms = e->signed_until_ms,
	        .content = episode_content(view, e),
	        .signers = e->signers,
	        .ttl_s = e->ttl_s,
	        .publisher = e->publisher,
	        .kind = e->kind};
	uint32_t declared_s = view->subject->publishers[e->publisher].data_ttl_s;
	if (e->kind == SAFETY_DATA && declared_s > edition.ttl_s)
		edition.ttl_s = declared_s;
	// Signatures that linger are renewed, with the new key, at least a lifetime before they run
	// out; whoever does not do that has another problem.
	if (e->lingering)
		edition.signed_until_ms =
		        time_add(edition.until_ms, (int64_t)edition.ttl_s * SECOND_MS);
	return edition;
}

// Adds the episodes of one publisher and kind; lingering ones first, because they are never
// current.
static enum result kind_add(const struct observe_view *view, int publisher, int kind,
        int64_t now_ms, struct safety_history *history)
{
	uint16_t first = history->count;
	for (int lingering = 1; lingering >= 0; lingering--)
		for (size_t i = 0; i < view->episode_count; i++) {
			const struct episode *e = &view->episodes[i];
			if (e->publisher != publisher || e->kind != kind ||
			        e->lingering != (lingering != 0))
				continue;
			struct safety_edition edition = edition_of(view, e, now_ms);
			enum result result = safety_observe(history, &edition);
			if (result != RESULT_OK)
				return result;
		}
	for (int i = history->count - 2; i >= (int)first; i--)
		if (history->editions[i].from_ms > history->editions[i + 1].from_ms)
			history->editions[i].from_ms = history->editions[i + 1].from_ms;
	return RESULT_OK;
}

// What is shown at present has to be the last of its editions (safety_current).
static enum result present_last(uint16_t first, struct safety_history *history)
{
	int present = -1, last = history->count - 1;
	for (int i = first; i <= last; i++)
		if (history->editions[i].until_ms == TIME_NEVER_MS)
			present = i;
	if (present < 0 || present == last)
		return RESULT_OK;
	struct safety_edition *e = &history->editions[present], copy = *e;
	int64_t cut_ms = history->editions[last].from_ms;
	if (e->from_ms == cut_ms) {
		memmove(e, e + 1, (size_t)(last - present) * sizeof *e);
		history->editions[last] = copy;
		return RESULT_OK;
	}
	e->until_ms = copy.from_ms = cut_ms;
	return safety_observe(history, &copy);
}

bool view_is_silent(const struct observe_view *view, int publisher, int64_t *since_ms)
{
	int64_t since = TIME_EVER_MS;
	size_t places = 0;
	bool parent_answers = false;
	for (size_t i = 0; i < view->place_count; i++) {
		const struct place *place = &view->places[i];
		if (place->publisher == 0)
			parent_answers |= place->kind[SAFETY_DS].silent_ms == TIME_NEVER_MS ||
			                  place->kind[SAFETY_NS].silent_ms == TIME_NEVER_MS;
		if (place->publisher != publisher)
			continue;
		const struct place_kind *pk = &place->kind[SAFETY_SERVING];
		if (pk->silent_ms == TIME_NEVER_MS && !pk->gone)
			return false;
		if (pk->silent_ms != TIME_NEVER_MS && pk->silent_ms > since)
			since = pk->silent_ms;
		places++;
	}
	*since_ms = since;
	return places > 0 && parent_answers;
}

static bool has_kind(const struct safety_history *history, int publisher, int kind)
{
	return safety_current(history, publisher, (enum safety_kind)kind) != NULL;
}

// A group that does not answer at all does not serve, whatever it did before.
static enum result silence_add(const struct observe_view *view, int publisher, int64_t now_ms,
        struct safety_history *history)
{
	int64_t since_ms;
	if (!view_is_silent(view, publisher, &since_ms) ||
	        !has_kind(history, publisher, SAFETY_SERVING))
		return RESULT_OK;
	const struct safety_edition *before = safety_current(history, publisher, SAFETY_SERVING);
	if (before->content == 0)
		return RESULT_OK;
	struct safety_edition edition = {
	        .from_ms = before->from_ms > since_ms ? before->from_ms : since_ms,
	        .until_ms = TIME_NEVER_MS,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = TIME_NEVER_MS,
	        .publisher = (uint8_t)publisher,
	        .kind = SAFETY_SERVING};
	if (edition.from_ms > now_ms)
		edition.from_ms = now_ms;
	return safety_observe(history, &edition);
}

// Where nothing is known there is something that validates nothing and leads nowhere.
static enum result unknown_add(int publisher, enum safety_kind kind, struct safety_history *history)
{
	if (has_kind(history, publisher, kind))
		return RESULT_OK;
	struct safety_edition edition = {.from_ms = TIME_EVER_MS,
	        .until_ms = TIME_NEVER_MS,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = kind == SAFETY_DS ? TIME_EVER_MS : TIME_NEVER_MS,
	        .publisher = (uint8_t)publisher,
	        .kind = (uint8_t)kind};
	return safety_observe(history, &edition);
}

static bool may_serve(const struct safety_history *history, int publisher)
{
	for (int i = 0; i < history->count; i++)
		if (history->editions[i].publisher == publisher &&
		        history->editions[i].kind == SAFETY_SERVING &&
		        history->editions[i].content != 0)
			return true;
	return false;
}

static enum result publisher_add(const struct observe_view *view, int publisher, int64_t now_ms,
        struct safety_history *history)
{
	enum result result = RESULT_OK;
	for (int kind = 0; result == RESULT_OK && kind < SAFETY_KINDS; kind++) {
		uint16_t first = history->count;
		result = kind_add(view, publisher, kind, now_ms, history);
		if (result == RESULT_OK)
			result = present_last(first, history);
	}
	if (publisher == 0) {
		if (result == RESULT_OK)
			result = unknown_add(0, SAFETY_DS, history);
		return result == RESULT_OK ? unknown_add(0, SAFETY_NS, history) : result;
	}
	if (result == RESULT_OK)
		result = silence_add(view, publisher, now_ms, history);
	if (!may_serve(history, publisher))
		return result;
	static const enum safety_kind needed[] = {SAFETY_NS, SAFETY_DNSKEY, SAFETY_DATA};
	for (size_t i = 0; result == RESULT_OK && i < 3; i++)
		result = unknown_add(publisher, needed[i], history);
	return result;
}

enum result view_history_make(const struct observe_view *view, int64_t now_ms, bool with_names,
        struct safety_history *history, struct error *err)
{
	struct safety_history made;
	safety_history_init(&made);
	enum result result = RESULT_OK;
	if (!tables_make(view, with_names, &made))
		result = error_set(
		        err, RESULT_LIMIT, "more keys or DS records than a history can hold");
	for (size_t p = 0; result == RESULT_OK && p < view->subject->publisher_count; p++) {
		result = publisher_add(view, (int)p, now_ms, &made);
		if (result != RESULT_OK)
			error_set(err, result, "the history: %s", result_text(result));
	}
	if (result != RESULT_OK)
		safety_history_free(&made);
	else
		*history = made;
	return result;
}

enum result observe_view_history(const struct observe_view *view, int64_t now_ms, bool with_names,
        struct safety_history *history, struct observe_gaps *gaps, struct error *err)
{
	struct safety_readers readers = view_readers(view);
	enum result result = view_history_make(view, now_ms, with_names, history, err);
	if (result != RESULT_OK)
		return result;
	if (gaps != NULL)
		view_gaps_find(view, history, now_ms, gaps);
	safety_prune(history, &readers, now_ms);
	return RESULT_OK;
}
