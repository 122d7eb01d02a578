// baton verify: is this journal what it says, and does every verdict in it follow from what was
// observed?
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "change/rejudge.h"
#include "cmd/commands.h"
#include "cmd/options.h"

static const char about[] =
        "Re-checks a journal from its first record on: every hash, every link to the record "
        "before, every field.\n"
        "Then every verdict is computed again from the observations that were recorded before it.\n"
        "A journal whose tail was cut off, or which was computed anew as a whole, is found only "
        "with the hash of the\n"
        "last record, as it was noted elsewhere (--head).";

static const char more[] = "exit status:\n"
                           "  0  the journal is good\n"
                           "  1  it is not; the first bad record is named\n"
                           "  2  it cannot be judged: no such file, no journal";

static void print_json(const struct journal_report *report, const struct rejudge *rejudge)
{
	json_t *json = journal_report_json(report);
	json_object_set_new(json, "verdicts", json_integer(rejudge_verdicts(rejudge)));
	json_object_set_new(json, "observations", json_integer(rejudge_observations(rejudge)));
	json_object_set_new(json, "finished", json_boolean(rejudge_is_finished(rejudge)));
	json_dumpf(json, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(json);
}

static void print_text(const struct journal_report *report, const struct rejudge *rejudge)
{
	printf("%s\n", report->text);
	if (report->good)
		printf("%" PRId64 " verdicts follow from the %" PRId64
		       " observations before them%s\n",
		        rejudge_verdicts(rejudge), rejudge_observations(rejudge),
		        rejudge_is_finished(rejudge) ? "; the change is finished" : "");
}

static int verify(const char *path, const struct journal_hash *head, bool json)
{
	struct rejudge *rejudge;
	struct journal_report report;
	struct error err = {0};
	if (rejudge_new(&rejudge, &err) != RESULT_OK)
		return usage_error("%s", err.text);
	struct journal_verify_options options = {
	        .head = head, .visit = rejudge_visit, .ctx = rejudge};
	enum result result = journal_verify(path, &options, &report, &err);
	if (result == RESULT_OK)
		(json ? print_json : print_text)(&report, rejudge);
	rejudge_free(rejudge);
	if (result != RESULT_OK)
		return usage_error("%s", err.text);
	return output_end(report.good ? EXIT_SAFE : EXIT_NO);
}

int cmd_verify(int argc, char **argv)
{
	const char *head_text = NULL;
	bool json = false;
	const struct option_spec specs[] = {
	        {"--head", "HASH", "the last record's hash, as noted elsewhere",
	                .text = &head_text},
	        {"--json", NULL, "print one JSON object", .flag = &json},
	        {0},
	};
	const struct command_help help = {"baton verify [OPTION…] JOURNAL", about, specs, more};
	struct journal_hash head;
	struct error err = {0};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("verify: expected one journal; --help explains");
	if (head_text != NULL && journal_hash_parse(head_text, &head, &err) != RESULT_OK)
		return usage_error("--head: %s", err.text);
	return verify(argv[0], head_text != NULL ? &head : NULL, json);
}
