// Checks of the delegation itself: names, glue, NS sets, and how large the referral is.
#include "technical/internal.h"

#include <string.h>

// ---- Names ----------------------------------------------------------------------------------

static const struct address *shared_address(
        const struct technical_server *a, const struct technical_server *b)
{
	for (size_t i = 0; i < a->address_count; i++)
		for (size_t k = 0; k < b->address_count; k++)
			if (address_equal_ip(&a->address[i].at, &b->address[k].at))
				return &a->address[i].at;
	return NULL;
}

void check_two_servers(struct technical_judge *j)
{
	const struct technical_facts *f = j->facts;
	if (f->server_count < 2)
		found(j, TECHNICAL_FAIL, NULL, NULL, "two name servers or more",
		        "the delegation has %zu", f->server_count);
	for (size_t i = 0; i < f->server_count; i++)
		for (size_t k = 0; k < i; k++) {
			const struct address *same = shared_address(&f->server[k], &f->server[i]);
			if (same != NULL)
				found(j, TECHNICAL_FAIL, &f->server[i], same,
				        "addresses of its own", "%.255s has the same address",
				        name_of(j, f->server[k].name.wire));
		}
	all_well(j, "there are %zu name servers, and no two share an address", f->server_count);
}

// Letters, digits, and hyphens inside (RFC 952, RFC 1123 2.1).
static bool is_label_of_host(const uint8_t *label)
{
	size_t n = label[0];
	for (size_t i = 1; i <= n; i++) {
		uint8_t c = label[i];
		bool inner = c == '-' && i > 1 && i < n;
		if (!inner && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		        !(c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static bool is_number(const uint8_t *label)
{
	for (size_t i = 1; i <= label[0]; i++)
		if (label[i] < '0' || label[i] > '9')
			return false;
	return true;
}

static const char *no_hostname(const uint8_t *name)
{
	const uint8_t *last = name;
	if (name[0] == 0)
		return "the root is no host name";
	for (const uint8_t *label = name; label[0] != 0; label += 1 + label[0]) {
		if (!is_label_of_host(label))
			return "the name has other characters than letters, digits and inner "
			       "hyphens";
		last = label;
	}
	return is_number(last) ? "the last label is a number, as in an address" : NULL;
}

void check_hostnames(struct technical_judge *j)
{
	for (size_t i = 0; i < j->facts->server_count; i++) {
		const struct technical_server *s = &j->facts->server[i];
		const char *wrong = no_hostname(s->name.wire);
		if (wrong != NULL)
			found(j, TECHNICAL_FAIL, s, NULL, "a host name", "%s", wrong);
		if (s->is_alias)
			found(j, TECHNICAL_FAIL, s, NULL, "a name with addresses of its own",
			        "the name is an alias (CNAME)");
	}
	if (j->facts->server_count == 0)
		skip(j, "there is no name server");
	else
		all_well(j, "%zu names are host names", j->facts->server_count);
}

// ---- Glue -----------------------------------------------------------------------------------

// Whether all addresses of one set are in the other, of the families that were asked for.
static bool all_in(const struct technical_addresses *some, const struct technical_addresses *all,
        const struct technical_said *said)
{
	for (size_t i = 0; i < some->count; i++) {
		bool asked = some->address[i].family == 4 ? said->has_v4 : said->has_v6;
		if (asked && !addresses_have(all, &some->address[i]))
			return false;
	}
	return true;
}

static void compare_glue(struct technical_judge *j, const struct technical_server *s,
        const struct technical_said *said)
{
	char by[ADDRESS_TEXT];
	if (!all_in(&s->listed, &said->addresses, said) ||
	        !all_in(&said->addresses, &s->listed, said))
		found(j, TECHNICAL_FAIL, s, NULL, "the same in both",
		        "the delegation has %.200s, and %s says %.200s",
		        addresses_text(j, &s->listed), address_format_ip(&said->by, by),
		        addresses_text(j, &said->addresses));
}

// How many sources of addresses could be compared.
static size_t judge_glue(struct technical_judge *j, const struct technical_server *s)
{
	bool inside = dns_name_is_subdomain(s->name.wire, j->facts->zone.wire);
	bool looked_up = s->looked_up.addresses.count > 0 ||
	                 (!inside && (s->looked_up.has_v4 || s->looked_up.has_v6));
	if (s->listed.count == 0) {
		if (inside)
			found(j, TECHNICAL_FAIL, s, NULL, "glue, for the name is in the zone",
			        "the delegation has no address of it");
		return 0;
	}
	for (size_t i = 0; i < s->said_count; i++)
		compare_glue(j, s, &s->said[i]);
	// A name below a further delegation, or outside the zone. That resolvers find nothing says
	// nothing of a name in a zone that nobody delegates yet.
	if (s->said_count == 0 && looked_up)
		compare_glue(j, s, &s->looked_up);
	else if (s->said_count == 0 && inside)
		found(j, TECHNICAL_FAIL, s, NULL, "the addresses in authoritative answers",
		        "no server of the zone says which addresses it has");
	return s->said_count > 0 ? s->said_count : looked_up;
}

void check_glue(struct technical_judge *j)
{
	size_t compared = 0, servers = 0;
	for (size_t i = 0; i < j->facts->server_count; i++) {
		size_t one = judge_glue(j, &j->facts->server[i]);
		compared += one;
		servers += one > 0;
	}
	if (compared == 0)
		skip(j, "the delegation needs no glue, and nobody could say otherwise");
	else
		all_well(j, "the addresses of %zu name servers are the same in %zu answers",
		        servers, compared);
}

// ---- NS sets --------------------------------------------------------------------------------

static bool set_has(const struct dns_rrset *set, const uint8_t *name)
{
	for (size_t i = 0; i < set->count; i++) {
		struct dns_name one;
		size_t length;
		if (dns_name_check(set->rdata[i].octets, set->rdata[i].length, &one, &length,
		            NULL) == RESULT_OK &&
		        dns_name_equal(one.wire, name))
			return true;
	}
	return false;
}

static const struct technical_server *server_named(
        const struct technical_facts *facts, const struct dns_rdata *rdata)
{
	struct dns_name name;
	size_t length;
	if (dns_name_check(rdata->octets, rdata->length, &name, &length, NULL) != RESULT_OK)
		return NULL;
	for (size_t i = 0; i < facts->server_count; i++)
		if (dns_name_equal(facts->server[i].name.wire, name.wire))
			return &facts->server[i];
	return NULL;
}

// The name of the one that only one of the two has.
static void compare_ns(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, const struct dns_rrset *set)
{
	for (size_t i = 0; i < j->facts->server_count; i++)
		if (!set_has(set, j->facts->server[i].name.wire))
			found(j, TECHNICAL_FAIL, s, &a->at, "the NS set of the delegation",
			        "the zone's NS set lacks %.255s",
			        name_of(j, j->facts->server[i].name.wire));
	for (size_t i = 0; i < set->count; i++) {
		struct dns_name name;
		size_t length;
		if (server_named(j->facts, &set->rdata[i]) == NULL &&
		        dns_name_check(set->rdata[i].octets, set->rdata[i].length, &name, &length,
		                NULL) == RESULT_OK)
			found(j, TECHNICAL_FAIL, s, &a->at, "the NS set of the delegation",
			        "the zone's NS set has %.255s, too", name_of(j, name.wire));
	}
}

void check_delegation(struct technical_judge *j)
{
	size_t seen = 0;
	EACH_ADDRESS(j->facts)
	{
		const struct technical_answer *answer = &a->answer[TECHNICAL_NS];
		const struct dns_rrset *set = own_set(j->facts, answer, DNS_TYPE_NS);
		if (set != NULL) {
			seen++;
			compare_ns(j, s, a, set);
		} else if (answer->message != NULL) {
			found(j, TECHNICAL_FAIL, s, &a->at, "the zone's NS set",
			        "there is no NS set in the answer");
		}
	}
	if (seen == 0)
		skip(j, "no address gave the zone's NS set");
	else
		all_well(j, "%zu addresses give the NS set of the delegation", seen);
}

// ---- Referral -------------------------------------------------------------------------------

enum { HEADER = 12, FIXED = 10, POINTER = 2, REFERRAL_MAX = 512 };

// Names that were written already, to whose ends others may point. Offsets beyond 16383 do not
// come up: the message would be far too large anyway.
struct names {
	size_t count;
	const uint8_t *name[TECHNICAL_MAX_SERVERS + 1];
};

// Octets of a name that may point to what is there.
static size_t compressed(struct names *names, const uint8_t *name)
{
	size_t octets = 0;
	const uint8_t *rest = name;
	for (; rest[0] != 0; octets += 1u + rest[0], rest += 1 + rest[0]) {
		for (size_t i = 0; i < names->count; i++) {
			size_t have = dns_name_labels(names->name[i]), want = dns_name_labels(rest);
			if (have >= want &&
			        dns_name_equal(dns_name_skip(names->name[i], have - want), rest)) {
				names->name[names->count++] = name;
				return octets + POINTER;
			}
		}
	}
	names->name[names->count++] = name;
	return octets + 1;
}

size_t technical_referral_octets(const struct technical_facts *facts)
{
	struct names names = {.count = 1, .name = {facts->zone.wire}}; // the end of the question's
	size_t octets = HEADER + DNS_NAME_MAX + 4;
	bool all_inside = true, all_inside_v6 = true, any_v6 = false;
	for (size_t i = 0; i < facts->server_count; i++) {
		const struct technical_server *s = &facts->server[i];
		bool inside = dns_name_is_subdomain(s->name.wire, facts->parent.wire), v6 = false;
		for (size_t k = 0; k < s->address_count; k++)
			v6 |= s->address[k].at.family == 6;
		all_inside &= inside;
		any_v6 |= v6;
		all_inside_v6 &= inside || !v6;
		octets += POINTER + FIXED + compressed(&names, s->name.wire);
	}
	if (facts->server_count > 0 && all_inside)
		octets += POINTER + FIXED + 4;
	if (any_v6 && all_inside_v6)
		octets += POINTER + FIXED + 16;
	return octets;
}

void check_referral(struct technical_judge *j)
{
	size_t octets = technical_referral_octets(j->facts);
	if (j->facts->server_count == 0)
		skip(j, "there is no name server");
	else if (octets > REFERRAL_MAX)
		found(j, TECHNICAL_FAIL, NULL, NULL, "512 octets or less",
		        "the referral for the longest name takes %zu octets", octets);
	else
		all_well(j, "the referral for the longest name takes %zu octets", octets);
}
