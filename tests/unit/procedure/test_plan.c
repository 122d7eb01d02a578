// Plans: every expected instant is worked out by hand from TTLs and lags.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "procedure/plan.h"

#define H HOUR_MS

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(64 << 20);
	return arena == NULL;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct procedure *parse(const char *text)
{
	const struct procedure *p;
	struct error err = {0};
	if (procedure_parse(arena, "t", text, strlen(text), &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return p;
}

static const struct procedure *load(const char *name)
{
	const struct yaml_node *root;
	const struct procedure *p;
	struct error err = {0};
	char *path = arena_printf(arena, "%s/%s.yaml", PROCEDURES, name);
	if (yaml_load(arena, path, &root, &err) != RESULT_OK ||
	        procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return p;
}

static struct plan *plan_of(
        const struct procedure *p, const struct scenario *s, const struct procedure_route *route)
{
	struct plan *plan;
	struct error err = {0};
	if (plan_make(arena, p, s, route, &plan, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return plan;
}

static void expect_objection(const struct plan *plan, const char *begins)
{
	const char *said = plan->objection;
	if (begins == NULL && said != NULL)
		fail_msg("%s: %s", plan->procedure->id, said);
	if (begins != NULL && (said == NULL || strncmp(said, begins, strlen(begins)) != 0))
		fail_msg("%s: %s", plan->procedure->id, said != NULL ? said : "nothing");
	// There is a reason behind the colon.
	assert_true(begins == NULL || strlen(said) > strlen(begins) + 40);
}

static void expect_objection_of(const char *text, const char *begins)
{
	const struct procedure *p;
	struct scenario s;
	struct error err = {0};
	if (procedure_parse(arena, "t", text, strlen(text), &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	expect_objection(plan, begins);
	plan_free(plan);
}

static const struct plan_step *step_of(const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->steps[i].step->id, id) == 0)
			return &plan->steps[i];
	fail_msg("no step %s", id);
	return NULL;
}

static void expect_start(const struct plan *plan, const char *id, int64_t start_ms)
{
	char is[DURATION_TEXT], wanted[DURATION_TEXT];
	const struct plan_step *step = step_of(plan, id);
	assert_int_equal(step->state, PLAN_STEP_PLANNED);
	if (step->start_ms != start_ms)
		fail_msg("%s begins at %s, expected %s", id, duration_format(step->start_ms, is),
		        duration_format(start_ms, wanted));
}

// ds 24h, parent-ns 48h, child-ns 24h, dnskey 48h, data 72h, lags 6h
static void test_operator_change(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_true(plan->possible);
	expect_start(plan, "import-old-zsk", 0);
	expect_start(plan, "publish-new-keys", 6 * H); // the import is everywhere
	expect_start(plan, "add-new-ds", 12 * H);
	// The DNSKEY set without the new ZSK: until 12h, and 48h in caches.
	expect_start(plan, "name-new-servers", 60 * H);
	expect_start(plan, "move-delegation", 66 * H);
	// The old delegation: until 72h, 48h in caches; until then the losing DNSKEY set, 48h more.
	expect_start(plan, "remove-old-ds", (72 + 48 + 48) * H);
	// The same with data, 72h.
	expect_start(plan, "drop-old-zsk", (72 + 48 + 72) * H);
	expect_start(plan, "stop-serving", (72 + 48 + 72 + 6) * H);
	assert_int_equal(plan->end_ms, (72 + 48 + 72 + 12) * H);
	assert_int_equal(plan->verdict.path[SAFETY_DIRECT].word, SAFETY_SAFE);
	assert_int_equal(plan->verdict.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	assert_int_equal(plan->insecure_ms, 0);

	const struct plan_step *ds = step_of(plan, "remove-old-ds");
	assert_true(ds->record.is_set);
	assert_int_equal(ds->record.kind, SAFETY_DNSKEY);
	assert_string_equal(safety_publisher_name(&plan->history, ds->record.publisher), "losing");
	assert_int_equal(ds->record.fetch_ms, 120 * H);
	assert_int_equal(ds->record.until_ms, 168 * H);
	assert_non_null(strstr(ds->record.text, "losing.ksk"));
	assert_int_equal(step_of(plan, "drop-old-zsk")->record.kind, SAFETY_DATA);
	assert_int_equal(step_of(plan, "publish-new-keys")->deadline_ms, 6 * H + 7 * DAY_MS);
	plan_free(plan);
}

// Without the losing operator's NS set the NS TTLs add: 48h at the parent and 24h in the zone.
static void test_without_the_losing_ns_set(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	const struct procedure_route *routes;
	size_t count;
	struct scenario s;
	struct error err = {0};
	scenario_init(&s, p);
	assert_int_equal(procedure_routes(arena, p, &routes, &count, &err), RESULT_OK);
	assert_int_equal(count, 3);
	assert_string_equal(routes[2].label, "without name-new-servers");
	struct plan *plan = plan_of(p, &s, &routes[2]);
	expect_start(plan, "move-delegation", 60 * H);
	expect_start(plan, "remove-old-ds", (60 + 6 + 48 + 24 + 48) * H);
	expect_start(plan, "drop-old-zsk", (60 + 6 + 48 + 24 + 72) * H);
	plan_free(plan);
}

static void test_uncooperative(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change-uncooperative");
	struct scenario s;
	scenario_init(&s, p);
	assert_int_equal(scenario_parse_ttls(&s, "ds-none=1h", NULL), RESULT_OK);
	struct plan *plan = plan_of(p, &s, NULL);
	// The DS set: until 6h, 24h in caches; a DNSKEY set validated by it just before, 48h more.
	expect_start(plan, "remove-ds", 0);
	assert_true(step_of(plan, "remove-ds")->makes_insecure);
	expect_start(plan, "move-delegation", (6 + 24 + 48) * H);
	// The old delegation: 6h, 48h; the child's NS set 24h; data 72h, longer than DNSKEY.
	expect_start(plan, "secure-again", (78 + 6 + 48 + 24 + 72) * H);
	assert_false(step_of(plan, "secure-again")->makes_insecure);
	assert_int_equal(plan->verdict.path[SAFETY_DIRECT].word, SAFETY_INSECURE);
	// From the first instant until the proof that there is no DS set is gone everywhere.
	assert_int_equal(plan->insecure_ms, (228 + 6 + 1) * H);
	plan_free(plan);
}

// The branch begins when the deadline has passed; what was done before stays done.
static void test_branch(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	const struct procedure_route *routes;
	size_t count;
	struct scenario s;
	struct error err = {0};
	scenario_init(&s, p);
	assert_int_equal(procedure_routes(arena, p, &routes, &count, &err), RESULT_OK);
	assert_string_equal(routes[1].label, "publish-new-keys passes its deadline: go-insecure");
	struct plan *plan = plan_of(p, &s, &routes[1]);
	expect_start(plan, "import-old-zsk", 0);
	expect_start(plan, "remove-ds", (6 + 7 * 24) * H);
	expect_start(plan, "move-insecure-delegation", (174 + 6 + 24 + 48) * H);
	// The gaining operator has the old ZSK, which covers the losing operator's data: only its
	// DNSKEY set has to go.
	expect_start(plan, "secure-again", (252 + 6 + 48 + 24 + 48) * H);
	plan_free(plan);
}

static void test_every_ttl_counts(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	scenario_init(&s, p);
	assert_int_equal(
	        scenario_parse_ttls(&s, "ds=10s,parent-ns=20s,child-ns=8s,dnskey=4s,data=5s", NULL),
	        RESULT_OK);
	assert_int_equal(
	        scenario_parse_lags(&s, p, "parent=2s,child=1s,losing=3s", NULL), RESULT_OK);
	struct plan *plan = plan_of(p, &s, NULL);
	expect_start(plan, "publish-new-keys", 1000);                     // gaining: child's lag
	expect_start(plan, "add-new-ds", 4000);                           // losing has its own
	expect_start(plan, "name-new-servers", (4 + 2 + 10) * SECOND_MS); // now the DS set is last
	expect_start(plan, "move-delegation", 19 * SECOND_MS);
	expect_start(plan, "remove-old-ds", (19 + 2 + 20 + 4) * SECOND_MS);
	// 46s by the data; but the removal has to be seen everywhere first
	expect_start(plan, "drop-old-zsk", (45 + 2) * SECOND_MS);
	plan_free(plan);
}

static void test_delays_and_dates(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	scenario_init(&s, p);
	s.relative = false;
	assert_int_equal(time_parse("2027-03-01T08:00:00Z", &s.start_ms, NULL), RESULT_OK);
	s.delay_ms[procedure_step_find(p, "publish-new-keys")] = 30 * H;
	struct plan *plan = plan_of(p, &s, NULL);
	expect_start(plan, "publish-new-keys", s.start_ms + 36 * H);
	expect_start(plan, "add-new-ds", s.start_ms + 42 * H);
	expect_start(plan, "name-new-servers", s.start_ms + (42 + 48) * H);
	assert_non_null(strstr(step_of(plan, "name-new-servers")->record.text, "2027-03-0"));
	plan_free(plan);
}

#define ROLL                                                                                       \
	"procedure: roll\n"                                                                        \
	"parties:\n  op: {is: operator}\n  registry: {is: parent}\n"                               \
	"steps:\n"                                                                                 \
	"- {id: publish, by: op, does: [op.dnskey + op.ksk.new, op.dnskey-signers + op.ksk.new], " \
	"undo: [op.dnskey - op.ksk.new]}\n"                                                        \
	"- {id: swap, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = op.ksk}\n"     \
	"- {id: remove, by: op, does: op.dnskey - op.ksk, undo: [op.dnskey + op.ksk, "             \
	"op.dnskey-signers + op.ksk]}\n"

static void test_ksk_rollover(void **state)
{
	(void)state;
	const struct procedure *p = parse(ROLL);
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	expect_start(plan, "swap", (6 + 48) * H);        // DNSKEY sets without the new key are gone
	expect_start(plan, "remove", (54 + 6 + 24) * H); // DS sets with the old key are gone
	assert_int_equal(plan->verdict.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	for (size_t i = 0; i < plan->count; i++) {
		assert_true(plan->steps[i].undo.possible);
		assert_false(plan->steps[i].no_way_back);
	}
	// Back from the end: the key again (6h), DNSKEY sets without it gone (48h), the DS set
	// (6h), DS sets with the new key gone (24h), the new key away (6h).
	assert_int_equal(step_of(plan, "remove")->undo.takes_ms, (6 + 48 + 6 + 24 + 6) * H);
	plan_free(plan);
}

// With a single key for both parts the same words mean one key.
static void test_single_key(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	scenario_init(&s, p);
	s.single_key = 3;
	struct plan *plan = plan_of(p, &s, NULL);
	assert_int_equal(plan->history.keys, 2);
	assert_true(plan->possible);
	assert_int_equal(plan->verdict.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	plan_free(plan);
}

static void test_new_zsk_cannot_sign_at_once(void **state)
{
	(void)state;
	const struct procedure *p = parse(
	        "procedure: zsk\nparties:\n  op: {is: operator}\nsteps:\n"
	        "- {id: publish, by: op, does: op.dnskey + op.zsk.new, undo: op.dnskey - "
	        "op.zsk.new}\n"
	        "- {id: sign, by: op, does: op.data-signers = op.zsk.new, undo: op.data-signers = "
	        "op.zsk}\n"
	        "- {id: remove, by: op, does: op.dnskey - op.zsk, undo: op.dnskey + op.zsk}\n");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	expect_start(plan, "sign", (6 + 48) * H);
	expect_start(plan, "remove", (54 + 6 + 72) * H); // data signed by the old key are gone
	plan_free(plan);
}

// Two steps after the same one happen side by side, in order of time.
static void test_side_by_side(void **state)
{
	(void)state;
	const struct procedure *p = parse("procedure: side\nparties:\n  op: {is: operator}\n  "
	                                  "registry: {is: parent}\nsteps:\n"
	                                  "- {id: publish, by: op, does: [op.dnskey + op.ksk.new, "
	                                  "op.dnskey-signers + op.ksk.new], "
	                                  "undo: op.dnskey - op.ksk.new}\n"
	                                  "- {id: swap, by: registry, does: parent.ds = "
	                                  "op.ksk.new, undo: parent.ds = op.ksk}\n"
	                                  "- {id: zsk, after: publish, by: op, does: op.dnskey + "
	                                  "op.zsk.new, undo: op.dnskey - "
	                                  "op.zsk.new}\n"
	                                  "- {id: both, after: [swap, zsk], by: op, does: check "
	                                  "that all is well, undo: nothing}\n");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_string_equal(plan->steps[1].step->id, "zsk");
	expect_start(plan, "zsk", 6 * H);
	expect_start(plan, "swap", 54 * H);
	expect_start(plan, "both", 60 * H);
	plan_free(plan);
}

static void test_never_safe(void **state)
{
	(void)state;
	const struct procedure *p = parse(
	        "procedure: hopeless\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"
	        "  registry: {is: parent}\nstart: {parent.ns: a.ns}\nsteps:\n"
	        "- {id: open, by: b, does: announce, undo: nothing}\n"
	        "- {id: swap, by: registry, does: parent.ds = b.ksk, undo: parent.ds = a.ksk}\n"
	        "- {id: later, by: registry, does: parent.ns = b.ns, undo: parent.ns = a.ns}\n");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_false(plan->possible);
	assert_int_equal(step_of(plan, "swap")->state, PLAN_STEP_NEVER);
	assert_non_null(strstr(step_of(plan, "swap")->record.text, "b.ksk"));
	assert_int_equal(step_of(plan, "later")->state, PLAN_STEP_NOT_REACHED);
	plan_free(plan);
}

static void test_no_way_back(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	for (size_t i = 0; i + 1 < plan->count; i++) {
		assert_false(plan->steps[i].no_way_back);
		assert_true(plan->steps[i].undo.possible);
	}
	const struct plan_step *last = step_of(plan, "stop-serving");
	assert_true(last->no_way_back);
	assert_false(last->undo.possible);
	assert_string_equal(
	        last->undo.text, "the losing operator has removed the zone and its keys");
	plan_free(plan);
}

// An undo whose words are right and which the model refuses: the new operator never gets the old
// key.
static void test_undo_refused_by_the_model(void **state)
{
	(void)state;
	const struct procedure *p =
	        parse("procedure: oneway\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"
	              "  registry: {is: parent}\nstart: {parent.ns: a.ns}\nsteps:\n"
	              "- {id: prepare, by: b, does: b.dnskey + a.zsk, undo: b.dnskey - a.zsk}\n"
	              "- {id: publish, by: a, does: a.dnskey + b.zsk, undo: a.dnskey - b.zsk}\n"
	              "- {id: ds, by: registry, does: parent.ds + b.ksk, undo: parent.ds - b.ksk}\n"
	              "- {id: move, by: registry, does: parent.ns = b.ns, undo: parent.ns = a.ns}\n"
	              "- {id: clean, by: a, does: a.dnskey = a.zsk, undo: {none: the keys are "
	              "destroyed}}\n"
	              "- {id: end, by: registry, does: announce, undo: nothing}\n");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_true(step_of(plan, "move")->undo.possible);
	assert_true(step_of(plan, "clean")->no_way_back);
	assert_false(step_of(plan, "end")->no_way_back); // not because of this step
	assert_int_equal(step_of(plan, "end")->undo.stops_at, procedure_step_find(p, "clean"));
	plan_free(plan);
}

// The plan goes the slow way; its undo is judged the other ways, too.
static void test_undo_in_every_corner(void **state)
{
	(void)state;
	const struct procedure *p =
	        parse("procedure: roll\nparties:\n  op: {is: operator}\n  registry: {is: parent}\n"
	              "steps:\n"
	              "- {id: publish, by: op, does: [op.dnskey + op.ksk.new, op.dnskey-signers + "
	              "op.ksk.new], undo: op.dnskey - op.ksk.new}\n"
	              "- {id: swap, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = "
	              "op.ksk}\n"
	              "- {id: more, by: op, after: [], wait: 50h, does: op.dnskey + op.zsk.new, "
	              "undo: 'op.dnskey = op.ksk + op.zsk'}\n");
	struct scenario s;
	struct error err = {0};
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_true(step_of(plan, "more")->undo.possible);
	int64_t takes_ms = step_of(plan, "swap")->undo.takes_ms;
	assert_int_equal(plan_judge_undo(arena, plan, &err), RESULT_OK);
	const struct plan_step *more = step_of(plan, "more");
	assert_false(more->undo.possible);
	assert_int_equal(more->undo.stops_at, more->step->index);
	assert_non_null(strstr(more->undo.text, "undoing 'more' is never safe from here: "));
	assert_true(step_of(plan, "swap")->undo.possible);
	assert_true(step_of(plan, "swap")->undo.takes_ms >= takes_ms);
	plan_free(plan);
}

static void test_signatures_that_run_out(void **state)
{
	(void)state;
	const struct procedure *p = parse(ROLL);
	struct scenario s;
	scenario_init(&s, p);
	s.signed_until_ms = 40 * H; // long before the DNSKEY sets without the new key are gone
	struct plan *plan = plan_of(p, &s, NULL);
	assert_true(plan->verdict.path[SAFETY_DIRECT].word == SAFETY_BOGUS || !plan->possible);
	plan_free(plan);
}

// One signed copy: what the old operator serves, the new one serves too, with its own lag.
static void test_copies(void **state)
{
	(void)state;
	const struct procedure *p = parse(
	        "procedure: copy\nparties:\n  old: {is: operator}\n  new: {is: operator}\n"
	        "  registry: {is: parent}\nstart: {parent.ns: old.ns, new.copies: old}\nsteps:\n"
	        "- {id: keys, by: old, does: [old.dnskey + new.ksk + new.zsk, old.ns = old.ns + "
	        "new.ns], "
	        "undo: [old.dnskey - new.ksk - new.zsk, old.ns = old.ns]}\n"
	        "- {id: delegate, by: registry, does: parent.ns + new.ns, undo: parent.ns - "
	        "new.ns}\n"
	        "- {id: part, by: new, does: new.copies = none, undo: new.copies = old}\n"
	        "- {id: alone, by: old, does: old.dnskey - new.ksk, undo: old.dnskey + new.ksk}\n");
	struct scenario s;
	scenario_init(&s, p);
	struct plan *plan = plan_of(p, &s, NULL);
	assert_true(plan->possible);
	int old = plan->binding.publisher[0], new = plan->binding.publisher[1];
	assert_int_equal(step_of(plan, "keys")->effect.count, 4);
	assert_int_equal(
	        safety_current(&plan->history, new, SAFETY_NS)->content, (1u << old) | (1u << new));
	assert_int_equal(step_of(plan, "alone")->effect.count, 1);
	assert_int_not_equal(safety_current(&plan->history, new, SAFETY_DNSKEY)->content,
	        safety_current(&plan->history, old, SAFETY_DNSKEY)->content);
	assert_int_equal(plan->verdict.path[SAFETY_FORWARDER].word, SAFETY_SAFE);
	plan_free(plan);
}

static void test_scenario_words(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	struct error err = {0};
	scenario_init(&s, p);
	struct scenario before = s;
	assert_int_equal(scenario_parse_ttls(&s, "ds=1d,dnskeys=1h", &err), RESULT_INPUT);
	assert_string_equal(err.text,
	        "unknown TTL 'dnskeys', expected ds, ds-none, parent-ns, child-ns, dnskey or data");
	assert_int_equal(scenario_parse_ttls(&s, "ds", &err), RESULT_INPUT);
	assert_int_equal(scenario_parse_ttls(&s, "ds=1", &err), RESULT_INPUT);
	assert_int_equal(scenario_parse_ttls(&s, "ds=99999d", &err), RESULT_INPUT);
	// Half a second less in a plan would be half a second too early.
	assert_int_equal(scenario_parse_ttls(&s, "ds=1s500ms", &err), RESULT_INPUT);
	assert_string_equal(
	        err.text, "'ds' is no TTL, expected whole seconds, at most 2147483647s");
	assert_int_equal(scenario_parse_lags(&s, p, "registry=1h", &err), RESULT_INPUT);
	assert_string_equal(err.text,
	        "unknown lag 'registry', expected parent, child or a party that "
	        "answers for the zone");
	assert_int_equal(scenario_parse_ttls(&s, "ds=1d,data=1h,ds=2d", &err), RESULT_INPUT);
	assert_string_equal(err.text, "'ds' is named twice, expected one duration for it");
	assert_int_equal(scenario_parse_lags(&s, p, "parent=1h,parent=1h", &err), RESULT_INPUT);
	assert_string_equal(err.text, "'parent' is named twice, expected one duration for it");
	assert_int_equal(scenario_parse_lags(&s, p, "child=1h,child=2h", &err), RESULT_INPUT);
	assert_int_equal(scenario_parse_lags(&s, p, "losing=1h,losing=2h", &err), RESULT_INPUT);
	assert_memory_equal(&s, &before, sizeof s);
	// Whoever is named has that lag, wherever the list says so.
	assert_int_equal(scenario_parse_lags(&s, p, "losing=1h,child=2h", &err), RESULT_OK);
	assert_int_equal(s.lag_ms[procedure_party_find(p, "losing") + 1], 1 * H);
	assert_int_equal(s.lag_ms[procedure_party_find(p, "gaining") + 1], 2 * H);
	assert_int_equal(scenario_parse_ttls(&s, "ds=2d", &err), RESULT_OK);
	assert_int_equal(s.ttl_ms[0][PROCEDURE_TTL_DS_NONE], 2 * DAY_MS);
}

// The root zone's DNSKEY answers in its rollover of 2017 and 2018, as published beforehand.
static void test_octets_of_the_root(void **state)
{
	(void)state;
	struct safety_history h;
	uint16_t bits[SAFETY_MAX_KEYS];
	safety_history_init(&h);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(safety_key_add(&h, NULL, 8), i);
		bits[i] = 2048;
	}
	assert_int_equal(procedure_dnskey_octets(&h, 0x3, 0x1, bits, 1), 864);
	assert_int_equal(procedure_dnskey_octets(&h, 0x7, 0x1, bits, 1), 1139);
	assert_int_equal(procedure_dnskey_octets(&h, 0xf, 0x1, bits, 1), 1414);
	assert_int_equal(procedure_dnskey_octets(&h, 0x7, 0x3, bits, 1), 1425);
	bits[1] = 1024;
	assert_int_equal(procedure_dnskey_octets(&h, 0x3, 0x1, bits, 1), 736);
	h.key_algorithm[0] = h.key_algorithm[1] = 13;
	assert_int_equal(procedure_dnskey_octets(&h, 0x3, 0x1, bits, 13),
	        12 + 17 + 11 + 2 * 80 + 12 + 18 + 13 + 64);
	h.key_algorithm[1] = 253;
	assert_int_equal(procedure_dnskey_octets(&h, 0x3, 0x1, bits, 1), -1);
	safety_history_free(&h);
}

static void test_octets_of_a_plan(void **state)
{
	(void)state;
	static const char roll[] =
	        "procedure: roll\nparties:\n  op: {is: operator}\n  registry: {is: parent}\n"
	        "assume: {algorithms: {op: 8}%s}\nsteps:\n"
	        "- {id: publish, by: op, does: [op.dnskey + op.ksk.new, op.dnskey-signers + "
	        "op.ksk.new], undo: op.dnskey - op.ksk.new}\n"
	        "- {id: ds, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = op.ksk}\n"
	        "- {id: remove, by: op, does: op.dnskey - op.ksk, undo: [op.dnskey + op.ksk, "
	        "op.dnskey-signers + op.ksk]}\n";
	struct scenario s;
	const struct procedure *p = parse(arena_printf(arena, roll, ""));
	scenario_init(&s, p);
	s.name_octets = 1;
	struct plan *plan = plan_of(p, &s, NULL);
	assert_int_equal(plan->dnskey_octets_before, 864);
	assert_int_equal(plan->dnskey_octets_largest, 1425);
	assert_int_equal(step_of(plan, "publish")->dnskey_octets, 1425);
	assert_true(step_of(plan, "publish")->changes_dnskey);
	assert_int_equal(step_of(plan, "ds")->dnskey_octets, 1425);
	assert_false(step_of(plan, "ds")->changes_dnskey);
	assert_int_equal(step_of(plan, "remove")->dnskey_octets, 864);
	plan_free(plan);
	p = parse(arena_printf(arena, roll, ", rsa-bits: {op.zsk: 1024}"));
	scenario_init(&s, p);
	s.name_octets = 1;
	plan = plan_of(p, &s, NULL);
	assert_int_equal(plan->dnskey_octets_before, 736);
	plan_free(plan);
}

// What is said against carrying a plan out, for whoever asks with an exit status only.
static void test_objections(void **state)
{
	(void)state;
	static const char insecure[] =
	        "procedure: t\nparties:\n  a: {is: operator}\n  registry: {is: parent}\n%s"
	        "steps:\n- {id: s, by: registry, does: parent.ds = none, approve: a, "
	        "undo: parent.ds = a.ksk}\n";
	static const char early[] =
	        "procedure: t\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"
	        "  registry: {is: parent}\nstart: {parent.ns: a.ns}\nwaits: as-written\n"
	        "expect: bogus\nsteps:\n- {id: s, by: registry, does: parent.ns = b.ns}\n";
	static const char *const said[][2] = {
	        {"operator-change", NULL},
	        {"operator-change-uncooperative", NULL},
	        {"as-published/operator-change",
	                "resolvers find the zone unreachable, as the text is written: "},
	        {"as-published/operator-change-text",
	                "resolvers find the zone bogus, as the text is written: "},
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		const struct procedure *p = load(said[i][0]);
		struct scenario s;
		scenario_init(&s, p);
		struct plan *plan = plan_of(p, &s, NULL);
		expect_objection(plan, said[i][1]);
		plan_free(plan);
	}
	expect_objection_of(arena_printf(arena, insecure, "expect: insecure\n"), NULL);
	expect_objection_of(arena_printf(arena, insecure, ""),
	        "resolvers find the zone insecure, which the procedure does not expect: ");
	expect_objection_of(early, "resolvers find the zone bogus, as the text is written: ");
	expect_objection_of("procedure: t\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"
	                    "  registry: {is: parent}\nstart: {parent.ns: a.ns}\nsteps:\n"
	                    "- {id: s, by: registry, does: parent.ds = b.ksk, "
	                    "undo: parent.ds = a.ksk}\n",
	        "step 's' is never safe: ");
}

// A date that cannot be written in four digits is none that people, calendars or programs read.
static void test_dates_end_with_the_year_9999(void **state)
{
	(void)state;
	const struct procedure *p = load("operator-change");
	struct scenario s;
	struct plan *plan;
	struct error err = {0};
	scenario_init(&s, p);
	s.relative = false;
	assert_int_equal(time_parse("9999-12-01T00:00:00Z", &s.start_ms, NULL), RESULT_OK);
	plan = plan_of(p, &s, NULL);
	plan_free(plan);
	assert_int_equal(time_parse("9999-12-25T00:00:00Z", &s.start_ms, NULL), RESULT_OK);
	plan = NULL;
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, &err), RESULT_INPUT);
	assert_null(plan);
	assert_string_equal(err.text, "a plan that begins at 9999-12-25T00:00:00Z goes beyond the "
	                              "year 9999, expected an earlier start");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_operator_change),
	        TEST(test_without_the_losing_ns_set),
	        TEST(test_uncooperative),
	        TEST(test_branch),
	        TEST(test_every_ttl_counts),
	        TEST(test_delays_and_dates),
	        TEST(test_ksk_rollover),
	        TEST(test_single_key),
	        TEST(test_new_zsk_cannot_sign_at_once),
	        TEST(test_side_by_side),
	        TEST(test_never_safe),
	        TEST(test_no_way_back),
	        TEST(test_undo_refused_by_the_model),
	        TEST(test_undo_in_every_corner),
	        TEST(test_signatures_that_run_out),
	        TEST(test_copies),
	        TEST(test_scenario_words),
	        TEST(test_octets_of_the_root),
	        TEST(test_octets_of_a_plan),
	        TEST(test_objections),
	        TEST(test_dates_end_with_the_year_9999),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
