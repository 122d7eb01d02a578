#include "support.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

int folder_make(void **state)
{
	const char *base = getenv("TMPDIR");
	char *name;
	if (asprintf(&name, "%s/baton-journal-XXXXXX", base != NULL ? base : "/tmp") < 0)
		return -1;
	*state = mkdtemp(name);
	return *state == NULL ? -1 : 0;
}

int folder_remove(void **state)
{
	DIR *folder = opendir(*state);
	if (folder == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			unlink(in_folder(state, entry->d_name));
	closedir(folder);
	int result = rmdir(*state);
	free(*state);
	return result;
}

const char *in_folder(void **state, const char *name)
{
	static char paths[16][4096];
	static unsigned turn;
	char *path = paths[turn++ % 16];
	snprintf(path, sizeof paths[0], "%s/%s", (const char *)*state, name);
	return path;
}

static int64_t ticking_now_ms(void *ctx)
{
	int64_t *now_ms = ctx;
	return *now_ms += SECOND_MS;
}

struct journal_options repeating_options(void)
{
	static int64_t now_ms;
	static struct random_seeded seeded;
	now_ms = 1795282800000;
	return (struct journal_options){.clock = {.now_ms = ticking_now_ms, .ctx = &now_ms},
	        .random = random_from_seed(&seeded, 1)};
}

struct journal *must_open(const char *path, enum journal_mode mode)
{
	struct journal_options options = repeating_options();
	struct journal *journal = NULL;
	struct error err = {0};
	if (journal_open(path, mode, &options, &journal, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return journal;
}

struct journal_mark must_append(struct journal *journal, enum journal_kind kind, const char *change,
        const char *step, int n)
{
	json_t *payload = json_pack("{s:i, s:s}", "n", n, "text", "\"quoted\" \xc3\xa4\n");
	struct journal_entry entry = {
	        .kind = kind, .change = change, .step = step, .payload = payload};
	struct journal_mark mark = {0};
	struct error err = {0};
	enum result result = journal_append(journal, &entry, &mark, &err);
	json_decref(payload);
	if (result != RESULT_OK)
		fail_msg("%s", err.text);
	return mark;
}

struct journal_mark make_journal(const char *path, int count)
{
	static const enum journal_kind kinds[] = {JOURNAL_CHANGE_CREATED, JOURNAL_OBSERVATION,
	        JOURNAL_VERDICT, JOURNAL_INTENT, JOURNAL_SENT, JOURNAL_REPLY, JOURNAL_RESULT};
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	struct journal_mark mark = {0};
	for (int i = 0; i < count; i++)
		mark = must_append(journal, kinds[i % 7], i % 3 == 2 ? "b" : "a", "step-1", i);
	journal_close(journal);
	return mark;
}

struct journal_report must_verify(const char *path, const struct journal_hash *head)
{
	struct journal_verify_options options = {.head = head};
	struct journal_report report;
	struct error err = {0};
	if (journal_verify(path, &options, &report, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return report;
}

void copy_file(const char *from, const char *to)
{
	struct arena *arena = arena_new(16 << 20);
	char *data;
	size_t length;
	assert_int_equal(file_read(arena, from, 8 << 20, &data, &length, NULL), RESULT_OK);
	assert_int_equal(file_replace(to, data, length, NULL), RESULT_OK);
	arena_free(arena);
}

void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;
	char *message = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(db);
}

int64_t milliseconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void chain_anew(const char *path, int64_t from)
{
	sqlite3 *db;
	sqlite3_stmt *row, *update;
	struct journal_hash previous = {0};
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_prepare_v2(db,
	        "SELECT version, seq, time, kind, change, step, payload, hash FROM record "
	        "ORDER BY seq",
	        -1, &row, NULL);
	sqlite3_prepare_v2(
	        db, "UPDATE record SET previous = ?1, hash = ?2 WHERE seq = ?3", -1, &update, NULL);
	while (sqlite3_step(row) == SQLITE_ROW) {
		struct journal_record record = {.version = sqlite3_column_int64(row, 0),
		        .seq = sqlite3_column_int64(row, 1),
		        .time_ms = sqlite3_column_int64(row, 2),
		        .kind_text = (const char *)sqlite3_column_text(row, 3),
		        .change = (const char *)sqlite3_column_text(row, 4),
		        .step = (const char *)sqlite3_column_text(row, 5),
		        .payload = (const char *)sqlite3_column_text(row, 6),
		        .payload_length = (size_t)sqlite3_column_bytes(row, 6),
		        .previous = previous};
		memcpy(record.hash.octets, sqlite3_column_blob(row, 7), 32);
		if (record.seq >= from) {
			assert_int_equal(
			        journal_record_hash(&record, &record.hash, NULL), RESULT_OK);
			sqlite3_bind_blob(update, 1, previous.octets, 32, SQLITE_STATIC);
			sqlite3_bind_blob(update, 2, record.hash.octets, 32, SQLITE_STATIC);
			sqlite3_bind_int64(update, 3, record.seq);
			assert_int_equal(sqlite3_step(update), SQLITE_DONE);
			sqlite3_reset(update);
		}
		previous = record.hash;
	}
	sqlite3_finalize(row);
	sqlite3_finalize(update);
	sqlite3_close(db);
}
