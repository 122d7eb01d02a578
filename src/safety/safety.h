// The safety model: what any resolver, anywhere, can still have cached, and whether it can
// contradict what is served. PURE: no clock, no I/O; facts in, verdict out. (Only a history too
// large for the stack asks for memory while it is judged.)
//
// A *publisher* is the parent (number 0) or one group of name servers (1, 2, …) that serves one
// version of the zone. A publisher has *editions*: what it serves of one kind (DS, NS, DNSKEY,
// signatures over the other data, whether it answers at all), with its TTL and the validity of its
// signatures, visible from the first address that shows it to the last one that still does. A
// *history* is all editions that matter. A *reader* is a kind of resolver. safety_judge() looks for
// a combination of cached and fetched editions that some reader can meet and that does not
// validate: a *fault*.
//
//     struct safety_history h;
//     safety_history_init(&h);
//     int a = safety_group_add(&h, "A", 6 * HOUR_MS);
//     int k = safety_key_add(&h, "Ka", 13), d = safety_ds_add(&h, k, 2);
//     safety_publish(&h, &(struct safety_change){.publisher = 0, .kind = SAFETY_DS,
//             .content = 1ull << d, .ttl_s = 86400, .signed_from_ms = TIME_EVER_MS,
//             .signed_until_ms = TIME_NEVER_MS}, TIME_EVER_MS);
//     ...
//     struct safety_verdict v;
//     safety_judge(&h, &safety_all_readers, 0, 300 * HOUR_MS, &v);
//     if (v.path[SAFETY_DIRECT].word != SAFETY_SAFE)
//             safety_fault_text(&h, &v.path[SAFETY_DIRECT].fault, SAFETY_TIME_RELATIVE, &out);
//     safety_history_free(&h);
//
// All intervals are half-open and exact to the millisecond; time is continuous. The adversary
// chooses fetch times, addresses, groups and every propagation delay. RFC 4035 section 5, RFC 6840
// section 5.11, RFC 6781, RFC 7583; the reader kinds are explained in docs/safety-model.md.
//
// A struct safety_history owns no memory but its edition array: safety_history_free().
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SAFETY_MAX_PUBLISHERS = 16, // the parent and 15 groups
	SAFETY_MAX_KEYS = 64,
	SAFETY_MAX_DS = 64,
	SAFETY_MAX_EDITIONS = 2048, // a verdict on so many takes seconds
	SAFETY_NAME = 32,           // octets of a name of a group or key, NUL included
};

enum safety_kind { SAFETY_DS, SAFETY_NS, SAFETY_DNSKEY, SAFETY_DATA, SAFETY_SERVING, SAFETY_KINDS };

// The TTLs that count, and their words in files, options and messages: "ds", "ds-none" (of the
// proof that there is no DS), "parent-ns", "child-ns", "dnskey", "data"; then NULL.
enum safety_ttl {
	SAFETY_TTL_DS,
	SAFETY_TTL_DS_NONE,
	SAFETY_TTL_PARENT_NS,
	SAFETY_TTL_CHILD_NS,
	SAFETY_TTL_DNSKEY,
	SAFETY_TTL_DATA,
	SAFETY_TTLS,
};
extern const char *const safety_ttl_words[SAFETY_TTLS + 1];

// One thing that one publisher serves, and when it can be fetched.
struct safety_edition {
	int64_t from_ms, until_ms; // can be fetched at t with from <= t < until
	int64_t signed_from_ms, signed_until_ms;
	uint64_t content; // DS: bits over the ds table; NS: bits over publishers; DNSKEY, DATA:
	                  // bits over keys (of DATA: the keys each of which signs every RRset);
	                  // SERVING: 0 or 1
	uint64_t signers; // DNSKEY only: the keys that sign the set
	uint32_t ttl_s;   // seconds a cache may keep it; of an empty DS: the TTL of the proof of
	                  // absence
	uint8_t publisher, kind;
};

// Names are for witnesses only; verdicts never depend on them.
struct safety_names {
	char publisher[SAFETY_MAX_PUBLISHERS][SAFETY_NAME];
	char key[SAFETY_MAX_KEYS][SAFETY_NAME];
};

struct safety_history {
	uint8_t publishers, keys, ds; // how many of each; publishers >= 1
	uint8_t key_algorithm[SAFETY_MAX_KEYS];
	uint8_t ds_key[SAFETY_MAX_DS], ds_digest[SAFETY_MAX_DS];
	uint32_t lag_s[SAFETY_MAX_PUBLISHERS]; // worst time until a change is on every address
	uint16_t count, capacity;
	struct safety_edition *editions; // in order of from_ms within one (publisher, kind)
	struct safety_names *names;      // NULL where nobody will ask for a text
};

// A new edition of one kind at one publisher.
struct safety_change {
	uint8_t publisher, kind;
	uint64_t content, signers;
	uint32_t ttl_s;
	int64_t signed_from_ms, signed_until_ms;
};

enum { SAFETY_MAX_CHANGES = 32 };

// What a step does, at one instant.
struct safety_effect {
	size_t count;
	struct safety_change changes[SAFETY_MAX_CHANGES];
};

enum safety_ns { SAFETY_NS_CHILD_AND_PARENT, SAFETY_NS_CHILD, SAFETY_NS_PARENT, SAFETY_NS_STICKY };
enum safety_algorithms { SAFETY_STRICT_AND_LENIENT, SAFETY_STRICT, SAFETY_LENIENT };

struct safety_readers {
	enum safety_ns ns;
	enum safety_algorithms algorithms;
	uint32_t ttl_floor_s;
};

// Every reader that counts by default: child- and parent-centric, strict and lenient, no TTL floor.
extern const struct safety_readers safety_all_readers;

enum safety_word { SAFETY_SAFE, SAFETY_INSECURE, SAFETY_BOGUS, SAFETY_UNREACHABLE };
enum safety_path { SAFETY_DIRECT, SAFETY_FORWARDER, SAFETY_PATHS };

enum safety_rule {
	SAFETY_RULE_INSECURE,       // an empty DS set followed one that was not
	SAFETY_RULE_DS_SIGNATURE,   // DS set (or proof of absence) used outside its signature's
	                            // validity
	SAFETY_RULE_CHAIN,          // DNSKEY set to which a held DS set does not lead
	SAFETY_RULE_KEY_SIGNATURE,  // DNSKEY set used outside its signature's validity
	SAFETY_RULE_DATA,           // data that the trusted DNSKEY set does not cover
	SAFETY_RULE_DATA_SIGNATURE, // data used outside its signatures' validity
	SAFETY_RULE_UNREACHABLE,    // an NS set that names no group that surely serves
	SAFETY_RULES,
};

// One combination that fails, and when. Editions are indexes into history->editions, -1 where the
// rule has none.
struct safety_fault {
	enum safety_rule rule;
	enum safety_path path;
	int64_t at_ms, until_ms; // the combination can be met at t with at <= t < until
	int16_t ds, dnskey, data, ns;
	// The cached record that is to blame, the one of the above that lives longest: last instant
	// (as an open end) at which it can be fetched, and at which it can be used.
	int16_t cached;
	int64_t cached_fetch_ms, cached_until_ms;
};

struct safety_verdict {
	struct {
		enum safety_word word; // the worst
		struct safety_fault
		        fault;       // first of the worst word; meaningful unless word is SAFE
		int64_t insecure_ms; // how long a resolver may see the zone as insecure, in all
	} path[SAFETY_PATHS];
};

void safety_history_init(struct safety_history *history);
void safety_history_free(struct safety_history *history);
// A deep copy into an uninitialised struct; shares nothing.
enum result safety_history_copy(struct safety_history *to, const struct safety_history *from);

// The number of the new group, key or DS record, or -1 where the maximum is reached. A DS record
// that is there already is returned again; groups and keys are new every time. lag_ms is rounded up
// to seconds. name may be NULL: a history without names has no table of them.
int safety_group_add(struct safety_history *history, const char *name, int64_t lag_ms);
int safety_key_add(struct safety_history *history, const char *name, uint8_t algorithm);
int safety_ds_add(struct safety_history *history, int key, uint8_t digest_type);
const char *safety_publisher_name(const struct safety_history *history, int publisher);
const char *safety_key_name(const struct safety_history *history, int key);

// The TTL of what this publisher serves of this kind, which is not SERVING; is_empty: of an empty
// DS set, or rather the proof of it.
enum safety_ttl safety_ttl_of(int publisher, enum safety_kind kind, bool is_empty);

// The edition of this kind that is served last (the current one), or NULL.
const struct safety_edition *safety_current(
        const struct safety_history *history, int publisher, enum safety_kind kind);

// From at_ms on the publisher serves the new edition; the one before can still be fetched until
// at_ms + lag. TIME_EVER_MS starts a history. A change that changes nothing adds nothing; one at
// the very instant of the edition before replaces it (two events at one instant are one change).
// Changes of one publisher and kind come in order of time. RESULT_LIMIT, RESULT_MEMORY;
// RESULT_INPUT out of order.
enum result safety_publish(
        struct safety_history *history, const struct safety_change *change, int64_t at_ms);
enum result safety_publish_all(
        struct safety_history *history, const struct safety_effect *effect, int64_t at_ms);
// For what was observed: an edition with its own interval, until_ms TIME_NEVER_MS while it is still
// seen.
enum result safety_observe(struct safety_history *history, const struct safety_edition *edition);

// Drops editions that no reader can hold at or after now_ms.
void safety_prune(
        struct safety_history *history, const struct safety_readers *readers, int64_t now_ms);

// The worst that any reader can meet at an instant t with from <= t <= until. Editions must be
// complete: a parent DS and NS edition and, for every group that an NS set names, all kinds; a
// group without a SERVING edition is silent. RESULT_MEMORY, which only histories of more than some
// sixty editions can meet; the verdict is untouched then.
enum result safety_judge(const struct safety_history *history, const struct safety_readers *readers,
        int64_t from_ms, int64_t until_ms, struct safety_verdict *verdict);

// The sum of the largest lifetimes in the history (DS, parent NS, child NS, DNSKEY, data) and twice
// the largest lag: after that, a change has left no trace in any cache.
int64_t safety_memory_ms(
        const struct safety_history *history, const struct safety_readers *readers);

struct safety_window {
	bool possible;             // false: no instant from now on is safe; `cause` says why
	int64_t from_ms, until_ms; // the effect is safe at t with from <= t < until
	bool waits;                // from is later than now, because of `cause`
	struct safety_fault cause; // what would happen just before from_ms (indexes into `after`)
	bool ends;                 // until is not never, because of `end`
	struct safety_fault end;
	bool insecure; // the effect makes the zone insecure, which the caller may have asked for
	bool broken;   // some rule is broken already, before the effect; `before` says which
	struct safety_fault before;
	// The effect at from_ms would bring about what breaks a rule, and does not block only
	// because what it replaces breaks the same rule already, for as long: `excuse`, in the
	// history before.
	bool excused;
	struct safety_fault excuse;
	// A signature of what is served now runs out after now and before from_ms: `expiry`, in the
	// history before. The window is possible if its owner signs again in time; if not, the zone
	// is broken from then on, whatever the effect does.
	bool expires;
	struct safety_fault expiry;
};

// From when on, and until when, the effect is safe, given the history and nothing else in future.
// Rules that are broken before the effect are reported in `broken` and do not block an effect that
// does not break more. With `after` (may be NULL): the history with the effect applied just before
// from_ms, for safety_fault_text(); the caller frees it.
enum result safety_earliest(const struct safety_history *history,
        const struct safety_effect *effect, const struct safety_readers *readers, int64_t now_ms,
        struct safety_window *window, struct safety_history *after);

// The same for an effect that takes something back, which nobody is in a hurry to do: it also waits
// for sticky readers, who stay with servers that name themselves for as long as these do, wherever
// an instant comes that is safe for them as well. Where none does they do not count, as usual.
enum result safety_earliest_back(const struct safety_history *history,
        const struct safety_effect *effect, const struct safety_readers *readers, int64_t now_ms,
        struct safety_window *window, struct safety_history *after);

// Is the effect safe right now? The cheap half of safety_earliest, for re-judging many zones. The
// fault (may be NULL) is filled on false.
bool safety_is_safe_now(const struct safety_history *history, const struct safety_effect *effect,
        const struct safety_readers *readers, int64_t now_ms, struct safety_fault *fault);

const char *safety_word_text(enum safety_word word);
enum safety_word safety_rule_word(enum safety_rule rule);
const char *safety_rule_text(enum safety_rule rule); // "chain", "data", … for JSON
const char *safety_kind_text(enum safety_kind kind); // "ds", "ns", "dnskey", "data", "serving"
const char *safety_path_text(enum safety_path path); // "direct", "forwarder"

// How a fault's instants are written: as UTC for live histories, as 12h30m for timelines.
enum safety_time_style { SAFETY_TIME_UTC, SAFETY_TIME_RELATIVE };

struct buffer;
// One sentence (or two) that a person understands: which cached record, fetched from where and
// when, usable until when, contradicts what.
void safety_fault_text(const struct safety_history *history, const struct safety_fault *fault,
        enum safety_time_style style, struct buffer *out);
