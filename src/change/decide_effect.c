// A step that changes what the world sees: is it seen, is it on its way, may it happen, and now?
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "change/decide_internal.h"
#include "change/errand.h"

// ---- What was set in motion ------------------------------------------------------------------

static int64_t lag_of(const struct decider *d, int publisher)
{
	return publisher < 0 ? 0 : d->in->world->history.lag_s[publisher] * SECOND_MS;
}

// Looks are so far apart.
static int64_t look_ms(const struct decider *d)
{
	int64_t poll_ms = d->in->definition->poll_ms;
	return d->in->look_ms > poll_ms ? d->in->look_ms : poll_ms;
}

// Whoever acts says that it is done.
static bool is_said(const struct task *task)
{
	return task->deed->state == DEED_ACTED ||
	       (deed_is_under_way(task->deed) && task->deed->asked && task->progress->said_done);
}

// Until when something that was set in motion may begin to show at the first address, or go on to
// the last one: the declared lag, and two looks. TIME_EVER_MS where nothing is on its way, or
// nobody knows when a person will act.
static int64_t may_show_until_ms(
        const struct decider *d, const struct deed *deed, bool said_done, int64_t done_ms)
{
	if (!deed_is_under_way(deed) || (deed->asked && !said_done))
		return TIME_EVER_MS;
	int64_t from_ms = deed->asked ? done_ms : deed->ended_ms;
	return time_add(from_ms, lag_of(d, deed->publisher) + 2 * look_ms(d));
}

static int64_t task_may_show_until_ms(const struct decider *d, const struct task *task)
{
	return may_show_until_ms(d, task->deed, task->progress->said_done, task->progress->done_ms);
}

// A step is only undone when its last attempt cannot begin to show any more: otherwise the undo
// would find nothing to undo, and the step would come after it.
static bool forward_may_come(struct decider *d, const struct task *task, const struct shown *shown)
{
	const struct progress_step *s = task->progress;
	int64_t until_ms = may_show_until_ms(d, &s->forward, s->said_done, s->done_ms);
	if (!task->undo || shown->left.count > 0 || until_ms <= d->now_ms)
		return false;
	struct move *m = move_add(d, MOVE_OBSERVE, task);
	m->until_ms = until_ms;
	move_say(m, "its last attempt may still show");
	return true;
}

static bool is_seen(struct decider *d, const struct task *task, const struct shown *shown)
{
	const struct deed *deed = task->deed;
	bool all = shown->everywhere == shown->touched;
	bool mine = deed_is_under_way(deed) && deed->publisher >= 0 &&
	            (shown->everywhere >> deed->publisher & 1) != 0;
	if (!all && !mine)
		return false;
	struct move *m = move_add(d, MOVE_SEEN, task);
	m->publishers = shown->everywhere;
	m->is_all = all;
	move_say(m, "every address shows it");
	return true;
}

bool task_is_in_flight(struct decider *d, const struct task *task)
{
	const struct decide_input *in = d->in;
	if (!in->acting || in->acting_step != task->step->index || in->acting_undo != task->undo)
		return false;
	move_say(move_add(d, MOVE_OBSERVE, task), "being done");
	return true;
}

// Parts that the first address shows and the last one does not.
static uint32_t spreading(const struct shown *shown)
{
	uint32_t left = 0;
	for (size_t i = 0; i < shown->left.count; i++)
		left |= UINT32_C(1) << shown->left.changes[i].publisher;
	return shown->touched & ~shown->everywhere & ~left;
}

static bool shows_current(const struct decider *d, const struct observe_line *line)
{
	const struct safety_edition *now = safety_current(
	        &d->in->world->history, line->publisher, (enum safety_kind)line->kind);
	return line->gone ||
	       (line->silent_since_ms == TIME_NEVER_MS && now != NULL && line->content_count == 1 &&
	               line->contents[0] == now->content && line->signers[0] == now->signers);
}

// Of a publisher that has gone it counts only that it has: what it served is not missed.
static bool is_missed(const struct decider *d, const struct observe_line *line)
{
	const struct safety_edition *serving =
	        safety_current(&d->in->world->history, line->publisher, SAFETY_SERVING);
	bool gone = serving != NULL && serving->content == 0;
	return (!gone || line->kind == SAFETY_SERVING) && !shows_current(d, line);
}

static void list_laggards(const struct decider *d, uint32_t publishers, struct buffer *out)
{
	struct address last = {0};
	for (size_t i = 0; i < observe_view_line_count(d->in->view); i++) {
		struct observe_line line;
		char address[ADDRESS_TEXT];
		observe_view_line(d->in->view, i, &line);
		if ((publishers >> line.publisher & 1) == 0 || !is_missed(d, &line) ||
		        address_equal(&last, &line.server))
			continue;
		buffer_printf(out, " %s", address_format(&line.server, address));
		last = line.server;
	}
}

static void say_spreading(
        struct decider *d, const struct task *task, const struct shown *shown, int64_t until_ms)
{
	struct buffer laggards = buffer_init(4096);
	char at[TIME_TEXT];
	list_laggards(d, spreading(shown), &laggards);
	bool late = until_ms <= d->now_ms && laggards.length > 0;
	struct move *m = move_add(d, late ? MOVE_STUCK : MOVE_OBSERVE, task);
	m->until_ms = late ? TIME_NEVER_MS : until_ms;
	if (laggards.length == 0) {
		m->until_ms = shown->since_ms;
		move_say(m, "every address shows it; servers behind them may need until %s",
		        time_format(shown->since_ms, at));
	} else if (late)
		move_say(m, "long enough after the change these addresses do not show it:%s",
		        buffer_text(&laggards));
	else
		move_say(m, "these addresses do not show it yet:%s", buffer_text(&laggards));
	buffer_free(&laggards);
}

// true where there is nothing to do but to look.
static bool is_on_its_way(struct decider *d, const struct task *task, const struct shown *shown)
{
	int64_t until_ms = task_may_show_until_ms(d, task);
	if (spreading(shown) != 0) {
		say_spreading(d, task, shown, until_ms);
		return true;
	}
	if (!is_said(task) || until_ms <= d->now_ms)
		return false;
	struct move *m = move_add(d, MOVE_OBSERVE, task);
	m->until_ms = until_ms;
	move_say(m, "done, as is said; no address shows it yet");
	return true;
}

// ---- Again? ----------------------------------------------------------------------------------

static const struct change_ways *ways_of(
        const struct decider *d, const struct task *task, int publisher)
{
	return change_ways_of(
	        d->in->definition, task->by, change_party_of(d->in->definition, publisher));
}

// An attempt whose end nobody knows, or that was said to be done, and nothing of it is seen: where
// it may not be repeated, somebody has to find out.
bool task_needs_somebody(struct decider *d, const struct task *task)
{
	const struct deed *deed = task->deed;
	char at[TIME_TEXT];
	if (deed->asked && is_said(task)) {
		move_say(move_add(d, MOVE_STUCK, task),
		        "it was said to be done at %s, and no address shows it",
		        time_format(task->progress->done_ms, at));
		return true;
	}
	if (!deed_is_under_way(deed) || deed->asked || deed->repeatable)
		return false;
	if (deed->state == DEED_ACTED)
		move_say(move_add(d, MOVE_STUCK, task),
		        "it was said to be done at %s, no address shows it, and the command is not "
		        "to "
		        "be repeated: find out, or do it by hand",
		        time_format(deed->acted_ms, at));
	else
		move_say(move_add(d, MOVE_STUCK, task),
		        "nobody knows how attempt %s ended, nothing of it is seen, and it is not "
		        "to be "
		        "repeated: find out, and do it by hand where it was not done",
		        deed->attempt);
	return true;
}

// The pause doubles with each attempt, from two looks up to an hour, but is never below two looks.
static int64_t pause_ms(const struct decider *d, const struct deed *deed)
{
	int64_t least_ms = 2 * look_ms(d), pause = least_ms;
	int64_t most_ms = least_ms > HOUR_MS ? least_ms : HOUR_MS;
	for (unsigned i = 1; i < deed->attempts && pause < most_ms; i++)
		pause *= 2;
	return pause < most_ms ? pause : most_ms;
}

static void say_attempt(char *text, size_t size, const struct deed *deed)
{
	switch (deed->state) {
	case DEED_REFUSED:
		snprintf(text, size, "attempt %u failed: %s", deed->attempts, deed->reason);
		break;
	case DEED_INTENDED:
		snprintf(text, size, "attempt %u was cut short, and nothing of it is seen",
		        deed->attempts);
		break;
	case DEED_UNKNOWN:
		snprintf(text, size,
		        "nobody knows how attempt %u ended, and nothing of it is seen: %s",
		        deed->attempts, deed->reason);
		break;
	case DEED_ACTED:
		snprintf(text, size, "attempt %u was said to be done, and no address shows it",
		        deed->attempts);
		break;
	case DEED_NOT_BEGUN:
	case DEED_EVERYWHERE:
	default:
		snprintf(text, size, "no attempt was made");
		break;
	}
}

static bool led_to_nothing(const struct deed *deed)
{
	return deed->state == DEED_REFUSED || (deed_is_under_way(deed) && !deed->asked);
}

bool task_rests(struct decider *d, const struct task *task)
{
	const struct deed *deed = task->deed;
	char at[TIME_TEXT], attempt[400];
	int64_t again_ms = time_add(deed->ended_ms, pause_ms(d, deed));
	if (!led_to_nothing(deed) || again_ms <= d->now_ms)
		return false;
	struct move *m =
	        move_add(d, deed->state == DEED_INTENDED ? MOVE_OBSERVE : MOVE_STUCK, task);
	m->until_ms = again_ms;
	say_attempt(attempt, sizeof attempt, deed);
	move_say(m, "%s; it is tried again at %s", attempt, time_format(again_ms, at));
	return true;
}

// ---- May it happen? --------------------------------------------------------------------------

// A gap that stands in the way, the one that lasts longest first.
static const struct observe_gap *blocking_gap(const struct decider *d)
{
	const struct observe_gaps *gaps = &d->in->world->gaps;
	const struct observe_gap *worst = NULL;
	for (size_t i = 0; i < gaps->count; i++) {
		const struct observe_gap *g = &gaps->gap[i];
		if (g->blocks && g->until_ms > d->now_ms &&
		        (worst == NULL || g->until_ms > worst->until_ms))
			worst = g;
	}
	return worst;
}

static bool waits_for_evidence(struct decider *d, const struct task *task)
{
	if (!observe_gaps_block(&d->in->world->gaps, d->now_ms))
		return false;
	const struct observe_gap *gap = blocking_gap(d);
	struct move *m = move_add(d, MOVE_WAIT, task);
	m->until_ms = gap != NULL ? gap->until_ms : TIME_NEVER_MS;
	move_say(m, "%s",
	        gap != NULL ? gap->text : "more is unknown about the zone than can be listed");
	return true;
}

static bool waits_for_others(struct decider *d, const struct task *task)
{
	int64_t over_ms = task->undo ? TIME_EVER_MS : waits_over_ms(d, task->step);
	if (!deed_is_under_way(task->deed) && another_is_under_way(d, task)) {
		move_say(move_add(d, MOVE_WAIT, task),
		        "another step is under way, whose effect is not seen everywhere yet");
		return true;
	}
	if (over_ms <= d->now_ms)
		return false;
	wait_as_agreed(d, task, over_ms);
	return true;
}

static bool meets_strangers(struct decider *d, const struct task *task)
{
	char text[sizeof((struct move *)0)->text];
	if (task->undo || !strangers_find(d, text, sizeof text))
		return false;
	move_say(move_add(d, MOVE_STUCK, task), "%s", text);
	return true;
}

static void tell_fault(struct move *m, const char *before, const struct safety_history *history,
        const struct safety_fault *fault)
{
	struct buffer text = buffer_init(8192);
	safety_fault_text(history, fault, SAFETY_TIME_UTC, &text);
	move_say(m, "%s%s", before, buffer_text(&text));
	buffer_free(&text);
}

// Why the step waits; and where a signature runs out meanwhile, that the instant is only good if it
// is made again.
static void tell_wait(struct move *m, const struct safety_history *after)
{
	const struct safety_window *w = &m->window;
	char before[200] = "", at[TIME_TEXT];
	if (w->expires && w->expiry.cached >= 0) {
		const struct safety_edition *e = &after->editions[w->expiry.cached];
		snprintf(before, sizeof before,
		        "Signatures of %s over its %s have to be made again before %s. ",
		        safety_publisher_name(after, e->publisher),
		        safety_kind_text((enum safety_kind)e->kind),
		        time_format(w->expiry.at_ms, at));
	}
	tell_fault(m, before, after, &w->cause);
}

static struct move *move_judged(struct decider *d, enum move_kind kind, const struct task *task,
        const struct safety_effect *effect, const struct safety_window *window)
{
	struct move *m = move_add(d, kind, task);
	m->has_window = true;
	m->window = *window;
	m->effect = *effect;
	return m;
}

// The verdict of the safety model about what is left of the step; false where it says no.
static enum result ask_model(struct decider *d, const struct task *task,
        const struct safety_effect *effect, struct safety_window *window, bool *go)
{
	struct safety_history after;
	enum result result = (task->undo ? safety_earliest_back : safety_earliest)(
	        &d->in->world->history, effect, &safety_all_readers, d->now_ms, window, &after);
	if (result != RESULT_OK)
		return error_set(d->err, result, "the verdict on step '%s' could not be computed",
		        task->step->id);
	*go = window->possible && window->from_ms <= d->now_ms;
	if (!*go) {
		struct move *m = move_judged(
		        d, window->possible ? MOVE_WAIT : MOVE_STUCK, task, effect, window);
		m->until_ms = window->possible ? window->from_ms : TIME_NEVER_MS;
		if (window->possible)
			tell_wait(m, &after);
		else
			tell_fault(m, "never safe: ", &after, &window->cause);
	} else if (window->insecure && !d->in->definition->may_be_insecure && !task->undo) {
		struct move *m = move_judged(d, MOVE_STUCK, task, effect, window);
		move_say(m, "it would make the zone insecure; where that is wanted, the definition "
		            "says "
		            "may-be-insecure: true");
		*go = false;
	}
	safety_history_free(&after);
	return RESULT_OK;
}

// ---- Now -------------------------------------------------------------------------------------

static bool has_way(const struct decider *d, const struct task *task,
        const struct safety_effect *effect, int publisher)
{
	const struct change_ways *ways = ways_of(d, task, publisher);
	return change_exec_does(&ways->exec, task->step->index) ||
	       (ways->ddns.is_set &&
	               !change_errand_needs_command(&d->in->world->history, effect, publisher));
}

// The part of the effect at one publisher has to be safe alone, too, because the parts go out one
// by one.
static bool part_is_safe(const struct decider *d, const struct safety_effect *effect, int publisher)
{
	struct safety_effect part = {.count = 0};
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].publisher == publisher)
			part.changes[part.count++] = effect->changes[i];
	return part.count == effect->count || safety_is_safe_now(&d->in->world->history, &part,
	                                              &safety_all_readers, d->now_ms, NULL);
}

static void say_go(struct decider *d, const struct task *task, struct move *m)
{
	char attempt[400] = "", before[600];
	if (led_to_nothing(task->deed))
		say_attempt(attempt, sizeof attempt, task->deed);
	snprintf(before, sizeof before, "%s%s%s%s", attempt, attempt[0] != '\0' ? "; " : "",
	        m->kind == MOVE_PERSON ? "still safe" : "safe now",
	        m->kind == MOVE_ACT ? "" : "; a person does this, and says `baton done`");
	if (m->window.broken) {
		strcat(before, "; but something is wrong already: ");
		tell_fault(m, before, &d->in->world->history, &m->window.before);
	} else
		move_say(m, "%s", before);
}

// Whose part goes first; -1 where no part is safe alone.
static int first_part(const struct decider *d, const struct safety_effect *effect)
{
	for (size_t i = 0; i < effect->count; i++)
		if (part_is_safe(d, effect, effect->changes[i].publisher))
			return effect->changes[i].publisher;
	return -1;
}

static void go(struct decider *d, const struct task *task, const struct safety_effect *effect,
        const struct safety_window *window)
{
	int publisher = first_part(d, effect);
	if (publisher < 0) {
		move_say(move_judged(d, MOVE_STUCK, task, effect, window),
		        "its parts are safe together and none of them alone: several parties would "
		        "have to act at one instant");
		return;
	}
	bool asked = task->deed->asked && deed_is_under_way(task->deed) &&
	             task->deed->publisher == publisher;
	enum move_kind kind = has_way(d, task, effect, publisher) ? MOVE_ACT
	                      : asked                             ? MOVE_PERSON
	                                                          : MOVE_ASK;
	struct move *m = move_judged(d, kind, task, effect, window);
	m->publisher = publisher;
	say_go(d, task, m);
}

static bool may_act(
        const struct decider *d, const struct task *task, const struct safety_effect *effect)
{
	int publisher = first_part(d, effect);
	return publisher >= 0 && has_way(d, task, effect, publisher);
}

// What replaces something wrong by something as wrong is not for us to decide alone, whatever was
// agreed beforehand: the person who acts by hand is told, and of a step that we do the party has to
// say that it wants it.
static bool needs_agreement(struct decider *d, const struct task *task,
        const struct safety_effect *effect, const struct safety_window *window)
{
	const struct progress_step *s = task->progress;
	bool agreed = s->excused && strcmp(s->excuse, safety_rule_text(window->excuse.rule)) == 0;
	char before[300];
	if (!window->excused || task->undo || agreed)
		return false;
	struct move *m = move_judged(d, MOVE_APPROVE, task, effect, window);
	m->parties = UINT32_C(1) << task->step->by;
	snprintf(before, sizeof before,
	        "something is wrong already, which this step neither mends nor makes worse; to "
	        "have it done all the same, %s agrees: ",
	        d->p->parties[task->step->by].id);
	tell_fault(m, before, &d->in->world->history, &window->excuse);
	return true;
}

static enum result judge(
        struct decider *d, const struct task *task, const struct safety_effect *left)
{
	struct safety_window window;
	bool safe = false;
	enum result result = ask_model(d, task, left, &window, &safe);
	if (result != RESULT_OK || !safe)
		return result;
	if (!task->undo && approvals_missing(d, task->step) != 0)
		return RESULT_OK;
	if (may_act(d, task, left) && needs_agreement(d, task, left, &window))
		return RESULT_OK;
	if (!task->undo && task->progress->turn_ms == TIME_NEVER_MS)
		move_add(d, MOVE_TURN, task);
	go(d, task, left, &window);
	return RESULT_OK;
}

static bool time_is_up(struct decider *d, const struct task *task)
{
	return !task->undo && task_may_show_until_ms(d, task) <= d->now_ms &&
	       deadline_passed(d, task);
}

enum result decide_effect(struct decider *d, const struct procedure_step *step, bool undo)
{
	struct task task = task_of(d, step, undo);
	struct shown shown;
	struct error inner = {0};
	enum result result =
	        shown_find(d->in, &d->binding, task.acts, task.act_count, &shown, &inner);
	if (result == RESULT_MEMORY)
		return error_set(d->err, result, "%s", inner.text);
	if (result != RESULT_OK) {
		move_say(move_add(d, MOVE_STUCK, &task), "%s", inner.text);
		return RESULT_OK;
	}
	if (forward_may_come(d, &task, &shown) || is_seen(d, &task, &shown) ||
	        task_is_in_flight(d, &task) || time_is_up(d, &task) ||
	        is_on_its_way(d, &task, &shown) || task_needs_somebody(d, &task) ||
	        task_rests(d, &task))
		return RESULT_OK;
	uint32_t missing = undo ? 0 : approvals_missing(d, step);
	if (missing != 0)
		ask_approval(d, &task, missing);
	if (waits_for_others(d, &task) || meets_strangers(d, &task) || waits_for_evidence(d, &task))
		return RESULT_OK;
	return judge(d, &task, &shown.left);
}
