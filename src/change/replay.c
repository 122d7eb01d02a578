#include "change/replay.h"

#include <string.h>

#include "change/record.h"

enum { REPLAY_MAX_OCTETS = 32 << 20 };

enum result replay_init(struct replay *replay, struct error *err)
{
	memset(replay, 0, sizeof *replay);
	replay->arena = arena_new(REPLAY_MAX_OCTETS);
	return replay->arena != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "no memory");
}

void replay_free(struct replay *replay)
{
	observe_round_free(replay->last_round);
	observe_view_free(replay->view);
	observe_subject_free(replay->subject);
	json_decref(replay->keys);
	arena_free(replay->arena);
	memset(replay, 0, sizeof *replay);
}

enum result replay_begin(
        struct replay *replay, const struct change_definition *definition, struct error *err)
{
	enum result result = change_subject_new(definition, &replay->subject, err);
	if (result != RESULT_OK)
		return result;
	replay->view = observe_view_new(replay->subject);
	if (replay->view == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a view");
	replay->definition = definition;
	progress_init(&replay->progress, definition->procedure);
	return RESULT_OK;
}

static enum result apply_created(struct replay *replay, const json_t *payload, struct error *err)
{
	const struct change_definition *definition;
	if (replay->definition != NULL)
		return error_set(err, RESULT_CORRUPT, "a second change begins in the same journal");
	enum result result = change_record_definition(replay->arena, payload, &definition, err);
	return result == RESULT_OK ? replay_begin(replay, definition, err) : result;
}

enum result replay_round(struct replay *replay, struct observe_round *round, struct error *err)
{
	enum result result = observe_view_feed(replay->view, round, err);
	if (result != RESULT_OK) {
		observe_round_free(round);
		return result;
	}
	observe_round_free(replay->last_round);
	replay->last_round = round;
	return RESULT_OK;
}

static enum result apply_observation(
        struct replay *replay, const json_t *payload, struct error *err)
{
	struct observe_round *round;
	enum result result = observe_round_from_json(replay->subject, payload, &round, err);
	return result == RESULT_OK ? replay_round(replay, round, err) : result;
}

static enum result apply_gone(struct replay *replay, const json_t *payload, struct error *err)
{
	json_int_t publisher = json_integer_value(json_object_get(payload, "publisher"));
	int64_t at_ms;
	if (!change_record_time(json_object_get(payload, "at_ms"), &at_ms) || publisher < 1 ||
	        publisher >= (json_int_t)replay->subject->publisher_count)
		return error_set(err, RESULT_CORRUPT, "servers of nobody are said to be gone");
	const struct observe_publisher *p = &replay->subject->publishers[publisher];
	for (size_t s = 0; s < p->server_count; s++)
		for (size_t a = 0; a < p->servers[s].address_count; a++) {
			enum result result = observe_view_declare_gone(replay->view, (int)publisher,
			        &p->servers[s].addresses[a], at_ms, err);
			if (result != RESULT_OK && result != RESULT_NOT_FOUND)
				return result;
		}
	return RESULT_OK;
}

static enum result apply_state(struct replay *replay, const json_t *payload, struct error *err)
{
	const char *state = json_string_value(json_object_get(payload, "state"));
	if (state != NULL && strcmp(state, "gone") == 0)
		return apply_gone(replay, payload, err);
	if (state == NULL || strcmp(state, "keys") != 0)
		return RESULT_OK;
	json_decref(replay->keys);
	replay->keys = json_deep_copy(json_object_get(payload, "keys"));
	return replay->keys == NULL
	               ? error_set(
	                         err, RESULT_CORRUPT, "a record of the parties' keys without keys")
	               : change_keys_tell(replay->definition, replay->keys, replay->view, err);
}

enum result replay_apply(struct replay *replay, enum journal_kind kind, const char *step,
        int64_t time_ms, const json_t *payload, struct error *err)
{
	enum result result = RESULT_OK;
	if (kind == JOURNAL_CHANGE_CREATED)
		result = apply_created(replay, payload, err);
	else if (replay->definition == NULL)
		return RESULT_OK; // before the change was created nothing is about it
	else if (kind == JOURNAL_OBSERVATION)
		result = apply_observation(replay, payload, err);
	else if (kind == JOURNAL_STATE)
		result = apply_state(replay, payload, err);
	return result == RESULT_OK
	               ? progress_apply(&replay->progress, kind, step, time_ms, payload, err)
	               : result;
}
