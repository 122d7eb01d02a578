// Shared by the files of src/safety/ only.
#pragma once

#include "safety/safety.h"

// Half-open [from, until); empty where from >= until.
struct span {
	int64_t from, until;
};

static inline struct span span_cut(struct span a, struct span b)
{
	return (struct span){
	        a.from > b.from ? a.from : b.from, a.until < b.until ? a.until : b.until};
}

static inline bool span_is_empty(struct span s)
{
	return s.from >= s.until;
}

static inline bool span_is_within(struct span inner, struct span outer)
{
	return inner.from >= outer.from && inner.until <= outer.until;
}

// What was fetched in `fetch` can be used for ttl_ms longer.
static inline struct span span_held(struct span fetch, int64_t ttl_ms)
{
	return (struct span){fetch.from, time_add(fetch.until, ttl_ms)};
}

static inline struct span edition_visible(const struct safety_edition *e)
{
	return (struct span){e->from_ms, e->until_ms};
}

static inline struct span edition_signed(const struct safety_edition *e)
{
	return (struct span){e->signed_from_ms, e->signed_until_ms};
}

// Milliseconds that a reader keeps this edition.
static inline int64_t edition_ttl_ms(const struct safety_edition *e, const struct safety_readers *r)
{
	uint32_t ttl_s = e->ttl_s > r->ttl_floor_s ? e->ttl_s : r->ttl_floor_s;
	return (int64_t)ttl_s * SECOND_MS;
}

// A stretch of time with gaps. More spans than fit are joined, which errs to the side of danger.
enum { SPANS_MAX = 64 };
struct spans {
	unsigned count;
	struct span span[SPANS_MAX];
};

// What touches the last span is joined with it.
static inline void spans_add(struct spans *spans, struct span span)
{
	struct span *last = spans->count > 0 ? &spans->span[spans->count - 1] : NULL;
	bool touches = last != NULL && span.from <= last->until && last->from <= span.until;
	if (!touches && spans->count < SPANS_MAX) {
		spans->span[spans->count++] = span;
		return;
	}
	if (span.from < last->from)
		last->from = span.from;
	if (span.until > last->until)
		last->until = span.until;
}

typedef void fault_visit(void *ctx, const struct safety_fault *fault);

struct fault_sink {
	fault_visit *visit;
	void *ctx;
	int64_t since_ms; // faults that end at or before this are of no interest
};

// When each group can be asked at all (some reader holds an NS set that names it, and it may
// answer): ask has one entry for each publisher. Emits faults of SAFETY_RULE_UNREACHABLE.
// RESULT_MEMORY for histories too large for the stack.
enum result reach_sweep(const struct safety_history *h, const struct safety_readers *r,
        struct spans *ask, const struct fault_sink *sink);

// Every fault of the history, in no particular order, with unclipped instants.
enum result faults_find(const struct safety_history *h, const struct safety_readers *r,
        const struct fault_sink *sink);
