// What a journal needs of the place where its records are kept: one table with a row for each
// record, transactions that are on disk when they are committed, and a lock. SQLite is behind it
// now (store_sqlite.c).
//
// A store knows nothing of chains, kinds or limits; it keeps rows as they are and gives them back
// as they are, also where somebody has changed them behind its back. The journal above is its only
// user. A store is used by one thread, with at most one transaction and one selection at a time.
//
// Errors, in words with the store's name: RESULT_CONFLICT where another program holds a lock,
// RESULT_CORRUPT where the store contradicts itself, RESULT_SYSTEM (disk full, no permission,
// input/output), RESULT_MEMORY, RESULT_LIMIT. After any failure within a transaction the caller
// rolls back.
#pragma once

#include "journal/journal.h"

struct store {
	const char *name; // for messages; the path of a file
	bool fresh;       // there is nothing in it yet; the first transaction makes the tables
	bool unused; // set by the user: what this opening has made is removed again when it closes

	// A transaction. One that writes keeps other writers out, one that reads sees one state.
	enum result (*begin)(struct store *store, bool write, struct error *err);
	// RESULT_OK: durable.
	enum result (*commit)(struct store *store, struct error *err);
	void (*rollback)(struct store *store);

	enum result (*insert)(
	        struct store *store, const struct journal_record *record, struct error *err);
	// Sequence number and hash of the last row; 0 and zeros where there is none.
	enum result (*last)(struct store *store, struct journal_mark *mark, struct error *err);

	// Rows that match, in order. next() gives them one by one: RESULT_NOT_FOUND after the last
	// one; where a row has a column of a wrong type, RESULT_CORRUPT with record->seq and
	// *field set. A row is valid until next() or unselect().
	enum result (*select)(
	        struct store *store, const struct journal_filter *filter, struct error *err);
	enum result (*next)(struct store *store, struct journal_record *record, const char **field,
	        struct error *err);
	void (*unselect)(struct store *store);

	// Whether the store's own structure (pages, indexes) is sound: RESULT_CORRUPT if not.
	enum result (*check)(struct store *store, struct error *err);
	void (*close)(struct store *store);
};

// An SQLite file. JOURNAL_WRITE and JOURNAL_CREATE lock PATH.lock until closed.
enum result store_sqlite_open(
        const char *path, enum journal_mode mode, struct store **store, struct error *err);
