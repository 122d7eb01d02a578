// What the answers of parents, resolvers and the zone's servers say about names and addresses.
#include <string.h>

#include "technical/gather.h"

static const struct dns_rrset *set_of(
        const struct gather_ask *ask, const struct dns_message *message, enum dns_section section)
{
	const struct dns_rrset *set = dns_message_find(message, section, ask->name.wire, ask->type);
	return set != NULL && set->count > 0 ? set : NULL;
}

static void take_addresses(const struct dns_rrset *set, struct technical_addresses *list)
{
	size_t length = set->type == DNS_TYPE_A ? 4 : 16;
	for (size_t i = 0; i < set->count; i++) {
		if (set->rdata[i].length != length)
			continue;
		struct address address = address_from_octets(set->rdata[i].octets, length, 53);
		gather_add(list, &address);
	}
}

// ---- The parent -----------------------------------------------------------------------------

static void take_glue(struct technical_gather *g, const struct dns_message *message)
{
	struct technical_facts *f = &g->facts;
	for (size_t i = 0; i < message->section[DNS_ADDITIONAL].count; i++) {
		const struct dns_rrset *set = &message->section[DNS_ADDITIONAL].rrset[i];
		bool is_address = set->type == DNS_TYPE_A || set->type == DNS_TYPE_AAAA;
		// The parent has nothing to say about names outside of it (RFC 2181 5.4.1).
		if (!is_address || set->rclass != DNS_CLASS_IN ||
		        !dns_name_is_subdomain(set->owner, f->parent.wire))
			continue;
		for (size_t s = 0; s < f->present_count; s++)
			if (dns_name_equal(f->present[s].name.wire, set->owner))
				take_addresses(set, &f->present[s].listed);
	}
}

static bool read_delegation(struct gather_ask *ask, const struct dns_message *message)
{
	struct technical_gather *g = ask->g;
	const struct dns_rrset *set = message->aa ? set_of(ask, message, DNS_ANSWER) : NULL;
	if (set == NULL)
		set = set_of(ask, message, DNS_AUTHORITY);
	size_t before = g->facts.present_count, count = set != NULL ? set->count : 0;
	bool first = !g->facts.parent_answered;
	g->facts.parent_answered |= message->aa || set != NULL;
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		struct dns_name name;
		size_t length;
		if (dns_name_check(set->rdata[i].octets, set->rdata[i].length, &name, &length,
		            NULL) == RESULT_OK)
			gather_server(g, g->facts.present, &g->facts.present_count, name.wire);
	}
	if (!first && (g->facts.present_count != before || count != before))
		gather_note(g, "the parent's servers have different NS sets; the names in all of "
		               "them count");
	if (set != NULL)
		take_glue(g, message);
	return true;
}

static void take_ds(struct technical_gather *g, const struct dns_rdata *rdata)
{
	struct technical_facts *f = &g->facts;
	struct dns_ds ds;
	struct error err = {0};
	if (dns_ds_new(rdata, &ds, &err) != RESULT_OK) {
		gather_note(g, "a DS record of the parent is left out: %s", err.text);
		return;
	}
	for (size_t i = 0; i < f->ds_count; i++)
		if (dns_ds_equal(&f->ds[i], &ds))
			return;
	if (f->ds_count == TECHNICAL_MAX_DS)
		gather_note(g, "more than %d DS records are left out", TECHNICAL_MAX_DS);
	else
		f->ds[f->ds_count++] = ds;
}

static bool read_ds(struct gather_ask *ask, const struct dns_message *message)
{
	struct technical_facts *f = &ask->g->facts;
	const struct dns_rrset *set = set_of(ask, message, DNS_ANSWER);
	size_t before = f->ds_count, count = set != NULL ? set->count : 0;
	if (!message->aa)
		return false;
	if (f->ds_given)
		return true;
	for (size_t i = 0; i < count; i++)
		take_ds(ask->g, &set->rdata[i]);
	if (f->ds_known && (f->ds_count != before || count != before))
		gather_note(ask->g,
		        "the parent's servers have different DS sets; the records of all "
		        "of them count");
	f->ds_known = true;
	return true;
}

// ---- Addresses ------------------------------------------------------------------------------

static void take_said(struct gather_ask *ask, const struct dns_message *message,
        struct technical_said *said, const struct address *by)
{
	const struct dns_rrset *alias =
	        dns_message_find(message, DNS_ANSWER, ask->name.wire, DNS_TYPE_CNAME);
	const struct dns_rrset *set = set_of(ask, message, DNS_ANSWER);
	said->by = *by;
	if (ask->type == DNS_TYPE_A)
		said->has_v4 = true;
	else
		said->has_v6 = true;
	ask->server->is_alias |= alias != NULL;
	if (set != NULL && alias == NULL)
		take_addresses(set, &said->addresses);
}

static bool is_usable(const struct dns_message *message)
{
	return !message->incomplete && message->opcode == 0 &&
	       (message->rcode == DNS_RCODE_NOERROR || message->rcode == DNS_RCODE_NXDOMAIN);
}

bool gather_read(struct gather_ask *ask, const struct dns_message *message)
{
	struct technical_gather *g = ask->g;
	if (!is_usable(message))
		return false;
	switch (ask->about) {
	case GATHER_DELEGATION:
		return read_delegation(ask, message);
	case GATHER_DS:
		return read_ds(ask, message);
	case GATHER_LOOK_UP:
		take_said(ask, message, &ask->server->looked_up, &g->resolvers[ask->resolver]);
		return true;
	case GATHER_GLUE:
		if (message->aa)
			take_said(ask, message, ask->said, &ask->at);
		return true;
	case GATHER_SERVER:
	default:
		return true;
	}
}
