// bench_verify BATON-ZONE GENERATE-ZONE: how long the verification of one large zone takes, by
// baton-zone and by the tools that are there, in one run: wall time, processor time, memory.
//
// A zone with BATON_BENCH_DELEGATIONS delegations (20,000), a third of them signed, NSEC3, P-256.
// The aims are for 200,000 of them on two cores: six times as fast as dnssec-verify, on one core
// three times.
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char path[] = "/tmp/baton-bench-XXXXXX";

struct cost {
	double wall_s, cpu_s, memory_mb;
	int status; // of the exit; -1: could not be run
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static struct cost run(const char *const argv[], const char *out)
{
	struct cost cost = {.status = -1};
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	pid_t pid;
	int status;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_TRUNC, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	double begin_s = now_s();
	int failed = posix_spawnp(
	        &pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (failed != 0 || wait4(pid, &status, 0, &usage) != pid)
		return cost;
	cost.wall_s = now_s() - begin_s;
	cost.cpu_s = seconds(&usage.ru_utime) + seconds(&usage.ru_stime);
	cost.memory_mb = (double)usage.ru_maxrss / 1024;
	cost.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return cost;
}

static void show(const char *name, const struct cost *cost, const struct cost *baton)
{
	if (cost->status == -1) {
		printf("%-32s is not installed\n", name);
		return;
	}
	printf("%-32s %7.1f s  %7.1f s processor  %6.0f MB  %s", name, cost->wall_s, cost->cpu_s,
	        cost->memory_mb, cost->status == 0 ? "good" : "not good");
	if (baton != NULL)
		printf("  wall %.1f x, processor %.1f x of baton-zone --threads 1",
		        cost->wall_s / baton->wall_s, cost->cpu_s / baton->cpu_s);
	putchar('\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *delegations = getenv("BATON_BENCH_DELEGATIONS");
	int fd = argc == 3 ? mkstemp(path) : -1;
	struct stat zone;
	if (fd < 0) {
		fputs("usage: bench_verify BATON-ZONE GENERATE-ZONE\n", stderr);
		return 2;
	}
	if (delegations == NULL)
		delegations = "20000";
	const char *const generate[] = {argv[2], "-3", "-n", delegations, NULL};
	const char *const one[] = {argv[1], "verify", "--threads", "1", path, NULL};
	const char *const all[] = {argv[1], "verify", path, NULL};
	const char *const bind[] = {"dnssec-verify", "-q", "-o", "example", path, NULL};
	const char *const knot[] = {"kzonecheck", "-o", "example", "-d", "on", path, NULL};
	const char *const ldns[] = {"ldns-verify-zone", path, NULL};
	struct cost made = run(generate, path);
	if (made.status != 0 || fstat(fd, &zone) != 0) {
		unlink(path);
		return 1;
	}
	close(fd);
	printf("a zone of %s delegations, a third signed, NSEC3, P-256, %.1f MB; %ld cores\n",
	        delegations, (double)zone.st_size / 1e6, sysconf(_SC_NPROCESSORS_ONLN));
	struct cost baton = run(one, "/dev/null"), many = run(all, "/dev/null");
	show("baton-zone verify --threads 1", &baton, NULL);
	show("baton-zone verify", &many, NULL);
	struct cost b = run(bind, "/dev/null");
	show("dnssec-verify", &b, &baton);
	if (b.status == 0)
		printf("dnssec-verify takes %.1f times as long as all cores (aim: 6 on two), %.1f "
		       "times as long as one (aim: 3)\n",
		        b.wall_s / many.wall_s, b.wall_s / baton.wall_s);
	struct cost k = run(knot, "/dev/null");
	show("kzonecheck", &k, &baton);
	struct cost l = run(ldns, "/dev/null");
	show("ldns-verify-zone", &l, &baton);
	unlink(path);
	return baton.status == 0 && many.status == 0 ? 0 : 1;
}
