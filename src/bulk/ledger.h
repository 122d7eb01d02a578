// The ledger: a bulk's own journal (journal/journal.h), from which its state is made.
//
//     struct bulk_ledger *ledger;
//     bulk_ledger_open(&options, state, &ledger, err);     // reads what is there, or creates it
//     bulk_ledger_note(ledger, "started", "a.example", NULL, err);     // on the disk, and in state
//     bulk_ledger_listen(ledger, err);                     // what people said since
//     bulk_ledger_close(ledger);
//
// The state is the caller's and outlives the ledger. Errors: those of a journal; RESULT_CONFLICT
// where the ledger has begun with other zones or waves.
#pragma once

#include "base/random.h"
#include "bulk/state.h"
#include "journal/journal.h"
#include "net/loop.h"

struct bulk_ledger;

enum result bulk_ledger_open(struct loop *loop, const struct random *random,
        struct bulk_state *state, struct bulk_ledger **ledger, struct error *err);
void bulk_ledger_close(struct bulk_ledger *ledger);

// A record about a zone ("" is the whole bulk). More of its payload is in `more`, an object that is
// taken over; NULL where there is none.
enum result bulk_ledger_note(struct bulk_ledger *ledger, const char *word, const char *zone,
        json_t *more, struct error *err);
// What people have written since.
enum result bulk_ledger_listen(struct bulk_ledger *ledger, struct error *err);

// What is there, for who only wants to know. RESULT_NOT_FOUND where it has not begun.
enum result bulk_ledger_read(struct bulk_state *state, int64_t now_ms, struct error *err);
// What a person says, beside whoever runs the bulk: JOURNAL_APPROVAL, JOURNAL_UNDO or JOURNAL_NOTE.
enum result bulk_ledger_say(const struct bulk_definition *definition, enum journal_kind kind,
        const json_t *payload, struct error *err);
