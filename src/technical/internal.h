// Private to src/technical: what a check says while it judges, and what checks share.
#pragma once

#include "technical/technical.h"

struct technical_judge {
	const struct technical_facts *facts;
	const struct technical_rules *rules;
	struct arena *arena;
	bool is_skipped, no_memory;
	const char *text; // of a pass or a skip; the last one counts
	size_t count;
	struct technical_finding *findings;
};

// What is wrong. server and at may be NULL; expected is a sentence's part: "an answer over TCP".
void found(struct technical_judge *j, enum technical_verdict verdict,
        const struct technical_server *server, const struct address *at, const char *expected,
        const char *format, ...) __attribute__((format(printf, 6, 7)));
// What is said where nothing was found.
void all_well(struct technical_judge *j, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void skip(struct technical_judge *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

// A name or text in the arena, "" without memory.
const char *name_of(struct technical_judge *j, const uint8_t *name);
const char *text_of(struct technical_judge *j, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

// The set in the answer with which the server speaks for the zone; NULL where there is none.
const struct dns_rrset *own_set(
        const struct technical_facts *facts, const struct technical_answer *answer, uint16_t type);
// Of the SOA record that an address gave, over UDP or else TCP; false where it gave none.
bool serial_of(const struct technical_facts *facts, const struct technical_address *address,
        uint32_t *serial);
// Whether the zone is signed, as far as anybody says.
bool is_signed(const struct technical_facts *facts);
// "192.0.2.1, 2001:db8::1", or "none".
const char *addresses_text(struct technical_judge *j, const struct technical_addresses *list);
bool addresses_have(const struct technical_addresses *list, const struct address *address);

// For every address `a` of every server `s` of the delegation that is judged.
#define EACH_ADDRESS(facts)                                                                        \
	for (const struct technical_server *s = (facts)->server,                                   \
	                                   *s_end = s + (facts)->server_count;                     \
	        s < s_end; s++)                                                                    \
		for (const struct technical_address *a = s->address;                               \
		        a < s->address + s->address_count; a++)

// What a negative answer for A records of the name lacks to prove that there are none, NULL where
// nothing is missing.
const char *denial_lacks(
        const struct dns_message *message, const uint8_t *zone, const uint8_t *name);

// The checks.
void check_two_servers(struct technical_judge *j);
void check_hostnames(struct technical_judge *j);
void check_reachable(struct technical_judge *j);
void check_authoritative(struct technical_judge *j);
void check_diversity(struct technical_judge *j);
void check_glue(struct technical_judge *j);
void check_delegation(struct technical_judge *j);
void check_consistent(struct technical_judge *j);
void check_referral(struct technical_judge *j);
void check_prohibited(struct technical_judge *j);
void check_recursion(struct technical_judge *j);
void check_source(struct technical_judge *j);
void check_ds_acceptable(struct technical_judge *j);
void check_ds_matches(struct technical_judge *j);
void check_validates(struct technical_judge *j);
void check_denial(struct technical_judge *j);
void check_nsec3(struct technical_judge *j);
void check_head_room(struct technical_judge *j);
void check_continuity(struct technical_judge *j);
void check_cds(struct technical_judge *j);
