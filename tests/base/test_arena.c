#include "base/arena.h"
#include "tests/test.h"

static void gives_zeroed_aligned_memory(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	for (size_t size = 1; size < 5000; size = size * 3 + 1) {
		unsigned char *p = arena_alloc(a, 1, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++) {
			assert_int_equal(p[i], 0);
			p[i] = 0xff;
		}
	}
	arena_free(a);
}

static void refuses_overflow_and_more_than_its_limit(void **state)
{
	struct arena *a = arena_new(100);

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX, 2));
	assert_null(arena_alloc(a, 1, SIZE_MAX));
	assert_null(arena_alloc(a, 1, 101));
	assert_non_null(arena_alloc(a, 1, 60));
	assert_null(arena_alloc(a, 1, 60));
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	assert_non_null(arena_alloc(a, 1, 60));
	arena_free(a);
	arena_free(NULL);
}

static void copies_and_formats_text(void **state)
{
	struct arena *a = arena_new(4096);
	struct ragd_str s = arena_str(a, RAGD_STR("four"));

	(void)state;
	assert_int_equal(s.len, 4);
	assert_string_equal(s.s, "four");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(a, "%d of %s", 3, "four"), "3 of four");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(refuses_overflow_and_more_than_its_limit),
		cmocka_unit_test(copies_and_formats_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
