// A tree as YAML again.
#include "procedure/overlay.h"

#include <ctype.h>
#include <string.h>

// Words that mean the same with and without quotes round them keep what they had.
static bool is_plain(const struct yaml_node *node)
{
	const char *c = node->text;
	if (node->quoted || !isalnum((unsigned char)*c))
		return false;
	while (isalnum((unsigned char)*c) || *c == '-' || *c == '_' || *c == '.')
		c++;
	return *c == '\0';
}

static void write_scalar(const struct yaml_node *node, struct buffer *out)
{
	if (is_plain(node)) {
		buffer_puts(out, node->text);
		return;
	}
	buffer_puts(out, "\"");
	for (const char *c = node->text; *c != '\0'; c++) {
		if (*c == '\n' || *c == '\t' || *c == '\r')
			buffer_puts(out, *c == '\n' ? "\\n" : *c == '\t' ? "\\t" : "\\r");
		else if (*c == '"' || *c == '\\')
			buffer_printf(out, "\\%c", *c);
		else
			buffer_add(out, c, 1);
	}
	buffer_puts(out, "\"");
}

static void indent(int depth, struct buffer *out)
{
	for (int i = 0; i < depth; i++)
		buffer_puts(out, "  ");
}

static void write_node(const struct yaml_node *node, int depth, struct buffer *out);

// Behind "key:" or "-": a scalar on the same line, anything else below.
static void write_value(const struct yaml_node *node, int depth, struct buffer *out)
{
	bool below = node->kind != YAML_SCALAR && node->count > 0;
	buffer_puts(out, below ? "\n" : " ");
	write_node(node, depth + 1, out);
	if (!below)
		buffer_puts(out, "\n");
}

static void write_node(const struct yaml_node *node, int depth, struct buffer *out)
{
	if (node->kind == YAML_SCALAR) {
		write_scalar(node, out);
		return;
	}
	if (node->count == 0)
		buffer_puts(out, node->kind == YAML_MAP ? "{}" : "[]");
	for (size_t i = 0; i < node->count; i++) {
		indent(depth, out);
		if (node->kind == YAML_MAP)
			write_scalar(node->keys[i], out);
		buffer_puts(out, node->kind == YAML_MAP ? ":" : "-");
		write_value(node->items[i], depth, out);
	}
}

void overlay_write(const struct yaml_node *root, struct buffer *out)
{
	write_node(root, 0, out);
	if (root->kind == YAML_SCALAR || root->count == 0)
		buffer_puts(out, "\n");
}
