/*
 * The KV cache and attention, plainly: for each token and head of queries, keys in blocks of
 * SETS_KEYS from the first position on, with the softmax kept up from block to block.
 */
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/sets.h"

/* What F16 can hold; a number that is none, or too large, would spoil what it is added to. */
static float f16_bounded(float x)
{
	if (x != x)
		return 0;
	return MIN(MAX(x, -65504.0f), 65504.0f);
}

/* Quants of 32 numbers, each `step` bytes from the last; returns the scale. */
static uint16_t quantise_32(const float *x, int8_t *q, size_t step)
{
	float most = 0, inverse;

	for (size_t i = 0; i < 32; i++)
		most = MAX(most, fabsf(f16_bounded(x[i])));
	inverse = most > 0 ? 127 / most : 0;
	for (size_t i = 0; i < 32; i++)
		q[i * step] = (int8_t)rintf(f16_bounded(x[i]) * inverse);
	return quant_f32_to_f16(most / 127);
}

static void store_f16(uint8_t *part, const struct sets_kv *at, size_t slot, size_t dim,
		      const float *k, const float *v)
{
	uint16_t *to_k = (uint16_t *)(part + at->k) + slot;
	uint16_t *to_v = (uint16_t *)(part + at->v) + slot * dim;

	for (size_t d = 0; d < dim; d++) {
		to_k[d * KV_PAGE] = quant_f32_to_f16(f16_bounded(k[d]));
		to_v[d] = quant_f32_to_f16(f16_bounded(v[d]));
	}
}

static void store_q8_0(uint8_t *part, const struct sets_kv *at, size_t slot, size_t dim,
		       const float *k, const float *v)
{
	int8_t *to_k = (int8_t *)part + at->k + slot, *to_v = (int8_t *)part + at->v + slot * dim;
	uint16_t *scale_k = (uint16_t *)(part + at->k_scale) + slot;
	uint16_t *scale_v = (uint16_t *)(part + at->v_scale) + slot * (dim / 32);

	for (size_t d = 0; d < dim; d += 32) {
		scale_k[d / 32 * KV_PAGE] = quantise_32(k + d, to_k + d * KV_PAGE, KV_PAGE);
		scale_v[d / 32] = quantise_32(v + d, to_v + d, 1);
	}
}

void attend_portable_store(const struct kv_shape *s, uint8_t *const *pages, size_t page_offset,
			   size_t first, size_t n, const float *k, const float *v, size_t ld)
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

/* Number d of the key of a page's token, and of its value. */
static float key_at(const struct kv_shape *s, const struct sets_kv *at, const uint8_t *part,
		    size_t slot, size_t d)
{
	if (s->type == KV_F16)
		return quant_f16_to_f32(((const uint16_t *)(part + at->k))[d * KV_PAGE + slot]);
	return quant_f16_to_f32(((const uint16_t *)(part + at->k_scale))[d / 32 * KV_PAGE + slot]) *
	       ((const int8_t *)part + at->k)[d * KV_PAGE + slot];
}

static float value_at(const struct kv_shape *s, const struct sets_kv *at, const uint8_t *part,
		      size_t slot, size_t d)
{
	if (s->type == KV_F16)
		return quant_f16_to_f32(((const uint16_t *)(part + at->v))[slot * s->head_dim + d]);
	return quant_f16_to_f32(((
		       const uint16_t *)(part + at->v_scale))[slot * (s->head_dim / 32) + d / 32]) *
	       ((const int8_t *)part + at->v)[slot * s->head_dim + d];
}

/* The softmax of one row as far as it has come. */
struct row {
	float max;
	float sum; /* of exp(score - max) */
	float *out;
};

/*
 * One block of keys more. `shrink` puts what was summed up by the old max on the scale of the new
 * one.
 */
static void attend_block(const struct attention *a, const struct sets_kv *at, const float *q,
			 size_t from, size_t n, struct row *row, float *p)
{
	float max = row->max, shrink, sum = 0;

	for (size_t j = 0; j < n; j++) {
		const uint8_t *part = a->pages[(from + j) / KV_PAGE] + a->page_offset;

		p[j] = 0;
		for (size_t d = 0; d < a->kv.head_dim; d++)
			p[j] += q[d] * key_at(&a->kv, at, part, (from + j) % KV_PAGE, d);
		max = MAX(max, p[j]);
	}
	shrink = expf(row->max - max);
	for (size_t j = 0; j < n; j++) {
		p[j] = expf(p[j] - max);
		sum += p[j];
	}
	row->max = max;
	row->sum = row->sum * shrink + sum;
	for (size_t d = 0; d < a->kv.head_dim; d++)
		row->out[d] *= shrink;
	for (size_t j = 0; j < n; j++) {
		const uint8_t *part = a->pages[(from + j) / KV_PAGE] + a->page_offset;

		for (size_t d = 0; d < a->kv.head_dim; d++)
			row->out[d] += p[j] * value_at(&a->kv, at, part, (from + j) % KV_PAGE, d);
	}
}

/* One token with one head of queries. */
static void attend_row(const struct attention *a, size_t token, size_t head, float *scratch)
{
	size_t dim = a->kv.head_dim, n_keys = a->causal ? a->first + token + 1 : a->n_keys;
	struct sets_kv at = sets_kv(&a->kv, head / (a->n_heads / a->kv.n_kv_heads));
	const float *from = a->q + token * a->ldq + head * dim;
	float *p = scratch, *q = p + SETS_KEYS, *out = q + SETS_HEAD_MAX;
	struct row row = { .max = -INFINITY, .out = out };

	for (size_t d = 0; d < dim; d++)
		q[d] = from[d] * a->scale;
	memset(out, 0, dim * sizeof(*out));
	for (size_t j = 0; j < n_keys; j += SETS_KEYS)
		attend_block(a, &at, q, j, MIN(n_keys - j, SETS_KEYS), &row, p);
	for (size_t d = 0; d < dim; d++)
		a->out[token * a->ldo + head * dim + d] = row.sum > 0 ? out[d] / row.sum : 0;
}

void attend_portable(const struct attention *a, size_t t0, size_t t1, size_t h0, size_t h1,
		     void *scratch)
{
	size_t group = a->n_heads / a->kv.n_kv_heads;

	for (size_t t = t0; t < t1; t++)
		for (size_t h = h0 * group; h < h1 * group; h++)
			attend_row(a, t, h, scratch);
}
