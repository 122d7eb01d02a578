#include "journal/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "journal/internal.h"

struct walk {
	struct store *store;
	const struct journal_verify_options *options;
	struct journal_report *report;
	struct buffer canonical;
};

__attribute__((format(printf, 4, 5))) static enum result say_bad(
        struct walk *walk, int64_t seq, const char *field, const char *format, ...)
{
	struct journal_report *report = walk->report;
	struct error what;
	va_list args;
	va_start(args, format);
	vsnprintf(what.text, sizeof what.text, format, args);
	va_end(args);
	if (seq != 0)
		error_prefix(&what, "%.200s: record %lld: %s: ", walk->store->name, (long long)seq,
		        field);
	else
		error_prefix(&what, "%.200s: %s: ", walk->store->name, field);
	report->good = false;
	report->bad_seq = seq;
	snprintf(report->field, sizeof report->field, "%s", field);
	memcpy(report->text, what.text, sizeof report->text);
	return RESULT_CORRUPT;
}

// What the store itself says is wrong, with its name.
static enum result say_file(struct journal_report *report, const struct error *why)
{
	snprintf(report->field, sizeof report->field, "file");
	memcpy(report->text, why->text, sizeof report->text);
	return RESULT_CORRUPT;
}

// A record that does not match its hash: the one after it knows what the hash was.
static enum result say_hash(
        struct walk *walk, const struct journal_record *record, struct error *err)
{
	struct journal_hash stored = record->hash, computed;
	int64_t seq = record->seq;
	enum result result = journal_record_hash(record, &computed, err);
	if (result != RESULT_OK)
		return result;
	struct journal_record next;
	const char *field;
	if (walk->store->next(walk->store, &next, &field, NULL) == RESULT_OK) {
		if (journal_hash_equal(&next.previous, &computed))
			return say_bad(walk, seq, "hash", "was changed: the content is sound");
		if (journal_hash_equal(&next.previous, &stored))
			return say_bad(walk, seq, "content",
			        "time, kind, change, step or payload was changed: the hash is "
			        "sound");
	}
	return say_bad(walk, seq, "hash", "is not that of the record's content");
}

static enum result check_order(struct walk *walk, const struct journal_record *record)
{
	const struct journal_mark *before = &walk->report->head;
	if (record->seq != before->seq + 1)
		return say_bad(walk, record->seq != 0 ? record->seq : before->seq + 1, "seq",
		        "expected record %lld here: records were taken out, put in or moved",
		        (long long)before->seq + 1);
	if (!journal_hash_equal(&record->previous, &before->hash))
		return say_bad(walk, record->seq, "previous",
		        "is not the hash of the record before: that one was replaced, or this one "
		        "comes from elsewhere");
	return RESULT_OK;
}

static enum result check_payload(
        struct walk *walk, const struct journal_record *record, json_t **payload, struct error *err)
{
	struct error why = {0};
	json_t *parsed = NULL;
	enum result result = journal_payload(record, &parsed, &why);
	buffer_clear(&walk->canonical);
	if (result == RESULT_OK)
		result = json_write_canonical(parsed, &walk->canonical, &why);
	if (result == RESULT_MEMORY)
		*err = why;
	else if (result != RESULT_OK)
		result = say_bad(walk, record->seq, "payload", "%s", why.text);
	else if (!json_is_object(parsed) || walk->canonical.length != record->payload_length ||
	         memcmp(walk->canonical.data, record->payload, record->payload_length) != 0)
		result = say_bad(
		        walk, record->seq, "payload", "is not a JSON object in canonical form");
	if (result == RESULT_OK)
		*payload = parsed;
	else
		json_decref(parsed);
	return result;
}

static enum result check_kind(struct walk *walk, const struct journal_record *record)
{
	if (record->kind == JOURNAL_FOREIGN)
		walk->report->foreign++;
	if ((record->kind == JOURNAL_GENESIS) == (record->seq == 1))
		return RESULT_OK;
	return say_bad(walk, record->seq, "kind",
	        record->seq == 1 ? "the first record is no genesis"
	                         : "a genesis is the first record only");
}

// A payload that its reader cannot use is bad, whatever is wrong with it. Not so where the machine
// failed, or where a newer Baton may know better.
static bool is_about_content(enum result result)
{
	return result == RESULT_CORRUPT || result == RESULT_INPUT || result == RESULT_LIMIT ||
	       result == RESULT_NOT_FOUND || result == RESULT_CONFLICT;
}

static enum result show(struct walk *walk, const struct journal_record *record, struct error *err)
{
	json_t *payload = NULL;
	enum result result = check_payload(walk, record, &payload, err);
	if (result != RESULT_OK || walk->options->visit == NULL) {
		json_decref(payload);
		return result;
	}
	struct error why = {.text = "its claim is false"};
	result = walk->options->visit(walk->options->ctx, record, payload, &why);
	json_decref(payload);
	if (is_about_content(result))
		return say_bad(walk, record->seq, "payload", "%s", why.text);
	if (result != RESULT_OK && err != NULL)
		*err = why;
	return result;
}

static enum result check_record(struct walk *walk, struct journal_record *record, struct error *err)
{
	enum result result = check_order(walk, record);
	const char *field = NULL;
	struct error why = {0};
	if (result == RESULT_OK) {
		result = journal_record_check(record, &field, &why);
		if (result == RESULT_CORRUPT && strcmp(field, "hash") == 0)
			return say_hash(walk, record, err);
		if (result == RESULT_CORRUPT)
			return say_bad(walk, record->seq, field, "%s", why.text);
		if (result != RESULT_OK && err != NULL)
			*err = why;
	}
	if (result == RESULT_OK)
		result = check_kind(walk, record);
	if (result == RESULT_OK)
		result = show(walk, record, err);
	return result;
}

static void count_record(struct walk *walk, const struct journal_record *record)
{
	struct journal_report *report = walk->report;
	report->records++;
	report->head = (struct journal_mark){.seq = record->seq, .hash = record->hash};
	if (walk->options->head != NULL && journal_hash_equal(walk->options->head, &record->hash))
		report->expected_seq = record->seq;
}

// RESULT_CORRUPT from here on means that the report says what is bad.
static enum result walk_records(struct walk *walk, struct error *err)
{
	for (;;) {
		struct journal_record record;
		const char *field = NULL;
		struct error why = {0};
		enum result result = walk->store->next(walk->store, &record, &field, &why);
		if (result == RESULT_NOT_FOUND)
			return RESULT_OK;
		if (result == RESULT_CORRUPT)
			return field != NULL ? say_bad(walk, record.seq, field, "%s", why.text)
			                     : say_bad(walk, 0, "file", "after record %lld: %s",
			                               (long long)walk->report->head.seq, why.text);
		if (result != RESULT_OK && err != NULL)
			*err = why;
		if (result == RESULT_OK)
			result = check_record(walk, &record, err);
		if (result != RESULT_OK)
			return result;
		count_record(walk, &record);
	}
}

static enum result check_head(struct walk *walk)
{
	const struct journal_report *report = walk->report;
	char expected[JOURNAL_HASH_TEXT];
	if (report->records == 0)
		return say_bad(walk, 0, "file", "holds no record: it was emptied");
	if (walk->options->head == NULL || report->expected_seq == report->head.seq)
		return RESULT_OK;
	if (report->expected_seq != 0)
		return say_bad(walk, report->expected_seq + 1, "head",
		        "the expected head is record %lld; up to there nothing was changed, but "
		        "the journal goes on to record %lld",
		        (long long)report->expected_seq, (long long)report->head.seq);
	return say_bad(walk, 0, "head",
	        "%s is not in the journal, which ends with record %lld: its tail was cut, or it "
	        "was computed anew",
	        journal_hash_format(walk->options->head, expected), (long long)report->head.seq);
}

static enum result check_pages(struct walk *walk, struct error *err)
{
	struct error why = {0};
	enum result result = walk->store->check(walk->store, &why);
	if (result == RESULT_CORRUPT)
		return say_file(walk->report, &why);
	if (result != RESULT_OK && err != NULL)
		*err = why;
	return result;
}

static enum result walk_snapshot(struct walk *walk, struct error *err)
{
	static const struct journal_filter everything;
	struct store *store = walk->store;
	struct error why = {0};
	enum result result = store->begin(store, false, &why);
	if (result == RESULT_OK)
		result = store->select(store, &everything, &why);
	if (result == RESULT_CORRUPT)
		result = say_file(walk->report, &why);
	else if (result != RESULT_OK && err != NULL)
		*err = why;
	if (result == RESULT_OK)
		result = walk_records(walk, err);
	store->unselect(store);
	if (result == RESULT_OK)
		result = check_pages(walk, err);
	if (result == RESULT_OK)
		result = check_head(walk);
	store->rollback(store);
	return result;
}

static void say_good(struct walk *walk)
{
	struct journal_report *report = walk->report;
	char head[JOURNAL_HASH_TEXT];
	report->good = true;
	snprintf(report->text, sizeof report->text, "%.200s: %lld records, head %s%s",
	        walk->store->name, (long long)report->records,
	        journal_hash_format(&report->head.hash, head),
	        walk->options->head != NULL ? " as expected" : "");
}

static enum result open_or_blame(
        const char *path, struct store **store, struct journal_report *report, struct error *err)
{
	struct error why = {0};
	enum result result = store_sqlite_open(path, JOURNAL_READ, store, &why);
	if (result == RESULT_CORRUPT)
		return say_file(report, &why);
	if (result != RESULT_OK && err != NULL)
		*err = why;
	return result;
}

enum result journal_verify(const char *path, const struct journal_verify_options *options,
        struct journal_report *report, struct error *err)
{
	static const struct journal_verify_options no_options;
	struct journal_report made = {0};
	struct walk walk = {.options = options != NULL ? options : &no_options,
	        .report = &made,
	        .canonical = buffer_init(JOURNAL_MAX_PAYLOAD)};
	enum result result = open_or_blame(path, &walk.store, &made, err);
	if (result == RESULT_OK) {
		result = walk_snapshot(&walk, err);
		if (result == RESULT_OK)
			say_good(&walk);
		walk.store->close(walk.store);
	}
	buffer_free(&walk.canonical);
	if (result != RESULT_OK && result != RESULT_CORRUPT)
		return result;
	*report = made;
	return RESULT_OK;
}

json_t *journal_report_json(const struct journal_report *report)
{
	char head[JOURNAL_HASH_TEXT];
	json_t *bad = json_null();
	if (!report->good)
		bad = json_pack("{s:I, s:s, s:o}", "record", (json_int_t)report->bad_seq, "field",
		        report->field, "text", json_text(report->text));
	return json_pack("{s:b, s:I, s:I, s:s, s:I, s:I, s:o}", "good", report->good, "records",
	        (json_int_t)report->records, "head_record", (json_int_t)report->head.seq, "head",
	        journal_hash_format(&report->head.hash, head), "expected_head_record",
	        (json_int_t)report->expected_seq, "unknown_kinds", (json_int_t)report->foreign,
	        "bad", bad);
}
