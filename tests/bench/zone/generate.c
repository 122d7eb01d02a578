#include "tests/bench/zone/generate.h"

#include "tests/bench/zone/signer.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S      86400
#define TTL_S      3600
#define DS_TTL_S   7200
#define NSEC_TTL_S 900
#define LABEL_MAX  24

enum kind { KIND_APEX, KIND_HOST, KIND_EMPTY, KIND_PLAIN, KIND_SIGNED };

// A name that may have an NSEC or NSEC3 record.
struct node {
	char label[LABEL_MAX]; // the first one
	bool third;            // below "co"
	bool glue;
	enum kind kind;
	uint64_t random; // its records depend on this alone
	uint8_t hash[SHA_DIGEST_LENGTH];
};

struct generator {
	const struct zone_generate *o;
	FILE *out;
	struct signer *ksk, *zsk;
	struct node *node;
	size_t count;
	uint64_t random, signatures;
	uint8_t salt[255];
	bool failed;
};

static uint64_t draw_from(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u; // splitmix64
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t draw(struct generator *g)
{
	return draw_from(&g->random);
}

// Syllables, and five letters that make it unlike all others.
static void draw_label(struct generator *g, size_t i, char label[static LABEL_MAX])
{
	static const char consonants[] = "bcdfghjklmnprstvwz", vowels[] = "aeiou";
	size_t at = 0;
	for (size_t syllables = 1 + draw(g) % 4; syllables > 0; syllables--) {
		label[at++] = consonants[draw(g) % (sizeof consonants - 1)];
		label[at++] = vowels[draw(g) % (sizeof vowels - 1)];
	}
	for (size_t k = 0; k < 5; k++, i /= 26)
		label[at++] = (char)('a' + i % 26);
	label[at] = '\0';
}

static int compare_nodes(const void *left, const void *right)
{
	const struct node *a = left, *b = right;
	if (a->kind == KIND_APEX || b->kind == KIND_APEX)
		return (b->kind == KIND_APEX) - (a->kind == KIND_APEX);
	int order = strcmp(a->third ? "co" : a->label, b->third ? "co" : b->label);
	if (order == 0)
		order = a->third - b->third;
	return order != 0 ? order : strcmp(a->label, b->label);
}

static int compare_hashes(const void *left, const void *right)
{
	const struct node *a = left, *b = right;
	return memcmp(a->hash, b->hash, sizeof a->hash);
}

static struct node *add(struct generator *g, enum kind kind, const char *label)
{
	struct node *node = &g->node[g->count++];
	node->kind = kind;
	node->random = draw(g);
	snprintf(node->label, sizeof node->label, "%s", label);
	return node;
}

static void draw_nodes(struct generator *g)
{
	add(g, KIND_APEX, "");
	add(g, KIND_HOST, "ns1");
	add(g, KIND_HOST, "ns2");
	bool third_signed = false, third = false;
	for (size_t i = 0; i < g->o->delegations; i++) {
		char label[LABEL_MAX];
		draw_label(g, i, label);
		bool is_signed = draw(g) % 100 < g->o->signed_percent;
		struct node *node = add(g, is_signed ? KIND_SIGNED : KIND_PLAIN, label);
		node->third = i % 100 == 99;
		node->glue = i % 8 == 7;
		third |= node->third;
		third_signed |= node->third && is_signed;
	}
	// RFC 5155 7.1: under opt-out, an empty non-terminal that only leads to unsigned
	// delegations needs no record; here it is simply left out then.
	if (third && (third_signed || !g->o->opt_out))
		add(g, KIND_EMPTY, "co");
	qsort(g->node, g->count, sizeof *g->node, compare_nodes);
}

static void name_text(const struct generator *g, const struct node *n, char text[static 300])
{
	snprintf(text, 300, "%s%s%s%s.", n->label, n->kind == KIND_APEX ? "" : ".",
	        n->third ? "co." : "", g->o->origin);
}

// Writes a record, and adds it to what is signed.
static void record(struct generator *g, struct signed_set *set, const char *text,
        const uint8_t *rdata, size_t n, const char *format, ...)
        __attribute__((format(printf, 6, 7)));

static void record(struct generator *g, struct signed_set *set, const char *text,
        const uint8_t *rdata, size_t n, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(g->out, "%s %u IN ", text, (unsigned)set->ttl_s);
	vfprintf(g->out, format, args);
	fputc('\n', g->out);
	va_end(args);
	signed_set_add(set, rdata, n);
}

static void sign(struct generator *g, struct signed_set *set, const char *text, struct signer *key)
{
	char rrsig[600];
	set->inception_s = (uint32_t)(g->o->now_s - DAY_S);
	set->expiration_s =
	        (uint32_t)(g->o->now_s + 20 * DAY_S + (int64_t)(draw(g) % (10 * DAY_S)));
	if (!signer_sign(key, set, rrsig, sizeof rrsig))
		g->failed = true;
	else
		fprintf(g->out, "%s %u IN RRSIG %s\n", text, (unsigned)set->ttl_s, rrsig);
	g->signatures++;
}

static void write_soa(struct generator *g, const char *apex)
{
	struct signed_set set = signed_set(apex, 6, TTL_S);
	char mname[320], rname[320];
	uint8_t rdata[600];
	snprintf(mname, sizeof mname, "ns1.%s", apex);
	snprintf(rname, sizeof rname, "hostmaster.%s", apex);
	size_t n = wire_name(mname, rdata);
	n += wire_name(rname, rdata + n);
	const uint32_t numbers[] = {g->o->serial, 7200, 3600, 1209600, NSEC_TTL_S};
	for (size_t i = 0; i < 5; i++, n += 4)
		wire_u32(rdata + n, numbers[i]);
	record(g, &set, apex, rdata, n, "SOA %s %s %u 7200 3600 1209600 %u", mname, rname,
	        (unsigned)g->o->serial, NSEC_TTL_S);
	sign(g, &set, apex, g->zsk);
}

static void write_apex_ns(struct generator *g, const char *apex)
{
	struct signed_set set = signed_set(apex, 2, TTL_S);
	for (unsigned i = 1; i <= 2; i++) {
		char target[320];
		uint8_t rdata[256];
		snprintf(target, sizeof target, "ns%u.%s", i, apex);
		record(g, &set, apex, rdata, wire_name(target, rdata), "NS %s", target);
	}
	sign(g, &set, apex, g->zsk);
}

static void write_keys(struct generator *g, const char *apex)
{
	struct signed_set set = signed_set(apex, 48, TTL_S);
	const struct signer *keys[] = {g->zsk, g->ksk};
	char text[2][200];
	uint8_t rdata[2][SIGNER_DNSKEY];
	size_t n = 0;
	for (size_t i = 0; i < 2; i++)
		n = signer_dnskey(keys[i], rdata[i], text[i], sizeof text[i]);
	size_t first = memcmp(rdata[0], rdata[1], n) > 0;
	record(g, &set, apex, rdata[first], n, "DNSKEY %s", text[first]);
	record(g, &set, apex, rdata[!first], n, "DNSKEY %s", text[!first]);
	sign(g, &set, apex, g->ksk);
}

static const char *salt_text(const struct generator *g, char text[static 511])
{
	for (unsigned i = 0; i < g->o->salt_octets; i++)
		snprintf(text + (size_t)2 * i, 3, "%02X", g->salt[i]);
	return g->o->salt_octets == 0 ? "-" : text;
}

// Algorithm, flags, iterations, salt (RFC 5155 3.2).
static size_t nsec3_head(const struct generator *g, uint8_t flags, uint8_t *rdata)
{
	rdata[0] = 1;
	rdata[1] = flags;
	rdata[2] = (uint8_t)(g->o->iterations >> 8);
	rdata[3] = (uint8_t)g->o->iterations;
	rdata[4] = (uint8_t)g->o->salt_octets;
	memcpy(rdata + 5, g->salt, g->o->salt_octets);
	return 5 + (size_t)g->o->salt_octets;
}

static void write_nsec3param(struct generator *g, const char *apex)
{
	struct signed_set set = signed_set(apex, 51, 0);
	uint8_t rdata[300];
	char salt[511];
	record(g, &set, apex, rdata, nsec3_head(g, 0, rdata), "NSEC3PARAM 1 0 %u %s",
	        g->o->iterations, salt_text(g, salt));
	sign(g, &set, apex, g->zsk);
}

static void write_apex(struct generator *g, const char *apex)
{
	write_soa(g, apex);
	write_apex_ns(g, apex);
	write_keys(g, apex);
	if (g->o->nsec3)
		write_nsec3param(g, apex);
}

static void write_a(struct generator *g, const char *text, uint32_t number, bool authoritative)
{
	struct signed_set set = signed_set(text, 1, TTL_S);
	const uint8_t rdata[4] = {
	        198, (uint8_t)(18 + (number >> 16) % 2), (uint8_t)(number >> 8), (uint8_t)number};
	record(g, &set, text, rdata, 4, "A %u.%u.%u.%u", rdata[0], rdata[1], rdata[2], rdata[3]);
	if (authoritative)
		sign(g, &set, text, g->zsk);
}

static void write_delegation(struct generator *g, const struct node *node, const char *text)
{
	struct signed_set set = signed_set(text, 2, TTL_S);
	uint64_t random = node->random;
	uint32_t pool = (uint32_t)(draw_from(&random) % 2000);
	char target[2][320];
	for (unsigned i = 0; i < 2; i++) {
		uint8_t rdata[256];
		if (node->glue)
			snprintf(target[i], sizeof target[i], "ns%u.%s", i + 1, text);
		else
			snprintf(target[i], sizeof target[i], "ns%u.host%u.net.", i + 1, pool);
		record(g, &set, text, rdata, wire_name(target[i], rdata), "NS %s", target[i]);
	}
	if (node->kind == KIND_SIGNED) {
		struct signed_set ds = signed_set(text, 43, DS_TTL_S);
		uint8_t rdata[36] = {
		        (uint8_t)draw_from(&random), (uint8_t)draw_from(&random), 13, 2};
		SHA256((const uint8_t *)text, strlen(text), rdata + 4);
		char hex[65];
		for (size_t i = 0; i < 32; i++)
			snprintf(hex + 2 * i, 3, "%02X", rdata[4 + i]);
		record(g, &ds, text, rdata, sizeof rdata, "DS %u 13 2 %s",
		        (unsigned)rdata[0] << 8 | rdata[1], hex);
		sign(g, &ds, text, g->zsk);
	}
	for (unsigned i = 0; i < 2 && node->glue; i++)
		write_a(g, target[i], (uint32_t)draw_from(&random), false);
}

// The types at a node, ended by 0.
static const uint8_t *types(const struct generator *g, const struct node *node)
{
	static const uint8_t with_nsec[][7] = {[KIND_APEX] = {2, 6, 46, 47, 48},
	        [KIND_HOST] = {1, 46, 47},
	        [KIND_PLAIN] = {2, 46, 47},
	        [KIND_SIGNED] = {2, 43, 46, 47}};
	static const uint8_t with_nsec3[][7] = {[KIND_APEX] = {2, 6, 46, 48, 51},
	        [KIND_HOST] = {1, 46},
	        [KIND_PLAIN] = {2},
	        [KIND_EMPTY] = {0},
	        [KIND_SIGNED] = {2, 43, 46}};
	return g->o->nsec3 ? with_nsec3[node->kind] : with_nsec[node->kind];
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case 1:
		return "A";
	case 2:
		return "NS";
	case 6:
		return "SOA";
	case 43:
		return "DS";
	case 46:
		return "RRSIG";
	case 47:
		return "NSEC";
	case 48:
		return "DNSKEY";
	default:
		return "NSEC3PARAM";
	}
}

// Writes the bitmap (all types are in window 0) and its text; returns its length.
static size_t write_types(const uint8_t *type, uint8_t *bitmap, char text[static 64])
{
	uint8_t bits[32] = {0};
	size_t length = 0;
	text[0] = '\0';
	for (; *type != 0; type++) {
		bits[*type / 8] |= (uint8_t)(0x80 >> *type % 8);
		length = *type / 8 + 1u;
		strcat(text, " ");
		strcat(text, type_name(*type));
	}
	if (length == 0)
		return 0;
	bitmap[0] = 0;
	bitmap[1] = (uint8_t)length;
	memcpy(bitmap + 2, bits, length);
	return 2 + length;
}

static void write_nsec(struct generator *g, const struct node *node, const struct node *next)
{
	char text[300], next_text[300], list[64];
	uint8_t rdata[400];
	name_text(g, node, text);
	name_text(g, next, next_text);
	struct signed_set set = signed_set(text, 47, NSEC_TTL_S);
	size_t n = wire_name(next_text, rdata);
	n += write_types(types(g, node), rdata + n, list);
	record(g, &set, text, rdata, n, "NSEC %s%s", next_text, list);
	sign(g, &set, text, g->zsk);
}

static void hash_node(const struct generator *g, struct node *node)
{
	char text[300];
	uint8_t octets[600];
	name_text(g, node, text);
	size_t n = wire_name(text, octets);
	for (unsigned i = 0; i <= g->o->iterations; i++) {
		memcpy(octets + n, g->salt, g->o->salt_octets);
		SHA1(octets, n + g->o->salt_octets, node->hash);
		n = sizeof node->hash;
		memcpy(octets, node->hash, n);
	}
}

static void write_nsec3(struct generator *g, const struct node *node, const struct node *next)
{
	char text[300], hash[33], next_hash[33], salt[511], list[64];
	uint8_t rdata[400];
	base32hex(node->hash, sizeof node->hash, hash);
	base32hex(next->hash, sizeof next->hash, next_hash);
	snprintf(text, sizeof text, "%s.%s.", hash, g->o->origin);
	struct signed_set set = signed_set(text, 50, NSEC_TTL_S);
	size_t n = nsec3_head(g, g->o->opt_out, rdata);
	rdata[n++] = sizeof next->hash;
	memcpy(rdata + n, next->hash, sizeof next->hash);
	n += sizeof next->hash;
	n += write_types(types(g, node), rdata + n, list);
	record(g, &set, text, rdata, n, "NSEC3 1 %u %u %s %s%s", g->o->opt_out, g->o->iterations,
	        salt_text(g, salt), next_hash, list);
	sign(g, &set, text, g->zsk);
}

static bool in_chain(const struct generator *g, const struct node *node)
{
	if (g->o->nsec3)
		return !g->o->opt_out || node->kind != KIND_PLAIN;
	return node->kind != KIND_EMPTY;
}

static void write_chain(struct generator *g)
{
	size_t kept = 0;
	for (size_t i = 0; i < g->count; i++)
		if (in_chain(g, &g->node[i]))
			g->node[kept++] = g->node[i];
	if (g->o->nsec3) {
		for (size_t i = 0; i < kept; i++)
			hash_node(g, &g->node[i]);
		qsort(g->node, kept, sizeof *g->node, compare_hashes);
	}
	for (size_t i = 0; i < kept; i++)
		(g->o->nsec3 ? write_nsec3 : write_nsec)(g, &g->node[i], &g->node[(i + 1) % kept]);
}

static void write_nodes(struct generator *g)
{
	for (size_t i = 0; i < g->count; i++) {
		char text[300];
		name_text(g, &g->node[i], text);
		if (g->node[i].kind == KIND_APEX)
			write_apex(g, text);
		else if (g->node[i].kind == KIND_HOST)
			write_a(g, text, (uint32_t)g->node[i].random, true);
		else if (g->node[i].kind != KIND_EMPTY)
			write_delegation(g, &g->node[i], text);
	}
}

bool zone_generate(const struct zone_generate *options, FILE *out, uint64_t *signatures)
{
	struct generator g = {.o = options, .out = out, .random = options->seed};
	g.node = calloc((size_t)options->delegations + 4, sizeof *g.node);
	g.ksk = signer_new(options->origin, 257, options->seed);
	g.zsk = signer_new(options->origin, 256, options->seed);
	g.failed = g.node == NULL || g.ksk == NULL || g.zsk == NULL ||
	           options->salt_octets > sizeof g.salt;
	if (!g.failed) {
		for (unsigned i = 0; i < options->salt_octets; i++)
			g.salt[i] = (uint8_t)draw(&g);
		draw_nodes(&g);
		write_nodes(&g);
		write_chain(&g);
	}
	free(g.node);
	signer_free(g.ksk);
	signer_free(g.zsk);
	if (signatures != NULL)
		*signatures = g.signatures;
	return !g.failed && fflush(out) == 0 && !ferror(out);
}
