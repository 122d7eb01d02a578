// Private to src/safety/: the faults of a history, to be found again.
#pragma once

#include "safety/internal.h"

enum { KNOWN_ON_STACK = 48 };

// A fault under its finding: what is broken, and with which editions, whenever that is.
struct entry {
	uint64_t finding;
	unsigned fault;
};

// The faults of the history as it is, in the order in which they were found, and sorted by finding.
struct known {
	struct safety_fault on_stack[KNOWN_ON_STACK];
	struct entry sorted_on_stack[KNOWN_ON_STACK];
	struct safety_fault *faults;
	struct entry *sorted;
	unsigned count, capacity;
	bool out_of_memory;
};

// Finds the faults that end after now_ms. k is filled in whether or not that succeeds, and has to
// be freed. RESULT_MEMORY, or what faults_find() returns.
enum result known_find(struct known *k, const struct safety_history *h,
        const struct safety_readers *r, int64_t now_ms);
void known_free(struct known *k);

// Two faults are the same finding where they break the same rule, for the same path, with the same
// editions; a signature is a matter of its edition alone.
uint64_t finding_of(const struct safety_fault *f);

// The place in `sorted` of the first fault of this finding, or of where it would be.
unsigned known_search(const struct known *k, uint64_t finding);

bool is_signature_rule(enum safety_rule rule);

// The edition whose signature a fault of a signature rule is about.
int16_t signature_of(const struct safety_fault *f);
