#include "change/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

static const struct {
	enum procedure_attribute attribute;
	enum safety_kind kind;
} kinds[] = {
        {PROCEDURE_DS, SAFETY_DS},
        {PROCEDURE_NS, SAFETY_NS},
        {PROCEDURE_DNSKEY, SAFETY_DNSKEY},
        {PROCEDURE_DNSKEY_SIGNERS, SAFETY_DNSKEY},
        {PROCEDURE_DATA_SIGNERS, SAFETY_DATA},
        {PROCEDURE_SERVING, SAFETY_SERVING},
};

static bool kind_of(enum procedure_attribute attribute, enum safety_kind *kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].attribute == attribute) {
			*kind = kinds[i].kind;
			return true;
		}
	return false;
}

static bool changes_publisher(const struct safety_effect *effect, int publisher)
{
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].publisher == publisher)
			return true;
	return false;
}

enum result change_effect_shown(const struct decide_input *input, const struct procedure_act *acts,
        size_t count, struct safety_effect *left, uint32_t *touched, uint32_t *shown,
        struct error *err)
{
	const struct change_definition *d = input->definition;
	enum result result = procedure_effect(d->procedure, acts, count, &input->world->history,
	        &input->world->binding, left, err);
	uint32_t all = 0, not_everywhere = 0;
	for (size_t i = 0; result == RESULT_OK && i < count; i++) {
		enum safety_kind kind;
		if (acts[i].kind != PROCEDURE_EFFECT || !kind_of(acts[i].attribute, &kind))
			continue;
		int publisher = change_publisher(d, acts[i].party);
		int64_t since_ms = TIME_NEVER_MS;
		all |= UINT32_C(1) << publisher;
		if (!observe_view_everywhere(input->view, publisher, kind, NULL, NULL, &since_ms) ||
		        since_ms > input->world->now_ms || changes_publisher(left, publisher))
			not_everywhere |= UINT32_C(1) << publisher;
	}
	if (result == RESULT_OK) {
		*touched = all;
		*shown = all & ~not_everywhere;
	}
	return result;
}

struct decider {
	const struct decide_input *in;
	struct decision *out;
	const struct procedure *p;
	const struct progress *progress;
	int64_t now_ms;
	bool something_under_way;
	struct error *err;
};

static struct move *move_add(
        struct decider *d, enum move_kind kind, const struct procedure_step *step, bool undo)
{
	static struct move spare;
	struct move *m =
	        d->out->count < DECIDE_MAX_MOVES ? &d->out->moves[d->out->count++] : &spare;
	memset(m, 0, offsetof(struct move, effect));
	m->effect.count = 0;
	m->text[0] = '\0';
	m->kind = kind;
	m->step = step->index;
	m->undo = undo;
	m->publisher = -1;
	m->until_ms = m->deadline_ms = TIME_NEVER_MS;
	return m;
}

static void say(struct move *m, const char *text)
{
	snprintf(m->text, sizeof m->text, "%s", text);
}

// ---- Steps that the DNS does not show --------------------------------------------------------

static uint32_t approvals_missing(const struct decider *d, const struct procedure_step *step)
{
	uint32_t missing = 0, wanted = step->approve;
	if (step->no_return && wanted == 0 && (step->waives & PROCEDURE_WAIVE_APPROVAL) == 0)
		wanted = UINT32_C(1) << step->by;
	for (size_t i = 0; i < d->p->party_count; i++)
		if ((wanted >> i & 1) != 0 && !d->in->definition->parties[i].approves_automatically)
			missing |= UINT32_C(1) << i;
	return missing & ~d->progress->steps[step->index].approved;
}

static void ask_approval(struct decider *d, const struct procedure_step *step, uint32_t missing)
{
	struct move *m = move_add(d, MOVE_APPROVE, step, false);
	m->parties = missing;
	size_t n = (size_t)snprintf(m->text, sizeof m->text, "%s",
	        step->no_return ? "there is no way back after this step; to agree:" : "to agree:");
	for (size_t i = 0; i < d->p->party_count; i++)
		if (missing >> i & 1)
			n += (size_t)snprintf(
			        m->text + n, sizeof m->text - n, " %s", d->p->parties[i].id);
}

static void decide_without_effect(struct decider *d, const struct procedure_step *step)
{
	const struct progress_step *s = &d->progress->steps[step->index];
	uint32_t missing = approvals_missing(d, step);
	if (missing != 0) {
		ask_approval(d, step, missing);
		return;
	}
	if (s->said_done ||
	        (step->by >= 0 && d->in->definition->parties[step->by].confirms_automatically)) {
		struct move *m = move_add(d, MOVE_SEEN, step, false);
		m->is_all = true;
		say(m, s->said_done ? "its party says so"
		                    : "agreed beforehand, in the definition of the change");
		return;
	}
	struct move *m = move_add(
	        d, s->forward.state == DEED_INTENDED ? MOVE_PERSON : MOVE_ASK, step, false);
	say(m, "a person does this, and says `baton done`");
}

// ---- Steps with an effect --------------------------------------------------------------------

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

static bool wait_for_evidence(struct decider *d, const struct procedure_step *step, bool undo)
{
	if (!observe_gaps_block(&d->in->world->gaps, d->now_ms))
		return false;
	const struct observe_gap *gap = blocking_gap(d);
	struct move *m = move_add(d, MOVE_WAIT, step, undo);
	m->until_ms = gap != NULL ? gap->until_ms : TIME_NEVER_MS;
	say(m, gap != NULL ? gap->text : "more is unknown about the zone than can be listed");
	return true;
}

static void tell_fault(
        struct move *m, const struct safety_history *after, const struct safety_fault *fault)
{
	struct buffer text = buffer_init(8192);
	safety_fault_text(after, fault, SAFETY_TIME_UTC, &text);
	say(m, buffer_text(&text));
	buffer_free(&text);
}

// The verdict of the safety model about what is left of the step; false where it says no.
static enum result ask_model(struct decider *d, const struct procedure_step *step, bool undo,
        const struct safety_effect *effect, struct safety_window *window, bool *go)
{
	struct safety_history after;
	enum result result = safety_earliest(
	        &d->in->world->history, effect, &safety_all_readers, d->now_ms, window, &after);
	if (result != RESULT_OK)
		return error_set(
		        d->err, result, "the verdict on step '%s' could not be computed", step->id);
	*go = window->possible && window->from_ms <= d->now_ms;
	if (!*go) {
		struct move *m = move_add(d, window->possible ? MOVE_WAIT : MOVE_STUCK, step, undo);
		m->until_ms = window->possible ? window->from_ms : TIME_NEVER_MS;
		m->has_window = true;
		m->window = *window;
		m->effect = *effect;
		tell_fault(m, &after, &window->cause);
	} else if (window->insecure && !d->in->definition->may_be_insecure && !undo) {
		struct move *m = move_add(d, MOVE_STUCK, step, undo);
		m->has_window = true;
		m->window = *window;
		m->effect = *effect;
		say(m, "it would make the zone insecure; where that is wanted, the definition says "
		       "may-be-insecure: true");
		*go = false;
	}
	safety_history_free(&after);
	return RESULT_OK;
}

static bool has_way(
        const struct decider *d, int by, const struct safety_effect *effect, int publisher)
{
	const struct change_ways *ways = change_ways_of(
	        d->in->definition, by, change_party_of(d->in->definition, publisher));
	bool by_update = true;
	for (size_t i = 0; i < effect->count; i++) {
		const struct safety_change *c = &effect->changes[i];
		if (c->publisher == publisher &&
		        (c->kind == SAFETY_DATA || c->kind == SAFETY_SERVING))
			by_update = false;
	}
	return ways->exec.is_set || (ways->ddns.is_set && by_update);
}

// The part of the effect at one publisher has to be safe alone, too, because the parts go out one
// by one.
static bool first_part_is_safe(struct decider *d, const struct safety_effect *effect, int publisher)
{
	struct safety_effect part = {.count = 0};
	for (size_t i = 0; i < effect->count; i++)
		if (effect->changes[i].publisher == publisher)
			part.changes[part.count++] = effect->changes[i];
	return part.count == effect->count || safety_is_safe_now(&d->in->world->history, &part,
	                                              &safety_all_readers, d->now_ms, NULL);
}

static void go(struct decider *d, const struct procedure_step *step, bool undo,
        const struct deed *deed, const struct safety_effect *effect,
        const struct safety_window *window)
{
	int publisher = -1;
	for (size_t i = 0; publisher < 0 && i < effect->count; i++)
		if (first_part_is_safe(d, effect, effect->changes[i].publisher))
			publisher = effect->changes[i].publisher;
	if (publisher < 0) {
		struct move *m = move_add(d, MOVE_STUCK, step, undo);
		say(m, "its parts are safe together and none of them alone: several parties would "
		       "have to act at one instant");
		return;
	}
	int by = undo && step->undo.by >= 0 ? step->undo.by : step->by;
	bool way = has_way(d, by, effect, publisher);
	enum move_kind kind = way                            ? MOVE_ACT
	                      : deed->state == DEED_INTENDED ? MOVE_PERSON
	                                                     : MOVE_ASK;
	struct move *m = move_add(d, kind, step, undo);
	m->publisher = publisher;
	m->has_window = true;
	m->window = *window;
	m->effect = *effect;
	say(m, way ? "safe now" : "safe now; a person does this, and says `baton done`");
}

static bool may_repeat(
        const struct decider *d, const struct procedure_step *step, bool undo, int publisher)
{
	int by = undo && step->undo.by >= 0 ? step->undo.by : step->by;
	const struct change_ways *ways = change_ways_of(
	        d->in->definition, by, change_party_of(d->in->definition, publisher));
	return ways->ddns.is_set || (ways->exec.is_set && ways->exec.idempotent);
}

// An attempt was made and nobody knows how it ended: the DNS knows. Where nothing of it shows in a
// round that began after it, what may be repeated is judged and done again; for the rest somebody
// has to find out.
static bool settle_unknown(
        struct decider *d, const struct procedure_step *step, bool undo, const struct deed *deed)
{
	bool person = deed->state == DEED_INTENDED &&
	              !(change_ways_of(d->in->definition, step->by,
	                        change_party_of(d->in->definition, deed->errand))
	                              ->ddns.is_set ||
	                      change_ways_of(d->in->definition, step->by,
	                              change_party_of(d->in->definition, deed->errand))
	                              ->exec.is_set);
	if (person || may_repeat(d, step, undo, deed->errand))
		return false;
	struct move *m = move_add(d, MOVE_STUCK, step, undo);
	snprintf(m->text, sizeof m->text,
	        "nobody knows how attempt %s ended, and nothing of it is seen: find out, then say "
	        "`baton done` where it "
	        "was done, or do it by hand",
	        deed->attempt);
	return true;
}

static int64_t deadline_of(const struct decider *d, const struct procedure_step *step)
{
	const struct progress_step *s = &d->progress->steps[step->index];
	return step->within_ms < 0 || s->turn_ms == TIME_NEVER_MS
	               ? TIME_NEVER_MS
	               : time_add(s->turn_ms, step->within_ms);
}

// true where the party's time is up and the procedure says what follows.
static bool deadline_passed(struct decider *d, const struct procedure_step *step)
{
	if (deadline_of(d, step) > d->now_ms ||
	        d->progress->steps[step->index].forward.state == DEED_ACTED)
		return false;
	struct move *m;
	switch (step->otherwise) {
	case PROCEDURE_ELSE_SKIP:
		m = move_add(d, MOVE_SKIP, step, false);
		say(m, "its deadline passed; the change goes on without it");
		return true;
	case PROCEDURE_ELSE_BRANCH:
		m = move_add(d, MOVE_BRANCH, step, false);
		m->line = step->branch;
		say(m, "its deadline passed");
		return true;
	case PROCEDURE_ELSE_NOTHING:
	case PROCEDURE_ELSE_ASK:
	default:
		return false;
	}
}

static bool is_under_way(const struct deed *deed)
{
	return deed->state == DEED_INTENDED || deed->state == DEED_UNKNOWN ||
	       deed->state == DEED_ACTED;
}

// After a refusal: the pause doubles with each attempt, from two polls up to an hour.
static bool rests_after_refusal(
        struct decider *d, const struct procedure_step *step, bool undo, const struct deed *deed)
{
	if (deed->state != DEED_REFUSED)
		return false;
	int64_t pause_ms = 2 * d->in->definition->poll_ms;
	for (unsigned i = 1; i < deed->attempts && pause_ms < HOUR_MS; i++)
		pause_ms *= 2;
	int64_t again_ms = deed->tried_ms + (pause_ms < HOUR_MS ? pause_ms : HOUR_MS);
	if (again_ms <= d->now_ms)
		return false;
	struct move *m = move_add(d, MOVE_STUCK, step, undo);
	char at[TIME_TEXT];
	m->until_ms = again_ms;
	snprintf(m->text, sizeof m->text, "attempt %u failed: %s; it is tried again at %s",
	        deed->attempts, deed->reason, time_format(again_ms, at));
	return true;
}

static enum result decide_effect(struct decider *d, const struct procedure_step *step, bool undo)
{
	const struct progress_step *s = &d->progress->steps[step->index];
	const struct deed *deed = undo ? &s->back : &s->forward;
	const struct procedure_act *acts = undo ? step->undo.acts : step->acts;
	size_t count = undo ? step->undo.act_count : step->act_count;
	struct safety_effect left;
	uint32_t touched, shown;
	struct error inner = {0};
	enum result result =
	        change_effect_shown(d->in, acts, count, &left, &touched, &shown, &inner);
	if (result != RESULT_OK) {
		struct move *m = move_add(d, MOVE_STUCK, step, undo);
		say(m, inner.text);
		return result == RESULT_MEMORY ? error_set(d->err, result, "%s", inner.text)
		                               : RESULT_OK;
	}
	bool mine_shown = deed->errand >= 0 && (shown >> deed->errand & 1) != 0;
	if (shown == touched || (is_under_way(deed) && mine_shown)) {
		struct move *m = move_add(d, MOVE_SEEN, step, undo);
		m->publishers = shown;
		m->is_all = shown == touched;
		say(m, "every address shows it");
		return RESULT_OK;
	}
	if (left.count == 0 || deed->state == DEED_ACTED || (s->said_done && is_under_way(deed))) {
		struct move *m = move_add(d, MOVE_OBSERVE, step, undo);
		say(m, left.count == 0 ? "not every address shows it yet"
		                       : "done, as is said; no address shows it yet");
		return RESULT_OK;
	}
	if (is_under_way(deed) && settle_unknown(d, step, undo, deed))
		return RESULT_OK;
	if (rests_after_refusal(d, step, undo, deed))
		return RESULT_OK;
	if (!undo) {
		if (deadline_passed(d, step))
			return RESULT_OK;
		uint32_t missing = approvals_missing(d, step);
		if (missing != 0)
			ask_approval(d, step, missing);
	}
	if (d->something_under_way && !is_under_way(deed)) {
		struct move *m = move_add(d, MOVE_WAIT, step, undo);
		say(m, "another step is under way, whose effect is not seen everywhere yet");
		return RESULT_OK;
	}
	if (wait_for_evidence(d, step, undo))
		return RESULT_OK;
	struct safety_window window;
	bool safe = false;
	result = ask_model(d, step, undo, &left, &window, &safe);
	if (result != RESULT_OK || !safe || (!undo && approvals_missing(d, step) != 0))
		return result;
	if (!undo && s->turn_ms == TIME_NEVER_MS)
		move_add(d, MOVE_TURN, step, undo);
	go(d, step, undo, deed, &left, &window);
	return RESULT_OK;
}

// ---- All steps -------------------------------------------------------------------------------

static bool is_ready(const struct decider *d, const struct procedure_step *step)
{
	for (size_t i = 0; i < step->after_count; i++)
		if (!progress_is_over(d->progress, step->after[i]))
			return false;
	return true;
}

static enum result decide_step(struct decider *d, const struct procedure_step *step)
{
	size_t first = d->out->count;
	enum result result = RESULT_OK;
	if (procedure_acts_have_effect(step->acts, step->act_count))
		result = decide_effect(d, step, false);
	else if (!deadline_passed(d, step)) {
		if (d->progress->steps[step->index].turn_ms == TIME_NEVER_MS)
			move_add(d, MOVE_TURN, step, false);
		decide_without_effect(d, step);
	}
	for (size_t i = first; i < d->out->count; i++)
		d->out->moves[i].deadline_ms = deadline_of(d, step);
	return result;
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
		if (is_ready(d, step))
			result = decide_step(d, step);
	}
	d->out->is_finished = !left;
	return result;
}

// The step to be undone next: the last one done, down to the one asked for. -1: there is none left.
static int next_to_undo(const struct decider *d)
{
	int last = -1;
	const struct progress_step *s = d->progress->steps;
	for (size_t i = 0; i < d->p->step_count; i++) {
		bool touched =
		        s[i].forward.state != DEED_NOT_BEGUN || s[i].forward.errands_done != 0;
		bool later = (int)i >= d->progress->undo_to ||
		             d->p->steps[i].line_of != d->p->steps[d->progress->undo_to].line_of;
		if (touched && later &&
		        (last < 0 || s[i].forward.everywhere_ms >= s[last].forward.everywhere_ms))
			last = (int)i;
	}
	return last;
}

static enum result decide_back(struct decider *d)
{
	int number = next_to_undo(d);
	if (number < 0)
		return RESULT_OK;
	const struct procedure_step *step = &d->p->steps[number];
	struct move *m;
	switch (step->undo.kind) {
	case PROCEDURE_UNDO_NOTHING:
		m = move_add(d, MOVE_SEEN, step, true);
		m->is_all = true;
		say(m, "there is nothing to undo in it");
		return RESULT_OK;
	case PROCEDURE_UNDO_NONE:
	case PROCEDURE_UNDO_UNSAID:
		m = move_add(d, MOVE_STUCK, step, true);
		snprintf(m->text, sizeof m->text, "there is no way back: %s", step->undo.text);
		return RESULT_OK;
	case PROCEDURE_UNDO_ACTS:
	default:
		if (procedure_acts_have_effect(step->undo.acts, step->undo.act_count))
			return decide_effect(d, step, true);
		m = move_add(d, MOVE_SEEN, step, true);
		m->is_all = true;
		say(m, "its undo has no effect in the DNS");
		return RESULT_OK;
	}
}

enum result decide(const struct decide_input *input, struct decision *decision, struct error *err)
{
	decision->count = 0;
	decision->is_finished = false;
	struct decider d = {.in = input,
	        .out = decision,
	        .p = input->definition->procedure,
	        .progress = input->progress,
	        .now_ms = input->world->now_ms,
	        .err = err};
	for (size_t i = 0; i < d.p->step_count; i++) {
		const struct progress_step *s = &input->progress->steps[i];
		bool effect =
		        procedure_acts_have_effect(d.p->steps[i].acts, d.p->steps[i].act_count);
		d.something_under_way |=
		        effect && (is_under_way(&s->forward) || is_under_way(&s->back));
	}
	return input->progress->undo_to >= 0 ? decide_back(&d) : decide_forward(&d);
}
