// The JSON form of a round, reading. Everything is checked: who reads may not know who wrote.
#include "observe/json.h"
#include "observe/round.h"

#include <string.h>

enum { ROUND_ARENA = 256u << 20, ROUND_VERSION = 1 };

static const char *question_word(unsigned n)
{
	return observe_question_text((enum observe_question)n);
}

static const char *gap_word(unsigned n)
{
	return observe_gap_text((enum observe_gap_kind)n);
}

static const char *status_word(unsigned n)
{
	return query_status_text((enum query_status)n);
}

static const char *kind_word(unsigned n)
{
	return safety_kind_text((enum safety_kind)n);
}

static const char *state_word(unsigned n)
{
	static const char *const texts[] = {"shown", "partly", "unknown"};
	return texts[n];
}

static void *list_new(struct reader *reader, const json_t *list, size_t size)
{
	size_t n = json_array_size(list);
	void *memory = arena_array(reader->arena, n > 0 ? n : 1, size);
	if (memory == NULL && reader->result == RESULT_OK)
		reader->result = error_set(reader->err, RESULT_MEMORY, "out of memory");
	return memory;
}

static void keys_from_json(struct reader *reader, const struct observe_subject *subject,
        const json_t *json, struct observe_round *round)
{
	const json_t *list = reader_array(reader, json, "keys", SAFETY_MAX_KEYS);
	round->keys.key = list_new(reader, list, sizeof *round->keys.key);
	for (size_t i = 0; i < json_array_size(list) && reader->result == RESULT_OK; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text == NULL)
			reader_fail(reader, "keys", "texts");
		else
			reader->result = dns_key_parse(subject->zone.wire, text,
			        &round->keys.key[round->keys.count], reader->err);
		if (reader->result == RESULT_OK)
			round->keys.count++;
	}
}

static void answer_from_json(
        struct reader *reader, const json_t *json, size_t publishers, struct observe_answer *answer)
{
	static const char *const members[] = {"publisher", "server", "question", "name", "type",
	        "status", "rcode", "authoritative", "tcp", "tries", "at_ms", "rtt_ms", "octets",
	        "sha256", NULL};
	if (!reader_members(reader, json, "answer", members))
		return;
	answer->publisher =
	        (uint8_t)reader_integer(reader, json, "publisher", 0, (int64_t)publishers - 1);
	reader_address(reader, json, "server", &answer->server);
	answer->question = (enum observe_question)reader_word(
	        reader, json, "question", question_word, OBSERVE_QUESTIONS);
	reader_name(reader, json, "name", &answer->name);
	answer->type = reader_type(reader, json, "type");
	answer->status = (enum query_status)reader_word(
	        reader, json, "status", status_word, QUERY_STATUS_COUNT);
	answer->rcode = (uint16_t)reader_integer(reader, json, "rcode", 0, 4095);
	answer->authoritative = reader_bool(reader, json, "authoritative");
	answer->tcp = reader_bool(reader, json, "tcp");
	answer->tries = (unsigned)reader_integer(reader, json, "tries", 0, 1000000);
	answer->at_ms = reader_integer(reader, json, "at_ms", TIME_EVER_MS, TIME_NEVER_MS);
	answer->rtt_ms = reader_integer(reader, json, "rtt_ms", -1, 366 * DAY_MS);
	answer->octets = (size_t)reader_integer(reader, json, "octets", 0, 65535);
	reader_hex(reader, json, "sha256", answer->sha256, sizeof answer->sha256);
}

static const char *const *content_members(enum safety_kind kind)
{
	static const char *const members[SAFETY_KINDS][6] = {
	        [SAFETY_DS] = {"ttl_s", "signed_from_ms", "signed_until_ms", "ds", "verified",
	                NULL},
	        [SAFETY_NS] = {"ttl_s", "signed_from_ms", "signed_until_ms", "groups", NULL},
	        [SAFETY_DNSKEY] = {"ttl_s", "signed_from_ms", "signed_until_ms", "keys", "signers",
	                NULL},
	        [SAFETY_DATA] = {"ttl_s", "signed_from_ms", "signed_until_ms", "keys",
	                "last_signature_ms", NULL},
	        [SAFETY_SERVING] = {"ttl_s", "signed_from_ms", "signed_until_ms", "serving", NULL},
	};
	return members[kind];
}

static void content_from_json(struct reader *reader, const json_t *json, enum safety_kind kind,
        size_t keys, size_t publishers, struct observe_content *content)
{
	if (!reader_members(reader, json, "content", content_members(kind)))
		return;
	content->ttl_s = (uint32_t)reader_integer(reader, json, "ttl_s", 0, UINT32_MAX);
	content->signed_from_ms =
	        reader_integer(reader, json, "signed_from_ms", TIME_EVER_MS, TIME_NEVER_MS);
	content->signed_until_ms =
	        reader_integer(reader, json, "signed_until_ms", TIME_EVER_MS, TIME_NEVER_MS);
	if (kind == SAFETY_DNSKEY || kind == SAFETY_DATA)
		content->keys = reader_bits(reader, json, "keys", keys);
	if (kind == SAFETY_DNSKEY)
		content->signers = reader_bits(reader, json, "signers", keys);
	if (kind == SAFETY_DATA)
		content->last_signature_ms = reader_integer(
		        reader, json, "last_signature_ms", TIME_EVER_MS, TIME_NEVER_MS);
	if (kind == SAFETY_DS) {
		reader_ds_list(
		        reader, json, "ds", OBSERVE_MAX_DS, &content->ds, &content->ds_count);
		content->verified = reader_bool(reader, json, "verified");
	}
	if (kind == SAFETY_NS)
		content->groups = (uint32_t)reader_bits(reader, json, "groups", publishers);
	if (kind == SAFETY_SERVING)
		content->serving = reader_bool(reader, json, "serving");
}

static void fact_from_json(struct reader *reader, const json_t *json, size_t keys,
        size_t publishers, struct observe_fact *fact)
{
	static const char *const members[] = {"publisher", "server", "kind", "state", "asked_ms",
	        "answered_ms", "contents", NULL};
	if (!reader_members(reader, json, "fact", members))
		return;
	fact->publisher =
	        (uint8_t)reader_integer(reader, json, "publisher", 0, (int64_t)publishers - 1);
	reader_address(reader, json, "server", &fact->server);
	fact->kind = (uint8_t)reader_word(reader, json, "kind", kind_word, SAFETY_KINDS);
	fact->state = (enum observe_state)reader_word(reader, json, "state", state_word, 3);
	fact->asked_ms = reader_integer(reader, json, "asked_ms", TIME_EVER_MS, TIME_NEVER_MS);
	fact->answered_ms =
	        reader_integer(reader, json, "answered_ms", TIME_EVER_MS, TIME_NEVER_MS);
	const json_t *list = reader_array(reader, json, "contents", OBSERVE_MAX_CONTENTS);
	struct observe_content *contents = list_new(reader, list, sizeof *contents);
	fact->contents = contents;
	for (size_t i = 0; i < json_array_size(list) && reader->result == RESULT_OK; i++)
		content_from_json(reader, json_array_get(list, i), (enum safety_kind)fact->kind,
		        keys, publishers, &contents[i]);
	fact->content_count = json_array_size(list);
}

static void signal_from_json(struct reader *reader, const json_t *json, size_t keys,
        size_t publishers, struct observe_signal *signal)
{
	static const char *const members[] = {"publisher", "server", "has_cds", "has_cdnskey",
	        "cds_verified", "cdnskey_verified", "remove", "cds", "cdnskey", NULL};
	if (!reader_members(reader, json, "signal", members))
		return;
	signal->publisher =
	        (uint8_t)reader_integer(reader, json, "publisher", 0, (int64_t)publishers - 1);
	reader_address(reader, json, "server", &signal->server);
	signal->cds = reader_bool(reader, json, "has_cds");
	signal->cdnskey = reader_bool(reader, json, "has_cdnskey");
	signal->cds_verified = reader_bool(reader, json, "cds_verified");
	signal->cdnskey_verified = reader_bool(reader, json, "cdnskey_verified");
	signal->remove = reader_bool(reader, json, "remove");
	reader_ds_list(reader, json, "cds", OBSERVE_MAX_DS, &signal->ds, &signal->ds_count);
	signal->keys = reader_bits(reader, json, "cdnskey", keys);
}

static void problem_from_json(
        struct reader *reader, const json_t *json, size_t publishers, struct observe_gap *gap)
{
	static const char *const members[] = {
	        "kind", "blocks", "until_ms", "publisher", "server", "text", NULL};
	if (!reader_members(reader, json, "problem", members))
		return;
	gap->kind = (enum observe_gap_kind)reader_word(
	        reader, json, "kind", gap_word, OBSERVE_GAP_KINDS);
	gap->blocks = reader_bool(reader, json, "blocks");
	gap->until_ms = reader_integer(reader, json, "until_ms", TIME_EVER_MS, TIME_NEVER_MS);
	gap->publisher =
	        (uint8_t)reader_integer(reader, json, "publisher", 0, (int64_t)publishers - 1);
	reader_address(reader, json, "server", &gap->server);
	const char *text = reader_text(reader, json, "text");
	if (strlen(text) >= sizeof gap->text)
		reader_fail(reader, "text", "a shorter text");
	else
		memcpy(gap->text, text, strlen(text) + 1);
}

static void lists_from_json(
        struct reader *reader, const json_t *json, size_t publishers, struct observe_round *round)
{
	const json_t *answers = reader_array(reader, json, "answers", OBSERVE_MAX_ANSWERS);
	const json_t *facts = reader_array(reader, json, "facts", OBSERVE_MAX_ANSWERS);
	const json_t *signals = reader_array(reader, json, "signals", OBSERVE_MAX_ANSWERS);
	const json_t *problems = reader_array(reader, json, "problems", OBSERVE_MAX_ANSWERS);
	round->answers = list_new(reader, answers, sizeof *round->answers);
	round->facts = list_new(reader, facts, sizeof *round->facts);
	round->signals = list_new(reader, signals, sizeof *round->signals);
	round->problems = list_new(reader, problems, sizeof *round->problems);
	if (reader->result != RESULT_OK)
		return;
	for (size_t i = 0; i < json_array_size(answers); i++)
		answer_from_json(
		        reader, json_array_get(answers, i), publishers, &round->answers[i]);
	for (size_t i = 0; i < json_array_size(facts); i++)
		fact_from_json(reader, json_array_get(facts, i), round->keys.count, publishers,
		        &round->facts[i]);
	for (size_t i = 0; i < json_array_size(signals); i++)
		signal_from_json(reader, json_array_get(signals, i), round->keys.count, publishers,
		        &round->signals[i]);
	for (size_t i = 0; i < json_array_size(problems); i++)
		problem_from_json(
		        reader, json_array_get(problems, i), publishers, &round->problems[i]);
	round->answer_count = json_array_size(answers);
	round->fact_count = json_array_size(facts);
	round->signal_count = json_array_size(signals);
	round->problem_count = json_array_size(problems);
}

static void round_from_json(struct reader *reader, const struct observe_subject *subject,
        const json_t *json, struct observe_round *round)
{
	static const char *const members[] = {"version", "subject", "session", "keys", "facts",
	        "signals", "problems", "answers", "start_ms", "end_ms", "mono_ms", NULL};
	uint8_t expected[32];
	if (!reader_members(reader, json, "round", members))
		return;
	reader_integer(reader, json, "version", ROUND_VERSION, ROUND_VERSION);
	reader_hex(reader, json, "subject", round->subject, sizeof round->subject);
	if (reader->result == RESULT_OK)
		reader->result = observe_subject_hash(subject, expected, reader->err);
	if (reader->result == RESULT_OK && memcmp(expected, round->subject, sizeof expected) != 0)
		reader->result = error_set(reader->err, RESULT_CONFLICT,
		        "this round of observation belongs to another subject");
	round->session =
	        (uint64_t)reader_integer(reader, json, "session", TIME_EVER_MS, TIME_NEVER_MS);
	round->start_ms = reader_integer(reader, json, "start_ms", TIME_EVER_MS, TIME_NEVER_MS);
	round->end_ms = reader_integer(reader, json, "end_ms", TIME_EVER_MS, TIME_NEVER_MS);
	round->mono_ms = reader_integer(reader, json, "mono_ms", TIME_EVER_MS, TIME_NEVER_MS);
	if (reader->result == RESULT_OK)
		keys_from_json(reader, subject, json, round);
	if (reader->result == RESULT_OK)
		lists_from_json(reader, json, subject->publisher_count, round);
}

enum result observe_round_from_json(const struct observe_subject *subject, const json_t *json,
        struct observe_round **round, struct error *err)
{
	struct observe_round *made = observe_round_new(ROUND_ARENA);
	if (made == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	struct reader reader = {.arena = made->arena, .err = err};
	round_from_json(&reader, subject, json, made);
	if (reader.result != RESULT_OK)
		observe_round_free(made);
	else
		*round = made;
	return reader.result;
}
