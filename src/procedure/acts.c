// What a step does: effects ("losing.dnskey + gaining.zsk") and acts beside the DNS ("relay …").
#include "procedure/parser.h"

#include <string.h>

static const char *const key_roles[] = {"ksk", "zsk", "csk", NULL};
static const char *const verbs[] = {"relay", "announce", "confirm", "check", "attest", "sign-off",
        "transfer", "destroy", "synchronise", NULL};

static int word_index(const char *text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

static enum result wrong_attribute(const struct cursor *c, const char *word, bool parent)
{
	const char *near = yaml_nearest(word, attribute_words);
	if (parent)
		return cursor_error(
		        c, "the parent has no '%.60s', expected parent.ds or parent.ns", word);
	return cursor_error(c,
	        "unknown set '%.60s'%s%s%s, expected ns, dnskey, dnskey-signers, data-signers, "
	        "serving or "
	        "copies%s",
	        word, near != NULL ? " (did you mean '" : "", near != NULL ? near : "",
	        near != NULL ? "'?)" : "",
	        strchr(word, '-') != NULL ? " (and spaces around '+' and '-')" : "");
}

// "losing.dnskey": whose, and which of its sets.
static enum result parse_set(struct cursor *c, int *party, enum procedure_attribute *attribute)
{
	const char *parts[2];
	size_t n = c->token == TOKEN_WORD ? split_dots(c->parser, c->text, parts, 2) : 0;
	if (n != 2)
		return cursor_error(c,
		        "expected what to change, such as parent.ds or a party's dnskey, here is "
		        "%s",
		        cursor_token_text(c));
	bool parent = strcmp(parts[0], "parent") == 0;
	int which = word_index(parts[1], attribute_words);
	*party = parent ? PROCEDURE_PARENT : procedure_party_find(c->parser->p, parts[0]);
	if (!parent && *party < 0)
		return cursor_error(c, "unknown party '%.60s', expected parent, %s", parts[0],
		        party_list(c->parser));
	if (which < 0 || (parent && which > PROCEDURE_NS))
		return wrong_attribute(c, parts[1], parent);
	if (!parent && which == PROCEDURE_DS)
		return cursor_error(
		        c, "'%.60s': only the parent has a DS set, expected parent.ds", c->text);
	if (!parent && !procedure_party_publishes(c->parser->p, *party))
		return cursor_error(c,
		        "'%.60s' (%s) serves no zone, expected a party that is operator or "
		        "host",
		        parts[0], procedure_role_text(c->parser->p->parties[*party].role));
	*attribute = (enum procedure_attribute)which;
	return RESULT_OK;
}

static bool holds_keys(enum procedure_attribute attribute)
{
	return attribute == PROCEDURE_DS || attribute == PROCEDURE_DNSKEY ||
	       attribute == PROCEDURE_DNSKEY_SIGNERS || attribute == PROCEDURE_DATA_SIGNERS;
}

// "gaining.zsk" or "operator.ksk.new" as the current token.
static enum result parse_key(struct cursor *c, int *key)
{
	const char *parts[3] = {"", "", ""};
	size_t n = c->token == TOKEN_WORD ? split_dots(c->parser, c->text, parts, 3) : 0;
	if (n < 2 || n > 3)
		return cursor_error(c, "expected a key such as %s.zsk, here is %s",
		        c->parser->p->parties[0].id, cursor_token_text(c));
	int party = procedure_party_find(c->parser->p, parts[0]);
	if (party < 0)
		return cursor_error(
		        c, "unknown party '%.60s', expected %s", parts[0], party_list(c->parser));
	if (word_index(parts[1], key_roles) < 0)
		return cursor_error(c, "unknown key '%.60s', expected ksk, zsk or csk", parts[1]);
	if (n == 3 && !name_is_valid(parts[2], PROCEDURE_MAX_NAME))
		return cursor_error(c,
		        "'%.60s' names no generation of a key, expected a word such as 'new'",
		        parts[2]);
	*key = key_intern(c->parser, party, parts[1], parts[2]);
	if (*key < 0)
		return cursor_error(c, "too many keys, expected at most %d", PROCEDURE_MAX_KEYS);
	return RESULT_OK;
}

// A term of a key set: a key, another key set, or none.
static enum result parse_key_term(
        struct cursor *c, enum procedure_attribute of, struct procedure_term *term)
{
	const char *parts[2] = {"", ""};
	if (cursor_is_word(c, "none")) {
		term->kind = PROCEDURE_TERM_NONE;
		return RESULT_OK;
	}
	size_t n = c->token == TOKEN_WORD ? split_dots(c->parser, c->text, parts, 2) : 0;
	if (n == 2 && word_index(parts[1], key_roles) < 0 &&
	        word_index(parts[1], attribute_words) >= 0) {
		enum result result = parse_set(c, &term->party, &term->attribute);
		term->kind = PROCEDURE_TERM_SET;
		if (result == RESULT_OK && !holds_keys(term->attribute))
			return cursor_error(c,
			        "'%.60s' holds no keys, expected a key or a set of keys", c->text);
		return result;
	}
	term->kind = PROCEDURE_TERM_KEY;
	enum result result = parse_key(c, &term->key);
	if (result == RESULT_OK && of == PROCEDURE_DS &&
	        strcmp(c->parser->p->keys[term->key].role, "zsk") == 0)
		return cursor_error(c, "a DS record for a ZSK, expected a ksk or csk");
	return result;
}

static enum result parse_ns_term(struct cursor *c, struct procedure_term *term)
{
	const char *parts[2];
	size_t n = c->token == TOKEN_WORD ? split_dots(c->parser, c->text, parts, 2) : 0;
	if (n != 2 || strcmp(parts[1], "ns") != 0)
		return cursor_error(c, "expected the servers of a party, such as %s.ns, here is %s",
		        c->parser->p->parties[0].id, cursor_token_text(c));
	term->kind = PROCEDURE_TERM_SERVERS;
	term->party = procedure_party_find(c->parser->p, parts[0]);
	if (term->party < 0)
		return cursor_error(
		        c, "unknown party '%.60s', expected %s", parts[0], party_list(c->parser));
	if (!procedure_party_publishes(c->parser->p, term->party))
		return cursor_error(c,
		        "'%.60s' (%s) has no name servers, expected a party that is "
		        "operator or host",
		        parts[0], procedure_role_text(c->parser->p->parties[term->party].role));
	return RESULT_OK;
}

static enum result parse_serving_term(struct cursor *c, struct procedure_term *term)
{
	bool yes = cursor_is_word(c, "yes");
	if (!yes && !cursor_is_word(c, "no"))
		return cursor_error(c, "expected yes or no, here is %s", cursor_token_text(c));
	term->kind = yes ? PROCEDURE_TERM_YES : PROCEDURE_TERM_NO;
	return RESULT_OK;
}

static enum result parse_copies_term(struct cursor *c, struct procedure_term *term)
{
	term->kind = PROCEDURE_TERM_NONE;
	if (cursor_is_word(c, "none"))
		return RESULT_OK;
	struct cursor look = *c;
	enum result result = cursor_party(&look, &term->party);
	term->kind = PROCEDURE_TERM_PARTY;
	if (result == RESULT_OK && !procedure_party_publishes(c->parser->p, term->party))
		return cursor_error(c, "'%.60s' serves no zone that could be copied", c->text);
	return result;
}

static enum result parse_term(
        struct cursor *c, enum procedure_attribute of, struct procedure_term *term)
{
	term->party = term->key = -1;
	enum result result;
	switch (of) {
	case PROCEDURE_NS:
		result = parse_ns_term(c, term);
		break;
	case PROCEDURE_SERVING:
		result = parse_serving_term(c, term);
		break;
	case PROCEDURE_COPIES:
		result = parse_copies_term(c, term);
		break;
	case PROCEDURE_DS:
	case PROCEDURE_DNSKEY:
	case PROCEDURE_DNSKEY_SIGNERS:
	case PROCEDURE_DATA_SIGNERS:
	default:
		result = parse_key_term(c, of, term);
		break;
	}
	return result == RESULT_OK ? cursor_advance(c) : result;
}

static bool takes_one_value(enum procedure_attribute attribute)
{
	return attribute == PROCEDURE_SERVING || attribute == PROCEDURE_COPIES;
}

static enum result keep_terms(
        struct cursor *c, struct procedure_act *act, const struct procedure_term *terms, size_t n)
{
	act->terms = arena_memdup(c->parser->arena, terms, n * sizeof *terms);
	act->term_count = n;
	return act->terms != NULL
	               ? RESULT_OK
	               : error_set(c->parser->err, RESULT_MEMORY, "no memory for a step");
}

// `operation` applies to the first term; the others are introduced by '+' or '-'.
static enum result parse_terms(struct cursor *c, struct procedure_act *act, char operation)
{
	struct procedure_term terms[PROCEDURE_MAX_TERMS] = {0};
	size_t n = 0;
	for (;;) {
		if (n == PROCEDURE_MAX_TERMS)
			return cursor_error(
			        c, "too many terms, expected at most %d", PROCEDURE_MAX_TERMS);
		terms[n].operation = operation;
		enum result result = parse_term(c, act->attribute, &terms[n]);
		if (result != RESULT_OK)
			return result;
		n++;
		if (c->token == TOKEN_END)
			break;
		bool sign = cursor_is_sign(c, '+') || cursor_is_sign(c, '-');
		if (!sign || takes_one_value(act->attribute))
			return cursor_error(c, "%s is too much, expected %s", cursor_token_text(c),
			        takes_one_value(act->attribute) ? "one value"
			                                        : "'+' or '-' or the end");
		operation = c->sign;
		result = cursor_advance(c);
		if (result != RESULT_OK)
			return result;
	}
	return keep_terms(c, act, terms, n);
}

static enum result parse_effect(struct cursor *c, struct procedure_act *act)
{
	act->kind = PROCEDURE_EFFECT;
	enum result result = parse_set(c, &act->party, &act->attribute);
	if (result == RESULT_OK)
		result = cursor_advance(c);
	if (result != RESULT_OK)
		return result;
	bool single = takes_one_value(act->attribute);
	bool sign = cursor_is_sign(c, '=') ||
	            (!single && (cursor_is_sign(c, '+') || cursor_is_sign(c, '-')));
	if (!sign)
		return cursor_error(c, "expected %s after the set, here is %s",
		        single ? "'='" : "'=', '+' or '-'", cursor_token_text(c));
	char operation = c->sign;
	result = cursor_advance(c);
	return result == RESULT_OK ? parse_terms(c, act, operation) : result;
}

// Keys joined by '+', up to a word that is no key or the end.
static enum result parse_key_list(struct cursor *c, struct procedure_act *act)
{
	struct procedure_term terms[PROCEDURE_MAX_TERMS] = {0};
	size_t n = 0;
	enum result result = cursor_advance(c);
	while (result == RESULT_OK) {
		if (n == PROCEDURE_MAX_TERMS)
			return cursor_error(
			        c, "too many keys, expected at most %d", PROCEDURE_MAX_TERMS);
		terms[n] = (struct procedure_term){
		        .operation = '+', .kind = PROCEDURE_TERM_KEY, .party = -1};
		result = parse_key(c, &terms[n].key);
		if (result == RESULT_OK)
			result = cursor_advance(c);
		n++;
		if (result != RESULT_OK || !cursor_is_sign(c, '+'))
			break;
		result = cursor_advance(c);
	}
	if (result != RESULT_OK)
		return result;
	return keep_terms(c, act, terms, n);
}

static enum result parse_to_party(struct cursor *c, struct procedure_act *act)
{
	if (!cursor_is_word(c, "to"))
		return cursor_error(
		        c, "expected 'to' and a party, here is %s", cursor_token_text(c));
	enum result result = cursor_advance(c);
	if (result == RESULT_OK)
		result = cursor_party(c, &act->party);
	return result == RESULT_OK ? cursor_expect_end(c, "the end") : result;
}

static enum result parse_transfer(struct cursor *c, struct procedure_act *act)
{
	enum result result = cursor_advance(c);
	struct cursor where = *c;
	if (result == RESULT_OK)
		result = cursor_is_word(c, "to") ? cursor_advance(&where) : RESULT_OK;
	if (result == RESULT_OK)
		result = parse_to_party(c, act);
	if (result == RESULT_OK && c->parser->p->parties[act->party].role != PROCEDURE_REGISTRAR)
		return cursor_error(&where,
		        "a domain is transferred to a registrar, which '%s' is not",
		        c->parser->p->parties[act->party].id);
	return result;
}

static enum result unknown_verb(const struct cursor *c)
{
	const char *near = c->token == TOKEN_WORD ? yaml_nearest(c->text, verbs) : NULL;
	if (near != NULL)
		return cursor_error(c, "unknown act '%.60s', expected '%s'?", c->text, near);
	return cursor_error(c,
	        "unknown act %s, expected an effect such as 'parent.ds + %s.ksk', or relay, "
	        "announce, "
	        "confirm, check, attest, sign-off, transfer, destroy or synchronise",
	        cursor_token_text(c), c->parser->p->parties[0].id);
}

static enum result parse_verb(struct cursor *c, struct procedure_act *act)
{
	int verb = c->token == TOKEN_WORD ? word_index(c->text, verbs) : -1;
	if (verb < 0)
		return unknown_verb(c);
	act->kind = (enum procedure_act_kind)(verb + 1);
	act->party = -1;
	enum result result;
	switch (act->kind) {
	case PROCEDURE_RELAY:
		result = parse_key_list(c, act);
		return result == RESULT_OK ? parse_to_party(c, act) : result;
	case PROCEDURE_DESTROY:
		result = parse_key_list(c, act);
		return result == RESULT_OK ? cursor_expect_end(c, "'+' or the end") : result;
	case PROCEDURE_TRANSFER:
		return parse_transfer(c, act);
	case PROCEDURE_CHECK:
	case PROCEDURE_ATTEST:
		if (c->next[strspn(c->next, " ")] == '\0')
			return cursor_error(c, "'%s' alone, expected what to %s", c->text, c->text);
		return RESULT_OK;
	case PROCEDURE_EFFECT:
	case PROCEDURE_ANNOUNCE:
	case PROCEDURE_CONFIRM:
	case PROCEDURE_SIGN_OFF:
	case PROCEDURE_SYNCHRONISE:
	default:
		return RESULT_OK; // the rest is words for people
	}
}

enum result parse_act(
        struct parser *parser, const struct yaml_node *node, struct procedure_act *act)
{
	struct cursor c;
	enum result result = yaml_text(node, "does", &act->text, parser->err);
	if (result == RESULT_OK)
		result = cursor_open(&c, parser, node);
	if (result != RESULT_OK)
		return result;
	act->line = node->line;
	act->column = node->column;
	if (c.token == TOKEN_WORD && strchr(c.text, '.') != NULL)
		return parse_effect(&c, act);
	return parse_verb(&c, act);
}

enum result parse_acts(struct parser *parser, const struct yaml_node *node, const char *what,
        const struct procedure_act **acts, size_t *count)
{
	const struct yaml_node *const one[] = {node};
	bool list = node->kind == YAML_LIST;
	size_t n = list ? node->count : 1;
	if (node->kind == YAML_MAP)
		return yaml_error(node, parser->err,
		        "'%s' is a mapping, expected an act or a list of them", what);
	if (n == 0 || n > PROCEDURE_MAX_ACTS)
		return yaml_error(node, parser->err, "'%s' has %zu acts, expected 1 to %d", what, n,
		        PROCEDURE_MAX_ACTS);
	struct procedure_act *array = arena_array(parser->arena, n, sizeof *array);
	if (array == NULL)
		return error_set(parser->err, RESULT_MEMORY, "%s: no memory for it", node->file);
	enum result result = RESULT_OK;
	for (size_t i = 0; i < n && result == RESULT_OK; i++)
		result = parse_act(parser, list ? node->items[i] : one[i], &array[i]);
	*acts = array;
	*count = n;
	return result;
}

enum result parse_start_pair(struct parser *parser, const struct yaml_node *key,
        const struct yaml_node *value, struct procedure_act *act)
{
	struct cursor c;
	enum result result = cursor_open(&c, parser, key);
	act->kind = PROCEDURE_EFFECT;
	act->line = key->line;
	act->column = key->column;
	if (result == RESULT_OK)
		result = parse_set(&c, &act->party, &act->attribute);
	if (result == RESULT_OK)
		result = yaml_text(value, key->text, &act->text, parser->err);
	if (result == RESULT_OK)
		result = cursor_open(&c, parser, value);
	return result == RESULT_OK ? parse_terms(&c, act, '=') : result;
}
