// Tables of prefixes: what a file may say, and which prefix an address is in.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support.h"

static int make(void **state)
{
	*state = arena_new(64u << 20);
	return *state == NULL;
}

static int drop(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct prefix_table *table_of(struct arena *arena, const char *text)
{
	const struct prefix_table *table = NULL;
	struct error err = {0};
	if (prefix_table_parse(arena, "t", text, strlen(text), PREFIX_NEEDS_LABEL, &table, &err) !=
	        RESULT_OK)
		fail_msg("%s", err.text);
	return table;
}

static const char *label_of(const struct prefix_table *table, const char *address)
{
	struct address parsed = world_address(address);
	const struct prefix *found = prefix_find(table, &parsed);
	return found != NULL ? found->label : "nothing";
}

static void test_the_longest_prefix_counts(void **state)
{
	const struct prefix_table *t = table_of(*state, "# a comment\n"
	                                                "192.0.2.0/24\tnet one  \r\n"
	                                                "\n"
	                                                "192.0.2.128/25 half # and more\n"
	                                                "192.0.2.200/32 one\n"
	                                                "2001:db8::/32 six\n"
	                                                "192.0.2.0/24 net one\n"
	                                                "::/0 rest");
	assert_int_equal(prefix_table_count(t), 5);
	assert_string_equal(label_of(t, "192.0.2.1"), "net one");
	assert_string_equal(label_of(t, "192.0.2.129"), "half");
	assert_string_equal(label_of(t, "192.0.2.200"), "one");
	assert_string_equal(label_of(t, "192.0.3.1"), "nothing");
	assert_string_equal(label_of(t, "2001:db8:1::1"), "six");
	assert_string_equal(label_of(t, "2001:db9::"), "rest");
	assert_null(prefix_find(t, &(struct address){0}));
	assert_string_equal(label_of(table_of(*state, ""), "192.0.2.1"), "nothing");
	assert_string_equal(label_of(table_of(*state, "0.0.0.0/0 a"), "255.255.255.255"), "a");
}

static void test_what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *where;
	} cases[] = {
	        {"192.0.2.0 a", "t:1:1: expected a prefix"},
	        {"\n  192.0.2.0/ a", "t:2:3: expected a prefix"},
	        {"192.0.2.0/33 a", "t:1:1: the prefix is longer"},
	        {"2001:db8::/129 a", "t:1:1: the prefix is longer"},
	        {"192.0.2.0/2x a", "t:1:1: expected a number"},
	        {"192.0.2/24 a", "t:1:1: expected an IP address"},
	        {"192.0.2.0@53/24 a", "t:1:1: expected a prefix"},
	        {"192.0.2.1/24 a", "t:1:1: there are bits set"},
	        {"2001:db8::1/127 a", "t:1:1: there are bits set"},
	        {"192.0.2.0/24", "t:1:13: expected the network's name"},
	        {"192.0.2.0/24 # a", "t:1:13: expected the network's name"},
	        {"192.0.2.0/24 a\x1b[31m", "t:1:15: a control character"},
	        {"192.0.2.0/24 a\n192.0.2.0/24 b", "192.0.2.0/24 twice, for 'a' and for 'b'"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct prefix_table *table = NULL;
		struct error err = {0};
		assert_int_equal(prefix_table_parse(*state, "t", cases[i].text,
		                         strlen(cases[i].text), PREFIX_NEEDS_LABEL, &table, &err),
		        RESULT_INPUT);
		if (strstr(err.text, cases[i].where) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_null(table);
	}
}

static void test_labels_may_be_missing_where_nothing_is_named(void **state)
{
	const struct prefix_table *table = NULL;
	assert_int_equal(prefix_table_parse(*state, "t", "10.0.0.0/8", 10, PREFIX_MAY_LACK_LABEL,
	                         &table, NULL),
	        RESULT_OK);
	assert_string_equal(label_of(table, "10.2.3.4"), "");
}

static void test_special_networks(void **state)
{
	static const char *const special[] = {"10.1.2.3", "127.0.0.1", "192.168.3.4",
	        "172.31.255.255", "100.64.0.1", "169.254.1.1", "198.19.0.1", "203.0.113.7",
	        "224.0.0.1", "255.255.255.255", "::1", "::ffff:192.0.2.1", "2001:db8::1", "fd00::1",
	        "fe80::1", "ff02::1", "2002::1"};
	static const char *const ordinary[] = {"193.0.14.129", "9.9.9.9", "172.32.0.1",
	        "100.128.0.1", "192.0.1.1", "2001:500:2f::f", "2a01:4f8::1", "2620:fe::fe"};
	const struct prefix_table *t = prefix_table_special(*state);
	assert_non_null(t);
	for (size_t i = 0; i < sizeof special / sizeof special[0]; i++)
		if (strcmp(label_of(t, special[i]), "nothing") == 0)
			fail_msg("%s is not special", special[i]);
	for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++)
		if (strcmp(label_of(t, ordinary[i]), "nothing") != 0)
			fail_msg("%s is special", ordinary[i]);
}

// Random tables, and the same found by looking at every line.
static void test_as_one_by_one(void **state)
{
	struct random_seeded seeded;
	struct random random = random_from_seed(&seeded, 4711);
	enum { PREFIXES = 300, LOOKS = 2000 };
	static struct prefix list[PREFIXES];
	static char text[PREFIXES * 60];
	size_t n = 0;
	for (int i = 0; i < PREFIXES; i++) {
		struct address at = {.family = random_below(&random, 2) == 0 ? 4 : 6};
		char shown[PREFIX_TEXT];
		at.octets[0] = 32;
		at.octets[1] = (uint8_t)random_below(&random, 4);
		at.octets[2] = (uint8_t)random_below(&random, 256);
		list[i].length = (uint8_t)random_below(&random, at.family == 4 ? 33 : 129);
		list[i].address = prefix_cut(&at, list[i].length);
		n += (size_t)snprintf(
		        text + n, sizeof text - n, "%s x\n", prefix_text(&list[i], shown));
	}
	const struct prefix_table *t = table_of(*state, text);
	for (int i = 0; i < LOOKS; i++) {
		struct address at = {.family = random_below(&random, 2) == 0 ? 4 : 6};
		const struct prefix *best = NULL, *found;
		at.octets[0] = 32;
		at.octets[1] = (uint8_t)random_below(&random, 4);
		at.octets[2] = (uint8_t)random_below(&random, 256);
		for (int k = 0; k < PREFIXES; k++) {
			struct address cut = prefix_cut(&at, list[k].length);
			if (address_equal_ip(&cut, &list[k].address) &&
			        (best == NULL || list[k].length > best->length))
				best = &list[k];
		}
		found = prefix_find(t, &at);
		assert_int_equal(found != NULL, best != NULL);
		if (found != NULL)
			assert_int_equal(found->length, best->length);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
	        CASE(test_the_longest_prefix_counts),
	        CASE(test_what_is_wrong_is_said),
	        CASE(test_labels_may_be_missing_where_nothing_is_named),
	        CASE(test_special_networks),
	        CASE(test_as_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
