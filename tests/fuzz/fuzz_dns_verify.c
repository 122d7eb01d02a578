// fuzz: links dep_dns
// Any octets as a key, a signature and a set that it covers: no harm, the same outcome each time,
// and a set that was changed is never accepted.
//
// Input: an octet of switches; then pieces with a length of two octets each: DNSKEY RDATA, RRSIG
// RDATA, the owner's name, and the set's RDATA.
#include <stdlib.h>
#include <string.h>

#include "dns/verify.h"

#define NOW_S   1767225600 // 2026-01-01
#define RECORDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

struct input {
	const uint8_t *at, *end;
};

static bool take(struct input *in, struct dns_rdata *piece)
{
	if (in->end - in->at < 2)
		return false;
	size_t n = (size_t)in->at[0] << 8 | in->at[1];
	if (n > (size_t)(in->end - in->at - 2))
		return false;
	*piece = (struct dns_rdata){in->at + 2, (uint16_t)n};
	in->at += 2 + n;
	return true;
}

// Algorithm and tag of the RRSIG as they are in the key, so that the signature itself is looked at.
static void make_fit(struct arena *arena, struct dns_rdata *signature, const struct dns_key *key)
{
	if (signature->length < 18)
		return;
	uint8_t *octets = arena_memdup(arena, signature->octets, signature->length);
	octets[2] = dns_key_algorithm(key);
	octets[16] = (uint8_t)(dns_key_tag(key) >> 8);
	octets[17] = (uint8_t)dns_key_tag(key);
	signature->octets = octets;
}

static void check_canonical(struct arena *arena, const struct dns_rrset *set)
{
	struct dns_rdata *sorted;
	size_t count;
	require(dns_canonical_rdata(arena, set, &sorted, &count, NULL) == RESULT_OK);
	require(count <= set->count && (count > 0) == (set->count > 0));
	for (size_t i = 1; i < count; i++) {
		const struct dns_rdata *a = &sorted[i - 1], *b = &sorted[i];
		size_t n = a->length < b->length ? a->length : b->length;
		int order = memcmp(a->octets, b->octets, n);
		require(order < 0 || (order == 0 && a->length < b->length));
	}
}

static struct dns_verified verify(
        struct arena *arena, const struct dns_rrset *set, const struct dns_keys *keys)
{
	struct dns_verified v;
	require(dns_rrset_verify(arena, set, keys, NOW_S, &v, NULL) == RESULT_OK);
	require((v.outcome == DNS_SIGNATURE_GOOD) == (v.signer_count > 0));
	require(v.outcome < DNS_SIGNATURE_COUNT && v.signature_count == set->signature_count);
	return v;
}

static void check_set(struct arena *arena, struct dns_rrset *set, const struct dns_keys *keys)
{
	check_canonical(arena, set);
	struct dns_verified v = verify(arena, set, keys), again = verify(arena, set, keys);
	require(v.outcome == again.outcome && v.signer_count == again.signer_count);
	if (v.outcome != DNS_SIGNATURE_GOOD || set->type == DNS_TYPE_RRSIG)
		return;
	// One record more is another set, unless it is there already.
	struct dns_rdata list[RECORDS + 1];
	memcpy(list, set->rdata, set->count * sizeof *list);
	list[set->count] = (struct dns_rdata){(const uint8_t *)"another record", 14};
	struct dns_rrset longer = *set;
	longer.rdata = list;
	longer.count++;
	struct dns_rdata *distinct;
	size_t count = 0, longer_count = 0;
	require(dns_canonical_rdata(arena, set, &distinct, &count, NULL) == RESULT_OK &&
	        dns_canonical_rdata(arena, &longer, &distinct, &longer_count, NULL) == RESULT_OK);
	bool same = count == longer_count;
	require((verify(arena, &longer, keys).outcome == DNS_SIGNATURE_GOOD) == same);
}

static void try(struct arena *arena, struct input *in, uint8_t switches)
{
	struct dns_rdata key_rdata, signature, owner, list[RECORDS];
	struct dns_name name;
	struct dns_rrsig rrsig;
	size_t length;
	if (!take(in, &key_rdata) || !take(in, &signature) || !take(in, &owner) ||
	        dns_name_check(owner.octets, owner.length, &name, &length, NULL) != RESULT_OK ||
	        dns_rrsig_parse(&signature, &rrsig, NULL) != RESULT_OK)
		return;
	struct dns_key *key;
	if (dns_key_new(rrsig.signer.wire, &key_rdata, &key, NULL) != RESULT_OK)
		return;
	if ((switches & 1) != 0)
		make_fit(arena, &signature, key);
	size_t count = 0;
	while (count < RECORDS && take(in, &list[count]))
		count++;
	struct dns_rrset set = {.owner = name.wire,
	        .type = rrsig.type_covered,
	        .rclass = DNS_CLASS_IN,
	        .count = count,
	        .rdata = list,
	        .signature_count = 1,
	        .signatures = &signature};
	struct dns_key *twice[] = {key, key};
	const struct dns_keys keys = {(switches & 2) != 0 ? 2 : 1, twice};
	check_set(arena, &set, &keys);
	struct dns_ds ds;
	for (uint8_t type = 1; type <= 4; type++) {
		if (dns_ds_from_key(key, type, &ds, NULL) == RESULT_OK)
			require(dns_ds_match(&ds, key) == DNS_DS_MATCHES);
	}
	dns_key_unref(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena *arena = arena_new(64u << 20);
	require(arena != NULL);
	struct input in = {data + 1, data + size};
	try(arena, &in, data[0]);
	arena_free(arena);
	return 0;
}
