// Access to the values of a tree that yaml.c has read.
#include "base/yaml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i]->text, key) == 0)
			return map->items[i];
	return NULL;
}

enum result(yaml_error)(const struct yaml_node *node, struct error *err, const char *format, ...)
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
	errno = 0;
	long long number = strtoll(node->text, &end, 10);
	if (node->quoted || node->text[0] == '\0' || errno == ERANGE ||
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
