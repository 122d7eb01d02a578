// fuzz: links dep_zone
// A zone from any text. What is accepted is in order, can be found again, equals itself, and has
// facts.
//
// The octets are the text of a master file; those behind the first octet 0, if there is one, are
// the text of a second zone to compare with.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "zone/compare.h"
#include "zone/facts.h"
#include "zone/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct zone *read_zone(const uint8_t *data, size_t size)
{
	struct zone *zone = NULL;
	struct error err = {0};
	const struct zone_read_options options = {.max_octets = 1 << 20};
	enum result result =
	        zone_read_text("fuzz", (const char *)data, size, &options, &zone, &err);
	require((result == RESULT_OK) == (zone != NULL));
	require(result == RESULT_OK || strncmp(err.text, "fuzz:", 5) == 0);
	return zone;
}

static void check_rdata(const struct dns_rdata *rdata, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		size_t shorter = rdata[i - 1].length < rdata[i].length ? rdata[i - 1].length
		                                                       : rdata[i].length;
		int order = memcmp(rdata[i - 1].octets, rdata[i].octets, shorter);
		require(order < 0 || (order == 0 && rdata[i - 1].length < rdata[i].length));
	}
}

static size_t check_sets(const struct zone *zone, const struct zone_node *node)
{
	size_t records = 0;
	for (size_t i = 0; i < node->set_count; i++) {
		const struct zone_rrset *set = zone_node_set(zone, node, i);
		require(i == 0 || set[-1].type < set->type);
		require(set->count + set->signature_count > 0);
		require(set->ttl_s <= set->ttl_max_s && set->line > 0);
		require(zone_node_find(zone, node, set->type) == set);
		require(zone_node_at(zone, set->node) == node);
		check_rdata(zone_rdata(zone, set), set->count);
		check_rdata(zone_signatures(zone, set), set->signature_count);
		records += set->count + set->signature_count;
	}
	return records;
}

static void check_order(const struct zone *zone)
{
	size_t records = 0;
	for (size_t i = 0; i < zone_node_count(zone); i++) {
		const struct zone_node *node = zone_node_at(zone, i);
		require(dns_name_is_subdomain(node->owner, zone_apex(zone)));
		require(i == 0 || dns_name_compare(node[-1].owner, node->owner) < 0);
		require((i == 0) == ((node->flags & ZONE_NODE_APEX) != 0));
		require((node->set_count == 0) == ((node->flags & ZONE_NODE_EMPTY) != 0));
		require(zone_find(zone, node->owner) == node);
		// The parent is there, if only as an empty non-terminal.
		require(i == 0 || zone_find(zone, dns_name_parent(node->owner)) != NULL);
		records += check_sets(zone, node);
	}
	require(records == zone_record_count(zone));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct zone_comparison c;
	static struct zone_facts facts;
	const uint8_t *end = memchr(data, 0, size);
	size_t first = end == NULL ? size : (size_t)(end - data);
	struct zone *zone = read_zone(data, first);
	if (zone == NULL)
		return 0;
	check_order(zone);
	zone_facts_collect(zone, 1700000000, &facts);
	require(facts.records == zone_record_count(zone));
	const struct zone_compare_options options = {0};
	require(zone_compare(zone, zone, &options, &c, NULL) == RESULT_OK);
	require(c.added + c.removed + c.apex_added + c.apex_removed + c.ttl_sets == 0);
	struct zone *other = end == NULL ? NULL : read_zone(end + 1, size - first - 1);
	if (other != NULL)
		zone_compare(zone, other, &options, &c, NULL);
	zone_free(other);
	zone_free(zone);
	return 0;
}
