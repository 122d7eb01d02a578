// baton lab: the words, and what they share.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "cmd/commands.h"
#include "cmd/lab_words.h"
#include "cmd/options.h"

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	signalled = number;
}

void lab_word_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool lab_word_stopped(void)
{
	return signalled != 0;
}

void lab_word_progress(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "%s\n", line);
}

int lab_word_fail(const char *word, const struct error *err)
{
	usage_error("lab %s: %s", word, err->text);
	return err->code == RESULT_INPUT || err->code == RESULT_LIMIT ? EXIT_USAGE : EXIT_NO;
}

int lab_word_number(
        const char *option, const char *text, unsigned long min, unsigned long max, unsigned *value)
{
	char *end;
	if (text == NULL)
		return 0;
	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < min ||
	        number > max)
		return usage_error(
		        "%s: '%.60s' is no whole number from %lu to %lu", option, text, min, max);
	*value = (unsigned)number;
	return 0;
}

int lab_word_ttls(const char *text, struct lab_options *options)
{
	struct error err = {0};
	if (text == NULL || lab_options_ttl(options, text, &err) == RESULT_OK)
		return 0;
	return usage_error("--ttl: %s", err.text);
}

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
	const char *about;
} words[] = {
        {"up", lab_word_up, "start a lab and keep it until Ctrl-C"},
        {"demo", lab_word_demo, "move a zone from one operator to another under probing"},
        {"run", lab_word_run, "run scenarios, each in a lab of its own"},
        {"probe", lab_word_probe, "ask all validators of a running lab and count the answers"},
        {"exec", lab_word_exec, "run a command inside a running lab"},
        {"shell", lab_word_shell, "a shell inside a running lab"},
        {"status", lab_word_status, "which labs run, and their servers"},
        {"restart", lab_word_restart, "kill a server and start it again"},
        {"down", lab_word_down, "end a running lab"},
};

enum { WORDS = sizeof words / sizeof *words };

static void print_help(FILE *out)
{
	fputs("usage: baton lab WORD [OPTION…]\n\n"
	      "A small internet of real name servers and validating resolvers on this machine.\n\n"
	      "words:\n",
	        out);
	for (size_t i = 0; i < WORDS; i++)
		fprintf(out, "  %-10s %s\n", words[i].word, words[i].about);
	fputs("\n`baton lab WORD --help` explains a word; the manual is in baton-lab(1).\n", out);
}

int cmd_lab(int argc, char **argv)
{
	const char *known[WORDS + 1] = {NULL};
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return output_end(0);
	}
	for (size_t i = 0; i < WORDS; i++) {
		known[i] = words[i].word;
		if (strcmp(argv[1], words[i].word) == 0)
			return words[i].run(argc - 1, argv + 1);
	}
	const char *nearest = yaml_nearest(argv[1], known);
	if (nearest != NULL)
		return usage_error(
		        "lab: unknown word '%.60s', did you mean '%s'?", argv[1], nearest);
	return usage_error("lab: unknown word '%.60s'; `baton lab --help` lists them", argv[1]);
}
