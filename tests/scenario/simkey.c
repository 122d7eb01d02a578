#include "simkey.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

enum { HASH = 32, POINT = 65, HEAD = 4 };

struct simkey {
	EC_GROUP *group;
	BIGNUM *secret, *order;
	BN_CTX *ctx;
	struct dns_key *dns;
};

static void need(bool good)
{
	if (!good)
		abort();
}

static void hash(const void *a, size_t n, const void *b, size_t m, uint8_t digest[HASH])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	need(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	        EVP_DigestUpdate(ctx, a, n) == 1 && EVP_DigestUpdate(ctx, b, m) == 1 &&
	        EVP_DigestFinal_ex(ctx, digest, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

// A number below the order, never 0.
static BIGNUM *number(const struct simkey *key, const uint8_t octets[HASH])
{
	BIGNUM *n = BN_bin2bn(octets, HASH, NULL);
	need(n != NULL && BN_mod(n, n, key->order, key->ctx) == 1 && !BN_is_zero(n));
	return n;
}

static void public_point(const struct simkey *key, uint8_t point[POINT])
{
	EC_POINT *p = EC_POINT_new(key->group);
	need(p != NULL && EC_POINT_mul(key->group, p, key->secret, NULL, NULL, key->ctx) == 1 &&
	        EC_POINT_point2oct(key->group, p, POINT_CONVERSION_UNCOMPRESSED, point, POINT,
	                key->ctx) == POINT);
	EC_POINT_free(p);
}

struct simkey *simkey_new(const uint8_t *owner, uint16_t flags, const char *label)
{
	struct simkey *key = calloc(1, sizeof *key);
	uint8_t digest[HASH], point[POINT], rdata[HEAD + POINT - 1];
	need(key != NULL);
	key->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	key->order = BN_new();
	key->ctx = BN_CTX_new();
	need(key->group != NULL && key->order != NULL && key->ctx != NULL &&
	        EC_GROUP_get_order(key->group, key->order, key->ctx) == 1);
	hash("a simulated zone's key", 22, label, strlen(label), digest);
	key->secret = number(key, digest);
	public_point(key, point);
	rdata[0] = (uint8_t)(flags >> 8);
	rdata[1] = (uint8_t)flags;
	rdata[2] = 3;
	rdata[3] = DNS_ALGORITHM_ECDSAP256SHA256;
	memcpy(rdata + HEAD, point + 1, POINT - 1);
	need(dns_key_new(owner, &(struct dns_rdata){rdata, sizeof rdata}, &key->dns, NULL) ==
	        RESULT_OK);
	return key;
}

void simkey_free(struct simkey *key)
{
	if (key == NULL)
		return;
	dns_key_unref(key->dns);
	EC_GROUP_free(key->group);
	BN_free(key->secret);
	BN_free(key->order);
	BN_CTX_free(key->ctx);
	free(key);
}

struct dns_key *simkey_dns(const struct simkey *key)
{
	return key->dns;
}

// ECDSA with a nonce made from the key and the data (in the spirit of RFC 6979), because OpenSSL's
// own draws a random one.
void simkey_sign(const struct simkey *key, const uint8_t *data, size_t octets,
        uint8_t signature[SIMKEY_SIGNATURE])
{
	uint8_t digest[HASH], secret[HASH], nonce[HASH];
	BN_CTX *ctx = key->ctx;
	hash(data, octets, "", 0, digest);
	need(BN_bn2binpad(key->secret, secret, HASH) == HASH);
	hash(secret, HASH, digest, HASH, nonce);
	BIGNUM *k = number(key, nonce), *z = number(key, digest), *r = BN_new(), *s = BN_new();
	EC_POINT *point = EC_POINT_new(key->group);
	need(r != NULL && s != NULL && point != NULL &&
	        EC_POINT_mul(key->group, point, k, NULL, NULL, ctx) == 1 &&
	        EC_POINT_get_affine_coordinates(key->group, point, r, NULL, ctx) == 1 &&
	        BN_mod(r, r, key->order, ctx) == 1 &&
	        BN_mod_mul(s, r, key->secret, key->order, ctx) == 1 &&
	        BN_mod_add(s, s, z, key->order, ctx) == 1 &&
	        BN_mod_inverse(k, k, key->order, ctx) != NULL &&
	        BN_mod_mul(s, s, k, key->order, ctx) == 1 &&
	        BN_bn2binpad(r, signature, HASH) == HASH &&
	        BN_bn2binpad(s, signature + HASH, HASH) == HASH);
	EC_POINT_free(point);
	BN_free(k);
	BN_free(z);
	BN_free(r);
	BN_free(s);
}
