#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void gives_zeroed_aligned_memory(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(arena, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xa5, n); // the sanitizer would see an overlap with the block's end
	}
	arena_free(arena);
}

static void allocations_do_not_overlap(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	unsigned char *p[200];
	for (int i = 0; i < 200; i++) {
		p[i] = arena_alloc(arena, 100 + (size_t)i);
		memset(p[i], i, 100 + (size_t)i);
	}
	for (int i = 0; i < 200; i++)
		for (int j = 0; j < 100 + i; j++)
			assert_int_equal(p[i][j], i);
	arena_free(arena);
}

static void keeps_its_declared_maximum(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1024);
	assert_non_null(arena_alloc(arena, 1000));
	assert_null(arena_alloc(arena, 1000));
	assert_non_null(arena_alloc(arena, 8)); // what still fits, fits
	assert_true(arena_used(arena) <= 1024);
	arena_free(arena);
}

static void serves_allocations_larger_than_a_block(void **state)
{
	(void)state;
	struct arena *arena = arena_new(10 << 20);
	char *small = arena_strdup(arena, "small");
	char *large = arena_alloc(arena, 5 << 20);
	assert_non_null(large);
	large[(5 << 20) - 1] = 'x';
	assert_string_equal(small, "small");
	arena_free(arena);
}

static void refuses_sizes_that_overflow(void **state)
{
	(void)state;
	struct arena *arena = arena_new(SIZE_MAX);
	assert_null(arena_array(arena, SIZE_MAX / 2, 4));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_alloc(arena, SIZE_MAX - 40)); // with the block's own header
	assert_int_equal(arena_used(arena), 0);
	arena_free(arena);
}

static void copies_texts(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 16);
	assert_string_equal(arena_strdup(arena, "abc"), "abc");
	assert_string_equal(arena_strdup(arena, ""), "");
	assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
	assert_string_equal(arena_strndup(arena, "ab", 300), "ab");
	assert_string_equal(arena_printf(arena, "%s.%d", "zone", 7), "zone.7");
	assert_memory_equal(arena_memdup(arena, "a\0b", 3), "a\0b", 3);
	arena_free(arena);
}

static void says_no_to_a_text_that_does_not_fit(void **state)
{
	(void)state;
	struct arena *arena = arena_new(64);
	assert_null(arena_printf(arena, "%0100d", 1));
	assert_null(arena_strdup(arena,
	        "a text of more than sixty-four octets, which is more than this arena may hold"));
	arena_free(arena);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(gives_zeroed_aligned_memory),
	        cmocka_unit_test(allocations_do_not_overlap),
	        cmocka_unit_test(keeps_its_declared_maximum),
	        cmocka_unit_test(serves_allocations_larger_than_a_block),
	        cmocka_unit_test(refuses_sizes_that_overflow),
	        cmocka_unit_test(copies_texts),
	        cmocka_unit_test(says_no_to_a_text_that_does_not_fit),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
