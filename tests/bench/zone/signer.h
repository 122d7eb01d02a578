// Keys and signatures for test zones: P-256 by OpenSSL, records in wire form by hand, so that what
// Baton reads and verifies was made by other code.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct signer;
// A key that depends on flags and seed only; NULL where it cannot be made.
struct signer *signer_new(const char *origin, uint16_t flags, uint64_t seed);
void signer_free(struct signer *signer);

#define SIGNER_DNSKEY 68 // octets of RDATA
// RDATA (SIGNER_DNSKEY octets of room; returned) and text of the DNSKEY record.
size_t signer_dnskey(const struct signer *signer, uint8_t *rdata, char *text, size_t room);

// A set while it is written: its records in wire form, in the order in which they were added, which
// has to be the canonical one.
struct signed_set {
	uint16_t type;
	uint32_t ttl_s, inception_s, expiration_s;
	uint8_t owner[256], labels;
	size_t owner_length, length;
	uint8_t octets[1500];
};
struct signed_set signed_set(const char *owner, uint16_t type, uint32_t ttl_s);
void signed_set_add(struct signed_set *set, const uint8_t *rdata, size_t n);
// The text of an RRSIG's RDATA. False where it does not work.
bool signer_sign(struct signer *signer, const struct signed_set *set, char *rrsig, size_t room);

// The wire form of a name given as text with its final dot; its length.
size_t wire_name(const char *text, uint8_t *octets);
void wire_u32(uint8_t *octets, uint32_t number);
// text has room for 8 characters for every 5 octets, and its end; n is a multiple of 5.
void base32hex(const uint8_t *octets, size_t n, char *text);
