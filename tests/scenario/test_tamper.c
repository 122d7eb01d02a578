// Journals that somebody changed and computed anew, so that all hashes are right: what they say
// does not follow from itself any more.
#include "../unit/journal/support.h"
#include "scene.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"

// Changes the payload; false: this record is not meant.
typedef bool change_payload(json_t *payload, const char *step);

struct tampering {
	const char *kind;
	change_payload *change;
	unsigned which; // the n-th that is meant, from 0; ALL: all of them
	bool drop;      // instead, the record is taken out
};
enum { ALL = 1000000, TEXT_MAX = 4 << 20 };

static struct scene *finished; // one change for all tests

static int finish_one(void **state)
{
	(void)state;
	finished = scene_new(&(struct scene_options){.seed = 31});
	scene_run(finished, 40 * DAY_MS);
	assert_int_equal(finished->end, CHANGE_FINISHED);
	scene_stop(finished);
	scene_verify(finished);
	return 0;
}

static int free_one(void **state)
{
	(void)state;
	scene_free(finished);
	return 0;
}

static sqlite3 *copy_journal(const char *to)
{
	struct arena *arena = arena_new(128 << 20);
	char *data;
	size_t length;
	sqlite3 *db;
	assert_int_equal(
	        file_read(arena, finished->journal_path, 64 << 20, &data, &length, &finished->err),
	        RESULT_OK);
	assert_int_equal(file_replace(to, data, length, &finished->err), RESULT_OK);
	arena_free(arena);
	assert_int_equal(sqlite3_open(to, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
	return db;
}

static void set_payload(sqlite3 *db, int64_t seq, const json_t *payload)
{
	struct buffer text = buffer_init(TEXT_MAX);
	sqlite3_stmt *update;
	assert_int_equal(json_write_canonical(payload, &text, NULL), RESULT_OK);
	sqlite3_prepare_v2(db, "UPDATE record SET payload = ?1 WHERE seq = ?2", -1, &update, NULL);
	sqlite3_bind_text(update, 1, buffer_text(&text), -1, SQLITE_STATIC);
	sqlite3_bind_int64(update, 2, seq);
	assert_int_equal(sqlite3_step(update), SQLITE_DONE);
	sqlite3_finalize(update);
	buffer_free(&text);
}

static void drop_record(sqlite3 *db, int64_t seq)
{
	char sql[200];
	snprintf(sql, sizeof sql,
	        "DELETE FROM record WHERE seq = %lld; UPDATE record SET seq = -seq WHERE seq > "
	        "%lld; "
	        "UPDATE record SET seq = -seq - 1 WHERE seq < 0",
	        (long long)seq, (long long)seq);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

// How many records were meant.
static unsigned tamper(sqlite3 *db, const struct tampering *t)
{
	unsigned meant = 0;
	int64_t dropped = 0;
	sqlite3_stmt *row;
	sqlite3_prepare_v2(db, "SELECT seq, payload, step FROM record WHERE kind = ?1 ORDER BY seq",
	        -1, &row, NULL);
	sqlite3_bind_text(row, 1, t->kind, -1, SQLITE_STATIC);
	while (sqlite3_step(row) == SQLITE_ROW) {
		json_t *payload = json_loads((const char *)sqlite3_column_text(row, 1), 0, NULL);
		assert_non_null(payload);
		if (t->change == NULL ||
		        t->change(payload, (const char *)sqlite3_column_text(row, 2))) {
			if (t->which == ALL || t->which == meant) {
				if (t->drop)
					dropped = sqlite3_column_int64(row, 0);
				else
					set_payload(db, sqlite3_column_int64(row, 0), payload);
			}
			meant++;
		}
		json_decref(payload);
	}
	sqlite3_finalize(row);
	if (dropped != 0)
		drop_record(db, dropped);
	return meant;
}

static struct journal_report verify(const char *path, bool rejudged)
{
	struct rejudge *rejudge;
	struct journal_report report;
	assert_int_equal(rejudge_new(&rejudge, &finished->err), RESULT_OK);
	struct journal_verify_options options = {.visit = rejudge_visit, .ctx = rejudge};
	if (journal_verify(path, rejudged ? &options : NULL, &report, &finished->err) != RESULT_OK)
		fail_msg("%s", finished->err.text);
	rejudge_free(rejudge);
	return report;
}

static struct journal_report report_of(const struct tampering *t, unsigned *meant)
{
	char copy[200];
	snprintf(copy, sizeof copy, "%s/tampered", finished->folder);
	sqlite3 *db = copy_journal(copy);
	*meant = tamper(db, t);
	sqlite3_close(db);
	chain_anew(copy, 1);
	assert_true(verify(copy, false).good); // the hashes tell nothing
	return verify(copy, true);
}

static void expect_found(const struct tampering *t, const char *text)
{
	unsigned meant;
	struct journal_report report = report_of(t, &meant);
	assert_true(meant > 0);
	if (report.good || strstr(report.text, text) == NULL)
		fail_msg("'%s' was not found, but: %s", text, report.text);
}

// ---- Verdicts --------------------------------------------------------------------------------

static bool waits(json_t *payload, const char *step)
{
	(void)step;
	return json_is_false(json_object_get(payload, "go"));
}

static bool say_go(json_t *payload, const char *step)
{
	return waits(payload, step) && json_object_set_new(payload, "go", json_true()) == 0;
}

static bool say_earlier(json_t *payload, const char *step)
{
	json_t *from = json_object_get(payload, "from");
	return waits(payload, step) && json_object_set_new(payload, "from",
	                                       json_integer(json_integer_value(from) - 1)) == 0;
}

static bool ask_later(json_t *payload, const char *step)
{
	json_t *now = json_object_get(payload, "now_ms");
	return waits(payload, step) &&
	       json_object_set_new(payload, "now_ms",
	               json_integer(json_integer_value(now) + 100 * DAY_MS)) == 0;
}

static bool claim_less(json_t *payload, const char *step)
{
	(void)step;
	json_t *effect = json_object_get(payload, "effect");
	return json_array_size(effect) > 0 && json_array_remove(effect, 0) == 0;
}

static void a_changed_verdict_is_found(void **state)
{
	(void)state;
	expect_found(&(struct tampering){"verdict", say_go, 0, false}, "'go' is another");
	expect_found(&(struct tampering){"verdict", say_earlier, 1, false}, "'from' is another");
	expect_found(&(struct tampering){"verdict", ask_later, 0, false}, "the verdict");
	expect_found(&(struct tampering){"verdict", claim_less, 3, false}, "'effect' is another");
}

static bool goes(json_t *payload, const char *step)
{
	(void)step;
	return json_is_true(json_object_get(payload, "go"));
}

static void an_act_without_its_verdict_is_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++)
		expect_found(&(struct tampering){"verdict", goes, i, true},
		        "an intent to act without a verdict that it is safe");
}

// ---- Observations ----------------------------------------------------------------------------

static bool each_content(json_t *payload, const char *kind, bool (*change)(json_t *content))
{
	json_t *facts = json_object_get(payload, "facts");
	bool any = false;
	for (size_t i = 0; i < json_array_size(facts); i++) {
		json_t *fact = json_array_get(facts, i),
		       *contents = json_object_get(fact, "contents");
		if (strcmp(json_string_value(json_object_get(fact, "kind")), kind) != 0)
			continue;
		for (size_t k = 0; k < json_array_size(contents); k++)
			any |= change(json_array_get(contents, k));
	}
	return any;
}

static bool shorten(json_t *content)
{
	return json_object_set_new(content, "ttl_s", json_integer(60)) == 0;
}

static bool shorten_ds(json_t *payload, const char *step)
{
	(void)step;
	return each_content(payload, "ds", shorten);
}

static bool shorten_dnskey(json_t *payload, const char *step)
{
	(void)step;
	return each_content(payload, "dnskey", shorten);
}

static bool drop_contents(json_t *content)
{
	return json_array_size(json_object_get(content, "keys")) > 0 &&
	       json_array_clear(json_object_get(content, "keys")) == 0;
}

static bool drop_keys(json_t *payload, const char *step)
{
	(void)step;
	return each_content(payload, "dnskey", drop_contents);
}

static void changed_observations_are_found(void **state)
{
	(void)state;
	expect_found(&(struct tampering){"observation", shorten_ds, ALL, false}, "does not follow");
	expect_found(
	        &(struct tampering){"observation", shorten_dnskey, ALL, false}, "does not follow");
	for (unsigned i = 0; i < 3; i++)
		expect_found(&(struct tampering){"observation", drop_keys, i, false}, "record ");
}

static bool is_seen(json_t *payload, const char *step)
{
	(void)step;
	return strcmp(json_string_value(json_object_get(payload, "state")), "seen") == 0;
}

// Those that make a difference: an observation that only says again what was said before may go.
static void observations_that_are_taken_out_are_found(void **state)
{
	(void)state;
	unsigned found = 0, meant = 1, tried = 0;
	for (unsigned i = 0; i < meant; i += scene_full() ? 1 : 3) {
		struct tampering t = {"observation", NULL, i, true};
		found += !report_of(&t, &meant).good;
		tried++;
	}
	print_message("# %u of %u missing observations were found\n", found, tried);
	assert_true(4 * found >= tried);
}

// ---- States ----------------------------------------------------------------------------------

static bool claim_other(json_t *payload, const char *step)
{
	return is_seen(payload, step) &&
	       json_integer_value(json_object_get(payload, "publishers")) != 0 &&
	       json_object_set_new(payload, "publishers", json_integer(7)) == 0;
}

// What is wrong already, and was not agreed to by a person.
static void an_act_without_the_agreement_that_it_needs_is_found(void **state)
{
	(void)state;
	struct scene *whole = finished;
	finished = scene_new(&(struct scene_options){.seed = 32, .poll = "1h"});
	scene_run(finished, HOUR_MS / 2);
	simdns_set_ds(finished->dns, SIMDNS_GAINING_KSK);
	scene_run(finished, 2 * DAY_MS);
	scene_guest(finished, JOURNAL_APPROVAL, "publish-new-keys", "losing");
	scene_run(finished, DAY_MS);
	scene_stop(finished);
	scene_verify(finished);
	expect_found(&(struct tampering){"approval", NULL, 0, true},
	        "an intent to act that goes on with what is wrong already, without a person's "
	        "agreement");
	scene_free(finished);
	finished = whole;
}

static bool is_keys(json_t *payload, const char *step)
{
	(void)step;
	return strcmp(json_string_value(json_object_get(payload, "state")), "keys") == 0;
}

static void changed_states_are_found(void **state)
{
	(void)state;
	expect_found(&(struct tampering){"state", claim_other, 0, false},
	        "what is said to be seen on every address was not observed there");
	expect_found(&(struct tampering){"state", is_keys, 0, true}, "record ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_changed_verdict_is_found),
	        cmocka_unit_test(an_act_without_its_verdict_is_found),
	        cmocka_unit_test(changed_observations_are_found),
	        cmocka_unit_test(observations_that_are_taken_out_are_found),
	        cmocka_unit_test(an_act_without_the_agreement_that_it_needs_is_found),
	        cmocka_unit_test(changed_states_are_found),
	};
	return cmocka_run_group_tests_name("tamper", tests, finish_one, free_one);
}
