// The real loop: the kernel's clock, sockets and processes.

#include "net/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct loop *loop;
	if (loop_new(&loop, NULL) != RESULT_OK)
		return -1;
	*state = loop;
	return 0;
}

static int teardown(void **state)
{
	loop_free(*state);
	// No child is left, not even a dead one.
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

static struct address loopback(uint8_t family, uint16_t port)
{
	struct address address;
	address_parse(family == 4 ? "127.0.0.1" : "::1", 53, &address, NULL);
	address.port = port;
	return address;
}

// ---- Timers ---------------------------------------------------------------------------------

struct tick {
	struct loop_timer timer;
	struct loop *loop;
	int64_t fired_ms;
};

static void tick(void *ctx)
{
	struct tick *t = ctx;
	t->fired_ms = loop_now_ms(t->loop);
}

static void test_timers(void **state)
{
	struct loop *loop = *state;
	struct tick ticks[3];
	int64_t start_ms = loop_now_ms(loop);
	for (int i = 0; i < 3; i++) {
		ticks[i] = (struct tick){.timer = {.fire = tick, .ctx = &ticks[i]}, .loop = loop};
		loop_timer_start(loop, &ticks[i].timer, 30 * (3 - i));
	}
	loop_timer_stop(loop, &ticks[1].timer);
	assert_int_equal(loop_run(loop, start_ms + 45), LOOP_DEADLINE);
	assert_int_equal(ticks[0].fired_ms, 0);
	assert_true(ticks[2].fired_ms >= start_ms + 30);
	assert_int_equal(loop_run(loop, TIME_NEVER_MS), LOOP_IDLE);
	assert_true(ticks[0].fired_ms >= start_ms + 90);
	assert_int_equal(ticks[1].fired_ms, 0);
	struct clock wall = loop_clock(loop), system = clock_system();
	assert_true(llabs(clock_now_ms(&wall) - clock_now_ms(&system)) < 1000);
}

// ---- Datagrams ------------------------------------------------------------------------------

struct echo {
	struct loop *loop;
	struct loop_datagram *socket;
	struct loop_timer limit;
	unsigned count, unreachable, close_at;
	struct address peer;
};

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void echo(void *ctx, const struct address *from, const uint8_t *data, size_t octets)
{
	struct echo *e = ctx;
	e->count++;
	loop_datagram_send(e->socket, from, data, octets);
}

static void collect(void *ctx, const struct address *from, const uint8_t *data, size_t octets)
{
	struct echo *e = ctx;
	e->peer = *from;
	assert_int_equal(octets, 1000);
	assert_int_equal(data[999], 0x55);
	if (++e->count == e->close_at) {
		loop_datagram_close(e->socket);
		loop_stop(e->loop);
	}
}

static void quoted(void *ctx, const struct address *to, const uint8_t *data, size_t octets)
{
	struct echo *e = ctx;
	e->unreachable++;
	e->peer = *to;
	assert_true(octets >= 2);
	assert_int_equal(data[1], 0x55);
	loop_stop(e->loop);
}

static void run_limited(struct loop *loop)
{
	struct loop_timer limit = {.fire = stop, .ctx = loop};
	loop_timer_start(loop, &limit, 5000);
	loop_run(loop, TIME_NEVER_MS);
	loop_timer_stop(loop, &limit);
}

static void datagrams(struct loop *loop, uint8_t family)
{
	static const struct loop_datagram_handler server = {.received = echo};
	static const struct loop_datagram_handler client = {
	        .received = collect, .unreachable = quoted};
	struct address local = loopback(family, 0), any = address_any(family, 0);
	struct echo s = {.loop = loop}, c = {.loop = loop, .close_at = 40};
	uint8_t data[1000];
	memset(data, 0x55, sizeof data);
	assert_int_equal(loop_datagram_open(loop, &local, &server, &s, &s.socket, NULL), RESULT_OK);
	assert_int_equal(loop_datagram_open(loop, &any, &client, &c, &c.socket, NULL), RESULT_OK);
	struct address at = loop_datagram_local(s.socket);
	assert_int_not_equal(at.port, 0);
	struct loop_datagram *second;
	assert_int_equal(
	        loop_datagram_open(loop, &at, &server, &s, &second, NULL), RESULT_CONFLICT);
	for (int i = 0; i < 60; i++)
		assert_int_equal(loop_datagram_send(c.socket, &at, data, sizeof data), RESULT_OK);
	run_limited(loop);
	assert_int_equal(c.count, 40); // closed inside its own callback, nothing after
	assert_true(address_equal(&c.peer, &at));
	loop_datagram_close(s.socket);
	// Now nobody is there.
	assert_int_equal(loop_datagram_open(loop, &any, &client, &c, &c.socket, NULL), RESULT_OK);
	assert_int_equal(loop_datagram_send(c.socket, &at, data, sizeof data), RESULT_OK);
	run_limited(loop);
	assert_int_equal(c.unreachable, 1);
	assert_true(address_equal(&c.peer, &at));
	// The error does not spoil the next datagram.
	assert_int_equal(loop_datagram_open(loop, &at, &server, &s, &s.socket, NULL), RESULT_OK);
	c.count = 0;
	c.close_at = 1;
	assert_int_equal(loop_datagram_send(c.socket, &at, data, sizeof data), RESULT_OK);
	run_limited(loop);
	assert_int_equal(c.count, 1);
	loop_datagram_close(s.socket);
}

static void test_datagrams_v4(void **state)
{
	datagrams(*state, 4);
}

static void test_datagrams_v6(void **state)
{
	datagrams(*state, 6);
}

static void test_wrong_family(void **state)
{
	static const struct loop_datagram_handler handler = {.received = echo};
	struct address any = address_any(4, 0), v6 = loopback(6, 53), foreign;
	struct loop_datagram *socket;
	struct error err;
	assert_int_equal(
	        loop_datagram_open(*state, &any, &handler, NULL, &socket, NULL), RESULT_OK);
	assert_int_equal(loop_datagram_send(socket, &v6, "x", 1), RESULT_NETWORK);
	loop_datagram_close(socket);
	address_parse("192.0.2.55", 0, &foreign, NULL);
	assert_int_equal(loop_datagram_open(*state, &foreign, &handler, NULL, &socket, &err),
	        RESULT_NETWORK);
	assert_int_equal(err.code, RESULT_NETWORK);
}

// ---- Streams --------------------------------------------------------------------------------

struct peer {
	struct loop *loop;
	struct loop_stream *stream;
	int listening, accepted;
	void (*when_connected)(struct peer *peer);
	size_t octets;
	uint8_t last;
	unsigned ended;
	enum result reason;
};

static void peer_connected(void *ctx)
{
	struct peer *peer = ctx;
	peer->accepted = accept(peer->listening, NULL, NULL);
	assert_true(peer->accepted >= 0);
	if (peer->when_connected != NULL)
		peer->when_connected(peer);
}

static void peer_received(void *ctx, const uint8_t *data, size_t octets)
{
	struct peer *peer = ctx;
	peer->octets += octets;
	peer->last = data[octets - 1];
}

static void peer_ended(void *ctx, enum result reason)
{
	struct peer *peer = ctx;
	peer->ended++;
	peer->reason = reason;
	loop_stream_close(peer->stream);
	loop_stop(peer->loop);
}

static void peer_run(struct loop *loop, struct peer *peer, uint8_t family, bool listening)
{
	static const struct loop_stream_handler handler = {
	        .connected = peer_connected, .received = peer_received, .ended = peer_ended};
	struct sockaddr_storage storage = {0};
	struct address at = loopback(family, 0);
	socklen_t length = address_to_sockaddr(&at, &storage);
	peer->loop = loop;
	peer->listening = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->listening, (struct sockaddr *)&storage, length), 0);
	if (listening)
		assert_int_equal(listen(peer->listening, 5), 0);
	getsockname(peer->listening, (struct sockaddr *)&storage, &length);
	at = address_from_sockaddr(&storage);
	struct address local = loopback(family, 0);
	enum result code =
	        loop_stream_connect(loop, &local, &at, &handler, peer, &peer->stream, NULL);
	if (code == RESULT_OK)
		run_limited(loop);
	else
		peer->reason = code;
	close(peer->listening);
}

static void send_and_close(struct peer *peer)
{
	static uint8_t data[100000];
	data[sizeof data - 1] = 0x77;
	ssize_t n = send(peer->accepted, data, sizeof data, 0);
	assert_int_equal(n, sizeof data);
	close(peer->accepted);
}

static void test_stream_received(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct peer peer = {.when_connected = send_and_close};
		peer_run(*state, &peer, family, true);
		assert_int_equal(peer.octets, 100000);
		assert_int_equal(peer.last, 0x77);
		assert_int_equal(peer.ended, 1);
		assert_int_equal(peer.reason, RESULT_OK);
	}
}

static void reset(struct peer *peer)
{
	struct linger linger = {.l_onoff = 1};
	setsockopt(peer->accepted, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(peer->accepted);
}

static void test_stream_reset(void **state)
{
	struct peer peer = {.when_connected = reset};
	peer_run(*state, &peer, 4, true);
	assert_int_equal(peer.ended, 1);
	assert_int_equal(peer.reason, RESULT_NETWORK);
}

static void test_stream_refused(void **state)
{
	struct peer peer = {0};
	peer_run(*state, &peer, 4, false);
	assert_int_equal(peer.reason, RESULT_REFUSED);
}

static void write_much(struct peer *peer)
{
	static uint8_t data[LOOP_STREAM_BUFFER_MAX];
	assert_int_equal(loop_stream_write(peer->stream, data, sizeof data), RESULT_OK);
	assert_int_equal(loop_stream_write(peer->stream, data, 1), RESULT_LIMIT);
	assert_int_equal(loop_stream_waiting(peer->stream), sizeof data);
	loop_stop(peer->loop);
}

static void test_stream_sent(void **state)
{
	struct loop *loop = *state;
	struct peer peer = {.when_connected = write_much};
	uint8_t data[4096];
	size_t total = 0;
	struct loop_timer limit = {.fire = stop, .ctx = loop};
	peer_run(loop, &peer, 4, true);
	while (total < LOOP_STREAM_BUFFER_MAX) {
		loop_timer_start(loop, &limit, 1);
		loop_run(loop, TIME_NEVER_MS);
		ssize_t n = recv(peer.accepted, data, sizeof data, MSG_DONTWAIT);
		assert_true(n > 0 || errno == EAGAIN);
		total += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(loop_stream_waiting(peer.stream), 0);
	assert_int_equal(recv(peer.accepted, data, 1, MSG_DONTWAIT), -1);
	loop_stream_close(peer.stream);
	assert_int_equal(recv(peer.accepted, data, 1, 0), 0);
	close(peer.accepted);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_timers),
	        TEST(test_datagrams_v4),
	        TEST(test_datagrams_v6),
	        TEST(test_wrong_family),
	        TEST(test_stream_received),
	        TEST(test_stream_reset),
	        TEST(test_stream_refused),
	        TEST(test_stream_sent),
	};
	return cmocka_run_group_tests_name("net loop", tests, NULL, NULL);
}
