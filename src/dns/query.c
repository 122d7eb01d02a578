// Queries, and whether a response belongs to one: all on the octets, before anything is parsed.
#include "dns/message.h"

#include <assert.h>
#include <libknot/packet/wire.h>
#include <string.h>

#define HEADER_OCTETS KNOT_WIRE_HEADER_SIZE
#define EDNS_DO       0x8000

static size_t put_name(uint8_t *at, const uint8_t *name, const uint8_t *case_bits)
{
	size_t n = dns_name_length(name);
	memcpy(at, name, n);
	if (case_bits == NULL)
		return n;
	for (size_t i = 0; i < n; i++) {
		// Length octets are below 64 and no letters.
		uint8_t c = at[i] | 0x20;
		if (c >= 'a' && c <= 'z' && (case_bits[i / 8] >> i % 8 & 1) != 0)
			at[i] ^= 0x20;
	}
	return n;
}

// An OPT record without options (RFC 6891 6.1.2).
static size_t put_edns(uint8_t *at, const struct dns_query *query)
{
	memset(at, 0, 11);
	knot_wire_write_u16(at + 1, DNS_TYPE_OPT);
	knot_wire_write_u16(at + 3, query->udp_size);
	knot_wire_write_u16(at + 7, query->dnssec_ok ? EDNS_DO : 0);
	return 11;
}

void dns_query_build(const struct dns_query *query, uint8_t *wire, size_t *length)
{
	assert(query->name != NULL);
	memset(wire, 0, HEADER_OCTETS);
	knot_wire_set_id(wire, query->id);
	knot_wire_set_qdcount(wire, 1);
	knot_wire_set_arcount(wire, query->edns ? 1 : 0);
	if (query->recursion_desired)
		knot_wire_set_rd(wire);
	if (query->checking_disabled)
		knot_wire_set_cd(wire);
	if (query->authentic_data)
		knot_wire_set_ad(wire);
	uint8_t *at = wire + HEADER_OCTETS;
	at += put_name(at, query->name, query->case_bits);
	knot_wire_write_u16(at, query->type);
	knot_wire_write_u16(at + 2, DNS_CLASS_IN);
	at += 4;
	if (query->edns)
		at += put_edns(at, query);
	*length = (size_t)(at - wire);
}

// Octets of the question of a message that we built; 0 where it has no single whole one.
static size_t question_length(const uint8_t *wire, size_t length)
{
	struct dns_name name;
	size_t n;
	if (knot_wire_get_qdcount(wire) != 1 ||
	        dns_name_check(wire + HEADER_OCTETS, length - HEADER_OCTETS, &name, &n, NULL) !=
	                RESULT_OK)
		return 0;
	return n + 4 <= length - HEADER_OCTETS ? n + 4 : 0;
}

enum dns_match dns_response_match(
        const uint8_t *query, size_t query_length, const uint8_t *response, size_t length)
{
	assert(query_length >= HEADER_OCTETS);
	if (length < HEADER_OCTETS)
		return DNS_MATCH_SHORT;
	if (!knot_wire_get_qr(response) ||
	        knot_wire_get_opcode(response) != knot_wire_get_opcode(query))
		return DNS_MATCH_NO_RESPONSE;
	if (knot_wire_get_id(response) != knot_wire_get_id(query))
		return DNS_MATCH_ID;
	if (knot_wire_get_qdcount(response) == 0)
		return DNS_MATCH_NO_QUESTION;
	size_t asked = question_length(query, query_length);
	if (asked == 0 || question_length(response, length) != asked ||
	        memcmp(query + HEADER_OCTETS, response + HEADER_OCTETS, asked) != 0)
		return DNS_MATCH_QUESTION;
	return DNS_MATCH;
}

const char *dns_match_text(enum dns_match match)
{
	static const char *const texts[] = {
	        [DNS_MATCH] = "the answer to this query",
	        [DNS_MATCH_SHORT] = "too short for a DNS message",
	        [DNS_MATCH_NO_RESPONSE] = "no response to such a query",
	        [DNS_MATCH_ID] = "wrong ID",
	        [DNS_MATCH_QUESTION] = "another question",
	        [DNS_MATCH_NO_QUESTION] = "no question",
	};
	return (size_t)match < sizeof texts / sizeof *texts ? texts[match] : "unknown";
}

bool dns_response_truncated(const uint8_t *response, size_t length)
{
	return length >= HEADER_OCTETS && knot_wire_get_tc(response) != 0;
}
