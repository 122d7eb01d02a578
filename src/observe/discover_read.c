// What the answers say.
#include "observe/discover_internal.h"

#include <string.h>

// An NS set of some thousand names would make thousands of questions; 32 is more than any zone
// needs (a referral of 13 fills the classical 512 octets).
static void found_name(struct discover *d, struct found_list *list, const struct dns_rdata *rdata)
{
	struct dns_name given, name;
	size_t length;
	if (dns_name_check(rdata->octets, rdata->length, &given, &length, NULL) != RESULT_OK ||
	        length != rdata->length)
		return;
	dns_name_lower(&name, given.wire);
	for (size_t i = 0; i < list->count; i++)
		if (dns_name_equal(list->servers[i].name.wire, name.wire))
			return;
	if (list->count == OBSERVE_MAX_SERVERS) {
		discover_fail(d, RESULT_LIMIT, "the NS sets of %s have more than %d names in all",
		        list->whose, OBSERVE_MAX_SERVERS);
		return;
	}
	list->servers[list->count++] = (struct found_server){.name = name};
}

static void found_names(struct discover *d, struct found_list *list, const struct dns_rrset *set)
{
	for (size_t i = 0; i < set->count && d->failed == RESULT_OK; i++)
		found_name(d, list, &set->rdata[i]);
}

// Loopback, unspecified, multicast and mapped addresses reach no name server from here, or reach
// something else than the one that is meant.
static bool is_plausible(const struct address *address)
{
	static const uint8_t zero[16], mapped[12] = {[10] = 255, [11] = 255};
	const uint8_t *o = address->octets;
	if (address->family == 4)
		return o[0] != 0 && o[0] != 127 && o[0] < 224;
	return memcmp(o, zero, 15) != 0 && memcmp(o, mapped, sizeof mapped) != 0 && o[0] != 0xff;
}

void found_address(struct discover *d, struct found_server *server, const struct address *address)
{
	char text[ADDRESS_TEXT], name[DNS_NAME_TEXT];
	for (size_t i = 0; i < server->address_count; i++)
		if (address_equal_ip(&server->addresses[i], address))
			return;
	dns_name_text(server->name.wire, name);
	if (!is_plausible(address)) {
		discover_note(d, "%s is no address of a name server; %.200s is not asked there",
		        address_format_ip(address, text), name);
		return;
	}
	if (server->address_count == OBSERVE_MAX_ADDRESSES) {
		discover_fail(d, RESULT_LIMIT, "%.200s has more than %d addresses", name,
		        OBSERVE_MAX_ADDRESSES);
		return;
	}
	server->addresses[server->address_count++] = *address;
}

static void found_addresses(
        struct discover *d, struct found_server *server, const struct dns_rrset *set)
{
	size_t length = set->type == DNS_TYPE_A ? 4 : 16;
	for (size_t i = 0; i < set->count && d->failed == RESULT_OK; i++) {
		if (set->rdata[i].length != length)
			continue;
		struct address address = address_from_octets(set->rdata[i].octets, length, 53);
		found_address(d, server, &address);
	}
}

// Addresses beside an NS set count for names below the zone that the server serves only: it has
// nothing to say about others (RFC 2181 5.4.1).
static void read_glue(struct discover *d, const struct dns_message *message, const uint8_t *below)
{
	for (size_t i = 0; i < d->child_list.count; i++) {
		struct found_server *server = &d->child_list.servers[i];
		if (!dns_name_is_subdomain(server->name.wire, below))
			continue;
		for (size_t s = 0; s < message->section[DNS_ADDITIONAL].count; s++) {
			const struct dns_rrset *set = &message->section[DNS_ADDITIONAL].rrset[s];
			if ((set->type == DNS_TYPE_A || set->type == DNS_TYPE_AAAA) &&
			        set->rclass == DNS_CLASS_IN &&
			        dns_name_equal(set->owner, server->name.wire))
				found_addresses(d, server, set);
		}
	}
}

static bool is_answer(const struct dns_message *message)
{
	return !message->incomplete && message->opcode == 0 &&
	       (message->rcode == DNS_RCODE_NOERROR || message->rcode == DNS_RCODE_NXDOMAIN);
}

static const struct dns_rrset *set_of(
        const struct ask *ask, const struct dns_message *message, enum dns_section section)
{
	const struct dns_rrset *set = dns_message_find(message, section, ask->name.wire, ask->type);
	return set != NULL && set->count > 0 ? set : NULL;
}

static bool read_cut(struct ask *ask, const struct dns_message *message)
{
	bool is_there = set_of(ask, message, DNS_ANSWER) != NULL;
	// A server that only refers us to another one knows of no zone here.
	if (is_there && (ask->recursive || message->aa))
		ask->d->cut = CUT_YES;
	else if (ask->d->cut == CUT_UNKNOWN)
		ask->d->cut = CUT_NO;
	return true;
}

static bool read_address(struct ask *ask, const struct dns_message *message)
{
	char name[DNS_NAME_TEXT];
	const struct dns_rrset *set = set_of(ask, message, DNS_ANSWER);
	if (dns_message_find(message, DNS_ANSWER, ask->name.wire, DNS_TYPE_CNAME) != NULL)
		discover_note(ask->d,
		        "%.200s is an alias, which no name server may be (RFC 2181 section 10.3); "
		        "what it leads to is not asked",
		        dns_name_text(ask->name.wire, name));
	else if (set != NULL)
		found_addresses(ask->d, ask->of, set);
	return true;
}

static bool read_negative(struct ask *ask, const struct dns_message *message)
{
	const struct dns_rrset *soa = set_of(ask, message, DNS_ANSWER);
	if (!message->aa || soa == NULL || soa->rdata[0].length < 22)
		return true;
	const uint8_t *o = soa->rdata[0].octets + soa->rdata[0].length - 4;
	int64_t minimum_s = (int64_t)o[0] << 24 | (int64_t)o[1] << 16 | (int64_t)o[2] << 8 | o[3];
	int64_t ttl_s = soa->ttl_max_s < minimum_s ? soa->ttl_max_s : minimum_s;
	if (ttl_s > ask->d->negative_ttl_s)
		ask->d->negative_ttl_s = ttl_s;
	return true;
}

static bool read_delegation(struct ask *ask, const struct dns_message *message)
{
	struct discover *d = ask->d;
	const struct dns_rrset *own = message->aa ? set_of(ask, message, DNS_ANSWER) : NULL;
	const struct dns_rrset *set = own != NULL ? own : set_of(ask, message, DNS_AUTHORITY);
	if (set != NULL && message->rcode == DNS_RCODE_NOERROR) {
		d->delegations++;
		found_names(d, &d->child_list, set);
		read_glue(d, message, d->parent.wire);
		return true;
	}
	if (!message->aa)
		return false; // refers us elsewhere: it does not serve the parent
	d->denials++;
	return true;
}

static bool read_ns(struct ask *ask, const struct dns_message *message, struct found_list *list)
{
	const struct dns_rrset *set = set_of(ask, message, DNS_ANSWER);
	if (set == NULL || (!ask->recursive && !message->aa))
		return false;
	found_names(ask->d, list, set);
	if (ask->about == ASK_CHILD_NS)
		read_glue(ask->d, message, ask->d->zone.wire);
	return true;
}

bool discover_read(struct ask *ask, const struct dns_message *message)
{
	if (!is_answer(message))
		return false;
	switch (ask->about) {
	case ASK_CUT:
		return read_cut(ask, message);
	case ASK_ADDRESS:
		return read_address(ask, message);
	case ASK_NEGATIVE:
		return read_negative(ask, message);
	case ASK_DELEGATION:
		return read_delegation(ask, message);
	case ASK_CHILD_NS:
		return read_ns(ask, message, &ask->d->child_list);
	case ASK_NAMES:
	case ASK_PARENT_NS:
	default:
		return read_ns(ask, message, &ask->d->parent_list);
	}
}
