// What a view does not know, in sentences.
#include "observe/view_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
	const struct observe_view *view;
	struct observe_gaps *gaps;
};

static void add(struct out *out, enum observe_gap_kind kind, bool blocks, int64_t until_ms,
        int publisher, const struct address *server, const char *format, ...)
        __attribute__((format(printf, 7, 8)));

static void add(struct out *out, enum observe_gap_kind kind, bool blocks, int64_t until_ms,
        int publisher, const struct address *server, const char *format, ...)
{
	if (out->gaps->count == OBSERVE_MAX_GAPS) {
		out->gaps->more++;
		return;
	}
	struct observe_gap *gap = &out->gaps->gap[out->gaps->count++];
	*gap = (struct observe_gap){.kind = kind,
	        .blocks = blocks,
	        .until_ms = until_ms,
	        .publisher = (uint8_t)publisher};
	if (server != NULL)
		gap->server = *server;
	va_list args;
	va_start(args, format);
	vsnprintf(gap->text, sizeof gap->text, format, args);
	va_end(args);
}

static const char *publisher_name(const struct out *out, int publisher)
{
	return out->view->subject->publishers[publisher].name;
}

static const char *kind_name(int kind)
{
	static const char *const names[SAFETY_KINDS] = {
	        [SAFETY_DS] = "DS sets",
	        [SAFETY_NS] = "NS sets",
	        [SAFETY_DNSKEY] = "DNSKEY sets",
	        [SAFETY_DATA] = "signatures over their data",
	        [SAFETY_SERVING] = "answers about whether they serve the zone",
	};
	return names[kind];
}

// ---- Addresses ------------------------------------------------------------------------------

// Whether the last round says that there is more at this address than is read: what is missing is
// no answer that it owes us.
static bool is_over_limit(const struct observe_view *view, const struct place *place)
{
	for (size_t i = 0; i < view->problem_count; i++)
		if (view->problems[i].kind == OBSERVE_GAP_LIMIT && view->problems[i].blocks &&
		        view->problems[i].publisher == place->publisher &&
		        address_equal(&view->problems[i].server, &place->server))
			return true;
	return false;
}

static void place_gaps(struct out *out, const struct place *place)
{
	char server[ADDRESS_TEXT], when[TIME_TEXT];
	const char *publisher = publisher_name(out, place->publisher);
	bool never = false, silent = false;
	int64_t since_ms = TIME_NEVER_MS;
	address_format(&place->server, server);
	for (int kind = 0; kind < SAFETY_KINDS; kind++) {
		const struct place_kind *pk = &place->kind[kind];
		if (!pk->used || pk->gone)
			continue;
		never |= !pk->answered;
		silent |= pk->silent_ms != TIME_NEVER_MS;
		if (pk->silent_ms < since_ms)
			since_ms = pk->silent_ms;
	}
	if (is_over_limit(out->view, place))
		return;
	if (never)
		add(out, OBSERVE_GAP_NEVER_ANSWERED, true, TIME_NEVER_MS, place->publisher,
		        &place->server, "%s of %s has not answered every question yet.", server,
		        publisher);
	else if (silent)
		add(out, OBSERVE_GAP_SILENT, true, TIME_NEVER_MS, place->publisher, &place->server,
		        "%s of %s has not answered every question since %s; it may still show "
		        "what it showed last.",
		        server, publisher, time_format(since_ms, when));
}

static void address_gaps(struct out *out)
{
	const struct observe_subject *subject = out->view->subject;
	for (size_t p = 0; p < subject->publisher_count; p++) {
		size_t addresses = 0;
		for (size_t s = 0; s < subject->publishers[p].server_count; s++) {
			const struct observe_server *server = &subject->publishers[p].servers[s];
			char name[DNS_NAME_TEXT];
			addresses += server->address_count;
			if (server->address_count == 0)
				add(out, OBSERVE_GAP_NO_ADDRESS, true, TIME_NEVER_MS, (int)p, NULL,
				        "No address is known of %.200s of %s.",
				        dns_name_text(server->name.wire, name),
				        publisher_name(out, (int)p));
		}
		if (addresses == 0)
			add(out, OBSERVE_GAP_NO_ADDRESS, true, TIME_NEVER_MS, (int)p, NULL,
			        "No address is known of %s, so nothing is known of what it "
			        "serves.",
			        publisher_name(out, (int)p));
	}
	for (size_t i = 0; i < out->view->place_count; i++)
		place_gaps(out, &out->view->places[i]);
}

// ---- Time -----------------------------------------------------------------------------------

static void past_gap(struct out *out, const struct safety_history *history, int64_t now_ms)
{
	char start[TIME_TEXT], end[TIME_TEXT];
	const struct observe_view *view = out->view;
	struct safety_readers readers = view_readers(view);
	int64_t start_ms = TIME_EVER_MS;
	for (size_t i = 0; i < view->place_count; i++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			const struct place_kind *pk = &view->places[i].kind[kind];
			if (pk->used && !pk->gone && pk->first_ms != TIME_NEVER_MS &&
			        pk->first_ms > start_ms)
				start_ms = pk->first_ms;
		}
	if (view->past_since_ms < start_ms)
		start_ms = view->past_since_ms;
	if (start_ms == TIME_EVER_MS)
		return; // declared for all time, or nothing seen, which another gap says
	int64_t settled_ms = time_add(start_ms, safety_memory_ms(history, &readers));
	if (settled_ms > now_ms)
		add(out, OBSERVE_GAP_PAST, true, settled_ms, 0, NULL,
		        "What was served before %s is not known; caches may hold it until %s.",
		        time_format(start_ms, start), time_format(settled_ms, end));
}

static void clock_gaps(struct out *out, int64_t now_ms)
{
	const struct observe_view *view = out->view;
	char when[TIME_TEXT], last[TIME_TEXT], by[DURATION_TEXT];
	if (!view->fed) {
		add(out, OBSERVE_GAP_NOTHING, true, TIME_NEVER_MS, 0, NULL,
		        "Nothing was observed yet.");
		return;
	}
	if (now_ms < view->high_ms)
		add(out, OBSERVE_GAP_CLOCK, true, view->high_ms, 0, NULL,
		        "The clock was set back: there are observations of up to %s.",
		        time_format(view->high_ms, when));
	if (view->set_forward_ms > 0)
		add(out, OBSERVE_GAP_CLOCK, false, TIME_NEVER_MS, 0, NULL,
		        "The clock was set forward by %s; what was seen before counts as that much "
		        "later.",
		        duration_format(view->set_forward_ms, by));
	if (time_add(now_ms, -view->last_ms) > view->subject->max_hole_ms)
		add(out, OBSERVE_GAP_STALE, true, TIME_NEVER_MS, 0, NULL,
		        "The last observation is of %s, longer than %s ago.",
		        time_format(view->last_ms, last),
		        duration_format(view->subject->max_hole_ms, by));
}

// ---- Contents -------------------------------------------------------------------------------

static void disagree_gaps(struct out *out, int publisher, int kind)
{
	const struct observe_view *view = out->view;
	size_t different = 0;
	for (size_t i = 0; i < view->episode_count; i++) {
		const struct episode *e = &view->episodes[i];
		bool known = e->publisher != publisher || e->kind != kind || e->shown_by == 0;
		for (size_t k = 0; !known && k < i; k++) {
			const struct episode *other = &view->episodes[k];
			known = other->publisher == publisher && other->kind == kind &&
			        other->shown_by > 0 && other->content == e->content &&
			        other->signers == e->signers;
		}
		different += known ? 0 : 1;
	}
	if (different > 1)
		add(out, OBSERVE_GAP_DISAGREE, false, TIME_NEVER_MS, publisher, NULL,
		        "The servers of %s give %zu different %s.", publisher_name(out, publisher),
		        different, kind_name(kind));
}

static void data_gaps(struct out *out, const struct safety_history *history, int publisher)
{
	const struct observe_publisher *p = &out->view->subject->publishers[publisher];
	const struct safety_edition *serving = safety_current(history, publisher, SAFETY_SERVING);
	if (serving != NULL && p->data_ttl_s == 0 && !p->samples_complete)
		add(out, OBSERVE_GAP_DATA_TTL, true, TIME_NEVER_MS, publisher, NULL,
		        "The largest TTL in the zone of %s is not known: it has to be declared.",
		        p->name);
}

static void unsampled_gaps(struct out *out, int64_t now_ms)
{
	char until[TIME_TEXT];
	for (size_t i = 0; i < out->view->episode_count; i++) {
		const struct episode *e = &out->view->episodes[i];
		if (e->lingering && e->gone_ms > now_ms)
			add(out, OBSERVE_GAP_UNSAMPLED, false, e->gone_ms, e->publisher, NULL,
			        "Data of %s that is not sampled may be signed by old keys only, "
			        "until %s.",
			        publisher_name(out, e->publisher), time_format(e->gone_ms, until));
	}
}

static void problem_gaps(struct out *out)
{
	const struct observe_view *view = out->view;
	for (size_t i = 0; i < view->problem_count; i++) {
		const struct observe_gap *p = &view->problems[i];
		add(out, p->kind, p->blocks, p->until_ms, p->publisher,
		        p->server.family != 0 ? &p->server : NULL, "%s", p->text);
	}
}

void view_gaps_find(const struct observe_view *view, const struct safety_history *history,
        int64_t now_ms, struct observe_gaps *gaps)
{
	struct out out = {view, gaps};
	gaps->count = gaps->more = 0;
	clock_gaps(&out, now_ms);
	past_gap(&out, history, now_ms);
	address_gaps(&out);
	if (view->limited)
		add(&out, OBSERVE_GAP_LIMIT, true, TIME_NEVER_MS, 0, NULL,
		        "There are more keys, DS records or contents than are kept track of; when "
		        "that is "
		        "over, the past counts as unknown.");
	for (size_t p = 0; p < view->subject->publisher_count; p++) {
		for (int kind = 0; kind < SAFETY_KINDS; kind++)
			disagree_gaps(&out, (int)p, kind);
		if (p > 0)
			data_gaps(&out, history, (int)p);
	}
	unsampled_gaps(&out, now_ms);
	problem_gaps(&out);
}

bool observe_gaps_block(const struct observe_gaps *gaps, int64_t now_ms)
{
	if (gaps->more > 0)
		return true;
	for (size_t i = 0; i < gaps->count; i++)
		if (gaps->gap[i].blocks && gaps->gap[i].until_ms > now_ms)
			return true;
	return false;
}
