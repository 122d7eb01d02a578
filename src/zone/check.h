// Whether a signed zone validates, in all its parts: signatures, denial of existence, delegations,
// the keys and what is said about them at the apex, and its digest.
//
//     struct zone_check_options options = {.now_s = now_s, .threads = 2, .limit = 100};
//     struct zone_report *report;
//     if (zone_check(zone, &options, &report, &err) != RESULT_OK)
//             return usage_error("%s", err.text);
//     for (size_t i = 0; i < report->finding_count; i++)
//             show(report->findings[i].owner, report->findings[i].type, report->findings[i].text);
//     bool good = report->errors == 0;
//     zone_report_free(report);
//
// A finding is one thing that is wrong (an error) or that deserves a look (a warning), at one name
// and one type, with a sentence that says what is there and what was expected. All are counted; the
// first ones in canonical order are kept. The report is the same whatever the number of threads.
//
// Memory: the report owns its texts; names in it belong to the zone, which has to live longer.
// Beside the zone it takes some 40 octets a name, and a few MiB a thread.
//
// Errors are failures of ours only: RESULT_MEMORY, RESULT_SYSTEM.
#pragma once

#include "dns/key.h"
#include "zone/zone.h"

#define ZONE_CHECK_MAX_THREADS    256
#define ZONE_CHECK_MAX_ITERATIONS 500 // of NSEC3; more are refused

struct zone_check_options {
	int64_t now_s;           // seconds since the epoch: when signatures have to be valid
	unsigned threads;        // 1 to ZONE_CHECK_MAX_THREADS
	size_t limit;            // how many errors, and how many warnings, are kept
	const struct dns_ds *ds; // what the parent has or will have; NULL: not known
	size_t ds_count;
	bool reference_only; // every signature by OpenSSL: what tests compare with
	// From the calling thread, from time to time: names done of all names. May be NULL.
	void (*progress)(void *ctx, size_t done, size_t total);
	void *progress_ctx;
};

struct zone_finding {
	const uint8_t *owner; // wire name
	uint16_t type;        // 0: the name as a whole
	bool warning;
	uint32_t line; // in the source; 0 where there is none
	const char *text;
};

// Signatures by what is left of their time, up to so many days; the last one has the rest.
#define ZONE_HEADROOM_COUNT 7
extern const unsigned zone_headroom_days[ZONE_HEADROOM_COUNT - 1];

struct zone_report {
	size_t errors, warnings;
	size_t finding_count; // errors, then warnings
	const struct zone_finding *findings;

	size_t names;       // authoritative ones and delegations
	size_t delegations; // with and without DS
	size_t signed_delegations;
	size_t sets;       // RRsets that have to be signed
	size_t signatures; // over these
	size_t valid;      // signatures that are right and in date
	bool nsec, nsec3;  // what denies existence
	bool opt_out;      // an NSEC3 record has this flag
	size_t digests;    // ZONEMD records that were computed and agree

	int64_t earliest_expiration_s; // of the valid ones, 0 where there is none; where it is:
	const uint8_t *earliest_owner;
	uint16_t earliest_type;
	size_t headroom[ZONE_HEADROOM_COUNT];
};

enum result zone_check(const struct zone *zone, const struct zone_check_options *options,
        struct zone_report **report, struct error *err);
void zone_report_free(struct zone_report *report); // NULL is fine
