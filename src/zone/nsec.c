// The NSEC chain (RFC 4034 4, RFC 4035 2.3).
#include "zone/check_internal.h"

#include <string.h>

static bool has_nsec_place(const struct zone_node *node)
{
	return check_is_named(node) && !(node->flags & ZONE_NODE_EMPTY);
}

// The next name that has an NSEC record of its own; after the last one, the apex.
static const uint8_t *next_name(const struct zone *zone, size_t node)
{
	for (size_t i = node + 1; i < zone_node_count(zone); i++)
		if (has_nsec_place(zone_node_at(zone, i)))
			return zone_node_at(zone, i)->owner;
	return zone_apex(zone);
}

static void check_record(
        const struct zone *zone, size_t i, const struct zone_rrset *set, struct findings *findings)
{
	const struct dns_rdata *rdata = zone_rdata(zone, set);
	uint8_t expected[BITMAP_MAX];
	char found_text[DNS_NAME_TEXT], expected_text[DNS_NAME_TEXT], difference[BITMAP_TEXT];
	const uint8_t *next = next_name(zone, i);
	size_t name_length = dns_name_length(rdata->octets);
	if (set->count > 1)
		finding_error(findings, zone, i, DNS_TYPE_NSEC,
		        "there are %u NSEC records; one is expected", set->count);
	if (!dns_name_equal(rdata->octets, next))
		finding_error(findings, zone, i, DNS_TYPE_NSEC,
		        "names %.255s as the next name; %.255s is",
		        dns_name_text(rdata->octets, found_text),
		        dns_name_text(next, expected_text));
	size_t length = bitmap_expected(zone, zone_node_at(zone, i), DNS_TYPE_NSEC, expected);
	const uint8_t *bitmap = rdata->octets + name_length;
	size_t bitmap_length = rdata->length - name_length;
	if (bitmap_length == length && memcmp(bitmap, expected, length) == 0)
		return;
	bitmap_difference(bitmap, bitmap_length, expected, length, difference);
	finding_error(findings, zone, i, DNS_TYPE_NSEC, "its type bitmap %s", difference);
}

static void check_node(const struct checking *checking, size_t i, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	const struct zone_node *node = zone_node_at(zone, i);
	const struct zone_rrset *set = zone_node_find(zone, node, DNS_TYPE_NSEC);
	bool present = set != NULL && set->count > 0, wanted = has_nsec_place(node);
	char next[DNS_NAME_TEXT];
	if (!checking->has_nsec) {
		if (present)
			finding_error(findings, zone, i, DNS_TYPE_NSEC,
			        "the apex has no NSEC record: there is no chain that this belongs "
			        "to");
	} else if (present && !wanted) {
		finding_error(findings, zone, i, DNS_TYPE_NSEC,
		        "a name below a delegation or DNAME has no NSEC record");
	} else if (present) {
		check_record(zone, i, set, findings);
	} else if (wanted) {
		finding_error(findings, zone, i, DNS_TYPE_NSEC,
		        "the NSEC record is missing; it would name %.255s as the next name",
		        dns_name_text(next_name(zone, i), next));
	}
}

static void run_block(void *ctx, unsigned worker, size_t from, size_t to, struct findings *findings)
{
	(void)worker;
	for (size_t i = from; i < to; i++)
		check_node(ctx, i, findings);
}

void check_nsec(struct checking *checking)
{
	checking->report->nsec = checking->has_nsec;
	check_blocks(checking, PHASE_NSEC, run_block, checking);
}
