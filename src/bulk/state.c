#include "bulk/state.h"

#include <stdio.h>
#include <string.h>

bool bulk_phase_is_over(enum bulk_phase phase)
{
	return phase == BULK_FINISHED || phase == BULK_UNDONE || phase == BULK_ASIDE;
}

int64_t bulk_state_soaked_ms(const struct bulk_state *state)
{
	return state->definition->has_canary
	               ? time_add(state->canary_over_ms, state->definition->soak_ms)
	               : TIME_EVER_MS;
}

enum result bulk_state_new(struct arena *arena, const struct bulk_definition *definition,
        struct bulk_state **state, struct error *err)
{
	struct bulk_state *s = arena_alloc(arena, sizeof *s);
	bool good = s != NULL;
	if (good) {
		s->definition = definition;
		s->canary_over_ms = TIME_NEVER_MS;
		s->zones = arena_array(arena, definition->zone_count, sizeof *s->zones);
		s->lanes = arena_array(arena, definition->lane_count + 1, sizeof *s->lanes);
		good = s->zones != NULL && s->lanes != NULL;
	}
	for (size_t i = 0; good && i < definition->lane_count; i++) {
		unsigned effects = definition->limits[definition->lanes[i].limit].effects;
		s->lanes[i].times_ms = arena_array(arena, effects + 1, sizeof(int64_t));
		good = s->lanes[i].times_ms != NULL;
	}
	if (!good)
		return error_set(err, RESULT_LIMIT, "%s: too large", definition->file);
	*state = s;
	return RESULT_OK;
}

static enum result corrupt(struct error *err, const char *what)
{
	return error_set(err, RESULT_CORRUPT, "the ledger's record lacks '%s'", what);
}

static void keep(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text != NULL ? text : "");
}

// ---- What the bulk itself has done -------------------------------------------------------------

static void apply_effect(struct bulk_lane_state *lane, unsigned effects, int64_t at_ms)
{
	if (effects == 0)
		return;
	lane->times_ms[lane->next] = at_ms;
	lane->next = (lane->next + 1) % effects;
	lane->count += lane->count < effects;
}

static enum result apply_leave(struct bulk_state *s, const struct bulk_zone *zone,
        struct bulk_zone_state *z, int64_t wall_ms, int64_t at_ms, const json_t *payload,
        struct error *err)
{
	const char *step = json_string_value(json_object_get(payload, "step"));
	const json_t *parties = json_object_get(payload, "parties");
	if (step == NULL || !json_is_array(parties))
		return corrupt(err, "step");
	keep(z->step, sizeof z->step, step);
	z->step_wall_ms = wall_ms;
	z->begun = true; // also where an end came before the record that says so
	z->effects++;
	uint32_t limits = 0;
	for (size_t i = 0; i < json_array_size(parties); i++) {
		const char *party = json_string_value(json_array_get(parties, i));
		int limit = party != NULL ? bulk_limit_find(s->definition, party) : -1;
		if (limit >= 0)
			limits |= UINT32_C(1) << limit;
	}
	for (size_t i = 0; i < s->definition->limit_count; i++)
		if (limits >> i & 1)
			apply_effect(
			        &s->lanes[zone->lanes[i]], s->definition->limits[i].effects, at_ms);
	return RESULT_OK;
}

static void note_canary(struct bulk_state *s, int64_t at_ms)
{
	bool over = s->definition->has_canary;
	for (size_t i = 0; over && i < s->definition->waves[0].count; i++)
		over = bulk_phase_is_over(s->zones[i].phase);
	if (!over)
		s->canary_over_ms = TIME_NEVER_MS;
	else if (s->canary_over_ms == TIME_NEVER_MS)
		s->canary_over_ms = at_ms;
}

static void enter(struct bulk_state *s, struct bulk_zone_state *z, enum bulk_phase phase,
        int64_t wall_ms, int64_t at_ms)
{
	z->phase = phase;
	z->phase_wall_ms = wall_ms;
	z->wish.is_set = false;
	note_canary(s, at_ms);
}

static void apply_end(struct bulk_state *s, struct bulk_zone_state *z, enum bulk_phase phase,
        const json_t *payload, int64_t wall_ms, int64_t at_ms)
{
	const char *text = json_string_value(json_object_get(payload, "text"));
	z->held = z->undoing = false;
	z->undo_wanted = z->undo_wanted && phase == BULK_FINISHED;
	z->key[0] = '\0';
	keep(z->text, sizeof z->text, text);
	enter(s, z, phase, wall_ms, at_ms);
}

static enum result apply_anomaly(
        struct bulk_state *s, struct bulk_zone_state *z, const json_t *payload, struct error *err)
{
	const char *key = json_string_value(json_object_get(payload, "key"));
	if (key == NULL)
		return corrupt(err, "key");
	keep(z->key, sizeof z->key, key);
	keep(z->text, sizeof z->text, json_string_value(json_object_get(payload, "text")));
	z->held = true;
	s->anomalies++;
	s->new_anomalies++;
	return RESULT_OK;
}

static enum result apply_to_zone(struct bulk_state *s, const struct bulk_zone *zone,
        struct bulk_zone_state *z, const char *state, int64_t wall_ms, int64_t at_ms,
        const json_t *payload, struct error *err)
{
	if (strcmp(state, "leave") == 0)
		return apply_leave(s, zone, z, wall_ms, at_ms, payload, err);
	if (strcmp(state, "anomaly") == 0)
		return apply_anomaly(s, z, payload, err);
	if (strcmp(state, "started") == 0) {
		z->started_ms = at_ms;
		z->text[0] = '\0';
		enter(s, z, BULK_STARTED, wall_ms, at_ms);
	} else if (strcmp(state, "begun") == 0)
		z->begun = true;
	else if (strcmp(state, "well") == 0)
		z->key[0] = '\0';
	else if (strcmp(state, "undoing") == 0) {
		z->undo_wanted = false;
		z->undoing = true;
		enter(s, z, BULK_STARTED, wall_ms, at_ms);
	} else if (strcmp(state, "finished") == 0)
		apply_end(s, z, BULK_FINISHED, payload, wall_ms, at_ms);
	else if (strcmp(state, "undone") == 0)
		apply_end(s, z, BULK_UNDONE, payload, wall_ms, at_ms);
	else if (strcmp(state, "aside") == 0)
		apply_end(s, z, BULK_ASIDE, payload, wall_ms, at_ms);
	return RESULT_OK;
}

static void halt(struct bulk_state *s, int64_t wall_ms, const char *by, const char *text)
{
	s->halted = true;
	s->halted_wall_ms = wall_ms;
	keep(s->halted_by, sizeof s->halted_by, by);
	keep(s->halted_text, sizeof s->halted_text, text);
}

static enum result apply_to_bulk(struct bulk_state *s, const char *state, int64_t wall_ms,
        const json_t *payload, struct error *err)
{
	if (strcmp(state, "created") == 0) {
		const char *digest = json_string_value(json_object_get(payload, "digest"));
		if (digest == NULL)
			return corrupt(err, "digest");
		keep(s->digest, sizeof s->digest, digest);
		s->is_created = true;
		s->created_wall_ms = wall_ms;
	} else if (strcmp(state, "halted") == 0)
		halt(s, wall_ms, json_string_value(json_object_get(payload, "by")),
		        json_string_value(json_object_get(payload, "text")));
	return RESULT_OK;
}

// ---- What people said --------------------------------------------------------------------------

static void apply_resume(
        struct bulk_state *s, const json_t *payload, int64_t wall_ms, int64_t at_ms)
{
	bool aside = json_is_true(json_object_get(payload, "aside"));
	s->halted = false;
	s->new_anomalies = 0;
	s->resumes++;
	for (size_t i = 0; i < s->definition->zone_count; i++) {
		struct bulk_zone_state *z = &s->zones[i];
		z->held = false;
		if (aside && z->phase == BULK_ASIDE)
			enter(s, z, BULK_TO_COME, wall_ms, at_ms);
	}
}

static bool is_named(const json_t *zones, const char *name)
{
	for (size_t i = 0; i < json_array_size(zones); i++) {
		const char *one = json_string_value(json_array_get(zones, i));
		if (one != NULL && strcmp(one, name) == 0)
			return true;
	}
	return !json_is_array(zones);
}

// Those whose change has started, and without names those only that are in mid-change.
static void apply_undo(struct bulk_state *s, const json_t *payload, int64_t wall_ms)
{
	const json_t *zones = json_object_get(payload, "zones");
	halt(s, wall_ms, "", "changes are being taken back");
	for (size_t i = 0; i < s->definition->zone_count; i++) {
		struct bulk_zone_state *z = &s->zones[i];
		bool meant = z->phase == BULK_STARTED ||
		             (z->phase == BULK_FINISHED && json_is_array(zones));
		if (meant && !z->undoing && is_named(zones, s->definition->zones[i].name))
			z->undo_wanted = true;
	}
}

enum result bulk_state_apply(struct bulk_state *state, enum journal_kind kind, const char *zone,
        int64_t wall_ms, int64_t at_ms, const json_t *payload, struct error *err)
{
	const char *word = json_string_value(json_object_get(payload, "state"));
	int index = zone[0] != '\0' ? bulk_zone_find(state->definition, zone) : -1;
	if (kind == JOURNAL_APPROVAL)
		apply_resume(state, payload, wall_ms, at_ms);
	else if (kind == JOURNAL_UNDO)
		apply_undo(state, payload, wall_ms);
	else if (kind == JOURNAL_NOTE && json_is_true(json_object_get(payload, "halt")))
		halt(state, wall_ms, "", "somebody said so");
	if (kind != JOURNAL_STATE || (zone[0] != '\0' && index < 0))
		return RESULT_OK;
	if (word == NULL)
		return corrupt(err, "state");
	return index < 0 ? apply_to_bulk(state, word, wall_ms, payload, err)
	                 : apply_to_zone(state, &state->definition->zones[index],
	                           &state->zones[index], word, wall_ms, at_ms, payload, err);
}
