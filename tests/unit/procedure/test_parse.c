// The procedure language: what is understood, and what every mistake is answered with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "base/file.h"
#include "procedure/procedure.h"

#define HEAD                                                                                       \
	"procedure: p\n"                                                                           \
	"parties:\n"                                                                               \
	"  gaining: {is: operator}\n"                                                              \
	"  losing: {is: operator}\n"                                                               \
	"  registrar: {is: registrar}\n"
#define START "start: {parent.ns: losing.ns}\n"
#define STEPS HEAD START "steps:\n"
#define A                                                                                          \
	"- {id: a, by: gaining, does: gaining.dnskey + losing.zsk, undo: gaining.dnskey - "        \
	"losing.zsk}\n"
#define STEP(text) STEPS "- {id: s, by: gaining, " text "}\n"
#define DOES(text) STEP("undo: nothing, does: " text)
#define WAIT(text)                                                                                 \
	STEPS A "- {id: s, by: gaining, does: announce, undo: nothing, wait: \"" text "\"}\n"
#define REQUIRES(text) HEAD START "requires: [\"" text "\"]\nsteps:\n" A

static const struct {
	const char *text, *error;
} mistakes[] = {
        // the whole
        {"- a\n", "t:1:1: 'procedure' is a list, expected a mapping"},
        {HEAD START "stpes: []\n",
                "t:7:1: unknown word 'stpes' in procedure, did you mean 'steps'?"},
        {"title: x\n", "t:1:1: 'procedure' is missing, expected a name for it"},
        {"procedure: No Good\n", "t:1:12: 'procedure' is 'No Good', expected a name of at most 63 "
                                 "lower-case letters, digits and '-', beginning with a letter"},
        {"procedure: p\n", "t:1:1: 'parties' is missing, expected a mapping such as 'losing: {is: "
                           "operator}'"},
        {HEAD START, "t:1:1: 'steps' is missing or empty, expected a list of steps"},
        {HEAD "waits: soon\n", "t:6:8: 'waits' is 'soon', expected computed or as-written"},
        {STEPS A "expect: good\n",
                "t:9:9: unknown verdict 'good', expected safe, insecure, bogus or unreachable"},
        {STEPS A "expect: {direct: safe}\n",
                "t:9:9: 'expect' needs 'forwarder', expected both direct "
                "and forwarder, or one word"},
        // parties
        {"procedure: p\nparties:\n  losing: {is: operater}\n",
                "t:3:16: 'is' is 'operater', expected operator, signer, host, registrar, parent, "
                "registrant, coordinator or observer"},
        {"procedure: p\nparties:\n  losing: {about: x}\n",
                "t:3:11: party 'losing' needs 'is', expected operator, signer, host, registrar, "
                "parent, registrant, coordinator or observer"},
        {"procedure: p\nparties:\n  parent: {is: operator}\n",
                "t:3:3: 'parent' always means the zone's parent, expected another name for a party "
                "that is 'operator'"},
        // steps
        {STEPS "- {by: gaining}\n", "t:8:3: a step needs 'id', expected a short name"},
        {STEPS "- {id: a}\n", "t:8:3: step 'a' needs 'by', expected a party"},
        {STEPS "- {id: a, by: nobody}\n",
                "t:8:3: step 'a' needs 'does', expected an effect, an act, "
                "or a list of them"},
        {STEP("does: announce"),
                "t:8:3: step 's' needs 'undo', expected acts, 'nothing', or '{none: "
                "why there is no way back}'"},
        {STEPS "- {id: a, by: nobody, does: announce, undo: nothing}\n",
                "t:8:15: unknown party 'nobody', expected gaining, losing or registrar"},
        {STEPS A A,
                "t:9:8: step 'a' is there twice, expected a name of its own (branches included)"},
        {STEP("does: announce, undo: nothing, wenn: x"),
                "t:8:55: unknown word 'wenn' in step, expected one of: id, title, about, by, does, "
                "approve, tell, within, else, wait, after, undo, point-of-no-return, waive"},
        {STEP("does: announce, undo: nothing, approve: [losing, nobody]"),
                "t:8:73: unknown party 'nobody', expected gaining, losing or registrar"},
        {STEP("does: announce, undo: nothing, after: b"),
                "t:8:62: unknown step 'b', expected 'start' or a step listed before this one"},
        {STEP("does: announce, undo: nothing, point-of-no-return: maybe"),
                "t:8:75: 'point-of-no-return' is 'maybe', expected true or false"},
        // deadlines and branches
        {STEP("does: announce, undo: nothing, within: 7d"),
                "t:8:63: 'within' needs 'else', expected ask, skip or a branch"},
        {STEP("does: announce, undo: nothing, else: ask"),
                "t:8:61: 'else' needs 'within', expected a duration such as 7d"},
        {STEP("does: announce, undo: nothing, within: 7d, else: flee"),
                "t:8:73: unknown branch 'flee', expected ask, skip or one of 'branches'"},
        {STEPS A "branches: {b: {steps: [{id: c, by: losing, does: announce, undo: nothing}]}}\n",
                "t:9:12: no step leads into branch 'b', expected an 'else: b'"},
        {STEPS A "branches: {skip: {steps: []}}\n",
                "t:9:12: 'skip' has a meaning of its own behind 'else', expected another name"},
        // undo
        {STEP("does: announce, undo: none"),
                "t:8:46: 'none' without a reason, expected 'undo: {none: "
                "why there is no way back}'"},
        {STEP("does: losing.ns = gaining.ns, undo: nothing"),
                "t:8:60: the step changes the zone, so its undo cannot be 'nothing', expected acts "
                "or "
                "'none: why'"},
        {STEP("does: announce, undo: {none: why, nothing: why}"),
                "t:8:46: 'undo' needs one of: does (acts), none (why there is no way back), "
                "nothing "
                "(why nothing has to be undone)"},
        {STEP("does: announce, undo: {none: ''}"),
                "t:8:53: 'undo' says no reason, expected a sentence"},
        // effects
        {DOES("losing.dnskeys + gaining.zsk"),
                "t:8:45: unknown set 'dnskeys' (did you mean 'dnskey'?), expected ns, dnskey, "
                "dnskey-signers, data-signers, serving or copies"},
        {DOES("losing.dnskey-gaining.zsk"),
                "t:8:45: expected what to change, such as parent.ds or a party's dnskey, here is "
                "'losing.dnskey-gaining.zsk'"},
        {DOES("loosing.dnskey + gaining.zsk"),
                "t:8:45: unknown party 'loosing', expected parent, gaining, losing or registrar"},
        {DOES("parent.dnskey + gaining.zsk"),
                "t:8:45: the parent has no 'dnskey', expected parent.ds or parent.ns"},
        {DOES("losing.ds + gaining.ksk"),
                "t:8:45: 'losing.ds': only the parent has a DS set, expected parent.ds"},
        {DOES("registrar.ns = gaining.ns"), "t:8:45: 'registrar' (registrar) serves no zone, "
                                            "expected a party that is operator or host"},
        {DOES("losing.dnskey gaining.zsk"),
                "t:8:59: expected '=', '+' or '-' after the set, here is 'gaining.zsk'"},
        {DOES("losing.serving + yes"), "t:8:60: expected '=' after the set, here is '+'"},
        {DOES("losing.serving = maybe"), "t:8:62: expected yes or no, here is 'maybe'"},
        {DOES("losing.dnskey +"),
                "t:8:60: expected a key such as gaining.zsk, here is nothing more"},
        {DOES("losing.dnskey + gaining.zks"),
                "t:8:61: unknown key 'zks', expected ksk, zsk or csk"},
        {DOES("losing.dnskey + gainign.zsk"),
                "t:8:61: unknown party 'gainign', expected gaining, losing or registrar"},
        {DOES("losing.dnskey + gaining.zsk gaining.ksk"),
                "t:8:73: 'gaining.ksk' is too much, expected '+' or '-' or the end"},
        {DOES("losing.dnskey + gaining.zsk.New"), "t:8:61: 'New' names no generation of a key, "
                                                  "expected a word such as 'new'"},
        {DOES("losing.dnskey + gaining.ns"),
                "t:8:61: 'gaining.ns' holds no keys, expected a key or a set of keys"},
        {DOES("parent.ds + gaining.zsk"), "t:8:57: a DS record for a ZSK, expected a ksk or csk"},
        {DOES("parent.ns = gaining.ksk"), "t:8:57: expected the servers of a party, such as "
                                          "gaining.ns, here is 'gaining.ksk'"},
        {DOES("parent.ns = registrar.ns"), "t:8:57: 'registrar' (registrar) has no name "
                                           "servers, expected a party that is operator or host"},
        {DOES("losing.copies = registrar"),
                "t:8:61: 'registrar' serves no zone that could be copied"},
        {DOES("losing.dnskey ; gaining.zsk"),
                "t:8:59: ';' means nothing here, expected a word, '=', '+' or '-'"},
        // acts
        {DOES("rely gaining.zsk to losing"), "t:8:45: unknown act 'rely', expected 'relay'?"},
        {DOES("dance"),
                "t:8:45: unknown act 'dance', expected an effect such as 'parent.ds + "
                "gaining.ksk', or relay, announce, confirm, check, attest, sign-off, transfer, "
                "destroy or synchronise"},
        {DOES("relay gaining.zsk"), "t:8:62: expected 'to' and a party, here is nothing more"},
        {DOES("relay to losing"), "t:8:51: expected a key such as gaining.zsk, here is 'to'"},
        {DOES("transfer to losing"),
                "t:8:57: a domain is transferred to a registrar, which 'losing' is not"},
        {DOES("check"), "t:8:45: 'check' alone, expected what to check"},
        {DOES("[]"), "t:8:45: 'does' has 0 acts, expected 1 to 16"},
        // waits
        {WAIT("7"), "t:9:62: '7' without a unit, expected a duration such as 7d, or '*'"},
        {WAIT("ttl(losing.zsk)"), "t:9:66: 'losing.zsk' has no TTL to wait for, expected a party's "
                                  "ns, dnskey or data"},
        {WAIT("ttl(registrar.ns)"),
                "t:9:66: expected something with a TTL, such as parent.ds or an "
                "operator's dnskey, here is 'registrar.ns'"},
        {WAIT("ttl losing.ns"), "t:9:66: expected '(', here is 'losing.ns'"},
        {WAIT("max(1d, 2d"), "t:9:72: expected ')', here is nothing more"},
        {WAIT("lag(registrar)"),
                "t:9:66: 'registrar' publishes nothing, expected parent, an operator or a host"},
        {WAIT("sum(1d)"),
                "t:9:62: expected ttl(…), lag(…), max(…), min(…) or a duration such as 7d, "
                "here is 'sum'"},
        {WAIT("1d after b"), "t:9:71: expected a step listed before this one, here is 'b'"},
        {WAIT("1d after a soon"), "t:9:73: expected done, seen or everywhere, here is 'soon'"},
        {WAIT("1d 2d"), "t:9:65: '2d' is too much, expected '+', 'after' or the end"},
        {WAIT("40000d"), "t:9:62: '40000d' is too long, expected at most 36500d"},
        {STEP("does: announce, undo: nothing, within: 40000d, else: ask"),
                "t:8:63: 'within' is too long, expected at most 36500d"},
        // requirements
        {REQUIRES("good weather"),
                "t:7:12: unknown condition 'good weather', expected one such as "
                "'same algorithms at P and Q' (baton-procedure(5) has the list)"},
        {REQUIRES("same algorithms at losing und gaining"),
                "t:7:39: expected 'and', as in 'same algorithms at P and Q', here is 'und'"},
        {REQUIRES("no rollover in progress at nobody"),
                "t:7:40: unknown party 'nobody', expected gaining, losing or registrar"},
        {REQUIRES("largest TTLs known well"), "t:7:32: 'well' is too much, expected the end"},
        {REQUIRES("signatures outlast plan + much"),
                "t:7:39: expected a duration such as 7d, here is 'much'"},
        // the start
        {HEAD "steps:\n" A,
                "t:3:3: whose servers does the parent name at the start? expected 'start: "
                "{parent.ns: …}', such as losing.ns"},
        {HEAD "start: {parent.ns: losing.ns, losing.dsnkey: losing.zsk}\nsteps:\n" A,
                "t:6:31: unknown set 'dsnkey' (did you mean 'dnskey'?), expected ns, dnskey, "
                "dnskey-signers, data-signers, serving or copies"},
        {HEAD "start: {parent.ns: losing.ns, sponsor: losing}\nsteps:\n" A,
                "t:6:40: 'losing' is no registrar, expected a party that is one"},
        {HEAD "  other: {is: registrar}\n" START "steps:\n"
              "- {id: d, by: registrar, does: parent.ds = none, undo: parent.ds = losing.ksk}\n",
                "t:9:3: step 'd': 'registrar' cannot change the delegation, for nobody is said to "
                "sponsor the domain ('start: {sponsor: …}'); expected the sponsoring registrar, or "
                "a "
                "transfer before"},
        {HEAD "  other: {is: registrar}\nstart: {parent.ns: losing.ns, sponsor: "
              "registrar}\nsteps:\n"
              "- {id: t, by: other, does: transfer to other, undo: nothing}\n"
              "- {id: d, by: registrar, does: parent.ds = none, undo: parent.ds = losing.ksk}\n",
                "t:10:3: step 'd': 'registrar' cannot change the delegation, for 'other' sponsors "
                "the "
                "domain; expected the sponsoring registrar, or a transfer before"},
        {"procedure: p\nparties:\n  h: {is: host}\nsteps:\n"
         "- {id: a, by: h, does: announce, undo: nothing}\n",
                "t:3:3: 'h' is a host and has no keys of its own, expected 'start: {h.dnskey: …}' "
                "or "
                "'h.copies'"},
        // what is assumed
        {STEPS A "assume: {ttl: {ds: 1}}\n", "t:9:20: 'ds': '1' is not a duration"},
        {STEPS A "assume: {ttl: {ds: 1500ms}}\n",
                "t:9:20: 'ds' is no TTL, expected whole seconds, at most 2147483647s"},
        {STEPS A "assume: {algorithms: {losing.ksk.next: 8}}\n",
                "t:9:23: 'losing.ksk.next' is no party and no key that the procedure uses, "
                "expected "
                "one such as 'gaining.ksk'"},
        {STEPS A "assume: {digests: {losing: 300}}\n",
                "t:9:28: 'digests' is '300', expected a whole number from 1 to 255"},
};

static void test_mistakes(void **state)
{
	(void)state;
	int wrong = 0;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		struct arena *arena = arena_new(4 << 20);
		struct error err = {0};
		const struct procedure *p = NULL;
		enum result result = procedure_parse(
		        arena, "t", mistakes[i].text, strlen(mistakes[i].text), &p, &err);
		bool same = strncmp(err.text, mistakes[i].error, strlen(mistakes[i].error)) == 0;
		if (result != RESULT_INPUT || p != NULL || !same) {
			print_error("expected %s\nhere is  %s\n\n", mistakes[i].error, err.text);
			wrong++;
		}
		arena_free(arena);
	}
	assert_int_equal(wrong, 0);
}

static const struct procedure *parse(struct arena *arena, const char *text)
{
	const struct procedure *p;
	struct error err = {0};
	if (procedure_parse(arena, "t", text, strlen(text), &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return p;
}

static void test_everything_that_can_be_said(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4 << 20);
	const struct procedure *p = parse(arena,
	        HEAD "  registry: {is: parent, about: the parent zone}\n"
	             "start: {parent.ns: losing.ns, gaining.serving: no}\n"
	             "requires:\n- same algorithms at losing and gaining\n- signatures outlast "
	             "plan + 7d\n"
	             "steps:\n"
	             "- {id: open, by: gaining, does: gaining.serving = yes, undo: gaining.serving "
	             "= no}\n"
	             "- id: publish\n"
	             "  title: Publish\n"
	             "  about: why\n"
	             "  by: losing\n"
	             "  does: [losing.dnskey + gaining.zsk - losing.zsk, announce it]\n"
	             "  undo: {does: losing.dnskey - gaining.zsk + losing.zsk, by: gaining, says: "
	             "back}\n"
	             "  approve: [losing, gaining]\n"
	             "  tell: registrar\n"
	             "  within: 7d\n"
	             "  else: other\n"
	             "  after: start\n"
	             "  wait: [2 * ttl(losing.dnskey) + lag(parent) after open seen, 'max(1h, "
	             "ttl(parent.ds))']\n"
	             "  waive: {approval: agreed}\n"
	             "- {id: ds, by: registrar, does: parent.ds = gaining.ksk.new, undo: {none: "
	             "never}}\n"
	             "branches:\n  other:\n    title: T\n    expect: insecure\n    steps:\n"
	             "    - {id: last, by: losing, does: relay losing.ksk + losing.zsk to gaining, "
	             "undo: "
	             "nothing, point-of-no-return: true}\n");
	assert_int_equal(p->party_count, 4);
	assert_int_equal(p->line_count, 2);
	assert_int_equal(p->step_count, 4);
	assert_int_equal(p->sponsor, 2);
	assert_string_equal(p->requirements[0].sentence,
	        "The keys of losing and gaining use the same algorithms.");
	assert_int_equal(p->requirements[1].margin_ms, 7 * DAY_MS);
	const struct procedure_step *s = &p->steps[procedure_step_find(p, "publish")];
	assert_int_equal(s->act_count, 2);
	assert_int_equal(s->acts[0].term_count, 2);
	assert_int_equal(s->acts[0].terms[1].operation, '-');
	assert_int_equal(s->acts[1].kind, PROCEDURE_ANNOUNCE);
	assert_int_equal(s->undo.by, 0);
	assert_string_equal(s->undo.text, "back");
	assert_int_equal(s->approve, 3);
	assert_int_equal(s->tell, 4);
	assert_int_equal(s->within_ms, 7 * DAY_MS);
	assert_int_equal(s->otherwise, PROCEDURE_ELSE_BRANCH);
	assert_int_equal(s->branch, 1);
	assert_int_equal(s->after_count, 0);
	assert_int_equal(s->wait_count, 2);
	assert_int_equal(s->waits[0].event, PROCEDURE_SEEN);
	assert_int_equal(s->waits[0].step, 0);
	assert_int_equal(s->waives, PROCEDURE_WAIVE_APPROVAL);
	s = &p->steps[procedure_step_find(p, "ds")];
	assert_string_equal(s->title, "make the DS set at the parent gaining.ksk.new");
	assert_int_equal(s->after[0], procedure_step_find(p, "publish"));
	assert_true(s->no_return);
	assert_string_equal(p->keys[procedure_key_find(p, "gaining.ksk.new")].generation, "new");
	assert_true(p->steps[3].no_return);
	assert_true(p->lines[1].has_expect);
	assert_int_equal(p->lines[1].expect[SAFETY_FORWARDER], SAFETY_INSECURE);
	arena_free(arena);
}

static void test_acts_read_as_sentences(void **state)
{
	(void)state;
	static const char *const said[][2] = {
	        {"losing.dnskey + gaining.ksk + gaining.zsk",
	                "add gaining.ksk and gaining.zsk to the DNSKEY set of losing"},
	        {"parent.ds - losing.ksk", "remove losing.ksk from the DS set at the parent"},
	        {"parent.ns = gaining.ns", "make the NS set at the parent the servers of gaining"},
	        {"parent.ds = none", "make the DS set at the parent nothing"},
	        {"losing.dnskey + gaining.zsk - losing.zsk",
	                "add gaining.zsk to the DNSKEY set of losing and remove losing.zsk from "
	                "the "
	                "DNSKEY set of losing"},
	        {"losing.serving = no", "losing stops answering for the zone"},
	        {"gaining.copies = losing", "gaining serves the zone as transferred from losing"},
	        {"gaining.data-signers = losing.data-signers",
	                "make the signers of the data at gaining all of losing.data-signers"},
	        {"relay gaining.zsk to losing", "relay gaining.zsk to losing"},
	        {"transfer to registrar", "transfer the domain to registrar"},
	};
	for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
		struct arena *arena = arena_new(4 << 20);
		struct buffer text = buffer_init(1000);
		char *file = arena_printf(arena,
		        STEPS "- {id: s, by: gaining, undo: {none: x}, does: %s}\n", said[i][0]);
		const struct procedure *p = parse(arena, file);
		procedure_act_describe(p, &p->steps[0].acts[0], &text);
		assert_string_equal(buffer_text(&text), said[i][1]);
		buffer_free(&text);
		arena_free(arena);
	}
}

// Nothing but parties' deadlines is a duration in what we ship.
static void test_shipped_procedures_name_no_waits(void **state)
{
	(void)state;
	static const char *const names[] = {"operator-change", "operator-and-registrar-change",
	        "operator-change-uncooperative"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct arena *arena = arena_new(8 << 20);
		const struct yaml_node *root;
		const struct procedure *p;
		struct error err = {0};
		char *path = arena_printf(arena, "%s/%s.yaml", PROCEDURES, names[i]);
		if (yaml_load(arena, path, &root, &err) != RESULT_OK ||
		        procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_string_equal(p->id, names[i]);
		assert_false(p->as_written);
		for (size_t s = 0; s < p->step_count; s++) {
			assert_int_equal(p->steps[s].wait_count, 0);
			assert_true(p->steps[s].title[0] != '\0');
		}
		for (int t = 0; t < PROCEDURE_TTLS; t++)
			assert_int_equal(p->assume.ttl_ms[t], -1);
		arena_free(arena);
	}
}

static void test_too_large(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	struct buffer text = buffer_init(1 << 20);
	const struct procedure *p;
	struct error err = {0};
	buffer_puts(&text, STEPS);
	for (int i = 0; i <= PROCEDURE_MAX_STEPS; i++)
		buffer_printf(
		        &text, "- {id: s%d, by: gaining, does: announce, undo: nothing}\n", i);
	assert_int_equal(
	        procedure_parse(arena, "t", text.data, text.length, &p, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "201 steps, expected at most 200"));
	buffer_clear(&text);
	buffer_puts(&text, STEPS "- {id: s, by: gaining, undo: {none: x}, does: losing.dnskey");
	for (int i = 0; i <= PROCEDURE_MAX_TERMS; i++)
		buffer_puts(&text, " + gaining.zsk");
	buffer_puts(&text, "}\n");
	assert_int_equal(
	        procedure_parse(arena, "t", text.data, text.length, &p, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "too many terms, expected at most 16"));
	buffer_clear(&text);
	buffer_puts(&text, STEPS "- {id: s, by: gaining, undo: nothing, does: announce, wait: \"");
	for (int i = 0; i < 100; i++)
		buffer_puts(&text, "(");
	buffer_puts(&text, "1d\"}\n");
	assert_int_equal(
	        procedure_parse(arena, "t", text.data, text.length, &p, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "nested too deeply"));
	buffer_free(&text);
	arena_free(arena);
}

static void test_little_memory(void **state)
{
	(void)state;
	const char *text = STEPS A;
	for (size_t octets = 100; octets < 40000; octets += 700) {
		struct arena *arena = arena_new(octets);
		const struct procedure *p = NULL;
		struct error err = {0};
		enum result result = procedure_parse(arena, "t", text, strlen(text), &p, &err);
		assert_true(result == RESULT_OK || (p == NULL && err.text[0] != '\0'));
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_mistakes),
	        cmocka_unit_test(test_everything_that_can_be_said),
	        cmocka_unit_test(test_acts_read_as_sentences),
	        cmocka_unit_test(test_shipped_procedures_name_no_waits),
	        cmocka_unit_test(test_too_large),
	        cmocka_unit_test(test_little_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
