// The lab's server processes, as its init (PID 1 of the lab) sees them.
//
//     struct processes servers = {0};
//     process_start(&servers, "a1", argv, "/.../log/a1.log", "/.../pid/a1", &err);
//     process_reap(&servers);                     // after SIGCHLD, or now and then
//     if (process_check(&servers, &err) != RESULT_OK) ...   // one of them has ended
//
// Each runs in a session of its own, reads /dev/null and writes to its log; pid_file gets its
// number. Texts and argv are kept by reference: they must live as long as the process may be
// started again.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCESS_MAX 24

struct process {
	const char *id, *log, *pid_file;
	char *const *argv;
	pid_t pid; // 0 once it has ended
	int status;
};

struct processes {
	struct process list[PROCESS_MAX];
	size_t count;
};

// Where the programs are looked for, /usr/sbin and its like included.
#define PROCESS_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// RESULT_NOT_FOUND with the name of the Debian package where a program that the lab needs is
// missing.
enum result process_find_programs(struct error *err);

enum result process_start(struct processes *processes, const char *id, char *const argv[],
        const char *log, const char *pid_file, struct error *err);
// Starts every process again that has ended.
enum result process_restart_ended(struct processes *processes, struct error *err);

// Runs a short program to its end; RESULT_SYSTEM unless it exits with 0.
enum result process_run(char *const argv[], const char *log, struct error *err);

// Collects ended children, known or not; returns true where a known one was among them.
bool process_reap(struct processes *processes);
// RESULT_SYSTEM with the last line of its log where a process has ended.
enum result process_check(const struct processes *processes, struct error *err);
void process_signal_all(const struct processes *processes, int signal);
bool process_any(const struct processes *processes);
