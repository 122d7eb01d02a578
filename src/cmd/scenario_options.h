// --ttl and --lag, which `baton check` and `baton plan` share.
#pragma once

#include "procedure/plan.h"

// Each is the option's text, or NULL where it is not given. Errors begin with the option's name.
enum result scenario_take_options(struct scenario *scenario, const struct procedure *procedure,
        const char *ttls, const char *lags, struct error *err);
