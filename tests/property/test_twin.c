// The naive twin and the real safety model: both give the expected verdict for every timeline file,
// and they agree on random small timelines.
//
//     test_twin TIMELINES [--seed N]
//
// BATON_TWIN_COUNT: how many random timelines (default 10000).
#include "base/file.h"
#include "compare.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder;
static uint64_t seed;

// Calls visit with every timeline file of the folder; the number of files.
static int each_file(void (*visit)(const char *name, const char *text, size_t length))
{
	DIR *dir = opendir(folder);
	int n = 0;
	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		struct arena *arena = arena_new(1 << 20);
		const char *dot = strrchr(d->d_name, '.'), *path;
		if (dot != NULL && strcmp(dot, ".yaml") == 0) {
			struct error err = {0};
			char *text;
			size_t length;
			path = arena_printf(arena, "%s/%s", folder, d->d_name);
			assert_int_equal(
			        file_read(arena, path, 1 << 20, &text, &length, &err), RESULT_OK);
			visit(d->d_name, text, length);
			n++;
		}
		arena_free(arena);
	}
	closedir(dir);
	return n;
}

static void expect_of_naive(const char *name, const char *text, size_t length)
{
	struct error err = {0};
	struct naive_answer answer;
	struct naive_timeline *tl = naive_read(text, length, NAIVE_FINE, &err);
	if (tl == NULL)
		fail_msg("%s: %s", name, err.text);
	naive_judge(tl, &answer);
	for (int path = 0; path < NAIVE_PATHS; path++) {
		assert_true(tl->has_expect[path]);
		if (answer.path[path].word != tl->expect[path])
			fail_msg("%s: %s, expected %s; %s", name,
			        naive_word_text(answer.path[path].word),
			        naive_word_text(tl->expect[path]), answer.path[path].why);
	}
	naive_free(tl);
}

static void naive_gives_known_verdicts(void **state)
{
	(void)state;
	assert_in_range(each_file(expect_of_naive), 44, 1000);
}

static void expect_of_both(const char *name, const char *text, size_t length)
{
	struct buffer report = buffer_init(1 << 16);
	if (compare(text, length, NAIVE_FINE, NULL, &report) != COMPARE_AGREE)
		fail_msg("%s: %s", name, buffer_text(&report));
	buffer_free(&report);
}

static void both_agree_on_known_timelines(void **state)
{
	(void)state;
	each_file(expect_of_both);
}

static int compare_generated(
        const struct generated *g, int fine, enum naive_word *words, struct buffer *report)
{
	struct buffer text = buffer_init(1 << 16);
	generated_write(g, NULL, &text);
	int result = compare(text.data, text.length, fine, words, report);
	buffer_free(&text);
	return result;
}

// The smallest timeline reachable by single edits on which the judges still disagree.
static struct generated shrink(struct generated g, int fine)
{
	struct generated smaller;
	for (int i = 0; generated_simpler(&g, i, &smaller);) {
		if (compare_generated(&smaller, fine, NULL, NULL) == COMPARE_DIFFER) {
			g = smaller;
			i = 0;
		} else {
			i++;
		}
	}
	return g;
}

static void show_disagreement(struct generated g, uint64_t number, int fine, int result)
{
	struct buffer report = buffer_init(1 << 16);
	print_message("# timeline %llu of this seed\n", (unsigned long long)number);
	if (result == COMPARE_DIFFER)
		g = shrink(g, fine);
	show_generated(&g);
	compare_generated(&g, fine, NULL, &report);
	show_text("what the judges say:", buffer_text(&report));
	buffer_free(&report);
}

static void print_distribution(uint64_t (*count)[NAIVE_PATHS], uint64_t total)
{
	for (int word = NAIVE_SAFE; word <= NAIVE_UNREACHABLE; word++)
		print_message("# %-12s direct %5.1f %%, forwarder %5.1f %%\n",
		        naive_word_text((enum naive_word)word),
		        100.0 * (double)count[word][0] / (double)total,
		        100.0 * (double)count[word][1] / (double)total);
}

static void both_agree_on_random_timelines(void **state)
{
	(void)state;
	uint64_t total = test_count("BATON_TWIN_COUNT", 10000), wrong = 0;
	uint64_t count[NAIVE_UNREACHABLE + 1][NAIVE_PATHS] = {0};
	for (uint64_t i = 0; i < total && wrong < 5; i++) {
		struct generated g;
		enum naive_word words[NAIVE_PATHS] = {0};
		random_timeline(seed, i, &g);
		int result = compare_generated(&g, NAIVE_FINE, words, NULL);
		for (int path = 0; path < NAIVE_PATHS; path++)
			count[words[path]][path]++;
		if (result != COMPARE_AGREE) {
			show_disagreement(g, i, NAIVE_FINE, result);
			wrong++;
		}
	}
	print_distribution(count, total);
	assert_int_equal(wrong, 0);
	for (int word = NAIVE_SAFE; total >= 1000 && word <= NAIVE_UNREACHABLE; word++)
		assert_true(count[word][0] * 100 >= total * 3); // the sample says something
}

// Sticky readers may need more hops than the argument for the grid allows for: a finer one agrees.
static void finer_grid_agrees(void **state)
{
	(void)state;
	uint64_t total = test_count("BATON_TWIN_COUNT", 10000) / 50;
	for (uint64_t i = 0; i < total; i++) {
		struct generated g;
		random_timeline(seed, i, &g);
		if (strcmp(g.ns, "sticky") != 0)
			continue;
		int result = compare_generated(&g, 3 * NAIVE_FINE, NULL, NULL);
		if (result != COMPARE_AGREE) {
			show_disagreement(g, i, 3 * NAIVE_FINE, result);
			fail();
		}
	}
}

// A forwarder is at least as exposed as a direct reader, child-centric readers at least as
// parent-centric ones, sticky ones at least as child-centric ones.
static void readers_are_ordered(void **state)
{
	(void)state;
	static const char *const follow[] = {"parent-centric", "child-centric", "sticky"};
	for (uint64_t i = 0; i < test_count("BATON_TWIN_COUNT", 10000) / 20; i++) {
		struct generated g;
		enum naive_word last[NAIVE_PATHS] = {0};
		random_timeline(seed, i, &g);
		for (int f = 0; f < 3; f++) {
			enum naive_word words[NAIVE_PATHS];
			g.ns = follow[f];
			assert_int_equal(
			        compare_generated(&g, NAIVE_FINE, words, NULL), COMPARE_AGREE);
			assert_true(words[NAIVE_FORWARDER] >= words[NAIVE_DIRECT]);
			for (int path = 0; path < NAIVE_PATHS; path++) {
				assert_true(words[path] >= last[path]);
				last[path] = words[path];
			}
		}
	}
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: test_twin TIMELINES [--seed N]\n", stderr);
		return 2;
	}
	folder = argv[1];
	seed = test_seed(argc, argv);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(naive_gives_known_verdicts),
	        cmocka_unit_test(both_agree_on_known_timelines),
	        cmocka_unit_test(both_agree_on_random_timelines),
	        cmocka_unit_test(finer_grid_agrees),
	        cmocka_unit_test(readers_are_ordered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
