// The keeper: the process between the caller and the lab that ends the lab in whatever way the
// caller ends, and removes the lab's folder.
//
// The caller holds one end of a pipe (life_fd). When that end closes - lab_stop, exit or SIGKILL of
// the caller - the keeper kills the lab's init; the kernel then ends every process in its PID
// namespace. SIGTERM to the keeper does the same. The keeper holds a lock on <dir>/lock as long as
// the lab runs; <dir>/keeper.pid and <dir>/init.pid hold process numbers.
#pragma once

#include "lab.h"

struct keeper {
	pid_t pid;
	int life_fd;   // closing it ends the lab
	int report_fd; // lines from boot_run, until the start has succeeded or failed
};

// Makes the folder (plan->dir must not exist, or be empty) and starts keeper and init.
enum result keeper_start(const struct lab_info *plan, const struct lab_options *options,
        struct keeper *keeper, struct error *err);

// Whether somebody holds the lock of the folder.
bool keeper_locked(const char *dir);
// The number in <dir>/<name>; 0 where there is none.
pid_t keeper_pid(const char *dir, const char *name);
// Whether the process with this number is a keeper that the caller may look at; then its lab's
// folder, dir[PATH_MAX].
bool keeper_folder_of(const char *pid, char *dir);
// Removes a folder with everything in it, without following links or leaving its file system.
void keeper_remove_folder(const char *dir);
