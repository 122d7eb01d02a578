// What the two SQLite files of a journal (the records, the private values) have in common: opening
// with the same care, and saying in words what failed. Used inside this folder only.
//
// A file that comes from elsewhere is hostile: the schema must be, to the letter, the one that
// Baton writes, so that no trigger or view of somebody else ever runs.
#pragma once

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>

enum sql_access { SQL_READ, SQL_WRITE, SQL_CREATE };

struct sql_schema {
	const char *what;   // "a Baton journal"
	int application_id; // of the file's header
	int version;        // of the schema: user_version
	const char *
	        objects; // each object's SQL as SQLite keeps it, in order of name, "\n" behind each
};

struct sql {
	sqlite3 *db;
	const char *path; // the caller's; outlives this
	bool alone;       // a reader of a file that had no log beside it when it was opened
};

// A connection to a file that exists, or is made empty with SQL_CREATE. RESULT_NOT_FOUND.
enum result sql_open(struct sql *sql, const char *path, enum sql_access access, struct error *err);
void sql_close(struct sql *sql);

// *fresh: the file is still empty, has neither schema nor identity.
enum result sql_check_schema(
        struct sql *sql, const struct sql_schema *schema, bool *fresh, struct error *err);
// Makes the schema, within the caller's transaction.
enum result sql_write_schema(struct sql *sql, const struct sql_schema *schema, struct error *err);

// "PATH: cannot DOING: …" for the connection's last error, and the result that goes with it.
enum result sql_error(struct sql *sql, const char *doing, struct error *err);

enum result sql_exec(struct sql *sql, const char *statement, const char *doing, struct error *err);
enum result sql_prepare(
        struct sql *sql, const char *text, sqlite3_stmt **statement, struct error *err);
// PRAGMA integrity_check, and that it finds nothing.
enum result sql_check_pages(struct sql *sql, struct error *err);
void sql_rollback(struct sql *sql);
