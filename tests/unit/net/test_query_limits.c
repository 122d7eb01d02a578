// The limits of the query engine: nobody is asked too often, and nobody waits for another.

#include "fixture.h"

static void test_rate_of_an_address(void **state)
{
	struct fixture *f = *state;
	struct outcome many[60];
	engine_replace(f, &(struct query_limits){.rate = 100, .burst = 10});
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 60; i++) {
		many[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.1", NULL, &many[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(many[i].result.status, QUERY_ANSWERED);
		assert_int_equal(f->host.times_ms[i], i < 10 ? 0 : (i - 9) * 10);
	}
}

struct watcher {
	unsigned now, most;
};

static bool count_outstanding(struct host *host, const struct sim_request *request)
{
	struct watcher *watcher = host->ctx;
	(void)request;
	watcher->now++;
	if (watcher->now > watcher->most)
		watcher->most = watcher->now;
	return false;
}

static void one_less(void *ctx, const struct query_result *result)
{
	struct host *host = ctx;
	assert_int_equal(result->status, QUERY_ANSWERED);
	((struct watcher *)host->ctx)->now--;
}

static void test_outstanding_to_an_address(void **state)
{
	struct fixture *f = *state;
	struct watcher watcher = {0};
	engine_replace(
	        f, &(struct query_limits){.rate = 100000, .burst = 100000, .per_address = 7});
	f->host.before = count_outstanding;
	f->host.ctx = &watcher;
	f->host.delay_ms = 30;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 200; i++)
		submit(f->engine, "192.0.2.1", one_less, &f->host);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(watcher.most, 7);
	assert_int_equal(f->host.udp_seen, 200);
}

static void test_outstanding_in_total_is_fair(void **state)
{
	struct fixture *f = *state;
	struct watcher watcher = {0};
	struct host other = {0};
	struct outcome late = {.loop = f->loop};
	engine_replace(
	        f, &(struct query_limits){
	                   .rate = 100000, .burst = 100000, .per_address = 50, .outstanding = 5});
	f->host.before = count_outstanding;
	f->host.ctx = &watcher;
	f->host.delay_ms = 10;
	host_put(f->sim, "192.0.2.1", &f->host);
	host_put(f->sim, "192.0.2.2", &other);
	for (int i = 0; i < 500; i++)
		submit(f->engine, "192.0.2.1", one_less, &f->host);
	host_ask(f->engine, "192.0.2.2", NULL, &late);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(watcher.most, 5);
	assert_int_equal(late.result.status, QUERY_ANSWERED);
	assert_true(late.at_ms <= 20); // not behind the 500 of the other address
}

static void test_silent_address_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	struct outcome many[50];
	struct host quick = {0};
	f->host.base.udp = SIM_SILENT;
	host_put(f->sim, "192.0.2.1", &f->host);
	host_put(f->sim, "192.0.2.2", &quick);
	static struct outcome lost;
	lost.loop = f->loop;
	for (int i = 0; i < 300; i++)
		host_ask(f->engine, "192.0.2.1", NULL, &lost);
	for (int i = 0; i < 50; i++) {
		many[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.2", NULL, &many[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(lost.calls, 300);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(many[i].result.status, QUERY_ANSWERED);
		assert_true(many[i].at_ms <= 300); // the rate of their own address, nothing else
	}
}

static void test_connections_in_total(void **state)
{
	struct fixture *f = *state;
	struct outcome many[30];
	engine_replace(f, &(struct query_limits){.connections = 3});
	for (int i = 0; i < 30; i++) {
		char address[32];
		snprintf(address, sizeof address, "192.0.2.%d", i + 1);
		host_put(f->sim, address, &f->host);
		many[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, address, &(struct query_options){.tcp_only = true}, &many[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	for (int i = 0; i < 30; i++)
		assert_int_equal(many[i].result.status, QUERY_ANSWERED);
}

static void test_too_many(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct address at = host_address("192.0.2.1");
	struct query_question question = {.name = (const uint8_t *)"\1a", .type = 1};
	engine_replace(f, &(struct query_limits){.queries = 2});
	f->out.loop = f->loop;
	for (int i = 0; i < 2; i++)
		assert_int_equal(query_submit(f->engine, &at, &question, NULL, outcome_done,
		                         &f->out, NULL, &err),
		        RESULT_OK);
	assert_int_equal(
	        query_submit(f->engine, &at, &question, NULL, outcome_done, &f->out, NULL, &err),
	        RESULT_LIMIT);
	assert_string_equal(err.text, "2 queries wait already");
}

static void test_state_of_addresses_is_bounded(void **state)
{
	struct fixture *f = *state;
	f->host.delay_ms = 20; // time for a bucket to fill again
	for (int i = 0; i < 20000; i++) {
		char address[40];
		snprintf(address, sizeof address, "198.51.%d.%d", i / 200, i % 200 + 1);
		host_put(f->sim, address, &f->host);
		host_ask(f->engine, address, NULL, &f->out);
		if (i % 100 == 99)
			loop_run(f->loop, TIME_NEVER_MS);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->out.calls, 20000);
	assert_true(query_engine_stats(f->engine).addresses < 3000);
}

static void test_hundred_thousand_outstanding(void **state)
{
	struct fixture *f = *state;
	engine_replace(f, &(struct query_limits){.outstanding = 100000,
	                          .queries = 100000,
	                          .ports = 1024,
	                          .port_uses = 1000000,
	                          .per_address = 1000,
	                          .rate = 100000,
	                          .burst = 100000});
	static struct host hosts[100];
	for (int i = 0; i < 100; i++) {
		char address[40];
		snprintf(address, sizeof address, "198.51.100.%d", i);
		hosts[i] = (struct host){.delay_ms = 1000};
		host_put(f->sim, address, &hosts[i]);
		for (int k = 0; k < 1000; k++)
			host_ask(f->engine, address, NULL, &f->out);
	}
	assert_int_equal(query_engine_stats(f->engine).outstanding, 100000);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(query_engine_stats(f->engine).finished[QUERY_ANSWERED], 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_rate_of_an_address),
	        TEST(test_outstanding_to_an_address),
	        TEST(test_outstanding_in_total_is_fair),
	        TEST(test_silent_address_blocks_nobody),
	        TEST(test_connections_in_total),
	        TEST(test_too_many),
	        TEST(test_state_of_addresses_is_bounded),
	        TEST(test_hundred_thousand_outstanding),
	};
	return cmocka_run_group_tests_name("net query limits", tests, NULL, NULL);
}
