#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/svd.h"
#include "tests/test.h"

static uint32_t state_of_chance = 1;

static uint32_t chance(uint32_t below)
{
	state_of_chance = state_of_chance * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)state_of_chance * below) >> 32);
}

static bool go_on(void *arg)
{
	(void)arg;
	return false;
}

static bool stop_at_once(void *arg)
{
	(void)arg;
	return true;
}

/* Rows about one of `n_topics` topics, each with 20 words of its own, and 40 words of all. */
static void make_rows(struct embed_rows *rows, uint32_t n, uint32_t n_topics)
{
	for (uint32_t i = 0; i < n; i++) {
		struct term terms[16];

		for (uint32_t j = 0; j < 16; j++) {
			uint64_t word =
				j < 10 ? 1000 * (1 + i % n_topics) + chance(20) : chance(40) + 1;

			terms[j] = (struct term){ word * 0x9e3779b97f4a7c15u, 1 };
		}
		assert_int_equal(embed_rows_add(rows, terms, 16), 0);
	}
}

static float dot(const float *a, const float *b, uint32_t n)
{
	float sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void half_precision_keeps_three_digits(void **state)
{
	static const float rows[] = {
		0, 1, -1, 0.5f, 0.333333f, -0.001f, 0.12345f, 6.2e-5f, 1000.5f
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(fabsf(f16_to_float(f16_from_float(rows[i])) - rows[i]) <=
			    fabsf(rows[i]) / 2048 + 1e-7f);
	assert_true(f16_to_float(f16_from_float(1e-9f)) == 0);
	for (uint32_t h = 0x0400; h < 0x7c00; h++) /* every normal half comes back as itself */
		assert_int_equal(f16_from_float(f16_to_float((uint16_t)h)), h);
}

/* A matrix made of known directions gives them back. */
static void svd_finds_the_directions_of_a_known_matrix(void **state)
{
	enum { ROWS = 300, COLUMNS = 60, RANK = 4 };
	float basis[RANK][COLUMNS], *values = calloc(ROWS * COLUMNS, sizeof(*values));
	uint32_t *columns = calloc(ROWS * COLUMNS, sizeof(*columns));
	size_t *ends = calloc(ROWS, sizeof(*ends));
	float *out = calloc(COLUMNS * RANK, sizeof(*out));
	struct svd_matrix m = { columns, values, ends, ROWS, COLUMNS };

	(void)state;
	for (int r = 0; r < RANK; r++) /* orthogonal: each has columns of its own */
		for (int c = 0; c < COLUMNS; c++)
			basis[r][c] = c % RANK == r ? 1 / sqrtf(COLUMNS / (float)RANK) : 0;
	for (int i = 0; i < ROWS; i++) {
		for (int c = 0; c < COLUMNS; c++) {
			float v = 0;

			for (int r = 0; r < RANK; r++)
				v += ((float)chance(1000) / 1000 - 0.5f) * 0.01f +
				     (i % RANK == r) * (float)(RANK - r) * basis[r][c];
			columns[i * COLUMNS + c] = (uint32_t)c;
			values[i * COLUMNS + c] = v;
		}
		ends[i] = (size_t)(i + 1) * COLUMNS;
	}
	assert_int_equal(svd_directions(&m, RANK, go_on, NULL, out), 0);
	for (int r = 0; r < RANK; r++) {
		float along = 0, length = 0;

		for (int c = 0; c < COLUMNS; c++) {
			along += out[c * RANK + r] * basis[r][c];
			length += out[c * RANK + r] * out[c * RANK + r];
		}
		assert_true(fabsf(length - 1) < 1e-3f);
		assert_true(fabsf(along) > 0.99f);
	}
	assert_int_equal(svd_directions(&m, COLUMNS, go_on, NULL, out), -ENODATA);
	assert_int_equal(svd_directions(&m, RANK, stop_at_once, NULL, out), -ECANCELED);
	memset(values, 0, ROWS * COLUMNS * sizeof(*values));
	assert_int_equal(svd_directions(&m, RANK, go_on, NULL, out), -ENODATA);
	free(values);
	free(columns);
	free(ends);
	free(out);
}

static void texts_of_one_topic_lie_near_each_other(void **state)
{
	struct embed_rows rows = { 0 }, asked = { 0 };
	struct embedder *e = NULL, *again = NULL;
	float v[40][64], same = 0, other = 0;
	unsigned n_same = 0, n_other = 0;

	(void)state;
	state_of_chance = 5;
	make_rows(&rows, 600, 10);
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &e, NULL), 0);
	assert_int_equal(e->dim, 64);
	assert_true(e->n_terms > 64);
	make_rows(&asked, 40, 10);
	for (size_t i = 0; i < 40; i++) {
		size_t from = i == 0 ? 0 : asked.ends[i - 1];
		float held = embedder_project(e, asked.terms + from, 16, v[i]);

		assert_true(held > 0 && held <= 1);
		assert_true(fabsf(dot(v[i], v[i], 64) - 1) < 1e-3f);
	}
	for (size_t i = 0; i < 40; i++)
		for (size_t j = 0; j < i; j++) {
			if (i % 10 == j % 10) {
				same += dot(v[i], v[j], 64);
				n_same++;
			} else {
				other += dot(v[i], v[j], 64);
				n_other++;
			}
		}
	print_message("cosine within topics %.2f, across %.2f\n", (double)same / n_same,
		      (double)other / n_other);
	assert_true(same / (float)n_same > 0.3f + other / (float)n_other);
	/* The same rows teach the same, to the digest. */
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &again, NULL), 0);
	assert_string_equal(e->digest, again->digest);
	embedder_unref(e);
	embedder_unref(again);
	embed_rows_fini(&rows);
	embed_rows_fini(&asked);
}

static void a_text_of_unknown_words_has_no_vector(void **state)
{
	struct embed_rows rows = { 0 };
	struct term unknown = { 42, 1 };
	struct embedder *e = NULL;
	float v[64];

	(void)state;
	make_rows(&rows, 300, 5);
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &e, NULL), 0);
	assert_true(embedder_project(e, &unknown, 1, v) == 0);
	assert_true(embedder_project(e, NULL, 0, v) == 0);
	for (size_t i = 0; i < 64; i++)
		assert_true(v[i] == 0);
	embedder_unref(e);
	embed_rows_fini(&rows);
}

static void what_teaches_nothing_is_said(void **state)
{
	struct embed_rows rows = { 0 };
	struct embedder *e = NULL;
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &e, &err), -ENODATA);
	assert_true(err.msg[0] != '\0');
	for (uint64_t i = 0; i < 300; i++) { /* no word twice */
		struct term t = { i * 0x9e3779b97f4a7c15u, 1 };

		assert_int_equal(embed_rows_add(&rows, &t, 1), 0);
	}
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &e, &err), -ENODATA);
	embed_rows_fini(&rows);
	make_rows(&rows, 300, 5);
	assert_int_equal(embedder_fit(&rows, 64, stop_at_once, NULL, &e, &err), -ECANCELED);
	assert_null(e);
	embed_rows_fini(&rows);
}

static void a_blob_is_read_or_refused(void **state)
{
	struct embed_rows rows = { 0 };
	struct embedder *e = NULL, *back = NULL;
	size_t lengths[] = { 0, 3, 15, 16, 17 };
	struct term t[2] = { { 1000ull * 0x9e3779b97f4a7c15u, 1 },
			     { 1001ull * 0x9e3779b97f4a7c15u, 2 } };
	float a[64], b[64];
	char *blob = NULL;
	size_t len = 0;

	(void)state;
	make_rows(&rows, 300, 5);
	assert_int_equal(embedder_fit(&rows, 64, go_on, NULL, &e, NULL), 0);
	assert_int_equal(embedder_save(e, (void **)&blob, &len, NULL), 0);
	assert_int_equal(embedder_load(blob, len, &back, NULL), 0);
	assert_string_equal(back->digest, e->digest);
	embedder_project(e, t, 2, a);
	embedder_project(back, t, 2, b);
	assert_memory_equal(a, b, sizeof(a));
	embedder_unref(back);
	back = NULL;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		assert_int_equal(embedder_load(blob, lengths[i], &back, NULL), -EBADMSG);
	assert_int_equal(embedder_load(blob, len - 1, &back, NULL), -EBADMSG);
	memset(blob + 8, 0xff, 4); /* more terms than there are bytes */
	assert_int_equal(embedder_load(blob, len, &back, NULL), -EBADMSG);
	memset(blob + 4, 0xff, 4); /* a dimension that overflows */
	assert_int_equal(embedder_load(blob, len, &back, NULL), -EBADMSG);
	assert_null(back);
	free(blob);
	embedder_unref(e);
	embed_rows_fini(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_precision_keeps_three_digits),
		cmocka_unit_test(svd_finds_the_directions_of_a_known_matrix),
		cmocka_unit_test(texts_of_one_topic_lie_near_each_other),
		cmocka_unit_test(a_text_of_unknown_words_has_no_vector),
		cmocka_unit_test(what_teaches_nothing_is_said),
		cmocka_unit_test(a_blob_is_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
