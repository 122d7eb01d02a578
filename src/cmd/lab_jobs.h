// Scenarios side by side, each in a process of its own.
//
//     int worst = lab_jobs_run(&(struct lab_jobs){count, 4, run_operand, &wishes}, &table);
//
// What a job prints on standard output is kept until it ends, and printed as a whole then; what it
// puts into its summary comes into `summary` in the order of the jobs. With one at once all of it
// happens in this process, and is printed as it comes.
#pragma once

#include "base/buffer.h"

struct lab_jobs {
	size_t count;
	unsigned at_once;
	// Returns the exit status of job i.
	int (*run)(void *ctx, size_t i, struct buffer *summary);
	void *ctx;
};

// Returns the worst exit status; 1 stands for a job that was killed or could not begin. A job that
// returns EXIT_USAGE keeps further ones from beginning. The jobs end with this process, however
// that ends.
int lab_jobs_run(const struct lab_jobs *jobs, struct buffer *summary);
