#include "procedure/check.h"

#include "procedure/checker.h"

#include <stdio.h>
#include <string.h>

const char *check_code_text(enum check_code code)
{
	static const char *const texts[CHECK_CODES] = {[CHECK_VERDICT] = "verdict",
	        [CHECK_EARLY] = "early",
	        [CHECK_NEVER] = "never",
	        [CHECK_TOO_LATE] = "too-late",
	        [CHECK_BROKEN_START] = "broken-start",
	        [CHECK_UNDO_REFUSED] = "undo-refused",
	        [CHECK_UNDO_UNSAFE] = "undo-unsafe",
	        [CHECK_UNDO_STICKY] = "undo-sticky",
	        [CHECK_UNDO_DIFFERS] = "undo-differs",
	        [CHECK_NO_APPROVAL] = "no-approval",
	        [CHECK_DS_WITHOUT_KEY] = "ds-without-key",
	        [CHECK_ALGORITHMS] = "algorithms",
	        [CHECK_DIGESTS] = "digests",
	        [CHECK_LARGE_DNSKEY] = "large-dnskey",
	        [CHECK_NO_CHANGE] = "no-change",
	        [CHECK_FOREIGN_HAND] = "foreign-hand",
	        [CHECK_NO_UNDO] = "no-undo",
	        [CHECK_NO_DEADLINE] = "no-deadline",
	        [CHECK_NO_HEADROOM] = "no-headroom"};
	return texts[code];
}

const char *check_severity_text(enum check_severity severity)
{
	static const char *const texts[] = {"note", "warning", "error"};
	return texts[severity];
}

static enum result no_memory(struct checker *checker)
{
	return error_set(checker->err, RESULT_MEMORY, "no memory for a check");
}

// --- Steps that come too early, or never

static const struct plan_step *find_step(const struct plan *plan, const struct procedure_step *step)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].step == step)
			return &plan->steps[i];
	return NULL;
}

// "the wait 'ttl(parent.ds)' ends", to be followed by how much too early.
static const char *waits_as_written(struct checker *checker, const struct procedure_step *step)
{
	if (step->wait_count == 0)
		return "nothing is waited for, which is";
	struct buffer text = buffer_init(1500);
	for (size_t i = 0; i < step->wait_count; i++)
		buffer_printf(&text, "%s%s", i > 0 ? "; " : "", step->waits[i].text);
	const char *copy = arena_printf(checker->arena, "the wait '%s' ends", buffer_text(&text));
	buffer_free(&text);
	return copy != NULL ? copy : "the wait ends";
}

static enum result add_early(struct checker *checker, const struct procedure_route *route,
        const struct procedure_step *step, const struct earliness *e,
        const struct plan_step *planned)
{
	char best[DURATION_TEXT], worst[DURATION_TEXT];
	const char *wait = waits_as_written(checker, step);
	const char *because = planned->record.is_set ? planned->record.text : "";
	struct check_finding *f = NULL;
	enum check_severity severity = checker->p->as_written ? CHECK_WARNING : CHECK_NOTE;
	enum result result;
	duration_format(e->worst_ms, worst);
	if (e->best_ms == 0)
		result = finding_add(checker, CHECK_EARLY, severity, step, route, &f,
		        "step '%s': %s too early by %s with the propagation that is allowed, "
		        "though "
		        "not where changes are everywhere at once: %s",
		        step->id, wait, worst, because);
	else
		result = finding_add(checker, CHECK_EARLY, severity, step, route, &f,
		        "step '%s': %s too early by %s even where changes are everywhere at once "
		        "(by %s at worst): %s",
		        step->id, wait, duration_format(e->best_ms, best), worst, because);
	if (f != NULL) {
		f->short_best_ms = e->best_ms;
		f->short_worst_ms = e->worst_ms;
		f->record = planned->record;
	}
	return result;
}

static enum result add_stuck(struct checker *checker, const struct procedure_route *route,
        const struct plan_step *planned)
{
	bool late = planned->state == PLAN_STEP_TOO_LATE;
	const struct plan_record *record = late ? &planned->end : &planned->record;
	struct check_finding *f = NULL;
	enum check_severity severity = checker->p->as_written ? CHECK_WARNING : CHECK_ERROR;
	enum result result = finding_add(checker, late ? CHECK_TOO_LATE : CHECK_NEVER, severity,
	        planned->step, route, &f, "step '%s' %s: %s", planned->step->id,
	        late ? "can be done only before it is possible" : "is never safe",
	        record->is_set ? record->text : "no instant is safe");
	if (f != NULL)
		f->record = *record;
	return result;
}

// Walks the corner in question once more, with texts.
static enum result explain_early(struct checker *checker, const struct procedure_route *route,
        enum walk_mode mode, const struct procedure_step *step, const struct earliness *e)
{
	struct plan *plan;
	enum result result = plan_run(checker->arena, checker->p, checker->s, route, mode,
	        (struct propagation){e->worst_slow, UINT64_MAX}, &plan, checker->err);
	if (result != RESULT_OK)
		return result;
	const struct plan_step *planned = find_step(plan, step);
	if (planned != NULL)
		result = add_early(checker, route, step, e, planned);
	plan_free(plan);
	return result;
}

static enum result explain_stuck(struct checker *checker, const struct procedure_route *route,
        enum walk_mode mode, uint64_t slow)
{
	struct plan *plan;
	enum result result = plan_run(checker->arena, checker->p, checker->s, route, mode,
	        (struct propagation){slow, UINT64_MAX}, &plan, checker->err);
	if (result != RESULT_OK)
		return result;
	for (size_t i = 0; i < plan->count && result == RESULT_OK; i++)
		if (plan->steps[i].state == PLAN_STEP_NEVER ||
		        plan->steps[i].state == PLAN_STEP_TOO_LATE)
			result = add_stuck(checker, route, &plan->steps[i]);
	plan_free(plan);
	return result;
}

static enum result explain_early_steps(struct checker *checker, const struct procedure_route *route,
        enum walk_mode mode, const struct corners *corners)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < checker->p->step_count && result == RESULT_OK; i++) {
		const struct earliness *e = &corners->steps[i];
		if (e->seen && e->worst_ms > 0 && e->worst_ms != TIME_NEVER_MS)
			result = explain_early(checker, route, mode, &checker->p->steps[i], e);
	}
	if (result == RESULT_OK && corners->stuck)
		result = explain_stuck(checker, route, mode, corners->stuck_slow);
	return result;
}

// --- The way back

static enum result add_undo(struct checker *checker, const struct check_route *r,
        const struct procedure_step *step, const struct way_back *back)
{
	struct plan *plan;
	enum result result = plan_run(checker->arena, checker->p, checker->s, r->route,
	        WALK_COMPUTED, back->refused_at, &plan, checker->err);
	if (result != RESULT_OK)
		return result;
	const struct plan_step *planned = find_step(plan, step);
	if (planned != NULL && !planned->undo.possible)
		result = finding_add(checker, CHECK_UNDO_REFUSED, CHECK_WARNING, step, r->route,
		        NULL, "after step '%s' there is no way back: %s", step->id,
		        planned->undo.text);
	plan_free(plan);
	return result;
}

// The sentence about the worst that resolvers find where a walk stands, after it has gone back.
static const char *sentence_of(struct checker *checker, const struct walk *w,
        const struct walk_undo *undo, const struct safety_readers *readers)
{
	struct safety_verdict v;
	int64_t until_ms = time_add(undo->end_ms, safety_memory_ms(&w->history, readers));
	if (safety_judge(&w->history, readers, w->s->start_ms, until_ms, &v) != RESULT_OK)
		return NULL;
	int worst = v.path[SAFETY_FORWARDER].word > v.path[SAFETY_DIRECT].word ? SAFETY_FORWARDER
	                                                                       : SAFETY_DIRECT;
	struct buffer text = buffer_init(4000);
	if (v.path[worst].word != SAFETY_SAFE)
		safety_fault_text(&w->history, &v.path[worst].fault,
		        w->s->relative ? SAFETY_TIME_RELATIVE : SAFETY_TIME_UTC, &text);
	const char *copy = arena_strdup(checker->arena, buffer_text(&text));
	buffer_free(&text);
	return copy;
}

// Goes there and back once more, with names.
static enum result explain_back(struct checker *checker, const struct procedure_route *route,
        const struct procedure_step *step, struct propagation way,
        const struct safety_readers *readers, const char **sentence)
{
	struct walk w;
	struct walk_undo undo;
	enum result result =
	        walk_begin(&w, checker->p, checker->s, route, WALK_COMPUTED, true, checker->err);
	if (result != RESULT_OK)
		return result;
	for (bool there = false; result == RESULT_OK && !there && !walk_is_over(&w);) {
		struct walk_choice c = {0};
		result = walk_choose(&w, &c, checker->err);
		if (result != RESULT_OK || c.state != PLAN_STEP_PLANNED)
			break;
		result = walk_apply(&w, &c, is_slow(way.there, c.position), checker->err);
		there = c.step == step;
	}
	if (result == RESULT_OK)
		result = walk_back(&w, way.back, &undo, checker->err);
	if (result == RESULT_OK) {
		*sentence = sentence_of(checker, &w, &undo, readers);
		result = *sentence != NULL ? RESULT_OK : no_memory(checker);
	}
	walk_end(&w);
	return result;
}

static enum result add_unsafe_undo(struct checker *checker, const struct check_route *r,
        const struct procedure_step *step, const struct way_back *back)
{
	const char *sentence = "";
	enum result result = explain_back(
	        checker, r->route, step, back->word_at, &checker->s->readers, &sentence);
	if (result != RESULT_OK)
		return result;
	return finding_add(checker, CHECK_UNDO_UNSAFE,
	        back->word == SAFETY_INSECURE ? CHECK_WARNING : CHECK_ERROR, step, r->route, NULL,
	        "after step '%s' the way back makes the zone %s: %s", step->id,
	        safety_word_text(back->word), sentence);
}

static enum result add_sticky_undo(struct checker *checker, const struct check_route *r,
        const struct procedure_step *step, const struct way_back *back)
{
	const char *sentence = "";
	struct safety_readers sticky = checker->s->readers;
	sticky.ns = SAFETY_NS_STICKY;
	enum result result =
	        explain_back(checker, r->route, step, back->sticky_at, &sticky, &sentence);
	if (result != RESULT_OK)
		return result;
	return finding_add(checker, CHECK_UNDO_STICKY, CHECK_WARNING, step, r->route, NULL,
	        "after step '%s' the way back makes the zone %s for resolvers that renew its NS "
	        "set "
	        "with every answer: the servers that they were sent to go on naming themselves. On "
	        "the way back let these name the servers of before: %s",
	        step->id, safety_word_text(back->sticky_word), sentence);
}

static enum result check_way_back(
        struct checker *checker, const struct check_route *r, const struct corners *corners)
{
	enum safety_word fine = SAFETY_SAFE;
	for (int i = 0; i < SAFETY_PATHS; i++)
		fine = r->word[i] > fine ? r->word[i] : fine;
	enum result result = RESULT_OK;
	for (size_t i = 0; i < checker->p->step_count && result == RESULT_OK; i++) {
		const struct way_back *back = &corners->back[i];
		const struct procedure_step *step = &checker->p->steps[i];
		if (back->refused)
			result = add_undo(checker, r, step, back);
		if (result == RESULT_OK && back->word > fine)
			result = add_unsafe_undo(checker, r, step, back);
		if (result == RESULT_OK && back->sticky_word > fine)
			result = add_sticky_undo(checker, r, step, back);
	}
	return result;
}

// --- One route

static enum result set_witness(struct checker *checker, struct check_route *r, enum walk_mode mode,
        const struct corners *corners)
{
	for (int i = 0; i < SAFETY_PATHS; i++) {
		r->word[i] = corners->word[i];
		r->witness[i] = "";
		if (r->word[i] == SAFETY_SAFE)
			continue;
		if (i > 0 && corners->slow[i] == corners->slow[0] &&
		        corners->word[0] == SAFETY_SAFE)
			continue;
		struct plan *plan;
		enum result result = plan_run(checker->arena, checker->p, checker->s, r->route,
		        mode, (struct propagation){corners->slow[i], UINT64_MAX}, &plan,
		        checker->err);
		if (result != RESULT_OK)
			return result;
		r->witness[i] = plan->witness[i];
		plan_free(plan);
	}
	return RESULT_OK;
}

static const char *corner_text(uint64_t slow, const struct procedure_route *route)
{
	uint64_t all = route->count >= 64 ? UINT64_MAX : (UINT64_C(1) << route->count) - 1;
	return (slow & all) == 0 ? "with every change everywhere at once"
	                         : "with changes as slow as allowed";
}

static enum result add_verdict(
        struct checker *checker, const struct check_route *r, const struct corners *corners)
{
	int worst = r->word[SAFETY_FORWARDER] > r->word[SAFETY_DIRECT] ? SAFETY_FORWARDER
	                                                               : SAFETY_DIRECT;
	return finding_add(checker, CHECK_VERDICT, CHECK_ERROR, NULL, r->route, NULL,
	        "%s%sresolvers find the zone %s %s, expected %s: %s", r->route->label,
	        r->route->label[0] != '\0' ? ": " : "", safety_word_text(r->word[worst]),
	        corner_text(corners->slow[worst], r->route), safety_word_text(r->expect[worst]),
	        r->witness[worst][0] != '\0' ? r->witness[worst] : "nothing is wrong");
}

static enum result check_route(
        struct checker *checker, struct check_route *r, struct corners *corners)
{
	enum walk_mode mode = checker->p->as_written ? WALK_LITERAL : WALK_COMPUTED;
	enum result result = corners_run(checker, r->route, mode, corners);
	if (result == RESULT_OK)
		result = set_witness(checker, r, mode, corners);
	if (result != RESULT_OK)
		return result;
	r->corners = corners->count;
	r->insecure_ms = corners->insecure_ms;
	r->shortest_ms = corners->shortest_ms;
	r->longest_ms = corners->longest_ms;
	r->ok = !corners->stuck;
	for (int i = 0; i < SAFETY_PATHS; i++) {
		r->expect[i] = r->route->has_expect ? r->route->expect[i] : SAFETY_SAFE;
		r->ok = r->ok && r->word[i] == r->expect[i];
	}
	if (!r->ok && !corners->stuck)
		result = add_verdict(checker, r, corners);
	if (result == RESULT_OK)
		result = check_way_back(checker, r, corners);
	if (result == RESULT_OK && checker->p->as_written) {
		mode = WALK_MENDED;
		result = corners_run(checker, r->route, mode, corners);
	}
	if (result == RESULT_OK)
		result = explain_early_steps(checker, r->route, mode, corners);
	return result == RESULT_OK ? findings_of_route(checker, r->route) : result;
}

static enum result report_begin(struct checker *checker)
{
	const struct procedure_route *routes;
	struct check_report *report = checker->report;
	enum result result = procedure_routes(
	        checker->arena, checker->p, &routes, &report->route_count, checker->err);
	if (result != RESULT_OK)
		return result;
	report->routes = arena_array(checker->arena, report->route_count, sizeof *report->routes);
	report->findings =
	        arena_array(checker->arena, CHECK_MAX_FINDINGS, sizeof *report->findings);
	if (report->routes == NULL || report->findings == NULL)
		return no_memory(checker);
	for (size_t i = 0; i < report->route_count; i++)
		report->routes[i].route = &routes[i];
	return RESULT_OK;
}

enum result check_procedure(struct arena *arena, const struct procedure *procedure,
        const struct scenario *scenario, struct check_report *report, struct error *err)
{
	struct check_report r = {.ok = true};
	struct checker checker = {
	        .arena = arena, .p = procedure, .s = scenario, .err = err, .report = &r};
	struct corners *corners = arena_alloc(arena, sizeof *corners);
	if (corners == NULL)
		return no_memory(&checker);
	enum result result = report_begin(&checker);
	for (size_t i = 0; i < r.route_count && result == RESULT_OK; i++)
		result = check_route(&checker, &r.routes[i], corners);
	if (result != RESULT_OK)
		return result;
	for (size_t i = 0; i < r.route_count; i++)
		r.ok = r.ok && r.routes[i].ok;
	for (size_t i = 0; i < r.finding_count; i++)
		r.ok = r.ok && r.findings[i].severity != CHECK_ERROR;
	*report = r;
	return RESULT_OK;
}
