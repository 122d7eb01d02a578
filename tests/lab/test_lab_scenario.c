// Runs one scenario of lab/scenarios, named as argument, as a test of one case, and says what each
// validator did; with a second argument the prober's log is written there.
#include "scenario.h"

#include "base/data.h"

#include <stdio.h>
#include <string.h>

// As lines of a TAP comment.
static void print_report(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome)
{
	struct buffer out = buffer_init(1u << 16);
	scenario_report(scenario, info, outcome, &out);
	for (const char *line = buffer_text(&out); *line != '\0';) {
		size_t n = strcspn(line, "\n");
		printf("# %.*s\n", (int)n, line);
		line += n + (line[n] == '\n');
	}
	buffer_free(&out);
}

static enum result run(const struct scenario *scenario, const char *log_path,
        struct scenario_outcome *outcome, struct error *err)
{
	struct lab *lab;
	struct lab_options options = lab_options_default();
	scenario_lab_options(scenario, &options);
	enum result result = lab_create(&options, &lab, err);
	if (result != RESULT_OK)
		return result;
	result = scenario_run_in(scenario, lab, log_path, outcome, err);
	if (result == RESULT_OK)
		print_report(scenario, lab_info(lab), outcome);
	lab_stop(lab);
	return result;
}

int main(int argc, char **argv)
{
	struct error err = {0};
	struct scenario *scenario;
	struct scenario_outcome outcome;
	const char *path;
	char name[128];
	struct arena *arena = arena_new(32u << 20);
	if (argc < 2 || arena == NULL)
		return 2;
	snprintf(name, sizeof(name), "lab/scenarios/%s.yaml", argv[1]);
	enum result result = data_path(arena, name, &path, &err);
	if (result == RESULT_OK)
		result = scenario_load(arena, path, &scenario, &err);
	if (result == RESULT_OK)
		result = run(scenario, argc > 2 ? argv[2] : NULL, &outcome, &err);
	bool met = result == RESULT_OK && outcome.met;
	printf("1..1\n%s 1 - %s\n", met ? "ok" : "not ok", argv[1]);
	if (result != RESULT_OK)
		printf("# %s\n", err.text);
	arena_free(arena);
	return met ? 0 : 1;
}
