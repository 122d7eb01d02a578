// The checker: shipped procedures are safe under every propagation, published ones fail where they
// must.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "base/file.h"
#include "procedure/render.h"

#define H HOUR_MS

#define TWO                                                                                        \
	"procedure: t\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"                       \
	"  registry: {is: parent}\nstart: {parent.ns: a.ns}\n"
#define ROLL                                                                                       \
	"procedure: roll\nparties:\n  op: {is: operator}\n  registry: {is: parent}\nsteps:\n"      \
	"- {id: publish, by: op, does: [op.dnskey + op.ksk.new, op.dnskey-signers + op.ksk.new], " \
	"undo: op.dnskey - op.ksk.new}\n"

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

static char *read_text(const char *name)
{
	char *text;
	size_t length;
	struct error err = {0};
	char *path = arena_printf(arena, "%s/%s.yaml", PROCEDURES, name);
	if (file_read(arena, path, 1 << 20, &text, &length, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return text;
}

static struct check_report check(const struct procedure *p, const struct scenario *s)
{
	struct check_report report;
	struct error err = {0};
	if (check_procedure(arena, p, s, &report, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return report;
}

static struct check_report check_usual(const struct procedure *p)
{
	struct scenario s;
	scenario_init(&s, p);
	return check(p, &s);
}

static const struct check_finding *find(
        const struct check_report *report, enum check_code code, const char *step)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct check_finding *f = &report->findings[i];
		bool same = step == NULL ? f->step == NULL
		                         : f->step != NULL && strcmp(f->step->id, step) == 0;
		if (f->code == code && same)
			return f;
	}
	return NULL;
}

static void expect_early(const struct check_report *report, const char *step, int64_t best_ms,
        int64_t worst_ms, const char *witness)
{
	const struct check_finding *f = find(report, CHECK_EARLY, step);
	if (f == NULL)
		fail_msg("nothing found about %s", step);
	assert_int_equal(f->short_best_ms, best_ms);
	assert_int_equal(f->short_worst_ms, worst_ms);
	if (strstr(f->text, witness) == NULL)
		fail_msg("'%s' is not in: %s", witness, f->text);
}

// --- What we ship

static void test_shipped_procedures_are_safe(void **state)
{
	(void)state;
	static const char *const names[] = {"operator-change", "operator-and-registrar-change",
	        "operator-change-uncooperative"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct procedure *p = parse(read_text(names[i]));
		struct scenario s;
		const char *profile;
		for (size_t n = 0; scenario_profile(&s, p, n, &profile); n++) {
			struct check_report report = check(p, &s);
			if (!report.ok || report.finding_count > 0)
				fail_msg("%s, %s: %s", names[i], profile,
				        report.finding_count > 0 ? report.findings[0].text
				                                 : "not ok");
		}
	}
}

// The example of the manual page is a procedure, is safe, and has the instants that the page says.
static void test_example_of_the_manual(void **state)
{
	(void)state;
	char *page;
	size_t length;
	assert_int_equal(file_read(arena, PROCEDURES "/../docs/man/baton-procedure.5", 1 << 20,
	                         &page, &length, NULL),
	        RESULT_OK);
	char *example = strstr(page, "procedure: new-ksk");
	assert_non_null(example);
	*strstr(example, ".Ed\n") = '\0';
	const struct procedure *p = parse(example);
	struct check_report report = check_usual(p);
	assert_true(report.ok);
	assert_int_equal(report.finding_count, 0);
	struct scenario s;
	struct plan *plan;
	scenario_init(&s, p);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	assert_int_equal(plan->steps[1].start_ms, (48 + 6) * H);
	assert_int_equal(plan->steps[2].start_ms, (72 + 12) * H);
	plan_free(plan);
}

static void test_every_single_key_variant_is_safe(void **state)
{
	(void)state;
	const struct procedure *p = parse(read_text("operator-change"));
	for (uint32_t single = 1; single < 4; single++) {
		struct scenario s;
		scenario_init(&s, p);
		s.single_key = single;
		struct check_report report = check(p, &s);
		assert_true(report.ok);
		assert_int_equal(report.finding_count, 0);
	}
}

static void test_corners(void **state)
{
	(void)state;
	const struct procedure *p = parse(read_text("operator-change"));
	struct check_report report = check_usual(p);
	assert_int_equal(report.route_count, 3);
	assert_int_equal(report.routes[0].corners, 512); // nine changes, each fast or slow
	assert_int_equal(report.routes[0].longest_ms, (72 + 48 + 72 + 12) * H);
	// Everything at once: the DNSKEY set 48h, the delegation 48h, data 72h.
	assert_int_equal(report.routes[0].shortest_ms, (48 + 48 + 72) * H);
	assert_int_equal(report.routes[1].word[SAFETY_DIRECT], SAFETY_INSECURE);
	assert_true(report.routes[1].insecure_ms > 0);
	struct scenario s;
	scenario_init(&s, p);
	assert_int_equal(scenario_parse_lags(&s, p, "parent=0s,child=0s", NULL), RESULT_OK);
	assert_int_equal(check(p, &s).routes[0].corners, 1);
}

// With many changes only the telling corners are walked, and the fault of a wait that is too short
// only where everything is slow is still among them.
static void test_many_changes(void **state)
{
	(void)state;
	struct buffer text = buffer_init(1 << 16);
	buffer_puts(&text, TWO "waits: as-written\nexpect: bogus\nsteps:\n");
	for (int i = 0; i < 12; i++)
		buffer_printf(&text,
		        "- {id: s%d, by: a, does: a.dnskey %c a.zsk.spare, wait: 1h}\n", i,
		        i % 2 == 0 ? '+' : '-');
	buffer_puts(&text, "- {id: new, by: a, does: a.dnskey + a.zsk.new}\n"
	                   "- {id: sign, by: a, does: a.data-signers = a.zsk.new, wait: "
	                   "ttl(a.dnskey) after new seen}\n");
	struct check_report report = check_usual(parse(buffer_text(&text)));
	// All fast or slow but for one of 14, and each of two publishers; a's changes are all.
	assert_in_range(report.routes[0].corners, 2 * (1 + 14), 200);
	assert_true(report.ok);
	expect_early(&report, "sign", 0, 6 * H, "DNSKEY set");
	buffer_free(&text);
}

// With ten, two at a time may be unlike the others.
static void test_some_changes(void **state)
{
	(void)state;
	struct buffer text = buffer_init(1 << 16);
	buffer_puts(&text, TWO "steps:\n");
	for (int i = 0; i < 10; i++)
		buffer_printf(&text,
		        "- {id: s%d, by: a, does: a.dnskey %c a.zsk.spare, undo: a.dnskey %c "
		        "a.zsk.spare}\n",
		        i, i % 2 == 0 ? '+' : '-', i % 2 == 0 ? '-' : '+');
	struct check_report report = check_usual(parse(buffer_text(&text)));
	assert_true(report.ok);
	assert_int_equal(report.routes[0].corners, 2 * (1 + 10 + 45));
	buffer_free(&text);
}

// --- What others have published (ds 24h, parent-ns 48h, child-ns 24h, dnskey 48h, data 96h, lags
// 6h)

static void test_figure_of_operator_change(void **state)
{
	(void)state;
	static const char *const names[] = {
	        "as-published/operator-change", "as-published/operator-and-registrar-change"};
	for (size_t i = 0; i < 2; i++) {
		const struct procedure *p = parse(read_text(names[i]));
		struct check_report report = check_usual(p);
		assert_true(report.ok); // as expected: it fails
		// The losing operator stops while parents' and children's NS sets still name it.
		assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_UNREACHABLE);
		assert_non_null(strstr(report.routes[0].witness[SAFETY_DIRECT], "NS set"));
		// One NS TTL, where parent NS + child NS + DNSKEY are needed: 24h for 120h.
		expect_early(&report, "delete-old-ds", 96 * H, 102 * H, "DNSKEY set");
		// Waits count from where the change is first seen.
		expect_early(&report, "change-ns", 0, 6 * H, "losing.zsk");
		// Old data lives longer than the DNSKEY sets that the wait is made of.
		expect_early(
		        &report, "remove-old-zsk", 24 * H, 24 * H, "data signed by losing.zsk");
		assert_non_null(find(&report, CHECK_DS_WITHOUT_KEY, "add-new-ds"));
		assert_non_null(find(&report, CHECK_NO_UNDO, NULL));
		assert_non_null(find(&report, CHECK_NO_DEADLINE, NULL));
	}
}

static void test_text_of_operator_change(void **state)
{
	(void)state;
	const struct procedure *p = parse(read_text("as-published/operator-change-text"));
	struct check_report report = check_usual(p);
	assert_true(report.ok);
	assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_BOGUS);
	// The sum of the TTLs is right but for propagation.
	expect_early(&report, "delete-old-ds", 0, 6 * H, "DNSKEY set");
	expect_early(&report, "remove-old-zsk", 24 * H, 24 * H, "data signed by losing.zsk");
	// Without propagation only the old ZSK goes too early, and only because of the data TTL.
	struct scenario s;
	scenario_init(&s, p);
	scenario_parse_lags(&s, p, "parent=0s,child=0s", NULL);
	report = check(p, &s);
	assert_null(find(&report, CHECK_EARLY, "delete-old-ds"));
	assert_null(find(&report, CHECK_EARLY, "change-ns"));
	expect_early(&report, "remove-old-zsk", 24 * H, 24 * H, "data signed by losing.zsk");
	scenario_parse_ttls(&s, "data=72h", NULL);
	report = check(p, &s);
	assert_int_equal(report.routes[0].word[SAFETY_FORWARDER], SAFETY_SAFE);
}

static void test_uncooperative_as_published(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t short_ms; // needed: parent NS + child NS + data
	} published[] = {{"as-published/operator-change-uncooperative", (48 + 24 + 96 - 24) * H},
	        {"as-published/operator-change-uncooperative-text", (48 + 24 + 96 - 48) * H}};
	for (size_t i = 0; i < 2; i++) {
		const struct procedure *p = parse(read_text(published[i].name));
		struct check_report report = check_usual(p);
		assert_true(report.ok);
		assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_BOGUS);
		// One DS TTL, where trust in a DNSKEY set outlives the DS set: 24h for 72h.
		expect_early(&report, "change-ns", 48 * H, 54 * H,
		        "fetched and validated the DNSKEY set");
		expect_early(&report, "add-new-ds", published[i].short_ms,
		        published[i].short_ms + 6 * H, "data signed by losing.zsk");
	}
}

// --- The checker knows nobody by name

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

// Replaces whole names; "losing" in "losing-registrar" is none.
static char *rename_all(const char *text, const char *const (*names)[2], size_t count)
{
	struct buffer out = buffer_init(1 << 20);
	for (const char *p = text; *p != '\0';) {
		size_t length = 0;
		while (is_name_character(p[length]))
			length++;
		if (length == 0) {
			buffer_add(&out, p++, 1);
			continue;
		}
		size_t i = 0;
		while (i < count &&
		        (strlen(names[i][0]) != length || strncmp(names[i][0], p, length) != 0))
			i++;
		if (i < count)
			buffer_puts(&out, names[i][1]);
		else
			buffer_add(&out, p, length);
		p += length;
	}
	char *renamed = arena_strdup(arena, buffer_text(&out));
	buffer_free(&out);
	return renamed;
}

static void test_names_mean_nothing(void **state)
{
	(void)state;
	static const char *const names[][2] = {{"operator-change-published", "zulu"},
	        {"gaining", "alpha"}, {"losing", "omega"}, {"registrar", "bravo"},
	        {"registry", "yankee"}, {"import-old-zsk", "s1"}, {"relay-new-zsk", "x-2"},
	        {"include-new-zsk", "a-3"}, {"add-new-ds", "zz"}, {"change-ns", "m5"},
	        {"delete-old-ds", "c6"}, {"remove-old-zsk", "b7"}, {"stop-serving", "a8"}};
	char *text = read_text("as-published/operator-change");
	// `is: registrar` is a word of the language.
	char *renamed = rename_all(text, names, sizeof names / sizeof *names);
	char *role = strstr(renamed, "is: bravo");
	assert_non_null(role);
	struct buffer fixed = buffer_init(1 << 20);
	buffer_add(&fixed, renamed, (size_t)(role - renamed));
	buffer_puts(&fixed, "is: registrar");
	buffer_puts(&fixed, role + strlen("is: bravo"));
	struct check_report a = check_usual(parse(text)),
	                    b = check_usual(parse(buffer_text(&fixed)));
	assert_int_equal(a.finding_count, b.finding_count);
	for (size_t i = 0; i < a.finding_count; i++) {
		assert_int_equal(a.findings[i].code, b.findings[i].code);
		assert_int_equal(a.findings[i].short_best_ms, b.findings[i].short_best_ms);
		assert_int_equal(a.findings[i].short_worst_ms, b.findings[i].short_worst_ms);
		if (a.findings[i].step != NULL)
			assert_int_equal(a.findings[i].step->line, b.findings[i].step->line);
	}
	for (int i = 0; i < SAFETY_PATHS; i++)
		assert_int_equal(a.routes[0].word[i], b.routes[0].word[i]);
	buffer_free(&fixed);
}

// --- Single rules

static void test_rules(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum check_code code;
		const char *step;
	} cases[] = {
	        {TWO "steps:\n- {id: s, by: registry, does: parent.ds + b.ksk, undo: parent.ds - "
	             "b.ksk}\n",
	                CHECK_DS_WITHOUT_KEY, "s"},
	        {TWO "steps:\n- {id: s, by: a, does: b.dnskey + a.zsk, undo: b.dnskey - a.zsk}\n",
	                CHECK_FOREIGN_HAND, "s"},
	        {TWO "steps:\n- {id: s, by: b, does: b.dnskey + b.zsk, undo: b.dnskey + b.zsk}\n",
	                CHECK_NO_CHANGE, "s"},
	        {TWO "steps:\n- {id: s, by: b, does: b.dnskey + a.zsk, undo: b.dnskey - b.zsk}\n",
	                CHECK_UNDO_DIFFERS, "s"},
	        {ROLL "- {id: s, by: registry, does: parent.ds + op.ksk.new, undo: parent.ds = "
	              "none}\n",
	                CHECK_UNDO_UNSAFE, "s"},
	        {TWO "steps:\n- {id: s, by: b, does: b.dnskey + a.zsk, undo: {none: why}}\n",
	                CHECK_NO_APPROVAL, "s"},
	        {TWO "expect: insecure\nsteps:\n"
	             "- {id: s, by: registry, does: parent.ds = none, undo: parent.ds = a.ksk}\n",
	                CHECK_NO_APPROVAL, "s"},
	        {TWO "steps:\n- {id: s, by: registry, does: parent.ds = b.ksk, undo: parent.ds = "
	             "a.ksk}\n",
	                CHECK_NEVER, "s"},
	        {TWO "assume: {algorithms: {b: 8}}\n"
	             "steps:\n- {id: k, by: b, does: b.dnskey + a.zsk, undo: b.dnskey - a.zsk}\n"
	             "- {id: l, by: a, does: a.dnskey + b.zsk + b.ksk, undo: a.dnskey - b.zsk - "
	             "b.ksk}\n"
	             "- {id: d, by: registry, does: parent.ds + b.ksk, undo: parent.ds - b.ksk}\n"
	             "- {id: s, by: registry, does: parent.ns = b.ns, undo: parent.ns = a.ns}\n",
	                CHECK_ALGORITHMS, NULL},
	        {ROLL "assume: {algorithms: {op: 8}}\n", CHECK_LARGE_DNSKEY, "publish"},
	        {ROLL "- {id: ds, by: registry, does: parent.ds + op.ksk.new, undo: parent.ds - "
	              "op.ksk.new}\n"
	              "assume: {digests: {op.ksk.new: 4}}\n",
	                CHECK_DIGESTS, NULL},
	        {ROLL "- {id: s, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = "
	              "op.ksk, "
	              "wait: ttl(op.dnskey) after publish seen}\n",
	                CHECK_EARLY, "s"},
	        {ROLL "- {id: s, by: op, does: op.dnskey - op.ksk, undo: op.dnskey + op.ksk}\n",
	                CHECK_NEVER, "s"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct check_report report = check_usual(parse(cases[i].text));
		if (find(&report, cases[i].code, cases[i].step) == NULL)
			fail_msg("no finding '%s' in\n%s", check_code_text(cases[i].code),
			        cases[i].text);
	}
}

// Several algorithms are a matter of validators that insist on all of them, and where these find
// what others find there is nothing to say.
static void test_algorithms_where_they_matter(void **state)
{
	(void)state;
	const struct procedure *p = parse(
	        TWO "assume: {algorithms: {b: 8}}\n"
	            "steps:\n- {id: s, by: b, does: b.dnskey + a.zsk, undo: b.dnskey - a.zsk}\n");
	struct check_report report = check_usual(p);
	assert_null(find(&report, CHECK_ALGORITHMS, NULL)); // nobody is sent to b
	p = parse(read_text("algorithm-rollover"));
	report = check_usual(p);
	assert_int_equal(report.finding_count, 0);
	p = parse(read_text("operator-change"));
	struct scenario s;
	scenario_init(&s, p);
	for (size_t i = 0; i < p->key_count; i++)
		if (strcmp(p->parties[p->keys[i].party].id, "gaining") == 0)
			s.keys[i].algorithm = 15;
	report = check(p, &s);
	assert_false(report.ok);
	assert_non_null(find(&report, CHECK_ALGORITHMS, NULL));
	s.readers.algorithms = SAFETY_LENIENT;
	report = check(p, &s);
	assert_true(report.ok);
	assert_int_equal(report.finding_count, 0);
}

// Where changes are slow, `more` comes before `swap`, and is taken back after it. Where they are
// fast, it is the other way round, and taking `more` back leaves a DNSKEY set without the key that
// the DS set names.
static const char late_swap[] =
        ROLL "- {id: swap, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = op.ksk}\n"
             "- {id: more, by: op, after: [], wait: 50h, does: op.dnskey + op.zsk.new, "
             "undo: 'op.dnskey = op.ksk + op.zsk'}\n";

static void test_undo_in_every_corner(void **state)
{
	(void)state;
	const struct procedure *p = parse(late_swap);
	struct check_report report = check_usual(p);
	const struct check_finding *f = find(&report, CHECK_UNDO_REFUSED, "more");
	assert_non_null(f);
	assert_non_null(strstr(f->text, "undoing 'more' is never safe from here"));
	assert_non_null(strstr(f->text, "op.ksk.new"));
	assert_null(find(&report, CHECK_UNDO_REFUSED, "swap"));
	// With changes that are everywhere after an hour, there is only this order.
	struct scenario s;
	scenario_init(&s, p);
	scenario_parse_lags(&s, p, "parent=1h,child=1h", NULL);
	report = check(p, &s);
	assert_non_null(find(&report, CHECK_UNDO_REFUSED, "more"));
	scenario_init(&s, p);
	scenario_parse_ttls(&s, "dnskey=3d", NULL);
	report = check(p, &s);
	assert_null(find(&report, CHECK_UNDO_REFUSED, "more"));
}

static void test_undo_that_makes_insecure(void **state)
{
	(void)state;
	struct check_report report = check_usual(parse(ROLL
	        "- {id: s, by: registry, does: parent.ds + op.ksk.new, undo: parent.ds = none}\n"));
	const struct check_finding *f = find(&report, CHECK_UNDO_UNSAFE, "s");
	assert_non_null(f);
	assert_non_null(strstr(f->text, "after step 's' the way back makes the zone insecure: "));
	assert_non_null(strstr(f->text, "publishes no DS"));
	assert_string_equal(check_code_text(f->code), "undo-unsafe");
	assert_int_equal(f->severity, CHECK_WARNING);
	report = check_usual(parse(ROLL "- {id: s, by: registry, does: parent.ds + op.ksk.new, "
	                                "undo: parent.ds = op.ksk}\n"));
	assert_null(find(&report, CHECK_UNDO_UNSAFE, "s"));
}

// Who renews the NS set with every answer stays with servers that name themselves: the way back has
// to make them name others. Where the way there leaves such readers behind, they do not count.
static void test_undo_that_leaves_sticky_readers(void **state)
{
	(void)state;
	static const char steps[] =
	        "steps:\n- {id: k, by: b, does: b.dnskey + a.zsk, undo: b.dnskey - a.zsk}\n"
	        "- {id: l, by: a, does: a.dnskey + b.zsk + b.ksk, undo: a.dnskey - b.zsk - b.ksk}\n"
	        "- {id: d, by: registry, does: parent.ds + b.ksk, undo: parent.ds - b.ksk}\n"
	        "%s%s- {id: s, by: registry, does: parent.ns = b.ns, undo: parent.ns = a.ns}\n";
	static const char own[] = "- {id: o, by: b, does: b.ns = b.ns, undo: b.ns = a.ns}\n",
	                  other[] = "- {id: n, by: a, does: a.ns = b.ns, undo: a.ns = a.ns}\n";
	const char *without = arena_printf(arena, steps, "", other);
	struct check_report report = check_usual(parse(arena_printf(arena, TWO "%s", without)));
	const struct check_finding *f = find(&report, CHECK_UNDO_STICKY, "s");
	assert_non_null(f);
	assert_true(report.ok);
	assert_int_equal(f->severity, CHECK_WARNING);
	assert_string_equal(check_code_text(f->code), "undo-sticky");
	assert_non_null(strstr(f->text, "after step 's' the way back makes the zone bogus for "));
	const char *with = arena_printf(arena, steps, own, other);
	const char *start = "start: {parent.ns: a.ns, b.ns: a.ns}\n";
	const char *text = arena_printf(arena, TWO "%s", with);
	char *at = strstr(text, "start:");
	assert_non_null(at);
	text = arena_printf(arena, "%.*s%s%s", (int)(at - text), text, start, strchr(at, '\n') + 1);
	const struct procedure *p = parse(text);
	report = check_usual(p);
	assert_null(find(&report, CHECK_UNDO_STICKY, "s"));
	// Also where the delegation's TTL is so short that only waiting for such readers helps.
	struct scenario s;
	scenario_init(&s, p);
	assert_int_equal(scenario_parse_ttls(&s, "parent-ns=1s", NULL), RESULT_OK);
	report = check(p, &s);
	assert_null(find(&report, CHECK_UNDO_STICKY, "s"));
}

static void test_waivers(void **state)
{
	(void)state;
	struct check_report report = check_usual(parse(
	        TWO "steps:\n- {id: s, by: registry, does: parent.ds + b.ksk, undo: {none: x}, "
	            "waive: {ds-without-key: standby key, approval: agreed in the contract}}\n"));
	assert_int_equal(report.finding_count, 0);
}

// A computed procedure with a wait of its own: the wait is a note, for the model waits longer
// anyway.
static void test_own_waits_are_never_trusted(void **state)
{
	(void)state;
	const struct procedure *p = parse(ROLL "- {id: s, by: registry, does: parent.ds = "
	                                       "op.ksk.new, undo: parent.ds = op.ksk, wait: 1h}\n");
	struct check_report report = check_usual(p);
	const struct check_finding *f = find(&report, CHECK_EARLY, "s");
	assert_true(report.ok);
	assert_non_null(f);
	assert_int_equal(f->severity, CHECK_NOTE);
	assert_int_equal(f->short_worst_ms, 47 * H);
	// and a longer one is kept
	p = parse(ROLL
	        "- {id: s, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = op.ksk, "
	        "wait: 'max(3d, ttl(op.dnskey)) + lag(op) after publish everywhere'}\n");
	struct scenario s;
	struct plan *plan;
	scenario_init(&s, p);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	assert_int_equal(plan->steps[1].start_ms, (6 + 72 + 6) * H);
	assert_int_equal(plan->steps[1].safe_ms, (6 + 48) * H);
	plan_free(plan);
	report = check_usual(p);
	assert_null(find(&report, CHECK_EARLY, "s"));
}

// A hard switch is refused by a computed plan, and shown to fail when it is taken literally.
static void test_hard_switch(void **state)
{
	(void)state;
	static const char steps[] = "steps:\n- {id: switch, by: registry, does: [parent.ns = b.ns, "
	                            "parent.ds = b.ksk], undo: "
	                            "[parent.ns = a.ns, parent.ds = a.ksk]}\n";
	char *computed = arena_printf(arena, "%s%s", TWO, steps);
	char *literal = arena_printf(arena, "%swaits: as-written\n%s", TWO, steps);
	struct check_report report = check_usual(parse(computed));
	assert_false(report.ok);
	assert_non_null(find(&report, CHECK_NEVER, "switch"));
	report = check_usual(parse(literal));
	assert_false(report.ok);
	assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_BOGUS);
	assert_non_null(find(&report, CHECK_VERDICT, NULL));
}

// Branches out of branches are ways of their own.
static void test_routes(void **state)
{
	(void)state;
	const struct procedure *p = parse(TWO
	        "steps:\n"
	        "- {id: one, by: a, does: announce, undo: nothing, within: 1d, else: skip}\n"
	        "- {id: two, by: a, does: announce, undo: nothing, within: 1d, else: ring}\n"
	        "- {id: three, by: a, does: announce, undo: nothing, within: 1d, else: skip}\n"
	        "branches:\n"
	        "  ring: {steps: [{id: call, by: b, does: announce, undo: nothing},\n"
	        "    {id: answer, by: a, does: confirm, undo: nothing, within: 2d, else: stop}]}\n"
	        "  stop: {steps: [{id: end, by: b, does: announce, undo: nothing}]}\n");
	struct check_report report = check_usual(p);
	static const char *const labels[] = {"", "two passes its deadline: ring",
	        "two passes its deadline: ring, then answer passes its deadline: stop",
	        "without one", "without three", "without any step that can be skipped"};
	assert_int_equal(report.route_count, 6);
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(report.routes[i].route->label, labels[i]);
	struct scenario s;
	struct plan *plan;
	scenario_init(&s, p);
	assert_int_equal(plan_make(arena, p, &s, report.routes[2].route, &plan, NULL), RESULT_OK);
	assert_int_equal(plan->count, 3);
	assert_string_equal(plan->steps[2].step->id, "end");
	assert_int_equal(plan->steps[1].start_ms, 24 * H); // call
	assert_int_equal(plan->steps[2].start_ms, (24 + 48) * H);
	plan_free(plan);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_shipped_procedures_are_safe),
	        TEST(test_example_of_the_manual),
	        TEST(test_every_single_key_variant_is_safe),
	        TEST(test_corners),
	        TEST(test_many_changes),
	        TEST(test_some_changes),
	        TEST(test_figure_of_operator_change),
	        TEST(test_text_of_operator_change),
	        TEST(test_uncooperative_as_published),
	        TEST(test_names_mean_nothing),
	        TEST(test_rules),
	        TEST(test_algorithms_where_they_matter),
	        TEST(test_undo_in_every_corner),
	        TEST(test_undo_that_makes_insecure),
	        TEST(test_undo_that_leaves_sticky_readers),
	        TEST(test_waivers),
	        TEST(test_own_waits_are_never_trusted),
	        TEST(test_hard_switch),
	        TEST(test_routes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
