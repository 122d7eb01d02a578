#include "bulk/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct bulk_ledger {
	struct loop *loop;
	struct clock clock;
	struct bulk_state *state;
	struct journal *journal;
	int64_t read_seq;
};

struct reading {
	struct bulk_state *state;
	int64_t wall_ms, now_ms;
	int64_t *read_seq;
};

// When it was on the monotonic clock; what seems to be of the future, because somebody set the
// clock, is of now.
static int64_t monotonic(const struct reading *r, int64_t wall_ms)
{
	return r->now_ms - (r->wall_ms > wall_ms ? r->wall_ms - wall_ms : 0);
}

static enum result read_record(void *ctx, const struct journal_record *record, struct error *err)
{
	struct reading *r = ctx;
	json_t *payload;
	enum result result = journal_payload(record, &payload, err);
	if (result != RESULT_OK)
		return result;
	if (strcmp(record->change, r->state->definition->id) == 0)
		result = bulk_state_apply(r->state, record->kind, record->step, record->time_ms,
		        monotonic(r, record->time_ms), payload, err);
	else if (record->kind != JOURNAL_GENESIS)
		result = error_set(err, RESULT_CONFLICT, "%s is the ledger of another bulk, '%s'",
		        r->state->definition->ledger, record->change);
	json_decref(payload);
	*r->read_seq = record->seq;
	return result;
}

static enum result read_all(struct journal *journal, struct reading *r, struct error *err)
{
	struct journal_filter filter = {.from_seq = *r->read_seq + 1};
	return journal_iterate(journal, &filter, read_record, r, err);
}

static enum result check_same(const struct bulk_state *state, struct error *err)
{
	const struct bulk_definition *b = state->definition;
	if (!state->is_created || strcmp(state->digest, b->digest) == 0)
		return RESULT_OK;
	return error_set(err, RESULT_CONFLICT,
	        "%s has begun with other zones or waves than are in %s now; those of a bulk stay, "
	        "and further zones go into another one",
	        b->ledger, b->file);
}

enum result bulk_ledger_listen(struct bulk_ledger *ledger, struct error *err)
{
	struct reading r = {ledger->state, clock_now_ms(&ledger->clock), loop_now_ms(ledger->loop),
	        &ledger->read_seq};
	return read_all(ledger->journal, &r, err);
}

enum result bulk_ledger_note(struct bulk_ledger *ledger, const char *word, const char *zone,
        json_t *more, struct error *err)
{
	json_t *payload = more != NULL ? more : json_object();
	struct journal_mark mark;
	if (payload == NULL || json_object_set_new(payload, "state", json_string(word)) != 0) {
		json_decref(payload);
		return error_set(err, RESULT_MEMORY, "no memory for a record");
	}
	struct journal_entry entry = {.kind = JOURNAL_STATE,
	        .change = ledger->state->definition->id,
	        .step = zone,
	        .payload = payload};
	enum result result = journal_append(ledger->journal, &entry, &mark, err);
	json_decref(payload);
	// Read back with what others wrote before it, in the order in which a restarted one does.
	return result == RESULT_OK ? bulk_ledger_listen(ledger, err) : result;
}

enum result bulk_ledger_open(struct loop *loop, const struct random *random,
        struct bulk_state *state, struct bulk_ledger **ledger, struct error *err)
{
	const struct bulk_definition *b = state->definition;
	struct bulk_ledger *made = calloc(1, sizeof *made);
	if (made == NULL)
		return error_set(err, RESULT_MEMORY, "out of memory");
	*made = (struct bulk_ledger){.loop = loop, .clock = loop_clock(loop), .state = state};
	struct journal_options options = {.clock = made->clock, .random = *random};
	enum result result = RESULT_OK;
	if (mkdir(b->journals, 0777) != 0 && errno != EEXIST)
		result = error_set_errno(err, "%s: cannot be made", b->journals);
	if (result == RESULT_OK)
		result = journal_open(b->ledger, JOURNAL_CREATE, &options, &made->journal, err);
	if (result == RESULT_OK)
		result = bulk_ledger_listen(made, err);
	if (result == RESULT_OK)
		result = check_same(state, err);
	if (result == RESULT_OK && !state->is_created)
		result = bulk_ledger_note(made, "created", "",
		        json_pack("{s:s, s:I}", "digest", b->digest, "zones",
		                (json_int_t)b->zone_count),
		        err);
	if (result == RESULT_OK)
		*ledger = made;
	else
		bulk_ledger_close(made);
	return result;
}

void bulk_ledger_close(struct bulk_ledger *ledger)
{
	if (ledger == NULL)
		return;
	journal_close(ledger->journal);
	free(ledger);
}

enum result bulk_ledger_read(struct bulk_state *state, int64_t now_ms, struct error *err)
{
	const struct bulk_definition *b = state->definition;
	struct journal *journal;
	int64_t read_seq = 0;
	struct reading r = {state, now_ms, now_ms, &read_seq};
	enum result result = journal_open(b->ledger, JOURNAL_READ, NULL, &journal, err);
	if (result == RESULT_NOT_FOUND)
		return error_set(err, result,
		        "%s has not begun: there is no %s (`baton bulk run` makes it)", b->file,
		        b->ledger);
	if (result != RESULT_OK)
		return result;
	result = read_all(journal, &r, err);
	journal_close(journal);
	return result == RESULT_OK ? check_same(state, err) : result;
}

enum result bulk_ledger_say(const struct bulk_definition *definition, enum journal_kind kind,
        const json_t *payload, struct error *err)
{
	struct journal_options options = {.clock = clock_system(), .random = random_system()};
	struct journal_entry entry = {.kind = kind, .change = definition->id, .payload = payload};
	struct journal *journal;
	enum result result =
	        journal_open(definition->ledger, JOURNAL_GUEST, &options, &journal, err);
	if (result != RESULT_OK)
		return result;
	result = journal_append(journal, &entry, NULL, err);
	journal_close(journal);
	return result;
}
