// What an ended lab must not leave behind.
#pragma once

#include <stdbool.h>

// Whether /proc/<pid>/<name> contains text.
bool proc_contains(const char *pid, const char *name, const char *text);
// Processes with the folder in their command line, as every server of a lab has it.
unsigned count_processes(const char *dir);
// Waits for at most five seconds until nothing of the lab is there: no process, no folder, no
// mount; else the test fails.
void assert_nothing_left(const char *dir);
