// Rounds as objects, their words, and the identity of what they observe.
#include "observe/round.h"

#include "base/json.h"

#include <openssl/evp.h>

static const char *const question_texts[OBSERVE_QUESTIONS] = {
        [OBSERVE_ASK_DS] = "ds",
        [OBSERVE_ASK_DELEGATION] = "delegation",
        [OBSERVE_ASK_PARENT_DNSKEY] = "parent-dnskey",
        [OBSERVE_ASK_SOA] = "soa",
        [OBSERVE_ASK_NS] = "ns",
        [OBSERVE_ASK_ADDRESS] = "address",
        [OBSERVE_ASK_DNSKEY] = "dnskey",
        [OBSERVE_ASK_CDS] = "cds",
        [OBSERVE_ASK_CDNSKEY] = "cdnskey",
        [OBSERVE_ASK_SAMPLE] = "sample",
};

static const char *const gap_texts[OBSERVE_GAP_KINDS] = {
        [OBSERVE_GAP_PAST] = "past",
        [OBSERVE_GAP_NOTHING] = "nothing-observed",
        [OBSERVE_GAP_NEVER_ANSWERED] = "never-answered",
        [OBSERVE_GAP_SILENT] = "silent",
        [OBSERVE_GAP_NO_ADDRESS] = "no-address",
        [OBSERVE_GAP_UNKNOWN_SERVER] = "unknown-server",
        [OBSERVE_GAP_DISAGREE] = "disagree",
        [OBSERVE_GAP_UNVERIFIED] = "unverified",
        [OBSERVE_GAP_UNANCHORED] = "unanchored",
        [OBSERVE_GAP_PARENT_SERVES_CHILD] = "parent-serves-child",
        [OBSERVE_GAP_UNUSABLE] = "unusable",
        [OBSERVE_GAP_DATA_TTL] = "data-ttl",
        [OBSERVE_GAP_UNSAMPLED] = "unsampled",
        [OBSERVE_GAP_CLOCK] = "clock",
        [OBSERVE_GAP_STALE] = "stale",
        [OBSERVE_GAP_LIMIT] = "limit",
        [OBSERVE_GAP_COUNTDOWN] = "countdown",
};

const char *observe_question_text(enum observe_question question)
{
	return question < OBSERVE_QUESTIONS ? question_texts[question] : "unknown";
}

const char *observe_gap_text(enum observe_gap_kind kind)
{
	return kind < OBSERVE_GAP_KINDS ? gap_texts[kind] : "unknown";
}

struct observe_round *observe_round_new(size_t max_octets)
{
	struct arena *arena = arena_new(max_octets);
	struct observe_round *round = arena != NULL ? arena_alloc(arena, sizeof *round) : NULL;
	if (round == NULL)
		arena_free(arena);
	else
		round->arena = arena;
	return round;
}

void observe_round_free(struct observe_round *round)
{
	if (round == NULL)
		return;
	dns_keys_clear(&round->keys);
	arena_free(round->arena);
}

enum result observe_subject_hash(
        const struct observe_subject *subject, uint8_t hash[32], struct error *err)
{
	json_t *json;
	enum result result = observe_subject_to_json(subject, &json, err);
	if (result != RESULT_OK)
		return result;
	struct buffer out = buffer_init(4u << 20);
	result = json_write_canonical(json, &out, err);
	json_decref(json);
	if (result == RESULT_OK &&
	        EVP_Digest(out.data, out.length, hash, NULL, EVP_sha256(), NULL) != 1)
		result = error_set(err, RESULT_MEMORY, "SHA-256 is not available");
	buffer_free(&out);
	return result;
}
