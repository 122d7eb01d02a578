// A YAML document as a tree whose every node knows its line and column, for files that people
// write.
//
//     const struct yaml_node *root;
//     if (yaml_parse(arena, "op.yaml", text, length, &root, err) != RESULT_OK) return err->code;
//     const struct yaml_node *steps = yaml_get(root, "steps");
//     if (steps == NULL || steps->kind != YAML_LIST)
//             return yaml_error(steps ? steps : root, err, "expected a list of steps");
//
// Mappings keep their order; duplicate keys are an error. Aliases (*x) and merge keys (<<) are
// resolved, within limits on depth, node count and size, so that no document can grow without
// bound; what a mapping says itself wins over what it merges, whose keys come behind its own. Tags,
// several documents in a file, control characters other than tab and line feed (also as escapes),
// and encodings other than UTF-8 are refused. All nodes live in the arena; aliases share them, the
// tree is therefore for reading only.
//
// Errors: RESULT_INPUT for what is no YAML or not wanted here, RESULT_LIMIT for a document that is
// too large or too deep (also: for the arena), each with file:line:column; RESULT_MEMORY.
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_MAX_OCTETS  (4u << 20)
#define YAML_MAX_DEPTH   32
#define YAML_MAX_NODES   200000
#define YAML_MAX_ANCHORS 1000

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	bool quoted;      // a scalar that was written in quotes: "true" is then a text
	int line, column; // from 1; of an alias the place where it is used
	const char *file;
	const char *text;               // scalar; NUL-terminated, without NUL inside
	size_t count;                   // children; of a map: pairs
	const struct yaml_node **items; // list items, or map values
	const struct yaml_node **keys;  // map keys: always scalars
};

enum result yaml_parse(struct arena *arena, const char *file, const char *data, size_t length,
        const struct yaml_node **root, struct error *err);
// file_read and yaml_parse in one.
enum result yaml_load(
        struct arena *arena, const char *path, const struct yaml_node **root, struct error *err);

// The value under key in a map, or NULL (also where map is no map).
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

// RESULT_INPUT with "file:line:column: " and the text.
enum result yaml_error(const struct yaml_node *node, struct error *err, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ // see base/error.h
#define yaml_error(node, err, ...) ((yaml_error)(node, err, __VA_ARGS__), RESULT_INPUT)
#endif

// Typed access: each says what it expected where the node is something else. `what` names the value
// in messages, "ttl".
enum result yaml_text(
        const struct yaml_node *node, const char *what, const char **text, struct error *err);
enum result yaml_bool(
        const struct yaml_node *node, const char *what, bool *value, struct error *err);
enum result yaml_duration(
        const struct yaml_node *node, const char *what, int64_t *ms, struct error *err);
enum result yaml_integer(const struct yaml_node *node, const char *what, int64_t min, int64_t max,
        int64_t *value, struct error *err);
enum result yaml_expect(
        const struct yaml_node *node, const char *what, enum yaml_kind kind, struct error *err);
// Every key of map must be one of known (NULL-terminated); the message offers the nearest known
// word.
enum result yaml_known_keys(
        const struct yaml_node *map, const char *what, const char *const *known, struct error *err);
// The word of known (NULL-terminated) nearest to text, or NULL where none is near.
const char *yaml_nearest(const char *text, const char *const *known);
