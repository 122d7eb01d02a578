#include "change/errand.h"

#include <string.h>

#include "dns/key.h"
#include "dns/type.h"

struct builder {
	struct arena *arena;
	const struct change_definition *d;
	const struct world *world;
	const struct observe_view *view;
	struct act_operation *operations;
	size_t count;
	const char *zone;
	json_t *facts;
	bool by_update;
	struct error *err;
};

struct texts {
	size_t count;
	const char *list[ACT_MAX_RECORDS];
};

static enum result no_memory(struct builder *b)
{
	return error_set(b->err, RESULT_MEMORY, "no memory for a request");
}

static enum result add_text(struct builder *b, struct texts *t, const char *text)
{
	if (text == NULL)
		return no_memory(b);
	if (t->count == ACT_MAX_RECORDS)
		return error_set(
		        b->err, RESULT_LIMIT, "more than %d records in one set", ACT_MAX_RECORDS);
	t->list[t->count++] = text;
	return RESULT_OK;
}

static enum result ds_texts(struct builder *b, uint64_t records, struct texts *out)
{
	enum result result = RESULT_OK;
	for (; result == RESULT_OK && records != 0; records &= records - 1) {
		int record = __builtin_ctzll(records), key = b->world->history.ds_key[record];
		struct dns_ds ds;
		char text[DNS_DS_TEXT];
		if ((size_t)key >= observe_view_key_count(b->view))
			return error_set(b->err, RESULT_NOT_FOUND,
			        "the parent publishes a DS record whose key nobody has seen; it "
			        "has to be changed by hand");
		result = dns_ds_from_key(observe_view_key(b->view, (size_t)key),
		        b->world->history.ds_digest[record], &ds, b->err);
		if (result == RESULT_OK)
			result = add_text(b, out, arena_strdup(b->arena, dns_ds_text(&ds, text)));
	}
	return result;
}

static enum result ns_texts(struct builder *b, uint64_t groups, struct texts *out)
{
	enum result result = RESULT_OK;
	for (; result == RESULT_OK && groups != 0; groups &= groups - 1) {
		int party = change_party_of(b->d, __builtin_ctzll(groups));
		if (party < 0)
			return error_set(b->err, RESULT_NOT_FOUND,
			        "an NS set that names servers of no party");
		const struct change_party *p = &b->d->parties[party];
		for (size_t i = 0; result == RESULT_OK && i < p->server_count; i++) {
			char text[DNS_NAME_TEXT];
			result = add_text(b, out,
			        arena_strdup(
			                b->arena, dns_name_text(p->servers[i].name.wire, text)));
		}
	}
	return result;
}

static enum result key_texts(struct builder *b, uint64_t keys, struct texts *out)
{
	enum result result = RESULT_OK;
	for (; result == RESULT_OK && keys != 0; keys &= keys - 1) {
		size_t key = (size_t)__builtin_ctzll(keys);
		if (key >= observe_view_key_count(b->view))
			return error_set(b->err, RESULT_NOT_FOUND, "a key that nobody has seen");
		result = add_text(b, out, dns_key_text(observe_view_key(b->view, key), b->arena));
	}
	return result;
}

static enum result operation_add(struct builder *b, enum act_kind kind, uint16_t type,
        uint32_t ttl_s, const struct texts *records, const struct texts *old)
{
	if (b->count == ACT_MAX_OPERATIONS)
		return error_set(
		        b->err, RESULT_LIMIT, "more than %d operations", ACT_MAX_OPERATIONS);
	struct act_operation *o = &b->operations[b->count++];
	*o = (struct act_operation){.kind = kind,
	        .name = b->zone,
	        .type = type,
	        .ttl_s = ttl_s,
	        .count = records->count};
	o->records = arena_memdup(b->arena, records->list, records->count * sizeof *records->list);
	if (old != NULL) {
		o->old_count = old->count;
		o->old = arena_memdup(b->arena, old->list, old->count * sizeof *old->list);
	}
	return o->records == NULL || (old != NULL && o->old == NULL) ? no_memory(b) : RESULT_OK;
}

static uint64_t content_now(const struct builder *b, const struct safety_change *c)
{
	const struct safety_edition *now =
	        safety_current(&b->world->history, c->publisher, (enum safety_kind)c->kind);
	return now != NULL ? now->content : 0;
}

static enum result replace(struct builder *b, const struct safety_change *c,
        enum result (*texts_of)(struct builder *b, uint64_t bits, struct texts *out), uint16_t type)
{
	struct texts records = {0}, old = {0};
	enum result result = texts_of(b, c->content, &records);
	// What is there now is named where all of it is known; DS records of strangers are not.
	bool known = result == RESULT_OK && texts_of(b, content_now(b, c), &old) == RESULT_OK;
	return result == RESULT_OK ? operation_add(b, ACT_REPLACE, type, c->ttl_s, &records,
	                                     known ? &old : NULL)
	                           : result;
}

static enum result change_keys(struct builder *b, const struct safety_change *c)
{
	struct texts more = {0}, fewer = {0};
	uint64_t now = content_now(b, c);
	enum result result = key_texts(b, c->content & ~now, &more);
	if (result == RESULT_OK)
		result = key_texts(b, now & ~c->content, &fewer);
	if (result == RESULT_OK && more.count > 0)
		result = operation_add(b, ACT_ADD, DNS_TYPE_DNSKEY, c->ttl_s, &more, NULL);
	if (result == RESULT_OK && fewer.count > 0)
		result = operation_add(b, ACT_REMOVE, DNS_TYPE_DNSKEY, c->ttl_s, &fewer, NULL);
	return result;
}

// What is no record set is told as a fact, for a command to understand.
static enum result add_fact(struct builder *b, const struct safety_change *c)
{
	b->by_update = false;
	json_t *value;
	if (c->kind == SAFETY_SERVING)
		value = json_boolean(c->content != 0);
	else {
		struct texts keys = {0};
		enum result result =
		        key_texts(b, c->kind == SAFETY_DNSKEY ? c->signers : c->content, &keys);
		if (result != RESULT_OK)
			return result;
		value = json_array();
		for (size_t i = 0; i < keys.count; i++)
			json_array_append_new(value, json_string(keys.list[i]));
	}
	const char *name = c->kind == SAFETY_SERVING ? "serving"
	                   : c->kind == SAFETY_DATA  ? "data-signers"
	                                             : "dnskey-signers";
	return json_object_set_new(b->facts, name, value) == 0 ? RESULT_OK : no_memory(b);
}

// A foreign key does not sign; anything else about signers is for the signer to do.
static bool changes_signers(const struct safety_edition *now, const struct safety_change *c)
{
	return now != NULL && (now->signers & c->content) != c->signers;
}

bool change_errand_needs_command(
        const struct safety_history *history, const struct safety_effect *effect, int publisher)
{
	for (size_t i = 0; i < effect->count; i++) {
		const struct safety_change *c = &effect->changes[i];
		enum safety_kind kind = (enum safety_kind)c->kind;
		if (c->publisher != publisher)
			continue;
		if (kind == SAFETY_DATA || kind == SAFETY_SERVING ||
		        (kind == SAFETY_DNSKEY &&
		                changes_signers(safety_current(history, publisher, kind), c)))
			return true;
	}
	return false;
}

static enum result add_change(struct builder *b, const struct safety_change *c)
{
	const struct safety_edition *now =
	        safety_current(&b->world->history, c->publisher, (enum safety_kind)c->kind);
	enum result result = RESULT_OK;
	switch ((enum safety_kind)c->kind) {
	case SAFETY_DS:
		return replace(b, c, ds_texts, DNS_TYPE_DS);
	case SAFETY_NS:
		return replace(b, c, ns_texts, DNS_TYPE_NS);
	case SAFETY_DNSKEY:
		if (now == NULL || now->content != c->content)
			result = change_keys(b, c);
		if (result == RESULT_OK && changes_signers(now, c))
			result = add_fact(b, c);
		return result;
	case SAFETY_DATA:
	case SAFETY_SERVING:
		return add_fact(b, c);
	case SAFETY_KINDS:
	default:
		return RESULT_OK;
	}
}

enum result change_errand(struct arena *arena, const struct change_definition *definition,
        const struct procedure_step *step, bool undo, const struct world *world,
        const struct observe_view *view, const struct safety_effect *effect, int publisher,
        struct errand *errand, struct error *err)
{
	char zone[DNS_NAME_TEXT];
	struct builder b = {.arena = arena,
	        .d = definition,
	        .world = world,
	        .view = view,
	        .operations = arena_array(arena, ACT_MAX_OPERATIONS, sizeof *b.operations),
	        .zone = arena_strdup(arena, dns_name_text(definition->zone.wire, zone)),
	        .facts = json_object(),
	        .by_update = true,
	        .err = err};
	if (b.operations == NULL || b.zone == NULL || b.facts == NULL) {
		json_decref(b.facts);
		return no_memory(&b);
	}
	json_object_set_new(b.facts, "undo", json_boolean(undo));
	if (publisher >= 0)
		json_object_set_new(b.facts, "publisher",
		        json_string(procedure_party_name(
		                definition->procedure, change_party_of(definition, publisher))));
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < effect->count; i++)
		if (effect->changes[i].publisher == publisher)
			result = add_change(&b, &effect->changes[i]);
	if (result != RESULT_OK) {
		json_decref(b.facts);
		return result;
	}
	*errand = (struct errand){.request = {.change = definition->id,
	                                  .step = step->id,
	                                  .zone = b.zone,
	                                  .count = b.count,
	                                  .operations = b.operations,
	                                  .facts = b.facts},
	        .by_update = b.by_update};
	return RESULT_OK;
}
