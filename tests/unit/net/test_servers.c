// The query engine and the real loop against real name servers, over IPv4 and IPv6, UDP and TCP.

#include "host.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct loop *loop;
	struct query_engine *engine;
	struct server server;
	struct random random;
	bool missing;
};

// Forty texts of 200 octets make an answer that does not fit into 1232.
static void write_zone(char *zone, size_t size)
{
	size_t n = (size_t)snprintf(zone, size,
	        "$ORIGIN baton.test.\n$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n"
	        "ns A 192.0.2.53\nns AAAA 2001:db8::53\nwww A 192.0.2.80\n");
	for (int i = 0; i < 40; i++)
		n += (size_t)snprintf(zone + n, size - n, "big TXT \"%03d-%0196d\"\n", i, i);
}

static void engine_replace(struct fixture *f, const struct query_limits *limits)
{
	query_engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(
	        query_engine_new(f->loop, &f->random, limits, &f->engine, NULL), RESULT_OK);
}

static int setup(void **state, enum server_kind kind)
{
	static char zone[20000];
	struct fixture *f = calloc(1, sizeof *f);
	*state = f;
	f->missing = !server_installed(kind);
	f->random = random_system();
	if (loop_new(&f->loop, NULL) != RESULT_OK)
		return -1;
	if (f->missing)
		return 0;
	write_zone(zone, sizeof zone);
	if (!server_start(&f->server, f->loop, kind, zone)) {
		print_error("%s\n", f->server.trouble);
		return -1;
	}
	engine_replace(f, NULL);
	return 0;
}

static int setup_nsd(void **state)
{
	return setup(state, SERVER_NSD);
}

static int setup_knot(void **state)
{
	return setup(state, SERVER_KNOT);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	query_engine_free(f->engine);
	if (!f->missing)
		server_stop(&f->server);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void skip_if_missing(const struct fixture *f)
{
	if (f->missing)
		skip();
}

static struct outcome out;

static const struct query_result *ask(struct fixture *f, uint8_t family, const char *name,
        uint16_t type, const struct query_options *options)
{
	struct address at = server_address(&f->server, family);
	struct query_question question = {.name = (const uint8_t *)name, .type = type};
	out = (struct outcome){.loop = f->loop, .stop = true};
	assert_int_equal(
	        query_submit(f->engine, &at, &question, options, outcome_done, &out, NULL, NULL),
	        RESULT_OK);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(out.calls, 1);
	return &out.result;
}

// ---- Both servers ---------------------------------------------------------------------------

static void test_udp(void **state)
{
	struct fixture *f = *state;
	skip_if_missing(f);
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct query_result *r = ask(f, family, "\3WwW\5baton\4test", 1,
		        &(struct query_options){.dnssec_ok = true});
		assert_int_equal(r->status, QUERY_ANSWERED);
		assert_int_equal(r->transport, QUERY_UDP);
		assert_int_equal(r->tries, 1);
		assert_false(r->case_lost || r->edns_refused || r->truncated);
		assert_int_equal(out.data[7], 1);
		struct address at = server_address(&f->server, family);
		assert_true(address_equal(&r->server, &at));
	}
}

static void test_tcp(void **state)
{
	struct fixture *f = *state;
	skip_if_missing(f);
	for (int i = 0; i < 10; i++) {
		const struct query_result *r = ask(f, i % 2 ? 4 : 6, "\3www\5baton\4test", 1,
		        &(struct query_options){.tcp_only = true});
		assert_int_equal(r->status, QUERY_ANSWERED);
		assert_int_equal(r->transport, QUERY_TCP);
	}
	assert_int_equal(query_engine_stats(f->engine).connections, 2); // one for each family
}

static void test_truncated(void **state)
{
	struct fixture *f = *state;
	skip_if_missing(f);
	const struct query_result *r = ask(f, 4, "\3big\5baton\4test", 16, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_TCP);
	assert_true(r->truncated);
	assert_true(r->octets > 8000);
	assert_int_equal(out.data[7], 40);
	r = ask(f, 6, "\3big\5baton\4test", 16, &(struct query_options){.edns_octets = 65535});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_true(r->octets > 8000 || r->transport == QUERY_UDP);
}

static void test_other_zone(void **state)
{
	struct fixture *f = *state;
	skip_if_missing(f);
	const struct query_result *r = ask(f, 4, "\7another\4test", 6, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(out.data[3] & 15, 5); // REFUSED
}

static unsigned answered, left;

static void count_answered(void *ctx, const struct query_result *result)
{
	answered += result->status == QUERY_ANSWERED;
	if (--left == 0)
		loop_stop(ctx);
}

static void many(struct fixture *f, unsigned count, bool tcp)
{
	answered = 0;
	left = count;
	for (unsigned i = 0; i < count; i++) {
		struct address at = server_address(&f->server, i % 2 ? 4 : 6);
		char name[40];
		snprintf(name, sizeof name, "%c%09u\5baton\4test", 9, i);
		struct query_question question = {.name = (const uint8_t *)name, .type = 1};
		struct query_options options = {.tcp_only = tcp};
		assert_int_equal(query_submit(f->engine, &at, &question, &options, count_answered,
		                         f->loop, NULL, NULL),
		        RESULT_OK);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(answered, count);
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	struct query_limits limits = {
	        .rate = 1000000, .burst = 1000000, .outstanding = 200, .per_address = 100};
	skip_if_missing(f);
	engine_replace(f, &limits);
	many(f, 3000, false);
	many(f, 3000, true);
	limits.ports = 32;
	engine_replace(f, &limits);
	many(f, 3000, false);
	assert_true(query_engine_stats(f->engine).connections <= 8);
}

static void test_server_that_went_away(void **state)
{
	struct fixture *f = *state;
	skip_if_missing(f);
	const struct query_result *r =
	        ask(f, 4, "\3www\5baton\4test", 1, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	loop_process_kill(f->server.process);
	f->server.process = NULL;
	// Until the kernel has closed its sockets; the connection that was open is found closed.
	for (int i = 0; i < 50; i++) {
		r = ask(f, 4, "\3www\5baton\4test", 1, &(struct query_options){.tcp_only = true});
		if (r->status != QUERY_ANSWERED)
			break;
	}
	assert_int_equal(r->status, QUERY_REFUSED);
	r = ask(f, 6, "\3www\5baton\4test", 1, NULL);
	assert_int_equal(r->status, QUERY_REFUSED); // by ICMP
	assert_int_equal(r->transport, QUERY_UDP);
	assert_true(r->total_ms < 1400); // long before the first time-out
}

// ---- Knot only ------------------------------------------------------------------------------

static void test_update(void **state)
{
	static const uint8_t update[] = {0xbe, 0xef, 0x28, 0, 0, 1, 0, 0, 0, 1, 0, 0, 5, 'b', 'a',
	        't', 'o', 'n', 4, 't', 'e', 's', 't', 0, 0, 6, 0, 1, 3, 'n', 'e', 'w', 0xc0, 12, 0,
	        1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 99};
	struct fixture *f = *state;
	skip_if_missing(f);
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct address at = server_address(&f->server, family);
		struct query_options options = {.tries = 1, .tcp_only = family == 6};
		out = (struct outcome){.loop = f->loop, .stop = true};
		assert_int_equal(query_submit_message(f->engine, &at, update, sizeof update,
		                         &options, outcome_done, &out, NULL, NULL),
		        RESULT_OK);
		loop_run(f->loop, TIME_NEVER_MS);
		assert_int_equal(out.result.status, QUERY_ANSWERED);
		assert_int_equal(out.data[3] & 15, 0);
	}
	const struct query_result *r = ask(f, 4, "\3new\5baton\4test", 1, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(out.data[7], 1);
}

#define TEST(server, name) cmocka_unit_test_setup_teardown(name, setup_##server, teardown)
#define BOTH(name)         TEST(nsd, name), TEST(knot, name)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BOTH(test_udp),
	        BOTH(test_tcp),
	        BOTH(test_truncated),
	        BOTH(test_other_zone),
	        BOTH(test_many),
	        BOTH(test_server_that_went_away),
	        TEST(knot, test_update),
	};
	return cmocka_run_group_tests_name("net servers", tests, NULL, NULL);
}
