/* The table of plain loops: for any processor, and what the others are measured against. */
#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/sets.h"

static bool portable_usable(void)
{
	return true;
}

static void portable_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			    float *out, size_t ldo, void *scratch)
{
	(sets_is_float(w->type) ? float_portable_matmul : int_portable_matmul)(w, r0, r1, a, out,
									       ldo, scratch);
}

const struct kernels kernels_portable = {
	.name = "portable",
	.usable = portable_usable,
	.quantise = int_portable_quantise,
	.matmul = portable_matmul,
	.matmul_scratch = MAX(FLOAT_PORTABLE_SCRATCH, INT_PORTABLE_SCRATCH),
	.matmul_rows = 64,
	.kv_store = attend_portable_store,
	.attend = attend_portable,
	.attend_scratch = ATTEND_PORTABLE_SCRATCH,
	.attend_tokens = 16,
	.rms_norm = ops_portable_rms_norm,
	.layer_norm = ops_portable_layer_norm,
	.rope = ops_portable_rope,
	.add = ops_portable_add,
	.silu_mul = ops_portable_silu_mul,
	.gelu = ops_portable_gelu,
	.max = ops_portable_max,
	.exp_sum = ops_portable_exp_sum,
};
