// The procedure language: who does what to a zone's keys, servers and delegation, in which order.
// PURE: no clock, no I/O.
//
// A procedure is a YAML document that somebody who runs DNS can read and adapt (the language is
// explained in docs/man/baton-procedure.5, by example in procedures/*.yaml). It names parties,
// steps and what each step changes; it names no waits: *when* a step may happen is decided by
// safety/, on paper by procedure/plan.h, live by change/. This header is the parsed form, and the
// one translation from "losing.dnskey + gaining.zsk" to a struct safety_effect that paper and live
// share.
//
//     const struct procedure *p;
//     if (procedure_parse(arena, "op.yaml", text, length, &p, &err) != RESULT_OK)
//             die_usage("%s", err.text);   // "op.yaml:9:30: unknown party 'gainign', expected …"
//     for (size_t i = 0; i < p->lines[0].count; i++) {
//             const struct procedure_step *s = &p->steps[p->lines[0].first + i];
//             struct safety_effect effect;
//             procedure_effect(p, s->acts, s->act_count, &history, &binding, &effect, &err);
//             …                            // safety_earliest(&history, &effect, …), act, observe
//     }
//
// Names are symbols: `losing.zsk` stands for whatever ZSKs the party `losing` has. A caller binds
// symbols to keys and groups of a safety history in a struct procedure_binding. Nothing here knows
// a procedure, a party or a step by its name; only `parent`, the zone's parent, is a fixed word.
//
// Everything parsed lives in the arena given. Errors are RESULT_INPUT with "file:line:column: what,
// and what was expected", RESULT_LIMIT where a maximum below is passed, RESULT_MEMORY.
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/yaml.h"
#include "safety/safety.h"

enum {
	PROCEDURE_MAX_PARTIES = 15, // as many as a history has groups
	PROCEDURE_MAX_KEYS = 48,
	PROCEDURE_MAX_STEPS = 200, // all branches together
	PROCEDURE_MAX_LINES = 16,  // the main line and its branches
	PROCEDURE_MAX_ACTS = 16,   // of one step
	PROCEDURE_MAX_TERMS = 16,  // of one effect
	PROCEDURE_MAX_WAITS = 8,   // of one step
	PROCEDURE_MAX_REQUIRES = 40,
	PROCEDURE_MAX_NAME = 31,    // octets of a party or a key's generation
	PROCEDURE_MAX_ID = 63,      // octets of a procedure's, step's or branch's id
	PROCEDURE_MAX_DAYS = 36500, // of a deadline or a wait
	PROCEDURE_PARENT = -1,      // "party" of parent.ds and parent.ns
};

enum procedure_role {
	PROCEDURE_OPERATOR,  // signs the zone and answers for it
	PROCEDURE_SIGNER,    // signs, others answer
	PROCEDURE_HOST,      // answers for a zone that another party signs
	PROCEDURE_REGISTRAR, // hands changes to the parent
	PROCEDURE_PARENT_ZONE,
	PROCEDURE_REGISTRANT,
	PROCEDURE_COORDINATOR,
	PROCEDURE_OBSERVER,
};

struct procedure_party {
	const char *id, *about; // about: "" where the procedure says nothing
	enum procedure_role role;
};

// A symbolic key, or set of keys that play one part: `losing.zsk`, `operator.ksk.new`.
struct procedure_key {
	const char *id;         // as written
	const char *role;       // "ksk", "zsk" or "csk"
	const char *generation; // "" or the third word
	int party;
};

// What may be required before a change begins. Each has an id for machines and a sentence for
// people.
enum procedure_require {
	PROCEDURE_SAME_ALGORITHMS,    // same algorithms at P and Q
	PROCEDURE_SAME_DIGESTS,       // same digest types at P and Q
	PROCEDURE_DIFFERENT_TAGS,     // different key tags at P and Q
	PROCEDURE_NO_ROLLOVER,        // no rollover in progress at P
	PROCEDURE_SIGNATURES_OUTLAST, // signatures outlast plan [+ duration]
	PROCEDURE_ALL_ADDRESSES,      // every address answers and agrees
	PROCEDURE_DELEGATION_AGREES,  // delegation and child NS agree
	PROCEDURE_AUTOMATION_FROZEN,  // DS automation frozen at P
	PROCEDURE_TTLS_KNOWN,         // largest TTLs known
	PROCEDURE_CONTACTS_ANSWERED,  // contacts have answered
	PROCEDURE_MAY_BE_INSECURE,    // zone may be insecure
	PROCEDURE_ANSWERS,            // P answers for the zone
	PROCEDURE_SAME_DATA,          // same data at P and Q
	PROCEDURE_TRANSFER_KEEPS,     // P keeps the delegation through a transfer
	PROCEDURE_REQUIRES,
};

struct procedure_requirement {
	enum procedure_require kind;
	const char *id;       // "same-algorithms"
	const char *text;     // as written
	const char *sentence; // what is checked, for people
	int party[2];         // -1 where unused
	int64_t margin_ms;    // PROCEDURE_SIGNATURES_OUTLAST: beyond plan, undo and the largest TTL
	int line, column;
};

// What an effect changes, of the parent or of a party that publishes.
enum procedure_attribute {
	PROCEDURE_DS,             // parent only: keys
	PROCEDURE_NS,             // parties whose name servers the set names
	PROCEDURE_DNSKEY,         // keys
	PROCEDURE_DNSKEY_SIGNERS, // keys that sign the DNSKEY set
	PROCEDURE_DATA_SIGNERS,   // keys that sign everything else
	PROCEDURE_SERVING,        // yes or no
	PROCEDURE_COPIES, // another party, whose zone this one transfers and serves; or none
};

enum procedure_term_kind {
	PROCEDURE_TERM_KEY,     // one symbolic key
	PROCEDURE_TERM_SET,     // what another set holds just before the step: `losing.dnskey`
	PROCEDURE_TERM_SERVERS, // the name servers of a party: `gaining.ns`
	PROCEDURE_TERM_PARTY,   // of copies
	PROCEDURE_TERM_NONE,    // the empty set
	PROCEDURE_TERM_YES,
	PROCEDURE_TERM_NO,
};

struct procedure_term {
	char operation; // '=', '+' or '-'
	enum procedure_term_kind kind;
	int party; // SET, SERVERS, PARTY; PROCEDURE_PARENT possible for SET
	enum procedure_attribute attribute; // SET
	int key;                            // KEY: index into procedure->keys
};

enum procedure_act_kind {
	PROCEDURE_EFFECT,      // changes what the world sees of the zone
	PROCEDURE_RELAY,       // relay KEYS to PARTY
	PROCEDURE_ANNOUNCE,    // announce [words]
	PROCEDURE_CONFIRM,     // confirm [words]
	PROCEDURE_CHECK,       // check words
	PROCEDURE_ATTEST,      // attest words
	PROCEDURE_SIGN_OFF,    // sign-off [words]
	PROCEDURE_TRANSFER,    // transfer to PARTY: the sponsoring registrar changes
	PROCEDURE_DESTROY,     // destroy KEYS: private keys are erased
	PROCEDURE_SYNCHRONISE, // synchronise [words]: arrangements that the DNS does not show
};

struct procedure_act {
	enum procedure_act_kind kind;
	const char *text; // as written
	int party; // EFFECT: whose; RELAY, TRANSFER: to whom; PROCEDURE_PARENT for the parent
	enum procedure_attribute attribute; // EFFECT
	size_t term_count;
	struct procedure_term *terms; // EFFECT, in order; RELAY, DESTROY: keys
	int line, column;
};

// An explicit wait, as agreements and published procedures have them. It is checked, never trusted.
enum procedure_expression_kind {
	PROCEDURE_DURATION, // 7d
	PROCEDURE_TTL,      // ttl(losing.dnskey)
	PROCEDURE_LAG,      // lag(parent)
	PROCEDURE_SUM,
	PROCEDURE_MAX,
	PROCEDURE_MIN,
	PROCEDURE_TIMES, // 2 * ttl(losing.ns)
};

struct procedure_expression {
	enum procedure_expression_kind kind;
	int64_t duration_ms; // DURATION; of TIMES the factor
	int party;           // TTL, LAG
	int ttl;             // TTL: enum procedure_ttl
	size_t count;
	const struct procedure_expression **parts; // SUM, MAX, MIN, TIMES (one)
};

// From when an explicit wait counts.
enum procedure_event {
	PROCEDURE_DONE,       // whoever acts says that it is done
	PROCEDURE_SEEN,       // the first address shows it
	PROCEDURE_EVERYWHERE, // the last address shows it
};

struct procedure_wait {
	const char *text; // as written
	const struct procedure_expression *expression;
	int step; // index into procedure->steps, or -1: the steps that this one comes after
	enum procedure_event event;
};

enum procedure_undo_kind {
	PROCEDURE_UNDO_NOTHING, // nothing that anybody could see has happened
	PROCEDURE_UNDO_ACTS,    // acts that take it back
	PROCEDURE_UNDO_NONE,    // no way back; text says why
	PROCEDURE_UNDO_UNSAID,  // only with `waits: as-written`: the published text is silent
};

struct procedure_undo {
	enum procedure_undo_kind kind;
	int by;
	size_t act_count;
	const struct procedure_act *acts;
	const char *text; // a sentence, "" where the acts say everything
};

// What happens when a party's deadline passes.
enum procedure_otherwise {
	PROCEDURE_ELSE_NOTHING, // no deadline
	PROCEDURE_ELSE_ASK,     // people decide
	PROCEDURE_ELSE_SKIP,    // the change goes on without this step
	PROCEDURE_ELSE_BRANCH,  // the rest of the line is replaced by a branch
};

enum procedure_waiver {
	PROCEDURE_WAIVE_DS_WITHOUT_KEY = 1, // a DS record for a key that the zone has not got
	PROCEDURE_WAIVE_APPROVAL = 2,       // no way back, and nobody has to approve
};

struct procedure_step {
	const char *id, *title,
	        *about; // title: generated from the acts where the procedure has none
	int index;      // in procedure->steps
	int line_of;    // in procedure->lines
	int by;
	size_t act_count;
	const struct procedure_act *acts;
	uint32_t approve, tell; // bits over parties
	int64_t within_ms; // parties' deadline, counted from when the step may happen; -1 for none
	enum procedure_otherwise otherwise;
	int branch; // ELSE_BRANCH: index into procedure->lines
	size_t after_count;
	const int
	        *after; // indexes into procedure->steps; the step before, unless the file says else
	size_t wait_count;
	const struct procedure_wait *waits;
	struct procedure_undo undo;
	bool no_return;        // declared so, or undo is NONE
	unsigned waives;       // enum procedure_waiver
	const char *waive_why; // "" where nothing is waived
	const char *file;      // where it is written; of an overlay not always procedure->file
	int line, column;
};

// The main line, or a branch that replaces what is left of the line it leaves.
struct procedure_line {
	const char *id, *title; // main line: "" and ""
	int first;              // index into procedure->steps
	size_t count;
	bool has_expect;
	enum safety_word expect[SAFETY_PATHS]; // what `baton check` is to find
};

// The TTLs that a plan needs: those of the safety model, and its words for them.
enum procedure_ttl {
	PROCEDURE_TTL_DS = SAFETY_TTL_DS,
	PROCEDURE_TTL_DS_NONE = SAFETY_TTL_DS_NONE, // min(SOA TTL, SOA minimum), RFC 2308
	PROCEDURE_TTL_PARENT_NS = SAFETY_TTL_PARENT_NS,
	PROCEDURE_TTL_CHILD_NS = SAFETY_TTL_CHILD_NS,
	PROCEDURE_TTL_DNSKEY = SAFETY_TTL_DNSKEY,
	PROCEDURE_TTL_DATA = SAFETY_TTL_DATA,
	PROCEDURE_TTLS = SAFETY_TTLS,
};

// What a procedure file may say about the zone it is checked with.
struct procedure_assume {
	int64_t ttl_ms[PROCEDURE_TTLS]; // -1: not said
	int64_t lag_parent_ms, lag_child_ms;
	uint8_t algorithm[PROCEDURE_MAX_KEYS]; // 0: not said
	uint8_t digest[PROCEDURE_MAX_KEYS];
	uint16_t rsa_bits[PROCEDURE_MAX_KEYS];
	uint32_t single_key; // bits over parties whose KSK and ZSK are one key
};

struct procedure {
	const char *file, *id, *title, *source, *about;
	bool as_written; // waits are taken literally: for published texts, to be checked, never to
	                 // be run
	size_t party_count, key_count, requirement_count, start_count, step_count, line_count;
	struct procedure_party parties[PROCEDURE_MAX_PARTIES];
	struct procedure_key keys[PROCEDURE_MAX_KEYS];
	const struct procedure_requirement *requirements;
	const struct procedure_act
	        *start; // what is so before the first step, complete, as '=' effects
	int sponsor;    // the sponsoring registrar at the start, -1 where none
	const struct procedure_step *steps;
	struct procedure_line lines[PROCEDURE_MAX_LINES]; // [0] is the main line
	struct procedure_assume assume;
};

// Parses a whole document. *out lives in the arena.
enum result procedure_parse(struct arena *arena, const char *file, const char *data, size_t length,
        const struct procedure **out, struct error *err);
enum result procedure_from_yaml(struct arena *arena, const struct yaml_node *root,
        const struct procedure **out, struct error *err);

// Indexes, or -1. A party's own name is no party `parent`: that word is PROCEDURE_PARENT.
int procedure_party_find(const struct procedure *procedure, const char *id);
int procedure_step_find(const struct procedure *procedure, const char *id);
int procedure_key_find(const struct procedure *procedure, const char *id);
// "parent" or the party's id.
const char *procedure_party_name(const struct procedure *procedure, int party);
const char *procedure_role_text(enum procedure_role role);                // "operator"
const char *procedure_attribute_text(enum procedure_attribute attribute); // "dnskey-signers"
// Operators and hosts answer for the zone; the others publish nothing.
bool procedure_party_publishes(const struct procedure *procedure, int party);
// Does any act change what the world can see?
bool procedure_acts_have_effect(const struct procedure_act *acts, size_t count);
// An act as a sentence without full stop, "add gaining.zsk to the DNSKEY set of losing".
void procedure_act_describe(
        const struct procedure *procedure, const struct procedure_act *act, struct buffer *out);

// Symbols bound to a safety history: on paper by plan.h, live by whoever observes the zone.
struct procedure_binding {
	int publisher[PROCEDURE_MAX_PARTIES]; // number of the party's group, -1 where it publishes
	                                      // nothing
	uint64_t keys[PROCEDURE_MAX_KEYS];    // bits over the history's keys; 0: not known (yet)
	uint64_t ds[PROCEDURE_MAX_KEYS];      // bits over the history's DS table, of these keys
	int copies[PROCEDURE_MAX_PARTIES];    // party whose zone this party serves, -1: its own
	uint32_t ttl_s[PROCEDURE_MAX_PARTIES + 1]
	              [PROCEDURE_TTLS]; // [party + 1]: [0] is the parent. For
	                                // editions to come; where one is there its TTL is kept
	int64_t signed_until_ms; // of signatures that will be made; TIME_NEVER_MS: renewed in time
};

// Everything unbound: publishers -1, keys 0, copies -1, TTLs 0.
void procedure_binding_init(struct procedure_binding *binding);

// What the acts would do to what is served last in the history: one change for each publisher and
// kind that they touch, complete (not differences), those of parties that copy another one
// included. A key that leaves a DNSKEY set leaves its signers. count is 0 where nothing changes.
// RESULT_INPUT where a symbol is not bound; RESULT_LIMIT.
enum result procedure_effect(const struct procedure *procedure, const struct procedure_act *acts,
        size_t count, const struct safety_history *history, const struct procedure_binding *binding,
        struct safety_effect *effect, struct error *err);
// Notes in the binding what acts change in it (who copies whom). To be called when they are done.
void procedure_acts_done(
        const struct procedure_act *acts, size_t count, struct procedure_binding *binding);
// The state before the first step, from procedure->start, in force since ever.
enum result procedure_start(const struct procedure *procedure, struct procedure_binding *binding,
        struct safety_history *history, struct error *err);

// When each step was done, for explicit waits.
struct procedure_times {
	bool is_done;
	int64_t done_ms, seen_ms, everywhere_ms;
};

// The length of an expression: TTLs are the largest in the history, or the binding's.
int64_t procedure_expression_ms(const struct procedure_expression *expression,
        const struct safety_history *history, const struct procedure_binding *binding);
// The instant at which a step's explicit waits are over; ready_ms is what waits without `after`
// count from. TIME_EVER_MS where it has none. times has procedure->step_count entries.
int64_t procedure_waits_over_ms(const struct procedure_step *step,
        const struct safety_history *history, const struct procedure_binding *binding,
        const struct procedure_times *times, int64_t ready_ms);
