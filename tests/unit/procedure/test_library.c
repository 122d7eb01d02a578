// The library: every procedure in it is safe, can be undone or says where not, and means the same
// under any names; every published text fails where it must.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "procedure/render.h"

#define H HOUR_MS

enum { MAX_FILES = 64 };

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(256 << 20);
	return arena == NULL;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct procedure *parse(const char *file, const char *text)
{
	const struct procedure *p;
	struct error err = {0};
	if (procedure_parse(arena, file, text, strlen(text), &p, &err) != RESULT_OK)
		fail_msg("%s\n%s", err.text, text);
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

static int is_yaml(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot != NULL && strcmp(dot, ".yaml") == 0;
}

// The names of all procedures of a folder, as read_text() wants them.
static size_t list(const char *folder, const char **names)
{
	struct dirent **entries;
	int n = scandir(
	        arena_printf(arena, "%s/%s", PROCEDURES, folder), &entries, is_yaml, alphasort);
	assert_in_range(n, 1, MAX_FILES);
	for (int i = 0; i < n; i++) {
		char *name = arena_printf(arena, "%s/%s", folder, entries[i]->d_name);
		*strrchr(name, '.') = '\0';
		names[i] = name;
		free(entries[i]);
	}
	free(entries);
	return (size_t)n;
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

static void expect_clean(const struct check_report *report, const char *name, const char *how)
{
	if (!report->ok || report->finding_count > 0)
		fail_msg("%s, %s: %s", name, how,
		        report->finding_count > 0 ? report->findings[0].text : "not ok");
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

static void test_every_procedure_is_safe(void **state)
{
	(void)state;
	const char *names[MAX_FILES];
	size_t n = list(".", names);
	assert_in_range(n, 16, MAX_FILES);
	for (size_t i = 0; i < n; i++) {
		const struct procedure *p = parse(names[i], read_text(names[i]));
		struct scenario s;
		const char *profile;
		assert_false(p->as_written);
		assert_string_equal(p->id, strrchr(names[i], '/') + 1);
		for (size_t k = 0; scenario_profile(&s, p, k, &profile); k++) {
			struct check_report report = check(p, &s);
			expect_clean(&report, names[i], profile);
		}
		arena_free(arena);
		arena = arena_new(256 << 20);
		n = list(".", names);
	}
}

// Parties that sign, or have somebody who answers for them.
static uint32_t key_owners(const struct procedure *p)
{
	uint32_t owners = 0;
	for (size_t i = 0; i < p->key_count; i++)
		if (p->keys[i].generation[0] == '\0')
			owners |= UINT32_C(1) << p->keys[i].party;
	return owners;
}

// The procedures in which keys change hands are the same for parties with a single key.
static void test_single_keys(void **state)
{
	(void)state;
	static const char *const names[] = {"operator-change", "operator-and-registrar-change",
	        "operator-change-uncooperative", "operator-change-phased",
	        "operator-change-split-signer", "multi-signer-join", "multi-signer-leave",
	        "registry-backend-change"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const struct procedure *p = parse(names[i], read_text(names[i]));
		uint32_t owners = key_owners(p);
		assert_int_equal(__builtin_popcount(owners), 2);
		for (uint32_t single = owners; single != 0; single = (single - 1) & owners) {
			struct scenario s;
			scenario_init(&s, p);
			s.single_key = single;
			struct check_report report = check(p, &s);
			expect_clean(&report, names[i], "single keys");
		}
	}
}

// Where a party is asked to change the delegation and may do so at any moment from then on, it is
// not asked before the change is safe.
static void test_requests_are_not_early(void **state)
{
	(void)state;
	static const char *const requests[][3] = {{"ksk-rollover", "submit", "exchange-ds"},
	        {"registry-backend-change", "request-addition", "add-new-ds"},
	        {"registry-backend-change", "request-shortening", "shorten-delegation"},
	        {"registry-backend-change", "request-removal-of-ds", "remove-old-ds"},
	        {"trust-anchor-rollover", "go-or-no-go", "sign-with-new-key"}};
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		const struct procedure *p = parse(requests[i][0], read_text(requests[i][0]));
		int request = procedure_step_find(p, requests[i][1]),
		    change = procedure_step_find(p, requests[i][2]);
		struct scenario s;
		const char *profile;
		assert_true(request >= 0 && change > request);
		for (size_t k = 0; scenario_profile(&s, p, k, &profile); k++) {
			struct plan *plan;
			assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
			int64_t asked_ms = plan->steps[request].start_ms;
			if (plan->steps[change].safe_ms > asked_ms)
				fail_msg("%s, %s: '%s' is asked for too early", requests[i][0],
				        profile, requests[i][2]);
			plan_free(plan);
		}
	}
}

// The text with a passage of it replaced.
static const char *with(const char *text, const char *passage, const char *other)
{
	const char *at = strstr(text, passage);
	assert_non_null(at);
	return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, other, at + strlen(passage));
}

// An emergency key that resolvers cannot see: its DS record was never published, is of a digest
// type that is not the best in the set, or of another algorithm than the zone's signatures.
static void test_emergency_keys_have_to_be_prepared(void **state)
{
	(void)state;
	static const struct {
		const char *passage, *other, *step;
		enum check_code code;
	} cases[] = {{"  parent.ds: signer.ksk + signer.ksk.standby\n", "  parent.ds: signer.ksk\n",
	                     "sign-with-standby", CHECK_NEVER},
	        {"requires:\n", "assume: {digests: {signer.ksk.standby: 1}}\nrequires:\n",
	                "sign-with-standby", CHECK_NEVER},
	        {"requires:\n", "assume: {algorithms: {signer.ksk.standby: 15}}\nrequires:\n", NULL,
	                CHECK_BROKEN_START}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *text =
		        with(read_text("ksk-emergency"), cases[i].passage, cases[i].other);
		struct check_report report = check_usual(parse("e", text));
		const struct check_finding *f = find(&report, cases[i].code, cases[i].step);
		assert_false(report.ok);
		if (f == NULL)
			fail_msg("nothing is wrong with %s", cases[i].other);
		assert_non_null(strstr(f->text, "DS set"));
	}
	// Prepared, it takes no waiting at all.
	const struct procedure *p = parse("e", read_text("ksk-emergency"));
	struct scenario s;
	struct plan *plan;
	scenario_init(&s, p);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	assert_string_equal(plan->steps[0].step->id, "sign-with-standby");
	assert_int_equal(plan->steps[0].start_ms, 0);
	assert_int_equal(plan->steps[0].step->approve, 0);
	plan_free(plan);
}

// Where the losing operator names the new servers, parent and child NS TTLs do not add; but not
// before DS and DNSKEY sets without the new keys are gone, for resolvers move at once.
static void test_naming_the_new_servers_shortens_the_change(void **state)
{
	(void)state;
	const struct procedure *p = parse("o", read_text("operator-change"));
	struct scenario s;
	struct plan *plan;
	scenario_init(&s, p);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	const struct plan_step *keys = &plan->steps[procedure_step_find(p, "publish-new-keys")],
	                       *name = &plan->steps[procedure_step_find(p, "name-new-servers")];
	assert_int_equal(name->start_ms, keys->everywhere_ms + 48 * H);
	scenario_parse_ttls(&s, "ds=4d", NULL);
	plan_free(plan);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	const struct plan_step *ds = &plan->steps[procedure_step_find(p, "add-new-ds")];
	name = &plan->steps[procedure_step_find(p, "name-new-servers")];
	assert_int_equal(name->start_ms, ds->everywhere_ms + 96 * H);
	scenario_init(&s, p);
	plan_free(plan);
	struct check_report report = check(p, &s);
	assert_string_equal(report.routes[2].route->label, "without name-new-servers");
	// The child's NS TTL of a day, less the propagation of the step that it saves.
	assert_int_equal(report.routes[2].longest_ms - report.routes[0].longest_ms, 18 * H);
	assert_int_equal(report.routes[2].shortest_ms - report.routes[0].shortest_ms, 24 * H);
}

// --- The way back

// From the state after each step there is a way back to the beginning, or to the last step that
// was declared to have none; that one somebody has to approve, and the plan says so.
static void expect_way_back(const struct procedure *p, const struct plan *plan)
{
	struct buffer text = buffer_init(1 << 20);
	struct render_context context = {.zone = ""};
	plan_write_text(plan, &context, &text);
	size_t said = 0, ends = 0;
	for (const char *at = buffer_text(&text); (at = strstr(at, "NO WAY BACK")) != NULL; at++)
		said++;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		assert_int_equal(step->state, PLAN_STEP_PLANNED);
		ends += step->no_way_back;
		if (step->no_way_back && step->step->approve == 0)
			fail_msg("%s: nobody approves '%s'", p->id, step->step->id);
		if (step->undo.possible)
			continue;
		const struct procedure_step *stops = &p->steps[step->undo.stops_at];
		if (!stops->no_return)
			fail_msg("%s: after '%s': %s", p->id, step->step->id, step->undo.text);
	}
	assert_int_equal(said, ends);
	buffer_free(&text);
}

static void test_every_way_back(void **state)
{
	(void)state;
	const char *names[MAX_FILES];
	size_t n = list(".", names);
	for (size_t i = 0; i < n; i++) {
		const struct procedure *p = parse(names[i], read_text(names[i]));
		const struct procedure_route *routes;
		size_t count;
		struct scenario s;
		scenario_init(&s, p);
		assert_int_equal(procedure_routes(arena, p, &routes, &count, NULL), RESULT_OK);
		for (size_t r = 0; r < count; r++) {
			struct plan *plan;
			assert_int_equal(
			        plan_make(arena, p, &s, &routes[r], &plan, NULL), RESULT_OK);
			assert_int_equal(plan_judge_undo(arena, plan, NULL), RESULT_OK);
			expect_way_back(p, plan);
			plan_free(plan);
		}
	}
}

// Until which step can it be undone?
static void test_until_when_it_can_be_undone(void **state)
{
	(void)state;
	static const char *const ends[][2] = {{"ksk-rollover", "close"},
	        {"ksk-rollover-double-ds", "close"}, {"ksk-emergency", "destroy-old-key"},
	        {"zsk-rollover", "destroy-old-key"}, {"csk-rollover", "destroy-old-key"},
	        {"algorithm-rollover", "destroy-old-keys"}, {"operator-change", "stop-serving"},
	        {"operator-change-phased", "stop-serving"},
	        {"operator-change-split-signer", "stop-serving"}, {"multi-signer-join", NULL},
	        {"multi-signer-leave", "stop-serving"},
	        {"registry-backend-change", "end-synchronisation"},
	        {"trust-anchor-rollover", "trust-new-key"}};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		const struct procedure *p = parse(ends[i][0], read_text(ends[i][0]));
		struct scenario s;
		struct plan *plan;
		const char *first = NULL;
		scenario_init(&s, p);
		assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
		for (size_t k = plan->count; k-- > 0;)
			if (plan->steps[k].no_way_back)
				first = plan->steps[k].step->id;
		if (ends[i][1] == NULL)
			assert_null(first);
		else
			assert_string_equal(first != NULL ? first : "never", ends[i][1]);
		plan_free(plan);
	}
}

// --- Names mean nothing

// Fresh names, whose order and length have nothing to do with those they replace.
struct renaming {
	const struct procedure *p;
	char party[PROCEDURE_MAX_PARTIES][12], step[PROCEDURE_MAX_STEPS][12],
	        line[PROCEDURE_MAX_LINES][12], generation[PROCEDURE_MAX_KEYS][12];
};

static void fresh(char name[static 12], unsigned *seed, size_t number)
{
	*seed = *seed * 1103515245u + 12345u;
	unsigned r = *seed >> 8;
	snprintf(name, 12, "%c%c%.*s%zu", 'q' + (int)(r % 10), 'j' + (int)(r / 16 % 8),
	        (int)(r / 256 % 4), "xvw", 99 - number % 100);
}

static void renaming_init(struct renaming *r, const struct procedure *p)
{
	unsigned seed = 4711;
	r->p = p;
	for (size_t i = 0; i < p->party_count; i++)
		fresh(r->party[i], &seed, i);
	for (size_t i = 0; i < p->step_count; i++)
		fresh(r->step[i], &seed, i);
	for (size_t i = 0; i < p->line_count; i++)
		fresh(r->line[i], &seed, i);
	for (size_t i = 0; i < p->key_count; i++)
		fresh(r->generation[i], &seed, i);
	// One generation has one name, whoever's key it is.
	for (size_t i = 0; i < p->key_count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(p->keys[i].generation, p->keys[k].generation) == 0)
				memcpy(r->generation[i], r->generation[k], sizeof *r->generation);
}

static const char *new_party(const struct renaming *r, const char *word)
{
	int party = procedure_party_find(r->p, word);
	return party >= 0 ? r->party[party] : word;
}

static const char *new_step(const struct renaming *r, const char *word)
{
	int step = procedure_step_find(r->p, word);
	return step >= 0 ? r->step[step] : word;
}

static const char *new_line(const struct renaming *r, const char *word)
{
	for (size_t i = 1; i < r->p->line_count; i++)
		if (strcmp(r->p->lines[i].id, word) == 0)
			return r->line[i];
	return word;
}

// "losing.ksk.new": the first word is a party, the third a generation.
static void put_dotted(const struct renaming *r, char *word, struct buffer *out)
{
	char *dot = strchr(word, '.'), *second = strchr(dot + 1, '.');
	*dot = '\0';
	buffer_printf(out, "%s.", new_party(r, word));
	if (second == NULL) {
		buffer_puts(out, dot + 1);
		return;
	}
	*second = '\0';
	const char *generation = second + 1;
	for (size_t i = 0; i < r->p->key_count; i++)
		if (strcmp(r->p->keys[i].generation, second + 1) == 0)
			generation = r->generation[i];
	buffer_printf(out, "%s.%s", dot + 1, generation);
}

static void put_word(const struct renaming *r, char *word, const char *before, bool after_key,
        bool is_key, struct buffer *out)
{
	if (strchr(word, '.') != NULL)
		put_dotted(r, word, out);
	else if (strcmp(before, "is") == 0)
		buffer_puts(out, word); // `is: registrar` is a word of the language
	else if (strcmp(before, "procedure") == 0)
		buffer_puts(out, strcmp(word, r->p->id) == 0 ? "zz-top" : word);
	else if (strcmp(before, "id") == 0 || strcmp(before, "after") == 0 || after_key)
		buffer_puts(out, new_step(r, word));
	else if (strcmp(before, "else") == 0 || (is_key && new_line(r, word) != word))
		buffer_puts(out, new_line(r, word));
	else
		buffer_puts(out, new_party(r, word));
}

static bool is_word_character(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

static const char *rename_everything(const struct procedure *p, const char *text)
{
	static struct renaming r;
	struct buffer out = buffer_init(1 << 20);
	char before[64] = "", word[256];
	bool after_key = false;
	renaming_init(&r, p);
	for (const char *at = text; *at != '\0';) {
		size_t length = 0;
		while (is_word_character(at[length]) && isalnum((unsigned char)at[0]))
			length++;
		while (length > 0 && (at[length - 1] == '-' || at[length - 1] == '.'))
			length--;
		if (length == 0 || length >= sizeof word) {
			length = length == 0 ? 1 : length;
			if (*at == '\n') {
				after_key = false;
				before[0] = '\0';
			}
			buffer_add(&out, at, length);
			at += length;
			continue;
		}
		memcpy(word, at, length);
		word[length] = '\0';
		char copy[sizeof word];
		memcpy(copy, word, length + 1);
		put_word(&r, copy, before, after_key, at[length] == ':', &out);
		after_key = after_key || (strcmp(word, "after") == 0 && at[length] == ':');
		snprintf(before, sizeof before, "%.60s", word);
		at += length;
	}
	const char *renamed = arena_strdup(arena, buffer_text(&out));
	buffer_free(&out);
	return renamed;
}

static void expect_same(
        const char *name, const struct check_report *a, const struct check_report *b)
{
	if (a->ok != b->ok || a->route_count != b->route_count ||
	        a->finding_count != b->finding_count)
		fail_msg("%s: %zu findings, renamed %zu", name, a->finding_count, b->finding_count);
	for (size_t i = 0; i < a->finding_count; i++) {
		const struct check_finding *x = &a->findings[i], *y = &b->findings[i];
		assert_int_equal(x->code, y->code);
		assert_int_equal(x->severity, y->severity);
		assert_int_equal(x->short_best_ms, y->short_best_ms);
		assert_int_equal(x->short_worst_ms, y->short_worst_ms);
		assert_int_equal(
		        x->step != NULL ? x->step->line : 0, y->step != NULL ? y->step->line : 0);
	}
	for (size_t i = 0; i < a->route_count; i++) {
		const struct check_route *x = &a->routes[i], *y = &b->routes[i];
		for (int path = 0; path < SAFETY_PATHS; path++)
			assert_int_equal(x->word[path], y->word[path]);
		assert_int_equal(x->corners, y->corners);
		assert_int_equal(x->insecure_ms, y->insecure_ms);
		assert_int_equal(x->shortest_ms, y->shortest_ms);
		assert_int_equal(x->longest_ms, y->longest_ms);
	}
}

static void test_the_checker_knows_nobody(void **state)
{
	(void)state;
	const char *names[2 * MAX_FILES];
	size_t n = list(".", names);
	n += list("as-published", names + n);
	for (size_t i = 0; i < n; i++) {
		const char *text = read_text(names[i]);
		const struct procedure *a = parse(names[i], text);
		const struct procedure *b = parse(names[i], rename_everything(a, text));
		for (size_t k = 0; k < a->party_count; k++)
			assert_string_not_equal(a->parties[k].id, b->parties[k].id);
		for (size_t k = 0; k < a->step_count; k++)
			assert_string_not_equal(a->steps[k].id, b->steps[k].id);
		for (size_t k = 0; k < a->key_count; k++)
			assert_string_not_equal(a->keys[k].id, b->keys[k].id);
		assert_string_not_equal(a->id, b->id);
		struct check_report x = check_usual(a), y = check_usual(b);
		expect_same(names[i], &x, &y);
	}
}

// --- What others have published (ds 24h, parent-ns 48h, child-ns 24h, dnskey 48h, data 96h, lags
// 6h; test_check.c has the operator changes)

static void test_every_published_text_fails(void **state)
{
	(void)state;
	const char *names[MAX_FILES];
	size_t n = list("as-published", names);
	for (size_t i = 0; i < n; i++) {
		const struct procedure *p = parse(names[i], read_text(names[i]));
		struct check_report report = check_usual(p);
		assert_true(p->as_written);
		assert_true(report.ok); // it expects to
		assert_true(report.routes[0].word[SAFETY_DIRECT] >= SAFETY_BOGUS);
		assert_non_null(find(&report, CHECK_NO_UNDO, NULL));
		assert_non_null(find(&report, CHECK_NO_DEADLINE, NULL));
		assert_non_null(find(&report, CHECK_NO_HEADROOM, NULL));
	}
}

static void test_ksk_rollover_coordination(void **state)
{
	(void)state;
	const char *name = "as-published/ksk-rollover-coordination";
	const struct procedure *p = parse(name, read_text(name));
	struct check_report report = check_usual(p);
	// That the new KSK is there is not that every DNSKEY set without it is gone.
	expect_early(&report, "change-ds", 48 * H, 54 * H, "DNSKEY set");
	// Complete and continue, without the DS TTL; and from completion, not from the last
	// address of the root, which is what the worst has more than the best.
	expect_early(&report, "remove-old-ksk", 24 * H, 30 * H, "DS set");
	assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_BOGUS);
	// With the TTLs waited for, from completion on, only propagation is left.
	const char *text = read_text(name);
	const char *cut = strstr(text, "    does: dnssec-provider.dnskey - dnssec-provider.ksk\n");
	assert_non_null(cut);
	const char *patient =
	        arena_printf(arena, "%.*s    wait: ttl(parent.ds) after change-ds seen\n%s",
	                (int)(cut - text), text, cut);
	report = check_usual(parse(name, patient));
	expect_early(&report, "remove-old-ksk", 0, 6 * H, "DS set");
}

static void test_registry_backend_transition(void **state)
{
	(void)state;
	const char *name = "as-published/registry-backend-transition";
	const struct procedure *p = parse(name, read_text(name));
	struct check_report report = check_usual(p);
	// Propagation, and data that lives longer than NS sets (96h for 48h): step 10.
	expect_early(&report, "sign-at-new", 0, 6 * H, "DNSKEY set");
	expect_early(&report, "remove-old-dnskey", 48 * H, 54 * H, "data signed by original.zsk");
	// The old key goes before the DS record that refers to it.
	assert_non_null(find(&report, CHECK_DS_WITHOUT_KEY, "remove-old-dnskey"));
	// The DNSKEY TTL is never waited for: with 96h, DNSKEY sets without the new keys are left
	// when the new operator signs, 48h later.
	struct scenario s;
	scenario_init(&s, p);
	scenario_parse_ttls(&s, "dnskey=96h", NULL);
	report = check(p, &s);
	expect_early(&report, "sign-at-new", 48 * H, 54 * H, "validated the DNSKEY set");
	// With no data that outlives NS sets step 10 is late enough, but for propagation.
	scenario_init(&s, p);
	scenario_parse_ttls(&s, "data=48h", NULL);
	report = check(p, &s);
	expect_early(&report, "remove-old-dnskey", 0, 6 * H, "data signed by original.zsk");
	// Different algorithms fail validators that insist on all.
	scenario_init(&s, p);
	for (size_t i = 0; i < p->key_count; i++)
		s.keys[i].algorithm = p->keys[i].party == procedure_party_find(p, "new") ? 13 : 8;
	scenario_parse_lags(&s, p, "parent=0s,child=0s", NULL);
	scenario_parse_ttls(&s, "data=24h,dnskey=24h", NULL);
	report = check(p, &s);
	assert_non_null(find(&report, CHECK_ALGORITHMS, NULL));
	s.readers.algorithms = SAFETY_LENIENT;
	report = check(p, &s);
	assert_int_equal(report.routes[0].word[SAFETY_FORWARDER], SAFETY_SAFE);
}

static void test_registry_backend_transition_read_otherwise(void **state)
{
	(void)state;
	const char *name = "as-published/registry-backend-transition";
	// The new operator signs its own copy from the start: step 2 is bogus at once.
	const char *text = with(read_text(name), "  new.copies: original\n", "");
	text = with(text, "      - new.copies = none\n", "");
	struct scenario s;
	const struct procedure *p = parse(name, text);
	struct plan *plan;
	scenario_init(&s, p);
	scenario_parse_lags(&s, p, "parent=0s,child=0s", NULL);
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, NULL), RESULT_OK);
	const struct safety_fault *fault = &plan->verdict.path[SAFETY_DIRECT].fault;
	assert_int_equal(plan->verdict.path[SAFETY_DIRECT].word, SAFETY_BOGUS);
	assert_string_equal(plan->steps[1].step->id, "add-new-records");
	assert_int_equal(fault->at_ms, plan->steps[1].start_ms);
	plan_free(plan);
	// The old servers stop synchronising in step 6: while they are still asked, because child
	// NS sets outlive step 9, they serve a zone that contradicts the new one's keys.
	const char *patient = with(read_text(name), "    does: original.serving = no\n",
	        "    does: original.serving = no\n    wait: 10d\n");
	text = with(patient, "    does: original.copies = new\n",
	        "    does: announce that nothing is synchronised any more\n");
	p = parse(name, text);
	scenario_init(&s, p);
	scenario_parse_lags(&s, p, "parent=0s,child=0s", NULL);
	scenario_parse_ttls(&s, "data=24h,dnskey=24h,ds=1h", NULL);
	struct check_report report = check(p, &s);
	assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_BOGUS);
	assert_non_null(strstr(report.routes[0].witness[SAFETY_DIRECT], "original"));
	// Where they synchronise, the same is safe.
	p = parse(name, patient);
	report = check(p, &s);
	assert_int_equal(report.routes[0].word[SAFETY_DIRECT], SAFETY_SAFE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_every_procedure_is_safe),
	        TEST(test_single_keys),
	        TEST(test_requests_are_not_early),
	        TEST(test_emergency_keys_have_to_be_prepared),
	        TEST(test_naming_the_new_servers_shortens_the_change),
	        TEST(test_every_way_back),
	        TEST(test_until_when_it_can_be_undone),
	        TEST(test_the_checker_knows_nobody),
	        TEST(test_every_published_text_fails),
	        TEST(test_ksk_rollover_coordination),
	        TEST(test_registry_backend_transition),
	        TEST(test_registry_backend_transition_read_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
