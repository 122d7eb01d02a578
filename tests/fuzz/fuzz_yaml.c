// fuzz: links dep_base
// Any octets as a YAML document: refused with a place, or a tree that keeps what base/yaml.h
// promises.
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_tree(const struct yaml_node *node, int depth, size_t *nodes)
{
	require(depth <= YAML_MAX_DEPTH && ++*nodes <= YAML_MAX_NODES);
	require(node->line >= 1 && node->column >= 1 && strcmp(node->file, "fuzz") == 0);
	if (node->kind == YAML_SCALAR) {
		require(node->text != NULL && node->count == 0);
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		check_tree(node->items[i], depth + 1, nodes);
		if (node->kind == YAML_MAP) {
			require(node->keys[i]->kind == YAML_SCALAR);
			require(yaml_get(node, node->keys[i]->text) == node->items[i]);
		}
	}
}

static void try_values(const struct yaml_node *node)
{
	struct error err;
	const char *text;
	bool truth;
	int64_t number;
	yaml_text(node, "text", &text, &err);
	yaml_bool(node, "bool", &truth, &err);
	yaml_duration(node, "duration", &number, &err);
	if (yaml_integer(node, "integer", -5, 70000, &number, &err) == RESULT_OK)
		require(number >= -5 && number <= 70000);
	const char *const known[] = {"timeline", "start", "events", "until", NULL};
	yaml_known_keys(node, "a file", known, &err);
	for (size_t i = 0; i < node->count; i++)
		try_values(node->items[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	require(arena != NULL);
	const struct yaml_node *root = NULL;
	struct error err = {0};
	if (yaml_parse(arena, "fuzz", (const char *)data, size, &root, &err) == RESULT_OK) {
		size_t nodes = 0;
		check_tree(root, 0, &nodes);
		if (nodes < 2000)
			try_values(root);
	} else
		require(root == NULL && strncmp(err.text, "fuzz:", 5) == 0);
	arena_free(arena);
	return 0;
}
