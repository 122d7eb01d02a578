#include "tests/bench/zone/signer.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct signer {
	EVP_PKEY *key;
	EVP_PKEY_CTX *ctx;
	uint8_t rdata[SIGNER_DNSKEY];
	uint16_t tag;
	char origin[256];
};

size_t wire_name(const char *text, uint8_t *octets)
{
	size_t at = 0;
	while (*text != '\0' && *text != '.') {
		size_t n = strcspn(text, ".");
		octets[at++] = (uint8_t)n;
		memcpy(octets + at, text, n);
		at += n;
		text += n + (text[n] == '.');
	}
	octets[at] = 0;
	return at + 1;
}

static void wire_u16(uint8_t *octets, unsigned number)
{
	octets[0] = (uint8_t)(number >> 8);
	octets[1] = (uint8_t)number;
}

void wire_u32(uint8_t *octets, uint32_t number)
{
	wire_u16(octets, number >> 16);
	wire_u16(octets + 2, number & 0xffff);
}

void base32hex(const uint8_t *octets, size_t n, char *text)
{
	for (; n >= 5; n -= 5, octets += 5) {
		uint64_t bits = 0;
		for (size_t i = 0; i < 5; i++)
			bits = bits << 8 | octets[i];
		for (int shift = 35; shift >= 0; shift -= 5)
			*text++ = "0123456789abcdefghijklmnopqrstuv"[bits >> shift & 31];
	}
	*text = '\0';
}

// The private number from flags and seed; the public point behind the DNSKEY's first four octets.
static EVP_PKEY *make_key(uint16_t flags, uint64_t seed, uint8_t point[static 64])
{
	uint8_t secret[SHA256_DIGEST_LENGTH], full[65];
	char text[64];
	snprintf(text, sizeof text, "%u %llu", (unsigned)flags, (unsigned long long)seed);
	SHA256((const uint8_t *)text, strlen(text), secret);
	secret[0] &= 0x7f; // below the order of the group
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *public = EC_POINT_new(group);
	BIGNUM *number = BN_bin2bn(secret, sizeof secret, NULL);
	EC_POINT_mul(group, public, number, NULL, NULL, NULL);
	EC_POINT_point2oct(group, public, POINT_CONVERSION_UNCOMPRESSED, full, sizeof full, NULL);
	memcpy(point, full + 1, 64);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number);
	OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, full, sizeof full);
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(build);
	BN_free(number);
	EC_POINT_free(public);
	EC_GROUP_free(group);
	return key;
}

struct signer *signer_new(const char *origin, uint16_t flags, uint64_t seed)
{
	struct signer *signer = calloc(1, sizeof *signer);
	if (signer == NULL)
		return NULL;
	snprintf(signer->origin, sizeof signer->origin, "%s", origin);
	wire_u16(signer->rdata, flags);
	signer->rdata[2] = 3;
	signer->rdata[3] = 13;
	signer->key = make_key(flags, seed, signer->rdata + 4);
	signer->ctx = signer->key == NULL ? NULL : EVP_PKEY_CTX_new(signer->key, NULL);
	if (signer->ctx == NULL || EVP_PKEY_sign_init(signer->ctx) != 1) {
		signer_free(signer);
		return NULL;
	}
	uint32_t sum = 0; // RFC 4034 appendix B
	for (size_t i = 0; i < SIGNER_DNSKEY; i++)
		sum += i % 2 == 0 ? (uint32_t)signer->rdata[i] << 8 : signer->rdata[i];
	signer->tag = (uint16_t)(sum + (sum >> 16));
	return signer;
}

void signer_free(struct signer *signer)
{
	if (signer == NULL)
		return;
	EVP_PKEY_CTX_free(signer->ctx);
	EVP_PKEY_free(signer->key);
	free(signer);
}

size_t signer_dnskey(const struct signer *signer, uint8_t *rdata, char *text, size_t room)
{
	char base64[100];
	memcpy(rdata, signer->rdata, SIGNER_DNSKEY);
	EVP_EncodeBlock((uint8_t *)base64, rdata + 4, SIGNER_DNSKEY - 4);
	snprintf(text, room, "%u 3 13 %s", (unsigned)rdata[0] << 8 | rdata[1], base64);
	return SIGNER_DNSKEY;
}

struct signed_set signed_set(const char *owner, uint16_t type, uint32_t ttl_s)
{
	struct signed_set set = {.type = type, .ttl_s = ttl_s};
	set.owner_length = wire_name(owner, set.owner);
	for (const uint8_t *label = set.owner; *label != 0; label += *label + 1)
		set.labels++;
	return set;
}

void signed_set_add(struct signed_set *set, const uint8_t *rdata, size_t n)
{
	size_t needed = set->owner_length + 10 + n;
	if (needed > sizeof set->octets - set->length)
		abort();
	uint8_t *at = set->octets + set->length;
	memcpy(at, set->owner, set->owner_length);
	at += set->owner_length;
	wire_u16(at, set->type);
	wire_u16(at + 2, 1);
	wire_u32(at + 4, set->ttl_s);
	wire_u16(at + 8, (unsigned)n);
	memcpy(at + 10, rdata, n);
	set->length += needed;
}

static const char *type_text(uint16_t type)
{
	static const char *const names[64] = {[1] = "A",
	        [2] = "NS",
	        [6] = "SOA",
	        [43] = "DS",
	        [47] = "NSEC",
	        [48] = "DNSKEY",
	        [50] = "NSEC3",
	        [51] = "NSEC3PARAM"};
	return names[type];
}

// RFC 4034 3.2 allows seconds as well, but not every server reads them.
static const char *date(uint32_t at_s, char text[static 16])
{
	time_t at = (time_t)at_s;
	struct tm tm;
	strftime(text, 16, "%Y%m%d%H%M%S", gmtime_r(&at, &tm));
	return text;
}

bool signer_sign(struct signer *signer, const struct signed_set *set, char *rrsig, size_t room)
{
	uint8_t octets[2000], digest[SHA256_DIGEST_LENGTH], der[80], raw[64];
	wire_u16(octets, set->type);
	octets[2] = 13;
	octets[3] = set->labels;
	wire_u32(octets + 4, set->ttl_s);
	wire_u32(octets + 8, set->expiration_s);
	wire_u32(octets + 12, set->inception_s);
	wire_u16(octets + 16, signer->tag);
	size_t n = 18 + wire_name(signer->origin, octets + 18);
	memcpy(octets + n, set->octets, set->length);
	SHA256(octets, n + set->length, digest);
	size_t der_length = sizeof der;
	if (EVP_PKEY_sign(signer->ctx, der, &der_length, digest, sizeof digest) != 1)
		return false;
	const uint8_t *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)der_length);
	if (pair == NULL)
		return false;
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + 32, 32);
	ECDSA_SIG_free(pair);
	char base64[100], until[16], from[16];
	EVP_EncodeBlock((uint8_t *)base64, raw, sizeof raw);
	snprintf(rrsig, room, "%s 13 %u %u %s %s %u %s. %s", type_text(set->type), set->labels,
	        (unsigned)set->ttl_s, date(set->expiration_s, until), date(set->inception_s, from),
	        signer->tag, signer->origin, base64);
	return true;
}
