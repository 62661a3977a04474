/*
 * Products with quantised weights in registers of 256 bits: a chunk of 256 columns of a group of 16
 * rows is brought into the plain form, then meets all tokens, four at a time. int_portable.c says
 * the same in plain words, forms.h how the bits lie. Everything takes its form as a constant: each
 * type becomes code of its own.
 *
 * What there is for bytes adds the products of two pairs into 16 bits and saturates. Quants of up
 * to 6 bits times 127 leave room for a few such sums (int_avx2_run()); larger ones are taken as
 * signed, and their sign is moved to the other factor: 128 * 127 * 2 just fits.
 */
#include <assert.h>
#include <immintrin.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/vec.h"
#include "engine/packed/forms.h"

#define UNITS    (FORM_BLOCK / 4)  /* in a block */
#define PARTS    (2 * FORM_BLOCKS) /* in a chunk, at most */
#define SIDES    2                 /* of a group: 8 rows in a register */
#define SIDE     (FORM_ROWS / SIDES)
#define TILE     4   /* tokens at a time */
#define TOGETHER 256 /* tokens whose sums are kept next to the panel */

struct avx2_panel {
	uint8_t q[FORM_BLOCKS][SIDES][UNITS][32];
	float scale[PARTS][FORM_ROWS];
	float add[PARTS][FORM_ROWS];
	float acc[TOGETHER][FORM_ROWS];
};

static_assert(sizeof(struct avx2_panel) <= INT_AVX2_SCRATCH, "scratch");

/* Quants that are kept as signed numbers, less their offset. */
INLINE bool is_signed(const struct form f)
{
	return f.bits == 8 || f.levels;
}

/* How many sums of two products fit into 16 bits together. */
INLINE size_t int_avx2_run(const struct form f)
{
	size_t n = f.bits <= 4 ? 8 : f.bits == 5 ? 4 : 2;

	return is_signed(f) ? 1 : MIN(n, (size_t)(UNITS / f.halves));
}

/* ---- from packed to plain ------------------------------------------------------------------- */

INLINE __m256i int_avx2_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

/* Bits [shift, …) of each byte moved to bit `to`, those of `mask` kept. */
INLINE __m256i int_avx2_bits(__m256i x, const int shift, const int to, const int mask)
{
	if (shift > to)
		x = _mm256_srli_epi16(x, shift - to);
	else if (shift < to)
		x = _mm256_slli_epi16(x, to - shift);
	return _mm256_and_si256(x, _mm256_set1_epi8((char)mask));
}

/* One side of unit u of the block at p, as bytes. */
INLINE __m256i int_avx2_unit(const struct form f, const uint8_t *p, const size_t u)
{
	const __m256i levels = _mm256_broadcastsi128_si256(_mm_setr_epi8(
		-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
	__m256i q;

	if (f.bits == 8)
		return _mm256_xor_si256(int_avx2_load(p + 64 * u), _mm256_set1_epi8((char)0x80));
	if (f.bits >= 4)
		q = int_avx2_bits(int_avx2_load(p + 64 * (u % 4)), (int)u / 4 * 4, 0, 15);
	else
		q = int_avx2_bits(int_avx2_load(p + 64 * (u / 4)), (int)u % 4 * 2, 0, 3);
	if (f.bits == 6)
		q = _mm256_or_si256(q, int_avx2_bits(int_avx2_load(p + 256 + 64 * (u / 4)),
						     (int)u % 4 * 2, 4, 0x30));
	if (f.bits == 5)
		q = _mm256_or_si256(q, int_avx2_bits(int_avx2_load(p + 256), (int)u, 4, 0x10));
	if (f.bits == 3)
		q = _mm256_or_si256(q, int_avx2_bits(int_avx2_load(p + 128), (int)u, 2, 0x04));
	return f.levels ? _mm256_shuffle_epi8(levels, q) : q;
}

INLINE __m256 f16x8_load(const uint8_t *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* Eight small numbers, as they are or (shift 4) what stands above the low four bits. */
INLINE __m256 int_avx2_small_scales(const uint8_t *p, const bool nibbles, const int shift)
{
	__m128i x = _mm_loadl_epi64((const __m128i *)p);

	if (nibbles)
		x = _mm_and_si128(_mm_srli_epi16(x, shift), _mm_set1_epi8(15));
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(x));
}

/* Scale and added term of one side of a part; `side` counts rows. */
INLINE void int_avx2_scales(const struct form f, const uint8_t *head, size_t n_blocks, size_t part,
			    size_t side, struct avx2_panel *to)
{
	const bool nibbles = f.scales == FORM_NIBBLE_MIN;
	const size_t n_parts = n_blocks * f.halves, at = part * FORM_ROWS + side;
	const uint8_t *parts = head + 4 * FORM_ROWS;
	__m256 scale, add = _mm256_setzero_ps();

	if (f.scales == FORM_F16 || f.scales == FORM_F16_ADD)
		scale = f16x8_load(head + 2 * at);
	else
		scale = _mm256_mul_ps(f16x8_load(head + 2 * side),
				      int_avx2_small_scales(parts + at, nibbles, 0));
	if (f.scales == FORM_F16_ADD) {
		add = f16x8_load(head + 2 * (n_parts * FORM_ROWS + at));
	} else if (form_adds(f)) {
		add = int_avx2_small_scales(parts + at + (nibbles ? 0 : n_parts * FORM_ROWS),
					    nibbles, 4);
		add = _mm256_mul_ps(add, _mm256_xor_ps(f16x8_load(head + 2 * (FORM_ROWS + side)),
						       _mm256_set1_ps(-0.0f)));
	}
	_mm256_store_ps(to->scale[part] + side, scale);
	if (form_adds(f))
		_mm256_store_ps(to->add[part] + side, add);
}

INLINE void int_avx2_unpack(const struct form f, const uint8_t *p, size_t n_blocks,
			    struct avx2_panel *to)
{
	const uint8_t *head = p;

	p += form_head_bytes(f, n_blocks);
	for (size_t b = 0; b < n_blocks; b++, p += form_block_bytes(f)) {
		for (size_t s = 0; s < SIDES; s++) {
			UNROLL
			for (size_t u = 0; u < UNITS; u++)
				_mm256_store_si256((__m256i *)to->q[b][s][u],
						   int_avx2_unit(f, p + 32 * s, u));
			for (size_t h = 0; h < f.halves; h++)
				int_avx2_scales(f, head, n_blocks, b * f.halves + h, s * SIDE, to);
		}
	}
}

/* ---- products ------------------------------------------------------------------------------- */

INLINE __m256i int_avx2_broadcast4(const int8_t *q)
{
	int32_t four;

	memcpy(&four, q, sizeof(four));
	return _mm256_set1_epi32(four);
}

/* The sums of m tokens over one part, for one side of the rows. */
INLINE void int_avx2_multiply(const struct form f, const size_t m, const struct avx2_panel *w,
			      size_t b, const size_t h, const size_t side,
			      const struct acts_chunk *a, float (*acc)[FORM_ROWS])
{
	const size_t n_units = UNITS / f.halves, part = b * f.halves + h;
	__m256i sum[TILE];

	UNROLL
	for (size_t i = 0; i < m; i++) {
		int32_t minus = f.halves == 1 ? a[i].minus[b] : a[i].half[part];

		sum[i] = is_signed(f) ? _mm256_setzero_si256()
				      : _mm256_set1_epi32(minus * (int32_t)f.offset);
	}
	UNROLL
	for (size_t first = 0; first < n_units; first += int_avx2_run(f)) {
		__m256i pairs[TILE];

		UNROLL
		for (size_t j = 0; j < int_avx2_run(f); j++) {
			const size_t u = h * n_units + first + j;
			__m256i q = _mm256_load_si256((const __m256i *)w->q[b][side][u]);
			__m256i size = is_signed(f) ? _mm256_abs_epi8(q) : q;

			UNROLL
			for (size_t i = 0; i < m; i++) {
				__m256i x = int_avx2_broadcast4(a[i].q + b * FORM_BLOCK + 4 * u);

				if (is_signed(f))
					x = _mm256_sign_epi8(x, q);
				x = _mm256_maddubs_epi16(size, x);
				pairs[i] = j == 0 ? x : _mm256_add_epi16(pairs[i], x);
			}
		}
		UNROLL
		for (size_t i = 0; i < m; i++)
			sum[i] = _mm256_add_epi32(
				sum[i], _mm256_madd_epi16(pairs[i], _mm256_set1_epi16(1)));
	}
	UNROLL
	for (size_t i = 0; i < m; i++) {
		float *to = acc[i] + side * SIDE, as = a[i].scale[b];
		float total = f.halves == 1 ? a[i].sum[b] : as * (float)-a[i].half[part];
		__m256 ws = _mm256_load_ps(w->scale[part] + side * SIDE), x = _mm256_load_ps(to);

		x = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[i]),
				    _mm256_mul_ps(ws, _mm256_set1_ps(as)), x);
		if (form_adds(f))
			x = _mm256_fmadd_ps(_mm256_load_ps(w->add[part] + side * SIDE),
					    _mm256_set1_ps(total), x);
		_mm256_store_ps(to, x);
	}
}

/* m tokens over the chunk in the panel. */
INLINE void int_avx2_tile(const struct form f, const size_t m, const struct avx2_panel *w,
			  size_t n_blocks, const struct acts_chunk *a, float (*acc)[FORM_ROWS])
{
	for (size_t b = 0; b < n_blocks; b++) {
		UNROLL
		for (size_t h = 0; h < f.halves; h++) {
			UNROLL
			for (size_t side = 0; side < SIDES; side++)
				int_avx2_multiply(f, m, w, b, h, side, a, acc);
		}
	}
}

/* One chunk of a group times n tokens, whose sums go on in the panel. */
INLINE void int_avx2_chunk(const struct form f, const uint8_t *p, size_t n_blocks,
			   const struct acts_chunk *a, size_t n, struct avx2_panel *w)
{
	size_t i = 0;

	int_avx2_unpack(f, p, n_blocks, w);
	for (; i + TILE <= n; i += TILE)
		int_avx2_tile(f, TILE, w, n_blocks, a + i, w->acc + i);
	switch (n - i) {
	case 3:
		int_avx2_tile(f, 3, w, n_blocks, a + i, w->acc + i);
		break;
	case 2:
		int_avx2_tile(f, 2, w, n_blocks, a + i, w->acc + i);
		break;
	case 1:
		int_avx2_tile(f, 1, w, n_blocks, a + i, w->acc + i);
		break;
	}
}

typedef void (*chunk_fn)(const uint8_t *p, size_t n_blocks, const struct acts_chunk *a, size_t n,
			 struct avx2_panel *w);

#define CHUNK(type, bits, offset, halves, levels, scales)                                          \
	static void chunk_##type(const uint8_t *p, size_t n_blocks, const struct acts_chunk *a,    \
				 size_t n, struct avx2_panel *w)                                   \
	{                                                                                          \
		int_avx2_chunk((struct form){ bits, offset, halves, levels, scales }, p, n_blocks, \
			       a, n, w);                                                           \
	}
#define CHUNK_ROW(type, bits, offset, halves, levels, scales) [QUANT_##type] = chunk_##type,
FORMS(CHUNK)
static const chunk_fn chunk_fns[] = { FORMS(CHUNK_ROW) };

void int_avx2_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		     size_t ldo, void *scratch)
{
	const struct form f = *form_of(w->type);
	struct avx2_panel *panel = scratch;

	for (size_t r = r0; r < r1; r += FORM_ROWS) {
		size_t n_rows = MIN(r1 - r, FORM_ROWS);

		for (size_t from = 0; from < a->n; from += TOGETHER) {
			const uint8_t *p = w->data + r / FORM_ROWS * w->group_bytes;
			size_t n = MIN(a->n - from, TOGETHER), left = w->cols / FORM_BLOCK;

			memset(panel->acc, 0, n * sizeof(panel->acc[0]));
			for (size_t c = 0; left > 0; c++) {
				size_t n_blocks = MIN(left, FORM_BLOCKS);

				chunk_fns[w->type](p, n_blocks, a->chunks + c * a->n + from, n,
						   panel);
				p += form_chunk_bytes(f, n_blocks);
				left -= n_blocks;
			}
			for (size_t i = 0; i < n; i++)
				memcpy(out + (from + i) * ldo + (r - r0), panel->acc[i],
				       n_rows * sizeof(*out));
		}
	}
}
