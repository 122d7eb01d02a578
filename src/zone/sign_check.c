// The signature itself: what it covers (RFC 4034 3.1.8.1), hashed and checked.
#include "zone/sign_internal.h"

#include <stdlib.h>
#include <string.h>

// Of one tag and algorithm, for one signature: chance never makes so many (RFC 4034 5.3, 8).
#define KEYS_TRIED 4

static uint8_t *put(uint8_t *at, const void *octets, size_t n)
{
	memcpy(at, octets, n);
	return at + n;
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static bool make_room(struct sign_worker *worker, size_t octets)
{
	if (octets <= worker->room)
		return true;
	uint8_t *grown = realloc(worker->octets, 2 * octets);
	if (grown == NULL)
		return false;
	worker->octets = grown;
	worker->room = 2 * octets;
	return true;
}

// Canonical form is what the zone has already. The owner is as it is: sign_judge() has made sure
// that the labels field says the same.
static bool gather(const struct zone *zone, struct sign_worker *worker,
        const struct zone_rrset *set, const struct dns_rdata *signature, size_t *length)
{
	const uint8_t *owner = zone_node_at(zone, set->node)->owner;
	const struct dns_rdata *rdata = zone_rdata(zone, set);
	struct sign_fields fields = sign_read(signature);
	size_t owner_length = dns_name_length(owner), total = fields.head_length;
	for (uint32_t i = 0; i < set->count; i++)
		total += owner_length + 10 + rdata[i].length;
	if (!make_room(worker, total))
		return false;
	uint8_t *at = put(worker->octets, signature->octets, fields.head_length);
	for (uint32_t i = 0; i < set->count; i++) {
		at = put(at, owner, owner_length);
		at = put_u16(at, set->type);
		at = put_u16(at, zone_class(zone));
		at = put(at, signature->octets + 4, 4); // the original TTL
		at = put_u16(at, rdata[i].length);
		at = put(at, rdata[i].octets, rdata[i].length);
	}
	*length = total;
	return true;
}

static struct dns_key *worker_key(
        const struct checking *checking, struct sign_worker *worker, size_t i)
{
	if (worker->keys[i] == NULL &&
	        dns_key_new(zone_apex(checking->zone), checking->keys[i].rdata, &worker->keys[i],
	                NULL) != RESULT_OK)
		worker->failed = true;
	return worker->keys[i];
}

static const struct dns_rdata *record_of(
        const struct checking *checking, const struct signature *signature)
{
	return &zone_signatures(checking->zone, signature->set)[signature->at];
}

// By OpenSSL, with this key.
static bool check_with(const struct checking *checking, struct sign_worker *worker,
        const struct signature *signature, size_t key)
{
	const struct dns_rdata *record = record_of(checking, signature);
	struct sign_fields fields = sign_read(record);
	struct dns_key *public = worker_key(checking, worker, key);
	size_t length;
	if (public == NULL || !gather(checking->zone, worker, signature->set, record, &length)) {
		worker->failed = true;
		return false;
	}
	return dns_key_verify(
	        public, worker->octets, length, fields.signature, fields.signature_length);
}

// By OpenSSL, with every key that has this tag and algorithm: two keys may share a tag.
static void check_slowly(const struct checking *checking, struct sign_worker *worker,
        struct signature *signature, size_t from)
{
	const struct check_key *wanted = &checking->keys[signature->key];
	signature->state = SIGN_WRONG;
	for (size_t i = from, tried = 0; i < checking->key_count && tried < KEYS_TRIED; i++) {
		const struct check_key *key = &checking->keys[i];
		if (!key->usable || key->tag != wanted->tag || key->algorithm != wanted->algorithm)
			continue;
		tried++;
		if (check_with(checking, worker, signature, i)) {
			signature->state = SIGN_VALID;
			signature->key = (uint16_t)i;
			return;
		}
	}
}

static void batch_run(const struct checking *checking, struct sign_worker *worker, size_t key)
{
	struct sign_batch *batch = worker->batches[key];
	enum p256_verdict verdicts[SIGN_BATCH];
	p256_check_many(checking->keys[key].fast, batch->check, batch->count, verdicts);
	for (size_t i = 0; i < batch->count; i++) {
		struct signature *signature = &worker->signatures[batch->signature[i]];
		if (verdicts[i] == P256_VALID)
			signature->state = SIGN_VALID;
		else // another key of this tag, or another opinion
			check_slowly(checking, worker, signature,
			        verdicts[i] == P256_UNDECIDED ? key : key + 1);
	}
	batch->count = 0;
}

static bool hash(struct sign_worker *worker, size_t length, uint8_t digest[P256_DIGEST_OCTETS])
{
	return EVP_DigestInit_ex2(worker->hashing, worker->sha256, NULL) == 1 &&
	       EVP_DigestUpdate(worker->hashing, worker->octets, length) == 1 &&
	       EVP_DigestFinal_ex(worker->hashing, digest, NULL) == 1;
}

static void batch_put(const struct checking *checking, struct sign_worker *worker, size_t index)
{
	struct signature *signature = &worker->signatures[index];
	const struct dns_rdata *record = record_of(checking, signature);
	struct sign_fields fields = sign_read(record);
	struct sign_batch **batch = &worker->batches[signature->key];
	size_t length;
	if (fields.signature_length != P256_SIGNATURE_OCTETS) {
		signature->state = SIGN_WRONG;
		return;
	}
	if (*batch == NULL)
		*batch = calloc(1, sizeof **batch);
	struct p256_check *check = *batch == NULL ? NULL : &(*batch)->check[(*batch)->count];
	if (check == NULL || !gather(checking->zone, worker, signature->set, record, &length) ||
	        !hash(worker, length, check->digest)) {
		worker->failed = true;
		return;
	}
	memcpy(check->signature, fields.signature, P256_SIGNATURE_OCTETS);
	(*batch)->signature[(*batch)->count++] = index;
	if ((*batch)->count == SIGN_BATCH)
		batch_run(checking, worker, signature->key);
}

void sign_check(struct signing *signing, struct sign_worker *worker, size_t index)
{
	const struct checking *checking = signing->checking;
	struct signature *signature = &worker->signatures[index];
	if (checking->keys[signature->key].fast != NULL)
		batch_put(checking, worker, index);
	else
		check_slowly(checking, worker, signature, signature->key);
}

void sign_flush(struct signing *signing, struct sign_worker *worker)
{
	for (size_t i = 0; i < signing->checking->key_count; i++)
		if (worker->batches[i] != NULL && worker->batches[i]->count > 0)
			batch_run(signing->checking, worker, i);
}
