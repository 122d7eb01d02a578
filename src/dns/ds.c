#include "base/hex.h"
#include "dns/crypto.h"
#include "dns/rdata.h"

#include <assert.h>
#include <libknot/wire.h>
#include <stdio.h>
#include <string.h>

#define HEAD_OCTETS  4 // key tag, algorithm, digest type
#define PARSE_OCTETS (256u << 10)

// Octets of a digest; 0 where any length will do.
static size_t digest_length(uint8_t digest_type)
{
	switch (digest_type) {
	case DNS_DIGEST_SHA1:
		return 20;
	case DNS_DIGEST_SHA256:
		return 32;
	case DNS_DIGEST_SHA384:
		return 48;
	default:
		return 0;
	}
}

enum result dns_ds_new(const struct dns_rdata *rdata, struct dns_ds *ds, struct error *err)
{
	if (rdata->length <= HEAD_OCTETS || rdata->length > DNS_DS_WIRE_MAX)
		return error_set(err, RESULT_INPUT,
		        "a DS record of %u octets is no DS record: expected 5 to %d", rdata->length,
		        DNS_DS_WIRE_MAX);
	size_t length = rdata->length - (size_t)HEAD_OCTETS;
	uint8_t digest_type = rdata->octets[3];
	char text[DNS_DIGEST_TEXT];
	if (digest_length(digest_type) != 0 && digest_length(digest_type) != length)
		return error_set(err, RESULT_INPUT,
		        "a DS record has a digest of %zu octets; %s has %zu", length,
		        dns_digest_text(digest_type, text), digest_length(digest_type));
	struct dns_ds new = {
	        .tag = knot_wire_read_u16(rdata->octets),
	        .algorithm = rdata->octets[2],
	        .digest_type = digest_type,
	        .digest_length = (uint8_t)length,
	};
	memcpy(new.digest, rdata->octets + HEAD_OCTETS, length);
	*ds = new;
	return RESULT_OK;
}

enum result dns_ds_parse(const char *text, struct dns_ds *ds, struct error *err)
{
	struct arena *arena = arena_new(PARSE_OCTETS);
	if (arena == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a DS record");
	struct dns_rdata rdata;
	enum result result = dns_rdata_parse(arena, DNS_TYPE_DS, text, NULL, &rdata, err);
	if (result == RESULT_OK)
		result = dns_ds_new(&rdata, ds, err);
	arena_free(arena);
	return result;
}

enum result dns_ds_from_key(
        const struct dns_key *key, uint8_t digest_type, struct dns_ds *ds, struct error *err)
{
	char text[DNS_DIGEST_TEXT];
	if (!dns_digest_is_supported(digest_type))
		return error_set(err, RESULT_UNSUPPORTED,
		        "cannot compute a DS digest with %s: expected SHA-256, SHA-384 or SHA-1",
		        dns_digest_text(digest_type, text));
	const struct dns_rdata *rdata = dns_key_rdata(key);
	const uint8_t *owner = dns_key_owner(key);
	struct dns_ds new = {
	        .tag = dns_key_tag(key),
	        .algorithm = dns_key_algorithm(key),
	        .digest_type = digest_type,
	};
	new.digest_length = (uint8_t)dns_digest_compute(digest_type, owner, dns_name_length(owner),
	        rdata->octets, rdata->length, new.digest);
	if (new.digest_length == 0)
		return error_set(err, RESULT_MEMORY, "no memory for a digest");
	*ds = new;
	return RESULT_OK;
}

bool dns_ds_equal(const struct dns_ds *a, const struct dns_ds *b)
{
	return a->tag == b->tag && a->algorithm == b->algorithm &&
	       a->digest_type == b->digest_type && a->digest_length == b->digest_length &&
	       memcmp(a->digest, b->digest, a->digest_length) == 0;
}

enum dns_ds_match dns_ds_match(const struct dns_ds *ds, const struct dns_key *key)
{
	if (ds->tag != dns_key_tag(key) || ds->algorithm != dns_key_algorithm(key))
		return DNS_DS_OTHER;
	struct dns_ds computed;
	if (dns_ds_from_key(key, ds->digest_type, &computed, NULL) != RESULT_OK)
		return DNS_DS_UNSUPPORTED;
	return dns_ds_equal(ds, &computed) ? DNS_DS_MATCHES : DNS_DS_OTHER;
}

char *dns_ds_text(const struct dns_ds *ds, char *buf)
{
	assert(ds->digest_length <= DNS_DS_DIGEST_MAX);
	int n = snprintf(buf, DNS_DS_TEXT, "%u %u %u ", ds->tag, ds->algorithm, ds->digest_type);
	hex_upper(ds->digest, ds->digest_length, buf + n);
	return buf;
}

size_t dns_ds_wire(const struct dns_ds *ds, uint8_t *octets)
{
	assert(ds->digest_length <= DNS_DS_DIGEST_MAX);
	knot_wire_write_u16(octets, ds->tag);
	octets[2] = ds->algorithm;
	octets[3] = ds->digest_type;
	memcpy(octets + HEAD_OCTETS, ds->digest, ds->digest_length);
	return HEAD_OCTETS + (size_t)ds->digest_length;
}

static bool is_octets(const struct dns_rdata *rdata, const uint8_t expected[static 5])
{
	return rdata->length == 5 && memcmp(rdata->octets, expected, 5) == 0;
}

bool dns_cdnskey_is_delete(const struct dns_rdata *rdata)
{
	return is_octets(rdata, (const uint8_t[5]){0, 0, 3, 0, 0});
}

bool dns_cds_is_delete(const struct dns_rdata *rdata)
{
	return is_octets(rdata, (const uint8_t[5]){0, 0, 0, 0, 0});
}
