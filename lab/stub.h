// One question, one answer, over UDP, for the lab's own checks.
//
//     struct stub_question q = {.address = "192.0.2.11", .name = "example.test.",
//             .type = KNOT_RRTYPE_DNSKEY, .dnssec = true};
//     knot_pkt_t *answer;
//     if (stub_ask(&q, 500, &answer, &err) == RESULT_OK) { ...; knot_pkt_free(answer); }
//
// Errors: RESULT_TIMEOUT; RESULT_NETWORK where nobody listens; RESULT_INPUT for an unusable name or
// address. An answer with a wrong ID or question is ignored. The answer belongs to the caller.
#pragma once

#include "base/error.h"

#include <libknot/libknot.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct stub_question {
	const char *address; // server
	const char *source;  // own address, NULL: the kernel's choice
	const char *name;
	uint16_t type;
	bool recurse;   // RD
	bool authentic; // AD: "tell me whether you validated" (RFC 6840 section 5.7)
	bool dnssec;    // EDNS with DO, 4096 octets
};

// Writes the question into wire (512 octets); returns its length, 0 where the name is unusable.
size_t stub_write(const struct stub_question *question, uint16_t id, uint8_t *wire);
// A UDP socket connected to port 53 of address; -1 with errno.
int stub_socket(const char *address, const char *source, int flags);
// Parses an answer to question; NULL where it is something else.
knot_pkt_t *stub_parse(
        const struct stub_question *question, uint16_t id, const uint8_t *wire, size_t length);

enum result stub_ask(const struct stub_question *question, int timeout_ms, knot_pkt_t **answer,
        struct error *err);

// The RRset of this owner and type in the answer section, NULL where there is none. name is text.
const knot_rrset_t *stub_answer(const knot_pkt_t *answer, const char *name, uint16_t type);
