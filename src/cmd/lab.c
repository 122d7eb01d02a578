// baton lab: the words, and what they share.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/lab_words.h"
#include "cmd/options.h"
#include "cmd/program.h"

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

static const struct program_command words[] = {
        {"up", "start a lab and keep it until Ctrl-C", lab_word_up},
        {"demo", "move a zone from one operator to another under probing", lab_word_demo},
        {"run", "run scenarios, each in a lab of its own", lab_word_run},
        {"probe", "ask all validators of a running lab and count the answers", lab_word_probe},
        {"exec", "run a command inside a running lab", lab_word_exec},
        {"shell", "a shell inside a running lab", lab_word_shell},
        {"status", "which labs run, and their servers", lab_word_status},
        {"restart", "kill a server and start it again", lab_word_restart},
        {"down", "end a running lab", lab_word_down},
        {0},
};

int cmd_lab(int argc, char **argv)
{
	const struct program lab = {"lab",
	        "usage: baton lab WORD [OPTION…]\n\n"
	        "A small internet of real name servers and validating resolvers on this "
	        "machine.\n\n"
	        "words:\n",
	        "\n`baton lab WORD --help` explains a word; the manual is in baton-lab(1).\n",
	        words, NULL};
	return program_words(&lab, argc, argv);
}
