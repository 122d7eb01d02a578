// Signing keys of simulated zones: P-256 keys and signatures that are real, and the same for the
// same seed, so that a scenario repeats octet for octet.
//
//     struct simkey *k = simkey_new(zone.wire, DNS_KEY_ZONE | DNS_KEY_SEP, "losing ksk");
//     simkey_text(k, arena);                                  // "257 3 13 …", as in a zone file
//     simkey_sign(k, data, length, signature);
//     simkey_free(k);
//
// Failures end the program: there is nothing that a test could do about them.
#pragma once

#include "dns/key.h"

enum { SIMKEY_SIGNATURE = 64 };

struct simkey;

// The private key is made from the label.
struct simkey *simkey_new(const uint8_t *owner, uint16_t flags, const char *label);
void simkey_free(struct simkey *key);
struct dns_key *simkey_dns(const struct simkey *key); // the key's own; no new reference
void simkey_sign(const struct simkey *key, const uint8_t *data, size_t octets,
        uint8_t signature[SIMKEY_SIGNATURE]);
