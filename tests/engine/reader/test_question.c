#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/util.h"
#include "engine/reader/question.h"
#include "tests/engine/reader/english.h"
#include "tests/test.h"

struct fixture {
	struct words *words;
	struct lexicon *lexicon;
	struct reader_question q;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->words = words_new("english");
	f->lexicon = english_open();
	*state = f;
	return f->words == NULL || f->lexicon == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	words_free(f->words);
	lexicon_close(f->lexicon);
	free(f);
	return 0;
}

static void ask(struct fixture *f, const char *text)
{
	question_read(&f->q, f->words, f->lexicon, (struct ragd_str){ text, strlen(text) });
}

/* How well the first word of text matches a term; 0 for not at all. */
static float match(struct fixture *f, const char *text, int *term)
{
	struct word w;
	float m = 0;

	words_start(f->words, text, strlen(text));
	assert_true(words_next(f->words, &w));
	*term = question_match(&f->q, &w, hash_bytes(w.stem, w.n_stem), &m);
	return *term >= 0 ? m : 0;
}

static void knows_what_is_asked_for(void **state)
{
	static const struct {
		const char *text;
		enum ask want;
	} rows[] = {
		{ "Who wrote the opera?", ASK_WHO },
		{ "by whom was it signed", ASK_WHO },
		{ "When did the war end?", ASK_WHEN },
		{ "In what year was it built?", ASK_WHEN },
		{ "What century was that?", ASK_WHEN },
		{ "Where is the file kept?", ASK_WHERE },
		{ "In what country is Normandy located?", ASK_WHERE },
		{ "How many threads are there?", ASK_COUNT },
		{ "How long must the buffers stay valid?", ASK_COUNT },
		{ "What is the default size of the pool?", ASK_COUNT },
		{ "What is the upper limit for UV_THREADPOOL_SIZE?", ASK_COUNT },
		{ "If I call it five times, how often does the callback run?", ASK_COUNT },
		{ "Why does it fail?", ASK_WHY },
		{ "What is the reason for that?", ASK_WHY },
		{ "How do I stop a timer?", ASK_HOW },
		{ "Can I call uv_run from a callback?", ASK_YESNO },
		{ "does it block", ASK_YESNO },
		{ "What is a handle?", ASK_DEFINE },
		{ "Who was Marie Curie?", ASK_DEFINE },
		{ "What does uv_close return?", ASK_WHAT },
		{ "Which signals cannot be handled?", ASK_WHAT },
		{ "thread pool size", ASK_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].text);
		ask(*state, rows[i].text);
		assert_int_equal(((struct fixture *)*state)->q.ask, rows[i].want);
	}
}

static void keeps_content_words_as_terms(void **state)
{
	struct fixture *f = *state;

	ask(f, "How many episodes of Dragon Ball were there in uv_tcp_bind?");
	assert_int_equal(f->q.n_terms, 7); /* episodes dragon ball uv_tcp_bind uv tcp bind */
	assert_true(f->q.terms[0].unit);
	assert_true(f->q.terms[1].name);
	assert_true(f->q.terms[3].identifier);
	assert_true(f->q.terms[4].part && f->q.terms[6].part);
	assert_true(f->q.terms[4].prior < f->q.terms[0].prior);
	assert_true(f->q.terms[0].prior < f->q.terms[3].prior);
}

static void matches_forms_and_kin(void **state)
{
	struct fixture *f = *state;
	int term;

	ask(f, "Who wrote about the evolution of threads?");
	assert_true(match(f, "written", &term) == 1);
	assert_true(match(f, "writes", &term) == 1);
	assert_true(match(f, "thread", &term) == 1);
	assert_int_equal(term, 2);
	assert_true(match(f, "author", &term) > 0 && match(f, "author", &term) < 1);
	assert_true(match(f, "evolutionary", &term) > 0); /* the same first letters */
	assert_true(match(f, "banana", &term) == 0);
}

static void takes_any_question(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;

	ask(f, "");
	assert_int_equal(f->q.n_terms, 0);
	ask(f, "???");
	assert_int_equal(f->q.n_terms, 0);
	ask(f, "Who are you?"); /* only stop words: better than none */
	assert_true(f->q.n_terms > 0);
	ask(f, "\xff\xfe what \xc3");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "x%d ", i);
	question_read(&f->q, f->words, f->lexicon, buf_str(&b));
	assert_true(f->q.n_terms > TERMS_MAX / 2 && f->q.n_terms <= TERMS_MAX);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(knows_what_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_content_words_as_terms, setup, teardown),
		cmocka_unit_test_setup_teardown(matches_forms_and_kin, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_any_question, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
