// Transfers from a simulated server that signs as RFC 8945 5.3.1 has it, by code of its own: what
// is taken, and everything that is not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/hmac.h>

#include "dns/rdata.h"
#include "net/sim.h"
#include "zone/compare.h"
#include "zone/read.h"
#include "zone/transfer.h"

#define NOW_MS  (1700000000 * SECOND_MS)
#define KEY     "hmac-sha256:k:c2VjcmV0"
#define SECRET  "secret"
#define RECORDS 40

struct server {
	unsigned each;       // records in a message
	unsigned sign_every; // 0: never; the last one is signed anyway
	bool last_unsigned;
	unsigned damage; // message whose octet is changed after signing, counted from 1
	int64_t skew_s;
	uint8_t rcode;
	unsigned stop_after; // messages; the stream ends then
	unsigned stall_after;
	bool other_soa, no_soa, more, other_id, other_zone, other_class;
	size_t chunk;
	const char *const *script; // records instead of the usual ones, ended by NULL
	struct zone_transfer t;
	struct zone *zone;
	struct error err;
	// of the answer
	uint8_t mac[32], covered[1 << 20];
	size_t covered_length;
	unsigned messages;
	bool first_signed;
};

static size_t put_u16(uint8_t *at, unsigned n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
	return 2;
}

static void cover(struct server *s, const void *octets, size_t n)
{
	assert_true(n <= sizeof s->covered - s->covered_length);
	memcpy(s->covered + s->covered_length, octets, n);
	s->covered_length += n;
}

static size_t put_record(uint8_t *at, const char *text)
{
	struct arena *arena = arena_new(1 << 20);
	struct dns_record r;
	struct error err = {0};
	if (dns_record_parse(arena, text, NULL, &r, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	size_t n = dns_name_length(r.owner);
	memcpy(at, r.owner, n);
	n += put_u16(at + n, r.type);
	n += put_u16(at + n, r.rclass);
	n += put_u16(at + n, r.ttl_s >> 16);
	n += put_u16(at + n, r.ttl_s & 0xffff);
	n += put_u16(at + n, r.rdata.length);
	memcpy(at + n, r.rdata.octets, r.rdata.length);
	n += r.rdata.length;
	arena_free(arena);
	return n;
}

// Appends the TSIG record; the names are "k." and "hmac-sha256.".
static size_t sign(struct server *s, uint8_t *wire, size_t n)
{
	static const uint8_t owner[] = "\1k", algorithm[] = "\13hmac-sha256";
	uint8_t timers[8] = {0}, mac[32];
	int64_t at = NOW_MS / 1000 + s->skew_s;
	put_u16(timers, (unsigned)(at >> 32));
	put_u16(timers + 2, (unsigned)(at >> 16) & 0xffff);
	put_u16(timers + 4, (unsigned)at & 0xffff);
	put_u16(timers + 6, 300);
	cover(s, wire, n);
	if (!s->first_signed) {
		cover(s, owner, sizeof owner);
		cover(s, "\0\377\0\0\0\0", 6); // class ANY, TTL 0
		cover(s, algorithm, sizeof algorithm);
	}
	cover(s, timers, sizeof timers);
	if (!s->first_signed)
		cover(s, "\0\0\0\0", 4); // error, other length
	HMAC(EVP_sha256(), SECRET, strlen(SECRET), s->covered, s->covered_length, mac, NULL);
	s->first_signed = true;
	s->covered_length = 0;
	cover(s, "\0\40", 2);
	cover(s, mac, sizeof mac);

	uint8_t *at_record = wire + n;
	memcpy(at_record, owner, sizeof owner);
	at_record += sizeof owner;
	memcpy(at_record, "\0\372\0\377\0\0\0\0", 8);
	at_record += 8;
	at_record += put_u16(at_record, sizeof algorithm + sizeof timers + 2 + sizeof mac + 6);
	memcpy(at_record, algorithm, sizeof algorithm);
	at_record += sizeof algorithm;
	memcpy(at_record, timers, sizeof timers);
	at_record += sizeof timers;
	at_record += put_u16(at_record, sizeof mac);
	memcpy(at_record, mac, sizeof mac);
	at_record += sizeof mac;
	memcpy(at_record, wire, 2); // original ID
	memset(at_record + 2, 0, 4);
	wire[11]++; // ARCOUNT
	return (size_t)(at_record + 6 - wire);
}

static void record_text(const struct server *s, unsigned i, char text[static 200])
{
	if (s->script != NULL)
		snprintf(text, 200, "%s", s->script[i]);
	else if (i == 0 && s->no_soa)
		snprintf(text, 200, "example. 60 NS ns1.example.");
	else if (i == 0 || i == RECORDS - 1)
		snprintf(text, 200, "%s 3600 SOA ns1.example. a.example. %u 1 2 3 4",
		        s->other_zone ? "example.net." : "example.",
		        i > 0 && s->other_soa ? 8u : 7u);
	else if (i < RECORDS)
		snprintf(text, 200, "d%u.example. %u NS ns%u.example.", i / 2, 60 + i, i);
	else
		snprintf(text, 200, "late.example. 60 A 192.0.2.1");
}

static void send_message(
        struct server *s, const struct sim_request *request, unsigned from, unsigned to, bool last)
{
	uint8_t wire[8192] = {0};
	memcpy(wire, request->data, 2);
	wire[0] ^= s->other_id;
	wire[2] = 0x84;
	wire[3] = s->rcode;
	size_t n = 12;
	if (from == 0) { // only the first message repeats the question
		wire[5] = 1;
		static const uint8_t question[] = "\7EXAMPLE\0\0\374\0"; // and 1
		memcpy(wire + n, question, sizeof question);
		n += sizeof question;
		wire[n - 1] = 1;
		wire[n - 3] = s->t.base != NULL ? DNS_TYPE_IXFR : DNS_TYPE_AXFR;
	}
	if (s->rcode == 0)
		put_u16(wire + 6, to - from);
	for (unsigned i = from; i < to && s->rcode == 0; i++) {
		char text[200];
		record_text(s, i, text);
		n += put_record(wire + n, text);
		if (i == 0 && s->other_class)
			wire[12 + 13 + sizeof "\7example" + 3] = 3; // CH
	}
	s->messages++;
	bool is_signed = s->sign_every > 0 && ((s->messages - 1) % s->sign_every == 0 || last);
	if (is_signed && !(last && s->last_unsigned))
		n = sign(s, wire, n);
	else
		cover(s, wire, n);
	if (s->damage == s->messages)
		wire[n / 2] ^= 1;
	bool stops = s->stop_after == s->messages;
	sim_reply(request, &(struct sim_reply){.data = wire,
	                           .octets = n,
	                           .direct = true,
	                           .delay_ms = 10 * s->messages,
	                           .chunk = s->chunk,
	                           .then = stops ? SIM_END : SIM_KEEP});
}

static void answer(void *ctx, const struct sim_request *request)
{
	struct server *s = ctx;
	unsigned total = RECORDS + s->more;
	for (total = s->script != NULL ? 0 : total; s->script != NULL && s->script[total] != NULL;)
		total++;
	assert_int_equal(request->data[11], s->t.key != NULL); // ARCOUNT
	if (s->t.key != NULL) {
		cover(s, "\0\40", 2);
		cover(s, request->data + request->octets - 6 - 32, 32); // the request's MAC
	}
	for (unsigned from = 0; from < total; from += s->each) {
		unsigned to = from + s->each < total ? from + s->each : total;
		send_message(s, request, from, to, to == total);
		if (s->rcode != 0 || s->messages == s->stop_after || s->messages == s->stall_after)
			return;
	}
}

static enum result run(struct server *s, bool with_key)
{
	struct dns_tsig_key *key = NULL;
	struct sim *sim = sim_new(1, NOW_MS);
	if (with_key)
		assert_int_equal(dns_tsig_key_parse(KEY, &key, NULL), RESULT_OK);
	assert_int_equal(zone_transfer_parse(s->t.base != NULL ? "ixfr://192.0.2.1/example"
	                                                       : "axfr://192.0.2.1/example",
	                         &s->t, NULL),
	        RESULT_OK);
	assert_int_equal(s->t.incremental, s->t.base != NULL);
	s->t.loop = sim_loop(sim);
	s->t.random = *sim_random(sim);
	s->t.key = key;
	sim_host_set(sim, &s->t.server, &(struct sim_host){.request = answer, .ctx = s});
	enum result result = zone_transfer(&s->t, &s->zone, &s->err);
	dns_tsig_key_free(key);
	sim_free(sim);
	return result;
}

static void expect_zone(struct server *s, bool with_key)
{
	if (run(s, with_key) != RESULT_OK)
		fail_msg("%s", s->err.text);
	assert_int_equal(zone_record_count(s->zone), RECORDS - 1);
	assert_int_equal(zone_node_count(s->zone), 1 + RECORDS / 2);
	const struct zone_node *node = zone_node_at(s->zone, 3);
	assert_memory_equal(node->owner, "\3d10\7example", 13);
	assert_int_equal(zone_node_set(s->zone, node, 0)->ttl_s, 60 + 20);
	assert_int_equal(zone_node_set(s->zone, node, 0)->ttl_max_s, 60 + 21);
	assert_string_equal(zone_source(s->zone), "axfr://192.0.2.1/example.");
	zone_free(s->zone);
	free(s);
}

static void expect_refused(struct server *s, bool with_key, enum result code, const char *text)
{
	char whole[300];
	enum result result = run(s, with_key);
	snprintf(whole, sizeof whole, "axfr://192.0.2.1/example.%s", text);
	assert_string_equal(s->err.text, whole);
	assert_int_equal(result, code);
	assert_null(s->zone);
	free(s);
}

static struct server *server(unsigned each, unsigned sign_every)
{
	struct server *s = calloc(1, sizeof *s);
	s->each = each;
	s->sign_every = sign_every;
	return s;
}

static void test_transfers(void **state)
{
	(void)state;
	expect_zone(server(RECORDS, 0), false);
	expect_zone(server(1, 0), false);
	expect_zone(server(RECORDS, 1), true);
	expect_zone(server(1, 1), true);
	expect_zone(server(3, 5), true); // unsigned messages between signed ones
	expect_zone(server(1, 100), true);
	struct server *s = server(7, 2);
	s->chunk = 1;
	expect_zone(s, true);
}

static void test_signatures(void **state)
{
	(void)state;
	// A changed octet in the first, a later, an unsigned and the last message.
	for (unsigned message = 1; message <= RECORDS / 4; message++) {
		struct server *s = server(4, 3);
		s->damage = message;
		enum result result = run(s, true);
		assert_int_not_equal(result, RESULT_OK);
		assert_null(s->zone);
		free(s);
	}
	expect_refused(server(4, 0), true, RESULT_NOT_FOUND, ": the message has no TSIG");
	struct server *s = server(4, 3);
	s->last_unsigned = true;
	expect_refused(
	        s, true, RESULT_NOT_FOUND, ": the last message has no TSIG (RFC 8945 5.3.1)");
	s = server(4, 3);
	s->skew_s = 400;
	expect_refused(s, true, RESULT_TIMEOUT,
	        ": the TSIG was made 400 s after our time, which is more than the allowed 300 s");
}

static void test_what_is_no_transfer(void **state)
{
	(void)state;
	struct server *s = server(4, 1);
	s->rcode = 9;
	expect_refused(s, true, RESULT_REFUSED, ": the server refuses the transfer: NOTAUTH");
	s = server(4, 0);
	s->rcode = 5;
	expect_refused(s, true, RESULT_REFUSED,
	        ": the server refuses the transfer: REFUSED (in an answer without TSIG)");
	s = server(4, 0);
	s->no_soa = true;
	expect_refused(s, false, RESULT_INPUT, ": it does not begin with the zone's SOA record");
	s = server(4, 0);
	s->other_soa = true;
	expect_refused(
	        s, false, RESULT_CORRUPT, ": it begins with one SOA record and ends with another");
	s = server(RECORDS + 1, 0);
	s->more = true;
	expect_refused(
	        s, false, RESULT_INPUT, ": records behind the SOA record that ends a transfer");
	s = server(4, 0);
	s->other_zone = true;
	expect_refused(s, false, RESULT_INPUT, ": a SOA record of another zone");
	s = server(4, 0);
	s->other_class = true;
	expect_refused(s, false, RESULT_INPUT, ": a SOA record of another class than IN");
	s = server(4, 0);
	s->other_id = true;
	expect_refused(s, false, RESULT_INPUT, ": a message that is no answer to the request");
}

#define SOA_TEXT(serial) "example. 60 SOA a.example. b.example. " serial " 1 2 3 4"
#define D_RRSIG(tag)                                                                               \
	"d.example. 60 RRSIG DS 13 2 60 20300101000000 20200101000000 " tag " example. AAAA"

static struct zone *zone_of(const char *text)
{
	struct zone *zone = NULL;
	struct error err = {0};
	if (zone_read_text("base", text, strlen(text), &(struct zone_read_options){0}, &zone,
	            &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return zone;
}

// From version 3 the answer leads to a zone with the records of `expected`, which is NULL where it
// is refused with this sentence.
static void expect_changes(const char *const *script, const char *expected, const char *sentence)
{
	struct zone *base =
	        zone_of(SOA_TEXT("3") "\nexample. 60 NS ns.\n"
	                              "d.example. 60 NS NS.\nd.example. 60 DS 1 13 2 AA\n" D_RRSIG(
	                                      "1") "\ne.example. 60 NS ns.\n");
	for (unsigned each = 1; each < 20; each += 6) {
		struct server *s = server(each, 2);
		s->script = script;
		s->t.base = base;
		enum result result = run(s, true);
		assert_string_equal(s->err.text, expected != NULL ? "" : sentence);
		assert_int_equal(result == RESULT_OK, expected != NULL);
		if (expected != NULL) {
			struct zone *wanted = zone_of(expected);
			struct zone_comparison c;
			assert_int_equal(zone_compare(s->zone, wanted,
			                         &(struct zone_compare_options){0}, &c, NULL),
			        RESULT_OK);
			assert_int_equal(c.added + c.removed + c.apex_added + c.apex_removed, 0);
			assert_int_equal(c.ttl_sets, 0);
			assert_int_equal(zone_record_count(s->zone), zone_record_count(wanted));
			zone_free(wanted);
		}
		zone_free(s->zone);
		free(s);
	}
	zone_free(base);
}

static void test_incremental(void **state)
{
	(void)state;
	// Two versions: a DS is changed, a delegation goes and comes back with another TTL.
	static const char *const changes[] = {SOA_TEXT("5"), SOA_TEXT("3"), "e.example. 60 NS ns.",
	        "d.example. 60 DS 1 13 2 AA", D_RRSIG("1"), SOA_TEXT("4"),
	        "D.example. 60 DS 1 13 2 AB", D_RRSIG("2"), "f.example. 60 NS ns.", SOA_TEXT("4"),
	        "f.example. 60 NS ns.", SOA_TEXT("5"), "e.example. 90 NS Ns.", SOA_TEXT("5"), NULL};
	expect_changes(changes,
	        SOA_TEXT("5") "\nexample. 60 NS ns.\nd.example. 60 NS ns.\n"
	                      "d.example. 60 DS 1 13 2 AB\n" D_RRSIG(
	                              "2") "\ne.example. 90 NS ns.\n",
	        NULL);
	static const char *const nothing[] = {SOA_TEXT("3"), NULL};
	expect_changes(nothing,
	        SOA_TEXT("3") "\nexample. 60 NS ns.\nd.example. 60 NS ns.\n"
	                      "d.example. 60 DS 1 13 2 AA\n" D_RRSIG(
	                              "1") "\ne.example. 60 NS ns.\n",
	        NULL);
	static const char *const whole[] = {
	        SOA_TEXT("9"), "example. 60 NS other.", SOA_TEXT("9"), NULL};
	expect_changes(whole, SOA_TEXT("9") "\nexample. 60 NS other.\n", NULL);
	static const char *const not_there[] = {SOA_TEXT("5"), SOA_TEXT("3"),
	        "e.example. 60 NS other.", SOA_TEXT("5"), SOA_TEXT("5"), NULL};
	expect_changes(not_there, NULL,
	        "ixfr://192.0.2.1/example.: it removes a record that is not there: e.example. NS; "
	        "the base is no earlier version");
	static const char *const other_version[] = {
	        SOA_TEXT("5"), SOA_TEXT("2"), SOA_TEXT("5"), SOA_TEXT("5"), NULL};
	expect_changes(other_version, NULL,
	        "ixfr://192.0.2.1/example.: it removes a record that is not there: example. SOA; "
	        "the base is no earlier version");
}

static void test_interrupted(void **state)
{
	(void)state;
	struct server *s = server(4, 1);
	s->stop_after = 3;
	expect_refused(s, true, RESULT_NETWORK,
	        ": the server ended the connection after 12 records, before the zone's end");
	s = server(4, 1);
	s->stall_after = 3;
	s->t.timeout_ms = 5000;
	expect_refused(s, true, RESULT_TIMEOUT, ": the server was silent for 5s after 12 records");
	s = server(4, 1);
	s->chunk = 1;
	s->t.total_ms = 15;
	expect_refused(s, true, RESULT_TIMEOUT, ": not complete after 15ms and 4 records");
	s = server(4, 0);
	s->t.max_octets = 600;
	expect_refused(s, false, RESULT_LIMIT, ": more than 600 octets");
}

static void test_urls(void **state)
{
	(void)state;
	static const struct {
		const char *url, *server, *source;
	} good[] = {
	        {"axfr://192.0.2.1/Example", "192.0.2.1@53", "axfr://192.0.2.1/example."},
	        {"axfr://192.0.2.1:5353/a.b.", "192.0.2.1@5353", "axfr://192.0.2.1:5353/a.b."},
	        {"axfr://[2001:db8::1]/x", "2001:db8::1@53", "axfr://[2001:db8::1]/x."},
	        {"axfr://[2001:db8::1]:99/x", "2001:db8::1@99", "axfr://[2001:db8::1]:99/x."},
	        {"axfr://2001:db8::1/.", "2001:db8::1@53", "axfr://2001:db8::1/."},
	};
	static const char *const bad[] = {"axfr://", "axfr://192.0.2.1", "axfr:///example",
	        "axfr://ns1.example/example", "axfr://192.0.2.1:0/x", "axfr://192.0.2.1:x/x",
	        "axfr://[2001:db8::1/x", "axfr://[2001:db8::1]x/x", "axfr://[/x", "axfr://]/x",
	        "axfr://192.0.2.1/", "axfr://192.0.2.1/a..b", "axfr://[]/x"};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct zone_transfer t = {0};
		struct error err = {0};
		char text[ADDRESS_TEXT];
		if (zone_transfer_parse(good[i].url, &t, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		assert_string_equal(address_format(&t.server, text), good[i].server);
		assert_string_equal(t.source, good[i].source);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct zone_transfer t = {0};
		struct error err = {0};
		assert_int_equal(zone_transfer_parse(bad[i], &t, &err), RESULT_INPUT);
		assert_non_null(strstr(err.text, bad[i]));
	}
	assert_false(zone_transfer_is_url("example.zone"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_transfers),
	        cmocka_unit_test(test_signatures),
	        cmocka_unit_test(test_what_is_no_transfer),
	        cmocka_unit_test(test_incremental),
	        cmocka_unit_test(test_interrupted),
	        cmocka_unit_test(test_urls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
