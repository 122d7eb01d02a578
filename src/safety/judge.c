// The verdict over a stretch of time: the worst word, and its first fault.
#include "safety/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCHES_ON_STACK = 16 };

// Stretches of time in any order; those that touch the one before are joined with it.
struct stretches {
	struct span on_stack[STRETCHES_ON_STACK];
	struct span *span;
	unsigned count, capacity;
};

struct worst {
	struct safety_verdict verdict;
	int64_t from_ms, until_ms;
	struct stretches insecure[SAFETY_PATHS];
	bool out_of_memory;
};

static const enum safety_word words[SAFETY_RULES] = {
        [SAFETY_RULE_INSECURE] = SAFETY_INSECURE,
        [SAFETY_RULE_DS_SIGNATURE] = SAFETY_BOGUS,
        [SAFETY_RULE_CHAIN] = SAFETY_BOGUS,
        [SAFETY_RULE_KEY_SIGNATURE] = SAFETY_BOGUS,
        [SAFETY_RULE_DATA] = SAFETY_BOGUS,
        [SAFETY_RULE_DATA_SIGNATURE] = SAFETY_BOGUS,
        [SAFETY_RULE_UNREACHABLE] = SAFETY_UNREACHABLE,
};

enum safety_word safety_rule_word(enum safety_rule rule)
{
	return words[rule];
}

static void stretches_init(struct stretches *s)
{
	s->span = s->on_stack;
	s->count = 0;
	s->capacity = STRETCHES_ON_STACK;
}

static void stretches_free(struct stretches *s)
{
	if (s->span != s->on_stack)
		free(s->span);
}

static bool stretches_grow(struct stretches *s)
{
	assert(s->capacity >= STRETCHES_ON_STACK);
	struct span *more = malloc(2 * s->capacity * sizeof *more);
	if (more == NULL)
		return false;
	memcpy(more, s->span, s->count * sizeof *more);
	stretches_free(s);
	s->span = more;
	s->capacity *= 2;
	return true;
}

static bool stretches_add(struct stretches *s, struct span span)
{
	assert(s->span != NULL);
	struct span *last = s->count > 0 ? &s->span[s->count - 1] : NULL;
	if (last != NULL && span.from <= last->until && last->from <= span.until) {
		last->from = span.from < last->from ? span.from : last->from;
		last->until = span.until > last->until ? span.until : last->until;
		return true;
	}
	if (s->count == s->capacity && !stretches_grow(s))
		return false;
	s->span[s->count++] = span;
	return true;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	return (x->from > y->from) - (x->from < y->from);
}

// How long the union of all stretches is.
static int64_t stretches_sum(struct stretches *s)
{
	int64_t sum = 0, counted_until = TIME_EVER_MS;
	qsort(s->span, s->count, sizeof *s->span, compare_spans);
	for (unsigned i = 0; i < s->count; i++) {
		struct span rest = s->span[i];
		if (rest.from < counted_until)
			rest.from = counted_until;
		if (span_is_empty(rest))
			continue;
		sum = time_add(sum, rest.until - rest.from);
		counted_until = rest.until;
	}
	return sum;
}

static void add_insecure(struct worst *w, const struct safety_fault *f)
{
	struct span span = {f->at_ms, f->until_ms < w->until_ms ? f->until_ms : w->until_ms};
	if (!stretches_add(&w->insecure[f->path], span))
		w->out_of_memory = true;
}

static void weigh(void *ctx, const struct safety_fault *fault)
{
	struct worst *w = ctx;
	struct safety_fault f = *fault;
	if (f.at_ms < w->from_ms)
		f.at_ms = w->from_ms;
	if (f.at_ms > w->until_ms || f.until_ms <= f.at_ms)
		return;
	enum safety_word word = words[f.rule];
	if (word == SAFETY_INSECURE)
		add_insecure(w, &f);
	enum safety_word *so_far = &w->verdict.path[f.path].word;
	struct safety_fault *first = &w->verdict.path[f.path].fault;
	if (word > *so_far || (word == *so_far && f.at_ms < first->at_ms)) {
		*so_far = word;
		*first = f;
	}
}

enum result safety_judge(const struct safety_history *history, const struct safety_readers *readers,
        int64_t from_ms, int64_t until_ms, struct safety_verdict *verdict)
{
	struct worst w = {.from_ms = from_ms, .until_ms = until_ms};
	for (int path = 0; path < SAFETY_PATHS; path++)
		stretches_init(&w.insecure[path]);
	struct fault_sink sink = {.visit = weigh, .ctx = &w, .since_ms = from_ms};
	enum result result = faults_find(history, readers, &sink);
	if (result == RESULT_OK && w.out_of_memory)
		result = RESULT_MEMORY;
	for (int path = 0; path < SAFETY_PATHS; path++) {
		if (result == RESULT_OK)
			w.verdict.path[path].insecure_ms = stretches_sum(&w.insecure[path]);
		stretches_free(&w.insecure[path]);
	}
	if (result == RESULT_OK)
		*verdict = w.verdict;
	return result;
}
