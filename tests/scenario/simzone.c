#include "simzone.h"

#include <stdlib.h>
#include <string.h>

#include "dns/canonical.h"
#include "dns/rdata.h"

static void *get(struct simzone *zone, size_t octets)
{
	void *memory = arena_alloc(zone->arena, octets);
	if (memory == NULL)
		abort();
	return memory;
}

static void need(bool good)
{
	if (!good)
		abort();
}

struct simzone *simzone_new(struct arena *arena, const char *apex, const char *child,
        struct simkey *const *keys, size_t key_count)
{
	struct simzone *zone = arena_alloc(arena, sizeof *zone);
	need(zone != NULL);
	zone->arena = arena;
	zone->keys = keys;
	zone->key_count = key_count;
	zone->period_s = 30 * 86400;
	zone->validity_s = 400 * 86400;
	need(dns_name_parse(apex, &zone->apex, NULL) == RESULT_OK);
	zone->is_parent = child != NULL;
	if (child != NULL)
		need(dns_name_parse(child, &zone->child, NULL) == RESULT_OK);
	return zone;
}

// ---- Versions -------------------------------------------------------------------------------

struct simversion *simversion_new(struct simzone *zone)
{
	struct simversion *version = get(zone, sizeof *version);
	version->serving = true;
	return version;
}

struct simversion *simversion_copy(struct simzone *zone, const struct simversion *from)
{
	struct simversion *version = get(zone, sizeof *version);
	*version = *from;
	return version;
}

static size_t place_of(const struct simversion *version, const uint8_t *owner, uint16_t type)
{
	size_t i = 0;
	while (i < version->count && (version->set[i]->type != type ||
	                                     !dns_name_equal(version->set[i]->owner.wire, owner)))
		i++;
	return i;
}

struct simrrset *simversion_find(
        const struct simversion *version, const uint8_t *owner, uint16_t type)
{
	size_t i = place_of(version, owner, type);
	return i < version->count ? version->set[i] : NULL;
}

// The set to be changed: a copy of what is there, in its place.
static struct simrrset *set_open(
        struct simzone *zone, struct simversion *version, const uint8_t *owner, uint16_t type)
{
	size_t i = place_of(version, owner, type);
	struct simrrset *set = get(zone, sizeof *set);
	if (i < version->count) {
		*set = *version->set[i];
	} else {
		need(version->count < SIMZONE_SETS);
		dns_name_lower(&set->owner, owner);
		set->type = type;
		version->count++;
	}
	set->signature_count = 0;
	version->set[i] = set;
	return set;
}

static void drop_empty(struct simversion *version)
{
	size_t kept = 0;
	for (size_t i = 0; i < version->count; i++)
		if (version->set[i]->count > 0)
			version->set[kept++] = version->set[i];
	version->count = kept;
}

static void record_add(struct simzone *zone, struct simrrset *set, const struct dns_rdata *rdata)
{
	for (size_t i = 0; i < set->count; i++)
		if (dns_rdata_equal(set->type, &set->rdata[i], rdata))
			return;
	need(set->count < SIMZONE_RECORDS);
	uint8_t *octets = arena_memdup(zone->arena, rdata->octets, rdata->length);
	need(octets != NULL);
	set->rdata[set->count++] = (struct dns_rdata){octets, rdata->length};
}

static void record_remove(struct simrrset *set, const struct dns_rdata *rdata)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++)
		if (!dns_rdata_equal(set->type, &set->rdata[i], rdata))
			set->rdata[kept++] = set->rdata[i];
	set->count = kept;
}

void simversion_put(struct simzone *zone, struct simversion *version, const char *owner,
        uint16_t type, uint32_t ttl_s, const char *const *texts, size_t count)
{
	struct dns_name name;
	need(dns_name_parse(owner, &name, NULL) == RESULT_OK);
	struct simrrset *set = set_open(zone, version, name.wire, type);
	set->ttl_s = ttl_s;
	set->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct dns_rdata rdata;
		need(dns_rdata_parse(zone->arena, type, texts[i], NULL, &rdata, NULL) == RESULT_OK);
		record_add(zone, set, &rdata);
	}
	drop_empty(version);
}

void simversion_put_keys(
        struct simzone *zone, struct simversion *version, uint32_t ttl_s, uint64_t keys)
{
	struct simrrset *set = set_open(zone, version, zone->apex.wire, DNS_TYPE_DNSKEY);
	set->ttl_s = ttl_s;
	set->count = 0;
	for (size_t i = 0; i < zone->key_count; i++)
		if (keys >> i & 1)
			record_add(zone, set, dns_key_rdata(simkey_dns(zone->keys[i])));
}

void simversion_set_ttl(struct simzone *zone, struct simversion *version, const char *owner,
        uint16_t type, uint32_t ttl_s)
{
	struct dns_name name;
	need(dns_name_parse(owner, &name, NULL) == RESULT_OK);
	set_open(zone, version, name.wire, type)->ttl_s = ttl_s;
}

bool simversion_keys(const struct simzone *zone, const struct simversion *version, uint64_t *keys)
{
	const struct simrrset *set = simversion_find(version, zone->apex.wire, DNS_TYPE_DNSKEY);
	bool all = true;
	*keys = 0;
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		size_t k = 0;
		while (k < zone->key_count && !dns_rdata_equal(DNS_TYPE_DNSKEY, &set->rdata[i],
		                                      dns_key_rdata(simkey_dns(zone->keys[k]))))
			k++;
		all = all && k < zone->key_count;
		*keys |= k < zone->key_count ? UINT64_C(1) << k : 0;
	}
	return all;
}

// ---- Updates (RFC 2136) ---------------------------------------------------------------------

static bool same_set(const struct simrrset *have, const struct dns_rrset *wanted)
{
	if (have == NULL || have->count != wanted->count)
		return false;
	for (size_t i = 0; i < wanted->count; i++) {
		bool found = false;
		for (size_t k = 0; k < have->count; k++)
			found |= dns_rdata_equal(have->type, &have->rdata[k], &wanted->rdata[i]);
		if (!found)
			return false;
	}
	return true;
}

static uint16_t check_prerequisites(
        const struct simversion *version, const struct dns_message *update)
{
	for (size_t i = 0; i < update->section[DNS_ANSWER].count; i++) {
		const struct dns_rrset *one = &update->section[DNS_ANSWER].rrset[i];
		const struct simrrset *have = simversion_find(version, one->owner, one->type);
		if (one->rclass == DNS_CLASS_ANY && have == NULL)
			return DNS_RCODE_NXRRSET;
		if (one->rclass == DNS_CLASS_NONE && have != NULL)
			return DNS_RCODE_YXRRSET;
		if (one->rclass == DNS_CLASS_IN && !same_set(have, one))
			return DNS_RCODE_NXRRSET;
	}
	return DNS_RCODE_NOERROR;
}

static bool is_protected(const struct simzone *zone, const struct simrrset *set)
{
	return set->type == DNS_TYPE_NS && dns_name_equal(set->owner.wire, zone->apex.wire);
}

static void apply_one(
        struct simzone *zone, struct simversion *version, const struct dns_rrset *change)
{
	struct simrrset *set = set_open(zone, version, change->owner, change->type);
	if (change->rclass == DNS_CLASS_ANY && !is_protected(zone, set))
		set->count = 0;
	for (size_t i = 0; change->rclass == DNS_CLASS_IN && i < change->count; i++) {
		set->ttl_s = change->ttl_s;
		record_add(zone, set, &change->rdata[i]);
	}
	for (size_t i = 0; change->rclass == DNS_CLASS_NONE && i < change->count; i++)
		if (!is_protected(zone, set) || set->count > 1)
			record_remove(set, &change->rdata[i]);
	drop_empty(version);
}

static bool same_version(const struct simversion *a, const struct simversion *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct simrrset *x = a->set[i],
		                      *y = simversion_find(b, x->owner.wire, x->type);
		struct dns_rrset as_set = {.count = x->count, .rdata = x->rdata};
		if (y == NULL || x->ttl_s != y->ttl_s || !same_set(y, &as_set))
			return false;
	}
	return true;
}

uint16_t simversion_update(struct simzone *zone, struct simversion *version,
        const struct dns_message *update, bool *changed)
{
	struct simversion before = *version;
	*changed = false;
	if (!update->has_question || !dns_name_equal(update->question_name, zone->apex.wire))
		return DNS_RCODE_NOTAUTH;
	uint16_t rcode = check_prerequisites(version, update);
	for (size_t i = 0; rcode == DNS_RCODE_NOERROR && i < update->section[DNS_AUTHORITY].count;
	        i++)
		apply_one(zone, version, &update->section[DNS_AUTHORITY].rrset[i]);
	*changed = !same_version(&before, version);
	return rcode;
}

// ---- Signatures -----------------------------------------------------------------------------

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static struct dns_rdata sign(
        struct simzone *zone, const struct simrrset *set, const struct simkey *key, int64_t epoch)
{
	size_t name = dns_name_length(zone->apex.wire), length;
	uint8_t *rrsig = get(zone, 18 + name + SIMKEY_SIGNATURE), *data;
	int64_t from_s = epoch * zone->period_s - 3600;
	put16(rrsig, set->type);
	rrsig[2] = dns_key_algorithm(simkey_dns(key));
	rrsig[3] = (uint8_t)dns_name_labels(set->owner.wire);
	put32(rrsig + 4, set->ttl_s);
	put32(rrsig + 8, (uint32_t)(from_s + zone->validity_s));
	put32(rrsig + 12, (uint32_t)from_s);
	put16(rrsig + 16, dns_key_tag(simkey_dns(key)));
	memcpy(rrsig + 18, zone->apex.wire, name);
	struct dns_rdata rdata = {rrsig, (uint16_t)(18 + name + SIMKEY_SIGNATURE)};
	struct dns_rrset rrset = {.owner = set->owner.wire,
	        .type = set->type,
	        .rclass = DNS_CLASS_IN,
	        .ttl_s = set->ttl_s,
	        .count = set->count,
	        .rdata = set->rdata};
	struct dns_rrsig parsed;
	struct dns_rdata *canonical;
	size_t count;
	struct arena *scratch = arena_new(1 << 20);
	need(scratch != NULL && dns_rrsig_parse(&rdata, &parsed, NULL) == RESULT_OK &&
	        dns_canonical_rdata(scratch, &rrset, &canonical, &count, NULL) == RESULT_OK &&
	        dns_signed_octets(scratch, &rrset, canonical, count, &rdata, &parsed, &data,
	                &length, NULL) == RESULT_OK);
	simkey_sign(key, data, length, rrsig + 18 + name);
	arena_free(scratch);
	return rdata;
}

static void make_signatures(
        struct simzone *zone, struct simrrset *set, uint64_t signers, int64_t now_s)
{
	int64_t epoch = now_s / zone->period_s;
	if (set->signature_count > 0 && set->signers == signers && set->epoch == epoch)
		return;
	set->signers = signers;
	set->epoch = epoch;
	set->signature_count = 0;
	for (size_t i = 0; i < zone->key_count; i++)
		if (signers >> i & 1 && set->signature_count < SIMZONE_SIGNERS)
			set->signature[set->signature_count++] =
			        sign(zone, set, zone->keys[i], epoch);
}

// ---- Answers --------------------------------------------------------------------------------

struct writer {
	struct simzone *zone;
	const struct simversion *version;
	int64_t now_s;
	uint8_t *out;
	size_t length;
	bool dnssec;
};

static void count_up(struct writer *w, enum dns_section section)
{
	uint8_t *at = w->out + 6 + 2 * section;
	put16(at, (unsigned)(at[0] << 8 | at[1]) + 1);
}

static void write_record(struct writer *w, enum dns_section section, const uint8_t *owner,
        uint16_t type, uint32_t ttl_s, const struct dns_rdata *rdata)
{
	size_t name = dns_name_length(owner);
	need(w->length + name + 10 + rdata->length <= SIMZONE_MESSAGE);
	uint8_t *at = w->out + w->length;
	memcpy(at, owner, name);
	put16(at + name, type);
	put16(at + name + 2, DNS_CLASS_IN);
	put32(at + name + 4, ttl_s);
	put16(at + name + 8, rdata->length);
	memcpy(at + name + 10, rdata->octets, rdata->length);
	w->length += name + 10 + rdata->length;
	count_up(w, section);
}

static void write_set(
        struct writer *w, enum dns_section section, struct simrrset *set, bool sign_it)
{
	uint32_t ttl_s = set->ttl_s;
	if (w->zone->counts_down && ttl_s > 0)
		ttl_s -= (uint32_t)(w->now_s % ttl_s);
	for (size_t i = 0; i < set->count; i++)
		write_record(w, section, set->owner.wire, set->type, ttl_s, &set->rdata[i]);
	if (!sign_it || !w->dnssec)
		return;
	make_signatures(w->zone, set,
	        set->type == DNS_TYPE_DNSKEY ? w->version->dnskey_signers
	                                     : w->version->data_signers,
	        w->now_s);
	for (size_t i = 0; i < set->signature_count; i++)
		write_record(
		        w, section, set->owner.wire, DNS_TYPE_RRSIG, ttl_s, &set->signature[i]);
}

static void bit_set(uint8_t *map, uint16_t type, uint8_t *octets)
{
	if (type > 255)
		return;
	map[type / 8] |= (uint8_t)(0x80 >> type % 8);
	if (type / 8 + 1 > *octets)
		*octets = (uint8_t)(type / 8 + 1);
}

// An NSEC record at the name itself that says which types there are.
static struct simrrset *denial_of(struct writer *w, const uint8_t *name, uint32_t ttl_s)
{
	struct simzone *zone = w->zone;
	uint8_t rdata[2 + DNS_NAME_MAX + 34] = {1, 0};
	size_t n = 2 + dns_name_length(name);
	if (n - 1 > DNS_NAME_MAX)
		abort();
	memcpy(rdata + 2, name, n - 2);
	uint8_t *map = rdata + n + 2, octets = 0;
	for (size_t i = 0; i < w->version->count; i++)
		if (dns_name_equal(w->version->set[i]->owner.wire, name))
			bit_set(map, w->version->set[i]->type, &octets);
	bit_set(map, DNS_TYPE_RRSIG, &octets);
	bit_set(map, DNS_TYPE_NSEC, &octets);
	rdata[n + 1] = octets;
	n += 2u + octets;
	for (size_t i = 0; i < zone->denial_count; i++) {
		struct simrrset *old = zone->denial[i];
		if (old->ttl_s == ttl_s && dns_name_equal(old->owner.wire, name) &&
		        old->rdata[0].length == n && memcmp(old->rdata[0].octets, rdata, n) == 0)
			return old;
	}
	struct simrrset *set = get(zone, sizeof *set);
	dns_name_lower(&set->owner, name);
	set->type = DNS_TYPE_NSEC;
	set->ttl_s = ttl_s;
	record_add(zone, set, &(struct dns_rdata){rdata, (uint16_t)n});
	if (zone->denial_count < sizeof zone->denial / sizeof zone->denial[0])
		zone->denial[zone->denial_count++] = set;
	return set;
}

static void write_denial(struct writer *w, const uint8_t *name)
{
	struct simrrset *soa = simversion_find(w->version, w->zone->apex.wire, DNS_TYPE_SOA);
	need(soa != NULL);
	struct dns_name lower;
	dns_name_lower(&lower, name);
	write_set(w, DNS_AUTHORITY, soa, true);
	if (w->dnssec)
		write_set(w, DNS_AUTHORITY, denial_of(w, lower.wire, soa->ttl_s), true);
}

// What follows the header and the question; whether the answer is authoritative.
static bool write_answer(struct writer *w, const uint8_t *name, uint16_t type)
{
	const struct simzone *zone = w->zone;
	bool below = zone->is_parent && dns_name_is_subdomain(name, zone->child.wire);
	struct simrrset *cut =
	        below ? simversion_find(w->version, zone->child.wire, DNS_TYPE_NS) : NULL;
	if (cut != NULL && !(type == DNS_TYPE_DS && dns_name_equal(name, zone->child.wire))) {
		struct simrrset *ds = simversion_find(w->version, zone->child.wire, DNS_TYPE_DS);
		write_set(w, DNS_AUTHORITY, cut, false);
		if (ds != NULL)
			write_set(w, DNS_AUTHORITY, ds, true);
		return false;
	}
	struct simrrset *set = simversion_find(w->version, name, type);
	if (set != NULL)
		write_set(w, DNS_ANSWER, set, true);
	else
		write_denial(w, name);
	return true;
}

static size_t question_end(const uint8_t *query, size_t octets)
{
	size_t at = 12;
	while (at < octets && query[at] != 0)
		at += 1u + query[at];
	return at + 5;
}

size_t simzone_refuse(
        const uint8_t *query, size_t octets, uint16_t rcode, uint8_t out[SIMZONE_MESSAGE])
{
	size_t n = question_end(query, octets);
	need(n <= octets);
	memcpy(out, query, n);
	out[2] = (uint8_t)(0x80 | (query[2] & 0x79)); // QR, opcode, RD
	out[3] = (uint8_t)rcode;
	put16(out + 4, 1);
	memset(out + 6, 0, 6);
	return n;
}

static void write_edns(struct writer *w)
{
	static const uint8_t opt[] = {0, 0, DNS_TYPE_OPT, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0};
	memcpy(w->out + w->length, opt, sizeof opt);
	w->length += sizeof opt;
	count_up(w, DNS_ADDITIONAL);
}

size_t simzone_answer(struct simzone *zone, const struct simversion *version,
        const struct dns_message *query, const uint8_t *octets, int64_t now_s, bool tcp,
        uint8_t out[SIMZONE_MESSAGE])
{
	size_t head = simzone_refuse(octets, query->octets, DNS_RCODE_NOERROR, out);
	struct writer w = {.zone = zone,
	        .version = version,
	        .now_s = now_s,
	        .out = out,
	        .length = head,
	        .dnssec = query->has_edns && query->edns_dnssec_ok};
	if (!version->serving || !dns_name_is_subdomain(query->question_name, zone->apex.wire))
		return simzone_refuse(octets, query->octets, DNS_RCODE_REFUSED, out);
	if (write_answer(&w, query->question_name, query->question_type))
		out[2] |= 0x04; // AA
	size_t room = query->has_edns ? query->edns_udp_size : 512;
	if (!tcp && w.length + 11 > room) {
		memset(out + 6, 0, 6);
		w.length = head;
		out[2] |= 0x02; // TC
	}
	if (query->has_edns)
		write_edns(&w);
	return w.length;
}
