#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void reads_and_writes(void **state)
{
	static const char *const pairs[][2] = {
	        {"192.0.2.1", "192.0.2.1@53"},
	        {"192.0.2.1@5353", "192.0.2.1@5353"},
	        {"2001:db8::1", "2001:db8::1@53"},
	        {"2001:DB8:0:0::1@1", "2001:db8::1@1"},
	        {"::@65535", "::@65535"},
	        {"::ffff:192.0.2.1", "::ffff:192.0.2.1@53"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct address a;
		char text[ADDRESS_TEXT];
		assert_int_equal(address_parse(pairs[i][0], 53, &a, NULL), RESULT_OK);
		assert_string_equal(address_format(&a, text), pairs[i][1]);
	}
}

static void refuses(void **state)
{
	static const char *const texts[] = {"", "@53", "192.0.2", "192.0.2.1.5", "192.0.2.256",
	        "localhost", "fe80::1%lo", "192.0.2.1@", "192.0.2.1@0", "192.0.2.1@65536",
	        "192.0.2.1@053", "192.0.2.1@+5", "192.0.2.1@5x", "192.0.2.1 ", "[::1]@53",
	        "192.0.2.1:53", "2001:db8:::1",
	        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct address a = {.port = 7};
		struct error err = {0};
		assert_int_equal(address_parse(texts[i], 53, &a, &err), RESULT_INPUT);
		assert_true(strlen(err.text) > 0);
		assert_int_equal(a.port, 7); // untouched
	}
}

static struct address from(const char *text)
{
	struct address a;
	assert_int_equal(address_parse(text, 53, &a, NULL), RESULT_OK);
	return a;
}

static void compares_and_hashes(void **state)
{
	static const char *const ordered[] = {
	        "192.0.2.1", "192.0.2.1@54", "192.0.2.2@1", "200.0.0.0", "::", "2001:db8::1"};
	(void)state;
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 6; k++) {
			struct address a = from(ordered[i]), b = from(ordered[k]);
			int order = address_compare(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
			assert_int_equal(address_equal(&a, &b), i == k);
			assert_int_equal(address_hash(&a, 9) == address_hash(&b, 9), i == k);
		}
	struct address a = from("192.0.2.1"), b = from("192.0.2.1@54");
	assert_true(address_equal_ip(&a, &b));
	assert_int_not_equal(address_hash(&a, 1), address_hash(&a, 2));
}

static void goes_to_the_kernel_and_back(void **state)
{
	struct sockaddr_storage storage = {0};
	struct address none = {0};
	char text[ADDRESS_TEXT];
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct address a = from(i == 0 ? "192.0.2.1@99" : "2001:db8::7@99");
		assert_true(address_to_sockaddr(&a, &storage) > 0);
		struct address b = address_from_sockaddr(&storage);
		assert_true(address_equal(&a, &b));
	}
	assert_int_equal(address_to_sockaddr(&none, &storage), 0);
	storage.ss_family = AF_UNIX;
	assert_int_equal(address_from_sockaddr(&storage).family, 0);
	assert_string_equal(address_format(&none, text), "none");
	struct address octets = address_from_octets((const uint8_t *)"\300\0\2\1", 4, 53);
	assert_string_equal(address_format_ip(&octets, text), "192.0.2.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_and_writes),
	        cmocka_unit_test(refuses),
	        cmocka_unit_test(compares_and_hashes),
	        cmocka_unit_test(goes_to_the_kernel_and_back),
	};
	return cmocka_run_group_tests_name("net address", tests, NULL, NULL);
}
