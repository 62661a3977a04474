/* The two kernels that sampling uses, in plain words. */
#ifndef TESTS_ENGINE_SERVE_PLAIN_KERNELS_H
#define TESTS_ENGINE_SERVE_PLAIN_KERNELS_H

#include <math.h>
#include <stddef.h>

static inline float plain_max(const float *x, size_t n)
{
	float max = -INFINITY;

	for (size_t i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	return max;
}

static inline float plain_exp_sum(float *x, size_t n, float max)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] = expf(x[i] - max);
	return (float)sum;
}

#endif
