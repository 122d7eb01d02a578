// The engine is killed: at every point that it reaches, for every step, and by chance.
//
// A run without a kill tells how many points there are. Then each of them gets a run of its own, in
// which the engine is ended there without writing anything more, and a new one goes on from the
// journal. An ordinary run takes a sample of the points, BATON_TEST_FULL=1 all of them.
#include "scene.h"

#include <stdio.h>
#include <string.h>

static const struct scene_options usual = {.seed = 21, .poll = "12h", .lag = "6h"};

// How many updates and commands changed something, and who signs in the end.
struct ending {
	unsigned gaining, losing, parent;
	uint64_t ds, keys;
	bool serving;
	int64_t took_ms;
};

static struct ending ending_of(struct scene *s)
{
	return (struct ending){.gaining = simdns_changes(s->dns, SIMDNS_GAINING),
	        .losing = simdns_changes(s->dns, SIMDNS_LOSING),
	        .parent = simdns_changes(s->dns, SIMDNS_PARENT),
	        .ds = simdns_ds(s->dns),
	        .keys = simdns_keys(s->dns, SIMDNS_GAINING),
	        .serving = simdns_serving(s->dns, SIMDNS_LOSING),
	        .took_ms = loop_now_ms(s->loop)};
}

static void expect_same(const struct scene *s, const struct ending *one, const struct ending *other)
{
	if (one->gaining != other->gaining || one->losing != other->losing ||
	        one->parent != other->parent || one->ds != other->ds || one->keys != other->keys ||
	        one->serving != other->serving)
		fail_msg("killed in %s at point %d it ends otherwise: %s", s->killed_step,
		        (int)s->killed_at, buffer_text(&s->log));
}

static void finish(struct scene *s)
{
	for (int i = 0; i < 200; i++) {
		scene_run(s, 60 * DAY_MS);
		if (!s->killed)
			break;
	}
	if (s->end != CHANGE_FINISHED)
		fail_msg("killed in %s at point %d it does not finish: %s%s%s", s->killed_step,
		        (int)s->killed_at, buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
}

static struct ending undisturbed(const struct scene_options *o, unsigned *points)
{
	struct scene *s = scene_new(o);
	finish(s);
	struct ending end = ending_of(s);
	*points = s->reached;
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
	return end;
}

// The wait that is kept: a kill costs a pause of two looks and the time to see it, not a TTL.
static void kill_at(const struct scene_options *o, unsigned point, const struct ending *expected)
{
	struct scene *s = scene_new(o);
	s->kill_at = point;
	finish(s);
	assert_true(s->killed_step[0] != '\0');
	struct ending end = ending_of(s);
	expect_same(s, &end, expected);
	if (end.took_ms > expected->took_ms + 2 * DAY_MS)
		fail_msg("killed in %s at point %d it takes %lld h more: %s", s->killed_step,
		        (int)s->killed_at, (long long)((end.took_ms - expected->took_ms) / HOUR_MS),
		        buffer_text(&s->log));
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static bool in_sample(unsigned point, unsigned points)
{
	return scene_full() || point % 8 == (scene_seed() + point / 8) % 8 || points < 8;
}

static void killed_at_every_point_it_ends_the_same(void **state)
{
	(void)state;
	unsigned points;
	struct ending expected = undisturbed(&usual, &points);
	assert_true(points > 50);
	for (unsigned point = 1; point <= points; point++)
		if (in_sample(point, points))
			kill_at(&usual, point, &expected);
}

// A server has made the change, and nobody is left to hear it.
static unsigned changes_of(const struct scene *s)
{
	return simdns_changes(s->dns, SIMDNS_GAINING) + simdns_changes(s->dns, SIMDNS_LOSING) +
	       simdns_changes(s->dns, SIMDNS_PARENT);
}

static void kill_again(struct scene *s, enum change_said what, const char *step, const char *text)
{
	(void)step;
	(void)text;
	if (what == CHANGE_SAID_ACT)
		s->kill_on_change = true;
}

static void killed_after_each_update_was_made_it_makes_none_twice(void **state)
{
	(void)state;
	unsigned points;
	struct ending expected = undisturbed(&usual, &points);
	struct scene *s = scene_new(&usual);
	s->on_said = kill_again;
	finish(s);
	struct ending end = ending_of(s);
	expect_same(s, &end, &expected);
	assert_int_equal(changes_of(s), 7);
	// Each was seen, not repeated.
	assert_int_equal(simdns_updates(s->dns, SIMDNS_PARENT), 3);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// At the first points that a new engine reaches, again and again.
static void killed_all_the_time_it_still_ends(void **state)
{
	(void)state;
	unsigned points;
	struct ending expected = undisturbed(&usual, &points);
	struct scene *s = scene_new(&usual);
	for (unsigned kills = 0; kills < 80; kills++) {
		// Further now and then: else nothing would ever be sent.
		s->kill_at = s->reached + 1 + kills % 7;
		scene_run(s, 60 * DAY_MS);
		if (!s->killed)
			break;
	}
	assert_int_equal(s->end, CHANGE_FINISHED);
	struct ending end = ending_of(s);
	expect_same(s, &end, &expected);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// Stopped while it waits, for a while, and started again.
static void a_restart_keeps_the_waits(void **state)
{
	(void)state;
	unsigned points;
	struct ending expected = undisturbed(&usual, &points);
	struct scene *s = scene_new(&usual);
	for (int i = 0; i < 200 && s->end == CHANGE_RUNNING; i++) {
		scene_run(s, 7 * HOUR_MS);
		if (s->end == CHANGE_RUNNING) {
			scene_stop(s);
			loop_run(s->loop, loop_now_ms(s->loop) + HOUR_MS);
		}
	}
	assert_int_equal(s->end, CHANGE_FINISHED);
	struct ending end = ending_of(s);
	expect_same(s, &end, &expected);
	assert_true(end.took_ms < expected.took_ms + 4 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

// ---- By chance -------------------------------------------------------------------------------

static void one_by_chance(uint64_t seed)
{
	struct random_seeded state;
	struct random random = random_from_seed(&state, seed);
	struct scene_options o = {.seed = seed, .poll = "12h"};
	struct scene *s = scene_new(&o);
	o.stop_once = random_below(&random, 2) == 1;
	for (int i = 0; i < 300; i++) {
		uint64_t what = random_below(&random, 4);
		int publisher = (int)random_below(&random, SIMDNS_PUBLISHERS);
		s->kill_at = what == 0 ? s->reached + 1 + (unsigned)random_below(&random, 12) : 0;
		s->kill_on_change = what == 1;
		if (what == 2)
			simdns_next(s->dns, publisher,
			        (enum simdns_manner)(1 + random_below(&random, 4)),
			        1 + (unsigned)random_below(&random, 2));
		scene_run(s, (int64_t)random_below(&random, 4 * DAY_MS));
		if (s->end != CHANGE_RUNNING && !s->killed)
			break;
		if (random_below(&random, 3) == 0)
			scene_stop(s);
	}
	if (s->end != CHANGE_FINISHED)
		fail_msg("seed %llu does not finish: %s%s", (unsigned long long)seed,
		        buffer_text(&s->log), buffer_text(&s->screen));
	scene_verify(s);
	enum safety_word truth = scene_truth(s);
	if (truth != SAFETY_SAFE)
		fail_msg("seed %llu: %s", (unsigned long long)seed, buffer_text(&s->log));
	scene_free(s);
}

static void kills_and_faults_by_chance_never_harm(void **state)
{
	(void)state;
	uint64_t seed = scene_seed();
	for (int i = 0; i < (scene_full() ? 100 : 6); i++)
		one_by_chance(seed * 1000 + (uint64_t)i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(killed_at_every_point_it_ends_the_same),
	        cmocka_unit_test(killed_after_each_update_was_made_it_makes_none_twice),
	        cmocka_unit_test(killed_all_the_time_it_still_ends),
	        cmocka_unit_test(a_restart_keeps_the_waits),
	        cmocka_unit_test(kills_and_faults_by_chance_never_harm),
	};
	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
