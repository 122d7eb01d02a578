// A second implementation of the safety model, for tests only: slow, simple, and independent of
// src/safety, so that two authors have to make the same mistake before a test misses it.
//
// It reads a timeline file, lays a grid over time, and walks along the grid from long before 0s to
// `until`. At every grid point it updates, for each edition, the latest instant until which some
// reader can hold it, and then tries every combination of what can be held or fetched right there.
// No clever bounds, no search backwards, no events.
//
//     struct naive_timeline *tl = naive_read(text, length, NAIVE_FINE, &err);
//     struct naive_answer answer;
//     naive_judge(tl, &answer);
//     puts(naive_word_text(answer.path[NAIVE_DIRECT].word));
//     naive_free(tl);
//
// Why a grid is exact
//
// Let the unit be the greatest common divisor of every instant and duration in the file. A fault
// is a finite set of instants (when each record was fetched, when it was validated, when it is
// used) that satisfies constraints of three forms: a <= f and f < b for an edition that can be
// fetched in [a, b) or a signature valid in it; f <= g for "g uses what f fetched"; g < f + TTL for
// "before it ends". All constants are multiples of the unit. Such a system of differences has a
// solution in continuous time unless its graph has a simple cycle whose constants sum to less than
// 0, or to 0 with a strict constraint on it. On a grid of unit/n a strict x < y + c is x <= y + c -
// unit/n, so a cycle with s strict constraints needs a sum of at least s * unit/n. Sums are
// multiples of the unit: a positive one is at least one unit, so for n >= s both say the same. A
// simple cycle passes each instant once, so s is at most the number of instants in the fault. Not
// counting sticky name server sets that is eleven at most: use; fetch of DS, of an empty DS, of
// DNSKEY and of data, the validation, and for DNSKEY and for data each a fetch of a parent and of a
// child NS set that lead there; and time zero. NAIVE_FINE is 16. (Every solution on the grid is one
// in continuous time, so the grid never invents a fault.) A sticky reader may need more hops, but
// a hop uses up its whole TTL only where it bridges a gap between two NS or serving editions, of
// which the generated timelines have few; the tests repeat such timelines on a grid three times
// finer. The earliest instant of a fault is a multiple of the unit and on the grid, for the same
// reason, so tests may compare it, too.
//
// For each edition only the latest fetch is remembered: of two fetches of one edition before an
// instant t the later one is held longer, and nothing else distinguishes them.
//
// Decisions where the description of the model leaves room. In doubt the more pessimistic:
//
//  1. Only instants 0 <= t <= until are judged. What is broken before 0s counts only as far as its
//     records can still be held or fetched at 0s or later.
//  2. A TTL floor raises every lifetime (DS, proof of no DS, NS, DNSKEY, data) to at least the
//     floor, once: a validator behind a cache takes the remaining TTL that the cache gives it.
//     Signature expiry ends trust all the same.
//  3. The best digest type of a DS set is SHA-384 (4), or else SHA-256 (2), or else the others, all
//  of
//     them; SHA-1 (1) only where there is nothing else.
//  4. An empty DS edition counts as insecure if any edition before it was not empty, even where
//     another empty one lies between.
//  5. A direct reader judges a DNSKEY set that it fetched while an empty DS set could be held again
//     at the moment when it fetches a DS set, and only then: not by a DS set that it fetched before
//     (it would have validated at once), and not once more when the DNSKEY set's signature ends
//     while both are still held. A validator behind a forwarder judges them at every moment at
//     which both can be held, so that the worse of the two verdicts does not depend on this.
//  6. Until then the unvalidated DNSKEY set stays for its whole TTL, whatever its signature.
//  7. Behind a forwarder trust in a DNSKEY set starts when a DS set and the cached DNSKEY set meet,
//     and ends with the DNSKEY set's TTL counted from when the cache fetched it.
//  8. A DS set, or proof that there is none, out of date at the moment of use is bogus whether or
//     not anything else is cached; nothing is validated with it.
//  9. A DNSKEY set out of date is a fault only together with a non-empty DS set; data out of date
//     only together with a DNSKEY set that is trusted at that moment. (Where there is a DS set but
//     no trusted DNSKEY set there is another fault already.)
// 10. A DNSKEY set that does not chain is a fault although no data may be cached beside it.
// 11. What a group serves can be fetched while it may answer (serving: true is visible somewhere)
//     and while some reader can hold an NS set that names it. At least one group of an NS set must
//     surely answer, that is, serving: false is visible nowhere in it.
// 12. NS sets have no signatures: the parent's is unsigned, the child's is believed unvalidated.
// 13. `ds-none` follows `ds`, also when an event changes `ds`, until it is given itself.
// 14. The default of `until` counts the largest `ds` ever, not `ds-none`; each TTL in it is raised
// to
//     the TTL floor, since so long its records live.
// 15. Where both child- and parent-centric readers count, only child-centric ones are tried: they
//     hold every parent set too, so they meet everything that parent-centric ones meet.
// 16. Strict and lenient readers are tried apart: a DNSKEY set that a lenient reader trusts may be
//     one that a strict one never trusted.
// 17. Validation takes no time: a DNSKEY set fetched at t is trusted at t.
// 18. What was fetched at t can be used at t, even where its TTL is 0.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAIVE_FINE = 16, NAIVE_GROUPS = 8, NAIVE_KEYS = 32, NAIVE_EDITIONS = 64 };
enum { NAIVE_POINTS = 4000000 };

enum naive_word { NAIVE_SAFE, NAIVE_INSECURE, NAIVE_BOGUS, NAIVE_UNREACHABLE };
enum naive_path { NAIVE_DIRECT, NAIVE_FORWARDER, NAIVE_PATHS };
enum naive_kind { NAIVE_DS, NAIVE_NS, NAIVE_DNSKEY, NAIVE_DATA, NAIVE_SERVING, NAIVE_KINDS };
enum naive_follow { NAIVE_CHILD, NAIVE_PARENT, NAIVE_STICKY };

// All times and durations are grid points.
struct naive_edition {
	int publisher;            // 0 is the parent, 1 the first group
	int64_t first, end;       // can be fetched at t with first <= t < end
	int64_t valid, stale;     // its signatures: valid <= t < stale
	int64_t life;             // TTL, or the TTL floor where that is larger
	bool ds[NAIVE_KEYS];      // DS: the DS records
	bool group[NAIVE_GROUPS]; // NS: the groups, by publisher number
	bool key[NAIVE_KEYS];     // DNSKEY: keys in the set; data: keys that sign it
	bool signer[NAIVE_KEYS];  // DNSKEY: keys that sign the set
	bool serves;              // serving
	bool went_insecure;       // DS: empty, and one before was not
};

struct naive_list {
	int n;
	struct naive_edition e[NAIVE_EDITIONS];
};

struct naive_timeline {
	int publishers;
	char publisher[NAIVE_GROUPS][64];
	int keys;
	char key[NAIVE_KEYS][64]; // name/algorithm
	int algorithm[NAIVE_KEYS];
	int ds_records;
	int ds_key[NAIVE_KEYS], ds_digest[NAIVE_KEYS];
	struct naive_list of[NAIVE_KINDS];

	enum naive_follow follow;
	bool strict, lenient; // which of them count
	int64_t start, until; // the walk; judged from 0 to until
	int64_t unit_ms;
	int fine; // grid points to the unit

	bool has_expect[NAIVE_PATHS];
	enum naive_word expect[NAIVE_PATHS];
};

struct naive_answer {
	struct {
		enum naive_word word;
		int64_t at_ms; // the first instant of the worst word
		char why[300];
	} path[NAIVE_PATHS];
};

// Reads a timeline file. fine: grid points to the unit. NULL with a sentence in err; the caller
// frees the result.
struct naive_timeline *naive_read(const char *text, size_t length, int fine, struct error *err);
void naive_free(struct naive_timeline *timeline);

void naive_judge(const struct naive_timeline *timeline, struct naive_answer *answer);

const char *naive_word_text(enum naive_word word);
