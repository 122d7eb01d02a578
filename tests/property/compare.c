#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool real_judge(const char *text, size_t length, struct real_answer *real, struct error *err)
{
	real->arena = arena_new(16 << 20);
	if (real->arena == NULL)
		abort();
	if (timeline_parse(real->arena, "timeline", text, length, &real->timeline, err) !=
	        RESULT_OK) {
		arena_free(real->arena);
		return false;
	}
	safety_judge(&real->timeline.history, &real->timeline.readers, 0, real->timeline.until_ms,
	        &real->verdict);
	return true;
}

void real_free(struct real_answer *real)
{
	timeline_free(&real->timeline);
	arena_free(real->arena);
}

static bool same(const struct real_answer *real, const struct naive_answer *naive, int path)
{
	const struct safety_fault *fault = &real->verdict.path[path].fault;
	if ((int)real->verdict.path[path].word != (int)naive->path[path].word)
		return false;
	return naive->path[path].word == NAIVE_SAFE || fault->at_ms == naive->path[path].at_ms;
}

static void describe(const struct real_answer *real, const struct naive_answer *naive, int path,
        struct buffer *report)
{
	char at[DURATION_TEXT];
	buffer_printf(report, "%s: naive %s at %s: %s\n", safety_path_text((enum safety_path)path),
	        naive_word_text(naive->path[path].word),
	        duration_format(naive->path[path].at_ms, at), naive->path[path].why);
	buffer_printf(report, "%s: real %s", safety_path_text((enum safety_path)path),
	        safety_word_text(real->verdict.path[path].word));
	if (real->verdict.path[path].word != SAFETY_SAFE) {
		buffer_printf(report,
		        " at %s: ", duration_format(real->verdict.path[path].fault.at_ms, at));
		safety_fault_text(&real->timeline.history, &real->verdict.path[path].fault,
		        SAFETY_TIME_RELATIVE, report);
	}
	buffer_puts(report, "\n");
}

static int compare_read(const struct real_answer *real, const struct naive_timeline *tl,
        enum naive_word *words, struct buffer *report)
{
	struct naive_answer naive;
	int result = COMPARE_AGREE;
	naive_judge(tl, &naive);
	for (int path = 0; path < NAIVE_PATHS; path++) {
		if (words != NULL)
			words[path] = naive.path[path].word;
		if (same(real, &naive, path))
			continue;
		result = COMPARE_DIFFER;
		if (report != NULL)
			describe(real, &naive, path, report);
	}
	return result;
}

int compare(const char *text, size_t length, int fine, enum naive_word words[NAIVE_PATHS],
        struct buffer *report)
{
	struct error err = {0};
	struct real_answer real;
	int result = COMPARE_UNREADABLE;
	if (!real_judge(text, length, &real, &err)) {
		if (report != NULL)
			buffer_printf(report, "real: %s\n", err.text);
		return result;
	}
	struct naive_timeline *tl = naive_read(text, length, fine, &err);
	if (tl == NULL && report != NULL)
		buffer_printf(report, "naive: %s\n", err.text);
	if (tl != NULL)
		result = compare_read(&real, tl, words, report);
	naive_free(tl);
	real_free(&real);
	return result;
}

void random_timeline(uint64_t seed, uint64_t number, struct generated *g)
{
	struct random_seeded seeded;
	struct random random = random_from_seed(
	        &seeded, seed * 0x9e3779b97f4a7c15u + number * 0xd1342543de82ef95u);
	generate(&random, g);
}

void show_text(const char *title, const char *text)
{
	printf("# %s\n", title);
	for (const char *end; *text != '\0'; text = end + (*end == '\n')) {
		end = text + strcspn(text, "\n");
		printf("#     %.*s\n", (int)(end - text), text);
	}
}

void show_generated(const struct generated *g)
{
	struct buffer text = buffer_init(1 << 16);
	generated_write(g, NULL, &text);
	show_text("timeline:", buffer_text(&text));
	buffer_free(&text);
}

uint64_t test_seed(int argc, char **argv)
{
	struct random system = random_system();
	uint64_t seed = random_below(&system, 1000000000);
	if (getenv("BATON_TEST_SEED") != NULL)
		seed = strtoull(getenv("BATON_TEST_SEED"), NULL, 10);
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
	printf("# seed %llu (--seed or BATON_TEST_SEED repeats it)\n", (unsigned long long)seed);
	return seed;
}

uint64_t test_count(const char *variable, uint64_t otherwise)
{
	const char *text = getenv(variable);
	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}
