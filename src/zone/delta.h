// Private to src/zone: what changed since a version of a zone that is held (RFC 1995).
//
//     struct zone_delta *d = zone_delta_new(base);
//     zone_delta_note(d, false, &record, err);          // removed, then added, version after version
//     zone_delta_note(d, true, &other, err);
//     zone_delta_apply(d, builder, err);                // the base's records but for these changes
//     zone_delta_free(d);
//
// For each record the last note counts. The base has to live as long.
#pragma once

#include "zone/build.h"

struct zone_delta;

struct zone_delta *zone_delta_new(const struct zone *base); // NULL without memory
void zone_delta_free(struct zone_delta *delta);             // NULL is fine
// RESULT_CORRUPT where a record is removed that is not there.
enum result zone_delta_note(
        struct zone_delta *delta, bool added, const struct zone_record *record, struct error *err);
enum result zone_delta_apply(
        const struct zone_delta *delta, struct zone_builder *builder, struct error *err);
