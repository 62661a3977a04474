#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/test.h"

static void grows_and_stays_terminated(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		buf_printf(&b, "%d,", i);
		assert_int_equal(b.data[b.len], '\0');
	}
	assert_int_equal(strlen(b.data), b.len);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_memory_equal(b.data, "0,1,2,", 6);
	assert_false(buf_failed(&b));
	buf_fini(&b);
	assert_null(b.data);
}

static void consumes_from_the_front(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_consume(&b, 0); /* also while nothing was appended */
	buf_adds(&b, "hello world");
	buf_consume(&b, 6);
	assert_string_equal(b.data, "world");
	buf_consume(&b, 5);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_clear(&b);
	buf_addc(&b, 'x');
	assert_string_equal(b.data, "x");
	buf_fini(&b);
}

static void remembers_that_it_failed(void **state)
{
	struct buf b = BUF_INIT;
	size_t n;

	(void)state;
	buf_adds(&b, "kept");
	buf_add(&b, "", SIZE_MAX); /* overflows before it is read */
	assert_true(buf_failed(&b));
	buf_adds(&b, "lost");
	assert_int_equal(b.len, 4);
	assert_null(buf_steal(&b, &n));
	assert_false(buf_failed(&b));
}

static void hands_its_memory_over(void **state)
{
	struct buf b = BUF_INIT;
	size_t n = 99;
	char *s = buf_steal(&b, &n);

	(void)state;
	assert_string_equal(s, "");
	assert_int_equal(n, 0);
	free(s);
	buf_add(&b, "a\0b", 3);
	assert_int_equal(buf_str(&b).len, 3);
	s = buf_steal(&b, &n);
	assert_memory_equal(s, "a\0b", 4);
	assert_int_equal(n, 3);
	free(s);
	assert_null(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_stays_terminated),
		cmocka_unit_test(consumes_from_the_front),
		cmocka_unit_test(remembers_that_it_failed),
		cmocka_unit_test(hands_its_memory_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
