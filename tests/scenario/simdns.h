// A small simulated DNS: the parent test. and two operators of example.test., each with two servers
// of two addresses, an address that nobody observes (an anycast instance, say), signed zones,
// dynamic update with TSIG at the first server, and propagation to the others. It knows exactly
// what each address served at each instant, and so can tell the safety model the truth.
//
//     struct simdns *dns = simdns_new(sim, &simdns_usual);
//     simdns_delay(dns, SIMDNS_PARENT, 3, 2 * HOUR_MS);
//     … run the code under test on sim_loop(sim) …
//     struct safety_history truth;
//     simdns_truth(dns, &truth);
//     safety_judge(&truth, &safety_all_readers, 0, end_ms, &verdict);
//
// Instants of the truth are those of the loop's monotonic clock. Failures end the program.
#pragma once

#include "dns/message.h"
#include "net/sim.h"
#include "safety/safety.h"
#include "simzone.h"

enum { SIMDNS_PARENT, SIMDNS_LOSING, SIMDNS_GAINING, SIMDNS_PUBLISHERS };
enum { SIMDNS_SERVERS = 2, SIMDNS_ADDRESSES = 4, SIMDNS_PLACES = 5, SIMDNS_GHOST = 4 };

// Bits over the zone's keys.
enum {
	SIMDNS_LOSING_KSK = 1,
	SIMDNS_LOSING_ZSK = 2,
	SIMDNS_GAINING_KSK = 4,
	SIMDNS_GAINING_ZSK = 8,
	SIMDNS_FOREIGN = 16,
	SIMDNS_KEYS = 5,
};

struct simdns_ttls {
	uint32_t ds_s, parent_ns_s, ns_s, dnskey_s, sample_s, negative_s;
	uint32_t data_s; // the largest in the zone
};
extern const struct simdns_ttls simdns_usual; // hours and days

// What a primary does with the next updates.
enum simdns_manner {
	SIMDNS_OBEY,
	SIMDNS_REFUSE,     // REFUSED, and nothing changes
	SIMDNS_LIE,        // NOERROR, and nothing changes
	SIMDNS_LOSE_REPLY, // changes, and the answer is lost
	SIMDNS_IGNORE,     // neither
};

struct simdns;

struct simdns *simdns_new(struct sim *sim, const struct simdns_ttls *ttls);
// Another zone below test., with so many servers of each publisher. together: others serve at the
// same addresses, and whoever listens there hands over what is for this zone.
struct simdns *simdns_new_zone(struct sim *sim, const struct simdns_ttls *ttls, const char *name,
        int servers, bool together);
void simdns_take(struct simdns *dns, int publisher, int place, const struct sim_request *request,
        const struct dns_message *message);
void simdns_free(struct simdns *dns);

// The name of a server, 0 or 1, and the text of one of the SIMDNS_ADDRESSES.
const char *simdns_server(int publisher, int server);
const char *simdns_address(int publisher, int place, char *buf);
const char *simdns_tsig(int publisher); // "hmac-sha256:…"
const char *simdns_key_text(struct simdns *dns, int key);
const char *simdns_anchor(struct simdns *dns); // the DS of the parent's key

// How long an address needs to show what changes from now on. Default: the first server at once,
// the second after some minutes, and the one that nobody sees after `simdns_delay(…, SIMDNS_GHOST,
// …)`.
void simdns_delay(struct simdns *dns, int publisher, int place, int64_t delay_ms);
// The address gets nothing more, until it is let go.
void simdns_hold(struct simdns *dns, int publisher, int place, bool hold);
void simdns_down(struct simdns *dns, int publisher, int place, bool down);
// It answers over UDP only; it resolves other people's names for everybody.
void simdns_no_tcp(struct simdns *dns, int publisher, int place, bool none);
void simdns_resolves(struct simdns *dns, int publisher, int place, bool resolves);
// Every publisher signs each answer anew, for so long.
void simdns_sign_online(struct simdns *dns, int64_t validity_s);
// It answers as a cache does, with TTLs that count down.
void simdns_count_down(struct simdns *dns, int publisher);
void simdns_next(struct simdns *dns, int publisher, enum simdns_manner manner, unsigned times);
// Called when an update has changed something, before the answer goes out.
void simdns_on_change(struct simdns *dns, void (*changed)(void *ctx, int publisher), void *ctx);
// Updates that came with a good signature, and those of them that changed something.
unsigned simdns_updates(const struct simdns *dns, int publisher);
unsigned simdns_changes(const struct simdns *dns, int publisher);

// What a person does by hand. simdns_open() gives a copy of what the publisher serves, to be
// changed; simdns_close() publishes it.
struct simversion *simdns_open(struct simdns *dns, int publisher);
void simdns_close(struct simdns *dns, int publisher, struct simversion *version);
void simdns_set_keys(struct simdns *dns, int publisher, uint64_t keys);
void simdns_set_ds(struct simdns *dns, uint64_t keys);
void simdns_set_ns(struct simdns *dns, int publisher, unsigned groups); // bits over publishers
void simdns_set_serving(struct simdns *dns, int publisher, bool serving);
void simdns_set_ttl(struct simdns *dns, int publisher, uint16_t type, uint32_t ttl_s);
void simdns_add_ns(struct simdns *dns, int publisher, const char *server);

// What is served now, at the primary.
uint64_t simdns_keys(const struct simdns *dns, int publisher);
uint64_t simdns_ds(const struct simdns *dns);
unsigned simdns_ns(const struct simdns *dns, int publisher);
bool simdns_serving(const struct simdns *dns, int publisher);

// Everything that was ever served, by address. The caller frees it.
void simdns_truth(struct simdns *dns, struct safety_history *truth);
