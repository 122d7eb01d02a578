// The checks of DS records, keys and signatures, on real ones.
#include <string.h>

#include "technical/internal.h"

#include "support.h" // after it, for cmocka's macro has the name of a function there

static int make(void **state)
{
	*state = world_new();
	return 0;
}

static int drop(void **state)
{
	world_free(*state);
	return 0;
}

static void test_ds_acceptable(void **state)
{
	struct world *w = *state;
	world_ds(w, WORLD_KSK, DNS_DIGEST_SHA1);
	expect(w, "ds-acceptable", TECHNICAL_FAIL, "has SHA-1; expected digest type 2");
	world_ds(w, WORLD_KSK, DNS_DIGEST_SHA384);
	expect(w, "ds-acceptable", TECHNICAL_PASS, "1 DS records");
	static const struct {
		uint8_t algorithm;
		enum technical_verdict verdict;
	} cases[] = {{1, TECHNICAL_FAIL}, {5, TECHNICAL_FAIL}, {7, TECHNICAL_FAIL},
	        {8, TECHNICAL_PASS}, {10, TECHNICAL_WARN}, {12, TECHNICAL_FAIL},
	        {13, TECHNICAL_PASS}, {14, TECHNICAL_PASS}, {15, TECHNICAL_PASS},
	        {16, TECHNICAL_PASS}, {0, TECHNICAL_FAIL}, {99, TECHNICAL_FAIL},
	        {253, TECHNICAL_FAIL}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		w->facts.ds[0].algorithm = cases[i].algorithm;
		expect(w, "ds-acceptable", cases[i].verdict, "DS record");
	}
	w->facts.ds_count = 0;
	expect(w, "ds-acceptable", TECHNICAL_SKIPPED, "the zone is insecure");
	w->facts.ds_known = false;
	expect(w, "ds-acceptable", TECHNICAL_SKIPPED, "it is not known");
}

static void test_ds_matches(void **state)
{
	struct world *w = *state;
	world_ds(w, WORLD_STANDBY, DNS_DIGEST_SHA256);
	expect(w, "ds-matches-key", TECHNICAL_FAIL, "there is no key for the DS record");
	struct technical_result r = world_judge(w, "ds-matches-key", "standby");
	assert_int_equal(r.verdict, TECHNICAL_WAIVED);
	// A standby key beside one that works: the zone validates all the same.
	w->facts.ds[1] = w->facts.ds[0];
	world_ds(w, WORLD_KSK, DNS_DIGEST_SHA256);
	w->facts.ds_count = 2;
	expect(w, "ds-matches-key", TECHNICAL_FAIL, "there is no key");
	expect(w, "zone-validates", TECHNICAL_PASS, "4 addresses");
	// One server without keys.
	w->facts.ds_count = 1;
	struct simversion *bare = simversion_copy(w->zone, w->version);
	simversion_put_keys(w->zone, bare, 3600, 0);
	world_answer_one(w, &w->address[0][1], TECHNICAL_DNSKEY, bare);
	expect(w, "ds-matches-key", TECHNICAL_FAIL,
	        "ns1.example.test. at 2001:db8:1::1: there is no DNSKEY set");
	expect(w, "zone-validates", TECHNICAL_FAIL, "there is no set");
}

// Same tag, algorithm and length, another digest.
static void test_ds_with_a_wrong_digit(void **state)
{
	struct world *w = *state;
	w->facts.ds[0].digest[31] ^= 1;
	expect(w, "ds-matches-key", TECHNICAL_FAIL, "there is no key");
	expect(w, "zone-validates", TECHNICAL_FAIL, "none of its signers is in the DS set");
}

static void test_validates(void **state)
{
	struct world *w = *state;
	struct simversion *v = simversion_copy(w->zone, w->version);
	// The DNSKEY set is signed by the other key only.
	v->dnskey_signers = 1 << WORLD_ZSK;
	world_answer(w, &w->address[1][0], v);
	expect(w, "zone-validates", TECHNICAL_FAIL,
	        "ns2.other.test. at 198.51.100.2: the DNSKEY set: none of its signers is in the "
	        "DS");
	// The data is signed by a key that is not in the zone.
	v = simversion_copy(w->zone, w->version);
	v->data_signers = 1 << WORLD_STANDBY;
	simversion_put(w->zone, v, "example.test.", DNS_TYPE_SOA, 300,
	        (const char *[]){"ns1.example.test. h.example.test. 1000 3600 600 864000 301"}, 1);
	world_answer(w, &w->address[1][0], v);
	expect(w, "zone-validates", TECHNICAL_FAIL, "the signature over the SOA record: ");
	// Only the denial is not signed.
	world_answer(w, &w->address[1][0], w->version);
	v->data_signers = 0;
	world_answer_one(w, &w->address[1][0], TECHNICAL_ABSENT, v);
	expect(w, "zone-validates", TECHNICAL_FAIL,
	        "signature over the proof that a name does not exist: ");
	// Nothing that could be checked.
	world_answer(w, &w->address[1][0], w->version);
	w->facts.ds[0].algorithm = 16;
	expect(w, "zone-validates", TECHNICAL_FAIL, "cannot be checked");
	w->facts.ds_count = 0;
	expect(w, "zone-validates", TECHNICAL_SKIPPED, "no DS record");
}

// The records of a negative answer, instead of the SOA record and what else was there.
static const struct dns_message *with(struct world *w, const char *const *records)
{
	struct dns_message *m = world_message(w, 0, 0, TECHNICAL_ABSENT);
	m->section[DNS_AUTHORITY].count = 0;
	for (; *records != NULL; records++)
		world_add(w, m, DNS_AUTHORITY, *records);
	return m;
}

// What a proof lacks, for nowhere.example.test. (RFC 4035 5.4, RFC 5155 8.4 to 8.8).
static void test_denials(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *records[4], *lacks;
	} cases[] = {
	        // At the name itself: no such type, or the type after all.
	        {{"nowhere.example.test. 60 NSEC \\000.nowhere.example.test. RRSIG NSEC"}, NULL},
	        {{"nowhere.example.test. 60 NSEC \\000.nowhere.example.test. A RRSIG NSEC"},
	                "says that it is there"},
	        // One record for name and wildcard, or two.
	        {{"example.test. 60 NSEC www.example.test. NS SOA RRSIG NSEC"}, NULL},
	        {{"mail.example.test. 60 NSEC www.example.test. A RRSIG NSEC"}, "no wildcard"},
	        {{"mail.example.test. 60 NSEC www.example.test. A RRSIG NSEC",
	                 "example.test. 60 NSEC a.example.test. NS SOA RRSIG NSEC"},
	                NULL},
	        {{"mail.example.test. 60 NSEC www.example.test. A RRSIG NSEC",
	                 "*.example.test. 60 NSEC a.example.test. TXT RRSIG NSEC"},
	                NULL},
	        {{"mail.example.test. 60 NSEC www.example.test. A RRSIG NSEC",
	                 "*.example.test. 60 NSEC a.example.test. A RRSIG NSEC"},
	                "no wildcard"},
	        // The last record of the zone; one that is about other names.
	        {{"aaa.example.test. 60 NSEC example.test. A RRSIG NSEC",
	                 "example.test. 60 NSEC aaa.example.test. NS SOA RRSIG NSEC"},
	                NULL},
	        {{"www.example.test. 60 NSEC example.test. A RRSIG NSEC"}, "covers the name"},
	        {{"a.example.test. 60 NSEC b.example.test. A RRSIG NSEC"}, "covers the name"},
	        // NSEC3: a name above, the name, the wildcard.
	        {{"jbas736chung3bb701jkjdhqkqlhvug7.example.test. 60 NSEC3 1 0 0 - "
	          "jbas736chuog3bb701jkjdhqkqlhvug7 NS SOA RRSIG",
	                 "i46f99lbmequp6moojale79oc1s7m5ue.example.test. 60 NSEC3 1 0 0 - "
	                 "i46f99lbmequp6mqojale79oc1s7m5ue A RRSIG",
	                 "6can7n9ison37dm7pil7ts42f3kfoo3n.example.test. 60 NSEC3 1 0 0 - "
	                 "6can7n9ison37dm9pil7ts42f3kfoo3n A RRSIG"},
	                NULL},
	        {{"jbas736chung3bb701jkjdhqkqlhvug7.example.test. 60 NSEC3 1 0 0 - "
	          "jbas736chuog3bb701jkjdhqkqlhvug7 NS SOA RRSIG",
	                 "i46f99lbmequp6moojale79oc1s7m5ue.example.test. 60 NSEC3 1 0 0 - "
	                 "i46f99lbmequp6mqojale79oc1s7m5ue A RRSIG"},
	                "no wildcard"},
	        {{"jbas736chung3bb701jkjdhqkqlhvug7.example.test. 60 NSEC3 1 0 0 - "
	          "jbas736chuog3bb701jkjdhqkqlhvug7 NS SOA RRSIG",
	                 "6can7n9ison37dm7pil7ts42f3kfoo3n.example.test. 60 NSEC3 1 0 0 - "
	                 "6can7n9ison37dm9pil7ts42f3kfoo3n A RRSIG"},
	                "covers the name"},
	        {{"i46f99lbmequp6moojale79oc1s7m5ue.example.test. 60 NSEC3 1 0 0 - "
	          "i46f99lbmequp6mqojale79oc1s7m5ue A RRSIG",
	                 "6can7n9ison37dm7pil7ts42f3kfoo3n.example.test. 60 NSEC3 1 0 0 - "
	                 "6can7n9ison37dm9pil7ts42f3kfoo3n A RRSIG"},
	                "a name above it"},
	        {{"i46f99lbmequp6mpojale79oc1s7m5ue.example.test. 60 NSEC3 1 0 0 - "
	          "i46f99lbmerup6mpojale79oc1s7m5ue TXT RRSIG"},
	                NULL},
	        {{"i46f99lbmequp6mpojale79oc1s7m5ue.example.test. 60 NSEC3 1 0 0 - "
	          "i46f99lbmerup6mpojale79oc1s7m5ue A RRSIG"},
	                "says that it is there"},
	        {{NULL}, "no record that could be used"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *lacks = denial_lacks(
		        with(w, cases[i].records), w->facts.zone.wire, w->facts.absent.wire);
		if ((lacks == NULL) != (cases[i].lacks == NULL) ||
		        (lacks != NULL && strstr(lacks, cases[i].lacks) == NULL))
			fail_msg("%zu: %s", i, lacks != NULL ? lacks : "nothing");
	}
}

static void test_a_denial_of_another_name(void **state)
{
	struct world *w = *state;
	struct simversion *v = simversion_copy(w->zone, w->version);
	struct dns_name absent = w->facts.absent;
	// Signed, and good, but for a name that nobody asked for.
	assert_int_equal(
	        dns_name_parse("elsewhere.example.test.", &w->facts.absent, NULL), RESULT_OK);
	world_answer_one(w, &w->address[1][0], TECHNICAL_ABSENT, v);
	w->facts.absent = absent;
	expect(w, "zone-validates", TECHNICAL_FAIL,
	        "the proof that a name does not exist: no NSEC record covers the name");
}

static void test_expired_is_not_valid(void **state)
{
	struct world *w = *state;
	w->facts.now_s += 500 * 86400;
	expect(w, "zone-validates", TECHNICAL_FAIL, "the signature over the DNSKEY set: expired");
	expect(w, "signature-head-room", TECHNICAL_FAIL, " expired at 20");
}

static void test_head_room(void **state)
{
	struct world *w = *state;
	// Signed for 400 days, from the beginning of a period of 30.
	w->facts.now_s += 360 * 86400;
	expect(w, "signature-head-room", TECHNICAL_PASS, "expires at 20");
	w->rules.head_room_s = 60 * 86400;
	expect(w, "signature-head-room", TECHNICAL_FAIL,
	        "expected signatures that are valid for 60d still");
	// Another's signatures, seen in the answer for a foreign name, are nobody's business.
	w->rules.head_room_s = 0;
	for (int s = 0; s < SERVERS; s++)
		for (int a = 0; a < ADDRESSES; a++)
			for (int q = 0; q < TECHNICAL_QUESTIONS; q++)
				if (q != TECHNICAL_FOREIGN)
					w->address[s][a].answer[q].message = NULL;
	world_answer_one(w, &w->address[0][0], TECHNICAL_SOA, w->version);
	w->address[0][0].answer[TECHNICAL_FOREIGN] = w->address[0][0].answer[TECHNICAL_SOA];
	w->address[0][0].answer[TECHNICAL_SOA].message = NULL;
	expect(w, "signature-head-room", TECHNICAL_SKIPPED, "no signature");
}

static void test_denial(void **state)
{
	struct world *w = *state;
	expect(w, "denial-present", TECHNICAL_PASS, "NSEC records at 4 addresses");
	struct dns_message *m = world_message(w, 0, 1, TECHNICAL_ABSENT);
	m->section[DNS_AUTHORITY].count = 1; // the SOA record
	expect(w, "denial-present", TECHNICAL_FAIL,
	        "ns1.example.test. at 2001:db8:1::1: the answer for a name that does not exist");
	world_add(w, m, DNS_AUTHORITY,
	        "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.test. 60 NSEC3 1 0 0 - "
	        "2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG");
	expect(w, "denial-present", TECHNICAL_PASS, "NSEC or NSEC3 records");
	expect(w, "zone-validates", TECHNICAL_FAIL, "a name does not exist: missing");
	// Not signed: there is nothing to prove.
	w->facts.ds_count = 0;
	for (int s = 0; s < SERVERS; s++)
		for (int a = 0; a < ADDRESSES; a++)
			w->address[s][a].answer[TECHNICAL_DNSKEY].message = NULL;
	expect(w, "denial-present", TECHNICAL_SKIPPED, "not signed");
}

static void test_nsec3_parameters(void **state)
{
	struct world *w = *state;
	struct dns_message *m = world_message(w, 1, 1, TECHNICAL_ABSENT);
	struct dns_message before = *m;
#define NSEC3(parameters)                                                                          \
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.test. 60 NSEC3 " parameters                      \
	" 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"
	world_add(w, m, DNS_AUTHORITY, NSEC3("1 1 0 -"));
	expect(w, "nsec3-parameters", TECHNICAL_PASS, "no extra iterations");
	*m = before;
	world_add(w, m, DNS_AUTHORITY, NSEC3("1 0 10 -"));
	expect(w, "nsec3-parameters", TECHNICAL_FAIL,
	        "ns2.other.test. at 2001:db8:2::2: NSEC3 records have 10 more iterations");
	*m = before;
	world_add(w, m, DNS_AUTHORITY, NSEC3("1 0 0 abcd"));
	expect(w, "nsec3-parameters", TECHNICAL_FAIL, "a salt of 2 octets");
}

static void test_cds(void **state)
{
	struct world *w = *state;
	struct simversion *v = simversion_copy(w->zone, w->version);
	char text[DNS_DS_TEXT], other[DNS_DS_TEXT];
	struct dns_ds ds;
	dns_ds_text(&w->facts.ds[0], text);
	assert_int_equal(
	        dns_ds_from_key(simkey_dns(w->key[WORLD_STANDBY]), 2, &ds, NULL), RESULT_OK);
	dns_ds_text(&ds, other);
	simversion_put(w->zone, v, "example.test.", DNS_TYPE_CDS, 60, (const char *[]){text}, 1);
	world_answer(w, &w->address[0][0], v);
	expect(w, "cds-agrees", TECHNICAL_PASS, "1 addresses");
	simversion_put(
	        w->zone, v, "example.test.", DNS_TYPE_CDS, 60, (const char *[]){text, other}, 2);
	world_answer(w, &w->address[0][0], v);
	expect(w, "cds-agrees", TECHNICAL_WARN, "asks for a DS record that is not in the set");
	simversion_put(w->zone, v, "example.test.", DNS_TYPE_CDS, 60, (const char *[]){other}, 1);
	world_answer(w, &w->address[0][0], v);
	assert_int_equal(world_judge(w, "cds-agrees", NULL).finding_count, 2);
	simversion_put(
	        w->zone, v, "example.test.", DNS_TYPE_CDS, 60, (const char *[]){"0 0 0 00"}, 1);
	world_answer(w, &w->address[0][0], v);
	expect(w, "cds-agrees", TECHNICAL_WARN, "asks for the removal");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
	        CASE(test_ds_acceptable),
	        CASE(test_ds_matches),
	        CASE(test_ds_with_a_wrong_digit),
	        CASE(test_validates),
	        CASE(test_denials),
	        CASE(test_a_denial_of_another_name),
	        CASE(test_expired_is_not_valid),
	        CASE(test_head_room),
	        CASE(test_denial),
	        CASE(test_nsec3_parameters),
	        CASE(test_cds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
