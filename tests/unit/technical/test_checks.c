// The checks of names, addresses, NS sets and serial numbers: each of them on a delegation that is
// good, and on what is wrong.
#include <stdio.h>
#include <string.h>

#include "support.h"

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

static void test_a_good_delegation_passes_all_checks(void **state)
{
	struct world *w = *state;
	for (size_t i = 0; i < technical_check_count; i++) {
		struct technical_result r = world_judge(w, technical_checks[i].name, NULL);
		bool nothing_there = strcmp(technical_checks[i].name, "nsec3-parameters") == 0 ||
		                     strcmp(technical_checks[i].name, "cds-agrees") == 0;
		if (r.verdict != (nothing_there ? TECHNICAL_SKIPPED : TECHNICAL_PASS))
			fail_msg("%s: %s: %s", technical_checks[i].name,
			        technical_verdict_text(r.verdict), r.text);
		assert_true(strlen(r.text) > 10);
	}
}

// Names are words, all different; each check says what it demands and why.
static void test_the_list(void **state)
{
	(void)state;
	assert_int_equal(technical_check_count, 20);
	for (size_t i = 0; i < technical_check_count; i++) {
		const struct technical_check *c = &technical_checks[i];
		assert_int_equal(
		        strspn(c->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(c->name));
		assert_ptr_equal(technical_check_find(c->name), c);
		assert_true(strlen(c->title) > 10 && strlen(c->why) > 20);
	}
	assert_null(technical_check_find("reach"));
}

static void test_two_name_servers(void **state)
{
	struct world *w = *state;
	w->facts.server_count = 1;
	expect(w, "two-name-servers", TECHNICAL_FAIL, "the delegation has 1; expected two");
	w->facts.server_count = 2;
	w->address[1][0].at = w->address[0][0].at;
	expect(w, "two-name-servers", TECHNICAL_FAIL,
	        "ns2.other.test. at 192.0.2.1: ns1.example.test. has the same address");
}

static void test_host_names(void **state)
{
	static const char *const bad[] = {"ns_1.example.test.", "-ns1.example.test.",
	        "ns1-.example.test.", "ns1.example.42.", "n\\032s.example.test."};
	static const char *const good[] = {
	        "1.example.test.", "a--b.example.test.", "42.test.", "n."};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(dns_name_parse(bad[i], &w->server[0].name, NULL), RESULT_OK);
		expect(w, "valid-hostnames", TECHNICAL_FAIL, bad[i]);
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(dns_name_parse(good[i], &w->server[0].name, NULL), RESULT_OK);
		expect(w, "valid-hostnames", TECHNICAL_PASS, "2 names");
	}
	w->server[1].is_alias = true;
	expect(w, "valid-hostnames", TECHNICAL_FAIL, "ns2.other.test.: the name is an alias");
}

static void test_reachable(void **state)
{
	struct world *w = *state;
	struct technical_answer *udp = &w->address[0][1].answer[TECHNICAL_SOA];
	*udp = (struct technical_answer){.asked = true, .status = QUERY_TIMED_OUT};
	expect(w, "reachable", TECHNICAL_FAIL,
	        "ns1.example.test. at 2001:db8:1::1: no answer over UDP (timed out); expected");
	// A truncated answer is one; that TCP failed behind it is the other question's matter.
	udp->truncated = true;
	expect(w, "reachable", TECHNICAL_PASS, "4 addresses");
	w->address[1][0].answer[TECHNICAL_SOA_TCP].status = QUERY_REFUSED;
	expect(w, "reachable", TECHNICAL_FAIL, "198.51.100.2: no answer over TCP");
	w->server[1].address_count = 0;
	expect(w, "reachable", TECHNICAL_FAIL, "ns2.other.test.: no address is known");
}

static void test_authoritative(void **state)
{
	struct world *w = *state;
	world_message(w, 1, 0, TECHNICAL_SOA)->aa = false;
	expect(w, "authoritative", TECHNICAL_FAIL,
	        "ns2.other.test. at 198.51.100.2: over UDP the answer is not authoritative");
	struct dns_message *m = world_message(w, 1, 0, TECHNICAL_SOA);
	m->aa = true;
	m->rcode = DNS_RCODE_REFUSED;
	expect(w, "authoritative", TECHNICAL_FAIL, "is an error (REFUSED)");
	m->rcode = DNS_RCODE_NOERROR;
	m->section[DNS_ANSWER].count = 0;
	expect(w, "authoritative", TECHNICAL_FAIL, "there is no SOA record");
}

static void test_network_diversity(void **state)
{
	struct world *w = *state;
	expect(w, "network-diversity", TECHNICAL_PASS, "in one and in two");
	w->rules.networks = world_table(w, "0.0.0.0/0 all\n::/0 all\n");
	expect(w, "network-diversity", TECHNICAL_FAIL, "all addresses are in all");
	// The longest prefix counts.
	w->rules.networks = world_table(w, "0.0.0.0/0 all\n::/0 all\n198.51.100.0/24 own\n");
	expect(w, "network-diversity", TECHNICAL_PASS, "in all and in own");
	w->rules.networks = world_table(w, "192.0.2.0/24 one\n2001:db8::/32 one\n");
	expect(w, "network-diversity", TECHNICAL_WARN, "is in no network of the table");
	w->rules.networks = NULL;
	expect(w, "network-diversity", TECHNICAL_PASS, "different /24");
	w->address[1][0].at = world_address("192.0.2.99");
	expect(w, "network-diversity", TECHNICAL_PASS, "different /48");
	w->address[1][1].at = world_address("2001:db8:1::99");
	expect(w, "network-diversity", TECHNICAL_WARN, "the same /24 and the same /48");
}

static void test_glue(void **state)
{
	struct world *w = *state;
	w->server[0].said[0].addresses.address[0] = world_address("192.0.2.77");
	expect(w, "glue-equals-zone", TECHNICAL_FAIL,
	        "ns1.example.test.: the delegation has 192.0.2.1, 2001:db8:1::1, and 198.51.100.2 "
	        "says 192.0.2.77, 2001:db8:1::1");
	// Only what was asked for and answered is compared.
	w->server[0].said[0].has_v4 = false;
	expect(w, "glue-equals-zone", TECHNICAL_PASS, "2 name servers");
	w->server[0].said_count = 0;
	w->server[0].looked_up.addresses.count = 0;
	expect(w, "glue-equals-zone", TECHNICAL_FAIL, "no server of the zone says");
	w->server[0].listed.count = 0;
	expect(w, "glue-equals-zone", TECHNICAL_FAIL, "expected glue, for the name is in the zone");
	// Outside the zone resolvers are believed, and glue is not needed.
	w->facts.server = &w->server[1];
	w->facts.server_count = 1;
	w->server[1].looked_up.addresses.count = 1;
	expect(w, "glue-equals-zone", TECHNICAL_FAIL, "198.51.100.53 says 198.51.100.2;");
	w->server[1].listed.count = 0;
	expect(w, "glue-equals-zone", TECHNICAL_SKIPPED, "needs no glue");
}

static void test_delegation(void **state)
{
	struct world *w = *state;
	struct simversion *version = simversion_copy(w->zone, w->version);
	simversion_put(w->zone, version, "example.test.", DNS_TYPE_NS, 3600,
	        (const char *[]){"NS1.example.test.", "ns3.other.test."}, 2);
	world_answer_one(w, &w->address[1][1], TECHNICAL_NS, version);
	struct technical_result r = world_judge(w, "delegation-equals-zone", NULL);
	assert_int_equal(r.verdict, TECHNICAL_FAIL);
	assert_int_equal(r.finding_count, 2);
	assert_string_equal(r.findings[0].seen, "the zone's NS set lacks ns2.other.test.");
	assert_string_equal(r.findings[1].seen, "the zone's NS set has ns3.other.test., too");
	assert_string_equal(r.findings[1].server, "ns2.other.test.");
	assert_string_equal(r.findings[1].address, "2001:db8:2::2");
	expect(w, "consistent", TECHNICAL_FAIL, "the NS set differs from that of 192.0.2.1");
}

static void test_serials_near_one_another(void **state)
{
	struct world *w = *state;
	world_answer(w, &w->address[0][1], world_serial(w, 1010));
	expect(w, "consistent", TECHNICAL_PASS, "near 1000");
	world_answer(w, &w->address[0][1], world_serial(w, 1011));
	expect(w, "consistent", TECHNICAL_FAIL,
	        "the serial number is 1011, that of 192.0.2.1 is 1000; expected serial numbers no "
	        "more than 10 apart");
	// Around the end of the numbers (RFC 1982).
	for (int s = 0; s < SERVERS; s++)
		for (int a = 0; a < ADDRESSES; a++)
			world_answer(
			        w, &w->address[s][a], world_serial(w, a == 0 ? 3 : UINT32_MAX));
	expect(w, "consistent", TECHNICAL_PASS, "near 3");
}

static void test_other_soa_fields_warn(void **state)
{
	struct world *w = *state;
	struct simversion *version = simversion_copy(w->zone, w->version);
	simversion_put(w->zone, version, "example.test.", DNS_TYPE_SOA, 300,
	        (const char *[]){"ns2.example.test. h.example.test. 1000 3600 600 864000 300"}, 1);
	world_answer(w, &w->address[1][0], version);
	expect(w, "consistent", TECHNICAL_WARN, "the SOA record differs from that of 192.0.2.1");
}

static void test_serials_do_not_go_back(void **state)
{
	struct world *w = *state;
	world_answer_one(w, &w->present_address, TECHNICAL_SOA, world_serial(w, 1010));
	expect(w, "serial-continuity", TECHNICAL_PASS, "older than 1010");
	world_answer_one(w, &w->present_address, TECHNICAL_SOA, world_serial(w, 1011));
	expect(w, "serial-continuity", TECHNICAL_FAIL,
	        "the serial number is 1000; expected no older than 1011, which 203.0.113.9 serves");
	world_answer_one(w, &w->present_address, TECHNICAL_SOA, world_serial(w, 4000000000u));
	expect(w, "serial-continuity", TECHNICAL_PASS, "older than 4000000000");
	// Exactly opposite there is no order (RFC 1982 3.2).
	world_answer_one(
	        w, &w->present_address, TECHNICAL_SOA, world_serial(w, 1000u + 0x80000000u));
	expect(w, "serial-continuity", TECHNICAL_FAIL, "is 1000");
	w->facts.present_count = 0;
	expect(w, "serial-continuity", TECHNICAL_SKIPPED, "no server of a present delegation");
	w->facts.servers_given = false;
	expect(w, "serial-continuity", TECHNICAL_SKIPPED, "is the present one");
}

// 12 + 255 + 4; for each NS record 12 and what of the name is not there yet.
static void test_referral_size(void **state)
{
	struct world *w = *state;
	enum { QUESTION = 271, RECORD = 12, A = 16, AAAA = 28 };
	static struct technical_server many[16];
	// "ns1" and a pointer to the zone; "ns2", "other" and a pointer to test.
	assert_int_equal(technical_referral_octets(&w->facts),
	        QUESTION + RECORD + 4 + 2 + RECORD + 4 + 6 + 2 + A + AAAA);
	// With a name outside the parent zone no glue is needed, not even of the other.
	assert_int_equal(dns_name_parse("ns2.other.example.", &w->server[1].name, NULL), RESULT_OK);
	assert_int_equal(technical_referral_octets(&w->facts),
	        QUESTION + RECORD + 4 + 2 + RECORD + 4 + 6 + 8 + 1);
	// ... but where that one has no IPv6 address, all that have one are inside.
	w->server[1].address_count = 1;
	assert_int_equal(technical_referral_octets(&w->facts),
	        QUESTION + RECORD + 4 + 2 + RECORD + 4 + 6 + 8 + 1 + AAAA);
	for (int i = 0; i < 16; i++) {
		char name[40];
		snprintf(name, sizeof name, "%c.nic.example.test.", 'a' + i);
		assert_int_equal(dns_name_parse(name, &many[i].name, NULL), RESULT_OK);
	}
	w->facts.server = many;
	// The first name brings "nic", the others point to it. 13 fit, 16 would not with long ones.
	w->facts.server_count = 13;
	assert_int_equal(technical_referral_octets(&w->facts),
	        QUESTION + RECORD + 2 + 4 + 2 + 12 * (RECORD + 2 + 2) + A);
	expect(w, "referral-size", TECHNICAL_PASS, "takes 499 octets");
	w->facts.server_count = 14;
	expect(w, "referral-size", TECHNICAL_FAIL, "takes 515 octets");
}

static void test_prohibited_networks(void **state)
{
	struct world *w = *state;
	w->rules.prohibited = prefix_table_special(w->arena);
	expect(w, "prohibited-networks", TECHNICAL_FAIL,
	        "ns1.example.test. at 192.0.2.1: it is in 192.0.2.0/24 (documentation)");
	w->rules.prohibited = world_table(w, "198.51.100.0/25\n");
	expect(w, "prohibited-networks", TECHNICAL_FAIL, "is in 198.51.100.0/25;");
	w->rules.prohibited = world_table(w, "# none\n");
	expect(w, "prohibited-networks", TECHNICAL_PASS, "4 addresses are in none of 0");
	// Listed, and not asked.
	w->rules.prohibited = world_table(w, "10.0.0.0/8 private use\n");
	w->server[1].listed.address[0] = world_address("10.1.1.1");
	expect(w, "prohibited-networks", TECHNICAL_FAIL, "ns2.other.test. at 10.1.1.1");
}

static void test_open_recursion(void **state)
{
	struct world *w = *state;
	struct dns_message *m = world_message(w, 0, 0, TECHNICAL_FOREIGN);
	m->ra = true;
	expect(w, "no-open-recursion", TECHNICAL_PASS, "4 addresses"); // and refused
	m->rcode = DNS_RCODE_SERVFAIL;
	expect(w, "no-open-recursion", TECHNICAL_FAIL,
	        "ns1.example.test. at 192.0.2.1: recursion is offered (RA) and not refused");
	m->ra = false;
	expect(w, "no-open-recursion", TECHNICAL_PASS, "4 addresses");
	m->rcode = DNS_RCODE_NOERROR;
	world_add(w, m, DNS_ANSWER, "iana.org. 60 NS a.iana-servers.net.");
	expect(w, "no-open-recursion", TECHNICAL_FAIL, "a foreign name is resolved");
	// Somebody may serve that zone, too.
	m->aa = true;
	expect(w, "no-open-recursion", TECHNICAL_PASS, "4 addresses");
}

static void test_source_address(void **state)
{
	struct world *w = *state;
	w->address[1][1].elsewhere = 3;
	expect(w, "source-address", TECHNICAL_FAIL,
	        "ns2.other.test. at 2001:db8:2::2: 3 answers came from another address");
}

static void test_waivers(void **state)
{
	struct world *w = *state;
	struct technical_result r = world_judge(w, "source-address", "not needed");
	assert_int_equal(r.verdict, TECHNICAL_PASS);
	assert_null(r.waiver);
	w->address[1][1].elsewhere = 3;
	r = world_judge(w, "source-address", "a known load balancer");
	assert_int_equal(r.verdict, TECHNICAL_WAIVED);
	assert_string_equal(r.waiver, "a known load balancer");
	assert_int_equal(r.finding_count, 1);
}

static void test_nobody_answers(void **state)
{
	struct world *w = *state;
	for (int s = 0; s < SERVERS; s++)
		for (int a = 0; a < ADDRESSES; a++)
			for (int q = 0; q < TECHNICAL_QUESTIONS; q++)
				w->address[s][a].answer[q] = (struct technical_answer){
				        .asked = true, .status = QUERY_TIMED_OUT};
	expect(w, "reachable", TECHNICAL_FAIL, "(and 7 more)");
	expect(w, "authoritative", TECHNICAL_FAIL, "no address answers");
	expect(w, "zone-validates", TECHNICAL_FAIL, "no address answered");
	expect(w, "ds-matches-key", TECHNICAL_FAIL, "no address answered");
	expect(w, "consistent", TECHNICAL_SKIPPED, "no address gave");
	expect(w, "denial-present", TECHNICAL_SKIPPED, "no address gave");
	expect(w, "signature-head-room", TECHNICAL_SKIPPED, "no signature");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
	        CASE(test_a_good_delegation_passes_all_checks),
	        CASE(test_the_list),
	        CASE(test_two_name_servers),
	        CASE(test_host_names),
	        CASE(test_reachable),
	        CASE(test_authoritative),
	        CASE(test_network_diversity),
	        CASE(test_glue),
	        CASE(test_delegation),
	        CASE(test_serials_near_one_another),
	        CASE(test_other_soa_fields_warn),
	        CASE(test_serials_do_not_go_back),
	        CASE(test_referral_size),
	        CASE(test_prohibited_networks),
	        CASE(test_open_recursion),
	        CASE(test_source_address),
	        CASE(test_waivers),
	        CASE(test_nobody_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
