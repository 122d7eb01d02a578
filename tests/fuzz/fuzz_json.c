// fuzz: links dep_base dep_jansson
// What json_parse_text() accepts has one canonical form, and that form parses to itself.
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *parse(const char *text, size_t length)
{
	json_t *value = NULL;
	struct error err = {0};
	enum result result = json_parse_text("input", text, length, 65536, &value, &err);
	if ((result == RESULT_OK) != (value != NULL) || (value == NULL && err.text[0] == '\0'))
		abort();
	return value;
}

static void write_canonical(const json_t *value, struct buffer *out)
{
	struct error err = {0};
	// Never longer than what was read: it loses white space and escapes, and gains nothing.
	if (json_write_canonical(value, out, &err) != RESULT_OK)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = parse((const char *)data, size);
	if (value == NULL)
		return 0;
	struct buffer once = buffer_init(65536), twice = buffer_init(65536);
	write_canonical(value, &once);
	json_t *again = parse(once.data, once.length);
	if (again == NULL || !json_equal(value, again))
		abort();
	write_canonical(again, &twice);
	if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0)
		abort();
	json_decref(value);
	json_decref(again);
	buffer_free(&once);
	buffer_free(&twice);
	return 0;
}
