// Time: milliseconds in int64_t everywhere, either since the Unix epoch (live) or since a
// timeline's 0s. Names carry the unit: at_ms, ttl_s. The current time comes in through struct clock
// only, so that a whole scenario can run on a fake one.
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define TIME_NEVER_MS INT64_MAX // later than everything
#define TIME_EVER_MS  INT64_MIN // earlier than everything

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

struct clock {
	// Milliseconds since the Unix epoch (CLOCK_REALTIME), what people and signatures mean.
	int64_t (*now_ms)(void *ctx);
	void *ctx;
};

struct clock clock_system(void);
int64_t clock_now_ms(const struct clock *clock);

// Addition that stays at TIME_NEVER_MS / TIME_EVER_MS instead of overflowing; delta_ms is a finite
// duration.
int64_t time_add(int64_t at_ms, int64_t delta_ms);

#define DURATION_MAX_MS (366000 * DAY_MS)
// "90s", "5m", "6h", "2d", "250ms", and sums of them, each unit once and the largest first:
// "1d12h". A bare number, a sign, a fraction or a space is refused, and so is more than
// DURATION_MAX_MS.
enum result duration_parse(const char *text, int64_t *duration_ms, struct error *err);

// Can it be a TTL: whole seconds, at most 2^31-1 of them (RFC 2181 section 8)?
bool duration_is_ttl(int64_t duration_ms);

#define DURATION_TEXT 48
// The shortest exact form, "1d12h"; buf has DURATION_TEXT octets. Returns buf.
char *duration_format(int64_t duration_ms, char *buf);

#define TIME_TEXT 40
// ISO 8601 in UTC, "2026-11-21T17:40:00Z", with ".250" before the Z where milliseconds are not
// zero; "never" and "ever" for the two ends. buf has TIME_TEXT octets. Returns buf.
char *time_format(int64_t at_ms, char *buf);
// The form that time_format writes for a point in time, exactly: no other zone, no leap second, no
// day that the calendar does not have. RESULT_INPUT.
enum result time_parse(const char *text, int64_t *at_ms, struct error *err);
