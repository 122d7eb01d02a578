// All signatures of a zone.
#include "zone/sign_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define FAST_FROM       300 // signatures of one key from which on a table of its multiples pays
#define SIGNATURES_READ 64  // of one set: each is hashed with the whole set

static void count_signatures(struct checking *checking)
{
	const struct zone *zone = checking->zone;
	for (size_t i = 0; i < zone_rrset_count(zone); i++) {
		const struct zone_rrset *set = zone_rrset_at(zone, i);
		const struct dns_rdata *signatures = zone_signatures(zone, set);
		for (uint32_t s = 0; s < set->signature_count; s++) {
			struct sign_fields fields = sign_read(&signatures[s]);
			for (size_t k = 0; k < checking->key_count; k++)
				if (checking->keys[k].tag == fields.tag &&
				        checking->keys[k].algorithm == fields.algorithm)
					checking->keys[k].signature_count++;
		}
	}
}

static void prepare_keys(struct checking *checking)
{
	count_signatures(checking);
	for (size_t i = 0; i < checking->key_count; i++) {
		struct check_key *key = &checking->keys[i];
		if (key->usable && key->algorithm == DNS_ALGORITHM_ECDSAP256SHA256 &&
		        key->signature_count >= FAST_FROM &&
		        key->rdata->length == 4 + P256_KEY_OCTETS &&
		        !checking->options->reference_only)
			key->fast = p256_key_new(key->rdata->octets + 4); // NULL: slower
	}
}

static bool worker_init(struct sign_worker *worker, size_t keys)
{
	*worker = (struct sign_worker){.keys = calloc(keys + 1, sizeof(struct dns_key *)),
	        .batches = calloc(keys + 1, sizeof(struct sign_batch *)),
	        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
	        .hashing = EVP_MD_CTX_new()};
	return worker->keys != NULL && worker->batches != NULL && worker->sha256 != NULL &&
	       worker->hashing != NULL;
}

static void worker_free(struct sign_worker *worker, size_t keys)
{
	for (size_t i = 0; worker->keys != NULL && i < keys; i++)
		dns_key_unref(worker->keys[i]);
	for (size_t i = 0; worker->batches != NULL && i < keys; i++)
		free(worker->batches[i]);
	free(worker->keys);
	free(worker->batches);
	EVP_MD_free(worker->sha256);
	EVP_MD_CTX_free(worker->hashing);
	free(worker->octets);
	free(worker->signatures);
}

static struct signature *new_signature(struct sign_worker *worker)
{
	if (worker->count == worker->signature_room) {
		size_t room = worker->signature_room == 0 ? 4096 : 2 * worker->signature_room;
		struct signature *grown = reallocarray(worker->signatures, room, sizeof *grown);
		if (grown == NULL) {
			worker->failed = true;
			return NULL;
		}
		worker->signatures = grown;
		worker->signature_room = room;
	}
	return &worker->signatures[worker->count++];
}

// Every signature is listed, also those that are wrong at first sight: judge_set() wants to see
// them.
static void begin_set(struct signing *signing, struct sign_worker *worker,
        const struct zone_rrset *set, struct findings *findings)
{
	const struct zone *zone = signing->checking->zone;
	const struct dns_rdata *rdata = zone_signatures(zone, set);
	if (set->signature_count > SIGNATURES_READ)
		finding_error(findings, zone, set->node, set->type,
		        "has %u signatures; only the first %d are looked at", set->signature_count,
		        SIGNATURES_READ);
	for (uint16_t i = 0; i < set->signature_count && i < SIGNATURES_READ; i++) {
		struct sign_fields fields = sign_read(&rdata[i]);
		struct signature *signature = new_signature(worker);
		if (signature == NULL)
			return;
		*signature = (struct signature){.set = set, .at = i, .algorithm = fields.algorithm};
		if (!sign_judge(signing->checking, set, &fields, &rdata[i], signature, findings))
			continue;
		signature->state = SIGN_WAITS;
		sign_check(signing, worker, worker->count - 1);
	}
}

// What can be said without a look at the signatures. False where they need none.
static bool look_at_set(const struct checking *checking, const struct zone_node *node,
        const struct zone_rrset *set, struct findings *findings)
{
	const struct zone *zone = checking->zone;
	if (set->type == DNS_TYPE_RRSIG) {
		finding_error(findings, zone, set->node, set->type,
		        "an RRSIG covers RRSIG records, which are not signed");
		return false;
	}
	if (set->count == 0) {
		finding_error(findings, zone, set->node, set->type,
		        "there is a signature, but no set that it covers");
		return false;
	}
	if (!zone_is_authoritative(node, set->type)) {
		if (set->signature_count > 0)
			finding_error(findings, zone, set->node, set->type,
			        "is signed, but %s, for which this zone is not authoritative",
			        node->flags & ZONE_NODE_BELOW ? "lies below a delegation or DNAME"
			                                      : "stands at a delegation");
		return false;
	}
	if (set->signature_count == 0)
		finding_error(findings, zone, set->node, set->type, "is not signed");
	else if (set->signature_ttl_s != set->ttl_s || set->signature_ttl_max_s != set->ttl_s)
		finding_error(findings, zone, set->node, set->type,
		        "the TTL of its signatures is %u s, that of the set %u s",
		        set->signature_ttl_s != set->ttl_s ? set->signature_ttl_s
		                                           : set->signature_ttl_max_s,
		        set->ttl_s);
	return set->signature_count > 0;
}

struct tally {
	size_t sets, signatures, valid;
	int64_t earliest_s;
	const struct zone_rrset *earliest;
	size_t headroom[ZONE_HEADROOM_COUNT];
};

static void tally_valid(
        struct tally *tally, const struct checking *checking, const struct signature *signature)
{
	int64_t left_s = signature->expiration_s - checking->options->now_s;
	size_t i = 0;
	while (i < ZONE_HEADROOM_COUNT - 1 && left_s >= (int64_t)zone_headroom_days[i] * 86400)
		i++;
	tally->headroom[i]++;
	tally->valid++;
	if (tally->earliest == NULL || signature->expiration_s < tally->earliest_s) {
		tally->earliest_s = signature->expiration_s;
		tally->earliest = signature->set;
	}
}

static void tell_wrong(const struct checking *checking, const struct signature *signature,
        struct findings *findings)
{
	const struct check_key *key = &checking->keys[signature->key];
	finding_error(findings, checking->zone, signature->set->node, signature->set->type,
	        "the signature by key %u (algorithm %u) is wrong: it does not match the set",
	        key->tag, key->algorithm);
}

// RFC 4035 2.2: a signature of each algorithm that the DNSKEY set has.
static void want_algorithms(const struct checking *checking, const struct zone_rrset *set,
        const bool *seen, struct findings *findings)
{
	for (unsigned algorithm = 0; algorithm < 256; algorithm++)
		if (checking->algorithm[algorithm] && !seen[algorithm])
			finding_error(findings, checking->zone, set->node, set->type,
			        "has no signature of algorithm %u, which the DNSKEY set has",
			        algorithm);
}

// The signatures of one set, all judged.
static void judge_set(struct checking *checking, const struct signature *signatures, size_t count,
        struct tally *tally, struct findings *findings)
{
	bool seen[256] = {false};
	tally->signatures += count;
	for (size_t i = 0; i < count; i++) {
		seen[signatures[i].algorithm] = true;
		if (signatures[i].state == SIGN_WRONG)
			tell_wrong(checking, &signatures[i], findings);
		if (signatures[i].state != SIGN_VALID)
			continue;
		tally_valid(tally, checking, &signatures[i]);
		if (signatures[i].set->type == DNS_TYPE_DNSKEY) // one set, so one thread
			checking->signs_keys[signatures[i].key] = true;
	}
	want_algorithms(checking, signatures[0].set, seen, findings);
}

// The first in canonical order among the earliest, whichever thread comes first.
static bool is_earlier(const struct tally *tally, const struct zone_report *report,
        const struct zone_rrset *earliest)
{
	if (tally->earliest == NULL)
		return false;
	if (earliest == NULL || tally->earliest_s != report->earliest_expiration_s)
		return earliest == NULL || tally->earliest_s < report->earliest_expiration_s;
	return tally->earliest < earliest;
}

static void add_tally(struct checking *checking, const struct tally *tally)
{
	struct zone_report *report = checking->report;
	pthread_mutex_lock(&checking->lock);
	report->sets += tally->sets;
	report->signatures += tally->signatures;
	report->valid += tally->valid;
	for (size_t i = 0; i < ZONE_HEADROOM_COUNT; i++)
		report->headroom[i] += tally->headroom[i];
	const struct zone_rrset *earliest = NULL;
	if (report->earliest_owner != NULL)
		earliest = zone_node_find(checking->zone,
		        zone_find(checking->zone, report->earliest_owner), report->earliest_type);
	if (is_earlier(tally, report, earliest)) {
		report->earliest_expiration_s = tally->earliest_s;
		report->earliest_owner = zone_node_at(checking->zone, tally->earliest->node)->owner;
		report->earliest_type = tally->earliest->type;
	}
	pthread_mutex_unlock(&checking->lock);
}

static void judge_block(struct signing *signing, struct sign_worker *worker, struct tally *tally,
        struct findings *findings)
{
	size_t from = 0;
	while (from < worker->count) {
		size_t to = from + 1;
		while (to < worker->count &&
		        worker->signatures[to].set == worker->signatures[from].set)
			to++;
		judge_set(signing->checking, worker->signatures + from, to - from, tally, findings);
		from = to;
	}
}

static void run_block(void *ctx, unsigned number, size_t from, size_t to, struct findings *findings)
{
	struct signing *signing = ctx;
	struct sign_worker *worker = &signing->workers[number];
	const struct zone *zone = signing->checking->zone;
	struct tally tally = {0};
	worker->count = 0;
	for (size_t i = from; i < to; i++) {
		const struct zone_node *node = zone_node_at(zone, i);
		for (uint32_t s = 0; s < node->set_count; s++) {
			const struct zone_rrset *set = zone_node_set(zone, node, s);
			if (set->count > 0 && zone_is_authoritative(node, set->type))
				tally.sets++;
			if (look_at_set(signing->checking, node, set, findings))
				begin_set(signing, worker, set, findings);
		}
	}
	sign_flush(signing, worker);
	judge_block(signing, worker, &tally, findings);
	add_tally(signing->checking, &tally);
	if (worker->failed)
		checking_fail(signing->checking, RESULT_MEMORY, "no memory to check signatures");
}

void check_signatures(struct checking *checking)
{
	unsigned threads = checking->options->threads;
	struct signing signing = {checking, calloc(threads, sizeof *signing.workers)};
	bool ready = signing.workers != NULL;
	if (checking->key_count == 0) { // said once, instead of at each set
		free(signing.workers);
		return;
	}
	for (unsigned i = 0; ready && i < threads; i++)
		ready = worker_init(&signing.workers[i], checking->key_count);
	if (ready) {
		prepare_keys(checking);
		check_blocks(checking, PHASE_SIGN, run_block, &signing);
	} else {
		checking_fail(checking, RESULT_MEMORY, "no memory to check signatures");
	}
	for (unsigned i = 0; signing.workers != NULL && i < threads; i++)
		worker_free(&signing.workers[i], checking->key_count);
	free(signing.workers);
}
