#include <stdlib.h>

#include "base/array.h"
#include "tests/test.h"

static void grows_from_nothing_and_keeps_what_it_holds(void **state)
{
	size_t n = 0, cap = 0, grown = 0;
	uint64_t *items = NULL;

	(void)state;
	for (; n < 10000; n++) {
		size_t before = cap;

		assert_true(array_reserve(&items, &cap, n + 1, sizeof(*items)));
		assert_true(cap > n);
		grown += cap != before;
		items[n] = n * n;
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(items[i], i * i);
	assert_in_range(grown, 2, 14); /* 10,000 pushes, a handful of copies */
	free(items);
}

static void makes_room_for_many_at_once(void **state)
{
	size_t cap = 0;
	char *items = NULL;

	(void)state;
	assert_true(array_reserve(&items, &cap, 0, 1));
	assert_null(items); /* nothing wanted, nothing allocated */
	assert_true(array_reserve(&items, &cap, 1000, 1));
	assert_in_range(cap, 1000, 2000);
	for (size_t i = 0; i < 1000; i++)
		items[i] = 'x';
	assert_true(array_reserve(&items, &cap, 1000, 1));
	assert_in_range(cap, 1000, 2000);
	free(items);
}

static void refuses_what_overflows_and_leaves_the_array(void **state)
{
	static const size_t wanted[] = { SIZE_MAX, SIZE_MAX / 8, SIZE_MAX / 16 + 1 };
	size_t cap = 0;
	uint64_t *items = NULL, *before;

	(void)state;
	assert_true(array_reserve(&items, &cap, 1, sizeof(*items)));
	items[0] = 42;
	before = items;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		size_t was = cap;

		assert_false(array_reserve(&items, &cap, wanted[i], sizeof(*items)));
		assert_ptr_equal(items, before);
		assert_int_equal(cap, was);
		assert_int_equal(items[0], 42);
	}
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_from_nothing_and_keeps_what_it_holds),
		cmocka_unit_test(makes_room_for_many_at_once),
		cmocka_unit_test(refuses_what_overflows_and_leaves_the_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
