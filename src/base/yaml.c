#include "base/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"

// The tree is built from libyaml's events rather than from its document tree, because only the
// events still know which values carry a tag and where an alias was used, and so that nothing is
// ever built that the limits forbid.
struct anchor {
	const char *name;
	const struct yaml_node *node;
};

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	const char *file;
	struct error *err;
	size_t nodes; // so far; what an alias or a merge repeats counts again
	struct anchor anchors[YAML_MAX_ANCHORS];
	size_t anchor_count;
};

static enum result fail_at(
        struct reader *r, const yaml_mark_t *mark, enum result code, const char *text)
{
	return error_set(
	        r->err, code, "%s:%zu:%zu: %s", r->file, mark->line + 1, mark->column + 1, text);
}

static enum result fail_large(struct reader *r, const yaml_mark_t *mark)
{
	return fail_at(r, mark, RESULT_LIMIT, "the document is too large");
}

static enum result parser_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem != NULL ? p->problem : "not a YAML document";
	if (p->error == YAML_MEMORY_ERROR)
		return error_set(r->err, RESULT_MEMORY, "%s: no memory for it", r->file);
	if (p->error == YAML_READER_ERROR)
		return error_set(r->err, RESULT_INPUT, "%s: octet %zu: %s", r->file,
		        p->problem_offset, problem);
	if (p->context == NULL)
		return fail_at(r, &p->problem_mark, RESULT_INPUT, problem);
	return error_set(r->err, RESULT_INPUT, "%s:%zu:%zu: %s, %s that begins in line %zu",
	        r->file, p->problem_mark.line + 1, p->problem_mark.column + 1, problem, p->context,
	        p->context_mark.line + 1);
}

static enum result next_event(struct reader *r, yaml_event_t *event)
{
	return yaml_parser_parse(&r->parser, event) ? RESULT_OK : parser_error(r);
}

static enum result count_nodes(struct reader *r, const yaml_mark_t *mark, size_t n)
{
	if (n > YAML_MAX_NODES - r->nodes)
		return fail_at(r, mark, RESULT_LIMIT,
		        "too many values (what aliases repeat counts each time)");
	r->nodes += n;
	return RESULT_OK;
}

static enum result read_node(
        struct reader *r, const yaml_event_t *event, int depth, const struct yaml_node **out);

// Reads the next event and the node that it begins. An end of whatever kind gives *out = NULL.
static enum result read_next(struct reader *r, int depth, const struct yaml_node **out)
{
	yaml_event_t event;
	enum result result = next_event(r, &event);
	if (result != RESULT_OK)
		return result;
	*out = NULL;
	if (event.type != YAML_SEQUENCE_END_EVENT && event.type != YAML_MAPPING_END_EVENT)
		result = read_node(r, &event, depth, out);
	yaml_event_delete(&event);
	return result;
}

// What a terminal would obey: control characters other than tab and line feed, be they ASCII or
// U+0080 to U+009F. libyaml refuses most of them as they are, and takes all of them as escapes
// between double quotes.
static bool has_control_character(const char *value, size_t length)
{
	const unsigned char *p = (const unsigned char *)value, *end = p + length;
	for (; p < end; p++)
		if ((*p < 0x20 && *p != '\t' && *p != '\n') || *p == 0x7f ||
		        (*p == 0xc2 && p + 1 < end && p[1] < 0xa0))
			return true;
	return false;
}

static enum result read_scalar(struct reader *r, const yaml_event_t *event, struct yaml_node *node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	if (memchr(value, '\0', length) != NULL)
		return fail_at(r, &event->start_mark, RESULT_INPUT, "a NUL character in a text");
	if (has_control_character(value, length))
		return fail_at(
		        r, &event->start_mark, RESULT_INPUT, "a control character in a text");
	node->kind = YAML_SCALAR;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = arena_strndup(r->arena, value, length);
	return node->text != NULL ? RESULT_OK : fail_large(r, &event->start_mark);
}

// Children are collected in a list while their number is not known yet.
struct child {
	const struct yaml_node *key, *value;
	struct child *next;
};

struct children {
	struct child *first, **end;
	size_t count;
};

static enum result children_add(struct reader *r, const yaml_mark_t *mark,
        struct children *children, const struct yaml_node *key, const struct yaml_node *value)
{
	struct child *child = arena_alloc(r->arena, sizeof *child);
	if (child == NULL)
		return fail_large(r, mark);
	*child = (struct child){.key = key, .value = value};
	*children->end = child;
	children->end = &child->next;
	children->count++;
	return RESULT_OK;
}

static enum result read_list(
        struct reader *r, const yaml_mark_t *mark, int depth, struct yaml_node *node)
{
	struct children children = {.end = &children.first};
	for (;;) {
		const struct yaml_node *item;
		enum result result = read_next(r, depth + 1, &item);
		if (result == RESULT_OK && item == NULL)
			break;
		if (result == RESULT_OK)
			result = children_add(r, mark, &children, NULL, item);
		if (result != RESULT_OK)
			return result;
	}
	node->kind = YAML_LIST;
	node->items = arena_array(r->arena, children.count, sizeof *node->items);
	if (node->items == NULL)
		return fail_large(r, mark);
	for (const struct child *child = children.first; child != NULL; child = child->next)
		node->items[node->count++] = child->value;
	return RESULT_OK;
}

static bool is_merge_key(const struct yaml_node *key)
{
	return !key->quoted && strcmp(key->text, "<<") == 0;
}

// The pairs of a mapping, first its own in their order, then those of "<<".
struct entry {
	const struct yaml_node *key, *value;
	bool dropped;
};

struct entries {
	struct entry *at;
	size_t count, own;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	int order = strcmp(x->key->text, y->key->text);
	return order != 0 ? order : x < y ? -1 : x > y;
}

// Of equal keys the first one stays: what a mapping says itself wins over what it merges, an
// earlier merge over a later one. Twice among its own is an error. Sorting keeps this fast for any
// input.
static enum result drop_repeated(struct reader *r, struct entries *entries)
{
	struct entry **sorted = malloc(entries->count * sizeof *sorted);
	if (sorted == NULL)
		return error_set(r->err, RESULT_MEMORY, "%s: no memory for it", r->file);
	for (size_t i = 0; i < entries->count; i++)
		sorted[i] = &entries->at[i];
	qsort(sorted, entries->count, sizeof(struct entry *), compare_entries);
	const struct entry *first = sorted[0], *twice = NULL, *original = NULL;
	for (size_t i = 1; i < entries->count; i++) {
		if (strcmp(sorted[i]->key->text, first->key->text) != 0) {
			first = sorted[i];
			continue;
		}
		sorted[i]->dropped = true;
		if (sorted[i] < entries->at + entries->own &&
		        (twice == NULL || sorted[i] < twice)) {
			twice = sorted[i];
			original = first;
		}
	}
	free(sorted);
	if (twice == NULL)
		return RESULT_OK;
	return yaml_error(twice->key, r->err, "'%.60s' is there twice, first in line %d",
	        twice->key->text, original->key->line);
}

static enum result add_merged(struct reader *r, const yaml_mark_t *mark, struct entries *entries,
        const struct yaml_node *from)
{
	if (from->kind != YAML_MAP)
		return yaml_error(from, r->err, "'<<' merges a mapping, or a list of mappings");
	enum result result = count_nodes(r, mark, from->count);
	if (result != RESULT_OK)
		return result;
	struct entry *at =
	        realloc(entries->at, (entries->count + from->count + 1) * sizeof *entries->at);
	if (at == NULL)
		return error_set(r->err, RESULT_MEMORY, "%s: no memory for it", r->file);
	entries->at = at;
	for (size_t i = 0; i < from->count; i++)
		entries->at[entries->count++] =
		        (struct entry){.key = from->keys[i], .value = from->items[i]};
	return RESULT_OK;
}

static enum result collect_entries(struct reader *r, const yaml_mark_t *mark,
        const struct children *children, struct entries *entries)
{
	entries->at = malloc((children->count + 1) * sizeof *entries->at);
	if (entries->at == NULL)
		return error_set(r->err, RESULT_MEMORY, "%s: no memory for it", r->file);
	const struct child *child;
	for (child = children->first; child != NULL; child = child->next)
		if (!is_merge_key(child->key))
			entries->at[entries->count++] =
			        (struct entry){.key = child->key, .value = child->value};
	entries->own = entries->count;
	for (child = children->first; child != NULL; child = child->next) {
		if (!is_merge_key(child->key))
			continue;
		const struct yaml_node *from = child->value;
		enum result result = RESULT_OK;
		if (from->kind != YAML_LIST)
			result = add_merged(r, mark, entries, from);
		else
			for (size_t i = 0; result == RESULT_OK && i < from->count; i++)
				result = add_merged(r, mark, entries, from->items[i]);
		if (result != RESULT_OK)
			return result;
	}
	return entries->count > 0 ? drop_repeated(r, entries) : RESULT_OK;
}

static enum result fill_map(struct reader *r, const yaml_mark_t *mark,
        const struct entries *entries, struct yaml_node *node)
{
	size_t n = 0;
	for (size_t i = 0; i < entries->count; i++)
		n += !entries->at[i].dropped;
	node->kind = YAML_MAP;
	node->keys = arena_array(r->arena, n, sizeof *node->keys);
	node->items = arena_array(r->arena, n, sizeof *node->items);
	if (node->keys == NULL || node->items == NULL)
		return fail_large(r, mark);
	for (size_t i = 0; i < entries->count; i++)
		if (!entries->at[i].dropped) {
			node->keys[node->count] = entries->at[i].key;
			node->items[node->count++] = entries->at[i].value;
		}
	return RESULT_OK;
}

static enum result read_pairs(
        struct reader *r, const yaml_mark_t *mark, int depth, struct children *children)
{
	for (;;) {
		const struct yaml_node *key, *value;
		enum result result = read_next(r, depth + 1, &key);
		if (result != RESULT_OK || key == NULL)
			return result;
		if (key->kind != YAML_SCALAR)
			return yaml_error(key, r->err, "a key must be a word");
		result = read_next(r, depth + 1, &value);
		if (result == RESULT_OK && value == NULL)
			return yaml_error(key, r->err, "a key without a value");
		if (result == RESULT_OK)
			result = children_add(r, mark, children, key, value);
		if (result != RESULT_OK)
			return result;
	}
}

static enum result read_map(
        struct reader *r, const yaml_mark_t *mark, int depth, struct yaml_node *node)
{
	struct children children = {.end = &children.first};
	enum result result = read_pairs(r, mark, depth, &children);
	if (result != RESULT_OK)
		return result;
	struct entries entries = {0};
	result = collect_entries(r, mark, &children, &entries);
	if (result == RESULT_OK)
		result = fill_map(r, mark, &entries, node);
	free(entries.at);
	return result;
}

// An alias shares what its anchor holds, but is a node of its own, at its own place. What it
// repeats counts as if it were written out, since those who walk the tree will walk it again.
static enum result count_again(
        struct reader *r, const yaml_mark_t *mark, const struct yaml_node *node, int depth)
{
	if (depth > YAML_MAX_DEPTH)
		return fail_at(r, mark, RESULT_LIMIT, "nested too deeply");
	enum result result = count_nodes(r, mark, 1 + (node->kind == YAML_MAP ? node->count : 0));
	for (size_t i = 0; result == RESULT_OK && i < node->count; i++)
		result = count_again(r, mark, node->items[i], depth + 1);
	return result;
}

static enum result read_alias(
        struct reader *r, const yaml_event_t *event, int depth, const struct yaml_node **out)
{
	const char *name = (const char *)event->data.alias.anchor;
	size_t i = r->anchor_count;
	while (i > 0 && strcmp(r->anchors[i - 1].name, name) != 0)
		i--;
	if (i == 0)
		return error_set(r->err, RESULT_INPUT,
		        "%s:%zu:%zu: no '&%.60s' is complete before this '*%.60s'", r->file,
		        event->start_mark.line + 1, event->start_mark.column + 1, name, name);
	const struct yaml_node *target = r->anchors[i - 1].node;
	enum result result = count_again(r, &event->start_mark, target, depth);
	if (result != RESULT_OK)
		return result;
	struct yaml_node *node = arena_memdup(r->arena, target, sizeof *target);
	if (node == NULL)
		return fail_large(r, &event->start_mark);
	node->line = (int)event->start_mark.line + 1;
	node->column = (int)event->start_mark.column + 1;
	*out = node;
	return RESULT_OK;
}

static enum result keep_anchor(struct reader *r, const yaml_mark_t *mark, const yaml_char_t *name,
        const struct yaml_node *node)
{
	if (name == NULL)
		return RESULT_OK;
	if (r->anchor_count == YAML_MAX_ANCHORS)
		return fail_at(r, mark, RESULT_LIMIT, "too many anchors ('&…')");
	const char *copy = arena_strdup(r->arena, (const char *)name);
	if (copy == NULL)
		return fail_large(r, mark);
	r->anchors[r->anchor_count++] = (struct anchor){.name = copy, .node = node};
	return RESULT_OK;
}

static enum result read_content(
        struct reader *r, const yaml_event_t *event, int depth, struct yaml_node *node)
{
	const yaml_char_t *tag, *anchor;
	if (event->type == YAML_SCALAR_EVENT) {
		tag = event->data.scalar.tag;
		anchor = event->data.scalar.anchor;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		tag = event->data.sequence_start.tag;
		anchor = event->data.sequence_start.anchor;
	} else {
		tag = event->data.mapping_start.tag;
		anchor = event->data.mapping_start.anchor;
	}
	const yaml_mark_t *mark = &event->start_mark;
	if (tag != NULL)
		return fail_at(r, mark, RESULT_INPUT, "YAML tags ('!…') are not used here");
	enum result result = event->type == YAML_SCALAR_EVENT ? read_scalar(r, event, node)
	                     : event->type == YAML_SEQUENCE_START_EVENT
	                             ? read_list(r, mark, depth, node)
	                             : read_map(r, mark, depth, node);
	return result != RESULT_OK ? result : keep_anchor(r, mark, anchor, node);
}

static enum result read_node(
        struct reader *r, const yaml_event_t *event, int depth, const struct yaml_node **out)
{
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(r, event, depth, out);
	const yaml_mark_t *mark = &event->start_mark;
	if (depth > YAML_MAX_DEPTH)
		return fail_at(r, mark, RESULT_LIMIT, "nested too deeply");
	enum result result = count_nodes(r, mark, 1);
	if (result != RESULT_OK)
		return result;
	struct yaml_node *node = arena_alloc(r->arena, sizeof *node);
	if (node == NULL)
		return fail_large(r, mark);
	node->file = r->file;
	node->line = (int)mark->line + 1;
	node->column = (int)mark->column + 1;
	result = read_content(r, event, depth, node);
	if (result == RESULT_OK)
		*out = node;
	return result;
}

// Takes the next event, which must be of that type; `otherwise` is said where it is not.
static enum result expect_event(struct reader *r, yaml_event_type_t type, const char *otherwise)
{
	yaml_event_t event;
	enum result result = next_event(r, &event);
	if (result != RESULT_OK)
		return result;
	if (event.type != type)
		result = fail_at(r, &event.start_mark, RESULT_INPUT, otherwise);
	yaml_event_delete(&event);
	return result;
}

static enum result read_document(struct reader *r, const struct yaml_node **root)
{
	enum result result = expect_event(r, YAML_STREAM_START_EVENT, "not a YAML document");
	if (result == RESULT_OK)
		result = expect_event(r, YAML_DOCUMENT_START_EVENT, "an empty file");
	if (result == RESULT_OK)
		result = read_next(r, 0, root);
	if (result == RESULT_OK)
		result = expect_event(r, YAML_DOCUMENT_END_EVENT, "not a YAML document");
	if (result == RESULT_OK)
		result = expect_event(r, YAML_STREAM_END_EVENT,
		        "a second document begins, expected one in a file");
	return result;
}

enum result yaml_parse(struct arena *arena, const char *file, const char *data, size_t length,
        const struct yaml_node **root, struct error *err)
{
	if (length > YAML_MAX_OCTETS)
		return error_set(err, RESULT_LIMIT, "%s: larger than the %u octets allowed", file,
		        YAML_MAX_OCTETS);
	struct reader *r = calloc(1, sizeof *r);
	char *name = arena_strdup(arena, file);
	if (r == NULL || name == NULL || !yaml_parser_initialize(&r->parser)) {
		free(r);
		return error_set(err, RESULT_MEMORY, "%s: no memory for it", file);
	}
	r->arena = arena;
	r->file = name;
	r->err = err;
	// A byte order mark may begin the text (YAML 1.2, 5.2); the parser skips it only where it
	// has to find out the encoding.
	if (length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
		data += 3;
		length -= 3;
	}
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)data, length);
	const struct yaml_node *top = NULL;
	enum result result = read_document(r, &top);
	yaml_parser_delete(&r->parser);
	free(r);
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
