#include "cmd/change_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "change/record.h"

// Only a plain file can be one; what is read from a pipe here would be missing later.
static bool is_database(const char *path)
{
	char magic[16] = "";
	struct stat status;
	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return false;
	size_t n = fread(magic, 1, sizeof magic, f);
	fclose(f);
	return n == sizeof magic && memcmp(magic, "SQLite format 3", sizeof magic) == 0;
}

static enum result definition_of_journal(struct arena *arena, const char *path,
        const struct change_definition **definition, struct error *err)
{
	struct journal *journal;
	const struct change_definition *found = NULL;
	enum result result = journal_open(path, JOURNAL_READ, NULL, &journal, err);
	if (result != RESULT_OK)
		return result;
	result = change_record_begun(arena, journal, &found, err);
	journal_close(journal);
	if (result == RESULT_OK && found == NULL)
		result = error_set(
		        err, RESULT_NOT_FOUND, "%s: no change has begun in this journal", path);
	if (result == RESULT_OK)
		*definition = found;
	return result;
}

enum result change_file_open(struct arena *arena, const char *given,
        const struct change_definition **definition, const char **journal_path, struct error *err)
{
	if (is_database(given)) {
		*journal_path = given;
		return definition_of_journal(arena, given, definition, err);
	}
	enum result result = change_definition_load(arena, given, definition, err);
	if (result == RESULT_OK)
		*journal_path = (*definition)->journal_path;
	return result;
}

static enum result apply(void *ctx, const struct journal_record *record, struct error *err)
{
	json_t *payload;
	enum result result = journal_payload(record, &payload, err);
	if (result == RESULT_OK) {
		result = replay_apply(
		        ctx, record->kind, record->step, record->time_ms, payload, err);
		json_decref(payload);
	}
	if (result == RESULT_OK || result == RESULT_MEMORY)
		return result;
	error_prefix(err, "record %lld: ", (long long)record->seq);
	return RESULT_CORRUPT;
}

enum result change_file_replay(const char *journal_path, struct replay *replay, struct error *err)
{
	struct journal *journal;
	struct journal_filter all = {0};
	enum result result = replay_init(replay, err);
	if (result != RESULT_OK)
		return result;
	result = journal_open(journal_path, JOURNAL_READ, NULL, &journal, err);
	if (result == RESULT_OK) {
		result = journal_iterate(journal, &all, apply, replay, err);
		journal_close(journal);
		if (result == RESULT_CORRUPT && strstr(err->text, journal_path) == NULL)
			error_prefix(err, "%s: ", journal_path);
	}
	if (result != RESULT_OK)
		replay_free(replay);
	return result;
}
