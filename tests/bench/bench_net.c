// Queries per second, and processor time per query, of the query engine against a real NSD on
// loopback; beside dnsperf where that is installed. The time counted is that of this process: user
// and system, sending, receiving, matching and checking the answers' structure included.

#include "net/query.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NAMES 1000

struct run {
	struct loop *loop;
	struct query_engine *engine;
	struct address server;
	struct query_options options;
	unsigned to_submit, to_finish, answered;
};

static void submit(struct run *run);

static void finished(void *ctx, const struct query_result *result)
{
	struct run *run = ctx;
	run->answered += result->status == QUERY_ANSWERED;
	if (run->to_submit > 0)
		submit(run);
	if (--run->to_finish == 0)
		loop_stop(run->loop);
}

static void submit(struct run *run)
{
	char name[40];
	snprintf(name, sizeof name, "%c%07u%cbaton%ctest", 7, run->to_submit % NAMES, 5, 4);
	struct query_question question = {.name = (const uint8_t *)name, .type = 1};
	run->to_submit--;
	if (query_submit(run->engine, &run->server, &question, &run->options, finished, run, NULL,
	            NULL) != RESULT_OK)
		abort();
}

static double processor_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

// Returns queries per second.
static double measure(struct server *server, const char *what, unsigned count, unsigned window,
        const struct query_limits *limits, bool tcp)
{
	struct random random = random_system();
	struct run run = {.loop = server->loop,
	        .server = server_address(server, 4),
	        .options = {.tcp_only = tcp, .dnssec_ok = true},
	        .to_submit = count,
	        .to_finish = count};
	if (query_engine_new(run.loop, &random, limits, &run.engine, NULL) != RESULT_OK)
		abort();
	double cpu_s = processor_s();
	int64_t start_ms = loop_now_ms(run.loop);
	for (unsigned i = 0; i < window; i++)
		submit(&run);
	loop_run(run.loop, TIME_NEVER_MS);
	cpu_s = processor_s() - cpu_s;
	double wall_s = (double)(loop_now_ms(run.loop) - start_ms) / 1e3;
	struct query_stats stats = query_engine_stats(run.engine);
	printf("%-34s %8.0f queries/s  %6.2f us of processor per query  %u of %u answered, "
	       "%llu sent again\n",
	        what, count / wall_s, cpu_s * 1e6 / count, run.answered, count,
	        (unsigned long long)(stats.sent_udp + stats.sent_tcp - count));
	query_engine_free(run.engine);
	return count / wall_s;
}

// ---- The peer -------------------------------------------------------------------------------

struct peer {
	struct loop *loop;
	const char *what;
	double ours; // queries per second
};

static void peer_ended(void *ctx, const struct loop_process_end *end)
{
	struct peer *peer = ctx;
	const char *line = strstr(end->out, "Queries per second:");
	double theirs = line != NULL ? atof(line + strlen("Queries per second:")) : 0;
	if (theirs > 0)
		printf("%-34s %8.0f queries/s  ours is %.2f of it\n", peer->what, theirs,
		        peer->ours / theirs);
	else
		printf("%-34s no figure: %.100s\n", peer->what, end->err);
	loop_stop(peer->loop);
}

static void measure_dnsperf(struct server *server, const char *what, const char *mode, double ours)
{
	char port[16], names[300];
	struct peer peer = {.loop = server->loop, .what = what, .ours = ours};
	struct loop_process *process;
	snprintf(port, sizeof port, "%u", (unsigned)server->port);
	snprintf(names, sizeof names, "%s/names", server->folder);
	FILE *file = fopen(names, "w");
	for (int i = 0; file != NULL && i < NAMES; i++)
		fprintf(file, "%07d.baton.test A\n", i);
	if (file != NULL)
		fclose(file);
	const char *argv[] = {"/usr/bin/dnsperf", "-s", "127.0.0.1", "-p", port, "-d", names, "-l",
	        "3", "-c", "8", "-q", "300", "-m", mode, "-D", NULL};
	struct loop_process_spec spec = {.argv = argv, .timeout_ms = 20000, .max_output = 20000};
	struct error err;
	if (access(argv[0], X_OK) != 0)
		printf("%-34s skipped: not installed\n", what);
	else if (loop_spawn(server->loop, &spec, peer_ended, &peer, &process, &err) == RESULT_OK)
		loop_run(server->loop, TIME_NEVER_MS);
}

static char *make_zone(void)
{
	size_t size = 200 + NAMES * 40;
	char *zone = malloc(size);
	if (zone == NULL)
		abort();
	size_t n = (size_t)snprintf(zone, size,
	        "$ORIGIN baton.test.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n"
	        "ns A 192.0.2.53\n");
	for (int i = 0; i < NAMES; i++)
		n += (size_t)snprintf(zone + n, size - n, "%07d A 192.0.2.%d\n", i, i % 200);
	return zone;
}

int main(void)
{
	struct loop *loop;
	struct server server;
	struct error err;
	char *zone = make_zone();
	if (!server_installed(SERVER_NSD)) {
		printf("net: skipped, no NSD installed\n");
		return 77;
	}
	if (loop_new(&loop, &err) != RESULT_OK || !server_start(&server, loop, SERVER_NSD, zone)) {
		printf("net: NSD does not run\n");
		return 1;
	}
	struct query_limits limits = {
	        .rate = 10000000, .burst = 10000000, .per_address = 10000, .pipeline = 128};
	measure(&server, "UDP, a fresh port for each query", 100000, 300, &limits, false);
	limits.ports = 128;
	double udp = measure(&server, "UDP, 128 shared ports", 300000, 300, &limits, false);
	double tcp = measure(&server, "TCP, connections reused", 300000, 300, &limits, true);
	measure_dnsperf(&server, "dnsperf UDP", "udp", udp);
	measure_dnsperf(&server, "dnsperf TCP", "tcp", tcp);
	printf("targets: UDP 6 us of processor per query, TCP 40000 queries/s\n");
	server_stop(&server);
	loop_free(loop);
	free(zone);
	return 0;
}
