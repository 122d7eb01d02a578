#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/random.h"

static void reads_durations(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
	        {"0s", 0},
	        {"90s", 90 * SECOND_MS},
	        {"5m", 5 * MINUTE_MS},
	        {"5ms", 5},
	        {"6h", 6 * HOUR_MS},
	        {"2d", 2 * DAY_MS},
	        {"1d12h", 36 * HOUR_MS},
	        {"1d2h3m4s5ms", DAY_MS + 2 * HOUR_MS + 3 * MINUTE_MS + 4 * SECOND_MS + 5},
	        {"0d0h90m", 90 * MINUTE_MS},
	        {"366000d", DURATION_MAX_MS},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t ms = -1;
		assert_int_equal(duration_parse(cases[i].text, &ms, NULL), RESULT_OK);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void refuses_what_is_no_duration(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "5", "s", "-5s", "+5s", " 5s", "5s ", "5 s", "1.5h",
	        "1h2", "5x", "5S", "5sec", "1w", "12h1d", "1h1h", "5s5m", "366001d", "0x5s",
	        "99999999999999999999s", "9223372036854775807d", "366000d1ms", "1h\n", "１h"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t ms = 4711;
		struct error err = {0};
		assert_int_equal(duration_parse(bad[i], &ms, &err), RESULT_INPUT);
		assert_int_equal(ms, 4711);
		assert_int_equal(err.code, RESULT_INPUT);
		assert_true(strlen(err.text) > 0);
	}
}

static void writes_the_shortest_exact_duration(void **state)
{
	(void)state;
	char buf[DURATION_TEXT];
	assert_string_equal(duration_format(0, buf), "0s");
	assert_string_equal(duration_format(36 * HOUR_MS, buf), "1d12h");
	assert_string_equal(duration_format(90 * SECOND_MS, buf), "1m30s");
	assert_string_equal(duration_format(1250, buf), "1s250ms");
	assert_string_equal(duration_format(-MINUTE_MS, buf), "-1m");
	assert_string_equal(duration_format(TIME_NEVER_MS, buf), "forever");
	assert_string_equal(duration_format(TIME_EVER_MS + 1, buf), "-106751991167d7h12m55s807ms");
	assert_true(strlen(buf) < DURATION_TEXT);
}

static void durations_survive_writing_and_reading(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, 1);
	for (int i = 0; i < 20000; i++) {
		int64_t range = (int64_t)1 << random_below(&random, 44);
		int64_t ms = (int64_t)random_below(&random, (uint64_t)range), again = -1;
		char buf[DURATION_TEXT];
		assert_int_equal(duration_parse(duration_format(ms, buf), &again, NULL), RESULT_OK);
		assert_int_equal(again, ms);
	}
}

static void writes_times(void **state)
{
	(void)state;
	char buf[TIME_TEXT];
	assert_string_equal(time_format(0, buf), "1970-01-01T00:00:00Z");
	assert_string_equal(time_format(-1, buf), "1969-12-31T23:59:59.999Z");
	assert_string_equal(time_format(1795282800250, buf), "2026-11-21T17:40:00.250Z");
	assert_string_equal(time_format(951782399000, buf), "2000-02-28T23:59:59Z");
	assert_string_equal(time_format(TIME_NEVER_MS, buf), "never");
	assert_string_equal(time_format(TIME_EVER_MS, buf), "ever");
	// beyond what a calendar of four digits can say
	assert_string_equal(time_format(TIME_NEVER_MS - 1, buf), "@9223372036854775806ms");
	assert_string_equal(time_format(TIME_EVER_MS + 1, buf), "@-9223372036854775807ms");
}

static void reads_times(void **state)
{
	(void)state;
	int64_t at;
	assert_int_equal(time_parse("2026-11-21T17:40:00Z", &at, NULL), RESULT_OK);
	assert_int_equal(at, 1795282800000);
	assert_int_equal(time_parse("2026-11-21T17:40:00.250Z", &at, NULL), RESULT_OK);
	assert_int_equal(at, 1795282800250);
	assert_int_equal(time_parse("2024-02-29T00:00:00Z", &at, NULL), RESULT_OK);
	assert_int_equal(time_parse("1969-12-31T23:59:59.999Z", &at, NULL), RESULT_OK);
	assert_int_equal(at, -1);
}

static void refuses_what_is_no_time(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2026-11-21", "2026-11-21T17:40:00",
	        "2026-11-21 17:40:00Z", "2026-11-21T17:40Z", "2026-11-21T17:40:00+01:00",
	        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
	        "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
	        "2026-01-01T23:60:00Z", "2026-12-31T23:59:60Z", "2026-1-1T1:1:1Z",
	        "2026-11-21T17:40:00.25Z", "2026-11-21T17:40:00.2500Z", "2026-11-21T17:40:00Zx",
	        " 2026-11-21T17:40:00Z", "+026-11-21T17:40:00Z", "never", "@5ms"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t at = 4711;
		struct error err = {0};
		assert_int_equal(time_parse(bad[i], &at, &err), RESULT_INPUT);
		assert_int_equal(at, 4711);
	}
}

static void times_survive_writing_and_reading(void **state)
{
	(void)state;
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, 2);
	const int64_t first = -62167219200000, last = 253402300799999; // years 0000 to 9999
	for (int i = 0; i < 20000; i++) {
		int64_t at = first + (int64_t)random_below(&random, (uint64_t)(last - first + 1));
		int64_t again = 0;
		char buf[TIME_TEXT];
		assert_int_equal(time_parse(time_format(at, buf), &again, NULL), RESULT_OK);
		assert_int_equal(again, at);
	}
	char buf[TIME_TEXT];
	assert_string_equal(time_format(first, buf), "0000-01-01T00:00:00Z");
	assert_string_equal(time_format(last, buf), "9999-12-31T23:59:59.999Z");
}

static void addition_stays_at_the_ends(void **state)
{
	(void)state;
	assert_int_equal(time_add(5, 7), 12);
	assert_int_equal(time_add(5, -7), -2);
	assert_true(time_add(TIME_NEVER_MS, -DAY_MS) == TIME_NEVER_MS);
	assert_true(time_add(TIME_EVER_MS, DAY_MS) == TIME_EVER_MS);
	assert_true(time_add(TIME_NEVER_MS - 1, DAY_MS) == TIME_NEVER_MS);
	assert_true(time_add(TIME_EVER_MS + 1, -DAY_MS) == TIME_EVER_MS);
}

static int64_t fixed_now_ms(void *ctx)
{
	return *(int64_t *)ctx;
}

static void time_comes_in_through_the_clock(void **state)
{
	(void)state;
	int64_t now = 12345;
	struct clock fake = {.now_ms = fixed_now_ms, .ctx = &now};
	assert_int_equal(clock_now_ms(&fake), 12345);
	now++;
	assert_int_equal(clock_now_ms(&fake), 12346);
	struct clock system = clock_system();
	int64_t before = (int64_t)time(NULL) * 1000;
	int64_t at = clock_now_ms(&system);
	assert_true(at >= before && at < before + 60 * SECOND_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_durations),
	        cmocka_unit_test(refuses_what_is_no_duration),
	        cmocka_unit_test(writes_the_shortest_exact_duration),
	        cmocka_unit_test(durations_survive_writing_and_reading),
	        cmocka_unit_test(writes_times),
	        cmocka_unit_test(reads_times),
	        cmocka_unit_test(refuses_what_is_no_time),
	        cmocka_unit_test(times_survive_writing_and_reading),
	        cmocka_unit_test(addition_stays_at_the_ends),
	        cmocka_unit_test(time_comes_in_through_the_clock),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
