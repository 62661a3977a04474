#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/util.h"
#include "engine/reader/extract.h"
#include "tests/engine/reader/english.h"
#include "tests/test.h"

#define P(title_, heading_, text_)                                                                 \
	{                                                                                          \
		.title = { title_, sizeof(title_) - 1 },                                           \
		.heading = { heading_, sizeof(heading_) - 1 },                                     \
		.text = { text_, sizeof(text_) - 1 }, .score = 1                                   \
	}

static const struct ragd_passage library[] = {
	P("Thread pool", "Thread pool work scheduling",
	  "The library provides a pool of threads which can be used to run user code. Its default "
	  "size is 4, "
	  "but it can be changed at startup time by setting the ``UV_THREADPOOL_SIZE`` environment "
	  "variable. "
	  "The pool is global and shared across all event loops. It was added by Ada Example in "
	  "March 2011 "
	  "because blocking calls would stall the loop."),
	P("Loop", "Loop > API",
	  ".. c:function:: int uv_loop_close(uv_loop_t* loop)\n\n    Releases all internal "
	  "resources. Call this "
	  "function only when all open handles have been closed, or it will return UV_EBUSY.\n\n"
	  ".. c:function:: int uv_run(uv_loop_t* loop)\n\n    Runs the event loop. "
	  ":c:func:`uv_run` is not "
	  "reentrant. It must not be called from a callback.\n"),
	P("Timer", "Timers",
	  "A timer is a handle that calls a function after a while. To stop a timer, call "
	  "``uv_timer_stop`` on "
	  "it.\n\n| option | default |\n|---|---|\n| repeat | 0 ms |\n"),
	P("Museum", "Visit",
	  "The museum lies on Harbour Street in Rotterdam. It opens at ten. Jan Voorbeeld founded "
	  "it in 1957. "
	  "There are 212 paintings in the collection."),
};

static struct lexicon *lexicon;

static int setup(void **state)
{
	lexicon = english_open();
	*state = lexicon != NULL ? extract_new("english", lexicon) : NULL;
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	extract_free(*state);
	lexicon_close(lexicon);
	return 0;
}

static const struct extract_options three = { .max_sentences = 3, .threshold = 0.4 };

/* The picked sentences, "n:text" with '|' between them. */
static char *answer(struct extract_reader *x, const char *question,
		    const struct ragd_passage *passages, size_t n, const struct extract_options *o)
{
	struct extract_pick picks[EXTRACT_MAX];
	struct buf b = BUF_INIT;
	double sure;
	ssize_t got = extract_read(x, (struct ragd_str){ question, strlen(question) }, passages, n,
				   o, NULL, picks, &sure);

	assert_true(got >= 0 && got <= (ssize_t)o->max_sentences);
	assert_true(sure >= 0 && sure <= 1);
	for (ssize_t i = 0; i < got; i++) {
		assert_true(picks[i].passage < n && picks[i].start < picks[i].end &&
			    picks[i].end <= passages[picks[i].passage].text.len);
		buf_printf(&b, "%s%u:%.*s", i > 0 ? "|" : "", (unsigned)picks[i].passage,
			   (int)(picks[i].end - picks[i].start),
			   passages[picks[i].passage].text.s + picks[i].start);
	}
	return buf_steal(&b, &(size_t){ 0 });
}

static void chooses_the_sentence_that_answers(void **state)
{
	static const struct {
		const char *question, *want;
	} rows[] = {
		{ "What is the default size of the thread pool?", "0:Its default size is 4" },
		{ "Who added the pool?", "0:It was added by Ada Example" },
		{ "When was the pool added?", "0:It was added by Ada Example in March 2011" },
		{ "Why was the pool added?", "because blocking calls" },
		{ "Is the pool shared across event loops?", "0:The pool is global and shared" },
		{ "What does uv_loop_close return when handles are open?", "UV_EBUSY" },
		{ "Can I call uv_run from a callback?",
		  "1:It must not be called from a callback." },
		{ "What is a timer?", "2:A timer is a handle" },
		{ "How do I stop a timer?", "2:To stop a timer, call" },
		{ "What is the default of the option repeat?", "2:| repeat | 0 ms |" },
		{ "Where is the museum?", "3:The museum lies on Harbour Street" },
		{ "who founded the museum", "3:Jan Voorbeeld founded it" },
		{ "How many paintings does the museum have?", "3:There are 212 paintings" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = answer(*state, rows[i].question, library, ARRAY_LEN(library), &three);

		print_message("%s\n  %s\n", rows[i].question, got);
		assert_non_null(strstr(got, rows[i].want));
		free(got);
	}
}

static void the_best_alone_is_the_right_one(void **state)
{
	static const struct extract_options one = { .max_sentences = 1, .threshold = 0.4 };
	static const struct {
		const char *question, *want;
	} rows[] = {
		{ "Where is the museum?", "3:The museum lies on Harbour Street in Rotterdam." },
		{ "How many paintings does the museum have?",
		  "3:There are 212 paintings in the collection." },
		{ "How do I stop a timer?", "2:To stop a timer, call ``uv_timer_stop`` on it." },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *got = answer(*state, rows[i].question, library, ARRAY_LEN(library), &one);

		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void a_pronoun_takes_along_what_it_stands_for(void **state)
{
	char *got = answer(*state, "Can I call uv_run from a callback?", library,
			   ARRAY_LEN(library), &three);

	assert_non_null(
		strstr(got, "1::c:func:`uv_run` is not reentrant.|1:It must not be called"));
	free(got);
}

static void abstains_where_nothing_answers(void **state)
{
	static const char *const questions[] = {
		"Which planet has the largest moon?",
		"How do I open a QUIC connection to Jupiter?",
		"Who won the Eurovision Song Contest of 1974?",
		"",
		"?!",
	};

	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		char *got = answer(*state, questions[i], library, ARRAY_LEN(library), &three);

		print_message("%s\n", questions[i]);
		assert_string_equal(got, "");
		free(got);
	}
}

static void the_threshold_is_obeyed(void **state)
{
	static const struct extract_options always = { .max_sentences = 3, .threshold = 0 };
	static const struct extract_options never = { .max_sentences = 3, .threshold = 1 };
	char *got = answer(*state, "Which planet has the largest moon?", library,
			   ARRAY_LEN(library), &always);

	assert_true(strlen(got) > 0);
	free(got);
	got = answer(*state, "Where is the museum?", library, ARRAY_LEN(library), &never);
	assert_string_equal(got, "");
	free(got);
}

static void says_nothing_twice(void **state)
{
	static const struct ragd_passage twins[] = {
		P("a", "", "The museum lies in Rotterdam. It rains there."),
		P("b", "", "The museum lies in Rotterdam. Bring a coat."),
	};
	char *got = answer(*state, "Where does the museum lie?", twins, 2, &three);

	assert_non_null(strstr(got, "0:The museum lies in Rotterdam."));
	assert_null(strstr(got, "1:The museum lies in Rotterdam."));
	free(got);
}

static void headings_are_context_not_answers(void **state)
{
	static const struct ragd_passage p[] = {
		P("Guide", "",
		  "# Where is the museum?\n\nIt lies on Harbour Street in Rotterdam.\n\n"
		  "Museum\n======\n\nClosed on Mondays.\n"),
	};
	char *got = answer(*state, "Where is the museum?", p, 1, &three);

	assert_memory_equal(got, "0:It lies on Harbour", 20);
	assert_null(strstr(got, "#"));
	free(got);
}

static void takes_odd_passages(void **state)
{
	static const struct ragd_passage odd[] = {
		{ .text = { NULL, 0 } },
		P("", "", ""),
		P("", "", " \n\n\t"),
		P("", "", "\xff\xfe\xc3 museum \xe4\xbd lies\xf0 in \x80 Rotterdam"),
		P("", "", "=====\n-----\n|||\n> > >\n```\n"),
	};
	char *got = answer(*state, "Where is the museum?", odd, ARRAY_LEN(odd), &three);

	assert_non_null(strstr(got, "3:"));
	free(got);
	got = answer(*state, "Where is the museum?", NULL, 0, &three);
	assert_string_equal(got, "");
	free(got);
}

static void reads_a_passage_of_a_megabyte(void **state)
{
	struct buf b = BUF_INIT;
	struct ragd_passage p = { .score = 1 };
	char *got;

	for (int i = 0; b.len < 1 << 20; i++) {
		buf_printf(&b, "Line %d tells of rain and of wind, and of nothing else.%s", i,
			   i % 5 == 0 ? "\n\n" : " ");
		if (i == 9000)
			buf_adds(&b, "The museum lies on Harbour Street in Rotterdam. ");
	}
	p.text = buf_str(&b);
	got = answer(*state, "Where is the museum?", &p, 1, &three);
	assert_memory_equal(got, "0:The museum lies on Harbour Street", 35);
	free(got);
	/* And one without an end of sentence. */
	buf_clear(&b);
	while (b.len < 1 << 20)
		buf_adds(&b, "museum");
	p.text = buf_str(&b);
	free(answer(*state, "Where is the museum?", &p, 1, &three));
	buf_fini(&b);
}

struct counting_call {
	struct ragd_call call;
	int asked, until;
};

static bool cancelled_cb(const struct ragd_call *call)
{
	struct counting_call *c = (struct counting_call *)(uintptr_t)call;

	return ++c->asked > c->until;
}

static void stops_when_nobody_waits(void **state)
{
	struct counting_call c = { .call = { .size = sizeof(c.call), .cancelled = cancelled_cb } };
	struct extract_pick picks[EXTRACT_MAX];
	double sure;

	for (c.until = 0; c.until < 4; c.until++) {
		c.asked = 0;
		assert_int_equal(extract_read(*state, RAGD_STR("Where is the museum?"), library,
					      ARRAY_LEN(library), &three, &c.call, picks, &sure),
				 -ECANCELED);
		assert_int_equal(c.asked, c.until + 1);
	}
	c.until = 100;
	c.call.deadline_ms = 1; /* long ago */
	assert_int_equal(extract_read(*state, RAGD_STR("Where is the museum?"), library,
				      ARRAY_LEN(library), &three, &c.call, picks, &sure),
			 -ETIMEDOUT);
}

/* What reading takes, by the number of times that it asks whether to go on. */
static void a_byte_costs_the_same_in_any_passage(void **state)
{
	static const struct {
		const char *name, *first, *unit; /* the first goes on for half of the text */
	} rows[] = {
		{ "sentences", "", "The museum lies on Harbour Street. It opens at nine. " },
		{ "no end of a sentence", "", "museum street and " },
		{ "no end of a word", "", "museum" },
		{ "names with parts", "", "museum_on_harbour_street uv_uv_uv_uv " },
		{ "under a long heading", "# museum", "\n\nThe museum lies there." },
		{ "under a long entry", ".. c:function:: museum", "\n\nThe museum lies there." },
		{ "items", "", "- the museum\n" },
		{ "a table", "", "| museum | street |\n|---|---|\n" },
		{ "code", "", "```\nmuseum();\n```\n" },
		{ "comments", "", "/* museum */ x = 1; // street\n" },
	};
	static const size_t sizes[] = { 64 << 10, 1 << 20, 4 << 20 };
	struct extract_pick picks[EXTRACT_MAX];
	bool slow = getenv("VALGRIND") != NULL;
	struct buf b = BUF_INIT;
	double sure;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double first = 0;

		for (size_t k = 0; k < ARRAY_LEN(sizes) - (slow ? 1 : 0); k++) {
			struct counting_call c = { .call = { .size = sizeof(c.call),
							     .cancelled = cancelled_cb },
						   .until = INT_MAX };
			struct ragd_passage p = { .title = RAGD_STR("Museum") };
			double each;

			buf_clear(&b);
			buf_adds(&b, rows[i].first);
			while (rows[i].first[0] != '\0' && b.len < sizes[k] / 2)
				buf_adds(&b, " museum");
			while (b.len < sizes[k])
				buf_adds(&b, rows[i].unit);
			p.text = buf_str(&b);
			assert_true(extract_read(*state, RAGD_STR("Where is the uv museum?"), &p, 1,
						 &three, &c.call, picks, &sure) >= 0);
			each = (double)c.asked / (double)b.len;
			if (k == 0)
				first = each;
			if (first == 0 || each > 1.5 * first)
				fail_msg("%s: %g questions a KiB at 64 KiB, %g at %zu KiB",
					 rows[i].name, first * 1024, each * 1024, sizes[k] >> 10);
		}
	}
	buf_fini(&b);
}

static void refuses_languages_that_snowball_lacks(void **state)
{
	struct lexicon *x = english_open();

	(void)state;
	assert_non_null(x);
	assert_null(extract_new("klingon", x));
	extract_free(NULL);
	lexicon_close(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(chooses_the_sentence_that_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(the_best_alone_is_the_right_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pronoun_takes_along_what_it_stands_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(abstains_where_nothing_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(the_threshold_is_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(says_nothing_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(headings_are_context_not_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(takes_odd_passages, setup, teardown),
		cmocka_unit_test_setup_teardown(reads_a_passage_of_a_megabyte, setup, teardown),
		cmocka_unit_test_setup_teardown(stops_when_nobody_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(a_byte_costs_the_same_in_any_passage, setup,
						teardown),
		cmocka_unit_test(refuses_languages_that_snowball_lacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
