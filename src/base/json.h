// JSON within limits, and in one canonical form, for what is hashed, stored or compared.
//
//     json_t *value;
//     if (json_parse_text("payload", text, length, 64 * 1024, &value, err) != RESULT_OK)
//             return err->code;             // "payload:1:14: duplicate object key near '"a"'"
//     struct buffer out = buffer_init(64 * 1024);
//     enum result result = json_write_canonical(value, &out, err);
//     json_decref(value);
//
// The canonical form: an object or an array, keys sorted by octets, no white space, integers of 64
// bits only (no fractions, no exponents: they have no single form), UTF-8 as it is, and only the
// escapes that JSON demands. What json_parse_text() accepts can be written, and what was written
// can be parsed and gives the same octets again.
//
// Values are jansson's, counted by reference: json_decref() by whoever got one.
//
// Errors: RESULT_INPUT for what is no such JSON, RESULT_LIMIT for too many octets or too deep
// nesting, RESULT_MEMORY.
#pragma once

#include "base/buffer.h"
#include "base/error.h"

#include <jansson.h>

// Objects and arrays within one another; the outermost is 1.
#define JSON_MAX_DEPTH 32

// Parses length octets; duplicate keys, fractions, NUL characters, invalid UTF-8 and anything after
// the value are errors. `what` names the text in messages ("what:line:column: ...").
enum result json_parse_text(const char *what, const char *text, size_t length, size_t max_octets,
        json_t **value, struct error *err);

// A string of a text from outside, such as the name of a file, which may be of any octets: where it
// is no UTF-8, each octet that is no ASCII becomes "?". NULL without memory.
json_t *json_text(const char *text);

// Adds the canonical form to a buffer, whose maximum is the limit. On failure the buffer is as it
// was.
enum result json_write_canonical(const json_t *value, struct buffer *out, struct error *err);
