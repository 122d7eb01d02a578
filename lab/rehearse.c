#include "rehearse.h"

#include "base/clock.h"
#include "base/data.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	char *definition, *journal, *log, *baton;
	int64_t until_ms;
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
	s->baton = arena_strdup(s->arena, baton != NULL ? baton : self);
	s->definition = arena_printf(s->arena, "%s/change.yaml", dir);
	s->journal = arena_printf(s->arena, "%s/change.journal", dir);
	s->log = arena_printf(s->arena, "%s/change.log", dir);
	s->until_ms = now_ms() + r->within_ms;
	return stage_write(s, err);
}

static enum result run_once(struct stage *s, int64_t time_ms, int *status, struct error *err)
{
	char *loud[] = {s->baton, (char[]){"run"}, s->definition, NULL};
	char *command = arena_printf(
	        s->arena, "exec '%s' run '%s' >>'%s' 2>&1", s->baton, s->definition, s->log);
	char *quiet[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, command, NULL};
	return lab_run_in(s->lab, s->r->quiet ? quiet : loud, time_ms, status, err);
}

// Ended by force at a random instant, again and again; true where it came to its end before that.
static enum result run_and_kill(
        struct stage *s, struct rehearsal_outcome *o, int *status, bool *over, struct error *err)
{
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, s->r->seed);
	for (*over = false; !*over && o->killed < s->r->kills;) {
		int64_t time_ms = 200 + (int64_t)random_below(&random, 5000);
		enum result result = run_once(s, time_ms, status, err);
		*over = result == RESULT_OK;
		if (result == RESULT_TIMEOUT)
			o->killed++;
		else if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static enum result verify(struct stage *s, struct rehearsal_outcome *o, struct error *err)
{
	char *argv[] = {s->baton, (char[]){"verify"}, s->journal, NULL};
	char *command = arena_printf(
	        s->arena, "exec '%s' verify '%s' >>'%s' 2>&1", s->baton, s->journal, s->log);
	char *quiet[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, command, NULL};
	int status = 0;
	enum result result =
	        lab_run_in(s->lab, s->r->quiet ? quiet : argv, MINUTE_MS, &status, err);
	o->verified = result == RESULT_OK && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (result == RESULT_OK && !o->verified)
		result =
		        error_set(err, RESULT_REFUSED, "the journal of the change does not verify");
	return result;
}

static enum result run_all(struct stage *s, struct rehearsal_outcome *o, struct error *err)
{
	int status = 0;
	bool over = false;
	enum result result = run_and_kill(s, o, &status, &over, err);
	int64_t left_ms = s->until_ms - now_ms();
	if (result == RESULT_OK && !over)
		result = run_once(s, left_ms > 1 ? left_ms : 1, &status, err);
	if (result == RESULT_TIMEOUT)
		return error_set(err, RESULT_TIMEOUT, "the change did not come to its end in time");
	if (result == RESULT_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return error_set(err, RESULT_REFUSED, "`baton run` ended with %s %d",
		        WIFEXITED(status) ? "status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return result == RESULT_OK ? verify(s, o, err) : result;
}

enum result rehearse(const struct lab *lab, const struct rehearsal *rehearsal,
        struct rehearsal_outcome *outcome, struct error *err)
{
	struct stage s;
	struct rehearsal_outcome o = {0};
	int64_t began_ms = now_ms();
	enum result result = stage_new(&s, lab, rehearsal, err);
	if (result == RESULT_OK)
		result = run_all(&s, &o, err);
	o.took_ms = now_ms() - began_ms;
	*outcome = o;
	arena_free(s.arena);
	return result;
}
