// Many ECDSA P-256 signatures of one key, checked together.
//
// A zone's signatures are nearly all made by one key, and a large zone has hundreds of thousands of
// them. For such a key the multiples of its public point are worth a table; then a check is some
// forty additions of table points, and no doubling. The additions of many signatures are made side
// by side, in affine coordinates, with one inversion for all of them (P. L. Montgomery, 1987), so
// that each costs six multiplications.
//
//     struct p256_key *key = p256_key_new(public_key);           // DNSKEY, RFC 6605 section 4
//     struct p256_check checks[] = {{digest, signature}, ...};
//     enum p256_verdict verdicts[...];
//     p256_check_many(key, checks, count, verdicts);
//     p256_key_free(key);
//
// The few inputs for which the side-by-side addition has no answer (a point meets itself or its
// negative, which happens by chance in no lifetime) come back as P256_UNDECIDED: the caller asks
// OpenSSL, which is also what tests compare with. Time depends on the data: for public data only.
//
// Threads: a key may be used by many threads at once; each call has memory of its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define P256_KEY_OCTETS       64 // x and y, big-endian
#define P256_DIGEST_OCTETS    32 // SHA-256
#define P256_SIGNATURE_OCTETS 64 // r and s, big-endian

struct p256_key;

// NULL where the octets are no point of the curve, or memory is gone. Takes some milliseconds and
// 3 MB: worth it from some hundred signatures on.
struct p256_key *p256_key_new(const uint8_t public_key[P256_KEY_OCTETS]);
void p256_key_free(struct p256_key *key);

struct p256_check {
	uint8_t digest[P256_DIGEST_OCTETS];
	uint8_t signature[P256_SIGNATURE_OCTETS];
};

enum p256_verdict {
	P256_INVALID,
	P256_VALID,
	P256_UNDECIDED, // ask a plain implementation
};

// Writes count verdicts. False, and all undecided, where memory is gone.
bool p256_check_many(const struct p256_key *key, const struct p256_check *checks, size_t count,
        enum p256_verdict *verdicts);
