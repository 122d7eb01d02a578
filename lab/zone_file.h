// Zone content and key material of the lab as text.
#pragma once

#include "lab.h"

#include <libknot/libknot.h>
#include <stdbool.h>

// The n-th explicit name, n from 1: "n000001.example.test.".
void zone_file_name(const struct lab_info *info, unsigned n, char *name, size_t size);
// What is asked about it: TXT, whose content is the first label; where the names are delegations,
// DS, which every third one has.
uint16_t zone_file_type(const struct lab_info *info);
// A number near n whose name has such a record.
unsigned zone_file_signed(const struct lab_info *info, unsigned n);
// Whether the RRset is all that the zone has for this name; NULL: there is none.
bool zone_file_is_right(const struct lab_info *info, unsigned n, const knot_rrset_t *rr);

// Appends the explicit names to a zone file that ends inside $ORIGIN <zone>.
enum result zone_file_append_names(
        const struct lab_info *info, const char *path, struct error *err);

// RDATA of the first record of a DNSKEY RRset as text, without line breaks, and its key tag.
enum result zone_file_key(struct arena *arena, const knot_rrset_t *dnskey, const char **text,
        uint16_t *tag, struct error *err);
// "zone TTL DS ..." (SHA-256) for the first record of a DNSKEY RRset.
enum result zone_file_ds(struct arena *arena, const char *zone, uint32_t ttl_s,
        const knot_rrset_t *dnskey, const char **text, struct error *err);
