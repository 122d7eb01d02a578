#include "cmd/scenario_options.h"

enum result scenario_take_options(struct scenario *scenario, const struct procedure *procedure,
        const char *ttls, const char *lags, struct error *err)
{
	enum result result = RESULT_OK;
	const char *option = "--ttl: ";
	if (ttls != NULL)
		result = scenario_parse_ttls(scenario, ttls, err);
	if (result == RESULT_OK && lags != NULL) {
		option = "--lag: ";
		result = scenario_parse_lags(scenario, procedure, lags, err);
	}
	if (result != RESULT_OK)
		error_prefix(err, "%s", option);
	return result;
}
