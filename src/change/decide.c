#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "change/decide_internal.h"

struct task task_of(const struct decider *d, const struct procedure_step *step, bool undo)
{
	const struct progress_step *progress = &d->progress->steps[step->index];
	return (struct task){.step = step,
	        .undo = undo,
	        .by = undo && step->undo.by >= 0 ? step->undo.by : step->by,
	        .acts = undo ? step->undo.acts : step->acts,
	        .act_count = undo ? step->undo.act_count : step->act_count,
	        .progress = progress,
	        .deed = undo ? &progress->back : &progress->forward};
}

struct move *move_add(struct decider *d, enum move_kind kind, const struct task *task)
{
	if (d->out->count < DECIDE_MAX_MOVES)
		d->out->count++;
	struct move *m = &d->out->moves[d->out->count - 1];
	memset(m, 0, offsetof(struct move, effect));
	m->effect.count = 0;
	m->text[0] = '\0';
	m->kind = kind;
	m->step = task->step->index;
	m->undo = task->undo;
	m->publisher = -1;
	m->until_ms = TIME_NEVER_MS;
	m->deadline_ms = task->undo ? TIME_NEVER_MS : deadline_of(d, task->step);
	return m;
}

void move_say(struct move *m, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(m->text, sizeof m->text, format, args);
	va_end(args);
}

// ---- Conditions ------------------------------------------------------------------------------

uint32_t approvals_missing(const struct decider *d, const struct procedure_step *step)
{
	uint32_t missing = 0, wanted = step->approve;
	if (step->no_return && wanted == 0 && (step->waives & PROCEDURE_WAIVE_APPROVAL) == 0)
		wanted = UINT32_C(1) << step->by;
	for (size_t i = 0; i < d->p->party_count; i++)
		if ((wanted >> i & 1) != 0 && !d->in->definition->parties[i].approves_automatically)
			missing |= UINT32_C(1) << i;
	return missing & ~d->progress->steps[step->index].approved;
}

void ask_approval(struct decider *d, const struct task *task, uint32_t missing)
{
	struct move *m = move_add(d, MOVE_APPROVE, task);
	m->parties = missing;
	size_t n = (size_t)snprintf(m->text, sizeof m->text, "%s",
	        task->step->no_return ? "there is no way back after this step; to agree:"
	                              : "to agree:");
	for (size_t i = 0; i < d->p->party_count && n < sizeof m->text; i++)
		if (missing >> i & 1)
			n += (size_t)snprintf(
			        m->text + n, sizeof m->text - n, " %s", d->p->parties[i].id);
}

int64_t deadline_of(const struct decider *d, const struct procedure_step *step)
{
	const struct progress_step *s = &d->progress->steps[step->index];
	return step->within_ms < 0 || s->turn_ms == TIME_NEVER_MS
	               ? TIME_NEVER_MS
	               : time_add(s->turn_ms, step->within_ms);
}

bool deadline_passed(struct decider *d, const struct task *task)
{
	char at[TIME_TEXT];
	struct move *m;
	int64_t deadline_ms = deadline_of(d, task->step);
	if (deadline_ms > d->now_ms)
		return false;
	time_format(deadline_ms, at);
	switch (task->step->otherwise) {
	case PROCEDURE_ELSE_SKIP:
		m = move_add(d, MOVE_SKIP, task);
		move_say(m, "its deadline passed at %s; the change goes on without it", at);
		return true;
	case PROCEDURE_ELSE_BRANCH:
		m = move_add(d, MOVE_BRANCH, task);
		m->line = task->step->branch;
		move_say(m, "its deadline passed at %s: %s", at,
		        d->p->lines[task->step->branch].title);
		return true;
	case PROCEDURE_ELSE_ASK:
		m = move_add(d, MOVE_STUCK, task);
		move_say(m,
		        "its deadline passed at %s: wait on, or take the change back by `baton "
		        "undo`",
		        at);
		return false;
	case PROCEDURE_ELSE_NOTHING:
	default:
		return false;
	}
}

static void times_fill(const struct decider *d, struct procedure_times *times)
{
	for (size_t i = 0; i < d->p->step_count; i++) {
		const struct deed *deed = &d->progress->steps[i].forward;
		times[i] = (struct procedure_times){.is_done = deed->state == DEED_EVERYWHERE,
		        .done_ms = deed->acted_ms != 0 ? deed->acted_ms : deed->everywhere_ms,
		        // When the first address showed it is not kept: later is safer.
		        .seen_ms = deed->everywhere_ms,
		        .everywhere_ms = deed->everywhere_ms};
	}
}

int64_t waits_over_ms(const struct decider *d, const struct procedure_step *step)
{
	struct procedure_times times[PROCEDURE_MAX_STEPS];
	int64_t ready_ms = d->progress->begun_ms;
	if (step->wait_count == 0)
		return TIME_EVER_MS;
	times_fill(d, times);
	for (size_t i = 0; i < step->after_count; i++)
		if (times[step->after[i]].is_done && times[step->after[i]].everywhere_ms > ready_ms)
			ready_ms = times[step->after[i]].everywhere_ms;
	return procedure_waits_over_ms(step, &d->in->world->history, &d->binding, times, ready_ms);
}

// What was set in motion and left behind, by a deadline or a turn, is not waited for any more.
bool another_is_under_way(const struct decider *d, const struct task *task)
{
	for (size_t i = 0; i < d->p->step_count; i++) {
		const struct procedure_step *step = &d->p->steps[i];
		const struct progress_step *s = &d->progress->steps[i];
		if (step == task->step || !procedure_acts_have_effect(step->acts, step->act_count))
			continue;
		bool here = step->line_of == d->progress->line && !s->skipped;
		if ((here && deed_is_under_way(&s->forward)) || deed_is_under_way(&s->back))
			return true;
	}
	return false;
}

void wait_as_agreed(struct decider *d, const struct task *task, int64_t over_ms)
{
	struct move *m = move_add(d, MOVE_WAIT, task);
	const struct procedure_step *step = task->step;
	char texts[sizeof m->text] = "";
	size_t n = 0;
	for (size_t i = 0; i < step->wait_count && n < sizeof texts; i++)
		n += (size_t)snprintf(texts + n, sizeof texts - n, "%s%s", i > 0 ? "; " : "",
		        step->waits[i].text);
	m->until_ms = over_ms;
	move_say(m, "the procedure says to wait: %s", texts);
}

// ---- Steps that the DNS does not show --------------------------------------------------------

// A command that its party names for the step. What it says counts, for there is nothing to see:
// only where it says that all is well does the change go on.
static bool has_command(const struct decider *d, const struct task *task)
{
	const struct change_exec *exec =
	        task->by >= 0 ? &d->in->definition->parties[task->by].ways.exec : NULL;
	return exec != NULL && exec->is_set && exec->steps != NULL &&
	       exec->steps[task->step->index];
}

static void decide_by_command(struct decider *d, const struct task *task)
{
	if (task->deed->state == DEED_ACTED) {
		struct move *m = move_add(d, MOVE_SEEN, task);
		m->is_all = true;
		move_say(m, "its command says so");
	} else if (!task_is_in_flight(d, task) && !task_needs_somebody(d, task) &&
	           !task_rests(d, task))
		move_say(move_add(d, MOVE_ACT, task), "its command is run");
}

static void decide_without_effect(struct decider *d, const struct procedure_step *step)
{
	struct task task = task_of(d, step, false);
	int64_t over_ms = waits_over_ms(d, step);
	uint32_t missing = approvals_missing(d, step);
	if (deadline_passed(d, &task))
		return;
	if (missing != 0) {
		ask_approval(d, &task, missing);
		return;
	}
	if (over_ms > d->now_ms) {
		wait_as_agreed(d, &task, over_ms);
		return;
	}
	if (task.progress->turn_ms == TIME_NEVER_MS)
		move_add(d, MOVE_TURN, &task);
	if (has_command(d, &task) && !task.progress->said_done) {
		decide_by_command(d, &task);
		return;
	}
	bool automatic = task.by >= 0 && d->in->definition->parties[task.by].confirms_automatically;
	if (task.progress->said_done || automatic) {
		struct move *m = move_add(d, MOVE_SEEN, &task);
		m->is_all = true;
		move_say(m, task.progress->said_done
		                    ? "its party says so"
		                    : "agreed beforehand, in the definition of the change");
		return;
	}
	struct move *m =
	        move_add(d, task.deed->state == DEED_INTENDED ? MOVE_PERSON : MOVE_ASK, &task);
	move_say(m, "a person does this, and says `baton done`");
}

// ---- Forward ---------------------------------------------------------------------------------

static bool is_ready(const struct decider *d, const struct procedure_step *step)
{
	for (size_t i = 0; i < step->after_count; i++)
		if (!progress_is_over(d->progress, step->after[i]))
			return false;
	return true;
}

static enum result decide_forward(struct decider *d)
{
	bool left = false;
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < d->p->step_count; i++) {
		const struct procedure_step *step = &d->p->steps[i];
		if (step->line_of != d->progress->line || progress_is_over(d->progress, (int)i))
			continue;
		left = true;
		if (!is_ready(d, step))
			continue;
		if (procedure_acts_have_effect(step->acts, step->act_count))
			result = decide_effect(d, step, false);
		else
			decide_without_effect(d, step);
	}
	d->out->is_finished = !left;
	return result;
}

// ---- Back ------------------------------------------------------------------------------------

// Something of the step has happened, or may have.
static bool is_touched(const struct progress_step *s)
{
	return s->forward.state != DEED_NOT_BEGUN || s->forward.shown != 0 ||
	       s->back.state != DEED_NOT_BEGUN;
}

static bool is_to_be_undone(const struct decider *d, int step)
{
	int to = d->progress->undo_to;
	return is_touched(&d->progress->steps[step]) &&
	       (step >= to || d->p->steps[step].line_of != d->p->steps[to].line_of);
}

// When a step was done; what is not seen everywhere counts as done last.
static int64_t done_ms(const struct decider *d, int step)
{
	const struct deed *deed = &d->progress->steps[step].forward;
	return deed->state == DEED_EVERYWHERE ? deed->everywhere_ms : TIME_NEVER_MS;
}

// The step to be undone next: the last one done. -1: there is none left.
static int next_to_undo(const struct decider *d)
{
	int last = -1;
	for (int i = 0; i < (int)d->p->step_count; i++)
		if (is_to_be_undone(d, i) && (last < 0 || done_ms(d, i) >= done_ms(d, last)))
			last = i;
	return last;
}

// Before anything is taken back: can all of it be?
static const struct procedure_step *without_way_back(const struct decider *d)
{
	for (size_t i = 0; i < d->p->step_count; i++) {
		enum procedure_undo_kind kind = d->p->steps[i].undo.kind;
		if ((kind == PROCEDURE_UNDO_NONE || kind == PROCEDURE_UNDO_UNSAID) &&
		        is_to_be_undone(d, (int)i))
			return &d->p->steps[i];
	}
	return NULL;
}

static enum result decide_back(struct decider *d)
{
	const struct procedure_step *step = without_way_back(d);
	if (step != NULL) {
		struct task task = task_of(d, step, true);
		move_say(move_add(d, MOVE_NO_WAY_BACK, &task),
		        "there is no way back from this step: %s; the change goes on",
		        step->undo.text);
		return RESULT_OK;
	}
	int number = next_to_undo(d);
	if (number < 0)
		return RESULT_OK;
	step = &d->p->steps[number];
	if (procedure_acts_have_effect(step->undo.acts, step->undo.act_count))
		return decide_effect(d, step, true);
	struct task task = task_of(d, step, true);
	struct move *m = move_add(d, MOVE_SEEN, &task);
	m->is_all = true;
	move_say(m, step->undo.kind == PROCEDURE_UNDO_NOTHING
	                    ? "there is nothing to undo in it"
	                    : "its undo has no effect in the DNS");
	return RESULT_OK;
}

enum result decide(const struct decide_input *input, struct decision *decision, struct error *err)
{
	decision->count = 0;
	decision->is_finished = false;
	struct decider d = {.in = input,
	        .out = decision,
	        .p = input->definition->procedure,
	        .progress = input->progress,
	        .binding = input->world->binding,
	        .now_ms = input->world->now_ms,
	        .err = err};
	progress_bind(d.progress, &d.binding);
	return d.progress->undo_to >= 0 ? decide_back(&d) : decide_forward(&d);
}
