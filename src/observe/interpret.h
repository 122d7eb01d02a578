// Private to src/observe: from the octets that came back to facts, signals and problems. Pure but
// for the cache of decoded keys.
//
// interpret.c has the frame, keys, signatures and the list of problems; interpret_parent.c and
// interpret_child.c what each kind of answer means; delegation.c maps NS sets to groups; proof.c
// checks that there is no DS. Messages are parsed into a scratch arena; what stays goes into the
// round's.
#pragma once

#include "dns/message.h"
#include "dns/verify.h"
#include "observe/round.h"

// What an answer is worth.
enum use {
	USE_NONE,          // nothing usable came back
	USE_AUTHORITATIVE, // AA with NOERROR or NXDOMAIN
	USE_REFERRAL,      // NOERROR without AA, with an NS set in the authority section
	USE_OTHER,         // an error code, or an answer without authority
};

struct reply {
	const struct observe_answer *answer;
	const struct dns_message *message; // NULL for USE_NONE
	enum use use;
};

struct interpretation {
	const struct observe_subject *subject;
	struct observe_round *round;
	struct arena *scratch;
	struct reply *replies; // one for each answer of the round
	struct dns_key_cache *cache;
	struct dns_keys parent_keys; // those that are believed
	size_t facts_max, problems_max, signals_max;
	enum result result; // of our own side: memory
	struct error *err;
};

// The questions of a round in their order: publisher, address, question. The answers live in the
// arena. RESULT_LIMIT, RESULT_MEMORY.
enum result questions_make(const struct observe_subject *subject, struct arena *arena,
        struct observe_answer **answers, size_t *count, struct error *err);

// Fills keys, facts, signals and problems of a round whose answers are there. known: keys of the
// zone from rounds before. RESULT_MEMORY.
enum result interpret(const struct observe_subject *subject, const struct dns_keys *known,
        struct dns_key_cache *cache, struct observe_round *round, struct error *err);

void interpret_parent(struct interpretation *in, const struct reply *replies, size_t count);
void interpret_child(struct interpretation *in, const struct reply *replies, size_t count);
// The parent's keys that are believed, from all replies.
void interpret_parent_keys(struct interpretation *in);

// Equal records once, sorted, in the round's arena. RESULT_LIMIT for more than OBSERVE_MAX_DS
// records, RESULT_INPUT where one cannot be read, RESULT_MEMORY.
enum result interpret_ds_list(struct interpretation *in, const struct dns_rrset *set,
        const struct dns_ds **ds, size_t *count);
// The keys of a set of at most SAFETY_MAX_KEYS records, in the scratch arena (dns_keys_clear);
// RESULT_LIMIT for more, RESULT_INPUT, RESULT_MEMORY.
enum result interpret_key_list(
        struct interpretation *in, const struct dns_rrset *set, struct dns_keys *keys);
// Says that the server has more of something than is read: "… serves 101 DS records; Baton reads at
// most 32."
void too_many(struct interpretation *in, const struct reply *reply, size_t count, const char *what,
        int most);

// The number of a key in the round's table, where it is put if there is room; -1 otherwise.
int round_key(struct interpretation *in, struct dns_key *key);
void problem_add(struct interpretation *in, enum observe_gap_kind kind, bool blocks,
        const struct reply *reply, const char *format, ...) __attribute__((format(printf, 5, 6)));
// The next fact about the address of these replies; never NULL.
struct observe_fact *fact_add(struct interpretation *in, enum safety_kind kind);
// Takes the reply's publisher, address and time into the fact.
void fact_time(struct interpretation *in, struct observe_fact *fact, const struct reply *reply);
struct observe_content *content_add(struct interpretation *in, struct observe_fact *fact);
// "192.0.2.1@53 (ns1.test.)"
#define SERVER_TEXT 320
char *server_text(const struct observe_subject *subject, int publisher,
        const struct address *server, char *buf);
// The first reply to this question in replies, or NULL.
const struct reply *reply_find(
        const struct reply *replies, size_t count, enum observe_question question);
// Why a reply is of no use, for a sentence: "no answer (timed out)", "SERVFAIL", …
#define REPLY_TEXT 80
char *reply_text(const struct reply *reply, char *buf);

// Which keys of a table sign an RRset, and in which interval each of them does.
struct cover {
	uint64_t signers;
	int64_t from_s[SAFETY_MAX_KEYS], until_s[SAFETY_MAX_KEYS]; // meaningful for signers
	uint32_t ttl_s; // the larger of the set's TTL and the signatures' original TTLs
	enum dns_signature outcome;
};
// More signatures than are checked are a problem of the round.
void cover_find(struct interpretation *in, const struct reply *reply, const struct dns_rrset *rrset,
        const struct dns_keys *keys, struct cover *cover);
struct window {
	int64_t from_ms, until_ms;
};
// When all of these keys' signatures are valid. Empty `keys`: ever to never.
struct window cover_window(const struct cover *cover, uint64_t keys);
// When any of the signers' is.
struct window cover_any(const struct cover *cover);

// What an NS set means at the server that gave it: content->groups and TTL. glue: messages with
// addresses that this server gave beside it.
void delegation_read(struct interpretation *in, const struct reply *reply,
        const struct dns_rrset *ns, const struct reply *glue, size_t glue_count,
        struct observe_content *content);
// The groups that have this address, bits over publishers.
uint32_t delegation_groups_at(const struct observe_subject *subject, const struct address *address);

// Whether the message, from a server of the parent, proves that the zone has no DS, with signatures
// of the parent's keys; then *window is when they are valid.
bool proof_of_no_ds(struct interpretation *in, const struct reply *reply, struct window *window);
