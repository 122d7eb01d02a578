// baton status: where a change stands, from its journal alone.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "change/decide.h"
#include "cmd/change_file.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/step_state.h"

static const char about[] = "Says where a change stands and whose turn it is, as far as its "
                            "journal tells: nothing is observed anew.\n"
                            "CHANGE is the file of the change, or its journal.";

static const char more[] = "exit status:\n"
                           "  0  it is said\n"
                           "  2  unusable input, a change that has not begun, or output that "
                           "cannot be written";

// A journal does not tell whether somebody runs the change.
static struct step_state state_of(
        const struct replay *r, const struct decision *decision, const struct procedure_step *step)
{
	struct step_state state = step_state_of(&r->progress, decision, step->index, false);
	if (state.word[0] == '\0')
		state.word = "to come";
	return state;
}

static void print_lines(const struct replay *r, const struct decision *decision)
{
	const struct procedure *p = r->definition->procedure;
	char at[TIME_TEXT];
	for (size_t i = 0; i < p->step_count; i++) {
		if (!progress_is_on_way(&r->progress, &p->steps[i]))
			continue;
		struct step_state l = state_of(r, decision, &p->steps[i]);
		printf("  %-26s %-12s %s", p->steps[i].id, procedure_party_name(p, p->steps[i].by),
		        l.word);
		if (r->progress.steps[i].forward.state == DEED_EVERYWHERE)
			printf(" %s", time_format(r->progress.steps[i].forward.everywhere_ms, at));
		if (l.move != NULL && l.move->until_ms != TIME_NEVER_MS)
			printf(" until %s", time_format(l.move->until_ms, at));
		putchar('\n');
		if (l.move != NULL && l.move->text[0] != '\0')
			printf("      %s\n", l.move->text);
	}
}

static void print_text(const struct replay *r, const struct decision *decision, const char *journal)
{
	char at[TIME_TEXT], zone[DNS_NAME_TEXT];
	printf("%s: %s of %s, begun %s\n", r->definition->id, r->definition->procedure->title,
	        dns_name_text(r->definition->zone.wire, zone),
	        time_format(r->progress.created_ms, at));
	if (r->progress.is_finished)
		printf("finished %s\n", time_format(r->progress.finished_ms, at));
	else if (r->progress.undo_to >= 0)
		printf("is being undone, down to step %s\n",
		        r->definition->procedure->steps[r->progress.undo_to].id);
	else if (!r->progress.is_begun)
		puts("has not passed its preflight");
	if (r->last_round != NULL)
		printf("last observation kept: %s\n", time_format(r->last_round->end_ms, at));
	print_lines(r, decision);
	printf("journal: %s\n", journal);
}

static void print_json(const struct replay *r, const struct decision *decision, const char *journal)
{
	const struct procedure *p = r->definition->procedure;
	char zone[DNS_NAME_TEXT];
	json_t *steps = json_array();
	for (size_t i = 0; i < p->step_count; i++) {
		if (!progress_is_on_way(&r->progress, &p->steps[i]))
			continue;
		struct step_state l = state_of(r, decision, &p->steps[i]);
		json_t *step = json_pack("{s:s, s:s, s:s}", "step", p->steps[i].id, "by",
		        procedure_party_name(p, p->steps[i].by), "state", l.word);
		if (r->progress.steps[i].forward.state == DEED_EVERYWHERE)
			json_object_set_new(step, "everywhere_ms",
			        json_integer(r->progress.steps[i].forward.everywhere_ms));
		if (l.move != NULL) {
			json_object_set_new(step, "text", json_string(l.move->text));
			if (l.move->until_ms != TIME_NEVER_MS)
				json_object_set_new(
				        step, "until_ms", json_integer(l.move->until_ms));
		}
		json_array_append_new(steps, step);
	}
	json_t *all = json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:o}", "change", r->definition->id,
	        "zone", dns_name_text(r->definition->zone.wire, zone), "procedure", p->id,
	        "journal", json_text(journal), "begun", r->progress.is_begun, "finished",
	        r->progress.is_finished, "steps", steps);
	json_dumpf(all, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(all);
}

static enum result judge(struct replay *r, struct decision *decision, struct error *err)
{
	struct clock clock = clock_system();
	struct world world;
	decision->count = 0;
	if (!r->progress.is_begun || r->progress.is_finished)
		return RESULT_OK;
	enum result result =
	        change_world_at(r->definition, r->view, r->keys, clock_now_ms(&clock), &world, err);
	if (result != RESULT_OK)
		return result;
	struct decide_input input = {.definition = r->definition,
	        .progress = &r->progress,
	        .world = &world,
	        .view = r->view};
	result = decide(&input, decision, err);
	change_world_free(&world);
	return result;
}

static enum result status_of(struct arena *arena, const char *given, bool json, struct error *err)
{
	const struct change_definition *d;
	const char *journal;
	struct replay r;
	enum result result = change_file_open(arena, given, &d, &journal, err);
	if (result == RESULT_OK)
		result = change_file_replay(journal, &r, err);
	if (result == RESULT_NOT_FOUND)
		return error_set(err, result,
		        "%s has not begun: there is no journal (`baton run` makes it)", given);
	if (result != RESULT_OK)
		return result;
	struct decision *decision = arena_alloc(arena, sizeof *decision);
	if (decision == NULL)
		result = error_set(err, RESULT_MEMORY, "out of memory");
	else if (r.definition == NULL)
		result = error_set(
		        err, RESULT_NOT_FOUND, "%s: no change has begun in this journal", journal);
	else
		result = judge(&r, decision, err);
	if (result == RESULT_OK)
		(json ? print_json : print_text)(&r, decision, journal);
	replay_free(&r);
	return result;
}

int cmd_status(int argc, char **argv)
{
	bool json = false;
	const struct option_spec specs[] = {
	        {"--json", NULL, "print one JSON object", .flag = &json},
	        {0},
	};
	const struct command_help help = {"baton status [OPTION…] CHANGE", about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 1)
		return usage_error("status: expected one change; --help explains");
	struct arena *arena = arena_new(64u << 20);
	struct error err = {0};
	enum result result = arena == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                                   : status_of(arena, argv[0], json, &err);
	arena_free(arena);
	return result == RESULT_OK ? output_end(0) : usage_error("%s", err.text);
}
