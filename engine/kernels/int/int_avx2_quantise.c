/* Quantising activations in registers of 256 bits; int_portable.c says the same in plain words. */
#include <float.h>
#include <immintrin.h>

#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/int/int_quantise.h"
#include "engine/kernels/vec.h"

/* Not-a-number becomes 0, infinity the largest number. */
INLINE vf finite_bounded(vf x)
{
	return vf_max(vf_min(vf_number(x), vf_set(FLT_MAX)), vf_set(-FLT_MAX));
}

/* Eight quants; returns them as whole numbers for their sum. */
INLINE __m256i quants_put(vf x, float inverse, int8_t *q)
{
	vf_store_i8(q, vf_mul(x, vf_set(inverse)));
	return _mm256_cvtps_epi32(vf_mul(x, vf_set(inverse)));
}

INLINE int32_t sum_of(__m256i a)
{
	__m128i x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));

	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

static void quantise_block(const float *x, size_t n, struct acts_chunk *out, size_t b)
{
	int8_t *q = out->q + b * PACK_BLOCK;
	vf v[4], most = vf_zero();
	float max, inverse;

	for (size_t i = 0; i < 4; i++) {
		v[i] = n > i * VL ? finite_bounded(vf_load_n(x + i * VL, n - i * VL)) : vf_zero();
		most = vf_max(most, vf_abs(v[i]));
	}
	max = vf_most(most);
	inverse = max < TINY ? 0 : 127.0f / max;
	for (size_t h = 0; h < 2; h++)
		out->half[2 * b + h] = -sum_of(
			_mm256_add_epi32(quants_put(v[2 * h], inverse, q + 16 * h),
					 quants_put(v[2 * h + 1], inverse, q + 16 * h + 8)));
	out->scale[b] = max < TINY ? 0 : max / 127.0f;
	out->minus[b] = out->half[2 * b] + out->half[2 * b + 1];
	out->sum[b] = out->scale[b] * (float)-out->minus[b];
}

void int_avx2_quantise(struct acts *a, size_t from, size_t to)
{
	quantise_blocks(a, from, to, quantise_block);
}
