// baton-zone: is a signed zone valid, are two copies of it the same, and what is it like? A program
// of its own, because it is made for zones of millions of names; `baton zone` runs it.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cmd/options.h"
#include "cmd/zone_commands.h"

static const struct command {
	const char *name, *about;
	int (*run)(int argc, char **argv);
} commands[] = {
        {"compare", "is the registered data of two copies of a zone equal?", cmd_zone_compare},
        {"verify", "is it valid: signatures, denial of existence, delegations, digest?",
                cmd_zone_verify},
        {"facts", "TTLs, signers, expiry, and what else a plan needs", cmd_zone_facts},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
	fputs("usage: baton-zone COMMAND [OPTION…] ZONE…\n\n"
	      "Whole signed zones, of any size: whether they are valid, and whether they are the "
	      "same.\n\n"
	      "commands:\n",
	        out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
	fputs("\n`baton-zone COMMAND --help` explains a command; the manual is in baton-zone(1).\n",
	        out);
}

// A standard descriptor that is closed would be the number of the next file that is opened.
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_USAGE);
}

static int unknown(const char *word)
{
	const char *names[COMMANDS + 1] = {0};
	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	const char *nearest = yaml_nearest(word, names);
	if (nearest != NULL)
		return usage_error("unknown command '%.60s', did you mean '%s'?", word, nearest);
	return usage_error("unknown command '%.60s'; `baton-zone --help` lists them", word);
}

int main(int argc, char **argv)
{
	hold_standard_descriptors();
	signal(SIGXFSZ, SIG_IGN);
	options_program("baton-zone");
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
		puts("baton-zone " BATON_VERSION);
		return output_end(0);
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
