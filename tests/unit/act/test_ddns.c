// Dynamic update on a simulated network: answers that are wrong, late, damaged or missing. (Against
// real servers it is tested together with observation.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "act/ddns.h"
#include "dns/message.h"
#include "dns/tsig.h"
#include "net/sim.h"

#define KEY "hmac-sha256:k.:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="

enum manner { UNSIGNED, WRONG_MAC, CUT, OTHER_ID, MUTE, CLOSE };

struct fixture {
	struct sim *sim;
	struct loop *loop;
	struct query_engine *engine;
	struct address server;
	enum manner manner;
	uint8_t rcode;
	unsigned requests;
	uint8_t request[65535];
	size_t request_octets;
	unsigned calls;
	struct act_outcome outcome;
};

// A response with the zone section only.
static size_t reply_make(struct fixture *f, const struct sim_request *request, uint8_t *reply)
{
	size_t length = 12, at = 12;
	while (request->data[at] != 0)
		at += 1u + request->data[at];
	at += 5;
	memcpy(reply, request->data, at);
	length = at;
	reply[2] = (uint8_t)(0x80 | (request->data[2] & 0x78));
	reply[3] = f->rcode;
	memset(reply + 6, 0, 6);
	if (f->manner == OTHER_ID)
		reply[0] ^= 1;
	return length;
}

// Signed with the right key, but not over the MAC of the request: like an answer to another one.
static void reply_sign(uint8_t *reply, size_t *length, size_t room, int64_t now_s)
{
	struct dns_tsig_key *key;
	struct dns_tsig_mac mac;
	struct error err = {0};
	assert_int_equal(dns_tsig_key_parse(KEY, &key, &err), RESULT_OK);
	assert_int_equal(dns_tsig_sign(key, reply, length, room, now_s, &mac, &err), RESULT_OK);
	dns_tsig_key_free(key);
}

static void answer(void *ctx, const struct sim_request *request)
{
	struct fixture *f = ctx;
	uint8_t reply[65535];
	struct clock clock = loop_clock(f->loop);
	f->requests++;
	f->request_octets = request->octets;
	memcpy(f->request, request->data, request->octets);
	size_t length = reply_make(f, request, reply);
	if (f->manner == MUTE)
		return;
	if (f->manner == CLOSE) {
		sim_reply(request, &(struct sim_reply){.then = SIM_ABORT});
		return;
	}
	if (f->manner == WRONG_MAC)
		reply_sign(reply, &length, sizeof reply, clock_now_ms(&clock) / SECOND_MS);
	if (f->manner == CUT)
		length = 13;
	sim_reply(request, &(struct sim_reply){.data = reply, .octets = length});
}

static int setup(void **state)
{
	static struct fixture f;
	struct error err;
	memset(&f, 0, sizeof f);
	f.sim = sim_new(1, INT64_C(1800000000000));
	f.loop = sim_loop(f.sim);
	assert_int_equal(
	        query_engine_new(f.loop, sim_random(f.sim), NULL, &f.engine, &err), RESULT_OK);
	assert_int_equal(address_parse("192.0.2.1", 53, &f.server, &err), RESULT_OK);
	sim_host_set(f.sim, &f.server,
	        &(struct sim_host){.request = answer, .ctx = &f, .link = {.delay_ms = 5}});
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	query_engine_free(f->engine);
	sim_free(f->sim);
	return 0;
}

static void ended(void *ctx, const struct act_outcome *outcome)
{
	struct fixture *f = ctx;
	f->calls++;
	f->outcome = *outcome;
}

static enum act_word update(struct fixture *f, const char *key)
{
	static const char *const text[] = {"192.0.2.7"};
	struct act_operation operation = {.kind = ACT_ADD,
	        .name = "www.example.test.",
	        .type = DNS_TYPE_A,
	        .ttl_s = 60,
	        .count = 1,
	        .records = text};
	struct act_request request = {.count = 1, .operations = &operation};
	struct error err = {0};
	struct act *act;
	struct act_ddns options = {.loop = f->loop,
	        .engine = f->engine,
	        .random = *sim_random(f->sim),
	        .server = f->server,
	        .zone = "example.test",
	        .key = key,
	        .timeout_ms = 2000};
	f->calls = 0;
	assert_int_equal(act_ddns_new(&options, &act, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, f, &err), RESULT_OK);
	assert_int_equal(f->calls, 0);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->calls, 1);
	act_free(act);
	return f->outcome.word;
}

static void unsigned_is_believed_only_where_nothing_is_signed(void **state)
{
	struct fixture *f = *state;
	f->manner = UNSIGNED;
	assert_int_equal(update(f, NULL), ACT_DONE);
	assert_int_equal(update(f, KEY), ACT_UNKNOWN); // NOERROR from anybody
	f->rcode = DNS_RCODE_REFUSED;
	assert_int_equal(update(f, NULL), ACT_REFUSED);
	assert_int_equal(update(f, KEY), ACT_REFUSED);
	f->rcode = DNS_RCODE_SERVFAIL;
	assert_int_equal(update(f, NULL), ACT_UNKNOWN);
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
	f->rcode = DNS_RCODE_NXRRSET;
	assert_int_equal(update(f, NULL), ACT_REFUSED);
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
}

static void a_wrong_mac_is_unknown(void **state)
{
	struct fixture *f = *state;
	f->manner = WRONG_MAC;
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
}

static void damage_is_unknown(void **state)
{
	struct fixture *f = *state;
	f->manner = CUT;
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
	f->manner = OTHER_ID;
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
}

static void silence_is_unknown(void **state)
{
	struct fixture *f = *state;
	f->manner = MUTE;
	int64_t before_ms = loop_now_ms(f->loop);
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
	assert_true(loop_now_ms(f->loop) - before_ms <= 2100);
	assert_int_equal(f->requests, 1); // never twice by itself
	f->manner = CLOSE;
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
	sim_host_remove(f->sim, &f->server);
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
	sim_host_set(f->sim, &f->server, &(struct sim_host){.udp = SIM_REFUSE, .tcp = SIM_REFUSE});
	assert_int_equal(update(f, KEY), ACT_UNKNOWN);
}

static void the_message_is_what_was_asked_for(void **state)
{
	struct fixture *f = *state;
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	struct dns_message m;
	struct error err;
	f->manner = UNSIGNED;
	update(f, KEY);
	assert_int_equal(
	        dns_message_parse(arena, f->request, f->request_octets, &m, &err), RESULT_OK);
	assert_int_equal(m.opcode, 5);
	assert_int_equal(m.question_type, DNS_TYPE_SOA);
	assert_true(m.has_tsig);
	assert_int_equal(m.section[DNS_ANSWER].count, 0);
	assert_int_equal(m.section[DNS_AUTHORITY].count, 1);
	const struct dns_rrset *set = &m.section[DNS_AUTHORITY].rrset[0];
	assert_int_equal(set->type, DNS_TYPE_A);
	assert_int_equal(set->ttl_s, 60);
	assert_int_equal(set->rdata[0].octets[3], 7);
	arena_free(arena);
}

static void freed_while_under_way(void **state)
{
	struct fixture *f = *state;
	static const char *const text[] = {"192.0.2.7"};
	struct act_operation operation = {.kind = ACT_ADD,
	        .name = "www.example.test.",
	        .type = DNS_TYPE_A,
	        .count = 1,
	        .records = text};
	struct act_request request = {.count = 1, .operations = &operation};
	struct act_ddns options = {.loop = f->loop,
	        .engine = f->engine,
	        .random = *sim_random(f->sim),
	        .server = f->server,
	        .zone = "example.test"};
	struct error err;
	struct act *act;
	assert_int_equal(act_ddns_new(&options, &act, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, f, &err), RESULT_OK);
	assert_int_equal(act_submit(act, &request, ended, f, &err), RESULT_OK);
	act_free(act);
	loop_run(f->loop, TIME_NEVER_MS);
	assert_int_equal(f->calls, 0);
}

static void a_description_has_no_secret(void **state)
{
	struct fixture *f = *state;
	static const char *const text[] = {"192.0.2.7"};
	struct act_operation operation = {.kind = ACT_REMOVE,
	        .name = "www.example.test.",
	        .type = DNS_TYPE_A,
	        .count = 1,
	        .records = text};
	struct act_request request = {.count = 1, .operations = &operation};
	struct act_ddns options = {.loop = f->loop,
	        .engine = f->engine,
	        .random = *sim_random(f->sim),
	        .server = f->server,
	        .zone = "example.test",
	        .key = KEY};
	struct error err;
	struct act *act;
	json_t *json;
	assert_int_equal(act_ddns_new(&options, &act, &err), RESULT_OK);
	assert_int_equal(act_describe(act, &request, &json, &err), RESULT_OK);
	char *all = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
	assert_non_null(strstr(all, "\"by\":\"ddns\""));
	assert_non_null(strstr(all, "\"key\":\"k.\""));
	assert_non_null(strstr(all, "\"kind\":\"remove\""));
	assert_null(strstr(all, "c2VjcmV0"));
	free(all);
	json_decref(json);
	act_free(act);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(unsigned_is_believed_only_where_nothing_is_signed),
	        TEST(a_wrong_mac_is_unknown),
	        TEST(damage_is_unknown),
	        TEST(silence_is_unknown),
	        TEST(the_message_is_what_was_asked_for),
	        TEST(freed_while_under_way),
	        TEST(a_description_has_no_secret),
	};
	return cmocka_run_group_tests_name("act ddns", tests, NULL, NULL);
}
