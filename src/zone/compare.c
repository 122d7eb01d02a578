#include "zone/compare.h"

#include <assert.h>
#include <string.h>

#define OWN_SERVERS 64 // of both zones; more than a zone has

struct merge {
	const struct zone *old, *new;
	const uint8_t *own[OWN_SERVERS]; // servers of the zone that no delegation uses
	size_t own_count;
	const struct zone_compare_options *options;
	struct zone_comparison *c;
};

// What is made by whoever signs the zone, at any name.
static bool is_made_by_signer(uint16_t type)
{
	return type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC || type == DNS_TYPE_NSEC3;
}

static bool is_of_apex(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_SOA:
	case DNS_TYPE_NS:
	case DNS_TYPE_DNSKEY:
	case DNS_TYPE_NSEC3PARAM:
	case DNS_TYPE_CDS:
	case DNS_TYPE_CDNSKEY:
	case DNS_TYPE_CSYNC:
	case DNS_TYPE_ZONEMD:
		return true;
	default:
		return false;
	}
}

// Whether this is in the list, as it is in canonical form; at *at, then.
static bool find_own(const struct merge *m, const uint8_t *name, size_t length, size_t *at)
{
	for (size_t i = 0; i < m->own_count; i++) {
		if (dns_name_length(m->own[i]) == length && memcmp(m->own[i], name, length) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

static void add_own(struct merge *m, const struct zone *zone)
{
	size_t at;
	const struct zone_rrset *set = zone_node_find(zone, zone_node_at(zone, 0), DNS_TYPE_NS);
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		const struct dns_rdata *server = &zone_rdata(zone, set)[i];
		if (m->own_count < OWN_SERVERS &&
		        dns_name_is_subdomain(server->octets, zone_apex(zone)) &&
		        !find_own(m, server->octets, server->length, &at))
			m->own[m->own_count++] = server->octets;
	}
}

static void drop_used(struct merge *m, const struct zone *zone)
{
	size_t at;
	for (size_t i = 0; i < zone_rrset_count(zone) && m->own_count > 0; i++) {
		const struct zone_rrset *set = zone_rrset_at(zone, i);
		if (set->type != DNS_TYPE_NS || set->node == 0)
			continue;
		for (size_t k = 0; k < set->count; k++) {
			const struct dns_rdata *server = &zone_rdata(zone, set)[k];
			if (find_own(m, server->octets, server->length, &at))
				m->own[at] = m->own[--m->own_count];
		}
	}
}

static bool is_own_address(const struct merge *m, const struct zone_node *node, uint16_t type)
{
	size_t at;
	return (type == DNS_TYPE_A || type == DNS_TYPE_AAAA) && m->own_count > 0 &&
	       find_own(m, node->owner, dns_name_length(node->owner), &at);
}

static void found(struct merge *m, enum zone_difference_kind kind, bool apex,
        const struct zone *zone, const struct zone_rrset *set, const struct dns_rdata *rdata)
{
	struct zone_comparison *c = m->c;
	if (apex)
		++*(kind == ZONE_ADDED ? &c->apex_added : &c->apex_removed);
	else
		++*(kind == ZONE_ADDED ? &c->added : &c->removed);
	if (m->options->found == NULL)
		return;
	struct zone_difference difference = {
	        .kind = kind,
	        .apex = apex,
	        .owner = zone_node_at(zone, set->node)->owner,
	        .type = set->type,
	        .ttl_s = set->ttl_max_s,
	        .rdata = rdata,
	};
	m->options->found(m->options->ctx, &difference);
}

static void note_ttls(
        struct merge *m, bool apex, const struct zone_rrset *old, const struct zone_rrset *new)
{
	struct zone_comparison *c = m->c;
	c->ttl_sets += !apex;
	for (size_t i = 0; i < c->ttl_count; i++) {
		struct zone_ttl_change *t = &c->ttls[i];
		if (t->type == new->type && t->apex == apex && t->old_s == old->ttl_max_s &&
		        t->new_s == new->ttl_max_s) {
			t->sets++;
			return;
		}
	}
	if (c->ttl_count == ZONE_COMPARE_TTLS) {
		c->ttls_left_out++;
		return;
	}
	c->ttls[c->ttl_count++] = (struct zone_ttl_change){
	        .type = new->type,
	        .apex = apex,
	        .old_s = old->ttl_max_s,
	        .new_s = new->ttl_max_s,
	        .sets = 1,
	        .owner = zone_node_at(m->new, new->node)->owner,
	};
}

static int compare_rdata(const struct dns_rdata *a, const struct dns_rdata *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order = shorter == 0 ? 0 : memcmp(a->octets, b->octets, shorter);
	return order != 0 ? order : (int)a->length - (int)b->length;
}

// Either may be NULL.
static void compare_sets(
        struct merge *m, bool apex, const struct zone_rrset *old, const struct zone_rrset *new)
{
	size_t o = 0, n = 0, old_count = old == NULL ? 0 : old->count;
	size_t new_count = new == NULL ? 0 : new->count;
	const struct dns_rdata *in_old = old == NULL ? NULL : zone_rdata(m->old, old);
	const struct dns_rdata *in_new = new == NULL ? NULL : zone_rdata(m->new, new);
	while (o < old_count || n < new_count) {
		int order = o == old_count   ? 1
		            : n == new_count ? -1
		                             : compare_rdata(&in_old[o], &in_new[n]);
		if (order < 0)
			found(m, ZONE_REMOVED, apex, m->old, old, &in_old[o]);
		else if (order > 0)
			found(m, ZONE_ADDED, apex, m->new, new, &in_new[n]);
		o += order <= 0;
		n += order >= 0;
	}
	if (old_count > 0 && new_count > 0 && old->ttl_max_s != new->ttl_max_s)
		note_ttls(m, apex, old, new);
	if (apex)
		return;
	if (old_count > 0 && old->ttl_max_s > m->c->old_ttl_max_s)
		m->c->old_ttl_max_s = old->ttl_max_s;
	if (new_count > 0 && new->ttl_max_s > m->c->new_ttl_max_s)
		m->c->new_ttl_max_s = new->ttl_max_s;
	m->c->sets += new_count > 0;
	m->c->records += new_count;
}

// Either may be NULL.
static void compare_nodes(struct merge *m, const struct zone_node *old, const struct zone_node *new)
{
	size_t o = 0, n = 0, old_count = old == NULL ? 0 : old->set_count;
	size_t new_count = new == NULL ? 0 : new->set_count;
	const struct zone_node *either = old == NULL ? new : old;
	assert(either != NULL);
	bool is_apex = (either->flags & ZONE_NODE_APEX) != 0;
	while (o < old_count || n < new_count) {
		const struct zone_rrset *in_old =
		        o < old_count ? zone_node_set(m->old, old, o) : NULL;
		const struct zone_rrset *in_new =
		        n < new_count ? zone_node_set(m->new, new, n) : NULL;
		assert(in_old != NULL || in_new != NULL);
		int order = in_old == NULL   ? 1
		            : in_new == NULL ? -1
		                             : (int)in_old->type - (int)in_new->type;
		uint16_t type = order <= 0 ? in_old->type : in_new->type;
		bool apart = (is_apex && is_of_apex(type)) || is_own_address(m, either, type);
		if (!is_made_by_signer(type))
			compare_sets(
			        m, apart, order <= 0 ? in_old : NULL, order >= 0 ? in_new : NULL);
		o += order <= 0;
		n += order >= 0;
	}
}

enum result zone_compare(const struct zone *old, const struct zone *new,
        const struct zone_compare_options *options, struct zone_comparison *comparison,
        struct error *err)
{
	char a[DNS_NAME_TEXT], b[DNS_NAME_TEXT];
	if (!dns_name_equal(zone_apex(old), zone_apex(new)))
		return error_set(err, RESULT_INPUT,
		        "these are two zones: %.100s in %.60s, %.100s in %.60s",
		        dns_name_text(zone_apex(old), a), zone_source(old),
		        dns_name_text(zone_apex(new), b), zone_source(new));
	memset(comparison, 0, sizeof *comparison);
	struct merge m = {.old = old, .new = new, .options = options, .c = comparison};
	add_own(&m, old);
	add_own(&m, new);
	drop_used(&m, old);
	drop_used(&m, new);
	size_t o = 0, n = 0, old_count = zone_node_count(old), new_count = zone_node_count(new);
	while (o < old_count || n < new_count) {
		int order = o == old_count   ? 1
		            : n == new_count ? -1
		                             : dns_name_compare(zone_node_at(old, o)->owner,
		                                       zone_node_at(new, n)->owner);
		compare_nodes(&m, order <= 0 ? zone_node_at(old, o) : NULL,
		        order >= 0 ? zone_node_at(new, n) : NULL);
		o += order <= 0;
		n += order >= 0;
	}
	return RESULT_OK;
}
