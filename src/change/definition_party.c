// Parties of a change: who serves at which addresses, and how it acts.
#include "change/definition_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_MAX = 4095 };

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
		return loader_no_memory(l);
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
		return loader_no_memory(l);
	for (; result == RESULT_OK && party->server_count < map->count; party->server_count++) {
		struct change_server *server = &party->servers[party->server_count];
		result = loader_name(
		        l, map->keys[party->server_count], "server name", &server->name);
		if (result == RESULT_OK)
			result = read_addresses(l, map->items[party->server_count], server);
	}
	return result;
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
		result = loader_need(l, map, "ddns", "server", &node);
	if (result == RESULT_OK)
		result = read_address(l, node, &ddns->server);
	if (result == RESULT_OK)
		result = loader_need(l, map, "ddns", "key", &node);
	if (result == RESULT_OK)
		result = yaml_text(node, "key", &text, l->err);
	if (result == RESULT_OK && (ddns->key = loader_path_beside(l, text)) == NULL)
		result = loader_no_memory(l);
	node = yaml_get(map, "zone");
	if (result == RESULT_OK && node != NULL)
		result = loader_name(l, node, "zone", &ddns->zone);
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
		return loader_no_memory(l);
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
		return loader_no_memory(l);
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
				return loader_no_memory(l);
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
		return loader_no_memory(l);
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
		result = loader_need(l, map, "exec", "command", &node);
	if (result == RESULT_OK)
		result = read_command(l, node, exec);
	if (result == RESULT_OK)
		result = loader_need(l, map, "exec", "timeout", &node);
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
		return loader_no_memory(l);
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

enum result definition_parties(struct loader *l)
{
	const struct yaml_node *map;
	const struct procedure *p = l->d->procedure;
	enum result result = loader_need(l, l->root, "a change", "parties", &map);
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
