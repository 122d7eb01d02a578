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
	CHANGE_MAX_SAMPLES = 32,
	CHANGE_MAX_WORDS = 64, // of a command or environment
};

struct change_server {
	struct dns_name name;
	size_t address_count;
	struct address *addresses;
};

enum change_channel_kind {
	CHANGE_BY_PERSON, // somebody is told and says `baton done`
	CHANGE_BY_DDNS,   // RFC 2136 with TSIG
	CHANGE_BY_EXEC,   // a command
};

struct change_channel {
	enum change_channel_kind kind;
	struct dns_name ddns_zone;
	struct address ddns_server;
	const char *ddns_key;           // path of a file with "algorithm:name:secret"
	const char *const *command;     // NULL-terminated
	const char *const *environment; // NULL-terminated, "NAME=value"
	int64_t timeout_ms;
	bool idempotent; // a command that may be repeated where nobody knows how it ended
};

struct change_party {
	int party; // index into procedure->parties
	size_t server_count;
	struct change_server *servers;
	int64_t lag_ms;              // worst propagation to all instances of its addresses
	int64_t unchanged_since_ms;  // declared: it served then what it serves now; TIME_NEVER_MS:
	                             // not declared
	bool approves_automatically; // gives its approvals beforehand, in the definition
	bool confirms_automatically; // likewise its relays, announcements and confirmations
	struct change_channel channel;   // for what this party publishes
	struct change_channel at_parent; // for what this party has the parent publish; PERSON where
	                                 // it is not said
	bool has_at_parent;
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
	const char *trust_anchor_path; // NULL: none
	int64_t poll_ms;
	uint32_t data_ttl_s; // declared: the largest TTL in the zone; 0: not declared
	bool may_be_insecure;
	size_t sample_count; // names whose signatures are looked at
	struct dns_name *samples;
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

// How the effects of a step on this publisher (a party, or PROCEDURE_PARENT) are brought about when
// `by` acts; never NULL.
const struct change_channel *change_channel_of(
        const struct change_definition *definition, int by, int publisher);
