// Files from templates: plain text with ${NAME} in it.
//
//     struct template_vars *vars = template_vars_new(arena);
//     template_set(vars, "ZONE", "example.test.");
//     template_setf(vars, "TTL_DS", "%u", 6);
//     template_expand(vars, arena, "nsd.conf", text, &out, &err);
//
// A name that is not set is an error with file and line; "$" without "{" is itself. Everything
// lives in the arena.
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct template_vars;

// Never NULL unless the arena is exhausted; the setters then do nothing and expansion fails.
struct template_vars *template_vars_new(struct arena *arena);
void template_set(struct template_vars *vars, const char *name, const char *value);
void template_setf(struct template_vars *vars, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
// The value, or NULL.
const char *template_get(const struct template_vars *vars, const char *name);

enum result template_expand(const struct template_vars *vars, struct arena *arena, const char *file,
        const char *text, char **out, struct error *err);

// Reads the template at `from`, writes the result to `to` (mode 0600).
enum result template_file(const struct template_vars *vars, struct arena *arena, const char *from,
        const char *to, struct error *err);
