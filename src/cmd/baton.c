// baton: the front. `baton check` is a function here; `baton scan` runs the program baton-scan, as
// git does.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/program.h"

static const struct program_command commands[] = {
        {"check", "is a timeline or a procedure safe for every resolver?", cmd_check},
        {"plan", "a procedure and a zone's TTLs, as a calendar with the reason for each wait",
                cmd_plan},
        {"preflight", "would a registry take this delegation? Technical checks, one by one",
                cmd_preflight},
        {"watch", "a delegation, live: what can be cached now, and what is safe from when",
                cmd_watch},
        {"run", "run a change: observe, prove, act, record", cmd_run},
        {"bulk", "the same change for very many zones: canary, waves, rates", cmd_bulk},
        {"status", "where a change stands, and whose turn it is", cmd_status},
        {"approve", "agree to a step of a change", cmd_approve},
        {"done", "say that a step was done by hand", cmd_done},
        {"undo", "take back a step and all after it", cmd_undo},
        {"verify", "re-check a journal and every verdict in it", cmd_verify},
        {"forget", "erase a note that is kept beside a journal", cmd_forget},
        {"lab", "a small internet of real servers, to rehearse in", cmd_lab},
        {0},
};

// A word that is no command here may be a program beside: baton-scan for `baton scan`.
static int run_program(char **argv)
{
	char program[64];
	if (strchr(argv[0], '/') != NULL || strlen(argv[0]) >= 32)
		return -1;
	char *word = argv[0];
	snprintf(program, sizeof program, "baton-%s", word);
	argv[0] = program;
	execvp(program, argv);
	argv[0] = word;
	return errno == ENOENT ? -1 : usage_error("%s: %s", program, strerror(errno));
}

int main(int argc, char **argv)
{
	const struct program program = {"baton",
	        "usage: baton COMMAND [OPTION…]\n\n"
	        "Baton moves DNSSEC-signed zones to new keys, operators and back-ends without one "
	        "bogus answer.\n\n"
	        "commands:\n",
	        "\n`baton COMMAND --help` explains a command; the manual is in baton(1).\n",
	        commands, run_program};
	return program_run(&program, argc, argv);
}
