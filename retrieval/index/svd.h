/* The main directions of a sparse matrix, by randomised subspace iteration. */
#ifndef RETRIEVAL_SVD_H
#define RETRIEVAL_SVD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of (column, value). */
struct svd_matrix {
	const uint32_t *columns; /* [ends[n_rows - 1]] */
	const float *values;
	const size_t *ends; /* [n_rows] */
	size_t n_rows;
	size_t n_columns;
};

/*
 * The `dim` right singular vectors with the largest singular values, approximately:
 * out[n_columns][dim], column j of it of length 1, largest first. Returns 0, -ENOMEM, -ENODATA
 * (rank below dim), -ECANCELED (stop said so).
 */
int svd_directions(const struct svd_matrix *m, uint32_t dim, bool (*stop)(void *arg), void *arg,
		   float *out);

#endif
