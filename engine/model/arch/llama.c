/*
 * llama: Llama 1 to 3.3, Mistral, SmolLM, TinyLlama and all that share their form: RMS norms before
 * attention and feed-forward, rotary positions on neighbours, grouped queries, a gated
 * feed-forward. Biases where the file has them.
 */
#include "engine/model/arch/arch.h"
#include "engine/model/layers.h"

/* clang-format off */
static const struct tensor_rule tensors[] = {
	{ "rope_freqs.weight", .optional = true, .use = USE_VECTOR, .cols = DIM_PAIRS,
	  ROW_MODEL(rope.factor) },
	{ "attn_q.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_Q, ROW_LAYER(q_bias) },
	{ "attn_k.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(k_bias) },
	{ "attn_v.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(v_bias) },
	{ "attn_output.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_EMBD,
	  ROW_LAYER(attn_out_bias) },
	{ "ffn_gate.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_FF,
	  ROW_LAYER(gate_bias) },
	{ "ffn_up.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_FF, ROW_LAYER(up_bias) },
	{ "ffn_down.bias", .optional = true, .use = USE_VECTOR, .cols = DIM_EMBD,
	  ROW_LAYER(down_bias) },
	/* Tables of frequencies in files made in 2023: what the metadata says anyway. */
	{ "attn_rot_embd.weight", .layered = true, .optional = true, .use = USE_NONE,
	  .cols = DIM_ANY, .rows = DIM_ANY },
	{ 0 },
};
/* clang-format on */

const struct arch arch_llama = {
	.name = "llama",
	.causal = true,
	.rope = true,
	.pairs = ROPE_NEIGHBOURS,
	.eps_key = "attention.layer_norm_rms_epsilon",
	.tables =
		(const struct tensor_rule *const[]){ tensors_decoder, tensors_qkv, tensors, NULL },
	.forward = layers_decoder,
};
