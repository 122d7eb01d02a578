// Three real servers on loopback addresses for the tests of observing and acting: the parent test.
// on Knot, operator A on Knot and operator B on BIND, each signing by itself and taking updates.
//
//     struct servers *s = servers_start("");        // NULL: not installed
//     … s->parent, s->a_v4, s->a_v6, s->b; keys s->parent_key, s->a_key, s->b_key …
//     servers_stop(s);
//
// The zone is example.test.; the parent delegates it to A, without a DS set.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/query.h"
#include "observe/observe.h"

enum { SERVER_PARENT, SERVER_A, SERVER_B, SERVERS };

struct servers {
	struct loop *loop;
	struct query_engine *engine;
	struct random random;
	char folder[200];
	const char *parent_policy;
	struct loop_process *process[SERVERS];
	struct address address[SERVERS], a_v6;
};

// TSIG keys as act/ddns.h wants them: the ones that may update, one that is known but may not, and
// one with the name of the first and another secret.
#define SERVERS_KEY       "hmac-sha256:updater.:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
#define SERVERS_KEY_OTHER "hmac-sha256:reader.:b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItMTI="
#define SERVERS_KEY_WRONG "hmac-sha256:updater.:d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmctd3JvbmctMTI="

// parent_policy: more lines for the parent's signing policy, "" for none.
struct servers *servers_start(const char *parent_policy);
void servers_stop(struct servers *s); // NULL is fine
void servers_kill(struct servers *s, int which);
// Runs the loop for so long.
void servers_wait(struct servers *s, int64_t ms);
// A subject with groups A (1) and B (2).
struct observe_subject *servers_subject(struct servers *s);
// One round; the caller frees it.
struct observe_round *servers_observe(struct servers *s, struct observer *observer);
