// The query engine over TCP: when, on which connection, and with which peers.

#include "fixture.h"

static void test_truncation(void **state)
{
	struct fixture *f = *state;
	f->host.truncate_udp = true;
	f->host.base.link.delay_ms = 10;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_TCP);
	assert_true(r->truncated);
	assert_int_equal(r->tries, 2);
	assert_int_equal(r->octets, 44);
	assert_int_equal(r->total_ms, 20 + 40); // UDP, then the handshake and the question
}

static void test_truncation_without_tcp(void **state)
{
	struct fixture *f = *state;
	f->host.truncate_udp = true;
	f->host.base.tcp = SIM_REFUSE;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_REFUSED);
	assert_true(r->truncated);
}

static void test_connection_is_shared(void **state)
{
	struct fixture *f = *state;
	struct query_options tcp = {.tcp_only = true};
	struct outcome more[8];
	f->host.base.link.delay_ms = 10;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 8; i++) {
		more[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.1", &tcp, &more[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	ask(f, &tcp);
	assert_int_equal(f->out.result.total_ms, 20); // on the connection that was left open
	assert_int_equal(query_engine_stats(f->engine).connections, 1);
	for (int i = 0; i < 8; i++)
		assert_int_equal(more[i].result.status, QUERY_ANSWERED);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void test_idle_connection_is_closed(void **state)
{
	struct fixture *f = *state;
	struct loop_timer wait = {.fire = nothing};
	sim_trace_keep(f->sim, 1 << 20);
	ask(f, &(struct query_options){.tcp_only = true});
	assert_null(strstr(sim_trace(f->sim), "tcp close"));
	loop_timer_start(f->loop, &wait, 6000);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_non_null(strstr(sim_trace(f->sim), "5000 tcp close"));
}

static void test_server_closes_after_each_answer(void **state)
{
	struct fixture *f = *state;
	struct outcome more[20];
	f->host.close_each = true;
	f->host.base.link.delay_ms = 10;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 20; i++) {
		more[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.1", &(struct query_options){.tcp_only = true},
		        &more[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(more[i].calls, 1);
		assert_int_equal(more[i].result.status, QUERY_ANSWERED);
	}
}

static void test_tcp_refused(void **state)
{
	struct fixture *f = *state;
	f->host.base.tcp = SIM_REFUSE;
	const struct query_result *r = ask(f, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_REFUSED);
	assert_int_equal(r->tries, 3);
}

static void test_tcp_reset(void **state)
{
	struct fixture *f = *state;
	f->host.base.tcp = SIM_RESET;
	const struct query_result *r = ask(f, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_REFUSED);
	assert_int_equal(query_engine_stats(f->engine).connections, 3);
}

static void test_tcp_dark(void **state)
{
	struct fixture *f = *state;
	f->host.base.tcp = SIM_SILENT;
	const struct query_result *r =
	        ask(f, &(struct query_options){.tcp_only = true, .timeout_ms = 1000});
	assert_int_equal(r->status, QUERY_TIMED_OUT);
	assert_int_equal(r->total_ms, 7000);
}

static void test_many_to_a_dark_address(void **state)
{
	struct fixture *f = *state;
	static struct outcome lost[100];
	f->host.base.tcp = SIM_SILENT;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 100; i++) {
		lost[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.1",
		        &(struct query_options){.tcp_only = true, .timeout_ms = 500, .tries = 2},
		        &lost[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(lost[i].calls, 1);
		assert_int_equal(lost[i].result.status, QUERY_TIMED_OUT);
		assert_int_equal(lost[i].result.tries, 2);
	}
	// Twenty at a time, 500 and 1000 ms each.
	assert_true(loop_now_ms(f->loop) <= 5 * 1500 + 1000);
}

static bool wrong_id(struct host *host, const struct sim_request *request)
{
	uint8_t answer[1000];
	size_t octets = host_answer(host, request, answer);
	answer[0] ^= 0x80;
	sim_reply(request, &(struct sim_reply){.data = answer, .octets = octets});
	return true;
}

static void test_wrong_id_over_tcp(void **state)
{
	struct fixture *f = *state;
	f->host.before = wrong_id;
	const struct query_result *r = ask(f, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_MISMATCHED);
	assert_int_equal(r->ignored[QUERY_WRONG_ID], 3);
}

static bool half_message(struct host *host, const struct sim_request *request)
{
	uint8_t answer[1000];
	size_t octets = host_answer(host, request, answer);
	uint8_t framed[3] = {(uint8_t)(octets >> 8), (uint8_t)octets, answer[0]};
	sim_reply(request, &(struct sim_reply){
	                           .data = framed, .octets = 3, .unframed = true, .then = SIM_END});
	return true;
}

static void test_half_message(void **state)
{
	struct fixture *f = *state;
	f->host.before = half_message;
	const struct query_result *r = ask(f, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_MALFORMED);
	assert_int_equal(r->ignored[QUERY_BROKEN], 3);
}

static void test_drip_in_time(void **state)
{
	struct fixture *f = *state;
	f->host.chunk = 1;
	f->host.gap_ms = 10;
	const struct query_result *r = ask(f, &(struct query_options){.tcp_only = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->rtt_ms, 450); // 46 octets
	assert_int_equal(r->octets, 44);
}

static void test_slow_drip_blocks_nobody(void **state)
{
	struct fixture *f = *state;
	struct outcome other = {.loop = f->loop};
	struct host quick = {.base.link.delay_ms = 5};
	struct query_options tcp = {.tcp_only = true};
	f->host.chunk = 1;
	f->host.gap_ms = 1000;
	host_put(f->sim, "192.0.2.2", &quick);
	host_put(f->sim, "192.0.2.1", &f->host);
	host_ask(f->engine, "192.0.2.1", &tcp, &f->out);
	host_ask(f->engine, "192.0.2.2", &tcp, &other);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(other.result.status, QUERY_ANSWERED);
	assert_int_equal(other.at_ms, 20);
	assert_int_equal(f->out.result.status, QUERY_TIMED_OUT);
	assert_int_equal(f->out.result.total_ms, 1500 + 3000 + 6000);
}

static bool answer_backwards(struct host *host, const struct sim_request *request)
{
	// The first question waits longest: answers come out of order (RFC 7766, 7).
	uint8_t answer[1000];
	static int64_t delay_ms = 500;
	size_t octets = host_answer(host, request, answer);
	delay_ms -= 50;
	for (int i = 0; i < 2; i++)
		sim_reply(request, &(struct sim_reply){
		                           .data = answer, .octets = octets, .delay_ms = delay_ms});
	return true;
}

static void test_duplicates_over_tcp(void **state)
{
	struct fixture *f = *state;
	struct outcome more[4];
	f->host.before = answer_backwards;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 4; i++) {
		more[i] = (struct outcome){.loop = f->loop};
		host_ask(f->engine, "192.0.2.1", &(struct query_options){.tcp_only = true},
		        &more[i]);
	}
	loop_run(f->loop, TIME_NEVER_MS);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(more[i].calls, 1);
		assert_int_equal(more[i].result.status, QUERY_ANSWERED);
	}
	assert_int_equal(query_engine_stats(f->engine).connections, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_truncation),
	        TEST(test_truncation_without_tcp),
	        TEST(test_connection_is_shared),
	        TEST(test_idle_connection_is_closed),
	        TEST(test_server_closes_after_each_answer),
	        TEST(test_tcp_refused),
	        TEST(test_tcp_reset),
	        TEST(test_tcp_dark),
	        TEST(test_many_to_a_dark_address),
	        TEST(test_wrong_id_over_tcp),
	        TEST(test_half_message),
	        TEST(test_drip_in_time),
	        TEST(test_slow_drip_blocks_nobody),
	        TEST(test_duplicates_over_tcp),
	};
	return cmocka_run_group_tests_name("net query tcp", tests, NULL, NULL);
}
