/* The index of the vectors of a collection: added, removed, searched, saved, mapped again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "retrieval/index/codes_search.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/vectors.h"
#include "tests/retrieval/calls.h"
#include "tests/test.h"

#define DIM  64
#define RUN  100                         /* passages of a document */
#define DOCS (CODES_SCAN_MAX / RUN + 40) /* of so many vectors the signs decide */
#define MINE 1
#define HIS  2

struct index {
	struct catalog catalog;
	struct vectors *mine, *his;
	struct catalog_document docs[2 * DOCS];
	char dir[64];
};

static const uint16_t lengths[RUN];
static uint32_t random_state;

static float random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return (float)random_state / 2147483648.0f - 1;
}

/* Each passage has a vector of its own, the same whenever it is asked for. */
static void passage_vector(uint32_t passage, float *out)
{
	random_state = passage * 2654435761u + 88172645u;
	for (uint32_t i = 0; i < DIM; i++)
		out[i] = random_number();
}

static void add_document(struct index *ix, struct vectors *v, uint32_t collection, uint32_t at)
{
	struct catalog_document *d = &ix->docs[at];
	uint16_t f16[RUN * DIM];
	float x[DIM];

	*d = (struct catalog_document){ at + 1, collection, at * RUN, RUN, lengths, 0 };
	for (uint32_t i = 0; i < RUN; i++) {
		passage_vector(d->first_passage + i, x);
		for (uint32_t j = 0; j < DIM; j++)
			f16[i * DIM + j] = f16_from_float(x[j]);
	}
	assert_int_equal(catalog_reserve(&ix->catalog, d, NULL), 0);
	catalog_add(&ix->catalog, d);
	vectors_add(v, &ix->catalog, d->first_passage, RUN, f16);
}

static void remove_document(struct index *ix, struct vectors *v, uint32_t at)
{
	vectors_remove(v, &ix->catalog, &ix->docs[at]);
	catalog_remove(&ix->catalog, &ix->docs[at]);
	catalog_sweep(&ix->catalog, &ix->docs[at]);
}

/* Every second document is mine, and there are as many of his. */
static int setup(void **state)
{
	struct index *ix = calloc(1, sizeof(*ix));
	const struct acl acl = { .mode = 0600 };

	assert_non_null(ix);
	snprintf(ix->dir, sizeof(ix->dir), "/tmp/test_vectors.XXXXXX");
	assert_non_null(mkdtemp(ix->dir));
	assert_int_equal(catalog_init(&ix->catalog), 0);
	assert_int_equal(catalog_add_collection(&ix->catalog, MINE, "mine", &acl, 0), 0);
	assert_int_equal(catalog_add_collection(&ix->catalog, HIS, "his", &acl, 0), 0);
	ix->mine = vectors_new(MINE, DIM, 0);
	ix->his = vectors_new(HIS, DIM, 0);
	for (uint32_t i = 0; i < DOCS; i++) {
		add_document(ix, ix->mine, MINE, 2 * i);
		add_document(ix, ix->his, HIS, 2 * i + 1);
	}
	*state = ix;
	return 0;
}

static int teardown(void **state)
{
	struct index *ix = *state;

	vectors_free(ix->mine);
	vectors_free(ix->his);
	catalog_fini(&ix->catalog);
	test_remove_dir(ix->dir);
	free(ix);
	return 0;
}

static struct codes_query *query_of(uint32_t passage)
{
	struct codes_query *q = malloc(codes_query_size(DIM));
	float x[DIM];

	assert_non_null(q);
	passage_vector(passage, x);
	codes_query_set(q, x, DIM);
	return q;
}

static float cosine_of(const struct index *ix, const struct vectors *v, uint32_t passage,
		       const struct codes_query *q)
{
	uint32_t place;
	const struct catalog_page *page = catalog_at(&ix->catalog, passage, &place);

	return page != NULL ? vectors_cosine(v, page, place, q) : VECTORS_NONE;
}

/* Whether a passage is the nearest to its own vector, with the product that it is given alone. */
static bool is_found(const struct index *ix, const struct vectors *v, uint32_t passage)
{
	struct codes_query *q = query_of(passage);
	struct near near[10];
	ssize_t n = vectors_search(v, q, ARRAY_LEN(near), near, NULL);
	bool found;

	assert_true(n >= 0);
	for (ssize_t i = 0; i < n; i++) /* search and single passage agree to the bit */
		assert_true(near[i].cosine == cosine_of(ix, v, near[i].passage, q));
	found = n > 0 && near[0].passage == passage;
	free(q);
	return found;
}

/* Of every third document a passage: in the index if the document is there. */
static void check_documents(const struct index *ix, const struct vectors *v, uint32_t from,
			    bool there)
{
	for (uint32_t at = from; at < 2 * DOCS; at += 6)
		assert_true(is_found(ix, v, at * RUN + at % RUN) == there);
}

static void only_the_collection_asked_for_is_searched(void **state)
{
	struct index *ix = *state;
	struct codes_query *q = query_of(0);

	assert_int_equal(vectors_count(ix->mine), DOCS * RUN);
	check_documents(ix, ix->mine, 0, true);
	check_documents(ix, ix->mine, 1, false);
	check_documents(ix, ix->his, 1, true);
	assert_true(cosine_of(ix, ix->his, 0, q) == VECTORS_NONE);
	free(q);
}

/* To the bit, whatever the other collection has. */
static void nothing_of_the_other_collection_shows(void **state)
{
	struct index *ix = *state;
	struct codes_query *q = query_of(1 * RUN);
	struct near before[256], after[256];
	ssize_t n = vectors_search(ix->mine, q, 256, before, NULL);

	assert_int_equal(n, 256);
	for (uint32_t i = 0; i < DOCS; i++)
		remove_document(ix, ix->his, 2 * i + 1);
	assert_int_equal(vectors_count(ix->his), 0);
	assert_int_equal(vectors_search(ix->his, q, 256, after, NULL), 0);
	assert_int_equal(vectors_search(ix->mine, q, 256, after, NULL), 256);
	for (ssize_t i = 0; i < n; i++)
		assert_true(before[i].passage == after[i].passage &&
			    before[i].cosine == after[i].cosine);
	free(q);
}

static void what_is_removed_is_gone_and_can_come_again(void **state)
{
	struct index *ix = *state;

	for (uint32_t at = 0; at < 2 * DOCS; at += 6)
		remove_document(ix, ix->mine, at);
	check_documents(ix, ix->mine, 0, false);
	check_documents(ix, ix->mine, 2, true);
	check_documents(ix, ix->mine, 4, true);
	for (uint32_t at = 0; at < 2 * DOCS; at += 6)
		add_document(ix, ix->mine, MINE, at);
	for (uint32_t from = 0; from < 6; from += 2)
		check_documents(ix, ix->mine, from, true);
}

static const struct vectors_stamp stamp = { .changes = 7 };

/* The vectors of before are forgotten, and those in the file taken. */
static int load_again(struct index *ix)
{
	vectors_clear(ix->mine, &ix->catalog);
	return vectors_load(ix->mine, &ix->catalog, ix->dir, &stamp, NULL);
}

static void a_file_is_taken_and_goes_on_to_change(void **state)
{
	struct index *ix = *state;

	for (uint32_t at = 0; at < 2 * DOCS; at += 6)
		remove_document(ix, ix->mine, at);
	assert_int_equal(vectors_save(ix->mine, ix->dir, &stamp, NULL), 0);
	assert_int_equal(load_again(ix), 0);
	check_documents(ix, ix->mine, 0, false);
	check_documents(ix, ix->mine, 2, true);
	for (uint32_t at = 0; at < 2 * DOCS; at += 6)
		add_document(ix, ix->mine, MINE, at);
	for (uint32_t at = 2; at < 2 * DOCS; at += 6)
		remove_document(ix, ix->mine, at);
	check_documents(ix, ix->mine, 0, true);
	check_documents(ix, ix->mine, 2, false);
	/* the file is as it was */
	assert_int_equal(load_again(ix), -EBADMSG); /* of passages that are gone */
	assert_int_equal(vectors_count(ix->mine), 0);
}

static void spoil(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ 0x10);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void a_damaged_file_is_not_taken(void **state)
{
	struct index *ix = *state;
	char path[128];
	struct stat st;

	assert_int_equal(vectors_save(ix->mine, ix->dir, &stamp, NULL), 0);
	snprintf(path, sizeof(path), "%s/vectors-%d.faiss", ix->dir, MINE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(load_again(ix), 0);
	for (int i = 0; i < 50; i++) { /* anywhere but in the unused end of the header's page */
		off_t at = st.st_size - 1 - (st.st_size - 400000) / 50 * i;

		spoil(path, at);
		assert_int_equal(load_again(ix), -EBADMSG);
		assert_int_equal(vectors_count(ix->mine), 0);
		spoil(path, at);
	}
	assert_int_equal(load_again(ix), 0);
	check_documents(ix, ix->mine, 0, true);
	for (off_t len = st.st_size - 1; len > 0; len /= 3) {
		assert_int_equal(truncate(path, len), 0);
		assert_int_equal(load_again(ix), -EBADMSG);
	}
}

/* A file so large that a start does not read all of it: some passages are lost, and it is told. */
static void damage_in_a_large_file_is_found_by_a_search(void **state)
{
	enum { BIG_DIM = 4096, N = 4300, BIG_RUN = 50 };
	const struct acl acl = { .mode = 0600 };
	struct index *ix = *state;
	struct vectors *v = vectors_new(3, BIG_DIM, 0);
	uint16_t *f16 = calloc((size_t)BIG_RUN * BIG_DIM, sizeof(*f16));
	struct codes_query *q = calloc(1, codes_query_size(BIG_DIM));
	float x[BIG_DIM] = { 0 };
	struct near near[N];
	char path[128];
	ssize_t found = 0;

	assert_true(v != NULL && f16 != NULL && q != NULL);
	assert_int_equal(catalog_add_collection(&ix->catalog, 3, "big", &acl, 0), 0);
	for (uint32_t i = 0; i < BIG_RUN; i++)
		f16[i * BIG_DIM + i] = f16_from_float(1);
	for (uint32_t at = 0; at < N / BIG_RUN; at++) {
		struct catalog_document d = { 90000 + at, 3,       900000 + at * BIG_RUN,
					      BIG_RUN,    lengths, 0 };

		assert_int_equal(catalog_reserve(&ix->catalog, &d, NULL), 0);
		catalog_add(&ix->catalog, &d);
		vectors_add(v, &ix->catalog, d.first_passage, BIG_RUN, f16);
	}
	assert_int_equal(vectors_save(v, ix->dir, &stamp, NULL), 0);
	snprintf(path, sizeof(path), "%s/vectors-3.faiss", ix->dir);
	spoil(path, 5 * 1024 * 1024);
	vectors_clear(v, &ix->catalog);
	assert_int_equal(vectors_load(v, &ix->catalog, ix->dir, &stamp, NULL), 0);
	assert_true(vectors_whole(v));
	x[0] = 1;
	codes_query_set(q, x, BIG_DIM);
	assert_int_equal(vectors_search(v, q, N, near, NULL), N);
	for (ssize_t i = 0; i < N; i++)
		found += near[i].cosine != VECTORS_NONE;
	assert_int_equal(found, N - CODES_CHUNK);
	assert_false(vectors_whole(v));
	vectors_unlink(v, ix->dir);
	assert_int_equal(access(path, F_OK), -1);
	vectors_free(v);
	free(f16);
	free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_the_collection_asked_for_is_searched, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nothing_of_the_other_collection_shows, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_removed_is_gone_and_can_come_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_is_taken_and_goes_on_to_change, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_in_a_large_file_is_found_by_a_search, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
