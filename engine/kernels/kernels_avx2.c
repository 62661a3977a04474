/* The table for AVX2, FMA and F16C. */
#include "engine/kernels/cpu_features.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/sets.h"

static void avx2_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			float *out, size_t ldo, void *scratch)
{
	(sets_is_float(w->type) ? float_avx2_matmul : int_avx2_matmul)(w, r0, r1, a, out, ldo,
								       scratch);
}

const struct kernels kernels_avx2 = {
	.name = "avx2",
	.usable = cpu_has_avx2,
	.quantise = int_avx2_quantise,
	.matmul = avx2_matmul,
	.matmul_scratch = INT_AVX2_SCRATCH,
	.matmul_rows = 64,
	.kv_store = attend_avx2_store,
	.attend = attend_avx2,
	.attend_scratch = ATTEND_VEC_SCRATCH,
	.attend_tokens = 64,
	.rms_norm = ops_avx2_rms_norm,
	.layer_norm = ops_avx2_layer_norm,
	.rope = ops_avx2_rope,
	.add = ops_avx2_add,
	.silu_mul = ops_avx2_silu_mul,
	.gelu = ops_avx2_gelu,
	.max = ops_avx2_max,
	.exp_sum = ops_avx2_exp_sum,
};
