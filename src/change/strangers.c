// Keys that play no part in a change, while it runs: somebody rolls keys at the same time, which
// the procedure required not to be (PROCEDURE_NO_ROLLOVER). The safety model judges what is served,
// and cannot know what such a key is about to do.
#include <stdio.h>

#include "change/decide_internal.h"

static uint64_t keys_with_a_part(const struct decider *d)
{
	uint64_t keys = 0;
	for (size_t i = 0; i < d->p->key_count; i++)
		keys |= d->binding.keys[i];
	return keys;
}

// Can a resolver still hold an NS set that names it?
static bool is_named(const struct decider *d, int publisher)
{
	const struct safety_history *h = &d->in->world->history;
	for (int i = 0; i < h->count; i++)
		if (h->editions[i].kind == SAFETY_NS &&
		        (h->editions[i].content >> publisher & 1) != 0)
			return true;
	return false;
}

static bool has_stranger(const struct decider *d, int party, char *text, size_t size)
{
	int publisher = change_publisher(d->in->definition, party);
	const struct safety_history *h = &d->in->world->history;
	if (publisher < 1 || !is_named(d, publisher))
		return false;
	const struct safety_edition *now = safety_current(h, publisher, SAFETY_DNSKEY);
	uint64_t strange = now != NULL ? now->content & ~keys_with_a_part(d) : 0;
	if (strange == 0)
		return false;
	snprintf(text, size,
	        "%s serves a DNSKEY record (%s) that plays no part in this change: is a rollover "
	        "in "
	        "progress? The change stands still until it is gone",
	        procedure_party_name(d->p, party), safety_key_name(h, __builtin_ctzll(strange)));
	return true;
}

static bool has_strange_ds(const struct decider *d, char *text, size_t size)
{
	const struct safety_history *h = &d->in->world->history;
	const struct safety_edition *now = safety_current(h, 0, SAFETY_DS);
	uint64_t keys = keys_with_a_part(d);
	for (uint64_t rest = now != NULL ? now->content : 0; rest != 0; rest &= rest - 1) {
		int key = h->ds_key[__builtin_ctzll(rest)];
		if (keys >> key & 1)
			continue;
		snprintf(text, size,
		        "the parent publishes a DS record (%s) that plays no part in this change: "
		        "does "
		        "somebody else change the DS set? The change stands still until it is gone",
		        safety_key_name(h, key));
		return true;
	}
	return false;
}

bool strangers_find(const struct decider *d, char *text, size_t size)
{
	bool any = false;
	for (size_t i = 0; i < d->p->requirement_count; i++) {
		const struct procedure_requirement *r = &d->p->requirements[i];
		if (r->kind != PROCEDURE_NO_ROLLOVER)
			continue;
		any = true;
		if (has_stranger(d, r->party[0], text, size))
			return true;
	}
	return any && has_strange_ds(d, text, size);
}
