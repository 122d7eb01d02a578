// What is to be observed: a zone, its parent's servers, and the groups of name servers that serve
// it or are going to.
//
//     struct observe_subject *s;
//     observe_subject_new("example.test", "test", &s, err);           // publisher 0 is the parent
//     observe_subject_server(s, 0, "ns1.test", &tld_v4, err);
//     int losing, gaining;
//     observe_subject_group(s, "losing", 10 * SECOND_MS, &losing, err);      // declared lag
//     observe_subject_server(s, losing, "ns1.a.example", &a_v4, err);        // once per address
//     observe_subject_group(s, "gaining", 10 * SECOND_MS, &gaining, err);
//     observe_subject_server(s, gaining, "ns1.b.example", &b_v4, err);       // not yet delegated
//     observe_subject_key(s, "losing.zsk", "256 3 13 oJMRESz5E4gY…", err);
//     observe_subject_sample(s, "www.example.test", DNS_TYPE_A, err);
//     s->publishers[losing].data_ttl_s = 3600;                                // declared
//
// What people declare is in here, and nothing of it is checked by looking: lags, the largest TTL of
// the data, a past without changes. What can be looked up is not in here. A subject has one JSON
// form; together with the recorded rounds (round.h) it is all that is needed to rebuild a history.
//
// A subject owns all its memory (observe_subject_free). Observers and views keep a pointer to it
// and read it only: it has to outlive them, and is not changed while they use it. Errors:
// RESULT_INPUT for names, addresses, keys and JSON that are none, RESULT_LIMIT beyond the maxima,
// RESULT_MEMORY.
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "dns/key.h"
#include "net/address.h"
#include "safety/safety.h"

#include <jansson.h>

enum {
	OBSERVE_MAX_SERVERS = 32,   // names in one group
	OBSERVE_MAX_ADDRESSES = 16, // of one name
	OBSERVE_MAX_SAMPLES = 32,
	OBSERVE_MAX_ANCHORS = 16,
};

struct observe_server {
	struct dns_name name; // in lower case
	size_t address_count;
	struct address addresses[OBSERVE_MAX_ADDRESSES];
};

// The parent (number 0) or one group, as in safety.h.
struct observe_publisher {
	char name[SAFETY_NAME];
	int64_t lag_ms; // declared: worst time until a change is on every instance of every address
	// Declared, groups only: the largest TTL in the zone, 0 where nobody knows it.
	uint32_t data_ttl_s;
	// Declared, groups only: when the samples carry new signatures, so does the rest of the
	// zone (the zone is signed as a whole, or the samples are all of it). Otherwise old
	// signatures count as possibly there until the last one that was seen has expired.
	bool samples_complete;
	size_t server_count;
	struct observe_server *servers; // room for OBSERVE_MAX_SERVERS
};

// A key known by name before it is seen.
struct observe_known_key {
	char name[SAFETY_NAME];
	struct dns_key *key;
};

// Asked of every address beside the apex: one RRset whose signatures stand for the zone's data.
struct observe_sample {
	struct dns_name name; // in lower case, inside the zone
	uint16_t type;
};

struct observe_subject {
	struct dns_name zone, parent_zone; // in lower case
	size_t publisher_count;            // the parent and the groups
	struct observe_publisher publishers[SAFETY_MAX_PUBLISHERS];
	size_t key_count;
	struct observe_known_key keys[SAFETY_MAX_KEYS];
	size_t sample_count;
	struct observe_sample samples[OBSERVE_MAX_SAMPLES];
	// The parent's keys are believed only where one of these leads to them; without any, they
	// are believed as served, and a gap says so.
	size_t anchor_count;
	struct dns_ds anchors[OBSERVE_MAX_ANCHORS];
	// Declared: nothing that caches could still hold was changed after this instant and before
	// the first round. TIME_NEVER_MS (the default): nothing is declared.
	int64_t past_since_ms;
	// Rounds further apart than this leave a hole, after which the past is unknown again; a
	// view whose last round is older is too old to act on. Default one hour.
	int64_t max_hole_ms;
	uint32_t ttl_floor_s; // of the resolvers that count (safety.h)
	struct arena *arena;  // private
};

// parent NULL: the zone's name without its first label. The zone is not the root.
enum result observe_subject_new(
        const char *zone, const char *parent, struct observe_subject **subject, struct error *err);
void observe_subject_free(struct observe_subject *subject); // NULL is fine

// *publisher is the new group's number, 1 and up. RESULT_CONFLICT where there is one of that name.
enum result observe_subject_group(struct observe_subject *subject, const char *name, int64_t lag_ms,
        int *publisher, struct error *err);
// Adds a name, an address of a name, or (address NULL) the name alone. What is there already is not
// added twice.
enum result observe_subject_server(struct observe_subject *subject, int publisher, const char *name,
        const struct address *address, struct error *err);
// text: "flags protocol algorithm base64". A key that is there already gets the new name.
enum result observe_subject_key(
        struct observe_subject *subject, const char *name, const char *text, struct error *err);
// RESULT_INPUT for names outside the zone and types that are not data (dns_type_check_data).
enum result observe_subject_sample(
        struct observe_subject *subject, const char *name, uint16_t type, struct error *err);
// text: "tag algorithm digest-type hexadecimal", of a key of the parent zone.
enum result observe_subject_anchor(
        struct observe_subject *subject, const char *text, struct error *err);

// The publisher of that name ("parent" is 0), or -1.
int observe_subject_find(const struct observe_subject *subject, const char *name);

// For how long a record of the publisher that is served with ttl_s is cached: the declared TTL of
// the data and the floor of resolvers count where they are larger. kind: enum safety_kind.
uint32_t observe_subject_ttl_s(
        const struct observe_subject *subject, int publisher, int kind, uint32_t ttl_s);

// A new reference in *json. RESULT_MEMORY.
enum result observe_subject_to_json(
        const struct observe_subject *subject, json_t **json, struct error *err);
// SHA-256 of the canonical JSON: which subject a round belongs to.
enum result observe_subject_hash(
        const struct observe_subject *subject, uint8_t hash[32], struct error *err);
// Everything is checked; unknown members are errors.
enum result observe_subject_from_json(
        const json_t *json, struct observe_subject **subject, struct error *err);
