// Plans and reports as text, JSON, iCalendar and SVG.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procedure/render.h"

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

// Names and titles with every character that needs care somewhere.
static const char awkward[] =
        "procedure: awkward\n"
        "title: 'Roll <&> \"quotes\", commas; back\\slashes and a very long title: "
        "\u00e4\u00f6\u00fc\u20ac "
        "\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e'\n"
        "parties:\n  op: {is: operator}\n  registry: {is: parent}\n"
        "steps:\n"
        "- {id: publish, title: 'A<b> & c; d, e "
        "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc"
        "\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc\u00e4\u00f6\u00fc"
        "', "
        "by: op, does: [op.dnskey + op.ksk.new, op.dnskey-signers + op.ksk.new], "
        "undo: op.dnskey - op.ksk.new, within: 7d, else: ask, tell: [registry]}\n"
        "- {id: swap, by: registry, does: parent.ds = op.ksk.new, undo: parent.ds = op.ksk}\n"
        "- {id: remove, by: op, does: op.dnskey - op.ksk, undo: {none: 'gone; <for> good & all'}, "
        "approve: [op, registry], wait: 9d after swap everywhere}\n";

static const struct render_context context = {"example.test", 1790000000000};

static struct plan *plan_awkward(bool relative, int64_t start_ms)
{
	const struct procedure *p;
	struct plan *plan;
	struct scenario s;
	struct error err = {0};
	if (procedure_parse(arena, "t", awkward, strlen(awkward), &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	scenario_init(&s, p);
	s.relative = relative;
	s.start_ms = start_ms;
	assert_int_equal(plan_make(arena, p, &s, NULL, &plan, &err), RESULT_OK);
	return plan;
}

static void expect_in(const char *text, const char *part)
{
	if (text == NULL || strstr(text, part) == NULL)
		fail_msg("'%s' is not in\n%s", part, text != NULL ? text : "(nothing)");
}

static void test_text(void **state)
{
	(void)state;
	struct plan *plan = plan_awkward(true, 0);
	struct buffer out = buffer_init(1 << 20);
	plan_write_text(plan, &context, &out);
	expect_in(out.data, "example.test\n");
	expect_in(out.data, "2  2d6h                  registry     swap\n");
	expect_in(out.data, "waits     2d, until 2d6h\n");
	// Of the procedure itself.
	expect_in(out.data, "      waits     9d, until 11d12h\n"
	                    "      as agreed 9d after swap everywhere\n");
	expect_in(out.data, "DNSKEY set");
	expect_in(out.data, "approve   op, registry\n");
	expect_in(out.data, "deadline  7d, else ask\n");
	expect_in(out.data, "NO WAY BACK after this step: gone;");
	expect_in(out.data, "Direct resolvers: safe\nForwarding resolvers: safe\n");
	for (char *line = strtok(out.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
		assert_true(strlen(line) < 140);
	buffer_free(&out);
	plan_free(plan);
}

// Members have underscores, as in all JSON that the commands print. The first that has not, or
// NULL.
static const char *key_with_hyphen(json_t *value)
{
	const char *key, *found = NULL;
	json_t *member;
	size_t i;
	if (json_is_object(value))
		json_object_foreach(value, key, member)
		{
			if (strchr(key, '-') != NULL)
				return key;
			found = found != NULL ? found : key_with_hyphen(member);
		}
	json_array_foreach(value, i, member)
	{
		found = found != NULL ? found : key_with_hyphen(member);
	}
	return found;
}

static void test_json(void **state)
{
	(void)state;
	struct plan *plan = plan_awkward(false, 1795000000000);
	struct buffer out = buffer_init(1 << 20);
	struct error err = {0};
	assert_int_equal(plan_write_json(plan, &context, &out, &err), RESULT_OK);
	json_error_t problem;
	json_t *root = json_loads(out.data, JSON_REJECT_DUPLICATES, &problem);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "zone")), "example.test");
	assert_string_equal(json_string_value(json_object_get(root, "direct")), "safe");
	json_t *swap = json_array_get(json_object_get(root, "steps"), 1);
	char start[TIME_TEXT];
	assert_string_equal(json_string_value(json_object_get(swap, "start")),
	        time_format(1795000000000 + 54 * HOUR_MS, start));
	json_t *record = json_object_get(swap, "waits_for");
	assert_string_equal(json_string_value(json_object_get(record, "kind")), "dnskey");
	assert_string_equal(json_string_value(json_object_get(record, "publisher")), "op");
	assert_true(json_is_null(json_object_get(swap, "safe_until")));
	json_t *last = json_array_get(json_object_get(root, "steps"), 2);
	assert_true(json_is_true(json_object_get(root, "ok")));
	assert_int_equal(json_integer_value(json_object_get(root, "insecure_ms")), 0);
	assert_null(key_with_hyphen(root));
	assert_true(json_is_true(json_object_get(last, "no_way_back")));
	assert_string_equal(json_string_value(json_object_get(last, "wait_until")),
	        time_format(1795000000000 + (11 * 24 + 12) * HOUR_MS, start));
	assert_string_equal(json_string_value(json_array_get(json_object_get(last, "wait"), 0)),
	        "9d after swap everywhere");
	assert_true(json_is_null(json_object_get(swap, "wait_until")));
	assert_int_equal(json_integer_value(json_object_get(swap, "dnskey_octets")),
	        plan->steps[1].dnskey_octets);
	assert_int_equal(json_integer_value(json_object_get(root, "dnskey_octets_largest")),
	        plan->dnskey_octets_largest);
	assert_int_equal(json_array_size(json_object_get(last, "approve")), 2);
	json_decref(root);
	buffer_free(&out);
	struct buffer small = buffer_init(100);
	assert_int_equal(plan_write_json(plan, &context, &small, &err), RESULT_LIMIT);
	buffer_free(&small);
	plan_free(plan);
}

static void test_report(void **state)
{
	(void)state;
	static const char text[] =
	        "procedure: swap\nparties:\n  a: {is: operator}\n  b: {is: operator}\n"
	        "  registry: {is: parent}\nstart: {parent.ns: a.ns}\nwaits: as-written\nsteps:\n"
	        "- {id: early, by: registry, does: parent.ns = b.ns, wait: 1h}\n";
	const struct procedure *p;
	struct check_report report;
	struct scenario s;
	struct error err = {0};
	assert_int_equal(procedure_parse(arena, "f.yaml", text, strlen(text), &p, &err), RESULT_OK);
	scenario_init(&s, p);
	assert_int_equal(check_procedure(arena, p, &s, &report, &err), RESULT_OK);
	struct buffer out = buffer_init(1 << 20);
	assert_int_equal(check_write_json(p, &report, &out, &err), RESULT_OK);
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.length - 1); // one line
	json_t *root = json_loads(out.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "name")), "swap");
	assert_string_equal(json_string_value(json_object_get(root, "direct")), "bogus");
	assert_true(json_is_false(json_object_get(root, "ok")));
	assert_null(key_with_hyphen(root));
	expect_in(json_string_value(json_object_get(root, "witness")), "b");
	json_decref(root);
	buffer_clear(&out);
	check_write_text(p, &report, &out);
	expect_in(out.data, "swap: FAIL\n");
	expect_in(out.data, "direct bogus, forwarder bogus (expected safe, safe)");
	expect_in(out.data, "f.yaml:9:3: warning: step 'early' is never safe:");
	buffer_free(&out);
}

// Unfolds (RFC 5545 section 3.1) and counts what a line must not be.
static char *unfold(const char *ics)
{
	struct buffer out = buffer_init(1 << 20);
	const char *line = ics;
	while (*line != '\0') {
		const char *end = strstr(line, "\r\n");
		assert_non_null(end);
		assert_true(end - line <= 75);
		assert_null(memchr(line, '\n', (size_t)(end - line)));
		// a fold inside a character would leave a line that begins with its rest
		assert_int_not_equal((unsigned char)line[line[0] == ' '] & 0xc0, 0x80);
		if (line[0] == ' ')
			buffer_add(&out, line + 1, (size_t)(end - line - 1));
		else
			buffer_printf(
			        &out, "%s%.*s", line == ics ? "" : "\n", (int)(end - line), line);
		line = end + 2;
	}
	char *text = arena_strdup(arena, buffer_text(&out));
	buffer_free(&out);
	return text;
}

static char *ics_of(int64_t start_ms)
{
	struct plan *plan = plan_awkward(false, start_ms);
	struct buffer out = buffer_init(1 << 20);
	struct error err = {0};
	assert_int_equal(plan_write_ics(plan, &context, &out, &err), RESULT_OK);
	char *text = unfold(out.data);
	buffer_free(&out);
	plan_free(plan);
	return text;
}

static void test_calendar(void **state)
{
	(void)state;
	char *text = ics_of(1795000000000);
	expect_in(text, "BEGIN:VCALENDAR\nVERSION:2.0\n");
	expect_in(text, "UID:swap.awkward.example.test@baton.invalid\nDTSTAMP:20260921T141320Z\n"
	                "DTSTART:20261120T170640Z\nDTEND:20261120T230640Z\n");
	expect_in(text, "SUMMARY:example.test: A<b> & c\\; d\\, e \u00e4");
	expect_in(text, "\\nNot earlier: ");
	expect_in(text, "No way back after this step: gone\\; <for> good & all");
	expect_in(text, "To be approved by op\\, registry.");
	expect_in(text, "END:VEVENT\nEND:VCALENDAR");
	int begins = 0, ends = 0;
	for (const char *p = text; (p = strstr(p, "BEGIN:VEVENT")) != NULL; p++)
		begins++;
	for (const char *p = text; (p = strstr(p, "END:VEVENT")) != NULL; p++)
		ends++;
	assert_int_equal(begins, 3);
	assert_int_equal(ends, 3);
	// A new plan replaces the old one: same UIDs, other times. Never earlier than it is safe.
	char *later = ics_of(1795000000001);
	expect_in(later, "UID:swap.awkward.example.test@baton.invalid");
	expect_in(later, "DTSTART:20261120T170641Z");
}

static void test_no_calendar_without_dates(void **state)
{
	(void)state;
	struct plan *plan = plan_awkward(true, 0);
	struct buffer out = buffer_init(1 << 20);
	struct error err = {0};
	assert_int_equal(plan_write_ics(plan, &context, &out, &err), RESULT_INPUT);
	assert_int_equal(out.length, 0);
	buffer_free(&out);
	plan_free(plan);
}

// Every element is closed in order, and no stray markup is left in texts.
static void expect_balanced(const char *xml)
{
	char open[32][16];
	int depth = 0;
	for (const char *p = xml; *p != '\0';) {
		if (*p == '&') {
			size_t n = strcspn(p, ";");
			assert_true(n <= 5);
			p += n;
		}
		if (*p++ != '<')
			continue;
		bool closes = *p == '/';
		p += closes;
		size_t n = strcspn(p, " >/");
		assert_true(n > 0 && n < sizeof open[0]);
		if (closes) {
			assert_true(depth > 0);
			depth--;
			assert_true(strlen(open[depth]) == n && strncmp(open[depth], p, n) == 0);
		} else {
			assert_true(depth < 32);
			memcpy(open[depth], p, n);
			open[depth++][n] = '\0';
		}
		p += strcspn(p, ">");
		assert_int_equal(*p, '>');
		if (!closes && p[-1] == '/')
			depth--;
	}
	assert_int_equal(depth, 0);
}

static void test_drawing(void **state)
{
	(void)state;
	struct plan *plan = plan_awkward(false, 1795000000000);
	struct buffer out = buffer_init(1 << 20);
	plan_write_svg(plan, &context, &out);
	assert_false(out.failed);
	expect_balanced(out.data);
	expect_in(out.data, "A&lt;b&gt; &amp; c; d, e");
	expect_in(out.data, "&quot;quotes&quot;");
	expect_in(out.data, "DNSKEY set of op");
	expect_in(out.data, ", no way back");
	expect_in(out.data, "prefers-color-scheme:dark");
	assert_null(strstr(out.data, "<b>"));
	if (system("command -v xmllint >/dev/null 2>&1") == 0) {
		FILE *lint = popen("xmllint --noout --nonet -", "w");
		assert_non_null(lint);
		fwrite(out.data, 1, out.length, lint);
		assert_int_equal(pclose(lint), 0);
	}
	buffer_free(&out);
	plan_free(plan);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(test_text),
	        TEST(test_json),
	        TEST(test_report),
	        TEST(test_calendar),
	        TEST(test_no_calendar_without_dates),
	        TEST(test_drawing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
