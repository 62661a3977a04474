/*
 * Dense algebra on floats, matrices row-major: by OpenBLAS (dense_blas.c), or in plain C where ragd
 * is built without it (dense_plain.c). On the caller's thread alone: what is learned is learned
 * while others are answered, and the products inside a search are too small to share.
 */
#ifndef RETRIEVAL_INDEX_DENSE_H
#define RETRIEVAL_INDEX_DENSE_H

#include <stddef.h>

float dense_dot(const float *x, const float *y, size_t n);
/* y += a x */
void dense_add(float a, const float *x, float *y, size_t n);
/* x *= a */
void dense_scale(float a, float *x, size_t n);

/* out[i * stride] = scale times row i of a[n][l] times x[l] */
void dense_times(const float *a, size_t n, size_t l, float scale, const float *x, float *out,
		 size_t stride);
/* Of a' a, where a is [n][l], the upper triangle into gram[l][l]. 0 or -ENOMEM. */
int dense_gram(const float *a, size_t n, size_t l, float *gram);
/*
 * The upper triangle of gram becomes r with r' r = gram; -ENODATA: gram is not positive definite,
 * and what is left there means nothing. Of finite numbers: a NaN may go through.
 */
int dense_cholesky(float *gram, size_t l);
/* a[n][l] times the inverse of r's upper triangle, in place. */
void dense_solve(float *a, size_t n, size_t l, const float *r);
/*
 * Eigenvalues of the symmetric matrix whose upper triangle is in gram, ascending; its rows become
 * the vectors. 0 or -ENOMEM.
 */
int dense_eigen(float *gram, size_t l, float *values);

#endif
