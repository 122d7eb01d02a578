// fuzz: links dep_observe dep_dns dep_net dep_safety dep_base
// Any octets as the answers to the questions of a round: a round comes out that a view can be fed
// with. Each answer has two octets of length in front of it.
#include <stdlib.h>
#include <string.h>

#include "observe/interpret.h"
#include "observe/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_MS INT64_C(1800000000000)

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void add_server(struct observe_subject *s, int publisher, const char *name, const char *text)
{
	struct address address;
	require(address_parse(text, 53, &address, NULL) == RESULT_OK);
	require(observe_subject_server(s, publisher, name, &address, NULL) == RESULT_OK);
}

static struct observe_subject *subject_make(void)
{
	struct observe_subject *s;
	int a;
	require(observe_subject_new("example.test", NULL, &s, NULL) == RESULT_OK);
	require(observe_subject_group(s, "A", 0, &a, NULL) == RESULT_OK);
	add_server(s, 0, "ns.test", "192.0.2.1");
	add_server(s, a, "ns2.example.test", "2001:db8::2");
	require(observe_subject_sample(s, "www.example.test", DNS_TYPE_A, NULL) == RESULT_OK);
	return s;
}

static void answers_take(struct observe_round *round, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < round->answer_count && size >= 2; i++) {
		struct observe_answer *answer = &round->answers[i];
		size_t length = (size_t)data[0] << 8 | data[1];
		data += 2;
		size -= 2;
		if (length > size)
			length = size;
		answer->at_ms = NOW_MS;
		answer->status = length > 0 ? QUERY_ANSWERED : QUERY_TIMED_OUT;
		answer->raw = length > 0 ? arena_memdup(round->arena, data, length) : NULL;
		answer->octets = length;
		data += length;
		size -= length;
	}
}

static void use(const struct observe_subject *subject, const struct observe_round *round)
{
	static struct observe_gaps gaps;
	struct observe_view *view = observe_view_new(subject);
	struct safety_history h;
	struct safety_verdict v;
	json_t *json;
	struct observe_round *read;
	require(view != NULL && observe_view_feed(view, round, NULL) == RESULT_OK);
	if (observe_view_history(view, NOW_MS, true, &h, &gaps, NULL) == RESULT_OK) {
		safety_judge(&h, &safety_all_readers, NOW_MS, NOW_MS, &v);
		safety_history_free(&h);
	}
	require(observe_round_to_json(round, &json, NULL) == RESULT_OK);
	require(observe_round_from_json(subject, json, &read, NULL) == RESULT_OK);
	require(observe_round_same(round, read));
	json_decref(json);
	observe_round_free(read);
	observe_view_free(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct observe_subject *subject;
	if (subject == NULL)
		subject = subject_make();
	struct observe_round *round = observe_round_new(64 << 20);
	struct dns_key_cache *cache = dns_key_cache_new(64);
	require(round != NULL && cache != NULL);
	require(questions_make(subject, round->arena, &round->answers, &round->answer_count,
	                NULL) == RESULT_OK);
	require(observe_subject_hash(subject, round->subject, NULL) == RESULT_OK);
	round->start_ms = round->end_ms = NOW_MS;
	answers_take(round, data, size);
	if (interpret(subject, NULL, cache, round, NULL) == RESULT_OK)
		use(subject, round);
	observe_round_free(round);
	dns_key_cache_free(cache);
	return 0;
}
