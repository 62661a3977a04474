/*
 * The KV cache and attention, in vectors: the body of attend_avx2.c and attend_avx512.c, which say
 * with ATTEND() what its functions are called. Rows are pairs of a token and one of the heads of
 * queries that share a head of keys. For a run of rows, a block of SETS_KEYS keys is turned into
 * floats once; then scores = q k, the softmax kept up row by row, and out = out shrunk + p v (flash
 * attention, arXiv:2205.14135). Blocks begin at multiples of SETS_KEYS whatever is asked for, and a
 * row's numbers are never mixed with another's.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/float/tile.h"
#include "engine/kernels/sets.h"

#define ROWS 192 /* at a time */

static_assert(SETS_KEYS % TILE_COLS == 0 && SETS_KEYS == 2 * KV_PAGE, "blocks of whole tiles");

struct attend_work {
	float keys[SETS_HEAD_MAX * SETS_KEYS];   /* [dim][SETS_KEYS] */
	float values[SETS_KEYS * SETS_HEAD_MAX]; /* [SETS_KEYS][width] */
	float q[ROWS * SETS_HEAD_MAX];           /* [ROWS][dim], scaled */
	float out[ROWS * SETS_HEAD_MAX];         /* [ROWS][width] */
	float score[ROWS][SETS_KEYS];
	float max[ROWS]; /* in powers of 2 */
	float sum[ROWS]; /* of 2^(score - max) */
	float shrink[ROWS];
	size_t sees[ROWS]; /* keys from the first on; never less than the row before */
};

static_assert(sizeof(struct attend_work) <= ATTEND_VEC_SCRATCH, "scratch");

/* ---- pages ---------------------------------------------------------------------------------- */

/* What F16 can hold; what is no number becomes 0. */
INLINE vf f16_bounded(vf x)
{
	const vf most = vf_set(65504), least = vf_set(-65504);

	return vf_max(vf_min(vf_number(x), most), least);
}

/* [8][8] of 16 bits, from rows `from` apart to rows `to` apart, turned over. */
INLINE void transpose_8x8(const uint16_t *p, size_t from, uint16_t *out, size_t to)
{
	__m128i a[8], b[8];

	UNROLL
	for (size_t i = 0; i < 8; i++)
		a[i] = _mm_loadu_si128((const void *)(p + i * from));
	UNROLL
	for (size_t i = 0; i < 4; i++) { /* pairs of rows i and i + 4: numbers interleaved */
		b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
		b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
	}
	UNROLL
	for (size_t i = 0; i < 4; i++) {
		a[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]);
		a[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
	}
	UNROLL
	for (size_t i = 0; i < 4; i++) {
		b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]);
		b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
	}
	UNROLL
	for (size_t i = 0; i < 8; i++)
		_mm_storeu_si128((void *)(out + i * to), b[i]);
}

/* n numbers (a multiple of 8) as F16. */
INLINE void f16_store(const float *x, size_t n, uint16_t *out)
{
	for (size_t d = 0; d < n; d += VL)
		vf_store_f16_n(out + d, f16_bounded(vf_load_n(x + d, n - d)), n - d);
}

/* n tokens of one page from `slot` on; eight at a time, as far as there are eight. */
static void store_f16(uint8_t *part, const struct sets_kv *at, size_t slot, size_t n, size_t dim,
		      const float *k, const float *v, size_t ld)
{
	uint16_t *to_k = (uint16_t *)(part + at->k), *to_v = (uint16_t *)(part + at->v);
	uint16_t rows[8][SETS_HEAD_MAX];

	for (size_t i = 0, m; i < n; i += m) {
		m = n - i < 8 ? 1 : 8;
		for (size_t j = 0; j < m; j++) {
			f16_store(k + (i + j) * ld, dim, rows[j]);
			f16_store(v + (i + j) * ld, dim, to_v + (slot + i + j) * dim);
		}
		if (m == 8) {
			for (size_t d = 0; d < dim; d += 8)
				transpose_8x8(rows[0] + d, SETS_HEAD_MAX,
					      to_k + d * KV_PAGE + slot + i, KV_PAGE);
			continue;
		}
		for (size_t d = 0; d < dim; d++)
			to_k[d * KV_PAGE + slot + i] = rows[0][d];
	}
}

/* Quants of 32 numbers; returns the scale. */
INLINE uint16_t quantise_32(const float *x, int8_t q[32])
{
	vf most = vf_zero(), inverse;
	float top;

	for (size_t i = 0; i < 32; i += VL)
		most = vf_max(vf_abs(f16_bounded(vf_load(x + i))), most);
	top = vf_most(most);
	inverse = vf_set(top > 0 ? 127 / top : 0);
	for (size_t i = 0; i < 32; i += VL)
		vf_store_i8(q + i, vf_mul(f16_bounded(vf_load(x + i)), inverse));
	return quant_f32_to_f16(top / 127);
}

static void store_q8_0(uint8_t *part, const struct sets_kv *at, size_t slot, size_t n, size_t dim,
		       const float *k, const float *v, size_t ld)
{
	uint16_t *scale_k = (uint16_t *)(part + at->k_scale);
	uint16_t *scale_v = (uint16_t *)(part + at->v_scale);
	int8_t *to_k = (int8_t *)part + at->k, *to_v = (int8_t *)part + at->v, q[32];

	for (; n > 0; n--, slot++, k += ld, v += ld) {
		for (size_t d = 0; d < dim; d += 32) {
			scale_k[d + slot] = quantise_32(k + d, q);
			for (size_t i = 0; i < 32; i++)
				to_k[(d + i) * KV_PAGE + slot] = q[i];
			scale_v[slot * (dim / 32) + d / 32] =
				quantise_32(v + d, to_v + slot * dim + d);
		}
	}
}

void ATTEND_STORE(const struct kv_shape *s, uint8_t *const *pages, size_t page_offset, size_t first,
		  size_t n, const float *k, const float *v, size_t ld)
{
	size_t dim = s->head_dim;

	for (size_t i = 0, m; i < n; i += m) {
		uint8_t *part = pages[(first + i) / KV_PAGE] + page_offset;
		size_t slot = (first + i) % KV_PAGE;

		m = MIN(KV_PAGE - slot, n - i);
		for (size_t h = 0; h < s->n_kv_heads; h++) {
			const struct sets_kv at = sets_kv(s, h);

			(s->type == KV_F16 ? store_f16 : store_q8_0)(part, &at, slot, m, dim,
								     k + i * ld + h * dim,
								     v + i * ld + h * dim, ld);
		}
	}
}

/* ---- a block of keys and values as floats --------------------------------------------------- */

/* `next`: the same of a page that will be needed soon, brought in meanwhile. */
static void keys_f16(const struct kv_shape *s, const uint8_t *from, const uint8_t *next,
		     float *keys)
{
	const uint16_t *h = (const uint16_t *)from;

	for (size_t d = 0; d < s->head_dim; d++, keys += SETS_KEYS, h += KV_PAGE) {
		_mm_prefetch((const char *)next + d * KV_PAGE * 2, _MM_HINT_T0);
		UNROLL
		for (size_t j = 0; j < KV_PAGE; j += VL)
			vf_store(keys + j, vf_load_f16(h + j));
	}
}

static void keys_q8_0(const struct kv_shape *s, const uint8_t *from, const uint16_t *scales,
		      const uint8_t *next, float *keys)
{
	const int8_t *q = (const int8_t *)from;

	for (size_t b = 0; b < s->head_dim; b += 32, scales += KV_PAGE) {
		vf scale[KV_PAGE / VL];

		UNROLL
		for (size_t j = 0; j < KV_PAGE / VL; j++)
			scale[j] = vf_load_f16(scales + j * VL);
		for (size_t d = b; d < b + 32; d++, keys += SETS_KEYS, q += KV_PAGE) {
			_mm_prefetch((const char *)next + d * KV_PAGE, _MM_HINT_T0);
			UNROLL
			for (size_t j = 0; j < KV_PAGE / VL; j++)
				vf_store(keys + j * VL, vf_mul(scale[j], vf_load_i8(q + j * VL)));
		}
	}
}

static void values_of_page(const struct kv_shape *s, const struct sets_kv *at, const uint8_t *part,
			   const uint8_t *next, size_t n, float *values, size_t width)
{
	const int8_t *q = (const int8_t *)part + at->v;
	const uint16_t *h = (const uint16_t *)(part + at->v);
	const uint16_t *scales = (const uint16_t *)(part + at->v_scale);
	size_t dim = s->head_dim;

	for (size_t j = 0; j < n; j++, values += width) {
		if (s->type == KV_F16) {
			for (size_t d = 0; d < dim; d += 32)
				_mm_prefetch((const char *)next + at->v + (j * dim + d) * 2,
					     _MM_HINT_T0);
			for (size_t d = 0; d < dim; d += VL)
				vf_store(values + d, vf_load_f16_n(h + j * dim + d, dim - d));
			continue;
		}
		for (size_t b = 0; b < dim / 32; b++) {
			vf scale = vf_set_f16(scales[j * (dim / 32) + b]);

			_mm_prefetch((const char *)next + at->v + j * dim + b * 32, _MM_HINT_T0);
			UNROLL
			for (size_t d = 0; d < 32; d += VL)
				vf_store(values + b * 32 + d,
					 vf_mul(scale, vf_load_i8(q + j * dim + b * 32 + d)));
		}
	}
}

/*
 * The block of n keys from `from` on; `last` is the last page of all. What lies beyond them in a
 * page may be anything.
 */
static void load_block(const struct attention *a, const struct sets_kv *at, size_t from, size_t n,
		       size_t last, struct attend_work *w, size_t width)
{
	for (size_t j = 0; j < n; j += KV_PAGE) {
		const size_t page = (from + j) / KV_PAGE, then = MIN(page + 2, last);
		const uint8_t *part = a->pages[page] + a->page_offset;
		const uint8_t *next = a->pages[then] + a->page_offset;

		if (a->kv.type == KV_F16)
			keys_f16(&a->kv, part + at->k, next + at->k, w->keys + j);
		else
			keys_q8_0(&a->kv, part + at->k, (const uint16_t *)(part + at->k_scale),
				  next + at->k, w->keys + j);
		values_of_page(&a->kv, at, part, next, MIN(n - j, KV_PAGE), w->values + j * width,
			       width);
	}
}

/* ---- rows ----------------------------------------------------------------------------------- */

/*
 * Online softmax. Scores of the keys [0, n) of a block become weights p = 2^(score - max), those of
 * others 0; max, the largest score so far, keeps 2^x from overflowing. A block may raise it: what
 * was summed up by the old one, weights and the values under them, is then too large by 2^(new -
 * old). `shrink` makes up for that: here for the sum of the weights, in attend_block() for the sum
 * of the values. In the end out / sum is softmax(scores) values, though no row of scores was ever
 * there as a whole.
 *
 * The first block finds max = -inf, and 2^-inf = 0 makes nothing of what was before. It has at
 * least one key that the row sees, so that max is finite afterwards and no -inf - -inf comes up.
 */
static void softmax_block(struct attend_work *w, size_t row, size_t n)
{
	vf p[SETS_KEYS / VL], most = vf_set(w->max[row]), sum = vf_zero();
	float max;

	UNROLL
	for (size_t v = 0; v < SETS_KEYS / VL; v++) {
		p[v] = vf_load(w->score[row] + v * VL);
		if (n < SETS_KEYS)
			p[v] = vf_first_or(p[v], n > v * VL ? n - v * VL : 0, vf_set(-INFINITY));
		most = vf_max(p[v], most);
	}
	max = vf_most(most);
	w->shrink[row] = vf_head(vf_exp2(vf_set(w->max[row] - max)));
	w->max[row] = max;
	UNROLL
	for (size_t v = 0; v < SETS_KEYS / VL; v++) {
		p[v] = vf_exp2(vf_sub(p[v], vf_set(max)));
		vf_store(w->score[row] + v * VL, p[v]);
		sum = vf_add(sum, p[v]);
	}
	w->sum[row] = w->sum[row] * w->shrink[row] + vf_sum(sum);
}

/* The rows [r0, r1), which all see some of the block, with the n keys of it that there are. */
static void attend_block(struct attend_work *w, size_t r0, size_t r1, size_t from, size_t n,
			 size_t dim, size_t width)
{
	for (size_t j = 0; j < n; j += TILE_COLS) {
		const struct tile_w keys = { w->keys + j, SETS_KEYS, 16, 0 };

		for (size_t r = r0; r < r1; r += TILE_ROWS) {
			const struct tile_x q = { w->q + r * dim, dim, dim };
			const struct tile_out to = { w->score[r] + j, SETS_KEYS, TILE_FRESH, NULL };

			tile_rows(MIN(r1 - r, TILE_ROWS), TILE_VECTORS, TILE_F32, &keys, &q, &to);
		}
	}
	for (size_t r = r0; r < r1; r++)
		softmax_block(w, r, MIN(w->sees[r] - from, SETS_KEYS));
	for (size_t d = 0; d < width; d += TILE_COLS) {
		const struct tile_w values = { w->values + d, width, 16, 0 };

		for (size_t r = r0; r < r1; r += TILE_ROWS) {
			size_t rows = MIN(r1 - r, TILE_ROWS);
			const struct tile_x p = { w->score[r], SETS_KEYS,
						  MIN(w->sees[r + rows - 1] - from, SETS_KEYS) };
			const struct tile_out to = { w->out + r * width + d, width, TILE_SHRINK,
						     w->shrink + r };

			tile_any(rows, MIN(width - d, TILE_COLS) / VL, TILE_F32, &values, &p, &to);
		}
	}
}

/* The tokens [t0, t1) with the queries' heads [g0, g1) of a head of keys; at most ROWS together. */
static void attend_rows(const struct attention *a, size_t t0, size_t t1, size_t head, size_t g0,
			size_t g1, struct attend_work *w)
{
	size_t dim = a->kv.head_dim, width = (dim + VL - 1) / VL * VL;
	size_t first_head = head * (a->n_heads / a->kv.n_kv_heads);
	struct sets_kv at = sets_kv(&a->kv, head);
	size_t n_rows = 0, n_keys, done = 0;
	/* Scores are powers of 2 from here on. */
	vf scale = vf_set(a->scale * (float)M_LOG2E);

	for (size_t t = t0; t < t1; t++) {
		for (size_t g = g0; g < g1; g++, n_rows++) {
			const float *q = a->q + t * a->ldq + (first_head + g) * dim;

			for (size_t d = 0; d < dim; d += VL)
				vf_store_n(w->q + n_rows * dim + d,
					   vf_mul(vf_load_n(q + d, dim - d), scale), dim - d);
			w->sees[n_rows] = a->causal ? a->first + t + 1 : a->n_keys;
			w->max[n_rows] = -INFINITY;
			w->sum[n_rows] = 0;
		}
	}
	memset(w->out, 0, n_rows * width * sizeof(*w->out));
	n_keys = w->sees[n_rows - 1];
	for (size_t from = 0; from < n_keys; from += SETS_KEYS) {
		while (w->sees[done] <= from) /* rows that have come to their end */
			done++;
		load_block(a, &at, from, MIN(n_keys - from, SETS_KEYS), (n_keys - 1) / KV_PAGE, w,
			   width);
		attend_block(w, done, n_rows, from, MIN(n_keys - from, SETS_KEYS), dim, width);
	}
	for (size_t r = 0; r < n_rows; r++) {
		float *out = a->out + (t0 + r / (g1 - g0)) * a->ldo +
			     (first_head + g0 + r % (g1 - g0)) * dim;
		vf part = vf_set(w->sum[r] > 0 ? 1 / w->sum[r] : 0);

		for (size_t d = 0; d < dim; d += VL)
			vf_store_n(out + d, vf_mul(vf_load(w->out + r * width + d), part), dim - d);
	}
}

void ATTEND(const struct attention *a, size_t t0, size_t t1, size_t h0, size_t h1, void *scratch)
{
	size_t group = a->n_heads / a->kv.n_kv_heads, heads = MIN(group, ROWS);
	size_t tokens = ROWS / heads;

	for (size_t h = h0; h < h1; h++)
		for (size_t t = t0; t < t1; t += tokens)
			for (size_t g = 0; g < group; g += heads)
				attend_rows(a, t, MIN(t + tokens, t1), h, g, MIN(g + heads, group),
					    scratch);
}
