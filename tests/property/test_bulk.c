// Who of very many zones may start or act: against a second, naive implementation, and what must
// hold in every run, over bulks and events made at random.
//
// A run plays a bulk: zones start and act as they may, want something, fail, are over, people
// resume and take back. Everything that happened is kept in a list, and every question is answered
// again from the whole list.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "bulk/decide.h"

enum { ZONES = 24, EVENTS = 4000, STEPS = 250 };

// ---- A bulk by chance ------------------------------------------------------------------------

struct play {
	struct random_seeded seeded;
	struct random random;
	uint64_t seed;
	struct arena *arena;
	struct bulk_definition b;
	struct bulk_lane lanes[8];
	struct bulk_zone zones[ZONES];
	uint16_t zone_lanes[ZONES][3];
	char names[ZONES][20];
	const struct bulk_zone *by_name[ZONES];
	struct bulk_state *s;
	struct bulk_decision dn;
	int64_t now_ms;
	// Effects that had leave.
	size_t count;
	struct {
		int64_t at_ms;
		size_t zone;
		uint32_t limits;
	} events[EVENTS];
};

static unsigned below(struct play *p, unsigned n)
{
	return (unsigned)random_below(&p->random, n);
}

static void make_waves(struct play *p)
{
	struct bulk_definition *b = &p->b;
	size_t first = 0;
	b->has_canary = below(p, 2) == 0;
	while (first < b->zone_count) {
		size_t count = 1 + below(p, (unsigned)(b->zone_count - first));
		for (size_t i = first; i < first + count; i++)
			p->zones[i].wave = (unsigned)b->wave_count;
		b->waves[b->wave_count++] = (struct bulk_wave){first, count};
		first += count;
	}
	b->soak_ms = b->has_canary ? below(p, 3) * 5000 : 0;
}

// The first limit is one for all; the second one has a lane for each of two parents.
static void make_limits(struct play *p)
{
	struct bulk_definition *b = &p->b;
	static const char *const parties[] = {"losing", "registry", "gaining"};
	b->limit_count = below(p, 4);
	b->lanes = p->lanes;
	for (size_t l = 0; l < b->limit_count; l++) {
		b->limits[l] = (struct bulk_limit){.party = parties[l],
		        .effects = below(p, 4),
		        .per_ms = 1000 * (1 + below(p, 10)),
		        .zones = below(p, 3) == 0 ? 1 + below(p, 6) : 0};
		size_t first = b->lane_count, lanes = l == 1 ? 2 : 1;
		for (size_t i = 0; i < lanes; i++)
			p->lanes[b->lane_count++] = (struct bulk_lane){
			        .limit = (unsigned)l, .name = parties[l], .parent = ""};
		for (size_t i = 0; i < b->zone_count; i++)
			p->zone_lanes[i][l] = (uint16_t)(first + (lanes > 1 ? i % 2 : 0));
	}
	b->at_once = below(p, 2) == 0 ? 1 + below(p, 8) : 1000;
}

static void make(struct play *p, uint64_t seed)
{
	struct error err;
	memset(p, 0, sizeof *p);
	p->seed = seed;
	p->random = random_from_seed(&p->seeded, seed);
	p->arena = arena_new(8 << 20);
	p->b.file = "play";
	p->b.halt_after = 1;
	p->b.zone_count = 1 + below(p, ZONES);
	p->b.zones = p->zones;
	p->b.by_name = p->by_name;
	for (size_t i = 0; i < p->b.zone_count; i++) {
		snprintf(p->names[i], sizeof p->names[i], "z%02zu.test", i);
		p->zones[i].name = p->names[i];
		p->zones[i].lanes = p->zone_lanes[i];
		p->by_name[i] = &p->zones[i];
	}
	make_waves(p);
	make_limits(p);
	assert_int_equal(bulk_state_new(p->arena, &p->b, &p->s, &err), RESULT_OK);
	assert_int_equal(bulk_decision_new(p->arena, &p->b, &p->dn, &err), RESULT_OK);
	p->now_ms = 1000000;
}

// ---- What happens ----------------------------------------------------------------------------

static void tell(struct play *p, enum journal_kind kind, const char *zone, json_t *payload)
{
	struct error err;
	assert_non_null(payload);
	assert_int_equal(
	        bulk_state_apply(p->s, kind, zone, p->now_ms, p->now_ms, payload, &err), RESULT_OK);
	json_decref(payload);
}

static void tell_state(struct play *p, size_t zone, const char *word)
{
	tell(p, JOURNAL_STATE, p->names[zone], json_pack("{s:s}", "state", word));
}

static void let_act(struct play *p, size_t i)
{
	struct bulk_zone_state *z = &p->s->zones[i];
	json_t *parties = json_array();
	assert_true(p->count < EVENTS);
	p->events[p->count].at_ms = p->now_ms;
	p->events[p->count].zone = i;
	p->events[p->count++].limits = z->wish.limits;
	for (size_t l = 0; l < p->b.limit_count; l++)
		if (z->wish.limits >> l & 1)
			json_array_append_new(parties, json_string(p->b.limits[l].party));
	tell(p, JOURNAL_STATE, p->names[i],
	        json_pack("{s:s, s:s, s:o}", "state", "leave", "step", "x", "parties", parties));
	z->wish.is_set = false;
}

static void want(struct play *p, size_t i)
{
	struct bulk_zone_state *z = &p->s->zones[i];
	if (z->phase != BULK_STARTED || z->wish.is_set)
		return;
	z->wish = (struct bulk_wish){.is_set = true,
	        .back = z->undoing,
	        .limits = below(p, 1u << p->b.limit_count),
	        .since_ms = p->now_ms};
}

static void one_event(struct play *p)
{
	size_t i = below(p, (unsigned)p->b.zone_count);
	enum bulk_phase phase = p->s->zones[i].phase;
	unsigned what = below(p, 100);
	if (what < 45)
		want(p, i);
	else if (what < 70 && phase == BULK_STARTED)
		tell_state(p, i, p->s->zones[i].undoing ? "undone" : "finished");
	else if (what < 73 && phase == BULK_STARTED)
		tell_state(p, i, "aside");
	else if (what == 73 && phase == BULK_STARTED) {
		tell(p, JOURNAL_STATE, p->names[i],
		        json_pack("{s:s, s:s, s:s}", "state", "anomaly", "key", "x", "text", "x"));
		tell(p, JOURNAL_STATE, "",
		        json_pack("{s:s, s:s, s:s}", "state", "halted", "by", p->names[i], "text",
		                "x"));
	} else if (what == 74)
		tell(p, JOURNAL_UNDO, "", json_pack("{s:[s]}", "zones", p->names[i]));
	else if (what < 85 && p->s->zones[i].undo_wanted)
		tell_state(p, i, "undoing");
	else if (what < 88)
		tell(p, JOURNAL_APPROVAL, "", json_pack("{s:b}", "aside", what == 87));
	else if (what >= 90)
		p->now_ms += below(p, 3000);
}

// ---- The naive twin --------------------------------------------------------------------------

static bool is_over(enum bulk_phase phase)
{
	return phase == BULK_FINISHED || phase == BULK_UNDONE || phase == BULK_ASIDE;
}

// How many effects the list has for this lane in the `per` before now, those let in now included.
static unsigned effects_in(const struct play *p, size_t limit, uint16_t lane)
{
	unsigned n = 0;
	for (size_t e = 0; e < p->count; e++)
		n += (p->events[e].limits >> limit & 1) != 0 &&
		     p->zone_lanes[p->events[e].zone][limit] == lane &&
		     p->events[e].at_ms > p->now_ms - p->b.limits[limit].per_ms;
	return n;
}

static unsigned zones_in(const struct play *p, size_t limit, uint16_t lane)
{
	unsigned n = 0;
	for (size_t i = 0; i < p->b.zone_count; i++)
		n += p->s->zones[i].phase == BULK_STARTED && p->zone_lanes[i][limit] == lane;
	return n;
}

static bool may_start(const struct play *p, size_t i)
{
	unsigned at_once = 0;
	for (size_t k = 0; k < p->b.zone_count; k++) {
		if (p->zones[k].wave < p->zones[i].wave && !is_over(p->s->zones[k].phase))
			return false;
		at_once += p->s->zones[k].phase == BULK_STARTED;
	}
	for (size_t l = 0; l < p->b.limit_count; l++)
		if (p->b.limits[l].zones > 0 &&
		        zones_in(p, l, p->zone_lanes[i][l]) >= p->b.limits[l].zones)
			return false;
	bool soaks = p->b.has_canary && p->zones[i].wave > 0 &&
	             p->now_ms < p->s->canary_over_ms + p->b.soak_ms;
	return !p->s->halted && !soaks && at_once < p->b.at_once;
}

static bool may_act(const struct play *p, size_t i)
{
	const struct bulk_zone_state *z = &p->s->zones[i];
	for (size_t l = 0; l < p->b.limit_count; l++)
		if ((z->wish.limits >> l & 1) != 0 && p->b.limits[l].effects > 0 &&
		        effects_in(p, l, p->zone_lanes[i][l]) >= p->b.limits[l].effects)
			return false;
	return z->wish.back || (!p->s->halted && !z->held);
}

static bool goes_before(const struct play *p, size_t a, size_t b)
{
	const struct bulk_wish *x = &p->s->zones[a].wish, *y = &p->s->zones[b].wish;
	if (x->back != y->back)
		return x->back;
	if (p->zones[a].wave != p->zones[b].wave)
		return p->zones[a].wave < p->zones[b].wave;
	return x->since_ms != y->since_ms ? x->since_ms < y->since_ms : a < b;
}

// Whoever is first of those that are left to ask.
static int next_wish(const struct play *p, const bool *asked)
{
	int first = -1;
	for (size_t i = 0; i < p->b.zone_count; i++)
		if (!asked[i] && p->s->zones[i].phase == BULK_STARTED &&
		        p->s->zones[i].wish.is_set &&
		        (first < 0 || goes_before(p, i, (size_t)first)))
			first = (int)i;
	return first;
}

// One after the other, everything done at once: the decision must have said the same of each.
static void carry_out(struct play *p)
{
	bool may[ZONES], asked[ZONES] = {false};
	bulk_decide(p->s, p->now_ms, &p->dn);
	for (size_t i = 0; i < p->b.zone_count; i++)
		may[i] = p->dn.turns[i].may;
	for (int i = next_wish(p, asked); i >= 0; i = next_wish(p, asked)) {
		asked[i] = true;
		if (may[i] != may_act(p, (size_t)i))
			fail_msg("seed %llu: zone %d: the twin says %d",
			        (unsigned long long)p->seed, i, !may[i]);
		if (may[i])
			let_act(p, (size_t)i);
	}
	for (size_t i = 0; i < p->b.zone_count; i++) {
		if (p->s->zones[i].phase != BULK_TO_COME)
			continue;
		if (may[i] != may_start(p, i))
			fail_msg("seed %llu: zone %zu: the twin says %d",
			        (unsigned long long)p->seed, i, !may[i]);
		if (may[i])
			tell_state(p, i, "started");
	}
}

// ---- What must hold --------------------------------------------------------------------------

static void check_why(struct play *p)
{
	bulk_decide(p->s, p->now_ms, &p->dn);
	for (size_t i = 0; i < p->b.zone_count; i++) {
		const struct bulk_turn *t = &p->dn.turns[i];
		const struct bulk_zone_state *z = &p->s->zones[i];
		bool wants =
		        z->phase == BULK_TO_COME || (z->phase == BULK_STARTED && z->wish.is_set);
		assert_false(t->may && !wants);
		if (wants && !t->may && t->why == BULK_NO_REASON)
			fail_msg("seed %llu: zone %zu waits for no reason",
			        (unsigned long long)p->seed, i);
		if (t->until_ms != TIME_NEVER_MS && t->until_ms <= p->now_ms && !t->may && wants)
			fail_msg("seed %llu: zone %zu waits until a time that is over",
			        (unsigned long long)p->seed, i);
	}
}

// Of the whole run: in no stretch of time more than the limit.
static void check_rates(const struct play *p)
{
	for (size_t lane = 0; lane < p->b.lane_count; lane++) {
		size_t l = p->lanes[lane].limit;
		const struct bulk_limit *limit = &p->b.limits[l];
		for (size_t e = 0; limit->effects > 0 && e < p->count; e++) {
			unsigned n = 0;
			for (size_t k = e; k < p->count; k++)
				n += p->events[k].at_ms < p->events[e].at_ms + limit->per_ms &&
				     (p->events[k].limits >> l & 1) != 0 &&
				     p->zone_lanes[p->events[k].zone][l] == lane;
			if (n > limit->effects)
				fail_msg("seed %llu: %u effects in lane %zu",
				        (unsigned long long)p->seed, n, lane);
		}
	}
}

static void check_waves(const struct play *p)
{
	for (size_t i = 0; i < p->b.zone_count; i++)
		for (size_t k = 0; p->s->zones[i].phase == BULK_TO_COME && k < p->b.zone_count; k++)
			if (p->zones[k].wave > p->zones[i].wave && p->s->zones[k].effects > 0 &&
			        p->s->zones[i].effects == 0 && p->s->zones[i].phase_wall_ms == 0)
				fail_msg("seed %llu: zone %zu acted before zone %zu had started",
				        (unsigned long long)p->seed, k, i);
}

static uint64_t first_seed(void)
{
	const char *given = getenv("BATON_TEST_SEED");
	struct random random = random_system();
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : random_below(&random, 1000000);
	print_message("# BATON_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed * 10000;
}

static void it_agrees_with_its_twin(void **state)
{
	(void)state;
	static struct play p;
	uint64_t seed = first_seed();
	unsigned effects = 0, waits = 0;
	for (int run = 0; run < (getenv("BATON_TEST_FULL") != NULL ? 5000 : 300); run++) {
		make(&p, seed + (uint64_t)run);
		for (int i = 0; i < STEPS; i++) {
			one_event(&p);
			carry_out(&p);
			check_why(&p);
			waits += (unsigned)p.dn.waiting[BULK_RATE];
		}
		check_rates(&p);
		check_waves(&p);
		effects += (unsigned)p.count;
		arena_free(p.arena);
	}
	// The runs are worth something.
	assert_true(effects > 1000 && waits > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_agrees_with_its_twin)};
	return cmocka_run_group_tests_name("bulk", tests, NULL, NULL);
}
