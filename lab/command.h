// `baton lab WORD ...`: one function for each word. argv[0] is the word. Each returns the exit
// status: 0, 1 where it did not work out, 2 for unusable input.
#pragma once

#include "lab.h"

struct command_options {
	const char *dir, *log, *only, *change;
	bool keep, json, help, all;
	unsigned rate;
	int64_t time_ms; // 0: until told to stop
	struct lab_options lab;
	int operands; // index of the first one in argv
};

// Reads the options that `accepted` names, by their long names in one text, "dir keep ttl". Returns
// false, with the exit status in *status, where the command is to end: after --help, which prints
// usage, or after an error, which is printed.
bool command_options(int argc, char **argv, const char *accepted, const char *usage,
        struct command_options *options, int *status);

// Prints "baton lab WORD: text" and returns the exit status for it.
int command_fail(const char *word, const struct error *err);

// Set once SIGINT, SIGTERM or SIGHUP has come.
void command_catch_signals(void);
bool command_stopped(void);

// Prints what happens during the start of a lab.
void command_progress(void *ctx, const char *line);

int command_up(int argc, char **argv);
int command_down(int argc, char **argv);
int command_status(int argc, char **argv);
int command_exec(int argc, char **argv);
int command_shell(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_restart(int argc, char **argv);
int command_run(int argc, char **argv);
int command_demo(int argc, char **argv);
