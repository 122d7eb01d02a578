// Private to src/zone: a zone from its records, in whatever order they come.
//
//     struct zone_builder *b = zone_builder_new("example.zone");
//     zone_builder_add(b, &record, err);                        // many times
//     zone_builder_finish(b, &zone, err);                       // frees b, also on failure
//
// Records next to one another that have the same owner cost one name; what is sorted at the end are
// such runs, not records.
#pragma once

#include "zone/zone.h"

struct zone_builder;

struct zone_record {
	const uint8_t *owner; // wire name, in any case
	size_t owner_length;
	uint16_t type, rclass;
	uint32_t ttl_s, line;
	struct dns_rdata rdata; // names uncompressed
};

struct zone_builder *zone_builder_new(const char *source); // NULL without memory
void zone_builder_free(struct zone_builder *builder);      // NULL is fine

// Copies the record. RESULT_INPUT for what cannot stand in a zone: another class, a type of
// questions or messages, RDATA that does not have the form of its type, a TTL beyond 2^31-1.
enum result zone_builder_add(
        struct zone_builder *builder, const struct zone_record *record, struct error *err);
size_t zone_builder_records(const struct zone_builder *builder);
// The zone; RESULT_INPUT where there is no SOA record, or more than one, or a name that is not in
// the zone.
enum result zone_builder_finish(
        struct zone_builder *builder, struct zone **zone, struct error *err);
