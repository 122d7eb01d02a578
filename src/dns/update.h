// Dynamic update (RFC 2136): building UPDATE messages.
//
//     struct dns_update *u = dns_update_new(arena, zone, 65535);
//     dns_update_require(u, zone, DNS_TYPE_DS, old, old_count);     // prerequisites first,
//     dns_update_delete_rrset(u, zone, DNS_TYPE_DS);                // then the changes, in order
//     dns_update_add(u, child, DNS_TYPE_DS, 3600, &ds_rdata);
//     if (dns_update_finish(u, id, &wire, &length, &room, err) != RESULT_OK) return err->code;
//
// The builder and its message live in the arena. Calls do not return errors: the first one that
// does not fit is remembered, and dns_update_finish reports it (RESULT_LIMIT). Prerequisites after
// a change, and names outside of the zone, are errors of the caller and are reported likewise
// (RESULT_INPUT).
// Room for a TSIG record (tsig.h) is kept free behind the message.
//
// The response is an ordinary message: dns_message_parse, its rcode.
#pragma once

#include "dns/message.h"

struct dns_update;

#define DNS_UPDATE_TSIG_ROOM 640 // for two names of 255 octets and the largest MAC

// max_octets: at most DNS_MESSAGE_MAX, the room for TSIG included. NULL without memory.
struct dns_update *dns_update_new(struct arena *arena, const uint8_t *zone, size_t max_octets);

// Prerequisites (RFC 2136 2.4).
void dns_update_require_no_rrset(struct dns_update *update, const uint8_t *name, uint16_t type);
// The RRset has exactly these records, whatever their TTL. count > 0.
void dns_update_require(struct dns_update *update, const uint8_t *name, uint16_t type,
        const struct dns_rdata *rdata, size_t count);

// Changes (RFC 2136 2.5).
void dns_update_add(struct dns_update *update, const uint8_t *name, uint16_t type, uint32_t ttl_s,
        const struct dns_rdata *rdata);
void dns_update_delete(struct dns_update *update, const uint8_t *name, uint16_t type,
        const struct dns_rdata *rdata);
void dns_update_delete_rrset(struct dns_update *update, const uint8_t *name, uint16_t type);

// The whole message, with `room` octets of memory behind *wire in all (at least *length +
// DNS_UPDATE_TSIG_ROOM, but not more than max_octets), so that dns_tsig_sign can append to it.
enum result dns_update_finish(struct dns_update *update, uint16_t id, uint8_t **wire,
        size_t *length, size_t *room, struct error *err);
