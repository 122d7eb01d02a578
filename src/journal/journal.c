#include "journal/journal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/json.h"
#include "journal/internal.h"

enum result journal_blame(const struct journal *journal, int64_t seq, const char *field,
        enum result result, struct error *err)
{
	error_prefix(err, "%s: record %lld: %s: ", journal->store->name, (long long)seq, field);
	return result;
}

static bool guest_may_write(enum journal_kind kind)
{
	return kind == JOURNAL_APPROVAL || kind == JOURNAL_DONE || kind == JOURNAL_UNDO ||
	       kind == JOURNAL_NOTE;
}

static enum result check_entry(
        const struct journal *journal, const struct journal_entry *entry, struct error *err)
{
	const char *kind = journal_kind_text(entry->kind), *name = journal->store->name;
	if (kind == NULL || entry->kind == JOURNAL_GENESIS)
		return error_set(err, RESULT_INPUT, "%s: a record of kind %s cannot be added", name,
		        kind != NULL ? kind : "unknown to this version");
	if (journal->mode == JOURNAL_READ)
		return error_set(err, RESULT_REFUSED, "%s: opened for reading only", name);
	if (journal->mode == JOURNAL_GUEST && !guest_may_write(entry->kind))
		return error_set(err, RESULT_REFUSED,
		        "%s: only the program that runs the journal adds a record of kind %s", name,
		        kind);
	if (entry->change != NULL && !journal_id_valid(entry->change))
		return error_set(err, RESULT_INPUT,
		        "%s: the change's id is not up to %d printable ASCII characters", name,
		        JOURNAL_MAX_ID);
	if (entry->step != NULL && !journal_id_valid(entry->step))
		return error_set(err, RESULT_INPUT,
		        "%s: the step's id is not up to %d printable ASCII characters", name,
		        JOURNAL_MAX_ID);
	if (entry->payload != NULL && !json_is_object(entry->payload))
		return error_set(
		        err, RESULT_INPUT, "%s: the payload of a %s is no object", name, kind);
	return RESULT_OK;
}

static enum result write_payload(struct buffer *out, const json_t *payload, struct error *err)
{
	buffer_clear(out);
	if (payload != NULL)
		return json_write_canonical(payload, out, err);
	buffer_puts(out, "{}");
	return out->failed ? error_set(err, RESULT_MEMORY, "no memory") : RESULT_OK;
}

// Adds the record after *mark, and makes it the new *mark.
static enum result append_one(struct journal *journal, const struct journal_entry *entry,
        struct buffer *payload, struct journal_mark *mark, struct error *err)
{
	enum result result = write_payload(payload, entry->payload, err);
	if (result != RESULT_OK) {
		error_prefix(err, "%s: payload of a %s: ", journal->store->name,
		        journal_kind_text(entry->kind));
		return result;
	}
	struct journal_record record = {
	        .version = JOURNAL_RECORD_VERSION,
	        .seq = mark->seq + 1,
	        .previous = mark->hash,
	        .time_ms = clock_now_ms(&journal->options.clock),
	        .kind = entry->kind,
	        .kind_text = journal_kind_text(entry->kind),
	        .change = entry->change != NULL ? entry->change : "",
	        .step = entry->step != NULL ? entry->step : "",
	        .payload = payload->data,
	        .payload_length = payload->length,
	};
	result = journal_record_hash(&record, &record.hash, err);
	if (result == RESULT_OK)
		result = journal->store->insert(journal->store, &record, err);
	if (result == RESULT_OK)
		*mark = (struct journal_mark){.seq = record.seq, .hash = record.hash};
	return result;
}

static enum result append_within(struct journal *journal, const struct journal_entry *entries,
        size_t count, struct journal_mark *marks, struct error *err)
{
	struct journal_mark mark = {0};
	struct buffer payload = buffer_init(JOURNAL_MAX_PAYLOAD);
	enum result result = journal->store->last(journal->store, &mark, err);
	for (size_t i = 0; result == RESULT_OK && i < count; i++) {
		result = append_one(journal, &entries[i], &payload, &mark, err);
		if (result == RESULT_OK && marks != NULL)
			marks[i] = mark;
	}
	buffer_free(&payload);
	return result;
}

static enum result append_durably(struct journal *journal, const struct journal_entry *entries,
        size_t count, struct journal_mark *marks, struct error *err)
{
	struct journal_mark *made = calloc(count, sizeof *made);
	if (made == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory", journal->store->name);
	enum result result = journal->store->begin(journal->store, true, err);
	if (result == RESULT_OK) {
		result = append_within(journal, entries, count, made, err);
		if (result == RESULT_OK)
			result = journal->store->commit(journal->store, err);
		if (result != RESULT_OK)
			journal->store->rollback(journal->store);
	}
	for (size_t i = 0; result == RESULT_OK && marks != NULL && i < count; i++)
		marks[i] = made[i];
	free(made);
	return result;
}

enum result journal_append_all(struct journal *journal, const struct journal_entry *entries,
        size_t count, struct journal_mark *marks, struct error *err)
{
	assert(!journal->busy && count > 0);
	if (count > JOURNAL_MAX_BATCH)
		return error_set(err, RESULT_LIMIT, "%s: %zu records at once, allowed are %d",
		        journal->store->name, count, JOURNAL_MAX_BATCH);
	for (size_t i = 0; i < count; i++) {
		enum result result = check_entry(journal, &entries[i], err);
		if (result != RESULT_OK)
			return result;
	}
	return append_durably(journal, entries, count, marks, err);
}

enum result journal_append(struct journal *journal, const struct journal_entry *entry,
        struct journal_mark *mark, struct error *err)
{
	return journal_append_all(journal, entry, 1, mark, err);
}

// The first record: no two journals are alike, also where everything after it is the same.
static enum result write_genesis(struct journal *journal, struct error *err)
{
	struct journal_hash identity = {0};
	journal->options.random.fill(journal->options.random.ctx, identity.octets, 16);
	char text[JOURNAL_HASH_TEXT];
	journal_hash_format(&identity, text);
	text[32] = '\0';
	json_t *payload = json_pack("{s:s, s:s}", "format", "baton-journal", "identity", text);
	if (payload == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory", journal->store->name);
	struct journal_entry entry = {.kind = JOURNAL_GENESIS, .payload = payload};
	enum result result = append_durably(journal, &entry, 1, NULL, err);
	json_decref(payload);
	return result;
}

static enum result accept(void *ctx, const struct journal_record *record, struct error *err)
{
	(void)err;
	*(int64_t *)ctx = record->seq;
	return RESULT_OK;
}

// Nothing is added behind a last record that is not sound.
static enum result check_last(struct journal *journal, struct error *err)
{
	struct journal_filter last = {.newest_first = true, .limit = 1};
	int64_t seq = 0;
	enum result result = journal_iterate(journal, &last, accept, &seq, err);
	if (result == RESULT_OK && seq < 1)
		result = error_set(err, RESULT_CORRUPT, "%s: holds no first record: it was emptied",
		        journal->store->name);
	return result;
}

enum result journal_open(const char *path, enum journal_mode mode,
        const struct journal_options *options, struct journal **journal, struct error *err)
{
	assert(path != NULL && (options != NULL || mode == JOURNAL_READ));
	struct journal *j = calloc(1, sizeof *j);
	if (j == NULL)
		return error_set(err, RESULT_MEMORY, "%s: no memory", path);
	j->mode = mode;
	if (options != NULL)
		j->options = *options;
	assert(mode == JOURNAL_READ || j->options.clock.now_ms != NULL);
	assert(mode != JOURNAL_CREATE || j->options.random.fill != NULL);
	enum result result = store_sqlite_open(path, mode, &j->store, err);
	if (result == RESULT_OK && j->store->fresh)
		result = write_genesis(j, err);
	else if (result == RESULT_OK)
		result = check_last(j, err);
	if (result == RESULT_OK)
		*journal = j;
	else
		journal_close(j);
	return result;
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	assert(!journal->busy);
	if (journal->store != NULL) {
		// A full disk may have taken the first record, and nothing after it.
		struct journal_mark head;
		journal->store->unused =
		        journal->mode == JOURNAL_CREATE &&
		        journal->store->last(journal->store, &head, NULL) == RESULT_OK &&
		        head.seq <= 1;
		journal->store->close(journal->store);
	}
	free(journal);
}

enum result journal_head(struct journal *journal, struct journal_mark *head, struct error *err)
{
	assert(!journal->busy);
	return journal->store->last(journal->store, head, err);
}

static enum result visit_all(
        struct journal *journal, journal_visit visit, void *ctx, struct error *err)
{
	for (;;) {
		struct journal_record record;
		const char *field = NULL;
		enum result result = journal->store->next(journal->store, &record, &field, err);
		if (result == RESULT_NOT_FOUND)
			return RESULT_OK;
		if (result == RESULT_OK)
			result = journal_record_check(&record, &field, err);
		if (result != RESULT_OK)
			return field != NULL
			               ? journal_blame(journal, record.seq, field, result, err)
			               : result;
		journal->busy = true;
		result = visit(ctx, &record, err);
		journal->busy = false;
		if (result != RESULT_OK)
			return result;
	}
}

enum result journal_iterate(struct journal *journal, const struct journal_filter *filter,
        journal_visit visit, void *ctx, struct error *err)
{
	static const struct journal_filter everything;
	if (filter == NULL)
		filter = &everything;
	assert(!journal->busy);
	assert(filter->kind == JOURNAL_ANY || journal_kind_text(filter->kind) != NULL);
	struct store *store = journal->store;
	enum result result = store->begin(store, false, err);
	if (result != RESULT_OK)
		return result;
	result = store->select(store, filter, err);
	if (result == RESULT_OK)
		result = visit_all(journal, visit, ctx, err);
	store->unselect(store);
	store->rollback(store);
	return result;
}

enum result journal_payload(
        const struct journal_record *record, json_t **payload, struct error *err)
{
	return json_parse_text("payload", record->payload, record->payload_length,
	        JOURNAL_MAX_PAYLOAD, payload, err);
}
