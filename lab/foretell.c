#include "foretell.h"

#include "base/clock.h"
#include "change/definition.h"
#include "procedure/plan.h"

static void fill_scenario(
        const struct lab_info *info, const struct change_definition *d, struct scenario *scenario)
{
	static const struct {
		enum procedure_ttl kind;
		enum lab_ttl of_lab;
	} ttls[] = {{PROCEDURE_TTL_DS, LAB_TTL_DS}, {PROCEDURE_TTL_DS_NONE, LAB_TTL_DS_NONE},
	        {PROCEDURE_TTL_PARENT_NS, LAB_TTL_PARENT_NS},
	        {PROCEDURE_TTL_CHILD_NS, LAB_TTL_CHILD_NS}, {PROCEDURE_TTL_DNSKEY, LAB_TTL_DNSKEY}};
	scenario_init(scenario, d->procedure);
	for (size_t i = 0; i < sizeof(ttls) / sizeof(ttls[0]); i++)
		scenario_set_ttl(scenario, ttls[i].kind, info->ttl_s[ttls[i].of_lab] * SECOND_MS);
	scenario_set_ttl(scenario, PROCEDURE_TTL_DATA, d->data_ttl_s * SECOND_MS);
	scenario->lag_ms[0] = d->parties[d->parent].lag_ms + 2 * d->poll_ms;
	for (size_t i = 0; i < d->procedure->party_count; i++)
		scenario->lag_ms[i + 1] = d->parties[i].lag_ms + 2 * d->poll_ms;
	for (size_t i = 0; i < d->procedure->step_count; i++)
		scenario->delay_ms[i] = d->poll_ms;
}

enum result foretell_insecure(const struct lab *lab, int64_t *insecure_ms, struct error *err)
{
	const struct change_definition *d;
	struct plan *plan;
	struct arena *arena = arena_new(64u << 20);
	struct scenario *scenario = arena != NULL ? arena_alloc(arena, sizeof(*scenario)) : NULL;
	if (scenario == NULL) {
		arena_free(arena);
		return error_set(err, RESULT_MEMORY, "out of memory");
	}
	const char *path = arena_printf(arena, "%s/change.yaml", lab_info(lab)->dir);
	enum result result = change_definition_load(arena, path, &d, err);
	if (result == RESULT_OK) {
		fill_scenario(lab_info(lab), d, scenario);
		result = plan_make(arena, d->procedure, scenario, NULL, &plan, err);
	}
	if (result == RESULT_OK) {
		*insecure_ms = plan->insecure_ms;
		plan_free(plan);
	}
	arena_free(arena);
	return result;
}
