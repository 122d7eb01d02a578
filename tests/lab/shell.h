// The lab of a test program, and commands inside it, for the tests that look at what baton says of
// real servers.
#pragma once

#include "lab.h"

extern struct lab *lab;
extern const char *program; // the `baton` to run

// A shell inside the lab; "$B" is the program, "$D" the lab's folder. Returns the exit status, or
// 1000 and the signal that ended it.
int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A file in the lab's folder, and what it has; overwritten by the next call.
const char *path_of(const char *name);
char *text_of(const char *name);
