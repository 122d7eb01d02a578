// Private to net/: the octets of a query, and whether a response may be its answer. Only what the
// engine needs for that; messages are read in dns/.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_HEADER    12
#define WIRE_OPT       11
#define WIRE_NAME_MAX  255
#define WIRE_QUERY_MAX (WIRE_HEADER + WIRE_NAME_MAX + 4 + WIRE_OPT)

enum { WIRE_FORMERR = 1, WIRE_NOTIMP = 4 };

// Octets of an uncompressed name that lies within n octets, 0 where there is none.
size_t wire_name_octets(const uint8_t *name, size_t n);

struct wire_question {
	const uint8_t *name;
	size_t name_octets;
	uint16_t type, class_;
	bool recursion_desired, checking_disabled;
	uint16_t edns_octets; // 0: no OPT record
	bool dnssec_ok;
};
// Writes a query with ID 0; returns its octets, at most WIRE_QUERY_MAX.
size_t wire_build(uint8_t *wire, const struct wire_question *question);
uint16_t wire_id(const uint8_t *wire);
void wire_set_id(uint8_t *wire, uint16_t id);
// Gives every letter of the question's name the case of one random bit; bits has WIRE_NAME_MAX / 8
// + 1 octets.
void wire_mix_case(uint8_t *wire, size_t name_octets, const uint8_t *bits);
// Takes the OPT record that wire_build put at the end away; returns the octets left.
size_t wire_drop_edns(uint8_t *wire, size_t octets);

// Octets of the one question of a message, name to class; 0 where it does not have exactly one.
size_t wire_question_octets(const uint8_t *message, size_t octets);

enum wire_match {
	WIRE_MATCH,
	WIRE_OTHER_CASE,  // the same question, but for the case of letters
	WIRE_OTHER,       // another question, another opcode, or not a response at all
	WIRE_NO_QUESTION, // a response without a question section
	WIRE_SHORT,       // not even a header
};
// Compares a response with the query that has question_octets of question (0: any will do). IDs
// have been compared before.
enum wire_match wire_compare(const uint8_t *query, size_t question_octets, const uint8_t *response,
        size_t response_octets);

struct wire_facts {
	uint8_t rcode; // the header's four bits
	bool truncated;
	bool has_opt;
};
// Walks over all records; false where one reaches beyond the end or a name is none. With TC set,
// records may be missing at the end.
bool wire_inspect(const uint8_t *message, size_t octets, struct wire_facts *facts);
