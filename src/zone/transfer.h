// A zone by transfer from a server, over TCP, signed with TSIG where there is a key: in full (AXFR,
// RFC 5936), or what changed since an earlier version that is at hand (IXFR, RFC 1995).
//
//     struct zone_transfer t = {.loop = loop, .random = random_system(), .key = key};
//     if (zone_transfer_parse("axfr://192.0.2.1/example", &t, err) != RESULT_OK) return err->code;
//     struct zone *zone;
//     if (zone_transfer(&t, &zone, err) != RESULT_OK)
//             return usage_error("%s", err.text);   // "axfr://…: the server refuses: NOTAUTH"
//
// It runs the loop until the transfer has ended. With a key, every message has to be covered by a
// signature, and the last one signed (RFC 8945 5.3.1): one wrong octet, and there is no zone. What
// stands for a line in the zone and its messages is the number of the record.
//
// With a base the server is asked for what changed since then; it may send the whole zone all the
// same. The result is a zone of its own, which does not need the base any more.
//
// Errors: RESULT_NETWORK, RESULT_TIMEOUT where the server is silent for too long or the whole takes
// too long, RESULT_REFUSED with its response code, RESULT_INPUT and RESULT_CORRUPT for answers that
// are no transfer of this zone, RESULT_LIMIT for too many octets, RESULT_MEMORY. The zone is the
// caller's, for zone_free().
#pragma once

#include "base/random.h"
#include "dns/tsig.h"
#include "net/loop.h"
#include "zone/zone.h"

#define ZONE_TRANSFER_TIMEOUT_MS (30 * SECOND_MS)
#define ZONE_TRANSFER_TOTAL_MS   (2 * HOUR_MS)

struct zone_transfer {
	struct loop *loop;
	struct random random; // for the message's ID
	struct address server;
	struct dns_name name;
	char source[DNS_NAME_TEXT + 80]; // what names the zone in messages
	bool incremental;                // the URL was of IXFR: a base is needed
	const struct zone *base;         // an earlier version; NULL asks for the whole zone
	const struct dns_tsig_key *key;  // NULL: unsigned
	int64_t timeout_ms;              // of silence; 0: ZONE_TRANSFER_TIMEOUT_MS
	int64_t total_ms;                // 0: ZONE_TRANSFER_TOTAL_MS
	size_t max_octets;               // of all messages; 0: ZONE_MAX_OCTETS
	// Called for each message with the octets that came; may be NULL.
	void (*progress)(void *ctx, uint64_t octets);
	void *ctx;
};

// Whether this names a transfer rather than a file.
bool zone_transfer_is_url(const char *text);
// "axfr://ADDRESS[:PORT]/ZONE" or "ixfr://…", an IPv6 address in brackets: fills server, name,
// source and incremental, and leaves the rest. RESULT_INPUT.
enum result zone_transfer_parse(const char *url, struct zone_transfer *transfer, struct error *err);

enum result zone_transfer(
        const struct zone_transfer *transfer, struct zone **zone, struct error *err);
