// Observation: asks every address of the parent and of every group of name servers what it serves,
// checks the signatures, and turns the answers into rounds (round.h), which a view (view.h) turns
// into a safety history.
//
//     observe_subject_new("example.test", NULL, &subject, err); …           // subject.h
//     observer_new(loop, engine, &random, subject, NULL, &observer, err);
//     observer_round(observer, seen, ctx, err);
//     …
//     static void seen(void *ctx, struct observe_round *round)
//     {
//             observe_round_to_json(round, &json, &err);                    // for the journal
//             observe_view_feed(ctx->view, round, &err);
//             observe_round_free(round);
//     }
//
// A round asks all questions at the same time and ends when all are answered or given up, or at its
// deadline: what is not answered by then counts as not answered. Questions: of every address of the
// parent the DS set, the delegation and the parent's keys; of every address of every group SOA, NS,
// the addresses of name servers inside the zone, DNSKEY, CDS, CDNSKEY, and samples of the data,
// those of the subject and two that do not exist (for NSEC or NSEC3).
//
// What is believed: DS sets, or the proof that there is none, when signed by a key of the parent's
// DNSKEY set, to which one of the subject's anchors has to lead where there are any. DNSKEY sets
// and data count with those signatures that verify with a key of the zone seen at any address of
// any group in this round or before; a signature that cannot be verified counts as none.
//
// Memory: an observer owns what it allocates; loop, engine and subject outlive it. A round belongs
// to whoever got it. Errors are about our own side (RESULT_MEMORY, RESULT_LIMIT, RESULT_CONFLICT
// while a round is running); what servers do wrong is in the round.
#pragma once

#include "net/loop.h"
#include "net/query.h"
#include "observe/round.h"
#include "observe/subject.h"
#include "observe/view.h"

struct observer;

// Zero means the default.
struct observe_options {
	int64_t deadline_ms; // of a round, default 10 s
	int64_t timeout_ms;  // of the first try of a question, default 1 s
	unsigned tries;      // default 3
};

// options may be NULL. *random is copied.
enum result observer_new(struct loop *loop, struct query_engine *engine,
        const struct random *random, const struct observe_subject *subject,
        const struct observe_options *options, struct observer **observer, struct error *err);
void observer_free(struct observer *observer); // ends a running round without a callback

typedef void observe_round_done(void *ctx, struct observe_round *round);
// done is called once, from the loop; it owns the round.
enum result observer_round(
        struct observer *observer, observe_round_done *done, void *ctx, struct error *err);
bool observer_is_running(const struct observer *observer);
// Forgets the running round; done is not called.
void observer_cancel(struct observer *observer);
