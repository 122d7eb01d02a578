// What a change writes into its journal: one function for each kind of record, so that what is
// written and what is read back (progress.c, rejudge.c) stand side by side. Functions that make
// JSON return a new reference, or NULL without memory.
#pragma once

#include "base/random.h"
#include "change/decide.h"
#include "journal/journal.h"

// The whole definition, so that a journal stands alone.
json_t *change_record_created(const struct change_definition *definition);
// The definition inside such a record.
enum result change_record_definition(struct arena *arena, const json_t *payload,
        const struct change_definition **definition, struct error *err);

// The definition with which the change in this journal began; *definition is NULL where none has.
// It lives in the arena. RESULT_CORRUPT, RESULT_MEMORY, or what journal_iterate() returns.
enum result change_record_begun(struct arena *arena, struct journal *journal,
        const struct change_definition **definition, struct error *err);

json_t *change_record_effect(const struct safety_effect *effect);
enum result change_effect_read(const json_t *json, struct safety_effect *effect, struct error *err);

// The rule that is broken already, and that a step which may go now would go on breaking; "": none.
// A step that waits has none: nobody is asked to agree to it yet.
const char *change_record_excuse(const struct world *world, const struct move *move);
// A verdict: what was asked at which instant, and the answer.
json_t *change_record_verdict(const struct world *world, const struct move *move);

// A string of any octets: what is no UTF-8 (a text that was cut inside a letter) becomes "?".
json_t *change_record_text(const char *text);

// An instant, or a difference between two, of some ten thousand years at most, so that nobody who
// adds to it overflows. false where it is none.
bool change_record_time(const json_t *json, int64_t *at_ms);

// 32 hexadecimal digits that no other attempt has.
void change_attempt_new(const struct random *random, char attempt[DEED_ATTEMPT]);
