// The NSEC3 chains of a zone: one for each NSEC3PARAM record (RFC 5155 7.1).
#include "zone/nsec3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool chain_put(struct nsec3_chain *chain, const struct nsec3_record *record)
{
	if (chain->count == chain->room) {
		size_t room = chain->room == 0 ? 1024 : 2 * chain->room;
		struct nsec3_record *grown = reallocarray(chain->records, room, sizeof *grown);
		if (grown == NULL)
			return false;
		chain->records = grown;
		chain->room = room;
	}
	chain->records[chain->count++] = *record;
	return true;
}

// Whether the name is a hash directly below the apex.
static bool is_hash(const struct zone *zone, const uint8_t *owner, uint8_t hash[NSEC3_HASH])
{
	return dns_nsec3_hash_of_label(owner, hash) &&
	       dns_name_equal(dns_name_parent(owner), zone_apex(zone));
}

// Of more NSEC3PARAM records than this the chains are not checked: every one takes a walk over all
// names, and a zone on its way from one chain to the next has two.
#define CHAINS_READ 8

// Collects the records of this chain; the zone's order is that of the hashes.
static void chain_collect(struct nsec3_chain *chain)
{
	const struct zone *zone = chain->checking->zone;
	for (size_t i = 0; i < zone_node_count(zone); i++) {
		const struct zone_rrset *set =
		        zone_node_find(zone, zone_node_at(zone, i), DNS_TYPE_NSEC3);
		struct nsec3_record record = {.node = (uint32_t)i};
		if (set == NULL || !is_hash(zone, zone_node_at(zone, i)->owner, record.hash))
			continue;
		for (uint32_t r = 0; r < set->count; r++) {
			record.rdata = &zone_rdata(zone, set)[r];
			struct nsec3_fields fields = nsec3_read(record.rdata);
			if (fields.next_length == NSEC3_HASH &&
			        nsec3_parameters_equal(&fields.parameters, &chain->parameters) &&
			        !chain_put(chain, &record))
				checking_fail(chain->checking, RESULT_MEMORY,
				        "no memory for the NSEC3 chain");
		}
	}
}

// An unsigned delegation, or an empty name with nothing but such below it: what an opt-out span may
// leave out (RFC 5155 6, 7.1).
static bool may_be_left_out(const struct zone *zone, size_t i)
{
	const struct zone_node *node = zone_node_at(zone, i);
	const uint8_t *name = node->owner;
	if (!(node->flags & (ZONE_NODE_DELEGATION | ZONE_NODE_EMPTY)))
		return false;
	for (; i < zone_node_count(zone); i++) {
		const struct zone_node *below = zone_node_at(zone, i);
		if (!dns_name_is_subdomain(below->owner, name))
			break;
		if (below->flags & (ZONE_NODE_EMPTY | ZONE_NODE_BELOW))
			continue;
		const struct zone_rrset *ds = zone_node_find(zone, below, DNS_TYPE_DS);
		if (!(below->flags & ZONE_NODE_DELEGATION) || (ds != NULL && ds->count > 0))
			return false;
		if (node->flags & ZONE_NODE_DELEGATION)
			break; // what is below is not of this zone
	}
	return true;
}

static void tell_missing(const struct nsec3_chain *chain, size_t i, const uint8_t *hash,
        const struct nsec3_record *before, struct findings *findings)
{
	const struct zone *zone = chain->checking->zone;
	const struct zone_node *node = zone_node_at(zone, i);
	char text[NSEC3_TEXT], span[NSEC3_TEXT];
	nsec3_hash_text(hash, text);
	if (!may_be_left_out(zone, i))
		finding_error(findings, zone, i, DNS_TYPE_NSEC3,
		        "its NSEC3 record (hash %s) is missing%s", text,
		        node->flags & ZONE_NODE_EMPTY        ? ": names are below this one"
		        : node->flags & ZONE_NODE_DELEGATION ? ": the delegation has a DS set"
		                                             : "");
	else
		finding_error(findings, zone, i, DNS_TYPE_NSEC3,
		        "its NSEC3 record (hash %s) is missing, and the span of %s, which covers "
		        "it, is not opt-out",
		        text, nsec3_hash_text(before->hash, span));
}

static void check_bitmap(const struct nsec3_chain *chain, size_t i,
        const struct nsec3_record *record, struct findings *findings)
{
	const struct zone *zone = chain->checking->zone;
	struct nsec3_fields fields = nsec3_read(record->rdata);
	uint8_t expected[BITMAP_MAX];
	size_t length = bitmap_expected(zone, zone_node_at(zone, i), DNS_TYPE_NSEC3, expected);
	if (fields.bitmap_length == length && memcmp(fields.bitmap, expected, length) == 0)
		return;
	char difference[BITMAP_TEXT], hash[NSEC3_TEXT];
	bitmap_difference(fields.bitmap, fields.bitmap_length, expected, length, difference);
	finding_error(findings, zone, i, DNS_TYPE_NSEC3, "the type bitmap of its record %s %s",
	        nsec3_hash_text(record->hash, hash), difference);
}

static void check_names(
        void *ctx, unsigned worker, size_t from, size_t to, struct findings *findings)
{
	struct nsec3_chain *chain = ctx;
	const struct zone *zone = chain->checking->zone;
	for (size_t i = from; i < to; i++) {
		const struct zone_node *node = zone_node_at(zone, i);
		uint8_t hash[NSEC3_HASH];
		if (!check_is_named(node))
			continue;
		if (!nsec3_hash(chain, chain->hashing[worker], node->owner, hash)) {
			checking_fail(chain->checking, RESULT_SYSTEM, "SHA-1 cannot be computed");
			return;
		}
		struct nsec3_record *record = nsec3_find(chain, hash);
		if (record != NULL) {
			__atomic_store_n(&record->named, true, __ATOMIC_RELAXED);
			check_bitmap(chain, i, record, findings);
			continue;
		}
		const struct nsec3_record *before = nsec3_before(chain, hash);
		if (!(nsec3_read(before->rdata).flags & NSEC3_OPT_OUT) || !may_be_left_out(zone, i))
			tell_missing(chain, i, hash, before, findings);
	}
}

static void check_links(struct nsec3_chain *chain, struct findings *findings)
{
	struct checking *checking = chain->checking;
	for (size_t i = 0; i < chain->count; i++) {
		const struct nsec3_record *record = &chain->records[i];
		const struct nsec3_record *next = &chain->records[(i + 1) % chain->count];
		struct nsec3_fields fields = nsec3_read(record->rdata);
		char found[NSEC3_TEXT], expected[NSEC3_TEXT];
		if (fields.flags & NSEC3_OPT_OUT)
			checking->report->opt_out = true;
		if (fields.flags & ~NSEC3_OPT_OUT)
			finding_error(findings, checking->zone, record->node, DNS_TYPE_NSEC3,
			        "has flags (%u) that mean nothing", fields.flags);
		if (memcmp(fields.next, next->hash, NSEC3_HASH) != 0)
			finding_error(findings, checking->zone, record->node, DNS_TYPE_NSEC3,
			        "names %s as the next hash; %s is",
			        nsec3_hash_text(fields.next, found),
			        nsec3_hash_text(next->hash, expected));
		if (!record->named)
			finding_error(findings, checking->zone, record->node, DNS_TYPE_NSEC3,
			        "no name of the zone has this hash");
	}
}

static bool chain_open(struct nsec3_chain *chain)
{
	unsigned threads = chain->checking->options->threads;
	chain->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	chain->hashing = calloc(threads, sizeof *chain->hashing);
	bool ready = chain->sha1 != NULL && chain->hashing != NULL;
	for (unsigned i = 0; ready && i < threads; i++) {
		chain->hashing[i] = EVP_MD_CTX_new();
		ready = chain->hashing[i] != NULL;
	}
	return ready;
}

static void chain_close(struct nsec3_chain *chain)
{
	for (unsigned i = 0; chain->hashing != NULL && i < chain->checking->options->threads; i++)
		EVP_MD_CTX_free(chain->hashing[i]);
	free(chain->hashing);
	EVP_MD_free(chain->sha1);
	free(chain->records);
}

static void check_collected(struct nsec3_chain *chain, struct findings *findings)
{
	struct checking *checking = chain->checking;
	if (chain->count == 0) {
		finding_error(findings, checking->zone, 0, DNS_TYPE_NSEC3PARAM,
		        "no NSEC3 record has its parameters (%u iterations, a salt of %u octets)",
		        chain->parameters.iterations, chain->parameters.salt_length);
		return;
	}
	check_blocks(checking, PHASE_NSEC3, check_names, chain);
	check_links(chain, findings);
}

static void check_chain(
        struct checking *checking, struct nsec3_parameters parameters, struct findings *findings)
{
	struct nsec3_chain chain = {.checking = checking, .parameters = parameters};
	if (chain_open(&chain)) {
		chain_collect(&chain);
		check_collected(&chain, findings);
	} else {
		checking_fail(checking, RESULT_MEMORY, "no memory for the NSEC3 chain");
	}
	chain_close(&chain);
}

// RFC 5155 4.1: of a kind that can be checked here; RFC 9276 3.1: as it should be.
static bool parameters_usable(
        struct checking *checking, const struct dns_rdata *rdata, struct findings *findings)
{
	struct nsec3_parameters parameters = nsec3_read_parameters(rdata);
	const struct zone *zone = checking->zone;
	if (parameters.algorithm != 1) {
		finding_error(findings, zone, 0, DNS_TYPE_NSEC3PARAM,
		        "hash algorithm %u does not exist; its chain is not checked",
		        parameters.algorithm);
		return false;
	}
	if (parameters.iterations > ZONE_CHECK_MAX_ITERATIONS) {
		finding_error(findings, zone, 0, DNS_TYPE_NSEC3PARAM,
		        "%u iterations: more than %d are not checked here, and are more than "
		        "resolvers compute",
		        parameters.iterations, ZONE_CHECK_MAX_ITERATIONS);
		return false;
	}
	if (parameters.iterations > 0 || parameters.salt_length > 0)
		finding_warning(findings, zone, 0, DNS_TYPE_NSEC3PARAM,
		        "%u iterations and a salt of %u octets; it should be 0 and none (RFC 9276)",
		        parameters.iterations, parameters.salt_length);
	return true;
}

// RFC 5155 4.1.2: a record with flags is not for servers and resolvers.
static bool is_for_all(const struct dns_rdata *rdata)
{
	return rdata->octets[1] == 0;
}

static void check_record(struct checking *checking, const struct zone_rrset *parameters,
        size_t node, const struct dns_rdata *rdata, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	struct nsec3_fields fields = nsec3_read(rdata);
	uint8_t hash[NSEC3_HASH];
	if (fields.next_length != NSEC3_HASH)
		finding_error(findings, zone, node, DNS_TYPE_NSEC3,
		        "its next hash has %u octets, not %d", fields.next_length, NSEC3_HASH);
	if (!is_hash(zone, zone_node_at(zone, node)->owner, hash))
		finding_error(findings, zone, node, DNS_TYPE_NSEC3,
		        "its owner is not a hash directly below the apex");
	for (uint32_t i = 0; parameters != NULL && i < parameters->count && i < CHAINS_READ; i++) {
		const struct dns_rdata *wanted = &zone_rdata(zone, parameters)[i];
		struct nsec3_parameters p = nsec3_read_parameters(wanted);
		if (is_for_all(wanted) && nsec3_parameters_equal(&p, &fields.parameters))
			return;
	}
	finding_error(findings, zone, node, DNS_TYPE_NSEC3,
	        "its hash parameters (%u iterations, a salt of %u octets) are not those of %s",
	        fields.parameters.iterations, fields.parameters.salt_length,
	        parameters != NULL ? "an NSEC3PARAM record" : "any: there is no NSEC3PARAM record");
}

static void check_records(
        struct checking *checking, const struct zone_rrset *parameters, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	for (size_t i = 0; i < zone_node_count(zone); i++) {
		const struct zone_rrset *set =
		        zone_node_find(zone, zone_node_at(zone, i), DNS_TYPE_NSEC3);
		for (uint32_t r = 0; set != NULL && r < set->count; r++)
			check_record(checking, parameters, i, &zone_rdata(zone, set)[r], findings);
		if (set != NULL && set->count > 1 && (parameters == NULL || parameters->count < 2))
			finding_error(findings, zone, i, DNS_TYPE_NSEC3,
			        "there are %u NSEC3 records; one is expected", set->count);
	}
}

void check_nsec3(struct checking *checking)
{
	const struct zone *zone = checking->zone;
	const struct zone_rrset *set = zone_node_find(zone, checking->apex, DNS_TYPE_NSEC3PARAM);
	struct findings findings = findings_init(checking->options->limit, PHASE_NSEC3);
	bool any = false;
	if (set != NULL && set->count == 0)
		set = NULL;
	if (set != NULL && set->count > CHAINS_READ)
		finding_error(&findings, zone, 0, DNS_TYPE_NSEC3PARAM,
		        "has %u records; only the first %d are looked at", set->count, CHAINS_READ);
	for (uint32_t i = 0; set != NULL && i < set->count && i < CHAINS_READ; i++) {
		const struct dns_rdata *rdata = &zone_rdata(zone, set)[i];
		any = any || is_for_all(rdata);
		if (!is_for_all(rdata) || !parameters_usable(checking, rdata, &findings))
			continue;
		checking->report->nsec3 = true;
		check_chain(checking, nsec3_read_parameters(rdata), &findings);
	}
	check_records(checking, set, &findings);
	if (!checking->has_nsec && !any)
		finding_error(&findings, zone, 0, 0,
		        "there is neither an NSEC nor an NSEC3PARAM record%s at the apex: nothing "
		        "can be denied",
		        set != NULL ? " without flags" : "");
	checking_merge(checking, &findings);
	findings_free(&findings);
}
