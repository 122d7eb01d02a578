// Checks of each address: does it answer, as what, from where, and in which network is it?
#include "technical/internal.h"

#include <string.h>

static size_t address_total(const struct technical_facts *facts)
{
	size_t total = 0;
	for (size_t i = 0; i < facts->server_count; i++)
		total += facts->server[i].address_count;
	return total;
}

static void nothing_to_ask(struct technical_judge *j)
{
	const struct technical_facts *f = j->facts;
	for (size_t i = 0; i < f->server_count; i++)
		if (f->server[i].address_count == 0)
			found(j, TECHNICAL_FAIL, &f->server[i], NULL, "an address to ask",
			        "no address is known");
	if (f->server_count == 0)
		found(j, TECHNICAL_FAIL, NULL, NULL, "name servers", "there is no delegation");
}

void check_reachable(struct technical_judge *j)
{
	nothing_to_ask(j);
	EACH_ADDRESS(j->facts)
	{
		const struct technical_answer *udp = &a->answer[TECHNICAL_SOA],
		                              *tcp = &a->answer[TECHNICAL_SOA_TCP];
		// (cut short, so asked again over TCP: something came over UDP)
		bool udp_came = udp->status == QUERY_ANSWERED || udp->truncated;
		if (!udp_came)
			found(j, TECHNICAL_FAIL, s, &a->at, "an answer over UDP and TCP",
			        "no answer over UDP (%s)", query_status_text(udp->status));
		if (tcp->status != QUERY_ANSWERED)
			found(j, TECHNICAL_FAIL, s, &a->at, "an answer over UDP and TCP",
			        "no answer over TCP (%s)", query_status_text(tcp->status));
	}
	all_well(j, "%zu addresses answer over UDP and TCP", address_total(j->facts));
}

// What is wrong with an answer of SOA, NULL where nothing is.
static const char *not_authoritative(
        const struct technical_facts *facts, const struct technical_answer *answer)
{
	const struct dns_message *m = answer->message;
	if (m->rcode != DNS_RCODE_NOERROR)
		return "the answer is an error";
	if (!m->aa)
		return "the answer is not authoritative";
	return own_set(facts, answer, DNS_TYPE_SOA) == NULL ? "there is no SOA record" : NULL;
}

void check_authoritative(struct technical_judge *j)
{
	static const char *const over[] = {"UDP", "TCP"};
	char rcode[DNS_RCODE_TEXT];
	size_t seen = 0;
	EACH_ADDRESS(j->facts)
	for (int t = 0; t < 2; t++) {
		const struct technical_answer *answer =
		        &a->answer[t == 0 ? TECHNICAL_SOA : TECHNICAL_SOA_TCP];
		if (answer->message == NULL)
			continue; // check_reachable says so
		seen++;
		const char *wrong = not_authoritative(j->facts, answer);
		if (wrong != NULL)
			found(j, TECHNICAL_FAIL, s, &a->at,
			        "the zone's SOA record in an authoritative answer",
			        "over %s %s (%s)", over[t], wrong,
			        dns_rcode_text(answer->message->rcode, rcode));
	}
	if (seen == 0 && address_total(j->facts) > 0)
		found(j, TECHNICAL_FAIL, NULL, NULL, "authoritative answers", "no address answers");
	else if (seen == 0)
		skip(j, "no address is known");
	else
		all_well(j, "%zu answers are authoritative", seen);
}

void check_source(struct technical_judge *j)
{
	EACH_ADDRESS(j->facts)
	if (a->elsewhere > 0)
		found(j, TECHNICAL_FAIL, s, &a->at, "answers from the address asked only",
		        "%u answers came from another address", a->elsewhere);
	all_well(j, "no answer came from another address");
}

// It does what it was asked for somebody else's name, or offers to.
static const char *recursion_in(const struct dns_message *m)
{
	bool answers = m->section[DNS_ANSWER].count > 0 && !m->aa;
	if (answers && (m->rcode == DNS_RCODE_NOERROR || m->rcode == DNS_RCODE_NXDOMAIN))
		return "a foreign name is resolved";
	if (m->ra && m->rcode != DNS_RCODE_REFUSED)
		return "recursion is offered (RA) and not refused";
	return NULL;
}

void check_recursion(struct technical_judge *j)
{
	size_t seen = 0;
	EACH_ADDRESS(j->facts)
	{
		const struct dns_message *m = a->answer[TECHNICAL_FOREIGN].message;
		const char *wrong = m != NULL ? recursion_in(m) : NULL;
		seen += m != NULL;
		if (wrong != NULL)
			found(j, TECHNICAL_FAIL, s, &a->at, "a refusal, or a referral", "%s",
			        wrong);
	}
	if (seen == 0)
		skip(j, "no address answered to the question for a foreign name");
	else
		all_well(j, "%zu addresses do not resolve a foreign name", seen);
}

// ---- Networks -------------------------------------------------------------------------------

static void judge_prohibited(
        struct technical_judge *j, const struct technical_server *s, const struct address *address)
{
	char text[PREFIX_TEXT];
	const struct prefix *prefix = prefix_find(j->rules->prohibited, address);
	if (prefix == NULL)
		return;
	found(j, TECHNICAL_FAIL, s, address, "an address that everybody can reach",
	        "it is in %s%s%s%s", prefix_text(prefix, text),
	        prefix->label[0] != '\0' ? " (" : "", prefix->label,
	        prefix->label[0] != '\0' ? ")" : "");
}

void check_prohibited(struct technical_judge *j)
{
	if (address_total(j->facts) == 0) {
		skip(j, "no address is known");
		return;
	}
	EACH_ADDRESS(j->facts)
	judge_prohibited(j, s, &a->at);
	// Those that are listed, but were not asked, are in the delegation all the same.
	for (size_t i = 0; i < j->facts->server_count; i++) {
		const struct technical_server *s = &j->facts->server[i];
		for (size_t k = 0; k < s->listed.count; k++) {
			bool asked = false;
			for (size_t n = 0; n < s->address_count; n++)
				asked |= address_equal_ip(&s->address[n].at, &s->listed.address[k]);
			if (!asked)
				judge_prohibited(j, s, &s->listed.address[k]);
		}
	}
	all_well(j, "%zu addresses are in none of %zu prohibited networks", address_total(j->facts),
	        prefix_table_count(j->rules->prohibited));
}

// Without a table: two addresses of one family that differ in what is announced at the least.
static void judge_prefixes(struct technical_judge *j)
{
	static const unsigned bits[] = {24, 48};
	for (unsigned family = 4; family <= 6; family += 2) {
		struct address first = {0};
		EACH_ADDRESS(j->facts)
		{
			struct address cut = prefix_cut(&a->at, bits[family == 6]);
			if (a->at.family != family)
				continue;
			if (first.family == 0)
				first = cut;
			if (!address_equal_ip(&first, &cut)) {
				all_well(j,
				        "there are addresses in different /%u prefixes (no "
				        "table of networks is given)",
				        bits[family == 6]);
				return;
			}
		}
	}
	found(j, TECHNICAL_WARN, NULL, NULL, "addresses in two networks",
	        "all addresses are in the same /24 and the same /48 (no table of networks is "
	        "given)");
}

static void judge_networks(struct technical_judge *j)
{
	const char *first = NULL, *second = NULL;
	const struct technical_server *unknown = NULL;
	const struct address *unknown_at = NULL;
	EACH_ADDRESS(j->facts)
	{
		const struct prefix *prefix = prefix_find(j->rules->networks, &a->at);
		if (prefix == NULL) {
			unknown = s;
			unknown_at = &a->at;
		} else if (first == NULL) {
			first = prefix->label;
		} else if (second == NULL && strcmp(first, prefix->label) != 0) {
			second = prefix->label;
		}
	}
	if (second != NULL)
		all_well(j, "there are addresses in %s and in %s", first, second);
	else if (unknown != NULL)
		found(j, TECHNICAL_WARN, unknown, unknown_at, "addresses in two networks",
		        "the address is in no network of the table, so it is not known whether it "
		        "is in another than %s",
		        first != NULL ? first : "the others");
	else
		found(j, TECHNICAL_FAIL, NULL, NULL, "addresses in two networks",
		        "all addresses are in %s", first);
}

void check_diversity(struct technical_judge *j)
{
	if (address_total(j->facts) == 0)
		skip(j, "no address is known");
	else if (j->rules->networks == NULL)
		judge_prefixes(j);
	else
		judge_networks(j);
}
