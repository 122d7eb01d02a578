#include "support.h"

static void text_survives_wire_and_back(void **state)
{
	static const struct {
		uint16_t type;
		const char *text;
	} cases[] = {
	        {DNS_TYPE_A, "192.0.2.1"},
	        {DNS_TYPE_AAAA, "2001:db8::1"},
	        {DNS_TYPE_NS, "ns1.example."},
	        {DNS_TYPE_SOA, "ns1.example. host.example. 1 2 3 4 5"},
	        {DNS_TYPE_TXT, "\"a b\" \"\" \"\\\"\\000\""},
	        {DNS_TYPE_DS,
	                "1 13 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"},
	        {DNS_TYPE_CDS, "0 0 0 00"},
	        {DNS_TYPE_DNSKEY, "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="},
	        {DNS_TYPE_CDNSKEY, "0 3 0 AA=="},
	        {DNS_TYPE_CSYNC, "66 3 A NS AAAA"},
	        {DNS_TYPE_RRSIG, "A 13 2 60 4120675200 1577836800 7 a. AAAA"}, // 2100
	        {65400, "\\# 4 0A0B0C0D"},
	        {65400, "\\# 0"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_rdata r = rdata(*state, cases[i].type, cases[i].text);
		assert_string_equal(dns_rdata_text(*state, cases[i].type, &r), cases[i].text);
	}
}

static void origin_counts_for_relative_names(void **state)
{
	struct dns_rdata r;
	struct dns_record record;
	struct error err = {0};
	must(dns_rdata_parse(*state, DNS_TYPE_NS, "ns1", name(*state, "zone.example"), &r, &err),
	        &err);
	assert_string_equal(dns_rdata_text(*state, DNS_TYPE_NS, &r), "ns1.zone.example.");
	must(dns_record_parse(
	             *state, "WWW 60 IN A 192.0.2.1", name(*state, "zone.example"), &record, &err),
	        &err);
	assert_true(dns_name_equal(record.owner, name(*state, "www.zone.example")));
	assert_int_equal(record.ttl_s, 60);
	must(dns_record_parse(*state, "a.example. A 192.0.2.1", NULL, &record, &err), &err);
	assert_int_equal(record.ttl_s, 3600);
	must(dns_record_parse(*state,
	             "a. DS ( 1 13 1 ; comment\n 2BB183AF5F22588179A53B0A\n"
	             "98631FAD1A292118 )",
	             NULL, &record, &err),
	        &err);
	assert_int_equal(record.rdata.length, 24);
}

static void other_than_one_record_is_refused(void **state)
{
	static const char *const texts[] = {"", "; nothing", "a. 1 IN A", "a. 1 IN A 1.2.3",
	        "a. 1 IN A 192.0.2.1 x", "a. A 192.0.2.1\na. A 192.0.2.2", "$INCLUDE /etc/passwd",
	        "$INCLUDE /etc/passwd\na. A 192.0.2.1", "a. NS b..c", "a. 1 IN A ( 192.0.2.1",
	        "a. 1 IN \\# 3 01"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct dns_record record;
		struct error err = {0};
		if (dns_record_parse(*state, texts[i], NULL, &record, &err) != RESULT_INPUT)
			fail_msg("accepted: %s", texts[i]);
		assert_true(err.text[0] != '\0');
	}
	struct dns_rdata r;
	struct error err = {0};
	assert_int_equal(
	        dns_rdata_parse(*state, DNS_TYPE_A, "192.0.2.1\n. A 192.0.2.2", NULL, &r, &err),
	        RESULT_INPUT);
	assert_int_equal(
	        dns_rdata_parse(*state, DNS_TYPE_A, "192.0.2.999", NULL, &r, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "A '192.0.2.999': "));
}

static void damaged_rdata_prints_as_octets(void **state)
{
	static const uint8_t octets[] = {63, 1, 2, 3};
	const struct dns_rdata r = {octets, 4}, none = {octets, 0};
	static const uint16_t types[] = {DNS_TYPE_NS, DNS_TYPE_SOA, DNS_TYPE_RRSIG, DNS_TYPE_AAAA,
	        DNS_TYPE_NSEC3, DNS_TYPE_CSYNC, DNS_TYPE_TXT, DNS_TYPE_NSEC, 64, 250};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		assert_string_equal(dns_rdata_text(*state, types[i], &r), "\\# 4 3F010203");
		assert_string_equal(dns_rdata_text(*state, types[i], &none), "\\# 0");
	}
	// A pointer in RDATA must not be followed.
	static const uint8_t pointer[] = {0xc0, 0};
	assert_string_equal(
	        dns_rdata_text(*state, DNS_TYPE_NS, &(struct dns_rdata){pointer, 2}), "\\# 2 C000");
}

static void largest_rdata_prints(void **state)
{
	uint8_t *octets = calloc(1, 65535);
	const struct dns_rdata r = {octets, 65535};
	assert_int_equal(strlen(dns_rdata_text(*state, 65400, &r)), strlen("\\# 65535 ") + 131070);
	for (size_t i = 0; i < 65535; i += 256)
		octets[i] = 255;
	octets[65280] = 254; // 255 strings of 255 octets and one of 254
	const char *text = dns_rdata_text(*state, DNS_TYPE_TXT, &r);
	assert_true(strlen(text) > 4 * (65535 - 256));
	assert_memory_equal(text, "\"\\000", 5);
	free(octets);
}

static void numbers_have_names(void **state)
{
	(void)state;
	char text[DNS_DIGEST_TEXT];
	uint16_t type;
	struct error err = {0};
	assert_string_equal(dns_type_text(DNS_TYPE_DNSKEY, text), "DNSKEY");
	assert_string_equal(dns_type_text(65280, text), "TYPE65280");
	assert_int_equal(dns_type_parse("cdnskey", &type, &err), RESULT_OK);
	assert_int_equal(type, DNS_TYPE_CDNSKEY);
	assert_int_equal(dns_type_parse("TYPE65280", &type, &err), RESULT_OK);
	assert_int_equal(type, 65280);
	assert_int_equal(dns_type_parse("TYPE65536", &type, &err), RESULT_INPUT);
	static const uint16_t data[] = {
	        1, 2, 6, 15, 16, 25, 28, 43, 47, 48, 64, 65, 127, 256, 65280};
	for (size_t i = 0; i < sizeof data / sizeof *data; i++)
		assert_int_equal(dns_type_check_data(data[i], &err), RESULT_OK);
	// Signatures, NSEC3, messages' own, questions' own, reserved.
	static const uint16_t others[] = {
	        0, 24, 41, 46, 50, 128, 249, 250, 251, 252, 253, 254, 255, 65535};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		assert_int_equal(dns_type_check_data(others[i], &err), RESULT_INPUT);
		dns_type_text(others[i], text);
		assert_memory_equal(err.text, text, strlen(text));
	}
	assert_int_equal(dns_type_parse("", &type, &err), RESULT_INPUT);
	assert_string_equal(dns_rcode_text(DNS_RCODE_SERVFAIL, text), "SERVFAIL");
	assert_string_equal(dns_rcode_text(4095, text), "RCODE4095");
	assert_string_equal(dns_digest_text(2, text), "SHA-256");
	assert_string_equal(dns_digest_text(255, text), "digest type 255");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_survives_wire_and_back),
	        cmocka_unit_test(origin_counts_for_relative_names),
	        cmocka_unit_test(other_than_one_record_is_refused),
	        cmocka_unit_test(damaged_rdata_prints_as_octets),
	        cmocka_unit_test(largest_rdata_prints),
	        cmocka_unit_test(numbers_have_names),
	};
	return cmocka_run_group_tests_name("dns rdata", tests, make_arena, free_arena);
}
