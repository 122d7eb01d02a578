#include "cmd/zone_input.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_MS 500 // what is done before needs no line
#define EVERY_MS 200

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

struct zone_progress zone_progress(const char *what)
{
	return (struct zone_progress){
	        .what = what,
	        .started_ms = now_ms(),
	        .is_terminal = isatty(STDERR_FILENO) == 1,
	};
}

void zone_progress_show(
        struct zone_progress *progress, uint64_t done, uint64_t all, const char *unit)
{
	if (!progress->is_terminal)
		return;
	int64_t now = now_ms(), took_ms = now - progress->started_ms;
	if (took_ms < FIRST_MS || now - progress->shown_ms < EVERY_MS)
		return;
	progress->shown_ms = now;
	progress->shown = true;
	uint64_t scale = strcmp(unit, "MB") == 0 ? 1000000 : 1;
	double rate = (double)done * 1000 / (double)took_ms;
	fprintf(stderr, "\r\033[K%s: %" PRIu64, progress->what, done / scale);
	if (all > 0)
		fprintf(stderr, " of %" PRIu64, all / scale);
	fprintf(stderr, " %s, %.0f a second", unit, rate / (double)scale);
	if (all > done && rate > 0)
		fprintf(stderr, ", %.0f s left", (double)(all - done) / rate);
	fflush(stderr);
}

void zone_progress_end(struct zone_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
