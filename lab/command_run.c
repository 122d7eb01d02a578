// `baton lab run`: scenarios.
#include "command.h"
#include "scenario.h"

#include "base/clock.h"
#include "base/data.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static void run_print(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome)
{
	struct buffer out = buffer_init(1u << 16);
	prober_print(info, &outcome->counts, &out);
	for (size_t i = 0; i < outcome->marks; i++)
		for (int r = 0; r < LAB_RESOLVERS; r++)
			for (int o = PROBE_INSECURE; o < PROBE_OUTCOMES; o++) {
				const struct prober_tally *tally = &outcome->counts.resolver[r];
				if (tally->outcome[o] == 0)
					continue;
				buffer_printf(&out, "%s: %s from %.1f s to %.1f s after '%s'\n",
				        info->resolver[r].id,
				        probe_outcome_word((enum probe_outcome)o),
				        (double)(tally->first_ms[o] - outcome->mark[i].at_ms) /
				                1000,
				        (double)(tally->last_ms[o] - outcome->mark[i].at_ms) / 1000,
				        outcome->mark[i].name);
			}
	buffer_printf(&out, "%s: %s%s\n", scenario->name,
	        outcome->met ? "as expected" : "NOT as expected: ", outcome->why);
	fputs(buffer_text(&out), stdout);
	fflush(stdout);
	buffer_free(&out);
}

static void run_json(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome)
{
	struct buffer out = buffer_init(1u << 16);
	buffer_printf(&out, "{\"scenario\": \"%s\", \"met\": %s, \"marks\": {", scenario->name,
	        outcome->met ? "true" : "false");
	for (size_t i = 0; i < outcome->marks; i++)
		buffer_printf(&out, "%s\"%s\": %lld", i > 0 ? ", " : "", outcome->mark[i].name,
		        (long long)outcome->mark[i].at_ms);
	buffer_puts(&out, "}, \"counts\": ");
	prober_json(info, &outcome->counts, &out);
	fputs(buffer_text(&out), stdout);
	printf("}\n");
	fflush(stdout);
	buffer_free(&out);
}

// A lab for one scenario, and the scenario in it. Returns the exit status.
static int run_one(const struct scenario *scenario, const struct command_options *options)
{
	struct scenario_outcome outcome;
	struct error err = {0};
	struct lab *lab;
	struct lab_options how = options->lab;
	scenario_lab_options(scenario, &how);
	how.progress = isatty(STDERR_FILENO) ? command_progress : NULL;
	fprintf(stderr, "%s: %s\n", scenario->name, scenario->about);
	if (lab_create(&how, &lab, &err) != RESULT_OK)
		return command_fail("run", &err);
	enum result result = scenario_run_in(scenario, lab, options->log, &outcome, &err);
	if (result == RESULT_OK)
		(options->json ? run_json : run_print)(scenario, lab_info(lab), &outcome);
	lab_stop(lab);
	return result != RESULT_OK ? command_fail("run", &err) : !outcome.met;
}

int command_run(int argc, char **argv)
{
	static const char usage[] =
	        "usage: baton lab run [--json] [--log FILE] [--keep] [--dir DIR] SCENARIO...\n\n"
	        "Runs scenarios, each in a lab of its own, and says whether the validators saw "
	        "what\n"
	        "the scenario expects. A SCENARIO is a YAML file, or the name of one that comes\n"
	        "with Baton (lab/scenarios): steady, hard-switch and so on. Exit status 0 if all "
	        "were as\n"
	        "expected, 1 if not, 2 for unusable input.\n\n"
	        "  --log FILE   one line for each answer (of the last scenario)\n"
	        "  --json       print the counts as JSON\n"
	        "  --keep       leave the lab's folder there at the end\n"
	        "  --dir DIR    the lab's folder, which must not exist\n";
	struct command_options options;
	int status, worst = 0;
	if (!command_options(argc, argv, "json log keep dir", usage, &options, &status))
		return status;
	if (options.operands == argc) {
		fputs(usage, stderr);
		return 2;
	}
	for (int i = options.operands; i < argc; i++) {
		struct error err = {0};
		const char *path;
		struct scenario *scenario;
		struct arena *arena = arena_new(32u << 20);
		enum result result = arena != NULL
		                             ? run_path(arena, argv[i], &path, &err)
		                             : error_set(&err, RESULT_MEMORY, "out of memory");
		if (result == RESULT_OK)
			result = scenario_load(arena, path, &scenario, &err);
		if (result == RESULT_OK)
			status = run_one(scenario, &options);
		else
			status = (command_fail("run", &err), 2);
		arena_free(arena);
		worst = status > worst ? status : worst;
	}
	return worst;
}
