#include "net/query_internal.h"

// How long a try goes on after an answer that is right but for one thing (the letters' case, a
// missing question, records cut off), before TCP is asked what the truth is. The true answer may
// be right behind a forged one.
#define SUSPECT_MS 200
// The rest after a refusal, doubled with each.
#define REST_MS 200

// ---- Start ----------------------------------------------------------------------------------

static int64_t patience_ms(const struct query *query)
{
	int64_t now_ms = loop_now_ms(query->engine->loop);
	int64_t patience = query->timeout_ms << (query->failures < 3 ? query->failures : 3);
	int64_t left_ms =
	        query->deadline_ms == TIME_NEVER_MS ? patience : query->deadline_ms - now_ms;
	return patience < left_ms ? patience : left_ms;
}

static bool wants_tcp(const struct query *query)
{
	return query->tcp_only || query->to_tcp || query->result.truncated ||
	       (query->tcp_last && query->failures + 1 >= query->max_tries);
}

enum try_start try_start(struct query *query)
{
	struct query_engine *engine = query->engine;
	query->sent_ms = loop_now_ms(engine->loop);
	query->suspect = false;
	if (!query->plain_case) {
		uint8_t bits[WIRE_NAME_MAX / 8 + 1];
		size_t name_octets = query->question_octets - 4;
		query_random(engine, bits, name_octets / 8 + 1);
		wire_mix_case(query->wire, name_octets, bits);
	}
	query->result.transport = wants_tcp(query) ? QUERY_TCP : QUERY_UDP;
	enum try_start start =
	        query->result.transport == QUERY_TCP ? tcp_start(query) : udp_start(query);
	if (start != TRY_STARTED)
		return start;
	engine->outstanding++;
	query->server->outstanding++;
	query->result.tries++;
	loop_timer_start(
	        engine->loop, &query->timer, query->state == STATE_FAILED ? 0 : patience_ms(query));
	return TRY_STARTED;
}

// ---- End ------------------------------------------------------------------------------------

static void let_go(struct query *query, bool timed_out)
{
	struct query_engine *engine = query->engine;
	bool on_wire = query->state == STATE_UDP || query->state == STATE_TCP ||
	               query->state == STATE_FAILED;
	if (query->state == STATE_QUEUED)
		server_unqueue(query);
	if (query->state == STATE_UDP)
		udp_let_go(query);
	if (query->state == STATE_TCP)
		tcp_let_go(query, timed_out);
	if (on_wire) {
		engine->outstanding--;
		query->server->outstanding--;
	}
	loop_timer_stop(engine->loop, &query->timer);
	query->state = STATE_RESTING;
}

void query_let_go(struct query *query)
{
	let_go(query, false);
}

// What to say about a query that has had no answer.
static enum query_status verdict(const struct query *query)
{
	const unsigned *ignored = query->result.ignored;
	if (ignored[QUERY_BROKEN] > 0)
		return QUERY_MALFORMED;
	if (ignored[QUERY_WRONG_SOURCE] > 0 || ignored[QUERY_WRONG_ID] > 0 ||
	        ignored[QUERY_WRONG_QUESTION] > 0 || ignored[QUERY_WRONG_CASE] > 0)
		return QUERY_MISMATCHED;
	if (query->failures > 0 && query->failures == query->refused)
		return QUERY_REFUSED;
	if (query->failures > 0 && query->failures == query->failed)
		return QUERY_FAILED;
	return QUERY_TIMED_OUT;
}

static void queue_again(struct query *query)
{
	struct query_server *server = query->server;
	server_pin(server);
	server_queue(query, true);
	server_unpin(server);
}

void try_again(struct query *query)
{
	let_go(query, false);
	queue_again(query);
}

static void rest(struct query *query)
{
	struct query_server *server = query->server;
	struct loop *loop = query->engine->loop;
	unsigned doubled = query->failures < 6 ? query->failures - 1 : 5;
	int64_t rest_ms = (int64_t)REST_MS << doubled;
	int64_t now_ms = loop_now_ms(loop);
	if (time_add(now_ms, rest_ms) > query->deadline_ms)
		rest_ms = query->deadline_ms - now_ms;
	server_pin(server);
	loop_timer_start(loop, &query->timer, rest_ms);
	server_unpin(server);
}

void try_failed(struct query *query, enum query_status why)
{
	let_go(query, why == QUERY_TIMED_OUT);
	query->failures++;
	query->refused += why == QUERY_REFUSED;
	query->failed += why == QUERY_FAILED;
	// TCP did not help: over UDP the next answer may be the true one.
	query->to_tcp = false;
	bool late = loop_now_ms(query->engine->loop) >= query->deadline_ms;
	if (late || query->failures >= query->max_tries)
		query_finish(query, verdict(query), NULL, 0);
	else if (why == QUERY_TIMED_OUT)
		queue_again(query);
	else
		rest(query);
}

static bool past_deadline(const struct query *query)
{
	return loop_now_ms(query->engine->loop) >= query->deadline_ms;
}

void query_timer_fired(void *ctx)
{
	struct query *query = ctx;
	if (query->state == STATE_FAILED) {
		try_failed(query, query->why);
	} else if (past_deadline(query)) {
		if (query->state == STATE_UDP || query->state == STATE_TCP)
			try_failed(query, QUERY_TIMED_OUT);
		else
			query_finish(query, verdict(query), NULL, 0);
	} else if (query->state == STATE_RESTING) {
		queue_again(query);
	} else if (query->state == STATE_UDP && query->suspect) {
		query->to_tcp = true;
		query->result.case_lost |= query->result.ignored[QUERY_WRONG_CASE] > 0;
		try_again(query);
	} else if (query->state != STATE_QUEUED) {
		try_failed(query, QUERY_TIMED_OUT);
	}
}

// ---- Judging --------------------------------------------------------------------------------

// Something right but for one thing: over UDP the try soon ends and TCP decides; a stream has no
// other answer to wait for.
static void suspect(struct query *query, enum query_ignored what)
{
	struct loop *loop = query->engine->loop;
	query_ignore(query->engine, query, what);
	if (query->state == STATE_TCP) {
		try_failed(query, QUERY_MALFORMED);
		return;
	}
	int64_t left_ms = query->timer.at_ms - loop_now_ms(loop);
	if (!query->suspect && left_ms > SUSPECT_MS)
		loop_timer_start(loop, &query->timer, SUSPECT_MS);
	query->suspect = true;
}

// A server that does not know EDNS says FORMERR or NOTIMP; one that puts an OPT record into its
// answer does know it and means something else (RFC 6891, 7).
static bool refuses_edns(const struct query *query, const struct wire_facts *facts)
{
	return query->has_edns && !facts->has_opt &&
	       (facts->rcode == WIRE_FORMERR || facts->rcode == WIRE_NOTIMP);
}

static void judge_sound(struct query *query, const struct wire_facts *facts, enum wire_match match,
        const uint8_t *data, size_t octets)
{
	bool tcp = query->state == STATE_TCP;
	if (refuses_edns(query, facts)) {
		query->has_edns = false;
		query->result.edns_refused = true;
		query->wire_octets = wire_drop_edns(query->wire, query->wire_octets);
		try_again(query);
		return;
	}
	// Errors without a question are some servers' habit; over UDP they are too easy to forge.
	if (match == WIRE_NO_QUESTION && !query->fixed && (!tcp || facts->rcode == 0)) {
		suspect(query, QUERY_BROKEN);
		return;
	}
	if (facts->truncated && !tcp) {
		query->result.truncated = true;
		try_again(query);
		return;
	}
	query->result.rtt_ms = loop_now_ms(query->engine->loop) - query->sent_ms;
	query_finish(query, QUERY_ANSWERED, data, octets);
}

// data came from where the query went, to where it was sent from, with its ID.
void try_answered(struct query *query, const uint8_t *data, size_t octets)
{
	struct wire_facts facts;
	enum wire_match match = wire_compare(query->wire, query->question_octets, data, octets);
	switch (match) {
	case WIRE_SHORT:
		suspect(query, QUERY_BROKEN);
		return;
	case WIRE_OTHER:
		query_ignore(query->engine, query, QUERY_WRONG_QUESTION);
		return;
	case WIRE_OTHER_CASE:
		if (query->state == STATE_UDP) {
			suspect(query, QUERY_WRONG_CASE);
			return;
		}
		break;
	case WIRE_MATCH:
	case WIRE_NO_QUESTION:
		break;
	}
	if (wire_inspect(data, octets, &facts))
		judge_sound(query, &facts, match, data, octets);
	else
		suspect(query, QUERY_BROKEN);
}
