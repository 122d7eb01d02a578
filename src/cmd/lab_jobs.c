#include "cmd/lab_jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/options.h"

enum { SUMMARY_MAX = 1 << 20 };

struct job {
	pid_t pid;
	FILE *output, *summary; // files without a name
	bool is_running;
};

static void job_close(struct job *job)
{
	if (job->output != NULL)
		fclose(job->output);
	if (job->summary != NULL)
		fclose(job->summary);
	job->output = job->summary = NULL;
}

static _Noreturn void job_live(const struct lab_jobs *jobs, size_t i, struct job *job, pid_t parent)
{
	struct buffer summary = buffer_init(SUMMARY_MAX);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(fileno(job->output), STDOUT_FILENO) < 0)
		_exit(1);
	int status = jobs->run(jobs->ctx, i, &summary);
	fputs(buffer_text(&summary), job->summary);
	bool is_whole = fflush(stdout) == 0 && fflush(job->summary) == 0;
	_exit(is_whole || status != 0 ? status : 1);
}

// false: there is no process or file to be had.
static bool job_begin(const struct lab_jobs *jobs, size_t i, struct job *job)
{
	pid_t parent = getpid();
	job->output = tmpfile();
	job->summary = tmpfile();
	fflush(stdout);
	job->pid = job->output != NULL && job->summary != NULL ? fork() : -1;
	if (job->pid == 0)
		job_live(jobs, i, job, parent);
	job->is_running = job->pid > 0;
	if (!job->is_running) {
		fprintf(stderr, "baton: lab run: cannot begin a job: %s\n", strerror(errno));
		job_close(job);
	}
	return job->is_running;
}

static void copy_out(FILE *from, FILE *to, struct buffer *buffer)
{
	char text[4096];
	rewind(from);
	for (size_t n; (n = fread(text, 1, sizeof text - 1, from)) > 0;) {
		text[n] = '\0';
		if (to != NULL)
			fwrite(text, 1, n, to);
		else
			buffer_puts(buffer, text);
	}
}

static int status_of(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "baton: lab run: a scenario was ended by signal %d\n", WTERMSIG(status));
	return 1;
}

// Waits for one of the jobs; its exit status.
static int job_end(struct job *job, size_t count)
{
	int status = 0;
	pid_t pid;
	do
		pid = waitpid(-1, &status, 0);
	while (pid < 0 && errno == EINTR);
	for (size_t i = 0; i < count; i++) {
		if (!job[i].is_running || job[i].pid != pid)
			continue;
		job[i].is_running = false;
		copy_out(job[i].output, stdout, NULL);
		fflush(stdout);
		return status_of(status);
	}
	return pid < 0 ? 1 : 0; // or a child of somebody else's
}

static unsigned count_running(const struct job *job, size_t count)
{
	unsigned running = 0;
	for (size_t i = 0; i < count; i++)
		running += job[i].is_running;
	return running;
}

static int run_side_by_side(const struct lab_jobs *jobs, struct job *job, struct buffer *summary)
{
	size_t begun = 0;
	int worst = 0;
	while (begun < jobs->count || count_running(job, begun) > 0) {
		bool may_begin = begun < jobs->count && worst < EXIT_USAGE;
		int status = 0;
		if (may_begin && count_running(job, begun) < jobs->at_once)
			status = job_begin(jobs, begun, &job[begun]) ? 0 : 1, begun++;
		else if (count_running(job, begun) > 0)
			status = job_end(job, begun);
		else
			break;
		worst = status > worst ? status : worst;
	}
	for (size_t i = 0; i < begun; i++) {
		if (job[i].summary != NULL)
			copy_out(job[i].summary, NULL, summary);
		job_close(&job[i]);
	}
	return worst;
}

int lab_jobs_run(const struct lab_jobs *jobs, struct buffer *summary)
{
	int worst = 0;
	if (jobs->at_once > 1) {
		struct job *job = calloc(jobs->count, sizeof *job);
		worst = job != NULL ? run_side_by_side(jobs, job, summary) : 1;
		free(job);
		return worst;
	}
	for (size_t i = 0; i < jobs->count && worst < EXIT_USAGE; i++) {
		int status = jobs->run(jobs->ctx, i, summary);
		worst = status > worst ? status : worst;
	}
	return worst;
}
