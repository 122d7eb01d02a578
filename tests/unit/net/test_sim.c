// The simulated loop: timers in order, links, streams, the wall clock, scripted processes.

#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	*state = sim_new(3, 1700000000000);
	return 0;
}

static int teardown(void **state)
{
	sim_free(*state);
	return 0;
}

// ---- Timers ---------------------------------------------------------------------------------

struct tick {
	struct loop_timer timer;
	struct loop *loop;
	int64_t expected_ms;
	int *order, place;
};

static void tick(void *ctx)
{
	struct tick *t = ctx;
	assert_int_equal(loop_now_ms(t->loop), t->expected_ms);
	t->place = (*t->order)++;
}

// Against the obvious: sorted by time, then by the order of starting.
static void test_timers_fire_in_order(void **state)
{
	struct loop *loop = sim_loop(*state);
	struct random_seeded seed;
	struct random random = random_from_seed(&seed, 5);
	static struct tick ticks[2000];
	int order = 0;
	for (int i = 0; i < 2000; i++) {
		int64_t delay = (int64_t)random_below(&random, 300);
		ticks[i] = (struct tick){.timer = {.fire = tick, .ctx = &ticks[i]},
		        .loop = loop,
		        .expected_ms = delay,
		        .order = &order,
		        .place = -1};
		loop_timer_start(loop, &ticks[i].timer, delay);
	}
	for (int i = 0; i < 2000; i += 3)
		loop_timer_stop(loop, &ticks[i].timer);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	assert_int_equal(order, 2000 - 667);
	for (int i = 0; i < 2000; i++)
		for (int k = i + 1; k < 2000 && i % 3 != 0; k++)
			if (k % 3 != 0 && ticks[i].expected_ms <= ticks[k].expected_ms)
				assert_true(ticks[i].place < ticks[k].place);
	for (int i = 0; i < 2000; i += 3)
		assert_int_equal(ticks[i].place, -1);
}

struct again {
	struct loop_timer timer;
	struct loop *loop;
	int count;
};

static void again(void *ctx)
{
	struct again *a = ctx;
	if (++a->count < 5)
		loop_timer_start(a->loop, &a->timer, a->count == 1 ? -100 : 10);
	if (a->count == 3)
		loop_stop(a->loop);
}

static void test_ends_of_running(void **state)
{
	struct loop *loop = sim_loop(*state);
	struct again a = {.timer = {.fire = again, .ctx = &a}, .loop = loop};
	struct again background = {
	        .timer = {.fire = again, .ctx = &background, .background = true}, .loop = loop};
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	loop_timer_start(loop, &background.timer, 1);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	loop_timer_stop(loop, &background.timer);
	loop_timer_start(loop, &a.timer, 10);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_STOPPED);
	assert_int_equal(loop_now_ms(loop), 20);
	assert_int_equal(loop_run(loop, 25), LOOP_DEADLINE);
	assert_int_equal(loop_now_ms(loop), 25);
	assert_int_equal(a.count, 3);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	assert_int_equal(a.count, 5);
	assert_int_equal(loop_now_ms(loop), 40);
}

static void test_wall_clock(void **state)
{
	struct sim *sim = *state;
	struct loop *loop = sim_loop(sim);
	struct clock wall = loop_clock(loop);
	struct again a = {.timer = {.fire = again, .ctx = &a}, .loop = loop};
	assert_int_equal(clock_now_ms(&wall), 1700000000000);
	loop_timer_start(loop, &a.timer, 1000);
	loop_run(loop, 400);
	assert_int_equal(clock_now_ms(&wall), 1700000000400);
	sim_wall_jump(sim, -DAY_MS);
	assert_int_equal(clock_now_ms(&wall), 1700000000400 - DAY_MS);
	loop_run(loop, 999);
	assert_int_equal(a.count, 0);
	loop_run(loop, 1000);
	assert_true(a.count > 0);
}

// ---- Datagrams ------------------------------------------------------------------------------

struct counter {
	unsigned datagrams, damaged, backwards, unreachable;
	uint8_t last;
	struct address from;
};

static void count(void *ctx, const struct address *from, const uint8_t *data, size_t octets)
{
	struct counter *c = ctx;
	assert_int_equal(octets, 100);
	c->datagrams++;
	c->backwards += data[0] < c->last;
	c->last = data[0];
	c->from = *from;
	for (int i = 1; i < 100; i++)
		if (data[i] != 0xaa) {
			c->damaged++;
			return;
		}
}

static void count_unreachable(
        void *ctx, const struct address *to, const uint8_t *data, size_t octets)
{
	struct counter *c = ctx;
	c->unreachable++;
	c->from = *to;
	assert_int_equal(octets, 100);
	assert_int_equal(data[99], 0xaa);
}

static void echo(void *ctx, const struct sim_request *request)
{
	(void)ctx;
	sim_reply(request, &(struct sim_reply){.data = request->data, .octets = request->octets});
}

static void exchange(struct sim *sim, const struct sim_host *host, struct counter *counter)
{
	static const struct loop_datagram_handler handler = {
	        .received = count, .unreachable = count_unreachable};
	struct address any = address_any(4, 0), at = host_address("192.0.2.1");
	struct loop_datagram *port;
	uint8_t data[100];
	sim_host_set(sim, &at, host);
	assert_int_equal(
	        loop_datagram_open(sim_loop(sim), &any, &handler, counter, &port, NULL), RESULT_OK);
	memset(data, 0xaa, sizeof data);
	for (int i = 0; i < 250; i++) {
		data[0] = (uint8_t)i;
		assert_int_equal(loop_datagram_send(port, &at, data, sizeof data), RESULT_OK);
	}
	loop_run(sim_loop(sim), TIME_NEVER_MS);
	loop_datagram_close(port);
}

static void test_good_link(void **state)
{
	struct counter c = {0};
	exchange(*state, &(struct sim_host){.request = echo, .link.delay_ms = 20}, &c);
	assert_int_equal(c.datagrams, 250);
	assert_int_equal(c.damaged, 0);
	assert_int_equal(c.backwards, 0);
	assert_int_equal(loop_now_ms(sim_loop(*state)), 40);
}

static void test_bad_link(void **state)
{
	struct counter c = {0};
	exchange(*state,
	        &(struct sim_host){.request = echo,
	                .link = {.delay_ms = 5,
	                        .jitter_ms = 50,
	                        .loss = 200,
	                        .duplicate = 100,
	                        .damage = 100}},
	        &c);
	assert_in_range(c.datagrams, 150, 240);
	assert_in_range(c.damaged, 15, 80);
	assert_in_range(c.backwards, 40, 200); // reordered
}

static void test_dark_and_refusing_hosts(void **state)
{
	struct counter c = {0};
	exchange(*state, &(struct sim_host){.request = echo, .udp = SIM_SILENT}, &c);
	assert_int_equal(c.datagrams + c.unreachable, 0);
	exchange(*state, &(struct sim_host){.request = echo, .udp = SIM_REFUSE}, &c);
	assert_int_equal(c.unreachable, 250);
	struct address at = host_address("192.0.2.1");
	assert_true(address_equal(&c.from, &at));
	sim_host_remove(*state, &at);
}

static void test_ports_of_datagrams(void **state)
{
	struct loop *loop = sim_loop(*state);
	struct loop_datagram_handler handler = {.received = count};
	struct counter c = {0};
	struct loop_datagram *one, *two;
	struct address at = host_address("192.0.2.9@4000"), any = address_any(4, 0);
	uint8_t data[100];
	memset(data, 0xaa, sizeof data);
	assert_int_equal(loop_datagram_open(loop, &at, &handler, &c, &one, NULL), RESULT_OK);
	struct error err;
	assert_int_equal(loop_datagram_open(loop, &at, &handler, &c, &two, &err), RESULT_CONFLICT);
	assert_string_equal(err.text, "cannot open UDP at 192.0.2.9@4000: in use");
	assert_int_equal(loop_datagram_open(loop, &any, &handler, &c, &two, NULL), RESULT_OK);
	loop_datagram_send(two, &at, data, sizeof data); // from one socket of the loop to another
	loop_run(loop, TIME_NEVER_MS);
	assert_int_equal(c.datagrams, 1);
	assert_int_equal(c.from.port, loop_datagram_local(two).port);
	struct address v6 = host_address("2001:db8::1");
	assert_int_equal(loop_datagram_send(two, &v6, data, sizeof data), RESULT_NETWORK);
}

// ---- Streams --------------------------------------------------------------------------------

struct peer {
	struct loop *loop;
	char text[4096];
	size_t octets;
	unsigned pieces, connected, ended;
	enum result reason;
	int64_t at_ms;
};

static void peer_connected(void *ctx)
{
	((struct peer *)ctx)->connected++;
}

static void peer_received(void *ctx, const uint8_t *data, size_t octets)
{
	struct peer *peer = ctx;
	memcpy(peer->text + peer->octets, data, octets);
	peer->octets += octets;
	peer->pieces++;
}

static void peer_ended(void *ctx, enum result reason)
{
	struct peer *peer = ctx;
	peer->ended++;
	peer->reason = reason;
	peer->at_ms = loop_now_ms(peer->loop);
}

static struct loop_stream *peer_connect(struct sim *sim, struct peer *peer)
{
	static const struct loop_stream_handler handler = {
	        .connected = peer_connected, .received = peer_received, .ended = peer_ended};
	struct address at = host_address("192.0.2.1");
	struct loop_stream *stream;
	peer->loop = sim_loop(sim);
	assert_int_equal(
	        loop_stream_connect(sim_loop(sim), NULL, &at, &handler, peer, &stream, NULL),
	        RESULT_OK);
	return stream;
}

static void drip(void *ctx, const struct sim_request *request)
{
	struct sim_reply first = {
	        .data = "0123456789", .octets = 10, .chunk = 4, .gap_ms = 10, .unframed = true};
	struct sim_reply second = {
	        .data = "behind", .octets = 6, .unframed = true, .then = SIM_END};
	(void)ctx;
	assert_int_equal(request->octets, 3);
	sim_reply(request, &first);
	sim_reply(request, &second);
}

static void test_stream_keeps_order(void **state)
{
	struct peer peer = {0};
	struct address at = host_address("192.0.2.1");
	struct sim_host host = {
	        .request = drip, .link = {.delay_ms = 10, .jitter_ms = 30, .loss = 300}};
	sim_host_set(*state, &at, &host);
	struct loop_stream *stream = peer_connect(*state, &peer);
	// In pieces, before the connection is there: "\0\3abc" is one message.
	loop_stream_write(stream, "\0", 1);
	loop_stream_write(stream, "\3abc", 4);
	assert_int_equal(loop_stream_waiting(stream), 5);
	loop_run(sim_loop(*state), TIME_NEVER_MS);
	assert_int_equal(peer.connected, 1);
	assert_memory_equal(peer.text, "0123456789behind", 16);
	assert_int_equal(peer.octets, 16);
	assert_int_equal(peer.pieces, 4);
	assert_int_equal(peer.ended, 1);
	assert_int_equal(peer.reason, RESULT_OK);
	assert_int_equal(loop_stream_write(stream, "x", 1), RESULT_NETWORK);
	loop_stream_close(stream);
}

static void test_stream_manners(void **state)
{
	struct address at = host_address("192.0.2.1");
	static const struct {
		enum sim_manner tcp;
		unsigned connected, ended;
		enum result reason;
	} cases[] = {{SIM_REFUSE, 0, 1, RESULT_REFUSED}, {SIM_SILENT, 0, 0, RESULT_OK},
	        {SIM_RESET, 1, 1, RESULT_NETWORK}};
	for (int i = 0; i < 3; i++) {
		struct peer peer = {0};
		struct sim_host host = {.request = drip, .tcp = cases[i].tcp, .raw = true};
		sim_host_set(*state, &at, &host);
		struct loop_stream *stream = peer_connect(*state, &peer);
		loop_stream_write(stream, "abc", 3);
		loop_run(sim_loop(*state), TIME_NEVER_MS);
		assert_int_equal(peer.connected, cases[i].connected);
		assert_int_equal(peer.ended, cases[i].ended);
		assert_int_equal(peer.reason, cases[i].reason);
		loop_stream_close(stream);
	}
}

static void test_stream_that_nobody_reads(void **state)
{
	struct peer peer = {0};
	static char much[LOOP_STREAM_BUFFER_MAX];
	struct loop_stream *stream = peer_connect(*state, &peer); // to a dark address
	assert_int_equal(loop_stream_write(stream, much, sizeof much), RESULT_OK);
	assert_int_equal(loop_stream_write(stream, much, 1), RESULT_LIMIT);
	assert_int_equal(loop_stream_waiting(stream), sizeof much);
	loop_stream_close(stream);
}

// ---- Processes ------------------------------------------------------------------------------

static void program(void *ctx, const struct loop_process_spec *spec, struct sim_outcome *outcome)
{
	(void)ctx;
	if (strcmp(spec->argv[0], "missing") == 0)
		outcome->start = RESULT_NOT_FOUND;
	outcome->after_ms = strcmp(spec->argv[0], "forever") == 0 ? TIME_NEVER_MS : 250;
	outcome->out = "twelve chars";
	outcome->exit_code = 3;
}

static struct loop_process_end last_end;
static char last_out[64];

static void ended(void *ctx, const struct loop_process_end *end)
{
	(*(int *)ctx)++;
	last_end = *end;
	snprintf(last_out, sizeof last_out, "%s", end->out);
}

static void test_processes(void **state)
{
	struct loop *loop = sim_loop(*state);
	struct loop_process *process;
	struct error err;
	int ends = 0;
	const char *argv[] = {"quick", NULL};
	struct loop_process_spec spec = {
	        .argv = argv, .timeout_ms = 1000, .max_output = 6, .grace_ms = 10};
	assert_int_equal(loop_spawn(loop, &spec, ended, &ends, &process, &err), RESULT_NOT_FOUND);
	sim_program_set(*state, program, NULL);
	assert_int_equal(loop_spawn(loop, &spec, ended, &ends, &process, &err), RESULT_OK);
	loop_run(loop, TIME_NEVER_MS);
	assert_int_equal(ends, 1);
	assert_int_equal(last_end.exit_code, 3);
	assert_int_equal(last_end.run_ms, 250);
	assert_string_equal(last_out, "twelve");
	assert_true(last_end.cut);
	argv[0] = "forever";
	assert_int_equal(loop_spawn(loop, &spec, ended, &ends, &process, &err), RESULT_OK);
	loop_run(loop, TIME_NEVER_MS);
	assert_true(last_end.timed_out);
	assert_int_equal(last_end.signal, 15);
	assert_int_equal(last_end.run_ms, 1000);
	assert_int_equal(loop_spawn(loop, &spec, ended, &ends, &process, &err), RESULT_OK);
	loop_process_kill(process);
	loop_run(loop, TIME_NEVER_MS);
	assert_int_equal(ends, 2);
	argv[0] = "missing";
	assert_int_equal(loop_spawn(loop, &spec, ended, &ends, &process, &err), RESULT_NOT_FOUND);
	assert_string_equal(err.text, "cannot start 'missing': not found");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_timers_fire_in_order),
	        TEST(test_ends_of_running),
	        TEST(test_wall_clock),
	        TEST(test_good_link),
	        TEST(test_bad_link),
	        TEST(test_dark_and_refusing_hosts),
	        TEST(test_ports_of_datagrams),
	        TEST(test_stream_keeps_order),
	        TEST(test_stream_manners),
	        TEST(test_stream_that_nobody_reads),
	        TEST(test_processes),
	};
	return cmocka_run_group_tests_name("net sim", tests, NULL, NULL);
}
