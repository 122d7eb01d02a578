#include "procedure/parser.h"

#include <assert.h>
#include <string.h>

static enum result parse_parties(struct parser *parser, const struct yaml_node *root)
{
	static const char *const roles[] = {"operator", "signer", "host", "registrar", "parent",
	        "registrant", "coordinator", "observer", NULL};
	static const char *const keys[] = {"is", "about", NULL};
	struct procedure *p = parser->p;
	const struct yaml_node *node = yaml_get(root, "parties");
	if (node == NULL || node->kind != YAML_MAP || node->count == 0)
		return yaml_error(node != NULL ? node : root, parser->err,
		        "'parties' is missing, expected a mapping such as 'losing: {is: "
		        "operator}'");
	if (node->count > PROCEDURE_MAX_PARTIES)
		return yaml_error(node, parser->err, "%zu parties, expected at most %d",
		        node->count, PROCEDURE_MAX_PARTIES);
	for (size_t i = 0; i < node->count; i++) {
		struct procedure_party *party = &p->parties[i];
		const struct yaml_node *value = node->items[i];
		enum result result =
		        parse_name(parser, node->keys[i], "party", PROCEDURE_MAX_NAME, &party->id);
		if (result == RESULT_OK)
			result = yaml_expect(value, party->id, YAML_MAP, parser->err);
		if (result == RESULT_OK)
			result = yaml_known_keys(value, party->id, keys, parser->err);
		if (result != RESULT_OK)
			return result;
		const struct yaml_node *is = yaml_get(value, "is"),
		                       *about = yaml_get(value, "about");
		const char *role = NULL;
		party->about = "";
		if (is == NULL)
			return yaml_error(value, parser->err,
			        "party '%s' needs 'is', expected operator, signer, host, "
			        "registrar, "
			        "parent, registrant, coordinator or observer",
			        party->id);
		result = yaml_text(is, "is", &role, parser->err);
		if (result == RESULT_OK && about != NULL)
			result = yaml_text(about, "about", &party->about, parser->err);
		if (result != RESULT_OK)
			return result;
		int kind = 0;
		while (roles[kind] != NULL && strcmp(roles[kind], role) != 0)
			kind++;
		if (roles[kind] == NULL)
			return yaml_error(is, parser->err,
			        "'is' is '%.60s', expected operator, signer, host, registrar, "
			        "parent, "
			        "registrant, coordinator or observer",
			        role);
		if (strcmp(party->id, "parent") == 0 && kind != PROCEDURE_PARENT_ZONE)
			return yaml_error(node->keys[i], parser->err,
			        "'parent' always means the zone's parent, expected another name "
			        "for a "
			        "party that is '%s'",
			        role);
		party->role = (enum procedure_role)kind;
		p->party_count++;
	}
	return RESULT_OK;
}

static enum result parse_requires(struct parser *parser, const struct yaml_node *root)
{
	const struct yaml_node *node = yaml_get(root, "requires");
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "requires", YAML_LIST, parser->err);
	if (result != RESULT_OK)
		return result;
	if (node->count > PROCEDURE_MAX_REQUIRES)
		return yaml_error(node, parser->err, "%zu conditions, expected at most %d",
		        node->count, PROCEDURE_MAX_REQUIRES);
	struct procedure_requirement *list = arena_array(parser->arena, node->count, sizeof *list);
	if (list == NULL && node->count > 0)
		return error_set(
		        parser->err, RESULT_MEMORY, "%s: no memory for it", parser->p->file);
	for (size_t i = 0; i < node->count && result == RESULT_OK; i++)
		result = parse_requirement(parser, node->items[i], &list[i]);
	parser->p->requirements = list;
	parser->p->requirement_count = node->count;
	return result;
}

static enum result optional_text(
        struct parser *parser, const struct yaml_node *root, const char *key, const char **text)
{
	const struct yaml_node *node = yaml_get(root, key);
	*text = "";
	return node == NULL ? RESULT_OK : yaml_text(node, key, text, parser->err);
}

static enum result parse_head(struct parser *parser, const struct yaml_node *root)
{
	static const char *const known[] = {"procedure", "title", "source", "about", "parties",
	        "start", "requires", "waits", "expect", "assume", "steps", "branches", NULL};
	struct procedure *p = parser->p;
	enum result result = yaml_expect(root, "procedure", YAML_MAP, parser->err);
	if (result == RESULT_OK)
		result = yaml_known_keys(root, "procedure", known, parser->err);
	if (result != RESULT_OK)
		return result;
	const struct yaml_node *id = yaml_get(root, "procedure"), *waits = yaml_get(root, "waits");
	if (id == NULL)
		return yaml_error(
		        root, parser->err, "'procedure' is missing, expected a name for it");
	result = parse_name(parser, id, "procedure", PROCEDURE_MAX_ID, &p->id);
	if (result == RESULT_OK)
		result = optional_text(parser, root, "title", &p->title);
	if (result == RESULT_OK)
		result = optional_text(parser, root, "source", &p->source);
	if (result == RESULT_OK)
		result = optional_text(parser, root, "about", &p->about);
	const char *word = "computed";
	if (result == RESULT_OK && waits != NULL)
		result = yaml_text(waits, "waits", &word, parser->err);
	if (result != RESULT_OK)
		return result;
	p->as_written = strcmp(word, "as-written") == 0;
	if (!p->as_written && strcmp(word, "computed") != 0)
		return yaml_error(waits, parser->err,
		        "'waits' is '%.60s', expected computed or as-written", word);
	if (p->title[0] == '\0')
		p->title = p->id;
	return RESULT_OK;
}

enum result procedure_from_yaml(struct arena *arena, const struct yaml_node *root,
        const struct procedure **out, struct error *err)
{
	assert(arena != NULL && root != NULL && out != NULL);
	struct parser parser = {.arena = arena, .err = err};
	parser.p = arena_alloc(arena, sizeof *parser.p);
	if (parser.p == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory for it", root->file);
	parser.p->file = root->file;
	parser.p->sponsor = -1;
	enum result result = parse_head(&parser, root);
	if (result == RESULT_OK)
		result = parse_parties(&parser, root);
	if (result == RESULT_OK)
		result = parse_requires(&parser, root);
	if (result == RESULT_OK)
		result = parse_lines(&parser, root);
	if (result == RESULT_OK)
		result = parse_start(&parser, root);
	if (result == RESULT_OK)
		result = parse_assume(&parser, root);
	if (result == RESULT_OK)
		*out = parser.p;
	return result;
}

enum result procedure_parse(struct arena *arena, const char *file, const char *data, size_t length,
        const struct procedure **out, struct error *err)
{
	const struct yaml_node *root;
	enum result result = yaml_parse(arena, file, data, length, &root, err);
	return result == RESULT_OK ? procedure_from_yaml(arena, root, out, err) : result;
}

int procedure_party_find(const struct procedure *p, const char *id)
{
	for (size_t i = 0; i < p->party_count; i++)
		if (strcmp(p->parties[i].id, id) == 0)
			return (int)i;
	return -1;
}

int procedure_step_find(const struct procedure *p, const char *id)
{
	for (size_t i = 0; i < p->step_count; i++)
		if (strcmp(p->steps[i].id, id) == 0)
			return (int)i;
	return -1;
}

int procedure_key_find(const struct procedure *p, const char *id)
{
	for (size_t i = 0; i < p->key_count; i++)
		if (strcmp(p->keys[i].id, id) == 0)
			return (int)i;
	return -1;
}

const char *procedure_party_name(const struct procedure *p, int party)
{
	return party == PROCEDURE_PARENT ? "parent" : p->parties[party].id;
}

bool procedure_party_publishes(const struct procedure *p, int party)
{
	return party >= 0 && (p->parties[party].role == PROCEDURE_OPERATOR ||
	                             p->parties[party].role == PROCEDURE_HOST);
}

const char *procedure_role_text(enum procedure_role role)
{
	static const char *const texts[] = {"operator", "signer", "host", "registrar", "parent",
	        "registrant", "coordinator", "observer"};
	return texts[role];
}

const char *const attribute_words[] = {
        "ds", "ns", "dnskey", "dnskey-signers", "data-signers", "serving", "copies", NULL};

const char *procedure_attribute_text(enum procedure_attribute attribute)
{
	return attribute_words[attribute];
}

bool procedure_acts_have_effect(const struct procedure_act *acts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (acts[i].kind == PROCEDURE_EFFECT)
			return true;
	return false;
}
