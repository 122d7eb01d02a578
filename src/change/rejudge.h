// Re-judging a journal, by somebody who trusts only the hashes: every verdict in it is computed
// again from the observations recorded before it, every intent to act has to follow such a verdict,
// and what is said to be seen everywhere has to have been observed.
//
//     struct rejudge *r;
//     rejudge_new(&r, err);
//     struct journal_verify_options options = {.visit = rejudge_visit, .ctx = r};
//     journal_verify(path, &options, &report, err);   // what does not follow makes the journal bad
//     printf("%lld verdicts", (long long)rejudge_verdicts(r));
//     rejudge_free(r);
#pragma once

#include "journal/verify.h"

struct rejudge;

enum result rejudge_new(struct rejudge **rejudge, struct error *err);
void rejudge_free(struct rejudge *rejudge);
enum result rejudge_visit(
        void *ctx, const struct journal_record *record, const json_t *payload, struct error *err);
int64_t rejudge_verdicts(const struct rejudge *rejudge);
int64_t rejudge_observations(const struct rejudge *rejudge);
// Whether the last state recorded is that the change is finished.
bool rejudge_is_finished(const struct rejudge *rejudge);
