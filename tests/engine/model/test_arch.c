/*
 * Every architecture and every type of weights against the float64 forward pass of the same file,
 * with every set of kernels that runs here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/model/lab.h"
#include "tests/engine/model/synth.h"
#include "tests/test.h"

#define N_TOKENS 37 /* more than a page */

struct view {
	struct buf file;
	struct gguf *g;
	int32_t ids[N_TOKENS];
	double *want; /* [N_TOKENS][width] */
	size_t width;
};

static void view_init(struct view *v, const struct synth *s, size_t n_vocab, bool hidden)
{
	struct ragd_err err = { 0 };
	uint64_t seed = 7;

	*v = (struct view){ .file = BUF_INIT };
	synth_write(s, &v->file);
	if (gguf_read(v->file.data, v->file.len, &v->g, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < N_TOKENS; i++)
		v->ids[i] = (int32_t)(lab_random(&seed) % n_vocab);
	v->want = synth_reference(v->g, v->ids, N_TOKENS, hidden);
}

static void view_fini(struct view *v)
{
	free(v->want);
	gguf_close(v->g);
	buf_fini(&v->file);
}

/* The error's deviation, in those of what is wanted. */
static double view_off(const struct view *v, const struct kernels *k, enum kv_type kv,
		       enum run_output what)
{
	double square = 0, error = 0;
	size_t n;
	float *rows;
	struct lab lab;

	lab_open(&lab, NULL, v->file.data, v->file.len, k);
	rows = lab_forward(&lab, kv, v->ids, N_TOKENS, N_TOKENS, what);
	n = N_TOKENS * (what == RUN_LOGITS ? lab.shape->n_vocab : lab.shape->n_embd);
	for (size_t i = 0; i < n; i++) {
		square += v->want[i] * v->want[i];
		error += ((double)rows[i] - v->want[i]) * ((double)rows[i] - v->want[i]);
	}
	free(rows);
	lab_close(&lab);
	return sqrt(error / square);
}

static const struct synth_shape base_shape = { .arch = "llama",
					       .type = QUANT_F32,
					       .n_layers = 2,
					       .n_embd = 256,
					       .n_heads = 4,
					       .n_kv_heads = 2,
					       .head_dim = 64,
					       .n_ff = 512,
					       .n_vocab = 100,
					       .n_context = 128,
					       .seed = 1 };

static const enum quant_type types[] = {
	QUANT_F32,  QUANT_F16,  QUANT_BF16, QUANT_Q8_0,   QUANT_Q4_0,
	QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q2_K,   QUANT_Q3_K,
	QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K, QUANT_IQ4_NL, QUANT_IQ4_XS,
};

static void types_check(const struct synth_shape *shape, double most_floats, double most_integers)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct synth_shape one = *shape;
		const struct kernels *k;
		struct synth s;
		struct view v;

		if (getenv("VALGRIND") != NULL && i % 5 != 0) /* which is slow: one of each kind */
			continue;
		one.type = types[i];
		synth_init(&s, &one);
		view_init(&v, &s, one.n_vocab, false);
		for (size_t set = 0; (k = kernels_list(set)) != NULL; set++) {
			double off;

			if (!k->usable())
				continue;
			off = view_off(&v, k, KV_F16, RUN_LOGITS);
			print_message("%-8s %-8s %.5f\n", quant_info(types[i])->name, k->name, off);
			assert_true(off < (quant_info(types[i])->n_elements > 1 ? most_integers
										: most_floats));
		}
		view_fini(&v);
		synth_fini(&s);
	}
}

/* Weights as floats err by keys and values of 16 bits alone, the others by activations of 8. */
static void every_type_of_weights_agrees_with_float64(void **state)
{
	struct synth_shape shape = base_shape;

	(void)state;
	shape.n_layers = 1;
	shape.n_embd = 512;
	shape.n_heads = 8;
	types_check(&shape, 0.002, 0.04);
}

static void small_models_are_not_rounded_to_8_bits(void **state)
{
	(void)state;
	types_check(&base_shape, 0.002, 0.002);
}

struct variant {
	const char *name, *arch;
	uint32_t n_heads, n_kv_heads, head_dim;
	bool tied, biases, rope_factors;
	const char *scaling; /* of rope */
	float scaling_factor;
	uint32_t rope_dims; /* 0: the whole head */
};

static const struct variant variants[] = {
	{ "llama", "llama", 4, 2, 64, false, false, false, NULL, 0, 0 },
	{ "llama, tied, with factors", "llama", 8, 2, 32, true, false, true, NULL, 0, 0 },
	{ "llama with biases", "llama", 4, 4, 64, false, true, false, NULL, 0, 0 },
	{ "llama, linear scaling", "llama", 4, 2, 64, false, false, false, "linear", 4, 0 },
	{ "llama, yarn", "llama", 4, 2, 64, false, false, false, "yarn", 4, 0 },
	{ "llama, half a head rotated", "llama", 4, 2, 64, false, false, false, NULL, 0, 32 },
	{ "llama, wide heads", "llama", 2, 1, 256, false, false, false, NULL, 0, 0 },
	{ "qwen2", "qwen2", 4, 2, 64, false, false, false, NULL, 0, 0 },
	{ "qwen2, tied, yarn", "qwen2", 8, 2, 32, true, false, false, "yarn", 4, 0 },
	{ "qwen3", "qwen3", 4, 2, 128, false, false, false, NULL, 0, 0 },
	{ "bert", "bert", 4, 4, 64, false, false, false, NULL, 0, 0 },
	{ "nomic-bert", "nomic-bert", 4, 4, 64, false, false, false, NULL, 0, 0 },
};

static void variant_init(struct synth *s, const struct variant *v, struct synth_shape *shape)
{
	char key[64];

	*shape = base_shape;
	shape->arch = v->arch;
	shape->n_heads = v->n_heads;
	shape->n_kv_heads = v->n_kv_heads;
	shape->head_dim = v->head_dim;
	shape->tied = v->tied;
	shape->biases = v->biases;
	shape->rope_factors = v->rope_factors;
	synth_init(s, shape);
	if (v->rope_dims != 0) {
		snprintf(key, sizeof(key), "%s.rope.dimension_count", v->arch);
		synth_u32(s, key, v->rope_dims);
	}
	if (v->scaling == NULL)
		return;
	snprintf(key, sizeof(key), "%s.rope.scaling.type", v->arch);
	synth_str(s, key, v->scaling);
	snprintf(key, sizeof(key), "%s.rope.scaling.factor", v->arch);
	synth_f32(s, key, v->scaling_factor);
	snprintf(key, sizeof(key), "%s.rope.scaling.original_context_length", v->arch);
	synth_u32(s, key, 64);
}

static void every_architecture_agrees_with_float64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		bool encoder = strstr(variants[i].arch, "bert") != NULL;
		const struct kernels *k;
		struct synth_shape shape;
		struct synth s;

		variant_init(&s, &variants[i], &shape);
		for (int hidden = encoder; hidden < 2; hidden++) {
			struct view v;

			view_init(&v, &s, shape.n_vocab, hidden);
			for (size_t set = 0; (k = kernels_list(set)) != NULL; set++) {
				double off;

				if (!k->usable())
					continue;
				off = view_off(&v, k, KV_F16, hidden ? RUN_HIDDEN : RUN_LOGITS);
				print_message("%-28s %-6s %-8s %.5f\n", variants[i].name,
					      hidden ? "hidden" : "logits", k->name, off);
				assert_true(off < 0.002);
			}
			view_fini(&v);
		}
		synth_fini(&s);
	}
}

static void a_cache_of_8_bits_costs_little(void **state)
{
	const struct kernels *k;
	struct synth s;
	struct view v;

	(void)state;
	synth_init(&s, &base_shape);
	view_init(&v, &s, base_shape.n_vocab, false);
	for (size_t set = 0; (k = kernels_list(set)) != NULL; set++) {
		double off;

		if (!k->usable())
			continue;
		off = view_off(&v, k, KV_Q8_0, RUN_LOGITS);
		print_message("Q8_0 cache, %-8s %.5f\n", k->name, off);
		assert_true(off < 0.03);
	}
	view_fini(&v);
	synth_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_of_weights_agrees_with_float64),
		cmocka_unit_test(small_models_are_not_rounded_to_8_bits),
		cmocka_unit_test(every_architecture_agrees_with_float64),
		cmocka_unit_test(a_cache_of_8_bits_costs_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
