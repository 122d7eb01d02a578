// What any zone has to be, signed or not: names and what stands beside what, delegations and glue.
#include "zone/check_internal.h"

static bool has(const struct zone *zone, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *set = zone_node_find(zone, node, type);
	return set != NULL && set->count > 0;
}

static bool has_address(const struct zone *zone, const struct zone_node *node)
{
	return has(zone, node, DNS_TYPE_A) || has(zone, node, DNS_TYPE_AAAA);
}

// RFC 2181 10.1: beside a CNAME only what DNSSEC needs (RFC 4034 3, 4; RFC 3007 for KEY).
static bool may_be_beside_cname(uint16_t type)
{
	const uint16_t key = 25;
	return type == DNS_TYPE_CNAME || type == DNS_TYPE_RRSIG || type == DNS_TYPE_NSEC ||
	       type == DNS_TYPE_NSEC3 || type == key;
}

static void check_cname(
        const struct zone *zone, const struct zone_node *node, size_t i, struct findings *findings)
{
	const struct zone_rrset *cname = zone_node_find(zone, node, DNS_TYPE_CNAME);
	char type[DNS_TYPE_TEXT];
	if (cname == NULL || cname->count == 0)
		return;
	if (cname->count > 1)
		finding_error(findings, zone, i, DNS_TYPE_CNAME,
		        "there are %u CNAME records; only one is possible", cname->count);
	for (uint32_t s = 0; s < node->set_count; s++) {
		const struct zone_rrset *set = zone_node_set(zone, node, s);
		if (set->count > 0 && !may_be_beside_cname(set->type))
			finding_error(findings, zone, i, DNS_TYPE_CNAME,
			        "stands beside %s, as nothing may (RFC 2181 10.1)",
			        dns_type_text(set->type, type));
	}
}

// RFC 6672 2.3, 2.4. At a delegation or below, it is not of this zone.
static void check_dname(
        const struct zone *zone, const struct zone_node *node, size_t i, struct findings *findings)
{
	const struct zone_rrset *dname = zone_node_find(zone, node, DNS_TYPE_DNAME);
	char owner[DNS_NAME_TEXT];
	if (dname == NULL || dname->count == 0)
		return;
	if (dname->count > 1)
		finding_error(findings, zone, i, DNS_TYPE_DNAME,
		        "there are %u DNAME records; only one is possible", dname->count);
	dns_name_text(node->owner, owner);
	for (size_t n = i + 1; n < zone_node_count(zone); n++) {
		const struct zone_node *below = zone_node_at(zone, n);
		if (!dns_name_is_subdomain(below->owner, node->owner))
			break;
		if (!(below->flags & (ZONE_NODE_EMPTY | ZONE_NODE_NSEC3)))
			finding_error(findings, zone, n, 0,
			        "lies below the DNAME record at %.255s, where nothing may be",
			        owner);
	}
}

static void check_ttls(
        const struct zone *zone, const struct zone_node *node, size_t i, struct findings *findings)
{
	for (uint32_t s = 0; s < node->set_count; s++) {
		const struct zone_rrset *set = zone_node_set(zone, node, s);
		if (set->count > 0 && set->ttl_s != set->ttl_max_s)
			finding_error(findings, zone, i, set->type,
			        "its records have different TTLs, %u s and %u s (RFC 2181 5.2)",
			        set->ttl_s, set->ttl_max_s);
	}
}

// What means something at the apex or at a delegation only.
static void check_places(
        const struct zone *zone, const struct zone_node *node, size_t i, struct findings *findings)
{
	static const uint16_t of_apex[] = {
	        DNS_TYPE_DNSKEY, DNS_TYPE_NSEC3PARAM, DNS_TYPE_CDS, DNS_TYPE_CDNSKEY};
	if (node->flags & ZONE_NODE_APEX)
		return;
	if (has(zone, node, DNS_TYPE_DS) && !(node->flags & ZONE_NODE_DELEGATION))
		finding_error(findings, zone, i, DNS_TYPE_DS,
		        "a DS set stands where there is no delegation: no NS set is beside it");
	if (dns_name_is_wildcard(node->owner) && node->flags & ZONE_NODE_DELEGATION)
		finding_warning(findings, zone, i, DNS_TYPE_NS,
		        "a wildcard delegates nothing (RFC 4592 4.2), and some servers refuse such "
		        "a zone");
	for (size_t t = 0; t < sizeof of_apex / sizeof *of_apex; t++)
		if (has(zone, node, of_apex[t]))
			finding_warning(findings, zone, i, of_apex[t],
			        "is not at the apex, where alone it means something");
}

// Nearest delegation or DNAME at or above the name, below the apex.
static const struct zone_node *cut_above(const struct zone *zone, const uint8_t *name)
{
	for (; !dns_name_equal(name, zone_apex(zone)); name = dns_name_parent(name)) {
		const struct zone_node *node = zone_find(zone, name);
		if (node != NULL && node->flags & ZONE_NODE_DELEGATION)
			return node;
	}
	return NULL;
}

static bool wildcard_may_answer(const struct zone *zone, const uint8_t *name)
{
	struct dns_name wildcard;
	while (!dns_name_equal(name, zone_apex(zone))) {
		name = dns_name_parent(name);
		if (dns_name_prepend(&wildcard, "*", name, NULL) == RESULT_OK &&
		        zone_find(zone, wildcard.wire) != NULL)
			return true;
	}
	return false;
}

static void tell_no_address(const struct zone *zone, const struct zone_node *node, size_t i,
        const uint8_t *server, struct findings *findings)
{
	char text[DNS_NAME_TEXT];
	const struct zone_node *cut = cut_above(zone, server);
	dns_name_text(server, text);
	if (cut == node)
		finding_error(findings, zone, i, DNS_TYPE_NS,
		        "the name server %.255s is below the delegation, and has no address here: "
		        "it "
		        "cannot be found",
		        text);
	else if (cut != NULL)
		finding_warning(findings, zone, i, DNS_TYPE_NS,
		        "the name server %.255s is below another delegation of this zone, and has "
		        "no "
		        "address here",
		        text);
	else if (!wildcard_may_answer(zone, server))
		finding_error(findings, zone, i, DNS_TYPE_NS,
		        "the name server %.255s would be in this zone, which has no address of it",
		        text);
}

static void check_servers(
        const struct zone *zone, const struct zone_node *node, size_t i, struct findings *findings)
{
	const struct zone_rrset *ns = zone_node_find(zone, node, DNS_TYPE_NS);
	char text[DNS_NAME_TEXT];
	for (uint32_t r = 0; ns != NULL && r < ns->count; r++) {
		const uint8_t *server = zone_rdata(zone, ns)[r].octets;
		if (!dns_name_is_subdomain(server, zone_apex(zone)))
			continue;
		const struct zone_node *target = zone_find(zone, server);
		if (target != NULL && has(zone, target, DNS_TYPE_CNAME))
			finding_error(findings, zone, i, DNS_TYPE_NS,
			        "the name server %.255s is an alias, which it must not be (RFC "
			        "2181 "
			        "10.3)",
			        dns_name_text(server, text));
		else if (target == NULL || !has_address(zone, target))
			tell_no_address(zone, node, i, server, findings);
	}
}

static void run_block(void *ctx, unsigned worker, size_t from, size_t to, struct findings *findings)
{
	const struct zone *zone = ((const struct checking *)ctx)->zone;
	(void)worker;
	for (size_t i = from; i < to; i++) {
		const struct zone_node *node = zone_node_at(zone, i);
		check_ttls(zone, node, i, findings);
		if (node->flags & (ZONE_NODE_BELOW | ZONE_NODE_EMPTY | ZONE_NODE_NSEC3))
			continue;
		check_cname(zone, node, i, findings);
		check_places(zone, node, i, findings);
		if (!(node->flags & ZONE_NODE_DELEGATION))
			check_dname(zone, node, i, findings);
		if (node->flags & (ZONE_NODE_DELEGATION | ZONE_NODE_APEX))
			check_servers(zone, node, i, findings);
	}
}

void check_data(struct checking *checking)
{
	check_blocks(checking, PHASE_DATA, run_block, checking);
}
