// A view: its places, the rounds that are fed to it, and what people declare.
#include "observe/view_internal.h"

#include <stdlib.h>
#include <string.h>

// ---- Places ---------------------------------------------------------------------------------

static bool kind_is_asked(size_t publisher, int kind)
{
	if (publisher == 0)
		return kind == SAFETY_DS || kind == SAFETY_NS;
	return kind != SAFETY_DS;
}

struct place *view_place_find(
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
	if (view_place_find(view, (int)publisher, server) != NULL)
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
		const struct place *place = view_place_find(view, fact->publisher, &fact->server);
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

// After too long a time without a look, or one that did not hold all that was seen, observation
// begins again.
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
	// What did not fit is lost, as what nobody looked at is.
	if (view->limited ||
	        (view->fed && round->start_ms - view->last_ms > view->subject->max_hole_ms))
		begin_again(view);
	view->limited = false;
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

static enum result problems_feed(
        struct observe_view *view, const struct observe_round *round, struct error *err)
{
	struct observe_gap *copy = NULL;
	if (round->problem_count > 0) {
		copy = malloc(round->problem_count * sizeof *copy);
		if (copy == NULL)
			return error_set(err, RESULT_MEMORY, "out of memory");
		memcpy(copy, round->problems, round->problem_count * sizeof *copy);
	}
	free(view->problems);
	view->problems = copy;
	view->problem_count = round->problem_count;
	return RESULT_OK;
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
	if (result == RESULT_OK)
		result = problems_feed(view, round, err);
	if (result != RESULT_OK)
		return result;
	view_ds_compact(view);
	view_number_ds(view);
	if (round->keys.count > view_keys_room(view)) {
		view_keys_compact(view);
		view_number_ds(view);
	}
	time_feed(view, round);
	for (size_t i = 0; i < round->fact_count; i++)
		if (round->facts[i].state != OBSERVE_UNKNOWN)
			view_fact_feed(view, round, &round->facts[i]);
	silence_feed(view, round);
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
		view_key_take(view, subject->keys[i].key, subject->keys[i].name);
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
	free(view->problems);
	free(view);
}

int64_t observe_view_last_ms(const struct observe_view *view)
{
	return view->last_ms;
}

enum result observe_view_declare_gone(struct observe_view *view, int publisher,
        const struct address *server, int64_t at_ms, struct error *err)
{
	struct place *place = view_place_find(view, publisher, server);
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
			view_leave(view, pk, before.shown[i].serial, at_ms);
		pk->gone = pk->used;
		pk->since_ms = at_ms;
		if (pk->used && pk->silent_ms == TIME_NEVER_MS)
			pk->silent_ms = at_ms;
	}
	return RESULT_OK;
}
