// A bulk when something is wrong with the bulk itself: journals that cannot be used, or are gone,
// an end between two records, a clock that is set.
#include "fleet.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "journal/verify.h"

#define MONTH_MS (30 * DAY_MS)

enum { ON_ITS_WAY_MS = 6 }; // of a datagram to a server

static const char *journal_of(const struct fleet *f, size_t zone)
{
	return f->definition->zones[zone].journal;
}

// A folder where the journal of a zone should be.
static void block(const struct fleet *f, size_t zone)
{
	mkdir(f->definition->journals, 0700);
	assert_int_equal(mkdir(journal_of(f, zone), 0700), 0);
}

static void unblock(const struct fleet *f, size_t zone)
{
	assert_int_equal(rmdir(journal_of(f, zone)), 0);
}

static enum bulk_phase phase_of(const struct fleet *f, size_t zone)
{
	return fleet_state(f)->zones[zone].phase;
}

// ---- A zone that cannot begin ------------------------------------------------------------------

static void it_goes_on_when_it_is_mended_and_somebody_says_so(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 4, .more = "halt-after: 2\n"});
	block(f, 2);
	fleet_run(f, DAY_MS);
	assert_int_equal(f->end, BULK_RUNNING);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 3);
	assert_false(fleet_state(f)->halted);
	unblock(f, 2);
	fleet_say(f, JOURNAL_APPROVAL, json_object());
	fleet_run(f, MONTH_MS);
	assert_int_equal(f->end, BULK_COMPLETE);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 1);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 4);
	fleet_free(f);
}

static void where_it_is_not_mended_it_is_wrong_once_more(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 4});
	block(f, 2);
	fleet_run(f, DAY_MS);
	assert_true(fleet_state(f)->halted);
	for (unsigned i = 2; i < 4; i++) {
		fleet_say(f, JOURNAL_APPROVAL, json_object());
		fleet_kill(f);
		fleet_run(f, DAY_MS);
		assert_true(fleet_state(f)->halted);
		assert_int_equal(f->said[BULK_SAID_ANOMALY], i);
	}
	fleet_free(f);
}

static void it_is_set_aside_when_all_is_taken_back(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 4, .more = "rate: {registry: {effects: 1, per: 6h}}\n"});
	block(f, 2);
	fleet_run(f, 2 * HOUR_MS);
	fleet_say(f, JOURNAL_UNDO, json_object());
	fleet_run(f, MONTH_MS);
	assert_int_equal(f->end, BULK_STOPPED);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 1);
	assert_int_equal(phase_of(f, 2), BULK_ASIDE);
	assert_int_equal(fleet_count(f, BULK_STARTED), 0);
	unblock(f, 2);
	fleet_free(f);
}

// ---- Ends
// ----------------------------------------------------------------------------------------

static void copy(struct arena *arena, const char *from, const char *to)
{
	DIR *dir = opendir(from);
	assert_non_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		char *data;
		size_t length;
		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(file_read(arena, arena_printf(arena, "%s/%s", from, e->d_name),
		                         16 << 20, &data, &length, NULL),
		        RESULT_OK);
		assert_int_equal(file_replace(arena_printf(arena, "%s/%s", to, e->d_name), data,
		                         length, NULL),
		        RESULT_OK);
	}
	closedir(dir);
}

static char saved[80];

static void empty(const char *folder)
{
	DIR *dir = opendir(folder);
	char path[400];
	for (const struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
}

static unsigned saids, last_said;

// The disk as it is now is what the next process finds, and nothing more is heard of this one; but
// what it is about to send, and its intent is on the disk, arrives.
static void save(struct fleet *f, enum change_said change)
{
	if (++saids != last_said)
		return;
	copy(f->arena, f->definition->journals, saved);
	if (change == CHANGE_SAID_ACT)
		f->end_after = f->acts + 1;
	else
		f->deaf = true;
	loop_stop(f->loop);
}

static struct fleet *killed_at(unsigned said, const char *more)
{
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 2, .more = more});
	snprintf(saved, sizeof saved, "%s-saved", f->folder);
	assert_int_equal(mkdir(saved, 0700), 0);
	saids = 0;
	last_said = said;
	f->on_said = save;
	fleet_run(f, MONTH_MS);
	f->on_said = NULL;
	if (saids < said)
		return f;
	loop_run(f->loop, loop_now_ms(f->loop) + ON_ITS_WAY_MS);
	fleet_kill(f);
	f->deaf = false;
	empty(f->definition->journals);
	copy(f->arena, saved, f->definition->journals);
	return f;
}

static void expect_good_journals(const struct fleet *f)
{
	struct error err;
	for (size_t i = 0; i < f->definition->zone_count; i++) {
		struct journal_report report;
		if (access(journal_of(f, i), F_OK) != 0)
			continue;
		if (journal_verify(journal_of(f, i), NULL, &report, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		if (!report.good)
			fail_msg("%s", report.text);
	}
}

static void end(struct fleet *f)
{
	fleet_kill(f);
	expect_good_journals(f);
	empty(saved);
	rmdir(saved);
	fleet_free(f);
}

// Each of the things that are said, from the first to the last one, in a run of its own.
static void killed_at_any_instant_it_does_nothing_twice(void **state)
{
	(void)state;
	unsigned said = 0;
	bool more = true;
	while (more) {
		struct fleet *f = killed_at(++said, "canary: 1\n");
		more = f->bulk == NULL;
		fleet_run(f, MONTH_MS);
		assert_int_equal(f->end, BULK_COMPLETE);
		assert_int_equal(f->said[BULK_SAID_ANOMALY], 0);
		for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
			assert_int_equal(fleet_changes(f, p), 2);
		end(f);
	}
	assert_true(said > 20);
	print_message("# %u instants\n", said);
}

static void killed_at_any_instant_it_takes_everything_back(void **state)
{
	(void)state;
	unsigned said = 0;
	bool more = true;
	while (more) {
		struct fleet *f = killed_at(++said, "rate: {registry: {effects: 1, per: 12h}}\n");
		more = f->bulk == NULL;
		if (more)
			fleet_say(f, JOURNAL_UNDO, json_object());
		fleet_run(f, MONTH_MS);
		assert_int_equal(f->end, more ? BULK_STOPPED : BULK_COMPLETE);
		for (size_t i = 0; i < 2; i++) {
			bool finished = phase_of(f, i) == BULK_FINISHED;
			assert_true(phase_of(f, i) != BULK_ASIDE ||
			            fleet_state(f)->zones[i].effects == 0);
			assert_int_equal(simdns_keys(f->dns[i], SIMDNS_LOSING),
			        SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK |
			                (finished ? SIMDNS_GAINING_ZSK : 0));
			assert_int_equal(simdns_keys(f->dns[i], SIMDNS_GAINING),
			        SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK |
			                (finished ? SIMDNS_LOSING_ZSK : 0));
			assert_int_equal(simdns_ds(f->dns[i]),
			        SIMDNS_LOSING_KSK | (finished ? SIMDNS_GAINING_KSK : 0));
		}
		end(f);
	}
}

// Without its journal nobody knows what a zone in mid-change waits for.
static void a_journal_that_is_gone_halts(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 3, .more = "rate: {registry: {effects: 1, per: 6h}}\n"});
	f->end_after = 5;
	fleet_run(f, MONTH_MS);
	fleet_kill(f);
	unsigned acts = f->acts;
	assert_int_equal(unlink(journal_of(f, 1)), 0);
	fleet_run(f, MONTH_MS);
	assert_true(fleet_state(f)->halted);
	assert_string_equal(fleet_state(f)->halted_by, "z0001.test");
	assert_int_equal(f->acts, acts);
	assert_int_equal(access(journal_of(f, 1), F_OK), -1);
	fleet_free(f);
}

// ---- Clocks
// --------------------------------------------------------------------------------------

static void a_clock_that_is_set_breaks_no_rate(void **state)
{
	(void)state;
	static const int64_t by_ms[] = {3 * DAY_MS, -5 * HOUR_MS};
	struct fleet *f = fleet_new(&(struct fleet_options){
	        .zones = 6, .more = "rate: {registry: {effects: 1, per: 6h}}\n"});
	for (int i = 0; i < 30 && f->end == BULK_RUNNING; i++) {
		fleet_run(f, 4 * HOUR_MS);
		sim_wall_jump(f->sim, by_ms[i % 2]);
	}
	assert_int_equal(f->end, BULK_COMPLETE);
	assert_int_equal(f->said[BULK_SAID_ANOMALY], 0);
	assert_int_equal(fleet_count(f, BULK_FINISHED), 6);
	assert_true(loop_now_ms(f->loop) >= 30 * HOUR_MS);
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		assert_int_equal(fleet_changes(f, p), 6);
	fleet_free(f);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_goes_on_when_it_is_mended_and_somebody_says_so),
	        cmocka_unit_test(where_it_is_not_mended_it_is_wrong_once_more),
	        cmocka_unit_test(it_is_set_aside_when_all_is_taken_back),
	        cmocka_unit_test(killed_at_any_instant_it_does_nothing_twice),
	        cmocka_unit_test(killed_at_any_instant_it_takes_everything_back),
	        cmocka_unit_test(a_journal_that_is_gone_halts),
	        cmocka_unit_test(a_clock_that_is_set_breaks_no_rate),
	};
	return cmocka_run_group_tests_name("bulk trouble", tests, NULL, NULL);
}
