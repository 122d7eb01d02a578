#include "journal/sql.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "journal/record.h"

#define BUSY_WAIT_MS 5000
// No value in a file may be longer: the largest payload and everything beside it.
#define MAX_VALUE (JOURNAL_MAX_PAYLOAD + 64 * 1024)

static enum result system_error(
        struct sql *sql, const char *doing, const char *text, struct error *err)
{
	int number = sqlite3_system_errno(sql->db);
	return error_set(err, RESULT_SYSTEM, "%s: cannot %s: %s%s%s", sql->path, doing, text,
	        number != 0 ? ": " : "", number != 0 ? strerror(number) : "");
}

enum result sql_error(struct sql *sql, const char *doing, struct error *err)
{
	const char *path = sql->path, *text = sqlite3_errmsg(sql->db);
	switch (sqlite3_errcode(sql->db)) {
	case SQLITE_FULL:
		return error_set(err, RESULT_SYSTEM, "%s: cannot %s: no space left on the device",
		        path, doing);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(err, RESULT_CONFLICT,
		        "%s: cannot %s: another program holds the file locked", path, doing);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return error_set(err, RESULT_SYSTEM,
		        "%s: cannot %s: the file or its folder must not be written to", path,
		        doing);
	case SQLITE_NOTADB:
		return error_set(
		        err, RESULT_INPUT, "%s: cannot %s: not an SQLite file", path, doing);
	case SQLITE_CORRUPT:
	case SQLITE_SCHEMA:
		return error_set(err, RESULT_CORRUPT, "%s: cannot %s: the file is damaged: %s",
		        path, doing, text);
	case SQLITE_NOMEM:
		return error_set(err, RESULT_MEMORY, "%s: cannot %s: no memory", path, doing);
	case SQLITE_TOOBIG:
		return error_set(
		        err, RESULT_LIMIT, "%s: cannot %s: a value is too large", path, doing);
	default:
		return system_error(sql, doing, text, err);
	}
}

enum result sql_exec(struct sql *sql, const char *statement, const char *doing, struct error *err)
{
	if (sqlite3_exec(sql->db, statement, NULL, NULL, NULL) == SQLITE_OK)
		return RESULT_OK;
	return sql_error(sql, doing, err);
}

enum result sql_prepare(
        struct sql *sql, const char *text, sqlite3_stmt **statement, struct error *err)
{
	if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
	        SQLITE_OK)
		return RESULT_OK;
	return sql_error(sql, "read", err);
}

void sql_rollback(struct sql *sql)
{
	// Some errors have rolled back already.
	if (!sqlite3_get_autocommit(sql->db))
		sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
}

// SQLite would make it, too, but cannot tell why it could not: it tries again to read only, and has
// the reason of that.
static enum result make_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set_errno(err, "%s: cannot create", path);
	close(fd);
	return RESULT_OK;
}

static enum result check_file(const char *path, enum sql_access access, struct error *err)
{
	struct stat status;
	if (stat(path, &status) != 0) {
		if (errno != ENOENT)
			return error_set_errno(err, "%s: cannot open", path);
		if (access != SQL_CREATE)
			return error_set(err, RESULT_NOT_FOUND, "%s: no such file", path);
		return make_file(path, err);
	}
	if (!S_ISREG(status.st_mode))
		return error_set(err, RESULT_INPUT, "%s: not a plain file", path);
	return RESULT_OK;
}

// An absolute or ./relative name as a file: URI, which alone can carry a parameter, and in which
// no name (":memory:", "file:…") means anything but a file.
static bool make_uri(const char *path, const char *parameters, struct buffer *uri)
{
	buffer_puts(uri, path[0] == '/' ? "file:" : "file:./");
	for (const char *p = path; *p != '\0'; p++)
		if (isalnum((unsigned char)*p) || strchr("/._-", *p) != NULL)
			buffer_add(uri, p, 1);
		else
			buffer_printf(uri, "%%%02x", (unsigned char)*p);
	buffer_puts(uri, parameters);
	return !uri->failed;
}

static enum result harden(struct sql *sql, struct error *err)
{
	sqlite3_busy_timeout(sql->db, BUSY_WAIT_MS);
	sqlite3_limit(sql->db, SQLITE_LIMIT_LENGTH, (int)MAX_VALUE);
	sqlite3_limit(sql->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sql_exec(sql,
	        "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY",
	        "open", err);
}

static enum result connect(
        struct sql *sql, enum sql_access access, const char *parameters, struct error *err)
{
	int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	flags |= access == SQL_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	if (access == SQL_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	struct buffer uri = buffer_init(16384);
	enum result result;
	if (!make_uri(sql->path, parameters, &uri))
		result = error_set(err, RESULT_INPUT, "%.80s…: path too long", sql->path);
	else if (sqlite3_open_v2(uri.data, &sql->db, flags, NULL) == SQLITE_OK)
		result = harden(sql, err);
	else
		result = sql_error(sql, "open", err);
	buffer_free(&uri);
	if (result != RESULT_OK)
		sql_close(sql);
	return result;
}

// The octets of a file beside the file, -1 where there is none.
static off_t companion_size(const struct sql *sql, const char *suffix)
{
	char path[4096];
	struct stat status;
	const char *name = sqlite3_db_filename(sql->db, "main");
	if ((size_t)snprintf(path, sizeof path, "%s%s", name, suffix) >= sizeof path)
		return -1;
	return stat(path, &status) == 0 ? status.st_size : -1;
}

// A file in a folder that we must not write to: SQLite cannot make the -shm file that readers share
// with a writer. Where there is no log beside it, there is no writer, and the file can be read as
// it is; where there is one, the file alone is not the whole.
static enum result settle_for_reading(struct sql *sql, struct error *err)
{
	int code = sqlite3_exec(sql->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)
		return RESULT_OK; // good, or what the next statement will meet and say, too
	bool wal = companion_size(sql, "-wal") > 0;
	if (wal || companion_size(sql, "-journal") > 0)
		return error_set(err, RESULT_SYSTEM,
		        "%s: cannot read: the folder must not be written to, and a part of the "
		        "content is still in the %s file; copy both to another folder",
		        sql->path, wal ? "-wal" : "-journal");
	sql_close(sql);
	return connect(sql, SQL_READ, "?immutable=1", err);
}

enum result sql_open(struct sql *sql, const char *path, enum sql_access access, struct error *err)
{
	enum result result = check_file(path, access, err);
	if (result != RESULT_OK)
		return result;
	*sql = (struct sql){.path = path};
	result = connect(sql, access, "", err);
	if (result == RESULT_OK && access == SQL_READ) {
		sql->alone = companion_size(sql, "-wal") < 0;
		result = settle_for_reading(sql, err);
	}
	if (result != RESULT_OK)
		sql_close(sql);
	return result;
}

// A reader leaves an empty -wal file and a -shm file behind. Somebody who may write, and is the
// last to close the file, removes them; with an empty log that changes nothing else.
static void remove_empty_log(struct sql *sql)
{
	struct sql writer = {.path = sql->path};
	if (connect(&writer, SQL_WRITE, "", NULL) != RESULT_OK)
		return;
	sqlite3_exec(writer.db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_close_v2(writer.db);
}

void sql_close(struct sql *sql)
{
	bool empty_log = sql->db != NULL && sql->alone && companion_size(sql, "-wal") == 0;
	sqlite3_close_v2(sql->db);
	sql->db = NULL;
	if (empty_log)
		remove_empty_log(sql);
	sql->alone = false;
}

static enum result read_pragma(
        struct sql *sql, const char *pragma, sqlite3_int64 *value, struct error *err)
{
	sqlite3_stmt *statement;
	enum result result = sql_prepare(sql, pragma, &statement, err);
	if (result != RESULT_OK)
		return result;
	if (sqlite3_step(statement) == SQLITE_ROW)
		*value = sqlite3_column_int64(statement, 0);
	else
		result = sql_error(sql, "read", err);
	sqlite3_finalize(statement);
	return result;
}

// What the file says of its objects, in one text.
static enum result read_objects(struct sql *sql, struct buffer *objects, struct error *err)
{
	sqlite3_stmt *statement;
	enum result result = sql_prepare(
	        sql, "SELECT sql FROM sqlite_schema ORDER BY name, type, rowid", &statement, err);
	if (result != RESULT_OK)
		return result;
	int code;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);
		buffer_puts(objects, text != NULL ? text : "(automatic)");
		buffer_puts(objects, "\n");
	}
	if (code != SQLITE_DONE)
		result = sql_error(sql, "read", err);
	sqlite3_finalize(statement);
	return result;
}

static enum result check_identity(struct sql *sql, const struct sql_schema *schema,
        sqlite3_int64 application, sqlite3_int64 version, struct error *err)
{
	if (application != schema->application_id)
		return error_set(err, RESULT_INPUT, "%s: an SQLite file, but not %s", sql->path,
		        schema->what);
	if (version > schema->version)
		return error_set(err, RESULT_UNSUPPORTED,
		        "%s: written by a newer Baton: schema %lld, this one knows %d", sql->path,
		        (long long)version, schema->version);
	if (version != schema->version)
		return error_set(err, RESULT_CORRUPT, "%s: schema %lld, which never existed",
		        sql->path, (long long)version);
	return RESULT_OK;
}

enum result sql_check_schema(
        struct sql *sql, const struct sql_schema *schema, bool *fresh, struct error *err)
{
	sqlite3_int64 application = 0, version = 0;
	enum result result = read_pragma(sql, "PRAGMA application_id", &application, err);
	if (result == RESULT_OK)
		result = read_pragma(sql, "PRAGMA user_version", &version, err);
	if (result != RESULT_OK)
		return result;
	struct buffer objects = buffer_init(64 * 1024);
	result = read_objects(sql, &objects, err);
	if (result == RESULT_OK && application == 0 && version == 0 && objects.length == 0 &&
	        !objects.failed) {
		*fresh = true;
		return RESULT_OK;
	}
	if (result == RESULT_OK)
		result = check_identity(sql, schema, application, version, err);
	if (result == RESULT_OK &&
	        (objects.failed || strcmp(buffer_text(&objects), schema->objects) != 0))
		result = error_set(err, RESULT_CORRUPT,
		        "%s: its tables are not those of %s: somebody has changed them", sql->path,
		        schema->what);
	buffer_free(&objects);
	if (result == RESULT_OK)
		*fresh = false;
	return result;
}

// The name of a file is safe on disk only when its folder is (fsync(2)).
static void sync_folder_of(const char *path)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s", path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

enum result sql_write_schema(struct sql *sql, const struct sql_schema *schema, struct error *err)
{
	char identity[100];
	snprintf(identity, sizeof identity, "PRAGMA application_id = %d; PRAGMA user_version = %d",
	        schema->application_id, schema->version);
	enum result result = sql_exec(sql, identity, "create", err);
	struct buffer objects = buffer_init(64 * 1024);
	buffer_puts(&objects, schema->objects);
	for (size_t i = 0; i < objects.length; i++)
		if (objects.data[i] == '\n')
			objects.data[i] = ';';
	if (result == RESULT_OK)
		result = sql_exec(sql, buffer_text(&objects), "create", err);
	buffer_free(&objects);
	sync_folder_of(sqlite3_db_filename(sql->db, "main"));
	return result;
}

enum result sql_check_pages(struct sql *sql, struct error *err)
{
	sqlite3_stmt *statement;
	enum result result = sql_prepare(sql, "PRAGMA integrity_check(1)", &statement, err);
	if (result != RESULT_OK)
		return result;
	if (sqlite3_step(statement) != SQLITE_ROW)
		result = sql_error(sql, "check", err);
	else {
		const char *text = (const char *)sqlite3_column_text(statement, 0);
		if (text == NULL || strcmp(text, "ok") != 0)
			result = error_set(err, RESULT_CORRUPT, "%s: the file is damaged: %.200s",
			        sql->path, text != NULL ? text : "no answer");
	}
	sqlite3_finalize(statement);
	return result;
}
