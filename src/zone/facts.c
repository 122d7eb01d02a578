#include "zone/facts.h"

#include "dns/key.h"
#include "dns/verify.h"

#include <assert.h>
#include <libknot/wire.h>
#include <string.h>

#define HOUR_S 3600
#define DAY_S  (24 * HOUR_S)

// Each bucket ends below its limit.
static const struct {
	int64_t limit_s;
	const char *text;
} headroom[ZONE_FACTS_HEADROOM] = {
        {0, "expired"},
        {HOUR_S, "less than 1h"},
        {6 * HOUR_S, "1h to 6h"},
        {DAY_S, "6h to 1d"},
        {3 * DAY_S, "1d to 3d"},
        {7 * DAY_S, "3d to 7d"},
        {14 * DAY_S, "7d to 14d"},
        {30 * DAY_S, "14d to 30d"},
        {INT64_MAX, "30d and more"},
};

const char *zone_facts_headroom_text(size_t i)
{
	assert(i < ZONE_FACTS_HEADROOM);
	return headroom[i].text;
}

struct collector {
	const struct zone *zone;
	struct zone_facts *f;
	int64_t now_s;
	size_t last_signer;
};

static struct zone_facts_type *find_type(struct zone_facts *f, uint16_t type)
{
	size_t i = 0;
	while (i < f->type_count && f->types[i].type < type)
		i++;
	if (i < f->type_count && f->types[i].type == type)
		return &f->types[i];
	if (f->type_count == ZONE_FACTS_TYPES)
		return NULL;
	memmove(&f->types[i + 1], &f->types[i], (f->type_count++ - i) * sizeof *f->types);
	f->types[i] = (struct zone_facts_type){.type = type};
	return &f->types[i];
}

static void note_type(struct zone_facts *f, uint16_t type, const struct zone_node *node,
        size_t records, uint32_t ttl_s, uint32_t ttl_max_s)
{
	struct zone_facts_type *t = find_type(f, type);
	if (t == NULL) {
		f->types_left_out++;
		return;
	}
	if (t->sets == 0 || ttl_s < t->ttl_s)
		t->ttl_s = ttl_s;
	if (t->sets == 0 || ttl_max_s > t->ttl_max_s) {
		t->ttl_max_s = ttl_max_s;
		t->longest = node->owner;
	}
	t->sets++;
	t->records += records;
}

static void note_longest(
        struct zone_facts *f, const struct zone_node *node, const struct zone_rrset *set)
{
	uint32_t longest = set->count > 0 ? set->ttl_max_s : 0;
	if (set->signature_count > 0 && set->signature_ttl_max_s > longest)
		longest = set->signature_ttl_max_s;
	uint32_t *max = &f->data_ttl_max_s;
	if ((node->flags & ZONE_NODE_APEX) && set->type == DNS_TYPE_NS)
		max = &f->ns_ttl_max_s;
	else if ((node->flags & ZONE_NODE_APEX) && set->type == DNS_TYPE_DNSKEY)
		max = &f->dnskey_ttl_max_s;
	if (longest > *max)
		*max = longest;
}

static struct zone_facts_signer *find_signer(struct collector *c, uint16_t tag, uint8_t algorithm)
{
	struct zone_facts *f = c->f;
	// Nearly always the one before.
	for (size_t k = 0; k < f->signer_count; k++) {
		size_t i = (c->last_signer + k) % f->signer_count;
		if (f->signers[i].tag == tag && f->signers[i].algorithm == algorithm) {
			c->last_signer = i;
			return &f->signers[i];
		}
	}
	if (f->signer_count == ZONE_FACTS_SIGNERS)
		return NULL;
	f->signers[f->signer_count] =
	        (struct zone_facts_signer){.tag = tag, .algorithm = algorithm};
	return &f->signers[f->signer_count++];
}

static void note_dates(struct collector *c, int64_t from_s, int64_t until_s,
        const struct zone_node *node, uint16_t type)
{
	struct zone_facts *f = c->f;
	struct zone_facts_expiry expiry = {until_s, node->owner, type};
	if (f->first.owner == NULL || until_s < f->first.at_s)
		f->first = expiry;
	if (f->last.owner == NULL || until_s > f->last.at_s)
		f->last = expiry;
	f->not_yet += from_s > c->now_s;
	size_t i = 0;
	while (i + 1 < ZONE_FACTS_HEADROOM && until_s - c->now_s >= headroom[i].limit_s)
		i++;
	f->headroom[i]++;
}

// The form of RRSIG RDATA is that of its type: 18 octets, a name, a signature (zone.h).
static void note_signature(struct collector *c, const struct zone_node *node, uint16_t type,
        const struct dns_rdata *rrsig)
{
	const uint8_t *octets = rrsig->octets;
	int64_t until_s = dns_serial_time(knot_wire_read_u32(octets + 8), c->now_s);
	int64_t from_s = dns_serial_time(knot_wire_read_u32(octets + 12), c->now_s);
	note_dates(c, from_s, until_s, node, type);
	struct zone_facts_signer *signer =
	        find_signer(c, knot_wire_read_u16(octets + 16), octets[2]);
	if (signer == NULL) {
		c->f->signers_left_out++;
		return;
	}
	if (signer->signatures == 0 || until_s < signer->earliest_s)
		signer->earliest_s = until_s;
	signer->signatures++;
	signer->dnskey_signatures += type == DNS_TYPE_DNSKEY && (node->flags & ZONE_NODE_APEX);
}

static bool same_parameters(const uint8_t *a, const uint8_t *b)
{
	return a[0] == b[0] && memcmp(a + 2, b + 2, 3) == 0 && memcmp(a + 5, b + 5, a[4]) == 0;
}

static void note_nsec3(struct collector *c, const struct zone_rrset *set)
{
	struct zone_facts *f = c->f;
	const struct dns_rdata *rdata = zone_rdata(c->zone, set);
	for (size_t i = 0; i < set->count; i++) {
		f->nsec3++;
		f->opt_out += rdata[i].octets[1] & 1;
		if (f->nsec3_parameters == NULL)
			f->nsec3_parameters = rdata[i].octets;
		f->nsec3_other += !same_parameters(f->nsec3_parameters, rdata[i].octets);
	}
}

static void note_set(
        struct collector *c, const struct zone_node *node, const struct zone_rrset *set)
{
	struct zone_facts *f = c->f;
	if (set->count > 0) {
		note_type(f, set->type, node, set->count, set->ttl_s, set->ttl_max_s);
		f->sets++;
	}
	if (set->signature_count > 0)
		note_type(f, DNS_TYPE_RRSIG, node, set->signature_count, set->signature_ttl_s,
		        set->signature_ttl_max_s);
	note_longest(f, node, set);
	f->signatures += set->signature_count;
	for (size_t i = 0; i < set->signature_count; i++)
		note_signature(c, node, set->type, &zone_signatures(c->zone, set)[i]);
	if (set->type == DNS_TYPE_NSEC)
		f->nsec += set->count;
	else if (set->type == DNS_TYPE_NSEC3)
		note_nsec3(c, set);
}

static void note_node(struct collector *c, const struct zone_node *node)
{
	struct zone_facts *f = c->f;
	if (node->flags & ZONE_NODE_EMPTY)
		f->empty++;
	else if (!(node->flags & ZONE_NODE_NSEC3))
		f->names++;
	f->below += (node->flags & (ZONE_NODE_BELOW | ZONE_NODE_EMPTY)) == ZONE_NODE_BELOW;
	if (node->flags & ZONE_NODE_DELEGATION) {
		const struct zone_rrset *ds = zone_node_find(c->zone, node, DNS_TYPE_DS);
		f->delegations++;
		f->signed_delegations += ds != NULL && ds->count > 0;
	}
	for (size_t i = 0; i < node->set_count; i++)
		note_set(c, node, zone_node_set(c->zone, node, i));
}

static void note_keys(struct collector *c, const struct zone_rrset *set)
{
	struct zone_facts *f = c->f;
	for (size_t i = 0; i < set->count; i++) {
		struct dns_key *key;
		if (dns_key_new(zone_apex(c->zone), &zone_rdata(c->zone, set)[i], &key, NULL) !=
		        RESULT_OK)
			continue; // too short: no key
		struct zone_facts_signer *signer =
		        find_signer(c, dns_key_tag(key), dns_key_algorithm(key));
		if (signer != NULL) {
			signer->is_published = true;
			signer->sharing++;
			signer->flags = knot_wire_read_u16(dns_key_rdata(key)->octets);
		}
		dns_key_unref(key);
	}
	// Header, question, and each record with a compressed owner; an OPT record of 11 octets.
	f->dnskey_count = set->count;
	f->dnskey_answer_octets = 12 + dns_name_length(zone_apex(c->zone)) + 4 + 11;
	for (size_t i = 0; i < (size_t)set->count + set->signature_count; i++)
		f->dnskey_answer_octets += 12u + zone_rdata(c->zone, set)[i].length;
}

static void note_apex(struct collector *c)
{
	struct zone_facts *f = c->f;
	const struct zone_node *apex = zone_node_at(c->zone, 0);
	const struct zone_rrset *soa = zone_node_find(c->zone, apex, DNS_TYPE_SOA);
	const struct dns_rdata *rdata = zone_rdata(c->zone, soa);
	const uint8_t *tail = rdata->octets + rdata->length - 20;
	f->serial = knot_wire_read_u32(tail);
	f->negative_ttl_s = knot_wire_read_u32(tail + 16);
	if (soa->ttl_max_s < f->negative_ttl_s)
		f->negative_ttl_s = soa->ttl_max_s;
	const struct zone_rrset *keys = zone_node_find(c->zone, apex, DNS_TYPE_DNSKEY);
	if (keys != NULL)
		note_keys(c, keys);
	const struct zone_rrset *param = zone_node_find(c->zone, apex, DNS_TYPE_NSEC3PARAM);
	for (size_t i = 0; param != NULL && i < param->count; i++) {
		const uint8_t *octets = zone_rdata(c->zone, param)[i].octets;
		if (octets[1] == 0 && f->nsec3_parameters == NULL)
			f->nsec3_parameters = octets;
	}
}

void zone_facts_collect(const struct zone *zone, int64_t now_s, struct zone_facts *facts)
{
	memset(facts, 0, sizeof *facts);
	struct collector c = {.zone = zone, .f = facts, .now_s = now_s};
	facts->records = zone_record_count(zone);
	note_apex(&c);
	for (size_t i = 0; i < zone_node_count(zone); i++)
		note_node(&c, zone_node_at(zone, i));
	facts->has_nsec3 = facts->nsec3_parameters != NULL;
}
