// Overlays: a small file over a procedure is the procedure that one would have written by hand, and
// what is wrong with it is said where it is written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "change/library.h"
#include "procedure/check.h"
#include "procedure/overlay.h"

static struct arena *arena;
static char folder[] = "/tmp/baton-overlay-XXXXXX";

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

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

static const char *save(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static const struct yaml_node *read_root(const char *path)
{
	const struct yaml_node *root;
	struct error err = {0};
	if (library_read(arena, path, &root, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return root;
}

static const struct procedure *read_procedure(const char *text)
{
	const struct procedure *p;
	struct error err = {0};
	const struct yaml_node *root = read_root(save("over.yaml", text));
	if (procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return p;
}

static const struct procedure_step *step_of(const struct procedure *p, const char *id)
{
	int step = procedure_step_find(p, id);
	if (step < 0)
		fail_msg("no step %s", id);
	return &p->steps[step];
}

static struct check_report check(const struct procedure *p)
{
	struct scenario s;
	struct check_report report;
	struct error err = {0};
	scenario_init(&s, p);
	if (check_procedure(arena, p, &s, &report, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return report;
}

#define BASE                                                                                       \
	"procedure: base\nparties:\n  op: {is: operator}\n  reg: {is: registrar}\n"                \
	"  parent-op: {is: parent}\nrequires: [largest TTLs known]\nsteps:\n"                      \
	"- {id: tell, by: op, does: announce it to reg and op, undo: nothing}\n"                   \
	"- id: publish\n  by: op\n"                                                                \
	"  does: [op.dnskey + op.ksk.new, op.dnskey-signers + op.ksk.new]\n"                       \
	"  undo: op.dnskey - op.ksk.new\n"                                                         \
	"- id: swap\n  by: reg\n  does: parent.ds = op.ksk.new\n  undo: parent.ds = op.ksk\n"      \
	"  approve: op\n  within: 7d\n  else: help\n"                                              \
	"- {id: remove, by: op, does: op.dnskey - op.ksk, wait: ttl(op.dnskey) after swap seen,\n" \
	"   undo: [op.dnskey + op.ksk, op.dnskey-signers + op.ksk]}\n"                             \
	"branches:\n  help:\n    steps:\n"                                                         \
	"    - {id: call, by: op, does: announce a call to reg, undo: nothing}\n"

// --- What overlays can do

static void test_members_are_replaced(void **state)
{
	(void)state;
	save("base.yaml", BASE);
	const struct procedure *p = read_procedure("overlay: ./base.yaml\n"
	                                           "procedure: mine\n"
	                                           "title: My own\n"
	                                           "requires: [every address answers and agrees]\n"
	                                           "parties: {auditor: {is: observer}}\n"
	                                           "steps:\n"
	                                           "  swap:\n"
	                                           "    approve: [op, auditor]\n"
	                                           "    within: 3d\n"
	                                           "    else: ask\n"
	                                           "  remove: {wait: none, tell: auditor}\n");
	assert_string_equal(p->id, "mine");
	assert_string_equal(p->title, "My own");
	assert_int_equal(p->requirement_count, 2);
	assert_int_equal(p->party_count, 4);
	const struct procedure_step *swap = step_of(p, "swap"), *remove = step_of(p, "remove");
	assert_int_equal(swap->approve, 1u << 0 | 1u << 3);
	assert_int_equal(swap->within_ms, 3 * DAY_MS);
	assert_int_equal(swap->otherwise, PROCEDURE_ELSE_ASK);
	assert_int_equal(remove->wait_count, 0);
	assert_int_equal(remove->tell, 1u << 3);
	assert_int_equal(p->line_count, 1); // nothing leads into the branch any more
	// Steps that it says something about are written in the overlay, the others in the base.
	assert_string_equal(swap->file, path_of("over.yaml"));
	assert_int_equal(swap->line, 7);
	assert_string_equal(step_of(p, "publish")->file, path_of("./base.yaml"));
	struct check_report report = check(p);
	assert_true(report.ok);
	assert_int_equal(report.finding_count, 0);
}

static void test_conditions_are_dropped(void **state)
{
	(void)state;
	save("base.yaml", BASE);
	const struct procedure *p = read_procedure("overlay: ./base.yaml\nprocedure: mine\n"
	                                           "not-required: [largest TTLs known]\n");
	assert_int_equal(p->requirement_count, 0);
	p = read_procedure("overlay: ./base.yaml\nprocedure: mine\n"
	                   "not-required: [largest TTLs known]\n"
	                   "requires: [every address answers and agrees]\n");
	assert_int_equal(p->requirement_count, 1);
	assert_int_equal(p->requirements[0].kind, PROCEDURE_ALL_ADDRESSES);
}

static void expect_order(const struct procedure *p, const char *const *ids)
{
	size_t n = 0;
	for (; ids[n] != NULL; n++)
		assert_string_equal(p->steps[n].id, ids[n]);
	assert_int_equal(p->lines[0].count, n);
}

static void test_steps_come_and_go(void **state)
{
	(void)state;
	save("base.yaml", BASE);
	const struct procedure *p = read_procedure(
	        "overlay: ./base.yaml\n"
	        "drop: tell\n"
	        "add:\n"
	        "- {id: second, after: first, by: op, does: announce, undo: nothing}\n"
	        "- {id: first, before: swap, by: op, does: announce, undo: nothing}\n"
	        "- {id: last, after: remove, by: op, does: destroy op.ksk, undo: {none: gone}, "
	        "approve: reg}\n"
	        "- {id: inside, after: call, by: op, does: announce, undo: nothing}\n");
	static const char *const order[] = {
	        "publish", "first", "second", "swap", "remove", "last", NULL};
	expect_order(p, order);
	assert_int_equal(p->lines[1].count, 2);
	// Each comes after the one before it, as if it had been written there.
	for (size_t i = 1; i < p->lines[0].count; i++) {
		assert_int_equal(p->steps[i].after_count, 1);
		assert_int_equal(p->steps[i].after[0], (int)i - 1);
	}
	assert_true(check(p).ok);
}

static void test_another_order(void **state)
{
	(void)state;
	save("base.yaml", BASE);
	const struct procedure *p = read_procedure("overlay: ./base.yaml\n"
	                                           "steps:\n"
	                                           "  tell: {after: swap}\n"
	                                           "  remove: {after: [publish, swap]}\n");
	static const char *const order[] = {"publish", "swap", "tell", "remove", NULL};
	expect_order(p, order);
	assert_int_equal(step_of(p, "tell")->after[0], 1);
	assert_int_equal(step_of(p, "remove")->after_count, 2);
	p = read_procedure("overlay: ./base.yaml\nsteps: {swap: {before: publish}}\n");
	static const char *const early[] = {"tell", "swap", "publish", "remove", NULL};
	expect_order(p, early);
	// An overlay is checked like any other procedure: the DS record without its key.
	struct check_report report = check(p);
	assert_false(report.ok);
	bool found = false;
	for (size_t i = 0; i < report.finding_count; i++)
		found = found || (report.findings[i].code == CHECK_NEVER &&
		                         strcmp(report.findings[i].step->id, "swap") == 0);
	assert_true(found);
}

static void test_parties_are_renamed(void **state)
{
	(void)state;
	save("base.yaml", BASE);
	const struct procedure *p =
	        read_procedure("overlay: ./base.yaml\n"
	                       "rename: {op: reg, reg: sales}\n" // at once, not one after the other
	                       "assume: {algorithms: {reg.ksk: 8, reg.zsk: 8, reg.ksk.new: 8}}\n"
	                       "steps: {swap: {approve: [reg, sales]}}\n");
	assert_string_equal(p->parties[0].id, "reg");
	assert_string_equal(p->parties[1].id, "sales");
	assert_int_equal(step_of(p, "swap")->by, 1);
	assert_string_equal(step_of(p, "swap")->acts[0].text, "parent.ds = reg.ksk.new");
	assert_string_equal(step_of(p, "tell")->acts[0].text, "announce it to sales and reg");
	assert_string_equal(step_of(p, "remove")->waits[0].text, "ttl(reg.dnskey) after swap seen");
	assert_true(check(p).ok);
}

static void test_over_the_library(void **state)
{
	(void)state;
	const struct procedure *p =
	        read_procedure("overlay: ksk-rollover\n"
	                       "procedure: acme-ksk-rollover\n"
	                       "rename: {signer: acme-dns, sponsor: acme}\n"
	                       "drop: [compare-request]\n"
	                       "steps:\n"
	                       "  confirm: {approve: [acme, main], within: 3d}\n"
	                       "  exchange-ds: {tell: none}\n");
	struct check_report report = check(p);
	assert_true(report.ok);
	assert_int_equal(report.finding_count, 0);
	assert_int_equal(step_of(p, "exchange-ds")->tell, 0);
	assert_int_equal(procedure_party_find(p, "signer"), -1);
}

// Who has a single key says so in an overlay.
static void test_single_keys_by_overlay(void **state)
{
	(void)state;
	static const char *const names[] = {"operator-change", "operator-and-registrar-change",
	        "operator-change-uncooperative", "operator-change-phased"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct procedure *p = read_procedure(arena_printf(
		        arena, "overlay: %s\nassume: {single-key: [losing, gaining]}\n", names[i]));
		assert_int_equal(__builtin_popcount(p->assume.single_key), 2);
		struct check_report report = check(p);
		assert_true(report.ok);
		assert_int_equal(report.finding_count, 0);
	}
}

// The example of the manual page is an overlay over a procedure of the library, and safe.
static void test_example_of_the_manual(void **state)
{
	(void)state;
	char *page;
	size_t length;
	assert_int_equal(file_read(arena, PROCEDURES "/../docs/man/baton-procedure.5", 1 << 20,
	                         &page, &length, NULL),
	        RESULT_OK);
	char *example = strstr(page, "overlay: ksk-rollover\n");
	assert_non_null(example);
	*strstr(example, ".Ed\n") = '\0';
	const struct procedure *p = read_procedure(example);
	struct check_report report = check(p);
	assert_true(report.ok);
	assert_int_equal(report.finding_count, 0);
	assert_int_equal(step_of(p, "freeze")->index + 1, step_of(p, "submit")->index);
}

// What a journal keeps is the whole procedure, and the same.
static void test_written_out(void **state)
{
	(void)state;
	static const char *const names[] = {"operator-change", "registry-backend-change",
	        "trust-anchor-rollover", "operator-and-registrar-change"};
	const char *text;
	size_t length;
	struct error err = {0};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct procedure *a, *b;
		const char *over = save("over.yaml",
		        arena_printf(
		                arena, "overlay: %s\ntitle: \"a \\\"b\\\"\\\\ c: d\"\n", names[i]));
		assert_int_equal(library_text(arena, over, &text, &length, &err), RESULT_OK);
		assert_int_equal(length, strlen(text));
		if (procedure_parse(arena, over, text, length, &b, &err) != RESULT_OK)
			fail_msg("%s\n%s", err.text, text);
		assert_int_equal(procedure_from_yaml(arena, read_root(over), &a, &err), RESULT_OK);
		assert_string_equal(b->title, "a \"b\"\\ c: d");
		assert_string_equal(a->about, b->about);
		assert_int_equal(a->step_count, b->step_count);
		for (size_t k = 0; k < a->step_count; k++) {
			assert_string_equal(a->steps[k].id, b->steps[k].id);
			assert_string_equal(a->steps[k].title, b->steps[k].title);
			assert_int_equal(a->steps[k].approve, b->steps[k].approve);
			assert_int_equal(a->steps[k].within_ms, b->steps[k].within_ms);
			assert_int_equal(a->steps[k].act_count, b->steps[k].act_count);
			assert_int_equal(a->steps[k].wait_count, b->steps[k].wait_count);
		}
		struct check_report x = check(a), y = check(b);
		assert_int_equal(x.finding_count, y.finding_count);
		for (size_t r = 0; r < x.route_count; r++)
			assert_int_equal(x.routes[r].longest_ms, y.routes[r].longest_ms);
	}
	// A procedure that is no overlay is kept as it is, comments and all.
	const char *plain = save("plain.yaml", "# mine\n" BASE);
	assert_int_equal(library_text(arena, plain, &text, &length, &err), RESULT_OK);
	assert_string_equal(text, "# mine\n" BASE);
}

// --- What is wrong with them

static void test_errors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
	        {"overlay: nothing\n", "over.yaml:1:10: there is no procedure 'nothing'"},
	        {"overlay: ./none.yaml\n", "none.yaml: "},
	        {"overlay: ./base.yaml\nsetps: {}\n",
	                "over.yaml:2:1: unknown word 'setps' in an overlay, did you mean 'steps'?"},
	        {"overlay: ./base.yaml\nsteps: {swop: {tell: op}}\n",
	                "over.yaml:2:9: %s/./base.yaml has no step 'swop', expected 'swap'?"},
	        {"overlay: ./base.yaml\nsteps: {swap: {tel: op}}\n",
	                "over.yaml:2:16: unknown word 'tel' in swap, did you mean 'tell'?"},
	        {"overlay: ./base.yaml\nsteps: {swap: {tell: [op, bob]}}\n",
	                "over.yaml:2:27: unknown party 'bob', expected op, reg or parent-op"},
	        {"overlay: ./base.yaml\nsteps: {swap: {by: none}}\n",
	                "over.yaml:2:20: a step needs 'by'"},
	        {"overlay: ./base.yaml\nsteps: {swap: {does: parent.ds = op.kks}}\n",
	                "over.yaml:2:34: "},
	        {"overlay: ./base.yaml\ndrop: [tell, swap]\n",
	                "over.yaml:2:14: step 'swap' cannot go: 'wait' of 'remove' names it "
	                "(%s/./base.yaml:20)"},
	        {"overlay: ./base.yaml\ndrop: [swop]\n", "over.yaml:2:8: "},
	        {"overlay: ./base.yaml\nnot-required: [x]\n",
	                "over.yaml:2:16: %s/./base.yaml does not require 'x'"},
	        {"overlay: ./base.yaml\ndrop: tell\nsteps: {tell: {tell: op}}\n",
	                "over.yaml:3:9: step 'tell' is dropped and changed"},
	        {"overlay: ./base.yaml\nadd: [{id: x, by: op, does: announce, undo: nothing}]\n",
	                "over.yaml:2:7: where does this step go?"},
	        {"overlay: ./base.yaml\nadd: [{id: x, after: y, by: op, does: announce, undo: "
	         "nothing}]\n",
	                "over.yaml:2:22: %s/./base.yaml has no step 'y'"},
	        {"overlay: ./base.yaml\nadd: [{id: x, after: x, by: op, does: announce, undo: "
	         "nothing}]\n",
	                "over.yaml:2:7: this step comes before or after itself"},
	        {"overlay: ./base.yaml\nadd: [{id: swap, after: tell, by: op, does: announce, "
	         "undo: nothing}]\n",
	                "over.yaml:2:12: %s/./base.yaml has a step 'swap'"},
	        {"overlay: ./base.yaml\nadd: [{id: x, after: tell, by: op, does: announce}]\n",
	                "over.yaml:2:7: step 'x' needs 'undo'"},
	        {"overlay: ./base.yaml\nsteps: {publish: {after: swap}}\nadd: [{id: x, before: "
	         "publish, after: remove, by: op, does: announce, undo: nothing}]\n",
	                "over.yaml:3:39: unknown step 'remove'"},
	        {"overlay: ./base.yaml\nrename: {ops: x}\n",
	                "over.yaml:2:10: %s/./base.yaml has no party 'ops'"},
	        {"overlay: ./base.yaml\nrename: {op: X}\n", "over.yaml:2:14: 'X' is no name"},
	        {"overlay: ./base.yaml\nrename: {op: reg}\n",
	                "over.yaml:2:14: 'reg' is another party already"},
	        {"overlay: ./base.yaml\nparties: {op: {is: registrar}}\n",
	                "over.yaml:1:10: with this overlay, "},
	        {"overlay: ./base.yaml\ndrop: [tell, publish, swap, remove]\n",
	                "over.yaml:2:7: no step is left of "},
	        {"overlay: ./over.yaml\n", "over.yaml:1:10: %s/./over.yaml is "},
	        {"overlay: ./timeline.yaml\n",
	                "over.yaml:1:10: %s/./timeline.yaml is no procedure"},
	        {"overlay: [x]\n", "over.yaml:1:10: "},
	};
	save("base.yaml", BASE);
	save("timeline.yaml", "timeline: x\n");
	int wrong = 0;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct yaml_node *root;
		struct error err = {0};
		const char *over = save("over.yaml", cases[i].text);
		if (library_read(arena, over, &root, &err) != RESULT_INPUT &&
		        strstr(cases[i].text, "none.yaml") == NULL)
			fail_msg(
			        "accepted, or failed otherwise (%s):\n%s", err.text, cases[i].text);
		char wanted[600];
		const char *cut = strstr(cases[i].error, "%s");
		snprintf(wanted, sizeof wanted, "%.*s%s%s",
		        cut != NULL ? (int)(cut - cases[i].error) : (int)strlen(cases[i].error),
		        cases[i].error, cut != NULL ? folder : "", cut != NULL ? cut + 2 : "");
		if (strstr(err.text, wanted) == NULL) {
			print_message("%s\nis said as: %s\nexpected:   %s\n", cases[i].text,
			        err.text, wanted);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
	(void)state;
	static const char *const names[] = {
	        "base.yaml", "over.yaml", "plain.yaml", "timeline.yaml"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[100];
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_members_are_replaced),
	        TEST(test_conditions_are_dropped),
	        TEST(test_steps_come_and_go),
	        TEST(test_another_order),
	        TEST(test_parties_are_renamed),
	        TEST(test_over_the_library),
	        TEST(test_single_keys_by_overlay),
	        TEST(test_example_of_the_manual),
	        TEST(test_written_out),
	        TEST(test_errors),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
