// From rounds to a safety history. PURE: no clock, no I/O.
//
//     struct observe_view *view = observe_view_new(subject);
//     for (...)
//             if (observe_view_feed(view, round, err) != RESULT_OK) return err->code;
//     struct safety_history history;
//     struct observe_gaps gaps;
//     observe_view_history(view, now_ms, true, &history, &gaps, err);
//     if (!observe_gaps_block(&gaps, now_ms) &&
//             safety_is_safe_now(&history, &effect, &readers, now_ms, NULL)) act();
//     safety_history_free(&history);
//
// How editions come about. Every address is asked again and again. What it showed changed at some
// unknown instant between two answers, so what is new counts as visible from the *asking* of the
// last answer without it, less the publisher's declared lag, and what is old until the *arrival* of
// the first answer without it, plus the lag; an edition lasts from its first address to its last.
// An address that fails keeps showing what it showed last, for all we know. What is there at the
// first answer counts as there since ever, and a gap says until when the past before is unknown. An
// edition's TTL is part of it: with a lowered TTL it is another edition, and the old one is
// remembered for the TTL that it had.
//
// Signatures renewed without any other change would make an edition each time; instead an edition
// keeps the earlier expiry (which errs to the side of danger) by the rule of observe_round_fold()
// (round.h), which whoever looks again and again applies to the rounds first. Contents that come
// back (a server that answers differently each time) count as never having been away.
//
// Numbers: publisher n is subject->publishers[n]. Keys and DS records of a history are those of
// observe_view_key() in order, followed by one stand-in for each DS record whose key nobody knows;
// a DS record leads to a key only where its digest, recomputed, says so.
//
// Gaps: what is not known, each with one sentence, whether it blocks, and until when. Missing
// evidence never makes anything safe: who acts has to ask observe_gaps_block() as well as the
// safety model. Where a kind was never observed, the history has an edition in its place that
// validates nothing.
//
// Memory: a view owns its memory, some kilobytes; observe_view_history() makes a history that the
// caller frees, of at most a few dozen editions, pruned to what a cache can still hold. Errors:
// RESULT_INPUT for a round that does not fit the subject, RESULT_LIMIT, RESULT_MEMORY; the view is
// as before then.
#pragma once

#include "observe/round.h"

struct observe_view;

struct observe_view *observe_view_new(const struct observe_subject *subject); // NULL without memory
void observe_view_free(struct observe_view *view);                            // NULL is fine

// Rounds come in the order in which they were made, folded (observe_round_fold) or not.
enum result observe_view_feed(
        struct observe_view *view, const struct observe_round *round, struct error *err);
// The wall-clock end of the last round, TIME_EVER_MS before the first.
int64_t observe_view_last_ms(const struct observe_view *view);

enum { OBSERVE_MAX_GAPS = 64 };
struct observe_gaps {
	size_t count;
	size_t more; // that did not fit; they count as blocking
	struct observe_gap gap[OBSERVE_MAX_GAPS];
};
// Whether any gap stands in the way of acting at now_ms.
bool observe_gaps_block(const struct observe_gaps *gaps, int64_t now_ms);

// with_names: the history gets names for witnesses (some 2.5 KB). gaps may be NULL.
enum result observe_view_history(const struct observe_view *view, int64_t now_ms, bool with_names,
        struct safety_history *history, struct observe_gaps *gaps, struct error *err);

// A party says that this address is switched off for good, since at_ms: it shows nothing any more.
// A later answer from it is believed again. RESULT_NOT_FOUND.
enum result observe_view_declare_gone(struct observe_view *view, int publisher,
        const struct address *server, int64_t at_ms, struct error *err);

// The keys known so far: the subject's, then as they were seen first.
size_t observe_view_key_count(const struct observe_view *view);
const struct dns_key *observe_view_key(const struct observe_view *view, size_t key);
// "losing.zsk", or "key 12345" where it has no name.
const char *observe_view_key_name(const struct observe_view *view, size_t key);
// The key's number, -1 where it is not known.
int observe_view_key_find(const struct observe_view *view, const struct dns_key *key);
// A key that a party announced: known by this name from now on. RESULT_LIMIT.
enum result observe_view_key_add(
        struct observe_view *view, const char *name, struct dns_key *key, struct error *err);

// What a table for people needs: one line for each address and kind.
struct observe_line {
	uint8_t publisher, kind;
	struct address server;
	bool answered;           // at least once
	bool gone;               // declared so
	int64_t since_ms;        // shows this since (at the latest)
	int64_t last_ms;         // last usable answer
	int64_t silent_since_ms; // TIME_NEVER_MS where it answers
	size_t content_count;
	uint64_t contents[OBSERVE_MAX_CONTENTS]; // as in a history's editions
	uint64_t signers[OBSERVE_MAX_CONTENTS];
	uint32_t ttl_s[OBSERVE_MAX_CONTENTS];
	int64_t signed_until_ms[OBSERVE_MAX_CONTENTS];
};
size_t observe_view_line_count(const struct observe_view *view);
void observe_view_line(const struct observe_view *view, size_t line, struct observe_line *out);

// Whether every address of the publisher shows one and the same content of this kind, which is then
// in *content and *signers (each may be NULL), and nothing about it is unknown. *since_ms: since
// when, the declared lag included; that may be in the future. A publisher whose addresses are all
// declared gone serves nothing, everywhere.
bool observe_view_everywhere(const struct observe_view *view, int publisher, enum safety_kind kind,
        uint64_t *content, uint64_t *signers, int64_t *since_ms);
