/* Quantising activations in registers of 512 bits; int_portable.c says the same in plain words. */
#include <float.h>
#include <immintrin.h>

#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/int/int_quantise.h"

/* Not-a-number becomes 0, infinity the largest number. */
static inline __m512 finite_bounded(__m512 x)
{
	__mmask16 numbers = _mm512_cmp_ps_mask(x, x, _CMP_ORD_Q);

	x = _mm512_maskz_min_ps(numbers, x, _mm512_set1_ps(FLT_MAX));
	return _mm512_max_ps(x, _mm512_set1_ps(-FLT_MAX));
}

/* Sixteen quants and their sum. */
static inline int32_t quants_put(__m512 x, float inverse, int8_t *q)
{
	__m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_set1_ps(inverse)));

	_mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(whole));
	return _mm512_reduce_add_epi32(whole);
}

static inline void quantise_block(const float *x, size_t n, struct acts_chunk *out, size_t b)
{
	uint32_t mask = n >= PACK_BLOCK ? UINT32_MAX : (1u << n) - 1;
	__m512 low = finite_bounded(_mm512_maskz_loadu_ps((__mmask16)mask, x));
	__m512 high = finite_bounded(_mm512_maskz_loadu_ps((__mmask16)(mask >> 16), x + 16));
	float max = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
	float inverse = max < TINY ? 0 : 127.0f / max;

	out->scale[b] = max < TINY ? 0 : max / 127.0f;
	out->half[2 * b] = -quants_put(low, inverse, out->q + PACK_BLOCK * b);
	out->half[2 * b + 1] = -quants_put(high, inverse, out->q + PACK_BLOCK * b + 16);
	out->minus[b] = out->half[2 * b] + out->half[2 * b + 1];
	out->sum[b] = out->scale[b] * (float)-out->minus[b];
}

void int_avx512_quantise(struct acts *a, size_t from, size_t to)
{
	quantise_blocks(a, from, to, quantise_block);
}
