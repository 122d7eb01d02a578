// What the tests of the query engine share: a simulated network with one host at 192.0.2.1, and an
// engine that asks it.
#pragma once

#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct sim *sim;
	struct loop *loop;
	struct query_engine *engine;
	struct host host;
	struct outcome out;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void engine_replace(struct fixture *f, const struct query_limits *limits);
// Asks 192.0.2.1, where f->host lives, and runs to the end.
const struct query_result *ask(struct fixture *f, const struct query_options *options);
// "a." A, with the defaults.
void submit(struct query_engine *engine, const char *server, query_done *done, void *ctx);
// Everything that was ignored.
unsigned ignored(const struct query_result *result);

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
