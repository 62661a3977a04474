/* qwen3: llama's form with an RMS norm of every head of q and k before the rotation, by halves. */
#include "engine/model/arch/arch.h"
#include "engine/model/layers.h"

/* clang-format off */
static const struct tensor_rule tensors[] = {
	{ "attn_q_norm.weight", .use = USE_VECTOR, .cols = DIM_HEAD, ROW_LAYER(q_norm) },
	{ "attn_k_norm.weight", .use = USE_VECTOR, .cols = DIM_HEAD, ROW_LAYER(k_norm) },
	{ 0 },
};
/* clang-format on */

const struct arch arch_qwen3 = {
	.name = "qwen3",
	.causal = true,
	.rope = true,
	.pairs = ROPE_HALVES,
	.eps_key = "attention.layer_norm_rms_epsilon",
	.tables =
		(const struct tensor_rule *const[]){ tensors_decoder, tensors_qkv, tensors, NULL },
	.forward = layers_decoder,
};
