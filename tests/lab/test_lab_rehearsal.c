// `baton run` moves the lab's zone by itself, under the eyes of all validators. The argument names
// the case; each takes a minute or two. $BATON is the program.
#include "prober.h"
#include "rehearse.h"

#include "base/buffer.h"
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_TTLS                                                                               \
	"ds=6s,ds-none=4s,parent-ns=7s,child-ns=9s,dnskey=10s,data=8s,negative=5s,address=7s"

struct stage {
	struct lab *lab;
	struct prober *prober;
	struct prober_counts counts;
	struct rehearsal_outcome outcome;
	json_t *said; // what `baton run` said, line by line
};

static int64_t now_ms(void)
{
	struct clock clock = clock_system();
	return clock_now_ms(&clock);
}

static void stage_begin(struct stage *s, const char *ttl)
{
	struct error err = {0};
	struct prober_options how = prober_options_default();
	struct lab_options options = lab_options_default();
	memset(s, 0, sizeof(*s));
	if (lab_options_ttl(&options, ttl, &err) != RESULT_OK ||
	        lab_create(&options, &s->lab, &err) != RESULT_OK ||
	        prober_start(s->lab, &how, &s->prober, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

// What the program said, for whoever has to find out why a rehearsal failed.
static void print_log(const struct stage *s)
{
	char path[4096], line[2000];
	snprintf(path, sizeof(path), "%s/change.log", lab_info(s->lab)->dir);
	FILE *log = fopen(path, "re");
	while (log != NULL && fgets(line, sizeof(line), log) != NULL)
		printf("# %s", line);
	if (log != NULL)
		fclose(log);
}

static void read_log(struct stage *s)
{
	char path[4096];
	json_t *line;
	json_error_t error;
	snprintf(path, sizeof(path), "%s/change.log", lab_info(s->lab)->dir);
	FILE *log = fopen(path, "re");
	assert_non_null(log);
	s->said = json_array();
	// A line that was cut off by a kill ends the object early.
	char text[4000];
	while (fgets(text, sizeof(text), log) != NULL)
		if ((line = json_loads(text, 0, &error)) != NULL)
			json_array_append_new(s->said, line);
	fclose(log);
}

static void stage_rehearse(struct stage *s, const struct rehearsal *r)
{
	struct error err = {0};
	enum result result = rehearse(s->lab, r, &s->outcome, &err);
	if (result != RESULT_OK)
		print_log(s);
	if (result != RESULT_OK)
		fail_msg("%s", err.text);
	read_log(s);
}

// Asks on for some time, then counts.
static void stage_count(struct stage *s, int64_t more_ms)
{
	struct error err = {0};
	struct buffer table = buffer_init(1u << 16);
	poll(NULL, 0, (int)more_ms);
	assert_int_equal(prober_stop(s->prober, &s->counts, &err), RESULT_OK);
	prober_print(lab_info(s->lab), &s->counts, &table);
	for (char *line = strtok(table.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
		printf("# %s\n", line);
	buffer_free(&table);
}

static void stage_end(struct stage *s)
{
	json_decref(s->said);
	lab_stop(s->lab);
}

// When something was said about a step: the first time, or the last; 0 where it was not.
static int64_t said_ms(const struct stage *s, const char *what, const char *step, bool last)
{
	size_t i;
	json_t *line;
	int64_t at_ms = 0;
	json_array_foreach(s->said, i, line)
	{
		const char *w = json_string_value(json_object_get(line, "what"));
		const char *t = json_string_value(json_object_get(line, "step"));
		if (w == NULL || t == NULL || strcmp(w, what) != 0 || strcmp(t, step) != 0)
			continue;
		at_ms = json_integer_value(json_object_get(line, "at_ms"));
		if (!last)
			return at_ms;
	}
	return at_ms;
}

static void assert_every_answer_authenticated(const struct stage *s, uint64_t fresh)
{
	for (int i = 0; i < LAB_RESOLVERS; i++) {
		const struct prober_tally *tally = &s->counts.resolver[i];
		assert_int_equal(prober_failures(tally), 0);
		assert_int_equal(tally->outcome[PROBE_SECURE], tally->asked);
		assert_true(tally->answered[PROBE_FRESH] >= fresh);
	}
}

static void assert_record(
        const struct stage *s, const char *address, const char *type, const char *rdata, bool there)
{
	struct error err = {0};
	struct lab_condition condition = {.address = address,
	        .name = lab_info(s->lab)->zone,
	        .type = type,
	        .rdata = rdata,
	        .absent = !there};
	if (lab_wait(s->lab, &condition, 5 * SECOND_MS, &err) != RESULT_OK)
		fail_msg("%s", err.text);
}

// The zone is the gaining operator's alone, at every server of the parent and of its own.
static void assert_moved(const struct stage *s)
{
	const struct lab_party *party = lab_info(s->lab)->party;
	const struct lab_party *losing = &party[LAB_LOSING], *gaining = &party[LAB_GAINING];
	for (int i = 0; i < LAB_PARTY_SERVERS; i++) {
		const char *parent = party[LAB_REGISTRY].server[i].v4, *own = gaining->server[i].v6;
		assert_record(s, parent, "DS", gaining->ds, true);
		assert_record(s, parent, "DS", losing->ds, false);
		assert_record(s, parent, "NS", gaining->server[0].name, true);
		assert_record(s, parent, "NS", gaining->server[1].name, true);
		assert_record(s, parent, "NS", losing->server[0].name, false);
		assert_record(s, parent, "NS", losing->server[1].name, false);
		assert_record(s, own, "DNSKEY", gaining->ksk, true);
		assert_record(s, own, "DNSKEY", gaining->zsk, true);
		assert_record(s, own, "DNSKEY", losing->ksk, false);
		assert_record(s, own, "DNSKEY", losing->zsk, false);
	}
	assert_true(s->outcome.verified);
}

// --- killed, again and again --------------------------------------------------------------------

static uint64_t chosen_seed(void)
{
	const char *text = getenv("BATON_TEST_SEED");
	return text != NULL ? strtoull(text, NULL, 10) : (uint64_t)now_ms();
}

static void rehearse_with_kills(uint64_t seed)
{
	enum { KILLS = 20 };
	struct stage s;
	struct rehearsal r = {.change = "operator-change",
	        .within_ms = 4 * MINUTE_MS,
	        .output = REHEARSAL_LOGGED,
	        .kills = KILLS,
	        .kill_span_ms = 38 * SECOND_MS,
	        .seed = seed};
	printf("# seed %llu\n", (unsigned long long)seed);
	stage_begin(&s, DEFAULT_TTLS);
	stage_rehearse(&s, &r);
	printf("# killed %u times, %u of them right after an act had begun; it took %.1f s\n",
	        s.outcome.killed, s.outcome.killed_acting, (double)s.outcome.took_ms / 1000);
	assert_int_equal(s.outcome.killed, KILLS);
	stage_count(&s, 12 * SECOND_MS);
	assert_every_answer_authenticated(&s, 600);
	assert_moved(&s);
	assert_true(said_ms(&s, "seen", "stop-serving", true) > 0);
	stage_end(&s);
}

static void test_kills(void **state)
{
	uint64_t seed = chosen_seed();
	unsigned runs = getenv("BATON_TEST_FULL") != NULL ? 3 : 1;
	for (unsigned i = 0; i < runs; i++)
		rehearse_with_kills(seed + i);
	(void)state;
}

// --- other TTLs ---------------------------------------------------------------------------------

static const char *const dns_steps[] = {"import-old-zsk", "publish-new-keys", "add-new-ds",
        "name-new-servers", "move-delegation", "remove-old-ds", "drop-old-zsk", "stop-serving"};
#define DNS_STEPS (sizeof(dns_steps) / sizeof(dns_steps[0]))

// What `baton plan` says, for the TTLs and with changes that take so long to be everywhere.
static json_t *plan(const char *ttl, int64_t lag_s)
{
	char command[1000];
	json_error_t error;
	snprintf(command, sizeof(command),
	        "\"$BATON\" plan operator-change --json --ttl %s --lag parent=%llds,child=%llds",
	        ttl, (long long)lag_s, (long long)lag_s);
	FILE *out = popen(command, "re");
	assert_non_null(out);
	json_t *plan = json_loadf(out, 0, &error);
	if (plan == NULL)
		fail_msg("baton plan: %s", error.text);
	assert_int_equal(pclose(out), 0);
	return plan;
}

static int64_t plan_instant_ms(const json_t *plan, const char *id, const char *key)
{
	size_t i;
	json_t *step;
	int64_t ms = -1;
	struct error err = {0};
	json_array_foreach(json_object_get(plan, "steps"), i, step)
	{
		if (strcmp(json_string_value(json_object_get(step, "id")), id) != 0)
			continue;
		const char *text = json_string_value(json_object_get(step, key));
		assert_int_equal(duration_parse(text, &ms, &err), RESULT_OK);
		return ms;
	}
	fail_msg("the plan has no step '%s'", id);
	return ms;
}

static int compare_ms(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

// How long it took until every address showed a change: the median, in whole seconds.
static int64_t usual_lag_s(const struct stage *s)
{
	int64_t lag_ms[DNS_STEPS];
	for (size_t i = 0; i < DNS_STEPS; i++)
		lag_ms[i] = said_ms(s, "seen", dns_steps[i], true) -
		            said_ms(s, "acts", dns_steps[i], false);
	qsort(lag_ms, DNS_STEPS, sizeof(lag_ms[0]), compare_ms);
	return (lag_ms[DNS_STEPS / 2] + SECOND_MS / 2) / SECOND_MS;
}

// Rehearses with these TTLs; every wait must be the planned one. Returns the sum of the waits.
static int64_t rehearse_with_ttls(const char *zone_ttl, const char *ttl)
{
	enum { TOLERANCE_MS = 2500 };
	struct stage s;
	struct rehearsal r = {.change = "operator-change",
	        .within_ms = 4 * MINUTE_MS,
	        .output = REHEARSAL_LOGGED};
	int64_t sum_ms = 0;
	stage_begin(&s, zone_ttl);
	stage_rehearse(&s, &r);
	int64_t lag_s = usual_lag_s(&s);
	json_t *p = plan(ttl, lag_s);
	printf("# %s, a change is everywhere after %lld s\n", ttl, (long long)lag_s);
	for (size_t i = 1; i < DNS_STEPS; i++) {
		int64_t waited_ms = said_ms(&s, "acts", dns_steps[i], false) -
		                    said_ms(&s, "seen", dns_steps[i - 1], true);
		int64_t planned_ms = plan_instant_ms(p, dns_steps[i], "start") -
		                     plan_instant_ms(p, dns_steps[i - 1], "everywhere");
		printf("# %-17s waited %5.1f s, planned %5.1f s\n", dns_steps[i],
		        (double)waited_ms / 1000, (double)planned_ms / 1000);
		assert_in_range(
		        waited_ms + TOLERANCE_MS, planned_ms, planned_ms + 2 * TOLERANCE_MS);
		sum_ms += waited_ms;
	}
	json_decref(p);
	stage_count(&s, 3 * SECOND_MS);
	assert_every_answer_authenticated(&s, 100);
	assert_moved(&s);
	stage_end(&s);
	return sum_ms;
}

static void test_ttls(void **state)
{
	int64_t small_ms = rehearse_with_ttls("ds=4s,ds-none=4s,parent-ns=4s,child-ns=5s,dnskey=6s,"
	                                      "data=5s,negative=3s,address=4s",
	        "ds=4s,ds-none=4s,parent-ns=4s,child-ns=5s,dnskey=6s,data=5s");
	int64_t large_ms = rehearse_with_ttls("ds=24s,ds-none=4s,parent-ns=11s,child-ns=5s,"
	                                      "dnskey=17s,data=9s,negative=3s,address=5s",
	        "ds=24s,ds-none=4s,parent-ns=11s,child-ns=5s,dnskey=17s,data=9s");
	assert_true(large_ms > small_ms + 20 * SECOND_MS);
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_kills),
	        cmocka_unit_test(test_ttls),
	};
	char name[100];
	if (argc != 2 || getenv("BATON") == NULL)
		return 2;
	snprintf(name, sizeof(name), "test_%s", argv[1]);
	cmocka_set_test_filter(name);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
