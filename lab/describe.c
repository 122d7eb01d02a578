#include "describe.h"

#include "shape.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/yaml.h"

#include <string.h>

static const char *const ttl_word[LAB_TTL_COUNT] = {
        [LAB_TTL_DS] = "ds",
        [LAB_TTL_DS_NONE] = "ds-none",
        [LAB_TTL_PARENT_NS] = "parent-ns",
        [LAB_TTL_CHILD_NS] = "child-ns",
        [LAB_TTL_DNSKEY] = "dnskey",
        [LAB_TTL_DATA] = "data",
        [LAB_TTL_NEGATIVE] = "negative",
        [LAB_TTL_ADDRESS] = "address",
};

const char *lab_ttl_word(enum lab_ttl ttl)
{
	return ttl_word[ttl];
}

enum result describe_plan(struct arena *arena, const char *dir, const struct lab_options *options,
        struct lab_info *info, struct error *err)
{
	const struct shape *shape = shape_find(options->shape);
	if (shape == NULL)
		return error_set(err, RESULT_INPUT, "no lab has the shape '%s'", options->shape);
	struct lab_info new = shape->plan;
	new.shape = shape;
	new.names = options->names > 0 ? options->names : shape->names;
	memcpy(new.ttl_s, options->ttl_s, sizeof(new.ttl_s));
	new.dir = arena_strdup(arena, dir);
	new.trust_anchor = arena_printf(arena, "%s/root.key", dir);
	new.root_hints = arena_printf(arena, "%s/root.hints", dir);
	bool unusual = false;
	bool failed = new.dir == NULL || new.trust_anchor == NULL || new.root_hints == NULL;
	for (int i = 0; i < LAB_PARTIES; i++) {
		struct lab_party *party = &new.party[i];
		if (party->update == NULL)
			party->update = party->server[0].v4;
		if (options->signer[i].software != NULL)
			party->server[0].software = options->signer[i].software;
		unusual = unusual || options->signer[i].software != NULL ||
		          options->signer[i].single_key;
		party->tsig_file = arena_printf(arena, "%s/keys/%s.tsig", dir, party->id);
		failed = failed || party->tsig_file == NULL;
	}
	if (failed)
		return error_set(err, RESULT_MEMORY, "out of memory");
	if (unusual && !shape->any_signer)
		return error_set(err, RESULT_INPUT,
		        "a lab of the shape '%s' has signers of its own", shape->name);
	*info = new;
	return RESULT_OK;
}

static void describe_server(struct buffer *out, const char *lead, const struct lab_server *server)
{
	buffer_printf(out, "%s{id: %s, software: %s, name: \"%s\", addresses: [\"%s\", \"%s\"]}\n",
	        lead, server->id, server->software, server->name, server->v4, server->v6);
}

static void describe_party(struct buffer *out, const struct lab_party *party)
{
	buffer_printf(out, "  %s:\n    zone: %s\n    update: %s\n", party->id, party->zone,
	        party->update);
	buffer_printf(out,
	        "    tsig: {name: %s, algorithm: hmac-sha256, secret: \"%s\", file: \"%s\"}\n",
	        party->tsig_name, party->tsig_secret, party->tsig_file);
	const char *const key[][2] = {{"ksk", party->ksk}, {"zsk", party->zsk}, {"ds", party->ds},
	        {"ksk-new", party->ksk_new}, {"zsk-new", party->zsk_new},
	        {"ds-new", party->ds_new}};
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		if (key[i][1] != NULL)
			buffer_printf(out, "    %s: \"%s\"\n", key[i][0], key[i][1]);
	buffer_puts(out, "    servers:\n");
	for (int i = 0; i < LAB_PARTY_SERVERS; i++)
		describe_server(out, "      - ", &party->server[i]);
}

enum result describe_write(const struct lab_info *info, const char *path, struct error *err)
{
	struct buffer out = buffer_init(1u << 20);
	buffer_puts(
	        &out, "# A running lab: who serves what, from where, and the keys to change it.\n");
	buffer_printf(&out, "shape: %s\nzone: %s\nnames: %u\nttl: {", info->shape->name, info->zone,
	        info->names);
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		buffer_printf(&out, "%s%s: %us", i > 0 ? ", " : "", ttl_word[i], info->ttl_s[i]);
	buffer_printf(&out, "}\ntrust-anchor: \"%s\"\nroot-hints: \"%s\"\n", info->trust_anchor,
	        info->root_hints);
	buffer_printf(&out, "client: [\"%s\", \"%s\"]\n", info->client_v4, info->client_v6);
	describe_server(&out, "root: ", &info->root);
	buffer_puts(&out, "parties:\n");
	for (int i = 0; i < LAB_PARTIES; i++)
		describe_party(&out, &info->party[i]);
	buffer_puts(&out, "resolvers:\n");
	for (int i = 0; i < LAB_RESOLVERS; i++)
		describe_server(&out, "  - ", &info->resolver[i]);
	describe_server(&out, "forwarder: ", &info->forwarder);
	enum result result = out.failed ? error_set(err, RESULT_MEMORY, "out of memory")
	                                : file_replace(path, out.data, out.length, err);
	buffer_free(&out);
	return result;
}

// A reader that remembers its first error, so that the calls can stand in a row.
struct describe_reader {
	const struct yaml_node *root;
	enum result result;
	struct error *err;
};

static const char *describe_text(
        struct describe_reader *reader, const struct yaml_node *node, const char *what)
{
	const char *text = NULL;
	if (reader->result == RESULT_OK && node == NULL)
		reader->result = yaml_error(reader->root, reader->err, "'%s' is missing", what);
	else if (reader->result == RESULT_OK)
		reader->result = yaml_text(node, what, &text, reader->err);
	return text;
}

static void describe_pair(struct describe_reader *reader, const struct yaml_node *node,
        const char *what, const char **first, const char **second)
{
	if (reader->result != RESULT_OK)
		return;
	if (node == NULL || node->kind != YAML_LIST || node->count != 2) {
		reader->result = yaml_error(node != NULL ? node : reader->root, reader->err,
		        "'%s' must be a list of two addresses", what);
		return;
	}
	*first = describe_text(reader, node->items[0], what);
	*second = describe_text(reader, node->items[1], what);
}

static struct lab_server describe_read_server(
        struct describe_reader *reader, const struct yaml_node *node)
{
	struct lab_server server = {.id = describe_text(reader, yaml_get(node, "id"), "id")};
	server.software = describe_text(reader, yaml_get(node, "software"), "software");
	server.name = describe_text(reader, yaml_get(node, "name"), "name");
	describe_pair(reader, yaml_get(node, "addresses"), "addresses", &server.v4, &server.v6);
	return server;
}

static void describe_read_list(struct describe_reader *reader, const struct yaml_node *list,
        const char *what, struct lab_server *servers, size_t count)
{
	if (reader->result != RESULT_OK)
		return;
	if (list == NULL || list->kind != YAML_LIST || list->count != count) {
		reader->result = yaml_error(list != NULL ? list : reader->root, reader->err,
		        "'%s' must be a list of %zu", what, count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		servers[i] = describe_read_server(reader, list->items[i]);
}

static void describe_read_party(
        struct describe_reader *reader, const struct yaml_node *parties, struct lab_party *party)
{
	const struct yaml_node *node = parties != NULL ? yaml_get(parties, party->id) : NULL;
	party->zone = describe_text(reader, yaml_get(node, "zone"), "zone");
	party->update = describe_text(reader, yaml_get(node, "update"), "update");
	const struct yaml_node *tsig = yaml_get(node, "tsig");
	party->tsig_name = describe_text(reader, yaml_get(tsig, "name"), "name");
	party->tsig_secret = describe_text(reader, yaml_get(tsig, "secret"), "secret");
	party->tsig_file = describe_text(reader, yaml_get(tsig, "file"), "file");
	const struct {
		const char *word, **to;
	} key[] = {{"ksk", &party->ksk}, {"zsk", &party->zsk}, {"ds", &party->ds},
	        {"ksk-new", &party->ksk_new}, {"zsk-new", &party->zsk_new},
	        {"ds-new", &party->ds_new}};
	for (size_t i = 0; i < sizeof(key) / sizeof(key[0]); i++)
		if (yaml_get(node, key[i].word) != NULL)
			*key[i].to =
			        describe_text(reader, yaml_get(node, key[i].word), key[i].word);
	describe_read_list(
	        reader, yaml_get(node, "servers"), "servers", party->server, LAB_PARTY_SERVERS);
}

static void describe_read_numbers(struct describe_reader *reader, struct lab_info *info)
{
	const struct yaml_node *names = yaml_get(reader->root, "names");
	const struct yaml_node *ttl = yaml_get(reader->root, "ttl");
	int64_t value;
	if (reader->result != RESULT_OK)
		return;
	if (names == NULL || ttl == NULL) {
		reader->result =
		        yaml_error(reader->root, reader->err, "'names' and 'ttl' must be there");
		return;
	}
	reader->result = yaml_integer(names, "names", 1, LAB_NAMES_MAX, &value, reader->err);
	if (reader->result == RESULT_OK)
		info->names = (unsigned)value;
	for (int i = 0; i < LAB_TTL_COUNT && reader->result == RESULT_OK; i++) {
		const struct yaml_node *node = yaml_get(ttl, ttl_word[i]);
		reader->result =
		        node == NULL ? yaml_error(ttl, reader->err, "'%s' is missing", ttl_word[i])
		                     : yaml_duration(node, ttl_word[i], &value, reader->err);
		if (reader->result == RESULT_OK)
			info->ttl_s[i] = (uint32_t)(value / SECOND_MS);
	}
}

enum result describe_read(
        struct arena *arena, const char *path, struct lab_info *info, struct error *err)
{
	struct describe_reader reader = {.err = err};
	reader.result = yaml_load(arena, path, &reader.root, err);
	if (reader.result != RESULT_OK)
		return reader.result;
	const struct yaml_node *root = reader.root;
	const char *word = describe_text(&reader, yaml_get(root, "shape"), "shape");
	const struct shape *shape = word != NULL ? shape_find(word) : NULL;
	if (shape == NULL)
		return reader.result != RESULT_OK
		               ? reader.result
		               : yaml_error(root, err, "no lab has the shape '%s'", word);
	struct lab_info new = shape->plan;
	new.shape = shape;
	new.dir = arena_strndup(arena, path, strlen(path) - strlen("/lab.yaml"));
	new.zone = describe_text(&reader, yaml_get(root, "zone"), "zone");
	describe_read_numbers(&reader, &new);
	new.trust_anchor = describe_text(&reader, yaml_get(root, "trust-anchor"), "trust-anchor");
	new.root_hints = describe_text(&reader, yaml_get(root, "root-hints"), "root-hints");
	describe_pair(&reader, yaml_get(root, "client"), "client", &new.client_v4, &new.client_v6);
	new.root = describe_read_server(&reader, yaml_get(root, "root"));
	for (int i = 0; i < LAB_PARTIES; i++)
		describe_read_party(&reader, yaml_get(root, "parties"), &new.party[i]);
	describe_read_list(
	        &reader, yaml_get(root, "resolvers"), "resolvers", new.resolver, LAB_RESOLVERS);
	new.forwarder = describe_read_server(&reader, yaml_get(root, "forwarder"));
	if (reader.result == RESULT_OK)
		*info = new;
	return reader.result;
}
