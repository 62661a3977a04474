/* Rows of floats: every set of kernels against the same in double precision. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/numbers.h"
#include "tests/test.h"

static const size_t lengths[] = { 2, 4, 6, 8, 10, 16, 18, 30, 32, 34, 64, 66, 128, 130, 256, 298 };

/* In [-1, 1), from a fixed start. */
static float number(void)
{
	static uint32_t state = 1;

	return number_next(&state);
}

/* A row at the end of its memory, so that a step beyond is noticed. */
static float *row(size_t n, float scale)
{
	float *x = malloc(n * sizeof(*x));

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		x[i] = scale * number();
	return x;
}

static void near_to(double got, double want, double bound)
{
	if (!(fabs(got - want) <= bound))
		fail_msg("%.9g, not %.9g: off by %.3g, allowed are %.3g", got, want,
			 fabs(got - want), bound);
}

/* Calls `check` for every set that this processor runs and every length. */
static void for_all(void (*check)(const struct kernels *k, size_t n))
{
	const struct kernels *k;

	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		if (!k->usable()) {
			print_message("%s: not on this processor\n", k->name);
			continue;
		}
		for (size_t j = 0; j < ARRAY_LEN(lengths); j++)
			check(k, lengths[j]);
	}
}

static void check_rms_norm(const struct kernels *k, size_t n)
{
	float *x = row(n, 3), *w = row(n, 1), *out = row(n, 0);
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	k->rms_norm(x, w, n, 1e-5f, out);
	for (size_t i = 0; i < n; i++)
		near_to(out[i], x[i] / sqrt(sum / (double)n + 1e-5) * w[i], 2e-6);
	k->rms_norm(x, w, n, 1e-5f, x);
	assert_memory_equal(x, out, n * sizeof(*x)); /* in place, the same */
	free(x), free(w), free(out);
}

static void rms_norm_divides_by_the_root_of_the_mean_square(void **state)
{
	(void)state;
	for_all(check_rms_norm);
}

static void check_layer_norm(const struct kernels *k, size_t n)
{
	float *x = row(n, 3), *w = row(n, 1), *b = row(n, 1), *out = row(n, 0);
	double mean = 0, var = 0, bound;

	for (size_t i = 0; i < n; i++)
		mean += (x[i] += 5) / (double)n;
	for (size_t i = 0; i < n; i++)
		var += (x[i] - mean) * (x[i] - mean) / (double)n;
	bound = 2e-6 + 1e-6 / sqrt(var); /* the mean is rounded */
	k->layer_norm(x, w, b, n, 1e-12f, out);
	for (size_t i = 0; i < n; i++)
		near_to(out[i], (x[i] - mean) / sqrt(var + 1e-12) * w[i] + b[i], bound);
	k->layer_norm(x, w, NULL, n, 1e-12f, out);
	for (size_t i = 0; i < n; i++)
		near_to(out[i], (x[i] - mean) / sqrt(var + 1e-12) * w[i], bound);
	free(x), free(w), free(b), free(out);
}

static void layer_norm_takes_the_mean_out_first(void **state)
{
	(void)state;
	for_all(check_layer_norm);
}

static void check_rope(const struct kernels *k, size_t n)
{
	float *x = row(n, 2), *c = row(n / 2, 0), *s = row(n / 2, 0), *got = row(n, 0);

	for (size_t i = 0; i < n / 2; i++) {
		double angle = 100 * pow(10000, -2.0 * (double)i / (double)n);

		c[i] = (float)cos(angle);
		s[i] = (float)sin(angle);
	}
	for (int pairs = ROPE_NEIGHBOURS; pairs <= ROPE_HALVES; pairs++) {
		memcpy(got, x, n * sizeof(*x));
		k->rope(got, n, c, s, (enum rope_pairs)pairs);
		for (size_t i = 0; i < n / 2; i++) {
			size_t a = pairs == ROPE_NEIGHBOURS ? 2 * i : i;
			size_t b = pairs == ROPE_NEIGHBOURS ? 2 * i + 1 : i + n / 2;

			near_to(got[a], (double)x[a] * c[i] - (double)x[b] * s[i], 5e-7);
			near_to(got[b], (double)x[a] * s[i] + (double)x[b] * c[i], 5e-7);
		}
	}
	free(x), free(c), free(s), free(got);
}

static void rope_turns_pairs_of_either_kind(void **state)
{
	(void)state;
	for_all(check_rope);
}

static void check_add(const struct kernels *k, size_t n)
{
	float *x = row(n, 2), *y = row(n, 2), *got = row(n, 0);

	memcpy(got, x, n * sizeof(*x));
	k->add(got, y, n);
	for (size_t i = 0; i < n; i++)
		assert_true(got[i] == x[i] + y[i]);
	free(x), free(y), free(got);
}

static void add_adds(void **state)
{
	(void)state;
	for_all(check_add);
}

static void check_silu(const struct kernels *k, size_t n)
{
	float *g = row(n, 20), *u = row(n, 2), *out = row(n, 0);

	g[0] = -200; /* where e^-x overflows */
	g[1] = 200;
	k->silu_mul(g, u, out, n);
	for (size_t i = 0; i < n; i++) {
		double want = g[i] / (1 + exp(-(double)g[i])) * u[i];

		near_to(out[i], want, 1e-6 * fabs(want) + 1e-30);
	}
	k->silu_mul(g, u, g, n);
	assert_memory_equal(g, out, n * sizeof(*g));
	free(g), free(u), free(out);
}

static void silu_mul_holds_at_both_ends(void **state)
{
	(void)state;
	for_all(check_silu);
}

static void check_gelu(const struct kernels *k, size_t n)
{
	float *x = row(n, 6), *out = row(n, 0);

	x[0] = -100;
	x[1] = 100;
	k->gelu(x, out, n);
	for (size_t i = 0; i < n; i++)
		near_to(out[i], 0.5 * x[i] * (1 + erf(x[i] * M_SQRT1_2)),
			4e-7 * fmax(1, fabs(x[i])));
	free(x), free(out);
}

static void gelu_is_the_one_with_erf(void **state)
{
	(void)state;
	for_all(check_gelu);
}

static void check_softmax(const struct kernels *k, size_t n)
{
	float *x = row(n, 30), *got = row(n, 0), max = -INFINITY;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		max = fmaxf(max, x[i] -= 50); /* all below 0: nothing beyond the row may win */
	assert_true(k->max(x, n) == max);
	memcpy(got, x, n * sizeof(*x));
	for (size_t i = 0; i < n; i++)
		sum += exp((double)x[i] - max);
	near_to(k->exp_sum(got, n, max), sum, 1e-6 * sum);
	for (size_t i = 0; i < n; i++) {
		double want = exp((double)x[i] - max);

		near_to(got[i], want, 4e-6 * want + 1e-37); /* x - max is rounded before */
	}
	free(x), free(got);
}

static void max_and_exp_sum_make_a_softmax(void **state)
{
	(void)state;
	for_all(check_softmax);
}

/* What the sets compute with their own exp, over its whole range: e^x, x below 0. */
static void exp_is_right_everywhere(void **state)
{
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		if (!k->usable())
			continue;
		for (double at = -87; at <= 0; at += 0.0625 * 100 / 64) {
			float x[16];

			for (int j = 0; j < 16; j++)
				x[j] = (float)(at + 0.006 * j);
			(void)k->exp_sum(x, 16, 0);
			for (int j = 0; j < 16; j++) {
				double want = exp((double)(float)(at + 0.006 * j));

				near_to(x[j], want, 2.5e-7 * want);
			}
		}
		float far[] = { -200, -INFINITY, -1e30f, -0.0f };

		assert_true(k->exp_sum(far, 4, 0) == 1);
		assert_true(far[0] < 1e-37 && far[1] == 0 && far[2] == 0 && far[3] == 1);
	}
}

/* A number's result is the same wherever in a row it stands. */
static void places_do_not_matter(void **state)
{
	const struct kernels *k;
	float g[40], u[40], a[40], b[40];

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		g[i] = 5 * number();
		u[i] = number();
	}
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		if (!k->usable())
			continue;
		for (size_t from = 0; from < 40; from++) {
			k->silu_mul(g, u, a, 40);
			k->silu_mul(g + from, u + from, b + from, 40 - from);
			assert_memory_equal(a + from, b + from, (40 - from) * sizeof(*a));
			k->gelu(g, a, 40);
			k->gelu(g + from, b + from, 40 - from);
			assert_memory_equal(a + from, b + from, (40 - from) * sizeof(*a));
		}
	}
}

static void sets_are_found_by_name(void **state)
{
	const struct kernels *best = kernels_choose(NULL), *k;
	bool first = true;

	(void)state;
	assert_non_null(best);
	assert_string_equal(kernels_choose("portable")->name, "portable");
	assert_null(kernels_choose("none of ours"));
	assert_null(kernels_choose(""));
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		assert_ptr_equal(kernels_choose(k->name), k->usable() ? k : NULL);
		if (k->usable() && first) {
			assert_ptr_equal(best, k);
			first = false;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rms_norm_divides_by_the_root_of_the_mean_square),
		cmocka_unit_test(layer_norm_takes_the_mean_out_first),
		cmocka_unit_test(rope_turns_pairs_of_either_kind),
		cmocka_unit_test(add_adds),
		cmocka_unit_test(silu_mul_holds_at_both_ends),
		cmocka_unit_test(gelu_is_the_one_with_erf),
		cmocka_unit_test(max_and_exp_sum_make_a_softmax),
		cmocka_unit_test(exp_is_right_everywhere),
		cmocka_unit_test(places_do_not_matter),
		cmocka_unit_test(sets_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
