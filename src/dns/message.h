// DNS messages as they came, taken apart. Queries, and whether a response belongs to one, are the
// query engine's business (net/query.h); update messages are in dns/update.h.
//
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
