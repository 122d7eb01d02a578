#include "net/sim_internal.h"

#include <stdlib.h>
#include <string.h>

#define RETRANSMISSION_MS 200 // what a lost segment costs

static struct sim *sim_of(const struct sim_stream *stream)
{
	return (struct sim *)stream->base.loop;
}

static int64_t link_delay(struct sim *sim, const struct sim_link *link)
{
	int64_t delay = sim_link_delay(sim, link);
	for (int i = 0; i < 8 && sim_chance(sim, link->loss); i++)
		delay += RETRANSMISSION_MS << i;
	return delay;
}

// Puts an event on its way in the stream, not earlier than what went before it.
static void depart(struct event *event, int64_t *earliest_ms, int64_t delay_ms)
{
	struct loop *loop = &event->sim->loop;
	int64_t at_ms = time_add(loop->now_ms, delay_ms);
	if (at_ms < *earliest_ms)
		at_ms = *earliest_ms;
	*earliest_ms = at_ms;
	loop_timer_start(loop, &event->timer, at_ms - loop->now_ms);
}

// ---- Towards the client ---------------------------------------------------------------------

static void end_arrives(struct event *event)
{
	struct sim_stream *stream = event->stream;
	enum result reason = event->reason;
	sim_trace_event(event->sim, reason == RESULT_OK ? "tcp end" : "tcp reset", &stream->peer,
	        &stream->local, NULL, 0);
	stream->over = true;
	while (stream->events != NULL)
		sim_event_drop(stream->events);
	stream->base.handler.ended(stream->base.ctx, reason);
}

static void send_end(struct sim_stream *stream, enum result reason, int64_t delay_ms)
{
	struct event *event = sim_event_new(sim_of(stream), stream, NULL, 0);
	event->arrive = end_arrives;
	event->reason = reason;
	depart(event, &stream->to_client_ms, delay_ms);
}

static void data_arrives(struct event *event)
{
	struct sim_stream *stream = event->stream;
	uint8_t *data = event->data + event->done;
	size_t n = event->octets - event->done;
	if (n > event->chunk)
		n = event->chunk;
	event->done += n;
	sim_trace_event(event->sim, "tcp", &stream->peer, &stream->local, data, n);
	// The callback may close the stream, and the event with it: work on a copy, touch it no
	// more.
	uint8_t *copy = sim_alloc(n);
	memcpy(copy, data, n);
	if (event->done < event->octets)
		loop_timer_start(&event->sim->loop, &event->timer, event->gap_ms);
	else
		sim_event_drop(event);
	stream->base.handler.received(stream->base.ctx, copy, n);
	free(copy);
}

void sim_stream_reply(const struct sim_request *request, const struct sim_reply *reply)
{
	struct sim_stream *stream = request->stream;
	const struct sim_host *host = sim_find(request->sim, &stream->peer);
	int64_t delay_ms = reply->delay_ms;
	if (stream->over)
		return;
	if (!reply->direct && host != NULL)
		delay_ms += link_delay(request->sim, &host->link);
	unsigned copies = reply->copies > 0 ? reply->copies : 1;
	for (unsigned i = 0; i < copies && reply->octets > 0; i++) {
		size_t head = reply->unframed ? 0 : 2;
		uint8_t *data = sim_alloc(head + reply->octets);
		if (head > 0) {
			data[0] = (uint8_t)(reply->octets >> 8);
			data[1] = (uint8_t)reply->octets;
		}
		memcpy(data + head, reply->data, reply->octets);
		struct event *event =
		        sim_event_new(request->sim, stream, data, head + reply->octets);
		free(data);
		event->arrive = data_arrives;
		event->gap_ms = reply->gap_ms;
		if (reply->chunk > 0)
			event->chunk = reply->chunk;
		depart(event, &stream->to_client_ms, delay_ms);
		// What follows in the stream comes behind the last piece, and not in the same
		// millisecond, where the order of starting would decide.
		int64_t gaps = (int64_t)((event->octets - 1) / event->chunk);
		if (gaps > 0)
			stream->to_client_ms =
			        time_add(stream->to_client_ms, gaps * reply->gap_ms + 1);
	}
	if (reply->then != SIM_KEEP)
		send_end(stream, reply->then == SIM_END ? RESULT_OK : RESULT_NETWORK, delay_ms);
}

// ---- Towards the host -----------------------------------------------------------------------

static void hand_over(
        struct sim_stream *stream, const struct sim_host *host, const uint8_t *data, size_t octets)
{
	struct sim *sim = sim_of(stream);
	struct sim_request request = {.transport = SIM_TCP,
	        .from = stream->local,
	        .to = stream->peer,
	        .data = data,
	        .octets = octets,
	        .at_ms = sim->loop.now_ms,
	        .sim = sim,
	        .stream = stream};
	host->request(host->ctx, &request);
}

static void hand_over_messages(struct sim_stream *stream, const struct sim_host *host)
{
	size_t at = 0;
	const uint8_t *data = (const uint8_t *)stream->inbox.data;
	while (stream->inbox.length - at >= 2) {
		size_t octets = (size_t)data[at] << 8 | data[at + 1];
		if (stream->inbox.length - at - 2 < octets)
			break;
		hand_over(stream, host, data + at + 2, octets);
		at += 2 + octets;
	}
	stream->inbox.length -= at;
	memmove(stream->inbox.data, stream->inbox.data + at, stream->inbox.length);
}

static void request_arrives(struct event *event)
{
	struct sim_stream *stream = event->stream;
	const struct sim_host *found = sim_find(event->sim, &stream->peer);
	struct sim_host host = {.tcp = SIM_SILENT};
	if (found != NULL)
		host = *found; // a copy: the callback may replace or remove it
	sim_trace_event(event->sim, found != NULL ? "tcp" : "tcp to nobody", &stream->local,
	        &stream->peer, event->data, event->octets);
	if (host.tcp == SIM_RESET) {
		send_end(stream, RESULT_NETWORK, link_delay(event->sim, &host.link));
	} else if (host.tcp == SIM_SERVE && host.request != NULL) {
		if (host.raw) {
			hand_over(stream, &host, event->data, event->octets);
		} else {
			buffer_add(&stream->inbox, event->data, event->octets);
			hand_over_messages(stream, &host);
		}
	}
	sim_event_drop(event);
}

static void send_request(struct sim_stream *stream, const void *data, size_t octets)
{
	struct sim *sim = sim_of(stream);
	const struct sim_host *host = sim_find(sim, &stream->peer);
	struct event *event = sim_event_new(sim, stream, data, octets);
	event->arrive = request_arrives;
	depart(event, &stream->to_host_ms, host != NULL ? link_delay(sim, &host->link) : 0);
}

// ---- Connecting -----------------------------------------------------------------------------

static void accept_arrives(struct event *event)
{
	struct sim_stream *stream = event->stream;
	sim_trace_event(event->sim, "tcp connected", &stream->peer, &stream->local, NULL, 0);
	sim_event_drop(event);
	stream->connected = true;
	if (stream->unsent.length > 0)
		send_request(stream, stream->unsent.data, stream->unsent.length);
	buffer_clear(&stream->unsent);
	stream->base.handler.connected(stream->base.ctx);
}

static void connect_arrives(struct event *event)
{
	struct sim_stream *stream = event->stream;
	struct sim *sim = event->sim;
	const struct sim_host *host = sim_find(sim, &stream->peer);
	sim_trace_event(sim, "tcp connect", &stream->local, &stream->peer, NULL, 0);
	sim_event_drop(event);
	if (host == NULL || host->tcp == SIM_SILENT)
		return;
	if (host->tcp == SIM_REFUSE) {
		send_end(stream, RESULT_REFUSED, link_delay(sim, &host->link));
		return;
	}
	struct event *answer = sim_event_new(sim, stream, NULL, 0);
	answer->arrive = accept_arrives;
	depart(answer, &stream->to_client_ms, link_delay(sim, &host->link));
}

enum result sim_stream_connect(struct loop *loop, const struct address *local,
        const struct address *peer, const struct loop_stream_handler *handler, void *ctx,
        struct loop_stream **out, struct error *err)
{
	struct sim *sim = (struct sim *)loop;
	const struct sim_host *host = sim_find(sim, peer);
	if (local != NULL && local->family != 0 && local->family != peer->family)
		return error_set(err, RESULT_NETWORK, "cannot connect: two families of addresses");
	struct sim_stream *stream = sim_alloc(sizeof *stream);
	stream->base = (struct loop_stream){.loop = loop, .handler = *handler, .ctx = ctx};
	stream->local = local != NULL && local->family != 0 ? *local : address_any(peer->family, 0);
	stream->peer = *peer;
	stream->unsent = buffer_init(LOOP_STREAM_BUFFER_MAX);
	stream->inbox = buffer_init(2 * LOOP_STREAM_BUFFER_MAX);
	stream->link = &sim->streams;
	stream->next = sim->streams;
	if (stream->next != NULL)
		stream->next->link = &stream->next;
	sim->streams = stream;
	struct event *event = sim_event_new(sim, stream, NULL, 0);
	event->arrive = connect_arrives;
	depart(event, &stream->to_host_ms, host != NULL ? link_delay(sim, &host->link) : 0);
	*out = &stream->base;
	return RESULT_OK;
}

enum result sim_stream_write(struct loop_stream *base, const void *data, size_t octets)
{
	struct sim_stream *stream = (struct sim_stream *)base;
	if (stream->over)
		return RESULT_NETWORK;
	if (octets > LOOP_STREAM_BUFFER_MAX - stream->unsent.length)
		return RESULT_LIMIT;
	if (stream->connected && octets > 0)
		send_request(stream, data, octets);
	else
		buffer_add(&stream->unsent, data, octets);
	return RESULT_OK;
}

size_t sim_stream_waiting(const struct loop_stream *base)
{
	return ((const struct sim_stream *)base)->unsent.length;
}

void sim_stream_close(struct loop_stream *base)
{
	struct sim_stream *stream = (struct sim_stream *)base;
	sim_trace_event(sim_of(stream), "tcp close", &stream->local, &stream->peer, NULL, 0);
	while (stream->events != NULL)
		sim_event_drop(stream->events);
	*stream->link = stream->next;
	if (stream->next != NULL)
		stream->next->link = stream->link;
	buffer_free(&stream->unsent);
	buffer_free(&stream->inbox);
	free(stream);
}
