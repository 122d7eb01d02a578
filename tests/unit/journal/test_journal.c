// Writing and reading a journal (journal/journal.h).
#include "support.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#define assert_says(err, part)                                                                     \
	do {                                                                                       \
		if (strstr((err).text, part) == NULL)                                              \
			fail_msg("'%s' does not say '%s'", (err).text, part);                      \
	} while (0)

struct seen {
	int count;
	int64_t seqs[64];
	char last_payload[200], last_kind[40], last_change[40], last_step[40];
	int64_t last_time_ms;
};

static enum result see(void *ctx, const struct journal_record *record, struct error *err)
{
	struct seen *seen = ctx;
	(void)err;
	if (seen->count < 64)
		seen->seqs[seen->count] = record->seq;
	seen->count++;
	snprintf(seen->last_payload, sizeof seen->last_payload, "%s", record->payload);
	snprintf(seen->last_kind, sizeof seen->last_kind, "%s", record->kind_text);
	snprintf(seen->last_change, sizeof seen->last_change, "%s", record->change);
	snprintf(seen->last_step, sizeof seen->last_step, "%s", record->step);
	seen->last_time_ms = record->time_ms;
	return RESULT_OK;
}

static struct seen see_all(struct journal *journal, const struct journal_filter *filter)
{
	struct seen seen = {0};
	struct error err = {0};
	if (journal_iterate(journal, filter, see, &seen, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return seen;
}

static void what_was_written_is_read(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	struct journal_mark mark =
	        must_append(journal, JOURNAL_VERDICT, "move-example", "add-new-ds", 7);
	assert_int_equal(mark.seq, 2);
	journal_close(journal);

	journal = must_open(path, JOURNAL_READ);
	struct journal_mark head;
	assert_int_equal(journal_head(journal, &head, NULL), RESULT_OK);
	assert_int_equal(head.seq, 2);
	assert_true(journal_hash_equal(&head.hash, &mark.hash));
	struct seen seen = see_all(journal, NULL);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.last_kind, "verdict");
	assert_string_equal(seen.last_change, "move-example");
	assert_string_equal(seen.last_step, "add-new-ds");
	assert_string_equal(seen.last_payload, "{\"n\":7,\"text\":\"\\\"quoted\\\" \xc3\xa4\\n\"}");
	assert_int_equal(seen.last_time_ms, 1795282800000 + 2 * SECOND_MS);
	journal_close(journal);
}

static void nothing_is_left_beside_a_closed_journal(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 3);
	static const char *const names[] = {"j-wal", "j-shm", "j.lock", "j-journal"};
	for (size_t i = 0; i < 4; i++)
		assert_int_not_equal(access(in_folder(state, names[i]), F_OK), 0);
}

static void filters_choose(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 14); // records 2 to 15; change b at 4, 7, 10, 13
	struct journal *journal = must_open(path, JOURNAL_READ);
	struct seen seen = see_all(journal, &(struct journal_filter){.change = "b"});
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.seqs[0], 4);
	assert_int_equal(seen.seqs[3], 13);
	seen = see_all(journal, &(struct journal_filter){.change = "b", .from_seq = 5, .limit = 2});
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.seqs[0], 7);
	seen = see_all(journal, &(struct journal_filter){.kind = JOURNAL_VERDICT});
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.seqs[0], 4);
	assert_int_equal(seen.seqs[1], 11);
	seen = see_all(journal,
	        &(struct journal_filter){
	                .kind = JOURNAL_VERDICT, .change = "b", .newest_first = true, .limit = 1});
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.seqs[0], 4);
	seen = see_all(journal, &(struct journal_filter){.change = ""});
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.last_kind, "genesis");
	seen = see_all(journal, &(struct journal_filter){.from_seq = 99});
	assert_int_equal(seen.count, 0);
	journal_close(journal);
}

static enum result stop(void *ctx, const struct journal_record *record, struct error *err)
{
	(void)record;
	++*(int *)ctx;
	return error_set(err, RESULT_REFUSED, "enough");
}

static void a_callback_can_stop(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 5);
	struct journal *journal = must_open(path, JOURNAL_READ);
	int count = 0;
	struct error err = {0};
	assert_int_equal(journal_iterate(journal, NULL, stop, &count, &err), RESULT_REFUSED);
	assert_int_equal(count, 1);
	assert_string_equal(err.text, "enough");
	journal_close(journal);
}

static void a_batch_is_written_whole_or_not(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	json_t *good = json_pack("{s:i}", "ttl", 3600), *bad = json_pack("{s:f}", "ttl", 0.5);
	struct journal_entry entries[] = {{.kind = JOURNAL_INTENT, .payload = good},
	        {.kind = JOURNAL_SENT}, {.kind = JOURNAL_RESULT, .payload = bad}};
	struct journal_mark marks[3] = {{.seq = -1}, {.seq = -1}, {.seq = -1}}, head;
	struct error err = {0};
	assert_int_equal(journal_append_all(journal, entries, 3, marks, &err), RESULT_INPUT);
	assert_says(err, "fraction");
	assert_int_equal(marks[0].seq, -1);
	assert_int_equal(journal_head(journal, &head, NULL), RESULT_OK);
	assert_int_equal(head.seq, 1);

	entries[2].payload = good;
	assert_int_equal(journal_append_all(journal, entries, 3, marks, &err), RESULT_OK);
	assert_int_equal(marks[0].seq, 2);
	assert_int_equal(marks[2].seq, 4);
	assert_int_equal(journal_head(journal, &head, NULL), RESULT_OK);
	assert_true(journal_hash_equal(&head.hash, &marks[2].hash));
	journal_close(journal);
	json_decref(good);
	json_decref(bad);
	assert_true(must_verify(path, &head.hash).good);
}

static void assert_entry_refused(
        struct journal *journal, struct journal_entry entry, enum result expected, const char *says)
{
	struct error err = {0};
	assert_int_equal(journal_append(journal, &entry, NULL, &err), expected);
	assert_says(err, says);
}

static void what_is_no_record_is_refused(void **state)
{
	struct journal *journal = must_open(in_folder(state, "j"), JOURNAL_CREATE);
	char longest[JOURNAL_MAX_ID + 2];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	json_t *array = json_array();
	json_t *large = json_object();
	char *text = calloc(1, JOURNAL_MAX_PAYLOAD + 1);
	memset(text, 'a', JOURNAL_MAX_PAYLOAD);
	json_object_set_new(large, "text", json_string(text));
	assert_entry_refused(journal, (struct journal_entry){.kind = 99}, RESULT_INPUT, "kind");
	assert_entry_refused(
	        journal, (struct journal_entry){.kind = JOURNAL_ANY}, RESULT_INPUT, "kind");
	assert_entry_refused(
	        journal, (struct journal_entry){.kind = JOURNAL_FOREIGN}, RESULT_INPUT, "kind");
	assert_entry_refused(
	        journal, (struct journal_entry){.kind = JOURNAL_GENESIS}, RESULT_INPUT, "genesis");
	assert_entry_refused(journal,
	        (struct journal_entry){.kind = JOURNAL_NOTE, .change = "a\nb"}, RESULT_INPUT,
	        "change");
	assert_entry_refused(journal, (struct journal_entry){.kind = JOURNAL_NOTE, .step = longest},
	        RESULT_INPUT, "step");
	assert_entry_refused(journal,
	        (struct journal_entry){.kind = JOURNAL_NOTE, .payload = array}, RESULT_INPUT,
	        "object");
	assert_entry_refused(journal,
	        (struct journal_entry){.kind = JOURNAL_NOTE, .payload = large}, RESULT_LIMIT,
	        "larger");
	longest[JOURNAL_MAX_ID] = '\0';
	must_append(journal, JOURNAL_NOTE, longest, longest, 1);
	struct journal_mark head;
	assert_int_equal(journal_head(journal, &head, NULL), RESULT_OK);
	assert_int_equal(head.seq, 2);
	journal_close(journal);
	json_decref(array);
	json_decref(large);
	free(text);
}

static void assert_not_opened(
        const char *path, enum journal_mode mode, enum result expected, const char *says)
{
	struct journal_options options = repeating_options();
	struct journal *journal = NULL;
	struct error err = {0};
	assert_int_equal(journal_open(path, mode, &options, &journal, &err), expected);
	assert_null(journal);
	assert_says(err, says);
	assert_null(strchr(err.text, '\n'));
}

static void what_is_no_journal_is_refused(void **state)
{
	const char *path = in_folder(state, "j");
	assert_not_opened(path, JOURNAL_READ, RESULT_NOT_FOUND, "no such file");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_NOT_FOUND, "no such file");
	assert_int_not_equal(access(path, F_OK), 0);
	assert_not_opened(*state, JOURNAL_CREATE, RESULT_INPUT, "not a plain file");
	assert_not_opened("/nonexistent/j", JOURNAL_CREATE, RESULT_SYSTEM,
	        "/nonexistent/j: cannot create: No such file or directory");

	assert_int_equal(
	        file_replace(path, "no database at all, but long enough to be read so", 49, NULL),
	        RESULT_OK);
	assert_not_opened(path, JOURNAL_CREATE, RESULT_INPUT, "not an SQLite file");
	assert_int_equal(file_replace(path, "", 0, NULL), RESULT_OK);
	assert_not_opened(path, JOURNAL_READ, RESULT_INPUT, "holds no journal");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_INPUT, "holds no journal");

	run_sql(path, "CREATE TABLE record(seq)");
	assert_not_opened(path, JOURNAL_CREATE, RESULT_INPUT, "not a Baton journal");
}

static void a_newer_schema_is_named(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 1);
	run_sql(path, "PRAGMA user_version = 2");
	assert_not_opened(path, JOURNAL_READ, RESULT_UNSUPPORTED, "newer Baton: schema 2");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_UNSUPPORTED, "this one knows 1");
}

static void foreign_objects_never_run(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 1);
	run_sql(path, "CREATE TRIGGER t AFTER INSERT ON record BEGIN "
	              "UPDATE record SET payload = '{}'; END");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_CORRUPT, "somebody has changed them");
	struct journal_report report = must_verify(path, NULL);
	assert_false(report.good);
	assert_string_equal(report.field, "file");
}

static void nothing_is_added_behind_a_bad_record(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 3);
	run_sql(path, "UPDATE record SET payload = '{}' WHERE seq = 4");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_CORRUPT, "record 4: hash");
	run_sql(path, "DELETE FROM record");
	assert_not_opened(path, JOURNAL_WRITE, RESULT_CORRUPT, "emptied");
}

static void a_record_of_unknown_kind_is_reported(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 1);
	// As a later version might write it: with a right hash.
	struct journal_record record = {.version = 1,
	        .seq = 3,
	        .kind_text = "telegram",
	        .change = "",
	        .step = "",
	        .payload = "{}",
	        .payload_length = 2};
	struct journal *journal = must_open(path, JOURNAL_READ);
	struct journal_mark head;
	assert_int_equal(journal_head(journal, &head, NULL), RESULT_OK);
	journal_close(journal);
	record.previous = head.hash;
	assert_int_equal(journal_record_hash(&record, &record.hash, NULL), RESULT_OK);
	char sql[500], hash[JOURNAL_HASH_TEXT], previous[JOURNAL_HASH_TEXT];
	snprintf(sql, sizeof sql,
	        "INSERT INTO record VALUES(3, 1, x'%s', 0, 'telegram', '', '', '{}', x'%s')",
	        journal_hash_format(&record.previous, previous),
	        journal_hash_format(&record.hash, hash));
	run_sql(path, sql);
	struct journal_report report = must_verify(path, NULL);
	assert_true(report.good);
	assert_int_equal(report.foreign, 1);
	journal = must_open(path, JOURNAL_READ);
	struct seen seen = see_all(journal, NULL);
	assert_string_equal(seen.last_kind, "telegram");
	journal_close(journal);
}

static void two_cannot_run_one_journal(void **state)
{
	const char *path = in_folder(state, "j"), *other = in_folder(state, "link");
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	assert_int_equal(symlink(path, other), 0);
	char pid[32];
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_not_opened(path, JOURNAL_WRITE, RESULT_CONFLICT, pid);
	assert_not_opened(path, JOURNAL_CREATE, RESULT_CONFLICT, "only one program can run it");
	assert_not_opened(other, JOURNAL_WRITE, RESULT_CONFLICT, pid);
	must_append(journal, JOURNAL_NOTE, NULL, NULL, 1);
	journal_close(journal);
	journal_close(must_open(other, JOURNAL_WRITE));
}

static void assert_takes_nothing(struct journal *journal, const char *why)
{
	struct error err = {0};
	struct journal_entry entry = {.kind = JOURNAL_NOTE};
	assert_int_equal(journal_append(journal, &entry, NULL, &err), RESULT_CONFLICT);
	assert_says(err, why);
}

// Records in a file without a name are gone with the program: an intent would not be on the disk
// when its act is under way.
static void a_file_that_was_taken_away_takes_no_record(void **state)
{
	const char *path = in_folder(state, "j"), *away = in_folder(state, "away");
	make_journal(path, 3);
	struct journal *journal = must_open(path, JOURNAL_WRITE);
	must_append(journal, JOURNAL_NOTE, "a", "", 1);
	assert_int_equal(rename(path, away), 0);
	assert_takes_nothing(journal, "deleted, moved or replaced");
	assert_int_equal(rename(away, path), 0);
	must_append(journal, JOURNAL_NOTE, "a", "", 2);
	copy_file(path, away);
	assert_int_equal(rename(away, path), 0);
	assert_takes_nothing(journal, "deleted, moved or replaced");
	assert_int_equal(unlink(path), 0);
	assert_takes_nothing(journal, "deleted, moved or replaced");
	journal_close(journal);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void an_emptied_file_takes_no_record(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 3);
	struct journal *journal = must_open(path, JOURNAL_WRITE);
	assert_int_equal(truncate(path, 0), 0);
	assert_takes_nothing(journal, "emptied");
	journal_close(journal);
}

static void a_writer_without_its_lock_takes_no_record(void **state)
{
	const char *path = in_folder(state, "j"), *lock = in_folder(state, "j.lock");
	make_journal(path, 3);
	struct journal *first = must_open(path, JOURNAL_WRITE);
	assert_int_equal(unlink(lock), 0);
	assert_takes_nothing(first, "another program may be writing");
	struct journal *second = must_open(path, JOURNAL_WRITE);
	assert_takes_nothing(first, "another program may be writing");
	journal_close(first);
	assert_int_equal(access(lock, F_OK), 0); // it is the second one's
	must_append(second, JOURNAL_NOTE, "a", "", 1);
	journal_close(second);
	assert_int_not_equal(access(lock, F_OK), 0);
}

// The file was deleted under a writer: nobody else may make another one, nor an empty file.
static void who_is_refused_leaves_no_file(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal *other = NULL, *first = must_open(path, JOURNAL_CREATE);
	struct error err;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
	        journal_open(path, JOURNAL_CREATE, &options, &other, &err), RESULT_CONFLICT);
	assert_null(other);
	assert_int_not_equal(access(path, F_OK), 0);
	journal_close(first);
	journal_close(must_open(path, JOURNAL_CREATE));
}

static void a_dead_writer_holds_no_lock(void **state)
{
	const char *path = in_folder(state, "j");
	pid_t child = fork();
	if (child == 0) {
		must_open(path, JOURNAL_CREATE);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(access(in_folder(state, "j.lock"), F_OK), 0);
	journal_close(must_open(path, JOURNAL_WRITE));
}

static void a_guest_says_what_a_person_says(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal *runner = must_open(path, JOURNAL_CREATE);
	must_append(runner, JOURNAL_STATE, "a", NULL, 1);
	struct journal *guest = must_open(path, JOURNAL_GUEST);
	struct journal_mark approval = must_append(guest, JOURNAL_APPROVAL, "a", "move-ns", 2);
	assert_int_equal(approval.seq, 3);
	assert_entry_refused(guest, (struct journal_entry){.kind = JOURNAL_INTENT}, RESULT_REFUSED,
	        "only the program that runs");
	struct seen seen = see_all(runner, &(struct journal_filter){.from_seq = 3});
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.last_kind, "approval");
	struct journal_mark next = must_append(runner, JOURNAL_INTENT, "a", "move-ns", 3);
	assert_int_equal(next.seq, 4);
	journal_close(guest);
	journal_close(runner);
	assert_true(must_verify(path, &next.hash).good);
}

static void append_as_guest(const char *path)
{
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal *guest;
	if (journal_open(path, JOURNAL_GUEST, &options, &guest, NULL) != RESULT_OK)
		_exit(1);
	struct journal_entry entry = {.kind = JOURNAL_APPROVAL, .change = "a"};
	for (int i = 0; i < 100; i++)
		if (journal_append(guest, &entry, NULL, NULL) != RESULT_OK)
			_exit(2);
	journal_close(guest);
	_exit(0);
}

static void runner_and_guests_make_one_chain(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal *runner = must_open(path, JOURNAL_CREATE);
	pid_t guests[2];
	for (int i = 0; i < 2; i++)
		if ((guests[i] = fork()) == 0)
			append_as_guest(path);
	for (int i = 0; i < 100; i++)
		must_append(runner, JOURNAL_STATE, "a", NULL, i);
	for (int i = 0; i < 2; i++) {
		int status;
		assert_int_equal(waitpid(guests[i], &status, 0), guests[i]);
		assert_int_equal(status, 0);
	}
	struct journal_mark head;
	assert_int_equal(journal_head(runner, &head, NULL), RESULT_OK);
	journal_close(runner);
	struct journal_report report = must_verify(path, &head.hash);
	assert_true(report.good);
	assert_int_equal(report.records, 301);
}

static void a_reader_cannot_write(void **state)
{
	const char *path = in_folder(state, "j");
	make_journal(path, 1);
	struct journal *journal = must_open(path, JOURNAL_READ);
	assert_entry_refused(journal, (struct journal_entry){.kind = JOURNAL_NOTE}, RESULT_REFUSED,
	        "reading only");
	journal_close(journal);
}

static enum result count_and_wait(void *ctx, const struct journal_record *record, struct error *err)
{
	(void)err;
	assert_int_equal(record->seq, ++*(int64_t *)ctx);
	if (record->seq % 16 == 0)
		usleep(1000);
	return RESULT_OK;
}

static void append_without_end(const char *path, int ready)
{
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	for (int i = 0;; i++) {
		must_append(journal, JOURNAL_NOTE, "a", NULL, i);
		if (i == 20 && write(ready, "x", 1) != 1)
			_exit(1);
	}
}

static void readers_and_a_writer_do_not_meet(void **state)
{
	const char *path = in_folder(state, "j");
	int ready[2];
	char x;
	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0)
		append_without_end(path, ready[1]);
	assert_int_equal(read(ready[0], &x, 1), 1);
	struct journal *journal = must_open(path, JOURNAL_READ);
	int64_t before = 0;
	for (int i = 0; i < 20; i++) {
		int64_t seen = 0;
		struct error err = {0};
		if (journal_iterate(journal, NULL, count_and_wait, &seen, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_true(seen >= before);
		assert_true(must_verify(path, NULL).good);
		before = seen;
	}
	assert_true(before > 22);
	assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	journal_close(journal);
	close(ready[0]);
	close(ready[1]);
}

static void names_are_only_names(void **state)
{
	char start[4096];
	assert_non_null(getcwd(start, sizeof start));
	assert_int_equal(chdir(*state), 0);
	static const char *const names[] = {":memory:", "file:x?mode=memory", "a b%41#c"};
	for (size_t i = 0; i < 3; i++) {
		make_journal(names[i], 2);
		assert_int_equal(access(names[i], F_OK), 0);
		assert_int_equal(must_verify(names[i], NULL).records, 3);
	}
	assert_int_equal(chdir(start), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        TEST(what_was_written_is_read),
	        TEST(nothing_is_left_beside_a_closed_journal),
	        TEST(filters_choose),
	        TEST(a_callback_can_stop),
	        TEST(a_batch_is_written_whole_or_not),
	        TEST(what_is_no_record_is_refused),
	        TEST(what_is_no_journal_is_refused),
	        TEST(a_newer_schema_is_named),
	        TEST(foreign_objects_never_run),
	        TEST(nothing_is_added_behind_a_bad_record),
	        TEST(a_record_of_unknown_kind_is_reported),
	        TEST(two_cannot_run_one_journal),
	        TEST(a_file_that_was_taken_away_takes_no_record),
	        TEST(an_emptied_file_takes_no_record),
	        TEST(a_writer_without_its_lock_takes_no_record),
	        TEST(who_is_refused_leaves_no_file),
	        TEST(a_dead_writer_holds_no_lock),
	        TEST(a_guest_says_what_a_person_says),
	        TEST(runner_and_guests_make_one_chain),
	        TEST(a_reader_cannot_write),
	        TEST(readers_and_a_writer_do_not_meet),
	        TEST(names_are_only_names),
	};
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
