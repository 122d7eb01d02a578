// Lines for people: short times, wrapping at words.
#include "cmd/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void assert_short(const char *text, const char *want)
{
	int64_t now_ms;
	struct buffer out = buffer_init(10000);
	assert_int_equal(time_parse("2026-11-21T19:47:03Z", &now_ms, NULL), RESULT_OK);
	lines_short_times(text, now_ms, &out);
	assert_string_equal(buffer_text(&out), want);
	buffer_free(&out);
}

static void test_times(void **state)
{
	assert_short("", "");
	assert_short("until 2026-11-21T23:59:59.999Z; then", "until 23:59:59; then");
	assert_short("2026-11-21T00:00:00Z", "00:00:00");
	assert_short("2026-11-22T00:00:00Z,2025-11-21T01:02:03.004Z",
	        "2026-11-22 00:00:00,2025-11-21 01:02:03");
	// no stamps
	assert_short("2026-11-21T19:47:03", "2026-11-21T19:47:03");
	assert_short("2026-11-21 19:47:03Z", "2026-11-21 19:47:03Z");
	assert_short("2026-11-2", "2026-11-2");
	assert_short("2026-11-21T19:47:03.12x", "2026-11-21T19:47:03.12x");
	(void)state;
}

static void assert_wrapped(const char *text, int column, int indent, int width, const char *want)
{
	struct buffer out = buffer_init(10000);
	lines_wrap(&out, text, column, indent, width);
	assert_string_equal(buffer_text(&out), want);
	buffer_free(&out);
}

static void test_wrapping(void **state)
{
	assert_wrapped("", 5, 5, 20, "\n");
	assert_wrapped("one two three four", 0, 4, 10, "one two\n    three\n    four\n");
	assert_wrapped("one two three", 0, 0, 13, "one two three\n"); // to the last column
	assert_wrapped("one two three", 0, 0, 12, "one two\nthree\n");
	assert_wrapped("one two three", 6, 2, 10, "one\n  two\n  three\n");
	assert_wrapped("incomprehensibilities of it", 0, 2, 10, "incomprehensibilities\n  of it\n");
	assert_wrapped("one two three four", 0, 4, 0, "one two three four\n"); // not wrapped
	assert_wrapped("one\ntwo  three\n", 0, 2, 80, "one\n  two three\n");
	assert_wrapped("\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc", 0, 0, 7,
	        "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\xc3\xb6\xc3\xbc\n");
	(void)state;
}

// Into a pipe, as it is in tests: neither colours nor a width.
static void test_no_terminal(void **state)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	struct lines_look look = lines_look_of(file);
	fclose(file);
	assert_false(look.terminal);
	assert_false(look.colour);
	assert_int_equal(look.width, 0);
	assert_string_equal(lines_colour(&look, LINES_RED), "");
	look.colour = true;
	assert_string_equal(lines_colour(&look, LINES_RED), "\033[31m");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_times),
	        cmocka_unit_test(test_wrapping),
	        cmocka_unit_test(test_no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
