// The fast path for ECDSA P-256 against OpenSSL: every verdict has to be the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dns/p256_field.h"
#include "tests/unit/dns/p256_reference.h"

#define RANDOM_CHECKS 1100 // more than two rows of lanes

static struct reference ref;

static int start(void **state)
{
	(void)state;
	ref = reference_new();
	return 0;
}

static int end(void **state)
{
	(void)state;
	reference_free(&ref);
	return 0;
}

// The same numbers in each run.
static uint64_t next_random(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void fill(uint8_t *octets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(next_random() >> 32);
}

// Between 1 and n - 1.
static BIGNUM *random_scalar(void)
{
	uint8_t octets[32];
	fill(octets, sizeof octets);
	BIGNUM *number = BN_bin2bn(octets, sizeof octets, NULL), *most = BN_dup(ref.order);
	BN_sub_word(most, 1);
	BN_mod(number, number, most, ref.ctx);
	BN_add_word(number, 1);
	BN_free(most);
	return number;
}

// A number: base + add.
static BIGNUM *near(const BIGNUM *base, long add)
{
	BIGNUM *number = BN_dup(base);
	if (add < 0)
		BN_sub_word(number, (BN_ULONG)-add);
	else
		BN_add_word(number, (BN_ULONG)add);
	return number;
}

// All checks by both; undecided is an answer only where it may be. Returns how many are valid.
static size_t compare(const uint8_t public_key[64], const struct p256_check *checks, size_t count,
        bool may_be_undecided)
{
	struct p256_key *key = p256_key_new(public_key);
	EVP_PKEY *openssl = reference_key(public_key);
	enum p256_verdict *verdicts = malloc((count + 1) * sizeof *verdicts);
	size_t valid = 0;
	assert_non_null(key);
	assert_non_null(openssl);
	assert_true(p256_check_many(key, checks, count, verdicts));
	for (size_t i = 0; i < count; i++) {
		bool good = reference_verdict(openssl, &checks[i]);
		valid += good ? 1 : 0;
		if (verdicts[i] == P256_UNDECIDED)
			assert_true(may_be_undecided);
		else
			assert_int_equal(verdicts[i], good ? P256_VALID : P256_INVALID);
	}
	free(verdicts);
	EVP_PKEY_free(openssl);
	p256_key_free(key);
	return valid;
}

static void test_random(void **state)
{
	(void)state;
	struct p256_check *checks = calloc(RANDOM_CHECKS, sizeof *checks);
	for (int round = 0; round < 2; round++) {
		BIGNUM *secret = random_scalar();
		uint8_t public_key[64];
		public_of(&ref, secret, public_key);
		for (size_t i = 0; i < RANDOM_CHECKS; i++) {
			BIGNUM *nonce = random_scalar();
			fill(checks[i].digest, sizeof checks[i].digest);
			reference_sign(&ref, secret, nonce, &checks[i]);
			BN_free(nonce);
			if (i % 4 == 1)
				checks[i].signature[next_random() % 64] ^=
				        (uint8_t)(1 << next_random() % 8);
			if (i % 4 == 2)
				checks[i].digest[next_random() % 32] ^=
				        (uint8_t)(1 << next_random() % 8);
		}
		assert_int_equal(
		        compare(public_key, checks, RANDOM_CHECKS, false), RANDOM_CHECKS / 2);
		// Any number of lanes, none included.
		compare(public_key, checks, 0, false);
		assert_int_equal(compare(public_key, checks, 1, false), 1);
		assert_int_equal(compare(public_key, checks, 511, false), 255);
		assert_int_equal(compare(public_key, checks, 513, false), 257);
		BN_free(secret);
	}
	free(checks);
}

// Numbers at which implementations have failed: around 0, the order, the prime, and the end.
#define CORNERS 14
static void corner_numbers(BIGNUM *corner[CORNERS])
{
	BIGNUM *none = BN_new(), *whole = BN_new(), *half = BN_dup(ref.order);
	BN_zero(none);
	BN_set_bit(whole, 256);
	BN_rshift1(half, half);
	const struct {
		const BIGNUM *base;
		long add;
	} list[CORNERS] = {{none, 0}, {none, 1}, {none, 2}, {none, 3}, {half, 0}, {half, 1},
	        {ref.order, -2}, {ref.order, -1}, {ref.order, 0}, {ref.order, 1}, {ref.prime, -1},
	        {ref.prime, 0}, {whole, -2}, {whole, -1}};
	for (size_t i = 0; i < CORNERS; i++)
		corner[i] = near(list[i].base, list[i].add);
	BN_free(none);
	BN_free(whole);
	BN_free(half);
}

static void free_numbers(BIGNUM *corner[CORNERS])
{
	for (size_t i = 0; i < CORNERS; i++)
		BN_free(corner[i]);
}

// G, -G, 2G, -2G: with these the two tables are one, and points meet themselves.
#define SMALL_KEYS 4
static BIGNUM *small_secret(size_t i)
{
	BIGNUM *one = BN_new(), *secret;
	BN_one(one);
	secret = i % 2 == 0 ? near(one, (long)i / 2) : near(ref.order, -1 - (long)i / 2);
	BN_free(one);
	return secret;
}

static void compare_corners(const uint8_t public_key[64], BIGNUM *corner[CORNERS], bool small)
{
	struct p256_check *checks = calloc(CORNERS * CORNERS * 4, sizeof *checks);
	const size_t digests[] = {0, 1, 8, 13};
	size_t count = 0;
	for (size_t r = 0; r < CORNERS; r++) {
		for (size_t s = 0; s < CORNERS; s++) {
			for (size_t d = 0; d < 4; d++) {
				struct p256_check *check = &checks[count++];
				put_number(check->digest, corner[digests[d]]);
				put_number(check->signature, corner[r]);
				put_number(check->signature + 32, corner[s]);
			}
		}
	}
	compare(public_key, checks, count, small);
	free(checks);
}

static void test_corner_signatures(void **state)
{
	(void)state;
	BIGNUM *corner[CORNERS];
	corner_numbers(corner);
	for (size_t i = 0; i <= SMALL_KEYS; i++) {
		BIGNUM *secret = i < SMALL_KEYS ? small_secret(i) : random_scalar();
		uint8_t public_key[64];
		public_of(&ref, secret, public_key);
		compare_corners(public_key, corner, i < SMALL_KEYS);
		BN_free(secret);
	}
	free_numbers(corner);
}

// Signatures that are right, over digests and with nonces from the corners: u1 = 0, small and large
// u1 and u2, s near the order.
static void test_right_signatures_at_corners(void **state)
{
	(void)state;
	BIGNUM *corner[CORNERS];
	corner_numbers(corner);
	for (size_t i = 0; i <= SMALL_KEYS; i++) {
		BIGNUM *secret = i < SMALL_KEYS ? small_secret(i) : random_scalar();
		uint8_t public_key[64];
		public_of(&ref, secret, public_key);
		struct p256_check checks[CORNERS * 8];
		size_t count = 0, valid = 0;
		for (size_t d = 0; d < CORNERS; d++) {
			for (size_t k = 1; k < 8; k++) { // below the order, not 0
				put_number(checks[count].digest, corner[d]);
				reference_sign(&ref, secret, corner[k], &checks[count++]);
			}
		}
		valid = compare(public_key, checks, count, i < SMALL_KEYS);
		// With a small secret, s is 0 now and then.
		assert_true(i < SMALL_KEYS ? valid > count / 2 : valid == count);
		BN_free(secret);
	}
	free_numbers(corner);
}

// The public key for which (r, s) is right over the digest, where the nonce's point is R:
// (s * R - digest * G) / r.
static void recover(const BIGNUM *r, const BIGNUM *s, const BIGNUM *digest, const EC_POINT *nonce,
        uint8_t public_key[64])
{
	BIGNUM *inverse = BN_mod_inverse(NULL, r, ref.order, ref.ctx), *u = BN_new(), *v = BN_new();
	EC_POINT *q = EC_POINT_new(ref.group);
	BN_mod_mul(v, s, inverse, ref.order, ref.ctx);
	BN_mod_mul(u, digest, inverse, ref.order, ref.ctx);
	BN_sub(u, ref.order, u);
	EC_POINT_mul(ref.group, q, u, nonce, v, ref.ctx);
	put_point(&ref, public_key, q);
	EC_POINT_free(q);
	BN_free(inverse);
	BN_free(u);
	BN_free(v);
}

// The sum's x may lie between n and p: then r is x - n.
static void test_x_above_the_order(void **state)
{
	(void)state;
	EC_POINT *point = EC_POINT_new(ref.group);
	size_t found = 0;
	for (long add = 1; found < 6; add++) {
		// Half of them with x = r < p - n itself, which is right, too.
		BIGNUM *r = BN_new(), *x = NULL;
		BN_set_word(r, (BN_ULONG)add);
		x = found % 2 == 0 ? near(ref.order, add) : BN_dup(r);
		if (EC_POINT_set_compressed_coordinates(ref.group, point, x, 1, ref.ctx) == 1) {
			BIGNUM *s = random_scalar(), *digest = random_scalar();
			uint8_t public_key[64];
			struct p256_check checks[3];
			recover(r, s, digest, point, public_key);
			put_number(checks[0].digest, digest);
			put_number(checks[0].signature, r);
			put_number(checks[0].signature + 32, s);
			checks[1] = checks[2] = checks[0];
			put_number(checks[1].signature, x); // not reduced: n + r is out of range
			checks[2].signature[31] ^= 0x40;
			assert_int_equal(
			        compare(public_key, checks, 3, false), found % 2 == 0 ? 1 : 2);
			found++;
			BN_free(s);
			BN_free(digest);
		}
		BN_free(r);
		BN_free(x);
	}
	EC_POINT_free(point);
}

// r at the other end: p - n and beyond must not be taken for a second x.
static void test_r_at_the_edge_of_the_second_x(void **state)
{
	(void)state;
	BIGNUM *edge = BN_new(), *secret = random_scalar();
	uint8_t public_key[64];
	struct p256_check checks[5] = {0};
	BN_sub(edge, ref.prime, ref.order);
	public_of(&ref, secret, public_key);
	for (int i = 0; i < 5; i++) {
		BIGNUM *r = near(edge, i - 2);
		fill(checks[i].digest, 32);
		put_number(checks[i].signature, r);
		fill(checks[i].signature + 32, 31);
		BN_free(r);
	}
	assert_int_equal(compare(public_key, checks, 5, false), 0);
	BN_free(edge);
	BN_free(secret);
}

// digest = -r * secret: the sum is the point at infinity, which no r fits.
static void test_sum_at_infinity(void **state)
{
	(void)state;
	BIGNUM *secret = random_scalar(), *r = random_scalar(), *s = random_scalar(),
	       *digest = BN_new();
	uint8_t public_key[64];
	struct p256_check check;
	public_of(&ref, secret, public_key);
	BN_mod_mul(digest, r, secret, ref.order, ref.ctx);
	BN_sub(digest, ref.order, digest);
	put_number(check.digest, digest);
	put_number(check.signature, r);
	put_number(check.signature + 32, s);
	assert_int_equal(compare(public_key, &check, 1, true), 0);
	BN_free(secret);
	BN_free(r);
	BN_free(s);
	BN_free(digest);
}

static void refuse(const uint8_t public_key[64])
{
	assert_null(reference_key(public_key));
	assert_null(p256_key_new(public_key));
}

static void test_keys_that_are_none(void **state)
{
	(void)state;
	BIGNUM *secret = random_scalar(), *x = BN_new(), *y = BN_new();
	EC_POINT *point = EC_POINT_new(ref.group);
	uint8_t good[64], key[64];
	public_of(&ref, secret, good);
	for (size_t bit = 0; bit < 512; bit += 37) { // off the curve
		memcpy(key, good, 64);
		key[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refuse(key);
	}
	memset(key, 0, 64); // what some use for the point at infinity
	refuse(key);
	memset(key, 0xff, 64);
	refuse(key);
	memcpy(key, good, 32);
	memset(key + 32, 0, 32);
	refuse(key);
	// x + p and y + p for a point whose x and y are on the curve, where they fit into 32
	// octets.
	for (BN_ULONG small = 0; small < 8; small++) {
		BN_set_word(x, small);
		if (EC_POINT_set_compressed_coordinates(ref.group, point, x, 0, ref.ctx) != 1)
			continue;
		put_point(&ref, key, point);
		struct p256_key *made = p256_key_new(key);
		assert_non_null(made);
		p256_key_free(made);
		BN_add(x, x, ref.prime);
		put_number(key, x);
		refuse(key);
	}
	EC_POINT_free(point);
	BN_free(secret);
	BN_free(x);
	BN_free(y);
}

// Limbs of all ones and zeros are where carries get lost.
static struct p256_int hard_number(const struct p256_int *modulus)
{
	static const uint64_t limbs[] = {0, 1, 2, UINT64_MAX, UINT64_MAX - 1, 0xffffffff,
	        0xffffffff00000000, 0xffffffff00000001, 0xffffffff00000000, UINT64_C(1) << 63};
	struct p256_int a;
	do {
		for (size_t i = 0; i < 4; i++)
			a.limb[i] = next_random() % 4 == 0
			                    ? next_random()
			                    : limbs[next_random() % (sizeof limbs / sizeof *limbs)];
	} while (!p256_int_less(&a, modulus));
	return a;
}

static BIGNUM *as_number(const struct p256_int *a)
{
	BIGNUM *number = BN_new();
	for (int i = 3; i >= 0; i--) {
		BN_lshift(number, number, 64);
		BN_add_word(number, a->limb[i]);
	}
	return number;
}

static void assert_number(const struct p256_int *a, const BIGNUM *expected)
{
	BIGNUM *number = as_number(a);
	assert_int_equal(BN_cmp(number, expected), 0);
	BN_free(number);
}

// a * b / 2^256.
static void expect_product(const struct p256_int *a, const struct p256_int *b,
        const BIGNUM *modulus, const struct p256_int *found)
{
	BIGNUM *x = as_number(a), *y = as_number(b), *shift = BN_new();
	BN_set_bit(shift, 256);
	BN_mod_inverse(shift, shift, modulus, ref.ctx);
	BN_mod_mul(x, x, y, modulus, ref.ctx);
	BN_mod_mul(x, x, shift, modulus, ref.ctx);
	assert_number(found, x);
	BN_free(x);
	BN_free(y);
	BN_free(shift);
}

static void test_arithmetic(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4000; i++) {
		struct p256_int a = hard_number(&p256_prime), b = hard_number(&p256_prime), c;
		p256_multiply(&c, &a, &b);
		expect_product(&a, &b, ref.prime, &c);
		p256_subtract(&c, &a, &b);
		BIGNUM *x = as_number(&a), *y = as_number(&b);
		BN_mod_sub(x, x, y, ref.prime, ref.ctx);
		assert_number(&c, x);
		BN_free(x);
		BN_free(y);
		a = hard_number(&p256_order);
		b = hard_number(&p256_order);
		p256_order_multiply(&c, &a, &b);
		expect_product(&a, &b, ref.order, &c);
		c = a;
		p256_order_multiply(&c, &c, &c); // in place
		expect_product(&a, &a, ref.order, &c);
	}
}

static void test_inverses(void **state)
{
	(void)state;
	for (size_t i = 0; i < 50; i++) {
		struct p256_int a = hard_number(&p256_prime), inverse, product;
		if (p256_int_is_zero(&a))
			continue;
		p256_invert(&inverse, &a);
		p256_multiply(&product, &a, &inverse);
		assert_true(p256_int_equal(&product, &p256_prime_one));
		p256_enter(&inverse, &a);
		p256_leave(&inverse, &inverse);
		assert_true(p256_int_equal(&inverse, &a));
		a = hard_number(&p256_order);
		if (p256_int_is_zero(&a))
			continue;
		const struct p256_int plain_one = {{1, 0, 0, 0}};
		p256_order_invert(&inverse, &a);
		p256_order_multiply(&product, &a, &inverse);
		p256_order_multiply(&product, &product, &plain_one);
		assert_true(p256_int_equal(&product, &plain_one));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_arithmetic),
	        cmocka_unit_test(test_inverses),
	        cmocka_unit_test(test_random),
	        cmocka_unit_test(test_corner_signatures),
	        cmocka_unit_test(test_right_signatures_at_corners),
	        cmocka_unit_test(test_x_above_the_order),
	        cmocka_unit_test(test_r_at_the_edge_of_the_second_x),
	        cmocka_unit_test(test_sum_at_infinity),
	        cmocka_unit_test(test_keys_that_are_none),
	};
	return cmocka_run_group_tests(tests, start, end);
}
