#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_result_has_a_text(void **state)
{
	(void)state;
	for (int code = 0; code < RESULT_COUNT; code++) {
		assert_non_null(result_text((enum result)code));
		for (int other = 0; other < code; other++)
			assert_string_not_equal(
			        result_text((enum result)code), result_text((enum result)other));
	}
	assert_string_equal(result_text((enum result)1000), "unknown result");
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	struct error err = {0};
	assert_int_equal(error_set(&err, RESULT_LIMIT, "%s: %d is too many", "x", 3), RESULT_LIMIT);
	assert_int_equal(err.code, RESULT_LIMIT);
	assert_string_equal(err.text, "x: 3 is too many");
	assert_int_equal(error_set(NULL, RESULT_TIMEOUT, "nobody listens"), RESULT_TIMEOUT);
}

static void adds_the_system_s_reason(void **state)
{
	(void)state;
	struct error err = {0};
	errno = ENOSPC;
	assert_int_equal(error_set_errno(&err, "%s: cannot write", "j"), RESULT_SYSTEM);
	assert_string_equal(err.text, "j: cannot write: No space left on device");
	assert_int_equal(err.code, RESULT_SYSTEM);
	assert_int_equal(error_set_errno(NULL, "x"), RESULT_SYSTEM);
}

static void a_prefix_keeps_text_and_code(void **state)
{
	(void)state;
	struct error err = {0};
	error_set(&err, RESULT_CORRUPT, "broken");
	error_prefix(&err, "%s, record %d: ", "journal", 7);
	assert_string_equal(err.text, "journal, record 7: broken");
	assert_int_equal(err.code, RESULT_CORRUPT);
	error_prefix(NULL, "x");
}

static void may_be_built_from_its_own_text(void **state)
{
	(void)state;
	struct error err = {0};
	error_set(&err, RESULT_INPUT, "inner");
	error_set(&err, RESULT_INPUT, "outer: %s", err.text);
	assert_string_equal(err.text, "outer: inner");
	error_prefix(&err, "%s, again: ", err.text);
	assert_string_equal(err.text, "outer: inner, again: outer: inner");
}

static void cuts_long_texts_between_characters(void **state)
{
	(void)state;
	// Whatever is in front, "€" is shown whole or not at all.
	for (size_t offset = 0; offset < 12; offset++) {
		char text[2 * sizeof((struct error *)0)->text + 1];
		memset(text, 'x', sizeof text);
		text[sizeof text - 1] = '\0';
		for (size_t i = offset; i + 3 < sizeof text; i += 3)
			memcpy(text + i, "€", 3);
		struct error err = {0};
		error_set(&err, RESULT_INPUT, "%s", text);
		size_t n = strlen(err.text);
		assert_true(n < sizeof err.text && n > sizeof err.text - 5);
		assert_int_equal((n - offset) % 3, 0);
		assert_memory_equal(err.text, text, n);
	}
}

static void hostile_texts_cannot_reach_the_terminal(void **state)
{
	(void)state;
	struct error err = {0};
	error_set(&err, RESULT_INPUT, "'%s'",
	        "a\x1b[2Jb\nc\x7f\xc2\x9b"
	        "1md é");
	assert_string_equal(err.text, "'a?[2Jb?c???1md é'");
	error_prefix(&err, "x\ty ");
	assert_memory_equal(err.text, "x?y ", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_result_has_a_text),
	        cmocka_unit_test(says_what_is_wrong),
	        cmocka_unit_test(adds_the_system_s_reason),
	        cmocka_unit_test(a_prefix_keeps_text_and_code),
	        cmocka_unit_test(may_be_built_from_its_own_text),
	        cmocka_unit_test(cuts_long_texts_between_characters),
	        cmocka_unit_test(hostile_texts_cannot_reach_the_terminal),
	};
	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
