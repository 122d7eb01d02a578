// The JSON form of a subject.
#include "observe/json.h"
#include "observe/subject.h"

#include <string.h>

static json_t *server_to_json(const struct observe_server *server)
{
	json_t *object = json_object(), *addresses = json_array();
	for (size_t i = 0; i < server->address_count; i++)
		json_push(&addresses, json_address(&server->addresses[i]));
	json_put(&object, "name", json_name(server->name.wire));
	json_put(&object, "addresses", addresses);
	return object;
}

static json_t *publisher_to_json(const struct observe_publisher *publisher)
{
	json_t *object = json_object(), *servers = json_array();
	for (size_t i = 0; i < publisher->server_count; i++)
		json_push(&servers, server_to_json(&publisher->servers[i]));
	json_put(&object, "name", json_string(publisher->name));
	json_put(&object, "lag_ms", json_integer(publisher->lag_ms));
	json_put(&object, "data_ttl_s", json_integer(publisher->data_ttl_s));
	json_put(&object, "samples_complete", json_boolean(publisher->samples_complete));
	json_put(&object, "servers", servers);
	return object;
}

static json_t *key_to_json(struct arena *scratch, const struct observe_known_key *key)
{
	json_t *object = json_object();
	const char *text = dns_key_text(key->key, scratch);
	json_put(&object, "name", json_string(key->name));
	json_put(&object, "key", text != NULL ? json_string(text) : NULL);
	return object;
}

static json_t *sample_to_json(const struct observe_sample *sample)
{
	json_t *object = json_object();
	json_put(&object, "name", json_name(sample->name.wire));
	json_put(&object, "type", json_rr_type(sample->type));
	return object;
}

static json_t *subject_to_json(struct arena *scratch, const struct observe_subject *subject)
{
	json_t *publishers = json_array(), *keys = json_array(), *samples = json_array();
	for (size_t i = 0; i < subject->publisher_count; i++)
		json_push(&publishers, publisher_to_json(&subject->publishers[i]));
	for (size_t i = 0; i < subject->key_count; i++)
		json_push(&keys, key_to_json(scratch, &subject->keys[i]));
	for (size_t i = 0; i < subject->sample_count; i++)
		json_push(&samples, sample_to_json(&subject->samples[i]));
	json_t *object = json_object();
	json_put(&object, "zone", json_name(subject->zone.wire));
	json_put(&object, "parent_zone", json_name(subject->parent_zone.wire));
	json_put(&object, "publishers", publishers);
	json_put(&object, "keys", keys);
	json_put(&object, "samples", samples);
	json_put(&object, "anchors", json_ds_list(subject->anchors, subject->anchor_count));
	json_put(&object, "past_since_ms", json_integer(subject->past_since_ms));
	json_put(&object, "max_hole_ms", json_integer(subject->max_hole_ms));
	json_put(&object, "ttl_floor_s", json_integer(subject->ttl_floor_s));
	return object;
}

enum result observe_subject_to_json(
        const struct observe_subject *subject, json_t **json, struct error *err)
{
	struct arena *scratch = arena_new(1u << 20);
	json_t *object = scratch != NULL ? subject_to_json(scratch, subject) : NULL;
	arena_free(scratch);
	if (object == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*json = object;
	return RESULT_OK;
}

static void server_from_json(
        struct reader *reader, struct observe_subject *subject, int publisher, const json_t *json)
{
	static const char *const members[] = {"name", "addresses", NULL};
	if (!reader_members(reader, json, "server", members))
		return;
	const char *name = reader_text(reader, json, "name");
	const json_t *addresses = reader_array(reader, json, "addresses", OBSERVE_MAX_ADDRESSES);
	if (reader->result == RESULT_OK)
		reader->result =
		        observe_subject_server(subject, publisher, name, NULL, reader->err);
	for (size_t i = 0; reader->result == RESULT_OK && i < json_array_size(addresses); i++) {
		struct address address;
		const char *text = json_string_value(json_array_get(addresses, i));
		if (text == NULL)
			reader_fail(reader, "addresses", "texts");
		else
			reader->result = address_parse(text, 53, &address, reader->err);
		if (reader->result == RESULT_OK)
			reader->result = observe_subject_server(
			        subject, publisher, name, &address, reader->err);
	}
}

static void publisher_from_json(
        struct reader *reader, struct observe_subject *subject, size_t number, const json_t *json)
{
	static const char *const members[] = {
	        "name", "lag_ms", "data_ttl_s", "samples_complete", "servers", NULL};
	if (!reader_members(reader, json, "publisher", members))
		return;
	const char *name = reader_text(reader, json, "name");
	int64_t lag_ms = reader_integer(reader, json, "lag_ms", 0, 100 * 366 * DAY_MS);
	uint32_t ttl_s = (uint32_t)reader_integer(reader, json, "data_ttl_s", 0, INT32_MAX);
	bool complete = reader_bool(reader, json, "samples_complete");
	const json_t *servers = reader_array(reader, json, "servers", OBSERVE_MAX_SERVERS);
	int publisher = 0;
	if (number == 0 && strcmp(name, "parent") != 0)
		reader_fail(reader, "publishers", "the parent as the first");
	if (number > 0 && reader->result == RESULT_OK)
		reader->result =
		        observe_subject_group(subject, name, lag_ms, &publisher, reader->err);
	if (reader->result != RESULT_OK)
		return;
	struct observe_publisher *made = &subject->publishers[publisher];
	made->lag_ms = lag_ms;
	made->data_ttl_s = ttl_s;
	made->samples_complete = complete;
	for (size_t i = 0; reader->result == RESULT_OK && i < json_array_size(servers); i++)
		server_from_json(reader, subject, publisher, json_array_get(servers, i));
}

static void key_from_json(
        struct reader *reader, struct observe_subject *subject, const json_t *json)
{
	static const char *const members[] = {"name", "key", NULL};
	if (!reader_members(reader, json, "key", members))
		return;
	const char *name = reader_text(reader, json, "name"),
	           *text = reader_text(reader, json, "key");
	if (reader->result == RESULT_OK)
		reader->result = observe_subject_key(subject, name, text, reader->err);
}

static void sample_from_json(
        struct reader *reader, struct observe_subject *subject, const json_t *json)
{
	static const char *const members[] = {"name", "type", NULL};
	if (!reader_members(reader, json, "sample", members))
		return;
	const char *name = reader_text(reader, json, "name");
	uint16_t type = reader_type(reader, json, "type");
	if (reader->result == RESULT_OK)
		reader->result = observe_subject_sample(subject, name, type, reader->err);
}

static void anchor_from_json(
        struct reader *reader, struct observe_subject *subject, const json_t *json)
{
	if (!json_is_string(json))
		reader_fail(reader, "anchors", "texts of DS records");
	else if (reader->result == RESULT_OK)
		reader->result =
		        observe_subject_anchor(subject, json_string_value(json), reader->err);
}

static void lists_from_json(
        struct reader *reader, struct observe_subject *subject, const json_t *json)
{
	const json_t *publishers = reader_array(reader, json, "publishers", SAFETY_MAX_PUBLISHERS);
	const json_t *keys = reader_array(reader, json, "keys", SAFETY_MAX_KEYS);
	const json_t *samples = reader_array(reader, json, "samples", OBSERVE_MAX_SAMPLES);
	const json_t *anchors = reader_array(reader, json, "anchors", OBSERVE_MAX_ANCHORS);
	if (reader->result == RESULT_OK && json_array_size(publishers) == 0)
		reader_fail(reader, "publishers", "the parent as the first");
	if (reader->result != RESULT_OK)
		return;
	for (size_t i = 0; i < json_array_size(publishers); i++)
		publisher_from_json(reader, subject, i, json_array_get(publishers, i));
	for (size_t i = 0; i < json_array_size(keys); i++)
		key_from_json(reader, subject, json_array_get(keys, i));
	for (size_t i = 0; i < json_array_size(samples); i++)
		sample_from_json(reader, subject, json_array_get(samples, i));
	for (size_t i = 0; i < json_array_size(anchors); i++)
		anchor_from_json(reader, subject, json_array_get(anchors, i));
}

enum result observe_subject_from_json(
        const json_t *json, struct observe_subject **subject, struct error *err)
{
	static const char *const members[] = {"zone", "parent_zone", "publishers", "keys",
	        "samples", "anchors", "past_since_ms", "max_hole_ms", "ttl_floor_s", NULL};
	struct reader reader = {.err = err};
	struct observe_subject *made = NULL;
	if (!reader_members(&reader, json, "subject", members))
		return reader.result;
	const char *zone = reader_text(&reader, json, "zone"),
	           *parent = reader_text(&reader, json, "parent_zone");
	if (reader.result == RESULT_OK)
		reader.result = observe_subject_new(zone, parent, &made, err);
	if (reader.result != RESULT_OK)
		return reader.result;
	made->past_since_ms =
	        reader_integer(&reader, json, "past_since_ms", TIME_EVER_MS, TIME_NEVER_MS);
	made->max_hole_ms = reader_integer(&reader, json, "max_hole_ms", 1, TIME_NEVER_MS);
	made->ttl_floor_s = (uint32_t)reader_integer(&reader, json, "ttl_floor_s", 0, INT32_MAX);
	lists_from_json(&reader, made, json);
	if (reader.result != RESULT_OK)
		observe_subject_free(made);
	else
		*subject = made;
	return reader.result;
}
