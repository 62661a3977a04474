/* Sampling: which tokens may come, how often, and that a seed decides. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/sampler.h"
#include "tests/engine/serve/plain_kernels.h"
#include "tests/test.h"

#define VOCAB 8

static const struct kernels kernels = { .max = plain_max, .exp_sum = plain_exp_sum };

#define DEFAULTS .temperature = 1, .top_p = 1, .repeat_penalty = 1

static const struct sampler_options defaults = { DEFAULTS };

static struct sampler *open_sampler(const struct sampler_options *o)
{
	struct sampler *s = sampler_new(o, VOCAB, &kernels);

	assert_non_null(s);
	return s;
}

static int32_t once(const struct sampler_options *o, const float *logits)
{
	struct sampler *s = open_sampler(o);
	int32_t id = sampler_next(s, logits, NULL);

	sampler_free(s);
	return id;
}

/* probabilities 1/2, 1/4, 1/8 … of the tokens 3, 5, 0, 1, 2, 4, 6, 7 */
static void halves(float *logits)
{
	static const int order[VOCAB] = { 3, 5, 0, 1, 2, 4, 6, 7 };

	for (int i = 0; i < VOCAB; i++)
		logits[order[i]] = (float)(-(i + 1) * M_LN2);
}

static void frequencies(const struct sampler_options *o, const float *logits, double *out)
{
	struct sampler *s = open_sampler(o);
	int n = 40000;

	memset(out, 0, VOCAB * sizeof(*out));
	for (int i = 0; i < n; i++)
		out[sampler_next(s, logits, NULL)] += 1.0 / n;
	sampler_free(s);
}

static void draws_as_often_as_probable(void **state)
{
	static const struct {
		const char *name;
		struct sampler_options o;
		double want[4]; /* of the tokens 3, 5, 0, 1 */
	} rows[] = {
		{ "as the model says", { DEFAULTS }, { .5, .25, .125, .0625 } },
		{ "top-k 2", { DEFAULTS, .top_k = 2 }, { 2. / 3, 1. / 3, 0, 0 } },
		{ "top-k 1", { DEFAULTS, .top_k = 1 }, { 1, 0, 0, 0 } },
		{ "top-p 0.7: the smallest set that reaches it",
		  { .temperature = 1, .top_p = .7f, .repeat_penalty = 1 },
		  { 2. / 3, 1. / 3, 0, 0 } },
		{ "top-p 0.5",
		  { .temperature = 1, .top_p = .4999f, .repeat_penalty = 1 },
		  { 1, 0, 0, 0 } },
		{ "min-p 0.2: 1/8 stays, 1/16 goes",
		  { DEFAULTS, .min_p = .2f },
		  { 4. / 7, 2. / 7, 1. / 7, 0 } },
		{ "temperature 0.5 squares",
		  { .temperature = .5f, .top_p = 1, .repeat_penalty = 1 },
		  { .75, .1875, .0469, .0117 } },
		{ "top-k 3, then top-p of what is left",
		  { .temperature = 1, .top_p = .8f, .top_k = 3, .repeat_penalty = 1 },
		  { 2. / 3, 1. / 3, 0, 0 } },
		{ "top-k 4 and min-p",
		  { DEFAULTS, .top_k = 4, .min_p = .3f },
		  { 2. / 3, 1. / 3, 0, 0 } },
	};
	static const int token[] = { 3, 5, 0, 1 };
	float logits[VOCAB];
	double got[VOCAB];

	(void)state;
	halves(logits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		frequencies(&rows[i].o, logits, got);
		for (size_t k = 0; k < ARRAY_LEN(token); k++) {
			assert_true(fabs(got[token[k]] - rows[i].want[k]) < 0.012);
			assert_true((rows[i].want[k] == 0) == (got[token[k]] == 0));
		}
	}
}

static void a_seed_decides(void **state)
{
	struct sampler_options o = defaults;
	float logits[VOCAB];
	int32_t first[64];
	struct sampler *s;
	int differ = 0;

	(void)state;
	halves(logits);
	o.seed = 42;
	s = open_sampler(&o);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		first[i] = sampler_next(s, logits, NULL);
	sampler_free(s);
	s = open_sampler(&o);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		assert_int_equal(sampler_next(s, logits, NULL), first[i]);
	sampler_free(s);
	o.seed = 43;
	s = open_sampler(&o);
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		differ += sampler_next(s, logits, NULL) != first[i];
	sampler_free(s);
	assert_true(differ > 10);
}

static void greedy_takes_the_best(void **state)
{
	static const struct {
		const char *name;
		float logits[VOCAB];
		int32_t want;
	} rows[] = {
		{ "the largest", { 1, 2, 9, 3 }, 2 },
		{ "the first of equals", { 1, 5, 5, 5 }, 1 },
		{ "negative ones", { -4, -3, -9, -5, -6, -7, -8, -10 }, 1 },
		{ "not-a-number is nothing", { NAN, -1, NAN, -2, -3, -3, -3, -3 }, 1 },
		{ "infinity", { 0, 0, 0, 0, 0, 0, INFINITY, 0 }, 6 },
		{ "nothing at all", { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN }, 0 },
	};
	struct sampler_options o = defaults;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		o.temperature = 0;
		assert_int_equal(once(&o, rows[i].logits), rows[i].want);
		o.temperature = 0.01f; /* no draw can go wrong here either */
		if (i != 1)
			assert_int_equal(once(&o, rows[i].logits), rows[i].want);
	}
}

static void penalties_and_biases_move_the_best(void **state)
{
	static const struct ragd_bias up[] = { { 4, 100 } };
	static const struct ragd_bias ban[] = { { 3, -INFINITY }, { 99, 5 }, { -1, 5 } };
	static const struct ragd_bias all[] = { { 0, -INFINITY }, { 1, -INFINITY },
						{ 2, -INFINITY }, { 3, -INFINITY },
						{ 4, -INFINITY }, { 5, -INFINITY },
						{ 6, -INFINITY }, { 7, -INFINITY } };
	static const int32_t seen[] = { 3, 3, 3, 5, 77, -2 };
	static const struct {
		const char *name;
		struct sampler_options o;
		int32_t want;
	} rows[] = {
		{ "none", { .repeat_penalty = 1 }, 3 },
		{ "bias", { .repeat_penalty = 1, .bias = up, .n_bias = 1 }, 4 },
		{ "a ban", { .repeat_penalty = 1, .bias = ban, .n_bias = 3 }, 5 },
		{ "everything banned", { .repeat_penalty = 1, .bias = all, .n_bias = 8 }, 3 },
		{ "repetition, on negative logits", { .repeat_penalty = 9 }, 0 },
		{ "presence", { .repeat_penalty = 1, .presence_penalty = 3 }, 0 },
		{ "frequency: 3 was there three times, 5 once",
		  { .repeat_penalty = 1, .frequency_penalty = .5f },
		  5 },
		{ "a window that 3 has left",
		  { .repeat_penalty = 1, .presence_penalty = 3, .penalty_tokens = 1 },
		  3 },
	};
	float logits[VOCAB];

	(void)state;
	halves(logits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sampler *s = open_sampler(&rows[i].o);

		print_message("%s\n", rows[i].name);
		sampler_see(s, seen, ARRAY_LEN(seen));
		assert_int_equal(sampler_next(s, logits, NULL), rows[i].want);
		sampler_free(s);
	}
}

static void a_window_forgets(void **state)
{
	struct sampler_options o = { .repeat_penalty = 1,
				     .presence_penalty = 50,
				     .penalty_tokens = 300 };
	struct sampler *s = open_sampler(&o);
	float logits[VOCAB] = { 0 };
	int32_t other = 1, three = 3;

	(void)state;
	logits[3] = 10;
	logits[6] = 5;
	sampler_see(s, &three, 1);
	for (int i = 0; i < 299; i++)
		sampler_see(s, &other, 1);
	assert_int_equal(sampler_next(s, logits, NULL), 6); /* 3 is the oldest of 300 */
	assert_int_equal(sampler_next(s, logits, NULL), 3); /* and has left */
	assert_int_equal(sampler_next(s, logits, NULL), 0);
	sampler_free(s);
}

static void log_probabilities_are_the_models_own(void **state)
{
	struct sampler_options o = {
		.temperature = 0.3f, .top_p = 1, .repeat_penalty = 1, .n_logprobs = 3
	};
	struct token_logprob got[1 + 10];
	float logits[VOCAB], flat[VOCAB] = { 0 };
	struct sampler *s = open_sampler(&o);
	int32_t id;

	(void)state;
	halves(logits);
	id = sampler_next(s, logits, got);
	assert_int_equal(got[0].id, id);
	assert_int_equal(got[1].id, 3);
	assert_int_equal(got[2].id, 5);
	assert_int_equal(got[3].id, 0);
	assert_true(fabs(got[1].logprob - log(0.5 / (255. / 256))) < 1e-5);
	assert_true(fabs(got[3].logprob - log(0.125 / (255. / 256))) < 1e-5);
	sampler_free(s);
	o.n_logprobs = 10; /* more than there are */
	s = open_sampler(&o);
	sampler_next(s, flat, got);
	assert_true(fabs(got[8].logprob - log(1. / VOCAB)) < 1e-5);
	assert_int_equal(got[9].id, -1);
	sampler_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_as_often_as_probable),
		cmocka_unit_test(a_seed_decides),
		cmocka_unit_test(greedy_takes_the_best),
		cmocka_unit_test(penalties_and_biases_move_the_best),
		cmocka_unit_test(a_window_forgets),
		cmocka_unit_test(log_probabilities_are_the_models_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
