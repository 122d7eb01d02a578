#include "dns/p256.h"

#include "dns/p256_field.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define WINDOW_BITS 12
#define WINDOWS     ((256 + WINDOW_BITS - 1) / WINDOW_BITS)
#define MULTIPLES   (1 << (WINDOW_BITS - 1)) // digits go from -MULTIPLES to MULTIPLES
#define LANES       512                      // signatures side by side

static_assert(WINDOWS * WINDOW_BITS > 256, "the last window takes the carry");

// Affine coordinates, residues modulo p. The point at infinity is never one of these.
struct point {
	struct p256_int x, y;
};

struct table {
	struct point multiple[WINDOWS][MULTIPLES]; // [w][m]: (m + 1) * 2^(w * WINDOW_BITS) * point
};

struct p256_key {
	struct table table;
};

// Additions side by side: many sums, one inversion.
struct batch {
	size_t count;
	struct {
		struct point *sum;
		const struct point *term;
		bool negative; // take the term's negative
	} lane[LANES];
	struct p256_int slope_below[LANES], product[LANES];
};

static const struct p256_int curve_b = {{UINT64_C(0xd89cdf6229c4bddf), UINT64_C(0xacf005cd78843090),
        UINT64_C(0xe5a220abf7212ed6), UINT64_C(0xdc30061d04874834)}};
static const struct p256_int generator_x = {{UINT64_C(0xf4a13945d898c296),
        UINT64_C(0x77037d812deb33a0), UINT64_C(0xf8bce6e563a440f2), UINT64_C(0x6b17d1f2e12c4247)}};
static const struct p256_int generator_y = {{UINT64_C(0xcbb6406837bf51f5),
        UINT64_C(0x2bce33576b315ece), UINT64_C(0x8ee7eb4a7c0f9e16), UINT64_C(0x4fe342e2fe1a7f9b)}};
// p - n: a coordinate below it may come back from the modulo n of a signature in two ways.
static const struct p256_int prime_less_order = {
        {UINT64_C(0x0c46353d039cdaae), UINT64_C(0x4319055358e8617b), 0, 0}};

static const struct p256_int zero = {{0}};

// The sum is where slope * (x1 - x3) - y1 leads, for whichever slope: chord or tangent.
static void follow_slope(struct point *sum, const struct p256_int *slope, const struct p256_int *x2)
{
	struct p256_int x3, y3;
	p256_multiply(&x3, slope, slope);
	p256_subtract(&x3, &x3, &sum->x);
	p256_subtract(&x3, &x3, x2);
	p256_subtract(&y3, &sum->x, &x3);
	p256_multiply(&y3, &y3, slope);
	p256_subtract(&sum->y, &y3, &sum->y);
	sum->x = x3;
}

static void double_point(struct point *point)
{
	struct p256_int slope, below, square;
	p256_multiply(&square, &point->x, &point->x); // 3 * (x^2 - 1), for the curve's a is -3
	p256_subtract(&square, &square, &p256_prime_one);
	p256_subtract(&slope, &zero, &square);
	p256_subtract(&slope, &square, &slope);
	p256_subtract(&square, &zero, &square);
	p256_subtract(&slope, &slope, &square);
	p256_subtract(&below, &zero, &point->y);
	p256_subtract(&below, &point->y, &below);
	p256_invert(&below, &below);
	p256_multiply(&slope, &slope, &below);
	struct p256_int x2 = point->x;
	follow_slope(point, &slope, &x2);
}

// Makes all additions that wait in the batch, and empties it.
static void batch_add(struct batch *batch)
{
	if (batch->count == 0)
		return;
	for (size_t i = 1; i < batch->count; i++)
		p256_multiply(&batch->product[i], &batch->product[i - 1], &batch->slope_below[i]);
	struct p256_int inverse;
	p256_invert(&inverse, &batch->product[batch->count - 1]);
	for (size_t i = batch->count; i-- > 0;) {
		struct p256_int below_inverse = inverse, slope;
		if (i > 0) {
			p256_multiply(&below_inverse, &inverse, &batch->product[i - 1]);
			p256_multiply(&inverse, &inverse, &batch->slope_below[i]);
		}
		struct point *sum = batch->lane[i].sum;
		const struct point *term = batch->lane[i].term;
		struct p256_int y = term->y;
		if (batch->lane[i].negative)
			p256_subtract(&y, &zero, &y);
		p256_subtract(&slope, &y, &sum->y);
		p256_multiply(&slope, &slope, &below_inverse);
		follow_slope(sum, &slope, &term->x);
	}
	batch->count = 0;
}

// False where the two points have one x: then there is no chord.
static bool batch_put(
        struct batch *batch, struct point *sum, const struct point *term, bool negative)
{
	size_t i = batch->count;
	p256_subtract(&batch->slope_below[i], &term->x, &sum->x);
	if (p256_int_is_zero(&batch->slope_below[i]))
		return false;
	if (i == 0)
		batch->product[0] = batch->slope_below[0];
	batch->lane[i].sum = sum;
	batch->lane[i].term = term;
	batch->lane[i].negative = negative;
	batch->count++;
	return true;
}

// All multiples of each window's first one, which is there: from the first k, the next k.
static void fill_window(struct point *multiple, struct batch *batch)
{
	for (size_t known = 1; known < MULTIPLES; known *= 2) {
		struct point last = multiple[known - 1];
		for (size_t i = 0; i < known - 1; i++) {
			multiple[known + i] = multiple[i];
			// j * B and k * B with j < k < n have different x coordinates.
			batch_put(batch, &multiple[known + i], &multiple[known - 1], false);
			if (batch->count == LANES)
				batch_add(batch);
		}
		batch_add(batch);
		double_point(&last);
		multiple[2 * known - 1] = last;
	}
}

static bool table_fill(struct table *table, const struct point *point)
{
	struct batch *batch = malloc(sizeof *batch);
	if (batch == NULL)
		return false;
	batch->count = 0;
	table->multiple[0][0] = *point;
	for (size_t w = 0; w < WINDOWS; w++) {
		fill_window(table->multiple[w], batch);
		if (w + 1 < WINDOWS) {
			table->multiple[w + 1][0] = table->multiple[w][MULTIPLES - 1];
			double_point(&table->multiple[w + 1][0]);
		}
	}
	free(batch);
	return true;
}

static bool point_on_curve(const struct point *point)
{
	struct p256_int left, right, x3;
	p256_multiply(&left, &point->y, &point->y);
	p256_multiply(&right, &point->x, &point->x);
	p256_multiply(&right, &right, &point->x);
	p256_subtract(&right, &right, &point->x);
	p256_subtract(&right, &right, &point->x);
	p256_subtract(&right, &right, &point->x);
	p256_subtract(&x3, &left, &right);
	return p256_int_equal(&x3, &curve_b);
}

static struct table *generator;
static pthread_once_t generator_once = PTHREAD_ONCE_INIT;

static void generator_fill(void)
{
	struct point point;
	p256_enter(&point.x, &generator_x);
	p256_enter(&point.y, &generator_y);
	struct table *table = malloc(sizeof *table);
	if (table != NULL && table_fill(table, &point))
		generator = table;
	else
		free(table);
}

struct p256_key *p256_key_new(const uint8_t public_key[P256_KEY_OCTETS])
{
	struct point point = {p256_int_read(public_key), p256_int_read(public_key + P256_OCTETS)};
	if (!p256_int_less(&point.x, &p256_prime) || !p256_int_less(&point.y, &p256_prime))
		return NULL;
	p256_enter(&point.x, &point.x);
	p256_enter(&point.y, &point.y);
	if (!point_on_curve(&point))
		return NULL;
	pthread_once(&generator_once, generator_fill);
	struct p256_key *key = malloc(sizeof *key);
	if (key == NULL || generator == NULL || !table_fill(&key->table, &point)) {
		free(key);
		return NULL;
	}
	return key;
}

void p256_key_free(struct p256_key *key)
{
	free(key);
}

// One signature on its way: u1 * G + u2 * Q, in digits of WINDOW_BITS with sign.
struct lane {
	struct p256_int r, s; // numbers; s becomes its inverse, a residue modulo n
	int16_t digit[2][WINDOWS];
	struct point sum;
	bool started;
	enum p256_verdict verdict; // P256_VALID as long as nothing speaks against it
};

static void split_digits(int16_t *digit, const struct p256_int *scalar)
{
	unsigned carry = 0;
	for (unsigned w = 0; w < WINDOWS; w++) {
		unsigned bit = w * WINDOW_BITS;
		uint64_t value = scalar->limb[bit / 64] >> bit % 64;
		if (bit % 64 + WINDOW_BITS > 64 && bit / 64 < 3)
			value |= scalar->limb[bit / 64 + 1] << (64 - bit % 64);
		int d = (int)(value & (2 * MULTIPLES - 1)) + (int)carry;
		carry = d > MULTIPLES;
		digit[w] = (int16_t)(d - (carry ? 2 * MULTIPLES : 0));
	}
}

static bool in_range(const struct p256_int *a)
{
	return !p256_int_is_zero(a) && p256_int_less(a, &p256_order);
}

// SEC 1, version 2.0, section 4.1.4, step 1: r and s between 1 and n - 1.
static void lane_begin(struct lane *lane, const struct p256_check *check)
{
	lane->r = p256_int_read(check->signature);
	lane->s = p256_int_read(check->signature + P256_OCTETS);
	lane->started = false;
	lane->verdict = in_range(&lane->r) && in_range(&lane->s) ? P256_VALID : P256_INVALID;
	if (lane->verdict == P256_INVALID)
		lane->s = (struct p256_int){{1, 0, 0, 0}}; // something that has an inverse
	p256_order_enter(&lane->s, &lane->s);
}

// Every s becomes 1 / s, with one inversion.
static void invert_all(struct lane *lanes, size_t count)
{
	struct p256_int product[LANES], inverse;
	product[0] = lanes[0].s;
	for (size_t i = 1; i < count; i++)
		p256_order_multiply(&product[i], &product[i - 1], &lanes[i].s);
	p256_order_invert(&inverse, &product[count - 1]);
	for (size_t i = count; i-- > 1;) {
		struct p256_int s = lanes[i].s;
		p256_order_multiply(&lanes[i].s, &inverse, &product[i - 1]);
		p256_order_multiply(&inverse, &inverse, &s);
	}
	lanes[0].s = inverse;
}

// Steps 3 and 4: u1 = digest / s, u2 = r / s modulo n.
static void lane_split(struct lane *lane, const struct p256_check *check)
{
	struct p256_int digest = p256_int_read(check->digest), u;
	if (!p256_int_less(&digest, &p256_order))
		p256_int_subtract(&digest, &digest, &p256_order);
	p256_order_multiply(&u, &digest, &lane->s); // a number times a residue is a number
	split_digits(lane->digit[0], &u);
	p256_order_multiply(&u, &lane->r, &lane->s);
	split_digits(lane->digit[1], &u);
}

static void lane_put(
        struct lane *lane, struct batch *batch, const struct point *multiple, int digit)
{
	if (digit == 0 || lane->verdict != P256_VALID)
		return;
	const struct point *term = &multiple[abs(digit) - 1];
	if (!lane->started) {
		lane->sum = *term;
		if (digit < 0)
			p256_subtract(&lane->sum.y, &zero, &lane->sum.y);
		lane->started = true;
	} else if (!batch_put(batch, &lane->sum, term, digit < 0)) {
		lane->verdict = P256_UNDECIDED;
	}
}

// Steps 6 to 8: the sum's x, modulo n, has to be r.
static enum p256_verdict lane_end(const struct lane *lane)
{
	if (lane->verdict != P256_VALID)
		return lane->verdict;
	if (!lane->started)
		return P256_INVALID; // the point at infinity
	struct p256_int x, other;
	p256_leave(&x, &lane->sum.x);
	if (p256_int_equal(&x, &lane->r))
		return P256_VALID;
	p256_int_add(&other, &lane->r, &p256_order);
	return p256_int_less(&lane->r, &prime_less_order) && p256_int_equal(&x, &other)
	               ? P256_VALID
	               : P256_INVALID;
}

static void check_lanes(const struct table *tables[2], const struct p256_check *checks,
        size_t count, struct lane *lanes, struct batch *batch)
{
	for (size_t i = 0; i < count; i++)
		lane_begin(&lanes[i], &checks[i]);
	invert_all(lanes, count);
	for (size_t i = 0; i < count; i++)
		lane_split(&lanes[i], &checks[i]);
	for (size_t w = 0; w < WINDOWS; w++) {
		for (size_t t = 0; t < 2; t++) {
			for (size_t i = 0; i < count; i++)
				lane_put(&lanes[i], batch, tables[t]->multiple[w],
				        lanes[i].digit[t][w]);
			batch_add(batch);
		}
	}
}

bool p256_check_many(const struct p256_key *key, const struct p256_check *checks, size_t count,
        enum p256_verdict *verdicts)
{
	struct work {
		struct lane lanes[LANES];
		struct batch batch;
	} *work = malloc(sizeof *work);
	if (work == NULL) {
		for (size_t i = 0; i < count; i++)
			verdicts[i] = P256_UNDECIDED;
		return false;
	}
	work->batch.count = 0;
	const struct table *tables[2] = {generator, &key->table};
	for (size_t from = 0; from < count; from += LANES) {
		size_t n = count - from < LANES ? count - from : LANES;
		check_lanes(tables, checks + from, n, work->lanes, &work->batch);
		for (size_t i = 0; i < n; i++)
			verdicts[from + i] = lane_end(&work->lanes[i]);
	}
	free(work);
	return true;
}
