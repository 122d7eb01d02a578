// The two tables of a view, keys and DS records, and which leads to which.
#include "observe/view_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void view_key_take(struct observe_view *view, struct dns_key *key, const char *name)
{
	size_t n = view->keys.count++;
	view->keys.key[n] = dns_key_ref(key);
	view->key_named[n] = name != NULL;
	if (name != NULL)
		snprintf(view->key_name[n], SAFETY_NAME, "%s", name);
	else
		snprintf(view->key_name[n], SAFETY_NAME, "key %u", dns_key_tag(key));
}

size_t view_keys_room(const struct observe_view *view)
{
	size_t taken = view->keys.count + view->stand_ins;
	return taken < SAFETY_MAX_KEYS ? SAFETY_MAX_KEYS - taken : 0;
}

int observe_view_key_find(const struct observe_view *view, const struct dns_key *key)
{
	for (size_t i = 0; i < view->keys.count; i++)
		if (dns_key_equal(view->keys.key[i], key))
			return (int)i;
	return -1;
}

// Moves bits to the places that map tells; bits that map to nothing (255) are not in use.
static uint64_t remap(uint64_t bits, const uint8_t *map)
{
	uint64_t moved = 0;
	for (; bits != 0; bits &= bits - 1)
		if (map[__builtin_ctzll(bits)] != 255)
			moved |= UINT64_C(1) << map[__builtin_ctzll(bits)];
	return moved;
}

static uint64_t bits_in_use(const struct observe_view *view, bool keys)
{
	uint64_t used = 0;
	for (size_t i = 0; i < view->episode_count; i++) {
		const struct episode *e = &view->episodes[i];
		bool has_keys = e->kind == SAFETY_DNSKEY || e->kind == SAFETY_DATA;
		if (keys ? has_keys : e->kind == SAFETY_DS)
			used |= e->content | (keys ? e->signers : 0);
	}
	return used;
}

// Forgets keys that nothing refers to and nobody named.
void view_keys_compact(struct observe_view *view)
{
	uint8_t map[SAFETY_MAX_KEYS];
	uint64_t used = bits_in_use(view, true);
	size_t kept = 0;
	for (size_t i = 0; i < view->keys.count; i++) {
		bool keep = (used >> i & 1) != 0 || view->key_named[i];
		map[i] = keep ? (uint8_t)kept : 255;
		if (!keep) {
			dns_key_unref(view->keys.key[i]);
			continue;
		}
		view->keys.key[kept] = view->keys.key[i];
		view->key_named[kept] = view->key_named[i];
		memmove(view->key_name[kept], view->key_name[i], SAFETY_NAME);
		kept++;
	}
	view->keys.count = kept;
	for (size_t i = 0; i < view->episode_count; i++) {
		struct episode *e = &view->episodes[i];
		if (e->kind == SAFETY_DNSKEY || e->kind == SAFETY_DATA) {
			e->content = remap(e->content, map);
			e->signers = remap(e->signers, map);
		}
	}
}

void view_ds_compact(struct observe_view *view)
{
	uint8_t map[DS_MAX];
	uint64_t used = bits_in_use(view, false);
	size_t kept = 0;
	for (size_t i = 0; i < view->ds_count; i++) {
		bool keep = (used >> i & 1) != 0;
		map[i] = keep ? (uint8_t)kept : 255;
		if (keep)
			view->ds[kept++] = view->ds[i];
	}
	view->ds_count = kept;
	for (size_t i = 0; i < view->episode_count; i++)
		if (view->episodes[i].kind == SAFETY_DS)
			view->episodes[i].content = remap(view->episodes[i].content, map);
}

static bool leads_to(const struct dns_ds *ds, const struct dns_key *key)
{
	return dns_key_is_zone_key(key) && !dns_key_is_revoked(key) &&
	       dns_ds_match(ds, key) == DNS_DS_MATCHES;
}

int view_ds_number(struct observe_view *view, const struct dns_ds *ds)
{
	for (size_t i = 0; i < view->ds_count; i++)
		if (dns_ds_equal(&view->ds[i], ds))
			return (int)i;
	size_t k = 0;
	while (k < view->keys.count && !leads_to(ds, view->keys.key[k]))
		k++;
	bool stranger = k == view->keys.count;
	if (view->ds_count == DS_MAX || (stranger && view_keys_room(view) == 0))
		return -1;
	view->stand_ins += stranger;
	view->ds[view->ds_count] = *ds;
	return (int)view->ds_count++;
}

void view_number_ds(struct observe_view *view)
{
	uint8_t digest[DS_MAX], key[DS_MAX], count = 0;
	view->stand_ins = 0;
	for (size_t i = 0; i < view->ds_count; i++) {
		size_t k = 0;
		while (k < view->keys.count && !leads_to(&view->ds[i], view->keys.key[k]))
			k++;
		if (k == view->keys.count)
			k += view->stand_ins++;
		view->ds_key[i] = (uint8_t)k;
		// As safety_ds_add() will number them.
		uint8_t bit = 0;
		while (bit < count && (key[bit] != k || digest[bit] != view->ds[i].digest_type))
			bit++;
		if (bit == count) {
			key[count] = (uint8_t)k;
			digest[count++] = view->ds[i].digest_type;
		}
		view->ds_bit[i] = bit;
	}
}

size_t observe_view_key_count(const struct observe_view *view)
{
	return view->keys.count;
}

const struct dns_key *observe_view_key(const struct observe_view *view, size_t key)
{
	assert(key < view->keys.count);
	return view->keys.key[key];
}

const char *observe_view_key_name(const struct observe_view *view, size_t key)
{
	assert(key < view->keys.count);
	return view->key_name[key];
}

enum result observe_view_key_add(
        struct observe_view *view, const char *name, struct dns_key *key, struct error *err)
{
	int n = observe_view_key_find(view, key);
	if (n < 0 && view_keys_room(view) == 0) {
		view_keys_compact(view);
		view_number_ds(view);
	}
	if (n < 0 && view_keys_room(view) == 0)
		return error_set(err, RESULT_LIMIT, "more than %d keys", SAFETY_MAX_KEYS);
	if (n < 0)
		view_key_take(view, key, name);
	else
		snprintf(view->key_name[n], SAFETY_NAME, "%s", name);
	if (n >= 0)
		view->key_named[n] = true;
	view_number_ds(view);
	return RESULT_OK;
}
