// What a timeline file may say, and what an error says of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "safety/timeline.h"

static const char zone[] =
        "timeline: t\n"
        "ttl: {ds: 24h, parent-ns: 48h, child-ns: 24h, dnskey: 48h, data: 72h}\n"
        "start:\n"
        "  parent: {ds: [K1], ns: [A]}\n"
        "  A: {ns: [A], dnskey: [K1, Z], dnskey-signers: [K1], data-signers: [Z]}\n"
        "events:\n"
        "- {at: 0h, A: {dnskey: [K1, K2, Z], dnskey-signers: [K1, K2]}}\n"
        "- {at: 90h, parent: {ds: [K2]}}\n";

static enum result parse(
        const char *rest, int64_t *until_ms, enum safety_word *word, struct error *err)
{
	struct arena *arena = arena_new(1 << 20);
	struct timeline tl;
	struct safety_verdict v;
	char *text = arena_printf(arena, "%s%s", zone, rest);
	enum result result = timeline_parse(arena, "t.yaml", text, strlen(text), &tl, err);
	if (result == RESULT_OK) {
		*until_ms = tl.until_ms;
		assert_int_equal(
		        safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v), RESULT_OK);
		*word = v.path[SAFETY_FORWARDER].word;
		timeline_free(&tl);
	}
	arena_free(arena);
	return result;
}

// An event that is not judged would be a fault that nobody is told of.
static void nothing_comes_after_until(void **state)
{
	(void)state;
	static const struct {
		const char *until, *error;
	} refused[] = {
	        {"until: 60h\n",
	                "t.yaml:9:8: 'until' is 2d12h and the last event at 3d18h, expected "
	                "'until' at "
	                "that event or later: what is never judged is never found"},
	        {"until: 0s\n",
	                "t.yaml:9:8: 'until' is 0s and the last event at 3d18h, expected 'until' "
	                "at "
	                "that event or later: what is never judged is never found"},
	        {"until: 323999999ms\n", "t.yaml:9:8: "},
	};
	int64_t until_ms = -1;
	enum safety_word word = SAFETY_SAFE;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct error err = {0};
		assert_int_equal(parse(refused[i].until, &until_ms, &word, &err), RESULT_INPUT);
		if (strncmp(err.text, refused[i].error, strlen(refused[i].error)) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(until_ms, -1);
	}
}

static void until_may_be_the_last_event(void **state)
{
	(void)state;
	struct error err = {0};
	int64_t until_ms;
	enum safety_word word;
	assert_int_equal(parse("until: 90h\n", &until_ms, &word, &err), RESULT_OK);
	assert_int_equal(until_ms, 90 * HOUR_MS);
	assert_int_equal(parse("", &until_ms, &word, &err), RESULT_OK);
	assert_int_equal(until_ms, (90 + 24 + 48 + 24 + 48 + 72) * HOUR_MS);
	assert_int_equal(word, SAFETY_SAFE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_comes_after_until),
	        cmocka_unit_test(until_may_be_the_last_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
