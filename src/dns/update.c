#include "dns/update.h"

#include <assert.h>
#include <libknot/packet/wire.h>
#include <string.h>

#define HEADER_OCTETS KNOT_WIRE_HEADER_SIZE
#define OPCODE_UPDATE 5

struct dns_update {
	struct dns_name zone;
	uint8_t *wire;
	size_t length, room;
	uint16_t prerequisites, changes;
	struct error problem; // the first one; code is RESULT_OK where there is none
};

static void fail(struct dns_update *update, enum result code, const char *what)
{
	if (update->problem.code == RESULT_OK)
		error_set(&update->problem, code, "%s", what);
}

static bool fits(struct dns_update *update, size_t octets)
{
	if (update->problem.code != RESULT_OK)
		return false;
	if (octets <= update->room - DNS_UPDATE_TSIG_ROOM - update->length)
		return true;
	fail(update, RESULT_LIMIT, "the update does not fit into one DNS message");
	return false;
}

static void put(struct dns_update *update, const void *octets, size_t n)
{
	if (n > 0)
		memcpy(update->wire + update->length, octets, n);
	update->length += n;
}

static void put_u16(struct dns_update *update, uint16_t number)
{
	knot_wire_write_u16(update->wire + update->length, number);
	update->length += 2;
}

static void put_u32(struct dns_update *update, uint32_t number)
{
	knot_wire_write_u32(update->wire + update->length, number);
	update->length += 4;
}

struct dns_update *dns_update_new(struct arena *arena, const uint8_t *zone, size_t max_octets)
{
	assert(max_octets <= DNS_MESSAGE_MAX &&
	        max_octets >= HEADER_OCTETS + DNS_NAME_MAX + 4 + DNS_UPDATE_TSIG_ROOM);
	struct dns_update *update = arena_alloc(arena, sizeof *update);
	uint8_t *wire = arena_alloc(arena, max_octets);
	if (update == NULL || wire == NULL)
		return NULL;
	*update = (struct dns_update){.wire = wire, .length = HEADER_OCTETS, .room = max_octets};
	dns_name_copy(&update->zone, zone);
	knot_wire_set_opcode(wire, OPCODE_UPDATE);
	knot_wire_set_qdcount(wire, 1);
	put(update, zone, dns_name_length(zone));
	put_u16(update, DNS_TYPE_SOA);
	put_u16(update, DNS_CLASS_IN);
	return update;
}

// A record behind the others, uncompressed: names in updates are few. false where it was refused.
static bool put_record(struct dns_update *update, const uint8_t *name, uint16_t type,
        uint16_t rclass, uint32_t ttl_s, const struct dns_rdata *rdata)
{
	size_t name_length = dns_name_length(name), length = rdata == NULL ? 0 : rdata->length;
	if (!dns_name_is_subdomain(name, update->zone.wire)) {
		fail(update, RESULT_INPUT, "the update names something outside of its zone");
		return false;
	}
	if (!fits(update, name_length + 10 + length))
		return false;
	put(update, name, name_length);
	put_u16(update, type);
	put_u16(update, rclass);
	put_u32(update, ttl_s);
	put_u16(update, (uint16_t)length);
	put(update, rdata == NULL ? NULL : rdata->octets, length);
	return true;
}

static void prerequisite(struct dns_update *update, const uint8_t *name, uint16_t type,
        uint16_t rclass, const struct dns_rdata *rdata)
{
	if (update->changes > 0)
		fail(update, RESULT_INPUT, "a prerequisite stands behind a change in the update");
	else if (put_record(update, name, type, rclass, 0, rdata))
		update->prerequisites++;
}

static void change(struct dns_update *update, const uint8_t *name, uint16_t type, uint16_t rclass,
        uint32_t ttl_s, const struct dns_rdata *rdata)
{
	if (put_record(update, name, type, rclass, ttl_s, rdata))
		update->changes++;
}

void dns_update_require_no_rrset(struct dns_update *update, const uint8_t *name, uint16_t type)
{
	prerequisite(update, name, type, DNS_CLASS_NONE, NULL);
}

void dns_update_require(struct dns_update *update, const uint8_t *name, uint16_t type,
        const struct dns_rdata *rdata, size_t count)
{
	assert(count > 0);
	for (size_t i = 0; i < count; i++)
		prerequisite(update, name, type, DNS_CLASS_IN, &rdata[i]);
}

void dns_update_add(struct dns_update *update, const uint8_t *name, uint16_t type, uint32_t ttl_s,
        const struct dns_rdata *rdata)
{
	change(update, name, type, DNS_CLASS_IN, ttl_s, rdata);
}

void dns_update_delete(struct dns_update *update, const uint8_t *name, uint16_t type,
        const struct dns_rdata *rdata)
{
	change(update, name, type, DNS_CLASS_NONE, 0, rdata);
}

void dns_update_delete_rrset(struct dns_update *update, const uint8_t *name, uint16_t type)
{
	change(update, name, type, DNS_CLASS_ANY, 0, NULL);
}

enum result dns_update_finish(struct dns_update *update, uint16_t id, uint8_t **wire,
        size_t *length, size_t *room, struct error *err)
{
	if (update->problem.code != RESULT_OK)
		return error_set(err, update->problem.code, "%s", update->problem.text);
	knot_wire_set_id(update->wire, id);
	knot_wire_set_ancount(update->wire, update->prerequisites);
	knot_wire_set_nscount(update->wire, update->changes);
	*wire = update->wire;
	*length = update->length;
	*room = update->room;
	return RESULT_OK;
}
