// The file of a bulk: what it says, and what is said where it cannot be used.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "bulk/definition.h"

static char folder[64];
static struct arena *arena;
static struct error err;

static const char template[] = "change: move-${ZONE}\nzone: ${ZONE}\nprocedure: operator-change\n"
                               "data-ttl: 1h\nparties:\n"
                               "  registry: {servers: {r.example: [192.0.2.1]}}\n"
                               "  registrar: {}\n"
                               "  losing: {servers: {l.example: [192.0.2.2]}}\n"
                               "  gaining: {servers: {g.example: [\"${SERVER}\"]}}\n";

static int set_up(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/baton-test-XXXXXX");
	arena = arena_new(64 << 20);
	return mkdtemp(folder) == NULL || arena == NULL;
}

static const char *path_of(const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path_of("bulk.yaml"));
	unlink(path_of("move.yaml"));
	unlink(path_of("zones.txt"));
	rmdir(folder);
	arena_free(arena);
	return 0;
}

static void put(const char *name, const char *text)
{
	assert_int_equal(file_replace(path_of(name), text, strlen(text), &err), RESULT_OK);
}

#define HEAD "bulk: customers\ntemplate: move.yaml\nzones: zones.txt\ncolumns: [SERVER]\n"

static enum result load(const char *zones, const char *more, const struct bulk_definition **b)
{
	put("move.yaml", template);
	put("zones.txt", zones);
	put("bulk.yaml", arena_printf(arena, "%s%s", HEAD, more));
	return bulk_definition_load(arena, path_of("bulk.yaml"), b, &err);
}

static void refuses(const char *zones, const char *more, const char *text)
{
	const struct bulk_definition *b = NULL;
	enum result result = load(zones, more, &b);
	if (result == RESULT_OK || b != NULL || strstr(err.text, text) == NULL)
		fail_msg("expected '%s', got '%s'", text, result == RESULT_OK ? "" : err.text);
}

static const char ten[] = "# the zones\n\na.test 192.0.2.10\nb.test\t192.0.2.11 # two\n"
                          "C.Test. \"192.0.2.12\"\nd.test 192.0.2.13\ne.test 192.0.2.14\n"
                          "f.test 192.0.2.15\ng.test 192.0.2.16\nh.test 192.0.2.17\n"
                          "i.example 192.0.2.18\nj.example 192.0.2.19";

static void waves_follow_the_file(void **state)
{
	(void)state;
	const struct bulk_definition *b;
	if (load(ten,
	            "canary: [e.test, C.test.]\nsoak: 1h\nwaves: [1, 25%, rest]\n"
	            "rate:\n  registry: {effects: 30}\n  gaining: {effects: 5, per: 10s, zones: "
	            "7}\n",
	            &b) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(b->zone_count, 10);
	assert_int_equal(b->wave_count, 4);
	assert_true(b->has_canary);
	assert_string_equal(b->zones[0].name, "e.test");
	assert_string_equal(b->zones[1].name, "c.test");
	assert_string_equal(b->zones[2].name, "a.test");
	assert_int_equal(b->waves[1].count, 1);
	assert_int_equal(b->waves[2].count, 3);
	assert_int_equal(b->waves[3].count, 4);
	assert_int_equal(b->zones[9].wave, 3);
	assert_int_equal(bulk_zone_find(b, "D.TEST."), 4);
	assert_int_equal(bulk_zone_find(b, "x.test"), -1);
	// registry of test., gaining, registry of example.
	assert_int_equal(b->lane_count, 3);
	assert_true(b->zones[0].lanes[0] != b->zones[9].lanes[0]);
	assert_true(b->zones[0].lanes[1] == b->zones[9].lanes[1]);
	assert_int_equal(b->limits[1].per_ms, 10000);
	assert_int_equal(b->limits[0].per_ms, MINUTE_MS);
}

static void every_zone_has_a_change_of_its_own(void **state)
{
	(void)state;
	const struct bulk_definition *b;
	const struct change_definition *d;
	char text[ADDRESS_TEXT];
	assert_int_equal(load(ten, "", &b), RESULT_OK);
	assert_int_equal(b->wave_count, 1);
	assert_int_equal(bulk_definition_zone(arena, b, &b->zones[2], &d, &err), RESULT_OK);
	assert_string_equal(d->id, "move-c.test");
	assert_string_equal(d->journal_path, path_of("customers.journals/c.test.journal"));
	int gaining = procedure_party_find(d->procedure, "gaining");
	address_format_ip(&d->parties[gaining].servers[0].addresses[0], text);
	assert_string_equal(text, "192.0.2.12");
}

// No two zones have one journal, whatever their names have in place of letters.
static void every_zone_has_a_journal_of_its_own(void **state)
{
	(void)state;
	const struct bulk_definition *b;
	char *numbered = arena_strdup(arena, template);
	memcpy(strstr(numbered, "move-${ZONE}"), "${NUMBER}   ", 12);
	put("move.yaml", numbered);
	put("bulk.yaml", HEAD);
	put("zones.txt", "0/25.test 192.0.2.11\n0_25.test 192.0.2.12\n0-25.test 192.0.2.13\n"
	                 "0.25.test 192.0.2.14\n");
	if (bulk_definition_load(arena, path_of("bulk.yaml"), &b, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < 4; i++) {
		assert_null(strchr(b->zones[i].journal + strlen(b->journals) + 1, '/'));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(b->zones[i].journal, b->zones[k].journal);
	}
}

#define LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."

static void bad_lines_are_named(void **state)
{
	(void)state;
	refuses("a.test 192.0.2.1\nb.test\n", "", "zones.txt:2: expected a zone and 1 columns");
	refuses("a.test 192.0.2.1 x\n", "", "zones.txt:1: expected a zone and 1 columns");
	refuses("a.test \"192.0.2.1\n", "", "zones.txt:1: a quote has no end");
	refuses("a.test 192.0.2.1\n..x 192.0.2.2\n", "", "zones.txt:2: ");
	refuses(". 192.0.2.1\n", "", "is no name of a zone that can be changed");
	refuses("a.test 192.0.2.1\nb.test 192.0.2.2\nA.test. 192.0.2.3\n", "",
	        "zones.txt:3: zone a.test is in line 1 already");
	refuses("a.test \"x\ty\"\n", "", "mean something in YAML");
	refuses("a.test {procedure\n", "", "mean something in YAML");
	refuses("a.test \"x: y\"\n", "", "mean something in YAML");
	refuses("# nobody\n", "", "there is no zone in it");
	refuses("a.test 192.0.2.10\n" LABEL LABEL LABEL LABEL "test 192.0.2.11\n", "",
	        "zones.txt:2: the name of zone aaaa");
	// What is wrong with a zone's own change names the line of the template, and the zone.
	refuses("a.test 192.0.2.10\nb.test nowhere\n", "", "move.yaml:9:");
	refuses("a.test 192.0.2.10\nb.test nowhere\n", "", "(for zone b.test)");
}

static void bad_settings_are_named(void **state)
{
	(void)state;
	refuses(ten, "waves: [rest, 10]\n", "'rest' can only be the last wave");
	refuses(ten, "waves: [1, 2]\n", "7 of the 10 zones are in no wave");
	refuses(ten, "waves: [-1, rest]\n", "a wave is a number of zones");
	refuses(ten, "waves: [101%]\n", "a wave is a number of zones");
	refuses(ten, "waves: [1x, rest]\n", "a wave is a number of zones");
	refuses(ten, "canary: [x.test]\n", "'x.test' is none of the zones");
	refuses(ten, "canary: [a.test, A.test]\n", "is there twice");
	refuses(ten, "soak: 1h\n", "there is no 'canary'");
	refuses(ten, "rate: {nobody: {effects: 1}}\n", "bulk.yaml:5: 'rate' names 'nobody'");
	refuses(ten, "rate:\n  losing: {per: 1h}\n",
	        "bulk.yaml:6:11: the rate of 'losing' limits nothing");
	refuses(ten, "rate: {losing: {effects: 0}}\n", "effects");
	refuses(ten, "preflight: {failure: ignore}\n", "expected halt or skip");
	refuses(ten, "wave: [1]\n", "did you mean 'waves'");
	refuses(ten, "canary: 0\n", "canary");
}

static void templates_are_checked(void **state)
{
	(void)state;
	const struct bulk_definition *b;
	put("zones.txt", "a.test\nb.test\n");
	put("bulk.yaml", "bulk: x\ntemplate: move.yaml\nzones: zones.txt\n");
	put("move.yaml", "change: ${ZONE}\nzone: ${SERVER}\n");
	assert_int_equal(bulk_definition_load(arena, path_of("bulk.yaml"), &b, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "move.yaml:2: unknown variable ${SERVER}"));
	char *same = arena_strdup(arena, template);
	memcpy(strstr(same, "move-${ZONE}"), "\"always\"    ", 12);
	memcpy(strstr(same, "\"${SERVER}\""), "192.0.2.3  ", 11);
	put("move.yaml", same);
	assert_int_equal(bulk_definition_load(arena, path_of("bulk.yaml"), &b, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "are both called 'always'"));
	char *fixed = arena_strdup(arena, template);
	memcpy(strstr(fixed, "zone: ${ZONE}"), "zone: a.test ", 13);
	memcpy(strstr(fixed, "\"${SERVER}\""), "192.0.2.3  ", 11);
	put("move.yaml", fixed);
	assert_int_equal(bulk_definition_load(arena, path_of("bulk.yaml"), &b, &err), RESULT_INPUT);
	assert_non_null(strstr(err.text, "has to be '${ZONE}'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(waves_follow_the_file),
	        cmocka_unit_test(every_zone_has_a_change_of_its_own),
	        cmocka_unit_test(every_zone_has_a_journal_of_its_own),
	        cmocka_unit_test(bad_lines_are_named),
	        cmocka_unit_test(bad_settings_are_named),
	        cmocka_unit_test(templates_are_checked),
	};
	return cmocka_run_group_tests_name("definition", tests, set_up, tear_down);
}
