#include "net/query_wire.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

size_t wire_name_octets(const uint8_t *name, size_t n)
{
	size_t at = 0;
	while (at < n && at < WIRE_NAME_MAX) {
		if (name[at] == 0)
			return at + 1;
		if (name[at] > 63)
			return 0;
		at += 1u + name[at];
	}
	return 0;
}

uint16_t wire_id(const uint8_t *wire)
{
	return get16(wire);
}

void wire_set_id(uint8_t *wire, uint16_t id)
{
	put16(wire, id);
}

// RFC 6891, 6.1.2: root name, type 41, UDP size as class, extended RCODE and version 0, DO in the
// highest bit of the flags, no options.
static void put_opt(uint8_t *p, uint16_t edns_octets, bool dnssec_ok)
{
	memset(p, 0, WIRE_OPT);
	put16(p + 1, 41);
	put16(p + 3, edns_octets);
	p[7] = dnssec_ok ? 0x80 : 0;
}

size_t wire_build(uint8_t *wire, const struct wire_question *question)
{
	memset(wire, 0, WIRE_HEADER);
	wire[2] = question->recursion_desired ? 0x01 : 0;
	wire[3] = question->checking_disabled ? 0x10 : 0;
	wire[5] = 1;
	size_t at = WIRE_HEADER;
	memcpy(wire + at, question->name, question->name_octets);
	at += question->name_octets;
	put16(wire + at, question->type);
	put16(wire + at + 2, question->class_);
	at += 4;
	if (question->edns_octets == 0)
		return at;
	wire[11] = 1;
	put_opt(wire + at, question->edns_octets, question->dnssec_ok);
	return at + WIRE_OPT;
}

static bool is_letter(uint8_t c)
{
	uint8_t lower = c | 0x20;
	return lower >= 'a' && lower <= 'z';
}

void wire_mix_case(uint8_t *wire, size_t name_octets, const uint8_t *bits)
{
	// Length octets are at most 63 and so never look like letters.
	uint8_t *name = wire + WIRE_HEADER;
	for (size_t i = 0; i < name_octets; i++)
		if (is_letter(name[i])) {
			bool upper = bits[i / 8] >> (i % 8) & 1;
			name[i] = upper ? name[i] & (uint8_t)~0x20 : name[i] | 0x20;
		}
}

size_t wire_drop_edns(uint8_t *wire, size_t octets)
{
	wire[11] = 0;
	return octets - WIRE_OPT;
}

size_t wire_question_octets(const uint8_t *message, size_t octets)
{
	if (octets < WIRE_HEADER || get16(message + 4) != 1)
		return 0;
	size_t name = wire_name_octets(message + WIRE_HEADER, octets - WIRE_HEADER);
	return name > 0 && octets - WIRE_HEADER - name >= 4 ? name + 4 : 0;
}

static uint8_t lower_case(uint8_t c)
{
	return is_letter(c) ? c | 0x20 : c;
}

static bool equal_but_case(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower_case(a[i]) != lower_case(b[i]))
			return false;
	return true;
}

enum wire_match wire_compare(const uint8_t *query, size_t question_octets, const uint8_t *response,
        size_t response_octets)
{
	const uint8_t response_bit = 0x80, opcode_bits = 0x78;
	if (response_octets < WIRE_HEADER)
		return WIRE_SHORT;
	if (!(response[2] & response_bit) || ((response[2] ^ query[2]) & opcode_bits))
		return WIRE_OTHER;
	if (get16(response + 4) == 0)
		return WIRE_NO_QUESTION;
	if (question_octets == 0)
		return WIRE_MATCH;
	if (get16(response + 4) != 1 || response_octets - WIRE_HEADER < question_octets)
		return WIRE_OTHER;
	const uint8_t *asked = query + WIRE_HEADER, *got = response + WIRE_HEADER;
	if (memcmp(asked, got, question_octets) == 0)
		return WIRE_MATCH;
	size_t name = question_octets - 4;
	if (equal_but_case(asked, got, name) && memcmp(asked + name, got + name, 4) == 0)
		return WIRE_OTHER_CASE;
	return WIRE_OTHER;
}

// The end of a name that may end in a pointer; 0 where it is none. Pointers go backwards only, and
// where they lead to is the parser's business.
static size_t skip_name(const uint8_t *message, size_t octets, size_t at)
{
	size_t start = at;
	while (at < octets && at - start < WIRE_NAME_MAX) {
		uint8_t n = message[at];
		if (n == 0)
			return at + 1;
		if (n >= 0xc0) {
			bool whole = octets - at >= 2 && (get16(message + at) & 0x3fff) < start;
			return whole ? at + 2 : 0;
		}
		if (n > 63)
			return 0;
		at += 1u + n;
	}
	return 0;
}

// The end of a record, 0 where it is none.
static size_t skip_record(const uint8_t *message, size_t octets, size_t at, bool *is_opt)
{
	size_t start = at;
	at = skip_name(message, octets, at);
	if (at == 0 || octets - at < 10)
		return 0;
	size_t data = get16(message + at + 8);
	*is_opt = at == start + 1 && get16(message + at) == 41;
	at += 10;
	return octets - at < data ? 0 : at + data;
}

bool wire_inspect(const uint8_t *message, size_t octets, struct wire_facts *facts)
{
	if (octets < WIRE_HEADER)
		return false;
	*facts = (struct wire_facts){
	        .rcode = message[3] & 0x0f, .truncated = (message[2] & 0x02) != 0};
	size_t at = WIRE_HEADER;
	for (unsigned n = get16(message + 4); n > 0; n--) {
		at = skip_name(message, octets, at);
		if (at == 0 || octets - at < 4)
			return facts->truncated;
		at += 4;
	}
	unsigned records = get16(message + 6) + get16(message + 8) + get16(message + 10);
	for (; records > 0; records--) {
		bool is_opt = false;
		at = skip_record(message, octets, at, &is_opt);
		if (at == 0)
			return facts->truncated;
		facts->has_opt |= is_opt;
	}
	return true;
}
