// fuzz: links dep_procedure
// fuzz: seeds procedures
// fuzz: seeds procedures/as-published
// Any octets as a procedure: refused with a place, or planned, checked and drawn without a
// contradiction.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "procedure/render.h"

// Checking takes twice as long with every change; what is wrong with many steps is wrong with few.
#define MAX_STEPS_PLANNED 16
#define MAX_STEPS_CHECKED 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_steps(const struct plan *plan)
{
	int64_t last_ms = plan->scenario.start_ms;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		if (step->state != PLAN_STEP_PLANNED)
			continue;
		require(step->start_ms >= last_ms && step->start_ms <= step->everywhere_ms);
		require(plan->procedure->as_written || step->start_ms >= step->safe_ms);
		require(step->start_ms < step->until_ms || plan->procedure->as_written);
		last_ms = step->start_ms;
	}
}

static void check_drawings(const struct plan *plan)
{
	struct render_context context = {"z", 0};
	struct buffer out = buffer_init(4 << 20);
	struct error err = {0};
	plan_write_text(plan, &context, &out);
	plan_write_svg(plan, &context, &out);
	require(!out.failed);
	buffer_clear(&out);
	require(plan_write_json(plan, &context, &out, &err) == RESULT_OK ||
	        err.code == RESULT_MEMORY);
	buffer_free(&out);
}

static void check_plan(struct arena *arena, const struct procedure *p)
{
	struct scenario s;
	struct plan *plan;
	struct error err = {0};
	scenario_init(&s, p);
	if (plan_make(arena, p, &s, NULL, &plan, &err) != RESULT_OK) {
		require(err.text[0] != '\0');
		return;
	}
	check_steps(plan);
	check_drawings(plan);
	// What is planned step by step must hold as a whole; only what was broken before may fail.
	if (plan->possible && !plan->broken && !p->as_written && s.signed_until_ms == TIME_NEVER_MS)
		for (int i = 0; i < SAFETY_PATHS; i++)
			require(plan->verdict.path[i].word <= SAFETY_INSECURE);
	plan_free(plan);
	struct check_report report;
	if (p->step_count <= MAX_STEPS_CHECKED &&
	        check_procedure(arena, p, &s, &report, &err) == RESULT_OK)
		for (size_t i = 0; i < report.finding_count; i++)
			require(report.findings[i].text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	require(arena != NULL);
	const struct procedure *p;
	struct error err = {0};
	if (procedure_parse(arena, "fuzz", (const char *)data, size, &p, &err) != RESULT_OK)
		require(strncmp(err.text, "fuzz:", 5) == 0);
	else if (p->step_count <= MAX_STEPS_PLANNED)
		check_plan(arena, p);
	arena_free(arena);
	return 0;
}
