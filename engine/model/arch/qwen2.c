/* qwen2: Qwen 1.5 to 2.5: llama's form with biases of q, k and v, and rotation by halves. */
#include "engine/model/arch/arch.h"
#include "engine/model/layers.h"

/* clang-format off */
static const struct tensor_rule tensors[] = {
	{ "attn_q.bias", .use = USE_VECTOR, .cols = DIM_Q, ROW_LAYER(q_bias) },
	{ "attn_k.bias", .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(k_bias) },
	{ "attn_v.bias", .use = USE_VECTOR, .cols = DIM_KV, ROW_LAYER(v_bias) },
	{ 0 },
};
/* clang-format on */

const struct arch arch_qwen2 = {
	.name = "qwen2",
	.causal = true,
	.rope = true,
	.pairs = ROPE_HALVES,
	.eps_key = "attention.layer_norm_rms_epsilon",
	.tables =
		(const struct tensor_rule *const[]){ tensors_decoder, tensors_qkv, tensors, NULL },
	.forward = layers_decoder,
};
