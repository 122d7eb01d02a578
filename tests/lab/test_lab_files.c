// What the lab reads and writes: templates, its description, options, scenarios and their
// judgement.
#include "describe.h"
#include "scenario.h"
#include "shape.h"
#include "zone_file.h"

#include "base/data.h"
#include "base/file.h"
#include "base/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// baton-scenario.5
static const char *manual;

static void test_template(void **state)
{
	struct arena *arena = arena_new(1u << 20);
	struct template_vars *vars = template_vars_new(arena);
	struct error err = {0};
	char *out = NULL;
	template_set(vars, "A", "one");
	template_setf(vars, "B_2", "%u", 2u);
	template_set(vars, "A", "first");
	assert_int_equal(
	        template_expand(vars, arena, "t", "${A} $B ${B_2}$", &out, &err), RESULT_OK);
	assert_string_equal(out, "first $B 2$");
	out = NULL;
	assert_int_equal(template_expand(vars, arena, "t", "x\n ${NOT}", &out, &err), RESULT_INPUT);
	assert_string_equal(err.text, "t:2: unknown variable ${NOT}");
	assert_int_equal(template_expand(vars, arena, "t", "${A", &out, &err), RESULT_INPUT);
	assert_int_equal(template_expand(vars, arena, "t", "${A-}", &out, &err), RESULT_INPUT);
	assert_null(out);
	arena_free(arena);
	(void)state;
}

static void test_ttl_options(void **state)
{
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(lab_options_ttl(&options, "ds=1m,child-ns=2s", &err), RESULT_OK);
	assert_int_equal(options.ttl_s[LAB_TTL_DS], 60);
	assert_int_equal(options.ttl_s[LAB_TTL_CHILD_NS], 2);
	static const char *const bad[] = {"", "ds", "ds=", "ds=6", "dss=6s", "ds=1500ms", "ds=2d",
	        "ds=6s,", "ds=6s child-ns=7s"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lab_options before = options;
		assert_int_equal(lab_options_ttl(&options, bad[i], &err), RESULT_INPUT);
		assert_memory_equal(&before, &options, sizeof(options));
	}
	(void)state;
}

static void test_description(void **state)
{
	struct arena *arena = arena_new(4u << 20);
	struct error err = {0};
	struct lab_info info, again;
	char dir[] = "/tmp/baton-test-XXXXXX", path[64];
	struct lab_options options = lab_options_default();
	options.ttl_s[LAB_TTL_DNSKEY] = 77;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lab.yaml", dir);
	assert_int_equal(describe_plan(arena, dir, &options, &info, &err), RESULT_OK);
	for (int i = 0; i < LAB_PARTIES; i++)
		info.party[i].tsig_secret = "c2VjcmV0";
	info.party[LAB_LOSING].ksk = "257 3 13 AAAA";
	info.party[LAB_LOSING].zsk = "256 3 13 BBBB";
	info.party[LAB_LOSING].ds = "1 13 2 ABCD";
	info.party[LAB_LOSING].ksk_new = "257 3 13 CCCC";
	info.party[LAB_LOSING].zsk_new = "256 3 13 DDDD";
	info.party[LAB_LOSING].ds_new = "2 13 2 ABCD";
	assert_int_equal(describe_write(&info, path, &err), RESULT_OK);
	assert_int_equal(describe_read(arena, path, &again, &err), RESULT_OK);
	assert_string_equal(again.dir, dir);
	assert_int_equal(again.ttl_s[LAB_TTL_DNSKEY], 77);
	assert_string_equal(again.party[LAB_LOSING].ds, "1 13 2 ABCD");
	assert_string_equal(again.party[LAB_LOSING].zsk_new, "256 3 13 DDDD");
	assert_null(again.party[LAB_GAINING].ksk);
	assert_null(again.party[LAB_GAINING].ds_new);
	assert_string_equal(again.party[LAB_GAINING].server[1].v6, "2001:db8:b::2");
	assert_string_equal(again.resolver[3].id, "forwarded");
	unlink(path);
	rmdir(dir);
	arena_free(arena);
	(void)state;
}

// Shapes are data: what is written about one is read back as that one.
static void test_shapes(void **state)
{
	struct arena *arena = arena_new(4u << 20);
	struct error err = {0};
	struct lab_info info, again;
	char dir[] = "/tmp/baton-test-XXXXXX", path[64];
	struct lab_options options = lab_options_default();
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lab.yaml", dir);
	for (size_t i = 0; shape_nth(i) != NULL; i++) {
		options.shape = shape_nth(i)->name;
		assert_int_equal(describe_plan(arena, dir, &options, &info, &err), RESULT_OK);
		for (int p = 0; p < LAB_PARTIES; p++)
			info.party[p].tsig_secret = "c2VjcmV0";
		assert_int_equal(describe_write(&info, path, &err), RESULT_OK);
		assert_int_equal(describe_read(arena, path, &again, &err), RESULT_OK);
		assert_ptr_equal(again.shape, shape_nth(i));
		assert_int_equal(again.names, shape_nth(i)->names);
		assert_string_equal(again.party[LAB_REGISTRY].id, info.party[LAB_REGISTRY].id);
		assert_string_equal(
		        again.party[LAB_REGISTRY].update, info.party[LAB_REGISTRY].update);
	}
	options.shape = "round";
	assert_int_equal(describe_plan(arena, dir, &options, &info, &err), RESULT_INPUT);
	assert_string_equal(err.text, "no lab has the shape 'round'");
	unlink(path);
	rmdir(dir);
	arena_free(arena);
	(void)state;
}

// Of delegations every third one has a DS record, and the others have none.
static void test_delegations(void **state)
{
	struct error err = {0};
	struct arena *arena = arena_new(4u << 20);
	struct lab_info info;
	struct lab_options options = lab_options_default();
	options.shape = "tld";
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(zone_file_type(&info), KNOT_RRTYPE_DS);
	assert_int_equal(zone_file_signed(&info, 5), 3);
	assert_int_equal(zone_file_signed(&info, 1), 3);
	uint8_t rdata[36] = {0x00, 0x03, 13, 2};
	for (size_t i = 7; i < sizeof(rdata); i += 4)
		rdata[i] = 3;
	knot_rrset_t rr;
	uint8_t owner[] = "\x07n000003\x07"
	                  "example";
	knot_rrset_init(&rr, owner, KNOT_RRTYPE_DS, KNOT_CLASS_IN, 8);
	assert_int_equal(knot_rrset_add_rdata(&rr, rdata, sizeof(rdata), NULL), 0);
	assert_true(zone_file_is_right(&info, 3, &rr));
	assert_false(zone_file_is_right(&info, 3, NULL));
	assert_false(zone_file_is_right(&info, 6, &rr));
	assert_false(zone_file_is_right(&info, 4, &rr));
	assert_true(zone_file_is_right(&info, 4, NULL));
	knot_rdataset_clear(&rr.rrs, NULL);
	arena_free(arena);
	(void)state;
}

// Loads a scenario from a text; returns the result, with the message behind the file's name in
// text.
static enum result load(
        struct arena *arena, const char *yaml, struct scenario **scenario, char text[500])
{
	struct error err = {0};
	char path[] = "/tmp/baton-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	enum result result = scenario_load(arena, path, scenario, &err);
	unlink(path);
	const char *behind = strstr(err.text, path);
	snprintf(text, 500, "%s", behind != NULL ? behind + strlen(path) : err.text);
	return result;
}

#define HEAD "scenario: x\nabout: y\nsteps:\n"
#define TAIL "expect: {every: secure}\n"

static void test_scenario_errors(void **state)
{
	static const struct {
		const char *yaml, *message;
	} bad[] = {
	        {"scenario: x\n", "'about' is missing"},
	        {HEAD " - hop: 1s\n" TAIL, ":4:4: a step begins with"},
	        {HEAD " - sleep: 1\n" TAIL, ":4:11:"},
	        {HEAD " - update: nobody\n   script: x\n" TAIL, ":4:12: unknown party 'nobody'"},
	        {HEAD " - update: losing\n" TAIL, "'script' is missing"},
	        {HEAD " - wait: {at: a, name: b, typ: c}\n" TAIL, "typ"},
	        {HEAD " - run: []\n" TAIL, "expected 1 to"},
	        {HEAD " - sleep: 1s\n", "'expect' is missing"},
	        {HEAD " - sleep: 1s\nexpect: {}\n", "expected one of"},
	        {HEAD " - sleep: 1s\nexpect: {every: secure, insecure: as-planned}\n",
	                "expected one of"},
	        {HEAD " - sleep: 1s\nexpect: {insecure: always}\n", "expected 'as-planned'"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bing]}\n", "unknown validator 'bing'"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bind], after: m}\n",
	                "no step sets the mark 'm'"},
	        {HEAD " - sleep: 1s\nexpect: {failing: [bind], within: 1s}\n",
	                "'within' needs 'after'"},
	        {HEAD " - mark: m\nexpect: {every: secure, tolerate: 2}\n", ":5:35: "},
	        {HEAD " - mark: m\nexpect: {every: secure, tolerate: {from: m, until: m}}\n",
	                "'failures' is missing"},
	        {HEAD " - mark: m\nexpect: {every: secure, tolerate: {failures: 2, from: m}}\n",
	                "'until' is missing"},
	        {HEAD " - mark: m\n"
	              "expect: {every: secure, tolerate: {failures: 2, from: n, until: m}}\n",
	                "no step sets the mark 'n'"},
	        {HEAD " - mark: m\n"
	              "expect: {failing: [bind], tolerate: {failures: 2, from: m, until: m}}\n",
	                "'tolerate' needs 'every: secure'"},
	        {"ttl: {ds: 6s, foo: 7s}\n" HEAD " - sleep: 1s\n" TAIL, "foo"},
	        {"signers: {registry: knot}\n" HEAD " - sleep: 1s\n" TAIL, "registry"},
	        {"signers: {losing: nsd}\n" HEAD " - sleep: 1s\n" TAIL,
	                ":1:19: unknown signer 'nsd', expected knot, bind or powerdns"},
	        {"signers: {losing: {keys: two}}\n" HEAD " - sleep: 1s\n" TAIL,
	                "unknown keys 'two'"},
	        {"signers: {losing: {new-algorithm: rsamd5}}\n" HEAD " - sleep: 1s\n" TAIL,
	                "unknown new-algorithm 'rsamd5'"},
	        {"shape: tld\nsigners: {losing: bind}\n" HEAD " - sleep: 1s\n" TAIL,
	                ":2:10: a lab of the shape 'tld' has signers of its own"},
	        {"names: 0\n" HEAD " - sleep: 1s\n" TAIL, "names"},
	        {"probe: {rate: 0}\n" HEAD " - sleep: 1s\n" TAIL, "rate"},
	        {HEAD " - play: nowhere.yaml\n" TAIL, ":4:10: cannot read the timeline '"},
	        {HEAD " - play: /x/hard.yaml\n" TAIL, ":4:10: expected a file in the folder"},
	        {HEAD " - play: ../x.yaml\n" TAIL, ":4:10: expected a file in the folder"},
	        {HEAD " - play: '-'\n" TAIL, ":4:10: expected a file in the folder"},
	        {"anchors: moving\n" HEAD " - sleep: 1s\n" TAIL, ":1:10: unknown word 'moving'"},
	        {HEAD " - change: ../x\n" TAIL, ":4:4: expected the name of a change"},
	        {HEAD " - change: x\n   undo-after: a\n   refused: b\n" TAIL,
	                "'undo-after', 'refused', 'missing' and 'stops-at' exclude each other"},
	        {HEAD " - change: x\n   untilll: a\n" TAIL, "untilll"},
	        {HEAD " - sleep: 1s\nexpect: {predicted: {failing: [bind]}}\n",
	                "'predicted' needs a step 'play'"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *arena = arena_new(32u << 20);
		struct scenario *scenario = NULL;
		char text[500];
		assert_int_equal(load(arena, bad[i].yaml, &scenario, text), RESULT_INPUT);
		if (strstr(text, bad[i].message) == NULL)
			fail_msg("'%s' does not have '%s'", text, bad[i].message);
		assert_null(scenario);
		arena_free(arena);
	}
	(void)state;
}

static void test_scenario_signers(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *scenario;
	struct lab_options options = lab_options_default();
	char text[500];
	assert_int_equal(load(arena, HEAD " - sleep: 1s\n" TAIL, &scenario, text), RESULT_OK);
	scenario_lab_options(scenario, &options);
	assert_null(options.signer[LAB_LOSING].software);
	assert_null(options.signer[LAB_GAINING].software);
	assert_int_equal(options.names, 0);
	assert_int_equal(load(arena,
	                         "names: 300\nsigners: {losing: powerdns, "
	                         "gaining: {keys: single, new-algorithm: ed25519}}\n" HEAD
	                         " - sleep: 1s\n" TAIL,
	                         &scenario, text),
	        RESULT_OK);
	scenario_lab_options(scenario, &options);
	assert_string_equal(options.signer[LAB_LOSING].software, "powerdns");
	assert_false(options.signer[LAB_LOSING].single_key);
	assert_null(options.signer[LAB_GAINING].software);
	assert_true(options.signer[LAB_GAINING].single_key);
	assert_string_equal(options.signer[LAB_GAINING].new_algorithm, "ed25519");
	assert_int_equal(options.names, 300);
	arena_free(arena);
	(void)state;
}

// Between ".Bd -literal" and ".Ed" of "A worked example".
static void test_example_in_manual(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *scenario;
	struct error err = {0};
	char *page, yaml[4000];
	size_t length;
	assert_int_equal(file_read(arena, manual, 1u << 20, &page, &length, &err), RESULT_OK);
	const char *begin = strstr(page, "\n.Ss A worked example\n");
	begin = begin != NULL ? strstr(begin, "\n.Bd -literal\n") : NULL;
	const char *end = begin != NULL ? strstr(begin, "\n.Ed\n") : NULL;
	assert_non_null(end);
	begin += strlen("\n.Bd -literal\n");
	snprintf(yaml, sizeof(yaml), "%.*s\n", (int)(end - begin), begin);
	if (scenario_parse(arena, manual, yaml, strlen(yaml), &scenario, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(scenario->steps, 5);
	assert_true(scenario->expect.any_failing);
	arena_free(arena);
	(void)state;
}

#define PLAY_TTL   "ttl: {ds: 6s, parent-ns: 4s, child-ns: 5s, dnskey: 30s, data: 5s}\n"
#define PLAY_LAG   "lag: {parent: 2s, child: 2s}\n"
#define PLAY_START "start: &s\n  parent: {ds: [Ka], ns: [A]}\n"
#define PLAY_A     "  A: {ns: [A], dnskey: [Ka, Za], dnskey-signers: [Ka], data-signers: [Za]}\n"
#define PLAY_B     "  B: {ns: [B], dnskey: [Kb, Zb], dnskey-signers: [Kb], data-signers: [Zb]}\n"
#define PLAY_HEAD  "timeline: t\nabout: a\n" PLAY_TTL PLAY_LAG
#define PLAY_ALL   PLAY_HEAD PLAY_START PLAY_A PLAY_B
#define PLAY_BOTH  "expect: {direct: bogus, forwarder: bogus}\n"

static enum result load_play(
        struct arena *arena, const char *yaml, struct play **play, char text[500])
{
	struct error err = {0};
	char path[] = "/tmp/baton-test-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
	close(fd);
	enum result result = play_load(arena, path, play, &err);
	unlink(path);
	snprintf(text, 500, "%s", err.text);
	return result;
}

static void test_play(void **state)
{
	struct arena *arena = arena_new(8u << 20);
	struct play *play = NULL;
	char text[500];
	assert_int_equal(load_play(arena,
	                         PLAY_ALL "events:\n"
	                                  " - {at: 0s, A: {dnskey: [Ka, Za, Zb]}}\n"
	                                  " - {at: 3s, parent: {ds: [Kb], ns: [B]}}\n"
	                                  " - {at: 3s, A: {ns: [B]}}\n" PLAY_BOTH,
	                         &play, text),
	        RESULT_OK);
	assert_int_equal(play->ttl_s[LAB_TTL_DNSKEY], 30);
	assert_int_equal(play->ttl_s[LAB_TTL_DS_NONE], 0);
	assert_int_equal(play->lag_ms, 2000);
	assert_int_equal(play->acts, 3);
	assert_int_equal(play->act[0].party, LAB_LOSING);
	assert_int_equal(play->act[0].count, 1);
	assert_string_equal(play->act[0].line[0].rdata, "${GAINING_ZSK}");
	// One update swaps DS and NS, and adds before it deletes.
	assert_int_equal(play->act[1].party, LAB_REGISTRY);
	assert_int_equal(play->act[1].at_ms, 3000);
	assert_int_equal(play->act[1].count, 6);
	assert_true(play->act[1].line[0].add);
	assert_string_equal(play->act[1].line[0].rdata, "${GAINING_DS}");
	assert_int_equal(play->act[1].line[0].ttl_s, 6);
	assert_false(play->act[1].line[1].add);
	assert_string_equal(play->act[1].line[1].rdata, "${LOSING_DS}");
	assert_int_equal(play->act[2].party, LAB_LOSING);
	assert_int_equal(play->act[2].count, 4);
	const struct play_forecast *f = &play->forecast[SAFETY_DIRECT];
	assert_int_equal(f->word, SAFETY_BOGUS);
	assert_int_equal(f->bogus_ms, 3000);
	assert_int_equal(f->ttl_ms, 30000);
	assert_int_equal(f->insecure_ms, TIME_NEVER_MS);
	arena_free(arena);
	(void)state;
}

#define ROOT_ALL                                                                                   \
	"timeline: t\nabout: a\nttl: {ds: 1s, parent-ns: 4s, child-ns: 4s, dnskey: 4s, data: "     \
	"4s}\n"                                                                                    \
	"lag: {parent: 9s, child: 2s}\nstart:\n  parent: {ds: [Kold], ns: [root]}\n"               \
	"  root: {ns: [root], dnskey: [Kold, Z], dnskey-signers: [Kold], data-signers: [Z]}\n"

// Of the root's keys: what the signer makes them, and what the validators are to have written down.
static void test_play_of_the_root(void **state)
{
	struct arena *arena = arena_new(8u << 20);
	struct play *play = NULL;
	char text[500];
	static const struct {
		int64_t at_ms;
		int party;
		const char *old, *new;
	} want[] = {
	        {0, LAB_PARTIES, "signing", "published"},
	        {20000, LAB_REGISTRY, "valid", "valid"},
	        {32000, LAB_PARTIES, "published", "signing"},
	        {40000, LAB_PARTIES, "revoked", "signing"},
	        {40000, LAB_REGISTRY, "revoked,unknown", "valid"},
	        {60000, LAB_PARTIES, "absent", "signing"},
	};
	if (load_play(arena,
	            ROOT_ALL "events:\n"
	                     " - {at: 0s, root: {dnskey: [Kold, Knew, Z]}}\n"
	                     " - {at: 20s, parent: {ds: [Kold, Knew]}}\n"
	                     " - {at: 32s, root: {dnskey-signers: [Knew]}}\n"
	                     " - {at: 40s, root: {dnskey: [Krevoked, Knew, Z], "
	                     "dnskey-signers: [Krevoked, Knew]}, parent: {ds: [Knew]}}\n"
	                     " - {at: 60s, root: {dnskey: [Knew, Z], dnskey-signers: [Knew]}}\n"
	                     "expect: safe\n",
	            &play, text) != RESULT_OK)
		fail_msg("%s", text);
	assert_true(play->of_root);
	assert_int_equal(play->acts, 6);
	for (size_t i = 0; i < 6; i++) {
		size_t found = 0;
		for (size_t k = 0; k < 6; k++) // two of them are at one instant
			found += play->act[k].at_ms == want[i].at_ms &&
			         play->act[k].party == want[i].party &&
			         strcmp(play->act[k].root_old, want[i].old) == 0 &&
			         strcmp(play->act[k].root_new, want[i].new) == 0;
		assert_int_equal(found, 1);
	}
	arena_free(arena);
	(void)state;
}

static void test_play_errors(void **state)
{
	static const struct {
		const char *yaml, *message;
	} bad[] = {
	        {PLAY_ALL "events: []\n" PLAY_BOTH, "it has no events"},
	        {PLAY_ALL "events: [{at: 0s, parent: {ns: [B], ds: [Kb]}}]\n"
	                  "expect: {direct: safe, forwarder: bogus}\n",
	                "must foretell what the model says, which is bogus for direct"},
	        {PLAY_ALL "events: [{at: 0s, parent: {ns: [B], ds: [Kb]}}]\n", "must foretell"},
	        {PLAY_ALL "events: [{at: 0s, B: {serving: false}}]\n" PLAY_BOTH,
	                "its events change DS"},
	        {PLAY_ALL "events: [{at: 0s, parent: {ds: [Kc]}}]\n" PLAY_BOTH,
	                "its keys are Ka, Za, Kn, Kb and Zb"},
	        {PLAY_ALL "events: [{at: 0s, A: {dnskey: [Ka, Kn, Za]}}]\n" PLAY_BOTH,
	                "sign with their own keys"},
	        {PLAY_ALL "events: [{at: 0s, ttl: {ds: 9s}}]\n" PLAY_BOTH, "do not change"},
	        {PLAY_ALL "events: [{at: 0s, A: {dnskey-signers: [Za]}}]\n" PLAY_BOTH,
	                "sign with their own keys"},
	        {PLAY_HEAD PLAY_START PLAY_A
	                "  C: {ns: [C], dnskey: [Kb], dnskey-signers: [Kb], data-signers: [Kb]}\n"
	                "events: [{at: 0s, parent: {ns: [C]}}]\n" PLAY_BOTH,
	                "its groups are A and B"},
	        {PLAY_HEAD "start:\n  parent: {ds: [Kb], ns: [A]}\n" PLAY_A PLAY_B
	                   "events: [{at: 0s, parent: {ns: [B]}}]\n" PLAY_BOTH,
	                "its start is not how the lab starts"},
	        {"timeline: x\n", "ttl"},
	        {ROOT_ALL "events: [{at: 0s, ttl: {dnskey: 9s}}]\nexpect: safe\n",
	                "the TTLs of the root are 4s"},
	        {ROOT_ALL "events: [{at: 0s, root: {serving: false}}]\nexpect: safe\n",
	                "its events change ds at the parent"},
	        {ROOT_ALL "events: [{at: 0s, root: {dnskey: [Kold, Ka, Z]}}]\nexpect: safe\n",
	                "or those of the root Kold, Knew, Krevoked and Z"},
	        {PLAY_ALL "  root: {ns: [root], dnskey: [Kold], dnskey-signers: [Kold], "
	                  "data-signers: [Kold]}\n"
	                  "events: [{at: 0s, parent: {ns: [B]}}]\n" PLAY_BOTH,
	                "beside the root there is no other group"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *arena = arena_new(8u << 20);
		struct play *play = NULL;
		char text[500];
		assert_int_equal(load_play(arena, bad[i].yaml, &play, text), RESULT_INPUT);
		if (strstr(text, bad[i].message) == NULL)
			fail_msg("'%s' does not have '%s'", text, bad[i].message);
		assert_null(play);
		arena_free(arena);
	}
	(void)state;
}

// Each negative control says what the model says, for every kind of reader, and from when on.
static void test_forecasts_of_shipped_scenarios(void **state)
{
	static const struct {
		const char *name;
		enum safety_word direct, forwarder;
		int64_t insecure_ms, bogus_ms, ttl_ms;
	} want[] = {
	        {"hard-switch", SAFETY_BOGUS, SAFETY_BOGUS, TIME_NEVER_MS, 0, 30000},
	        {"old-ds-too-early", SAFETY_BOGUS, SAFETY_BOGUS, TIME_NEVER_MS, 33000, 24000},
	        {"old-zsk-too-early", SAFETY_SAFE, SAFETY_BOGUS, TIME_NEVER_MS, 29000, 90000},
	        {"stops-too-early", SAFETY_UNREACHABLE, SAFETY_UNREACHABLE, TIME_NEVER_MS, 13000,
	                5000},
	        {"new-ksk-too-fresh", SAFETY_SAFE, SAFETY_BOGUS, TIME_NEVER_MS, 4000, 60000},
	        {"no-key-exchange", SAFETY_BOGUS, SAFETY_BOGUS, TIME_NEVER_MS, 8000, 30000},
	        {"insecure-as-published", SAFETY_BOGUS, SAFETY_BOGUS, 0, 6000, 60000},
	        {"new-ds-too-early", SAFETY_BOGUS, SAFETY_BOGUS, 0, 21000, 10000},
	        {"trust-anchor-too-early", SAFETY_BOGUS, SAFETY_BOGUS, TIME_NEVER_MS, 10000, 1000},
	};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct arena *arena = arena_new(8u << 20);
		struct play *play;
		struct error err = {0};
		const char *path, *file = arena_printf(
		                          arena, "lab/scenarios/predicted/%s.yaml", want[i].name);
		assert_int_equal(data_path(arena, file, &path, &err), RESULT_OK);
		if (play_load(arena, path, &play, &err) != RESULT_OK)
			fail_msg("%s", err.text);
		for (int p = 0; p < SAFETY_PATHS; p++) {
			enum safety_word word =
			        p == SAFETY_DIRECT ? want[i].direct : want[i].forwarder;
			assert_int_equal(play->forecast[p].word, word);
			if (word == SAFETY_SAFE)
				continue;
			assert_int_equal(play->forecast[p].insecure_ms, want[i].insecure_ms);
			assert_int_equal(play->forecast[p].bogus_ms, want[i].bogus_ms);
			assert_int_equal(play->forecast[p].ttl_ms, want[i].ttl_ms);
		}
		arena_free(arena);
	}
	(void)state;
}

// Failures before the forecast, after it, too late; insecure answers where none are foretold.
static void test_judgement_by_forecast(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *s;
	struct lab_info info;
	struct error err = {0};
	const char *path;
	struct lab_options options = lab_options_default();
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(data_path(arena, "lab/scenarios/insecure-as-published.yaml", &path, &err),
	        RESULT_OK);
	assert_int_equal(scenario_load(arena, path, &s, &err), RESULT_OK);
	assert_int_equal(s->ttl_s[LAB_TTL_DNSKEY], 60);
	assert_true(s->expect.failing[0] && s->expect.failing[3] && !s->expect.failing[1]);
	assert_non_null(s->expect.recovering[1]);
	struct scenario_outcome o = {.marks = 1, .mark = {{SCENARIO_PLAY_MARK, 1000}}};
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "unbound did not fail");
	for (int i = 0; i < LAB_RESOLVERS; i += 3) {
		o.counts.resolver[i].outcome[PROBE_SERVFAIL] = 1;
		o.counts.resolver[i].first_ms[PROBE_SERVFAIL] = 7000;
	}
	scenario_judge(s, &info, &o);
	assert_true(o.met);
	o.counts.resolver[3].first_ms[PROBE_SERVFAIL] = 6999;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "forwarded failed at 5999 ms, before the forecast");
	o.counts.resolver[3].first_ms[PROBE_SERVFAIL] = 69001;
	scenario_judge(s, &info, &o);
	assert_string_equal(
	        o.why, "forwarded failed only at 68001 ms, forecast from 6000 to 68000 ms");
	o.counts.resolver[3].first_ms[PROBE_SERVFAIL] = 69000;
	o.counts.resolver[1].outcome[PROBE_INSECURE] = 1;
	o.counts.resolver[1].first_ms[PROBE_INSECURE] = 1000;
	scenario_judge(s, &info, &o);
	assert_true(o.met);
	o.counts.resolver[1].first_ms[PROBE_INSECURE] = 999;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "bind answered without AD at -1 ms, before the forecast");
	arena_free(arena);
	(void)state;
}

static void test_judgement(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *scenario;
	struct lab_info info;
	char text[500];
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(
	        load(arena, HEAD " - mark: m\nexpect: {failing: [bind], after: m, within: 5s}\n",
	                &scenario, text),
	        RESULT_OK);
	struct scenario_outcome outcome = {.marks = 1, .mark = {{"m", 1000}}};
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind did not fail");
	outcome.counts.resolver[1].outcome[PROBE_SERVFAIL] = 1;
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 6000;
	scenario_judge(scenario, &info, &outcome);
	assert_true(outcome.met);
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 6001;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind failed only 5001 ms after 'm'");
	outcome.counts.resolver[1].first_ms[PROBE_SERVFAIL] = 999;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind failed 1 ms before 'm'");
	assert_int_equal(load(arena, HEAD " - sleep: 1s\nexpect: {every: secure, fresh: 2}\n",
	                         &scenario, text),
	        RESULT_OK);
	for (int i = 0; i < LAB_RESOLVERS; i++)
		outcome.counts.resolver[i].answered[PROBE_FRESH] = 2;
	scenario_judge(scenario, &info, &outcome);
	assert_string_equal(outcome.why, "bind: 1 answers were not authenticated");
	outcome.counts.resolver[1].outcome[PROBE_SERVFAIL] = 0;
	scenario_judge(scenario, &info, &outcome);
	assert_true(outcome.met);
	outcome.counts.resolver[2].outcome[PROBE_INSECURE] = 1; // silently insecure is a failure
	scenario_judge(scenario, &info, &outcome);
	assert_false(outcome.met);
	arena_free(arena);
	(void)state;
}

// Insecure for as long as planned at most, and secure again; anything else is a failure.
static void test_judgement_by_plan(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *s;
	struct lab_info info;
	char text[500];
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(
	        load(arena, HEAD " - change: x\nexpect: {insecure: as-planned}\n", &s, text),
	        RESULT_OK);
	struct scenario_outcome o = {.planned_insecure_ms = 5000};
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "unbound never found the zone insecure");
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		struct prober_tally *tally = &o.counts.resolver[i];
		tally->outcome[PROBE_INSECURE] = 2;
		tally->first_ms[PROBE_INSECURE] = 1000;
		tally->last_ms[PROBE_INSECURE] = 6000;
		tally->last_ms[PROBE_SECURE] = 7000;
	}
	scenario_judge(s, &info, &o);
	assert_true(o.met);
	o.counts.resolver[2].last_ms[PROBE_INSECURE] = 6001;
	scenario_judge(s, &info, &o);
	assert_string_equal(
	        o.why, "kresd found the zone insecure for 5001 ms, planned were 5000 ms");
	o.counts.resolver[2].last_ms[PROBE_INSECURE] = 6000;
	o.counts.resolver[2].last_ms[PROBE_SECURE] = 5999;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "kresd still finds the zone insecure");
	o.counts.resolver[2].last_ms[PROBE_SECURE] = 7000;
	o.counts.resolver[1].outcome[PROBE_SERVFAIL] = 1;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "bind: 1 answers failed");
	arena_free(arena);
	(void)state;
}

// Answers that do not come while a server is away, and only then, and only so many.
static void test_judgement_with_tolerance(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *s;
	struct lab_info info;
	char text[500];
	struct error err = {0};
	struct lab_options options = lab_options_default();
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(load(arena,
	                         HEAD " - mark: killed\n - mark: back\nexpect: {every: secure, "
	                              "tolerate: {failures: 3, from: killed, until: back}}\n",
	                         &s, text),
	        RESULT_OK);
	struct scenario_outcome o = {.marks = 2, .mark = {{"killed", 1000}, {"back", 2000}}};
	struct prober_tally *tally = &o.counts.resolver[2];
	tally->outcome[PROBE_SERVFAIL] = 2;
	tally->first_ms[PROBE_SERVFAIL] = 1000;
	tally->last_ms[PROBE_SERVFAIL] = 2000 + s->prober.timeout_ms;
	tally->outcome[PROBE_TIMEOUT] = 1;
	tally->first_ms[PROBE_TIMEOUT] = tally->last_ms[PROBE_TIMEOUT] = 1500;
	scenario_judge(s, &info, &o);
	assert_true(o.met);
	tally->outcome[PROBE_TIMEOUT] = 2;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "kresd: 1 answers were not authenticated");
	tally->outcome[PROBE_TIMEOUT] = 0;
	tally->first_ms[PROBE_SERVFAIL] = 999;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "kresd: 2 answers were not authenticated");
	tally->first_ms[PROBE_SERVFAIL] = 1000;
	tally->last_ms[PROBE_SERVFAIL]++;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "kresd: 2 answers were not authenticated");
	tally->outcome[PROBE_SERVFAIL] = 0;
	tally->outcome[PROBE_INSECURE] = 1; // never tolerated
	tally->first_ms[PROBE_INSECURE] = tally->last_ms[PROBE_INSECURE] = 1500;
	scenario_judge(s, &info, &o);
	assert_string_equal(o.why, "kresd: 1 answers were not authenticated");
	arena_free(arena);
	(void)state;
}

// One object in one line, whatever the scenario and its marks are called.
static void test_outcome_as_json(void **state)
{
	struct arena *arena = arena_new(32u << 20);
	struct scenario *s;
	struct lab_info info;
	char text[500];
	struct error err = {0};
	struct lab_options options = lab_options_default();
	struct buffer out = buffer_init(1u << 16);
	struct scenario_outcome o = {.met = true, .marks = 1, .mark = {{"say \"hi\"", 1000}}};
	assert_int_equal(describe_plan(arena, "/nowhere", &options, &info, &err), RESULT_OK);
	assert_int_equal(
	        load(arena, "scenario: 'a \"b\"'\nabout: y\nsteps:\n - sleep: 1s\n" TAIL, &s, text),
	        RESULT_OK);
	o.counts.resolver[1].outcome[PROBE_SERVFAIL] = 7;
	scenario_json(s, &info, &o, &out);
	const char *line = buffer_text(&out);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	json_t *all = json_loads(line, 0, NULL);
	assert_non_null(all);
	assert_string_equal(json_string_value(json_object_get(all, "scenario")), "a \"b\"");
	assert_true(json_is_true(json_object_get(all, "met")));
	assert_int_equal(
	        json_integer_value(json_object_get(json_object_get(all, "marks"), "say \"hi\"")),
	        1000);
	const json_t *resolvers = json_object_get(json_object_get(all, "counts"), "resolvers");
	assert_int_equal(
	        json_integer_value(json_object_get(json_object_get(resolvers, "bind"), "servfail")),
	        7);
	json_decref(all);
	buffer_free(&out);
	arena_free(arena);
	(void)state;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	manual = argv[1];
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_template),
	        cmocka_unit_test(test_ttl_options),
	        cmocka_unit_test(test_description),
	        cmocka_unit_test(test_shapes),
	        cmocka_unit_test(test_delegations),
	        cmocka_unit_test(test_scenario_errors),
	        cmocka_unit_test(test_scenario_signers),
	        cmocka_unit_test(test_example_in_manual),
	        cmocka_unit_test(test_play),
	        cmocka_unit_test(test_play_of_the_root),
	        cmocka_unit_test(test_play_errors),
	        cmocka_unit_test(test_forecasts_of_shipped_scenarios),
	        cmocka_unit_test(test_judgement),
	        cmocka_unit_test(test_judgement_by_plan),
	        cmocka_unit_test(test_judgement_with_tolerance),
	        cmocka_unit_test(test_judgement_by_forecast),
	        cmocka_unit_test(test_outcome_as_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
