// The report as one JSON object. Instants are milliseconds since 1970; what is not known or never
// comes is null.
#include "cmd/watch.h"

static json_t *instant(int64_t at_ms)
{
	return at_ms == TIME_NEVER_MS || at_ms == TIME_EVER_MS ? json_null() : json_integer(at_ms);
}

static json_t *address(const struct address *server)
{
	char text[ADDRESS_TEXT];
	return json_string(address_format(server, text));
}

static json_t *publisher(const struct watch_report *r, int number)
{
	return json_string(r->subject->publishers[number].name);
}

static json_t *contents(const struct watch_report *r, const struct observe_line *l)
{
	json_t *all = json_array();
	for (size_t i = 0; i < l->content_count; i++)
		json_array_append_new(
		        all, json_pack("{s:s, s:I, s:o}", "text",
		                     watch_content(r, l->publisher, (enum safety_kind)l->kind,
		                             l->contents[i], l->signers[i]),
		                     "ttl_s", (json_int_t)l->ttl_s[i], "signed_until_ms",
		                     instant(l->signed_until_ms[i])));
	return all;
}

static json_t *lines(const struct watch_report *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->line_count; i++) {
		const struct watch_line *line = &r->lines[i];
		const struct observe_line *l = &line->seen;
		json_array_append_new(all,
		        json_pack("{s:o, s:o, s:s, s:s, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:s}",
		                "publisher", publisher(r, l->publisher), "address",
		                address(&l->server), "server", line->server, "kind",
		                safety_kind_text((enum safety_kind)l->kind), "content",
		                line->content, "contents", contents(r, l), "answered", l->answered,
		                "differs", line->differs, "since_ms", instant(l->since_ms),
		                "last_ms", instant(l->last_ms), "silent_since_ms",
		                instant(l->silent_since_ms), "remark", line->remark));
	}
	return all;
}

static json_t *differences(const struct watch_report *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->difference_count; i++)
		json_array_append_new(
		        all, json_string(r->differences[i] != NULL ? r->differences[i] : ""));
	return all;
}

static json_t *cached(const struct watch_report *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->cached_count; i++) {
		const struct watch_cached *c = &r->cached[i];
		json_array_append_new(
		        all, json_pack("{s:o, s:s, s:s, s:o, s:o}", "publisher",
		                     publisher(r, c->publisher), "kind",
		                     safety_kind_text((enum safety_kind)c->kind), "content",
		                     c->content, "fetched_before_ms", instant(c->fetched_until_ms),
		                     "usable_until_ms", instant(c->usable_until_ms)));
	}
	return all;
}

static json_t *effects(const struct watch_report *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->effect_count; i++) {
		const struct watch_effect *e = &r->effects[i];
		json_array_append_new(all,
		        json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:b, s:s}", "what", e->what,
		                "possible", e->window.possible, "safe_from_ms",
		                instant(e->safe_from_ms), "model_from_ms",
		                e->window.possible ? instant(e->window.from_ms) : json_null(),
		                "until_ms",
		                e->window.possible && e->window.ends ? instant(e->window.until_ms)
		                                                     : json_null(),
		                "sign_before_ms",
		                e->window.expires ? instant(e->window.expiry.at_ms) : json_null(),
		                "insecure", e->window.insecure, "cause", e->cause));
	}
	return all;
}

static json_t *gaps(const struct watch_report *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->gaps.count; i++) {
		const struct observe_gap *gap = &r->gaps.gap[i];
		json_array_append_new(
		        all, json_pack("{s:s, s:b, s:o, s:o, s:s}", "kind",
		                     observe_gap_text(gap->kind), "blocks", gap->blocks, "until_ms",
		                     instant(gap->until_ms), "address",
		                     gap->server.family != 0 ? address(&gap->server) : json_null(),
		                     "text", gap->text));
	}
	return all;
}

json_t *watch_report_json(const struct watch_report *r)
{
	char zone[DNS_NAME_TEXT], parent[DNS_NAME_TEXT];
	return json_pack("{s:s, s:s, s:I, s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "zone",
	        dns_name_text(r->subject->zone.wire, zone), "parent",
	        dns_name_text(r->subject->parent_zone.wire, parent), "at_ms", (json_int_t)r->now_ms,
	        "state", r->word, "complete", r->complete, "direct", r->witness[SAFETY_DIRECT],
	        "forwarder", r->witness[SAFETY_FORWARDER], "served", lines(r), "differences",
	        differences(r), "cached", cached(r), "effects", effects(r), "gaps", gaps(r));
}
