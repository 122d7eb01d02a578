#include "zone/build.h"

#include "zone/build_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct zone_builder *zone_builder_new(const char *source)
{
	struct zone_builder *builder = calloc(1, sizeof *builder);
	struct zone *zone = calloc(1, sizeof *zone);
	char *copy = strdup(source);
	if (builder == NULL || zone == NULL || copy == NULL) {
		free(builder);
		free(zone);
		free(copy);
		return NULL;
	}
	zone->source = copy;
	zone->rclass = DNS_CLASS_IN;
	builder->zone = zone;
	return builder;
}

void zone_builder_free(struct zone_builder *builder)
{
	if (builder == NULL)
		return;
	zone_free(builder->zone);
	free(builder->records);
	free(builder->runs);
	free(builder);
}

size_t zone_builder_records(const struct zone_builder *builder)
{
	return builder->record_count;
}

enum result zone_build_error(const struct zone_builder *builder, uint32_t line, enum result code,
        struct error *err, const char *what, const uint8_t *owner)
{
	char text[DNS_NAME_TEXT] = "";
	if (owner != NULL)
		dns_name_text(owner, text);
	return error_set(err, code, "%.200s:%u: %s%.120s", builder->zone->source, line, what, text);
}

static enum result no_memory(const struct zone_builder *builder, struct error *err)
{
	return error_set(err, RESULT_MEMORY, "%.200s: no memory for more than %zu records",
	        builder->zone->source, builder->record_count);
}

static enum result check(
        const struct zone_builder *builder, const struct zone_record *record, struct error *err)
{
	uint16_t type = record->type;
	if (record->rclass != builder->zone->rclass)
		return zone_build_error(builder, record->line, RESULT_INPUT, err,
		        "a record of another class than IN, at ", record->owner);
	// RFC 6895 3.1: 128 to 255 are types of questions and messages; 0 is reserved, 41 is OPT.
	if (type == 0 || type == DNS_TYPE_OPT || (type >= 128 && type <= 255))
		return zone_build_error(builder, record->line, RESULT_INPUT, err,
		        "a record of a type that no zone can have, at ", record->owner);
	if (record->ttl_s > INT32_MAX)
		return zone_build_error(builder, record->line, RESULT_INPUT, err,
		        "a TTL of more than 2147483647 seconds (RFC 2181 8), at ", record->owner);
	if (builder->record_count == ZONE_MAX_RECORDS)
		return error_set(err, RESULT_LIMIT, "%.200s: more than %u records",
		        builder->zone->source, ZONE_MAX_RECORDS);
	return RESULT_OK;
}

// The owner in lower case, in the zone's memory; a new run begins with it.
static bool begin_run(struct zone_builder *b, const struct zone_record *record)
{
	struct zone_run *runs = zone_grow(b->runs, b->run_count, &b->run_capacity, sizeof *b->runs);
	if (runs == NULL)
		return false;
	b->runs = runs;
	uint8_t *owner = zone_blocks_alloc(&b->zone->blocks, record->owner_length);
	if (owner == NULL)
		return false;
	for (size_t i = 0; i < record->owner_length; i++) {
		uint8_t c = record->owner[i];
		owner[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
	}
	b->runs[b->run_count++] =
	        (struct zone_run){.owner = owner, .first = (uint32_t)b->record_count};
	memcpy(b->last_owner.wire, record->owner, record->owner_length);
	b->last_length = record->owner_length;
	return true;
}

static bool same_owner(const struct zone_builder *b, const struct zone_record *record)
{
	return b->run_count > 0 && b->last_length == record->owner_length &&
	       memcmp(b->last_owner.wire, record->owner, record->owner_length) == 0;
}

static enum result note_soa(
        struct zone_builder *b, const struct zone_record *record, struct error *err)
{
	if (b->has_soa && !dns_name_equal(b->zone->apex.wire, record->owner))
		return zone_build_error(b, record->line, RESULT_INPUT, err,
		        "a second SOA record, at ", record->owner);
	dns_name_lower(&b->zone->apex, record->owner);
	b->has_soa = true;
	return RESULT_OK;
}

enum result zone_builder_add(
        struct zone_builder *b, const struct zone_record *record, struct error *err)
{
	assert(record->owner_length >= 1 && record->owner_length <= DNS_NAME_MAX);
	enum result result = check(b, record, err);
	if (result == RESULT_OK && record->type == DNS_TYPE_SOA)
		result = note_soa(b, record, err);
	if (result != RESULT_OK)
		return result;
	struct zone_raw *records =
	        zone_grow(b->records, b->record_count, &b->record_capacity, sizeof *b->records);
	if (records == NULL)
		return no_memory(b, err);
	b->records = records;
	if (!same_owner(b, record) && !begin_run(b, record))
		return no_memory(b, err);
	uint8_t *octets = zone_blocks_alloc(&b->zone->blocks, record->rdata.length);
	if (octets == NULL)
		return no_memory(b, err);
	if (record->rdata.length > 0)
		memcpy(octets, record->rdata.octets, record->rdata.length);
	if (!dns_rdata_canonicalise(record->type, octets, record->rdata.length))
		return zone_build_error(b, record->line, RESULT_INPUT, err,
		        "the data does not have the form of its type, at ", record->owner);
	b->records[b->record_count++] = (struct zone_raw){
	        .octets = octets,
	        .ttl_s = record->ttl_s,
	        .line = record->line,
	        .type = record->type,
	        .length = record->rdata.length,
	};
	b->runs[b->run_count - 1].count++;
	return RESULT_OK;
}
