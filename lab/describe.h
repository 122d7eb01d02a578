// The lab's description: made from a fixed plan, written to and read from lab.yaml.
#pragma once

#include "lab.h"

// Fills info with names, addresses and file paths for a lab in dir; keys and secrets of the parties
// are still NULL. Texts live in the arena or are constants.
enum result describe_plan(struct arena *arena, const char *dir, const struct lab_options *options,
        struct lab_info *info, struct error *err);

enum result describe_write(const struct lab_info *info, const char *path, struct error *err);
enum result describe_read(
        struct arena *arena, const char *path, struct lab_info *info, struct error *err);
