// fuzz: links dep_dns
// Any digest and signature, and right ones with some octets changed, under a few keys: the fast
// path for P-256 has to say what OpenSSL says.
//
// Input: an octet that chooses key and mode; then, of a piece of 96 octets each, digest and
// signature, or digest, nonce and changes of the right signature.
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dns/p256_reference.h"

#define KEYS   8
#define CHECKS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reference ref;
static struct {
	BIGNUM *secret;
	struct p256_key *fast;
	EVP_PKEY *openssl;
} keys[KEYS];

// The first ones are 1, 2 and 3: G, 2G, 3G, for which points meet themselves.
#define SMALL_KEYS 3

static void prepare(void)
{
	ref = reference_new();
	for (unsigned i = 0; i < KEYS; i++) {
		uint8_t public_key[64];
		keys[i].secret = BN_new();
		BN_set_word(keys[i].secret, i + 1);
		for (unsigned j = 0; i >= SMALL_KEYS && j < 8; j++) {
			BN_mul_word(keys[i].secret, 0x9e3779b1);
			BN_add_word(keys[i].secret, i + 1);
		}
		BN_nnmod(keys[i].secret, keys[i].secret, ref.order, ref.ctx);
		public_of(&ref, keys[i].secret, public_key);
		keys[i].fast = p256_key_new(public_key);
		keys[i].openssl = reference_key(public_key);
		if (keys[i].fast == NULL || keys[i].openssl == NULL)
			abort();
	}
}

static void make_right(struct p256_check *check, const BIGNUM *secret)
{
	uint8_t changes[32];
	BIGNUM *nonce = BN_bin2bn(check->signature, 32, NULL);
	memcpy(changes, check->signature + 32, sizeof changes);
	BN_nnmod(nonce, nonce, ref.order, ref.ctx);
	if (BN_is_zero(nonce))
		BN_one(nonce);
	reference_sign(&ref, secret, nonce, check);
	BN_free(nonce);
	for (size_t i = 0; i < sizeof changes; i++) // mostly few
		check->signature[2 * i + changes[i] % 2] ^= changes[i] >> 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct p256_check checks[CHECKS];
	enum p256_verdict verdicts[CHECKS];
	size_t count = 0;
	if (keys[0].secret == NULL)
		prepare();
	if (size == 0)
		return 0;
	size_t key = data[0] % KEYS;
	bool right = data[0] >= 128;
	for (data++, size--; size >= 96 && count < CHECKS; data += 96, size -= 96) {
		memcpy(checks[count].digest, data, 32);
		memcpy(checks[count].signature, data + 32, 64);
		if (right)
			make_right(&checks[count], keys[key].secret);
		count++;
	}
	if (!p256_check_many(keys[key].fast, checks, count, verdicts))
		return 0;
	for (size_t i = 0; i < count; i++) {
		bool good = reference_verdict(keys[key].openssl, &checks[i]);
		if (verdicts[i] == P256_UNDECIDED ? key >= SMALL_KEYS
		                                  : (verdicts[i] == P256_VALID) != good)
			abort();
	}
	return 0;
}
