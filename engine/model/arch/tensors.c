/* The tables of tensors that several architectures share. */
#include "engine/model/arch/arch.h"

/* clang-format off */
const struct tensor_rule tensors_decoder[] = {
	{ "token_embd.weight", .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_VOCAB,
	  ROW_MODEL(embd) },
	{ "output_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(output_norm) },
	{ "output.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_VOCAB,
	  ROW_MODEL(output), .fallback = "token_embd.weight" },
	{ "attn_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_norm) },
	{ "attn_output.weight", .use = USE_MATRIX, .cols = DIM_Q, .rows = DIM_EMBD,
	  ROW_LAYER(attn_out) },
	{ "ffn_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(ffn_norm) },
	{ "ffn_gate.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_FF, ROW_LAYER(gate) },
	{ "ffn_up.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_FF, ROW_LAYER(up) },
	{ "ffn_down.weight", .use = USE_MATRIX, .cols = DIM_FF, .rows = DIM_EMBD, ROW_LAYER(down) },
	{ 0 },
};

const struct tensor_rule tensors_qkv[] = {
	{ "attn_q.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_Q, ROW_LAYER(q) },
	{ "attn_k.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_KV, ROW_LAYER(k) },
	{ "attn_v.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_KV, ROW_LAYER(v) },
	{ 0 },
};
/* clang-format on */
