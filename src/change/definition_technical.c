// The part `technical` of a definition: which checks a delegation has to pass before anybody is
// asked for it.
#include <string.h>

#include "base/file.h"
#include "change/definition_internal.h"
#include "technical/technical.h"

struct reader {
	struct arena *arena;
	const char *file;
	struct change_technical *t;
	struct error *err;
};

static enum result no_memory(const struct reader *r)
{
	return error_set(r->err, RESULT_LIMIT, "%s: too large", r->file);
}

static enum result read_check(const struct reader *r, const struct yaml_node *node, size_t *number)
{
	const char *text;
	enum result result = yaml_text(node, "a check", &text, r->err);
	if (result != RESULT_OK)
		return result;
	const struct technical_check *check = technical_check_find(text);
	if (check == NULL)
		return yaml_error(node, r->err,
		        "there is no check '%.60s'; baton-preflight(1) lists them", text);
	*number = (size_t)(check - technical_checks);
	return RESULT_OK;
}

static enum result read_only(const struct reader *r, const struct yaml_node *list)
{
	bool *wanted = arena_array(r->arena, technical_check_count, sizeof *wanted);
	enum result result =
	        wanted == NULL ? no_memory(r) : yaml_expect(list, "only", YAML_LIST, r->err);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		size_t number;
		result = read_check(r, list->items[i], &number);
		if (result == RESULT_OK)
			wanted[number] = true;
	}
	r->t->wanted = wanted;
	return result;
}

// A waiver is somebody's word, so there has to be one.
static enum result read_reason(
        const struct reader *r, const struct yaml_node *node, const char **reason)
{
	enum result result = yaml_text(node, "a reason", reason, r->err);
	if (result == RESULT_OK && (*reason)[strspn(*reason, " \t")] == '\0')
		return yaml_error(node, r->err, "a waiver needs a reason");
	for (const char *c = *reason; result == RESULT_OK && *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return yaml_error(node, r->err, "a control character in the reason");
	return result;
}

static enum result read_waivers(const struct reader *r, const struct yaml_node *map)
{
	const char **waivers = arena_array(r->arena, technical_check_count, sizeof *waivers);
	enum result result =
	        waivers == NULL ? no_memory(r) : yaml_expect(map, "waive", YAML_MAP, r->err);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++) {
		size_t number;
		result = read_check(r, map->keys[i], &number);
		if (result == RESULT_OK)
			result = read_reason(r, map->items[i], &waivers[number]);
	}
	r->t->waivers = waivers;
	return result;
}

static enum result read_path(
        const struct reader *r, const struct yaml_node *node, const char *what, const char **path)
{
	const char *text;
	enum result result = yaml_text(node, what, &text, r->err);
	if (result == RESULT_OK && (*path = file_path_beside(r->arena, r->file, text)) == NULL)
		return no_memory(r);
	return result;
}

static enum result read_resolvers(const struct reader *r, const struct yaml_node *list)
{
	enum result result = yaml_expect(list, "resolvers", YAML_LIST, r->err);
	if (result == RESULT_OK && list->count > CHANGE_MAX_RESOLVERS)
		return yaml_error(
		        list, r->err, "expected at most %d resolvers", CHANGE_MAX_RESOLVERS);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const char *text;
		struct error inner = {0};
		result = yaml_text(list->items[i], "address", &text, r->err);
		if (result == RESULT_OK &&
		        address_parse(text, 53, &r->t->resolvers[i], &inner) != RESULT_OK)
			result = yaml_error(list->items[i], r->err, "%s", inner.text);
		r->t->resolver_count = i + 1;
	}
	return result;
}

static enum result read_numbers(const struct reader *r, const struct yaml_node *map)
{
	const struct yaml_node *head_room = yaml_get(map, "head-room"),
	                       *tolerance = yaml_get(map, "serial-tolerance");
	int64_t value = CHANGE_SERIAL_TOLERANCE;
	r->t->head_room_ms = CHANGE_HEAD_ROOM_MS;
	enum result result = head_room != NULL ? yaml_duration(head_room, "head-room",
	                                                 &r->t->head_room_ms, r->err)
	                                       : RESULT_OK;
	if (result == RESULT_OK && tolerance != NULL)
		result = yaml_integer(tolerance, "serial-tolerance", 0, INT32_MAX, &value, r->err);
	r->t->serial_tolerance = (uint32_t)value;
	return result;
}

enum result change_technical_read(struct arena *arena, const char *file,
        const struct yaml_node *map, struct change_technical *technical, struct error *err)
{
	static const char *const known[] = {"networks", "prohibited", "resolvers", "head-room",
	        "serial-tolerance", "only", "waive", NULL};
	struct reader r = {arena, file, technical, err};
	const struct yaml_node *node;
	enum result result = yaml_known_keys(map, "technical", known, err);
	technical->is_set = true;
	if (result == RESULT_OK)
		result = read_numbers(&r, map);
	if (result == RESULT_OK && (node = yaml_get(map, "networks")) != NULL)
		result = read_path(&r, node, "networks", &technical->networks);
	if (result == RESULT_OK && (node = yaml_get(map, "prohibited")) != NULL)
		result = read_path(&r, node, "prohibited", &technical->prohibited);
	if (result == RESULT_OK && (node = yaml_get(map, "resolvers")) != NULL)
		result = read_resolvers(&r, node);
	if (result == RESULT_OK && (node = yaml_get(map, "only")) != NULL)
		result = read_only(&r, node);
	if (result == RESULT_OK && (node = yaml_get(map, "waive")) != NULL)
		result = read_waivers(&r, node);
	return result;
}
