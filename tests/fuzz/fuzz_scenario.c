// fuzz: links dep_lab
// fuzz: seeds lab/scenarios
// fuzz: seeds lab/scenarios/predicted
// Any octets as a scenario of the lab, and as a timeline that the lab is to play: refused with a
// place, or read.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "scenario.h"

// Judging takes longer with every event.
#define MAX_TIMELINE 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_scenario(const struct scenario *s)
{
	size_t marks = 0;
	require(s->name != NULL && s->about != NULL && s->steps <= SCENARIO_MAX_STEPS);
	for (size_t i = 0; i < s->steps; i++) {
		require(s->step[i].time_ms >= 0);
		marks += s->step[i].action == SCENARIO_MARK || s->step[i].action == SCENARIO_PLAY;
	}
	require(marks <= SCENARIO_MAX_MARKS);
	require(s->prober.rate >= 1 && s->prober.timeout_ms > 0);
	require(!s->expect.predicted || s->play != NULL);
	for (int i = 0; i < LAB_TTL_COUNT; i++)
		require(s->ttl_s[i] <= LAB_TTL_MAX_S);
}

static void check_play(const struct play *play)
{
	require(play->acts >= 1 && play->acts <= PLAY_MAX_ACTS);
	for (size_t i = 0; i < play->acts; i++) {
		const struct play_act *act = &play->act[i];
		require(act->at_ms >= 0 && act->count <= PLAY_MAX_LINES);
		require(i == 0 || play->act[i - 1].at_ms <= act->at_ms);
	}
	for (int i = 0; i < SAFETY_PATHS; i++) {
		const struct play_forecast *f = &play->forecast[i];
		require((f->word >= SAFETY_BOGUS) == (f->bogus_ms != TIME_NEVER_MS));
		require(f->word == SAFETY_SAFE || f->witness[0] != '\0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	struct scenario *scenario;
	struct play *play;
	struct error err = {0};
	require(arena != NULL);
	if (scenario_parse(arena, "fuzz", (const char *)data, size, &scenario, &err) == RESULT_OK)
		check_scenario(scenario);
	else
		require(strstr(err.text, "fuzz") != NULL);
	if (size <= MAX_TIMELINE) {
		if (play_parse(arena, "fuzz", (const char *)data, size, &play, &err) == RESULT_OK)
			check_play(play);
		else
			require(strncmp(err.text, "fuzz:", 5) == 0);
	}
	arena_free(arena);
	return 0;
}
