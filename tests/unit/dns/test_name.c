#include "support.h"

static void assert_refused(const char *text)
{
	struct dns_name untouched = {.wire = {1, 'x'}};
	struct error err = {0};
	assert_int_equal(dns_name_parse(text, &untouched, &err), RESULT_INPUT);
	assert_true(strlen(err.text) > 10);
	assert_memory_equal(untouched.wire, "\1x", 3);
}

static void parses_and_prints(void **state)
{
	static const char *const texts[][2] = {
	        {".", "."},
	        {"example", "example."},
	        {"Example.COM.", "Example.COM."},
	        {"*.example", "*.example."},
	        {"a\\.b.example", "a\\.b.example."},
	        {"\\000\\255.example", "\\000\\255.example."},
	        {"_sip._tcp.xn--bcher-kva.example", "_sip._tcp.xn--bcher-kva.example."},
	};
	char text[DNS_NAME_TEXT];
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_string_equal(dns_name_text(name(*state, texts[i][0]), text), texts[i][1]);
	assert_memory_equal(name(*state, "Ab.c"), "\2Ab\1c", 6);
}

static void refuses_what_is_no_name(void **state)
{
	(void)state;
	assert_refused("");
	assert_refused("..");
	assert_refused("a..b");
	assert_refused(".a");
	assert_refused("a b");
	assert_refused("b\xc3\xbc"
	               "cher.example");
	assert_refused("a\\256.example");
	assert_refused("example\\");
	assert_refused("0123456789012345678901234567890123456789012345678901234567890123.example");
	char text[600] = "";
	for (int i = 0; i < 128; i++)
		strcat(text, "a.");
	assert_refused(text); // 257 octets
	char *huge = malloc(100000);
	memset(huge, 'a', 99999);
	huge[99999] = '\0';
	assert_refused(huge);
	free(huge);
}

static void longest_name_is_accepted_and_printed(void **state)
{
	char in[1100] = "", text[DNS_NAME_TEXT];
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 63; j++)
			strcat(in, "\\001");
		strcat(in, ".");
	}
	for (int j = 0; j < 61; j++)
		strcat(in, "\\001");
	strcat(in, ".");
	const uint8_t *longest = name(*state, in);
	assert_int_equal(dns_name_length(longest), 255);
	assert_string_equal(dns_name_text(longest, text), in);
	struct dns_name longer;
	assert_int_equal(dns_name_prepend(&longer, "a", longest, NULL), RESULT_LIMIT);
}

static void checks_octets(void **state)
{
	(void)state;
	struct dns_name found;
	size_t length;
	const uint8_t good[] = {1, 'a', 0, 99};
	assert_int_equal(dns_name_check(good, 4, &found, &length, NULL), RESULT_OK);
	assert_int_equal(length, 3);
	assert_int_equal(dns_name_check(good, 2, &found, &length, NULL), RESULT_INPUT);
	assert_int_equal(dns_name_check(good, 0, &found, &length, NULL), RESULT_INPUT);
	assert_int_equal(
	        dns_name_check((const uint8_t[]){0xc0, 0}, 2, &found, &length, NULL), RESULT_INPUT);
	uint8_t endless[300];
	for (size_t i = 0; i < sizeof endless; i++)
		endless[i] = i % 2 == 0 ? 1 : 'a';
	assert_int_equal(
	        dns_name_check(endless, sizeof endless, &found, &length, NULL), RESULT_INPUT);
}

static void compares_without_case(void **state)
{
	const uint8_t *a = name(*state, "WWW.Example.com"), *b = name(*state, "www.eXample.COM");
	assert_true(dns_name_equal(a, b));
	assert_false(same_octets(a, b));
	assert_int_equal(dns_name_hash(a), dns_name_hash(b));
	assert_int_equal(dns_name_compare(a, b), 0);
	assert_false(dns_name_equal(a, name(*state, "ww.example.com")));
	// [ and { differ by the same bit as letters do, and are no letters.
	assert_false(dns_name_equal(name(*state, "[.example"), name(*state, "{.example")));
	struct dns_name lower;
	dns_name_lower(&lower, a);
	assert_memory_equal(lower.wire, b, 4);
	assert_true(same_octets(lower.wire, name(*state, "www.example.com")));
}

static void orders_as_in_rfc_4034(void **state)
{
	// RFC 4034 6.1.
	static const char *const sorted[] = {"example", "a.example", "yljkjljk.a.example",
	        "Z.a.example", "zABC.a.EXAMPLE", "z.example", "\\001.z.example", "*.z.example",
	        "\\200.z.example"};
	for (size_t i = 0; i < sizeof sorted / sizeof *sorted; i++) {
		for (size_t j = 0; j < sizeof sorted / sizeof *sorted; j++) {
			int order =
			        dns_name_compare(name(*state, sorted[i]), name(*state, sorted[j]));
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
}

static void knows_relatives(void **state)
{
	const uint8_t *www = name(*state, "www.Example.com"), *root = name(*state, ".");
	assert_int_equal(dns_name_labels(www), 3);
	assert_int_equal(dns_name_labels(root), 0);
	assert_true(dns_name_equal(dns_name_parent(www), name(*state, "example.com")));
	assert_null(dns_name_parent(root));
	assert_true(dns_name_equal(dns_name_skip(www, 3), root));
	assert_true(dns_name_is_subdomain(www, name(*state, "example.COM")));
	assert_true(dns_name_is_subdomain(www, www));
	assert_true(dns_name_is_subdomain(www, root));
	assert_false(dns_name_is_subdomain(name(*state, "example.com"), www));
	assert_false(
	        dns_name_is_subdomain(name(*state, "notexample.com"), name(*state, "example.com")));
	assert_true(dns_name_is_wildcard(name(*state, "*.example")));
	assert_false(dns_name_is_wildcard(name(*state, "a*.example")));
	struct dns_name signal;
	dns_name_copy(&signal, www);
	assert_int_equal(dns_name_prepend(&signal, "_dsboot", signal.wire, NULL), RESULT_OK);
	assert_true(dns_name_equal(signal.wire, name(*state, "_dsboot.www.example.com")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(parses_and_prints),
	        cmocka_unit_test(refuses_what_is_no_name),
	        cmocka_unit_test(longest_name_is_accepted_and_printed),
	        cmocka_unit_test(checks_octets),
	        cmocka_unit_test(compares_without_case),
	        cmocka_unit_test(orders_as_in_rfc_4034),
	        cmocka_unit_test(knows_relatives),
	};
	return cmocka_run_group_tests_name("dns name", tests, make_arena, free_arena);
}
