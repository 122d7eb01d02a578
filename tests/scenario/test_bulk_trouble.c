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

#define MONTH_MS (30 * DAY_MS)

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

static char saved[64];

static void save(struct fleet *f, size_t zone, const char *step)
{
	(void)zone;
	(void)step;
	if (f->acts == 1)
		copy(f->arena, f->definition->journals, saved);
}

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

// The disk as it is while the first effect is on its way: then nothing more is written.
static void ended_at_the_first_effect_it_takes_that_back(void **state)
{
	(void)state;
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = 1});
	strcpy(saved, "/tmp/baton-saved-XXXXXX");
	assert_non_null(mkdtemp(saved));
	f->on_act = save;
	f->end_after = 1;
	fleet_run(f, MONTH_MS);
	fleet_kill(f);
	empty(f->definition->journals);
	copy(f->arena, saved, f->definition->journals);
	empty(saved);
	rmdir(saved);
	fleet_say(f, JOURNAL_UNDO, json_object());
	fleet_run(f, MONTH_MS);
	assert_int_equal(f->end, BULK_STOPPED);
	assert_int_equal(phase_of(f, 0), BULK_UNDONE);
	for (int p = SIMDNS_LOSING; p <= SIMDNS_GAINING; p++)
		assert_int_equal(simdns_keys(f->dns[0], p),
		        p == SIMDNS_LOSING ? SIMDNS_LOSING_KSK | SIMDNS_LOSING_ZSK
		                           : SIMDNS_GAINING_KSK | SIMDNS_GAINING_ZSK);
	fleet_free(f);
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
	        cmocka_unit_test(ended_at_the_first_effect_it_takes_that_back),
	        cmocka_unit_test(a_journal_that_is_gone_halts),
	        cmocka_unit_test(a_clock_that_is_set_breaks_no_rate),
	};
	return cmocka_run_group_tests_name("bulk trouble", tests, NULL, NULL);
}
