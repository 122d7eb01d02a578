#include "dns/verify.h"
#include "support.h"

static struct dns_message parse(struct arena *arena, const uint8_t *octets, size_t length)
{
	struct dns_message m;
	struct error err = {0};
	must(dns_message_parse(arena, octets, length, &m, &err), &err);
	return m;
}

struct exchange {
	uint8_t *response;
	size_t length;
	struct dns_message message;
};

static struct exchange recorded(struct arena *arena, const char *label)
{
	struct exchange e;
	char **words = fixture_words(arena, "responses.txt", label, 0);
	assert_non_null(words);
	e.response = unhex(arena, words[2], &e.length);
	e.message = parse(arena, e.response, e.length);
	return e;
}

static void reads_sets_with_their_signatures(void **state)
{
	struct exchange e = recorded(*state, "dnskey");
	const uint8_t *apex = name(*state, "fixture.example");
	assert_true(e.message.qr && e.message.aa && !e.message.tc && e.message.has_edns);
	assert_int_equal(e.message.id, 0x1234);
	assert_int_equal(e.message.rcode, DNS_RCODE_NOERROR);
	assert_true(same_octets(e.message.question_name, name(*state, "FiXture.eXample")));
	const struct dns_rrset *set =
	        dns_message_find(&e.message, DNS_ANSWER, apex, DNS_TYPE_DNSKEY);
	assert_int_equal(e.message.section[DNS_ANSWER].count, 1);
	assert_int_equal(set->count, 2);
	assert_int_equal(set->signature_count, 2); // by both keys
	assert_int_equal(set->ttl_s, 3600);
	assert_int_equal(set->ttl_max_s, 3600);
	assert_int_equal(set->signature_ttl_max_s, 3600);
	assert_null(dns_message_find(&e.message, DNS_ANSWER, apex, DNS_TYPE_RRSIG));
	assert_null(dns_message_find(&e.message, DNS_AUTHORITY, apex, DNS_TYPE_DNSKEY));
}

// From the wire of a real server to verified sets, for every shape of answer.
static void recorded_answers_verify(void **state)
{
	struct exchange k = recorded(*state, "dnskey");
	struct dns_keys keys;
	assert_int_equal(
	        dns_keys_from_rrset(*state, k.message.section[DNS_ANSWER].rrset, NULL, &keys, NULL),
	        RESULT_OK);
	static const char *const labels[] = {"dnskey", "soa", "ns", "mx", "txt", "many", "wildcard",
	        "naptr", "srv", "nxdomain", "nodata", "ds", "cname", "dname", "any"};
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		struct exchange e = recorded(*state, labels[i]);
		size_t verified = 0;
		for (int s = DNS_ANSWER; s < DNS_ADDITIONAL; s++) {
			for (size_t n = 0; n < e.message.section[s].count; n++) {
				const struct dns_rrset *set = &e.message.section[s].rrset[n];
				struct dns_verified v;
				assert_int_equal(dns_rrset_verify(*state, set, &keys,
				                         seconds("2026-01-01T00:00:00Z"), &v, NULL),
				        RESULT_OK);
				if (v.outcome == DNS_SIGNATURE_GOOD)
					verified++;
				else // the CNAME made from a DNAME is not signed
					assert_string_equal(labels[i], "dname");
			}
		}
		assert_true(verified >= 1);
	}
	dns_keys_clear(&keys);
}

static void reads_the_shapes_of_answers(void **state)
{
	struct dns_message m = recorded(*state, "nxdomain").message;
	assert_int_equal(m.rcode, DNS_RCODE_NXDOMAIN);
	assert_int_equal(m.section[DNS_ANSWER].count, 0);
	m = recorded(*state, "referral").message;
	assert_false(m.aa);
	const uint8_t *child = name(*state, "child.fixture.example");
	assert_non_null(dns_message_find(&m, DNS_AUTHORITY, child, DNS_TYPE_NS));
	assert_int_equal(
	        dns_message_find(&m, DNS_AUTHORITY, child, DNS_TYPE_DS)->signature_count, 1);
	assert_non_null(dns_message_find(
	        &m, DNS_ADDITIONAL, name(*state, "ns1.child.fixture.example"), DNS_TYPE_A));
	m = recorded(*state, "refused").message;
	assert_int_equal(m.rcode, DNS_RCODE_REFUSED);
	m = recorded(*state, "badvers").message;
	assert_int_equal(m.rcode, DNS_RCODE_BADVERS);
	m = recorded(*state, "plain").message;
	assert_false(m.has_edns);
	assert_true(recorded(*state, "truncated").message.tc);
	assert_false(recorded(*state, "soa").message.tc);
}

static void signatures_alone_are_sets_without_records(void **state)
{
	struct dns_message m = recorded(*state, "rrsig").message;
	const uint8_t *apex = name(*state, "fixture.example");
	assert_true(m.section[DNS_ANSWER].count > 3);
	for (size_t i = 0; i < m.section[DNS_ANSWER].count; i++) {
		assert_int_equal(m.section[DNS_ANSWER].rrset[i].count, 0);
		assert_in_range(m.section[DNS_ANSWER].rrset[i].signature_count, 1, 2);
	}
	assert_null(dns_message_find(&m, DNS_ANSWER, apex, DNS_TYPE_SOA));
}

// A message written by hand: header counts and then octets.
static enum result parse_raw(struct arena *arena, const uint8_t counts[static 4], uint8_t flags,
        const char *body, size_t n, struct dns_message *m, struct error *err)
{
	uint8_t wire[600] = {0, 1, (uint8_t)(0x80 | flags), 0, 0, counts[0], 0, counts[1], 0,
	        counts[2], 0, counts[3]};
	memcpy(wire + 12, body, n);
	return dns_message_parse(arena, wire, 12 + n, m, err);
}
#define PARSE(qd, an, ns, ar, flags, body)                                                         \
	parse_raw(*state, (const uint8_t[4]){qd, an, ns, ar}, flags, body, sizeof(body) - 1, &m,   \
	        &err)

#define A_RECORD(ttl, last) "\1a\0\0\1\0\1\0\0\0" ttl "\0\4\xc0\0\2" last
#define OPT_RECORD          "\0\0\x29\x04\xd0\x01\0\x80\0\0\0"

static void ttl_is_the_smallest_and_the_largest_is_kept(void **state)
{
	struct dns_message m;
	struct error err = {0};
	assert_int_equal(
	        PARSE(0, 3, 0, 0, 0,
	                A_RECORD("\x3c", "\1") "\1A\0\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\2" A_RECORD(
	                        "\x2d", "\1")),
	        RESULT_OK);
	const struct dns_rrset *set = &m.section[DNS_ANSWER].rrset[0];
	assert_int_equal(m.section[DNS_ANSWER].count, 1);
	assert_int_equal(set->count, 3);
	assert_int_equal(set->ttl_s, 30);
	assert_int_equal(set->ttl_max_s, 60);
	struct dns_rdata *distinct;
	size_t count;
	must(dns_canonical_rdata(*state, set, &distinct, &count, &err), &err);
	assert_int_equal(count, 2); // the third repeats the first
}

static void classes_and_sections_do_not_mix(void **state)
{
	struct dns_message m;
	struct error err = {0};
	assert_int_equal(
	        PARSE(0, 2, 1, 0, 0,
	                A_RECORD("\1", "\1") "\1a\0\0\1\0\3\0\0\0\1\0\4\xc0\0\2\1" A_RECORD(
	                        "\1", "\2")),
	        RESULT_OK);
	assert_int_equal(m.section[DNS_ANSWER].count, 2);
	assert_int_equal(m.section[DNS_AUTHORITY].count, 1);
	assert_int_equal(
	        dns_message_find(&m, DNS_ANSWER, name(*state, "a"), DNS_TYPE_A)->rclass, 1);
}

static void malformed_messages_say_where(void **state)
{
	struct dns_message m = {.id = 77};
	struct error err = {0};
	assert_int_equal(PARSE(2, 0, 0, 0, 0, "\1a\0\0\1\0\1\1b\0\0\1\0\1"), RESULT_INPUT);
	assert_int_equal(PARSE(1, 0, 0, 0, 0, "\1a\0\0\1\0"), RESULT_INPUT);
	assert_string_equal(err.text, "malformed DNS message: no question at octet 12 of 18");
	assert_int_equal(PARSE(0, 0, 0, 0, 0, "x"), RESULT_INPUT);
	assert_string_equal(
	        err.text, "malformed DNS message: octets behind the last record at octet 12 of 13");
	// A name that points to itself, and one that points behind itself.
	assert_int_equal(
	        PARSE(0, 1, 0, 0, 0, "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"), RESULT_INPUT);
	assert_int_equal(
	        PARSE(0, 1, 0, 0, 0, "\xc0\x20\0\1\0\1\0\0\0\1\0\4\1\2\3\4"), RESULT_INPUT);
	// RDATA longer than the message, and too short for its type.
	assert_int_equal(PARSE(0, 1, 0, 0, 0, "\0\0\1\0\1\0\0\0\1\0\5\1\2\3\4"), RESULT_INPUT);
	assert_int_equal(PARSE(0, 1, 0, 0, 0, "\0\0\1\0\1\0\0\0\1\0\3\1\2\3"), RESULT_INPUT);
	assert_int_equal(PARSE(0, 1, 0, 0, 0, OPT_RECORD), RESULT_INPUT);
	assert_int_equal(PARSE(0, 0, 0, 2, 0, OPT_RECORD OPT_RECORD), RESULT_INPUT);
	assert_string_equal(err.text, "malformed DNS message: second OPT record at octet 23 of 34");
	assert_int_equal(PARSE(0, 0, 0, 1, 0, "\1x" OPT_RECORD), RESULT_INPUT);
	assert_int_equal(
	        PARSE(0, 0, 0, 1, 0, "\0\0\x29\x04\xd0\0\0\0\0\0\4\0\3\0\1"), RESULT_INPUT);
	assert_int_equal(m.id, 77); // untouched
	uint8_t *huge = calloc(1, 65536);
	assert_int_equal(dns_message_parse(*state, huge, 65536, &m, &err), RESULT_LIMIT);
	free(huge);
}

static void extended_error_is_read(void **state)
{
	struct dns_message m;
	struct error err = {0};
	assert_int_equal(
	        PARSE(0, 0, 0, 1, 0, "\0\0\x29\x04\xd0\0\0\0\0\0\x0c\0\3\0\2ab\0\x0f\0\2\0\x06"),
	        RESULT_OK);
	assert_true(m.has_error_info);
	assert_int_equal(m.error_info, 6);
}

static void records_cut_off_with_tc_are_no_error(void **state)
{
	struct dns_message m;
	struct error err = {0};
	assert_int_equal(PARSE(0, 2, 0, 1, 0x02, A_RECORD("\1", "\1") "\1a\0\0\1\0\1"), RESULT_OK);
	assert_true(m.tc && m.incomplete);
	assert_int_equal(m.section[DNS_ANSWER].count, 1);
	assert_int_equal(PARSE(0, 2, 0, 1, 0, A_RECORD("\1", "\1") "\1a\0\0\1\0\1"), RESULT_INPUT);
}

static void more_records_than_allowed(void **state)
{
	struct dns_message m;
	struct error err = {0};
	uint8_t wire[12] = {0, 1, 0x80, 0, 0, 0, 0xff, 0xff};
	assert_int_equal(dns_message_parse(*state, wire, 12, &m, &err), RESULT_LIMIT);
}

// 4096 records with names that all unfold to the longest one: the declared arena suffices.
static void largest_message_fits_its_arena(void **state)
{
	(void)state;
	static uint8_t wire[DNS_MESSAGE_MAX];
	memset(wire, 0, sizeof wire);
	wire[2] = 0x80;
	wire[6] = DNS_MESSAGE_MAX_RRS >> 8;
	size_t at = 12;
	for (int i = 0; i < DNS_MESSAGE_MAX_RRS; i++) {
		if (i == 0) { // owner of 255 octets
			for (int j = 0; j < 127; j++) {
				wire[at++] = 1;
				wire[at++] = 'a';
			}
			wire[at++] = 0;
		} else {
			wire[at++] = 0xc0;
			wire[at++] = 12;
		}
		memcpy(wire + at, "\0\2\0\1\0\0\0\1\0\2\xc0\x0c", 12);
		wire[at] = (uint8_t)(i >> 8); // all of different types, so that each makes a set
		wire[at + 1] = (uint8_t)i;
		if (i >= 256 || i < 2)
			wire[at] |= 0xfe;
		else
			wire[at + 1] = 2;
		at += 12;
	}
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	struct dns_message m;
	struct error err = {0};
	must(dns_message_parse(arena, wire, at, &m, &err), &err);
	assert_true(m.section[DNS_ANSWER].count > 500);
	arena_free(arena);
}

static void too_small_arenas_are_reported(void **state)
{
	struct exchange e = recorded(*state, "any");
	size_t octets = 0;
	for (;; octets += 64) {
		struct arena *arena = arena_new(octets);
		struct dns_message m;
		struct error err = {0};
		enum result result = dns_message_parse(arena, e.response, e.length, &m, &err);
		arena_free(arena);
		if (result == RESULT_OK)
			break;
		assert_int_equal(result, RESULT_MEMORY);
	}
	assert_true(octets > e.length);
}

static void parse_any(const uint8_t *octets, size_t length)
{
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	uint8_t *exact = malloc(length == 0 ? 1 : length); // so that AddressSanitizer sees the end
	struct dns_message m;
	struct error err = {0};
	memcpy(exact, octets, length);
	enum result result = dns_message_parse(arena, exact, length, &m, &err);
	assert_true(result == RESULT_OK || result == RESULT_INPUT || result == RESULT_LIMIT);
	free(exact);
	arena_free(arena);
}

// Every prefix and every single-bit flip of every recorded response.
static void no_damage_does_harm(void **state)
{
	char **words;
	for (size_t n = 0; (words = fixture_words(*state, "responses.txt", NULL, n)) != NULL; n++) {
		size_t length;
		uint8_t *octets = unhex(*state, words[2], &length);
		for (size_t i = 0; i < length; i++) {
			struct dns_message m;
			parse_any(octets, i);
			if (i >= 12 && (octets[2] & 2) == 0)
				assert_int_equal(dns_message_parse(*state, octets, i, &m, NULL),
				        RESULT_INPUT);
		}
		for (size_t bit = 0; bit < 8 * length; bit++) {
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
			parse_any(octets, length);
			octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void captured_messages_parse(void **state)
{
	char **words;
	size_t n = 0;
	for (; (words = fixture_words(*state, "captured.txt", NULL, n)) != NULL; n++) {
		size_t length;
		uint8_t *octets = unhex(*state, words[0], &length);
		struct dns_message m = parse(*state, octets, length);
		assert_true(m.has_question);
	}
	assert_true(n > 90);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_sets_with_their_signatures),
	        cmocka_unit_test(recorded_answers_verify),
	        cmocka_unit_test(reads_the_shapes_of_answers),
	        cmocka_unit_test(signatures_alone_are_sets_without_records),
	        cmocka_unit_test(ttl_is_the_smallest_and_the_largest_is_kept),
	        cmocka_unit_test(classes_and_sections_do_not_mix),
	        cmocka_unit_test(malformed_messages_say_where),
	        cmocka_unit_test(extended_error_is_read),
	        cmocka_unit_test(records_cut_off_with_tc_are_no_error),
	        cmocka_unit_test(more_records_than_allowed),
	        cmocka_unit_test(largest_message_fits_its_arena),
	        cmocka_unit_test(too_small_arenas_are_reported),
	        cmocka_unit_test(no_damage_does_harm),
	        cmocka_unit_test(captured_messages_parse),
	};
	return cmocka_run_group_tests_name("dns message", tests, make_arena, free_arena);
}
