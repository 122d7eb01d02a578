#include "base/template.h"

#include "base/buffer.h"
#include "base/file.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEMPLATE_MAX_VARS   256
#define TEMPLATE_MAX_OCTETS (1u << 20)

struct template_vars {
	struct arena *arena;
	size_t count;
	bool failed;
	struct {
		const char *name, *value;
	} var[TEMPLATE_MAX_VARS];
};

struct template_vars *template_vars_new(struct arena *arena)
{
	struct template_vars *vars = arena_alloc(arena, sizeof(*vars));
	if (vars != NULL)
		vars->arena = arena;
	return vars;
}

static const char **template_slot(struct template_vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->count; i++)
		if (strcmp(vars->var[i].name, name) == 0)
			return &vars->var[i].value;
	if (vars->count == TEMPLATE_MAX_VARS)
		return NULL;
	vars->var[vars->count].name = name;
	return &vars->var[vars->count++].value;
}

void template_set(struct template_vars *vars, const char *name, const char *value)
{
	if (vars == NULL)
		return;
	assert(name != NULL && value != NULL);
	name = arena_strdup(vars->arena, name);
	value = arena_strdup(vars->arena, value);
	const char **slot = name != NULL && value != NULL ? template_slot(vars, name) : NULL;
	if (slot == NULL)
		vars->failed = true;
	else
		*slot = value;
}

void template_setf(struct template_vars *vars, const char *name, const char *format, ...)
{
	char text[4096];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (vars != NULL && (n < 0 || (size_t)n >= sizeof(text)))
		vars->failed = true;
	else
		template_set(vars, name, text);
}

const char *template_get(const struct template_vars *vars, const char *name)
{
	for (size_t i = 0; vars != NULL && i < vars->count; i++)
		if (strcmp(vars->var[i].name, name) == 0)
			return vars->var[i].value;
	return NULL;
}

// Copies the value of the variable that starts at text ("${NAME}..."); *text moves behind it.
static enum result template_variable(const struct template_vars *vars, const char *file, int line,
        const char **text, struct buffer *out, struct error *err)
{
	char name[64];
	size_t n = 0;
	const char *p = *text + 2;
	while ((isalnum((unsigned char)*p) || *p == '_') && n < sizeof(name) - 1)
		name[n++] = *p++;
	name[n] = '\0';
	if (*p != '}')
		return error_set(err, RESULT_INPUT,
		        "%s:%d: a variable is written ${NAME}, in letters, digits and '_'", file,
		        line);
	const char *value = template_get(vars, name);
	if (value == NULL)
		return error_set(
		        err, RESULT_INPUT, "%s:%d: unknown variable ${%s}", file, line, name);
	buffer_puts(out, value);
	*text = p + 1;
	return RESULT_OK;
}

enum result template_expand(const struct template_vars *vars, struct arena *arena, const char *file,
        const char *text, char **out, struct error *err)
{
	if (vars == NULL || vars->failed)
		return error_set(err, RESULT_MEMORY, "%s: too many or too long variables", file);
	struct buffer buffer = buffer_init(TEMPLATE_MAX_OCTETS);
	enum result result = RESULT_OK;
	int line = 1;
	while (*text != '\0' && result == RESULT_OK) {
		if (text[0] == '$' && text[1] == '{') {
			result = template_variable(vars, file, line, &text, &buffer, err);
			continue;
		}
		line += *text == '\n';
		buffer_add(&buffer, text++, 1);
	}
	char *copy = NULL;
	if (result == RESULT_OK) {
		copy = buffer.failed ? NULL : arena_strdup(arena, buffer_text(&buffer));
		if (copy == NULL)
			result = error_set(err, RESULT_LIMIT, "%s: too large", file);
	}
	buffer_free(&buffer);
	if (result == RESULT_OK)
		*out = copy;
	return result;
}

enum result template_file(const struct template_vars *vars, struct arena *arena, const char *from,
        const char *to, struct error *err)
{
	char *text, *out;
	size_t length;
	enum result result = file_read(arena, from, TEMPLATE_MAX_OCTETS, &text, &length, err);
	if (result == RESULT_OK)
		result = template_expand(vars, arena, from, text, &out, err);
	if (result == RESULT_OK)
		result = file_replace(to, out, strlen(out), err);
	return result;
}
