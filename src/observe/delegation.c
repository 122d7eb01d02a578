// Which groups an NS set names.
//
// A name server is found by its name; where two groups have one of the same name (an operator that
// keeps its names and changes the addresses behind them) by the addresses that came with the set.
// Addresses are compared without ports, which the DNS does not tell.
#include "observe/interpret.h"

struct addresses {
	size_t count;
	struct address address[4 * OBSERVE_MAX_ADDRESSES];
	uint32_t ttl_s;
};

uint32_t delegation_groups_at(const struct observe_subject *subject, const struct address *address)
{
	uint32_t groups = 0;
	for (size_t p = 1; p < subject->publisher_count; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++) {
			const struct observe_server *server = &subject->publishers[p].servers[s];
			for (size_t a = 0; a < server->address_count; a++)
				if (address_equal_ip(&server->addresses[a], address))
					groups |= UINT32_C(1) << p;
		}
	return groups;
}

static uint32_t groups_named(const struct observe_subject *subject, const uint8_t *name)
{
	uint32_t groups = 0;
	for (size_t p = 1; p < subject->publisher_count; p++)
		for (size_t s = 0; s < subject->publishers[p].server_count; s++)
			if (dns_name_equal(subject->publishers[p].servers[s].name.wire, name))
				groups |= UINT32_C(1) << p;
	return groups;
}

static void addresses_of_set(
        const struct dns_rrset *set, const uint8_t *name, struct addresses *out)
{
	size_t length = set->type == DNS_TYPE_A ? 4 : set->type == DNS_TYPE_AAAA ? 16 : 0;
	if (length == 0 || set->rclass != DNS_CLASS_IN || set->count == 0 ||
	        !dns_name_equal(set->owner, name))
		return;
	if (set->ttl_max_s > out->ttl_s)
		out->ttl_s = set->ttl_max_s;
	for (size_t i = 0; i < set->count; i++)
		if (set->rdata[i].length == length &&
		        out->count < sizeof out->address / sizeof out->address[0])
			out->address[out->count++] =
			        address_from_octets(set->rdata[i].octets, length, 53);
}

static void addresses_of_reply(
        const struct reply *reply, const uint8_t *name, struct addresses *out)
{
	static const enum dns_section sections[] = {DNS_ANSWER, DNS_ADDITIONAL};
	if (reply->message == NULL)
		return;
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < reply->message->section[sections[s]].count; i++)
			addresses_of_set(&reply->message->section[sections[s]].rrset[i], name, out);
}

static void report(struct interpretation *in, const struct reply *reply, const uint8_t *name,
        const struct address *address)
{
	char server[SERVER_TEXT], unknown[DNS_NAME_TEXT], at[ADDRESS_TEXT] = "";
	const struct observe_answer *answer = reply->answer;
	server_text(in->subject, answer->publisher, &answer->server, server);
	dns_name_text(name, unknown);
	if (address != NULL)
		problem_add(in, OBSERVE_GAP_UNKNOWN_SERVER, true, reply,
		        "%.120s gives %.100s the address %s, which belongs to no known group.",
		        server, unknown, address_format_ip(address, at));
	else
		problem_add(in, OBSERVE_GAP_UNKNOWN_SERVER, true, reply,
		        "%.120s names the name server %.100s, which belongs to no known group.",
		        server, unknown);
}

// One name server of the set.
static uint32_t read_one(struct interpretation *in, const struct reply *reply, const uint8_t *name,
        const struct addresses *addresses)
{
	uint32_t by_name = groups_named(in->subject, name), by_address = 0;
	for (size_t i = 0; i < addresses->count; i++) {
		uint32_t at = delegation_groups_at(in->subject, &addresses->address[i]);
		if (at == 0)
			report(in, reply, name, &addresses->address[i]);
		by_address |= at;
	}
	if (by_name == 0 && by_address == 0 && addresses->count == 0)
		report(in, reply, name, NULL);
	// A known name whose addresses did not come along, or some of whose are unknown: all groups
	// that have it.
	return by_address != 0 ? by_address : by_name;
}

void delegation_read(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *ns, const struct reply *glue, size_t glue_count,
        struct observe_content *content)
{
	content->ttl_s = ns->ttl_max_s;
	content->groups = 0;
	for (size_t i = 0; i < ns->count; i++) {
		struct dns_name name, given;
		struct addresses addresses = {0};
		size_t length;
		if (dns_name_check(ns->rdata[i].octets, ns->rdata[i].length, &given, &length,
		            NULL) != RESULT_OK)
			continue;
		// Some servers take over the case of the question, which is random.
		dns_name_lower(&name, given.wire);
		addresses_of_reply(reply, name.wire, &addresses);
		for (size_t g = 0; g < glue_count; g++)
			if (glue[g].answer->question == OBSERVE_ASK_ADDRESS &&
			        glue[g].use == USE_AUTHORITATIVE)
				addresses_of_reply(&glue[g], name.wire, &addresses);
		content->groups |= read_one(in, reply, name.wire, &addresses);
		if (addresses.ttl_s > content->ttl_s)
			content->ttl_s = addresses.ttl_s;
	}
}
