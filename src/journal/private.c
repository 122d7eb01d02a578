#include "journal/private.h"

#include <assert.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/sql.h"

#define SALT_OCTETS 32

static const struct sql_schema schema = {
        .what = "a journal's private file",
        .application_id = 0x42617470, // "Batp"
        .version = 1,
        .objects = "CREATE TABLE private(hash BLOB PRIMARY KEY, salt BLOB NOT NULL, "
                   "text TEXT NOT NULL) STRICT, WITHOUT ROWID\n",
};

struct journal_private {
	struct sql sql;
	char *path;
	bool writable;
	bool made; // this opening has made the file
	struct random random;
};

static enum result hash_text(
        const uint8_t *salt, const char *text, struct journal_hash *hash, struct error *err)
{
	static const char label[] = "baton-private 1\n";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(ctx, label, sizeof label - 1) == 1 &&
	            EVP_DigestUpdate(ctx, salt, SALT_OCTETS) == 1 &&
	            EVP_DigestUpdate(ctx, text, strlen(text)) == 1 &&
	            EVP_DigestFinal_ex(ctx, hash->octets, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? RESULT_OK : error_set(err, RESULT_MEMORY, "cannot compute a SHA-256 hash");
}

static enum result in_transaction(struct journal_private *p, enum result result, struct error *err)
{
	if (result == RESULT_OK)
		result = sql_exec(&p->sql, "COMMIT", "write", err);
	if (result != RESULT_OK)
		sql_rollback(&p->sql);
	return result;
}

// A rollback journal and not a write-ahead log: the log would keep what was erased.
static enum result prepare(struct journal_private *p, struct error *err)
{
	bool fresh;
	enum result result = sql_check_schema(&p->sql, &schema, &fresh, err);
	if (result == RESULT_OK && p->writable)
		result = sql_exec(&p->sql,
		        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; "
		        "PRAGMA secure_delete = ON",
		        "open", err);
	if (result != RESULT_OK || !fresh)
		return result;
	if (!p->writable)
		return error_set(err, RESULT_NOT_FOUND, "%s: holds no private values yet", p->path);
	result = sql_exec(&p->sql, "BEGIN IMMEDIATE", "create", err);
	if (result != RESULT_OK)
		return result;
	// Somebody else may have been faster.
	result = sql_check_schema(&p->sql, &schema, &fresh, err);
	if (result == RESULT_OK && fresh)
		result = sql_write_schema(&p->sql, &schema, err);
	return in_transaction(p, result, err);
}

// The caller frees it; NULL without memory.
static char *path_of(const char *journal_path)
{
	char *path;
	return asprintf(&path, "%s.private", journal_path) < 0 ? NULL : path;
}

bool journal_private_exists(const char *journal_path)
{
	char *path = path_of(journal_path);
	bool exists = path != NULL && access(path, F_OK) == 0;
	free(path);
	return exists;
}

enum result journal_private_open(const char *journal_path, bool writable,
        const struct random *random, struct journal_private **private_file, struct error *err)
{
	assert(!writable || random != NULL);
	struct journal_private *p = calloc(1, sizeof *p);
	if (p != NULL)
		p->path = path_of(journal_path);
	if (p == NULL || p->path == NULL) {
		free(p);
		return error_set(err, RESULT_MEMORY, "%s.private: no memory", journal_path);
	}
	p->writable = writable;
	if (random != NULL)
		p->random = *random;
	if (writable) {
		// Made here and not by SQLite, for the mode; where it exists, nothing happens.
		int fd = open(p->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		p->made = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	enum result result = sql_open(&p->sql, p->path, writable ? SQL_CREATE : SQL_READ, err);
	if (result == RESULT_OK)
		result = prepare(p, err);
	if (result == RESULT_OK)
		*private_file = p;
	else
		journal_private_close(p);
	return result;
}

// A table that was never made holds nothing, either.
static bool holds_nothing(struct journal_private *p)
{
	sqlite3_stmt *statement = NULL;
	struct error ignored;
	if (p->sql.db == NULL || sql_prepare(&p->sql, "SELECT 1 FROM private LIMIT 1", &statement,
	                                 &ignored) != RESULT_OK)
		return true;
	bool nothing = sqlite3_step(statement) == SQLITE_DONE;
	sqlite3_finalize(statement);
	return nothing;
}

void journal_private_close(struct journal_private *private_file)
{
	if (private_file == NULL)
		return;
	bool empty = private_file->made && holds_nothing(private_file);
	sql_close(&private_file->sql);
	if (empty)
		unlink(private_file->path);
	free(private_file->path);
	free(private_file);
}

static bool bind_octets(sqlite3_stmt *statement, int column, const void *octets, int n)
{
	return sqlite3_bind_blob(statement, column, octets, n, SQLITE_STATIC) == SQLITE_OK;
}

static enum result insert(struct journal_private *p, const struct journal_hash *hash,
        const uint8_t *salt, const char *text, struct error *err)
{
	sqlite3_stmt *statement;
	enum result result = sql_prepare(&p->sql,
	        "INSERT INTO private(hash, salt, text) VALUES(?1, ?2, ?3)", &statement, err);
	if (result != RESULT_OK)
		return result;
	bool good = bind_octets(statement, 1, hash->octets, sizeof hash->octets) &&
	            bind_octets(statement, 2, salt, SALT_OCTETS) &&
	            sqlite3_bind_text(statement, 3, text, -1, SQLITE_STATIC) == SQLITE_OK &&
	            sqlite3_step(statement) == SQLITE_DONE;
	if (!good)
		result = sql_error(&p->sql, "write", err);
	sqlite3_finalize(statement);
	return result;
}

enum result journal_private_put(struct journal_private *private_file, const char *text,
        struct journal_hash *hash, struct error *err)
{
	struct journal_private *p = private_file;
	if (!p->writable)
		return error_set(err, RESULT_REFUSED, "%s: opened for reading only", p->path);
	if (strlen(text) > JOURNAL_MAX_PRIVATE)
		return error_set(err, RESULT_LIMIT, "%s: a text of more than %u octets", p->path,
		        JOURNAL_MAX_PRIVATE);
	uint8_t salt[SALT_OCTETS];
	p->random.fill(p->random.ctx, salt, sizeof salt);
	struct journal_hash made;
	enum result result = hash_text(salt, text, &made, err);
	if (result == RESULT_OK)
		result = insert(p, &made, salt, text, err);
	if (result == RESULT_OK)
		*hash = made;
	return result;
}

static enum result read_value(struct journal_private *p, sqlite3_stmt *row,
        const struct journal_hash *hash, struct arena *arena, const char **text, struct error *err)
{
	const uint8_t *salt = sqlite3_column_blob(row, 0);
	int salt_octets = sqlite3_column_bytes(row, 0);
	const char *stored = (const char *)sqlite3_column_text(row, 1);
	struct journal_hash computed;
	if (salt == NULL || salt_octets != SALT_OCTETS || stored == NULL)
		return error_set(err, RESULT_CORRUPT, "%s: a value is damaged", p->path);
	enum result result = hash_text(salt, stored, &computed, err);
	if (result != RESULT_OK)
		return result;
	if (!journal_hash_equal(&computed, hash))
		return error_set(
		        err, RESULT_CORRUPT, "%s: a value does not match its hash", p->path);
	const char *copy = arena_strdup(arena, stored);
	if (copy == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory", p->path);
	*text = copy;
	return RESULT_OK;
}

static enum result not_found(struct journal_private *p, struct error *err)
{
	return error_set(err, RESULT_NOT_FOUND,
	        "%s: there is no value of this hash: it was erased, or never stored here", p->path);
}

enum result journal_private_get(struct journal_private *private_file,
        const struct journal_hash *hash, struct arena *arena, const char **text, struct error *err)
{
	struct journal_private *p = private_file;
	sqlite3_stmt *statement;
	enum result result = sql_prepare(
	        &p->sql, "SELECT salt, text FROM private WHERE hash = ?1", &statement, err);
	if (result != RESULT_OK)
		return result;
	if (!bind_octets(statement, 1, hash->octets, sizeof hash->octets))
		result = sql_error(&p->sql, "read", err);
	else {
		int code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			result = read_value(p, statement, hash, arena, text, err);
		else if (code == SQLITE_DONE)
			result = not_found(p, err);
		else
			result = sql_error(&p->sql, "read", err);
	}
	sqlite3_finalize(statement);
	return result;
}

enum result journal_private_erase(
        struct journal_private *private_file, const struct journal_hash *hash, struct error *err)
{
	struct journal_private *p = private_file;
	if (!p->writable)
		return error_set(err, RESULT_REFUSED, "%s: opened for reading only", p->path);
	sqlite3_stmt *statement;
	enum result result =
	        sql_prepare(&p->sql, "DELETE FROM private WHERE hash = ?1", &statement, err);
	if (result != RESULT_OK)
		return result;
	if (!bind_octets(statement, 1, hash->octets, sizeof hash->octets) ||
	        sqlite3_step(statement) != SQLITE_DONE)
		result = sql_error(&p->sql, "write", err);
	else if (sqlite3_changes(p->sql.db) == 0)
		result = not_found(p, err);
	sqlite3_finalize(statement);
	return result;
}
