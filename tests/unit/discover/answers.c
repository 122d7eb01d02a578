#include "answers.h"

#include <stdlib.h>
#include <string.h>

#include "dns/message.h"
#include "dns/rdata.h"

struct writer {
	uint8_t data[60000];
	size_t n;
};

static void put(struct writer *w, const void *data, size_t n)
{
	if (w->n + n > sizeof w->data)
		abort();
	memcpy(w->data + w->n, data, n);
	w->n += n;
}

static void put_number(struct writer *w, uint64_t number, size_t octets)
{
	for (size_t i = octets; i-- > 0;) {
		uint8_t octet = (uint8_t)(number >> 8 * i);
		put(w, &octet, 1);
	}
}

static void put_record(struct writer *w, struct arena *arena, const char *text)
{
	struct dns_record r;
	struct error err = {0};
	if (dns_record_parse(arena, text, NULL, &r, &err) != RESULT_OK)
		abort();
	put(w, r.owner, dns_name_length(r.owner));
	put_number(w, r.type, 2);
	put_number(w, r.rclass, 2);
	put_number(w, r.ttl_s, 4);
	put_number(w, r.rdata.length, 2);
	put(w, r.rdata.octets, r.rdata.length);
}

static void put_records(struct writer *w, const char *texts, size_t count_at)
{
	struct arena *arena = arena_new(8 << 20);
	size_t count = 0;
	while (texts != NULL && *texts != '\0') {
		size_t n = strcspn(texts, "|");
		put_record(w, arena, arena_strndup(arena, texts, n));
		texts += n + (texts[n] == '|');
		count++;
	}
	w->data[count_at] = (uint8_t)(count >> 8);
	w->data[count_at + 1] = (uint8_t)count;
	arena_free(arena);
}

static bool has(const struct rule *rule, const char *word)
{
	return rule->how != NULL && strstr(rule->how, word) != NULL;
}

static size_t question_end(const struct sim_request *request)
{
	size_t at = 12;
	while (at < request->octets && request->data[at] != 0)
		at += 1u + request->data[at];
	return at + 5;
}

// The query engine asks with EDNS: answers up to what fits go over UDP, larger ones over TCP.
void host_say(const struct sim_request *request, const struct rule *rule)
{
	struct writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		abort();
	put(w, request->data, question_end(request));
	memset(w->data + 6, 0, 6);
	w->data[2] = (uint8_t)(0x80 | (request->data[2] & 1) | (has(rule, "aa") ? 4 : 0));
	w->data[3] = has(rule, "nxdomain")   ? 3
	             : has(rule, "servfail") ? 2
	             : has(rule, "refused")  ? 5
	                                     : 0;
	put_records(w, rule->answer, 6);
	put_records(w, rule->authority, 8);
	put_records(w, rule->additional, 10);
	if (has(rule, "cut"))
		w->n -= 3;
	if (request->transport == SIM_UDP && w->n > 1232) {
		w->data[2] |= 2;
		memset(w->data + 6, 0, 6);
		w->n = question_end(request);
	}
	sim_reply(request, &(struct sim_reply){.data = w->data, .octets = w->n});
	free(w);
}

// Before the true answer comes a forged one, from another address and with another ID, which says
// that everything is at an address of the forger's.
static void forge(const struct sim_request *request)
{
	uint8_t reply[600];
	size_t n = question_end(request);
	static const uint8_t record[] = {
	        0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, 6, 4, 'e', 'v', 'i', 'l', 0};
	struct address from = request->to;
	memcpy(reply, request->data, n);
	memset(reply + 6, 0, 6);
	reply[2] = 0x84;
	reply[3] = 0;
	reply[7] = 1;
	memcpy(reply + n, record, sizeof record);
	n += sizeof record;
	from.octets[3] ^= 1;
	sim_reply(request, &(struct sim_reply){.data = reply, .octets = n, .from = &from});
	reply[0] ^= 0x55;
	sim_reply(request, &(struct sim_reply){.data = reply, .octets = n});
}

static bool matches(const struct rule *rule, const uint8_t *name, uint16_t type)
{
	struct dns_name rule_name;
	uint16_t rule_type;
	if (strcmp(rule->name, "*") != 0 &&
	        (dns_name_parse(rule->name, &rule_name, NULL) != RESULT_OK ||
	                !dns_name_equal(rule_name.wire, name)))
		return false;
	return strcmp(rule->type, "*") == 0 ||
	       (dns_type_parse(rule->type, &rule_type, NULL) == RESULT_OK && rule_type == type);
}

static const struct rule *find(const struct host *host, const struct sim_request *request)
{
	size_t end = question_end(request);
	const uint8_t *name = request->data + 12;
	uint16_t type = (uint16_t)(request->data[end - 4] << 8 | request->data[end - 3]);
	for (; host != NULL; host = host->or)
		for (size_t i = 0; i < RULES && host->rules[i].name != NULL; i++)
			if (matches(&host->rules[i], name, type))
				return &host->rules[i];
	return NULL;
}

static void answer(void *ctx, const struct sim_request *request)
{
	struct host *host = ctx;
	static const struct rule refused = {.how = "refused"};
	struct dns_name name;
	size_t length;
	host->asked++;
	// Requests may be damaged, too.
	if (request->octets < 12 ||
	        dns_name_check(request->data + 12, request->octets - 12, &name, &length, NULL) !=
	                RESULT_OK ||
	        12 + length + 4 > request->octets)
		return;
	if (host->before != NULL && host->before(host, request))
		return;
	const struct rule *rule = find(host, request);
	if (rule == NULL)
		rule = &refused;
	if (has(rule, "silent"))
		return;
	if (has(rule, "forged"))
		forge(request);
	host_say(request, rule);
}

struct address address_of(const char *text)
{
	struct address address;
	if (address_parse(text, 53, &address, NULL) != RESULT_OK)
		abort();
	return address;
}

void host_put_behind(
        struct sim *sim, const char *address, struct host *host, const struct sim_link *link)
{
	struct address at = address_of(address);
	sim_host_set(sim, &at, &(struct sim_host){.request = answer, .ctx = host, .link = *link});
}

void host_put(struct sim *sim, const char *address, struct host *host)
{
	host_put_behind(sim, address, host, &(struct sim_link){.delay_ms = 3});
}

void host_first(struct host *host, struct rule rule)
{
	memmove(&host->rules[1], &host->rules[0], (RULES - 1) * sizeof host->rules[0]);
	host->rules[0] = rule;
}
