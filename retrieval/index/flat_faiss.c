#include "retrieval/index/flat.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <cblas.h>
#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/index_io_c.h>
#include <faiss/c_api/utils/distances_c.h>

struct flat {
	FaissIndexFlatIP *faiss;
	float *zeros; /* [dim] */
};

/* Of the OpenMP that FAISS was built with; <omp.h> is not every C compiler's. */
extern void omp_set_num_threads(int n);

/*
 * FAISS has a product by BLAS that is twice as fast as its loop even for one question, and takes it
 * above this many questions at once.
 */
static void faiss_choose_blas(void)
{
	faiss_set_distance_compute_blas_threshold(1);
	openblas_set_num_threads(1);
}

static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

/* Each thread has a number of its own; a question is too small to share. */
static void threads_calm(void)
{
	pthread_once(&choose_once, faiss_choose_blas);
	omp_set_num_threads(1);
}

struct flat *flat_new(uint32_t dim)
{
	struct flat *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->zeros = calloc(dim, sizeof(*f->zeros));
	if (f->zeros == NULL || faiss_IndexFlatIP_new_with(&f->faiss, (idx_t)dim) != 0) {
		flat_free(f);
		return NULL;
	}
	return f;
}

void flat_free(struct flat *f)
{
	if (f == NULL)
		return;
	if (f->faiss != NULL)
		faiss_Index_free(f->faiss);
	free(f->zeros);
	free(f);
}

size_t flat_count(const struct flat *f)
{
	return (size_t)faiss_Index_ntotal(f->faiss);
}

float *flat_data(const struct flat *f)
{
	float *xb = NULL;
	size_t size;

	faiss_IndexFlat_xb(f->faiss, &xb, &size);
	return xb;
}

int flat_grow(struct flat *f, size_t n)
{
	threads_calm();
	while (flat_count(f) < n)
		if (faiss_Index_add(f->faiss, 1, f->zeros) != 0)
			return -ENOMEM;
	return 0;
}

void flat_shrink(struct flat *f, size_t n)
{
	FaissIDSelectorRange *sel = NULL;

	if (faiss_IDSelectorRange_new(&sel, (idx_t)n, (idx_t)flat_count(f)) != 0)
		return;
	faiss_Index_remove_ids(f->faiss, (const FaissIDSelector *)sel, NULL);
	faiss_IDSelectorRange_free(sel);
}

int flat_search(const struct flat *f, const float *q, size_t k, struct flat_hit *out,
		struct ragd_err *err)
{
	float *products = malloc(k * sizeof(*products));
	idx_t *places = malloc(k * sizeof(*places));
	int rc = 0;

	threads_calm();
	if (products == NULL || places == NULL)
		rc = ragd_err_set(err, -ENOMEM, "out of memory for a search");
	else if (faiss_Index_search(f->faiss, 1, q, (idx_t)k, products, places) != 0)
		rc = ragd_err_set(err, -EIO, "search vectors: %s", faiss_get_last_error());
	for (size_t i = 0; rc == 0 && i < k; i++)
		out[i] = (struct flat_hit){ (size_t)places[i], products[i] };
	free(products);
	free(places);
	return rc;
}

int flat_write(const struct flat *f, FILE *file)
{
	errno = 0;
	if (faiss_write_index(f->faiss, file) != 0)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

int flat_read(FILE *file, uint32_t dim, size_t n_min, struct flat **out)
{
	struct flat *f = flat_new(dim);
	FaissIndexFlatIP *read = NULL;

	if (f == NULL)
		return -ENOMEM;
	if (faiss_read_index(file, 0, &read) != 0) {
		flat_free(f);
		return -EBADMSG;
	}
	faiss_Index_free(f->faiss);
	f->faiss = read;
	if (faiss_IndexFlat_cast(read) == NULL ||
	    faiss_Index_metric_type(read) != METRIC_INNER_PRODUCT ||
	    faiss_Index_d(read) != (int)dim || flat_count(f) < n_min) {
		flat_free(f);
		return -EBADMSG;
	}
	*out = f;
	return 0;
}
