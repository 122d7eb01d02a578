// What all ways to act share: the request's form, and who is called.
#include "act/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *act_word_text(enum act_word word)
{
	static const char *const texts[] = {"done", "refused", "unknown", "not sent"};
	return (unsigned)word < sizeof texts / sizeof texts[0] ? texts[word] : "unknown";
}

const char *act_kind_text(enum act_kind kind)
{
	static const char *const texts[] = {"add", "remove", "replace"};
	return (unsigned)kind < sizeof texts / sizeof texts[0] ? texts[kind] : "unknown";
}

static enum result operation_check(const struct act_operation *operation, struct error *err)
{
	struct dns_name name;
	if ((unsigned)operation->kind > ACT_REPLACE)
		return error_set(err, RESULT_INPUT, "an operation of an unknown kind");
	if (operation->name == NULL || dns_name_parse(operation->name, &name, err) != RESULT_OK)
		return error_set(err, RESULT_INPUT, "an operation on a name that is none");
	if (operation->count > ACT_MAX_RECORDS || operation->old_count > ACT_MAX_RECORDS)
		return error_set(
		        err, RESULT_LIMIT, "more than %d records in an operation", ACT_MAX_RECORDS);
	if (operation->kind != ACT_REPLACE && (operation->old_count > 0 || operation->require_old))
		return error_set(err, RESULT_INPUT, "only a replacement knows what it replaces");
	if (operation->kind != ACT_REPLACE && operation->count == 0)
		return error_set(err, RESULT_INPUT, "an operation without a record");
	return RESULT_OK;
}

enum result act_request_check(const struct act_request *request, struct error *err)
{
	if (request->count == 0 && request->facts == NULL)
		return error_set(err, RESULT_INPUT, "a request that asks for nothing");
	if (request->count > ACT_MAX_OPERATIONS)
		return error_set(err, RESULT_LIMIT, "more than %d operations in one request",
		        ACT_MAX_OPERATIONS);
	for (size_t i = 0; i < request->count; i++) {
		enum result result = operation_check(&request->operations[i], err);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

// Takes the value; the object becomes NULL where it fails.
void act_put(json_t **object, const char *key, json_t *value)
{
	if (*object == NULL) {
		json_decref(value);
	} else if (value == NULL || json_object_set_new(*object, key, value) != 0) {
		json_decref(*object);
		*object = NULL;
	}
}

static json_t *texts_to_json(const char *const *texts, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < count; i++)
		if (json_array_append_new(list, json_string(texts[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *operation_to_json(const struct act_operation *operation)
{
	char type[DNS_TYPE_TEXT];
	json_t *object = json_object();
	act_put(&object, "kind", json_string(act_kind_text(operation->kind)));
	act_put(&object, "name", json_string(operation->name));
	act_put(&object, "type", json_string(dns_type_text(operation->type, type)));
	act_put(&object, "ttl_s", json_integer(operation->ttl_s));
	act_put(&object, "records", texts_to_json(operation->records, operation->count));
	if (operation->old_count > 0 || operation->require_old) {
		act_put(&object, "old", texts_to_json(operation->old, operation->old_count));
		act_put(&object, "require_old", json_boolean(operation->require_old));
	}
	return object;
}

static const char *text_of(const char *text)
{
	return text != NULL ? text : "";
}

enum result act_describe(
        const struct act *act, const struct act_request *request, json_t **json, struct error *err)
{
	enum result result = act_request_check(request, err);
	if (result != RESULT_OK)
		return result;
	json_t *object = json_object(), *operations = json_array();
	for (size_t i = 0; operations != NULL && i < request->count; i++)
		if (json_array_append_new(operations, operation_to_json(&request->operations[i])) !=
		        0) {
			json_decref(operations);
			operations = NULL;
		}
	act_put(&object, "by", json_string(act->ops->name));
	act_put(&object, "change", json_string(text_of(request->change)));
	act_put(&object, "step", json_string(text_of(request->step)));
	act_put(&object, "zone", json_string(text_of(request->zone)));
	act_put(&object, "operations", operations);
	if (request->facts != NULL)
		act_put(&object, "facts", json_deep_copy(request->facts));
	act->ops->describe(act, &object);
	if (object == NULL)
		return error_set(
		        err, RESULT_MEMORY, "out of memory, or a text that is no valid UTF-8");
	*json = object;
	return RESULT_OK;
}

enum result act_submit(struct act *act, const struct act_request *request, act_ended *ended,
        void *ctx, struct error *err)
{
	assert(ended != NULL);
	enum result result = act_request_check(request, err);
	return result == RESULT_OK ? act->ops->submit(act, request, ended, ctx, err) : result;
}

void act_free(struct act *act)
{
	if (act != NULL)
		act->ops->free(act);
}
