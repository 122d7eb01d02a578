// What a file assumes of the zone that it is checked with.
#include "procedure/parser.h"

#include <string.h>

static enum result parse_ttls(struct parser *parser, const struct yaml_node *node)
{
	const char *const *known = safety_ttl_words;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "ttl", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(node, "ttl", known, parser->err);
	for (int i = 0; i < PROCEDURE_TTLS && result == RESULT_OK; i++) {
		const struct yaml_node *value = yaml_get(node, known[i]);
		int64_t ms;
		if (value == NULL)
			continue;
		result = yaml_duration(value, known[i], &ms, parser->err);
		if (result == RESULT_OK && !duration_is_ttl(ms))
			return yaml_error(value, parser->err,
			        "'%s' is no TTL, expected whole seconds, at most 2147483647s",
			        known[i]);
		if (result == RESULT_OK)
			parser->p->assume.ttl_ms[i] = ms;
	}
	return result;
}

static enum result parse_lags(struct parser *parser, const struct yaml_node *node)
{
	static const char *const known[] = {"parent", "child", NULL};
	int64_t *const lags[] = {&parser->p->assume.lag_parent_ms, &parser->p->assume.lag_child_ms};
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "lag", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(node, "lag", known, parser->err);
	for (int i = 0; i < 2 && result == RESULT_OK; i++) {
		const struct yaml_node *value = yaml_get(node, known[i]);
		if (value == NULL)
			continue;
		int64_t ms;
		result = yaml_duration(value, known[i], &ms, parser->err);
		if (result == RESULT_OK && ms > 10000 * DAY_MS)
			return yaml_error(value, parser->err,
			        "'%s' is too long, expected at most 10000d", known[i]);
		if (result == RESULT_OK)
			*lags[i] = ms;
	}
	return result;
}

// "gaining: 8" for all keys of a party, "gaining.ksk.new: 15" for one.
static enum result parse_numbers(struct parser *parser, const struct yaml_node *node,
        const char *what, int64_t least, int64_t most, uint16_t *numbers)
{
	const struct procedure *p = parser->p;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, what, YAML_MAP, parser->err);
	for (size_t i = 0; result == RESULT_OK && i < node->count; i++) {
		const struct yaml_node *name = node->keys[i];
		int64_t number;
		int party = procedure_party_find(p, name->text),
		    key = procedure_key_find(p, name->text);
		if (party < 0 && key < 0)
			return yaml_error(name, parser->err,
			        "'%.60s' is no party and no key that the procedure uses, expected "
			        "one "
			        "such as '%s.ksk'",
			        name->text, p->parties[0].id);
		result = yaml_integer(node->items[i], what, least, most, &number, parser->err);
		for (size_t k = 0; result == RESULT_OK && k < p->key_count; k++)
			if ((int)k == key || p->keys[k].party == party)
				numbers[k] = (uint16_t)number;
	}
	return result;
}

static enum result parse_small(
        struct parser *parser, const struct yaml_node *node, const char *what, uint8_t *numbers)
{
	uint16_t wide[PROCEDURE_MAX_KEYS] = {0};
	enum result result = parse_numbers(parser, node, what, 1, 255, wide);
	for (size_t k = 0; result == RESULT_OK && k < PROCEDURE_MAX_KEYS; k++)
		numbers[k] = (uint8_t)wide[k];
	return result;
}

enum result parse_assume(struct parser *parser, const struct yaml_node *root)
{
	static const char *const known[] = {
	        "ttl", "lag", "single-key", "algorithms", "digests", "rsa-bits", NULL};
	struct procedure_assume *assume = &parser->p->assume;
	const struct yaml_node *node = yaml_get(root, "assume"),
	                       *single = yaml_get(node, "single-key");
	for (int i = 0; i < PROCEDURE_TTLS; i++)
		assume->ttl_ms[i] = -1;
	assume->lag_parent_ms = assume->lag_child_ms = -1;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "assume", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(node, "assume", known, parser->err);
	if (result == RESULT_OK)
		result = parse_ttls(parser, yaml_get(node, "ttl"));
	if (result == RESULT_OK)
		result = parse_lags(parser, yaml_get(node, "lag"));
	if (result == RESULT_OK)
		result = parse_small(
		        parser, yaml_get(node, "algorithms"), "algorithms", assume->algorithm);
	if (result == RESULT_OK)
		result = parse_small(parser, yaml_get(node, "digests"), "digests", assume->digest);
	if (result == RESULT_OK)
		result = parse_numbers(parser, yaml_get(node, "rsa-bits"), "rsa-bits", 512, 4096,
		        assume->rsa_bits);
	if (result == RESULT_OK && single != NULL)
		result = parse_party_set(parser, single, "single-key", &assume->single_key);
	return result;
}
