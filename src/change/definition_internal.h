// Private to src/change: the parts of a definition that are read in files of their own.
#pragma once

#include "base/yaml.h"
#include "change/definition.h"

// The mapping `technical`. RESULT_INPUT with file:line:column, RESULT_LIMIT.
enum result change_technical_read(struct arena *arena, const char *file,
        const struct yaml_node *map, struct change_technical *technical, struct error *err);
