// The zone's digest (RFC 8976): ZONEMD records of scheme SIMPLE, SHA-384 and SHA-512.
#include "base/hex.h"
#include "zone/check_internal.h"

#include <openssl/evp.h>
#include <string.h>

#define SCHEME_SIMPLE 1
#define HASH_SHA384   1
#define HASH_SHA512   2
#define DIGEST_MIN    12   // octets (RFC 8976 2.2.4)
#define FIXED         6    // octets before the digest
#define CHUNK         8192 // octets that are hashed at once

struct hashing {
	EVP_MD_CTX *ctx;
	uint8_t octets[CHUNK];
	size_t used;
	bool failed;
};

static void flush(struct hashing *hashing)
{
	if (EVP_DigestUpdate(hashing->ctx, hashing->octets, hashing->used) != 1)
		hashing->failed = true;
	hashing->used = 0;
}

static void put(struct hashing *hashing, const void *octets, size_t n)
{
	if (n > CHUNK - hashing->used)
		flush(hashing);
	if (n > CHUNK) {
		if (EVP_DigestUpdate(hashing->ctx, octets, n) != 1)
			hashing->failed = true;
		return;
	}
	memcpy(hashing->octets + hashing->used, octets, n);
	hashing->used += n;
}

static void put_record(struct hashing *hashing, const uint8_t *owner, size_t owner_length,
        uint16_t type, uint16_t rclass, uint32_t ttl_s, const struct dns_rdata *rdata)
{
	const uint8_t fixed[10] = {(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(rclass >> 8),
	        (uint8_t)rclass, (uint8_t)(ttl_s >> 24), (uint8_t)(ttl_s >> 16),
	        (uint8_t)(ttl_s >> 8), (uint8_t)ttl_s, (uint8_t)(rdata->length >> 8),
	        (uint8_t)rdata->length};
	put(hashing, owner, owner_length);
	put(hashing, fixed, sizeof fixed);
	put(hashing, rdata->octets, rdata->length);
}

// Signatures of all sets of a node stand together as its RRSIG records, in order of the type that
// they cover, for that is where their RDATA begins.
static void put_signatures(struct hashing *hashing, const struct zone *zone,
        const struct zone_node *node, size_t owner_length)
{
	for (uint32_t i = 0; i < node->set_count; i++) {
		const struct zone_rrset *set = zone_node_set(zone, node, i);
		const struct dns_rdata *signatures = zone_signatures(zone, set);
		if (node->flags & ZONE_NODE_APEX && set->type == DNS_TYPE_ZONEMD)
			continue; // RFC 8976 3.3.1
		for (uint32_t s = 0; s < set->signature_count; s++)
			put_record(hashing, node->owner, owner_length, DNS_TYPE_RRSIG,
			        zone_class(zone), set->signature_ttl_s, &signatures[s]);
	}
}

static void put_node(struct hashing *hashing, const struct zone *zone, const struct zone_node *node)
{
	size_t owner_length = dns_name_length(node->owner);
	bool signatures_put = false;
	for (uint32_t i = 0; i < node->set_count; i++) {
		const struct zone_rrset *set = zone_node_set(zone, node, i);
		const struct dns_rdata *rdata = zone_rdata(zone, set);
		if (!signatures_put && set->type > DNS_TYPE_RRSIG) {
			put_signatures(hashing, zone, node, owner_length);
			signatures_put = true;
		}
		if (node->flags & ZONE_NODE_APEX && set->type == DNS_TYPE_ZONEMD)
			continue;
		for (uint32_t r = 0; r < set->count; r++)
			put_record(hashing, node->owner, owner_length, set->type, zone_class(zone),
			        set->ttl_s, &rdata[r]);
	}
	if (!signatures_put)
		put_signatures(hashing, zone, node, owner_length);
}

static bool compute(const struct zone *zone, const EVP_MD *md, uint8_t digest[EVP_MAX_MD_SIZE],
        unsigned *length)
{
	struct hashing hashing = {.ctx = EVP_MD_CTX_new()};
	bool good = hashing.ctx != NULL && EVP_DigestInit_ex(hashing.ctx, md, NULL) == 1;
	for (size_t i = 0; good && i < zone_node_count(zone); i++)
		put_node(&hashing, zone, zone_node_at(zone, i));
	if (good) {
		flush(&hashing);
		good = !hashing.failed && EVP_DigestFinal_ex(hashing.ctx, digest, length) == 1;
	}
	EVP_MD_CTX_free(hashing.ctx);
	return good;
}

struct digest_record {
	uint32_t serial;
	uint8_t scheme, algorithm;
	const uint8_t *digest;
	size_t length;
};

static struct digest_record read_record(const struct dns_rdata *rdata)
{
	const uint8_t *at = rdata->octets;
	return (struct digest_record){
	        (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3], at[4],
	        at[5], at + FIXED, rdata->length - (size_t)FIXED};
}

static uint32_t soa_serial(const struct checking *checking)
{
	const struct zone_rrset *soa = zone_node_find(checking->zone, checking->apex, DNS_TYPE_SOA);
	const struct dns_rdata *rdata = zone_rdata(checking->zone, soa);
	const uint8_t *at = rdata->octets + rdata->length - 20;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// RFC 8976 4, step 4: the first record of a scheme and a hash is not used where there are two.
static bool is_repeated(
        const struct zone *zone, const struct zone_rrset *set, const struct digest_record *record)
{
	size_t count = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		struct digest_record other = read_record(&zone_rdata(zone, set)[i]);
		if (other.scheme == record->scheme && other.algorithm == record->algorithm &&
		        ++count > 1)
			return true;
	}
	return false;
}

// What is wrong before anything is computed; true where it can be.
static bool judge_record(const struct checking *checking, const struct zone_rrset *set,
        const struct digest_record *record, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	uint32_t serial = soa_serial(checking);
	size_t wanted = record->algorithm == HASH_SHA384 ? 48 : 64;
	if (record->serial != serial)
		finding_error(findings, zone, 0, DNS_TYPE_ZONEMD,
		        "is for serial %u; the SOA record has %u", record->serial, serial);
	else if (record->length < DIGEST_MIN)
		finding_error(findings, zone, 0, DNS_TYPE_ZONEMD,
		        "its digest has %zu octets; %d is the least", record->length, DIGEST_MIN);
	else if (is_repeated(zone, set, record))
		finding_error(findings, zone, 0, DNS_TYPE_ZONEMD,
		        "there is more than one record of scheme %u and hash %u", record->scheme,
		        record->algorithm);
	else if (record->scheme != SCHEME_SIMPLE ||
	         (record->algorithm != HASH_SHA384 && record->algorithm != HASH_SHA512))
		finding_warning(findings, zone, 0, DNS_TYPE_ZONEMD,
		        "scheme %u and hash %u are not known here; this digest is not checked",
		        record->scheme, record->algorithm);
	else if (record->length != wanted)
		finding_error(findings, zone, 0, DNS_TYPE_ZONEMD,
		        "its digest has %zu octets; %zu are expected", record->length, wanted);
	else
		return true;
	return false;
}

struct digests {
	struct checking *checking;
	const struct zone_rrset *set;
};

static void check_digest(void *ctx, unsigned worker, size_t job)
{
	(void)worker;
	struct digests *digests = ctx;
	struct checking *checking = digests->checking;
	const struct zone *zone = checking->zone;
	struct digest_record record = read_record(&zone_rdata(zone, digests->set)[job]);
	struct findings findings = findings_init(checking->options->limit, PHASE_DIGEST);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length;
	if (judge_record(checking, digests->set, &record, &findings)) {
		bool sha384 = record.algorithm == HASH_SHA384;
		if (!compute(zone, sha384 ? EVP_sha384() : EVP_sha512(), digest, &length)) {
			checking_fail(checking, RESULT_MEMORY, "no memory for the zone's digest");
		} else if (length != record.length || memcmp(digest, record.digest, length) != 0) {
			char text[2 * EVP_MAX_MD_SIZE + 1];
			finding_error(&findings, zone, 0, DNS_TYPE_ZONEMD,
			        "the zone's %s digest is %s, which is not what the record says: "
			        "something was changed, lost or added",
			        sha384 ? "SHA-384" : "SHA-512", hex_lower(digest, length, text));
		} else {
			__atomic_add_fetch(&checking->report->digests, 1, __ATOMIC_RELAXED);
		}
	}
	checking_merge(checking, &findings);
	findings_free(&findings);
}

// RFC 8976 2: elsewhere they are data like any other, and mean nothing.
static void look_elsewhere(struct checking *checking)
{
	struct findings findings = findings_init(checking->options->limit, PHASE_DIGEST);
	for (size_t i = 1; i < zone_node_count(checking->zone); i++) {
		const struct zone_rrset *set = zone_node_find(
		        checking->zone, zone_node_at(checking->zone, i), DNS_TYPE_ZONEMD);
		if (set != NULL && set->count > 0)
			finding_warning(&findings, checking->zone, i, DNS_TYPE_ZONEMD,
			        "is not at the apex, where alone it says something about the zone");
	}
	checking_merge(checking, &findings);
	findings_free(&findings);
}

void check_digests(struct checking *checking)
{
	struct digests digests = {
	        checking, zone_node_find(checking->zone, checking->apex, DNS_TYPE_ZONEMD)};
	look_elsewhere(checking);
	if (digests.set != NULL && digests.set->count > 0)
		check_jobs(checking, digests.set->count, 0, check_digest, &digests);
}
