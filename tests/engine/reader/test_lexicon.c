/* A language is a file: one that is planted makes the reader understand its questions. */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "base/hash.h"
#include "engine/reader/question.h"
#include "tests/engine/reader/english.h"
#include "tests/temp.h"
#include "tests/test.h"

static const char german[] = "[names]\ngerman de\n"
			     "[question-words]\nwer wann wo warum wie was welcher\n"
			     "[auxiliaries]\nist kann\n[be]\nist\n[after-what]\nist\n"
			     "[who]\nwer\n[when]\nwann\n[where]\nwo\n[why]\nwarum\n[how]\nwie\n"
			     "[how-many]\nviele\n[how-measured]\nlange\n[time-nouns]\njahr\n"
			     "[articles]\nder die das\n[negations]\nnicht kein\n"
			     "[forms]\nschreiben schrieb geschrieben\n"
			     "[related]\ngeboren geburt\n";

static struct lexicon *open_german(void)
{
	struct ragd_err err = { 0 };
	struct lexicon *x = NULL;

	temp_write("german.lang", german);
	if (lexicon_open(temp_dir, "german", &x, &err) < 0)
		fail_msg("%s", err.msg);
	return x;
}

static void a_planted_language_is_understood(void **state)
{
	static const struct {
		const char *text;
		enum ask ask;
		bool negated;
	} rows[] = {
		{ "Wer schrieb den Faust?", ASK_WHO, false },
		{ "Wann wurde die Stadt gegründet?", ASK_WHEN, false },
		{ "Wo liegt der Hafen?", ASK_WHERE, false },
		{ "Warum läuft der Dienst nicht?", ASK_WHY, true },
		{ "Wie viele Inseln hat der See?", ASK_COUNT, false },
		{ "Wie lange dauert das?", ASK_COUNT, false },
		{ "Wie öffnet man die Schleuse?", ASK_HOW, false },
		{ "Was ist ein Deich?", ASK_DEFINE, false },
		{ "Ist der Hafen tief?", ASK_YESNO, false },
		{ "Hafen Tiefe", ASK_OTHER, false },
	};
	struct words *w = words_new("german");
	static struct reader_question q;
	struct lexicon *x = open_german();

	(void)state;
	assert_non_null(w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].text);
		question_read(&q, w, x, (struct ragd_str){ rows[i].text, strlen(rows[i].text) });
		assert_int_equal(q.ask, rows[i].ask);
		assert_int_equal(q.negated, rows[i].negated);
	}
	words_free(w);
	lexicon_close(x);
}

/* How well a word stands for the first term of a question. */
static float match_of(struct words *w, const struct reader_question *q, const char *text)
{
	struct word word;
	float match = 0;

	words_start(w, text, strlen(text));
	assert_true(words_next(w, &word));
	return question_match(q, &word, hash_bytes(word.stem, word.n_stem), &match) == 0 ? match
											 : 0;
}

static void its_forms_and_related_words_match(void **state)
{
	struct words *w = words_new("german");
	static struct reader_question q;
	struct lexicon *x = open_german();

	(void)state;
	question_read(&q, w, x, RAGD_STR("Wer schrieb?"));
	assert_true(match_of(w, &q, "geschrieben") == 1);
	assert_true(match_of(w, &q, "gelesen") == 0);
	question_read(&q, w, x, RAGD_STR("Wann geboren?"));
	assert_true(match_of(w, &q, "Geburt") == 0.5f);
	words_free(w);
	lexicon_close(x);
}

static void english_has_words_in_every_section(void **state)
{
	struct lexicon *x = english_open();
	uint32_t cues = 0, asks = 0;
	static const char *const words[] = { "seven", "march",  "year",   "because", "by",
					     "is",    "king",   "river",  "in",      "it",
					     "not",   "km",     "can",    "the",     "first",
					     "limit", "who",    "what",   "kind",    "of",
					     "when",  "how",    "where",  "why",     "many",
					     "long",  "reason", "person", "city",    "century" };

	(void)state;
	assert_non_null(x);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		cues |= lexicon_cues(x, hash_bytes(words[i], strlen(words[i])));
		asks |= lexicon_asks(x, hash_bytes(words[i], strlen(words[i])));
	}
	assert_int_equal(cues, 2 * CUE_AMOUNT - 1);
	assert_int_equal(asks, 2 * ASKS_REASON - 1);
	assert_int_equal(lexicon_cues(x, hash_bytes("zyx", 3)), 0);
	assert_string_equal(lexicon_no_answer(x), "I found no answer to this in the documents.");
	lexicon_close(x);
}

static void of_a_language_without_a_file_nothing_is_known(void **state)
{
	struct ragd_err err = { 0 };
	struct lexicon *x = NULL;
	const char *row;
	size_t at = 0;
	bool same;

	(void)state;
	lexicon_close(open_german()); /* its file is there now */
	assert_int_equal(lexicon_open(temp_dir, "danish", &x, &err), 0);
	assert_true(lexicon_is_empty(x));
	assert_int_equal(lexicon_cues(x, hash_bytes("wer", 3)), 0);
	assert_int_equal(lexicon_asks(x, hash_bytes("wer", 3)), 0);
	assert_false(lexicon_related(x, "wer", 3, &at, &row, &same));
	assert_null(lexicon_no_answer(x));
	lexicon_close(x);
	lexicon_close(NULL);
}

static void a_section_that_is_spelt_wrong_is_refused(void **state)
{
	struct ragd_err err = { 0 };
	struct lexicon *x = NULL;

	(void)state;
	temp_write("a.lang", "[names]\nfinnish\n[negation]\nei\n");
	assert_int_equal(lexicon_open(temp_dir, "finnish", &x, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "a.lang"));
	assert_non_null(strstr(err.msg, "[negation]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_planted_language_is_understood, temp_setup,
						temp_teardown),
		cmocka_unit_test_setup_teardown(its_forms_and_related_words_match, temp_setup,
						temp_teardown),
		cmocka_unit_test(english_has_words_in_every_section),
		cmocka_unit_test_setup_teardown(of_a_language_without_a_file_nothing_is_known,
						temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(a_section_that_is_spelt_wrong_is_refused,
						temp_setup, temp_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
