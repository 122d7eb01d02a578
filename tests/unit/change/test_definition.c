// Definitions: what is read, and every mistake with its place.
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "change/world.h"

#define TEST(name) cmocka_unit_test(name)

static char *procedure;
static size_t procedure_length;

static int read_procedure(void **state)
{
	(void)state;
	procedure = procedure_text("operator-change", &procedure_length);
	return 0;
}

static int free_procedure(void **state)
{
	(void)state;
	free(procedure);
	return 0;
}

static enum result parse(struct arena *arena, const char *text, const struct change_definition **d,
        struct error *err)
{
	return change_definition_parse(arena, "folder/move.yaml", text, strlen(text), "op.yaml",
	        procedure, procedure_length, d, err);
}

// The usual definition with one piece replaced by another.
static char *with(struct arena *arena, const char *piece, const char *other)
{
	const char *at = strstr(usual_definition, piece);
	assert_non_null(at);
	return arena_printf(arena, "%.*s%s%s", (int)(at - usual_definition), usual_definition,
	        other, at + strlen(piece));
}

struct mistake {
	const char *piece, *other, *error;
};

static void expect_mistakes(const struct mistake *mistakes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena *arena = arena_new(16 << 20);
		const struct change_definition *d = NULL;
		struct error err = {0};
		const struct mistake *m = &mistakes[i];
		enum result result = parse(arena, with(arena, m->piece, m->other), &d, &err);
		if (result == RESULT_OK)
			fail_msg("'%s' is taken", m->other);
		assert_null(d);
		if (strstr(err.text, m->error) == NULL)
			fail_msg("'%s': expected '%s', got '%s'", m->other, m->error, err.text);
		arena_free(arena);
	}
}

#define EXPECT_MISTAKES(list) expect_mistakes(list, sizeof list / sizeof *list)

static void everything_is_read(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	if (parse(arena, usual_definition, &d, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	const struct procedure *p = d->procedure;
	const struct change_party *losing = &d->parties[procedure_party_find(p, "losing")],
	                          *registrar = &d->parties[procedure_party_find(p, "registrar")];
	char text[DNS_NAME_TEXT];
	assert_string_equal(d->id, "move");
	assert_string_equal(dns_name_text(d->zone.wire, text), "example.test.");
	assert_string_equal(dns_name_text(d->parent_zone.wire, text), "test.");
	assert_string_equal(d->journal_path, "folder/move.journal");
	assert_int_equal(d->poll_ms, MINUTE_MS);
	assert_int_equal(d->data_ttl_s, 3600);
	assert_int_equal(d->parent, procedure_party_find(p, "registry"));
	assert_int_equal(losing->server_count, 1);
	assert_int_equal(losing->servers[0].address_count, 2);
	assert_int_equal(losing->lag_ms, 5 * MINUTE_MS);
	assert_true(losing->samples_complete && losing->approves_automatically);
	assert_string_equal(losing->ways.ddns.key, "folder/losing.key");
	assert_true(change_exec_does(&losing->ways.exec, procedure_step_find(p, "stop-serving")));
	assert_false(change_exec_does(&losing->ways.exec, procedure_step_find(p, "add-new-ds")));
	assert_int_equal(losing->ways.ddns.timeout_ms, 10 * SECOND_MS);
	// The registrar's way to the parent goes before the parent's own, and updates its zone.
	int by = procedure_party_find(p, "registrar");
	assert_ptr_equal(change_ways_of(d, by, PROCEDURE_PARENT), &registrar->at_parent);
	assert_string_equal(dns_name_text(registrar->at_parent.ddns.zone.wire, text), "test.");
	assert_ptr_equal(change_ways_of(d, procedure_party_find(p, "gaining"), PROCEDURE_PARENT),
	        &d->parties[d->parent].ways);
	arena_free(arena);
}

// A key that is told may sign before it is published: whoever looks knows it from the start.
static void keys_that_are_told_are_looked_for(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct observe_subject *subject;
	struct error err = {0};
	if (parse(arena,
	            with(arena, "confirmed: [contacts-answered, same-data]",
	                    "keys: {gaining.zsk: [\"256 3 15 "
	                    "qKFTpkCyP9oNbVsOnkWgHtdbe1TlbTd4iImo7MBdIe4=\", \"256 3 15 "
	                    "Uv2H9i3ciFvwZRERbpoTvW/lID0EebWJeQxp9CJX3MU=\"]}"),
	            &d, &err) != RESULT_OK ||
	        change_subject_new(d, &subject, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(subject->key_count, 2);
	assert_string_equal(subject->keys[0].name, "gaining.zsk");
	assert_string_equal(subject->keys[1].name, "gaining.zsk-2");
	assert_int_equal(dns_key_algorithm(subject->keys[1].key), 15);
	observe_subject_free(subject);
	arena_free(arena);
}

// What a signer signs is served by its host: each has hands of its own for its steps.
static void a_signer_has_its_own_hands(void **state)
{
	(void)state;
	static const char text[] = "change: split\nzone: example.test\nprocedure: op\n"
	                           "journal: split.journal\nparties:\n"
	                           "  registry: {servers: {ns.test: [192.0.2.1]}}\n"
	                           "  losing-signer: {exec: {command: [/bin/sign], timeout: 5s}}\n"
	                           "  losing-host: {servers: {ns.losing.test: [192.0.2.2]},\n"
	                           "    exec: {command: [/bin/stop], timeout: 5s}}\n"
	                           "  gaining-host: {servers: {ns.gaining.test: [192.0.2.3]},\n"
	                           "    exec: {command: [/bin/serve], timeout: 5s}}\n";
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	size_t length;
	char *split = procedure_text("operator-change-split-signer", &length);
	if (change_definition_parse(arena, "folder/split.yaml", text, strlen(text), "op.yaml",
	            split, length, &d, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	int signer = procedure_party_find(d->procedure, "losing-signer"),
	    host = procedure_party_find(d->procedure, "losing-host"),
	    other_signer = procedure_party_find(d->procedure, "gaining-signer"),
	    other_host = procedure_party_find(d->procedure, "gaining-host");
	assert_ptr_equal(change_ways_of(d, signer, host), &d->parties[signer].ways);
	assert_ptr_equal(change_ways_of(d, host, host), &d->parties[host].ways);
	assert_ptr_equal(change_ways_of(d, other_signer, other_host), &d->parties[other_host].ways);
	free(split);
	arena_free(arena);
}

static void a_path_that_json_cannot_hold_is_refused(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d = NULL;
	struct error err = {0};
	size_t length;
	char *other = procedure_text("operator-change", &length);
	assert_int_equal(change_definition_parse(arena, "caf\xe9/move.yaml", usual_definition,
	                         strlen(usual_definition), "p.yaml", other, length, &d, &err),
	        RESULT_INPUT);
	assert_non_null(strstr(err.text, "the path is not UTF-8"));
	assert_int_equal(change_definition_parse(arena, "move.yaml", usual_definition,
	                         strlen(usual_definition), "\xff/p.yaml", other, length, &d, &err),
	        RESULT_INPUT);
	assert_null(d);
	free(other);
	arena_free(arena);
}

static void mistakes_at_the_top(void **state)
{
	(void)state;
	static const struct mistake list[] = {
	        {"change: move\n", "", "folder/move.yaml:1:1: 'a change' lacks 'change'"},
	        {"change: move", "change: a b", "folder/move.yaml:1:9: 'change' names the change"},
	        {"change: move", "change: .x", "move.yaml:1:9: 'change' names"},
	        {"change: move", "change: [move]", "move.yaml:1:9: "},
	        {"zone: example.test\n", "", "'a change' lacks 'zone'"},
	        {"zone: example.test", "zone: .", "move.yaml:2:7: the root has no parent"},
	        {"zone: example.test", "zone: a..b", "move.yaml:2:7: 'zone': "},
	        {"zone: example.test", "zone: example.test\nparent-zone: other.test",
	                "move.yaml:3:14: 'parent-zone' is not above the zone"},
	        {"zone: example.test", "zone: example.test\nparent-zone: example.test",
	                "'parent-zone' is not above the zone"},
	        {"poll: 1m", "pol: 1m", "move.yaml:4:1: unknown word 'pol'"},
	        {"poll: 1m", "poll: 100ms", "move.yaml:4:7: 'poll' must be from 200ms to 1d"},
	        {"poll: 1m", "poll: 2d", "'poll' must be from 200ms to 1d"},
	        {"poll: 1m", "poll: 60", "move.yaml:4:7: "},
	        {"data-ttl: 1h", "bridge: 3m",
	                "move.yaml:5:9: 'bridge' must be at least four times"},
	        {"data-ttl: 1h", "data-ttl: 1500ms",
	                "move.yaml:5:11: 'data-ttl' must be whole seconds"},
	        {"data-ttl: 1h", "data-ttl: 30000d", "'data-ttl' must be whole seconds"},
	        {"data-ttl: 1h", "may-be-insecure: perhaps", "move.yaml:5:18: "},
	        {"\"2026-01-01T00:00:00Z\"", "yesterday", "move.yaml:6:18: 'unchanged-since': "},
	        {"confirmed: [contacts-answered, same-data]", "keys: {losing.csk: []}",
	                "move.yaml:7:8: procedure 'operator-change' has no key 'losing.csk'"},
	        {"confirmed: [contacts-answered, same-data]", "keys: {losing.zsk: []}",
	                "move.yaml:7:20: expected one to 8 keys"},
	        {"confirmed: [contacts-answered, same-data]", "keys: {losing.zsk: [\"256 3\"]}",
	                "move.yaml:7:21: "},
	        {"confirmed: [contacts-answered, same-data]", "confirmed: [hearsay]",
	                "move.yaml:7:13: procedure 'operator-change' does not require 'hearsay'"},
	        {"confirmed: [contacts-answered, same-data]", "confirmed: yes", "move.yaml:7:12: "},
	        {"confirmed: [contacts-answered, same-data]", "samples: [www.example.test]",
	                "move.yaml:7:11: expected a name and a type"},
	        {"confirmed: [contacts-answered, same-data]", "samples: [\"www.other.test A\"]",
	                "move.yaml:7:11: 'www.other.test' is not in the zone"},
	        {"confirmed: [contacts-answered, same-data]", "samples: [\"www.example.test ANY\"]",
	                "ANY is a type of questions or of messages, and no record of a zone has "
	                "it"},
	        {"confirmed: [contacts-answered, same-data]",
	                "samples: [\"www.example.test RRSIG\"]",
	                "RRSIG records come along with what they sign: ask for that"},
	        {"confirmed: [contacts-answered, same-data]",
	                "samples: [\"www.example.test TYPE0\"]",
	                "TYPE0 is reserved, and no record has it"},
	        {"confirmed: [contacts-answered, same-data]", "samples: [\"www.example.test FOO\"]",
	                "move.yaml:7:11: "},
	        {"confirmed: [contacts-answered, same-data]", "parent-anchors: [\"1 2\"]",
	                "move.yaml:7:18: "},
	};
	EXPECT_MISTAKES(list);
}

static void mistakes_of_parties(void **state)
{
	(void)state;
	static const struct mistake list[] = {
	        {"  registrar:\n", "  registar:\n",
	                "move.yaml:12:3: procedure 'operator-change' has no party 'registar'"},
	        {"  gaining:\n    servers: {ns.gaining.example: [\"192.0.2.11\", "
	         "\"2001:db8::11\"]}\n",
	                "  gaining:\n", "move.yaml:16:5: 'gaining' lacks 'servers'"},
	        {"  registry:\n    servers: {ns.registry.example: [\"192.0.2.1\", "
	         "\"2001:db8::1\"]}\n",
	                "  registry:\n", "move.yaml:10:5: 'registry' lacks 'servers'"},
	        {"servers: {ns.registry.example: [\"192.0.2.1\", \"2001:db8::1\"]}", "servers: {}",
	                "move.yaml:10:14: expected one to 26 servers"},
	        {"[\"192.0.2.1\", \"2001:db8::1\"]", "[]",
	                "move.yaml:10:36: expected one to 16 addresses"},
	        {"[\"192.0.2.1\", \"2001:db8::1\"]", "[localhost]", "move.yaml:10:37: "},
	        {"[\"192.0.2.1\", \"2001:db8::1\"]", "192.0.2.1", "move.yaml:10:36: "},
	        {"[\"192.0.2.21\", \"2001:db8::21\"]", "[\"192.0.2.21\", \"2001:DB8::11\"]",
	                "move.yaml:23:49: 2001:db8::11@53 is an address of 'gaining' and of "
	                "'losing'"},
	        {"lag: 5m", "lag: 5", "move.yaml:11:10: "},
	        {"lag: 5m", "lags: 5m", "move.yaml:11:5: unknown word 'lags' in a party"},
	        {"approves: automatically", "approves: always",
	                "move.yaml:13:15: 'approves' is 'always', expected automatically or "
	                "in-person"},
	        {"samples-complete: true", "samples-complete: 1", "samples-complete"},
	};
	EXPECT_MISTAKES(list);
}

static void mistakes_of_ways(void **state)
{
	(void)state;
	static const struct mistake list[] = {
	        {"ddns: {server: \"192.0.2.11\", key: gaining.key}", "ddns: {key: gaining.key}",
	                "'ddns' lacks 'server'"},
	        {"ddns: {server: \"192.0.2.11\", key: gaining.key}",
	                "ddns: {server: \"192.0.2.11\"}", "'ddns' lacks 'key'"},
	        {"key: gaining.key}", "key: gaining.key, timeout: 0s}",
	                "'timeout' must be longer than nothing"},
	        {"key: gaining.key}", "key: gaining.key, secret: x}",
	                "unknown word 'secret' in ddns"},
	        {"key: gaining.key}", "key: gaining.key, zone: a..b}", "'zone': "},
	        {"exec: {command: [/bin/true], timeout: 1m", "exec: {timeout: 1m",
	                "'exec' lacks 'command'"},
	        {"exec: {command: [/bin/true], timeout: 1m", "exec: {command: [/bin/true]",
	                "'exec' lacks 'timeout'"},
	        {"[/bin/true]", "[]", "expected a program and at most 63 arguments"},
	        {"[/bin/true]", "[true]", "'true' is no absolute path of a program"},
	        {"[/bin/true]", "/bin/true", "command"},
	        {"steps: [stop-serving]", "steps: [stop]",
	                "procedure 'operator-change' has no step 'stop'"},
	        {"steps: [stop-serving]", "environment: {BATON_ZONE: x}",
	                "is no name of a variable"},
	        {"steps: [stop-serving]", "environment: {\"A=B\": x}", "is no name of a variable"},
	        {"steps: [stop-serving]", "environment: [PATH]", "environment"},
	        {"steps: [stop-serving]", "idempotent: maybe", "idempotent"},
	        {"at-parent: {ddns:", "at-parent: {http: {}, ddns:", "unknown word 'http'"},
	};
	EXPECT_MISTAKES(list);
}

static void a_party_that_publishes_must_be_there(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	char *text = arena_strdup(arena, usual_definition);
	*strstr(text, "  losing:\n") = '\0';
	assert_int_equal(parse(arena, text, &d, &err), RESULT_INPUT);
	assert_string_equal(err.text, "folder/move.yaml:9:3: 'parties' lacks 'losing'");
	arena_free(arena);
}

static void published_texts_are_not_run(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	size_t length;
	char *text = procedure_text("as-published/operator-change-text", &length);
	assert_int_equal(change_definition_parse(arena, "move.yaml", usual_definition,
	                         strlen(usual_definition), "p.yaml", text, length, &d, &err),
	        RESULT_INPUT);
	assert_non_null(strstr(err.text, "to be checked, not to be run"));
	free(text);
	arena_free(arena);
}

static void files_and_procedures_that_are_not_there(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	assert_int_equal(
	        change_definition_load(arena, "/nowhere/move.yaml", &d, &err), RESULT_SYSTEM);
	const char *text = with(arena, "procedure: operator-change", "procedure: no-such-thing");
	assert_int_equal(change_definition_parse(
	                         arena, "m.yaml", text, strlen(text), NULL, NULL, 0, &d, &err),
	        RESULT_INPUT);
	assert_string_equal(
	        err.text, "m.yaml:3:12: there is no procedure 'no-such-thing' in the library");
	arena_free(arena);
}

// What is named and not there is found before anything begins.
static void keys_and_programs_must_be_there(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	const struct change_definition *d;
	struct error err = {0};
	char folder[] = "/tmp/baton-definition-XXXXXX", path[100];
	assert_non_null(mkdtemp(folder));
	const char *files[] = {"gaining.key", "losing.key", "registry.key"};
	const char *file = arena_printf(arena, "%s/move.yaml", folder);
	assert_int_equal(
	        change_definition_parse(arena, file, usual_definition, strlen(usual_definition),
	                "p.yaml", procedure, procedure_length, &d, &err),
	        RESULT_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(change_definition_usable(d, &err), RESULT_NOT_FOUND);
		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		assert_int_equal(file_replace(path, "nonsense", 8, &err), RESULT_OK);
		assert_int_equal(change_definition_usable(d, &err), RESULT_NOT_FOUND);
		assert_non_null(strstr(err.text, "not a TSIG key"));
		assert_int_equal(
		        file_replace(path, "hmac-sha256:k:c2VjcmV0\n", 23, &err), RESULT_OK);
	}
	assert_int_equal(change_definition_usable(d, &err), RESULT_OK);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		unlink(path);
	}
	rmdir(folder);
	arena_free(arena);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

// A journal keeps the whole procedure, so that it can be read when the overlay, or what it is over,
// is another one or gone.
static void the_procedure_may_be_an_overlay(void **state)
{
	(void)state;
	struct arena *arena = arena_new(16 << 20);
	char folder[] = "/tmp/baton-definition-XXXXXX";
	const struct change_definition *d, *again;
	struct error err = {0};
	assert_non_null(mkdtemp(folder));
	char *over = arena_printf(arena, "%s/mine.yaml", folder),
	     *move = arena_printf(arena, "%s/move.yaml", folder);
	write_file(over, "overlay: operator-change\nprocedure: mine\n"
	                 "steps: {add-new-ds: {approve: gaining, within: 2d, else: ask}}\n");
	write_file(move, with(arena, "procedure: operator-change", "procedure: ./mine.yaml"));
	enum result result = change_definition_load(arena, move, &d, &err);
	unlink(over);
	unlink(move);
	rmdir(folder);
	if (result != RESULT_OK)
		fail_msg("%s", err.text);
	assert_string_equal(d->procedure->id, "mine");
	result = change_definition_parse(arena, move, d->text, d->text_length, d->procedure_path,
	        d->procedure_text, d->procedure_length, &again, &err);
	if (result != RESULT_OK)
		fail_msg("%s", err.text);
	int step = procedure_step_find(again->procedure, "add-new-ds");
	assert_int_equal(again->procedure->steps[step].within_ms, 2 * DAY_MS);
	assert_int_equal(again->procedure->step_count, d->procedure->step_count);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(everything_is_read),
	        TEST(keys_that_are_told_are_looked_for),
	        TEST(a_signer_has_its_own_hands),
	        TEST(a_path_that_json_cannot_hold_is_refused),
	        TEST(mistakes_at_the_top),
	        TEST(mistakes_of_parties),
	        TEST(mistakes_of_ways),
	        TEST(a_party_that_publishes_must_be_there),
	        TEST(published_texts_are_not_run),
	        TEST(files_and_procedures_that_are_not_there),
	        TEST(keys_and_programs_must_be_there),
	        TEST(the_procedure_may_be_an_overlay),
	};
	return cmocka_run_group_tests_name("definition", tests, read_procedure, free_procedure);
}
