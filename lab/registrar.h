// Registrations in a lab whose zone is a top-level domain: a program that adds, changes and removes
// delegations all the time, at whichever operator takes them, and writes down every one that was
// acknowledged.
//
//     struct registrar *r;
//     if (registrar_start(lab, 25, &r, &err) != RESULT_OK) …          // 25 a second
//     … a change …
//     struct registrar_counts counts;
//     registrar_stop(r, &counts, &err);              // finishes the one under way, asks no more
//
// Where they go is in <dir>/registrations.to: the name of a party, or `nobody`, and then they wait;
// what has waited is made up for. Each is one dynamic update, signed with the party's key; it is
// repeated, the same, until it is acknowledged by an answer with a good signature. While one is
// under way the program holds the lock <dir>/registrations.lock, so that whoever has written
// `nobody` and gets the lock knows that none is.
//
// <dir>/log/registrations has a line for each acknowledged one, written before the lock is given
// up, fields separated by tabs: when (ms since the Unix epoch), at whom, the name, and what it has
// from then on, as TYPE DATA; nothing where it was removed. Names are r000001 and so on, which the
// zone has none of at the start.
//
// It is a process of its own in the lab's network, ends with its parent, and counts in memory that
// is shared with it. Errors: RESULT_SYSTEM, RESULT_NOT_FOUND for a lab that does not run,
// RESULT_INPUT for a lab of another shape.
#pragma once

#include "lab.h"

#include <stdatomic.h>

#define REGISTRAR_RATE_MAX 200 // a second

struct registrar_counts {
	_Atomic int64_t started_ms, stopped_ms;
	_Atomic uint64_t acknowledged;
	_Atomic uint64_t repeated;      // attempts without acknowledgement
	_Atomic int64_t longest_gap_ms; // between two acknowledgements
};

struct registrar;

enum result registrar_start(
        const struct lab *lab, unsigned rate, struct registrar **registrar, struct error *err);
// Ends and frees it; counts may be NULL. RESULT_SYSTEM where it did not end well.
enum result registrar_stop(
        struct registrar *registrar, struct registrar_counts *counts, struct error *err);

// Acknowledged ones per second, in thousandths.
int64_t registrar_rate_milli(const struct registrar_counts *counts);
