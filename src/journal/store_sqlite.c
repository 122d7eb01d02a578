#include "journal/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/sql.h"

static const struct sql_schema schema = {
        .what = "a Baton journal",
        .application_id = 0x4261746a, // "Batj"
        .version = JOURNAL_SCHEMA,
        // In order of name. The indexes carry seq, too, as every index carries the row's number.
        .objects = "CREATE TABLE record(seq INTEGER PRIMARY KEY, version INTEGER NOT NULL, "
                   "previous BLOB NOT NULL, time INTEGER NOT NULL, kind TEXT NOT NULL, "
                   "change TEXT NOT NULL, step TEXT NOT NULL, payload TEXT NOT NULL, "
                   "hash BLOB NOT NULL) STRICT\n"
                   "CREATE INDEX record_change ON record(change)\n"
                   "CREATE INDEX record_kind ON record(kind)\n",
};

struct sqlite_store {
	struct store store;
	struct sql sql;
	char *path, *lock_path;
	int lock; // a descriptor, or -1
	bool writing;
	bool broken; // the disk failed: what is on it is not what we think
	bool made;   // this opening has made the file
	sqlite3_stmt *insert, *last, *selection;
};

static struct sqlite_store *of(struct store *store)
{
	return (struct sqlite_store *)store;
}

// Does the name still stand for the file that is open? A file without a name could be written to,
// and everything would be lost with the last descriptor.
static bool is_file_of(int fd, const char *path)
{
	struct stat held, named;
	return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
	       held.st_dev == named.st_dev;
}

// Somebody may delete, move or empty the file while it is open, or take our lock away. What is
// recorded then would not be found again.
static enum result check_place(struct sqlite_store *s, struct error *err)
{
	int moved = 0;
	struct stat status;
	sqlite3_file_control(s->sql.db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		return error_set(err, RESULT_CONFLICT,
		        "%s: cannot write: the file was deleted, moved or replaced while it was "
		        "open",
		        s->path);
	if (!s->store.fresh && stat(s->path, &status) == 0 && status.st_size == 0)
		return error_set(err, RESULT_CONFLICT,
		        "%s: cannot write: the file was emptied while it was open", s->path);
	if (s->lock >= 0 && !is_file_of(s->lock, s->lock_path))
		return error_set(err, RESULT_CONFLICT,
		        "%s: cannot write: %s was removed, so that another program may be writing, "
		        "too",
		        s->path, s->lock_path);
	return RESULT_OK;
}

static enum result store_begin(struct store *store, bool write, struct error *err)
{
	struct sqlite_store *s = of(store);
	if (write && s->broken)
		return error_set(err, RESULT_SYSTEM,
		        "%s: cannot write: the disk failed before; check it, then open the journal "
		        "again",
		        store->name);
	enum result result = write ? check_place(s, err) : RESULT_OK;
	if (result == RESULT_OK)
		result = sql_exec(&s->sql, write ? "BEGIN IMMEDIATE" : "BEGIN",
		        write ? "write" : "read", err);
	if (result == RESULT_OK && write && store->fresh) {
		result = sql_write_schema(&s->sql, &schema, err);
		if (result != RESULT_OK)
			sql_rollback(&s->sql);
	}
	if (result == RESULT_OK)
		s->writing = write;
	return result;
}

static void store_rollback(struct store *store)
{
	sql_rollback(&of(store)->sql);
}

static enum result store_commit(struct store *store, struct error *err)
{
	struct sqlite_store *s = of(store);
	enum result result = sql_exec(&s->sql, "COMMIT", s->writing ? "write" : "read", err);
	// After a failed fsync(2) the kernel may report the next one as good although the earlier
	// data are lost, so that a later record would hang in the air.
	if (result != RESULT_OK && s->writing && sqlite3_errcode(s->sql.db) == SQLITE_IOERR)
		s->broken = true;
	if (result == RESULT_OK && s->writing)
		store->fresh = false;
	return result;
}

static bool bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	return sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC) == SQLITE_OK;
}

static bool bind_hash(sqlite3_stmt *statement, int column, const struct journal_hash *hash)
{
	return sqlite3_bind_blob(statement, column, hash->octets, sizeof hash->octets,
	               SQLITE_STATIC) == SQLITE_OK;
}

static enum result store_insert(
        struct store *store, const struct journal_record *record, struct error *err)
{
	struct sqlite_store *s = of(store);
	enum result result = RESULT_OK;
	if (s->insert == NULL)
		result = sql_prepare(&s->sql,
		        "INSERT INTO record(seq, version, previous, time, kind, change, step, "
		        "payload, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		        &s->insert, err);
	if (result != RESULT_OK)
		return result;
	sqlite3_stmt *i = s->insert;
	bool good = sqlite3_bind_int64(i, 1, record->seq) == SQLITE_OK &&
	            sqlite3_bind_int64(i, 2, record->version) == SQLITE_OK &&
	            bind_hash(i, 3, &record->previous) &&
	            sqlite3_bind_int64(i, 4, record->time_ms) == SQLITE_OK &&
	            bind_text(i, 5, record->kind_text) && bind_text(i, 6, record->change) &&
	            bind_text(i, 7, record->step) &&
	            sqlite3_bind_text(i, 8, record->payload, (int)record->payload_length,
	                    SQLITE_STATIC) == SQLITE_OK &&
	            bind_hash(i, 9, &record->hash) && sqlite3_step(i) == SQLITE_DONE;
	if (!good)
		result = sql_error(&s->sql, "write", err);
	sqlite3_reset(i);
	sqlite3_clear_bindings(i);
	return result;
}

static enum result store_last(struct store *store, struct journal_mark *mark, struct error *err)
{
	struct sqlite_store *s = of(store);
	enum result result = RESULT_OK;
	if (s->last == NULL)
		result = sql_prepare(&s->sql,
		        "SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1", &s->last, err);
	if (result != RESULT_OK)
		return result;
	struct journal_mark found = {0};
	int code = sqlite3_step(s->last);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		result = sql_error(&s->sql, "read", err);
	else if (code == SQLITE_ROW) {
		found.seq = sqlite3_column_int64(s->last, 0);
		if (sqlite3_column_type(s->last, 1) == SQLITE_BLOB &&
		        sqlite3_column_bytes(s->last, 1) == sizeof found.hash.octets)
			memcpy(found.hash.octets, sqlite3_column_blob(s->last, 1),
			        sizeof found.hash.octets);
		else
			result = error_set(err, RESULT_CORRUPT,
			        "%s: record %lld: hash: expected 32 octets", store->name,
			        (long long)found.seq);
	}
	sqlite3_reset(s->last);
	if (result == RESULT_OK)
		*mark = found;
	return result;
}

static void store_unselect(struct store *store)
{
	sqlite3_finalize(of(store)->selection);
	of(store)->selection = NULL;
}

static enum result store_select(
        struct store *store, const struct journal_filter *filter, struct error *err)
{
	struct sqlite_store *s = of(store);
	// Without a condition on an indexed column: in order of the table itself, whatever the
	// indexes say.
	bool indexed = filter->change != NULL || filter->kind != JOURNAL_ANY;
	char text[400];
	snprintf(text, sizeof text,
	        "SELECT seq, version, previous, time, kind, change, step, payload, hash "
	        "FROM record %s WHERE true%s%s%s ORDER BY seq %s LIMIT ?4",
	        indexed ? "" : "NOT INDEXED", filter->from_seq > 0 ? " AND seq >= ?1" : "",
	        filter->change != NULL ? " AND change = ?2" : "",
	        filter->kind != JOURNAL_ANY ? " AND kind = ?3" : "",
	        filter->newest_first ? "DESC" : "ASC");
	store_unselect(store);
	enum result result = sql_prepare(&s->sql, text, &s->selection, err);
	if (result != RESULT_OK)
		return result;
	bool good = true;
	if (filter->from_seq > 0)
		good = sqlite3_bind_int64(s->selection, 1, filter->from_seq) == SQLITE_OK;
	if (good && filter->change != NULL)
		good = bind_text(s->selection, 2, filter->change);
	if (good && filter->kind != JOURNAL_ANY)
		good = bind_text(s->selection, 3, journal_kind_text(filter->kind));
	// A negative limit is none.
	if (!good || sqlite3_bind_int64(s->selection, 4, filter->limit > 0 ? filter->limit : -1) !=
	                     SQLITE_OK) {
		result = sql_error(&s->sql, "read", err);
		store_unselect(store);
	}
	return result;
}

// The columns as they are; false where one has another type or length than Baton writes.
static bool read_integer(sqlite3_stmt *row, int column, int64_t *value)
{
	*value = sqlite3_column_int64(row, column);
	return sqlite3_column_type(row, column) == SQLITE_INTEGER;
}

static bool read_text(sqlite3_stmt *row, int column, const char **text, size_t *length)
{
	if (sqlite3_column_type(row, column) != SQLITE_TEXT)
		return false;
	*text = (const char *)sqlite3_column_text(row, column);
	*length = (size_t)sqlite3_column_bytes(row, column);
	return *text != NULL && memchr(*text, '\0', *length) == NULL;
}

static bool read_hash(sqlite3_stmt *row, int column, struct journal_hash *hash)
{
	if (sqlite3_column_type(row, column) != SQLITE_BLOB ||
	        sqlite3_column_bytes(row, column) != sizeof hash->octets)
		return false;
	memcpy(hash->octets, sqlite3_column_blob(row, column), sizeof hash->octets);
	return true;
}

static const char *read_row(sqlite3_stmt *row, struct journal_record *record)
{
	size_t length;
	if (!read_integer(row, 0, &record->seq))
		return "seq";
	if (!read_integer(row, 1, &record->version))
		return "version";
	if (!read_hash(row, 2, &record->previous))
		return "previous";
	if (!read_integer(row, 3, &record->time_ms))
		return "time";
	if (!read_text(row, 4, &record->kind_text, &length))
		return "kind";
	if (!read_text(row, 5, &record->change, &length))
		return "change";
	if (!read_text(row, 6, &record->step, &length))
		return "step";
	if (!read_text(row, 7, &record->payload, &record->payload_length))
		return "payload";
	if (!read_hash(row, 8, &record->hash))
		return "hash";
	record->kind = journal_kind_parse(record->kind_text);
	return NULL;
}

static enum result store_next(
        struct store *store, struct journal_record *record, const char **field, struct error *err)
{
	struct sqlite_store *s = of(store);
	int code = sqlite3_step(s->selection);
	if (code == SQLITE_DONE)
		return RESULT_NOT_FOUND;
	if (code != SQLITE_ROW)
		return sql_error(&s->sql, "read", err);
	*record = (struct journal_record){0};
	const char *bad = read_row(s->selection, record);
	if (bad == NULL)
		return RESULT_OK;
	if (sqlite3_errcode(s->sql.db) == SQLITE_NOMEM)
		return sql_error(&s->sql, "read", err);
	*field = bad;
	return error_set(err, RESULT_CORRUPT, "has not the type or length that Baton writes");
}

static enum result store_check(struct store *store, struct error *err)
{
	return sql_check_pages(&of(store)->sql, err);
}

// Whoever is refused, or adds nothing, leaves nothing behind: so we have to know that the file is
// ours.
static bool make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void remove_empty(const char *path)
{
	struct stat status;
	if (stat(path, &status) == 0 && status.st_size == 0)
		unlink(path);
}

// SQLite leaves its own files where it cannot write.
static void remove_all(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char *name;
		if (asprintf(&name, "%s%s", path, ends[i]) < 0)
			continue;
		unlink(name);
		free(name);
	}
}

static void store_close(struct store *store)
{
	struct sqlite_store *s = of(store);
	store_unselect(store);
	sqlite3_finalize(s->insert);
	sqlite3_finalize(s->last);
	sql_close(&s->sql);
	// With the lock nobody else has begun to use it.
	if (s->made && s->lock >= 0 && (store->fresh || store->unused))
		remove_all(s->path);
	else if (s->made)
		remove_empty(s->path);
	if (s->lock >= 0) {
		if (is_file_of(s->lock, s->lock_path)) // and not another program's by now
			unlink(s->lock_path);
		close(s->lock);
	}
	free(s->lock_path);
	free(s->path);
	free(s);
}

static enum result lock_refused(struct sqlite_store *s, int fd, struct error *err)
{
	char text[32] = {0};
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;
	if (pid > 0)
		return error_set(err, RESULT_CONFLICT,
		        "%s: process %ld is writing this journal; only one program can run it at "
		        "a time",
		        s->path, pid);
	return error_set(err, RESULT_CONFLICT,
	        "%s: another program is writing this journal; only one can run it at a time",
	        s->path);
}

// Takes the lock on PATH.lock. The last holder removes the file before it lets go, so a lock on a
// file that has no name any more is no lock: *stale, and the caller tries again.
static enum result lock_once(struct sqlite_store *s, bool *stale, struct error *err)
{
	int fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return error_set_errno(err, "%s: cannot lock", s->path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		enum result result = errno == EWOULDBLOCK
		                             ? lock_refused(s, fd, err)
		                             : error_set_errno(err, "%s: cannot lock", s->path);
		close(fd);
		return result;
	}
	*stale = !is_file_of(fd, s->lock_path);
	if (*stale) {
		close(fd);
		return RESULT_OK;
	}
	char text[32];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	// For the message to somebody else only; a full disk must not stop us here.
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
		(void)ftruncate(fd, 0);
	s->lock = fd;
	return RESULT_OK;
}

static enum result lock_file(struct sqlite_store *s, struct error *err)
{
	// SQLite has resolved symbolic links: two names of one journal get one lock.
	const char *real = sqlite3_db_filename(s->sql.db, "main");
	if (asprintf(&s->lock_path, "%s.lock", real) < 0) {
		s->lock_path = NULL;
		return error_set(err, RESULT_MEMORY, "%s: no memory", s->path);
	}
	bool stale = true;
	for (int i = 0; i < 100 && stale; i++) {
		enum result result = lock_once(s, &stale, err);
		if (result != RESULT_OK)
			return result;
	}
	if (stale)
		return error_set(err, RESULT_CONFLICT,
		        "%s: cannot lock: other programs come and go all the time", s->path);
	return RESULT_OK;
}

static enum result use_wal(struct sqlite_store *s, struct error *err)
{
	sqlite3_stmt *statement;
	enum result result = sql_prepare(&s->sql, "PRAGMA journal_mode = WAL", &statement, err);
	if (result != RESULT_OK)
		return result;
	if (sqlite3_step(statement) != SQLITE_ROW)
		result = sql_error(&s->sql, "open", err);
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
		result = error_set(err, RESULT_UNSUPPORTED,
		        "%s: this file system cannot keep a write-ahead log; put the journal on a "
		        "local disk",
		        s->path);
	sqlite3_finalize(statement);
	if (result == RESULT_OK)
		// Every commit is on the disk before it returns.
		result = sql_exec(&s->sql, "PRAGMA synchronous = FULL", "open", err);
	return result;
}

static enum result prepare(struct sqlite_store *s, enum journal_mode mode, struct error *err)
{
	bool runs = mode == JOURNAL_WRITE || mode == JOURNAL_CREATE;
	enum result result = runs ? lock_file(s, err) : RESULT_OK;
	if (result == RESULT_OK)
		result = sql_check_schema(&s->sql, &schema, &s->store.fresh, err);
	if (result == RESULT_OK && s->store.fresh && mode != JOURNAL_CREATE)
		result = error_set(err, RESULT_INPUT, "%s: holds no journal", s->path);
	if (result == RESULT_OK && mode != JOURNAL_READ)
		result = use_wal(s, err);
	return result;
}

static const struct store functions = {
        .begin = store_begin,
        .commit = store_commit,
        .rollback = store_rollback,
        .insert = store_insert,
        .last = store_last,
        .select = store_select,
        .next = store_next,
        .unselect = store_unselect,
        .check = store_check,
        .close = store_close,
};

enum result store_sqlite_open(
        const char *path, enum journal_mode mode, struct store **store, struct error *err)
{
	static const enum sql_access access[] = {[JOURNAL_READ] = SQL_READ,
	        [JOURNAL_GUEST] = SQL_WRITE,
	        [JOURNAL_WRITE] = SQL_WRITE,
	        [JOURNAL_CREATE] = SQL_CREATE};
	struct sqlite_store *s = calloc(1, sizeof *s);
	if (s == NULL || (s->path = strdup(path)) == NULL) {
		free(s);
		return error_set(err, RESULT_MEMORY, "%s: no memory", path);
	}
	s->store = functions;
	s->store.name = s->path;
	s->lock = -1;
	s->made = mode == JOURNAL_CREATE && make_file(s->path);
	s->store.fresh = s->made;
	enum result result = sql_open(&s->sql, s->path, access[mode], err);
	if (result == RESULT_OK)
		result = prepare(s, mode, err);
	if (result == RESULT_OK) {
		*store = &s->store;
		return result;
	}
	store_close(&s->store);
	return result;
}
