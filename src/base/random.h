// Randomness, one interface: the kernel's for real use, a seeded sequence for simulations and
// tests.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
	void (*fill)(void *ctx, void *data, size_t octets);
	void *ctx;
};

// getrandom(2); never fails.
struct random random_system(void);

struct random_seeded {
	uint64_t state;
};
// Repeats exactly for the same seed (splitmix64); not for secrets. seeded must outlive the result.
struct random random_from_seed(struct random_seeded *seeded, uint64_t seed);

uint64_t random_u64(const struct random *random);
// Uniform in [0, below); below > 0.
uint64_t random_below(const struct random *random, uint64_t below);
