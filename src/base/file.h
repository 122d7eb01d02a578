// Whole files in, whole files out.
//
//     char *data;
//     size_t length;
//     if (file_read(arena, "plan.yaml", 1 << 20, &data, &length, &err) != RESULT_OK)
//             return err.code;
//     ...
//     return file_replace("plan.json", out.data, out.length, &err);
//
// What is read lives in the arena. Errors: RESULT_SYSTEM with the system's reason, RESULT_LIMIT,
// RESULT_MEMORY, RESULT_INPUT for an impossible path; the text begins with the path.
#pragma once

#include "base/arena.h"
#include "base/error.h"

// Reads a file ("-" is standard input) of at most max_octets into the arena, with a NUL behind it
// that *length does not count. RESULT_LIMIT where it is longer.
enum result file_read(struct arena *arena, const char *path, size_t max_octets, char **data,
        size_t *length, struct error *err);

// Replaces a file in one step: a temporary file beside it, fsync, rename. The permissions of a file
// that is there stay; a symbolic link becomes a file. On failure the old file is untouched and
// nothing is left behind.
enum result file_replace(const char *path, const void *data, size_t length, struct error *err);

// A path that stands in a file: relative to the folder that the file is in. In the arena; NULL
// without memory.
const char *file_path_beside(struct arena *arena, const char *file, const char *path);
