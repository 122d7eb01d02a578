// A change as commands name it: its definition (YAML) or its journal.
#pragma once

#include "change/definition.h"
#include "change/replay.h"
#include "journal/journal.h"

// The journal's path and the definition. `given` is a YAML file, or a journal in which a change has
// begun. Definition and path live in the arena.
enum result change_file_open(struct arena *arena, const char *given,
        const struct change_definition **definition, const char **journal_path, struct error *err);

// Everything that the journal says of the change. replay_free() by the caller.
enum result change_file_replay(const char *journal_path, struct replay *replay, struct error *err);
