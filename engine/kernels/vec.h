/*
 * A vector of floats of the processor that a file is compiled for: 16 with AVX-512, 8 with AVX2 and
 * FMA. What the kernels of both have in common is written once in terms of it. Partial loads and
 * stores take the first n numbers, 0 beyond; arithmetic on them is the same as on whole vectors, so
 * that a number's result does not depend on where in a row it stands.
 */
#ifndef ENGINE_KERNELS_VEC_H
#define ENGINE_KERNELS_VEC_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kernels/inline.h"

#ifdef __AVX512F__

#define VL 16
typedef __m512 vf;

INLINE __mmask16 vf_first(size_t n)
{
	return n >= VL ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

INLINE vf vf_zero(void)
{
	return _mm512_setzero_ps();
}

INLINE vf vf_set(float x)
{
	return _mm512_set1_ps(x);
}

INLINE vf vf_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

INLINE vf vf_load_n(const float *p, size_t n)
{
	return _mm512_maskz_loadu_ps(vf_first(n), p);
}

INLINE void vf_store(float *p, vf x)
{
	_mm512_storeu_ps(p, x);
}

INLINE void vf_store_n(float *p, vf x, size_t n)
{
	_mm512_mask_storeu_ps(p, vf_first(n), x);
}

INLINE vf vf_load_f16(const uint16_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

INLINE vf vf_load_f16_n(const uint16_t *p, size_t n)
{
	return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(vf_first(n), p));
}

INLINE void vf_store_f16_n(uint16_t *p, vf x, size_t n)
{
	_mm256_mask_storeu_epi16(p, vf_first(n), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

INLINE vf vf_set_f16(uint16_t x)
{
	return _mm512_cvtph_ps(_mm256_set1_epi16((short)x));
}

INLINE vf vf_load_bf16(const uint16_t *p)
{
	__m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p));

	return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

INLINE vf vf_load_i8(const int8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}

/* Whole numbers, rounded ties to even, in a byte each: they have to fit. */
INLINE void vf_store_i8(int8_t *p, vf x)
{
	_mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}

/* 0 where a is not a number. */
INLINE vf vf_number(vf a)
{
	return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, a, _CMP_ORD_Q), a);
}

/* a * b + c, and c - a * b, rounded once. */
INLINE vf vf_fma(vf a, vf b, vf c)
{
	return _mm512_fmadd_ps(a, b, c);
}

INLINE vf vf_fnma(vf a, vf b, vf c)
{
	return _mm512_fnmadd_ps(a, b, c);
}

INLINE vf vf_add(vf a, vf b)
{
	return _mm512_add_ps(a, b);
}

INLINE vf vf_sub(vf a, vf b)
{
	return _mm512_sub_ps(a, b);
}

INLINE vf vf_mul(vf a, vf b)
{
	return _mm512_mul_ps(a, b);
}

INLINE vf vf_div(vf a, vf b)
{
	return _mm512_div_ps(a, b);
}

/* Both give b where one is not a number. */
INLINE vf vf_max(vf a, vf b)
{
	return _mm512_max_ps(a, b);
}

INLINE vf vf_min(vf a, vf b)
{
	return _mm512_min_ps(a, b);
}

INLINE vf vf_abs(vf a)
{
	return _mm512_abs_ps(a);
}

/* a with the sign of b. */
INLINE vf vf_sign(vf a, vf b)
{
	__m512i sign = _mm512_set1_epi32(INT32_MIN);

	return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(sign, _mm512_castps_si512(b),
							     _mm512_castps_si512(a), 0xca));
}

INLINE vf vf_round(vf a)
{
	return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a * 2^n for whole n; 0 where `of` is below `least`. */
INLINE vf vf_scale_from(vf a, vf n, vf of, vf least)
{
	return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(of, least, _CMP_NLT_UQ), a, n);
}

/* The first n of a, b beyond. */
INLINE vf vf_first_or(vf a, size_t n, vf b)
{
	return _mm512_mask_mov_ps(b, vf_first(n), a);
}

INLINE float vf_head(vf a)
{
	return _mm512_cvtss_f32(a);
}

INLINE float vf_sum(vf a)
{
	return _mm512_reduce_add_ps(a);
}

INLINE float vf_most(vf a)
{
	return _mm512_reduce_max_ps(a);
}

/* Neighbours changed places; and p[0 .. n) with each number twice, n <= VL / 2. */
INLINE vf vf_swap(vf a)
{
	return _mm512_permute_ps(a, 0xb1);
}

INLINE vf vf_load_twice(const float *p, size_t n)
{
	const __m512i at = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);

	return _mm512_permutexvar_ps(at, vf_load_n(p, n));
}

/* a * b - c in even places, a * b + c in odd ones. */
INLINE vf vf_fmaddsub(vf a, vf b, vf c)
{
	return _mm512_fmaddsub_ps(a, b, c);
}

#else /* AVX2, FMA, F16C */

#define VL 8
typedef __m256 vf;

INLINE __m256i vf_first(size_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < VL ? (int)n : VL),
				  _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE vf vf_zero(void)
{
	return _mm256_setzero_ps();
}

INLINE vf vf_set(float x)
{
	return _mm256_set1_ps(x);
}

INLINE vf vf_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

INLINE vf vf_load_n(const float *p, size_t n)
{
	return n >= VL ? vf_load(p) : _mm256_maskload_ps(p, vf_first(n));
}

INLINE void vf_store(float *p, vf x)
{
	_mm256_storeu_ps(p, x);
}

INLINE void vf_store_n(float *p, vf x, size_t n)
{
	if (n >= VL)
		vf_store(p, x);
	else
		_mm256_maskstore_ps(p, vf_first(n), x);
}

INLINE vf vf_load_f16(const uint16_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

INLINE vf vf_load_f16_n(const uint16_t *p, size_t n)
{
	uint16_t some[VL] = { 0 };

	if (n >= VL)
		return vf_load_f16(p);
	for (size_t i = 0; i < n; i++)
		some[i] = p[i];
	return vf_load_f16(some);
}

INLINE void vf_store_f16_n(uint16_t *p, vf x, size_t n)
{
	__m128i h = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
	uint16_t some[VL];

	if (n >= VL) {
		_mm_storeu_si128((void *)p, h);
		return;
	}
	_mm_storeu_si128((void *)some, h);
	for (size_t i = 0; i < n; i++)
		p[i] = some[i];
}

INLINE vf vf_set_f16(uint16_t x)
{
	return _mm256_cvtph_ps(_mm_set1_epi16((short)x));
}

INLINE vf vf_load_bf16(const uint16_t *p)
{
	__m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p));

	return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

INLINE vf vf_load_i8(const int8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

INLINE void vf_store_i8(int8_t *p, vf x)
{
	__m256i wide = _mm256_cvtps_epi32(x);
	__m128i half =
		_mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));

	_mm_storel_epi64((void *)p, _mm_packs_epi16(half, half));
}

INLINE vf vf_number(vf a)
{
	return _mm256_and_ps(a, _mm256_cmp_ps(a, a, _CMP_ORD_Q));
}

INLINE vf vf_fma(vf a, vf b, vf c)
{
	return _mm256_fmadd_ps(a, b, c);
}

INLINE vf vf_fnma(vf a, vf b, vf c)
{
	return _mm256_fnmadd_ps(a, b, c);
}

INLINE vf vf_add(vf a, vf b)
{
	return _mm256_add_ps(a, b);
}

INLINE vf vf_sub(vf a, vf b)
{
	return _mm256_sub_ps(a, b);
}

INLINE vf vf_mul(vf a, vf b)
{
	return _mm256_mul_ps(a, b);
}

INLINE vf vf_div(vf a, vf b)
{
	return _mm256_div_ps(a, b);
}

INLINE vf vf_max(vf a, vf b)
{
	return _mm256_max_ps(a, b);
}

INLINE vf vf_min(vf a, vf b)
{
	return _mm256_min_ps(a, b);
}

INLINE vf vf_abs(vf a)
{
	return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

INLINE vf vf_sign(vf a, vf b)
{
	vf sign = _mm256_set1_ps(-0.0f);

	return _mm256_or_ps(_mm256_and_ps(sign, b), _mm256_andnot_ps(sign, a));
}

INLINE vf vf_round(vf a)
{
	return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* In two steps, each of which the exponent of a float can hold. */
INLINE vf vf_scale_from(vf a, vf n, vf of, vf least)
{
	__m256i whole = _mm256_cvtps_epi32(vf_max(vf_min(n, vf_set(250)), vf_set(-250)));
	__m256i half = _mm256_srai_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
	__m256i one = _mm256_set1_epi32(127);
	vf x = vf_mul(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, one), 23)));

	x = vf_mul(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, one), 23)));
	return _mm256_and_ps(x, _mm256_cmp_ps(of, least, _CMP_NLT_UQ));
}

INLINE vf vf_first_or(vf a, size_t n, vf b)
{
	return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(vf_first(n)));
}

INLINE float vf_head(vf a)
{
	return _mm256_cvtss_f32(a);
}

INLINE float vf_sum(vf a)
{
	__m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

INLINE float vf_most(vf a)
{
	__m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	x = _mm_max_ps(x, _mm_movehl_ps(x, x));
	return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

INLINE vf vf_swap(vf a)
{
	return _mm256_permute_ps(a, 0xb1);
}

INLINE vf vf_load_twice(const float *p, size_t n)
{
	const __m256i at = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);

	return _mm256_permutevar8x32_ps(vf_load_n(p, n), at);
}

INLINE vf vf_fmaddsub(vf a, vf b, vf c)
{
	return _mm256_fmaddsub_ps(a, b, c);
}

#endif

/*
 * 2^(whole + part) for |part| <= 1/2: the polynomial of the sixth degree with the least relative
 * error (2e-9), from 2^part's Remez exchange. 0 where `of` is below `least`.
 */
INLINE vf vf_exp2_of(vf whole, vf part, vf of, vf least)
{
	vf p = vf_set(0x1.41d334p-13f);

	p = vf_fma(p, part, vf_set(0x1.5f456ap-10f));
	p = vf_fma(p, part, vf_set(0x1.3b2dbcp-7f));
	p = vf_fma(p, part, vf_set(0x1.c6aed4p-5f));
	p = vf_fma(p, part, vf_set(0x1.ebfbdap-3f));
	p = vf_fma(p, part, vf_set(0x1.62e430p-1f));
	p = vf_fma(p, part, vf_set(1));
	return vf_scale_from(p, whole, of, least);
}

/* 2^x; 0 below 2^-126. */
INLINE vf vf_exp2(vf x)
{
	vf whole = vf_round(x);

	return vf_exp2_of(whole, vf_sub(x, whole), x, vf_set(-126));
}

/*
 * e^x; 0 below the smallest normal number. log2(e) in two parts keeps the fraction right for large
 * x.
 */
INLINE vf vf_exp(vf x)
{
	const vf log2e = vf_set(0x1.715476p0f), rest = vf_set(0x1.4ae0cp-26f);
	vf at = vf_min(vf_set(128), x); /* keeps what is not a number; infinity from 89 on */
	vf whole = vf_round(vf_mul(at, log2e));
	vf part = vf_fma(at, rest, vf_fma(at, log2e, vf_sub(vf_zero(), whole)));

	return vf_exp2_of(whole, part, x, vf_set(-87.3f));
}

#endif
