/*
 * Files that say what cannot be, or what is not supported: each refused with a sentence that names
 * it.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/model/arch/arch.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/test.h"

static const struct synth_shape llama = { .arch = "llama",
					  .type = QUANT_Q8_0,
					  .n_layers = 2,
					  .n_embd = 64,
					  .n_heads = 4,
					  .n_kv_heads = 2,
					  .head_dim = 16,
					  .n_ff = 96,
					  .n_vocab = 40,
					  .n_context = 64,
					  .seed = 3,
					  .rope_factors = true };

enum change { SET_U32, SET_F32, SET_STR, DROP_KEY, DROP, ADD, RESHAPE };

struct row {
	const char *name;
	enum change change;
	const char *what; /* the key or tensor */
	double number;
	const char *text;
	int code;
	const char *says;
};

static const struct row rows[] = {
	{ "another architecture", SET_STR, "general.architecture", 0, "mamba", -ENOTSUP,
	  "'mamba'" },
	{ "no architecture", DROP_KEY, "general.architecture", 0, NULL, -EINVAL,
	  "general.architecture" },
	{ "no layers", SET_U32, "llama.block_count", 0, NULL, -EINVAL, "block_count" },
	{ "more layers than tensors", SET_U32, "llama.block_count", 4000, NULL, -EINVAL, "layers" },
	{ "layers beyond counting", SET_U32, "llama.block_count", 4e9, NULL, -EINVAL,
	  "block_count" },
	{ "a layer more than there are tensors of", SET_U32, "llama.block_count", 3, NULL, -EINVAL,
	  "blk.2." },
	{ "a layer less", SET_U32, "llama.block_count", 1, NULL, -ENOTSUP, "blk.1." },
	{ "no embedding", SET_U32, "llama.embedding_length", 0, NULL, -EINVAL, "embedding_length" },
	{ "an embedding beyond memory", SET_U32, "llama.embedding_length", 4294967040.0, NULL,
	  -EINVAL, "embedding_length" },
	{ "another embedding", SET_U32, "llama.embedding_length", 128, NULL, -EINVAL,
	  "token_embd.weight" },
	{ "no heads", SET_U32, "llama.attention.head_count", 0, NULL, -EINVAL, "head_count" },
	{ "heads that do not divide", SET_U32, "llama.attention.head_count", 6, NULL, -EINVAL,
	  "6 heads" },
	{ "heads of keys that do not divide", SET_U32, "llama.attention.head_count_kv", 3, NULL,
	  -EINVAL, "multiple of 3" },
	{ "no heads of keys", SET_U32, "llama.attention.head_count_kv", 0, NULL, -EINVAL,
	  "head_count_kv" },
	{ "heads of an odd length", SET_U32, "llama.attention.key_length", 12, NULL, -ENOTSUP,
	  "heads of 12" },
	{ "heads of no length", SET_U32, "llama.attention.key_length", 0, NULL, -EINVAL,
	  "heads of 0" },
	{ "heads too long", SET_U32, "llama.attention.key_length", 512, NULL, -ENOTSUP, "512" },
	{ "values unlike keys", SET_U32, "llama.attention.value_length", 8, NULL, -ENOTSUP,
	  "8 in values" },
	{ "no feed-forward", DROP_KEY, "llama.feed_forward_length", 0, NULL, -EINVAL,
	  "feed_forward_length" },
	{ "another feed-forward", SET_U32, "llama.feed_forward_length", 64, NULL, -EINVAL,
	  "ffn_gate" },
	{ "no context", SET_U32, "llama.context_length", 0, NULL, -EINVAL, "context_length" },
	{ "a number that is a text", SET_STR, "llama.context_length", 0, "64", -EINVAL,
	  "context_length" },
	{ "no eps", DROP_KEY, "llama.attention.layer_norm_rms_epsilon", 0, NULL, -EINVAL,
	  "layer_norm_rms_epsilon" },
	{ "an eps that is none", SET_F32, "llama.attention.layer_norm_rms_epsilon", NAN, NULL,
	  -EINVAL, "layer_norm_rms_epsilon" },
	{ "another vocabulary", SET_U32, "llama.vocab_size", 41, NULL, -EINVAL, "41 tokens" },
	{ "a frequency that is none", SET_F32, "llama.rope.freq_base", -1, NULL, -EINVAL,
	  "freq_base" },
	{ "more rotated than there is", SET_U32, "llama.rope.dimension_count", 32, NULL, -EINVAL,
	  "dimension_count" },
	{ "another scaling of rope", SET_STR, "llama.rope.scaling.type", 0, "longrope", -ENOTSUP,
	  "'longrope'" },
	{ "yarn without a factor", SET_STR, "llama.rope.scaling.type", 0, "yarn", -ENOTSUP,
	  "yarn" },
	{ "a factor that is none", SET_F32, "llama.rope.scaling.factor", 0, NULL, -EINVAL,
	  "scaling.factor" },
	{ "experts", SET_U32, "llama.expert_count", 8, NULL, -ENOTSUP, "expert_count" },
	{ "a sliding window", SET_U32, "llama.attention.sliding_window", 32, NULL, -ENOTSUP,
	  "sliding window of 32" },
	{ "a pooling unknown", SET_U32, "llama.pooling_type", 4, NULL, -ENOTSUP, "pooling type 4" },
	{ "a tensor missing", DROP, "blk.1.attn_v.weight", 0, NULL, -EINVAL,
	  "'blk.1.attn_v.weight' is missing" },
	{ "no embedding tensor", DROP, "token_embd.weight", 0, NULL, -EINVAL, "token_embd" },
	{ "a tensor unknown", ADD, "blk.0.ffn_gate_inp.weight", 0, NULL, -ENOTSUP,
	  "'blk.0.ffn_gate_inp.weight'" },
	{ "a bias that is not ours", ADD, "output.bias", 0, NULL, -ENOTSUP, "'output.bias'" },
	{ "a matrix on its side", RESHAPE, "blk.0.ffn_down.weight", 0, NULL, -EINVAL,
	  "'blk.0.ffn_down.weight' is 64 x 96" },
};

static void change_do(struct synth *s, const struct row *r)
{
	switch (r->change) {
	case SET_U32:
		synth_u32(s, r->what, (uint32_t)r->number);
		break;
	case SET_F32:
		synth_f32(s, r->what, (float)r->number);
		break;
	case SET_STR:
		synth_str(s, r->what, r->text);
		break;
	case DROP_KEY:
		synth_drop_key(s, r->what);
		break;
	case DROP:
		synth_drop(s, r->what);
		break;
	case ADD:
		synth_tensor(s, r->what, 64, 8, QUANT_F32, 1, 0);
		break;
	case RESHAPE:
		synth_reshape(s, r->what, 64, 96);
		break;
	}
}

/* Opened and planned: both refuse, in the same words. */
static void refused(const struct synth *s, int code, const char *says)
{
	struct ragd_err err = { 0 }, plan_err = { 0 };
	struct model_options opt = { 0 };
	struct buf file = BUF_INIT;
	struct model *m = NULL;
	struct gguf *g;

	synth_write(s, &file);
	if (gguf_read(file.data, file.len, &g, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(threads_open(1, NULL, &opt.threads, &err), 0);
	assert_int_equal(model_open(g, &opt, &m, &err), code);
	print_message("  %s\n", err.msg);
	assert_null(m);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.msg, says));
	assert_int_equal(model_outline(g, NULL, &m, &plan_err), code);
	assert_null(m);
	assert_string_equal(err.msg, plan_err.msg);
	threads_close(opt.threads);
	gguf_close(g);
	buf_fini(&file);
}

static void what_cannot_be_is_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct synth s;

		print_message("%s\n", rows[i].name);
		synth_init(&s, &llama);
		change_do(&s, &rows[i]);
		refused(&s, rows[i].code, rows[i].says);
		synth_fini(&s);
	}
}

static void factors_of_rope_are_above_zero(void **state)
{
	struct ragd_err err = { 0 };
	struct model_options opt = { 0 };
	struct buf file = BUF_INIT;
	struct synth s;
	struct model *m;
	struct gguf *g;

	(void)state;
	synth_init(&s, &llama);
	synth_drop(&s, "rope_freqs.weight");
	synth_tensor(&s, "rope_freqs.weight", 8, 0, QUANT_F32, 0, -1);
	synth_write(&s, &file);
	assert_int_equal(gguf_read(file.data, file.len, &g, &err), 0);
	assert_int_equal(threads_open(1, NULL, &opt.threads, &err), 0);
	assert_int_equal(model_open(g, &opt, &m, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "rope_freqs.weight"));
	threads_close(opt.threads);
	gguf_close(g);
	buf_fini(&file);
	synth_fini(&s);
}

/* ---- passes --------------------------------------------------------------------------------- */

static void passes_out_of_range_are_refused(void **state)
{
	const int32_t ids[65] = { 1, 2, 3 }, high[] = { 40 }, low[] = { -1 };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	const float *out;
	uint8_t **pages;
	struct synth s;
	struct lab lab;
	struct run *r;

	(void)state;
	synth_init(&s, &llama);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, NULL);
	pages = lab_pages(&lab, KV_F16, 64);
	assert_int_equal(run_new(lab.model, lab.threads, KV_Q8_0, 8, 1, &r, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "multiple of 32"));
	assert_int_equal(run_new(lab.model, lab.threads, KV_F16, 0, 0, &r, &err), -EINVAL);
	assert_int_equal(run_new(lab.model, lab.threads, KV_F16, 8, 9, &r, &err), -EINVAL);
	assert_int_equal(run_new(lab.model, lab.threads, KV_F16, 8, 2, &r, &err), 0);
	{
		const struct {
			const char *says;
			struct segment segments[2];
			size_t n;
		} passes[] = {
			{ "40 is none", { { high, 1, 0, pages, 1, 0 } }, 1 },
			{ "-1 is none", { { low, 1, 0, pages, 1, 0 } }, 1 },
			{ "0 tokens", { { ids, 0, 0, pages, 0, 0 } }, 1 },
			{ "9 tokens", { { ids, 9, 0, pages, 0, 0 } }, 1 },
			{ "2 outputs", { { ids, 1, 0, pages, 2, 0 } }, 1 },
			{ "no pages", { { ids, 1, 0, NULL, 1, 0 } }, 1 },
			{ "context", { { ids, 1, 64, pages, 1, 0 } }, 1 },
			{ "context", { { ids, 2, SIZE_MAX - 1, pages, 1, 0 } }, 1 },
			{ "more than 8 tokens",
			  { { ids, 5, 0, pages, 0, 0 }, { ids, 4, 0, pages, 0, 0 } },
			  2 },
			{ "2 outputs in a pass",
			  { { ids, 2, 0, pages, 2, 0 }, { ids, 1, 0, pages, 1, 0 } },
			  2 },
		};

		for (size_t i = 0; i < ARRAY_LEN(passes); i++) {
			int rc = run_forward(r, passes[i].segments, passes[i].n, RUN_LOGITS, &out,
					     &err);

			print_message("%s\n", err.msg);
			assert_int_equal(rc, -EINVAL);
			assert_non_null(strstr(err.msg, passes[i].says));
		}
	}
	run_free(r);
	lab_pages_free(pages, 64);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

static void an_encoder_has_no_logits(void **state)
{
	struct synth_shape shape = llama;
	const int32_t ids[] = { 1, 2 };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	const float *out;
	struct synth s;
	struct lab lab;
	struct run *r;

	(void)state;
	shape.arch = "bert";
	shape.n_kv_heads = shape.n_heads;
	shape.rope_factors = false;
	synth_init(&s, &shape);
	synth_write(&s, &file);
	lab_open(&lab, NULL, file.data, file.len, NULL);
	assert_int_equal(run_new(lab.model, lab.threads, KV_F16, 8, 8, &r, &err), 0);
	assert_int_equal(run_forward(r, &(struct segment){ ids, 2, 0, NULL, 1, 0 }, 1, RUN_LOGITS,
				     &out, &err),
			 -EINVAL);
	assert_non_null(strstr(err.msg, "no logits"));
	assert_int_equal(run_forward(r, &(struct segment){ ids, 1, 1, NULL, 1, 0 }, 1, RUN_HIDDEN,
				     &out, &err),
			 -EINVAL);
	assert_non_null(strstr(err.msg, "inside a text"));
	run_free(r);
	lab_close(&lab);
	buf_fini(&file);
	synth_fini(&s);
}

/* ---- opening -------------------------------------------------------------------------------- */

struct watch {
	double last;
	unsigned n, n_most;
};

static bool watch_cb(void *arg, double done)
{
	struct watch *w = arg;

	assert_true(done > w->last && done <= 1);
	w->last = done;
	return ++w->n < w->n_most;
}

static void packing_tells_how_far_it_is_and_can_be_given_up(void **state)
{
	struct watch w = { .n_most = 1000000 };
	struct model_options opt = { .progress = watch_cb, .progress_arg = &w };
	struct ragd_err err = { 0 };
	struct buf file = BUF_INIT;
	struct synth s;
	struct model *m;
	struct gguf *g;
	uint64_t plan;
	size_t run, page;

	(void)state;
	synth_init(&s, &llama);
	synth_write(&s, &file);
	assert_int_equal(gguf_read(file.data, file.len, &g, &err), 0);
	assert_int_equal(threads_open(2, NULL, &opt.threads, &err), 0);
	assert_int_equal(model_outline(g, NULL, &m, &err), 0);
	plan = model_shape(m)->weight_bytes;
	run = run_bytes(m, 64, 1, 2);
	page = model_page_bytes(m, KV_F16);
	model_close(m);
	assert_int_equal(model_open(g, &opt, &m, &err), 0);
	assert_true(w.last == 1);
	assert_true(plan == model_shape(m)->weight_bytes && plan > 0);
	assert_true(run == run_bytes(m, 64, 1, 2) && page == model_page_bytes(m, KV_F16));
	model_close(m);
	w = (struct watch){ .n_most = 3 };
	assert_int_equal(model_open(g, &opt, &m, &err), -ECANCELED);
	assert_int_equal(w.n, 3);
	threads_close(opt.threads);
	gguf_close(g);
	buf_fini(&file);
	synth_fini(&s);
}

static void the_list_of_architectures_ends(void **state)
{
	static const char *const names[] = { "llama", "qwen2", "qwen3", "bert", "nomic-bert" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(arch_at(i)->name, names[i]);
	assert_null(arch_at(ARRAY_LEN(names)));
}

static void vectors_are_pooled_and_of_unit_length(void **state)
{
	static const float rows3[] = { 3, 0, 0, 4, 3, 2, 0, 0 }; /* 4 of 2 */
	static const struct {
		enum model_pooling pooling;
		float want[2];
	} cases[] = {
		{ POOLING_MEAN, { 0.70710678F, 0.70710678F } },
		{ POOLING_CLS, { 1, 0 } },
		{ POOLING_LAST, { 0, 0 } },
	};
	struct model_shape shape = { .n_embd = 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		float out[2];

		run_pool(&shape, cases[i].pooling, rows3, 4, out);
		for (size_t k = 0; k < 2; k++)
			assert_true(fabsf(out[k] - cases[i].want[k]) < 1e-6F);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_is_refused_by_name),
		cmocka_unit_test(factors_of_rope_are_above_zero),
		cmocka_unit_test(passes_out_of_range_are_refused),
		cmocka_unit_test(an_encoder_has_no_logits),
		cmocka_unit_test(packing_tells_how_far_it_is_and_can_be_given_up),
		cmocka_unit_test(the_list_of_architectures_ends),
		cmocka_unit_test(vectors_are_pooled_and_of_unit_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
