#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/words.h"
#include "base/util.h"
#include "tests/test.h"

static int setup(void **state)
{
	*state = words_new("english");
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	words_free(*state);
	return 0;
}

/* The words of a text: folded forms, each followed by "/stem" where the stem is another. */
static char *words_of(struct words *w, const char *text, size_t len, bool stems)
{
	struct buf b = BUF_INIT;
	struct word word;
	size_t n;

	words_start(w, text, len);
	while (words_next(w, &word)) {
		assert_in_range(word.n_fold, 1, WORD_MAX);
		assert_in_range(word.n_stem, 1, WORD_MAX);
		assert_true(word.start < word.end && word.end <= len);
		if (b.len > 0)
			buf_addc(&b, ' ');
		buf_add(&b, word.fold, word.n_fold);
		if (stems && (word.n_stem != word.n_fold ||
			      memcmp(word.fold, word.stem, word.n_fold) != 0)) {
			buf_addc(&b, '/');
			buf_add(&b, word.stem, word.n_stem);
		}
	}
	return buf_steal(&b, &n);
}

struct row {
	const char *text;
	const char *want;
};

static void check_rows(struct words *w, const struct row *rows, size_t n, bool stems)
{
	for (size_t i = 0; i < n; i++) {
		char *got = words_of(w, rows[i].text, strlen(rows[i].text), stems);

		print_message("%s\n", rows[i].text);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void folds_and_stems_english(void **state)
{
	static const struct row rows[] = {
		{ "", "" },
		{ " .,;:!? -- ... ", "" },
		{ "Running threads", "running/run threads/thread" },
		{ "the dog's bones", "the dog's/dog bones/bone" },
		{ "don't 'quoted'", "don't quoted/quot" },
		{ "don\xe2\x80\x99t", "don't" },
		{ "event-driven I/O", "event driven i o" },
		{ "end.Next word...", "end next word" },
	};

	check_rows(*state, rows, ARRAY_LEN(rows), true);
}

static void takes_identifiers_whole_and_in_parts(void **state)
{
	static const struct row rows[] = {
		{ "uv_tcp_bind()", "uv_tcp_bind uv tcp bind" },
		{ "UV_THREADPOOL_SIZE=4", "uv_threadpool_size uv threadpool size 4" },
		{ "getHTTPResponse", "gethttpresponse get http response" },
		{ "UVHandle JavaScript", "uvhandle uv handle javascript java script" },
		{ "_emphasis_ __init__ ___", "emphasis init" },
		{ "IDs URLs IPv4 PhD", "ids urls ipv4 phd ph" },
		{ "sha256Sum utf8", "sha256sum sha256 sum utf8" },
		{ "uv.h src/unix/core.c", "uv h src unix core c" },
		{ "C++ and C# and c++17, i", "c++ and c# and c++ 17 i" },
		{ "--max-time", "max time" },
		{ ":c:func:`uv_run`", "c func uv_run uv run" },
		{ "a_b_c_d_e_f_g_h_1_2_3_4_5_6_7_8_9_10_11_12_13_14_15_16_17",
		  "a_b_c_d_e_f_g_h_1_2_3_4_5_6_7_8_9_10_11_12_13_14_15_16_17" },
	};

	check_rows(*state, rows, ARRAY_LEN(rows), false);
}

static void keeps_numbers_and_versions_together(void **state)
{
	static const struct row rows[] = {
		{ "1.30.0", "1.30.0" },
		{ "v1.2, 3.14.", "v1.2 3.14" },
		{ "10,000 or 1,000,000", "10000 or 1000000" },
		{ "1,2,3 and 1,23", "1 2 3 and 1 23" },
		{ "0x1f 1e9", "0x1f 1e9" },
		{ "10MB 4.5kg", "10mb 10 mb 4.5kg 4.5 kg" },
		{ "3rd 1980s", "3rd 3 1980s 1980" },
		{ "\xd9\xa3\xd9\xa4", "34" },                            /* Arabic-Indic digits */
		{ "CO\xe2\x82\x82 \xef\xbc\x91\xef\xbc\x92", "co2 12" }, /* subscript, full width */
	};

	check_rows(*state, rows, ARRAY_LEN(rows), false);
}

static void pairs_the_characters_of_scripts_without_spaces(void **state)
{
	static const struct row rows[] = {
		{ "\xe4\xb8\xad\xe5\x9b\xbd\xe4\xba\xba", /* zhong guo ren */
		  "\xe4\xb8\xad\xe5\x9b\xbd \xe5\x9b\xbd\xe4\xba\xba" },
		{ "\xe6\xb0\xb4", "\xe6\xb0\xb4" },
		{ "\xe6\xb0\xb4 libuv\xe6\xb0\xb4\xe3\x80\x82\xe6\xb0\xb4\xe4\xb8\xad",
		  "\xe6\xb0\xb4 libuv \xe6\xb0\xb4 \xe6\xb0\xb4\xe4\xb8\xad" },
		/* Thai: marks stay with their letter. */
		{ "\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88\xe0\xb8\x94\xe0\xb8\xb5",
		  "\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88\xe0\xb8\x94\xe0\xb8\xb5" },
		/* Half-width Kana folds to full width. */
		{ "\xef\xbd\xb1\xef\xbd\xb2", "\xe3\x82\xa2\xe3\x82\xa4" },
		{ "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4",
		  "\xed\x95\x9c\xea\xb5\xad \xea\xb5\xad\xec\x96\xb4" },
	};

	check_rows(*state, rows, ARRAY_LEN(rows), false);
}

static void folds_other_scripts(void **state)
{
	static const struct row rows[] = {
		{ "\xc3\x89t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
		{ "e\xcc\x81t\xc3\xa9", "\xc3\xa9t\xc3\xa9" }, /* decomposed */
		{ "Stra\xc3\x9f"
		  "e",
		  "strasse/strass" },         /* sharp s */
		{ "co\xc2\xadop", "coop" },   /* soft hyphen */
		{ "\xef\xac\x81le", "file" }, /* ligature fi */
		{ "\xce\x9f\xce\x94\xce\x9f\xce\xa3 x",
		  "\xce\xbf\xce\xb4\xce\xbf\xcf\x83/\xce\xbf\xce\xb4 x" },
		/* Russian words get the Russian stemmer. */
		{ "\xd0\x9a\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb8",
		  "\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3\xd0\xb8/\xd0\xba\xd0\xbd\xd0\xb8\xd0\xb3" },
		{ "word\xe2\x80\x94"
		  "dash \xe2\x80\x9cquote\xe2\x80\x9d",
		  "word dash quote/quot" },
	};

	check_rows(*state, rows, ARRAY_LEN(rows), true);
}

static void invalid_utf8_separates_words(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *want;
	} rows[] = {
		{ "ab\xff"
		  "cd",
		  5, "ab cd" },
		{ "ab\xc3", 3, "ab" }, /* cut inside a character */
		{ "\xe4\xb8", 2, "" },
		{ "\xe4\xb8\xad\xe5\x9b", 5, "\xe4\xb8\xad" },
		{ "a\0b", 3, "a b" },
		{ "\xed\xa0\x80x", 4, "x" }, /* a surrogate */
		{ "\x80\x80\x80", 3, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* From memory that ends where the text does, for the sanitizers' sake. */
		char *exact = malloc(rows[i].len), *got;

		memcpy(exact, rows[i].in, rows[i].len);
		got = words_of(*state, exact, rows[i].len, false);
		assert_string_equal(got, rows[i].want);
		free(got);
		free(exact);
	}
}

static void cuts_huge_words_at_a_character(void **state)
{
	const size_t len = 300000;
	char *text = malloc(len);
	struct word word;

	memset(text, 'x', len);
	words_start(*state, text, len);
	assert_true(words_next(*state, &word));
	assert_int_equal(word.start, 0);
	assert_int_equal(word.end, len);
	assert_int_equal(word.n_fold, WORD_MAX);
	assert_false(words_next(*state, &word));
	/* Base64 has humps all over, and is no identifier. */
	for (size_t i = 0; i < len; i++)
		text[i] = "aB3"[i % 3];
	words_start(*state, text, len);
	assert_true(words_next(*state, &word));
	assert_false(words_next(*state, &word));
	/* 3 does not divide 64: a character must not be cut. */
	for (size_t i = 0; i + 3 <= len; i += 3)
		memcpy(text + i, "\xe1\xbc\x80", 3);
	words_start(*state, text, len / 3 * 3);
	assert_true(words_next(*state, &word));
	assert_int_equal(word.n_fold, 63);
	assert_false(words_next(*state, &word));
	/* One letter under a heap of marks. */
	for (size_t i = 1; i + 2 <= len; i += 2)
		memcpy(text + i, "\xcc\x81", 2);
	text[0] = 'e';
	words_start(*state, text, len - 1);
	assert_true(words_next(*state, &word));
	assert_true(word.n_fold > 0 && word.n_fold <= WORD_MAX);
	assert_false(words_next(*state, &word));
	free(text);
}

static void tells_kinds_names_and_stop_words(void **state)
{
	static const struct {
		const char *text;
		enum word_kind kind;
		bool stop, name;
	} rows[] = {
		{ "the", WORD_LETTERS, true, false },
		{ "The", WORD_LETTERS, true, true },
		{ "isn't", WORD_LETTERS, true, false },
		{ "Berlin", WORD_LETTERS, false, true },
		{ "\xc3\x96sterreich", WORD_LETTERS, false, true },
		{ "1.30.0", WORD_NUMBER, false, false },
		{ "v2", WORD_NUMBER, false, false },
		{ "\xd9\xa3", WORD_NUMBER, false, false },
		{ "\xe6\xb0\xb4", WORD_IDEOGRAPH, false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct word word;

		/* Twice: from the stemmer, then from the cache. */
		for (int j = 0; j < 2; j++) {
			words_start(*state, rows[i].text, strlen(rows[i].text));
			assert_true(words_next(*state, &word));
			assert_int_equal(word.kind, rows[i].kind);
			assert_int_equal(word.stop, rows[i].stop);
			assert_int_equal(word.name, rows[i].name);
		}
	}
}

static void parts_point_into_the_text(void **state)
{
	static const char text[] = "call uv_tcp_bind now";
	struct word word;

	words_start(*state, text, strlen(text));
	while (words_next(*state, &word)) {
		assert_int_equal(word.end - word.start, word.n_fold);
		assert_memory_equal(text + word.start, word.fold, word.n_fold);
	}
}

static void refuses_unknown_languages(void **state)
{
	struct words *w = words_new("german");

	(void)state;
	assert_null(words_new("klingon"));
	assert_null(words_new(""));
	assert_non_null(w);
	check_rows(w, &(struct row){ "laufenden der", "laufenden/laufend der" }, 1, true);
	words_free(w);
	words_free(NULL);
}

static void without_a_language_words_have_no_stems(void **state)
{
	struct words *w = words_new(NULL);
	struct word word;

	(void)state;
	words_start(w, "the Pools", 9);
	for (uint32_t i = 0; words_next(w, &word); i++) {
		assert_int_equal(word.start, i == 0 ? 0 : 4);
		assert_false(word.stop);
		assert_int_equal(word.n_stem, 0);
	}
	assert_int_equal(word.end, 9);
	assert_memory_equal(word.fold, "pools", 5);
	words_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(folds_and_stems_english, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_identifiers_whole_and_in_parts, setup,
						teardown),
		cmocka_unit_test_setup_teardown(keeps_numbers_and_versions_together, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pairs_the_characters_of_scripts_without_spaces,
						setup, teardown),
		cmocka_unit_test_setup_teardown(folds_other_scripts, setup, teardown),
		cmocka_unit_test_setup_teardown(invalid_utf8_separates_words, setup, teardown),
		cmocka_unit_test_setup_teardown(cuts_huge_words_at_a_character, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_kinds_names_and_stop_words, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_point_into_the_text, setup, teardown),
		cmocka_unit_test(refuses_unknown_languages),
		cmocka_unit_test(without_a_language_words_have_no_stems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
