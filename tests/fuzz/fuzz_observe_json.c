// fuzz: links dep_observe dep_dns dep_net dep_safety dep_base
// Any octets as the JSON of a round of observation: refused, or a round that a view can be fed
// with, whose history can be judged, and whose JSON reads back as the same.
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/json.h"
#include "observe/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

// The subject that the seeds were made for.
static struct observe_subject *subject_make(void)
{
	struct observe_subject *s;
	int a, b;
	require(observe_subject_new("example.test", NULL, &s, NULL) == RESULT_OK);
	require(observe_subject_group(s, "A", 0, &a, NULL) == RESULT_OK);
	require(observe_subject_group(s, "B", 0, &b, NULL) == RESULT_OK);
	add_server(s, 0, "ns.test", "192.0.2.1");
	add_server(s, a, "ns1.a.test", "198.51.100.1");
	add_server(s, a, "ns2.example.test", "2001:db8::2");
	add_server(s, b, "ns1.b.test", "203.0.113.1");
	s->publishers[a].data_ttl_s = s->publishers[b].data_ttl_s = 100;
	return s;
}

static void check_history(const struct observe_view *view, int64_t now_ms)
{
	static struct observe_gaps gaps;
	struct safety_history h;
	struct safety_verdict v;
	if (observe_view_history(view, now_ms, true, &h, &gaps, NULL) != RESULT_OK)
		return;
	for (int i = 0; i < h.count; i++) {
		const struct safety_edition *e = &h.editions[i];
		require(e->publisher < h.publishers && e->kind < SAFETY_KINDS);
		require(e->from_ms <= now_ms);
		for (int k = i + 1; k < h.count; k++)
			if (h.editions[k].publisher == e->publisher &&
			        h.editions[k].kind == e->kind)
				require(h.editions[k].from_ms >= e->from_ms);
	}
	safety_judge(&h, &safety_all_readers, now_ms, now_ms, &v);
	observe_gaps_block(&gaps, now_ms);
	safety_history_free(&h);
}

static void use(const struct observe_subject *subject, const struct observe_round *round)
{
	struct observe_view *view = observe_view_new(subject);
	struct observe_line line;
	require(view != NULL);
	for (int i = 0; i < 2; i++)
		if (observe_view_feed(view, round, NULL) == RESULT_OK)
			check_history(view, round->end_ms);
	for (size_t i = 0; i < observe_view_line_count(view); i++)
		observe_view_line(view, i, &line);
	observe_view_free(view);
}

// The round as it would be with other TTLs and signatures: what is folded is never less careful.
static void fold(const struct observe_subject *subject, const struct observe_round *before,
        struct observe_round *round)
{
	for (size_t i = 0; i < round->fact_count; i++) {
		struct observe_fact *fact = &round->facts[i];
		struct observe_content *other =
		        arena_array(round->arena, fact->content_count + 1, sizeof *other);
		require(other != NULL);
		for (size_t c = 0; c < fact->content_count; c++) {
			other[c] = fact->contents[c];
			other[c].ttl_s -= other[c].ttl_s / 4 * (c % 2);
			other[c].signed_until_ms =
			        time_add(other[c].signed_until_ms, (int64_t)c * HOUR_MS - HOUR_MS);
		}
		fact->contents = other;
		fact->answered_ms = time_add(fact->answered_ms, MINUTE_MS);
	}
	struct observe_round wild = *round;
	wild.facts =
	        arena_memdup(round->arena, round->facts, round->fact_count * sizeof *round->facts);
	require(wild.facts != NULL || round->fact_count == 0);
	require(observe_round_fold(subject, before, round, NULL) == RESULT_OK);
	for (size_t i = 0; i < round->fact_count; i++)
		for (size_t c = 0; c < round->facts[i].content_count; c++) {
			const struct observe_content *folded = &round->facts[i].contents[c],
			                             *seen = &wild.facts[i].contents[c];
			require(folded->ttl_s >= seen->ttl_s);
			require(folded->signed_until_ms <= seen->signed_until_ms);
			require(folded->last_signature_ms >= seen->last_signature_ms);
			require(folded->keys == seen->keys && folded->signers == seen->signers);
		}
	use(subject, round);
}

static void again(const struct observe_subject *subject, const struct observe_round *round)
{
	json_t *json;
	struct observe_round *read;
	require(observe_round_to_json(round, &json, NULL) == RESULT_OK);
	require(observe_round_from_json(subject, json, &read, NULL) == RESULT_OK);
	require(observe_round_same(round, read));
	fold(subject, round, read);
	json_decref(json);
	observe_round_free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct observe_subject *subject;
	json_t *json;
	struct observe_round *round;
	if (subject == NULL)
		subject = subject_make();
	if (json_parse_text("round", (const char *)data, size, 1 << 20, &json, NULL) != RESULT_OK)
		return 0;
	// Whatever it was made for.
	uint8_t hash[32];
	char text[65];
	require(observe_subject_hash(subject, hash, NULL) == RESULT_OK);
	hex_lower(hash, sizeof hash, text);
	if (json_is_object(json) && json_object_get(json, "subject") != NULL)
		json_object_set_new(json, "subject", json_string(text));
	if (observe_round_from_json(subject, json, &round, NULL) == RESULT_OK) {
		use(subject, round);
		again(subject, round);
		observe_round_free(round);
	}
	json_decref(json);
	return 0;
}
