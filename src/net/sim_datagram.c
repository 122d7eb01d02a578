#include "net/sim_internal.h"

#include <stdlib.h>
#include <string.h>

static struct sim *sim_of(const struct datagram_sim *datagram)
{
	return (struct sim *)datagram->base.loop;
}

static bool is_any(const struct address *address)
{
	static const uint8_t zero[16];
	return memcmp(address->octets, zero, sizeof zero) == 0;
}

// The socket that hears what is sent to an address; one bound to "any" hears every address.
static struct datagram_sim *port_find(const struct sim *sim, const struct address *at)
{
	struct datagram_sim *datagram = sim->ports[at->port % SIM_BUCKETS];
	for (; datagram != NULL; datagram = datagram->next)
		if (datagram->local.family == at->family && datagram->local.port == at->port &&
		        (is_any(&datagram->local) || is_any(at) ||
		                address_equal_ip(&datagram->local, at)))
			return datagram;
	return NULL;
}

static void deliver_to_host(struct event *event, struct sim_host host);

static void datagram_arrives(struct event *event)
{
	struct sim *sim = event->sim;
	const struct sim_host *host = sim_find(sim, &event->to);
	struct datagram_sim *port = port_find(sim, &event->to);
	sim_trace_event(sim, host != NULL || port != NULL ? "udp" : "udp to nobody", &event->from,
	        &event->to, event->data, event->octets);
	if (host != NULL)
		deliver_to_host(event, *host);
	else if (port != NULL)
		port->base.handler.received(
		        port->base.ctx, &event->from, event->data, event->octets);
	sim_event_drop(event);
}

static void unreachable_arrives(struct event *event)
{
	struct datagram_sim *port = port_find(event->sim, &event->to);
	sim_trace_event(event->sim, "udp unreachable", &event->from, &event->to, event->data,
	        event->octets);
	if (port != NULL && port->base.handler.unreachable != NULL)
		port->base.handler.unreachable(
		        port->base.ctx, &event->from, event->data, event->octets);
	sim_event_drop(event);
}

static void put_on_way(struct sim *sim, const struct address *from, const struct address *to,
        const void *data, size_t octets, int64_t delay_ms, bool damage)
{
	struct event *event = sim_event_new(sim, NULL, data, octets);
	event->arrive = datagram_arrives;
	event->from = *from;
	event->to = *to;
	if (damage && octets > 0) {
		uint64_t bit = random_below(&sim->link_random, (uint64_t)octets * 8);
		event->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	loop_timer_start(&sim->loop, &event->timer, delay_ms);
}

// One datagram over a link: not at all, once, or twice.
static void over_link(struct sim *sim, const struct sim_link *link, const struct address *from,
        const struct address *to, const void *data, size_t octets, int64_t delay_ms)
{
	if (sim_chance(sim, link->loss)) {
		sim_trace_event(sim, "udp lost", from, to, data, octets);
		return;
	}
	int copies = sim_chance(sim, link->duplicate) ? 2 : 1;
	for (int i = 0; i < copies; i++)
		put_on_way(sim, from, to, data, octets, delay_ms + sim_link_delay(sim, link),
		        sim_chance(sim, link->damage));
}

// By value: the callback may replace or remove the host.
static void deliver_to_host(struct event *event, struct sim_host host)
{
	struct sim *sim = event->sim;
	if (host.udp == SIM_REFUSE) {
		struct event *back = sim_event_new(sim, NULL, event->data, event->octets);
		back->arrive = unreachable_arrives;
		back->from = event->to;
		back->to = event->from;
		loop_timer_start(&sim->loop, &back->timer, sim_link_delay(sim, &host.link));
		return;
	}
	if (host.udp == SIM_SILENT || host.request == NULL)
		return;
	struct sim_request request = {.transport = SIM_UDP,
	        .from = event->from,
	        .to = event->to,
	        .data = event->data,
	        .octets = event->octets,
	        .at_ms = sim->loop.now_ms,
	        .sim = sim};
	host.request(host.ctx, &request);
}

void sim_datagram_reply(const struct sim_request *request, const struct sim_reply *reply)
{
	struct sim *sim = request->sim;
	const struct sim_host *host = sim_find(sim, &request->to);
	const struct sim_link none = {0};
	const struct sim_link *link = reply->direct || host == NULL ? &none : &host->link;
	const struct address *from = reply->from != NULL ? reply->from : &request->to;
	const struct address *to = reply->to != NULL ? reply->to : &request->from;
	unsigned copies = reply->copies > 0 ? reply->copies : 1;
	for (unsigned i = 0; i < copies; i++)
		over_link(sim, link, from, to, reply->data, reply->octets, reply->delay_ms);
}

// ---- The loop's side ------------------------------------------------------------------------

static uint16_t free_port(struct sim *sim, struct address at)
{
	for (unsigned i = 0; i < 28232; i++) {
		at.port = (uint16_t)(32768 + (sim->next_port - 32768 + i) % 28232);
		if (port_find(sim, &at) == NULL) {
			sim->next_port = (uint16_t)(at.port + 1);
			return at.port;
		}
	}
	return 0;
}

enum result sim_datagram_open(struct loop *loop, const struct address *local,
        const struct loop_datagram_handler *handler, void *ctx, struct loop_datagram **out,
        struct error *err)
{
	struct sim *sim = (struct sim *)loop;
	struct address at = *local;
	if (at.port == 0)
		at.port = free_port(sim, at);
	if (at.port == 0)
		return error_set(err, RESULT_LIMIT, "no free port");
	char text[ADDRESS_TEXT];
	if (port_find(sim, &at) != NULL || sim_find(sim, &at) != NULL)
		return error_set(err, RESULT_CONFLICT, "cannot open UDP at %s: in use",
		        address_format(&at, text));
	struct datagram_sim *datagram = sim_alloc(sizeof *datagram);
	datagram->base = (struct loop_datagram){.loop = loop, .handler = *handler, .ctx = ctx};
	datagram->local = at;
	datagram->next = sim->ports[at.port % SIM_BUCKETS];
	sim->ports[at.port % SIM_BUCKETS] = datagram;
	*out = &datagram->base;
	return RESULT_OK;
}

// Where a socket bound to "any" sends from.
static struct address source_address(const struct datagram_sim *datagram)
{
	static const uint8_t v4[4] = {203, 0, 113, 1};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0xff, [15] = 1};
	struct address local = datagram->local;
	if (!is_any(&local))
		return local;
	return local.family == 4 ? address_from_octets(v4, 4, local.port)
	                         : address_from_octets(v6, 16, local.port);
}

enum result sim_datagram_send(
        struct loop_datagram *base, const struct address *to, const void *data, size_t octets)
{
	struct datagram_sim *datagram = (struct datagram_sim *)base;
	struct sim *sim = sim_of(datagram);
	const struct sim_host *host = sim_find(sim, to);
	const struct sim_link none = {0};
	struct address from = source_address(datagram);
	if (to->family != from.family || to->port == 0)
		return RESULT_NETWORK;
	over_link(sim, host != NULL ? &host->link : &none, &from, to, data, octets, 0);
	return RESULT_OK;
}

struct address sim_datagram_local(const struct loop_datagram *base)
{
	return ((const struct datagram_sim *)base)->local;
}

void sim_datagram_close(struct loop_datagram *base)
{
	struct datagram_sim *datagram = (struct datagram_sim *)base;
	struct datagram_sim **link = &sim_of(datagram)->ports[datagram->local.port % SIM_BUCKETS];
	while (*link != datagram)
		link = &(*link)->next;
	*link = datagram->next;
	free(datagram);
}
