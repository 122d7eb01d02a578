// `baton lab WORD …`: one function for each word, with argv[0] the word. Each returns the exit
// status: 0, 1 where it did not work out, 2 for unusable input. And what several of them share.
#pragma once

#include "lab/lab.h"

int lab_word_up(int argc, char **argv);
int lab_word_down(int argc, char **argv);
int lab_word_status(int argc, char **argv);
int lab_word_exec(int argc, char **argv);
int lab_word_shell(int argc, char **argv);
int lab_word_restart(int argc, char **argv);
int lab_word_probe(int argc, char **argv);
int lab_word_run(int argc, char **argv);
int lab_word_demo(int argc, char **argv);

// The value of an option, or NULL where it was not given: then *value stays. 0, or EXIT_USAGE after
// a line on standard error.
int lab_word_number(const char *option, const char *text, unsigned long min, unsigned long max,
        unsigned *value);
int lab_word_ttls(const char *text, struct lab_options *options);

// Prints "baton: lab WORD: text" and returns the exit status for it.
int lab_word_fail(const char *word, const struct error *err);

// Set once SIGINT, SIGTERM or SIGHUP has come.
void lab_word_catch_signals(void);
bool lab_word_stopped(void);

// Prints what happens during the start of a lab, on standard error.
void lab_word_progress(void *ctx, const char *line);
