/*
 * Products of few tokens: the weights stream by once, straight from memory, and meet all tokens
 * while they are in registers. See int_wide.h.
 */
#ifndef ENGINE_KERNELS_INT_INT_FEW_H
#define ENGINE_KERNELS_INT_INT_FEW_H

#include "engine/kernels/int/int_wide.h"

/*
 * Each number of tokens is code of its own; without VNNI it is long, so larger batches are tiles
 * there.
 */
#define FEW_TOKENS (INT_VNNI ? 8 : 4)
#define FEW_AHEAD  4096 /* bytes: what arrives while a block is worked on, times memory's latency */

/* One part: the units [first, first + n_units) of the block at p. */
INLINE void few_part(const struct form f, const size_t n, const uint8_t *p, const size_t first,
		     size_t part, __m512 ws, __m512 add, const struct acts_chunk *a, __m512 *acc)
{
	const size_t n_units = UNITS / f.halves;
	const size_t chains = n == 1   ? 4
			      : n <= 3 ? 2
				       : 1; /* sums that do not wait for each other */
	__m512i sum[FEW_TOKENS][4];

	UNROLL for (size_t i = 0; i < n; i++)
	{
		sum[i][0] = wide_sums_start(f, &a[i], part, offset_shift(f));
		UNROLL for (size_t c = 1; c < chains; c++) sum[i][c] = _mm512_setzero_si512();
	}
	UNROLL for (size_t u = 0; u < n_units; u++)
	{
		__m512i w = wide_unit(f, p, first + u);

		UNROLL for (size_t i = 0; i < n; i++)
		{
			const int8_t *q = a[i].q + part * (FORM_BLOCK / f.halves) + 4 * u;

			sum[i][u % chains] =
				wide_dot(wide_values(f), sum[i][u % chains], w, wide_broadcast4(q));
		}
	}
	UNROLL for (size_t i = 0; i < n; i++)
	{
		__m512 as = _mm512_set1_ps(a[i].scale[part / f.halves]);

		UNROLL for (size_t c = 1; c < chains; c++) sum[i][0] =
			_mm512_add_epi32(sum[i][0], sum[i][c]);
		acc[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[i][0]), _mm512_mul_ps(ws, as),
					 acc[i]);
		if (form_adds(f))
			acc[i] = _mm512_fmadd_ps(add, part_sum(f, &a[i], part), acc[i]);
	}
}

/* A group of 16 rows, from its first column to its last, times n tokens. */
INLINE void few_rows(const struct form f, const size_t n, const uint8_t *p, size_t cols,
		     const struct acts *acts, float *out, size_t ldo, __mmask16 rows)
{
	const struct acts_chunk *a = acts->chunks;
	__m512 acc[FEW_TOKENS];

	UNROLL for (size_t i = 0; i < n; i++) acc[i] = _mm512_setzero_ps();
	for (size_t left = cols / FORM_BLOCK; left > 0; a += acts->n) {
		const size_t n_blocks = MIN(left, FORM_BLOCKS);
		const uint8_t *head = p;
		const struct chunk_scale s = chunk_scale(f, head);

		p += form_head_bytes(f, n_blocks);
		left -= n_blocks;
		for (size_t b = 0; b < n_blocks; b++) {
			UNROLL for (size_t line = 0; line < form_block_bytes(f); line += 64)
				_mm_prefetch((const char *)p + FEW_AHEAD + line, _MM_HINT_T0);
			UNROLL for (size_t h = 0; h < f.halves; h++)
			{
				size_t part = f.halves * b + h;
				__m512 ws = part_scale(f, s, head, part);
				__m512 add =
					form_adds(f) ? part_add(f, s, head, n_blocks, part) : ws;

				few_part(f, n, p, h * UNITS / f.halves, part, ws, add, a, acc);
			}
			p += form_block_bytes(f);
		}
	}
	UNROLL for (size_t i = 0; i < n; i++) _mm512_mask_storeu_ps(out + i * ldo, rows, acc[i]);
}

typedef void (*few_fn)(const uint8_t *p, size_t cols, const struct acts *acts, float *out,
		       size_t ldo, __mmask16 rows);

#define FEW_N(type, n, f)                                                                          \
	static void few_##type##_##n(const uint8_t *p, size_t cols, const struct acts *acts,       \
				     float *out, size_t ldo, __mmask16 rows)                       \
	{                                                                                          \
		few_rows(f, n, p, cols, acts, out, ldo, rows);                                     \
	}
#define FEW_1_TO_4(type, bits, offset, halves, levels, scales)                                     \
	FEW_N(type, 1, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 2, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 3, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 4, ((struct form){ bits, offset, halves, levels, scales }))
#define FEW_5_TO_8(type, bits, offset, halves, levels, scales)                                     \
	FEW_N(type, 5, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 6, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 7, ((struct form){ bits, offset, halves, levels, scales }))                    \
	FEW_N(type, 8, ((struct form){ bits, offset, halves, levels, scales }))
FORMS(FEW_1_TO_4)
#if INT_VNNI
FORMS(FEW_5_TO_8)
#define FEW_ROW(type, bits, offset, halves, levels, scales)                                        \
	[QUANT_##type] = { few_##type##_1, few_##type##_2, few_##type##_3, few_##type##_4,         \
			   few_##type##_5, few_##type##_6, few_##type##_7, few_##type##_8 },
#else
#define FEW_ROW(type, bits, offset, halves, levels, scales)                                        \
	[QUANT_##type] = { few_##type##_1, few_##type##_2, few_##type##_3, few_##type##_4 },
#endif
static const few_fn few_fns[][FEW_TOKENS] = { FORMS(FEW_ROW) };

/* Rows [r0, r1) times all tokens, FEW_TOKENS at most. */
static void few_tokens(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo)
{
	few_fn fn = few_fns[w->type][a->n - 1];

	for (size_t r = r0; r < r1; r += FORM_ROWS) {
		__mmask16 rows = (__mmask16)(0xffff >> (FORM_ROWS - MIN(r1 - r, FORM_ROWS)));

		fn(w->data + r / FORM_ROWS * w->group_bytes, w->cols, a, out + (r - r0), ldo, rows);
	}
}

#endif
