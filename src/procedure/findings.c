// What can be said about a procedure beside its verdict.
#include "procedure/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum result finding_add(struct checker *checker, enum check_code code, enum check_severity severity,
        const struct procedure_step *step, const struct procedure_route *route,
        struct check_finding **out, const char *format, ...)
{
	struct check_report *report = checker->report;
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].code == code && report->findings[i].step == step &&
		        (step != NULL || code != CHECK_VERDICT))
			return RESULT_OK;
	if (report->finding_count == CHECK_MAX_FINDINGS)
		return RESULT_OK;
	char text[2000];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	struct check_finding *f = &report->findings[report->finding_count];
	*f = (struct check_finding){
	        .code = code, .severity = severity, .step = step, .route = route->label};
	f->text = arena_strdup(checker->arena, text);
	if (f->text == NULL)
		return error_set(checker->err, RESULT_MEMORY, "no memory for a check");
	report->finding_count++;
	if (out != NULL)
		*out = f;
	return RESULT_OK;
}

// --- Keys

static const char *name_of_key(const struct plan *plan, int key)
{
	return safety_key_name(&plan->history, key);
}

// A parent that checks refuses a DS record whose key is in no DNSKEY set of the delegated zone.
static enum result check_ds_has_key(struct checker *checker, const struct plan *plan,
        const struct plan_step *step, const struct safety_change *change)
{
	const struct safety_history *h = &plan->history;
	uint64_t delegated = 0, missing = 0;
	for (size_t i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		bool visible = e->from_ms <= step->start_ms && step->start_ms < e->until_ms;
		if (visible && e->publisher == 0 && e->kind == SAFETY_NS &&
		        e->from_ms < step->start_ms)
			delegated |= e->content;
	}
	for (uint64_t ds = change->content; ds != 0; ds &= ds - 1) {
		int key = h->ds_key[__builtin_ctzll(ds)];
		for (size_t i = 0; i < h->count; i++) {
			const struct safety_edition *e = &h->editions[i];
			bool visible = e->from_ms <= step->start_ms && step->start_ms < e->until_ms;
			if (visible && e->kind == SAFETY_DNSKEY &&
			        (delegated >> e->publisher & 1) && (e->content >> key & 1) == 0)
				missing |= UINT64_C(1) << key;
		}
	}
	if (missing == 0 || (step->step->waives & PROCEDURE_WAIVE_DS_WITHOUT_KEY))
		return RESULT_OK;
	return finding_add(checker, CHECK_DS_WITHOUT_KEY, CHECK_WARNING, step->step, &plan->route,
	        NULL,
	        "step '%s': the DS set refers to %s, which is not in the DNSKEY set on every "
	        "server of the "
	        "delegated zone; a parent that checks refuses it. Publish the key there before, or "
	        "waive "
	        "ds-without-key with the parent's consent.",
	        step->step->id, name_of_key(plan, __builtin_ctzll(missing)));
}

// DS records that were in the set before are no news.
static enum result check_new_ds(
        struct checker *checker, const struct plan *plan, const struct plan_step *step)
{
	for (size_t i = 0; i < step->effect.count; i++) {
		struct safety_change change = step->effect.changes[i];
		if (change.kind != SAFETY_DS)
			continue;
		for (size_t e = 0; e < plan->history.count; e++) {
			const struct safety_edition *before = &plan->history.editions[e];
			if (before->kind == SAFETY_DS && before->from_ms < step->start_ms &&
			        step->start_ms < before->until_ms)
				change.content &= ~before->content;
		}
		enum result result = check_ds_has_key(checker, plan, step, &change);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

// How the procedure calls a key of the history.
static const char *key_id(
        const struct procedure *p, const struct procedure_binding *binding, int key)
{
	for (size_t i = 0; i < p->key_count; i++)
		if (binding->keys[i] >> key & 1)
			return p->keys[i].id;
	return "a key";
}

// The keys of the DS set that is served last.
static uint64_t keys_of_ds(const struct safety_history *h)
{
	const struct safety_edition *now = safety_current(h, 0, SAFETY_DS);
	uint64_t keys = 0;
	for (uint64_t ds = now != NULL ? now->content : 0; ds != 0; ds &= ds - 1)
		keys |= UINT64_C(1) << h->ds_key[__builtin_ctzll(ds)];
	return keys;
}

// A key leaves a DNSKEY set of the delegated zone, and the DS set still refers to it: a parent that
// looks at its delegations finds this wrong. Steps happen one after the other, so that what is
// current before the step is what was before its first edition.
static enum result check_key_has_ds(struct checker *checker, const struct walk *before,
        const struct procedure_step *step, const struct safety_effect *effect,
        const struct procedure_route *route)
{
	const struct safety_history *h = &before->history;
	const struct safety_edition *ns = safety_current(h, 0, SAFETY_NS);
	uint64_t wanted = keys_of_ds(h);
	for (size_t i = 0; i < effect->count && ns != NULL; i++) {
		const struct safety_change *c = &effect->changes[i];
		const struct safety_edition *now = safety_current(h, c->publisher, SAFETY_DNSKEY);
		if (c->kind != SAFETY_DNSKEY || now == NULL ||
		        (ns->content >> c->publisher & 1) == 0)
			continue;
		uint64_t left = now->content & ~c->content & wanted;
		if (left == 0 || (step->waives & PROCEDURE_WAIVE_DS_WITHOUT_KEY))
			continue;
		return finding_add(checker, CHECK_DS_WITHOUT_KEY, CHECK_WARNING, step, route, NULL,
		        "step '%s': %s leaves the DNSKEY set while the DS set still refers to it; "
		        "a "
		        "parent that checks finds that wrong, and there is no way back through the "
		        "old key. Remove the DS record before, or waive ds-without-key with the "
		        "parent's consent.",
		        step->id, key_id(checker->p, &before->binding, __builtin_ctzll(left)));
	}
	return RESULT_OK;
}

static uint64_t keys_served(const struct safety_history *h)
{
	uint64_t keys = 0;
	for (size_t i = 0; i < h->count; i++) {
		const struct safety_edition *e = &h->editions[i];
		if (e->kind == SAFETY_DNSKEY || e->kind == SAFETY_DATA)
			keys |= e->content;
		if (e->kind == SAFETY_DS)
			for (uint64_t ds = e->content; ds != 0; ds &= ds - 1)
				keys |= UINT64_C(1) << h->ds_key[__builtin_ctzll(ds)];
	}
	return keys;
}

// The worst that readers of one kind find, where a route is gone for the sake of these readers:
// unreachable where it cannot be gone to its end.
static enum result word_for(struct checker *checker, const struct procedure_route *route,
        enum safety_algorithms algorithms, enum safety_word *word)
{
	struct scenario *s = arena_memdup(checker->arena, checker->s, sizeof *s);
	struct plan *plan;
	if (s == NULL)
		return error_set(checker->err, RESULT_MEMORY, "no memory for a check");
	s->readers.algorithms = algorithms;
	enum result result = plan_run(checker->arena, checker->p, s, route,
	        checker->p->as_written ? WALK_LITERAL : WALK_COMPUTED,
	        (struct propagation){UINT64_MAX, UINT64_MAX}, &plan, checker->err);
	if (result != RESULT_OK)
		return result;
	*word = plan->possible ? SAFETY_SAFE : SAFETY_UNREACHABLE;
	for (int i = 0; i < SAFETY_PATHS; i++)
		if (plan->verdict.path[i].word > *word)
			*word = plan->verdict.path[i].word;
	plan_free(plan);
	return RESULT_OK;
}

// Keys of different algorithms are a matter of strict readers only, and only where these find
// worse than others.
static enum result check_algorithms(struct checker *checker, const struct plan *plan, uint64_t keys)
{
	const struct safety_history *h = &plan->history;
	int first = keys != 0 ? __builtin_ctzll(keys) : -1, other = -1;
	for (uint64_t k = keys; k != 0; k &= k - 1)
		if (h->key_algorithm[__builtin_ctzll(k)] != h->key_algorithm[first])
			other = __builtin_ctzll(k);
	if (other < 0 || checker->s->readers.algorithms == SAFETY_LENIENT)
		return RESULT_OK;
	enum safety_word strict = SAFETY_SAFE, lenient = SAFETY_SAFE;
	enum result result = word_for(checker, &plan->route, SAFETY_STRICT, &strict);
	if (result == RESULT_OK)
		result = word_for(checker, &plan->route, SAFETY_LENIENT, &lenient);
	if (result != RESULT_OK || strict <= lenient)
		return result;
	return finding_add(checker, CHECK_ALGORITHMS, CHECK_WARNING, NULL, &plan->route, NULL,
	        "%s has algorithm %d and %s algorithm %d: validators that insist on a signature "
	        "for every algorithm in the DS set fail, and others do not. Use the same "
	        "algorithms, or an algorithm rollover before or after.",
	        name_of_key(plan, first), h->key_algorithm[first], name_of_key(plan, other),
	        h->key_algorithm[other]);
}

static enum result check_digests(struct checker *checker, const struct plan *plan)
{
	const struct safety_history *h = &plan->history;
	enum result result = RESULT_OK;
	int record = -1;
	for (int d = 0; d < h->ds && result == RESULT_OK; d++) {
		bool used = false;
		for (size_t i = 0; i < h->count; i++)
			used = used || (h->editions[i].kind == SAFETY_DS &&
			                       (h->editions[i].content >> d & 1));
		if (used && record < 0)
			record = d;
		if (used && h->ds_digest[d] != h->ds_digest[record])
			result = finding_add(checker, CHECK_DIGESTS, CHECK_WARNING, NULL,
			        &plan->route, NULL,
			        "the DS record of %s has digest type %d and that of %s digest type "
			        "%d: "
			        "validators use only the best digest type in a set and do not see "
			        "the "
			        "others. Use the same types for every key.",
			        name_of_key(plan, h->ds_key[record]), h->ds_digest[record],
			        name_of_key(plan, h->ds_key[d]), h->ds_digest[d]);
	}
	return result;
}

static enum result check_key_kinds(struct checker *checker, const struct plan *plan)
{
	enum result result = check_algorithms(checker, plan, keys_served(&plan->history));
	return result == RESULT_OK ? check_digests(checker, plan) : result;
}

// --- Hands, approvals, undo

static enum result check_hands(
        struct checker *checker, const struct plan *plan, const struct procedure_step *step)
{
	const struct procedure *p = checker->p;
	if (!procedure_party_publishes(p, step->by))
		return RESULT_OK;
	for (size_t i = 0; i < step->act_count; i++) {
		const struct procedure_act *act = &step->acts[i];
		if (act->kind != PROCEDURE_EFFECT || act->party < 0 || act->party == step->by)
			continue;
		return finding_add(checker, CHECK_FOREIGN_HAND, CHECK_WARNING, step, &plan->route,
		        NULL,
		        "step '%s': %s is to change what %s serves (%s); it can only ask for that.",
		        step->id, p->parties[step->by].id, p->parties[act->party].id, act->text);
	}
	return RESULT_OK;
}

static enum result check_approval(
        struct checker *checker, const struct plan *plan, const struct plan_step *step)
{
	bool waived = step->step->waives & PROCEDURE_WAIVE_APPROVAL;
	if (step->step->approve != 0 || waived || checker->p->as_written ||
	        (!step->no_way_back && !step->makes_insecure))
		return RESULT_OK;
	return finding_add(checker, CHECK_NO_APPROVAL, CHECK_WARNING, step->step, &plan->route,
	        NULL,
	        "step '%s': %s, and nobody has to approve it. Name who does, or waive approval "
	        "with a "
	        "reason.",
	        step->step->id,
	        step->no_way_back ? "there is no way back after it" : "it makes the zone insecure");
}

// The step with which it becomes so; what is too large before the procedure begins is no matter of
// the procedure's.
static enum result check_size(struct checker *checker, const struct plan *plan)
{
	int before = plan->dnskey_octets_before;
	for (size_t i = 0; i < plan->count && before >= 0; i++) {
		const struct plan_step *step = &plan->steps[i];
		if (before <= PLAN_DNSKEY_OCTETS && step->dnskey_octets > PLAN_DNSKEY_OCTETS)
			return finding_add(checker, CHECK_LARGE_DNSKEY, CHECK_WARNING, step->step,
			        &plan->route, NULL,
			        "step '%s': the DNSKEY answer becomes %d octets (%d before), more "
			        "than the %d that fit in one datagram everywhere: some resolvers "
			        "have to ask again over TCP.",
			        step->step->id, step->dnskey_octets, before, PLAN_DNSKEY_OCTETS);
	}
	return RESULT_OK;
}

static enum result check_step(
        struct checker *checker, const struct plan *plan, const struct plan_step *step)
{
	if (step->state != PLAN_STEP_PLANNED)
		return RESULT_OK;
	bool effects = procedure_acts_have_effect(step->step->acts, step->step->act_count);
	bool only_copies = true;
	for (size_t i = 0; i < step->step->act_count; i++)
		only_copies =
		        only_copies && (step->step->acts[i].kind != PROCEDURE_EFFECT ||
		                               step->step->acts[i].attribute == PROCEDURE_COPIES);
	enum result result = check_new_ds(checker, plan, step);
	if (result == RESULT_OK && effects && !only_copies && step->effect.count == 0)
		result = finding_add(checker, CHECK_NO_CHANGE, CHECK_WARNING, step->step,
		        &plan->route, NULL, "step '%s' changes nothing: all is so already (%s).",
		        step->step->id, step->step->title);
	if (result == RESULT_OK)
		result = check_hands(checker, plan, step->step);
	if (result == RESULT_OK)
		result = check_approval(checker, plan, step);
	return result;
}

// --- Undo that leads elsewhere

static uint64_t content_after(const struct safety_history *h, const struct safety_effect *undo,
        int publisher, int kind, bool signers)
{
	for (size_t i = 0; i < undo->count; i++)
		if (undo->changes[i].publisher == publisher && undo->changes[i].kind == kind)
			return signers ? undo->changes[i].signers : undo->changes[i].content;
	const struct safety_edition *e = safety_current(h, publisher, (enum safety_kind)kind);
	return e == NULL ? 0 : signers ? e->signers : e->content;
}

// Compares all sets before the step with all sets after the step and its undo.
static bool leads_back(const struct safety_history *before, const struct safety_history *after,
        const struct safety_effect *undo)
{
	static const struct safety_effect nothing;
	for (int publisher = 0; publisher < before->publishers; publisher++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++)
			for (int signers = 0; signers < 2; signers++)
				if (content_after(before, &nothing, publisher, kind, signers) !=
				        content_after(after, undo, publisher, kind, signers))
					return false;
	return true;
}

static enum result check_undo_of(struct checker *checker, const struct walk *before,
        const struct walk *after, const struct procedure_step *step,
        const struct procedure_route *route)
{
	struct safety_effect undo;
	if (step->undo.kind != PROCEDURE_UNDO_ACTS)
		return RESULT_OK;
	enum result result = procedure_effect(checker->p, step->undo.acts, step->undo.act_count,
	        &after->history, &after->binding, &undo, checker->err);
	if (result != RESULT_OK || leads_back(&before->history, &after->history, &undo))
		return result;
	return finding_add(checker, CHECK_UNDO_DIFFERS, CHECK_WARNING, step, route, NULL,
	        "step '%s': its undo does not lead back to what was before it.", step->id);
}

// What is wrong with single steps as sets of keys and servers go, whenever they happen.
static enum result check_sets(struct checker *checker, const struct procedure_route *route)
{
	struct walk w;
	enum result result =
	        walk_begin(&w, checker->p, checker->s, route, WALK_LITERAL, false, checker->err);
	if (result != RESULT_OK)
		return result;
	w.blind = true;
	while (result == RESULT_OK && !walk_is_over(&w)) {
		struct walk before;
		struct walk_choice choice = {0};
		result = walk_copy(&before, &w, checker->err);
		if (result != RESULT_OK)
			break;
		result = walk_choose(&w, &choice, checker->err);
		if (result == RESULT_OK)
			result = walk_apply(&w, &choice, true, checker->err);
		if (result == RESULT_OK)
			result = check_undo_of(checker, &before, &w, choice.step, route);
		if (result == RESULT_OK)
			result = check_key_has_ds(
			        checker, &before, choice.step, &choice.effect, route);
		walk_end(&before);
	}
	walk_end(&w);
	return result;
}

static bool asks_for_headroom(const struct procedure *p)
{
	for (size_t i = 0; i < p->requirement_count; i++)
		if (p->requirements[i].kind == PROCEDURE_SIGNATURES_OUTLAST)
			return true;
	return false;
}

// A published text is asked for what every procedure of ours has to say.
static enum result check_silence(struct checker *checker, const struct procedure_route *route)
{
	size_t undo = 0, deadlines = 0, total = 0;
	for (size_t i = 0; i < checker->p->step_count; i++) {
		const struct procedure_step *step = &checker->p->steps[i];
		undo += step->undo.kind != PROCEDURE_UNDO_UNSAID;
		deadlines += step->within_ms >= 0;
		total++;
	}
	enum result result = RESULT_OK;
	if (undo < total)
		result = finding_add(checker, CHECK_NO_UNDO, CHECK_NOTE, NULL, route, NULL,
		        "%zu of %zu steps do not say how they are undone.", total - undo, total);
	if (result == RESULT_OK && deadlines == 0)
		result = finding_add(checker, CHECK_NO_DEADLINE, CHECK_NOTE, NULL, route, NULL,
		        "no step has a deadline: a party that does nothing stops the change for "
		        "ever.");
	if (result == RESULT_OK && !asks_for_headroom(checker->p))
		result = finding_add(checker, CHECK_NO_HEADROOM, CHECK_NOTE, NULL, route, NULL,
		        "nothing requires that signatures outlast the procedure, its undo and what "
		        "caches keep.");
	return result;
}

enum result findings_of_route(struct checker *checker, const struct procedure_route *route)
{
	struct plan *plan;
	enum walk_mode mode = checker->p->as_written ? WALK_MENDED : WALK_COMPUTED;
	enum result result = plan_run(checker->arena, checker->p, checker->s, route, mode,
	        (struct propagation){UINT64_MAX, UINT64_MAX}, &plan, checker->err);
	if (result != RESULT_OK)
		return result;
	if (plan->broken)
		result = finding_add(checker, CHECK_BROKEN_START, CHECK_WARNING, NULL, route, NULL,
		        "something is wrong before the first step: %s", plan->broken_text);
	for (size_t i = 0; i < plan->count && result == RESULT_OK; i++)
		result = check_step(checker, plan, &plan->steps[i]);
	if (result == RESULT_OK)
		result = check_key_kinds(checker, plan);
	if (result == RESULT_OK)
		result = check_size(checker, plan);
	if (result == RESULT_OK && checker->p->as_written)
		result = check_silence(checker, route);
	plan_free(plan);
	return result == RESULT_OK ? check_sets(checker, route) : result;
}
