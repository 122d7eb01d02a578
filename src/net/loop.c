#include "net/loop.h"

#include "net/backend.h"

#include <assert.h>
#include <string.h>

// The timers are a pairing heap whose links lie in the timers themselves: starting one cannot fail
// and stopping one needs no search. A node has its first child, and its siblings in a list; of the
// first sibling, previous is the parent.

static bool timer_before(const struct loop_timer *a, const struct loop_timer *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

// Both are roots without siblings; either may be NULL.
static struct loop_timer *heap_join(struct loop_timer *a, struct loop_timer *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	if (timer_before(b, a)) {
		struct loop_timer *swap = a;
		a = b;
		b = swap;
	}
	b->previous = a;
	b->next = a->child;
	if (b->next != NULL)
		b->next->previous = b;
	a->child = b;
	return a;
}

// Joins a list of siblings into one root: in pairs from the left, then the pairs from the right.
static struct loop_timer *heap_join_siblings(struct loop_timer *first)
{
	struct loop_timer *pairs = NULL;
	while (first != NULL) {
		struct loop_timer *a = first, *b = a->next;
		first = b != NULL ? b->next : NULL;
		a->next = a->previous = NULL;
		if (b != NULL)
			b->next = b->previous = NULL;
		struct loop_timer *pair = heap_join(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	struct loop_timer *root = NULL;
	while (pairs != NULL) {
		struct loop_timer *pair = pairs;
		pairs = pair->next;
		pair->next = NULL;
		root = heap_join(root, pair);
	}
	return root;
}

static void heap_remove(struct loop_timer **root, struct loop_timer *timer)
{
	struct loop_timer *below = heap_join_siblings(timer->child);
	timer->child = NULL;
	if (*root == timer) {
		*root = below;
		return;
	}
	if (timer->previous->child == timer)
		timer->previous->child = timer->next;
	else
		timer->previous->next = timer->next;
	if (timer->next != NULL)
		timer->next->previous = timer->previous;
	timer->next = timer->previous = NULL;
	*root = heap_join(*root, below);
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t delay_ms)
{
	assert(timer->fire != NULL);
	loop_timer_stop(loop, timer);
	timer->at_ms = time_add(loop->now_ms, delay_ms > 0 ? delay_ms : 0);
	timer->order = loop->order++;
	timer->child = timer->next = timer->previous = NULL;
	timer->active = true;
	timer->counted = !timer->background;
	if (timer->counted)
		loop->foreground++;
	loop->timers = heap_join(loop->timers, timer);
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	if (!timer->active)
		return;
	heap_remove(&loop->timers, timer);
	timer->active = false;
	if (timer->counted)
		loop->foreground--;
}

// Fires what is due. A timer started meanwhile waits for the next turn even with no delay, so that
// timers that restart themselves do not keep the network from being heard.
static void fire_due(struct loop *loop)
{
	uint64_t end = loop->order;
	while (!loop->stopped) {
		struct loop_timer *timer = loop->timers;
		if (timer == NULL || timer->at_ms > loop->now_ms || timer->order >= end)
			return;
		loop_timer_stop(loop, timer);
		timer->fire(timer->ctx);
	}
}

enum loop_end loop_run(struct loop *loop, int64_t until_ms)
{
	loop->stopped = false;
	for (;;) {
		fire_due(loop);
		if (loop->stopped)
			return LOOP_STOPPED;
		if (loop->foreground == 0)
			return LOOP_IDLE;
		if (loop->now_ms >= until_ms)
			return LOOP_DEADLINE;
		int64_t next = loop->timers != NULL ? loop->timers->at_ms : TIME_NEVER_MS;
		loop->ops->wait(loop, next < until_ms ? next : until_ms);
		if (loop->stopped)
			return LOOP_STOPPED;
	}
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_free(struct loop *loop)
{
	if (loop != NULL)
		loop->ops->free(loop);
}

int64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

static int64_t clock_of_loop(void *ctx)
{
	struct loop *loop = ctx;
	return loop->ops->wall_ms(loop);
}

struct clock loop_clock(struct loop *loop)
{
	return (struct clock){.now_ms = clock_of_loop, .ctx = loop};
}

enum result loop_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **datagram,
        struct error *err)
{
	assert(handler->received != NULL);
	return loop->ops->datagram_open(loop, local, handler, ctx, datagram, err);
}

enum result loop_datagram_send(
        struct loop_datagram *datagram, const struct address *to, const void *data, size_t octets)
{
	return datagram->loop->ops->datagram_send(datagram, to, data, octets);
}

struct address loop_datagram_local(const struct loop_datagram *datagram)
{
	return datagram->loop->ops->datagram_local(datagram);
}

void loop_datagram_close(struct loop_datagram *datagram)
{
	if (datagram != NULL)
		datagram->loop->ops->datagram_close(datagram);
}

enum result loop_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **stream, struct error *err)
{
	assert(handler->connected != NULL && handler->received != NULL && handler->ended != NULL);
	return loop->ops->stream_connect(loop, local, peer, handler, ctx, stream, err);
}

enum result loop_stream_write(struct loop_stream *stream, const void *data, size_t octets)
{
	return stream->loop->ops->stream_write(stream, data, octets);
}

size_t loop_stream_waiting(const struct loop_stream *stream)
{
	return stream->loop->ops->stream_waiting(stream);
}

void loop_stream_close(struct loop_stream *stream)
{
	if (stream != NULL)
		stream->loop->ops->stream_close(stream);
}

enum result loop_spawn(struct loop *loop, const struct loop_process_spec *spec,
        void (*done)(void *ctx, const struct loop_process_end *end), void *ctx,
        struct loop_process **process, struct error *err)
{
	assert(spec->argv != NULL && spec->argv[0] != NULL && spec->timeout_ms > 0 && done != NULL);
	return loop->ops->spawn(loop, spec, done, ctx, process, err);
}

void loop_process_kill(struct loop_process *process)
{
	if (process != NULL)
		process->loop->ops->process_kill(process);
}
