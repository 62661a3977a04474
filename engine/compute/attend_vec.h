/*
 * The KV cache and attention, in vectors: the body of attend_avx2.c and attend_avx512.c, which say with
 * ATTEND() what its functions are called. Rows are pairs of a token and one of the heads of
 * queries that share a head of keys. For a run of rows, a block of SETS_KEYS keys is turned into floats
 * once; then scores = q k, the softmax kept up row by row, and out = out shrunk + p v (flash attention,
 * arXiv:2205.14135). Blocks begin at multiples of SETS_KEYS whatever is asked for, and a row's numbers
 * are never mixed with another's.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "engine/compute/sets.h"
#include "engine/compute/tile.h"

#define ROWS 192 /* at a time */

static_assert(SETS_KEYS % TILE_COLS == 0 && SETS_KEYS == 2 * KV_PAGE, "blocks of whole tiles");

struct work {
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

static_assert(sizeof(struct work) <= ATTEND_VEC_SCRATCH, "scratch");

/* ---- pages ----------------------------------------------------------------------------------------- */

/* What F16 can hold; what is no number becomes 0. */
INLINE vf bounded(vf x)
{
	const vf most = vf_set(65504), least = vf_set(-65504);

	return vf_max(vf_min(vf_number(x), most), least);
}

static void store_f16(uint8_t *part, const struct sets_kv *at, size_t slot, size_t dim,
		      const float *k, const float *v)
{
	uint16_t *to_k = (uint16_t *)(part + at->k) + slot;
	uint16_t *to_v = (uint16_t *)(part + at->v) + slot * dim;
	uint16_t row[SETS_HEAD_MAX];

	for (size_t d = 0; d < dim; d += VL) {
		vf_store_f16_n(row + d, bounded(vf_load_n(k + d, dim - d)), dim - d);
		vf_store_f16_n(to_v + d, bounded(vf_load_n(v + d, dim - d)), dim - d);
	}
	for (size_t d = 0; d < dim; d++)
		to_k[d * KV_PAGE] = row[d];
}

/* Quants of 32 numbers; returns the scale. */
INLINE uint16_t quantise(const float *x, int8_t q[32])
{
	vf most = vf_zero(), inverse;
	float top;

	for (size_t i = 0; i < 32; i += VL)
		most = vf_max(vf_abs(bounded(vf_load(x + i))), most);
	top = vf_most(most);
	inverse = vf_set(top > 0 ? 127 / top : 0);
	for (size_t i = 0; i < 32; i += VL)
		vf_store_i8(q + i, vf_mul(bounded(vf_load(x + i)), inverse));
	return quant_f32_to_f16(top / 127);
}

static void store_q8_0(uint8_t *part, const struct sets_kv *at, size_t slot, size_t dim,
		       const float *k, const float *v)
{
	int8_t *to_k = (int8_t *)part + at->k + slot, *to_v = (int8_t *)part + at->v + slot * dim;
	uint16_t *scale_k = (uint16_t *)(part + at->k_scale) + slot;
	uint16_t *scale_v = (uint16_t *)(part + at->v_scale) + slot * (dim / 32);

	for (size_t d = 0; d < dim; d += 32) {
		int8_t q[32];

		scale_k[d / 32 * KV_PAGE] = quantise(k + d, q);
		for (size_t i = 0; i < 32; i++)
			to_k[(d + i) * KV_PAGE] = q[i];
		scale_v[d / 32] = quantise(v + d, to_v + d);
	}
}

void ATTEND_STORE(const struct kv_shape *s, uint8_t *const *pages, size_t page_offset, size_t first,
		  size_t n, const float *k, const float *v, size_t ld)
{
	size_t dim = s->head_dim;

	for (size_t i = 0; i < n; i++) {
		uint8_t *part = pages[(first + i) / KV_PAGE] + page_offset;
		size_t slot = (first + i) % KV_PAGE;

		for (size_t h = 0; h < s->n_kv_heads; h++) {
			struct sets_kv at = sets_kv(s, h);

			(s->type == KV_F16 ? store_f16 : store_q8_0)(
				part, &at, slot, dim, k + i * ld + h * dim, v + i * ld + h * dim);
		}
	}
}

/* ---- a block of keys and values as floats ---------------------------------------------------------- */

static void keys_of_page(const struct kv_shape *s, const struct sets_kv *at, const uint8_t *part,
			 float *keys)
{
	const int8_t *q = (const int8_t *)part + at->k;
	const uint16_t *h = (const uint16_t *)(part + at->k);
	const uint16_t *scales = (const uint16_t *)(part + at->k_scale);

	for (size_t j = 0; j < KV_PAGE; j += VL) {
		vf scale = vf_zero();

		for (size_t d = 0; d < s->head_dim; d++) {
			vf x;

			if (s->type == KV_F16) {
				x = vf_load_f16(h + d * KV_PAGE + j);
			} else {
				if (d % 32 == 0)
					scale = vf_load_f16(scales + d / 32 * KV_PAGE + j);
				x = vf_mul(scale, vf_load_i8(q + d * KV_PAGE + j));
			}
			vf_store(keys + d * SETS_KEYS + j, x);
		}
	}
}

static void values_of_page(const struct kv_shape *s, const struct sets_kv *at, const uint8_t *part,
			   size_t n, float *values, size_t width)
{
	const int8_t *q = (const int8_t *)part + at->v;
	const uint16_t *h = (const uint16_t *)(part + at->v);
	const uint16_t *scales = (const uint16_t *)(part + at->v_scale);
	size_t dim = s->head_dim;

	for (size_t j = 0; j < n; j++, values += width) {
		if (s->type == KV_F16) {
			for (size_t d = 0; d < dim; d += VL)
				vf_store(values + d, vf_load_f16_n(h + j * dim + d, dim - d));
			continue;
		}
		for (size_t b = 0; b < dim / 32; b++) {
			vf scale = vf_set(quant_f16_to_f32(scales[j * (dim / 32) + b]));

			for (size_t d = b * 32; d < b * 32 + 32; d += VL)
				vf_store(values + d, vf_mul(scale, vf_load_i8(q + j * dim + d)));
		}
	}
}

/* The block of n keys from `from` on. What lies beyond them in a page may be anything. */
static void load_block(const struct attention *a, const struct sets_kv *at, size_t from, size_t n,
		       struct work *w, size_t width)
{
	for (size_t j = 0; j < n; j += KV_PAGE) {
		const uint8_t *part = a->pages[(from + j) / KV_PAGE] + a->page_offset;

		keys_of_page(&a->kv, at, part, w->keys + j);
		values_of_page(&a->kv, at, part, MIN(n - j, KV_PAGE), w->values + j * width, width);
	}
}

/* ---- rows ------------------------------------------------------------------------------------------ */

/* Scores of the keys [0, n) of a block become probabilities, those of others 0. */
static void soften(struct work *w, size_t row, size_t n)
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
	w->shrink[row] = exp2f(w->max[row] - max);
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
static void block(struct work *w, size_t r0, size_t r1, size_t from, size_t n, size_t dim,
		  size_t width)
{
	for (size_t j = 0; j < n; j += TILE_COLS) {
		const struct tile_w keys = { w->keys + j, SETS_KEYS, 16 };

		for (size_t r = r0; r < r1; r += TILE_ROWS) {
			const struct tile_x q = { w->q + r * dim, dim, dim };
			const struct tile_out to = { w->score[r] + j, SETS_KEYS, TILE_FRESH, NULL };

			tile_rows(MIN(r1 - r, TILE_ROWS), TILE_VECTORS, TILE_F32, &keys, &q, &to);
		}
	}
	for (size_t r = r0; r < r1; r++)
		soften(w, r, MIN(w->sees[r] - from, SETS_KEYS));
	for (size_t d = 0; d < width; d += TILE_COLS) {
		const struct tile_w values = { w->values + d, width, 16 };

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
			size_t g1, struct work *w)
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
		load_block(a, &at, from, MIN(n_keys - from, SETS_KEYS), w, width);
		block(w, done, n_rows, from, MIN(n_keys - from, SETS_KEYS), dim, width);
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
