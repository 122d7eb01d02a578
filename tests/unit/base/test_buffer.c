#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void grows_with_what_is_added(void **state)
{
	(void)state;
	struct buffer b = buffer_init(1 << 20);
	assert_string_equal(buffer_text(&b), "");
	size_t expected = 0;
	for (int i = 0; i < 5000; i++) {
		buffer_printf(&b, "%d,", i);
		expected = b.length;
	}
	assert_false(b.failed);
	assert_int_equal(b.length, expected);
	assert_int_equal(strlen(b.data), b.length);
	assert_memory_equal(b.data, "0,1,2,3,", 8);
	assert_string_equal(b.data + b.length - 5, "4999,");
	buffer_free(&b);
	assert_string_equal(buffer_text(&b), "");
}

static void holds_octets_with_nul_in_them(void **state)
{
	(void)state;
	struct buffer b = buffer_init(16);
	buffer_add(&b, "a\0b", 3);
	buffer_add(&b, NULL, 0);
	assert_int_equal(b.length, 3);
	assert_memory_equal(b.data, "a\0b\0", 4);
	buffer_free(&b);
}

static void a_write_that_does_not_fit_changes_nothing(void **state)
{
	(void)state;
	struct buffer b = buffer_init(10);
	buffer_puts(&b, "1234567");
	buffer_puts(&b, "8901");
	assert_true(b.failed);
	assert_string_equal(buffer_text(&b), "1234567");
	buffer_puts(&b, "8"); // would fit, but something is missing before it
	assert_string_equal(buffer_text(&b), "1234567");
	buffer_printf(&b, "%d", 8);
	assert_string_equal(buffer_text(&b), "1234567");
	buffer_clear(&b);
	assert_false(b.failed);
	buffer_printf(&b, "%s", "1234567890");
	assert_false(b.failed);
	assert_string_equal(buffer_text(&b), "1234567890");
	buffer_printf(&b, "%s", "x");
	assert_true(b.failed);
	buffer_free(&b);
}

static void sizes_do_not_overflow(void **state)
{
	(void)state;
	struct buffer b = buffer_init(SIZE_MAX);
	buffer_puts(&b, "x");
	buffer_add(&b, "", SIZE_MAX - 1);
	assert_true(b.failed);
	assert_string_equal(buffer_text(&b), "x");
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(grows_with_what_is_added),
	        cmocka_unit_test(holds_octets_with_nul_in_them),
	        cmocka_unit_test(a_write_that_does_not_fit_changes_nothing),
	        cmocka_unit_test(sizes_do_not_overflow),
	};
	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
