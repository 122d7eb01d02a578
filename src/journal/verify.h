// Re-checking a whole journal, by somebody who trusts neither the file nor whoever kept it.
//
//     struct journal_verify_options options = {.head = &noted};   // from outside the journal
//     struct journal_report report;
//     if (journal_verify("move.journal", &options, &report, err) != RESULT_OK)
//             return err->code;                             // could not be judged at all
//     if (!report.good)
//             puts(report.text);      // "move.journal: record 17: hash: is not that of …"
//
// The journal is walked from its genesis record on: every record follows the one before in number
// and hash, matches its own hash, and has a payload in canonical form; then the file's own
// structure is checked. That finds every changed octet, and every record that was put in, taken out
// or moved, of a journal whose later records were left alone. Only a head that was noted elsewhere
// finds a cut tail, and a journal that was computed anew from some record on: so note heads (print
// them, mail them, sign them).
//
// The expected head must be the last record's hash. Where the chain goes on behind it, everything
// up to it is proven, and the report says so, but the journal is not good: what was added later may
// have been added by anybody.
//
// A visitor sees every record that has passed, in order, with its payload, and so can re-judge what
// the record claims (a verdict from the observations before it).
#pragma once

#include "journal/journal.h"

// RESULT_OK goes on. RESULT_CORRUPT, _INPUT, _LIMIT, _NOT_FOUND, _CONFLICT: the record's claim is
// false or none, err says how, and the journal is bad. Anything else (the machine failed, a newer
// Baton may know better) ends the verification with this result. The payload belongs to the
// verifier.
typedef enum result (*journal_verify_visit)(
        void *ctx, const struct journal_record *record, const json_t *payload, struct error *err);

struct journal_verify_options {
	const struct journal_hash *head; // NULL: not known
	journal_verify_visit visit;      // NULL: none
	void *ctx;
};

struct journal_report {
	bool good;
	int64_t records;          // that passed, from the first on
	struct journal_mark head; // the last of them
	int64_t expected_seq; // the record that has the expected head; 0: none given, or not met
	int64_t foreign;      // records of a kind that this version does not know
	int64_t bad_seq;      // the first bad record; 0 where the fault is not in a record
	// "" when good. Of a record: seq, version, previous, time, kind, change, step, payload,
	// hash; "content" is one or several of time to payload. Of the journal: "head" (not as
	// expected), "file" (its structure).
	char field[16];
	char text[sizeof(
	        ((struct error *)0)->text)]; // one sentence for people, in the good case, too
};

// RESULT_OK: the report is complete, good or bad. Anything else: the file cannot be judged
// (missing, no journal, written by a newer Baton, no permission, no memory); the report is then not
// set.
enum result journal_verify(const char *path, const struct journal_verify_options *options,
        struct journal_report *report, struct error *err);

// {"bad":null,"good":true,"head":"…","records":17,…}, as baton-verify(1) describes it; NULL without
// memory. The caller's to json_decref().
json_t *journal_report_json(const struct journal_report *report);
