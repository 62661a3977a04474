/* Rows of floats, plainly. */
#include <math.h>

#include "base/util.h"
#include "engine/kernels/sets.h"

void ops_portable_rms_norm(const float *x, const float *weight, size_t n, float eps, float *out)
{
	double sum = 0;
	float scale;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	scale = 1 / sqrtf((float)(sum / (double)n) + eps);
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] * scale * weight[i];
}

void ops_portable_layer_norm(const float *x, const float *weight, const float *bias, size_t n,
			     float eps, float *out)
{
	double sum = 0, squares = 0;
	float mean, scale;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	mean = (float)(sum / (double)n);
	for (size_t i = 0; i < n; i++)
		squares += ((double)x[i] - mean) * ((double)x[i] - mean);
	scale = 1 / sqrtf((float)(squares / (double)n) + eps);
	for (size_t i = 0; i < n; i++)
		out[i] = (x[i] - mean) * scale * weight[i] + (bias != NULL ? bias[i] : 0);
}

void ops_portable_rope(float *x, size_t n, const float *cosine, const float *sine,
		       enum rope_pairs pairs)
{
	size_t step = pairs == ROPE_NEIGHBOURS ? 2 : 1,
	       other = pairs == ROPE_NEIGHBOURS ? 1 : n / 2;

	for (size_t i = 0; i < n / 2; i++, x += step) {
		float a = x[0], b = x[other];

		x[0] = a * cosine[i] - b * sine[i];
		x[other] = a * sine[i] + b * cosine[i];
	}
}

void ops_portable_add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

void ops_portable_silu_mul(const float *gate, const float *up, float *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = gate[i] / (1 + expf(-gate[i])) * up[i];
}

void ops_portable_gelu(const float *x, float *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = 0.5f * x[i] * (1 + erff(x[i] * (float)M_SQRT1_2));
}

float ops_portable_max(const float *x, size_t n)
{
	float max = -INFINITY;

	for (size_t i = 0; i < n; i++)
		max = MAX(max, x[i]);
	return max;
}

float ops_portable_exp_sum(float *x, size_t n, float max)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		x[i] = expf(x[i] - max);
		sum += x[i];
	}
	return (float)sum;
}
