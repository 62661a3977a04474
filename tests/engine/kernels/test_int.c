/*
 * Products with quantised weights, by every set of kernels that this processor runs: right against
 * sums in double precision, and the same bits whatever else is in the batch.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "tests/engine/kernels/numbers.h"
#include "tests/engine/packed/random_blocks.h"
#include "tests/test.h"

/*
 * What rounding in float may add, as a share of the sum of the products' sizes. Within a part sums
 * are exact; each part then rounds by 2^-24 of what has been summed, and 64 parts that all round
 * the same way would make 4e-6. Random ones stay near 1e-7.
 */
#define ROUNDING 1e-6

struct set {
	const char *name;
	void (*quantise)(struct acts *a, size_t from, size_t to);
	void (*matmul)(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo, void *scratch);
	size_t scratch;
	size_t batch; /* the largest that is tried: plain loops take their time */
};

static const struct set sets[] = {
	{ "portable", int_portable_quantise, int_portable_matmul, INT_PORTABLE_SCRATCH, 7 },
#ifdef __x86_64__
	{ "avx2", int_avx2_quantise, int_avx2_matmul, INT_AVX2_SCRATCH, 40 },
	{ "avx512", int_avx512_quantise, int_avx512_matmul, INT_AVX512_SCRATCH, 70 },
	{ "vnni", int_avx512_quantise, int_vnni_matmul, INT_AVX512_SCRATCH, 70 },
#endif
};

static bool usable(const struct set *s)
{
	bool yes = true;

#ifdef __x86_64__
	if (s->quantise == int_avx2_quantise)
		yes = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	if (s->quantise == int_avx512_quantise)
		yes = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
		      __builtin_cpu_supports("avx512vl");
	if (s->matmul == int_vnni_matmul)
		yes = yes && __builtin_cpu_supports("avx512vnni");
#endif
	if (!yes)
		print_message("%s: not on this processor\n", s->name);
	return yes;
}

/* n rows of activations, some of them as models have: one number far above the rest. */
static float *some_floats(size_t n, size_t cols)
{
	float *x = memory_new(n * cols * sizeof(*x));
	uint64_t seed = 99;

	for (size_t i = 0; i < n * cols; i++)
		x[i] = random_float(&seed) * (i % 193 == 5 ? 30.0f : 1.0f);
	return x;
}

static struct acts some_acts(const struct set *s, const float *x, size_t n, size_t cols)
{
	struct acts a;

	acts_init(&a, n, cols, true, memory_new(acts_bytes(n, cols)));
	a.x = x;
	a.ldx = cols;
	s->quantise(&a, 0, n / 2);
	s->quantise(&a, n / 2, n);
	return a;
}

static void rounds_to_the_nearest_of_127(void **state)
{
	(void)state;
	for (const struct set *s = sets; s < sets + ARRAY_LEN(sets); s++) {
		float *x;
		struct acts a;

		if (!usable(s))
			continue;
		x = some_floats(3, 288);
		a = some_acts(s, x, 3, 288);
		for (size_t i = 0; i < 3 * 288; i++) {
			size_t row = i / 288, col = i % 288;
			const struct acts_chunk *c = &a.chunks[col / 256 * 3 + row];
			float scale = c->scale[col % 256 / 32];

			assert_true(fabs((double)c->q[col % 256] * scale - x[i]) <= 0.5001 * scale);
		}
		free(x);
		free(a.chunks);
	}
}

static void all_sets_quantise_to_the_same_bits(void **state)
{
	float *x = some_floats(5, 352);
	struct acts want = some_acts(&sets[0], x, 5, 352);

	(void)state;
	for (size_t i = 1; i < ARRAY_LEN(sets); i++) {
		struct acts got;

		if (!usable(&sets[i]))
			continue;
		got = some_acts(&sets[i], x, 5, 352);
		assert_memory_equal(got.chunks, want.chunks, 10 * sizeof(*got.chunks));
		free(got.chunks);
	}
	free(want.chunks);
	free(x);
}

static void odd_numbers_quantise_to_what_there_is(void **state)
{
	static const struct {
		const char *name;
		float x[2];
		int q[2];
		float scale;
	} rows[] = {
		{ "zero", { 0, -0.0f }, { 0, 0 }, 0 },
		{ "ties to even", { 127, 2.5f }, { 127, 2 }, 1 },
		{ "ties to even, below zero", { -127, -3.5f }, { -127, -4 }, 1 },
		{ "not a number", { NAN, 127 }, { 0, 127 }, 1 },
		{ "infinite", { INFINITY, 1 }, { 127, 0 }, FLT_MAX / 127.0f },
		{ "infinite below", { -INFINITY, 1 }, { -127, 0 }, FLT_MAX / 127.0f },
		{ "the largest", { FLT_MAX, -FLT_MAX }, { 127, -127 }, FLT_MAX / 127.0f },
		{ "too small for a scale", { 1e-40f, 1e-37f }, { 0, 0 }, 0 },
	};

	(void)state;
	for (const struct set *s = sets; s < sets + ARRAY_LEN(sets); s++)
		for (size_t i = 0; usable(s) && i < ARRAY_LEN(rows); i++) {
			float x[32] = { rows[i].x[0], rows[i].x[1] };
			struct acts a = some_acts(s, x, 1, 32);
			int sum = rows[i].q[0] + rows[i].q[1];

			print_message("%s: %s\n", s->name, rows[i].name);
			assert_int_equal(a.chunks->q[0], rows[i].q[0]);
			assert_int_equal(a.chunks->q[1], rows[i].q[1]);
			assert_true(a.chunks->scale[0] == rows[i].scale);
			assert_int_equal(a.chunks->minus[0], -sum);
			assert_int_equal(a.chunks->half[0], -sum);
			assert_int_equal(a.chunks->half[1], 0);
			assert_true(a.chunks->sum[0] == rows[i].scale * (float)sum);
			for (size_t b = 1; b < ACTS_BLOCKS; b++)
				assert_true(a.chunks->scale[b] == 0 && a.chunks->q[32 * b] == 0);
			free(a.chunks);
		}
}

/* Row r of the weights times token i: in double, with the activations as they were quantised. */
struct reference {
	double sum;
	double size;  /* of the products, without their signs */
	double error; /* that quantising the activations can have made, at most */
	double exact; /* with the activations as they were */
};

static struct reference reference(const float *w, const struct acts *a, size_t i)
{
	struct reference ref = { 0 };

	for (size_t c = 0; c < a->cols; c++) {
		const struct acts_chunk *chunk = &a->chunks[c / ACTS_CHUNK * a->n + i];
		double scale = chunk->scale[c % ACTS_CHUNK / 32];
		double x = (double)chunk->q[c % ACTS_CHUNK] * scale;

		ref.sum += (double)w[c] * x;
		ref.size += fabs((double)w[c] * x);
		ref.error += fabs((double)w[c]) * scale * 0.5001;
		ref.exact += (double)w[c] * (double)a->x[i * a->ldx + c];
	}
	return ref;
}

static void check_products(const struct set *s, const struct packed *w, const struct acts *a,
			   const float *out, size_t ldo, double *worst)
{
	float *row = memory_new(w->cols * sizeof(*row));

	for (size_t r = 0; r < w->rows; r++) {
		pack_row(w, r, row);
		for (size_t i = 0; i < a->n; i++) {
			struct reference ref = reference(row, a, i);
			double got = out[i * ldo + r], off = fabs(got - ref.sum) / ref.size;

			*worst = MAX(*worst, off);
			if (off > ROUNDING)
				fail_msg("%s, row %zu, token %zu: %g, not %g", s->name, r, i, got,
					 ref.sum);
			assert_true(fabs(got - ref.exact) <= ref.error + ROUNDING * ref.size);
		}
	}
	free(row);
}

static void multiplies(const struct set *s, enum quant_type type, uint32_t rows, uint32_t cols,
		       size_t n)
{
	struct weight_matrix m = random_matrix(type, rows, cols, 11 + (uint64_t)type);
	struct packed w = random_packed(&m);
	float *x = some_floats(n, cols), *out = memory_new(n * (rows + 3) * sizeof(*out));
	struct acts a = some_acts(s, x, n, cols);
	void *scratch = memory_new(s->scratch);
	double worst = 0;

	for (size_t i = 0; i < n * (rows + 3); i++)
		out[i] = 12345;
	s->matmul(&w, 0, rows, &a, out, rows + 3, scratch);
	check_products(s, &w, &a, out, rows + 3, &worst);
	for (size_t i = 0; i < n * (rows + 3); i++)
		assert_true(i % (rows + 3) < rows || out[i] == 12345);
	print_message("%s, %s, %u x %u, %zu tokens: rounding off by %.1e at most\n", s->name,
		      quant_info(type)->name, rows, cols, n, worst);
	free((void *)m.data);
	free((void *)w.data);
	free(x);
	free(out);
	free(a.chunks);
	free(scratch);
}

static void multiplies_every_type(void **state)
{
	(void)state;
	for (const struct set *s = sets; s < sets + ARRAY_LEN(sets); s++)
		for (size_t t = 0; usable(s) && t < random_n_quantised; t++) {
			bool whole = quant_info(random_types[t])->n_elements == 256;

			multiplies(s, random_types[t], 64, 512, 3);
			multiplies(s, random_types[t], 19, whole ? 768 : 352, s->batch / 3);
		}
}

/* Rows [r0, r1) of all tokens against each token alone with all rows. */
static void check_alone(const struct set *s, const struct packed *w, const float *x, size_t n,
			const float *alone, void *scratch)
{
	struct acts a = some_acts(s, x, n, w->cols);
	size_t r0 = n % 2 * PACK_ROWS, ldo = w->rows;
	float *out = memory_new(n * ldo * sizeof(*out));

	s->matmul(w, r0, w->rows, &a, out, ldo, scratch);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(out + i * ldo, alone + i * ldo + r0,
				    (w->rows - r0) * sizeof(*out));
	free(out);
	free(a.chunks);
}

static void a_token_is_the_same_bits_in_any_batch(void **state)
{
	enum { ROWS = 101, COLS = 512 };

	(void)state;
	for (const struct set *s = sets; s < sets + ARRAY_LEN(sets); s++)
		for (size_t t = 0; usable(s) && t < random_n_quantised; t++) {
			struct weight_matrix m = random_matrix(random_types[t], ROWS, COLS, 5);
			struct packed w = random_packed(&m);
			float *x = some_floats(s->batch, COLS);
			float *alone = memory_new(s->batch * ROWS * sizeof(*alone));
			void *scratch = memory_new(s->scratch);

			for (size_t i = 0; i < s->batch; i++) {
				struct acts a = some_acts(s, x + i * COLS, 1, COLS);

				s->matmul(&w, 0, ROWS, &a, alone + i * ROWS, ROWS, scratch);
				free(a.chunks);
			}
			for (size_t n = 1; n <= s->batch; n++)
				check_alone(s, &w, x, n, alone, scratch);
			free((void *)m.data);
			free((void *)w.data);
			free(x);
			free(alone);
			free(scratch);
		}
}

/* More tokens than one pass holds. */
static void long_batches_are_the_same_bits_too(void **state)
{
	enum { N = 1100, ROWS = 70, COLS = 320 };
	const struct set *s = &sets[ARRAY_LEN(sets) - 1];
	struct weight_matrix m;
	struct packed w;
	float *x, *alone;
	void *scratch;

	(void)state;
	if (s->batch < 70 || !usable(s))
		skip();
	m = random_matrix(QUANT_Q5_1, ROWS, COLS, 5);
	w = random_packed(&m);
	x = some_floats(N, COLS);
	alone = memory_new(N * ROWS * sizeof(*alone));
	scratch = memory_new(s->scratch);
	for (size_t i = 0; i < N; i++) {
		struct acts a = some_acts(s, x + i * COLS, 1, COLS);

		s->matmul(&w, 0, ROWS, &a, alone + i * ROWS, ROWS, scratch);
		free(a.chunks);
	}
	check_alone(s, &w, x, N, alone, scratch);
	free((void *)m.data);
	free((void *)w.data);
	free(x);
	free(alone);
	free(scratch);
}

#ifdef __x86_64__
/* Sums within a part are whole numbers, so how they are come by does not show. */
static void with_vnni_or_without_bits_are_the_same(void **state)
{
	enum { N = 11, ROWS = 64, COLS = 256 };
	float *x, *out;
	void *scratch;
	struct acts a;

	(void)state;
	if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512bw"))
		skip();
	x = some_floats(N, COLS);
	out = memory_new(2 * N * ROWS * sizeof(*out));
	scratch = memory_new(INT_AVX512_SCRATCH);
	a = some_acts(&sets[ARRAY_LEN(sets) - 1], x, N, COLS);
	for (size_t t = 0; t < random_n_quantised; t++)
		for (a.n = 1; a.n <= N; a.n += 5) {
			struct weight_matrix m = random_matrix(random_types[t], ROWS, COLS, 5);
			struct packed w = random_packed(&m);

			int_vnni_matmul(&w, 0, ROWS, &a, out, ROWS, scratch);
			int_avx512_matmul(&w, 0, ROWS, &a, out + N * ROWS, ROWS, scratch);
			assert_memory_equal(out, out + N * ROWS, a.n * ROWS * sizeof(*out));
			free((void *)m.data);
			free((void *)w.data);
		}
	free(a.chunks);
	free(x);
	free(out);
	free(scratch);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_to_the_nearest_of_127),
		cmocka_unit_test(all_sets_quantise_to_the_same_bits),
		cmocka_unit_test(odd_numbers_quantise_to_what_there_is),
		cmocka_unit_test(multiplies_every_type),
		cmocka_unit_test(a_token_is_the_same_bits_in_any_batch),
		cmocka_unit_test(long_batches_are_the_same_bits_too),
#ifdef __x86_64__
		cmocka_unit_test(with_vnni_or_without_bits_are_the_same),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
