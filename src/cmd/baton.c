// baton: the front. `baton check` is a function here; `baton scan` runs the program baton-scan, as
// git does.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cmd/commands.h"
#include "cmd/options.h"

static const struct command {
	const char *name, *about;
	int (*run)(int argc, char **argv);
} commands[] = {
        {"check", "is a timeline or a procedure safe for every resolver?", cmd_check},
        {"plan", "a procedure and a zone's TTLs, as a calendar with the reason for each wait",
                cmd_plan},
        {"preflight", "would a registry take this delegation? Technical checks, one by one",
                cmd_preflight},
        {"watch", "a delegation, live: what can be cached now, and what is safe from when",
                cmd_watch},
        {"run", "run a change: observe, prove, act, record", cmd_run},
        {"status", "where a change stands, and whose turn it is", cmd_status},
        {"approve", "agree to a step of a change", cmd_approve},
        {"done", "say that a step was done by hand", cmd_done},
        {"undo", "take back a step and all after it", cmd_undo},
        {"verify", "re-check a journal and every verdict in it", cmd_verify},
        {"forget", "erase a note that is kept beside a journal", cmd_forget},
        {"lab", "a small internet of real servers, to rehearse in", cmd_lab},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
	fputs("usage: baton COMMAND [OPTION…]\n\n"
	      "Baton moves DNSSEC-signed zones to new keys, operators and back-ends without one "
	      "bogus answer.\n\n"
	      "commands:\n",
	        out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
	fputs("\n`baton COMMAND --help` explains a command; the manual is in baton(1).\n", out);
}

// A word that is no command here may be a program beside: baton-scan for `baton scan`.
static int run_program(char **argv)
{
	const char *names[COMMANDS + 1] = {0};
	char program[64];
	if (strchr(argv[0], '/') == NULL && strlen(argv[0]) < 32) {
		snprintf(program, sizeof program, "baton-%s", argv[0]);
		argv[0] = program;
		execvp(program, argv);
		if (errno != ENOENT)
			return usage_error("%s: %s", program, strerror(errno));
		argv[0] = program + strlen("baton-");
	}
	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	const char *nearest = yaml_nearest(argv[0], names);
	if (nearest != NULL)
		return usage_error("unknown command '%.60s', did you mean '%s'?", argv[0], nearest);
	return usage_error("unknown command '%.60s'; `baton --help` lists them", argv[0]);
}

// A standard descriptor that is closed would be the number of the next file that is opened, and
// what is printed would end up there. Reading from and writing to these fails, as it should.
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_USAGE);
}

int main(int argc, char **argv)
{
	hold_standard_descriptors();
	signal(SIGXFSZ, SIG_IGN); // a file too large for its limit is an error of write(2)
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	        strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return output_end(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("baton " BATON_VERSION);
		return output_end(0);
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return run_program(argv + 1);
}
