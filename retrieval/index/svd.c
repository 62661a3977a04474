#include "retrieval/index/svd.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/util.h"

#define OVERSAMPLE 16 /* further directions that are followed and then dropped */
#define ITERATIONS 3

/* LAPACK, which OpenBLAS contains. */
extern void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
extern void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda,
		    float *w, float *work, const int *lwork, int *iwork, const int *liwork,
		    int *info);

struct work {
	const struct svd_matrix *m;
	uint32_t l;  /* directions followed */
	float *y;    /* [n_rows][l] */
	float *z;    /* [n_columns][l] */
	float *gram; /* [l][l] */
	bool (*stop)(void *arg);
	void *arg;
};

/*
 * One thread: fits run beside answers, and the products inside a search are too small to share. Only
 * when something is learned or searched, since the library is the process's.
 */
static void calm_openblas(void)
{
	openblas_set_num_threads(1);
}

static pthread_once_t calm_once = PTHREAD_ONCE_INIT;

/* y = m z */
static void times_columns(struct work *w)
{
	const struct svd_matrix *m = w->m;
	size_t at = 0;

	memset(w->y, 0, m->n_rows * w->l * sizeof(*w->y));
	for (size_t i = 0; i < m->n_rows; i++)
		for (; at < m->ends[i]; at++)
			cblas_saxpy((int)w->l, m->values[at], w->z + (size_t)m->columns[at] * w->l,
				    1, w->y + i * w->l, 1);
}

/* z = m' y */
static void times_rows(struct work *w)
{
	const struct svd_matrix *m = w->m;
	size_t at = 0;

	memset(w->z, 0, m->n_columns * w->l * sizeof(*w->z));
	for (size_t i = 0; i < m->n_rows; i++)
		for (; at < m->ends[i]; at++)
			cblas_saxpy((int)w->l, m->values[at], w->y + i * w->l, 1,
				    w->z + (size_t)m->columns[at] * w->l, 1);
}

/* gram = a' a, upper triangle in row-major order */
static void make_gram(struct work *w, const float *a, size_t n)
{
	int l = (int)w->l;

	cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, l, (int)n, 1, a, l, 0, w->gram, l);
}

/*
 * Make the columns of a[n][l] orthonormal, by Cholesky of their products. The small ridge lets it
 * pass where they are almost dependent; the iterations repair what it costs.
 */
static int orthonormalise(struct work *w, float *a, size_t n)
{
	int l = (int)w->l, info = 0;
	float trace = 0;

	make_gram(w, a, n);
	for (int i = 0; i < l; i++)
		trace += w->gram[i * l + i];
	if (!(trace > 0) || !isfinite(trace))
		return -ENODATA;
	for (int i = 0; i < l; i++)
		w->gram[i * l + i] += 1e-6f * trace / (float)l;
	/* Row-major upper is column-major lower. */
	spotrf_("L", &l, w->gram, &l, &info);
	if (info != 0)
		return -ENODATA;
	cblas_strsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)n, l, 1,
		    w->gram, l, a, l);
	return 0;
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

/* Eigenvectors of gram, ascending, in place: column-major, vector i at gram + i * l. */
static int eigen(struct work *w, float *values)
{
	int l = (int)w->l, info = 0, lwork = -1, liwork = -1, iwant = 0;
	float want = 0;
	float *work;
	int *iwork;

	ssyevd_("V", "L", &l, w->gram, &l, values, &want, &lwork, &iwant, &liwork, &info);
	lwork = (int)want + 1;
	liwork = iwant;
	work = malloc((size_t)lwork * sizeof(*work));
	iwork = malloc((size_t)liwork * sizeof(*iwork));
	if (work != NULL && iwork != NULL)
		ssyevd_("V", "L", &l, w->gram, &l, values, work, &lwork, iwork, &liwork, &info);
	else
		info = 1;
	free(work);
	free(iwork);
	return info == 0 ? 0 : -ENOMEM;
}

/*
 * z = m' y with orthonormal y: its left singular vectors are m's right ones, approximately. They are z
 * times the eigenvectors of z' z, over the singular values.
 */
static int take_directions(struct work *w, uint32_t dim, float *out)
{
	float *values = malloc(w->l * sizeof(*values));
	int l = (int)w->l, rc;

	if (values == NULL)
		return -ENOMEM;
	make_gram(w, w->z, w->m->n_columns);
	rc = eigen(w, values);
	if (rc == 0 && !(values[w->l - dim] > 1e-9f * values[w->l - 1]))
		rc = -ENODATA;
	for (uint32_t j = 0; rc == 0 && j < dim; j++) {
		uint32_t from = w->l - 1 - j; /* descending */
		float scale = 1 / sqrtf(values[from]);

		cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)w->m->n_columns, l, scale, w->z, l,
			    w->gram + (size_t)from * w->l, 1, 0, out + j, (int)dim);
	}
	free(values);
	return rc;
}

static int iterate(struct work *w)
{
	int rc = 0;

	fill_random(w->z, w->m->n_columns * w->l);
	for (int i = 0; rc == 0 && i < ITERATIONS; i++) {
		if (w->stop != NULL && w->stop(w->arg))
			return -ECANCELED;
		if (i > 0)
			rc = orthonormalise(w, w->z, w->m->n_columns);
		if (rc < 0)
			break;
		times_columns(w);
		rc = orthonormalise(w, w->y, w->m->n_rows);
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
	pthread_once(&calm_once, calm_openblas);
	w.l = (uint32_t)MIN(dim + OVERSAMPLE, most);
	w.y = malloc(m->n_rows * w.l * sizeof(*w.y));
	w.z = malloc(m->n_columns * w.l * sizeof(*w.z));
	w.gram = malloc((size_t)w.l * w.l * sizeof(*w.gram));
	rc = w.y != NULL && w.z != NULL && w.gram != NULL ? iterate(&w) : -ENOMEM;
	if (rc == 0)
		rc = take_directions(&w, dim, out);
	free(w.y);
	free(w.z);
	free(w.gram);
	return rc;
}
