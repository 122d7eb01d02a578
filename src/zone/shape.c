// The shape of the tree: empty non-terminals, delegations, and what is below them.
#include "zone/build_internal.h"

#include <string.h>

// Labels that two names have in common, from the root on.
static size_t common_labels(const uint8_t *a, const uint8_t *b)
{
	size_t in_a = dns_name_labels(a), in_b = dns_name_labels(b);
	size_t common = in_a < in_b ? in_a : in_b;
	a = dns_name_skip(a, in_a - common);
	b = dns_name_skip(b, in_b - common);
	for (size_t left = common; left > 0; left--) {
		if (*a != *b || memcmp(a, b, (size_t)*a + 1) != 0)
			common = left - 1;
		a += *a + 1;
		b += *b + 1;
	}
	return common;
}

static bool append(struct zone_builder *b, const uint8_t *owner, unsigned flags)
{
	struct zone *zone = b->zone;
	struct zone_node *nodes =
	        zone_grow(zone->nodes, zone->node_count, &b->node_capacity, sizeof *nodes);
	if (nodes == NULL)
		return false;
	zone->nodes = nodes;
	if (b->cut != NULL && !dns_name_is_subdomain(owner, b->cut))
		b->cut = NULL;
	if (b->cut != NULL)
		flags |= ZONE_NODE_BELOW;
	nodes[zone->node_count++] = (struct zone_node){
	        .owner = owner,
	        .first_set = (uint32_t)zone->set_count,
	        .flags = (uint8_t)flags,
	};
	return true;
}

// In canonical order, an ancestor of this name that has records comes before it and is the name
// before it, or an ancestor of that. So the names between the last common ancestor and this one
// have none.
bool zone_add_node(struct zone_builder *b, const uint8_t *owner)
{
	const struct zone *zone = b->zone;
	if (zone->node_count == 0)
		return append(b, owner, ZONE_NODE_APEX);
	size_t labels = dns_name_labels(owner);
	size_t common = common_labels(zone->nodes[zone->node_count - 1].owner, owner);
	for (size_t depth = common + 1; depth < labels; depth++)
		if (!append(b, dns_name_skip(owner, labels - depth), ZONE_NODE_EMPTY))
			return false;
	return append(b, owner, 0);
}

static bool has_only_nsec3(const struct zone *zone, const struct zone_node *node)
{
	return node->set_count == 1 && zone->sets[node->first_set].type == DNS_TYPE_NSEC3;
}

static bool has(const struct zone *zone, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *set = zone_node_find(zone, node, type);
	return set != NULL && set->count > 0;
}

void zone_judge_node(struct zone_builder *b)
{
	const struct zone *zone = b->zone;
	struct zone_node *node = &b->zone->nodes[zone->node_count - 1];
	if (has_only_nsec3(zone, node)) {
		node->flags |= ZONE_NODE_NSEC3;
		// RFC 6672 2.4: NSEC3 records may stand below a DNAME at the apex.
		if (b->cut == zone->nodes[0].owner)
			node->flags &= (uint8_t)~ZONE_NODE_BELOW;
	}
	if (node->flags & ZONE_NODE_BELOW)
		return;
	bool is_apex = node->flags & ZONE_NODE_APEX;
	if (!is_apex && has(zone, node, DNS_TYPE_NS))
		node->flags |= ZONE_NODE_DELEGATION;
	if ((node->flags & ZONE_NODE_DELEGATION) || has(zone, node, DNS_TYPE_DNAME))
		b->cut = node->owner;
}
