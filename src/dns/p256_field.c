#include "dns/p256_field.h"

const struct p256_int p256_prime = {{UINT64_C(0xffffffffffffffff), UINT64_C(0x00000000ffffffff),
        UINT64_C(0x0000000000000000), UINT64_C(0xffffffff00000001)}};
const struct p256_int p256_order = {{UINT64_C(0xf3b9cac2fc632551), UINT64_C(0xbce6faada7179e84),
        UINT64_C(0xffffffffffffffff), UINT64_C(0xffffffff00000000)}};

#define PRIME_1 UINT64_C(0x00000000ffffffff) // p's limbs
#define PRIME_3 UINT64_C(0xffffffff00000001)

// 2^256 and 2^512 modulo p and n.
const struct p256_int p256_prime_one = {{UINT64_C(0x0000000000000001), UINT64_C(0xffffffff00000000),
        UINT64_C(0xffffffffffffffff), UINT64_C(0x00000000fffffffe)}};
static const struct p256_int prime_square = {{UINT64_C(0x0000000000000003),
        UINT64_C(0xfffffffbffffffff), UINT64_C(0xfffffffffffffffe), UINT64_C(0x00000004fffffffd)}};
static const struct p256_int order_square = {{UINT64_C(0x83244c95be79eea2),
        UINT64_C(0x4699799c49bd6fa6), UINT64_C(0x2845b2392b6bec59), UINT64_C(0x66e12d94f3d95620)}};
static const uint64_t order_negative_inverse = UINT64_C(0xccd1c8aaee00bc4f); // -1/n modulo 2^64

static const struct p256_int one = {{1, 0, 0, 0}};

struct p256_int p256_int_read(const uint8_t octets[P256_OCTETS])
{
	struct p256_int a = {{0}};
	for (int i = 0; i < P256_OCTETS; i++)
		a.limb[3 - i / 8] = a.limb[3 - i / 8] << 8 | octets[i];
	return a;
}

#if defined(__x86_64__) && !defined(P256_PLAIN_C)

// The carry chains are spelled out, for compilers make comparisons and stores of them, at half the
// speed. What they do is what the plain C below does.

void p256_subtract(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t r0 = a->limb[0], r1 = a->limb[1], r2 = a->limb[2], r3 = a->limb[3], below;
	__asm__("subq %5, %0\n\t"
	        "sbbq %6, %1\n\t"
	        "sbbq %7, %2\n\t"
	        "sbbq %8, %3\n\t"
	        "sbbq %4, %4" // all ones if it went below zero: then p is added
	        : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3), "=&r"(below)
	        : "rm"(b->limb[0]), "rm"(b->limb[1]), "rm"(b->limb[2]), "rm"(b->limb[3])
	        : "cc");
	__asm__("addq %4, %0\n\t"
	        "adcq %5, %1\n\t"
	        "adcq $0, %2\n\t"
	        "adcq %6, %3"
	        : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3)
	        : "r"(below), "r"(below & PRIME_1), "r"(below & PRIME_3)
	        : "cc");
	*out = (struct p256_int){{r0, r1, r2, r3}};
}

// t += x * b + m * p, and one limb off the bottom, where m is what makes that limb zero: the limb
// itself, because p ends in 64 ones. m * p is m * 2^96 - m and m times p's highest limb.
static inline void multiply_round(uint64_t t[5], uint64_t x, const struct p256_int *b)
{
	p256_wide w = (p256_wide)x * b->limb[0] + t[0];
	const uint64_t m = (uint64_t)w;
	w = (p256_wide)x * b->limb[1] + t[1] + (uint64_t)(w >> 64);
	uint64_t t1 = (uint64_t)w;
	w = (p256_wide)x * b->limb[2] + t[2] + (uint64_t)(w >> 64);
	uint64_t t2 = (uint64_t)w;
	w = (p256_wide)x * b->limb[3] + t[3] + (uint64_t)(w >> 64);
	uint64_t t3 = (uint64_t)w, high = (uint64_t)(w >> 64), t4 = t[4], t5 = 0;
	w = (p256_wide)m * PRIME_3;
	__asm__("addq %6, %3\n\t"
	        "adcq $0, %4\n\t"
	        "addq %7, %0\n\t"
	        "adcq %8, %1\n\t"
	        "adcq %5, %2\n\t"
	        "adcq %9, %3\n\t"
	        "adcq $0, %4"
	        : "+&r"(t1), "+&r"(t2), "+&r"(t3), "+&r"(t4), "+&r"(t5)
	        : "r"((uint64_t)w), "r"(high), "r"(m << 32), "r"(m >> 32), "r"((uint64_t)(w >> 64))
	        : "cc");
	t[0] = t1;
	t[1] = t2;
	t[2] = t3;
	t[3] = t4;
	t[4] = t5;
}

void p256_multiply(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t t[5] = {0};
	multiply_round(t, a->limb[0], b);
	multiply_round(t, a->limb[1], b);
	multiply_round(t, a->limb[2], b);
	multiply_round(t, a->limb[3], b);
	uint64_t r0 = t[0], r1 = t[1], r2 = t[2], r3 = t[3];
	__asm__("subq $-1, %0\n\t"
	        "sbbq %5, %1\n\t"
	        "sbbq $0, %2\n\t"
	        "sbbq %6, %3\n\t"
	        "sbbq $0, %4\n\t"
	        "cmovcq %7, %0\n\t" // it was below p
	        "cmovcq %8, %1\n\t"
	        "cmovcq %9, %2\n\t"
	        "cmovcq %10, %3"
	        : "+&r"(r0), "+&r"(r1), "+&r"(r2), "+&r"(r3), "+&r"(t[4])
	        : "r"(PRIME_1), "r"(PRIME_3), "rm"(t[0]), "rm"(t[1]), "rm"(t[2]), "rm"(t[3])
	        : "cc");
	*out = (struct p256_int){{r0, r1, r2, r3}};
}

#else

void p256_subtract(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t mask = (uint64_t)0 - p256_int_subtract(out, a, b);
	struct p256_int add = {{mask, mask & PRIME_1, 0, mask & PRIME_3}};
	p256_int_add(out, out, &add);
}

// Each round takes one limb off the bottom; because p ends in 64 ones,
// that limb is the multiple of p to add, and only p's highest limb costs a multiplication.
void p256_multiply(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0;
	for (int i = 0; i < 4; i++) {
		const uint64_t x = a->limb[i];
		p256_wide w = (p256_wide)x * b->limb[0] + t0;
		uint64_t m = (uint64_t)w;
		w = (p256_wide)x * b->limb[1] + t1 + (uint64_t)(w >> 64);
		t1 = (uint64_t)w;
		w = (p256_wide)x * b->limb[2] + t2 + (uint64_t)(w >> 64);
		t2 = (uint64_t)w;
		w = (p256_wide)x * b->limb[3] + t3 + (uint64_t)(w >> 64);
		t3 = (uint64_t)w;
		w = (p256_wide)t4 + (uint64_t)(w >> 64);
		t4 = (uint64_t)w;
		uint64_t t5 = (uint64_t)(w >> 64);
		w = (p256_wide)t1 + (m << 32);
		t0 = (uint64_t)w;
		w = (p256_wide)t2 + (m >> 32) + (uint64_t)(w >> 64);
		t1 = (uint64_t)w;
		w = (p256_wide)m * PRIME_3 + t3 + (uint64_t)(w >> 64);
		t2 = (uint64_t)w;
		w = (p256_wide)t4 + (uint64_t)(w >> 64);
		t3 = (uint64_t)w;
		t4 = t5 + (uint64_t)(w >> 64);
	}
	struct p256_int whole = {{t0, t1, t2, t3}}, reduced;
	uint64_t borrow = p256_int_subtract(&reduced, &whole, &p256_prime);
	*out = t4 == 0 && borrow ? whole : reduced;
}

#endif

void p256_enter(struct p256_int *out, const struct p256_int *a)
{
	p256_multiply(out, a, &prime_square);
}

void p256_leave(struct p256_int *out, const struct p256_int *a)
{
	p256_multiply(out, a, &one);
}

void p256_order_multiply(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	uint64_t t[6] = {0};
	for (int i = 0; i < 4; i++) {
		p256_wide w = 0;
		for (int j = 0; j < 4; j++) {
			w = (p256_wide)a->limb[i] * b->limb[j] + t[j] + (uint64_t)(w >> 64);
			t[j] = (uint64_t)w;
		}
		w = (p256_wide)t[4] + (uint64_t)(w >> 64);
		t[4] = (uint64_t)w;
		t[5] = (uint64_t)(w >> 64);

		uint64_t m = t[0] * order_negative_inverse;
		w = (p256_wide)m * p256_order.limb[0] + t[0];
		for (int j = 1; j < 4; j++) {
			w = (p256_wide)m * p256_order.limb[j] + t[j] + (uint64_t)(w >> 64);
			t[j - 1] = (uint64_t)w;
		}
		w = (p256_wide)t[4] + (uint64_t)(w >> 64);
		t[3] = (uint64_t)w;
		t[4] = t[5] + (uint64_t)(w >> 64);
	}
	struct p256_int whole = {{t[0], t[1], t[2], t[3]}}, reduced;
	uint64_t borrow = p256_int_subtract(&reduced, &whole, &p256_order);
	*out = t[4] == 0 && borrow ? whole : reduced;
}

void p256_order_enter(struct p256_int *out, const struct p256_int *a)
{
	p256_order_multiply(out, a, &order_square);
}

typedef void multiply_fn(struct p256_int *, const struct p256_int *, const struct p256_int *);

static void multiply_prime(struct p256_int *out, const struct p256_int *a, const struct p256_int *b)
{
	p256_multiply(out, a, b);
}

// a^(modulus - 2), which is 1/a (Fermat). One inversion serves a whole batch, so that the plain
// ladder will do.
static void invert(struct p256_int *out, const struct p256_int *a, const struct p256_int *modulus,
        multiply_fn *multiply)
{
	struct p256_int power = *modulus, result = *a;
	power.limb[0] -= 2; // both moduli end in more than 2
	for (int bit = 254; bit >= 0; bit--) {
		multiply(&result, &result, &result);
		if (power.limb[bit / 64] >> bit % 64 & 1)
			multiply(&result, &result, a);
	}
	*out = result;
}

void p256_invert(struct p256_int *out, const struct p256_int *a)
{
	invert(out, a, &p256_prime, multiply_prime);
}

void p256_order_invert(struct p256_int *out, const struct p256_int *a)
{
	invert(out, a, &p256_order, p256_order_multiply);
}
