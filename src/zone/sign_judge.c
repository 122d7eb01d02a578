// What has to be so before a signature is worth checking (RFC 4035 5.3.1), and what an
// authoritative server must not have although validators would bear it (RFC 4034 3).
#include "zone/sign_internal.h"

#include "base/clock.h"
#include "dns/verify.h"

#include <stdio.h>
#include <string.h>

#define SIGNER 18 // where the signer's name begins

static uint16_t u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t u32(const uint8_t *at)
{
	return (uint32_t)u16(at) << 16 | u16(at + 2);
}

struct sign_fields sign_read(const struct dns_rdata *rdata)
{
	const uint8_t *octets = rdata->octets;
	size_t head = SIGNER + dns_name_length(octets + SIGNER);
	return (struct sign_fields){.algorithm = octets[2],
	        .labels = octets[3],
	        .original_ttl_s = u32(octets + 4),
	        .expiration = u32(octets + 8),
	        .inception = u32(octets + 12),
	        .tag = u16(octets + 16),
	        .head_length = head,
	        .signature = octets + head,
	        .signature_length = rdata->length - head};
}

struct place {
	const struct checking *checking;
	const struct zone_rrset *set;
	const struct sign_fields *fields;
	struct findings *findings;
};

#define TELL(place, format, ...)                                                                   \
	finding_error((place)->findings, (place)->checking->zone, (place)->set->node,              \
	        (place)->set->type, "the signature by key %u (algorithm %u) " format,              \
	        (place)->fields->tag, (place)->fields->algorithm, __VA_ARGS__)

static bool signer_is_apex(const struct place *place, const struct dns_rdata *rdata)
{
	const struct checking *checking = place->checking;
	const uint8_t *signer = rdata->octets + SIGNER;
	if (place->fields->head_length - SIGNER == checking->apex_length &&
	        memcmp(signer, zone_apex(checking->zone), checking->apex_length) == 0)
		return true;
	char found[DNS_NAME_TEXT];
	TELL(place, "names %.255s as its signer, not the zone", dns_name_text(signer, found));
	return false;
}

// RFC 4034 3.1.3: without the root, and without the asterisk of a wildcard. Fewer would say that
// the set was made from a wildcard, which a zone does not contain.
static bool labels_fit(const struct place *place)
{
	const uint8_t *owner = zone_node_at(place->checking->zone, place->set->node)->owner;
	size_t labels = dns_name_labels(owner) - (dns_name_is_wildcard(owner) ? 1 : 0);
	if (place->fields->labels == labels)
		return true;
	TELL(place, "says that the owner has %u labels; it has %zu%s", place->fields->labels,
	        labels, dns_name_is_wildcard(owner) ? " without the asterisk" : "");
	return false;
}

static bool ttl_fits(const struct place *place)
{
	if (place->fields->original_ttl_s == place->set->ttl_s)
		return true;
	TELL(place, "is for a TTL of %u s; the set's is %u s", place->fields->original_ttl_s,
	        place->set->ttl_s);
	return false;
}

static bool dates_fit(const struct place *place, int64_t *expiration_s)
{
	int64_t now_s = place->checking->options->now_s;
	int64_t from_s = dns_serial_time(place->fields->inception, now_s);
	int64_t until_s = dns_serial_time(place->fields->expiration, now_s);
	char from[TIME_TEXT], until[TIME_TEXT];
	*expiration_s = until_s;
	time_format(from_s * SECOND_MS, from);
	time_format(until_s * SECOND_MS, until);
	if (until_s < from_s)
		TELL(place, "ends at %s, before it begins at %s", until, from);
	else if (now_s < from_s)
		TELL(place, "is valid only from %s on", from);
	else if (now_s > until_s)
		TELL(place, "expired at %s", until);
	return from_s <= now_s && now_s <= until_s;
}

// The first key of this tag and algorithm that may sign this set.
static bool find_key(const struct place *place, struct signature *signature)
{
	const struct checking *checking = place->checking;
	const struct check_key *other = NULL;
	for (size_t i = 0; i < checking->key_count; i++) {
		const struct check_key *key = &checking->keys[i];
		if (key->tag != place->fields->tag || key->algorithm != place->fields->algorithm)
			continue;
		if (key->usable) {
			signature->key = (uint16_t)i;
			return true;
		}
		other = key;
	}
	signature->state = SIGN_TOLD;
	if (other == NULL)
		TELL(place, "cannot be checked: no such key is in the DNSKEY set%s", "");
	else if (!dns_algorithm_is_supported(other->algorithm))
		signature->state = SIGN_UNCHECKED; // told at the key
	else if (!other->revoked)
		TELL(place,
		        "does not count: that key cannot sign zones (flags, protocol or form)%s",
		        "");
	else if (place->set->type != DNS_TYPE_DNSKEY) // RFC 5011 2.1: there it says the revocation
		TELL(place, "does not count: that key is revoked%s", "");
	return false;
}

bool sign_judge(const struct checking *checking, const struct zone_rrset *set,
        const struct sign_fields *fields, const struct dns_rdata *rdata,
        struct signature *signature, struct findings *findings)
{
	struct place place = {checking, set, fields, findings};
	signature->state = SIGN_TOLD;
	if (!signer_is_apex(&place, rdata) || !find_key(&place, signature))
		return false;
	// Each of these is told; a signature that fails two of them is worth two sentences.
	bool fits = labels_fit(&place);
	if (set->ttl_s == set->ttl_max_s) // otherwise there is a finding already
		fits = ttl_fits(&place) && fits;
	return dates_fit(&place, &signature->expiration_s) && fits;
}
