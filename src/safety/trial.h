// Private to src/safety/: an effect tried at one instant, and what of the outcome is its own.
//
// The effect is tried at an instant x: its editions are published into a copy of the history, and
// the faults of the copy from x on are compared with those of the history without it. A fault is
// the effect's own, and blocks it, unless
//   - the same rule is broken already at x without the effect, and would be for as long (a new
//     edition stands for the one that it replaces, but an NS set for no other groups than its own),
//     so that a change which mends something is never refused for what it mends; or
//   - it concerns only editions that the effect does not touch, and is there without the effect; or
//   - it is the signature of a current edition running out in future: its owner is expected to sign
//     again. Such an instant ends the window, because nothing beyond it has been observed; or
//   - it is an old edition whose copies outlive its signature, while its publisher's signatures
//     have run out already, or will have though the effect comes at once: being late with new
//     signatures is no reason to be later. Whoever is in time has a window that ends before.
// What is served now and whose signature runs out between now and x is judged as if its owner had
// signed again: without that, nobody would trust what it covers, and so nothing that contradicts it
// would be a fault any more.
#pragma once

#include "safety/known.h"

enum { EDITIONS_ON_STACK = 48 };

// The history in which the owners of the first `count` signatures to run out after now have signed
// again, and its faults.
struct renewal {
	struct safety_history history;
	struct known known;
	unsigned count;
};

struct trial {
	// The history without the effect and its faults: as given, and as it is tried with.
	const struct safety_history *given, *before;
	const struct known *known_given, *known;
	struct renewal *renewal; // NULL: none, it is tried with what is given
	const struct safety_readers *readers;
	struct safety_history after;
	struct safety_edition on_stack[EDITIONS_ON_STACK];
	uint64_t touched[2]; // one bit for each publisher and kind
	int64_t now_ms, x;
	// Publishers whose old signatures run out under the copies even if the effect comes now;
	// found when that is tried.
	uint64_t late[SAFETY_PATHS];
	struct safety_fault late_fault;
	// findings
	bool blocked, insecure, ends, excused;
	int64_t longest_ms;
	struct safety_fault first, end, excuse;
};

// Prepares t for trials of effects upon this history, whose faults are `known`; both have to
// outlive it.
void trial_init(struct trial *t, const struct safety_history *history,
        const struct safety_readers *readers, const struct known *known, int64_t now_ms);

// Makes room for the editions of this effect; trial_free() after success. RESULT_LIMIT,
// RESULT_MEMORY.
enum result trial_prepare(struct trial *t, const struct safety_effect *effect);
void trial_free(struct trial *t);

// Fills in the findings for the effect at x. RESULT_MEMORY, or what safety_publish_all() returns.
enum result trial_at(struct trial *t, const struct safety_effect *effect, int64_t x);

// The same, with a history in which all that runs out between now and x is signed again.
enum result trial_at_renewed(struct trial *t, const struct safety_effect *effect, int64_t x);

// Does the effect replace editions of this one's publisher and kind?
bool trial_touches_slot(const struct trial *t, const struct safety_edition *e);

// Is it served still, and its signature valid now, but not at `by`?
bool edition_runs_out(const struct safety_edition *e, int64_t now_ms, int64_t by_ms);

// Is the fault that a signature of an edition of this history has run out?
bool has_run_out(const struct safety_history *h, const struct safety_fault *f);
