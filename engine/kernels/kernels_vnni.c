/* The table for AVX-512 with VNNI: what it adds is products of bytes. */
#include "engine/kernels/cpu_features.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/sets.h"

static void vnni_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			float *out, size_t ldo, void *scratch)
{
	(sets_is_float(w->type) ? float_avx512_matmul : int_vnni_matmul)(w, r0, r1, a, out, ldo,
									 scratch);
}

const struct kernels kernels_vnni = {
	.name = "vnni",
	.usable = cpu_has_vnni,
	.quantise = int_avx512_quantise,
	.matmul = vnni_matmul,
	.matmul_scratch = INT_AVX512_SCRATCH,
	.matmul_rows = INT_AVX512_ROWS,
	.kv_store = attend_avx512_store,
	.attend = attend_avx512,
	.attend_scratch = ATTEND_VEC_SCRATCH,
	.attend_tokens = 64,
	.rms_norm = ops_avx512_rms_norm,
	.layer_norm = ops_avx512_layer_norm,
	.rope = ops_avx512_rope,
	.add = ops_avx512_add,
	.silu_mul = ops_avx512_silu_mul,
	.gelu = ops_avx512_gelu,
	.max = ops_avx512_max,
	.exp_sum = ops_avx512_exp_sum,
};
