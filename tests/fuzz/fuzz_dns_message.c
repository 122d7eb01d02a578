// fuzz: links dep_dns
// Any octets as a DNS message: refused with a place, or sets that keep what dns/message.h promises;
// and whatever came is printed, and checked for TSIG.
#include <stdlib.h>
#include <string.h>

#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_rdata(struct arena *arena, uint16_t type, const struct dns_rdata *r)
{
	require(r->octets != NULL);
	require(dns_rdata_equal(type, r, r));
	require(dns_rdata_text(arena, type, r) != NULL);
}

static size_t check_set(struct arena *arena, const struct dns_rrset *set)
{
	char text[DNS_NAME_TEXT];
	require(dns_name_length(set->owner) <= DNS_NAME_MAX);
	require(strlen(dns_name_text(set->owner, text)) < DNS_NAME_TEXT);
	require(set->count + set->signature_count > 0 && set->ttl_s <= set->ttl_max_s);
	for (size_t i = 0; i < set->count; i++)
		check_rdata(arena, set->type, &set->rdata[i]);
	for (size_t i = 0; i < set->signature_count; i++)
		check_rdata(arena, DNS_TYPE_RRSIG, &set->signatures[i]);
	return set->count + set->signature_count;
}

static void check_message(struct arena *arena, const struct dns_message *m)
{
	size_t records = 0;
	for (int s = DNS_ANSWER; s < DNS_SECTIONS; s++) {
		for (size_t i = 0; i < m->section[s].count; i++) {
			const struct dns_rrset *set = &m->section[s].rrset[i];
			records += check_set(arena, set);
			if (set->count > 0 && set->rclass == DNS_CLASS_IN)
				require(dns_message_find(m, (enum dns_section)s, set->owner,
				                set->type) == set);
		}
	}
	require(records <= DNS_MESSAGE_MAX_RRS);
}

static void check_tsig(const uint8_t *data, size_t size, const struct dns_message *m)
{
	static struct dns_tsig_key *key;
	if (key == NULL)
		dns_tsig_key_parse("hmac-sha256:update.example:c2VjcmV0", &key, NULL);
	struct error err = {0};
	const struct dns_tsig_mac request = {32, {1, 2, 3}};
	// The secret is not the one of the seeds: nothing may pass.
	require(dns_tsig_verify(key, data, size, m, &request, 1800000000, NULL, &err) != RESULT_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA), *texts = arena_new(256u << 20);
	require(arena != NULL && texts != NULL);
	struct dns_message m;
	struct error err = {0};
	enum result result = dns_message_parse(arena, data, size, &m, &err);
	if (result == RESULT_OK) {
		check_message(texts, &m);
		check_tsig(data, size, &m);
	} else {
		require(result == RESULT_INPUT || result == RESULT_LIMIT);
		require(strstr(err.text, "DNS message") != NULL);
	}
	arena_free(texts);
	arena_free(arena);
	return 0;
}
