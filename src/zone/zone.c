#include "zone/zone.h"

#include "zone/internal.h"

#include <assert.h>
#include <stdlib.h>

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	zone_blocks_free(&zone->blocks);
	free(zone->nodes);
	free(zone->sets);
	free(zone->rdata);
	free(zone->source);
	free(zone);
}

const char *zone_source(const struct zone *zone)
{
	return zone->source;
}

const uint8_t *zone_apex(const struct zone *zone)
{
	return zone->apex.wire;
}

uint16_t zone_class(const struct zone *zone)
{
	return zone->rclass;
}

size_t zone_record_count(const struct zone *zone)
{
	return zone->rdata_count;
}

size_t zone_duplicate_count(const struct zone *zone)
{
	return zone->duplicates;
}

size_t zone_memory(const struct zone *zone)
{
	return zone->blocks.octets + zone->node_count * sizeof *zone->nodes +
	       zone->set_count * sizeof *zone->sets + zone->rdata_count * sizeof *zone->rdata;
}

size_t zone_node_count(const struct zone *zone)
{
	return zone->node_count;
}

const struct zone_node *zone_node_at(const struct zone *zone, size_t i)
{
	assert(i < zone->node_count);
	return &zone->nodes[i];
}

size_t zone_node_index(const struct zone *zone, const struct zone_node *node)
{
	return (size_t)(node - zone->nodes);
}

size_t zone_rrset_count(const struct zone *zone)
{
	return zone->set_count;
}

const struct zone_rrset *zone_rrset_at(const struct zone *zone, size_t i)
{
	assert(i < zone->set_count);
	return &zone->sets[i];
}

const struct zone_rrset *zone_node_set(
        const struct zone *zone, const struct zone_node *node, size_t i)
{
	assert(i < node->set_count);
	return &zone->sets[node->first_set + i];
}

const struct zone_rrset *zone_node_find(
        const struct zone *zone, const struct zone_node *node, uint16_t type)
{
	const struct zone_rrset *sets = zone->sets + node->first_set;
	size_t low = 0, high = node->set_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (sets[middle].type < type)
			low = middle + 1;
		else
			high = middle;
	}
	return low < node->set_count && sets[low].type == type ? &sets[low] : NULL;
}

size_t zone_lower_bound(const struct zone *zone, const uint8_t *name, bool *exact)
{
	size_t low = 0, high = zone->node_count;
	*exact = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = dns_name_compare(zone->nodes[middle].owner, name);
		if (order == 0) {
			*exact = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name)
{
	bool exact;
	size_t i = zone_lower_bound(zone, name, &exact);
	return exact ? &zone->nodes[i] : NULL;
}

const struct dns_rdata *zone_rdata(const struct zone *zone, const struct zone_rrset *set)
{
	return zone->rdata + set->first;
}

const struct dns_rdata *zone_signatures(const struct zone *zone, const struct zone_rrset *set)
{
	return zone->rdata + set->first + set->count;
}

struct dns_rrset zone_rrset_view(const struct zone *zone, const struct zone_rrset *set)
{
	return (struct dns_rrset){
	        .owner = zone->nodes[set->node].owner,
	        .type = set->type,
	        .rclass = zone->rclass,
	        .ttl_s = set->ttl_s,
	        .ttl_max_s = set->ttl_max_s,
	        .count = set->count,
	        .rdata = zone_rdata(zone, set),
	        .signature_count = set->signature_count,
	        .signatures = zone_signatures(zone, set),
	        .signature_ttl_max_s = set->signature_ttl_max_s,
	};
}

bool zone_is_authoritative(const struct zone_node *node, uint16_t type)
{
	if (node->flags & ZONE_NODE_BELOW)
		return false;
	return !(node->flags & ZONE_NODE_DELEGATION) || type == DNS_TYPE_DS ||
	       type == DNS_TYPE_NSEC;
}
