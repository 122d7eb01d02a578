#include "procedure/parser.h"

#include <stdio.h>
#include <string.h>

bool name_is_valid(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	if (length == 0 || length > max || text[0] < 'a' || text[0] > 'z' ||
	        text[length - 1] == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

enum result parse_name(struct parser *parser, const struct yaml_node *node, const char *what,
        size_t max, const char **name)
{
	enum result result = yaml_text(node, what, name, parser->err);
	if (result != RESULT_OK)
		return result;
	if (!name_is_valid(*name, max))
		return yaml_error(node, parser->err,
		        "'%s' is '%.60s', expected a name of at most %zu lower-case letters, "
		        "digits "
		        "and "
		        "'-', beginning with a letter",
		        what, *name, max);
	return RESULT_OK;
}

const char *party_list(struct parser *parser)
{
	const struct procedure *p = parser->p;
	struct buffer list = buffer_init(1000);
	for (size_t i = 0; i < p->party_count; i++)
		buffer_printf(&list, "%s%s",
		        i == 0                    ? ""
		        : i + 1 == p->party_count ? " or "
		                                  : ", ",
		        p->parties[i].id);
	const char *text = arena_strdup(parser->arena, buffer_text(&list));
	buffer_free(&list);
	return text != NULL ? text : "one of the parties";
}

static enum result unknown_party(
        struct parser *parser, const struct yaml_node *node, const char *name)
{
	return yaml_error(
	        node, parser->err, "unknown party '%.60s', expected %s", name, party_list(parser));
}

enum result parse_party(
        struct parser *parser, const struct yaml_node *node, const char *what, int *party)
{
	const char *name;
	enum result result = yaml_text(node, what, &name, parser->err);
	if (result != RESULT_OK)
		return result;
	*party = procedure_party_find(parser->p, name);
	return *party >= 0 ? RESULT_OK : unknown_party(parser, node, name);
}

enum result parse_party_set(
        struct parser *parser, const struct yaml_node *node, const char *what, uint32_t *set)
{
	int party;
	*set = 0;
	if (node->kind == YAML_SCALAR) {
		enum result result = parse_party(parser, node, what, &party);
		if (result == RESULT_OK)
			*set = 1u << party;
		return result;
	}
	if (node->kind != YAML_LIST)
		return yaml_error(
		        node, parser->err, "'%s' is a mapping, expected a list of parties", what);
	for (size_t i = 0; i < node->count; i++) {
		enum result result = parse_party(parser, node->items[i], what, &party);
		if (result != RESULT_OK)
			return result;
		*set |= 1u << party;
	}
	return RESULT_OK;
}

enum result cursor_party(struct cursor *c, int *party)
{
	if (c->token != TOKEN_WORD)
		return cursor_error(c, "expected a party, %s, here is %s", party_list(c->parser),
		        cursor_token_text(c));
	*party = procedure_party_find(c->parser->p, c->text);
	if (*party < 0)
		return cursor_error(
		        c, "unknown party '%.60s', expected %s", c->text, party_list(c->parser));
	return cursor_advance(c);
}

int key_intern(struct parser *parser, int party, const char *role, const char *generation)
{
	struct procedure *p = parser->p;
	for (size_t i = 0; i < p->key_count; i++)
		if (p->keys[i].party == party && strcmp(p->keys[i].role, role) == 0 &&
		        strcmp(p->keys[i].generation, generation) == 0)
			return (int)i;
	if (p->key_count == PROCEDURE_MAX_KEYS)
		return -1;
	struct procedure_key *key = &p->keys[p->key_count];
	key->party = party;
	key->role = arena_strdup(parser->arena, role);
	key->generation = arena_strdup(parser->arena, generation);
	key->id = arena_printf(parser->arena, "%s.%s%s%s", p->parties[party].id, role,
	        generation[0] != '\0' ? "." : "", generation);
	if (key->role == NULL || key->generation == NULL || key->id == NULL)
		return -1;
	return (int)p->key_count++;
}

size_t split_dots(struct parser *parser, const char *text, const char **parts, size_t max)
{
	char *copy = arena_strdup(parser->arena, text);
	size_t n = 0;
	for (char *part = copy; part != NULL; n++) {
		char *dot = strchr(part, '.');
		if (dot != NULL)
			*dot = '\0';
		if (n < max)
			parts[n] = part;
		part = dot != NULL ? dot + 1 : NULL;
	}
	return n <= max ? n : max + 1;
}
