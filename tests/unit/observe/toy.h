// A toy name server on the simulated network: one zone, signed on the fly with Ed25519, with the
// manners that a test wants.
//
//     struct toy parent = {.zone = "test.", …};
//     toy_key(&parent, 0, TOY_KSK); toy_key(&parent, 1, TOY_ZSK);
//     toy_add(&parent, "example.test. 300 NS ns1.a.test.");
//     toy_put(sim, "192.0.2.1", &parent);
//
// It answers authoritatively for names of its zone, with a referral below names that have NS
// records, and with an NSEC record for the very name that has not got the type.
#pragma once

#include "dns/key.h"
#include "dns/rdata.h"
#include "net/sim.h"

#include <openssl/evp.h>

enum { TOY_RECORDS = 320, TOY_SET = 300, TOY_KEYS = 8 };
enum toy_role { TOY_NO_KEY, TOY_KSK = 1, TOY_ZSK = 2, TOY_CSK = 3, TOY_IDLE = 4 };

struct toy {
	struct dns_name zone;
	struct arena *arena;
	size_t record_count;
	struct dns_record record[TOY_RECORDS];
	struct {
		enum toy_role role;
		EVP_PKEY *key;
		struct dns_key *dnskey;
	} keys[TOY_KEYS];
	uint32_t from_s, until_s; // of all signatures
	uint32_t dnskey_ttl_s;
	struct sim *sim;

	// Manners.
	uint8_t rcode;      // for everything; 0: none
	bool no_signatures; // the records only
	bool forge_dnskey;  // a key more than was signed
	bool no_proof;      // no NSEC records
	bool flip;          // one bit of each response, at random
	bool cut;           // a part of each response is missing, at random
	bool fickle;        // the last record is there every other time only
	bool lame;          // without AA
	unsigned mute;      // so many requests get no answer
	unsigned requests;
};

void toy_init(struct toy *toy, const char *zone, int64_t now_ms);
void toy_free(struct toy *toy);
// The key with this number is the same in all toys. Its DNSKEY record is in the zone.
void toy_key(struct toy *toy, unsigned number, enum toy_role role);
void toy_add(struct toy *toy, const char *record);
// The text of the DS record of a key of another toy, for toy_add.
void toy_add_ds(struct toy *parent, const struct toy *child, unsigned key);
void toy_remove(struct toy *toy, const char *owner, uint16_t type);
void toy_put(struct sim *sim, const char *address, struct toy *toy);
