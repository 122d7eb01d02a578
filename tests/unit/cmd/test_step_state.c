// How steps stand, in words: what is next for a step counts before what has been.
#include "cmd/step_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct progress progress;
static struct decision decision;

static void set(int step, enum deed_state state, bool skipped)
{
	progress.steps[step].forward.state = state;
	progress.steps[step].skipped = skipped;
}

static struct move *next(enum move_kind kind, int step)
{
	decision.moves[decision.count] = (struct move){.kind = kind, .step = step};
	return &decision.moves[decision.count++];
}

static int clear(void **state)
{
	(void)state;
	progress = (struct progress){0};
	decision.count = 0;
	return 0;
}

static void what_has_been(void **state)
{
	set(0, DEED_EVERYWHERE, false);
	set(1, DEED_NOT_BEGUN, true);
	set(2, DEED_ACTED, false);
	assert_string_equal(step_state_of(&progress, NULL, 0, true).word, "done");
	assert_string_equal(step_state_of(&progress, &decision, 1, false).word, "skipped");
	assert_string_equal(step_state_of(&progress, &decision, 2, false).word, "");
	assert_null(step_state_of(&progress, &decision, 0, false).move);
	(void)state;
}

static void what_is_next_counts_first(void **state)
{
	set(0, DEED_EVERYWHERE, false); // and is to be taken back
	next(MOVE_WAIT, 0)->undo = true;
	next(MOVE_STUCK, 1);
	struct step_state back = step_state_of(&progress, &decision, 0, true);
	assert_string_equal(back.word, "waits");
	assert_ptr_equal(back.move, &decision.moves[0]);
	assert_string_equal(step_state_of(&progress, &decision, 1, true).word, "stuck");
	(void)state;
}

// In the turn that sees a step everywhere the decision is older than the progress.
static void what_is_over_is_over(void **state)
{
	set(0, DEED_EVERYWHERE, false);
	next(MOVE_SEEN, 0);
	set(1, DEED_NOT_BEGUN, true);
	next(MOVE_SKIP, 1);
	assert_string_equal(step_state_of(&progress, &decision, 0, true).word, "done");
	assert_null(step_state_of(&progress, &decision, 0, true).move);
	assert_string_equal(step_state_of(&progress, &decision, 1, true).word, "skipped");
	(void)state;
}

static void a_turn_says_least(void **state)
{
	next(MOVE_TURN, 0);
	assert_string_equal(step_state_of(&progress, &decision, 0, false).word, "safe now");
	next(MOVE_PERSON, 0);
	next(MOVE_TURN, 0);
	assert_string_equal(step_state_of(&progress, &decision, 0, false).word, "needs a person");
	(void)state;
}

static void what_is_safe_is_done_where_it_runs(void **state)
{
	next(MOVE_ACT, 0);
	assert_string_equal(step_state_of(&progress, &decision, 0, false).word, "safe now");
	assert_string_equal(step_state_of(&progress, &decision, 0, true).word, "acts");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(what_has_been, clear),
	        cmocka_unit_test_setup(what_is_next_counts_first, clear),
	        cmocka_unit_test_setup(what_is_over_is_over, clear),
	        cmocka_unit_test_setup(a_turn_says_least, clear),
	        cmocka_unit_test_setup(what_is_safe_is_done_where_it_runs, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
