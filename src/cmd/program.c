#include "cmd/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cmd/options.h"

enum { COMMANDS_MAX = 32 };

static void print_help(const struct program *program, FILE *out)
{
	fputs(program->head, out);
	for (const struct program_command *c = program->commands; c->name != NULL; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->about);
	fputs(program->tail, out);
}

static const char *nearest_name(const struct program *program, const char *word)
{
	const char *names[COMMANDS_MAX + 1] = {0};
	for (size_t i = 0; i < COMMANDS_MAX && program->commands[i].name != NULL; i++)
		names[i] = program->commands[i].name;
	return yaml_nearest(word, names);
}

static const struct program_command *find_command(const struct program *program, const char *word)
{
	for (const struct program_command *c = program->commands; c->name != NULL; c++)
		if (strcmp(word, c->name) == 0)
			return c;
	return NULL;
}

static bool asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int unknown(const struct program *program, const char *word)
{
	const char *nearest = nearest_name(program, word);
	if (nearest != NULL)
		return usage_error("unknown command '%.60s', did you mean '%s'?", word, nearest);
	return usage_error("unknown command '%.60s'; `%s --help` lists them", word, program->name);
}

// A standard descriptor that is closed would be the number of the next file that is opened, and
// what is printed would end up there. Reading from and writing to these fails, as it should.
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
			_exit(EXIT_USAGE);
}

int program_run(const struct program *program, int argc, char **argv)
{
	hold_standard_descriptors();
	signal(SIGCHLD, SIG_DFL); // left ignored, nobody would learn how a child ended
	signal(SIGXFSZ, SIG_IGN); // a file too large for its limit is an error of write(2)
	options_program(program->name);
	if (argc < 2) {
		print_help(program, stderr);
		return EXIT_USAGE;
	}
	if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0) {
		print_help(program, stdout);
		return output_end(0);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", program->name, BATON_VERSION);
		return output_end(0);
	}
	const struct program_command *c = find_command(program, argv[1]);
	if (c != NULL)
		return c->run(argc - 1, argv + 1);
	int status = program->otherwise != NULL ? program->otherwise(argv + 1) : -1;
	return status >= 0 ? status : unknown(program, argv[1]);
}

int program_words(const struct program *command, int argc, char **argv)
{
	if (argc < 2) {
		print_help(command, stderr);
		return EXIT_USAGE;
	}
	if (asks_for_help(argv[1])) {
		print_help(command, stdout);
		return output_end(0);
	}
	const struct program_command *c = find_command(command, argv[1]);
	if (c != NULL)
		return c->run(argc - 1, argv + 1);
	const char *nearest = nearest_name(command, argv[1]);
	if (nearest != NULL)
		return usage_error("%s: unknown word '%.60s', did you mean '%s'?", command->name,
		        argv[1], nearest);
	return usage_error("%s: unknown word '%.60s'; `baton %s --help` lists them", command->name,
	        argv[1], command->name);
}
