// Observing and acting on real servers: Knot as the parent and as operator A, BIND as operator B.
#include "servers.h"

#include "act/ddns.h"
#include "base/json.h"

#include <unistd.h>

struct fixture {
	struct servers *s;
	struct observe_subject *subject;
	struct observer *observer;
	struct observe_view *view, *again;
	struct observe_round *round; // the last one
};

static struct fixture f;

static int start(void **state)
{
	(void)state;
	f.s = servers_start("");
	return 0;
}

static int stop(void **state)
{
	(void)state;
	observe_round_free(f.round);
	observe_view_free(f.view);
	observe_view_free(f.again);
	observer_free(f.observer);
	observe_subject_free(f.subject);
	servers_stop(f.s);
	return 0;
}

static void need_servers(void)
{
	if (f.s == NULL)
		skip();
}

static void begin(void)
{
	struct error err = {0};
	need_servers();
	if (f.view != NULL)
		return;
	f.subject = servers_subject(f.s);
	assert_int_equal(observer_new(f.s->loop, f.s->engine, &f.s->random, f.subject, NULL,
	                         &f.observer, &err),
	        RESULT_OK);
	f.view = observe_view_new(f.subject);
	f.again = observe_view_new(f.subject);
}

static void problems_print(void)
{
	for (size_t i = 0; i < f.round->problem_count; i++)
		print_message("# %s\n", f.round->problems[i].text);
}

static void observe(void)
{
	struct error err = {0};
	json_t *json;
	struct observe_round *read;
	observe_round_free(f.round);
	f.round = servers_observe(f.s, f.observer);
	assert_int_equal(observe_view_feed(f.view, f.round, &err), RESULT_OK);
	assert_int_equal(observe_round_to_json(f.round, &json, &err), RESULT_OK);
	if (observe_round_from_json(f.subject, json, &read, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	assert_int_equal(observe_view_feed(f.again, read, &err), RESULT_OK);
	json_decref(json);
	observe_round_free(read);
}

static struct safety_history history(struct observe_gaps *gaps)
{
	struct safety_history h, again;
	struct error err = {0};
	int64_t now_ms = observe_view_last_ms(f.view);
	assert_int_equal(observe_view_history(f.view, now_ms, true, &h, gaps, &err), RESULT_OK);
	assert_int_equal(
	        observe_view_history(f.again, now_ms, true, &again, NULL, &err), RESULT_OK);
	assert_int_equal(h.count, again.count);
	for (int i = 0; i < h.count; i++) {
		assert_int_equal(h.editions[i].from_ms, again.editions[i].from_ms);
		assert_int_equal(h.editions[i].until_ms, again.editions[i].until_ms);
		assert_int_equal(h.editions[i].content, again.editions[i].content);
	}
	safety_history_free(&again);
	return h;
}

static enum safety_word judged(const struct safety_history *h)
{
	struct safety_verdict v;
	int64_t now_ms = observe_view_last_ms(f.view);
	assert_int_equal(safety_judge(h, &safety_all_readers, now_ms, now_ms, &v), RESULT_OK);
	return v.path[SAFETY_DIRECT].word;
}

static void an_undelegated_gaining_operator_is_seen(void **state)
{
	(void)state;
	static struct observe_gaps gaps;
	begin();
	observe();
	problems_print();
	struct safety_history h = history(&gaps);
	for (size_t i = 0; i < gaps.count; i++)
		assert_int_equal(gaps.gap[i].blocks, false);
	const struct safety_edition *ds = safety_current(&h, 0, SAFETY_DS);
	assert_int_equal(ds->content, 0);
	assert_int_equal(ds->ttl_s, 30); // the SOA's minimum
	assert_int_equal(ds->from_ms, TIME_EVER_MS);
	assert_true(ds->signed_until_ms > observe_view_last_ms(f.view));
	assert_true(ds->signed_until_ms < TIME_NEVER_MS);
	const struct safety_edition *ns = safety_current(&h, 0, SAFETY_NS);
	assert_int_equal(ns->content, 1 << 1);
	assert_int_equal(ns->ttl_s, 180);
	for (int p = 1; p <= 2; p++) {
		const struct safety_edition *k = safety_current(&h, p, SAFETY_DNSKEY),
		                            *d = safety_current(&h, p, SAFETY_DATA);
		assert_int_equal(safety_current(&h, p, SAFETY_SERVING)->content, 1);
		assert_int_equal(safety_current(&h, p, SAFETY_NS)->content, 1 << p);
		assert_int_equal(safety_current(&h, p, SAFETY_NS)->ttl_s, 100);
		assert_int_equal(__builtin_popcountll(k->content), 2);
		assert_int_equal(__builtin_popcountll(k->signers), 1);
		assert_int_equal(__builtin_popcountll(d->content), 1);
		assert_int_equal(k->content & d->content, d->content);
		assert_int_equal(k->signers & d->content, 0);
		assert_int_equal(k->ttl_s, 120);
		assert_int_equal(d->ttl_s, 200);
		assert_true(d->signed_until_ms > observe_view_last_ms(f.view));
	}
	assert_int_equal(judged(&h), SAFETY_SAFE);
	safety_history_free(&h);
}

// ---- Acting ---------------------------------------------------------------------------------

struct ended {
	struct loop *loop;
	unsigned calls;
	enum act_word word;
	char text[ACT_TEXT];
};

static void ended(void *ctx, const struct act_outcome *outcome)
{
	struct ended *e = ctx;
	e->calls++;
	e->word = outcome->word;
	memcpy(e->text, outcome->text, sizeof e->text);
	loop_stop(e->loop);
}

static struct act *act_make(int server, const char *zone, const char *key, int64_t timeout_ms)
{
	struct act *act;
	struct error err = {0};
	struct act_ddns options = {.loop = f.s->loop,
	        .engine = f.s->engine,
	        .random = f.s->random,
	        .server = f.s->address[server],
	        .zone = zone,
	        .key = key,
	        .timeout_ms = timeout_ms};
	if (act_ddns_new(&options, &act, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return act;
}

static enum act_word update(
        int server, const char *zone, const char *key, const struct act_operation *operation)
{
	struct error err = {0};
	struct act *act = act_make(server, zone, key, 3000);
	struct act_request request = {.change = "c",
	        .step = "s",
	        .zone = "example.test",
	        .count = 1,
	        .operations = operation};
	struct ended e = {.loop = f.s->loop};
	if (act_submit(act, &request, ended, &e, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	while (e.calls == 0)
		loop_run(f.s->loop, TIME_NEVER_MS);
	assert_int_equal(e.calls, 1);
	assert_true(e.text[0] != '\0');
	print_message("# %s: %s\n", act_word_text(e.word), e.text);
	act_free(act);
	return e.word;
}

static struct dns_key *key_of(const struct safety_history *h, int publisher, bool signer)
{
	const struct safety_edition *k = safety_current(h, publisher, SAFETY_DNSKEY);
	uint64_t bits = signer ? k->signers : k->content & ~k->signers;
	size_t n = (size_t)__builtin_ctzll(bits);
	return dns_key_ref((struct dns_key *)(uintptr_t)observe_view_key(f.view, n));
}

static void ds_text(const struct dns_key *key, char text[DNS_DS_TEXT])
{
	struct dns_ds ds;
	struct error err = {0};
	assert_int_equal(dns_ds_from_key(key, DNS_DIGEST_SHA256, &ds, &err), RESULT_OK);
	dns_ds_text(&ds, text);
}

static void a_ds_set_is_made_and_seen(void **state)
{
	(void)state;
	char text[DNS_DS_TEXT];
	const char *records[] = {text};
	begin();
	struct safety_history h = history(NULL);
	struct dns_key *ksk = key_of(&h, 1, true);
	safety_history_free(&h);
	ds_text(ksk, text);
	struct act_operation op = {.kind = ACT_REPLACE,
	        .name = "example.test",
	        .type = DNS_TYPE_DS,
	        .ttl_s = 150,
	        .count = 1,
	        .records = records,
	        .require_old = true}; // that there is none
	int64_t asked_ms = f.round->start_ms, before_ms = f.round->end_ms;
	assert_int_equal(update(SERVER_PARENT, "test", SERVERS_KEY, &op), ACT_DONE);
	// Once more, blindly: what was to be replaced has gone.
	assert_int_equal(update(SERVER_PARENT, "test", SERVERS_KEY, &op), ACT_REFUSED);
	op.require_old = false;
	assert_int_equal(update(SERVER_PARENT, "test", SERVERS_KEY, &op), ACT_DONE);
	observe();
	problems_print();
	h = history(NULL);
	const struct safety_edition *ds = safety_current(&h, 0, SAFETY_DS);
	int n = observe_view_key_find(f.view, ksk);
	assert_int_equal(__builtin_popcountll(ds->content), 1);
	assert_int_equal(h.ds_key[__builtin_ctzll(ds->content)], n);
	assert_int_equal(ds->ttl_s, 150);
	assert_true(ds->from_ms >= asked_ms && ds->from_ms <= before_ms);
	assert_int_equal(ds->until_ms, TIME_NEVER_MS);
	const struct safety_edition *none = &h.editions[0];
	assert_int_equal(none->kind, SAFETY_DS);
	assert_int_equal(none->content, 0);
	assert_true(none->until_ms >= f.round->start_ms && none->until_ms <= f.round->end_ms);
	assert_int_equal(judged(&h), SAFETY_SAFE);
	safety_history_free(&h);
	dns_key_unref(ksk);
}

// Waits until the update has reached what the servers show, at most some seconds.
static void observe_until(int publisher, enum safety_kind kind, int keys)
{
	for (int i = 0; i < 30; i++) {
		uint64_t content;
		observe();
		if (observe_view_everywhere(f.view, publisher, kind, &content, NULL, NULL) &&
		        __builtin_popcountll(content) == keys)
			return;
		servers_wait(f.s, 200);
	}
	problems_print();
	fail_msg("it was not seen everywhere");
}

static void a_foreign_key_is_imported(int server, int publisher, int from_publisher)
{
	begin();
	struct safety_history h = history(NULL);
	struct dns_key *zsk = key_of(&h, from_publisher, false);
	safety_history_free(&h);
	struct arena *arena = arena_new(1 << 16);
	const char *records[] = {dns_key_text(zsk, arena)};
	struct act_operation op = {.kind = ACT_ADD,
	        .name = "example.test",
	        .type = DNS_TYPE_DNSKEY,
	        .ttl_s = 120,
	        .count = 1,
	        .records = records};
	int64_t before_ms = f.round->end_ms;
	assert_int_equal(update(server, "example.test", SERVERS_KEY, &op), ACT_DONE);
	assert_int_equal(update(server, "example.test", SERVERS_KEY, &op), ACT_DONE);
	observe_until(publisher, SAFETY_DNSKEY, 3);
	h = history(NULL);
	const struct safety_edition *k = safety_current(&h, publisher, SAFETY_DNSKEY);
	assert_true(k->content >> observe_view_key_find(f.view, zsk) & 1);
	assert_int_equal(__builtin_popcountll(k->signers), 1);
	assert_true(k->from_ms != TIME_EVER_MS && k->from_ms < k->until_ms);
	assert_true(k->from_ms >= before_ms - 5000);
	assert_int_equal(judged(&h), SAFETY_SAFE);
	safety_history_free(&h);
	op.kind = ACT_REMOVE;
	assert_int_equal(update(server, "example.test", SERVERS_KEY, &op), ACT_DONE);
	observe_until(publisher, SAFETY_DNSKEY, 2);
	op.kind = ACT_ADD;
	assert_int_equal(update(server, "example.test", SERVERS_KEY, &op), ACT_DONE);
	observe_until(publisher, SAFETY_DNSKEY, 3);
	dns_key_unref(zsk);
	arena_free(arena);
}

static void a_foreign_key_on_knot(void **state)
{
	(void)state;
	a_foreign_key_is_imported(SERVER_A, 1, 2);
}

static void a_foreign_key_on_bind(void **state)
{
	(void)state;
	a_foreign_key_is_imported(SERVER_B, 2, 1);
}

static void the_delegation_moves(void **state)
{
	(void)state;
	static const char *const old[] = {"ns1.a.test.", "ns2.a.test."}, *const new[] = {
	                                                                         "ns1.b.test."};
	begin();
	struct act_operation op = {.kind = ACT_REPLACE,
	        .name = "example.test.",
	        .type = DNS_TYPE_NS,
	        .ttl_s = 180,
	        .count = 1,
	        .records = new,
	        .old_count = 2,
	        .old = old,
	        .require_old = true};
	assert_int_equal(update(SERVER_PARENT, "test.", SERVERS_KEY, &op), ACT_DONE);
	observe();
	struct safety_history h = history(NULL);
	assert_int_equal(safety_current(&h, 0, SAFETY_NS)->content, 1 << 2);
	safety_history_free(&h);
	// To a server that nobody has told us about.
	static const char *const stranger[] = {"ns.stranger.example."};
	op.records = stranger;
	op.require_old = false;
	op.old_count = 0;
	assert_int_equal(update(SERVER_PARENT, "test.", SERVERS_KEY, &op), ACT_DONE);
	observe();
	static struct observe_gaps gaps;
	h = history(&gaps);
	assert_true(observe_gaps_block(&gaps, observe_view_last_ms(f.view)));
	bool found = false;
	for (size_t i = 0; i < gaps.count; i++)
		found |= gaps.gap[i].kind == OBSERVE_GAP_UNKNOWN_SERVER;
	assert_true(found);
	assert_int_not_equal(judged(&h), SAFETY_SAFE);
	safety_history_free(&h);
	op.records = old;
	op.count = 2;
	assert_int_equal(update(SERVER_PARENT, "test.", SERVERS_KEY, &op), ACT_DONE);
	observe();
}

// The zone's own NS set, whose last record no server deletes.
static void the_childs_own_ns_set(void **state)
{
	(void)state;
	static const char *const a[] = {"ns1.a.test.", "ns2.a.test."}, *const b[] = {"ns1.b.test."};
	begin();
	struct act_operation op = {.kind = ACT_REPLACE,
	        .name = "example.test.",
	        .type = DNS_TYPE_NS,
	        .ttl_s = 100,
	        .count = 2,
	        .records = a,
	        .old_count = 1,
	        .old = b};
	assert_int_equal(update(SERVER_B, "example.test", SERVERS_KEY, &op), ACT_DONE);
	for (int i = 0; i < 30; i++) {
		uint64_t content = 0;
		observe();
		observe_view_everywhere(f.view, 2, SAFETY_NS, &content, NULL, NULL);
		if (content == 1 << 1)
			return;
		servers_wait(f.s, 200);
	}
	fail_msg("the NS set was not replaced");
}

static void updates_that_are_not_allowed(void **state)
{
	(void)state;
	static const char *const text[] = {"\"x\""};
	begin();
	struct act_operation op = {.kind = ACT_ADD,
	        .name = "new.example.test.",
	        .type = DNS_TYPE_TXT,
	        .ttl_s = 60,
	        .count = 1,
	        .records = text};
	for (int server = SERVER_A; server <= SERVER_B; server++) {
		assert_int_equal(
		        update(server, "example.test", SERVERS_KEY_OTHER, &op), ACT_REFUSED);
		assert_int_equal(
		        update(server, "example.test", SERVERS_KEY_WRONG, &op), ACT_REFUSED);
		assert_int_equal(update(server, "example.test", NULL, &op), ACT_REFUSED);
		assert_int_equal(update(server, "example.test", SERVERS_KEY, &op), ACT_DONE);
	}
	// A zone that is not served there.
	op.name = "new.elsewhere.test.";
	assert_int_equal(update(SERVER_A, "elsewhere.test", SERVERS_KEY, &op), ACT_REFUSED);
}

static void requests_that_are_none(void **state)
{
	(void)state;
	static const char *const text[] = {"not-an-address"};
	struct error err;
	begin();
	struct act *act = act_make(SERVER_A, "example.test", SERVERS_KEY, 1000);
	struct act_operation op = {.kind = ACT_ADD,
	        .name = "a.example.test.",
	        .type = DNS_TYPE_A,
	        .count = 1,
	        .records = text};
	struct act_request request = {.count = 1, .operations = &op};
	assert_int_equal(act_submit(act, &request, ended, NULL, &err), RESULT_INPUT);
	op.name = "a.elsewhere.test.";
	assert_int_equal(act_submit(act, &request, ended, NULL, &err), RESULT_INPUT);
	request.count = 0;
	assert_int_equal(act_submit(act, &request, ended, NULL, &err), RESULT_INPUT);
	act_free(act);
}

static void a_killed_server_leaves_the_outcome_unknown(void **state)
{
	(void)state;
	static const char *const text[] = {"\"y\""};
	begin();
	struct act_operation op = {.kind = ACT_ADD,
	        .name = "new.example.test.",
	        .type = DNS_TYPE_TXT,
	        .ttl_s = 60,
	        .count = 1,
	        .records = text};
	observe();
	servers_kill(f.s, SERVER_B);
	assert_int_equal(update(SERVER_B, "example.test", SERVERS_KEY, &op), ACT_UNKNOWN);
	observe();
	static struct observe_gaps gaps;
	struct safety_history h = history(&gaps);
	bool silent = false;
	for (size_t i = 0; i < gaps.count; i++)
		silent |= gaps.gap[i].kind == OBSERVE_GAP_SILENT && gaps.gap[i].blocks &&
		          gaps.gap[i].publisher == 2;
	assert_true(silent);
	// What it showed last is not taken for gone.
	const struct safety_edition *k = safety_current(&h, 2, SAFETY_DNSKEY);
	assert_int_equal(k->until_ms, TIME_NEVER_MS);
	assert_int_equal(safety_current(&h, 2, SAFETY_SERVING)->content, 0);
	safety_history_free(&h);
}

// A parent with NSEC3, with and without opt-out.
static void absence_of_ds_with_nsec3(void **state)
{
	static const char *const policies[] = {"    nsec3: on\n    nsec3-iterations: 3\n",
	        "    nsec3: on\n    nsec3-opt-out: on\n    nsec3-salt-length: 0\n"};
	for (int i = 0; i < 2; i++) {
		static struct observe_gaps gaps;
		stop(state);
		memset(&f, 0, sizeof f);
		f.s = servers_start(policies[i]);
		begin();
		observe();
		problems_print();
		struct safety_history h = history(&gaps);
		const struct safety_edition *ds = safety_current(&h, 0, SAFETY_DS);
		assert_int_equal(ds->content, 0);
		assert_int_equal(ds->ttl_s, 30);
		assert_true(ds->signed_until_ms > observe_view_last_ms(f.view));
		assert_false(observe_gaps_block(&gaps, observe_view_last_ms(f.view)));
		safety_history_free(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_undelegated_gaining_operator_is_seen),
	        cmocka_unit_test(a_ds_set_is_made_and_seen),
	        cmocka_unit_test(a_foreign_key_on_knot),
	        cmocka_unit_test(a_foreign_key_on_bind),
	        cmocka_unit_test(the_delegation_moves),
	        cmocka_unit_test(the_childs_own_ns_set),
	        cmocka_unit_test(updates_that_are_not_allowed),
	        cmocka_unit_test(requests_that_are_none),
	        cmocka_unit_test(a_killed_server_leaves_the_outcome_unknown),
	        cmocka_unit_test(absence_of_ds_with_nsec3),
	};
	return cmocka_run_group_tests_name("observe servers", tests, start, stop);
}
