#include "dns/message.h"

#include <assert.h>
#include <libknot/errcode.h>
#include <libknot/packet/rrset-wire.h>
#include <libknot/packet/wire.h>
#include <string.h>

#define HEADER_OCTETS     KNOT_WIRE_HEADER_SIZE
#define SMALLEST_RECORD   11 // octets: root, type, class, TTL, length
#define OPTION_ERROR_INFO 15 // RFC 8914
#define EDNS_DO           0x8000u

// One record as it came.
struct record {
	const uint8_t *owner;
	uint16_t type, rclass;
	uint32_t ttl_s;
	struct dns_rdata rdata;
	uint16_t set_type; // the type covered for an RRSIG, otherwise type
	size_t set;        // index of its RRset
};

struct parser {
	struct arena *arena;
	struct knot_mm memory; // the arena as libknot sees it
	const uint8_t *octets;
	size_t length, at;
	struct error *err;
	struct dns_message *message;
	size_t records_left; // of DNS_MESSAGE_MAX_RRS
};

static void *allocate(void *ctx, size_t octets)
{
	return arena_alloc(ctx, octets);
}

static void release(void *memory)
{
	(void)memory; // goes with the arena
}

static enum result malformed(const struct parser *p, size_t at, const char *what)
{
	return error_set(p->err, RESULT_INPUT, "malformed DNS message: %s at octet %zu of %zu",
	        what, at, p->length);
}

static enum result no_memory(const struct parser *p)
{
	return error_set(
	        p->err, RESULT_MEMORY, "no memory for a DNS message of %zu octets", p->length);
}

static void read_header(struct parser *p)
{
	struct dns_message *m = p->message;
	const uint8_t *octets = p->octets;
	m->id = knot_wire_get_id(octets);
	m->opcode = knot_wire_get_opcode(octets);
	m->rcode = knot_wire_get_rcode(octets);
	m->qr = knot_wire_get_qr(octets) != 0;
	m->aa = knot_wire_get_aa(octets) != 0;
	m->tc = knot_wire_get_tc(octets) != 0;
	m->rd = knot_wire_get_rd(octets) != 0;
	m->ra = knot_wire_get_ra(octets) != 0;
	m->ad = knot_wire_get_ad(octets) != 0;
	m->cd = knot_wire_get_cd(octets) != 0;
	m->octets = p->length;
	p->at = HEADER_OCTETS;
}

static enum result read_question(struct parser *p)
{
	struct dns_message *m = p->message;
	unsigned count = knot_wire_get_qdcount(p->octets);
	if (count == 0)
		return RESULT_OK;
	if (count > 1)
		return malformed(p, 4, "more than one question");
	struct dns_name name;
	size_t n;
	if (dns_name_check(p->octets + p->at, p->length - p->at, &name, &n, NULL) != RESULT_OK ||
	        p->length - p->at - n < 4)
		return malformed(p, p->at, "no question");
	m->question_name = arena_memdup(p->arena, name.wire, n);
	if (m->question_name == NULL)
		return no_memory(p);
	m->question_type = knot_wire_read_u16(p->octets + p->at + n);
	m->question_class = knot_wire_read_u16(p->octets + p->at + n + 2);
	m->has_question = true;
	p->at += n + 4;
	return RESULT_OK;
}

// The next record, names uncompressed, in the arena.
static enum result read_record(struct parser *p, struct record *record)
{
	knot_rrset_t found;
	knot_rrset_init_empty(&found);
	size_t at = p->at;
	int code = knot_rrset_rr_from_wire(p->octets, &at, p->length, &found, &p->memory, false);
	if (code == KNOT_ENOMEM)
		return no_memory(p);
	if (code != KNOT_EOK)
		return malformed(p, p->at, "no record");
	*record = (struct record){
	        .owner = found.owner,
	        .type = found.type,
	        .rclass = found.rclass,
	        .ttl_s = found.ttl,
	        .set_type = found.type,
	};
	static const uint8_t nothing[1];
	record->rdata = (struct dns_rdata){nothing, 0};
	if (found.rrs.count > 0)
		record->rdata = (struct dns_rdata){found.rrs.rdata->data, found.rrs.rdata->len};
	if (found.type == DNS_TYPE_RRSIG && record->rdata.length >= 2)
		record->set_type = knot_wire_read_u16(record->rdata.octets);
	p->at = at;
	return RESULT_OK;
}

// RFC 6891 6.1.2: (code, length, data)*. Only an Extended DNS Error is kept.
static enum result read_options(struct parser *p, const struct dns_rdata *rdata, size_t start)
{
	struct dns_message *m = p->message;
	for (size_t at = 0; at < rdata->length;) {
		const uint8_t *option = rdata->octets + at;
		size_t left = (size_t)rdata->length - at;
		if (left < 4 || knot_wire_read_u16(option + 2) > left - 4)
			return malformed(p, start, "EDNS option that is cut off");
		size_t n = knot_wire_read_u16(option + 2);
		if (knot_wire_read_u16(option) == OPTION_ERROR_INFO && n >= 2 &&
		        !m->has_error_info) {
			m->has_error_info = true;
			m->error_info = knot_wire_read_u16(option + 4);
		}
		at += 4 + n;
	}
	return RESULT_OK;
}

static enum result take_edns(struct parser *p, const struct record *record, size_t start)
{
	struct dns_message *m = p->message;
	if (m->has_edns)
		return malformed(p, start, "second OPT record");
	if (*record->owner != 0)
		return malformed(p, start, "OPT record with a name");
	m->has_edns = true;
	m->edns_udp_size = record->rclass;
	m->edns_version = (uint8_t)(record->ttl_s >> 16);
	m->edns_dnssec_ok = (record->ttl_s & EDNS_DO) != 0;
	m->rcode = (uint16_t)(m->rcode | (record->ttl_s >> 24) << 4);
	return read_options(p, &record->rdata, start);
}

// OPT and TSIG records describe the message and belong to no RRset. *taken says that this was one.
static enum result take_meta(struct parser *p, enum dns_section section,
        const struct record *record, size_t start, bool *taken)
{
	*taken = record->type == DNS_TYPE_OPT || record->type == DNS_TYPE_TSIG;
	if (p->message->has_tsig)
		return malformed(p, start, "record behind TSIG");
	if (!*taken)
		return RESULT_OK;
	if (section != DNS_ADDITIONAL)
		return malformed(p, start, "OPT or TSIG record outside of the additional section");
	if (record->type == DNS_TYPE_OPT)
		return take_edns(p, record, start);
	p->message->has_tsig = true;
	p->message->tsig_offset = start;
	return RESULT_OK;
}

// Reads a section's records one after the other. *count of them belong to RRsets.
static enum result read_records(struct parser *p, enum dns_section section, size_t announced,
        struct record *records, size_t *count)
{
	*count = 0;
	for (size_t i = 0; i < announced; i++) {
		size_t start = p->at;
		bool meta;
		enum result result = read_record(p, &records[*count]);
		if (result == RESULT_INPUT && p->message->tc) {
			p->message->incomplete = true;
			return RESULT_OK;
		}
		if (result == RESULT_OK)
			result = take_meta(p, section, &records[*count], start, &meta);
		if (result != RESULT_OK)
			return result;
		if (!meta)
			++*count;
	}
	return RESULT_OK;
}

// A hash table from (owner, type, class) to the first record of the RRset.
struct index {
	size_t slots;   // a power of two, at least twice the records
	uint32_t *slot; // index of a record + 1
	uint32_t *hash; // of that record
};

static uint32_t hash_record(const struct record *r)
{
	uint64_t hash = dns_name_hash(r->owner) * 31 + r->set_type;
	hash = (hash * 31 + r->rclass) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

static bool same_set(const struct record *a, const struct record *b)
{
	return a->set_type == b->set_type && a->rclass == b->rclass &&
	       dns_name_equal(a->owner, b->owner);
}

static size_t find_slot(const struct index *index, const struct record *records, uint32_t hash,
        const struct record *r)
{
	size_t at = hash & (index->slots - 1);
	while (index->slot[at] != 0 &&
	        (index->hash[at] != hash || !same_set(&records[index->slot[at] - 1], r)))
		at = (at + 1) & (index->slots - 1);
	return at;
}

// Numbers the RRsets in order of appearance and returns how many there are, or SIZE_MAX.
static size_t number_sets(struct parser *p, struct record *records, size_t count)
{
	struct index index = {.slots = 8};
	while (index.slots < 2 * count)
		index.slots *= 2;
	index.slot = arena_array(p->arena, index.slots, sizeof *index.slot);
	index.hash = arena_array(p->arena, index.slots, sizeof *index.hash);
	if (index.slot == NULL || index.hash == NULL)
		return SIZE_MAX;
	size_t sets = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t hash = hash_record(&records[i]);
		size_t at = find_slot(&index, records, hash, &records[i]);
		if (index.slot[at] != 0) {
			records[i].set = records[index.slot[at] - 1].set;
			continue;
		}
		index.slot[at] = (uint32_t)i + 1;
		index.hash[at] = hash;
		records[i].set = sets++;
	}
	return sets;
}

// A record that is a signature of another type's set. An RRSIG that covers RRSIG belongs to no set
// (RFC 4035 2.2), and is kept as a plain record of type RRSIG.
static bool is_signature(const struct record *r)
{
	return r->type == DNS_TYPE_RRSIG && r->set_type != DNS_TYPE_RRSIG;
}

static void count_record(struct dns_rrset *set, const struct record *r)
{
	if (set->owner == NULL) {
		set->owner = r->owner;
		set->type = r->set_type;
		set->rclass = r->rclass;
	}
	if (is_signature(r)) {
		set->signature_count++;
		if (r->ttl_s > set->signature_ttl_max_s)
			set->signature_ttl_max_s = r->ttl_s;
		return;
	}
	if (set->count++ == 0 || r->ttl_s < set->ttl_s)
		set->ttl_s = r->ttl_s;
	if (r->ttl_s > set->ttl_max_s)
		set->ttl_max_s = r->ttl_s;
}

// Gives each set its part of one array of all RDATA, and fills it.
static void distribute(struct dns_rrset *sets, size_t set_count, const struct record *records,
        size_t count, struct dns_rdata *rdata, size_t *filled)
{
	size_t at = 0;
	for (size_t s = 0; s < set_count; s++) {
		sets[s].rdata = rdata + at;
		sets[s].signatures = rdata + at + sets[s].count;
		at += sets[s].count + sets[s].signature_count;
	}
	for (size_t i = 0; i < count; i++) {
		const struct dns_rrset *set = &sets[records[i].set];
		size_t *done = &filled[2 * records[i].set + is_signature(&records[i])];
		const struct dns_rdata *to =
		        is_signature(&records[i]) ? set->signatures : set->rdata;
		rdata[(size_t)(to - rdata) + (*done)++] = records[i].rdata;
	}
}

static enum result group(
        struct parser *p, enum dns_section section, struct record *records, size_t count)
{
	if (count == 0)
		return RESULT_OK;
	size_t set_count = number_sets(p, records, count);
	if (set_count == SIZE_MAX)
		return no_memory(p);
	struct dns_rrset *sets = arena_array(p->arena, set_count, sizeof *sets);
	struct dns_rdata *rdata = arena_array(p->arena, count, sizeof *rdata);
	size_t *filled = arena_array(p->arena, 2 * set_count, sizeof *filled);
	if (sets == NULL || rdata == NULL || filled == NULL)
		return no_memory(p);
	for (size_t i = 0; i < count; i++)
		count_record(&sets[records[i].set], &records[i]);
	distribute(sets, set_count, records, count, rdata, filled);
	p->message->section[section].count = set_count;
	p->message->section[section].rrset = sets;
	return RESULT_OK;
}

static enum result read_section(struct parser *p, enum dns_section section, size_t announced)
{
	if (announced == 0 || p->message->incomplete)
		return RESULT_OK;
	if (announced > p->records_left)
		return error_set(p->err, RESULT_LIMIT,
		        "a DNS message announces more than %d records", DNS_MESSAGE_MAX_RRS);
	p->records_left -= announced;
	size_t room = (p->length - p->at) / SMALLEST_RECORD + 1;
	if (announced < room)
		room = announced;
	struct record *records = arena_array(p->arena, room, sizeof *records);
	if (records == NULL)
		return no_memory(p);
	size_t count;
	enum result result = read_records(p, section, announced, records, &count);
	return result == RESULT_OK ? group(p, section, records, count) : result;
}

static enum result read_message(struct parser *p)
{
	if (p->length < HEADER_OCTETS)
		return malformed(p, p->length, "no whole header");
	read_header(p);
	enum result result = read_question(p);
	const size_t announced[DNS_SECTIONS] = {
	        [DNS_ANSWER] = knot_wire_get_ancount(p->octets),
	        [DNS_AUTHORITY] = knot_wire_get_nscount(p->octets),
	        [DNS_ADDITIONAL] = knot_wire_get_arcount(p->octets),
	};
	for (int s = DNS_ANSWER; result == RESULT_OK && s < DNS_SECTIONS; s++)
		result = read_section(p, (enum dns_section)s, announced[s]);
	if (result == RESULT_OK && p->at < p->length && !p->message->incomplete)
		return malformed(p, p->at, "octets behind the last record");
	return result;
}

enum result dns_message_parse(struct arena *arena, const uint8_t *octets, size_t length,
        struct dns_message *message, struct error *err)
{
	assert(arena != NULL && message != NULL);
	if (length > DNS_MESSAGE_MAX)
		return error_set(err, RESULT_LIMIT, "a DNS message of %zu octets", length);
	struct dns_message found = {0};
	struct parser p = {
	        .arena = arena,
	        .memory = {arena, allocate, release},
	        .octets = octets,
	        .length = length,
	        .err = err,
	        .message = &found,
	        .records_left = DNS_MESSAGE_MAX_RRS,
	};
	enum result result = read_message(&p);
	if (result == RESULT_OK)
		*message = found;
	return result;
}

const struct dns_rrset *dns_message_find(const struct dns_message *message,
        enum dns_section section, const uint8_t *owner, uint16_t type)
{
	for (size_t i = 0; i < message->section[section].count; i++) {
		const struct dns_rrset *set = &message->section[section].rrset[i];
		if (set->type == type && set->rclass == DNS_CLASS_IN && set->count > 0 &&
		        dns_name_equal(set->owner, owner))
			return set;
	}
	return NULL;
}
