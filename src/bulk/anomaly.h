// What is wrong with a zone, by what its change shows after a turn. PURE.
//
//     struct bulk_anomaly a;
//     bulk_anomaly_find(view, now_ms, &a, err);
//     if (a.key[0] != '\0' && strcmp(a.key, before) != 0) …      // something else than before
//
// In this order: what some reader can meet now does not validate, or cannot be reached; no address
// of the parent answers; a deadline has passed, and the procedure would go another way; an attempt
// failed, or nobody knows how it ended; the delegation to come would not pass the technical checks;
// another deadline has passed; the change is stuck. What preflight misses is not among them: it is
// given some time.
//
// Only a change that has begun is looked at: before, too little is known.
#pragma once

#include "bulk/state.h"
#include "change/engine.h"

struct bulk_anomaly {
	char key[BULK_KEY];   // "": all is well; equal for what is the same thing still
	char text[BULK_TEXT]; // for people
};

// RESULT_MEMORY.
enum result bulk_anomaly_find(const struct change_view *view, int64_t now_ms,
        struct bulk_anomaly *anomaly, struct error *err);

// The key of a deadline that has passed.
void bulk_anomaly_deadline(const char *step, char key[BULK_KEY]);
