// Technical checks where the facts are gathered: on a simulated network, of the present delegation
// and of those to come.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../unit/discover/answers.h"
#include "simdns.h"
#include "technical/technical.h"

#define ADDRESSES(name, v4, v6)                                                                    \
	{name, "A", "", name " 60 A " v4},                                                         \
	{                                                                                          \
		name, "AAAA", "", name " 60 AAAA " v6                                              \
	}

static const struct host good_resolver = {
        .rules = {{"test.", "SOA", "", "test. 60 SOA ns1.registry.example. h. 1 60 60 60 4"},
                {"test.", "NS", "",
                        "test. 60 NS ns1.registry.example.|test. 60 NS ns2.registry.example."},
                ADDRESSES("ns1.registry.example.", "192.0.2.1", "2001:db8::1"),
                ADDRESSES("ns2.registry.example.", "192.0.2.2", "2001:db8::2"),
                ADDRESSES("ns1.losing.example.", "192.0.2.11", "2001:db8::11"),
                ADDRESSES("ns2.losing.example.", "192.0.2.12", "2001:db8::12"),
                ADDRESSES("ns1.gaining.example.", "192.0.2.21", "2001:db8::21"),
                ADDRESSES("ns2.gaining.example.", "192.0.2.22", "2001:db8::22"), {"*", "A", ""},
                {"*", "AAAA", ""}}};

struct fixture {
	struct sim *sim;
	struct simdns *dns;
	struct query_engine *engine;
	struct arena *arena;
	struct host resolver, other;
	struct address resolver_at;
	struct technical_options options;
	struct technical_rules rules;
	struct technical_gather *gather;
	const struct technical_facts *facts;
	unsigned calls;
};

static const struct prefix_table *table_of(struct fixture *f, const char *text)
{
	const struct prefix_table *table = NULL;
	assert_int_equal(prefix_table_parse(f->arena, "table", text, strlen(text),
	                         PREFIX_MAY_LACK_LABEL, &table, NULL),
	        RESULT_OK);
	return table;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->arena = arena_new(64u << 20);
	f->sim = sim_new(11, 1800000000000);
	f->dns = simdns_new(f->sim, &simdns_usual);
	f->resolver = good_resolver;
	host_put(f->sim, "198.51.100.53", &f->resolver);
	f->resolver_at = address_of("198.51.100.53");
	f->options.resolvers = &f->resolver_at;
	f->options.resolver_count = 1;
	f->rules = (struct technical_rules){.head_room_s = 7 * 86400, .serial_tolerance = 10};
	f->rules.prohibited = table_of(f, "10.0.0.0/8\n");
	f->rules.networks = table_of(f, "192.0.2.0/24 one\n192.0.2.12/32 two\n192.0.2.22/32 two\n"
	                                "2001:db8::/32 one\n");
	assert_int_equal(
	        query_engine_new(sim_loop(f->sim), sim_random(f->sim), NULL, &f->engine, NULL),
	        RESULT_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	technical_gather_free(f->gather);
	query_engine_free(f->engine);
	simdns_free(f->dns);
	sim_free(f->sim);
	arena_free(f->arena);
	free(f);
	return 0;
}

static void gathered(void *ctx, const struct technical_facts *facts)
{
	struct fixture *f = ctx;
	f->facts = facts;
	f->calls++;
}

static void start(struct fixture *f, const char *zone)
{
	struct error err = {0};
	technical_gather_free(f->gather);
	f->gather = NULL;
	f->calls = 0;
	if (technical_gather_start(sim_loop(f->sim), f->engine, sim_random(f->sim), zone,
	            &f->options, gathered, f, &f->gather, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

static void gather(struct fixture *f, const char *zone)
{
	start(f, zone);
	loop_run(sim_loop(f->sim), TIME_NEVER_MS);
	assert_int_equal(f->calls, 1);
}

static struct technical_result judge(struct fixture *f, const char *check)
{
	struct technical_result result;
	assert_int_equal(technical_judge(f->arena, technical_check_find(check), f->facts, &f->rules,
	                         NULL, &result, NULL),
	        RESULT_OK);
	return result;
}

static void expect(
        struct fixture *f, const char *check, enum technical_verdict verdict, const char *text)
{
	struct technical_result r = judge(f, check);
	if (r.verdict != verdict || strstr(r.text, text) == NULL)
		fail_msg("%s: %s: %s; expected %s: %s", check, technical_verdict_text(r.verdict),
		        r.text, technical_verdict_text(verdict), text);
}

// All checks pass or are skipped, but for those named, which fail.
static void only_these_fail(struct fixture *f, const char *names)
{
	for (size_t i = 0; i < technical_check_count; i++) {
		struct technical_result r = judge(f, technical_checks[i].name);
		bool named = strstr(names, technical_checks[i].name) != NULL;
		if ((r.verdict == TECHNICAL_FAIL) != named || r.verdict == TECHNICAL_WARN)
			fail_msg("%s: %s: %s", technical_checks[i].name,
			        technical_verdict_text(r.verdict), r.text);
	}
}

static struct technical_given given[2], given_glue[2];
static struct address glue[2][2];

static void give_gaining(struct fixture *f, bool with_glue)
{
	static const char *const texts[2][2] = {
	        {"192.0.2.21", "2001:db8::21"}, {"192.0.2.22", "2001:db8::22"}};
	for (int s = 0; s < 2; s++) {
		for (int a = 0; a < 2; a++)
			glue[s][a] = address_of(texts[s][a]);
		given[s] = (struct technical_given){.name = simdns_server(SIMDNS_GAINING, s)};
		given_glue[s] = (struct technical_given){given[s].name, 2, glue[s]};
	}
	f->options.servers = with_glue ? given_glue : given;
	f->options.server_count = 2;
}

static struct dns_ds ds_of(struct fixture *f, int key)
{
	struct dns_name zone;
	struct dns_key *parsed;
	struct dns_ds ds;
	assert_int_equal(dns_name_parse("example.test.", &zone, NULL), RESULT_OK);
	assert_int_equal(
	        dns_key_parse(zone.wire, simdns_key_text(f->dns, key), &parsed, NULL), RESULT_OK);
	assert_int_equal(dns_ds_from_key(parsed, DNS_DIGEST_SHA256, &ds, NULL), RESULT_OK);
	dns_key_unref(parsed);
	return ds;
}

// ---- A delegation as it should be -------------------------------------------------------------

static void test_the_present_delegation(void **state)
{
	struct fixture *f = *state;
	gather(f, "example.test");
	assert_int_equal(f->facts->server_count, 2);
	assert_int_equal(f->facts->ds_count, 1);
	assert_true(f->facts->parent_answered && f->facts->ds_known && !f->facts->servers_given);
	assert_int_equal(f->facts->note_count, 0);
	only_these_fail(f, "");
	expect(f, "reachable", TECHNICAL_PASS, "4 addresses");
	expect(f, "zone-validates", TECHNICAL_PASS, "4 addresses");
	expect(f, "denial-present", TECHNICAL_PASS, "4 addresses");
	expect(f, "network-diversity", TECHNICAL_PASS, "in one and in two");
}

static void test_a_delegation_to_come(void **state)
{
	struct fixture *f = *state;
	struct dns_ds ds = ds_of(f, 2);
	give_gaining(f, false);
	f->options.ds = &ds;
	f->options.ds_count = 1;
	gather(f, "example.test");
	only_these_fail(f, "");
	expect(f, "serial-continuity", TECHNICAL_PASS, "older than 1,");
	assert_int_equal(f->facts->present_count, 2);
	// With glue the same; and then neither parent nor resolver is needed for the rest.
	give_gaining(f, true);
	gather(f, "example.test");
	only_these_fail(f, "");
	f->options.resolver_count = 0;
	gather(f, "example.test");
	only_these_fail(f, "");
	assert_false(f->facts->parent_asked);
	expect(f, "serial-continuity", TECHNICAL_SKIPPED, "no server of a present delegation");
}

static void test_the_parent_given(void **state)
{
	struct fixture *f = *state;
	struct address parents[] = {address_of("192.0.2.2")};
	struct dns_ds ds = ds_of(f, 2);
	give_gaining(f, true);
	f->options.ds = &ds;
	f->options.ds_count = 1;
	f->options.parents = parents;
	f->options.parent_count = 1;
	f->options.resolver_count = 0;
	gather(f, "example.test");
	assert_true(f->facts->parent_answered);
	assert_int_equal(f->facts->present_count, 2);
	only_these_fail(f, "");
	f->options.resolver_count = 1;
	gather(f, "example.test");
	expect(f, "serial-continuity", TECHNICAL_PASS, "older than 1,");
}

// Whoever answers without what was asked for is no help, and it is said how it answers.
static void test_a_parent_that_refuses(void **state)
{
	struct fixture *f = *state;
	struct address parents[] = {address_of("198.51.100.66")};
	give_gaining(f, true);
	f->other = (struct host){0};
	host_put(f->sim, "198.51.100.66", &f->other);
	f->options.parents = parents;
	f->options.parent_count = 1;
	gather(f, "example.test");
	assert_true(f->facts->note_count > 0);
	assert_string_equal(f->facts->notes[0], "asked for the delegation example.test., "
	                                        "198.51.100.66@53 answers REFUSED, without it");
}

// ---- What is wrong ----------------------------------------------------------------------------

static void test_the_old_ds_does_not_fit(void **state)
{
	struct fixture *f = *state;
	give_gaining(f, true);
	gather(f, "example.test");
	only_these_fail(f, "ds-matches-key zone-validates");
	expect(f, "zone-validates", TECHNICAL_FAIL,
	        "ns1.gaining.example. at 192.0.2.21: the DNSKEY set: none of its signers");
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void pass_a_day(struct fixture *f)
{
	struct loop_timer timer = {.fire = nothing};
	loop_timer_start(sim_loop(f->sim), &timer, DAY_MS);
	loop_run(sim_loop(f->sim), TIME_NEVER_MS);
}

static void test_no_ds(void **state)
{
	struct fixture *f = *state;
	simdns_set_ds(f->dns, 0);
	// The parent's second server has not heard of it yet.
	gather(f, "example.test");
	expect(f, "zone-validates", TECHNICAL_PASS, "4 addresses");
	assert_true(f->facts->note_count > 0);
	assert_non_null(strstr(f->facts->notes[0], "different DS sets"));
	pass_a_day(f);
	gather(f, "example.test");
	assert_true(f->facts->ds_known);
	assert_int_equal(f->facts->note_count, 0);
	only_these_fail(f, "");
	expect(f, "ds-acceptable", TECHNICAL_SKIPPED, "the zone is insecure");
	expect(f, "zone-validates", TECHNICAL_SKIPPED, "no DS record");
}

static void test_an_address_is_down(void **state)
{
	struct fixture *f = *state;
	simdns_down(f->dns, SIMDNS_LOSING, 3, true);
	int64_t begin_ms = loop_now_ms(sim_loop(f->sim));
	gather(f, "example.test");
	only_these_fail(f, "reachable");
	expect(f, "reachable", TECHNICAL_FAIL,
	        "ns2.losing.example. at 2001:db8::12: no answer over UDP (timed out)");
	assert_int_equal(judge(f, "reachable").finding_count, 2);
	assert_true(loop_now_ms(sim_loop(f->sim)) - begin_ms < 20 * SECOND_MS);
}

static void test_the_ns_sets_differ(void **state)
{
	struct fixture *f = *state;
	simdns_set_ns(f->dns, SIMDNS_LOSING, 1u << SIMDNS_LOSING | 1u << SIMDNS_GAINING);
	gather(f, "example.test");
	// The second server has not heard of it yet.
	only_these_fail(f, "delegation-equals-zone consistent");
	expect(f, "delegation-equals-zone", TECHNICAL_FAIL, "has ns1.gaining.example., too");
}

static void test_a_server_that_does_not_serve(void **state)
{
	struct fixture *f = *state;
	simdns_delay(f->dns, SIMDNS_LOSING, 2, 0);
	simdns_delay(f->dns, SIMDNS_LOSING, 3, 0);
	simdns_set_serving(f->dns, SIMDNS_LOSING, false);
	gather(f, "example.test");
	expect(f, "reachable", TECHNICAL_PASS, "4 addresses");
	expect(f, "authoritative", TECHNICAL_FAIL, "is an error (REFUSED)");
	expect(f, "delegation-equals-zone", TECHNICAL_FAIL, "no NS set in the answer");
}

static void test_answers_from_elsewhere(void **state)
{
	struct fixture *f = *state;
	// Another answer with its right ID comes before each of them, from another address.
	f->other = (struct host){.rules = {{"*", "*", "aa forged"}}};
	host_put(f->sim, "192.0.2.11", &f->other);
	gather(f, "example.test");
	expect(f, "source-address", TECHNICAL_FAIL, "ns1.losing.example. at 192.0.2.11: ");
	assert_int_equal(judge(f, "source-address").finding_count, 1);
	expect(f, "authoritative", TECHNICAL_FAIL, "there is no SOA record");
}

static void test_a_server_that_resolves(void **state)
{
	struct fixture *f = *state;
	f->other = (struct host){
	        .rules = {{"iana.org.", "NS", "", "iana.org. 60 NS a.iana-servers.net."},
	                {"*", "*", "aa"}}};
	host_put(f->sim, "192.0.2.12", &f->other);
	gather(f, "example.test");
	expect(f, "no-open-recursion", TECHNICAL_FAIL,
	        "ns2.losing.example. at 192.0.2.12: a foreign name is resolved");
}

static void test_an_alias_is_no_name_server(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"ns2.gaining.example.", "A", "",
	                                 "ns2.gaining.example. 60 CNAME x.example.|"
	                                 "x.example. 60 A 192.0.2.22"});
	give_gaining(f, true);
	gather(f, "example.test");
	expect(f, "valid-hostnames", TECHNICAL_FAIL, "ns2.gaining.example.: the name is an alias");
}

static void test_no_delegation(void **state)
{
	struct fixture *f = *state;
	gather(f, "nowhere.test");
	assert_true(f->facts->parent_answered);
	assert_int_equal(f->facts->server_count, 0);
	expect(f, "reachable", TECHNICAL_FAIL, "there is no delegation");
	expect(f, "two-name-servers", TECHNICAL_FAIL, "has 0");
	// Nobody who could know.
	f->options.resolver_count = 0;
	gather(f, "nowhere.test");
	assert_false(f->facts->parent_answered);
}

// ---- Glue -------------------------------------------------------------------------------------

// Two servers whose names are in the zone; the parent's glue of the second is old.
static void test_glue_that_is_old(void **state)
{
	struct fixture *f = *state;
	static const char set[] = "sub.test. 60 NS ns1.sub.test.|sub.test. 60 NS ns2.sub.test.";
	struct host parent = {.rules = {{"test.", "SOA", "aa", "test. 9 SOA a. h. 1 60 60 60 4"},
	                              {"test.", "NS", "aa", "test. 60 NS ns1.registry.example."},
	                              {"sub.test.", "NS", "", .authority = set,
	                                      .additional = "ns1.sub.test. 60 A 192.0.2.41|"
	                                                    "ns2.sub.test. 60 A 192.0.2.43|"
	                                                    "evil.example. 60 A 192.0.2.66"},
	                              {"sub.test.", "DS", "aa", .authority = ""}}};
	struct host child = {
	        .rules = {{"sub.test.", "SOA", "aa", "sub.test. 60 SOA a. h. 7 1 1 1 1"},
	                {"sub.test.", "NS", "aa", set},
	                {"ns1.sub.test.", "A", "aa", "ns1.sub.test. 60 A 192.0.2.41"},
	                {"ns2.sub.test.", "A", "aa", "ns2.sub.test. 60 A 192.0.2.42"},
	                {"sub.test.", "*", "aa"}, {"ns1.sub.test.", "AAAA", "aa"},
	                {"ns2.sub.test.", "AAAA", "aa"}, {"*", "A", "aa nxdomain"}}};
	static const char *const parents[] = {
	        "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"};
	for (size_t i = 0; i < 4; i++)
		host_put(f->sim, parents[i], &parent);
	host_put(f->sim, "192.0.2.41", &child);
	host_put(f->sim, "192.0.2.43", &child);
	gather(f, "sub.test");
	assert_int_equal(f->facts->server_count, 2);
	only_these_fail(f, "glue-equals-zone network-diversity");
	expect(f, "glue-equals-zone", TECHNICAL_FAIL,
	        "ns2.sub.test.: the delegation has 192.0.2.43, and 192.0.2.41 says 192.0.2.42");
	assert_int_equal(judge(f, "glue-equals-zone").finding_count, 2); // both servers say so
}

// ---- Bad words, and the end before the end ------------------------------------------------------

static void test_words_that_cannot_be_used(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct technical_given bad = {.name = "a..b"};
	assert_int_equal(technical_gather_start(sim_loop(f->sim), f->engine, sim_random(f->sim),
	                         "..", &f->options, gathered, f, &f->gather, &err),
	        RESULT_INPUT);
	f->options.servers = &bad;
	f->options.server_count = 1;
	assert_int_equal(technical_gather_start(sim_loop(f->sim), f->engine, sim_random(f->sim),
	                         "example.test", &f->options, gathered, f, &f->gather, &err),
	        RESULT_INPUT);
	assert_null(f->gather);
}

static void test_it_can_be_ended_at_any_time(void **state)
{
	struct fixture *f = *state;
	for (int64_t after_ms = 0; after_ms < 400; after_ms += 20) {
		start(f, "example.test");
		loop_run(sim_loop(f->sim), loop_now_ms(sim_loop(f->sim)) + after_ms);
	}
	technical_gather_free(f->gather);
	f->gather = NULL;
	loop_run(sim_loop(f->sim), TIME_NEVER_MS);
}

// The root has no parent, and no name is foreign to it.
static void test_the_root(void **state)
{
	struct fixture *f = *state;
	give_gaining(f, true);
	gather(f, ".");
	assert_false(f->facts->parent_asked);
	expect(f, "no-open-recursion", TECHNICAL_SKIPPED, "no address answered");
	expect(f, "authoritative", TECHNICAL_FAIL, "REFUSED");
	expect(f, "referral-size", TECHNICAL_PASS, "octets");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        CASE(test_the_present_delegation),
	        CASE(test_a_delegation_to_come),
	        CASE(test_the_parent_given),
	        CASE(test_a_parent_that_refuses),
	        CASE(test_the_old_ds_does_not_fit),
	        CASE(test_no_ds),
	        CASE(test_an_address_is_down),
	        CASE(test_the_ns_sets_differ),
	        CASE(test_a_server_that_does_not_serve),
	        CASE(test_answers_from_elsewhere),
	        CASE(test_a_server_that_resolves),
	        CASE(test_an_alias_is_no_name_server),
	        CASE(test_no_delegation),
	        CASE(test_glue_that_is_old),
	        CASE(test_words_that_cannot_be_used),
	        CASE(test_it_can_be_ended_at_any_time),
	        CASE(test_the_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
