// The verdict over a stretch of time: the worst word, and its first fault.
#include "safety/internal.h"

struct worst {
	struct safety_verdict verdict;
	int64_t from_ms, until_ms;
	int64_t insecure_from[SAFETY_PATHS], insecure_until[SAFETY_PATHS];
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

// Faults come in no order; the insecure stretches of one zone nearly always join. Where they do
// not, each is added by itself and an overlap counts twice at the most.
static void add_insecure(struct worst *w, const struct safety_fault *f)
{
	int64_t until = f->until_ms < w->until_ms ? f->until_ms : w->until_ms;
	int64_t *from_so_far = &w->insecure_from[f->path],
	        *until_so_far = &w->insecure_until[f->path];
	if (*until_so_far > *from_so_far && f->at_ms <= *until_so_far && until >= *from_so_far) {
		*from_so_far = f->at_ms < *from_so_far ? f->at_ms : *from_so_far;
		*until_so_far = until > *until_so_far ? until : *until_so_far;
		return;
	}
	w->verdict.path[f->path].insecure_ms += *until_so_far - *from_so_far;
	*from_so_far = f->at_ms;
	*until_so_far = until;
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
	struct fault_sink sink = {.visit = weigh, .ctx = &w, .since_ms = from_ms};
	enum result result = faults_find(history, readers, &sink);
	if (result != RESULT_OK)
		return result;
	for (int path = 0; path < SAFETY_PATHS; path++)
		w.verdict.path[path].insecure_ms += w.insecure_until[path] - w.insecure_from[path];
	*verdict = w.verdict;
	return RESULT_OK;
}
