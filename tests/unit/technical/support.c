#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rdata.h"

#define ZONE  "example.test."
#define NOW_S INT64_C(1800000000)

struct address world_address(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, 53, &address, NULL), RESULT_OK);
	return address;
}

const struct prefix_table *world_table(struct world *w, const char *text)
{
	const struct prefix_table *table;
	struct error err = {0};
	if (prefix_table_parse(w->arena, "table", text, strlen(text), PREFIX_MAY_LACK_LABEL, &table,
	            &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return table;
}

// ---- Answers --------------------------------------------------------------------------------

static size_t query_of(
        const struct technical_facts *facts, enum technical_question question, uint8_t *out)
{
	static const uint8_t types[TECHNICAL_QUESTIONS] = {DNS_TYPE_SOA, DNS_TYPE_SOA, DNS_TYPE_NS,
	        DNS_TYPE_DNSKEY, DNS_TYPE_CDS, DNS_TYPE_A, DNS_TYPE_NS};
	static const uint8_t head[12] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1},
	                     opt[11] = {0, 0, DNS_TYPE_OPT, 0x10, 0, 0, 0, 0x80, 0, 0, 0};
	struct dns_name foreign;
	assert_int_equal(dns_name_parse("iana.org.", &foreign, NULL), RESULT_OK);
	const uint8_t *name = question == TECHNICAL_ABSENT    ? facts->absent.wire
	                      : question == TECHNICAL_FOREIGN ? foreign.wire
	                                                      : facts->zone.wire;
	size_t n = sizeof head, length = dns_name_length(name);
	memcpy(out, head, n);
	memcpy(out + n, name, length);
	n += length;
	memcpy(out + n, (const uint8_t[]){0, types[question], 0, DNS_CLASS_IN}, 4);
	memcpy(out + n + 4, opt, sizeof opt);
	return n + 4 + sizeof opt;
}

void world_answer_one(struct world *w, struct technical_address *address,
        enum technical_question question, const struct simversion *version)
{
	uint8_t query[400], reply[SIMZONE_MESSAGE];
	struct dns_message asked, *message = arena_alloc(w->arena, sizeof *message);
	size_t n = query_of(&w->facts, question, query);
	assert_non_null(message);
	assert_int_equal(dns_message_parse(w->arena, query, n, &asked, NULL), RESULT_OK);
	n = simzone_answer(w->zone, version, &asked, query, NOW_S, true, reply);
	assert_int_equal(dns_message_parse(w->arena, reply, n, message, NULL), RESULT_OK);
	address->answer[question] = (struct technical_answer){
	        .asked = true, .status = QUERY_ANSWERED, .message = message};
}

void world_answer(
        struct world *w, struct technical_address *address, const struct simversion *version)
{
	for (int q = 0; q < TECHNICAL_QUESTIONS; q++)
		world_answer_one(w, address, (enum technical_question)q, version);
}

struct dns_message *world_message(
        struct world *w, int server, int address, enum technical_question question)
{
	struct technical_answer *answer = &w->address[server][address].answer[question];
	struct dns_message *copy = arena_memdup(w->arena, answer->message, sizeof *copy);
	assert_non_null(copy);
	answer->message = copy;
	return copy;
}

void world_add(
        struct world *w, struct dns_message *message, enum dns_section section, const char *record)
{
	size_t count = message->section[section].count;
	struct dns_rrset *sets = arena_array(w->arena, count + 1, sizeof *sets);
	struct dns_record *parsed = arena_alloc(w->arena, sizeof *parsed);
	assert_true(sets != NULL && parsed != NULL);
	assert_int_equal(dns_record_parse(w->arena, record, NULL, parsed, NULL), RESULT_OK);
	if (count > 0)
		memcpy(sets, message->section[section].rrset, count * sizeof *sets);
	sets[count] = (struct dns_rrset){.owner = parsed->owner,
	        .type = parsed->type,
	        .rclass = DNS_CLASS_IN,
	        .count = 1,
	        .rdata = &parsed->rdata};
	message->section[section].rrset = sets;
	message->section[section].count = count + 1;
}

struct simversion *world_serial(struct world *w, uint32_t serial)
{
	char text[100];
	struct simversion *version = simversion_copy(w->zone, w->version);
	snprintf(text, sizeof text, "ns1.example.test. h.example.test. %u 3600 600 864000 300",
	        (unsigned)serial);
	simversion_put(w->zone, version, ZONE, DNS_TYPE_SOA, 300, (const char *[]){text}, 1);
	return version;
}

void world_ds(struct world *w, int key, uint8_t digest_type)
{
	assert_int_equal(
	        dns_ds_from_key(simkey_dns(w->key[key]), digest_type, &w->facts.ds[0], NULL),
	        RESULT_OK);
	w->facts.ds_count = 1;
	w->facts.ds_known = true;
}

// ---- The world ------------------------------------------------------------------------------

static void make_zone(struct world *w)
{
	static const char *const labels[WORLD_KEYS] = {"ksk", "zsk", "standby"};
	for (int i = 0; i < WORLD_KEYS; i++)
		w->key[i] = simkey_new(w->facts.zone.wire,
		        DNS_KEY_ZONE | (i == WORLD_ZSK ? 0 : DNS_KEY_SEP), labels[i]);
	w->zone = simzone_new(w->arena, ZONE, NULL, w->key, WORLD_KEYS);
	w->version = simversion_new(w->zone);
	w->version->dnskey_signers = 1 << WORLD_KSK;
	w->version->data_signers = 1 << WORLD_ZSK;
	simversion_put_keys(w->zone, w->version, 3600, 1 << WORLD_KSK | 1 << WORLD_ZSK);
	simversion_put(w->zone, w->version, ZONE, DNS_TYPE_NS, 3600,
	        (const char *[]){"ns1.example.test.", "ns2.other.test."}, 2);
	w->version = world_serial(w, 1000);
}

static void make_server(
        struct world *w, int number, const char *name, const char *v4, const char *v6)
{
	struct technical_server *s = &w->server[number];
	struct dns_name parsed;
	assert_int_equal(dns_name_parse(name, &parsed, NULL), RESULT_OK);
	dns_name_lower(&s->name, parsed.wire);
	s->listed = (struct technical_addresses){2, {world_address(v4), world_address(v6)}};
	s->address = w->address[number];
	s->address_count = ADDRESSES;
	for (int a = 0; a < ADDRESSES; a++) {
		w->address[number][a].at = s->listed.address[a];
		world_answer(w, &w->address[number][a], w->version);
	}
	s->looked_up =
	        (struct technical_said){world_address("198.51.100.53"), true, true, s->listed};
}

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->arena = arena_new(64u << 20);
	assert_non_null(w->arena);
	assert_int_equal(dns_name_parse(ZONE, &w->facts.zone, NULL), RESULT_OK);
	assert_int_equal(dns_name_parse("test.", &w->facts.parent, NULL), RESULT_OK);
	assert_int_equal(dns_name_parse("nowhere." ZONE, &w->facts.absent, NULL), RESULT_OK);
	w->facts.now_s = NOW_S;
	make_zone(w);
	make_server(w, 0, "ns1.example.test.", "192.0.2.1", "2001:db8:1::1");
	make_server(w, 1, "ns2.other.test.", "198.51.100.2", "2001:db8:2::2");
	w->server[0].said_count = 1;
	w->server[0].said =
	        arena_memdup(w->arena, &w->server[0].looked_up, sizeof w->server[0].said[0]);
	w->server[0].said[0].by = world_address("198.51.100.2");
	w->facts.server = w->server;
	w->facts.server_count = SERVERS;
	w->facts.servers_given = true;
	w->facts.present = w->present;
	w->facts.present_count = 1;
	w->present[0].address = &w->present_address;
	w->present[0].address_count = 1;
	w->present_address.at = world_address("203.0.113.9");
	world_answer_one(w, &w->present_address, TECHNICAL_SOA, w->version);
	world_ds(w, WORLD_KSK, DNS_DIGEST_SHA256);
	w->rules =
	        (struct technical_rules){.prohibited = world_table(w, "10.0.0.0/8 private use\n"),
	                .networks = world_table(w, "192.0.2.0/24 one\n198.51.100.0/24 two\n"
	                                           "2001:db8:1::/48 one\n2001:db8:2::/48 two\n"),
	                .head_room_s = 7 * 86400,
	                .serial_tolerance = 10};
	return w;
}

void world_free(struct world *w)
{
	for (int i = 0; i < WORLD_KEYS; i++)
		simkey_free(w->key[i]);
	arena_free(w->arena);
	free(w);
}

// ---- Judgement ------------------------------------------------------------------------------

struct technical_result world_judge(struct world *w, const char *check, const char *waiver)
{
	struct technical_result result;
	struct error err = {0};
	const struct technical_check *found = technical_check_find(check);
	assert_non_null(found);
	if (technical_judge(w->arena, found, &w->facts, &w->rules, waiver, &result, &err) !=
	        RESULT_OK)
		fail_msg("%s", err.text);
	return result;
}

void expect(struct world *w, const char *check, enum technical_verdict verdict, const char *text)
{
	struct technical_result r = world_judge(w, check, NULL);
	if (r.verdict != verdict || strstr(r.text, text) == NULL)
		fail_msg("%s: %s: %s; expected %s: %s", check, technical_verdict_text(r.verdict),
		        r.text, technical_verdict_text(verdict), text);
	assert_int_equal(r.finding_count > 0, verdict >= TECHNICAL_WARN);
}
