// Acting by a command: whatever reaches a registry or an operator can be put behind one.
//
// The command gets the request as JSON on its standard input (as act_describe gives it), the
// declared environment and nothing else but BATON_ZONE, BATON_CHANGE and BATON_STEP; no shell is
// involved. It has until its timeout; then its whole process group is killed, and the outcome is
// unknown. Exit status 0 is "done", 75 (EX_TEMPFAIL) "unknown", everything else "refused" with the
// first line of its standard error as the reason; ended by a signal is "unknown".
#pragma once

#include "act/act.h"
#include "net/loop.h"

enum { ACT_EXEC_OUTPUT_MAX = 65536 };

struct act_exec {
	struct loop *loop;
	const char *const *argv;        // NULL-terminated; argv[0] an absolute path
	const char *const *environment; // "NAME=value", NULL-terminated; NULL: none
	const char *directory;          // NULL: "/"
	int64_t timeout_ms;             // above zero
};

// RESULT_INPUT for an environment that names a BATON_ variable, a relative path, no timeout.
enum result act_exec_new(const struct act_exec *options, struct act **act, struct error *err);
