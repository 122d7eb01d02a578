#include "base/yaml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/clock.h"
#include "base/file.h"

struct reader {
	struct arena *arena;
	const char *file;
	yaml_document_t *document;
	struct error *err;
	size_t nodes;
};

static enum result fail_at(
        struct reader *r, const yaml_mark_t *mark, enum result code, const char *text)
{
	return error_set(
	        r->err, code, "%s:%zu:%zu: %s", r->file, mark->line + 1, mark->column + 1, text);
}

static enum result build(
        struct reader *r, const yaml_node_t *from, int depth, const struct yaml_node **out);

static enum result build_scalar(struct reader *r, const yaml_node_t *from, struct yaml_node *node)
{
	const char *value = (const char *)from->data.scalar.value;
	if (memchr(value, '\0', from->data.scalar.length) != NULL)
		return fail_at(r, &from->start_mark, RESULT_INPUT, "a NUL character in a text");
	node->kind = YAML_SCALAR;
	node->quoted = from->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_strndup(r->arena, value, from->data.scalar.length);
	return node->text != NULL
	               ? RESULT_OK
	               : fail_at(r, &from->start_mark, RESULT_LIMIT, "document too large");
}

static enum result build_list(
        struct reader *r, const yaml_node_t *from, int depth, struct yaml_node *node)
{
	size_t n = (size_t)(from->data.sequence.items.top - from->data.sequence.items.start);
	node->kind = YAML_LIST;
	node->items = arena_array(r->arena, n, sizeof *node->items);
	if (node->items == NULL)
		return fail_at(r, &from->start_mark, RESULT_LIMIT, "document too large");
	for (; node->count < n; node->count++) {
		int item = from->data.sequence.items.start[node->count];
		enum result result = build(r, yaml_document_get_node(r->document, item), depth + 1,
		        &node->items[node->count]);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static enum result map_add(struct reader *r, struct yaml_node *map, const struct yaml_node *key,
        const struct yaml_node *value, bool merged)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i]->text, key->text) == 0) {
			if (merged)
				return RESULT_OK; // what the map says itself wins over what it
				                  // merges
			return yaml_error(key, r->err, "'%.60s' is there twice, first in line %d",
			        key->text, map->keys[i]->line);
		}
	map->keys[map->count] = key;
	map->items[map->count++] = value;
	return RESULT_OK;
}

static size_t merge_count(const struct yaml_node *value)
{
	size_t n = value->kind == YAML_MAP ? value->count : 0;
	if (value->kind == YAML_LIST)
		for (size_t i = 0; i < value->count; i++)
			n += value->items[i]->kind == YAML_MAP ? value->items[i]->count : 0;
	return n;
}

static enum result merge_one(struct reader *r, struct yaml_node *map, const struct yaml_node *from)
{
	if (from->kind != YAML_MAP)
		return yaml_error(from, r->err, "'<<' merges a mapping, or a list of mappings");
	for (size_t i = 0; i < from->count; i++)
		map_add(r, map, from->keys[i], from->items[i], true);
	return RESULT_OK;
}

static enum result merge(struct reader *r, struct yaml_node *map, const struct yaml_node *value)
{
	if (value->kind != YAML_LIST)
		return merge_one(r, map, value);
	for (size_t i = 0; i < value->count; i++) {
		enum result result = merge_one(r, map, value->items[i]);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static bool is_merge_key(const struct yaml_node *key)
{
	return !key->quoted && strcmp(key->text, "<<") == 0;
}

static enum result build_map(
        struct reader *r, const yaml_node_t *from, int depth, struct yaml_node *node)
{
	const yaml_node_pair_t *start = from->data.mapping.pairs.start;
	size_t n = (size_t)(from->data.mapping.pairs.top - start);
	const struct yaml_node **pairs = arena_array(r->arena, n, 2 * sizeof *pairs);
	if (pairs == NULL)
		return fail_at(r, &from->start_mark, RESULT_LIMIT, "document too large");
	size_t room = n;
	for (size_t i = 0; i < n; i++) {
		const yaml_node_t *key = yaml_document_get_node(r->document, start[i].key);
		if (key == NULL || key->type != YAML_SCALAR_NODE)
			return fail_at(r, &from->start_mark, RESULT_INPUT, "a key must be a word");
		enum result result = build(r, key, depth + 1, &pairs[2 * i]);
		if (result == RESULT_OK)
			result = build(r, yaml_document_get_node(r->document, start[i].value),
			        depth + 1, &pairs[2 * i + 1]);
		if (result != RESULT_OK)
			return result;
		if (is_merge_key(pairs[2 * i]))
			room += merge_count(pairs[2 * i + 1]);
	}
	node->kind = YAML_MAP;
	node->keys = arena_array(r->arena, room, sizeof *node->keys);
	node->items = arena_array(r->arena, room, sizeof *node->items);
	if (node->keys == NULL || node->items == NULL)
		return fail_at(r, &from->start_mark, RESULT_LIMIT, "document too large");
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			if (is_merge_key(pairs[2 * i]) != (pass == 1))
				continue;
			enum result result =
			        pass == 0 ? map_add(r, node, pairs[2 * i], pairs[2 * i + 1], false)
			                  : merge(r, node, pairs[2 * i + 1]);
			if (result != RESULT_OK)
				return result;
		}
	return RESULT_OK;
}

static enum result build(
        struct reader *r, const yaml_node_t *from, int depth, const struct yaml_node **out)
{
	static const yaml_mark_t start = {0};
	if (from == NULL)
		return fail_at(r, &start, RESULT_INPUT, "broken document");
	if (depth > YAML_MAX_DEPTH)
		return fail_at(r, &from->start_mark, RESULT_LIMIT, "nested too deeply");
	if (++r->nodes > YAML_MAX_NODES)
		return fail_at(r, &from->start_mark, RESULT_LIMIT,
		        "too many values (aliases count each time)");
	struct yaml_node *node = arena_alloc(r->arena, sizeof *node);
	if (node == NULL)
		return fail_at(r, &from->start_mark, RESULT_LIMIT, "document too large");
	node->file = r->file;
	node->line = (int)from->start_mark.line + 1;
	node->column = (int)from->start_mark.column + 1;
	enum result result;
	switch (from->type) {
	case YAML_SCALAR_NODE:
		result = build_scalar(r, from, node);
		break;
	case YAML_SEQUENCE_NODE:
		result = build_list(r, from, depth, node);
		break;
	case YAML_MAPPING_NODE:
		result = build_map(r, from, depth, node);
		break;
	case YAML_NO_NODE:
	default:
		return fail_at(r, &from->start_mark, RESULT_INPUT, "broken document");
	}
	if (result == RESULT_OK)
		*out = node;
	return result;
}

static bool has_own_tag(const yaml_document_t *document)
{
	for (const yaml_node_t *n = document->nodes.start; n < document->nodes.top; n++) {
		const char *usual = n->type == YAML_SCALAR_NODE     ? YAML_DEFAULT_SCALAR_TAG
		                    : n->type == YAML_SEQUENCE_NODE ? YAML_DEFAULT_SEQUENCE_TAG
		                                                    : YAML_DEFAULT_MAPPING_TAG;
		if (n->tag != NULL && strcmp((const char *)n->tag, usual) != 0)
			return true;
	}
	return false;
}

static enum result parser_error(const yaml_parser_t *parser, const char *file, struct error *err)
{
	const char *problem = parser->problem != NULL ? parser->problem : "not a YAML document";
	return error_set(err, RESULT_INPUT, "%s:%zu:%zu: %s%s%s", file,
	        parser->problem_mark.line + 1, parser->problem_mark.column + 1, problem,
	        parser->context != NULL ? ", " : "",
	        parser->context != NULL ? parser->context : "");
}

static enum result build_document(struct arena *arena, const char *file, yaml_document_t *document,
        const struct yaml_node **root, struct error *err)
{
	const yaml_node_t *top = yaml_document_get_root_node(document);
	if (top == NULL)
		return error_set(err, RESULT_INPUT, "%s:1:1: empty file", file);
	if (has_own_tag(document))
		return error_set(err, RESULT_INPUT, "%s: YAML tags ('!…') are not used here", file);
	struct reader r = {.arena = arena, .document = document, .err = err};
	r.file = arena_strdup(arena, file);
	if (r.file == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory for it", file);
	return build(&r, top, 0, root);
}

// There must be nothing behind the first document.
static enum result expect_end(yaml_parser_t *parser, const char *file, struct error *err)
{
	yaml_document_t second;
	if (!yaml_parser_load(parser, &second))
		return parser_error(parser, file, err);
	const yaml_node_t *top = yaml_document_get_root_node(&second);
	enum result result =
	        top == NULL ? RESULT_OK
	                    : error_set(err, RESULT_INPUT,
	                              "%s:%zu:1: a second document begins; one a file is allowed",
	                              file, top->start_mark.line + 1);
	yaml_document_delete(&second);
	return result;
}

enum result yaml_parse(struct arena *arena, const char *file, const char *data, size_t length,
        const struct yaml_node **root, struct error *err)
{
	if (length > YAML_MAX_OCTETS)
		return error_set(err, RESULT_LIMIT, "%s: larger than the %u octets allowed", file,
		        YAML_MAX_OCTETS);
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		return error_set(err, RESULT_MEMORY, "%s: no memory for it", file);
	yaml_parser_set_input_string(&parser, (const unsigned char *)data, length);
	yaml_document_t document;
	enum result result;
	const struct yaml_node *top = NULL;
	if (!yaml_parser_load(&parser, &document))
		result = parser_error(&parser, file, err);
	else {
		result = build_document(arena, file, &document, &top, err);
		if (result == RESULT_OK)
			result = expect_end(&parser, file, err);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	if (result == RESULT_OK)
		*root = top;
	return result;
}

enum result yaml_load(
        struct arena *arena, const char *path, const struct yaml_node **root, struct error *err)
{
	char *data;
	size_t length;
	enum result result = file_read(arena, path, YAML_MAX_OCTETS, &data, &length, err);
	return result != RESULT_OK ? result : yaml_parse(arena, path, data, length, root, err);
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

enum result yaml_error(const struct yaml_node *node, struct error *err, const char *format, ...)
{
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return error_set(
	        err, RESULT_INPUT, "%s:%d:%d: %s", node->file, node->line, node->column, text);
}

static const char *kind_text(enum yaml_kind kind)
{
	return kind == YAML_SCALAR ? "a single value" : kind == YAML_LIST ? "a list" : "a mapping";
}

enum result yaml_expect(
        const struct yaml_node *node, const char *what, enum yaml_kind kind, struct error *err)
{
	if (node->kind == kind)
		return RESULT_OK;
	return yaml_error(
	        node, err, "'%s' is %s, expected %s", what, kind_text(node->kind), kind_text(kind));
}

enum result yaml_text(
        const struct yaml_node *node, const char *what, const char **text, struct error *err)
{
	enum result result = yaml_expect(node, what, YAML_SCALAR, err);
	if (result == RESULT_OK)
		*text = node->text;
	return result;
}

enum result yaml_bool(
        const struct yaml_node *node, const char *what, bool *value, struct error *err)
{
	enum result result = yaml_expect(node, what, YAML_SCALAR, err);
	if (result != RESULT_OK)
		return result;
	bool yes = strcmp(node->text, "true") == 0;
	if (node->quoted || (!yes && strcmp(node->text, "false") != 0))
		return yaml_error(
		        node, err, "'%s' is '%.60s', expected true or false", what, node->text);
	*value = yes;
	return RESULT_OK;
}

enum result yaml_duration(
        const struct yaml_node *node, const char *what, int64_t *ms, struct error *err)
{
	enum result result = yaml_expect(node, what, YAML_SCALAR, err);
	if (result != RESULT_OK)
		return result;
	struct error inner = {0};
	if (duration_parse(node->text, ms, &inner) != RESULT_OK)
		return yaml_error(node, err, "'%s': %s", what, inner.text);
	return RESULT_OK;
}

enum result yaml_integer(const struct yaml_node *node, const char *what, int64_t min, int64_t max,
        int64_t *value, struct error *err)
{
	enum result result = yaml_expect(node, what, YAML_SCALAR, err);
	if (result != RESULT_OK)
		return result;
	char *end;
	long long number = strtoll(node->text, &end, 10);
	if (node->quoted || node->text[0] == '\0' ||
	        strspn(node->text, "-0123456789") != strlen(node->text) || *end != '\0' ||
	        number < min || number > max)
		return yaml_error(node, err,
		        "'%s' is '%.60s', expected a whole number from %" PRId64 " to %" PRId64,
		        what, node->text, min, max);
	*value = number;
	return RESULT_OK;
}

// Edit distance, cut off above 2, on the first 40 characters.
static int distance(const char *a, const char *b)
{
	size_t n = strnlen(a, 40), m = strnlen(b, 40);
	int row[41];
	for (size_t j = 0; j <= m; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= n; i++) {
		int diagonal = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= m; j++) {
			int best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m];
}

const char *yaml_nearest(const char *text, const char *const *known)
{
	const char *best = NULL;
	int least = 3;
	for (; *known != NULL; known++) {
		int d = distance(text, *known);
		if (d < least && d < (int)strlen(*known)) {
			least = d;
			best = *known;
		}
	}
	return best;
}

static void list_words(const char *const *known, char *out, size_t size)
{
	size_t n = 0;
	out[0] = '\0';
	for (; *known != NULL && n < size; known++)
		n += (size_t)snprintf(out + n, size - n, "%s%s", n > 0 ? ", " : "", *known);
}

enum result yaml_known_keys(
        const struct yaml_node *map, const char *what, const char *const *known, struct error *err)
{
	enum result result = yaml_expect(map, what, YAML_MAP, err);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++) {
		const char *word = map->keys[i]->text;
		const char *const *k = known;
		while (*k != NULL && strcmp(*k, word) != 0)
			k++;
		if (*k != NULL)
			continue;
		const char *nearest = yaml_nearest(word, known);
		char all[240];
		list_words(known, all, sizeof all);
		result = nearest != NULL
		                 ? yaml_error(map->keys[i], err,
		                           "unknown word '%.60s' in %s, did you mean '%s'?", word,
		                           what, nearest)
		                 : yaml_error(map->keys[i], err,
		                           "unknown word '%.60s' in %s, expected one of: %s", word,
		                           what, all);
	}
	return result;
}
