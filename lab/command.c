#include "command.h"

#include "base/clock.h"
#include "base/yaml.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option long_options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"keep", no_argument, NULL, 'k'},
        {"ttl", required_argument, NULL, 't'},
        {"names", required_argument, NULL, 'n'},
        {"rate", required_argument, NULL, 'r'},
        {"for", required_argument, NULL, 'f'},
        {"log", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"change", required_argument, NULL, 'c'},
        {"all", no_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static volatile sig_atomic_t command_signal;

static void command_on_signal(int signal)
{
	command_signal = signal;
}

void command_catch_signals(void)
{
	struct sigaction action = {.sa_handler = command_on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool command_stopped(void)
{
	return command_signal != 0;
}

void command_progress(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

int command_fail(const char *word, const struct error *err)
{
	fprintf(stderr, "baton lab %s: %s\n", word, err->text);
	return err->code == RESULT_INPUT ? 2 : 1;
}

static int command_usage_error(const char *word, const char *what, const char *about)
{
	fprintf(stderr, "baton lab %s: %s%s; see 'baton lab %s --help'\n", word, what, about, word);
	return 2;
}

static enum result command_number(const char *name, const char *text, unsigned long min,
        unsigned long max, unsigned *value, struct error *err)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
	        number > max)
		return error_set(err, RESULT_INPUT, "--%s: '%s' is no whole number from %lu to %lu",
		        name, text, min, max);
	*value = (unsigned)number;
	return RESULT_OK;
}

static bool command_accepts(const char *accepted, const char *name)
{
	const char *at = strstr(accepted, name);
	size_t length = strlen(name);
	return at != NULL && (at == accepted || at[-1] == ' ') &&
	       (at[length] == ' ' || at[length] == '\0');
}

static enum result command_option(
        int letter, const char *value, struct command_options *options, struct error *err)
{
	switch (letter) {
	case 'd':
		options->dir = options->lab.dir = value;
		return RESULT_OK;
	case 'k':
		options->keep = options->lab.keep = true;
		return RESULT_OK;
	case 't':
		return lab_options_ttl(&options->lab, value, err);
	case 'n':
		return command_number("names", value, 100, LAB_NAMES_MAX, &options->lab.names, err);
	case 'r':
		return command_number("rate", value, 1, 500, &options->rate, err);
	case 'f':
		return duration_parse(value, &options->time_ms, err);
	case 'l':
		options->log = value;
		return RESULT_OK;
	case 'c':
		options->change = value;
		return RESULT_OK;
	case 'a':
		options->all = true;
		return RESULT_OK;
	case 'j':
		options->json = true;
		return RESULT_OK;
	default:
		options->help = true;
		return RESULT_OK;
	}
}

bool command_options(int argc, char **argv, const char *accepted, const char *usage,
        struct command_options *options, int *status)
{
	struct error err = {0};
	int letter, index = 0;
	*options = (struct command_options){.lab = lab_options_default(), .rate = 80};
	optind = 0; // start anew, with the "+" read again
	opterr = 0;
	while ((letter = getopt_long(argc, argv, "+:h", long_options, &index)) != -1) {
		if (letter == '?' || letter == ':') {
			*status = command_usage_error(argv[0],
			        letter == '?' ? "unknown option " : "a value is missing after ",
			        argv[optind - 1]);
			return false;
		}
		if (letter != 'h' && !command_accepts(accepted, long_options[index].name)) {
			*status = command_usage_error(
			        argv[0], "this command has no option --", long_options[index].name);
			return false;
		}
		if (command_option(letter, optarg, options, &err) != RESULT_OK) {
			*status = command_fail(argv[0], &err);
			return false;
		}
	}
	options->operands = optind;
	*status = 0;
	if (options->help)
		fputs(usage, stdout);
	return !options->help;
}

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
	const char *about;
} words[] = {
        {"up", command_up, "start a lab and keep it until Ctrl-C"},
        {"demo", command_demo, "move a zone from one operator to another under probing"},
        {"run", command_run, "run scenarios, each in a lab of its own"},
        {"probe", command_probe, "ask all validators of a running lab and count the answers"},
        {"exec", command_exec, "run a command inside a running lab"},
        {"shell", command_shell, "a shell inside a running lab"},
        {"status", command_status, "which labs run, and their servers"},
        {"restart", command_restart, "kill a server and start it again"},
        {"down", command_down, "end a running lab"},
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static void lab_usage(FILE *out)
{
	fputs("usage: baton lab WORD [options]\n\n"
	      "A small internet of real name servers and validating resolvers on this machine.\n\n",
	        out);
	for (size_t i = 0; i < WORDS; i++)
		fprintf(out, "  %-8s  %s\n", words[i].word, words[i].about);
	fputs("\nEach word explains itself with --help.\n", out);
}

int lab_main(int argc, char **argv)
{
	if (argc < 2) {
		lab_usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		lab_usage(stdout);
		return 0;
	}
	const char *known[WORDS + 1] = {NULL};
	for (size_t i = 0; i < WORDS; i++) {
		known[i] = words[i].word;
		if (strcmp(argv[1], words[i].word) == 0)
			return words[i].run(argc - 1, argv + 1);
	}
	const char *nearest = yaml_nearest(argv[1], known);
	fprintf(stderr, "baton lab: unknown word '%.60s'%s%s%s; see 'baton lab --help'\n", argv[1],
	        nearest != NULL ? ", did you mean '" : "", nearest != NULL ? nearest : "",
	        nearest != NULL ? "'?" : "");
	return 2;
}
