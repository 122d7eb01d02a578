#include "rehearse.h"

#include "base/clock.h"
#include "base/data.h"
#include "base/file.h"
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Both servers of the losing operator end, as when an operator switches its machines off.
static const char stop_losing[] = "knotc -c '%s/a1.conf' stop\n"
                                  "nsd-control -c '%s/a2.conf' stop\n"
                                  "exit 0\n"; // a second time they are stopped already

struct stage {
	const struct lab *lab;
	const struct rehearsal *r;
	struct arena *arena;
	char *definition, *log, *baton;
	int64_t until_ms;
};

// When it is to be killed. Instants are in order; those before `next` are over.
struct kills {
	struct random_seeded seeded;
	struct random random;
	int64_t at_ms[REHEARSAL_KILLS_MAX];
	unsigned next, count, acting;
	int64_t aimed_ms; // right after an act has begun; TIME_NEVER_MS: none is aimed
	off_t seen;       // octets of the log that were looked at
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static enum result stage_write(struct stage *s, struct error *err)
{
	const char *dir = lab_info(s->lab)->dir, *path;
	char *name = arena_printf(s->arena, "lab/changes/%s.yaml", s->r->change), *text, *filled;
	size_t length;
	enum result result = data_path(s->arena, name, &path, err);
	if (result == RESULT_OK)
		result = file_read(s->arena, path, 1u << 20, &text, &length, err);
	if (result == RESULT_OK)
		result = lab_expand(s->lab, s->arena, text, &filled, err);
	if (result == RESULT_OK)
		result = file_replace(s->definition, filled, strlen(filled), err);
	char *script = arena_printf(s->arena, stop_losing, dir, dir);
	char *script_path = arena_printf(s->arena, "%s/stop-losing", dir);
	if (result == RESULT_OK)
		result = file_replace(script_path, script, strlen(script), err);
	return result;
}

static enum result stage_new(
        struct stage *s, const struct lab *lab, const struct rehearsal *r, struct error *err)
{
	static char self[4096];
	const char *dir = lab_info(lab)->dir, *baton = getenv("BATON");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (baton == NULL && n < 0)
		return error_set_errno(err, "cannot find out which program this is");
	if (n >= 0)
		self[n] = '\0';
	*s = (struct stage){.lab = lab, .r = r, .arena = arena_new(8u << 20)};
	if (s->arena == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	const char *program = baton != NULL ? baton : self;
	s->baton = realpath(program, NULL);
	if (s->baton == NULL)
		return error_set_errno(err, "cannot run %s", program);
	s->definition = arena_printf(s->arena, "%s/change.yaml", dir);
	s->log = arena_printf(s->arena, "%s/change.log", dir);
	s->until_ms = now_ms() + r->within_ms;
	return stage_write(s, err);
}

// --- the program --------------------------------------------------------------------------------

static _Noreturn void program_child(const struct stage *s, char *const argv[])
{
	struct error err = {0};
	if (s->r->output == REHEARSAL_LOGGED) {
		int out = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
			_exit(126);
	}
	if (lab_enter(s->lab, LAB_ENTER_NET, &err) != RESULT_OK ||
	        chdir(lab_info(s->lab)->dir) != 0) {
		dprintf(STDERR_FILENO, "%s\n", err.text);
		_exit(126);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("BATON_LAB", lab_info(s->lab)->dir, 1);
	execv(s->baton, argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", s->baton, strerror(errno));
	_exit(127);
}

static enum result program_start(
        const struct stage *s, const char *word, const char *operand, pid_t *pid, struct error *err)
{
	bool json = s->r->json || s->r->output == REHEARSAL_LOGGED;
	char option[] = "--json";
	char *argv[] = {s->baton, arena_strdup(s->arena, word), arena_strdup(s->arena, operand),
	        json ? option : NULL, NULL};
	fflush(NULL);
	*pid = fork();
	if (*pid == 0)
		program_child(s, argv);
	return *pid > 0 ? RESULT_OK : error_set_errno(err, "cannot run %s", s->baton);
}

static bool program_ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

static void program_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

// --- killing it ---------------------------------------------------------------------------------

static int compare_instants(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void kills_plan(struct kills *k, const struct rehearsal *r, int64_t from_ms)
{
	k->random = random_from_seed(&k->seeded, r->seed);
	k->count = r->kills;
	k->aimed_ms = TIME_NEVER_MS;
	for (unsigned i = 0; i < k->count; i++)
		k->at_ms[i] =
		        from_ms + (int64_t)random_below(&k->random, (uint64_t)r->kill_span_ms + 1);
	qsort(k->at_ms, k->count, sizeof(k->at_ms[0]), compare_instants);
}

// Whether the log says, further on than before, that an act begins.
static bool kills_see_act(struct kills *k, const char *log)
{
	char text[16384];
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text), k->seen) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	k->seen += n;
	return memmem(text, (size_t)n, "\"acts\"", 6) != NULL;
}

// Every other act is one to be killed in, instead of at the latest instant planned.
static void kills_aim(struct kills *k, const struct rehearsal *r, const char *log)
{
	if (!kills_see_act(k, log) || k->next >= k->count || k->acting >= r->kills / 2 ||
	        random_below(&k->random, 2) == 0)
		return;
	k->aimed_ms = now_ms() + (int64_t)random_below(&k->random, 400);
	k->acting++;
	k->count--;
}

static bool kills_due(struct kills *k)
{
	int64_t now = now_ms();
	if (now >= k->aimed_ms) {
		k->aimed_ms = TIME_NEVER_MS;
		return true;
	}
	return k->next < k->count && now >= k->at_ms[k->next] && k->next++ < k->count;
}

// --- the change ---------------------------------------------------------------------------------

enum { LOOK_MS = 10 };

// Runs it once: until it ends, is killed, or has no time left.
static enum result run_once(struct stage *s, struct kills *k, struct rehearsal_outcome *o,
        bool *ended, int *status, struct error *err)
{
	pid_t pid;
	enum result result = program_start(s, "run", "change.yaml", &pid, err);
	if (result != RESULT_OK)
		return result;
	while (!(*ended = program_ended(pid, status))) {
		poll(NULL, 0, LOOK_MS);
		kills_aim(k, s->r, s->log);
		bool due = kills_due(k), late = now_ms() >= s->until_ms;
		if (!due && !late)
			continue;
		program_kill(pid);
		o->killed += due && !late;
		return late ? error_set(err, RESULT_TIMEOUT,
		                      "the change did not come to its end in time")
		            : RESULT_OK;
	}
	return RESULT_OK;
}

static enum result verify(struct stage *s, struct rehearsal_outcome *o, struct error *err)
{
	pid_t pid;
	int status = 0;
	int64_t until_ms = now_ms() + MINUTE_MS;
	enum result result = program_start(s, "verify", "change.journal", &pid, err);
	if (result != RESULT_OK)
		return result;
	while (!program_ended(pid, &status)) {
		if (now_ms() >= until_ms) {
			program_kill(pid);
			return error_set(err, RESULT_TIMEOUT, "`baton verify` does not end");
		}
		poll(NULL, 0, LOOK_MS);
	}
	o->verified = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return o->verified ? RESULT_OK
	                   : error_set(err, RESULT_REFUSED,
	                             "the journal of the change does not verify");
}

static enum result run_all(struct stage *s, struct rehearsal_outcome *o, struct error *err)
{
	static struct kills k;
	int status = 0;
	bool ended = false;
	enum result result = RESULT_OK;
	memset(&k, 0, sizeof(k));
	kills_plan(&k, s->r, now_ms());
	while (result == RESULT_OK && !ended)
		result = run_once(s, &k, o, &ended, &status, err);
	o->killed_acting = k.acting;
	if (result == RESULT_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return error_set(err, RESULT_REFUSED, "`baton run` ended with %s %d",
		        WIFEXITED(status) ? "status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return result == RESULT_OK ? verify(s, o, err) : result;
}

enum result rehearse(const struct lab *lab, const struct rehearsal *rehearsal,
        struct rehearsal_outcome *outcome, struct error *err)
{
	struct stage s = {0};
	struct rehearsal_outcome o = {0};
	assert(rehearsal->kills <= REHEARSAL_KILLS_MAX && rehearsal->kill_span_ms >= 0);
	int64_t began_ms = now_ms();
	enum result result = stage_new(&s, lab, rehearsal, err);
	if (result == RESULT_OK)
		result = run_all(&s, &o, err);
	o.took_ms = now_ms() - began_ms;
	*outcome = o;
	free(s.baton);
	arena_free(s.arena);
	return result;
}
