#include "tests/zone/make.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/verify.h"

#define ARENA    ((size_t)64 << 20)
#define DAY_S    86400
#define HASH     20
#define RSA_BITS 1024
#define OPT_OUT  1

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "cannot make a zone: %s\n", what);
	exit(99);
}

static void must(bool done, const char *what)
{
	if (!done)
		die(what);
}

struct made *made_new(enum made_kind kind, int64_t now_s)
{
	struct arena *arena = arena_new(ARENA);
	struct made *zone = arena_alloc(arena, sizeof *zone);
	zone->arena = arena;
	zone->kind = kind;
	zone->now_s = now_s;
	zone->apex = made_name(zone, "@");
	return zone;
}

void made_free(struct made *zone)
{
	for (size_t i = 0; i < zone->key_count; i++)
		EVP_PKEY_free(zone->keys[i].pair);
	free(zone->records);
	arena_free(zone->arena);
}

const uint8_t *made_name(struct made *zone, const char *text)
{
	struct dns_name name;
	struct error err;
	size_t n = strlen(text);
	char full[DNS_NAME_TEXT];
	if (strcmp(text, "@") == 0)
		snprintf(full, sizeof full, "example.");
	else if (n > 0 && text[n - 1] == '.')
		snprintf(full, sizeof full, "%s", text);
	else
		snprintf(full, sizeof full, "%s.example.", text);
	must(dns_name_parse(full, &name, &err) == RESULT_OK, text);
	return arena_memdup(zone->arena, name.wire, dns_name_length(name.wire));
}

struct made_record *made_put(struct made *zone, const uint8_t *owner, uint16_t type, uint32_t ttl_s,
        const void *rdata, size_t length)
{
	if (zone->count == zone->room) {
		zone->room = zone->room * 2 + 512;
		zone->records = reallocarray(zone->records, zone->room, sizeof *zone->records);
		must(zone->records != NULL, "memory");
	}
	struct made_record *record = &zone->records[zone->count++];
	*record = (struct made_record){.owner = owner,
	        .type = type,
	        .ttl_s = ttl_s,
	        .rdata = {arena_memdup(zone->arena, rdata, length), (uint16_t)length}};
	return record;
}

struct made_record *made_add(struct made *zone, const char *format, ...)
{
	char text[2000];
	struct dns_record record;
	struct error err;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (dns_record_parse(zone->arena, text, zone->apex, &record, &err) != RESULT_OK)
		die(err.text);
	return made_put(zone, record.owner, record.type, record.ttl_s, record.rdata.octets,
	        record.rdata.length);
}

static EVP_PKEY *new_pair(uint8_t algorithm)
{
	switch (algorithm) {
	case DNS_ALGORITHM_RSASHA256:
		return EVP_RSA_gen(RSA_BITS);
	case DNS_ALGORITHM_ECDSAP256SHA256:
		return EVP_EC_gen("P-256");
	case DNS_ALGORITHM_ECDSAP384SHA384:
		return EVP_EC_gen("P-384");
	default:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
}

// RFC 3110, 6605, 8080.
static size_t public_octets(EVP_PKEY *pair, uint8_t algorithm, uint8_t *octets)
{
	uint8_t point[200];
	size_t n = 0;
	if (algorithm == DNS_ALGORITHM_ED25519) {
		n = 32;
		must(EVP_PKEY_get_raw_public_key(pair, octets, &n) == 1, "key");
		return n;
	}
	if (algorithm == DNS_ALGORITHM_RSASHA256) {
		BIGNUM *modulus = NULL, *exponent = NULL;
		EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &modulus);
		EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_E, &exponent);
		octets[0] = (uint8_t)BN_num_bytes(exponent);
		n = 1 + (size_t)BN_bn2bin(exponent, octets + 1);
		n += (size_t)BN_bn2bin(modulus, octets + n);
		BN_free(modulus);
		BN_free(exponent);
		return n;
	}
	must(EVP_PKEY_get_octet_string_param(
	             pair, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &n) == 1,
	        "key");
	memcpy(octets, point + 1, n - 1);
	return n - 1;
}

static void set_dnskey(struct made *zone, struct made_key *key)
{
	uint8_t octets[600] = {(uint8_t)(key->flags >> 8), (uint8_t)key->flags, 3, key->algorithm};
	size_t n = 4 + public_octets(key->pair, key->algorithm, octets + 4);
	key->dnskey = (struct dns_rdata){arena_memdup(zone->arena, octets, n), (uint16_t)n};
	struct dns_key *parsed;
	must(dns_key_new(zone->apex, &key->dnskey, &parsed, NULL) == RESULT_OK, "key");
	key->tag = dns_key_tag(parsed);
	dns_key_unref(parsed);
}

size_t made_key(struct made *zone, uint8_t algorithm, uint16_t flags)
{
	must(zone->key_count < MADE_KEYS, "more keys");
	struct made_key *key = &zone->keys[zone->key_count++];
	*key = (struct made_key){
	        .pair = new_pair(algorithm), .algorithm = algorithm, .flags = flags};
	must(key->pair != NULL, "key pair");
	set_dnskey(zone, key);
	return zone->key_count - 1;
}

void made_key_flags(struct made *zone, size_t key, uint16_t flags)
{
	zone->keys[key].flags = flags;
	set_dnskey(zone, &zone->keys[key]);
}

void made_publish(struct made *zone, size_t key)
{
	zone->keys[key].published = true;
	made_put(zone, zone->apex, DNS_TYPE_DNSKEY, 3600, zone->keys[key].dnskey.octets,
	        zone->keys[key].dnskey.length);
}

void made_base(struct made *zone, uint8_t algorithm)
{
	static const char *const records[] = {
	        "@ 3600 IN SOA ns1 admin 1000 7200 3600 1209600 300",
	        "@ 3600 IN NS ns1",
	        "@ 3600 IN NS ns2",
	        "@ 3600 IN MX 10 mail",
	        "@ 3600 IN TXT \"a zone\"",
	        "ns1 3600 IN A 192.0.2.1",
	        "ns1 3600 IN AAAA 2001:db8::1",
	        "ns2 3600 IN A 192.0.2.2",
	        "mail 3600 IN A 192.0.2.3",
	        "www 3600 IN A 192.0.2.80",
	        "www 3600 IN A 192.0.2.81",
	        "www 3600 IN TXT \"web\"",
	        "*.wild 3600 IN TXT \"anything\"",
	        "alias 3600 IN CNAME www",
	        "deep.b.c 3600 IN TXT \"below names without records\"",
	        "redirect 3600 IN DNAME target.test.",
	        "sec 3600 IN NS ns.sec",
	        "sec 3600 IN DS 12345 13 2 "
	        "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE7F2E6B5B0E6E6C4B45C55D4A",
	        "ns.sec 3600 IN A 192.0.2.10",
	        "plain 3600 IN NS ns.plain",
	        "plain 3600 IN NS ns.other.test.",
	        "ns.plain 3600 IN A 192.0.2.11",
	        "sibling 3600 IN NS ns.plain",
	        "x.ent 3600 IN NS ns.other.test.",
	        "y.half 3600 IN NS ns.other.test.",
	        "z.half 3600 IN TXT \"beside an unsigned delegation\"",
	};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		made_add(zone, "%s", records[i]);
	if (zone->kind != MADE_NSEC)
		made_add(zone, "@ 0 IN NSEC3PARAM 1 0 %u %s", zone->iterations,
		        zone->iterations == 0 ? "-" : "AABB");
	made_key(zone, algorithm, 257);
	made_key(zone, algorithm, 256);
}

static bool is(const struct made_record *record, const uint8_t *owner, uint16_t type)
{
	return !record->gone && record->type == type && dns_name_equal(record->owner, owner);
}

static uint16_t covered(const struct made_record *record)
{
	return (uint16_t)(record->rdata.octets[0] << 8 | record->rdata.octets[1]);
}

static struct made_record *find(struct made *zone, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < zone->count; i++)
		if (is(&zone->records[i], owner, type))
			return &zone->records[i];
	return NULL;
}

struct made_record *made_find(struct made *zone, const char *owner, uint16_t type)
{
	struct made_record *record = find(zone, made_name(zone, owner), type);
	must(record != NULL, owner);
	return record;
}

void made_drop(struct made *zone, const char *owner, uint16_t type)
{
	const uint8_t *name = made_name(zone, owner);
	for (size_t i = 0; i < zone->count; i++)
		if (dns_name_equal(zone->records[i].owner, name) &&
		        (type == 0 || zone->records[i].type == type))
			zone->records[i].gone = true;
}

struct made_record *made_signature(struct made *zone, const char *owner, uint16_t type)
{
	const uint8_t *name = made_name(zone, owner);
	for (size_t i = 0; i < zone->count; i++)
		if (is(&zone->records[i], name, DNS_TYPE_RRSIG) &&
		        covered(&zone->records[i]) == type)
			return &zone->records[i];
	die(owner);
}

void made_drop_signatures(struct made *zone, const char *owner, uint16_t type)
{
	const uint8_t *name = made_name(zone, owner);
	for (size_t i = 0; i < zone->count; i++)
		if (is(&zone->records[i], name, DNS_TYPE_RRSIG) &&
		        covered(&zone->records[i]) == type)
			zone->records[i].gone = true;
}

uint8_t *made_octets(struct made *zone, struct made_record *record)
{
	uint8_t *copy = arena_memdup(zone->arena, record->rdata.octets, record->rdata.length);
	record->rdata.octets = copy;
	return copy;
}

// Names of the zone, in canonical order.
struct names {
	const uint8_t **list;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return dns_name_compare(*(const uint8_t *const *)a, *(const uint8_t *const *)b);
}

static struct names all_names(struct made *zone, bool empty_ones)
{
	struct names names = {arena_array(zone->arena, zone->count * 8 + 1, sizeof(uint8_t *)), 0};
	for (size_t i = 0; i < zone->count; i++) {
		const uint8_t *name = zone->records[i].owner;
		if (zone->records[i].gone)
			continue;
		for (size_t up = 0; up < 8; up++, name = dns_name_parent(name)) {
			names.list[names.count++] = name;
			if (!empty_ones || dns_name_equal(name, zone->apex))
				break;
		}
	}
	qsort(names.list, names.count, sizeof *names.list, by_name);
	size_t distinct = 0;
	for (size_t i = 0; i < names.count; i++)
		if (distinct == 0 || !dns_name_equal(names.list[distinct - 1], names.list[i]))
			names.list[distinct++] = names.list[i];
	names.count = distinct;
	return names;
}

static bool is_cut(const struct made *zone, const uint8_t *name)
{
	for (size_t i = 0; i < zone->count; i++)
		if (is(&zone->records[i], name, DNS_TYPE_NS))
			return !dns_name_equal(name, zone->apex);
	return false;
}

bool made_is_below_cut(const struct made *zone, const uint8_t *name)
{
	while (!dns_name_equal(name, zone->apex)) {
		name = dns_name_parent(name);
		if (is_cut(zone, name))
			return true;
	}
	return false;
}

// RFC 4034 4.1.2; one window is enough for what is here.
static size_t bitmap(struct made *zone, const uint8_t *name, bool nsec, uint8_t *octets)
{
	bool cut = is_cut(zone, name), any = nsec;
	uint8_t bits[32] = {0};
	size_t used = 0;
	for (size_t i = 0; i < zone->count; i++) {
		const struct made_record *record = &zone->records[i];
		if (record->gone || !dns_name_equal(record->owner, name))
			continue;
		if (cut && record->type != DNS_TYPE_NS && record->type != DNS_TYPE_DS)
			continue;
		any = any || !cut || record->type == DNS_TYPE_DS;
		bits[record->type / 8] |= (uint8_t)(0x80 >> record->type % 8);
	}
	if (any)
		bits[DNS_TYPE_RRSIG / 8] |= 0x80 >> DNS_TYPE_RRSIG % 8;
	if (nsec)
		bits[DNS_TYPE_NSEC / 8] |= 0x80 >> DNS_TYPE_NSEC % 8;
	for (size_t i = 0; i < 32; i++)
		if (bits[i] != 0)
			used = i + 1;
	octets[0] = 0;
	octets[1] = (uint8_t)used;
	memcpy(octets + 2, bits, used);
	return used == 0 ? 0 : used + 2;
}

static void nsec_chain(struct made *zone)
{
	struct names names = all_names(zone, false);
	size_t kept = 0;
	for (size_t i = 0; i < names.count; i++)
		if (!made_is_below_cut(zone, names.list[i]))
			names.list[kept++] = names.list[i];
	for (size_t i = 0; i < kept; i++) {
		uint8_t rdata[DNS_NAME_MAX + 40];
		const uint8_t *next = names.list[(i + 1) % kept];
		size_t n = dns_name_length(next);
		memcpy(rdata, next, n);
		n += bitmap(zone, names.list[i], true, rdata + n);
		made_put(zone, names.list[i], DNS_TYPE_NSEC, 300, rdata, n);
	}
}

static void hash_name(const struct made *zone, const uint8_t *name, uint8_t hash[HASH])
{
	uint8_t octets[DNS_NAME_MAX + 2];
	size_t n = dns_name_length(name), salt = zone->iterations > 0 ? 2 : 0;
	memcpy(octets, name, n);
	for (unsigned i = 0; i <= zone->iterations; i++) {
		memcpy(octets + n, "\xaa\xbb", salt);
		EVP_Digest(octets, n + salt, hash, NULL, EVP_sha1(), NULL);
		memcpy(octets, hash, HASH);
		n = HASH;
	}
}

static void hash_text(const uint8_t *hash, char text[33])
{
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;
		for (unsigned bit = i * 5; bit < i * 5 + 5; bit++)
			value = value << 1 | (hash[bit / 8] >> (7 - bit % 8) & 1);
		text[i] = "0123456789abcdefghijklmnopqrstuv"[value];
	}
	text[32] = '\0';
}

struct hashed {
	uint8_t hash[HASH];
	const uint8_t *name;
};

static int by_hash(const void *a, const void *b)
{
	return memcmp(((const struct hashed *)a)->hash, ((const struct hashed *)b)->hash, HASH);
}

// Whether nothing but unsigned delegations is at the name and below.
static bool is_insecure(struct made *zone, const uint8_t *name)
{
	for (size_t i = 0; i < zone->count; i++) {
		const struct made_record *record = &zone->records[i];
		if (!record->gone && dns_name_is_subdomain(record->owner, name) &&
		        (!is_cut(zone, record->owner) || record->type == DNS_TYPE_DS) &&
		        !made_is_below_cut(zone, record->owner))
			return false;
	}
	return true;
}

static void nsec3_chain(struct made *zone)
{
	struct names names = all_names(zone, true);
	struct hashed *hashed = arena_array(zone->arena, names.count, sizeof *hashed);
	size_t count = 0;
	for (size_t i = 0; i < names.count; i++) {
		const uint8_t *name = names.list[i];
		if (made_is_below_cut(zone, name) ||
		        (zone->kind == MADE_OPT_OUT && is_insecure(zone, name)))
			continue;
		hashed[count].name = name;
		hash_name(zone, name, hashed[count++].hash);
	}
	qsort(hashed, count, sizeof *hashed, by_hash);
	for (size_t i = 0; i < count; i++) {
		uint8_t rdata[5 + 2 + 1 + HASH + 40] = {1, zone->kind == MADE_OPT_OUT ? OPT_OUT : 0,
		        (uint8_t)(zone->iterations >> 8), (uint8_t)zone->iterations};
		char label[33];
		size_t n = 5;
		if (zone->iterations > 0) {
			rdata[4] = 2;
			memcpy(rdata + n, "\xaa\xbb", 2);
			n += 2;
		}
		rdata[n++] = HASH;
		memcpy(rdata + n, hashed[(i + 1) % count].hash, HASH);
		n += HASH;
		n += bitmap(zone, hashed[i].name, false, rdata + n);
		hash_text(hashed[i].hash, label);
		made_put(zone, made_name(zone, label), DNS_TYPE_NSEC3, 300, rdata, n);
	}
}

void made_chain(struct made *zone)
{
	if (zone->kind == MADE_NSEC)
		nsec_chain(zone);
	else
		nsec3_chain(zone);
}

const char *made_denier(struct made *zone, const char *owner)
{
	uint8_t hash[HASH];
	char text[33];
	if (zone->kind == MADE_NSEC)
		return owner;
	hash_name(zone, made_name(zone, owner), hash);
	hash_text(hash, text);
	return arena_strdup(zone->arena, text);
}

// DER's r and s side by side (RFC 6605 4).
static size_t flat(const uint8_t *der, size_t n, size_t coordinate, uint8_t *out)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)n);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)coordinate);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + coordinate, (int)coordinate);
	ECDSA_SIG_free(signature);
	return 2 * coordinate;
}

static size_t make_signature(
        const struct made_key *key, const uint8_t *octets, size_t n, uint8_t *out)
{
	uint8_t raw[600];
	size_t length = sizeof raw;
	const EVP_MD *md = key->algorithm == DNS_ALGORITHM_ED25519           ? NULL
	                   : key->algorithm == DNS_ALGORITHM_ECDSAP384SHA384 ? EVP_sha384()
	                                                                     : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	must(EVP_DigestSignInit(ctx, NULL, md, NULL, key->pair) == 1 &&
	                EVP_DigestSign(ctx, raw, &length, octets, n) == 1,
	        "signature");
	EVP_MD_CTX_free(ctx);
	if (key->algorithm == DNS_ALGORITHM_ECDSAP256SHA256)
		return flat(raw, length, 32, out);
	if (key->algorithm == DNS_ALGORITHM_ECDSAP384SHA384)
		return flat(raw, length, 48, out);
	memcpy(out, raw, length);
	return length;
}

static void put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

// RFC 4034 3.1.8.1, from the records as they are.
static size_t signed_octets(struct made *zone, const struct made_record *first, const uint8_t *head,
        size_t head_length, uint8_t *octets)
{
	struct dns_rdata list[64], *canonical;
	struct dns_rrset set = {
	        .owner = first->owner, .type = first->type, .rclass = 1, .rdata = list};
	size_t owner_length = dns_name_length(first->owner), n = head_length, count;
	for (size_t i = 0; i < zone->count; i++)
		if (is(&zone->records[i], first->owner, first->type))
			list[set.count++] = zone->records[i].rdata;
	must(dns_canonical_rdata(zone->arena, &set, &canonical, &count, NULL) == RESULT_OK, "set");
	memcpy(octets, head, head_length);
	for (size_t i = 0; i < count; i++) {
		memcpy(octets + n, first->owner, owner_length);
		n += owner_length;
		const uint8_t fixed[] = {(uint8_t)(first->type >> 8), (uint8_t)first->type, 0, 1,
		        head[4], head[5], head[6], head[7], (uint8_t)(canonical[i].length >> 8),
		        (uint8_t)canonical[i].length};
		memcpy(octets + n, fixed, sizeof fixed);
		n += sizeof fixed;
		memcpy(octets + n, canonical[i].octets, canonical[i].length);
		n += canonical[i].length;
	}
	return n;
}

static void sign_set(struct made *zone, const uint8_t *owner, uint16_t type,
        const struct made_key *key, const struct made_how *how)
{
	struct made_record *set = find(zone, owner, type);
	must(set != NULL, "no such set to be signed");
	const uint8_t *signer = how->signer != NULL ? made_name(zone, how->signer) : zone->apex;
	size_t labels = dns_name_labels(owner) - (dns_name_is_wildcard(owner) ? 1 : 0);
	uint8_t rdata[1200] = {(uint8_t)(type >> 8), (uint8_t)type, key->algorithm,
	        (uint8_t)((int)labels + how->labels)};
	put_u32(rdata + 4, how->original_ttl_s != 0 ? how->original_ttl_s : set->ttl_s);
	put_u32(rdata + 8,
	        (uint32_t)(how->expiration_s != 0 ? how->expiration_s : zone->now_s + 20 * DAY_S));
	put_u32(rdata + 12,
	        (uint32_t)(how->inception_s != 0 ? how->inception_s : zone->now_s - DAY_S));
	rdata[16] = (uint8_t)(key->tag >> 8);
	rdata[17] = (uint8_t)key->tag;
	size_t head = 18 + dns_name_length(signer);
	memcpy(rdata + 18, signer, head - 18);
	uint8_t *octets = arena_alloc(zone->arena, 32768);
	size_t n = signed_octets(zone, set, rdata, head, octets);
	uint32_t ttl_s = set->ttl_s;
	head += make_signature(key, octets, n, rdata + head);
	made_put(zone, owner, DNS_TYPE_RRSIG, ttl_s, rdata, head);
}

void made_sign_set(
        struct made *zone, const char *owner, uint16_t type, size_t key, const struct made_how *how)
{
	static const struct made_how plain;
	sign_set(zone, made_name(zone, owner), type, &zone->keys[key], how != NULL ? how : &plain);
}

void made_sign_anew(
        struct made *zone, const char *owner, uint16_t type, size_t key, const struct made_how *how)
{
	made_drop_signatures(zone, owner, type);
	made_sign_set(zone, owner, type, key, how);
}

static bool is_first(const struct made *zone, size_t i)
{
	const struct made_record *record = &zone->records[i];
	for (size_t k = 0; k < i; k++)
		if (is(&zone->records[k], record->owner, record->type))
			return false;
	return true;
}

// The sets of keys by the keys with the SEP flag, everything else by the others; by all where there
// is one kind only.
static bool signs(const struct made *zone, const struct made_key *key, uint16_t type)
{
	bool any_sep = false, any_other = false;
	bool of_keys = type == DNS_TYPE_DNSKEY || type == DNS_TYPE_CDS || type == DNS_TYPE_CDNSKEY;
	for (size_t i = 0; i < zone->key_count; i++) {
		if (!zone->keys[i].published || zone->keys[i].algorithm != key->algorithm)
			continue;
		any_sep = any_sep || zone->keys[i].flags & DNS_KEY_SEP;
		any_other = any_other || !(zone->keys[i].flags & DNS_KEY_SEP);
	}
	if (!any_sep || !any_other)
		return true;
	return of_keys == ((key->flags & DNS_KEY_SEP) != 0);
}

void made_sign(struct made *zone)
{
	static const struct made_how plain;
	size_t count = zone->count;
	for (size_t i = 0; i < count; i++) {
		const struct made_record record = zone->records[i];
		if (record.gone || record.type == DNS_TYPE_RRSIG || !is_first(zone, i) ||
		        made_is_below_cut(zone, record.owner))
			continue;
		if (is_cut(zone, record.owner) && record.type != DNS_TYPE_DS &&
		        record.type != DNS_TYPE_NSEC)
			continue;
		for (size_t k = 0; k < zone->key_count; k++)
			if (zone->keys[k].published && signs(zone, &zone->keys[k], record.type))
				sign_set(zone, record.owner, record.type, &zone->keys[k], &plain);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct made_record *x = *(struct made_record *const *)a,
	                         *y = *(struct made_record *const *)b;
	int order = dns_name_compare(x->owner, y->owner);
	if (order == 0)
		order = (x->type > y->type) - (x->type < y->type);
	if (order == 0) {
		size_t n = x->rdata.length < y->rdata.length ? x->rdata.length : y->rdata.length;
		order = memcmp(x->rdata.octets, y->rdata.octets, n);
	}
	return order != 0 ? order : (int)x->rdata.length - (int)y->rdata.length;
}

// RFC 8976 3.3. Names in the data are in lower case already.
static void digest(struct made *zone, const EVP_MD *md, uint8_t *out)
{
	struct made_record **order = arena_array(zone->arena, zone->count, sizeof *order);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t count = 0;
	for (size_t i = 0; i < zone->count; i++) {
		struct made_record *record = &zone->records[i];
		bool own = dns_name_equal(record->owner, zone->apex) &&
		           (record->type == DNS_TYPE_ZONEMD ||
		                   (record->type == DNS_TYPE_RRSIG &&
		                           covered(record) == DNS_TYPE_ZONEMD));
		if (!record->gone && !own)
			order[count++] = record;
	}
	qsort(order, count, sizeof *order, by_place);
	EVP_DigestInit_ex(ctx, md, NULL);
	for (size_t i = 0; i < count; i++) {
		uint8_t fixed[10] = {(uint8_t)(order[i]->type >> 8), (uint8_t)order[i]->type, 0, 1};
		put_u32(fixed + 4, order[i]->ttl_s);
		fixed[8] = (uint8_t)(order[i]->rdata.length >> 8);
		fixed[9] = (uint8_t)order[i]->rdata.length;
		EVP_DigestUpdate(ctx, order[i]->owner, dns_name_length(order[i]->owner));
		EVP_DigestUpdate(ctx, fixed, sizeof fixed);
		EVP_DigestUpdate(ctx, order[i]->rdata.octets, order[i]->rdata.length);
	}
	EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
}

void made_digest(struct made *zone)
{
	for (size_t i = 0; i < zone->count; i++) {
		struct made_record *record = &zone->records[i];
		if (!is(record, zone->apex, DNS_TYPE_ZONEMD))
			continue;
		bool sha384 = record->rdata.octets[5] == 1;
		if (record->rdata.length == 6 + (sha384 ? 48 : 64))
			digest(zone, sha384 ? EVP_sha384() : EVP_sha512(),
			        made_octets(zone, record) + 6);
	}
	made_sign_anew(zone, "@", DNS_TYPE_ZONEMD, 1, NULL);
}

void made_write(struct made *zone, const char *path)
{
	FILE *file = fopen(path, "w");
	must(file != NULL, path);
	for (size_t i = 0; i < zone->count; i++) {
		const struct made_record *record = &zone->records[i];
		char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
		if (record->gone)
			continue;
		char *rdata = dns_rdata_text(zone->arena, record->type, &record->rdata);
		must(rdata != NULL, "text");
		fprintf(file, "%s %u IN %s %s\n", dns_name_text(record->owner, owner),
		        record->ttl_s, dns_type_text(record->type, type), rdata);
	}
	must(fclose(file) == 0, path);
}
