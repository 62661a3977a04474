/*
 * Inside engine/model: an open model, and its weights: what of a file's tensors goes where. What a
 * file does not have is NULL, and a matrix of no rows.
 */
#ifndef ENGINE_MODEL_WEIGHTS_H
#define ENGINE_MODEL_WEIGHTS_H

#include "engine/model/rope.h"

struct arch;
struct gguf;

/*
 * A table whose rows are looked up: as the file has it, or within a matrix that is packed anyway.
 */
struct rows {
	enum quant_type type;
	size_t cols, n;
	const uint8_t *data;
	const struct packed *packed; /* in place of data, or NULL */
};

/* Row i as floats. */
void rows_read(const struct rows *r, size_t i, float *out);

static inline bool rows_there(const struct rows *r)
{
	return r->data != NULL || r->packed != NULL;
}

static inline bool packed_is_integer(const struct packed *p)
{
	return p->rows > 0 && p->type != QUANT_F32 && p->type != QUANT_F16 && p->type != QUANT_BF16;
}

/* The weights of a layer. */
struct layer {
	struct packed q, k, v;
	struct packed qkv; /* in place of the three */
	const float *q_bias, *k_bias, *v_bias;
	const float *q_norm, *k_norm; /* of each head */
	struct packed attn_out;
	const float *attn_out_bias;
	struct packed gate, up, down;
	const float *gate_bias, *up_bias, *down_bias;
	const float *attn_norm, *attn_norm_bias; /* before attention, or after it (bert) */
	const float *ffn_norm, *ffn_norm_bias;   /* before the feed-forward, or after it (bert) */
};

struct model {
	struct model_shape shape;
	const struct arch *arch;
	const struct gguf *gguf; /* while it is being opened; NULL then */
	const struct kernels *kernels;
	float eps; /* of the norms */
	struct rope rope;

	struct rows embd, positions, types;
	const float *embd_norm, *embd_norm_bias;
	const float *output_norm;
	struct packed output;
	struct layer *layers;

	/* Of a model that ranks: a dense layer with a tanh, which it may lack, and one row. */
	struct rows head, head_output;
	const float *head_bias, *head_output_bias;

	uint8_t *packed; /* all packed matrices: a mapping */
	size_t packed_bytes;
	float *vectors; /* all vectors */
	uint8_t *rows;  /* all tables of rows that are not packed */
};

#endif
