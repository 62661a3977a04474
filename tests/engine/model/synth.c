/* Random models in memory. */
#include "tests/engine/model/synth.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/quant/blocks.h"
#include "tests/engine/gguf/build.h"
#include "tests/engine/model/lab.h"
#include "tests/test.h"

/* Where a block has its scale, and its minimum or offset; -1: none. */
static const struct {
	enum quant_type type;
	int d, m;
} scales[] = {
	{ QUANT_Q8_0, 0, -1 },   { QUANT_Q4_0, 0, -1 },   { QUANT_Q4_1, 0, 2 },
	{ QUANT_Q5_0, 0, -1 },   { QUANT_Q5_1, 0, 2 },    { QUANT_Q2_K, 80, 82 },
	{ QUANT_Q3_K, 108, -1 }, { QUANT_Q4_K, 0, 2 },    { QUANT_Q5_K, 0, 2 },
	{ QUANT_Q6_K, 208, -1 }, { QUANT_IQ4_NL, 0, -1 }, { QUANT_IQ4_XS, 0, -1 },
};

static void block_set(uint8_t *block, int at, double v)
{
	uint16_t h = quant_f32_to_f16((float)v);

	if (at >= 0)
		memcpy(block + at, &h, sizeof(h));
}

static double mean_of(const float *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i];
	return sum / (double)n;
}

/* Random quants under a scale (and minimum) that give the wanted deviation and no mean. */
static void block_random(struct synth *s, enum quant_type type, uint8_t *block, double deviation)
{
	const struct quant_info *info = quant_info(type);
	float x[QUANT_SUPER];
	double mean, square = 0, minimum = 0;
	size_t row = 0;

	while (scales[row].type != type)
		row++;
	for (size_t i = 0; i < info->n_bytes; i++)
		block[i] = (uint8_t)lab_random(&s->seed);
	block_set(block, scales[row].d, 1);
	block_set(block, scales[row].m, 0);
	quant_unpack(type, block, x, info->n_elements);
	mean = mean_of(x, info->n_elements);
	if (scales[row].m >= 0) {
		block_set(block, scales[row].d, 0);
		block_set(block, scales[row].m, 1);
		quant_unpack(type, block, x, info->n_elements);
		minimum = -mean / mean_of(x, info->n_elements);
		block_set(block, scales[row].d, 1);
		block_set(block, scales[row].m, minimum);
		quant_unpack(type, block, x, info->n_elements);
	}
	for (size_t i = 0; i < info->n_elements; i++)
		square += (double)x[i] * (double)x[i];
	deviation /= sqrt(square / info->n_elements);
	block_set(block, scales[row].d, deviation);
	block_set(block, scales[row].m, deviation * minimum);
}

void synth_tensor(struct synth *s, const char *name, uint64_t cols, uint64_t rows,
		  enum quant_type type, double deviation, double mean)
{
	size_t n = (size_t)(cols * (rows > 0 ? rows : 1)), at = s->n_tensors++;
	const struct quant_info *info = quant_info(type);
	size_t bytes = n / info->n_elements * info->n_bytes;

	assert_true(s->n_tensors <= SYNTH_MAX && cols % info->n_elements == 0);
	snprintf(s->tensors[at].name, sizeof(s->tensors[at].name), "%s", name);
	s->tensors[at].type = type;
	s->tensors[at].cols = cols;
	s->tensors[at].rows = rows;
	s->tensors[at].data = malloc(bytes);
	s->tensors[at].n_bytes = bytes;
	for (size_t i = 0; i < n; i += info->n_elements) {
		uint8_t *block = s->tensors[at].data + i / info->n_elements * info->n_bytes;
		float x = (float)(mean + deviation * lab_normal(&s->seed));

		if (info->n_elements > 1)
			block_random(s, type, block, deviation);
		else
			assert_true(quant_pack(type, &x, block, 1));
	}
}

static size_t tensor_at(const struct synth *s, const char *name)
{
	for (size_t i = 0; i < s->n_tensors; i++)
		if (strcmp(s->tensors[i].name, name) == 0)
			return i;
	fail_msg("no tensor '%s'", name);
	return 0;
}

void synth_drop(struct synth *s, const char *name)
{
	size_t at = tensor_at(s, name);

	free(s->tensors[at].data);
	s->tensors[at] = s->tensors[--s->n_tensors];
}

void synth_reshape(struct synth *s, const char *name, uint64_t cols, uint64_t rows)
{
	size_t at = tensor_at(s, name);
	const struct quant_info *info = quant_info(s->tensors[at].type);

	s->tensors[at].cols = cols;
	s->tensors[at].rows = rows;
	s->tensors[at].n_bytes = (size_t)(cols * rows) / info->n_elements * info->n_bytes;
}

static size_t key_at(struct synth *s, const char *key, enum gguf_type type)
{
	size_t i;

	for (i = 0; i < s->n_keys && strcmp(s->keys[i].key, key) != 0; i++)
		;
	if (i == s->n_keys) {
		s->n_keys++;
		assert_true(s->n_keys <= SYNTH_MAX);
		snprintf(s->keys[i].key, sizeof(s->keys[i].key), "%s", key);
	}
	s->keys[i].type = type;
	return i;
}

void synth_u32(struct synth *s, const char *key, uint32_t v)
{
	s->keys[key_at(s, key, GGUF_U32)].bits = v;
}

void synth_f32(struct synth *s, const char *key, float v)
{
	memcpy(&s->keys[key_at(s, key, GGUF_F32)].bits, &v, sizeof(v));
}

void synth_str(struct synth *s, const char *key, const char *v)
{
	size_t i = key_at(s, key, GGUF_STRING);

	snprintf(s->keys[i].text, sizeof(s->keys[i].text), "%s", v);
}

void synth_drop_key(struct synth *s, const char *key)
{
	s->keys[key_at(s, key, GGUF_U32)] = s->keys[s->n_keys - 1];
	s->n_keys--;
}

/* ---- whole models --------------------------------------------------------------------------- */

static void arch_u32(struct synth *s, const char *arch, const char *suffix, uint32_t v)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", arch, suffix);
	synth_u32(s, key, v);
}

static void layer_tensor(struct synth *s, uint32_t layer, const char *name, uint64_t cols,
			 uint64_t rows, enum quant_type type, double deviation, double mean)
{
	char full[96];

	snprintf(full, sizeof(full), "blk.%u.%s", (unsigned)layer, name);
	synth_tensor(s, full, cols, rows, type, deviation, mean);
}

static void layer_matrix(struct synth *s, uint32_t layer, const char *name, uint64_t cols,
			 uint64_t rows, enum quant_type type, double gain)
{
	layer_tensor(s, layer, name, cols, rows, type, gain / sqrt((double)cols), 0);
}

static void layer_vector(struct synth *s, uint32_t layer, const char *name, uint64_t n,
			 double deviation, double mean)
{
	layer_tensor(s, layer, name, n, 0, QUANT_F32, deviation, mean);
}

static void layer_init(struct synth *s, const struct synth_shape *p, uint32_t i)
{
	uint64_t d = p->n_embd, q = (uint64_t)p->n_heads * p->head_dim;
	uint64_t kv = (uint64_t)p->n_kv_heads * p->head_dim, ff = p->n_ff;
	bool bert = strcmp(p->arch, "bert") == 0, nomic = strcmp(p->arch, "nomic-bert") == 0;
	bool qwen2 = strcmp(p->arch, "qwen2") == 0, qwen3 = strcmp(p->arch, "qwen3") == 0;
	static const char *const norms[2][2] = { { "attn_norm", "ffn_norm" },
						 { "attn_output_norm", "layer_output_norm" } };

	for (size_t k = 0; k < 2; k++) {
		char name[64];

		snprintf(name, sizeof(name), "%s.weight", norms[bert || nomic][k]);
		layer_vector(s, i, name, d, 0.1, 1);
		snprintf(name, sizeof(name), "%s.bias", norms[bert || nomic][k]);
		if (bert || nomic)
			layer_vector(s, i, name, d, 0.1, 0);
	}
	if (nomic) {
		layer_matrix(s, i, "attn_qkv.weight", d, q + 2 * kv, p->type, 1.2);
	} else {
		layer_matrix(s, i, "attn_q.weight", d, q, p->type, 1.5);
		layer_matrix(s, i, "attn_k.weight", d, kv, p->type, 1.5);
		layer_matrix(s, i, "attn_v.weight", d, kv, p->type, 1);
	}
	if (bert || qwen2 || p->biases) {
		layer_vector(s, i, "attn_q.bias", q, 0.3, 0);
		layer_vector(s, i, "attn_k.bias", kv, 0.3, 0);
		layer_vector(s, i, "attn_v.bias", kv, 0.3, 0);
	}
	if (qwen3) {
		layer_vector(s, i, "attn_q_norm.weight", p->head_dim, 0.2, 1);
		layer_vector(s, i, "attn_k_norm.weight", p->head_dim, 0.2, 1);
	}
	layer_matrix(s, i, "attn_output.weight", q, d, p->type, 2);
	layer_matrix(s, i, "ffn_up.weight", d, ff, p->type, 1);
	if (!bert)
		layer_matrix(s, i, "ffn_gate.weight", d, ff, p->type, 1);
	layer_matrix(s, i, "ffn_down.weight", ff, d, p->type, 2);
	if (bert || p->biases) {
		layer_vector(s, i, "attn_output.bias", d, 0.2, 0);
		layer_vector(s, i, "ffn_up.bias", ff, 0.2, 0);
		layer_vector(s, i, "ffn_down.bias", d, 0.2, 0);
	}
	if (p->biases && !bert)
		layer_vector(s, i, "ffn_gate.bias", ff, 0.2, 0);
}

void synth_init(struct synth *s, const struct synth_shape *p)
{
	bool encoder = strstr(p->arch, "bert") != NULL;
	char key[64];

	*s = (struct synth){ .seed = p->seed };
	synth_str(s, "general.architecture", p->arch);
	arch_u32(s, p->arch, "block_count", p->n_layers);
	arch_u32(s, p->arch, "embedding_length", p->n_embd);
	arch_u32(s, p->arch, "feed_forward_length", p->n_ff);
	arch_u32(s, p->arch, "context_length", p->n_context);
	arch_u32(s, p->arch, "attention.head_count", p->n_heads);
	arch_u32(s, p->arch, "attention.head_count_kv", p->n_kv_heads);
	if (p->head_dim * p->n_heads != p->n_embd) {
		arch_u32(s, p->arch, "attention.key_length", p->head_dim);
		arch_u32(s, p->arch, "attention.value_length", p->head_dim);
	}
	snprintf(key, sizeof(key), "%s.attention.layer_norm_%sepsilon", p->arch,
		 encoder ? "" : "rms_");
	synth_f32(s, key, 1e-5F);
	synth_tensor(s, "token_embd.weight", p->n_embd, p->n_vocab, p->type, encoder ? 1 : 0.2, 0);
	if (encoder) {
		synth_tensor(s, "token_types.weight", p->n_embd, 2, QUANT_F32, 0.1, 0);
		synth_tensor(s, "token_embd_norm.weight", p->n_embd, 0, QUANT_F32, 0.1, 1);
		synth_tensor(s, "token_embd_norm.bias", p->n_embd, 0, QUANT_F32, 0.1, 0);
		if (strcmp(p->arch, "bert") == 0)
			synth_tensor(s, "position_embd.weight", p->n_embd, p->n_context, QUANT_F32,
				     0.3, 0);
	} else {
		synth_tensor(s, "output_norm.weight", p->n_embd, 0, QUANT_F32, 0.1, 1);
		if (!p->tied)
			synth_tensor(s, "output.weight", p->n_embd, p->n_vocab, p->type,
				     3 / sqrt(p->n_embd), 0);
	}
	if (p->rope_factors)
		synth_tensor(s, "rope_freqs.weight", p->head_dim / 2, 0, QUANT_F32, 0.5, 4);
	for (uint32_t i = 0; i < p->n_layers; i++)
		layer_init(s, p, i);
}

void synth_fini(struct synth *s)
{
	for (size_t i = 0; i < s->n_tensors; i++)
		free(s->tensors[i].data);
}

void synth_write(const struct synth *s, struct buf *out)
{
	uint64_t at = 0;

	put_head(out, 3, s->n_tensors, s->n_keys);
	for (size_t i = 0; i < s->n_keys; i++) {
		if (s->keys[i].type == GGUF_STRING)
			put_key_str(out, s->keys[i].key, s->keys[i].text);
		else
			put_scalar(out, s->keys[i].key, s->keys[i].type, &s->keys[i].bits, 4);
	}
	for (size_t i = 0; i < s->n_tensors; i++) {
		bool vector = s->tensors[i].rows == 0;

		put_str(out, s->tensors[i].name);
		put_u32(out, vector ? 1 : 2);
		put_u64(out, s->tensors[i].cols);
		if (!vector)
			put_u64(out, s->tensors[i].rows);
		put_u32(out, s->tensors[i].type);
		put_u64(out, at);
		at += (s->tensors[i].n_bytes + 31) / 32 * 32;
	}
	put_pad(out, 32);
	for (size_t i = 0; i < s->n_tensors; i++) {
		buf_add(out, s->tensors[i].data, s->tensors[i].n_bytes);
		put_pad(out, 32);
	}
}
