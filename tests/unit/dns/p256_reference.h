// ECDSA P-256 by OpenSSL, one signature at a time: what the fast path is compared with, in the unit
// test and in the fuzz target. Signatures are made with nonces and digests that the caller chooses,
// which no library offers.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns/p256.h"

struct reference {
	EC_GROUP *group;
	BN_CTX *ctx;
	BIGNUM *order, *prime;
};

static inline struct reference reference_new(void)
{
	struct reference ref = {.group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1),
	        .ctx = BN_CTX_new(),
	        .order = BN_new(),
	        .prime = BN_new()};
	EC_GROUP_get_order(ref.group, ref.order, ref.ctx);
	EC_GROUP_get_curve(ref.group, ref.prime, NULL, NULL, ref.ctx);
	return ref;
}

static inline void reference_free(struct reference *ref)
{
	EC_GROUP_free(ref->group);
	BN_CTX_free(ref->ctx);
	BN_free(ref->order);
	BN_free(ref->prime);
}

static inline void put_number(uint8_t octets[32], const BIGNUM *number)
{
	if (BN_bn2binpad(number, octets, 32) != 32)
		abort();
}

// x and y of a point that is not at infinity.
static inline void put_point(struct reference *ref, uint8_t octets[64], const EC_POINT *point)
{
	uint8_t all[65];
	if (EC_POINT_point2oct(ref->group, point, POINT_CONVERSION_UNCOMPRESSED, all, sizeof all,
	            ref->ctx) != sizeof all)
		abort();
	memcpy(octets, all + 1, 64);
}

static inline void public_of(struct reference *ref, const BIGNUM *secret, uint8_t octets[64])
{
	EC_POINT *point = EC_POINT_new(ref->group);
	EC_POINT_mul(ref->group, point, secret, NULL, NULL, ref->ctx);
	put_point(ref, octets, point);
	EC_POINT_free(point);
}

// NULL where OpenSSL does not take it.
static inline EVP_PKEY *reference_key(const uint8_t octets[64])
{
	uint8_t point[65] = {POINT_CONVERSION_UNCOMPRESSED};
	memcpy(point + 1, octets, 64);
	char group[] = "P-256";
	OSSL_PARAM params[] = {
	        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
	        OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static inline bool reference_verdict(EVP_PKEY *key, const struct p256_check *check)
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	ECDSA_SIG_set0(signature, BN_bin2bn(check->signature, 32, NULL),
	        BN_bin2bn(check->signature + 32, 32, NULL));
	unsigned char *der = NULL;
	int n = i2d_ECDSA_SIG(signature, &der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	bool good = n > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
	            EVP_PKEY_verify(ctx, der, (size_t)n, check->digest, 32) == 1;
	EVP_PKEY_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(signature);
	return good;
}

// Signs check->digest: r = (nonce * G).x, s = (digest + r * secret) / nonce, modulo n.
static inline void reference_sign(
        struct reference *ref, const BIGNUM *secret, const BIGNUM *nonce, struct p256_check *check)
{
	BIGNUM *r = BN_new(), *s = BN_new(), *z = BN_bin2bn(check->digest, 32, NULL);
	uint8_t point[64];
	public_of(ref, nonce, point);
	BN_bin2bn(point, 32, r);
	BN_mod(r, r, ref->order, ref->ctx);
	BN_mod_mul(s, r, secret, ref->order, ref->ctx);
	BN_mod_add(s, s, z, ref->order, ref->ctx);
	BN_mod_inverse(z, nonce, ref->order, ref->ctx);
	BN_mod_mul(s, s, z, ref->order, ref->ctx);
	put_number(check->signature, r);
	put_number(check->signature + 32, s);
	BN_free(r);
	BN_free(s);
	BN_free(z);
}
