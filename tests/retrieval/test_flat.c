/* Vectors, and those nearest to one; built over FAISS, and over the plain loops. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "retrieval/index/flat.h"
#include "tests/test.h"

#define DIM 20
#define N   1500

static struct flat *filled(size_t n)
{
	struct flat *f = flat_new(DIM);
	uint32_t state = 88172645u;

	assert_non_null(f);
	assert_int_equal(flat_grow(f, n), 0);
	assert_int_equal(flat_count(f), n);
	for (size_t i = 0; i < n * DIM; i++) {
		assert_true(flat_data(f)[i] == 0);
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		flat_data(f)[i] = (float)state / 2147483648.0f - 1;
	}
	return f;
}

static double product(const float *x, const float *y)
{
	double sum = 0;

	for (size_t i = 0; i < DIM; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

/* How many are nearer to q than `than` by more than rounding. */
static size_t count_nearer(const struct flat *f, const float *q, double than)
{
	size_t nearer = 0;

	for (size_t i = 0; i < flat_count(f); i++)
		nearer += product(flat_data(f) + i * DIM, q) > than + 1e-4;
	return nearer;
}

static void the_nearest_are_found_in_order(void **state)
{
	static const size_t ks[] = { 1, 2, 3, 10, 400, N };
	struct flat *f = filled(N);
	struct flat_hit hits[N];
	bool seen[N];

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(ks); c++) {
		const float *q = flat_data(f) + c * 7 * DIM;

		memset(seen, 0, sizeof(seen));
		assert_int_equal(flat_search(f, q, ks[c], hits, NULL), 0);
		for (size_t i = 0; i < ks[c]; i++) {
			double p = product(flat_data(f) + hits[i].place * DIM, q);

			assert_true(hits[i].place < N && !seen[hits[i].place]);
			seen[hits[i].place] = true;
			assert_true(p - (double)hits[i].product < 1e-4);
			assert_true((double)hits[i].product - p < 1e-4);
			assert_true(i == 0 || hits[i - 1].product >= hits[i].product);
			assert_true(count_nearer(f, q, p) <= i);
		}
	}
	flat_free(f);
}

static void what_is_cut_off_is_gone_and_comes_back_as_zeros(void **state)
{
	struct flat *f = filled(N);
	float kept[DIM];

	(void)state;
	memcpy(kept, flat_data(f) + 99 * DIM, sizeof(kept));
	flat_shrink(f, 100);
	assert_int_equal(flat_count(f), 100);
	assert_memory_equal(kept, flat_data(f) + 99 * DIM, sizeof(kept));
	assert_int_equal(flat_grow(f, 50), 0);
	assert_int_equal(flat_count(f), 100);
	assert_int_equal(flat_grow(f, 102), 0);
	for (size_t i = 100 * DIM; i < 102 * DIM; i++)
		assert_true(flat_data(f)[i] == 0);
	flat_shrink(f, 0);
	assert_int_equal(flat_count(f), 0);
	flat_free(f);
}

static void a_file_gives_back_what_was_written(void **state)
{
	struct flat *f = filled(N), *back = NULL;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(fwrite("head", 1, 4, file), 4);
	assert_int_equal(flat_write(f, file), 0);
	assert_int_equal(fflush(file), 0);
	assert_int_equal(fseek(file, 4, SEEK_SET), 0);
	assert_int_equal(flat_read(file, DIM, N, &back), 0);
	assert_int_equal(flat_count(back), N);
	assert_memory_equal(flat_data(back), flat_data(f), N * DIM * sizeof(float));
	flat_free(back);

	assert_int_equal(fseek(file, 4, SEEK_SET), 0);
	assert_int_equal(flat_read(file, DIM + 1, N, &back), -EBADMSG);
	assert_int_equal(fseek(file, 4, SEEK_SET), 0);
	assert_int_equal(flat_read(file, DIM, N + 1, &back), -EBADMSG);
	assert_int_equal(fseek(file, 0, SEEK_SET), 0);
	assert_int_equal(flat_read(file, DIM, N, &back), -EBADMSG);
#ifdef FLAT_PLAIN /* FAISS loses what it has read so far; its files are checked before */
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	assert_int_equal(ftruncate(fileno(file), ftell(file) - 1), 0);
	assert_int_equal(fseek(file, 4, SEEK_SET), 0);
	assert_int_equal(flat_read(file, DIM, N, &back), -EBADMSG);
#endif
	fclose(file);
	flat_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_are_found_in_order),
		cmocka_unit_test(what_is_cut_off_is_gone_and_comes_back_as_zeros),
		cmocka_unit_test(a_file_gives_back_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
