#include "retrieval/index/dense.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <cblas.h>

/* LAPACK, which OpenBLAS contains. What is upper to us, by rows, is lower to it, by columns. */
extern void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
extern void ssyevd_(const char *jobz, const char *uplo, const int *n, float *a, const int *lda,
		    float *w, float *work, const int *lwork, int *iwork, const int *liwork,
		    int *info);

/* Only when something is learned, since the number is the process's. */
static void openblas_calm(void)
{
	openblas_set_num_threads(1);
}

static pthread_once_t calm_once = PTHREAD_ONCE_INIT;

float dense_dot(const float *x, const float *y, size_t n)
{
	return cblas_sdot((int)n, x, 1, y, 1);
}

void dense_add(float a, const float *x, float *y, size_t n)
{
	cblas_saxpy((int)n, a, x, 1, y, 1);
}

void dense_scale(float a, float *x, size_t n)
{
	cblas_sscal((int)n, a, x, 1);
}

void dense_times(const float *a, size_t n, size_t l, float scale, const float *x, float *out,
		 size_t stride)
{
	pthread_once(&calm_once, openblas_calm);
	cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)n, (int)l, scale, a, (int)l, x, 1, 0, out,
		    (int)stride);
}

int dense_gram(const float *a, size_t n, size_t l, float *gram)
{
	pthread_once(&calm_once, openblas_calm);
	cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, (int)l, (int)n, 1, a, (int)l, 0, gram,
		    (int)l);
	return 0;
}

int dense_cholesky(float *gram, size_t l)
{
	int n = (int)l, info = 0;

	spotrf_("L", &n, gram, &n, &info);
	return info == 0 ? 0 : -ENODATA;
}

void dense_solve(float *a, size_t n, size_t l, const float *r)
{
	cblas_strsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)n,
		    (int)l, 1, r, (int)l, a, (int)l);
}

int dense_eigen(float *gram, size_t l, float *values)
{
	int n = (int)l, info = 0, lwork = -1, liwork = -1, iwant = 0;
	float want = 0;
	float *work;
	int *iwork;

	ssyevd_("V", "L", &n, gram, &n, values, &want, &lwork, &iwant, &liwork, &info);
	lwork = (int)want + 1;
	liwork = iwant;
	work = malloc((size_t)lwork * sizeof(*work));
	iwork = malloc((size_t)liwork * sizeof(*iwork));
	if (work != NULL && iwork != NULL)
		ssyevd_("V", "L", &n, gram, &n, values, work, &lwork, iwork, &liwork, &info);
	else
		info = 1;
	free(work);
	free(iwork);
	return info == 0 ? 0 : -ENOMEM;
}
