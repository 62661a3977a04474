/*
 * From floats to blocks. Scales are searched rather than taken from the largest number: for each of
 * some roundings of a block, the scale (and minimum) of least weighted square error is computed in
 * closed form, and the best of them stays. Large numbers weigh more: their errors are what shows in
 * a dot product.
 */
#include <math.h>
#include <string.h>

#include "base/util.h"
#include "engine/quant/blocks.h"
#include "engine/quant/types.h"

#define F16_MAX 65504.0f

/* A block's numbers made finite, and not beyond what `levels` times the largest scale can say. */
static void bound_finite(const float *in, float *out, size_t n, float levels)
{
	float most = levels * F16_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = isnan(in[i]) ? 0 : fminf(fmaxf(in[i], -most), most);
}

/* To the nearest whole number in [lo, hi]. */
static int nearest_within(float x, int lo, int hi)
{
	return (int)rintf(fminf(fmaxf(x, (float)lo), (float)hi));
}

static float safe_inverse(float d)
{
	float inv = d != 0 ? 1 / d : 0;

	return isfinite(inv) ? inv : 0; /* of a subnormal scale: too small to tell from none */
}

/* Weights for n numbers: their size, and what all of them have in common. */
static void importance_weights(const float *x, float *w, size_t n)
{
	float sum = 0, rms;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	rms = sqrtf(sum / (float)n);
	for (size_t i = 0; i < n; i++)
		w[i] = rms + fabsf(x[i]);
}

/* ---- one number, one value ------------------------------------------------------------------ */

static void pack_f32(const float *in, void *blocks, size_t n)
{
	memcpy(blocks, in, n * sizeof(*in));
}

static void pack_f16(const float *in, void *blocks, size_t n)
{
	uint16_t *h = blocks;

	for (size_t i = 0; i < n; i++) /* a weight that is too large stays a number */
		h[i] = quant_f32_to_f16(isfinite(in[i]) ? fminf(fmaxf(in[i], -F16_MAX), F16_MAX)
							: in[i]);
}

static void pack_bf16(const float *in, void *blocks, size_t n)
{
	uint16_t *h = blocks;

	for (size_t i = 0; i < n; i++)
		h[i] = quant_f32_to_bf16(in[i]);
}

/* ---- blocks of 32 --------------------------------------------------------------------------- */

static void pack_q8_0(const float *in, void *blocks, size_t n)
{
	float x[QUANT_BLOCK];

	for (struct quant_q8_0 *b = blocks; n > 0; n -= QUANT_BLOCK, b++, in += QUANT_BLOCK) {
		float most = 0, inv;

		bound_finite(in, x, QUANT_BLOCK, 127);
		for (int i = 0; i < QUANT_BLOCK; i++)
			most = fmaxf(most, fabsf(x[i]));
		b->d = quant_f32_to_f16(most / 127);
		inv = safe_inverse(quant_f16_to_f32(b->d));
		for (int i = 0; i < QUANT_BLOCK; i++)
			b->qs[i] = (int8_t)nearest_within(x[i] * inv, -127, 127);
	}
}

/* The scale for x = d * q, q in -8 .. 7. */
static float fit_signed4(const float x[QUANT_BLOCK])
{
	float w[QUANT_BLOCK], top = 0, best = 0, best_gain = 0;

	for (int i = 0; i < QUANT_BLOCK; i++)
		if (fabsf(x[i]) > fabsf(top))
			top = x[i];
	if (top == 0)
		return 0;
	importance_weights(x, w, QUANT_BLOCK);
	/* The largest number goes to -8, as far as it is worth it for the others. */
	for (int step = -12; step <= 6; step++) {
		float inv = (-8 + 0.1f * (float)step) / top, qx = 0, qq = 0;

		for (int i = 0; i < QUANT_BLOCK; i++) {
			float q = (float)nearest_within(x[i] * inv, -8, 7);

			qx += w[i] * q * x[i];
			qq += w[i] * q * q;
		}
		if (qq > 0 && qx * qx > best_gain * qq) {
			best_gain = qx * qx / qq;
			best = qx / qq;
		}
	}
	return best;
}

static void pack_q4_0(const float *in, void *blocks, size_t n)
{
	float x[QUANT_BLOCK];

	for (struct quant_q4_0 *b = blocks; n > 0; n -= QUANT_BLOCK, b++, in += QUANT_BLOCK) {
		float inv;

		bound_finite(in, x, QUANT_BLOCK, 7);
		b->d = quant_f32_to_f16(fit_signed4(x));
		inv = safe_inverse(quant_f16_to_f32(b->d));
		for (int j = 0; j < QUANT_BLOCK / 2; j++)
			b->qs[j] = (uint8_t)((nearest_within(x[j] * inv, -8, 7) + 8) |
					     (nearest_within(x[j + 16] * inv, -8, 7) + 8) << 4);
	}
}

/* ---- Q4_K ----------------------------------------------------------------------------------- */

/* x = scale * q - min, q in 0 .. 15; neither is negative. */
struct affine {
	float scale;
	float min;
};

/* The best scale and minimum for given q; false where all q are the same. */
static bool affine_solve(const float *x, const float *w, const float *q, struct affine *out)
{
	float sw = 0, sx = 0, sq = 0, sqq = 0, sqx = 0, det;

	for (int i = 0; i < QUANT_BLOCK; i++) {
		float wq = w[i] * q[i];

		sw += w[i];
		sx += w[i] * x[i];
		sq += wq;
		sqq += wq * q[i];
		sqx += wq * x[i];
	}
	det = sw * sqq - sq * sq;
	if (!(det > 0))
		return false;
	out->scale = (sw * sqx - sx * sq) / det;
	out->min = (sq * sqx - sqq * sx) / det;
	if (out->min < 0) { /* all numbers lie above zero: the format has no such offset */
		out->min = 0;
		out->scale = sqx / sqq;
	}
	return out->scale > 0;
}

static float affine_error(const float *x, const float *w, const float *q, const struct affine *a)
{
	float error = 0;

	for (int i = 0; i < QUANT_BLOCK; i++) {
		float e = a->scale * q[i] - a->min - x[i];

		error += w[i] * e * e;
	}
	return error;
}

static void affine_round(const float *x, float inv, float min, float *q)
{
	for (int i = 0; i < QUANT_BLOCK; i++)
		q[i] = rintf(fminf(fmaxf((x[i] + min) * inv, 0), 15));
}

/* Round x with inv and min, solve for what is rounded, keep it in *out if it is better. */
static bool affine_try(const float *x, const float *w, float inv, float min, float *best,
		       struct affine *out)
{
	float q[QUANT_BLOCK], error;
	struct affine a;

	affine_round(x, inv, min, q);
	if (!affine_solve(x, w, q, &a))
		return false;
	error = affine_error(x, w, q, &a);
	if (!(error < *best))
		return false;
	*best = error;
	*out = a;
	return true;
}

static struct affine fit_affine(const float x[QUANT_BLOCK], const float w[QUANT_BLOCK])
{
	float lo = 0, hi = x[0], q[QUANT_BLOCK], best;
	struct affine out;

	for (int i = 0; i < QUANT_BLOCK; i++) {
		lo = fminf(lo, x[i]);
		hi = fmaxf(hi, x[i]);
	}
	out = (struct affine){ 0, -lo };
	if (!(hi - lo > 0))
		return out;
	out.scale = (hi - lo) / 15;
	affine_round(x, safe_inverse(out.scale), -lo, q);
	best = affine_error(x, w, q, &out);
	for (int step = -10; step <= 10; step += 2)
		affine_try(x, w, (15 + 0.1f * (float)step) / (hi - lo), -lo, &best, &out);
	/* Rounding again with what was found finds better still, a few times. */
	for (int i = 0; i < 8; i++)
		if (!affine_try(x, w, safe_inverse(out.scale), out.min, &best, &out))
			break;
	return out;
}

static void scales4_put(uint8_t scales[QUANT_SCALES4], unsigned g, unsigned scale, unsigned min)
{
	if (g < 4) {
		scales[g] |= (uint8_t)scale;
		scales[g + 4] |= (uint8_t)min;
	} else {
		scales[g + 4] = (uint8_t)((scale & 15) | (min & 15) << 4);
		scales[g - 4] |= (uint8_t)(scale >> 4 << 6);
		scales[g] |= (uint8_t)(min >> 4 << 6);
	}
}

/* The whole numbers of a block. */
struct q4_k_ints {
	uint8_t q[QUANT_SUPER];
	int scale[8];
	int min[8];
};

/* Round every group's scale and minimum, then its numbers, to what d and dmin can say. */
static void q4_k_round(const float *x, const struct affine fits[8], float d, float dmin,
		       struct q4_k_ints *out)
{
	float inv_d = safe_inverse(d), inv_dmin = safe_inverse(dmin);

	for (int g = 0; g < 8; g++) {
		float inv, min;

		out->scale[g] = nearest_within(fits[g].scale * inv_d, 0, 63);
		out->min[g] = nearest_within(fits[g].min * inv_dmin, 0, 63);
		inv = safe_inverse(d * (float)out->scale[g]);
		min = dmin * (float)out->min[g];
		for (int i = 32 * g; i < 32 * g + 32; i++)
			out->q[i] = (uint8_t)nearest_within((x[i] + min) * inv, 0, 15);
	}
}

/* The best d and dmin for the whole numbers of a block. */
static void q4_k_solve(const float *x, const float *w, const struct q4_k_ints *ints, float *d,
		       float *dmin)
{
	double saa = 0, sab = 0, sbb = 0, sax = 0, sbx = 0, det, new_d, new_dmin;

	for (int i = 0; i < QUANT_SUPER; i++) {
		double a = ints->scale[i / 32] * ints->q[i], b = -ints->min[i / 32];
		double wi = (double)w[i], xi = (double)x[i];

		saa += wi * a * a;
		sab += wi * a * b;
		sbb += wi * b * b;
		sax += wi * a * xi;
		sbx += wi * b * xi;
	}
	det = saa * sbb - sab * sab;
	if (!(det > 1e-9 * saa * sbb)) /* no minima, or as good as */
		return;
	new_d = (sax * sbb - sbx * sab) / det;
	new_dmin = (saa * sbx - sab * sax) / det;
	if (new_d > 0 && new_dmin >= 0 && new_d <= (double)F16_MAX && new_dmin <= (double)F16_MAX) {
		*d = (float)new_d;
		*dmin = (float)new_dmin;
	}
}

static void q4_k_block(const float x[QUANT_SUPER], struct quant_q4_k *b)
{
	float w[QUANT_SUPER], d = 0, dmin = 0;
	struct q4_k_ints ints;
	struct affine fits[8];

	for (int g = 0; g < 8; g++) {
		importance_weights(x + 32 * g, w + 32 * g, QUANT_BLOCK);
		fits[g] = fit_affine(x + 32 * g, w + 32 * g);
		d = fmaxf(d, fits[g].scale / 63);
		dmin = fmaxf(dmin, fits[g].min / 63);
	}
	memset(b, 0, sizeof(*b));
	b->d = quant_f32_to_f16(fminf(d, F16_MAX));
	b->dmin = quant_f32_to_f16(fminf(dmin, F16_MAX));
	d = quant_f16_to_f32(b->d);
	dmin = quant_f16_to_f32(b->dmin);
	q4_k_round(x, fits, d, dmin, &ints);
	q4_k_solve(x, w, &ints, &d, &dmin);
	b->d = quant_f32_to_f16(d);
	b->dmin = quant_f32_to_f16(dmin);
	for (unsigned g = 0; g < 8; g++)
		scales4_put(b->scales, g, (unsigned)ints.scale[g], (unsigned)ints.min[g]);
	for (unsigned i = 0; i < QUANT_SUPER; i++)
		b->qs[i / 64 * 32 + i % 32] |= (uint8_t)(ints.q[i] << i / 32 % 2 * 4);
}

static void pack_q4_k(const float *in, void *blocks, size_t n)
{
	float x[QUANT_SUPER];

	for (struct quant_q4_k *b = blocks; n > 0; n -= QUANT_SUPER, b++, in += QUANT_SUPER) {
		bound_finite(in, x, QUANT_SUPER, 15);
		q4_k_block(x, b);
	}
}

bool quant_pack(enum quant_type type, const float *in, void *blocks, size_t n)
{
	static void (*const packs[])(const float *in, void *blocks, size_t n) = {
		[QUANT_F32] = pack_f32,   [QUANT_F16] = pack_f16,   [QUANT_BF16] = pack_bf16,
		[QUANT_Q8_0] = pack_q8_0, [QUANT_Q4_0] = pack_q4_0, [QUANT_Q4_K] = pack_q4_k,
	};

	if ((unsigned)type >= ARRAY_LEN(packs) || packs[type] == NULL)
		return false;
	packs[type](in, blocks, n);
	return true;
}
