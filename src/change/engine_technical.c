// Before the parent is asked for another delegation, or another DS set: the technical checks of the
// delegation as it will be. What fails is recorded and said, and nothing is asked for until it
// passes.
#include <stdio.h>
#include <string.h>

#include "change/engine_internal.h"
#include "change/errand.h"
#include "dns/type.h"

enum {
	ARENA_MAX = 4 << 20,
	AGAIN_MS = 30 * SECOND_MS, // between two looks at what failed
	FRESH_MS = MINUTE_MS,      // so long a delegation that passed counts, beside a poll
};

// Whether the move changes what the parent says of the zone. The way back is not held up: what is
// there again was there before.
static bool touches_delegation(const struct move *m)
{
	if (m->undo || (m->kind != MOVE_ACT && m->kind != MOVE_ASK) || m->publisher > 0)
		return false;
	for (size_t i = 0; i < m->effect.count; i++)
		if (m->effect.changes[i].publisher == 0)
			return true;
	return false;
}

void engine_technical_free(struct change_engine *e)
{
	technical_gather_free(e->technical.gather);
	arena_free(e->technical.arena);
	arena_free(e->technical.tables);
	e->technical = (struct engine_technical){.step = -1};
}

// ---- The delegation to come ------------------------------------------------------------------

// The groups that the parent's NS set names when the effect is there. 0: not known.
static uint64_t groups_of(const struct world *world, const struct move *m)
{
	for (size_t i = 0; i < m->effect.count; i++)
		if (m->effect.changes[i].publisher == 0 && m->effect.changes[i].kind == SAFETY_NS)
			return m->effect.changes[i].content;
	const struct safety_edition *now = safety_current(&world->history, 0, SAFETY_NS);
	return now != NULL ? now->content : 0;
}

// The servers of every party are in the definition, with their addresses. Where the parent names
// servers of nobody, what it says is taken as it is.
static enum result take_servers(const struct change_engine *e, uint64_t groups,
        struct technical_options *options, struct error *err)
{
	struct technical_given *given =
	        arena_array(e->technical.arena, TECHNICAL_MAX_SERVERS, sizeof *given);
	char name[DNS_NAME_TEXT];
	size_t count = 0;
	if (given == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a delegation");
	for (; groups != 0; groups &= groups - 1) {
		int party = change_party_of(e->d, __builtin_ctzll(groups));
		if (party < 0)
			return RESULT_OK;
		const struct change_party *p = &e->d->parties[party];
		for (size_t i = 0; i < p->server_count; i++) {
			if (count == TECHNICAL_MAX_SERVERS)
				return error_set(err, RESULT_LIMIT, "more than %d name servers",
				        TECHNICAL_MAX_SERVERS);
			given[count++] = (struct technical_given){
			        arena_strdup(e->technical.arena,
			                dns_name_text(p->servers[i].name.wire, name)),
			        p->servers[i].address_count, p->servers[i].addresses};
			if (given[count - 1].name == NULL)
				return error_set(err, RESULT_MEMORY, "no memory for a delegation");
		}
	}
	options->servers = given;
	options->server_count = count;
	return RESULT_OK;
}

static enum result take_ds(const struct change_engine *e, const struct act_operation *o,
        struct technical_options *options, struct error *err)
{
	struct dns_ds *ds = arena_array(e->technical.arena, o->count + 1, sizeof *ds);
	enum result result =
	        ds != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "no memory for a DS set");
	for (size_t i = 0; result == RESULT_OK && i < o->count; i++)
		result = dns_ds_parse(o->records[i], &ds[i], err);
	options->ds = ds;
	options->ds_count = o->count;
	options->no_ds = o->count == 0;
	return result;
}

static enum result take_parents(
        const struct change_engine *e, struct technical_options *options, struct error *err)
{
	const struct change_party *parent = &e->d->parties[e->d->parent];
	struct address *list = arena_array(e->technical.arena, TECHNICAL_MAX_PARENTS, sizeof *list);
	if (list == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a delegation");
	for (size_t i = 0; i < parent->server_count; i++)
		for (size_t a = 0; a < parent->servers[i].address_count; a++)
			if (options->parent_count < TECHNICAL_MAX_PARENTS)
				list[options->parent_count++] = parent->servers[i].addresses[a];
	options->parents = list;
	return RESULT_OK;
}

// A DS set that the effect leaves as it is, is the parent's.
static enum result future(const struct change_engine *e, const struct world *world,
        const struct move *m, struct technical_options *options, struct error *err)
{
	struct errand errand;
	const struct procedure_step *step = &e->d->procedure->steps[m->step];
	enum result result = change_errand(e->technical.arena, e->d, step, false, world,
	        e->now.view, &m->effect, 0, &errand, err);
	if (result != RESULT_OK)
		return result;
	json_decref((json_t *)(uintptr_t)errand.request.facts);
	*options = (struct technical_options){.resolvers = e->d->technical.resolvers,
	        .resolver_count = e->d->technical.resolver_count};
	result = take_servers(e, groups_of(world, m), options, err);
	for (size_t i = 0; result == RESULT_OK && i < errand.request.count; i++)
		if (errand.request.operations[i].type == DNS_TYPE_DS)
			result = take_ds(e, &errand.request.operations[i], options, err);
	return result == RESULT_OK ? take_parents(e, options, err) : result;
}

// ---- Judgement -------------------------------------------------------------------------------

static enum result load_rules(struct change_engine *e, struct error *err)
{
	const struct change_technical *how = &e->d->technical;
	struct engine_technical *t = &e->technical;
	if (t->tables != NULL)
		return RESULT_OK;
	t->rules = (struct technical_rules){.head_room_s = how->head_room_ms / SECOND_MS,
	        .serial_tolerance = how->serial_tolerance};
	struct arena *arena = arena_new(PREFIX_TABLE_ARENA);
	enum result result =
	        arena != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "no memory for tables");
	if (result == RESULT_OK)
		result =
		        technical_rules_load(arena, how->networks, how->prohibited, &t->rules, err);
	if (result == RESULT_OK)
		t->tables = arena;
	else
		arena_free(arena);
	return result;
}

static json_t *delegation_json(const struct technical_facts *facts)
{
	json_t *ns = json_array(), *ds = json_array();
	char name[DNS_NAME_TEXT], text[DNS_DS_TEXT];
	for (size_t i = 0; i < facts->server_count; i++)
		json_array_append_new(
		        ns, json_string(dns_name_text(facts->server[i].name.wire, name)));
	for (size_t i = 0; i < facts->ds_count; i++)
		json_array_append_new(ds, json_string(dns_ds_text(&facts->ds[i], text)));
	return json_pack("{s:o, s:o}", "ns", ns, "ds", ds);
}

static json_t *result_json(const struct technical_result *r)
{
	json_t *one = json_pack("{s:s, s:s, s:o}", "check", r->check->name, "verdict",
	        technical_verdict_text(r->verdict), "text", change_record_text(r->text));
	if (one != NULL && r->waiver != NULL)
		json_object_set_new(one, "waiver", change_record_text(r->waiver));
	return one;
}

// "no-open-recursion: ns2 …; reachable: …"
static void add_failure(struct engine_technical *t, const struct technical_result *r)
{
	size_t n = strlen(t->failures);
	if (n + 1 < sizeof t->failures)
		snprintf(t->failures + n, sizeof t->failures - n, "%s%s: %s", n > 0 ? "; " : "",
		        r->check->name, r->text);
	t->good = false;
}

// Every check that is wanted, as JSON; what fails goes into the failures.
static json_t *judge_all(struct change_engine *e, const struct technical_facts *facts)
{
	const struct change_technical *how = &e->d->technical;
	struct engine_technical *t = &e->technical;
	json_t *list = json_array();
	for (size_t i = 0; i < technical_check_count; i++) {
		struct technical_result r;
		if (how->wanted != NULL && !how->wanted[i])
			continue;
		if (technical_judge(t->arena, &technical_checks[i], facts, &t->rules,
		            how->waivers != NULL ? how->waivers[i] : NULL, &r,
		            &e->err) != RESULT_OK) {
			json_decref(list);
			return NULL;
		}
		if (r.verdict == TECHNICAL_FAIL)
			add_failure(t, &r);
		json_array_append_new(list, result_json(&r));
	}
	return list;
}

// What failed already for the same reasons is not recorded and said again.
static void conclude(struct change_engine *e, json_t *delegation, json_t *checks)
{
	struct engine_technical *t = &e->technical;
	t->judged = true;
	t->judged_ms = clock_now_ms(&e->clock);
	bool news = t->good || strcmp(t->failures, t->told) != 0;
	snprintf(t->told, sizeof t->told, "%s", t->failures);
	json_t *record = json_pack("{s:s, s:b, s:o, s:o}", "state", "technical", "good", t->good,
	        "delegation", delegation, "checks", checks);
	if (!news || !engine_flush(e)) {
		json_decref(record);
		return;
	}
	if (!engine_note(e, JOURNAL_STATE, t->step, record) || t->good)
		return;
	char text[sizeof t->failures + 200];
	snprintf(text, sizeof text,
	        "the parent is not asked, for the delegation to come would fail: %s (checked again "
	        "until it passes)",
	        t->failures);
	engine_say(e, CHANGE_SAID_STUCK, t->step, text);
}

static void gathered(void *ctx, const struct technical_facts *facts)
{
	struct change_engine *e = ctx;
	struct engine_technical *t = &e->technical;
	t->ended = true;
	t->good = true;
	t->failures[0] = '\0';
	json_t *checks = judge_all(e, facts);
	if (checks == NULL) {
		engine_fail(e);
		return;
	}
	conclude(e, delegation_json(facts), checks);
	if (e->end == CHANGE_RUNNING && !observer_is_running(e->observer))
		loop_timer_start(e->o.loop, &e->timer, 0);
}

// The checks cannot even be made.
static void cannot(struct change_engine *e, const struct error *err)
{
	struct engine_technical *t = &e->technical;
	t->good = false;
	snprintf(t->failures, sizeof t->failures, "they cannot be made: %s", err->text);
	conclude(e, json_null(), json_array());
}

static void start(struct change_engine *e, const struct world *world, const struct move *m)
{
	struct engine_technical *t = &e->technical;
	struct technical_options options;
	struct error err = {0};
	char zone[DNS_NAME_TEXT];
	arena_free(t->arena);
	t->arena = arena_new(ARENA_MAX);
	t->judged = false;
	if (t->step != m->step)
		t->told[0] = '\0';
	t->step = m->step;
	enum result result = t->arena != NULL
	                             ? load_rules(e, &err)
	                             : error_set(&err, RESULT_MEMORY, "no memory for checks");
	if (result == RESULT_OK)
		result = future(e, world, m, &options, &err);
	if (result == RESULT_OK)
		result = technical_gather_start(e->o.loop, e->queries, &e->o.random,
		        dns_name_text(e->d->zone.wire, zone), &options, gathered, e, &t->gather,
		        &err);
	if (result != RESULT_OK)
		cannot(e, &err);
}

bool engine_technical_good(struct change_engine *e, const struct world *world, const struct move *m)
{
	struct engine_technical *t = &e->technical;
	if (!e->d->technical.is_set || !touches_delegation(m))
		return true;
	if (t->ended) {
		technical_gather_free(t->gather);
		t->gather = NULL;
		t->ended = false;
	}
	if (t->gather != NULL)
		return false;
	int64_t age_ms = clock_now_ms(&e->clock) - t->judged_ms;
	bool mine = t->judged && t->step == m->step;
	if (mine && t->good && age_ms <= e->d->poll_ms + FRESH_MS)
		return true;
	if (!mine || t->good || age_ms >= AGAIN_MS)
		start(e, world, m);
	return false;
}
