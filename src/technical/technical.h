// Technical checks of a delegation, present or future: what IANA asks of the delegations in the
// root zone, and other registries of theirs, as a list of checks with names of their own.
//
//     struct technical_options options = {.servers = given, .server_count = 2,
//             .resolvers = &resolver, .resolver_count = 1};
//     struct technical_gather *gather;
//     technical_gather_start(loop, engine, &random, "example.test", &options, gathered, ctx,
//             &gather, err);
//     loop_run(loop, TIME_NEVER_MS);
//
//     static void gathered(void *ctx, const struct technical_facts *facts)
//     {
//             struct technical_rules rules = {.prohibited = prefix_table_special(arena),
//                     .head_room_s = 7 * 86400};
//             for (size_t i = 0; i < technical_check_count; i++) {
//                     struct technical_result r;
//                     technical_judge(arena, &technical_checks[i], facts, &rules, NULL, &r);
//                     printf("%s %s: %s\n", technical_verdict_text(r.verdict), r.check->name, r.text);
//             }
//     }
//
// Facts first, judgement after. A gathering asks every question once and puts what came into
// struct technical_facts, plain data without an opinion. A check is a pure function over facts and
// rules: it reads no clock, and gives the same result for the same facts.
//
// Present and future. Without servers given, the delegation that is judged is the one in the
// parent; with servers given it is those, whether the parent has them or not. The same for DS
// records. What the parent has now is in the facts beside it.
//
// Memory: facts and what they point to belong to the gathering, until technical_gather_free(); a
// result and its texts live in the arena given to technical_judge(), and point into the facts'
// check only. Errors of technical_gather_start: RESULT_INPUT for names that are none, RESULT_LIMIT,
// RESULT_MEMORY, and those of discovery. What goes wrong later is a fact.
#pragma once

#include "dns/key.h"
#include "dns/message.h"
#include "net/query.h"
#include "technical/prefix.h"

enum {
	TECHNICAL_MAX_SERVERS = 32,
	TECHNICAL_MAX_ADDRESSES = 16, // of one server
	TECHNICAL_MAX_ASKED = 128,    // addresses of all servers that are asked
	TECHNICAL_MAX_DS = 32,
	TECHNICAL_MAX_RESOLVERS = 8,
	TECHNICAL_MAX_PARENTS = 64, // addresses of the parent's servers
	TECHNICAL_MAX_NOTES = 32,
};

// ---- Facts ----------------------------------------------------------------------------------

// What every address is asked.
enum technical_question {
	TECHNICAL_SOA,     // over UDP
	TECHNICAL_SOA_TCP, // over TCP
	TECHNICAL_NS,
	TECHNICAL_DNSKEY,
	TECHNICAL_CDS,
	TECHNICAL_ABSENT,  // a name below the zone that surely does not exist
	TECHNICAL_FOREIGN, // a name of somebody else's zone, with recursion desired
	TECHNICAL_QUESTIONS,
};

struct technical_answer {
	bool asked;
	enum query_status status;
	enum query_transport transport;
	bool truncated;                    // came over UDP at first, and had to be asked over TCP
	const struct dns_message *message; // NULL without a usable answer
};

struct technical_addresses {
	size_t count;
	struct address address[TECHNICAL_MAX_ADDRESSES];
};

struct technical_address {
	struct address at;
	struct technical_answer answer[TECHNICAL_QUESTIONS];
	unsigned elsewhere; // answers to our questions that came from another address
};

// Which addresses a name server has, by an address of the zone's own servers that says so with
// authority, or by a resolver.
struct technical_said {
	struct address by;
	bool has_v4, has_v6; // the question for A, for AAAA records was answered
	struct technical_addresses addresses;
};

struct technical_server {
	struct dns_name name; // in lower case
	bool is_alias;        // a resolver found a CNAME there
	bool listed_given;    // the addresses listed are what the caller gave
	// Those in the delegation: given with the name, or the parent's glue.
	struct technical_addresses listed;
	size_t said_count; // by the zone's own servers, where the name is in the zone
	struct technical_said *said;
	struct technical_said looked_up; // by a resolver
	size_t address_count;            // those that were asked
	struct technical_address *address;
};

struct technical_facts {
	struct dns_name zone, parent;
	bool parent_asked,
	        parent_answered; // was there anybody to ask about the present delegation?
	bool servers_given, ds_given;
	// The delegation that is judged, and its DS set.
	size_t server_count;
	struct technical_server *server;
	bool ds_known;
	size_t ds_count;
	struct dns_ds ds[TECHNICAL_MAX_DS];
	// The servers that the parent delegates to now, asked for their SOA record only; they are
	// the same as above where no servers were given.
	size_t present_count;
	struct technical_server *present;
	struct dns_name absent; // the name that was asked for TECHNICAL_ABSENT
	int64_t now_s;
	size_t note_count;
	const char *notes[TECHNICAL_MAX_NOTES]; // what was odd, in sentences
};

// ---- Judgement ------------------------------------------------------------------------------

// Worse ones later.
enum technical_verdict {
	TECHNICAL_PASS,
	TECHNICAL_SKIPPED, // there is nothing to be checked
	TECHNICAL_WAIVED,  // it fails, and somebody has said why that is accepted
	TECHNICAL_WARN,
	TECHNICAL_FAIL,
};
// "pass", "skip", "waived", "warn", "fail"; never NULL.
const char *technical_verdict_text(enum technical_verdict verdict);

struct technical_rules {
	const struct prefix_table *networks;   // NULL: nobody knows which network is whose
	const struct prefix_table *prohibited; // not NULL
	int64_t head_room_s;                   // that long signatures have to be valid still
	uint32_t serial_tolerance;             // serials may differ by so much
};

// Loads the tables of the rules, prefix.h, into the arena: networks (NULL: none are known) and
// prohibited addresses (NULL: those with a special purpose). What prefix_table_load() returns, or
// RESULT_MEMORY.
enum result technical_rules_load(struct arena *arena, const char *networks, const char *prohibited,
        struct technical_rules *rules, struct error *err);

// One thing that was seen, at one server or address or about the delegation as a whole.
struct technical_finding {
	enum technical_verdict verdict; // TECHNICAL_WARN or TECHNICAL_FAIL
	const char *server;             // its name, "" where it is about no single one
	const char *address;            // "" likewise
	const char *seen, *expected;
};

struct technical_check;
struct technical_result {
	const struct technical_check *check;
	enum technical_verdict verdict;
	const char *text;   // one sentence
	const char *waiver; // the reason, NULL unless waived
	size_t finding_count;
	const struct technical_finding *findings;
};

struct technical_judge;
struct technical_check {
	const char *name;  // "two-name-servers"
	const char *title; // "There are at least two name servers"
	const char *why;   // what goes wrong otherwise, and who says so
	void (*judge)(struct technical_judge *judge);
};

extern const struct technical_check technical_checks[];
extern const size_t technical_check_count;
// NULL where there is none of that name.
const struct technical_check *technical_check_find(const char *name);

// waiver: the reason why a failure of this check is accepted, NULL where it is not. A check that
// does not fail is not waived. RESULT_MEMORY.
enum result technical_judge(struct arena *arena, const struct technical_check *check,
        const struct technical_facts *facts, const struct technical_rules *rules,
        const char *waiver, struct technical_result *result, struct error *err);

// The octets of the largest referral that the parent may have to send without EDNS: a question of
// 255 octets, all NS records, and the glue without which nobody could go on: one A record where all
// servers' names are in the parent zone, and one AAAA record where all that have such addresses
// are. Names are compressed (RFC 1035 4.1.4).
size_t technical_referral_octets(const struct technical_facts *facts);

// ---- Gathering ------------------------------------------------------------------------------

struct technical_given {
	const char *name;
	size_t address_count;
	const struct address *addresses;
};

// Zero means the default. Everything is copied.
struct technical_options {
	const struct technical_given *servers; // of a future delegation; none: the parent's
	size_t server_count;
	const struct dns_ds *ds; // the same; none: the parent's
	size_t ds_count;
	bool no_ds; // the delegation to come has none; ds_count is 0
	const struct address *resolvers;
	size_t resolver_count;
	const struct address *parents; // addresses of the parent's servers; none: found
	size_t parent_count;
	int64_t timeout_ms; // of the first try of a question, default 1 s
	unsigned tries;     // default 3
};

// Comes once, from the loop; the facts live until technical_gather_free(), which may not be called
// inside.
typedef void technical_gathered(void *ctx, const struct technical_facts *facts);

struct technical_gather;
enum result technical_gather_start(struct loop *loop, struct query_engine *engine,
        const struct random *random, const char *zone, const struct technical_options *options,
        technical_gathered *done, void *ctx, struct technical_gather **gather, struct error *err);
// Without a callback if it is running. NULL is fine.
void technical_gather_free(struct technical_gather *gather);
