#include "host.h"

#include <assert.h>
#include <string.h>

struct address host_address(const char *text)
{
	struct address address = {0};
	enum result code = address_parse(text, 53, &address, NULL);
	assert(code == RESULT_OK);
	(void)code;
	return address;
}

static size_t question_end(const uint8_t *query, size_t octets)
{
	size_t at = 12;
	while (at < octets && query[at] != 0)
		at += 1u + query[at];
	return at + 5;
}

static void lower_case(uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (data[i] >= 'A' && data[i] <= 'Z')
			data[i] |= 0x20;
}

size_t host_answer(struct host *host, const struct sim_request *request, uint8_t *answer)
{
	static const uint8_t record[16] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7};
	size_t end = question_end(request->data, request->octets);
	bool has_opt = request->data[11] > 0;
	memcpy(answer, request->data, end);
	memset(answer + 6, 0, 6);
	answer[2] |= 0x84;
	answer[3] = host->rcode;
	if (host->lower_case)
		lower_case(answer + 12, end - 12);
	if (host->no_question || (host->no_edns && has_opt)) {
		answer[3] = host->no_question ? 2 : 1;
		answer[5] = 0;
		return 12;
	}
	if (host->truncate_udp && request->transport == SIM_UDP) {
		answer[2] |= 0x02;
		return end;
	}
	answer[7] = 1;
	memcpy(answer + end, record, sizeof record);
	if (host->different)
		answer[end + 15] = (uint8_t)(host->udp_seen + host->tcp_seen);
	end += sizeof record - (host->cut ? 3 : 0);
	return end;
}

static void request_came(void *ctx, const struct sim_request *request)
{
	struct host *host = ctx;
	unsigned n = host->udp_seen + host->tcp_seen;
	uint8_t answer[1000];
	if (n < 64) {
		host->times_ms[n] = request->at_ms;
		host->ports[n] = request->from.port;
	}
	// A damaged query is no question of ours.
	if (request->octets < 12 || question_end(request->data, request->octets) > request->octets)
		return;
	*(request->transport == SIM_UDP ? &host->udp_seen : &host->tcp_seen) += 1;
	memcpy(host->last, request->data, request->octets);
	host->last_octets = request->octets;
	if (host->before != NULL && host->before(host, request))
		return;
	if (n < host->mute)
		return;
	size_t octets = host_answer(host, request, answer);
	sim_reply(request, &(struct sim_reply){.data = answer,
	                           .octets = octets,
	                           .delay_ms = host->delay_ms,
	                           .copies = host->copies,
	                           .chunk = host->chunk,
	                           .gap_ms = host->gap_ms,
	                           .then = host->close_each ? SIM_END : SIM_KEEP});
}

void host_put(struct sim *sim, const char *address, struct host *host)
{
	struct address at = host_address(address);
	host->base.request = request_came;
	host->base.ctx = host;
	sim_host_set(sim, &at, &host->base);
}

void outcome_done(void *ctx, const struct query_result *result)
{
	struct outcome *outcome = ctx;
	outcome->calls++;
	outcome->result = *result;
	if (result->data != NULL)
		memcpy(outcome->data, result->data, result->octets);
	outcome->result.data = NULL;
	outcome->at_ms = loop_now_ms(outcome->loop);
	if (outcome->stop)
		loop_stop(outcome->loop);
}

void host_ask(struct query_engine *engine, const char *server, const struct query_options *options,
        struct outcome *outcome)
{
	static const struct query_question question = {
	        .name = (const uint8_t *)"\5baton\4test", .type = 1};
	struct address at = host_address(server);
	enum result code =
	        query_submit(engine, &at, &question, options, outcome_done, outcome, NULL, NULL);
	assert(code == RESULT_OK);
	(void)code;
}
