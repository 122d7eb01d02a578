// A zone from the text of a master file (RFC 1035 5).
//
//     struct zone_read_options options = {.progress = show, .ctx = &screen};
//     struct zone *zone;
//     if (zone_read("example.zone", &options, &zone, &err) != RESULT_OK)
//             return usage_error("%s", err.text);     // "example.zone:12: bad IPv4 address"
//
// The apex is the owner of the SOA record. Names are absolute, or under $ORIGIN, or under
// options.origin. A record without a TTL has the one of $TTL, or that of the record before it (RFC
// 1035 5.1, RFC 2308 4). $INCLUDE is refused: what is verified is to be one file.
//
// The text is read as a whole and given back as it is parsed, so that memory is that of the zone
// and of the text that is left. Parsing is libzscanner's. The zone is the caller's, for
// zone_free().
//
// Errors: RESULT_SYSTEM for a file that cannot be read, RESULT_INPUT for what is wrong in it,
// RESULT_LIMIT, RESULT_MEMORY.
#pragma once

#include "zone/zone.h"

#define ZONE_MAX_TEXT ((size_t)64 << 30) // octets

struct zone_read_options {
	const uint8_t *origin; // wire name that relative names are under; NULL: the root
	size_t max_octets;     // of text; 0: ZONE_MAX_TEXT
	// Called every few milliseconds, with octets parsed out of all; may be NULL.
	void (*progress)(void *ctx, uint64_t done, uint64_t all);
	void *ctx;
};

// path "-" is standard input.
enum result zone_read(const char *path, const struct zone_read_options *options, struct zone **zone,
        struct error *err);
// The same from memory; source names the text in messages.
enum result zone_read_text(const char *source, const char *text, size_t length,
        const struct zone_read_options *options, struct zone **zone, struct error *err);
