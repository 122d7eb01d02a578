#include "net/sim_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sim *sim_of(const struct process_sim *process)
{
	return (struct sim *)process->base.loop;
}

static void process_forget(struct process_sim *process)
{
	loop_timer_stop(process->base.loop, &process->timer);
	*process->link = process->next;
	if (process->next != NULL)
		process->next->link = process->link;
}

static void process_free(struct process_sim *process)
{
	free(process->out);
	free(process->err);
	free(process);
}

static void process_ends(void *ctx)
{
	struct process_sim *process = ctx;
	sim_note(sim_of(process), "process ends: exit %d, signal %d%s", process->end.exit_code,
	        process->end.signal, process->end.timed_out ? ", time limit" : "");
	process_forget(process);
	process->base.done(process->base.ctx, &process->end);
	process_free(process);
}

static char *copy_output(const char *text, size_t max_octets, size_t *octets, bool *cut)
{
	size_t n = text != NULL ? strlen(text) : 0;
	if (n > max_octets) {
		n = max_octets;
		*cut = true;
	}
	char *copy = sim_alloc(n + 1);
	if (n > 0)
		snprintf(copy, n + 1, "%s", text);
	*octets = n;
	return copy;
}

static void set_end(struct process_sim *process, const struct loop_process_spec *spec,
        const struct sim_outcome *outcome)
{
	struct loop_process_end *end = &process->end;
	end->timed_out = outcome->after_ms > spec->timeout_ms;
	end->run_ms = end->timed_out ? spec->timeout_ms : outcome->after_ms;
	end->signal = outcome->signal;
	if (end->timed_out)
		end->signal = spec->grace_ms > 0 ? SIGTERM : SIGKILL;
	end->exit_code = end->signal != 0 ? -1 : outcome->exit_code;
	process->out = copy_output(outcome->out, spec->max_output, &end->out_octets, &end->cut);
	process->err = copy_output(outcome->err, spec->max_output, &end->err_octets, &end->cut);
	end->out = process->out;
	end->err = process->err;
}

enum result sim_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **out, struct error *err)
{
	struct sim *sim = (struct sim *)loop;
	struct sim_outcome outcome = {0};
	if (sim->program == NULL)
		outcome.start = RESULT_NOT_FOUND;
	else
		sim->program(sim->program_ctx, spec, &outcome);
	sim_note(sim, "process starts: %.200s", spec->argv[0]);
	if (outcome.start != RESULT_OK)
		return error_set(err, outcome.start, "cannot start '%.200s': %s", spec->argv[0],
		        result_text(outcome.start));
	struct process_sim *process = sim_alloc(sizeof *process);
	process->base = (struct loop_process){.loop = loop, .done = done, .ctx = ctx};
	set_end(process, spec, &outcome);
	process->timer.fire = process_ends;
	process->timer.ctx = process;
	process->link = &sim->processes;
	process->next = sim->processes;
	if (process->next != NULL)
		process->next->link = &process->next;
	sim->processes = process;
	loop_timer_start(loop, &process->timer, process->end.run_ms);
	*out = &process->base;
	return RESULT_OK;
}

void sim_process_kill(struct loop_process *base)
{
	struct process_sim *process = (struct process_sim *)base;
	sim_note(sim_of(process), "process killed");
	process_forget(process);
	process_free(process);
}

void sim_program_set(struct sim *sim,
        void (*program)(
                void *ctx, const struct loop_process_spec *spec, struct sim_outcome *outcome),
        void *ctx)
{
	sim->program = program;
	sim->program_ctx = ctx;
}
