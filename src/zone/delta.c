#include "zone/delta.h"

#include "zone/internal.h"

#include <libknot/wire.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct zone_record record; // owner in lower case, RDATA in canonical form
	uint64_t hash;
	bool added; // the last note
};

struct zone_delta {
	const struct zone *base;
	struct zone_blocks blocks;
	struct entry *entries;
	size_t count, capacity;
	uint32_t *slots; // index of an entry + 1; a power of two of them, at most half used
	size_t slot_count;
};

struct zone_delta *zone_delta_new(const struct zone *base)
{
	struct zone_delta *delta = calloc(1, sizeof *delta);
	if (delta != NULL)
		delta->base = base;
	return delta;
}

void zone_delta_free(struct zone_delta *delta)
{
	if (delta == NULL)
		return;
	zone_blocks_free(&delta->blocks);
	free(delta->entries);
	free(delta->slots);
	free(delta);
}

static uint64_t hash_record(const uint8_t *owner, uint16_t type, const struct dns_rdata *rdata)
{
	uint64_t hash = dns_name_hash(owner) ^ type;
	for (size_t i = 0; i < rdata->length; i++)
		hash = (hash ^ rdata->octets[i]) * 0x100000001b3u; // FNV-1a
	return hash ^ hash >> 29;
}

static bool same_rdata(const struct dns_rdata *a, const struct dns_rdata *b)
{
	return a->length == b->length &&
	       (a->length == 0 || memcmp(a->octets, b->octets, a->length) == 0);
}

static struct entry *find(const struct zone_delta *delta, uint64_t hash, const uint8_t *owner,
        uint16_t type, const struct dns_rdata *rdata)
{
	if (delta->slot_count == 0)
		return NULL;
	size_t mask = delta->slot_count - 1;
	for (size_t at = hash & mask; delta->slots[at] != 0; at = (at + 1) & mask) {
		struct entry *entry = &delta->entries[delta->slots[at] - 1];
		if (entry->hash == hash && entry->record.type == type &&
		        dns_name_equal(entry->record.owner, owner) &&
		        same_rdata(&entry->record.rdata, rdata))
			return entry;
	}
	return NULL;
}

static void put_slot(struct zone_delta *delta, size_t i)
{
	size_t mask = delta->slot_count - 1, at = delta->entries[i].hash & mask;
	while (delta->slots[at] != 0)
		at = (at + 1) & mask;
	delta->slots[at] = (uint32_t)i + 1;
}

static bool reserve(struct zone_delta *delta)
{
	struct entry *entries =
	        zone_grow(delta->entries, delta->count, &delta->capacity, sizeof *delta->entries);
	if (entries == NULL || delta->count == ZONE_MAX_RECORDS)
		return false;
	delta->entries = entries;
	if (2 * (delta->count + 1) <= delta->slot_count)
		return true;
	size_t more = delta->slot_count == 0 ? 256 : 2 * delta->slot_count;
	uint32_t *slots = calloc(more, sizeof *slots);
	if (slots == NULL)
		return false;
	free(delta->slots);
	delta->slots = slots;
	delta->slot_count = more;
	for (size_t i = 0; i < delta->count; i++)
		put_slot(delta, i);
	return true;
}

static bool base_has(
        const struct zone *base, const uint8_t *owner, uint16_t type, const struct dns_rdata *rdata)
{
	const struct zone_node *node = zone_find(base, owner);
	uint16_t set_type = type == DNS_TYPE_RRSIG ? knot_wire_read_u16(rdata->octets) : type;
	const struct zone_rrset *set = node == NULL ? NULL : zone_node_find(base, node, set_type);
	if (set == NULL)
		return false;
	bool is_signature = type == DNS_TYPE_RRSIG && set_type != DNS_TYPE_RRSIG;
	const struct dns_rdata *list =
	        is_signature ? zone_signatures(base, set) : zone_rdata(base, set);
	size_t count = is_signature ? set->signature_count : set->count;
	for (size_t i = 0; i < count; i++)
		if (same_rdata(&list[i], rdata))
			return true;
	return false;
}

// The record's owner and RDATA in canonical form, in the delta's memory.
static enum result keep(struct zone_delta *delta, struct zone_record *record, struct error *err)
{
	uint8_t *owner = zone_blocks_alloc(&delta->blocks, record->owner_length);
	uint8_t *octets = zone_blocks_alloc(&delta->blocks, record->rdata.length);
	if (owner == NULL || octets == NULL || !reserve(delta))
		return error_set(err, RESULT_MEMORY, "no memory for the changes of a zone");
	struct dns_name lower;
	dns_name_lower(&lower, record->owner);
	memcpy(owner, lower.wire, record->owner_length);
	if (record->rdata.length > 0)
		memcpy(octets, record->rdata.octets, record->rdata.length);
	if (!dns_rdata_canonicalise(record->type, octets, record->rdata.length))
		return error_set(
		        err, RESULT_INPUT, "a record's data does not have the form of its type");
	record->owner = owner;
	record->rdata.octets = octets;
	return RESULT_OK;
}

static enum result not_there(const struct zone_record *record, struct error *err)
{
	char owner[DNS_NAME_TEXT], type[DNS_TYPE_TEXT];
	return error_set(err, RESULT_CORRUPT,
	        "it removes a record that is not there: %.200s %s; the base is no earlier version",
	        dns_name_text(record->owner, owner), dns_type_text(record->type, type));
}

enum result zone_delta_note(
        struct zone_delta *delta, bool added, const struct zone_record *record, struct error *err)
{
	struct zone_record kept = *record;
	enum result result = keep(delta, &kept, err);
	if (result != RESULT_OK)
		return result;
	uint64_t hash = hash_record(kept.owner, kept.type, &kept.rdata);
	struct entry *entry = find(delta, hash, kept.owner, kept.type, &kept.rdata);
	bool is_there = entry != NULL ? entry->added
	                              : base_has(delta->base, kept.owner, kept.type, &kept.rdata);
	if (!added && !is_there)
		return not_there(&kept, err);
	if (entry == NULL) {
		entry = &delta->entries[delta->count];
		*entry = (struct entry){.hash = hash};
		put_slot(delta, delta->count++);
	}
	entry->record = kept;
	entry->added = added;
	return RESULT_OK;
}

static enum result add_unchanged(const struct zone_delta *delta, const struct zone_rrset *set,
        bool signatures, struct zone_builder *builder, struct error *err)
{
	const struct zone *base = delta->base;
	const uint8_t *owner = zone_node_at(base, set->node)->owner;
	struct zone_record record = {
	        .owner = owner,
	        .owner_length = dns_name_length(owner),
	        .type = signatures ? DNS_TYPE_RRSIG : set->type,
	        .rclass = zone_class(base),
	        .ttl_s = signatures ? set->signature_ttl_max_s : set->ttl_max_s,
	        .line = set->line,
	};
	const struct dns_rdata *list =
	        signatures ? zone_signatures(base, set) : zone_rdata(base, set);
	size_t count = signatures ? set->signature_count : set->count;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash = hash_record(owner, record.type, &list[i]);
		if (find(delta, hash, owner, record.type, &list[i]) != NULL)
			continue;
		record.rdata = list[i];
		enum result result = zone_builder_add(builder, &record, err);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

enum result zone_delta_apply(
        const struct zone_delta *delta, struct zone_builder *builder, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < zone_rrset_count(delta->base) && result == RESULT_OK; i++) {
		const struct zone_rrset *set = zone_rrset_at(delta->base, i);
		result = add_unchanged(delta, set, false, builder, err);
		if (result == RESULT_OK)
			result = add_unchanged(delta, set, true, builder, err);
	}
	for (size_t i = 0; i < delta->count && result == RESULT_OK; i++)
		if (delta->entries[i].added)
			result = zone_builder_add(builder, &delta->entries[i].record, err);
	return result;
}
