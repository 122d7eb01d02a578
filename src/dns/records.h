// The records of a message, one after the other, as zone transfers carry them: in their order, each
// with its own TTL, not grouped into RRsets.
//
//     struct dns_records walk;
//     if (dns_records_open(octets, n, &walk, err) != RESULT_OK) return err->code;
//     while ((result = dns_records_next(&walk, arena, &section, &record, err)) == RESULT_OK)
//             if (section == DNS_ANSWER) take(&record);
//     if (result != RESULT_NOT_FOUND) return result;             // otherwise: the end
//
// What a record points to is in the arena. The octets have to stay as long as the walk. Damaged
// messages are RESULT_INPUT, and so are octets behind the last record.
#pragma once

#include "dns/message.h"
#include "dns/rdata.h"

struct dns_records {
	const uint8_t *octets;
	size_t length, at, last; // last: where the record begins that was returned last
	uint32_t left[DNS_SECTIONS];
	uint16_t id, rcode; // of the header, without EDNS
	uint8_t opcode;
	bool is_response, is_truncated;
	bool has_question;
	struct dns_name question;
	uint16_t question_type, question_class;
};

enum result dns_records_open(
        const uint8_t *octets, size_t length, struct dns_records *walk, struct error *err);
// RESULT_NOT_FOUND, without a text, where there are no more.
enum result dns_records_next(struct dns_records *walk, struct arena *arena,
        enum dns_section *section, struct dns_record *record, struct error *err);
