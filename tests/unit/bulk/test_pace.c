// Looks at very many zones are spread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bulk/pace.h"

static const char definition_text[] =
        "change: x\nzone: a.test\nprocedure: zsk-rollover\ndata-ttl: 1h\n"
        "samples: [\"www.a.test A\"]\n"
        "keys: {signer.zsk.new: [\"256 3 13 "
        "mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ=="
        "\"]"
        "}\n"
        "parties:\n"
        "  registry: {servers: {r.example: [192.0.2.1, \"2001:db8::1\"]}}\n"
        "  signer: {servers: {ns.a.test: [192.0.2.2], ns.b.example: [192.0.2.3]}}\n";

static void a_look_costs_what_it_asks(void **state)
{
	(void)state;
	struct arena *arena = arena_new(8 << 20);
	struct bulk_pace *pace = bulk_pace_new(50, 300);
	const struct change_definition *d;
	struct bulk_load load;
	struct error err;
	if (change_definition_parse(arena, "x.yaml", definition_text, sizeof definition_text - 1,
	            NULL, NULL, 0, &d, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(bulk_load_find(pace, arena, d, &load, &err), RESULT_OK);
	assert_int_equal(load.count, 4);
	// SOA, NS, DNSKEY, CDS, CDNSKEY, two proofs, the sample, and A and AAAA of ns.a.test.
	assert_int_equal(load.queries, 2 * 3 + 2 * 10);
	// The second zone on the same servers waits until the first one's queries are made up for.
	assert_true(bulk_pace_from_ms(pace, &load) <= 0);
	bulk_pace_take(pace, &load, 0);
	assert_int_equal(bulk_pace_from_ms(pace, &load), 10 * 1000 / 50);
	bulk_pace_free(pace);
	arena_free(arena);
}

static void no_second_has_more_than_the_rate(void **state)
{
	(void)state;
	struct arena *arena = arena_new(8 << 20);
	struct bulk_pace *pace = bulk_pace_new(40, 1000);
	const struct change_definition *d;
	struct bulk_load load;
	struct error err;
	assert_int_equal(change_definition_parse(arena, "x.yaml", definition_text,
	                         sizeof definition_text - 1, NULL, NULL, 0, &d, &err),
	        RESULT_OK);
	assert_int_equal(bulk_load_find(pace, arena, d, &load, &err), RESULT_OK);
	int64_t now_ms = 0;
	for (int i = 0; i < 100; i++) {
		now_ms = bulk_pace_from_ms(pace, &load) > now_ms ? bulk_pace_from_ms(pace, &load)
		                                                 : now_ms;
		bulk_pace_take(pace, &load, now_ms);
	}
	assert_int_equal(now_ms, 99 * 10 * 1000 / 40);
	bulk_pace_free(pace);
	arena_free(arena);
}

static void the_total_counts_too(void **state)
{
	(void)state;
	struct bulk_pace *pace = bulk_pace_new(1000, 20);
	const struct bulk_load nothing = {.count = 0, .queries = 10};
	bulk_pace_take(pace, &nothing, 0);
	assert_int_equal(bulk_pace_from_ms(pace, &nothing), 500);
	bulk_pace_take(pace, &nothing, 500);
	assert_int_equal(bulk_pace_from_ms(pace, &nothing), 1000);
	bulk_pace_free(pace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_look_costs_what_it_asks),
	        cmocka_unit_test(no_second_has_more_than_the_rate),
	        cmocka_unit_test(the_total_counts_too),
	};
	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
