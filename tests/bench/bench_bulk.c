// What does a bulk of 1,000 zones take, on the simulated network: processor time, memory, and the
// decision who may go on. The simulated servers, which sign their answers, are in the time.
#include "fleet.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { ZONES = 1000, DECISIONS = 1000 };

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

// Resident now, in MiB.
static double memory(void)
{
	long size = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f == NULL || fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return (double)resident * 4096 / (1 << 20);
}

static double most;

static void measure(struct fleet *f, size_t zone, const char *step)
{
	(void)f;
	(void)zone;
	(void)step;
	double now = memory();
	if (now > most)
		most = now;
}

static void bench_decision(struct fleet *f)
{
	struct bulk_decision decision;
	struct error err;
	if (bulk_decision_new(f->arena, f->definition, &decision, &err) != RESULT_OK)
		return;
	double start_ms = now_ms();
	for (int i = 0; i < DECISIONS; i++)
		bulk_decide(fleet_state(f), loop_now_ms(f->loop), &decision);
	printf("one decision over %d zones: %.1f us\n", ZONES,
	        (now_ms() - start_ms) * 1000 / DECISIONS);
}

int main(void)
{
	double before_ms = now_ms();
	struct fleet *f = fleet_new(&(struct fleet_options){.zones = ZONES,
	        .poll = "6h",
	        .more = "zones-at-once: 1000\nrate: {registry: {effects: 60, per: 10m}}\n"});
	double world = memory(), start_ms = now_ms();
	printf("%d simulated zones made, %d definitions read: %.1f s\n", ZONES, ZONES,
	        (start_ms - before_ms) / 1000);
	f->on_act = measure;
	fleet_run(f, 300 * DAY_MS);
	double took_ms = now_ms() - start_ms;
	printf("%zu of %d zones finished, %u effects, %u questions: %.1f s of processor time, "
	       "%.1f ms for a zone\n",
	        fleet_count(f, BULK_FINISHED), ZONES, f->acts, f->queries, took_ms / 1000,
	        took_ms / ZONES);
	printf("memory with up to %d zones in mid-change: %.0f MiB more than before, %.2f MiB for "
	       "a zone\n",
	        ZONES, most - world, (most - world) / ZONES);
	bench_decision(f);
	fleet_free(f);
	return 0;
}
