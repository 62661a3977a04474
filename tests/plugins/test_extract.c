#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text/sentences.h"
#include "base/text/words.h"
#include "base/util.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

struct fixture {
	struct world w;
	struct plugin_set *set;
	const struct plugin *extract;
	struct test_call call;
	struct test_sink sink;
	struct ragd_err err;
};

static void begin(struct fixture *f, const char *option)
{
	memset(f, 0, sizeof(*f));
	world_init(&f->w);
	world_add(&f->w, "extract", "inference_extract", option);
	assert_int_equal(plugin_set_open(&f->w.cfg, NULL, &f->set, NULL), 0);
	f->extract = plugin_set_at(f->set, 0);
	test_call_init(&f->call);
	test_sink_init(&f->sink);
}

static void end(struct fixture *f)
{
	plugin_set_unref(f->set);
	test_sink_fini(&f->sink);
	test_call_fini(&f->call);
	world_fini(&f->w);
}

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}
static const struct ragd_passage passages[] = {
	{ TEXT("Weather"), TEXT(""), TEXT("It rains in spring. The wind comes from the *west*."),
	  2 },
	{ TEXT("Museum"), TEXT("Visit"),
	  TEXT("The museum lies on `Harbour Street <https://a.example/x>`_ in Rotterdam. It was "
	       "founded in 1957 by "
	       "Jan Voorbeeld.[3] Entrance costs 12 euros, and :c:func:`uv_run` is free.\n\n* "
	       "uv_stop(): stops the loop.\n* uv_idle(): idles in the U.S."),
	  1.5f },
};

static int generate(struct fixture *f, const char *question, uint32_t max_tokens)
{
	struct ragd_message message = { RAGD_ROLE_USER, { "Answer from the documents.", 26 } };
	struct ragd_generate req = { .size = sizeof(req),
				     .messages = &message,
				     .n_messages = 1,
				     .question = { question, strlen(question) },
				     .passages = passages,
				     .n_passages = ARRAY_LEN(passages),
				     .grounded = true,
				     .sampling =
					     &(struct ragd_sampling){ .max_tokens = max_tokens } };

	return f->extract->descriptor->ops.inference->generate(f->extract->self, &f->call.call,
							       &req, &f->sink.sink, &f->err);
}

static void quotes_and_cites(void **state)
{
	static const struct {
		const char *question, *want;
	} rows[] = {
		{ "Where is the museum?", "The museum lies on Harbour Street in Rotterdam. [2]" },
		{ "When was the museum founded?",
		  "The museum lies on Harbour Street in Rotterdam. [2] It was founded in 1957 by "
		  "Jan Voorbeeld. [2]" },
		{ "Where does the wind come from?", "The wind comes from the west. [1]" },
		{ "What is free?", "Entrance costs 12 euros, and uv_run is free. [2]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;

		print_message("%s\n", rows[i].question);
		begin(&f, "max_sentences=2");
		assert_int_equal(generate(&f, rows[i].question, 0), 0);
		assert_true(f.sink.done);
		assert_int_equal(f.sink.n_done, 1);
		assert_int_equal(f.sink.rc, 0);
		assert_int_equal(f.sink.finish, RAGD_FINISH_STOP);
		assert_non_null(strstr(f.sink.text.data, rows[i].want));
		assert_int_equal(f.sink.usage.n_prompt, 4);
		assert_true(f.sink.usage.n_output > 0);
		end(&f);
	}
}

static bool has_word(struct words *w, struct ragd_str text, const struct word *want)
{
	struct word word;

	words_start(w, text.s, text.len);
	while (words_next(w, &word))
		if (word.n_fold == want->n_fold && memcmp(word.fold, want->fold, word.n_fold) == 0)
			return true;
	return false;
}

/* Every word of every sentence stands in the passage whose number follows it. */
static void check_grounded(const char *text, size_t len)
{
	struct words *w = words_new("english"), *in = words_new("english");
	size_t from = 0;

	while (from < len) {
		const char *mark = strstr(text + from, " [");
		struct word word;
		unsigned long n;

		assert_non_null(mark);
		n = strtoul(mark + 2, NULL, 10);
		assert_in_range(n, 1, ARRAY_LEN(passages));
		words_start(w, text + from, (size_t)(mark - text) - from);
		while (words_next(w, &word))
			assert_true(has_word(in, passages[n - 1].text, &word));
		from = (size_t)(strchr(mark, ']') - text) + 1;
	}
	words_free(w);
	words_free(in);
}

static void invents_no_word(void **state)
{
	static const char *const questions[] = {
		"Where is the museum?",
		"Who founded the museum?",
		"How much is the entrance?",
		"What is uv_run?",
		"What is the weather like in spring, and where is the wind?",
		"museum rain wind",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		struct fixture f;

		print_message("%s\n", questions[i]);
		begin(&f, "threshold=0");
		assert_int_equal(generate(&f, questions[i], 0), 0);
		assert_int_equal(f.sink.finish, RAGD_FINISH_STOP);
		assert_true(f.sink.n_pieces >= 1 &&
			    f.sink.n_pieces <= 3); /* sentence by sentence */
		check_grounded(f.sink.text.data, f.sink.text.len);
		end(&f);
	}
}

/* What comes after must be able to tell the sentences apart. */
static void its_sentences_can_be_told_apart(void **state)
{
	static const char *const questions[] = {
		"Who founded the museum in 1957, and what does it cost?",
		"uv_stop uv_idle stops loop idles",
		"uv_idle museum free Rotterdam U.S.",
	};
	struct sentences *s = sentences_new();
	struct fixture f;
	size_t from, to, n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		begin(&f, "threshold=0");
		n = 0;
		assert_int_equal(generate(&f, questions[i], 0), 0);
		print_message("%s\n", f.sink.text.data);
		sentences_start(s, f.sink.text.data, f.sink.text.len);
		while (sentences_next(s, &from, &to)) {
			assert_int_equal(f.sink.text.data[to - 1], ']');
			n++;
		}
		assert_int_equal(n, f.sink.n_pieces);
		end(&f);
	}
	sentences_free(s);
}

static void says_so_when_nothing_answers(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "threshold=0.4");
	assert_int_equal(generate(&f, "Which planet has the largest moon?", 0), 0);
	assert_int_equal(f.sink.rc, 0);
	assert_int_equal(f.sink.finish, RAGD_FINISH_NO_ANSWER);
	assert_string_equal(f.sink.text.data, "I found no answer to this in the documents.");
	assert_int_equal(f.sink.usage.n_output, 9);
	end(&f);
}

/* A file for German, in the world's own folder of data, with this sentence for no answer. */
static void german_write(struct world *w, const char *no_answer)
{
	char path[PATH_MAX + 32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/lang", w->dir);
	if (mkdir(path, 0700) < 0)
		assert_int_equal(errno, EEXIST);
	snprintf(path, sizeof(path), "%s/lang/deutsch.lang", w->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "[names]\ngerman\n[no-answer]\n%s\n[question-words]\nwelcher\n", no_answer);
	assert_int_equal(fclose(file), 0);
	w->cfg.data_dir = w->dir;
}

/* A language that somebody adds on a machine without a compiler. */
static void a_language_is_a_file(void **state)
{
	struct fixture f;

	(void)state;
	memset(&f, 0, sizeof(f));
	world_init(&f.w);
	german_write(&f.w, "Dazu steht nichts in den Dokumenten.");
	world_add(&f.w, "extract", "inference_extract", "language=german");
	assert_int_equal(plugin_set_open(&f.w.cfg, NULL, &f.set, NULL), 0);
	f.extract = plugin_set_at(f.set, 0);
	test_call_init(&f.call);
	test_sink_init(&f.sink);
	assert_int_equal(generate(&f, "Welcher Planet hat die meisten Monde?", 0), 0);
	assert_int_equal(f.sink.finish, RAGD_FINISH_NO_ANSWER);
	assert_string_equal(f.sink.text.data, "Dazu steht nichts in den Dokumenten.");
	end(&f);
}

static void a_changed_language_is_read_by_a_reload(void **state)
{
	struct plugin_set *one, *same, *other;
	struct world w;

	(void)state;
	world_init(&w);
	german_write(&w, "Nichts.");
	world_add(&w, "extract", "inference_extract", "language=german");
	one = world_open(&w, NULL);
	same = world_open(&w, one);
	assert_ptr_equal(plugin_set_at(same, 0)->self, plugin_set_at(one, 0)->self);
	german_write(&w, "Dazu steht nichts da.");
	other = world_open(&w, same);
	assert_ptr_not_equal(plugin_set_at(other, 0)->self, plugin_set_at(one, 0)->self);
	plugin_set_unref(one);
	plugin_set_unref(same);
	plugin_set_unref(other);
	world_fini(&w);
}

static void stops_where_it_is_told_to(void **state)
{
	static const struct {
		const char *name, *text;
		uint32_t max_tokens;
		bool cancelled, late;
		unsigned stop_after;
		int stop_code, rc;
		enum ragd_finish finish;
	} rows[] = {
		{ "max_tokens", "The museum lies", 3, false, false, 0, 0, 0, RAGD_FINISH_LENGTH },
		{ "the client is gone", NULL, 0, false, false, 1, -ECANCELED, -ECANCELED, 0 },
		{ "the host takes no more", NULL, 0, false, false, 1, -ENOBUFS, 0,
		  RAGD_FINISH_LENGTH },
		{ "cancelled", "", 0, true, false, 0, 0, -ECANCELED, 0 },
		{ "too late", "", 0, false, true, 0, 0, -ETIMEDOUT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture f;

		print_message("%s\n", rows[i].name);
		begin(&f, "max_sentences=3");
		f.sink.stop_after = rows[i].stop_after;
		f.sink.stop_code = rows[i].stop_code;
		atomic_store(&f.call.is_cancelled, rows[i].cancelled);
		f.call.call.deadline_ms = rows[i].late ? clock_ms() - 10 : 0;
		assert_int_equal(generate(&f, "When was the museum founded?", rows[i].max_tokens),
				 0);
		assert_int_equal(f.sink.n_done, 1);
		assert_int_equal(f.sink.rc, rows[i].rc);
		assert_true((f.sink.rc < 0) == (f.sink.err.msg[0] != '\0'));
		if (rows[i].rc == 0)
			assert_int_equal(f.sink.finish, rows[i].finish);
		if (rows[i].text != NULL)
			assert_string_equal(f.sink.text.data != NULL ? f.sink.text.data : "",
					    rows[i].text);
		end(&f);
	}
}

struct asker {
	const struct fixture *f;
	pthread_t thread;
	struct fixture own;
};

static void *ask_often(void *arg)
{
	struct asker *a = arg;

	for (int i = 0; i < 50; i++) {
		buf_clear(&a->own.sink.text);
		if (generate(&a->own, "Where is the museum?", 0) != 0)
			return a;
	}
	return strstr(a->own.sink.text.data, "Harbour Street") != NULL ? NULL : a;
}

static void answers_several_at_once(void **state)
{
	struct asker askers[20]; /* more than it keeps readers for */
	struct fixture f;

	(void)state;
	begin(&f, "threshold=0.4");
	for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
		memset(&askers[i], 0, sizeof(askers[i]));
		askers[i].own.extract = f.extract;
		test_call_init(&askers[i].own.call);
		test_sink_init(&askers[i].own.sink);
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_often, &askers[i]), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
		void *failed;

		assert_int_equal(pthread_join(askers[i].thread, &failed), 0);
		assert_null(failed);
		assert_int_equal(askers[i].own.sink.n_done, 50);
		test_sink_fini(&askers[i].own.sink);
		test_call_fini(&askers[i].own.call);
	}
	end(&f);
}

static void its_card_claims_no_more_than_is_so(void **state)
{
	const struct ragd_inference_ops *ops;
	struct ragd_card card = { .size = sizeof(card) };
	struct fixture f;

	(void)state;
	begin(&f, "threshold=0.4");
	ops = f.extract->descriptor->ops.inference;
	ops->card(f.extract->self, &card);
	assert_int_equal(card.n_parameters, 0);
	assert_null(card.digest);
	assert_non_null(strstr(card.summary, "Not a neural model"));
	assert_null(ops->embed);
	assert_null(ops->score);
	assert_int_equal(ops->count(f.extract->self, RAGD_STR(" two  words\n"), NULL), 2);
	end(&f);
}

static void refuses_options_that_do_not_hold(void **state)
{
	static const struct {
		const char *option, *says;
	} rows[] = {
		{ "max_sentences=0", "max_sentences" },
		{ "max_sentences=6", "max_sentences" },
		{ "threshold=1.5", "threshold" },
	};
	struct fixture f;
	struct world w;
	struct ragd_err err = { 0 };

	(void)state;
	world_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const list[] = { rows[i].option, NULL };

		assert_true(world_try(&w, "extract", "inference_extract", list, &err) < 0);
		assert_non_null(strstr(err.msg, rows[i].says));
	}
	world_fini(&w);
	memset(&f, 0, sizeof(f));
	world_init(&f.w);
	world_add(&f.w, "extract", "inference_extract", "language=klingon");
	assert_int_equal(plugin_set_open(&f.w.cfg, NULL, &f.set, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "klingon"));
	world_fini(&f.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_and_cites),
		cmocka_unit_test(invents_no_word),
		cmocka_unit_test(its_sentences_can_be_told_apart),
		cmocka_unit_test(says_so_when_nothing_answers),
		cmocka_unit_test(a_language_is_a_file),
		cmocka_unit_test(a_changed_language_is_read_by_a_reload),
		cmocka_unit_test(stops_where_it_is_told_to),
		cmocka_unit_test(answers_several_at_once),
		cmocka_unit_test(its_card_claims_no_more_than_is_so),
		cmocka_unit_test(refuses_options_that_do_not_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
