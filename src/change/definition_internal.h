// Private to src/change: the parts of a definition that are read in files of their own.
#pragma once

#include "base/yaml.h"
#include "change/definition.h"

// What is being read, into d; everything lives in the arena.
struct loader {
	struct arena *arena;
	struct change_definition *d;
	const struct yaml_node *root;
	struct error *err;
};

// RESULT_LIMIT, with a sentence: the arena is full.
enum result loader_no_memory(struct loader *l);
// A path that is relative is so to the definition's folder. NULL: the arena is full.
const char *loader_path_beside(struct loader *l, const char *path);
enum result loader_name(
        struct loader *l, const struct yaml_node *node, const char *what, struct dns_name *name);
// The value that `what` must have under the key.
enum result loader_need(struct loader *l, const struct yaml_node *map, const char *what,
        const char *key, const struct yaml_node **value);

// The mapping `parties`: servers, ways to act. RESULT_INPUT with file:line:column, RESULT_LIMIT.
enum result definition_parties(struct loader *l);

// The mapping `technical`. RESULT_INPUT with file:line:column, RESULT_LIMIT.
enum result change_technical_read(struct arena *arena, const char *file,
        const struct yaml_node *map, struct change_technical *technical, struct error *err);
