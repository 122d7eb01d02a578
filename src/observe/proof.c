// Whether a parent proves that a delegation has no DS: NSEC (RFC 4035 3.1.4.1) or NSEC3, matching
// or with opt-out (RFC 5155 7.2.4, 8.6). Every record that counts has a signature of the parent's
// keys.
#include "observe/interpret.h"

#include <openssl/evp.h>
#include <string.h>

enum {
	HASH = 20, // octets of SHA-1, the only hash of NSEC3
	HASH_LABEL = 32,
	ITERATIONS_MAX = 500, // more is nobody's protection and everybody's work (RFC 9276)
	OPT_OUT = 1,
};

// One octet string of type bit maps (RFC 4034 4.1.2).
static bool bitmap_has(const uint8_t *maps, size_t length, uint16_t type)
{
	for (size_t at = 0; length - at >= 2;) {
		uint8_t window = maps[at], octets = maps[at + 1];
		if (octets == 0 || octets > 32 || octets > length - at - 2)
			return false;
		unsigned octet = (type & 0xff) / 8;
		if (window == type >> 8)
			return octet < octets && (maps[at + 2 + octet] & (0x80 >> (type & 7))) != 0;
		at += 2u + octets;
	}
	return false;
}

// A delegation (NS, no SOA) without DS, so that the record is the parent's and not the child's.
static bool maps_say_no_ds(const uint8_t *maps, size_t length)
{
	return bitmap_has(maps, length, DNS_TYPE_NS) && !bitmap_has(maps, length, DNS_TYPE_DS) &&
	       !bitmap_has(maps, length, DNS_TYPE_SOA);
}

static bool is_signed(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *set, struct window *window)
{
	struct cover cover;
	cover_find(in, reply, set, &in->parent_keys, &cover);
	if (cover.signers == 0)
		return false;
	struct window one = cover_any(&cover);
	if (one.from_ms > window->from_ms)
		window->from_ms = one.from_ms;
	if (one.until_ms < window->until_ms)
		window->until_ms = one.until_ms;
	return true;
}

static bool nsec_says_so(const struct dns_rrset *set)
{
	struct dns_name next;
	size_t length;
	const struct dns_rdata *rdata = &set->rdata[0];
	if (dns_name_check(rdata->octets, rdata->length, &next, &length, NULL) != RESULT_OK)
		return false;
	return maps_say_no_ds(rdata->octets + length, rdata->length - length);
}

struct nsec3 {
	const struct dns_rrset *set;
	uint8_t owner[HASH], next[HASH];
	bool opt_out;
	uint16_t iterations;
	const uint8_t *salt, *maps;
	size_t salt_length, maps_length;
};

// The 32 letters of base32hex in a label, as 20 octets.
static bool hash_of_label(const uint8_t *label, uint8_t hash[HASH])
{
	if (label[0] != HASH_LABEL)
		return false;
	memset(hash, 0, HASH);
	for (unsigned i = 0; i < HASH_LABEL; i++) {
		uint8_t c = label[1 + i] | 0x20;
		int value = label[1 + i] >= '0' && label[1 + i] <= '9' ? label[1 + i] - '0'
		            : c >= 'a' && c <= 'v'                     ? c - 'a' + 10
		                                                       : -1;
		if (value < 0)
			return false;
		for (unsigned bit = 0; bit < 5; bit++)
			if (value & (0x10 >> bit))
				hash[(i * 5 + bit) / 8] |= (uint8_t)(0x80 >> (i * 5 + bit) % 8);
	}
	return true;
}

static bool nsec3_read(const struct dns_rrset *set, const uint8_t *parent, struct nsec3 *out)
{
	const uint8_t *at = set->rdata[0].octets;
	size_t left = set->rdata[0].length;
	if (dns_name_labels(set->owner) == 0 ||
	        !dns_name_equal(dns_name_parent(set->owner), parent) ||
	        !hash_of_label(set->owner, out->owner))
		return false;
	if (left < 5 || at[0] != 1 || left < 5u + at[4] + 1 + HASH)
		return false;
	out->set = set;
	out->opt_out = (at[1] & OPT_OUT) != 0;
	out->iterations = (uint16_t)(at[2] << 8 | at[3]);
	out->salt_length = at[4];
	out->salt = at + 5;
	at += 5 + out->salt_length;
	left -= 5 + out->salt_length;
	if (at[0] != HASH)
		return false;
	memcpy(out->next, at + 1, HASH);
	out->maps = at + 1 + HASH;
	out->maps_length = left - 1 - HASH;
	return out->iterations <= ITERATIONS_MAX;
}

// RFC 5155 5.
static bool nsec3_hash(const struct nsec3 *parameters, const uint8_t *name, uint8_t hash[HASH])
{
	struct dns_name lower;
	uint8_t text[DNS_NAME_MAX + 255];
	dns_name_lower(&lower, name);
	size_t length = dns_name_length(lower.wire);
	memcpy(text, lower.wire, length);
	for (unsigned round = 0; round <= parameters->iterations; round++) {
		memcpy(text + length, parameters->salt, parameters->salt_length);
		if (EVP_Digest(text, length + parameters->salt_length, hash, NULL, EVP_sha1(),
		            NULL) != 1)
			return false;
		memcpy(text, hash, HASH);
		length = HASH;
	}
	return true;
}

static bool matches(const struct nsec3 *record, const uint8_t *name)
{
	uint8_t hash[HASH];
	return nsec3_hash(record, name, hash) && memcmp(hash, record->owner, HASH) == 0;
}

static bool covers(const struct nsec3 *record, const uint8_t *name)
{
	uint8_t hash[HASH];
	if (!nsec3_hash(record, name, hash))
		return false;
	bool after = memcmp(hash, record->owner, HASH) > 0,
	     before = memcmp(hash, record->next, HASH) < 0;
	// The last record's next is the first owner.
	return memcmp(record->owner, record->next, HASH) < 0 ? after && before : after || before;
}

struct nsec3_list {
	size_t count;
	struct nsec3 record[8];
};

static const struct nsec3 *find(const struct nsec3_list *list, const uint8_t *name,
        bool (*fits)(const struct nsec3 *, const uint8_t *))
{
	for (size_t i = 0; i < list->count; i++)
		if (fits(&list->record[i], name))
			return &list->record[i];
	return NULL;
}

// The closest encloser matches, and the name one label longer falls into an opt-out span.
static bool opt_out_says_so(struct interpretation *in, const struct reply *reply,
        const struct nsec3_list *list, struct window *window)
{
	const uint8_t *zone = in->subject->zone.wire;
	size_t below = dns_name_labels(zone) - dns_name_labels(in->subject->parent_zone.wire);
	for (size_t n = 1; n <= below; n++) {
		const struct nsec3 *encloser = find(list, dns_name_skip(zone, n), matches);
		if (encloser == NULL)
			continue;
		const struct nsec3 *cover = find(list, dns_name_skip(zone, n - 1), covers);
		return cover != NULL && cover->opt_out &&
		       is_signed(in, reply, encloser->set, window) &&
		       is_signed(in, reply, cover->set, window);
	}
	return false;
}

static bool nsec3_proves(struct interpretation *in, const struct reply *reply,
        const struct nsec3_list *list, struct window *window)
{
	const struct nsec3 *own = find(list, in->subject->zone.wire, matches);
	if (own != NULL)
		return maps_say_no_ds(own->maps, own->maps_length) &&
		       is_signed(in, reply, own->set, window);
	return opt_out_says_so(in, reply, list, window);
}

bool proof_of_no_ds(struct interpretation *in, const struct reply *reply, struct window *window)
{
	struct nsec3_list list = {0};
	struct window found = {TIME_EVER_MS, TIME_NEVER_MS};
	const struct dns_message *message = reply->message;
	bool proven = false;
	for (size_t i = 0; i < message->section[DNS_AUTHORITY].count; i++) {
		const struct dns_rrset *set = &message->section[DNS_AUTHORITY].rrset[i];
		if (set->rclass != DNS_CLASS_IN || set->count != 1)
			continue;
		if (set->type == DNS_TYPE_NSEC && !proven &&
		        dns_name_equal(set->owner, in->subject->zone.wire))
			proven = nsec_says_so(set) && is_signed(in, reply, set, &found);
		if (set->type == DNS_TYPE_NSEC3 &&
		        list.count < sizeof list.record / sizeof list.record[0] &&
		        nsec3_read(set, in->subject->parent_zone.wire, &list.record[list.count]))
			list.count++;
	}
	proven = proven || nsec3_proves(in, reply, &list, &found);
	if (proven)
		*window = found;
	return proven;
}
