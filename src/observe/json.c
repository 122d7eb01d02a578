#include "observe/json.h"

#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void json_put(json_t **object, const char *key, json_t *value)
{
	if (*object == NULL) {
		json_decref(value);
		return;
	}
	if (value == NULL || json_object_set_new(*object, key, value) != 0) {
		json_decref(*object);
		*object = NULL;
	}
}

void json_push(json_t **array, json_t *value)
{
	if (*array == NULL) {
		json_decref(value);
		return;
	}
	if (value == NULL || json_array_append_new(*array, value) != 0) {
		json_decref(*array);
		*array = NULL;
	}
}

json_t *json_name(const uint8_t *name)
{
	char text[DNS_NAME_TEXT];
	return json_string(dns_name_text(name, text));
}

json_t *json_address(const struct address *address)
{
	char text[ADDRESS_TEXT];
	return json_string(address->family == 0 ? "" : address_format(address, text));
}

json_t *json_rr_type(uint16_t type)
{
	char text[DNS_TYPE_TEXT];
	return json_string(dns_type_text(type, text));
}

json_t *json_ds_list(const struct dns_ds *ds, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		char text[DNS_DS_TEXT];
		json_push(&list, json_string(dns_ds_text(&ds[i], text)));
	}
	return list;
}

json_t *json_bits(uint64_t bits)
{
	json_t *list = json_array();
	for (; bits != 0; bits &= bits - 1)
		json_push(&list, json_integer(__builtin_ctzll(bits)));
	return list;
}

json_t *json_hex(const uint8_t *octets, size_t n)
{
	char text[2 * 64 + 1];
	return json_string(hex_lower(octets, n < 64 ? n : 64, text));
}

bool reader_fail(struct reader *reader, const char *what, const char *expected)
{
	if (reader->result == RESULT_OK)
		reader->result =
		        error_set(reader->err, RESULT_INPUT, "%s: expected %s", what, expected);
	return false;
}

bool reader_members(
        struct reader *reader, const json_t *object, const char *what, const char *const *names)
{
	if (reader->result != RESULT_OK)
		return false;
	if (!json_is_object(object))
		return reader_fail(reader, what, "an object");
	size_t count = 0;
	for (; names[count] != NULL; count++)
		if (json_object_get(object, names[count]) == NULL)
			return reader_fail(reader, what, names[count]);
	if (json_object_size(object) != count)
		return reader_fail(reader, what, "no other members than the known ones");
	return true;
}

const char *reader_text(struct reader *reader, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	if (text == NULL)
		reader_fail(reader, key, "a text");
	return text != NULL ? text : "";
}

int64_t reader_integer(
        struct reader *reader, const json_t *object, const char *key, int64_t min, int64_t max)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_integer(value) || json_integer_value(value) < min ||
	        json_integer_value(value) > max) {
		char expected[80];
		snprintf(expected, sizeof expected, "an integer from %" PRId64 " to %" PRId64, min,
		        max);
		reader_fail(reader, key, expected);
		return min;
	}
	return json_integer_value(value);
}

bool reader_bool(struct reader *reader, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_boolean(value))
		reader_fail(reader, key, "true or false");
	return json_is_true(value);
}

const json_t *reader_array(struct reader *reader, const json_t *object, const char *key, size_t max)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_array(value)) {
		reader_fail(reader, key, "a list");
		return NULL;
	}
	if (json_array_size(value) > max) {
		if (reader->result == RESULT_OK)
			reader->result = error_set(
			        reader->err, RESULT_LIMIT, "%s: more than %zu members", key, max);
		return NULL;
	}
	return value;
}

void reader_name(
        struct reader *reader, const json_t *object, const char *key, struct dns_name *name)
{
	const char *text = reader_text(reader, object, key);
	struct dns_name parsed;
	if (reader->result == RESULT_OK)
		reader->result = dns_name_parse(text, &parsed, reader->err);
	if (reader->result == RESULT_OK)
		dns_name_lower(name, parsed.wire);
	else
		memset(name, 0, sizeof *name);
}

void reader_address(
        struct reader *reader, const json_t *object, const char *key, struct address *address)
{
	const char *text = reader_text(reader, object, key);
	memset(address, 0, sizeof *address);
	if (reader->result == RESULT_OK && text[0] != '\0')
		reader->result = address_parse(text, 53, address, reader->err);
}

uint16_t reader_type(struct reader *reader, const json_t *object, const char *key)
{
	const char *text = reader_text(reader, object, key);
	uint16_t type = 0;
	if (reader->result == RESULT_OK)
		reader->result = dns_type_parse(text, &type, reader->err);
	return type;
}

uint64_t reader_bits(struct reader *reader, const json_t *object, const char *key, size_t below)
{
	const json_t *list = reader_array(reader, object, key, 64);
	uint64_t bits = 0;
	for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		json_int_t n = json_integer_value(value);
		if (!json_is_integer(value) || n < 0 || (uint64_t)n >= below) {
			reader_fail(reader, key, "numbers out of the table that they refer to");
			return 0;
		}
		bits |= UINT64_C(1) << n;
	}
	return bits;
}

void reader_hex(
        struct reader *reader, const json_t *object, const char *key, uint8_t *octets, size_t n)
{
	const char *text = reader_text(reader, object, key);
	memset(octets, 0, n);
	if (!hex_read_lower(text, octets, n))
		reader_fail(reader, key, "hexadecimal digits in lower case, as many as a hash has");
}

void reader_ds_list(struct reader *reader, const json_t *object, const char *key, size_t max,
        const struct dns_ds **ds, size_t *count)
{
	const json_t *list = reader_array(reader, object, key, max);
	*count = 0;
	*ds = NULL;
	if (list == NULL || json_array_size(list) == 0 || reader->result != RESULT_OK)
		return;
	struct dns_ds *read = arena_array(reader->arena, json_array_size(list), sizeof *read);
	if (read == NULL) {
		reader->result = error_set(reader->err, RESULT_MEMORY, "out of memory");
		return;
	}
	for (size_t i = 0; i < json_array_size(list) && reader->result == RESULT_OK; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text == NULL)
			reader_fail(reader, key, "texts of DS records");
		else
			reader->result = dns_ds_parse(text, &read[i], reader->err);
	}
	*ds = read;
	*count = json_array_size(list);
}

unsigned reader_word(struct reader *reader, const json_t *object, const char *key,
        const char *(*text_of)(unsigned), unsigned count)
{
	const char *text = reader_text(reader, object, key);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(text, text_of(i)) == 0)
			return i;
	reader_fail(reader, key, "a known word");
	return 0;
}
