// Runs one scenario of lab/scenarios, named as argument, as a test of one case; with a second
// argument the prober's log is written there.
#include "scenario.h"

#include "base/data.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	struct error err = {0};
	struct scenario *scenario;
	struct scenario_outcome outcome;
	const char *path;
	char name[128];
	struct arena *arena = arena_new(32u << 20);
	struct lab_options options = lab_options_default();
	if (argc < 2 || arena == NULL)
		return 2;
	snprintf(name, sizeof(name), "lab/scenarios/%s.yaml", argv[1]);
	enum result result = data_path(arena, name, &path, &err);
	if (result == RESULT_OK)
		result = scenario_load(arena, path, &scenario, &err);
	if (result == RESULT_OK)
		result =
		        scenario_run(scenario, &options, argc > 2 ? argv[2] : NULL, &outcome, &err);
	bool met = result == RESULT_OK && outcome.met;
	printf("1..1\n%s 1 - %s\n", met ? "ok" : "not ok", argv[1]);
	if (result != RESULT_OK)
		printf("# %s\n", err.text);
	else
		for (int i = 0; i < LAB_RESOLVERS; i++) {
			const struct prober_tally *tally = &outcome.counts.resolver[i];
			printf("# %d: asked %llu, failures %llu\n", i,
			        (unsigned long long)tally->asked,
			        (unsigned long long)prober_failures(tally));
		}
	if (result == RESULT_OK && !met)
		printf("# %s\n", outcome.why);
	arena_free(arena);
	return met ? 0 : 1;
}
