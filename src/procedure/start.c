// The state before the first step, completed with what is usual, and what a file assumes of the
// zone.
#include "procedure/parser.h"

#include <string.h>

enum { MAX_START = 2 + 6 * PROCEDURE_MAX_PARTIES };

struct start {
	struct parser *parser;
	struct procedure_act acts[MAX_START];
	size_t count;
};

static const struct procedure_act *find_act(
        const struct start *s, int party, enum procedure_attribute attribute)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->acts[i].party == party && s->acts[i].attribute == attribute)
			return &s->acts[i];
	return NULL;
}

// "P.attribute = terms" as if the file said so.
static enum result add_act(struct start *s, int party, enum procedure_attribute attribute,
        const struct procedure_term *terms, size_t count)
{
	struct procedure_act *act = &s->acts[s->count++];
	*act = (struct procedure_act){.kind = PROCEDURE_EFFECT,
	        .text = "as usual",
	        .party = party,
	        .attribute = attribute,
	        .term_count = count};
	act->terms = arena_memdup(s->parser->arena, terms, count * sizeof *terms);
	return act->terms != NULL
	               ? RESULT_OK
	               : error_set(s->parser->err, RESULT_MEMORY, "no memory for the start");
}

static bool uses_role(const struct procedure *p, int party, const char *role)
{
	for (size_t i = 0; i < p->key_count; i++)
		if (p->keys[i].party == party && p->keys[i].generation[0] == '\0' &&
		        strcmp(p->keys[i].role, role) == 0)
			return true;
	return false;
}

// A party whose file speaks of a csk only has one key, otherwise a ksk and a zsk.
static int usual_key(struct parser *parser, int party, const char *role)
{
	bool single = uses_role(parser->p, party, "csk") && !uses_role(parser->p, party, "ksk") &&
	              !uses_role(parser->p, party, "zsk");
	return key_intern(parser, party, single ? "csk" : role, "");
}

static enum result add_key_set(
        struct start *s, int party, enum procedure_attribute attribute, bool ksk, bool zsk)
{
	struct procedure_term terms[2] = {0};
	size_t n = 0;
	const char *const roles[] = {ksk ? "ksk" : "zsk", ksk && zsk ? "zsk" : NULL};
	for (int i = 0; i < 2 && roles[i] != NULL; i++) {
		int key = usual_key(s->parser, party, roles[i]);
		if (key < 0)
			return error_set(s->parser->err, RESULT_LIMIT, "%s: too many keys",
			        s->parser->p->file);
		if (n == 1 && terms[0].key == key)
			continue;
		terms[n] = (struct procedure_term){.operation = n == 0 ? '=' : '+',
		        .kind = PROCEDURE_TERM_KEY,
		        .party = -1,
		        .key = key};
		n++;
	}
	return add_act(s, party, attribute, terms, n);
}

static enum result add_word(struct start *s, int party, enum procedure_attribute attribute,
        enum procedure_term_kind kind)
{
	struct procedure_term term = {.operation = '=', .kind = kind, .party = party, .key = -1};
	return add_act(s, party, attribute, &term, 1);
}

static enum result complete_keys(struct start *s, const struct yaml_node *at, int party)
{
	static const enum procedure_attribute sets[] = {
	        PROCEDURE_DNSKEY, PROCEDURE_DNSKEY_SIGNERS, PROCEDURE_DATA_SIGNERS};
	const struct procedure *p = s->parser->p;
	for (int i = 0; i < 3; i++) {
		if (find_act(s, party, sets[i]) != NULL)
			continue;
		if (p->parties[party].role == PROCEDURE_HOST)
			return yaml_error(at, s->parser->err,
			        "'%s' is a host and has no keys of its own, expected 'start: "
			        "{%s.%s: …}' "
			        "or '%s.copies'",
			        p->parties[party].id, p->parties[party].id,
			        procedure_attribute_text(sets[i]), p->parties[party].id);
		enum result result = add_key_set(s, party, sets[i], i != 2, i != 1);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_OK;
}

static bool copies_somebody(const struct start *s, int party)
{
	const struct procedure_act *act = find_act(s, party, PROCEDURE_COPIES);
	return act != NULL && act->terms[0].kind == PROCEDURE_TERM_PARTY;
}

static enum result complete_party(struct start *s, const struct yaml_node *at, int party)
{
	enum result result = RESULT_OK;
	if (!copies_somebody(s, party)) {
		result = complete_keys(s, at, party);
		if (result == RESULT_OK && find_act(s, party, PROCEDURE_NS) == NULL)
			result = add_word(s, party, PROCEDURE_NS, PROCEDURE_TERM_SERVERS);
	}
	if (result == RESULT_OK && find_act(s, party, PROCEDURE_SERVING) == NULL)
		result = add_word(s, party, PROCEDURE_SERVING, PROCEDURE_TERM_YES);
	return result;
}

static int only_publisher(const struct procedure *p)
{
	int found = -1;
	for (size_t i = 0; i < p->party_count; i++)
		if (procedure_party_publishes(p, (int)i)) {
			if (found >= 0)
				return -1;
			found = (int)i;
		}
	return found;
}

static enum result complete_parent(struct start *s, const struct yaml_node *at)
{
	enum result result = RESULT_OK;
	int only = only_publisher(s->parser->p);
	if (find_act(s, PROCEDURE_PARENT, PROCEDURE_NS) == NULL) {
		if (only < 0)
			return yaml_error(at, s->parser->err,
			        "whose servers does the parent name at the start? expected 'start: "
			        "{parent.ns: …}', such as losing.ns");
		struct procedure_term term = {
		        .operation = '=', .kind = PROCEDURE_TERM_SERVERS, .party = only, .key = -1};
		result = add_act(s, PROCEDURE_PARENT, PROCEDURE_NS, &term, 1);
	}
	if (result != RESULT_OK || find_act(s, PROCEDURE_PARENT, PROCEDURE_DS) != NULL)
		return result;
	const struct procedure_act *ns = find_act(s, PROCEDURE_PARENT, PROCEDURE_NS);
	struct procedure_term terms[PROCEDURE_MAX_TERMS] = {0};
	for (size_t i = 0; i < ns->term_count; i++) {
		int party = ns->terms[i].party;
		if (s->parser->p->parties[party].role == PROCEDURE_HOST)
			return yaml_error(at, s->parser->err,
			        "which keys does the DS set name at the start? expected 'start: "
			        "{parent.ds: …}', for '%s' has no keys of its own",
			        s->parser->p->parties[party].id);
		terms[i] = (struct procedure_term){.operation = i == 0 ? '=' : '+',
		        .kind = PROCEDURE_TERM_KEY,
		        .party = -1,
		        .key = usual_key(s->parser, party, "ksk")};
		if (terms[i].key < 0)
			return error_set(s->parser->err, RESULT_LIMIT, "%s: too many keys",
			        s->parser->p->file);
	}
	return add_act(s, PROCEDURE_PARENT, PROCEDURE_DS, terms, ns->term_count);
}

static enum result read_pairs(struct start *s, const struct yaml_node *node)
{
	struct parser *parser = s->parser;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_expect(node, "start", YAML_MAP, parser->err);
	for (size_t i = 0; result == RESULT_OK && i < node->count; i++) {
		if (strcmp(node->keys[i]->text, "sponsor") == 0) {
			result =
			        parse_party(parser, node->items[i], "sponsor", &parser->p->sponsor);
			if (result == RESULT_OK &&
			        parser->p->parties[parser->p->sponsor].role != PROCEDURE_REGISTRAR)
				return yaml_error(node->items[i], parser->err,
				        "'%s' is no registrar, expected a party that is one",
				        node->items[i]->text);
			continue;
		}
		if (s->count + 1 >= MAX_START)
			return yaml_error(node, parser->err, "too many lines");
		result =
		        parse_start_pair(parser, node->keys[i], node->items[i], &s->acts[s->count]);
		s->count += result == RESULT_OK;
	}
	return result;
}

// In the order in which procedure_start() applies them: own zones, copies of them, the parent.
static enum result sort_acts(struct start *s)
{
	struct procedure *p = s->parser->p;
	struct procedure_act *sorted = arena_array(s->parser->arena, s->count, sizeof *sorted);
	size_t n = 0;
	if (sorted == NULL)
		return error_set(s->parser->err, RESULT_MEMORY, "%s: no memory for it", p->file);
	for (int pass = 0; pass < 2; pass++)
		for (int party = 0; party < (int)p->party_count; party++)
			for (size_t i = 0; i < s->count; i++)
				if (s->acts[i].party == party &&
				        copies_somebody(s, party) == (pass == 1))
					sorted[n++] = s->acts[i];
	for (size_t i = 0; i < s->count; i++)
		if (s->acts[i].party == PROCEDURE_PARENT)
			sorted[n++] = s->acts[i];
	p->start = sorted;
	p->start_count = n;
	return RESULT_OK;
}

static enum result complete_sponsor(struct parser *parser)
{
	struct procedure *p = parser->p;
	int registrars = 0, last = -1;
	for (size_t i = 0; i < p->party_count; i++)
		if (p->parties[i].role == PROCEDURE_REGISTRAR) {
			registrars++;
			last = (int)i;
		}
	if (p->sponsor < 0 && registrars == 1)
		p->sponsor = last;
	return RESULT_OK;
}

static bool changes_parent(const struct procedure_step *step)
{
	for (size_t i = 0; i < step->act_count; i++)
		if (step->acts[i].kind == PROCEDURE_EFFECT &&
		        step->acts[i].party == PROCEDURE_PARENT)
			return true;
	return false;
}

// Only the sponsoring registrar can change a delegation. A branch begins with whoever sponsors the
// domain at the step that leads into it.
static enum result check_sponsor(struct parser *parser)
{
	struct procedure *p = parser->p;
	int sponsor[PROCEDURE_MAX_LINES];
	for (size_t i = 0; i < p->line_count; i++)
		sponsor[i] = p->sponsor;
	for (size_t i = 0; i < p->step_count; i++) {
		const struct procedure_step *step = &p->steps[i];
		int *now = &sponsor[step->line_of];
		if (step->branch >= 0)
			sponsor[step->branch] = *now;
		bool registrar = p->parties[step->by].role == PROCEDURE_REGISTRAR;
		if (registrar && changes_parent(step) && step->by != *now)
			return error_set(parser->err, RESULT_INPUT,
			        "%s:%d:%d: step '%s': '%s' cannot change the delegation, for "
			        "%s%s%s; expected "
			        "the sponsoring registrar, or a transfer before",
			        step->file, step->line, step->column, step->id,
			        p->parties[step->by].id,
			        *now >= 0 ? "'"
			                  : "nobody is said to sponsor the domain ('start: "
			                    "{sponsor: …}'",
			        *now >= 0 ? p->parties[*now].id : "",
			        *now >= 0 ? "' sponsors the domain" : ")");
		for (size_t a = 0; a < step->act_count; a++)
			if (step->acts[a].kind == PROCEDURE_TRANSFER)
				*now = step->acts[a].party;
	}
	return RESULT_OK;
}

enum result parse_start(struct parser *parser, const struct yaml_node *root)
{
	struct start *s = arena_alloc(parser->arena, sizeof *s);
	const struct yaml_node *node = yaml_get(root, "start");
	const struct yaml_node *at = node != NULL ? node : yaml_get(root, "parties");
	if (s == NULL)
		return error_set(
		        parser->err, RESULT_MEMORY, "%s: no memory for it", parser->p->file);
	s->parser = parser;
	enum result result = read_pairs(s, node);
	for (int i = 0; i < (int)parser->p->party_count && result == RESULT_OK; i++)
		if (procedure_party_publishes(parser->p, i))
			result = complete_party(s, at, i);
	if (result == RESULT_OK)
		result = complete_parent(s, at);
	if (result == RESULT_OK)
		result = sort_acts(s);
	if (result == RESULT_OK)
		result = complete_sponsor(parser);
	return result == RESULT_OK ? check_sponsor(parser) : result;
}
