// Overlays: one's own variation of a procedure as a small file over it. PURE.
//
//     overlay: ksk-rollover
//     procedure: acme-ksk-rollover
//     rename: {sponsor: acme}
//     drop: [report]
//     steps:
//       exchange-ds: {approve: [acme], within: 3d, else: ask}
//     add:
//       - {id: freeze, before: exchange-ds, by: acme, does: announce a freeze, undo: nothing}
//
// overlay_apply() makes one document of both, in which every node still knows the file, line and
// column that it was written at. It is then parsed and checked like any other procedure.
// docs/man/baton-procedure.5 explains the members.
//
// The trees share nodes and live in the arena; neither is changed. RESULT_INPUT with the place in
// the overlay, RESULT_MEMORY.
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/yaml.h"

// Is it an overlay, by its first word?
bool overlay_is_one(const struct yaml_node *root);
// What it is over: a name in the library or a path from the overlay's folder.
enum result overlay_base(const struct yaml_node *overlay, const char **name, struct error *err);
enum result overlay_apply(struct arena *arena, const struct yaml_node *overlay,
        const struct yaml_node *base, const struct yaml_node **merged, struct error *err);

// The base with parties renamed, old name to new: wherever the language means a party; texts for
// people stay as they are. Part of overlay_apply().
enum result overlay_rename(struct arena *arena, const struct yaml_node *base,
        const struct yaml_node *names, const struct yaml_node **renamed, struct error *err);

// Writes a document as YAML that parses to the same tree, but for places.
void overlay_write(const struct yaml_node *root, struct buffer *out);
