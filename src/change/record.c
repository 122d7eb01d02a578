#include "change/record.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

static bool sha256_text(const char *data, size_t length, char *text)
{
	unsigned char digest[32];
	unsigned n = sizeof digest;
	if (EVP_Digest(data, length, digest, &n, EVP_sha256(), NULL) != 1)
		return false;
	hex_lower(digest, sizeof digest, text);
	return true;
}

json_t *change_record_created(const struct change_definition *d)
{
	char definition_hash[65], procedure_hash[65];
	if (!sha256_text(d->text, d->text_length, definition_hash) ||
	        !sha256_text(d->procedure_text, d->procedure_length, procedure_hash))
		return NULL;
	return json_pack("{s:s, s:{s:s, s:s%, s:s}, s:{s:s, s:s%, s:s, s:s}}", "change", d->id,
	        "definition", "file", d->file, "text", d->text, d->text_length, "sha256",
	        definition_hash, "procedure", "file", d->procedure_path, "text", d->procedure_text,
	        d->procedure_length, "sha256", procedure_hash, "id", d->procedure->id);
}

enum result change_record_definition(struct arena *arena, const json_t *payload,
        const struct change_definition **definition, struct error *err)
{
	const json_t *d = json_object_get(payload, "definition"),
	             *p = json_object_get(payload, "procedure");
	const char *texts[] = {json_string_value(json_object_get(d, "file")),
	        json_string_value(json_object_get(d, "text")),
	        json_string_value(json_object_get(p, "file")),
	        json_string_value(json_object_get(p, "text"))};
	for (size_t i = 0; i < 4; i++) {
		if (texts[i] == NULL)
			return error_set(err, RESULT_CORRUPT,
			        "the record of the change's creation is not complete");
		texts[i] = arena_strdup(arena, texts[i]);
		if (texts[i] == NULL)
			return error_set(err, RESULT_MEMORY, "no memory for the definition");
	}
	return change_definition_parse(arena, texts[0], texts[1], strlen(texts[1]), texts[2],
	        texts[3], strlen(texts[3]), definition, err);
}

struct finding {
	struct arena *arena;
	const struct change_definition *definition;
};

static enum result find_definition(
        void *ctx, const struct journal_record *record, struct error *err)
{
	struct finding *f = ctx;
	json_t *payload;
	enum result result = journal_payload(record, &payload, err);
	if (result != RESULT_OK)
		return result;
	result = change_record_definition(f->arena, payload, &f->definition, err);
	json_decref(payload);
	return result;
}

enum result change_record_begun(struct arena *arena, struct journal *journal,
        const struct change_definition **definition, struct error *err)
{
	struct finding f = {.arena = arena};
	struct journal_filter filter = {.kind = JOURNAL_CHANGE_CREATED, .limit = 1};
	enum result result = journal_iterate(journal, &filter, find_definition, &f, err);
	if (result == RESULT_OK)
		*definition = f.definition;
	return result;
}

// Bits as hexadecimal text: JSON integers have 63 of them.
static json_t *bits(uint64_t value)
{
	char text[20];
	snprintf(text, sizeof text, "%" PRIx64, value);
	return json_string(text);
}

static json_t *instant(int64_t at_ms)
{
	return at_ms == TIME_NEVER_MS  ? json_string("never")
	       : at_ms == TIME_EVER_MS ? json_string("ever")
	                               : json_integer(at_ms);
}

json_t *change_record_effect(const struct safety_effect *effect)
{
	json_t *list = json_array();
	for (size_t i = 0; i < effect->count; i++) {
		const struct safety_change *c = &effect->changes[i];
		json_array_append_new(list,
		        json_pack("{s:i, s:s, s:o, s:o, s:I, s:o, s:o}", "publisher", c->publisher,
		                "kind", safety_kind_text((enum safety_kind)c->kind), "content",
		                bits(c->content), "signers", bits(c->signers), "ttl_s",
		                (json_int_t)c->ttl_s, "signed_from", instant(c->signed_from_ms),
		                "signed_until", instant(c->signed_until_ms)));
	}
	return list;
}

static bool read_bits(const json_t *json, uint64_t *value)
{
	const char *text = json_string_value(json);
	char *end;
	if (text == NULL || text[0] == '\0' || strlen(text) > 16)
		return false;
	*value = strtoull(text, &end, 16);
	return *end == '\0';
}

static bool read_instant(const json_t *json, int64_t *at_ms)
{
	const char *text = json_string_value(json);
	if (text != NULL)
		*at_ms = strcmp(text, "never") == 0 ? TIME_NEVER_MS : TIME_EVER_MS;
	else
		*at_ms = json_integer_value(json);
	return json != NULL;
}

static bool read_kind(const json_t *json, uint8_t *kind)
{
	const char *text = json_string_value(json);
	for (int k = 0; text != NULL && k < SAFETY_KINDS; k++)
		if (strcmp(text, safety_kind_text((enum safety_kind)k)) == 0) {
			*kind = (uint8_t)k;
			return true;
		}
	return false;
}

enum result change_effect_read(const json_t *json, struct safety_effect *effect, struct error *err)
{
	struct safety_effect read = {.count = json_array_size(json)};
	bool ok = json_is_array(json) && read.count <= SAFETY_MAX_CHANGES;
	for (size_t i = 0; ok && i < read.count; i++) {
		const json_t *item = json_array_get(json, i);
		struct safety_change *c = &read.changes[i];
		json_int_t publisher = json_integer_value(json_object_get(item, "publisher"));
		json_int_t ttl_s = json_integer_value(json_object_get(item, "ttl_s"));
		ok = read_kind(json_object_get(item, "kind"), &c->kind) &&
		     read_bits(json_object_get(item, "content"), &c->content) &&
		     read_bits(json_object_get(item, "signers"), &c->signers) &&
		     read_instant(json_object_get(item, "signed_from"), &c->signed_from_ms) &&
		     read_instant(json_object_get(item, "signed_until"), &c->signed_until_ms) &&
		     publisher >= 0 && publisher < SAFETY_MAX_PUBLISHERS && ttl_s >= 0 &&
		     ttl_s <= INT32_MAX;
		c->publisher = (uint8_t)publisher;
		c->ttl_s = (uint32_t)ttl_s;
	}
	if (!ok)
		return error_set(err, RESULT_CORRUPT, "an effect in the journal is not one");
	*effect = read;
	return RESULT_OK;
}

static bool says_go(const struct world *world, const struct safety_window *w)
{
	return w->possible && w->from_ms <= world->now_ms;
}

const char *change_record_excuse(const struct world *world, const struct move *move)
{
	const struct safety_window *w = &move->window;
	return w->excused && says_go(world, w) ? safety_rule_text(w->excuse.rule) : "";
}

json_t *change_record_verdict(const struct world *world, const struct move *move)
{
	const struct safety_window *w = &move->window;
	const char *excuse = change_record_excuse(world, move);
	return json_pack("{s:I, s:b, s:b, s:o, s:o, s:o, s:b, s:b, s:b, s:s*, s:o, s:o}", "now_ms",
	        (json_int_t)world->now_ms, "undo", move->undo, "go", says_go(world, w), "effect",
	        change_record_effect(&move->effect), "from", instant(w->from_ms), "until",
	        instant(w->until_ms), "insecure", w->insecure, "broken", w->broken, "possible",
	        w->possible, "excuse", excuse[0] != '\0' ? excuse : NULL, "history",
	        json_pack("{s:i, s:i, s:i}", "editions", world->history.count, "keys",
	                world->history.keys, "ds", world->history.ds),
	        "text", change_record_text(move->text));
}

bool change_record_time(const json_t *json, int64_t *at_ms)
{
	int64_t limit_ms = 10000 * 366 * DAY_MS, value = json_integer_value(json);
	if (!json_is_integer(json) || value > limit_ms || value < -limit_ms)
		return false;
	*at_ms = value;
	return true;
}

json_t *change_record_text(const char *text)
{
	json_t *json = json_string(text);
	char *copy = json == NULL ? strdup(text) : NULL;
	for (char *c = copy; c != NULL && *c != '\0'; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	if (copy != NULL)
		json = json_string(copy);
	free(copy);
	return json;
}

void change_attempt_new(const struct random *random, char attempt[DEED_ATTEMPT])
{
	unsigned char octets[16];
	random->fill(random->ctx, octets, sizeof octets);
	hex_lower(octets, sizeof octets, attempt);
}
