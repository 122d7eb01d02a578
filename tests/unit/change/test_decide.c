// Decisions over worlds made by hand.
#include "change/record.h"
#include "support.h"

#include <stdio.h>

#define TEST(name) cmocka_unit_test(name)

static struct bench *begun(void)
{
	struct bench *b = bench_new(NULL, NULL);
	bench_begin(b);
	return b;
}

// Up to the DS set for both keys, with everything seen and every cache fresh.
static struct bench *with_both_ds(void)
{
	struct bench *b = begun();
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	bench_seen(b, "import-old-zsk");
	bench_seen(b, "relay-new-keys");
	show_keys(b, LOSING, KA | ZA | KB | ZB);
	bench_look(b, 3600);
	bench_seen(b, "publish-new-keys");
	bench_look(b, 2 * 3600);
	show_ds(b, KA | KB);
	bench_look(b, 60);
	bench_seen(b, "add-new-ds");
	bench_seen(b, "name-own-servers"); // it does from the beginning
	bench_look(b, 600);
	return b;
}

// ---- Going forward ---------------------------------------------------------------------------

static void the_first_step_is_safe_at_once(void **state)
{
	(void)state;
	struct bench *b = begun();
	const struct move *act = assert_move(b, "import-old-zsk", MOVE_ACT);
	assert_int_equal(act->publisher, GAINING);
	assert_int_equal(act->effect.count, 1);
	assert_move(b, "import-old-zsk", MOVE_TURN);
	assert_int_equal(bench_decide(b)->count, 2); // nothing is said of steps to come
	bench_free(b);
}

static void seen_is_what_every_address_shows_after_the_lag(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_intent(b, "import-old-zsk", GAINING, "");
	bench_result(b, "import-old-zsk", "done");
	b->cell[GAINING][0].keys = KB | ZB | ZA;
	bench_look(b, 60);
	assert_says(assert_move(b, "import-old-zsk", MOVE_OBSERVE), "2001:db8::11@53");
	b->cell[GAINING][1].keys = KB | ZB | ZA;
	bench_look(b, 60);
	const struct move *observe = assert_move(b, "import-old-zsk", MOVE_OBSERVE);
	assert_says(observe, "servers behind them may need until");
	assert_int_equal(observe->until_ms, b->now_ms + 5 * MINUTE_MS);
	bench_look(b, 299);
	assert_move(b, "import-old-zsk", MOVE_OBSERVE);
	bench_look(b, 1);
	const struct move *seen = assert_move(b, "import-old-zsk", MOVE_SEEN);
	assert_true(seen->is_all);
	assert_int_equal(seen->publishers, 1 << GAINING);
	bench_free(b);
}

static void a_wait_names_the_cached_record_and_the_instant(void **state)
{
	(void)state;
	struct bench *b = with_both_ds();
	const struct move *wait = assert_move(b, "name-new-servers", MOVE_WAIT);
	assert_says(wait, "A resolver that fetched the DS set (for losing.ksk)");
	// Seen first 610 s ago; the old set lives for an hour, and may be fetched for five minutes.
	assert_int_equal(wait->until_ms, b->now_ms - 600 * SECOND_MS + HOUR_MS + 5 * MINUTE_MS);
	assert_true(wait->has_window);
	bench_look(b, (wait->until_ms - b->now_ms) / SECOND_MS);
	assert_move(b, "name-new-servers", MOVE_ACT);
	bench_free(b);
}

static void a_wait_says_what_has_to_be_signed_again(void **state)
{
	(void)state;
	struct bench *b = with_both_ds();
	const struct move *wait = assert_move(b, "name-new-servers", MOVE_WAIT);
	assert_null(strstr(wait->text, "again"));
	int64_t until_ms = wait->until_ms;
	b->ds_signed_until_ms = b->now_ms + 30 * MINUTE_MS;
	bench_look(b, 60);
	wait = assert_move(b, "name-new-servers", MOVE_WAIT);
	char text[200], at[TIME_TEXT];
	snprintf(text, sizeof text,
	        "Signatures of parent over its ds have to be made again before %s. A resolver that "
	        "fetched ",
	        time_format(b->ds_signed_until_ms, at));
	assert_says(wait, text);
	assert_int_equal(wait->until_ms, until_ms);
	bench_free(b);
}

static void gaps_block(void **state)
{
	(void)state;
	struct bench *b = begun();
	snprintf(b->problem, sizeof b->problem, "Somebody names a server that nobody knows.");
	bench_look(b, 60);
	assert_says(assert_move(b, "import-old-zsk", MOVE_WAIT), "a server that nobody knows");
	assert_no_move(b, "import-old-zsk", MOVE_ACT);
	b->problem[0] = '\0';
	b->cell[LOSING][1].silent = true;
	bench_look(b, 60);
	assert_says(assert_move(b, "import-old-zsk", MOVE_WAIT), "2001:db8::21@53 of losing");
	b->cell[LOSING][1].silent = false;
	bench_look(b, 60);
	assert_move(b, "import-old-zsk", MOVE_ACT);
	bench_free(b);
}

// Nobody looked for ten minutes.
static struct bench *after_a_hole(const char *bridge)
{
	char text[4000];
	const char *at = strstr(usual_definition, "data-ttl: 1h\n");
	snprintf(text, sizeof text, "%.*sbridge: %s\n%s", (int)(at - usual_definition),
	        usual_definition, bridge, at);
	struct bench *b = bench_new(NULL, text);
	bench_begin(b);
	bench_look(b, 60);
	bench_look(b, 600);
	return b;
}

static void a_time_without_observation_is_bridged_as_long_as_is_declared(void **state)
{
	(void)state;
	struct bench *b = after_a_hole("11m");
	assert_move(b, "import-old-zsk", MOVE_ACT);
	bench_free(b);
	b = after_a_hole("9m");
	assert_says(
	        assert_move(b, "import-old-zsk", MOVE_WAIT), "is not known; caches may hold it");
	assert_no_move(b, "import-old-zsk", MOVE_ACT);
	bench_free(b);
}

static void what_is_there_already_is_seen(void **state)
{
	(void)state;
	struct bench *b = begun();
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	bench_look(b, 300);
	assert_move(b, "import-old-zsk", MOVE_SEEN);
	bench_free(b);
}

static void strangers_stop_a_change(void **state)
{
	(void)state;
	struct bench *b = begun();
	show_keys(b, LOSING, KA | ZA | STRANGER);
	bench_look(b, 60);
	assert_says(assert_move(b, "import-old-zsk", MOVE_STUCK),
	        "losing serves a DNSKEY record (key ");
	show_keys(b, LOSING, KA | ZA);
	show_ds(b, KA | STRANGER);
	bench_look(b, 60);
	assert_says(
	        assert_move(b, "import-old-zsk", MOVE_STUCK), "the parent publishes a DS record");
	bench_free(b);
}

static void never_safe_is_said(void **state)
{
	(void)state;
	struct bench *b = begun();
	const char *const before[] = {"import-old-zsk", "relay-new-keys", "publish-new-keys"};
	for (size_t i = 0; i < 3; i++)
		bench_seen(b, before[i]); // it was, and is not any more
	bench_look(b, 60);
	show_ds(b, KA | KB);
	bench_look(b, 60);
	bench_seen(b, "add-new-ds");
	bench_seen(b, "name-own-servers"); // it does from the beginning
	bench_look(b, 3 * 3600);
	assert_says(assert_move(b, "name-new-servers", MOVE_STUCK), "never safe: ");
	assert_no_move(b, "name-new-servers", MOVE_ACT);
	bench_free(b);
}

// Data that no key of their publisher has signed: new keys leave that as wrong as it is.
static struct bench *with_wrong_data(void)
{
	struct bench *b = bench_new(NULL, NULL);
	b->endless = true;
	bench_begin(b);
	show_keys(b, GAINING, KB | ZB | ZA);
	for (int i = 0; i < PLACES; i++)
		b->cell[LOSING][i].data = STRANGER;
	bench_look(b, 60);
	bench_seen(b, "import-old-zsk");
	bench_seen(b, "relay-new-keys");
	bench_look(b, 3 * 3600);
	return b;
}

static void what_stays_wrong_is_for_a_person_to_decide(void **state)
{
	(void)state;
	struct bench *b = with_wrong_data();
	const struct move *ask = assert_move(b, "publish-new-keys", MOVE_APPROVE);
	assert_says(ask, "something is wrong already, which this step neither mends nor makes "
	                 "worse; to have it done all the same, losing agrees: ");
	assert_true(ask->has_window && ask->window.excused);
	assert_int_equal(ask->parties, 1u << b->definition->procedure->steps[ask->step].by);
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	assert_no_move(b, "publish-new-keys", MOVE_TURN);
	// An agreement from before the question is none.
	bench_record(b, JOURNAL_APPROVAL, "publish-new-keys", "{\"party\":\"losing\"}");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	bench_record(b, JOURNAL_VERDICT, "publish-new-keys", "{\"excuse\":\"data\"}");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	bench_record(b, JOURNAL_APPROVAL, "publish-new-keys", "{\"party\":\"gaining\"}");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	bench_record(b, JOURNAL_APPROVAL, "publish-new-keys", "{\"party\":\"losing\"}");
	assert_says(assert_move(b, "publish-new-keys", MOVE_ACT),
	        "safe now; but something is wrong already: ");
	assert_no_move(b, "publish-new-keys", MOVE_APPROVE);
	// Another thing that is wrong is another question.
	bench_record(b, JOURNAL_VERDICT, "publish-new-keys", "{\"excuse\":\"chain\"}");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	bench_free(b);
}

// While a step waits, people are asked for other approvals, and are not told what is wrong.
static void what_waits_is_not_agreed_to_by_the_way(void **state)
{
	(void)state;
	struct bench *b = with_wrong_data();
	struct move later = *assert_move(b, "publish-new-keys", MOVE_APPROVE);
	json_t *now = change_record_verdict(&b->world, &later);
	assert_string_equal(json_string_value(json_object_get(now, "excuse")), "data");
	later.window.from_ms = b->world.now_ms + 1;
	json_t *wait = change_record_verdict(&b->world, &later);
	assert_null(json_object_get(wait, "excuse"));
	char *payload = json_dumps(wait, JSON_COMPACT);
	bench_record(b, JOURNAL_VERDICT, "publish-new-keys", payload);
	bench_record(b, JOURNAL_APPROVAL, "publish-new-keys", "{\"party\":\"losing\"}");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	assert_move(b, "publish-new-keys", MOVE_APPROVE);
	free(payload);
	json_decref(now);
	json_decref(wait);
	bench_free(b);
}

static void what_mends_something_wrong_needs_no_agreement(void **state)
{
	(void)state;
	struct bench *b = with_wrong_data();
	bench_seen(b, "publish-new-keys"); // it is not
	show_ds(b, KB);
	bench_look(b, 3 * 3600);
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	assert_no_move(b, "publish-new-keys", MOVE_APPROVE);
	bench_free(b);
}

// ---- Attempts --------------------------------------------------------------------------------

static void a_refusal_rests_and_the_pause_doubles(void **state)
{
	(void)state;
	struct bench *b = begun();
	int64_t pauses_s[] = {120, 240, 480, 960, 1920, 3600, 3600};
	for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
		bench_intent(b, "import-old-zsk", GAINING, "");
		bench_result(b, "import-old-zsk", "refused");
		bench_look(b, 0);
		const struct move *stuck = assert_move(b, "import-old-zsk", MOVE_STUCK);
		assert_says(stuck, "failed: because; it is tried again at");
		assert_int_equal(stuck->until_ms, b->now_ms + pauses_s[i] * SECOND_MS);
		bench_look(b, pauses_s[i]);
		assert_says(
		        assert_move(b, "import-old-zsk", MOVE_ACT), "failed: because; safe now");
	}
	bench_free(b);
}

static void an_unknown_outcome_is_looked_after_and_repeated(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_intent(b, "import-old-zsk", GAINING, "");
	bench_result(b, "import-old-zsk", "unknown");
	bench_look(b, 1);
	assert_says(
	        assert_move(b, "import-old-zsk", MOVE_STUCK), "nobody knows how attempt 1 ended");
	bench_look(b, 120);
	assert_move(b, "import-old-zsk", MOVE_ACT);
	// Where it shows, nothing is repeated.
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 1);
	assert_no_move(b, "import-old-zsk", MOVE_ACT);
	bench_look(b, 300);
	assert_move(b, "import-old-zsk", MOVE_SEEN);
	bench_free(b);
}

static void what_must_not_be_repeated_is_not(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_record(b, JOURNAL_INTENT, "import-old-zsk",
	        "{\"attempt\":\"x\",\"publisher\":1,\"repeatable\":false,\"undo\":false}");
	bench_look(b, 3600);
	assert_says(assert_move(b, "import-old-zsk", MOVE_STUCK), "it is not to be repeated");
	assert_no_move(b, "import-old-zsk", MOVE_ACT);
	bench_free(b);
}

static void what_is_in_flight_is_not_settled(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_record(b, JOURNAL_INTENT, "import-old-zsk",
	        "{\"attempt\":\"x\",\"publisher\":1,\"repeatable\":false,\"undo\":false}");
	bench_look(b, 3600);
	b->acting = true;
	b->acting_step = procedure_step_find(b->definition->procedure, "import-old-zsk");
	assert_says(assert_move(b, "import-old-zsk", MOVE_OBSERVE), "being done");
	bench_free(b);
}

static void said_and_never_seen_is_tried_again_after_the_lag(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_intent(b, "import-old-zsk", GAINING, "");
	bench_result(b, "import-old-zsk", "done");
	bench_look(b, 6 * 60); // the lag of 5 min and two looks
	assert_says(assert_move(b, "import-old-zsk", MOVE_OBSERVE), "done, as is said");
	bench_look(b, 61);
	assert_says(assert_move(b, "import-old-zsk", MOVE_ACT),
	        "attempt 1 was said to be done, and no address shows it; safe now");
	bench_free(b);
}

// Where many zones are looked at in turn, what has not shown by the second look may still do so.
static void lateness_counts_in_looks_as_they_are(void **state)
{
	(void)state;
	struct bench *b = begun();
	b->look_ms = 10 * MINUTE_MS;
	bench_intent(b, "import-old-zsk", GAINING, "");
	bench_result(b, "import-old-zsk", "done");
	bench_look(b, 24 * 60); // the lag of 5 min, and less than two looks
	assert_says(assert_move(b, "import-old-zsk", MOVE_OBSERVE), "done, as is said");
	bench_look(b, 61);
	assert_says(assert_move(b, "import-old-zsk", MOVE_ACT), "no address shows it");
	bench_free(b);
}

// That its servers serve no keys any more is no reason to call them late.
static void who_has_gone_is_not_late(void **state)
{
	(void)state;
	struct bench *b = begun();
	const struct procedure *p = b->definition->procedure;
	for (size_t i = 0; i + 1 < p->lines[0].count; i++)
		bench_seen(b, p->steps[p->lines[0].first + (int)i].id);
	bench_intent(b, "stop-serving", LOSING, "");
	bench_result(b, "stop-serving", "done");
	show_serving(b, LOSING, false);
	bench_look(b, 8 * 60); // later than the lag and two looks, and the first that shows it
	assert_says(assert_move(b, "stop-serving", MOVE_OBSERVE), "every address shows it");
	assert_no_move(b, "stop-serving", MOVE_STUCK);
	bench_free(b);
}

// ---- Persons, approvals, deadlines -----------------------------------------------------------

// Two steps side by side, one that asks after its deadline, one with a wait of its own.
static const char side_by_side[] =
        "procedure: side\n"
        "title: Side by side\n"
        "parties:\n"
        "  gaining: {is: operator}\n"
        "  losing: {is: operator}\n"
        "  registrar: {is: registrar}\n"
        "  registry: {is: parent}\n"
        "start: {parent.ns: losing.ns, parent.ds: losing.ksk}\n"
        "steps:\n"
        "  - {id: one, by: gaining, does: gaining.dnskey + losing.zsk, undo: gaining.dnskey - "
        "losing.zsk, within: 1h, else: ask, after: start}\n"
        "  - {id: other, by: losing, does: losing.dnskey + gaining.zsk, undo: losing.dnskey - "
        "gaining.zsk, after: start, approve: [registrar, gaining]}\n"
        "  - {id: talk, by: gaining, does: announce something, undo: nothing, after: start}\n"
        "  - {id: late, by: registrar, does: parent.ds + gaining.ksk, undo: parent.ds - "
        "gaining.ksk, after: [one, other], wait: 2 * ttl(losing.dnskey) after one}\n";

static const char by_hand[] =
        "change: move\n"
        "zone: example.test\n"
        "procedure: side\n"
        "data-ttl: 1h\n"
        "unchanged-since: \"2026-01-01T00:00:00Z\"\n"
        "parties:\n"
        "  registry: {servers: {ns.registry.example: [\"192.0.2.1\", \"2001:db8::1\"]}}\n"
        "  registrar: {}\n"
        "  gaining: {servers: {ns.gaining.example: [\"192.0.2.11\", \"2001:db8::11\"]}, "
        "samples-complete: true}\n"
        "  losing: {servers: {ns.losing.example: [\"192.0.2.21\", \"2001:db8::21\"]}, "
        "samples-complete: true}\n";

static struct bench *handed(void)
{
	struct bench *b = bench_new(side_by_side, by_hand);
	bench_begin(b);
	return b;
}

static void without_a_way_a_person_is_asked(void **state)
{
	(void)state;
	struct bench *b = handed();
	assert_says(assert_move(b, "one", MOVE_ASK),
	        "safe now; a person does this, and says `baton done`");
	bench_intent(b, "one", GAINING, ",\"asked\":true");
	assert_says(assert_move(b, "one", MOVE_PERSON), "still safe");
	bench_record(b, JOURNAL_DONE, "one", "{}");
	assert_says(assert_move(b, "one", MOVE_OBSERVE), "done, as is said");
	bench_look(b, 121);
	assert_says(assert_move(b, "one", MOVE_STUCK), "it was said to be done at");
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	assert_move(b, "one", MOVE_SEEN);
	bench_free(b);
}

static void a_person_is_told_when_it_is_not_safe_any_more(void **state)
{
	(void)state;
	struct bench *b = handed();
	bench_intent(b, "one", GAINING, ",\"asked\":true");
	b->cell[PARENT][0].silent = true;
	bench_look(b, 60);
	assert_no_move(b, "one", MOVE_PERSON);
	assert_says(assert_move(b, "one", MOVE_WAIT), "192.0.2.1@53");
	bench_free(b);
}

static void one_step_at_a_time_is_under_way(void **state)
{
	(void)state;
	struct bench *b = handed();
	bench_intent(b, "one", GAINING, ",\"asked\":true");
	assert_says(assert_move(b, "other", MOVE_WAIT), "another step is under way");
	bench_free(b);
}

static void approvals_are_asked_for_party_by_party(void **state)
{
	(void)state;
	struct bench *b = handed();
	const struct move *approve = assert_move(b, "other", MOVE_APPROVE);
	assert_string_equal(approve->text, "to agree: gaining registrar");
	assert_no_move(b, "other", MOVE_ASK);
	bench_record(b, JOURNAL_APPROVAL, "other", "{\"party\":\"registrar\"}");
	assert_string_equal(assert_move(b, "other", MOVE_APPROVE)->text, "to agree: gaining");
	bench_record(b, JOURNAL_APPROVAL, "other", "{\"party\":\"gaining\"}");
	assert_no_move(b, "other", MOVE_APPROVE);
	assert_move(b, "other", MOVE_ASK);
	bench_free(b);
}

static void steps_that_nobody_sees_are_said(void **state)
{
	(void)state;
	struct bench *b = handed();
	assert_move(b, "talk", MOVE_ASK);
	bench_intent(b, "talk", 0, ",\"asked\":true");
	assert_move(b, "talk", MOVE_PERSON);
	bench_record(b, JOURNAL_DONE, "talk", "{}");
	assert_says(assert_move(b, "talk", MOVE_SEEN), "its party says so");
	bench_free(b);
}

static void deadlines_count_from_the_turn(void **state)
{
	(void)state;
	struct bench *b = handed();
	bench_look(b, 7200);
	assert_no_move(b, "one", MOVE_STUCK);
	bench_record(b, JOURNAL_STATE, "one", "{\"state\":\"turn\"}");
	assert_int_equal(assert_move(b, "one", MOVE_ASK)->deadline_ms, b->now_ms + HOUR_MS);
	bench_look(b, 3600);
	assert_says(assert_move(b, "one", MOVE_STUCK), "its deadline passed at");
	assert_move(b, "one", MOVE_ASK); // and it may still happen
	bench_free(b);
}

static void explicit_waits_are_kept_and_do_not_make_safe(void **state)
{
	(void)state;
	struct bench *b = handed();
	show_keys(b, GAINING, KB | ZB | ZA);
	show_keys(b, LOSING, KA | ZA | ZB);
	bench_look(b, 60);
	bench_seen(b, "one");
	bench_seen(b, "other");
	int64_t seen_ms = b->now_ms;
	bench_look(b, 60);
	const struct move *wait = assert_move(b, "late", MOVE_WAIT);
	assert_says(wait, "the procedure says to wait: 2 * ttl(losing.dnskey) after one");
	assert_int_equal(wait->until_ms, seen_ms + 2 * HOUR_MS);
	bench_look(b, 2 * 3600);
	assert_move(b, "late", MOVE_ASK);
	bench_free(b);
}

static void after_the_deadline_a_branch_or_nothing(void **state)
{
	(void)state;
	struct bench *b = begun();
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	bench_seen(b, "import-old-zsk");
	bench_seen(b, "relay-new-keys");
	bench_look(b, 600);
	bench_record(b, JOURNAL_STATE, "publish-new-keys", "{\"state\":\"turn\"}");
	bench_intent(b, "publish-new-keys", LOSING, "");
	bench_result(b, "publish-new-keys", "done");
	bench_look(b, 8 * 86400);
	const struct move *branch = assert_move(b, "publish-new-keys", MOVE_BRANCH);
	assert_string_equal(b->definition->procedure->lines[branch->line].id, "go-insecure");
	bench_record(b, JOURNAL_STATE, "publish-new-keys",
	        "{\"state\":\"line\",\"line\":\"go-insecure\"}");
	// What was left behind is not waited for; what comes would make the zone insecure.
	assert_move(b, "agree-to-insecure", MOVE_SEEN);
	bench_seen(b, "agree-to-insecure");
	assert_says(assert_move(b, "remove-ds", MOVE_STUCK), "it would make the zone insecure");
	bench_free(b);
}

static void skipped_in_time(void **state)
{
	(void)state;
	struct bench *b = with_both_ds();
	bench_look(b, 3 * 3600);
	bench_record(b, JOURNAL_STATE, "name-new-servers", "{\"state\":\"turn\"}");
	bench_look(b, 7 * 86400);
	assert_says(assert_move(b, "name-new-servers", MOVE_SKIP), "the change goes on without it");
	bench_record(b, JOURNAL_STATE, "name-new-servers", "{\"state\":\"skipped\"}");
	assert_move(b, "move-delegation", MOVE_ACT);
	bench_free(b);
}

// ---- Back ------------------------------------------------------------------------------------

static void the_last_step_done_is_undone_first(void **state)
{
	(void)state;
	struct bench *b = with_both_ds();
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	// The gaining operator's zone named its own servers from the beginning; now it is to name
	// the old ones.
	const struct move *act = assert_move(b, "name-own-servers", MOVE_ACT);
	assert_true(act->undo);
	assert_int_equal(bench_decide(b)->count, 1);
	show_ns(b, GAINING, 1 << LOSING);
	bench_look(b, 60);
	bench_look(b, 300);
	assert_true(assert_move(b, "name-own-servers", MOVE_SEEN)->undo);
	bench_record(b, JOURNAL_STATE, "name-own-servers",
	        "{\"state\":\"seen\",\"publishers\":2,\"all\":true,\"undo\":true}");
	act = assert_move(b, "add-new-ds", MOVE_ACT);
	assert_true(act->undo);
	assert_int_equal(bench_decide(b)->count, 1);
	bench_record(b, JOURNAL_INTENT, "add-new-ds",
	        "{\"attempt\":\"u\",\"publisher\":0,\"repeatable\":true,\"undo\":true}");
	bench_record(b, JOURNAL_RESULT, "add-new-ds",
	        "{\"attempt\":\"u\",\"outcome\":\"done\",\"undo\":true}");
	show_ds(b, KA);
	bench_look(b, 60);
	bench_look(b, 300);
	assert_true(assert_move(b, "add-new-ds", MOVE_SEEN)->undo);
	bench_record(b, JOURNAL_STATE, "add-new-ds",
	        "{\"state\":\"seen\",\"publishers\":1,\"all\":true,\"undo\":true}");
	// Now the losing operator's keys, when no cache has the DS record of the new one.
	assert_true(find_move(b, "publish-new-keys", MOVE_WAIT) != NULL ||
	            find_move(b, "publish-new-keys", MOVE_ACT) != NULL);
	bench_free(b);
}

static void steps_without_effect_are_undone_at_once(void **state)
{
	(void)state;
	struct bench *b = begun();
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	bench_seen(b, "import-old-zsk");
	bench_look(b, 1);
	bench_seen(b, "relay-new-keys");
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	assert_says(assert_move(b, "relay-new-keys", MOVE_SEEN), "there is nothing to undo in it");
	bench_record(b, JOURNAL_STATE, "relay-new-keys",
	        "{\"state\":\"seen\",\"publishers\":0,\"all\":true,\"undo\":true}");
	assert_move(b, "import-old-zsk", MOVE_ACT);
	bench_free(b);
}

// The party of a step without an effect in the DNS names a command for it: the change goes on when
// that says that all is well, and stands still as long as it does not.
static struct bench *with_a_command(const char *more)
{
	char text[4000];
	const char *at = strstr(usual_definition, "  losing:\n");
	snprintf(text, sizeof text,
	        "%.*s    exec: {command: [/bin/true], timeout: 1m, steps: [relay-new-keys]%s}\n%s",
	        (int)(at - usual_definition), usual_definition, more, at);
	struct bench *b = bench_new(NULL, text);
	bench_begin(b);
	show_keys(b, GAINING, KB | ZB | ZA);
	bench_look(b, 60);
	bench_seen(b, "import-old-zsk");
	bench_look(b, 1);
	return b;
}

static void a_command_for_a_step_without_effect_has_to_say_yes(void **state)
{
	(void)state;
	struct bench *b = with_a_command("");
	const struct move *act = assert_move(b, "relay-new-keys", MOVE_ACT);
	assert_int_equal(act->publisher, -1);
	assert_false(act->has_window);
	assert_no_move(b, "relay-new-keys", MOVE_SEEN);
	bench_intent(b, "relay-new-keys", 0, "");
	bench_result(b, "relay-new-keys", "refused");
	assert_says(assert_move(b, "relay-new-keys", MOVE_STUCK), "it is tried again at");
	assert_no_move(b, "publish-new-keys", MOVE_ACT);
	bench_look(b, 121);
	assert_move(b, "relay-new-keys", MOVE_ACT);
	bench_intent(b, "relay-new-keys", 0, "");
	b->acting = true;
	b->acting_step = procedure_step_find(b->definition->procedure, "relay-new-keys");
	assert_says(assert_move(b, "relay-new-keys", MOVE_OBSERVE), "being done");
	b->acting = false;
	bench_result(b, "relay-new-keys", "done");
	assert_says(assert_move(b, "relay-new-keys", MOVE_SEEN), "its command says so");
	bench_seen(b, "relay-new-keys");
	assert_no_move(b, "relay-new-keys", MOVE_ACT);
	bench_free(b);
}

static void such_a_command_whose_end_nobody_knows(void **state)
{
	(void)state;
	struct bench *b = with_a_command("");
	bench_record(b, JOURNAL_INTENT, "relay-new-keys",
	        "{\"attempt\":\"x\",\"publisher\":0,\"repeatable\":false,\"undo\":false}");
	assert_says(assert_move(b, "relay-new-keys", MOVE_STUCK), "find out");
	bench_record(b, JOURNAL_DONE, "relay-new-keys", "{}");
	assert_says(assert_move(b, "relay-new-keys", MOVE_SEEN), "its party says so");
	bench_free(b);
	b = with_a_command(", idempotent: true");
	bench_intent(b, "relay-new-keys", 0, "");
	bench_look(b, 121);
	assert_move(b, "relay-new-keys", MOVE_ACT);
	bench_free(b);
}

static void nothing_done_is_nothing_to_undo(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	assert_int_equal(bench_decide(b)->count, 0);
	assert_false(bench_decide(b)->is_finished);
	bench_free(b);
}

static void no_way_back_is_said_before_anything_is_taken_back(void **state)
{
	(void)state;
	struct bench *b = with_both_ds();
	bench_intent(b, "stop-serving", LOSING, "");
	bench_record(b, JOURNAL_UNDO, "add-new-ds", "{}");
	assert_says(assert_move(b, "stop-serving", MOVE_NO_WAY_BACK), "there is no way back");
	assert_int_equal(bench_decide(b)->count, 1);
	bench_free(b);
}

static void an_attempt_that_may_still_come_is_waited_for(void **state)
{
	(void)state;
	struct bench *b = begun();
	bench_intent(b, "import-old-zsk", GAINING, "");
	bench_record(b, JOURNAL_UNDO, "import-old-zsk", "{}");
	bench_look(b, 60);
	assert_says(
	        assert_move(b, "import-old-zsk", MOVE_OBSERVE), "its last attempt may still show");
	bench_look(b, 6 * 60);
	assert_move(b, "import-old-zsk", MOVE_SEEN);
	bench_free(b);
}

static void everything_done_is_finished(void **state)
{
	(void)state;
	struct bench *b = begun();
	const struct procedure *p = b->definition->procedure;
	for (size_t i = 0; i < p->lines[0].count; i++)
		bench_seen(b, p->steps[p->lines[0].first + (int)i].id);
	assert_true(bench_decide(b)->is_finished);
	assert_int_equal(bench_decide(b)->count, 0);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(the_first_step_is_safe_at_once),
	        TEST(seen_is_what_every_address_shows_after_the_lag),
	        TEST(a_wait_names_the_cached_record_and_the_instant),
	        TEST(a_wait_says_what_has_to_be_signed_again),
	        TEST(gaps_block),
	        TEST(a_time_without_observation_is_bridged_as_long_as_is_declared),
	        TEST(what_is_there_already_is_seen),
	        TEST(strangers_stop_a_change),
	        TEST(never_safe_is_said),
	        TEST(what_stays_wrong_is_for_a_person_to_decide),
	        TEST(what_mends_something_wrong_needs_no_agreement),
	        TEST(what_waits_is_not_agreed_to_by_the_way),
	        TEST(a_refusal_rests_and_the_pause_doubles),
	        TEST(an_unknown_outcome_is_looked_after_and_repeated),
	        TEST(what_must_not_be_repeated_is_not),
	        TEST(what_is_in_flight_is_not_settled),
	        TEST(said_and_never_seen_is_tried_again_after_the_lag),
	        TEST(lateness_counts_in_looks_as_they_are),
	        TEST(who_has_gone_is_not_late),
	        TEST(without_a_way_a_person_is_asked),
	        TEST(a_person_is_told_when_it_is_not_safe_any_more),
	        TEST(one_step_at_a_time_is_under_way),
	        TEST(approvals_are_asked_for_party_by_party),
	        TEST(steps_that_nobody_sees_are_said),
	        TEST(deadlines_count_from_the_turn),
	        TEST(explicit_waits_are_kept_and_do_not_make_safe),
	        TEST(after_the_deadline_a_branch_or_nothing),
	        TEST(skipped_in_time),
	        TEST(the_last_step_done_is_undone_first),
	        TEST(steps_without_effect_are_undone_at_once),
	        TEST(a_command_for_a_step_without_effect_has_to_say_yes),
	        TEST(such_a_command_whose_end_nobody_knows),
	        TEST(nothing_done_is_nothing_to_undo),
	        TEST(no_way_back_is_said_before_anything_is_taken_back),
	        TEST(an_attempt_that_may_still_come_is_waited_for),
	        TEST(everything_done_is_finished),
	};
	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
