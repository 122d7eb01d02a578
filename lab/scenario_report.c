// What a scenario has shown, in words and as JSON.
#include "scenario.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdlib.h>

static double seconds(int64_t ms)
{
	return (double)ms / 1000;
}

static void report_forecast(const struct play *play, enum safety_path path, struct buffer *out)
{
	const struct play_forecast *f = &play->forecast[path];
	buffer_printf(out, "foretold, %s: %s", safety_path_text(path), safety_word_text(f->word));
	if (f->insecure_ms != TIME_NEVER_MS)
		buffer_printf(out, ", insecure from %.1f s", seconds(f->insecure_ms));
	if (f->bogus_ms != TIME_NEVER_MS)
		buffer_printf(out, ", failures from %.1f s and within %.1f s", seconds(f->bogus_ms),
		        seconds(f->ttl_ms + play->lag_ms));
	buffer_printf(out, "\n%s%s%s", f->witness[0] != '\0' ? "  " : "", f->witness,
	        f->witness[0] != '\0' ? "\n" : "");
}

static void report_mark(const struct lab_info *info, const struct scenario_outcome *outcome,
        size_t mark, struct buffer *out)
{
	int64_t at_ms = outcome->mark[mark].at_ms;
	for (int r = 0; r < LAB_RESOLVERS; r++)
		for (int o = PROBE_INSECURE; o < PROBE_OUTCOMES; o++) {
			const struct prober_tally *tally = &outcome->counts.resolver[r];
			if (tally->outcome[o] > 0)
				buffer_printf(out, "%s: %s from %.1f s to %.1f s after '%s'\n",
				        info->resolver[r].id,
				        probe_outcome_word((enum probe_outcome)o),
				        seconds(tally->first_ms[o] - at_ms),
				        seconds(tally->last_ms[o] - at_ms),
				        outcome->mark[mark].name);
		}
}

void scenario_report(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome, struct buffer *out)
{
	prober_print(info, &outcome->counts, out);
	if (outcome->change_ms > 0)
		buffer_printf(out, "the change took %.1f s\n%s", seconds(outcome->change_ms),
		        outcome->waits);
	for (int r = 0; r < LAB_RESOLVERS && outcome->planned_insecure_ms > 0; r++)
		buffer_printf(out, "%s: insecure for %.1f s, planned were at most %.1f s\n",
		        info->resolver[r].id,
		        seconds(scenario_insecure_ms(&outcome->counts.resolver[r])),
		        seconds(outcome->planned_insecure_ms));
	const struct registrar_counts *registered = &outcome->registered;
	if (registered->started_ms != 0)
		buffer_printf(out,
		        "registrations: %llu acknowledged in %.1f s, %.1f a second, at most %.1f s "
		        "without one; %llu repeated\n",
		        (unsigned long long)registered->acknowledged,
		        seconds(registered->stopped_ms - registered->started_ms),
		        (double)registrar_rate_milli(registered) / 1000,
		        seconds(registered->longest_gap_ms),
		        (unsigned long long)registered->repeated);
	for (int path = 0; scenario->play != NULL && path < SAFETY_PATHS; path++)
		report_forecast(scenario->play, (enum safety_path)path, out);
	for (size_t i = 0; i < outcome->marks; i++)
		report_mark(info, outcome, i, out);
	for (int r = 0; r < LAB_RESOLVERS; r++)
		if (scenario->expect.recovering[r] != NULL)
			buffer_printf(out, "%s may escape: %s\n", info->resolver[r].id,
			        scenario->expect.recovering[r]);
	buffer_printf(out, "%s: %s%s\n", scenario->name,
	        outcome->met ? "as expected" : "NOT as expected: ", outcome->why);
}

void scenario_json(const struct scenario *scenario, const struct lab_info *info,
        const struct scenario_outcome *outcome, struct buffer *out)
{
	struct buffer counts = buffer_init(1u << 16);
	json_t *marks = json_object();
	for (size_t i = 0; i < outcome->marks; i++)
		json_object_set_new(
		        marks, outcome->mark[i].name, json_integer(outcome->mark[i].at_ms));
	prober_json(info, &outcome->counts, &counts);
	json_t *all = json_pack("{s:o, s:b, s:o, s:I, s:I, s:I, s:o}", "scenario",
	        json_text(scenario->name), "met", outcome->met, "marks", marks, "change_ms",
	        (json_int_t)outcome->change_ms, "planned_insecure_ms",
	        (json_int_t)outcome->planned_insecure_ms, "registered",
	        (json_int_t)outcome->registered.acknowledged, "counts",
	        json_loads(buffer_text(&counts), 0, NULL));
	char *text = json_dumps(all, JSON_COMPACT);
	buffer_printf(out, "%s\n", text != NULL ? text : "null");
	free(text);
	json_decref(all);
	buffer_free(&counts);
}
