// What the plan of a change foretells for a lab, to be compared with what the validators see.
//
//     int64_t insecure_ms;
//     if (foretell_insecure(lab, &insecure_ms, &err) == RESULT_OK) …   // after rehearse()
//
// The change is the one that was rehearsed last; its procedure is planned for the TTLs of the lab.
// A change takes the declared lag, and two looks, until it is known to be everywhere, and the next
// one begins a look later.
//
// Memory: nothing is kept. Errors: those of the definition and of the planner; RESULT_NOT_FOUND
// where no change was rehearsed.
#pragma once

#include "lab.h"

// How long resolvers may see the zone as insecure, at worst, in ms; 0: never.
enum result foretell_insecure(const struct lab *lab, int64_t *insecure_ms, struct error *err);
