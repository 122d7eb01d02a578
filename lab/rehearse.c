#include "rehearse.h"

#include "base/clock.h"
#include "base/data.h"
#include "base/file.h"
#include "base/random.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

// What an earlier rehearsal in this lab left, change.yaml, change.journal and so on, gets another
// name.
static enum result stage_clear(const struct stage *s, struct error *err)
{
	const char *dir = lab_info(s->lab)->dir;
	DIR *folder = opendir(dir);
	enum result result = RESULT_OK;
	if (folder == NULL)
		return error_set_errno(err, "cannot read the folder %s", dir);
	for (struct dirent *e; result == RESULT_OK && (e = readdir(folder)) != NULL;) {
		if (strncmp(e->d_name, "change.", strlen("change.")) != 0)
			continue;
		const char *from = arena_printf(s->arena, "%s/%s", dir, e->d_name),
		           *to = arena_printf(s->arena, "%s/earlier-%s", dir, e->d_name);
		if (rename(from, to) != 0)
			result = error_set_errno(err, "cannot rename %s", from);
	}
	closedir(folder);
	return result;
}

static enum result stage_write(struct stage *s, struct error *err)
{
	const char *path;
	char *name = arena_printf(s->arena, "lab/changes/%s.yaml", s->r->change), *text, *filled;
	size_t length;
	enum result result = stage_clear(s, err);
	if (result == RESULT_OK)
		result = data_path(s->arena, name, &path, err);
	if (result == RESULT_OK)
		result = file_read(s->arena, path, 1u << 20, &text, &length, err);
	if (result == RESULT_OK)
		result = lab_expand(s->lab, s->arena, text, &filled, err);
	return result == RESULT_OK ? file_replace(s->definition, filled, strlen(filled), err)
	                           : result;
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

static enum result program_fork(
        const struct stage *s, char *const argv[], pid_t *pid, struct error *err)
{
	fflush(NULL);
	*pid = fork();
	if (*pid == 0)
		program_child(s, argv);
	return *pid > 0 ? RESULT_OK : error_set_errno(err, "cannot run %s", s->baton);
}

static enum result program_start(
        const struct stage *s, const char *word, const char *operand, pid_t *pid, struct error *err)
{
	bool json = s->r->json || s->r->output == REHEARSAL_LOGGED;
	char option[] = "--json";
	char *argv[] = {s->baton, arena_strdup(s->arena, word), arena_strdup(s->arena, operand),
	        json ? option : NULL, NULL};
	return program_fork(s, argv, pid, err);
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

// --- what it says ------------------------------------------------------------------------------

// What the log says further on than before.
struct listener {
	off_t seen;
	char rest[8192]; // a line that has begun
	size_t length;
	bool heard;          // what was listened for
	bool acted;          // any act
	bool undone;         // the end was that
	char first_step[64]; // the first one that was done
};

static const char *line_text(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	return text != NULL ? text : "";
}

static bool line_is(const json_t *line, const char *what, const char *step)
{
	const char *w = json_string_value(json_object_get(line, "what"));
	const char *s = json_string_value(json_object_get(line, "step"));
	return w != NULL && strcmp(w, what) == 0 &&
	       (step == NULL || (s != NULL && strcmp(s, step) == 0));
}

static void listener_line(struct listener *l, const struct rehearsal *r, const char *text)
{
	json_t *line = json_loads(text, 0, NULL);
	const char *step = json_string_value(json_object_get(line, "step"));
	if (line_is(line, "seen", NULL) && step != NULL && l->first_step[0] == '\0')
		snprintf(l->first_step, sizeof(l->first_step), "%s", step);
	l->acted |= line_is(line, "acts", NULL);
	l->heard |= r->undo_after != NULL &&
	            (line_is(line, "reply", r->undo_after) || line_is(line, "seen", r->undo_after));
	l->undone |= line_is(line, "end", NULL) && strcmp(line_text(line, "text"), "undone") == 0;
	l->heard |= r->refused != NULL && line_is(line, "stuck", r->refused);
	l->heard |= r->missing != NULL && line_is(line, "missing", NULL) &&
	            strstr(line_text(line, "text"), r->missing) != NULL;
	l->heard |= r->stops_at != NULL && line_is(line, "stuck", r->stops_at) &&
	            (r->saying == NULL || strstr(line_text(line, "text"), r->saying) != NULL);
	json_decref(line);
}

static void listener_look(struct listener *l, const struct stage *s)
{
	int fd = open(s->log, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;
	while (fd >= 0 && n > 0) {
		char *newline;
		n = pread(fd, l->rest + l->length, sizeof(l->rest) - 1 - l->length, l->seen);
		l->seen += n > 0 ? n : 0;
		l->length += n > 0 ? (size_t)n : 0;
		l->rest[l->length] = '\0';
		while ((newline = strchr(l->rest, '\n')) != NULL) {
			*newline = '\0';
			listener_line(l, s->r, l->rest);
			l->length -= (size_t)(newline + 1 - l->rest);
			memmove(l->rest, newline + 1, l->length + 1);
		}
		if (l->length == sizeof(l->rest) - 1)
			l->length = 0; // longer than any line that is looked for
	}
	if (fd >= 0)
		close(fd);
}

// --- the change ---------------------------------------------------------------------------------

enum { LOOK_MS = 10 };

// Says that everything is to be undone.
static enum result undo(struct stage *s, const struct listener *l, struct error *err)
{
	pid_t pid;
	int status;
	// The first step may be done and not yet seen.
	const char *first = l->first_step[0] != '\0' ? l->first_step : s->r->undo_after;
	char *argv[] = {s->baton, (char[]){"undo"}, (char[]){"change.yaml"},
	        arena_strdup(s->arena, first), NULL};
	enum result result = program_fork(s, argv, &pid, err);
	while (result == RESULT_OK && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result == RESULT_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return error_set(err, RESULT_REFUSED, "`baton undo` does not take it");
	return result;
}

// Does what was to be done once the step is heard of.
static enum result listen_to(struct stage *s, struct listener *l, struct error *err)
{
	bool before = l->heard;
	listener_look(l, s);
	if (before || !l->heard)
		return RESULT_OK;
	if (s->r->undo_after != NULL)
		return undo(s, l, err);
	return l->acted && s->r->stops_at == NULL
	               ? error_set(err, RESULT_REFUSED, "the change acted before it was refused")
	               : RESULT_OK;
}

static enum result check_end(struct stage *s, struct listener *l, struct error *err)
{
	listener_look(l, s);
	if (s->r->undo_after != NULL && !l->undone)
		return error_set(err, RESULT_REFUSED, "the change was to be undone, and is not");
	if (s->r->stops_at != NULL)
		return error_set(err, RESULT_REFUSED,
		        "the change ended by itself, and was to stop at %s", s->r->stops_at);
	return s->r->refused == NULL && s->r->missing == NULL
	               ? RESULT_OK
	               : error_set(err, RESULT_REFUSED,
	                         "the change ended by itself, and was to be refused");
}

// Runs it once: until it ends, is killed, or has no time left.
static enum result run_once(struct stage *s, struct kills *k, struct rehearsal_outcome *o,
        bool *ended, int *status, struct error *err)
{
	pid_t pid;
	struct listener *l = arena_alloc(s->arena, sizeof(*l));
	enum result result = l != NULL ? program_start(s, "run", "change.yaml", &pid, err)
	                               : error_set(err, RESULT_MEMORY, "out of memory");
	if (result != RESULT_OK)
		return result;
	while (!(*ended = program_ended(pid, status))) {
		poll(NULL, 0, LOOK_MS);
		bool stops =
		        s->r->refused != NULL || s->r->missing != NULL || s->r->stops_at != NULL;
		if (stops || s->r->undo_after != NULL)
			result = listen_to(s, l, err);
		bool given_up = result != RESULT_OK || (stops && l->heard);
		kills_aim(k, s->r, s->log);
		bool due = kills_due(k), late = now_ms() >= s->until_ms;
		if (!due && !late && !given_up)
			continue;
		program_kill(pid);
		*ended = given_up;
		*status = 0;
		o->killed += due && !late && !given_up;
		return late && !given_up ? error_set(err, RESULT_TIMEOUT,
		                                   "the change did not come to its end in time")
		                         : result;
	}
	return check_end(s, l, err);
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

// --- afterwards ---------------------------------------------------------------------------------

// When a step went on that had to wait, or was given another reason to wait; 0: never.
static int64_t waited_until_ms(const json_t *lines, size_t from, const char *step)
{
	for (size_t i = from; i < json_array_size(lines); i++) {
		const json_t *line = json_array_get(lines, i);
		const char *what = line_text(line, "what");
		if (strcmp(line_text(line, "step"), step) == 0 &&
		        (strcmp(what, "safe") == 0 || strcmp(what, "seen") == 0 ||
		                strcmp(what, "waits") == 0))
			return json_integer_value(json_object_get(line, "at_ms"));
	}
	return 0;
}

static json_t *read_lines(const char *path)
{
	char text[8192];
	json_t *lines = json_array(), *line;
	FILE *log = fopen(path, "re");
	while (log != NULL && fgets(text, sizeof(text), log) != NULL)
		if ((line = json_loads(text, 0, NULL)) != NULL)
			json_array_append_new(lines, line);
	if (log != NULL)
		fclose(log);
	return lines;
}

void rehearsal_waits(const struct lab *lab, struct buffer *out)
{
	char path[4096];
	size_t i;
	json_t *line;
	snprintf(path, sizeof(path), "%s/change.log", lab_info(lab)->dir);
	json_t *lines = read_lines(path);
	json_array_foreach(lines, i, line)
	{
		const char *step = line_text(line, "step");
		int64_t at_ms = json_integer_value(json_object_get(line, "at_ms"));
		int64_t until_ms = waited_until_ms(lines, i + 1, step);
		if (strcmp(line_text(line, "what"), "waits") == 0 && until_ms > 0)
			buffer_printf(out, "  waited %4.1f s  %s: %s\n",
			        (double)(until_ms - at_ms) / 1000, step, line_text(line, "text"));
		if (strcmp(line_text(line, "what"), "stuck") == 0 && until_ms > 0)
			buffer_printf(out, "  stood  %4.1f s  %s: %s\n",
			        (double)(until_ms - at_ms) / 1000, step, line_text(line, "text"));
		else if (strcmp(line_text(line, "what"), "stuck") == 0)
			buffer_printf(
			        out, "  stopped        %s: %s\n", step, line_text(line, "text"));
	}
	json_decref(lines);
}
