#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"

static int make_arena(void **state)
{
	*state = arena_new(32 << 20);
	return *state == NULL ? -1 : 0;
}

static int free_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct yaml_node *parse(struct arena *arena, const char *text)
{
	const struct yaml_node *root = NULL;
	struct error err = {0};
	if (yaml_parse(arena, "f", text, strlen(text), &root, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return root;
}

// The document must be refused with exactly this sentence, and nothing given back.
static void assert_refused_as(
        struct arena *arena, const char *text, enum result code, const char *sentence)
{
	const struct yaml_node *root = NULL;
	struct error err = {0};
	assert_int_equal(yaml_parse(arena, "f", text, strlen(text), &root, &err), code);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, sentence);
	assert_null(root);
}

static void assert_refused(struct arena *arena, const char *text, const char *sentence)
{
	assert_refused_as(arena, text, RESULT_INPUT, sentence);
}

static const char *text_at(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = yaml_get(map, key);
	assert_non_null(node);
	assert_int_equal(node->kind, YAML_SCALAR);
	return node->text;
}

static void reads_mappings_lists_and_values(void **state)
{
	const struct yaml_node *root = parse(*state, "timeline: koch\n"
	                                             "ttl: {ds: 24h, data: 72h}\n"
	                                             "events:\n"
	                                             "  - {at: 0s}\n"
	                                             "  - at: 12h   # a comment\n"
	                                             "    parent: {ds: [Ka, Kb]}\n"
	                                             "empty:\n"
	                                             "none: []\n");
	assert_int_equal(root->kind, YAML_MAP);
	assert_int_equal(root->count, 5);
	assert_string_equal(root->keys[2]->text, "events"); // in the order of the file
	assert_string_equal(text_at(root, "timeline"), "koch");
	assert_string_equal(text_at(yaml_get(root, "ttl"), "data"), "72h");
	const struct yaml_node *events = yaml_get(root, "events");
	assert_int_equal(events->kind, YAML_LIST);
	assert_int_equal(events->count, 2);
	const struct yaml_node *ds = yaml_get(yaml_get(events->items[1], "parent"), "ds");
	assert_string_equal(ds->items[1]->text, "Kb");
	assert_int_equal(ds->line, 6);
	assert_int_equal(ds->column, 18);
	assert_string_equal(ds->file, "f");
	assert_string_equal(text_at(root, "empty"), "");
	assert_int_equal(yaml_get(root, "none")->count, 0);
	assert_null(yaml_get(root, "missing"));
	assert_null(yaml_get(events, "at"));
	assert_null(yaml_get(NULL, "at"));
}

static void knows_what_was_quoted(void **state)
{
	const struct yaml_node *root =
	        parse(*state, "- true\n- 'true'\n- \"tr\\u0075e\"\n- |\n  text\n- x y\n");
	assert_int_equal(root->count, 5);
	assert_false(root->items[0]->quoted);
	assert_true(root->items[1]->quoted);
	assert_true(root->items[2]->quoted);
	assert_string_equal(root->items[2]->text, "true");
	bool value = false;
	assert_int_equal(yaml_bool(root->items[0], "x", &value, NULL), RESULT_OK);
	assert_true(value);
	assert_int_equal(yaml_bool(root->items[1], "x", &value, NULL), RESULT_INPUT);
}

static void aliases_stand_for_their_anchors(void **state)
{
	const struct yaml_node *root = parse(*state, "a: &keys [Ka, Za]\n"
	                                             "b: *keys\n"
	                                             "c: {d: *keys}\n"
	                                             "e: &keys other\n"
	                                             "f: *keys\n");
	const struct yaml_node *b = yaml_get(root, "b");
	assert_int_equal(b->count, 2);
	assert_string_equal(b->items[1]->text, "Za");
	assert_int_equal(b->line, 2); // where it is used
	assert_int_equal(b->column, 4);
	assert_int_equal(b->items[1]->line, 1); // where it is written
	assert_int_equal(yaml_get(yaml_get(root, "c"), "d")->line, 3);
	assert_int_equal(yaml_get(root, "a")->line, 1);
	assert_string_equal(text_at(root, "f"), "other"); // the last anchor of that name
}

static void unknown_and_circular_aliases_are_refused(void **state)
{
	assert_refused(*state, "a: *b\n", "f:1:4: no '&b' is complete before this '*b'");
	assert_refused(
	        *state, "a: &b\n  - x\n  - *b\n", "f:3:5: no '&b' is complete before this '*b'");
}

static void merges_mappings(void **state)
{
	const struct yaml_node *root = parse(*state, "base: &base {a: 1, b: 2}\n"
	                                             "more: &more {b: 3, c: 4, d: 5}\n"
	                                             "one:\n"
	                                             "  <<: *base\n"
	                                             "  b: own\n"
	                                             "two:\n"
	                                             "  <<: [*base, *more]\n"
	                                             "  d: own\n"
	                                             "three: {'<<': plain}\n");
	const struct yaml_node *one = yaml_get(root, "one");
	assert_int_equal(one->count, 2);
	assert_string_equal(text_at(one, "a"), "1");
	assert_string_equal(text_at(one, "b"), "own");
	assert_string_equal(one->keys[0]->text, "b"); // its own come first
	const struct yaml_node *two = yaml_get(root, "two");
	assert_int_equal(two->count, 4);
	assert_string_equal(text_at(two, "b"), "2"); // an earlier merge wins
	assert_string_equal(text_at(two, "c"), "4");
	assert_string_equal(text_at(two, "d"), "own");
	assert_string_equal(text_at(yaml_get(root, "three"), "<<"), "plain");
	assert_refused(
	        *state, "a:\n  <<: text\n", "f:2:7: '<<' merges a mapping, or a list of mappings");
	assert_refused(*state, "a:\n  <<: [{b: 1}, c]\n",
	        "f:2:16: '<<' merges a mapping, or a list of mappings");
}

static void duplicate_keys_are_refused(void **state)
{
	assert_refused(*state, "a: 1\nb: 2\na: 3\n", "f:3:1: 'a' is there twice, first in line 1");
	assert_refused(*state, "x:\n  b: 1\n  a: 1\n  c: 1\n  b: 2\n  a: 2\n  b: 3\n",
	        "f:5:3: 'b' is there twice, first in line 2");
	assert_refused(*state, "{a: 1, 'a': 2}", "f:1:8: 'a' is there twice, first in line 1");
}

static void keys_must_be_words(void **state)
{
	assert_refused(*state, "a: 1\n[b, c]: 2\n", "f:2:1: a key must be a word");
	assert_refused(*state, "a: &m {x: 1}\n*m : 2\n", "f:2:1: a key must be a word");
	const struct yaml_node *root = parse(*state, "a: &m word\n*m : 2\n");
	assert_string_equal(text_at(root, "word"), "2");
}

static void tags_are_refused(void **state)
{
	assert_refused(*state, "a: !!int 3\n", "f:1:4: YAML tags ('!…') are not used here");
	assert_refused(*state, "a: !!str 3\n", "f:1:4: YAML tags ('!…') are not used here");
	assert_refused(*state, "a: ! 3\n", "f:1:4: YAML tags ('!…') are not used here");
	assert_refused(*state, "- !own {a: 1}\n", "f:1:3: YAML tags ('!…') are not used here");
	assert_refused(*state, "x:\n - !!seq []\n", "f:2:4: YAML tags ('!…') are not used here");
	assert_refused(*state, "!!str a: 1\n", "f:1:1: YAML tags ('!…') are not used here");
}

static void one_document_a_file(void **state)
{
	assert_refused(*state, "a: 1\n---\nb: 2\n",
	        "f:2:1: a second document begins, expected one in a file");
	assert_refused(*state, "", "f:1:1: an empty file");
	assert_refused(*state, "# nothing\n", "f:2:1: an empty file");
	const struct yaml_node *root = parse(*state, "---\na: 1\n...\n");
	assert_string_equal(text_at(root, "a"), "1");
}

static void broken_documents_are_refused_with_their_place(void **state)
{
	assert_refused(*state, "a: 1\nb: [1, 2\nc: 3\n",
	        "f:3:2: did not find expected ',' or ']', while parsing a flow sequence that "
	        "begins "
	        "in line 2");
	assert_refused(*state, "a: 1\n\tb: 2\n",
	        "f:2:1: found a tab character that violates indentation, while scanning a plain "
	        "scalar that begins in line 1");
	assert_refused(*state, "a: \"x\\0y\"\n", "f:1:4: a NUL character in a text");
	assert_refused(*state, "a: \x80\n", "f: octet 3: invalid leading UTF-8 octet");
	const struct yaml_node *root = NULL;
	struct error err = {0};
	assert_int_equal(yaml_parse(*state, "f",
	                         "\xff\xfe"
	                         "a\0:\0 \0b\0",
	                         10, &root, &err),
	        RESULT_INPUT);
	assert_null(root);
}

// What files say ends up on terminals: a text cannot carry what they obey.
static void refuses_control_characters(void **state)
{
	assert_refused(*state, "a: \"x\\e[31m\"\n", "f:1:4: a control character in a text");
	assert_refused(*state, "a: [1, \"\\r\"]\n", "f:1:8: a control character in a text");
	assert_refused(*state, "a: \"\\x7f\"\n", "f:1:4: a control character in a text");
	assert_refused(*state, "a: \"\\u009b31m\"\n", "f:1:4: a control character in a text");
	assert_refused(*state, "\"\\a\": b\n", "f:1:1: a control character in a text");
	const struct yaml_node *root = parse(*state, "a: \"x\\ty\\nz \\u00a0\\u2014\"\n");
	assert_string_equal(text_at(root, "a"), "x\ty\nz \u00a0\u2014");
}

static void nests_to_its_limit_and_not_deeper(void **state)
{
	struct buffer text = buffer_init(1000);
	for (int i = 0; i < YAML_MAX_DEPTH; i++)
		buffer_puts(&text, "[");
	buffer_puts(&text, "x");
	for (int i = 0; i < YAML_MAX_DEPTH; i++)
		buffer_puts(&text, "]");
	parse(*state, buffer_text(&text));
	struct buffer deeper = buffer_init(1000);
	buffer_printf(&deeper, "[%s]", buffer_text(&text));
	assert_refused_as(*state, buffer_text(&deeper), RESULT_LIMIT, "f:1:34: nested too deeply");
	buffer_free(&deeper);
	buffer_free(&text);
}

static void an_alias_cannot_dig_deeper(void **state)
{
	struct buffer text = buffer_init(4000);
	buffer_puts(&text, "a0: &a0 [x]\n");
	for (int i = 1; i < 40; i++)
		buffer_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	assert_refused_as(*state, buffer_text(&text), RESULT_LIMIT, "f:32:12: nested too deeply");
	buffer_free(&text);
}

static void alias_bombs_do_not_go_off(void **state)
{
	struct buffer text = buffer_init(4000);
	buffer_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++) {
		buffer_printf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buffer_printf(&text, "*a%d, ", i - 1);
		buffer_puts(&text, "]\n");
	}
	const struct yaml_node *root = NULL;
	struct error err = {0};
	assert_int_equal(
	        yaml_parse(*state, "f", text.data, text.length, &root, &err), RESULT_LIMIT);
	assert_non_null(strstr(err.text, "too many values"));
	assert_true(arena_used(*state) < 1 << 20);
	buffer_free(&text);
}

static void merge_bombs_do_not_go_off(void **state)
{
	struct buffer text = buffer_init(4 << 20);
	buffer_puts(&text, "base: &base\n");
	for (int i = 0; i < 20000; i++)
		buffer_printf(&text, "  key%d: x\n", i);
	for (int i = 0; i < 1000; i++)
		buffer_printf(&text, "m%d: {<<: *base}\n", i);
	const struct yaml_node *root = NULL;
	struct error err = {0};
	assert_int_equal(
	        yaml_parse(*state, "f", text.data, text.length, &root, &err), RESULT_LIMIT);
	assert_non_null(strstr(err.text, "too many values"));
	buffer_free(&text);
}

static void large_mappings_are_quick(void **state)
{
	struct buffer text = buffer_init(4 << 20);
	for (int i = 0; i < 90000; i++)
		buffer_printf(&text, "common-beginning-of-a-key-%d: x\n", i);
	const struct yaml_node *root = parse(*state, buffer_text(&text));
	assert_int_equal(root->count, 90000);
	buffer_free(&text);
}

static void limits_hold(void **state)
{
	struct error err = {0};
	const struct yaml_node *root = NULL;
	char *text = malloc(YAML_MAX_OCTETS + 1);
	memset(text, 'x', YAML_MAX_OCTETS + 1);
	assert_int_equal(
	        yaml_parse(*state, "f", text, YAML_MAX_OCTETS + 1, &root, &err), RESULT_LIMIT);
	text[0] = '[';
	for (size_t i = 1; i + 1 < YAML_MAX_OCTETS; i += 2)
		memcpy(text + i, "x,", 2);
	assert_int_equal(yaml_parse(*state, "f", text, YAML_MAX_OCTETS, &root, &err), RESULT_LIMIT);
	free(text);

	struct buffer anchors = buffer_init(1 << 20);
	for (int i = 0; i <= YAML_MAX_ANCHORS; i++)
		buffer_printf(&anchors, "- &a%d x\n", i);
	assert_int_equal(
	        yaml_parse(*state, "f", anchors.data, anchors.length, &root, &err), RESULT_LIMIT);
	assert_string_equal(err.text, "f:1001:3: too many anchors ('&…')");
	buffer_free(&anchors);

	struct arena *small = arena_new(1000);
	assert_int_equal(yaml_parse(small, "f", "[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]", 45,
	                         &root, &err),
	        RESULT_LIMIT);
	arena_free(small);
	assert_null(root);
}

static void typed_access_says_what_it_expected(void **state)
{
	const struct yaml_node *root = parse(*state,
	        "ttl: 1d12h\nn: 42\nbig: 99999999999999999999\nneg: -3\nyes: yes\nlist: [1]\n"
	        "q: '42'\nodd: 5-5\n");
	struct error err = {0};
	int64_t number = 0;
	const char *text = NULL;
	bool truth;
	assert_int_equal(yaml_duration(yaml_get(root, "ttl"), "ttl", &number, &err), RESULT_OK);
	assert_int_equal(number, 36 * 3600 * 1000);
	assert_int_equal(yaml_duration(yaml_get(root, "n"), "ttl", &number, &err), RESULT_INPUT);
	assert_string_equal(err.text,
	        "f:2:4: 'ttl': '42' is not a duration, expected a number with a unit such as 90s, "
	        "5m, 6h, 2d or 1d12h");
	assert_int_equal(yaml_integer(yaml_get(root, "n"), "n", 0, 42, &number, &err), RESULT_OK);
	assert_int_equal(number, 42);
	number = 4711;
	assert_int_equal(
	        yaml_integer(yaml_get(root, "n"), "n", 0, 41, &number, &err), RESULT_INPUT);
	assert_string_equal(err.text, "f:2:4: 'n' is '42', expected a whole number from 0 to 41");
	const char *const bad[] = {"big", "neg", "yes", "list", "q", "odd"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(
		        yaml_integer(yaml_get(root, bad[i]), "n", 0, INT64_MAX, &number, &err),
		        RESULT_INPUT);
	assert_int_equal(number, 4711);
	assert_int_equal(yaml_integer(yaml_get(root, "neg"), "n", -3, 5, &number, &err), RESULT_OK);
	assert_int_equal(number, -3);
	assert_int_equal(yaml_bool(yaml_get(root, "yes"), "yes", &truth, &err), RESULT_INPUT);
	assert_string_equal(err.text, "f:5:6: 'yes' is 'yes', expected true or false");
	assert_int_equal(yaml_text(yaml_get(root, "list"), "list", &text, &err), RESULT_INPUT);
	assert_string_equal(err.text, "f:6:7: 'list' is a list, expected a single value");
	assert_null(text);
	assert_int_equal(yaml_expect(root, "all", YAML_LIST, &err), RESULT_INPUT);
	assert_string_equal(err.text, "f:1:1: 'all' is a mapping, expected a list");
}

static void unknown_words_get_a_suggestion(void **state)
{
	static const char *const known[] = {"timeline", "start", "events", NULL};
	struct error err = {0};
	assert_int_equal(
	        yaml_known_keys(parse(*state, "start: 1\nevents: 2\n"), "a timeline", known, &err),
	        RESULT_OK);
	assert_int_equal(
	        yaml_known_keys(parse(*state, "start: 1\nevnets: 2\n"), "a timeline", known, &err),
	        RESULT_INPUT);
	assert_string_equal(
	        err.text, "f:2:1: unknown word 'evnets' in a timeline, did you mean 'events'?");
	assert_int_equal(yaml_known_keys(parse(*state, "zebra: 1\n"), "a timeline", known, &err),
	        RESULT_INPUT);
	assert_string_equal(err.text, "f:1:1: unknown word 'zebra' in a timeline, expected one of: "
	                              "timeline, start, events");
	assert_int_equal(
	        yaml_known_keys(parse(*state, "[a]"), "a timeline", known, &err), RESULT_INPUT);
	assert_string_equal(yaml_nearest("tmeline", known), "timeline");
	assert_null(yaml_nearest("", known));
	assert_null(yaml_nearest("a word that is much longer than all of these", known));
}

static void loads_files(void **state)
{
	const struct yaml_node *root = NULL;
	struct error err = {0};
	char path[] = "/tmp/baton-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_replace(path, "a: [b\n", 6, NULL), RESULT_OK);
	assert_int_equal(yaml_load(*state, path, &root, &err), RESULT_INPUT);
	assert_memory_equal(err.text, path, strlen(path));
	assert_int_equal(file_replace(path, "a: b\n", 5, NULL), RESULT_OK);
	assert_int_equal(yaml_load(*state, path, &root, &err), RESULT_OK);
	assert_string_equal(root->file, path);
	unlink(path);
	assert_int_equal(yaml_load(*state, path, &root, &err), RESULT_SYSTEM);
}

static void a_byte_order_mark_may_begin_the_text(void **state)
{
	const struct yaml_node *root = parse(*state, "\xef\xbb\xbfx: b\ny: d\n");
	assert_string_equal(text_at(root, "x"), "b");
	assert_string_equal(text_at(root, "y"), "d");
	assert_refused(
	        *state, "\xef\xbb\xbfx: b\nx: c\n", "f:2:1: 'x' is there twice, first in line 1");
}

int main(void)
{
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, make_arena, free_arena)
	const struct CMUnitTest tests[] = {
	        WITH_ARENA(reads_mappings_lists_and_values),
	        WITH_ARENA(knows_what_was_quoted),
	        WITH_ARENA(aliases_stand_for_their_anchors),
	        WITH_ARENA(unknown_and_circular_aliases_are_refused),
	        WITH_ARENA(merges_mappings),
	        WITH_ARENA(duplicate_keys_are_refused),
	        WITH_ARENA(keys_must_be_words),
	        WITH_ARENA(tags_are_refused),
	        WITH_ARENA(one_document_a_file),
	        WITH_ARENA(broken_documents_are_refused_with_their_place),
	        WITH_ARENA(refuses_control_characters),
	        WITH_ARENA(nests_to_its_limit_and_not_deeper),
	        WITH_ARENA(an_alias_cannot_dig_deeper),
	        WITH_ARENA(alias_bombs_do_not_go_off),
	        WITH_ARENA(merge_bombs_do_not_go_off),
	        WITH_ARENA(large_mappings_are_quick),
	        WITH_ARENA(limits_hold),
	        WITH_ARENA(typed_access_says_what_it_expected),
	        WITH_ARENA(unknown_words_get_a_suggestion),
	        WITH_ARENA(a_byte_order_mark_may_begin_the_text),
	        WITH_ARENA(loads_files),
	};
	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
