#include "cmd/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/yaml.h"

static const char *program = "baton";

void options_program(const char *name)
{
	program = name;
}

int usage_error(const char *format, ...)
{
	char text[sizeof((struct error *)0)->text];
	struct error printable;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	error_set(&printable, RESULT_INPUT, "%s", text);
	fprintf(stderr, "%s: %s\n", program, printable.text);
	return EXIT_USAGE;
}

int output_end(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return usage_error("cannot write the output");
	return status;
}

static void print_help(const struct command_help *help)
{
	printf("usage: %s\n\n%s\n", help->usage, help->about);
	if (help->options->name != NULL)
		puts("\noptions:");
	for (const struct option_spec *o = help->options; o->name != NULL; o++) {
		char left[64];
		snprintf(left, sizeof left, "%s%s%s", o->name, o->argument != NULL ? " " : "",
		        o->argument != NULL ? o->argument : "");
		printf("  %-24s %s\n", left, o->help);
	}
	printf("  %-24s %s\n", "--help", "print this");
	if (help->more != NULL)
		printf("\n%s\n", help->more);
}

static const struct option_spec *find(const struct command_help *help, const char *word, size_t n)
{
	for (const struct option_spec *o = help->options; o->name != NULL; o++)
		if (strlen(o->name) == n && memcmp(o->name, word, n) == 0)
			return o;
	return NULL;
}

static int unknown(const struct command_help *help, const char *word, size_t n)
{
	const char *names[64] = {"--help"};
	size_t count = 1;
	for (const struct option_spec *o = help->options; o->name != NULL && count < 62; o++)
		names[count++] = o->name;
	names[count] = NULL;
	char copy[64];
	snprintf(copy, sizeof copy, "%.*s", (int)n, word);
	const char *nearest = yaml_nearest(copy, names);
	if (nearest != NULL)
		return usage_error("unknown option '%s', did you mean '%s'?", copy, nearest);
	return usage_error("unknown option '%s'; --help lists them", copy);
}

static int store(const struct option_spec *o, const char *value)
{
	if (o->flag != NULL)
		*o->flag = true;
	else if (o->text != NULL)
		*o->text = value;
	else if (*o->list_count == o->list_max)
		return usage_error("%s is given more than %zu times", o->name, o->list_max);
	else
		o->list[(*o->list_count)++] = value;
	return 0;
}

// Of two values one would be ignored: `given` has a bit for each option that has its value.
static int take_once(const struct command_help *help, const struct option_spec *o, uint64_t *given)
{
	uint64_t bit = UINT64_C(1) << (o - help->options);
	if (o->text != NULL && (*given & bit) != 0)
		return usage_error("%s is given twice", o->name);
	*given |= bit;
	return 0;
}

// Handles the option in argv[*i], and its value where that is the next word.
static int take(const struct command_help *help, int argc, char **argv, int *i, uint64_t *given)
{
	const char *word = argv[*i];
	size_t n = strcspn(word, "=");
	const struct option_spec *o = find(help, word, n);
	if (o == NULL)
		return unknown(help, word, n);
	const char *value = word[n] == '=' ? word + n + 1 : NULL;
	if (o->argument == NULL && value != NULL)
		return usage_error("%s takes no value", o->name);
	if (o->argument != NULL && value == NULL) {
		if (*i + 1 == argc)
			return usage_error("%s needs a value: %s", o->name, o->argument);
		value = argv[++*i];
	}
	int status = take_once(help, o, given);
	return status == 0 ? store(o, value) : status;
}

static int parse(const struct command_help *help, int argc, char **argv, bool leading, int *status)
{
	int operands = 0;
	bool ended = false;
	uint64_t given = 0;
	for (int i = 1; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0)
			ended = true;
		else if (!ended && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			print_help(help);
			*status = output_end(0);
			return -1;
		} else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0') {
			*status = take(help, argc, argv, &i, &given);
			if (*status != 0)
				return -1;
		} else {
			argv[operands++] = argv[i];
			ended = ended || leading;
		}
	}
	return operands;
}

int options_parse(const struct command_help *help, int argc, char **argv, int *status)
{
	return parse(help, argc, argv, false, status);
}

int options_parse_leading(const struct command_help *help, int argc, char **argv, int *status)
{
	return parse(help, argc, argv, true, status);
}
