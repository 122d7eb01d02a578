// baton lab run: scenarios.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/data.h"
#include "cmd/lab_jobs.h"
#include "cmd/lab_words.h"
#include "cmd/options.h"
#include "lab/scenario.h"

enum { JOBS_MAX = 64 };

struct wishes {
	const char *dir, *log;
	bool keep, json;
	unsigned jobs; // scenarios at once
	char **operands;
};

static void table_print(const struct buffer *rows)
{
	printf("\n%-31s%8s%8s%10s%10s%9s%7s%9s%11s  %s\n", "scenario", "asked", "secure",
	        "insecure", "servfail", "timeout", "other", "took", "insecure", "as expected");
	fputs(buffer_text(rows), stdout);
}

// What the change waited for, without the instants: the cached record, and where it is from.
static void table_waits(struct buffer *table, const char *waits)
{
	while (*waits != '\0') {
		size_t length = strcspn(waits, "\n");
		const char *instants = strstr(waits, ", as late as");
		size_t shown = instants != NULL && instants < waits + length
		                       ? (size_t)(instants - waits)
		                       : length;
		buffer_printf(table, "  %.*s\n", (int)shown, waits);
		waits += length + (waits[length] == '\n');
	}
}

// How long the zone was insecure for a validator, at most.
static int64_t longest_insecure_ms(const struct prober_counts *counts)
{
	int64_t longest_ms = 0;
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		int64_t ms = scenario_insecure_ms(&counts->resolver[i]);
		longest_ms = ms > longest_ms ? ms : longest_ms;
	}
	return longest_ms;
}

// A scenario that came to no end has no counts.
static void table_row(struct buffer *table, const struct scenario *scenario,
        const struct scenario_outcome *outcome, bool ended)
{
	static const enum probe_outcome column[] = {
	        PROBE_SECURE, PROBE_INSECURE, PROBE_SERVFAIL, PROBE_TIMEOUT, PROBE_OTHER};
	static const int width[] = {8, 10, 10, 9, 7};
	const struct prober_counts *counts = &outcome->counts;
	struct prober_tally sum;
	if (!ended) {
		buffer_printf(table, "%-31s%s\n", scenario->name, "  could not be run to its end");
		return;
	}
	prober_sum(counts, &sum);
	buffer_printf(table, "%-31s%8llu", scenario->name, (unsigned long long)sum.asked);
	for (size_t i = 0; i < sizeof(column) / sizeof(column[0]); i++)
		buffer_printf(table, "%*llu", width[i], (unsigned long long)sum.outcome[column[i]]);
	buffer_printf(table, "%7.1f s", (double)(counts->stopped_ms - counts->started_ms) / 1000);
	buffer_printf(table, "%9.1f s", (double)longest_insecure_ms(counts) / 1000);
	buffer_printf(table, "  %s\n", outcome->met ? "yes" : "NO");
	if (outcome->change_ms > 0)
		buffer_printf(
		        table, "    the change took %.1f s", (double)outcome->change_ms / 1000);
	if (outcome->planned_insecure_ms > 0)
		buffer_printf(table, "; planned to be insecure for at most %.1f s",
		        (double)outcome->planned_insecure_ms / 1000);
	buffer_puts(table, outcome->change_ms > 0 ? "\n" : "");
	table_waits(table, outcome->waits);
}

// "hard-switch" is the scenario of that name that comes with Baton; anything with a "/" or a final
// ".yaml" is a file.
static enum result run_path(
        struct arena *arena, const char *operand, const char **path, struct error *err)
{
	char name[256];
	size_t length = strlen(operand);
	*path = operand;
	if (strchr(operand, '/') != NULL ||
	        (length > 5 && strcmp(operand + length - 5, ".yaml") == 0))
		return RESULT_OK;
	snprintf(name, sizeof(name), "lab/scenarios/%s.yaml", operand);
	return data_path(arena, name, path, err);
}

static void print_outcome(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome, bool json)
{
	struct buffer out = buffer_init(1u << 20);
	(json ? scenario_json : scenario_report)(scenario, info, outcome, &out);
	fputs(buffer_text(&out), stdout);
	fflush(stdout);
	buffer_free(&out);
}

// A lab for one scenario, and the scenario in it. Returns the exit status.
static int run_one(const struct scenario *scenario, const struct wishes *w, struct buffer *table)
{
	struct scenario_outcome outcome;
	struct error err = {0};
	struct lab *lab;
	struct lab_options how = lab_options_default();
	how.dir = w->dir;
	how.keep = w->keep;
	scenario_lab_options(scenario, &how);
	how.progress = isatty(STDERR_FILENO) && w->jobs == 1 ? lab_word_progress : NULL;
	fprintf(stderr, "%s: %s\n", scenario->name, scenario->about);
	if (lab_create(&how, &lab, &err) != RESULT_OK)
		return lab_word_fail("run", &err);
	enum result result = scenario_run_in(scenario, lab, w->log, &outcome, &err);
	if (result == RESULT_OK)
		print_outcome(scenario, lab_info(lab), &outcome, w->json);
	table_row(table, scenario, &outcome, result == RESULT_OK);
	lab_stop(lab);
	return result != RESULT_OK ? lab_word_fail("run", &err) : !outcome.met;
}

// One operand; returns the exit status. Without a table it is only read.
static int run_operand(const char *operand, const struct wishes *w, struct buffer *table)
{
	struct error err = {0};
	const char *path;
	struct scenario *scenario;
	struct arena *arena = arena_new(32u << 20);
	enum result result = arena != NULL ? run_path(arena, operand, &path, &err)
	                                   : error_set(&err, RESULT_MEMORY, "out of memory");
	if (result == RESULT_OK)
		result = scenario_load(arena, path, &scenario, &err);
	int status = result != RESULT_OK ? (lab_word_fail("run", &err), EXIT_USAGE)
	             : table != NULL     ? run_one(scenario, w, table)
	                                 : 0;
	arena_free(arena);
	return status;
}

static int run_job(void *ctx, size_t i, struct buffer *table)
{
	const struct wishes *w = ctx;
	return run_operand(w->operands[i], w, table);
}

// All are read before the first one runs: what cannot be used is said at once, without a lab.
static int run_each(struct wishes *w, size_t count, struct buffer *table)
{
	for (size_t i = 0; i < count; i++)
		if (run_operand(w->operands[i], w, NULL) != 0)
			return EXIT_USAGE;
	struct lab_jobs jobs = {.count = count, .at_once = w->jobs, .run = run_job, .ctx = w};
	return lab_jobs_run(&jobs, table);
}

static int run_is_yaml(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

// Every scenario that comes with Baton, by name.
static enum result find_all(struct arena *arena, char ***operands, size_t *n, struct error *err)
{
	const char *path;
	struct dirent **entries;
	enum result result = data_path(arena, "lab/scenarios/steady.yaml", &path, err);
	if (result != RESULT_OK)
		return result;
	const char *folder = arena_strndup(arena, path, strlen(path) - strlen("/steady.yaml"));
	int count = folder != NULL ? scandir(folder, &entries, run_is_yaml, alphasort) : -1;
	if (count < 0)
		return error_set(
		        err, RESULT_NOT_FOUND, "cannot list the scenarios beside %s", path);
	*n = (size_t)count;
	*operands = arena_array(arena, *n, sizeof **operands);
	bool is_whole = *operands != NULL;
	for (size_t i = 0; i < *n; i++) {
		if (is_whole)
			(*operands)[i] = arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
		is_whole = is_whole && (*operands)[i] != NULL;
		free(entries[i]);
	}
	free(entries);
	return is_whole ? RESULT_OK : error_set(err, RESULT_MEMORY, "out of memory");
}

static int run_all(struct wishes *w, struct buffer *table)
{
	struct error err = {0};
	size_t count = 0;
	struct arena *arena = arena_new(1u << 20);
	enum result result = arena != NULL ? find_all(arena, &w->operands, &count, &err)
	                                   : error_set(&err, RESULT_MEMORY, "out of memory");
	int status = result == RESULT_OK ? run_each(w, count, table) : lab_word_fail("run", &err);
	arena_free(arena);
	return status;
}

static const char about[] =
        "Runs scenarios, each in a lab of its own, and says whether the validators saw what the "
        "scenario\n"
        "expects. A SCENARIO is a YAML file, baton-scenario(5), or the name of one that comes with "
        "Baton:\n"
        "steady, hard-switch and so on.";

static const char more[] = "exit status:\n"
                           "  0  all were as expected\n"
                           "  1  one was not, or could not be run to its end\n"
                           "  2  unusable input";

int lab_word_run(int argc, char **argv)
{
	struct wishes w = {.jobs = 1};
	bool all = false;
	const char *jobs = NULL;
	const struct option_spec specs[] = {
	        {"--all", NULL, "every scenario that comes with Baton", .flag = &all},
	        {"--jobs", "N", "so many at once (default: 1, one after the other)", .text = &jobs},
	        {"--json", NULL, "print the counts as one JSON object for each", .flag = &w.json},
	        {"--log", "FILE", "one line for each answer (of the last scenario)",
	                .text = &w.log},
	        {"--dir", "DIR", "the lab's folder, which must not exist (default: a new one)",
	                .text = &w.dir},
	        {"--keep", NULL, "leave the lab's folder there at the end", .flag = &w.keep},
	        {0},
	};
	const struct command_help help = {
	        "baton lab run [OPTION…] --all | SCENARIO…", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if ((n == 0) != all)
		return usage_error("lab run: expected scenarios, or --all; --help explains");
	status = lab_word_number("--jobs", jobs, 1, JOBS_MAX, &w.jobs);
	if (status != 0)
		return status;
	if (w.jobs > 1 && (w.dir != NULL || w.log != NULL))
		return usage_error("lab run: --dir and --log are for one scenario at a time, "
		                   "without --jobs");
	struct buffer table = buffer_init(1u << 20);
	w.operands = argv;
	status = all ? run_all(&w, &table) : run_each(&w, (size_t)n, &table);
	if (!w.json && (all || n > 1) && table.length > 0)
		table_print(&table);
	buffer_free(&table);
	return output_end(status);
}
