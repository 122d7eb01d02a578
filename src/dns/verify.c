#include "dns/canonical.h"
#include "dns/crypto.h"

#include <assert.h>
#include <libknot/wire.h>
#include <string.h>

#define FIXED_OCTETS 18 // of an RRSIG, before the signer's name

const char *dns_signature_text(enum dns_signature outcome)
{
	static const char *const texts[DNS_SIGNATURE_COUNT] = {
	        [DNS_SIGNATURE_GOOD] = "good",
	        [DNS_SIGNATURE_REVOKED] = "made by a revoked key",
	        [DNS_SIGNATURE_EXPIRED] = "expired",
	        [DNS_SIGNATURE_NOT_YET] = "not yet valid",
	        [DNS_SIGNATURE_BAD] = "wrong",
	        [DNS_SIGNATURE_KEY] = "made by a key that must not sign zones",
	        [DNS_SIGNATURE_UNSUPPORTED] = "of an algorithm that is not supported here",
	        [DNS_SIGNATURE_OTHER_KEY] = "made by a key that is not there",
	        [DNS_SIGNATURE_MALFORMED] = "malformed",
	        [DNS_SIGNATURE_NONE] = "missing",
	};
	return (unsigned)outcome < DNS_SIGNATURE_COUNT ? texts[outcome] : "unknown outcome";
}

enum result dns_rrsig_parse(
        const struct dns_rdata *rdata, struct dns_rrsig *rrsig, struct error *err)
{
	const uint8_t *octets = rdata->octets;
	if (rdata->length < FIXED_OCTETS)
		return error_set(err, RESULT_INPUT,
		        "an RRSIG record of %u octets is too short: its fixed part has %d",
		        rdata->length, FIXED_OCTETS);
	struct dns_rrsig new = {
	        .type_covered = knot_wire_read_u16(octets),
	        .algorithm = octets[2],
	        .labels = octets[3],
	        .original_ttl_s = knot_wire_read_u32(octets + 4),
	        .expiration = knot_wire_read_u32(octets + 8),
	        .inception = knot_wire_read_u32(octets + 12),
	        .tag = knot_wire_read_u16(octets + 16),
	};
	size_t signer_length;
	enum result result = dns_name_check(octets + FIXED_OCTETS,
	        rdata->length - (size_t)FIXED_OCTETS, &new.signer, &signer_length, err);
	if (result != RESULT_OK) {
		error_prefix(err, "signer of an RRSIG record: ");
		return result;
	}
	dns_name_lower(&new.signer, new.signer.wire);
	new.head_length = FIXED_OCTETS + signer_length;
	new.signature = octets + new.head_length;
	new.signature_length = rdata->length - new.head_length;
	if (new.signature_length == 0)
		return error_set(err, RESULT_INPUT, "an RRSIG record has no signature in it");
	*rrsig = new;
	return RESULT_OK;
}

int64_t dns_serial_time(uint32_t serial, int64_t now_s)
{
	return now_s + (int32_t)(serial - (uint32_t)now_s);
}

// RFC 4035 5.3.1: what an RRSIG must have in common with its RRset.
static bool fits(const struct dns_rrset *rrset, const struct dns_rrsig *rrsig)
{
	const uint8_t *signer = rrsig->signer.wire;
	if (rrset->count == 0 || rrsig->type_covered != rrset->type)
		return false;
	if (rrsig->labels > dns_name_labels(rrset->owner) ||
	        rrsig->labels < dns_name_labels(signer) ||
	        !dns_name_is_subdomain(rrset->owner, signer))
		return false;
	// Keys sit at the apex of the zone that signs them, a DS set belongs to the zone above.
	bool apex = dns_name_equal(rrset->owner, signer);
	return rrset->type == DNS_TYPE_DNSKEY ? apex : rrset->type != DNS_TYPE_DS || !apex;
}

static bool is_by(const struct dns_rrsig *rrsig, const struct dns_key *key)
{
	return rrsig->tag == dns_key_tag(key) && rrsig->algorithm == dns_key_algorithm(key) &&
	       dns_name_equal(rrsig->signer.wire, dns_key_owner(key));
}

// The state of verifying one RRset.
struct task {
	struct arena *arena;
	const struct dns_rrset *rrset;
	int64_t now_s;
	struct error *err;
	struct dns_rdata *rdata; // canonical
	size_t count;
	size_t checks; // public-key operations so far
	bool limited;
	// Of the signature at hand:
	const struct dns_rdata *signature;
	struct dns_rrsig rrsig;
	uint8_t *octets; // NULL until they are needed
	size_t length;
};

static enum result prepare(struct task *task)
{
	if (task->rdata == NULL) {
		enum result result = dns_canonical_rdata(
		        task->arena, task->rrset, &task->rdata, &task->count, task->err);
		if (result != RESULT_OK)
			return result;
	}
	if (task->octets != NULL)
		return RESULT_OK;
	return dns_signed_octets(task->arena, task->rrset, task->rdata, task->count,
	        task->signature, &task->rrsig, &task->octets, &task->length, task->err);
}

// The checks that need no key. GOOD: nothing is wrong so far.
static enum dns_signature judge_form(struct task *task, const struct dns_rdata *signature)
{
	task->signature = signature;
	task->octets = NULL;
	if (dns_rrsig_parse(signature, &task->rrsig, NULL) != RESULT_OK ||
	        !fits(task->rrset, &task->rrsig))
		return DNS_SIGNATURE_MALFORMED;
	if (!dns_algorithm_is_supported(task->rrsig.algorithm))
		return DNS_SIGNATURE_UNSUPPORTED;
	return DNS_SIGNATURE_GOOD;
}

static enum dns_signature judge_dates(const struct task *task)
{
	if (task->now_s < dns_serial_time(task->rrsig.inception, task->now_s))
		return DNS_SIGNATURE_NOT_YET;
	if (task->now_s > dns_serial_time(task->rrsig.expiration, task->now_s))
		return DNS_SIGNATURE_EXPIRED;
	return DNS_SIGNATURE_GOOD;
}

static enum result judge_key(struct task *task, struct dns_key *key, enum dns_signature *outcome)
{
	if (!is_by(&task->rrsig, key)) {
		*outcome = DNS_SIGNATURE_OTHER_KEY;
		return RESULT_OK;
	}
	*outcome = judge_dates(task);
	if (*outcome != DNS_SIGNATURE_GOOD)
		return RESULT_OK;
	enum result result = prepare(task);
	if (result != RESULT_OK)
		return result;
	task->checks++;
	struct dns_public *public = dns_key_public(key);
	if (public == NULL || !dns_public_verify(public, task->octets, task->length,
	                              task->rrsig.signature, task->rrsig.signature_length))
		*outcome = DNS_SIGNATURE_BAD;
	else if (!dns_key_is_zone_key(key))
		*outcome = DNS_SIGNATURE_KEY;
	else if (dns_key_is_revoked(key))
		*outcome = DNS_SIGNATURE_REVOKED;
	return RESULT_OK;
}

// A table of signers that grows by doubling: most sets have one or two.
struct signers {
	struct dns_signer *list;
	size_t count, room;
};

static bool add_signer(struct task *task, struct signers *signers, size_t key, size_t signature)
{
	if (signers->count == signers->room) {
		size_t room = signers->room == 0 ? 4 : 2 * signers->room;
		struct dns_signer *list = arena_array(task->arena, room, sizeof *list);
		if (list == NULL)
			return false;
		if (signers->count > 0)
			memcpy(list, signers->list, signers->count * sizeof *list);
		signers->list = list;
		signers->room = room;
	}
	const struct dns_rrsig *rrsig = &task->rrsig;
	size_t labels = dns_name_labels(task->rrset->owner);
	if (dns_name_is_wildcard(task->rrset->owner))
		labels--;
	signers->list[signers->count++] = (struct dns_signer){
	        .key = key,
	        .signature = signature,
	        .from_s = dns_serial_time(rrsig->inception, task->now_s),
	        .until_s = dns_serial_time(rrsig->expiration, task->now_s),
	        .original_ttl_s = rrsig->original_ttl_s,
	        .wildcard = rrsig->labels < labels,
	};
	return true;
}

static enum result judge_signature(struct task *task, const struct dns_keys *keys, size_t at,
        struct signers *signers, enum dns_signature *outcome)
{
	enum dns_signature best = judge_form(task, &task->rrset->signatures[at]);
	if (best != DNS_SIGNATURE_GOOD) {
		*outcome = best;
		return RESULT_OK;
	}
	best = DNS_SIGNATURE_OTHER_KEY;
	for (size_t i = 0; i < keys->count; i++) {
		if (task->checks == DNS_VERIFY_MAX_CHECKS && is_by(&task->rrsig, keys->key[i])) {
			task->limited = true;
			break;
		}
		enum dns_signature found;
		enum result result = judge_key(task, keys->key[i], &found);
		if (result != RESULT_OK)
			return result;
		if (found == DNS_SIGNATURE_GOOD && !add_signer(task, signers, i, at))
			return error_set(task->err, RESULT_MEMORY, "no memory for signers");
		if (found < best)
			best = found;
	}
	*outcome = best;
	return RESULT_OK;
}

static void sum_up(struct dns_verified *verified)
{
	for (size_t i = 0; i < verified->signature_count; i++) {
		if (verified->signatures[i] < verified->outcome)
			verified->outcome = verified->signatures[i];
	}
	for (size_t i = 0; i < verified->signer_count; i++) {
		int64_t until_s = verified->signers[i].until_s;
		if (i == 0 || until_s > verified->until_s)
			verified->until_s = until_s;
		if (i == 0 || until_s < verified->earliest_until_s)
			verified->earliest_until_s = until_s;
	}
}

enum result dns_rrset_verify(struct arena *arena, const struct dns_rrset *rrset,
        const struct dns_keys *keys, int64_t now_s, struct dns_verified *verified,
        struct error *err)
{
	struct task task = {.arena = arena, .rrset = rrset, .now_s = now_s, .err = err};
	struct signers signers = {0};
	size_t count = rrset->signature_count;
	if (count > DNS_VERIFY_MAX_SIGNATURES) {
		count = DNS_VERIFY_MAX_SIGNATURES;
		task.limited = true;
	}
	enum dns_signature *outcomes = arena_array(arena, count, sizeof *outcomes);
	if (outcomes == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for %zu signatures", count);
	for (size_t i = 0; i < count; i++) {
		enum result result = judge_signature(&task, keys, i, &signers, &outcomes[i]);
		if (result != RESULT_OK)
			return result;
	}
	*verified = (struct dns_verified){
	        .outcome = DNS_SIGNATURE_NONE,
	        .signer_count = signers.count,
	        .signers = signers.list,
	        .signature_count = count,
	        .signatures = outcomes,
	        .limited = task.limited,
	};
	sum_up(verified);
	return RESULT_OK;
}

static bool verified_by(const struct dns_verified *verified, size_t key)
{
	for (size_t i = 0; i < verified->signer_count; i++) {
		if (verified->signers[i].key == key)
			return true;
	}
	return false;
}

void dns_chain_link(const struct dns_ds *ds, size_t ds_count, const struct dns_keys *keys,
        const struct dns_verified *verified, bool *referenced, bool *linked, bool *unsupported)
{
	bool any_usable = false, any_link = false;
	for (size_t k = 0; k < keys->count; k++)
		referenced[k] = false;
	for (size_t d = 0; d < ds_count; d++) {
		if (!dns_algorithm_is_supported(ds[d].algorithm) ||
		        !dns_digest_is_supported(ds[d].digest_type))
			continue;
		any_usable = true;
		for (size_t k = 0; k < keys->count; k++) {
			if (dns_ds_match(&ds[d], keys->key[k]) != DNS_DS_MATCHES)
				continue;
			referenced[k] = true;
			any_link = any_link || verified_by(verified, k);
		}
	}
	*linked = any_link;
	*unsupported = ds_count > 0 && !any_usable;
}
