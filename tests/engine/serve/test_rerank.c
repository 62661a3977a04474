/*
 * Models with a head that ranks, on random weights: each pair's number is that of a forward pass in
 * float64, whatever else is in the pass; heads that cannot be are refused by name.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/engine.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/test.h"

#define VOCAB   50
#define CONTEXT 96
#define EMBD    64

static const struct synth_shape shape = { .arch = "bert",
					  .type = QUANT_Q8_0,
					  .n_layers = 2,
					  .n_embd = EMBD,
					  .n_heads = 4,
					  .n_kv_heads = 4,
					  .head_dim = 16,
					  .n_ff = 128,
					  .n_vocab = VOCAB,
					  .n_context = CONTEXT,
					  .seed = 11 };

/* dense: as BERT's and XLM-R's classifiers have it; types: rows for the texts of a pair. */
static void ranker_init(struct synth *s, bool dense, uint64_t types)
{
	synth_init(s, &shape);
	synth_u32(s, "bert.pooling_type", 4);
	synth_u32(s, "tokenizer.ggml.token_type_count", (uint32_t)types);
	synth_drop(s, "token_types.weight");
	synth_tensor(s, "token_types.weight", EMBD, types, QUANT_F32, 0.5, 0);
	synth_tensor(s, "cls.output.weight", EMBD, 1, QUANT_F32, 0.1, 0);
	synth_tensor(s, "cls.output.bias", 1, 0, QUANT_F32, 0, -0.75);
	if (dense) {
		synth_tensor(s, "cls.weight", EMBD, EMBD, QUANT_Q8_0, 0.2, 0);
		synth_tensor(s, "cls.bias", EMBD, 0, QUANT_F32, 0.3, 0);
	}
}

static struct engine *ranker_engine(const struct lab *lab)
{
	struct engine_options o = {
		.model = lab->model, .threads = lab->threads, .n_context = CONTEXT, .max_active = 1
	};
	struct ragd_err err = { 0 };
	struct engine *e;

	if (engine_open(&o, &e, &err) < 0)
		fail_msg("%s", err.msg);
	return e;
}

enum { N_PAIRS = 12 };

static void pairs_random(int32_t ids[N_PAIRS][CONTEXT], struct engine_pair pairs[N_PAIRS])
{
	uint64_t seed = 5;

	for (size_t i = 0; i < N_PAIRS; i++) {
		size_t n = 4 + (i * 29) % (CONTEXT - 4);

		for (size_t k = 0; k < CONTEXT; k++)
			ids[i][k] = (int32_t)(lab_random(&seed) % VOCAB);
		pairs[i] = (struct engine_pair){ ids[i], i == 0 ? CONTEXT : n, 1 + n / 3 };
	}
}

static double score_alone(struct engine *e, const struct engine_pair *pair)
{
	struct ragd_err err = { 0 };
	float score = NAN;

	if (engine_rerank(e, 0, pair, 1, &score, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	return (double)score;
}

static void ranker_check(bool dense, uint64_t types, const struct kernels *k)
{
	int32_t ids[N_PAIRS][CONTEXT];
	struct engine_pair pairs[N_PAIRS];
	double least = INFINITY, most = -INFINITY, off = 0;
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	float got[N_PAIRS];
	struct engine *e;
	struct synth s;
	struct lab lab;

	ranker_init(&s, dense, types);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, k);
	assert_true(lab.shape->ranks);
	e = ranker_engine(&lab);
	pairs_random(ids, pairs);
	assert_int_equal(engine_rerank(e, 0, pairs, N_PAIRS, got, NULL, NULL, &err), 0);
	for (size_t i = 0; i < N_PAIRS; i++) {
		double want =
			synth_reference_rank(lab.gguf, pairs[i].ids, pairs[i].n, pairs[i].second);

		least = fmin(least, want);
		most = fmax(most, want);
		off = fmax(off, fabs((double)got[i] - want));
		assert_true(score_alone(e, &pairs[i]) == (double)got[i]);
	}
	print_message("%-9s dense %d, %d types: %.3f to %.3f, %.6f off\n", k->name, dense,
		      (int)types, least, most, off);
	assert_true(off < 1e-3);
	assert_true(most - least > 0.3);
	engine_close(e);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

static void scores_are_those_of_float64(void **state)
{
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		if (!k->usable())
			continue;
		ranker_check(true, 2, k);
		ranker_check(true, 1, k);
		ranker_check(false, 2, k);
	}
}

/* Which text a token is of makes a difference, where the model knows types; and only there. */
static void the_second_text_has_a_type_of_its_own(void **state)
{
	(void)state;
	for (uint64_t types = 1; types <= 2; types++) {
		int32_t ids[N_PAIRS][CONTEXT];
		struct engine_pair pairs[N_PAIRS], other;
		struct buf file = BUF_INIT;
		struct engine *e;
		struct synth s;
		struct lab lab;

		ranker_init(&s, true, types);
		synth_write(&s, &file);
		lab_open(&lab, NULL, file.data, file.len, NULL);
		e = ranker_engine(&lab);
		pairs_random(ids, pairs);
		other = pairs[3];
		other.second += 2;
		assert_int_equal(score_alone(e, &pairs[3]) == score_alone(e, &other), types == 1);
		engine_close(e);
		lab_close(&lab);
		buf_fini(&file);
		synth_fini(&s);
	}
}

/* ---- refused -------------------------------------------------------------------------------- */

static bool at_once(void *arg)
{
	(void)arg;
	return true;
}

static void pairs_that_cannot_be_ranked(void **state)
{
	static int32_t ids[CONTEXT + 1], wild[] = { 1, 2, VOCAB };
	static const struct {
		const char *says;
		int rc;
		struct engine_pair pair;
		bool (*cancelled)(void *arg);
	} rows[] = {
		{ "lacks one of its texts", -EINVAL, { ids, 4, 0 }, NULL },
		{ "lacks one of its texts", -EINVAL, { ids, 4, 4 }, NULL },
		{ "1 too many", -EMSGSIZE, { ids, CONTEXT + 1, 4 }, NULL },
		{ "token 2 is 50", -EINVAL, { wild, 3, 1 }, NULL },
		{ "nobody waits", -ECANCELED, { ids, 4, 2 }, at_once },
	};
	struct tokens text = { .ids = ids, .n = 3 };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	float score, vector[EMBD];
	struct engine *e;
	struct synth s;
	struct lab lab;

	(void)state;
	ranker_init(&s, true, 2);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, NULL);
	e = ranker_engine(&lab);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(engine_rerank(e, 0, &rows[i].pair, 1, &score, rows[i].cancelled,
					       NULL, &err),
				 rows[i].rc);
		assert_non_null(strstr(err.msg, rows[i].says));
	}
	assert_int_equal(engine_rerank(e, 0, NULL, 0, NULL, NULL, NULL, &err), 0);
	assert_int_equal(engine_embed(e, 0, &text, 1, vector, NULL, NULL, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "makes no vectors"));
	engine_close(e);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

static void a_score_that_is_no_number_is_an_error(void **state)
{
	static const int32_t ids[] = { 1, 2, 3 };
	struct engine_pair pair = { ids, 3, 1 };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	struct engine *e;
	struct synth s;
	struct lab lab;
	float score;

	(void)state;
	ranker_init(&s, true, 2);
	synth_drop(&s, "cls.output.bias");
	synth_tensor(&s, "cls.output.bias", 1, 0, QUANT_F32, 0, INFINITY);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, NULL);
	e = ranker_engine(&lab);
	assert_int_equal(engine_rerank(e, 0, &pair, 1, &score, NULL, NULL, &err), -EIO);
	assert_non_null(strstr(err.msg, "pair 0 has no finite score"));
	engine_close(e);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

static void a_model_without_a_head_does_not_rank(void **state)
{
	static const int32_t ids[] = { 1, 2, 3 };
	struct engine_pair pair = { ids, 3, 1 };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	struct engine *e;
	struct synth s;
	struct lab lab;
	float score;

	(void)state;
	synth_init(&s, &shape);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, NULL);
	assert_false(lab.shape->ranks);
	e = ranker_engine(&lab);
	assert_int_equal(engine_rerank(e, 0, &pair, 1, &score, NULL, NULL, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "no head"));
	engine_close(e);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

/* Opened, or refused with this code and these words. */
static void head_check(struct synth *s, int code, const char *says)
{
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	struct model *m = NULL;
	struct gguf *g;

	synth_write(s, &file);
	assert_int_equal(gguf_read(file.data, file.len, &g, &err), 0);
	assert_int_equal(model_outline(g, NULL, &m, &err), code);
	if (code < 0) {
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, says));
	} else {
		assert_true(model_shape(m)->ranks);
		model_close(m);
	}
	gguf_close(g);
	buf_fini(&file);
	synth_fini(s);
}

static void heads_that_cannot_be_are_refused_by_name(void **state)
{
	struct synth s;

	(void)state;
	ranker_init(&s, true, 2);
	synth_drop(&s, "cls.output.weight");
	head_check(&s, -EINVAL, "'cls.output.weight' is missing");
	ranker_init(&s, true, 2);
	synth_drop(&s, "cls.output.weight");
	synth_tensor(&s, "cls.output.weight", EMBD, 3, QUANT_F32, 1, 0);
	head_check(&s, -ENOTSUP, "3 labels");
	ranker_init(&s, true, 2);
	synth_drop(&s, "cls.weight");
	head_check(&s, -EINVAL, "'cls.bias' without 'cls.weight'");
	ranker_init(&s, false, 2);
	synth_tensor(&s, "cls.weight", EMBD, 8, QUANT_F32, 1, 0);
	head_check(&s, -EINVAL, "'cls.weight' is 64 x 8");
	ranker_init(&s, false, 2);
	synth_drop(&s, "cls.output.bias");
	synth_tensor(&s, "cls.output.bias", 2, 0, QUANT_F32, 1, 0);
	head_check(&s, -EINVAL, "'cls.output.bias' is 2 x 1");
	ranker_init(&s, true, 2);
	synth_u32(&s, "tokenizer.ggml.token_type_count", 3);
	head_check(&s, -EINVAL, "3 types of tokens, but 2 rows");
	ranker_init(&s, true, 2);
	synth_u32(&s, "bert.pooling_type", 1);
	head_check(&s, -ENOTSUP, "a classifier with pooling type 1");
	ranker_init(&s, true, 2);
	synth_u32(&s, "bert.pooling_type", 5);
	head_check(&s, -ENOTSUP, "pooling type 5");
	ranker_init(&s, true, 2);
	synth_drop_key(&s, "bert.pooling_type"); /* as older files have it */
	head_check(&s, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_are_those_of_float64),
		cmocka_unit_test(the_second_text_has_a_type_of_its_own),
		cmocka_unit_test(pairs_that_cannot_be_ranked),
		cmocka_unit_test(a_score_that_is_no_number_is_an_error),
		cmocka_unit_test(a_model_without_a_head_does_not_rank),
		cmocka_unit_test(heads_that_cannot_be_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
