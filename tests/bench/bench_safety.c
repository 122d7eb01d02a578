// How long does a verdict take, and how much does a zone in change keep in memory?
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "safety/timeline.h"

static double now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

enum { RUNS = 101 };

static double median_us_of_check(const char *data, size_t length, const char *file)
{
	double took[RUNS];
	for (int i = 0; i < RUNS; i++) {
		struct arena *arena = arena_new(8u << 20);
		struct timeline tl;
		struct error err = {0};
		struct safety_verdict v;
		double start = now_us();
		if (timeline_parse(arena, file, data, length, &tl, &err) != RESULT_OK) {
			fprintf(stderr, "%s\n", err.text);
			exit(2);
		}
		safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v);
		took[i] = now_us() - start;
		timeline_free(&tl);
		arena_free(arena);
	}
	qsort(took, RUNS, sizeof *took, compare);
	return took[RUNS / 2];
}

static void bench_timelines(const char *folder)
{
	DIR *dir = opendir(folder);
	double worst = 0, sum = 0;
	int count = 0;
	char worst_name[256] = "";
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
		if (strstr(e->d_name, ".yaml") == NULL)
			continue;
		struct arena *arena = arena_new(8u << 20);
		char *data, *path = arena_printf(arena, "%s/%s", folder, e->d_name);
		size_t length;
		if (file_read(arena, path, 1 << 20, &data, &length, NULL) == RESULT_OK) {
			double us = median_us_of_check(data, length, e->d_name);
			sum += us;
			count++;
			if (us > worst) {
				worst = us;
				snprintf(worst_name, sizeof worst_name, "%s", e->d_name);
			}
		}
		arena_free(arena);
	}
	if (dir != NULL)
		closedir(dir);
	printf("check of a timeline, read from YAML and judged (%d files): mean of medians %.0f "
	       "us, slowest %.0f us "
	       "(%s); target 1000 us\n",
	        count, count > 0 ? sum / count : 0, worst, worst_name);
}

// A zone in the middle of an operator change, as it is kept live.
static const char zone_text[] =
        "timeline: t\n"
        "ttl: {ds: 24h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "lag: {parent: 6h, child: 6h}\n"
        "start:\n"
        "  parent: {ds: [Ka], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [Ka, Za], dnskey-signers: [Ka], data-signers: [Za]}\n"
        "  B: {ns: [B], dnskey: [Kb, Zb, Za], dnskey-signers: [Kb], data-signers: [Zb]}\n"
        "events:\n"
        "- {at: 0h, A: {dnskey: [Ka, Za, Zb]}}\n"
        "- {at: 0h, parent: {ds: [Ka, Kb]}}\n"
        "- {at: 60h, parent: {ns: [B]}}\n";

enum { ZONES = 100000 };

static void bench_live(void)
{
	struct arena *arena = arena_new(8u << 20);
	struct timeline tl;
	struct error err = {0};
	if (timeline_parse(arena, "zone", zone_text, strlen(zone_text), &tl, &err) != RESULT_OK)
		exit(2);
	free(tl.history.names); // a million zones share one table of names, or have none
	tl.history.names = NULL;
	struct safety_effect effect = {.count = 1};
	effect.changes[0] = (struct safety_change){.kind = SAFETY_DS,
	        .content = 2,
	        .ttl_s = 86400,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = TIME_NEVER_MS};
	struct safety_history *zones = calloc(ZONES, sizeof *zones);
	for (int i = 0; zones != NULL && i < ZONES; i++)
		safety_history_copy(&zones[i], &tl.history);
	size_t octets = sizeof tl.history + tl.history.count * sizeof *tl.history.editions;
	int safe = 0;
	double start = now_us();
	for (int i = 0; zones != NULL && i < ZONES; i++)
		safe += safety_is_safe_now(
		        &zones[i], &effect, &safety_all_readers, (100 + i % 200) * HOUR_MS, NULL);
	double each = (now_us() - start) / ZONES;
	printf("live verdict, %d zones of %d editions, %d safe: %.2f us each, %zu octets each; a "
	       "million zones in %.0f s; "
	       "target 20 us, 2048 octets, 30 s\n",
	        ZONES, tl.history.count, safe, each, octets, each);
	struct safety_window w;
	start = now_us();
	for (int i = 0; i < 10000; i++)
		safety_earliest(&tl.history, &effect, &safety_all_readers, (60 + i % 20) * HOUR_MS,
		        &w, NULL);
	printf("earliest safe instant, with its cause: %.1f us each\n", (now_us() - start) / 10000);
	for (int i = 0; zones != NULL && i < ZONES; i++)
		safety_history_free(&zones[i]);
	free(zones);
	timeline_free(&tl);
	arena_free(arena);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: bench_safety FOLDER-OF-TIMELINES\n", stderr);
		return 2;
	}
	bench_timelines(argv[1]);
	bench_live();
	return 0;
}
