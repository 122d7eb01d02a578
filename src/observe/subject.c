// Building a subject.
#include "observe/subject.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_ARENA = 8u << 20 };

static enum result out_of_memory(struct error *err)
{
	return error_set(err, RESULT_MEMORY, "out of memory");
}

static enum result name_parse(const char *text, struct dns_name *name, struct error *err)
{
	struct dns_name parsed;
	enum result result = dns_name_parse(text, &parsed, err);
	if (result == RESULT_OK)
		dns_name_lower(name, parsed.wire);
	return result;
}

// Names of groups and keys go into histories, JSON and sentences.
static enum result label_copy(char to[SAFETY_NAME], const char *name, struct error *err)
{
	size_t n = strlen(name);
	if (n == 0 || n >= SAFETY_NAME)
		return error_set(err, RESULT_INPUT,
		        "a name of a group or key has 1 to %d characters, not %zu", SAFETY_NAME - 1,
		        n);
	for (size_t i = 0; i < n; i++)
		if (name[i] < 0x21 || name[i] > 0x7e)
			return error_set(err, RESULT_INPUT,
			        "a name of a group or key has no spaces and only ASCII letters");
	memset(to, 0, SAFETY_NAME); // with the final zero
	for (size_t i = 0; i < n; i++)
		to[i] = name[i];
	return RESULT_OK;
}

static enum result publisher_add(struct observe_subject *subject, const char *name, int64_t lag_ms,
        int *number, struct error *err)
{
	if (subject->publisher_count >= SAFETY_MAX_PUBLISHERS)
		return error_set(err, RESULT_LIMIT, "more than %d groups of name servers",
		        SAFETY_MAX_PUBLISHERS - 1);
	if (lag_ms < 0)
		return error_set(err, RESULT_INPUT, "a lag below zero");
	struct observe_publisher added = {.lag_ms = lag_ms};
	enum result result = label_copy(added.name, name, err);
	if (result != RESULT_OK)
		return result;
	added.servers = arena_array(subject->arena, OBSERVE_MAX_SERVERS, sizeof *added.servers);
	if (added.servers == NULL)
		return out_of_memory(err);
	*number = (int)subject->publisher_count++;
	subject->publishers[*number] = added;
	return RESULT_OK;
}

static enum result zones_set(
        struct observe_subject *subject, const char *zone, const char *parent, struct error *err)
{
	enum result result = name_parse(zone, &subject->zone, err);
	if (result != RESULT_OK)
		return result;
	if (dns_name_labels(subject->zone.wire) == 0)
		return error_set(err, RESULT_INPUT, "the root has no parent to be observed at");
	if (parent == NULL) {
		dns_name_copy(&subject->parent_zone, dns_name_parent(subject->zone.wire));
		return RESULT_OK;
	}
	result = name_parse(parent, &subject->parent_zone, err);
	if (result == RESULT_OK &&
	        (dns_name_equal(subject->zone.wire, subject->parent_zone.wire) ||
	                !dns_name_is_subdomain(subject->zone.wire, subject->parent_zone.wire)))
		return error_set(err, RESULT_INPUT, "%s is not below %s", zone, parent);
	return result;
}

enum result observe_subject_new(
        const char *zone, const char *parent, struct observe_subject **subject, struct error *err)
{
	struct arena *arena = arena_new(SUBJECT_ARENA);
	struct observe_subject *made = arena != NULL ? arena_alloc(arena, sizeof *made) : NULL;
	if (made == NULL) {
		arena_free(arena);
		return out_of_memory(err);
	}
	made->arena = arena;
	made->past_since_ms = TIME_NEVER_MS;
	made->max_hole_ms = HOUR_MS;
	int number;
	enum result result = zones_set(made, zone, parent, err);
	if (result == RESULT_OK)
		result = publisher_add(made, "parent", 0, &number, err);
	if (result != RESULT_OK)
		arena_free(arena);
	else
		*subject = made;
	return result;
}

void observe_subject_free(struct observe_subject *subject)
{
	if (subject == NULL)
		return;
	for (size_t i = 0; i < subject->key_count; i++)
		dns_key_unref(subject->keys[i].key);
	arena_free(subject->arena);
}

int observe_subject_find(const struct observe_subject *subject, const char *name)
{
	for (size_t i = 0; i < subject->publisher_count; i++)
		if (strcmp(subject->publishers[i].name, name) == 0)
			return (int)i;
	return -1;
}

enum result observe_subject_group(struct observe_subject *subject, const char *name, int64_t lag_ms,
        int *publisher, struct error *err)
{
	if (observe_subject_find(subject, name) >= 0)
		return error_set(err, RESULT_CONFLICT, "there are two groups named %s", name);
	return publisher_add(subject, name, lag_ms, publisher, err);
}

static enum result server_get(struct observe_publisher *publisher, const struct dns_name *name,
        struct observe_server **server, struct error *err)
{
	for (size_t i = 0; i < publisher->server_count; i++)
		if (dns_name_equal(publisher->servers[i].name.wire, name->wire)) {
			*server = &publisher->servers[i];
			return RESULT_OK;
		}
	if (publisher->server_count == OBSERVE_MAX_SERVERS)
		return error_set(err, RESULT_LIMIT, "%s has more than %d name servers",
		        publisher->name, OBSERVE_MAX_SERVERS);
	*server = &publisher->servers[publisher->server_count++];
	(*server)->name = *name;
	return RESULT_OK;
}

enum result observe_subject_server(struct observe_subject *subject, int publisher, const char *name,
        const struct address *address, struct error *err)
{
	assert(publisher >= 0 && (size_t)publisher < subject->publisher_count);
	struct dns_name parsed = {0};
	struct observe_server *server = NULL;
	enum result result = name_parse(name, &parsed, err);
	if (result == RESULT_OK)
		result = server_get(&subject->publishers[publisher], &parsed, &server, err);
	if (result != RESULT_OK || address == NULL)
		return result;
	if (address->family == 0 || address->port == 0)
		return error_set(err, RESULT_INPUT, "an address of %s is none", name);
	for (size_t i = 0; i < server->address_count; i++)
		if (address_equal(&server->addresses[i], address))
			return RESULT_OK;
	if (server->address_count == OBSERVE_MAX_ADDRESSES)
		return error_set(err, RESULT_LIMIT, "%s has more than %d addresses", name,
		        OBSERVE_MAX_ADDRESSES);
	server->addresses[server->address_count++] = *address;
	return RESULT_OK;
}

enum result observe_subject_key(
        struct observe_subject *subject, const char *name, const char *text, struct error *err)
{
	char label[SAFETY_NAME];
	struct dns_key *key;
	enum result result = label_copy(label, name, err);
	if (result == RESULT_OK)
		result = dns_key_parse(subject->zone.wire, text, &key, err);
	if (result != RESULT_OK)
		return result;
	for (size_t i = 0; i < subject->key_count; i++)
		if (dns_key_equal(subject->keys[i].key, key)) {
			memcpy(subject->keys[i].name, label, sizeof label);
			dns_key_unref(key);
			return RESULT_OK;
		}
	if (subject->key_count == SAFETY_MAX_KEYS) {
		dns_key_unref(key);
		return error_set(err, RESULT_LIMIT, "more than %d keys", SAFETY_MAX_KEYS);
	}
	struct observe_known_key *known = &subject->keys[subject->key_count++];
	memcpy(known->name, label, sizeof label);
	known->key = key;
	return RESULT_OK;
}

enum result observe_subject_sample(
        struct observe_subject *subject, const char *name, uint16_t type, struct error *err)
{
	struct observe_sample sample = {.type = type};
	enum result result = name_parse(name, &sample.name, err);
	if (result != RESULT_OK)
		return result;
	result = dns_type_check_data(type, err);
	if (result != RESULT_OK)
		return result;
	if (!dns_name_is_subdomain(sample.name.wire, subject->zone.wire))
		return error_set(err, RESULT_INPUT, "the sample %s is not inside the zone", name);
	for (size_t i = 0; i < subject->sample_count; i++)
		if (subject->samples[i].type == type &&
		        dns_name_equal(subject->samples[i].name.wire, sample.name.wire))
			return RESULT_OK;
	if (subject->sample_count == OBSERVE_MAX_SAMPLES)
		return error_set(err, RESULT_LIMIT, "more than %d samples", OBSERVE_MAX_SAMPLES);
	subject->samples[subject->sample_count++] = sample;
	return RESULT_OK;
}

enum result observe_subject_anchor(
        struct observe_subject *subject, const char *text, struct error *err)
{
	struct dns_ds ds;
	enum result result = dns_ds_parse(text, &ds, err);
	if (result != RESULT_OK)
		return result;
	if (subject->anchor_count == OBSERVE_MAX_ANCHORS)
		return error_set(err, RESULT_LIMIT, "more than %d anchors", OBSERVE_MAX_ANCHORS);
	subject->anchors[subject->anchor_count++] = ds;
	return RESULT_OK;
}

uint32_t observe_subject_ttl_s(
        const struct observe_subject *subject, int publisher, int kind, uint32_t ttl_s)
{
	uint32_t declared_s = subject->publishers[publisher].data_ttl_s;
	if (kind == SAFETY_DATA && declared_s > ttl_s)
		ttl_s = declared_s;
	return ttl_s > subject->ttl_floor_s ? ttl_s : subject->ttl_floor_s;
}
