#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/util.h"
#include "tests/test.h"

static void bytes_become_hexadecimal(void **state)
{
	char out[9];

	(void)state;
	hex_encode("\x00\x1f\xa0\xff", 4, out);
	assert_string_equal(out, "001fa0ff");
	hex_encode(NULL, 0, out);
	assert_string_equal(out, "");
}

static void all_but_unreserved_characters_are_escaped(void **state)
{
	static const struct {
		struct ragd_str in;
		const char *want;
	} rows[] = {
		{ { "aZ09-._~", 8 }, "aZ09-._~" },    { { "a b/c?d&e", 9 }, "a%20b%2Fc%3Fd%26e" },
		{ { "+%\"", 3 }, "%2B%25%22" },       { { "\xc3\xa9\xff", 3 }, "%C3%A9%FF" },
		{ { "\0\x1f\x7f", 3 }, "%00%1F%7F" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		percent_encode(&b, rows[i].in);
		assert_string_equal(b.data, rows[i].want);
		buf_fini(&b);
	}
}

/* The vectors of RFC 4648, section 10. */
static void base64_goes_both_ways(void **state)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};
	unsigned char out[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		buf_adds(&b, "");
		base64_encode(&b, rows[i][0], strlen(rows[i][0]));
		assert_string_equal(b.data, rows[i][1]);
		assert_true(base64_decode(b.data, b.len, out, &n));
		assert_int_equal(n, strlen(rows[i][0]));
		assert_memory_equal(out, rows[i][0], n);
		buf_fini(&b);
	}
}

/* Every length to some over the pieces that are appended whole. */
static void base64_of_any_length_comes_back(void **state)
{
	unsigned char in[600], out[600];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 131 + i / 256);
	for (size_t len = 0; len <= sizeof(in); len++) {
		struct buf b = BUF_INIT;
		size_t n = SIZE_MAX;

		base64_encode(&b, in, len);
		assert_int_equal(b.len, (len + 2) / 3 * 4);
		assert_true(base64_decode(b.data, b.len, out, &n));
		assert_int_equal(n, len);
		assert_memory_equal(in, out, len);
		buf_fini(&b);
	}
}

static void what_is_not_base64_is_refused(void **state)
{
	static const char *const rows[] = {
		"Zg",
		"Zg=",
		"Z===",
		"====",
		"Zg==Zg==",
		"Zm9v=",
		"Zm9 ",
		"Zm9v\n",
		"A",
		"AAA",
		"AA=A",
		"A-==",
		"AAB=",
		"A A=",
		"Zm9-",
		"Zm\xc3\xa9",
		"Zh==" /* bits left over */,
		"Zm9=",
	};
	unsigned char out[8];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i]);
		assert_false(base64_decode(rows[i], strlen(rows[i]), out, &n));
		assert_int_equal(n, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_hexadecimal),
		cmocka_unit_test(all_but_unreserved_characters_are_escaped),
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test(base64_of_any_length_comes_back),
		cmocka_unit_test(what_is_not_base64_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
