// What the query engine believes and what it ignores.

#include "fixture.h"

// ---- Forgeries ------------------------------------------------------------------------------

enum forgery { SOURCE, PORT, ID, QUESTION, TYPE, CASE, NOT_A_RESPONSE, OPCODE, SHORT };

static void forge(const struct sim_request *request, enum forgery how, int64_t delay_ms)
{
	struct host plain = {0};
	uint8_t answer[1000];
	struct address from = request->to;
	size_t octets = host_answer(&plain, request, answer);
	answer[octets - 1] = 66; // the forger's address
	switch (how) {
	case SOURCE:
		from = host_address("192.0.2.66");
		break;
	case PORT:
		from.port = 5353;
		break;
	case ID:
		answer[1] ^= 1;
		break;
	case QUESTION:
		answer[13] = 'x';
		break;
	case TYPE:
		answer[25] = 28;
		break;
	case CASE:
		answer[13] ^= 0x20;
		break;
	case NOT_A_RESPONSE:
		answer[2] &= 0x7f;
		break;
	case OPCODE:
		answer[2] |= 0x28;
		break;
	case SHORT:
		octets = 11;
		break;
	}
	sim_reply(request,
	        &(struct sim_reply){
	                .data = answer, .octets = octets, .from = &from, .delay_ms = delay_ms});
}

static bool forge_all(struct host *host, const struct sim_request *request)
{
	(void)host;
	for (enum forgery how = SOURCE; how <= SHORT; how++)
		forge(request, how, 1 + (int64_t)how);
	return false;
}

static void test_forgeries_are_ignored_and_counted(void **state)
{
	struct fixture *f = *state;
	f->host.before = forge_all;
	f->host.delay_ms = 50;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_UDP);
	assert_int_equal(r->rtt_ms, 50);
	assert_int_equal(f->out.data[r->octets - 1], 7); // the true one
	assert_int_equal(r->ignored[QUERY_WRONG_SOURCE], 2);
	assert_int_equal(r->ignored[QUERY_WRONG_ID], 1);
	assert_int_equal(r->ignored[QUERY_WRONG_QUESTION], 4);
	assert_int_equal(r->ignored[QUERY_WRONG_CASE], 1);
	assert_int_equal(r->ignored[QUERY_BROKEN], 1);
}

static bool forge_one(struct host *host, const struct sim_request *request)
{
	forge(request, *(enum forgery *)host->ctx, 1);
	return true;
}

static void only_forged(struct fixture *f, enum forgery how, enum query_status expected)
{
	f->out.calls = 0;
	f->host = (struct host){.before = forge_one, .ctx = &how, .base.tcp = SIM_REFUSE};
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, expected);
	assert_true(ignored(r) >= 1);
	assert_null(r->data);
}

static void test_only_forgeries(void **state)
{
	struct fixture *f = *state;
	only_forged(f, SOURCE, QUERY_MISMATCHED);
	only_forged(f, PORT, QUERY_MISMATCHED);
	only_forged(f, ID, QUERY_MISMATCHED);
	only_forged(f, QUESTION, QUERY_MISMATCHED);
	only_forged(f, TYPE, QUERY_MISMATCHED);
	only_forged(f, CASE, QUERY_MISMATCHED);
	only_forged(f, NOT_A_RESPONSE, QUERY_MISMATCHED);
	only_forged(f, SHORT, QUERY_MALFORMED);
}

static void test_case_not_preserved(void **state)
{
	struct fixture *f = *state;
	f->host.lower_case = true;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_TCP);
	assert_true(r->case_lost);
	assert_int_equal(r->ignored[QUERY_WRONG_CASE], 1);
	assert_int_equal(r->total_ms, 200); // a chance for the true answer, then TCP
}

static bool forged_case_first(struct host *host, const struct sim_request *request)
{
	(void)host;
	if (request->transport == SIM_UDP)
		forge(request, CASE, 1);
	return false;
}

static void test_forged_case_where_tcp_is_dark(void **state)
{
	struct fixture *f = *state;
	f->host.before = forged_case_first;
	f->host.delay_ms = 150;
	f->host.base.tcp = SIM_SILENT;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_UDP);
	assert_int_equal(f->out.data[r->octets - 1], 7);
	assert_int_equal(r->total_ms, 150);
}

static void test_duplicate_answers(void **state)
{
	struct fixture *f = *state;
	struct outcome second = {.loop = f->loop};
	f->host.copies = 3;
	host_put(f->sim, "192.0.2.1", &f->host);
	host_ask(f->engine, "192.0.2.1", NULL, &second);
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(second.calls, 1);
	assert_int_equal(query_engine_stats(f->engine).finished[QUERY_ANSWERED], 2);
}

static void test_different_each_time(void **state)
{
	struct fixture *f = *state;
	f->host.different = true;
	for (uint8_t i = 1; i <= 5; i++) {
		f->out.calls = 0;
		const struct query_result *r = ask(f, NULL);
		assert_int_equal(r->status, QUERY_ANSWERED);
		assert_int_equal(f->out.data[r->octets - 1], i);
	}
}

static void test_shared_ports(void **state)
{
	struct fixture *f = *state;
	engine_replace(f, &(struct query_limits){.ports = 4, .port_uses = 5, .rate = 10000});
	f->host.before = forge_all;
	for (int i = 0; i < 60; i++) {
		f->out.calls = 0;
		ask(f, NULL);
		assert_int_equal(f->out.result.status, QUERY_ANSWERED);
		assert_int_equal(f->out.data[f->out.result.octets - 1], 7);
	}
	unsigned distinct = 0;
	for (int i = 0; i < 60; i++) {
		bool seen = false;
		for (int k = 0; k < i; k++)
			seen |= f->host.ports[k] == f->host.ports[i];
		distinct += !seen;
	}
	assert_in_range(distinct, 60 / 5, 60 / 5 + 4); // each port serves five tries
}

// ---- Damage ---------------------------------------------------------------------------------

static void test_cut_answer(void **state)
{
	struct fixture *f = *state;
	f->host.cut = true;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_MALFORMED);
	assert_null(r->data);
	assert_true(r->ignored[QUERY_BROKEN] >= 3);
}

static void test_error_without_question(void **state)
{
	struct fixture *f = *state;
	f->host.no_question = true;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_int_equal(r->transport, QUERY_TCP); // where nobody but the server can say so
	assert_int_equal(r->octets, 12);
}

static void test_damaging_link(void **state)
{
	struct fixture *f = *state;
	unsigned answered = 0;
	f->host.base.link = (struct sim_link){.delay_ms = 3, .damage = 300, .loss = 100};
	for (int i = 0; i < 200; i++) {
		f->out.calls = 0;
		answered += ask(f, NULL)->status == QUERY_ANSWERED;
	}
	assert_in_range(answered, 180, 200);
}

static void test_no_edns_server(void **state)
{
	struct fixture *f = *state;
	f->host.no_edns = true;
	const struct query_result *r = ask(f, &(struct query_options){.dnssec_ok = true});
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_true(r->edns_refused);
	assert_int_equal(r->tries, 2);
	assert_int_equal(f->host.last[11], 0);
	assert_int_equal(r->octets, 44);
}

static bool formerr_with_opt(struct host *host, const struct sim_request *request)
{
	uint8_t answer[1000];
	memcpy(answer, request->data, request->octets);
	answer[2] |= 0x80;
	answer[3] = 1;
	(void)host;
	sim_reply(request, &(struct sim_reply){.data = answer, .octets = request->octets});
	return true;
}

static void test_formerr_of_server_that_knows_edns(void **state)
{
	struct fixture *f = *state;
	f->host.before = formerr_with_opt;
	const struct query_result *r = ask(f, NULL);
	assert_int_equal(r->status, QUERY_ANSWERED);
	assert_false(r->edns_refused);
	assert_int_equal(r->tries, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(test_forgeries_are_ignored_and_counted),
	        TEST(test_only_forgeries),
	        TEST(test_case_not_preserved),
	        TEST(test_forged_case_where_tcp_is_dark),
	        TEST(test_duplicate_answers),
	        TEST(test_different_each_time),
	        TEST(test_shared_ports),
	        TEST(test_cut_answer),
	        TEST(test_error_without_question),
	        TEST(test_damaging_link),
	        TEST(test_no_edns_server),
	        TEST(test_formerr_of_server_that_knows_edns),
	};
	return cmocka_run_group_tests_name("net query forged", tests, NULL, NULL);
}
