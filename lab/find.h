// Where labs are: the folders that nobody chose, and the labs that run, wherever they are.
#pragma once

#include "base/error.h"

#include <stddef.h>

// How the name of a folder begins that was made because none was given.
#define FIND_PREFIX "baton-lab-"

// The folder for these: $TMPDIR or /tmp.
const char *find_temporary(void);

// Removes the folders there that are left of labs whose keeper was killed.
void find_remove_stale(void);

// The real path of a running lab's folder, chosen[PATH_MAX]: of dir, or with dir NULL of the only
// lab that runs. RESULT_NOT_FOUND where it does not run, or none does; RESULT_INPUT where dir is
// NULL and several run; the text names them.
enum result find_running(const char *dir, char *chosen, struct error *err);

// RESULT_INPUT, or RESULT_NOT_FOUND where none runs: the text names the labs that run, and asks to
// choose one.
enum result find_ask(struct error *err);
