// Rounds that differ only in what changes by itself: signatures made anew for each answer, and TTLs
// that count down. The rule is in round.h.
#include "observe/round.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A TTL counts whole seconds, so that one that counts down may look the same for one.
enum { STEADY_MS = 2 * SECOND_MS };

// Times of journals come from strangers; differences of these do not overflow.
static bool is_time(int64_t at_ms)
{
	return at_ms > -(INT64_MAX / 16) && at_ms < INT64_MAX / 16;
}

bool observe_expiry_stands(
        int64_t kept_ms, int64_t seen_ms, int64_t at_ms, uint32_t ttl_s, int64_t lag_ms)
{
	if (kept_ms == seen_ms)
		return true;
	if (!is_time(kept_ms) || !is_time(seen_ms) || !is_time(at_ms) || kept_ms > seen_ms ||
	        kept_ms <= at_ms)
		return false;
	int64_t margin_ms = time_add((int64_t)ttl_s * SECOND_MS, lag_ms);
	return 2 * (kept_ms - at_ms - margin_ms) >= seen_ms - at_ms - margin_ms;
}

struct fold {
	const struct observe_subject *subject;
	const struct observe_round *before;
	struct observe_round *round;
	uint8_t key[SAFETY_MAX_KEYS]; // the number in `round` of each key of `before`
	enum result result;
	struct error *err;
};

enum { NO_KEY = 255 };

static void keys_map(struct fold *f)
{
	const struct dns_keys *now = &f->round->keys;
	for (size_t i = 0; i < f->before->keys.count && i < SAFETY_MAX_KEYS; i++) {
		f->key[i] = NO_KEY;
		for (size_t k = 0; k < now->count && f->key[i] == NO_KEY; k++)
			if (dns_key_equal(now->key[k], f->before->keys.key[i]))
				f->key[i] = (uint8_t)k;
	}
}

// Whether the bits over the keys of `before` are those over the round's.
static bool same_keys(const struct fold *f, uint64_t before, uint64_t now)
{
	uint64_t bits = 0;
	for (; before != 0; before &= before - 1) {
		uint8_t key = f->key[__builtin_ctzll(before)];
		if (key == NO_KEY)
			return false;
		bits |= UINT64_C(1) << key;
	}
	return bits == now;
}

static bool same_ds(const struct observe_content *a, const struct observe_content *b)
{
	if (a->ds_count != b->ds_count || a->verified != b->verified)
		return false;
	for (size_t i = 0; i < a->ds_count; i++)
		if (!dns_ds_equal(&a->ds[i], &b->ds[i]))
			return false;
	return true;
}

// The same but for TTL and times. Members that a kind has not got are zero.
static bool same_data(const struct fold *f, const struct observe_content *before,
        const struct observe_content *now)
{
	return before->groups == now->groups && before->serving == now->serving &&
	       same_keys(f, before->keys, now->keys) &&
	       same_keys(f, before->signers, now->signers) && same_ds(before, now);
}

static const struct observe_fact *fact_before(const struct fold *f, const struct observe_fact *fact)
{
	for (size_t i = 0; i < f->before->fact_count; i++) {
		const struct observe_fact *other = &f->before->facts[i];
		if (other->publisher == fact->publisher && other->kind == fact->kind &&
		        address_equal(&other->server, &fact->server))
			return other;
	}
	return NULL;
}

static const struct observe_content *content_before(const struct fold *f,
        const struct observe_fact *before, const struct observe_content *content)
{
	for (size_t i = 0; i < before->content_count; i++)
		if (same_data(f, &before->contents[i], content))
			return &before->contents[i];
	return NULL;
}

static void fold_ttl(const struct observe_fact *fact, const struct observe_fact *earlier,
        const struct observe_content *before, struct observe_content *content)
{
	uint32_t served_s = content->ttl_s;
	uint32_t before_s = before->served.known ? before->served.ttl_s : before->ttl_s;
	int64_t since_ms = before->served.known ? before->served.since_ms : earlier->answered_ms;
	bool same = served_s == before_s;
	content->served.since_ms = same ? since_ms : fact->answered_ms;
	if (same && time_add(fact->answered_ms, -since_ms) >= STEADY_MS)
		return;
	content->served.counts_down =
	        before->served.counts_down ||
	        (!same && served_s < before->ttl_s && before_s < before->ttl_s);
	if (served_s < before->ttl_s)
		content->ttl_s = before->ttl_s;
}

static void fold_signatures(const struct fold *f, const struct observe_fact *fact,
        const struct observe_content *before, struct observe_content *content)
{
	const struct observe_publisher *publisher = &f->subject->publishers[fact->publisher];
	uint32_t ttl_s =
	        observe_subject_ttl_s(f->subject, fact->publisher, fact->kind, content->ttl_s);
	if (before->last_signature_ms > content->last_signature_ms)
		content->last_signature_ms = before->last_signature_ms;
	if (!observe_expiry_stands(before->signed_until_ms, content->signed_until_ms,
	            fact->answered_ms, ttl_s, publisher->lag_ms))
		return;
	content->signed_until_ms = before->signed_until_ms;
	content->signed_from_ms = before->signed_from_ms;
}

static void remark(
        struct fold *f, const struct observe_fact *fact, const struct observe_content *content)
{
	static const char *const of[SAFETY_KINDS] = {[SAFETY_DS] = "DS set",
	        [SAFETY_NS] = "NS set",
	        [SAFETY_DNSKEY] = "DNSKEY set",
	        [SAFETY_DATA] = "data",
	        [SAFETY_SERVING] = "SOA record"};
	struct observe_round *round = f->round;
	char server[ADDRESS_TEXT];
	struct observe_gap *gaps =
	        arena_array(round->arena, round->problem_count + 1, sizeof *gaps);
	if (gaps == NULL) {
		f->result = error_set(f->err, RESULT_MEMORY, "out of memory");
		return;
	}
	if (round->problem_count > 0)
		memcpy(gaps, round->problems, round->problem_count * sizeof *gaps);
	struct observe_gap *gap = &gaps[round->problem_count++];
	round->problems = gaps;
	*gap = (struct observe_gap){.kind = OBSERVE_GAP_COUNTDOWN,
	        .until_ms = TIME_NEVER_MS,
	        .publisher = fact->publisher,
	        .server = fact->server};
	snprintf(gap->text, sizeof gap->text,
	        "%s of %s answers with a TTL of its %s that counts down: is it a cache? It counts "
	        "as %u s, the largest that was seen.",
	        address_format(&fact->server, server), f->subject->publishers[fact->publisher].name,
	        of[fact->kind], (unsigned)content->ttl_s);
}

static void fold_fact(struct fold *f, struct observe_fact *fact)
{
	const struct observe_fact *earlier = fact_before(f, fact);
	if (earlier == NULL || earlier->content_count == 0 || fact->content_count == 0)
		return;
	struct observe_content *contents =
	        arena_array(f->round->arena, fact->content_count, sizeof *contents);
	if (contents == NULL) {
		f->result = error_set(f->err, RESULT_MEMORY, "out of memory");
		return;
	}
	memcpy(contents, fact->contents, fact->content_count * sizeof *contents);
	for (size_t i = 0; i < fact->content_count; i++) {
		const struct observe_content *before = content_before(f, earlier, &contents[i]);
		if (before == NULL)
			continue;
		contents[i].served.known = true;
		contents[i].served.ttl_s = contents[i].ttl_s;
		fold_ttl(fact, earlier, before, &contents[i]);
		fold_signatures(f, fact, before, &contents[i]);
		if (contents[i].served.counts_down)
			remark(f, fact, &contents[i]);
	}
	fact->contents = contents;
}

enum result observe_round_fold(const struct observe_subject *subject,
        const struct observe_round *before, struct observe_round *round, struct error *err)
{
	struct fold f = {.subject = subject, .before = before, .round = round, .err = err};
	if (before == NULL)
		return RESULT_OK;
	keys_map(&f);
	for (size_t i = 0; i < round->fact_count && f.result == RESULT_OK; i++)
		fold_fact(&f, &round->facts[i]);
	return f.result;
}
