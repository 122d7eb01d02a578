// Who has to be asked about a zone: found with the help of resolvers and parents that tell the
// truth, and of some that do not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answers.h"
#include "observe/discover.h"

struct fixture {
	struct sim *sim;
	struct loop *loop;
	struct query_engine *engine;
	struct host resolver, other_resolver, parent, parent2, child, child2;
	struct address resolvers[2];
	struct discover_options options;
	struct discover *discover;
	unsigned calls;
	struct discover_found found; // as it came; the notes in one text below
	char notes[4096];
	int64_t took_ms;
};

#define ADDRESSES(name, v4, v6)                                                                    \
	{name, "A", "", name " 60 A " v4},                                                         \
	{                                                                                          \
		name, "AAAA", "", name " 60 AAAA " v6                                              \
	}

static const struct host good_resolver = {
        .rules = {{"test.", "SOA", "", "test. 60 SOA ns1.nic.test. h. 1 60 60 60 4"},
                {"test.", "NS", "", "test. 60 NS ns1.nic.test.|test. 60 NS ns2.nic.test."},
                ADDRESSES("ns1.nic.test.", "198.51.100.11", "2001:db8:2::1"),
                ADDRESSES("ns2.nic.test.", "198.51.100.12", "2001:db8:2::2"),
                ADDRESSES("ns1.losing.test.", "192.0.2.11", "2001:db8:a::1"),
                ADDRESSES("ns2.losing.test.", "192.0.2.12", "2001:db8:a::2"),
                {"sub.example.test.", "SOA", "",
                        .authority = "example.test. 60 SOA a. b. 1 1 1 1 1"},
                {"example.test.", "SOA", "", "example.test. 60 SOA a. b. 1 1 1 1 1"},
                {"*", "A", ""}, {"*", "AAAA", ""}}};

#define DELEGATION "example.test. 7 NS ns1.losing.test.|example.test. 7 NS ns2.losing.test."

static const struct host good_parent = {
        .rules = {{"test.", "SOA", "aa", "test. 9 SOA ns1.nic.test. h. 1 60 60 60 4"},
                {"test.", "NS", "aa", "test. 60 NS ns1.nic.test.|test. 60 NS ns2.nic.test."},
                {"example.test.", "NS", "", .authority = DELEGATION,
                        .additional = "ns1.losing.test. 7 A 192.0.2.11"}}};

static const struct host good_child = {.rules = {{"example.test.", "NS", "aa", DELEGATION}}};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	f->sim = sim_new(7, 1800000000000);
	f->loop = sim_loop(f->sim);
	assert_int_equal(
	        query_engine_new(f->loop, sim_random(f->sim), NULL, &f->engine, NULL), RESULT_OK);
	f->resolver = f->other_resolver = good_resolver;
	f->parent = f->parent2 = good_parent;
	f->child = f->child2 = good_child;
	host_put(f->sim, "198.51.100.53", &f->resolver);
	host_put(f->sim, "198.51.100.54", &f->other_resolver);
	host_put(f->sim, "198.51.100.11", &f->parent);
	host_put(f->sim, "2001:db8:2::1", &f->parent);
	host_put(f->sim, "198.51.100.12", &f->parent2);
	host_put(f->sim, "2001:db8:2::2", &f->parent2);
	host_put(f->sim, "192.0.2.11", &f->child);
	host_put(f->sim, "2001:db8:a::1", &f->child);
	host_put(f->sim, "192.0.2.12", &f->child2);
	host_put(f->sim, "2001:db8:a::2", &f->child2);
	f->resolvers[0] = address_of("198.51.100.53");
	f->resolvers[1] = address_of("198.51.100.54");
	f->options = (struct discover_options){.resolvers = f->resolvers, .resolver_count = 1};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	discover_free(f->discover);
	observe_subject_free(f->found.subject);
	query_engine_free(f->engine);
	sim_free(f->sim);
	free(f);
	return 0;
}

static void found(void *ctx, const struct discover_found *result)
{
	struct fixture *f = ctx;
	f->calls++;
	f->found = *result;
	f->notes[0] = '\0';
	for (size_t i = 0; i < result->note_count; i++)
		snprintf(f->notes + strlen(f->notes), sizeof f->notes - strlen(f->notes), "%s\n",
		        result->notes[i]);
	f->took_ms = loop_now_ms(f->loop);
}

static enum result discover(struct fixture *f, const char *zone)
{
	struct error err = {0};
	if (discover_start(f->loop, f->engine, zone, &f->options, found, f, &f->discover, &err) !=
	        RESULT_OK)
		fail_msg("%s", err.text);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->calls, 1);
	assert_true((f->found.result == RESULT_OK) == (f->found.subject != NULL));
	assert_true((f->found.result == RESULT_OK) == (f->found.error.text[0] == '\0'));
	return f->found.result;
}

// "ns1.losing.test. 192.0.2.11 2001:db8:a::1; …", in the order of names.
static const char *servers_of(const struct fixture *f, int publisher)
{
	static char text[8192];
	const struct observe_publisher *p = &f->found.subject->publishers[publisher];
	const struct dns_name *last = NULL;
	text[0] = '\0';
	for (size_t n = 0; n < p->server_count; n++) {
		const struct observe_server *next = NULL;
		for (size_t s = 0; s < p->server_count; s++)
			if ((last == NULL ||
			            dns_name_compare(p->servers[s].name.wire, last->wire) > 0) &&
			        (next == NULL || dns_name_compare(p->servers[s].name.wire,
			                                 next->name.wire) < 0))
				next = &p->servers[s];
		char name[DNS_NAME_TEXT], address[ADDRESS_TEXT];
		sprintf(text + strlen(text), "%s%s", n > 0 ? "; " : "",
		        dns_name_text(next->name.wire, name));
		for (size_t a = 0; a < next->address_count; a++)
			sprintf(text + strlen(text), " %s",
			        address_format_ip(&next->addresses[a], address));
		last = &next->name;
	}
	return text;
}

#define PARENT                                                                                     \
	"ns1.nic.test. 198.51.100.11 2001:db8:2::1; ns2.nic.test. 198.51.100.12 2001:db8:2::2"
#define CHILD "ns1.losing.test. 192.0.2.11 2001:db8:a::1; ns2.losing.test. 192.0.2.12 2001:db8:a::2"

// ---- What there is --------------------------------------------------------------------------

static void test_parent_and_child_with_all_addresses(void **state)
{
	struct fixture *f = *state;
	char name[DNS_NAME_TEXT];
	assert_int_equal(discover(f, "Example.TEST"), RESULT_OK);
	assert_string_equal(dns_name_text(f->found.subject->zone.wire, name), "example.test.");
	assert_string_equal(dns_name_text(f->found.subject->parent_zone.wire, name), "test.");
	assert_int_equal(f->found.subject->publisher_count, 2);
	assert_string_equal(servers_of(f, 0), PARENT);
	assert_string_equal(servers_of(f, 1), CHILD);
	assert_string_equal(f->found.subject->publishers[1].name, "child");
	assert_string_equal(f->notes, "");
	// The smaller of the SOA record's TTL and its minimum.
	assert_int_equal(f->found.negative_ttl_s, 4);
	assert_true(f->parent.asked > 0 && f->parent2.asked > 0);
	assert_true(f->child.asked == 2 && f->child2.asked == 2);
}

static void test_servers_that_only_one_side_names(void **state)
{
	struct fixture *f = *state;
	struct host third = good_child;
	// One server of the child names a third one, which names a fourth.
	host_first(&f->child2, (struct rule){"example.test.", "NS", "aa",
	                               DELEGATION "|example.test. 9 NS ns3.losing.test."});
	host_first(&third,
	        (struct rule){"example.test.", "NS", "aa", "example.test. 9 NS ns4.losing.test."});
	host_first(&f->resolver,
	        (struct rule){"ns3.losing.test.", "A", "", "ns3.losing.test. 9 A 192.0.2.13"});
	host_first(&f->resolver,
	        (struct rule){"ns4.losing.test.", "A", "", "ns4.losing.test. 9 A 192.0.2.14"});
	host_put(f->sim, "192.0.2.13", &third);
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1),
	        CHILD "; ns3.losing.test. 192.0.2.13; ns4.losing.test. 192.0.2.14");
}

static void test_parents_servers_disagree(void **state)
{
	struct fixture *f = *state;
	host_first(&f->parent2, (struct rule){"example.test.", "NS", "",
	                                .authority = "example.test. 7 NS ns5.losing.test.",
	                                .additional = "ns5.losing.test. 7 A 192.0.2.15"});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1), CHILD "; ns5.losing.test. 192.0.2.15");
}

static void test_parent_is_further_up(void **state)
{
	struct fixture *f = *state;
	char name[DNS_NAME_TEXT];
	host_first(&f->resolver, (struct rule){"deep.sub.example.test.", "SOA", "nxdomain"});
	host_first(&f->resolver,
	        (struct rule){"example.test.", "NS", "", "example.test. 60 NS ns1.losing.test."});
	host_first(
	        &f->child, (struct rule){"x.deep.sub.example.test.", "NS", "",
	                           .authority = "x.deep.sub.example.test. 60 NS ns2.losing.test."});
	host_first(&f->child, (struct rule){"example.test.", "SOA", "aa",
	                              "example.test. 60 SOA a. b. 1 1 1 1 30"});
	host_first(&f->child2, (struct rule){"x.deep.sub.example.test.", "NS", "aa",
	                               "x.deep.sub.example.test. 60 NS ns2.losing.test."});
	assert_int_equal(discover(f, "x.deep.sub.example.test"), RESULT_OK);
	assert_string_equal(
	        dns_name_text(f->found.subject->parent_zone.wire, name), "example.test.");
	assert_string_equal(servers_of(f, 1), "ns2.losing.test. 192.0.2.12 2001:db8:a::2");
}

static void test_parent_that_serves_the_child(void **state)
{
	struct fixture *f = *state;
	host_first(&f->parent, (struct rule){"example.test.", "NS", "aa", DELEGATION});
	host_first(&f->parent2, (struct rule){"example.test.", "NS", "aa", DELEGATION});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1), CHILD);
}

// ---- What is given --------------------------------------------------------------------------

static void test_given_servers_are_not_looked_for(void **state)
{
	struct fixture *f = *state;
	struct discover_given given[] = {{"parent", NULL, address_of("198.51.100.11")},
	        {"losing", "ns1.losing.test", address_of("192.0.2.11")},
	        {"gaining", "ns1.gaining.test", address_of("192.0.2.21@5353")}};
	char name[DNS_NAME_TEXT], address[ADDRESS_TEXT];
	f->options = (struct discover_options){.given = given, .given_count = 3};
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_int_equal(f->resolver.asked, 0);
	assert_int_equal(f->child.asked, 0);
	assert_string_equal(dns_name_text(f->found.subject->parent_zone.wire, name), "test.");
	assert_int_equal(f->found.subject->publisher_count, 3);
	assert_string_equal(servers_of(f, 0), "unnamed-1.invalid. 198.51.100.11");
	assert_string_equal(servers_of(f, 1), "ns1.losing.test. 192.0.2.11");
	assert_string_equal(servers_of(f, 2), "ns1.gaining.test. 192.0.2.21");
	address_format(&f->found.subject->publishers[2].servers[0].addresses[0], address);
	assert_string_equal(address, "192.0.2.21@5353");
	assert_int_equal(f->found.negative_ttl_s, 4);
}

static void test_names_of_given_servers_come_from_the_ns_sets(void **state)
{
	struct fixture *f = *state;
	struct discover_given given[] = {{"parent", "ns1.nic.test", address_of("198.51.100.11")},
	        {"losing", NULL, address_of("192.0.2.11")},
	        {"losing", NULL, address_of("192.0.2.99")}};
	f->options = (struct discover_options){.given = given, .given_count = 3};
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), "ns1.nic.test. 198.51.100.11");
	assert_string_equal(
	        servers_of(f, 1), "unnamed-2.invalid. 192.0.2.99; ns1.losing.test. 192.0.2.11");
}

static void test_only_the_child_is_given(void **state)
{
	struct fixture *f = *state;
	struct discover_given given[] = {{"losing", "ns1.losing.test", address_of("192.0.2.11")}};
	f->options.given = given;
	f->options.given_count = 1;
	// The parent has no such delegation (yet); that is no obstacle then.
	host_first(&f->parent, (struct rule){"example.test.", "NS", "aa nxdomain"});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), PARENT);
	assert_string_equal(servers_of(f, 1), "ns1.losing.test. 192.0.2.11");
}

static void test_only_the_parent_is_given(void **state)
{
	struct fixture *f = *state;
	struct discover_given given[] = {{"parent", "ns1.nic.test", address_of("198.51.100.11")}};
	f->options.given = given;
	f->options.given_count = 1;
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), "ns1.nic.test. 198.51.100.11");
	assert_string_equal(servers_of(f, 1), CHILD);
	assert_int_equal(f->parent2.asked, 0);
}

static void test_a_given_parent_that_is_dark(void **state)
{
	struct fixture *f = *state;
	struct discover_given given[] = {{"parent", "ns1.nic.test", address_of("203.0.113.1")},
	        {"losing", "ns1.losing.test", address_of("192.0.2.11")}};
	char name[DNS_NAME_TEXT];
	f->options = (struct discover_options){.given = given, .given_count = 2};
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(dns_name_text(f->found.subject->parent_zone.wire, name), "test.");
	assert_non_null(strstr(f->notes, "no given server of the parent says which zone it is"));
}

// ---- Hostile, broken, missing ---------------------------------------------------------------

static void test_forged_answers(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"test.", "NS", "forged",
	                                 "test. 60 NS ns1.nic.test.|test. 60 NS ns2.nic.test."});
	host_first(&f->parent,
	        (struct rule){"example.test.", "NS", "forged", .authority = DELEGATION});
	host_first(&f->child, (struct rule){"example.test.", "NS", "aa forged", DELEGATION});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), PARENT);
	assert_string_equal(servers_of(f, 1), CHILD);
}

static void test_aliases_are_no_name_servers(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"ns2.losing.test.", "*", "",
	                                 "ns2.losing.test. 60 CNAME www.elsewhere.test.|"
	                                 "www.elsewhere.test. 60 CNAME ns2.losing.test.|"
	                                 "www.elsewhere.test. 60 A 203.0.113.5"});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(
	        servers_of(f, 1), "ns1.losing.test. 192.0.2.11 2001:db8:a::1; ns2.losing.test.");
	assert_non_null(strstr(f->notes, "ns2.losing.test. is an alias"));
	assert_int_equal(f->child2.asked, 0);
}

static void test_alias_instead_of_the_parents_ns_set(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"test.", "NS", "",
	                                 "test. 60 CNAME tset.|tset. 60 CNAME test.|"
	                                 "tset. 60 NS ns1.nic.test."});
	assert_int_equal(discover(f, "example.test"), RESULT_NETWORK);
	assert_non_null(strstr(f->found.error.text, "parent"));
}

static void many_names(char *text, const char *owner, unsigned count)
{
	text[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		sprintf(text + strlen(text), "%s%s 7 NS ns%u.losing.test.", i > 0 ? "|" : "", owner,
		        i + 1);
}

static void test_huge_ns_sets(void **state)
{
	struct fixture *f = *state;
	static char names[1 << 17];
	many_names(names, "example.test.", 32);
	host_first(&f->parent, (struct rule){"example.test.", "NS", "", .authority = names});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_int_equal(f->found.subject->publishers[1].server_count, 32);
}

static void test_ns_sets_beyond_the_maximum(void **state)
{
	struct fixture *f = *state;
	static char names[1 << 17];
	many_names(names, "example.test.", 1000);
	host_first(&f->parent, (struct rule){"example.test.", "NS", "", .authority = names});
	assert_int_equal(discover(f, "example.test"), RESULT_LIMIT);
	assert_non_null(strstr(f->found.error.text, "more than 32 names"));
	assert_int_equal(f->child.asked, 0);
}

static bool name_one_more(struct host *host, const struct sim_request *request)
{
	char text[100];
	sprintf(text, "example.test. 9 NS ns%u.losing.test.", host->asked + 10);
	struct rule rule = {.how = "aa", .answer = text};
	host_say(request, &rule);
	return true;
}

// Servers that name another one each time they are asked: there is an end.
static void test_servers_without_end(void **state)
{
	struct fixture *f = *state;
	f->child.before = name_one_more;
	host_first(&f->resolver, (struct rule){"*", "A", "", "x. 1 A 192.0.2.11"});
	host_first(&f->resolver,
	        (struct rule){"ns1.nic.test.", "A", "", "ns1.nic.test. 60 A 198.51.100.11"});
	char text[40][60];
	for (unsigned i = 0; i < 40; i++) {
		// (the address is the same for each)
		static char names[40][30];
		sprintf(names[i], "ns%u.losing.test.", i + 10);
		sprintf(text[i], "ns%u.losing.test. 60 A 192.0.2.11", i + 10);
		if (i < 30)
			host_first(&f->resolver, (struct rule){names[i], "A", "", text[i]});
	}
	assert_int_equal(discover(f, "example.test"), RESULT_LIMIT);
	assert_true(f->child.asked < 100);
}

static void test_too_many_addresses(void **state)
{
	struct fixture *f = *state;
	char text[2000] = "";
	for (int i = 0; i < 17; i++)
		sprintf(text + strlen(text), "%sns1.losing.test. 60 A 203.0.113.%d",
		        i > 0 ? "|" : "", i + 1);
	host_first(&f->resolver, (struct rule){"ns1.losing.test.", "A", "", text});
	assert_int_equal(discover(f, "example.test"), RESULT_LIMIT);
	assert_non_null(strstr(f->found.error.text, "more than 16 addresses"));
}

static void test_addresses_that_are_none_of_a_server(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver,
	        (struct rule){"ns2.losing.test.", "A", "",
	                "ns2.losing.test. 60 A 127.0.0.1|ns2.losing.test. 60 A 0.0.0.0|"
	                "ns2.losing.test. 60 A 224.0.0.1|ns2.losing.test. 60 A 255.255.255.255"});
	host_first(&f->resolver, (struct rule){"ns2.losing.test.", "AAAA", "",
	                                 "ns2.losing.test. 60 AAAA ::1|ns2.losing.test. 60 AAAA ::|"
	                                 "ns2.losing.test. 60 AAAA ff02::1|"
	                                 "ns2.losing.test. 60 AAAA ::ffff:192.0.2.12"});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(
	        servers_of(f, 1), "ns1.losing.test. 192.0.2.11 2001:db8:a::1; ns2.losing.test.");
	assert_non_null(strstr(f->notes, "127.0.0.1 is no address of a name server"));
	assert_non_null(strstr(f->notes, "ff02::1 is no address of a name server"));
}

static void test_glue_for_names_elsewhere(void **state)
{
	struct fixture *f = *state;
	host_first(&f->parent,
	        (struct rule){"example.test.", "NS", "",
	                .authority = DELEGATION "|example.test. 7 NS ns.elsewhere.example.",
	                .additional = "ns.elsewhere.example. 7 A 203.0.113.66|"
	                              "ns9.losing.test. 7 A 203.0.113.67"});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1), "ns.elsewhere.example.; " CHILD);
}

static void test_lame_parents(void **state)
{
	struct fixture *f = *state;
	// One refuses, one refers us upwards.
	memset(&f->parent, 0, sizeof f->parent);
	host_first(&f->parent2,
	        (struct rule){"example.test.", "NS", "", .authority = ". 60 NS a.roots."});
	assert_int_equal(discover(f, "example.test"), RESULT_NETWORK);
	assert_non_null(strstr(f->found.error.text, "198.51.100.1"));
	assert_non_null(strstr(f->found.error.text, "no server of test."));
}

static void test_one_lame_parent_is_noted(void **state)
{
	struct fixture *f = *state;
	memset(&f->parent, 0, sizeof f->parent);
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), PARENT);
	assert_string_equal(servers_of(f, 1), CHILD);
	assert_non_null(strstr(f->notes, "198.51.100.11@53 gives REFUSED"));
}

static void test_no_delegation(void **state)
{
	struct fixture *f = *state;
	struct rule denial = {"example.test.", "NS", "aa nxdomain",
	        .authority = "test. 9 SOA ns1.nic.test. h. 1 60 60 60 4"};
	host_first(&f->parent, denial);
	host_first(&f->parent2, denial);
	assert_int_equal(discover(f, "example.test"), RESULT_NOT_FOUND);
	assert_string_equal(f->found.error.text, "test. has no delegation of example.test.");
}

static void test_empty_answers(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"ns1.losing.test.", "*", ""});
	host_first(&f->resolver, (struct rule){"ns2.losing.test.", "*", ""});
	host_first(&f->parent, (struct rule){"example.test.", "NS", "", .authority = DELEGATION});
	host_first(&f->parent2, (struct rule){"example.test.", "NS", "", .authority = DELEGATION});
	// Names without addresses: the observation will say that they are missing.
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1), "ns1.losing.test.; ns2.losing.test.");
}

static void test_parent_without_addresses(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"ns1.nic.test.", "*", ""});
	host_first(&f->resolver, (struct rule){"ns2.nic.test.", "*", "nxdomain"});
	assert_int_equal(discover(f, "example.test"), RESULT_NETWORK);
	assert_non_null(strstr(f->found.error.text, "no address was found"));
}

static void test_damaged_answers(void **state)
{
	struct fixture *f = *state;
	host_first(&f->parent, (struct rule){"*", "*", "cut", .authority = DELEGATION});
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 1), CHILD);
	assert_true(strlen(f->notes) > 0);
}

static void test_next_resolver_where_one_fails(void **state)
{
	struct fixture *f = *state;
	memset(&f->resolver, 0, sizeof f->resolver);
	host_first(&f->resolver, (struct rule){"*", "*", "servfail"});
	f->options.resolver_count = 2;
	assert_int_equal(discover(f, "example.test"), RESULT_OK);
	assert_string_equal(servers_of(f, 0), PARENT);
	assert_string_equal(servers_of(f, 1), CHILD);
	assert_true(f->other_resolver.asked > 0);
}

// Nobody's answer is no reason to look for the parent further up.
static void test_silent_resolvers(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"*", "*", "silent"});
	host_first(&f->other_resolver, (struct rule){"*", "*", "silent"});
	f->options.resolver_count = 2;
	assert_int_equal(discover(f, "a.b.c.d.example.test"), RESULT_NETWORK);
	assert_true(f->took_ms <= 30000);
	assert_non_null(strstr(f->found.error.text, "the parent of a.b.c.d.example.test."));
}

static void test_deadline(void **state)
{
	struct fixture *f = *state;
	host_first(&f->resolver, (struct rule){"ns1.losing.test.", "*", "silent"});
	f->options.deadline_ms = 2000;
	assert_int_equal(discover(f, "example.test"), RESULT_TIMEOUT);
	assert_int_equal(f->took_ms, 2000);
}

static void test_many_damaged_networks(void **state)
{
	struct sim_link bad = {
	        .delay_ms = 5, .jitter_ms = 50, .loss = 100, .duplicate = 100, .damage = 300};
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct fixture f = {
		        .resolver = good_resolver, .parent = good_parent, .child = good_child};
		struct address resolver = address_of("198.51.100.53");
		f.sim = sim_new(seed, 1800000000000);
		f.loop = sim_loop(f.sim);
		query_engine_new(f.loop, sim_random(f.sim), NULL, &f.engine, NULL);
		host_put_behind(f.sim, "198.51.100.53", &f.resolver, &bad);
		host_put_behind(f.sim, "198.51.100.11", &f.parent, &bad);
		host_put_behind(f.sim, "192.0.2.11", &f.child, &bad);
		f.options = (struct discover_options){.resolvers = &resolver, .resolver_count = 1};
		assert_int_equal(discover_start(f.loop, f.engine, "example.test", &f.options, found,
		                         &f, &f.discover, NULL),
		        RESULT_OK);
		// Stopped at some moment in between, or not at all.
		loop_run(f.loop, (int64_t)seed * 20);
		if (seed % 2 == 0)
			loop_run(f.loop, TIME_NEVER_MS);
		discover_free(f.discover);
		observe_subject_free(f.found.subject);
		loop_run(f.loop, TIME_NEVER_MS);
		assert_true(f.calls <= 1);
		assert_true(seed % 2 == 1 || f.calls == 1);
		query_engine_free(f.engine);
		sim_free(f.sim);
	}
}

// ---- The callers' side ----------------------------------------------------------------------

static void refuse(struct fixture *f, const char *zone, enum result expected, const char *text)
{
	struct error err = {0};
	struct discover *d = NULL;
	assert_int_equal(discover_start(f->loop, f->engine, zone, &f->options, found, f, &d, &err),
	        expected);
	assert_null(d);
	if (strstr(err.text, text) == NULL)
		fail_msg("%s", err.text);
}

static void test_unusable_requests(void **state)
{
	struct fixture *f = *state;
	struct discover_given long_name = {
	        "a-name-of-more-than-thirty-two-characters", NULL, address_of("192.0.2.1")};
	refuse(f, "", RESULT_INPUT, "");
	refuse(f, ".", RESULT_INPUT, "root");
	refuse(f, "a..b", RESULT_INPUT, "");
	f->options.given = &long_name;
	f->options.given_count = 1;
	refuse(f, "example.test", RESULT_INPUT, "too long");
	f->options = (struct discover_options){0};
	refuse(f, "example.test", RESULT_NOT_FOUND, "resolver");
	assert_int_equal(f->calls, 0);
}

static void test_resolv_conf(void **state)
{
	(void)state;
	struct address found_there[3];
	char text[ADDRESS_TEXT];
	assert_int_equal(discover_resolvers("# nameserver 192.0.2.9\n"
	                                    "search example.net\n"
	                                    "nameserver 192.0.2.1\n"
	                                    "nameserver\t2001:db8::1 # comment\r\n"
	                                    "nameserver fe80::1%eth0\n"
	                                    "nameserver 192.0.2.2@99\n"
	                                    "nameservers 192.0.2.3\n"
	                                    " nameserver 192.0.2.4\n"
	                                    "nameserver",
	                         found_there, 3),
	        2);
	assert_string_equal(address_format(&found_there[0], text), "192.0.2.1@53");
	assert_string_equal(address_format(&found_there[1], text), "2001:db8::1@53");
	assert_int_equal(
	        discover_resolvers("nameserver 192.0.2.1\nnameserver 192.0.2.2", found_there, 1),
	        1);
	assert_int_equal(discover_resolvers("", found_there, 3), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_parent_and_child_with_all_addresses),
	        TEST(test_servers_that_only_one_side_names),
	        TEST(test_parents_servers_disagree),
	        TEST(test_parent_is_further_up),
	        TEST(test_parent_that_serves_the_child),
	        TEST(test_given_servers_are_not_looked_for),
	        TEST(test_names_of_given_servers_come_from_the_ns_sets),
	        TEST(test_only_the_child_is_given),
	        TEST(test_only_the_parent_is_given),
	        TEST(test_a_given_parent_that_is_dark),
	        TEST(test_forged_answers),
	        TEST(test_aliases_are_no_name_servers),
	        TEST(test_alias_instead_of_the_parents_ns_set),
	        TEST(test_huge_ns_sets),
	        TEST(test_ns_sets_beyond_the_maximum),
	        TEST(test_servers_without_end),
	        TEST(test_too_many_addresses),
	        TEST(test_addresses_that_are_none_of_a_server),
	        TEST(test_glue_for_names_elsewhere),
	        TEST(test_lame_parents),
	        TEST(test_one_lame_parent_is_noted),
	        TEST(test_no_delegation),
	        TEST(test_empty_answers),
	        TEST(test_parent_without_addresses),
	        TEST(test_damaged_answers),
	        TEST(test_next_resolver_where_one_fails),
	        TEST(test_silent_resolvers),
	        TEST(test_deadline),
	        TEST(test_unusable_requests),
	        cmocka_unit_test(test_many_damaged_networks),
	        cmocka_unit_test(test_resolv_conf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
