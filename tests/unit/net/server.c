#include "server.h"

#include "net/query.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program_of(enum server_kind kind)
{
	return kind == SERVER_NSD ? "/usr/sbin/nsd" : "/usr/sbin/knotd";
}

bool server_installed(enum server_kind kind)
{
	return access(program_of(kind), X_OK) == 0;
}

struct address server_address(const struct server *server, uint8_t family)
{
	struct address address;
	address_parse(family == 4 ? "127.0.0.1" : "::1", 53, &address, NULL);
	address.port = server->port;
	return address;
}

// ---- Folder and files -----------------------------------------------------------------------

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	if (file == NULL)
		return false;
	bool written = fputs(text, file) >= 0;
	return fclose(file) == 0 && written;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		char name[600];
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (folder != NULL)
		closedir(folder);
	rmdir(path);
}

static bool write_configuration(const struct server *server, enum server_kind kind)
{
	static const char nsd[] =
	        "server:\n ip-address: 127.0.0.1@%u\n ip-address: ::1@%u\n"
	        " username: \"\"\n chroot: \"\"\n database: \"\"\n pidfile: \"\"\n"
	        " zonesdir: \"%s\"\n xfrdfile: \"%s/xfrd\"\n xfrdir: \"%s\"\n"
	        " zonelistfile: \"%s/zones\"\n server-count: 1\n"
	        " tcp-count: 500\n rrl-ratelimit: 0\n verbosity: 0\n"
	        "remote-control:\n control-enable: no\n"
	        "zone:\n name: baton.test\n zonefile: zone\n";
	static const char knot[] =
	        "server:\n  listen: [ 127.0.0.1@%u, ::1@%u ]\n  rundir: %s\n"
	        "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
	        "database:\n  storage: %s\n"
	        "acl:\n  - id: local\n    address: [ 127.0.0.1, ::1 ]\n    action: update\n"
	        "template:\n  - id: default\n    storage: %s\n    acl: local\n"
	        "zone:\n  - domain: baton.test\n    file: %s/zone\n";
	char text[3000];
	const char *f = server->folder;
	unsigned port = server->port;
	if (kind == SERVER_NSD)
		snprintf(text, sizeof text, nsd, port, port, f, f, f, f);
	else
		snprintf(text, sizeof text, knot, port, port, f, f, f, f);
	return write_file(f, "conf", text);
}

// ---- Port -----------------------------------------------------------------------------------

static bool port_is_free(uint16_t port)
{
	bool is_free = true;
	for (int i = 0; i < 4; i++) {
		struct address address = address_any(i < 2 ? 4 : 6, port);
		struct sockaddr_storage storage;
		socklen_t length = address_to_sockaddr(&address, &storage);
		int fd = socket(storage.ss_family,
		            (i % 2 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0),
		    on = 1;
		if (i >= 2)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		is_free &= bind(fd, (struct sockaddr *)&storage, length) == 0;
		close(fd);
	}
	return is_free;
}

// Below the ports that the engine and the kernel give out.
static uint16_t free_port(void)
{
	struct random random = random_system();
	for (int i = 0; i < 100; i++) {
		uint16_t port = (uint16_t)(10000 + random_below(&random, 6000));
		if (port_is_free(port))
			return port;
	}
	return 0;
}

// ---- Life -----------------------------------------------------------------------------------

static void server_ended(void *ctx, const struct loop_process_end *end)
{
	struct server *server = ctx;
	server->process = NULL;
	snprintf(server->trouble, sizeof server->trouble, "exit %d, signal %d: %.200s %.200s",
	        end->exit_code, end->signal, end->out, end->err);
}

struct probe {
	struct loop *loop;
	bool answered;
};

static void probed(void *ctx, const struct query_result *result)
{
	struct probe *probe = ctx;
	probe->answered = result->status == QUERY_ANSWERED && (result->data[3] & 15) == 0;
	loop_stop(probe->loop);
}

static void enough(void *ctx)
{
	loop_stop(ctx);
}

// Asks until the zone is served over both families.
static bool wait_until_served(struct server *server)
{
	struct random random = random_system();
	struct query_engine *engine;
	struct query_question soa = {.name = (const uint8_t *)"\5baton\4test", .type = 6};
	struct query_options options = {.tries = 1, .timeout_ms = 200};
	unsigned served = 0;
	if (query_engine_new(server->loop, &random, NULL, &engine, NULL) != RESULT_OK)
		return false;
	for (int i = 0; i < 100 && served < 2 && server->process != NULL; i++) {
		struct probe probe = {.loop = server->loop};
		struct loop_timer pause = {.fire = enough, .ctx = server->loop};
		struct address at = server_address(server, served == 0 ? 4 : 6);
		query_submit(engine, &at, &soa, &options, probed, &probe, NULL, NULL);
		loop_run(server->loop, TIME_NEVER_MS);
		served += probe.answered;
		if (!probe.answered) {
			loop_timer_start(server->loop, &pause, 100);
			loop_run(server->loop, TIME_NEVER_MS);
			loop_timer_stop(server->loop, &pause);
		}
	}
	query_engine_free(engine);
	return served == 2;
}

bool server_start(
        struct server *server, struct loop *loop, enum server_kind kind, const char *zone_text)
{
	const char *base = getenv("TMPDIR");
	*server = (struct server){.loop = loop, .port = free_port()};
	snprintf(server->folder, sizeof server->folder, "%.150s/baton-test-XXXXXX",
	        base != NULL ? base : "/tmp");
	if (mkdtemp(server->folder) == NULL || !write_file(server->folder, "zone", zone_text) ||
	        !write_configuration(server, kind)) {
		snprintf(server->trouble, sizeof server->trouble, "cannot write to %s",
		        server->folder);
		return false;
	}
	char conf[300];
	snprintf(conf, sizeof conf, "%s/conf", server->folder);
	const char *nsd[] = {program_of(kind), "-d", "-c", conf, NULL};
	const char *knot[] = {program_of(kind), "-c", conf, NULL};
	struct loop_process_spec spec = {
	        .argv = kind == SERVER_NSD ? nsd : knot, .timeout_ms = HOUR_MS, .max_output = 4096};
	struct error err = {0};
	if (loop_spawn(loop, &spec, server_ended, server, &server->process, &err) != RESULT_OK)
		snprintf(server->trouble, sizeof server->trouble, "%s", err.text);
	else if (!wait_until_served(server) && server->trouble[0] == '\0')
		snprintf(server->trouble, sizeof server->trouble, "it does not answer");
	if (server->trouble[0] == '\0')
		return true;
	server_stop(server);
	return false;
}

void server_stop(struct server *server)
{
	if (server->process != NULL)
		loop_process_kill(server->process);
	server->process = NULL;
	remove_folder(server->folder);
}
