// Running scenarios.
#include "scenario.h"

#include "base/clock.h"
#include "foretell.h"
#include "rehearse.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static int64_t scenario_now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static enum result scenario_do_update(const struct lab *lab, struct arena *arena,
        const struct scenario_step *step, struct error *err)
{
	char *script;
	enum result result = lab_expand(lab, arena, step->script, &script, err);
	return result == RESULT_OK ? lab_update(lab, step->party, script, err) : result;
}

static enum result scenario_do_wait(const struct lab *lab, struct arena *arena,
        const struct scenario_step *step, struct error *err)
{
	struct lab_condition condition = step->condition;
	char *address, *name, *rdata = NULL;
	enum result result = lab_expand(lab, arena, condition.address, &address, err);
	if (result == RESULT_OK)
		result = lab_expand(lab, arena, condition.name, &name, err);
	if (result == RESULT_OK && condition.rdata != NULL)
		result = lab_expand(lab, arena, condition.rdata, &rdata, err);
	if (result != RESULT_OK)
		return result;
	condition.address = address;
	condition.name = name;
	condition.rdata = rdata;
	return lab_wait(lab, &condition, step->time_ms, err);
}

static enum result scenario_do_run(const struct lab *lab, struct arena *arena,
        const struct scenario_step *step, struct error *err)
{
	char *argv[SCENARIO_MAX_WORDS + 1] = {NULL};
	int status;
	enum result result = RESULT_OK;
	for (size_t i = 0; step->words[i] != NULL && result == RESULT_OK; i++)
		result = lab_expand(lab, arena, step->words[i], &argv[i], err);
	if (result == RESULT_OK)
		result = lab_run_quietly(lab, argv, step->time_ms, &status, err);
	if (result == RESULT_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		result = error_set(err, RESULT_SYSTEM, "%s ended with %s %d", argv[0],
		        WIFEXITED(status) ? "status" : "signal",
		        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	return result;
}

static enum result scenario_do_change(const struct lab *lab, const struct scenario_step *step,
        struct scenario_outcome *outcome, struct error *err)
{
	struct rehearsal_outcome rehearsed;
	struct rehearsal r = {.change = step->change,
	        .within_ms = step->time_ms,
	        .output = REHEARSAL_LOGGED,
	        .undo_after = step->undo_after,
	        .refused = step->refused,
	        .missing = step->missing,
	        .stops_at = step->stops_at,
	        .saying = step->saying};
	enum result result = rehearse(lab, &r, &rehearsed, err);
	outcome->change_ms += rehearsed.took_ms;
	struct buffer waits = buffer_init(sizeof(outcome->waits));
	rehearsal_waits(lab, &waits);
	size_t length = strlen(outcome->waits);
	snprintf(outcome->waits + length, sizeof(outcome->waits) - length, "%s",
	        buffer_text(&waits));
	buffer_free(&waits);
	int64_t insecure_ms = 0;
	if (result == RESULT_OK && step->refused == NULL)
		result = foretell_insecure(lab, &insecure_ms, err);
	outcome->planned_insecure_ms += insecure_ms;
	return result;
}

static void scenario_set_mark(struct scenario_outcome *outcome, const char *name)
{
	outcome->mark[outcome->marks].name = name;
	outcome->mark[outcome->marks++].at_ms = scenario_now_ms();
}

// Registrations begin, or end; ended twice they are ended.
static enum result scenario_do_register(const struct lab *lab, unsigned rate,
        struct registrar **registrar, struct scenario_outcome *outcome, struct error *err)
{
	enum result result = RESULT_OK;
	if (*registrar != NULL)
		result = registrar_stop(*registrar, &outcome->registered, err);
	*registrar = NULL;
	return result == RESULT_OK && rate > 0 ? registrar_start(lab, rate, registrar, err)
	                                       : result;
}

static enum result scenario_do(const struct lab *lab, struct arena *arena,
        const struct scenario_step *step, struct registrar **registrar,
        struct scenario_outcome *outcome, struct error *err)
{
	switch (step->action) {
	case SCENARIO_SLEEP:
		poll(NULL, 0, (int)step->time_ms);
		return RESULT_OK;
	case SCENARIO_MARK:
		scenario_set_mark(outcome, step->mark);
		return RESULT_OK;
	case SCENARIO_UPDATE:
		return scenario_do_update(lab, arena, step, err);
	case SCENARIO_WAIT:
		return scenario_do_wait(lab, arena, step, err);
	case SCENARIO_RESTART:
		return lab_restart(lab, step->server, err);
	case SCENARIO_RUN:
		return scenario_do_run(lab, arena, step, err);
	case SCENARIO_PLAY:
		scenario_set_mark(outcome, SCENARIO_PLAY_MARK);
		return play_run(step->play, lab, outcome->mark[outcome->marks - 1].at_ms, err);
	case SCENARIO_CHANGE:
		return scenario_do_change(lab, step, outcome, err);
	case SCENARIO_REGISTER:
		return scenario_do_register(lab, step->rate, registrar, outcome, err);
	}
	return RESULT_OK;
}

static enum result scenario_do_all(const struct scenario *scenario, const struct lab *lab,
        struct scenario_outcome *outcome, struct error *err)
{
	struct registrar *registrar = NULL;
	struct arena *arena = arena_new(4u << 20);
	enum result result =
	        arena != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "out of memory");
	for (size_t i = 0; i < scenario->steps && result == RESULT_OK; i++) {
		const struct scenario_step *step = &scenario->step[i];
		result = scenario_do(lab, arena, step, &registrar, outcome, err);
		if (result != RESULT_OK)
			error_prefix(err, "%s:%d: ", scenario->file, step->node->line);
	}
	enum result ended =
	        scenario_do_register(lab, 0, &registrar, outcome, result == RESULT_OK ? err : NULL);
	if (result == RESULT_OK)
		result = ended;
	arena_free(arena);
	return result;
}

enum result scenario_run_in(const struct scenario *scenario, const struct lab *lab,
        const char *log_path, struct scenario_outcome *outcome, struct error *err)
{
	struct prober *prober;
	struct prober_options options = scenario->prober;
	memset(outcome, 0, sizeof(*outcome));
	options.log_path = log_path;
	enum result result = prober_start(lab, &options, &prober, err);
	if (result != RESULT_OK)
		return result;
	result = scenario_do_all(scenario, lab, outcome, err);
	enum result stopped =
	        prober_stop(prober, &outcome->counts, result == RESULT_OK ? err : NULL);
	if (result == RESULT_OK)
		result = stopped;
	if (result == RESULT_OK)
		scenario_judge(scenario, lab_info(lab), outcome);
	return result;
}

enum result scenario_run(const struct scenario *scenario, const struct lab_options *lab_options,
        const char *log_path, struct scenario_outcome *outcome, struct error *err)
{
	struct lab *lab;
	struct lab_options options = *lab_options;
	scenario_lab_options(scenario, &options);
	enum result result = lab_create(&options, &lab, err);
	if (result != RESULT_OK)
		return result;
	result = scenario_run_in(scenario, lab, log_path, outcome, err);
	lab_stop(lab);
	return result;
}

// --- judging ----------------------------------------------------------------------------------

// The earliest instant of an outcome from this one on; 0 where there is none.
static int64_t scenario_first_ms(const struct prober_tally *tally, enum probe_outcome from)
{
	int64_t first_ms = 0;
	for (int i = (int)from; i < PROBE_OUTCOMES; i++)
		if (tally->first_ms[i] != 0 && (first_ms == 0 || tally->first_ms[i] < first_ms))
			first_ms = tally->first_ms[i];
	return first_ms;
}

static int64_t scenario_mark_ms(const struct scenario_outcome *outcome, const char *name)
{
	for (size_t i = 0; i < outcome->marks; i++)
		if (strcmp(outcome->mark[i].name, name) == 0)
			return outcome->mark[i].at_ms;
	return 0;
}

// How many failures of a validator may be put down to what happened between the two marks: a
// question that was asked before the second one ends within the prober's time for an answer.
static uint64_t scenario_excused(const struct scenario *scenario,
        const struct scenario_outcome *outcome, const struct prober_tally *tally)
{
	static const enum probe_outcome of_absence[] = {PROBE_SERVFAIL, PROBE_TIMEOUT};
	const struct scenario_expect *expect = &scenario->expect;
	uint64_t count = 0;
	if (expect->from == NULL)
		return 0;
	int64_t from_ms = scenario_mark_ms(outcome, expect->from),
	        until_ms = scenario_mark_ms(outcome, expect->until) + scenario->prober.timeout_ms;
	for (size_t i = 0; i < sizeof(of_absence) / sizeof(of_absence[0]); i++)
		if (tally->first_ms[of_absence[i]] >= from_ms &&
		        tally->last_ms[of_absence[i]] <= until_ms)
			count += tally->outcome[of_absence[i]];
	return count < (uint64_t)expect->tolerate ? count : (uint64_t)expect->tolerate;
}

int64_t scenario_insecure_ms(const struct prober_tally *tally)
{
	return tally->last_ms[PROBE_INSECURE] - tally->first_ms[PROBE_INSECURE];
}

// Secure, insecure for no longer than planned, and secure again.
static void scenario_judge_insecure(const struct scenario *scenario, const char *id,
        const struct prober_tally *tally, struct scenario_outcome *outcome)
{
	char *why = outcome->why;
	const size_t size = sizeof(outcome->why);
	uint64_t failures = prober_failures(tally) - tally->outcome[PROBE_INSECURE];
	if ((int64_t)tally->answered[PROBE_FRESH] < scenario->expect.fresh)
		snprintf(why, size, "%s answered only %llu fresh names", id,
		        (unsigned long long)tally->answered[PROBE_FRESH]);
	else if (failures > 0)
		snprintf(why, size, "%s: %llu answers failed", id, (unsigned long long)failures);
	else if (tally->outcome[PROBE_INSECURE] == 0)
		snprintf(why, size, "%s never found the zone insecure", id);
	else if (scenario_insecure_ms(tally) > outcome->planned_insecure_ms)
		snprintf(why, size, "%s found the zone insecure for %lld ms, planned were %lld ms",
		        id, (long long)scenario_insecure_ms(tally),
		        (long long)outcome->planned_insecure_ms);
	else if (tally->last_ms[PROBE_SECURE] < tally->last_ms[PROBE_INSECURE])
		snprintf(why, size, "%s still finds the zone insecure", id);
}

static bool scenario_judge_one(const struct scenario *scenario, const struct lab_info *info,
        int index, struct scenario_outcome *outcome)
{
	const struct scenario_expect *expect = &scenario->expect;
	const char *id = info->resolver[index].id;
	const struct prober_tally *tally = &outcome->counts.resolver[index];
	uint64_t failures = prober_failures(tally) - scenario_excused(scenario, outcome, tally);
	int64_t first_ms = scenario_first_ms(tally, PROBE_INSECURE);
	int64_t mark_ms = expect->after != NULL ? scenario_mark_ms(outcome, expect->after) : 0;
	char *why = outcome->why;
	const size_t size = sizeof(outcome->why);
	if (expect->insecure_as_planned)
		scenario_judge_insecure(scenario, id, tally, outcome);
	else if ((int64_t)tally->answered[PROBE_FRESH] < expect->fresh)
		snprintf(why, size, "%s answered only %llu fresh names", id,
		        (unsigned long long)tally->answered[PROBE_FRESH]);
	else if (expect->every_secure && failures > 0)
		snprintf(why, size, "%s: %llu answers were not authenticated", id,
		        (unsigned long long)failures);
	else if (expect->failing[index] && failures == 0)
		snprintf(why, size, "%s did not fail", id);
	else if (first_ms != 0 && first_ms < mark_ms)
		snprintf(why, size, "%s failed %lld ms before '%s'", id,
		        (long long)(mark_ms - first_ms), expect->after);
	else if (expect->failing[index] && expect->within_ms != 0 &&
	         first_ms > mark_ms + expect->within_ms)
		snprintf(why, size, "%s failed only %lld ms after '%s'", id,
		        (long long)(first_ms - mark_ms), expect->after);
	return why[0] == '\0';
}

// What is bogus is answered with SERVFAIL; who cannot reach any server may say nothing at all.
static bool scenario_fails_as(const struct play_forecast *f, const struct prober_tally *tally)
{
	return tally->outcome[PROBE_SERVFAIL] > 0 ||
	       (f->word == SAFETY_UNREACHABLE && tally->outcome[PROBE_TIMEOUT] > 0);
}

// Compares a validator with the forecast for its kind: not before, and not much later.
static bool scenario_judge_forecast(const struct scenario *scenario, const struct lab_info *info,
        int index, struct scenario_outcome *outcome)
{
	const char *id = info->resolver[index].id;
	const struct prober_tally *tally = &outcome->counts.resolver[index];
	const struct play_forecast *f = scenario_forecast(scenario, index);
	int64_t zero_ms = scenario_mark_ms(outcome, SCENARIO_PLAY_MARK);
	int64_t insecure_ms = tally->first_ms[PROBE_INSECURE] - zero_ms;
	int64_t first_ms = scenario_first_ms(tally, PROBE_SERVFAIL), bogus_ms = first_ms - zero_ms;
	int64_t latest_ms = time_add(time_add(f->bogus_ms, f->ttl_ms), scenario->play->lag_ms);
	char *why = outcome->why;
	const size_t size = sizeof(outcome->why);
	if (tally->outcome[PROBE_INSECURE] > 0 && insecure_ms < f->insecure_ms)
		snprintf(why, size, "%s answered without AD at %lld ms, before the forecast", id,
		        (long long)insecure_ms);
	else if (first_ms != 0 && bogus_ms < f->bogus_ms)
		snprintf(why, size, "%s failed at %lld ms, before the forecast", id,
		        (long long)bogus_ms);
	else if (scenario->expect.failing[index] && !scenario_fails_as(f, tally))
		snprintf(why, size, "%s did not fail", id);
	else if (scenario->expect.failing[index] && bogus_ms > latest_ms)
		snprintf(why, size, "%s failed only at %lld ms, forecast from %lld to %lld ms", id,
		        (long long)bogus_ms, (long long)f->bogus_ms, (long long)latest_ms);
	return why[0] == '\0';
}

void scenario_judge(const struct scenario *scenario, const struct lab_info *info,
        struct scenario_outcome *outcome)
{
	outcome->why[0] = '\0';
	outcome->met = true;
	int64_t milli = registrar_rate_milli(&outcome->registered);
	if (milli < scenario->expect.registered * 1000) {
		outcome->met = false;
		snprintf(outcome->why, sizeof(outcome->why),
		        "only %lld.%lld registrations a second were acknowledged",
		        (long long)(milli / 1000), (long long)(milli % 1000 / 100));
	}
	for (int i = 0; i < LAB_RESOLVERS && outcome->met; i++)
		outcome->met = scenario->expect.predicted
		                       ? scenario_judge_forecast(scenario, info, i, outcome)
		                       : scenario_judge_one(scenario, info, i, outcome);
}
