#include "support.h"

// RFC 4034 5.4, RFC 4509 2.3.
#define RFC4034_KEY                                                                                \
	"256 3 5 AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYw" \
	"YqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/r" \
	"ljwvFw=="
// RFC 6605 6.1, 6.2.
#define P256_KEY                                                                                   \
	"257 3 13 "                                                                                \
	"GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQ"         \
	"Lc8NAA=="
#define P384_KEY                                                                                   \
	"257 3 14 "                                                                                \
	"xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrb"         \
	"YQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40"
// RFC 8080 6.1.
#define ED25519_KEY "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="

struct vector {
	const char *owner, *key, *ds;
};

static const struct vector vectors[] = {
        {"dskey.example.com", RFC4034_KEY, "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"},
        {"dskey.example.com", RFC4034_KEY,
                "60485 5 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A"},
        {"example.net", P256_KEY,
                "55648 13 2 B4C8C1FE2E7477127B27115656AD6256F424625BF5C1E2770CE6D6E37DF61D17"},
        {"example.net", P384_KEY,
                "10771 14 4 72D7B62976CE06438E9C0BF319013CF801F09ECC84B8D7E9495F27E305C6A9B0563A9B"
                "5F4D288405C3008A946DF983D6"},
        {"example.com", ED25519_KEY,
                "3613 15 2 3AA5AB37EFCE57F737FC1627013FEE07BDF241BD10F3B1964AB55C78E79A304B"},
};

static void digests_of_published_examples(void **state)
{
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct dns_key *k = key(*state, vectors[i].owner, vectors[i].key);
		struct dns_ds expected = ds(vectors[i].ds), computed;
		char text[DNS_DS_TEXT];
		assert_int_equal(dns_key_tag(k), expected.tag);
		assert_int_equal(
		        dns_ds_from_key(k, expected.digest_type, &computed, NULL), RESULT_OK);
		assert_string_equal(dns_ds_text(&computed, text), vectors[i].ds);
		assert_int_equal(dns_ds_match(&expected, k), DNS_DS_MATCHES);
		expected.digest[7] ^= 1;
		assert_int_equal(dns_ds_match(&expected, k), DNS_DS_OTHER);
		dns_key_unref(k);
	}
}

static void digests_that_the_tools_compute(void **state)
{
	static const char *const algorithms[] = {
	        "rsasha256", "rsasha512", "ecdsap256sha256", "ecdsap384sha384", "ed25519"};
	for (size_t a = 0; a < sizeof algorithms / sizeof *algorithms; a++) {
		size_t length;
		struct zone zone, parent;
		char *text =
		        fixture(*state, arena_printf(*state, "%s.zone", algorithms[a]), &length);
		load_zone(*state, text, length, &zone);
		text = fixture(*state, arena_printf(*state, "%s.ds", algorithms[a]), &length);
		load_zone(*state, text, length, &parent);
		const uint8_t *apex = name(*state, "fixture.example");
		const struct dns_rrset *set = zone_find(&parent, apex, DNS_TYPE_DS);
		struct dns_keys keys;
		assert_int_equal(
		        dns_keys_from_rrset(
		                *state, zone_find(&zone, apex, DNS_TYPE_DNSKEY), NULL, &keys, NULL),
		        RESULT_OK);
		assert_int_equal(keys.count, 2);
		assert_int_equal(set->count, 3);
		for (size_t i = 0; i < set->count; i++) {
			struct dns_ds one;
			assert_int_equal(dns_ds_new(&set->rdata[i], &one, NULL), RESULT_OK);
			for (size_t k = 0; k < keys.count; k++)
				assert_int_equal(dns_ds_match(&one, keys.key[k]),
				        dns_key_is_sep(keys.key[k]) ? DNS_DS_MATCHES
				                                    : DNS_DS_OTHER);
		}
		dns_keys_clear(&keys);
	}
}

static void key_has_its_fields(void **state)
{
	struct dns_key *k = key(*state, "Example.NET", P256_KEY);
	assert_int_equal(dns_key_algorithm(k), 13);
	assert_true(dns_key_is_sep(k) && dns_key_is_zone_key(k) && !dns_key_is_revoked(k));
	assert_true(same_octets(dns_key_owner(k), name(*state, "example.net")));
	assert_string_equal(dns_key_text(k, *state), P256_KEY);
	char id[DNS_KEY_ID_TEXT];
	assert_string_equal(dns_key_id(k, id),
	        "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
	dns_key_unref(k);
	k = key(*state, "dskey.example.com", RFC4034_KEY);
	assert_false(dns_key_is_sep(k));
	dns_key_unref(k);
}

static void key_is_owner_and_whole_rdata(void **state)
{
	struct dns_key *a = key(*state, "example.net", P256_KEY),
	               *same = key(*state, "EXAMPLE.net", P256_KEY),
	               *elsewhere = key(*state, "example.org", P256_KEY);
	struct dns_rdata octets = *dns_key_rdata(a);
	uint8_t *changed = arena_memdup(*state, octets.octets, octets.length);
	changed[1] |= DNS_KEY_REVOKE;
	octets.octets = changed;
	struct dns_key *revoked;
	assert_int_equal(
	        dns_key_new(name(*state, "example.net"), &octets, &revoked, NULL), RESULT_OK);
	assert_true(dns_key_equal(a, same));
	assert_false(dns_key_equal(a, elsewhere));
	assert_false(dns_key_equal(a, revoked));
	assert_true(dns_key_is_revoked(revoked));
	assert_int_equal(dns_key_tag(revoked), dns_key_tag(a) + 128);
	dns_key_unref(a);
	dns_key_unref(same);
	dns_key_unref(elsewhere);
	dns_key_unref(revoked);
}

// Swapping two 16-bit words keeps the sum: another key with the same tag.
static void colliding_tags_are_told_apart(void **state)
{
	struct dns_key *a = key(*state, "example.net", P256_KEY), *b;
	struct dns_rdata octets = *dns_key_rdata(a);
	uint8_t *changed = arena_memdup(*state, octets.octets, octets.length);
	memcpy(changed + 10, octets.octets + 20, 2);
	memcpy(changed + 20, octets.octets + 10, 2);
	octets.octets = changed;
	assert_int_equal(dns_key_new(name(*state, "example.net"), &octets, &b, NULL), RESULT_OK);
	assert_int_equal(dns_key_tag(a), dns_key_tag(b));
	assert_false(dns_key_equal(a, b));
	struct dns_ds of_a = ds(vectors[2].ds);
	assert_int_equal(dns_ds_match(&of_a, a), DNS_DS_MATCHES);
	assert_int_equal(dns_ds_match(&of_a, b), DNS_DS_OTHER);
	dns_key_unref(a);
	dns_key_unref(b);
}

static void rsamd5_has_its_own_tag(void **state)
{
	const uint8_t octets[] = {1, 0, 3, 1, 1, 3, 0xaa, 0x12, 0x34, 0xbb};
	struct dns_key *k;
	assert_int_equal(dns_key_new(name(*state, "."), &(struct dns_rdata){octets, 10}, &k, NULL),
	        RESULT_OK);
	assert_int_equal(dns_key_tag(k), 0x1234);
	dns_key_unref(k);
}

static void refuses_what_is_no_key_or_ds(void **state)
{
	struct dns_key *k = NULL;
	struct dns_ds d;
	struct error err = {0};
	static const char *const keys[] = {"", "257", "257 3", "257 3 13 !",
	        "x 3 13 AA==", "70000 3 13 AA==", "257 3 13 AA==\n1 2"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		assert_int_equal(dns_key_parse(name(*state, "."), keys[i], &k, &err), RESULT_INPUT);
		assert_non_null(strstr(err.text, "DNSKEY"));
	}
	assert_int_equal(dns_key_new(name(*state, "."),
	                         &(struct dns_rdata){(const uint8_t *)"abc", 3}, &k, &err),
	        RESULT_INPUT);
	assert_null(k);
	static const char *const sets[] = {"", "1 13 2", "1 13 2 00", "1 13 2 zz", "1 13 1 0001"};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		assert_int_equal(dns_ds_parse(sets[i], &d, &err), RESULT_INPUT);
}

static void foreign_digest_types_are_unsupported(void **state)
{
	struct dns_key *k = key(*state, "example.net", P256_KEY);
	struct dns_ds d = ds("55648 13 5 00112233");
	assert_int_equal(dns_ds_match(&d, k), DNS_DS_UNSUPPORTED);
	d.tag++;
	assert_int_equal(dns_ds_match(&d, k), DNS_DS_OTHER);
	assert_int_equal(dns_ds_from_key(k, 3, &d, NULL), RESULT_UNSUPPORTED);
	dns_key_unref(k);
}

static void ds_survives_wire_and_text(void **state)
{
	(void)state;
	struct dns_ds d = ds(vectors[3].ds), again;
	uint8_t wire[DNS_DS_WIRE_MAX];
	struct dns_rdata octets = {wire, (uint16_t)dns_ds_wire(&d, wire)};
	assert_int_equal(dns_ds_new(&octets, &again, NULL), RESULT_OK);
	assert_true(dns_ds_equal(&d, &again));
}

static void delete_requests_are_compared_whole(void **state)
{
	struct dns_rdata cds = rdata(*state, DNS_TYPE_CDS, "0 0 0 00"),
	                 almost = rdata(*state, DNS_TYPE_CDS, "0 0 0 0000"),
	                 other = rdata(*state, DNS_TYPE_CDS, "0 0 0 01"),
	                 cdnskey = rdata(*state, DNS_TYPE_CDNSKEY, "0 3 0 AA=="),
	                 flags = rdata(*state, DNS_TYPE_CDNSKEY, "256 3 0 AA==");
	assert_true(dns_cds_is_delete(&cds));
	assert_false(dns_cds_is_delete(&almost));
	assert_false(dns_cds_is_delete(&other));
	assert_true(dns_cdnskey_is_delete(&cdnskey));
	assert_false(dns_cdnskey_is_delete(&flags));
	assert_false(dns_cdnskey_is_delete(&cds));
}

static void cache_keeps_what_was_used_last(void **state)
{
	struct dns_key_cache *cache = dns_key_cache_new(3);
	const uint8_t *owner = name(*state, "example");
	uint8_t octets[5] = {1, 0, 3, 13, 0};
	struct dns_rdata r = {octets, 5};
	struct dns_key *first, *k;
	assert_int_equal(dns_key_cache_get(cache, owner, &r, &first, NULL), RESULT_OK);
	for (uint8_t i = 1; i < 50; i++) {
		octets[4] = i;
		assert_int_equal(dns_key_cache_get(cache, owner, &r, &k, NULL), RESULT_OK);
		dns_key_unref(k);
		octets[4] = 0; // in use again and again: stays
		assert_int_equal(
		        dns_key_cache_get(cache, name(*state, "EXAMPLE"), &r, &k, NULL), RESULT_OK);
		assert_ptr_equal(k, first);
		dns_key_unref(k);
	}
	for (uint8_t i = 60; i < 63; i++) {
		octets[4] = i;
		assert_int_equal(dns_key_cache_get(cache, owner, &r, &k, NULL), RESULT_OK);
		dns_key_unref(k);
	}
	octets[4] = 0;
	assert_int_equal(dns_key_cache_get(cache, owner, &r, &k, NULL), RESULT_OK);
	assert_ptr_not_equal(k, first);
	assert_true(dns_key_equal(k, first));
	dns_key_cache_free(cache);
	assert_true(dns_key_is_zone_key(first)); // references outlive the cache
	dns_key_unref(first);
	dns_key_unref(k);
}

static void keys_of_a_set_come_once(void **state)
{
	const uint8_t one[] = {1, 0, 3, 13, 1}, two[] = {1, 0, 3, 13, 2};
	const struct dns_rdata list[] = {{one, 5}, {two, 5}, {one, 5}, {one, 3}};
	struct dns_rrset set = {.owner = name(*state, "example"),
	        .type = DNS_TYPE_DNSKEY,
	        .rclass = DNS_CLASS_IN,
	        .count = 3,
	        .rdata = list};
	struct dns_keys keys = {0};
	assert_int_equal(dns_keys_from_rrset(*state, &set, NULL, &keys, NULL), RESULT_OK);
	assert_int_equal(keys.count, 2);
	dns_keys_clear(&keys);
	set.count = 4;
	assert_int_equal(dns_keys_from_rrset(*state, &set, NULL, &keys, NULL), RESULT_INPUT);
	assert_int_equal(keys.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(digests_of_published_examples),
	        cmocka_unit_test(digests_that_the_tools_compute),
	        cmocka_unit_test(key_has_its_fields),
	        cmocka_unit_test(key_is_owner_and_whole_rdata),
	        cmocka_unit_test(colliding_tags_are_told_apart),
	        cmocka_unit_test(rsamd5_has_its_own_tag),
	        cmocka_unit_test(refuses_what_is_no_key_or_ds),
	        cmocka_unit_test(foreign_digest_types_are_unsupported),
	        cmocka_unit_test(ds_survives_wire_and_text),
	        cmocka_unit_test(delete_requests_are_compared_whole),
	        cmocka_unit_test(cache_keeps_what_was_used_last),
	        cmocka_unit_test(keys_of_a_set_come_once),
	};
	return cmocka_run_group_tests_name("dns key", tests, make_arena, free_arena);
}
