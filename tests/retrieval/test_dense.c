/* Dense algebra against what it is by definition; built over OpenBLAS, and over the plain loops. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/dense.h"
#include "tests/test.h"

#define N 600 /* more than one block of rows */
#define L 150

static float a[N * L], b[N * L], gram[L * L], vectors[L * L];

/* From -1 to 1, the same each time. */
static void fill_random(float *v, size_t n)
{
	uint32_t state = 2463534242u;

	for (size_t i = 0; i < n; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		v[i] = (float)state / 2147483648.0f - 1;
	}
}

static void near(double got, double want, double within)
{
	if (!(fabs(got - want) <= within))
		fail_msg("%g is not %g", got, want);
}

static double product(const float *x, size_t x_stride, const float *y, size_t y_stride, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i * x_stride] * (double)y[i * y_stride];
	return sum;
}

static void vectors_of_any_length_add_up(void **state)
{
	static const size_t lengths[] = { 0, 1, 7, 8, 9, 15, 16, 100, 144 };

	(void)state;
	fill_random(a, N * L);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		size_t n = lengths[i];

		near(dense_dot(a, a + 1, n), product(a, 1, a + 1, 1, n), 1e-4);
		memcpy(b, a + 1000, (n + 1) * sizeof(*b));
		dense_add(0.5f, a, b, n);
		for (size_t k = 0; k < n; k++)
			near(b[k], a[1000 + k] + 0.5f * a[k], 1e-6);
		dense_scale(-2, b, n);
		for (size_t k = 0; k < n; k++)
			near(b[k], -2 * (a[1000 + k] + 0.5f * a[k]), 1e-5);
		assert_true(b[n] == a[1000 + n]);
	}
	dense_times(a, N, L, 3, a + 5, b, 2);
	for (size_t i = 0; i < N; i++)
		near(b[2 * i], 3 * product(a + i * L, 1, a + 5, 1, L), 1e-3);
}

static void columns_become_orthonormal(void **state)
{
	static const struct {
		size_t n, l;
	} rows[] = { { 1, 1 }, { 9, 9 }, { 40, 7 }, { 255, 8 }, { 257, 33 }, { N, L } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = rows[i].n, l = rows[i].l;

		print_message("%zu x %zu\n", n, l);
		fill_random(a, n * l);
		assert_int_equal(dense_gram(a, n, l, gram), 0);
		for (size_t p = 0; p < l; p++)
			for (size_t q = p; q < l; q++)
				near(gram[p * l + q], product(a + p, l, a + q, l, n), 1e-3);
		assert_int_equal(dense_cholesky(gram, l), 0);
		dense_solve(a, n, l, gram);
		for (size_t p = 0; p < l; p++)
			for (size_t q = p; q < l; q++)
				near(product(a + p, l, a + q, l, n), p == q, 2e-3);
	}
}

static void what_is_not_positive_definite_is_refused(void **state)
{
	float zero[] = { 0 }, minus[] = { 1, 0, 0, -1 };

	(void)state;
	assert_int_equal(dense_cholesky(zero, 1), -ENODATA);
	assert_int_equal(dense_cholesky(minus, 2), -ENODATA);
}

/* vectors[l][l] and values belong to the matrix whose upper triangle is in `of`. */
static void check_eigen(const float *of, const float *values, size_t l)
{
	float column[L];

	for (size_t i = 0; i < l; i++) {
		assert_true(i == 0 || values[i - 1] <= values[i]);
		for (size_t k = 0; k < l; k++)
			near(product(vectors + i * l, 1, vectors + k * l, 1, l), i == k, 1e-3);
		for (size_t r = 0; r < l; r++) {
			for (size_t c = 0; c < l; c++)
				column[c] = of[MIN(r, c) * l + MAX(r, c)];
			near(product(column, 1, vectors + i * l, 1, l),
			     values[i] * vectors[i * l + r], 1e-3 * (1 + values[l - 1]));
		}
	}
}

static void eigenvectors_are_what_they_should_be(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 30, L };
	float values[L];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		size_t l = sizes[i];

		print_message("%zu\n", l);
		fill_random(a, N * l);
		assert_int_equal(dense_gram(a, N, l, gram), 0);
		memcpy(vectors, gram, l * l * sizeof(*gram));
		assert_int_equal(dense_eigen(vectors, l, values), 0);
		check_eigen(gram, values, l);
	}
	print_message("all the same\n");
	memset(gram, 0, sizeof(gram));
	for (size_t i = 0; i < 20; i++)
		gram[i * 20 + i] = 4;
	memcpy(vectors, gram, sizeof(gram));
	assert_int_equal(dense_eigen(vectors, 20, values), 0);
	check_eigen(gram, values, 20);
	near(values[0], 4, 1e-5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_any_length_add_up),
		cmocka_unit_test(columns_become_orthonormal),
		cmocka_unit_test(what_is_not_positive_definite_is_refused),
		cmocka_unit_test(eigenvectors_are_what_they_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
