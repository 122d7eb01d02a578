// Both judges on one timeline file, and the tests' common ways to read arguments and say things.
#pragma once

#include "base/buffer.h"
#include "base/random.h"
#include "generate.h"
#include "naive.h"
#include "safety/timeline.h"

// What the real implementation says. The history lives in the answer: real_free().
struct real_answer {
	struct arena *arena;
	struct timeline timeline;
	struct safety_verdict verdict;
};

// false with a sentence in err where the timeline cannot be read.
bool real_judge(const char *text, size_t length, struct real_answer *real, struct error *err);
void real_free(struct real_answer *real);

enum { COMPARE_AGREE, COMPARE_DIFFER, COMPARE_UNREADABLE };
// Do the real and the naive judge agree, in words and in the instant of the first fault of the
// worst word? Fills words (may be NULL), and a report where they do not agree (may be NULL).
int compare(const char *text, size_t length, int fine, enum naive_word words[NAIVE_PATHS],
        struct buffer *report);

// Timeline number n of a seed.
void random_timeline(uint64_t seed, uint64_t number, struct generated *g);
// A generated timeline as TAP comments.
void show_generated(const struct generated *g);
void show_text(const char *title, const char *text);

// --seed N, or BATON_TEST_SEED, or a new one; printed as a TAP comment.
uint64_t test_seed(int argc, char **argv);
// The number in an environment variable, or the default.
uint64_t test_count(const char *variable, uint64_t otherwise);
