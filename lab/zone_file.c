#include "zone_file.h"

#include "shape.h"

#include "base/buffer.h"
#include "base/hex.h"

#include <libdnssec/binary.h>
#include <libdnssec/error.h>
#include <libdnssec/key.h>
#include <stdio.h>
#include <string.h>

void zone_file_name(const struct lab_info *info, unsigned n, char *name, size_t size)
{
	snprintf(name, size, "n%06u.%s", n, info->zone);
}

#define DIGEST_OCTETS 32 // of SHA-256

uint16_t zone_file_type(const struct lab_info *info)
{
	return info->shape->delegations ? KNOT_RRTYPE_DS : KNOT_RRTYPE_TXT;
}

// Every third delegation is to a signed zone.
static bool zone_file_has(const struct lab_info *info, unsigned n)
{
	return !info->shape->delegations || n % 3 == 0;
}

unsigned zone_file_signed(const struct lab_info *info, unsigned n)
{
	while (n > 1 && !zone_file_has(info, n))
		n--;
	return zone_file_has(info, n) ? n : 3;
}

// <character-string> of the first label.
static size_t zone_file_txt(unsigned n, uint8_t *rdata)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "n%06u", n);
	rdata[0] = (uint8_t)length;
	memcpy(rdata + 1, text, (size_t)length);
	return (size_t)length + 1;
}

// A DS record of a key that nobody has: the zones below are not there.
static size_t zone_file_ds_rdata(unsigned n, uint8_t *rdata)
{
	rdata[0] = (uint8_t)(n >> 8);
	rdata[1] = (uint8_t)n;
	rdata[2] = 13;
	rdata[3] = 2;
	for (unsigned i = 0; i < DIGEST_OCTETS; i++)
		rdata[4 + i] = (uint8_t)(n >> 8 * (3 - i % 4));
	return 4 + DIGEST_OCTETS;
}

bool zone_file_is_right(const struct lab_info *info, unsigned n, const knot_rrset_t *rr)
{
	uint8_t want[4 + DIGEST_OCTETS];
	size_t length =
	        info->shape->delegations ? zone_file_ds_rdata(n, want) : zone_file_txt(n, want);
	if (rr == NULL || rr->rrs.count == 0)
		return !zone_file_has(info, n);
	return zone_file_has(info, n) && rr->rrs.count == 1 && rr->rrs.rdata->len == length &&
	       memcmp(rr->rrs.rdata->data, want, length) == 0;
}

static void zone_file_delegation(FILE *file, unsigned n)
{
	uint8_t ds[4 + DIGEST_OCTETS];
	char digest[2 * DIGEST_OCTETS + 1];
	fprintf(file, "n%06u NS ns1.hosting.test.\nn%06u NS ns2.hosting.test.\n", n, n);
	if (n % 10 == 0) // a name server of its own
		fprintf(file, "n%06u NS ns.n%06u\nns.n%06u A 192.0.2.%u\n", n, n, n, n % 250);
	if (n % 3 != 0)
		return;
	zone_file_ds_rdata(n, ds);
	fprintf(file, "n%06u DS %u 13 2 %s\n", n, n & 0xffff,
	        hex_upper(ds + 4, DIGEST_OCTETS, digest));
}

enum result zone_file_append_names(const struct lab_info *info, const char *path, struct error *err)
{
	FILE *file = fopen(path, "ae");
	if (file == NULL)
		return error_set_errno(err, "cannot write %s", path);
	for (unsigned n = 1; n <= info->names; n++)
		if (info->shape->delegations)
			zone_file_delegation(file, n);
		else
			fprintf(file, "n%06u TXT \"n%06u\"\n", n, n);
	bool failed = ferror(file) != 0;
	if (fclose(file) != 0 || failed)
		return error_set_errno(err, "cannot write %s", path);
	return RESULT_OK;
}

// A libdnssec key from the first record of a DNSKEY RRset; NULL where it is unusable.
static dnssec_key_t *zone_file_load(const knot_rrset_t *dnskey)
{
	dnssec_key_t *key;
	dnssec_binary_t rdata = {.size = dnskey->rrs.rdata->len, .data = dnskey->rrs.rdata->data};
	if (dnssec_key_new(&key) != DNSSEC_EOK)
		return NULL;
	if (dnssec_key_set_dname(key, dnskey->owner) == DNSSEC_EOK &&
	        dnssec_key_set_rdata(key, &rdata) == DNSSEC_EOK)
		return key;
	dnssec_key_free(key);
	return NULL;
}

enum result zone_file_key(struct arena *arena, const knot_rrset_t *dnskey, const char **text,
        uint16_t *tag, struct error *err)
{
	char line[4096];
	knot_dump_style_t style = KNOT_DUMP_STYLE_DEFAULT;
	style.wrap = false;
	dnssec_key_t *key = zone_file_load(dnskey);
	if (key == NULL)
		return error_set(err, RESULT_CORRUPT, "unusable DNSKEY record");
	uint16_t new_tag = dnssec_key_get_keytag(key);
	dnssec_key_free(key);
	int n = knot_rrset_txt_dump_data(dnskey, 0, line, sizeof(line), &style);
	const char *copy = n > 0 ? arena_strdup(arena, line) : NULL;
	if (copy == NULL)
		return error_set(err, RESULT_LIMIT, "DNSKEY record too large");
	*text = copy;
	*tag = new_tag;
	return RESULT_OK;
}

enum result zone_file_ds(struct arena *arena, const char *zone, uint32_t ttl_s,
        const knot_rrset_t *dnskey, const char **text, struct error *err)
{
	dnssec_binary_t ds = {0};
	dnssec_key_t *key = zone_file_load(dnskey);
	if (key == NULL || dnssec_key_create_ds(key, DNSSEC_KEY_DIGEST_SHA256, &ds) != DNSSEC_EOK) {
		dnssec_key_free(key);
		return error_set(err, RESULT_CORRUPT, "%s: unusable DNSKEY record", zone);
	}
	struct buffer line = buffer_init(1024);
	buffer_printf(&line, "%s %u DS %u %u %u ", zone, ttl_s, dnssec_key_get_keytag(key),
	        ds.data[2], ds.data[3]);
	char digest[2 * 255 + 1];
	buffer_puts(&line,
	        hex_upper(ds.data + 4, ds.size > 4 && ds.size < 260 ? ds.size - 4 : 0, digest));
	const char *copy = line.failed ? NULL : arena_strdup(arena, buffer_text(&line));
	buffer_free(&line);
	dnssec_binary_free(&ds);
	dnssec_key_free(key);
	if (copy == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*text = copy;
	return RESULT_OK;
}
