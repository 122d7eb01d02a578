#include "journal/record.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_texts[JOURNAL_KINDS] = {
        [JOURNAL_GENESIS] = "genesis",
        [JOURNAL_CHANGE_CREATED] = "change-created",
        [JOURNAL_OBSERVATION] = "observation",
        [JOURNAL_VERDICT] = "verdict",
        [JOURNAL_INTENT] = "intent",
        [JOURNAL_SENT] = "sent",
        [JOURNAL_REPLY] = "reply",
        [JOURNAL_RESULT] = "result",
        [JOURNAL_UNKNOWN] = "unknown",
        [JOURNAL_APPROVAL] = "approval",
        [JOURNAL_DONE] = "done",
        [JOURNAL_UNDO] = "undo",
        [JOURNAL_NOTE] = "note",
        [JOURNAL_STATE] = "state",
};

const char *journal_kind_text(enum journal_kind kind)
{
	return (unsigned)kind < JOURNAL_KINDS ? kind_texts[kind] : NULL;
}

enum journal_kind journal_kind_parse(const char *text)
{
	for (int kind = JOURNAL_GENESIS; kind < JOURNAL_KINDS; kind++)
		if (strcmp(kind_texts[kind], text) == 0)
			return (enum journal_kind)kind;
	return JOURNAL_FOREIGN;
}

bool journal_id_valid(const char *id)
{
	size_t n = 0;
	for (; id[n] != '\0'; n++)
		if (n == JOURNAL_MAX_ID || id[n] < 0x20 || id[n] > 0x7e)
			return false;
	return true;
}

bool journal_hash_equal(const struct journal_hash *a, const struct journal_hash *b)
{
	return memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

char *journal_hash_format(const struct journal_hash *hash, char *buf)
{
	return hex_lower(hash->octets, sizeof hash->octets, buf);
}

enum result journal_hash_parse(const char *text, struct journal_hash *hash, struct error *err)
{
	if (!hex_read(text, hash->octets, sizeof hash->octets))
		return error_set(err, RESULT_INPUT,
		        "'%.80s' is not a hash, expected 64 hexadecimal digits", text);
	return RESULT_OK;
}

enum result journal_record_hash(
        const struct journal_record *record, struct journal_hash *hash, struct error *err)
{
	char head[1024], previous[JOURNAL_HASH_TEXT];
	int n = snprintf(head, sizeof head,
	        "baton-journal %lld\n%lld\n%s\n%lld\n%.*s\n%.*s\n%.*s\n",
	        (long long)record->version, (long long)record->seq,
	        journal_hash_format(&record->previous, previous), (long long)record->time_ms,
	        JOURNAL_MAX_ID, record->kind_text, JOURNAL_MAX_ID, record->change, JOURNAL_MAX_ID,
	        record->step);
	struct journal_hash made;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	            EVP_DigestUpdate(ctx, head, (size_t)n) == 1 &&
	            EVP_DigestUpdate(ctx, record->payload, record->payload_length) == 1 &&
	            EVP_DigestFinal_ex(ctx, made.octets, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	if (!good)
		return error_set(err, RESULT_MEMORY, "cannot compute a SHA-256 hash");
	*hash = made;
	return RESULT_OK;
}

static const char *bad_field(const struct journal_record *record, struct error *err)
{
	if (record->version != JOURNAL_RECORD_VERSION) {
		error_set(err, RESULT_CORRUPT, "form %lld is not known, expected %d",
		        (long long)record->version, JOURNAL_RECORD_VERSION);
		return "version";
	}
	if (!journal_id_valid(record->kind_text) || record->kind_text[0] == '\0') {
		error_set(err, RESULT_CORRUPT, "is no name of a kind");
		return "kind";
	}
	bool change_valid = journal_id_valid(record->change);
	if (change_valid && journal_id_valid(record->step))
		return NULL;
	error_set(
	        err, RESULT_CORRUPT, "is not up to %d printable ASCII characters", JOURNAL_MAX_ID);
	return change_valid ? "step" : "change";
}

enum result journal_record_check(
        struct journal_record *record, const char **field, struct error *err)
{
	const char *bad = bad_field(record, err);
	if (bad == NULL) {
		struct journal_hash computed;
		enum result result = journal_record_hash(record, &computed, err);
		if (result != RESULT_OK)
			return result;
		if (journal_hash_equal(&computed, &record->hash)) {
			record->kind = journal_kind_parse(record->kind_text);
			return RESULT_OK;
		}
		bad = "hash";
		error_set(err, RESULT_CORRUPT,
		        "is not that of the record's content: one of them was changed");
	}
	if (field != NULL)
		*field = bad;
	return RESULT_CORRUPT;
}
