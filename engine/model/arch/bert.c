/*
 * bert: encoders of texts: absolute positions, every token sees every other, a layer norm after
 * attention and after the feed-forward, which has a GELU.
 */
#include "engine/model/arch/arch.h"
#include "engine/model/layers.h"

/* clang-format off */
static const struct tensor_rule tensors[] = {
	{ "token_embd.weight", .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_VOCAB,
	  ROW_MODEL(embd) },
	{ "token_types.weight", .optional = true, .use = USE_ROWS, .cols = DIM_EMBD,
	  .rows = DIM_ANY, ROW_MODEL(types) },
	{ "position_embd.weight", .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_CONTEXT,
	  ROW_MODEL(positions) },
	{ "token_embd_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(embd_norm) },
	{ "token_embd_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(embd_norm_bias) },
	{ "attn_q.bias", .use = USE_VECTOR, .cols = DIM_Q, ROW_LAYER(q_bias) },
	{ "attn_k.bias", .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(k_bias) },
	{ "attn_v.bias", .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(v_bias) },
	{ "attn_output.weight", .use = USE_MATRIX, .cols = DIM_Q, .rows = DIM_EMBD,
	  ROW_LAYER(attn_out) },
	{ "attn_output.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_out_bias) },
	{ "attn_output_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_norm) },
	{ "attn_output_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(attn_norm_bias) },
	{ "ffn_up.weight", .use = USE_MATRIX, .cols = DIM_EMBD, .rows = DIM_FF, ROW_LAYER(up) },
	{ "ffn_up.bias", .use = USE_VECTOR, .cols = DIM_FF, ROW_LAYER(up_bias) },
	{ "ffn_down.weight", .use = USE_MATRIX, .cols = DIM_FF, .rows = DIM_EMBD, ROW_LAYER(down) },
	{ "ffn_down.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(down_bias) },
	{ "layer_output_norm.weight", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(ffn_norm) },
	{ "layer_output_norm.bias", .use = USE_VECTOR, .cols = DIM_EMBD, ROW_LAYER(ffn_norm_bias) },
	{ "cls.weight", .optional = true, .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_EMBD,
	  ROW_MODEL(head) },
	{ "cls.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_EMBD, ROW_MODEL(head_bias) },
	{ "cls.output.weight", .optional = true, .use = USE_ROWS, .cols = DIM_EMBD, .rows = DIM_ONE,
	  ROW_MODEL(head_output) },
	{ "cls.output.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_ONE,
	  ROW_MODEL(head_output_bias) },
	{ 0 },
};
/* clang-format on */

const struct arch arch_bert = {
	.name = "bert",
	.ranks = true,
	.eps_key = "attention.layer_norm_epsilon",
	.tables = (const struct tensor_rule *const[]){ tensors_qkv, tensors, NULL },
	.forward = layers_encoder,
};
