// Tampering with a journal, and what verification says of it (journal/verify.h).
#include "support.h"

#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { RECORDS = 8 }; // with the genesis record

static const char *make(void **state, struct journal_hash *head)
{
	const char *path = in_folder(state, "j");
	*head = make_journal(path, RECORDS - 1).hash;
	return path;
}

static void assert_bad(const struct journal_report *report, int64_t seq, const char *field)
{
	assert_false(report->good);
	if (report->bad_seq != seq || strcmp(report->field, field) != 0)
		fail_msg("expected record %d, %s: %s", (int)seq, field, report->text);
}

static void a_sound_journal_is_good(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	struct journal_report report = must_verify(path, NULL);
	assert_true(report.good);
	assert_int_equal(report.records, RECORDS);
	assert_int_equal(report.head.seq, RECORDS);
	assert_true(journal_hash_equal(&report.head.hash, &head));
	assert_int_equal(report.expected_seq, 0);
	report = must_verify(path, &head);
	assert_true(report.good);
	assert_int_equal(report.expected_seq, RECORDS);
	assert_non_null(strstr(report.text, "as expected"));
}

// Not even the files that SQLite wants beside one that it reads.
static void verifying_leaves_no_trace(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head), *copy = in_folder(state, "copy");
	copy_file(path, copy);
	assert_true(must_verify(path, &head).good);
	journal_close(must_open(path, JOURNAL_READ));
	assert_int_not_equal(access(in_folder(state, "j-wal"), F_OK), 0);
	assert_int_not_equal(access(in_folder(state, "j-shm"), F_OK), 0);
	assert_int_not_equal(access(in_folder(state, "j.lock"), F_OK), 0);
	struct arena *arena = arena_new(1 << 20);
	char *one, *two;
	size_t n_one, n_two;
	assert_int_equal(file_read(arena, path, 1 << 18, &one, &n_one, NULL), RESULT_OK);
	assert_int_equal(file_read(arena, copy, 1 << 18, &two, &n_two, NULL), RESULT_OK);
	assert_int_equal(n_one, n_two);
	assert_memory_equal(one, two, n_one);
	arena_free(arena);
}

static void the_report_is_json(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	struct journal_report report = must_verify(path, &head);
	json_t *json = journal_report_json(&report);
	assert_true(json_is_true(json_object_get(json, "good")));
	assert_true(json_is_null(json_object_get(json, "bad")));
	assert_int_equal(json_integer_value(json_object_get(json, "records")), RECORDS);
	json_decref(json);
	run_sql(path, "UPDATE record SET step = 'x' WHERE seq = 5");
	report = must_verify(path, &head);
	json = journal_report_json(&report);
	assert_true(json_is_false(json_object_get(json, "good")));
	const json_t *bad = json_object_get(json, "bad");
	assert_int_equal(json_integer_value(json_object_get(bad, "record")), 5);
	assert_string_equal(json_string_value(json_object_get(bad, "field")), "content");
	json_decref(json);
}

// The recipe in record.h, which needs no Baton.
static void anybody_can_recompute_a_hash(void **state)
{
	struct journal_hash head;
	sqlite3 *db;
	sqlite3_stmt *row;
	assert_int_equal(sqlite3_open(make(state, &head), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
	                         "SELECT format('baton-journal %d%s%d%s%s%s%d%s%s%s%s%s%s%s%s', "
	                         "version, char(10), seq, char(10), lower(hex(previous)), "
	                         "char(10), time, char(10), kind, char(10), change, char(10), "
	                         "step, char(10), payload), hash FROM record",
	                         -1, &row, NULL),
	        SQLITE_OK);
	int count = 0;
	for (; sqlite3_step(row) == SQLITE_ROW; count++) {
		uint8_t digest[32];
		EVP_Digest(sqlite3_column_text(row, 0), (size_t)sqlite3_column_bytes(row, 0),
		        digest, NULL, EVP_sha256(), NULL);
		assert_memory_equal(digest, sqlite3_column_blob(row, 1), 32);
	}
	assert_int_equal(count, RECORDS);
	sqlite3_finalize(row);
	sqlite3_close(db);
}

// One column of one record, in a tamperer's hands.
struct cell {
	sqlite3 *db;
	int64_t seq;
	const char *column;
	bool text, number;
	uint8_t octets[200];
	size_t length;
};

static void read_cell(struct cell *cell)
{
	char sql[200];
	sqlite3_stmt *row;
	snprintf(sql, sizeof sql, "SELECT %s FROM record WHERE seq = %d", cell->column,
	        (int)cell->seq);
	assert_int_equal(sqlite3_prepare_v2(cell->db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	cell->text = sqlite3_column_type(row, 0) == SQLITE_TEXT;
	cell->number = sqlite3_column_type(row, 0) == SQLITE_INTEGER;
	if (cell->number) {
		sqlite3_int64 value = sqlite3_column_int64(row, 0);
		cell->length = sizeof value;
		memcpy(cell->octets, &value, sizeof value);
	} else {
		const void *octets = sqlite3_column_blob(row, 0);
		cell->length = (size_t)sqlite3_column_bytes(row, 0);
		assert_true(cell->length <= sizeof cell->octets);
		if (cell->length > 0)
			memcpy(cell->octets, octets, cell->length);
	}
	sqlite3_finalize(row);
}

// Writes the cell at the row that has the sequence number now; false where the table refuses.
static bool write_cell(const struct cell *cell, int64_t row_seq)
{
	char sql[200];
	sqlite3_stmt *update;
	snprintf(sql, sizeof sql, "UPDATE record SET %s = %s WHERE seq = ?2", cell->column,
	        cell->text ? "CAST(?1 AS TEXT)" : "?1");
	assert_int_equal(sqlite3_prepare_v2(cell->db, sql, -1, &update, NULL), SQLITE_OK);
	if (cell->number) {
		sqlite3_int64 value;
		memcpy(&value, cell->octets, sizeof value);
		sqlite3_bind_int64(update, 1, value);
	} else
		sqlite3_bind_blob(update, 1, cell->octets, (int)cell->length, SQLITE_STATIC);
	sqlite3_bind_int64(update, 2, row_seq);
	bool done = sqlite3_step(update) == SQLITE_DONE;
	sqlite3_finalize(update);
	return done;
}

static void flip_octets(const char *path, struct cell *cell)
{
	static const uint8_t masks[] = {0x01, 0x80, 0xff};
	bool is_seq = strcmp(cell->column, "seq") == 0;
	for (size_t i = 0; i < 3 * cell->length; i++) {
		uint8_t *octet = &cell->octets[i / 3];
		*octet ^= masks[i % 3];
		int64_t seq = cell->seq;
		if (is_seq)
			memcpy(&seq, cell->octets, sizeof seq);
		if (write_cell(cell, cell->seq)) {
			struct journal_report report = must_verify(path, NULL);
			if (report.good)
				fail_msg("record %d, %s, octet %zu: not found", (int)cell->seq,
				        cell->column, i / 3);
			if (!is_seq)
				assert_int_equal(report.bad_seq, cell->seq);
		}
		*octet ^= masks[i % 3];
		write_cell(cell, seq);
	}
}

static void every_octet_of_every_field_counts(void **state)
{
	static const char *const columns[] = {
	        "seq", "version", "previous", "time", "kind", "change", "step", "payload", "hash"};
	struct journal_hash head;
	const char *path = make(state, &head);
	struct cell cell;
	assert_int_equal(sqlite3_open(path, &cell.db), SQLITE_OK);
	sqlite3_exec(cell.db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	for (cell.seq = 1; cell.seq <= RECORDS; cell.seq++)
		for (size_t i = 0; i < 9; i++) {
			cell.column = columns[i];
			read_cell(&cell);
			flip_octets(path, &cell);
		}
	sqlite3_close(cell.db);
	assert_true(must_verify(path, &head).good);
}

static void the_field_is_named(void **state)
{
	static const struct {
		const char *sql, *field;
		int seq;
	} cases[] = {
	        {"UPDATE record SET seq = 99 WHERE seq = 8", "seq", 99},
	        {"UPDATE record SET version = 2 WHERE seq = 4", "version", 4},
	        {"UPDATE record SET previous = zeroblob(32) WHERE seq = 4", "previous", 4},
	        {"UPDATE record SET previous = zeroblob(31) WHERE seq = 4", "previous", 4},
	        {"UPDATE record SET kind = '' WHERE seq = 4", "kind", 4},
	        {"UPDATE record SET kind = 'verdikt' WHERE seq = 4", "content", 4},
	        {"UPDATE record SET time = time + 1 WHERE seq = 4", "content", 4},
	        {"UPDATE record SET change = 'x' || char(10) WHERE seq = 4", "change", 4},
	        {"UPDATE record SET step = 'x' || char(0) || 'y' WHERE seq = 4", "step", 4},
	        {"UPDATE record SET payload = payload || ' ' WHERE seq = 4", "content", 4},
	        {"UPDATE record SET hash = zeroblob(32) WHERE seq = 4", "hash", 4},
	        {"UPDATE record SET payload = '{}' WHERE seq = 8", "hash", 8},
	        {"DELETE FROM record WHERE seq = 4", "seq", 5},
	        {"DELETE FROM record WHERE seq = 1", "seq", 2},
	        {"UPDATE record SET seq = -1 WHERE seq = 1", "seq", -1},
	        {"DELETE FROM record", "file", 0},
	        {"UPDATE record SET seq = 88 WHERE seq = 4; UPDATE record SET seq = 4 WHERE seq = "
	         "5; UPDATE record SET seq = 5 WHERE seq = 88",
	                "previous", 4},
	        {"UPDATE record SET seq = seq + 100 WHERE seq > 4; UPDATE record SET seq = seq - "
	         "99 "
	         "WHERE seq > 100; INSERT INTO record SELECT 5, version, previous, time, kind, "
	         "change, step, payload, hash FROM record WHERE seq = 4",
	                "previous", 5},
	};
	struct journal_hash head;
	const char *path = make(state, &head), *copy = in_folder(state, "copy");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		copy_file(path, copy);
		run_sql(copy, cases[i].sql);
		struct journal_report report = must_verify(copy, NULL);
		assert_bad(&report, cases[i].seq, cases[i].field);
		assert_non_null(strstr(report.text, copy));
	}
}

static void a_recomputed_journal_needs_the_head(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	run_sql(path, "UPDATE record SET payload = '{\"answer\":\"safe\"}' WHERE seq = 4");
	chain_anew(path, 4);
	assert_true(must_verify(path, NULL).good);
	struct journal_report report = must_verify(path, &head);
	assert_bad(&report, 0, "head");
	assert_non_null(strstr(report.text, "computed anew"));
}

static void a_cut_tail_needs_the_head(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	run_sql(path, "DELETE FROM record WHERE seq = 8");
	struct journal_report report = must_verify(path, NULL);
	assert_true(report.good);
	assert_int_equal(report.records, RECORDS - 1);
	report = must_verify(path, &head);
	assert_bad(&report, 0, "head");
	assert_non_null(strstr(report.text, "tail was cut"));
}

static void what_was_added_behind_the_head_is_told(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	struct journal *journal = must_open(path, JOURNAL_WRITE);
	must_append(journal, JOURNAL_NOTE, NULL, NULL, 1);
	journal_close(journal);
	struct journal_report report = must_verify(path, &head);
	assert_bad(&report, RECORDS + 1, "head");
	assert_int_equal(report.expected_seq, RECORDS);
	assert_non_null(strstr(report.text, "up to there nothing was changed"));
}

static void only_well_formed_records_pass(void **state)
{
	static const struct {
		const char *sql, *field;
		int seq;
	} cases[] = {
	        {"UPDATE record SET payload = '{\"b\":1,\"a\":2}' WHERE seq = 4", "payload", 4},
	        {"UPDATE record SET payload = '{\"a\":1.0}' WHERE seq = 4", "payload", 4},
	        {"UPDATE record SET payload = '{\"a\":1,\"a\":1}' WHERE seq = 4", "payload", 4},
	        {"UPDATE record SET payload = '[]' WHERE seq = 4", "payload", 4},
	        {"UPDATE record SET payload = 'x' WHERE seq = 4", "payload", 4},
	        {"UPDATE record SET kind = 'genesis' WHERE seq = 4", "kind", 4},
	        {"UPDATE record SET kind = 'note' WHERE seq = 1", "kind", 1},
	};
	struct journal_hash head;
	const char *path = make(state, &head), *copy = in_folder(state, "copy");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		copy_file(path, copy);
		run_sql(copy, cases[i].sql);
		chain_anew(copy, 1);
		struct journal_report report = must_verify(copy, NULL);
		assert_bad(&report, cases[i].seq, cases[i].field);
	}
}

struct judge {
	int64_t seen, bad;
	enum result says;
};

static enum result judge(
        void *ctx, const struct journal_record *record, const json_t *payload, struct error *err)
{
	struct judge *j = ctx;
	assert_int_equal(record->seq, ++j->seen);
	if (record->seq > 1)
		assert_int_equal(
		        json_integer_value(json_object_get(payload, "n")), record->seq - 2);
	if (record->seq != j->bad)
		return RESULT_OK;
	return error_set(err, j->says, "it was not safe then");
}

static void a_visitor_judges_each_record(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head);
	struct judge j = {0};
	struct journal_verify_options options = {.visit = judge, .ctx = &j};
	struct journal_report report = {.records = -1};
	struct error err = {0};
	assert_int_equal(journal_verify(path, &options, &report, &err), RESULT_OK);
	assert_true(report.good);
	assert_int_equal(j.seen, RECORDS);

	j = (struct judge){.bad = 4, .says = RESULT_CORRUPT};
	assert_int_equal(journal_verify(path, &options, &report, &err), RESULT_OK);
	assert_bad(&report, 4, "payload");
	assert_non_null(strstr(report.text, "it was not safe then"));

	// Whatever is wrong with what a record says, it is the record that is bad.
	static const enum result also[] = {
	        RESULT_INPUT, RESULT_LIMIT, RESULT_NOT_FOUND, RESULT_CONFLICT};
	for (size_t i = 0; i < sizeof also / sizeof *also; i++) {
		j = (struct judge){.bad = 4, .says = also[i]};
		assert_int_equal(journal_verify(path, &options, &report, &err), RESULT_OK);
		assert_bad(&report, 4, "payload");
	}

	j = (struct judge){.bad = 4, .says = RESULT_MEMORY};
	report.records = -1;
	assert_int_equal(journal_verify(path, &options, &report, &err), RESULT_MEMORY);
	assert_int_equal(report.records, -1);
	assert_string_equal(err.text, "it was not safe then");
}

static void what_cannot_be_judged_is_no_report(void **state)
{
	struct journal_report report = {.records = -1};
	struct error err = {0};
	const char *path = in_folder(state, "j");
	assert_int_equal(journal_verify(path, NULL, &report, &err), RESULT_NOT_FOUND);
	assert_int_equal(file_replace(path, "x", 1, NULL), RESULT_OK);
	assert_int_equal(journal_verify(path, NULL, &report, &err), RESULT_INPUT);
	assert_int_equal(report.records, -1);
	assert_int_equal(journal_verify(*state, NULL, &report, &err), RESULT_INPUT);
}

static void hashes_have_one_text(void **state)
{
	(void)state;
	static const char text[] =
	        "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
	struct journal_hash hash = {.octets = {1}};
	char buf[JOURNAL_HASH_TEXT];
	struct error err = {0};
	assert_int_equal(journal_hash_parse(text, &hash, &err), RESULT_OK);
	assert_string_equal(journal_hash_format(&hash, buf),
	        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
	static const char *const bad[] = {"", "0011", "x",
	        "g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
	        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(journal_hash_parse(bad[i], &hash, &err), RESULT_INPUT);
	assert_int_equal(hash.octets[1], 0x11);
}

// Each octet of the file itself: found, or harmless, which is that the same chain comes out.
static void every_octet_of_the_file_is_found_or_harmless(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head), *copy = in_folder(state, "copy");
	struct arena *arena = arena_new(1 << 20);
	char *data;
	size_t length;
	unsigned bad = 0, unusable = 0, harmless = 0;
	run_sql(path, "PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; "
	              "PRAGMA journal_mode = WAL");
	assert_int_equal(file_read(arena, path, 1 << 20, &data, &length, NULL), RESULT_OK);
	copy_file(path, copy);
	FILE *file = fopen(copy, "r+");
	assert_non_null(file);
	setbuf(file, NULL);
	for (size_t i = 0; i < length; i++) {
		if (data[i] == 0 && i % 16 != 0)
			continue; // mostly space that is not used
		fseek(file, (long)i, SEEK_SET);
		fputc(data[i] ^ (i % 2 != 0 ? 0xff : 0x04), file);
		struct journal_verify_options options = {.head = &head};
		struct journal_report report;
		enum result result = journal_verify(copy, &options, &report, NULL);
		if (result != RESULT_OK)
			unusable++;
		else if (!report.good)
			bad++;
		else {
			harmless++;
			assert_int_equal(report.records, RECORDS);
		}
		fseek(file, (long)i, SEEK_SET);
		fputc(data[i], file);
	}
	fclose(file);
	print_message("# %u found, %u unusable, %u harmless\n", bad, unusable, harmless);
	assert_true(bad > 1500);
	assert_true(unusable > 0);
	assert_true(must_verify(copy, &head).good);
	arena_free(arena);
}

static void a_cut_file_is_found(void **state)
{
	struct journal_hash head;
	const char *path = make(state, &head), *copy = in_folder(state, "copy");
	struct arena *arena = arena_new(1 << 20);
	char *data;
	size_t length;
	assert_int_equal(file_read(arena, path, 1 << 20, &data, &length, NULL), RESULT_OK);
	struct journal_verify_options options = {.head = &head};
	for (size_t n = 0; n < length; n += 256) {
		struct journal_report report;
		assert_int_equal(file_replace(copy, data, n, NULL), RESULT_OK);
		if (journal_verify(copy, &options, &report, NULL) == RESULT_OK)
			assert_false(report.good);
	}
	arena_free(arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        TEST(a_sound_journal_is_good),
	        TEST(verifying_leaves_no_trace),
	        TEST(the_report_is_json),
	        TEST(anybody_can_recompute_a_hash),
	        TEST(every_octet_of_every_field_counts),
	        TEST(the_field_is_named),
	        TEST(a_recomputed_journal_needs_the_head),
	        TEST(a_cut_tail_needs_the_head),
	        TEST(what_was_added_behind_the_head_is_told),
	        TEST(only_well_formed_records_pass),
	        TEST(a_visitor_judges_each_record),
	        TEST(what_cannot_be_judged_is_no_report),
	        TEST(hashes_have_one_text),
	        TEST(every_octet_of_the_file_is_found_or_harmless),
	        TEST(a_cut_file_is_found),
	};
	return cmocka_run_group_tests_name("journal verify", tests, NULL, NULL);
}
