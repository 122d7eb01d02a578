// Comparing two copies of a zone, and the facts of one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "dns/rdata.h"
#include "tests/bench/zone/generate.h"
#include "zone/compare.h"
#include "zone/facts.h"
#include "zone/read.h"

#define NOW_S 1790000000

static struct zone *read_zone(const char *text)
{
	struct error err = {0};
	struct zone *zone = NULL;
	if (zone_read_text("test", text, strlen(text), &(struct zone_read_options){0}, &zone,
	            &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return zone;
}

#define APEX(serial, ns)                                                                           \
	"example. 3600 IN SOA ns1.example. a.example. " serial " 7200 3600 1209600 300\n"          \
	"example. 3600 IN NS " ns ".\n"                                                            \
	"example. 3600 IN MX 10 mail.example.\n"

// What differs, one line for each, as the command prints it.
struct found {
	char text[4000];
	size_t length;
};

static void note(void *ctx, const struct zone_difference *d)
{
	struct found *found = ctx;
	struct arena *arena = arena_new(1 << 20);
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	found->length += (size_t)snprintf(found->text + found->length,
	        sizeof found->text - found->length, "%s%c %s %u %s %s\n", d->apex ? "; " : "",
	        d->kind == ZONE_ADDED ? '+' : '-', dns_name_text(d->owner, owner), d->ttl_s,
	        dns_type_text(d->type, type), dns_rdata_text(arena, d->type, d->rdata));
	arena_free(arena);
}

static struct zone_comparison compare(const char *a, const char *b, const char *expected)
{
	struct zone *old = read_zone(a), *new = read_zone(b);
	struct found found = {0};
	struct zone_comparison c;
	struct error err = {0};
	const struct zone_compare_options options = {.found = note, .ctx = &found};
	assert_int_equal(zone_compare(old, new, &options, &c, &err), RESULT_OK);
	assert_string_equal(found.text, expected);
	zone_free(old);
	zone_free(new);
	return c;
}

static void test_equal(void **state)
{
	(void)state;
	struct zone_comparison c = compare(
	        APEX("1",
	                "ns1.old") "a.example. 60 NS ns.a.example.\nns.a.example. 60 A 192.0.2.1\n"
	                           "example. 60 DNSKEY 256 3 13 AAAA\n"
	                           "a.example. 60 NSEC b.example. NS\n",
	        "NS.a.example. 60 A 192.0.2.1\nA.example. 60 NS NS.A.EXAMPLE.\n" APEX("9",
	                "ns1.new") "example. 0 NSEC3PARAM 1 0 0 -\n"
	                           "p0000000000000000000000000000000.example. 60 NSEC3 1 0 0 - "
	                           "00000000000000000000000000000000 A\n"
	                           "a.example. 60 RRSIG NS 13 2 60 20300101000000 "
	                           "20200101000000 1 example. AAAA\n"
	                           "example. 60 CDS 0 0 0 00\nexample. 60 CSYNC 1 1 A\n"
	                           "example. 60 ZONEMD 1 1 1 AAAAAAAAAAAAAAAAAAAAAAAA\n",
	        "; + example. 3600 NS ns1.new.\n"
	        "; - example. 3600 NS ns1.old.\n"
	        "; - example. 3600 SOA ns1.example. a.example. 1 7200 3600 1209600 300\n"
	        "; + example. 3600 SOA ns1.example. a.example. 9 7200 3600 1209600 300\n"
	        "; - example. 60 DNSKEY 256 3 13 AAAA\n"
	        "; + example. 0 NSEC3PARAM 1 0 0 -\n"
	        "; + example. 60 CDS 0 0 0 00\n"
	        "; + example. 60 CSYNC 1 1 A\n"
	        "; + example. 60 ZONEMD 1 1 1 AAAAAAAAAAAAAAAAAAAAAAAA\n");
	assert_int_equal(c.added + c.removed, 0);
	assert_int_equal(c.apex_added, 6);
	assert_int_equal(c.apex_removed, 3);
	assert_int_equal(c.records, 3);
	assert_int_equal(c.ttl_count, 0);
}

static void test_different(void **state)
{
	(void)state;
	struct zone_comparison c =
	        compare(APEX("1", "ns1") "a.example. 60 NS ns1.\na.example. 60 NS ns2.\n"
	                                 "b.example. 60 NS ns1.\nb.example. 60 DS 1 13 2 AA\n"
	                                 "m.example. 60 CDS 0 0 0 00\n",
	                APEX("1", "ns1") "a.example. 60 NS ns2.\na.example. 60 NS ns3.\n"
	                                 "b.example. 60 NS ns1.\nb.example. 60 DS 1 13 2 AB\n"
	                                 "c.example. 60 NS ns1.\n*.z.example. 5 TXT \"x y\"\n",
	                "- a.example. 60 NS ns1.\n"
	                "+ a.example. 60 NS ns3.\n"
	                "- b.example. 60 DS 1 13 2 AA\n"
	                "+ b.example. 60 DS 1 13 2 AB\n"
	                "+ c.example. 60 NS ns1.\n"
	                "- m.example. 60 CDS 0 0 0 00\n"
	                "+ *.z.example. 5 TXT \"x y\"\n");
	assert_int_equal(c.removed, 3);
	assert_int_equal(c.added, 4);
	assert_int_equal(c.apex_added + c.apex_removed, 0);
}

// A back-end brings its own name servers; but what a delegation uses is registered data.
static void test_own_servers(void **state)
{
	(void)state;
	struct zone_comparison c =
	        compare(APEX("1", "a.nic.example") "a.nic.example. 60 A 192.0.2.1\n"
	                                           "a.nic.example. 60 TXT x\n"
	                                           "ns1.example. 60 A 192.0.2.1\n"
	                                           "d.example. 60 NS ns1.example.\n",
	                APEX("1", "b.nic.example") "b.nic.example. 60 A 192.0.2.1\n"
	                                           "b.nic.example. 60 AAAA ::1\n"
	                                           "ns1.example. 60 A 192.0.2.2\n"
	                                           "d.example. 60 NS ns1.example.\n",
	                "; - example. 3600 NS a.nic.example.\n"
	                "; + example. 3600 NS b.nic.example.\n"
	                "; - a.nic.example. 60 A 192.0.2.1\n"
	                "- a.nic.example. 60 TXT \"x\"\n"
	                "; + b.nic.example. 60 A 192.0.2.1\n"
	                "; + b.nic.example. 60 AAAA ::1\n"
	                "- ns1.example. 60 A 192.0.2.1\n"
	                "+ ns1.example. 60 A 192.0.2.2\n");
	assert_int_equal(c.removed, 2);
	assert_int_equal(c.added, 1);
	c = compare(APEX("1", "NS1.example") "ns1.example. 60 A 192.0.2.1\n"
	                                     "d.example. 60 NS ns1.example.\n",
	        APEX("1", "ns1.example") "ns1.example. 60 A 192.0.2.2\n"
	                                 "d.example. 60 NS Ns1.example.\n",
	        "- ns1.example. 60 A 192.0.2.1\n"
	        "+ ns1.example. 60 A 192.0.2.2\n");
	assert_int_equal(c.added + c.removed, 2);
}

static void test_ttls(void **state)
{
	(void)state;
	struct zone_comparison c = compare(APEX("1", "ns1") "a.example. 60 NS ns1.\n"
	                                                    "b.example. 60 NS ns1.\n"
	                                                    "c.example. 7200 NS ns1.\n",
	        APEX("1", "ns1") "a.example. 90 NS ns1.\nb.example. 60 NS ns1.\n"
	                         "b.example. 90 NS ns1.\nc.example. 70 NS ns1.\n",
	        "");
	assert_int_equal(c.added + c.removed, 0);
	assert_int_equal(c.ttl_sets, 3);
	assert_int_equal(c.ttl_count, 2);
	assert_int_equal(c.ttls[0].type, DNS_TYPE_NS);
	assert_int_equal(c.ttls[0].old_s, 60);
	assert_int_equal(c.ttls[0].new_s, 90);
	assert_int_equal(c.ttls[0].sets, 2);
	assert_int_equal(c.old_ttl_max_s, 7200);
	assert_int_equal(c.new_ttl_max_s, 3600);
}

static void test_other_zone(void **state)
{
	(void)state;
	struct zone *old = read_zone(APEX("1", "ns1"));
	struct zone *new = read_zone("example.net. 60 SOA a. b. 1 2 3 4 5\n");
	struct zone_comparison c;
	struct error err = {0};
	assert_int_equal(
	        zone_compare(old, new, &(struct zone_compare_options){0}, &c, &err), RESULT_INPUT);
	assert_string_equal(
	        err.text, "these are two zones: example. in test, example.net. in test");
	zone_free(old);
	zone_free(new);
}

static struct zone *generated(const struct zone_generate *options)
{
	char *text;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	assert_true(zone_generate(options, out, NULL));
	fclose(out);
	struct zone *zone = read_zone(text);
	free(text);
	return zone;
}

// One copy signed with NSEC, the other with NSEC3 by other keys; then one delegation is lost.
static void test_generated(void **state)
{
	(void)state;
	struct zone_generate g = {.origin = "tld",
	        .delegations = 500,
	        .signed_percent = 33,
	        .seed = 5,
	        .now_s = NOW_S,
	        .serial = 1};
	struct zone *old = generated(&g);
	g.nsec3 = true;
	g.serial = 2;
	struct zone *new = generated(&g);
	struct zone_comparison c;
	struct error err = {0};
	assert_int_equal(
	        zone_compare(old, new, &(struct zone_compare_options){0}, &c, &err), RESULT_OK);
	assert_int_equal(c.added + c.removed, 0);
	assert_true(c.records > 1000);
	zone_free(new);
	g.delegations--;
	new = generated(&g);
	assert_int_equal(
	        zone_compare(old, new, &(struct zone_compare_options){0}, &c, &err), RESULT_OK);
	assert_true(c.removed >= 2);
	assert_int_equal(c.added, 0);
	zone_free(old);
	zone_free(new);
}

static const struct zone_facts_type *facts_type(const struct zone_facts *f, uint16_t type)
{
	for (size_t i = 0; i < f->type_count; i++)
		if (f->types[i].type == type)
			return &f->types[i];
	fail_msg("no facts about type %u", type);
	return NULL;
}

static void test_facts(void **state)
{
	(void)state;
	static struct zone_facts f;
	struct zone_generate g = {.origin = "tld",
	        .delegations = 300,
	        .signed_percent = 50,
	        .nsec3 = true,
	        .opt_out = true,
	        .iterations = 3,
	        .salt_octets = 4,
	        .seed = 5,
	        .now_s = NOW_S,
	        .serial = 77};
	struct zone *zone = generated(&g);
	zone_facts_collect(zone, NOW_S, &f);
	assert_int_equal(f.serial, 77);
	assert_int_equal(f.delegations, 300);
	assert_int_equal(f.names, 1 + 2 + 300 + f.below);
	assert_int_equal(f.below, 2 * (300 / 8));
	assert_int_equal(f.empty, 1);
	assert_true(f.signed_delegations > 100 && f.signed_delegations < 200);
	assert_int_equal(facts_type(&f, DNS_TYPE_DS)->ttl_max_s, 7200);
	assert_int_equal(facts_type(&f, DNS_TYPE_DS)->sets, f.signed_delegations);
	assert_int_equal(facts_type(&f, DNS_TYPE_NS)->records, 2 + 600);
	assert_int_equal(facts_type(&f, DNS_TYPE_RRSIG)->records, f.signatures);
	assert_int_equal(f.data_ttl_max_s, 7200);
	assert_int_equal(f.ns_ttl_max_s, 3600);
	assert_int_equal(f.dnskey_ttl_max_s, 3600);
	assert_int_equal(f.negative_ttl_s, 900);
	assert_int_equal(f.signer_count, 2);
	for (size_t i = 0; i < 2; i++) {
		bool ksk = f.signers[i].flags == 257;
		assert_true(f.signers[i].is_published);
		assert_int_equal(f.signers[i].signatures, ksk ? 1 : f.signatures - 1);
		assert_int_equal(f.signers[i].dnskey_signatures, ksk);
	}
	assert_true(f.has_nsec3);
	assert_memory_equal(f.nsec3_parameters, "\1\0\0\3\4", 5);
	assert_int_equal(f.nsec3_other, 0);
	assert_int_equal(f.opt_out, f.nsec3);
	// The apex, the name servers, and perhaps the empty non-terminal.
	assert_in_range(f.nsec3 - f.signed_delegations, 3, 4);
	assert_true(f.first.at_s >= NOW_S + 20 * 86400 && f.first.at_s < NOW_S + 21 * 86400);
	assert_int_equal(f.headroom[7], f.signatures); // 14 to 30 days
	zone_facts_collect(zone, f.first.at_s + 1, &f);
	assert_int_equal(f.headroom[0], 1);
	zone_facts_collect(zone, NOW_S - 2 * 86400, &f);
	assert_int_equal(f.not_yet, f.signatures);
	// A DNSKEY answer: header, question, OPT; two keys and a signature.
	assert_int_equal(
	        f.dnskey_answer_octets, 12 + 5 + 4 + 11 + 2 * (12 + 68) + 12 + 18 + 5 + 64);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_equal),
	        cmocka_unit_test(test_different),
	        cmocka_unit_test(test_own_servers),
	        cmocka_unit_test(test_ttls),
	        cmocka_unit_test(test_other_zone),
	        cmocka_unit_test(test_generated),
	        cmocka_unit_test(test_facts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
