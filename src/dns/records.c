#include "dns/records.h"

#include <libknot/errcode.h>
#include <libknot/packet/rrset-wire.h>
#include <libknot/packet/wire.h>
#include <string.h>

#define HEADER_OCTETS KNOT_WIRE_HEADER_SIZE

static enum result malformed(const struct dns_records *walk, const char *what, struct error *err)
{
	return error_set(err, RESULT_INPUT, "malformed DNS message: %s at octet %zu of %zu", what,
	        walk->at, walk->length);
}

static enum result read_question(struct dns_records *walk, struct error *err)
{
	unsigned count = knot_wire_get_qdcount(walk->octets);
	if (count == 0)
		return RESULT_OK;
	const uint8_t *at = walk->octets + walk->at;
	size_t left = walk->length - walk->at, n;
	if (count > 1 || dns_name_check(at, left, &walk->question, &n, NULL) != RESULT_OK ||
	        left - n < 4)
		return malformed(walk, "no single question", err);
	walk->question_type = knot_wire_read_u16(at + n);
	walk->question_class = knot_wire_read_u16(at + n + 2);
	walk->has_question = true;
	walk->at += n + 4;
	return RESULT_OK;
}

enum result dns_records_open(
        const uint8_t *octets, size_t length, struct dns_records *walk, struct error *err)
{
	struct dns_records opened = {.octets = octets, .length = length, .at = HEADER_OCTETS};
	if (length < HEADER_OCTETS || length > DNS_MESSAGE_MAX)
		return error_set(err, RESULT_INPUT, "a DNS message of %zu octets", length);
	opened.id = knot_wire_get_id(octets);
	opened.rcode = knot_wire_get_rcode(octets);
	opened.opcode = knot_wire_get_opcode(octets);
	opened.is_response = knot_wire_get_qr(octets) != 0;
	opened.is_truncated = knot_wire_get_tc(octets) != 0;
	opened.left[DNS_ANSWER] = knot_wire_get_ancount(octets);
	opened.left[DNS_AUTHORITY] = knot_wire_get_nscount(octets);
	opened.left[DNS_ADDITIONAL] = knot_wire_get_arcount(octets);
	enum result result = read_question(&opened, err);
	if (result == RESULT_OK)
		*walk = opened;
	return result;
}

static void *allocate(void *ctx, size_t octets)
{
	return arena_alloc(ctx, octets);
}

static void release(void *memory)
{
	(void)memory; // goes with the arena
}

static void convert(const knot_rrset_t *found, struct dns_record *record)
{
	static const uint8_t nothing[1];
	*record = (struct dns_record){
	        .owner = found->owner,
	        .type = found->type,
	        .rclass = found->rclass,
	        .ttl_s = found->ttl,
	        .rdata = {nothing, 0},
	};
	if (found->rrs.count > 0)
		record->rdata = (struct dns_rdata){found->rrs.rdata->data, found->rrs.rdata->len};
}

enum result dns_records_next(struct dns_records *walk, struct arena *arena,
        enum dns_section *section, struct dns_record *record, struct error *err)
{
	int s = DNS_ANSWER;
	while (s < DNS_SECTIONS && walk->left[s] == 0)
		s++;
	if (s == DNS_SECTIONS)
		return walk->at == walk->length
		               ? RESULT_NOT_FOUND
		               : malformed(walk, "octets behind the last record", err);
	struct knot_mm memory = {arena, allocate, release};
	knot_rrset_t found;
	knot_rrset_init_empty(&found);
	size_t at = walk->at;
	int code = knot_rrset_rr_from_wire(walk->octets, &at, walk->length, &found, &memory, false);
	if (code == KNOT_ENOMEM)
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	if (code != KNOT_EOK)
		return malformed(walk, "no record", err);
	convert(&found, record);
	walk->left[s]--;
	walk->last = walk->at;
	walk->at = at;
	*section = (enum dns_section)s;
	return RESULT_OK;
}
