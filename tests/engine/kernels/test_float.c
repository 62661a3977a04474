/*
 * Products with weights in floats: against double precision, and the same bits however they are
 * cut.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/kernels.h"
#include "tests/engine/kernels/numbers.h"
#include "tests/test.h"

static const enum quant_type types[] = { QUANT_F32, QUANT_F16, QUANT_BF16 };

static float number(void)
{
	static uint32_t state = 7;

	return number_next(&state);
}

struct subject {
	struct weight_matrix m;
	struct packed p;
	void *file, *data;
	float *w; /* [rows][cols]: what the file's numbers are */
	struct acts a;
};

static void make(struct subject *s, enum quant_type type, uint32_t rows, uint32_t cols, size_t n)
{
	size_t count = (size_t)rows * cols;
	float *x = memory_new(n * cols * sizeof(*x));

	s->w = memory_new(count * sizeof(*s->w));
	s->file = memory_new(rows * quant_row_bytes(type, cols));
	for (size_t i = 0; i < count; i++)
		s->w[i] = number();
	assert_true(quant_pack(type, s->w, s->file, count));
	quant_unpack(type, s->file, s->w, count);
	s->m = (struct weight_matrix){ .type = type, .cols = cols, .rows = rows, .data = s->file };
	s->data = memory_new(pack_bytes(&s->m));
	pack_groups(&s->m, s->data, 0, pack_n_groups(&s->m));
	s->p = pack_view(&s->m, s->data);
	for (size_t i = 0; i < n * cols; i++)
		x[i] = number();
	s->a = (struct acts){ .n = n, .cols = cols, .x = x, .ldx = cols };
}

static void unmake(struct subject *s)
{
	free((void *)s->a.x);
	free(s->w);
	free(s->file);
	free(s->data);
}

static void check_values(const struct subject *s, const float *out, size_t ldo)
{
	for (size_t i = 0; i < s->a.n; i++) {
		for (size_t r = 0; r < s->m.rows; r++) {
			double want = 0, size = 0;

			for (size_t c = 0; c < s->m.cols; c++) {
				double term =
					(double)s->w[r * s->m.cols + c] * s->a.x[i * s->a.ldx + c];

				want += term;
				size += fabs(term);
			}
			/* every step of a sum may be off by half of the last place */
			if (!(fabs(out[i * ldo + r] - want) <= s->m.cols * 0x1p-24 * size))
				fail_msg("token %zu, row %zu: %.9g, not %.9g", i, r,
					 (double)out[i * ldo + r], want);
		}
	}
}

/* Each token alone, and rows in pieces, give the bits they have in the whole. */
static void check_pieces(const struct kernels *k, const struct subject *s, const float *whole,
			 size_t ldo, void *scratch)
{
	static const size_t steps[] = { 16, 48, 80, 128 };
	float *out = memory_new(s->a.n * ldo * sizeof(*out));

	for (size_t i = 0; i < s->a.n; i++) {
		struct acts one = s->a;

		one.n = 1;
		one.x += i * one.ldx;
		k->matmul(&s->p, 0, s->m.rows, &one, out, ldo, scratch);
		assert_memory_equal(out, whole + i * ldo, s->m.rows * sizeof(*out));
	}
	for (size_t j = 0; j < ARRAY_LEN(steps); j++) {
		for (size_t r = 0; r < s->m.rows; r += steps[j]) {
			size_t end = MIN(r + steps[j], s->m.rows);

			if (end - r > 5) /* in the middle of a group */
				end -= 3;
			k->matmul(&s->p, r, end, &s->a, out, ldo, scratch);
			for (size_t i = 0; i < s->a.n; i++)
				assert_memory_equal(out + i * ldo, whole + i * ldo + r,
						    (end - r) * sizeof(*out));
		}
	}
	free(out);
}

static void products_are_right_and_do_not_depend_on_company(void **state)
{
	static const struct {
		uint32_t rows, cols;
		size_t n;
	} rows[] = {
		{ 1, 1, 1 },   { 16, 7, 3 },   { 17, 33, 6 },    { 64, 64, 1 },   { 64, 100, 7 },
		{ 80, 63, 2 }, { 130, 65, 4 }, { 144, 257, 13 }, { 65, 800, 19 }, { 128, 256, 5 },
	};
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		void *scratch;

		if (!k->usable()) {
			print_message("%s: not on this processor\n", k->name);
			continue;
		}
		scratch = memory_new(k->matmul_scratch);
		for (size_t j = 0; j < ARRAY_LEN(rows) * ARRAY_LEN(types); j++) {
			size_t at = j / ARRAY_LEN(types), ldo = rows[at].rows + 3;
			struct subject s;
			float *out = memory_new(rows[at].n * ldo * sizeof(*out));

			make(&s, types[j % ARRAY_LEN(types)], rows[at].rows, rows[at].cols,
			     rows[at].n);
			for (size_t x = 0; x < rows[at].n * ldo; x++)
				out[x] = 12345;
			k->matmul(&s.p, 0, s.m.rows, &s.a, out, ldo, scratch);
			for (size_t t = 0; t < s.a.n; t++) /* and nothing else was written */
				for (size_t r = s.m.rows; r < ldo; r++)
					assert_true(out[t * ldo + r] == 12345);
			check_values(&s, out, ldo);
			check_pieces(k, &s, out, ldo, scratch);
			unmake(&s);
			free(out);
		}
		free(scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_are_right_and_do_not_depend_on_company),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
