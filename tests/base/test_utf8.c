#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "tests/test.h"

static void finds_the_first_invalid_byte(void **state)
{
	static const struct {
		const char *name, *in;
		ssize_t want;
	} rows[] = {
		{ "empty", "", -1 },
		{ "ASCII beyond eight bytes", "0123456789abcdef!", -1 },
		{ "two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", -1 },
		{ "the last scalar value", "\xf4\x8f\xbf\xbf", -1 },
		{ "beyond it", "\xf4\x90\x80\x80", 0 },
		{ "overlong in two", "a\xc0\x80", 1 },
		{ "overlong in three", "\xe0\x80\x80", 0 },
		{ "overlong in four", "\xf0\x80\x80\x80", 0 },
		{ "a surrogate", "ok\xed\xa0\x80", 2 },
		{ "before the surrogates", "\xed\x9f\xbf", -1 },
		{ "a lone continuation", "12345678\x80", 8 },
		{ "cut", "\xe2\x82", 0 },
		{ "cut after good ones", "\xe2\x82\xac\xe2\x82", 3 },
		{ "a lead after a lead", "\xc3\xc3\xa9", 0 },
		{ "never a lead", "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(utf8_invalid_at(rows[i].in, strlen(rows[i].in)), rows[i].want);
	}
}

static void keeps_characters_whole(void **state)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11 };

	(void)state;
	for (size_t len = 0; len < ARRAY_LEN(want); len++)
		assert_int_equal(utf8_whole(text, len), want[len]);
	/* What can never become valid is not held back. */
	assert_int_equal(utf8_whole("a\xff", 2), 2);
	assert_int_equal(utf8_whole("a\x80\x80\x80\x80", 5), 5);
	assert_int_equal(utf8_whole("\xe0\x80", 2), 2);
}

static void decodes_what_it_encodes(void **state)
{
	char out[4];
	uint32_t cp;

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c += c < 0x3000 ? 1 : 97) {
		size_t n;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		n = utf8_put(c, out);
		assert_int_equal(utf8_invalid_at(out, n), -1);
		assert_int_equal(utf8_next(out, n, &cp), n);
		assert_int_equal(cp, c);
		assert_int_equal(utf8_count(out, n), 1);
	}
	assert_int_equal(utf8_next("\xe2\x82", 2, &cp), 1);
	assert_int_equal(cp, 0xfffd);
	assert_int_equal(utf8_count("a\xff\xe2\x82\xac", 5), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_first_invalid_byte),
		cmocka_unit_test(keeps_characters_whole),
		cmocka_unit_test(decodes_what_it_encodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
