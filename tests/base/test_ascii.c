#include <ctype.h>

#include "base/text/ascii.h"
#include "tests/test.h"

/* The C locale, which no program of the test leaves, is the reference for bytes of ASCII. */
static void classes_are_those_of_the_c_locale(void **state)
{
	(void)state;
	for (int i = 0; i < 0x80; i++) {
		char c = (char)i;

		assert_int_equal(ascii_is_digit(c), isdigit(i) != 0);
		assert_int_equal(ascii_is_upper(c), isupper(i) != 0);
		assert_int_equal(ascii_is_lower(c), islower(i) != 0);
		assert_int_equal(ascii_is_alpha(c), isalpha(i) != 0);
		assert_int_equal(ascii_is_alnum(c), isalnum(i) != 0);
		assert_int_equal(ascii_is_hex(c), isxdigit(i) != 0);
		assert_int_equal(ascii_is_space(c), isspace(i) != 0);
		assert_int_equal(ascii_is_punct(c), ispunct(i) != 0);
		assert_int_equal(ascii_is_word(c), isalnum(i) != 0);
		assert_int_equal(ascii_to_lower(c), tolower(i));
	}
}

static void bytes_of_other_characters_belong_to_words_only(void **state)
{
	(void)state;
	for (int i = 0x80; i < 0x100; i++) {
		char c = (char)i;

		assert_false(ascii_is_digit(c) || ascii_is_upper(c) || ascii_is_lower(c));
		assert_false(ascii_is_alpha(c) || ascii_is_alnum(c) || ascii_is_hex(c));
		assert_false(ascii_is_space(c) || ascii_is_punct(c));
		assert_true(ascii_is_word(c));
		assert_int_equal(ascii_to_lower(c), c);
	}
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
	assert_int_equal(ascii_hex_value('\xff'), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_those_of_the_c_locale),
		cmocka_unit_test(bytes_of_other_characters_belong_to_words_only),
		cmocka_unit_test(hexadecimal_digits_have_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
