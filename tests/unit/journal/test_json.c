// JSON within limits and in canonical form (base/json.h).
#include "support.h"

#include <string.h>

#include "base/json.h"

static enum result parse(const char *text, json_t **value, struct error *err)
{
	return json_parse_text("text", text, strlen(text), 4096, value, err);
}

static void assert_canonical(const char *text, const char *canonical)
{
	json_t *value = NULL;
	struct error err = {0};
	assert_int_equal(parse(text, &value, &err), RESULT_OK);
	struct buffer out = buffer_init(4096);
	assert_int_equal(json_write_canonical(value, &out, &err), RESULT_OK);
	assert_string_equal(buffer_text(&out), canonical);
	json_decref(value);
	buffer_free(&out);
}

static void assert_refused(const char *text, enum result expected, const char *says)
{
	json_t *value = NULL;
	struct error err = {0};
	assert_int_equal(parse(text, &value, &err), expected);
	assert_null(value);
	if (strstr(err.text, says) == NULL)
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void one_form_for_one_value(void **state)
{
	(void)state;
	assert_canonical("{ \"b\" : 1, \"a\":[ true ,null] }", "{\"a\":[true,null],\"b\":1}");
	assert_canonical("{\"\\u00e4\":\"\\u0041\\/\"}", "{\"\xc3\xa4\":\"A/\"}");
	assert_canonical("[-0, 9223372036854775807, -9223372036854775808]",
	        "[0,9223372036854775807,-9223372036854775808]");
	assert_canonical("[\"\\u001f\\n\\t\\\"\\\\\"]", "[\"\\u001F\\n\\t\\\"\\\\\"]");
	assert_canonical(
	        "{\"b\":{},\"a\":{},\"aa\":[],\"B\":0}", "{\"B\":0,\"a\":{},\"aa\":[],\"b\":{}}");
}

static void what_has_no_form_is_refused(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\"a\":2}", RESULT_INPUT, "duplicate");
	assert_refused("{\"ttl\":[1.5]}", RESULT_INPUT, "fraction");
	assert_refused("[1e3]", RESULT_INPUT, "fraction");
	assert_refused("[9223372036854775808]", RESULT_INPUT, "text:1:");
	assert_refused("[\"\\u0000\"]", RESULT_INPUT, "text:1:");
	assert_refused("[\"\xff\"]", RESULT_INPUT, "text:1:");
	assert_refused("{} {}", RESULT_INPUT, "text:1:");
	assert_refused("17", RESULT_INPUT, "text:1:");
	assert_refused("", RESULT_INPUT, "text:1:");
	assert_refused("[\n  nul]", RESULT_INPUT, "text:2:");
}

static void limits_hold(void **state)
{
	(void)state;
	char deep[2 * (JSON_MAX_DEPTH + 1) + 1] = {0};
	memset(deep, '[', JSON_MAX_DEPTH);
	memset(deep + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_canonical(deep, deep);
	memset(deep, '[', JSON_MAX_DEPTH + 1);
	memset(deep + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	assert_refused(deep, RESULT_LIMIT, "nested");

	static char endless[4000];
	memset(endless, '[', sizeof endless - 1);
	assert_refused(endless, RESULT_LIMIT, "nested");

	json_t *value = NULL;
	assert_int_equal(json_parse_text("text", "[1234]", 6, 5, &value, NULL), RESULT_LIMIT);
	assert_null(value);
}

static void a_failed_write_leaves_the_buffer(void **state)
{
	(void)state;
	struct error err = {0};
	struct buffer out = buffer_init(16);
	buffer_puts(&out, "before");
	json_t *large = json_pack("[s]", "0123456789");
	assert_int_equal(json_write_canonical(large, &out, &err), RESULT_LIMIT);
	assert_string_equal(buffer_text(&out), "before");
	assert_false(out.failed);
	json_decref(large);

	json_t *real = json_pack("[f]", 1.0), *text = json_string("x"),
	       *nul = json_pack("[s#]", "a\0b", 3);
	assert_int_equal(json_write_canonical(real, &out, &err), RESULT_INPUT);
	assert_int_equal(json_write_canonical(text, &out, &err), RESULT_INPUT);
	assert_int_equal(json_write_canonical(nul, &out, &err), RESULT_INPUT);
	assert_string_equal(buffer_text(&out), "before");
	json_decref(real);
	json_decref(text);
	json_decref(nul);
	buffer_free(&out);
}

// A value that contains itself ends at the depth limit.
static void a_loop_ends(void **state)
{
	(void)state;
	json_t *outer = json_array(), *inner = json_array();
	json_array_append(outer, inner);
	json_array_append(inner, outer);
	struct buffer out = buffer_init(4096);
	assert_int_equal(json_write_canonical(outer, &out, NULL), RESULT_LIMIT);
	json_array_clear(inner);
	json_decref(inner);
	json_decref(outer);
	buffer_free(&out);
}

static void texts_of_any_octets_are_strings(void **state)
{
	(void)state;
	static const char *const texts[][2] = {{"move.yaml", "move.yaml"}, {"", ""},
	        {"zo\xc3\xab.yaml", "zo\xc3\xab.yaml"}, {"zo\xeb/\xc3\xab\n", "zo?/??\n"}};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_t *value = json_text(texts[i][0]);
		assert_string_equal(json_string_value(value), texts[i][1]);
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(one_form_for_one_value),
	        cmocka_unit_test(what_has_no_form_is_refused),
	        cmocka_unit_test(limits_hold),
	        cmocka_unit_test(a_failed_write_leaves_the_buffer),
	        cmocka_unit_test(a_loop_ends),
	        cmocka_unit_test(texts_of_any_octets_are_strings),
	};
	return cmocka_run_group_tests_name("base json", tests, NULL, NULL);
}
