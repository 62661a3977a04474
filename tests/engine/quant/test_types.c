/* Names and sizes of the types, and sixteen-bit floats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/quant/types.h"
#include "tests/test.h"

static void knows_fifteen_types(void **state)
{
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		n += quant_info(i) != NULL;
	assert_int_equal(n, 15);
	assert_null(quant_info(4)); /* was Q4_2 once */
	assert_null(quant_info(UINT32_MAX));
	assert_string_equal(quant_info(QUANT_Q4_K)->name, "Q4_K");
	assert_int_equal(quant_info(QUANT_Q4_K)->n_elements, 256);
	assert_int_equal(quant_info(QUANT_Q4_K)->n_bytes, 144);
}

static void rows_have_whole_blocks(void **state)
{
	(void)state;
	assert_int_equal(quant_row_bytes(QUANT_F32, 10), 40);
	assert_int_equal(quant_row_bytes(QUANT_Q8_0, 64), 68);
	assert_int_equal(quant_row_bytes(QUANT_Q6_K, 512), 420);
	assert_true(quant_row_bytes(QUANT_F32, UINT64_MAX / 2) == SIZE_MAX);
	assert_true(quant_row_bytes(QUANT_Q2_K, UINT64_MAX & ~UINT64_C(255)) < SIZE_MAX);
	assert_true(quant_row_bytes(4, 32) == SIZE_MAX);
}

static void halves_are_what_the_standard_says(void **state)
{
	static const struct {
		uint16_t h;
		float f;
	} rows[] = {
		{ 0x0000, 0.0f },     { 0x8000, -0.0f },        { 0x3c00, 1.0f },
		{ 0xc000, -2.0f },    { 0x7bff, 65504.0f },     { 0x0400, 0x1p-14f },
		{ 0x0001, 0x1p-24f }, { 0x03ff, 0x1.ff8p-15f }, { 0x3555, 0x1.554p-2f },
		{ 0x7c00, INFINITY }, { 0xfc00, -INFINITY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		float f = quant_f16_to_f32(rows[i].h);

		assert_memory_equal(&f, &rows[i].f, sizeof(f));
		assert_int_equal(quant_f32_to_f16(rows[i].f), rows[i].h);
	}
}

static void every_half_comes_back(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 65536; h++) {
		float f = quant_f16_to_f32((uint16_t)h);

		assert_int_equal(isnan(f), (h & 0x7fff) > 0x7c00);
		if (!isnan(f))
			assert_int_equal(quant_f32_to_f16(f), h);
	}
}

static void rounds_to_nearest_even(void **state)
{
	static const struct {
		float f;
		uint16_t f16, bf16;
	} rows[] = {
		{ 0x1.002p0f, 0x3c00, 0x3f80 },   /* half way, to even below */
		{ 0x1.006p0f, 0x3c02, 0x3f80 },   /* half way, to even above */
		{ 0x1.0021p0f, 0x3c01, 0x3f80 },  /* a little over half */
		{ 0x1.01p0f, 0x3c04, 0x3f80 },    /* half way for bf16 */
		{ 0x1.03p0f, 0x3c0c, 0x3f82 },    /* half way above */
		{ 65519.0f, 0x7bff, 0x4780 },     /* the last that is finite */
		{ 65520.0f, 0x7c00, 0x4780 },     /* half way to what there is not */
		{ 0x1p-25f, 0x0000, 0x3300 },     /* half the smallest, to even */
		{ 0x1.8p-25f, 0x0001, 0x3340 },   /* over half of it */
		{ 0x1.ffbp-15f, 0x03ff, 0x3880 }, /* the largest subnormal, and half way */
		{ 0x1.ffcp-15f, 0x0400, 0x3880 }, /* from it to the smallest normal */
		{ 3.4e38f, 0x7c00, 0x7f80 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%a\n", (double)rows[i].f);
		assert_int_equal(quant_f32_to_f16(rows[i].f), rows[i].f16);
		assert_int_equal(quant_f32_to_f16(-rows[i].f), rows[i].f16 | 0x8000);
		assert_int_equal(quant_f32_to_bf16(rows[i].f), rows[i].bf16);
	}
}

static void not_a_number_stays_so(void **state)
{
	(void)state;
	assert_true(isnan(quant_f16_to_f32(quant_f32_to_f16(NAN))));
	assert_true(isnan(quant_bf16_to_f32(quant_f32_to_bf16(NAN))));
	/* also where what tells it apart from infinity is in the bits that are cut off */
	assert_true(isnan(quant_f16_to_f32(quant_f32_to_f16(__builtin_nansf("1")))));
	assert_true(isnan(quant_bf16_to_f32(quant_f32_to_bf16(__builtin_nansf("1")))));
	assert_true(isinf(quant_bf16_to_f32(quant_f32_to_bf16(-INFINITY))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_fifteen_types),
		cmocka_unit_test(rows_have_whole_blocks),
		cmocka_unit_test(halves_are_what_the_standard_says),
		cmocka_unit_test(every_half_comes_back),
		cmocka_unit_test(rounds_to_nearest_even),
		cmocka_unit_test(not_a_number_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
