#include "simdns.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/rdata.h"
#include "dns/tsig.h"

#define PARENT    "test."
#define ARENA_MAX (256u << 20)
#define SHOWN_MAX 200
#define SECRET    "c2ltdWxhdGVkLXNlY3JldC1vZi1hLXRlc3Q="

const struct simdns_ttls simdns_usual = {.ds_s = 86400,
        .parent_ns_s = 2 * 86400,
        .ns_s = 86400,
        .dnskey_s = 86400,
        .sample_s = 3600,
        .negative_s = 3600,
        .data_s = 2 * 86400};

struct place {
	struct simdns *dns;
	int publisher;
	struct address address;
	bool hold, down, no_tcp, resolves;
	int64_t delay_ms;
	size_t count;
	struct {
		int64_t at_ms;
		struct simversion *version;
	} shown[SHOWN_MAX];
};

struct publisher {
	struct simzone *zone;
	struct simversion *now;
	struct place place[SIMDNS_PLACES];
	struct dns_tsig_key *tsig;
	enum simdns_manner manner;
	unsigned manner_times, updates, changes;
};

struct simdns {
	struct sim *sim;
	struct arena *arena;
	char zone[80]; // its name
	int servers;   // of each publisher
	bool together; // others serve at the same addresses
	struct simdns_ttls ttls;
	struct simkey *parent_key[1], *key[SIMDNS_KEYS];
	struct publisher publisher[SIMDNS_PUBLISHERS];
	void (*changed)(void *ctx, int publisher);
	void *ctx;
};

static void need(bool good)
{
	if (!good)
		abort();
}

static const char *const names[SIMDNS_PUBLISHERS] = {"registry", "losing", "gaining"};

const char *simdns_server(int publisher, int server)
{
	static const char *const servers[SIMDNS_PUBLISHERS][SIMDNS_SERVERS] = {
	        {"ns1.registry.example.", "ns2.registry.example."},
	        {"ns1.losing.example.", "ns2.losing.example."},
	        {"ns1.gaining.example.", "ns2.gaining.example."}};
	return servers[publisher][server];
}

// Places 0 and 1 are the first server, 2 and 3 the second one; the even ones IPv4.
const char *simdns_address(int publisher, int place, char *buf)
{
	snprintf(buf, ADDRESS_TEXT, place % 2 == 0 ? "192.0.2.%d" : "2001:db8::%d",
	        publisher * 10 + place / 2 + 1);
	return buf;
}

const char *simdns_tsig(int publisher)
{
	static const char *const keys[SIMDNS_PUBLISHERS] = {"hmac-sha256:registry-key:" SECRET,
	        "hmac-sha256:losing-key:" SECRET, "hmac-sha256:gaining-key:" SECRET};
	return keys[publisher];
}

const char *simdns_key_text(struct simdns *dns, int key)
{
	return dns_key_text(simkey_dns(dns->key[key]), dns->arena);
}

const char *simdns_anchor(struct simdns *dns)
{
	struct dns_ds ds;
	char text[DNS_DS_TEXT];
	need(dns_ds_from_key(simkey_dns(dns->parent_key[0]), DNS_DIGEST_SHA256, &ds, NULL) ==
	        RESULT_OK);
	return arena_strdup(dns->arena, dns_ds_text(&ds, text));
}

// ---- What is served -------------------------------------------------------------------------

static struct simversion *version_at(const struct place *place, int64_t at_ms)
{
	size_t i = place->count;
	while (i > 1 && place->shown[i - 1].at_ms > at_ms)
		i--;
	return place->shown[i - 1].version;
}

static void place_show(struct place *place, int64_t at_ms, struct simversion *version)
{
	if (place->count > 0 && place->shown[place->count - 1].at_ms > at_ms)
		at_ms = place->shown[place->count - 1].at_ms;
	need(place->count < SHOWN_MAX);
	place->shown[place->count].at_ms = at_ms;
	place->shown[place->count++].version = version;
}

struct simversion *simdns_open(struct simdns *dns, int publisher)
{
	struct publisher *p = &dns->publisher[publisher];
	return simversion_copy(p->zone, p->now);
}

void simdns_close(struct simdns *dns, int publisher, struct simversion *version)
{
	struct publisher *p = &dns->publisher[publisher];
	int64_t now_ms = loop_now_ms(sim_loop(dns->sim));
	p->now = version;
	for (int i = 0; i < SIMDNS_PLACES; i++)
		if (!p->place[i].hold)
			place_show(&p->place[i], now_ms + p->place[i].delay_ms, version);
	sim_note(dns->sim, "%s publishes another version", names[publisher]);
}

void simdns_delay(struct simdns *dns, int publisher, int place, int64_t delay_ms)
{
	dns->publisher[publisher].place[place].delay_ms = delay_ms;
}

void simdns_hold(struct simdns *dns, int publisher, int place, bool hold)
{
	struct place *p = &dns->publisher[publisher].place[place];
	p->hold = hold;
	if (!hold)
		place_show(p, loop_now_ms(sim_loop(dns->sim)), dns->publisher[publisher].now);
}

void simdns_next(struct simdns *dns, int publisher, enum simdns_manner manner, unsigned times)
{
	dns->publisher[publisher].manner = manner;
	dns->publisher[publisher].manner_times = times;
}

void simdns_on_change(struct simdns *dns, void (*changed)(void *ctx, int publisher), void *ctx)
{
	dns->changed = changed;
	dns->ctx = ctx;
}

unsigned simdns_updates(const struct simdns *dns, int publisher)
{
	return dns->publisher[publisher].updates;
}

unsigned simdns_changes(const struct simdns *dns, int publisher)
{
	return dns->publisher[publisher].changes;
}

// ---- Changes by hand ------------------------------------------------------------------------

void simdns_set_keys(struct simdns *dns, int publisher, uint64_t keys)
{
	struct simversion *v = simdns_open(dns, publisher);
	simversion_put_keys(dns->publisher[publisher].zone, v, dns->ttls.dnskey_s, keys);
	simdns_close(dns, publisher, v);
}

static size_t ds_texts(struct simdns *dns, uint64_t keys, const char **texts)
{
	size_t n = 0;
	for (int i = 0; i < SIMDNS_KEYS; i++) {
		struct dns_ds ds;
		char text[DNS_DS_TEXT];
		if ((keys >> i & 1) == 0)
			continue;
		need(dns_ds_from_key(simkey_dns(dns->key[i]), DNS_DIGEST_SHA256, &ds, NULL) ==
		        RESULT_OK);
		texts[n++] = arena_strdup(dns->arena, dns_ds_text(&ds, text));
	}
	return n;
}

void simdns_set_ds(struct simdns *dns, uint64_t keys)
{
	const char *texts[SIMDNS_KEYS];
	struct simversion *v = simdns_open(dns, SIMDNS_PARENT);
	size_t n = ds_texts(dns, keys, texts);
	simversion_put(dns->publisher[SIMDNS_PARENT].zone, v, dns->zone, DNS_TYPE_DS,
	        dns->ttls.ds_s, texts, n);
	simdns_close(dns, SIMDNS_PARENT, v);
}

static size_t ns_texts(const struct simdns *dns, unsigned groups, const char **texts)
{
	size_t n = 0;
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		for (int s = 0; (groups >> p & 1) != 0 && s < dns->servers; s++)
			texts[n++] = simdns_server(p, s);
	return n;
}

static void put_ns(struct simdns *dns, int publisher, struct simversion *v, unsigned groups)
{
	const char *texts[SIMDNS_PUBLISHERS * SIMDNS_SERVERS];
	size_t n = ns_texts(dns, groups, texts);
	simversion_put(dns->publisher[publisher].zone, v, dns->zone, DNS_TYPE_NS,
	        publisher == SIMDNS_PARENT ? dns->ttls.parent_ns_s : dns->ttls.ns_s, texts, n);
}

void simdns_set_ns(struct simdns *dns, int publisher, unsigned groups)
{
	struct simversion *v = simdns_open(dns, publisher);
	put_ns(dns, publisher, v, groups);
	simdns_close(dns, publisher, v);
}

void simdns_add_ns(struct simdns *dns, int publisher, const char *server)
{
	const char *texts[SIMDNS_PUBLISHERS * SIMDNS_SERVERS + 1];
	size_t n = ns_texts(dns, simdns_ns(dns, publisher), texts);
	texts[n++] = server;
	struct simversion *v = simdns_open(dns, publisher);
	simversion_put(dns->publisher[publisher].zone, v, dns->zone, DNS_TYPE_NS,
	        publisher == SIMDNS_PARENT ? dns->ttls.parent_ns_s : dns->ttls.ns_s, texts, n);
	simdns_close(dns, publisher, v);
}

void simdns_set_serving(struct simdns *dns, int publisher, bool serving)
{
	struct simversion *v = simdns_open(dns, publisher);
	v->serving = serving;
	simdns_close(dns, publisher, v);
}

void simdns_set_ttl(struct simdns *dns, int publisher, uint16_t type, uint32_t ttl_s)
{
	struct simversion *v = simdns_open(dns, publisher);
	simversion_set_ttl(dns->publisher[publisher].zone, v, dns->zone, type, ttl_s);
	simdns_close(dns, publisher, v);
}

// ---- What a version means -------------------------------------------------------------------

static uint64_t ds_of(const struct simdns *dns, const struct simversion *v)
{
	const struct simrrset *set =
	        simversion_find(v, dns->publisher[0].zone->child.wire, DNS_TYPE_DS);
	uint64_t keys = 0;
	for (size_t i = 0; set != NULL && i < set->count; i++)
		for (int k = 0; k < SIMDNS_KEYS; k++) {
			struct dns_ds ds;
			need(dns_ds_new(&set->rdata[i], &ds, NULL) == RESULT_OK);
			if (dns_ds_match(&ds, simkey_dns(dns->key[k])) == DNS_DS_MATCHES)
				keys |= UINT64_C(1) << k;
		}
	return keys;
}

static unsigned ns_of(const struct simdns *dns, const struct simversion *v)
{
	const struct simrrset *set =
	        simversion_find(v, dns->publisher[0].zone->child.wire, DNS_TYPE_NS);
	unsigned groups = 0;
	for (size_t i = 0; set != NULL && i < set->count; i++)
		for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
			for (int s = 0; s < SIMDNS_SERVERS; s++) {
				struct dns_name name;
				need(dns_name_parse(simdns_server(p, s), &name, NULL) == RESULT_OK);
				if (dns_name_equal(name.wire, set->rdata[i].octets))
					groups |= 1u << p;
			}
	return groups;
}

uint64_t simdns_keys(const struct simdns *dns, int publisher)
{
	uint64_t keys;
	simversion_keys(dns->publisher[publisher].zone, dns->publisher[publisher].now, &keys);
	return keys;
}

uint64_t simdns_ds(const struct simdns *dns)
{
	return ds_of(dns, dns->publisher[SIMDNS_PARENT].now);
}

unsigned simdns_ns(const struct simdns *dns, int publisher)
{
	return ns_of(dns, dns->publisher[publisher].now);
}

bool simdns_serving(const struct simdns *dns, int publisher)
{
	return dns->publisher[publisher].now->serving;
}

// ---- Requests -------------------------------------------------------------------------------

static uint8_t *add(uint8_t *at, const void *octets, size_t n)
{
	memcpy(at, octets, n);
	return at + n;
}

// Signs a response (RFC 8945 5.3), which src/dns never has to do: the MAC covers the request's MAC,
// the response, and the fields of the record.
static size_t tsig_sign(
        int publisher, const struct dns_tsig_mac *request, int64_t now_s, uint8_t *out, size_t n)
{
	static const char secret[] = "simulated-secret-of-a-test";
	static const uint8_t algorithm[] = "\013hmac-sha256";
	struct dns_name name;
	char text[40];
	uint8_t data[SIMZONE_MESSAGE + 600], mac[EVP_MAX_MD_SIZE], *at = data;
	unsigned mac_length;
	snprintf(text, sizeof text, "%s-key.", names[publisher]);
	need(dns_name_parse(text, &name, NULL) == RESULT_OK);
	size_t name_length = dns_name_length(name.wire);
	uint8_t times[8] = {0, 0, (uint8_t)(now_s >> 24), (uint8_t)(now_s >> 16),
	        (uint8_t)(now_s >> 8), (uint8_t)now_s, 1, 44}; // the fudge is 300 s
	at = add(at, (uint8_t[]){0, (uint8_t)request->length}, 2);
	at = add(at, request->octets, request->length);
	at = add(at, out, n);
	at = add(at, name.wire, name_length);
	at = add(at, (uint8_t[]){0, DNS_CLASS_ANY, 0, 0, 0, 0}, 6);
	at = add(at, algorithm, sizeof algorithm);
	at = add(at, times, sizeof times);
	at = add(at, (uint8_t[]){0, 0, 0, 0}, 4); // no error, no other data
	need(HMAC(EVP_sha256(), secret, (int)strlen(secret), data, (size_t)(at - data), mac,
	             &mac_length) != NULL);
	size_t rdata = sizeof algorithm + sizeof times + 2 + mac_length + 6;
	at = add(out + n, name.wire, name_length);
	at = add(at, (uint8_t[]){0, DNS_TYPE_TSIG, 0, DNS_CLASS_ANY, 0, 0, 0, 0, 0, (uint8_t)rdata},
	        10);
	at = add(at, algorithm, sizeof algorithm);
	at = add(at, times, sizeof times);
	at = add(at, (uint8_t[]){0, (uint8_t)mac_length}, 2);
	at = add(at, mac, mac_length);
	at = add(at, (uint8_t[]){out[0], out[1], 0, 0, 0, 0}, 6);
	out[11]++; // one more in the additional section
	return (size_t)(at - out);
}

static int64_t wall_s(const struct simdns *dns)
{
	struct clock clock = loop_clock(sim_loop(dns->sim));
	return clock_now_ms(&clock) / SECOND_MS;
}

static enum simdns_manner manner_now(struct publisher *p)
{
	if (p->manner_times == 0)
		return SIMDNS_OBEY;
	p->manner_times--;
	return p->manner;
}

static void take_update(
        struct place *place, const struct sim_request *request, const struct dns_message *message)
{
	struct simdns *dns = place->dns;
	struct publisher *p = &dns->publisher[place->publisher];
	uint8_t out[SIMZONE_MESSAGE];
	struct dns_tsig_mac mac;
	uint16_t rcode = DNS_RCODE_NOTAUTH;
	bool changed = false;
	if (dns_tsig_verify(p->tsig, request->data, request->octets, message, NULL, wall_s(dns),
	            &mac, NULL) != RESULT_OK) {
		size_t n = simzone_refuse(request->data, request->octets, rcode, out);
		sim_reply(request, &(struct sim_reply){.data = out, .octets = n});
		return;
	}
	enum simdns_manner manner = manner_now(p);
	p->updates++;
	rcode = manner == SIMDNS_REFUSE ? DNS_RCODE_REFUSED : DNS_RCODE_NOERROR;
	if (manner == SIMDNS_OBEY || manner == SIMDNS_LOSE_REPLY) {
		struct simversion *next = simdns_open(dns, place->publisher);
		rcode = simversion_update(p->zone, next, message, &changed);
		if (changed) {
			p->changes++;
			simdns_close(dns, place->publisher, next);
		}
	}
	if (manner != SIMDNS_LOSE_REPLY && manner != SIMDNS_IGNORE) {
		size_t n = simzone_refuse(request->data, request->octets, rcode, out);
		n = tsig_sign(place->publisher, &mac, wall_s(dns), out, n);
		sim_reply(request, &(struct sim_reply){.data = out, .octets = n});
	}
	if (changed && dns->changed != NULL)
		dns->changed(dns->ctx, place->publisher);
}

// Whatever NS set is asked for, it has one record.
static void resolve(const struct sim_request *request)
{
	static const uint8_t record[] = {0xc0, 12, 0, 2, 0, 1, 0, 0, 0, 60, 0, 4, 2, 'n', 's', 0};
	uint8_t out[SIMZONE_MESSAGE];
	size_t n = simzone_refuse(request->data, request->octets, DNS_RCODE_NOERROR, out);
	out[3] |= 0x80; // RA
	out[7] = 1;
	memcpy(out + n, record, sizeof record);
	sim_reply(request, &(struct sim_reply){.data = out, .octets = n + sizeof record});
}

static void take_query(
        struct place *place, const struct sim_request *request, const struct dns_message *message)
{
	struct simdns *dns = place->dns;
	struct publisher *p = &dns->publisher[place->publisher];
	uint8_t out[SIMZONE_MESSAGE];
	if (place->resolves && !dns_name_is_subdomain(message->question_name, p->zone->apex.wire)) {
		resolve(request);
		return;
	}
	struct simversion *version = version_at(place, loop_now_ms(sim_loop(dns->sim)));
	size_t n = simzone_answer(p->zone, version, message, request->data, wall_s(dns),
	        request->transport == SIM_TCP, out);
	sim_reply(request, &(struct sim_reply){.data = out, .octets = n});
}

void simdns_take(struct simdns *dns, int publisher, int number, const struct sim_request *request,
        const struct dns_message *message)
{
	struct place *place = &dns->publisher[publisher].place[number];
	if (place->down)
		return;
	if (message->opcode == 5)
		take_update(place, request, message);
	else
		take_query(place, request, message);
}

static void take(void *ctx, const struct sim_request *request)
{
	struct place *place = ctx;
	struct dns_message message;
	struct arena *arena = arena_new(DNS_MESSAGE_ARENA);
	int number = (int)(place - place->dns->publisher[place->publisher].place);
	need(arena != NULL);
	if (dns_message_parse(arena, request->data, request->octets, &message, NULL) == RESULT_OK &&
	        message.has_question)
		simdns_take(place->dns, place->publisher, number, request, &message);
	arena_free(arena);
}

static void host_set(struct place *place)
{
	struct sim_host host = {.request = take, .ctx = place, .link = {.delay_ms = 20}};
	if (place->dns->together)
		return;
	if (place->no_tcp)
		host.tcp = SIM_REFUSE;
	if (place->down)
		host.udp = host.tcp = SIM_SILENT;
	sim_host_set(place->dns->sim, &place->address, &host);
}

void simdns_no_tcp(struct simdns *dns, int publisher, int place, bool none)
{
	dns->publisher[publisher].place[place].no_tcp = none;
	host_set(&dns->publisher[publisher].place[place]);
}

void simdns_resolves(struct simdns *dns, int publisher, int place, bool resolves)
{
	dns->publisher[publisher].place[place].resolves = resolves;
}

void simdns_down(struct simdns *dns, int publisher, int place, bool down)
{
	dns->publisher[publisher].place[place].down = down;
	host_set(&dns->publisher[publisher].place[place]);
}

// ---- Beginning ------------------------------------------------------------------------------

static void put_soa(
        struct simzone *zone, struct simversion *v, const char *apex, uint32_t negative_s)
{
	char text[200];
	snprintf(text, sizeof text, "ns1.%s hostmaster.%s 1 3600 600 864000 %u", apex, apex,
	        (unsigned)negative_s);
	const char *texts[] = {text};
	simversion_put(zone, v, apex, DNS_TYPE_SOA, negative_s, texts, 1);
}

static void make_parent(struct simdns *dns)
{
	struct publisher *p = &dns->publisher[SIMDNS_PARENT];
	const char *texts[SIMDNS_KEYS];
	p->zone = simzone_new(dns->arena, PARENT, dns->zone, dns->parent_key, 1);
	p->now = simversion_new(p->zone);
	put_soa(p->zone, p->now, PARENT, dns->ttls.negative_s);
	texts[0] = simdns_server(SIMDNS_PARENT, 0);
	texts[1] = simdns_server(SIMDNS_PARENT, 1);
	simversion_put(p->zone, p->now, PARENT, DNS_TYPE_NS, dns->ttls.parent_ns_s, texts,
	        (size_t)dns->servers);
	simversion_put_keys(p->zone, p->now, dns->ttls.dnskey_s, 1);
	p->now->dnskey_signers = p->now->data_signers = 1;
	put_ns(dns, SIMDNS_PARENT, p->now, 1u << SIMDNS_LOSING);
	size_t n = ds_texts(dns, SIMDNS_LOSING_KSK, texts);
	simversion_put(p->zone, p->now, dns->zone, DNS_TYPE_DS, dns->ttls.ds_s, texts, n);
}

static void make_operator(struct simdns *dns, int publisher, uint64_t ksk, uint64_t zsk)
{
	struct publisher *p = &dns->publisher[publisher];
	const char *web[] = {"192.0.2.80"};
	char www[100];
	p->zone = simzone_new(dns->arena, dns->zone, NULL, dns->key, SIMDNS_KEYS);
	p->now = simversion_new(p->zone);
	p->now->data_ttl_s = dns->ttls.data_s;
	put_soa(p->zone, p->now, dns->zone, dns->ttls.negative_s);
	put_ns(dns, publisher, p->now, 1u << publisher);
	simversion_put_keys(p->zone, p->now, dns->ttls.dnskey_s, ksk | zsk);
	p->now->dnskey_signers = ksk;
	p->now->data_signers = zsk;
	snprintf(www, sizeof www, "www.%s", dns->zone);
	simversion_put(p->zone, p->now, www, DNS_TYPE_A, dns->ttls.sample_s, web, 1);
}

static void make_places(struct simdns *dns, int publisher)
{
	struct publisher *p = &dns->publisher[publisher];
	char text[ADDRESS_TEXT];
	need(dns_tsig_key_parse(simdns_tsig(publisher), &p->tsig, NULL) == RESULT_OK);
	for (int i = 0; i < SIMDNS_PLACES; i++) {
		struct place *place = &p->place[i];
		place->dns = dns;
		place->publisher = publisher;
		place->delay_ms = i < 2 ? 0 : (i + publisher) * 5 * MINUTE_MS;
		place_show(place, TIME_EVER_MS, p->now);
		if (i == SIMDNS_GHOST)
			continue;
		simdns_address(publisher, i, text);
		need(address_parse(text, 53, &place->address, NULL) == RESULT_OK);
		host_set(place);
	}
}

struct simdns *simdns_new(struct sim *sim, const struct simdns_ttls *ttls)
{
	return simdns_new_zone(sim, ttls, "example.test.", SIMDNS_SERVERS, false);
}

struct simdns *simdns_new_zone(struct sim *sim, const struct simdns_ttls *ttls, const char *name,
        int servers, bool together)
{
	static const char *const labels[SIMDNS_KEYS] = {
	        "losing ksk", "losing zsk", "gaining ksk", "gaining zsk", "foreign"};
	struct simdns *dns = calloc(1, sizeof *dns);
	struct dns_name zone, parent;
	need(dns != NULL && (dns->arena = arena_new(ARENA_MAX)) != NULL);
	snprintf(dns->zone, sizeof dns->zone, "%s", name);
	dns->servers = servers;
	dns->together = together;
	need(dns_name_parse(dns->zone, &zone, NULL) == RESULT_OK &&
	        dns_name_parse(PARENT, &parent, NULL) == RESULT_OK);
	dns->sim = sim;
	dns->ttls = *ttls;
	for (int i = 0; i < SIMDNS_KEYS; i++)
		dns->key[i] = simkey_new(
		        zone.wire, DNS_KEY_ZONE | (i == 0 || i == 2 ? DNS_KEY_SEP : 0), labels[i]);
	dns->parent_key[0] = simkey_new(parent.wire, DNS_KEY_ZONE | DNS_KEY_SEP, "parent");
	make_parent(dns);
	make_operator(dns, SIMDNS_LOSING, SIMDNS_LOSING_KSK, SIMDNS_LOSING_ZSK);
	make_operator(dns, SIMDNS_GAINING, SIMDNS_GAINING_KSK, SIMDNS_GAINING_ZSK);
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		make_places(dns, p);
	return dns;
}

void simdns_sign_online(struct simdns *dns, int64_t validity_s)
{
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++) {
		dns->publisher[p].zone->period_s = 1;
		dns->publisher[p].zone->validity_s = validity_s;
	}
}

void simdns_count_down(struct simdns *dns, int publisher)
{
	dns->publisher[publisher].zone->counts_down = true;
}

void simdns_free(struct simdns *dns)
{
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		dns_tsig_key_free(dns->publisher[p].tsig);
	for (int i = 0; i < SIMDNS_KEYS; i++)
		simkey_free(dns->key[i]);
	simkey_free(dns->parent_key[0]);
	arena_free(dns->arena);
	free(dns);
}

// ---- Truth ----------------------------------------------------------------------------------

static uint32_t ttl_of(const struct simversion *v, const uint8_t *owner, uint16_t type)
{
	const struct simrrset *set = simversion_find(v, owner, type);
	return set != NULL ? set->ttl_s : 0;
}

// What a version is in the model; keys and DS records have the numbers of the zone's keys.
static struct safety_edition edition_of(
        const struct simdns *dns, int publisher, enum safety_kind kind, const struct simversion *v)
{
	const struct simzone *zone = dns->publisher[publisher].zone;
	const uint8_t *apex = dns->publisher[SIMDNS_PARENT].zone->child.wire;
	struct safety_edition e = {.publisher = (uint8_t)publisher,
	        .kind = (uint8_t)kind,
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = TIME_NEVER_MS};
	switch (kind) {
	case SAFETY_DS:
		e.content = ds_of(dns, v);
		e.ttl_s = e.content != 0 ? ttl_of(v, apex, DNS_TYPE_DS)
		                         : ttl_of(v, zone->apex.wire, DNS_TYPE_SOA);
		break;
	case SAFETY_NS:
		e.content = ns_of(dns, v);
		e.ttl_s = ttl_of(v, apex, DNS_TYPE_NS);
		break;
	case SAFETY_DNSKEY:
		simversion_keys(zone, v, &e.content);
		e.signers = v->dnskey_signers;
		e.ttl_s = ttl_of(v, apex, DNS_TYPE_DNSKEY);
		break;
	case SAFETY_DATA:
		e.content = v->data_signers;
		e.ttl_s = v->data_ttl_s;
		break;
	case SAFETY_SERVING:
	case SAFETY_KINDS:
		e.content = v->serving;
		break;
	}
	return e;
}

static bool same_edition(const struct safety_edition *a, const struct safety_edition *b)
{
	return a->content == b->content && a->signers == b->signers && a->ttl_s == b->ttl_s;
}

struct editions {
	size_t count;
	struct safety_edition list[SIMDNS_PLACES * SHOWN_MAX];
};

// One more interval; those that touch become one.
static void add_interval(struct editions *all, struct safety_edition e)
{
	for (size_t i = 0; i < all->count;) {
		struct safety_edition *other = &all->list[i];
		if (!same_edition(other, &e) || other->from_ms > e.until_ms ||
		        other->until_ms < e.from_ms) {
			i++;
			continue;
		}
		if (other->from_ms < e.from_ms)
			e.from_ms = other->from_ms;
		if (other->until_ms > e.until_ms)
			e.until_ms = other->until_ms;
		*other = all->list[--all->count];
		i = 0;
	}
	all->list[all->count++] = e;
}

static void add_place(const struct simdns *dns, const struct place *place, enum safety_kind kind,
        struct editions *all)
{
	for (size_t i = 0; i < place->count; i++) {
		struct safety_edition e =
		        edition_of(dns, place->publisher, kind, place->shown[i].version);
		e.from_ms = place->shown[i].at_ms;
		e.until_ms = i + 1 < place->count ? place->shown[i + 1].at_ms : TIME_NEVER_MS;
		// What a group that does not serve would serve, nobody gets.
		if (kind != SAFETY_SERVING && place->publisher != SIMDNS_PARENT &&
		        !place->shown[i].version->serving)
			continue;
		if (e.from_ms < e.until_ms)
			add_interval(all, e);
	}
}

static int by_beginning(const void *a, const void *b)
{
	const struct safety_edition *x = a, *y = b;
	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return x->until_ms < y->until_ms ? -1 : x->until_ms > y->until_ms;
}

void simdns_truth(struct simdns *dns, struct safety_history *truth)
{
	struct editions *all = malloc(sizeof *all);
	need(all != NULL);
	safety_history_init(truth);
	need(safety_group_add(truth, "losing", 0) == SIMDNS_LOSING &&
	        safety_group_add(truth, "gaining", 0) == SIMDNS_GAINING);
	static const char *const key_names[SIMDNS_KEYS] = {
	        "losing.ksk", "losing.zsk", "gaining.ksk", "gaining.zsk", "foreign"};
	for (int i = 0; i < SIMDNS_KEYS; i++)
		need(safety_key_add(truth, key_names[i], DNS_ALGORITHM_ECDSAP256SHA256) == i &&
		        safety_ds_add(truth, i, DNS_DIGEST_SHA256) == i);
	for (int p = 0; p < SIMDNS_PUBLISHERS; p++)
		for (int kind = 0; kind < SAFETY_KINDS; kind++) {
			bool has = p == SIMDNS_PARENT ? kind == SAFETY_DS || kind == SAFETY_NS
			                              : kind != SAFETY_DS;
			all->count = 0;
			for (int i = 0; has && i < SIMDNS_PLACES; i++)
				add_place(dns, &dns->publisher[p].place[i], (enum safety_kind)kind,
				        all);
			qsort(all->list, all->count, sizeof *all->list, by_beginning);
			for (size_t i = 0; i < all->count; i++)
				need(safety_observe(truth, &all->list[i]) == RESULT_OK);
		}
	free(all);
}
