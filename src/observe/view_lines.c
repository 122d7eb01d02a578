// A view as a table, and whether something is everywhere.
#include "observe/view_internal.h"

#include <assert.h>

size_t observe_view_line_count(const struct observe_view *view)
{
	size_t count = 0;
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++)
			count += view->places[i].kind[kind].used ? 1 : 0;
	return count;
}

static void contents_of(
        const struct observe_view *view, const struct place_kind *pk, struct observe_line *out)
{
	for (size_t i = 0; i < pk->count && out->content_count < OBSERVE_MAX_CONTENTS; i++) {
		const struct episode *e = episode_find(view, pk->shown[i].serial);
		size_t n = out->content_count++;
		out->contents[n] = episode_content(view, e);
		out->signers[n] = e->signers;
		out->ttl_s[n] = e->ttl_s;
		out->signed_until_ms[n] = e->signed_until_ms;
	}
}

void observe_view_line(const struct observe_view *view, size_t line, struct observe_line *out)
{
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			const struct place_kind *pk = &view->places[i].kind[kind];
			if (!pk->used || line-- > 0)
				continue;
			*out = (struct observe_line){.publisher = view->places[i].publisher,
			        .kind = (uint8_t)kind,
			        .server = view->places[i].server,
			        .answered = pk->answered,
			        .gone = pk->gone,
			        .since_ms = pk->since_ms,
			        .last_ms = pk->answered_ms,
			        .silent_since_ms = pk->silent_ms};
			contents_of(view, pk, out);
			return;
		}
	assert(!"a line beyond the last");
}

// Every address of the publisher is declared gone: nobody answers any more. The latest instant.
static bool all_gone(const struct observe_view *view, int publisher, int64_t *since_ms)
{
	bool any = false;
	*since_ms = TIME_EVER_MS;
	for (size_t i = 0; i < view->place_count; i++) {
		const struct place_kind *pk = &view->places[i].kind[SAFETY_SERVING];
		if (view->places[i].publisher != publisher || !pk->used)
			continue;
		if (!pk->gone)
			return false;
		any = true;
		if (pk->since_ms > *since_ms)
			*since_ms = pk->since_ms;
	}
	return any;
}

bool observe_view_everywhere(const struct observe_view *view, int publisher, enum safety_kind kind,
        uint64_t *content, uint64_t *signers, int64_t *since_ms)
{
	const struct episode *first = NULL;
	int64_t since;
	bool silenced = kind == SAFETY_SERVING && all_gone(view, publisher, &since);
	if (silenced && content != NULL)
		*content = 0;
	if (silenced && signers != NULL)
		*signers = 0;
	if (silenced && since_ms != NULL)
		*since_ms = time_add(since, view->subject->publishers[publisher].lag_ms);
	if (silenced)
		return true;
	since = TIME_EVER_MS;
	for (size_t i = 0; i < view->place_count; i++) {
		const struct place_kind *pk = &view->places[i].kind[kind];
		if (view->places[i].publisher != publisher || pk->gone)
			continue;
		if (!pk->used || !pk->answered || pk->silent_ms != TIME_NEVER_MS || pk->count == 0)
			return false;
		for (size_t k = 0; k < pk->count; k++) {
			const struct episode *e = episode_find(view, pk->shown[k].serial);
			if (first == NULL)
				first = e;
			if (e->content != first->content || e->signers != first->signers)
				return false;
		}
		if (pk->since_ms > since)
			since = pk->since_ms;
	}
	if (first == NULL)
		return false;
	if (content != NULL)
		*content = episode_content(view, first);
	if (signers != NULL)
		*signers = first->signers;
	if (since_ms != NULL)
		*since_ms = time_add(since, view->subject->publishers[publisher].lag_ms);
	return true;
}
