// What can be forgotten (journal/private.h).
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "journal/private.h"

#define ADA "Ada Example <ada@example.net>"

static struct journal_private *must_open_private(const char *journal, bool writable)
{
	struct random random = random_system();
	struct journal_private *p = NULL;
	struct error err = {0};
	if (journal_private_open(journal, writable, &random, &p, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return p;
}

static struct journal_hash must_put(struct journal_private *p, const char *text)
{
	struct journal_hash hash = {0};
	struct error err = {0};
	if (journal_private_put(p, text, &hash, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return hash;
}

static void assert_value(
        struct journal_private *p, const struct journal_hash *hash, const char *expected)
{
	struct arena *arena = arena_new(1 << 20);
	const char *text = NULL;
	enum result result = journal_private_get(p, hash, arena, &text, NULL);
	if (expected == NULL)
		assert_int_equal(result, RESULT_NOT_FOUND);
	else {
		assert_int_equal(result, RESULT_OK);
		assert_string_equal(text, expected);
	}
	arena_free(arena);
}

static bool file_has(const char *path, const char *text)
{
	struct arena *arena = arena_new(4 << 20);
	char *data;
	size_t length;
	assert_int_equal(file_read(arena, path, 1 << 20, &data, &length, NULL), RESULT_OK);
	bool has = memmem(data, length, text, strlen(text)) != NULL;
	arena_free(arena);
	return has;
}

static void a_value_is_kept_and_found(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal_private *p = must_open_private(path, true);
	struct journal_hash one = must_put(p, ADA), two = must_put(p, ADA), empty = must_put(p, "");
	assert_false(journal_hash_equal(&one, &two)); // the salt
	journal_private_close(p);
	p = must_open_private(path, false);
	assert_value(p, &one, ADA);
	assert_value(p, &two, ADA);
	assert_value(p, &empty, "");
	assert_value(p, &(struct journal_hash){0}, NULL);
	struct journal_hash hash;
	assert_int_equal(journal_private_put(p, "x", &hash, NULL), RESULT_REFUSED);
	assert_int_equal(journal_private_erase(p, &one, NULL), RESULT_REFUSED);
	journal_private_close(p);
	struct stat status;
	assert_int_equal(stat(in_folder(state, "j.private"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void what_is_erased_is_gone_and_the_chain_stands(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal_private *p = must_open_private(path, true);
	struct journal *journal = must_open(path, JOURNAL_CREATE);
	struct journal_hash ada = must_put(p, ADA), other = must_put(p, "Grace");
	static char large[20000];
	memset(large, 'L', sizeof large - 1);
	struct journal_hash long_one = must_put(p, large);
	char text[JOURNAL_HASH_TEXT];
	json_t *payload = json_pack("{s:s}", "by", journal_hash_format(&ada, text));
	struct journal_entry entry = {.kind = JOURNAL_APPROVAL, .payload = payload};
	struct journal_mark head;
	assert_int_equal(journal_append(journal, &entry, &head, NULL), RESULT_OK);
	json_decref(payload);
	journal_close(journal);

	const char *file = in_folder(state, "j.private");
	assert_true(file_has(file, ADA));
	assert_false(file_has(path, "Ada"));
	assert_int_equal(journal_private_erase(p, &ada, NULL), RESULT_OK);
	assert_int_equal(journal_private_erase(p, &ada, NULL), RESULT_NOT_FOUND);
	assert_int_equal(journal_private_erase(p, &long_one, NULL), RESULT_OK);
	assert_value(p, &ada, NULL);
	assert_value(p, &other, "Grace");
	assert_false(file_has(file, "Ada"));
	assert_false(file_has(file, "LLLL"));
	assert_int_not_equal(access(in_folder(state, "j.private-journal"), F_OK), 0);
	journal_private_close(p);
	assert_true(must_verify(path, &head.hash).good);
}

static void a_changed_value_is_not_given_out(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal_private *p = must_open_private(path, true);
	struct journal_hash ada = must_put(p, ADA);
	run_sql(in_folder(state, "j.private"), "UPDATE private SET text = 'Eve'");
	struct arena *arena = arena_new(1 << 20);
	const char *text = NULL;
	struct error err = {0};
	assert_int_equal(journal_private_get(p, &ada, arena, &text, &err), RESULT_CORRUPT);
	assert_null(text);
	journal_private_close(p);
	arena_free(arena);
}

static void limits_and_wrong_files(void **state)
{
	const char *path = in_folder(state, "j");
	struct journal_private *p = NULL;
	struct error err = {0};
	assert_int_equal(journal_private_open(path, false, NULL, &p, &err), RESULT_NOT_FOUND);
	assert_false(journal_private_exists(path));
	p = must_open_private(path, true);
	assert_true(journal_private_exists(path));
	static char large[JOURNAL_MAX_PRIVATE + 2];
	memset(large, 'x', sizeof large - 1);
	struct journal_hash hash;
	assert_int_equal(journal_private_put(p, large, &hash, &err), RESULT_LIMIT);
	journal_private_close(p);

	// A journal is no private file.
	make_journal(in_folder(state, "k.private"), 1);
	struct random random = random_system();
	p = NULL;
	assert_int_equal(
	        journal_private_open(in_folder(state, "k"), true, &random, &p, &err), RESULT_INPUT);
	assert_null(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
	const struct CMUnitTest tests[] = {
	        TEST(a_value_is_kept_and_found),
	        TEST(what_is_erased_is_gone_and_the_chain_stands),
	        TEST(a_changed_value_is_not_given_out),
	        TEST(limits_and_wrong_files),
	};
	return cmocka_run_group_tests_name("journal private", tests, NULL, NULL);
}
