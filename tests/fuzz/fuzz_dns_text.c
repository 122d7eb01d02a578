// fuzz: links dep_dns
// Any text as a name, key, DS, TSIG key or record: refused with a sentence, or something
// whose own text means the same again. The first octet says which.
#include <stdlib.h>
#include <string.h>

#include "dns/key.h"
#include "dns/rdata.h"
#include "dns/tsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void try_name(const char *text)
{
	struct dns_name name, again;
	struct error err = {0};
	char printed[DNS_NAME_TEXT];
	if (dns_name_parse(text, &name, &err) != RESULT_OK) {
		require(err.text[0] != '\0');
		return;
	}
	require(dns_name_length(name.wire) <= DNS_NAME_MAX);
	require(dns_name_parse(dns_name_text(name.wire, printed), &again, &err) == RESULT_OK);
	require(dns_name_length(name.wire) == dns_name_length(again.wire));
	require(memcmp(name.wire, again.wire, dns_name_length(name.wire)) == 0);
	require(dns_name_compare(name.wire, again.wire) == 0);
}

static void try_key(struct arena *arena, const char *text)
{
	struct dns_key *key, *again;
	struct error err = {0};
	if (dns_key_parse((const uint8_t *)"\1x", text, &key, &err) != RESULT_OK) {
		require(err.text[0] != '\0');
		return;
	}
	require(dns_key_parse((const uint8_t *)"\1X", dns_key_text(key, arena), &again, &err) ==
	        RESULT_OK);
	require(dns_key_equal(key, again));
	dns_key_unref(key);
	dns_key_unref(again);
}

static void try_ds(const char *text)
{
	struct dns_ds ds, again;
	char printed[DNS_DS_TEXT];
	if (dns_ds_parse(text, &ds, NULL) != RESULT_OK)
		return;
	require(dns_ds_parse(dns_ds_text(&ds, printed), &again, NULL) == RESULT_OK);
	require(dns_ds_equal(&ds, &again));
}

static void try_tsig(const char *text)
{
	struct dns_tsig_key *key;
	if (dns_tsig_key_parse(text, &key, NULL) == RESULT_OK)
		dns_tsig_key_free(key);
}

static void try_record(struct arena *arena, const char *text)
{
	struct dns_record record;
	struct dns_rdata again;
	struct error err = {0};
	if (dns_record_parse(arena, text, (const uint8_t *)"\1o", &record, &err) != RESULT_OK) {
		require(err.text[0] != '\0');
		return;
	}
	require(dns_name_length(record.owner) <= DNS_NAME_MAX);
	const char *printed = dns_rdata_text(arena, record.type, &record.rdata);
	require(printed != NULL);
	if (strlen(printed) >= DNS_RECORD_TEXT_MAX - 100)
		return;
	require(dns_rdata_parse(arena, record.type, printed, NULL, &again, &err) == RESULT_OK);
	require(again.length == record.rdata.length);
	require(memcmp(again.octets, record.rdata.octets, again.length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena *arena = arena_new(16u << 20);
	char *text = arena_strndup(arena, (const char *)data + 1, size - 1);
	require(text != NULL);
	switch (data[0] % 6) {
	case 0:
		try_name(text);
		break;
	case 1:
		try_key(arena, text);
		break;
	case 2:
		try_ds(text);
		break;
	case 3:
		try_tsig(text);
		break;
	default:
		try_record(arena, text);
		break;
	}
	arena_free(arena);
	return 0;
}
