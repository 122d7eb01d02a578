#include "change/definition_internal.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/data.h"
#include "base/file.h"
#include "change/library.h"
#include "dns/key.h"
#include "dns/type.h"

enum result loader_no_memory(struct loader *l)
{
	return error_set(l->err, RESULT_LIMIT, "%s: too large", l->d->file);
}

const char *loader_path_beside(struct loader *l, const char *path)
{
	return file_path_beside(l->arena, l->d->file, path);
}

enum result loader_name(
        struct loader *l, const struct yaml_node *node, const char *what, struct dns_name *name)
{
	const char *text;
	struct error inner = {0};
	enum result result = yaml_text(node, what, &text, l->err);
	if (result == RESULT_OK && dns_name_parse(text, name, &inner) != RESULT_OK)
		result = yaml_error(node, l->err, "'%s': %s", what, inner.text);
	return result;
}

enum result loader_need(struct loader *l, const struct yaml_node *map, const char *what,
        const char *key, const struct yaml_node **value)
{
	*value = yaml_get(map, key);
	return *value != NULL ? RESULT_OK : yaml_error(map, l->err, "'%s' lacks '%s'", what, key);
}

static enum result find_parent(struct loader *l)
{
	const struct procedure *p = l->d->procedure;
	l->d->parent = -1;
	for (size_t i = 0; i < p->party_count; i++)
		if (p->parties[i].role == PROCEDURE_PARENT_ZONE)
			l->d->parent = (int)i;
	return l->d->parent >= 0
	               ? RESULT_OK
	               : error_set(l->err, RESULT_INPUT,
	                         "%s: procedure '%s' has no party that is the parent (is: parent)",
	                         l->d->file, p->id);
}

// "operator-change" is in the library; a word with a slash or a dot is a file.
static enum result find_procedure(struct loader *l)
{
	const struct yaml_node *node;
	const char *text, *path;
	enum result result = loader_need(l, l->root, "a change", "procedure", &node);
	if (result == RESULT_OK)
		result = yaml_text(node, "procedure", &text, l->err);
	if (result != RESULT_OK)
		return result;
	if (strpbrk(text, "/.") != NULL)
		path = loader_path_beside(l, text);
	else {
		char *name = arena_printf(l->arena, "procedures/%s.yaml", text);
		struct error inner = {0};
		if (name == NULL)
			return loader_no_memory(l);
		if (data_path(l->arena, name, &path, &inner) != RESULT_OK)
			return yaml_error(
			        node, l->err, "there is no procedure '%.60s' in the library", text);
	}
	const char *data;
	result = path == NULL
	                 ? loader_no_memory(l)
	                 : library_text(l->arena, path, &data, &l->d->procedure_length, l->err);
	if (result == RESULT_OK) {
		l->d->procedure_path = path;
		l->d->procedure_text = data;
	}
	return result;
}

// "www.example.test. AAAA"
static enum result read_sample(
        struct loader *l, const struct yaml_node *node, struct change_sample *sample)
{
	const char *text;
	struct error inner = {0};
	char name[DNS_NAME_TEXT];
	enum result result = yaml_text(node, "samples", &text, l->err);
	if (result != RESULT_OK)
		return result;
	size_t n = strcspn(text, " ");
	if (n >= sizeof name || text[n] == '\0')
		return yaml_error(
		        node, l->err, "expected a name and a type, as in 'www.example. A'");
	memcpy(name, text, n);
	name[n] = '\0';
	if (dns_name_parse(name, &sample->name, &inner) != RESULT_OK ||
	        dns_type_parse(text + n + 1, &sample->type, &inner) != RESULT_OK ||
	        dns_type_check_data(sample->type, &inner) != RESULT_OK)
		return yaml_error(node, l->err, "%s", inner.text);
	if (!dns_name_is_subdomain(sample->name.wire, l->d->zone.wire))
		return yaml_error(node, l->err, "'%.100s' is not in the zone", name);
	return RESULT_OK;
}

static enum result read_samples(struct loader *l, const struct yaml_node *list)
{
	enum result result = yaml_expect(list, "samples", YAML_LIST, l->err);
	if (result == RESULT_OK && list->count > CHANGE_MAX_SAMPLES)
		return yaml_error(list, l->err, "more than %d samples", CHANGE_MAX_SAMPLES);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++)
		result = read_sample(l, list->items[i], &l->d->samples[l->d->sample_count++]);
	return result;
}

static enum result read_anchors(struct loader *l, const struct yaml_node *list)
{
	enum result result = yaml_expect(list, "parent-anchors", YAML_LIST, l->err);
	if (result == RESULT_OK && list->count > CHANGE_MAX_ANCHORS)
		return yaml_error(list, l->err, "more than %d anchors", CHANGE_MAX_ANCHORS);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		struct dns_ds ds;
		struct error inner = {0};
		result = yaml_text(list->items[i], "parent-anchors", &l->d->anchors[i], l->err);
		if (result == RESULT_OK && dns_ds_parse(l->d->anchors[i], &ds, &inner) != RESULT_OK)
			result = yaml_error(list->items[i], l->err, "%s", inner.text);
		l->d->anchor_count = i + 1;
	}
	return result;
}

// ---- Keys that cannot be seen yet --------------------------------------------------------------

static enum result read_key(struct loader *l, const struct yaml_node *node, const char **rdata)
{
	const char *text;
	struct error inner = {0};
	struct dns_key *key;
	enum result result = yaml_text(node, "keys", &text, l->err);
	if (result != RESULT_OK)
		return result;
	if (dns_key_parse(l->d->zone.wire, text, &key, &inner) != RESULT_OK)
		return yaml_error(node, l->err, "%s", inner.text);
	*rdata = dns_key_text(key, l->arena);
	dns_key_unref(key);
	return *rdata != NULL ? RESULT_OK : loader_no_memory(l);
}

static int key_find(const struct procedure *p, const char *id)
{
	for (size_t i = 0; i < p->key_count; i++)
		if (strcmp(p->keys[i].id, id) == 0)
			return (int)i;
	return -1;
}

static enum result read_keys_of(
        struct loader *l, const struct yaml_node *name, const struct yaml_node *list)
{
	const struct procedure *p = l->d->procedure;
	int symbol = key_find(p, name->text);
	if (symbol < 0)
		return yaml_error(
		        name, l->err, "procedure '%s' has no key '%.60s'", p->id, name->text);
	enum result result = yaml_expect(list, name->text, YAML_LIST, l->err);
	if (result == RESULT_OK && (list->count == 0 || list->count > CHANGE_MAX_TOLD))
		return yaml_error(list, l->err, "expected one to %d keys", CHANGE_MAX_TOLD);
	if (result != RESULT_OK)
		return result;
	const char **keys = arena_array(l->arena, list->count + 1, sizeof *keys);
	if (keys == NULL)
		return loader_no_memory(l);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++)
		result = read_key(l, list->items[i], &keys[i]);
	l->d->keys[symbol] = keys;
	return result;
}

static enum result read_keys(struct loader *l, const struct yaml_node *map)
{
	enum result result = yaml_expect(map, "keys", YAML_MAP, l->err);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++)
		result = read_keys_of(l, map->keys[i], map->items[i]);
	return result;
}

// What cannot be observed, and somebody vouches for: ids as in procedure_requirement.
static enum result read_confirmed(struct loader *l, const struct yaml_node *list)
{
	enum result result = yaml_expect(list, "confirmed", YAML_LIST, l->err);
	const struct procedure *p = l->d->procedure;
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const char *text;
		result = yaml_text(list->items[i], "confirmed", &text, l->err);
		bool found = false;
		for (size_t k = 0; result == RESULT_OK && k < p->requirement_count; k++)
			if (strcmp(p->requirements[k].id, text) == 0) {
				l->d->confirmed |= UINT32_C(1) << p->requirements[k].kind;
				found = true;
			}
		if (result == RESULT_OK && !found)
			return yaml_error(list->items[i], l->err,
			        "procedure '%s' does not require '%.60s'", p->id, text);
	}
	return result;
}

static enum result read_since(struct loader *l, const struct yaml_node *node, int64_t *at_ms)
{
	const char *text;
	struct error inner = {0};
	enum result result = yaml_text(node, "unchanged-since", &text, l->err);
	if (result == RESULT_OK && time_parse(text, at_ms, &inner) != RESULT_OK)
		result = yaml_error(node, l->err, "'unchanged-since': %s", inner.text);
	return result;
}

static enum result read_data_ttl(struct loader *l, const struct yaml_node *node)
{
	int64_t ms = 0;
	enum result result = yaml_duration(node, "data-ttl", &ms, l->err);
	if (result == RESULT_OK && (ms % SECOND_MS != 0 || ms / SECOND_MS > INT32_MAX))
		return yaml_error(node, l->err, "'data-ttl' must be whole seconds");
	l->d->data_ttl_s = (uint32_t)(ms / SECOND_MS);
	return result;
}

static enum result read_bridge(struct loader *l, const struct yaml_node *node)
{
	enum result result = yaml_duration(node, "bridge", &l->d->bridge_ms, l->err);
	if (result == RESULT_OK && l->d->bridge_ms < 4 * l->d->poll_ms)
		result = yaml_error(node, l->err, "'bridge' must be at least four times 'poll'");
	return result;
}

static enum result read_settings(struct loader *l)
{
	const struct yaml_node *node = yaml_get(l->root, "poll");
	const char *text = NULL;
	enum result result =
	        node == NULL ? RESULT_OK : yaml_duration(node, "poll", &l->d->poll_ms, l->err);
	if (result == RESULT_OK && (l->d->poll_ms < 200 || l->d->poll_ms > DAY_MS))
		result = yaml_error(node, l->err, "'poll' must be from 200ms to 1d");
	node = yaml_get(l->root, "bridge");
	if (result == RESULT_OK && node != NULL)
		result = read_bridge(l, node);
	node = yaml_get(l->root, "data-ttl");
	if (result == RESULT_OK && node != NULL)
		result = read_data_ttl(l, node);
	node = yaml_get(l->root, "may-be-insecure");
	if (result == RESULT_OK && node != NULL)
		result = yaml_bool(node, "may-be-insecure", &l->d->may_be_insecure, l->err);
	node = yaml_get(l->root, "unchanged-since");
	if (result == RESULT_OK && node != NULL)
		result = read_since(l, node, &l->d->unchanged_since_ms);
	node = yaml_get(l->root, "samples");
	if (result == RESULT_OK && node != NULL)
		result = read_samples(l, node);
	node = yaml_get(l->root, "parent-anchors");
	if (result == RESULT_OK && node != NULL)
		result = read_anchors(l, node);
	node = yaml_get(l->root, "confirmed");
	if (result == RESULT_OK && node != NULL)
		result = read_confirmed(l, node);
	node = yaml_get(l->root, "keys");
	if (result == RESULT_OK && node != NULL)
		result = read_keys(l, node);
	node = yaml_get(l->root, "technical");
	if (result == RESULT_OK && node != NULL)
		result =
		        change_technical_read(l->arena, l->d->file, node, &l->d->technical, l->err);
	node = yaml_get(l->root, "journal");
	text = NULL;
	if (result == RESULT_OK && node != NULL)
		result = yaml_text(node, "journal", &text, l->err);
	if (result == RESULT_OK) {
		const char *name =
		        text != NULL ? text : arena_printf(l->arena, "%s.journal", l->d->id);
		l->d->journal_path = name == NULL ? NULL : loader_path_beside(l, name);
		if (l->d->journal_path == NULL)
			result = loader_no_memory(l);
	}
	return result;
}

static enum result read_id(struct loader *l)
{
	const struct yaml_node *node;
	enum result result = loader_need(l, l->root, "a change", "change", &node);
	if (result == RESULT_OK)
		result = yaml_text(node, "change", &l->d->id, l->err);
	if (result != RESULT_OK)
		return result;
	size_t n = strlen(l->d->id);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)l->d->id[i]) && strchr("-_.", l->d->id[i]) == NULL)
			n = 0;
	return n > 0 && n <= 64 && l->d->id[0] != '.'
	               ? RESULT_OK
	               : yaml_error(node, l->err,
	                         "'change' names the change: letters, digits, - _ ., at most 64");
}

static enum result read_zones(struct loader *l)
{
	const struct yaml_node *node;
	enum result result = loader_need(l, l->root, "a change", "zone", &node);
	if (result == RESULT_OK)
		result = loader_name(l, node, "zone", &l->d->zone);
	const uint8_t *parent = result == RESULT_OK ? dns_name_parent(l->d->zone.wire) : NULL;
	if (result == RESULT_OK && parent == NULL)
		return yaml_error(node, l->err, "the root has no parent to change a delegation at");
	if (result == RESULT_OK)
		dns_name_copy(&l->d->parent_zone, parent);
	node = yaml_get(l->root, "parent-zone");
	if (result == RESULT_OK && node != NULL)
		result = loader_name(l, node, "parent-zone", &l->d->parent_zone);
	if (result == RESULT_OK &&
	        (!dns_name_is_subdomain(l->d->zone.wire, l->d->parent_zone.wire) ||
	                dns_name_equal(l->d->zone.wire, l->d->parent_zone.wire)))
		return yaml_error(node, l->err, "'parent-zone' is not above the zone");
	return result;
}

static const char *const top_words[] = {"change", "zone", "parent-zone", "procedure", "journal",
        "poll", "bridge", "data-ttl", "may-be-insecure", "unchanged-since", "samples",
        "parent-anchors", "confirmed", "keys", "technical", "parties", NULL};

static void set_defaults(struct change_definition *d)
{
	d->poll_ms = MINUTE_MS;
	d->unchanged_since_ms = TIME_NEVER_MS;
	for (int i = 0; i < PROCEDURE_MAX_PARTIES; i++)
		d->parties[i].party = i;
}

// A journal keeps these paths, in JSON.
static enum result check_path(struct loader *l, const char *path)
{
	json_t *json = json_string(path);
	json_decref(json);
	return json != NULL ? RESULT_OK
	                    : error_set(l->err, RESULT_INPUT,
	                              "%s: the path is not UTF-8, so that no journal could keep "
	                              "it; move or rename the file",
	                              path);
}

static enum result load(struct loader *l)
{
	enum result result =
	        yaml_parse(l->arena, l->d->file, l->d->text, l->d->text_length, &l->root, l->err);
	if (result == RESULT_OK && yaml_get(l->root, "bulk") != NULL)
		return yaml_error(
		        l->root, l->err, "this is the file of a bulk, which `baton bulk run` runs");
	if (result == RESULT_OK)
		result = yaml_known_keys(l->root, "a change", top_words, l->err);
	if (result == RESULT_OK)
		result = read_id(l);
	if (result == RESULT_OK)
		result = read_zones(l);
	if (result == RESULT_OK)
		result = check_path(l, l->d->file);
	if (result == RESULT_OK && l->d->procedure_text == NULL)
		result = find_procedure(l);
	if (result == RESULT_OK)
		result = check_path(l, l->d->procedure_path);
	if (result == RESULT_OK)
		result = procedure_parse(l->arena, l->d->procedure_path, l->d->procedure_text,
		        l->d->procedure_length, &l->d->procedure, l->err);
	if (result == RESULT_OK && l->d->procedure->as_written)
		result = error_set(l->err, RESULT_INPUT,
		        "%s: procedure '%s' is a published text with its own waits: it is there to "
		        "be checked, not to be run",
		        l->d->file, l->d->procedure->id);
	if (result == RESULT_OK)
		result = find_parent(l);
	if (result == RESULT_OK)
		result = read_settings(l);
	return result == RESULT_OK ? definition_parties(l) : result;
}

enum result change_definition_parse(struct arena *arena, const char *file, const char *text,
        size_t length, const char *procedure_path, const char *procedure_text,
        size_t procedure_length, const struct change_definition **out, struct error *err)
{
	struct change_definition *d = arena_alloc(arena, sizeof *d);
	if (d == NULL)
		return error_set(err, RESULT_LIMIT, "%s: too large", file);
	set_defaults(d);
	d->file = file;
	d->text = text;
	d->text_length = length;
	d->procedure_path = procedure_path;
	d->procedure_text = procedure_text;
	d->procedure_length = procedure_length;
	struct loader l = {.arena = arena, .d = d, .err = err};
	enum result result = load(&l);
	if (result == RESULT_OK)
		*out = d;
	return result;
}

enum result change_definition_load(struct arena *arena, const char *path,
        const struct change_definition **out, struct error *err)
{
	char *text;
	size_t length;
	enum result result = file_read(arena, path, YAML_MAX_OCTETS, &text, &length, err);
	return result == RESULT_OK
	               ? change_definition_parse(arena, path, text, length, NULL, NULL, 0, out, err)
	               : result;
}
