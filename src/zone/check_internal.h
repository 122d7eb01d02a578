// Private to src/zone: what the parts of a check share.
//
// A check is a few phases one after the other, each a number of jobs that threads take: a job is a
// block of nodes next to one another. Jobs of a phase know nothing of each other; what they find
// goes into a list of their own, and is merged under a lock. Findings are in order of node, type,
// phase, and of being found, those about the keys before all others, so that they come out the same
// whoever finds them.
#pragma once

#include "dns/p256.h"
#include "zone/check.h"

#include <pthread.h>

#define BLOCK_NODES 2048 // of one job

enum phase { PHASE_APEX, PHASE_DATA, PHASE_SIGN, PHASE_NSEC, PHASE_NSEC3, PHASE_DIGEST };

struct finding {
	uint32_t node;
	uint16_t type;
	uint8_t phase;
	bool warning;
	uint32_t sequence, line;
	char *text;
};

// The first `limit` findings of one severity, and the number of all.
struct finding_list {
	struct finding *list;
	size_t kept, room, total;
};

struct findings {
	size_t limit;
	enum phase phase;
	uint32_t sequence;
	bool failed; // no memory
	struct finding_list errors, warnings;
};

struct findings findings_init(size_t limit, enum phase phase);
void findings_free(struct findings *findings);
// set may be NULL.
void finding_error(struct findings *findings, const struct zone *zone, size_t node, uint16_t type,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
void finding_warning(struct findings *findings, const struct zone *zone, size_t node, uint16_t type,
        const char *format, ...) __attribute__((format(printf, 5, 6)));
// Moves what `from` has to `to`; `from` is empty then.
void findings_merge(struct findings *to, struct findings *from);
// In their final order.
void findings_sort(struct findings *findings);

// One DNSKEY record.
struct check_key {
	struct dns_key *key; // for the calling thread
	const struct dns_rdata *rdata;
	uint16_t tag;
	uint8_t algorithm;
	bool usable; // a zone key of protocol 3, not revoked, supported and well formed
	bool revoked, zone_key;
	size_t signature_count; // in the zone, by tag and algorithm
	struct p256_key *fast;  // NULL: by OpenSSL
};

struct checking {
	const struct zone *zone;
	const struct zone_check_options *options;
	struct zone_report *report; // its numbers; under the lock while jobs run
	const struct zone_node *apex;
	size_t apex_length; // octets of its name
	struct check_key *keys;
	size_t key_count;
	bool algorithm[256];      // that every set has to be signed with
	bool *signs_keys;         // for each key: a valid signature of it is over the DNSKEY set
	bool has_nsec, has_nsec3; // at the apex: NSEC, NSEC3PARAM
	struct findings findings;
	pthread_mutex_t lock;
	struct error *err;
	enum result result;   // the first failure
	size_t done, planned; // names, of all phases
};

void checking_fail(struct checking *checking, enum result result, const char *text);
void checking_merge(struct checking *checking, struct findings *findings);

// Calls job(ctx, worker, i) for each i below count, from as many threads as the options say; worker
// is below that number. nodes: how many names that means, for the progress.
typedef void check_job_fn(void *ctx, unsigned worker, size_t job);
void check_jobs(
        struct checking *checking, size_t count, size_t nodes, check_job_fn *job, void *ctx);
// One job for each block of nodes, from `from` to just before `to`.
typedef void check_block_fn(
        void *ctx, unsigned worker, size_t from, size_t to, struct findings *findings);
void check_blocks(struct checking *checking, enum phase phase, check_block_fn *block, void *ctx);

void check_apex(struct checking *checking);      // keys, and what is said about them
void check_key_links(struct checking *checking); // after signatures: which keys sign the keys
void check_data(struct checking *checking);
void check_signatures(struct checking *checking);
void check_nsec(struct checking *checking);
void check_nsec3(struct checking *checking);
void check_digests(struct checking *checking);

// Whether denial of existence speaks about this node: authoritative data, a delegation, or an empty
// non-terminal.
bool check_is_named(const struct zone_node *node);

// The type bitmap that NSEC or NSEC3 (self) of a node has to have (RFC 4034 4.1.2); its length.
#define BITMAP_MAX (256 * 34)
size_t bitmap_expected(
        const struct zone *zone, const struct zone_node *node, uint16_t self, uint8_t *octets);
// "lacks A, AAAA; has TXT, which is not there": what makes the two differ.
#define BITMAP_TEXT 200
void bitmap_difference(const uint8_t *found, size_t found_length, const uint8_t *expected,
        size_t expected_length, char *text);
