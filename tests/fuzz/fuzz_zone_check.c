// fuzz: links dep_zone
// Any text as a zone, checked: no harm, and the same report from one thread and from two, and
// whether signatures are checked by OpenSSL or on the fast path.
#include <stdlib.h>
#include <string.h>

#include "zone/check.h"
#include "zone/read.h"

#define NOW_S    1767225600 // 2026-01-01
#define OCTETS   65536      // of text
#define FINDINGS 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct zone_report *check(const struct zone *zone, unsigned threads, bool reference)
{
	struct zone_check_options options = {
	        .now_s = NOW_S, .threads = threads, .limit = FINDINGS, .reference_only = reference};
	struct zone_report *report = NULL;
	require(zone_check(zone, &options, &report, NULL) == RESULT_OK);
	return report;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone *zone;
	if (size > OCTETS || zone_read_text("fuzz", (const char *)data, size,
	                             &(struct zone_read_options){0}, &zone, NULL) != RESULT_OK)
		return 0;
	struct zone_report *a = check(zone, 1, false), *b = check(zone, 2, true);
	require(a->errors == b->errors && a->warnings == b->warnings && a->valid == b->valid);
	require(a->finding_count == b->finding_count && a->finding_count <= 2 * FINDINGS);
	for (size_t i = 0; i < a->finding_count; i++)
		require(strcmp(a->findings[i].text, b->findings[i].text) == 0);
	zone_report_free(a);
	zone_report_free(b);
	zone_free(zone);
	return 0;
}
