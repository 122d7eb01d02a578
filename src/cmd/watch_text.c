// The report for people.
#include "cmd/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct page {
	const struct watch_report *r;
	unsigned columns;
	struct buffer *out;
};

// ---- Words and lines ------------------------------------------------------------------------

static unsigned width_of(const char *text, size_t n)
{
	unsigned width = 0;
	for (size_t i = 0; i < n; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

// Writes text, broken between words, behind `used` columns of the first line and `indent` of the
// others.
static void wrap(struct page *p, unsigned used, unsigned indent, const char *text)
{
	const char *space = "";
	while (*text != '\0') {
		size_t n = strcspn(text, " ");
		unsigned width = width_of(text, n);
		if (space[0] != '\0' && used + 1 + width > p->columns) {
			buffer_printf(p->out, "\n%*s", (int)indent, "");
			used = indent;
			space = "";
		}
		buffer_puts(p->out, space);
		used += width + (space[0] != '\0');
		buffer_add(p->out, text, n);
		space = " ";
		text += n + (text[n] == ' ');
	}
	buffer_puts(p->out, "\n");
}

// "19:02:03" for today, "2026-12-05 10:00" otherwise; UTC, as the heading says.
static const char *instant(const struct page *p, int64_t at_ms, char *buf)
{
	char today[TIME_TEXT];
	if (at_ms == TIME_EVER_MS || at_ms == TIME_NEVER_MS)
		return strcpy(buf, "-");
	time_format(p->r->now_ms / SECOND_MS * SECOND_MS, today);
	time_format(at_ms / SECOND_MS * SECOND_MS, buf);
	if (strlen(buf) != 20)
		return buf; // beyond year 9999
	if (strncmp(buf, today, 10) == 0) {
		memmove(buf, buf + 11, 8);
		buf[8] = '\0';
	} else {
		buf[10] = ' ';
		buf[16] = '\0';
	}
	return buf;
}

// "in 2h5m", to the second, rounded up.
static const char *from_now(const struct page *p, int64_t at_ms, char *buf)
{
	int64_t left_ms = (at_ms - p->r->now_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
	if (left_ms > DAY_MS)
		left_ms = left_ms / MINUTE_MS * MINUTE_MS;
	return duration_format(left_ms, buf);
}

static const char *address_words(const struct address *address, char *buf)
{
	return address->port == 53 ? address_format_ip(address, buf) : address_format(address, buf);
}

// ---- What is served -------------------------------------------------------------------------

static const char *const kinds[SAFETY_KINDS] = {[SAFETY_DS] = "DS",
        [SAFETY_NS] = "NS",
        [SAFETY_DNSKEY] = "DNSKEY",
        [SAFETY_DATA] = "data",
        [SAFETY_SERVING] = "zone"};

static void put_address(struct page *p, const struct watch_line *line)
{
	const struct observe_line *l = &line->seen;
	char address[ADDRESS_TEXT], since[TIME_TEXT], last[TIME_TEXT], until[TIME_TEXT],
	        ttl[DURATION_TEXT] = "-";
	address_words(&l->server, address);
	if (l->content_count > 0 && l->kind != SAFETY_SERVING)
		duration_format((int64_t)l->ttl_s[0] * SECOND_MS, ttl);
	buffer_printf(p->out, "    %-22s %-24.60s", address, line->server);
	if (l->kind != SAFETY_SERVING)
		buffer_printf(p->out, " ttl %-6s", ttl);
	if (l->content_count > 0 && l->signed_until_ms[0] != TIME_NEVER_MS &&
	        l->signed_until_ms[0] != TIME_EVER_MS)
		buffer_printf(p->out, " signed until %s", instant(p, l->signed_until_ms[0], until));
	if (l->answered)
		buffer_printf(p->out, " since %s, last answer %s", instant(p, l->since_ms, since),
		        instant(p, l->last_ms, last));
	buffer_printf(p->out, "%s%s\n", line->remark[0] != '\0' ? "  ** " : "", line->remark);
}

static bool is_shown(const struct watch_line *line)
{
	return line->seen.kind != SAFETY_SERVING || line->remark[0] != '\0' ||
	       line->seen.content_count != 1 || line->seen.contents[0] == 0;
}

static bool same_heading(const struct watch_line *a, const struct watch_line *b)
{
	return a->seen.publisher == b->seen.publisher && a->seen.kind == b->seen.kind &&
	       strcmp(a->content, b->content) == 0;
}

static void put_heading(struct page *p, const struct watch_line *line)
{
	char start[80];
	snprintf(start, sizeof start,
	        "  %s %s: ", p->r->subject->publishers[line->seen.publisher].name,
	        kinds[line->seen.kind]);
	buffer_puts(p->out, start);
	wrap(p, width_of(start, strlen(start)), 6,
	        line->content[0] != '\0' ? line->content : "not known");
}

static void put_lines(struct page *p)
{
	buffer_puts(p->out, "\nserved now:\n");
	for (size_t i = 0; i < p->r->line_count; i++) {
		const struct watch_line *line = &p->r->lines[i];
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again |= is_shown(&p->r->lines[k]) && same_heading(&p->r->lines[k], line);
		if (again || !is_shown(line))
			continue;
		put_heading(p, line);
		for (size_t k = i; k < p->r->line_count; k++)
			if (is_shown(&p->r->lines[k]) && same_heading(&p->r->lines[k], line))
				put_address(p, &p->r->lines[k]);
	}
}

static void put_differences(struct page *p)
{
	if (p->r->difference_count > 0)
		buffer_puts(p->out, "\ndifferences between addresses:\n");
	for (size_t i = 0; i < p->r->difference_count; i++) {
		buffer_puts(p->out, "  ");
		wrap(p, 2, 4, p->r->differences[i] != NULL ? p->r->differences[i] : "");
	}
}

static void put_signals(struct page *p)
{
	const struct observe_round *round = p->r->round;
	for (size_t i = 0; round != NULL && i < round->signal_count; i++) {
		const struct observe_signal *s = &round->signals[i];
		char at[ADDRESS_TEXT];
		if (i == 0)
			buffer_puts(p->out, "\nsignals to the parent:\n");
		buffer_printf(p->out, "  %s %s: ", p->r->subject->publishers[s->publisher].name,
		        address_words(&s->server, at));
		if (s->remove)
			buffer_puts(p->out, "remove all DS records");
		for (size_t d = 0; d < s->ds_count && !s->remove; d++)
			buffer_printf(p->out, "%s%u/%u", d > 0 ? ", " : "CDS ", s->ds[d].tag,
			        s->ds[d].algorithm);
		if (s->cdnskey && !s->remove)
			buffer_printf(p->out, "%s%d CDNSKEY", s->ds_count > 0 ? ", " : "",
			        __builtin_popcountll(s->keys));
		bool verified =
		        (!s->cds || s->cds_verified) && (!s->cdnskey || s->cdnskey_verified);
		buffer_puts(p->out, verified ? "\n" : " ** NOT VERIFIED\n");
	}
}

// ---- What is cached, and what is safe -------------------------------------------------------

static void put_cached(struct page *p)
{
	buffer_puts(p->out, "\ncaches may hold, beside what is served now:\n");
	if (p->r->cached_count == 0)
		buffer_puts(p->out, "  nothing that was seen\n");
	for (size_t i = 0; i < p->r->cached_count; i++) {
		const struct watch_cached *c = &p->r->cached[i];
		char fetched[TIME_TEXT], usable[TIME_TEXT], left[DURATION_TEXT], line[400];
		snprintf(line, sizeof line, "%s %s, fetched before %s, until %s (%s more): ",
		        p->r->subject->publishers[c->publisher].name, kinds[c->kind],
		        instant(p, c->fetched_until_ms, fetched),
		        instant(p, c->usable_until_ms, usable),
		        from_now(p, c->usable_until_ms, left));
		buffer_printf(p->out, "  %s", line);
		wrap(p, 2 + width_of(line, strlen(line)), 6, c->content);
	}
}

static void put_effect(struct page *p, const struct watch_effect *e)
{
	char at[TIME_TEXT], left[DURATION_TEXT], end[TIME_TEXT];
	buffer_printf(p->out, "  %-44s  ", e->what);
	if (!e->window.possible)
		buffer_puts(p->out, "NOT safe as things are");
	else if (e->safe_from_ms == TIME_NEVER_MS)
		buffer_puts(p->out, "not known");
	else if (e->safe_from_ms <= p->r->now_ms)
		buffer_puts(p->out, "safe now");
	else
		buffer_printf(p->out, "safe from %s (in %s)", instant(p, e->safe_from_ms, at),
		        from_now(p, e->safe_from_ms, left));
	if (e->window.expires)
		buffer_printf(p->out, ", if signed again before %s",
		        instant(p, e->window.expiry.at_ms, end));
	if (e->window.possible && e->window.ends)
		buffer_printf(p->out, ", until %s", instant(p, e->window.until_ms, end));
	if (e->window.insecure)
		buffer_puts(p->out, ", insecure then");
	buffer_puts(p->out, "\n");
	if (e->cause[0] != '\0') {
		buffer_puts(p->out, "      ");
		wrap(p, 6, 6, e->cause);
	}
}

static void put_effects(struct page *p)
{
	buffer_puts(p->out, "\nsafe from when, if nothing else changes:\n");
	if (p->r->effect_count == 0)
		buffer_puts(p->out, "  nothing is known well enough to name a step\n");
	for (size_t i = 0; i < p->r->effect_count; i++)
		put_effect(p, &p->r->effects[i]);
	if (p->r->effects_left_out > 0)
		buffer_printf(p->out, "  (and %zu steps more)\n", p->r->effects_left_out);
}

static void put_gaps(struct page *p)
{
	const struct observe_gaps *gaps = &p->r->gaps;
	if (gaps->count > 0)
		buffer_puts(p->out, "\nnot known:\n");
	for (size_t i = 0; i < gaps->count; i++) {
		const struct observe_gap *gap = &gaps->gap[i];
		char left[DURATION_TEXT];
		if (gap->until_ms <= p->r->now_ms)
			continue;
		buffer_puts(p->out, gap->blocks ? "  ! " : "    ");
		wrap(p, 4, 6, gap->text);
		if (gap->until_ms != TIME_NEVER_MS)
			buffer_printf(p->out, "      (settles by itself in %s)\n",
			        from_now(p, gap->until_ms, left));
	}
	if (gaps->more > 0)
		buffer_printf(p->out, "  ! and %zu more\n", gaps->more);
}

static void put_head(struct page *p)
{
	char zone[DNS_NAME_TEXT], parent[DNS_NAME_TEXT], now[TIME_TEXT];
	const struct watch_report *r = p->r;
	buffer_printf(p->out, "%s, delegated from %s, %s: %s%s%s\n",
	        dns_name_text(r->subject->zone.wire, zone),
	        dns_name_text(r->subject->parent_zone.wire, parent),
	        time_format(r->now_ms / SECOND_MS * SECOND_MS, now),
	        r->secure || r->insecure || r->over_limit ? "" : "BROKEN, ", r->word,
	        r->complete ? "" : ", as far as can be seen; something is MISSING (see the end)");
	for (int path = 0; path < SAFETY_PATHS; path++)
		if (r->witness[path][0] != '\0' &&
		        (path == 0 || strcmp(r->witness[path], r->witness[0]) != 0)) {
			buffer_puts(p->out, "  ");
			wrap(p, 2, 2, r->witness[path]);
		}
}

void watch_report_text(const struct watch_report *report, unsigned columns, struct buffer *out)
{
	struct page p = {report, columns, out};
	put_head(&p);
	put_lines(&p);
	put_differences(&p);
	put_signals(&p);
	put_cached(&p);
	put_effects(&p);
	put_gaps(&p);
}
