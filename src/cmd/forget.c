// baton forget: a note that somebody wrote is erased; the journal keeps its hash and verifies as
// before.
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "journal/private.h"

static const char about[] = "Erases a note that was given with `baton approve`, `done` or `undo` "
                            "and that may be about a person. The\n"
                            "journal holds only the note's salted hash, which tells nothing once "
                            "the note is gone, and verifies as before.\n"
                            "HASH is what the journal's record has as \"note\".";

static const char more[] = "exit status:\n"
                           "  0  it is erased\n"
                           "  2  it is not: there is no such note, or the file cannot be written";

static enum result forget(const char *journal, const char *text, struct error *err)
{
	struct random random = random_system();
	struct journal_private *private_file;
	struct journal_hash hash;
	enum result result = journal_hash_parse(text, &hash, err);
	// Opening it to write would make it.
	if (result == RESULT_OK && !journal_private_exists(journal))
		return error_set(
		        err, RESULT_NOT_FOUND, "%.300s: no notes are kept beside it", journal);
	if (result == RESULT_OK)
		result = journal_private_open(journal, true, &random, &private_file, err);
	if (result != RESULT_OK)
		return result;
	result = journal_private_erase(private_file, &hash, err);
	journal_private_close(private_file);
	return result;
}

int cmd_forget(int argc, char **argv)
{
	const struct option_spec specs[] = {{0}};
	const struct command_help help = {"baton forget JOURNAL HASH", about, specs, more};
	struct error err = {0};
	int status = 0;
	int n = options_parse(&help, argc, argv, &status);
	if (n < 0)
		return status;
	if (n != 2)
		return usage_error("expected: baton forget JOURNAL HASH");
	if (forget(argv[0], argv[1], &err) != RESULT_OK)
		return usage_error("%s", err.text);
	puts("erased");
	return 0;
}
