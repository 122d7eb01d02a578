#include "change/library.h"

#include "base/data.h"
#include "base/file.h"
#include "procedure/overlay.h"
#include "procedure/procedure.h"

#include <string.h>

enum result library_path(
        struct arena *arena, const char *name, const char **path, struct error *err)
{
	if (strpbrk(name, "/.") != NULL) {
		*path = name;
		return RESULT_OK;
	}
	char *below = arena_printf(arena, "procedures/%s.yaml", name);
	if (below == NULL)
		return error_set(err, RESULT_MEMORY, "no memory for a path");
	enum result result = data_path(arena, below, path, err);
	if (result == RESULT_NOT_FOUND)
		return error_set(err, RESULT_NOT_FOUND,
		        "there is no procedure '%.60s' in the library (a file is given with its "
		        "path, ./%.60s)",
		        name, name);
	return result;
}

static enum result path_beside(struct arena *arena, const char *file, const char *name,
        const char **path, struct error *err)
{
	if (strpbrk(name, "/.") == NULL)
		return library_path(arena, name, path, err);
	*path = file_path_beside(arena, file, name);
	return *path != NULL ? RESULT_OK : error_set(err, RESULT_MEMORY, "no memory for a path");
}

static enum result read_base(struct arena *arena, const struct yaml_node *overlay,
        const struct yaml_node **base, struct error *err)
{
	const char *name, *path;
	const struct procedure *alone;
	struct error inner = {0};
	enum result result = overlay_base(overlay, &name, err);
	if (result != RESULT_OK)
		return result;
	if (path_beside(arena, overlay->file, name, &path, &inner) != RESULT_OK)
		return yaml_error(yaml_get(overlay, "overlay"), err, "%s", inner.text);
	result = yaml_load(arena, path, base, err);
	if (result != RESULT_OK || yaml_get(*base, "procedure") == NULL)
		return result;
	return overlay_is_one(*base)
	               ? yaml_error(yaml_get(overlay, "overlay"), err,
	                         "%s is an overlay itself, expected a procedure", path)
	               : procedure_from_yaml(arena, *base, &alone, err);
}

// Both together have to be a procedure; what is wrong with a line of the base is wrong because of
// the overlay, for the base alone is one.
static enum result check_merged(struct arena *arena, const struct yaml_node *overlay,
        const struct yaml_node *merged, struct error *err)
{
	const struct procedure *p;
	struct error inner = {0};
	enum result result = procedure_from_yaml(arena, merged, &p, &inner);
	if (result == RESULT_OK)
		return result;
	size_t length = strlen(overlay->file);
	if (strncmp(inner.text, overlay->file, length) == 0 && inner.text[length] == ':')
		return error_set(err, result, "%s", inner.text);
	const struct yaml_node *at = yaml_get(overlay, "overlay");
	return error_set(err, result, "%s:%d:%d: with this overlay, %s", at->file, at->line,
	        at->column, inner.text);
}

enum result library_read(
        struct arena *arena, const char *path, const struct yaml_node **root, struct error *err)
{
	const struct yaml_node *top, *base, *merged;
	enum result result = yaml_load(arena, path, &top, err);
	if (result != RESULT_OK)
		return result;
	if (!overlay_is_one(top)) {
		*root = top;
		return RESULT_OK;
	}
	result = read_base(arena, top, &base, err);
	if (result == RESULT_OK)
		result = overlay_apply(arena, top, base, &merged, err);
	if (result == RESULT_OK)
		result = check_merged(arena, top, merged, err);
	if (result == RESULT_OK)
		*root = merged;
	return result;
}

enum result library_text(
        struct arena *arena, const char *path, const char **text, size_t *length, struct error *err)
{
	const struct yaml_node *root;
	char *data;
	size_t octets;
	enum result result = file_read(arena, path, YAML_MAX_OCTETS, &data, &octets, err);
	if (result == RESULT_OK)
		result = yaml_parse(arena, path, data, octets, &root, err);
	if (result == RESULT_OK && overlay_is_one(root)) {
		result = library_read(arena, path, &root, err);
		struct buffer out = buffer_init(YAML_MAX_OCTETS);
		if (result == RESULT_OK)
			overlay_write(root, &out);
		data = result == RESULT_OK && !out.failed ? arena_strdup(arena, buffer_text(&out))
		                                          : NULL;
		octets = out.length;
		buffer_free(&out);
		if (result == RESULT_OK && data == NULL)
			return error_set(err, RESULT_LIMIT, "%s: too large", path);
	}
	if (result == RESULT_OK) {
		*text = data;
		*length = octets;
	}
	return result;
}
