#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"

static void octets_are_written(void **state)
{
	(void)state;
	char text[9];
	static const uint8_t octets[] = {0x00, 0x1f, 0xa0, 0xff};
	assert_string_equal(hex_lower(octets, 4, text), "001fa0ff");
	assert_string_equal(hex_upper(octets, 4, text), "001FA0FF");
	assert_string_equal(hex_upper(octets, 0, text), "");
}

static void digits_are_read(void **state)
{
	(void)state;
	uint8_t octets[3] = {7, 7, 7};
	assert_true(hex_read("00aBfF", octets, 3));
	assert_memory_equal(octets, "\x00\xab\xff", 3);
	assert_false(hex_read_lower("00aBff", octets, 3));
	assert_true(hex_read_lower("0102fe", octets, 3));
	assert_memory_equal(octets, "\x01\x02\xfe", 3);
	assert_true(hex_read("", octets, 0));
}

static void anything_else_is_refused_and_leaves_the_octets(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "0", "01", "010", "010", "01020", "0102030",
	        "01020g", "0x0102", " 10203", "01020 "};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		uint8_t octets[3] = {7, 7, 7};
		assert_false(hex_read(texts[i], octets, 3));
		assert_memory_equal(octets, "\7\7\7", 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(octets_are_written),
	        cmocka_unit_test(digits_are_read),
	        cmocka_unit_test(anything_else_is_refused_and_leaves_the_octets),
	};
	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
