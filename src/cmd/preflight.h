// What `baton preflight` prints of its checks (preflight_show.c).
#pragma once

#include "technical/technical.h"

// One line in words, more of them where something was found.
void preflight_text(const struct technical_result *result);
// One JSON object in a line. RESULT_MEMORY.
enum result preflight_json(const struct technical_result *result, struct error *err);
// What is judged, before the first line; how many came out how, after the last one.
void preflight_begin(const struct technical_facts *facts);
void preflight_end(const struct technical_result *results, size_t count);
