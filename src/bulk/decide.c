#include "bulk/decide.h"

#include <stdlib.h>
#include <string.h>

enum result bulk_decision_new(struct arena *arena, const struct bulk_definition *definition,
        struct bulk_decision *decision, struct error *err)
{
	*decision = (struct bulk_decision){
	        .turns = arena_array(arena, definition->zone_count, sizeof *decision->turns),
	        .order = arena_array(arena, definition->zone_count, sizeof *decision->order),
	        .lanes = arena_array(arena, definition->lane_count + 1, sizeof *decision->lanes)};
	return decision->turns != NULL && decision->order != NULL && decision->lanes != NULL
	               ? RESULT_OK
	               : error_set(err, RESULT_LIMIT, "%s: too large", definition->file);
}

struct decider {
	const struct bulk_state *s;
	const struct bulk_definition *b;
	struct bulk_decision *out;
	int64_t now_ms;
	unsigned at_once;
};

static void wait_for(
        struct decider *d, size_t zone, enum bulk_why why, uint16_t lane, int64_t until_ms)
{
	d->out->turns[zone] = (struct bulk_turn){.why = why, .lane = lane, .until_ms = until_ms};
	d->out->waiting[why]++;
	if (until_ms < d->out->next_ms)
		d->out->next_ms = until_ms;
}

static size_t first_open_wave(const struct bulk_state *s)
{
	for (size_t w = 0; w < s->definition->wave_count; w++) {
		const struct bulk_wave *wave = &s->definition->waves[w];
		for (size_t i = 0; i < wave->count; i++)
			if (!bulk_phase_is_over(s->zones[wave->first + i].phase))
				return w;
	}
	return s->definition->wave_count;
}

// ---- Zones that have not started ---------------------------------------------------------------

static void count_zones(struct decider *d)
{
	for (size_t i = 0; i < d->b->zone_count; i++) {
		if (d->s->zones[i].phase != BULK_STARTED)
			continue;
		d->at_once++;
		for (size_t l = 0; l < d->b->limit_count; l++)
			d->out->lanes[d->b->zones[i].lanes[l]].zones++;
	}
}

static bool is_full(const struct decider *d, const struct bulk_zone *zone, uint16_t *lane)
{
	for (size_t l = 0; l < d->b->limit_count; l++) {
		unsigned most = d->b->limits[l].zones;
		*lane = zone->lanes[l];
		if (most > 0 && d->out->lanes[*lane].zones >= most)
			return true;
	}
	return false;
}

static void decide_start(struct decider *d, size_t i)
{
	const struct bulk_zone *zone = &d->b->zones[i];
	int64_t soaked_ms = bulk_state_soaked_ms(d->s);
	uint16_t lane = 0;
	if (d->s->halted)
		wait_for(d, i, BULK_HALTED, 0, TIME_NEVER_MS);
	else if (zone->wave > d->out->wave)
		wait_for(d, i, BULK_WAVE, 0, TIME_NEVER_MS);
	else if (zone->wave > 0 && soaked_ms > d->now_ms)
		wait_for(d, i, BULK_SOAK, 0, soaked_ms);
	else if (d->at_once >= d->b->at_once)
		wait_for(d, i, BULK_AT_ONCE, 0, TIME_NEVER_MS);
	else if (is_full(d, zone, &lane))
		wait_for(d, i, BULK_ROOM, lane, TIME_NEVER_MS);
	else {
		d->out->turns[i].may = true;
		d->at_once++;
		for (size_t l = 0; l < d->b->limit_count; l++)
			d->out->lanes[zone->lanes[l]].zones++;
	}
}

// ---- Effects -----------------------------------------------------------------------------------

// From when on one more effect may be in the lane, after those that this decision lets in.
static int64_t free_from_ms(const struct decider *d, uint16_t lane)
{
	const struct bulk_limit *limit = &d->b->limits[d->b->lanes[lane].limit];
	const struct bulk_lane_state *s = &d->s->lanes[lane];
	unsigned new = d->out->lanes[lane].effects;
	if (limit->effects == 0 || s->count + new < limit->effects)
		return TIME_EVER_MS;
	if (new >= limit->effects)
		return time_add(d->now_ms, limit->per_ms);
	// The oldest of the last `effects` ones, the new ones included.
	size_t skip = s->count + new - limit->effects;
	size_t oldest = (s->next + limit->effects - s->count + skip) % limit->effects;
	return time_add(s->times_ms[oldest], limit->per_ms);
}

static void decide_wish(struct decider *d, size_t i)
{
	const struct bulk_zone_state *z = &d->s->zones[i];
	const struct bulk_zone *zone = &d->b->zones[i];
	int64_t until_ms = TIME_EVER_MS;
	uint16_t lane = 0;
	if (!z->wish.back && (d->s->halted || z->held)) {
		wait_for(d, i, d->s->halted ? BULK_HALTED : BULK_HELD, 0, TIME_NEVER_MS);
		return;
	}
	for (size_t l = 0; l < d->b->limit_count; l++) {
		int64_t free_ms =
		        z->wish.limits >> l & 1 ? free_from_ms(d, zone->lanes[l]) : TIME_EVER_MS;
		if (free_ms > until_ms) {
			until_ms = free_ms;
			lane = zone->lanes[l];
		}
	}
	if (until_ms > d->now_ms) {
		wait_for(d, i, BULK_RATE, lane, until_ms);
		return;
	}
	d->out->turns[i].may = true;
	for (size_t l = 0; l < d->b->limit_count; l++)
		d->out->lanes[zone->lanes[l]].effects += z->wish.limits >> l & 1;
}

static int by_turn(const void *a, const void *b, void *ctx)
{
	const struct bulk_state *s = ctx;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct bulk_wish *p = &s->zones[x].wish, *q = &s->zones[y].wish;
	unsigned v = s->definition->zones[x].wave, w = s->definition->zones[y].wave;
	if (p->back != q->back)
		return p->back ? -1 : 1;
	if (v != w)
		return v < w ? -1 : 1;
	if (p->since_ms != q->since_ms)
		return p->since_ms < q->since_ms ? -1 : 1;
	return x < y ? -1 : x > y;
}

void bulk_decide(const struct bulk_state *state, int64_t now_ms, struct bulk_decision *decision)
{
	const struct bulk_definition *b = state->definition;
	struct decider d = {state, b, decision, now_ms, 0};
	size_t wishes = 0;
	memset(decision->turns, 0, b->zone_count * sizeof *decision->turns);
	memset(decision->lanes, 0, (b->lane_count + 1) * sizeof *decision->lanes);
	memset(decision->waiting, 0, sizeof decision->waiting);
	decision->wave = first_open_wave(state);
	decision->next_ms = TIME_NEVER_MS;
	count_zones(&d);
	for (size_t i = 0; i < b->zone_count; i++) {
		decision->turns[i].until_ms = TIME_NEVER_MS;
		if (state->zones[i].phase == BULK_TO_COME)
			decide_start(&d, i);
		else if (state->zones[i].phase == BULK_STARTED && state->zones[i].wish.is_set)
			decision->order[wishes++] = (uint32_t)i;
	}
	qsort_r(decision->order, wishes, sizeof *decision->order, by_turn,
	        (void *)(uintptr_t)state);
	for (size_t i = 0; i < wishes; i++)
		decide_wish(&d, decision->order[i]);
}
