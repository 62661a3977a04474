/* Vectors in eight bits, and the nearest of many. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "retrieval/index/codes.h"
#include "retrieval/index/codes_search.h"
#include "retrieval/index/nearest.h"
#include "tests/test.h"

#define DIM_MAX 4096
#define N       600 /* more than two chunks */

static uint32_t random_state = 88172645u;

static float random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return (float)random_state / 2147483648.0f - 1;
}

static void random_vector(float *x, uint32_t dim)
{
	for (uint32_t i = 0; i < dim; i++)
		x[i] = random_number();
}

static struct codes *filled(uint32_t dim, size_t n, float *x)
{
	struct codes *c = codes_new(dim);

	assert_non_null(c);
	assert_int_equal(codes_grow(c, n), 0);
	for (size_t i = 0; i < n; i++) {
		random_vector(x, dim);
		codes_set(c, i, x);
	}
	return c;
}

static struct codes_query *query_of(const float *x, uint32_t dim)
{
	struct codes_query *q = malloc(codes_query_size(dim));

	assert_non_null(q);
	codes_query_set(q, x, dim);
	return q;
}

/* By what each number may be off: half a step of the row, and of the question.
 */
static void a_product_is_as_exact_as_eight_bits_are(void **state)
{
	static const uint32_t dims[] = { 1, 3, 31, 32, 33, 128, 384, 1000, DIM_MAX };
	static float x[DIM_MAX], y[DIM_MAX];

	(void)state;
	for (size_t d = 0; d < ARRAY_LEN(dims); d++) {
		struct codes *c = filled(dims[d], N, x); /* x: the last one */
		struct codes_query *q;
		double sum = 0, most = 0;

		random_vector(y, dims[d]);
		q = query_of(y, dims[d]);
		for (uint32_t i = 0; i < dims[d]; i++) {
			sum += (double)x[i] * (double)y[i];
			most += fabs((double)y[i]) * 0.5 / 127 + 0.5 / CODES_QUERY_MAX;
		}
		assert_true(fabs((double)codes_product(c, N - 1, q) - sum) <= most);
		free(q);
		codes_free(c);
	}
}

static void every_processor_has_the_same_product(void **state)
{
	static float x[DIM_MAX];
	struct codes *c = filled(DIM_MAX, 1, x);
	struct codes_query *q = query_of(x, DIM_MAX);

	(void)state;
	for (uint32_t n = CODES_BLOCK; n <= DIM_MAX; n += CODES_BLOCK)
		assert_int_equal(codes_dot_choose()(codes_row(c, 0), q->v, n),
				 codes_dot_plain(codes_row(c, 0), q->v, n));
	/* the largest there is */
	for (uint32_t i = 0; i < DIM_MAX; i++)
		x[i] = i % 2 == 0 ? 1 : -1;
	codes_set(c, 0, x);
	codes_query_set(q, x, DIM_MAX);
	assert_int_equal(codes_dot_plain(codes_row(c, 0), q->v, DIM_MAX),
			 DIM_MAX * 127 * CODES_QUERY_MAX);
	assert_int_equal(codes_dot_choose()(codes_row(c, 0), q->v, DIM_MAX),
			 DIM_MAX * 127 * CODES_QUERY_MAX);
	free(q);
	codes_free(c);
}

static void zeros_are_near_to_nothing(void **state)
{
	float x[40] = { 0 }, y[40];
	struct codes *c = filled(40, 1, y);
	struct codes_query *q = query_of(y, 40);

	(void)state;
	codes_set(c, 0, x);
	assert_true(codes_product(c, 0, q) == 0);
	codes_set(c, 0, y);
	codes_query_set(q, x, 40);
	assert_true(codes_product(c, 0, q) == 0);
	free(q);
	codes_free(c);
}

static void what_is_cut_off_is_gone_and_comes_back_as_zeros(void **state)
{
	float x[20];
	struct codes *c = filled(20, N, x);
	int8_t kept[20];

	(void)state;
	memcpy(kept, codes_row(c, 99), sizeof(kept));
	codes_move(c, 5, 99);
	codes_shrink(c, 100);
	assert_int_equal(c->n, 100);
	assert_int_equal(c->n_chunks, 1);
	assert_memory_equal(kept, codes_row(c, 99), sizeof(kept));
	assert_memory_equal(kept, codes_row(c, 5), sizeof(kept));
	assert_int_equal(*codes_signs(c, 5), *codes_signs(c, 99));
	assert_int_equal(codes_grow(c, 50), 0);
	assert_int_equal(c->n, 100);
	assert_int_equal(codes_grow(c, N), 0);
	for (size_t at = 100; at < N; at++) {
		assert_true(*codes_scale(c, at) == 0);
		for (uint32_t i = 0; i < c->stride; i++)
			assert_int_equal(codes_row(c, at)[i], 0);
		assert_int_equal(*codes_signs(c, at), 0);
	}
	codes_shrink(c, 0);
	assert_int_equal(c->n_chunks, 0);
	codes_free(c);
}

static void a_file_is_mapped_and_never_written(void **state)
{
	float x[50];
	struct codes *c = filled(50, N, x), *back = codes_new(50);
	size_t size = codes_chunk_size(50), n_chunks = codes_chunks(N);
	long page = sysconf(_SC_PAGESIZE);
	uint64_t sums[8] = { 0 };
	char *copy = malloc(size);
	FILE *file = tmpfile();

	(void)state;
	assert_true(file != NULL && back != NULL && copy != NULL);
	assert_true(n_chunks < ARRAY_LEN(sums));
	for (size_t i = 0; i < n_chunks; i++)
		sums[i] = codes_chunk_sum(c, i);
	assert_int_equal(fseek(file, page, SEEK_SET), 0);
	for (size_t i = 0; i < n_chunks; i++)
		assert_int_equal(fwrite(c->chunks[i], size, 1, file), 1);
	assert_int_equal(fwrite(c->signs, codes_signs_size(c), 1, file), 1);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(
		codes_map(back, fileno(file), (size_t)page, n_chunks * CODES_CHUNK + 1, sums),
		-EBADMSG);
	assert_int_equal(codes_map(back, fileno(file), (size_t)page, N, sums), 0);
	assert_int_equal(back->n, N);
	for (size_t at = 0; at < N; at++) {
		assert_true(*codes_scale(back, at) == *codes_scale(c, at));
		assert_memory_equal(codes_row(back, at), codes_row(c, at), c->stride);
		assert_memory_equal(codes_signs(back, at), codes_signs(c, at), sizeof(uint64_t));
	}
	/* it grows, shrinks and changes like any other */
	assert_int_equal(codes_grow(back, 4 * N), 0);
	codes_set(back, 4 * N - 1, x);
	codes_set(back, 0, x);
	codes_shrink(back, 10);
	assert_memory_equal(codes_row(back, 0), codes_row(c, N - 1), c->stride);
	assert_int_equal(codes_grow(back, N), 0);
	assert_int_equal(*codes_row(back, N - 1), 0);
	codes_free(back);
	assert_int_equal(fseek(file, page, SEEK_SET), 0);
	assert_int_equal(fread(copy, size, 1, file), 1);
	assert_memory_equal(copy, c->chunks[0], size);
	free(copy);
	fclose(file);
	codes_free(c);
}

/* The rows of a damaged chunk are lost, and no others; that is found when they are first used. */
static void a_damaged_chunk_is_noticed(void **state)
{
	float x[32];
	struct codes *c = filled(32, 3 * CODES_CHUNK, x);
	struct codes_query *q = query_of(x, 32);
	FILE *file = tmpfile();
	uint64_t sums[3];

	(void)state;
	assert_non_null(file);
	for (size_t i = 0; i < 3; i++) {
		sums[i] = codes_chunk_sum(c, i);
		assert_int_equal(fwrite(c->chunks[i], codes_chunk_size(32), 1, file), 1);
	}
	assert_int_equal(fwrite(c->signs, codes_signs_size(c), 1, file), 1);
	assert_int_equal(fseek(file, (long)codes_chunk_size(32) + 2000, SEEK_SET), 0);
	assert_int_equal(fputc(*codes_row(c, 256 + (2000 - 1024) / 32) ^ 1, file) == EOF, 0);
	assert_int_equal(fflush(file), 0);
	for (int changed_first = 0; changed_first < 2; changed_first++) {
		struct codes *back = codes_new(32);

		assert_non_null(back);
		assert_int_equal(codes_map(back, fileno(file), 0, 3 * CODES_CHUNK, sums), 0);
		assert_false(codes_is_damaged(back));
		if (changed_first == 1) {
			codes_set(back, CODES_CHUNK + 3, x);
			codes_move(back, 0, CODES_CHUNK + 4);
			assert_true(codes_product(back, 0, q) == 0);
		}
		for (size_t at = 1; at < 3 * CODES_CHUNK; at++)
			assert_true(codes_product(back, at, q) ==
				    (at / CODES_CHUNK == 1 ? CODES_NONE : codes_product(c, at, q)));
		assert_true(codes_is_damaged(back));
		codes_shrink(back, CODES_CHUNK + 10);
		assert_true(codes_product(back, CODES_CHUNK + 1, q) == CODES_NONE);
		codes_free(back);
	}
	free(q);
	fclose(file);
	codes_free(c);
}

static void the_nearest_come_in_order(void **state)
{
	static const size_t ks[] = { 0, 1, 2, 3, 10, 400, N, 2 * N };
	struct nearest_hit hits[2 * N];
	float products[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		products[i] = random_number() < 0 ? -1 : random_number(); /* many are equal */
	for (size_t c = 0; c < ARRAY_LEN(ks); c++) {
		struct nearest near = { hits, 0, ks[c] };
		bool seen[N] = { false };

		for (uint32_t i = 0; i < N; i++)
			nearest_add(&near, i, products[i]);
		nearest_sort(&near);
		assert_int_equal(near.n, MIN(ks[c], N));
		for (size_t i = 0; i < near.n; i++) {
			size_t better = 0;

			assert_false(seen[hits[i].place]);
			seen[hits[i].place] = true;
			assert_true(hits[i].product == products[hits[i].place]);
			for (uint32_t j = 0; j < N; j++)
				better += products[j] > hits[i].product ||
					  (products[j] == hits[i].product && j < hits[i].place);
			assert_int_equal(better, i);
		}
	}
}

static void every_processor_counts_the_same_signs(void **state)
{
	static const size_t words[] = { 1, 2, 5, 6, 7, 64 };
	uint64_t rows[3 * 64], query[64];
	uint16_t plain[3], best[3];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		rows[i] =
			(uint64_t)(int64_t)(random_number() * 1e9f) * UINT64_C(0x9e3779b97f4a7c15);
	memcpy(query, rows + 17, sizeof(query));
	for (size_t c = 0; c < ARRAY_LEN(words); c++) {
		codes_differ_plain(rows, 3, words[c], query, plain);
		codes_differ_choose()(rows, 3, words[c], query, best);
		for (size_t i = 0; i < 3; i++) {
			unsigned n = 0;

			for (size_t bit = 0; bit < 64 * words[c]; bit++)
				n += ((rows[i * words[c] + bit / 64] ^ query[bit / 64]) >>
				      (bit % 64)) &
				     1;
			assert_int_equal(plain[i], n);
			assert_int_equal(best[i], n);
		}
	}
}

/* As passages are: about some subject or other, here a vector, and of their own
 * in the rest. */
static void subject_vector(float *x, const float *subject, uint32_t dim)
{
	for (uint32_t i = 0; i < dim; i++)
		x[i] = subject[i] + random_number();
}

#define SUBJECTS 200
#define MANY     (CODES_SCAN_MAX + 5000)

/* By signs first: the ten nearest are those that looking at each row finds. */
static void of_many_rows_the_nearest_are_found(void **state)
{
	static const uint32_t dims[] = { 48, 128, 384 };
	static float subjects[SUBJECTS][384], x[384];
	struct nearest_hit hits[256], all_hits[10];

	(void)state;
	for (size_t d = 0; d < ARRAY_LEN(dims); d++) {
		struct codes *c = codes_new(dims[d]);
		size_t found = 0;

		assert_int_equal(codes_grow(c, MANY), 0);
		for (size_t i = 0; i < SUBJECTS; i++)
			random_vector(subjects[i], dims[d]);
		for (size_t i = 0; i < MANY; i++) {
			subject_vector(x, subjects[i % SUBJECTS], dims[d]);
			codes_set(c, i, x);
		}
		for (size_t i = 0; i < 20; i++) {
			struct nearest near = { hits, 0, 256 }, all = { all_hits, 0, 10 };
			struct codes_query *q;

			subject_vector(x, subjects[i], dims[d]);
			q = query_of(x, dims[d]);
			assert_int_equal(codes_search(c, q, &near), 0);
			assert_int_equal(near.n, 256);
			for (uint32_t at = 0; at < MANY; at++)
				nearest_add(&all, at, codes_product(c, at, q));
			nearest_sort(&all);
			for (size_t k = 0; k < 10; k++)
				for (size_t j = 0; j < 10; j++)
					found += hits[j].place == all_hits[k].place;
			assert_true(hits[0].product == all_hits[0].product);
			free(q);
		}
		print_message("%u numbers: %zu of 200\n", dims[d], found);
		assert_true(found >= 195);
		codes_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_product_is_as_exact_as_eight_bits_are),
		cmocka_unit_test(every_processor_has_the_same_product),
		cmocka_unit_test(zeros_are_near_to_nothing),
		cmocka_unit_test(what_is_cut_off_is_gone_and_comes_back_as_zeros),
		cmocka_unit_test(a_file_is_mapped_and_never_written),
		cmocka_unit_test(a_damaged_chunk_is_noticed),
		cmocka_unit_test(the_nearest_come_in_order),
		cmocka_unit_test(every_processor_counts_the_same_signs),
		cmocka_unit_test(of_many_rows_the_nearest_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
