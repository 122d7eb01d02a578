#include "dns/tsig.h"
#include "dns/update.h"
#include "support.h"

static struct dns_tsig_key *tsig_key(const char *text)
{
	struct dns_tsig_key *k;
	struct error err = {0};
	must(dns_tsig_key_parse(text, &k, &err), &err);
	return k;
}

struct signed_message {
	uint8_t wire[1024];
	size_t length;
	struct dns_tsig_mac mac;
};

// A question for the SOA record, ID 7; returns its octets.
static size_t build_query(uint8_t *wire, const uint8_t *zone)
{
	static const uint8_t header[12] = {0, 7, 0, 0, 0, 1}, tail[4] = {0, DNS_TYPE_SOA, 0, 1};
	size_t n = dns_name_length(zone);
	memcpy(wire, header, sizeof header);
	memcpy(wire + sizeof header, zone, n);
	memcpy(wire + sizeof header + n, tail, sizeof tail);
	return sizeof header + n + sizeof tail;
}

static void sign(
        struct arena *arena, const struct dns_tsig_key *k, int64_t now_s, struct signed_message *s)
{
	struct error err = {0};
	s->length = build_query(s->wire, name(arena, "example"));
	must(dns_tsig_sign(k, s->wire, &s->length, sizeof s->wire, now_s, &s->mac, &err), &err);
}

static enum result verify(struct arena *arena, const struct dns_tsig_key *k, const uint8_t *wire,
        size_t length, const struct dns_tsig_mac *request, int64_t now_s, struct error *err)
{
	struct dns_message m;
	must(dns_message_parse(arena, wire, length, &m, err), err);
	return dns_tsig_verify(k, wire, length, &m, request, now_s, NULL, err);
}

static void what_is_signed_verifies(void **state)
{
	static const char *const texts[] = {"Key.Example:c2VjcmV0", "hmac-md5:k:c2VjcmV0",
	        "hmac-sha1:k:c2VjcmV0", "hmac-sha224:k:c2VjcmV0", "hmac-sha256:k:c2VjcmV0",
	        "hmac-sha384:k:c2VjcmV0", "hmac-sha512:k:c2VjcmV0"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct dns_tsig_key *k = tsig_key(texts[i]);
		struct signed_message s;
		struct error err = {0};
		sign(*state, k, 1000000, &s);
		assert_int_equal(
		        verify(*state, k, s.wire, s.length, NULL, 1000000, &err), RESULT_OK);
		assert_int_equal(
		        verify(*state, k, s.wire, s.length, NULL, 1000300, &err), RESULT_OK);
		assert_int_equal(
		        verify(*state, k, s.wire, s.length, NULL, 1000301, &err), RESULT_TIMEOUT);
		assert_int_equal(
		        verify(*state, k, s.wire, s.length, NULL, 999699, &err), RESULT_TIMEOUT);
		assert_int_equal(
		        verify(*state, k, s.wire, s.length, &s.mac, 1000000, &err), RESULT_CORRUPT);
		dns_tsig_key_free(k);
	}
}

// RFC 8945 5.3.1: forwarders may change the ID; the original one counts.
static void another_id_does_not_matter(void **state)
{
	struct dns_tsig_key *k = tsig_key("k:c2VjcmV0");
	struct signed_message s;
	struct error err = {0};
	sign(*state, k, 1000, &s);
	s.wire[0] ^= 0xff;
	assert_int_equal(verify(*state, k, s.wire, s.length, NULL, 1000, &err), RESULT_OK);
	dns_tsig_key_free(k);
}

static void every_flipped_bit_is_found(void **state)
{
	struct dns_tsig_key *k = tsig_key("key.example:c2VjcmV0");
	struct signed_message s;
	sign(*state, k, 1000, &s);
	for (size_t bit = 16; bit < 8 * s.length; bit++) { // the ID may differ
		struct dns_message m;
		struct error err = {0};
		s.wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (dns_message_parse(*state, s.wire, s.length, &m, &err) == RESULT_OK &&
		        dns_tsig_verify(k, s.wire, s.length, &m, NULL, 1000, NULL, &err) ==
		                RESULT_OK) {
			// Letters of the names are hashed in lower case.
			bool letter = bit % 8 == 5 && bit / 8 >= 25;
			assert_true(letter);
		}
		s.wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	dns_tsig_key_free(k);
}

static void other_keys_are_refused(void **state)
{
	struct dns_tsig_key *k = tsig_key("k:c2VjcmV0");
	static const char *const others[] = {"j:c2VjcmV0", "k:c2VjcmV1", "hmac-sha512:k:c2VjcmV0"};
	struct signed_message s;
	sign(*state, k, 1000, &s);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct dns_tsig_key *other = tsig_key(others[i]);
		struct error err = {0};
		assert_int_equal(
		        verify(*state, other, s.wire, s.length, NULL, 1000, &err), RESULT_CORRUPT);
		dns_tsig_key_free(other);
	}
	dns_tsig_key_free(k);
}

static void unsigned_messages_are_told_apart(void **state)
{
	struct dns_tsig_key *k = tsig_key("k:c2VjcmV0");
	uint8_t wire[1024];
	size_t length = build_query(wire, name(*state, "example"));
	struct error err = {0};
	assert_int_equal(verify(*state, k, wire, length, NULL, 1000, &err), RESULT_NOT_FOUND);
	dns_tsig_key_free(k);
}

// What nsupdate and named really sent to each other.
static void recorded_updates_verify(void **state)
{
	static const struct {
		const char *label;
		enum result response;
	} cases[] = {{"sha256", RESULT_OK}, {"sha512", RESULT_OK}, {"badkey", RESULT_REFUSED},
	        {"badsig", RESULT_REFUSED}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char **words = fixture_words(*state, "tsig.txt", cases[i].label, 0);
		struct dns_tsig_key *k = tsig_key(words[1]);
		int64_t now_s = strtoll(words[2], NULL, 10);
		size_t asked, length;
		uint8_t *request = unhex(*state, words[3], &asked),
		        *response = unhex(*state, words[4], &length);
		struct dns_message m;
		struct dns_tsig_mac mac;
		struct error err = {0};
		must(dns_message_parse(*state, request, asked, &m, &err), &err);
		must(dns_tsig_verify(k, request, asked, &m, NULL, now_s, &mac, &err), &err);
		must(dns_message_parse(*state, response, length, &m, &err), &err);
		assert_int_equal(dns_tsig_verify(k, response, length, &m, &mac, now_s, NULL, &err),
		        cases[i].response);
		assert_int_equal(m.rcode,
		        cases[i].response == RESULT_OK ? DNS_RCODE_NOERROR : DNS_RCODE_NOTAUTH);
		if (cases[i].response == RESULT_REFUSED)
			assert_non_null(strstr(err.text, "proves nothing"));
		if (cases[i].response == RESULT_OK) {
			mac.octets[0] ^= 1;
			assert_int_equal(
			        dns_tsig_verify(k, response, length, &m, &mac, now_s, NULL, &err),
			        RESULT_CORRUPT);
		}
		dns_tsig_key_free(k);
	}
}

static void updates_leave_room_for_it(void **state)
{
	struct dns_tsig_key *k = tsig_key("hmac-sha512:k:c2VjcmV0");
	struct dns_update *u = dns_update_new(*state, name(*state, "example"), 2048);
	struct dns_tsig_mac mac;
	uint8_t *wire;
	size_t length, room;
	struct error err = {0};
	dns_update_delete_rrset(u, name(*state, "a.example"), DNS_TYPE_A);
	must(dns_update_finish(u, 9, &wire, &length, &room, &err), &err);
	must(dns_tsig_sign(k, wire, &length, room, 5000, &mac, &err), &err);
	assert_int_equal(verify(*state, k, wire, length, NULL, 5000, &err), RESULT_OK);
	struct signed_message s;
	s.length = build_query(s.wire, name(*state, "example"));
	size_t before = s.length;
	assert_int_equal(
	        dns_tsig_sign(k, s.wire, &s.length, s.length + 20, 1, &mac, &err), RESULT_LIMIT);
	assert_int_equal(s.length, before);
	assert_int_equal(s.wire[11], 0); // no additional record announced
	dns_tsig_key_free(k);
}

static void texts_that_are_no_keys(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "secret", "k:", "k:!!", "hmac-sha999:k:c2VjcmV0",
	        ":c2VjcmV0", "hmac-sha256::c2VjcmV0", "hmac-sha256:a..b:c2VjcmV0"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct dns_tsig_key *k = NULL;
		struct error err = {0};
		if (dns_tsig_key_parse(texts[i], &k, &err) != RESULT_INPUT)
			fail_msg("accepted: %s", texts[i]);
		assert_null(strstr(err.text, "c2VjcmV0 "));
		assert_null(k);
	}
	dns_tsig_key_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_signed_verifies),
	        cmocka_unit_test(another_id_does_not_matter),
	        cmocka_unit_test(every_flipped_bit_is_found),
	        cmocka_unit_test(other_keys_are_refused),
	        cmocka_unit_test(unsigned_messages_are_told_apart),
	        cmocka_unit_test(recorded_updates_verify),
	        cmocka_unit_test(updates_leave_room_for_it),
	        cmocka_unit_test(texts_that_are_no_keys),
	};
	return cmocka_run_group_tests_name("dns tsig", tests, make_arena, free_arena);
}
