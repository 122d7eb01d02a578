#include "cmd/preflight.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "cmd/lines.h"

enum { NAME_COLUMN = 8, TEXT_COLUMN = 32, OUTPUT_MAX = 1 << 20, MORE_MAX = 12 };

static const struct word {
	const char *text;
	enum lines_colour colour;
} words[] = {
        [TECHNICAL_PASS] = {"pass", LINES_GREEN},
        [TECHNICAL_SKIPPED] = {"skip", LINES_DIM},
        [TECHNICAL_WAIVED] = {"waived", LINES_YELLOW},
        [TECHNICAL_WARN] = {"warn", LINES_YELLOW},
        [TECHNICAL_FAIL] = {"FAIL", LINES_RED},
};

void preflight_begin(const struct technical_facts *facts)
{
	char zone[DNS_NAME_TEXT];
	printf("%s, %s delegation: %zu name server%s, %zu %sDS record%s\n\n",
	        dns_name_text(facts->zone.wire, zone),
	        facts->servers_given || facts->ds_given ? "a future" : "the present",
	        facts->server_count, facts->server_count == 1 ? "" : "s", facts->ds_count,
	        facts->ds_given ? "given " : "", facts->ds_count == 1 ? "" : "s");
}

static void further(struct buffer *out, const struct lines_look *look, const char *text)
{
	buffer_printf(out, "%*s", TEXT_COLUMN, "");
	lines_wrap(out, text, TEXT_COLUMN, TEXT_COLUMN, look->width);
}

// The findings behind the first, which is in the result's sentence.
static void more_findings(
        struct buffer *out, const struct lines_look *look, const struct technical_result *r)
{
	char text[1200];
	for (size_t i = 0; r->finding_count > 1 && i < r->finding_count && i < MORE_MAX; i++) {
		const struct technical_finding *f = &r->findings[i];
		snprintf(text, sizeof text, "- %s%s%s%s%s", f->server,
		        f->server[0] != '\0' && f->address[0] != '\0' ? " at " : "", f->address,
		        f->server[0] != '\0' || f->address[0] != '\0' ? ": " : "", f->seen);
		further(out, look, text);
	}
	if (r->finding_count > MORE_MAX) {
		snprintf(text, sizeof text, "- … and %zu more", r->finding_count - MORE_MAX);
		further(out, look, text);
	}
}

void preflight_text(const struct technical_result *r)
{
	struct lines_look look = lines_look_of(stdout);
	struct buffer out = buffer_init(OUTPUT_MAX);
	const struct word *word = &words[r->verdict];
	buffer_printf(&out, "%s%-*s%s%-*s", lines_colour(&look, word->colour), NAME_COLUMN,
	        word->text, lines_colour(&look, LINES_PLAIN), TEXT_COLUMN - NAME_COLUMN,
	        r->check->name);
	lines_wrap(&out, r->text, TEXT_COLUMN, TEXT_COLUMN, look.width);
	more_findings(&out, &look, r);
	if (r->verdict >= TECHNICAL_WARN) {
		buffer_puts(&out, lines_colour(&look, LINES_DIM));
		further(&out, &look, r->check->why);
		buffer_puts(&out, lines_colour(&look, LINES_PLAIN));
	}
	if (r->waiver != NULL) {
		buffer_printf(&out, "%*swaived: ", TEXT_COLUMN, "");
		lines_wrap(&out, r->waiver, TEXT_COLUMN + 8, TEXT_COLUMN, look.width);
	}
	fputs(buffer_text(&out), stdout);
	buffer_free(&out);
}

void preflight_end(const struct technical_result *results, size_t count)
{
	size_t counts[TECHNICAL_FAIL + 1] = {0};
	const char *between = "\n";
	for (size_t i = 0; i < count; i++)
		counts[results[i].verdict]++;
	for (size_t v = 0; v <= TECHNICAL_FAIL; v++) {
		if (counts[v] == 0)
			continue;
		printf("%s%zu %s", between, counts[v], words[v].text);
		between = ", ";
	}
	puts("");
}

static json_t *details(const struct technical_result *r)
{
	json_t *all = json_array();
	for (size_t i = 0; i < r->finding_count; i++) {
		const struct technical_finding *f = &r->findings[i];
		json_array_append_new(all,
		        json_pack("{s:s, s:o, s:o, s:o, s:o}", "result",
		                technical_verdict_text(f->verdict), "server",
		                f->server[0] != '\0' ? json_text(f->server) : json_null(),
		                "address",
		                f->address[0] != '\0' ? json_text(f->address) : json_null(), "seen",
		                json_text(f->seen), "expected", json_text(f->expected)));
	}
	return all;
}

enum result preflight_json(const struct technical_result *r, struct error *err)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o}", "check", r->check->name,
	        "title", r->check->title, "result", technical_verdict_text(r->verdict), "text",
	        json_text(r->text), "why", r->check->why, "waiver",
	        r->waiver != NULL ? json_text(r->waiver) : json_null(), "details", details(r));
	if (json == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(json);
	return RESULT_OK;
}
