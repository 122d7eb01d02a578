// DNS messages: queries out, responses in.
//
//     uint8_t wire[DNS_QUERY_MAX], bits[DNS_CASE_BITS];
//     size_t length;
//     random.fill(random.ctx, bits, sizeof bits);
//     struct dns_query q = {.name = zone, .type = DNS_TYPE_DNSKEY, .id = id, .edns = true,
//             .udp_size = 1232, .dnssec_ok = true, .case_bits = bits};
//     dns_query_build(&q, wire, &length);
//     ... send, receive octets, n ...
//     if (dns_response_match(wire, length, octets, n) != DNS_MATCH) continue;  // not for us
//     struct dns_message m;
//     if (dns_message_parse(arena, octets, n, &m, err) != RESULT_OK) return err->code;
//     const struct dns_rrset *set = dns_message_find(&m, DNS_ANSWER, zone, DNS_TYPE_DNSKEY);
//
// Parsing copies everything into the arena; octets may be reused afterwards. Records of one owner
// (case ignored), type and class within a section make one RRset, its RRSIGs attached to it; the
// order is that of first appearance. OPT and TSIG are taken out and described in the message.
//
// Damaged messages are RESULT_INPUT and say at which octet; more than the declared maxima is
// RESULT_LIMIT; an arena that is too small is RESULT_MEMORY (DNS_MESSAGE_ARENA is enough for any
// message). With TC set, records that are cut off end the parsing without an error: they count for
// nothing anyway (RFC 2181 9).
#pragma once

#include "base/arena.h"
#include "dns/rrset.h"

#define DNS_MESSAGE_MAX     65535
#define DNS_MESSAGE_MAX_RRS 4096
#define DNS_MESSAGE_ARENA   (4u << 20)

#define DNS_QUERY_MAX 288 // octets of the longest query
#define DNS_CASE_BITS 32  // octets: one bit for each octet of a name

struct dns_query {
	const uint8_t *name;
	uint16_t type, id; // class is IN
	bool recursion_desired, checking_disabled, authentic_data;
	bool edns; // the rest needs it
	bool dnssec_ok;
	uint16_t udp_size;
	// Letters of the name whose bit is set go out in the other case than given ("0x20"):
	// DNS_CASE_BITS random octets, or NULL to send the name as it is.
	const uint8_t *case_bits;
};
// wire has DNS_QUERY_MAX octets of room. Never fails.
void dns_query_build(const struct dns_query *query, uint8_t *wire, size_t *length);

enum dns_match {
	DNS_MATCH,
	DNS_MATCH_SHORT,       // no whole header
	DNS_MATCH_NO_RESPONSE, // QR clear, or another opcode than asked
	DNS_MATCH_ID,
	DNS_MATCH_QUESTION, // another name (case included), type, class, or more than one question
	DNS_MATCH_NO_QUESTION, // right ID, no question: some servers' way to say FORMERR or REFUSED
};
// Whether response answers query, from the octets alone. Compares the question octet by octet, so
// that mixed case counts.
enum dns_match dns_response_match(
        const uint8_t *query, size_t query_length, const uint8_t *response, size_t length);
// "wrong ID", …; never NULL.
const char *dns_match_text(enum dns_match match);
// The TC bit of a message that has passed dns_response_match.
bool dns_response_truncated(const uint8_t *response, size_t length);

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_message {
	uint16_t id;
	uint8_t opcode;
	uint16_t rcode; // with the extension of EDNS (RFC 6891 6.1.3)
	bool qr, aa, tc, rd, ra, ad, cd;

	bool has_question;
	const uint8_t *question_name;
	uint16_t question_type, question_class;

	bool has_edns;
	uint8_t edns_version;
	uint16_t edns_udp_size;
	bool edns_dnssec_ok;
	bool has_error_info; // an Extended DNS Error (RFC 8914); of several, the first
	uint16_t error_info;

	bool has_tsig;
	size_t tsig_offset; // of the TSIG record in the octets that were parsed

	bool incomplete; // TC set, and records were cut off
	size_t octets;   // length of the message

	struct {
		size_t count;
		const struct dns_rrset *rrset;
	} section[DNS_SECTIONS];
};

enum result dns_message_parse(struct arena *arena, const uint8_t *octets, size_t length,
        struct dns_message *message, struct error *err);
// Class IN; NULL where it is not there. Sets without records (signatures only) are not found.
const struct dns_rrset *dns_message_find(const struct dns_message *message,
        enum dns_section section, const uint8_t *owner, uint16_t type);
