// fuzz: links dep_change dep_base
// Journals that somebody else has written: the input is a list of records, one in each line as
// "KIND STEP JSON" (STEP - for none), which are replayed and re-judged until one is refused.
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change/rejudge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static enum result visit(
        struct rejudge *r, const char *kind, const char *step, const char *payload, int64_t n)
{
	struct error err = {0};
	json_t *json = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
	struct journal_record record = {.version = 1,
	        .seq = n,
	        .time_ms = INT64_C(1800000000000) + n * 60000,
	        .kind = journal_kind_parse(kind),
	        .kind_text = kind,
	        .change = "move",
	        .step = strcmp(step, "-") == 0 ? "" : step,
	        .payload = payload,
	        .payload_length = strlen(payload)};
	if (json == NULL || !json_is_object(json)) {
		json_decref(json);
		return RESULT_INPUT;
	}
	enum result result = rejudge_visit(r, &record, json, &err);
	if (result != RESULT_OK && err.text[0] == '\0')
		abort();
	json_decref(json);
	return result;
}

static enum result visit_line(struct rejudge *r, char *line, int64_t n)
{
	char *step = strchr(line, ' ');
	char *payload = step != NULL ? strchr(step + 1, ' ') : NULL;
	if (payload == NULL)
		return RESULT_INPUT;
	*step = *payload = '\0';
	return visit(r, line, step + 1, payload + 1, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rejudge *r;
	char *text = size < INPUT_MAX ? malloc(size + 1) : NULL;
	if (text == NULL || rejudge_new(&r, NULL) != RESULT_OK) {
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = '\0';
	int64_t n = 1;
	for (char *line = text, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (visit_line(r, line, n++) != RESULT_OK)
			break;
	}
	rejudge_free(r);
	free(text);
	return 0;
}
