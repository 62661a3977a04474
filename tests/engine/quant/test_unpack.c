/* The plain loops against what the format's reference implementation gives for the same bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/quant/types.h"
#include "tests/test.h"

#define N 256

/* Bytes that look random, with finite scales put where the type has them. */
static void fill(uint8_t *bytes, const struct quant_info *info, int d_at, int m_at)
{
	size_t n = N / info->n_elements;
	uint32_t x = 12345;

	for (size_t i = 0; i < n * info->n_bytes; i++) {
		x = x * UINT32_C(1664525) + UINT32_C(1013904223);
		bytes[i] = (uint8_t)(x >> 24);
	}
	for (size_t i = 0; i < n; i++) {
		uint16_t d = (uint16_t)(0x2c00 + 37 * i), m = (uint16_t)(0x2e00 + 11 * i);

		memcpy(bytes + i * info->n_bytes + d_at, &d, sizeof(d));
		if (m_at >= 0)
			memcpy(bytes + i * info->n_bytes + m_at, &m, sizeof(m));
	}
}

/* ggml's dequantize_row_*() on the bytes of fill(): four of the numbers, and the sum of all, each
 * times its place. */
static const struct golden {
	enum quant_type type;
	int d_at, m_at;
	float some[4]; /* 0, 31, 146, 255 */
	double sum;
} goldens[] = {
	/* clang-format off */
	{ QUANT_Q8_0, 0, -1, { -7.3125f, 4.625f, -7.79711914f, -2.74078369f }, -424.2226562 },
	{ QUANT_Q4_0, 0, -1, { 0.1875f, 0.4375f, -0.143066406f, -0.156616211f }, 13.890625 },
	{ QUANT_Q4_1, 0, 2, { 0.59375f, 1.03125f, 0.525634766f, 0.176757812f }, 22127.802 },
	{ QUANT_Q5_0, 0, -1, { 0.875f, -0.375f, 0.286132812f, -1.01800537f }, 263.3448486 },
	{ QUANT_Q5_1, 0, 2, { 0.59375f, 1.53125f, 0.16796875f, 0.724914551f }, 39323.1781 },
	{ QUANT_Q2_K, 80, 82, { 0.3125f, 0, 0.375f, -0.34375f }, 1913.8125 },
	{ QUANT_Q3_K, 108, -1, { 0.75f, 0, -1.75f, -1.5f }, -10558.8125 },
	{ QUANT_Q4_K, 0, 2, { 10.25f, 7.75f, 33.40625f, 10.21875f }, 362821.625 },
	{ QUANT_Q5_K, 0, 2, { 50.25f, 35.25f, 81.53125f, 40.28125f }, 797429.9375 },
	{ QUANT_Q6_K, 208, -1, { 106.3125f, 111.5625f, 140.875f, 49 }, -254076.6875 },
	{ QUANT_IQ4_NL, 0, -1, { 2.375f, 7.0625f, -1.57373047f, -1.72277832f }, 4755.396729 },
	{ QUANT_IQ4_XS, 0, -1, { 1.5f, -15, 0.875f, 26.5f }, 201716.1875 },
	/* clang-format on */
};

static void gives_what_the_reference_gives(void **state)
{
	static const int places[] = { 0, 31, 146, 255 };
	uint8_t bytes[N * 4];
	float out[N];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		const struct golden *g = &goldens[i];
		const struct quant_info *info = quant_info(g->type);
		double sum = 0;

		print_message("%s\n", info->name);
		fill(bytes, info, g->d_at, g->m_at);
		quant_unpack(g->type, bytes, out, N);
		for (int j = 0; j < N; j++)
			sum += (j + 1) * (double)out[j];
		for (size_t j = 0; j < ARRAY_LEN(places); j++)
			assert_float_equal(out[places[j]], g->some[j], 1e-6);
		/* The sum was printed with ten digits. */
		assert_true(fabs(sum - g->sum) <= 1e-8 * fabs(g->sum));
	}
}

static void single_numbers_are_copied_or_widened(void **state)
{
	static const float floats[] = { 1.5f, -0.25f, 3e38f };
	static const uint16_t halves[] = { 0x3e00, 0xb400, 0x7c00 };
	static const uint16_t brains[] = { 0x3fc0, 0xbe80, 0x7f62 };
	float out[3];

	(void)state;
	quant_unpack(QUANT_F32, floats, out, 3);
	assert_memory_equal(out, floats, sizeof(out));
	quant_unpack(QUANT_F16, halves, out, 3);
	assert_true(out[0] == 1.5f && out[1] == -0.25f && isinf(out[2]));
	quant_unpack(QUANT_BF16, brains, out, 3);
	assert_true(out[0] == 1.5f && out[1] == -0.25f && out[2] > 2.9e38f && !isinf(out[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_what_the_reference_gives),
		cmocka_unit_test(single_numbers_are_copied_or_widened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
