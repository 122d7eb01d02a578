// Inside the procedure parser: what its files share. Not for others.
//
// A struct parser carries the procedure being built. The small texts inside a YAML scalar
// ("losing.dnskey
// + gaining.zsk", "ttl(parent.ds) + lag(parent) after add-ds seen") are cut into tokens by a struct
// cursor, which knows where in the file each token stands, so that errors name line and column.
#pragma once

#include "procedure/procedure.h"

struct parser {
	struct arena *arena;
	struct error *err;
	struct procedure *p;
	struct procedure_step *steps; // p->steps, still writable
	size_t step_capacity;
};

enum token { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_SIGN };

struct cursor {
	struct parser *parser;
	const struct yaml_node *node;
	const char *next; // behind the current token
	enum token token; // the current token
	const char *text; // of the current token, NUL-terminated, in the arena
	char sign;        // of TOKEN_SIGN
	size_t offset;    // of the current token in the scalar
};

// Reads the first token. The node must be a scalar.
enum result cursor_open(struct cursor *cursor, struct parser *parser, const struct yaml_node *node);
enum result cursor_advance(struct cursor *cursor);
bool cursor_is_sign(const struct cursor *cursor, char sign);
bool cursor_is_word(const struct cursor *cursor, const char *word);
// RESULT_INPUT with the place of the current token.
enum result cursor_error(const struct cursor *cursor, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
enum result cursor_expect_end(const struct cursor *cursor, const char *expected);
// What the current token is, for messages: "'foo'" or "the end".
const char *cursor_token_text(const struct cursor *cursor);

// names.c
// An id as procedures use them: lower-case letters, digits and '-', beginning with a letter.
bool name_is_valid(const char *text, size_t max);
enum result parse_name(struct parser *parser, const struct yaml_node *node, const char *what,
        size_t max, const char **name);
// A list of party names, or one name, as bits.
enum result parse_party_set(
        struct parser *parser, const struct yaml_node *node, const char *what, uint32_t *set);
enum result parse_party(
        struct parser *parser, const struct yaml_node *node, const char *what, int *party);
// The current token as a party; advances.
enum result cursor_party(struct cursor *cursor, int *party);
// "unknown party 'x', expected a, b or c": the expected part.
const char *party_list(struct parser *parser);
// The symbolic key party.role[.generation], added to the procedure where it is new. -1 at the
// limit.
int key_intern(struct parser *parser, int party, const char *role, const char *generation);
// Cuts "a.b.c" in parts; the number of parts, at most max (more count as max + 1).
size_t split_dots(struct parser *parser, const char *text, const char **parts, size_t max);

// The words of enum procedure_attribute, then NULL.
extern const char *const attribute_words[];

// acts.c
enum result parse_act(
        struct parser *parser, const struct yaml_node *node, struct procedure_act *act);
// One act or a list of them.
enum result parse_acts(struct parser *parser, const struct yaml_node *node, const char *what,
        const struct procedure_act **acts, size_t *count);
// `parent.ds: losing.ksk` of the start section.
enum result parse_start_pair(struct parser *parser, const struct yaml_node *key,
        const struct yaml_node *value, struct procedure_act *act);

// waits.c
enum result parse_waits(struct parser *parser, const struct yaml_node *node, int line_first,
        int step_count, struct procedure_step *step);

// requires.c
enum result parse_requirement(struct parser *parser, const struct yaml_node *node,
        struct procedure_requirement *requirement);

// start.c
enum result parse_start(struct parser *parser, const struct yaml_node *root);
enum result parse_assume(struct parser *parser, const struct yaml_node *root);

// steps.c
enum result parse_lines(struct parser *parser, const struct yaml_node *root);
