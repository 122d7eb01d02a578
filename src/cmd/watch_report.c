// What is served now, how it differs, and what caches may hold beside it.
#include "cmd/watch.h"

#include <string.h>

#include "cmd/observe_zone.h"

enum { REPORT_ARENA = 32 << 20, TEXT_MAX = 16 << 10 };

static enum result out_of_memory(struct error *err)
{
	return error_set(err, RESULT_MEMORY, "out of memory");
}

// ---- Lines ----------------------------------------------------------------------------------

static const char *server_name(
        const struct watch_report *report, int publisher, const struct address *server)
{
	const struct observe_publisher *p = &report->subject->publishers[publisher];
	char text[DNS_NAME_TEXT];
	for (size_t s = 0; s < p->server_count; s++)
		for (size_t a = 0; a < p->servers[s].address_count; a++) {
			if (!address_equal(&p->servers[s].addresses[a], server))
				continue;
			dns_name_text(p->servers[s].name.wire, text);
			bool is_named =
			        strncmp(text, DISCOVER_UNNAMED, sizeof DISCOVER_UNNAMED - 1) != 0;
			return is_named ? arena_strdup(report->arena, text) : "";
		}
	return "";
}

static const char *content_text(const struct watch_report *report, const struct observe_line *l)
{
	const char *text = "", *names = NULL;
	if (l->kind == SAFETY_NS && l->silent_since_ms == TIME_NEVER_MS)
		names = watch_ns(report, l->publisher, &l->server);
	for (size_t i = 0; i < l->content_count && text != NULL; i++) {
		const char *one = watch_content(report, l->publisher, (enum safety_kind)l->kind,
		        l->contents[i], l->signers[i]);
		if (names != NULL && report->subject->publisher_count > 2)
			one = arena_printf(report->arena, "%s: %s", one, names);
		else if (names != NULL)
			one = names;
		text = i == 0 ? one : arena_printf(report->arena, "%s; also %s", text, one);
	}
	if (l->content_count == 0)
		text = l->answered ? "nothing" : "";
	return text != NULL ? text : "";
}

static const char *line_remark(const struct watch_report *report, const struct watch_line *line)
{
	const struct observe_line *l = &line->seen;
	char when[TIME_TEXT];
	bool expired = false, unverified = false;
	for (size_t i = 0; i < l->content_count; i++) {
		unverified |= l->signed_until_ms[i] == TIME_EVER_MS;
		expired |= l->signed_until_ms[i] <= report->now_ms;
	}
	if (l->gone)
		return "switched off";
	if (!l->answered)
		return "HAS NOT ANSWERED";
	if (l->silent_since_ms != TIME_NEVER_MS)
		return arena_printf(report->arena, "SILENT since %s",
		        time_format(l->silent_since_ms / SECOND_MS * SECOND_MS, when));
	if (unverified)
		return "NOT VERIFIED";
	if (expired)
		return "EXPIRED";
	return line->differs ? "DIFFERS" : "";
}

static bool same_kind(const struct watch_line *a, const struct watch_line *b)
{
	return a->seen.publisher == b->seen.publisher && a->seen.kind == b->seen.kind;
}

// The same for whoever asks: content and TTL. Signatures are renewed at each address in its own
// time.
static bool same_content(const struct watch_line *a, const struct watch_line *b)
{
	if (a->seen.content_count != b->seen.content_count || strcmp(a->content, b->content) != 0)
		return false;
	for (size_t i = 0; i < a->seen.content_count; i++)
		if (a->seen.ttl_s[i] != b->seen.ttl_s[i])
			return false;
	return true;
}

static bool counts(const struct watch_line *line)
{
	return line->seen.answered && !line->seen.gone;
}

// What most of the addresses show; of equally many, the first.
static const struct watch_line *usual(
        const struct watch_report *report, const struct watch_line *line)
{
	const struct watch_line *best = NULL;
	size_t most = 0;
	for (size_t i = 0; i < report->line_count; i++) {
		const struct watch_line *one = &report->lines[i];
		size_t n = 0;
		if (!counts(one) || !same_kind(one, line))
			continue;
		for (size_t k = 0; k < report->line_count; k++)
			n += counts(&report->lines[k]) && same_kind(one, &report->lines[k]) &&
			     same_content(one, &report->lines[k]);
		if (n > most) {
			most = n;
			best = one;
		}
	}
	return best;
}

static const char *kind_words(int kind)
{
	static const char *const words[SAFETY_KINDS] = {[SAFETY_DS] = "DS set",
	        [SAFETY_NS] = "NS set",
	        [SAFETY_DNSKEY] = "DNSKEY set",
	        [SAFETY_DATA] = "signatures over the data",
	        [SAFETY_SERVING] = "answer about serving"};
	return words[kind];
}

static const char *ttl_words(const struct watch_report *report, const struct watch_line *line)
{
	char text[DURATION_TEXT];
	if (line->seen.content_count == 0 || line->seen.kind == SAFETY_SERVING)
		return "";
	return arena_printf(report->arena, " with TTL %s",
	        duration_format((int64_t)line->seen.ttl_s[0] * SECOND_MS, text));
}

static void find_difference(struct watch_report *report, struct watch_line *line)
{
	const struct watch_line *most = counts(line) ? usual(report, line) : NULL;
	char at[ADDRESS_TEXT], other[ADDRESS_TEXT];
	if (most == NULL || same_content(line, most))
		return;
	line->differs = true;
	report->differences[report->difference_count++] = arena_printf(report->arena,
	        "%s: the %s at %s is %s%s, at %s %s%s", // one sentence for each address
	        report->subject->publishers[line->seen.publisher].name, kind_words(line->seen.kind),
	        address_format(&line->seen.server, at), line->content, ttl_words(report, line),
	        address_format(&most->seen.server, other), most->content, ttl_words(report, most));
}

static enum result find_lines(struct watch_report *report, struct error *err)
{
	size_t count = observe_view_line_count(report->view);
	report->lines = arena_array(report->arena, count + 1, sizeof *report->lines);
	report->differences = arena_array(report->arena, count + 1, sizeof *report->differences);
	if (report->lines == NULL || report->differences == NULL)
		return out_of_memory(err);
	// Of one publisher and kind, all addresses together.
	for (int kind = 0; kind < SAFETY_KINDS * SAFETY_MAX_PUBLISHERS; kind++)
		for (size_t i = 0; i < count; i++) {
			struct watch_line *line = &report->lines[report->line_count];
			observe_view_line(report->view, i, &line->seen);
			if (line->seen.publisher != kind / SAFETY_KINDS ||
			        line->seen.kind != kind % SAFETY_KINDS)
				continue;
			line->server =
			        server_name(report, line->seen.publisher, &line->seen.server);
			line->content = content_text(report, &line->seen);
			report->line_count++;
		}
	for (size_t i = 0; i < report->line_count; i++)
		find_difference(report, &report->lines[i]);
	for (size_t i = 0; i < report->line_count; i++)
		report->lines[i].remark = line_remark(report, &report->lines[i]);
	return RESULT_OK;
}

// ---- Caches ---------------------------------------------------------------------------------

static enum result find_cached(struct watch_report *report, struct error *err)
{
	const struct safety_history *h = &report->history;
	report->cached = arena_array(report->arena, h->count + 1u, sizeof *report->cached);
	if (report->cached == NULL)
		return out_of_memory(err);
	for (size_t i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		int64_t usable_ms = time_add(e->until_ms, (int64_t)e->ttl_s * SECOND_MS);
		if (e->kind == SAFETY_SERVING || e->until_ms == TIME_NEVER_MS ||
		        e->until_ms == TIME_EVER_MS)
			continue;
		if (e->signed_until_ms < usable_ms)
			usable_ms = e->signed_until_ms;
		if (usable_ms <= report->now_ms)
			continue;
		report->cached[report->cached_count++] =
		        (struct watch_cached){.publisher = e->publisher,
		                .kind = e->kind,
		                .content = watch_content(report, e->publisher,
		                        (enum safety_kind)e->kind, e->content, e->signers),
		                .fetched_until_ms = e->until_ms,
		                .usable_until_ms = usable_ms};
	}
	return RESULT_OK;
}

// ---- The verdict ----------------------------------------------------------------------------

static void judge_gaps(struct watch_report *report)
{
	const struct observe_gaps *gaps = &report->gaps;
	report->settled_ms = gaps->more > 0 ? TIME_NEVER_MS : report->now_ms;
	report->complete = gaps->more == 0;
	report->over_limit = gaps->more > 0;
	for (size_t i = 0; i < gaps->count; i++) {
		const struct observe_gap *gap = &gaps->gap[i];
		if (observe_zone_is_missing(gap, report->now_ms))
			report->complete = false;
		if (gap->blocks && gap->kind == OBSERVE_GAP_LIMIT)
			report->over_limit = true;
		if (gap->blocks && gap->until_ms > report->settled_ms)
			report->settled_ms = gap->until_ms;
	}
}

static const char *witness(
        const struct watch_report *report, const struct safety_verdict *verdict, int path)
{
	struct buffer text = buffer_init(TEXT_MAX);
	if (verdict->path[path].word != SAFETY_SAFE)
		safety_fault_text(
		        &report->history, &verdict->path[path].fault, SAFETY_TIME_UTC, &text);
	const char *copy = arena_strdup(report->arena, buffer_text(&text));
	buffer_free(&text);
	return copy != NULL ? copy : "";
}

static enum result judge(struct watch_report *report, struct error *err)
{
	struct safety_readers readers = safety_all_readers;
	struct safety_verdict verdict;
	readers.ttl_floor_s = report->subject->ttl_floor_s;
	if (safety_judge(&report->history, &readers, report->now_ms, report->now_ms, &verdict) !=
	        RESULT_OK)
		return out_of_memory(err);
	enum safety_word word = verdict.path[SAFETY_DIRECT].word;
	if (verdict.path[SAFETY_FORWARDER].word > word)
		word = verdict.path[SAFETY_FORWARDER].word;
	const struct safety_edition *ds = safety_current(&report->history, 0, SAFETY_DS);
	bool is_signed = ds != NULL && ds->content != 0;
	if (report->over_limit) {
		report->word = "unknown";
		report->witness[SAFETY_DIRECT] = report->witness[SAFETY_FORWARDER] = "";
		return RESULT_OK;
	}
	report->secure = word == SAFETY_SAFE && is_signed;
	report->insecure = word == SAFETY_INSECURE || (word == SAFETY_SAFE && !is_signed);
	report->word = report->secure     ? "secure"
	               : report->insecure ? "insecure"
	                                  : safety_word_text(word);
	for (int path = 0; path < SAFETY_PATHS; path++)
		report->witness[path] = witness(report, &verdict, path);
	return RESULT_OK;
}

// ---- The report -----------------------------------------------------------------------------

static enum result fill(struct watch_report *report, struct error *err)
{
	judge_gaps(report);
	enum result result = judge(report, err);
	if (result == RESULT_OK)
		result = find_lines(report, err);
	if (result == RESULT_OK)
		result = find_cached(report, err);
	return result == RESULT_OK ? watch_effects_find(report, err) : result;
}

enum result watch_report_make(const struct observe_view *view,
        const struct observe_subject *subject, const struct observe_round *round, int64_t now_ms,
        struct watch_report **report, struct error *err)
{
	struct arena *arena = arena_new(REPORT_ARENA);
	struct watch_report *made = arena != NULL ? arena_alloc(arena, sizeof *made) : NULL;
	enum result result = out_of_memory(err);
	if (made != NULL) {
		made->view = view;
		made->subject = subject;
		made->round = round;
		made->now_ms = now_ms;
		made->arena = arena;
		result = observe_view_history(view, now_ms, true, &made->history, &made->gaps, err);
	}
	if (result != RESULT_OK) {
		arena_free(arena);
		return result;
	}
	result = fill(made, err);
	if (result == RESULT_OK)
		*report = made;
	else
		watch_report_free(made);
	return result;
}

void watch_report_free(struct watch_report *report)
{
	if (report == NULL)
		return;
	safety_history_free(&report->history);
	arena_free(report->arena);
}
