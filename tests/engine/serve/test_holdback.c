/* The end of a text that is being written: neither stop strings nor characters are cut. */
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/serve/holdback.h"
#include "tests/test.h"

#define S RAGD_STR

static void holds_back_what_is_not_certain(void **state)
{
	static const struct {
		const char *name;
		struct ragd_str stops[2];
		const char *in[5], *want[5]; /* piece by piece */
		bool stopped;                /* by the last */
	} rows[] = {
		{ "text passes", { { 0 } }, { "a", "bc" }, { "a", "bc" }, false },
		{ "a stop string in one piece", { S("END") }, { "abENDcd" }, { "ab" }, true },
		{ "over pieces", { S("END") }, { "a", "E", "N", "D" }, { "a", "", "", "" }, true },
		{ "it was none", { S("END") }, { "aE", "N", "x" }, { "a", "", "ENx" }, false },
		{ "it begins again", { S("aab") }, { "aa", "a", "b" }, { "", "a", "" }, true },
		{ "the first that is complete", { S("xaby"), S("ab") }, { "xaby" }, { "x" }, true },
		{ "the longest of those", { S("ab"), S("xab") }, { "wxab" }, { "w" }, true },
		{ "a character in parts",
		  { { 0 } },
		  { "\xe2", "\x82", "\xac!" },
		  { "", "", "\xe2\x82\xac!" },
		  false },
		{ "bytes that are none",
		  { { 0 } },
		  { "a\xff", "b" },
		  { "a\xef\xbf\xbd", "b" },
		  false },
		{ "a character that never comes",
		  { { 0 } },
		  { "\xe2\x82", "a" },
		  { "", "\xef\xbf\xbd\xef\xbf\xbd"
			"a" },
		  false },
		{ "a stop string of several bytes",
		  { S("\xc3\xa9") },
		  { "a\xc3", "\xa9" },
		  { "a", "" },
		  true },
		{ "a piece of nothing", { S("END") }, { "E", "", "ND" }, { "", "", "" }, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = 0;
		struct holdback t;

		print_message("%s\n", rows[i].name);
		while (n < 2 && rows[i].stops[n].len > 0)
			n++;
		holdback_init(&t, rows[i].stops, n);
		for (size_t j = 0; j < 5 && rows[i].in[j] != NULL; j++) {
			bool last = j == 4 || rows[i].in[j + 1] == NULL;

			assert_int_equal(
				holdback_feed(&t, rows[i].in[j], strlen(rows[i].in[j]), false),
				last && rows[i].stopped);
			assert_int_equal(t.out.len, strlen(rows[i].want[j]));
			if (t.out.len > 0)
				assert_memory_equal(t.out.data, rows[i].want[j], t.out.len);
		}
		assert_false(holdback_failed(&t));
		holdback_fini(&t);
	}
}

static void shows_the_rest_at_the_end(void **state)
{
	static const struct ragd_str stop = S("END");
	struct holdback t;

	(void)state;
	holdback_init(&t, &stop, 1);
	assert_false(holdback_feed(&t, "abEN", 4, false));
	assert_int_equal(t.out.len, 2);
	assert_false(holdback_feed(&t, "", 0, true)); /* an end token: no bytes of its own */
	assert_int_equal(t.out.len, 2);
	assert_memory_equal(t.out.data, "EN", 2);
	holdback_fini(&t);

	holdback_init(&t, &stop, 1);
	assert_false(holdback_feed(&t, "aE\xe2\x82", 4, true)); /* half a character is not shown */
	assert_int_equal(t.out.len, 2);
	holdback_fini(&t);
}

/* However the bytes are cut into pieces, the text is the same. */
static void the_cut_makes_no_difference(void **state)
{
	static const char text[] =
		"caf\xc3\xa9 aab\xff xa \xe2\x82\xac xab the end of it aaaab\xe2\x82";
	static const struct ragd_str stops[][2] = { { S("aaab"), S("zz") },
						    { S("the e"), S("end") },
						    { S("\xe2\x82\xac x"), S("xab ") },
						    { S("nowhere"), S("itaaa") } };
	uint32_t seed = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stops); i++) {
		struct buf whole = BUF_INIT;
		struct holdback t;

		holdback_init(&t, stops[i], 2);
		holdback_feed(&t, text, sizeof(text) - 1, true);
		buf_add(&whole, t.out.data, t.out.len);
		assert_true(utf8_invalid_at(whole.data, whole.len) < 0);
		holdback_fini(&t);
		for (int round = 0; round < 500; round++) {
			struct buf parts = BUF_INIT;
			bool stopped = false;

			holdback_init(&t, stops[i], 2);
			for (size_t at = 0, n; at < sizeof(text) - 1 && !stopped; at += n) {
				seed = seed * 1664525u + 1013904223u;
				n = MIN((seed >> 16) % 5, sizeof(text) - 1 - at);
				stopped =
					holdback_feed(&t, text + at, n, at + n == sizeof(text) - 1);
				buf_add(&parts, t.out.data, t.out.len);
			}
			assert_int_equal(parts.len, whole.len);
			assert_memory_equal(parts.data, whole.data, whole.len);
			buf_fini(&parts);
			holdback_fini(&t);
		}
		buf_fini(&whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_back_what_is_not_certain),
		cmocka_unit_test(shows_the_rest_at_the_end),
		cmocka_unit_test(the_cut_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
