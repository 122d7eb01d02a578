#include "procedure/parser.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool is_word_character(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

static const char *token_copy(struct cursor *c, size_t length)
{
	return arena_strndup(c->parser->arena, c->node->text + c->offset, length);
}

enum result cursor_advance(struct cursor *c)
{
	c->next += strspn(c->next, " \t\r\n");
	c->offset = (size_t)(c->next - c->node->text);
	char first = *c->next;
	size_t length = 1;
	if (first == '\0') {
		c->token = TOKEN_END;
		c->text = "";
		return RESULT_OK;
	}
	if (isalnum((unsigned char)first)) {
		while (is_word_character(c->next[length]))
			length++;
		while (c->next[length - 1] == '-')
			length--; // "a- b" is a, minus, b
		c->token = isdigit((unsigned char)first) ? TOKEN_NUMBER : TOKEN_WORD;
	} else if (strchr("=+-*(),", first) != NULL) {
		c->token = TOKEN_SIGN;
		c->sign = first;
	} else {
		return cursor_error(c, "'%c' means nothing here, expected a word, '=', '+' or '-'",
		        isprint((unsigned char)first) ? first : '?');
	}
	c->text = token_copy(c, length);
	c->next += length;
	if (c->text == NULL)
		return error_set(c->parser->err, RESULT_LIMIT, "%s: too large", c->node->file);
	return RESULT_OK;
}

enum result cursor_open(struct cursor *c, struct parser *parser, const struct yaml_node *node)
{
	*c = (struct cursor){.parser = parser, .node = node, .next = node->text};
	return cursor_advance(c);
}

bool cursor_is_sign(const struct cursor *c, char sign)
{
	return c->token == TOKEN_SIGN && c->sign == sign;
}

bool cursor_is_word(const struct cursor *c, const char *word)
{
	return c->token == TOKEN_WORD && strcmp(c->text, word) == 0;
}

// The column is exact for a text on one line; of a text that goes over several lines only its
// beginning is known.
enum result cursor_error(const struct cursor *c, const char *format, ...)
{
	char text[400];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	int column = c->node->column + (int)c->offset + (c->node->quoted ? 1 : 0);
	return error_set(c->parser->err, RESULT_INPUT, "%s:%d:%d: %s", c->node->file, c->node->line,
	        column, text);
}

const char *cursor_token_text(const struct cursor *c)
{
	if (c->token == TOKEN_END)
		return "nothing more";
	const char *quoted = arena_printf(c->parser->arena, "'%.60s'", c->text);
	return quoted != NULL ? quoted : "a word";
}

enum result cursor_expect_end(const struct cursor *c, const char *expected)
{
	if (c->token == TOKEN_END)
		return RESULT_OK;
	return cursor_error(c, "%s is too much, expected %s", cursor_token_text(c), expected);
}
