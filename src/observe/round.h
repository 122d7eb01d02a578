// One round of observation: what every address answered, and what that means, in one value that can
// be stored and read back.
//
//     json_t *json;
//     observe_round_to_json(round, &json, err);              // into the journal
//     ...
//     observe_round_from_json(subject, json, &again, err);   // years later
//     observe_view_feed(view, again, err);                   // the same history, bit for bit
//
// A round has four parts. *Answers*: one for each question to each address, with how it went, the
// hash of the response's octets, and (not in the JSON) the octets themselves. *Facts*: for each
// address and kind of safety.h the contents that this address shows, after all signatures were
// checked; this is what a view works with. *Signals*: CDS and CDNSKEY. *Problems*: what a person
// should know and what stands in the way of a verdict. Keys are a table of whole DNSKEY records;
// contents refer to them by bits. All lists are in one order, so that equal rounds have equal JSON.
//
// An address that failed is no evidence of absence: its fact has the state OBSERVE_UNKNOWN.
//
// Folding. Some servers sign each answer anew, and some answer with a TTL that counts down; every
// round would be another one. observe_round_fold() puts into a round, for what an address goes on
// showing, what the round before it said, as long as that is the more careful of the two:
//
//   - signatures: by the same keys, of the same data. The earlier expiry stands for a later one
//     while more than half of what the later one leaves beyond the record's TTL and the publisher's
//     lag is left beyond them of the earlier one. So no expiry is ever later than that of a copy in
//     a cache, and none is so much earlier that a copy would seem to outlive its signature, or to be
//     trusted for less than its TTL, where it does not. Where signatures last no longer than that,
//     each counts as it is. An earlier expiry than before is taken at once.
//   - the last expiry of all signatures over data, until which data that was not asked for may
//     keep them: the latest that was seen at this address.
//   - TTLs: the larger stands for a smaller one until the smaller one is seen twice, two seconds or
//     more apart. One that changes from look to look therefore counts as the largest that was seen,
//     and is remarked upon.
//
// What is folded is what is fed to a view and written to the journal, so that whoever reads it back
// gets the same history and the same verdicts.
//
// A round owns its memory: observe_round_free(). Errors of reading: RESULT_INPUT with the member
// that is wrong, RESULT_LIMIT, RESULT_MEMORY.
#pragma once

#include "net/query.h"
#include "observe/subject.h"

enum {
	OBSERVE_MAX_ANSWERS = 20000,
	OBSERVE_MAX_CONTENTS = 8, // of one address and kind at one time
	OBSERVE_MAX_DS = 32,      // records of one DS set
	OBSERVE_GAP_TEXT = 320,
};

enum observe_question {
	OBSERVE_ASK_DS,            // parent: DS of the zone
	OBSERVE_ASK_DELEGATION,    // parent: NS of the zone, for the referral
	OBSERVE_ASK_PARENT_DNSKEY, // parent: its own keys
	OBSERVE_ASK_SOA,           // child, from here on
	OBSERVE_ASK_NS,
	OBSERVE_ASK_ADDRESS, // A and AAAA of name servers inside the zone
	OBSERVE_ASK_DNSKEY,
	OBSERVE_ASK_CDS,
	OBSERVE_ASK_CDNSKEY,
	OBSERVE_ASK_SAMPLE, // the subject's samples, a type and a name that do not exist
	OBSERVE_QUESTIONS,
};
const char *observe_question_text(enum observe_question question); // "delegation"; never NULL

// One question to one address, and how it went.
struct observe_answer {
	uint8_t publisher;
	struct address server;
	enum observe_question question;
	struct dns_name name;
	uint16_t type;

	enum query_status status;
	uint16_t rcode;     // of what was answered
	bool authoritative; // the AA bit
	bool tcp;
	unsigned tries;
	// Wall clock when the answer came (or was given up), and how long it took, -1 without one.
	int64_t at_ms, rtt_ms;
	size_t octets;      // of the response
	uint8_t sha256[32]; // of the response
	const uint8_t *raw; // the response; NULL in a round that was read from JSON
};

// What one address shows of one kind. Which members count depends on the kind.
struct observe_content {
	uint32_t ttl_s; // the largest that a cache may use
	// From verified signatures; from TIME_EVER_MS to TIME_NEVER_MS where the kind has none or
	// nothing is signed.
	int64_t signed_from_ms, signed_until_ms;
	uint64_t keys; // DNSKEY: the set; DATA: the keys that sign every sampled RRset; bits over
	               // the round's keys
	uint64_t signers;          // DNSKEY: those of the set that sign it
	int64_t last_signature_ms; // DATA: the latest expiry among all signatures of these keys
	size_t ds_count;           // DS, sorted
	const struct dns_ds *ds;
	bool verified;   // DS: the set's signature, or the proof that there is none
	uint32_t groups; // NS: the groups that the set names, bits over publishers
	bool serving;    // SERVING
	// What folding leaves to the next round; not in the JSON.
	struct {
		bool known, counts_down;
		uint32_t ttl_s;   // as served in the last answer
		int64_t since_ms; // and since which answer
	} served;
};

enum observe_state {
	OBSERVE_SHOWN,   // the address shows these contents and no others (it may show none)
	OBSERVE_PARTLY,  // some of what had to be asked was not answered: these contents at least
	OBSERVE_UNKNOWN, // no usable answer
};

struct observe_fact {
	uint8_t publisher, kind; // enum safety_kind
	enum observe_state state;
	struct address server;
	// The earliest instant at which what is said here can have been so, and the latest.
	int64_t asked_ms, answered_ms;
	size_t content_count;
	const struct observe_content *contents;
};

// CDS and CDNSKEY as one address of a group serves them.
struct observe_signal {
	uint8_t publisher;
	struct address server;
	bool cds, cdnskey;                   // there is such a set
	bool cds_verified, cdnskey_verified; // signed by a key of the zone
	bool remove;                         // asks for the removal of all DS (RFC 8078 4)
	size_t ds_count;                     // CDS, sorted
	const struct dns_ds *ds;
	uint64_t keys; // CDNSKEY, bits over the round's keys
};

// What is missing or wrong. The texts are sentences that need no context.
enum observe_gap_kind {
	OBSERVE_GAP_PAST,           // what was served before is unknown, until an instant
	OBSERVE_GAP_NOTHING,        // nothing was observed yet, or not of this kind
	OBSERVE_GAP_NEVER_ANSWERED, // an address never did
	OBSERVE_GAP_SILENT,         // an address does not answer any more
	OBSERVE_GAP_NO_ADDRESS,     // a name server without any known address
	OBSERVE_GAP_UNKNOWN_SERVER, // an NS set names a server, or an address, of no group
	OBSERVE_GAP_DISAGREE,       // addresses of one publisher show different contents
	OBSERVE_GAP_UNVERIFIED,     // a signature or proof at the parent that could not be verified
	OBSERVE_GAP_UNANCHORED,     // the parent's keys are believed as served
	OBSERVE_GAP_PARENT_SERVES_CHILD,
	OBSERVE_GAP_UNUSABLE,  // an answer that says no (SERVFAIL, …) or that no one can use
	OBSERVE_GAP_DATA_TTL,  // nobody declared the largest TTL in the zone
	OBSERVE_GAP_UNSAMPLED, // data that was not asked for may still carry old signatures
	OBSERVE_GAP_CLOCK,     // the clock was set
	OBSERVE_GAP_STALE,     // the last round is too long ago
	OBSERVE_GAP_LIMIT,     // more keys, addresses or contents than are kept track of
	OBSERVE_GAP_COUNTDOWN, // an address answers with a TTL that changes from look to look
	OBSERVE_GAP_KINDS,
};
const char *observe_gap_text(enum observe_gap_kind kind); // "past", "never-answered"; never NULL

struct observe_gap {
	enum observe_gap_kind kind;
	bool blocks;      // no verdict of "safe" may be used before until_ms
	int64_t until_ms; // when it settles by itself, TIME_NEVER_MS where something has to happen
	uint8_t publisher;
	struct address server; // family 0 where it is about no single address
	char text[OBSERVE_GAP_TEXT];
};

struct observe_round {
	uint8_t subject[32];      // SHA-256 of the subject's canonical JSON
	int64_t start_ms, end_ms; // wall clock
	// Monotonic clock at the end, comparable among rounds of one session: shows when somebody
	// sets the wall clock.
	int64_t mono_ms;
	uint64_t session;
	struct dns_keys keys; // of the zone; at most SAFETY_MAX_KEYS
	size_t answer_count, fact_count, signal_count, problem_count;
	struct observe_answer *answers;
	struct observe_fact *facts; // by publisher, address, kind
	struct observe_signal *signals;
	struct observe_gap *problems;
	struct arena *arena; // private
};

// An empty round whose arena holds up to max_octets; NULL without memory. (For those who make
// rounds themselves: the observer, and tests.)
struct observe_round *observe_round_new(size_t max_octets);
void observe_round_free(struct observe_round *round); // NULL is fine

// A new reference in *json: integers, strings and booleans only, at most a few hundred octets for
// each answer.
enum result observe_round_to_json(
        const struct observe_round *round, json_t **json, struct error *err);
// RESULT_CONFLICT where it is a round of another subject.
enum result observe_round_from_json(const struct observe_subject *subject, const json_t *json,
        struct observe_round **round, struct error *err);

// Puts what `before` said into the round where it stands for what the round says (see above);
// before: the round before it, folded as well, of the same subject; NULL for the first one.
// RESULT_MEMORY, then the round is good, but less is folded.
enum result observe_round_fold(const struct observe_subject *subject,
        const struct observe_round *before, struct observe_round *round, struct error *err);
// Whether a signature that runs out at kept_ms stands for one that runs out at seen_ms, at at_ms,
// where ttl_s and lag_ms are those of the record.
bool observe_expiry_stands(
        int64_t kept_ms, int64_t seen_ms, int64_t at_ms, uint32_t ttl_s, int64_t lag_ms);

// Whether both say the same but for times, octets, effort, and the last expiry of all signatures
// over data (which only grows from round to round when they are folded). Of a run of such rounds,
// one after the other, only the first and the last have to be kept: a view that is fed these two
// gives the same history. (Those that are kept must not be further apart than the subject's
// max_hole_ms, or the view takes it for a time without observation.)
bool observe_round_same(const struct observe_round *a, const struct observe_round *b);
