// A real name server as a child process, on a loopback port and in a folder of its own, for tests
// and measurements.
//
//     struct server server;
//     if (!server_start(&server, loop, SERVER_NSD, zone_text)) { puts(server.trouble); ... }
//     ... ask 127.0.0.1 or ::1 at server.port for names under baton.test ...
//     server_stop(&server);
#pragma once

#include "net/loop.h"

enum server_kind { SERVER_NSD, SERVER_KNOT };

struct server {
	struct loop *loop;
	struct loop_process *process;
	char folder[200];
	uint16_t port;
	char trouble[600]; // why it does not run
};

bool server_installed(enum server_kind kind);
// Serves zone_text (a master file) as baton.test., and accepts dynamic updates where kind can.
// Waits until it answers, at most ten seconds. The server is killed after an hour at the latest.
bool server_start(
        struct server *server, struct loop *loop, enum server_kind kind, const char *zone_text);
// Kills it, waits for its end, and removes its folder.
void server_stop(struct server *server);
struct address server_address(const struct server *server, uint8_t family);
