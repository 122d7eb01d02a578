// How long does it take to check a procedure with every corner of propagation, and to plan it?
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/yaml.h"
#include "procedure/check.h"

enum { RUNS = 21 };

// Processor time: nothing here waits, and what else the machine does is no matter of the checker's.
static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void die(const struct error *err)
{
	fprintf(stderr, "%s\n", err->text);
	exit(2);
}

static double one_check(const char *path, size_t *corners)
{
	struct arena *arena = arena_new(64u << 20);
	const struct yaml_node *root;
	const struct procedure *p;
	struct check_report report;
	struct scenario s;
	struct error err = {0};
	double start = now_ms();
	if (yaml_load(arena, path, &root, &err) != RESULT_OK ||
	        procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
		die(&err);
	scenario_init(&s, p);
	if (check_procedure(arena, p, &s, &report, &err) != RESULT_OK)
		die(&err);
	double took = now_ms() - start;
	*corners = 0;
	for (size_t i = 0; i < report.route_count; i++)
		*corners += report.routes[i].corners;
	arena_free(arena);
	return took;
}

static double one_plan(const char *path)
{
	struct arena *arena = arena_new(64u << 20);
	const struct yaml_node *root;
	const struct procedure *p;
	struct plan *plan;
	struct scenario s;
	struct error err = {0};
	if (yaml_load(arena, path, &root, &err) != RESULT_OK ||
	        procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
		die(&err);
	scenario_init(&s, p);
	double start = now_ms();
	if (plan_make(arena, p, &s, NULL, &plan, &err) != RESULT_OK)
		die(&err);
	double took = now_ms() - start;
	plan_free(plan);
	arena_free(arena);
	return took;
}

static void bench_file(const char *folder, const char *name)
{
	char path[4096];
	double checks[RUNS], plans[RUNS];
	size_t corners = 0;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	for (int i = 0; i < RUNS; i++) {
		checks[i] = one_check(path, &corners);
		plans[i] = one_plan(path);
	}
	qsort(checks, RUNS, sizeof *checks, compare);
	qsort(plans, RUNS, sizeof *plans, compare);
	printf("check %-40s %7.2f ms (median of %d), %4zu corners, target 50 ms; plan %.2f ms\n",
	        name, checks[RUNS / 2], RUNS, corners, plans[RUNS / 2]);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct dirent **names;
		int n = scandir(argv[i], &names, NULL, alphasort);
		for (int k = 0; k < n; k++) {
			if (strstr(names[k]->d_name, ".yaml") != NULL)
				bench_file(argv[i], names[k]->d_name);
			free(names[k]);
		}
		if (n >= 0)
			free(names);
	}
	return 0;
}
