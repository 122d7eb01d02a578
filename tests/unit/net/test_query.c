// The query engine against simulated hosts: plain answers, silence, the life of a query.

#include "fixture.h"

// ---- Answers --------------------------------------------------------------------------------

static void test_answer(void **state)
{
	struct fixture *f = *state;
	f->host.base.link.delay_ms = 10;
	f->host.delay_ms = 5;
	const struct query_result *r = ask(f, &(struct query_options){.dnssec_ok = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_UDP);
	assert_int_equal(r->rtt_ms, 25);
	assert_int_equal(r->total_ms, 25);
	assert_int_equal(r->tries, 1);
	assert_int_equal(ignored(r), 0);
	assert_int_equal(r->octets, 12 + 12 + 4 + 16);
	assert_memory_equal(f->out.data + r->octets - 4, "\xc0\x00\x02\x07", 4);
}

static void test_octets_of_query(void **state)
{
	struct fixture *f = *state;
	static const uint8_t tail[] = {0, 1, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0};
	ask(f, &(struct query_options){
	               .dnssec_ok = true, .checking_disabled = true, .recursion_desired = true});
	static const uint8_t head[] = {0x01, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 5};
	assert_memory_equal(f->host.last + 2, head, sizeof head);
	assert_memory_equal(f->host.last + 24, tail, sizeof tail);
	assert_int_equal(f->host.last_octets, 24 + sizeof tail);
}

static void test_case_is_mixed(void **state)
{
	struct fixture *f = *state;
	unsigned upper = 0, distinct = 0;
	uint8_t before[9] = {0};
	for (int i = 0; i < 40; i++) {
		f->out.calls = 0;
		ask(f, NULL);
		for (size_t k = 13; k < 23; k++)
			upper += f->host.last[k] >= 'A' && f->host.last[k] <= 'Z';
		distinct += memcmp(before, f->host.last + 13, sizeof before) != 0;
		memcpy(before, f->host.last + 13, sizeof before);
	}
	assert_in_range(upper, 120, 240); // of 40 times 9 letters
	assert_in_range(distinct, 36, 40);
	f->out.calls = 0;
	ask(f, &(struct query_options){.plain_case = true});
	assert_memory_equal(f->host.last + 12, "\5baton\4test", 12);
}

static void test_ports_and_ids_are_random(void **state)
{
	struct fixture *f = *state;
	unsigned same_port = 0, near_port = 0, same_id = 0;
	uint16_t port = 0, id = 0;
	engine_replace(f, &(struct query_limits){.rate = 10000, .burst = 10000});
	for (int i = 0; i < 60; i++) {
		f->out.calls = 0;
		ask(f, NULL);
		uint16_t now_id = (uint16_t)(f->host.last[0] << 8 | f->host.last[1]);
		uint16_t now = f->host.ports[i];
		assert_in_range(now, 16384, 65535);
		same_port += now == port;
		near_port += abs(now - port) < 64;
		same_id += now_id == id;
		port = now;
		id = now_id;
	}
	assert_int_equal(same_port, 0);
	assert_in_range(near_port, 0, 3);
	assert_int_equal(same_id, 0);
}

static void test_no_edns_on_request(void **state)
{
	struct fixture *f = *state;
	const struct query_result *r = ask(f, &(struct query_options){.no_edns = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(f->host.last[11], 0);
	assert_int_equal(f->host.last_octets, 28);
}

static void test_error_codes_are_answers(void **state)
{
	struct fixture *f = *state;
	f->host.rcode = 5;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(f->out.data[3] & 15, 5);
	assert_int_equal(r->tries, 1);
}

static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	host_put(f->sim, "2001:db8::53", &f->host);
	host_ask(f->engine, "2001:db8::53", NULL, &f->out);
	host_ask(f->engine, "2001:db8::53", &(struct query_options){.tcp_only = true}, &f->out);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->out.calls, 2);
	assert_int_equal(f->out.result.status, QUERY_ANSWERED);
	assert_int_equal(f->host.udp_seen, 1);
	assert_int_equal(f->host.tcp_seen, 1);
}

// ---- Silence --------------------------------------------------------------------------------

static void test_never_answering(void **state)
{
	struct fixture *f = *state;
	f->host.base.udp = SIM_SILENT;
	const struct query_result *r = ask(f, &(struct query_options){.timeout_ms = 1000});
	assert_int_equal(r->status, QUERY_TIMED_OUT);
	assert_int_equal(r->tries, 3);
	assert_int_equal(r->total_ms, 1000 + 2000 + 4000); // patience doubles
	assert_int_equal(r->rtt_ms, -1);
	assert_null(r->data);
}

static void test_retry_helps(void **state)
{
	struct fixture *f = *state;
	f->host.mute = 2;
	f->host.base.link.delay_ms = 7;
	const struct query_result *r = ask(f, &(struct query_options){.timeout_ms = 1000});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->tries, 3);
	assert_int_equal(r->rtt_ms, 14);
	assert_int_equal(r->total_ms, 3014);
	assert_int_not_equal(f->host.ports[0], f->host.ports[1]);
}

static void test_deadline(void **state)
{
	struct fixture *f = *state;
	f->host.base.udp = SIM_SILENT;
	const struct query_result *r = ask(
	        f, &(struct query_options){.timeout_ms = 1000, .tries = 10, .deadline_ms = 2500});
	assert_int_equal(r->status, QUERY_TIMED_OUT);
	assert_int_equal(r->total_ms, 2500);
	assert_int_equal(r->tries, 2);
}

static void test_deadline_in_queue(void **state)
{
	struct fixture *f = *state;
	struct outcome first = {.loop = f->loop};
	f->host.base.udp = SIM_SILENT;
	engine_replace(f, &(struct query_limits){.per_address = 1});
	host_put(f->sim, "192.0.2.1", &f->host);
	host_ask(f->engine, "192.0.2.1", NULL, &first);
	ask(f, &(struct query_options){.deadline_ms = 300});
	assert_int_equal(f->out.result.status, QUERY_TIMED_OUT);
	assert_int_equal(f->out.result.tries, 0);
	assert_int_equal(f->out.result.total_ms, 300);
}

static void test_tcp_as_last_resort(void **state)
{
	struct fixture *f = *state;
	f->host.base.udp = SIM_SILENT;
	const struct query_result *r =
	        ask(f, &(struct query_options){.timeout_ms = 500, .tcp_last = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_TCP);
	assert_int_equal(r->total_ms, 500 + 1000);
}

static void test_port_unreachable(void **state)
{
	struct fixture *f = *state;
	f->host.base.udp = SIM_REFUSE;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_REFUSED);
	assert_int_equal(r->tries, 3);
	assert_int_equal(r->total_ms, 200 + 400); // rests instead of hammering
}

// ---- Life -----------------------------------------------------------------------------------

static void test_unusable_input(void **state)
{
	struct fixture *f = *state;
	uint8_t long_name[300];
	struct address at = host_address("192.0.2.1"), none = {0};
	struct query_question question = {.name = long_name, .type = 1};
	for (int i = 0; i < 300; i++)
		long_name[i] = i % 64 == 0 ? 63 : 'a';
	assert_int_equal(
	        query_submit(f->engine, &at, &question, NULL, outcome_done, NULL, NULL, NULL),
	        RESULT_INPUT);
	question.name = (const uint8_t *)"\300\14";
	assert_int_equal(
	        query_submit(f->engine, &at, &question, NULL, outcome_done, NULL, NULL, NULL),
	        RESULT_INPUT);
	question.name = (const uint8_t *)"";
	assert_int_equal(
	        query_submit(f->engine, &none, &question, NULL, outcome_done, NULL, NULL, NULL),
	        RESULT_INPUT);
	assert_int_equal(query_submit_message(f->engine, &at, long_name, 11, NULL, outcome_done,
	                         NULL, NULL, NULL),
	        RESULT_INPUT);
}

static void never(void *ctx, const struct query_result *result)
{
	(void)ctx;
	(void)result;
	fail();
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	struct query *handles[40];
	struct address at = host_address("192.0.2.1");
	struct query_question question = {.name = (const uint8_t *)"\1a", .type = 1};
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 40; i++) {
		struct query_options options = {.tcp_only = i % 3 == 0};
		query_submit(f->engine, &at, &question, &options, never, NULL, &handles[i], NULL);
	}
	for (int i = 0; i < 40; i++)
		query_cancel(handles[(i * 7) % 40]);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(query_engine_stats(f->engine).outstanding, 0);
	assert_int_equal(query_engine_stats(f->engine).waiting, 0);
}

struct chain {
	struct fixture *f;
	unsigned left;
};

static void next_in_chain(void *ctx, const struct query_result *result)
{
	struct chain *chain = ctx;
	assert_int_equal(result->status, QUERY_ANSWERED);
	if (--chain->left > 0)
		submit(chain->f->engine, "192.0.2.1", next_in_chain, chain);
}

static void test_submit_from_callback(void **state)
{
	struct fixture *f = *state;
	struct chain chain = {.f = f, .left = 100};
	host_put(f->sim, "192.0.2.1", &f->host);
	submit(f->engine, "192.0.2.1", next_in_chain, &chain);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(chain.left, 0);
}

static void test_free_with_queries_under_way(void **state)
{
	struct fixture *f = *state;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int i = 0; i < 100; i++) {
		struct query_options options = {.tcp_only = i % 2 == 0};
		struct address at = host_address("192.0.2.1");
		struct query_question question = {.name = (const uint8_t *)"\1a", .type = 1};
		query_submit(f->engine, &at, &question, &options, never, NULL, NULL, NULL);
	}
	query_engine_free(f->engine);
	f->engine = NULL;
	loop_run(f->loop, TIME_NEVER_MS);
}

static void test_wall_clock_jumps(void **state)
{
	struct fixture *f = *state;
	f->host.mute = 1;
	host_put(f->sim, "192.0.2.1", &f->host);
	host_ask(f->engine, "192.0.2.1", &(struct query_options){.timeout_ms = 1000}, &f->out);
	sim_wall_jump(f->sim, -400 * DAY_MS);
	loop_run(f->loop, 500);
	sim_wall_jump(f->sim, 9000 * DAY_MS);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->out.result.status, QUERY_ANSWERED);
	assert_int_equal(f->out.result.total_ms, 1000);
}

// ---- Whole messages -------------------------------------------------------------------------

static const uint8_t update[] = {
        0x12, 0x34, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 'T', 'e', 's', 't', 0, 0, 6, 0, 1};

static bool answer_update(struct host *host, const struct sim_request *request)
{
	uint8_t answer[12] = {0x12, 0x34, 0xa8};
	assert_int_equal(request->octets, sizeof update);
	assert_memory_equal(request->data, update, sizeof update);
	answer[3] = host->rcode;
	sim_reply(request, &(struct sim_reply){.data = answer, .octets = sizeof answer});
	return true;
}

static void test_whole_message(void **state)
{
	struct fixture *f = *state;
	struct address at = host_address("192.0.2.1");
	f->host.before = answer_update;
	f->host.rcode = 5;
	host_put(f->sim, "192.0.2.1", &f->host);
	for (int tcp = 0; tcp < 2; tcp++) {
		struct query_options options = {.tries = 1, .tcp_only = tcp};
		assert_int_equal(query_submit_message(f->engine, &at, update, sizeof update,
		                         &options, outcome_done, &f->out, NULL, NULL),
		        RESULT_OK);
		loop_run(f->loop, TIME_NEVER_MS);
		assert_int_equal(f->out.result.status, QUERY_ANSWERED);
		assert_int_equal(f->out.data[3], 5);
	}
	assert_int_equal(f->host.udp_seen, 1);
	assert_int_equal(f->host.tcp_seen, 1);
}

// ---- Determinism ----------------------------------------------------------------------------

static void scenario(uint64_t seed, char **trace, uint64_t *hash)
{
	struct sim *sim = sim_new(seed, 1700000000000);
	struct query_engine *engine;
	struct host hosts[6];
	static struct outcome out;
	out.loop = sim_loop(sim);
	sim_trace_keep(sim, 64 << 20);
	query_engine_new(sim_loop(sim), sim_random(sim), NULL, &engine, NULL);
	for (int i = 0; i < 6; i++) {
		char address[32];
		snprintf(address, sizeof address, "192.0.2.%d", i + 1);
		hosts[i] = (struct host){.truncate_udp = i == 1,
		        .lower_case = i == 2,
		        .no_edns = i == 3,
		        .close_each = i == 1,
		        .base.link = {.delay_ms = 10,
		                .jitter_ms = 40,
		                .loss = 150,
		                .duplicate = 100,
		                .damage = 50}};
		host_put(sim, address, &hosts[i]);
		for (int k = 0; k < 50; k++)
			host_ask(engine, address, NULL, &out);
	}
	loop_run(sim_loop(sim), 700);
	sim_wall_jump(sim, -DAY_MS);
	loop_run(sim_loop(sim), TIME_NEVER_MS);
	*trace = strdup(sim_trace(sim));
	*hash = sim_trace_hash(sim);
	query_engine_free(engine);
	sim_free(sim);
}

static void test_same_seed_same_trace(void **state)
{
	char *a, *b, *c;
	uint64_t hash_a, hash_b, hash_c;
	(void)state;
	scenario(7, &a, &hash_a);
	scenario(7, &b, &hash_b);
	scenario(8, &c, &hash_c);
	assert_true(strlen(a) > 20000);
	assert_string_equal(a, b);
	assert_int_equal(hash_a, hash_b);
	assert_string_not_equal(a, c);
	assert_int_not_equal(hash_a, hash_c);
	free(a);
	free(b);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_answer),
	        TEST(test_octets_of_query),
	        TEST(test_case_is_mixed),
	        TEST(test_ports_and_ids_are_random),
	        TEST(test_no_edns_on_request),
	        TEST(test_error_codes_are_answers),
	        TEST(test_ipv6),
	        TEST(test_never_answering),
	        TEST(test_retry_helps),
	        TEST(test_deadline),
	        TEST(test_deadline_in_queue),
	        TEST(test_tcp_as_last_resort),
	        TEST(test_port_unreachable),
	        TEST(test_unusable_input),
	        TEST(test_cancel),
	        TEST(test_submit_from_callback),
	        TEST(test_free_with_queries_under_way),
	        TEST(test_wall_clock_jumps),
	        TEST(test_whole_message),
	        TEST(test_same_seed_same_trace),
	};
	return cmocka_run_group_tests_name("net query", tests, NULL, NULL);
}
