#include "change/world.h"

#include <stdio.h>
#include <string.h>

#include "dns/key.h"

int change_publisher(const struct change_definition *definition, int party)
{
	const struct procedure *p = definition->procedure;
	if (party == PROCEDURE_PARENT || party == definition->parent)
		return 0;
	if (!procedure_party_publishes(p, party))
		return -1;
	int number = 1;
	for (int i = 0; i < party; i++)
		number += i != definition->parent && procedure_party_publishes(p, i);
	return number;
}

int change_party_of(const struct change_definition *definition, int publisher)
{
	for (int i = 0; publisher > 0 && i < (int)definition->procedure->party_count; i++)
		if (i != definition->parent && change_publisher(definition, i) == publisher)
			return i;
	return PROCEDURE_PARENT;
}

static enum result add_servers(struct observe_subject *subject, int publisher,
        const struct change_party *party, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t s = 0; s < party->server_count; s++) {
		const struct change_server *server = &party->servers[s];
		char name[DNS_NAME_TEXT];
		dns_name_text(server->name.wire, name);
		for (size_t a = 0; result == RESULT_OK && a < server->address_count; a++)
			result = observe_subject_server(
			        subject, publisher, name, &server->addresses[a], err);
	}
	return result;
}

static enum result add_group(const struct change_definition *d, struct observe_subject *subject,
        int party, struct error *err)
{
	const struct change_party *described = &d->parties[party];
	int publisher;
	enum result result = observe_subject_group(subject,
	        procedure_party_name(d->procedure, party), described->lag_ms, &publisher, err);
	if (result != RESULT_OK)
		return result;
	subject->publishers[publisher].data_ttl_s = d->data_ttl_s;
	subject->publishers[publisher].samples_complete = described->samples_complete;
	return add_servers(subject, publisher, described, err);
}

// "signer.ksk.new", and "signer.ksk.new-2" for the second key that plays this part.
static void key_name(
        const struct change_definition *d, size_t symbol, size_t number, char name[SAFETY_NAME])
{
	char text[SAFETY_NAME + 16];
	snprintf(text, sizeof text, number == 0 ? "%s" : "%s-%zu", d->procedure->keys[symbol].id,
	        number + 1);
	snprintf(name, SAFETY_NAME, "%.*s", SAFETY_NAME - 1, text);
}

// A key may sign before anybody can see it (RFC 6781 4.1.4): what it signs is known by the key that
// was told.
static enum result add_told(
        const struct change_definition *d, struct observe_subject *subject, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < d->procedure->key_count; i++)
		for (size_t k = 0;
		        result == RESULT_OK && d->keys[i] != NULL && d->keys[i][k] != NULL; k++) {
			char name[SAFETY_NAME];
			key_name(d, i, k, name);
			result = observe_subject_key(subject, name, d->keys[i][k], err);
		}
	return result;
}

static enum result fill_subject(
        const struct change_definition *d, struct observe_subject *subject, struct error *err)
{
	subject->publishers[0].lag_ms = d->parties[d->parent].lag_ms;
	subject->past_since_ms = d->unchanged_since_ms;
	if (subject->max_hole_ms < 10 * d->poll_ms)
		subject->max_hole_ms = 10 * d->poll_ms;
	if (d->bridge_ms > 0)
		subject->max_hole_ms = d->bridge_ms;
	enum result result = add_servers(subject, 0, &d->parties[d->parent], err);
	for (int i = 0; result == RESULT_OK && i < (int)d->procedure->party_count; i++)
		if (i != d->parent && procedure_party_publishes(d->procedure, i))
			result = add_group(d, subject, i, err);
	for (size_t i = 0; result == RESULT_OK && i < d->sample_count; i++) {
		char name[DNS_NAME_TEXT];
		result = observe_subject_sample(subject,
		        dns_name_text(d->samples[i].name.wire, name), d->samples[i].type, err);
	}
	for (size_t i = 0; result == RESULT_OK && i < d->anchor_count; i++)
		result = observe_subject_anchor(subject, d->anchors[i], err);
	return result == RESULT_OK ? add_told(d, subject, err) : result;
}

enum result change_subject_new(const struct change_definition *definition,
        struct observe_subject **subject, struct error *err)
{
	char zone[DNS_NAME_TEXT], parent[DNS_NAME_TEXT];
	struct observe_subject *s;
	dns_name_text(definition->zone.wire, zone);
	dns_name_text(definition->parent_zone.wire, parent);
	enum result result = observe_subject_new(zone, parent, &s, err);
	if (result != RESULT_OK)
		return result;
	result = fill_subject(definition, s, err);
	if (result == RESULT_OK)
		*subject = s;
	else
		observe_subject_free(s);
	return result;
}

// ---- Whose keys are these? ------------------------------------------------------------------

struct finder {
	const struct change_definition *d;
	const struct observe_view *view;
	const struct safety_history *history;
	struct arena *arena;
	struct error *err;
};

static uint64_t sep_keys(const struct finder *f, uint64_t keys)
{
	uint64_t sep = 0;
	for (uint64_t rest = keys; rest != 0; rest &= rest - 1) {
		const struct dns_key *key =
		        observe_view_key(f->view, (size_t)__builtin_ctzll(rest));
		if (dns_key_is_sep(key) && !dns_key_is_revoked(key))
			sep |= rest & -rest;
	}
	return sep;
}

// Keys that sign the data of other parties: whoever publishes them, they are not its own.
static uint64_t keys_of_others(const struct finder *f, int publisher)
{
	uint64_t keys = 0, data;
	for (int i = 0; i < (int)f->d->procedure->party_count; i++) {
		int other = change_publisher(f->d, i);
		if (other > 0 && other != publisher &&
		        observe_view_everywhere(f->view, other, SAFETY_DATA, &data, NULL, NULL))
			keys |= data;
	}
	return keys;
}

// Keys that the definition tells, and that play another part than this one.
static enum result keys_told(const struct finder *f, size_t symbol, uint64_t *keys)
{
	*keys = 0;
	for (size_t i = 0; i < f->d->procedure->key_count; i++)
		for (size_t k = 0; i != symbol && f->d->keys[i] != NULL && f->d->keys[i][k] != NULL;
		        k++) {
			struct dns_key *key;
			enum result result =
			        dns_key_parse(f->d->zone.wire, f->d->keys[i][k], &key, f->err);
			if (result != RESULT_OK)
				return result;
			int found = observe_view_key_find(f->view, key);
			if (found >= 0 && found < SAFETY_MAX_KEYS)
				*keys |= UINT64_C(1) << found;
			dns_key_unref(key);
		}
	return RESULT_OK;
}

// Key-signing keys sign the DNSKEY set and have the SEP flag, where any does; zone-signing keys are
// the others, those prepared for later included, and whatever signs data. A key may be both.
static uint64_t keys_of_role(const struct finder *f, const struct procedure_key *symbol,
        uint64_t set, uint64_t signers, uint64_t data)
{
	uint64_t sep = sep_keys(f, set);
	uint64_t ksk = (signers & sep) != 0 ? signers & sep : signers;
	uint64_t others = keys_of_others(f, change_publisher(f->d, symbol->party));
	uint64_t zsk = (set & ~sep & ~ksk & ~others) | (data & set);
	if (strcmp(symbol->role, "csk") == 0)
		return ksk & zsk;
	return strcmp(symbol->role, "ksk") == 0 ? ksk : zsk;
}

static enum result take_told(const struct finder *f, size_t number, json_t *into)
{
	json_t *list = json_array();
	for (const char *const *key = f->d->keys[number]; *key != NULL; key++)
		json_array_append_new(list, json_string(*key));
	return json_object_set_new(into, f->d->procedure->keys[number].id, list) == 0
	               ? RESULT_OK
	               : error_set(f->err, RESULT_MEMORY, "no memory");
}

static enum result find_one(const struct finder *f, size_t number, json_t *into)
{
	const struct procedure_key *symbol = &f->d->procedure->keys[number];
	int publisher = change_publisher(f->d, symbol->party);
	uint64_t set = 0, signers = 0, data = 0, told = 0;
	if (f->d->keys[number] != NULL)
		return take_told(f, number, into);
	if (symbol->generation[0] != '\0')
		return error_set(f->err, RESULT_NOT_FOUND,
		        "%s is a key to come, which nobody can see: the definition says it as "
		        "`keys: {%s: [\"257 3 13 ...\"]}`",
		        symbol->id, symbol->id);
	if (!observe_view_everywhere(f->view, publisher, SAFETY_DNSKEY, &set, &signers, NULL) ||
	        !observe_view_everywhere(f->view, publisher, SAFETY_DATA, &data, NULL, NULL))
		return error_set(f->err, RESULT_NOT_FOUND,
		        "the keys of '%s' are not known: its addresses do not all answer with one "
		        "DNSKEY set and "
		        "signatures by its keys",
		        procedure_party_name(f->d->procedure, symbol->party));
	enum result result = keys_told(f, number, &told);
	if (result != RESULT_OK)
		return result;
	uint64_t keys = keys_of_role(f, symbol, set & ~told, signers & ~told, data & ~told);
	if (keys == 0)
		return error_set(f->err, RESULT_NOT_FOUND, "'%s' serves no key that could be %s",
		        procedure_party_name(f->d->procedure, symbol->party), symbol->id);
	json_t *list = json_array();
	for (; keys != 0; keys &= keys - 1) {
		const char *text = dns_key_text(
		        observe_view_key(f->view, (size_t)__builtin_ctzll(keys)), f->arena);
		json_array_append_new(list, json_string(text != NULL ? text : ""));
	}
	return json_object_set_new(into, symbol->id, list) == 0
	               ? RESULT_OK
	               : error_set(f->err, RESULT_MEMORY, "no memory");
}

// The digest types that the parent publishes now; SHA-256 where it publishes none.
static json_t *digests_in_use(const struct safety_history *history)
{
	json_t *list = json_array();
	const struct safety_edition *ds = safety_current(history, 0, SAFETY_DS);
	bool seen[256] = {false};
	for (uint64_t rest = ds != NULL ? ds->content : 0; rest != 0; rest &= rest - 1)
		seen[history->ds_digest[__builtin_ctzll(rest)]] = true;
	for (int type = 0; type < 256; type++)
		if (seen[type] && dns_digest_is_supported((uint8_t)type))
			json_array_append_new(list, json_integer(type));
	if (json_array_size(list) == 0)
		json_array_append_new(list, json_integer(2));
	return list;
}

static enum result find_all(const struct finder *f, json_t **keys)
{
	json_t *named = json_object();
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < f->d->procedure->key_count; i++)
		result = find_one(f, i, named);
	if (result != RESULT_OK)
		json_decref(named);
	else
		*keys = json_pack(
		        "{s:o, s:o}", "keys", named, "digests", digests_in_use(f->history));
	return result;
}

enum result change_keys_find(const struct change_definition *definition,
        const struct observe_view *view, int64_t now_ms, json_t **keys, struct error *err)
{
	struct safety_history history;
	enum result result = observe_view_history(view, now_ms, false, &history, NULL, err);
	if (result != RESULT_OK)
		return result;
	struct finder f = {.d = definition,
	        .view = view,
	        .history = &history,
	        .arena = arena_new(1 << 20),
	        .err = err};
	result = f.arena == NULL ? error_set(err, RESULT_MEMORY, "no memory") : find_all(&f, keys);
	arena_free(f.arena);
	safety_history_free(&history);
	return result;
}

static enum result each_key(const struct change_definition *d, const json_t *keys,
        enum result (*visit)(
                void *ctx, size_t symbol, size_t number, struct dns_key *key, struct error *err),
        void *ctx, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < d->procedure->key_count; i++) {
		const json_t *list =
		        json_object_get(json_object_get(keys, "keys"), d->procedure->keys[i].id);
		for (size_t k = 0; result == RESULT_OK && k < json_array_size(list); k++) {
			const char *text = json_string_value(json_array_get(list, k));
			struct dns_key *key;
			result = text == NULL ? error_set(err, RESULT_CORRUPT,
			                                "a key of the journal is no text")
			                      : dns_key_parse(d->zone.wire, text, &key, err);
			if (result == RESULT_OK) {
				result = visit(ctx, i, k, key, err);
				dns_key_unref(key);
			}
		}
	}
	return result;
}

struct telling {
	const struct change_definition *d;
	struct observe_view *view;
};

static enum result tell_key(
        void *ctx, size_t symbol, size_t number, struct dns_key *key, struct error *err)
{
	struct telling *t = ctx;
	char name[SAFETY_NAME];
	key_name(t->d, symbol, number, name);
	return observe_view_key_add(t->view, name, key, err);
}

enum result change_keys_tell(const struct change_definition *definition, const json_t *keys,
        struct observe_view *view, struct error *err)
{
	struct telling t = {definition, view};
	return each_key(definition, keys, tell_key, &t, err);
}

// ---- Binding --------------------------------------------------------------------------------

struct binding_ctx {
	const struct observe_view *view;
	const json_t *digests;
	struct world *world;
};

static enum result bind_key(
        void *ctx, size_t symbol, size_t number, struct dns_key *key, struct error *err)
{
	struct binding_ctx *b = ctx;
	int found = observe_view_key_find(b->view, key);
	(void)number;
	if (found < 0 || found >= SAFETY_MAX_KEYS)
		return error_set(err, RESULT_CORRUPT, "a bound key is not known to the view");
	b->world->binding.keys[symbol] |= UINT64_C(1) << found;
	for (size_t i = 0; i < json_array_size(b->digests); i++) {
		int type = (int)json_integer_value(json_array_get(b->digests, i));
		int record = safety_ds_add(&b->world->history, found, (uint8_t)type);
		if (record < 0)
			return error_set(err, RESULT_LIMIT, "more DS records than can be kept");
		b->world->binding.ds[symbol] |= UINT64_C(1) << record;
	}
	return RESULT_OK;
}

// TTLs of editions to come are those of what is served now; a negative answer is taken to live as
// long as the DS set, until one has been seen.
static void bind_ttls(const struct change_definition *d, struct world *w)
{
	static const struct {
		enum safety_kind kind;
		enum procedure_ttl ttl;
	} of_group[] = {{SAFETY_NS, PROCEDURE_TTL_CHILD_NS}, {SAFETY_DNSKEY, PROCEDURE_TTL_DNSKEY},
	        {SAFETY_DATA, PROCEDURE_TTL_DATA}};
	const struct safety_edition *e = safety_current(&w->history, 0, SAFETY_DS);
	uint32_t ds_s = e != NULL ? e->ttl_s : 86400;
	for (int i = 0; i < w->history.count; i++)
		if (w->history.editions[i].kind == SAFETY_DS && w->history.editions[i].ttl_s > ds_s)
			ds_s = w->history.editions[i].ttl_s;
	w->binding.ttl_s[0][PROCEDURE_TTL_DS] = w->binding.ttl_s[0][PROCEDURE_TTL_DS_NONE] = ds_s;
	e = safety_current(&w->history, 0, SAFETY_NS);
	w->binding.ttl_s[0][PROCEDURE_TTL_PARENT_NS] = e != NULL ? e->ttl_s : 86400;
	for (int i = 0; i < (int)d->procedure->party_count; i++)
		for (size_t k = 0; k < sizeof of_group / sizeof *of_group; k++) {
			int publisher = change_publisher(d, i);
			e = publisher > 0 ? safety_current(&w->history, publisher, of_group[k].kind)
			                  : NULL;
			w->binding.ttl_s[i + 1][of_group[k].ttl] =
			        e != NULL ? e->ttl_s : d->data_ttl_s;
		}
}

enum result change_world_at(const struct change_definition *definition,
        const struct observe_view *view, const json_t *keys, int64_t now_ms, struct world *world,
        struct error *err)
{
	world->now_ms = now_ms;
	enum result result =
	        observe_view_history(view, now_ms, true, &world->history, &world->gaps, err);
	if (result != RESULT_OK)
		return result;
	procedure_binding_init(&world->binding);
	for (int i = 0; i < (int)definition->procedure->party_count; i++) {
		int publisher = change_publisher(definition, i);
		world->binding.publisher[i] = i == definition->parent ? -1 : publisher;
	}
	struct binding_ctx b = {view, json_object_get(keys, "digests"), world};
	if (keys != NULL)
		result = each_key(definition, keys, bind_key, &b, err);
	bind_ttls(definition, world);
	if (result != RESULT_OK)
		change_world_free(world);
	return result;
}

void change_world_free(struct world *world)
{
	safety_history_free(&world->history);
}
