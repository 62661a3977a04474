#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/plugins/plugin_set.h"
#include "tests/plugins/support.h"
#include "tests/test.h"

struct echo_test {
	struct world w;
	struct plugin_set *set;
	const struct plugin *echo;
	struct test_call call;
	struct test_sink sink;
	struct ragd_err err;
};

static void echo_begin(struct echo_test *t, const char *option)
{
	memset(t, 0, sizeof(*t));
	world_init(&t->w);
	world_add(&t->w, "echo", "inference_echo", option, "prefix=You said: ");
	assert_int_equal(plugin_set_open(&t->w.cfg, NULL, &t->set, NULL), 0);
	t->echo = plugin_set_at(t->set, 0);
	test_call_init(&t->call);
	test_sink_init(&t->sink);
}

static void echo_end(struct echo_test *t)
{
	plugin_set_unref(t->set);
	test_sink_fini(&t->sink);
	test_call_fini(&t->call);
	world_fini(&t->w);
}

static const struct ragd_message messages[] = {
	{ RAGD_ROLE_SYSTEM, { "Be kind.", 8 } },
	{ RAGD_ROLE_USER, { "first", 5 } },
	{ RAGD_ROLE_ASSISTANT, { "yes?", 4 } },
	{ RAGD_ROLE_USER, { " two  wörds\n", 13 } },
};

static int echo_generate(struct echo_test *t, uint32_t max_tokens)
{
	static struct ragd_generate req;

	req = (struct ragd_generate){ .size = sizeof(req),
				      .messages = messages,
				      .n_messages = ARRAY_LEN(messages),
				      .question = RAGD_STR("not this"),
				      .sampling =
					      &(struct ragd_sampling){ .max_tokens = max_tokens } };
	return t->echo->descriptor->ops.inference->generate(t->echo->self, &t->call.call, &req,
							    &t->sink.sink, &t->err);
}

static void says_the_last_user_message_back_word_by_word(void **state)
{
	static const char *const delays[] = { "delay=0", "delay=1 ms" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		struct echo_test t;

		echo_begin(&t, delays[i]);
		assert_int_equal(echo_generate(&t, 0), 0);
		if (i == 0)
			assert_true(t.sink.done); /* before generate returned */
		test_sink_wait(&t.sink);
		assert_string_equal(t.sink.text.data, "You said:  two  wörds\n");
		assert_int_equal(t.sink.n_pieces, 4);
		assert_int_equal(t.sink.n_done, 1);
		assert_int_equal(t.sink.rc, 0);
		assert_int_equal(t.sink.finish, RAGD_FINISH_STOP);
		assert_int_equal(t.sink.usage.n_prompt, 6);
		assert_int_equal(t.sink.usage.n_output, 4);
		echo_end(&t);
	}
}

static void stops_where_it_is_told_to(void **state)
{
	static const struct {
		const char *name, *option, *text;
		uint32_t max_tokens;
		unsigned stop_after;
		int stop_code, rc;
		enum ragd_finish finish;
	} rows[] = {
		{ "max_tokens", "delay=0", "You said: ", 2, 0, 0, 0, RAGD_FINISH_LENGTH },
		{ "an error on the way", "fail_after=3", "You said:  two  ", 0, 0, 0, -EIO, 0 },
		{ "the client is gone", "delay=0", "You ", 0, 1, -ECANCELED, -ECANCELED, 0 },
		{ "the host takes no more", "delay=0", "You said: ", 0, 2, -ENOBUFS, 0,
		  RAGD_FINISH_LENGTH },
		{ "gone, with a delay", "delay=1 ms", "You ", 0, 1, -ECANCELED, -ECANCELED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct echo_test t;

		print_message("%s\n", rows[i].name);
		echo_begin(&t, rows[i].option);
		t.sink.stop_after = rows[i].stop_after;
		t.sink.stop_code = rows[i].stop_code;
		assert_int_equal(echo_generate(&t, rows[i].max_tokens), 0);
		test_sink_wait(&t.sink);
		assert_string_equal(t.sink.text.data, rows[i].text);
		assert_int_equal(t.sink.rc, rows[i].rc);
		assert_int_equal(t.sink.n_done, 1);
		assert_true((t.sink.rc < 0) == (t.sink.err.msg[0] != '\0'));
		if (rows[i].rc == 0)
			assert_int_equal(t.sink.finish, rows[i].finish);
		echo_end(&t);
	}
}

static void notices_a_cancelled_call_and_a_deadline(void **state)
{
	struct echo_test t;

	(void)state;
	echo_begin(&t, "delay=5 ms");
	assert_int_equal(echo_generate(&t, 0), 0);
	test_sink_wait_pieces(&t.sink, 1);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	assert_int_equal(t.sink.rc, -ECANCELED);
	echo_end(&t);

	echo_begin(&t, "delay=0");
	t.call.call.deadline_ms = clock_ms() - 10;
	assert_int_equal(echo_generate(&t, 0), 0);
	assert_int_equal(t.sink.rc, -ETIMEDOUT);
	echo_end(&t);
}

/* The next word is a minute away; the sink is waited for for less. */
static void an_end_does_not_wait_for_the_next_word(void **state)
{
	static const struct ragd_str texts[] = { { "one", 3 }, { "two", 3 } };
	const struct ragd_embed embed = { .size = sizeof(embed), .texts = texts, .n = 2 };
	struct ragd_embeddings out = { .size = sizeof(out) };
	struct echo_test t;

	(void)state;
	echo_begin(&t, "delay=60 s");
	assert_int_equal(echo_generate(&t, 0), 0);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	assert_int_equal(t.sink.rc, -ECANCELED);
	assert_int_equal(t.sink.n_pieces, 0);
	assert_int_equal(t.echo->descriptor->ops.inference->embed(t.echo->self, &t.call.call,
								  &embed, &out, &t.err),
			 -ECANCELED);
	echo_end(&t);

	echo_begin(&t, "delay=60 s");
	t.call.call.deadline_ms = clock_ms() + 50;
	assert_int_equal(echo_generate(&t, 0), 0);
	test_sink_wait(&t.sink);
	assert_int_equal(t.sink.rc, -ETIMEDOUT);
	assert_int_equal(t.sink.n_pieces, 0);
	echo_end(&t);
}

/* Ten thousand at once, on one thread: a pool thread each would not do. */
static void many_slow_answers_hold_no_thread(void **state)
{
	enum { N = 10000 };
	struct test_sink *sinks = calloc(N, sizeof(*sinks));
	struct ragd_generate req = { .size = sizeof(req),
				     .question = RAGD_STR("a b c"),
				     .sampling = &plain_sampling };
	struct echo_test t;

	(void)state;
	assert_non_null(sinks);
	echo_begin(&t, "delay=1 ms");
	for (int i = 0; i < N; i++) {
		test_sink_init(&sinks[i]);
		assert_int_equal(t.echo->descriptor->ops.inference->generate(
					 t.echo->self, &t.call.call, &req, &sinks[i].sink, &t.err),
				 0);
	}
	for (int i = 0; i < N; i++) {
		test_sink_wait(&sinks[i]);
		assert_int_equal(sinks[i].rc, 0);
		assert_string_equal(sinks[i].text.data, "You said: a b c");
		test_sink_fini(&sinks[i]);
	}
	free(sinks);
	echo_end(&t);
}

static void embeds_texts_as_unit_vectors(void **state)
{
	struct ragd_str texts[] = { RAGD_STR("the quick brown fox"),
				    RAGD_STR("Fox, brown! the QUICK"),
				    RAGD_STR("something else entirely"), RAGD_STR("") };
	double dot[ARRAY_LEN(texts)][ARRAY_LEN(texts)] = { 0 };
	const struct ragd_embed embed = { .size = sizeof(embed),
					  .texts = texts,
					  .n = ARRAY_LEN(texts) };
	struct ragd_embeddings out = { .size = sizeof(out) };
	struct echo_test t;
	const float *v;
	uint32_t dim;

	(void)state;
	echo_begin(&t, "delay=0");
	assert_int_equal(t.echo->descriptor->ops.inference->embed(t.echo->self, &t.call.call,
								  &embed, &out, &t.err),
			 0);
	v = out.values;
	dim = out.dim;
	assert_int_equal(dim, 64);
	assert_int_equal(out.n_tokens[0], 4);
	for (size_t a = 0; a < ARRAY_LEN(texts); a++)
		for (size_t b = 0; b < ARRAY_LEN(texts); b++)
			for (uint32_t i = 0; i < dim; i++)
				dot[a][b] += (double)v[a * dim + i] * v[b * dim + i];
	for (size_t a = 0; a < ARRAY_LEN(texts); a++)
		assert_true(fabs(dot[a][a] - 1) < 1e-5);
	assert_true(dot[0][1] > 0.999);
	assert_true(dot[0][2] < 0.5);
	assert_int_equal(t.echo->descriptor->ops.inference->count(t.echo->self, texts[0], &t.err),
			 4);
	echo_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_last_user_message_back_word_by_word),
		cmocka_unit_test(stops_where_it_is_told_to),
		cmocka_unit_test(notices_a_cancelled_call_and_a_deadline),
		cmocka_unit_test(an_end_does_not_wait_for_the_next_word),
		cmocka_unit_test(many_slow_answers_hold_no_thread),
		cmocka_unit_test(embeds_texts_as_unit_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
