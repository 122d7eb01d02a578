#include "dns/crypto.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define RSA_MAX_BITS 4096 // RFC 5702 2.1, 2.2

// What differs between the algorithms.
struct scheme {
	uint8_t algorithm;
	const char *hash;       // OpenSSL's names
	const char *curve;      // NULL for RSA
	size_t coordinate;      // octets of a curve's coordinate
	unsigned smallest_bits; // of an RSA modulus
};

static const struct scheme schemes[] = {
        {DNS_ALGORITHM_RSASHA256, "SHA256", NULL, 0, 512},
        {DNS_ALGORITHM_RSASHA512, "SHA512", NULL, 0, 1024},
        {DNS_ALGORITHM_ECDSAP256SHA256, "SHA256", "P-256", 32, 0},
        {DNS_ALGORITHM_ECDSAP384SHA384, "SHA384", "P-384", 48, 0},
        {DNS_ALGORITHM_ED25519, NULL, NULL, 32, 0},
};

struct dns_public {
	const struct scheme *scheme;
	EVP_PKEY *key;
	EVP_PKEY_CTX *verify; // not for Ed25519, which hashes by itself
	const EVP_MD *hash;
	EVP_MD_CTX *hashing;
};

static const struct scheme *find_scheme(uint8_t algorithm)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (schemes[i].algorithm == algorithm)
			return &schemes[i];
	}
	return NULL;
}

bool dns_algorithm_is_supported(uint8_t algorithm)
{
	return find_scheme(algorithm) != NULL;
}

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *rsa_from_numbers(const BIGNUM *modulus, const BIGNUM *exponent)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params = NULL;
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	if (params != NULL)
		key = key_from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return key;
}

// RFC 3110 2: the exponent's length in one octet, or in two behind a zero; exponent; modulus.
static EVP_PKEY *rsa_decode(const struct scheme *scheme, const uint8_t *octets, size_t n)
{
	if (n < 1)
		return NULL;
	size_t exponent_length = octets[0], at = 1;
	if (exponent_length == 0) {
		if (n < 3)
			return NULL;
		exponent_length = (size_t)octets[1] << 8 | octets[2];
		at = 3;
	}
	if (exponent_length == 0 || exponent_length >= n - at ||
	        n - at - exponent_length > RSA_MAX_BITS / 8)
		return NULL;
	EVP_PKEY *key = NULL;
	BIGNUM *exponent = BN_bin2bn(octets + at, (int)exponent_length, NULL);
	at += exponent_length;
	BIGNUM *modulus = BN_bin2bn(octets + at, (int)(n - at), NULL);
	if (exponent != NULL && modulus != NULL && BN_is_odd(exponent) && BN_is_odd(modulus) &&
	        (unsigned)BN_num_bits(modulus) >= scheme->smallest_bits)
		key = rsa_from_numbers(modulus, exponent);
	BN_free(exponent);
	BN_free(modulus);
	return key;
}

// RFC 6605 4: x and y; OpenSSL checks that the point is on the curve.
static EVP_PKEY *ec_decode(const struct scheme *scheme, const uint8_t *octets, size_t n)
{
	uint8_t point[1 + 2 * 48] = {POINT_CONVERSION_UNCOMPRESSED};
	if (n != 2 * scheme->coordinate)
		return NULL;
	memcpy(point + 1, octets, n);
	char group[8];
	strcpy(group, scheme->curve);
	OSSL_PARAM params[] = {
	        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, n + 1),
	        OSSL_PARAM_construct_end(),
	};
	return key_from_params("EC", params);
}

static EVP_PKEY *key_decode(const struct scheme *scheme, const uint8_t *octets, size_t n)
{
	if (scheme->curve != NULL)
		return ec_decode(scheme, octets, n);
	if (scheme->algorithm == DNS_ALGORITHM_ED25519)
		return n != scheme->coordinate
		               ? NULL
		               : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets, n);
	return rsa_decode(scheme, octets, n);
}

static bool prepare_hashing(struct dns_public *public, const struct scheme *scheme)
{
	public->hashing = EVP_MD_CTX_new();
	if (public->hashing == NULL)
		return false;
	if (scheme->hash == NULL)
		return true;
	public->hash = EVP_get_digestbyname(scheme->hash);
	return public->hash != NULL && EVP_DigestInit_ex(public->hashing, public->hash, NULL) == 1;
}

static bool prepare_verify(struct dns_public *public, const struct scheme *scheme)
{
	if (scheme->hash == NULL)
		return true;
	public->verify = EVP_PKEY_CTX_new(public->key, NULL);
	if (public->verify == NULL || EVP_PKEY_verify_init(public->verify) != 1)
		return false;
	if (scheme->curve != NULL)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(public->verify, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(public->verify, public->hash) == 1;
}

struct dns_public *dns_public_decode(uint8_t algorithm, const uint8_t *public_key, size_t n)
{
	const struct scheme *scheme = find_scheme(algorithm);
	if (scheme == NULL)
		return NULL;
	struct dns_public *public = calloc(1, sizeof *public);
	if (public == NULL)
		return NULL;
	ERR_set_mark();
	public->scheme = scheme;
	public->key = key_decode(scheme, public_key, n);
	bool ready = public->key != NULL && prepare_hashing(public, scheme) &&
	             prepare_verify(public, scheme);
	ERR_pop_to_mark();
	if (ready)
		return public;
	dns_public_free(public);
	return NULL;
}

void dns_public_free(struct dns_public *public)
{
	if (public == NULL)
		return;
	EVP_PKEY_CTX_free(public->verify);
	EVP_MD_CTX_free(public->hashing);
	EVP_PKEY_free(public->key);
	free(public);
}

// A DER INTEGER from n octets of an unsigned number; returns its length.
static size_t der_integer(uint8_t *out, const uint8_t *number, size_t n)
{
	while (n > 1 && number[0] == 0) {
		number++;
		n--;
	}
	size_t sign = number[0] >= 0x80 ? 1 : 0;
	out[0] = 0x02;
	out[1] = (uint8_t)(n + sign);
	out[2] = 0;
	memcpy(out + 2 + sign, number, n);
	return 2 + sign + n;
}

// RFC 6605 4 has r and s side by side; OpenSSL wants them as a DER sequence.
static size_t der_signature(uint8_t *out, const uint8_t *signature, size_t coordinate)
{
	size_t r = der_integer(out + 2, signature, coordinate);
	size_t s = der_integer(out + 2 + r, signature + coordinate, coordinate);
	assert(r + s < 128);
	out[0] = 0x30;
	out[1] = (uint8_t)(r + s);
	return 2 + r + s;
}

static bool verify_hashed(struct dns_public *public, const uint8_t *data, size_t data_length,
        const uint8_t *signature, size_t signature_length)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned hash_length;
	if (EVP_DigestInit_ex(public->hashing, NULL, NULL) != 1 ||
	        EVP_DigestUpdate(public->hashing, data, data_length) != 1 ||
	        EVP_DigestFinal_ex(public->hashing, hash, &hash_length) != 1)
		return false;
	return EVP_PKEY_verify(public->verify, signature, signature_length, hash, hash_length) == 1;
}

static bool verify_any(struct dns_public *public, const uint8_t *data, size_t data_length,
        const uint8_t *signature, size_t signature_length)
{
	const struct scheme *scheme = public->scheme;
	if (scheme->hash == NULL)
		return EVP_MD_CTX_reset(public->hashing) == 1 &&
		       EVP_DigestVerifyInit(public->hashing, NULL, NULL, NULL, public->key) == 1 &&
		       EVP_DigestVerify(public->hashing, signature, signature_length, data,
		               data_length) == 1;
	if (scheme->curve == NULL)
		return verify_hashed(public, data, data_length, signature, signature_length);
	uint8_t der[2 + 2 * (2 + 1 + 48)];
	if (signature_length != 2 * scheme->coordinate)
		return false;
	size_t der_length = der_signature(der, signature, scheme->coordinate);
	return verify_hashed(public, data, data_length, der, der_length);
}

bool dns_public_verify(struct dns_public *public, const uint8_t *data, size_t data_length,
        const uint8_t *signature, size_t signature_length)
{
	ERR_set_mark();
	bool good = verify_any(public, data, data_length, signature, signature_length);
	ERR_pop_to_mark();
	return good;
}

static const EVP_MD *digest_of(uint8_t digest_type)
{
	switch (digest_type) {
	case DNS_DIGEST_SHA1:
		return EVP_sha1();
	case DNS_DIGEST_SHA256:
		return EVP_sha256();
	case DNS_DIGEST_SHA384:
		return EVP_sha384();
	default:
		return NULL;
	}
}

bool dns_digest_is_supported(uint8_t digest_type)
{
	return digest_of(digest_type) != NULL;
}

size_t dns_digest_compute(uint8_t digest_type, const uint8_t *head, size_t head_length,
        const uint8_t *tail, size_t tail_length, uint8_t *digest)
{
	const EVP_MD *hash = digest_of(digest_type);
	EVP_MD_CTX *ctx = hash == NULL ? NULL : EVP_MD_CTX_new();
	unsigned length = 0;
	if (ctx == NULL || EVP_DigestInit_ex(ctx, hash, NULL) != 1 ||
	        EVP_DigestUpdate(ctx, head, head_length) != 1 ||
	        EVP_DigestUpdate(ctx, tail, tail_length) != 1 ||
	        EVP_DigestFinal_ex(ctx, digest, &length) != 1)
		length = 0;
	EVP_MD_CTX_free(ctx);
	return length;
}
