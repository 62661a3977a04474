/*
 * nomic-bert: bert's order of norms with rotary positions by halves, q, k and v as one matrix, a
 * gated feed-forward, and no biases.
 */
#include "engine/model/arch/arch.h"
#include "engine/model/layers.h"

/* clang-format off */
static const struct tensor_rule tensors[] = {
	{ "token_embd.weight", .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_VOCAB,
	  ROW_MODEL(embd) },
	{ "token_types.weight", .optional = true, .use = USE_ROWS, .cols = DIM_EMBD,
	  .rows = DIM_ANY, ROW_MODEL(types) },
	{ "token_embd_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(embd_norm) },
	{ "token_embd_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(embd_norm_bias) },
	{ "attn_qkv.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_QKV, ROW_LAYER(qkv) },
	{ "attn_output.weight", .use = USE_MATRIX, .cols = DIM_Q, .rows = DIM_EMBD,
	  ROW_LAYER(attn_out) },
	{ "attn_output_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_norm) },
	{ "attn_output_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_norm_bias) },
	{ "ffn_gate.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_FF, ROW_LAYER(gate) },
	{ "ffn_up.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_FF, ROW_LAYER(up) },
	{ "ffn_down.weight", .use = USE_MATRIX, .cols = DIM_FF, .rows = DIM_EMBD, ROW_LAYER(down) },
	{ "layer_output_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(ffn_norm) },
	{ "layer_output_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(ffn_norm_bias) },
	{ 0 },
};
/* clang-format on */

const struct arch arch_nomic_bert = {
	.name = "nomic-bert",
	.rope = true,
	.pairs = ROPE_HALVES,
	.eps_key = "attention.layer_norm_epsilon",
	.tables = (const struct tensor_rule *const[]){ tensors, NULL },
	.forward = layers_encoder,
};
