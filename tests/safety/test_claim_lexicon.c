/* The words that tell what a sentence claims: English as it is installed, another from a text. */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "tests/safety/claim_english.h"
#include "tests/test.h"

static uint64_t word_bits(const struct claim_lexicon *x, const char *fold)
{
	return claim_lexicon_word(x, hash_bytes(fold, strlen(fold)));
}

static uint64_t stem_sides(const struct claim_lexicon *x, const char *stem)
{
	return claim_lexicon_sides(x, hash_bytes(stem, strlen(stem)));
}

static uint64_t word_number(const struct claim_lexicon *x, const char *fold)
{
	return claim_lexicon_number(x, word_bits(x, fold));
}

static void english_is_installed(void **state)
{
	struct claim_lexicon *x = claim_english_open();

	(void)state;
	assert_non_null(x);
	assert_true(word_bits(x, "not") & CLAIM_NEGATES);
	assert_true(word_bits(x, "answer") & CLAIM_ASKING &&
		    word_bits(x, "answer") & CLAIM_HOLDING);
	assert_true(word_bits(x, "i") & CLAIM_SPEAKS);
	assert_true(word_bits(x, "size") & CLAIM_KIND);
	assert_int_equal(word_bits(x, "zyx"), 0);
	assert_true(claim_lexicon_ends_negative(x, "needn't", 7));
	assert_false(claim_lexicon_ends_negative(x, "n't", 3));
	/* "increasing" and "decreased" by their stems; no word is on both sides. */
	assert_true(stem_sides(x, "increas") == stem_sides(x, "rise"));
	assert_true(stem_sides(x, "decreas") == stem_sides(x, "increas") << 1);
	assert_true(word_number(x, "twelve") == hash_bytes("12", 2));
	assert_int_equal(word_number(x, "one"), 0);
	claim_lexicon_close(x);
}

static const char german[] = "[names]\ngerman de\n[negations]\nnicht kein keine\n"
			     "[negation-endings]\nlos\n[opposites]\ngroß größer | klein kleiner\n"
			     "öffnen | schließen\n[numbers]\n2 zwei\n3 drei\n";

static void another_language_is_a_text(void **state)
{
	struct claim_lexicon *x = NULL;

	(void)state;
	assert_int_equal(
		claim_lexicon_parse("de.lang", german, sizeof(german) - 1, "german", &x, NULL), 0);
	assert_true(word_bits(x, "nicht") & CLAIM_NEGATES);
	assert_int_equal(word_bits(x, "not"), 0);
	assert_true(claim_lexicon_ends_negative(x, "wertlos", 7));
	/* By their stems, as Snowball has them. */
	assert_int_equal(stem_sides(x, "offn"), 1 << 2);
	assert_int_equal(stem_sides(x, "schliess"), 1 << 3);
	assert_true(word_number(x, "drei") == hash_bytes("3", 1));
	claim_lexicon_close(x);
	claim_lexicon_close(NULL);
}

static void what_is_not_in_order_is_refused(void **state)
{
	static const struct {
		const char *text, *language, *says;
	} rows[] = {
		{ "[negation]\nnot\n", "english", "x.lang: there is no section [negation]" },
		{ "[opposites]\nup down\n", "english",
		  "x.lang: a pair of [opposites] is WORDS | WORDS: up down" },
		{ "[opposites]\nup | down | left\n", "english",
		  "x.lang: a pair of [opposites] is WORDS | WORDS: up | down | left" },
		{ "[numbers]\ntwo 2\n", "english",
		  "x.lang: a row of [numbers] begins with digits: two 2" },
		{ "not\n", "english", "x.lang:1: words before" },
		{ "[negations]\nnot\n", "klingon", "there is no stemmer for 'klingon'" },
	};
	char many[4096] = "[opposites]\n";
	struct claim_lexicon *x = NULL;
	struct ragd_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(claim_lexicon_parse("x.lang", rows[i].text, strlen(rows[i].text),
						     rows[i].language, &x, &err),
				 -EINVAL);
		if (strstr(err.msg, rows[i].says) == NULL)
			fail_msg("'%s'", err.msg);
	}
	for (int i = 0; i <= CLAIM_LEXICON_PAIRS; i++)
		strcat(many, "up | down\n");
	assert_int_equal(claim_lexicon_parse("x.lang", many, strlen(many), "english", &x, &err),
			 -EINVAL);
	assert_string_equal(err.msg, "x.lang: more than 19 pairs of [opposites]");
	assert_int_equal(claim_lexicon_open("/nonexistent", "english", &x, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent"));
	assert_null(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(english_is_installed),
		cmocka_unit_test(another_language_is_a_text),
		cmocka_unit_test(what_is_not_in_order_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
