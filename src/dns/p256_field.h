// Private to src/dns: integers modulo the two primes of the curve P-256, as Montgomery residues.
//
// p is the prime of the coordinates, n the order of the group (FIPS 186-4, D.1.2.3). A residue is
// four 64-bit limbs, least significant first, always below its modulus. Nothing here takes the same
// time for all values: it is for public data, signatures and public keys, only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct p256_int {
	uint64_t limb[4];
};

#define P256_OCTETS 32

__extension__ typedef unsigned __int128 p256_wide;

extern const struct p256_int p256_prime, p256_order;
extern const struct p256_int p256_prime_one; // 1 as a residue modulo p

static inline bool p256_int_is_zero(const struct p256_int *a)
{
	return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

static inline bool p256_int_equal(const struct p256_int *a, const struct p256_int *b)
{
	return ((a->limb[0] ^ b->limb[0]) | (a->limb[1] ^ b->limb[1]) | (a->limb[2] ^ b->limb[2]) |
	               (a->limb[3] ^ b->limb[3])) == 0;
}

static inline bool p256_int_less(const struct p256_int *a, const struct p256_int *b)
{
	for (int i = 3; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i];
	return false;
}

// Big-endian octets to a number; no reduction.
struct p256_int p256_int_read(const uint8_t octets[P256_OCTETS]);

// out = a + b; the carry out of 256 bits.
static inline uint64_t p256_int_add(
        struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	p256_wide sum = 0;
	for (int i = 0; i < 4; i++) {
		sum += (p256_wide)a->limb[i] + b->limb[i];
		out->limb[i] = (uint64_t)sum;
		sum >>= 64;
	}
	return (uint64_t)sum;
}

// out = a - b; 1 if it went below zero.
static inline uint64_t p256_int_subtract(
        struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t borrow = 0;
	for (int i = 0; i < 4; i++) {
		p256_wide difference = (p256_wide)a->limb[i] - b->limb[i] - borrow;
		out->limb[i] = (uint64_t)difference;
		borrow = (uint64_t)(difference >> 64) & 1;
	}
	return borrow;
}

// out = a - b modulo p.
void p256_subtract(struct p256_int *out, const struct p256_int *a, const struct p256_int *b);

// out = a * b / 2^256 modulo p: the product of two residues.
void p256_multiply(struct p256_int *out, const struct p256_int *a, const struct p256_int *b);

// To and from residues modulo p.
void p256_enter(struct p256_int *out, const struct p256_int *a);
void p256_leave(struct p256_int *out, const struct p256_int *a);

// out = 1 / a modulo p; zero for zero.
void p256_invert(struct p256_int *out, const struct p256_int *a);

// The same modulo n.
void p256_order_multiply(struct p256_int *out, const struct p256_int *a, const struct p256_int *b);
void p256_order_enter(struct p256_int *out, const struct p256_int *a);
void p256_order_invert(struct p256_int *out, const struct p256_int *a);
