// operator-change to its end.
#include "scene.h"

#include <stdio.h>

static void cooperative_change_is_safe_to_its_end(void **state)
{
	(void)state;
	struct scene *s = scene_new(&(struct scene_options){.seed = 1});
	scene_run(s, 30 * DAY_MS);
	fprintf(stderr, "%s\n%s\nend %d %s; %lld days\n", buffer_text(&s->log),
	        buffer_text(&s->screen), s->end, s->err.text,
	        (long long)(loop_now_ms(s->loop) / DAY_MS));
	if (s->end != CHANGE_FINISHED)
		scene_free(s);
	assert_int_equal(s->end, CHANGE_FINISHED);
	scene_judge(s, SAFETY_SAFE);
	scene_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(cooperative_change_is_safe_to_its_end),
	};
	return cmocka_run_group_tests_name("operator change", tests, NULL, NULL);
}
