// baton-zone compare: is the registered data of two copies of a zone equal?
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cmd/options.h"
#include "cmd/zone_commands.h"
#include "cmd/zone_input.h"
#include "dns/rdata.h"
#include "zone/compare.h"

#define DEFAULT_LIMIT 100
#define RECORD_ARENA  ((size_t)4 << 20)

static const char about[] =
        "Compares two copies of a zone, such as those of two operators at a hand-over.\n"
        "Registered data is everything but SOA, NS, DNSKEY, NSEC3PARAM, CDS, CDNSKEY, CSYNC and "
        "ZONEMD at the apex,\n"
        "RRSIG, NSEC and NSEC3, and addresses of the zone's own name servers that no delegation "
        "uses.\n"
        "Differences are printed as lines \"- owner TTL type data\" and \"+ …\"; those that are no "
        "registered\n"
        "data, and TTLs that changed, behind \";\".";

static const char more[] = ZONE_INPUT_HELP "\n\n"
                                           "exit status:\n"
                                           "  0  the registered data is equal\n"
                                           "  1  it is not\n"
                                           "  2  they cannot be compared";

struct comparing {
	uint64_t limit, listed, apex_listed;
	json_t *differences, *apex; // NULL where text is wanted
};

static void print_difference(const struct zone_difference *d, const char *rdata)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	printf("%s%c %s %" PRIu32 " %s %s\n", d->apex ? "; " : "",
	        d->kind == ZONE_ADDED ? '+' : '-', dns_name_text(d->owner, owner), d->ttl_s,
	        dns_type_text(d->type, type), rdata);
}

static json_t *difference_json(const struct zone_difference *d, const char *rdata)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	return json_pack("{s:s, s:s, s:I, s:s, s:s}", "change",
	        d->kind == ZONE_ADDED ? "added" : "removed", "owner",
	        dns_name_text(d->owner, owner), "ttl_s", (json_int_t)d->ttl_s, "type",
	        dns_type_text(d->type, type), "data", rdata);
}

static void found(void *ctx, const struct zone_difference *d)
{
	struct comparing *c = ctx;
	uint64_t *listed = d->apex ? &c->apex_listed : &c->listed;
	if (*listed >= c->limit)
		return;
	++*listed;
	struct arena *arena = arena_new(RECORD_ARENA);
	const char *rdata = arena == NULL ? NULL : dns_rdata_text(arena, d->type, d->rdata);
	if (rdata == NULL)
		rdata = "(no memory)";
	if (c->differences == NULL)
		print_difference(d, rdata);
	else
		json_array_append_new(
		        d->apex ? c->apex : c->differences, difference_json(d, rdata));
	arena_free(arena);
}

static void print_ttls(const struct zone_comparison *c)
{
	for (size_t i = 0; i < c->ttl_count; i++) {
		const struct zone_ttl_change *t = &c->ttls[i];
		char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
		printf("; TTL of %s%s: %" PRIu32 " s becomes %" PRIu32 " s (%" PRIu64
		       " RRset%s, the first is %s)\n",
		        dns_type_text(t->type, type), t->apex ? ", no registered data" : "",
		        t->old_s, t->new_s, t->sets, t->sets == 1 ? "" : "s",
		        dns_name_text(t->owner, owner));
	}
	if (c->ttls_left_out > 0)
		printf("; other TTLs differ for %" PRIu64 " more RRsets\n", c->ttls_left_out);
	char old_ttl[DURATION_TEXT], new_ttl[DURATION_TEXT];
	if (c->old_ttl_max_s != c->new_ttl_max_s)
		printf("; the largest TTL of registered data is %s before and %s after\n",
		        duration_format(c->old_ttl_max_s * SECOND_MS, old_ttl),
		        duration_format(c->new_ttl_max_s * SECOND_MS, new_ttl));
}

static bool is_equal(const struct zone_comparison *c)
{
	return c->added == 0 && c->removed == 0;
}

static void print_unlisted(uint64_t all, uint64_t listed, const char *where)
{
	if (all > listed)
		printf("; %" PRIu64 " more difference%s%s (--limit)\n", all - listed,
		        all - listed == 1 ? "" : "s", where);
}

static void print_text(const struct comparing *comparing, const struct zone_comparison *c)
{
	print_unlisted(c->added + c->removed, comparing->listed, "");
	print_unlisted(c->apex_added + c->apex_removed, comparing->apex_listed,
	        " that are no registered data");
	print_ttls(c);
	if (is_equal(c))
		printf("registered data equal: %" PRIu64 " records in %" PRIu64 " RRsets\n",
		        c->records, c->sets);
	else
		printf("registered data differs: %" PRIu64 " removed, %" PRIu64 " added\n",
		        c->removed, c->added);
}

static json_t *ttls_json(const struct zone_comparison *c)
{
	json_t *list = json_array();
	for (size_t i = 0; i < c->ttl_count; i++) {
		const struct zone_ttl_change *t = &c->ttls[i];
		char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
		json_array_append_new(list,
		        json_pack("{s:s, s:b, s:I, s:I, s:I, s:s}", "type",
		                dns_type_text(t->type, type), "apex", t->apex, "old_s",
		                (json_int_t)t->old_s, "new_s", (json_int_t)t->new_s, "rrsets",
		                (json_int_t)t->sets, "first", dns_name_text(t->owner, owner)));
	}
	return list;
}

static void print_json(struct comparing *comparing, const struct zone_comparison *c)
{
	json_t *json =
	        json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O, s:o}",
	                "equal", is_equal(c), "rrsets", (json_int_t)c->sets, "records",
	                (json_int_t)c->records, "added", (json_int_t)c->added, "removed",
	                (json_int_t)c->removed, "apex_added", (json_int_t)c->apex_added,
	                "apex_removed", (json_int_t)c->apex_removed, "ttl_rrsets",
	                (json_int_t)c->ttl_sets, "old_ttl_max_s", (json_int_t)c->old_ttl_max_s,
	                "new_ttl_max_s", (json_int_t)c->new_ttl_max_s, "differences",
	                comparing->differences, "apex", comparing->apex, "ttls", ttls_json(c));
	json_dumpf(json, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(json);
}

static int compare(const struct zone *old, const struct zone *new, struct comparing *comparing)
{
	static struct zone_comparison c;
	struct error err = {0};
	const struct zone_compare_options options = {.found = found, .ctx = comparing};
	if (zone_compare(old, new, &options, &c, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	if (comparing->differences != NULL)
		print_json(comparing, &c);
	else
		print_text(comparing, &c);
	return output_end(is_equal(&c) ? EXIT_SAFE : EXIT_NO);
}

static int compare_inputs(const struct zone_input *input, char **what, struct comparing *comparing)
{
	struct zone *old = NULL, *new = NULL;
	int status = zone_input_read(input, what[0], &old);
	if (status == 0)
		status = zone_input_read(input, what[1], &new);
	if (status == 0)
		status = compare(old, new, comparing);
	zone_free(old);
	zone_free(new);
	return status;
}

int cmd_zone_compare(int argc, char **argv)
{
	struct zone_input input = {0};
	struct comparing comparing = {.limit = DEFAULT_LIMIT};
	const char *limit = NULL;
	bool json = false;
	const struct option_spec specs[] = {
	        {"--json", NULL, "print one JSON object", .flag = &json},
	        {"--limit", "N", "list at most N differences of registered data, and N others; 100",
	                .text = &limit},
	        ZONE_INPUT_OPTIONS(input),
	        {0},
	};
	const struct command_help help = {
	        "baton-zone compare [OPTION…] OLD NEW", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 2)
		return usage_error("compare: expected two zones; --help explains");
	if (limit != NULL && !zone_option_number(limit, &comparing.limit))
		return usage_error("--limit: '%.40s' is no number", limit);
	if (json) {
		comparing.differences = json_array();
		comparing.apex = json_array();
	}
	status = compare_inputs(&input, argv, &comparing);
	json_decref(comparing.differences);
	json_decref(comparing.apex);
	return status;
}
