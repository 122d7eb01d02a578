// Private to src/zone: one signature of one set, from its record to a verdict.
#pragma once

#include "zone/check_internal.h"

#include <openssl/evp.h>

enum sign_state {
	SIGN_WAITS, // for the batch that it is in
	SIGN_VALID,
	SIGN_WRONG,     // the signature itself
	SIGN_TOLD,      // something else, which is told already
	SIGN_UNCHECKED, // of an algorithm that is not supported here
};

// The fixed fields of an RRSIG record (RFC 4034 3.1).
struct sign_fields {
	uint8_t algorithm, labels;
	uint16_t tag;
	uint32_t original_ttl_s, expiration, inception;
	const uint8_t *signature;
	size_t signature_length, head_length;
};

struct signature {
	const struct zone_rrset *set;
	uint16_t at; // which of the set's signatures
	uint16_t key;
	uint8_t algorithm;
	enum sign_state state;
	int64_t expiration_s;
};

// Signatures of one key on their way through the fast path.
#define SIGN_BATCH 512
struct sign_batch {
	size_t count;
	size_t signature[SIGN_BATCH]; // index
	struct p256_check check[SIGN_BATCH];
};

// What one thread has of its own.
struct sign_worker {
	struct dns_key **keys;       // for each key, NULL until it is needed
	struct sign_batch **batches; // for each key with a fast path
	EVP_MD *sha256;
	EVP_MD_CTX *hashing;
	uint8_t *octets; // that are signed
	size_t room;
	struct signature *signatures; // of this block
	size_t count, signature_room;
	bool failed;
};

struct signing {
	struct checking *checking;
	struct sign_worker *workers;
};

// The fields of a record that has the form of its type.
struct sign_fields sign_read(const struct dns_rdata *rdata);

// Everything but the signature itself: true where that is worth checking; otherwise state says why
// not, and findings have it.
bool sign_judge(const struct checking *checking, const struct zone_rrset *set,
        const struct sign_fields *fields, const struct dns_rdata *rdata,
        struct signature *signature, struct findings *findings);
// Puts the signature into a batch, or checks it at once.
void sign_check(struct signing *signing, struct sign_worker *worker, size_t signature);
// Checks what waits.
void sign_flush(struct signing *signing, struct sign_worker *worker);
