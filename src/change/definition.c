#include "change/definition_internal.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/data.h"
#include "base/file.h"
#include "change/library.h"
#include "dns/key.h"
#include "dns/tsig.h"
#include "dns/type.h"

enum { KEY_FILE_MAX = 4096, PROGRAM_MAX = 4095 };

struct loader {
	struct arena *arena;
	struct change_definition *d;
	const struct yaml_node *root;
	struct error *err;
};

static enum result no_memory(struct loader *l)
{
	return error_set(l->err, RESULT_LIMIT, "%s: too large", l->d->file);
}

static const char *path_beside(struct loader *l, const char *path)
{
	return file_path_beside(l->arena, l->d->file, path);
}

static enum result read_name(
        struct loader *l, const struct yaml_node *node, const char *what, struct dns_name *name)
{
	const char *text;
	struct error inner = {0};
	enum result result = yaml_text(node, what, &text, l->err);
	if (result == RESULT_OK && dns_name_parse(text, name, &inner) != RESULT_OK)
		result = yaml_error(node, l->err, "'%s': %s", what, inner.text);
	return result;
}

static enum result read_address(
        struct loader *l, const struct yaml_node *node, struct address *address)
{
	const char *text;
	struct error inner = {0};
	enum result result = yaml_text(node, "address", &text, l->err);
	if (result == RESULT_OK && address_parse(text, 53, address, &inner) != RESULT_OK)
		result = yaml_error(node, l->err, "%s", inner.text);
	return result;
}

static enum result read_addresses(
        struct loader *l, const struct yaml_node *list, struct change_server *server)
{
	enum result result = yaml_expect(list, "addresses", YAML_LIST, l->err);
	if (result == RESULT_OK && (list->count == 0 || list->count > CHANGE_MAX_ADDRESSES))
		return yaml_error(
		        list, l->err, "expected one to %d addresses", CHANGE_MAX_ADDRESSES);
	if (result != RESULT_OK)
		return result;
	server->addresses = arena_array(l->arena, list->count, sizeof *server->addresses);
	if (server->addresses == NULL)
		return no_memory(l);
	for (; result == RESULT_OK && server->address_count < list->count; server->address_count++)
		result = read_address(l, list->items[server->address_count],
		        &server->addresses[server->address_count]);
	return result;
}

static enum result read_servers(
        struct loader *l, const struct yaml_node *map, struct change_party *party)
{
	enum result result = yaml_expect(map, "servers", YAML_MAP, l->err);
	if (result == RESULT_OK && (map->count == 0 || map->count > CHANGE_MAX_SERVERS))
		return yaml_error(map, l->err, "expected one to %d servers", CHANGE_MAX_SERVERS);
	if (result != RESULT_OK)
		return result;
	party->servers = arena_array(l->arena, map->count, sizeof *party->servers);
	if (party->servers == NULL)
		return no_memory(l);
	for (; result == RESULT_OK && party->server_count < map->count; party->server_count++) {
		struct change_server *server = &party->servers[party->server_count];
		result = read_name(l, map->keys[party->server_count], "server name", &server->name);
		if (result == RESULT_OK)
			result = read_addresses(l, map->items[party->server_count], server);
	}
	return result;
}

static enum result need(struct loader *l, const struct yaml_node *map, const char *what,
        const char *key, const struct yaml_node **value)
{
	*value = yaml_get(map, key);
	return *value != NULL ? RESULT_OK : yaml_error(map, l->err, "'%s' lacks '%s'", what, key);
}

static enum result read_timeout(struct loader *l, const struct yaml_node *map, int64_t *timeout_ms)
{
	const struct yaml_node *node = yaml_get(map, "timeout");
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_duration(node, "timeout", timeout_ms, l->err);
	if (result == RESULT_OK && *timeout_ms <= 0)
		result = yaml_error(node, l->err, "'timeout' must be longer than nothing");
	return result;
}

static enum result read_ddns(struct loader *l, const struct yaml_node *map,
        const struct dns_name *zone, struct change_ddns *ddns)
{
	static const char *const known[] = {"server", "key", "zone", "timeout", NULL};
	const struct yaml_node *node;
	const char *text;
	ddns->is_set = true;
	ddns->zone = *zone;
	ddns->timeout_ms = 10 * SECOND_MS;
	enum result result = yaml_known_keys(map, "ddns", known, l->err);
	if (result == RESULT_OK)
		result = need(l, map, "ddns", "server", &node);
	if (result == RESULT_OK)
		result = read_address(l, node, &ddns->server);
	if (result == RESULT_OK)
		result = need(l, map, "ddns", "key", &node);
	if (result == RESULT_OK)
		result = yaml_text(node, "key", &text, l->err);
	if (result == RESULT_OK && (ddns->key = path_beside(l, text)) == NULL)
		result = no_memory(l);
	node = yaml_get(map, "zone");
	if (result == RESULT_OK && node != NULL)
		result = read_name(l, node, "zone", &ddns->zone);
	return result == RESULT_OK ? read_timeout(l, map, &ddns->timeout_ms) : result;
}

static enum result read_command(
        struct loader *l, const struct yaml_node *list, struct change_exec *exec)
{
	enum result result = yaml_expect(list, "command", YAML_LIST, l->err);
	if (result == RESULT_OK && (list->count == 0 || list->count > CHANGE_MAX_WORDS))
		return yaml_error(list, l->err, "expected a program and at most %d arguments",
		        CHANGE_MAX_WORDS - 1);
	if (result != RESULT_OK)
		return result;
	const char **words = arena_array(l->arena, list->count + 1, sizeof *words);
	if (words == NULL)
		return no_memory(l);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++)
		result = yaml_text(list->items[i], "command", &words[i], l->err);
	if (result == RESULT_OK && (words[0][0] != '/' || strlen(words[0]) > PROGRAM_MAX))
		return yaml_error(list->items[0], l->err,
		        "'%.60s' is no absolute path of a program", words[0]);
	exec->command = words;
	return result;
}

static bool is_variable(const char *name)
{
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	return name[0] != '\0' && strncmp(name, "BATON_", 6) != 0;
}

static enum result read_environment(
        struct loader *l, const struct yaml_node *map, struct change_exec *exec)
{
	size_t count = map == NULL ? 0 : map->count;
	enum result result =
	        map == NULL ? RESULT_OK : yaml_expect(map, "environment", YAML_MAP, l->err);
	if (result == RESULT_OK && count > CHANGE_MAX_WORDS)
		return yaml_error(map, l->err, "more than %d variables", CHANGE_MAX_WORDS);
	if (result != RESULT_OK)
		return result;
	const char **words = arena_array(l->arena, count + 1, sizeof *words);
	if (words == NULL)
		return no_memory(l);
	for (size_t i = 0; result == RESULT_OK && i < count; i++) {
		const char *value;
		if (!is_variable(map->keys[i]->text))
			return yaml_error(map->keys[i], l->err,
			        "'%.60s' is no name of a variable: letters, digits and _, and not "
			        "beginning with BATON_",
			        map->keys[i]->text);
		result = yaml_text(map->items[i], map->keys[i]->text, &value, l->err);
		if (result == RESULT_OK) {
			words[i] = arena_printf(l->arena, "%s=%s", map->keys[i]->text, value);
			if (words[i] == NULL)
				return no_memory(l);
		}
	}
	exec->environment = words;
	return result;
}

// Which steps a command is for.
static enum result read_steps(
        struct loader *l, const struct yaml_node *list, struct change_exec *exec)
{
	const struct procedure *p = l->d->procedure;
	bool *steps = arena_array(l->arena, p->step_count, sizeof *steps);
	enum result result = yaml_expect(list, "steps", YAML_LIST, l->err);
	if (result == RESULT_OK && steps == NULL)
		return no_memory(l);
	for (size_t i = 0; result == RESULT_OK && i < list->count; i++) {
		const char *text;
		result = yaml_text(list->items[i], "steps", &text, l->err);
		int step = result == RESULT_OK ? procedure_step_find(p, text) : -1;
		if (result == RESULT_OK && step < 0)
			return yaml_error(list->items[i], l->err,
			        "procedure '%s' has no step '%.60s'", p->id, text);
		if (step >= 0)
			steps[step] = true;
	}
	exec->steps = steps;
	return result;
}

static enum result read_exec(
        struct loader *l, const struct yaml_node *map, struct change_exec *exec)
{
	static const char *const known[] = {
	        "command", "timeout", "environment", "idempotent", "steps", NULL};
	const struct yaml_node *node;
	exec->is_set = true;
	enum result result = yaml_known_keys(map, "exec", known, l->err);
	if (result == RESULT_OK)
		result = need(l, map, "exec", "command", &node);
	if (result == RESULT_OK)
		result = read_command(l, node, exec);
	if (result == RESULT_OK)
		result = need(l, map, "exec", "timeout", &node);
	if (result == RESULT_OK)
		result = read_timeout(l, map, &exec->timeout_ms);
	if (result == RESULT_OK)
		result = read_environment(l, yaml_get(map, "environment"), exec);
	node = yaml_get(map, "idempotent");
	if (result == RESULT_OK && node != NULL)
		result = yaml_bool(node, "idempotent", &exec->idempotent, l->err);
	node = yaml_get(map, "steps");
	return result == RESULT_OK && node != NULL ? read_steps(l, node, exec) : result;
}

static enum result read_ways(struct loader *l, const struct yaml_node *map,
        const struct dns_name *zone, struct change_ways *ways)
{
	const struct yaml_node *ddns = yaml_get(map, "ddns"), *exec = yaml_get(map, "exec");
	enum result result = ddns != NULL ? read_ddns(l, ddns, zone, &ways->ddns) : RESULT_OK;
	return result == RESULT_OK && exec != NULL ? read_exec(l, exec, &ways->exec) : result;
}

static enum result read_automatic(
        struct loader *l, const struct yaml_node *map, const char *key, bool *automatic)
{
	const struct yaml_node *node = yaml_get(map, key);
	const char *text;
	if (node == NULL)
		return RESULT_OK;
	enum result result = yaml_text(node, key, &text, l->err);
	if (result == RESULT_OK && strcmp(text, "automatically") != 0 &&
	        strcmp(text, "in-person") != 0)
		return yaml_error(node, l->err,
		        "'%s' is '%.40s', expected automatically or in-person", key, text);
	if (result == RESULT_OK)
		*automatic = strcmp(text, "automatically") == 0;
	return result;
}

static enum result read_party(
        struct loader *l, const struct yaml_node *map, struct change_party *party)
{
	static const char *const known[] = {"servers", "lag", "samples-complete", "approves",
	        "confirms", "ddns", "exec", "at-parent", NULL};
	static const char *const parent_known[] = {"ddns", "exec", NULL};
	const struct procedure *p = l->d->procedure;
	bool is_parent = p->parties[party->party].role == PROCEDURE_PARENT_ZONE;
	const struct dns_name *zone = is_parent ? &l->d->parent_zone : &l->d->zone;
	enum result result = yaml_known_keys(map, "a party", known, l->err);
	const struct yaml_node *node = yaml_get(map, "servers");
	bool must_serve = is_parent || procedure_party_publishes(p, party->party);
	if (result == RESULT_OK && node == NULL && must_serve)
		result = yaml_error(map, l->err,
		        "'%s' lacks 'servers': who answers, and at which addresses",
		        procedure_party_name(p, party->party));
	if (result == RESULT_OK && node != NULL)
		result = read_servers(l, node, party);
	node = yaml_get(map, "lag");
	if (result == RESULT_OK && node != NULL)
		result = yaml_duration(node, "lag", &party->lag_ms, l->err);
	node = yaml_get(map, "samples-complete");
	if (result == RESULT_OK && node != NULL)
		result = yaml_bool(node, "samples-complete", &party->samples_complete, l->err);
	if (result == RESULT_OK)
		result = read_automatic(l, map, "approves", &party->approves_automatically);
	if (result == RESULT_OK)
		result = read_automatic(l, map, "confirms", &party->confirms_automatically);
	if (result == RESULT_OK)
		result = read_ways(l, map, zone, &party->ways);
	node = yaml_get(map, "at-parent");
	if (result == RESULT_OK && node != NULL)
		result = yaml_known_keys(node, "at-parent", parent_known, l->err);
	if (result == RESULT_OK && node != NULL)
		result = read_ways(l, node, &l->d->parent_zone, &party->at_parent);
	return result;
}

// ---- Whose address is it? --------------------------------------------------------------------

struct named_address {
	const struct address *address;
	const struct yaml_node *node;
	int party;
};

static int compare_named(const void *a, const void *b)
{
	const struct named_address *x = a, *y = b;
	int order = address_compare(x->address, y->address);
	return order != 0 ? order : (x->party > y->party) - (x->party < y->party);
}

static size_t list_addresses(const struct change_party *party, int number,
        const struct yaml_node *servers, struct named_address *list)
{
	size_t n = 0;
	for (size_t s = 0; s < party->server_count; s++)
		for (size_t i = 0; i < party->servers[s].address_count; i++)
			list[n++] =
			        (struct named_address){.address = &party->servers[s].addresses[i],
			                .node = servers->items[s]->items[i],
			                .party = number};
	return n;
}

// What an address shows is shown by one party.
static enum result check_addresses(struct loader *l, const struct yaml_node *map)
{
	const struct procedure *p = l->d->procedure;
	char text[ADDRESS_TEXT];
	size_t count = 0;
	struct named_address *list = arena_array(
	        l->arena, map->count * CHANGE_MAX_SERVERS * CHANGE_MAX_ADDRESSES + 1, sizeof *list);
	if (list == NULL)
		return no_memory(l);
	for (size_t i = 0; i < map->count; i++) {
		int number = procedure_party_find(p, map->keys[i]->text);
		count += list_addresses(&l->d->parties[number], number,
		        yaml_get(map->items[i], "servers"), &list[count]);
	}
	qsort(list, count, sizeof *list, compare_named);
	for (size_t i = 1; i < count; i++)
		if (list[i - 1].party != list[i].party &&
		        address_equal(list[i - 1].address, list[i].address))
			return yaml_error(list[i].node, l->err,
			        "%s is an address of '%s' and of '%s': what it shows would be "
			        "taken for both",
			        address_format(list[i].address, text),
			        p->parties[list[i - 1].party].id, p->parties[list[i].party].id);
	return RESULT_OK;
}

static enum result read_parties(struct loader *l)
{
	const struct yaml_node *map;
	const struct procedure *p = l->d->procedure;
	enum result result = need(l, l->root, "a change", "parties", &map);
	if (result == RESULT_OK)
		result = yaml_expect(map, "parties", YAML_MAP, l->err);
	for (size_t i = 0; result == RESULT_OK && i < map->count; i++) {
		int number = procedure_party_find(p, map->keys[i]->text);
		if (number < 0)
			return yaml_error(map->keys[i], l->err,
			        "procedure '%s' has no party '%.40s'", p->id, map->keys[i]->text);
		l->d->described |= UINT32_C(1) << number;
		result = read_party(l, map->items[i], &l->d->parties[number]);
	}
	for (size_t i = 0; result == RESULT_OK && i < p->party_count; i++) {
		bool must = p->parties[i].role == PROCEDURE_PARENT_ZONE ||
		            procedure_party_publishes(p, (int)i);
		if (must && (l->d->described >> i & 1) == 0)
			result = yaml_error(map, l->err, "'parties' lacks '%s'", p->parties[i].id);
	}
	return result == RESULT_OK ? check_addresses(l, map) : result;
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
	enum result result = need(l, l->root, "a change", "procedure", &node);
	if (result == RESULT_OK)
		result = yaml_text(node, "procedure", &text, l->err);
	if (result != RESULT_OK)
		return result;
	if (strpbrk(text, "/.") != NULL)
		path = path_beside(l, text);
	else {
		char *name = arena_printf(l->arena, "procedures/%s.yaml", text);
		struct error inner = {0};
		if (name == NULL)
			return no_memory(l);
		if (data_path(l->arena, name, &path, &inner) != RESULT_OK)
			return yaml_error(
			        node, l->err, "there is no procedure '%.60s' in the library", text);
	}
	const char *data;
	result = path == NULL
	                 ? no_memory(l)
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
	return *rdata != NULL ? RESULT_OK : no_memory(l);
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
		return no_memory(l);
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
		l->d->journal_path = name == NULL ? NULL : path_beside(l, name);
		if (l->d->journal_path == NULL)
			result = no_memory(l);
	}
	return result;
}

static enum result read_id(struct loader *l)
{
	const struct yaml_node *node;
	enum result result = need(l, l->root, "a change", "change", &node);
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
	enum result result = need(l, l->root, "a change", "zone", &node);
	if (result == RESULT_OK)
		result = read_name(l, node, "zone", &l->d->zone);
	const uint8_t *parent = result == RESULT_OK ? dns_name_parent(l->d->zone.wire) : NULL;
	if (result == RESULT_OK && parent == NULL)
		return yaml_error(node, l->err, "the root has no parent to change a delegation at");
	if (result == RESULT_OK)
		dns_name_copy(&l->d->parent_zone, parent);
	node = yaml_get(l->root, "parent-zone");
	if (result == RESULT_OK && node != NULL)
		result = read_name(l, node, "parent-zone", &l->d->parent_zone);
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
	return result == RESULT_OK ? read_parties(l) : result;
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

bool change_exec_does(const struct change_exec *exec, int step)
{
	return exec->is_set && (exec->steps == NULL || exec->steps[step]);
}

static enum result ddns_usable(const struct change_ddns *ddns, struct error *err)
{
	char *text;
	size_t length;
	struct dns_tsig_key *key = NULL;
	struct arena *arena = arena_new(1 << 16);
	struct error inner = {0};
	enum result result =
	        arena == NULL ? error_set(&inner, RESULT_MEMORY, "no memory")
	                      : file_read(arena, ddns->key, KEY_FILE_MAX, &text, &length, &inner);
	if (result == RESULT_OK) {
		text[strcspn(text, "\r\n")] = '\0';
		result = dns_tsig_key_parse(text, &key, &inner);
		dns_tsig_key_free(key);
		explicit_bzero(text, length);
		if (result != RESULT_OK)
			error_prefix(&inner, "%s: ", ddns->key);
	}
	arena_free(arena);
	return result == RESULT_OK ? RESULT_OK : error_set(err, RESULT_NOT_FOUND, "%s", inner.text);
}

static enum result ways_usable(const struct change_ways *ways, struct error *err)
{
	enum result result = ways->ddns.is_set ? ddns_usable(&ways->ddns, err) : RESULT_OK;
	if (result == RESULT_OK && ways->exec.is_set && access(ways->exec.command[0], X_OK) != 0)
		return error_set(err, RESULT_NOT_FOUND, "%s is no program that can be run",
		        ways->exec.command[0]);
	return result;
}

enum result change_definition_usable(const struct change_definition *definition, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < definition->procedure->party_count; i++) {
		result = ways_usable(&definition->parties[i].ways, err);
		if (result == RESULT_OK)
			result = ways_usable(&definition->parties[i].at_parent, err);
	}
	return result;
}

const struct change_ways *change_ways_of(
        const struct change_definition *definition, int by, int publisher)
{
	if (publisher != PROCEDURE_PARENT && publisher != definition->parent) {
		bool signs = by >= 0 && definition->procedure->parties[by].role == PROCEDURE_SIGNER;
		const struct change_ways *own = signs ? &definition->parties[by].ways : NULL;
		if (own != NULL && (own->ddns.is_set || own->exec.is_set))
			return own;
		return &definition->parties[publisher].ways;
	}
	if (by >= 0) {
		const struct change_ways *own = &definition->parties[by].at_parent;
		if (own->ddns.is_set || own->exec.is_set)
			return own;
	}
	return &definition->parties[definition->parent].ways;
}
