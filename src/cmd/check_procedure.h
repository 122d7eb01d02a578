// The part of `baton check` that is about procedures.
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/yaml.h"

struct check_options {
	bool json;
	const char *ttls, *lags; // as given, NULL where not
};

// Checks, prints, and returns the exit status of this file.
int check_file_procedure(struct arena *arena, const char *file, const struct yaml_node *root,
        const struct check_options *options);
