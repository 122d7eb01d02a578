// The journal: what was seen, judged, approved and done, in order, so that a third party can check
// it later, and so that a killed program knows where it was.
//
// A journal is a list of records (record.h) that only grows. Each record carries the hash of the
// one before, so that the hash of the last one, the *head*, stands for the whole history: whoever
// has noted a head can tell later whether anything before it was changed (verify.h).
//
//     struct journal_options options = {.clock = clock_system(), .random = random_system()};
//     struct journal *journal;
//     if (journal_open("move.journal", JOURNAL_CREATE, &options, &journal, err) != RESULT_OK)
//             return err->code;                       // "move.journal is being written by …"
//     struct journal_entry entry = {.kind = JOURNAL_INTENT, .change = "move-example",
//             .step = "add-new-ds", .payload = payload};
//     struct journal_mark mark;
//     if (journal_append(journal, &entry, &mark, err) != RESULT_OK)
//             return err->code;                       // nothing was written
//     …now act: the intent survives kill -9 and power loss…
//     journal_close(journal);
//
//     struct journal_filter of_change = {.change = "move-example", .from_seq = mark.seq};
//     journal_iterate(journal, &of_change, visit, ctx, err);
//
// An append is one transaction: when it returns RESULT_OK the records are on the disk; when it
// returns anything else, none of them is there (only after an input/output error may they be found
// there later; the journal then takes no further record until it is opened again). A file that was
// deleted, moved or emptied while it was open takes no record (RESULT_CONFLICT). The journal
// never looks into a payload except that it is a JSON object in canonical form.
//
// Who may write: one program at a time *runs* a journal (JOURNAL_WRITE, JOURNAL_CREATE; a second
// one gets RESULT_CONFLICT). Beside it, a person's command adds what a person has to say
// (JOURNAL_GUEST: approval, done, undo, note); the running program finds it by iterating from the
// sequence number after the last one it knows. Readers hinder nobody and are hindered by nobody.
//
// Nothing about persons belongs into a payload: see private.h.
//
// Memory: the journal belongs to the caller until journal_close(). Payloads of entries stay the
// caller's. Records given to a callback are the journal's, until the callback returns. A journal is
// used by one thread.
//
// Errors: RESULT_NOT_FOUND no such file; RESULT_INPUT a file that is no journal, or an entry that
// cannot be one; RESULT_UNSUPPORTED a journal of a newer Baton; RESULT_CONFLICT somebody else
// writes; RESULT_CORRUPT damaged or changed; RESULT_LIMIT too large; RESULT_SYSTEM disk full, no
// permission, input/output.
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "journal/record.h"

#include <jansson.h>

#define JOURNAL_SCHEMA    1
#define JOURNAL_MAX_BATCH 10000 // records in one transaction

struct journal;

enum journal_mode {
	JOURNAL_READ,
	JOURNAL_GUEST,  // adds approvals, done, undo and notes, also while another program runs it
	JOURNAL_WRITE,  // runs it: the file exists
	JOURNAL_CREATE, // runs it: the file is made where it does not exist
};

struct journal_options {
	struct clock clock;   // the time of new records; not needed to read
	struct random random; // the identity of a new journal; needed for JOURNAL_CREATE only
};

struct journal_entry {
	enum journal_kind kind;
	const char *change, *step; // NULL is ""
	const json_t *payload;     // an object; NULL is {}
};

struct journal_mark {
	int64_t seq;
	struct journal_hash hash;
};

struct journal_filter {
	int64_t from_seq;       // 0: from the first (newest_first: down to it)
	enum journal_kind kind; // JOURNAL_ANY: every kind
	const char *change;     // NULL: every change; "": records of none
	int64_t limit;          // at most so many; 0: all
	bool newest_first;
};

// Anything but RESULT_OK ends the iteration and is its result.
typedef enum result (*journal_visit)(
        void *ctx, const struct journal_record *record, struct error *err);

// Opens a journal; a last record that does not match its hash is RESULT_CORRUPT (the whole chain is
// for verify.h). options may be NULL for JOURNAL_READ.
enum result journal_open(const char *path, enum journal_mode mode,
        const struct journal_options *options, struct journal **journal, struct error *err);
void journal_close(struct journal *journal); // NULL is fine

// Durable when it returns. mark (may be NULL) tells where the record is.
enum result journal_append(struct journal *journal, const struct journal_entry *entry,
        struct journal_mark *mark, struct error *err);
// All of them or none; marks (may be NULL) has room for count.
enum result journal_append_all(struct journal *journal, const struct journal_entry *entries,
        size_t count, struct journal_mark *marks, struct error *err);

// Sequence number and hash of the last record. A journal has at least its genesis record.
enum result journal_head(struct journal *journal, struct journal_mark *head, struct error *err);

// Every record that matches, one at a time in one consistent state, each checked against its own
// hash; also without end in sight it takes no more memory than the largest record. The callback
// must not use the same journal.
enum result journal_iterate(struct journal *journal, const struct journal_filter *filter,
        journal_visit visit, void *ctx, struct error *err);

// The payload as a value; the caller's to json_decref().
enum result journal_payload(
        const struct journal_record *record, json_t **payload, struct error *err);
