// Servers whose answers change without any change: signatures made anew for each answer, TTLs that
// count down. The change goes its way, and the journal stays small.
#include "scene.h"

#include <string.h>

static void finish(struct scene *s, int64_t for_ms)
{
	scene_run(s, for_ms);
	if (s->end != CHANGE_FINISHED)
		fail_msg("not finished: %s%s%s", buffer_text(&s->log), buffer_text(&s->screen),
		        s->err.text);
}

// How long a change takes, and how many observations are recorded, with servers that are calm.
static int64_t calm_ms(unsigned *records)
{
	struct scene *s = scene_new(&(struct scene_options){.seed = 5, .poll = "1h"});
	int64_t begin_ms = scene_wall_ms(s);
	finish(s, 30 * DAY_MS);
	*records = scene_records(s, JOURNAL_OBSERVATION, NULL);
	int64_t took_ms = scene_wall_ms(s) - begin_ms;
	scene_free(s);
	return took_ms;
}

static void compare(struct scene *s)
{
	unsigned calm, restless;
	int64_t calm_took_ms = calm_ms(&calm), begin_ms = scene_wall_ms(s);
	finish(s, 30 * DAY_MS);
	restless = scene_records(s, JOURNAL_OBSERVATION, NULL);
	print_message("# %u observations recorded of calm servers, %u of restless ones\n", calm,
	        restless);
	assert_true(restless <= calm + calm / 4 + 10);
	assert_true(scene_wall_ms(s) - begin_ms <= calm_took_ms + 6 * HOUR_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

static void signatures_made_anew_for_each_answer(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 5, .poll = "1h"});
	simdns_sign_online(s->dns, 60 * 86400);
	compare(s);
}

static void ttls_that_count_down(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 5, .poll = "1h"});
	simdns_count_down(s->dns, SIMDNS_PARENT);
	compare(s);
}

// Killed and started again many times.
static void restless_servers_and_an_engine_that_is_restarted(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 6, .poll = "1h"});
	simdns_sign_online(s->dns, 60 * 86400);
	simdns_count_down(s->dns, SIMDNS_PARENT);
	for (int i = 0; i < 60 && s->end == CHANGE_RUNNING; i++) {
		scene_run(s, 11 * HOUR_MS);
		scene_stop(s);
	}
	finish(s, 30 * DAY_MS);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(signatures_made_anew_for_each_answer),
	        cmocka_unit_test(ttls_that_count_down),
	        cmocka_unit_test(restless_servers_and_an_engine_that_is_restarted),
	};
	return cmocka_run_group_tests_name("scenario restless", tests, NULL, NULL);
}
