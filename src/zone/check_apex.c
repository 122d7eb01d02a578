// The keys at the apex, and what is said about them there and at the parent: DNSKEY, DS, CDS,
// CDNSKEY.
#include "zone/check_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct zone_rrset *apex_set(const struct checking *checking, uint16_t type)
{
	const struct zone_rrset *set = zone_node_find(checking->zone, checking->apex, type);
	return set != NULL && set->count > 0 ? set : NULL;
}

#define ERROR(findings, checking, type, ...)                                                       \
	finding_error(findings, (checking)->zone, 0, type, __VA_ARGS__)
#define WARNING(findings, checking, type, ...)                                                     \
	finding_warning(findings, (checking)->zone, 0, type, __VA_ARGS__)

static void judge_key(struct checking *checking, struct check_key *key, struct findings *findings)
{
	bool supported = dns_algorithm_is_supported(key->algorithm);
	bool decodable = supported && dns_key_is_decodable(key->key);
	key->zone_key = dns_key_is_zone_key(key->key);
	key->revoked = dns_key_is_revoked(key->key);
	key->usable = key->zone_key && !key->revoked && decodable;
	if (key->rdata->octets[2] != 3)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "key %u (algorithm %u) has protocol %u; only 3 is possible (RFC 4034 "
		        "2.1.2)",
		        key->tag, key->algorithm, key->rdata->octets[2]);
	else if (!key->zone_key)
		WARNING(findings, checking, DNS_TYPE_DNSKEY,
		        "key %u (algorithm %u) has no zone flag: it validates nothing", key->tag,
		        key->algorithm);
	if (!supported)
		WARNING(findings, checking, DNS_TYPE_DNSKEY,
		        "key %u: signatures of algorithm %u cannot be checked here", key->tag,
		        key->algorithm);
	else if (!decodable)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "key %u is no public key of algorithm %u", key->tag, key->algorithm);
	if (key->usable)
		checking->algorithm[key->algorithm] = true;
}

static bool read_key(struct checking *checking, const struct dns_rdata *rdata)
{
	struct check_key *key = &checking->keys[checking->key_count];
	key->rdata = rdata;
	if (dns_key_new(zone_apex(checking->zone), rdata, &key->key, NULL) != RESULT_OK)
		return false;
	key->tag = dns_key_tag(key->key);
	key->algorithm = dns_key_algorithm(key->key);
	checking->key_count++;
	return true;
}

static void warn_of_equal_tags(const struct checking *checking, struct findings *findings)
{
	for (size_t i = 0; i < checking->key_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct check_key *a = &checking->keys[i], *b = &checking->keys[j];
			if (a->tag == b->tag && a->algorithm == b->algorithm)
				WARNING(findings, checking, DNS_TYPE_DNSKEY,
				        "two keys of algorithm %u have the tag %u: resolvers may "
				        "give up before they try both",
				        a->algorithm, a->tag);
		}
	}
}

static void check_keys(struct checking *checking, struct findings *findings)
{
	const struct zone_rrset *set = apex_set(checking, DNS_TYPE_DNSKEY);
	if (set == NULL) {
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "there is no DNSKEY set: the zone is not signed");
		return;
	}
	size_t count = set->count;
	if (count > DNS_KEYS_MAX) {
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "has %zu keys; only the first %d are looked at", count, DNS_KEYS_MAX);
		count = DNS_KEYS_MAX;
	}
	checking->keys = calloc(count, sizeof *checking->keys);
	checking->signs_keys = calloc(count, sizeof *checking->signs_keys);
	bool ready = checking->keys != NULL && checking->signs_keys != NULL;
	for (size_t i = 0; ready && i < count; i++)
		ready = read_key(checking, &zone_rdata(checking->zone, set)[i]);
	if (!ready)
		checking_fail(checking, RESULT_MEMORY, "no memory for the zone's keys");
	bool any = false;
	for (size_t i = 0; i < checking->key_count; i++) {
		judge_key(checking, &checking->keys[i], findings);
		any = any || checking->keys[i].usable;
	}
	if (ready && !any)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "none of its keys can be used here to check signatures");
	warn_of_equal_tags(checking, findings);
}

// What belongs to the apex alone.
static void check_others(struct checking *checking, struct findings *findings)
{
	if (apex_set(checking, DNS_TYPE_NS) == NULL)
		ERROR(findings, checking, DNS_TYPE_NS, "the apex has no NS set");
	if (apex_set(checking, DNS_TYPE_DS) != NULL)
		ERROR(findings, checking, DNS_TYPE_DS,
		        "a DS set stands at the apex; it belongs to the parent zone");
	if (checking->has_nsec && checking->has_nsec3)
		WARNING(findings, checking, DNS_TYPE_NSEC3PARAM,
		        "there are both NSEC and NSEC3 records; both chains are checked");
	if (zone_duplicate_count(checking->zone) > 0)
		WARNING(findings, checking, 0, "%zu record%s there more than once",
		        zone_duplicate_count(checking->zone),
		        zone_duplicate_count(checking->zone) == 1 ? " stands" : "s stand");
}

void check_apex(struct checking *checking)
{
	struct findings findings = findings_init(checking->options->limit, PHASE_APEX);
	check_keys(checking, &findings);
	check_others(checking, &findings);
	checking_merge(checking, &findings);
	findings_free(&findings);
}

// A DS record of the parent, or the one that a CDS record asks for: does it lead to a key that
// signs the DNSKEY set? *present: does it match a key there at all?
static bool leads(const struct checking *checking, const struct dns_ds *ds, bool *present)
{
	bool signs = false;
	*present = false;
	for (size_t i = 0; i < checking->key_count; i++) {
		if (dns_ds_match(ds, checking->keys[i].key) != DNS_DS_MATCHES)
			continue;
		*present = true;
		signs = signs || (checking->keys[i].usable && checking->signs_keys[i]);
	}
	return signs;
}

static void check_parent(struct checking *checking, struct findings *findings)
{
	const struct zone_check_options *options = checking->options;
	bool any = false, present;
	for (size_t i = 0; i < options->ds_count; i++) {
		const struct dns_ds *ds = &options->ds[i];
		if (leads(checking, ds, &present))
			any = true;
		else if (present)
			WARNING(findings, checking, DNS_TYPE_DNSKEY,
			        "the parent's DS for key %u (algorithm %u) names a key that does "
			        "not "
			        "sign the DNSKEY set",
			        ds->tag, ds->algorithm);
		else
			WARNING(findings, checking, DNS_TYPE_DNSKEY,
			        "the parent's DS for key %u (algorithm %u, digest type %u) matches "
			        "no "
			        "key of the DNSKEY set",
			        ds->tag, ds->algorithm, ds->digest_type);
	}
	if (options->ds != NULL && !any)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "none of the parent's %zu DS records leads to a key that signs the DNSKEY "
		        "set: the zone is bogus",
		        options->ds_count);
}

// Without the parent's DS: the keys that have the SEP flag are those it is expected to name; where
// there is none, it may be any key that validators use.
static void check_entry(struct checking *checking, struct findings *findings)
{
	bool any = false, any_sep = false, any_signs = false, any_sep_signs = false;
	for (size_t i = 0; i < checking->key_count; i++) {
		const struct check_key *key = &checking->keys[i];
		bool sep = dns_key_is_sep(key->key);
		if (!key->usable)
			continue;
		any = true;
		any_sep = any_sep || sep;
		any_signs = any_signs || checking->signs_keys[i];
		any_sep_signs = any_sep_signs || (sep && checking->signs_keys[i]);
	}
	if (any && !any_sep && !any_signs)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "no valid signature over it is by a key that the parent's DS could name");
	if (any_sep && !any_sep_signs)
		ERROR(findings, checking, DNS_TYPE_DNSKEY,
		        "no valid signature over it is by a key with the SEP flag, which the "
		        "parent's "
		        "DS would name");
}

static const struct dns_rdata *find_rdata(const struct zone *zone, const struct zone_rrset *set,
        bool (*holds)(const struct dns_rdata *rdata))
{
	for (uint32_t i = 0; i < set->count; i++)
		if (holds(&zone_rdata(zone, set)[i]))
			return &zone_rdata(zone, set)[i];
	return NULL;
}

// RFC 8078 4: a record that asks for deletion stands alone.
static bool check_delete(const struct checking *checking, const struct zone_rrset *set,
        bool (*is_delete)(const struct dns_rdata *rdata), struct findings *findings)
{
	if (find_rdata(checking->zone, set, is_delete) == NULL)
		return false;
	if (set->count > 1)
		ERROR(findings, checking, set->type,
		        "asks for the removal of all DS records, and has other records beside");
	else
		WARNING(findings, checking, set->type, "asks the parent to remove all DS records");
	return true;
}

// RFC 7344 4.1: what is asked for must not break the delegation.
static void check_cds(
        struct checking *checking, const struct zone_rrset *set, struct findings *findings)
{
	bool any = false, present;
	for (uint32_t i = 0; i < set->count; i++) {
		struct dns_ds ds;
		if (dns_ds_new(&zone_rdata(checking->zone, set)[i], &ds, NULL) != RESULT_OK) {
			ERROR(findings, checking, set->type,
			        "the length of a digest does not fit its type");
			continue;
		}
		if (leads(checking, &ds, &present))
			any = true;
		else if (!present)
			WARNING(findings, checking, set->type,
			        "the record for key %u (algorithm %u, digest type %u) matches no "
			        "key "
			        "of the DNSKEY set",
			        ds.tag, ds.algorithm, ds.digest_type);
	}
	if (!any)
		ERROR(findings, checking, set->type,
		        "no record leads to a key that signs the DNSKEY set: taken over by the "
		        "parent, it would make the zone bogus");
}

static bool is_signing_key(const struct checking *checking, const struct dns_rdata *rdata)
{
	for (size_t i = 0; i < checking->key_count; i++)
		if (dns_rdata_equal(DNS_TYPE_DNSKEY, checking->keys[i].rdata, rdata))
			return checking->keys[i].usable && checking->signs_keys[i];
	return false;
}

static void check_cdnskey(
        struct checking *checking, const struct zone_rrset *set, struct findings *findings)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (is_signing_key(checking, &zone_rdata(checking->zone, set)[i]))
			return;
	ERROR(findings, checking, set->type,
	        "no record is a key that signs the DNSKEY set: taken over by the parent, it would "
	        "make the zone bogus");
}

// Whether some CDS record is for this CDNSKEY record, or the other way round.
static bool cds_has_key(const struct checking *checking, const struct zone_rrset *cds,
        const struct dns_rdata *cdnskey)
{
	struct dns_key *key;
	bool found = false;
	if (dns_key_new(zone_apex(checking->zone), cdnskey, &key, NULL) != RESULT_OK)
		return false;
	for (uint32_t i = 0; i < cds->count && !found; i++) {
		struct dns_ds ds;
		found = dns_ds_new(&zone_rdata(checking->zone, cds)[i], &ds, NULL) == RESULT_OK &&
		        dns_ds_match(&ds, key) != DNS_DS_OTHER;
	}
	dns_key_unref(key);
	return found;
}

static bool cdnskey_has_ds(const struct checking *checking, const struct zone_rrset *cdnskey,
        const struct dns_rdata *cds)
{
	struct dns_ds ds;
	if (dns_ds_new(cds, &ds, NULL) != RESULT_OK)
		return true; // told
	for (uint32_t i = 0; i < cdnskey->count; i++) {
		struct dns_key *key;
		if (dns_key_new(zone_apex(checking->zone), &zone_rdata(checking->zone, cdnskey)[i],
		            &key, NULL) != RESULT_OK)
			continue;
		bool matches = dns_ds_match(&ds, key) != DNS_DS_OTHER;
		dns_key_unref(key);
		if (matches)
			return true;
	}
	return false;
}

// RFC 7344 4: where both are there, they have to say the same.
static void check_agreement(struct checking *checking, const struct zone_rrset *cds,
        const struct zone_rrset *cdnskey, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	for (uint32_t i = 0; i < cdnskey->count; i++)
		if (!cds_has_key(checking, cds, &zone_rdata(zone, cdnskey)[i]))
			ERROR(findings, checking, DNS_TYPE_CDNSKEY,
			        "the CDS set has no record for one of its keys");
	for (uint32_t i = 0; i < cds->count; i++)
		if (!cdnskey_has_ds(checking, cdnskey, &zone_rdata(zone, cds)[i]))
			ERROR(findings, checking, DNS_TYPE_CDS,
			        "the CDNSKEY set has no key for one of its records");
}

// Each record is held against each of the other set.
static bool is_short(
        const struct checking *checking, const struct zone_rrset *set, struct findings *findings)
{
	if (set == NULL || set->count <= DNS_KEYS_MAX)
		return true;
	ERROR(findings, checking, set->type, "has %u records; more than %d are not looked at",
	        set->count, DNS_KEYS_MAX);
	return false;
}

static void check_wishes(struct checking *checking, struct findings *findings)
{
	const struct zone_rrset *cds = apex_set(checking, DNS_TYPE_CDS);
	const struct zone_rrset *cdnskey = apex_set(checking, DNS_TYPE_CDNSKEY);
	if (!is_short(checking, cds, findings) || !is_short(checking, cdnskey, findings))
		return;
	bool delete_ds = cds != NULL && check_delete(checking, cds, dns_cds_is_delete, findings);
	bool delete_key =
	        cdnskey != NULL && check_delete(checking, cdnskey, dns_cdnskey_is_delete, findings);
	if (cds != NULL && !delete_ds)
		check_cds(checking, cds, findings);
	if (cdnskey != NULL && !delete_key)
		check_cdnskey(checking, cdnskey, findings);
	if (cds == NULL || cdnskey == NULL)
		return;
	if (delete_ds != delete_key)
		ERROR(findings, checking, DNS_TYPE_CDS,
		        "one of the CDS and CDNSKEY sets asks for the removal of all DS records, "
		        "the "
		        "other does not");
	else if (!delete_ds)
		check_agreement(checking, cds, cdnskey, findings);
}

void check_key_links(struct checking *checking)
{
	if (checking->key_count == 0)
		return;
	struct findings findings = findings_init(checking->options->limit, PHASE_APEX);
	findings.sequence = 1000; // behind what check_apex() found
	if (checking->options->ds != NULL)
		check_parent(checking, &findings);
	else
		check_entry(checking, &findings);
	check_wishes(checking, &findings);
	checking_merge(checking, &findings);
	findings_free(&findings);
}
