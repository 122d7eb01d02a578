// fuzz: links dep_safety
// fuzz: seeds tests/cases/timelines
// Any octets as a timeline: refused with a place, or judged, with witnesses that are really there.
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "safety/timeline.h"

// Judging takes longer with every edition; what is wrong with many is wrong with few.
#define MAX_EDITIONS 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_fault(const struct timeline *tl, const struct safety_fault *fault)
{
	const int16_t editions[] = {fault->ds, fault->dnskey, fault->data, fault->ns};
	for (size_t i = 0; i < sizeof editions / sizeof *editions; i++)
		require(editions[i] >= -1 && editions[i] < tl->history.count);
	require(fault->at_ms < fault->until_ms);
	require(fault->at_ms <= tl->until_ms && fault->until_ms > 0);
	struct buffer text = buffer_init(1 << 16);
	safety_fault_text(&tl->history, fault, SAFETY_TIME_RELATIVE, &text);
	require(text.length > 0 && !text.failed);
	buffer_free(&text);
}

static void check_verdict(const struct timeline *tl)
{
	struct safety_verdict verdict;
	if (safety_judge(&tl->history, &tl->readers, 0, tl->until_ms, &verdict) != RESULT_OK)
		return;
	for (int path = 0; path < SAFETY_PATHS; path++) {
		require(verdict.path[path].insecure_ms >= 0);
		if (verdict.path[path].word != SAFETY_SAFE)
			check_fault(tl, &verdict.path[path].fault);
	}
	// a resolver behind a cache meets all that one without it can meet
	require(verdict.path[SAFETY_FORWARDER].word >= verdict.path[SAFETY_DIRECT].word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(64u << 20);
	require(arena != NULL);
	struct timeline tl;
	struct error err = {0};
	if (timeline_parse(arena, "fuzz", (const char *)data, size, &tl, &err) == RESULT_OK) {
		require(tl.until_ms >= 0 && tl.history.publishers >= 1);
		if (tl.history.count <= MAX_EDITIONS)
			check_verdict(&tl);
		timeline_free(&tl);
	} else
		require(strncmp(err.text, "fuzz:", 5) == 0);
	arena_free(arena);
	return 0;
}
