#include "retrieval/index/svd.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/dense.h"

#define OVERSAMPLE 16 /* further directions that are followed and then dropped */
#define ITERATIONS 3

struct work {
	const struct svd_matrix *m;
	uint32_t l;  /* directions followed */
	float *y;    /* [n_rows][l] */
	float *z;    /* [n_columns][l] */
	float *gram; /* [l][l] */
	bool (*stop)(void *arg);
	void *arg;
};

/* y = m z */
static void times_columns(struct work *w)
{
	const struct svd_matrix *m = w->m;
	size_t at = 0;

	memset(w->y, 0, m->n_rows * w->l * sizeof(*w->y));
	for (size_t i = 0; i < m->n_rows; i++)
		for (; at < m->ends[i]; at++)
			dense_add(m->values[at], w->z + (size_t)m->columns[at] * w->l,
				  w->y + i * w->l, w->l);
}

/* z = m' y */
static void times_rows(struct work *w)
{
	const struct svd_matrix *m = w->m;
	size_t at = 0;

	memset(w->z, 0, m->n_columns * w->l * sizeof(*w->z));
	for (size_t i = 0; i < m->n_rows; i++)
		for (; at < m->ends[i]; at++)
			dense_add(m->values[at], w->y + i * w->l,
				  w->z + (size_t)m->columns[at] * w->l, w->l);
}

/*
 * Make the columns of a[n][l] orthonormal, by Cholesky of their products. The small ridge lets it
 * pass where they are almost dependent; the iterations repair what it costs.
 */
static int columns_orthonormalise(struct work *w, float *a, size_t n)
{
	size_t l = w->l;
	float trace = 0;
	int rc = dense_gram(a, n, l, w->gram);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l; i++)
		trace += w->gram[i * l + i];
	if (!(trace > 0) || !isfinite(trace))
		return -ENODATA;
	for (size_t i = 0; i < l; i++)
		w->gram[i * l + i] += 1e-6f * trace / (float)l;
	rc = dense_cholesky(w->gram, l);
	if (rc == 0)
		dense_solve(a, n, l, w->gram);
	return rc;
}

/* Independent normal numbers, the same each time. */
static void fill_random(float *a, size_t n)
{
	uint64_t state = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < n; i++) {
		float sum = 0;

		/* Four uniform ones are normal enough to point anywhere. */
		for (int j = 0; j < 4; j++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			sum += (float)(state >> 40) / 16777216.0f - 0.5f;
		}
		a[i] = sum;
	}
}

/*
 * z = m' y with orthonormal y: its left singular vectors are m's right ones, approximately. They
 * are z times the eigenvectors of z' z, over the singular values.
 */
static int take_directions(struct work *w, uint32_t dim, float *out)
{
	float *values = malloc(w->l * sizeof(*values));
	size_t l = w->l;
	int rc;

	if (values == NULL)
		return -ENOMEM;
	rc = dense_gram(w->z, w->m->n_columns, l, w->gram);
	if (rc == 0)
		rc = dense_eigen(w->gram, l, values);
	if (rc == 0 && !(values[w->l - dim] > 1e-9f * values[w->l - 1]))
		rc = -ENODATA;
	for (uint32_t j = 0; rc == 0 && j < dim; j++) {
		uint32_t from = w->l - 1 - j; /* descending */
		float scale = 1 / sqrtf(values[from]);

		dense_times(w->z, w->m->n_columns, l, scale, w->gram + from * l, out + j, dim);
	}
	free(values);
	return rc;
}

static int subspace_iterate(struct work *w)
{
	int rc = 0;

	fill_random(w->z, w->m->n_columns * w->l);
	for (int i = 0; rc == 0 && i < ITERATIONS; i++) {
		if (w->stop != NULL && w->stop(w->arg))
			return -ECANCELED;
		if (i > 0)
			rc = columns_orthonormalise(w, w->z, w->m->n_columns);
		if (rc < 0)
			break;
		times_columns(w);
		rc = columns_orthonormalise(w, w->y, w->m->n_rows);
		if (rc == 0)
			times_rows(w);
	}
	return rc;
}

int svd_directions(const struct svd_matrix *m, uint32_t dim, bool (*stop)(void *arg), void *arg,
		   float *out)
{
	struct work w = { .m = m, .stop = stop, .arg = arg };
	size_t most = MIN(m->n_rows, m->n_columns);
	int rc;

	if (dim == 0 || dim >= most)
		return -ENODATA;
	w.l = (uint32_t)MIN(dim + OVERSAMPLE, most);
	w.y = malloc(m->n_rows * w.l * sizeof(*w.y));
	w.z = malloc(m->n_columns * w.l * sizeof(*w.z));
	w.gram = malloc((size_t)w.l * w.l * sizeof(*w.gram));
	rc = w.y != NULL && w.z != NULL && w.gram != NULL ? subspace_iterate(&w) : -ENOMEM;
	if (rc == 0)
		rc = take_directions(&w, dim, out);
	free(w.y);
	free(w.z);
	free(w.gram);
	return rc;
}
