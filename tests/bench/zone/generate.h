// Test zones of any size, really signed: a top-level domain with N delegations.
//
//     struct zone_generate g = {.origin = "example", .delegations = 200000, .signed_percent = 33,
//             .nsec3 = true, .seed = 1, .now_s = time(NULL)};
//     zone_generate(&g, stdout);
//
// Names, keys and dates depend on the options only; the octets of signatures do not (ECDSA draws a
// number for each). Registered data does not depend on how the zone is signed, and a further
// delegation leaves the others as they are. One delegation in a hundred lies below the empty
// non-terminal "co"; every eighth has its name servers below itself, with glue. Signatures are
// valid from a day before now_s and for 20 to 30 days behind it.
//
// One key signing key and one zone signing key, P-256 (algorithm 13).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct zone_generate {
	const char *origin; // without the final dot, lower-case letters, digits, hyphens and dots
	uint32_t delegations, signed_percent;
	bool nsec3;                       // otherwise NSEC
	bool opt_out;                     // NSEC3 only: unsigned delegations have no NSEC3 record
	unsigned iterations, salt_octets; // of NSEC3; usually 0
	uint64_t seed;
	int64_t now_s;
	uint32_t serial;
};

// False where writing or signing fails. *signatures (may be NULL): how many were made.
bool zone_generate(const struct zone_generate *options, FILE *out, uint64_t *signatures);
