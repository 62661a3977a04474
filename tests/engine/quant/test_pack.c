/*
 * From floats to blocks and back: how far off, and what becomes of numbers that no block can hold.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/quant/types.h"
#include "tests/test.h"

#define N 8192

static const enum quant_type types[] = { QUANT_F32,  QUANT_F16,  QUANT_BF16,
					 QUANT_Q8_0, QUANT_Q4_0, QUANT_Q4_K };

static double uniform(uint64_t *x)
{
	*x = *x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double)(*x >> 11) * 0x1p-53;
}

/* About normal, of deviation 0.02, as weights are. */
static void weights(float *out, size_t n)
{
	uint64_t x = 42;

	for (size_t i = 0; i < n; i++) {
		double sum = -6;

		for (int j = 0; j < 12; j++)
			sum += uniform(&x);
		out[i] = (float)(0.02 * sum);
	}
}

/* Root mean square of the error, in parts of that of the numbers. */
static double error_of(enum quant_type type, const float *in, size_t n)
{
	static uint8_t blocks[N * 4];
	static float out[N];
	double se = 0, sx = 0;

	assert_true(quant_pack(type, in, blocks, n));
	quant_unpack(type, blocks, out, n);
	for (size_t i = 0; i < n; i++) {
		se += ((double)out[i] - (double)in[i]) * ((double)out[i] - (double)in[i]);
		sx += (double)in[i] * (double)in[i];
	}
	return sqrt(se / sx);
}

/*
 * The bounds are those of ggml's own packing of normal numbers (0.0054, 0.086, 0.0715), and a
 * little.
 */
static void errors_are_those_of_a_good_packing(void **state)
{
	static const struct {
		enum quant_type type;
		double most;
	} rows[] = {
		{ QUANT_F32, 0 },       { QUANT_F16, 3e-4 },   { QUANT_BF16, 2.4e-3 },
		{ QUANT_Q8_0, 0.0055 }, { QUANT_Q4_0, 0.084 }, { QUANT_Q4_K, 0.073 },
	};
	static float in[N];

	(void)state;
	weights(in, N);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double e = error_of(rows[i].type, in, N);

		print_message("%s: %.5f\n", quant_info(rows[i].type)->name, e);
		assert_true(e <= rows[i].most);
	}
}

/* Numbers that a type can say exactly come back exactly. */
static void levels_come_back(void **state)
{
	float in[256], out[256];
	uint8_t blocks[1024];

	(void)state;
	for (int i = 0; i < 256; i++)
		in[i] = i % 32 == 0 ? -127 : (float)(i * 37 % 255 - 127);
	quant_pack(QUANT_Q8_0, in, blocks, 256);
	quant_unpack(QUANT_Q8_0, blocks, out, 256);
	assert_memory_equal(in, out, sizeof(in));
	for (int i = 0; i < 256; i++)
		in[i] = 0.5f * (float)(i % 16 - 8);
	quant_pack(QUANT_Q4_0, in, blocks, 256);
	quant_unpack(QUANT_Q4_0, blocks, out, 256);
	assert_memory_equal(in, out, sizeof(in));
	for (int i = 0; i < 256; i++) /* scale 63 d, minimum 63 dmin */
		in[i] = 63 * (float)(i % 16) - 126;
	quant_pack(QUANT_Q4_K, in, blocks, 256);
	quant_unpack(QUANT_Q4_K, blocks, out, 256);
	for (int i = 0; i < 256; i++)
		assert_float_equal(in[i], out[i], 0.5);
}

static void zeros_stay_zeros(void **state)
{
	static const float in[256];
	uint8_t blocks[1024];
	float out[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		assert_true(quant_pack(types[i], in, blocks, 256));
		quant_unpack(types[i], blocks, out, 256);
		for (int j = 0; j < 256; j++)
			assert_true(out[j] == 0);
	}
}

/* Blocks of one value, of one sign, of a single outlier, of hardly anything. */
static void odd_blocks_are_met(void **state)
{
	static const char *const names[] = { "all the same", "all the same, below zero",
					     "one outlier", "above zero only", "below zero only" };
	float in[256], out[256];
	uint8_t blocks[1024];

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(types); t++)
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			float most = 0, bound;

			for (int i = 0; i < 256; i++) {
				in[i] = k == 0   ? 0.7f
					: k == 1 ? -0.7f
					: k == 2 ? (i == 77 ? 100.0f : 0.01f)
						 : (k == 3 ? 1.0f : -1.0f) *
							   (0.1f + (float)(i % 19));
				most = fmaxf(most, fabsf(in[i]));
			}
			quant_pack(types[t], in, blocks, 256);
			quant_unpack(types[t], blocks, out, 256);
			bound = most *
				(types[t] == QUANT_Q4_0 || types[t] == QUANT_Q4_K ? 0.09f : 0.005f);
			for (int i = 0; i < 256; i++)
				if (!(fabsf(in[i] - out[i]) <= bound))
					fail_msg("%s, %s: %g became %g", quant_info(types[t])->name,
						 names[k], (double)in[i], (double)out[i]);
		}
}

static void blocks_never_hold_what_is_no_number(void **state)
{
	static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-45f, 1e-9f };
	float in[256], out[256];
	uint8_t blocks[1024];

	(void)state;
	for (size_t t = 3; t < ARRAY_LEN(types); t++)
		for (size_t k = 0; k < ARRAY_LEN(bad); k++)
			for (int every = 1; every <= 256; every *= 16) {
				for (int i = 0; i < 256; i++)
					in[i] = i % every == 0 ? bad[k]
							       : 0.01f * (float)(i % 7 - 3);
				quant_pack(types[t], in, blocks, 256);
				quant_unpack(types[t], blocks, out, 256);
				for (int i = 0; i < 256; i++)
					assert_true(isfinite(out[i]));
			}
	in[0] = 1e30f; /* a half has a largest number, and that is what a larger one becomes */
	quant_pack(QUANT_F16, in, blocks, 1);
	quant_unpack(QUANT_F16, blocks, out, 1);
	assert_true(out[0] == 65504.0f);
}

static void other_types_are_not_packed(void **state)
{
	static const float in[256];
	uint8_t blocks[1024];

	(void)state;
	assert_false(quant_pack(QUANT_Q6_K, in, blocks, 256));
	assert_false(quant_pack(QUANT_IQ4_XS, in, blocks, 256));
	assert_false(quant_pack(QUANT_Q4_1, in, blocks, 256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_are_those_of_a_good_packing),
		cmocka_unit_test(levels_come_back),
		cmocka_unit_test(zeros_stay_zeros),
		cmocka_unit_test(odd_blocks_are_met),
		cmocka_unit_test(blocks_never_hold_what_is_no_number),
		cmocka_unit_test(other_types_are_not_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
