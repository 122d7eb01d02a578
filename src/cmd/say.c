// baton approve, baton done, baton undo: what a person has to say goes into the journal, where the
// running change finds it.
#include <stdio.h>
#include <string.h>

#include "cmd/change_file.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "journal/private.h"

struct saying {
	const char *usage, *about;
	enum journal_kind kind;
	bool needs_party;
};

static const struct saying sayings[] = {
        {"baton approve [OPTION…] CHANGE STEP",
                "Records that a party agrees to a step. CHANGE is the file of the change, or its "
                "journal.\n"
                "Without --as the step's only missing party is meant.",
                JOURNAL_APPROVAL, true},
        {"baton done [OPTION…] CHANGE STEP",
                "Records that a step, or its undoing, was done by hand. What has an effect in the "
                "DNS counts when it is\n"
                "seen on every address, not before.",
                JOURNAL_DONE, false},
        {"baton undo [OPTION…] CHANGE STEP",
                "Asks for a step, and every step that was done after it, to be taken back, the "
                "last one first. Each is\n"
                "judged like a step forward, and waits like one.",
                JOURNAL_UNDO, false},
};

static const char more[] = "exit status:\n"
                           "  0  it is recorded\n"
                           "  2  it is not: unusable input, a change that has not begun, a "
                           "failing disk";

static void list_steps(const struct procedure *p, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (size_t i = 0; i < p->step_count && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", i > 0 ? ", " : "", p->steps[i].id);
}

static uint32_t may_approve(const struct change_definition *d, const struct procedure_step *step)
{
	uint32_t wanted = step->approve;
	if (step->no_return && wanted == 0)
		wanted = UINT32_C(1) << step->by;
	for (size_t i = 0; i < d->procedure->party_count; i++)
		if (d->parties[i].approves_automatically)
			wanted &= ~(UINT32_C(1) << i);
	return wanted;
}

static enum result find_party(const struct change_definition *d, const struct progress *progress,
        const struct procedure_step *step, const char *as, const char **party, struct error *err)
{
	const struct progress_step *s = &progress->steps[step->index];
	uint32_t wanted = may_approve(d, step), missing = wanted & ~s->approved;
	// Something is wrong already, and the party that acts is asked whether it acts all the
	// same.
	if (s->excuse[0] != '\0') {
		wanted |= UINT32_C(1) << step->by;
		missing |= s->excused ? 0 : UINT32_C(1) << step->by;
	}
	if (as != NULL) {
		int number = procedure_party_find(d->procedure, as);
		if (number < 0 || (wanted >> number & 1) == 0)
			return error_set(err, RESULT_INPUT,
			        "step '%s' does not need the approval of '%.40s'", step->id, as);
		if ((missing >> number & 1) == 0)
			return error_set(err, RESULT_INPUT, "step '%s' is approved by '%s' already",
			        step->id, d->procedure->parties[number].id);
		*party = d->procedure->parties[number].id;
		return RESULT_OK;
	}
	if (wanted == 0)
		return error_set(err, RESULT_INPUT, "step '%s' needs nobody's approval", step->id);
	if (missing == 0)
		return error_set(err, RESULT_INPUT, "step '%s' is approved already", step->id);
	if ((missing & (missing - 1)) != 0)
		return error_set(err, RESULT_INPUT,
		        "several parties have to approve step '%s': say which, with --as PARTY",
		        step->id);
	*party = d->procedure->parties[__builtin_ctz(missing)].id;
	return RESULT_OK;
}

// What people write may be about people: the text stays beside the journal, where it can be erased,
// and only its salted hash goes into the chain.
static enum result put_note(const char *path, const char *note, json_t *payload,
        struct journal_private **private_file, struct journal_hash *hash, struct error *err)
{
	struct random random = random_system();
	char text[JOURNAL_HASH_TEXT];
	enum result result = journal_private_open(path, true, &random, private_file, err);
	if (result == RESULT_OK)
		result = journal_private_put(*private_file, note, hash, err);
	if (result == RESULT_OK)
		json_object_set_new(payload, "note", json_string(journal_hash_format(hash, text)));
	return result;
}

// The note first, so that no record has a hash of nothing; a note that no record has is taken back.
static enum result append_noted(struct journal *journal, const char *path, const char *note,
        const struct journal_entry *entry, json_t *payload, struct journal_mark *mark,
        struct error *err)
{
	struct journal_private *private_file = NULL;
	struct journal_hash hash;
	enum result result = put_note(path, note, payload, &private_file, &hash, err);
	if (result == RESULT_OK) {
		result = journal_append(journal, entry, mark, err);
		if (result != RESULT_OK)
			(void)journal_private_erase(private_file, &hash, NULL);
	}
	journal_private_close(private_file);
	return result;
}

static enum result append(const char *path, const struct saying *saying, const char *change,
        const char *step, const char *party, const char *note, struct error *err)
{
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal *journal;
	enum result result = journal_open(path, JOURNAL_GUEST, &options, &journal, err);
	if (result != RESULT_OK)
		return result;
	json_t *payload = json_object();
	if (party != NULL)
		json_object_set_new(payload, "party", json_string(party));
	struct journal_entry entry = {
	        .kind = saying->kind, .change = change, .step = step, .payload = payload};
	struct journal_mark mark;
	result = note != NULL ? append_noted(journal, path, note, &entry, payload, &mark, err)
	                      : journal_append(journal, &entry, &mark, err);
	json_decref(payload);
	journal_close(journal);
	char hash[JOURNAL_HASH_TEXT];
	if (result == RESULT_OK)
		printf("recorded as number %lld, head %s\n", (long long)mark.seq,
		        journal_hash_format(&mark.hash, hash));
	return result;
}

static bool is_touched(const struct progress_step *s)
{
	return s->forward.state != DEED_NOT_BEGUN || s->forward.shown != 0 ||
	       s->back.state != DEED_NOT_BEGUN || s->skipped;
}

// Has anything happened that the undoing of this step would take back? Without it an undo of the
// first step still says something: that the change is given up.
static bool has_something_to_undo(
        const struct progress *progress, const struct procedure_step *step)
{
	const struct procedure *p = progress->procedure;
	for (size_t i = 0; i < p->step_count; i++)
		if (is_touched(&progress->steps[i]) &&
		        ((int)i >= step->index || p->steps[i].line_of != step->line_of))
			return true;
	return step->after_count == 0;
}

// What would be recorded and could never mean anything is refused while somebody is there to read
// why.
static enum result check_sense(enum journal_kind kind, const struct progress *progress,
        const struct procedure_step *step, struct error *err)
{
	const struct progress_step *s = &progress->steps[step->index];
	if (kind == JOURNAL_UNDO && !has_something_to_undo(progress, step))
		return error_set(err, RESULT_INPUT,
		        "nothing of step '%s' or of a later one has happened: there is nothing to "
		        "undo",
		        step->id);
	if (kind == JOURNAL_UNDO || progress->undo_to >= 0)
		return RESULT_OK;
	if (progress_is_over(progress, step->index))
		return error_set(err, RESULT_INPUT, "step '%s' is %s already", step->id,
		        s->skipped ? "skipped" : "done, and seen everywhere");
	if (kind == JOURNAL_DONE && !progress_is_on_way(progress, step))
		return error_set(err, RESULT_INPUT,
		        "step '%s' is not on the way that the change takes", step->id);
	return RESULT_OK;
}

static enum result find_speaker(
        const struct change_definition *d, const char *as, const char **party, struct error *err)
{
	int number = as != NULL ? procedure_party_find(d->procedure, as) : -1;
	if (as != NULL && number < 0)
		return error_set(err, RESULT_INPUT, "procedure '%s' has no party '%.40s'",
		        d->procedure->id, as);
	if (as != NULL)
		*party = d->procedure->parties[number].id;
	return RESULT_OK;
}

static enum result find_step(const struct change_definition *d, const char *id,
        const struct procedure_step **step, struct error *err)
{
	int number = procedure_step_find(d->procedure, id);
	if (number < 0) {
		char all[300];
		list_steps(d->procedure, all, sizeof all);
		return error_set(err, RESULT_INPUT,
		        "change '%s' has no step '%.60s'; its steps are: %s", d->id, id, all);
	}
	*step = &d->procedure->steps[number];
	return RESULT_OK;
}

struct said {
	const char *step, *as, *note;
};

// The definition is the one that the change began with: the file may have been edited since.
static enum result say_in(const char *path, const struct saying *saying,
        const struct replay *replay, const struct said *said, struct error *err)
{
	const struct change_definition *d = replay->definition;
	const struct procedure_step *step = NULL;
	const char *party = NULL;
	enum result result = find_step(d, said->step, &step, err);
	if (result == RESULT_OK)
		result = check_sense(saying->kind, &replay->progress, step, err);
	if (result == RESULT_OK && saying->needs_party)
		result = find_party(d, &replay->progress, step, said->as, &party, err);
	else if (result == RESULT_OK)
		result = find_speaker(d, said->as, &party, err);
	return result == RESULT_OK ? append(path, saying, d->id, step->id, party, said->note, err)
	                           : result;
}

static enum result say(struct arena *arena, const struct saying *saying, const char *given,
        const struct said *said, struct error *err)
{
	const struct change_definition *d;
	const char *path;
	struct replay replay;
	enum result result = change_file_open(arena, given, &d, &path, err);
	if (result != RESULT_OK)
		return result;
	result = change_file_replay(path, &replay, err);
	if (result == RESULT_NOT_FOUND)
		return error_set(err, result,
		        "change '%s' has not begun: there is no journal %s (`baton run` makes it)",
		        d->id, path);
	if (result != RESULT_OK)
		return result;
	if (replay.definition == NULL)
		result = error_set(
		        err, RESULT_NOT_FOUND, "%s: no change has begun in this journal", path);
	else if (strcmp(replay.definition->id, d->id) != 0)
		result = error_set(err, RESULT_CONFLICT,
		        "%s: the journal is that of another change, '%s'", path,
		        replay.definition->id);
	else
		result = say_in(path, saying, &replay, said, err);
	replay_free(&replay);
	return result;
}

static int cmd_say(int argc, char **argv, const struct saying *saying)
{
	const char *as = NULL, *note = NULL;
	const struct option_spec specs[] = {
	        {"--as", "PARTY", "the party that says it", .text = &as},
	        {"--note", "TEXT", "kept beside the journal; `baton forget` erases it",
	                .text = &note},
	        {0},
	};
	const struct command_help help = {saying->usage, saying->about, specs, more};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 2)
		return usage_error("expected: %s", saying->usage);
	struct arena *arena = arena_new(64u << 20);
	struct error err = {0};
	enum result result = arena == NULL ? error_set(&err, RESULT_MEMORY, "out of memory")
	                                   : say(arena, saying, argv[0],
	                                             &(struct said){argv[1], as, note}, &err);
	arena_free(arena);
	return result == RESULT_OK ? 0 : usage_error("%s", err.text);
}

int cmd_approve(int argc, char **argv)
{
	return cmd_say(argc, argv, &sayings[0]);
}

int cmd_done(int argc, char **argv)
{
	return cmd_say(argc, argv, &sayings[1]);
}

int cmd_undo(int argc, char **argv)
{
	return cmd_say(argc, argv, &sayings[2]);
}
