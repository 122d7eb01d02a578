#include "support.h"

#include "dns/canonical.h"

#include <openssl/evp.h>

#define NOW "2026-01-01T00:00:00Z" // within the fixtures' dates, 2020 to 2080

static const char *const algorithms[] = {
        "rsasha256", "rsasha512", "ecdsap256sha256", "ecdsap384sha384", "ed25519"};
#define ALGORITHMS (sizeof algorithms / sizeof *algorithms)

static void load(struct arena *arena, const char *algorithm, struct zone *zone)
{
	size_t length;
	char *text = fixture(arena, arena_printf(arena, "%s.zone", algorithm), &length);
	load_zone(arena, text, length, zone);
}

static struct dns_keys keys_of(struct arena *arena, struct zone *zone)
{
	struct dns_keys keys;
	struct error err = {0};
	must(dns_keys_from_rrset(arena,
	             zone_find(zone, name(arena, "fixture.example"), DNS_TYPE_DNSKEY), NULL, &keys,
	             &err),
	        &err);
	return keys;
}

static struct dns_verified verify(struct arena *arena, const struct dns_rrset *set,
        const struct dns_keys *keys, const char *now)
{
	struct dns_verified verified;
	struct error err = {0};
	must(dns_rrset_verify(arena, set, keys, seconds(now), &verified, &err), &err);
	return verified;
}

static enum dns_signature outcome(
        struct arena *arena, const struct dns_rrset *set, const struct dns_keys *keys)
{
	return verify(arena, set, keys, NOW).outcome;
}

// A signed set that differs from the original in one octet of its first signature or record.
static struct dns_rrset tampered(
        struct arena *arena, const struct dns_rrset *set, bool signature, size_t at)
{
	struct dns_rrset copy = *set;
	const struct dns_rdata **list = signature ? &copy.signatures : &copy.rdata;
	size_t count = signature ? set->signature_count : set->count;
	struct dns_rdata *changed = arena_memdup(arena, *list, count * sizeof *changed);
	uint8_t *octets = arena_memdup(arena, changed->octets, changed->length);
	octets[at] ^= 0x01;
	changed->octets = octets;
	*list = changed;
	return copy;
}

static void published_examples(void **state)
{
	static const struct {
		const char *owner, *key, *record, *signature, *now;
	} vectors[] = {
	        // RFC 5702 6.1
	        {"example.net",
	                "256 3 8 "
	                "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtv"
	                "d4Qs8PkxUdp6p/DlUmObdk=",
	                "www.example.net. 3600 IN A 192.0.2.91\n",
	                "www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 "
	                "9033 "
	                "example.net. "
	                "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwl"
	                "MgNEacFYK/lPtPiVYP4bwg==\n",
	                NOW},
	        // RFC 5702 6.2
	        {"example.net",
	                "256 3 10 "
	                "AwEAAdHoNTOW+et86KuJOWRDp1pndvwb6Y83nSVXXyLA3DLroROUkN6X0O6pnWnjJQuj"
	                "X/AyhqFDxj13tOnD9u/1kTg7cV6rklMrZDtJCQ5PCl/"
	                "D7QNPsgVsMu1J2Q8gpMpztNFLpPBz1bWXj"
	                "DtaR7ZQBlZ3PFY12ZTSncorffcGmhOL",
	                "www.example.net. 3600 IN A 192.0.2.91\n",
	                "www.example.net. 3600 IN RRSIG A 10 3 3600 20300101000000 20000101000000 "
	                "3740 "
	                "example.net. "
	                "tsb4wnjRUDnB1BUi+t6TMTXThjVnG+eCkWqjvvjhzQL1d0YRoOe0CbxrVDYd0xDt"
	                "suJRaeUw1ep94PzEWzr0iGYgZBWm/"
	                "zpq+9fOuagYJRfDqfReKBzMweOLDiNa8iP5g9vMhpuv6OPlv"
	                "pXwm9Sa9ZXIbNl1MBGk0fthPgxdDLw=\n",
	                NOW},
	        // RFC 6605 6.1
	        {"example.net",
	                "257 3 13 "
	                "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MA"
	                "nLr+Wi9xMWyQLc8NAA==",
	                "www.example.net. 3600 IN A 192.0.2.1\n",
	                "www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 "
	                "55648"
	                " example.net. "
	                "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoL"
	                "BLlUzGGus7ZwmwWep666VCw==\n",
	                "2010-09-09T10:04:39Z"},
	        // RFC 6605 6.2
	        {"example.net",
	                "257 3 14 "
	                "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ"
	                "6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
	                "www.example.net. 3600 IN A 192.0.2.1\n",
	                "www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 "
	                "10771"
	                " example.net. "
	                "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFa"
	                "xsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm\n",
	                "2010-08-12T10:20:25Z"},
	        // RFC 8080 6.1, with erratum 4935
	        {"example.com", "257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
	                "example.com. 3600 IN MX 10 mail.example.com.\n",
	                "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 "
	                "example.com. "
	                "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M"
	                "3e23mRZ9VrbpMngwcrqNAg==\n",
	                "2015-08-10T00:00:00Z"},
	        {"example.com", "257 3 15 zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=",
	                "example.com. 3600 IN MX 10 mail.example.com.\n",
	                "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 35217 "
	                "example.com. "
	                "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5p"
	                "oJ7gD7AQR0O7KuI5k2pcBg==\n",
	                "2015-08-10T00:00:00Z"},
	};
	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		struct zone zone;
		char *text = arena_printf(*state, "%s%s", vectors[i].record, vectors[i].signature);
		load_zone(*state, text, strlen(text), &zone);
		struct dns_key *k = key(*state, vectors[i].owner, vectors[i].key);
		struct dns_keys keys = {1, &k};
		struct dns_verified v = verify(*state, zone.set, &keys, vectors[i].now);
		assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
		assert_int_equal(v.signer_count, 1);
		struct dns_rrset changed = tampered(*state, zone.set, false, 3);
		assert_int_equal(
		        verify(*state, &changed, &keys, vectors[i].now).outcome, DNS_SIGNATURE_BAD);
		dns_key_unref(k);
	}
}

// Every signed set of a zone with all the shapes of the canonical form; in the fixture all names
// are in mixed case, and the records are not in canonical order.
static void real_zones_of_all_algorithms(void **state)
{
	for (size_t a = 0; a < ALGORITHMS; a++) {
		struct zone zone;
		load(*state, algorithms[a], &zone);
		struct dns_keys keys = keys_of(*state, &zone);
		size_t signed_sets = 0;
		for (size_t i = 0; i < zone.count; i++) {
			struct dns_verified v = verify(*state, &zone.set[i], &keys, NOW);
			if (zone.set[i].signature_count == 0) { // delegations and glue
				assert_int_equal(v.outcome, DNS_SIGNATURE_NONE);
				continue;
			}
			signed_sets++;
			if (v.outcome != DNS_SIGNATURE_GOOD)
				fail_msg("%s type %u: %s", algorithms[a], zone.set[i].type,
				        dns_signature_text(v.outcome));
			bool by_ksk = zone.set[i].type == DNS_TYPE_DNSKEY;
			assert_int_equal(v.signer_count, zone.set[i].signature_count);
			for (size_t s = 0; s < v.signer_count; s++)
				assert_true(by_ksk || !dns_key_is_sep(keys.key[v.signers[s].key]));
			assert_int_equal(v.until_s, seconds("2080-01-01T00:00:00Z"));
			assert_int_equal(v.signers[0].from_s, seconds("2020-01-01T00:00:00Z"));
		}
		assert_true(signed_sets > 30);
		dns_keys_clear(&keys);
	}
}

static void tampering_is_found(void **state)
{
	for (size_t a = 0; a < ALGORITHMS; a++) {
		struct zone zone;
		load(*state, algorithms[a], &zone);
		struct dns_keys keys = keys_of(*state, &zone);
		const struct dns_rrset *set =
		        zone_find(&zone, name(*state, "many.fixture.example"), DNS_TYPE_A);
		for (size_t at = 0; at < 4; at++) {
			struct dns_rrset changed = tampered(*state, set, false, at);
			assert_int_equal(outcome(*state, &changed, &keys), DNS_SIGNATURE_BAD);
		}
		for (size_t at = 0; at < set->signatures->length; at++) {
			struct dns_rrset changed = tampered(*state, set, true, at);
			assert_int_not_equal(outcome(*state, &changed, &keys), DNS_SIGNATURE_GOOD);
		}
		struct dns_rrset fewer = *set;
		fewer.count--;
		assert_int_equal(outcome(*state, &fewer, &keys), DNS_SIGNATURE_BAD);
		struct dns_rrset elsewhere = *set;
		elsewhere.owner = name(*state, "more.fixture.example");
		assert_int_equal(outcome(*state, &elsewhere, &keys), DNS_SIGNATURE_BAD);
		struct dns_rdata cut = *set->signatures;
		cut.length--;
		struct dns_rrset shorter = *set;
		shorter.signatures = &cut;
		assert_int_equal(outcome(*state, &shorter, &keys), DNS_SIGNATURE_BAD);
		dns_keys_clear(&keys);
	}
}

static void order_case_ttl_and_repetition_do_not_matter(void **state)
{
	struct zone zone;
	load(*state, "ecdsap256sha256", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	const struct dns_rrset *set =
	        zone_find(&zone, name(*state, "many.fixture.example"), DNS_TYPE_A);
	struct dns_rdata turned[5];
	for (size_t i = 0; i < 4; i++)
		turned[i] = set->rdata[3 - i];
	turned[4] = turned[0];
	struct dns_rrset other = *set;
	other.rdata = turned;
	other.count = 5;
	other.owner = name(*state, "MANY.Fixture.eXAMPLE");
	other.ttl_s = 17;
	assert_int_equal(outcome(*state, &other, &keys), DNS_SIGNATURE_GOOD);
	other.count = 3;
	assert_int_equal(outcome(*state, &other, &keys), DNS_SIGNATURE_BAD);
	dns_keys_clear(&keys);
}

static void names_in_rdata_are_lower_cased_where_the_type_says_so(void **state)
{
	static const struct {
		uint16_t type;
		const char *a, *b;
		bool equal;
	} pairs[] = {
	        {DNS_TYPE_NS, "NS1.Example.", "ns1.example.", true},
	        {DNS_TYPE_NS, "ns1.example.", "ns2.example.", false},
	        {DNS_TYPE_SOA, "A. B. 1 2 3 4 5", "a. b. 1 2 3 4 5", true},
	        {DNS_TYPE_SOA, "a. b. 1 2 3 4 5", "a. b. 1 2 3 4 6", false},
	        {DNS_TYPE_MX, "10 MX.", "10 mx.", true},
	        {33, "1 2 3 SRV.", "1 2 3 srv.", true},
	        {35, "1 2 \"U\" \"S\" \"\" Re.", "1 2 \"U\" \"S\" \"\" re.", true},
	        {35, "1 2 \"U\" \"S\" \"\" re.", "1 2 \"u\" \"S\" \"\" re.", false},
	        {DNS_TYPE_NSEC, "A. A", "a. A", false}, // RFC 6840 5.1
	        {DNS_TYPE_TXT, "A", "a", false},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct dns_rdata a = rdata(*state, pairs[i].type, pairs[i].a),
		                 b = rdata(*state, pairs[i].type, pairs[i].b), *sorted;
		assert_int_equal(dns_rdata_equal(pairs[i].type, &a, &b), pairs[i].equal);
		const struct dns_rdata both[] = {a, b};
		const struct dns_rrset set = {.owner = name(*state, "x"),
		        .type = pairs[i].type,
		        .count = 2,
		        .rdata = both};
		size_t count;
		assert_int_equal(
		        dns_canonical_rdata(*state, &set, &sorted, &count, NULL), RESULT_OK);
		assert_int_equal(count, pairs[i].equal ? 1 : 2);
	}
}

static void dates_are_judged_apart(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	const struct dns_rrset *soa =
	        zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	static const struct {
		const char *now;
		enum dns_signature expected;
	} cases[] = {
	        {"2019-12-31T23:59:59Z", DNS_SIGNATURE_NOT_YET},
	        {"2020-01-01T00:00:00Z", DNS_SIGNATURE_GOOD},
	        {"2080-01-01T00:00:00Z", DNS_SIGNATURE_GOOD},
	        {"2080-01-01T00:00:01Z", DNS_SIGNATURE_EXPIRED},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
		        verify(*state, soa, &keys, cases[i].now).outcome, cases[i].expected);
	dns_keys_clear(&keys);
}

static void times_wrap_around(void **state)
{
	(void)state;
	assert_int_equal(dns_serial_time(5, 0x1fffffff0), 0x200000005);
	assert_int_equal(dns_serial_time(0xfffffff0, 0x200000005), 0x1fffffff0);
	assert_int_equal(dns_serial_time(1767225600, 1767225600), 1767225600);
}

static void expanded_wildcards_verify_and_are_told(void **state)
{
	struct zone zone;
	load(*state, "ecdsap384sha384", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	struct dns_rrset set =
	        *zone_find(&zone, name(*state, "*.wild.fixture.example"), DNS_TYPE_TXT);
	struct dns_verified v = verify(*state, &set, &keys, NOW);
	assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
	assert_false(v.signers[0].wildcard);
	set.owner = name(*state, "Some.Deep.WILD.fixture.example");
	v = verify(*state, &set, &keys, NOW);
	assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
	assert_true(v.signers[0].wildcard);
	set.owner = name(*state, "some.tame.fixture.example");
	assert_int_equal(outcome(*state, &set, &keys), DNS_SIGNATURE_BAD);
	set.owner = name(*state, "fixture.example"); // fewer labels than signed
	assert_int_equal(outcome(*state, &set, &keys), DNS_SIGNATURE_MALFORMED);
	dns_keys_clear(&keys);
}

static struct dns_rdata edited(
        struct arena *arena, const struct dns_rdata *r, size_t at, uint8_t to)
{
	uint8_t *octets = arena_memdup(arena, r->octets, r->length);
	octets[at] = to;
	return (struct dns_rdata){octets, r->length};
}

static void unknown_algorithms_are_unsupported(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	struct dns_rrset soa = *zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	struct dns_rdata both[2] = {edited(*state, &soa.signatures[0], 2, 16), soa.signatures[0]};
	soa.signatures = both;
	assert_int_equal(outcome(*state, &soa, &keys), DNS_SIGNATURE_UNSUPPORTED);
	static const uint8_t unsupported[] = {0, 1, 3, 5, 6, 7, 12, 16, 17, 253, 255};
	for (size_t i = 0; i < sizeof unsupported; i++)
		assert_false(dns_algorithm_is_supported(unsupported[i]));
	soa.signature_count = 2; // beside a good one it does no harm
	struct dns_verified v = verify(*state, &soa, &keys, NOW);
	assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
	assert_int_equal(v.signatures[0], DNS_SIGNATURE_UNSUPPORTED);
	assert_int_equal(v.signers[0].signature, 1);
	dns_keys_clear(&keys);
}

static void signature_must_fit_its_set(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	const uint8_t *apex = name(*state, "fixture.example");
	struct dns_rrset set = *zone_find(&zone, apex, DNS_TYPE_SOA);
	struct dns_rdata one = set.signatures[0];
	set.signatures = &one;
	one = edited(*state, &one, 1, DNS_TYPE_NS); // type covered
	assert_int_equal(outcome(*state, &set, &keys), DNS_SIGNATURE_MALFORMED);
	set.signatures = zone_find(&zone, apex, DNS_TYPE_SOA)->signatures;
	set.owner = name(*state, "elsewhere.example"); // signer is not above
	assert_int_equal(outcome(*state, &set, &keys), DNS_SIGNATURE_MALFORMED);
	set.owner = apex;
	set.count = 0;
	assert_int_equal(outcome(*state, &set, &keys), DNS_SIGNATURE_MALFORMED);
	// DS belongs to the parent, DNSKEY to the apex.
	struct dns_rrset moved = *zone_find(&zone, apex, DNS_TYPE_DNSKEY);
	moved.owner = name(*state, "child.fixture.example");
	assert_int_equal(outcome(*state, &moved, &keys), DNS_SIGNATURE_MALFORMED);
	moved = *zone_find(&zone, name(*state, "child.fixture.example"), DNS_TYPE_DS);
	assert_int_equal(outcome(*state, &moved, &keys), DNS_SIGNATURE_GOOD);
	moved.owner = apex;
	assert_int_equal(outcome(*state, &moved, &keys), DNS_SIGNATURE_MALFORMED);
	// RRSIG that is cut off anywhere.
	struct dns_rrset cut = *zone_find(&zone, apex, DNS_TYPE_SOA);
	one = cut.signatures[0];
	cut.signatures = &one;
	for (one.length = 0; one.length < 18 + 17; one.length++)
		assert_int_equal(outcome(*state, &cut, &keys), DNS_SIGNATURE_MALFORMED);
	dns_keys_clear(&keys);
}

static void key_must_be_the_right_one(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	const struct dns_rrset *soa =
	        zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	struct dns_keys none = {0};
	assert_int_equal(outcome(*state, soa, &none), DNS_SIGNATURE_OTHER_KEY);
	for (size_t i = 0; i < keys.count; i++) {
		struct dns_keys one = {1, &keys.key[i]};
		assert_int_equal(outcome(*state, soa, &one),
		        dns_key_is_sep(keys.key[i]) ? DNS_SIGNATURE_OTHER_KEY : DNS_SIGNATURE_GOOD);
		struct dns_key *stranger;
		assert_int_equal(dns_key_new(name(*state, "other.example"),
		                         dns_key_rdata(keys.key[i]), &stranger, NULL),
		        RESULT_OK);
		struct dns_keys wrong = {1, &stranger};
		assert_int_equal(outcome(*state, soa, &wrong), DNS_SIGNATURE_OTHER_KEY);
		dns_key_unref(stranger);
	}
	dns_keys_clear(&keys);
}

// An Ed25519 key with the flags and protocol given, and a set that it has really signed.
struct own {
	struct dns_key *key;
	struct dns_rdata record, signature;
	struct dns_rrset set;
};

static void sign(struct arena *arena, EVP_PKEY *pair, struct own *own)
{
	struct dns_rrsig rrsig;
	uint8_t *octets, *whole = arena_alloc(arena, own->signature.length + 64u);
	size_t length, signature_length = 64;
	memcpy(whole, own->signature.octets, own->signature.length);
	assert_int_equal(dns_rrsig_parse(&own->signature, &rrsig, NULL), RESULT_OK);
	assert_int_equal(dns_signed_octets(arena, &own->set, &own->record, 1, &own->signature,
	                         &rrsig, &octets, &length, NULL),
	        RESULT_OK);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pair), 1);
	assert_int_equal(
	        EVP_DigestSign(ctx, whole + rrsig.head_length, &signature_length, octets, length),
	        1);
	EVP_MD_CTX_free(ctx);
	own->signature =
	        (struct dns_rdata){whole, (uint16_t)(rrsig.head_length + signature_length)};
}

static void make_own(struct arena *arena, uint16_t flags, uint8_t protocol, struct own *own)
{
	static const uint8_t secret[32] = "a key for tests, known to all..";
	EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, 32);
	uint8_t octets[36] = {(uint8_t)(flags >> 8), (uint8_t)flags, protocol, 15};
	size_t length = 32;
	assert_int_equal(EVP_PKEY_get_raw_public_key(pair, octets + 4, &length), 1);
	const uint8_t *owner = name(arena, "own.example");
	assert_int_equal(
	        dns_key_new(owner, &(struct dns_rdata){octets, 36}, &own->key, NULL), RESULT_OK);
	own->record = rdata(arena, DNS_TYPE_TXT, "signed");
	own->signature = rdata(arena, DNS_TYPE_RRSIG,
	        arena_printf(arena,
	                "TXT 15 2 60 20800101000000 20200101000000 %u own.example. AAAA",
	                dns_key_tag(own->key)));
	own->set = (struct dns_rrset){.owner = owner,
	        .type = DNS_TYPE_TXT,
	        .rclass = DNS_CLASS_IN,
	        .count = 1,
	        .rdata = &own->record,
	        .signature_count = 1,
	        .signatures = &own->signature};
	own->signature.length -= 3; // the three octets of AAAA
	uint8_t *head = arena_memdup(arena, own->signature.octets, own->signature.length + 1u);
	own->signature = (struct dns_rdata){head, (uint16_t)(own->signature.length + 1)};
	sign(arena, pair, own);
	EVP_PKEY_free(pair);
}

static void keys_that_must_not_sign_are_told_apart(void **state)
{
	static const struct {
		uint16_t flags;
		uint8_t protocol;
		enum dns_signature expected;
	} cases[] = {
	        {256, 3, DNS_SIGNATURE_GOOD},
	        {257, 3, DNS_SIGNATURE_GOOD},
	        {257 | DNS_KEY_REVOKE, 3, DNS_SIGNATURE_REVOKED},
	        {1, 3, DNS_SIGNATURE_KEY},
	        {0, 3, DNS_SIGNATURE_KEY},
	        {256, 2, DNS_SIGNATURE_KEY},
	        {DNS_KEY_REVOKE, 3, DNS_SIGNATURE_KEY},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct own own;
		make_own(*state, cases[i].flags, cases[i].protocol, &own);
		struct dns_keys keys = {1, &own.key};
		struct dns_verified v = verify(*state, &own.set, &keys, NOW);
		assert_int_equal(v.outcome, cases[i].expected);
		assert_int_equal(v.signer_count, cases[i].expected == DNS_SIGNATURE_GOOD);
		struct dns_rrset changed = tampered(*state, &own.set, false, 2);
		assert_int_equal(outcome(*state, &changed, &keys), DNS_SIGNATURE_BAD);
		dns_key_unref(own.key);
	}
}

// Two keys, one of which is about to expire: both are reported, with their own dates.
static void best_signature_counts_and_all_are_reported(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	struct dns_rrset set = *zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_DNSKEY);
	assert_int_equal(set.signature_count, 2);
	struct dns_rdata both[3] = {edited(*state, &set.signatures[0], 8, 0), set.signatures[1],
	        edited(*state, &set.signatures[0], 40, 0xee)};
	set.signatures = both;
	set.signature_count = 3;
	struct dns_verified v = verify(*state, &set, &keys, NOW);
	assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
	assert_int_equal(v.signer_count, 1);
	assert_int_equal(v.signers[0].signature, 1);
	assert_int_equal(v.signatures[0], DNS_SIGNATURE_EXPIRED); // the date is in 2001 now
	assert_int_equal(v.signatures[1], DNS_SIGNATURE_GOOD);
	assert_int_equal(v.signatures[2], DNS_SIGNATURE_BAD);
	dns_keys_clear(&keys);
}

// Two keys with one tag (their words swapped): the right one is found wherever it stands.
static void colliding_tags_are_all_tried(void **state)
{
	struct zone zone;
	load(*state, "ecdsap256sha256", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	const struct dns_rrset *soa =
	        zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	size_t zsk = dns_key_is_sep(keys.key[0]) ? 1 : 0;
	struct dns_rdata octets = *dns_key_rdata(keys.key[zsk]);
	uint8_t *changed = arena_memdup(*state, octets.octets, octets.length);
	memcpy(changed + 10, octets.octets + 20, 2);
	memcpy(changed + 20, octets.octets + 10, 2);
	struct dns_key *twin;
	assert_int_equal(dns_key_new(name(*state, "fixture.example"),
	                         &(struct dns_rdata){changed, octets.length}, &twin, NULL),
	        RESULT_OK);
	assert_int_equal(dns_key_tag(twin), dns_key_tag(keys.key[zsk]));
	struct dns_key *both[] = {twin, keys.key[zsk]};
	struct dns_keys pair = {2, both};
	struct dns_verified v = verify(*state, soa, &pair, NOW);
	assert_int_equal(v.outcome, DNS_SIGNATURE_GOOD);
	assert_int_equal(v.signer_count, 1);
	assert_int_equal(v.signers[0].key, 1);
	pair.count = 1;
	assert_int_equal(outcome(*state, soa, &pair), DNS_SIGNATURE_BAD);
	dns_key_unref(twin);
	dns_keys_clear(&keys);
}

// KeyTrap: many keys and signatures that all fit together and are all wrong.
static void work_is_bounded(void **state)
{
	struct zone zone;
	load(*state, "rsasha256", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	size_t zsk = dns_key_is_sep(keys.key[0]) ? 1 : 0;
	struct dns_key *many[200];
	for (size_t i = 0; i < 200; i++)
		many[i] = keys.key[zsk];
	struct dns_keys trap = {200, many};
	struct dns_rrset soa = *zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	struct dns_rdata wrong[100];
	for (size_t i = 0; i < 100; i++)
		wrong[i] = edited(*state, soa.signatures, soa.signatures->length - 1u, (uint8_t)i);
	soa.signatures = wrong;
	soa.signature_count = 100;
	struct dns_verified v = verify(*state, &soa, &trap, NOW);
	assert_true(v.limited);
	assert_int_equal(v.signature_count, DNS_VERIFY_MAX_SIGNATURES);
	dns_keys_clear(&keys);
}

static void damaged_keys_fail_without_harm(void **state)
{
	struct zone zone;
	load(*state, "rsasha512", &zone);
	const struct dns_rrset *soa =
	        zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	struct dns_rrsig rrsig;
	assert_int_equal(dns_rrsig_parse(soa->signatures, &rrsig, NULL), RESULT_OK);
	static const uint8_t shapes[][8] = {
	        {1, 0, 3, 10},
	        {1, 0, 3, 10, 0},
	        {1, 0, 3, 10, 0, 0xff, 0xff, 1},
	        {1, 0, 3, 10, 1, 3, 5, 7},
	        {1, 0, 3, 13, 1, 2, 3, 4},
	        {1, 0, 3, 15, 1, 2, 3, 4},
	};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		for (uint16_t n = 4; n <= 8; n++) {
			struct dns_key *k;
			assert_int_equal(dns_key_new(rrsig.signer.wire,
			                         &(struct dns_rdata){shapes[i], n}, &k, NULL),
			        RESULT_OK);
			struct dns_rdata fitting =
			        edited(*state, soa->signatures, 16, (uint8_t)(dns_key_tag(k) >> 8));
			fitting = edited(*state, &fitting, 17, (uint8_t)dns_key_tag(k));
			fitting = edited(*state, &fitting, 2, shapes[i][3]);
			struct dns_rrset once = *soa;
			once.signatures = &fitting;
			once.signature_count = 1;
			assert_int_equal(outcome(*state, &once, &(struct dns_keys){1, &k}),
			        DNS_SIGNATURE_BAD);
			dns_key_unref(k);
		}
	}
}

static void chain_links_by_ds(void **state)
{
	struct zone zone, parent;
	size_t length;
	load(*state, "ecdsap256sha256", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	char *text = fixture(*state, "ecdsap256sha256.ds", &length);
	load_zone(*state, text, length, &parent);
	struct dns_verified v = verify(*state,
	        zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_DNSKEY), &keys, NOW);
	struct dns_ds set[2];
	assert_int_equal(dns_ds_new(&parent.set[0].rdata[1], &set[0], NULL), RESULT_OK);
	set[1] = ds("1 16 2 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
	bool referenced[2], linked, unsupported;
	dns_chain_link(set, 2, &keys, &v, referenced, &linked, &unsupported);
	assert_true(linked && !unsupported);
	for (size_t i = 0; i < keys.count; i++)
		assert_int_equal(referenced[i], dns_key_is_sep(keys.key[i]));
	dns_chain_link(set + 1, 1, &keys, &v, referenced, &linked, &unsupported);
	assert_true(!linked && unsupported);
	dns_chain_link(set, 0, &keys, &v, referenced, &linked, &unsupported);
	assert_true(!linked && !unsupported);
	set[0].digest[0] ^= 1;
	dns_chain_link(set, 2, &keys, &v, referenced, &linked, &unsupported);
	assert_true(!linked && !unsupported);
	// Referenced, and does not sign.
	set[0].digest[0] ^= 1;
	v.signer_count = 0;
	dns_chain_link(set, 1, &keys, &v, referenced, &linked, &unsupported);
	assert_true(!linked && !unsupported);
	dns_keys_clear(&keys);
}

static void too_little_memory_is_an_error_not_an_outcome(void **state)
{
	struct zone zone;
	load(*state, "ed25519", &zone);
	struct dns_keys keys = keys_of(*state, &zone);
	struct dns_rrset *soa = zone_find(&zone, name(*state, "fixture.example"), DNS_TYPE_SOA);
	for (size_t octets = 0; octets < 256; octets += 16) {
		struct arena *small = arena_new(octets);
		struct dns_verified v = {.outcome = DNS_SIGNATURE_COUNT};
		struct error err = {0};
		enum result result = dns_rrset_verify(small, soa, &keys, seconds(NOW), &v, &err);
		assert_int_equal(result, RESULT_MEMORY);
		assert_int_equal(v.outcome, DNS_SIGNATURE_COUNT);
		arena_free(small);
	}
	dns_keys_clear(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(published_examples),
	        cmocka_unit_test(real_zones_of_all_algorithms),
	        cmocka_unit_test(tampering_is_found),
	        cmocka_unit_test(order_case_ttl_and_repetition_do_not_matter),
	        cmocka_unit_test(names_in_rdata_are_lower_cased_where_the_type_says_so),
	        cmocka_unit_test(dates_are_judged_apart),
	        cmocka_unit_test(times_wrap_around),
	        cmocka_unit_test(expanded_wildcards_verify_and_are_told),
	        cmocka_unit_test(unknown_algorithms_are_unsupported),
	        cmocka_unit_test(signature_must_fit_its_set),
	        cmocka_unit_test(key_must_be_the_right_one),
	        cmocka_unit_test(keys_that_must_not_sign_are_told_apart),
	        cmocka_unit_test(best_signature_counts_and_all_are_reported),
	        cmocka_unit_test(colliding_tags_are_all_tried),
	        cmocka_unit_test(work_is_bounded),
	        cmocka_unit_test(damaged_keys_fail_without_harm),
	        cmocka_unit_test(chain_links_by_ds),
	        cmocka_unit_test(too_little_memory_is_an_error_not_an_outcome),
	};
	return cmocka_run_group_tests_name("dns verify", tests, make_arena, free_arena);
}
