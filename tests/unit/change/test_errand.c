// From effects to requests, and what has to be so before the first step.
#include "support.h"

#include <stdio.h>

#include "base/buffer.h"
#include "change/errand.h"
#include "change/preflight.h"
#include "change/record.h"

#define TEST(name) cmocka_unit_test(name)

static struct errand errand_of(struct bench *b, const struct move *m)
{
	struct errand errand;
	struct error err = {0};
	if (change_errand(b->arena, b->definition, &b->definition->procedure->steps[m->step],
	            m->undo, &b->world, b->replay.view, &m->effect, m->publisher, &errand,
	            &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return errand;
}

static void drop(struct errand *errand)
{
	json_decref((json_t *)(uintptr_t)errand->request.facts);
}

static struct bench *until_ds(void)
{
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 600);
	bench_seen(b, "import-old-zsk");
	bench_seen(b, "relay-new-keys");
	show_keys(b, LOSING, KA | ZA | KB | ZB);
	bench_look(b, 7200);
	bench_seen(b, "publish-new-keys");
	return b;
}

static void keys_are_added_and_removed_one_by_one(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	struct errand errand = errand_of(b, assert_move(b, "import-old-zsk", MOVE_ACT));
	const struct act_request *r = &errand.request;
	assert_true(errand.by_update);
	assert_string_equal(r->zone, "example.test.");
	assert_string_equal(r->step, "import-old-zsk");
	assert_int_equal(r->count, 1);
	assert_int_equal(r->operations[0].kind, ACT_ADD);
	assert_int_equal(r->operations[0].type, DNS_TYPE_DNSKEY);
	assert_int_equal(r->operations[0].ttl_s, 3600);
	assert_int_equal(r->operations[0].count, 1);
	char *key = dns_key_text(b->key[1], b->arena);
	assert_string_equal(r->operations[0].records[0], key);
	drop(&errand);
	bench_free(b);
}

static void a_ds_set_is_replaced_as_a_whole(void **state)
{
	(void)state;
	struct bench *b = until_ds();
	struct errand errand = errand_of(b, assert_move(b, "add-new-ds", MOVE_ACT));
	const struct act_operation *o = &errand.request.operations[0];
	char text[DNS_DS_TEXT];
	struct dns_ds ds;
	assert_int_equal(errand.request.count, 1);
	assert_int_equal(o->kind, ACT_REPLACE);
	assert_int_equal(o->type, DNS_TYPE_DS);
	assert_int_equal(o->count, 2);
	assert_int_equal(o->old_count, 1);
	assert_int_equal(dns_ds_from_key(b->key[0], DNS_DIGEST_SHA256, &ds, NULL), RESULT_OK);
	assert_string_equal(o->old[0], dns_ds_text(&ds, text));
	drop(&errand);
	bench_free(b);
}

static void an_ns_set_is_the_servers_of_a_party(void **state)
{
	(void)state;
	struct bench *b = until_ds();
	show_ds(b, KA | KB);
	bench_look(b, 600);
	bench_seen(b, "add-new-ds");
	bench_seen(b, "name-own-servers");
	bench_look(b, 3 * 3600);
	struct errand errand = errand_of(b, assert_move(b, "name-new-servers", MOVE_ACT));
	const struct act_operation *o = &errand.request.operations[0];
	assert_int_equal(o->type, DNS_TYPE_NS);
	assert_int_equal(o->count, 1);
	assert_string_equal(o->records[0], "ns.gaining.example.");
	assert_string_equal(o->old[0], "ns.losing.example.");
	assert_int_equal(o->ttl_s, 7200);
	drop(&errand);
	bench_free(b);
}

static void what_no_update_can_say_is_a_fact(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	bench_decide(b);
	struct safety_effect effect = {.count = 1,
	        .changes = {{.publisher = LOSING, .kind = SAFETY_SERVING, .content = 0}}};
	assert_true(change_errand_needs_command(&b->world.history, &effect, LOSING));
	assert_false(change_errand_needs_command(&b->world.history, &effect, GAINING));
	struct move m = {.publisher = LOSING, .effect = effect};
	m.step = procedure_step_find(b->definition->procedure, "stop-serving");
	struct errand errand = errand_of(b, &m);
	assert_false(errand.by_update);
	assert_int_equal(errand.request.count, 0);
	assert_true(json_is_false(json_object_get(errand.request.facts, "serving")));
	assert_string_equal(
	        json_string_value(json_object_get(errand.request.facts, "publisher")), "losing");
	drop(&errand);
	bench_free(b);
}

static void other_signers_need_a_command(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	bench_decide(b);
	const struct safety_edition *now = safety_current(&b->world.history, LOSING, SAFETY_DNSKEY);
	struct safety_effect effect = {.count = 1,
	        .changes = {{.publisher = LOSING,
	                .kind = SAFETY_DNSKEY,
	                .content = now->content,
	                .signers = now->content}}};
	assert_true(change_errand_needs_command(&b->world.history, &effect, LOSING));
	effect.changes[0].signers = now->signers;
	assert_false(change_errand_needs_command(&b->world.history, &effect, LOSING));
	bench_free(b);
}

// The DS record of a key that nobody has seen: its text cannot be made, and it must not be lost.
static void a_ds_record_of_an_unknown_key_is_left_to_people(void **state)
{
	(void)state;
	struct bench *b = until_ds();
	show_ds(b, KA | STRANGER);
	bench_look(b, 600);
	bench_decide(b);
	const struct safety_edition *now = safety_current(&b->world.history, PARENT, SAFETY_DS);
	assert_int_equal(__builtin_popcountll(now->content), 2);
	// The key is not in any DNSKEY set, but in this bench its record is known to the round; in
	// a history without it the record has a stand-in.
	b->world.history.ds_key[__builtin_ctzll(now->content)] = SAFETY_MAX_KEYS - 1;
	struct safety_effect effect = {.count = 1,
	        .changes = {{.publisher = PARENT, .kind = SAFETY_DS, .content = now->content}}};
	struct errand errand;
	struct error err = {0};
	assert_int_equal(change_errand(b->arena, b->definition, &b->definition->procedure->steps[3],
	                         false, &b->world, b->replay.view, &effect, PARENT, &errand, &err),
	        RESULT_NOT_FOUND);
	assert_non_null(
	        strstr(err.text, "whose key nobody has seen; it has to be changed by hand"));
	bench_free(b);
}

// ---- Preflight -------------------------------------------------------------------------------

static struct buffer missing_of(struct bench *b)
{
	struct buffer missing = buffer_init(4095); // as the engine's
	struct error err = {0};
	bench_decide(b);
	struct preflight_input input = {
	        b->definition, b->replay.view, b->replay.last_round, &b->world};
	assert_int_equal(change_preflight(&input, &missing, &err), RESULT_OK);
	return missing;
}

static void expect_missing(struct bench *b, const char *text)
{
	struct buffer missing = missing_of(b);
	if (text[0] == '\0')
		assert_string_equal(buffer_text(&missing), "");
	else if (strstr(buffer_text(&missing), text) == NULL)
		fail_msg("'%s' is not in '%s'", text, buffer_text(&missing));
	buffer_free(&missing);
}

static void nothing_is_missing(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	expect_missing(b, "");
	bench_free(b);
}

static void each_condition_has_its_sentence(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	show_keys(b, LOSING, KA | ZA | STRANGER);
	bench_look(b, 60);
	expect_missing(b, "losing serves keys that play no part here: is a rollover in progress?");
	b->cell[LOSING][0].keys = KA | ZA;
	bench_look(b, 60);
	expect_missing(b, "the addresses of losing do not all serve one DNSKEY set");
	show_keys(b, LOSING, KA | ZA);
	b->cell[GAINING][1].silent = true;
	bench_look(b, 60);
	expect_missing(b, "2001:db8::11@53 of gaining has not answered");
	expect_missing(b, "gaining does not answer for the zone on all its addresses");
	b->cell[GAINING][1].silent = false;
	show_ns(b, LOSING, 1 << GAINING);
	bench_look(b, 60);
	expect_missing(b, "the NS set that losing serves is not the one of the delegation");
	show_ns(b, LOSING, 1 << LOSING);
	b->cell[PARENT][0].groups = 1 << GAINING;
	bench_look(b, 60);
	expect_missing(b, "the parent's servers do not all delegate to the same name servers");
	bench_free(b);
}

// ---- Whose keys they are ---------------------------------------------------------------------

#define STRANGER_KEY                                                                               \
	"256 3 13 ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQ" \
	"REeAAAA=="

static const char new_key[] = "procedure: new-key\n"
                              "title: A new key\n"
                              "parties:\n"
                              "  gaining: {is: operator}\n"
                              "  losing: {is: operator}\n"
                              "  registrar: {is: registrar}\n"
                              "  registry: {is: parent}\n"
                              "start: {parent.ns: losing.ns, parent.ds: losing.ksk}\n"
                              "requires: [no rollover in progress at losing]\n"
                              "steps:\n"
                              "  - id: publish\n"
                              "    by: losing\n"
                              "    does: losing.dnskey + losing.zsk.new\n"
                              "    undo: losing.dnskey - losing.zsk.new\n";

// The usual definition with other words at the top, for a procedure without the step that stops.
static char *definition_with(struct arena *arena, const char *more)
{
	const char *at = strstr(usual_definition, "confirmed:"),
	           *after = strstr(usual_definition, "parties:"),
	           *steps = strstr(usual_definition, ", steps:");
	return arena_printf(arena, "%.*s%s%.*s}\n", (int)(at - usual_definition), usual_definition,
	        more, (int)(steps - after), after);
}

static void a_key_to_come_is_told(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	struct error err = {0};
	json_t *keys = NULL;
	struct bench *b = bench_new(new_key, definition_with(arena, ""));
	bench_look(b, 0);
	assert_int_equal(change_keys_find(b->definition, b->replay.view, b->now_ms, &keys, &err),
	        RESULT_NOT_FOUND);
	assert_non_null(strstr(err.text, "losing.zsk.new is a key to come"));
	bench_free(b);
	b = bench_new(new_key,
	        definition_with(arena, "keys: {losing.zsk.new: [\"" STRANGER_KEY "\"]}\n"));
	bench_begin(b);
	expect_missing(b, "");
	struct errand errand = errand_of(b, assert_move(b, "publish", MOVE_ACT));
	assert_int_equal(errand.request.count, 1);
	assert_string_equal(errand.request.operations[0].records[0], STRANGER_KEY);
	drop(&errand);
	bench_free(b);
	arena_free(arena);
}

// Even where it is served already: it is not one of the present keys.
static void a_key_that_is_told_plays_that_part_only(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	struct bench *b = bench_new(new_key,
	        definition_with(arena, "keys: {losing.zsk.new: [\"" STRANGER_KEY "\"]}\n"));
	show_keys(b, LOSING, KA | ZA | STRANGER);
	bench_begin(b);
	expect_missing(b, "");
	bench_look(b, 600);
	assert_move(b, "publish", MOVE_SEEN);
	bench_free(b);
	arena_free(arena);
}

// An operator that publishes the other one's ZSK from the beginning does not take it for its own.
static void a_key_that_signs_elsewhere_is_not_its_own(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_begin(b);
	expect_missing(b, "");
	const json_t *keys = json_object_get(b->replay.keys, "keys");
	assert_int_equal(json_array_size(json_object_get(keys, "gaining.zsk")), 1);
	assert_int_equal(json_array_size(json_object_get(keys, "losing.zsk")), 1);
	bench_free(b);
}

static void more_than_is_read_is_missing(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	struct buffer missing = buffer_init(4095);
	struct error err = {0};
	bench_begin(b);
	bench_decide(b);
	struct observe_gaps *gaps = &b->world.gaps;
	gaps->gap[gaps->count++] = (struct observe_gap){.kind = OBSERVE_GAP_LIMIT,
	        .blocks = true,
	        .until_ms = TIME_NEVER_MS,
	        .text = "ns1 serves 101 DS records; Baton reads at most 32."};
	struct preflight_input input = {
	        b->definition, b->replay.view, b->replay.last_round, &b->world};
	assert_int_equal(change_preflight(&input, &missing, &err), RESULT_OK);
	assert_string_equal(
	        buffer_text(&missing), "ns1 serves 101 DS records; Baton reads at most 32.\n");
	buffer_free(&missing);
	bench_free(b);
}

static void the_parents_own_keys_have_to_validate(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	snprintf(b->problem, sizeof b->problem, "No trust anchor leads to the keys of test.");
	b->problem_kind = OBSERVE_GAP_UNVERIFIED;
	bench_look(b, 60);
	expect_missing(b, "No trust anchor leads to the keys of test.");
	bench_free(b);
}

static void of_much_that_is_missing_the_first_is_listed(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	snprintf(b->problem, sizeof b->problem,
	        "The parent names %0*d, which is no name server that this change knows of", 100, 1);
	b->problem_count = 60;
	show_ns(b, LOSING, 1 << GAINING);
	bench_look(b, 60);
	struct buffer missing = missing_of(b);
	unsigned lines = 0, more = 0;
	for (const char *c = buffer_text(&missing); *c != '\0'; c++)
		lines += *c == '\n';
	const char *rest = strstr(buffer_text(&missing), "\nand ");
	assert_true(rest != NULL && sscanf(rest, "\nand %u more\n", &more) == 1);
	assert_true(lines > 20);
	assert_int_equal(lines - 1 + more, 61);
	buffer_free(&missing);
	bench_free(b);
}

static struct bench *defined_without(const char *line)
{
	char text[4000];
	const char *at = strstr(usual_definition, line);
	assert_non_null(at);
	snprintf(text, sizeof text, "%.*s%s", (int)(at - usual_definition), usual_definition,
	        at + strlen(line));
	struct bench *b = bench_new(NULL, text);
	bench_begin(b);
	return b;
}

static void what_nobody_declared_or_confirmed_is_missing(void **state)
{
	(void)state;
	struct bench *b = defined_without("data-ttl: 1h\n");
	expect_missing(b, "the largest TTL in the zone is not known");
	bench_free(b);
	b = defined_without("contacts-answered, ");
	expect_missing(b, "nobody has confirmed: ");
	expect_missing(b, "`confirmed: [contacts-answered]`");
	bench_free(b);
}

static void signatures_must_outlast_the_plan(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	expect_missing(b, "");
	bench_look(b, 295 * 86400);
	expect_missing(b, "run out at");
	bench_free(b);
}

// ---- Records ---------------------------------------------------------------------------------

static void effects_survive_the_journal(void **state)
{
	(void)state;
	struct safety_effect effect = {.count = 2,
	        .changes = {{.publisher = 3,
	                            .kind = SAFETY_DNSKEY,
	                            .content = UINT64_C(0xffffffffffffffff),
	                            .signers = UINT64_C(0x8000000000000001),
	                            .ttl_s = INT32_MAX,
	                            .signed_from_ms = TIME_EVER_MS,
	                            .signed_until_ms = TIME_NEVER_MS},
	                {.publisher = 0,
	                        .kind = SAFETY_DS,
	                        .ttl_s = 0,
	                        .signed_from_ms = 1,
	                        .signed_until_ms = 2}}};
	struct safety_effect again;
	struct error err = {0};
	json_t *json = change_record_effect(&effect);
	assert_int_equal(change_effect_read(json, &again, &err), RESULT_OK);
	assert_int_equal(again.count, 2);
	assert_memory_equal(again.changes, effect.changes, 2 * sizeof *effect.changes);
	json_object_set_new(json_array_get(json, 0), "content", json_string("xyz"));
	assert_int_equal(change_effect_read(json, &again, &err), RESULT_CORRUPT);
	json_object_set_new(json_array_get(json, 0), "content", json_string("1"));
	json_object_set_new(json_array_get(json, 0), "kind", json_string("mx"));
	assert_int_equal(change_effect_read(json, &again, &err), RESULT_CORRUPT);
	assert_int_equal(change_effect_read(NULL, &again, &err), RESULT_CORRUPT);
	json_decref(json);
}

static void a_definition_survives_the_journal(void **state)
{
	(void)state;
	struct bench *b = bench_new(NULL, NULL);
	const struct change_definition *again;
	struct error err = {0};
	json_t *created = change_record_created(b->definition);
	assert_int_equal(change_record_definition(b->arena, created, &again, &err), RESULT_OK);
	assert_string_equal(again->text, b->definition->text);
	assert_int_equal(again->procedure->step_count, b->definition->procedure->step_count);
	json_object_del(json_object_get(created, "procedure"), "text");
	assert_int_equal(change_record_definition(b->arena, created, &again, &err), RESULT_CORRUPT);
	json_decref(created);
	bench_free(b);
}

static void any_octets_can_be_a_text(void **state)
{
	(void)state;
	json_t *cut = change_record_text("caf\xc3"), *whole = change_record_text("caf\xc3\xa9");
	assert_string_equal(json_string_value(cut), "caf?");
	assert_string_equal(json_string_value(whole), "caf\xc3\xa9");
	json_decref(cut);
	json_decref(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(keys_are_added_and_removed_one_by_one),
	        TEST(a_ds_set_is_replaced_as_a_whole),
	        TEST(an_ns_set_is_the_servers_of_a_party),
	        TEST(what_no_update_can_say_is_a_fact),
	        TEST(other_signers_need_a_command),
	        TEST(a_ds_record_of_an_unknown_key_is_left_to_people),
	        TEST(nothing_is_missing),
	        TEST(each_condition_has_its_sentence),
	        TEST(a_key_to_come_is_told),
	        TEST(a_key_that_is_told_plays_that_part_only),
	        TEST(a_key_that_signs_elsewhere_is_not_its_own),
	        TEST(more_than_is_read_is_missing),
	        TEST(the_parents_own_keys_have_to_validate),
	        TEST(of_much_that_is_missing_the_first_is_listed),
	        TEST(what_nobody_declared_or_confirmed_is_missing),
	        TEST(signatures_must_outlast_the_plan),
	        TEST(effects_survive_the_journal),
	        TEST(a_definition_survives_the_journal),
	        TEST(any_octets_can_be_a_text),
	};
	return cmocka_run_group_tests_name("errand", tests, NULL, NULL);
}
