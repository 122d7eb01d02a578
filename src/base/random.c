#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void system_fill(void *ctx, void *data, size_t octets)
{
	(void)ctx;
	unsigned char *p = data;
	while (octets > 0) {
		ssize_t n = getrandom(p, octets, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort(); // no kernel without randomness is worth running on
		}
		p += n;
		octets -= (size_t)n;
	}
}

struct random random_system(void)
{
	return (struct random){.fill = system_fill};
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void seeded_fill(void *ctx, void *data, size_t octets)
{
	struct random_seeded *seeded = ctx;
	unsigned char *p = data;
	while (octets > 0) {
		uint64_t word = splitmix64(&seeded->state);
		size_t n = octets < sizeof word ? octets : sizeof word;
		memcpy(p, &word, n);
		p += n;
		octets -= n;
	}
}

struct random random_from_seed(struct random_seeded *seeded, uint64_t seed)
{
	seeded->state = seed;
	return (struct random){.fill = seeded_fill, .ctx = seeded};
}

uint64_t random_u64(const struct random *random)
{
	uint64_t word;
	random->fill(random->ctx, &word, sizeof word);
	return word;
}

uint64_t random_below(const struct random *random, uint64_t below)
{
	assert(below > 0);
	uint64_t limit = UINT64_MAX - UINT64_MAX % below;
	uint64_t word;
	do
		word = random_u64(random);
	while (word >= limit);
	return word % below;
}
