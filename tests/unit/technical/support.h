// Facts made by hand for the checks: a signed zone with two name servers of two addresses each, all
// of which answer as they should. A test spoils one thing, and looks what the checks say.
//
//     struct world *w = world_new();
//     expect(w, "reachable", TECHNICAL_PASS, "4 addresses");
//     w->server[1].address[0].answer[TECHNICAL_SOA_TCP].status = QUERY_TIMED_OUT;
//     expect(w, "reachable", TECHNICAL_FAIL, "ns2.other.test. at 192.0.2.2: no answer over TCP");
//     world_free(w);
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "simzone.h"
#include "technical/technical.h"

enum {
	SERVERS = 2,
	ADDRESSES = 2,
	WORLD_KSK = 0,
	WORLD_ZSK = 1,
	WORLD_STANDBY = 2,
	WORLD_KEYS = 3
};

struct world {
	struct arena *arena;
	struct simkey *key[WORLD_KEYS];
	struct simzone *zone;
	struct simversion *version;
	struct technical_facts facts;
	struct technical_rules rules;
	struct technical_server server[SERVERS], present[1];
	struct technical_address address[SERVERS][ADDRESSES], present_address;
};

struct world *world_new(void);
void world_free(struct world *w);

// What an address of a server answers from now on: every question, or one.
void world_answer(
        struct world *w, struct technical_address *address, const struct simversion *version);
void world_answer_one(struct world *w, struct technical_address *address,
        enum technical_question question, const struct simversion *version);
// The answer as it came, to be changed.
struct dns_message *world_message(
        struct world *w, int server, int address, enum technical_question question);
// Adds a record without a signature to a section.
void world_add(
        struct world *w, struct dns_message *message, enum dns_section section, const char *record);
// A copy of the version with this SOA serial number.
struct simversion *world_serial(struct world *w, uint32_t serial);
// The DS set that is judged: one record of a key.
void world_ds(struct world *w, int key, uint8_t digest_type);
const struct prefix_table *world_table(struct world *w, const char *text);
struct address world_address(const char *text);

struct technical_result world_judge(struct world *w, const char *check, const char *waiver);
// Fails unless the check comes out so, with this text in its sentence.
void expect(struct world *w, const char *check, enum technical_verdict verdict, const char *text);
