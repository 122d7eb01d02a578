// How Baton says that something went wrong.
//
// Every function that can fail returns a result code and, where a sentence helps a person, fills
// the caller's struct error with one: what is wrong, where (file:line:column or octet offset), and
// what was expected or what to do next. Libraries never print and never log; commands print
// error.text, once.
//
//     struct error err = {0};
//     if (yaml_parse(arena, "op.yaml", text, len, &root, &err) != RESULT_OK)
//             die_usage("%s", err.text);
//     // op.yaml:3:7: unknown word 'stpes' in a procedure, did you mean 'steps'?
//
// Outputs are untouched on failure. A struct error is plain memory, nobody has to free it. Its text
// is one line: control characters, which may come from a file or a peer, are shown as "?".
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum result {
	RESULT_OK = 0,
	RESULT_INPUT,     // input that cannot be used: syntax, type, unknown word
	RESULT_LIMIT,     // a declared maximum was reached
	RESULT_MEMORY,    // out of memory
	RESULT_SYSTEM,    // an operating system call failed
	RESULT_NETWORK,   // the network or a peer failed
	RESULT_TIMEOUT,   // nothing came in time
	RESULT_REFUSED,   // a peer or a rule said no
	RESULT_CORRUPT,   // stored or received data contradicts itself
	RESULT_CONFLICT,  // somebody else was there first
	RESULT_NOT_FOUND, // the thing asked for does not exist
	RESULT_UNSUPPORTED,
	RESULT_COUNT,
};

struct error {
	enum result code;
	char text[500];
};

// A short English name of a result, "unusable input"; never NULL.
const char *result_text(enum result code);

// Fills err (which may be NULL) and returns code, so that callers can write
// `return error_set(err, RESULT_INPUT, "...", ...)`. Cuts the text where it does not fit. Arguments
// may point into err->text.
enum result error_set(struct error *err, enum result code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

// The same with the operating system's text of errno behind it; RESULT_SYSTEM.
enum result error_set_errno(struct error *err, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

// Puts text in front of an error that is already set: error_prefix(err, "%s: ", path).
void error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

// What the static analyser cannot see from a declaration: that these never return RESULT_OK.
#ifdef __clang_analyzer__
#define error_set(err, code, ...) ((error_set)(err, code, __VA_ARGS__), (code))
#define error_set_errno(err, ...) ((error_set_errno)(err, __VA_ARGS__), RESULT_SYSTEM)
#endif
