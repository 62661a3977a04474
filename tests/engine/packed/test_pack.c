/* Packed weights are the file's numbers, to the bit, and take hardly more room. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/packed/forms.h"
#include "tests/engine/packed/random_blocks.h"
#include "tests/test.h"

#define COLS_MAX 1024

static void gives_back_the_numbers_of_the_file(void **state)
{
	static const uint32_t shapes[][2] = { { 1, 256 }, { 16, 512 }, { 37, 1024 },
					      { 33, 32 }, { 18, 320 }, { 3, 224 } };

	(void)state;
	for (size_t t = 0; t < random_n_types; t++)
		for (size_t s = 0; s < ARRAY_LEN(shapes); s++) {
			const struct quant_info *info = quant_info(random_types[t]);
			float want[COLS_MAX], got[COLS_MAX];
			uint32_t rows = shapes[s][0], cols = shapes[s][1];
			struct weight_matrix m;
			struct packed p;

			if (cols % info->n_elements != 0)
				continue;
			print_message("%s, %u rows of %u\n", info->name, rows, cols);
			m = random_matrix(random_types[t], rows, cols, 7 + t);
			p = random_packed(&m);
			assert_int_equal(p.group_bytes % 64, 0);
			for (uint32_t r = 0; r < rows; r++) {
				quant_unpack(m.type,
					     (const uint8_t *)m.data +
						     r * quant_row_bytes(m.type, cols),
					     want, cols);
				pack_row(&p, r, got);
				assert_memory_equal(got, want, cols * sizeof(*got));
			}
			free((void *)m.data);
			free((void *)p.data);
		}
}

static void rows_that_fill_a_group_up_are_zero(void **state)
{
	(void)state;
	for (size_t t = 0; t < random_n_types; t++) {
		struct weight_matrix m = random_matrix(random_types[t], 17, 256, t);
		struct packed p = random_packed(&m);
		float row[256];

		for (size_t r = 17; r < 32; r++) {
			pack_row(&p, r, row);
			for (size_t i = 0; i < ARRAY_LEN(row); i++)
				assert_true(row[i] == 0);
		}
		free((void *)m.data);
		free((void *)p.data);
	}
}

static void a_piece_is_the_same_as_the_whole(void **state)
{
	struct weight_matrix m = random_matrix(QUANT_Q4_K, 60, 512, 3);
	struct packed p = random_packed(&m);
	uint8_t *again = aligned_alloc(64, pack_bytes(&m));

	(void)state;
	assert_int_equal(pack_n_groups(&m), 4);
	for (size_t g = 4; g-- > 0;)
		pack_groups(&m, again, g, g + 1);
	assert_memory_equal(again, p.data, pack_bytes(&m));
	free(again);
	free((void *)m.data);
	free((void *)p.data);
}

/* Q3_K keeps a byte for each scale of six bits: the most. */
static void packing_takes_little_more_room(void **state)
{
	(void)state;
	for (size_t t = 0; t < random_n_types; t++) {
		struct weight_matrix m = { .type = random_types[t], .cols = 2048, .rows = 2048 };
		size_t file = 2048 * quant_row_bytes(m.type, 2048);
		double more = (double)pack_bytes(&m) / (double)file - 1;

		print_message("%s: %+.1f %%\n", quant_info(m.type)->name, 100 * more);
		assert_true(more >= 0 && more < (m.type == QUANT_Q3_K ? 0.06 : 0.03));
	}
}

static void a_matrix_beyond_memory_has_no_size(void **state)
{
	struct weight_matrix m = { .type = QUANT_F32, .cols = UINT32_MAX, .rows = UINT32_MAX };

	(void)state;
	assert_true(pack_bytes(&m) == SIZE_MAX);
	m.rows = 1;
	assert_true(pack_bytes(&m) == (((uint64_t)UINT32_MAX * 64 + 63) / 64 * 64));
}

static void only_quantised_types_have_a_form(void **state)
{
	(void)state;
	for (size_t t = 0; t < random_n_types; t++)
		assert_true((form_of(random_types[t]) != NULL) == (t < random_n_quantised));
	assert_null(form_of((enum quant_type)9));
	assert_null(form_of((enum quant_type)1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_back_the_numbers_of_the_file),
		cmocka_unit_test(rows_that_fill_a_group_up_are_zero),
		cmocka_unit_test(a_piece_is_the_same_as_the_whole),
		cmocka_unit_test(packing_takes_little_more_room),
		cmocka_unit_test(a_matrix_beyond_memory_has_no_size),
		cmocka_unit_test(only_quantised_types_have_a_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
