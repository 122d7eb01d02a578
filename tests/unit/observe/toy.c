#include "toy.h"

#include "dns/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- The zone -------------------------------------------------------------------------------

void toy_init(struct toy *toy, const char *zone, int64_t now_ms)
{
	struct error err;
	memset(toy, 0, sizeof *toy);
	assert_int_equal(dns_name_parse(zone, &toy->zone, &err), RESULT_OK);
	toy->arena = arena_new(16 << 20);
	toy->from_s = (uint32_t)(now_ms / 1000 - 86400);
	toy->until_s = (uint32_t)(now_ms / 1000 + 30 * 86400);
	toy->dnskey_ttl_s = 300;
}

void toy_free(struct toy *toy)
{
	for (int i = 0; i < TOY_KEYS; i++) {
		EVP_PKEY_free(toy->keys[i].key);
		dns_key_unref(toy->keys[i].dnskey);
	}
	arena_free(toy->arena);
}

void toy_add(struct toy *toy, const char *record)
{
	struct error err;
	assert_true(toy->record_count < TOY_RECORDS);
	if (dns_record_parse(toy->arena, record, NULL, &toy->record[toy->record_count], &err) !=
	        RESULT_OK)
		fail_msg("%s", err.text);
	toy->record_count++;
}

void toy_remove(struct toy *toy, const char *owner, uint16_t type)
{
	struct dns_name name;
	size_t kept = 0;
	assert_int_equal(dns_name_parse(owner, &name, NULL), RESULT_OK);
	for (size_t i = 0; i < toy->record_count; i++)
		if (toy->record[i].type != type || !dns_name_equal(toy->record[i].owner, name.wire))
			toy->record[kept++] = toy->record[i];
	toy->record_count = kept;
}

void toy_key(struct toy *toy, unsigned number, enum toy_role role)
{
	uint8_t seed[32], rdata[4 + 32] = {1, (role & TOY_KSK) != 0, 3, 15};
	size_t length = 32;
	struct error err;
	memset(seed, (int)(0x40 + number), sizeof seed);
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, rdata + 4, &length), 1);
	struct dns_rdata wire = {arena_memdup(toy->arena, rdata, sizeof rdata), sizeof rdata};
	toy->keys[number].role = role;
	toy->keys[number].key = key;
	assert_int_equal(
	        dns_key_new(toy->zone.wire, &wire, &toy->keys[number].dnskey, &err), RESULT_OK);
	toy->record[toy->record_count++] = (struct dns_record){
	        .owner = toy->zone.wire, .type = DNS_TYPE_DNSKEY, .rclass = 1, .rdata = wire};
}

void toy_add_ds(struct toy *parent, const struct toy *child, unsigned key)
{
	struct dns_ds ds;
	struct error err;
	char text[DNS_DS_TEXT], name[DNS_NAME_TEXT], record[DNS_DS_TEXT + DNS_NAME_TEXT + 40];
	assert_int_equal(dns_ds_from_key(child->keys[key].dnskey, 2, &ds, &err), RESULT_OK);
	snprintf(record, sizeof record, "%s 600 DS %s", dns_name_text(child->zone.wire, name),
	        dns_ds_text(&ds, text));
	toy_add(parent, record);
}

// ---- Wire -----------------------------------------------------------------------------------

struct out {
	struct toy *toy;
	uint8_t data[65535];
	size_t length;
};

static void put(struct out *out, const void *data, size_t n)
{
	assert_true(out->length + n <= sizeof out->data);
	memcpy(out->data + out->length, data, n);
	out->length += n;
}

static void put_name(struct out *out, const uint8_t *name)
{
	put(out, name, dns_name_length(name));
}

static void put_number(struct out *out, uint64_t value, unsigned octets)
{
	uint8_t b[8];
	for (unsigned i = 0; i < octets; i++)
		b[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
	put(out, b, octets);
}

static void count(struct out *out, enum dns_section section)
{
	uint8_t *at = &out->data[6 + 2 * section];
	if (++at[1] == 0)
		at[0]++;
}

static void put_record(struct out *out, enum dns_section section, const uint8_t *owner,
        uint16_t type, uint32_t ttl_s, const uint8_t *rdata, size_t length)
{
	put_name(out, owner);
	put_number(out, type, 2);
	put_number(out, 1, 2);
	put_number(out, ttl_s, 4);
	put_number(out, length, 2);
	put(out, rdata, length);
	count(out, section);
}

// ---- Signing --------------------------------------------------------------------------------

struct set {
	const uint8_t *owner;
	uint16_t type;
	uint32_t ttl_s;
	size_t count;
	struct dns_rdata rdata[TOY_SET]; // in canonical order
};

static int rdata_compare(const void *a, const void *b)
{
	const struct dns_rdata *one = a, *other = b;
	size_t n = one->length < other->length ? one->length : other->length;
	int order = memcmp(one->octets, other->octets, n);
	return order != 0 ? order : (int)one->length - (int)other->length;
}

static void sign(struct out *out, enum dns_section section, const struct set *set, unsigned key)
{
	static struct out text, rrsig;
	struct toy *toy = out->toy;
	uint8_t signature[64];
	size_t length = sizeof signature;
	rrsig.length = text.length = 0;
	put_number(&rrsig, set->type, 2);
	put_number(&rrsig, 15, 1);
	put_number(&rrsig, dns_name_labels(set->owner), 1);
	put_number(&rrsig, set->ttl_s, 4);
	put_number(&rrsig, toy->until_s, 4);
	put_number(&rrsig, toy->from_s, 4);
	put_number(&rrsig, dns_key_tag(toy->keys[key].dnskey), 2);
	put_name(&rrsig, toy->zone.wire);
	put(&text, rrsig.data, rrsig.length);
	for (size_t i = 0; i < set->count; i++) {
		put_name(&text, set->owner);
		put_number(&text, set->type, 2);
		put_number(&text, 1, 2);
		put_number(&text, set->ttl_s, 4);
		put_number(&text, set->rdata[i].length, 2);
		put(&text, set->rdata[i].octets, set->rdata[i].length);
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, toy->keys[key].key), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &length, text.data, text.length), 1);
	EVP_MD_CTX_free(ctx);
	put(&rrsig, signature, length);
	put_record(out, section, set->owner, DNS_TYPE_RRSIG, set->ttl_s, rrsig.data, rrsig.length);
}

static void put_set(
        struct out *out, enum dns_section section, struct set *set, bool with_signatures)
{
	struct toy *toy = out->toy;
	qsort(set->rdata, set->count, sizeof set->rdata[0], rdata_compare);
	for (size_t i = 0; i < set->count; i++)
		put_record(out, section, set->owner, set->type, set->ttl_s, set->rdata[i].octets,
		        set->rdata[i].length);
	if (toy->forge_dnskey && set->type == DNS_TYPE_DNSKEY) {
		uint8_t forged[36] = {1, 0, 3, 15, 99};
		put_record(out, section, set->owner, set->type, set->ttl_s, forged, sizeof forged);
	}
	enum toy_role role = set->type == DNS_TYPE_DNSKEY ? TOY_KSK : TOY_ZSK;
	for (unsigned k = 0; with_signatures && !toy->no_signatures && k < TOY_KEYS; k++)
		if (toy->keys[k].key != NULL && (toy->keys[k].role & role) != 0)
			sign(out, section, set, k);
}

// ---- Answers --------------------------------------------------------------------------------

static bool find(const struct toy *toy, const uint8_t *owner, uint16_t type, struct set *set)
{
	size_t count = toy->record_count;
	if (toy->fickle && toy->requests % 2 == 0 && count > 0)
		count--;
	*set = (struct set){.owner = owner, .type = type};
	for (size_t i = 0; i < count; i++) {
		const struct dns_record *r = &toy->record[i];
		if (r->type != type || !dns_name_equal(r->owner, owner) || set->count == TOY_SET)
			continue;
		set->rdata[set->count++] = r->rdata;
		set->ttl_s = type == DNS_TYPE_DNSKEY ? toy->dnskey_ttl_s : r->ttl_s;
	}
	return set->count > 0;
}

// The highest name between the zone and `name` that is delegated.
static const uint8_t *cut_above(const struct toy *toy, const uint8_t *name)
{
	size_t below = dns_name_labels(name) - dns_name_labels(toy->zone.wire);
	struct set set;
	for (size_t n = below; n-- > 0;)
		if (find(toy, dns_name_skip(name, n), DNS_TYPE_NS, &set))
			return dns_name_skip(name, n);
	return NULL;
}

static void put_nsec(struct out *out, const uint8_t *owner, bool delegation)
{
	static struct out rdata;
	struct dns_name next;
	struct set set = {.owner = owner, .type = DNS_TYPE_NSEC, .ttl_s = 30, .count = 1};
	if (out->toy->no_proof || dns_name_prepend(&next, "0", owner, NULL) != RESULT_OK)
		return;
	rdata.length = 0;
	put_name(&rdata, next.wire);
	// RRSIG (46) and NSEC (47), and NS (2) at a delegation.
	uint8_t maps[] = {0, 6, delegation ? 0x20 : 0, 0, 0, 0, 0, 0x03};
	put(&rdata, maps, sizeof maps);
	set.rdata[0] = (struct dns_rdata){rdata.data, (uint16_t)rdata.length};
	put_set(out, DNS_AUTHORITY, &set, true);
}

static void refer(struct out *out, const uint8_t *cut)
{
	struct set ns, address;
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
	find(out->toy, cut, DNS_TYPE_NS, &ns);
	put_set(out, DNS_AUTHORITY, &ns, false);
	for (size_t i = 0; i < ns.count; i++)
		for (int t = 0; t < 2; t++)
			if (find(out->toy, ns.rdata[i].octets, types[t], &address))
				put_set(out, DNS_ADDITIONAL, &address, false);
}

static void fill(struct out *out, const uint8_t *name, uint16_t type)
{
	struct set set;
	const uint8_t *cut = cut_above(out->toy, name);
	bool is_cut = cut != NULL && dns_name_equal(cut, name);
	if (cut != NULL && !(is_cut && type == DNS_TYPE_DS)) {
		refer(out, cut);
		return;
	}
	if (!out->toy->lame)
		out->data[2] |= 4;
	if (find(out->toy, name, type, &set)) {
		put_set(out, DNS_ANSWER, &set, true);
		return;
	}
	if (find(out->toy, out->toy->zone.wire, DNS_TYPE_SOA, &set))
		put_set(out, DNS_AUTHORITY, &set, true);
	put_nsec(out, name, is_cut);
}

static void answer(void *ctx, const struct sim_request *request)
{
	struct toy *toy = ctx;
	static struct out out;
	struct dns_name name;
	size_t length;
	toy->requests++;
	if (toy->mute > 0) {
		toy->mute--;
		return;
	}
	if (request->octets < 17 || dns_name_check(request->data + 12, request->octets - 16, &name,
	                                    &length, NULL) != RESULT_OK)
		return;
	uint16_t type = (uint16_t)(request->data[12 + length] << 8 | request->data[13 + length]);
	out.toy = toy;
	out.length = 0;
	put(&out, request->data, 16 + length);
	memset(out.data + 2, 0, 10);
	out.data[2] = 0x80;
	out.data[5] = 1;
	struct dns_name lower;
	dns_name_lower(&lower, name.wire);
	if (toy->rcode != 0 || !dns_name_is_subdomain(lower.wire, toy->zone.wire))
		out.data[3] = toy->rcode != 0 ? toy->rcode : DNS_RCODE_REFUSED;
	else
		fill(&out, lower.wire, type);
	const struct random *random = sim_random(toy->sim);
	if (toy->flip)
		out.data[random_below(random, out.length)] ^=
		        (uint8_t)(1 << random_below(random, 8));
	if (toy->cut)
		out.length -= random_below(random, out.length);
	sim_reply(request, &(struct sim_reply){.data = out.data, .octets = out.length});
}

void toy_put(struct sim *sim, const char *address, struct toy *toy)
{
	struct address at;
	toy->sim = sim;
	assert_int_equal(address_parse(address, 53, &at, NULL), RESULT_OK);
	sim_host_set(sim, &at,
	        &(struct sim_host){.request = answer, .ctx = toy, .link = {.delay_ms = 10}});
}
