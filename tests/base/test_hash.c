#include "base/hash.h"
#include "tests/test.h"

static void hashes_are_what_they_were(void **state)
{
	(void)state;
	/* Stored in tables on disk: they may not change. */
	assert_true(hash_bytes("", 0) == UINT64_C(0));
	assert_true(hash_bytes("thread", 6) == UINT64_C(0x3471778af9ec5400));
	assert_true(hash_bytes("uv_threadpool_size", 18) == UINT64_C(0x851bc69ed7f2b1ae));
	assert_true(hash_bytes("a\0", 2) != hash_bytes("a", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_what_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
