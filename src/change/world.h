// What a change knows about the zone at an instant: the subject that is observed, the parties'
// keys, and a safety history with the procedure's symbols bound to it. No I/O.
//
//     struct observe_subject *subject;
//     change_subject_new(definition, &subject, err);           // who is asked
//     struct observe_view *view = observe_view_new(subject);
//     …rounds are fed into the view…
//     json_t *keys;                                            // once: losing.zsk is these keys
//     change_keys_find(definition, view, now_ms, &keys, err);
//     change_keys_tell(definition, keys, view, err);
//     struct world w;                                          // from now on, at any instant:
//     change_world_at(definition, view, keys, now_ms, &w, err);
//     procedure_effect(definition->procedure, step->acts, step->act_count, &w.history, &w.binding,
//             &effect, err);
//     change_world_free(&w);
//
// Keys are a JSON object, as the journal keeps it:
//
//     {"digests": [2], "keys": {"losing.ksk": ["257 3 13 …"], "losing.zsk": ["256 3 13 …"]}}
//
// Subject, view and keys are the caller's to free, each by itself; a world has copies of what it
// needs of them.
#pragma once

#include <jansson.h>

#include "change/definition.h"
#include "observe/view.h"

struct world {
	int64_t now_ms;
	struct safety_history history;
	struct observe_gaps gaps;
	struct procedure_binding binding;
};

// The group number of a party that publishes: by its place among those of the procedure, the parent
// is 0. -1 where it publishes nothing.
int change_publisher(const struct change_definition *definition, int party);
// The party behind a group number; PROCEDURE_PARENT for 0.
int change_party_of(const struct change_definition *definition, int publisher);

// Whom to ask, from the definition alone, so that a verifier gets the same. The caller frees it.
enum result change_subject_new(const struct change_definition *definition,
        struct observe_subject **subject, struct error *err);

// Gives the procedure's symbols to the keys that the operators serve now, and to those that the
// definition tells. RESULT_NOT_FOUND, with a sentence, for a key to come that it does not tell, and
// while something that is needed for that is not seen on every address, or is not
// verified.
enum result change_keys_find(const struct change_definition *definition,
        const struct observe_view *view, int64_t now_ms, json_t **keys, struct error *err);

// Names the keys in a view, which makes the ones known that it has not seen. Done once for each
// view.
enum result change_keys_tell(const struct change_definition *definition, const json_t *keys,
        struct observe_view *view, struct error *err);

// History and binding at now_ms; keys NULL leaves the symbols unbound. DS records of bound keys are
// in the history's table even where nobody has seen them yet. RESULT_MEMORY, RESULT_LIMIT,
// RESULT_CORRUPT.
enum result change_world_at(const struct change_definition *definition,
        const struct observe_view *view, const json_t *keys, int64_t now_ms, struct world *world,
        struct error *err);
void change_world_free(struct world *world);
