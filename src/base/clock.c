#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t system_now_ms(void *ctx)
{
	(void)ctx;
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct clock clock_system(void)
{
	return (struct clock){.now_ms = system_now_ms};
}

int64_t clock_now_ms(const struct clock *clock)
{
	return clock->now_ms(clock->ctx);
}

int64_t time_add(int64_t at_ms, int64_t delta_ms)
{
	if (at_ms == TIME_NEVER_MS || at_ms == TIME_EVER_MS)
		return at_ms;
	int64_t sum;
	if (__builtin_add_overflow(at_ms, delta_ms, &sum))
		return delta_ms > 0 ? TIME_NEVER_MS : TIME_EVER_MS;
	return sum;
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"d", DAY_MS}, {"h", HOUR_MS}, {"m", MINUTE_MS}, {"s", SECOND_MS}, {"ms", 1}};

#define UNITS (sizeof units / sizeof *units)

static const char *unit_after(const char *p, size_t *unit)
{
	size_t n = 0;
	while (isalpha((unsigned char)p[n]))
		n++;
	for (size_t u = 0; u < UNITS; u++)
		if (strlen(units[u].name) == n && memcmp(units[u].name, p, n) == 0) {
			*unit = u;
			return p + n;
		}
	return NULL;
}

enum result duration_parse(const char *text, int64_t *duration_ms, struct error *err)
{
	int64_t sum = 0;
	size_t next_unit = 0;
	const char *p = text;
	do {
		int64_t number = 0;
		const char *digits = p;
		for (; isdigit((unsigned char)*p); p++)
			if (__builtin_mul_overflow(number, 10, &number) ||
			        __builtin_add_overflow(number, *p - '0', &number))
				return error_set(
				        err, RESULT_INPUT, "duration '%.40s' is too long", text);
		size_t unit = 0;
		const char *end = p == digits ? NULL : unit_after(p, &unit);
		if (end == NULL || unit < next_unit)
			return error_set(err, RESULT_INPUT,
			        "'%.40s' is not a duration, expected a number with a unit such as "
			        "90s, 5m, "
			        "6h, 2d or 1d12h",
			        text);
		if (__builtin_mul_overflow(number, units[unit].ms, &number) ||
		        __builtin_add_overflow(sum, number, &sum) || sum > DURATION_MAX_MS)
			return error_set(err, RESULT_INPUT, "duration '%.40s' is too long", text);
		next_unit = unit + 1;
		p = end;
	} while (*p != '\0');
	*duration_ms = sum;
	return RESULT_OK;
}

bool duration_is_ttl(int64_t duration_ms)
{
	return duration_ms >= 0 && duration_ms % SECOND_MS == 0 &&
	       duration_ms / SECOND_MS <= INT32_MAX;
}

char *duration_format(int64_t duration_ms, char *buf)
{
	if (duration_ms == TIME_NEVER_MS || duration_ms == TIME_EVER_MS) {
		strcpy(buf, "forever");
		return buf;
	}
	char *p = buf;
	uint64_t rest = duration_ms < 0 ? -(uint64_t)duration_ms : (uint64_t)duration_ms;
	if (duration_ms < 0)
		*p++ = '-';
	if (rest == 0) {
		strcpy(buf, "0s");
		return buf;
	}
	for (size_t u = 0; u < UNITS; u++) {
		uint64_t n = rest / (uint64_t)units[u].ms;
		rest %= (uint64_t)units[u].ms;
		if (n > 0)
			p += sprintf(p, "%llu%s", (unsigned long long)n, units[u].name);
	}
	return buf;
}

char *time_format(int64_t at_ms, char *buf)
{
	if (at_ms == TIME_NEVER_MS || at_ms == TIME_EVER_MS) {
		strcpy(buf, at_ms == TIME_NEVER_MS ? "never" : "ever");
		return buf;
	}
	int64_t ms = at_ms % 1000;
	time_t seconds = (time_t)(at_ms / 1000);
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm tm;
	if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099 || tm.tm_year < -1900) {
		snprintf(buf, TIME_TEXT, "@%lldms", (long long)at_ms);
		return buf;
	}
	char fraction[8] = "";
	if (ms != 0)
		snprintf(fraction, sizeof fraction, ".%03d", (int)(ms % 1000));
	snprintf(buf, TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (tm.tm_year + 1900) % 10000,
	        tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
	return buf;
}

static bool has_form(const char *text, const char *form)
{
	for (; *form != '\0'; text++, form++)
		if (*form == '0' ? !isdigit((unsigned char)*text) : *text != *form)
			return false;
	return *text == '\0';
}

static int digits(const char *text, size_t n)
{
	int number = 0;
	for (size_t i = 0; i < n; i++)
		number = number * 10 + (text[i] - '0');
	return number;
}

enum result time_parse(const char *text, int64_t *at_ms, struct error *err)
{
	bool fraction = has_form(text, "0000-00-00T00:00:00.000Z");
	if (!fraction && !has_form(text, "0000-00-00T00:00:00Z"))
		return error_set(err, RESULT_INPUT,
		        "'%.40s' is not a time, expected UTC as 2026-11-21T17:40:00Z", text);
	struct tm tm = {.tm_year = digits(text, 4) - 1900,
	        .tm_mon = digits(text + 5, 2) - 1,
	        .tm_mday = digits(text + 8, 2),
	        .tm_hour = digits(text + 11, 2),
	        .tm_min = digits(text + 14, 2),
	        .tm_sec = digits(text + 17, 2)};
	const struct tm wanted = tm;
	int64_t seconds =
	        timegm(&tm); // moves 30 February into March, and so shows that there is none
	if (tm.tm_mon != wanted.tm_mon || tm.tm_mday != wanted.tm_mday ||
	        tm.tm_hour != wanted.tm_hour || tm.tm_min != wanted.tm_min ||
	        tm.tm_sec != wanted.tm_sec)
		return error_set(err, RESULT_INPUT, "'%.40s': there is no such day or time", text);
	*at_ms = seconds * 1000 + (fraction ? digits(text + 20, 3) : 0);
	return RESULT_OK;
}
