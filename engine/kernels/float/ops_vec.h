/*
 * Rows of floats, in vectors: the body of ops_avx2.c and ops_avx512.c, which say with OPS() what
 * its functions are called. Ends of rows are partial vectors and go through the same arithmetic.
 */
#include <math.h>

#include "base/util.h"
#include "engine/kernels/sets.h"
#include "engine/kernels/vec.h"

/* In four sums side by side, so that none waits for its last addition. */
INLINE float sum_squares(const float *x, size_t n, float mean)
{
	vf sums[4] = { vf_zero(), vf_zero(), vf_zero(), vf_zero() }, m = vf_set(mean);
	size_t i = 0;

	for (; i + 4 * VL <= n; i += 4 * VL) {
		UNROLL
		for (size_t j = 0; j < 4; j++) {
			vf d = vf_sub(vf_load(x + i + j * VL), m);

			sums[j] = vf_fma(d, d, sums[j]);
		}
	}
	for (; i < n; i += VL) {
		vf d = vf_first_or(vf_sub(vf_load_n(x + i, n - i), m), n - i, vf_zero());

		sums[0] = vf_fma(d, d, sums[0]);
	}
	return vf_sum(vf_add(vf_add(sums[0], sums[1]), vf_add(sums[2], sums[3])));
}

void OPS(rms_norm)(const float *x, const float *weight, size_t n, float eps, float *out)
{
	vf scale = vf_set(1 / sqrtf(sum_squares(x, n, 0) / (float)n + eps));

	for (size_t i = 0; i < n; i += VL)
		vf_store_n(out + i,
			   vf_mul(vf_mul(vf_load_n(x + i, n - i), scale),
				  vf_load_n(weight + i, n - i)),
			   n - i);
}

void OPS(layer_norm)(const float *x, const float *weight, const float *bias, size_t n, float eps,
		     float *out)
{
	vf sum = vf_zero(), scale, m;
	float mean;

	for (size_t i = 0; i < n; i += VL)
		sum = vf_add(sum, vf_load_n(x + i, n - i));
	mean = vf_sum(sum) / (float)n;
	m = vf_set(mean);
	scale = vf_set(1 / sqrtf(sum_squares(x, n, mean) / (float)n + eps));
	for (size_t i = 0; i < n; i += VL) {
		vf y = vf_mul(vf_mul(vf_sub(vf_load_n(x + i, n - i), m), scale),
			      vf_load_n(weight + i, n - i));

		if (bias != NULL)
			y = vf_add(y, vf_load_n(bias + i, n - i));
		vf_store_n(out + i, y, n - i);
	}
}

static void rope_neighbours(float *x, size_t n, const float *cosine, const float *sine)
{
	for (size_t i = 0; i < n; i += VL) {
		size_t pairs = MIN((n - i) / 2, VL / 2);
		vf a = vf_load_n(x + i, n - i);
		vf turned = vf_mul(vf_swap(a), vf_load_twice(sine + i / 2, pairs));

		vf_store_n(x + i, vf_fmaddsub(a, vf_load_twice(cosine + i / 2, pairs), turned),
			   n - i);
	}
}

static void rope_halves(float *x, size_t half, const float *cosine, const float *sine)
{
	for (size_t i = 0; i < half; i += VL) {
		size_t n = half - i;
		vf a = vf_load_n(x + i, n), b = vf_load_n(x + half + i, n);
		vf c = vf_load_n(cosine + i, n), s = vf_load_n(sine + i, n);

		vf_store_n(x + i, vf_fnma(b, s, vf_mul(a, c)), n);
		vf_store_n(x + half + i, vf_fma(a, s, vf_mul(b, c)), n);
	}
}

void OPS(rope)(float *x, size_t n, const float *cosine, const float *sine, enum rope_pairs pairs)
{
	if (pairs == ROPE_NEIGHBOURS)
		rope_neighbours(x, n, cosine, sine);
	else
		rope_halves(x, n / 2, cosine, sine);
}

void OPS(add)(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i += VL)
		vf_store_n(x + i, vf_add(vf_load_n(x + i, n - i), vf_load_n(y + i, n - i)), n - i);
}

void OPS(silu_mul)(const float *gate, const float *up, float *out, size_t n)
{
	for (size_t i = 0; i < n; i += VL) {
		vf g = vf_load_n(gate + i, n - i);
		vf below = vf_add(vf_set(1), vf_exp(vf_sub(vf_zero(), g)));

		vf_store_n(out + i, vf_mul(vf_div(g, below), vf_load_n(up + i, n - i)), n - i);
	}
}

/*
 * erf(|x|) to 1.5e-7: 1 - (a1 t + … + a5 t^5) e^(-x^2) with t = 1 / (1 + p |x|); Abramowitz and
 * Stegun, Handbook of Mathematical Functions, 7.1.26.
 */
INLINE vf erf_of(vf x)
{
	vf y = vf_abs(x), t = vf_div(vf_set(1), vf_fma(y, vf_set(0.3275911f), vf_set(1)));
	vf p = vf_set(1.061405429f);

	p = vf_fma(p, t, vf_set(-1.453152027f));
	p = vf_fma(p, t, vf_set(1.421413741f));
	p = vf_fma(p, t, vf_set(-0.284496736f));
	p = vf_fma(p, t, vf_set(0.254829592f));
	p = vf_mul(vf_mul(p, t), vf_exp(vf_sub(vf_zero(), vf_mul(y, y))));
	return vf_sign(vf_sub(vf_set(1), p), x);
}

void OPS(gelu)(const float *x, float *out, size_t n)
{
	for (size_t i = 0; i < n; i += VL) {
		vf a = vf_load_n(x + i, n - i);
		vf e = erf_of(vf_mul(a, vf_set((float)M_SQRT1_2)));

		vf_store_n(out + i, vf_mul(vf_mul(a, vf_set(0.5f)), vf_add(vf_set(1), e)), n - i);
	}
}

float OPS(max)(const float *x, size_t n)
{
	vf most = vf_set(-INFINITY);

	for (size_t i = 0; i < n; i += VL)
		most = vf_max(vf_first_or(vf_load_n(x + i, n - i), n - i, most), most);
	return vf_most(most);
}

float OPS(exp_sum)(float *x, size_t n, float max)
{
	vf sums[2] = { vf_zero(), vf_zero() }, m = vf_set(max);
	double total = 0;

	for (size_t i = 0; i < n; i += VL) {
		vf y = vf_exp(vf_sub(vf_load_n(x + i, n - i), m));

		vf_store_n(x + i, y, n - i);
		y = vf_first_or(y, n - i, vf_zero());
		sums[i / VL % 2] = vf_add(sums[i / VL % 2], y);
		if (i / VL % 64 == 63) { /* large vocabularies: short sums, added up exactly */
			total += vf_sum(vf_add(sums[0], sums[1]));
			sums[0] = sums[1] = vf_zero();
		}
	}
	return (float)(total + vf_sum(vf_add(sums[0], sums[1])));
}
