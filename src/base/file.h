// Whole files in, whole files out.
#pragma once

#include "base/arena.h"
#include "base/error.h"

// Reads a file ("-" is standard input) of at most max_octets into the arena, with a NUL behind it
// that *length does not count. RESULT_LIMIT where it is longer.
enum result file_read(struct arena *arena, const char *path, size_t max_octets, char **data,
        size_t *length, struct error *err);

// Replaces a file in one step: a temporary file beside it, fsync, rename. On failure the old file
// is untouched and nothing is left behind.
enum result file_replace(const char *path, const void *data, size_t length, struct error *err);
