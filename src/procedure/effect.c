// From acts to a struct safety_effect: the one translation that paper and live share.
//
// The effect is drafted as whole editions: for each publisher and kind that an act touches, the
// current edition is taken from the history and the act's terms are applied to it. At last, parties
// that copy another party's zone follow it, and what did not change is dropped.
#include "procedure/procedure.h"

#include <assert.h>
#include <string.h>

struct draft {
	const struct procedure *p;
	const struct safety_history *history;
	const struct procedure_binding *binding;
	struct safety_effect *effect;
	struct error *err;
	int copies[PROCEDURE_MAX_PARTIES];
};

void procedure_binding_init(struct procedure_binding *binding)
{
	memset(binding, 0, sizeof *binding);
	for (int i = 0; i < PROCEDURE_MAX_PARTIES; i++)
		binding->publisher[i] = binding->copies[i] = -1;
	binding->signed_until_ms = TIME_NEVER_MS;
}

static enum result publisher_of(const struct draft *d, int party, int *publisher)
{
	*publisher = party == PROCEDURE_PARENT ? 0 : d->binding->publisher[party];
	if (*publisher >= 0)
		return RESULT_OK;
	return error_set(d->err, RESULT_INPUT, "the servers of '%s' are not known",
	        procedure_party_name(d->p, party));
}

static int party_of(const struct draft *d, int publisher)
{
	for (int i = 0; i < (int)d->p->party_count; i++)
		if (d->binding->publisher[i] == publisher)
			return i;
	return PROCEDURE_PARENT;
}

static uint32_t usual_ttl(const struct draft *d, int publisher, int kind, bool empty_ds)
{
	if (kind == SAFETY_SERVING)
		return 0;
	enum safety_ttl ttl = safety_ttl_of(publisher, (enum safety_kind)kind, empty_ds);
	return d->binding->ttl_s[party_of(d, publisher) + 1][ttl];
}

// The draft of what this publisher will serve of this kind; begins as what it serves now. NULL
// where there is no room.
static struct safety_change *change_of(struct draft *d, int publisher, int kind)
{
	for (size_t i = 0; i < d->effect->count; i++)
		if (d->effect->changes[i].publisher == publisher &&
		        d->effect->changes[i].kind == kind)
			return &d->effect->changes[i];
	if (d->effect->count == SAFETY_MAX_CHANGES)
		return NULL;
	const struct safety_edition *now =
	        safety_current(d->history, publisher, (enum safety_kind)kind);
	struct safety_change *change = &d->effect->changes[d->effect->count++];
	*change = (struct safety_change){.publisher = (uint8_t)publisher,
	        .kind = (uint8_t)kind,
	        .content = now != NULL ? now->content : 0,
	        .signers = now != NULL ? now->signers : 0,
	        .ttl_s = now != NULL ? now->ttl_s : usual_ttl(d, publisher, kind, false),
	        .signed_from_ms = TIME_EVER_MS,
	        .signed_until_ms = d->binding->signed_until_ms};
	return change;
}

static enum result keys_in_set(
        const struct draft *d, const struct procedure_term *term, uint64_t *keys)
{
	static const enum safety_kind kinds[] = {[PROCEDURE_DS] = SAFETY_DS,
	        [PROCEDURE_DNSKEY] = SAFETY_DNSKEY,
	        [PROCEDURE_DNSKEY_SIGNERS] = SAFETY_DNSKEY,
	        [PROCEDURE_DATA_SIGNERS] = SAFETY_DATA};
	int publisher;
	enum result result = publisher_of(d, term->party, &publisher);
	if (result != RESULT_OK)
		return result;
	const struct safety_edition *now =
	        safety_current(d->history, publisher, kinds[term->attribute]);
	*keys = now == NULL                                   ? 0
	        : term->attribute == PROCEDURE_DNSKEY_SIGNERS ? now->signers
	                                                      : now->content;
	if (term->attribute != PROCEDURE_DS)
		return RESULT_OK;
	uint64_t records = *keys;
	for (*keys = 0; records != 0; records &= records - 1)
		*keys |= UINT64_C(1) << d->history->ds_key[__builtin_ctzll(records)];
	return RESULT_OK;
}

// All DS records that the binding knows for these keys.
static uint64_t records_of(const struct draft *d, uint64_t keys)
{
	uint64_t records = 0;
	for (size_t i = 0; i < d->p->key_count; i++)
		for (uint64_t ds = d->binding->ds[i]; ds != 0; ds &= ds - 1) {
			int record = __builtin_ctzll(ds);
			if (keys >> d->history->ds_key[record] & 1)
				records |= UINT64_C(1) << record;
		}
	return records;
}

// What a term of a set of keys or servers stands for, as bits of the edition's content.
static enum result term_bits(const struct draft *d, const struct procedure_act *act,
        const struct procedure_term *term, uint64_t *bits)
{
	int publisher;
	enum result result;
	switch (term->kind) {
	case PROCEDURE_TERM_SERVERS:
		result = publisher_of(d, term->party, &publisher);
		if (result == RESULT_OK)
			*bits = UINT64_C(1) << publisher;
		return result;
	case PROCEDURE_TERM_KEY:
		*bits = act->attribute == PROCEDURE_DS ? d->binding->ds[term->key]
		                                       : d->binding->keys[term->key];
		if (*bits == 0)
			return error_set(d->err, RESULT_INPUT, "%s '%s' is not known",
			        act->attribute == PROCEDURE_DS ? "the DS record of" : "the key",
			        d->p->keys[term->key].id);
		return RESULT_OK;
	case PROCEDURE_TERM_SET:
		result = keys_in_set(d, term, bits);
		if (result == RESULT_OK && act->attribute == PROCEDURE_DS)
			*bits = records_of(d, *bits);
		return result;
	case PROCEDURE_TERM_YES:
		*bits = 1;
		return RESULT_OK;
	case PROCEDURE_TERM_NONE:
	case PROCEDURE_TERM_NO:
	case PROCEDURE_TERM_PARTY:
	default:
		*bits = 0;
		return RESULT_OK;
	}
}

static enum result apply_terms(struct draft *d, const struct procedure_act *act, uint64_t *set)
{
	for (size_t i = 0; i < act->term_count; i++) {
		uint64_t bits;
		enum result result = term_bits(d, act, &act->terms[i], &bits);
		if (result != RESULT_OK)
			return result;
		if (act->terms[i].operation == '=')
			*set = bits;
		else
			*set = act->terms[i].operation == '+' ? *set | bits : *set & ~bits;
	}
	return RESULT_OK;
}

static enum result apply_act(struct draft *d, const struct procedure_act *act)
{
	static const enum safety_kind kinds[] = {[PROCEDURE_DS] = SAFETY_DS,
	        [PROCEDURE_NS] = SAFETY_NS,
	        [PROCEDURE_DNSKEY] = SAFETY_DNSKEY,
	        [PROCEDURE_DNSKEY_SIGNERS] = SAFETY_DNSKEY,
	        [PROCEDURE_DATA_SIGNERS] = SAFETY_DATA,
	        [PROCEDURE_SERVING] = SAFETY_SERVING};
	if (act->attribute == PROCEDURE_COPIES) {
		d->copies[act->party] =
		        act->terms[0].kind == PROCEDURE_TERM_PARTY ? act->terms[0].party : -1;
		return RESULT_OK;
	}
	int publisher;
	enum result result = publisher_of(d, act->party, &publisher);
	if (result != RESULT_OK)
		return result;
	struct safety_change *change = change_of(d, publisher, kinds[act->attribute]);
	if (change == NULL)
		return error_set(d->err, RESULT_LIMIT, "a step changes more than %d things",
		        SAFETY_MAX_CHANGES);
	bool signers = act->attribute == PROCEDURE_DNSKEY_SIGNERS;
	return apply_terms(d, act, signers ? &change->signers : &change->content);
}

// Whose zone a party serves in the end, when those it copies copy others.
static int origin(const struct draft *d, int party)
{
	for (size_t i = 0; i < d->p->party_count && d->copies[party] >= 0; i++)
		party = d->copies[party];
	return party;
}

static enum result follow(struct draft *d, int party)
{
	static const enum safety_kind kinds[] = {SAFETY_NS, SAFETY_DNSKEY, SAFETY_DATA};
	int from, to;
	enum result result = publisher_of(d, origin(d, party), &from);
	if (result == RESULT_OK)
		result = publisher_of(d, party, &to);
	for (int i = 0; i < 3 && result == RESULT_OK; i++) {
		struct safety_change *source = change_of(d, from, kinds[i]);
		struct safety_change *copy = change_of(d, to, kinds[i]);
		if (source == NULL || copy == NULL)
			return error_set(d->err, RESULT_LIMIT, "a step changes more than %d things",
			        SAFETY_MAX_CHANGES);
		copy->content = source->content;
		copy->signers = source->signers;
		copy->ttl_s = source->ttl_s;
	}
	return result;
}

static bool changes_something(const struct draft *d, const struct safety_change *change)
{
	const struct safety_edition *now =
	        safety_current(d->history, change->publisher, (enum safety_kind)change->kind);
	return now == NULL || now->content != change->content || now->signers != change->signers ||
	       now->ttl_s != change->ttl_s;
}

static void finish(struct draft *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->effect->count; i++) {
		struct safety_change *change = &d->effect->changes[i];
		if (change->kind == SAFETY_DNSKEY)
			change->signers &= change->content;
		const struct safety_edition *now = safety_current(d->history, 0, SAFETY_DS);
		bool turns = now == NULL || (now->content == 0) != (change->content == 0);
		if (change->kind == SAFETY_DS && turns)
			change->ttl_s = usual_ttl(d, 0, SAFETY_DS, change->content == 0);
		if (changes_something(d, change))
			d->effect->changes[kept++] = *change;
	}
	d->effect->count = kept;
}

enum result procedure_effect(const struct procedure *procedure, const struct procedure_act *acts,
        size_t count, const struct safety_history *history, const struct procedure_binding *binding,
        struct safety_effect *effect, struct error *err)
{
	assert(procedure != NULL && history != NULL && binding != NULL && effect != NULL);
	struct safety_effect draft;
	draft.count = 0;
	struct draft d = {.p = procedure,
	        .history = history,
	        .binding = binding,
	        .effect = &draft,
	        .err = err};
	memcpy(d.copies, binding->copies, sizeof d.copies);
	enum result result = RESULT_OK;
	for (size_t i = 0; i < count && result == RESULT_OK; i++)
		if (acts[i].kind == PROCEDURE_EFFECT)
			result = apply_act(&d, &acts[i]);
	for (int i = 0; i < (int)procedure->party_count && result == RESULT_OK; i++)
		if (d.copies[i] >= 0)
			result = follow(&d, i);
	if (result != RESULT_OK)
		return result;
	finish(&d);
	effect->count = draft.count;
	memcpy(effect->changes, draft.changes, draft.count * sizeof *draft.changes);
	return RESULT_OK;
}

void procedure_acts_done(
        const struct procedure_act *acts, size_t count, struct procedure_binding *binding)
{
	for (size_t i = 0; i < count; i++)
		if (acts[i].kind == PROCEDURE_EFFECT && acts[i].attribute == PROCEDURE_COPIES)
			binding->copies[acts[i].party] =
			        acts[i].terms[0].kind == PROCEDURE_TERM_PARTY
			                ? acts[i].terms[0].party
			                : -1;
}

enum result procedure_start(const struct procedure *procedure, struct procedure_binding *binding,
        struct safety_history *history, struct error *err)
{
	enum result result = RESULT_OK;
	for (size_t i = 0; i < procedure->start_count && result == RESULT_OK;) {
		const struct procedure_act *acts = &procedure->start[i];
		size_t n = 1;
		while (i + n < procedure->start_count && acts[n].party == acts->party)
			n++;
		struct safety_effect effect;
		result = procedure_effect(procedure, acts, n, history, binding, &effect, err);
		if (result == RESULT_OK &&
		        safety_publish_all(history, &effect, TIME_EVER_MS) != RESULT_OK)
			result = error_set(
			        err, RESULT_MEMORY, "no memory for the state at the start");
		if (result == RESULT_OK)
			procedure_acts_done(acts, n, binding);
		i += n;
	}
	return result;
}
