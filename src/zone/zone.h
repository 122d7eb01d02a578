// A signed zone in memory, whole and unchanging: what baton-zone verifies, compares and describes.
//
//     struct zone *zone;
//     if (zone_read("example.zone", &(struct zone_read_options){0}, &zone, &err) != RESULT_OK)
//             return usage_error("%s", err.text);       // read.h: "example.zone:7: …"
//     for (size_t i = 0; i < zone_node_count(zone); i++) {
//             const struct zone_node *node = zone_node_at(zone, i);
//             for (size_t k = 0; k < node->set_count; k++) {
//                     const struct zone_rrset *set = zone_node_set(zone, node, k);
//                     const struct dns_rdata *rdata = zone_rdata(zone, set);
//                     const struct dns_rdata *signatures = zone_signatures(zone, set);
//                     …
//             }
//     }
//     zone_free(zone);
//
// Nodes are in canonical order (RFC 4034 6.1), the apex first, with names in lower case. Names
// without records between the apex and other names (empty non-terminals, RFC 8499 7) are nodes
// without sets. The sets of a node are in order of type; the RDATA of a set in canonical form
// (names in lower case where RFC 4034 6.2 and RFC 6840 5.1 want it) and order, equal ones once.
//
// RRSIG records are no sets of their own: they belong to the set that they cover. Where that is
// missing, there is a set of that type without records, but with signatures. An RRSIG that covers
// RRSIG is a plain record of type RRSIG (RFC 4035 2.2). Every record whose type Baton knows has the
// form of its type, so that an RRSIG has at least its fixed fields, a signer and one more octet.
//
// Memory: everything belongs to the zone, and nothing changes after it was built, so that several
// threads may read it. 200,000 delegations with a third of them signed take about 250 MiB.
//
// Errors come from building only (read.h, transfer.h): RESULT_INPUT for what is no usable zone,
// "source:line: what", RESULT_LIMIT for more than a declared maximum, RESULT_MEMORY.
#pragma once

#include "base/error.h"
#include "dns/rrset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_MAX_RECORDS 1000000000u        // of one zone
#define ZONE_MAX_OCTETS  ((size_t)64 << 30) // of RDATA and names in one zone

struct zone;

enum zone_node_flag {
	ZONE_NODE_APEX = 1,
	ZONE_NODE_DELEGATION = 2, // has NS, and is neither the apex nor below a delegation
	ZONE_NODE_BELOW = 4,      // below a delegation or a DNAME: glue, or occluded
	ZONE_NODE_EMPTY = 8,      // an empty non-terminal
	ZONE_NODE_NSEC3 = 16,     // has nothing but NSEC3 (or signatures that say so)
};

struct zone_node {
	const uint8_t *owner; // wire name in lower case
	uint32_t first_set;   // index for zone_rrset_at()
	uint32_t set_count : 24, flags : 8;
};

struct zone_rrset {
	uint16_t type;
	uint32_t node; // index of its node
	uint32_t count, signature_count;
	uint32_t ttl_s, ttl_max_s; // smallest and largest of its records
	uint32_t signature_ttl_s, signature_ttl_max_s;
	uint32_t line;  // of the first of its records in the source, or of its signatures
	uint32_t first; // its records, then its signatures; for zone_rdata()
};

void zone_free(struct zone *zone); // NULL is fine

const char *zone_source(const struct zone *zone);  // the file, or the URL it came from
const uint8_t *zone_apex(const struct zone *zone); // wire name in lower case
uint16_t zone_class(const struct zone *zone);
size_t zone_record_count(const struct zone *zone);    // with signatures, equal ones once
size_t zone_duplicate_count(const struct zone *zone); // records that the source had once more
size_t zone_memory(const struct zone *zone);          // octets it holds

size_t zone_node_count(const struct zone *zone);
const struct zone_node *zone_node_at(const struct zone *zone, size_t i);
size_t zone_node_index(const struct zone *zone, const struct zone_node *node);
size_t zone_rrset_count(const struct zone *zone);
const struct zone_rrset *zone_rrset_at(const struct zone *zone, size_t i); // in order of nodes

// The i-th set of a node; i < node->set_count.
const struct zone_rrset *zone_node_set(
        const struct zone *zone, const struct zone_node *node, size_t i);
// NULL where the node has no such set. One without records, but with signatures, is found.
const struct zone_rrset *zone_node_find(
        const struct zone *zone, const struct zone_node *node, uint16_t type);
// The node of this name (case ignored), NULL where there is none. Takes about log2(nodes) steps.
const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name);
// The index of the first node that is not before this name in canonical order; zone_node_count()
// where all are. *exact tells whether it is that name itself.
size_t zone_lower_bound(const struct zone *zone, const uint8_t *name, bool *exact);

// set->count and set->signature_count of them.
const struct dns_rdata *zone_rdata(const struct zone *zone, const struct zone_rrset *set);
const struct dns_rdata *zone_signatures(const struct zone *zone, const struct zone_rrset *set);
// The set as the rest of Baton has it; it points into the zone.
struct dns_rrset zone_rrset_view(const struct zone *zone, const struct zone_rrset *set);

// Whether the zone answers for records of this type at this node, so that they are to be signed:
// not below a delegation; at one, only DS and NSEC (RFC 4035 2.2, 2.3).
bool zone_is_authoritative(const struct zone_node *node, uint16_t type);
