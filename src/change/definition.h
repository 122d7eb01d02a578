// The definition of a change: which zone, which procedure, who the parties are and how each one
// acts. People write it as YAML; docs/man/baton-change.5 explains the format.
//
//     const struct change_definition *d;
//     if (change_definition_load(arena, "move.yaml", &d, &err) != RESULT_OK)
//             die_usage("%s", err.text);
//
// Everything lives in the arena, and nothing is changed after loading. Secrets are not in it, only
// the paths of files that hold them. Errors: RESULT_INPUT with file:line:column, RESULT_NOT_FOUND
// for a procedure that is not in the library.
#pragma once

#include "dns/name.h"
#include "net/address.h"
#include "procedure/procedure.h"

enum {
	CHANGE_MAX_SERVERS = 26,   // of one party
	CHANGE_MAX_ADDRESSES = 16, // of one server
	CHANGE_MAX_SAMPLES = 16,
	CHANGE_MAX_ANCHORS = 8,
	CHANGE_MAX_WORDS = 64, // of a command or environment
	CHANGE_MAX_TOLD = 8,   // keys that play one part
	CHANGE_MAX_RESOLVERS = 8,
	CHANGE_SERIAL_TOLERANCE = 100,
};
#define CHANGE_HEAD_ROOM_MS (7 * DAY_MS)

struct change_server {
	struct dns_name name;
	size_t address_count;
	struct address *addresses;
};

// Ways to bring something about. Record sets go by ddns where there is one; what no update can
// express (that servers stop, that a signer changes) goes by exec; what has no way is asked of a
// person, who says `baton done`.
struct change_ddns {
	bool is_set;
	struct dns_name zone; // the zone that is updated
	struct address server;
	const char *key; // path of a file with "algorithm:name:secret"
	int64_t timeout_ms;
};

struct change_exec {
	bool is_set;
	const char *const *command;     // NULL-terminated
	const char *const *environment; // NULL-terminated, "NAME=value"
	int64_t timeout_ms;
	bool idempotent;   // may be repeated where nobody knows how it ended
	const bool *steps; // by index of the procedure's steps: what it does; NULL: every step
};

struct change_ways {
	struct change_ddns ddns;
	struct change_exec exec;
};

struct change_party {
	int party; // index into procedure->parties
	size_t server_count;
	struct change_server *servers;
	int64_t lag_ms;              // worst propagation to all instances of its addresses
	bool approves_automatically; // gives its approvals beforehand, in the definition
	bool confirms_automatically; // likewise its relays, announcements, confirmations and checks
	bool samples_complete;       // declared: when the samples carry new signatures, so does
	                             // everything
	struct change_ways ways;     // for what this party publishes, or, a signer, signs
	struct change_ways at_parent; // for what this party has the parent publish
};

struct change_sample {
	struct dns_name name;
	uint16_t type;
};

// What a delegation has to pass before the parent is asked for it (src/technical); is_set false:
// nothing.
struct change_technical {
	bool is_set;
	const char *networks, *prohibited; // paths; NULL: none, the special-purpose networks
	size_t resolver_count;
	struct address resolvers[CHANGE_MAX_RESOLVERS];
	int64_t head_room_ms;
	uint32_t serial_tolerance;
	const bool *wanted;         // by index of technical_checks; NULL: all
	const char *const *waivers; // reasons, likewise; NULL: none is waived
};

struct change_definition {
	const char *file, *id;
	const char *text; // the whole file
	size_t text_length;
	struct dns_name zone, parent_zone;
	const struct procedure *procedure;
	const char *procedure_path, *procedure_text;
	size_t procedure_length;
	const char *journal_path;
	int64_t poll_ms;
	int64_t bridge_ms;   // how long a time without observation is bridged; 0: the usual
	uint32_t data_ttl_s; // declared: the largest TTL in the zone; 0: not declared
	bool may_be_insecure;
	int64_t unchanged_since_ms; // declared past; TIME_NEVER_MS: not declared
	size_t sample_count;        // RRsets whose signatures stand for the data's
	struct change_sample samples[CHANGE_MAX_SAMPLES];
	size_t anchor_count; // DS records of the parent's keys, as text
	const char *anchors[CHANGE_MAX_ANCHORS];
	// Keys by index of the procedure's keys, as DNSKEY RDATA in text, NULL-terminated: those
	// that are told because they cannot be seen yet. NULL: found by looking.
	const char *const *keys[PROCEDURE_MAX_KEYS];
	struct change_technical technical;
	uint32_t confirmed; // bits over enum procedure_require: what people vouch for
	struct change_party parties[PROCEDURE_MAX_PARTIES]; // by index of the procedure's parties
	uint32_t described; // bits over parties that the file describes
	int parent;         // party that is the parent zone
};

enum result change_definition_load(struct arena *arena, const char *path,
        const struct change_definition **out, struct error *err);

// The same from texts, for a definition that comes from a journal. Paths inside are relative to
// `file`.
enum result change_definition_parse(struct arena *arena, const char *file, const char *text,
        size_t length, const char *procedure_path, const char *procedure_text,
        size_t procedure_length, const struct change_definition **out, struct error *err);

// Whether everything that the definition names outside of itself is there: the files of keys can be
// read and hold one, the programs can be run. RESULT_NOT_FOUND with a sentence.
enum result change_definition_usable(const struct change_definition *definition, struct error *err);

// Whether the command is given, and for this step.
bool change_exec_does(const struct change_exec *exec, int step);

// The ways to bring about what `publisher` (a party, or PROCEDURE_PARENT) is to serve when `by`
// acts; never NULL, but perhaps with nothing set. A signer, whose zones others publish, has hands
// of its own there, if any are described.
const struct change_ways *change_ways_of(
        const struct change_definition *definition, int by, int publisher);
