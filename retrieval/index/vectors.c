#include "retrieval/index/vectors.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/utils/distances_c.h>

#include "base/util.h"
#include "retrieval/index/dense.h"
#include "retrieval/index/half.h"
#include "retrieval/index/vectors_private.h"

/* Of the OpenMP that FAISS was built with; <omp.h> is not every C compiler's. */
extern void omp_set_num_threads(int n);

/*
 * FAISS has a product by BLAS that is twice as fast as its loop even for one question, and takes it
 * above this many questions at once.
 */
static void choose_blas(void)
{
	faiss_set_distance_compute_blas_threshold(1);
	openblas_set_num_threads(1);
}

static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

/* Each thread has a number of its own; a question is too small to share. */
static void calm_threads(void)
{
	pthread_once(&choose_once, choose_blas);
	omp_set_num_threads(1);
}

struct vectors *vectors_new(uint32_t collection, uint32_t dim, unsigned side)
{
	struct vectors *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->collection = collection;
	v->dim = dim;
	v->side = side;
	v->whole = true;
	return v;
}

static void forget(struct vectors *v)
{
	if (v->faiss != NULL)
		faiss_Index_free(v->faiss);
	free(v->passages);
	v->faiss = NULL;
	v->passages = NULL;
	v->n = 0;
	v->cap = 0;
}

void vectors_free(struct vectors *v)
{
	if (v == NULL)
		return;
	forget(v);
	free(v);
}

static float *data_of(const struct vectors *v)
{
	float *xb = NULL;
	size_t size;

	if (v->faiss != NULL)
		faiss_IndexFlat_xb(v->faiss, &xb, &size);
	return xb;
}

/* Places 0 .. n in FAISS and in the table; what is behind the living ones is zeros. */
static int make_room(struct vectors *v, uint32_t n, const float *zeros)
{
	if (v->faiss == NULL && faiss_IndexFlatIP_new_with(&v->faiss, (idx_t)v->dim) != 0)
		return -ENOMEM;
	if (n > v->cap) {
		uint32_t cap = MAX(n, v->cap + v->cap / 2);
		uint32_t *p = realloc(v->passages, cap * sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		v->passages = p;
		v->cap = cap;
	}
	while (faiss_Index_ntotal(v->faiss) < (idx_t)n)
		if (faiss_Index_add(v->faiss, 1, zeros) != 0)
			return -ENOMEM;
	return 0;
}

static struct catalog_page *page_of(const struct catalog *c, uint32_t passage)
{
	return c->pages[passage / CATALOG_PAGE];
}

void vectors_add(struct vectors *v, struct catalog *c, const struct catalog_document *d,
		 const uint16_t *half)
{
	float *zeros = calloc(v->dim, sizeof(*zeros)), *data;

	calm_threads();
	if (zeros == NULL || make_room(v, v->n + d->n_passages, zeros) < 0) {
		v->whole = false;
		free(zeros);
		return;
	}
	free(zeros);
	data = data_of(v);
	for (uint32_t i = 0; i < d->n_passages; i++) {
		uint32_t passage = d->first_passage + i, at = v->n++;
		float *to = data + (size_t)at * v->dim;

		for (uint32_t j = 0; j < v->dim; j++)
			to[j] = half_to(half[(size_t)i * v->dim + j]);
		v->passages[at] = passage;
		page_of(c, passage)->place[v->side][passage % CATALOG_PAGE] = at + 1;
	}
	v->changed = true;
}

/* Give memory back once most of it is unused. */
static void trim(struct vectors *v)
{
	FaissIDSelectorRange *sel = NULL;
	idx_t n = faiss_Index_ntotal(v->faiss);

	if (n < 1024 || n < 2 * (idx_t)v->n)
		return;
	if (faiss_IDSelectorRange_new(&sel, (idx_t)v->n, n) != 0)
		return;
	faiss_Index_remove_ids(v->faiss, (const FaissIDSelector *)sel, NULL);
	faiss_IDSelectorRange_free(sel);
}

void vectors_remove(struct vectors *v, struct catalog *c, const struct catalog_document *d)
{
	float *data = data_of(v);

	if (data == NULL)
		return;
	for (uint32_t i = 0; i < d->n_passages; i++) {
		uint32_t passage = d->first_passage + i;
		uint32_t *place = &page_of(c, passage)->place[v->side][passage % CATALOG_PAGE];
		uint32_t at = *place - 1, last = v->n - 1, moved;

		if (*place == 0)
			continue;
		moved = v->passages[last];
		memmove(data + (size_t)at * v->dim, data + (size_t)last * v->dim,
			v->dim * sizeof(*data));
		memset(data + (size_t)last * v->dim, 0, v->dim * sizeof(*data));
		v->passages[at] = moved;
		page_of(c, moved)->place[v->side][moved % CATALOG_PAGE] = at + 1;
		*place = 0;
		v->n--;
	}
	v->changed = true;
	trim(v);
}

void vectors_clear(struct vectors *v, struct catalog *c)
{
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t passage = v->passages[i];

		page_of(c, passage)->place[v->side][passage % CATALOG_PAGE] = 0;
	}
	forget(v);
}

bool vectors_whole(const struct vectors *v)
{
	return v->whole;
}

uint64_t vectors_count(const struct vectors *v)
{
	return v->n;
}

ssize_t vectors_search(const struct vectors *v, const float *q, size_t k, struct near *out,
		       struct ragd_err *err)
{
	float *distances;
	idx_t *labels;
	ssize_t n = 0;

	if (v->n == 0)
		return 0;
	k = MIN(k, v->n);
	calm_threads();
	distances = malloc(k * sizeof(*distances));
	labels = malloc(k * sizeof(*labels));
	if (distances == NULL || labels == NULL)
		n = ragd_err_set(err, -ENOMEM, "out of memory for a search");
	else if (faiss_Index_search(v->faiss, 1, q, (idx_t)k, distances, labels) != 0)
		n = ragd_err_set(err, -EIO, "search vectors: %s", faiss_get_last_error());
	for (size_t i = 0; n >= 0 && i < k; i++)
		if (labels[i] >= 0 && labels[i] < (idx_t)v->n)
			out[n++] = (struct near){ v->passages[labels[i]], distances[i] };
	free(distances);
	free(labels);
	return n;
}

float vectors_cosine(const struct vectors *v, const struct catalog_page *page, uint32_t place,
		     const float *q)
{
	uint32_t at = page->place[v->side][place];

	if (at == 0 || page->collection[place] != v->collection)
		return 0;
	return dense_dot(data_of(v) + (size_t)(at - 1) * v->dim, q, v->dim);
}
