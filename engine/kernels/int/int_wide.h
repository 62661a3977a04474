/*
 * What products with quantised weights share in registers of 512 bits, where one holds a unit: four
 * columns of 16 rows. Included by a set's .c, which has first defined INT_VNNI as 1 or 0.
 * Everything takes its form as a constant: each type becomes code of its own.
 */
#ifndef ENGINE_KERNELS_INT_INT_WIDE_H
#define ENGINE_KERNELS_INT_INT_WIDE_H

#include <assert.h>
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/inline.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/packed/forms.h"

#define UNITS (FORM_BLOCK / 4) /* in a block */

/* Whether products of two bytes do not fit into 16 bits in pairs. */
INLINE bool wide_values(const struct form f)
{
	return f.bits == 8 || f.levels;
}

/*
 * acc += the products of four columns: w unsigned, a signed and the same four numbers in every row.
 * Without VNNI, numbers of more than 6 bits are widened to 16 first, lest the sum of a pair
 * saturate.
 */
INLINE __m512i wide_dot(const bool wide, __m512i acc, __m512i w, __m512i a)
{
#if INT_VNNI
	(void)wide;
	return _mm512_dpbusd_epi32(acc, w, a);
#else
	__m512i even, odd;

	if (!wide)
		return _mm512_add_epi32(
			acc, _mm512_madd_epi16(_mm512_maddubs_epi16(w, a), _mm512_set1_epi16(1)));
	even = _mm512_madd_epi16(_mm512_and_si512(w, _mm512_set1_epi16(0xff)),
				 _mm512_srai_epi16(_mm512_slli_epi16(a, 8), 8));
	odd = _mm512_madd_epi16(_mm512_srli_epi16(w, 8), _mm512_srai_epi16(a, 8));
	return _mm512_add_epi32(acc, _mm512_add_epi32(even, odd));
#endif
}

/* Four of a token's quants, in every row. */
INLINE __m512i wide_broadcast4(const int8_t *q)
{
	int32_t four;

	memcpy(&four, q, sizeof(four));
	return _mm512_set1_epi32(four);
}

/* The values of IQ4, plus 128, for each four rows. */
INLINE __m512i wide_levels(void)
{
	return _mm512_broadcast_i32x4(_mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115,
						    -103, -90, -75, -59, -39, -15));
}

/* (a & mask) | (b & high): the bits of two planes put together. */
INLINE __m512i wide_join(__m512i a, __m512i b, const int high)
{
	return _mm512_ternarylogic_epi32(a, b, _mm512_set1_epi8((char)high), 0xf8);
}

INLINE __m512i wide_plane(const uint8_t *p, const size_t i)
{
	return _mm512_loadu_si512(p + 64 * i);
}

/* Bits [shift, …) of each byte moved to bit `to`; neighbours' bits come along. */
INLINE __m512i wide_shift(__m512i x, const int shift, const int to)
{
	if (shift > to)
		return _mm512_srli_epi16(x, (unsigned)(shift - to));
	return shift < to ? _mm512_slli_epi16(x, (unsigned)(to - shift)) : x;
}

/* Unit u of the block at p, as bytes. */
INLINE __m512i wide_unit(const struct form f, const uint8_t *p, const size_t u)
{
	const int low = f.bits >= 4 ? 4 : 2; /* bits of the first plane */
	__m512i q;

	if (f.bits == 8)
		return wide_plane(p, u);
	if (low == 4)
		q = wide_shift(wide_plane(p, u % 4), (int)u / 4 * 4, 0);
	else
		q = wide_shift(wide_plane(p, u / 4), (int)u % 4 * 2, 0);
	q = _mm512_and_si512(q, _mm512_set1_epi8((char)((1 << low) - 1)));
	if (f.bits == 6)
		q = wide_join(q, wide_shift(wide_plane(p + 256, u / 4), (int)u % 4 * 2, 4), 0x30);
	if (f.bits == 5)
		q = wide_join(q, wide_shift(wide_plane(p + 256, 0), (int)u, 4), 0x10);
	if (f.bits == 3)
		q = wide_join(q, wide_shift(wide_plane(p + 128, 0), (int)u, 2), 0x04);
	return f.levels ? _mm512_shuffle_epi8(wide_levels(), q) : q;
}

/* The scales that a whole chunk shares; not used by types that have none. */
struct chunk_scale {
	__m512 d, minus_dmin;
};

INLINE __m512 f16x16_load(const uint8_t *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE struct chunk_scale chunk_scale(const struct form f, const uint8_t *head)
{
	struct chunk_scale s = { _mm512_setzero_ps(), _mm512_setzero_ps() };

	if (f.scales == FORM_F16 || f.scales == FORM_F16_ADD)
		return s;
	s.d = f16x16_load(head);
	if (f.scales != FORM_I8)
		s.minus_dmin = _mm512_xor_ps(f16x16_load(head + 32), _mm512_set1_ps(-0.0f));
	return s;
}

INLINE __m128i part_bytes(const uint8_t *head, size_t part)
{
	return _mm_loadu_si128((const __m128i *)(head + 64 + part * FORM_ROWS));
}

INLINE __m512 part_scale(const struct form f, const struct chunk_scale s, const uint8_t *head,
			 size_t part)
{
	__m128i bytes;

	if (f.scales == FORM_F16 || f.scales == FORM_F16_ADD)
		return f16x16_load(head + 2 * FORM_ROWS * part);
	bytes = part_bytes(head, part);
	if (f.scales == FORM_NIBBLE_MIN)
		bytes = _mm_and_si128(bytes, _mm_set1_epi8(15));
	return _mm512_mul_ps(s.d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
}

INLINE __m512 part_add(const struct form f, const struct chunk_scale s, const uint8_t *head,
		       size_t n_blocks, size_t part)
{
	__m128i bytes;

	if (f.scales == FORM_F16_ADD)
		return f16x16_load(head + 2 * FORM_ROWS * (n_blocks + part));
	if (f.scales == FORM_I8_MIN)
		bytes = part_bytes(head, n_blocks * f.halves + part);
	else
		bytes = _mm_and_si128(_mm_srli_epi16(part_bytes(head, part), 4), _mm_set1_epi8(15));
	return _mm512_mul_ps(s.minus_dmin, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)));
}

/* Where a sum starts: less the offset, 1 << shift, times the sum of the token's quants. */
INLINE __m512i wide_sums_start(const struct form f, const struct acts_chunk *a, size_t part,
			       __m128i shift)
{
	const int32_t *minus = f.halves == 1 ? &a->minus[part] : &a->half[part];

	if (f.offset == 0)
		return _mm512_setzero_si512();
	return _mm512_sll_epi32(_mm512_set1_epi32(*minus), shift);
}

INLINE __m128i offset_shift(const struct form f)
{
	return _mm_cvtsi32_si128(f.offset == 0 ? 0 : __builtin_ctz(f.offset));
}

/* The sum of a token's part, which an added term is multiplied by. */
INLINE __m512 part_sum(const struct form f, const struct acts_chunk *a, size_t part)
{
	if (f.halves == 1)
		return _mm512_set1_ps(a->sum[part]);
	return _mm512_mul_ps(_mm512_set1_ps(a->scale[part / 2]),
			     _mm512_cvtepi32_ps(_mm512_set1_epi32(-a->half[part])));
}

#endif
