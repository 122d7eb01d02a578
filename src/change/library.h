// Procedures in files: those of the library, by name; others, by path; and overlays over either.
//
//     const char *path;
//     const struct yaml_node *root;
//     if (library_path(arena, "operator-change", &path, &err) != RESULT_OK ||
//             library_read(arena, path, &root, &err) != RESULT_OK ||
//             procedure_from_yaml(arena, root, &p, &err) != RESULT_OK)
//             die_usage("%s", err.text);
//
// Everything read lives in the arena. Errors are those of file_read, yaml_parse, overlay_apply and
// procedure_from_yaml: what an overlay breaks in the procedure that it is over is said with the
// place in the overlay.
#pragma once

#include "base/arena.h"
#include "base/yaml.h"

// The path of a procedure: a word with '/' or '.' in it is one, any other is a name in the library.
// RESULT_NOT_FOUND, RESULT_MEMORY.
enum result library_path(
        struct arena *arena, const char *name, const char **path, struct error *err);

// Reads a document that may be a procedure: anything else is returned as it is, too; an overlay is
// laid over its procedure, and the whole is known to be one.
enum result library_read(
        struct arena *arena, const char *path, const struct yaml_node **root, struct error *err);

// The text of a procedure as a journal keeps it: that of the file; of an overlay the whole
// procedure, written out, so that it can be read without the files that it came from.
enum result library_text(struct arena *arena, const char *path, const char **text, size_t *length,
        struct error *err);
