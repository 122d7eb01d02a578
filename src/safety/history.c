// Building a history: publishers, keys, editions.
#include "safety/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct safety_readers safety_all_readers = {0};

const char *const safety_ttl_words[SAFETY_TTLS + 1] = {
        "ds", "ds-none", "parent-ns", "child-ns", "dnskey", "data", NULL};

enum safety_ttl safety_ttl_of(int publisher, enum safety_kind kind, bool is_empty)
{
	static const enum safety_ttl of[SAFETY_KINDS] = {[SAFETY_DS] = SAFETY_TTL_DS,
	        [SAFETY_NS] = SAFETY_TTL_CHILD_NS,
	        [SAFETY_DNSKEY] = SAFETY_TTL_DNSKEY,
	        [SAFETY_DATA] = SAFETY_TTL_DATA};
	assert(kind < SAFETY_KINDS && kind != SAFETY_SERVING);
	if (kind == SAFETY_DS && is_empty)
		return SAFETY_TTL_DS_NONE;
	return kind == SAFETY_NS && publisher == 0 ? SAFETY_TTL_PARENT_NS : of[kind];
}

void safety_history_init(struct safety_history *history)
{
	*history = (struct safety_history){.publishers = 1};
}

void safety_history_free(struct safety_history *history)
{
	free(history->editions);
	free(history->names);
	*history = (struct safety_history){.publishers = 1};
}

enum result safety_history_copy(struct safety_history *to, const struct safety_history *from)
{
	struct safety_history copy = *from;
	copy.editions = NULL;
	copy.names = NULL;
	copy.capacity = from->count;
	if (from->count > 0) {
		copy.editions = malloc(from->count * sizeof *copy.editions);
		if (copy.editions == NULL)
			return RESULT_MEMORY;
		memcpy(copy.editions, from->editions, from->count * sizeof *copy.editions);
	}
	if (from->names != NULL) {
		copy.names = malloc(sizeof *copy.names);
		if (copy.names == NULL) {
			free(copy.editions);
			return RESULT_MEMORY;
		}
		*copy.names = *from->names;
	}
	*to = copy;
	return RESULT_OK;
}

// Names help people only, so that a history lives on without them where there is no memory for
// them.
static void name_set(struct safety_history *history, bool publisher, int number, const char *name)
{
	if (name == NULL)
		return;
	if (history->names == NULL)
		history->names = calloc(1, sizeof *history->names);
	if (history->names == NULL)
		return;
	char *to = publisher ? history->names->publisher[number] : history->names->key[number];
	size_t n = strnlen(name, SAFETY_NAME - 1);
	memcpy(to, name, n);
	to[n] = '\0';
}

int safety_group_add(struct safety_history *history, const char *name, int64_t lag_ms)
{
	assert(lag_ms >= 0);
	if (history->publishers >= SAFETY_MAX_PUBLISHERS)
		return -1;
	int group = history->publishers++;
	history->lag_s[group] = (uint32_t)((lag_ms + SECOND_MS - 1) / SECOND_MS);
	name_set(history, true, group, name);
	return group;
}

int safety_key_add(struct safety_history *history, const char *name, uint8_t algorithm)
{
	if (history->keys >= SAFETY_MAX_KEYS)
		return -1;
	int key = history->keys++;
	history->key_algorithm[key] = algorithm;
	name_set(history, false, key, name);
	return key;
}

int safety_ds_add(struct safety_history *history, int key, uint8_t digest_type)
{
	assert(key >= 0 && key < history->keys);
	for (int d = 0; d < history->ds; d++)
		if (history->ds_key[d] == key && history->ds_digest[d] == digest_type)
			return d;
	if (history->ds >= SAFETY_MAX_DS)
		return -1;
	history->ds_key[history->ds] = (uint8_t)key;
	history->ds_digest[history->ds] = digest_type;
	return history->ds++;
}

const char *safety_publisher_name(const struct safety_history *history, int publisher)
{
	if (publisher == 0)
		return "parent";
	return history->names != NULL && history->names->publisher[publisher][0] != '\0'
	               ? history->names->publisher[publisher]
	               : "a group";
}

const char *safety_key_name(const struct safety_history *history, int key)
{
	return history->names != NULL && history->names->key[key][0] != '\0'
	               ? history->names->key[key]
	               : "a key";
}

static struct safety_edition *current(const struct safety_history *history, int publisher, int kind)
{
	struct safety_edition *last = NULL;
	for (int i = 0; i < history->count; i++) {
		struct safety_edition *e = &history->editions[i];
		if (e->publisher == publisher && e->kind == kind &&
		        (last == NULL || e->from_ms >= last->from_ms))
			last = e;
	}
	return last;
}

const struct safety_edition *safety_current(
        const struct safety_history *history, int publisher, enum safety_kind kind)
{
	return current(history, publisher, kind);
}

enum result safety_observe(struct safety_history *history, const struct safety_edition *edition)
{
	assert(edition->publisher < history->publishers && edition->kind < SAFETY_KINDS);
	if (history->count == history->capacity) {
		size_t capacity = history->capacity == 0 ? 12 : (size_t)history->capacity * 3 / 2;
		if (history->count >= SAFETY_MAX_EDITIONS)
			return RESULT_LIMIT;
		struct safety_edition *more = realloc(history->editions, capacity * sizeof *more);
		if (more == NULL)
			return RESULT_MEMORY;
		history->editions = more;
		history->capacity = (uint16_t)capacity;
	}
	history->editions[history->count++] = *edition;
	return RESULT_OK;
}

static bool same(const struct safety_edition *e, const struct safety_change *c)
{
	return e->content == c->content && e->signers == c->signers && e->ttl_s == c->ttl_s &&
	       e->signed_from_ms == c->signed_from_ms && e->signed_until_ms == c->signed_until_ms;
}

enum result safety_publish(
        struct safety_history *history, const struct safety_change *change, int64_t at_ms)
{
	struct safety_edition *before = current(history, change->publisher, change->kind);
	if (before != NULL && before->from_ms > at_ms)
		return RESULT_INPUT;
	if (before != NULL && same(before, change))
		return RESULT_OK;
	struct safety_edition edition = {.from_ms = at_ms,
	        .until_ms = TIME_NEVER_MS,
	        .signed_from_ms = change->signed_from_ms,
	        .signed_until_ms = change->signed_until_ms,
	        .content = change->content,
	        .signers = change->signers,
	        .ttl_s = change->ttl_s,
	        .publisher = change->publisher,
	        .kind = change->kind};
	if (before != NULL && before->from_ms == at_ms) {
		*before = edition;
		return RESULT_OK;
	}
	int64_t ends_ms = time_add(at_ms, (int64_t)history->lag_s[change->publisher] * SECOND_MS);
	ptrdiff_t index = before != NULL ? before - history->editions : -1;
	enum result result = safety_observe(history, &edition);
	if (result == RESULT_OK && index >= 0 && history->editions[index].until_ms > ends_ms)
		history->editions[index].until_ms = ends_ms;
	return result;
}

enum result safety_publish_all(
        struct safety_history *history, const struct safety_effect *effect, int64_t at_ms)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; result == RESULT_OK && i < effect->count; i++)
		result = safety_publish(history, &effect->changes[i], at_ms);
	return result;
}

int64_t safety_memory_ms(const struct safety_history *history, const struct safety_readers *readers)
{
	enum { DS, PARENT_NS, CHILD_NS, DNSKEY, DATA, LIFETIMES };
	int64_t largest[LIFETIMES] = {0}, lag_ms = 0, sum = 0;
	for (int i = 0; i < history->count; i++) {
		const struct safety_edition *e = &history->editions[i];
		static const int lifetime[SAFETY_KINDS] = {
		        [SAFETY_DS] = DS,
		        [SAFETY_NS] = CHILD_NS,
		        [SAFETY_DNSKEY] = DNSKEY,
		        [SAFETY_DATA] = DATA,
		        [SAFETY_SERVING] = -1,
		};
		int l = e->kind == SAFETY_NS && e->publisher == 0 ? PARENT_NS : lifetime[e->kind];
		if (l >= 0 && edition_ttl_ms(e, readers) > largest[l])
			largest[l] = edition_ttl_ms(e, readers);
	}
	for (int p = 0; p < history->publishers; p++)
		if ((int64_t)history->lag_s[p] * SECOND_MS > lag_ms)
			lag_ms = (int64_t)history->lag_s[p] * SECOND_MS;
	for (int l = 0; l < LIFETIMES; l++)
		sum += largest[l];
	return sum + 2 * lag_ms;
}

void safety_prune(
        struct safety_history *history, const struct safety_readers *readers, int64_t now_ms)
{
	int64_t forgotten_ms = time_add(now_ms, -safety_memory_ms(history, readers));
	uint16_t kept = 0;
	const struct safety_edition *ds = current(history, 0, SAFETY_DS);
	bool is_insecure = ds != NULL && ds->content == 0;
	for (int i = 0; i < history->count; i++) {
		const struct safety_edition *e = &history->editions[i];
		// What was secure once says that an empty DS set is a finding, however long ago.
		bool was_secure = is_insecure && e->kind == SAFETY_DS && e->content != 0;
		// What a sticky reader once learned may lead it for ever.
		bool leads = readers->ns == SAFETY_NS_STICKY &&
		             (e->kind == SAFETY_NS || e->kind == SAFETY_SERVING);
		if (e->until_ms > forgotten_ms || was_secure || leads)
			history->editions[kept++] = *e;
	}
	history->count = kept;
}
