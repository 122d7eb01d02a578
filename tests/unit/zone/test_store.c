// The zone in memory: order, sets, signatures, the shape of the tree, and what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "zone/read.h"

#define SOA "example. 3600 IN SOA ns1.example. admin.example. 1 7200 3600 1209600 300\n"

static struct zone *read_zone(const char *text)
{
	struct error err = {0};
	struct zone *zone = NULL;
	enum result result = zone_read_text(
	        "test", text, strlen(text), &(struct zone_read_options){0}, &zone, &err);
	if (result != RESULT_OK)
		fail_msg("%s", err.text);
	return zone;
}

static void assert_refused(const char *text, enum result code, const char *sentence)
{
	struct error err = {0};
	struct zone *zone = NULL;
	enum result result = zone_read_text(
	        "test", text, strlen(text), &(struct zone_read_options){0}, &zone, &err);
	zone_free(zone);
	assert_int_equal(result, code);
	assert_string_equal(err.text, sentence);
}

static const struct zone_node *node(const struct zone *zone, const char *name)
{
	struct dns_name wire;
	assert_int_equal(dns_name_parse(name, &wire, NULL), RESULT_OK);
	return zone_find(zone, wire.wire);
}

static void assert_names(const struct zone *zone, const char *const *names, size_t count)
{
	char text[DNS_NAME_TEXT];
	assert_int_equal(zone_node_count(zone), count);
	for (size_t i = 0; i < count; i++)
		assert_string_equal(dns_name_text(zone_node_at(zone, i)->owner, text), names[i]);
}

// The example of RFC 4034 6.1.
static void test_canonical_order(void **state)
{
	(void)state;
	struct zone *zone = read_zone(
	        "zABC.a.EXAMPLE. 60 IN A 192.0.2.1\n"
	        "\\001.z.example. 60 IN A 192.0.2.1\n"
	        "*.z.example. 60 IN A 192.0.2.1\n"
	        "\\200.z.example. 60 IN A 192.0.2.1\n" SOA "Z.a.example. 60 IN A 192.0.2.1\n"
	        "yljkjljk.a.example. 60 IN A 192.0.2.1\n"
	        "a.example. 60 IN A 192.0.2.1\n"
	        "z.example. 60 IN A 192.0.2.1\n");
	static const char *const names[] = {"example.", "a.example.", "yljkjljk.a.example.",
	        "z.a.example.", "zabc.a.example.", "z.example.", "\\001.z.example.", "*.z.example.",
	        "\\200.z.example."};
	assert_names(zone, names, sizeof names / sizeof *names);
	zone_free(zone);
}

// Octets 0 and 1, and names that differ behind what a key holds.
static void test_order_of_unusual_names(void **state)
{
	(void)state;
	struct zone *zone = read_zone(SOA "b.averyveryverylonglabelindeed.example. 60 A 192.0.2.1\n"
	                                  "a.averyveryverylonglabelindeed.example. 60 A 192.0.2.1\n"
	                                  "averyveryverylonglabelindeed2.example. 60 A 192.0.2.1\n"
	                                  "a\\000.example. 60 A 192.0.2.1\n"
	                                  "x.a.example. 60 A 192.0.2.1\n"
	                                  "a\\001.example. 60 A 192.0.2.1\n"
	                                  "a\\000\\000.example. 60 A 192.0.2.1\n"
	                                  "a\\000b.example. 60 A 192.0.2.1\n"
	                                  "a\\002.example. 60 A 192.0.2.1\n"
	                                  "a.example. 60 A 192.0.2.1\n");
	static const char *const names[] = {"example.", "a.example.", "x.a.example.",
	        "a\\000.example.", "a\\000\\000.example.", "a\\000b.example.", "a\\001.example.",
	        "a\\002.example.", "averyveryverylonglabelindeed.example.",
	        "a.averyveryverylonglabelindeed.example.",
	        "b.averyveryverylonglabelindeed.example.",
	        "averyveryverylonglabelindeed2.example."};
	assert_names(zone, names, sizeof names / sizeof *names);
	for (size_t i = 0; i < zone_node_count(zone); i++)
		assert_ptr_equal(
		        zone_find(zone, zone_node_at(zone, i)->owner), zone_node_at(zone, i));
	assert_null(node(zone, "aa.example"));
	zone_free(zone);
}

#define SIGNATURE(type, ttl, tag)                                                                  \
	"d.example. " ttl " IN RRSIG " type " 13 2 3600 20300101000000 20200101000000 " tag        \
	" EXAMPLE. AAAA\n"

// A set's records stand apart in the source, in another order, with other TTLs and cases.
static void test_sets_and_signatures(void **state)
{
	(void)state;
	static const char text[] = SOA "d.example. 300 IN NS NS2.example.\n" SIGNATURE(
	        "DS", "70", "2") "e.example. 5 IN A 192.0.2.9\n" SIGNATURE("DS", "60",
	        "1") "D.example. 200 IN NS ns1.EXAMPLE.\n"
	             "d.example. 400 IN NS ns2.example.\n"
	             "d.example. 90 IN DS 1 13 2 AA\n" SIGNATURE("TXT", "60", "1");
	struct zone *zone = read_zone(text);
	const struct zone_node *d = node(zone, "d.example");
	assert_int_equal(d->flags, ZONE_NODE_DELEGATION);
	assert_int_equal(d->set_count, 3);
	const struct zone_rrset *ns = zone_node_find(zone, d, DNS_TYPE_NS);
	assert_int_equal(ns->count, 2);
	assert_int_equal(ns->ttl_s, 200);
	assert_int_equal(ns->ttl_max_s, 400);
	assert_int_equal(ns->line, 2);
	assert_memory_equal(zone_rdata(zone, ns)[0].octets, "\3ns1\7example", 13);
	assert_memory_equal(zone_rdata(zone, ns)[1].octets, "\3ns2\7example", 13);
	assert_int_equal(zone_duplicate_count(zone), 1);
	const struct zone_rrset *ds = zone_node_find(zone, d, DNS_TYPE_DS);
	assert_int_equal(ds->count, 1);
	assert_int_equal(ds->signature_count, 2);
	assert_int_equal(ds->signature_ttl_s, 60);
	assert_int_equal(ds->signature_ttl_max_s, 70);
	assert_int_equal(ds->line, 3);
	assert_int_equal(zone_signatures(zone, ds)[0].octets[17], 1);
	assert_int_equal(zone_signatures(zone, ds)[1].octets[17], 2);
	assert_memory_equal(zone_signatures(zone, ds)[0].octets + 18, "\7example", 9);
	const struct zone_rrset *txt = zone_node_find(zone, d, DNS_TYPE_TXT);
	assert_int_equal(txt->count, 0);
	assert_int_equal(txt->signature_count, 1);
	assert_null(zone_node_find(zone, d, DNS_TYPE_A));
	zone_free(zone);
}

static void test_shape(void **state)
{
	(void)state;
	struct zone *zone =
	        read_zone(SOA "example. 60 NS ns1.example.\n"
	                      "a.b.c.example. 60 A 192.0.2.1\n"
	                      "d.example. 60 NS ns.x.d.example.\n"
	                      "ns.x.d.example. 60 A 192.0.2.1\n"
	                      "ns.x.d.example. 60 NS ns1.example.\n"
	                      "da.example. 60 A 192.0.2.1\n"
	                      "n.example. 60 DNAME example.net.\n"
	                      "x.n.example. 60 A 192.0.2.1\n"
	                      "o.example. 60 A 192.0.2.1\n"
	                      "p0000000000000000000000000000000.example. 60 NSEC3 1 0 0 - "
	                      "00000000000000000000000000000000 A\n");
	static const struct {
		const char *name;
		unsigned flags;
	} expected[] = {
	        {"example", ZONE_NODE_APEX},
	        {"c.example", ZONE_NODE_EMPTY},
	        {"b.c.example", ZONE_NODE_EMPTY},
	        {"a.b.c.example", 0},
	        {"d.example", ZONE_NODE_DELEGATION},
	        {"x.d.example", ZONE_NODE_EMPTY | ZONE_NODE_BELOW},
	        {"ns.x.d.example", ZONE_NODE_BELOW},
	        {"da.example", 0},
	        {"n.example", 0},
	        {"x.n.example", ZONE_NODE_BELOW},
	        {"o.example", 0},
	        {"p0000000000000000000000000000000.example", ZONE_NODE_NSEC3},
	};
	assert_int_equal(zone_node_count(zone), sizeof expected / sizeof *expected);
	for (size_t i = 0; i < zone_node_count(zone); i++) {
		const struct zone_node *found = node(zone, expected[i].name);
		assert_ptr_equal(found, zone_node_at(zone, i));
		assert_int_equal(found->flags, expected[i].flags);
	}
	const struct zone_node *d = node(zone, "d.example");
	assert_false(zone_is_authoritative(d, DNS_TYPE_NS));
	assert_true(zone_is_authoritative(d, DNS_TYPE_DS));
	assert_true(zone_is_authoritative(node(zone, "o.example"), DNS_TYPE_A));
	assert_false(zone_is_authoritative(node(zone, "x.n.example"), DNS_TYPE_A));
	zone_free(zone);
}

static void test_text(void **state)
{
	(void)state;
	struct zone *zone = read_zone("$ORIGIN example.\n$TTL 100\n@ IN SOA a b (1 2 3\n 4 5)\n"
	                              "  NS ns\n  50 NS ns.other.\nw A 192.0.2.1");
	const struct zone_rrset *ns = zone_node_find(zone, zone_node_at(zone, 0), DNS_TYPE_NS);
	assert_int_equal(ns->count, 2);
	assert_int_equal(ns->ttl_s, 50);
	assert_int_equal(ns->ttl_max_s, 100);
	assert_int_equal(ns->line, 5);
	assert_int_equal(zone_node_set(zone, node(zone, "w.example"), 0)->line, 7);
	zone_free(zone);
	// Without $TTL: what was stated last.
	zone = read_zone("example. 77 IN SOA a. b. 1 2 3 4 5\nexample. IN NS ns.\n");
	assert_int_equal(zone_node_set(zone, zone_node_at(zone, 0), 0)->ttl_s, 77);
	zone_free(zone);
}

static void test_refused(void **state)
{
	(void)state;
	assert_refused("", RESULT_INPUT, "test: no SOA record, so that this is no whole zone");
	assert_refused("example. 60 IN NS a.\n", RESULT_INPUT,
	        "test: no SOA record, so that this is no whole zone");
	assert_refused(
	        SOA "example. 60 IN A 192.0.2.300\n", RESULT_INPUT, "test:2: invalid IPv4 address");
	assert_refused(SOA "\nother. 60 IN A 192.0.2.3\n", RESULT_INPUT,
	        "test:3: not a name of the zone: other.");
	assert_refused(SOA "a.example. 60 IN SOA a. b. 1 2 3 4 5\n", RESULT_INPUT,
	        "test:2: a second SOA record, at a.example.");
	assert_refused(SOA "example. 60 IN SOA a. b. 1 2 3 4 5\n", RESULT_INPUT,
	        "test:1: more than one SOA record, at example.");
	assert_refused(SOA "$INCLUDE other\n", RESULT_INPUT,
	        "test:2: $INCLUDE is refused: give the zone as one file");
	assert_refused("example. IN NS ns.\n", RESULT_INPUT,
	        "test:1: a record without a TTL, and none was stated before: add $TTL");
	assert_refused(SOA "example. 60 CH A 192.0.2.1\n", RESULT_INPUT,
	        "test:2: unsupported record type");
	assert_refused(SOA "example. 60 TYPE46 \\# 2 0001\n", RESULT_INPUT,
	        "test:2: the data does not have the form of its type, at example.");
	assert_refused(SOA "example. 60 TYPE250 \\# 2 0001\n", RESULT_INPUT,
	        "test:2: a record of a type that no zone can have, at example.");
	assert_refused(SOA "example. 3000000000 NS a.\n", RESULT_INPUT,
	        "test:2: a TTL of more than 2147483647 seconds (RFC 2181 8), at example.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_canonical_order),
	        cmocka_unit_test(test_order_of_unusual_names),
	        cmocka_unit_test(test_sets_and_signatures),
	        cmocka_unit_test(test_shape),
	        cmocka_unit_test(test_text),
	        cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
