#include "bulk/zones.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/name.h"

// Neither a quote nor anything with which YAML begins a list, a mapping, a comment or a second key.
static bool is_harmless(const char *value)
{
	for (const char *c = value; *c != '\0'; c++) {
		bool colon = *c == ':' && (c[1] == ' ' || c[1] == '\0');
		if (colon || !(isalnum((unsigned char)*c) || strchr(" ._-/+=:@~", *c) != NULL))
			return false;
	}
	return value[0] != '\0' && value[0] != ' ' && value[0] != '-' && value[0] != '@';
}

enum result bulk_zone_set(struct arena *arena, const char *where, const char *name,
        const char *const *values, size_t count, struct bulk_zone *zone, struct error *err)
{
	struct dns_name wire;
	struct error inner = {0};
	char text[DNS_NAME_TEXT];
	if (dns_name_parse(name, &wire, &inner) != RESULT_OK)
		return error_set(err, RESULT_INPUT, "%s: %s", where, inner.text);
	dns_name_lower(&wire, wire.wire);
	dns_name_text(wire.wire, text);
	text[strlen(text) - 1] = '\0';
	if (text[0] == '\0' || !is_harmless(text))
		return error_set(err, RESULT_INPUT,
		        "%s: '%.80s' is no name of a zone that can be changed: letters, digits, "
		        "hyphens, underscores and full stops",
		        where, name);
	for (size_t i = 0; i < count; i++)
		if (!is_harmless(values[i]))
			return error_set(err, RESULT_INPUT,
			        "%s: '%.60s' has letters that mean something in YAML; allowed are "
			        "letters, digits, spaces and . _ - / + = : @ ~",
			        where, values[i]);
	const char *copy = arena_strdup(arena, text);
	if (copy == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too many zones", where);
	*zone = (struct bulk_zone){.name = copy, .values = values};
	return RESULT_OK;
}

// ---- The file --------------------------------------------------------------------------------

struct reader {
	struct arena *arena;
	const char *file, *at, *end;
	size_t columns;
	int line;
	struct error *err;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

// The next word of the line, NULL where there is none; with *result as it went.
static const char *next_word(struct reader *r, enum result *result)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
	if (r->at == r->end || *r->at == '\n' || *r->at == '#')
		return NULL;
	bool quoted = *r->at == '"';
	const char *begin = r->at += quoted;
	while (r->at < r->end && *r->at != '\n' && (quoted ? *r->at != '"' : !is_blank(*r->at)))
		r->at++;
	if (quoted && (r->at == r->end || *r->at != '"')) {
		*result = error_set(
		        r->err, RESULT_INPUT, "%s:%d: a quote has no end", r->file, r->line);
		return NULL;
	}
	size_t n = (size_t)(r->at - begin);
	r->at += quoted;
	if (memchr(begin, '\0', n) != NULL) {
		*result = error_set(
		        r->err, RESULT_INPUT, "%s:%d: there is a NUL in it", r->file, r->line);
		return NULL;
	}
	char *word = arena_strndup(r->arena, begin, n);
	if (word == NULL)
		*result =
		        error_set(r->err, RESULT_LIMIT, "%s:%d: too many zones", r->file, r->line);
	return word;
}

static enum result read_line(struct reader *r, struct bulk_zone *zone, bool *is_zone)
{
	const char *words[BULK_MAX_COLUMNS + 2];
	size_t n = 0;
	enum result result = RESULT_OK;
	char where[200];
	for (const char *word; n < BULK_MAX_COLUMNS + 2; n++) {
		if ((word = next_word(r, &result)) == NULL)
			break;
		words[n] = word;
	}
	while (r->at < r->end && *r->at != '\n')
		r->at++;
	*is_zone = n > 0;
	if (result != RESULT_OK || n == 0)
		return result;
	if (n != r->columns + 1)
		return error_set(r->err, RESULT_INPUT,
		        "%s:%d: expected a zone and %zu columns behind it, found %s%zu words",
		        r->file, r->line, r->columns, n == BULK_MAX_COLUMNS + 2 ? "at least " : "",
		        n);
	const char **values = arena_memdup(r->arena, words, (r->columns + 1) * sizeof *words);
	snprintf(where, sizeof where, "%.150s:%d", r->file, r->line);
	if (values == NULL)
		return error_set(r->err, RESULT_LIMIT, "%s: too many zones", where);
	result = bulk_zone_set(r->arena, where, words[0], values + 1, r->columns, zone, r->err);
	zone->line = r->line;
	return result;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t n = 1;
	for (size_t i = 0; i < length; i++)
		n += text[i] == '\n';
	return n;
}

enum result bulk_zones_parse(struct arena *arena, const char *file, const char *text, size_t length,
        size_t columns, struct bulk_zone **zones, size_t *count, struct error *err)
{
	struct reader r = {arena, file, text, text + length, columns, 0, err};
	size_t lines = count_lines(text, length), n = 0;
	struct bulk_zone *list = arena_array(
	        arena, (lines < BULK_MAX_ZONES ? lines : BULK_MAX_ZONES) + 1, sizeof *list);
	if (list == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", file);
	for (; r.at < r.end; r.at += r.at < r.end) {
		bool is_zone = false;
		r.line++;
		enum result result = read_line(&r, &list[n], &is_zone);
		if (result != RESULT_OK)
			return result;
		if (is_zone && ++n > BULK_MAX_ZONES)
			return error_set(err, RESULT_LIMIT, "%s:%d: more than %d zones", file,
			        r.line, BULK_MAX_ZONES);
	}
	*zones = list;
	*count = n;
	return RESULT_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct bulk_zone *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);
	return order != 0 ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

enum result bulk_zones_check(struct arena *arena, const char *file, const struct bulk_zone *zones,
        size_t count, struct error *err)
{
	const struct bulk_zone **sorted = arena_array(arena, count + 1, sizeof *sorted);
	if (sorted == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too many zones", file);
	if (count == 0)
		return error_set(err, RESULT_INPUT, "%s: there is no zone in it", file);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &zones[i];
	qsort(sorted, count, sizeof *sorted, by_name);
	for (size_t i = 1; i < count; i++)
		if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
			return error_set(err, RESULT_INPUT, "%s:%d: zone %s is in line %d already",
			        file, sorted[i]->line, sorted[i]->name, sorted[i - 1]->line);
	return RESULT_OK;
}
