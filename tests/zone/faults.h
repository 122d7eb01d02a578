// Signed zones, some good and most of them damaged in one way each, with what Baton, dnssec-verify,
// kzonecheck and ldns-verify-zone say about them.
#pragma once

#include "tests/zone/make.h"

#define NSEC    MADE_NSEC
#define NSEC3   MADE_NSEC3
#define OPT_OUT MADE_OPT_OUT
#define HASHED  (MADE_NSEC3 | MADE_OPT_OUT)
#define ALL     (MADE_NSEC | MADE_NSEC3 | MADE_OPT_OUT)

struct fault {
	const char *name;
	unsigned kinds; // the zones that it is tried on
	// The steps at which it happens: to the data and keys, to denial of existence, to what is
	// signed. A `keys` step publishes keys in place of the ordinary two.
	void (*keys)(struct made *zone);
	void (*data)(struct made *zone);
	void (*chain)(struct made *zone);
	void (*sign)(struct made *zone);
	const char *says; // in Baton's findings, "OWNER TYPE: …"; NULL for zones that are good
	// 'g' good, 'b' bad, 'u' no usable zone; one letter, or one for each kind in order.
	const char *baton, *bind, *knot;
	const char *ldns;  // ldns-verify-zone -Z, which knows ZONEMD; NULL: is not asked
	const char *why;   // where they differ
	uint8_t algorithm; // 0: 13
	uint16_t iterations;
	bool single_key; // dnssec-verify needs to be told (-z)
};

extern const struct fault faults[];
extern const size_t fault_count;

// The zone of one kind with this fault.
struct made *fault_zone(const struct fault *fault, enum made_kind kind, int64_t now_s);
