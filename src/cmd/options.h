// Options of a command, from one table that parses, explains and refuses.
//
//     bool json = false;
//     const char *head = NULL;
//     const struct option_spec specs[] = {
//             {"--json", NULL, "print JSON lines", .flag = &json},
//             {"--head", "HASH", "the last record's hash, as noted elsewhere", .text = &head},
//             {0},
//     };
//     const struct command_help help = {"baton verify [OPTION…] JOURNAL", "Re-checks …", specs, NULL};
//     int status, n = options_parse(&help, argc, argv, &status);
//     if (n < 0)
//             return status;
//     …                            // the operands are argv[0] to argv[n - 1] now
//
// Options may stand anywhere; "--" ends them; "--name=value" and "--name value" are the same. What
// is wrong is said in one line on standard error, and the status is 2.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { EXIT_SAFE = 0, EXIT_NO = 1, EXIT_USAGE = 2 };

struct option_spec {
	const char *name;     // "--json"
	const char *argument; // "FILE", NULL for a flag
	const char *help;
	bool *flag;
	const char **text;
	const char **list; // takes the option several times
	size_t list_max, *list_count;
};

struct command_help {
	const char *usage, *about;
	const struct option_spec *options; // ends with a name of NULL
	const char *more; // after the options: examples, exit statuses; may be NULL
};

// The number of operands, moved to the front of argv; or -1 where the command is to end with
// *status (0 after --help).
int options_parse(const struct command_help *help, int argc, char **argv, int *status);
// The same where the operands are a command with options of its own: the first operand ends ours.
int options_parse_leading(const struct command_help *help, int argc, char **argv, int *status);

// What messages begin with where it is not "baton"; the text is not copied.
void options_program(const char *name);
// One line on standard error, "baton: …", and EXIT_USAGE to return. Control characters, which may
// come from the command line, are shown as "?".
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

// For commands that print what they were asked for: the status, or EXIT_USAGE with a line on
// standard error where not all of the output could be written.
int output_end(int status);
