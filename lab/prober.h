// The prober: asks every validator of a lab all the time, and counts every answer.
//
//     struct prober_options options = prober_options_default();   // 80 questions/s in total
//     options.log_path = "answers.tsv";
//     struct prober *prober;
//     if (prober_start(lab, &options, &prober, &err) != RESULT_OK) ...
//     ... prober_counts(prober)->resolver[0].outcome[PROBE_SERVFAIL] ...    // live
//     struct prober_counts counts;
//     prober_stop(prober, &counts, &err);       // asks no more, waits for what is under way
//
// It is a plain stub: UDP, recursion desired, AD set (which asks for the AD bit in the answer, RFC
// 6840 section 5.7), checking not disabled, no EDNS. Every question has a socket of its own, hence
// a random port, connected to the resolver, and a random ID; what does not match is ignored. Fresh
// names are asked once of each validator, so that no answer comes from a cache of answers; every
// fourth question is for one of a few names that are asked again and again. IPv4 and IPv6 take
// turns.
//
// It runs as a process of its own in the lab's network namespace and ends with its parent. Counts
// are in memory shared with it. A question whose answer does not come in time counts as a timeout;
// a later answer does not matter, for a stub would have given up.
//
// The log has one line for each question, in the order in which they ended, fields separated by
// tabs: ended_ms asked_ms resolver kind name type outcome rcode, times in ms since the Unix epoch.
//
// Memory: a prober belongs to the caller until prober_stop. Errors: RESULT_SYSTEM, RESULT_NOT_FOUND
// for a lab that does not run.
#pragma once

#include "lab.h"

#include "base/buffer.h"

#include <stdatomic.h>
#include <stdint.h>

#define PROBER_RATE_MAX 500 // questions per second

enum probe_outcome {
	PROBE_SECURE,   // NOERROR, AD, the expected data
	PROBE_INSECURE, // the expected data without AD
	PROBE_SERVFAIL,
	PROBE_TIMEOUT,
	PROBE_OTHER, // other data, other code, refused, unreadable
	PROBE_OUTCOMES,
};

enum probe_kind { PROBE_FRESH, PROBE_REPEATED, PROBE_KINDS };

struct prober_options {
	unsigned rate;        // questions per second, all validators together
	int64_t timeout_ms;   // for an answer
	unsigned first_name;  // the first fresh name, from 1; 0: a random one
	const char *log_path; // NULL: no log
};

// What is known about one validator. Instants are those at which the outcome was known, in ms since
// the Unix epoch; 0: never.
struct prober_tally {
	_Atomic uint64_t asked;
	_Atomic uint64_t kind[PROBE_KINDS];     // ended, whatever the outcome
	_Atomic uint64_t answered[PROBE_KINDS]; // ended other than by timeout
	_Atomic uint64_t outcome[PROBE_OUTCOMES];
	_Atomic int64_t first_ms[PROBE_OUTCOMES], last_ms[PROBE_OUTCOMES];
	_Atomic int64_t last_asked_ms;
};

struct prober_counts {
	_Atomic int64_t started_ms, stopped_ms; // stopped_ms is 0 while it runs
	_Atomic bool names_used_up;             // only repeated names are asked by now
	struct prober_tally resolver[LAB_RESOLVERS];
};

struct prober;

struct prober_options prober_options_default(void);

enum result prober_start(const struct lab *lab, const struct prober_options *options,
        struct prober **prober, struct error *err);
// Live counts; valid until prober_stop.
const struct prober_counts *prober_counts(const struct prober *prober);
// Ends the prober and frees it; *counts (may be NULL) has the final numbers. RESULT_SYSTEM where
// the prober did not end well (killed, log not writable): then the numbers are incomplete.
enum result prober_stop(struct prober *prober, struct prober_counts *counts, struct error *err);

uint64_t prober_failures(const struct prober_tally *tally); // all but PROBE_SECURE
// Sums over all validators, instants included.
void prober_sum(const struct prober_counts *counts, struct prober_tally *sum);

// "secure", "insecure", "servfail", "timeout", "other".
const char *probe_outcome_word(enum probe_outcome outcome);

// A table for people, or one JSON object.
void prober_print(
        const struct lab_info *info, const struct prober_counts *counts, struct buffer *out);
void prober_json(
        const struct lab_info *info, const struct prober_counts *counts, struct buffer *out);
