// Private to src/dns: public keys and digests on OpenSSL.
//
// A struct dns_public is a decoded public key together with the contexts that verification needs,
// so that checking a signature costs the public-key operation and one hash. It must not be used by
// two threads at the same time.
#pragma once

#include "dns/key.h"

struct dns_public;

// public_key: the octets behind the DNSKEY's algorithm field (RFC 3110, 6605, 8080). NULL where the
// algorithm is not supported or the octets are no such key (or memory is gone).
struct dns_public *dns_public_decode(uint8_t algorithm, const uint8_t *public_key, size_t n);
void dns_public_free(struct dns_public *public);
bool dns_public_verify(struct dns_public *public, const uint8_t *data, size_t data_length,
        const uint8_t *signature, size_t signature_length);

// The digest of two pieces of data, one behind the other; its length, or 0 for an unsupported type.
// digest has DNS_DS_DIGEST_MAX octets of room.
size_t dns_digest_compute(uint8_t digest_type, const uint8_t *head, size_t head_length,
        const uint8_t *tail, size_t tail_length, uint8_t *digest);

// The key's public key, decoded at the first call; NULL where it cannot be decoded.
struct dns_public *dns_key_public(struct dns_key *key);
