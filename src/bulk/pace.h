// When the next look at a zone may begin, so that looking at very many zones loads no server: so
// many queries a second to each address, and so many in all. PURE.
//
//     struct bulk_pace *pace = bulk_pace_new(50, 300);
//     struct bulk_load load;                               // what one look at this zone costs
//     bulk_load_find(pace, arena, definition, &load, err);
//     if (bulk_pace_from_ms(pace, &load) <= now_ms)
//             bulk_pace_take(pace, &load, now_ms);         // now look
//
// A look sends its queries at once; the next one at the same address begins when the rate has made
// up for them. Loads live in the arena, but name addresses of the pace that found them. Errors:
// RESULT_LIMIT, RESULT_MEMORY.
#pragma once

#include "change/definition.h"

struct bulk_pace;

// What a look asks of one address.
struct bulk_cost {
	uint32_t address; // its number in the pace
	uint32_t queries;
};

struct bulk_load {
	size_t count;
	struct bulk_cost *costs;
	uint32_t queries; // in all
};

struct bulk_pace *bulk_pace_new(unsigned each, unsigned all); // NULL without memory
void bulk_pace_free(struct bulk_pace *pace);

enum result bulk_load_find(struct bulk_pace *pace, struct arena *arena,
        const struct change_definition *definition, struct bulk_load *load, struct error *err);

int64_t bulk_pace_from_ms(const struct bulk_pace *pace, const struct bulk_load *load);
void bulk_pace_take(struct bulk_pace *pace, const struct bulk_load *load, int64_t now_ms);
