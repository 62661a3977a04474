/*
 * Files of words of a language: sections of rows; what is not in order is refused with file and
 * line.
 */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/text/lang.h"
#include "base/text/lang_index.h"
#include "base/util.h"
#include "tests/temp.h"
#include "tests/test.h"

static void reads_sections_of_rows(void **state)
{
	static const char text[] = "# of a test\n\n[names]\n  test \t tst\r\n[empty]\n"
				   "[rows]\n\none two\n# between\nthree";
	const char *const *rows, *at, *word;
	struct lang *l = NULL;
	size_t n, len;

	(void)state;
	assert_int_equal(lang_parse("t.lang", text, sizeof(text) - 1, &l, NULL), 0);
	assert_string_equal(lang_path(l), "t.lang");
	assert_string_equal(lang_section(l, 2), "rows");
	assert_null(lang_section(l, 3));
	rows = lang_rows(l, "names", &n);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0], "test tst");
	lang_rows(l, "empty", &n);
	assert_int_equal(n, 0);
	lang_rows(l, "nothing", &n);
	assert_int_equal(n, 0);
	rows = lang_rows(l, "rows", &n);
	assert_int_equal(n, 2);
	assert_string_equal(rows[1], "three");
	at = rows[0];
	word = lang_word(&at, &len);
	assert_memory_equal(word, "one", len);
	word = lang_word(&at, &len);
	assert_memory_equal(word, "two", len);
	assert_null(lang_word(&at, &len));
	lang_close(l);
	lang_close(NULL);
}

static uint64_t bits_of(const struct lang_index *x, const char *word)
{
	return lang_index_find(x, hash_bytes(word, strlen(word)));
}

static void an_index_tells_the_sections_of_a_word(void **state)
{
	static const struct lang_section_bits known[] = { { "a", 1 },
							  { "b", UINT64_C(1) << 40 },
							  { "rows", 0 } };
	static const char text[] = "[a]\none two\nthree\n[rows]\nfour\n[b]\ntwo\n";
	struct ragd_err err = { 0 };
	struct lang_index x;
	struct lang *l = NULL;
	char word[16];

	(void)state;
	assert_int_equal(lang_parse("t.lang", text, sizeof(text) - 1, &l, NULL), 0);
	assert_int_equal(lang_index_init(&x), 0);
	assert_int_equal(lang_index_fill(&x, l, known, ARRAY_LEN(known), NULL), 0);
	assert_true(bits_of(&x, "one") == 1 && bits_of(&x, "three") == 1);
	assert_true(bits_of(&x, "two") == (UINT64_C(1) << 40 | 1));
	assert_true(bits_of(&x, "four") == 0 && bits_of(&x, "five") == 0);
	for (int i = 0; i < 1000; i++) { /* it grows */
		snprintf(word, sizeof(word), "w%d", i);
		assert_int_equal(lang_index_add(&x, hash_bytes(word, strlen(word)), 4), 0);
	}
	assert_true(bits_of(&x, "two") == (UINT64_C(1) << 40 | 1) && bits_of(&x, "w999") == 4);
	assert_int_equal(lang_index_fill(&x, l, known, 2, &err), -EINVAL);
	assert_string_equal(err.msg, "t.lang: there is no section [rows]");
	lang_index_fini(&x);
	lang_close(l);
}

static void refuses_what_is_not_in_order(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "words\n[a]\n", "t.lang:1: words before" },
		{ "[a]\nx\n[b]\n[a]\n", "t.lang:4: the section [a] occurs twice" },
		{ "[a\n", "t.lang:1: a section is [name]" },
		{ "\n[]\n", "t.lang:2: a section is [name]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct lang *l = NULL;

		assert_int_equal(lang_parse("t.lang", rows[i].text, strlen(rows[i].text), &l, &err),
				 -EINVAL);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, rows[i].says));
		assert_null(l);
	}
}

static void finds_the_file_that_has_the_name(void **state)
{
	struct ragd_err err = { 0 };
	struct lang *l = NULL;

	(void)state;
	temp_write("a.lang", "[names]\nalpha al\n");
	temp_write("b.lang", "[names]\nbeta\nbe bet\n");
	temp_write("b.txt", "not a language");
	assert_int_equal(lang_open(temp_dir, "bet", &l, &err), 0);
	assert_non_null(strstr(lang_path(l), "/b.lang"));
	lang_close(l);
	assert_int_equal(lang_open(temp_dir, "gamma", &l, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "'gamma'"));
	assert_int_equal(lang_open("/nowhere", "alpha", &l, &err), -ENOENT);
	temp_write("c.lang", "lost words");
	assert_int_equal(lang_open(temp_dir, "alpha", &l, &err), 0);
	lang_close(l);
	assert_int_equal(lang_open(temp_dir, "gamma", &l, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "/c.lang:1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sections_of_rows),
		cmocka_unit_test(an_index_tells_the_sections_of_a_word),
		cmocka_unit_test(refuses_what_is_not_in_order),
		cmocka_unit_test_setup_teardown(finds_the_file_that_has_the_name, temp_setup,
						temp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
