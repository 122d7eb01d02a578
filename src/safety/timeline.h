// Timeline files: what publishers served and when, as YAML, for tests, post-mortems and what-ifs.
//
//     struct timeline tl;
//     if (timeline_parse(arena, "outage.yaml", data, length, &tl, &err) == RESULT_OK) {
//             struct safety_verdict v;
//             safety_judge(&tl.history, &tl.readers, 0, tl.until_ms, &v);
//             timeline_free(&tl);
//     }
//
// The format is described in docs/man/baton-timeline.5. Texts live in the arena, the history's
// editions on the heap: timeline_free().
#pragma once

#include "base/arena.h"
#include "base/yaml.h"
#include "safety/safety.h"

#define TIMELINE_MAX_EVENTS 2000

struct timeline {
	const char *name, *about;
	struct safety_history history;
	struct safety_readers readers;
	int64_t until_ms;
	bool has_expect[SAFETY_PATHS];
	enum safety_word expect[SAFETY_PATHS];
};

// RESULT_INPUT with file:line:column for anything that is not a timeline; nothing has to be freed
// then.
enum result timeline_parse(struct arena *arena, const char *file, const char *data, size_t length,
        struct timeline *timeline, struct error *err);
enum result timeline_from_yaml(struct arena *arena, const struct yaml_node *root,
        struct timeline *timeline, struct error *err);
void timeline_free(struct timeline *timeline);
