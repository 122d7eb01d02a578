// The JSON form of a round, writing; and what makes two rounds the same.
#include "observe/json.h"
#include "observe/round.h"

enum { ROUND_VERSION = 1 };

static const char *kind_word(unsigned n)
{
	return safety_kind_text((enum safety_kind)n);
}

static const char *state_word(unsigned n)
{
	static const char *const texts[] = {"shown", "partly", "unknown"};
	return texts[n];
}

static json_t *answer_to_json(const struct observe_answer *answer)
{
	json_t *object = json_object();
	json_put(&object, "publisher", json_integer(answer->publisher));
	json_put(&object, "server", json_address(&answer->server));
	json_put(&object, "question", json_string(observe_question_text(answer->question)));
	json_put(&object, "name", json_name(answer->name.wire));
	json_put(&object, "type", json_rr_type(answer->type));
	json_put(&object, "status", json_string(query_status_text(answer->status)));
	json_put(&object, "rcode", json_integer(answer->rcode));
	json_put(&object, "authoritative", json_boolean(answer->authoritative));
	json_put(&object, "tcp", json_boolean(answer->tcp));
	json_put(&object, "tries", json_integer(answer->tries));
	json_put(&object, "at_ms", json_integer(answer->at_ms));
	json_put(&object, "rtt_ms", json_integer(answer->rtt_ms));
	json_put(&object, "octets", json_integer((json_int_t)answer->octets));
	json_put(&object, "sha256", json_hex(answer->sha256, sizeof answer->sha256));
	return object;
}

static json_t *content_to_json(enum safety_kind kind, const struct observe_content *content)
{
	json_t *object = json_object();
	json_put(&object, "ttl_s", json_integer(content->ttl_s));
	json_put(&object, "signed_from_ms", json_integer(content->signed_from_ms));
	json_put(&object, "signed_until_ms", json_integer(content->signed_until_ms));
	switch (kind) {
	case SAFETY_DS:
		json_put(&object, "ds", json_ds_list(content->ds, content->ds_count));
		json_put(&object, "verified", json_boolean(content->verified));
		break;
	case SAFETY_DNSKEY:
		json_put(&object, "keys", json_bits(content->keys));
		json_put(&object, "signers", json_bits(content->signers));
		break;
	case SAFETY_DATA:
		json_put(&object, "keys", json_bits(content->keys));
		json_put(&object, "last_signature_ms", json_integer(content->last_signature_ms));
		break;
	case SAFETY_NS:
		json_put(&object, "groups", json_bits(content->groups));
		break;
	case SAFETY_SERVING:
		json_put(&object, "serving", json_boolean(content->serving));
		break;
	case SAFETY_KINDS:
		break;
	}
	return object;
}

static json_t *fact_to_json(const struct observe_fact *fact)
{
	json_t *object = json_object(), *contents = json_array();
	for (size_t i = 0; i < fact->content_count; i++)
		json_push(&contents,
		        content_to_json((enum safety_kind)fact->kind, &fact->contents[i]));
	json_put(&object, "publisher", json_integer(fact->publisher));
	json_put(&object, "server", json_address(&fact->server));
	json_put(&object, "kind", json_string(kind_word(fact->kind)));
	json_put(&object, "state", json_string(state_word(fact->state)));
	json_put(&object, "asked_ms", json_integer(fact->asked_ms));
	json_put(&object, "answered_ms", json_integer(fact->answered_ms));
	json_put(&object, "contents", contents);
	return object;
}

static json_t *signal_to_json(const struct observe_signal *signal)
{
	json_t *object = json_object();
	json_put(&object, "publisher", json_integer(signal->publisher));
	json_put(&object, "server", json_address(&signal->server));
	json_put(&object, "has_cds", json_boolean(signal->cds));
	json_put(&object, "has_cdnskey", json_boolean(signal->cdnskey));
	json_put(&object, "cds_verified", json_boolean(signal->cds_verified));
	json_put(&object, "cdnskey_verified", json_boolean(signal->cdnskey_verified));
	json_put(&object, "remove", json_boolean(signal->remove));
	json_put(&object, "cds", json_ds_list(signal->ds, signal->ds_count));
	json_put(&object, "cdnskey", json_bits(signal->keys));
	return object;
}

static json_t *problem_to_json(const struct observe_gap *gap)
{
	json_t *object = json_object();
	json_put(&object, "kind", json_string(observe_gap_text(gap->kind)));
	json_put(&object, "blocks", json_boolean(gap->blocks));
	json_put(&object, "until_ms", json_integer(gap->until_ms));
	json_put(&object, "publisher", json_integer(gap->publisher));
	json_put(&object, "server", json_address(&gap->server));
	json_put(&object, "text", json_string(gap->text));
	return object;
}

// Everything but times and effort.
static json_t *meaning_to_json(struct arena *scratch, const struct observe_round *round)
{
	json_t *keys = json_array(), *facts = json_array(), *signals = json_array(),
	       *problems = json_array();
	for (size_t i = 0; i < round->keys.count; i++) {
		const char *text = dns_key_text(round->keys.key[i], scratch);
		json_push(&keys, text != NULL ? json_string(text) : NULL);
	}
	for (size_t i = 0; i < round->fact_count; i++)
		json_push(&facts, fact_to_json(&round->facts[i]));
	for (size_t i = 0; i < round->signal_count; i++)
		json_push(&signals, signal_to_json(&round->signals[i]));
	for (size_t i = 0; i < round->problem_count; i++)
		json_push(&problems, problem_to_json(&round->problems[i]));
	json_t *object = json_object();
	json_put(&object, "version", json_integer(ROUND_VERSION));
	json_put(&object, "subject", json_hex(round->subject, sizeof round->subject));
	json_put(&object, "session", json_integer((json_int_t)round->session));
	json_put(&object, "keys", keys);
	json_put(&object, "facts", facts);
	json_put(&object, "signals", signals);
	json_put(&object, "problems", problems);
	return object;
}

enum result observe_round_to_json(
        const struct observe_round *round, json_t **json, struct error *err)
{
	struct arena *scratch = arena_new(1u << 20);
	json_t *object = scratch != NULL ? meaning_to_json(scratch, round) : NULL;
	arena_free(scratch);
	json_t *answers = json_array();
	for (size_t i = 0; i < round->answer_count; i++)
		json_push(&answers, answer_to_json(&round->answers[i]));
	json_put(&object, "answers", answers);
	json_put(&object, "start_ms", json_integer(round->start_ms));
	json_put(&object, "end_ms", json_integer(round->end_ms));
	json_put(&object, "mono_ms", json_integer(round->mono_ms));
	if (object == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*json = object;
	return RESULT_OK;
}

static void facts_drop_times(json_t *meaning)
{
	json_t *facts = json_object_get(meaning, "facts");
	for (size_t i = 0; i < json_array_size(facts); i++) {
		json_t *fact = json_array_get(facts, i),
		       *contents = json_object_get(fact, "contents");
		json_object_del(fact, "asked_ms");
		json_object_del(fact, "answered_ms");
		for (size_t c = 0; c < json_array_size(contents); c++)
			json_object_del(json_array_get(contents, c), "last_signature_ms");
	}
}

bool observe_round_same(const struct observe_round *a, const struct observe_round *b)
{
	struct arena *scratch = arena_new(2u << 20);
	json_t *one = scratch != NULL ? meaning_to_json(scratch, a) : NULL;
	json_t *other = scratch != NULL ? meaning_to_json(scratch, b) : NULL;
	facts_drop_times(one);
	facts_drop_times(other);
	bool same = one != NULL && other != NULL && json_equal(one, other);
	json_decref(one);
	json_decref(other);
	arena_free(scratch);
	return same;
}
