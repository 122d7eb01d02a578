// One record of a journal: what it holds, and how it is hashed.
//
// The hash of a record is SHA-256 over this text (\n is one octet 0x0a; there is none at the end):
//
//     baton-journal 1\n        the version of this form
//     17\n                     sequence number, decimal, from 1 on without a gap
//     5f2c…\n                  hash of the record before, 64 lower-case hex digits; zeros before 1
//     1795282800000\n          time in milliseconds since the Unix epoch, decimal
//     verdict\n                kind
//     move-example\n           change, may be empty
//     add-new-ds\n             step, may be empty
//     {"answer":"safe"}        payload, canonical JSON (base/json.h)
//
// None of the fields before the payload can contain a line end, so no two records have the same
// text. It needs no Baton to re-check a record: sqlite3 and sha256sum do.
//
//     sqlite3 j "SELECT format('baton-journal %d%s%d%s%s%s%d%s%s%s%s%s%s%s%s', version, char(10),
//         seq, char(10), lower(hex(previous)), char(10), time, char(10), kind, char(10), change,
//         char(10), step, char(10), payload) FROM record WHERE seq = 17" | head -c -1 | sha256sum
//
// A struct journal_record that a reader gets points into memory of the journal and is valid only
// until the callback that got it returns.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_RECORD_VERSION 1
#define JOURNAL_MAX_PAYLOAD    (4u << 20) // octets of one payload
#define JOURNAL_MAX_ID         255        // octets of a change id or a step id

enum journal_kind {
	JOURNAL_ANY,            // in a filter only: every kind
	JOURNAL_FOREIGN,        // when reading only: a kind that this version does not know
	JOURNAL_GENESIS,        // the first record: the journal's own random identity
	JOURNAL_CHANGE_CREATED, // the whole definition of a change, and its procedure's text hash
	JOURNAL_OBSERVATION,    // an edition as one address showed it, first and last seen
	JOURNAL_VERDICT,        // what was asked, of which history, the answer and the witness
	JOURNAL_INTENT,         // about to act: an id that no other attempt has
	JOURNAL_SENT,           // the act has left this machine
	JOURNAL_REPLY,          // what came back; never evidence
	JOURNAL_RESULT,         // how the attempt ended
	JOURNAL_UNKNOWN,        // nobody knows how the attempt ended
	JOURNAL_APPROVAL,       // a party agrees to a step
	JOURNAL_DONE,           // a party says that it did a step
	JOURNAL_UNDO,           // a party wants a step undone
	JOURNAL_NOTE,           // for people
	JOURNAL_STATE,          // where a change stands
	JOURNAL_KINDS,
};

struct journal_hash {
	uint8_t octets[32];
};

struct journal_record {
	int64_t version, seq, time_ms; // seq from 1
	struct journal_hash previous, hash;
	enum journal_kind kind;
	const char *kind_text;     // also of a JOURNAL_FOREIGN record
	const char *change, *step; // "" where there is none
	const char *payload;       // canonical JSON, an object
	size_t payload_length;
};

// "change-created"; NULL for what is no kind to write (JOURNAL_ANY, JOURNAL_FOREIGN).
const char *journal_kind_text(enum journal_kind kind);
// JOURNAL_FOREIGN where the name is not known.
enum journal_kind journal_kind_parse(const char *text);

// Up to JOURNAL_MAX_ID octets of printable ASCII; "" is one.
bool journal_id_valid(const char *id);

// The hash of a record's other fields; RESULT_MEMORY is the only error.
enum result journal_record_hash(
        const struct journal_record *record, struct journal_hash *hash, struct error *err);

bool journal_hash_equal(const struct journal_hash *a, const struct journal_hash *b);
#define JOURNAL_HASH_TEXT 65
// 64 lower-case hex digits; buf has JOURNAL_HASH_TEXT octets. Returns buf.
char *journal_hash_format(const struct journal_hash *hash, char *buf);
// 64 hex digits of either case; RESULT_INPUT otherwise.
enum result journal_hash_parse(const char *text, struct journal_hash *hash, struct error *err);

// Is everything about the record, seen alone, as it should be: known version, ids, hash. On
// RESULT_CORRUPT *field (may be NULL) names what is not; the kind of a record that passes is set
// from its text. Whether the payload is canonical and the record follows the one before is for
// verify.h.
enum result journal_record_check(
        struct journal_record *record, const char **field, struct error *err);
