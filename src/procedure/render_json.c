// Plans and reports for programs.
#include "procedure/render.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/json.h"

// Every json_* call below may fail for want of memory and then gives NULL, which the _new setters
// refuse; `failed` remembers that.
struct writer {
	const struct plan *plan;
	bool failed;
};

static void set(struct writer *w, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		w->failed = true;
}

static void append(struct writer *w, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		w->failed = true;
}

static void set_text(struct writer *w, json_t *object, const char *key, const char *text)
{
	set(w, object, key, json_string(text != NULL ? text : ""));
}

// An instant as text, null where there is none.
static void set_instant(struct writer *w, json_t *object, const char *key, int64_t at_ms)
{
	char text[TIME_TEXT + DURATION_TEXT];
	if (at_ms == TIME_NEVER_MS || at_ms == TIME_EVER_MS)
		set(w, object, key, json_null());
	else if (w->plan->scenario.relative)
		set(w, object, key, json_string(duration_format(at_ms, text)));
	else
		set(w, object, key, json_string(time_format(at_ms, text)));
}

static void set_octets(struct writer *w, json_t *object, const char *key, int octets)
{
	set(w, object, key, octets >= 0 ? json_integer(octets) : json_null());
}

static void set_parties(struct writer *w, json_t *object, const char *key,
        const struct procedure *p, uint32_t parties)
{
	json_t *array = json_array();
	for (size_t i = 0; i < p->party_count; i++)
		if (parties >> i & 1)
			append(w, array, json_string(p->parties[i].id));
	set(w, object, key, array);
}

static const char *state_text(enum plan_state state)
{
	static const char *const texts[] = {"planned", "never", "too-late", "not-reached"};
	return texts[state];
}

static json_t *record_object(struct writer *w, const struct plan_record *record)
{
	if (!record->is_set)
		return json_null();
	json_t *object = json_object();
	set_text(w, object, "rule", safety_rule_text(record->rule));
	if (record->publisher >= 0) {
		set_text(w, object, "publisher",
		        safety_publisher_name(&w->plan->history, record->publisher));
		set_text(w, object, "kind", safety_kind_text(record->kind));
		set_instant(w, object, "fetched_before", record->fetch_ms);
		set_instant(w, object, "used_before", record->until_ms);
	}
	set_text(w, object, "text", record->text);
	return object;
}

static json_t *undo_object(struct writer *w, const struct plan_step *step)
{
	json_t *object = json_object();
	set(w, object, "possible", json_boolean(step->undo.possible));
	set(w, object, "takes_ms", json_integer(step->undo.takes_ms));
	set_text(w, object, "reason", step->undo.text);
	return object;
}

static json_t *acts_array(struct writer *w, const struct procedure_step *step)
{
	json_t *array = json_array();
	for (size_t i = 0; i < step->act_count; i++)
		append(w, array, json_string(step->acts[i].text));
	return array;
}

static json_t *waits_array(struct writer *w, const struct procedure_step *step)
{
	json_t *array = json_array();
	for (size_t i = 0; i < step->wait_count; i++)
		append(w, array, json_string(step->waits[i].text));
	return array;
}

static json_t *step_object(struct writer *w, const struct plan_step *step)
{
	const struct procedure *p = w->plan->procedure;
	const struct procedure_step *s = step->step;
	json_t *object = json_object();
	set_text(w, object, "id", s->id);
	set_text(w, object, "title", s->title);
	set_text(w, object, "by", p->parties[s->by].id);
	set(w, object, "does", acts_array(w, s));
	set_text(w, object, "state", state_text(step->state));
	set_instant(w, object, "ready", step->ready_ms);
	set_instant(w, object, "wait_until", step->wait_ms);
	set(w, object, "wait", waits_array(w, s));
	set_instant(w, object, "safe_from", step->safe_ms);
	set_instant(w, object, "safe_until", step->until_ms);
	set_instant(w, object, "start", step->start_ms);
	set_instant(w, object, "everywhere", step->everywhere_ms);
	set_instant(w, object, "deadline", step->deadline_ms);
	set_parties(w, object, "approve", p, s->approve);
	set_parties(w, object, "tell", p, s->tell);
	set_octets(w, object, "dnskey_octets", step->dnskey_octets);
	set(w, object, "makes_insecure", json_boolean(step->makes_insecure));
	set(w, object, "no_way_back", json_boolean(step->no_way_back));
	set(w, object, "undo", undo_object(w, step));
	set(w, object, "waits_for", record_object(w, &step->record));
	set(w, object, "ends_with", record_object(w, &step->end));
	return object;
}

static enum result dump(
        json_t *root, bool failed, size_t flags, struct buffer *out, struct error *err)
{
	char *text = failed ? NULL : json_dumps(root, flags | JSON_PRESERVE_ORDER);
	json_decref(root);
	if (text == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for JSON");
	buffer_puts(out, text);
	buffer_puts(out, "\n");
	free(text);
	return out->failed ? error_set(err, RESULT_LIMIT, "the JSON is too large") : RESULT_OK;
}

enum result plan_write_json(const struct plan *plan, const struct render_context *context,
        struct buffer *out, struct error *err)
{
	struct writer w = {.plan = plan};
	json_t *root = json_object(), *steps = json_array();
	set_text(&w, root, "procedure", plan->procedure->id);
	set_text(&w, root, "title", plan->procedure->title);
	set_text(&w, root, "zone", context != NULL ? context->zone : "");
	set_text(&w, root, "route", plan->route.label);
	set(&w, root, "ok", json_boolean(plan->objection == NULL));
	set(&w, root, "possible", json_boolean(plan->possible));
	set(&w, root, "objection",
	        plan->objection != NULL ? json_text(plan->objection) : json_null());
	set_instant(&w, root, "start", plan->scenario.start_ms);
	set_instant(&w, root, "end", plan->end_ms);
	set(&w, root, "insecure_ms", json_integer(plan->insecure_ms));
	set_octets(&w, root, "dnskey_octets_before", plan->dnskey_octets_before);
	set_octets(&w, root, "dnskey_octets_largest", plan->dnskey_octets_largest);
	for (int i = 0; i < SAFETY_PATHS; i++)
		set_text(&w, root, safety_path_text((enum safety_path)i),
		        safety_word_text(plan->verdict.path[i].word));
	int worst = plan->verdict.path[1].word > plan->verdict.path[0].word;
	set_text(&w, root, "witness", plan->witness[worst]);
	if (plan->broken)
		set_text(&w, root, "broken", plan->broken_text);
	for (size_t i = 0; i < plan->count; i++)
		append(&w, steps, step_object(&w, &plan->steps[i]));
	set(&w, root, "steps", steps);
	return dump(root, w.failed, JSON_INDENT(2), out, err);
}

static json_t *route_object(struct writer *w, const struct check_route *route)
{
	json_t *object = json_object();
	set_text(w, object, "route", route->route->label);
	set(w, object, "ok", json_boolean(route->ok));
	for (int i = 0; i < SAFETY_PATHS; i++)
		set_text(w, object, safety_path_text((enum safety_path)i),
		        safety_word_text(route->word[i]));
	int worst = route->word[1] > route->word[0];
	set_text(w, object, "witness", route->witness[worst]);
	set(w, object, "corners", json_integer((json_int_t)route->corners));
	set(w, object, "insecure_ms", json_integer(route->insecure_ms));
	set(w, object, "shortest_ms", json_integer(route->shortest_ms));
	set(w, object, "longest_ms", json_integer(route->longest_ms));
	return object;
}

static json_t *finding_object(struct writer *w, const struct check_finding *f)
{
	json_t *object = json_object();
	set_text(w, object, "code", check_code_text(f->code));
	set_text(w, object, "severity", check_severity_text(f->severity));
	set_text(w, object, "route", f->route);
	if (f->step != NULL) {
		set_text(w, object, "step", f->step->id);
		set(w, object, "file", json_text(f->step->file));
		set(w, object, "line", json_integer(f->step->line));
	}
	if (f->code == CHECK_EARLY) {
		set(w, object, "short_best_ms", json_integer(f->short_best_ms));
		set(w, object, "short_worst_ms", json_integer(f->short_worst_ms));
	}
	set_text(w, object, "text", f->text);
	return object;
}

enum result check_write_json(const struct procedure *procedure, const struct check_report *report,
        struct buffer *out, struct error *err)
{
	struct writer w = {0};
	const struct check_route *main = &report->routes[0];
	json_t *root = json_object(), *routes = json_array(), *findings = json_array();
	set_text(&w, root, "name", procedure->id);
	set(&w, root, "file", json_text(procedure->file));
	set(&w, root, "ok", json_boolean(report->ok));
	for (int i = 0; i < SAFETY_PATHS; i++)
		set_text(&w, root, safety_path_text((enum safety_path)i),
		        safety_word_text(main->word[i]));
	set_text(&w, root, "witness", main->witness[main->word[1] > main->word[0]]);
	for (size_t i = 0; i < report->route_count; i++)
		append(&w, routes, route_object(&w, &report->routes[i]));
	for (size_t i = 0; i < report->finding_count; i++)
		append(&w, findings, finding_object(&w, &report->findings[i]));
	set(&w, root, "routes", routes);
	set(&w, root, "findings", findings);
	return dump(root, w.failed, JSON_COMPACT, out, err);
}
