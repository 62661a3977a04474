#include "retrieval/index/dense.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define LANES      8   /* sums at a time: a compiler makes them one register */
#define GRAM_ROWS  256 /* that are summed up before they are added to the rest */
#define SWEEPS_MAX 30  /* of Jacobi's; eight are usual */

/* ---- vectors --------------------------------------------------------------------------------- */

float dense_dot(const float *x, const float *y, size_t n)
{
	float sums[LANES] = { 0 }, sum = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++)
			sums[k] += x[i + k] * y[i + k];
	for (; i < n; i++)
		sum += x[i] * y[i];
	for (size_t k = 0; k < LANES; k++)
		sum += sums[k];
	return sum;
}

void dense_add(float a, const float *x, float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] += a * x[i];
}

void dense_scale(float a, float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= a;
}

/* ---- matrices -------------------------------------------------------------------------------- */

void dense_times(const float *a, size_t n, size_t l, float scale, const float *x, float *out,
		 size_t stride)
{
	for (size_t i = 0; i < n; i++)
		out[i * stride] = scale * dense_dot(a + i * l, x, l);
}

/*
 * A sum over a hundred thousand rows, one after the other, would lose most of what float holds: the
 * rows are summed up in blocks, and then the blocks.
 */
int dense_gram(const float *a, size_t n, size_t l, float *gram)
{
	float *block = malloc(l * l * sizeof(*block));

	if (block == NULL)
		return -ENOMEM;
	memset(gram, 0, l * l * sizeof(*gram));
	for (size_t from = 0; from < n; from += GRAM_ROWS) {
		memset(block, 0, l * l * sizeof(*block));
		for (size_t i = from; i < MIN(from + GRAM_ROWS, n); i++)
			for (size_t j = 0; j < l; j++)
				dense_add(a[i * l + j], a + i * l + j, block + j * l + j, l - j);
		dense_add(1, block, gram, l * l);
	}
	free(block);
	return 0;
}

int dense_cholesky(float *gram, size_t l)
{
	for (size_t k = 0; k < l; k++) {
		float *row = gram + k * l;

		if (!(row[k] > 0))
			return -ENODATA;
		row[k] = sqrtf(row[k]);
		dense_scale(1 / row[k], row + k + 1, l - k - 1);
		for (size_t i = k + 1; i < l; i++)
			dense_add(-row[i], row + i, gram + i * l + i, l - i);
	}
	return 0;
}

void dense_solve(float *a, size_t n, size_t l, const float *r)
{
	for (size_t i = 0; i < n; i++) {
		float *row = a + i * l;

		for (size_t k = 0; k < l; k++) {
			row[k] /= r[k * l + k];
			dense_add(-row[k], r + k * l + k + 1, row + k + 1, l - k - 1);
		}
	}
}

/* ---- eigenvalues: Jacobi's method, which turns away one product at a time -------------------- */

static void rows_turn(double *p, double *q, size_t stride, size_t l, double c, double s)
{
	for (size_t i = 0; i < l; i++) {
		double x = p[i * stride], y = q[i * stride];

		p[i * stride] = c * x - s * y;
		q[i * stride] = s * x + c * y;
	}
}

/* Golub and Van Loan, Matrix Computations, 8.5: the smaller angle that makes a[p][q] zero. */
static void pair_turn(double *a, double *v, size_t l, size_t p, size_t q)
{
	double tau = (a[q * l + q] - a[p * l + p]) / (2 * a[p * l + q]);
	double t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
	double c = 1 / sqrt(1 + t * t), s = t * c;

	rows_turn(a + p * l, a + q * l, 1, l, c, s);
	rows_turn(a + p, a + q, l, l, c, s);
	rows_turn(v + p * l, v + q * l, 1, l, c, s);
}

/* Returns whether anything was left to turn away. */
static bool matrix_sweep(double *a, double *v, size_t l)
{
	bool turned = false;

	for (size_t p = 0; p + 1 < l; p++)
		for (size_t q = p + 1; q < l; q++) {
			double floor = 1e-10 * sqrt(fabs(a[p * l + p] * a[q * l + q])) + 1e-300;

			if (fabs(a[p * l + q]) <= floor)
				continue;
			pair_turn(a, v, l, p, q);
			turned = true;
		}
	return turned;
}

/* The smallest of what is left, again and again: l is some hundred. */
static void pairs_sort(double *a, double *v, size_t l)
{
	for (size_t i = 0; i < l; i++) {
		size_t best = i;
		double least;

		for (size_t k = i + 1; k < l; k++)
			if (a[k * l + k] < a[best * l + best])
				best = k;
		if (best != i) /* a quarter turn is an exchange */
			rows_turn(v + i * l, v + best * l, 1, l, 0, 1);
		least = a[best * l + best];
		a[best * l + best] = a[i * l + i];
		a[i * l + i] = least;
	}
}

int dense_eigen(float *gram, size_t l, float *values)
{
	double *a = malloc(l * l * sizeof(*a)), *v = calloc(l * l, sizeof(*v));

	if (a == NULL || v == NULL) {
		free(a);
		free(v);
		return -ENOMEM;
	}
	for (size_t i = 0; i < l; i++) {
		v[i * l + i] = 1;
		for (size_t j = 0; j < l; j++)
			a[i * l + j] = gram[MIN(i, j) * l + MAX(i, j)];
	}
	for (int i = 0; i < SWEEPS_MAX && matrix_sweep(a, v, l); i++)
		;
	pairs_sort(a, v, l);
	for (size_t i = 0; i < l; i++)
		values[i] = (float)a[i * l + i];
	for (size_t i = 0; i < l * l; i++)
		gram[i] = (float)v[i];
	free(a);
	free(v);
	return 0;
}
