#include "net/sim.h"

#include "net/sim_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *sim_alloc(size_t octets)
{
	void *memory = calloc(1, octets);
	if (memory == NULL)
		abort();
	return memory;
}

// ---- Time -----------------------------------------------------------------------------------

static void sim_wait(struct loop *loop, int64_t until_ms)
{
	assert(until_ms != TIME_NEVER_MS); // whatever keeps a simulated loop busy has a timer
	if (until_ms > loop->now_ms)
		loop->now_ms = until_ms;
}

static int64_t sim_wall_ms(struct loop *loop)
{
	return ((struct sim *)loop)->wall_ms + loop->now_ms;
}

void sim_wall_jump(struct sim *sim, int64_t delta_ms)
{
	sim->wall_ms += delta_ms;
	sim_note(sim, "wall clock jumps by %lld ms", (long long)delta_ms);
}

// ---- Chance ---------------------------------------------------------------------------------

bool sim_chance(struct sim *sim, unsigned n)
{
	return n > 0 && random_below(&sim->link_random, 1000) < n;
}

int64_t sim_link_delay(struct sim *sim, const struct sim_link *link)
{
	int64_t jitter = 0;
	if (link->jitter_ms > 0)
		jitter = (int64_t)random_below(&sim->link_random, (uint64_t)link->jitter_ms + 1);
	return link->delay_ms + jitter;
}

const struct random *sim_random(struct sim *sim)
{
	return &sim->user_random;
}

// ---- Hosts ----------------------------------------------------------------------------------

static struct node **node_find(const struct sim *sim, const struct address *at)
{
	struct node *const *link = &sim->hosts[address_hash(at, 0) % SIM_BUCKETS];
	while (*link != NULL && !address_equal(&(*link)->at, at))
		link = &(*link)->next;
	return (struct node **)(uintptr_t)link;
}

const struct sim_host *sim_find(const struct sim *sim, const struct address *at)
{
	struct address every_port = *at;
	every_port.port = 0;
	const struct node *node = *node_find(sim, at);
	if (node == NULL)
		node = *node_find(sim, &every_port);
	return node != NULL ? &node->host : NULL;
}

void sim_host_set(struct sim *sim, const struct address *at, const struct sim_host *host)
{
	struct node **link = node_find(sim, at);
	if (*link == NULL) {
		*link = sim_alloc(sizeof **link);
		(*link)->at = *at;
	}
	(*link)->host = *host;
}

void sim_host_remove(struct sim *sim, const struct address *at)
{
	struct node **link = node_find(sim, at), *node = *link;
	if (node != NULL) {
		*link = node->next;
		free(node);
	}
}

void sim_reply(const struct sim_request *request, const struct sim_reply *reply)
{
	if (request->transport == SIM_UDP)
		sim_datagram_reply(request, reply);
	else
		sim_stream_reply(request, reply);
}

// ---- Events ---------------------------------------------------------------------------------

static void event_fire(void *ctx)
{
	struct event *event = ctx;
	event->arrive(event);
}

struct event *sim_event_new(
        struct sim *sim, struct sim_stream *stream, const void *data, size_t octets)
{
	struct event *event = sim_alloc(sizeof *event + octets);
	event->sim = sim;
	event->stream = stream;
	event->timer.fire = event_fire;
	event->timer.ctx = event;
	event->octets = event->chunk = octets;
	if (octets > 0)
		memcpy(event->data, data, octets);
	event->link = stream != NULL ? &stream->events : &sim->events;
	event->next = *event->link;
	if (event->next != NULL)
		event->next->link = &event->next;
	*event->link = event;
	return event;
}

void sim_event_drop(struct event *event)
{
	loop_timer_stop(&event->sim->loop, &event->timer);
	*event->link = event->next;
	if (event->next != NULL)
		event->next->link = event->link;
	free(event);
}

// ---- Trace ----------------------------------------------------------------------------------

static uint64_t fnv(uint64_t hash, const void *data, size_t octets)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < octets; i++)
		hash = (hash ^ p[i]) * 0x100000001b3u;
	return hash;
}

static void trace_line(struct sim *sim, const char *line)
{
	char at[32];
	int n = snprintf(at, sizeof at, "%lld ", (long long)sim->loop.now_ms);
	sim->hash = fnv(sim->hash, at, (size_t)n);
	sim->hash = fnv(sim->hash, line, strlen(line) + 1);
	if (sim->keep)
		buffer_printf(&sim->trace, "%s%s\n", at, line);
}

void sim_trace_event(struct sim *sim, const char *what, const struct address *from,
        const struct address *to, const void *data, size_t octets)
{
	char line[64 + 2 * ADDRESS_TEXT], a[ADDRESS_TEXT], b[ADDRESS_TEXT];
	snprintf(line, sizeof line, "%s %s > %s %zu octets %08x", what, address_format(from, a),
	        address_format(to, b), octets, (unsigned)fnv(0xcbf29ce484222325u, data, octets));
	trace_line(sim, line);
}

void sim_note(struct sim *sim, const char *format, ...)
{
	char line[400];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	trace_line(sim, line);
}

uint64_t sim_trace_hash(const struct sim *sim)
{
	return sim->hash;
}

void sim_trace_keep(struct sim *sim, size_t max_octets)
{
	sim->keep = true;
	sim->trace.max = max_octets;
}

const char *sim_trace(const struct sim *sim)
{
	return buffer_text(&sim->trace);
}

// ---- The sim --------------------------------------------------------------------------------

// A simulated loop is freed with its sim.
static void sim_loop_free(struct loop *loop)
{
	(void)loop;
}

static const struct loop_ops ops = {
        .wait = sim_wait,
        .wall_ms = sim_wall_ms,
        .free = sim_loop_free,
        .datagram_open = sim_datagram_open,
        .datagram_send = sim_datagram_send,
        .datagram_local = sim_datagram_local,
        .datagram_close = sim_datagram_close,
        .stream_connect = sim_stream_connect,
        .stream_write = sim_stream_write,
        .stream_waiting = sim_stream_waiting,
        .stream_close = sim_stream_close,
        .spawn = sim_spawn,
        .process_kill = sim_process_kill,
};

struct sim *sim_new(uint64_t seed, int64_t wall_ms)
{
	struct sim *sim = sim_alloc(sizeof *sim);
	sim->loop.ops = &ops;
	sim->wall_ms = wall_ms;
	sim->hash = 0xcbf29ce484222325u;
	sim->next_port = 32768;
	sim->link_random = random_from_seed(&sim->link_seed, seed);
	sim->user_random = random_from_seed(&sim->user_seed, seed ^ 0x5deece66d1ce4e5bu);
	return sim;
}

struct loop *sim_loop(struct sim *sim)
{
	return &sim->loop;
}

static void free_hosts(struct sim *sim)
{
	for (size_t i = 0; i < SIM_BUCKETS; i++)
		while (sim->hosts[i] != NULL) {
			struct node *node = sim->hosts[i];
			sim->hosts[i] = node->next;
			free(node);
		}
}

void sim_free(struct sim *sim)
{
	if (sim == NULL)
		return;
	while (sim->streams != NULL)
		sim_stream_close(&sim->streams->base);
	for (size_t i = 0; i < SIM_BUCKETS; i++)
		while (sim->ports[i] != NULL)
			sim_datagram_close(&sim->ports[i]->base);
	while (sim->processes != NULL)
		sim_process_kill(&sim->processes->base);
	while (sim->events != NULL)
		sim_event_drop(sim->events);
	free_hosts(sim);
	buffer_free(&sim->trace);
	free(sim);
}
