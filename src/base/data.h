// Files that come with Baton: the procedure library, the lab's templates.
#pragma once

#include "base/arena.h"
#include "base/error.h"

// The path of "procedures/operator-change.yaml", say: below $BATON_DATA, else in the source tree
// that this was built from, else in the installed data folder; the first where the file exists.
// RESULT_NOT_FOUND.
enum result data_path(struct arena *arena, const char *name, const char **path, struct error *err);
