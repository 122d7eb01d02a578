#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What jansson allows and the canonical form does not. Depth is checked first, so that a value
// which contains itself ends here, too.
static enum result check_value(
        const char *what, const json_t *value, unsigned depth, struct error *err);

static enum result check_object(
        const char *what, const json_t *object, unsigned depth, struct error *err)
{
	// json_object_iter() takes no const although it changes nothing.
	json_t *plain = (json_t *)(uintptr_t)object;
	for (void *i = json_object_iter(plain); i != NULL; i = json_object_iter_next(plain, i)) {
		if (memchr(json_object_iter_key(i), '\0', json_object_iter_key_len(i)) != NULL)
			return error_set(
			        err, RESULT_INPUT, "%s: a key contains a NUL character", what);
		enum result result = check_value(what, json_object_iter_value(i), depth + 1, err);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static enum result check_array(
        const char *what, const json_t *array, unsigned depth, struct error *err)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		enum result result = check_value(what, json_array_get(array, i), depth + 1, err);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static enum result check_value(
        const char *what, const json_t *value, unsigned depth, struct error *err)
{
	if (depth > JSON_MAX_DEPTH)
		return error_set(err, RESULT_LIMIT, "%s: nested deeper than the %d levels allowed",
		        what, JSON_MAX_DEPTH);
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return check_object(what, value, depth, err);
	case JSON_ARRAY:
		return check_array(what, value, depth, err);
	case JSON_REAL:
		return error_set(err, RESULT_INPUT,
		        "%s: %g is a number with a fraction or exponent, expected integers only",
		        what, json_real_value(value));
	case JSON_STRING:
		if (memchr(json_string_value(value), '\0', json_string_length(value)) != NULL)
			return error_set(
			        err, RESULT_INPUT, "%s: a text contains a NUL character", what);
		return RESULT_OK;
	case JSON_INTEGER:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
	default:
		return RESULT_OK;
	}
}

enum result json_parse_text(const char *what, const char *text, size_t length, size_t max_octets,
        json_t **value, struct error *err)
{
	if (length > max_octets)
		return error_set(err, RESULT_LIMIT, "%s: larger than the %zu octets allowed", what,
		        max_octets);
	json_error_t where;
	json_t *parsed = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
	if (parsed == NULL) {
		if (json_error_code(&where) == json_error_out_of_memory)
			return error_set(err, RESULT_MEMORY, "%s: no memory for it", what);
		if (json_error_code(&where) == json_error_stack_overflow)
			return error_set(err, RESULT_LIMIT,
			        "%s: nested deeper than the %d levels allowed", what,
			        JSON_MAX_DEPTH);
		return error_set(err, RESULT_INPUT, "%s:%d:%d: %s", what, where.line, where.column,
		        where.text);
	}
	enum result result = check_value(what, parsed, 1, err);
	if (result != RESULT_OK)
		json_decref(parsed);
	else
		*value = parsed;
	return result;
}

static int add_piece(const char *piece, size_t length, void *ctx)
{
	struct buffer *out = ctx;
	buffer_add(out, piece, length);
	return out->failed ? -1 : 0;
}

enum result json_write_canonical(const json_t *value, struct buffer *out, struct error *err)
{
	if (out->failed)
		return error_set(err, RESULT_LIMIT, "JSON: the text before it did not fit");
	if (!json_is_object(value) && !json_is_array(value))
		return error_set(err, RESULT_INPUT, "JSON: expected an object or an array");
	enum result result = check_value("JSON", value, 1, err);
	if (result != RESULT_OK)
		return result;
	size_t before = out->length;
	if (json_dump_callback(value, add_piece, out, JSON_SORT_KEYS | JSON_COMPACT) == 0)
		return RESULT_OK;
	bool full = out->failed;
	out->failed = false;
	out->length = before;
	if (out->data != NULL)
		out->data[before] = '\0';
	if (full)
		return error_set(
		        err, RESULT_LIMIT, "JSON: larger than the %zu octets allowed", out->max);
	return error_set(err, RESULT_INPUT, "JSON: a text in it is not valid UTF-8");
}

json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy = value == NULL ? strdup(text) : NULL;
	for (char *p = copy; p != NULL && *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	if (copy != NULL)
		value = json_string(copy);
	free(copy);
	return value;
}
