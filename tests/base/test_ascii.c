#include <ctype.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text/ascii.h"

/* The C locale, which no program of the test leaves, is the reference for bytes of ASCII. */
static void classes_are_those_of_the_c_locale(void **state)
{
	(void)state;
	for (int c = 0; c < 0x80; c++) {
		assert_int_equal(ascii_is_digit(c), isdigit(c) != 0);
		assert_int_equal(ascii_is_upper(c), isupper(c) != 0);
		assert_int_equal(ascii_is_lower(c), islower(c) != 0);
		assert_int_equal(ascii_is_alpha(c), isalpha(c) != 0);
		assert_int_equal(ascii_is_alnum(c), isalnum(c) != 0);
		assert_int_equal(ascii_is_hex(c), isxdigit(c) != 0);
		assert_int_equal(ascii_is_space(c), isspace(c) != 0);
		assert_int_equal(ascii_is_punct(c), ispunct(c) != 0);
		assert_int_equal(ascii_is_word((char)c), isalnum(c) != 0);
		assert_int_equal(ascii_to_lower((char)c), tolower(c));
	}
}

static bool in_any(int c)
{
	return ascii_is_alnum(c) || ascii_is_hex(c) || ascii_is_space(c) || ascii_is_punct(c) ||
	       ascii_hex_value(c) >= 0;
}

static void what_is_not_ascii_is_in_no_class(void **state)
{
	(void)state;
	for (int c = 0x80; c <= 0x10ffff; c++)
		assert_false(in_any(c));
	for (int c = -0x80; c < 0; c++) {
		assert_false(in_any(c));
		assert_true(ascii_is_word((char)c));
		assert_int_equal(ascii_to_lower((char)c), c);
	}
	assert_false(in_any(INT_MIN));
	assert_false(in_any(INT_MAX));
}

static void hexadecimal_digits_have_values(void **state)
{
	static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

	(void)state;
	for (int i = 0; i < 16; i++) {
		assert_int_equal(ascii_hex_value(digits[i]), i);
		assert_int_equal(ascii_hex_value(upper[i]), i);
	}
	assert_int_equal(ascii_hex_value('g'), -1);
	assert_int_equal(ascii_hex_value('@'), -1);
	assert_int_equal(ascii_hex_value('/'), -1);
	assert_int_equal(ascii_hex_value(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_those_of_the_c_locale),
		cmocka_unit_test(what_is_not_ascii_is_in_no_class),
		cmocka_unit_test(hexadecimal_digits_have_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
