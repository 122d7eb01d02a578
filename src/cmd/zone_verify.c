// baton-zone verify: does this zone validate, in all its parts?
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/options.h"
#include "cmd/zone_commands.h"
#include "cmd/zone_input.h"
#include "zone/check.h"

#define DS_MAX        16
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000000

static const char about[] =
        "Checks every signature of a signed zone, the NSEC or NSEC3 chain, delegations and glue, "
        "the keys at the apex\n"
        "with CDS and CDNSKEY, and ZONEMD.";

static const char more[] =
        "Each finding is one line, \"OWNER TYPE: what is wrong\"; warnings "
        "begin with \"warning: \".\n"
        "\n"
        "exit status:\n"
        "  0  the zone is good; there may be warnings\n"
        "  1  it is not\n"
        "  2  it cannot be judged: not there, no zone, or wrong options\n\n" ZONE_INPUT_HELP;

static void show_progress(void *ctx, size_t done, size_t total)
{
	zone_progress_show(ctx, done, total, "names");
}

static const char *finding_type(const struct zone_finding *finding, char *buf)
{
	return finding->type == 0 ? "" : dns_type_text(finding->type, buf);
}

static void print_findings(const struct zone_report *report)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	size_t errors = 0;
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct zone_finding *finding = &report->findings[i];
		errors += finding->warning ? 0 : 1;
		printf("%s%s%s%s: %s\n", finding->warning ? "warning: " : "",
		        dns_name_text(finding->owner, owner), finding->type == 0 ? "" : " ",
		        finding_type(finding, type), finding->text);
	}
	size_t warnings = report->finding_count - errors;
	if (errors < report->errors)
		printf("and %zu more errors\n", report->errors - errors);
	if (warnings < report->warnings)
		printf("and %zu more warnings\n", report->warnings - warnings);
}

static const char *denial(const struct zone_report *report)
{
	if (report->nsec && report->nsec3)
		return "NSEC and NSEC3";
	if (report->nsec)
		return "NSEC";
	if (report->nsec3)
		return report->opt_out ? "NSEC3 with opt-out" : "NSEC3";
	return "no denial of existence";
}

static void print_headroom(const struct zone_report *report, int64_t now_s)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT], until[TIME_TEXT], left[DURATION_TEXT];
	if (report->earliest_owner == NULL)
		return;
	int64_t left_s = report->earliest_expiration_s - now_s;
	printf("the first one to expire: %s %s at %s, in %s\n",
	        dns_name_text(report->earliest_owner, owner),
	        dns_type_text(report->earliest_type, type),
	        time_format(report->earliest_expiration_s * SECOND_MS, until),
	        duration_format((left_s < 3600 ? left_s : left_s / 3600 * 3600) * SECOND_MS, left));
	printf("time left:");
	for (size_t i = 0; i < ZONE_HEADROOM_COUNT; i++) {
		if (report->headroom[i] == 0)
			continue;
		if (i < ZONE_HEADROOM_COUNT - 1)
			printf("  %zu below %u d", report->headroom[i], zone_headroom_days[i]);
		else
			printf("  %zu above", report->headroom[i]);
	}
	putchar('\n');
}

static void print_text(const struct zone *zone, const struct zone_report *report,
        const struct zone_check_options *options)
{
	char apex[DNS_NAME_TEXT], at[TIME_TEXT];
	print_findings(report);
	printf("%s has %zu names, %zu delegations (%zu with DS), %s\n",
	        dns_name_text(zone_apex(zone), apex), report->names, report->delegations,
	        report->signed_delegations, denial(report));
	printf("%zu of %zu signatures over %zu sets are valid at %s\n", report->valid,
	        report->signatures, report->sets, time_format(options->now_s * SECOND_MS, at));
	print_headroom(report, options->now_s);
	if (report->digests > 0)
		printf("the zone's digest agrees with %zu ZONEMD record%s\n", report->digests,
		        report->digests == 1 ? "" : "s");
	printf("%s: %zu error%s, %zu warning%s\n", report->errors == 0 ? "good" : "not good",
	        report->errors, report->errors == 1 ? "" : "s", report->warnings,
	        report->warnings == 1 ? "" : "s");
}

static void put_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(json);
}

static json_t *count(size_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *headroom_json(const struct zone_report *report)
{
	json_t *list = json_array();
	for (size_t i = 0; i < ZONE_HEADROOM_COUNT; i++) {
		json_t *one = json_object();
		json_object_set_new(one, "signatures", count(report->headroom[i]));
		json_object_set_new(one, "below_days",
		        i < ZONE_HEADROOM_COUNT - 1 ? json_integer(zone_headroom_days[i])
		                                    : json_null());
		json_array_append_new(list, one);
	}
	return list;
}

static void print_json(const struct zone *zone, const struct zone_report *report,
        const struct zone_check_options *options)
{
	char text[DNS_NAME_TEXT], time[TIME_TEXT];
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct zone_finding *finding = &report->findings[i];
		json_t *json = json_object();
		char type[DNS_TYPE_TEXT];
		json_object_set_new(json, "finding", json_string(finding->text));
		json_object_set_new(
		        json, "severity", json_string(finding->warning ? "warning" : "error"));
		json_object_set_new(
		        json, "owner", json_string(dns_name_text(finding->owner, text)));
		json_object_set_new(json, "type",
		        finding->type == 0 ? json_null()
		                           : json_string(finding_type(finding, type)));
		json_object_set_new(json, "line",
		        finding->line == 0 ? json_null() : json_integer(finding->line));
		put_json(json);
	}
	json_t *json = json_object();
	json_object_set_new(json, "zone", json_string(dns_name_text(zone_apex(zone), text)));
	json_object_set_new(json, "good", json_boolean(report->errors == 0));
	json_object_set_new(json, "errors", count(report->errors));
	json_object_set_new(json, "warnings", count(report->warnings));
	json_object_set_new(json, "at", json_string(time_format(options->now_s * SECOND_MS, time)));
	json_object_set_new(json, "names", count(report->names));
	json_object_set_new(json, "delegations", count(report->delegations));
	json_object_set_new(json, "signed_delegations", count(report->signed_delegations));
	json_object_set_new(json, "sets", count(report->sets));
	json_object_set_new(json, "signatures", count(report->signatures));
	json_object_set_new(json, "valid_signatures", count(report->valid));
	json_object_set_new(json, "denial", json_string(denial(report)));
	json_object_set_new(json, "digests", count(report->digests));
	json_object_set_new(json, "headroom", headroom_json(report));
	json_object_set_new(json, "earliest_expiration",
	        report->earliest_owner == NULL
	                ? json_null()
	                : json_string(
	                          time_format(report->earliest_expiration_s * SECOND_MS, time)));
	put_json(json);
}

static bool parse_number(
        const char *text, unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return false;
	*number = strtoul(text, &end, 10);
	return *end == '\0' && *number >= least && *number <= most;
}

struct words {
	const char *at, *threads, *limit, *ds[DS_MAX];
	size_t ds_count;
	bool json;
};

// Fills options from the words of the command line; an exit status, 0 where all is well.
static int read_words(
        const struct words *words, struct zone_check_options *options, struct dns_ds ds[DS_MAX])
{
	struct error err = {0};
	struct clock clock = clock_system();
	int64_t at_ms = clock_now_ms(&clock);
	uint64_t number;
	if (words->at != NULL && time_parse(words->at, &at_ms, &err) != RESULT_OK)
		return usage_error("--at: %s", err.text);
	options->now_s = at_ms / SECOND_MS;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	options->threads = cores < 1                        ? 1
	                   : cores > ZONE_CHECK_MAX_THREADS ? ZONE_CHECK_MAX_THREADS
	                                                    : (unsigned)cores;
	if (words->threads != NULL) {
		if (!parse_number(words->threads, 1, ZONE_CHECK_MAX_THREADS, &number))
			return usage_error("--threads: '%s' is no number from 1 to %d",
			        words->threads, ZONE_CHECK_MAX_THREADS);
		options->threads = (unsigned)number;
	}
	options->limit = LIMIT_DEFAULT;
	if (words->limit != NULL) {
		if (!parse_number(words->limit, 0, LIMIT_MAX, &number))
			return usage_error(
			        "--limit: '%s' is no number from 0 to %d", words->limit, LIMIT_MAX);
		options->limit = number;
	}
	for (size_t i = 0; i < words->ds_count; i++)
		if (dns_ds_parse(words->ds[i], &ds[i], &err) != RESULT_OK)
			return usage_error("--ds: %s", err.text);
	options->ds = words->ds_count > 0 ? ds : NULL;
	options->ds_count = words->ds_count;
	return 0;
}

static int verify(const struct zone *zone, const struct zone_check_options *wanted, bool json)
{
	struct zone_progress progress = zone_progress("verifying");
	struct zone_check_options options = *wanted;
	struct zone_report *report;
	struct error err = {0};
	options.progress = show_progress;
	options.progress_ctx = &progress;
	enum result result = zone_check(zone, &options, &report, &err);
	zone_progress_end(&progress);
	if (result != RESULT_OK)
		return usage_error("%s: %s", zone_source(zone), err.text);
	(json ? print_json : print_text)(zone, report, &options);
	bool good = report->errors == 0;
	zone_report_free(report);
	return output_end(good ? EXIT_SAFE : EXIT_NO);
}

int cmd_zone_verify(int argc, char **argv)
{
	struct zone_input input = {0};
	struct words words = {0};
	const struct option_spec specs[] = {
	        {"--at", "TIME", "when it has to be valid, 2026-01-31T00:00:00Z; now",
	                .text = &words.at},
	        {"--ds", "DS", "the parent's DS, \"tag algorithm type hex\"; several times",
	                .list = words.ds, .list_max = DS_MAX, .list_count = &words.ds_count},
	        {"--limit", "N", "how many errors, and warnings, are printed, 100",
	                .text = &words.limit},
	        {"--threads", "N", "how many threads work; as many as there are cores",
	                .text = &words.threads},
	        {"--json", NULL, "print one JSON object for each finding, and one at the end",
	                .flag = &words.json},
	        ZONE_INPUT_OPTIONS(input),
	        {0},
	};
	const struct command_help help = {"baton-zone verify [OPTION…] ZONE", about, specs, more};
	struct zone_check_options options = {0};
	struct dns_ds ds[DS_MAX];
	struct zone *zone;
	int status = 0, n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("verify: expected one zone; --help explains");
	status = read_words(&words, &options, ds);
	if (status == 0)
		status = zone_input_read(&input, argv[0], &zone);
	if (status != 0)
		return status;
	status = verify(zone, &options, words.json);
	zone_free(zone);
	return status;
}
