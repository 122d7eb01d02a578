// Checks of the DS set: would resolvers use it, and does it belong to the zone's keys?
#include "technical/internal.h"

#include <stdio.h>

// ---- Acceptable -----------------------------------------------------------------------------

// What the IANA registry calls the algorithm, and what is to be thought of a new DS record with it
// (RFC 8624 3.1, RFC 9905).
static const struct algorithm {
	uint8_t number;
	enum technical_verdict verdict;
	const char *name;
} algorithms[] = {
        {1, TECHNICAL_FAIL, "RSA/MD5"},
        {3, TECHNICAL_FAIL, "DSA/SHA-1"},
        {5, TECHNICAL_FAIL, "RSA/SHA-1"},
        {6, TECHNICAL_FAIL, "DSA-NSEC3-SHA1"},
        {7, TECHNICAL_FAIL, "RSASHA1-NSEC3-SHA1"},
        {8, TECHNICAL_PASS, "RSA/SHA-256"},
        {10, TECHNICAL_WARN, "RSA/SHA-512"},
        {12, TECHNICAL_FAIL, "GOST R 34.10-2001"},
        {13, TECHNICAL_PASS, "ECDSA P-256 with SHA-256"},
        {14, TECHNICAL_PASS, "ECDSA P-384 with SHA-384"},
        {15, TECHNICAL_PASS, "Ed25519"},
        {16, TECHNICAL_PASS, "Ed448"},
};

static void judge_algorithm(struct technical_judge *j, const struct dns_ds *ds)
{
	static const char expected[] = "an algorithm that is recommended: 8, 13, 14, 15 or 16";
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
		if (algorithms[i].number != ds->algorithm)
			continue;
		if (algorithms[i].verdict != TECHNICAL_PASS)
			found(j, algorithms[i].verdict, NULL, NULL, expected,
			        "the DS record with key tag %u has algorithm %u, %s",
			        (unsigned)ds->tag, (unsigned)ds->algorithm, algorithms[i].name);
		return;
	}
	found(j, TECHNICAL_FAIL, NULL, NULL, expected,
	        "the DS record with key tag %u has algorithm %u, which is unknown here",
	        (unsigned)ds->tag, (unsigned)ds->algorithm);
}

static void judge_digest(struct technical_judge *j, const struct dns_ds *ds)
{
	char name[DNS_DIGEST_TEXT];
	if (ds->digest_type != DNS_DIGEST_SHA256 && ds->digest_type != DNS_DIGEST_SHA384)
		found(j, TECHNICAL_FAIL, NULL, NULL, "digest type 2 (SHA-256) or 4 (SHA-384)",
		        "the DS record with key tag %u has %s", (unsigned)ds->tag,
		        dns_digest_text(ds->digest_type, name));
}

// true where there is a DS set to look at.
static bool have_ds(struct technical_judge *j)
{
	const struct technical_facts *f = j->facts;
	if (f->ds_count == 0 && !f->ds_known)
		skip(j, "it is not known which DS records the parent has, and none are given");
	else if (f->ds_count == 0)
		skip(j, "the delegation has no DS record: the zone is insecure");
	return f->ds_count > 0;
}

void check_ds_acceptable(struct technical_judge *j)
{
	if (!have_ds(j))
		return;
	for (size_t i = 0; i < j->facts->ds_count; i++) {
		judge_algorithm(j, &j->facts->ds[i]);
		judge_digest(j, &j->facts->ds[i]);
	}
	all_well(j, "%zu DS records have an algorithm and a digest that count", j->facts->ds_count);
}

// ---- Keys -----------------------------------------------------------------------------------

static bool key_may_sign(const struct dns_key *key)
{
	return dns_key_is_zone_key(key) && !dns_key_is_revoked(key);
}

static bool matches_any(const struct dns_ds *ds, const struct dns_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		if (key_may_sign(keys->key[i]) && dns_ds_match(ds, keys->key[i]) == DNS_DS_MATCHES)
			return true;
	return false;
}

static void match_at(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, const struct dns_rrset *set)
{
	struct dns_keys keys;
	struct error err = {0};
	if (dns_keys_from_rrset(j->arena, set, NULL, &keys, &err) != RESULT_OK) {
		found(j, TECHNICAL_FAIL, s, &a->at, "DNSKEY records", "%s", err.text);
		return;
	}
	for (size_t i = 0; i < j->facts->ds_count; i++) {
		const struct dns_ds *ds = &j->facts->ds[i];
		if (!matches_any(ds, &keys))
			found(j, TECHNICAL_FAIL, s, &a->at, "a DNSKEY record for each DS record",
			        "there is no key for the DS record with key tag %u, algorithm %u "
			        "and digest type %u",
			        (unsigned)ds->tag, (unsigned)ds->algorithm,
			        (unsigned)ds->digest_type);
	}
	dns_keys_clear(&keys);
}

void check_ds_matches(struct technical_judge *j)
{
	size_t seen = 0;
	if (!have_ds(j))
		return;
	EACH_ADDRESS(j->facts)
	{
		const struct technical_answer *answer = &a->answer[TECHNICAL_DNSKEY];
		const struct dns_rrset *set = own_set(j->facts, answer, DNS_TYPE_DNSKEY);
		seen += answer->message != NULL;
		if (set != NULL)
			match_at(j, s, a, set);
		else if (answer->message != NULL)
			found(j, TECHNICAL_FAIL, s, &a->at, "a DNSKEY record for each DS record",
			        "there is no DNSKEY set in the answer");
	}
	if (seen == 0)
		found(j, TECHNICAL_FAIL, NULL, NULL, "the zone's DNSKEY set",
		        "no address answered to the question for it");
	all_well(j, "each of %zu DS records belongs to a key at all addresses", j->facts->ds_count);
}

// ---- CDS ------------------------------------------------------------------------------------

static bool ds_has(const struct technical_facts *f, const struct dns_rdata *rdata)
{
	struct dns_ds ds;
	if (dns_ds_new(rdata, &ds, NULL) != RESULT_OK)
		return false;
	for (size_t i = 0; i < f->ds_count; i++)
		if (dns_ds_equal(&f->ds[i], &ds))
			return true;
	return false;
}

static bool cds_has(const struct dns_rrset *set, const struct dns_ds *ds)
{
	uint8_t octets[DNS_DS_WIRE_MAX];
	struct dns_rdata rdata = {octets, (uint16_t)dns_ds_wire(ds, octets)};
	for (size_t i = 0; i < set->count; i++)
		if (dns_rdata_equal(DNS_TYPE_CDS, &set->rdata[i], &rdata))
			return true;
	return false;
}

static void judge_cds(struct technical_judge *j, const struct technical_server *s,
        const struct technical_address *a, const struct dns_rrset *set)
{
	static const char expected[] = "CDS records that ask for this DS set, or none";
	const struct technical_facts *f = j->facts;
	for (size_t i = 0; i < set->count; i++) {
		if (dns_cds_is_delete(&set->rdata[i]))
			found(j, TECHNICAL_WARN, s, &a->at, expected,
			        "the CDS record asks for the removal of all DS records");
		else if (!ds_has(f, &set->rdata[i]))
			found(j, TECHNICAL_WARN, s, &a->at, expected,
			        "a CDS record asks for a DS record that is not in the set");
	}
	for (size_t i = 0; i < f->ds_count; i++)
		if (!cds_has(set, &f->ds[i]) && !dns_cds_is_delete(&set->rdata[0]))
			found(j, TECHNICAL_WARN, s, &a->at, expected,
			        "no CDS record asks for the DS record with key tag %u",
			        (unsigned)f->ds[i].tag);
}

void check_cds(struct technical_judge *j)
{
	size_t seen = 0;
	EACH_ADDRESS(j->facts)
	{
		const struct dns_rrset *set =
		        own_set(j->facts, &a->answer[TECHNICAL_CDS], DNS_TYPE_CDS);
		if (set == NULL || (j->facts->ds_count == 0 && !j->facts->ds_known))
			continue;
		seen++;
		judge_cds(j, s, a, set);
	}
	if (seen == 0)
		skip(j, "the zone has no CDS records, or they cannot be compared");
	else
		all_well(j, "the CDS records at %zu addresses ask for this DS set", seen);
}
